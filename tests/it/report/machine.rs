//! Formats for machines: JSON, CTRF and SARIF, each against a schema.

use serde_json::{Value as Json, json};
use specrun::report::{Format, Report, json as json_report};

use super::{every_verdict, text};

fn valid(schema: &Json, document: &Json) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(document)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn json_fits_its_schema_and_reads_back_the_same() {
    let report = every_verdict();
    let text = text(Format::Json, &report);
    let document: Json = serde_json::from_str(&text).unwrap();
    valid(json_report::schema().as_value(), &document);
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    assert_eq!(
        document["counts"]["specs"],
        json!({"passed": 2, "failed": 4, "inconclusive": 1, "errored": 1, "blocked": 1, "cancelled": 1})
    );
    assert_eq!(document["counts"]["flaky"], 1);
    assert_eq!(document["counts"]["cleanup_open"], 1);
    assert_eq!(document["counts"]["checks_skipped"], 1);
}

#[test]
fn ctrf_fits_its_schema_and_counts_every_spec() {
    let report = every_verdict();
    let document: Json = serde_json::from_str(&text(Format::Ctrf, &report)).unwrap();
    let schema: Json = serde_json::from_str(include_str!("../../schemas/ctrf.schema.json")).unwrap();
    valid(&schema, &document);
    let s = &document["results"]["summary"];
    let counts: Vec<_> = ["tests", "passed", "failed", "skipped", "other", "flaky"]
        .map(|k| s[k].as_u64().unwrap())
        .into();
    assert_eq!(counts, [10, 2, 5, 1, 2, 1]);
    assert_eq!(document["results"]["summary"]["start"], 1_795_692_652_000_i64);
    let tests = document["results"]["tests"].as_array().unwrap();
    let slow = tests
        .iter()
        .find(|t| t["name"].as_str().unwrap().starts_with("T07"))
        .unwrap();
    assert_eq!(slow["rawStatus"], "failed");
    assert_eq!(slow["steps"].as_array().unwrap().len(), 4);
}

#[test]
fn sarif_has_findings_and_failed_security_checks_only() {
    let report = every_verdict();
    let document: Json = serde_json::from_str(&text(Format::Sarif, &report)).unwrap();
    let schema: Json = serde_json::from_str(include_str!("../../schemas/sarif.schema.json")).unwrap();
    valid(&schema, &document);
    let results = document["runs"][0]["results"].as_array().unwrap();
    let got: Vec<_> = results
        .iter()
        .map(|r| {
            (
                r["ruleId"].as_str().unwrap(),
                r["level"].as_str().unwrap(),
                r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                    .as_str()
                    .unwrap(),
            )
        })
        .collect();
    assert_eq!(
        got,
        [
            ("CVE-2026-0001", "error", "usr/lib/libssl.so"),
            ("specrun/T11", "error", "specs/security/T11.yaml"),
            ("specrun/T14", "warning", "specs/security/T14.yaml"),
            ("CVE-2026-0002", "note", "specs/security/T11.yaml"),
        ]
    );
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for r in results {
        let index = usize::try_from(r["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], r["ruleId"]);
    }
}
