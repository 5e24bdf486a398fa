//! Types of operators.

use super::{BinaryOp, Checker, Expr, ExprKind, FindingKind, Range, Type, Value, constant, is_text};
use crate::diag::did_you_mean;
use crate::value::Dimension;
use crate::value::expr::UnaryOp;
use crate::value::expr::dimensions::{self, Operand};
use crate::value::expr::operate::regex;

impl Checker<'_> {
    pub(super) fn unary(&mut self, op: UnaryOp, inner: &Expr, element: Option<&Type>) -> Type {
        if op == UnaryOp::Not {
            self.condition(inner, element, "what follows `not`");
            return Type::Bool;
        }
        let ty = self.infer(inner, element);
        match ty.present() {
            Type::Any => Type::Any,
            Type::Int | Type::Number | Type::Quantity(_) => ty.present().clone(),
            Type::Proportion => Type::Quantity(Dimension::Ratio),
            Type::Secret => self.shown_secret(inner.at),
            other => self.wrong(
                FindingKind::Type,
                inner.at,
                format!("{other} has no negative"),
                None,
            ),
        }
    }

    pub(super) fn binary(
        &mut self,
        expr: &Expr,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        element: Option<&Type>,
    ) -> Type {
        if let BinaryOp::And | BinaryOp::Or = op {
            let before = self.findings.len();
            let what = format!("a side of `{}`", op.sign());
            self.condition(left, element, &what);
            self.condition(right, element, &what);
            if self.findings.len() == before && constant::opposites(left, right) {
                let message = format!(
                    "one side is the opposite of the other, so this is always {}",
                    op == BinaryOp::Or
                );
                self.wrong(FindingKind::Constant, expr.at, message, None);
            }
            return Type::Bool;
        }
        let before = self.findings.len();
        let (a, b) = (self.infer(left, element), self.infer(right, element));
        if self.findings.len() > before {
            return if is_arithmetic(op) { Type::Any } else { Type::Bool };
        }
        if *a.present() == Type::Secret || *b.present() == Type::Secret {
            self.shown_secret(expr.at);
            return if is_arithmetic(op) { Type::Any } else { Type::Bool };
        }
        if is_arithmetic(op) {
            if op == BinaryOp::Div && constant::is_zero(right) {
                return self.wrong(FindingKind::Type, right.at, "division by zero", None);
            }
            return self.arithmetic(expr, op, &a, &b);
        }
        match op {
            BinaryOp::Eq | BinaryOp::Ne => self.equality(expr.at, (left, &a), (right, &b)),
            BinaryOp::In | BinaryOp::NotIn => self.contains(expr.at, (right, &b), (left, &a), true),
            BinaryOp::Contains => self.contains(expr.at, (left, &a), (right, &b), false),
            BinaryOp::Matches => self.matches((left, &a), (right, &b)),
            _ => self.ordering(expr.at, (left, &a), (right, &b)),
        }
        if self.findings.len() == before {
            self.one_result(expr, op, (left, &a), (right, &b));
        }
        Type::Bool
    }

    /// Notes a comparison whose result is known before the run.
    fn one_result(&mut self, expr: &Expr, op: BinaryOp, left: (&Expr, &Type), right: (&Expr, &Type)) {
        if let Some((why, always)) = constant::comparison(op, left.0, right.0, (left.1, right.1)) {
            let message = format!("this is always {always}: {why}");
            self.wrong(FindingKind::Constant, expr.at, message, None);
            return;
        }
        match constant::result(expr) {
            Some(Ok(value)) => {
                let message = format!("this is always {value}: nothing in it is looked up");
                self.wrong(FindingKind::Constant, expr.at, message, None);
            }
            Some(Err(error)) => {
                self.wrong(FindingKind::Type, error.at, error.message, None);
            }
            None => {}
        }
    }

    fn equality(&mut self, at: Range, left: (&Expr, &Type), right: (&Expr, &Type)) {
        for (side, other) in [(left, right), (right, left)] {
            if *side.1 == Type::Null {
                let help = format!("write `{} is absent` or `{} is present`", other.0, other.0);
                self.wrong(
                    FindingKind::Type,
                    at,
                    "nothing can be compared with null",
                    Some(help),
                );
                return;
            }
            if let (Type::Enum(words), ExprKind::Literal(Value::String(word))) =
                (side.1.present(), &other.0.kind)
                && !words.contains(word)
            {
                self.impossible_word(word, words, other.0.at);
                return;
            }
        }
        if let (Type::Distribution(_), _) | (_, Type::Distribution(_)) = (left.1.present(), right.1.present())
        {
            self.whole_sample(at);
            return;
        }
        self.ratio_without_percent(left, right);
        if !may_be_equal(left.1, right.1) {
            self.unlike(at, left, right);
        }
    }

    fn ordering(&mut self, at: Range, left: (&Expr, &Type), right: (&Expr, &Type)) {
        if let (Type::Distribution(_), _) | (_, Type::Distribution(_)) = (left.1.present(), right.1.present())
        {
            self.whole_sample(at);
            return;
        }
        for side in [left, right] {
            let (kind, help) = match side.1.present() {
                Type::Any | Type::Int | Type::Number | Type::Quantity(_) | Type::Time | Type::Proportion => {
                    continue;
                }
                Type::Null => ("null".to_owned(), Some("write `is present` or `is absent`")),
                Type::String | Type::Enum(_) => {
                    let other = if side.0 == left.0 { right } else { left };
                    let help = literal_cure(side, other)
                        .or_else(|| cure(side.1, other.1))
                        .unwrap_or_else(|| {
                            "read it with `number(x)`, `duration(x)`, `bytes(x)`, `time(x)`, ...".to_owned()
                        });
                    self.wrong(FindingKind::Type, side.0.at, "text has no order", Some(help));
                    return;
                }
                Type::List(_) => (
                    "a list".to_owned(),
                    Some("compare its length, `len(x)`, or its elements"),
                ),
                other => (other.to_string(), None),
            };
            // A limit that is a quantity shows what the text should be.
            self.wrong(
                FindingKind::Type,
                side.0.at,
                format!("{kind} has no order"),
                help.map(str::to_owned),
            );
            return;
        }
        self.ratio_without_percent(left, right);
        if !may_be_equal(left.1, right.1) {
            self.unlike(at, left, right);
        }
    }

    fn contains(&mut self, at: Range, container: (&Expr, &Type), item: (&Expr, &Type), is_in: bool) {
        if *item.1 == Type::Null {
            let help = "write `is absent`".to_owned();
            self.wrong(
                FindingKind::Type,
                item.0.at,
                "null is never in anything",
                Some(help),
            );
            return;
        }
        match container.1.present() {
            Type::Any => {}
            Type::List(element) => {
                if let (Type::Enum(words), ExprKind::List(items)) = (item.1.present(), &container.0.kind) {
                    for item in items {
                        if let ExprKind::Literal(Value::String(word)) = &item.kind
                            && !words.contains(word)
                        {
                            self.impossible_word(word, words, item.at);
                        }
                    }
                }
                if let (Type::Enum(words), ExprKind::Literal(Value::String(word))) =
                    (element.present(), &item.0.kind)
                    && !words.contains(word)
                {
                    self.impossible_word(word, words, item.0.at);
                }
                if !may_be_equal(element, item.1) {
                    let message = format!("{} is never in {}", item.1.present(), container.1.present());
                    self.wrong(kind_of(element, item.1), at, message, cure(element, item.1));
                }
            }
            Type::Object(object) if is_text(item.1) => {
                if let ExprKind::Literal(Value::String(word)) = &item.0.kind
                    && !object.fields.iter().any(|f| f.name == *word)
                {
                    let help = did_you_mean(word, object.fields.iter().map(|f| f.name.as_str()));
                    self.wrong(
                        FindingKind::UnknownField,
                        item.0.at,
                        format!("unknown field `{word}`"),
                        help,
                    );
                }
            }
            Type::String | Type::Enum(_) if is_in => {
                let help = format!("for a part of a text write `{} contains {}`", container.0, item.0);
                self.wrong(
                    FindingKind::Type,
                    container.0.at,
                    "`in` looks into lists and maps, this is text",
                    Some(help),
                );
            }
            Type::Map(_) | Type::String | Type::Enum(_) if is_text(item.1) => {}
            Type::String | Type::Enum(_) | Type::Map(_) | Type::Object(_) => {
                let message = format!("what is looked for here is text, this is {}", item.1);
                self.wrong(FindingKind::Type, item.0.at, message, None);
            }
            Type::Distribution(_) => self.whole_sample(at),
            other => {
                self.wrong(
                    FindingKind::Type,
                    container.0.at,
                    format!("{other} holds nothing"),
                    None,
                );
            }
        }
    }

    fn matches(&mut self, text: (&Expr, &Type), pattern: (&Expr, &Type)) {
        if !is_text(text.1) {
            let help = matches!(
                text.1.present(),
                Type::Int | Type::Number | Type::Quantity(_) | Type::Time
            )
            .then(|| format!("compare it, or write `text({})`", text.0));
            self.wrong(
                FindingKind::Type,
                text.0.at,
                format!("`matches` looks at text, this is {}", text.1),
                help,
            );
        }
        if !is_text(pattern.1) {
            self.wrong(
                FindingKind::Type,
                pattern.0.at,
                format!("a pattern is text, this is {}", pattern.1),
                None,
            );
        }
        if let ExprKind::Literal(Value::String(text)) = &pattern.0.kind
            && let Err(message) = regex(text)
        {
            self.wrong(FindingKind::Type, pattern.0.at, message, None);
        }
    }

    fn arithmetic(&mut self, expr: &Expr, op: BinaryOp, a: &Type, b: &Type) -> Type {
        let before = self.findings.len();
        let ty = self.arithmetic_type(expr.at, op, a.present(), b.present());
        if self.findings.len() == before
            && let Some(Err(error)) = constant::result(expr)
        {
            return self.wrong(FindingKind::Type, error.at, error.message, None);
        }
        ty
    }

    fn arithmetic_type(&mut self, at: Range, op: BinaryOp, a: &Type, b: &Type) -> Type {
        use BinaryOp::{Add, Div, Mul, Sub};
        let duration = Type::Quantity(Dimension::Duration);
        match (op, a, b) {
            (Add | Sub | Mul, Type::Int, Type::Int) => return Type::Int,
            (Add, Type::String | Type::Enum(_), Type::String | Type::Enum(_)) => return Type::String,
            (Sub, Type::Time, Type::Time) => return duration,
            (Add | Sub, Type::Time, d) if *d == duration => return Type::Time,
            (Add, d, Type::Time) if *d == duration => return Type::Time,
            // What is known of one side may still be wrong for every other.
            (_, Type::Any, other) | (_, other, Type::Any) => {
                let fits = match other {
                    Type::Any => true,
                    Type::String | Type::Enum(_) => op == Add,
                    Type::Time => matches!(op, Add | Sub),
                    other => operand(other).is_some(),
                };
                if fits {
                    return Type::Any;
                }
            }
            _ => {}
        }
        let kind = match (operand(a), operand(b)) {
            (Some(x), Some(y)) => match op {
                Add | Sub => match (&x, &y) {
                    (Operand::Plain, Operand::Plain) => Some(Operand::Plain),
                    (Operand::Of(d), Operand::Of(e)) if d.fits(e) => Some(x.clone()),
                    _ => None,
                },
                Mul => dimensions::product(&x, &y),
                Div => dimensions::quotient(&x, &y),
                _ => None,
            },
            _ => None,
        };
        match kind {
            Some(Operand::Plain) => Type::Number,
            Some(Operand::Of(dimension)) => Type::Quantity(dimension),
            None => {
                let what = match op {
                    Add => "add",
                    Sub => "subtract",
                    Mul => "multiply",
                    _ => "divide",
                };
                self.wrong(
                    kind_of(a, b),
                    at,
                    format!("cannot {what} {a} and {b}"),
                    cure(a, b),
                )
            }
        }
    }

    /// `errors.rate < 1` would mean 100 %: a literal against a ratio has to say what it means.
    fn ratio_without_percent(&mut self, left: (&Expr, &Type), right: (&Expr, &Type)) {
        for (number, other) in [(left, right), (right, left)] {
            let is_ratio = matches!(
                other.1.present(),
                Type::Quantity(Dimension::Ratio) | Type::Proportion
            );
            let literal = match constant::result(number.0) {
                Some(Ok(Value::Int(i))) => i as f64,
                Some(Ok(Value::Float(x))) => x,
                _ => continue,
            };
            if is_ratio {
                let help = if literal == 0.0 {
                    "write `0%`".to_owned()
                } else {
                    format!("write `{literal}%`, or `{}%` if that is meant", literal * 100.0)
                };
                let message = format!("`{}` is a ratio, so its limit needs `%`", other.0);
                self.wrong(FindingKind::Dimension, number.0.at, message, Some(help));
                return;
            }
        }
    }

    fn impossible_word(&mut self, word: &str, words: &[String], at: Range) {
        let help = did_you_mean(word, words.iter().map(String::as_str));
        self.wrong(
            FindingKind::Type,
            at,
            format!("\"{word}\" is never the value here"),
            help,
        );
    }

    fn whole_sample(&mut self, at: Range) {
        let help = "name one of its figures: `.p95`, `.max`, `.mean`, `.n`, ...".to_owned();
        self.wrong(
            FindingKind::Type,
            at,
            "a whole sample cannot be compared",
            Some(help),
        );
    }

    fn unlike(&mut self, at: Range, left: (&Expr, &Type), right: (&Expr, &Type)) {
        let (a, b) = (left.1.present(), right.1.present());
        let help = literal_cure(left, right)
            .or_else(|| literal_cure(right, left))
            .or_else(|| cure(a, b));
        self.wrong(kind_of(a, b), at, format!("cannot compare {a} with {b}"), help);
    }
}

