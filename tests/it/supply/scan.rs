//! Scanners: what they find, and that one which could not look is never clean.

use std::path::Path;

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::tools::Grants;

use super::{put, recorded};
use crate::support::actions::Stage;

/// A Trivy that writes a report, says how old its database is, and ends with a code.
fn trivy(stage: &mut Stage, report: &str, exit: i32, updated: &str) {
    let here = stage.path("outside").display().to_string();
    stage.file("outside/report", report);
    let script = format!(
        "if [ \"$1\" = version ]; then echo '{{\"VulnerabilityDB\": {{\"UpdatedAt\": \"{updated}\"}}}}'; exit 0; fi\n\
         while [ $# -gt 0 ]; do [ \"$1\" = --output ] && out=$2; shift; done\ncp {here}/report \"$out\"; exit {exit}"
    );
    put(stage, "scan", "trivy", &script);
}

/// The recorded report, as if it were about this archive.
fn about(stage: &Stage, name: &str) -> String {
    let mut report: Json = serde_json::from_str(&recorded(name)).unwrap();
    report["ArtifactName"] = json!(stage.path("project/specs/image.tar").display().to_string());
    report.to_string()
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

async fn scan(stage: &Stage, params: Json) -> Result<Json, Failure> {
    stage.file("project/specs/image.tar", "an image");
    let mut all = json!({"archive": "image.tar", "update_database": false});
    all.as_object_mut()
        .unwrap()
        .extend(params.as_object().unwrap().clone());
    stage.run("scan.image", all, Grants::open()).await
}

#[tokio::test]
async fn an_image_with_something_in_it_and_one_without() {
    let mut stage = Stage::new();
    let report = about(&stage, "trivy/vuln_secret_leaky.json");
    trivy(&mut stage, &report, 10, &now());
    let got = scan(&stage, json!({})).await.unwrap();
    assert_eq!(got["vulnerabilities"]["critical"], 1, "{got}");
    assert_eq!(got["vulnerabilities"]["high"], 1);
    assert!(got["secrets"]["total"].as_u64().unwrap() >= 3);
    assert_eq!(got["findings"][0]["severity"], "critical");
    let numpy = got["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["package"] == "numpy")
        .unwrap();
    assert_eq!(numpy["id"], "CVE-0000-00001");
    assert_eq!(numpy["installed"], "1.26.4");
    assert_eq!(numpy["fixed"], "1.27.0");
    assert!(numpy["layer"].as_str().unwrap().starts_with("sha256:"));
    assert!(
        !got.to_string().contains("BEGIN PRIVATE KEY"),
        "no part of a secret is told"
    );

    let report = about(&stage, "trivy/vuln_secret_clean.json");
    trivy(&mut stage, &report, 0, &now());
    let got = scan(&stage, json!({})).await.unwrap();
    assert_eq!(got["vulnerabilities"]["total"], 0);
    assert_eq!(got["secrets"]["total"], 0);
    // Without looking for vulnerabilities nothing is said of them.
    let report = about(&stage, "trivy/secret_clean.json");
    trivy(&mut stage, &report, 0, &now());
    let got = scan(&stage, json!({"look_for": ["secrets"]})).await.unwrap();
    assert_eq!(got.get("vulnerabilities"), None);
    assert_eq!(got["secrets"]["total"], 0);
}

#[tokio::test]
async fn a_scanner_that_could_not_look_is_never_clean() {
    let mut stage = Stage::new();
    let fatal = |stage: &mut Stage, file: &str| {
        let here = stage.path("outside").display().to_string();
        stage.file("outside/err", recorded(file));
        put(stage, "scan", "trivy", &format!("cat {here}/err >&2; exit 1"));
    };
    fatal(&mut stage, "trivy/vuln_no_db_skip_update.stderr.txt");
    let failure = scan(&stage, json!({})).await.unwrap_err();
    assert_eq!(failure.class, Class::Missing, "{failure:?}");
    assert!(failure.message.contains("no database"), "{failure:?}");
    fatal(&mut stage, "trivy/no_such_file.stderr.txt");
    assert_eq!(scan(&stage, json!({})).await.unwrap_err().class, Class::NotFound);

    let clean = about(&stage, "trivy/vuln_secret_clean.json");
    let leaky = about(&stage, "trivy/vuln_secret_leaky.json");
    let other = recorded("trivy/vuln_secret_clean.json");
    let words = leaky.replace("\"CRITICAL\"", "\"DREADFUL\"");
    for (report, exit, says) in [
        (clean.as_str(), 10, "holds 0 findings"),
        (leaky.as_str(), 0, "findings"),
        (other.as_str(), 0, "is about"),
        (words.as_str(), 10, "DREADFUL"),
        ("", 0, "is empty"),
        (&clean[..clean.len() / 2], 0, "no whole report"),
        ("{}", 0, "SchemaVersion"),
        ("{\"SchemaVersion\": 2}", 0, "ArtifactName"),
        ("<html>", 0, "no whole report"),
    ] {
        trivy(&mut stage, report, exit, &now());
        let failure = scan(&stage, json!({})).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{says}: {failure:?}");
        assert!(failure.message.contains(says), "{says}: {failure:?}");
    }
}

#[tokio::test]
async fn an_old_database_makes_the_step_inconclusive() {
    for (updated, verdict) in [
        (now(), Verdict::Passed),
        ("2020-01-01T00:00:00Z".to_owned(), Verdict::Inconclusive),
        ("never".to_owned(), Verdict::Inconclusive),
    ] {
        let mut stage = Stage::new();
        let report = about(&stage, "trivy/vuln_secret_clean.json");
        trivy(&mut stage, &report, 0, &updated);
        stage.file("project/specs/image.tar", "an image");
        let context = stage.context(Grants::open());
        let action = REGISTRY.get("scan.image").unwrap();
        let params = json!({"archive": "image.tar", "update_database": false});
        action.run(params, &context).await.unwrap();
        let own = context.checks.take();
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].outcome.verdict, verdict, "{updated}: {:?}", own[0].outcome);
    }
}

