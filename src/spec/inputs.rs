//! What varies from run to run: the inputs of a spec, and the rows of its matrix.

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Kind, Node, Spanned};
use crate::value::{Dimension, Quantity, Type};

use super::fields::{bad_value, boolean, list, mapping, missing_key, name, only_known, text};
use super::{Input, InputKind};

/// The words of an input's `type`.
pub(crate) const INPUT_TYPES: &[&str] = &[
    "string",
    "int",
    "number",
    "bool",
    "duration",
    "bytes",
    "ratio",
    "rate",
    "throughput",
    "money",
    "time",
    "list",
    "map",
    "secret",
];

/// How many rows a matrix may have.
const MAX_ROWS: usize = 10_000;

pub(super) fn inputs(out: &mut Diagnostics, node: &Node) -> Vec<Input> {
    let mut found = Vec::new();
    for entry in mapping(out, node, "`inputs`") {
        let what = format!("input `{}`", entry.key.value);
        if !name(out, &entry.key, "an input", false) {
            continue;
        }
        if !matches!(entry.value.kind, Kind::Map(_)) {
            out.push(
                Diagnostic::error(Code::WrongKind, format!("{what} must be a mapping with a type"))
                    .label(entry.value.span, format!("this is {}", entry.value.describe()))
                    .help(format!(
                        "write `{}: {{type: string, default: ...}}`",
                        entry.key.value
                    )),
            );
            found.push(unknown_input(&entry.key));
            continue;
        }
        found.push(input(out, &entry.key, &entry.value, &what).unwrap_or_else(|| unknown_input(&entry.key)));
    }
    found
}

fn unknown_input(name: &Spanned<String>) -> Input {
    Input {
        name: name.clone(),
        kind: InputKind::Unknown,
        default: None,
        from: None,
        required: false,
        one_of: Vec::new(),
        description: None,
    }
}

fn input(out: &mut Diagnostics, key: &Spanned<String>, node: &Node, what: &str) -> Option<Input> {
    const KEYS: &[&str] = &["type", "default", "from", "required", "one_of", "description"];
    only_known(out, node, what, KEYS);
    let default = node.get("default").map(|e| e.value.clone());
    let Some(ty) = node.get("type") else {
        missing_key(
            out,
            key.span,
            what,
            "type",
            &format!("one of {}", INPUT_TYPES.join(", ")),
        );
        return None;
    };
    let word = text(out, &ty.value, "`type`")?;
    let Some(kind) = input_kind(&word.value, default.as_ref()) else {
        out.push(
            Diagnostic::error(Code::BadValue, format!("there is no input type `{}`", word.value))
                .label(word.span, "unknown type")
                .maybe_help(did_you_mean(&word.value, INPUT_TYPES.iter().copied())),
        );
        return None;
    };
    let from = match node.get("from") {
        Some(e) => Some(from_env(out, &e.value, what)?),
        None => None,
    };
    let required = node.get("required").map(|e| {
        if let Some(d) = node.get("default") {
            out.push(
                Diagnostic::error(
                    Code::KeysDoNotFit,
                    format!("{what} has a default, so `required` says nothing"),
                )
                .label(e.key.span, "without effect")
                .label(d.key.span, "the default"),
            );
        }
        boolean(out, &e.value, "`required`").unwrap_or(true)
    });
    if kind == InputKind::Secret
        && let Some(e) = node.get("default").or_else(|| node.get("one_of"))
    {
        out.push(
            Diagnostic::error(
                Code::SecretInClear,
                format!("{what} is a secret and stands in the file"),
            )
            .label(e.key.span, "readable by everybody who can read the file")
            .help("write `from: env.NAME`, or name it under `secrets` of the environment file"),
        );
    }
    let one_of = node
        .get("one_of")
        .map_or(Vec::new(), |e| list(out, &e.value, "`one_of`").to_vec());
    let kind = match kind {
        InputKind::Plain(Type::String) if !one_of.is_empty() => InputKind::Plain(Type::Enum(
            one_of
                .iter()
                .filter_map(|n| n.as_str().map(str::to_owned))
                .collect(),
        )),
        other => other,
    };
    Some(Input {
        name: key.clone(),
        kind,
        default,
        from,
        required: required.unwrap_or(true),
        one_of,
        description: node
            .get("description")
            .and_then(|e| text(out, &e.value, "`description`"))
            .map(|t| t.value),
    })
}

