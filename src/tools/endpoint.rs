//! Where the services of an environment are. Specs name no URL; the environment file does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Capability;
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

    /// A program of a family: what the environment names (`endpoints: {k6: {program: /opt/k6}}`, or, in a family of several,
    /// `endpoints: {scan: {programs: {trivy: /opt/trivy}}}`), else its usual name.
    ///
    /// # Errors
    /// Class `bad_parameter` when the environment names something that is no text.
    pub fn program(&self, family: &str, usual: &str) -> Result<String, Failure> {
        let settings = self.get(family).map(|e| &e.settings);
        let among = settings.and_then(|s| s.get("programs")?.get(usual));
        match among.or_else(|| settings.and_then(|s| s.get("program"))) {
            None => Ok(usual.to_owned()),
            Some(serde_json::Value::String(path)) if !path.is_empty() => Ok(path.clone()),
            Some(other) => Err(Failure::new(
                Class::BadParameter,
                format!(
                    "the environment names no program for `{usual}` of `{family}`, but {other}: give its path"
                ),
            )),
        }
    }

    /// What the environment means by a name: the text under `endpoints.FAMILY.GROUP.NAME`.
    #[must_use]
    pub fn named(&self, family: &str, group: &str, name: &str) -> Option<&str> {
        self.get(family)?.settings.get(group)?.get(name)?.as_str()
    }

    /// An image with its registry: one that names none lies in the environment's (`endpoints.FAMILY.registry`), else in
    /// the one that everybody means by it.
    #[must_use]
    pub fn image(&self, family: &str, image: &str) -> String {
        let registry = self
            .get(family)
            .and_then(|e| e.settings.get("registry")?.as_str());
        match registry {
            Some(registry) if Capability::registry_of(image).is_none() => format!("{registry}/{image}"),
            _ => image.to_owned(),
        }
    }

    /// The variables the environment gives the programs of a family: `endpoints.FAMILY.env`.
    ///
    /// # Errors
    /// Class `bad_parameter` when they are no texts by name.
    pub fn variables(&self, family: &str) -> Result<BTreeMap<String, String>, Failure> {
        let Some(said) = self.get(family).and_then(|e| e.settings.get("env")) else {
            return Ok(BTreeMap::new());
        };
        serde_json::from_value(said.clone()).map_err(|e| {
            Failure::new(
                Class::BadParameter,
                format!("the environment's `endpoints.{family}.env` must be texts by name: {e}"),
            )
        })
    }
}
