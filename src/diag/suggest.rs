//! Did you mean?

/// The nearest of `known` to `word`, if one is near enough to be meant.
#[must_use]
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let _ = (word, known.into_iter().next());
    todo!()
}

/// A help line: the nearest name, else the list of what is known (cut after some).
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    let _ = (word, known.into_iter().next());
    todo!()
}
