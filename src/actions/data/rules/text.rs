//! What texts look like.

use polars::prelude::{Column, DataType, Expr, Field, IntoColumn, PolarsResult, Schema, StringChunked, lit};

use crate::actions::data::rule::{Format, FormatKind, JsonSchemaOf};

/// Whether a text matches a regular expression of Python, anywhere in it or as a whole; null where it is null.
pub fn matching(subject: Expr, pattern: &str, full: bool) -> Result<Expr, String> {
    let pattern = if full {
        format!("^(?:{pattern})$")
    } else {
        pattern.to_owned()
    };
    if regex::Regex::new(&pattern).is_ok() {
        return Ok(subject.str().contains(lit(pattern), true));
    }
    // Look-around and references to groups, which the fast engine has not.
    let regex = fancy_regex::Regex::new(&pattern)
        .map_err(|e| format!("the pattern `{pattern}` is not a regular expression: {e}"))?;
    Ok(each(subject, move |text| regex.is_match(text).unwrap_or(false)))
}

/// Whether a text matches a pattern of SQL.
pub fn like(subject: Expr, pattern: &str) -> Result<Expr, String> {
    let mut regex = String::from("(?s)");
    for c in pattern.chars() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    matching(subject, &format!("^{regex}$"), false)
}

/// Whether a text has a format.
pub fn format(subject: Expr, format: &Format) -> Result<Expr, String> {
    if format.strftime.is_some() != (format.kind == FormatKind::Strftime) {
        return Err("`strftime` belongs to `as: strftime`, and only there".to_owned());
    }
    Ok(match format.kind {
        FormatKind::Email => {
            return matching(subject, r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", true);
        }
        FormatKind::Uuid => {
            return matching(
                subject,
                r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
                true,
            );
        }
        FormatKind::Integer => return matching(subject, r"[+-]?[0-9]+", true),
        FormatKind::Number => {
            return matching(
                subject,
                r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?",
                true,
            );
        }
        FormatKind::Date => each(subject, |t| t.parse::<jiff::civil::Date>().is_ok()),
        FormatKind::Datetime => each(subject, |t| super::literal::micros(t).is_some()),
        FormatKind::Json => each(subject, |t| {
            serde_json::from_str::<serde::de::IgnoredAny>(t).is_ok()
        }),
        FormatKind::Strftime => {
            let form = format.strftime.clone().unwrap_or_default();
            if !form.contains('%') {
                return Err(format!("`strftime: {form:?}` names no part of a time"));
            }
            each(subject, move |t| is_time(&form, t))
        }
    })
}

/// Whether a text is JSON that fits a schema.
pub fn json_schema(subject: Expr, rule: &JsonSchemaOf) -> Result<Expr, String> {
    let validator = jsonschema::validator_for(&rule.schema)
        .map_err(|e| format!("the JSON schema cannot be used: {e}"))?;
    Ok(each(subject, move |t| {
        serde_json::from_str(t).is_ok_and(|v| validator.is_valid(&v))
    }))
}

/// Whether a text has the form, and names a day that exists when it names a whole date.
fn is_time(form: &str, text: &str) -> bool {
    jiff::fmt::strtime::parse(form, text).is_ok_and(|parts| {
        let whole = parts.year().is_some() && parts.month().is_some() && parts.day().is_some();
        !whole || parts.to_date().is_ok()
    })
}

/// Applies a test to each text; null stays null.
fn each(subject: Expr, test: impl Fn(&str) -> bool + Send + Sync + 'static) -> Expr {
    subject.map(
        move |column: Column| -> PolarsResult<Column> {
            let column = column.cast(&DataType::String)?;
            let texts: &StringChunked = column.str()?;
            let name = column.name().clone();
            let held: polars::prelude::BooleanChunked =
                texts.iter().map(|t: Option<&str>| t.map(&test)).collect();
            Ok(held.into_column().with_name(name))
        },
        |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Boolean)),
    )
}
