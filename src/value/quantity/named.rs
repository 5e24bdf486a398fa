//! One Rust type per dimension, for the parameters and outputs of actions.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Dimension, Quantity, UnitError};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
        pub struct $name(pub f64);

        impl From<$name> for Quantity {
            fn from(q: $name) -> Self {
                Self { value: q.0, dimension: Dimension::$name }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Quantity::from(*self).fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let quantity = read(d, concat!("a ", $word))?;
                if quantity.dimension == Dimension::$name {
                    Ok(Self(quantity.value))
                } else {
                    Err(wrong_dimension(&quantity, concat!("a ", $word), &Dimension::$name))
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
    Duration, "duration"
}
quantity! {
    /// A size: bytes inside, `16MiB` outside.
    Bytes, "bytes"
}
quantity! {
    /// A share: 1 is the whole, `1%` outside.
    Ratio, "ratio"
}
quantity! {
    /// Events per second: `20/s` outside.
    Rate, "rate"
}
quantity! {
    /// Bytes per second: `10MiB/s` outside.
    Throughput, "throughput"
}

impl Duration {
    /// The standard library's duration.
    ///
    /// # Errors
    /// A negative or an overlong one.
    pub fn to_std(self) -> Result<std::time::Duration, UnitError> {
        std::time::Duration::try_from_secs_f64(self.0)
            .map_err(|_| UnitError(format!("`{self}` is not a duration that can be waited for")))
    }
}

impl From<std::time::Duration> for Duration {
    fn from(d: std::time::Duration) -> Self {
        Self(d.as_secs_f64())
    }
}

/// An amount of money: `0.40USD` outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    pub amount: f64,
    /// ISO 4217: `USD`.
    pub currency: String,
}

impl From<Money> for Quantity {
    fn from(money: Money) -> Self {
        Self::new(money.amount, Dimension::Money(money.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Quantity::from(self.clone()).fmt(f)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let quantity = read(d, "an amount of money")?;
        match quantity.dimension {
            Dimension::Money(currency) => Ok(Self {
                amount: quantity.value,
                currency,
            }),
            _ => Err(wrong_dimension(
                &quantity,
                "an amount of money",
                &Dimension::Money(String::new()),
            )),
        }
    }
}

impl JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "money", "x-quantity": "money" })
    }
}

/// Reads the text of a quantity; a bare number gets a message that asks for a unit.
fn read<'de, D: Deserializer<'de>>(d: D, expected: &'static str) -> Result<Quantity, D::Error> {
    struct Text(&'static str);
    impl serde::de::Visitor<'_> for Text {
        type Value = Quantity;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} as text with a unit", self.0)
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quantity, E> {
            text.parse().map_err(E::custom)
        }
    }
    d.deserialize_str(Text(expected))
}

fn wrong_dimension<E: serde::de::Error>(actual: &Quantity, expected: &str, wanted: &Dimension) -> E {
    E::custom(format!(
        "expected {expected} such as `{}`, got `{actual}`, {}",
        wanted.example(),
        actual.dimension
    ))
}
