//! Whose features are meant: join keys and their values, by columns.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::action::{Class, Failure};

/// Join keys with their values; all have as many.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entities {
    pub(super) columns: BTreeMap<String, Vec<Json>>,
    pub(super) rows: usize,
}

impl Entities {
    /// Takes `{customer_id: [1001, 1002]}`.
    ///
    /// # Errors
    /// Class `bad_parameter` when there are none, or the keys have different numbers of values.
    pub(super) fn of(columns: BTreeMap<String, Vec<Json>>) -> Result<Self, Failure> {
        let bad = |what: String| Failure::new(Class::BadParameter, format!("`entities`: {what}"));
        let rows = columns.values().map(Vec::len).max().unwrap_or(0);
        if rows == 0 {
            return Err(bad("there are none, so nothing could be asked".to_owned()));
        }
        for (key, values) in &columns {
            if values.len() != rows {
                return Err(bad(format!(
                    "`{key}` has {} values, another key {rows}",
                    values.len()
                )));
            }
            if let Some(odd) = values
                .iter()
                .find(|v| !(v.is_i64() || v.is_u64() || v.is_string()))
            {
                return Err(bad(format!(
                    "a value of `{key}` is {odd}; keys are whole numbers or texts"
                )));
            }
        }
        Ok(Self { columns, rows })
    }

    /// Some of the rows.
    pub(super) fn slice(&self, from: usize, to: usize) -> Self {
        let columns = self.columns.iter();
        Self {
            columns: columns
                .map(|(key, values)| (key.clone(), values[from..to].to_vec()))
                .collect(),
            rows: to - from,
        }
    }

    /// One row.
    pub(super) fn row(&self, row: usize) -> BTreeMap<String, Json> {
        let columns = self.columns.iter();
        columns
            .map(|(key, values)| (key.clone(), values[row].clone()))
            .collect()
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.columns.keys().map(String::as_str).collect()
    }
}

/// `view:feature`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feature {
    pub(super) view: String,
    pub(super) name: String,
}

impl Feature {
    /// # Errors
    /// Class `bad_parameter` when a part is missing.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        match text.split_once(':') {
            Some((view, name)) if !view.is_empty() && !name.is_empty() && !name.contains(':') => Ok(Self {
                view: view.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(
                Failure::new(Class::BadParameter, format!("`{text}` names no feature"))
                    .help("write `view:feature`"),
            ),
        }
    }

    /// Each once.
    ///
    /// # Errors
    /// As [`Feature::parse`]; one that comes twice.
    pub(super) fn all(texts: &[String]) -> Result<Vec<Self>, Failure> {
        let mut found: Vec<Self> = Vec::new();
        for text in texts {
            let feature = Self::parse(text)?;
            if found.contains(&feature) {
                return Err(Failure::new(
                    Class::BadParameter,
                    format!("`{text}` is asked for twice"),
                ));
            }
            found.push(feature);
        }
        Ok(found)
    }

    /// As the server names its column when it is asked for whole names.
    pub(super) fn column(&self) -> String {
        format!("{}__{}", self.view, self.name)
    }
}

/// The short names of columns where they are clear, else `view__feature`.
pub(super) fn shown(columns: &[String]) -> BTreeMap<String, String> {
    let short = |column: &str| {
        column
            .split_once("__")
            .map_or(column, |(_, name)| name)
            .to_owned()
    };
    columns
        .iter()
        .map(|column| {
            let name = short(column);
            let clear = columns.iter().filter(|c| short(c) == name).count() == 1;
            (column.clone(), if clear { name } else { column.clone() })
        })
        .collect()
}
