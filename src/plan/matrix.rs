//! `matrix`: one plan for each combination of values.

use std::collections::HashSet;

use super::SpecPlan;
use crate::source::{Kind, Node, Spanned};
use crate::value::{Quantity, SpecId, Type, Value};

/// The rows of a spec, the first axis changing slowest; the spec itself when it has no matrix.
pub(super) fn rows(template: SpecPlan, axes: &[(Spanned<String>, Vec<Node>)]) -> Vec<SpecPlan> {
    if axes.is_empty() {
        return vec![template];
    }
    let mut rows: Vec<Vec<(String, Value, String)>> = vec![Vec::new()];
    for (name, values) in axes {
        let ty = axis_type(values);
        rows = rows
            .into_iter()
            .flat_map(|row| {
                let ty = &ty;
                values.iter().enumerate().map(move |(i, node)| {
                    let json = node.to_json();
                    let value = Value::from_json(&json, ty)
                        .or_else(|_| Value::from_json(&json, &Type::Any))
                        .unwrap_or(Value::Null);
                    let mut row = row.clone();
                    row.push((name.value.clone(), value, label(node, i)));
                    row
                })
            })
            .collect();
    }
    let mut seen = HashSet::new();
    rows.into_iter()
        .map(|row| {
            let words: Vec<String> = row.iter().map(|(n, _, label)| format!("{n}={label}")).collect();
            let mut id = format!("{}[{}]", template.id, words.join(","));
            // Characters that a path cannot hold may have made two labels equal.
            let mut n = 2;
            while !seen.insert(id.clone()) {
                id = format!("{}[{},{n}]", template.id, words.join(","));
                n += 1;
            }
            SpecPlan {
                id: SpecId(id),
                matrix: row.into_iter().map(|(n, v, _)| (n, v)).collect(),
                ..template.clone()
            }
        })
        .collect()
}

/// The type all values have in common. Texts that are all quantities of one dimension (`[100ms, 2s]`) are quantities.
pub(super) fn axis_type(values: &[Node]) -> Type {
    let mut found: Option<Type> = None;
    for node in values {
        let ty = match &node.kind {
            Kind::Null => Type::Null,
            Kind::Bool(_) => Type::Bool,
            Kind::Int(_) => Type::Int,
            Kind::Float(_) => Type::Number,
            Kind::String(s) => s
                .parse::<Quantity>()
                .map_or(Type::String, |q| Type::Quantity(q.dimension)),
            Kind::Seq(_) => Type::List(Box::new(Type::Any)),
            Kind::Map(_) => Type::Map(Box::new(Type::Any)),
        };
        found = Some(match (found, ty) {
            (None, ty) => ty,
            (Some(a), b) if a == b => a,
            (Some(Type::Int | Type::Number), Type::Int | Type::Number) => Type::Number,
            (Some(Type::String | Type::Quantity(_)), Type::String | Type::Quantity(_)) => Type::String,
            _ => return Type::Any,
        });
    }
    found.unwrap_or(Type::Any)
}

/// What stands in the row's name for a value.
fn label(node: &Node, i: usize) -> String {
    match &node.kind {
        Kind::Seq(_) | Kind::Map(_) => format!("{}", i + 1),
        Kind::String(s) => s
            .chars()
            .map(|c| {
                if c.is_control() || "/\\[],= ".contains(c) {
                    '_'
                } else {
                    c
                }
            })
            .take(60)
            .collect(),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => node.to_json().to_string(),
    }
}
