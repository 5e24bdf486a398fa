//! Each test says what the user would see: an expression, the values, the verdict and the words.

use std::sync::Arc;

use super::{CheckOutcome, Confidence, Verdict, decide};
use crate::value::expr::parse;
use crate::value::{Dimension, Distribution, Estimate, Proportion, Secret, Value, Values};

const AT_95: Confidence = Confidence::Level(0.95);

fn check(expression: &str, values: &[(&str, Value)], confidence: Confidence) -> CheckOutcome {
    let expr = parse(expression).expect("the test's expression is valid");
    let scope: Values = values.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    decide(&expr, &scope, confidence)
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect())
}

fn text(s: &str) -> Value {
    Value::String(s.to_owned())
}

/// `n` requests of which `slow` took 300 ms and the others 100 ms; `missing` more never answered.
fn traffic(n: u64, slow: u64, missing: u64) -> (&'static str, Value) {
    let mut values = vec![0.1; usize::try_from(n - slow).expect("small")];
    values.extend(vec![0.3; usize::try_from(slow).expect("small")]);
    let latency = Value::Distribution(Arc::new(Distribution::of(&Dimension::Duration, values, missing)));
    (
        "traffic",
        object(&[("latency", latency), ("errors", errors(missing, n + missing))]),
    )
}

fn errors(k: u64, n: u64) -> Value {
    object(&[("rate", Value::Estimate(Estimate::Proportion(Proportion { k, n })))])
}

#[test]
fn a_plain_comparison_shows_actual_and_expected() {
    let run = ("run", object(&[("code", Value::Int(3)), ("out", text("done"))]));
    let outcome = check("run.code == 0", std::slice::from_ref(&run), AT_95);
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert_eq!(outcome.message, "actual 3, expected 0");
    assert_eq!(outcome.actual, Some(serde_json::json!(3)));
    assert_eq!(outcome.expected, Some(serde_json::json!(0)));
    assert_eq!(outcome.evidence.len(), 1);
    assert_eq!(outcome.evidence[0].expression, "run.code");
    assert!(outcome.statistics.is_empty());

    let outcome = check("run.code < 5", std::slice::from_ref(&run), AT_95);
    assert_eq!(
        (outcome.verdict, outcome.message.as_str()),
        (Verdict::Passed, "actual 3")
    );
    let outcome = check("run.out contains \"fail\"", std::slice::from_ref(&run), AT_95);
    assert_eq!(
        outcome.message,
        "actual \"done\", expected it to contain \"fail\""
    );
    let outcome = check("run.code in [0, 1]", &[run], AT_95);
    assert_eq!(outcome.message, "actual 3, expected one of [0,1]");
}

#[test]
fn quantities_that_round_to_one_text_are_shown_exactly() {
    let t = |seconds| Value::Quantity(crate::value::Quantity::new(seconds, Dimension::Duration));
    let outcome = check("t < 200ms", &[("t", t(0.243))], AT_95);
    assert_eq!(outcome.message, "actual 243ms, expected < 200ms");
    let outcome = check("t < 200ms", &[("t", t(0.200_000_1))], AT_95);
    assert_eq!(outcome.message, "actual 200.0001ms, expected < 200ms");
}

#[test]
fn no_value_is_errored_never_failed() {
    let run = ("run", object(&[("code", Value::Int(3))]));
    let outcome = check("run.kode == 3", std::slice::from_ref(&run), AT_95);
    assert_eq!(outcome.verdict, Verdict::Errored);
    assert!(outcome.message.contains("kode"), "{}", outcome.message);
    assert_eq!(
        check("run.code == \"3\"", std::slice::from_ref(&run), AT_95).verdict,
        Verdict::Errored
    );
    assert_eq!(
        check("other.code == 3", std::slice::from_ref(&run), AT_95).verdict,
        Verdict::Errored
    );
    let outcome = check("run.code", &[run], AT_95);
    assert_eq!(outcome.verdict, Verdict::Errored);
    assert!(
        outcome.message.starts_with("a check has to be true or false"),
        "{}",
        outcome.message
    );
}

#[test]
fn an_empty_list_says_nothing() {
    let pods = ("pods", Value::List(Vec::new()));
    for expression in [
        "pods.all(.ready)",
        "not pods.any(.ready)",
        "pods.all(.ready) and true == true",
    ] {
        assert_eq!(
            check(expression, std::slice::from_ref(&pods), AT_95).verdict,
            Verdict::Inconclusive,
            "{expression}"
        );
    }
}

