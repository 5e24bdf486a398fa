//! Grype's JSON report. Written from its published schema; Grype itself was not run.

use serde_json::Value as Json;

use super::finding::{Finding, Kind, Severity};
use super::report::{Report, list, maybe, part, text};

pub(super) fn read(json: &Json) -> Result<Report, String> {
    let descriptor = part(json, "descriptor")?;
    let source = part(json, "source")?;
    let target = part(source, "target")?;
    let mut targets = Vec::new();
    match target {
        Json::String(path) => targets.push(path.clone()),
        image => {
            targets.push(text(image, "userInput")?.to_owned());
            targets.extend(maybe(image, "imageID"));
            for key in ["tags", "repoDigests"] {
                targets.extend(
                    list(image, key)?
                        .iter()
                        .filter_map(Json::as_str)
                        .map(str::to_owned),
                );
            }
        }
    }
    part(json, "matches")?;
    let mut findings = Vec::new();
    for found in list(json, "matches")? {
        let vulnerability = part(found, "vulnerability")?;
        let artifact = part(found, "artifact")?;
        let id = text(vulnerability, "id")?;
        let fixed: Vec<&str> = vulnerability
            .get("fix")
            .map(|fix| list(fix, "versions"))
            .transpose()?
            .unwrap_or_default()
            .iter()
            .filter_map(Json::as_str)
            .collect();
        let place = list(artifact, "locations")?.first();
        findings.push(Finding {
            id: id.to_owned(),
            kind: Kind::Vulnerability,
            severity: Severity::of(text(vulnerability, "severity")?)?,
            title: maybe(vulnerability, "description").unwrap_or_else(|| id.to_owned()),
            package: Some(text(artifact, "name")?.to_owned()),
            installed: maybe(artifact, "version"),
            fixed: (!fixed.is_empty()).then(|| fixed.join(", ")),
            file: place.and_then(|p| maybe(p, "path")),
            line: None,
            layer: place.and_then(|p| maybe(p, "layerID")),
            url: maybe(vulnerability, "dataSource"),
            aliases: list(found, "relatedVulnerabilities")?
                .iter()
                .filter_map(|v| maybe(v, "id"))
                .filter(|other| other != id)
                .collect(),
        });
    }
    Ok(Report {
        scanner: "grype".to_owned(),
        version: maybe(descriptor, "version"),
        targets,
        created: maybe(descriptor, "timestamp").and_then(|t| t.parse().ok()),
        findings,
    })
}
