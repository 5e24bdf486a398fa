//! From the validator's errors to problems a person understands.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::ParamProblem;
use super::strict::resolve;
use crate::diag;

/// How the message on a key that is not known begins.
pub const UNKNOWN: &str = "unknown parameter";

/// Every problem, each once.
pub fn all<'a>(root: &Json, errors: impl Iterator<Item = ValidationError<'a>>) -> Vec<ParamProblem> {
    let mut found = Vec::new();
    for error in errors {
        one(root, &error, &mut found);
    }
    let mut unique: Vec<ParamProblem> = Vec::with_capacity(found.len());
    for problem in found {
        if !unique.contains(&problem) {
            unique.push(problem);
        }
    }
    unique
}

fn one(root: &Json, error: &ValidationError<'_>, found: &mut Vec<ParamProblem>) {
    let instance = error.instance();
    let schema = schema_of(root, error);
    let pointer = error.instance_path().as_str().to_owned();
    let mut say = |message: String, help: Option<String>| {
        found.push(ParamProblem {
            pointer: pointer.clone(),
            key: None,
            message,
            help,
        });
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = keys(schema);
            for key in unexpected {
                found.push(unknown_key(&pointer, key, &known));
            }
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let about = schema
                .get("properties")
                .and_then(|p| p.get(name))
                .and_then(|p| p.get("description"))
                .and_then(Json::as_str)
                .and_then(|text| text.lines().next())
                .map(|line| format!("`{name}`: {line}"));
            found.push(ParamProblem {
                key: Some(name.to_owned()),
                message: format!("`{name}` is missing"),
                help: about,
                pointer,
            });
        }
        // Whatever the expression gives is judged when it is known.
        _ if has_expression(instance) => {}
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            alternatives(root, error, schema, context, found);
        }
        Kind::OneOfMultipleValid { .. } => say(
            format!(
                "{} fits several forms, so it is not clear which is meant",
                got(instance)
            ),
            None,
        ),
        Kind::Type { .. } => say(
            format!("expected {}, got {}", expected(root, schema), got(instance)),
            None,
        ),
        Kind::Enum { options } => say_choice(
            &mut say,
            instance,
            options.as_array().map_or(&[][..], Vec::as_slice),
        ),
        Kind::Constant { expected_value } => {
            say_choice(&mut say, instance, std::slice::from_ref(expected_value.as_ref()));
        }
        Kind::Format { .. } => {
            let why = instance
                .as_str()
                .and_then(|text| text.parse::<crate::value::Quantity>().err())
                .map(|e| e.to_string());
            say(
                format!("expected {}, got {}", expected(root, schema), got(instance)),
                why,
            );
        }
        Kind::Pattern { pattern } => say(
            format!("{} does not match `{pattern}`", got(instance)),
            about(schema),
        ),
        Kind::Minimum { limit } => say(format!("{} is less than {limit}", got(instance)), None),
        Kind::Maximum { limit } => say(format!("{} is more than {limit}", got(instance)), None),
        Kind::ExclusiveMinimum { limit } => say(format!("{} is not more than {limit}", got(instance)), None),
        Kind::ExclusiveMaximum { limit } => say(format!("{} is not less than {limit}", got(instance)), None),
        Kind::MinItems { limit } => say(format!("{} has fewer than {limit} items", got(instance)), None),
        Kind::MaxItems { limit } => say(format!("{} has more than {limit} items", got(instance)), None),
        Kind::MinLength { limit } => say(
            if *limit == 1 {
                "the text is empty".to_owned()
            } else {
                format!("{} is shorter than {limit} characters", got(instance))
            },
            None,
        ),
        Kind::MaxLength { limit } => say(format!("the text is longer than {limit} characters"), None),
        Kind::MinProperties { limit } => say(format!("{} has fewer than {limit} keys", got(instance)), None),
        Kind::MaxProperties { limit } => say(format!("{} has more than {limit} keys", got(instance)), None),
        Kind::UniqueItems => say("an item of the list stands there twice".to_owned(), None),
        Kind::PropertyNames { error } => one(root, error, found),
        Kind::FalseSchema => say("nothing may stand here".to_owned(), None),
        other => say(
            format!("{} breaks the rule `{}`", got(instance), other.keyword()),
            None,
        ),
    }
}

