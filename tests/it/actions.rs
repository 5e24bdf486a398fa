//! The families exec, file and http, each action as the engine runs it: it works, it is refused, its peer is down or
//! odd, its parameters are wrong.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure, ParamSchema};
use specrun::actions::REGISTRY;
use specrun::tools::{Auth, Capability, Grants};
use specrun::value::{Secret, Type};

use crate::support::actions::{Stage, only};
use crate::support::faults::Faults;

/// The mistakes that are found before an action runs.
fn mistakes(action: &str, params: &Json) -> Vec<String> {
    let action = REGISTRY.get(action).unwrap();
    let mut problems = ParamSchema::of(action).problems(params);
    problems.extend(action.validate(params));
    problems
        .into_iter()
        .map(|p| format!("{}: {}", p.pointer, p.message))
        .collect()
}

fn reaches(action: &str, params: &Json) -> Vec<String> {
    let all = REGISTRY.get(action).unwrap().capabilities(params);
    all.iter().map(Capability::to_string).collect()
}

#[test]
fn the_table_is_in_order_and_every_schema_compiles() {
    let families: Vec<&str> = REGISTRY.families().iter().map(|f| f.name).collect();
    assert!(families.is_sorted(), "{families:?}");
    let mut seen = BTreeSet::new();
    for family in REGISTRY.families() {
        let names: Vec<&str> = family.actions.iter().map(|a| a.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for action in family.actions {
            assert!(
                action.name().starts_with(&format!("{}.", family.name)),
                "{}",
                action.name()
            );
            assert!(seen.insert(action.name()), "{} stands twice", action.name());
            let schema = ParamSchema::of(*action);
            assert!(
                !schema.problems(&json!({"surely not a key": 1})).is_empty(),
                "{} takes any key",
                action.name()
            );
            let output = Type::from_schema(action.output_schema().as_value());
            assert!(matches!(output, Type::Object(_)), "{}: {output:?}", action.name());
        }
    }
}

async fn http(stage: &Stage, params: Json) -> Result<Json, Failure> {
    stage.run("http.request", params, Grants::open()).await
}

#[tokio::test]
async fn http_gives_the_answer() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let got = http(&stage, json!({"url": "/ok"})).await.unwrap();
    assert_eq!(got["status"], 200);
    assert_eq!(got["json"], json!({"ok": true}));
    assert_eq!(got["text"], "{\"ok\": true}");
    assert_eq!(got["size"], "12B");
    assert_eq!(got["headers"]["content-type"], "application/json");
    assert!(got["elapsed"].as_str().unwrap().ends_with('s'), "{got}");
    assert_eq!(got.get("file"), None);
    let whole = http(&stage, json!({"url": server.url("/ok")})).await.unwrap();
    assert_eq!(whole["status"], 200);
}

#[tokio::test]
async fn http_sends_every_kind_of_body() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    stage.file("project/specs/rows.csv", "a,b\n1,2\n");
    stage.file(
        "project/specs/body.json.j2",
        "{\"name\": {{ name | tojson }}, \"n\": {{ n }}}",
    );
    for (body, kind, text) in [
        (
            json!({"json": {"a": [1, null]}}),
            "application/json",
            r#"{"a":[1,null]}"#,
        ),
        (
            json!({"text": "some text"}),
            "text/plain; charset=utf-8",
            "some text",
        ),
        (
            json!({"form": {"a": "x y", "b": 2, "c": true}}),
            "application/x-www-form-urlencoded",
            "a=x+y&b=2&c=true",
        ),
        (
            json!({"form": {"a": 1}, "secret_form": {"key": "p&q"}}),
            "application/x-www-form-urlencoded",
            "a=1&key=p%26q",
        ),
        (json!({"file": "rows.csv"}), "text/csv", "a,b\n1,2\n"),
        (
            json!({"template": {"file": "body.json.j2", "values": {"name": "iris \"x\"", "n": 3}}}),
            "application/json",
            r#"{"name": "iris \"x\"", "n": 3}"#,
        ),
        (
            json!({"text": "<a/>", "headers": {"Content-Type": "application/xml"}}),
            "application/xml",
            "<a/>",
        ),
    ] {
        let mut params = json!({"url": "/echo", "method": "POST"});
        params
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        let got = http(&stage, params).await.unwrap();
        let echo = got["text"].as_str().unwrap();
        assert!(
            echo.contains(&format!("content-type: {kind}\r\n")),
            "{body}: {echo}"
        );
        assert!(echo.ends_with(&format!("\r\n\r\n{text}")), "{body}: {echo}");
        assert_eq!(echo.matches("content-length:").count(), 1, "{body}: {echo}");
    }
}

