//! The expressions of an environment file: which names they may use, and what they come to.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{EndpointText, Environment, Resolved, SecretFrom, ServiceFacts, Setting, uses};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Kind, Node, Sources, Span, Spanned};
use crate::tools::{Auth, Endpoint, Endpoints};
use crate::value::expr::{Expr, Scope, TypeScope, check as type_check, eval};
use crate::value::{Field, Interpolated, ObjectType, Piece, Secret, Type, Value};

/// Looks up a variable of the process environment.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Environment {
    /// The secrets that have a value.
    ///
    /// # Errors
    /// Every required secret without one, and files that cannot be read.
    pub fn secret_values(&self, variables: Variables<'_>) -> Result<Vec<Secret>, Vec<Diagnostic>> {
        let (found, wrong) = self.look_up(variables);
        if wrong.is_empty() { Ok(found) } else { Err(wrong) }
    }

    /// The secrets that have a value, whatever the others do: for what shall not show them.
    #[must_use]
    pub fn known_secrets(&self, variables: Variables<'_>) -> Vec<Secret> {
        self.look_up(variables).0
    }

    fn look_up(&self, variables: Variables<'_>) -> (Vec<Secret>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let mut wrong = Vec::new();
        for source in &self.secrets {
            let name = source.name.value.as_str();
            let (value, help) = match &source.from {
                SecretFrom::Env(var) => (
                    variables(var).filter(|v| !v.is_empty()),
                    format!("set the variable {var}"),
                ),
                SecretFrom::File(path) => match std::fs::read_to_string(path) {
                    // Editors and `echo` end a file with a line break that is no part of the secret.
                    Ok(text) => (
                        Some(text.trim_end_matches(['\r', '\n']).to_owned()).filter(|v| !v.is_empty()),
                        format!("{} is empty", path.display()),
                    ),
                    Err(e) => (None, format!("reading {}: {e}", path.display())),
                },
            };
            match value {
                Some(value) => found.push(Secret::new(name, value)),
                None if source.required => wrong.push(
                    Diagnostic::error(Code::MissingSecret, format!("secret `{name}` has no value"))
                        .label(source.name.span, "no value")
                        .help(format!("{help}, or say `required: false`")),
                ),
                None => {}
            }
        }
        (found, wrong)
    }

    /// Endpoints and secrets with every text resolved. What names a service that is not there is left out: nobody
    /// who runs needs it.
    ///
    /// # Errors
    /// Every text and secret that has no value.
    pub fn resolve(
        &self,
        facts: &ServiceFacts,
        variables: Variables<'_>,
    ) -> Result<Resolved, Vec<Diagnostic>> {
        let secrets = self.secret_values(variables)?;
        let mut endpoints = Endpoints::default();
        let mut wrong = Vec::new();
        for (family, text) in &self.endpoints {
            if !facts.have(&text.services()) {
                continue;
            }
            match self.endpoint(family, text, &secrets, facts, variables) {
                Ok(e) => {
                    endpoints.0.insert(family.clone(), e);
                }
                Err(d) => wrong.push(d),
            }
        }
        if wrong.is_empty() {
            Ok(Resolved { endpoints, secrets })
        } else {
            Err(wrong)
        }
    }

    /// What one text comes to.
    ///
    /// # Errors
    /// When it names something that has no value.
    pub fn text(
        &self,
        setting: &Setting,
        facts: &ServiceFacts,
        variables: Variables<'_>,
    ) -> Result<String, Diagnostic> {
        let scope = Values {
            environment: self,
            facts,
            span: setting.span,
            variables,
            wanted: variable_names(&setting.value),
        };
        let mut whole = String::new();
        for piece in &setting.value.pieces {
            match piece {
                Piece::Literal(s) => whole.push_str(s),
                Piece::Expr { expr, .. } => {
                    let value = eval(expr, &scope).map_err(|e| {
                        Diagnostic::error(Code::UnknownReference, e.message)
                            .label(setting.span, "in this text")
                    })?;
                    match value.to_json() {
                        serde_json::Value::String(s) => whole.push_str(&s),
                        serde_json::Value::Null => {
                            return Err(Diagnostic::error(
                                Code::UnknownReference,
                                format!("`{expr}` has no value"),
                            )
                            .label(setting.span, "in this text"));
                        }
                        other => whole.push_str(&other.to_string()),
                    }
                }
            }
        }
        Ok(whole)
    }

    fn endpoint(
        &self,
        family: &str,
        text: &EndpointText,
        secrets: &[Secret],
        facts: &ServiceFacts,
        variables: Variables<'_>,
    ) -> Result<Endpoint, Diagnostic> {
        let get = |setting: &Option<Setting>| {
            setting
                .as_ref()
                .map(|s| self.text(s, facts, variables))
                .transpose()
        };
        let path = |setting: &Option<Setting>| -> Result<Option<PathBuf>, Diagnostic> {
            let Some(setting) = setting else { return Ok(None) };
            Ok(Some(
                self.dir_of(setting.span)
                    .join(self.text(setting, facts, variables)?),
            ))
        };
        let secret = |name: &Option<Spanned<String>>| {
            name.as_ref()
                .and_then(|n| secrets.iter().find(|s| s.name() == n.value))
                .cloned()
        };
        let auth = match (secret(&text.token), get(&text.username)?, secret(&text.password)) {
            (Some(token), _, _) => Some(Auth::Bearer { token }),
            (None, Some(username), Some(password)) => Some(Auth::Basic { username, password }),
            _ => None,
        };
        let mut headers = std::collections::BTreeMap::new();
        for (name, setting) in &text.headers {
            headers.insert(name.clone(), self.text(setting, facts, variables)?);
        }
        let mut settings = std::collections::BTreeMap::new();
        for (name, node) in &text.settings {
            let value = match node.kind {
                Kind::Map(_) if family == "exec" && name == uses::PROGRAMS => {
                    self.programs(text, facts, variables)?
                }
                _ => self.json(node, facts, variables)?,
            };
            settings.insert(name.clone(), value);
        }
        Ok(Endpoint {
            family: family.to_owned(),
            url: get(&text.url)?,
            auth,
            host: get(&text.host)?,
            ca: path(&text.ca)?,
            client_certificate: path(&text.certificate)?.zip(path(&text.key)?),
            headers,
            settings,
        })
    }

    /// The programs whose services are there.
    fn programs(
        &self,
        exec: &EndpointText,
        facts: &ServiceFacts,
        variables: Variables<'_>,
    ) -> Result<serde_json::Value, Diagnostic> {
        let mut known = serde_json::Map::new();
        for (name, program) in uses::programs(exec) {
            let mut needed = BTreeSet::new();
            uses::services_in(program, &mut needed);
            if facts.have(&needed) {
                known.insert(name.to_owned(), self.json(program, facts, variables)?);
            }
        }
        Ok(known.into())
    }

    fn json(
        &self,
        node: &Node,
        facts: &ServiceFacts,
        variables: Variables<'_>,
    ) -> Result<serde_json::Value, Diagnostic> {
        Ok(match &node.kind {
            Kind::String(s) => match Interpolated::parse(s) {
                Ok(Some(i)) => self.text(&Spanned::new(i, node.span), facts, variables)?.into(),
                Ok(None) | Err(_) => s.clone().into(),
            },
            Kind::Seq(items) => items
                .iter()
                .map(|n| self.json(n, facts, variables))
                .collect::<Result<_, _>>()?,
            Kind::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|e| Ok((e.key.value.clone(), self.json(&e.value, facts, variables)?)))
                    .collect::<Result<_, Diagnostic>>()?,
            ),
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => node.to_json(),
        })
    }

    /// The folder of the file a text stands in.
    #[must_use]
    pub fn dir_of(&self, span: Span) -> PathBuf {
        self.dirs.get(&span.source).unwrap_or(&self.dir).clone()
    }
}

