//! Moments in the parameters and outputs of actions.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A moment, UTC: RFC 3339 outside (`2026-11-26T11:30:52.25Z`). Its schema carries `"x-type": "time"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(#[serde(with = "rfc3339")] pub jiff::Timestamp);

impl JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "x-type": "time" })
    }
}

mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(moment: &jiff::Timestamp, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(moment)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<jiff::Timestamp, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_is_read() {
        let moment: Moment = serde_json::from_str("\"2026-11-26T11:30:52.25Z\"").unwrap();
        assert_eq!(moment.0.as_millisecond(), 1_795_692_652_250);
        assert_eq!(
            serde_json::to_string(&moment).unwrap(),
            "\"2026-11-26T11:30:52.25Z\""
        );
        assert!(serde_json::from_str::<Moment>("\"yesterday\"").is_err());
    }
}
