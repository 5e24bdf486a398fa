//! Each action against what KServe 0.21 said, and against what a server must not say.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::action::Context;
use crate::actions::fake::{Answer, Fake};
use crate::tools::{Grants, Redactor, Tools};

mod asked;
mod infer;
mod load;
mod refusals;

/// The answer of `tests/recorded/kserve-0.21/NAME.json`.
fn recorded(name: &str) -> Answer {
    let file = format!(
        "{}/tests/recorded/kserve-0.21/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let record: Json = serde_json::from_str(&text).unwrap();
    let status = record["response"]["status"].as_u64().unwrap();
    Answer::json(status.try_into().unwrap(), &record["response"]["body"])
}

/// The request that was answered so.
fn request_of(name: &str) -> Json {
    let file = format!(
        "{}/tests/recorded/kserve-0.21/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let record: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    record["request"]["body"].clone()
}

/// The surroundings of a step against a server, with files that may be read beside the spec.
fn rooted(fake: &Fake) -> Context {
    let mut cx = fake.context();
    let endpoints = cx.tools.endpoints.clone();
    let tools = Tools::new(endpoints, Grants::open(), Redactor::default(), "test");
    cx.tools = Arc::new(tools.rooted(&[&cx.base_dir], &[]));
    cx
}

async fn server() -> Fake {
    Fake::start("kserve", "/").await
}

/// With the metadata of the lab's model, which names its tensors.
async fn iris() -> Fake {
    server().await.on("GET v2/models/iris", recorded("model"))
}
