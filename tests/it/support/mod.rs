//! What integration tests share.

pub mod engine;
pub mod events;
pub mod specrun;
pub mod webdriver;
