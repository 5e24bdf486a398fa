//! Every fault of a peer meets every action that speaks HTTP: a class, within its time, in bounded memory.
//!
//! `HOSTILE_SEEDS` says how often, each time in another order and interleaving; 1 without it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use specrun::action::Class;
use specrun::actions::REGISTRY;
use specrun::tools::Grants;
use specrun::tools::http::Lookup;

use crate::support::actions::Stage;
use crate::support::certificates::Authority;
use crate::support::faults::Faults;
use crate::support::specrun::{Project, spec};
use crate::support::verbs;

/// Faults that come to an end, and the class each has for every action.
const ENDING: [(&str, Class); 33] = [
    ("/reset-before", Class::Unreachable),
    ("/close-before", Class::Unreachable),
    ("/not-http", Class::UnreadableAnswer),
    ("/large-header", Class::TooLarge),
    ("/endless-headers", Class::TooLarge),
    ("/reset-body", Class::Unreachable),
    ("/cut", Class::UnreadableAnswer),
    ("/cut-chunk", Class::UnreadableAnswer),
    ("/bad-chunk", Class::UnreadableAnswer),
    ("/two-lengths", Class::UnreadableAnswer),
    ("/endless-body", Class::TooLarge),
    ("/endless-chunks", Class::TooLarge),
    ("/huge-length", Class::TooLarge),
    ("/gzip-bomb", Class::TooLarge),
    ("/zstd-bomb", Class::TooLarge),
    ("/double-gzip", Class::UnreadableAnswer),
    ("/gzip-cut", Class::UnreadableAnswer),
    ("/gzip-garbage", Class::UnreadableAnswer),
    ("/brotli", Class::UnreadableAnswer),
    ("/nan", Class::UnreadableAnswer),
    ("/deep", Class::UnreadableAnswer),
    ("/doubled", Class::UnreadableAnswer),
    ("/latin1", Class::UnreadableAnswer),
    ("/truncated-json", Class::UnreadableAnswer),
    ("/html", Class::UnreadableAnswer),
    ("/status/401", Class::Unauthorized),
    ("/status/403", Class::Forbidden),
    ("/status/409", Class::Conflict),
    ("/status/422", Class::Invalid),
    ("/status/429", Class::RateLimited),
    ("/status/500", Class::Server),
    ("/status/503", Class::Unavailable),
    ("/loop", Class::Redirect),
];

/// Faults that never end: the step's deadline does.
const ENDLESS: [&str; 4] = [
    "/slow-headers",
    "/endless-continue",
    "/slow-body",
    "/silent-stall",
];

/// Far more than any exchange needs; what reaches it hangs.
const CAP: Duration = Duration::from_mins(2);

/// A resolver that knows no name.
struct NoNames;

impl Lookup for NoNames {
    fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async { Err(std::io::Error::other("no such host")) })
    }
}

/// Answers that are read up to the limit of 16 MiB take their time: by hand every action reads them once, else only these.
const SHORT: [&str; 2] = ["http.request", "mlflow.get_run"];

fn reads_it_all(url: &str, action: &str, seed: u64) -> bool {
    !heavy(url) || SHORT.contains(&action) || (seeds() > 1 && seed == 0)
}

fn heavy(url: &str) -> bool {
    url.ends_with("/endless-body") || url.ends_with("/endless-chunks")
}

/// Those of which the limit of the exchange may be met before that of the size, on a slow machine.
fn slow(url: &str) -> bool {
    heavy(url) || url.ends_with("/endless-headers")
}

