//! The second line against leaking secrets: finds them in any text, in the forms they are usually encoded in.
//!
//! The first line is the type [`Secret`], which shows itself as `***`. This one catches what comes back from
//! outside: an answer that echoes a token, the error of a program that prints its environment. Which encodings are
//! known is in [`forms`]. Secrets shorter than [`MIN_LENGTH`] bytes are not looked for: they would mask half of
//! every text.

mod forms;
mod stream;

use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::value::Secret;

pub use stream::Redacting;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Forms shorter than this many bytes are not looked for.
pub const MIN_LENGTH: usize = 4;

/// Knows all secrets of a run.
#[derive(Default)]
pub struct Redactor {
    /// None: there is no secret to look for.
    search: Option<AhoCorasick>,
    /// What is looked for, in order, so that the beginning of one is found quickly.
    forms: Vec<Vec<u8>>,
    /// Bytes of the longest form.
    longest: usize,
}

impl Redactor {
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "forms of secrets are far from the limits of the automaton"
    )]
    pub fn new(secrets: &[Secret]) -> Self {
        let mut forms: Vec<Vec<u8>> = secrets.iter().flat_map(|s| forms::of(s.expose())).collect();
        forms.retain(|form| form.len() >= MIN_LENGTH);
        forms.sort_unstable();
        forms.dedup();
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        let search = (longest > 0).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&forms)
                .expect("the forms of a run's secrets are far from the limits of the automaton")
        });
        Self {
            search,
            forms,
            longest,
        }
    }

    /// The text with every secret replaced by `***`.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes())).into_owned()
    }

    /// The bytes with every secret replaced by `***`.
    #[must_use]
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        self.take(bytes, bytes.len(), &mut out);
        out
    }

    /// The value with every secret in its texts and keys replaced by `***`.
    #[must_use]
    pub fn redact_json(&self, value: &serde_json::Value) -> serde_json::Value {
        use serde_json::Value as J;
        if self.search.is_none() {
            return value.clone();
        }
        match value {
            J::String(text) => J::String(self.redact(text)),
            J::Number(number) => {
                let text = number.to_string();
                let masked = self.redact(&text);
                if masked == text {
                    value.clone()
                } else {
                    J::String(masked)
                }
            }
            J::Array(items) => items.iter().map(|item| self.redact_json(item)).collect(),
            J::Object(fields) => fields
                .iter()
                .map(|(key, item)| (self.redact(key), self.redact_json(item)))
                .collect(),
            J::Null | J::Bool(_) => value.clone(),
        }
    }

    /// Whether a secret, in any form, is in the bytes.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_match(bytes))
    }

    /// How many bytes at the end could be the beginning of a secret whose rest is still to come.
    fn could_begin(&self, bytes: &[u8]) -> usize {
        let most = self.longest.saturating_sub(1).min(bytes.len());
        let begins = |end: &[u8]| {
            let at = self.forms.partition_point(|form| form.as_slice() <= end);
            self.forms.get(at).is_some_and(|form| form.starts_with(end))
        };
        let lengths = (1..=most).rev();
        lengths
            .into_iter()
            .find(|n| begins(&bytes[bytes.len() - n..]))
            .unwrap_or(0)
    }

    /// Appends the redacted bytes up to `upto`, or up to the end of a secret that starts before it. Returns how many
    /// bytes were taken.
    fn take(&self, bytes: &[u8], upto: usize, out: &mut Vec<u8>) -> usize {
        let mut done = 0;
        if let Some(search) = &self.search {
            for found in search.find_iter(bytes) {
                if found.start() >= upto {
                    break;
                }
                out.extend_from_slice(&bytes[done..found.start()]);
                out.extend_from_slice(MASK.as_bytes());
                done = found.end();
            }
        }
        if done < upto {
            out.extend_from_slice(&bytes[done..upto]);
            done = upto;
        }
        done
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forms = self.search.as_ref().map_or(0, AhoCorasick::patterns_len);
        write!(f, "Redactor({forms} forms)")
    }
}

#[cfg(test)]
mod tests;