#[tokio::test]
async fn http_sends_queries_headers_and_who_is_asking() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url("/echo"));
    let got = http(
        &stage,
        json!({
            "url": "/x?a=0", "query": {"b": [1, "two"], "c": "&="}, "headers": {"X-N": 5},
            "secret_headers": {"x-key": "hunter22"}, "auth": {"basic": {"username": "u", "password": "p"}}
        }),
    )
    .await
    .unwrap();
    let echo = got["text"].as_str().unwrap();
    assert!(
        echo.starts_with("GET /echo/x?a=0&b=1&b=two&c=%26%3D HTTP/1.1\r\n"),
        "{echo}"
    );
    for line in [
        "x-n: 5",
        "x-key: hunter22",
        "authorization: Basic dTpw",
        "accept-encoding: gzip, deflate, zstd",
    ] {
        assert!(echo.contains(&format!("\r\n{line}\r\n")), "{line}: {echo}");
    }
    let got = http(&stage, json!({"url": "/x", "auth": {"bearer": "t0ken"}}))
        .await
        .unwrap();
    assert!(
        got["text"]
            .as_str()
            .unwrap()
            .contains("\r\nauthorization: Bearer t0ken\r\n"),
        "{got}"
    );
}

#[tokio::test]
async fn credentials_stay_with_whom_they_are_for() {
    let (ours, theirs) = (Faults::start().await, Faults::start().await);
    let mut stage = Stage::new();
    stage.endpoint("http", ours.url(""));
    let endpoint = stage.endpoints.0.get_mut("http").unwrap();
    endpoint.auth = Some(Auth::Bearer {
        token: Secret::new("t", "endpoint-token"),
    });
    endpoint.headers.insert("x-endpoint".to_owned(), "yes".to_owned());
    let target =
        percent_encoding::utf8_percent_encode(&theirs.url("/echo"), percent_encoding::NON_ALPHANUMERIC)
            .to_string();

    http(&stage, json!({"url": "/echo"})).await.unwrap();
    assert!(
        ours.requests()[0].contains("authorization: Bearer endpoint-token\r\n"),
        "{:?}",
        ours.requests()
    );
    assert!(ours.requests()[0].contains("x-endpoint: yes\r\n"));
    // A redirect to another server, and another server from the start.
    let params =
        json!({"url": format!("/to/{target}"), "redirects": 1, "secret_headers": {"x-key": "own-secret"}});
    http(&stage, params).await.unwrap();
    http(&stage, json!({"url": theirs.url("/echo")})).await.unwrap();
    assert_eq!(theirs.requests().len(), 2);
    for request in theirs.requests() {
        for secret in [
            "endpoint-token",
            "x-endpoint",
            "x-key",
            "own-secret",
            "authorization",
        ] {
            assert!(
                !request.contains(secret),
                "{secret} went to another server: {request}"
            );
        }
    }
}

#[tokio::test]
async fn http_statuses_are_failures_unless_they_are_accepted() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let failure = http(&stage, json!({"url": "/status/404"})).await.unwrap_err();
    assert_eq!((failure.class, failure.status), (Class::NotFound, Some(404)));
    for accept in [json!([404]), json!(["4xx"]), json!(["any"]), json!([409, 404])] {
        let got = http(&stage, json!({"url": "/status/404", "accept": accept}))
            .await
            .unwrap();
        assert_eq!(got["status"], 404);
    }
    let failure = http(&stage, json!({"url": "/status/500", "accept": ["4xx", 503]}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Server);
    let failure = http(&stage, json!({"url": "/loop"})).await.unwrap_err();
    assert_eq!(failure.class, Class::Redirect);
    assert!(
        failure.details.contains(&"location: /loop".to_owned()),
        "{failure:?}"
    );
    let got = http(&stage, json!({"url": "/loop", "accept": ["3xx"]}))
        .await
        .unwrap();
    assert_eq!(got["headers"]["location"], "/loop");
}

