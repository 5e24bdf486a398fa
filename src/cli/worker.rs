//! A worker of `load.run`: what `workers: 2` starts twice, here or in pods. Not for people, so not among the verbs.

use std::ffi::OsString;
use std::io::{BufReader, Write, stdin, stdout};

use super::Exit;
use crate::actions::load;
use crate::tools::kube::remote::Framed;

/// The first argument.
const WORD: &str = "load-worker";
/// The second, where the output is a log that others write to.
const FRAMED: &str = "framed";

/// Whether these arguments ask for a worker: then it does what it is told on standard input, and says what came of it on
/// standard output.
pub(super) fn asked(arguments: &[OsString]) -> Option<Exit> {
    match arguments {
        [word] if word == WORD => Some(run(stdout().lock())),
        [word, framed] if word == WORD && framed == FRAMED => Some(run(Framed::new(stdout().lock()))),
        _ => None,
    }
}

fn run(output: impl Write) -> Exit {
    match load::serve(BufReader::new(stdin()), output) {
        Ok(()) => Exit::Passed,
        Err(_) => Exit::Internal,
    }
}
