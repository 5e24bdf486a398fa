//! Checks that hold row by row.

use polars::prelude::{DataType, Expr, as_struct, col, lit};
use serde_json::Value as Json;

use super::columns::{Columns, Kind};
use super::literal::{among, literal};
use super::looking::masked;
use super::repeats::Repeats;
use super::scores::Scores;
use super::sequence::{Sequence, Way};
use super::{Failing, Finding, Next, Outcome, Planned, Settle, count, count_where};
use crate::actions::data::rule::{
    Allowed, Between, Check, Compare, Ignore, Operator, Order, Pairs, Pattern, RowSum, Unique, ZScore,
};

/// A check of rows before it is judged.
pub struct RowCheck {
    /// Rows that are looked at, of those in `where`; all when none.
    pub looked_at: Option<Expr>,
    /// Whether such a row fails.
    pub bad: Bad,
}

/// Whether a row fails.
pub enum Bad {
    /// Told by the row alone.
    Alone(Expr),
    /// Its value does not follow that of the row before, of those that are looked at.
    OutOfOrder(Expr, Way),
    /// Its values stand in another row too; they are counted on the way.
    Repeated(Expr, Repeats),
    /// Its number is far from the mean, which is known after a scan.
    Far(Expr, Scores),
}

/// Counts rows and those that fail, and finds them.
pub fn finish(check: &Check, scope: Option<&Expr>, row: RowCheck) -> Planned {
    let among = match (scope.cloned(), row.looked_at) {
        (None, other) | (other, None) => other,
        (Some(a), Some(b)) => Some(a.and(b)),
    };
    let rows = [count_where(scope), count_where(among.as_ref())];
    let with = |figure: Expr| rows.iter().cloned().chain([figure]).collect::<Vec<_>>();
    let (figures, is, settle): (_, _, Option<Settle>) = match row.bad {
        Bad::Alone(bad) => {
            let of = match &among {
                None => bad.clone(),
                Some(among) => among.clone().and(bad.clone()),
            };
            (with(count_where(Some(&of))), bad, None)
        }
        Bad::OutOfOrder(values, way) => {
            let sequence = Sequence::new(way);
            let first = with(sequence.look(values.clone(), among.as_ref()));
            let settle = move |found: &[Json]| {
                let broken = sequence.broken(count(found.get(1)))?;
                Ok(Next::Judge(third(found, Json::from(broken))))
            };
            (first, way.breaks(&values), Some(Box::new(settle)))
        }
        Bad::Repeated(values, repeats) => {
            let first = with(repeats.first(values.clone(), among.as_ref()));
            let again = with(repeats.again(values.clone(), among.as_ref()));
            let is = repeats.repeated(values);
            let settle = move |found: &[Json]| match repeats.counts(count(found.get(1)))? {
                Some(counts) => Ok(Next::Judge(third(found, Json::from(counts.repeated)))),
                None => Ok(Next::Scan(again.clone())),
            };
            (first, is, Some(Box::new(settle)))
        }
        Bad::Far(numbers, scores) => {
            let here = masked(numbers.clone(), among.as_ref());
            let first = rows.iter().cloned().chain(Scores::measures(&here)).collect();
            let again = with(count_where(Some(&scores.far(here))));
            let is = scores.far(numbers);
            let settle = move |found: &[Json]| {
                Ok(match found {
                    [_, _, mean, spread] => {
                        scores.know(mean, spread);
                        Next::Scan(again.clone())
                    }
                    _ => Next::Judge(found.to_vec()),
                })
            };
            (first, is, Some(Box::new(settle)))
        }
    };
    let (allowed, allow_empty) = (check.max_failing, check.allow_empty);
    Planned {
        figures,
        judge: Box::new(move |figures| judge(figures, allowed, allow_empty)),
        failing: Some(Failing { among, is }),
        settle,
    }
}

/// The figures with another third one.
pub fn third(found: &[Json], figure: Json) -> Vec<Json> {
    found.iter().take(2).cloned().chain([figure]).collect()
}

fn judge(figures: &[Json], allowed: Option<Allowed>, allow_empty: bool) -> Finding {
    let [rows, evaluated, failing] = [0, 1, 2].map(|i| count(figures.get(i)));
    let mut finding = if evaluated == 0 {
        let message = format!("no row was looked at ({rows} rows, all of them null or left out)");
        let outcome = if allow_empty {
            Outcome::Passed
        } else {
            Outcome::Inconclusive
        };
        Finding::new(outcome, message)
    } else {
        let (fits, limit) = match allowed {
            None => (failing == 0, String::new()),
            Some(Allowed::Count(most)) => (failing <= most, format!(", allowed {most}")),
            // A share that was computed, such as 1 - 0.8, is not exact.
            Some(Allowed::Share(share)) => (
                failing as f64 <= share.0 * evaluated as f64 + 1e-9,
                format!(", allowed {share}"),
            ),
        };
        let message = if failing == 0 {
            format!("all of {evaluated} rows")
        } else {
            let percent = 100.0 * failing as f64 / evaluated as f64;
            format!("{failing} of {evaluated} rows fail ({percent:.4}%{limit})")
        };
        Finding::holds(fits, message)
    };
    finding.rows = Some(rows);
    finding.evaluated = Some(evaluated);
    finding.failing = Some(failing);
    finding
}

