//! A worker of `load.run`: what `workers: 2` starts twice. Not for people, so not among the verbs.

use std::io::{BufReader, stdin, stdout};

use super::Exit;
use crate::actions::load;

/// The only argument.
pub(super) const WORD: &str = "load-worker";

/// Does what it is told on standard input, and says what came of it on standard output.
pub(super) fn run() -> Exit {
    match load::serve(BufReader::new(stdin()), stdout().lock()) {
        Ok(()) => Exit::Passed,
        Err(_) => Exit::Internal,
    }
}
