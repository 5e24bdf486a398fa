//! A node tree to an [`Environment`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{EndpointText, Environment, SecretFrom, SecretSource, Setting, declared, overlay, texts};
use crate::action::Registry;
use crate::diag::{Code, Diagnostic, Diagnostics, closest, did_you_mean};
use crate::source::{Kind, Node, Sources, Spanned, locate};
use crate::spec::fields::{boolean, list, mapping, missing_key, name, names, only_known, text, wrong_kind};
use crate::value::{Interpolated, Piece};

pub(crate) const ENVIRONMENT_KEYS: &[&str] = &[
    "environment",
    "extends",
    "description",
    "endpoints",
    "secrets",
    "inputs",
    "services",
];
pub(crate) const ENDPOINT_KEYS: &[&str] = &[
    "url",
    "username",
    "password",
    "token",
    "host",
    "ca",
    "certificate",
    "key",
    "headers",
    "needs",
];
pub(crate) const SERVICE_KEYS: &[&str] = &[
    "needs",
    "install",
    "ports",
    "start",
    "env",
    "ready",
    "stop_within",
];

/// Reads an environment file with everything it extends; what is wrong goes to `out`.
pub fn read(
    sources: &Sources,
    path: &Path,
    registry: &Registry,
    out: &mut Diagnostics,
) -> Option<Environment> {
    let overlay::Layers { root, dirs } = overlay::read(sources, path, out)?;
    only_known(out, &root, "an environment", ENVIRONMENT_KEYS);
    let top = root.entries().first().map_or(root.span, |e| e.key.span);
    let env_name = if let Some(e) = root.get("environment") {
        text(out, &e.value, "`environment`").filter(|t| name(out, t, "an environment", true))
    } else {
        missing_key(
            out,
            top,
            "the environment",
            "environment",
            "give it a name: `environment: lab`",
        );
        None
    };
    let mut reader = Reader {
        sources,
        dirs: &dirs,
        out,
    };
    let secrets = root
        .get("secrets")
        .map_or(Vec::new(), |e| reader.secrets(&e.value));
    let endpoints = root
        .get("endpoints")
        .map_or(BTreeMap::new(), |e| reader.endpoints(&e.value, registry));
    let inputs = root.get("inputs").map_or(Vec::new(), |e| {
        mapping(reader.out, &e.value, "`inputs`")
            .iter()
            .map(|e| (e.key.clone(), e.value.to_json()))
            .collect()
    });
    let services = root
        .get("services")
        .map_or(Vec::new(), |e| reader.services(&e.value));
    let mut environment = Environment {
        name: env_name?.value,
        file: path.to_path_buf(),
        dir: overlay::folder_of(path),
        endpoints,
        secrets,
        inputs,
        services,
        dirs,
    };
    for service in &mut environment.services {
        let named = service.names_services();
        let missing: Vec<String> = named.into_iter().filter(|n| !service.needs.contains(n)).collect();
        service.needs.extend(missing);
    }
    declared::check(&environment, out);
    texts::check(&environment, sources, out);
    Some(environment)
}

pub(super) struct Reader<'a> {
    sources: &'a Sources,
    dirs: &'a BTreeMap<crate::source::SourceId, PathBuf>,
    pub(super) out: &'a mut Diagnostics,
}

