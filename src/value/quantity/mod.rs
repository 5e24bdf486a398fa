//! Numbers with units.
//!
//! One form everywhere: text with a unit (`"187.5ms"`, `"1%"`, `"512MiB"`, `"5/s"`, `"0.40USD"`), in YAML, in JSON
//! outputs and in reports. [`Duration`], [`Bytes`], [`Ratio`], [`Rate`], [`Throughput`] and [`Money`] are the types
//! that actions put into their parameters and outputs; their JSON Schema carries `"x-quantity": "duration"` and so
//! on, from which [`super::Type::from_schema`] knows the dimension.
//!
//! Arithmetic is not here: `expr` has the rules of dimensions.

mod named;
mod show;
mod units;

pub use named::{Bytes, Duration, Money, Rate, Ratio, Throughput};
pub use units::is_currency;

use std::fmt;
use std::str::FromStr;

/// What a quantity measures. Different dimensions are never compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Seconds.
    Duration,
    /// Bytes.
    Bytes,
    /// A share: 1 is the whole (`1%` is 0.01).
    Ratio,
    /// Events per second.
    Rate,
    /// Bytes per second.
    Throughput,
    /// An amount in one currency, ISO 4217; in a type, an empty text stands for a currency known only at run time.
    Money(String),
}

impl Dimension {
    /// The word in schemas (`x-quantity`) and in the types of inputs: `duration`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Bytes => "bytes",
            Self::Ratio => "ratio",
            Self::Rate => "rate",
            Self::Throughput => "throughput",
            Self::Money(_) => "money",
        }
    }

    /// The dimension with this word; money has no currency yet.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "duration" => Self::Duration,
            "bytes" => Self::Bytes,
            "ratio" => Self::Ratio,
            "rate" => Self::Rate,
            "throughput" => Self::Throughput,
            "money" => Self::Money(String::new()),
            _ => return None,
        })
    }

    /// Whether values of the two may be compared and added, as far as is known before the run.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Money(a), Self::Money(b)) => a.is_empty() || b.is_empty() || a == b,
            _ => self == other,
        }
    }

    /// A literal of this dimension, for help texts.
    #[must_use]
    pub fn example(&self) -> String {
        match self {
            Self::Duration => "200ms".to_owned(),
            Self::Bytes => "16MiB".to_owned(),
            Self::Ratio => "1%".to_owned(),
            Self::Rate => "20/s".to_owned(),
            Self::Throughput => "10MiB/s".to_owned(),
            Self::Money(currency) if currency.is_empty() => "0.40USD".to_owned(),
            Self::Money(currency) => format!("0.40{currency}"),
        }
    }
}

impl fmt::Display for Dimension {
    /// For messages: `a duration`, `a size in bytes`, `an amount in USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration => f.write_str("a duration"),
            Self::Bytes => f.write_str("a size in bytes"),
            Self::Ratio => f.write_str("a ratio"),
            Self::Rate => f.write_str("a rate"),
            Self::Throughput => f.write_str("a throughput"),
            Self::Money(currency) if currency.is_empty() => f.write_str("an amount of money"),
            Self::Money(currency) => write!(f, "an amount in {currency}"),
        }
    }
}

/// A number of base units (seconds, bytes, 1, per second, bytes per second, currency units).
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    pub value: f64,
    pub dimension: Dimension,
}

impl Quantity {
    #[must_use]
    pub const fn new(value: f64, dimension: Dimension) -> Self {
        Self { value, dimension }
    }

    /// Four significant digits, for people; reading it back gives nearly the same number.
    #[must_use]
    pub fn short(&self) -> String {
        let value = format!("{:.3e}", self.value).parse().unwrap_or(self.value);
        Self::new(value, self.dimension.clone()).to_string()
    }
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub String);

impl FromStr for Quantity {
    type Err = UnitError;

    /// Reads `200ms`, `-1.5s`, `1m30s`, `1%`, `512MiB`, `5/s`, `16MiB/s`, `0.40USD`: no spaces, no exponent.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        units::read(text)
    }
}

impl fmt::Display for Quantity {
    /// Exact and short: reading it back gives the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show::exact(self))
    }
}

#[cfg(test)]
mod tests;
