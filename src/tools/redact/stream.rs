//! A writer that redacts what goes through it, also when a secret comes in several pieces.

use std::io::{self, Write};
use std::sync::Arc;

use super::Redactor;

/// Redacts everything before it reaches the inner writer. What could be the start of a secret is held back until more
/// arrives or [`Redacting::finish`] is called; `flush` does not release it.
pub struct Redacting<W: Write> {
    inner: W,
    redactor: Arc<Redactor>,
    held: Vec<u8>,
}

impl<W: Write> Redacting<W> {
    pub const fn new(inner: W, redactor: Arc<Redactor>) -> Self {
        Self {
            inner,
            redactor,
            held: Vec::new(),
        }
    }

    /// Writes what was held back and gives the inner writer back.
    ///
    /// # Errors
    /// Those of the inner writer.
    pub fn finish(mut self) -> io::Result<W> {
        let rest = self.redactor.redact_bytes(&self.held);
        self.inner.write_all(&rest)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        // A match that starts before this point lies whole within what is held, or is no match.
        let safe = self.held.len() - self.redactor.could_begin(&self.held);
        if safe > 0 {
            let mut out = Vec::with_capacity(safe);
            let taken = self.redactor.take(&self.held, safe, &mut out);
            self.inner.write_all(&out)?;
            self.held.drain(..taken);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
