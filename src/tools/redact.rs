//! The second line against leaking secrets: finds them in any text, in the forms they are usually encoded in.

use crate::value::Secret;

/// Knows all secrets of a run.
#[derive(Debug, Default)]
pub struct Redactor {}

impl Redactor {
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        let _ = secrets;
        todo!()
    }

    /// The text with every secret replaced by `***`.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let _ = text;
        todo!()
    }
}
