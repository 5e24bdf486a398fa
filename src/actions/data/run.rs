//! Checks on an open table: planned, computed in one scan, judged, reported.

use std::collections::BTreeMap;
use std::path::PathBuf;

use polars::prelude::{DataType, IntoLazy as _, PlSmallStr, Series, col};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::rule::{Check, Given, RULES};
use super::rules::{Columns, Elsewhere, Finding, Levels, Outcome, Planned, plan, proof};
use super::table::Table;
use crate::action::{Class, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::tables::{Opened, Room, figures, rows};

/// How many bytes of memory the checks of a table may fill with the prints of values.
const MEMORY: usize = 24 << 20;
/// The rules that count prints.
const COUNTING: [&str; 3] = ["unique", "distinct_count", "unique_proportion"];

/// A check with its words.
#[derive(Clone, Debug)]
pub struct Named {
    pub id: String,
    pub text: String,
    /// The key of its rule.
    pub rule: String,
    pub check: Check,
    /// Columns without which it says nothing, because another check tells that they are missing; for all others a
    /// missing column is an error.
    pub needs: Vec<String>,
}

impl Named {
    pub fn new(id: String, given: Given) -> Self {
        Self {
            id,
            text: words(&given.raw),
            rule: given.rule().to_owned(),
            check: given.check,
            needs: Vec::new(),
        }
    }
}

/// What the checks of a table came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Results {
    /// How many rows the table has.
    pub rows: u64,
    /// The names of its columns, in their order.
    pub columns: Vec<String>,
    /// How many checks passed.
    pub passed: u64,
    /// How many failed, but for those that only warn or inform.
    pub failed: u64,
    /// How many failed that weigh `warning` or `info`, or by `warn_if`.
    pub warned: u64,
    /// How many found nothing to look at.
    pub inconclusive: u64,
    /// Each check.
    pub checks: Vec<CheckResult>,
}

/// What one check came to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CheckResult {
    /// `checks[0]`.
    pub id: String,
    /// What is checked.
    pub text: String,
    /// What it weighs: `critical`, `warning`, `info`.
    pub severity: Severity,
    /// `passed`, `failed`, `inconclusive`.
    pub outcome: String,
    /// Why.
    pub message: String,
    /// The figure or the set that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<Json>,
    /// How many rows there were, after `where`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How many of them were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluated: Option<u64>,
    /// How many of those fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<u64>,
    /// Where the failing rows are, the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_rows: Option<String>,
    /// What decided it, when no row was read for it: `statistics` or `dictionary`, both of a Parquet file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved_by: Option<Proof>,
}

/// What is kept of failing rows.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// At most so many rows a check; none when 0.
    pub most: u32,
    /// Columns whose values are never shown.
    pub hidden: Vec<String>,
    /// Only these columns are kept besides the row's number; all when empty.
    pub keys: Vec<String>,
}

/// Runs checks on a table and reports each as a check of the step. Blocks. What of it decides without a row is in
/// [`computed`].
///
/// # Errors
/// What cannot be right about any of the checks, all at once, before a row is read; what cannot be read.
pub fn run(table: &Table, checks: &[Named], keep: &Keep, cx: &Context) -> Result<Results, Failure> {
    let opened = table.open(cx)?;
    let room = room(checks, cx);
    let columns = Columns {
        schema: &opened.schema,
        room: &room,
    };
    let mut planned: Vec<(Planned, Levels)> = Vec::new();
    let mut wrong = Vec::new();
    for name in keep.hidden.iter().chain(&keep.keys) {
        let told = checks.iter().any(|named| named.needs.contains(name));
        if !opened.schema.contains(name) && !told {
            wrong.push(format!(
                "the table has no column `{name}`, whose values were to be kept or hidden"
            ));
        }
    }
    for named in checks {
        if let Some(missing) = named.needs.iter().find(|n| !opened.schema.contains(n)) {
            let message = format!("the table has no column `{missing}`");
            let finding = Finding::new(Outcome::Inconclusive, message);
            planned.push((Planned::known(finding), Levels::default()));
            continue;
        }
        let elsewhere = elsewhere(&named.check, cx)?;
        let levels = Levels::of(&named.check, &named.rule);
        match plan(&named.check, columns, &elsewhere).and_then(|one| levels.map(|levels| (one, levels))) {
            Ok(one) => planned.push(one),
            Err(why) => wrong.push(format!("{} ({}): {why}", named.id, named.text)),
        }
    }
    if let Some(first) = wrong.first() {
        let message = format!("{} cannot be checked: {first}", opened.name);
        let failure = Failure::new(Class::BadParameter, message);
        return Err(wrong.iter().skip(1).fold(failure, Failure::detail));
    }
    let (rows, values) = computed(&opened, columns, checks, &planned)?;
    let mut results = Results {
        rows,
        columns: opened.schema.iter_names().map(ToString::to_string).collect(),
        passed: 0,
        failed: 0,
        warned: 0,
        inconclusive: 0,
        checks: Vec::new(),
    };
    for ((named, (one, levels)), found) in checks.iter().zip(&planned).zip(&values) {
        let proof = found.proof;
        let found = one.settled(&found.figures, |wanted| figures(&opened, wanted))?;
        let (finding, severity) = levels
            .judge((one.judge)(&found), named.check.severity)
            .map_err(|why| {
                Failure::new(
                    Class::BadParameter,
                    format!("{} ({}): {why}", named.id, named.text),
                )
            })?;
        let finding = hide(finding, &named.check, keep);
        let file = match finding.failing {
            Some(failing) if failing > 0 && keep.most > 0 => failing_rows(&opened, named, one, keep, cx)?,
            _ => None,
        };
        let mut result = report(named, finding, severity, file, cx);
        result.proved_by = proof;
        results.add(result);
    }
    Ok(results)
}

