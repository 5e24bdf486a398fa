//! Comparisons with an estimate: a test with a confidence instead of a truth.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::{Risk, compares, paired, shown};
use crate::check::{CheckOutcome, Verdict};
use crate::stats::limits::{self, refuted_from, shown_up_to, smallest_sample};
use crate::stats::{Answer, binomial, effective, quantile};
use crate::value::expr::{BinaryOp, Expr, ExprKind, Scope, UnaryOp, eval, no_share};
use crate::value::{Dimension, Estimate, Proportion, Quantity, Series, Value};

/// How many elements of a list are looked at to see whether a predicate touches an estimate.
const LOOKED_AT: usize = 100;

/// Decides a comparison of which one side is an estimate; none when neither is.
pub(super) fn compare(
    op: BinaryOp,
    left: &Value,
    right: &Value,
    expr: &Expr,
    risk: Risk,
) -> Option<CheckOutcome> {
    let (estimate, limit, op) = match (left, right) {
        (Value::Estimate(_), Value::Estimate(_)) if risk != Risk::Ignored => {
            return Some(CheckOutcome::new(
                Verdict::Inconclusive,
                "two estimates are compared, which has no exact test: compare each with a limit, or say \
                 `confidence: none`",
            ));
        }
        (Value::Estimate(e), limit) => (e, limit, op),
        (limit, Value::Estimate(e)) => (e, limit, mirrored(op)),
        _ => return None,
    };
    if let Some(doubt) = doubt(estimate) {
        return Some(CheckOutcome::new(
            Verdict::Inconclusive,
            format!("{estimate}, but no verdict rests on it: {doubt}"),
        ));
    }
    if estimate.sample_size() == 0 {
        return Some(CheckOutcome::new(
            Verdict::Inconclusive,
            "the sample is empty, so nothing can be said of it",
        ));
    }
    let risk = risk.share_of_looks(looks(estimate));
    if let (Estimate::Paired(pairs), Risk::Bounded { show, refute }) = (estimate, risk) {
        let mut outcome = match limit_of(estimate, limit) {
            Ok(number) => paired::test(pairs, op, number, show, refute),
            Err(message) => CheckOutcome::new(Verdict::Errored, message),
        };
        outcome.actual = Some(shown::json(&Value::Estimate(estimate.clone())));
        outcome.expected = Some(shown::json(limit));
        return Some(outcome);
    }
    let claim = Claim {
        estimate,
        op,
        limit: match limit_of(estimate, limit) {
            Ok(limit) => limit,
            Err(message) => return Some(CheckOutcome::new(Verdict::Errored, message)),
        },
    };
    let mut outcome = match (op, risk) {
        (BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, Risk::Bounded { show, refute }) => {
            claim.test(show, refute)
        }
        (
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne,
            Risk::Ignored,
        )
        | (BinaryOp::Eq | BinaryOp::Ne, Risk::Bounded { .. }) => claim.of_the_sample(risk),
        _ => CheckOutcome::new(
            Verdict::Errored,
            format!("`{expr}`: an estimate can only be compared with a limit"),
        ),
    };
    outcome.actual = Some(shown::json(&Value::Estimate(estimate.clone())));
    outcome.expected = Some(shown::json(limit));
    Some(outcome)
}

/// Why a sample does not stand for what it was taken of.
fn doubt(estimate: &Estimate) -> Option<&str> {
    match estimate {
        Estimate::Proportion(_) | Estimate::Series(_) | Estimate::Paired(_) => None,
        Estimate::Quantile { of, .. } => of.taken.as_ref()?.doubt.as_deref(),
    }
}

/// How often a sample was planned to be looked at.
fn looks(estimate: &Estimate) -> u32 {
    match estimate {
        Estimate::Proportion(_) | Estimate::Paired(_) => 1,
        Estimate::Series(series) => series.looks,
        Estimate::Quantile { of, .. } => of.taken.as_ref().map_or(1, |taken| taken.looks),
    }
}

/// `a < b` is `b > a`.
const fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}

