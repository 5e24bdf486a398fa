//! What specrun itself starts, here or in pods: a worker of `load.run` (`workers: 2` starts two), and a part of a run
//! (`run --on`). Not for people, so not among the verbs.

use std::ffi::OsString;
use std::io::{BufReader, Write, stderr, stdin, stdout};

use super::Exit;
use super::output::{Color, Output};
use super::run::{WORKER, heard};
use crate::actions::load;
use crate::engine::parts;
use crate::tools::kube::remote::Framed;

/// The first argument of a worker of a load.
const LOAD: &str = "load-worker";
/// The last, where the output is a log that others write to.
const FRAMED: &str = "framed";

/// Whether these arguments ask for a worker: then it does what it is told on standard input, and says what came of it on
/// standard output.
pub(super) fn asked(arguments: &[OsString]) -> Option<Exit> {
    match arguments {
        [word] if word == LOAD => Some(send(stdout().lock())),
        [word, framed] if word == LOAD && framed == FRAMED => Some(send(Framed::new(stdout().lock()))),
        words if words == WORKER => Some(part()),
        _ => None,
    }
}

fn send(output: impl Write) -> Exit {
    match load::serve(BufReader::new(stdin()), output) {
        Ok(()) => Exit::Passed,
        Err(_) => Exit::Internal,
    }
}

fn part() -> Exit {
    heard(Output::new(Color::Never), |control, _| {
        let done = std::env::current_exe().and_then(|program| {
            let folder = tempfile::Builder::new().prefix("specrun-part-").tempdir()?;
            parts::serve(&program, folder.path(), stdin(), stdout().lock(), control)
        });
        match done {
            Ok(()) => Exit::Passed,
            Err(e) => {
                let _ = writeln!(stderr(), "specrun: {e}");
                Exit::Internal
            }
        }
    })
}
