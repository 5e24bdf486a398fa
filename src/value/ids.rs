//! Names of specs and steps, shared by plans and events.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(s: &str) -> Self {
                Self(s.to_owned())
            }
        }

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

id! {
    /// A spec, with its matrix row in brackets when it has one: `T07`, `T07[model=iris]`.
    SpecId
}
id! {
    /// A step within its spec, with the element in brackets when it runs `for_each`: `predict`, `predict[2]`.
    StepId
}

/// The how-many-th time a step runs, from 1.
pub type AttemptNo = u32;
