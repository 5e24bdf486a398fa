//! The texts of services with their expressions evaluated.

use std::collections::BTreeMap;

use crate::spec::environment::{Environment, ServiceFacts, Setting};
use crate::value::Value;
use crate::value::expr::Scope;

/// The names in the texts of an environment.
pub(super) struct Texts<'a> {
    pub(super) environment: &'a Environment,
    pub(super) facts: &'a ServiceFacts,
}

impl Texts<'_> {
    /// One text.
    ///
    /// # Errors
    /// The expression that has no value, in a sentence.
    pub(super) fn text(&self, setting: &Setting) -> Result<String, String> {
        let value = setting.value.eval(self).map_err(|e| e.message)?;
        value
            .scalar_text()
            .ok_or_else(|| format!("a single value is needed, this is {}", value.describe()))
    }

    /// Several, as the words of a command.
    ///
    /// # Errors
    /// As [`Texts::text`].
    pub(super) fn words(&self, settings: &[Setting]) -> Result<Vec<String>, String> {
        settings.iter().map(|s| self.text(s)).collect()
    }

    /// Variables for a process.
    ///
    /// # Errors
    /// As [`Texts::text`].
    pub(super) fn variables(&self, settings: &[(String, Setting)]) -> Result<Vec<(String, String)>, String> {
        settings
            .iter()
            .map(|(name, s)| Ok((name.clone(), self.text(s)?)))
            .collect()
    }
}

impl Scope for Texts<'_> {
    fn value_of(&self, name: &str) -> Option<Value> {
        let text = |path: &std::path::Path| Some(Value::String(path.display().to_string()));
        match name {
            "dir" => text(&absolute(&self.environment.dir)),
            "cache" => text(&self.facts.cache),
            "env" => {
                let all = std::env::vars_os()
                    .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
                Some(Value::Object(all.map(|(k, v)| (k, Value::String(v))).collect()))
            }
            "services" => {
                let mut services: BTreeMap<&str, Vec<(String, Value)>> = BTreeMap::new();
                for (service, port, number) in &self.facts.ports {
                    let fields = services.entry(service).or_default();
                    fields.push((port.clone(), Value::Int(i64::from(*number))));
                }
                for (service, dir) in &self.facts.dirs {
                    let fields = services.entry(service).or_default();
                    fields.push(("dir".to_owned(), Value::String(dir.display().to_string())));
                }
                let services = services
                    .into_iter()
                    .map(|(name, fields)| (name.to_owned(), Value::Object(fields)));
                Some(Value::Object(services.collect()))
            }
            _ => None,
        }
    }
}

/// The path from the root, for programs that run elsewhere.
pub(super) fn absolute(path: &std::path::Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
