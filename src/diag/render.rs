//! Diagnostics as text for people.

use super::Diagnostic;
use crate::source::Sources;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// ASCII without colour: files, CI, snapshots.
    Plain,
    /// Unicode and colour: a terminal.
    Fancy,
}

/// One diagnostic with its text, carets and help.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style, width: usize) -> String {
    let _ = (diagnostic, sources, style, width);
    todo!()
}
