//! Compiling small specs with actions made for the tests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Given, Plan, Request, SpecPlan, compile, show};
use crate::action::{Action, Context, Failure, Family, Registry};
use crate::diag::Diagnostics;
use crate::source::Sources;
use crate::spec::{SpecDefaults, read_text};
use crate::tools::Capability;
use crate::value::{Dimension, Distribution, Duration, Proportion, Type};

/// Sends numbers.
struct Send;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct SendParams {
    /// Where to.
    url: String,
    /// How many.
    #[serde(default)]
    requests: Option<u64>,
    /// How long each may take.
    #[serde(default)]
    limit: Option<Duration>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct SendOutput {
    status: u16,
    body: serde_json::Value,
    elapsed: Duration,
    names: Vec<String>,
    latency: Distribution,
    errors: Proportion,
}

impl Action for Send {
    const NAME: &'static str = "net.send";
    type Params = SendParams;
    type Output = SendOutput;

    fn capabilities(&self, params: &serde_json::Value) -> Vec<Capability> {
        let url = params.get("url").and_then(|u| u.as_str()).unwrap_or("?");
        vec![Capability::net_of_url(url)]
    }

    async fn run(&self, _: SendParams, _: &Context) -> Result<SendOutput, Failure> {
        unreachable!("these tests only compile")
    }
}

/// Makes something, once.
struct Make;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct MakeParams {
    name: String,
}

#[derive(Serialize, JsonSchema)]
struct MakeOutput {
    id: String,
}

impl Action for Make {
    const NAME: &'static str = "thing.make";
    const IDEMPOTENT: bool = false;
    type Params = MakeParams;
    type Output = MakeOutput;

