//! Which services somebody needs who uses some of an environment.
//!
//! A service is needed by whoever's texts name it (`${{ services.NAME.port }}`), by whoever says so (`needs`), and by
//! services that are needed themselves. So a run starts what its specs use, and nothing else.

use std::collections::BTreeSet;

use super::{EndpointText, Environment, Service, ServiceFacts, Setting};
use crate::source::{Kind, Node};
use crate::value::Interpolated;

/// What a spec uses of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Families whose endpoint is used.
    pub families: BTreeSet<String>,
    /// Programs that are run, by the name the spec gives them.
    pub programs: BTreeSet<String>,
    /// One more program, whose name only the run will know.
    pub any_program: bool,
}

impl Environment {
    /// The services that somebody needs who uses this, with those that they need.
    #[must_use]
    pub fn services_for(&self, uses: &Uses) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (family, endpoint) in &self.endpoints {
            if uses.families.contains(family) {
                found.extend(endpoint.services());
            }
        }
        for (name, program) in self.endpoints.get("exec").into_iter().flat_map(programs) {
            if uses.any_program || uses.programs.contains(name) {
                services_in(program, &mut found);
                found.extend(declared_needs(program).map(str::to_owned));
            }
        }
        self.with_needs(found)
    }

    /// Services with all that they need, directly or through others.
    #[must_use]
    pub fn with_needs(&self, names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let mut open: Vec<String> = names.into_iter().collect();
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            let Some(service) = self.services.iter().find(|s| s.name == name) else {
                continue;
            };
            if found.insert(name) {
                open.extend(service.needs.iter().cloned());
            }
        }
        found
    }

    /// All of them.
    #[must_use]
    pub fn all_services(&self) -> BTreeSet<String> {
        self.services.iter().map(|s| s.name.clone()).collect()
    }
}

impl EndpointText {
    /// The services that whoever uses this endpoint needs: of `exec` without those of single programs.
    pub(super) fn services(&self) -> BTreeSet<String> {
        let mut found: BTreeSet<String> = self.needs.iter().map(|n| n.value.clone()).collect();
        let texts = [
            &self.url,
            &self.username,
            &self.host,
            &self.ca,
            &self.certificate,
            &self.key,
        ];
        for text in texts.into_iter().flatten().chain(self.headers.values()) {
            found.extend(named(text));
        }
        for (key, node) in &self.settings {
            if key != PROGRAMS {
                services_in(node, &mut found);
            }
        }
        found
    }
}

impl Service {
    /// The other services that its own texts name.
    pub(super) fn names_services(&self) -> BTreeSet<String> {
        let mut texts: Vec<&Setting> = self.start.iter().chain(self.env.iter().map(|(_, v)| v)).collect();
        if let Some(install) = &self.install {
            texts.extend(install.command.iter().chain(install.env.iter().map(|(_, v)| v)));
        }
        texts.extend(self.ready.iter().flat_map(|r| r.probe.texts()));
        let mut found: BTreeSet<String> = texts.into_iter().flat_map(named).collect();
        found.remove(&self.name);
        found
    }
}

impl ServiceFacts {
    /// Whether all of these are there.
    pub(super) fn have(&self, names: &BTreeSet<String>) -> bool {
        names.iter().all(|n| self.dirs.iter().any(|(name, _)| name == n))
    }
}

/// The setting of `exec` that gives programs their names.
pub(super) const PROGRAMS: &str = "programs";

/// The programs an `exec` endpoint gives names to.
pub(super) fn programs(endpoint: &EndpointText) -> impl Iterator<Item = (&str, &Node)> {
    let entries = endpoint.settings.get(PROGRAMS).map_or(&[][..], Node::entries);
    entries.iter().map(|e| (e.key.value.as_str(), &e.value))
}

/// What one program says that it needs: `train: {run: [...], needs: [mlflow]}`.
pub(super) fn declared_needs(program: &Node) -> impl Iterator<Item = &str> {
    let needs = program.get("needs").map(|e| &e.value);
    let items: Vec<&Node> = match needs.map(|n| (&n.kind, n)) {
        Some((Kind::Seq(items), _)) => items.iter().collect(),
        Some((Kind::String(_), node)) => vec![node],
        _ => Vec::new(),
    };
    items.into_iter().filter_map(Node::as_str)
}

/// The services that the texts of a tree name.
pub(super) fn services_in(node: &Node, found: &mut BTreeSet<String>) {
    match &node.kind {
        Kind::String(text) => {
            if let Ok(Some(text)) = Interpolated::parse(text) {
                found.extend(services_of(&text));
            }
        }
        Kind::Seq(items) => items.iter().for_each(|n| services_in(n, found)),
        Kind::Map(entries) => entries.iter().for_each(|e| services_in(&e.value, found)),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {}
    }
}

fn named(setting: &Setting) -> Vec<String> {
    services_of(&setting.value)
}

fn services_of(text: &Interpolated) -> Vec<String> {
    text.exprs()
        .flat_map(|(expr, _)| expr.paths())
        .filter_map(|(path, _)| match path.as_slice() {
            [first, second, ..] if first == "services" => Some(second.clone()),
            _ => None,
        })
        .collect()
}
