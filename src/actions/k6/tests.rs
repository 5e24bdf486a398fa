//! A program that leaves behind what a real k6 wrote, and what is made of it.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::action::{Class, Context, Failure, OwnCheck};
use crate::actions::{REGISTRY, fake};
use crate::check::Verdict;
use crate::tools::{Endpoint, Endpoints, Grants, Redactor, Tools};

/// What the program leaves behind.
struct Left {
    summary: Option<String>,
    samples: Option<String>,
    log: String,
    code: i32,
}

fn recorded(name: &str) -> String {
    let file = format!("{}/tests/recorded/k6-1.1/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"))
}

impl Left {
    fn real() -> Self {
        Self {
            summary: Some(recorded("summary.json")),
            samples: Some(recorded("samples.csv")),
            log: String::new(),
            code: 0,
        }
    }

    /// With the summary changed.
    fn with(change: impl FnOnce(&mut Json)) -> Self {
        let mut summary: Json = serde_json::from_str(&recorded("summary.json")).unwrap();
        change(&mut summary);
        Self {
            summary: Some(summary.to_string()),
            ..Self::real()
        }
    }

    async fn run(&self, params: Json) -> (Result<Json, Failure>, Vec<OwnCheck>) {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::write(at.join("script.js"), "").unwrap();
        let mut program = "#!/bin/sh\necho \"$TARGET $@\" > called\nfor a in \"$@\"; do case $a in\n\
             --summary-export=*) s=${a#*=};; --out=csv=*) c=${a#--out=csv=};; --log-output=file=*) l=${a##*=};; esac; done\n"
            .to_owned();
        for (file, text, variable) in [
            ("summary", &self.summary, "s"),
            ("samples", &self.samples, "c"),
            ("log", &Some(self.log.clone()), "l"),
        ] {
            if let Some(text) = text {
                std::fs::write(at.join(file), text).unwrap();
                let _ = writeln!(program, "cp {file} \"${variable}\"");
            }
        }
        let _ = writeln!(program, "exit {}", self.code);
        let k6 = at.join("k6");
        std::fs::write(&k6, program).unwrap();
        std::fs::set_permissions(&k6, std::fs::Permissions::from_mode(0o755)).unwrap();
        let cx = context(at, Some(k6.display().to_string()));
        let mut given = json!({"script": "script.js", "target": "kserve", "by": "kind"});
        given
            .as_object_mut()
            .unwrap()
            .extend(params.as_object().unwrap().clone());
        let got = REGISTRY.get("k6.run").unwrap().run(given, &cx).await;
        let called = std::fs::read_to_string(at.join("called")).unwrap_or_default();
        assert!(
            called.starts_with("http://127.0.0.1:8080 run --quiet"),
            "{called}"
        );
        let kept = std::fs::read_dir(at.join("artifacts")).into_iter().flatten();
        assert!(
            kept.map(|e| e.unwrap().file_name())
                .all(|name| name == "summary.json")
        );
        (got, cx.checks.take())
    }
}

fn context(folder: &std::path::Path, program: Option<String>) -> Context {
    let mut cx = fake::context(None, folder);
    let mut endpoints = Endpoints::default();
    let kserve = Endpoint {
        family: "kserve".to_owned(),
        url: Some("http://127.0.0.1:8080/".to_owned()),
        ..Endpoint::default()
    };
    endpoints.0.insert("kserve".to_owned(), kserve);
    if let Some(program) = program {
        let settings = [("program".to_owned(), json!(program))].into();
        let k6 = Endpoint {
            family: "k6".to_owned(),
            settings,
            ..Endpoint::default()
        };
        endpoints.0.insert("k6".to_owned(), k6);
    }
    let tools = Tools::new(endpoints, Grants::open(), Redactor::default(), "test");
    cx.tools = Arc::new(tools.rooted(&[folder], &[]));
    cx
}

fn verdicts(checks: &[OwnCheck]) -> Vec<(&str, Verdict)> {
    checks
        .iter()
        .map(|c| (c.id.as_str(), c.outcome.verdict))
        .collect()
}

fn threshold<'a>(checks: &'a [OwnCheck], text: &str) -> &'a OwnCheck {
    checks
        .iter()
        .find(|c| c.text == text)
        .unwrap_or_else(|| panic!("{text}: {checks:#?}"))
}

