//! Every action against recorded answers of Prometheus 2.53, and against answers no Prometheus should give.

mod odd;
mod reads;

use serde_json::Value as Json;

use super::super::fake::{Answer, Fake};

/// The answer of `tests/recorded/prometheus-2.53/NAME.json`.
fn said(name: &str) -> Json {
    let file = format!(
        "{}/tests/recorded/prometheus-2.53/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    serde_json::from_str(&text).unwrap()
}

/// A Prometheus that gives this answer to every call of one kind.
async fn server(call: &str, answer: &Json) -> Fake {
    let status = if answer["status"] == "error" { 400 } else { 200 };
    Fake::start("prometheus", "/api/v1/")
        .await
        .on(&format!("GET {call}"), Answer::json(status, answer))
}
