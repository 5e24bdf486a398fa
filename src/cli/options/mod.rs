//! Options that several verbs share.

mod powers;
mod scope;
mod values;

pub use powers::Powers;
pub use scope::{Partition, Scope};
pub use values::Values;

use std::time::Duration;

use crate::value::{Dimension, Quantity};

/// Reads a time span: `90s`, `2m`.
///
/// # Errors
/// When it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let quantity: Quantity = text.parse().map_err(|e| format!("{e}"))?;
    if quantity.dimension != Dimension::Duration {
        return Err(format!("`{text}` is not a time span; write `90s` or `2m`"));
    }
    Duration::try_from_secs_f64(quantity.value).map_err(|_| format!("`{text}` is too long or negative"))
}
