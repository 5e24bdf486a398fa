//! `drift.detect`

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::judge::{Compat, DetectorParams, EvidentlyParams, problems};
use super::plot;
use super::reference::{self, Read, Reference, Sides};
use super::report::ColumnReport;
use super::table::{Loaded, load, reads};
use super::together::{Limits, Together, TogetherReport, p_values};
use crate::action::{Action, Class, Context, Failure, OwnCheck, ParamProblem};
use crate::actions::data::table::Table;
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::stats::drift::Correction;
use crate::stats::drift::column::Side;
use crate::stats::drift::detector::{Finding, Pair};
use crate::stats::drift::measure::Method;
use crate::tools::Capability;
use crate::value::{Proportion, Ratio};

/// Compares the columns of two tables. A column drifted when a corrected p-value is small and the difference is large
/// enough to matter; missing values and categories the reference never had are drift of their own. Columns that cannot
/// be judged (no values, too few for any difference to be significant) make the step inconclusive unless another
/// column drifted, and so does a file that is compared with itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table that shows how it should be, or the profile of it.
    reference: Reference,
    /// The table that is asked about.
    current: Table,
    /// The columns that are compared; all of the reference's without it.
    #[serde(default)]
    columns: Vec<String>,
    /// Columns that are left out: keys, times.
    #[serde(default)]
    exclude: Vec<String>,
    /// Columns of numbers that are codes of categories.
    #[serde(default)]
    categorical: Vec<String>,
    /// Which pictures are drawn; those of all columns without it.
    #[serde(default)]
    plots: Plots,
    /// Tests of all columns at once; none without it.
    #[serde(default)]
    together: Option<Together>,
    /// The seed of permutation tests; from the run's seed without it.
    #[serde(default)]
    seed: Option<u64>,
    /// The method of all columns. `auto` takes Kolmogorov–Smirnov for numbers and chi-square for categories.
    #[serde(default)]
    method: Option<Method>,
    /// Methods of single columns.
    #[serde(default)]
    methods: BTreeMap<String, Method>,
    /// The chance of a false alarm that is accepted, over all columns together; 5% without it.
    #[serde(default)]
    alpha: Option<Ratio>,
    /// The smallest effect that matters, 0.1 without it: a significant but smaller difference is no drift. Its scale
    /// is the method's: standard deviations for tests of numbers, Cramér's V for tests of categories, else the
    /// distance itself.
    #[serde(default)]
    #[schemars(range(min = 0))]
    min_effect: Option<f64>,
    /// The smallest difference between the shares of missing values that matters; 1% without it.
    #[serde(default)]
    min_missing: Option<Ratio>,
    /// How the p-values of all columns are corrected; `holm` without it.
    #[serde(default)]
    correction: Option<Correction>,
    /// Whether a category that the reference never had is drift even when it is seen once.
    #[serde(default)]
    any_new_category: Option<bool>,
    /// Judges as another program does, number for number and with its quirks.
    #[serde(default)]
    compat: Option<Compat>,
    /// Settings for `compat: evidently`.
    #[serde(default)]
    evidently: Option<EvidentlyParams>,
}

/// Of which columns pictures are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Plots {
    #[default]
    All,
    Drifted,
    None,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Whether any column drifted, or all of them together (with `compat: evidently`: whether enough columns did).
    drifted: bool,
    /// The names of the columns that drifted.
    drifted_columns: Vec<String>,
    /// How many of the compared columns drifted.
    share: Proportion,
    /// What was found in each column, in the order of the reference.
    columns: Vec<ColumnReport>,
    /// What tests of all columns at once found, in the order they were asked for.
    together: Vec<TogetherReport>,
    /// Rows of the reference.
    reference_rows: u64,
    /// Rows of the current table.
    current_rows: usize,
    /// Columns of the current table that the reference does not have.
    only_in_current: Vec<String>,
}

pub(super) struct Detect;

impl Action for Detect {
    const NAME: &'static str = "drift.detect";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        vec![reference::reads(params, "reference"), reads(params, "current")]
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let mut all = problems(params, "");
        all.extend(reference::problems(params));
        all
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let what = format!(
            "comparing `{}` with `{}`",
            params.current.path(),
            params.reference.path()
        );
        super::aside(cx, &what, move |cx| detect(&params, cx)).await
    }
}

