//! Soda's thresholds as `fail_if` and `warn_if`.

use serde_json::{Map, Value as Json, json};

use super::foreign::{Foreign, Keys};
use crate::source::{Node, Span};

/// What a threshold counts.
#[derive(Clone, Copy, Debug)]
pub enum Metric {
    /// Rows that fail, or their share of all rows.
    Rows,
    /// Values without the first of each, or their share of all values.
    Duplicates,
    /// The figure with this name.
    Value(&'static str),
}

/// One comparison that must hold, negated: when it fails.
#[derive(Clone, Debug)]
struct Comparison {
    /// Pairs of a sign and a bound, joined by `or`.
    fails: Vec<(&'static str, f64)>,
    warn: bool,
}

/// A threshold with at most two levels.
#[derive(Clone, Debug)]
pub struct Threshold {
    at: Span,
    percent: bool,
    levels: Vec<Comparison>,
}

/// Takes the threshold of a check.
pub fn take(file: &Foreign, keys: &mut Keys<'_>) -> Option<Threshold> {
    let node = keys.take("threshold")?;
    let mut keys = Keys::of(node, file, "a threshold");
    let percent = keys
        .take("metric")
        .and_then(|n| file.text(n, "`metric`"))
        .is_some_and(|metric| {
            if metric != "count" && metric != "percent" {
                file.wrong(node.span, format!("the metric `{metric}` is not known"));
            }
            metric == "percent"
        });
    let additional = keys.take("additional");
    let mut levels: Vec<Comparison> = comparison(file, &mut keys, node).into_iter().collect();
    keys.end(file, "a threshold");
    if let Some(node) = additional {
        let mut keys = Keys::of(node, file, "`additional`");
        levels.extend(comparison(file, &mut keys, node));
        keys.end(file, "`additional`");
        if let [first, second] = levels.as_slice()
            && first.warn == second.warn
        {
            file.wrong(node.span, "two thresholds need two levels, `fail` and `warn`");
        }
    }
    Some(Threshold {
        at: node.span,
        percent,
        levels,
    })
}

/// The only thing a threshold of the schema says: what it weighs.
pub fn severity_only(file: &Foreign, keys: &mut Keys<'_>) -> Option<&'static str> {
    let node = keys.take("threshold")?;
    let mut keys = Keys::of(node, file, "a threshold");
    let warn = level(file, &mut keys);
    keys.end(file, "a threshold");
    warn.then_some("warning")
}

/// The threshold of an age: its upper bound, its unit, what it weighs.
pub fn age(file: &Foreign, keys: &mut Keys<'_>) -> Option<(f64, Option<String>, Option<&'static str>)> {
    let Some(node) = keys.take("threshold") else {
        file.wrong(keys.at, "`freshness` needs a `threshold`");
        return None;
    };
    let mut keys = Keys::of(node, file, "a threshold");
    let unit = keys.take("unit").and_then(|n| file.text(n, "`unit`"));
    let warn = level(file, &mut keys);
    let limit = keys
        .take("must_be_less_than_or_equal")
        .or_else(|| keys.take("must_be_less_than"))
        .and_then(|n| file.number(n, "a bound"));
    keys.end(file, "a threshold of `freshness`");
    if limit.is_none() {
        file.wrong(
            node.span,
            "of an age only `must_be_less_than` and `must_be_less_than_or_equal` are understood",
        );
    }
    limit.map(|limit| (limit, unit, warn.then_some("warning")))
}

/// All conditions in one; none when there is none.
pub fn all_of(conditions: &[String]) -> Option<String> {
    match conditions {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(
            several
                .iter()
                .map(|c| {
                    if c.contains(" or ") {
                        format!("({c})")
                    } else {
                        c.clone()
                    }
                })
                .collect::<Vec<_>>()
                .join(" and "),
        ),
    }
}

impl Threshold {
    /// Whether it allows none, so that the rule alone says it.
    pub fn is_none_allowed(&self) -> bool {
        match self.levels.as_slice() {
            [one] => one.fails == [("!=", 0.0)] || one.fails == [(">", 0.0)],
            _ => false,
        }
    }

    pub const fn is_percent(&self) -> bool {
        self.percent
    }

    /// Puts the limits into a check.
    pub fn limit(&self, file: &Foreign, check: &mut Map<String, Json>, metric: Metric) {
        if matches!(metric, Metric::Value(_)) && self.percent {
            file.wrong(
                self.at,
                "a figure has no share: `metric: percent` does not go with it",
            );
        }
        let name = match (metric, self.percent) {
            (Metric::Rows, false) => "failing",
            (Metric::Rows, true) => "share_of_rows",
            (Metric::Duplicates, false) => "evaluated - value",
            (Metric::Duplicates, true) => "100% - value",
            (Metric::Value(name), _) => name,
        };
        let percent = self.percent && !matches!(metric, Metric::Value(_));
        let text = |level: &Comparison| {
            let parts: Vec<String> = level
                .fails
                .iter()
                .map(|(sign, bound)| format!("{name} {sign} {bound}{}", if percent { "%" } else { "" }))
                .collect();
            parts.join(" or ")
        };
        let rows = matches!(metric, Metric::Rows);
        match self.levels.as_slice() {
            [] => {}
            [one] => {
                if !(rows && self.is_none_allowed()) {
                    check.insert("fail_if".to_owned(), json!(text(one)));
                }
                if one.warn {
                    check.insert("severity".to_owned(), json!("warning"));
                }
            }
            [first, second, ..] => {
                let (fail, warn) = if first.warn {
                    (second, first)
                } else {
                    (first, second)
                };
                check.insert("fail_if".to_owned(), json!(text(fail)));
                check.insert("warn_if".to_owned(), json!(text(warn)));
            }
        }
    }
}

/// Whether the level is `warn`.
fn level(file: &Foreign, keys: &mut Keys<'_>) -> bool {
    let Some(node) = keys.take("level") else {
        return false;
    };
    match file.text(node, "`level`").as_deref() {
        Some("warn") => true,
        Some("fail") | None => false,
        Some(other) => {
            file.wrong(node.span, format!("the level `{other}` is not known"));
            false
        }
    }
}

fn comparison(file: &Foreign, keys: &mut Keys<'_>, node: &Node) -> Option<Comparison> {
    const SIMPLE: [(&str, &str); 6] = [
        ("must_be", "!="),
        ("must_not_be", "=="),
        ("must_be_greater_than", "<="),
        ("must_be_greater_than_or_equal", "<"),
        ("must_be_less_than", ">="),
        ("must_be_less_than_or_equal", ">"),
    ];
    const WITHIN: [(&str, &str); 4] = [
        ("greater_than", "<="),
        ("greater_than_or_equal", "<"),
        ("less_than", ">="),
        ("less_than_or_equal", ">"),
    ];
    let warn = level(file, keys);
    let mut fails = Vec::new();
    let mut given = 0;
    for (key, sign) in SIMPLE {
        if let Some(node) = keys.take(key) {
            given += 1;
            fails.extend(file.number(node, key).map(|n| (sign, n)));
        }
    }
    if let Some(between) = keys.take("must_be_between") {
        given += 1;
        let mut keys = Keys::of(between, file, "`must_be_between`");
        for (key, sign) in WITHIN {
            if let Some(node) = keys.take(key) {
                fails.extend(file.number(node, key).map(|n| (sign, n)));
            }
        }
        keys.end(file, "`must_be_between`");
    }
    if let Some(node) = keys.take("must_be_not_between") {
        given += 1;
        file.wrong(node.span, "`must_be_not_between` is not understood");
    }
    match given {
        // A threshold may say only its metric or level; then none is allowed.
        0 => Some(Comparison {
            fails: vec![("!=", 0.0)],
            warn,
        }),
        1 if !fails.is_empty() => Some(Comparison { fails, warn }),
        1 => None,
        _ => {
            file.wrong(node.span, "a threshold holds one comparison");
            None
        }
    }
}
