//! stats
pub mod drift;
