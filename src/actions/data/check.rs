//! `data.check`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::rule::{Given, RULES, rule_of};
use super::run::{Keep, Named, Results, run};
use super::suite::great_expectations;
use super::table::Table;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::Quantity;

/// The largest suite that is read, in bytes.
const SUITE: u64 = 16 << 20;

/// Checks a table: each check becomes a check of the step, all are computed in one scan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table.
    table: Table,
    /// What must hold. Each has exactly one rule.
    #[serde(default)]
    checks: Vec<Given>,
    /// A suite of Great Expectations, as JSON; each expectation becomes a check. An expectation that is not known is
    /// an error.
    #[serde(default)]
    expect_suite: Option<String>,
    /// How many failing rows of each check are kept in the run's folder.
    #[serde(default = "few")]
    keep_failing: u32,
    /// Columns that tell a row in what is kept; all columns when empty.
    #[serde(default)]
    key: Vec<String>,
    /// Columns whose values are never shown nor kept.
    #[serde(default)]
    hide: Vec<String>,
}

pub(super) struct DataCheck;

impl Action for DataCheck {
    const NAME: &'static str = "data.check";
    type Params = Params;
    type Output = Results;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = super::table::reads(params);
        if let Some(path) = params.get("expect_suite").and_then(Json::as_str) {
            let path = if path.contains("${{") { "?" } else { path };
            all.push(Capability::Read {
                path: path.to_owned(),
            });
        }
        all
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let mut problems = Vec::new();
        let checks = params.get("checks").and_then(Json::as_array);
        if params.get("expect_suite").is_none()
            && !params
                .get("checks")
                .is_some_and(|c| c.is_string() || c.as_array().is_some_and(|c| !c.is_empty()))
        {
            problems.push(ParamProblem {
                pointer: String::new(),
                key: None,
                message: "nothing is checked: give `checks` or `expect_suite`".to_owned(),
                help: None,
            });
        }
        for (i, check) in checks.into_iter().flatten().enumerate() {
            problems.extend(one_rule(check, &format!("/checks/{i}")));
            problems.extend(limits(check, &format!("/checks/{i}")));
            problems.extend(never_fails(check, &format!("/checks/{i}")));
        }
        problems
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Results, Failure> {
        let inner = cx.clone();
        super::aside(cx, "checking the table", move || checked(&params, &inner)).await
    }
}

/// The problem of a check that has not exactly one rule.
pub(super) fn one_rule(check: &Json, pointer: &str) -> Option<ParamProblem> {
    let map = check.as_object()?;
    let rules: Vec<&str> = map
        .keys()
        .map(String::as_str)
        .filter(|k| RULES.contains(k))
        .collect();
    let message = match rules.as_slice() {
        [_] => return None,
        [] => "no rule is given".to_owned(),
        several => format!(
            "{} rules are given: {}; split them",
            several.len(),
            several.join(", ")
        ),
    };
    Some(ParamProblem {
        pointer: pointer.to_owned(),
        key: None,
        message,
        help: rules
            .is_empty()
            .then(|| format!("rules are {}", RULES.join(", "))),
    })
}

