//! Schemas are strict, and mistakes are named.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{ParamProblem, ParamSchema, of};
use crate::value::{Bytes, Duration, Secret};

/// How to ask.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    /// Read.
    Get,
    /// Write.
    Post,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Basic {
    username: String,
    password: Secret,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Auth {
    Basic(Basic),
    Bearer(Secret),
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Status {
    Number(u16),
    Any(String),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Params {
    /// Where to send it.
    url: String,
    method: Option<Method>,
    #[serde(default)]
    timeout: Option<Duration>,
    max: Option<Bytes>,
    auth: Option<Auth>,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    status: Option<Vec<Status>>,
    retries: Option<u8>,
    json: Option<Json>,
}

fn schema() -> ParamSchema {
    ParamSchema::new(&of::<Params>())
}

fn problems(params: &Json) -> Vec<ParamProblem> {
    schema().problems(params)
}

/// The only problem: pointer, key, message, help.
fn only(params: &Json) -> (String, Option<String>, String, Option<String>) {
    let found = problems(params);
    let [p] = found.as_slice() else {
        panic!("{params}: {found:#?}");
    };
    (
        p.pointer.clone(),
        p.key.clone(),
        p.message.clone(),
        p.help.clone(),
    )
}

#[test]
fn no_null_and_no_unknown_keys_anywhere() {
    let text = schema().schema().to_string();
    assert!(!text.contains("null"), "{text}");
    assert_eq!(
        text.matches("\"additionalProperties\":false").count(),
        4,
        "{text}"
    );
    assert!(text.contains("Where to send it."), "{text}");
}

#[test]
fn right_parameters_have_no_problems() {
    let right = json!({
        "url": "/x", "method": "GET", "timeout": "200ms", "max": "1MiB", "auth": {"basic": {"username": "u", "password": "p"}},
        "headers": {"a": "b"}, "status": [200, "any"], "retries": 3, "json": {"x": [null]}
    });
    assert_eq!(problems(&right), []);
}

#[test]
fn expressions_are_taken_to_fit() {
    let params = json!({
        "url": "${{ a.url }}", "method": "${{ m }}", "timeout": "${{ t }}", "max": "${{ m }}", "auth": "${{ a }}",
        "headers": {"a": "x ${{ b }}"}, "status": ["${{ s }}", 200], "retries": "${{ r }}"
    });
    assert_eq!(problems(&params), []);
    let nested = json!({"url": "u", "auth": {"basic": {"username": "${{ u }}", "password": "${{ p }}"}}, "status": "${{ s }}"});
    assert_eq!(problems(&nested), []);
}

#[test]
fn an_escaped_expression_is_text() {
    let (pointer, _, message, _) = only(&json!({"url": "u", "retries": "$${{ r }}"}));
    assert_eq!(
        (pointer.as_str(), message.as_str()),
        ("/retries", "expected a whole number, got `$${{ r }}`")
    );
}

#[test]
fn unknown_keys_are_pointed_at_with_the_nearest_name() {
    let (pointer, key, message, help) = only(&json!({"url": "u", "timeuot": "${{ t }}"}));
    assert_eq!((pointer.as_str(), key.as_deref()), ("", Some("timeuot")));
    assert_eq!(message, "unknown parameter `timeuot`");
    assert_eq!(help.as_deref(), Some("did you mean `timeout`?"));

    let (pointer, key, _, help) =
        only(&json!({"url": "u", "auth": {"basic": {"username": "u", "password": "p", "passwrd": "x"}}}));
    assert_eq!(
        (pointer.as_str(), key.as_deref()),
        ("/auth/basic", Some("passwrd"))
    );
    assert_eq!(help.as_deref(), Some("did you mean `password`?"));

    let (pointer, key, _, help) = only(&json!({"url": "u", "auth": {"bsic": {}}}));
    assert_eq!((pointer.as_str(), key.as_deref()), ("/auth", Some("bsic")));
    assert_eq!(help.as_deref(), Some("did you mean `basic`?"));
}

#[test]
fn every_mistake_is_named_at_its_own_place() {
    let found = problems(
        &json!({"ulr": "x", "method": "GTE", "status": [200, true], "timeout": "5 minutes", "retries": 300, "headers": {"a": 1}}),
    );
    let all: Vec<String> = found
        .iter()
        .map(|p| format!("{}: {}", p.pointer, p.message))
        .collect();
    for wanted in [
        ": unknown parameter `ulr`",
        ": `url` is missing",
        "/method: expected one of `GET`, `POST`, got `GTE`",
        "/status/1: expected a whole number or text, got `true`",
        "/timeout: expected a duration such as `30s`, got `5 minutes`",
        "/retries: the number `300` is more than 255",
        "/headers/a: expected a secret or text, got the number `1`",
    ] {
        assert!(
            all.iter().any(|line| line == wanted),
            "{wanted} is not in {all:#?}"
        );
    }
    assert_eq!(all.len(), 7, "{all:#?}");
}

#[test]
fn what_is_missing_is_explained() {
    let (_, _, message, help) = only(&json!({}));
    assert_eq!(message, "`url` is missing");
    assert_eq!(help.as_deref(), Some("`url`: Where to send it."));
    let (pointer, _, message, _) = only(&json!({"url": "u", "auth": {"basic": {"username": "u"}}}));
    assert_eq!(
        (pointer.as_str(), message.as_str()),
        ("/auth/basic", "`password` is missing")
    );
}

#[test]
fn one_of_several_forms() {
    let (pointer, _, message, _) = only(&json!({"url": "u", "auth": {}}));
    assert_eq!(
        (pointer.as_str(), message.as_str()),
        ("/auth", "exactly one of `basic`, `bearer` is expected")
    );
    let (_, _, message, _) =
        only(&json!({"url": "u", "auth": {"basic": {"username": "u", "password": "p"}, "bearer": "t"}}));
    assert_eq!(message, "exactly one of `basic`, `bearer` is expected");
    let (_, _, message, _) = only(&json!({"url": "u", "auth": 3}));
    assert_eq!(message, "expected a mapping, got the number `3`");
    let (pointer, _, message, _) =
        only(&json!({"url": "u", "auth": {"basic": {"username": 3, "password": "p"}}}));
    assert_eq!(
        (pointer.as_str(), message.as_str()),
        ("/auth/basic/username", "expected text, got the number `3`")
    );
}

#[test]
fn words_get_a_suggestion() {
    let (_, _, message, help) = only(&json!({"url": "u", "method": "get"}));
    assert_eq!(message, "expected one of `GET`, `POST`, got `get`");
    assert_eq!(help.as_deref(), Some("did you mean `GET`?"));
}

#[test]
fn null_is_a_mistake() {
    let (pointer, _, message, _) = only(&json!({"url": null}));
    assert_eq!(
        (pointer.as_str(), message.as_str()),
        ("/url", "expected text, got nothing (null)")
    );
    assert_eq!(problems(&json!({"url": "u", "timeout": null})).len(), 1);
    assert_eq!(only(&json!([])).2, "expected a mapping, got a list of 0");
}

#[test]
fn the_schema_of_a_place_is_found() {
    let schema = schema();
    let secret = |pointer: &str| schema.at(pointer).and_then(|s| s.get("x-secret")) == Some(&json!(true));
    assert!(secret("/headers/anything"));
    assert!(secret("/auth/bearer"));
    assert!(secret("/auth/basic/password"));
    assert!(!secret("/auth/basic/username"));
    assert!(!secret("/url"));
    assert!(schema.at("/nothing").is_none());
}
