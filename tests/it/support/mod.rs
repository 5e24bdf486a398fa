//! What integration tests share.

pub mod actions;
pub mod certificates;
pub mod engine;
pub mod events;
pub mod faults;
pub mod specrun;
pub mod webdriver;
