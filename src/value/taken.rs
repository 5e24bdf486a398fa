//! How a sample was taken, where that weakens what it says.

use serde::{Deserialize, Serialize};

/// What is known of how a sample was taken. Nothing: its members are independent, were looked at once, and are sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Of each pair of neighbours the smaller value: (value in base units, how many), rising. With it the
    /// autocorrelation of "not below a limit" is known for every limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minima: Vec<(f64, u64)>,
    /// Pairs of neighbours that both have no value.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub both_missing: u64,
    /// How often it was planned to be looked at, the risk of a wrong answer being shared among the looks.
    #[serde(default = "once", skip_serializing_if = "is_one")]
    pub looks: u32,
    /// Why it does not stand for what it was taken of; no verdict rests on it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

impl Default for Taken {
    fn default() -> Self {
        Self {
            minima: Vec::new(),
            both_missing: 0,
            looks: 1,
            doubt: None,
        }
    }
}

impl Taken {
    /// How many pairs of neighbours both have a property that larger values have too, of all pairs; none when nothing is
    /// known of neighbours.
    #[must_use]
    pub fn pairs(&self, has: impl Fn(f64) -> bool) -> Option<(u64, u64)> {
        let all = self.minima.iter().map(|(_, n)| n).sum::<u64>() + self.both_missing;
        let both = self
            .minima
            .iter()
            .filter(|(value, _)| has(*value))
            .map(|(_, n)| n)
            .sum::<u64>();
        (all > 0).then_some((both + self.both_missing, all))
    }
}

/// A share of a sample whose members have neighbours, or that was looked at several times. In JSON and in expressions
/// it is a `Proportion` with more known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    pub k: u64,
    pub n: u64,
    /// Pairs of neighbours that both had the property, of all pairs; none when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<(u64, u64)>,
    /// As in [`Taken`].
    #[serde(default = "once", skip_serializing_if = "is_one")]
    pub looks: u32,
}

impl schemars::JsonSchema for Series {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Proportion".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = super::Proportion::json_schema(generator);
        if let Some(properties) = schema
            .get_mut("properties")
            .and_then(serde_json::Value::as_object_mut)
        {
            properties.insert("pairs".to_owned(), serde_json::json!({"type": ["array", "null"]}));
            properties.insert("looks".to_owned(), serde_json::json!({"type": "integer"}));
        }
        schema
    }
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_one(n: &u32) -> bool {
    *n == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}