impl Reader<'_> {
    pub(super) fn setting(&mut self, node: &Node, what: &str) -> Option<Setting> {
        let literal = |s: String| Interpolated {
            pieces: vec![Piece::Literal(s)],
        };
        let text = match &node.kind {
            Kind::String(s) => s,
            // A port or a flag's value; it ends up as text anyway.
            Kind::Int(i) => return Some(Spanned::new(literal(i.to_string()), node.span)),
            _ => {
                wrong_kind(self.out, node, what, "text");
                return None;
            }
        };
        match Interpolated::parse(text) {
            Ok(None) => Some(Spanned::new(literal(text.clone()), node.span)),
            Ok(Some(i)) => Some(Spanned::new(i, node.span)),
            Err(errors) => {
                for e in errors {
                    let span = locate(self.sources, node, e.at.start..e.at.end);
                    self.out.push(
                        Diagnostic::error(Code::ExpressionSyntax, e.message)
                            .label(span, "here")
                            .maybe_help(e.help),
                    );
                }
                None
            }
        }
    }

    pub(super) fn settings(&mut self, node: &Node, what: &str) -> Vec<Setting> {
        list(self.out, node, what)
            .iter()
            .filter_map(|n| self.setting(n, &format!("an item of {what}")))
            .collect()
    }

    pub(super) fn setting_map(&mut self, node: &Node, what: &str) -> Vec<(String, Setting)> {
        mapping(self.out, node, what)
            .iter()
            .filter_map(|e| {
                Some((
                    e.key.value.clone(),
                    self.setting(&e.value, &format!("`{}`", e.key.value))?,
                ))
            })
            .collect()
    }

    /// A path of the file the node stands in.
    pub(super) fn path(&self, at: &Spanned<String>) -> PathBuf {
        self.dirs
            .get(&at.span.source)
            .map_or_else(|| PathBuf::from(&at.value), |d| d.join(&at.value))
    }

    fn secrets(&mut self, node: &Node) -> Vec<SecretSource> {
        let mut found = Vec::new();
        for e in mapping(self.out, node, "`secrets`") {
            let what = format!("secret `{}`", e.key.value);
            if !name(self.out, &e.key, "a secret", false) {
                continue;
            }
            if !matches!(e.value.kind, Kind::Map(_)) {
                let d = if matches!(e.value.kind, Kind::String(_)) {
                    Diagnostic::error(Code::SecretInClear, format!("{what} stands in the file"))
                } else {
                    Diagnostic::error(
                        Code::WrongKind,
                        format!("{what} must be a mapping, not {}", e.value.describe()),
                    )
                };
                self.out
                    .push(d.label(e.value.span, "not a reference").help(format!(
                        "write `{}: {{from: env.NAME}}` or `{{from: file.PATH}}`",
                        e.key.value
                    )));
                continue;
            }
            only_known(self.out, &e.value, &what, &["from", "required"]);
            let Some(from) = e.value.get("from") else {
                missing_key(
                    self.out,
                    e.key.span,
                    &what,
                    "from",
                    "write `from: env.NAME` or `from: file.PATH`",
                );
                continue;
            };
            let Some(t) = text(self.out, &from.value, "`from`") else {
                continue;
            };
            let from = if let Some(var) = t.value.strip_prefix("env.").filter(|v| !v.is_empty()) {
                SecretFrom::Env(var.to_owned())
            } else if let Some(path) = t.value.strip_prefix("file.").filter(|v| !v.is_empty()) {
                SecretFrom::File(self.path(&Spanned::new(path.to_owned(), t.span)))
            } else {
                self.out.push(
                    Diagnostic::error(
                        Code::SecretInClear,
                        format!("{what} does not say where it comes from"),
                    )
                    .label(t.span, "not a source")
                    .help("write `from: env.NAME` or `from: file.PATH`"),
                );
                continue;
            };
            let required = e
                .value
                .get("required")
                .and_then(|r| boolean(self.out, &r.value, "`required`"))
                .unwrap_or(true);
            found.push(SecretSource {
                name: e.key.clone(),
                from,
                required,
            });
        }
        found
    }

    fn endpoints(&mut self, node: &Node, registry: &Registry) -> BTreeMap<String, EndpointText> {
        let mut found = BTreeMap::new();
        for e in mapping(self.out, node, "`endpoints`") {
            let family = &e.key.value;
            if registry.family(family).is_none() {
                self.out.push(
                    Diagnostic::error(Code::UnknownFamily, format!("there is no family `{family}`"))
                        .label(e.key.span, "unknown family")
                        .maybe_help(did_you_mean(family, registry.families().iter().map(|f| f.name))),
                );
                continue;
            }
            let what = format!("endpoint `{family}`");
            let endpoint = self.endpoint(&e.value, &what);
            found.insert(family.clone(), endpoint);
        }
        found
    }

    fn endpoint(&mut self, node: &Node, what: &str) -> EndpointText {
        let mut found = EndpointText::default();
        for e in mapping(self.out, node, what) {
            let key = e.key.value.as_str();
            let shown = format!("`{key}`");
            match key {
                "url" => found.url = self.setting(&e.value, &shown),
                "username" => found.username = self.setting(&e.value, &shown),
                "host" => found.host = self.setting(&e.value, &shown),
                "ca" => found.ca = self.setting(&e.value, &shown),
                "certificate" => found.certificate = self.setting(&e.value, &shown),
                "key" => found.key = self.setting(&e.value, &shown),
                "password" => found.password = text(self.out, &e.value, &shown),
                "token" => found.token = text(self.out, &e.value, &shown),
                "needs" => found.needs = names(self.out, &e.value, &shown, true),
                "headers" => found.headers = self.setting_map(&e.value, &shown).into_iter().collect(),
                _ => {
                    // A family may have keys of its own, but one that looks like a common key is a slip.
                    if closest(key, ENDPOINT_KEYS.iter().copied()).is_some() {
                        self.out.push(
                            Diagnostic::error(Code::UnknownKey, format!("{what} has no key `{key}`"))
                                .label(e.key.span, "unknown key")
                                .maybe_help(did_you_mean(key, ENDPOINT_KEYS.iter().copied())),
                        );
                        continue;
                    }
                    self.readable(&e.value);
                    found.settings.insert(key.to_owned(), e.value.clone());
                }
            }
        }
        found
    }

    /// Reports texts of a family's own keys that cannot be read.
    fn readable(&mut self, node: &Node) {
        match &node.kind {
            Kind::String(_) => {
                self.setting(node, "this");
            }
            Kind::Seq(items) => items.iter().for_each(|n| self.readable(n)),
            Kind::Map(entries) => entries.iter().for_each(|e| self.readable(&e.value)),
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {}
        }
    }
}
