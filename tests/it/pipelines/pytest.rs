//! `pytest.run` with a stand-in for the runner that leaves a report and ends as real ones do.

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure, OwnCheck};
use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::event::Severity;
use specrun::tools::Grants;
use specrun::value::Secret;

use crate::support::actions::Stage;

const PASSED: &str = r#"<testcase classname="t.test_a" name="test_ok" time="0.25"/>"#;
const FAILED: &str = r#"<testcase classname="t.test_a" name="test_no" time="1"><failure message="assert 1 == 2">def test_no():
&gt;   assert 1 == 2</failure></testcase>"#;
const SKIPPED: &str =
    r#"<testcase classname="t.test_a" name="test_gpu" time="0"><skipped message="no GPU"/></testcase>"#;
const BROKEN: &str = r#"<testcase classname="" name="t.test_b" time="0"><error message="collection failure">ImportError: x</error></testcase>"#;

/// A stage whose runner writes these tests to its report and ends with this code.
fn stage(cases: &[&str], code: i32) -> Stage {
    let stage = Stage::new();
    let report = format!(
        "<?xml version=\"1.0\"?><testsuites><testsuite name=\"pytest\" tests=\"{}\">{}</testsuite></testsuites>",
        cases.len(),
        cases.concat()
    );
    let report = stage.file("project/report.xml", report);
    stage.program(
        "project/specs/runner",
        &format!(
            "echo running; for a; do case $a in --junitxml=*) cp {} ${{a#--junitxml=}};; esac; done; exit {code}",
            report.display()
        ),
    );
    stage
}

async fn run(stage: &Stage, more: Json) -> (Result<Json, Failure>, Vec<OwnCheck>) {
    let mut params = json!({ "argv": ["./runner", "tests"] });
    params
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let cx = stage.context(Grants::open());
    let got = REGISTRY.get("pytest.run").unwrap().run(params, &cx).await;
    (got, cx.checks.take())
}

fn verdicts(checks: &[OwnCheck]) -> Vec<(&str, Verdict)> {
    checks
        .iter()
        .map(|c| (c.id.as_str(), c.outcome.verdict))
        .collect()
}

#[tokio::test]
async fn each_test_is_a_check() {
    let stage = stage(&[PASSED, FAILED, SKIPPED], 1);
    let (got, checks) = run(&stage, json!({})).await;
    let got = got.unwrap();
    let counts =
        ["tests", "passed", "failed", "errored", "skipped", "exit_code"].map(|k| got[k].as_u64().unwrap());
    assert_eq!(counts, [3, 1, 1, 0, 1, 1]);
    assert_eq!(got["cases"][0]["elapsed"], "250ms");
    assert_eq!(
        verdicts(&checks),
        [
            ("t.test_a.test_ok", Verdict::Passed),
            ("t.test_a.test_no", Verdict::Failed),
            ("t.test_a.test_gpu", Verdict::Inconclusive),
        ]
    );
    assert_eq!(checks[1].outcome.message, "assert 1 == 2");
    assert_eq!(checks[1].outcome.details, ["def test_no():", ">   assert 1 == 2"]);
    assert_eq!(
        (checks[2].severity, checks[2].outcome.message.as_str()),
        (Severity::Info, "skipped: no GPU")
    );
    assert!(std::path::Path::new(got["junit"].as_str().unwrap()).is_file());
}

#[tokio::test]
async fn what_is_skipped_may_be_made_to_count() {
    let (got, checks) = run(
        &stage(&[PASSED, SKIPPED], 0),
        json!({ "skipped": "inconclusive" }),
    )
    .await;
    assert_eq!(got.unwrap()["skipped"], 1);
    assert_eq!(
        (checks[1].severity, checks[1].outcome.verdict),
        (Severity::Critical, Verdict::Inconclusive)
    );
}

#[tokio::test]
async fn a_suite_that_tested_nothing_is_inconclusive() {
    for (cases, code, message) in [
        (&[][..], 5, "the suite collected no test"),
        (&[][..], 0, "the suite collected no test"),
        (&[SKIPPED][..], 0, "every test of the suite was skipped"),
    ] {
        let (got, checks) = run(&stage(cases, code), json!({})).await;
        assert!(got.is_ok(), "{got:?}");
        let last = checks.last().unwrap();
        assert_eq!(
            (last.id.as_str(), last.outcome.verdict),
            ("collected", Verdict::Inconclusive)
        );
        assert_eq!(
            (last.severity, last.outcome.message.as_str()),
            (Severity::Critical, message)
        );
    }
}

