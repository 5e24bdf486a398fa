//! Checks of one figure of a column.

use polars::prelude::{DataType, Expr, QuantileMethod, col};
use serde_json::Value as Json;

use super::columns::{Columns, Kind};
use super::literal::micros;
use super::looking::masked;
use super::ranks::{Ranked, Ranks};
use super::repeats::Repeats;
use super::rows::{check_bounds, third};
use super::{Finding, Next, Outcome, Planned, Settle, count, count_where};
use crate::actions::data::rule::{Between, Check, Freshness, Method, Quantile};
use crate::tools::tables::number;

/// Which figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    Mean,
    Median,
    Quantile(f64, QuantileMethod),
    Min,
    Max,
    Sum,
    Stddev,
    NullFraction,
    DistinctCount,
    UniqueProportion,
}

/// A figure between two bounds.
pub fn figure(
    columns: Columns<'_>,
    check: &Check,
    scope: Option<&Expr>,
    rule: &Between,
    figure: Figure,
) -> Result<Planned, String> {
    check_bounds(rule)?;
    let (any, kind) = columns.get(&rule.column)?;
    let not_null = match scope {
        None => any.clone().is_not_null(),
        Some(scope) => scope.clone().and(any.clone().is_not_null()),
    };
    let values = masked(any.clone(), scope);
    let numbers = || columns.number(&rule.column).map(|c| masked(c, scope));
    // Only the smallest and the largest value are of the column's own kind.
    let own = matches!(figure, Figure::Min | Figure::Max);
    let timed = own && matches!(kind, Kind::Date | Kind::Datetime);
    let text = own && kind == Kind::Text;
    let mut counting = None;
    let value = match figure {
        Figure::Mean => numbers()?.mean(),
        Figure::Median | Figure::Quantile(..) => {
            let ranks = match figure {
                Figure::Quantile(at, method) => Ranks::new(at, method),
                _ => Ranks::new(0.5, QuantileMethod::Linear),
            };
            let look = ranks.look(numbers()?);
            counting = Some((look.clone(), Counting::Ranks(ranks)));
            look
        }
        Figure::Sum => numbers()?.sum(),
        Figure::Stddev => numbers()?.std(1),
        Figure::Min if timed || text => values.clone().min(),
        Figure::Max if timed || text => values.clone().max(),
        Figure::Min => numbers()?.min(),
        Figure::Max => numbers()?.max(),
        Figure::NullFraction => {
            let null = any.clone().is_null();
            let none = columns.nan(&rule.column).map_or(null.clone(), |nan| null.or(nan));
            masked(none, scope).cast(DataType::Float64).mean()
        }
        Figure::DistinctCount | Figure::UniqueProportion => {
            let repeats = Repeats::new(columns.whole(&rule.column), columns.room);
            let first = repeats.first(any.clone(), Some(&not_null));
            let again = repeats.again(any.clone(), Some(&not_null));
            counting = Some((again, Counting::Different(repeats)));
            first
        }
    };
    let value = if timed {
        value
            .cast(DataType::Datetime(polars::prelude::TimeUnit::Microseconds, None))
            .cast(DataType::Int64)
    } else {
        value
    };
    match (rule.min.is_some() || rule.max.is_some(), check.fail_if.is_some()) {
        (false, false) => return Err("neither `min` nor `max` is given".to_owned()),
        (true, true) => return Err("`fail_if` and the bounds both say when it fails: give one".to_owned()),
        _ => {}
    }
    let bound = |b: &Option<Json>| -> Result<Option<Bound>, String> {
        b.as_ref().map(|b| Bound::of(b, timed, text)).transpose()
    };
    let bounds = (bound(&rule.min)?, bound(&rule.max)?);
    let (strict_min, strict_max) = (rule.strict_min, rule.strict_max);
    let allow_empty = check.allow_empty;
    let counts = [count_where(scope), count_where(Some(&not_null))];
    // Others come to NaN themselves, the smallest and the largest value pass over it.
    let nans = columns.nan(&rule.column).filter(|_| own).map(|nan| match scope {
        None => count_where(Some(&nan)),
        Some(scope) => count_where(Some(&scope.clone().and(nan))),
    });
    let with = |figure: Expr| {
        let all = counts.iter().cloned().chain([figure]);
        all.chain(nans.clone()).collect::<Vec<_>>()
    };
    let settle = counting.map(|(look, counting)| counting.settle(with(look)));
    Ok(Planned {
        figures: with(value),
        judge: Box::new(move |figures| {
            let (rows, evaluated) = (count(figures.first()), count(figures.get(1)));
            let looked_at = if figure == Figure::NullFraction {
                rows
            } else {
                evaluated
            };
            let mut value = figures.get(2).cloned().unwrap_or(Json::Null);
            if figure == Figure::UniqueProportion && evaluated > 0 {
                value = Json::from(count(Some(&value)) as f64 / evaluated as f64);
            }
            let no_number = count(figures.get(3)) > 0 || value.as_str() == Some("NaN");
            let mut finding = if no_number {
                value = Json::Null;
                let message = format!("no figure: NaN is among the {evaluated} values in {rows} rows");
                Finding::new(Outcome::Inconclusive, message)
            } else if looked_at == 0 || value.is_null() {
                let outcome = if allow_empty && looked_at == 0 {
                    Outcome::Passed
                } else {
                    Outcome::Inconclusive
                };
                Finding::new(outcome, format!("no figure: {evaluated} values in {rows} rows"))
            } else {
                let low = bounds.0.as_ref().is_none_or(|b| b.below(&value, strict_min));
                let high = bounds.1.as_ref().is_none_or(|b| b.above(&value, strict_max));
                let shown = shown(&value, timed);
                Finding::holds(low && high, format!("is {shown}, from {evaluated} values"))
            };
            finding.rows = Some(rows);
            finding.evaluated = Some(looked_at);
            finding.observed(if timed {
                Json::from(shown(&value, true))
            } else {
                value
            })
        }),
        failing: None,
        settle,
    })
}

