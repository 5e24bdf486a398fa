//! The checks of a table as parameters write them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::table::Table;
use crate::event::Severity;
use crate::value::{Duration, Ratio};

/// One check: exactly one rule, and how it is judged.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// What reports call it; without it the rule in words.
    pub name: Option<String>,
    /// Only rows for which this holds are looked at: `amount > 0 and country == "DE"`. A bare name is a column,
    /// `column("any name")` too.
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// What a failed check weighs.
    pub severity: Severity,
    /// How many of the rows that were looked at may fail: a number of them, or a share such as `1%`.
    pub max_failing: Option<Allowed>,
    /// Passes when there is no row to look at, instead of being inconclusive.
    pub allow_empty: bool,
    /// When it fails, instead of the rule's own limit: a condition on what was measured. Rules that hold row by row
    /// measure `failing` (rows), `evaluated`, `rows`, `share` (of those that were looked at) and `share_of_rows`; figures
    /// measure `value`. `fail_if: share > 5%`, `fail_if: value < 10`.
    pub fail_if: Option<String>,
    /// When it warns though it does not fail, a condition like `fail_if`: `warn_if: failing > 0`. A warning is a failed
    /// check of severity `warning`.
    pub warn_if: Option<String>,

    /// No value is null, nor NaN.
    pub not_null: Option<Of>,
    /// Every value is null.
    pub is_null: Option<Of>,
    /// No two rows have the same values in these columns. Rows in which all of them are null are not looked at.
    pub unique: Option<Unique>,
    /// The columns of a row differ from each other.
    pub unique_within_row: Option<Unique>,
    /// Values lie between two bounds.
    pub between: Option<Between>,
    /// Values are among these.
    pub in_set: Option<Set>,
    /// Values are not among these.
    pub not_in_set: Option<Set>,
    /// The pairs of values of two columns are among these.
    pub pairs_in_set: Option<Pairs>,
    /// Texts match a regular expression anywhere in them.
    pub matches: Option<Pattern>,
    /// Texts do not match a regular expression anywhere in them.
    pub not_matches: Option<Pattern>,
    /// Texts match a pattern of SQL: `%` is any text, `_` one character.
    pub like: Option<Pattern>,
    /// Texts do not match a pattern of SQL.
    pub not_like: Option<Pattern>,
    /// Texts have a format.
    pub format: Option<Format>,
    /// Texts are JSON that fits a JSON schema.
    pub json_schema: Option<JsonSchemaOf>,
    /// Texts are so many characters long.
    pub length: Option<Between>,
    /// Two columns compare in each row.
    pub compare: Option<Compare>,
    /// The sum of columns in each row.
    pub row_sum: Option<RowSum>,
    /// A condition that holds in each row: `net + tax <= gross`. A row in which it is null fails.
    pub expression: Option<String>,
    /// Values grow from row to row; nulls are passed over.
    pub increasing: Option<Order>,
    /// Values fall from row to row; nulls are passed over.
    pub decreasing: Option<Order>,
    /// Values are less than so many standard deviations away from the mean of those that are finite.
    pub z_score: Option<ZScore>,
    /// Every value is in the column of another table.
    pub references: Option<References>,

    /// How many rows there are.
    pub row_count: Option<Count>,
    /// There are as many rows as in another table.
    pub row_count_matches: Option<Other>,
    /// How many columns there are.
    pub column_count: Option<Count>,
    /// The columns: names, types, order.
    pub schema: Option<Schema>,
    /// The type of a column.
    pub column_type: Option<ColumnType>,

    /// The share of nulls, and of NaN.
    pub null_fraction: Option<Between>,
    /// How many different values there are.
    pub distinct_count: Option<Between>,
    /// Different values as a share of all.
    pub unique_proportion: Option<Between>,
    /// The set of values is a part of this set.
    pub distinct_in_set: Option<Set>,
    /// The set of values holds all of these.
    pub distinct_contains: Option<Set>,
    /// The set of values is this set.
    pub distinct_equals: Option<Set>,
    /// The most frequent value is one of these.
    pub most_common_in_set: Option<MostCommon>,
    /// The arithmetic mean.
    pub mean: Option<Between>,
    /// The median; the mean of the two middle values when their number is even.
    pub median: Option<Between>,
    /// The smallest value.
    pub min: Option<Between>,
    /// The largest value.
    pub max: Option<Between>,
    /// The sum.
    pub sum: Option<Between>,
    /// The standard deviation of a sample (divided by n - 1).
    pub stddev: Option<Between>,
    /// A quantile; the nearest value.
    pub quantile: Option<Quantile>,
    /// How old the newest value of a column of times is, against the machine's clock.
    pub freshness: Option<Freshness>,
    /// The relative entropy of the column's values to an expected distribution, in nats.
    pub kl_divergence: Option<KlDivergence>,
}

