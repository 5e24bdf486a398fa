//! `specrun keep-log`: no verb for people. A specrun that starts services starts this for each log, so that no secret gets
//! into it, see `engine::services`.

use std::path::PathBuf;

use super::Exit;
use crate::engine::services;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The log.
    file: PathBuf,
}

pub fn run(args: &Args) -> Exit {
    match services::keep(std::io::stdin().lock(), &args.file) {
        Ok(()) => Exit::Passed,
        // Nobody listens: whoever started it may be gone.
        Err(_) => Exit::ReportNotWritten,
    }
}
