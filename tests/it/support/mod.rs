//! What integration tests share.

pub mod certificates;
pub mod events;
pub mod faults;
pub mod specrun;
pub mod webdriver;