fn input_kind(word: &str, default: Option<&Node>) -> Option<InputKind> {
    let quantity = |d| Some(InputKind::Plain(Type::Quantity(d)));
    let plain = |t| Some(InputKind::Plain(t));
    match word {
        "string" => plain(Type::String),
        "int" => plain(Type::Int),
        "number" => plain(Type::Number),
        "bool" => plain(Type::Bool),
        "duration" => quantity(Dimension::Duration),
        "bytes" => quantity(Dimension::Bytes),
        "ratio" => quantity(Dimension::Ratio),
        "rate" => quantity(Dimension::Rate),
        "throughput" => quantity(Dimension::Throughput),
        // The currency is the default's; without one it is only known with the value.
        "money" => match default.and_then(Node::as_str).map(str::parse::<Quantity>) {
            Some(Ok(q)) if matches!(q.dimension, Dimension::Money(_)) => quantity(q.dimension),
            _ => plain(Type::Any),
        },
        "time" => plain(Type::Time),
        "list" => plain(Type::List(Box::new(Type::Any))),
        "map" => plain(Type::Map(Box::new(Type::Any))),
        "secret" => Some(InputKind::Secret),
        _ => None,
    }
}

/// `env.NAME`, the name alone.
fn from_env(out: &mut Diagnostics, node: &Node, what: &str) -> Option<Spanned<String>> {
    let t = text(out, node, "`from`")?;
    match t.value.strip_prefix("env.") {
        Some(var) if !var.is_empty() && var.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
            Some(Spanned::new(var.to_owned(), t.span))
        }
        _ => {
            out.push(
                Diagnostic::error(Code::BadValue, format!("{what} cannot come from `{}`", t.value))
                    .label(t.span, "not a source")
                    .help("write `from: env.NAME` for the environment variable NAME"),
            );
            None
        }
    }
}

pub(super) fn matrix(out: &mut Diagnostics, node: &Node) -> Vec<(Spanned<String>, Vec<Node>)> {
    let mut axes = Vec::new();
    let mut rows: usize = 1;
    for entry in mapping(out, node, "`matrix`") {
        if !name(out, &entry.key, "an axis", false) {
            continue;
        }
        let values = list(out, &entry.value, &format!("axis `{}`", entry.key.value));
        for (i, value) in values.iter().enumerate() {
            if let Some(s) = value.as_str()
                && s.contains("${{")
            {
                out.push(
                    Diagnostic::error(
                        Code::UnexpectedExpression,
                        "the values of a matrix cannot be computed",
                    )
                    .label(value.span, "an expression may not stand here")
                    .help("a list that is only known at run time can be gone through with `for_each`"),
                );
            }
            if values[..i].iter().any(|v| v.kind == value.kind) {
                out.push(
                    Diagnostic::error(
                        Code::BadValue,
                        format!("axis `{}` has the same value twice", entry.key.value),
                    )
                    .label(value.span, "again"),
                );
            }
        }
        rows = rows.saturating_mul(values.len());
        axes.push((entry.key.clone(), values.to_vec()));
    }
    if rows > MAX_ROWS {
        bad_value(
            out,
            node.span,
            format!("the matrix has {rows} rows; at most {MAX_ROWS} are allowed"),
        );
    }
    if matches!(node.kind, Kind::Map(_)) && axes.is_empty() {
        out.push(
            Diagnostic::error(Code::EmptyList, "`matrix` has no axis").label(node.span, "nothing in it"),
        );
    }
    axes
}