#[test]
fn the_elements_that_do_not_fit_are_named() {
    let pod = |phase: &str| object(&[("phase", text(phase))]);
    let pods = (
        "pods",
        Value::List(vec![
            pod("Running"),
            pod("Failed"),
            pod("Running"),
            pod("Pending"),
        ]),
    );
    let outcome = check(
        "pods.all(.phase == \"Running\")",
        std::slice::from_ref(&pods),
        AT_95,
    );
    assert_eq!(
        outcome.message,
        "2 of 4 elements do not fit; the first is element 2: {\"phase\":\"Failed\"}"
    );
    let outcome = check(
        "pods.none(.phase == \"Pending\")",
        std::slice::from_ref(&pods),
        AT_95,
    );
    assert_eq!(
        outcome.message,
        "1 of 4 elements fit; the first is element 4: {\"phase\":\"Pending\"}"
    );
    let outcome = check("pods.any(.phase == \"Unknown\")", &[pods], AT_95);
    assert_eq!(
        (outcome.verdict, outcome.message.as_str()),
        (Verdict::Failed, "none of 4 elements fits")
    );
}

#[test]
fn presence_names_its_subject() {
    let run = ("run", object(&[("tags", object(&[]))]));
    let outcome = check("run.tags.sha is present", std::slice::from_ref(&run), AT_95);
    assert_eq!(
        (outcome.verdict, outcome.message.as_str()),
        (Verdict::Failed, "`run.tags.sha` is absent")
    );
    let outcome = check("run.tags is absent", &[run], AT_95);
    assert_eq!(
        (outcome.verdict, outcome.message.as_str()),
        (Verdict::Failed, "`run.tags` is present")
    );
}

/// The middle column of the table of limits: n = 100 shows up to 1 slow one, refutes from 10.
#[test]
fn a_quantile_is_passed_failed_or_inconclusive() {
    let verdict = |slow, missing| {
        check(
            "traffic.latency.p95 < 200ms",
            &[traffic(100 - missing, slow, missing)],
            AT_95,
        )
        .verdict
    };
    assert_eq!(verdict(0, 0), Verdict::Passed);
    assert_eq!(verdict(1, 0), Verdict::Passed);
    assert_eq!(verdict(2, 0), Verdict::Inconclusive);
    assert_eq!(verdict(5, 0), Verdict::Inconclusive);
    assert_eq!(verdict(9, 0), Verdict::Inconclusive);
    assert_eq!(verdict(10, 0), Verdict::Failed);
    // Requests without an answer count as slow.
    assert_eq!(verdict(0, 1), Verdict::Passed);
    assert_eq!(verdict(0, 2), Verdict::Inconclusive);
    assert_eq!(verdict(5, 5), Verdict::Failed);
}

#[test]
fn the_words_of_a_statistical_check() {
    let outcome = check("traffic.latency.p95 < 200ms", &[traffic(100, 0, 0)], AT_95);
    assert_eq!(
        outcome.message,
        "p95 is 100ms, < 200ms with 95 % confidence: n = 100, 0 not below 200ms"
    );
    assert_eq!(outcome.statistics["method"], "exact binomial");
    assert_eq!(outcome.statistics["n"], 100);
    assert_eq!(outcome.statistics["k"], 0);
    assert_eq!(outcome.statistics["order_statistic"], 99);
    assert_eq!(outcome.statistics["order_statistic_value"], "100ms");
    let bound = outcome.statistics["bound"].as_f64().expect("a number");
    assert!((bound - 0.029_513_049_607_04).abs() < 1e-12, "{bound}");

    let outcome = check("traffic.latency.p95 < 200ms", &[traffic(94, 5, 6)], AT_95);
    assert_eq!(
        outcome.message,
        "p95 lies among the members without a value, not < 200ms with 95 % confidence: n = 100, 11 not below \
         200ms, 6 of them without a value"
    );

    let outcome = check("traffic.latency.p95 < 200ms", &[traffic(100, 4, 0)], AT_95);
    assert_eq!(
        outcome.message,
        "p95 is 100ms, neither < 200ms nor the contrary with 95 % confidence: n = 100, 4 not below 200ms; up to 1 \
         of them would show it, 10 or more would refute it"
    );

    let outcome = check("traffic.latency.p95 < 200ms", &[traffic(20, 0, 0)], AT_95);
    assert_eq!(
        outcome.message,
        "p95 is 100ms, neither < 200ms nor the contrary with 95 % confidence: n = 20, 0 not below 200ms; at least \
         59 are needed to show it, 4 or more would refute it"
    );
}