const fn is_arithmetic(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div)
}

pub(super) fn operand(ty: &Type) -> Option<Operand> {
    match ty.present() {
        Type::Int | Type::Number => Some(Operand::Plain),
        Type::Quantity(dimension) => Some(Operand::Of(dimension.clone())),
        Type::Proportion => Some(Operand::Of(Dimension::Ratio)),
        _ => None,
    }
}

/// Whether values of the two types can be the same.
fn may_be_equal(a: &Type, b: &Type) -> bool {
    match (a.present(), b.present()) {
        (Type::Any, _)
        | (_, Type::Any)
        | (Type::String, Type::String | Type::Enum(_))
        | (Type::Enum(_), Type::String) => true,
        (Type::Enum(a), Type::Enum(b)) => a.iter().any(|word| b.contains(word)),
        (Type::List(a), Type::List(b)) | (Type::Map(a), Type::Map(b)) => may_be_equal(a, b),
        (Type::Object(a), Type::Object(b)) => a.fields.iter().all(|field| {
            let other = b.fields.iter().find(|f| f.name == field.name);
            other.is_none_or(|other| may_be_equal(&field.ty, &other.ty))
        }),
        (Type::Map(value), Type::Object(object)) | (Type::Object(object), Type::Map(value)) => {
            object.fields.iter().all(|field| may_be_equal(&field.ty, value))
        }
        (a @ (Type::Bool | Type::Time), b) => a == b,
        (a, b) => match (operand(a), operand(b)) {
            (Some(Operand::Plain), Some(Operand::Plain)) => true,
            (Some(Operand::Of(a)), Some(Operand::Of(b))) => a.fits(&b),
            (Some(Operand::Plain), Some(Operand::Of(d))) | (Some(Operand::Of(d)), Some(Operand::Plain)) => {
                d == Dimension::Ratio
            }
            _ => false,
        },
    }
}

