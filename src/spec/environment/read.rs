//! A node tree to an [`Environment`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{
    EndpointText, Environment, Install, Probe, Ready, SecretFrom, SecretSource, Service, Setting, overlay,
    texts, uses,
};
use crate::action::Registry;
use crate::diag::{Code, Diagnostic, Diagnostics, closest, did_you_mean};
use crate::source::{Kind, Node, Sources, Span, Spanned, locate};
use crate::spec::fields::{
    bad_value, boolean, duration, list, mapping, missing_key, name, names, only_known, text, wrong_kind,
};
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
    check_names(&environment, out);
    texts::check(&environment, sources, out);
    Some(environment)
}

struct Reader<'a> {
    sources: &'a Sources,
    dirs: &'a BTreeMap<crate::source::SourceId, PathBuf>,
    out: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn setting(&mut self, node: &Node, what: &str) -> Option<Setting> {
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

    fn settings(&mut self, node: &Node, what: &str) -> Vec<Setting> {
        list(self.out, node, what)
            .iter()
            .filter_map(|n| self.setting(n, &format!("an item of {what}")))
            .collect()
    }

    fn setting_map(&mut self, node: &Node, what: &str) -> Vec<(String, Setting)> {
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
    fn path(&self, at: &Spanned<String>) -> PathBuf {
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

    fn services(&mut self, node: &Node) -> Vec<Service> {
        mapping(self.out, node, "`services`")
            .iter()
            .filter_map(|e| {
                if !name(self.out, &e.key, "a service", false) {
                    return None;
                }
                self.service(&e.key, &e.value)
            })
            .collect()
    }

    fn service(&mut self, key: &Spanned<String>, node: &Node) -> Option<Service> {
        let what = format!("service `{}`", key.value);
        mapping(self.out, node, &what);
        only_known(self.out, node, &what, SERVICE_KEYS);
        let ports = node
            .get("ports")
            .map_or(Vec::new(), |e| names(self.out, &e.value, "`ports`", false));
        for port in &ports {
            if name(self.out, port, "a port", false) && port.value == "dir" {
                bad_value(
                    self.out,
                    port.span,
                    "a port cannot be called `dir`: that is the service's folder".to_owned(),
                );
            }
        }
        let starts = node.get("start").is_some();
        // Without anything that belongs to a process it is something that is only installed.
        let installed = node.get("install").is_some()
            && ["ports", "env", "ready", "stop_within"]
                .iter()
                .all(|k| node.get(k).is_none());
        if !starts && !installed {
            missing_key(
                self.out,
                key.span,
                &what,
                "start",
                "the command's words: `start: [mlflow, server]`; something that is only installed has nothing but \
                 `install` and `needs`",
            );
            return None;
        }
        let start = node
            .get("start")
            .map_or(Vec::new(), |e| self.settings(&e.value, "`start`"));
        let ready = match node.get("ready") {
            Some(e) => Some(self.ready(&e.value)?),
            None if starts => {
                missing_key(
                    self.out,
                    key.span,
                    &what,
                    "ready",
                    "say how to see that it is up: `ready: {http: URL, matches: REGEX, within: 60s}`",
                );
                return None;
            }
            None => None,
        };
        Some(Service {
            name: key.value.clone(),
            span: key.span,
            needs: node
                .get("needs")
                .map_or(Vec::new(), |e| names(self.out, &e.value, "`needs`", true))
                .into_iter()
                .map(|n| n.value)
                .collect(),
            install: node.get("install").and_then(|e| self.install(&e.value)),
            ports: ports.into_iter().map(|p| p.value).collect(),
            start,
            env: node
                .get("env")
                .map_or(Vec::new(), |e| self.setting_map(&e.value, "`env`")),
            ready,
            stop_within: node
                .get("stop_within")
                .and_then(|e| duration(self.out, &e.value, "`stop_within`"))
                .unwrap_or(Duration::from_secs(10)),
        })
    }

    fn install(&mut self, node: &Node) -> Option<Install> {
        mapping(self.out, node, "`install`");
        only_known(self.out, node, "`install`", &["run", "env", "stamp", "within"]);
        let Some(run) = node.get("run") else {
            let at = node.entries().first().map_or(node.span, |e| e.key.span);
            missing_key(
                self.out,
                at,
                "`install`",
                "run",
                "the command's words: `run: [python3, install.py]`",
            );
            return None;
        };
        let stamp = node
            .get("stamp")
            .map_or(Vec::new(), |e| names(self.out, &e.value, "`stamp`", false));
        let mut files = Vec::new();
        for file in &stamp {
            let path = self.path(file);
            if path.exists() {
                files.push(path);
            } else {
                self.out.push(
                    Diagnostic::error(Code::NoSuchPath, format!("there is no file {}", path.display()))
                        .label(file.span, "its content should be the stamp"),
                );
            }
        }
        Some(Install {
            command: self.settings(&run.value, "`run`"),
            env: node
                .get("env")
                .map_or(Vec::new(), |e| self.setting_map(&e.value, "`env`")),
            stamp: files,
            within: node
                .get("within")
                .and_then(|e| duration(self.out, &e.value, "`within`"))
                .unwrap_or(Duration::from_mins(10)),
        })
    }

    fn ready(&mut self, node: &Node) -> Option<Ready> {
        mapping(self.out, node, "`ready`");
        only_known(
            self.out,
            node,
            "`ready`",
            &["http", "matches", "exec", "log", "within"],
        );
        let regex = |out: &mut Diagnostics, node: &Node, what: &str| {
            let t = text(out, node, what)?;
            match regex::Regex::new(&t.value) {
                Ok(_) => Some(t.value),
                Err(e) => {
                    let last = e.to_string().lines().last().unwrap_or_default().to_owned();
                    bad_value(out, t.span, format!("{what} is not a regular expression: {last}"));
                    None
                }
            }
        };
        let at = node.entries().first().map_or(node.span, |e| e.key.span);
        let given: Vec<_> = ["http", "exec", "log"]
            .iter()
            .filter_map(|k| node.get(k))
            .collect();
        let probe = match given.as_slice() {
            [e] => match e.key.value.as_str() {
                "http" => Probe::Http {
                    url: self.setting(&e.value, "`http`")?,
                    matches: match node.get("matches") {
                        Some(m) => Some(regex(self.out, &m.value, "`matches`")?),
                        None => None,
                    },
                },
                "exec" => Probe::Exec {
                    command: self.settings(&e.value, "`exec`"),
                },
                _ => Probe::Log {
                    matches: regex(self.out, &e.value, "`log`")?,
                },
            },
            [] => {
                missing_key(
                    self.out,
                    at,
                    "`ready`",
                    "http",
                    "one of `http: URL`, `exec: [COMMAND]`, `log: REGEX`",
                );
                return None;
            }
            [_, second, ..] => {
                self.out.push(
                    Diagnostic::error(
                        Code::KeysDoNotFit,
                        "`ready` has exactly one of `http`, `exec` and `log`",
                    )
                    .label(second.key.span, "a second one"),
                );
                return None;
            }
        };
        if let (Some(m), false) = (node.get("matches"), matches!(probe, Probe::Http { .. })) {
            self.out.push(
                Diagnostic::error(Code::KeysDoNotFit, "`matches` looks at the answer of `http`")
                    .label(m.key.span, "without effect"),
            );
        }
        Some(Ready {
            probe,
            within: node
                .get("within")
                .and_then(|e| duration(self.out, &e.value, "`within`"))
                .unwrap_or(Duration::from_mins(1)),
        })
    }
}

/// Names that one part of the file uses and another declares.
fn check_names(environment: &Environment, out: &mut Diagnostics) {
    let secrets: Vec<&str> = environment
        .secrets
        .iter()
        .map(|s| s.name.value.as_str())
        .collect();
    for (family, endpoint) in &environment.endpoints {
        for used in endpoint.password.iter().chain(&endpoint.token) {
            if !secrets.contains(&used.value.as_str()) {
                out.push(
                    Diagnostic::error(Code::UnknownSecret, format!("there is no secret `{}`", used.value))
                        .label(used.span, "the name of a secret is needed here")
                        .help(
                            did_you_mean(&used.value, secrets.iter().copied())
                                .filter(|_| !secrets.is_empty())
                                .unwrap_or_else(|| format!("declare it: `secrets: {{{family}_token: {{from: env.NAME}}}}`, and write its name here")),
                        ),
                );
            }
        }
        if let (Some(password), None) = (&endpoint.password, &endpoint.username) {
            out.push(
                Diagnostic::error(Code::KeysDoNotFit, "a `password` needs a `username`")
                    .label(password.span, "whose?"),
            );
        }
        if let (Some(token), Some(password)) = (&endpoint.token, &endpoint.password) {
            out.push(
                Diagnostic::error(Code::KeysDoNotFit, "`token` and `password` exclude each other")
                    .label(token.span, "`token`")
                    .label(password.span, "`password`"),
            );
        }
        if endpoint.certificate.is_some() != endpoint.key.is_some()
            && let Some(one) = endpoint.certificate.as_ref().or(endpoint.key.as_ref())
        {
            out.push(
                Diagnostic::error(Code::KeysDoNotFit, "`certificate` and `key` belong together")
                    .label(one.span, "one without the other"),
            );
        }
    }
    let services: Vec<&str> = environment.services.iter().map(|s| s.name.as_str()).collect();
    let mut wrong = Diagnostics::new();
    let mut known = |need: &str, span: Span, what: String| {
        if !services.contains(&need) {
            out.push(
                Diagnostic::error(Code::UnknownReference, format!("there is no service `{need}`"))
                    .label(span, what)
                    .maybe_help(did_you_mean(need, services.iter().copied())),
            );
        }
    };
    for service in &environment.services {
        for need in &service.needs {
            known(need, service.span, format!("needs `{need}`"));
        }
    }
    for endpoint in environment.endpoints.values() {
        for need in &endpoint.needs {
            known(
                &need.value,
                need.span,
                "the name of a service is needed here".to_owned(),
            );
        }
    }
    for (name, program) in environment
        .endpoints
        .get("exec")
        .into_iter()
        .flat_map(uses::programs)
    {
        for need in uses::declared_needs(program) {
            known(need, program.span, format!("needs `{need}`"));
        }
        if matches!(program.kind, Kind::Map(_)) {
            program_keys(program, &format!("the program `{name}`"), &mut wrong);
        }
    }
    out.extend(wrong.sorted());
    if let Some(name) = circle(environment) {
        let span = environment
            .services
            .iter()
            .find(|s| s.name == name)
            .map(|s| s.span);
        let d = Diagnostic::error(Code::Cycle, "services need each other in a circle");
        out.push(match span {
            Some(span) => d.label(span, "part of the circle"),
            None => d,
        });
    }
}

fn program_keys(program: &Node, what: &str, out: &mut Diagnostics) {
    only_known(out, program, what, &["run", "env", "needs"]);
    if program.get("run").is_none() {
        let help = "the words that stand for it: `run: [python3, train.py]`";
        missing_key(out, program.span, what, "run", help);
    }
}

/// A service that can never be started since it needs itself in the end.
fn circle(environment: &Environment) -> Option<String> {
    let mut left: Vec<_> = environment.services.iter().collect();
    loop {
        let before = left.len();
        let names: Vec<String> = left.iter().map(|s| s.name.clone()).collect();
        left.retain(|s| s.needs.iter().any(|n| names.contains(n)));
        if left.is_empty() {
            return None;
        }
        if left.len() == before {
            return left.first().map(|s| s.name.clone());
        }
    }
}
