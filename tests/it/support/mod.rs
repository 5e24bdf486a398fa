//! What integration tests share.

pub mod actions;
pub mod certificates;
pub mod engine;
pub mod events;
pub mod faults;
pub mod plans;
pub mod specrun;
pub mod verbs;
pub mod webdriver;

/// The folder of the project.
pub fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}
