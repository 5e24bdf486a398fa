//! The families cosign and scan: answers of the real programs, recorded, played back by a program of the same name.
//! The real programs are run in the lab's tests.

use std::path::Path;

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure, ParamSchema};
use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::tools::{Endpoint, Grants};

use crate::support::actions::{Stage, only};
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

/// A cosign that answers as the real one did, and leaves its arguments in `outside/asked`.
fn cosign(stage: &mut Stage, name: &str) {
    let answer: Json = serde_json::from_str(&recorded(&format!("cosign/{name}.json"))).unwrap();
    stage.file("outside/out", answer["stdout"].as_str().unwrap());
    stage.file("outside/err", answer["stderr"].as_str().unwrap());
    let here = stage.path("outside").display().to_string();
    let exit = answer["exit"].as_i64().unwrap();
    put(
        stage,
        "cosign",
        "cosign",
        &format!("echo \"$@\" >{here}/asked; cat {here}/out; cat {here}/err >&2; exit {exit}"),
    );
}

fn image() -> Json {
    json!({
        "image": "127.0.0.1:19500/models/predictor:signed",
        "key": "cosign.pub",
        "transparency_log": "ignored",
        "allow_http": true,
    })
}

async fn verify(name: &str, params: Json) -> Result<Json, Failure> {
    let mut stage = Stage::new();
    stage.file("project/specs/cosign.pub", "a key");
    stage.file("project/specs/model.bin", "the model");
    stage.file("project/specs/model.sig", "a signature");
    stage.file("project/specs/model.json", recorded("cosign/bundle-v0.3.json"));
    cosign(&mut stage, name);
    stage.run("cosign.verify", params, Grants::open()).await
}

#[tokio::test]
async fn what_cosign_says_of_an_image_is_told_apart() {
    for (name, result) in [
        ("cosign2-image-verify-unsigned", "unsigned"),
        ("cosign2-image-verify-tag-moved", "unsigned"),
        ("cosign2-image-verify-wrongkey", "wrong_key"),
        ("cosign2-image-verify-annotation-bad", "wrong_annotation"),
        ("cosign3-image-verify-wrongkey", "wrong_key"),
        ("cosign3-image-verify-annotation-bad", "wrong_annotation"),
    ] {
        let got = verify(name, image())
            .await
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(got["result"], result, "{name}");
        assert_eq!(got["signatures"], json!([]), "{name}");
        assert_eq!(got.get("digest"), None, "{name}");
        assert!(got["message"].as_str().unwrap().len() > 10, "{name}: {got}");
    }
    for name in ["cosign2-image-verify-ok", "cosign3-image-verify-ok"] {
        let got = verify(name, image()).await.unwrap();
        assert_eq!(got["result"], "valid");
        let digest = "sha256:f406f680944f701c192ebead2b3b4482baf7fc4860646a0239058d61c5af55d8";
        assert_eq!(got["digest"], digest);
        assert_eq!(got["signatures"].as_array().unwrap().len(), 2);
        assert_eq!(got["signatures"][1]["annotations"]["approver"], "alice");
        assert_eq!(got.get("message"), None);
    }
}

#[tokio::test]
async fn what_kept_cosign_from_looking_is_never_a_result() {
    for (name, class, says) in [
        (
            "cosign2-image-verify-registry-down",
            Class::Unreachable,
            "connection refused",
        ),
        ("cosign2-image-verify-nosuch", Class::NotFound, "MANIFEST_UNKNOWN"),
        ("cosign2-image-verify-no-ignore-tlog", Class::Unreachable, "TUF"),
    ] {
        let failure = verify(name, image()).await.unwrap_err();
        assert_eq!(failure.class, class, "{name}: {failure:?}");
        assert!(failure.message.contains(says), "{name}: {failure:?}");
    }
    let log = verify("cosign2-image-verify-no-ignore-tlog", image())
        .await
        .unwrap_err();
    assert!(log.help.unwrap().contains("transparency_log: ignored"));
}