#[test]
fn a_share_is_tested_and_its_equality_speaks_of_the_sample() {
    let run = |k, n| ("e", errors(k, n));
    let verdict = |expression: &str, k, n| check(expression, &[run(k, n)], AT_95).verdict;
    assert_eq!(verdict("e.rate < 1%", 0, 299), Verdict::Passed);
    assert_eq!(verdict("e.rate < 1%", 0, 100), Verdict::Inconclusive);
    assert_eq!(verdict("1% > e.rate", 0, 299), Verdict::Passed);
    assert_eq!(verdict("e.rate < 5%", 10, 100), Verdict::Failed);
    assert_eq!(verdict("e.rate > 5%", 10, 100), Verdict::Passed);
    assert_eq!(verdict("e.rate >= 5%", 1, 100), Verdict::Failed);
    assert_eq!(verdict("not (e.rate < 5%)", 10, 100), Verdict::Passed);
    assert_eq!(verdict("e.rate < 0.01", 0, 299), Verdict::Passed);
    assert_eq!(verdict("e.rate < 1%", 0, 0), Verdict::Inconclusive);
    assert_eq!(verdict("e.rate == 0%", 0, 0), Verdict::Inconclusive);
    assert_eq!(verdict("e.rate == 0%", 1, 100), Verdict::Failed);
    assert_eq!(verdict("e.rate != 0%", 1, 100), Verdict::Passed);
    assert_eq!(verdict("e.rate < 200ms", 0, 299), Verdict::Errored);

    let outcome = check("e.rate == 0%", &[run(0, 100)], AT_95);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert_eq!(
        outcome.message,
        "actual 0 of 100 (0 %), expected == 0% (of this sample; it shows at most 2.95 % with 95 % confidence)"
    );
    let outcome = check("e.rate == 100%", &[run(300, 300)], AT_95);
    assert!(
        outcome
            .message
            .ends_with("it shows at least 99.006 % with 95 % confidence)"),
        "{}",
        outcome.message
    );
    // No sample can show that nothing ever happens.
    let outcome = check("e.rate <= 0%", &[run(0, 1_000_000)], AT_95);
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert!(outcome.message.contains("write `==`"), "{}", outcome.message);
}

#[test]
fn without_confidence_the_point_decides_and_the_outcome_says_so() {
    let outcome = check(
        "traffic.latency.p95 < 200ms",
        &[traffic(100, 4, 0)],
        Confidence::None,
    );
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert_eq!(
        outcome.message,
        "actual p95 is 100ms, expected < 200ms (point estimate, no confidence)"
    );
    let outcome = check(
        "traffic.latency.p95 < 200ms",
        &[traffic(90, 0, 10)],
        Confidence::None,
    );
    assert_eq!(outcome.verdict, Verdict::Failed);
    let outcome = check(
        "traffic.latency.p95 * 2 < 300ms",
        &[traffic(100, 0, 0)],
        Confidence::None,
    );
    assert_eq!(outcome.verdict, Verdict::Passed);
}

/// Arithmetic, functions and predicates cannot smuggle a point estimate past the confidence.
#[test]
fn a_lost_sample_is_inconclusive() {
    let t = traffic(1_000, 0, 0);
    for expression in [
        "traffic.latency.p95 * 1 < 200ms",
        "traffic.latency.p95 + 0ms < 200ms",
        "[traffic.latency.p95].mean() < 200ms",
        "[traffic].count(.latency.p95 < 200ms) == 1",
        "[traffic].map(.latency.p95 * 1).max() < 200ms",
        "traffic.latency.p95 < traffic.latency.p99",
    ] {
        let outcome = check(expression, std::slice::from_ref(&t), AT_95);
        assert_eq!(
            outcome.verdict,
            Verdict::Inconclusive,
            "{expression}: {}",
            outcome.message
        );
    }
    // What does not come from an estimate is not touched.
    assert_eq!(
        check("traffic.latency.n == 1000", std::slice::from_ref(&t), AT_95).verdict,
        Verdict::Passed
    );
    assert_eq!(
        check("traffic.latency.max * 2 < 300ms", &[t], AT_95).verdict,
        Verdict::Passed
    );
}