fn alone(looked_at: Expr, good: Expr) -> RowCheck {
    RowCheck {
        looked_at: Some(looked_at),
        bad: Bad::Alone(good.fill_null(lit(false)).not()),
    }
}

/// Rows in which the nulls of several columns let the check look at them.
fn with_values(columns: Columns<'_>, names: &[&str], ignore: Ignore) -> Result<Option<Expr>, String> {
    let mut all = Vec::new();
    for name in names {
        all.push(columns.get(name)?.0.is_not_null());
    }
    let mut all = all.into_iter();
    let Some(first) = all.next() else {
        return Err("no column is named".to_owned());
    };
    Ok(match ignore {
        Ignore::Never => None,
        Ignore::AllNull => Some(all.fold(first, Expr::or)),
        Ignore::AnyNull => Some(all.fold(first, Expr::and)),
    })
}

pub fn not_null(columns: Columns<'_>, column: &str, wanted: bool) -> Result<RowCheck, String> {
    let (expr, _) = columns.get(column)?;
    let bad = match columns.nan(column) {
        Some(nan) if wanted => expr.is_null().or(nan),
        None if wanted => expr.is_null(),
        _ => expr.is_not_null(),
    };
    Ok(RowCheck {
        looked_at: None,
        bad: Bad::Alone(bad),
    })
}

/// Rows whose value is not null and for which `good` holds.
pub fn valued(columns: Columns<'_>, column: &str, good: Expr) -> Result<RowCheck, String> {
    Ok(alone(columns.get(column)?.0.is_not_null(), good))
}

pub fn between(columns: Columns<'_>, rule: &Between, lengths: bool) -> Result<RowCheck, String> {
    let bound = |value: &Option<Json>| -> Result<Option<Expr>, String> {
        match value {
            None => Ok(None),
            Some(value) if lengths => match value.as_u64() {
                Some(n) => Ok(Some(lit(n))),
                None => Err(format!("a length is a whole number, {value} is none")),
            },
            Some(value) => literal(&rule.column, columns, value).map(Some),
        }
    };
    check_bounds(rule)?;
    let subject = if lengths {
        columns.text(&rule.column)?.str().len_chars()
    } else {
        columns.get(&rule.column)?.0
    };
    let low = bound(&rule.min)?.map(|low| {
        if rule.strict_min {
            subject.clone().gt(low)
        } else {
            subject.clone().gt_eq(low)
        }
    });
    let high = bound(&rule.max)?.map(|high| {
        if rule.strict_max {
            subject.clone().lt(high)
        } else {
            subject.clone().lt_eq(high)
        }
    });
    let good = match (low, high) {
        (Some(low), Some(high)) => low.and(high),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return Err("neither `min` nor `max` is given".to_owned()),
    };
    let good = match columns.nan(&rule.column) {
        Some(nan) if !lengths => good.and(nan.not()),
        _ => good,
    };
    valued(columns, &rule.column, good)
}

/// Refuses bounds that nothing can lie between.
pub fn check_bounds(rule: &Between) -> Result<(), String> {
    let crossed = match (&rule.min, &rule.max) {
        (Some(Json::Number(a)), Some(Json::Number(b))) => a.as_f64() > b.as_f64(),
        (Some(Json::String(a)), Some(Json::String(b))) => a > b,
        (Some(Json::Number(_)), Some(Json::String(_))) | (Some(Json::String(_)), Some(Json::Number(_))) => {
            return Err("`min` and `max` are not of one kind".to_owned());
        }
        _ => false,
    };
    if crossed {
        return Err("`min` is more than `max`".to_owned());
    }
    Ok(())
}

pub fn unique(columns: Columns<'_>, rule: &Unique) -> Result<RowCheck, String> {
    let names: Vec<&str> = rule.columns.iter().map(String::as_str).collect();
    let looked_at = with_values(columns, &names, rule.ignore_row_if)?;
    let values = match names.as_slice() {
        [one] => columns.get(one)?.0,
        several => as_struct(several.iter().map(|name| col(*name)).collect()),
    };
    // Where nulls are looked at too, they are equal to each other.
    let numbers =
        matches!(names.as_slice(), [one] if columns.whole(one)) && rule.ignore_row_if != Ignore::Never;
    Ok(RowCheck {
        looked_at,
        bad: Bad::Repeated(values, Repeats::new(numbers, columns.room)),
    })
}

