use super::*;
use crate::value::expr::parse;

struct Names;

impl TypeScope for Names {
    fn type_of(&self, name: &str) -> Option<Type> {
        let duration = || Type::Quantity(Dimension::Duration);
        let pod = Type::object([
            ("name", Type::String),
            ("phase", Type::Enum(vec!["Running".into(), "Failed".into()])),
            ("restarts", Type::Int),
            ("ready", Type::Bool),
            ("note", Type::String.optional()),
            ("age", duration()),
        ]);
        Some(match name {
            "inputs" => Type::object([
                ("limit", duration()),
                ("size", Type::Quantity(Dimension::Bytes)),
                ("price", Type::Quantity(Dimension::Money("USD".into()))),
                ("token", Type::Secret),
                ("maybe_token", Type::Secret.optional()),
                ("name", Type::String),
            ]),
            "traffic" => Type::object([
                ("sent", Type::Int),
                ("share", Type::Proportion),
                ("latency", Type::Distribution(Dimension::Duration)),
                ("times", Type::list(duration())),
                ("ratio", Type::Quantity(Dimension::Ratio)),
                ("rate", Type::Quantity(Dimension::Rate)),
            ]),
            "pods" => Type::list(pod.clone()),
            "pod" => pod.clone(),
            "labels" => Type::Map(Box::new(Type::String)),
            "body" => Type::Any,
            "created" => Type::Time,
            "maybe" => pod.clone().optional(),
            "." => Type::object([("status", Type::Int), ("body", Type::Any)]),
            _ => return None,
        })
    }

