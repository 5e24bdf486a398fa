//! What a service is: everything that decides how it is installed and started, and the same of all that it needs.
//!
//! Two environments may share a running service when it is the same in both; its ports and folders are not part of
//! that, since they are chosen when it starts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::spec::environment::{Environment, Probe, Service, ServiceFacts, Setting};
use crate::value::Piece;

/// The identity of each service of an environment, by its name.
pub(super) fn of(environment: &Environment, cache: &Path) -> BTreeMap<String, String> {
    let facts = ServiceFacts {
        cache: cache.to_owned(),
        ..ServiceFacts::default()
    };
    let mut found = BTreeMap::new();
    for service in in_order(environment) {
        let mut hash = Parts(Sha256::new());
        hash.service(environment, &facts, service);
        for need in &service.needs {
            hash.part("need", need);
            hash.part("is", found.get(need).map_or("", String::as_str));
        }
        found.insert(service.name.clone(), hash.end());
    }
    found
}

/// Services after those that they need.
pub(super) fn in_order(environment: &Environment) -> Vec<&Service> {
    let mut left: Vec<&Service> = environment.services.iter().collect();
    let mut sorted: Vec<&Service> = Vec::new();
    loop {
        let (now, later): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|s| s.needs.iter().all(|n| sorted.iter().any(|done| done.name == *n)));
        // What is left needs itself in the end, which no environment that was read does.
        if now.is_empty() {
            return sorted;
        }
        sorted.extend(now);
        left = later;
    }
}

struct Parts(Sha256);

impl Parts {
    fn part(&mut self, what: &str, bytes: impl AsRef<[u8]>) {
        for bytes in [what.as_bytes(), bytes.as_ref()] {
            self.0.update((bytes.len() as u64).to_le_bytes());
            self.0.update(bytes);
        }
    }

    fn end(self) -> String {
        self.0.finalize().iter().fold(String::new(), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
    }

    fn service(&mut self, environment: &Environment, facts: &ServiceFacts, service: &Service) {
        let text = |setting: &Setting| text(environment, facts, setting);
        self.part("name", &service.name);
        for port in &service.ports {
            self.part("port", port);
        }
        if let Some(install) = &service.install {
            for word in &install.command {
                self.part("install", text(word));
            }
            for (name, value) in &install.env {
                self.part(name, text(value));
            }
            for file in &install.stamp {
                self.part("stamp", fs::read(environment.dir.join(file)).unwrap_or_default());
            }
        }
        for word in &service.start {
            let word = text(word);
            // A script of the environment is as much a part of the service as the word that names it.
            let is_script = environment.dirs.values().any(|d| Path::new(&word).starts_with(d));
            if is_script && Path::new(&word).is_file() {
                self.part("script", fs::read(&word).unwrap_or_default());
            }
            self.part("word", word);
        }
        for (name, value) in &service.env {
            self.part(name, text(value));
        }
        if let Some(ready) = &service.ready {
            match &ready.probe {
                Probe::Http { url, matches } => {
                    self.part("http", text(url));
                    self.part("matches", matches.as_deref().unwrap_or_default());
                }
                Probe::Exec { command } => {
                    for word in command {
                        self.part("exec", text(word));
                    }
                }
                Probe::Log { matches } => self.part("log", matches),
            }
        }
    }
}

/// A text with all that is known before services start; ports and folders of services stay as they are written.
fn text(environment: &Environment, facts: &ServiceFacts, setting: &Setting) -> String {
    let mut whole = String::new();
    for piece in &setting.value.pieces {
        let Piece::Expr { expr, .. } = piece else {
            if let Piece::Literal(literal) = piece {
                whole.push_str(literal);
            }
            continue;
        };
        let mut alone = setting.clone();
        alone.value.pieces = vec![piece.clone()];
        let names_services = expr.paths().iter().any(|(path, _)| path[0] == "services");
        let known = (!names_services)
            .then(|| {
                environment
                    .text(&alone, facts, &|name| std::env::var(name).ok())
                    .ok()
            })
            .flatten();
        match known {
            Some(known) => whole.push_str(&known),
            None => {
                let _ = write!(whole, "${{{{ {expr} }}}}");
            }
        }
    }
    whole
}
