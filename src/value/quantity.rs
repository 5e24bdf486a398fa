//! Numbers with units.
//!
//! One form everywhere: text with a unit (`"187.5ms"`, `"1%"`, `"512MiB"`, `"5/s"`, `"0.40USD"`), in YAML, in JSON
//! outputs and in reports. [`Duration`], [`Bytes`], [`Ratio`], [`Rate`] and [`Money`] are the types that actions put
//! into their parameters and outputs; their JSON Schema carries `"x-quantity": "duration"` and so on, from which
//! [`super::Type::from_schema`] knows the dimension.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// An amount in one currency, ISO 4217.
    Money(String),
}

/// A number of base units (seconds, bytes, 1, per second, bytes per second, currency units).
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    pub value: f64,
    pub dimension: Dimension,
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub String);

impl FromStr for Quantity {
    type Err = UnitError;
    fn from_str(s: &str) -> Result<Self, UnitError> {
        let _ = s;
        todo!()
    }
}

impl fmt::Display for Quantity {
    /// Exact and short: reading it back gives the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $dimension:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
        pub struct $name(pub f64);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(&Quantity { value: self.0, dimension: Dimension::$dimension })
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                let q: Quantity = text.parse().map_err(serde::de::Error::custom)?;
                if q.dimension == Dimension::$dimension {
                    Ok(Self(q.value))
                } else {
                    Err(serde::de::Error::custom(format!(concat!("`{}` is not a ", $word), text)))
                }
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $word, "x-quantity": $word })
            }
        }
    };
}

quantity! {
    /// A time span: seconds inside, `200ms` outside.
    Duration, Duration, "duration"
}
quantity! {
    /// A size: bytes inside, `16MiB` outside.
    Bytes, Bytes, "bytes"
}
quantity! {
    /// A share: 1 is the whole, `1%` outside.
    Ratio, Ratio, "ratio"
}
quantity! {
    /// Events per second: `20/s` outside.
    Rate, Rate, "rate"
}

/// An amount of money: `0.40USD` outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    pub amount: f64,
    pub currency: String,
}
