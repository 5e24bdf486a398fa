//! The generated reference: Markdown made from the tables the program itself uses, so that it cannot be wrong.

mod actions;
mod codes;
mod command;
mod functions;
mod shape;

pub use actions::{action, action_page, actions, family};
pub use codes::{code, codes, exit_codes};
pub use command::command;
pub use functions::{function, functions};

/// The line that starts every generated page.
const GENERATED: &str = "<!-- Generated: `UPDATE=1 cargo test --test it generated` writes it anew. -->\n\n";