#[tokio::test]
async fn a_real_run_is_counted_request_by_request() {
    let (got, checks) = Left::real().run(json!({})).await;
    let got = got.unwrap();
    let sent = got["sent"].as_u64().unwrap();
    assert_eq!(got["answered"], sent);
    assert_eq!(
        got["tags"]["invalid"]["rejected"]["n"],
        got["tags"]["invalid"]["sent"]
    );
    assert_eq!(
        got["tags"]["invalid"]["rejected"]["k"],
        got["tags"]["invalid"]["sent"]
    );
    assert_eq!(got["tags"]["valid"]["errors"]["rate"]["k"], 0);
    let both =
        got["tags"]["valid"]["sent"].as_u64().unwrap() + got["tags"]["invalid"]["sent"].as_u64().unwrap();
    assert_eq!(both, sent);
    assert_eq!(
        got["checks"]["predicted"],
        json!({"k": 0, "n": got["tags"]["valid"]["sent"]})
    );
    assert_eq!(got["iterations"], sent);
    // Too few for what the script asks: k6 says kept, which this sample does not show.
    assert_eq!(
        verdicts(&checks),
        [
            ("sent", Verdict::Passed),
            ("script", Verdict::Passed),
            ("generator", Verdict::Passed),
            ("thresholds[0]", Verdict::Inconclusive),
            ("thresholds[1]", Verdict::Inconclusive),
        ]
    );
    let rate = &threshold(&checks, "http_req_failed{kind:valid}: rate<0.01").outcome;
    assert_eq!(rate.statistics["n"], got["tags"]["valid"]["sent"]);
    assert_eq!(rate.statistics["k"], 0);
    let p95 = &threshold(&checks, "http_req_duration{kind:valid}: p(95)<200").outcome;
    assert_eq!(p95.statistics["n"], got["tags"]["valid"]["sent"]);
    assert_eq!(
        p95.statistics["share_limit"]
            .as_f64()
            .map(|s| (s * 100.0).round()),
        Some(5.0)
    );
}

#[tokio::test]
async fn without_a_confidence_k6s_word_counts_and_says_so() {
    let (got, checks) = Left::real().run(json!({"confidence": "none"})).await;
    got.unwrap();
    assert!(
        checks.iter().all(|c| c.outcome.verdict == Verdict::Passed),
        "{checks:#?}"
    );
    assert!(checks[3].outcome.message.contains("k6's word"));
}

#[tokio::test]
async fn true_in_the_summary_means_crossed() {
    let mut left = Left::with(|s| {
        s["metrics"]["http_req_duration{kind:valid}"]["thresholds"] =
            json!({"p(95)<0.0001": true, "max<0.001": true});
    });
    left.code = 99;
    let (got, checks) = left.run(json!({})).await;
    let got = got.unwrap();
    assert_eq!(got["crossed"].as_array().unwrap().len(), 2);
    let p95 = threshold(&checks, "http_req_duration{kind:valid}: p(95)<0.0001");
    assert_eq!(p95.outcome.verdict, Verdict::Failed, "{p95:?}");
    let max = threshold(&checks, "http_req_duration{kind:valid}: max<0.001");
    assert_eq!(max.outcome.verdict, Verdict::Failed);
    // The code and the summary contradict each other.
    left.code = 0;
    assert_eq!(left.run(json!({})).await.0.unwrap_err().class, Class::ExitCode);
}

#[tokio::test]
async fn a_threshold_on_nothing_is_not_kept() {
    let left = Left::with(|s| {
        s["metrics"]["http_req_duration{kind:none}"] =
            json!({"count": 0, "avg": 0, "p(95)": 0, "thresholds": {"p(95)<200": false, "avg<200": false}});
        s["metrics"]["mine"] =
            json!({"passes": 0, "fails": 0, "value": 0, "thresholds": {"rate<0.5": false}});
    });
    let (got, checks) = left.run(json!({"confidence": "none"})).await;
    got.unwrap();
    for text in [
        "http_req_duration{kind:none}: p(95)<200",
        "http_req_duration{kind:none}: avg<200",
        "mine: rate<0.5",
    ] {
        assert_eq!(
            threshold(&checks, text).outcome.verdict,
            Verdict::Inconclusive,
            "{text}"
        );
    }
}

#[tokio::test]
async fn dropped_iterations_and_exceptions_are_told() {
    let mut left = Left::with(|s| s["metrics"]["dropped_iterations"] = json!({"count": 17, "rate": 8.5}));
    left.log =
        "{\"level\":\"error\",\"source\":\"stacktrace\",\"msg\":\"Error: boom\\n\\tat x\"}\nnot json\n"
            .to_owned();
    let (got, checks) = left.run(json!({})).await;
    let got = got.unwrap();
    assert_eq!(
        (got["dropped"].clone(), got["exceptions"].clone()),
        (json!(17), json!(1))
    );
    assert_eq!(
        verdicts(&checks)[..3],
        [
            ("sent", Verdict::Passed),
            ("script", Verdict::Errored),
            ("generator", Verdict::Inconclusive)
        ]
    );
    assert!(checks[1].outcome.details[0].contains("boom"));
    assert!(checks[2].outcome.message.contains("17 of"), "{:?}", checks[2]);
}

#[tokio::test]
async fn a_script_that_sends_nothing_is_inconclusive() {
    let mut left = Left::with(|s| {
        s["metrics"] = json!({"iterations": {"count": 3, "rate": 1}});
    });
    left.samples = Some(recorded("samples.csv").lines().next().unwrap().to_owned() + "\n");
    let (got, checks) = left.run(json!({})).await;
    assert_eq!(got.unwrap()["sent"], 0);
    assert_eq!(verdicts(&checks)[0], ("sent", Verdict::Inconclusive));
    // Not even a file of samples.
    left.samples = None;
    assert_eq!(
        left.run(json!({})).await.0.unwrap_err().class,
        Class::UnreadableAnswer
    );
}

