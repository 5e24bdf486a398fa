use proptest::prelude::*;

use super::super::{
    BinaryOp, Expr, ExprKind, FUNCTIONS, FindingKind, Range, UnaryOp, check, check_condition, eval, parse,
};
use super::{Value, world};
use crate::value::Quantity;

fn expr(kind: ExprKind) -> Expr {
    Expr {
        kind,
        at: Range::default(),
    }
}

fn names() -> impl Strategy<Value = String> {
    let known: Vec<String> = world().types.into_iter().map(|(name, _)| name).collect();
    prop_oneof![9 => prop::sample::select(known), 1 => "[a-z_][a-z0-9_]{0,5}".prop_filter("a name", |n| !super::super::parser::RESERVED.contains(&n.as_str()))]
}

fn fields() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "name", "phase", "restarts", "ready", "note", "p95", "n", "k", "max", "text", "list", "null"
        ])
        .prop_map(str::to_owned),
        "[a-z_][a-z0-9_]{0,5}",
    ]
}

/// Literals as a text can write them: never negative.
fn literals() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![0i64..5, 0..=i64::MAX].prop_map(Value::Int),
        prop_oneof![
            0.0..10.0,
            prop::num::f64::POSITIVE.prop_filter("finite", |x| x.is_finite())
        ]
        .prop_map(Value::Float),
        prop_oneof!["\\PC{0,6}", "[\\x00-\\x20\"'\\\\{}$]{0,4}"].prop_map(Value::String),
        (0u32..1000, "ns|us|ms|s|m|h|d|B|KiB|MB|%|/s|/m|KiB/s|USD|EUR")
            .prop_map(|(n, unit)| Value::Quantity(format!("{n}{unit}").parse::<Quantity>().unwrap())),
    ]
}

const BINARY: [BinaryOp; 16] = [
    BinaryOp::Or,
    BinaryOp::And,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Lt,
    BinaryOp::Le,
    BinaryOp::Gt,
    BinaryOp::Ge,
    BinaryOp::In,
    BinaryOp::NotIn,
    BinaryOp::Contains,
    BinaryOp::Matches,
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
];

/// Any tree that a text can stand for.
fn trees() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        3 => literals().prop_map(|value| expr(ExprKind::Literal(value))),
        3 => names().prop_map(|name| expr(ExprKind::Name(name))),
        1 => Just(expr(ExprKind::Element)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let functions: Vec<String> = FUNCTIONS.iter().map(|f| f.name.to_owned()).collect();
        prop_oneof![
            3 => (inner.clone(), fields()).prop_map(|(base, name)| expr(ExprKind::Field(Box::new(base), name))),
            1 => (inner.clone(), inner.clone()).prop_map(|(base, at)| expr(ExprKind::Index(Box::new(base), Box::new(at)))),
            3 => (
                prop_oneof![19 => prop::sample::select(functions), 1 => Just("nofunction".to_owned())],
                prop::collection::vec(inner.clone(), 0..4),
                any::<bool>()
            )
                .prop_map(|(name, args, method)| {
                    let method = method && !args.is_empty();
                    expr(ExprKind::Call { name, args, method })
                }),
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|items| expr(ExprKind::List(items))),
            1 => (any::<bool>(), inner.clone()).prop_map(|(not, inner)| {
                let op = if not { UnaryOp::Not } else { UnaryOp::Negate };
                expr(ExprKind::Unary(op, Box::new(inner)))
            }),
            4 => (prop::sample::select(BINARY.to_vec()), inner.clone(), inner.clone())
                .prop_map(|(op, left, right)| expr(ExprKind::Binary(op, Box::new(left), Box::new(right)))),
            1 => (inner, any::<bool>())
                .prop_map(|(subject, wanted)| expr(ExprKind::Present { subject: Box::new(subject), wanted })),
        ]
    })
}

/// What may happen at run time to an expression whose types fit: nothing there, no result, a text that does not read.
fn is_of_the_run(error: &super::EvalError) -> bool {
    const OF_THE_RUN: [&str; 24] = [
        "no element",
        "no field",
        "null",
        "has no value",
        "division by zero",
        "too large",
        "out of range",
        "not exact",
        "does not compile",
        "is not a",
        "is not JSON",
        "unknown unit",
        "starts with no number",
        "has no unit",
        "cannot be out of",
        "members have no value",
        "whole number; `round`",
        "not empty",
        "from 0 to 15 digits",
        "takes counts",
        "are no pairs",
        "more than 100%",
        "in the future",
        "is the empty text",
    ];
    error.inconclusive || OF_THE_RUN.iter().any(|known| error.message.contains(known))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_and_reading_gives_the_same_tree(tree in trees()) {
        let text = tree.to_string();
        let read = parse(&text);
        prop_assert!(read.is_ok(), "{}: {:?}", text, read);
        prop_assert_eq!(read.unwrap(), tree, "{}", text);
    }

    #[test]
    fn no_tree_makes_the_evaluator_or_the_checker_panic(tree in trees()) {
        let _ = eval(&tree, &world());
        let _ = check(&tree, &world());
        let _ = check_condition(&tree, &world());
        let _ = tree.paths();
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_sequence_of_tokens_makes_the_parser_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "a", "1", "1.5", "200ms", "5/s", "\"t\"", "'t'", "(", ")", "[", "]", ",", ".", "==", "<", "not", "and", "or",
                "in", "is", "present", "contains", "matches", "-", "*", "/", "null", "true", "f(", ".any(", "\u{e4}", "\"", "=",
            ]),
            0..20,
        ),
        space in any::<bool>(),
    ) {
        let text = words.join(if space { " " } else { "" });
        if let Ok(tree) = parse(&text) {
            prop_assert_eq!(parse(&tree.to_string()), Ok(tree), "{}", text);
        }
    }

    /// The type checker's promise: what it accepts does not fail for its kinds at run time.
    #[test]
    fn what_the_checker_accepts_fits_at_run_time(tree in trees()) {
        let looks_at_json = tree.any(&|part| match &part.kind {
            ExprKind::Name(name) => name == "json_",
            ExprKind::Call { name, .. } => name == "json" || name == "default",
            _ => false,
        });
        if !looks_at_json && let Ok(ty) = check(&tree, &world()) {
            match eval(&tree, &world()) {
                Ok(Value::Null) => prop_assert!(ty.may_be_absent(), "{}: {}", tree, ty),
                Ok(_) => {}
                Err(error) => prop_assert!(is_of_the_run(&error) || ty_is_loose(&tree), "{}: {}", tree, error),
            }
        }
    }
}

