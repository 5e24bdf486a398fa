//! `file.read` and `file.hash`

use serde_json::{Value as Json, json};
use specrun::action::Class;
use specrun::tools::Grants;

use crate::support::actions::{Stage, mistakes, reaches};

#[tokio::test]
async fn files_are_read_in_their_format_and_hashed() {
    let stage = Stage::new();
    stage.file("project/specs/a.json", "{\"a\": [1]}\n");
    stage.file("project/specs/a.yaml", "kind: Pod\nn: 2\n");
    stage.file("project/specs/doubled.json", "{\"a\": 1, \"a\": 2}");
    stage.file("project/specs/latin1.txt", b"caf\xe9");
    let read = |params: Json| stage.run("file.read", params, Grants::open());
    let got = read(json!({"path": "a.json"})).await.unwrap();
    assert_eq!(
        (&got["data"], &got["lines"], &got["size"]),
        (&json!({"a": [1]}), &json!(1), &json!("11B"))
    );
    let sha256 = got["sha256"].clone();
    let got = read(json!({"path": "a.json", "format": "text"})).await.unwrap();
    assert_eq!((got.get("data"), &got["text"]), (None, &json!("{\"a\": [1]}\n")));
    let got = read(json!({"path": "a.yaml"})).await.unwrap();
    assert_eq!(got["data"], json!({"kind": "Pod", "n": 2}));
    let hash = stage
        .run("file.hash", json!({"path": "a.json"}), Grants::open())
        .await
        .unwrap();
    assert_eq!((&hash["sha256"], &hash["size"]), (&sha256, &json!("11B")));
    assert_eq!(
        hash["path"],
        stage.path("project/specs/a.json").display().to_string()
    );
    for (params, class) in [
        (json!({"path": "doubled.json"}), Class::UnreadableAnswer),
        (json!({"path": "latin1.txt"}), Class::UnreadableAnswer),
        (
            json!({"path": "a.yaml", "format": "json"}),
            Class::UnreadableAnswer,
        ),
        (json!({"path": "none.txt"}), Class::Missing),
        (json!({"path": "."}), Class::BadParameter),
        (json!({"path": "a.json", "max": "10B"}), Class::TooLarge),
    ] {
        assert_eq!(read(params.clone()).await.unwrap_err().class, class, "{params}");
    }
    assert_eq!(
        mistakes("file.read", &json!({"path": "a", "format": "toml"})),
        ["/format: expected one of `text`, `json`, `yaml`, got `toml`"]
    );
    assert_eq!(
        mistakes("file.hash", &json!({"paht": "a"})),
        [": unknown parameter `paht`", ": `path` is missing"]
    );
    assert_eq!(reaches("file.read", &json!({"path": "a.json"})), ["read a.json"]);
}
