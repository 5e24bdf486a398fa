//! What several subjects of the integration tests share.

pub mod events;
