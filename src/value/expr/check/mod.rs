//! What can be said of an expression before the run.
//!
//! The checker is strict where types are known, and silent where they are not: what comes from a server as JSON is
//! [`Type::Any`] and left to the evaluator. After a mistake a part counts as `Any`, so that each is told once.

mod calls;
mod constant;
mod operators;

use super::functions::{FUNCTIONS, function};
use super::{BinaryOp, Expr, ExprKind, FIGURES, Range};
use crate::diag::did_you_mean;
use crate::value::{Dimension, Type, Value};

/// The names an expression may use.
pub trait TypeScope {
    /// The type of the first word of a path; `"."` is what a leading dot stands for outside of predicates: in a
    /// step's own checks its output.
    fn type_of(&self, name: &str) -> Option<Type>;
    /// All names but `"."`, for did-you-mean.
    fn names(&self) -> Vec<String>;
}

/// A mistake found before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `unknown_name`, `unknown_field`, `unknown_function`, `wrong_arguments`, `dimension`, `type`, `constant`, ...
    pub kind: FindingKind,
    pub message: String,
    pub at: Range,
    pub help: Option<String>,
}

/// The kinds of mistakes; each has its diagnostic code in `spec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    UnknownName,
    UnknownField,
    UnknownFunction,
    WrongArguments,
    /// Different dimensions or kinds are compared or added.
    Dimension,
    Type,
    /// Always true or always false.
    Constant,
    /// A secret would be compared or shown.
    Secret,
}

/// Types an expression.
///
/// # Errors
/// Every mistake, in order of the text. Comparisons that can only have one result are mistakes; an expression without
/// any name is none, since as a parameter it may stand: see [`check_condition`].
pub fn check(expr: &Expr, scope: &dyn TypeScope) -> Result<Type, Vec<Finding>> {
    let mut checker = Checker {
        scope,
        findings: Vec::new(),
    };
    let element = scope.type_of(".");
    let ty = checker.infer(expr, element.as_ref());
    checker.finish().map(|()| ty)
}

/// Types an expression that stands for a check, a condition or `eventually`: true or false, and able to be both.
///
/// # Errors
/// As [`check`]; also when it is neither true nor false, or always the same.
pub fn check_condition(expr: &Expr, scope: &dyn TypeScope) -> Result<(), Vec<Finding>> {
    let mut checker = Checker {
        scope,
        findings: Vec::new(),
    };
    let element = scope.type_of(".");
    checker.condition(expr, element.as_ref(), "a check");
    checker.finish()
}

