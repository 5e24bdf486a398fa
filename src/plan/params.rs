//! Parameters of actions: checked by the action's schema, expressions typed against what the action takes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::{Names, Place};
use super::{Entry, NodeIx, Params};
use crate::action::{DynAction, ParamProblem, ParamSchema};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{Kind, Node, Sources, Span, Spanned, locate};
use crate::value::{Interpolated, Piece, Type};

use super::catalog::Facts;

/// What reading parameters needs.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    names: &'a Names,
    place: &'a Place<'a>,
    out: &'a mut Diagnostics,
    /// Steps whose output is used.
    pub uses: BTreeSet<NodeIx>,
    /// The schema of the parameters that are being read, for what their type does not tell.
    schema: Option<Arc<ParamSchema>>,
    /// Where in them the reader is, as a JSON pointer.
    pointer: String,
}

impl<'a> Reader<'a> {
    pub fn new(
        sources: &'a Sources,
        names: &'a Names,
        place: &'a Place<'a>,
        out: &'a mut Diagnostics,
    ) -> Self {
        Self {
            sources,
            names,
            place,
            out,
            uses: BTreeSet::new(),
            schema: None,
            pointer: String::new(),
        }
    }

    /// The parameters of an action; `key` is the place of the action's name.
    pub fn action(
        &mut self,
        action: &'static dyn DynAction,
        facts: &Facts,
        node: &Node,
        key: Span,
    ) -> Params {
        let json = node.to_json();
        let mut problems = facts.schema.problems(&json);
        if problems.is_empty() {
            problems = action.validate(&json);
        }
        // `ulr` instead of `url` is one mistake, not two.
        let meant: Vec<String> = problems.iter().filter_map(|p| p.help.clone()).collect();
        let slip = |p: &ParamProblem| {
            p.key
                .as_ref()
                .is_some_and(|k| meant.contains(&format!("did you mean `{k}`?")))
        };
        let (slips, told): (Vec<_>, Vec<_>) = problems.into_iter().partition(slip);
        for p in told {
            self.out.push(problem(p, node, key));
        }
        drop(slips);
        self.schema = Some(Arc::clone(&facts.schema));
        let params = self.value(node, &facts.params);
        self.schema = None;
        params
    }

    /// A value that should have a type.
    pub fn value(&mut self, node: &Node, ty: &Type) -> Params {
        let ty = required(ty);
        match &node.kind {
            Kind::String(text) => self.scalar(node, text, ty),
            Kind::Seq(items) => {
                let element = match ty {
                    Type::List(e) => e,
                    _ => &Type::Any,
                };
                let items: Vec<Params> = items
                    .iter()
                    .enumerate()
                    .map(|(i, n)| self.inside(&i.to_string(), |r| r.value(n, element)))
                    .collect();
                if items.iter().all(|p| matches!(p, Params::Literal(_))) {
                    return Params::Literal(items.into_iter().map(literal).collect());
                }
                Params::List(items)
            }
            Kind::Map(entries) => {
                let mut all = Vec::with_capacity(entries.len());
                for e in entries {
                    if e.key.value.contains("${{") {
                        self.out.push(
                            Diagnostic::error(Code::UnexpectedExpression, "a key cannot be computed")
                                .label(e.key.span, "an expression may not stand here"),
                        );
                    }
                    let ty = match ty {
                        Type::Object(o) => o
                            .fields
                            .iter()
                            .find(|f| f.name == e.key.value)
                            .map_or(&Type::Any, |f| &f.ty),
                        Type::Map(v) => v,
                        _ => &Type::Any,
                    };
                    let (value, secret) = self.inside(&e.key.value, |r| {
                        let ty = r.narrowed(ty);
                        // An absent value takes its key away, which only an optional key allows.
                        (r.entry(&e.value, &ty), *required(&ty) == Type::Secret)
                    });
                    all.push((e.key.value.clone(), Entry { value, secret }));
                }
                if all.iter().all(|(_, e)| matches!(e.value, Params::Literal(_))) {
                    return Params::Literal(serde_json::Value::Object(
                        all.into_iter().map(|(k, e)| (k, literal(e.value))).collect(),
                    ));
                }
                Params::Map(all)
            }
            Kind::Float(_) => {
                self.digits(node);
                Params::Literal(node.to_json())
            }
            Kind::Null | Kind::Bool(_) | Kind::Int(_) => Params::Literal(node.to_json()),
        }
    }