/// The limit in base units of what is estimated.
fn limit_of(estimate: &Estimate, limit: &Value) -> Result<f64, String> {
    let dimension = match estimate {
        Estimate::Proportion(_) | Estimate::Series(_) | Estimate::Paired(_) => Dimension::Ratio,
        Estimate::Quantile { dimension, .. } => dimension.clone(),
    };
    if let Value::Int(_) | Value::Float(_) = limit
        && estimate.share().is_some()
        && let Some(why) = no_share(limit)
    {
        return Err(format!("a share of a sample is compared with {limit}: {why}"));
    }
    let number = match limit {
        Value::Quantity(q) if q.dimension.fits(&dimension) => q.value,
        Value::Int(i) if dimension == Dimension::Ratio => *i as f64,
        Value::Float(f) if dimension == Dimension::Ratio => *f,
        // Two estimates whose points are compared.
        Value::Estimate(other) => other
            .point()
            .filter(|p| p.dimension.fits(&dimension))
            .map_or(f64::NAN, |p| p.value),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Quantity(_)
        | Value::Time(_)
        | Value::Secret(_)
        | Value::Distribution(_)
        | Value::List(_)
        | Value::Object(_) => f64::NAN,
    };
    if number.is_nan() {
        let kind = Value::Quantity(Quantity {
            value: 0.0,
            dimension,
        })
        .describe();
        return Err(format!(
            "an estimate of {kind} is compared with {}",
            limit.describe()
        ));
    }
    Ok(number)
}

/// What is said of an estimate: `estimate op limit`.
struct Claim<'a> {
    estimate: &'a Estimate,
    op: BinaryOp,
    limit: f64,
}

/// The claim as one about a share: `k` of `n` have a property, and the share that has it is (or is not) below `limit`.
struct Share {
    k: u64,
    n: u64,
    limit: f64,
    /// The claim is that the share is below the limit; otherwise that it is not.
    below: bool,
    /// The autocorrelation of having the property, where neighbours are known.
    correlation: Option<f64>,
}

impl Share {
    /// How many independent members the sample is worth.
    fn worth(&self) -> u64 {
        effective::size(self.n, self.correlation.unwrap_or(0.0))
    }

    /// The sample as one of as many independent members as it is worth.
    fn reduced(&self, down: bool) -> Self {
        let n = self.worth();
        let k = self.k as f64 * n as f64 / self.n.max(1) as f64;
        Self {
            k: (if down { k.floor() } else { k.ceil() } as u64).min(n),
            n,
            ..*self
        }
    }

    /// What is said of the share with these risks, by as many members as the sample is worth. Rounding favours neither
    /// answer: up to show that it is below, down to show that it is not.
    fn answer(&self, show: f64, refute: f64) -> Answer {
        let (up, down) = (self.reduced(false), self.reduced(true));
        match limits::answer(up.k, up.n, self.limit, show, 0.0) {
            Answer::Shown => Answer::Shown,
            Answer::Refuted | Answer::Open => match limits::answer(down.k, down.n, self.limit, 0.0, refute) {
                Answer::Refuted => Answer::Refuted,
                Answer::Shown | Answer::Open => Answer::Open,
            },
        }
    }
}

