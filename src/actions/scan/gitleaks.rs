//! gitleaks' JSON report: a bare list, empty when nothing was found. It names neither what was looked at nor a
//! severity: what looks like a secret counts as high.

use serde_json::Value as Json;

use super::finding::{Finding, Kind, Severity};
use super::report::{Report, maybe, text};

pub(super) fn read(json: &Json) -> Result<Report, String> {
    let items = json.as_array().ok_or("it is no list")?;
    let mut findings = Vec::new();
    for found in items {
        // `Secret` and `Match` may hold the secret itself: they are not read.
        let file = text(found, "File")?;
        let commit = maybe(found, "Commit");
        findings.push(Finding {
            id: text(found, "RuleID")?.to_owned(),
            kind: Kind::Secret,
            severity: Severity::High,
            title: text(found, "Description")?.to_owned(),
            package: None,
            installed: None,
            fixed: None,
            file: Some(match commit {
                Some(commit) => format!("{file}@{commit}"),
                None => file.to_owned(),
            }),
            line: found.get("StartLine").and_then(Json::as_u64),
            layer: None,
            url: None,
            aliases: Vec::new(),
        });
    }
    Ok(Report {
        scanner: "gitleaks".to_owned(),
        findings,
        ..Report::default()
    })
}
