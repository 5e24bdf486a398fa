//! What integration tests share.

pub mod specrun;