    fn inside<R>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let result = read(self);
        self.pointer.truncate(before);
        result
    }

    /// The schema knows more than the type where a parameter has alternatives.
    fn narrowed<'t>(&self, ty: &'t Type) -> Cow<'t, Type> {
        if *required(ty) == Type::Any
            && let Some(schema) = self.schema.as_ref().and_then(|s| s.at(&self.pointer))
        {
            return Cow::Owned(Type::from_schema(schema));
        }
        Cow::Borrowed(ty)
    }

    /// `1.10` is the number 1.1; where text may stand as well, the text was probably meant.
    fn digits(&mut self, node: &Node) {
        let Some(schema) = self.schema.as_ref().and_then(|s| s.at(&self.pointer)) else {
            return;
        };
        let written = self.sources.slice(node.span);
        let number = node.to_json().to_string();
        if may_be_text(schema) && written != number {
            self.out.push(
                Diagnostic::error(
                    Code::Ambiguous,
                    format!("YAML reads `{written}` as the number {number}"),
                )
                .label(node.span, "not what is written")
                .help(format!(
                    "write \"{written}\" if text is meant, or {number} for the number"
                )),
            );
        }
    }

    fn entry(&mut self, node: &Node, ty: &Type) -> Params {
        match (&node.kind, ty) {
            (Kind::String(text), Type::Optional(_) | Type::Any) => self.scalar(node, text, ty),
            _ => self.value(node, ty),
        }
    }

    fn scalar(&mut self, node: &Node, text: &str, ty: &Type) -> Params {
        let interpolated = match Interpolated::parse(text) {
            Ok(None) => {
                if *required(ty) == Type::Secret {
                    self.out.push(
                        Diagnostic::error(Code::SecretLiteral, "a secret stands here in clear")
                            .label(node.span, "readable by everybody who can read the file")
                            .help("declare an input with `type: secret` and `from: env.NAME`, and write `${{ inputs.NAME }}`"),
                    );
                }
                return Params::Literal(serde_json::Value::String(text.to_owned()));
            }
            Ok(Some(i)) => i,
            Err(errors) => {
                for e in errors {
                    let span = locate(self.sources, node, e.at.start..e.at.end);
                    self.out.push(
                        Diagnostic::error(Code::ExpressionSyntax, e.message)
                            .label(span, "here")
                            .maybe_help(e.help),
                    );
                }
                return Params::Literal(serde_json::Value::Null);
            }
        };
        let alone = interpolated.alone().is_some();
        for piece in &interpolated.pieces {
            let Piece::Expr { expr, start } = piece else {
                continue;
            };
            let seen = self
                .names
                .see(self.sources, node, *start, expr, self.place, self.out);
            self.uses.extend(seen.uses);
            let Some(actual) = seen.ty else { continue };
            let span = locate(self.sources, node, start + expr.at.start..start + expr.at.end);
            if let Some(d) = misfit(&actual, ty, alone, span) {
                self.out.push(d);
            }
        }
        Params::Text(Spanned::new(interpolated, node.span))
    }
}

/// Whether a schema lets text stand, among other things.
fn may_be_text(schema: &serde_json::Value) -> bool {
    let is_text = |t: &serde_json::Value| *t == "string";
    match schema.get("type") {
        Some(serde_json::Value::Array(types)) => types.iter().any(is_text),
        Some(t) => is_text(t),
        None => ["anyOf", "oneOf"]
            .iter()
            .filter_map(|k| schema.get(*k)?.as_array())
            .flatten()
            .any(may_be_text),
    }
}

/// Why a value of this type cannot stand here.
fn misfit(actual: &Type, ty: &Type, alone: bool, span: Span) -> Option<Diagnostic> {
    let wanted = required(ty);
    if *required(actual) == Type::Secret && (*wanted != Type::Secret || !alone) {
        return Some(
            Diagnostic::error(Code::SecretMisplaced, "a secret may not stand here")
                .label(span, "a secret")
                .help(if *wanted == Type::Secret {
                    "write the expression alone, without text around it"
                } else {
                    "it might be shown or sent in clear; give it to a parameter that is made for secrets"
                }),
        );
    }
    if !alone {
        let composite = matches!(
            required(actual),
            Type::List(_) | Type::Map(_) | Type::Object(_) | Type::Distribution(_) | Type::Null
        );
        return composite.then(|| {
            Diagnostic::error(Code::ParameterType, format!("{actual} cannot stand inside text"))
                .label(span, format!("this is {actual}"))
                .help("write the expression alone, or name the part of it that is meant")
        });
    }
    if fits(actual, ty) {
        return None;
    }
    let help = match (required(actual), wanted) {
        (Type::Int | Type::Number | Type::Bool, Type::String) => {
            Some("write `${{ text(...) }}` to make it text".to_owned())
        }
        _ if fits(required(actual), ty) => {
            Some("it may be absent here; give the input a default, or use `default(x, y)`".to_owned())
        }
        _ => None,
    };
    Some(
        Diagnostic::error(
            Code::ParameterType,
            format!("the parameter takes {wanted}, and this is {actual}"),
        )
        .label(span, format!("this is {actual}"))
        .maybe_help(help),
    )
}

