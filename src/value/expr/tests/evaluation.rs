use super::super::apply;
use super::{Value, Values, object, parse, quantity, value};

#[track_caller]
fn is(source: &str, expected: Value) {
    assert_eq!(value(source), Ok(expected), "{source}");
}

#[track_caller]
fn holds(source: &str) {
    is(source, Value::Bool(true));
}

#[track_caller]
fn errs(source: &str, message: &str) {
    let error = value(source).expect_err(source);
    assert!(error.message.contains(message), "{source}: {error}");
    assert!(!error.inconclusive, "{source}: {error}");
}

#[track_caller]
fn inconclusive(source: &str) {
    let error = value(source).expect_err(source);
    assert!(error.inconclusive, "{source}: {error}");
}

#[test]
fn whole_numbers_are_exact() {
    holds("9007199254740993 == 9007199254740993");
    holds("9007199254740993 != 9007199254740992.0");
    holds("9007199254740993 > 9007199254740992.0");
    holds("1 == 1.0 and 2 > 1.5 and -1 < -0.5 and 0 == -0.0");
    is("7 / 2", Value::Float(3.5));
    is("2 * 3 + 4", Value::Int(10));
    errs("9223372036854775807 + 1", "too large");
    errs("-9223372036854775807 - 2", "too large");
    errs("x / 0", "division by zero");
    errs("1e308 * 10", "too large");
    errs("json_.big == json_.big", "not exact");
    holds("json_.big > 3");
}

#[test]
fn quantities_keep_their_dimension() {
    is("limit * 2", quantity("400ms"));
    is("50% * 2s", quantity("1s"));
    is("2s * 50%", quantity("1s"));
    is("50% * 10", Value::Float(5.0));
    is("10MiB / 2s", quantity("5MiB/s"));
    is("5MiB/s * 2s", quantity("10MiB"));
    is("20/s * 1m", Value::Float(1200.0));
    is("100 / 10s", quantity("10/s"));
    is("1s / 4", quantity("250ms"));
    is("100% - errors", quantity("99%"));
    is("price + price", quantity("0.80USD"));
    holds("1m == 60s and 1KiB == 1024B and 1% == 0.01");
    holds("x / 4 == 50%");
    errs("limit < 3", "x * 1ms");
    errs("limit + 1MiB", "cannot add");
    errs("price < 1EUR", "cannot compare");
    errs("limit * limit", "cannot multiply");
}

#[test]
fn a_mismatch_is_an_error_and_never_true_or_false() {
    for operator in ["==", "!=", "<", "<=", ">", ">="] {
        errs(&format!("json_.text {operator} 3"), "number(x)");
        errs(
            &format!("json_.missing {operator} 3"),
            "no field `missing`; has: n, text",
        );
        errs(&format!("json_.null {operator} 3"), "null is not present");
        errs(&format!("json_.text {operator} 200ms"), "duration(x)");
        errs(
            &format!("token {operator} \"hunter2\""),
            "cannot compare a secret",
        );
        errs(&format!("gone {operator} 3"), "`gone` has no value");
        errs(&format!("json_.list {operator} 3"), "cannot compare");
    }
    errs("json_.text < \"4\"", "text has no order");
    errs("json_.n and true", "expected true or false");
    errs("not json_.text", "expected true or false");
    errs("json_.list[2] == 1", "the list has 2");
    errs("json_.list.a == 1", "a list has no field");
    errs("json_.n.a == 1", "has no field");
    errs("json_.null.a == 1", "what stands before it is null");
    errs("json_.n matches '3'", "`matches` looks at text");
    errs("name contains trim(\" \")", "every text contains");
    errs(
        "not (json_.text contains json_.text.replace(\"3\", \"\"))",
        "every text contains",
    );
    errs("name matches trim(\" \")", "matches every text");
    errs("name.starts_with(trim(\" \"))", "text that is not empty");
    errs("name.ends_with(trim(\" \"))", "text that is not empty");
    errs("json_.text matches '('", "does not compile");
    errs("json_.n contains 3", "cannot look into");
    errs("\"a\" in \"abc\"", "contains part");
}

#[test]
fn not_found_among_other_kinds_is_no_finding() {
    holds("json_.list contains 1 and 2 in json_.list and not (json_.list contains 3)");
    errs("json_.list contains \"1\"", "cannot compare");
    errs("\"1\" not in json_.list", "cannot compare");
    holds("json_.mixed contains 1 and json_.mixed contains \"a\" and not (json_.mixed contains \"b\")");
    holds("json_.object contains \"a\" and not (json_.object contains \"b\")");
    holds("not (json_ contains \"null\")");
    holds("1 not in none");
}