impl Claim<'_> {
    fn share(&self) -> Share {
        let upward = matches!(self.op, BinaryOp::Gt | BinaryOp::Ge);
        let correlation = |k, n, pairs: Option<(u64, u64)>| {
            pairs.map(|(both, all)| effective::of_property(k, n, both, all))
        };
        match self.estimate {
            Estimate::Proportion(p) => Share {
                k: p.k,
                n: p.n,
                limit: self.limit,
                below: !upward,
                correlation: None,
            },
            Estimate::Series(s) => Share {
                k: s.k,
                n: s.n,
                limit: self.limit,
                below: !upward,
                correlation: correlation(s.k, s.n, s.pairs),
            },
            // Tested elsewhere; as a share it says nothing.
            Estimate::Paired(_) => Share {
                k: 0,
                n: 0,
                limit: self.limit,
                below: !upward,
                correlation: None,
            },
            // "p95 < L" says that fewer than 5 % reach L; "p95 > L" that not fewer than 5 % exceed it.
            Estimate::Quantile { q, of, .. } => {
                let reaches = matches!(self.op, BinaryOp::Lt | BinaryOp::Ge);
                let k = if reaches {
                    quantile::at_or_above(of, self.limit)
                } else {
                    of.above(self.limit)
                };
                let slow = |value: f64| value > self.limit || (reaches && value == self.limit);
                let pairs = of.taken.as_ref().and_then(|taken| taken.pairs(slow));
                Share {
                    k,
                    n: of.count(),
                    limit: 1.0 - q,
                    below: !upward,
                    correlation: correlation(k, of.count(), pairs),
                }
            }
        }
    }

    /// The exact test, with a risk for each side.
    fn test(&self, show: f64, refute: f64) -> CheckOutcome {
        let share = self.share();
        let answer = if share.below {
            share.answer(show, refute)
        } else {
            match share.answer(refute, show) {
                Answer::Shown => Answer::Refuted,
                Answer::Refuted => Answer::Shown,
                Answer::Open => Answer::Open,
            }
        };
        let verdict = match answer {
            Answer::Shown => Verdict::Passed,
            Answer::Refuted => Verdict::Failed,
            Answer::Open => Verdict::Inconclusive,
        };
        let confidence = 1.0 - if verdict == Verdict::Failed { refute } else { show };
        let mut outcome = CheckOutcome::new(verdict, self.message(verdict, &share, show, refute));
        outcome.statistics = self.statistics(&share, confidence, verdict);
        outcome
    }

    /// The point estimate against the limit: what was seen in this sample, and nothing more.
    fn of_the_sample(&self, risk: Risk) -> CheckOutcome {
        // A quantile among members without a value is larger than every limit.
        let value = self.estimate.point().map_or(f64::INFINITY, |p| p.value);
        let holds = match self.op {
            BinaryOp::Lt => value < self.limit,
            BinaryOp::Le => value <= self.limit,
            BinaryOp::Gt => value > self.limit,
            BinaryOp::Ge => value >= self.limit,
            BinaryOp::Eq => value == self.limit,
            _ => value != self.limit,
        };
        let verdict = if holds { Verdict::Passed } else { Verdict::Failed };
        let mut message = format!(
            "actual {}, expected {} {}",
            self.seen(),
            shown::sign(self.op),
            self.shown_limit()
        );
        let mut statistics = Map::new();
        statistics.insert("method".to_owned(), json!("point estimate"));
        statistics.insert("n".to_owned(), json!(self.estimate.sample_size()));
        match risk {
            Risk::Ignored => message.push_str(" (point estimate, no confidence)"),
            Risk::Bounded { show, .. } => {
                message.push_str(" (of this sample");
                if let Some(p) = self.estimate.share() {
                    let upper = binomial::upper_bound(p.k, p.n, 1.0 - show);
                    let lower = binomial::lower_bound(p.k, p.n, 1.0 - show);
                    statistics.insert("k".to_owned(), json!(p.k));
                    statistics.insert("confidence".to_owned(), json!(1.0 - show));
                    let (word, bound) = if p.k * 2 > p.n {
                        ("at least", lower)
                    } else {
                        ("at most", upper)
                    };
                    statistics.insert("bound".to_owned(), json!(bound));
                    let _ = write!(
                        message,
                        "; it shows {word} {} with {} confidence",
                        percent(bound),
                        percent(1.0 - show)
                    );
                }
                message.push(')');
            }
        }
        let mut outcome = CheckOutcome::new(verdict, message);
        outcome.statistics = statistics;
        outcome
    }

    fn message(&self, verdict: Verdict, share: &Share, show: f64, refute: f64) -> String {
        let claim = format!("{} {}", shown::sign(self.op), self.shown_limit());
        let seen = self.seen();
        let counted = self.counted(share);
        match verdict {
            Verdict::Passed => format!(
                "{seen}, {claim} with {} confidence: {counted}",
                percent(1.0 - show)
            ),
            Verdict::Failed => {
                format!(
                    "{seen}, not {claim} with {} confidence: {counted}",
                    percent(1.0 - refute)
                )
            }
            _ => format!(
                "{seen}, neither {claim} nor the contrary with {} confidence: {counted}; {}",
                percent(1.0 - show),
                Self::what_would_do(share, show, refute)
            ),
        }
    }

    /// `p95 is 187.5ms`, `3 of 100 (3 %)`.
    fn seen(&self) -> String {
        match self.estimate {
            Estimate::Proportion(Proportion { k, n }) | Estimate::Series(Series { k, n, .. }) => {
                format!("{k} of {n} ({})", percent(*k as f64 / *n as f64))
            }
            Estimate::Paired(_) => self.estimate.to_string(),
            Estimate::Quantile { q, of, dimension } => {
                let name = percent(*q);
                let name = name.trim_end_matches([' ', '%']);
                match of.quantile(*q) {
                    Some(value) => {
                        let short = Quantity::new(value, dimension.clone()).short();
                        let exact = short == self.shown_limit() && value != self.limit;
                        format!(
                            "p{name} is {}",
                            if exact { quantity(value, dimension) } else { short }
                        )
                    }
                    None => format!("p{name} lies among the members without a value"),
                }
            }
        }
    }

    /// What was counted for the test.
    fn counted(&self, share: &Share) -> String {
        let worth = match share.correlation {
            Some(r) if share.worth() < share.n => {
                format!(
                    ", worth {} independent ones (autocorrelation {r:.2})",
                    share.worth()
                )
            }
            _ => String::new(),
        };
        let single = if share.n == 1 {
            ", a single observation"
        } else {
            ""
        };
        let looks = match looks(self.estimate) {
            1 => String::new(),
            n => format!(", one of {n} looks"),
        };
        format!("{}{worth}{single}{looks}", self.members(share))
    }

    fn members(&self, share: &Share) -> String {
        match self.estimate {
            Estimate::Proportion(_) | Estimate::Series(_) | Estimate::Paired(_) => format!("n = {}", share.n),
            Estimate::Quantile { of, .. } => {
                let how = if matches!(self.op, BinaryOp::Lt | BinaryOp::Ge) {
                    "not below"
                } else {
                    "above"
                };
                let missing = match of.missing {
                    0 => String::new(),
                    m => format!(", {m} of them without a value"),
                };
                format!(
                    "n = {}, {} {how} {}{missing}",
                    share.n,
                    share.k,
                    self.shown_limit()
                )
            }
        }
    }

    /// What the sample would have to be for an answer.
    fn what_would_do(share: &Share, show: f64, refute: f64) -> String {
        let (risk_low, risk_high) = if share.below {
            (show, refute)
        } else {
            (refute, show)
        };
        if share.worth() < share.n {
            return "measure longer, or in windows that are further apart".to_owned();
        }
        let low = shown_up_to(share.n, share.limit, 1.0 - risk_low);
        let high = refuted_from(share.n, share.limit, 1.0 - risk_high);
        let (shows, refutes) = if share.below {
            ("show", "refute")
        } else {
            ("refute", "show")
        };
        let low = match low {
            Some(0) => format!("0 of them would {shows} it"),
            Some(k) => format!("up to {k} of them would {shows} it"),
            None => match smallest_sample(0, share.limit, 1.0 - risk_low) {
                Some(n) => format!("at least {n} are needed to {shows} it"),
                None => format!("no sample can {shows} it, write `==` to speak of this sample alone"),
            },
        };
        match high {
            Some(k) => format!("{low}, {k} or more would {refutes} it"),
            None => low,
        }
    }

    fn statistics(&self, share: &Share, confidence: f64, verdict: Verdict) -> Map<String, Json> {
        let mut map = Map::new();
        map.insert("method".to_owned(), json!("exact binomial"));
        map.insert("n".to_owned(), json!(share.n));
        map.insert("k".to_owned(), json!(share.k));
        map.insert("share_limit".to_owned(), json!(share.limit));
        map.insert("confidence".to_owned(), json!(confidence));
        if let Some(r) = share.correlation {
            map.insert("autocorrelation".to_owned(), json!(r));
            map.insert("effective_n".to_owned(), json!(share.worth()));
        }
        if looks(self.estimate) > 1 {
            map.insert("looks".to_owned(), json!(looks(self.estimate)));
        }
        let whole = share;
        let share = &share.reduced(verdict == Verdict::Failed);
        // The bound that was held against the limit: the upper one to show "below", the lower one to refute it.
        let upper = share.below == (verdict != Verdict::Failed);
        let bound = if upper {
            binomial::upper_bound(share.k, share.n, confidence)
        } else {
            binomial::lower_bound(share.k, share.n, confidence)
        };
        map.insert("bound".to_owned(), json!(bound));
        map.insert("side".to_owned(), json!(if upper { "upper" } else { "lower" }));
        if let Estimate::Quantile { q, of, dimension } = self.estimate {
            let ranks = quantile::bounds(whole.n, *q, confidence);
            map.insert("missing".to_owned(), json!(of.missing));
            if let Some(rank) = if upper { ranks.upper } else { ranks.lower } {
                map.insert("order_statistic".to_owned(), json!(rank));
                if let Some(value) = quantile::order_statistic(of, rank) {
                    map.insert(
                        "order_statistic_value".to_owned(),
                        json!(quantity(value, dimension)),
                    );
                }
            }
        }
        map
    }

    fn shown_limit(&self) -> String {
        match self.estimate {
            Estimate::Proportion(_) | Estimate::Series(_) | Estimate::Paired(_) => {
                quantity(self.limit, &Dimension::Ratio)
            }
            Estimate::Quantile { dimension, .. } => quantity(self.limit, dimension),
        }
    }
}