/// The keys of [`Check`] that are rules.
pub const RULES: [&str; 43] = [
    "not_null",
    "is_null",
    "unique",
    "unique_within_row",
    "between",
    "in_set",
    "not_in_set",
    "pairs_in_set",
    "matches",
    "not_matches",
    "like",
    "not_like",
    "format",
    "json_schema",
    "length",
    "compare",
    "row_sum",
    "expression",
    "increasing",
    "decreasing",
    "z_score",
    "references",
    "row_count",
    "row_count_matches",
    "column_count",
    "schema",
    "column_type",
    "null_fraction",
    "distinct_count",
    "unique_proportion",
    "distinct_in_set",
    "distinct_contains",
    "distinct_equals",
    "most_common_in_set",
    "mean",
    "median",
    "min",
    "max",
    "sum",
    "stddev",
    "quantile",
    "freshness",
    "kl_divergence",
];

/// How much may fail.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Allowed {
    Count(u64),
    Share(Ratio),
}

/// A column.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Of {
    /// The column.
    pub column: String,
}

/// Columns that are looked at together.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unique {
    /// The columns.
    #[schemars(length(min = 1))]
    pub columns: Vec<String>,
    /// Which rows are not looked at.
    #[serde(default)]
    pub ignore_row_if: Ignore,
}

/// Rows with nulls that a check of several columns passes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ignore {
    /// Rows in which all columns are null.
    #[default]
    AllNull,
    /// Rows in which any column is null.
    AnyNull,
    /// None.
    Never,
}

/// Bounds of a column's values or of a figure of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The column.
    pub column: String,
    /// The least: a number, or a text for columns of texts and times.
    #[serde(default)]
    pub min: Option<Json>,
    /// The most.
    #[serde(default)]
    pub max: Option<Json>,
    /// Whether `min` itself is too little.
    #[serde(default)]
    pub strict_min: bool,
    /// Whether `max` itself is too much.
    #[serde(default)]
    pub strict_max: bool,
}

/// A column and values.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The column.
    pub column: String,
    /// The values.
    pub values: Vec<Json>,
}

/// Two columns and pairs of values.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// The first column.
    pub left: String,
    /// The second column.
    pub right: String,
    /// The pairs.
    pub values: Vec<(Json, Json)>,
    /// Which rows are not looked at.
    #[serde(default)]
    pub ignore_row_if: Ignore,
}

/// A column and patterns.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The column.
    pub column: String,
    /// A pattern.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Several patterns: any of them has to match (`matches`, `like`), none may (`not_matches`, `not_like`).
    #[serde(default)]
    pub patterns: Vec<String>,
    /// With `patterns`: all of them have to match.
    #[serde(default)]
    pub all: bool,
    /// The pattern must cover the whole text.
    #[serde(default)]
    pub full: bool,
}

/// A column and a format.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// The column.
    pub column: String,
    /// The format.
    #[serde(rename = "as")]
    pub kind: FormatKind,
    /// For `strftime`: the format in the signs of C, `%Y-%m-%d`.
    #[serde(default)]
    pub strftime: Option<String>,
}

/// Formats of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormatKind {
    /// `name@host.tld`.
    Email,
    /// 32 hexadecimal digits in groups.
    Uuid,
    /// `2026-11-26`.
    Date,
    /// A date and a time of RFC 3339, with or without an offset.
    Datetime,
    /// Any JSON.
    Json,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// What `strftime` says.
    Strftime,
}

/// A column and a JSON schema.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonSchemaOf {
    /// The column.
    pub column: String,
    /// The JSON schema.
    pub schema: Json,
}

/// Two columns and how they compare.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// The first column.
    pub left: String,
    /// How it compares to the second.
    pub is: Operator,
    /// The second column.
    pub right: String,
    /// Which rows are not looked at.
    #[serde(default)]
    pub ignore_row_if: Ignore,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Columns and the sum they must have.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowSum {
    /// The columns.
    #[schemars(length(min = 1))]
    pub columns: Vec<String>,
    /// The sum.
    pub equals: f64,
    /// Which rows are not looked at.
    #[serde(default)]
    pub ignore_row_if: Ignore,
}