/// A value that fits none of several forms: the problems of the form that was most likely meant.
fn alternatives(
    root: &Json,
    error: &ValidationError<'_>,
    schema: &Json,
    context: &[Vec<ValidationError<'static>>],
    found: &mut Vec<ParamProblem>,
) {
    let instance = error.instance();
    let pointer = error.instance_path().as_str();
    let branches: Vec<&Json> = ["anyOf", "oneOf"]
        .iter()
        .filter_map(|keyword| schema.get(*keyword)?.as_array())
        .flatten()
        .map(|branch| resolve(root, branch))
        .collect();
    let mut candidates = Vec::new();
    for (i, errors) in context.iter().enumerate() {
        let mut problems = Vec::new();
        for error in errors {
            one(root, error, &mut problems);
        }
        if problems.is_empty() {
            // Only expressions stood in the way.
            return;
        }
        let type_fits = !errors.iter().any(|e| is_of_another_kind(e, pointer));
        candidates.push((i, type_fits, problems));
    }
    // Words to choose from.
    let words: Vec<Json> = branches
        .iter()
        .flat_map(|b| {
            let constant = b.get("const").cloned().into_iter();
            let listed = b
                .get("enum")
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default();
            constant.chain(listed)
        })
        .collect();
    if instance.is_string() && !words.is_empty() && !candidates.iter().any(|c| c.1) {
        say_choice(
            &mut |message, help| {
                found.push(ParamProblem {
                    pointer: pointer.to_owned(),
                    key: None,
                    message,
                    help,
                });
            },
            instance,
            &words,
        );
        return;
    }
    let mut fitting: Vec<_> = candidates.into_iter().filter(|c| c.1).collect();
    if let Some(object) = instance.as_object()
        && fitting.len() > 1
    {
        let known: Vec<&str> = branches.iter().flat_map(|b| keys(b)).collect();
        let strangers: Vec<&String> = object.keys().filter(|k| !known.contains(&k.as_str())).collect();
        if !strangers.is_empty() {
            for key in strangers {
                found.push(unknown_key(pointer, key, &known));
            }
            return;
        }
        let own_level = |problems: &[ParamProblem]| problems.iter().filter(|p| p.pointer == pointer).count();
        fitting.sort_by_key(|(_, _, problems)| (own_level(problems), problems.len()));
        let best = own_level(&fitting[0].2);
        if best > 0
            && fitting.iter().all(|c| own_level(&c.2) == best)
            && branches.iter().all(|b| keys(b).len() == 1)
        {
            let names: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
            found.push(ParamProblem {
                pointer: pointer.to_owned(),
                key: None,
                message: format!("exactly one of {} is expected", names.join(", ")),
                help: None,
            });
            return;
        }
    }
    match fitting.into_iter().next() {
        Some((_, _, problems)) => found.extend(problems),
        None => found.push(ParamProblem {
            pointer: pointer.to_owned(),
            key: None,
            message: format!("expected {}, got {}", expected(root, schema), got(instance)),
            help: None,
        }),
    }
}

/// Whether the value itself is of another kind than asked for, rather than a part of it wrong.
fn is_of_another_kind(error: &ValidationError<'_>, pointer: &str) -> bool {
    error.instance_path().as_str() == pointer
        && match error.kind() {
            Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. } => true,
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => context
                .iter()
                .all(|errors| errors.iter().any(|e| is_of_another_kind(e, pointer))),
            _ => false,
        }
}

