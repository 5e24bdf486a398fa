//! All integration tests, in one binary: each further one would be linked again.

#![allow(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

mod architecture;
mod cli;
mod docs;
mod engine;
mod escapes;
mod evidence;
mod false_green;
mod generated;
mod hostile;
mod html;
mod registered;
mod report;
mod support;
