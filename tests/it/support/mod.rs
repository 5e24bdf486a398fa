//! What integration tests share.

pub mod events;
pub mod specrun;
pub mod webdriver;