#[test]
fn elements_with_estimates_are_tests_of_their_own() {
    let runs = |slow: [u64; 3]| {
        (
            "runs",
            Value::List(slow.iter().map(|s| traffic(100, *s, 0).1).collect()),
        )
    };
    let verdict = |expression: &str, slow| check(expression, &[runs(slow)], AT_95);
    let all = "runs.all(.latency.p95 < 200ms)";
    assert_eq!(verdict(all, [0, 1, 0]).verdict, Verdict::Passed);
    assert_eq!(verdict(all, [0, 3, 0]).verdict, Verdict::Inconclusive);
    let outcome = verdict(all, [0, 3, 20]);
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert!(
        outcome
            .message
            .starts_with("element 3 of 3: p95 is 300ms, not < 200ms"),
        "{}",
        outcome.message
    );
    assert_eq!(
        verdict("runs.any(.latency.p95 < 200ms)", [20, 20, 20]).verdict,
        Verdict::Failed
    );
    assert_eq!(
        verdict("runs.none(.latency.p95 > 200ms)", [0, 0, 0]).verdict,
        Verdict::Passed
    );
}

/// One of two tests may be wrong twice as often: with `or` each has to be surer.
#[test]
fn several_tests_share_the_risk() {
    let two = |k| [("a", errors(k, 299)), ("b", errors(k, 299))];
    assert_eq!(
        check("a.rate < 1% and b.rate < 1%", &two(0), AT_95).verdict,
        Verdict::Passed
    );
    assert_eq!(
        check("a.rate < 1% or b.rate < 1%", &two(0), AT_95).verdict,
        Verdict::Inconclusive
    );
    let two = |k| [("a", errors(k, 100)), ("b", errors(k, 100))];
    assert_eq!(
        check("a.rate < 5% and b.rate < 5%", &two(10), AT_95).verdict,
        Verdict::Inconclusive
    );
    assert_eq!(
        check("a.rate < 5% or b.rate < 5%", &two(10), AT_95).verdict,
        Verdict::Failed
    );
}

/// Three tests refute from 11 of 100 each (1.2 % < 5 % / 3), however the chain is bracketed.
#[test]
fn a_chain_shares_the_risk_once() {
    let three = |k| {
        [
            ("a", errors(k, 100)),
            ("b", errors(k, 100)),
            ("c", errors(k, 100)),
        ]
    };
    for chain in [
        "a.rate < 5% and b.rate < 5% and c.rate < 5%",
        "a.rate < 5% and (b.rate < 5% and c.rate < 5%)",
    ] {
        assert_eq!(check(chain, &three(11), AT_95).verdict, Verdict::Failed);
        assert_eq!(check(chain, &three(10), AT_95).verdict, Verdict::Inconclusive);
    }
}

#[test]
fn conjunctions_are_three_valued() {
    use Verdict::{Errored, Failed, Inconclusive, Passed};

    let values = [
        ("yes", Value::Int(1)),
        ("no", Value::Int(0)),
        ("open", Value::List(Vec::new())),
        ("broken", text("x")),
    ];
    let verdict = |e: &str| check(e, &values, AT_95).verdict;
    let (t, f, i, e) = ("yes == 1", "no == 1", "open.all(. == 1)", "broken == 1");
    for (left, right, and, or) in [
        (t, t, Passed, Passed),
        (t, f, Failed, Passed),
        (f, t, Failed, Passed),
        (f, f, Failed, Failed),
        (t, i, Inconclusive, Passed),
        (i, t, Inconclusive, Passed),
        (f, i, Failed, Inconclusive),
        (i, f, Failed, Inconclusive),
        (i, i, Inconclusive, Inconclusive),
        (t, e, Errored, Passed),
        (f, e, Failed, Errored),
        (e, t, Errored, Errored),
        (e, f, Errored, Errored),
        (i, e, Errored, Errored),
    ] {
        assert_eq!(verdict(&format!("{left} and {right}")), and, "{left} and {right}");
        assert_eq!(verdict(&format!("{left} or {right}")), or, "{left} or {right}");
    }
    assert_eq!(verdict(&format!("not ({i})")), Inconclusive);
    assert_eq!(verdict(&format!("not ({e})")), Errored);
    assert_eq!(verdict(&format!("not ({t})")), Failed);
    let outcome = check("yes == 1 and no == 1", &values, AT_95);
    assert_eq!(outcome.message, "`no == 1`: actual 0, expected 1");
}