fn kind_of(a: &Type, b: &Type) -> FindingKind {
    if operand(a).is_some() && operand(b).is_some() {
        FindingKind::Dimension
    } else {
        FindingKind::Type
    }
}

/// A literal in quotes that would fit without them.
fn literal_cure(text: (&Expr, &Type), other: (&Expr, &Type)) -> Option<String> {
    let ExprKind::Literal(Value::String(word)) = &text.0.kind else {
        return None;
    };
    let bare = super::super::parse(word).ok()?;
    let ExprKind::Literal(value) = &bare.kind else {
        return None;
    };
    may_be_equal(&super::type_of_literal(value), other.1)
        .then(|| format!("write it without quotes: `{word}`"))
}

/// How two kinds can be brought together.
fn cure(a: &Type, b: &Type) -> Option<String> {
    let pair = |a: &Type, b: &Type| match (a.present(), b.present()) {
        (Type::String | Type::Enum(_), Type::Quantity(dimension)) => match dimension {
            Dimension::Throughput | Dimension::Money(_) => None,
            known => Some(format!("read the text: `{}(x)`", known.word())),
        },
        (Type::String | Type::Enum(_), Type::Int | Type::Number) => {
            Some("read the text: `number(x)`".to_owned())
        }
        (Type::String | Type::Enum(_), Type::Time) => Some("read the text: `time(x)`".to_owned()),
        (Type::String | Type::Enum(_), Type::Bool) => Some("compare with text in quotes".to_owned()),
        (Type::Int | Type::Number, Type::Quantity(Dimension::Ratio)) => {
            Some("write numbers as `1%`".to_owned())
        }
        (Type::Int | Type::Number, Type::Quantity(dimension)) => Some(format!(
            "give the number a unit, such as `{}`",
            dimension.example()
        )),
        (Type::List(_), Type::Int | Type::Number) => Some("its length is `len(x)`".to_owned()),
        _ => None,
    };
    pair(a, b).or_else(|| pair(b, a))
}
