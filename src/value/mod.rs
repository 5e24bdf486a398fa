//! The data that flows between steps: values, types, units, the expression language, secrets, templates.
//!
//! Pure: nothing here reads a file, opens a connection or waits.

pub mod expr;
mod ids;
mod interpolate;
mod json;
mod moment;
mod quantity;
mod sample;
mod secret;
mod taken;
pub mod template;
mod types;
mod vault;

pub use ids::{AttemptNo, SpecId, StepId};
pub use interpolate::{Interpolated, Piece};
pub use moment::Moment;
pub use quantity::{
    Bytes, Dimension, Duration, Money, Quantity, Rate, Ratio, Throughput, UnitError, is_currency,
};
pub use sample::{Distribution, Estimate, Proportion};
pub use secret::Secret;
pub use taken::{Series, Taken};
pub use types::{Field, ObjectType, Type, TypeMismatch};
pub use vault::{OpenDuring, Vault};

use std::collections::BTreeMap;

/// A value at run time.
///
/// JSON is the form in which values travel and are recorded; a [`Type`] says which strings of it are quantities or
/// times ([`Value::from_json`]). Quantities are written as text with a unit (`"187.5ms"`, `"1%"`), so that a
/// journal can be read by people.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    Quantity(Quantity),
    /// A moment, UTC.
    Time(jiff::Timestamp),
    Secret(Secret),
    /// A share or a quantile from a sample; in arithmetic its point estimate.
    Estimate(Estimate),
    Distribution(std::sync::Arc<Distribution>),
    List(Vec<Value>),
    /// Keys keep the order of the source.
    Object(Vec<(String, Value)>),
}

/// Named values, for scopes.
pub type Values = BTreeMap<String, Value>;