#[test]
fn long_values_get_a_difference() {
    let expected = object(&[
        ("name", text("iris")),
        ("tags", Value::List(vec![text("a"), text("b")])),
    ]);
    let actual = object(&[
        ("name", text("iris")),
        ("tags", Value::List(vec![text("a"), text("c")])),
    ]);
    let outcome = check("x == y", &[("x", actual), ("y", expected)], AT_95);
    assert_eq!(outcome.verdict, Verdict::Failed);
    let lines = outcome.details.join("\n");
    assert!(
        lines.contains("-    \"b\"") && lines.contains("+    \"c\""),
        "{lines}"
    );

    let huge = text(&"line\n".repeat(200_000));
    let outcome = check("x == y", &[("x", huge), ("y", text("line\n"))], AT_95);
    assert!(
        outcome.details[0].starts_with("too large to compare"),
        "{:?}",
        outcome.details
    );
    let size = serde_json::to_string(&outcome).expect("JSON").len();
    assert!(size < 64 * 1024, "an outcome of {size} bytes");
}

#[test]
fn a_secret_is_never_shown() {
    let secret = ("token", Value::Secret(Secret::new("token", "hunter2-and-more")));
    for expression in [
        "token == \"x\"",
        "token is present",
        "[token].len() == 1",
        "[token] == [1]",
    ] {
        let outcome = check(expression, std::slice::from_ref(&secret), AT_95);
        let mut written = serde_json::to_value(&outcome).expect("JSON");
        // The expression is the author's own text; the values are not.
        if let Some(evidence) = written["evidence"].as_array_mut() {
            for part in evidence {
                part["expression"] = "".into();
            }
        }
        for shown in [
            written["message"].to_string(),
            written["evidence"].to_string(),
            written["actual"].to_string(),
        ] {
            assert!(!shown.contains("hunter2"), "{expression}: {shown}");
        }
    }
}

mod taken {
    //! Samples of which it is known how they were taken.

    use super::*;
    use crate::value::{Series, Taken};

    fn latency(fast: u64, slow: u64, taken: Taken) -> (&'static str, Value) {
        let sample = Distribution {
            quantity: "duration".to_owned(),
            buckets: vec![(0.1, fast), (0.3, slow)],
            missing: 0,
            taken: Some(Box::new(taken)),
        };
        ("latency", Value::Distribution(Arc::new(sample)))
    }

    /// 10 slow of 1,000 show less than 5 % when they came one by one, and not when they came in one run: the
    /// autocorrelation of 0.9 leaves 52 of 1,000.
    #[test]
    fn a_sample_is_worth_as_much_as_its_members_are_independent() {
        let apart = Taken {
            minima: vec![(0.1, 999)],
            looks: 1,
            ..Taken::default()
        };
        let outcome = check("latency.p95 < 200ms", &[latency(990, 10, apart)], AT_95);
        assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.message);
        assert_eq!(outcome.statistics["effective_n"], 1000);
        let together = Taken {
            minima: vec![(0.1, 990), (0.3, 9)],
            looks: 1,
            ..Taken::default()
        };
        let outcome = check("latency.p95 < 200ms", &[latency(990, 10, together)], AT_95);
        assert_eq!(outcome.verdict, Verdict::Inconclusive, "{}", outcome.message);
        assert!(outcome.message.contains("worth 5"), "{}", outcome.message);
        assert!(
            outcome.message.contains("autocorrelation 0.9"),
            "{}",
            outcome.message
        );
    }

    #[test]
    fn each_look_takes_its_part_of_the_risk() {
        // One slow of 100 show p95 with one look (3.7 %), not with two (2.5 % each).
        for (looks, verdict) in [(1, Verdict::Passed), (2, Verdict::Inconclusive)] {
            let taken = Taken {
                looks,
                ..Taken::default()
            };
            let outcome = check("latency.p95 < 200ms", &[latency(99, 1, taken)], AT_95);
            assert_eq!(outcome.verdict, verdict, "{}", outcome.message);
        }
        let errors = |looks| {
            let series = Series {
                k: 0,
                n: 300,
                pairs: None,
                looks,
            };
            ("errors", Value::Estimate(Estimate::Series(series)))
        };
        assert_eq!(check("errors < 1%", &[errors(1)], AT_95).verdict, Verdict::Passed);
        let outcome = check("errors < 1%", &[errors(3)], AT_95);
        assert_eq!(outcome.verdict, Verdict::Inconclusive);
        assert!(outcome.message.contains("one of 3 looks"), "{}", outcome.message);
    }

    #[test]
    fn no_verdict_rests_on_a_sample_in_doubt() {
        for (claim, confidence) in [
            ("latency.p95 < 200ms", AT_95),
            ("latency.p95 > 200ms", AT_95),
            ("latency.p95 < 200ms", Confidence::None),
        ] {
            let taken = Taken {
                looks: 1,
                doubt: Some("the generator was the bottleneck".to_owned()),
                ..Taken::default()
            };
            let outcome = check(claim, &[latency(1000, 0, taken)], confidence);
            assert_eq!(outcome.verdict, Verdict::Inconclusive);
            assert!(outcome.message.contains("bottleneck"), "{}", outcome.message);
        }
    }

    #[test]
    fn one_observation_is_called_one() {
        let taken = Taken {
            looks: 1,
            ..Taken::default()
        };
        let outcome = check("latency.p50 < 200ms", &[latency(1, 0, taken)], AT_95);
        assert!(
            outcome.message.contains("a single observation"),
            "{}",
            outcome.message
        );
    }
}