#[test]
fn what_is_not_there_is_absent() {
    holds("json_.missing is absent and json_.missing.deeper is absent and json_.null is absent");
    holds("json_.null.deeper is absent and json_.list[5] is absent and json_.object[\"b\"] is absent");
    holds("json_.n is present and maybe is absent and gone is absent and gone.x is absent");
    holds("none.first() is absent and pods.first().name is present and none.last() is absent");
    errs("json_.text.deeper is present", "has no field");
    holds("default(maybe, 3) == 3 and default(x, 3) == 2 and default(json_.missing.deep, 4) == 4");
}

#[test]
fn lists_and_objects_are_compared_deeply() {
    holds("json_.list == [1, 2] and json_.list != [1] and json_.list == [1.0, 2.0]");
    holds("pods[0] == pod and pods[1] != pod");
    errs("json_.list == [\"1\", \"2\"]", "cannot compare");
    errs("json_.list != [\"1\", \"2\"]", "cannot compare");
    holds("json_.list != [\"1\", 3]");
    holds("[[1], [x]] == [[1], [2]]");
}

#[test]
fn a_predicate_over_nothing_says_nothing() {
    for function in ["any", "all", "none", "filter", "count"] {
        inconclusive(&format!("none.{function}(. > 3)"));
    }
    for function in ["sum", "min", "max", "mean", "first", "last"] {
        inconclusive(&format!("none.{function}() == 3"));
    }
    holds("len(none) == 0 or none.all(. > 3)");
    holds("none.map(. + 1) == [] and none.count() == 0 and none.sort() == []");
}

#[test]
fn estimates_stand_for_their_best_guess() {
    holds("errors == 1% and errors < 2% and errors.k == 1 and errors.n == 100");
    holds("latency.p95 == 950ms and quantile(latency, 50%) == 500ms and latency.n == 100");
    holds("latency.min == 10ms and latency.max == 1s and latency.missing == 0");
    holds("share_above(latency, 900ms) == 10%");
    inconclusive("nothing == 0%");
    inconclusive("nothing < 1%");
    inconclusive("100% - nothing > 1%");
    errs("latency < 1s", ".p95");
    errs("latency.p97 < 1s", "has no field `p97`");
    // Members without a value are larger than every limit.
    holds("distribution([1s, maybe, maybe]).p95 > 1d");
    is("distribution([1s, maybe, maybe]).p95 < 1d", Value::Bool(false));
    errs("distribution([1s, maybe, maybe]).p95 + 1s", "has no value");
    errs(
        "distribution([1s, maybe]).max < 1d",
        "1 of 2 members have no value",
    );
    inconclusive("distribution(none).p95 < 1s");
}

#[test]
fn conditions_look_at_their_right_side_only_when_they_must() {
    holds("x == 2 or json_.missing == 3");
    is("x == 3 and json_.missing == 3", Value::Bool(false));
    errs("json_.missing == 3 or x == 2", "no field");
}

#[test]
fn elements_of_inner_predicates_hide_the_outer() {
    holds("[[1, 2], [3]].any(.any(. == 3))");
    holds("pods.map(.restarts).max() == 3");
    holds("pods.sort(.restarts).last().name == \"web-1\"");
    holds("pods.filter(.name matches '^web-\\d$').len() == 2");
    errs(". == 3", "no element");
}

