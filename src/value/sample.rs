//! Values that are estimates from a sample, so that a limit on them can be tested with a confidence.

use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Dimension;

/// `k` of `n` had the property. The value in arithmetic is `k/n`, a ratio; with n = 0 it is nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proportion {
    pub k: u64,
    pub n: u64,
}

impl JsonSchema for Proportion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Proportion".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "x-type": "proportion", "required": ["k", "n"], "additionalProperties": false,
            "properties": { "k": {"type": "integer", "minimum": 0}, "n": {"type": "integer", "minimum": 0} } })
    }
}

/// A sample of one quantity, as counts of equal values in rising order.
///
/// Fields in expressions: `n`, `missing`, `min`, `max`, `mean`, `p50`, `p90`, `p95`, `p99`, `p999`; functions:
/// `quantile(d, 95%)`, `share_above(d, limit)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// `duration`, `bytes`, `ratio`, `rate`.
    pub quantity: String,
    /// (value in base units, how many), values rising.
    pub buckets: Vec<(f64, u64)>,
    /// Members that have no value (errors, timeouts): they count as larger than every limit.
    pub missing: u64,
}

impl JsonSchema for Distribution {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Distribution".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "x-type": "distribution", "x-quantity": "duration" })
    }
}

/// A number that stands for a larger truth.
#[derive(Clone, Debug, PartialEq)]
pub enum Estimate {
    Proportion(Proportion),
    /// The `q` quantile of a sample (`q` between 0 and 1).
    Quantile {
        q: f64,
        of: Arc<Distribution>,
        dimension: Dimension,
    },
}