/// Lists of different kinds are typed as anything.
fn ty_is_loose(tree: &Expr) -> bool {
    tree.any(&|part| match &part.kind {
        ExprKind::List(items) => items.len() != 1,
        _ => false,
    })
}

#[test]
fn the_deepest_tree_is_evaluated_on_a_small_stack() {
    let text = format!(
        "{}x{}",
        "[".repeat(super::super::MAX_DEPTH - 2),
        "]".repeat(super::super::MAX_DEPTH - 2)
    );
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        let tree = parse(&text).unwrap();
        let _ = check(&tree, &world());
        eval(&tree, &world()).unwrap();
        tree.to_string()
    });
    assert!(thread.unwrap().join().is_ok());
}

/// One of each kind, by name, by path and as literals.
const ATOMS: [&str; 36] = [
    "x",
    "score",
    "name",
    "pod.phase",
    "pod.ready",
    "pod.note",
    "limit",
    "price",
    "created",
    "pods",
    "pod",
    "labels",
    "labels[\"app\"]",
    "times",
    "none",
    "latency",
    "latency.p95",
    "errors",
    "token",
    "maybe",
    "1",
    "1.5",
    "\"Failed\"",
    "\"app\"",
    "200ms",
    "1MiB",
    "1%",
    "5/s",
    "1MiB/s",
    "0.40USD",
    "1EUR",
    "true",
    "null",
    "[1, 2]",
    "[\"app\"]",
    "[200ms]",
];

/// What holds no single value: empty or unequal lists are looked at without looking at their elements.
const CONTAINERS: [&str; 8] = [
    "pods",
    "pod",
    "labels",
    "times",
    "none",
    "[1, 2]",
    "[\"app\"]",
    "[200ms]",
];

/// Whether the checker and the evaluator are of one mind about an expression; with `both_ways` also that what the
/// checker refuses for its kinds has no value.
fn agree(world: &super::World, source: &str, both_ways: bool) -> Result<(), String> {
    let tree = parse(source).map_err(|error| format!("{source}: {error}"))?;
    let value = eval(&tree, world);
    match (check(&tree, world), &value) {
        (Ok(ty), Ok(Value::Null)) if !ty.may_be_absent() => Err(format!("{source}: typed as {ty}, is null")),
        (Ok(_), Err(error)) if !is_of_the_run(error) => Err(format!("{source}: accepted, but: {error}")),
        (Err(findings), Ok(value)) if both_ways => {
            // What has a value may still be a mistake: always the same, or a limit that is surely meant otherwise.
            let of_meaning = findings.iter().all(|f| {
                f.kind == FindingKind::Constant
                    || f.message.contains("needs `%`")
                    || f.message.contains("is never the value here")
                    || f.message.contains("unknown field")
            });
            if of_meaning {
                Ok(())
            } else {
                Err(format!("{source}: is {value}, but: {}", findings[0].message))
            }
        }
        _ => Ok(()),
    }
}

#[test]
fn the_checker_and_the_evaluator_agree_on_every_operator_with_every_kind() {
    let world = world();
    let mut differ = Vec::new();
    for left in ATOMS {
        for right in ATOMS {
            let scalars = !CONTAINERS.contains(&left) && !CONTAINERS.contains(&right);
            for op in BINARY {
                let looks_at_both = scalars && !matches!(op, BinaryOp::And | BinaryOp::Or);
                differ.extend(agree(&world, &format!("{left} {} {right}", op.sign()), looks_at_both).err());
            }
            differ.extend(agree(&world, &format!("{left}[{right}]"), true).err());
        }
        differ.extend(agree(&world, &format!("-{left}"), true).err());
        differ.extend(agree(&world, &format!("not {left}"), true).err());
        differ.extend(agree(&world, &format!("{left} is present"), true).err());
        for field in ["name", "p95", "max", "n", "k", "app"] {
            differ.extend(agree(&world, &format!("({left}).{field}"), true).err());
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
}

#[test]
fn the_checker_and_the_evaluator_agree_on_every_function_with_every_kind() {
    let world = world();
    let mut differ = Vec::new();
    for function in FUNCTIONS {
        let name = function.name;
        let looks_at_all = !["map", "sort", "flatten", "default"].contains(&name);
        for first in ATOMS {
            differ.extend(agree(&world, &format!("{name}({first})"), looks_at_all).err());
            for second in ATOMS
                .iter()
                .copied()
                .chain([". == 1", ".name == \"web-0\"", ". > 1s", "."])
            {
                differ.extend(agree(&world, &format!("{name}({first}, {second})"), looks_at_all).err());
            }
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
}