struct Checker<'a> {
    scope: &'a dyn TypeScope,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn finish(mut self) -> Result<(), Vec<Finding>> {
        if self.findings.is_empty() {
            return Ok(());
        }
        self.findings.sort_by_key(|f| f.at.start);
        self.findings.dedup();
        Err(self.findings)
    }

    /// Notes a mistake; what has one counts as known only at run time.
    fn wrong(
        &mut self,
        kind: FindingKind,
        at: Range,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Type {
        self.findings.push(Finding {
            kind,
            message: message.into(),
            at,
            help,
        });
        Type::Any
    }

    fn infer(&mut self, expr: &Expr, element: Option<&Type>) -> Type {
        match &expr.kind {
            ExprKind::Literal(value) => type_of_literal(value),
            ExprKind::Name(name) => match self.scope.type_of(name) {
                Some(ty) => ty,
                None => self.unknown_name(name, expr.at, element),
            },
            ExprKind::Element => match element {
                Some(ty) => ty.clone(),
                None => self.wrong(
                    FindingKind::UnknownName,
                    expr.at,
                    "there is no element that `.` could stand for here",
                    Some("a leading dot stands for the step's own output in its checks, and for the element in `any`, `all`, ...".to_owned()),
                ),
            },
            ExprKind::Field(base, name) => {
                let ty = self.infer(base, element);
                self.field(&ty, name, expr.at)
            }
            ExprKind::Index(base, index) => {
                let ty = self.infer(base, element);
                let index_ty = self.infer(index, element);
                self.index(&ty, index, &index_ty, expr.at)
            }
            ExprKind::List(items) => {
                let types: Vec<Type> = items.iter().map(|item| self.infer(item, element)).collect();
                if types.iter().any(|ty| *ty.present() == Type::Secret) {
                    return self.shown_secret(expr.at);
                }
                Type::list(types.into_iter().reduce(|a, b| joined(&a, &b)).unwrap_or(Type::Any))
            }
            ExprKind::Call { name, args, .. } => self.call(expr, name, args, element),
            ExprKind::Unary(op, inner) => self.unary(*op, inner, element),
            ExprKind::Binary(op, left, right) => self.binary(expr, *op, left, right, element),
            ExprKind::Present { subject, wanted } => {
                let before = self.findings.len();
                let ty = self.infer(subject, element);
                if self.findings.len() == before && !ty.may_be_absent() {
                    let message = format!("`{subject}` is never absent, so this is always {wanted}");
                    let help = "compare its value instead".to_owned();
                    self.wrong(FindingKind::Constant, expr.at, message, Some(help));
                }
                Type::Bool
            }
        }
    }

    /// A part that has to be true or false, and able to be both.
    fn condition(&mut self, expr: &Expr, element: Option<&Type>, what: &str) {
        let before = self.findings.len();
        let ty = self.infer(expr, element);
        if self.findings.len() > before {
            return;
        }
        match ty.present() {
            Type::Bool | Type::Any => {
                if let Some(value) = constant::value(expr) {
                    let message = format!("{what} that is always {value} checks nothing");
                    self.wrong(FindingKind::Constant, expr.at, message, None);
                }
            }
            Type::Secret => {
                self.shown_secret(expr.at);
            }
            other => {
                let help = match other {
                    Type::Null => None,
                    Type::List(_) => Some(format!(
                        "ask for its elements: `{expr}.all(...)`, or `len({expr}) == ...`"
                    )),
                    Type::String | Type::Enum(_) => Some(format!("compare it: `{expr} == \"...\"`")),
                    _ => Some(format!("compare it: `{expr} == ...`")),
                };
                let message = format!("{what} is true or false, this is {other}");
                self.wrong(FindingKind::Type, expr.at, message, help);
            }
        }
    }

    fn unknown_name(&mut self, name: &str, at: Range, element: Option<&Type>) -> Type {
        let names = self.scope.names();
        let field_of_element = matches!(element.map(Type::present), Some(Type::Object(object))
            if object.fields.iter().any(|f| f.name == name));
        let help = if field_of_element {
            Some(format!("write `.{name}` for the field"))
        } else if let Some(function) = function(name) {
            Some(format!("`{name}` is a function: {}", function.signature))
        } else if matches!(name, "True" | "False" | "None" | "Null" | "nil" | "yes" | "no") {
            Some("write `true`, `false`, or `is absent`; text stands in quotes".to_owned())
        } else {
            did_you_mean(name, names.iter().map(String::as_str))
        };
        self.wrong(
            FindingKind::UnknownName,
            at,
            format!("unknown name `{name}`"),
            help,
        )
    }

    fn field(&mut self, base: &Type, name: &str, at: Range) -> Type {
        let optional = matches!(base, Type::Optional(_));
        let ty = match base.present() {
            Type::Any => Type::Any,
            Type::Object(object) => {
                let Some(field) = object.fields.iter().find(|f| f.name == name) else {
                    let help = did_you_mean(name, object.fields.iter().map(|f| f.name.as_str()));
                    return self.wrong(
                        FindingKind::UnknownField,
                        at,
                        format!("unknown field `{name}`"),
                        help,
                    );
                };
                field.ty.clone()
            }
            Type::Map(value) => (**value).clone().optional(),
            Type::Distribution(dimension) => match name {
                "n" | "missing" => Type::Int,
                _ if FIGURES.contains(&name) => Type::Quantity(dimension.clone()),
                _ => {
                    let help = match name.strip_prefix('p').map(str::parse::<f64>) {
                        Some(Ok(_)) => Some(format!(
                            "for other percentiles write `quantile(x, {}%)`",
                            &name[1..]
                        )),
                        _ => did_you_mean(name, FIGURES),
                    };
                    return self.wrong(
                        FindingKind::UnknownField,
                        at,
                        format!("a sample has no field `{name}`"),
                        help,
                    );
                }
            },
            Type::Proportion => match name {
                "k" | "n" => Type::Int,
                _ => {
                    let help = did_you_mean(name, ["k", "n"]);
                    let message = format!("a share of a sample has no field `{name}`");
                    return self.wrong(FindingKind::UnknownField, at, message, help);
                }
            },
            Type::Secret => return self.shown_secret(at),
            other => {
                let help = match other {
                    Type::List(_) => Some(format!(
                        "take an element: `x[0].{name}`; or ask for all: `x.all(.{name} == ...)`, `x.map(.{name})`"
                    )),
                    _ if function(name).is_some() => Some(format!("`{name}` is a function: `x.{name}()`")),
                    _ => None,
                };
                return self.wrong(
                    FindingKind::Type,
                    at,
                    format!("{other} has no field `{name}`"),
                    help,
                );
            }
        };
        if optional { ty.optional() } else { ty }
    }

    fn index(&mut self, base: &Type, index: &Expr, index_ty: &Type, at: Range) -> Type {
        let fits = |wanted: &[Type]| *index_ty.present() == Type::Any || wanted.contains(index_ty.present());
        let text = match &index.kind {
            ExprKind::Literal(Value::String(text)) => Some(text.as_str()),
            _ => None,
        };
        match base.present() {
            Type::List(element) if fits(&[Type::Int]) => {
                if matches!(index.kind, ExprKind::Unary(..)) {
                    let help = "the last element is `x.last()`".to_owned();
                    return self.wrong(
                        FindingKind::Type,
                        index.at,
                        "elements are counted from 0",
                        Some(help),
                    );
                }
                (**element).clone().optional()
            }
            Type::List(_) => self.wrong(
                FindingKind::Type,
                index.at,
                format!("a list is indexed by a whole number, this is {index_ty}"),
                None,
            ),
            Type::Map(value) if is_text(index_ty) => (**value).clone().optional(),
            Type::Object(_) if text.is_some() => self.field(base, text.unwrap_or_default(), at),
            Type::Object(_) if is_text(index_ty) => Type::Any,
            Type::Map(_) | Type::Object(_) => self.wrong(
                FindingKind::Type,
                index.at,
                format!("a map is indexed by text, this is {index_ty}"),
                None,
            ),
            Type::Any if is_text(index_ty) || fits(&[Type::Int]) => Type::Any,
            Type::Any => self.wrong(
                FindingKind::Type,
                index.at,
                format!("an index is a whole number or text, this is {index_ty}"),
                None,
            ),
            Type::Secret => self.shown_secret(at),
            other => self.wrong(FindingKind::Type, at, format!("{other} has no elements"), None),
        }
    }

    fn shown_secret(&mut self, at: Range) -> Type {
        self.wrong(
            FindingKind::Secret,
            at,
            "a secret may not be compared, shown or computed with",
            Some("pass it on as it is, to a parameter that takes a secret".to_owned()),
        )
    }
}