pub(super) fn quantity(value: f64, dimension: &Dimension) -> String {
    Quantity::new(value, dimension.clone()).to_string()
}

/// A share for people, with as many digits as it takes to tell it from 0 and 100 %.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let distance = value.min(100.0 - value);
    let digits = if distance <= 0.0 {
        0
    } else {
        (2.0 - distance.log10().floor()).clamp(0.0, 9.0) as usize
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} %")
}

/// How many statistical comparisons a conjunction or disjunction consists of.
pub(super) fn tests(expr: &Expr, scope: &dyn Scope, risk: Risk) -> usize {
    if risk == Risk::Ignored {
        return 0;
    }
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, l, r) => tests(l, scope, risk) + tests(r, scope, risk),
        ExprKind::Unary(UnaryOp::Not, inner) => tests(inner, scope, risk),
        ExprKind::Binary(BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, l, r) => {
            usize::from(is_estimate(l, scope) || is_estimate(r, scope))
        }
        _ => 0,
    }
}

fn is_estimate(expr: &Expr, scope: &dyn Scope) -> bool {
    matches!(eval(expr, scope), Ok(Value::Estimate(_)))
}

/// Whether evaluating an expression turns an estimate into a bare number: in arithmetic, as an argument, or inside
/// the predicate of a function over elements.
pub(super) fn loses_sample(expr: &Expr, scope: &dyn Scope) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Element | ExprKind::Present { .. } => false,
        ExprKind::Field(base, _) => loses_sample(base, scope),
        ExprKind::Index(base, index) => loses_sample(base, scope) || loses_sample(index, scope),
        ExprKind::Unary(UnaryOp::Not, inner) => loses_sample(inner, scope),
        ExprKind::Unary(UnaryOp::Negate, inner) => is_estimate(inner, scope) || loses_sample(inner, scope),
        ExprKind::List(items) => items.iter().any(|i| loses_sample(i, scope)),
        ExprKind::Binary(op, l, r) => {
            let coerces = !compares(*op) && !matches!(op, BinaryOp::And | BinaryOp::Or);
            (coerces && (is_estimate(l, scope) || is_estimate(r, scope)))
                || loses_sample(l, scope)
                || loses_sample(r, scope)
        }
        ExprKind::Call { args, .. } => call_loses_sample(expr, args, scope),
    }
}

