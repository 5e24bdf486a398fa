//! `model.hash` as the engine runs it.

use serde_json::json;
use specrun::action::Class;
use specrun::tools::Grants;

use crate::support::actions::Stage;

#[tokio::test]
async fn a_model_is_hashed_with_its_tensors() {
    let stage = Stage::new();
    let npz = include_bytes!("../../recorded/models/weights.npz");
    stage.file("project/specs/model.npz", npz);
    let hash = |params| stage.run("model.hash", params, Grants::open());
    let got = hash(json!({ "path": "model.npz" })).await.unwrap();
    assert_eq!(
        (&got["format"], &got["canonical"], &got["count"]),
        (&json!("npz"), &json!(true), &json!(5))
    );
    // From numpy, in tests/recorded/models/numpy.json.
    assert_eq!(
        got["sha256"],
        "1a658f0e7628a793658ad19d58b44a515bf0e86dad819b2050077e39af06bbf5"
    );
    let tensor = &got["tensors"][1];
    assert_eq!(
        (&tensor["name"], &tensor["type"], &tensor["shape"]),
        (&json!("embed.weight"), &json!("float32"), &json!([4, 3]))
    );
    assert_eq!((&tensor["size"], &got["size"]), (&json!("48B"), &json!("125B")));

    let raw = hash(json!({ "path": "model.npz", "format": "raw" }))
        .await
        .unwrap();
    assert_eq!(
        (&raw["format"], &raw["canonical"]),
        (&json!("raw"), &json!(false))
    );
    let wrong = hash(json!({ "path": "model.npz", "format": "safetensors" }))
        .await
        .unwrap_err();
    assert_eq!(wrong.class, Class::UnreadableAnswer, "{wrong}");
    assert!(
        wrong.message.contains("model.npz: it is not safetensors"),
        "{wrong}"
    );
    assert_eq!(
        hash(json!({ "path": "none" })).await.unwrap_err().class,
        Class::Missing
    );
    assert_eq!(
        hash(json!({ "path": "/etc" })).await.unwrap_err().class,
        Class::NotGranted
    );
}

#[tokio::test]
async fn links_out_of_a_models_folder_are_not_followed() {
    let stage = Stage::new();
    stage.file(
        "outside/weights.npz",
        include_bytes!("../../recorded/models/weights.npz"),
    );
    let folder = stage.path("project/specs/model");
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(stage.path("outside/weights.npz"), folder.join("weights.npz")).unwrap();
    let failure = stage
        .run("model.hash", json!({ "path": "model" }), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotGranted, "{failure}");
}