fn unknown_key(pointer: &str, key: &str, known: &[&str]) -> ParamProblem {
    let message = if has_expression(&Json::from(key)) {
        format!("`{key}` stands where a key is expected; only values can be expressions")
    } else {
        format!("{UNKNOWN} `{key}`")
    };
    ParamProblem {
        pointer: pointer.to_owned(),
        key: Some(key.to_owned()),
        message,
        help: diag::did_you_mean(key, known.iter().copied()),
    }
}

fn say_choice(say: &mut impl FnMut(String, Option<String>), instance: &Json, options: &[Json]) {
    let words: Vec<String> = options
        .iter()
        .map(|o| o.as_str().map_or_else(|| o.to_string(), str::to_owned))
        .collect();
    let list: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    let help = instance.as_str().and_then(|text| {
        diag::closest(text, words.iter().map(String::as_str)).map(|name| format!("did you mean `{name}`?"))
    });
    let what = if list.len() == 1 {
        list[0].clone()
    } else {
        format!("one of {}", list.join(", "))
    };
    say(format!("expected {what}, got {}", got(instance)), help);
}

/// The schema whose keyword gave the error.
fn schema_of<'a>(root: &'a Json, error: &ValidationError<'_>) -> &'a Json {
    let path = error.schema_path().as_str();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    // `required` and `properties` point below themselves.
    let mut parent = parent;
    loop {
        match root.pointer(parent) {
            Some(schema) if schema.is_object() => return schema,
            _ => match parent.rsplit_once('/') {
                Some((up, _)) => parent = up,
                None => return root,
            },
        }
    }
}

fn keys(schema: &Json) -> Vec<&str> {
    schema
        .get("properties")
        .and_then(Json::as_object)
        .map(|p| p.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

fn about(schema: &Json) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    text.lines().next().map(str::to_owned)
}

/// Whether a text holds `${{` that is not escaped as `$${{`.
fn has_expression(value: &Json) -> bool {
    value.as_str().is_some_and(|text| {
        text.match_indices("${{")
            .any(|(at, _)| !text[..at].ends_with('$'))
    })
}

/// What a schema asks for, in words.
fn expected(root: &Json, schema: &Json) -> String {
    let schema = resolve(root, schema);
    match schema.get("x-quantity").and_then(Json::as_str) {
        Some("duration") => return "a duration such as `30s`".to_owned(),
        Some("bytes") => return "a size such as `16MiB`".to_owned(),
        Some("ratio") => return "a share such as `5%`".to_owned(),
        Some("rate") => return "a rate such as `20/s`".to_owned(),
        _ => {}
    }
    if schema.get("x-secret") == Some(&Json::Bool(true)) {
        return "a secret or text".to_owned();
    }
    if let Some(word) = schema.get("const").or_else(|| {
        schema.get("enum").and_then(|e| e.get(0)).filter(|_| {
            schema
                .get("enum")
                .and_then(Json::as_array)
                .is_some_and(|e| e.len() == 1)
        })
    }) {
        return format!(
            "`{}`",
            word.as_str().map_or_else(|| word.to_string(), str::to_owned)
        );
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(branches) = schema.get(keyword).and_then(Json::as_array) {
            let mut words: Vec<String> = branches.iter().map(|b| expected(root, b)).collect();
            words.dedup();
            return words.join(" or ");
        }
    }
    let word = |name: &str| match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping",
        _ => "nothing",
    };
    match schema.get("type") {
        Some(Json::String(name)) => word(name).to_owned(),
        Some(Json::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Json::as_str).map(word).collect();
            names.join(" or ")
        }
        _ => "something else".to_owned(),
    }
}

/// What a value is, in words; short scalars are shown.
fn got(value: &Json) -> String {
    match value {
        Json::Null => "nothing (null)".to_owned(),
        Json::Bool(b) => format!("`{b}`"),
        Json::Number(n) => format!("the number `{n}`"),
        Json::String(text) if text.chars().count() <= 60 => format!("`{text}`"),
        Json::String(_) => "a long text".to_owned(),
        Json::Array(items) => format!("a list of {}", items.len()),
        Json::Object(fields) => format!("a mapping with {} keys", fields.len()),
    }
}
