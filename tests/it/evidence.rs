//! Replay and proof: what checks say of recorded outputs, and of wrong ones.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use specrun::action::{Action, Context, Failure, Family, Registry};
use specrun::check::{Class, Verdict};
use specrun::event::{Event, Role};
use specrun::evidence::{Change, Fate, Proof, SpecReplay, prove, replay};
use specrun::plan::Plan;
use specrun::value::{Distribution, Duration, Proportion, Ratio};

use crate::support::events::Story;
use crate::support::plans::{compile_texts, yaml_below};
use crate::support::specrun::Project;

/// Gives whatever the test has recorded.
struct Ask;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct AskParams {
    name: String,
}

#[derive(Serialize, JsonSchema)]
struct AskOutput {
    status: u16,
    accuracy: Ratio,
    latency: Distribution,
    errors: Proportion,
    took: Duration,
    approver: Option<String>,
    pods: Vec<Pod>,
    body: Json,
}

#[derive(Serialize, JsonSchema)]
struct Pod {
    phase: String,
    ready: bool,
}

impl Action for Ask {
    const NAME: &'static str = "it.ask";
    type Params = AskParams;
    type Output = AskOutput;

    async fn run(&self, _: AskParams, _: &Context) -> Result<AskOutput, Failure> {
        unreachable!("nothing runs here")
    }
}

static REGISTRY: Registry = Registry::new(&[Family {
    name: "it",
    about: "Asks.",
    actions: &[&Ask],
    program: None,
}]);

/// A spec with one step `a` and these further keys; lines of the step's own keys, then of the spec's.
fn plan(step: &str, expect: &[&str]) -> Plan {
    let mut text = format!(
        "specrun: 1\nid: X\ntitle: t\ntools: [it]\nsteps:\n  - id: a\n    it.ask: {{name: x}}\n{step}"
    );
    if !expect.is_empty() {
        text.push_str("expect:\n");
        for e in expect {
            text += "  - '";
            text += e;
            text += "'\n";
        }
    }
    compile_texts(&REGISTRY, [("x.yaml".into(), text)], &[]).plan()
}

fn output() -> Json {
    json!({
        "status": 200,
        "accuracy": "97.3%",
        "latency": {"quantity": "duration", "buckets": [[0.05, 900], [0.1, 90], [0.3, 10]], "missing": 0},
        "errors": {"k": 0, "n": 1000},
        "took": "2s",
        "approver": "alice",
        "pods": [{"phase": "Running", "ready": true}, {"phase": "Running", "ready": true}],
        "body": {"stage": "Production", "items": [1, 2, 3]},
    })
}

/// The run of a plan in which `a` gave an output, and every check passed.
fn passed(plan: &Plan, output: Json) -> Vec<Event> {
    let info = plan.specs[0].info();
    let ids: Vec<_> = info.checks.iter().map(|c| c.id.clone()).collect();
    let mut s = Story::new(vec![info]);
    s.begin("X").start("X", "a", Role::Step, "it.ask", json!({}));
    s.pass("X", "a", Role::Step, output, 0.1);
    for id in ids {
        let step = id.starts_with("a.").then_some("a");
        s.checked(
            "X",
            step,
            &id,
            specrun::check::CheckOutcome::new(Verdict::Passed, "it was so"),
        );
    }
    s.end("X", Verdict::Passed, None, 0.1, 1);
    s.finish(0);
    s.events
}

fn proof(expect: &[&str]) -> Proof {
    let plan = plan("", expect);
    prove(&plan, &passed(&plan, output())).remove(0)
}

/// Places with mutants that survived, with what they became.
fn survivors(proof: &Proof) -> Vec<String> {
    assert_eq!(proof.unusable, None);
    proof
        .survivors()
        .map(|m| {
            let becomes = m
                .becomes
                .as_ref()
                .map_or("missing".to_owned(), ToString::to_string);
            format!("{} = {becomes}", m.place)
        })
        .collect()
}

#[test]
fn checks_that_say_what_they_mean_notice_everything() {
    for expect in [
        "a.status == 200",
        "a.accuracy > 90%",
        "a.latency.p95 < 200ms",
        "a.errors < 1%",
        "a.body.stage != \"\"",
        "a.took < 1m",
        "a.pods.all(.ready)",
        "a.pods.all(.phase == \"Running\") and len(a.pods) == 2",
        "a.body.stage == \"Production\"",
        "len(a.body.items) == 3",
        "a.approver matches \"^[a-z]+$\" and a.approver == \"alice\"",
    ] {
        let proof = proof(&[&expect.replace('\'', "''")]);
        assert!(!proof.mutants.is_empty(), "{expect}");
        assert_eq!(
            (survivors(&proof), proof.score()),
            (vec![], Some(1.0)),
            "{expect}"
        );
    }
}

#[test]
fn checks_that_look_away_are_found_out() {
    assert_eq!(
        survivors(&proof(&["a.approver is present"])),
        ["a.approver = \"specrun-mutant\"", "a.approver = \"\""]
    );
    // One bad phase is named, so every other passes; that an empty one does too is hardly meant.
    assert_eq!(
        survivors(&proof(&["a.pods.none(.phase == \"Failed\")"])),
        ["a.pods[*].phase = \"\""]
    );
    // True of every status there is.
    let weak = proof(&["a.status > 0"]);
    assert_eq!(weak.score(), Some(0.0));
    assert_eq!(
        weak.survivors().next().unwrap().to_string(),
        "if `a.status` were 403 (it was 200), no check would notice"
    );
}