    async fn run(&self, _: MakeParams, _: &Context) -> Result<MakeOutput, Failure> {
        unreachable!("these tests only compile")
    }
}

static FAMILIES: &[Family] = &[
    Family {
        name: "net",
        about: "Sends.",
        actions: &[&Send],
        program: None,
    },
    Family {
        name: "thing",
        about: "Makes.",
        actions: &[&Make],
        program: Some("thing"),
    },
];
static REGISTRY: Registry = Registry::new(FAMILIES);

/// A whole spec around some keys; `specrun`, `id` and `title` are given.
fn spec(rest: &str) -> String {
    format!("specrun: 1\nid: X\ntitle: t\n{rest}")
}

/// A spec with the `net` family, these steps and this expectation.
fn steps(steps: &str, expect: &str) -> String {
    spec(&format!("tools: [net]\nsteps:\n{steps}expect:\n  - {expect}\n"))
}

fn compiled(text: &str, set: &[(&str, &str)]) -> (Option<Plan>, Vec<String>) {
    let sources = Sources::new();
    let id = sources.add("x.yaml", text);
    let mut out = Diagnostics::new();
    let defaults = SpecDefaults::default();
    let spec = read_text(&sources, id, &REGISTRY, defaults, &mut out);
    let mut all = out.sorted();
    let specs: Vec<_> = spec.into_iter().collect();
    let set: Vec<_> = set
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect();
    let mut plan = None;
    if !specs.is_empty() {
        let (p, more) = compile(&Request {
            sources: &sources,
            registry: &REGISTRY,
            specs: &specs,
            given: Given {
                set: &set,
                environment: None,
                secrets: &[],
                variable: &|v| (v == "TOKEN").then(|| "s3cr3t-value".to_owned()),
                complete: true,
            },
            defaults,
        });
        all.extend(more);
        plan = p;
    }
    let lines = all
        .iter()
        .map(|d| {
            let at = d.labels.first().map(|l| sources.line_col(l.span));
            let at = at.map_or_else(|| "-".to_owned(), |p| format!("{}:{}", p.line, p.col));
            format!("{} {at} {}", d.code, d.message)
        })
        .collect();
    (plan, lines)
}

/// What is wrong with a text: `CODE line:col message`.
fn wrong(text: &str) -> Vec<String> {
    compiled(text, &[]).1
}

#[track_caller]
fn good(text: &str) -> Vec<std::sync::Arc<SpecPlan>> {
    let (plan, wrong) = compiled(text, &[]);
    assert_eq!(wrong, Vec::<String>::new());
    plan.expect("nothing is wrong with it").specs
}

/// Exactly one mistake, with this code and this place.
#[track_caller]
fn one(text: &str, start: &str) {
    let found = wrong(text);
    assert!(
        found.len() == 1 && found[0].starts_with(start),
        "wanted one {start}, got {found:#?}\n{text}"
    );
}

const SEND: &str = "  - id: a\n    net.send: {url: \"http://h/\"}\n";

#[test]
fn a_step_and_an_expectation_make_a_plan() {
    let specs = good(&steps(SEND, "a.status == 200"));
    assert_eq!(specs.len(), 1);
    let spec = &specs[0];
    assert_eq!(spec.expect[0].info.id, "expect[0]");
    assert_eq!(spec.expect[0].info.text, "a.status == 200");
    assert_eq!(
        (spec.expect[0].info.place.line, spec.expect[0].info.place.col),
        (9, 5)
    );
    assert_eq!(spec.expect[0].uses, [0]);
    assert_eq!(spec.steps[0].place.line, 7);
    assert_eq!(spec.digest.len(), 64);
    let wanted = Capability::Net {
        host: "h".to_owned(),
        port: Some(80),
    };
    assert_eq!(spec.capabilities, [wanted]);
}

#[test]
fn references_and_file_order_are_edges() {
    let text = steps(
        "  - id: a\n    net.send: {url: \"http://h/\"}\n  - id: b\n    needs: []\n    net.send: {url: \"http://h/\"}\n  - id: c\n    needs: []\n    net.send: {url: \"http://h/${{ a.status }}\"}\n  - id: d\n    net.send: {url: \"http://h/\"}\n",
        "d.status == 200 and c.status == b.status",
    );
    let spec = &good(&text)[0];
    let after: Vec<_> = spec.steps.iter().map(|s| s.after.clone()).collect();
    assert_eq!(after, [vec![], vec![], vec![0], vec![0, 1, 2]]);
    assert_eq!(spec.steps[2].uses, [0]);
    assert_eq!(spec.expect[0].uses, [1, 2, 3]);
}

#[test]
fn a_leading_dot_and_the_own_id_are_the_step_itself() {
    let text = spec(
        "tools: [net]\nsteps:\n  - id: a\n    net.send: {url: \"http://h/\"}\n    expect:\n      - .status == 200\n      - a.status == 200\n",
    );
    let spec = &good(&text)[0];
    assert_eq!(spec.steps[0].expect.len(), 2);
    assert_eq!(spec.steps[0].expect[1].info.id, "a.expect[1]");
    assert!(spec.steps[0].uses.is_empty(), "a step does not wait for itself");
}

#[test]
fn a_reference_to_a_later_step_needs_needs() {
    let first = "  - id: a\n    net.send: {url: \"http://h/${{ b.status }}\"}\n  - id: b\n    net.send: {url: \"http://h/\"}\n";
    one(&steps(first, "a.status == 200"), "E0402 7:35");
    let named = "  - id: a\n    needs: [b]\n    net.send: {url: \"http://h/${{ b.status }}\"}\n  - id: b\n    needs: []\n    net.send: {url: \"http://h/\"}\n";
    let spec = &good(&steps(named, "a.status == 200"))[0];
    assert_eq!(spec.steps[0].after, [1]);
}

#[test]
fn circles_are_named() {
    let text = steps(
        "  - id: a\n    needs: [b]\n    net.send: {url: \"http://h/\"}\n  - id: b\n    net.send: {url: \"http://h/\"}\n",
        "a.status == 200",
    );
    let found = wrong(&text);
    assert_eq!(found, ["E0403 7:13 steps wait in a circle: a -> b -> a"]);
}

#[test]
fn misspelt_things_are_told_once() {
    one(
        &steps(
            "  - id: a\n    net.sned: {url: \"http://h/\"}\n",
            "a.status == 200",
        ),
        "E0204 7:5",
    );
    one(
        &steps(
            "  - id: a\n    net.send: {ulr: x, url: \"http://h/\"}\n",
            "a.status == 200",
        ),
        "E0211 7:16",
    );
    one(
        &steps("  - id: a\n    net.send: {}\n", "a.status == 200"),
        "E0212 7:5",
    );
    one(&steps(SEND, "a.statsu == 200"), "E0303 9:5");
    one(&steps(SEND, "b.status == 200"), "E0302 9:5");
    one(&steps(SEND, "a.status == 200\ntimout: 3s"), "E0201 10:1");
    one(
        &steps(
            "  - id: a\n    neds: []\n    net.send: {url: \"http://h/\"}\n",
            "a.status == 200",
        ),
        "E0201 7:5",
    );
}

#[test]
fn a_spec_that_could_never_fail_is_refused() {
    one(&spec(&format!("tools: [net]\nsteps:\n{SEND}")), "E0215 2:5");
    one(
        &steps(SEND, "{check: a.status == 200, severity: warning}"),
        "E0216 2:5",
    );
    one(&steps(SEND, "true"), "E0308 9:5");
    one(&steps(SEND, "a.status == a.status"), "E0308");
}

#[test]
fn checks_need_a_subject() {
    let text = spec(&format!(
        "tools: [net]\ninputs:\n  m: {{type: string, default: x}}\nsteps:\n{SEND}expect: [inputs.m == \"x\", a.status == 200]\n"
    ));
    one(&text, "E0311");
}

#[test]
fn inputs_take_their_value_from_the_nearest_source() {
    let text = spec(
        "tools: [net]\ninputs:\n  limit: {type: duration, default: 200ms}\nsteps:\n  - id: a\n    net.send: {url: \"http://h/\", limit: \"${{ inputs.limit }}\"}\nexpect: a.elapsed < inputs.limit\n",
    );
    let (plan, found) = compiled(&text, &[("limit", "1s")]);
    assert_eq!(found, Vec::<String>::new());
    let value = plan.expect("compiled").specs[0].inputs[0].value.to_json();
    assert_eq!(value, serde_json::json!("1s"));
    let (_, found) = compiled(&text, &[("limit", "1MiB")]);
    assert!(found[0].starts_with("E0503"), "{found:?}");
    let (_, found) = compiled(&text, &[("limt", "1s")]);
    assert!(found[0].starts_with("E0504"), "{found:?}");
}

#[test]
fn parameters_are_typed() {
    let text = |ty: &str, default: &str| {
        spec(&format!(
            "tools: [net]\ninputs:\n  limit: {{type: {ty}, default: {default}}}\nsteps:\n  - id: a\n    net.send: {{url: \"http://h/\", limit: \"${{{{ inputs.limit }}}}\"}}\nexpect: a.status == 200\n"
        ))
    };
    good(&text("duration", "1s"));
    one(&text("bytes", "1MiB"), "E0312");
    one(&text("int", "3"), "E0312");
}

#[test]
fn an_amount_of_any_currency_is_taken_where_money_is() {
    let money = |currency: &str| Type::Quantity(Dimension::Money(currency.to_owned()));
    assert!(super::params::fits(&money("USD"), &money("")));
    assert!(!super::params::fits(&money("USD"), &money("EUR")));
    assert!(!super::params::fits(
        &Type::Quantity(Dimension::Duration),
        &money("")
    ));
}

#[test]
fn secrets_go_only_where_they_are_taken() {
    let text = spec(
        "tools: [net]\ninputs:\n  token: {type: secret, from: env.TOKEN}\nsteps:\n  - id: a\n    net.send: {url: \"http://h/${{ inputs.token }}\"}\nexpect: a.status == 200\n",
    );
    one(&text, "E0313 9:35");
    one(
        &text.replace("http://h/${{ inputs.token }}", "${{ inputs.token }}"),
        "E0313",
    );
}

#[test]
fn a_matrix_makes_rows() {
    let text = spec(
        "tools: [net]\nmatrix:\n  model: [iris, fraud]\n  size: [1, 10]\nsteps:\n  - id: a\n    net.send: {url: \"http://h/${{ matrix.model }}\", requests: \"${{ matrix.size }}\"}\nexpect: a.status == 200\n",
    );
    let specs = good(&text);
    let ids: Vec<_> = specs.iter().map(|s| s.id.to_string()).collect();
    assert_eq!(
        ids,
        [
            "X[model=iris,size=1]",
            "X[model=iris,size=10]",
            "X[model=fraud,size=1]",
            "X[model=fraud,size=10]"
        ]
    );
    one(
        &text.replace("${{ matrix.size }}", "x").replace("\"x\"", "3"),
        "E0512 7:3",
    );
}

#[test]
fn like_takes_the_parameters_with_changes() {
    let text = steps(
        "  - id: a\n    net.send: {url: \"http://h/\", requests: 3}\n  - id: b\n    like: a\n    net.send: {requests: 5}\n  - id: c\n    like: b\n",
        "c.status == 200",
    );
    let spec = &good(&text)[0];
    let params = |i: usize| match &spec.steps[i].params {
        super::Params::Literal(v) => v.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(params(1), serde_json::json!({"url": "http://h/", "requests": 5}));
    assert_eq!(params(2), params(1));
    one(&text.replace("like: a", "like: d"), "E0401 9:11");
}

#[test]
fn for_each_gives_a_list() {
    let text = spec(
        "tools: [net]\nsteps:\n  - id: a\n    for_each: {m: [x, y]}\n    net.send: {url: \"http://h/${{ m }}\"}\n    expect: .status == 200\nexpect:\n  - a.all(.status == 200)\n",
    );
    good(&text);
    one(&text.replace("a.all(.status == 200)", "a.status == 200"), "E030");
}

#[test]
fn an_explicit_word_is_permission_to_repeat_any_action() {
    for rules in [
        "retry: 3",
        "within: 5s",
        "eventually: '.id == \"x\"'\n    within: 5s",
    ] {
        let text = spec(&format!(
            "tools: [thing]\nsteps:\n  - id: a\n    thing.make: {{name: x}}\n    {rules}\nexpect: a.id == \"x\"\n"
        ));
        let (plan, codes) = compiled(&text, &[]);
        assert!(plan.is_some(), "{rules}: {codes:?}");
    }
}

#[test]
fn tools_are_exactly_the_families_used() {
    let text = steps(SEND, "a.status == 200");
    one(&text.replace("tools: [net]\n", ""), "E0217");
    one(&text.replace("[net]", "[net, thing]"), "E0218");
    one(&text.replace("[net]", "[net, thin]"), "E0507");
}

#[test]
fn too_few_samples_are_told_before_the_run() {
    let text = |n: u32, check: &str| {
        steps(
            &format!("  - id: a\n    net.send: {{url: \"http://h/\", requests: {n}}}\n"),
            check,
        )
    };
    // Wilks: 59 for p95, 299 for p99 and for a share below 1 %, at 95 % confidence.
    one(&text(58, "a.latency.p95 < 200ms"), "W0316 9:5");
    good(&text(59, "a.latency.p95 < 200ms"));
    one(&text(298, "a.errors < 1%"), "W0316");
    good(&text(299, "a.errors < 1%"));
    good(&text(10, "{check: a.latency.p95 < 200ms, confidence: none}"));
}

#[test]
fn plans_are_shown() {
    let text = steps(
        "  - id: a\n    net.send: {url: \"http://h:81/\"}\n  - id: b\n    net.send: {url: \"http://h/${{ a.status }}\"}\n    within: 5s\n",
        "b.status == 200",
    );
    let (plan, _) = compiled(&text, &[]);
    let plan = plan.expect("compiled");
    let shown = show::text(&plan);
    for part in [
        "X t\n",
        "a  net.send\n",
        "b  net.send  after a  within 5s\n",
        "net h:81\n",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    assert!(show::dot(&plan).contains("s0_0 -> s0_1;"));
    assert!(show::mermaid(&plan).contains("s0_0 --> s0_1"));
    assert_eq!(show::capabilities(&plan), ["--allow-net='?'", "--allow-net=h:81"]);
}
