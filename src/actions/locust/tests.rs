//! A program that leaves behind what a real Locust and our listener wrote, and what is made of it.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::action::{Class, Failure, OwnCheck};
use crate::actions::{REGISTRY, fake};
use crate::check::Verdict;
use crate::tools::{Endpoint, Endpoints, Grants, Redactor, Tools};

fn recorded(name: &str) -> Json {
    let file = format!(
        "{}/tests/recorded/locust-2.47/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"))).unwrap()
}

/// Runs a program that leaves these two behind and ends with this code.
async fn run(report: &str, stats: &str, code: i32) -> (Result<Json, Failure>, Vec<OwnCheck>) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, text) in [("report", report), ("stats", stats), ("script.py", "")] {
        std::fs::write(at.join(name), text).unwrap();
    }
    let program = format!(
        "#!/bin/sh\necho \"$@\" > called\nfor a in \"$@\"; do case $a in --json-file=*) s=${{a#*=}};; esac; done\n\
         [ -s report ] && cp report \"$SPECRUN_LOCUST_REPORT\"\ncp stats \"$s.json\"\necho last words >&2\nexit {code}\n"
    );
    let locust = at.join("locust");
    std::fs::write(&locust, program).unwrap();
    std::fs::set_permissions(&locust, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut cx = fake::context(None, at);
    let own = Endpoint {
        family: "locust".to_owned(),
        url: Some("http://127.0.0.1:8080/".to_owned()),
        settings: [("program".to_owned(), json!(locust.display().to_string()))].into(),
        ..Endpoint::default()
    };
    let tools = Tools::new(
        Endpoints([("locust".to_owned(), own)].into()),
        Grants::open(),
        Redactor::default(),
        "test",
    );
    cx.tools = Arc::new(tools.rooted(&[at], &[]));
    let ask = json!({"script": "script.py", "users": 2, "duration": "2500ms", "tags": ["a"], "classes": ["Florist"]});
    let got = REGISTRY.get("locust.run").unwrap().run(ask, &cx).await;
    let called = std::fs::read_to_string(at.join("called")).unwrap();
    for word in [
        "--headless",
        "--users=2",
        "--spawn-rate=2",
        "--run-time=3s",
        "--host=http://127.0.0.1:8080 ",
    ] {
        assert!(called.contains(word), "{word}: {called}");
    }
    assert!(called.ends_with("--tags a --only-summary Florist\n"), "{called}");
    (got, cx.checks.take())
}

async fn changed(change: impl FnOnce(&mut Json)) -> (Result<Json, Failure>, Vec<OwnCheck>) {
    let mut report = recorded("report");
    change(&mut report);
    run(&report.to_string(), &recorded("stats").to_string(), 0).await
}

fn verdicts(checks: &[OwnCheck]) -> Vec<(&str, Verdict)> {
    checks
        .iter()
        .map(|c| (c.id.as_str(), c.outcome.verdict))
        .collect()
}

const SOUND: [(&str, Verdict); 4] = [
    ("sent", Verdict::Passed),
    ("script", Verdict::Passed),
    ("generator", Verdict::Passed),
    ("exit_code", Verdict::Passed),
];

#[tokio::test]
async fn a_real_run_is_counted_by_name() {
    let (got, checks) = changed(|_| {}).await;
    let got = got.unwrap();
    assert_eq!(verdicts(&checks), SOUND);
    let sum: u64 = recorded("stats")
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["num_requests"].as_u64().unwrap())
        .sum();
    assert_eq!(got["sent"], sum);
    assert_eq!(got["answered"], sum);
    let (valid, invalid) = (&got["names"]["valid"], &got["names"]["invalid"]);
    assert_eq!(valid["statuses"], json!({"200": valid["sent"]}));
    assert_eq!(valid["errors"]["rate"], json!({"k": 0, "n": valid["sent"]}));
    assert_eq!(
        invalid["rejected"],
        json!({"k": invalid["sent"], "n": invalid["sent"]})
    );
    assert_eq!(invalid["errors"]["count"], 0);
    assert_eq!(valid["service"]["missing"], 0);
    assert!(got["started"].as_str().unwrap().starts_with("20"));
}