#[test]
fn a_limit_allows_what_stays_within_it() {
    let proof = proof(&["a.accuracy > 90%"]);
    let fates: Vec<_> = proof
        .mutants
        .iter()
        .map(|m| (m.becomes.clone().unwrap(), m.fate.clone()))
        .collect();
    let noticed = || Fate::Noticed {
        check: "expect[0]".into(),
        verdict: Verdict::Failed,
    };
    assert_eq!(
        fates,
        [
            (json!("973%"), Fate::Allowed),
            (json!("9.73%"), noticed()),
            (json!("-97.3%"), noticed()),
            (json!("0%"), noticed()),
            (json!("90%"), noticed()),
        ]
    );
    assert_eq!(
        proof.to_string(),
        "X  100%: 4 of 4 wrong values noticed, 1 within what the checks allow\n"
    );
}

#[test]
fn a_failure_that_is_expected_must_be_that_failure() {
    let failed = |step: &str| {
        let plan = plan(step, &[]);
        let mut s = Story::new(vec![plan.specs[0].info()]);
        let mut failure = Failure::new(Class::Forbidden, "not allowed");
        failure.status = Some(403);
        s.begin("X").start("X", "a", Role::Step, "it.ask", json!({}));
        s.fail("X", "a", Role::Step, failure, 0.1);
        s.end("X", Verdict::Passed, None, 0.1, 1);
        s.finish(0);
        prove(&plan, &s.events).remove(0)
    };
    let sharp = failed("    expect_failure: {class: forbidden, status: 403}\n");
    assert_eq!((sharp.mutants.len(), sharp.score()), (3, Some(1.0)));
}

#[test]
fn only_a_passed_run_can_be_made_wrong() {
    let plan = plan("", &["a.status == 200"]);
    let mut events = passed(&plan, output());
    for e in &mut events {
        if let specrun::event::EventKind::SpecFinished { verdict, .. } = &mut e.kind {
            *verdict = Verdict::Failed;
        }
    }
    let proof = prove(&plan, &events).remove(0);
    assert_eq!(proof.score(), None);
    assert!(
        proof
            .unusable
            .unwrap()
            .starts_with("it was failed in the recorded run")
    );
    // Recorded as passed, but the check has been changed since.
    let other = self::plan("", &["a.status == 201"]);
    let proof = prove(&other, &passed(&other, output())).remove(0);
    assert!(
        proof
            .unusable
            .unwrap()
            .contains("does not pass on the recorded outputs")
    );
    assert!(prove(&plan, &[]).remove(0).unusable.is_some());
}

fn replayed(now: &Plan, then: &Plan) -> SpecReplay {
    replay(now, &passed(then, output())).remove(0)
}

#[test]
fn an_unchanged_spec_replays_the_same() {
    let plan = plan("    expect: [\".status == 200\"]\n", &["a.accuracy > 90%"]);
    let r = replayed(&plan, &plan);
    assert_eq!(
        (r.before, r.after),
        (Some(Verdict::Passed), Some(Verdict::Passed))
    );
    assert!(
        r.checks.iter().all(|c| c.change == Change::Same) && r.checks.len() == 2,
        "{r:?}"
    );
    assert_eq!(r.to_string(), "X  passed as before\n");
}

#[test]
fn a_changed_check_gets_its_new_verdict() {
    let then = plan("", &["a.accuracy > 90%", "a.took < 1m"]);
    let now = plan("    expect: [\".status == 201\"]\n", &["a.accuracy > 99%"]);
    let r = replayed(&now, &then);
    assert_eq!(
        (r.before, r.after),
        (Some(Verdict::Passed), Some(Verdict::Failed))
    );
    let changes: Vec<_> = r.checks.iter().map(|c| (c.check.id.as_str(), c.change)).collect();
    assert_eq!(
        changes,
        [
            ("a.expect[0]", Change::New),
            ("expect[0]", Change::Verdict),
            ("expect[1]", Change::Gone)
        ]
    );
    let text = r.to_string();
    assert!(
        text.starts_with("X  failed, was passed\n  failed, new: .status == 201\n"),
        "{text}"
    );
    assert!(
        text.contains("failed, was passed: a.accuracy > 99%\n    at x.yaml:"),
        "{text}"
    );
}

/// What was never recorded is not made up.
#[test]
fn a_step_that_did_not_run_gives_no_verdict() {
    let then = plan("", &["a.status == 200"]);
    let now = plan("  - id: b\n    it.ask: {name: y}\n", &["b.status == 200"]);
    let r = replayed(&now, &then);
    assert_eq!(r.after, Some(Verdict::Errored));
    assert!(
        r.checks[0]
            .after
            .as_ref()
            .unwrap()
            .message
            .contains("step `b` has no recorded output"),
        "{r:?}"
    );
}

/// The quick start, really run: its checks pass again on what was recorded, and notice what would be wrong.
#[test]
fn the_quick_start_replays_and_is_proved() {
    let project = Project::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
    let root = root.to_str().unwrap();
    let ran = project.run(&["run", root]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let runs = project.path().join(".specrun/runs");
    let run = std::fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let journal = specrun::engine::journal::read(&run.join("journal.jsonl")).unwrap();

    let texts = yaml_below("examples/quickstart");
    let plan = compile_texts(&specrun::actions::REGISTRY, texts, &[]).plan();
    for r in replay(&plan, &journal.events) {
        assert_eq!(
            (r.before, r.after),
            (Some(Verdict::Passed), Some(Verdict::Passed)),
            "{r}"
        );
        assert!(r.checks.iter().all(|c| c.change == Change::Same), "{r}");
    }
    let shown: Vec<_> = prove(&plan, &journal.events)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "Q01  100%: 4 of 4 wrong values noticed, 4 within what the checks allow\n",
            "Q02  100%: 4 of 4 wrong values noticed\n",
            "Q03  100%: 4 of 4 wrong values noticed\n",
        ]
    );
}
