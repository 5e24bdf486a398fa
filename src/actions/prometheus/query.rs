//! `prometheus.query`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::{self, unsure};
use super::measured::{Labels, Measured, Unit, number, shown};
use super::wire::{Instant, Point, VectorRow};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::{Bytes, Duration, Moment, Money, Rate, Ratio};

/// Asks a query at one moment. Prometheus gives an empty list where nothing matched, and `NaN` where there was no
/// traffic: neither is zero, so both make the step inconclusive unless the spec says that it reckons with them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The query, in PromQL.
    #[schemars(length(min = 1))]
    query: String,
    /// The moment it is asked for; now without it.
    #[serde(default)]
    at: Option<Moment>,
    /// What the numbers are, so that checks can compare them with `5%` or `200ms`.
    #[serde(default)]
    unit: Option<Unit>,
    /// The currency, where the numbers are money: `USD`.
    #[serde(default)]
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
    /// How old the newest measurement behind a value may be; older ones make the step inconclusive. Only for a plain
    /// series (`up{job="api"}`): of anything computed Prometheus gives no age.
    #[serde(default)]
    max_age: Option<Duration>,
    /// Whether an empty answer is one the spec reckons with; `false` without it.
    #[serde(default)]
    allow_empty: bool,
    /// Whether `NaN` and infinities are ones the spec reckons with; `false` without it.
    #[serde(default)]
    allow_not_finite: bool,
}

/// What the query gave.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// One for each series that has a finite value.
    samples: Vec<Sample>,
    /// How many there are.
    count: usize,
    /// The only sample, when there is exactly one and nothing besides.
    single: Option<Sample>,
    /// Series whose value is no finite number.
    not_finite: Vec<NotFinite>,
    /// The moment the query was evaluated for, by Prometheus' clock.
    at: Moment,
    /// What Prometheus says about a part that is missing.
    warnings: Vec<String>,
}

/// One series at that moment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sample {
    /// Its labels.
    labels: Labels,
    /// The number as Prometheus gives it.
    value: f64,
    /// As a share, with `unit: ratio` or `percent`.
    ratio: Option<Ratio>,
    /// As a time span, with `unit: seconds` or `milliseconds`.
    duration: Option<Duration>,
    /// As a size, with `unit: bytes`.
    size: Option<Bytes>,
    /// As a rate, with `unit: per_second`.
    rate: Option<Rate>,
    /// As money, with `currency`.
    cost: Option<Money>,
    /// How old the measurement was, when the step says `max_age`.
    age: Option<Duration>,
}

/// A series whose value is no finite number.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotFinite {
    /// Its labels.
    labels: Labels,
    /// `NaN`, `+Inf` or `-Inf`.
    value: String,
}

pub(super) struct Query;

impl Action for Query {
    const NAME: &'static str = "prometheus.query";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let query = params.get("query").and_then(Json::as_str).unwrap_or_default();
        if params.get("max_age").is_none() || query.contains("${{") || plain_series(query) {
            return Vec::new();
        }
        vec![ParamProblem {
            pointer: "/max_age".to_owned(),
            key: None,
            message: "only a plain series has an age, and this query computes something".to_owned(),
            help: Some("ask for the series itself in a step of its own: `up{job=\"api\"}`".to_owned()),
        }]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        if params.max_age.is_some() && !plain_series(&params.query) {
            return Err(Failure::new(
                Class::BadParameter,
                format!(
                    "`max_age` needs a plain series, and `{}` computes something",
                    params.query
                ),
            ));
        }
        let (rows, warnings) = rows(cx, &params.query, params.at).await?;
        let at = rows.iter().find_map(|r| r.at).or(params.at.map(|m| m.0));
        // With nothing matched Prometheus does not say when; our clock is as good as any then.
        let at = at.unwrap_or_else(Timestamp::now);
        let mut samples = Vec::new();
        let mut not_finite = Vec::new();
        for row in rows {
            match row.value {
                Ok(value) => {
                    let m = Measured::new(value, params.unit);
                    samples.push(Sample {
                        labels: row.labels,
                        value,
                        ratio: m.ratio,
                        duration: m.duration,
                        size: m.size,
                        rate: m.rate,
                        cost: params.currency.as_ref().map(|currency| Money {
                            amount: value,
                            currency: currency.clone(),
                        }),
                        age: None,
                    });
                }
                Err(value) => not_finite.push(NotFinite {
                    labels: row.labels,
                    value,
                }),
            }
        }
        if let Some(most) = params.max_age {
            ages(cx, &params.query, at, &mut samples).await?;
            for sample in &samples {
                if sample.age.is_none_or(|age| age.0 > most.0) {
                    let age = sample
                        .age
                        .map_or_else(|| "of unknown age".to_owned(), |a| format!("{a} old"));
                    unsure(
                        cx,
                        "fresh",
                        format!("every value is at most {most} old"),
                        format!("{} is {age}", shown(&sample.labels)),
                    );
                    break;
                }
            }
        }
        client::whole(cx, &warnings);
        judge(cx, &params, &samples, &not_finite);
        Ok(Output {
            count: samples.len(),
            single: match samples.as_slice() {
                [only] if not_finite.is_empty() => Some(only.clone()),
                _ => None,
            },
            samples,
            not_finite,
            at: Moment(at),
            warnings,
        })
    }
}