/// The problem of a check that no table could fail.
fn never_fails(check: &Json, pointer: &str) -> Option<ParamProblem> {
    let problem = |at: String, why: &str| ParamProblem {
        pointer: format!("{pointer}/{at}"),
        key: None,
        message: format!("no table could fail this: {why}"),
        help: None,
    };
    if ["warn_if", "fail_if"].iter().any(|key| check.get(*key).is_some()) {
        return None;
    }
    let allowed = check.get("max_failing").and_then(Json::as_str);
    if allowed.is_some_and(|text| text.parse::<Quantity>().is_ok_and(|share| share.value >= 1.0)) {
        return Some(problem("max_failing".to_owned(), "every row may"));
    }
    let only = |rule: &str, bound: &str| {
        let bounds = check.get(rule)?.as_object()?;
        let alone = bounds.keys().all(|key| key == bound || key == "column");
        bounds.get(bound)?.as_f64().filter(|_| alone)
    };
    let counts = ["row_count", "column_count", "length", "distinct_count"];
    let shares = ["null_fraction", "unique_proportion"];
    for rule in counts.into_iter().chain(shares) {
        if only(rule, "min").is_some_and(|min| min <= 0.0) {
            return Some(problem(format!("{rule}/min"), "nothing is less than none"));
        }
    }
    for rule in shares {
        if only(rule, "max").is_some_and(|max| max >= 1.0) {
            return Some(problem(format!("{rule}/max"), "no share is more than all"));
        }
    }
    let pattern = check.get("matches")?.get("pattern")?.as_str()?;
    pattern.is_empty().then(|| {
        problem(
            "matches/pattern".to_owned(),
            "the empty pattern matches every text",
        )
    })
}

/// The mistakes in the limits of a check, as far as they are known before the run.
fn limits(check: &Json, pointer: &str) -> Vec<ParamProblem> {
    let rule = rule_of(check);
    let mut all = Vec::new();
    for key in ["warn_if", "fail_if"] {
        let Some(text) = check
            .get(key)
            .and_then(Json::as_str)
            .filter(|t| !t.contains("${{"))
        else {
            continue;
        };
        if rule.is_empty() {
            continue;
        }
        if let Err(message) = super::rules::limit(text, key, rule) {
            all.push(ParamProblem {
                pointer: format!("{pointer}/{key}"),
                key: None,
                message,
                help: None,
            });
        }
    }
    all
}

fn checked(params: &Params, cx: &Context) -> Result<Results, Failure> {
    let mut checks: Vec<Named> = Vec::new();
    for (i, given) in params.checks.iter().enumerate() {
        if let Some(problem) = one_rule(&given.raw, "") {
            let message = format!("checks[{i}]: {}", problem.message);
            return Err(Failure::new(Class::BadParameter, message));
        }
        checks.push(Named::new(format!("checks[{i}]"), given.clone()));
    }
    if let Some(path) = &params.expect_suite {
        let content = cx.tools.files.read(&cx.base_dir, path, SUITE)?;
        checks.extend(suite(path, &content.bytes)?);
    }
    if checks.is_empty() {
        return Err(Failure::new(
            Class::BadParameter,
            "nothing is checked: there are no checks",
        ));
    }
    let keep = Keep {
        most: params.keep_failing,
        hidden: params.hide.clone(),
        keys: params.key.clone(),
    };
    run(&params.table, &checks, &keep, cx)
}

/// The checks of a suite; all that cannot be run are told at once.
fn suite(path: &str, bytes: &[u8]) -> Result<Vec<Named>, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let converted = great_expectations(&text)
        .map_err(|why| Failure::new(Class::UnreadableAnswer, format!("the suite `{path}`: {why}")))?;
    let mut checks = Vec::new();
    let mut wrong = Vec::new();
    for (i, one) in converted.into_iter().enumerate() {
        let made = one.checks.and_then(|all| {
            all.into_iter()
                .map(serde_json::from_value::<Given>)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| format!("its parameters: {e}"))
        });
        match made {
            Ok(several) => {
                let alone = several.len() == 1;
                for (n, given) in several.into_iter().enumerate() {
                    let id = if alone {
                        format!("suite[{i}]")
                    } else {
                        format!("suite[{i}.{n}]")
                    };
                    checks.push(Named::new(id, given));
                }
            }
            Err(why) => wrong.push(format!("suite[{i}] {}: {why}", one.name)),
        }
    }
    match wrong.first() {
        None => Ok(checks),
        Some(first) => {
            let message = format!("the suite `{path}` cannot be run: {first}");
            let failure = Failure::new(Class::BadParameter, message);
            Err(wrong.iter().skip(1).fold(failure, Failure::detail))
        }
    }
}

const fn few() -> u32 {
    20
}