fn call_loses_sample(call: &Expr, args: &[Expr], scope: &dyn Scope) -> bool {
    let Some((first, rest)) = args.split_first() else {
        return false;
    };
    if loses_sample(first, scope) {
        return true;
    }
    let subject = eval(first, scope);
    let keeps = || is_estimate(call, scope);
    if matches!(&subject, Ok(v) if bare_estimates(v)) && !rest.iter().any(has_element) && !keeps() {
        return true;
    }
    for arg in rest {
        if !has_element(arg) {
            if (is_estimate(arg, scope) && !keeps()) || loses_sample(arg, scope) {
                return true;
            }
        } else if let Ok(Value::List(items)) = &subject {
            let touched = items
                .iter()
                .take(LOOKED_AT)
                .filter(|i| holds_estimate(i))
                .any(|item| {
                    let arg = with_element(arg, item);
                    coerced(&arg, scope) || loses_sample(&arg, scope)
                });
            if touched {
                return true;
            }
        }
    }
    false
}

/// Whether a predicate compares an estimate.
fn coerced(expr: &Expr, scope: &dyn Scope) -> bool {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, l, r) => coerced(l, scope) || coerced(r, scope),
        ExprKind::Unary(UnaryOp::Not, inner) => coerced(inner, scope),
        ExprKind::Binary(_, l, r) => is_estimate(l, scope) || is_estimate(r, scope),
        _ => false,
    }
}