pub fn unique_within_row(columns: Columns<'_>, rule: &Unique) -> Result<RowCheck, String> {
    let names: Vec<&str> = rule.columns.iter().map(String::as_str).collect();
    let looked_at = with_values(columns, &names, rule.ignore_row_if)?;
    let mut bad: Option<Expr> = None;
    for (i, a) in names.iter().enumerate() {
        for b in &names[i + 1..] {
            let same = columns.get(a)?.0.eq_missing(columns.get(b)?.0);
            bad = Some(match bad {
                None => same,
                Some(bad) => bad.or(same),
            });
        }
    }
    let bad = bad.ok_or_else(|| "at least two columns are needed".to_owned())?;
    Ok(RowCheck {
        looked_at,
        bad: Bad::Alone(bad),
    })
}

pub fn in_set(columns: Columns<'_>, column: &str, values: &[Json], wanted: bool) -> Result<RowCheck, String> {
    let found = among(column, columns, values)?;
    valued(columns, column, if wanted { found } else { found.not() })
}

pub fn pairs_in_set(columns: Columns<'_>, rule: &Pairs) -> Result<RowCheck, String> {
    let (left, right) = (columns.get(&rule.left)?.0, columns.get(&rule.right)?.0);
    let mut any = lit(false);
    for (a, b) in &rule.values {
        let a = literal(&rule.left, columns, a)?;
        let b = literal(&rule.right, columns, b)?;
        any = any.or(left.clone().eq_missing(a).and(right.clone().eq_missing(b)));
    }
    Ok(RowCheck {
        looked_at: with_values(columns, &[&rule.left, &rule.right], rule.ignore_row_if)?,
        bad: Bad::Alone(any.not()),
    })
}

pub fn pattern(columns: Columns<'_>, rule: &Pattern, wanted: bool, sql: bool) -> Result<RowCheck, String> {
    let subject = columns.text(&rule.column)?;
    let patterns: Vec<&String> = rule.pattern.iter().chain(&rule.patterns).collect();
    let mut held: Option<Expr> = None;
    for pattern in patterns {
        let one = if sql {
            super::text::like(subject.clone(), pattern)?
        } else {
            super::text::matching(subject.clone(), pattern, rule.full)?
        };
        held = Some(match held {
            None => one,
            Some(held) if wanted && rule.all => held.and(one),
            Some(held) => held.or(one),
        });
    }
    let held = held.ok_or_else(|| "no `pattern` is given".to_owned())?;
    valued(columns, &rule.column, if wanted { held } else { held.not() })
}

pub fn compare(columns: Columns<'_>, rule: &Compare) -> Result<RowCheck, String> {
    let ((left, a), (right, b)) = (columns.get(&rule.left)?, columns.get(&rule.right)?);
    let class = |k: Kind| if k == Kind::Float { Kind::Integer } else { k };
    if class(a) != class(b) && a != Kind::Null && b != Kind::Null {
        return Err(format!(
            "`{}` holds {}, `{}` holds {}: they do not compare",
            rule.left,
            a.word(),
            rule.right,
            b.word()
        ));
    }
    let good = match rule.is {
        Operator::Equal => left.eq(right),
        Operator::NotEqual => left.neq(right),
        Operator::Less => left.lt(right),
        Operator::AtMost => left.lt_eq(right),
        Operator::Greater => left.gt(right),
        Operator::AtLeast => left.gt_eq(right),
    };
    let nans = [&rule.left, &rule.right]
        .into_iter()
        .filter_map(|c| columns.nan(c));
    let good = nans.fold(good, |good, nan| good.and(nan.not()));
    Ok(RowCheck {
        looked_at: with_values(columns, &[&rule.left, &rule.right], rule.ignore_row_if)?,
        bad: Bad::Alone(good.fill_null(lit(false)).not()),
    })
}

pub fn row_sum(columns: Columns<'_>, rule: &RowSum) -> Result<RowCheck, String> {
    let names: Vec<&str> = rule.columns.iter().map(String::as_str).collect();
    let mut parts = Vec::new();
    for name in &names {
        parts.push(columns.number(name)?);
    }
    let sum = parts
        .into_iter()
        .map(|part| part.cast(DataType::Float64).fill_null(lit(0.0)))
        .reduce(|a, b| a + b)
        .ok_or_else(|| "no column is named".to_owned())?;
    Ok(RowCheck {
        looked_at: with_values(columns, &names, rule.ignore_row_if)?,
        bad: Bad::Alone(sum.neq(lit(rule.equals)).fill_null(lit(true))),
    })
}

pub fn order(columns: Columns<'_>, rule: &Order, up: bool) -> Result<RowCheck, String> {
    let (values, _) = columns.get(&rule.column)?;
    let way = Way {
        up,
        strictly: rule.strictly,
    };
    Ok(RowCheck {
        looked_at: Some(values.clone().is_not_null()),
        bad: Bad::OutOfOrder(values, way),
    })
}

pub fn z_score(columns: Columns<'_>, rule: &ZScore) -> Result<RowCheck, String> {
    let numbers = columns.number(&rule.column)?.cast(DataType::Float64);
    Ok(RowCheck {
        looked_at: Some(columns.get(&rule.column)?.0.is_not_null()),
        bad: Bad::Far(numbers, Scores::new(rule.below, rule.both_sides)),
    })
}
