//! Every built-in action: one folder a family, one file a verb.
//!
//! An action is worth adding when a spec cannot say the same with `http.request` or `exec.run` without losing typed
//! outputs, classed failures, or the knowledge of what it reaches.

pub mod alertmanager;
pub mod cost;
pub mod data;
pub mod drift;
pub mod exec;
#[cfg(test)]
#[path = "tests/fake.rs"]
mod fake;
pub mod feast;
pub mod file;
pub mod http;
pub mod istio;
pub mod k6;
pub mod kfp;
pub mod kserve;
pub mod kube;
pub mod load;
pub mod locust;
pub mod mlflow;
pub mod model;
pub mod prometheus;
pub mod pytest;
pub mod s3;
mod scripted;
pub mod traffic;
pub mod training;

use crate::action::{Family, Registry};

/// All families, in alphabetical order.
const FAMILIES: &[Family] = &[
    alertmanager::FAMILY,
    cost::FAMILY,
    data::FAMILY,
    drift::FAMILY,
    exec::FAMILY,
    feast::FAMILY,
    file::FAMILY,
    http::FAMILY,
    istio::FAMILY,
    k6::FAMILY,
    kfp::FAMILY,
    kserve::FAMILY,
    kube::FAMILY,
    load::FAMILY,
    locust::FAMILY,
    mlflow::FAMILY,
    model::FAMILY,
    prometheus::FAMILY,
    pytest::FAMILY,
    s3::FAMILY,
    traffic::FAMILY,
    training::FAMILY,
];

/// The actions this program has.
pub static REGISTRY: Registry = Registry::new(FAMILIES);
