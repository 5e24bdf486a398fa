//! The answer of `/get-online-features`, which comes by columns in any order, turned into named columns.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::when::{self, Micros};
use crate::action::Failure;
use crate::tools::http::Response;

#[derive(Deserialize)]
struct Answer {
    metadata: Metadata,
    results: Vec<Results>,
}

#[derive(Deserialize)]
struct Metadata {
    feature_names: Vec<String>,
}

#[derive(Deserialize)]
struct Results {
    values: Vec<Json>,
    statuses: Vec<String>,
    event_timestamps: Vec<String>,
}

/// One feature over all rows.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) values: Vec<Json>,
    pub(super) statuses: Vec<String>,
    /// 1970 is [`when::NONE`].
    pub(super) times: Vec<Micros>,
}

/// The columns by their whole name (`view__feature`), without those of the entities, each with as many rows as were
/// asked for.
///
/// # Errors
/// An answer of another shape.
pub(super) fn read(
    response: &Response,
    rows: usize,
    keys: &[&str],
) -> Result<BTreeMap<String, Column>, Failure> {
    let wrong = |why: String| response.unreadable(&format!("it is not what Feast promises: {why}"));
    // Checked as JSON first: doubled keys and NaN are refused there.
    let answer: Answer = serde_json::from_value(response.json()?).map_err(|e| wrong(e.to_string()))?;
    let names = answer.metadata.feature_names;
    if names.len() != answer.results.len() {
        return Err(wrong(format!(
            "{} names for {} columns",
            names.len(),
            answer.results.len()
        )));
    }
    let mut found = BTreeMap::new();
    for (name, column) in names.into_iter().zip(answer.results) {
        let lengths = [
            column.values.len(),
            column.statuses.len(),
            column.event_timestamps.len(),
        ];
        if lengths != [rows; 3] {
            return Err(wrong(format!(
                "the column `{name}` has {lengths:?} values, states and times for {rows} rows"
            )));
        }
        if keys.contains(&name.as_str()) {
            continue;
        }
        let times: Option<Vec<Micros>> = column.event_timestamps.iter().map(|t| when::read(t)).collect();
        let times = times.ok_or_else(|| wrong(format!("a time of `{name}` is no moment")))?;
        let column = Column {
            values: column.values,
            statuses: column.statuses,
            times,
        };
        if found.insert(name.clone(), column).is_some() {
            return Err(wrong(format!("the column `{name}` comes twice")));
        }
    }
    Ok(found)
}
