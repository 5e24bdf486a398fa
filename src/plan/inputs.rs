//! The values of inputs: `--set`, then the environment file, then `from: env.X`, then the default.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Kind, Node, Spanned};
use crate::spec::environment::Environment;
use crate::spec::{Input, InputKind};
use crate::value::{Quantity, Secret, Type, TypeMismatch, Value};

use super::InputValue;

/// Where values come from besides the spec itself.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// `--set name=value`.
    pub set: &'a [(String, String)],
    pub environment: Option<&'a Environment>,
    /// The environment's secrets, resolved.
    pub secrets: &'a [Secret],
    /// The process environment. A variable that is set to nothing counts as not set.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Report inputs without a value. `check` on a machine without the secrets leaves this off.
    pub complete: bool,
}

/// The type expressions see.
pub(super) fn type_of(input: &Input) -> Type {
    let ty = plain_type(input);
    if !input.required && input.default.is_none() {
        Type::Optional(Box::new(ty))
    } else {
        ty
    }
}

fn plain_type(input: &Input) -> Type {
    match &input.kind {
        InputKind::Plain(ty) => ty.clone(),
        InputKind::Secret => Type::Secret,
        InputKind::Unknown => Type::Any,
    }
}

/// The input's value for this run; null when it has none and needs none.
pub(super) fn resolve(input: &Input, given: &Given<'_>, out: &mut Diagnostics) -> InputValue {
    let default = input
        .default
        .as_ref()
        .and_then(|node| default_value(input, node, out));
    for node in &input.one_of {
        if let Err(e) = from_node(node, &plain_type(input)) {
            out.push(bad(input, &e).label(node.span, "does not fit the input's type"));
        }
    }
    let value = match input.kind {
        InputKind::Secret => secret(input, given, out),
        InputKind::Plain(_) => plain(input, given, out).or(default),
        InputKind::Unknown => None,
    };
    let value = value.unwrap_or_else(|| {
        if input.required && given.complete && input.default.is_none() {
            out.push(missing(input));
        }
        Value::Null
    });
    if value != Value::Null {
        allowed(input, &value, out);
    }
    InputValue {
        name: input.name.value.clone(),
        ty: type_of(input),
        value,
    }
}

fn plain(input: &Input, given: &Given<'_>, out: &mut Diagnostics) -> Option<Value> {
    let name = &input.name.value;
    let ty = plain_type(input);
    if let Some((_, text)) = given.set.iter().rev().find(|(n, _)| n == name) {
        return from_text(text, &ty)
            .map_err(|e| {
                out.push(
                    bad(input, &format!("`--set {name}={text}`: {e}")).label(input.name.span, "this input"),
                );
            })
            .ok();
    }
    if let Some((at, json)) = given
        .environment
        .and_then(|e| e.inputs.iter().rev().find(|(n, _)| n.value == *name))
    {
        return Value::from_json(json, &ty)
            .map_err(|e| {
                out.push(
                    bad(input, &format!("the environment's value: {}", mismatch(&e)))
                        .label(at.span, "the value")
                        .label(input.name.span, "the input"),
                );
            })
            .ok();
    }
    let from = input.from.as_ref()?;
    let text = (given.variable)(&from.value).filter(|t| !t.is_empty())?;
    from_text(&text, &ty)
        .map_err(|e| {
            out.push(
                bad(input, &format!("the variable {}: {e}", from.value)).label(from.span, "read from here"),
            );
        })
        .ok()
}

fn secret(input: &Input, given: &Given<'_>, out: &mut Diagnostics) -> Option<Value> {
    let name = &input.name.value;
    if given.set.iter().any(|(n, _)| n == name) {
        out.push(
            Diagnostic::error(
                Code::SecretInClear,
                format!(
                    "secret `{name}` cannot be given with `--set`: the command line can be read by others"
                ),
            )
            .label(input.name.span, "a secret")
            .help("put it into an environment variable and write `from: env.NAME`"),
        );
    }
    if let Some((at, _)) = given
        .environment
        .and_then(|e| e.inputs.iter().find(|(n, _)| n.value == *name))
    {
        out.push(
            Diagnostic::error(
                Code::SecretInClear,
                format!("secret `{name}` stands under `inputs` of the environment file"),
            )
            .label(at.span, "readable by everybody who can read the file")
            .help(format!("write it under `secrets`: `{name}: {{from: env.NAME}}`")),
        );
    }
    if let Some(secret) = given.secrets.iter().find(|s| s.name() == name) {
        return Some(Value::Secret(secret.clone()));
    }
    let from = input.from.as_ref()?;
    let text = (given.variable)(&from.value).filter(|t| !t.is_empty())?;
    Some(Value::Secret(Secret::new(name.as_str(), text)))
}

