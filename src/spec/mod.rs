//! What files say: specs, environments, the project. Reads and validates; runs nothing.

pub mod environment;
