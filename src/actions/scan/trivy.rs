//! Trivy's JSON report, schema version 2 (recorded from 0.59.1; newer versions add keys, which are not looked at).

use serde_json::Value as Json;

use super::finding::{Finding, Kind, Severity};
use super::report::{Report, list, maybe, part, text};

pub(super) fn read(json: &Json) -> Result<Report, String> {
    match part(json, "SchemaVersion")?.as_u64() {
        Some(2) => {}
        _ => return Err("its `SchemaVersion` is not 2".to_owned()),
    }
    let mut targets = vec![text(json, "ArtifactName")?.to_owned()];
    if let Some(metadata) = json.get("Metadata") {
        targets.extend(maybe(metadata, "ImageID"));
        for key in ["RepoTags", "RepoDigests"] {
            targets.extend(
                list(metadata, key)?
                    .iter()
                    .filter_map(Json::as_str)
                    .map(str::to_owned),
            );
        }
    }
    let mut findings = Vec::new();
    for result in list(json, "Results")? {
        let target = text(result, "Target")?;
        for found in list(result, "Vulnerabilities")? {
            findings.push(vulnerability(found, target)?);
        }
        for found in list(result, "Secrets")? {
            findings.push(Finding {
                kind: Kind::Secret,
                line: found.get("StartLine").and_then(Json::as_u64),
                ..in_file(found, "RuleID", target)?
            });
        }
        for found in list(result, "Misconfigurations")? {
            findings.push(Finding {
                url: maybe(found, "PrimaryURL"),
                ..in_file(found, "ID", target)?
            });
        }
    }
    Ok(Report {
        scanner: "trivy".to_owned(),
        version: json.get("Trivy").and_then(|t| maybe(t, "Version")),
        targets,
        created: maybe(json, "CreatedAt").and_then(|t| t.parse().ok()),
        findings,
    })
}

fn vulnerability(found: &Json, target: &str) -> Result<Finding, String> {
    let id = text(found, "VulnerabilityID")?;
    Ok(Finding {
        id: id.to_owned(),
        kind: Kind::Vulnerability,
        severity: Severity::of(text(found, "Severity")?)?,
        title: maybe(found, "Title").unwrap_or_else(|| id.to_owned()),
        package: Some(text(found, "PkgName")?.to_owned()),
        installed: maybe(found, "InstalledVersion"),
        fixed: maybe(found, "FixedVersion"),
        file: Some(maybe(found, "PkgPath").unwrap_or_else(|| target.to_owned())),
        line: None,
        layer: layer(found),
        url: maybe(found, "PrimaryURL"),
        aliases: list(found, "VendorIDs")?
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
    })
}

/// What is wrong in a file rather than with a package.
fn in_file(found: &Json, id: &str, target: &str) -> Result<Finding, String> {
    Ok(Finding {
        id: text(found, id)?.to_owned(),
        kind: Kind::Other,
        severity: Severity::of(text(found, "Severity")?)?,
        title: text(found, "Title")?.to_owned(),
        package: None,
        installed: None,
        fixed: None,
        file: Some(target.to_owned()),
        line: None,
        layer: layer(found),
        url: None,
        aliases: Vec::new(),
    })
}

fn layer(found: &Json) -> Option<String> {
    let layer = found.get("Layer")?;
    maybe(layer, "DiffID").or_else(|| maybe(layer, "Digest"))
}
