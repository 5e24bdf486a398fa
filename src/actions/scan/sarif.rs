//! SARIF 2.1.0 (OASIS), as Trivy, Grype and gitleaks write it. Only its `level` is required by the standard, and Trivy
//! gives critical and high findings the same one; so the rule's own words decide: a severity among its tags, else its
//! `security-severity`, else the level.

use serde_json::Value as Json;

use super::finding::{Finding, Kind, Severity};
use super::report::{Report, list, maybe, part, text};

pub(super) fn read(json: &Json) -> Result<Report, String> {
    if text(json, "version")? != "2.1.0" {
        return Err("its `version` is not 2.1.0".to_owned());
    }
    part(json, "runs")?;
    let runs = list(json, "runs")?;
    if runs.is_empty() {
        return Err("it has no run: nothing was looked at".to_owned());
    }
    let mut report = Report::default();
    for run in runs {
        let driver = part(part(run, "tool")?, "driver")?;
        text(driver, "name")?.clone_into(&mut report.scanner);
        report.version = maybe(driver, "version").or_else(|| maybe(driver, "semanticVersion"));
        if let Some(properties) = run.get("properties") {
            report.targets.extend(maybe(properties, "imageName"));
            report.targets.extend(maybe(properties, "imageID"));
            for key in ["repoTags", "repoDigests"] {
                report.targets.extend(
                    list(properties, key)?
                        .iter()
                        .filter_map(Json::as_str)
                        .map(str::to_owned),
                );
            }
        }
        for invocation in list(run, "invocations")? {
            if invocation.get("executionSuccessful").and_then(Json::as_bool) == Some(false) {
                return Err(format!("{} says that its run was not successful", report.scanner));
            }
        }
        // SARIF: a run that has no `results` at all was not made (section 3.14.23).
        part(run, "results")?;
        let rules = list(driver, "rules")?;
        for result in list(run, "results")? {
            report.findings.push(finding(result, rules)?);
        }
    }
    Ok(report)
}

fn finding(result: &Json, rules: &[Json]) -> Result<Finding, String> {
    let id = text(result, "ruleId")?;
    let rule = result
        .get("ruleIndex")
        .and_then(Json::as_u64)
        .and_then(|i| rules.get(i as usize))
        .filter(|rule| maybe(rule, "id").as_deref() == Some(id))
        .or_else(|| rules.iter().find(|rule| maybe(rule, "id").as_deref() == Some(id)));
    let place = list(result, "locations")?
        .first()
        .and_then(|l| l.get("physicalLocation"));
    let is_secret = rule.is_some_and(|r| {
        maybe(r, "name").as_deref() == Some("Secret") || tags(r).any(|tag| tag.eq_ignore_ascii_case("secret"))
    });
    let is_vulnerability = id.starts_with("CVE-")
        || id.starts_with("GHSA-")
        || rule.is_some_and(|r| tags(r).any(|tag| tag.eq_ignore_ascii_case("vulnerability")));
    let kind = match (is_secret, is_vulnerability) {
        (true, _) => Kind::Secret,
        (_, true) => Kind::Vulnerability,
        // gitleaks marks nothing: everything it reports is a secret, and says so.
        _ if part(result, "message")
            .and_then(|m| text(m, "text"))
            .is_ok_and(|t| t.contains("detected secret")) =>
        {
            Kind::Secret
        }
        _ => Kind::Other,
    };
    // The message and the snippet of a secret may hold it.
    let described = rule
        .and_then(|r| r.get("shortDescription"))
        .and_then(|d| maybe(d, "text"));
    Ok(Finding {
        id: id.to_owned(),
        kind,
        severity: severity(result, rule, kind)?,
        title: described.unwrap_or_else(|| id.to_owned()),
        package: None,
        installed: None,
        fixed: None,
        file: place
            .and_then(|p| p.get("artifactLocation"))
            .and_then(|a| maybe(a, "uri")),
        line: place
            .and_then(|p| p.get("region"))
            .and_then(|r| r.get("startLine"))
            .and_then(Json::as_u64),
        layer: None,
        url: rule.and_then(|r| maybe(r, "helpUri")),
        aliases: Vec::new(),
    })
}

fn tags(rule: &Json) -> impl Iterator<Item = &str> {
    rule.get("properties")
        .and_then(|p| p.get("tags"))
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
}

fn severity(result: &Json, rule: Option<&Json>, kind: Kind) -> Result<Severity, String> {
    if let Some(rule) = rule {
        if let Some(word) = tags(rule).find_map(|tag| Severity::of(tag).ok()) {
            return Ok(word);
        }
        if let Some(score) = rule.get("properties").and_then(|p| maybe(p, "security-severity")) {
            return Severity::of_score(&score);
        }
    }
    let level = maybe(result, "level").or_else(|| {
        rule.and_then(|r| r.get("defaultConfiguration"))
            .and_then(|d| maybe(d, "level"))
    });
    // `warning` is what SARIF means when nothing is said (section 3.27.10).
    match (kind, level.as_deref().unwrap_or("warning")) {
        (Kind::Secret, _) | (_, "error") => Ok(Severity::High),
        (_, "warning") => Ok(Severity::Medium),
        (_, "note") => Ok(Severity::Low),
        (_, "none") => Ok(Severity::Negligible),
        (_, other) => Err(format!("the level `{other}` is not known")),
    }
}
