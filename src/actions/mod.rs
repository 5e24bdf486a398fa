//! actions

pub mod mlflow;