#[tokio::test]
async fn an_accepted_finding_has_a_reason_and_an_end() {
    let mut stage = Stage::new();
    let report = about(&stage, "trivy/vuln_secret_leaky.json");
    trivy(&mut stage, &report, 10, &now());
    let ignore = json!([
        {"id": "CVE-0000-00001", "package": "numpy", "until": "2999-01-01", "because": "not reachable; QA, ticket 7"},
        {"id": "CVE-2018-18074", "until": "2020-01-01", "because": "waited for the vendor"},
        {"id": "CVE-1111-11111", "until": "2999-01-01", "because": "was there once"},
    ]);
    let got = scan(&stage, json!({"ignore": ignore})).await.unwrap();
    assert_eq!(got["vulnerabilities"]["critical"], 0);
    assert_eq!(got["vulnerabilities"]["high"], 1, "its day is over");
    assert_eq!(got["ignored"][0]["finding"]["id"], "CVE-0000-00001");
    assert_eq!(got["ignored"][0]["because"], "not reachable; QA, ticket 7");
    assert_eq!(got["expired_ignores"], json!(["CVE-2018-18074"]));
    assert_eq!(got["unused_ignores"], json!(["CVE-1111-11111"]));
    let wrong = json!([{"id": "CVE-1", "until": "soon", "because": "x"}]);
    let failure = scan(&stage, json!({"ignore": wrong})).await.unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    assert!(failure.message.contains("`soon` is no day"), "{failure:?}");
}

