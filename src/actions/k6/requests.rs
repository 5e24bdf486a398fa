//! Every request of a run, from k6's CSV: counted by a tag, and for thresholds that name a percentile.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use super::csv::Records;
use super::threshold::Percentile;
use crate::actions::scripted::figures::{Tally, class_of_answer};

/// How many values of a tag are told apart; a URL with a number in it has too many.
const MOST_TAGS: usize = 1000;

/// What is counted while the file is read.
pub(super) struct Requests<'a> {
    by: &'a str,
    pub all: Tally,
    pub tags: BTreeMap<String, Tally>,
    /// Requests whose tag has a value beyond the most, or none.
    pub untagged: u64,
    /// One of the failures.
    pub sample: Option<String>,
}

/// One row, by the names of the columns.
pub(super) struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    fields: &'a [String],
}

impl Row<'_> {
    fn get(&self, column: &str) -> &str {
        self.columns
            .get(column)
            .and_then(|at| self.fields.get(*at))
            .map_or("", String::as_str)
    }

    /// A tag: a column of its own, or one of the script's.
    pub(super) fn tag(&self, name: &str) -> &str {
        if self.columns.contains_key(name) {
            return self.get(name);
        }
        self.get("extra_tags")
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map_or("", |(_, value)| value)
    }

    fn status(&self) -> u16 {
        self.get("status").parse().unwrap_or(0)
    }

    pub(super) fn metric(&self) -> &str {
        self.get("metric_name")
    }

    /// The sample's value; none when the request that it is of had no answer, whose times mean nothing.
    pub(super) fn value(&self) -> Option<f64> {
        let of_request = self.metric().starts_with("http_req_");
        if of_request && self.status() == 0 {
            return None;
        }
        self.get("metric_value")
            .parse()
            .ok()
            .filter(|v: &f64| v.is_finite())
    }
}

impl<'a> Requests<'a> {
    /// Reads the file once.
    ///
    /// # Errors
    /// What it is not.
    pub(super) fn read(
        from: impl BufRead,
        by: &'a str,
        percentiles: &mut [Percentile],
    ) -> Result<Self, String> {
        let mut requests = Self {
            by,
            all: Tally::default(),
            tags: BTreeMap::new(),
            untagged: 0,
            sample: None,
        };
        let mut records = Records::new(from);
        let Some(head) = records.next()? else {
            return Ok(requests);
        };
        let columns: HashMap<String, usize> = head.into_iter().enumerate().map(|(n, c)| (c, n)).collect();
        if let Some(missing) = ["metric_name", "metric_value", "status", "extra_tags"]
            .iter()
            .find(|c| !columns.contains_key(**c))
        {
            return Err(format!("it has no column `{missing}`"));
        }
        while let Some(fields) = records.next()? {
            if fields.len() != columns.len() {
                return Err(format!(
                    "a record has {} fields, not {}",
                    fields.len(),
                    columns.len()
                ));
            }
            let row = Row {
                columns: &columns,
                fields: &fields,
            };
            for p in percentiles.iter_mut() {
                p.look(&row);
            }
            if row.metric() == "http_req_duration" {
                requests.count(&row)?;
            }
        }
        Ok(requests)
    }

    fn count(&mut self, row: &Row<'_>) -> Result<(), String> {
        let mut one = Tally::default();
        let status = row.status();
        one.answer(status, 1);
        let milliseconds: f64 = row
            .get("metric_value")
            .parse()
            .map_err(|_| format!("`{}` is no time", row.get("metric_value")))?;
        match failure(row, status) {
            None => one.right(milliseconds / 1000.0, 1),
            Some(class) => {
                one.failed(&class, 1);
                self.sample.get_or_insert_with(|| {
                    let why = match row.get("error") {
                        "" => format!("status {status}"),
                        error => error.to_owned(),
                    };
                    format!("{} {}: {why}", row.get("method"), row.get("url"))
                });
            }
        }
        self.all.add(&one);
        let tag = row.tag(self.by);
        if tag.is_empty() || self.tags.len() >= MOST_TAGS && !self.tags.contains_key(tag) {
            self.untagged += 1;
        } else {
            self.tags.entry(tag.to_owned()).or_default().add(&one);
        }
        Ok(())
    }
}

/// Why a request failed, by k6's own word; none when it did not.
fn failure(row: &Row<'_>, status: u16) -> Option<String> {
    if status == 0 {
        let code: u32 = row.get("error_code").parse().unwrap_or(0);
        let class = match code {
            1050 | 1211 => "timeout",
            1300..=1399 => "tls",
            _ => "unreachable",
        };
        return Some(class.to_owned());
    }
    (row.get("expected_response") == "false").then(|| class_of_answer(status))
}