#[tokio::test]
async fn a_dead_server_is_an_error_and_never_a_fast_one() {
    let head = recorded("samples.csv").lines().next().unwrap().to_owned();
    let row = |code: &str| {
        format!(
            "http_req_duration,1,0.000000,,dial: no,{code},false,,POST,http://x/,,s,,0,,,http://x/,kind=valid,\n"
        )
    };
    for (code, class) in [
        ("1212", Class::Unreachable),
        ("1050", Class::Timeout),
        ("1310", Class::Tls),
    ] {
        let mut left = Left::with(|s| s["metrics"]["http_reqs"] = json!({"count": 2, "rate": 1}));
        left.samples = Some(format!("{head}\n{}{}", row(code), row(code)));
        let failure = left.run(json!({})).await.0.unwrap_err();
        assert_eq!(failure.class, class, "{failure:?}");
        assert!(failure.message.contains("no answer came to any"), "{failure}");
        assert!(failure.details[0].contains("dial: no"));
    }
    // One answer among many refused connections: each of these is slower than every limit.
    let answered = "http_req_duration,1,1.000000,,,,true,,POST,http://x/,,s,,200,,,http://x/,kind=valid,\n";
    let mut left = Left::with(|s| {
        s["metrics"]["http_reqs"] = json!({"count": 101, "rate": 1});
        s["metrics"]["http_req_duration{kind:valid}"] =
            json!({"count": 101, "thresholds": {"p(95)<200": false}});
    });
    left.samples = Some(format!("{head}\n{}{answered}", row("1212").repeat(100)));
    let (got, checks) = left.run(json!({})).await;
    assert_eq!(got.unwrap()["errors"]["classes"], json!({"unreachable": 100}));
    let p95 = threshold(&checks, "http_req_duration{kind:valid}: p(95)<200");
    assert_eq!(p95.outcome.verdict, Verdict::Failed, "{p95:?}");
}

#[tokio::test]
async fn a_run_that_broke_says_why() {
    let mut left = Left::real();
    left.code = 107;
    left.log =
        "{\"level\":\"error\",\"msg\":\"GoError: bad.js: Line 1:35 Unexpected identifier\"}\n".to_owned();
    let failure = left.run(json!({})).await.0.unwrap_err();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(107)));
    assert!(
        failure.details[0].contains("Unexpected identifier"),
        "{failure:?}"
    );
    left = Left::real();
    left.code = 105;
    assert_eq!(left.run(json!({})).await.0.unwrap_err().exit_code, Some(105));
}

#[tokio::test]
async fn numbers_that_cannot_be_read_are_no_numbers() {
    for change in [
        |l: &mut Left| l.summary = Some("<html>".to_owned()),
        |l: &mut Left| l.summary = Some("{}".to_owned()),
        |l: &mut Left| l.summary = Some("{\"metrics\": {\"a\": 1}}".to_owned()),
        |l: &mut Left| l.summary = Some("{\"metrics\": {\"a\": {\"thresholds\": {\"x\": 1}}}}".to_owned()),
        |l: &mut Left| l.summary = None,
        |l: &mut Left| l.samples = Some("a,b\n1,2\n".to_owned()),
        |l: &mut Left| l.samples = Some(recorded("samples.csv") + "1,2\n"),
        |l: &mut Left| l.samples = Some(recorded("samples.csv") + "\"a"),
        // A request less than the summary has.
        |l: &mut Left| {
            let all = recorded("samples.csv");
            let at = all.find("http_req_duration,").unwrap();
            let end = at + all[at..].find('\n').unwrap() + 1;
            l.samples = Some(all[..at].to_owned() + &all[end..]);
        },
    ] {
        let mut left = Left::real();
        change(&mut left);
        let failure = left.run(json!({})).await.0.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{failure:?}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.js"), "").unwrap();
    let run = |params: Json, program: &str| {
        let cx = context(folder.path(), Some(program.to_owned()));
        async move {
            REGISTRY
                .get("k6.run")
                .unwrap()
                .run(params, &cx)
                .await
                .unwrap_err()
        }
    };
    let failure = run(json!({"script": "none.js"}), "k6").await;
    assert_eq!(failure.class, Class::Missing);
    let failure = run(json!({"script": "script.js"}), "no-such-k6").await;
    assert_eq!(failure.class, Class::Missing);
    let failure = run(json!({"script": "script.js", "target": "mlflow"}), "k6").await;
    assert!(failure.message.contains("no URL for `mlflow`"), "{failure}");
    let failure = run(json!({"script": "script.js", "confidence": "20%"}), "k6").await;
    assert_eq!(failure.class, Class::BadParameter);
    let k6 = REGISTRY.get("k6.run").unwrap();
    for params in [
        json!({"script": "s", "args": ["--out=json"]}),
        json!({"script": "s", "env": {"A": 1}, "secret_env": {"A": "x"}}),
    ] {
        assert_eq!(k6.validate(&params).len(), 1, "{params}");
    }
}