#[tokio::test]
async fn of_a_file_the_bundle_says_whether_the_key_or_the_content_is_wrong() {
    let with = |how: Json| {
        let mut params = json!({"blob": "model.bin", "key": "cosign.pub", "transparency_log": "ignored"});
        params
            .as_object_mut()
            .unwrap()
            .extend(how.as_object().unwrap().clone());
        params
    };
    let ok = verify(
        "cosign3-blob-verify-newbundle-ok",
        with(json!({"bundle": "model.json"})),
    )
    .await
    .unwrap();
    assert_eq!(ok["result"], "valid");
    // The bundle was made for another file than the one that lies here.
    let other = verify(
        "cosign3-blob-verify-newbundle-tampered",
        with(json!({"bundle": "model.json"})),
    )
    .await
    .unwrap();
    assert_eq!(other["result"], "tampered");
    // A bare signature says nothing of what was signed.
    for name in [
        "cosign2-blob-verify-sig-tampered",
        "cosign2-blob-verify-sig-wrongkey",
    ] {
        let got = verify(name, with(json!({"signature": "model.sig"})))
            .await
            .unwrap();
        assert_eq!(got["result"], "mismatch", "{name}");
    }
    // cosign takes a path that leads nowhere for a signature: it is looked for first.
    let gone = verify(
        "cosign2-blob-verify-sig-ok",
        with(json!({"signature": "gone.sig"})),
    )
    .await
    .unwrap_err();
    assert_eq!(gone.class, Class::Missing, "{gone:?}");
}

#[tokio::test]
async fn a_bundle_for_this_file_that_does_not_fit_is_by_another_key() {
    let mut stage = Stage::new();
    stage.file("project/specs/cosign.pub", "a key");
    stage.file("project/specs/model.bin", "the model");
    let hash = stage
        .run("file.hash", json!({"path": "model.bin"}), Grants::open())
        .await
        .unwrap();
    let bytes: Vec<u8> = hash["sha256"]
        .as_str()
        .unwrap()
        .as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect();
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let bundle = json!({"messageSignature": {"messageDigest": {"algorithm": "SHA2_256", "digest": digest}}});
    stage.file("project/specs/model.json", bundle.to_string());
    cosign(&mut stage, "cosign3-blob-verify-newbundle-wrongkey");
    let params = json!({
        "blob": "model.bin", "bundle": "model.json", "key": "cosign.pub", "transparency_log": "ignored",
    });
    let got = stage.run("cosign.verify", params, Grants::open()).await.unwrap();
    assert_eq!(got["result"], "wrong_key");
}

#[tokio::test]
async fn odd_answers_of_cosign_are_failures() {
    for (script, says) in [
        ("exit 0", "is not the list of signatures"),
        ("echo '[]'", "lists no signature"),
        ("echo '[{\"critical\": {}}]'", "is not the list of signatures"),
        ("exit 3", "it ended with exit code 3"),
        ("echo 'Error: something else' >&2; exit 1", "something else"),
    ] {
        let mut stage = Stage::new();
        stage.file("project/specs/cosign.pub", "a key");
        put(&mut stage, "cosign", "cosign", script);
        let failure = stage
            .run("cosign.verify", image(), Grants::open())
            .await
            .unwrap_err();
        assert!(
            matches!(failure.class, Class::UnreadableAnswer | Class::ExitCode),
            "{script}: {failure:?}"
        );
        let shown = format!("{failure:?}");
        assert!(shown.contains(says), "{script}: {shown}");
    }
    let mut stage = Stage::new();
    stage.file("project/specs/cosign.pub", "a key");
    stage.endpoints.0.insert(
        "cosign".to_owned(),
        Endpoint {
            settings: [("programs".to_owned(), json!({"cosign": "surely-not-installed"}))].into(),
            ..Endpoint::default()
        },
    );
    let gone = stage
        .run("cosign.verify", image(), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(gone.class, Class::Missing);
}

#[tokio::test]
async fn cosign_is_granted_by_its_name_and_the_registry_by_its_host() {
    let mut stage = Stage::new();
    stage.file("project/specs/cosign.pub", "a key");
    cosign(&mut stage, "cosign2-image-verify-ok");
    let key = stage.path("project").display().to_string();
    let granted = [
        ("exec", "cosign verify".to_owned()),
        ("net", "127.0.0.1:19500".to_owned()),
        ("read", key),
    ];
    let got = stage.run("cosign.verify", image(), only(&granted)).await.unwrap();
    assert_eq!(got["result"], "valid");
    for left_out in ["exec", "net"] {
        let some: Vec<_> = granted
            .iter()
            .filter(|(kind, _)| *kind != left_out)
            .cloned()
            .collect();
        let failure = stage
            .run("cosign.verify", image(), only(&some))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::NotGranted, "{failure:?}");
        assert!(
            failure.help.unwrap().contains(&format!("--allow-{left_out}")),
            "{left_out}"
        );
    }
}

fn mistakes(action: &str, params: &Json) -> Vec<String> {
    let action = REGISTRY.get(action).unwrap();
    let mut problems = ParamSchema::of(action).problems(params);
    problems.extend(action.validate(params));
    problems
        .into_iter()
        .map(|p| format!("{}: {}", p.pointer, p.message))
        .collect()
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
