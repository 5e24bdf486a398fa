//! The language from text to value.

mod evaluation;
mod properties;
mod reading;

use super::{EvalError, Expr, Finding, Scope, TypeScope, check_condition, eval, parse};
use crate::value::{Dimension, Distribution, Estimate, Proportion, Quantity, Secret, Type, Value, Values};

/// Values of every kind, and their types.
struct World {
    values: Values,
    types: Vec<(String, Type)>,
}

impl Scope for World {
    fn value_of(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }

    fn now(&self) -> jiff::Timestamp {
        "2026-02-01T00:00:00Z".parse().unwrap()
    }
}

impl TypeScope for World {
    fn type_of(&self, name: &str) -> Option<Type> {
        self.types
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, ty)| ty.clone())
    }

    fn names(&self) -> Vec<String> {
        self.types.iter().map(|(name, _)| name.clone()).collect()
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn quantity(text: &str) -> Value {
    Value::Quantity(text.parse::<Quantity>().unwrap())
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn world() -> World {
    let pod = |name: &str, phase: &str, restarts: i64, ready: bool| {
        object(vec![
            ("name", text(name)),
            ("phase", text(phase)),
            ("restarts", Value::Int(restarts)),
            ("ready", Value::Bool(ready)),
            ("note", Value::Null),
        ])
    };
    let pod_type = Type::object([
        ("name", Type::String),
        ("phase", Type::Enum(vec!["Running".into(), "Failed".into()])),
        ("restarts", Type::Int),
        ("ready", Type::Bool),
        ("note", Type::String.optional()),
    ]);
    let latency = Distribution::of(
        &Dimension::Duration,
        (1..=100).map(|i| f64::from(i) / 100.0).collect(),
        0,
    );
    let duration = || Type::Quantity(Dimension::Duration);
    let names = [
        ("x", Value::Int(2), Type::Int),
        ("score", Value::Float(0.93), Type::Number),
        ("name", text("iris"), Type::String),
        ("port", text("8080"), Type::String),
        ("size", text("512MiB"), Type::String),
        ("share", text("1%"), Type::String),
        ("speed", text("20/s"), Type::String),
        ("body", text("{\"status\": \"ok\"}"), Type::String),
        ("limit", quantity("200ms"), duration()),
        (
            "price",
            quantity("0.40USD"),
            Type::Quantity(Dimension::Money("USD".into())),
        ),
        (
            "created",
            Value::Time("2026-01-01T00:00:00Z".parse().unwrap()),
            Type::Time,
        ),
        (
            "pods",
            Value::List(vec![
                pod("web-0", "Failed", 0, true),
                pod("web-1", "Running", 3, false),
            ]),
            Type::list(pod_type.clone()),
        ),
        ("pod", pod("web-0", "Failed", 0, true), pod_type),
        (
            "labels",
            object(vec![("app", text("web"))]),
            Type::Map(Box::new(Type::String)),
        ),
        (
            "times",
            Value::List(vec![quantity("1.5s"), quantity("200ms")]),
            Type::list(duration()),
        ),
        (
            "cpu_times",
            Value::List(vec![quantity("10s"), quantity("11s")]),
            Type::list(duration()),
        ),
        (
            "gpu_times",
            Value::List(vec![quantity("4s"), quantity("4.5s")]),
            Type::list(duration()),
        ),
        ("none", Value::List(vec![]), Type::list(Type::Int)),
        (
            "latency",
            Value::Distribution(latency.into()),
            Type::Distribution(Dimension::Duration),
        ),
        (
            "errors",
            Value::Estimate(Estimate::Proportion(Proportion { k: 1, n: 100 })),
            Type::Proportion,
        ),
        (
            "nothing",
            Value::Estimate(Estimate::Proportion(Proportion { k: 0, n: 0 })),
            Type::Proportion,
        ),
        (
            "token",
            Value::Secret(Secret::new("token", "hunter2")),
            Type::Secret,
        ),
        ("maybe", Value::Null, Type::Int.optional()),
    ];
    let mut world = World {
        values: Values::new(),
        types: Vec::new(),
    };
    for (name, value, ty) in names {
        world.values.insert(name.to_owned(), value);
        world.types.push((name.to_owned(), ty));
    }
    // JSON from a server: nothing is known of it before the run.
    let json = serde_json::json!({"n": 3, "text": "3", "list": [1, 2], "null": null, "mixed": [1, "a"],
        "object": {"a": 1}, "big": 18_446_744_073_709_551_615_u64});
    world
        .values
        .insert("json_".to_owned(), Value::from_json(&json, &Type::Any).unwrap());
    world.types.push(("json_".to_owned(), Type::Any));
    world.types.push(("gone".to_owned(), Type::Int.optional()));
    world
}

fn value(source: &str) -> Result<Value, EvalError> {
    eval(
        &parse(source).unwrap_or_else(|e| panic!("{source}: {e}")),
        &world(),
    )
}

#[test]
fn each_function_has_an_example_that_is_accepted_and_true() {
    for function in super::FUNCTIONS {
        let expr = parse(function.example).unwrap_or_else(|e| panic!("{}: {e}", function.example));
        let calls = expr.any(
            &|part: &Expr| matches!(&part.kind, super::ExprKind::Call { name, .. } if name == function.name),
        );
        assert!(calls, "{} does not call {}", function.example, function.name);
        let findings: Vec<Finding> = check_condition(&expr, &world()).err().unwrap_or_default();
        assert_eq!(findings, [], "{}", function.example);
        assert_eq!(
            eval(&expr, &world()),
            Ok(Value::Bool(true)),
            "{}",
            function.example
        );
        assert!(
            function.signature.starts_with(&format!("{}(", function.name)),
            "{}",
            function.signature
        );
        assert!(function.description.ends_with('.'), "{}", function.description);
    }
}

#[test]
fn function_names_are_unique() {
    let mut names: Vec<&str> = super::FUNCTIONS.iter().map(|f| f.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), super::FUNCTIONS.len());
}
