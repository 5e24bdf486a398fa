//! `specrun run`, the default verb: everything is checked, then it is run, and every way out has its exit code.

mod args;
mod execute;
mod pods;
mod prepare;
mod reports;
mod signals;

pub use args::{Args, FailOn};
pub use pods::WORKER;
use prepare::prepare;
pub use signals::heard;

use super::Exit;
use super::output::Output;
use crate::action::Registry;

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    match prepare(args, registry, output) {
        Ok(prepared) => execute::execute(prepared, *registry, output),
        Err(exit) => exit,
    }
}
