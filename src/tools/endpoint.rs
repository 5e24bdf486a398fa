//! Where the services of an environment are. Specs name no URL; the environment file does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::check::{Class, Failure};
use crate::value::Secret;

/// How to say who is asking.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    Basic { username: String, password: Secret },
    Bearer { token: Secret },
}

/// One service, by family: `mlflow`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// The family it belongs to, for grants and messages.
    pub family: String,
    pub url: Option<String>,
    pub auth: Option<Auth>,
    /// A `Host` header (and TLS name) other than the URL's, for routing through an ingress.
    pub host: Option<String>,
    /// A PEM file with the certificate authorities to trust instead of the built-in ones.
    pub ca: Option<PathBuf>,
    /// PEM files with the client's certificate and key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    pub headers: BTreeMap<String, String>,
    /// The family's own keys, texts resolved.
    ///
    /// `exec` has two, so that a spec can name what it runs without knowing where that lives:
    /// `programs: {train: [/venv/bin/python, /lab/train.py]}` gives the words that stand for the program `train`
    /// (`train: {run: [...], env: {...}, needs: [mlflow]}` also its variables, and the services it needs),
    /// and `env: {MLFLOW_TRACKING_URI: http://...}` the variables every program gets (a step's own win).
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// All endpoints of a run.
#[derive(Clone, Debug, Default)]
pub struct Endpoints(pub BTreeMap<String, Endpoint>);

impl Endpoints {
    #[must_use]
    pub fn get(&self, family: &str) -> Option<&Endpoint> {
        self.0.get(family)
    }

    /// The program that a family runs: what the environment names (`endpoints: {k6: {program: /opt/k6}}`), else its
    /// usual name.
    ///
    /// # Errors
    /// Class `bad_parameter` when the environment names something that is no text.
    pub fn program(&self, family: &str, usual: &str) -> Result<String, Failure> {
        match self.get(family).and_then(|e| e.settings.get("program")) {
            None => Ok(usual.to_owned()),
            Some(serde_json::Value::String(path)) if !path.is_empty() => Ok(path.clone()),
            Some(other) => Err(Failure::new(
                Class::BadParameter,
                format!(
                    "the environment's `endpoints.{family}.program` must be the path of a program, not {other}"
                ),
            )),
        }
    }
}
