//! Diagnostic codes and exit codes as Markdown.

use std::fmt::Write as _;

use super::GENERATED;
use crate::cli::Exit;
use crate::diag::Code;

/// One code: title and explanation.
#[must_use]
pub fn code(code: Code) -> String {
    format!(
        "## {}: {}\n\n{}\n",
        code.id(),
        code.title(),
        paragraphs(code.explanation())
    )
}

/// The page of all codes.
#[must_use]
pub fn codes() -> String {
    let mut text = format!(
        "{GENERATED}# Diagnostic codes\n\nWhat `specrun check` can find. `specrun explain CODE` prints the same text. A code is never \
         given a second meaning.\n\n"
    );
    for c in Code::ALL {
        text.push_str(&code(*c));
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The page of exit codes.
#[must_use]
pub fn exit_codes() -> String {
    let mut text = format!(
        "{GENERATED}# Exit codes\n\nThey are stable. With several reasons the first of these decides: 70, 77, 3, a signal (129, 130, \
         143), 1, 5, 6, 7, 74.\n\n| code | when |\n|---|---|\n"
    );
    for exit in Exit::ALL {
        let when = exit
            .explanation()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let _ = writeln!(text, "| {} | {when} |", exit.code());
    }
    text
}

/// Doc comments keep a space after `///`; Markdown must not.
fn paragraphs(doc: &str) -> String {
    let lines: Vec<&str> = doc.lines().map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
    lines.join("\n")
}
