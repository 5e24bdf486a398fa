//! What the functions do.

mod lists;
mod samples;
mod scalars;

use std::borrow::Cow;

use super::eval::{EvalError, Evaluated, Found, Surroundings, evaluate, find as find_value, placed};
use super::functions::{Builtin, Function, function};
use super::operate::{Problem, shown};
use super::{Expr, Range};
use crate::value::Value;

/// Calls a function.
pub(super) fn call<'a>(
    expr: &'a Expr,
    name: &str,
    args: &'a [Expr],
    around: Surroundings<'a>,
) -> Evaluated<'a> {
    let Some(known) = function(name) else {
        return Err(placed(
            Problem::new(format!("there is no function `{name}`")),
            expr.at,
        ));
    };
    check_count(known, args.len()).map_err(|problem| placed(problem, expr.at))?;
    let call = Call {
        which: known.which,
        name: known.name,
        args,
        at: expr.at,
        around,
    };
    call.run()
}

/// For functions whose result may be missing: what they find. None for all others.
pub(super) fn find<'a>(
    name: &str,
    args: &'a [Expr],
    around: Surroundings<'a>,
) -> Result<Option<Found<'a>>, EvalError> {
    match (function(name).map(|f| f.which), args) {
        (Some(which @ (Builtin::First | Builtin::Last)), [list]) => {
            let Some(value) = find_value(list, around)? else {
                return Ok(Some(Found::Missing(String::new())));
            };
            lists::end(value, which == Builtin::First)
                .map(Some)
                .map_err(|problem| placed(problem, list.at))
        }
        _ => Ok(None),
    }
}

pub(super) fn check_count(known: &Function, given: usize) -> Result<(), Problem> {
    let (least, most) = known.arguments;
    if (least..=most).contains(&given) {
        return Ok(());
    }
    let wanted = if least == most {
        least.to_string()
    } else {
        format!("{least} or {most}")
    };
    Err(Problem::new(format!(
        "`{}` takes {wanted} {}, got {given}: {}",
        known.name,
        if most == 1 { "argument" } else { "arguments" },
        known.signature
    )))
}

/// One call with its surroundings. The number of arguments has been checked.
struct Call<'a> {
    which: Builtin,
    name: &'static str,
    args: &'a [Expr],
    at: Range,
    around: Surroundings<'a>,
}

impl<'a> Call<'a> {
    fn run(&self) -> Evaluated<'a> {
        use Builtin as B;
        match self.which {
            B::Any
            | B::All
            | B::None
            | B::Filter
            | B::Map
            | B::Count
            | B::Len
            | B::First
            | B::Last
            | B::Sum
            | B::Min
            | B::Max
            | B::Mean
            | B::Sort
            | B::Unique
            | B::Flatten
            | B::Keys
            | B::Values => lists::run(self),
            B::Lower
            | B::Upper
            | B::Trim
            | B::StartsWith
            | B::EndsWith
            | B::Split
            | B::Join
            | B::Replace
            | B::Abs
            | B::Round
            | B::Floor
            | B::Ceil
            | B::Int
            | B::Number
            | B::Text
            | B::Duration
            | B::Bytes
            | B::Ratio
            | B::Rate
            | B::Time
            | B::Now
            | B::Age
            | B::Json
            | B::Sha256 => scalars::run(self).map(Cow::Owned),
            B::Default => match find_value(&self.args[0], self.around)? {
                Some(value) => Ok(value),
                None => self.value(1),
            },
            B::Proportion | B::Quantile | B::ShareAbove | B::Distribution | B::PairedRatio => {
                samples::run(self).map(Cow::Owned)
            }
        }
    }

    fn value(&self, i: usize) -> Evaluated<'a> {
        evaluate(&self.args[i], self.around)
    }

    fn text(&self, i: usize) -> Result<String, EvalError> {
        match self.value(i)?.into_owned() {
            Value::String(text) => Ok(text),
            other => Err(self.unfit(i, "text", &other)),
        }
    }

    /// A mistake in the whole call.
    fn wrong(&self, problem: Problem) -> EvalError {
        placed(problem, self.at)
    }

    /// An argument that is not what the function takes.
    fn unfit(&self, i: usize, wanted: &str, actual: &Value) -> EvalError {
        let message = format!("`{}` takes {wanted}, got {}", self.name, shown(actual));
        placed(Problem::new(message), self.args[i].at)
    }
}
