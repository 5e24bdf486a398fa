//! Looking at what came so far by a fixed schedule, and going on when it does not suffice.

use super::outputs::Figures;
use super::params::Extend;
use crate::action::{Class, Failure};
use crate::check::{Confidence, Verdict, decide};
use crate::value::expr::{Expr, Scope, parse};
use crate::value::{Quantity, Type, Value};

/// How many requests there are in all at each look.
pub fn looks(first: u64, extend: Option<&Extend>) -> Vec<u64> {
    let Some(extend) = extend else {
        return vec![first];
    };
    let last = extend.extend_to.max(first);
    let steps = u64::from(extend.looks.max(2) - 1);
    let mut all: Vec<u64> = (0..=steps).map(|i| first + (last - first) * i / steps).collect();
    all.dedup();
    all
}

/// Whether every limit is decided, either way.
pub fn decided(figures: &Figures, extend: &Extend) -> Result<bool, Failure> {
    let json = serde_json::to_value(figures).map_err(|e| internal(&e))?;
    let read = |pointer: &str, ty: &Type| {
        let part = json
            .pointer(pointer)
            .ok_or_else(|| internal(&"a figure is missing"))?;
        Value::from_json(part, ty).map_err(|e| internal(&e))
    };
    let seen = Seen {
        latency: read("/latency", &Type::Distribution(crate::value::Dimension::Duration))?,
        errors: read("/errors/rate", &Type::Proportion)?,
    };
    let confidence = Confidence::Level(extend.confidence.0);
    let mut claims: Vec<String> = Vec::new();
    for (percentile, limit) in &extend.latency {
        claims.push(format!("latency.{} < {limit}", percentile.word()));
    }
    if let Some(limit) = extend.errors {
        claims.push(format!("errors < {}", Quantity::from(limit)));
    }
    for claim in claims {
        let expr: Expr = parse(&claim).map_err(|e| internal(&e.message))?;
        if decide(&expr, &seen, confidence).verdict == Verdict::Inconclusive {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Seen {
    latency: Value,
    errors: Value,
}

impl Scope for Seen {
    fn value_of(&self, name: &str) -> Option<Value> {
        match name {
            "latency" => Some(self.latency.clone()),
            "errors" => Some(self.errors.clone()),
            _ => None,
        }
    }
}

fn internal(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Class::Internal, format!("looking at a load: {why}"))
}
