//! `drift.detect`

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::judge::{Compat, DetectorParams, EvidentlyParams, problems};
use super::plot;
use super::report::ColumnReport;
use super::table::{Loaded, load, reads};
use crate::action::{Action, Class, Context, Failure, OwnCheck, ParamProblem};
use crate::actions::data::table::Table;
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::stats::drift::Correction;
use crate::stats::drift::column::Side;
use crate::stats::drift::detector::{Finding, Pair};
use crate::stats::drift::frame::Frame;
use crate::stats::drift::measure::Method;
use crate::tools::Capability;
use crate::value::{Proportion, Ratio};

/// Compares the columns of two tables. A column drifted when a corrected p-value is small and the difference is large
/// enough to matter; missing values and categories the reference never had are drift of their own. Columns that cannot
/// be judged (no values, too few for any difference to be significant) make the step inconclusive unless another
/// column drifted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table that shows how it should be.
    reference: Table,
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
    /// Whether any column drifted (with `compat: evidently`: whether enough of them did).
    drifted: bool,
    /// The names of the columns that drifted.
    drifted_columns: Vec<String>,
    /// How many of the compared columns drifted.
    share: Proportion,
    /// What was found in each column, in the order of the reference.
    columns: Vec<ColumnReport>,
    /// Rows of the reference.
    reference_rows: usize,
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
        ["reference", "current"].map(|key| reads(params, key)).to_vec()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        problems(params, "")
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
    let (reference, current) = (load(&params.reference, cx)?, load(&params.current, cx)?);
    let names = chosen(&reference, &params.columns, &params.exclude)?;
    let (a, b) = (
        reference.frame(&names, &params.categorical)?,
        current.frame(&names, &params.categorical)?,
    );
    let detector = params.detector();
    detector.fits(&a)?;
    let pairs = pairs(&a, &b, &reference.name, &current.name)?;
    let mut rng = StdRng::seed_from_u64(params.seed.unwrap_or(cx.seed));
    let (drifted, found) = detector.judge(0.05).run(&pairs, &mut rng);
    if !drifted {
        inconclusive(&found, cx);
    }
    let mut columns = Vec::with_capacity(found.len());
    for (number, (found, pair)) in found.iter().zip(&pairs).enumerate() {
        let mut report = ColumnReport::new(found, pair);
        let wanted = match params.plots {
            Plots::All => true,
            Plots::Drifted => found.drifted(),
            Plots::None => false,
        };
        if wanted && let Some(svg) = plot::distributions(pair, found.drifted()) {
            report.plot = Some(plot::keep(cx, &format!("{number:03}-{}", pair.column), &svg)?);
        }
        columns.push(report);
    }
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
        reference_rows: reference.data.height(),
        current_rows: current.data.height(),
        only_in_current: current
            .columns()
            .into_iter()
            .filter(|c| !reference.columns().contains(c))
            .map(str::to_owned)
            .collect(),
    })
}

/// The columns that are compared, in the order of the reference.
pub(super) fn chosen(table: &Loaded, columns: &[String], exclude: &[String]) -> Result<Vec<String>, Failure> {
    let known = table.columns();
    for name in columns.iter().chain(exclude) {
        if !known.contains(&name.as_str()) {
            return Err(crate::tools::tables::unknown_column(name, &known, &table.name));
        }
    }
    let wanted = |name: &&str| {
        (columns.is_empty() || columns.iter().any(|c| c == name)) && !exclude.iter().any(|c| c == name)
    };
    let names: Vec<String> = known.into_iter().filter(wanted).map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Failure::new(
            Class::BadParameter,
            format!("no column of {} is left to compare", table.name),
        ));
    }
    Ok(names)
}

/// The two sides of every column. A side without any value takes the other's kind, since a file does not tell it.
fn pairs(a: &Frame, b: &Frame, reference: &str, current: &str) -> Result<Vec<Pair>, Failure> {
    let mut out = Vec::with_capacity(a.0.len());
    for ((column, a), (_, b)) in a.0.iter().zip(&b.0) {
        let (mut a, mut b) = (a.side(), b.side());
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
            column: column.clone(),
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

/// "Nothing drifted" is not known while a column could not be judged: each gives a check that says so.
fn inconclusive(found: &[Finding], cx: &Context) {
    for found in found {
        if let Some(why) = &found.unable {
            cx.checks.add(OwnCheck {
                id: format!("drift[{}]", found.column),
                text: format!("`{}` can be compared", found.column),
                severity: Severity::Critical,
                outcome: CheckOutcome::new(
                    Verdict::Inconclusive,
                    format!("`{}` could not be judged: {why}", found.column),
                ),
            });
        }
    }
}