/// An estimate, or a list of them.
fn bare_estimates(value: &Value) -> bool {
    match value {
        Value::Estimate(_) => true,
        Value::List(items) => items.iter().any(|i| matches!(i, Value::Estimate(_))),
        _ => false,
    }
}

fn holds_estimate(value: &Value) -> bool {
    match value {
        Value::Estimate(_) | Value::Distribution(_) => true,
        Value::List(items) => items.iter().any(holds_estimate),
        Value::Object(fields) => fields.iter().any(|(_, v)| holds_estimate(v)),
        _ => false,
    }
}

/// Whether the current element is named in an expression.
pub(super) fn has_element(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Element) || expr.children().into_iter().any(has_element)
}

/// The expression with `item` in place of the current element. Predicates of calls inside keep their own element.
pub(super) fn with_element(expr: &Expr, item: &Value) -> Expr {
    let inner = |e: &Expr| Box::new(with_element(e, item));
    let kind = match &expr.kind {
        ExprKind::Element => ExprKind::Literal(item.clone()),
        ExprKind::Literal(_) | ExprKind::Name(_) => expr.kind.clone(),
        ExprKind::Field(base, name) => ExprKind::Field(inner(base), name.clone()),
        ExprKind::Index(base, index) => ExprKind::Index(inner(base), inner(index)),
        ExprKind::Unary(op, e) => ExprKind::Unary(*op, inner(e)),
        ExprKind::Binary(op, l, r) => ExprKind::Binary(*op, inner(l), inner(r)),
        ExprKind::Present { subject, wanted } => ExprKind::Present {
            subject: inner(subject),
            wanted: *wanted,
        },
        ExprKind::List(items) => ExprKind::List(items.iter().map(|e| with_element(e, item)).collect()),
        ExprKind::Call { name, args, method } => ExprKind::Call {
            name: name.clone(),
            args: args
                .iter()
                .enumerate()
                .map(|(i, arg)| {
                    if i > 0 && takes_elements(name) {
                        arg.clone()
                    } else {
                        with_element(arg, item)
                    }
                })
                .collect(),
            method: *method,
        },
    };
    Expr { kind, at: expr.at }
}

/// Functions whose second argument is evaluated for each element.
pub(super) fn takes_elements(name: &str) -> bool {
    matches!(
        name,
        "any" | "all" | "none" | "filter" | "map" | "count" | "sort" | "unique"
    )
}