#[tokio::test]
async fn secrets_in_a_folder() {
    let mut stage = Stage::new();
    stage.file("project/specs/app/settings.py", "nothing");
    let here = stage.path("outside").display().to_string();
    let gitleaks = |stage: &mut Stage, report: &str, exit: i32| {
        stage.file("outside/report", report);
        put(
            stage,
            "scan",
            "gitleaks",
            &format!(
                "echo \"$@\" >{here}/asked\nwhile [ $# -gt 0 ]; do [ \"$1\" = --report-path ] && out=$2; shift; done\n\
                 cp {here}/report \"$out\"; exit {exit}"
            ),
        );
    };
    let run = async |stage: &Stage| {
        stage
            .run("scan.secrets", json!({"path": "app"}), Grants::open())
            .await
    };
    gitleaks(&mut stage, &recorded("gitleaks/leaky.json"), 10);
    let got = run(&stage).await.unwrap();
    assert!(got["secrets"]["total"].as_u64().unwrap() >= 2);
    assert_eq!(got.get("vulnerabilities"), None);
    assert!(
        !got.to_string().contains("REDACTED"),
        "what was found is not told"
    );
    gitleaks(&mut stage, &recorded("gitleaks/clean.json"), 0);
    assert_eq!(run(&stage).await.unwrap()["secrets"]["total"], 0);
    let asked = std::fs::read_to_string(Path::new(&here).join("asked")).unwrap();
    assert!(asked.starts_with("dir --redact"), "{asked}");
    // gitleaks ends with 1 for what it could not do, too.
    gitleaks(&mut stage, &recorded("gitleaks/clean.json"), 1);
    assert_eq!(run(&stage).await.unwrap_err().class, Class::ExitCode);
    gitleaks(&mut stage, "{}", 0);
    assert_eq!(run(&stage).await.unwrap_err().class, Class::UnreadableAnswer);
    // Who can change the folder cannot hide a secret in it.
    stage.file("project/specs/app/.gitleaksignore", "x");
    let failure = run(&stage).await.unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    assert!(failure.help.unwrap().contains("own_rules: used"));
    std::fs::remove_file(stage.path("project/specs/app/.gitleaksignore")).unwrap();
    // A clone without its beginning has no history to speak of.
    let history = json!({"path": "app", "history": true});
    gitleaks(&mut stage, &recorded("gitleaks/clean.json"), 0);
    stage.file("project/specs/.git/HEAD", "ref: refs/heads/main");
    stage
        .run("scan.secrets", history.clone(), Grants::open())
        .await
        .unwrap();
    stage.file("project/specs/.git/shallow", "8a1f\n");
    let failure = stage
        .run("scan.secrets", history, Grants::open())
        .await
        .unwrap_err();
    assert!(failure.message.contains("shallow clone"), "{failure}");
    run(&stage).await.unwrap();
    let gone = stage
        .run("scan.secrets", json!({"path": "gone"}), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(gone.class, Class::Missing);
}

#[tokio::test]
async fn reports_of_other_jobs_are_held_to_what_they_are_about() {
    let stage = Stage::new();
    for name in [
        "trivy/vuln_secret_leaky.json",
        "trivy/vuln_leaky.sarif",
        "gitleaks/leaky.sarif",
        "gitleaks/leaky.json",
    ] {
        stage.file(
            &format!("project/specs/{}", name.split('/').next_back().unwrap()),
            recorded(name),
        );
    }
    let run = async |params: Json| stage.run("scan.report", params, Grants::open()).await;
    let both = json!(["vulnerabilities", "secrets"]);
    let trivy = run(
        json!({"path": "vuln_secret_leaky.json", "form": "trivy", "of": "leaky.tar", "looked_for": both}),
    )
    .await
    .unwrap();
    assert_eq!(trivy["vulnerabilities"]["critical"], 1);
    let sarif = run(json!({
        "path": "vuln_leaky.sarif", "form": "sarif", "of": "leaky.tar", "looked_for": ["vulnerabilities"],
    }))
    .await
    .unwrap();
    // Both have the level `error` in SARIF.
    assert_eq!(sarif["vulnerabilities"]["critical"], 1, "{sarif}");
    assert_eq!(sarif["vulnerabilities"]["high"], 1);
    assert_eq!(sarif["scanner"], "Trivy");
    let leaks = run(json!({"path": "leaky.json", "form": "gitleaks", "looked_for": ["secrets"]}))
        .await
        .unwrap();
    assert!(leaks["secrets"]["high"].as_u64().unwrap() >= 2);

    let other =
        run(json!({"path": "vuln_secret_leaky.json", "form": "trivy", "of": "mine", "looked_for": both}))
            .await
            .unwrap_err();
    assert_eq!(other.class, Class::Invalid);
    assert!(other.message.contains("is about leaky.tar"), "{other:?}");
    let silent =
        run(json!({"path": "leaky.sarif", "form": "sarif", "of": "mine", "looked_for": ["secrets"]}))
            .await
            .unwrap_err();
    assert!(silent.message.contains("does not say"), "{silent:?}");
    let old = run(json!({
        "path": "vuln_secret_leaky.json", "form": "trivy", "of": "leaky.tar", "looked_for": both, "max_age": "1ms",
    }))
    .await
    .unwrap_err();
    assert!(old.message.contains("old; at most"), "{old:?}");
    let undated = run(json!({
        "path": "leaky.json", "form": "gitleaks", "looked_for": ["secrets"], "max_age": "1d",
    }))
    .await
    .unwrap_err();
    assert!(undated.message.contains("when it was written"), "{undated:?}");
}