/// Reports expressions that name what does not exist.
pub(super) fn check(environment: &Environment, sources: &Sources, out: &mut Diagnostics) {
    let types = Types(environment);
    let mut all: Vec<Setting> = Vec::new();
    for e in environment.endpoints.values() {
        all.extend(
            [&e.url, &e.username, &e.host, &e.ca, &e.certificate, &e.key]
                .into_iter()
                .flatten()
                .chain(e.headers.values())
                .cloned(),
        );
        e.settings.values().for_each(|n| collect(n, &mut all));
    }
    for s in &environment.services {
        all.extend(s.start.iter().chain(s.env.iter().map(|(_, v)| v)).cloned());
        if let Some(i) = &s.install {
            all.extend(i.command.iter().chain(i.env.iter().map(|(_, v)| v)).cloned());
        }
        all.extend(s.ready.iter().flat_map(|r| r.probe.texts()).cloned());
    }
    for setting in &all {
        for piece in &setting.value.pieces {
            let Piece::Expr { expr, start } = piece else {
                continue;
            };
            let Err(findings) = type_check(expr, &types) else {
                continue;
            };
            for f in findings {
                // The written text is enough to find the place: texts of environments are one line.
                let scalar = Node::new(Kind::String(sources.slice(setting.span)), setting.span);
                let span = crate::source::locate(sources, &scalar, start + f.at.start..start + f.at.end);
                out.push(
                    Diagnostic::error(Code::UnknownReference, f.message)
                        .label(span, "in this text")
                        .maybe_help(f.help),
                );
            }
        }
    }
}

