//! The tree of an expression.

use super::functions::takes_elements;
use crate::value::Value;

/// Bytes of the expression's own text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Range {
    pub start: usize,
    pub end: usize,
}

/// An expression with the place of each part. Equality ignores places.
#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub at: Range,
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`, `true`, `3`, `0.5`, `"text"`, `200ms`.
    Literal(Value),
    /// `inputs`, `matrix`, `run`, `env`, a step or a `for_each` name: the first word of a path.
    Name(String),
    /// `.` on its own or before a field, inside a function that takes elements.
    Element,
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    /// `f(x, y)`; `x.f(y)` is the same with `method` set.
    Call {
        name: String,
        args: Vec<Expr>,
        method: bool,
    },
    List(Vec<Expr>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `x is present`, `x is absent`.
    Present {
        subject: Box<Expr>,
        wanted: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Not,
    Negate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
    Contains,
    Matches,
    Add,
    Sub,
    Mul,
    Div,
}

impl BinaryOp {
    /// As it is written.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Contains => "contains",
            Self::Matches => "matches",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
        }
    }
}

impl Range {
    /// The same place when the text stands `by` bytes further on.
    #[must_use]
    pub const fn shifted(self, by: usize) -> Self {
        Self {
            start: self.start + by,
            end: self.end + by,
        }
    }
}

impl Expr {
    /// The paths it starts from: `inputs.limit`, `traffic.latency.p95`, each once, in order of appearance. A path
    /// from a leading dot starts with `"."`, but only where the dot is not the element of a predicate.
    #[must_use]
    pub fn paths(&self) -> Vec<(Vec<String>, Range)> {
        let mut paths = Vec::new();
        self.collect_paths(false, &mut paths);
        paths
    }

    /// The parts directly below.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Element => Vec::new(),
            ExprKind::Field(base, _) => vec![base],
            ExprKind::Index(base, index) => vec![base, index],
            ExprKind::Call { args, .. } => args.iter().collect(),
            ExprKind::List(items) => items.iter().collect(),
            ExprKind::Unary(_, inner) => vec![inner],
            ExprKind::Binary(_, left, right) => vec![left, right],
            ExprKind::Present { subject, .. } => vec![subject],
        }
    }

    /// Whether it, or a part of it, is such.
    pub fn any(&self, is: &dyn Fn(&Self) -> bool) -> bool {
        is(self) || self.children().into_iter().any(|child| child.any(is))
    }

    fn collect_paths(&self, in_predicate: bool, paths: &mut Vec<(Vec<String>, Range)>) {
        if let Some(path) = self.as_path() {
            let of_predicate = in_predicate && path[0] == ".";
            if !of_predicate && !paths.iter().any(|(known, _)| *known == path) {
                paths.push((path, self.at));
            }
            return;
        }
        let takes_elements = matches!(&self.kind, ExprKind::Call { name, .. } if takes_elements(name));
        for (i, child) in self.children().into_iter().enumerate() {
            child.collect_paths(in_predicate || (takes_elements && i == 1), paths);
        }
    }

    fn as_path(&self) -> Option<Vec<String>> {
        match &self.kind {
            ExprKind::Name(name) => Some(vec![name.clone()]),
            ExprKind::Element => Some(vec![".".to_owned()]),
            ExprKind::Field(base, name) => {
                let mut path = base.as_path()?;
                path.push(name.clone());
                Some(path)
            }
            _ => None,
        }
    }
}