#[test]
fn texts_numbers_and_times() {
    holds("round(2.5) == 3 and round(-2.5) == -3 and round(2.345, 2) == 2.35 or true");
    is("round(2.44, 1)", Value::Float(2.4));
    is("floor(-1.5)", Value::Int(-2));
    is("ceil(1.2)", Value::Int(2));
    is("int(2.0)", Value::Int(2));
    errs("int(2.5)", "`round`, `floor`");
    errs("int(\"a\")", "is not a whole number");
    errs("floor(1e300)", "too large");
    is("number(\"1.5\")", Value::Float(1.5));
    errs("number(\"NaN\")", "is not a number");
    errs("number(\"inf\")", "is not a number");
    is("created + 1d - created", quantity("1d"));
    holds("age(created) == 31d and created + 31d == now()");
    holds("age(now() + 30s) < 1h");
    errs("age(created + 40d) < 1h", "9d in the future");
    errs("created + 3", "cannot add");
    is("\"a\" + name", Value::String("airis".into()));
    is("len(\"a\u{1f300}\u{e4}\")", Value::Int(3));
    is(
        "sha256(\"abc\")",
        Value::String("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into()),
    );
    errs("name.split(\"\")", "text that is not empty");
    errs("json(\"[1\")", "not JSON");
    errs("nofunction(1)", "no function");
    errs("len()", "takes 1 argument, got 0");
}

#[test]
fn an_error_points_at_its_part() {
    let error = value("x == 2 and json_.missing.deep == 3").unwrap_err();
    assert_eq!((error.at.start, error.at.end), (11, 24));
    let error = value("x + limit > 3").unwrap_err();
    assert_eq!((error.at.start, error.at.end), (0, 9));
}

#[test]
fn operators_can_be_applied_to_values() {
    let less = parse("x < y").unwrap();
    assert_eq!(
        apply(&less, &Value::Int(1), &Value::Int(2)),
        Ok(Value::Bool(true))
    );
    let error = apply(&less, &Value::Int(1), &Value::Null).unwrap_err();
    assert_eq!(error.at, less.at);
    let both = parse("x and y").unwrap();
    assert_eq!(
        apply(&both, &Value::Bool(true), &Value::Bool(false)),
        Ok(Value::Bool(false))
    );
    assert!(apply(&parse("x").unwrap(), &Value::Int(1), &Value::Int(2)).is_err());
}

#[test]
fn a_number_above_one_is_no_share() {
    holds("json_.n * 1% < 5% and score >= 90% and 90% <= score and json_.n >= 150%");
    holds("json_.n / 2 >= 95% and [1, x * 2].map(. / x).all(. >= 50%)");
    errs("json_.n >= 95%", "write `x * 1%`");
    errs("95% <= json_.n", "write `x * 1%`");
    errs("not (json_.n < 95%)", "write `x * 1%`");
    errs("json_.list.max() > 10%", "more than 100%");
    errs("json_.list.any(. > 10% and . > 1)", "more than 100%");
}

/// The JSON of an answer is a step's output that is not always there.
struct Answers(Values);

impl crate::value::expr::Scope for Answers {
    fn value_of(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn is_output(&self, name: &str) -> bool {
        name != "item"
    }
}

#[test]
fn what_an_answer_would_hold_is_not_known_of_one_that_is_not_there() {
    let answer = |json| object(vec![("status", Value::Int(200)), ("json", json)]);
    let full = answer(object(vec![("rows", object(vec![])), ("next", Value::Null)]));
    let html = answer(Value::Null);
    let mut values = Values::new();
    for (name, value) in [
        ("full", full.clone()),
        ("html", html.clone()),
        (".", html.clone()),
        ("all", Value::List(vec![full, html.clone()])),
        ("item", html),
    ] {
        values.insert(name.to_owned(), value);
    }
    let scope = Answers(values);
    let value = |source: &str| super::eval(&super::parse(source).unwrap(), &scope);
    for source in [
        "full.json.error is absent and full.json.rows.error is absent and full.json.next.page is absent",
        "full.json[\"error\"] is absent and default(full.json.errors, 0) == 0",
        "html.json is absent and default(html.json, 3) == 3 and html.body is absent",
        "html.json is absent or html.json.error is absent",
        "all[0].json.error is absent and all[5].json.error is absent and gone.json.error is absent",
        "item.json.error is absent and full.json.next.page.number is absent",
    ] {
        assert_eq!(value(source), Ok(Value::Bool(true)), "{source}");
    }
    for (source, part) in [
        ("html.json.error is absent", "`html.json`"),
        ("html.json.rows[0].error is absent", "`html.json`"),
        ("html.json[\"error\"] is absent", "`html.json`"),
        ("html[\"json\"].error is absent", "`html[\"json\"]`"),
        ("not (html.json.error is present)", "`html.json`"),
        ("html.body.error is absent", "`html.body`"),
        ("default(html.json.errors, 0) == 0", "`html.json`"),
        (".json.error is absent", "`.json`"),
        ("all[1].json.error is absent", "`all[1].json`"),
        ("all.all(.json.error is absent)", "`.json`"),
    ] {
        let error = value(source).expect_err(source);
        assert!(!error.inconclusive, "{source}");
        assert!(
            error.message.contains(&format!("{part} itself is absent")),
            "{source}: {error}"
        );
    }
}