/// d = ln(gpu/cpu), mean ln 0.45, standard deviation 0.05, 5 pairs: the upper bound is 0.45 exp(2.132 * 0.05 / sqrt(5)),
/// with Student's t of 4 degrees of freedom at 95 % (2.1318).
#[test]
fn a_ratio_of_pairs_is_tested_on_its_logarithms() {
    let list = |values: &[f64]| Value::List(values.iter().map(|v| Value::Float(*v)).collect());
    let spread = 0.05 * (0.8_f64).sqrt();
    let logs = [spread, -spread, spread, -spread, 0.0];
    let gpu: Vec<f64> = logs.iter().map(|d| 10.0 * 0.45 * d.exp()).collect();
    let times = [("cpu", list(&[10.0; 5])), ("gpu", list(&gpu))];
    let outcome = check("paired_ratio(cpu, gpu) < 50%", &times, AT_95);
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.message);
    let deviation: f64 = (logs.iter().map(|d| d * d).sum::<f64>() / 4.0).sqrt();
    let bound = 0.45 * (2.131_846_786 * deviation / 5_f64.sqrt()).exp();
    assert!(
        (outcome.statistics["bound"].as_f64().expect("a number") - bound).abs() < 1e-9,
        "{outcome:?}"
    );
    assert_eq!(
        check("paired_ratio(cpu, gpu) < 40%", &times, AT_95).verdict,
        Verdict::Failed
    );
    assert_eq!(
        check("paired_ratio(cpu, gpu) < 46%", &times, AT_95).verdict,
        Verdict::Inconclusive
    );
    assert_eq!(
        check("paired_ratio(cpu, gpu) >= 40%", &times, AT_95).verdict,
        Verdict::Passed
    );

    let one = [("cpu", list(&[10.0])), ("gpu", list(&[4.0]))];
    let outcome = check("paired_ratio(cpu, gpu) < 50%", &one, AT_95);
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert!(outcome.message.contains("1 of 1"), "{}", outcome.message);
    assert_eq!(
        check("paired_ratio(cpu, gpu) < 50%", &one, Confidence::None).verdict,
        Verdict::Passed
    );

    let uneven = [("cpu", list(&[10.0, 9.0])), ("gpu", list(&[4.0]))];
    assert_eq!(
        check("paired_ratio(cpu, gpu) < 50%", &uneven, AT_95).verdict,
        Verdict::Errored
    );
    let nothing = [("cpu", list(&[])), ("gpu", list(&[]))];
    assert_eq!(
        check("paired_ratio(cpu, gpu) < 50%", &nothing, AT_95).verdict,
        Verdict::Inconclusive
    );
    let zero = [("cpu", list(&[0.0, 1.0])), ("gpu", list(&[4.0, 1.0]))];
    assert_eq!(
        check("paired_ratio(cpu, gpu) < 50%", &zero, AT_95).verdict,
        Verdict::Errored
    );
}
