//! Strict YAML: text to a [`Node`] tree with byte spans.
//!
//! The parser is serde-saphyr in its strict settings. What it leaves open is settled here: whatever YAML versions
//! read differently is refused ([`ambiguous`]), containers get their whole extent ([`tree`]), and a place inside a
//! scalar's decoded text is followed back into the file ([`locate`]). Nothing here knows what a spec is.

mod ambiguous;
mod error;
mod locate;
mod room;
mod tree;

#[cfg(test)]
mod tests;

pub use error::{SyntaxError, SyntaxErrorKind};
pub use locate::locate;

use super::{Node, SourceId, Sources, Span};

/// The largest text that is read, in bytes. A spec of 5 MB has about 20,000 steps.
const MAX_BYTES: usize = 32 << 20;

/// Reads a text.
///
/// # Errors
/// The first mistake; the reader cannot go on behind one.
pub fn read(sources: &Sources, id: SourceId) -> Result<Node, SyntaxError> {
    let text = sources.text(id);
    if text.len() > MAX_BYTES {
        return Err(SyntaxError {
            kind: SyntaxErrorKind::Budget,
            message: format!("{} bytes of YAML, at most {MAX_BYTES} are read", text.len()),
            span: Span::new(id, 0, 0),
            help: None,
        });
    }
    room::with_room(&text, || tree::read(&text, id)).unwrap_or_else(|| {
        Err(SyntaxError {
            kind: SyntaxErrorKind::Budget,
            message: "there is no memory for a document nested this deeply".to_owned(),
            span: Span::new(id, 0, 0),
            help: None,
        })
    })
}
