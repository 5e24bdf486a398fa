//! Mistakes: named before the run where that is possible, and when the load begins where it is not.

use serde_json::{Value as Json, json};
use specrun::action::{Class, ParamSchema};
use specrun::actions::REGISTRY;

use super::server::Server;
use super::{of, run, stage};

fn mistakes(params: &Json) -> Vec<String> {
    let action = REGISTRY.get("load.run").unwrap();
    let mut problems = ParamSchema::of(action).problems(params);
    if problems.is_empty() {
        problems.extend(action.validate(params));
    }
    problems
        .into_iter()
        .map(|p| format!("{}: {}", p.pointer, p.message))
        .collect()
}

#[test]
fn mistakes_in_parameters_are_named_before_the_run() {
    let with = |more: &Json| {
        let mut params =
            json!({"request": {"http.request": {"url": "/x"}}, "arrival": {"rate": "20/s"}, "requests": 100});
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        for key in ["request", "requests", "arrival"] {
            if params[key].is_null() {
                params.as_object_mut().unwrap().remove(key);
            }
        }
        mistakes(&params)
    };
    assert_eq!(with(&json!({})), Vec::<String>::new());
    let kind = |tag: &str, weight: u32, want: &str| json!({"tag": tag, "weight": weight, "want": want, "request": {"http.request": {"url": "/x"}}});
    for (more, words) in [
        (
            json!({"arrival": {"rate": "0/s"}}),
            "/arrival/rate: with the rate 0/s nothing would be sent",
        ),
        (json!({"arrival": {"rate": "-5/s"}}), "nothing would be sent"),
        (json!({"arrival": {"poisson": "0/s"}}), "/arrival/poisson"),
        (
            json!({"arrival": {"rate": "2000000/s"}}),
            "more than any machine sends",
        ),
        (json!({"arrival": {"users": 0}}), "0 is less than 1"),
        (json!({"arrival": {"rate": "5/s", "users": 3}}), "/arrival"),
        (json!({"arrival": {"rate": "5s"}}), "a rate such as `20/s`"),
        (
            json!({"arrival": {"phases": []}, "requests": null}),
            "fewer than 1 items",
        ),
        (
            json!({"arrival": {"phases": [{"rate": "0/s", "duration": "1s"}]}, "requests": null}),
            "every phase has the rate 0",
        ),
        (json!({"requests": null}), "nothing says when the load ends"),
        (json!({"duration": "5s"}), "`requests` and `duration` both say"),
        (
            json!({"requests": null, "duration": "0s"}),
            "/duration: 0s is no time",
        ),
        (json!({"requests": 0}), "/requests: the number `0` is less than 1"),
        (
            json!({"arrival": {"burst": 5}}),
            "`burst` says itself when the load ends",
        ),
        (
            json!({"arrival": {"burst": 5}, "requests": null, "warmup": "1s"}),
            "a burst has no warm-up",
        ),
        (json!({"request": null}), "there is nothing to send"),
        (
            json!({"mix": [kind("a", 1, "answer")]}),
            "`request` and `mix` both say",
        ),
        (json!({"request": null, "mix": []}), "fewer than 1 items"),
        (
            json!({"request": null, "mix": [kind("a", 1, "answer"), kind("b", 3, "rejection")]}),
            "more requests are to be refused (3) than answered (1)",
        ),
        (
            json!({"request": null, "mix": [kind("a", 1, "answer"), kind("a", 1, "answer")]}),
            "the tag `a` stands twice",
        ),
        (json!({"bodies": []}), "/bodies: "),
        (
            json!({"request": {}}),
            "/request: a mapping with 0 keys has fewer than 1 keys",
        ),
        (
            json!({"request": {"http.request": {"url": "/x"}, "file.read": {"path": "x"}}}),
            "unknown parameter `file.read`",
        ),
        (
            json!({"request": {"http.request": {"ulr": "/x"}}}),
            "unknown parameter `ulr`",
        ),
        (
            json!({"request": {"http.request": {"url": "/x", "json": {}}}}),
            "/request/http.request: a GET request has no body",
        ),
        (
            json!({"request": {"http.request": {"url": "/x", "redirects": 3}}}),
            "/request/http.request/redirects: a load follows no redirects",
        ),
        (
            json!({"request": {"http.request": {"url": "/x", "method": "POST", "text": "a"}}, "bodies": [1]}),
            "`bodies` and the request's `text` both give the body",
        ),
        (
            json!({"on_inconclusive": {"extend_to": 50, "errors": "1%"}}),
            "50 is not more than the 100",
        ),
        (
            json!({"on_inconclusive": {"extend_to": 500}}),
            "no limit that could be decided",
        ),
        (
            json!({"requests": null, "duration": "5s", "on_inconclusive": {"extend_to": 500, "errors": "1%"}}),
            "it needs `requests`",
        ),
        (
            json!({"workers": 2, "record": true}),
            "`record` needs the threads of specrun itself",
        ),
    ] {
        let found = with(&more);
        assert!(found.iter().any(|m| m.contains(words)), "{more}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_in_files_are_named_with_their_line() {
    let server = Server::start().await;
    let stage = stage(&server.url());
    stage.file("project/specs/broken.jsonl", "{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n");
    stage.file("project/specs/doubled.jsonl", "{\"a\": 1, \"a\": 2}\n");
    stage.file("project/specs/empty.jsonl", "\n  \n");
    for (file, words) in [
        ("broken.jsonl", "broken.jsonl:2: not JSON"),
        ("doubled.jsonl", "doubled.jsonl:1: not JSON"),
        ("empty.jsonl", "`empty.jsonl` holds no body"),
        ("missing.jsonl", "missing.jsonl"),
    ] {
        let mut params = of(
            "/x",
            &json!({"arrival": {"users": 1}, "requests": 1, "bodies": file}),
        );
        params["request"]["http.request"]["method"] = json!("POST");
        let failure = run(&stage, params).await.0.unwrap_err();
        let class = if file.starts_with("missing") {
            Class::Missing
        } else {
            Class::BadParameter
        };
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
    // A body that nothing can carry.
    let params = of(
        "/x",
        &json!({"arrival": {"users": 1}, "requests": 1, "bodies": [{"a": 1}]}),
    );
    let failure = run(&stage, params).await.0.unwrap_err();
    assert!(failure.message.contains("`method: POST`"), "{failure}");
    // More users than connections.
    let params = of(
        "/x",
        &json!({"arrival": {"users": 9}, "requests": 9, "max_connections": 3}),
    );
    let failure = run(&stage, params).await.0.unwrap_err();
    assert!(
        failure.message.contains("9 users need as many connections"),
        "{failure}"
    );
    assert_eq!(server.requests(), 0);
}