#[tokio::test]
async fn failures_have_classes_and_are_slower_than_every_limit() {
    let (got, _) = changed(|r| {
        r["names"]["valid"]["failures"] = json!({
            "500 LocustBadStatusCode": 2, "0 ConnectionRefusedError": 3, "0 TimeoutError": 1, "0 SSLError": 1,
            "200 CatchResponseError": 4, "404 HTTPError": 1
        });
    })
    .await;
    let valid = got.unwrap()["names"]["valid"].clone();
    assert_eq!(
        valid["errors"]["classes"],
        json!({"server": 2, "unreachable": 3, "timeout": 1, "tls": 1, "script": 4, "not_found": 1})
    );
    assert_eq!(valid["service"]["missing"], 12);
}

#[tokio::test]
async fn a_script_that_sends_nothing_is_inconclusive() {
    let mut report = recorded("report");
    report["names"] = json!({});
    report["seen"] = json!(0);
    let (got, checks) = run(&report.to_string(), "[]", 0).await;
    assert_eq!(got.unwrap()["sent"], 0);
    assert_eq!(verdicts(&checks)[0], ("sent", Verdict::Inconclusive));
}

#[tokio::test]
async fn a_dead_server_is_an_error() {
    let (got, _) = changed(|r| {
        r["names"] =
            json!({"valid": {"statuses": {}, "failures": {"0 ConnectionRefusedError": 9}, "times": {}}});
        r["sample"] = json!("POST valid: ConnectionRefusedError(111, 'Connection refused')");
    })
    .await;
    let failure = got.unwrap_err();
    assert_eq!(failure.class, Class::Unreachable);
    assert!(failure.details[0].contains("Connection refused"), "{failure:?}");
}

#[tokio::test]
async fn exceptions_a_busy_processor_and_the_scripts_own_word_count() {
    for (change, wrong) in [
        (
            json!({"thrown": 3, "exception": "ValueError: boom"}),
            ("script", Verdict::Errored),
        ),
        (json!({"busy": true}), ("generator", Verdict::Inconclusive)),
        (json!({"cpu": 0.95}), ("generator", Verdict::Inconclusive)),
    ] {
        let (got, checks) = changed(|r| {
            r.as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
        })
        .await;
        got.unwrap();
        let mut wanted = SOUND;
        *wanted.iter_mut().find(|(id, _)| *id == wrong.0).unwrap() = wrong;
        assert_eq!(verdicts(&checks), wanted, "{change}");
    }
    let mut report = recorded("report");
    report["exit_code"] = json!(3);
    let (got, checks) = run(&report.to_string(), &recorded("stats").to_string(), 3).await;
    assert_eq!(got.unwrap()["exit_code"], 3);
    assert_eq!(verdicts(&checks)[3], ("exit_code", Verdict::Failed));
}

#[tokio::test]
async fn a_run_that_did_not_come_to_its_end_is_an_error() {
    let stats = recorded("stats").to_string();
    // A script that does not load leaves no report.
    let (got, _) = run("", &stats, 1).await;
    let failure = got.unwrap_err();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(1)));
    assert!(
        failure.details.iter().any(|d| d.contains("last words")),
        "{failure:?}"
    );
    // The program ended in another way than its report says.
    let (got, _) = run(&recorded("report").to_string(), &stats, 1).await;
    assert_eq!(got.unwrap_err().class, Class::ExitCode);
}

#[tokio::test]
async fn two_counts_that_differ_are_no_count() {
    let (got, _) = changed(|r| r["seen"] = json!(1)).await;
    let failure = got.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
    assert!(failure.help.unwrap().contains("warmup"));
    for (report, stats) in [
        ("<html>", "[]"),
        ("{}", "[]"),
        (&*recorded("report").to_string(), "{}"),
        (&*recorded("report").to_string(), "<html>"),
    ] {
        let failure = run(report, stats, 0).await.0.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{failure:?}");
    }
    let (got, _) = changed(|r| r["names"]["valid"]["statuses"] = json!({"many": 1})).await;
    assert_eq!(got.unwrap_err().class, Class::UnreadableAnswer);
}

#[test]
fn arguments_that_take_the_numbers_away_are_refused() {
    let locust = REGISTRY.get("locust.run").unwrap();
    for argument in ["--master", "--processes=4", "-f", "--host=x"] {
        let ask = json!({"script": "s.py", "duration": "1s", "args": [argument]});
        assert_eq!(locust.validate(&ask).len(), 1, "{argument}");
    }
}