/// A quantile between two bounds.
pub fn quantile(
    columns: Columns<'_>,
    check: &Check,
    scope: Option<&Expr>,
    rule: &Quantile,
) -> Result<Planned, String> {
    if !(0.0..=1.0).contains(&rule.at.0) {
        return Err(format!("`at: {}` is no share from 0% to 100%", rule.at));
    }
    let method = match rule.method {
        Method::Nearest => QuantileMethod::Nearest,
        Method::Lower => QuantileMethod::Lower,
        Method::Higher => QuantileMethod::Higher,
        Method::Midpoint => QuantileMethod::Midpoint,
        Method::Linear => QuantileMethod::Linear,
    };
    let as_bound = |n: Option<f64>| n.map(Json::from);
    let between = Between {
        column: rule.column.clone(),
        min: as_bound(rule.min),
        max: as_bound(rule.max),
        strict_min: false,
        strict_max: false,
    };
    figure(
        columns,
        check,
        scope,
        &between,
        Figure::Quantile(rule.at.0, method),
    )
}

/// What counts on the way, to know a figure when the scan is over.
enum Counting {
    Different(Repeats),
    Ranks(Ranks),
}

impl Counting {
    /// The third figure from what was counted; `again` are the expressions of a further look.
    fn settle(self, again: Vec<Expr>) -> Settle {
        Box::new(move |found| {
            let evaluated = count(found.get(1));
            let figure = match &self {
                Self::Different(repeats) => repeats.counts(evaluated)?.map(|c| Json::from(c.different)),
                Self::Ranks(ranks) => match ranks.ranked(evaluated)? {
                    Ranked::Value(value) => Some(value.map_or(Json::Null, number)),
                    Ranked::Again => None,
                },
            };
            Ok(match figure {
                Some(figure) => Next::Judge(third(found, figure)),
                None => Next::Scan(again.clone()),
            })
        })
    }
}

