//! Whether what one part of an environment file names is declared in another: secrets, services, programs.

use super::{Environment, uses};
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Kind, Node, Span};
use crate::spec::fields::{missing_key, only_known};

/// Names that one part of the file uses and another declares.
pub(super) fn check(environment: &Environment, out: &mut Diagnostics) {
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
