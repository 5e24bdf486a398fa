//! Moments as Feast and its sources write them.

use jiff::Timestamp;

use crate::action::{Class, Failure};

/// Microseconds since 1970, UTC: what sources and answers are compared in.
pub(super) type Micros = i64;

/// Reads `2026-11-23T03:00:00Z`, also with an offset; without one it is UTC, as Feast has it.
pub(super) fn read(text: &str) -> Option<Micros> {
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(at.as_microsecond())
}

/// A parameter.
///
/// # Errors
/// Class `bad_parameter` when it is no moment.
pub(super) fn parameter(name: &str, text: &str) -> Result<Micros, Failure> {
    read(text).ok_or_else(|| {
        Failure::new(Class::BadParameter, format!("`{name}` is no moment: `{text}`"))
            .help("write it as 2026-11-23T03:00:00Z")
    })
}

/// As RFC 3339.
pub(super) fn show(at: Micros) -> String {
    Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |t| t.to_string())
}

pub(super) fn now() -> Micros {
    Timestamp::now().as_microsecond()
}

/// The time of what has none: entity columns, absent rows.
pub(super) const NONE: Micros = 0;
