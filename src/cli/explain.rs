//! `specrun explain`: what a code, an action, a function or an exit code means.

use super::output::Output;
use super::{Exit, docs};
use crate::action::Registry;
use crate::diag::{Code, did_you_mean};
use crate::value::expr::FUNCTIONS;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A diagnostic code (`E0102`), an action (`http.request`), a family (`mlflow`), a function (`any`) or `exit`.
    name: String,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let name = args.name.as_str();
    if let Some(text) = page(name, registry) {
        output.out(&text);
        return Exit::Passed;
    }
    output.error(&format!("nothing is called `{name}`"));
    let known = known(registry);
    if let Some(help) = did_you_mean(name, known.iter().map(String::as_str)) {
        output.err(&format!("help: {help}\n"));
    }
    Exit::Usage
}

fn page(name: &str, registry: &Registry) -> Option<String> {
    if let Some(code) = Code::ALL.iter().find(|c| c.id().eq_ignore_ascii_case(name)) {
        return Some(docs::code(*code));
    }
    if let Some(action) = registry.get(name) {
        return Some(docs::action(action, None));
    }
    if let Some(family) = registry.family(name) {
        return Some(docs::family(family));
    }
    if let Some(function) = FUNCTIONS.iter().find(|f| f.name == name) {
        return Some(docs::function(function));
    }
    (name == "exit").then(docs::exit_codes)
}

fn known(registry: &Registry) -> Vec<String> {
    let codes = Code::ALL.iter().map(|c| c.id().to_owned());
    let functions = FUNCTIONS.iter().map(|f| f.name.to_owned());
    let families = registry.families().iter().map(|f| f.name.to_owned());
    let actions = registry.names().map(str::to_owned);
    let all = codes.chain(functions).chain(families).chain(actions);
    all.chain(["exit".to_owned()]).collect()
}