fn type_of_literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::Quantity(quantity) => Type::Quantity(quantity.dimension.clone()),
        Value::Time(_) => Type::Time,
        Value::Secret(_) => Type::Secret,
        Value::Estimate(_) | Value::Distribution(_) | Value::List(_) | Value::Object(_) => Type::Any,
    }
}

/// A type that takes both, for the elements of a list.
fn joined(a: &Type, b: &Type) -> Type {
    match (a, b) {
        _ if a == b => a.clone(),
        (Type::Optional(_), _) | (_, Type::Optional(_)) => joined(a.present(), b.present()).optional(),
        (Type::Int | Type::Number, Type::Int | Type::Number) => Type::Number,
        (Type::String | Type::Enum(_), Type::String | Type::Enum(_)) => Type::String,
        (Type::Quantity(Dimension::Money(_)), Type::Quantity(Dimension::Money(_))) => {
            Type::Quantity(Dimension::Money(String::new()))
        }
        (
            Type::Quantity(Dimension::Ratio) | Type::Proportion,
            Type::Quantity(Dimension::Ratio) | Type::Proportion,
        ) => Type::Quantity(Dimension::Ratio),
        _ => Type::Any,
    }
}

fn is_text(ty: &Type) -> bool {
    matches!(ty.present(), Type::String | Type::Enum(_) | Type::Any)
}

#[cfg(test)]
mod tests;
