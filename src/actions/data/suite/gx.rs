//! Suites of Great Expectations.
//!
//! Both namings are read: `type` and `expectation_type`, `name` and `expectation_suite_name`. Keywords that only say how a
//! result is shown are passed over; any other that is not known makes the expectation one that cannot be run.

use serde_json::{Map, Value as Json, json};

use super::expectation::rule;

/// An expectation and the check it became.
#[derive(Clone, Debug)]
pub struct Converted {
    /// `expect_column_values_to_not_be_null`.
    pub name: String,
    /// The checks as parameters of `data.check`, one for each quantile, else one; or why there are none.
    pub checks: Result<Vec<Json>, String>,
}

/// Keywords that change nothing about what is checked.
const SHOWN_ONLY: [&str; 9] = [
    "result_format",
    "include_config",
    "catch_exceptions",
    "meta",
    "batch_id",
    "windows",
    "notes",
    "description",
    "rendered_content",
];

/// Reads a suite.
///
/// # Errors
/// When the text is no suite.
pub fn great_expectations(text: &str) -> Result<Vec<Converted>, String> {
    // Python writes numbers that JSON has not.
    let suite: Json =
        serde_json::from_str(&without_infinities(text)).map_err(|e| format!("not JSON: {e}"))?;
    let list = suite
        .get("expectations")
        .and_then(Json::as_array)
        .ok_or_else(|| "no list `expectations`".to_owned())?;
    if list.is_empty() {
        return Err("the list `expectations` is empty".to_owned());
    }
    Ok(list.iter().map(expectation).collect())
}

/// One expectation with its keywords.
fn expectation(given: &Json) -> Converted {
    let name = given
        .get("type")
        .or_else(|| given.get("expectation_type"))
        .and_then(Json::as_str)
        .unwrap_or("(no type)")
        .to_owned();
    let empty = Map::new();
    let kwargs = given.get("kwargs").and_then(Json::as_object).unwrap_or(&empty);
    let checks = convert(&name, kwargs, given.get("severity"));
    Converted { name, checks }
}

fn convert(name: &str, kwargs: &Map<String, Json>, severity: Option<&Json>) -> Result<Vec<Json>, String> {
    let mut keys = Keywords::new(kwargs);
    let mostly = keys.take("mostly");
    let condition = keys.take("row_condition");
    let parser = keys.take("condition_parser");
    for key in SHOWN_ONLY {
        keys.take(key);
    }
    let severity = keys.take("severity").or_else(|| severity.cloned());
    let mut check = rule(name, &mut keys)?;
    if let Some(left) = keys.left() {
        return Err(format!("the keyword `{left}` is not known"));
    }
    match mostly {
        None => {}
        Some(mostly) => {
            let share = mostly
                .as_f64()
                .filter(|m| (0.0..=1.0).contains(m))
                .ok_or_else(|| format!("`mostly: {mostly}` is no number from 0 to 1"))?;
            let percent = ((1.0 - share) * 1e12).round() / 1e10;
            if percent > 0.0 {
                check.insert("max_failing".to_owned(), Json::from(format!("{percent}%")));
            }
        }
    }
    if let Some(condition) = condition {
        let text = condition
            .as_str()
            .ok_or_else(|| "`row_condition` is not a text".to_owned())?;
        let parser = parser
            .as_ref()
            .and_then(Json::as_str)
            .unwrap_or("great_expectations");
        check.insert("where".to_owned(), Json::from(row_condition(text, parser)?));
    }
    if let Some(severity) = severity {
        match severity.as_str() {
            Some(word @ ("critical" | "warning" | "info")) => {
                check.insert("severity".to_owned(), Json::from(word));
            }
            _ => return Err(format!("the severity {severity} is not known")),
        }
    }
    Ok(by_quantile(check))
}

/// One check for each quantile of a check of several.
fn by_quantile(mut check: Map<String, Json>) -> Vec<Json> {
    let Some(several) = check.shift_remove("quantiles") else {
        return vec![Json::Object(check)];
    };
    let ranges = several.get("ranges").and_then(Json::as_array).cloned();
    ranges
        .unwrap_or_default()
        .into_iter()
        .map(|mut one| {
            one["column"] = several["column"].clone();
            one["method"] = several["method"].clone();
            let mut map = Map::new();
            map.insert("quantile".to_owned(), one);
            map.extend(check.clone());
            Json::Object(map)
        })
        .collect()
}

/// The keywords of an expectation that were not looked at yet; nulls stand for nothing.
pub(super) struct Keywords(Map<String, Json>);

impl Keywords {
    fn new(all: &Map<String, Json>) -> Self {
        Self(
            all.iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Json> {
        self.0.shift_remove(key)
    }

    pub(super) fn need(&mut self, key: &str) -> Result<Json, String> {
        self.take(key)
            .ok_or_else(|| format!("the keyword `{key}` is missing"))
    }

    fn left(&self) -> Option<&str> {
        self.0.keys().next().map(String::as_str)
    }
}

/// A row condition in the expression language.
fn row_condition(text: &str, parser: &str) -> Result<String, String> {
    let text = match parser {
        "pandas" => text
            .replace("&&", " and ")
            .replace('&', " and ")
            .replace("||", " or ")
            .replace('|', " or "),
        "great_expectations" | "great_expectations__experimental__" => text
            .replace("col(", "column(")
            .replace(").notNull()", ") is present")
            .replace(".notnull()", " is present"),
        other => return Err(format!("the condition parser `{other}` is not known")),
    };
    crate::value::expr::parse(&text)
        .map(|_| text.clone())
        .map_err(|e| format!("the row condition `{text}` is not understood: {}", e.message))
}

/// The text with `Infinity` and `NaN` outside of strings as strings.
fn without_infinities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(c) = rest.chars().next() {
        if quoted {
            let take = if c == '\\' { 2 } else { 1 };
            let end = rest.char_indices().nth(take).map_or(rest.len(), |(at, _)| at);
            quoted = c != '"';
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let word = [
            ("-Infinity", "\"-inf\""),
            ("Infinity", "\"inf\""),
            ("NaN", "null"),
        ]
        .into_iter()
        .find(|(word, _)| rest.starts_with(word));
        if let Some((word, instead)) = word {
            out.push_str(instead);
            rest = &rest[word.len()..];
        } else {
            quoted = c == '"';
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// A rule with its parameters.
pub(super) fn one(rule: &str, params: Json) -> Map<String, Json> {
    let mut map = Map::new();
    map.insert(rule.to_owned(), params);
    map
}

/// Parameters without those that are not given.
pub(super) fn given(params: Json) -> Json {
    match params {
        Json::Object(map) => Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => json!(other),
    }
}