fn default_value(input: &Input, node: &Node, out: &mut Diagnostics) -> Option<Value> {
    if input.kind == InputKind::Secret {
        return None;
    }
    if node.as_str().is_some_and(|s| s.contains("${{")) {
        out.push(
            Diagnostic::error(Code::UnexpectedExpression, "a default cannot be computed")
                .label(node.span, "an expression may not stand here"),
        );
        return None;
    }
    from_node(node, &plain_type(input))
        .map_err(|e| {
            out.push(
                bad(input, &format!("its default: {e}"))
                    .label(node.span, format!("this is {}", node.describe())),
            );
        })
        .ok()
}

fn from_node(node: &Node, ty: &Type) -> Result<Value, String> {
    if node.kind == Kind::Null {
        return Err("there is nothing; leave `default` out and say `required: false`".to_owned());
    }
    match (ty, node.as_str()) {
        // Money, whose currency only the value tells.
        (Type::Any, Some(text)) => from_text(text, ty),
        (Type::Any, None) => Err("expected an amount such as `0.40USD`".to_owned()),
        _ => Value::from_json(&node.to_json(), ty).map_err(|e| mismatch(&e)),
    }
}

/// A value from text, as `--set` and variables give it.
fn from_text(text: &str, ty: &Type) -> Result<Value, String> {
    let json = match ty {
        Type::Any => {
            return text
                .parse::<Quantity>()
                .map(Value::Quantity)
                .map_err(|e| format!("expected an amount such as `0.40USD`: {e}"));
        }
        Type::Int | Type::Number | Type::Bool | Type::List(_) | Type::Map(_) => {
            serde_json::from_str(text).map_err(|_| format!("`{text}` is not {ty}"))?
        }
        _ => serde_json::Value::String(text.to_owned()),
    };
    Value::from_json(&json, ty).map_err(|e| mismatch(&e))
}

/// The mismatch without a path when it is the value itself that does not fit.
fn mismatch(e: &TypeMismatch) -> String {
    if e.path.is_empty() {
        format!("expected {}, got {}", e.expected, e.actual)
    } else {
        e.to_string()
    }
}

fn allowed(input: &Input, value: &Value, out: &mut Diagnostics) {
    let ty = plain_type(input);
    if matches!(ty, Type::Enum(_)) || input.one_of.is_empty() {
        return;
    }
    let found = input
        .one_of
        .iter()
        .any(|n| from_node(n, &ty).is_ok_and(|v| v == *value));
    if !found {
        out.push(
            bad(
                input,
                &format!("{} is not one of the values it may have", value.to_json()),
            )
            .label(input.name.span, "see its `one_of`"),
        );
    }
}

fn bad(input: &Input, why: &str) -> Diagnostic {
    Diagnostic::error(Code::BadInput, format!("input `{}`: {why}", input.name.value))
}

fn missing(input: &Input) -> Diagnostic {
    let name = &input.name.value;
    let (code, what) = match input.kind {
        InputKind::Secret => (Code::MissingSecret, "secret"),
        InputKind::Plain(_) | InputKind::Unknown => (Code::MissingInput, "input"),
    };
    let help = match (&input.from, &input.kind) {
        (Some(Spanned { value, .. }), _) => {
            format!("set the variable {value}, or say `required: false` if the spec can do without")
        }
        (None, InputKind::Secret) => {
            format!("write `from: env.NAME`, or name `{name}` under `secrets` of the environment file")
        }
        (None, InputKind::Plain(_) | InputKind::Unknown) => {
            format!("run with `--set {name}=VALUE`, set it in the environment file, or give it a default")
        }
    };
    Diagnostic::error(code, format!("{what} `{name}` has no value"))
        .label(input.name.span, "no value")
        .help(help)
}