#[tokio::test]
async fn http_answers_that_break_their_promise_are_failures() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    for path in ["/nan", "/doubled", "/deep", "/html", "/latin1", "/truncated-json"] {
        let failure = http(&stage, json!({"url": path})).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{path}");
    }
    let got = http(&stage, json!({"url": "/empty-json"})).await.unwrap();
    assert_eq!((got.get("json"), &got["text"]), (None, &json!("")));
    let got = http(&stage, json!({"url": "/gzip"})).await.unwrap();
    assert_eq!((got.get("json"), &got["text"]), (None, &json!("unpacked")));
}

#[tokio::test]
async fn http_limits_are_the_steps_own() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let failure = http(&stage, json!({"url": "/ok", "max_body": "11B"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::TooLarge);
    assert!(
        http(&stage, json!({"url": "/ok", "max_body": "12B"}))
            .await
            .is_ok()
    );
    let failure = http(&stage, json!({"url": "/silent-stall", "timeout": "200ms"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Timeout);
}

#[tokio::test]
async fn large_answers_are_kept_as_files() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let body = "x".repeat((1 << 20) + 1);
    let got = http(&stage, json!({"url": "/echo", "method": "POST", "text": body}))
        .await
        .unwrap();
    assert_eq!(got.get("text"), None);
    let kept = std::fs::read_to_string(got["file"].as_str().unwrap()).unwrap();
    assert!(kept.starts_with("POST /echo") && kept.ends_with(&body));
}

#[tokio::test]
async fn http_without_an_endpoint_or_a_server() {
    let stage = Stage::new();
    let failure = http(&stage, json!({"url": "/ok"})).await.unwrap_err();
    assert_eq!(failure.class, Class::Missing);
    assert!(failure.help.unwrap().contains("endpoints: {http: {url: ...}}"));
    let failure = http(&stage, json!({"url": "http://127.0.0.1:1/ok"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Unreachable);
}

#[tokio::test]
async fn an_endpoint_is_granted_by_its_family() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let run = |params: Json, grants: Grants| stage.run("http.request", params, grants);
    let family = only(&[("endpoint", "http".to_owned())]);
    assert!(run(json!({"url": "/ok"}), family.clone()).await.is_ok());
    let other = Faults::start().await;
    let failure = run(json!({"url": other.url("/ok")}), family.clone())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotGranted);
    let mut denied = family;
    denied
        .deny
        .push(("net".to_owned(), specrun::tools::Rule("127.0.0.1".to_owned())));
    assert_eq!(
        run(json!({"url": "/ok"}), denied).await.unwrap_err().class,
        Class::NotGranted
    );
}

#[test]
fn http_mistakes_are_found_before_the_run() {
    for (params, message) in [
        (json!({}), ": `url` is missing"),
        (
            json!({"url": "/x", "metod": "GET"}),
            ": unknown parameter `metod`",
        ),
        (
            json!({"url": "/x", "method": "FETCH"}),
            "/method: expected one of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`, got `FETCH`",
        ),
        (
            json!({"url": "/x", "method": "POST", "json": 1, "text": "a"}),
            ": `json` and `text` both give the body",
        ),
        (json!({"url": "/x", "json": 1}), ": a GET request has no body"),
        (
            json!({"url": "http://[::1/x"}),
            "/url: not a URL: invalid IPv6 address",
        ),
        (
            json!({"url": "/x", "accept": [99]}),
            "/accept/0: the number `99` is less than 100",
        ),
        (
            json!({"url": "/x", "accept": ["200"]}),
            "/accept/0: expected a whole number or `any` or `3xx` or `4xx` or `5xx`, got `200`",
        ),
        (
            json!({"url": "/x", "timeout": 5}),
            "/timeout: expected a duration such as `30s`, got the number `5`",
        ),
        (
            json!({"url": "/x", "max_body": "5s"}),
            "/max_body: expected a size such as `16MiB`, got `5s`",
        ),
        (
            json!({"url": "/x", "auth": {"basic": {"username": "u"}}}),
            "/auth/basic: `password` is missing",
        ),
        (
            json!({"url": "/x", "query": {"a": {"b": 1}}}),
            "/query/a: expected text or a number or true or false or a list, got a mapping with 1 keys",
        ),
        (
            json!({"url": "/x", "redirects": 21}),
            "/redirects: the number `21` is more than 20",
        ),
        (json!({"url": ""}), "/url: the text is empty"),
    ] {
        assert_eq!(mistakes("http.request", &params), [message], "{params}");
    }
}

#[test]
fn what_http_reaches_is_known_before_the_run() {
    assert_eq!(reaches("http.request", &json!({"url": "/x"})), ["endpoint http"]);
    assert_eq!(
        reaches("http.request", &json!({"url": "https://h.example/x"})),
        ["net h.example:443"]
    );
    assert_eq!(
        reaches("http.request", &json!({"url": "http://h:81/x", "file": "a.csv"})),
        ["net h:81", "read a.csv"]
    );
    assert_eq!(
        reaches("http.request", &json!({"url": "${{ a.url }}"})),
        ["net ?"]
    );
    assert_eq!(reaches("http.request", &json!({})), ["net ?"]);
}

async fn exec(stage: &Stage, params: Json) -> Result<Json, Failure> {
    stage.run("exec.run", params, Grants::open()).await
}

#[tokio::test]
async fn exec_gives_outputs_and_exit_code() {
    let stage = Stage::new();
    stage.program(
        "project/specs/tool",
        "echo \"$1-$2-$A\"; echo oops >&2; pwd; cat; exit 3",
    );
    let got = exec(
        &stage,
        json!({"argv": ["./tool", 1, true], "env": {"A": 5}, "stdin": "in\n", "accept": [3]}),
    )
    .await
    .unwrap();
    let dir = stage.path("project/specs").display().to_string();
    assert_eq!(got["stdout"], format!("1-true-5\n{dir}\nin\n"));
    assert_eq!(
        (&got["stderr"], &got["exit_code"], &got["cut"]),
        (&json!("oops\n"), &json!(3), &json!(false))
    );
    assert_eq!(got.get("json"), None);
    assert!(
        exec(&stage, json!({"argv": ["./tool", 1, 2], "accept": ["any"]}))
            .await
            .is_ok()
    );
    let failure = exec(&stage, json!({"argv": ["./tool", 1, 2]})).await.unwrap_err();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(3)));
    assert!(
        failure.details.contains(&"stderr: oops".to_owned()),
        "{failure:?}"
    );
}