/// Where a check that counts values may put what memory should not hold; all of them together have [`MEMORY`].
fn room(checks: &[Named], cx: &Context) -> Room {
    let counts = |named: &&Named| COUNTING.contains(&named.rule.as_str());
    let several = checks.iter().filter(counts).count().max(1);
    Room::new(&cx.artifact_dir, MEMORY / several)
}

/// What decided a check without a row being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The statistics a Parquet file keeps of its groups of rows.
    Statistics,
    /// The dictionaries of a Parquet file, which hold every value of a column.
    Dictionary,
}

/// The figures of a check, and what gave them if not the rows.
struct Computed {
    figures: Vec<Json>,
    proof: Option<Proof>,
}

/// The table's rows and the figures of each check: from what its files say of themselves where that decides, from one
/// scan for all others.
fn computed(
    opened: &Opened,
    columns: Columns<'_>,
    checks: &[Named],
    planned: &[(Planned, Levels)],
) -> Result<(u64, Vec<Computed>), Failure> {
    let known = opened.statistics();
    let mut dictionaries = BTreeMap::new();
    let mut proved: Vec<Option<Computed>> = checks
        .iter()
        .zip(planned)
        .map(|(named, (one, _))| {
            let known = known.as_ref()?;
            let by = |proof: Proof| {
                move |figures| Computed {
                    figures,
                    proof: Some(proof),
                }
            };
            if let Some(figures) = proof::figures(&named.check, columns, known) {
                return Some(by(Proof::Statistics)(figures));
            }
            let values = |column: &str| {
                let found = dictionaries.entry(column.to_owned());
                found.or_insert_with(|| opened.dictionary(column)).clone()
            };
            proof::by_values(&named.check, known, values, |values| of_values(values, one))
                .map(by(Proof::Dictionary))
        })
        .collect();
    let mut wanted = Vec::new();
    if known.is_none() {
        wanted.push(polars::prelude::len().cast(DataType::UInt64));
    }
    for ((one, _), proved) in planned.iter().zip(&proved) {
        if proved.is_none() {
            wanted.extend(one.figures.iter().cloned());
        }
    }
    let mut scanned = figures(opened, &wanted)?.into_iter();
    let rows = match &known {
        Some(known) => known.rows,
        None => scanned.next().as_ref().and_then(Json::as_u64).unwrap_or(0),
    };
    let found = planned
        .iter()
        .zip(&mut proved)
        .map(|((one, _), proved)| {
            proved.take().unwrap_or_else(|| Computed {
                figures: scanned.by_ref().take(one.figures.len()).collect(),
                proof: None,
            })
        })
        .collect();
    Ok((rows, found))
}

/// The figures of a check over the values of its column instead of the rows.
fn of_values(values: Series, check: &Planned) -> Option<Vec<Json>> {
    let frame = values.into_frame();
    let values = Opened {
        schema: frame.schema().clone(),
        frame: frame.lazy(),
        name: "the values of a column".to_owned(),
        ..Opened::default()
    };
    figures(&values, &check.figures).ok()
}

impl Results {
    fn add(&mut self, result: CheckResult) {
        match result.outcome.as_str() {
            "passed" => self.passed += 1,
            "failed" if result.severity == Severity::Critical => self.failed += 1,
            "failed" => self.warned += 1,
            _ => self.inconclusive += 1,
        }
        self.checks.push(result);
    }
}

/// Turns a finding into a check of the step and a part of the output.
fn report(
    named: &Named,
    finding: Finding,
    severity: Severity,
    file: Option<PathBuf>,
    cx: &Context,
) -> CheckResult {
    let verdict = match finding.outcome {
        Outcome::Passed => Verdict::Passed,
        Outcome::Failed => Verdict::Failed,
        Outcome::Inconclusive => Verdict::Inconclusive,
    };
    let mut outcome = CheckOutcome::new(verdict, finding.message.clone());
    outcome.actual.clone_from(&finding.observed);
    for (key, value) in [
        ("rows", finding.rows),
        ("evaluated", finding.evaluated),
        ("failing", finding.failing),
    ] {
        if let Some(value) = value {
            outcome.statistics.insert(key.to_owned(), Json::from(value));
        }
    }
    let file = file.map(|f| f.display().to_string());
    if let Some(file) = &file {
        outcome.details.push(format!("failing rows: {file}"));
    }
    cx.checks.add(OwnCheck {
        id: named.id.clone(),
        text: named.text.clone(),
        severity,
        outcome,
    });
    CheckResult {
        id: named.id.clone(),
        text: named.text.clone(),
        severity,
        outcome: verdict.word().to_owned(),
        message: finding.message,
        observed: finding.observed,
        rows: finding.rows,
        evaluated: finding.evaluated,
        failing: finding.failing,
        failing_rows: file,
        proved_by: None,
    }
}