fn seeds() -> u64 {
    std::env::var("HOSTILE_SEEDS").map_or(1, |n| n.parse().expect("HOSTILE_SEEDS is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_has_its_class_for_every_action() {
    let server = Faults::start().await;
    let foreign = Faults::tls(Authority::new().server(&["127.0.0.1"], false)).await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let mut cases: Vec<(String, Class, bool)> = ENDING
        .iter()
        .map(|(path, class)| (server.url(path), *class, false))
        .collect();
    cases.extend(
        ENDLESS
            .iter()
            .map(|path| (server.url(path), Class::Timeout, true)),
    );
    cases.push((foreign.url("/ok"), Class::Tls, false));
    cases.push((closed, Class::Unreachable, false));
    cases.push(("http://models.example".into(), Class::Unreachable, false));
    let verbs = verbs::over_http();
    let mut met: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in 0..seeds() {
        let mut pairs: Vec<_> = cases
            .iter()
            .flat_map(|case| verbs.iter().map(move |verb| (case, verb)))
            .filter(|((url, ..), (action, _))| reads_it_all(url, action, seed))
            .collect();
        shuffle(&mut pairs, seed);
        let results: Vec<_> = futures_util::stream::iter(pairs)
            .map(|((url, class, endless), (action, params))| async move {
                let mut stage = Stage::new();
                stage.lookup = Arc::new(NoNames);
                for family in verbs::families() {
                    stage.endpoint(family, url.clone());
                }
                let mut context = stage.context(Grants::open());
                if *endless {
                    context.deadline = Instant::now() + Duration::from_millis(300);
                }
                let action = REGISTRY.get(action).unwrap();
                let result = tokio::time::timeout(CAP, action.run(params.clone(), &context)).await;
                (url, *class, action.name(), result)
            })
            .buffer_unordered(8)
            .collect()
            .await;
        for (url, class, action, result) in results {
            *met.entry(action.to_owned()).or_default() += 1;
            match result {
                Ok(Err(failure)) if slow(url) && failure.class == Class::Timeout => {}
                Ok(Err(failure)) if failure.class == class && !failure.message.is_empty() => {}
                Ok(other) => wrong.push(format!("{action} at {url}: not {class:?}: {other:?}")),
                Err(_) => wrong.push(format!("{action} at {url}: hangs")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    for (action, _) in &verbs {
        let each = |seed| {
            let met = cases.iter().filter(|(url, ..)| reads_it_all(url, action, seed));
            met.count() as u64
        };
        assert_eq!(met[*action], (0..seeds()).map(each).sum::<u64>(), "{action}");
    }
    let exchanges: u64 = met.values().sum();
    let told = format!(
        "{exchanges} exchanges: {} faults, {} actions, {} seeds; 0 hang, each has its class\n",
        cases.len(),
        verbs.len(),
        seeds()
    );
    std::io::stderr().write_all(told.as_bytes()).unwrap();
}

/// The same order for the same seed.
fn shuffle<T>(items: &mut [T], seed: u64) {
    use rand::seq::SliceRandom as _;
    let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(seed);
    items.shuffle(&mut random);
}

/// Answers that would fill the memory.
const LARGE: [&str; 8] = [
    "/gzip-bomb",
    "/zstd-bomb",
    "/endless-body",
    "/endless-chunks",
    "/huge-length",
    "/endless-headers",
    "/large-header",
    "/deep",
];

/// What the program itself takes: a step asks for its peak before every action has met the answer, and after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_and_endless_answers_take_less_than_64_mib_of_every_action() {
    let server = Faults::start().await;
    let verbs = verbs::over_http();
    let project = Project::new();
    for (n, path) in LARGE.into_iter().enumerate() {
        let met: Vec<_> = verbs
            .iter()
            .filter(|(action, _)| reads_it_all(path, action, 0))
            .collect();
        project.file(&format!("specs/{n}.yaml"), &meets(n, &met, &server.url("/ok")));
        let mut environment = "environment: e\nendpoints:\n".to_owned();
        for family in verbs::families() {
            let _ = writeln!(environment, "  {family}: {{url: \"{}\"}}", server.url(path));
        }
        project.file(&format!("e{n}.yaml"), &environment);
    }
    let grown = tokio::task::spawn_blocking(move || -> Vec<u64> {
        let grown = |n| {
            let (spec, env) = (format!("specs/{n}.yaml"), format!("e{n}.yaml"));
            project
                .run(&["run", &spec, "--env", &env, "--report", "json=report.json"])
                .code(0);
            let report: serde_json::Value = serde_json::from_str(&project.read("report.json")).unwrap();
            peak(&report, "after") - peak(&report, "before")
        };
        (0..LARGE.len()).map(grown).collect()
    })
    .await
    .unwrap();
    let highest = grown.iter().max().unwrap();
    let told = format!(
        "{} actions met {} large answers: the memory grew by at most {highest} KiB\n",
        verbs.len(),
        LARGE.len()
    );
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    // Some families read up to 64 MiB, in a buffer that grows by doubling.
    let most = if seeds() > 1 { 200 << 10 } else { 64 << 10 };
    for (path, grown) in LARGE.iter().zip(grown) {
        assert!(grown < most, "{path}: grew by {grown} KiB");
    }
}

/// A spec in which actions fail for whatever reason, each once; one exchange goes before, so that what is made once is there.
fn meets(n: usize, verbs: &[&(&str, serde_json::Value)], good: &str) -> String {
    const PEAK: &str = "exec.run: {argv: [sh, -c, 'grep VmHWM /proc/$PPID/status']}";
    let used = verbs.iter().filter_map(|(action, _)| action.split('.').next());
    let families: BTreeSet<&str> = used.chain(["exec", "http"]).collect();
    let families: Vec<&str> = families.into_iter().collect();
    let mut body = format!("timeout: 20m\ntools: [{}]\nsteps:\n", families.join(", "));
    let _ = writeln!(
        body,
        "  - {{id: warm, http.request: {{url: \"{good}\"}}, expect: [.status == 200]}}\n  - {{id: before, {PEAK}}}"
    );
    for (m, (action, params)) in verbs.iter().enumerate() {
        let _ = writeln!(
            body,
            "  - {{id: v{m}, timeout: 2m, {action}: {params}, expect_failure: {{message: \".\"}}}}"
        );
    }
    let _ = writeln!(
        body,
        "  - {{id: after, {PEAK}}}\nexpect:\n  - before.stdout contains \"VmHWM\"\n  - after.stdout contains \"VmHWM\""
    );
    spec(&format!("M{n}"), &body)
}

/// KiB.
fn peak(report: &serde_json::Value, step: &str) -> u64 {
    let steps = report["specs"][0]["steps"].as_array().unwrap();
    let step = steps.iter().find(|s| s["id"] == step).unwrap();
    let text = step["output"]["stdout"].as_str().unwrap();
    text.split_whitespace().nth(1).unwrap().parse().unwrap()
}