#[tokio::test]
async fn exec_reads_json_from_the_whole_output_or_its_last_line() {
    let stage = Stage::new();
    for (script, wanted) in [
        ("printf '{\"a\":\\n 1}\\n'", json!({"a": 1})),
        ("echo working; echo '[1, 2]'; echo", json!([1, 2])),
        ("echo 5", Json::Null),
        ("echo '{\"a\": NaN}'", Json::Null),
        ("echo '{\"a\": 1, \"a\": 2}'", Json::Null),
        ("echo '{}'; echo done", Json::Null),
    ] {
        stage.program("project/specs/tool", script);
        let got = exec(&stage, json!({"argv": ["./tool"]})).await.unwrap();
        assert_eq!(got.get("json").unwrap_or(&Json::Null), &wanted, "{script}");
    }
}

#[tokio::test]
async fn exec_takes_programs_and_variables_from_the_environment() {
    let mut stage = Stage::new();
    stage.endpoint("exec", String::new());
    let settings = &mut stage.endpoints.0.get_mut("exec").unwrap().settings;
    settings.insert("programs".to_owned(), json!({"train": ["printf", "%s|%s|"]}));
    settings.insert("env".to_owned(), json!({"A": "environment", "B": "environment"}));
    let got = exec(&stage, json!({"argv": ["train", "x", "y"]})).await.unwrap();
    assert_eq!(got["stdout"], "x|y|");
    let got = exec(
        &stage,
        json!({"argv": ["sh", "-c", "echo $A $B"], "env": {"A": "step"}}),
    )
    .await
    .unwrap();
    assert_eq!(got["stdout"], "step environment\n");
    let settings = &mut stage.endpoints.0.get_mut("exec").unwrap().settings;
    let show = json!({"run": ["sh", "-c", "echo $A $B $0"], "env": {"B": "program"}, "needs": ["db"]});
    settings.insert(
        "programs".to_owned(),
        json!({"train": ["printf", "%s|%s|"], "show": show}),
    );
    let got = exec(&stage, json!({"argv": ["show", "x"]})).await.unwrap();
    assert_eq!(got["stdout"], "environment program x\n");
    let got = exec(&stage, json!({"argv": ["show", "x"], "env": {"B": "step"}}))
        .await
        .unwrap();
    assert_eq!(got["stdout"], "environment step x\n");
    // A name that stands for words is judged by what it stands for.
    let run = |rules: &[(&str, String)]| stage.run("exec.run", json!({"argv": ["train", "x"]}), only(rules));
    assert_eq!(
        run(&[("exec", "train".to_owned())]).await.unwrap_err().class,
        Class::NotGranted
    );
    assert!(run(&[("exec", "printf".to_owned())]).await.is_ok());
    let settings = &mut stage.endpoints.0.get_mut("exec").unwrap().settings;
    settings.insert("programs".to_owned(), json!({"train": "printf"}));
    let failure = exec(&stage, json!({"argv": ["train"]})).await.unwrap_err();
    assert!(failure.message.contains("endpoints.exec.programs"), "{failure}");
}

