//! The part of an environment file that says which services specrun runs itself.

use std::time::Duration;

use super::read::{Reader, SERVICE_KEYS};
use super::{Install, Probe, Ready, Service};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Node, Spanned};
use crate::spec::fields::{bad_value, duration, mapping, missing_key, name, names, only_known, text};

impl Reader<'_> {
    pub(super) fn services(&mut self, node: &Node) -> Vec<Service> {
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
