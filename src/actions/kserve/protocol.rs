//! The two protocols: where each has what.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may stand in a name that is one part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A protocol of model servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// KServe's first: `instances` in, `predictions` out.
    V1,
    /// The Open Inference Protocol: named tensors in and out.
    #[default]
    V2,
}

impl Protocol {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::V1 => "V1",
            Self::V2 => "V2",
        }
    }

    /// Where the model itself is.
    pub(super) fn model(self, model: &str, version: Option<&str>) -> String {
        let model = utf8_percent_encode(model, PLAIN);
        match (self, version) {
            (Self::V1, _) => format!("v1/models/{model}"),
            (Self::V2, None) => format!("v2/models/{model}"),
            (Self::V2, Some(version)) => {
                let version = utf8_percent_encode(version, PLAIN);
                format!("v2/models/{model}/versions/{version}")
            }
        }
    }

    /// Where the model says whether it is ready.
    pub(super) fn ready(self, model: &str, version: Option<&str>) -> String {
        let at = self.model(model, version);
        match self {
            Self::V1 => at,
            Self::V2 => format!("{at}/ready"),
        }
    }

    /// Where it answers.
    pub(super) fn infer(self, model: &str, version: Option<&str>) -> String {
        let at = self.model(model, version);
        match self {
            Self::V1 => format!("{at}:predict"),
            Self::V2 => format!("{at}/infer"),
        }
    }
}
