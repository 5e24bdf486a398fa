//! The tree of an expression.

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

impl Expr {
    /// The paths it starts from: `inputs.limit`, `traffic.latency.p95`, each once, in order of appearance.
    /// A leading dot outside every function starts the path `.` (the step's own output); the element of a function is
    /// no path.
    #[must_use]
    pub fn paths(&self) -> Vec<(Vec<String>, Range)> {
        todo!()
    }
}

impl std::fmt::Display for Expr {
    /// Reading it back gives the same tree.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let _ = f;
        todo!()
    }
}
