//! The table of actions.

use super::DynAction;

/// A family with its actions, in alphabetical order.
#[derive(Clone, Copy)]
pub struct Family {
    pub name: &'static str,
    /// One line for the reference.
    pub about: &'static str,
    pub actions: &'static [&'static dyn DynAction],
    /// The program a family runs, whose version a spec may ask for: `cosign`.
    pub program: Option<&'static str>,
}

/// All families the program knows.
#[derive(Clone, Copy)]
pub struct Registry {
    families: &'static [Family],
}

impl Registry {
    #[must_use]
    pub const fn new(families: &'static [Family]) -> Self {
        Self { families }
    }

    #[must_use]
    pub const fn families(&self) -> &'static [Family] {
        self.families
    }

    /// The action with this full name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'static dyn DynAction> {
        self.families
            .iter()
            .flat_map(|f| f.actions)
            .copied()
            .find(|a| a.name() == name)
    }

    #[must_use]
    pub fn family(&self, name: &str) -> Option<&'static Family> {
        self.families.iter().find(|f| f.name == name)
    }

    /// Every action's full name.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + '_ {
        self.families.iter().flat_map(|f| f.actions).map(|a| a.name())
    }
}
