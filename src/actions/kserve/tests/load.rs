//! `kserve.infer` as the request of a load.

use serde_json::{Value as Json, json};

use super::{recorded, request_of, rooted, server};
use crate::action::{Answer, Class, Prepared};
use crate::actions::REGISTRY;
use crate::tools::http::Body;

async fn prepared(params: &Json) -> Prepared {
    let fake = server().await;
    let cx = rooted(&fake);
    std::fs::write(cx.base_dir.join("rows.jsonl"), "[1, 2]\n[3, 4]\n[5, 6]\n").unwrap();
    let action = REGISTRY.get("kserve.infer").unwrap().as_request().unwrap();
    let prepared = action.prepare(params, &cx).unwrap();
    assert!(fake.asked().is_empty(), "nothing is sent while it is prepared");
    prepared
}

fn judged(prepared: &Prepared, status: u16, body: &[u8]) -> Result<(), Class> {
    let action = REGISTRY.get("kserve.infer").unwrap().as_request().unwrap();
    let judge = action.judge(&prepared.rule).unwrap();
    judge(&Answer {
        status,
        content_type: None,
        body,
    })
}

#[tokio::test]
async fn each_line_of_a_file_is_a_request() {
    let prepared = prepared(&json!({"model": "m", "protocol": "v1", "rows": "rows.jsonl"})).await;
    assert_eq!(prepared.family, "kserve");
    let bodies: Vec<String> = prepared
        .requests
        .iter()
        .map(|r| match &r.body {
            Body::Bytes { bytes, .. } => String::from_utf8(bytes.clone()).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        bodies,
        [
            r#"{"instances":[[1,2]]}"#,
            r#"{"instances":[[3,4]]}"#,
            r#"{"instances":[[5,6]]}"#
        ]
    );
    assert!(
        prepared
            .requests
            .iter()
            .all(|r| r.method == "POST" && r.url == "v1/models/m:predict")
    );
    assert_eq!(judged(&prepared, 200, br#"{"predictions": [1]}"#), Ok(()));
    assert_eq!(
        judged(&prepared, 200, br#"{"predictions": [1, 2]}"#),
        Err(Class::UnreadableAnswer)
    );
}

#[tokio::test]
async fn answers_are_judged_as_strictly_as_alone() {
    let ask = json!({"model": "fraud", "inputs": request_of("infer-v2")["inputs"]});
    let prepared = prepared(&ask).await;
    let (good, nested) = (recorded("infer-v2"), recorded("infer-v2-nested"));
    assert_eq!(judged(&prepared, good.status, &good.body), Ok(()));
    assert_eq!(judged(&prepared, nested.status, &nested.body), Ok(()));
    for (answer, class) in [
        ("v2-columns", Class::Invalid),
        ("v2-missing", Class::Invalid),
        ("v2-unknown", Class::NotFound),
        ("no-such-path", Class::UnreadableAnswer),
        ("broken", Class::Server),
        ("infer-iris", Class::UnreadableAnswer),
    ] {
        let answer = recorded(answer);
        assert_eq!(judged(&prepared, answer.status, &answer.body), Err(class));
    }
    assert_eq!(judged(&prepared, 200, b"<html>"), Err(Class::UnreadableAnswer));
    assert_eq!(judged(&prepared, 200, b""), Err(Class::UnreadableAnswer));
    assert_eq!(judged(&prepared, 404, b"<html>"), Err(Class::UnreadableAnswer));
    assert_eq!(
        judged(&prepared, 503, b"no healthy upstream"),
        Err(Class::Unavailable)
    );
}