#[tokio::test]
async fn exec_masks_secrets_and_keeps_long_outputs() {
    let mut stage = Stage::new();
    stage.secrets.push(Secret::new("t", "hunter22"));
    stage.program(
        "project/specs/tool",
        "echo $T; i=0; while [ $i -lt 300 ]; do echo line $i $T; i=$((i+1)); done",
    );
    let got = exec(
        &stage,
        json!({"argv": ["./tool"], "secret_env": {"T": "hunter22"}, "keep_output": "1KiB"}),
    )
    .await
    .unwrap();
    assert!(
        got["stdout"].as_str().unwrap().starts_with("***\nline 0 ***\n"),
        "{got}"
    );
    assert_eq!(got["cut"], true);
    let whole = std::fs::read_to_string(got["stdout_file"].as_str().unwrap()).unwrap();
    assert!(whole.ends_with("line 299 ***\n") && !whole.contains("hunter22"));
}

#[tokio::test]
async fn exec_says_what_is_missing_and_what_is_too_slow() {
    let stage = Stage::new();
    assert_eq!(
        exec(&stage, json!({"argv": ["surely-not-there"]}))
            .await
            .unwrap_err()
            .class,
        Class::Missing
    );
    assert_eq!(
        exec(&stage, json!({"argv": ["true"], "dir": "none"}))
            .await
            .unwrap_err()
            .class,
        Class::Missing
    );
    assert_eq!(
        exec(&stage, json!({"argv": ["sleep", 1000], "timeout": "100ms"}))
            .await
            .unwrap_err()
            .class,
        Class::Timeout
    );
    assert_eq!(
        exec(&stage, json!({"argv": ["yes"], "max_output": "1KiB"}))
            .await
            .unwrap_err()
            .class,
        Class::TooLarge
    );
}

#[test]
fn exec_mistakes_and_reach() {
    for (params, message) in [
        (json!({}), ": `argv` is missing"),
        (json!({"argv": []}), "/argv: a list of 0 has fewer than 1 items"),
        (json!({"argv": "ls -l"}), "/argv: expected a list, got `ls -l`"),
        (
            json!({"argv": [["ls"]]}),
            "/argv/0: expected text or a number or true or false, got a list of 1",
        ),
        (
            json!({"argv": ["ls"], "env": {"A": 1}, "secret_env": {"A": "x"}}),
            "/secret_env: the variable `A` is given twice, in `env` and in `secret_env`",
        ),
        (
            json!({"argv": ["ls"], "accept": [256]}),
            "/accept/0: the number `256` is more than 255",
        ),
        (
            json!({"argv": ["ls"], "accept": ["all"]}),
            "/accept/0: expected a whole number or `any`, got `all`",
        ),
    ] {
        assert_eq!(mistakes("exec.run", &params), [message], "{params}");
    }
    assert_eq!(
        reaches("exec.run", &json!({"argv": ["cosign", "verify", "--key", "k"]})),
        ["exec cosign verify"]
    );
    assert_eq!(
        reaches("exec.run", &json!({"argv": ["a", "${{ x }}", "b"]})),
        ["exec a"]
    );
    assert_eq!(reaches("exec.run", &json!({"argv": "${{ words }}"})), ["exec ?"]);
}

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