/// How old the newest value is.
pub fn freshness(columns: Columns<'_>, scope: Option<&Expr>, rule: &Freshness) -> Result<Planned, String> {
    let (any, kind) = columns.get(&rule.column)?;
    let time = match kind {
        Kind::Date | Kind::Datetime => any,
        Kind::Text | Kind::Null => {
            let why = "give `parse_dates: true` to the table, if they are times as text";
            return Err(format!(
                "the column `{}` holds {}: {why}",
                rule.column,
                kind.word()
            ));
        }
        _ => {
            return Err(format!(
                "the column `{}` holds {}, not times",
                rule.column,
                kind.word()
            ));
        }
    };
    let newest = masked(time, scope)
        .max()
        .cast(DataType::Datetime(polars::prelude::TimeUnit::Microseconds, None))
        .cast(DataType::Int64);
    let max_age = rule.max_age;
    Ok(Planned {
        figures: vec![count_where(scope), newest],
        judge: Box::new(move |figures| {
            let rows = count(figures.first());
            let Some(newest) = figures.get(1).and_then(Json::as_i64) else {
                let mut none = Finding::new(Outcome::Inconclusive, format!("no time in {rows} rows"));
                none.rows = Some(rows);
                return none;
            };
            let now = jiff::Timestamp::now().as_microsecond();
            let age = crate::value::Duration((now - newest) as f64 / 1e6);
            let shown = shown(&Json::from(newest), true);
            let mut finding = if age.0 < 0.0 {
                Finding::holds(false, format!("the newest value, {shown}, is in the future"))
            } else {
                Finding::holds(
                    age.0 <= max_age.0,
                    format!("the newest value, {shown}, is {age} old"),
                )
            };
            finding.rows = Some(rows);
            finding.observed(Json::from(shown))
        }),
        failing: None,
        settle: None,
    })
}

/// How many rows and values there are.
pub fn counts(scope: Option<&Expr>, column: &str) -> [Expr; 2] {
    let not_null = match scope {
        None => col(column).is_not_null(),
        Some(scope) => scope.clone().and(col(column).is_not_null()),
    };
    [count_where(scope), count_where(Some(&not_null))]
}

enum Bound {
    Number(f64),
    /// Microseconds since 1970.
    Time(i64),
    Text(String),
}

impl Bound {
    fn of(value: &Json, timed: bool, text: bool) -> Result<Self, String> {
        match value {
            Json::String(s) if timed => micros(s)
                .map(Self::Time)
                .ok_or_else(|| format!("{value} is not a date or time")),
            Json::String(s) if text => Ok(Self::Text(s.clone())),
            Json::Number(n) if !timed && !text => n
                .as_f64()
                .map(Self::Number)
                .ok_or_else(|| format!("{value} is too large")),
            _ => Err(format!("{value} does not compare with the column's values")),
        }
    }

    /// Whether the bound is not above the value.
    fn below(&self, value: &Json, strictly: bool) -> bool {
        match self.order(value) {
            Some(std::cmp::Ordering::Less) => true,
            Some(std::cmp::Ordering::Equal) => !strictly,
            _ => false,
        }
    }

    /// Whether the bound is not below the value.
    fn above(&self, value: &Json, strictly: bool) -> bool {
        match self.order(value) {
            Some(std::cmp::Ordering::Greater) => true,
            Some(std::cmp::Ordering::Equal) => !strictly,
            _ => false,
        }
    }

    fn order(&self, value: &Json) -> Option<std::cmp::Ordering> {
        match self {
            Self::Number(bound) => {
                let value = value
                    .as_f64()
                    .or_else(|| value.as_str().and_then(|s| s.parse().ok()))?;
                bound.partial_cmp(&value)
            }
            Self::Time(bound) => Some(bound.cmp(&value.as_i64()?)),
            Self::Text(bound) => Some(bound.as_str().cmp(value.as_str()?)),
        }
    }
}

fn shown(value: &Json, timed: bool) -> String {
    match value {
        Json::Number(n) if timed => n
            .as_i64()
            .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
            .map_or_else(|| n.to_string(), |t| t.to_string()),
        Json::String(s) => s.clone(),
        other => other.to_string(),
    }
}