impl Params {
    fn detector(&self) -> DetectorParams {
        DetectorParams {
            method: self.method,
            methods: self.methods.clone(),
            alpha: self.alpha,
            min_effect: self.min_effect,
            min_missing: self.min_missing,
            correction: self.correction,
            any_new_category: self.any_new_category,
            compat: self.compat,
            evidently: self.evidently.clone(),
        }
    }
}

fn detect(params: &Params, cx: &Context) -> Result<Output, Failure> {
    let (reference, current) = (params.reference.read(cx)?, load(&params.current, cx)?);
    let names = chosen(
        &reference.columns(),
        reference.name(),
        &params.columns,
        &params.exclude,
    )?;
    same_times(&reference, &current, &names)?;
    let (a, rows) = reference.sides(&names, &params.categorical)?;
    let frame = current.frame(&names, &params.categorical)?;
    let detector = params.detector();
    let kinds: Vec<(&str, bool)> = a
        .iter()
        .map(|(name, side)| (name.as_str(), matches!(side, Side::Numeric { .. })))
        .collect();
    detector.fits(&kinds)?;
    let b = frame
        .0
        .iter()
        .map(|(name, column)| (name.clone(), column.side()))
        .collect();
    let pairs = pairs(a, b, reference.name(), &current.name)?;
    let mut rng = StdRng::seed_from_u64(params.seed.unwrap_or(cx.seed));
    let tested = match &params.together {
        None => Vec::new(),
        Some(together) => together.run(rows.as_ref(), &frame, &mut rng)?,
    };
    let (columns_drifted, found) = detector
        .judge(0.05)
        .run_with(&pairs, &p_values(&tested), &mut rng);
    let limits = Limits {
        alpha: params.alpha.map_or(0.05, |a| a.0),
        min_effect: params.min_effect.unwrap_or(0.1),
    };
    let together = params.together.as_ref().map_or_else(Vec::new, |together| {
        together.report(tested, &found.others, found.factor, limits)
    });
    let found = found.columns;
    let drifted = columns_drifted || together.iter().any(|t| t.drifted == Some(true));
    if !drifted {
        inconclusive(&found, &together, cx);
        with_itself(params, cx);
    }
    let columns = reports(&found, &pairs, params.plots, &reference, cx)?;
    let drifted_columns: Vec<String> = found
        .iter()
        .filter(|f| f.drifted())
        .map(|f| f.column.clone())
        .collect();
    Ok(Output {
        drifted,
        share: Proportion {
            k: drifted_columns.len() as u64,
            n: found.len() as u64,
        },
        drifted_columns,
        columns,
        together,
        reference_rows: reference.rows(),
        current_rows: current.data.height(),
        only_in_current: current
            .columns()
            .into_iter()
            .filter(|c| !reference.columns().contains(c))
            .map(str::to_owned)
            .collect(),
    })
}

/// Refuses times of different units, which are compared by the numbers they are kept as.
fn same_times(reference: &Read, current: &Loaded, names: &[String]) -> Result<(), Failure> {
    for name in names {
        let (Some(a), Some(b)) = (reference.kind(name), current.kind(name)) else {
            continue;
        };
        let times = |kind: &str| ["date", "time", "duration"].iter().any(|t| kind.starts_with(t));
        if a != b && (times(&a) || times(&b)) {
            let (first, second) = (reference.name(), &current.name);
            return Err(Failure::new(
                Class::UnreadableAnswer,
                format!("the column `{name}` has the type {a} in {first} and {b} in {second}"),
            )
            .help(format!("leave it out: `exclude: [{name}]`")));
        }
    }
    Ok(())
}

