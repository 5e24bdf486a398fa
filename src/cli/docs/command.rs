//! The command line as Markdown.

use std::fmt::Write as _;

use clap::CommandFactory;

use super::GENERATED;
use crate::cli::Cli;

/// The page of all verbs with their help texts.
#[must_use]
pub fn command() -> String {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut text = format!("{GENERATED}# Command line\n\n");
    help(&mut text, &mut root.clone(), "specrun");
    let verbs: Vec<clap::Command> = root
        .get_subcommands()
        .filter(|c| !c.is_hide_set())
        .cloned()
        .collect();
    for mut verb in verbs {
        if verb.get_name() == "help" {
            continue;
        }
        let name = format!("specrun {}", verb.get_name());
        help(&mut text, &mut verb, &name);
        let below: Vec<clap::Command> = verb.get_subcommands().cloned().collect();
        for mut sub in below {
            if sub.get_name() != "help" {
                let name = format!("{name} {}", sub.get_name());
                help(&mut text, &mut sub, &name);
            }
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn help(text: &mut String, command: &mut clap::Command, name: &str) {
    let shown = command.render_long_help().to_string();
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let _ = write!(
        text,
        "## {name}\n\n```text\n{}\n```\n\n",
        shown.join("\n").trim_end()
    );
}
