//! The families cosign and scan: answers of the real programs, recorded, played back by a program of the same name.
//! The real programs are run in the lab's tests.

mod cosign;
mod scan;

use serde_json::json;
use specrun::tools::Endpoint;

use crate::support::actions::{Stage, mistakes};
use crate::support::root;

fn recorded(path: &str) -> String {
    std::fs::read_to_string(root().join("tests/recorded").join(path)).unwrap()
}

/// Puts a program in the place of `name`.
fn put(stage: &mut Stage, family: &str, name: &str, script: &str) {
    let path = stage.program(&format!("outside/{name}"), script);
    let endpoint = stage
        .endpoints
        .0
        .entry(family.to_owned())
        .or_insert_with(|| Endpoint {
            family: family.to_owned(),
            ..Endpoint::default()
        });
    let programs = endpoint
        .settings
        .entry("programs".to_owned())
        .or_insert_with(|| json!({}));
    programs[name] = json!(path.display().to_string());
}

#[test]
fn parameters_that_contradict_each_other_are_named_before_the_run() {
    for (action, params, says) in [
        ("cosign.verify", json!({"key": "k"}), "what is verified?"),
        (
            "cosign.verify",
            json!({"image": "i", "blob": "b", "key": "k"}),
            "exclude each other",
        ),
        ("cosign.verify", json!({"image": "i"}), "by whom?"),
        (
            "cosign.verify",
            json!({"image": "i", "certificate_identity": "me"}),
            "certificate_oidc_issuer",
        ),
        (
            "cosign.verify",
            json!({"blob": "b", "key": "k"}),
            "`signature` or `bundle`",
        ),
        (
            "cosign.verify",
            json!({"image": "i", "key": "k", "bundle": "b"}),
            "lie in the registry",
        ),
        (
            "cosign.sign",
            json!({"image": "i:latest", "key": "k"}),
            "by its digest",
        ),
        ("cosign.sign", json!({"key": "k"}), "what is signed?"),
        ("scan.image", json!({}), "what is scanned?"),
        (
            "scan.image",
            json!({"image": "i", "scanner": "grype"}),
            "Grype looks for no secrets",
        ),
        ("scan.image", json!({"image": "i", "look_for": []}), "look_for"),
        (
            "scan.image",
            json!({"image": "i", "ignore": [{"id": "CVE-1", "because": "x"}]}),
            "until",
        ),
        (
            "scan.report",
            json!({"path": "r", "form": "trivy", "looked_for": ["secrets"]}),
            "of what",
        ),
        (
            "scan.report",
            json!({"path": "r", "form": "gitleaks", "of": "x", "looked_for": ["secrets"]}),
            "do not say",
        ),
    ] {
        let all = mistakes(action, &params).join("; ");
        assert!(all.contains(says), "{action} {params}: {all}");
    }
}
