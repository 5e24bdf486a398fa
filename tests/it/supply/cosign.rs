//! Signatures: whose they are, of what, and what kept cosign from looking.

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::tools::{Endpoint, Grants};

use super::{put, recorded};
use crate::support::actions::{Stage, only};

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