    fn names(&self) -> Vec<String> {
        [
            "inputs", "traffic", "pods", "pod", "labels", "body", "created", "maybe",
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

fn findings(text: &str) -> Vec<Finding> {
    let expr = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    check_condition(&expr, &Names).err().unwrap_or_default()
}

fn type_of(text: &str) -> Type {
    check(&parse(text).unwrap(), &Names).unwrap_or_else(|f| panic!("{text}: {f:?}"))
}

#[track_caller]
fn refused(text: &str, kind: FindingKind, message: &str, help: &str) {
    let found = findings(text);
    let [finding] = found.as_slice() else {
        panic!("{text}: {found:?}");
    };
    assert_eq!(finding.kind, kind, "{text}: {finding:?}");
    assert!(finding.message.contains(message), "{text}: {finding:?}");
    assert!(
        finding.help.as_deref().unwrap_or("").contains(help),
        "{text}: {finding:?}"
    );
}

#[test]
fn what_fits_is_accepted() {
    for text in [
        "traffic.sent == 100",
        "traffic.share == 0%",
        "traffic.share < 1%",
        "traffic.latency.p95 < inputs.limit",
        "traffic.latency.n >= 100 and traffic.latency.missing == 0",
        "quantile(traffic.latency, 97%) < 1s",
        "traffic.sent / 2 < traffic.ratio * 100",
        "traffic.sent / traffic.sent >= traffic.ratio",
        "traffic.sent / 10s > traffic.rate",
        "pods.any(.phase == \"Failed\")",
        "pods.all(.restarts < 3 and .ready)",
        "pods.count(.ready) >= 1",
        "pods.all(.name in [\"a\", \"b\"])",
        "pods[0].name == \"a\"",
        "pods.first().note is absent",
        "pods.all(.note is present)",
        "maybe.name is present",
        "labels[\"app\"] == \"x\"",
        "labels.app is present",
        "labels contains \"app\"",
        "body.a.b[0][\"c\"].d == 3",
        "body.a == 200ms",
        "body.any(.x > 3)",
        ".status == 200 and .body.ok",
        "not pod.ready",
        "created > now() - 1d",
        "age(created) < 1h",
        "now() - created < 1h",
        "inputs.price * 3 <= 1.20USD",
        "inputs.maybe_token is present",
        "default(pod.note, \"\") == \"\"",
        "pod.name matches '^web-\\d+$'",
        "pod.phase != \"Failed\"",
        "len(pods) == 2",
        "len(pods) > 0",
        "pods.map(.age).max() < inputs.limit",
        "pods.sort(.age).last().name == inputs.name",
        "json(pod.name).x == 1",
        "share_above(traffic.latency, 500ms) < 1%",
        "distribution(traffic.times).p95 < 1s",
        "proportion(pods.count(.ready), len(pods)) > 90%",
        "traffic.ratio == 0.5 * traffic.ratio",
        "pod == pods[0]",
        "pods.all(.age * traffic.ratio < 1s)",
    ] {
        assert_eq!(findings(text), [], "{text}");
    }
}

#[test]
fn unknown_names_fields_and_functions_come_with_the_nearest() {
    use FindingKind::{UnknownField, UnknownFunction, UnknownName};
    refused(
        "trafic.sent == 1",
        UnknownName,
        "unknown name `trafic`",
        "traffic",
    );
    refused(
        "pods.any(phase == \"Failed\")",
        UnknownName,
        "unknown name `phase`",
        "write `.phase`",
    );
    refused("len == 3", UnknownName, "unknown name `len`", "is a function");
    refused("pod.ready == True", UnknownName, "unknown name `True`", "`true`");
    refused(
        "status == 200",
        UnknownName,
        "unknown name `status`",
        "write `.status`",
    );
    refused("traffic.snt == 1", UnknownField, "unknown field `snt`", "sent");
    refused(
        "pod[\"nam\"] == \"x\"",
        UnknownField,
        "unknown field `nam`",
        "name",
    );
    refused(
        "traffic.latency.p96 < 1s",
        UnknownField,
        "no field `p96`",
        "quantile(x, 96%)",
    );
    refused("traffic.share.m == 1", UnknownField, "no field `m`", "");
    refused(
        "pods.lenght() == 1",
        UnknownFunction,
        "unknown function `lenght`",
        "",
    );
    refused(
        "pods.size() == 1",
        UnknownFunction,
        "unknown function `size`",
        "write `len`",
    );
    refused(
        "pods.nam == 1",
        FindingKind::Type,
        "has no field `nam`",
        "x.all(.nam",
    );
    refused(
        "pod.name.lower == \"a\"",
        FindingKind::Type,
        "text has no field `lower`",
        "x.lower()",
    );
}

#[test]
fn different_dimensions_are_never_compared_or_added() {
    use FindingKind::Dimension;
    refused(
        "traffic.latency.p95 < inputs.size",
        Dimension,
        "cannot compare a duration with a size in bytes",
        "",
    );
    refused(
        "traffic.latency.p95 < 200",
        Dimension,
        "a duration with a whole number",
        "200ms",
    );
    refused(
        "traffic.sent == 100ms",
        Dimension,
        "a whole number with a duration",
        "unit",
    );
    refused("inputs.limit + inputs.size > 1s", Dimension, "cannot add", "");
    refused(
        "inputs.limit * inputs.limit > 1s",
        Dimension,
        "cannot multiply",
        "",
    );
    refused(
        "inputs.price > 1EUR",
        Dimension,
        "an amount in USD with an amount in EUR",
        "",
    );
    refused("traffic.share < 1", Dimension, "needs `%`", "write `1%`");
    refused(
        "traffic.ratio < 0.05",
        Dimension,
        "needs `%`",
        "`5%` if that is meant",
    );
    refused("0 == traffic.share", Dimension, "needs `%`", "write `0%`");
    refused(
        "quantile(traffic.latency, 0.95) < 1s",
        FindingKind::WrongArguments,
        "a ratio such as `95%`",
        "",
    );
    refused(
        "quantile(traffic.latency, 100%) < 1s",
        FindingKind::WrongArguments,
        "between 0% and 100%",
        "",
    );
}

#[test]
fn different_kinds_are_never_compared() {
    use FindingKind::Type;
    refused(
        "pod.name == 3",
        Type,
        "cannot compare text with a whole number",
        "number(x)",
    );
    refused("pod.name == 200ms", Type, "text with a duration", "duration(x)");
    refused("created == \"2026\"", Type, "a time with text", "time(x)");
    refused(
        "traffic.sent == \"200\"",
        Type,
        "a whole number with text",
        "without quotes: `200`",
    );
    refused(
        "inputs.limit < \"200ms\"",
        Type,
        "text has no order",
        "without quotes: `200ms`",
    );
    refused("pod.name > 3", Type, "text has no order", "number(x)");
    refused("pod.name > 3s", Type, "text has no order", "duration(x)");
    refused(
        "pod.ready == \"true\"",
        Type,
        "cannot compare true or false with text",
        "",
    );
    refused("pods == 3", Type, "a list of", "len(x)");
    refused("pod.name < \"b\"", Type, "text has no order", "number(x)");
    refused("pods < 3", Type, "a list has no order", "len(x)");
    refused(
        "pod.phase == \"Faild\"",
        Type,
        "\"Faild\" is never the value",
        "Failed",
    );
    refused(
        "pod.phase in [\"Failed\", \"Runing\"]",
        Type,
        "\"Runing\" is never",
        "Running",
    );
    refused(
        "pod.note == null",
        Type,
        "compared with null",
        "pod.note is absent",
    );
    refused("pods contains 3", Type, "is never in", "");
    refused("pod.name in \"abc\"", Type, "`in` looks into lists", "contains");
    refused(
        "traffic.sent matches 'x'",
        Type,
        "`matches` looks at text",
        "text(traffic.sent)",
    );
    refused("pod.name matches '('", Type, "does not compile", "");
    refused("traffic.latency < 1s", Type, "a whole sample", ".p95");
    refused("pod.name[0] == \"a\"", Type, "text has no elements", "");
    refused("pods[\"a\"] == \"a\"", Type, "indexed by a whole number", "");
    refused("pods[-1].ready", Type, "counted from 0", "last()");
    refused(
        "pod.name",
        Type,
        "a check is true or false, this is text",
        "pod.name == ",
    );
    refused("traffic.sent", Type, "this is a whole number", "");
    refused(
        "pod.ready and traffic.sent",
        Type,
        "a side of `and` is true or false",
        "",
    );
    refused("not pod.name", Type, "what follows `not` is true or false", "");
    refused("pods.any(.name)", Type, "a predicate is true or false", "");
}

#[test]
fn checks_that_cannot_be_false_are_mistakes() {
    use FindingKind::Constant;
    refused("true", Constant, "always true", "");
    refused("1 < 2", Constant, "always true", "");
    refused("1 + 1 == 3", Constant, "always false", "");
    refused("pod.name == pod.name", Constant, "both sides are the same", "");
    refused("pod.name != pod.name", Constant, "always false", "");
    refused("pod.name is present", Constant, "never absent", "");
    refused("pod.name is absent", Constant, "always false", "");
    refused("len(pods) >= 0", Constant, "never negative", "");
    refused("0 <= pods.count()", Constant, "never negative", "");
    refused("traffic.share >= 0%", Constant, "never negative", "");
    refused("traffic.share <= 100%", Constant, "never more than 100%", "");
    refused("pod.name in []", Constant, "the list is empty", "");
    refused("pod.name contains \"\"", Constant, "the empty text", "");
    refused("pod.name.starts_with(\"\")", Constant, "the empty text", "");
    for pattern in ["", ".*", "a*", "^.*$", "x?"] {
        refused(
            &format!("pod.name matches '{pattern}'"),
            Constant,
            "matches every text",
            "",
        );
    }
    refused(
        "pod.ready or true",
        Constant,
        "a side of `or` that is always true",
        "",
    );
    refused("pod.ready or not pod.ready", Constant, "always true", "");
    refused(
        "pod.name == \"a\" or pod.name != \"a\"",
        Constant,
        "always true",
        "",
    );
    refused(
        "traffic.sent > 3 and traffic.sent <= 3",
        Constant,
        "always false",
        "",
    );
    refused(
        "pods.any(pod.ready)",
        Constant,
        "does not look at the element",
        ".phase",
    );
    refused("pods.any(true)", Constant, "a predicate that is always true", "");
    refused("default(pod.name, \"x\") == \"x\"", Constant, "never absent", "");
}

#[test]
fn patterns_that_say_something_are_accepted() {
    for pattern in ["a", "^$", "^[a-z]+$", "^.{1,80}$", "\\S", "^[ -~]*$", "\\d*x"] {
        assert!(!constant::matches_everything(pattern), "{pattern}");
    }
}

#[test]
fn secrets_are_never_looked_at() {
    use FindingKind::Secret;
    refused("inputs.token == \"x\"", Secret, "a secret may not be", "");
    refused("len(inputs.token) == 3", Secret, "a secret may not be", "");
    refused("inputs.token", Secret, "a secret may not be", "");
    refused("[inputs.token] contains \"x\"", Secret, "a secret may not be", "");
    refused("inputs.token + \"x\" == \"y\"", Secret, "a secret may not be", "");
    assert_eq!(type_of("inputs.token"), Type::Secret);
}

#[test]
fn arguments_are_checked() {
    use FindingKind::WrongArguments;
    refused(
        "pods.any()",
        WrongArguments,
        "`any` takes 2 arguments, got 1",
        "for example",
    );
    refused(
        "pods.join() == \"a\"",
        WrongArguments,
        "`join` takes 2 arguments",
        "",
    );
    refused(
        "traffic.sent.any(. == 1)",
        WrongArguments,
        "`any` takes a list",
        "",
    );
    refused(
        "labels.any(. == \"a\")",
        WrongArguments,
        "`any` takes a list",
        "values()",
    );
    refused("lower(3) == \"a\"", WrongArguments, "`lower` takes text", "");
    refused(
        "pods.sort()[0].ready",
        WrongArguments,
        "has no order",
        "x.sort(.name)",
    );
    refused("pods.sum() > 1", WrongArguments, "takes a list of numbers", "");
    refused(
        "duration(\"200 ms\") < inputs.limit",
        WrongArguments,
        "unknown unit",
        "",
    );
    refused(
        "time(\"yesterday\") < created",
        WrongArguments,
        "is not a time",
        "",
    );
    refused("json(\"{\").a == 1", WrongArguments, "not JSON", "");
    refused(
        "proportion(3, 2) < traffic.ratio",
        WrongArguments,
        "3 cannot be out of 2",
        "",
    );
    refused("traffic.sent / 0 > 1", FindingKind::Type, "division by zero", "");
}

#[test]
fn types_are_derived() {
    for (text, ty) in [
        ("1 + 2", Type::Int),
        ("1 / 2", Type::Number),
        ("traffic.times[0]", Type::Quantity(Dimension::Duration).optional()),
        ("traffic.latency.p95", Type::Quantity(Dimension::Duration)),
        ("traffic.share", Type::Proportion),
        ("1 - 1", Type::Int),
        ("100% - traffic.share", Type::Quantity(Dimension::Ratio)),
        (
            "inputs.size / inputs.limit",
            Type::Quantity(Dimension::Throughput),
        ),
        ("inputs.limit / 1s", Type::Number),
        ("pods.map(.name)", Type::list(Type::String)),
        (
            "pods.filter(.ready).first().age",
            Type::Quantity(Dimension::Duration).optional(),
        ),
        ("[1, 2.5]", Type::list(Type::Number)),
        ("[1, \"a\"]", Type::list(Type::Any)),
        ("labels.keys()", Type::list(Type::String)),
        ("body.x + 1", Type::Any),
        ("default(pod.note, \"\")", Type::String),
        ("true", Type::Bool),
        ("created - 1h", Type::Time),
    ] {
        assert_eq!(type_of(text), ty, "{text}");
    }
}

#[test]
fn every_mistake_is_told_in_order() {
    let found = findings("trafic.sent == 1 and pod.nam == 2 and inputs.limit > 3");
    let kinds: Vec<FindingKind> = found.iter().map(|f| f.kind).collect();
    assert_eq!(
        kinds,
        [
            FindingKind::UnknownName,
            FindingKind::UnknownField,
            FindingKind::Dimension
        ]
    );
    let found = &findings("pod.ready and trafic.sent == 1")[0];
    assert_eq!((found.at.start, found.at.end), (14, 20));
}