/// What cannot be compared makes the step inconclusive.
fn judge(cx: &Context, params: &Params, samples: &[Sample], not_finite: &[NotFinite]) {
    if samples.is_empty() && not_finite.is_empty() && !params.allow_empty {
        unsure(
            cx,
            "samples",
            "the query gives a value",
            "no series matches the query, which is not the same as zero",
        );
    }
    if let Some(first) = not_finite.first()
        && !params.allow_not_finite
    {
        unsure(
            cx,
            "finite",
            "every value is a finite number",
            format!(
                "{} is {}, with which nothing can be compared{}",
                shown(&first.labels),
                first.value,
                match not_finite.len() {
                    1 => String::new(),
                    n => format!(", and so are {} more", n - 1),
                }
            ),
        );
    }
}

/// One row of an answer, read.
struct Row {
    labels: Labels,
    value: Result<f64, String>,
    at: Option<Timestamp>,
}

/// Asks, and reads numbers; a kind of answer that has none is a mistake of the query.
async fn rows(cx: &Context, query: &str, at: Option<Moment>) -> Result<(Vec<Row>, Vec<String>), Failure> {
    let mut ask = vec![("query", query.to_owned())];
    if let Some(at) = at {
        ask.push(("time", at.0.to_string()));
    }
    let answer = client::get::<Instant>(cx, "query", &ask).await?;
    let wrong = |what: &str, help: &str| {
        Err(Failure::new(Class::BadParameter, format!("the query `{query}` gives {what}")).help(help))
    };
    let unlike = |e: &dyn std::fmt::Display| {
        Failure::new(
            Class::UnreadableAnswer,
            format!("Prometheus' answer to `{query}` cannot be read: {e}"),
        )
    };
    let result = answer.data.result;
    let rows: Vec<VectorRow> = match answer.data.result_type.as_str() {
        "vector" => serde_json::from_value(result).map_err(|e| unlike(&e))?,
        "scalar" => vec![VectorRow {
            metric: Labels::new(),
            value: Some(serde_json::from_value(result).map_err(|e| unlike(&e))?),
        }],
        "matrix" => return wrong("a range of values", "ask for it with `prometheus.range`"),
        "string" => return wrong("a text", "a query has to give numbers"),
        other => return Err(unlike(&format!("results of the kind `{other}`"))),
    };
    if rows.iter().any(|r| r.value.is_none()) {
        return wrong(
            "a native histogram",
            "ask for a number of it: `histogram_quantile(0.99, ...)`",
        );
    }
    let read = |row: VectorRow| {
        let (seconds, text) = row.value?;
        Some(number(&text).map(|value| Row {
            labels: row.metric,
            value,
            at: moment(seconds),
        }))
    };
    let rows: Result<Vec<Row>, String> = rows.into_iter().filter_map(read).collect();
    let rows = rows.map_err(|e| unlike(&e))?;
    Ok((rows, answer.warnings))
}

/// Finds how old the measurement behind each sample is.
async fn ages(cx: &Context, query: &str, at: Timestamp, samples: &mut [Sample]) -> Result<(), Failure> {
    let (rows, _) = rows(cx, &format!("timestamp({query})"), Some(Moment(at))).await?;
    for sample in samples {
        // `timestamp` drops the name.
        let unnamed = |labels: &Labels| -> Vec<(String, String)> {
            let all = labels.iter().filter(|(key, _)| *key != "__name__");
            all.map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        sample.age = rows
            .iter()
            .find(|row| unnamed(&row.labels) == unnamed(&sample.labels))
            .and_then(|row| row.value.as_ref().ok())
            .map(|taken| Duration((at.as_duration().as_secs_f64() - taken).max(0.0)));
    }
    Ok(())
}

/// `name`, `name{...}`, `{...}` and nothing else.
fn plain_series(query: &str) -> bool {
    let query = query.trim();
    let name = query
        .chars()
        .take_while(|c| c.is_alphanumeric() || "_:".contains(*c));
    let rest = &query[name.map(char::len_utf8).sum()..];
    let rest = rest.trim_start();
    if query.is_empty() || rest.is_empty() {
        return !query.is_empty();
    }
    // A brace may stand in the text of a label; the last one must end the query.
    rest.starts_with('{') && rest.ends_with('}') && !outside_braces(rest)
}

/// Whether anything stands outside the first pair of braces.
fn outside_braces(text: &str) -> bool {
    let (mut quote, mut escaped) = (None, false);
    for (place, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(q), c) if q == c => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '}') => return place + 1 < text.len(),
            _ => {}
        }
    }
    true
}

/// A moment of Prometheus' JSON.
pub(super) fn moment(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

/// A point of Prometheus' JSON: when, and a finite number or the text of one that is not.
pub(super) fn point((seconds, text): &Point) -> Result<(Timestamp, Result<f64, String>), String> {
    let at = moment(*seconds).ok_or_else(|| format!("`{seconds}` is no moment"))?;
    Ok((at, number(text)?))
}

#[cfg(test)]
mod plain {
    use super::plain_series;

    #[test]
    fn only_a_series_is_plain() {
        for query in [
            "up",
            " up ",
            "a:b:c",
            "up{job=\"a}b\"}",
            "up {job='x'}",
            "{__name__=\"up\"}",
        ] {
            assert!(plain_series(query), "{query}");
        }
        for query in [
            "",
            "rate(up[1m])",
            "up > 0",
            "up{a=\"b\"} or up{}",
            "up[5m]",
            "up{a=\"b\"",
            "up offset 5m",
        ] {
            assert!(!plain_series(query), "{query}");
        }
    }
}