/// Whether a value of type `actual` may be where `wanted` is needed, as far as is known before the run.
pub(super) fn fits(actual: &Type, wanted: &Type) -> bool {
    match (actual, wanted) {
        (Type::Secret, w) => *required(w) == Type::Secret,
        // An int is a number; quantities, times and words of a list are text in JSON; and what text is only its
        // value can tell.
        (Type::Any, _)
        | (_, Type::Any)
        | (Type::Int, Type::Number)
        | (Type::Enum(_) | Type::Quantity(_) | Type::Time, Type::String)
        | (Type::String, Type::Enum(_) | Type::Time | Type::Quantity(_))
        | (Type::Map(_), Type::Object(_)) => true,
        (Type::Optional(a), Type::Optional(w))
        | (Type::List(a), Type::List(w))
        | (Type::Map(a), Type::Map(w)) => fits(a, w),
        (Type::Optional(_), _) => false,
        (a, Type::Optional(w)) => *a == Type::Null || fits(a, w),
        (Type::Quantity(a), Type::Quantity(w)) => a.fits(w),
        (Type::Enum(a), Type::Enum(w)) => a.iter().any(|v| w.contains(v)),
        (Type::Object(_), Type::Map(w)) => **w == Type::Any,
        (Type::Object(a), Type::Object(w)) => a.fields.iter().all(|f| {
            w.fields
                .iter()
                .find(|g| g.name == f.name)
                .is_some_and(|g| fits(&f.ty, &g.ty))
        }),
        (a, w) => a == w,
    }
}

/// The type without "may be absent".
pub(super) fn required(ty: &Type) -> &Type {
    match ty {
        Type::Optional(t) => required(t),
        other => other,
    }
}

/// Parameters that no spec states. A text whose expressions cannot be read stands as it is; specs were told of theirs.
pub(super) fn of_json(json: &serde_json::Value, span: Span) -> Params {
    use serde_json::Value as Json;
    match json {
        Json::String(text) => match Interpolated::parse(text) {
            Ok(Some(interpolated)) => Params::Text(Spanned::new(interpolated, span)),
            Ok(None) | Err(_) => Params::Literal(json.clone()),
        },
        Json::Array(items) => Params::List(items.iter().map(|i| of_json(i, span)).collect()),
        Json::Object(fields) => Params::Map(
            fields
                .iter()
                .map(|(key, value)| {
                    let value = of_json(value, span);
                    (key.clone(), Entry { value, secret: false })
                })
                .collect(),
        ),
        Json::Null | Json::Bool(_) | Json::Number(_) => Params::Literal(json.clone()),
    }
}

fn literal(p: Params) -> serde_json::Value {
    match p {
        Params::Literal(v) => v,
        Params::Text(_) | Params::List(_) | Params::Map(_) => serde_json::Value::Null,
    }
}

/// A problem with its place in the file.
fn problem(p: ParamProblem, params: &Node, key: Span) -> Diagnostic {
    let (node, _) = params.at(&p.pointer);
    let entry = p.key.as_deref().and_then(|k| node.get(k));
    let (code, span, label) = match (&p.key, entry) {
        (Some(_), Some(e)) => (Code::UnknownParameter, e.key.span, "unknown parameter"),
        (Some(_), None) => {
            // The extent of a mapping is no good place: its first key is.
            let span = if p.pointer.is_empty() {
                key
            } else {
                node.entries().first().map_or(node.span, |e| e.key.span)
            };
            (Code::MissingParameter, span, "missing here")
        }
        (None, _) => (
            Code::BadParameter,
            if node.entries().is_empty() || p.pointer.is_empty() && matches!(node.kind, Kind::Map(_)) {
                if p.pointer.is_empty() { key } else { node.span }
            } else {
                node.span
            },
            "here",
        ),
    };
    Diagnostic::error(code, p.message)
        .label(span, label)
        .maybe_help(p.help)
}