/// What was found in each column, with its picture where one is wanted.
fn reports(
    found: &[Finding],
    pairs: &[Pair],
    plots: Plots,
    reference: &Read,
    cx: &Context,
) -> Result<Vec<ColumnReport>, Failure> {
    let mut columns = Vec::with_capacity(found.len());
    for (number, (found, pair)) in found.iter().zip(pairs).enumerate() {
        let mut report = ColumnReport::new(found, pair);
        if let Some((values, missing)) = reference.counts(&pair.column) {
            report.of_profile(values, missing);
        }
        let wanted = match plots {
            Plots::All => true,
            Plots::Drifted => found.drifted(),
            Plots::None => false,
        };
        if wanted && let Some((bars, svg)) = plot::distributions(pair, found.drifted()) {
            report.plot = Some(plot::keep(cx, &format!("{number:03}-{}", pair.column), &svg)?);
            report.bars = Some(bars);
        }
        columns.push(report);
    }
    Ok(columns)
}

/// The columns that are compared, in the order of the reference.
pub(super) fn chosen(
    known: &[&str],
    table: &str,
    columns: &[String],
    exclude: &[String],
) -> Result<Vec<String>, Failure> {
    for name in columns.iter().chain(exclude) {
        if !known.contains(&name.as_str()) {
            return Err(crate::tools::tables::unknown_column(name, known, table));
        }
    }
    let wanted = |name: &&str| {
        (columns.is_empty() || columns.iter().any(|c| c == name)) && !exclude.iter().any(|c| c == name)
    };
    let names: Vec<String> = known.iter().copied().filter(wanted).map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Failure::new(
            Class::BadParameter,
            format!("no column of {table} is left to compare"),
        ));
    }
    Ok(names)
}

/// The two sides of every column. A side without any value takes the other's kind, since a file does not tell it.
fn pairs(a: Sides, b: Sides, reference: &str, current: &str) -> Result<Vec<Pair>, Failure> {
    let mut out = Vec::with_capacity(a.len());
    for ((column, mut a), (_, mut b)) in a.into_iter().zip(b) {
        if a.is_empty() {
            a = empty_like(&b, a.missing());
        } else if b.is_empty() {
            b = empty_like(&a, b.missing());
        }
        let numeric = |side: &Side| matches!(side, Side::Numeric { .. });
        if numeric(&a) != numeric(&b) {
            let kind = |side: &Side| if numeric(side) { "numbers" } else { "text" };
            return Err(Failure::new(
                Class::UnreadableAnswer,
                format!(
                    "the column `{column}` has {} in {reference} and {} in {current}",
                    kind(&a),
                    kind(&b)
                ),
            )
            .help(format!(
                "if its numbers are codes, compare them as such: `categorical: [{column}]`"
            )));
        }
        out.push(Pair {
            column,
            reference: a,
            current: b,
        });
    }
    Ok(out)
}

fn empty_like(other: &Side, missing: u64) -> Side {
    match other {
        Side::Numeric { .. } => Side::Numeric {
            values: crate::stats::drift::Sorted::default(),
            missing,
        },
        Side::Categorical { .. } => Side::Categorical {
            counts: BTreeMap::new(),
            missing,
        },
    }
}

/// A file does not drift from itself: that is a check of nothing.
fn with_itself(params: &Params, cx: &Context) {
    let (reference, current) = (params.reference.path(), params.current.path());
    let real = |path: &str| cx.base_dir.join(path).canonicalize().ok();
    let one = reference == current || real(reference).is_some_and(|file| real(current) == Some(file));
    if one {
        cx.checks.add(OwnCheck {
            id: "drift".to_owned(),
            text: "the tables are two".to_owned(),
            severity: Severity::Critical,
            outcome: CheckOutcome::new(
                Verdict::Inconclusive,
                format!("`{current}` was compared with itself, which says nothing of drift"),
            ),
        });
    }
}

/// "Nothing drifted" is not known while a column or a test of all could not be judged: each gives a check that says so.
fn inconclusive(found: &[Finding], together: &[TogetherReport], cx: &Context) {
    let columns = found.iter().map(|f| (f.column.as_str(), &f.unable));
    let tests = together.iter().map(|t| (t.word(), &t.unable));
    for (what, unable) in columns.chain(tests) {
        if let Some(why) = unable {
            cx.checks.add(OwnCheck {
                id: format!("drift[{what}]"),
                text: format!("`{what}` can be compared"),
                severity: Severity::Critical,
                outcome: CheckOutcome::new(
                    Verdict::Inconclusive,
                    format!("`{what}` could not be judged: {why}"),
                ),
            });
        }
    }
}