/// Takes values of hidden columns out of a finding.
fn hide(mut finding: Finding, check: &Check, keep: &Keep) -> Finding {
    let column = [
        check.distinct_in_set.as_ref().map(|r| &r.column),
        check.distinct_contains.as_ref().map(|r| &r.column),
        check.distinct_equals.as_ref().map(|r| &r.column),
        check.most_common_in_set.as_ref().map(|r| &r.column),
        check.min.as_ref().map(|r| &r.column),
        check.max.as_ref().map(|r| &r.column),
        check.median.as_ref().map(|r| &r.column),
        check.quantile.as_ref().map(|r| &r.column),
    ];
    if column.into_iter().flatten().any(|c| keep.hidden.contains(c)) {
        finding.observed = None;
        "values of this column are not shown".clone_into(&mut finding.message);
    }
    finding
}

/// Writes the first rows that fail as JSON lines.
fn failing_rows(
    opened: &Opened,
    named: &Named,
    planned: &Planned,
    keep: &Keep,
    cx: &Context,
) -> Result<Option<PathBuf>, Failure> {
    let Some(failing) = &planned.failing else {
        return Ok(None);
    };
    let found = rows(opened, failing.among.as_ref(), &failing.is, keep.most)?;
    let mut text = String::new();
    for mut row in found {
        shown(&mut row, keep);
        text.push_str(&Json::Object(row).to_string());
        text.push('\n');
    }
    let name = format!("{}.failing.jsonl", file_name(&named.id));
    let write = |e: std::io::Error| Failure::new(Class::Internal, format!("writing {name}: {e}"));
    let path = cx.artifact(&name).map_err(write)?;
    std::fs::write(&path, cx.tools.redactor.redact(&text)).map_err(write)?;
    Ok(Some(path))
}

fn shown(row: &mut Map<String, Json>, keep: &Keep) {
    if !keep.keys.is_empty() {
        row.retain(|name, _| name == "row" || keep.keys.iter().any(|k| k == name));
    }
    for (name, value) in row.iter_mut() {
        if keep.hidden.contains(name) {
            *value = Json::from("(hidden)");
        }
    }
}

fn file_name(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect::<String>()
        .trim_matches('_')
        .to_owned()
}

/// Reads what a check needs of another table.
fn elsewhere(check: &Check, cx: &Context) -> Result<Elsewhere, Failure> {
    if let Some(rule) = &check.row_count_matches {
        let opened = rule.table.open(cx)?;
        let rows = figures(&opened, &[polars::prelude::len().cast(DataType::UInt64)])?;
        return Ok(Elsewhere {
            rows: rows.first().and_then(Json::as_u64).unwrap_or(0),
            values: None,
        });
    }
    let Some(rule) = &check.references else {
        return Ok(Elsewhere::default());
    };
    let opened = rule.table.open(cx)?;
    if !opened.schema.contains(rule.to.as_str()) {
        let known: Vec<&str> = opened.schema.iter_names().map(PlSmallStr::as_str).collect();
        return Err(crate::tools::tables::unknown_column(
            &rule.to,
            &known,
            &opened.name,
        ));
    }
    let keys = opened
        .frame
        .clone()
        .select([col(rule.to.as_str()).cast(DataType::String).drop_nulls().unique()]);
    let keys = opened.collect(keys)?;
    let values = keys.columns().first().map(|c| c.as_materialized_series().clone());
    Ok(Elsewhere { rows: 0, values })
}

/// The rule of a check in words, from its parameters: `between column=amount min=0`.
pub fn words(params: &Json) -> String {
    let Some(map) = params.as_object() else {
        return String::new();
    };
    if let Some(name) = map.get("name").and_then(Json::as_str) {
        return name.to_owned();
    }
    let Some((rule, value)) = map.iter().find(|(key, _)| RULES.contains(&key.as_str())) else {
        return String::new();
    };
    let mut text = rule.clone();
    match value {
        Json::Object(fields) => {
            for (key, value) in fields {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let short: String = value.chars().take(60).collect();
                let dots = if short.len() < value.len() { "..." } else { "" };
                text = if key == "column" {
                    format!("{text} {short}")
                } else {
                    format!("{text} {key}={short}{dots}")
                };
            }
        }
        other => text = format!("{text} {}", other.as_str().unwrap_or_default()),
    }
    if let Some(condition) = map.get("where").and_then(Json::as_str) {
        text = format!("{text} where {condition}");
    }
    text
}
