//! The point-in-time join: of an entity the newest row that is not newer than the moment; of two rows of one time, the
//! one that was created later; older than the ttl it counts as expired.

use std::collections::HashMap;

use polars::prelude::{AnyValue, Column, DataFrame, DataType, TimeUnit};
use serde_json::Value as Json;

use super::when::{self, Micros};
use crate::action::{Class, Failure};
use crate::tools::tables::{Opened, collect, failure, json};

/// The rows of a source, by key and time.
pub(super) struct Stored {
    frame: DataFrame,
    name: String,
    keys: Vec<String>,
    groups: Groups,
    /// Rows by group, then time, then time of creation.
    order: Vec<u32>,
    /// Where each group begins in `order`; one more at the end.
    starts: Vec<u32>,
    times: Vec<Micros>,
}

/// The number of a key's group. Most keys are one whole number.
enum Groups {
    Whole(HashMap<i64, u32>),
    Text(HashMap<String, u32>),
}

/// What a source has for a key at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Row(usize),
    /// The newest row is older than the ttl.
    Expired(usize),
    Nothing,
}

impl Stored {
    /// Reads the rows. Blocks.
    ///
    /// # Errors
    /// What reading gives; times that are none.
    pub(super) fn read(
        opened: Opened,
        keys: &[String],
        timestamp: &str,
        created: Option<&str>,
        features: &[String],
    ) -> Result<Self, Failure> {
        let name = opened.name;
        if let Some(key) = features.iter().find(|f| keys.contains(f)) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{key}` is a key, not a feature"),
            ));
        }
        let frame = collect(opened.frame, &name)?;
        let column = |which: &str| frame.column(which).map_err(|e| failure(&name, &e));
        let times = moments(column(timestamp)?, &name)?;
        let made = match created {
            Some(created) => moments(column(created)?, &name)?,
            None => vec![None; times.len()],
        };
        let (groups, of_row) = group(&frame, keys, &name)?;
        // A row without a time, or without a key, belongs to no moment.
        let mut order: Vec<u32> = (0..u32::try_from(times.len()).unwrap_or(u32::MAX))
            .filter(|row| times[*row as usize].is_some() && of_row[*row as usize].is_some())
            .collect();
        order.sort_unstable_by_key(|row| {
            let row = *row as usize;
            (of_row[row], times[row], made[row], row)
        });
        let count = match &groups {
            Groups::Whole(map) => map.len(),
            Groups::Text(map) => map.len(),
        };
        let mut starts = vec![0_u32; count + 1];
        for row in &order {
            if let Some(group) = of_row[*row as usize] {
                starts[group as usize + 1] += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Ok(Self {
            frame,
            name,
            keys: keys.to_vec(),
            groups,
            order,
            starts,
            times: times.into_iter().map(|t| t.unwrap_or(when::NONE)).collect(),
        })
    }

    /// What there is for a key (its parts in the order of the source's keys) at a moment.
    pub(super) fn find(&self, key: &[&Json], at: Micros, ttl: Option<Micros>) -> Found {
        let group = match (&self.groups, key) {
            (Groups::Whole(map), [one]) => {
                let number = one.as_i64().or_else(|| one.as_str()?.parse().ok());
                number.and_then(|n| map.get(&n))
            }
            (Groups::Text(map), parts) => {
                let text: Vec<String> = parts.iter().map(|p| as_text(p)).collect();
                map.get(&text.join(SEPARATOR))
            }
            (Groups::Whole(_), _) => None,
        };
        let Some(group) = group.map(|g| *g as usize) else {
            return Found::Nothing;
        };
        let rows = &self.order[self.starts[group] as usize..self.starts[group + 1] as usize];
        let until = rows.partition_point(|row| self.times[*row as usize] <= at);
        match until.checked_sub(1).map(|last| rows[last] as usize) {
            None => Found::Nothing,
            Some(row) if ttl.is_some_and(|ttl| self.times[row] < at - ttl) => Found::Expired(row),
            Some(row) => Found::Row(row),
        }
    }

    pub(super) fn time(&self, row: usize) -> Micros {
        self.times[row]
    }

    /// A feature of a row.
    ///
    /// # Errors
    /// When there is no such column, which reading has seen to.
    pub(super) fn value(&self, feature: &str, row: usize) -> Result<Json, Failure> {
        let column = self.frame.column(feature).map_err(|e| failure(&self.name, &e))?;
        let value = column.get(row).map_err(|e| failure(&self.name, &e))?;
        Ok(json(&value))
    }

    /// Every key, each once, by columns.
    ///
    /// # Errors
    /// When the columns cannot be read.
    pub(super) fn entities(&self) -> Result<std::collections::BTreeMap<String, Vec<Json>>, Failure> {
        let mut found = std::collections::BTreeMap::new();
        for key in &self.keys {
            let column = self.frame.column(key).map_err(|e| failure(&self.name, &e))?;
            let firsts = self.starts.windows(2).filter(|w| w[0] < w[1]);
            let values: Result<Vec<Json>, Failure> = firsts
                .map(|w| {
                    let value = column.get(self.order[w[0] as usize] as usize);
                    Ok(json(&value.map_err(|e| failure(&self.name, &e))?))
                })
                .collect();
            found.insert(key.clone(), values?);
        }
        Ok(found)
    }
}

/// Between the parts of a key; no key holds it.
const SEPARATOR: &str = "\u{1f}";

fn as_text(part: &Json) -> String {
    part.as_str().map_or_else(|| part.to_string(), str::to_owned)
}

/// Numbers the keys: the group of each row.
fn group(frame: &DataFrame, keys: &[String], name: &str) -> Result<(Groups, Vec<Option<u32>>), Failure> {
    let columns: Vec<&Column> = keys
        .iter()
        .map(|key| frame.column(key).map_err(|e| failure(name, &e)))
        .collect::<Result<_, _>>()?;
    let next = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    if let [one] = columns.as_slice()
        && one.dtype().is_integer()
    {
        let whole = one.cast(&DataType::Int64).map_err(|e| failure(name, &e))?;
        let numbers = whole.i64().map_err(|e| failure(name, &e))?;
        let mut map = HashMap::new();
        let of_row = numbers
            .iter()
            .map(|n| {
                let fresh = next(map.len());
                n.map(|n| *map.entry(n).or_insert(fresh))
            })
            .collect();
        return Ok((Groups::Whole(map), of_row));
    }
    let mut map = HashMap::new();
    let mut of_row = Vec::with_capacity(frame.height());
    for row in 0..frame.height() {
        let mut parts = Vec::with_capacity(columns.len());
        for column in &columns {
            match column.get(row).map_err(|e| failure(name, &e))? {
                AnyValue::Null => {}
                value => parts.push(as_text(&json(&value))),
            }
        }
        let fresh = next(map.len());
        let whole = parts.len() == columns.len();
        of_row.push(whole.then(|| *map.entry(parts.join(SEPARATOR)).or_insert(fresh)));
    }
    Ok((Groups::Text(map), of_row))
}

/// A column of times in microseconds.
fn moments(column: &Column, name: &str) -> Result<Vec<Option<Micros>>, Failure> {
    let numbers = |scale: fn(i64) -> i64| -> Result<Vec<Option<Micros>>, Failure> {
        let whole = column
            .to_physical_repr()
            .cast(&DataType::Int64)
            .map_err(|e| failure(name, &e))?;
        let whole = whole.i64().map_err(|e| failure(name, &e))?;
        Ok(whole.iter().map(|n| n.map(scale)).collect())
    };
    let no_time = |what: String| {
        Failure::new(
            Class::BadParameter,
            format!("{name}: the column `{}` {what}", column.name()),
        )
    };
    match column.dtype() {
        DataType::Datetime(TimeUnit::Nanoseconds, _) => numbers(|n| n.div_euclid(1000)),
        DataType::Datetime(TimeUnit::Microseconds, _) => numbers(|n| n),
        DataType::Datetime(TimeUnit::Milliseconds, _) => numbers(|n| n * 1000),
        DataType::Date => numbers(|n| n * 86_400_000_000),
        DataType::String => {
            let texts = column.str().map_err(|e| failure(name, &e))?;
            texts
                .iter()
                .map(|text| match text {
                    None => Ok(None),
                    Some(text) => when::read(text)
                        .map(Some)
                        .ok_or_else(|| no_time(format!("holds `{text}`, which is no moment"))),
                })
                .collect()
        }
        other => Err(no_time(format!("holds {other}, not times"))),
    }
}
