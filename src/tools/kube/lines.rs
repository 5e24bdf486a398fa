//! An answer that comes line by line: a watch, a log that is followed.

use std::time::Instant;

use http_body_util::BodyExt as _;
use kube::client::Body;

use crate::check::{Class, Failure};
use crate::tools::http::{Bound, Phase, Until, client_failure, within};

/// The longest line that is read: an object with everything in it.
const LONGEST: usize = 16 << 20;

/// The lines of an answer.
pub(super) struct Lines {
    body: Body,
    rest: Vec<u8>,
    /// For messages.
    pub request: String,
}

impl Lines {
    pub(super) fn new(body: Body, request: String) -> Self {
        Self {
            body,
            rest: Vec::new(),
            request,
        }
    }

    /// The next line that is not empty; none at the end.
    ///
    /// # Errors
    /// When the connection breaks or nothing comes until `end`.
    pub(super) async fn next(&mut self, until: &Until, end: Instant) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(at) = self.rest.iter().position(|b| *b == b'\n') {
                let after = self.rest.split_off(at + 1);
                let mut line = std::mem::replace(&mut self.rest, after);
                line.pop();
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.rest.len() > LONGEST {
                return Err(Failure::new(
                    Class::TooLarge,
                    format!("{}: a line is longer than {LONGEST} bytes", self.request),
                ));
            }
            let limit = (end, Bound::Step);
            match within(
                until,
                limit,
                &self.request,
                "nothing more came",
                self.body.frame(),
            )
            .await?
            {
                Some(Ok(frame)) => {
                    if let Some(piece) = frame.data_ref() {
                        self.rest.extend_from_slice(piece);
                    }
                }
                Some(Err(e)) => return Err(client_failure(&e, Phase::Body, &self.request)),
                None if self.rest.iter().all(u8::is_ascii_whitespace) => return Ok(None),
                // What has no end of line was cut off.
                None => {
                    return Err(Failure::new(
                        Class::UnreadableAnswer,
                        format!("{}: the answer was cut off within a line", self.request),
                    ));
                }
            }
        }
    }
}
