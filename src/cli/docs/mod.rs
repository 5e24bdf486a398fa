//! The generated reference: Markdown made from the tables the program itself uses, so that it cannot be wrong.

mod codes;
mod functions;

pub use codes::{code, codes, exit_codes};
pub use functions::{function, functions};

/// The line that starts every generated page.
const GENERATED: &str = "<!-- Generated: `UPDATE=1 cargo test --test it generated` writes it anew. -->\n\n";