/// A column whose values are in order.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The column.
    pub column: String,
    /// Whether two equal values in a row fail.
    #[serde(default)]
    pub strictly: bool,
}

/// How far from the mean values may be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZScore {
    /// The column.
    pub column: String,
    /// In standard deviations.
    pub below: f64,
    /// Whether values far below the mean fail too.
    #[serde(default)]
    pub both_sides: bool,
}

/// A column whose values stand in another table.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct References {
    /// The column.
    pub column: String,
    /// The other table.
    pub table: Table,
    /// Its column.
    pub to: String,
}

/// A number of rows or columns.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The least.
    #[serde(default)]
    pub min: Option<u64>,
    /// The most.
    #[serde(default)]
    pub max: Option<u64>,
    /// Exactly so many.
    #[serde(default)]
    pub equals: Option<u64>,
}

/// Another table.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// The other table.
    pub table: Table,
}

/// The columns a table must have.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Names with types: `int`, `float`, `number`, `text`, `bool`, `date`, `datetime`, `time`, `any`, or the exact
    /// word of polars (`Int32`, `UInt8`).
    pub columns: BTreeMap<String, String>,
    /// Whether other columns may not be there.
    #[serde(default)]
    pub strict: bool,
    /// The names in their order, all of them.
    #[serde(default)]
    pub order: Vec<String>,
}

/// A column and its type.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnType {
    /// The column.
    pub column: String,
    /// One of these types, as in `schema`.
    #[schemars(length(min = 1))]
    pub types: Vec<String>,
}

/// A column and values one of which must be the most frequent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MostCommon {
    /// The column.
    pub column: String,
    /// The values.
    pub values: Vec<Json>,
    /// Whether it is enough that one of several equally frequent values is among them.
    #[serde(default)]
    pub ties_okay: bool,
}

/// Bounds of a quantile.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// The column.
    pub column: String,
    /// Which: `95%`.
    pub at: Ratio,
    /// The least.
    #[serde(default)]
    pub min: Option<f64>,
    /// The most.
    #[serde(default)]
    pub max: Option<f64>,
    /// How a quantile between two values is found.
    #[serde(default)]
    pub method: Method,
}

/// How a quantile that falls between two values is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    #[default]
    Nearest,
    Lower,
    Higher,
    Midpoint,
    Linear,
}

/// How old the newest time may be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// A column of dates or times; times without a zone are UTC.
    pub column: String,
    /// The oldest the newest value may be.
    pub max_age: Duration,
}

/// An expected distribution.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KlDivergence {
    /// The column.
    pub column: String,
    /// For numbers: the edges of the bins, one more than `weights`; the last bin holds its upper edge. The first may be
    /// `-inf`, the last `inf`.
    #[serde(default)]
    pub bins: Vec<Json>,
    /// For categories: the values.
    #[serde(default)]
    pub values: Vec<Json>,
    /// The expected share of each bin or value.
    pub weights: Vec<f64>,
    /// The expected shares below and above the bins.
    #[serde(default)]
    pub tail_weights: Option<(f64, f64)>,
    /// The most it may be; without it anything finite passes.
    #[serde(default)]
    pub max: Option<f64>,
    /// A share of expectation that is moved to the tails.
    #[serde(default)]
    pub tail_weight_holdout: f64,
    /// A share of expectation that is spread over the bins.
    #[serde(default)]
    pub internal_weight_holdout: f64,
}

/// A check with the text it was read from.
#[derive(Clone, Debug)]
pub struct Given {
    pub check: Check,
    pub raw: Json,
}

impl Given {
    /// The key of its rule; empty when it has none.
    pub fn rule(&self) -> &str {
        rule_of(&self.raw)
    }
}

/// The key of the rule of a check; empty when it has none.
pub fn rule_of(check: &Json) -> &str {
    check
        .as_object()
        .and_then(|map| map.keys().find(|k| RULES.contains(&k.as_str())))
        .map_or("", String::as_str)
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let raw = Json::deserialize(d)?;
        let check = serde_json::from_value(raw.clone()).map_err(serde::de::Error::custom)?;
        Ok(Self { check, raw })
    }
}

impl JsonSchema for Given {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Check::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Check::json_schema(generator)
    }
}