fn collect(node: &Node, all: &mut Vec<Setting>) {
    match &node.kind {
        Kind::String(s) => {
            if let Ok(Some(i)) = Interpolated::parse(s) {
                all.push(Spanned::new(i, node.span));
            }
        }
        Kind::Seq(items) => items.iter().for_each(|n| collect(n, all)),
        Kind::Map(entries) => entries.iter().for_each(|e| collect(&e.value, all)),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {}
    }
}

struct Types<'a>(&'a Environment);

impl TypeScope for Types<'_> {
    fn type_of(&self, name: &str) -> Option<Type> {
        let object = |fields: Vec<(String, Type)>| {
            Type::Object(Arc::new(ObjectType {
                fields: fields
                    .into_iter()
                    .map(|(name, ty)| Field {
                        name,
                        ty,
                        description: None,
                    })
                    .collect(),
            }))
        };
        match name {
            "dir" | "cache" => Some(Type::String),
            "env" => Some(Type::Map(Box::new(Type::String))),
            "services" => Some(object(
                self.0
                    .services
                    .iter()
                    .map(|s| {
                        let mut fields: Vec<_> = s.ports.iter().map(|p| (p.clone(), Type::Int)).collect();
                        fields.push(("dir".to_owned(), Type::String));
                        (s.name.clone(), object(fields))
                    })
                    .collect(),
            )),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        ["services", "env", "dir", "cache"].map(str::to_owned).to_vec()
    }
}

struct Values<'a> {
    environment: &'a Environment,
    facts: &'a ServiceFacts,
    span: Span,
    variables: Variables<'a>,
    /// The variables the text names.
    wanted: HashSet<String>,
}

impl Scope for Values<'_> {
    fn value_of(&self, name: &str) -> Option<Value> {
        let path = |p: &std::path::Path| Value::String(p.display().to_string());
        match name {
            "dir" => Some(path(&absolute(&self.environment.dir_of(self.span)))),
            "cache" => Some(path(&self.facts.cache)),
            "env" => Some(Value::Object(
                self.wanted
                    .iter()
                    .filter_map(|v| Some((v.clone(), Value::String((self.variables)(v)?))))
                    .collect(),
            )),
            "services" => Some(Value::Object(
                self.environment
                    .services
                    .iter()
                    .map(|s| {
                        let ports = self.facts.ports.iter().filter(|(n, _, _)| *n == s.name);
                        let mut fields: Vec<_> = ports
                            .map(|(_, port, n)| (port.clone(), Value::Int(i64::from(*n))))
                            .collect();
                        let dirs = self.facts.dirs.iter().filter(|(n, _)| *n == s.name);
                        fields.extend(dirs.map(|(_, d)| ("dir".to_owned(), path(d))));
                        (s.name.clone(), Value::Object(fields))
                    })
                    .collect(),
            )),
            _ => None,
        }
    }
}

/// Commands run in other folders, so a relative one would mean something else there.
fn absolute(dir: &std::path::Path) -> PathBuf {
    let dir = if dir.as_os_str().is_empty() {
        std::path::Path::new(".")
    } else {
        dir
    };
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf())
}

fn variable_names(text: &Interpolated) -> HashSet<String> {
    let exprs = text.pieces.iter().filter_map(|p| match p {
        Piece::Expr { expr, .. } => Some(expr),
        Piece::Literal(_) => None,
    });
    exprs
        .flat_map(Expr::paths)
        .filter_map(|(path, _)| match path.as_slice() {
            [first, second, ..] if first == "env" => Some(second.clone()),
            _ => None,
        })
        .collect()
}
