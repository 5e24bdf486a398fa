//! k6's exported summary: metrics with their thresholds.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

/// The summary.
#[derive(Debug, Default)]
pub(super) struct Summary {
    metrics: BTreeMap<String, Metric>,
    pub checks: Vec<Checked>,
}

/// One metric, or a part of one: `http_req_failed{kind:valid}`.
#[derive(Debug)]
pub(super) struct Metric {
    values: Map<String, Json>,
    /// By their text; true when they were crossed.
    pub thresholds: BTreeMap<String, bool>,
}

/// One of the script's checks, over all iterations.
#[derive(Debug)]
pub(super) struct Checked {
    pub name: String,
    pub passes: u64,
    pub fails: u64,
}

impl Summary {
    /// Reads it.
    ///
    /// # Errors
    /// What it is not.
    pub(super) fn read(json: &Json) -> Result<Self, String> {
        let metrics = json
            .get("metrics")
            .and_then(Json::as_object)
            .ok_or("it has no `metrics`")?;
        let metrics = metrics
            .iter()
            .map(|(name, metric)| Metric::read(metric).map(|m| (name.clone(), m)).ok_or(name))
            .collect::<Result<_, _>>()
            .map_err(|name| format!("its metric `{name}` is not as k6 writes them"))?;
        let mut checks = Vec::new();
        if let Some(root) = json.get("root_group") {
            collect(root, "", &mut checks, 0);
        }
        Ok(Self { metrics, checks })
    }

    /// A counter's value; 0 when nothing was counted.
    pub(super) fn count(&self, metric: &str) -> u64 {
        self.metrics.get(metric).and_then(Metric::count).unwrap_or(0)
    }

    /// Every threshold, with its metric's name and its text.
    pub(super) fn thresholds(&self) -> impl Iterator<Item = (&str, &Metric, &str, bool)> {
        self.metrics.iter().flat_map(|(name, metric)| {
            let each = metric.thresholds.iter();
            each.map(move |(text, crossed)| (name.as_str(), metric, text.as_str(), *crossed))
        })
    }
}

impl Metric {
    fn read(metric: &Json) -> Option<Self> {
        let mut values = metric.as_object()?.clone();
        let thresholds = match values.remove("thresholds") {
            None => BTreeMap::new(),
            Some(Json::Object(all)) => all
                .into_iter()
                .map(|(text, crossed)| crossed.as_bool().map(|crossed| (text, crossed)))
                .collect::<Option<_>>()?,
            Some(_) => return None,
        };
        Some(Self { values, thresholds })
    }

    /// How many samples it has; none of a gauge, which does not say.
    pub(super) fn count(&self) -> Option<u64> {
        match self.rate() {
            Some((yes, no)) => Some(yes + no),
            None => self
                .values
                .get("count")
                .and_then(Json::as_f64)
                .map(|n| n.max(0.0) as u64),
        }
    }

    /// Of a rate: how many samples were true, and how many not.
    pub(super) fn rate(&self) -> Option<(u64, u64)> {
        let whole = |key: &str| self.values.get(key).and_then(Json::as_u64);
        Some((whole("passes")?, whole("fails")?))
    }
}

/// Checks of a group and of the groups in it. The two ways in which k6 writes them, lists and maps, are both read.
fn collect(group: &Json, above: &str, into: &mut Vec<Checked>, depth: u32) {
    for check in members(group, "checks") {
        let whole = |key: &str| check.get(key).and_then(Json::as_u64);
        if let (Some(name), Some(passes), Some(fails)) = (
            check.get("name").and_then(Json::as_str),
            whole("passes"),
            whole("fails"),
        ) {
            into.push(Checked {
                name: format!("{above}{name}"),
                passes,
                fails,
            });
        }
    }
    for inner in members(group, "groups").filter(|_| depth < 32) {
        let name = inner.get("name").and_then(Json::as_str).unwrap_or_default();
        collect(inner, &format!("{above}{name}::"), into, depth + 1);
    }
}

fn members<'a>(group: &'a Json, key: &str) -> Box<dyn Iterator<Item = &'a Json> + 'a> {
    match group.get(key) {
        Some(Json::Object(all)) => Box::new(all.values()),
        Some(Json::Array(all)) => Box::new(all.iter()),
        _ => Box::new(std::iter::empty()),
    }
}