#[tokio::test]
async fn a_suite_that_breaks_is_no_result() {
    // pytest: interrupted by a file that cannot be imported, an internal error, a wrong command line, a crash.
    for (cases, code) in [
        (&[BROKEN][..], 2),
        (&[PASSED], 3),
        (&[], 4),
        (&[PASSED], 139),
        (&[], 1),
    ] {
        let (got, checks) = run(&stage(cases, code), json!({})).await;
        let failure = got.unwrap_err();
        assert!(
            matches!(failure.class, Class::ExitCode | Class::UnreadableAnswer),
            "{failure}"
        );
        assert_eq!(failure.exit_code, Some(code), "{failure}");
        assert!(
            failure.details.contains(&"stdout: running".to_owned()),
            "{failure:?}"
        );
        if code == 2 {
            assert_eq!(verdicts(&checks), [("t.test_b", Verdict::Errored)]);
        }
    }
}

#[tokio::test]
async fn an_exit_code_that_contradicts_the_report_is_no_result() {
    for (cases, code) in [(&[FAILED][..], 0), (&[PASSED], 1)] {
        let (got, _) = run(&stage(cases, code), json!({})).await;
        assert_eq!(got.unwrap_err().class, Class::UnreadableAnswer);
    }
    // A report that says it has more tests than it has.
    let stage = stage(&[PASSED], 0);
    let report = std::fs::read_to_string(stage.path("project/report.xml")).unwrap();
    stage.file("project/report.xml", report.replace("tests=\"1\"", "tests=\"9\""));
    let (got, _) = run(&stage, json!({})).await;
    assert!(got.unwrap_err().message.contains("1 of the 9 tests"));
    // One that says that some failed, and shows none.
    stage.file(
        "project/report.xml",
        report.replace("tests=\"1\"", "tests=\"1\" errors=\"1\""),
    );
    let (got, _) = run(&stage, json!({})).await;
    assert!(got.unwrap_err().message.contains("shows none that did"));
}

#[tokio::test]
async fn without_a_report_nothing_passed() {
    let stage = Stage::new();
    stage.program("project/specs/runner", "echo '5 passed'");
    let (got, checks) = run(&stage, json!({})).await;
    let failure = got.unwrap_err();
    assert_eq!(
        (failure.class, checks.len()),
        (Class::UnreadableAnswer, 0),
        "{failure}"
    );
    assert!(failure.help.is_some());
    stage.program("project/specs/runner", "exit 4");
    assert_eq!(run(&stage, json!({})).await.0.unwrap_err().class, Class::ExitCode);
    let odd = self::stage(&[], 0);
    odd.file("project/report.xml", "<html>");
    assert_eq!(
        run(&odd, json!({})).await.0.unwrap_err().class,
        Class::UnreadableAnswer
    );
    let gone = run(&Stage::new(), json!({})).await.0.unwrap_err();
    assert_eq!(gone.class, Class::Missing, "{gone}");
}

#[tokio::test]
async fn another_runner_writes_its_report_where_it_likes_and_anew() {
    let stage = stage(&[PASSED], 0);
    let report = stage.path("project/report.xml");
    stage.program(
        "project/specs/other",
        &format!("mkdir -p out; cp {} out/junit.xml", report.display()),
    );
    let more = json!({ "argv": ["./other"], "junit": "out/junit.xml" });
    let (got, _) = run(&stage, more.clone()).await;
    assert_eq!(got.unwrap()["passed"], 1);
    // It may have a number of its own for tests that failed.
    let failing = self::stage(&[FAILED], 0);
    let theirs = failing.path("project/report.xml");
    failing.program(
        "project/specs/other",
        &format!("mkdir -p out; cp {} out/junit.xml; exit 100", theirs.display()),
    );
    let (got, checks) = run(&failing, more.clone()).await;
    assert_eq!(got.unwrap()["exit_code"], 100);
    assert_eq!(checks[0].outcome.verdict, Verdict::Failed);
    // What an attempt just before left is not of this one either.
    stage.program("project/specs/other", "true");
    let failure = run(&stage, more.clone()).await.0.unwrap_err();
    assert!(failure.message.contains("of an earlier run"), "{failure}");
    // Nor is a copy that was given its old time.
    let old = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    std::fs::File::open(stage.path("project/specs/out/junit.xml"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    let failure = run(&stage, more.clone()).await.0.unwrap_err();
    assert!(failure.message.contains("of an earlier run"), "{failure}");
    std::fs::remove_file(stage.path("project/specs/out/junit.xml")).unwrap();
    assert!(
        run(&stage, more)
            .await
            .0
            .unwrap_err()
            .help
            .unwrap()
            .contains("out/junit.xml")
    );
}

#[tokio::test]
async fn a_secret_that_a_test_prints_is_masked() {
    let mut stage = stage(&[&FAILED.replace("1 == 2", "hunter22 == 2")], 1);
    stage.secrets.push(Secret::new("t", "hunter22"));
    let (got, checks) = run(&stage, json!({})).await;
    let got = got.unwrap();
    assert_eq!(checks[0].outcome.message, "assert *** == 2");
    let kept = std::fs::read_to_string(got["junit"].as_str().unwrap()).unwrap();
    assert!(!kept.contains("hunter22") && !got.to_string().contains("hunter22"));
}
