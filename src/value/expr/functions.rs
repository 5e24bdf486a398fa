//! The closed list of functions.

/// A function as the reference shows it.
pub struct Function {
    pub name: &'static str,
    /// `any(list, predicate) -> bool`.
    pub signature: &'static str,
    pub description: &'static str,
    /// `pods.any(.phase == "Failed")`.
    pub example: &'static str,
}

pub const FUNCTIONS: &[Function] = &[];
