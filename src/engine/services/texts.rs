//! The texts of services with their expressions evaluated.

use std::collections::BTreeMap;

use crate::spec::environment::{Environment, ServiceFacts, Setting};
use crate::value::expr::{Scope, eval};
use crate::value::{Piece, Value};

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
        let mut out = String::new();
        for piece in &setting.value.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Expr { expr, .. } => {
                    let value =
                        eval(expr, self).map_err(|e| format!("`{expr}` has no value: {}", e.message))?;
                    match value.to_json() {
                        serde_json::Value::String(text) => out.push_str(&text),
                        serde_json::Value::Null => return Err(format!("`{expr}` has no value")),
                        other => out.push_str(&other.to_string()),
                    }
                }
            }
        }
        Ok(out)
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
