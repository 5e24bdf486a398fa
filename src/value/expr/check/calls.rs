//! Types of functions.

use super::operators::operand;
use super::{
    Checker, Expr, ExprKind, FUNCTIONS, FindingKind, Range, Type, Value, constant, function, is_text, joined,
};
use crate::diag::did_you_mean;
use crate::value::Dimension;
use crate::value::expr::call::check_count;
use crate::value::expr::functions::{Builtin, Function};

/// What functions are called elsewhere.
const ALIASES: [(&str, &str); 14] = [
    ("length", "len"),
    ("size", "len"),
    ("exists", "x is present"),
    ("has", "x contains y"),
    ("includes", "x contains y"),
    ("avg", "mean"),
    ("average", "mean"),
    ("every", "all"),
    ("some", "any"),
    ("where", "filter"),
    ("percentile", "quantile"),
    ("str", "text"),
    ("float", "number"),
    ("distinct", "unique"),
];

impl Checker<'_> {
    pub(super) fn call(&mut self, expr: &Expr, name: &str, args: &[Expr], element: Option<&Type>) -> Type {
        let Some(known) = function(name) else {
            let help = match ALIASES.iter().find(|(alias, _)| *alias == name) {
                Some((_, meant)) => Some(format!("write `{meant}`")),
                None => did_you_mean(name, FUNCTIONS.iter().map(|f| f.name)),
            };
            for arg in args {
                self.infer(arg, element);
            }
            return self.wrong(
                FindingKind::UnknownFunction,
                expr.at,
                format!("unknown function `{name}`"),
                help,
            );
        };
        if let Err(problem) = check_count(known, args.len()) {
            return self.wrong(
                FindingKind::WrongArguments,
                expr.at,
                problem.message,
                Some(format!("for example: {}", known.example)),
            );
        }
        let before = self.findings.len();
        let mut types: Vec<Type> = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            if i == 1 && known.which.takes_elements() {
                break;
            }
            types.push(self.infer(arg, element));
        }
        if self.findings.len() == before
            && known.which != Builtin::Default
            && types.iter().any(|t| *t.present() == Type::Secret)
        {
            return self.shown_secret(expr.at);
        }
        let call = Call {
            expr,
            known,
            args,
            types: &types,
        };
        if known.which.takes_elements() {
            self.of_elements(&call)
        } else {
            self.plain(&call)
        }
    }

    /// Functions that look at each element.
    fn of_elements(&mut self, call: &Call<'_>) -> Type {
        let Some(item) = self.element(call) else {
            return Type::Any;
        };
        let Some(body) = call.args.get(1) else {
            return match call.known.which {
                Builtin::Count => Type::Int,
                _ => self.ordered(call, &item),
            };
        };
        match call.known.which {
            Builtin::Map => {
                let before = self.findings.len();
                let ty = self.infer(body, Some(&item));
                self.looks_at_element(call, body, before);
                Type::list(ty)
            }
            Builtin::Sort => {
                let before = self.findings.len();
                let key = self.infer(body, Some(&item));
                self.looks_at_element(call, body, before);
                if is_orderable(&key) || is_text(&key) {
                    Type::list(item)
                } else {
                    self.wrong(FindingKind::Type, body.at, format!("{key} has no order"), None)
                }
            }
            which => {
                let before = self.findings.len();
                self.condition(body, Some(&item), "a predicate");
                self.looks_at_element(call, body, before);
                match which {
                    Builtin::Filter => Type::list(item),
                    Builtin::Count => Type::Int,
                    _ => Type::Bool,
                }
            }
        }
    }

    /// What is the same for every element is a mistake; told when there was no other since `before`.
    fn looks_at_element(&mut self, call: &Call<'_>, body: &Expr, before: usize) {
        if self.findings.len() == before && !body.any(&|part| part.kind == ExprKind::Element) {
            let message = format!("what `{}` is given does not look at the element", call.known.name);
            let help = format!("a leading dot stands for the element: {}", call.known.example);
            self.wrong(FindingKind::Constant, body.at, message, Some(help));
        }
    }

    fn plain(&mut self, call: &Call<'_>) -> Type {
        use Builtin as B;
        match call.known.which {
            B::Any | B::All | B::None | B::Filter | B::Map | B::Count | B::Sort => Type::Any,
            B::Len => match call.ty(0) {
                Type::List(_) | Type::Map(_) | Type::Object(_) | Type::String | Type::Enum(_) | Type::Any => {
                    Type::Int
                }
                _ => self.unfit(call, 0, "a list, a map or text"),
            },
            B::First | B::Last => self.element(call).map_or(Type::Any, Type::optional),
            B::Sum | B::Mean => self.total(call),
            B::Min | B::Max => match self.element(call) {
                Some(item) if is_orderable(&item) => item.present().clone(),
                Some(_) => self.unfit(call, 0, "a list of numbers, quantities or times"),
                None => Type::Any,
            },
            B::Unique => self.element(call).map_or(Type::Any, Type::list),
            B::Flatten => match self.element(call).as_ref().map(Type::present) {
                Some(Type::List(inner)) => Type::List(inner.clone()),
                Some(Type::Any) | None => Type::Any,
                Some(_) => self.unfit(call, 0, "a list of lists"),
            },
            B::Keys | B::Values => self.of_map(call),
            B::Lower | B::Upper | B::Trim | B::Sha256 | B::Replace => self.texts(call, Type::String),
            B::Split => self.texts(call, Type::list(Type::String)),
            B::StartsWith | B::EndsWith => {
                if let Some(ExprKind::Literal(Value::String(text))) = call.args.get(1).map(|a| &a.kind)
                    && text.is_empty()
                {
                    let message = "every text starts and ends with the empty text";
                    self.wrong(FindingKind::Constant, call.expr.at, message, None);
                }
                self.texts(call, Type::Bool)
            }
            B::Join => {
                if !is_text(call.ty(1)) {
                    return self.unfit(call, 1, "text");
                }
                match self.element(call) {
                    Some(item) if !is_scalar(&item) => self.unfit(call, 0, "a list of scalars"),
                    Some(_) => Type::String,
                    None => Type::Any,
                }
            }
            B::Json => self.texts(call, Type::Any),
            B::Time => self.texts(call, Type::Time),
            B::Duration => self.reads(call, Dimension::Duration),
            B::Bytes => self.reads(call, Dimension::Bytes),
            B::Ratio => self.reads(call, Dimension::Ratio),
            B::Rate => self.reads(call, Dimension::Rate),
            B::Now => Type::Time,
            B::Age => match call.ty(0) {
                Type::Time | Type::Any => Type::Quantity(Dimension::Duration),
                _ => self.unfit(call, 0, "a time"),
            },
            B::Abs | B::Round | B::Floor | B::Ceil | B::Int | B::Number | B::Text => self.number(call),
            B::Default => self.default(call),
            B::Proportion | B::Quantile | B::ShareAbove | B::Distribution | B::PairedRatio => {
                self.sample(call)
            }
        }
    }

    /// The element type of the first argument; none, with a finding, when it is no list.
    fn element(&mut self, call: &Call<'_>) -> Option<Type> {
        match call.ty(0) {
            Type::List(element) => Some((**element).clone()),
            Type::Any => Some(Type::Any),
            other => {
                let help = match other {
                    Type::Map(_) | Type::Object(_) => Some("its values are a list: `x.values()`".to_owned()),
                    Type::Distribution(_) => Some("a sample has figures: `.max`, `.p95`, `.mean`".to_owned()),
                    _ => None,
                };
                let message = format!("`{}` takes a list, this is {other}", call.known.name);
                self.wrong(FindingKind::WrongArguments, call.args[0].at, message, help);
                None
            }
        }
    }

    fn ordered(&mut self, call: &Call<'_>, item: &Type) -> Type {
        if is_orderable(item) || is_text(item) {
            return Type::list(item.clone());
        }
        let message = format!("{item} has no order");
        let help = Some("name what to order by: `x.sort(.name)`".to_owned());
        self.wrong(FindingKind::WrongArguments, call.args[0].at, message, help)
    }

    fn total(&mut self, call: &Call<'_>) -> Type {
        let Some(item) = self.element(call) else {
            return Type::Any;
        };
        let mean = call.known.which == Builtin::Mean;
        match item.present() {
            Type::Any => Type::Any,
            Type::Int if !mean => Type::Int,
            Type::Int | Type::Number => Type::Number,
            Type::Quantity(dimension) => Type::Quantity(dimension.clone()),
            Type::Proportion => Type::Quantity(Dimension::Ratio),
            _ => self.unfit(call, 0, "a list of numbers or quantities"),
        }
    }

    fn of_map(&mut self, call: &Call<'_>) -> Type {
        let values = match call.ty(0) {
            Type::Any => Type::Any,
            Type::Map(value) => (**value).clone(),
            Type::Object(object) => {
                let types = object.fields.iter().map(|f| f.ty.clone());
                types.reduce(|a, b| joined(&a, &b)).unwrap_or(Type::Any)
            }
            _ => return self.unfit(call, 0, "a map"),
        };
        Type::list(if call.known.which == Builtin::Keys {
            Type::String
        } else {
            values
        })
    }

    /// All arguments are text.
    fn texts(&mut self, call: &Call<'_>, result: Type) -> Type {
        match call.types.iter().position(|ty| !is_text(ty)) {
            Some(i) => self.unfit(call, i, "text"),
            None => self.foreseen(call, result),
        }
    }

    fn reads(&mut self, call: &Call<'_>, dimension: Dimension) -> Type {
        match call.ty(0) {
            Type::Quantity(given) if *given == dimension => Type::Quantity(dimension),
            Type::Proportion if dimension == Dimension::Ratio => Type::Quantity(dimension),
            ty if is_text(ty) => self.foreseen(call, Type::Quantity(dimension)),
            _ => self.unfit(call, 0, "text"),
        }
    }

    /// A call whose arguments are all known must not fail at run time.
    fn foreseen(&mut self, call: &Call<'_>, result: Type) -> Type {
        match constant::result(call.expr) {
            Some(Err(error)) => self.wrong(FindingKind::WrongArguments, error.at, error.message, None),
            _ => result,
        }
    }

    fn number(&mut self, call: &Call<'_>) -> Type {
        use Builtin as B;
        let ty = call.ty(0);
        if let Some(digits) = call.types.get(1)
            && !matches!(digits.present(), Type::Int | Type::Any)
        {
            return self.unfit(call, 1, "a number of digits");
        }
        let result = match (call.known.which, ty) {
            (B::Text, ty) if is_scalar(ty) => Type::String,
            (B::Text, _) => return self.unfit(call, 0, "a number, a quantity, a time, true, false or text"),
            (B::Abs, Type::Any) => Type::Any,
            (B::Abs, Type::Proportion) => Type::Quantity(Dimension::Ratio),
            (B::Abs, ty) if operand(ty).is_some() => ty.clone(),
            (B::Abs, _) => return self.unfit(call, 0, "a number or a quantity"),
            (B::Number, Type::Int)
            | (B::Int, Type::Int | Type::Number | Type::Any | Type::String | Type::Enum(_)) => Type::Int,
            (B::Number, Type::Number | Type::Any | Type::String | Type::Enum(_)) => Type::Number,
            (B::Int | B::Number, _) => return self.unfit(call, 0, "text or a number"),
            (B::Round, Type::Int | Type::Number | Type::Any) if call.types.len() == 2 => Type::Number,
            (_, Type::Int | Type::Number | Type::Any) => Type::Int,
            _ => return self.unfit(call, 0, "a number"),
        };
        self.foreseen(call, result)
    }

    fn default(&mut self, call: &Call<'_>) -> Type {
        let (first, second) = (&call.types[0], &call.types[1]);
        if !first.may_be_absent() {
            let message = format!("`{}` is never absent, so the default is never used", call.args[0]);
            return self.wrong(FindingKind::Constant, call.expr.at, message, None);
        }
        if first.may_be_absent() && *second == Type::Null {
            return self.unfit(call, 1, "a value that is not null");
        }
        joined(first.present(), second)
    }

    fn sample(&mut self, call: &Call<'_>) -> Type {
        let ratio = |ty: &Type| matches!(ty, Type::Quantity(Dimension::Ratio) | Type::Any);
        match call.known.which {
            Builtin::Proportion => {
                for i in 0..2 {
                    if !matches!(call.ty(i), Type::Int | Type::Any) {
                        return self.unfit(call, i, "counts");
                    }
                }
                self.foreseen(call, Type::Proportion)
            }
            Builtin::Quantile => match call.ty(0) {
                Type::Distribution(_) | Type::Any if !ratio(call.ty(1)) => {
                    self.unfit(call, 1, "a ratio such as `95%`")
                }
                Type::Distribution(dimension) => {
                    if let Some(Ok(Value::Quantity(q))) = constant::result(&call.args[1])
                        && !(q.value > 0.0 && q.value < 1.0)
                    {
                        return self.unfit(call, 1, "a ratio between 0% and 100%");
                    }
                    Type::Quantity(dimension.clone())
                }
                Type::Any => Type::Any,
                _ => self.unfit(call, 0, "a sample"),
            },
            Builtin::ShareAbove => match (call.ty(0), call.ty(1)) {
                (Type::Distribution(a), Type::Quantity(b)) if a.fits(b) => Type::Proportion,
                (Type::Distribution(_) | Type::Any, Type::Any) | (Type::Any, Type::Quantity(_)) => {
                    Type::Proportion
                }
                (Type::Distribution(dimension), _) => self.unfit(call, 1, &format!("a limit, {dimension}")),
                (Type::Any, _) => self.unfit(call, 1, "a limit"),
                _ => self.unfit(call, 0, "a sample"),
            },
            Builtin::PairedRatio => {
                for i in 0..2 {
                    let measured = match call.ty(i) {
                        Type::List(element) => matches!(
                            element.present(),
                            Type::Quantity(_) | Type::Int | Type::Number | Type::Any
                        ),
                        other => *other == Type::Any,
                    };
                    if !measured {
                        return self.unfit(call, i, "a list of measured values");
                    }
                }
                Type::Quantity(Dimension::Ratio)
            }
            _ => match self.element(call).as_ref().map(Type::present) {
                Some(Type::Quantity(dimension)) if !matches!(dimension, Dimension::Money(_)) => {
                    Type::Distribution(dimension.clone())
                }
                Some(Type::Any) | None => Type::Any,
                Some(_) => self.unfit(
                    call,
                    0,
                    "a list of durations, bytes, ratios, rates or throughputs",
                ),
            },
        }
    }

    fn unfit(&mut self, call: &Call<'_>, i: usize, wanted: &str) -> Type {
        let at: Range = call.args[i].at;
        if *call.ty(i) == Type::Any {
            return Type::Any;
        }
        let message = format!("`{}` takes {wanted}, this is {}", call.known.name, call.ty(i));
        self.wrong(
            FindingKind::WrongArguments,
            at,
            message,
            Some(call.known.signature.to_owned()),
        )
    }
}

struct Call<'a> {
    expr: &'a Expr,
    known: &'static Function,
    args: &'a [Expr],
    types: &'a [Type],
}

impl Call<'_> {
    /// The type of an argument when it is present.
    fn ty(&self, i: usize) -> &Type {
        self.types[i].present()
    }
}

fn is_scalar(ty: &Type) -> bool {
    matches!(ty.present(), Type::Any | Type::Bool | Type::Time) || is_text(ty) || operand(ty).is_some()
}

fn is_orderable(ty: &Type) -> bool {
    matches!(ty.present(), Type::Any | Type::Time) || operand(ty).is_some()
}
