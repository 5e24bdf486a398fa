//! Environment files: where the services are, which secrets exist, and which services specrun itself runs.
//!
//! Reads and resolves; starting services is for the engine.

mod declared;
mod model;
mod overlay;
mod read;
mod services;
mod texts;
mod uses;

pub use model::{
    EndpointText, Environment, Install, Probe, Ready, Resolved, SecretFrom, SecretSource, Service,
    ServiceFacts, Setting,
};
pub use read::read;
pub use uses::Uses;

#[cfg(test)]
mod tests;
