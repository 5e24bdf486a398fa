//! The texts of services with their expressions evaluated.

use crate::spec::environment::{Environment, ServiceFacts, Setting};

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
        let variable = |name: &str| std::env::var(name).ok();
        self.environment
            .text(setting, self.facts, &variable)
            .map_err(|d| d.message)
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

/// The path from the root, for programs that run elsewhere.
pub(super) fn absolute(path: &std::path::Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
