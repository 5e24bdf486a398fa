//! What a step costs that does nothing: `cargo bench --bench engine`.
//!
//! One spec with many steps of an action that returns at once, at one job, with the journal and no report. Prints
//! microseconds a step, of which one write to the journal for each event is a part, and ends with 1 over 50 µs.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and may panic"
)]

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use specrun::action::{Action, Context, Failure, Family, Registry};
use specrun::diag::Diagnostics;
use specrun::engine::{self, Control, Options, RunDir};
use specrun::event::{RunInfo, VERSION};
use specrun::plan::{Given, Plan, Request, compile};
use specrun::source::Sources;
use specrun::spec::{SpecDefaults, read_text};
use specrun::tools::{Endpoints, Grants, Redactor, Tools};

struct Nothing;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {}

#[derive(Serialize, JsonSchema)]
struct Output {
    done: bool,
}

impl Action for Nothing {
    const NAME: &'static str = "bench.nothing";
    type Params = Params;
    type Output = Output;

    async fn run(&self, _: Params, _: &Context) -> Result<Output, Failure> {
        Ok(Output { done: true })
    }
}

static REGISTRY: Registry = Registry::new(&[Family {
    name: "bench",
    about: "Does nothing.",
    actions: &[&Nothing],
    program: None,
}]);

const STEPS: usize = 5_000;
const ROUNDS: usize = 5;
const LIMIT: f64 = 50.0;

fn main() -> ExitCode {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let plan = Arc::new(plan());
        let took = once(&plan);
        println!("{took:8.1} µs a step");
        best = best.min(took);
    }
    println!("best of {ROUNDS}: {best:.1} µs a step, {STEPS} steps; limit {LIMIT} µs");
    if best <= LIMIT {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn once(plan: &Arc<Plan>) -> f64 {
    let root = tempfile::tempdir().unwrap();
    let dir = RunDir::create(root.path(), engine::new_run_id(1)).unwrap();
    let info = RunInfo {
        id: dir.id().clone(),
        format: VERSION,
        version: "bench".to_owned(),
        argv: Vec::new(),
        environment: None,
        profile: None,
        seed: 1,
        jobs: 1,
        started: String::new(),
        pid: std::process::id(),
        specs: plan.specs.iter().map(|s| s.info()).collect(),
    };
    let tools = Arc::new(Tools::new(
        Endpoints::default(),
        Grants::open(),
        Redactor::new(&[]),
        "bench",
    ));
    let options = Options::new(dir, 1, Arc::new(|_| 0));
    let start = Instant::now();
    let outcome = engine::run(Arc::clone(plan), tools, options, info, Vec::new(), Control::new());
    let took = start.elapsed();
    assert_eq!(outcome.summary.critical.passed, 1, "the spec did not pass");
    took.as_secs_f64() * 1e6 / STEPS as f64
}

fn plan() -> Plan {
    let mut text =
        String::from("specrun: 1\nid: B\ntitle: Nothing, often\ntools: [bench]\ntimeout: 1h\nsteps:\n");
    for n in 0..STEPS {
        writeln!(text, "  - id: s{n}\n    bench.nothing: {{}}").unwrap();
    }
    writeln!(text, "expect:\n  - s{}.done", STEPS - 1).unwrap();
    let sources = Sources::new();
    let id = sources.add("bench.yaml", text);
    let mut out = Diagnostics::new();
    let spec = read_text(&sources, id, &REGISTRY, SpecDefaults::default(), &mut out);
    let (plan, found) = compile(&Request {
        sources: &sources,
        registry: &REGISTRY,
        specs: &spec.into_iter().collect::<Vec<_>>(),
        given: Given {
            set: &[],
            environment: None,
            secrets: &[],
            variable: &|_| None,
            complete: true,
        },
        defaults: SpecDefaults::default(),
    });
    plan.unwrap_or_else(|| panic!("{:?} {found:?}", out.sorted()))
}
