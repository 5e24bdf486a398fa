//! Synthetic drift: a table changed in a known way, so that a detector can be asked whether it notices.
//!
//! Every kind has one magnitude, whose meaning stands beside it; 0 (for factors: 1) changes nothing. What was really
//! reached is measured on the changed table, not taken from the request.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::frame::{Column, Frame, MISSING};
use super::{Sorted, Unsuitable, total_variation, wasserstein};

/// How a table is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers move by `magnitude` standard deviations.
    MeanShift,
    /// Distances from the mean are multiplied by `magnitude`.
    Scale,
    /// Numbers are multiplied by `magnitude` and moved by `offset`: another unit (1000; 1.8 and 32).
    UnitChange,
    /// Normal noise with a standard deviation of `magnitude` of the column's own is added.
    Noise,
    /// The share `magnitude` of each tail is moved to its quantile: a saturated sensor.
    Clip,
    /// Each number becomes the quantile at its rank to the power of `magnitude`: the same range, another shape.
    QuantileWarp,
    /// Every row gets the value of `magnitude` rows before; the first keep the first value.
    Lag,
    /// The share `magnitude` of the rows gets one value: the median, or the most frequent category.
    Constant,
    /// The share `magnitude` of the values goes missing; with `by`, in the rows where that column is largest.
    Missing,
    /// In the share `magnitude` of the rows the two most frequent categories change places.
    CategorySwap,
    /// The share `magnitude` of the rows gets a category that was never there.
    CategoryNew,
    /// Shares of categories move by the weight `magnitude` towards shares drawn at random (Dirichlet, all ones).
    CategoryReweight,
    /// The values of the column change places among the share `magnitude` of the rows: its own distribution stays,
    /// what it has to do with other columns goes.
    Permute,
    /// In the share `magnitude` of the rows with the upper half of `by`, the two most frequent categories of the label
    /// change places: the same inputs, other answers.
    ConceptFlip,
    /// The share `magnitude` of the rows is appended once more.
    DuplicateRows,
    /// Whole rows are drawn again with weights exp(`magnitude` z), z the column's standard score: other inputs, the
    /// same answers for them.
    CovariateShift,
    /// Whole rows are drawn again so that the most frequent category of the label has the share `magnitude`.
    PriorShift,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    pub column: String,
    pub kind: Kind,
    pub magnitude: f64,
    /// For kinds that change numbers: the share of rows that are changed.
    pub fraction: f64,
    /// For unit changes.
    pub offset: f64,
    /// The other column, for kinds that look at one.
    pub by: Option<String>,
}

/// What an injection did.
#[derive(Clone, Debug, PartialEq)]
pub struct Injected {
    /// The rows of the old table that make up the new one, when rows are drawn or appended.
    pub rows: Option<Vec<usize>>,
    /// The column's new values, when only it changes.
    pub column: Option<Column>,
    /// How many rows differ from before: changed values, appended rows, or all that were drawn again.
    pub changed: usize,
    /// The effect in the unit of the magnitude, measured on the result; none where the kind has no such measure.
    pub achieved: Option<f64>,
    pub effect: Effect,
}

/// How far the column is from what it was, measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effect {
    /// The mean's move in standard deviations of before.
    pub mean_shift: Option<f64>,
    /// The standard deviation over the one before.
    pub sd_ratio: Option<f64>,
    /// The Wasserstein distance in standard deviations of before.
    pub wasserstein: Option<f64>,
    /// The total variation distance of the categories.
    pub total_variation: Option<f64>,
    /// The share of missing values minus the one before.
    pub missing: f64,
}

impl Kind {
    /// Whether `magnitude` is a share, between 0 and 1.
    #[must_use]
    pub const fn is_share(self) -> bool {
        matches!(
            self,
            Self::Constant
                | Self::Missing
                | Self::CategorySwap
                | Self::CategoryNew
                | Self::CategoryReweight
                | Self::Permute
                | Self::ConceptFlip
                | Self::DuplicateRows
                | Self::PriorShift
        )
    }

    /// Whether `fraction` may choose the rows that are changed.
    #[must_use]
    pub const fn has_fraction(self) -> bool {
        matches!(
            self,
            Self::MeanShift | Self::Scale | Self::UnitChange | Self::Noise | Self::Clip | Self::QuantileWarp
        )
    }

    /// Whether another column is looked at: must be, may be.
    #[must_use]
    pub const fn looks_at(self) -> (bool, bool) {
        match self {
            Self::ConceptFlip => (true, true),
            Self::Missing => (false, true),
            _ => (false, false),
        }
    }
}

/// Changes a table.
///
/// # Errors
/// When the table has no such column, the kind does not suit it, or there is nothing to change.
pub fn inject<R: Rng>(frame: &Frame, injection: &Injection, rng: &mut R) -> Result<Injected, Unsuitable> {
    let column = get(frame, &injection.column)?;
    if column.is_empty() {
        return Err(Unsuitable::because("the table has no rows"));
    }
    let m = injection.magnitude;
    if !m.is_finite() || (injection.kind.is_share() && !(0.0..=1.0).contains(&m)) {
        return Err(Unsuitable::because(format!(
            "the magnitude {m} is not between 0 and 1"
        )));
    }
    let (rows, changed_column) = match injection.kind {
        Kind::DuplicateRows | Kind::CovariateShift | Kind::PriorShift => {
            (Some(redraw(column, injection, rng)?), None)
        }
        _ => {
            let new = match column {
                Column::Numeric(values) => Column::Numeric(change_numbers(frame, values, injection, rng)?),
                Column::Categorical { codes, names } => {
                    let (codes, names) = change_names(frame, codes, names, injection, rng)?;
                    Column::Categorical { codes, names }
                }
            };
            (None, Some(new))
        }
    };
    let after = match (&rows, &changed_column) {
        (Some(rows), _) => column.take(rows),
        (None, Some(new)) => new.clone(),
        (None, None) => column.clone(),
    };
    let effect = effect(column, &after);
    let changed = match &rows {
        Some(rows) if injection.kind == Kind::DuplicateRows => rows.len() - column.len(),
        Some(rows) => rows.len(),
        None => differing(column, &after),
    };
    let total = column.len() as f64;
    let achieved = match injection.kind {
        Kind::MeanShift => effect.mean_shift,
        Kind::Scale => effect.sd_ratio,
        // Independent noise adds its variance.
        Kind::Noise => effect.sd_ratio.map(|r| (r * r - 1.0).max(0.0).sqrt()),
        Kind::Missing => Some(effect.missing),
        Kind::CategoryNew | Kind::DuplicateRows | Kind::CategorySwap => Some(changed as f64 / total),
        Kind::PriorShift => Some(share_of_first(&after)),
        _ => None,
    };
    Ok(Injected {
        rows,
        column: changed_column,
        changed,
        achieved,
        effect,
    })
}

impl Frame {
    /// The table after a change.
    #[must_use]
    pub fn after(&self, name: &str, injected: &Injected) -> Self {
        let mut out = match &injected.rows {
            Some(rows) => self.take(rows),
            None => self.clone(),
        };
        if let Some(new) = &injected.column
            && let Some((_, column)) = out.0.iter_mut().find(|(known, _)| known == name)
        {
            *column = new.clone();
        }
        out
    }
}

fn get<'a>(frame: &'a Frame, name: &str) -> Result<&'a Column, Unsuitable> {
    frame
        .get(name)
        .ok_or_else(|| Unsuitable::because(format!("there is no column `{name}`")))
}

fn change_numbers<R: Rng>(
    frame: &Frame,
    values: &[f64],
    injection: &Injection,
    rng: &mut R,
) -> Result<Vec<f64>, Unsuitable> {
    let sorted = Sorted::new(values.iter().copied());
    if sorted.is_empty() {
        return Err(Unsuitable::because("the column has no values"));
    }
    let (mean, sd, m) = (sorted.mean(), sorted.variance(0).sqrt(), injection.magnitude);
    let new = |v: f64, rng: &mut R| match injection.kind {
        Kind::MeanShift => m.mul_add(sd, v),
        Kind::Scale => m.mul_add(v - mean, mean),
        Kind::UnitChange => m.mul_add(v, injection.offset),
        Kind::Noise => (m * sd).mul_add(normal(rng), v),
        Kind::Clip => v.clamp(sorted.quantile(m.min(0.5)), sorted.quantile(1.0 - m.min(0.5))),
        _ => sorted.quantile(rank(&sorted, v).powf(m)),
    };
    let mut out = values.to_vec();
    match injection.kind {
        Kind::MeanShift | Kind::Scale | Kind::UnitChange | Kind::Noise | Kind::Clip | Kind::QuantileWarp => {
            if injection.kind == Kind::MeanShift && sd == 0.0 {
                return Err(Unsuitable::because("a constant column has no standard deviation"));
            }
            for row in chosen(values.len(), injection.fraction, rng) {
                // What is missing stays missing.
                if out[row].is_finite() {
                    out[row] = new(out[row], rng);
                }
            }
        }
        Kind::Constant => {
            let middle = sorted.values()[sorted.len() / 2];
            for row in chosen(values.len(), m, rng) {
                out[row] = middle;
            }
        }
        Kind::Missing => {
            for row in going_missing(frame, injection, |r| values[r].is_finite(), rng)? {
                out[row] = f64::NAN;
            }
        }
        Kind::Lag => out = lagged(values, m),
        Kind::Permute => permute(&mut out, m, rng),
        _ => {
            return Err(Unsuitable::because(
                "the kind is for categories, the column is numeric",
            ));
        }
    }
    Ok(out)
}

fn change_names<R: Rng>(
    frame: &Frame,
    codes: &[u32],
    names: &[String],
    injection: &Injection,
    rng: &mut R,
) -> Result<(Vec<u32>, Vec<String>), Unsuitable> {
    let (mut out, mut names, m) = (codes.to_vec(), names.to_vec(), injection.magnitude);
    let by_count = frequent(codes, names.len());
    let two = || match by_count.as_slice() {
        [a, b, ..] => Ok((*a, *b)),
        _ => Err(Unsuitable::because("the column has fewer than two categories")),
    };
    match injection.kind {
        Kind::Constant => {
            let most = *by_count
                .first()
                .ok_or_else(|| Unsuitable::because("the column has no values"))?;
            for row in chosen(out.len(), m, rng) {
                out[row] = most;
            }
        }
        Kind::Missing => {
            for row in going_missing(frame, injection, |r| codes[r] != MISSING, rng)? {
                out[row] = MISSING;
            }
        }
        Kind::Lag => out = lagged(codes, m),
        Kind::Permute => permute(&mut out, m, rng),
        Kind::CategorySwap => {
            let pair = two()?;
            for row in chosen(out.len(), m, rng) {
                out[row] = swapped(out[row], pair);
            }
        }
        Kind::ConceptFlip => {
            let pair = two()?;
            let upper = largest_half(by(frame, injection)?)?;
            let wanted = (m * upper.len() as f64).round() as usize;
            for place in chosen_of(upper.len(), wanted, rng) {
                out[upper[place]] = swapped(out[upper[place]], pair);
            }
        }
        Kind::CategoryNew => {
            let mut fresh = "new".to_owned();
            while names.contains(&fresh) {
                fresh.push('_');
            }
            names.push(fresh);
            for row in chosen(out.len(), m, rng) {
                out[row] = names.len() as u32 - 1;
            }
        }
        Kind::CategoryReweight => {
            two()?;
            // A Dirichlet draw with ones everywhere: exponential numbers, made to sum to 1.
            let draw: Vec<f64> = by_count
                .iter()
                .map(|_| -(1.0 - rng.random::<f64>()).ln())
                .collect();
            let sum: f64 = draw.iter().sum();
            for code in out.iter_mut().filter(|c| **c != MISSING) {
                if rng.random::<f64>() < m {
                    let mut left = rng.random::<f64>() * sum;
                    for (candidate, weight) in by_count.iter().zip(&draw) {
                        *code = *candidate;
                        left -= weight;
                        if left <= 0.0 {
                            break;
                        }
                    }
                }
            }
        }
        _ => {
            return Err(Unsuitable::because(
                "the kind is for numbers, the column has categories",
            ));
        }
    }
    Ok((out, names))
}

/// The rows of the new table.
fn redraw<R: Rng>(column: &Column, injection: &Injection, rng: &mut R) -> Result<Vec<usize>, Unsuitable> {
    let (n, m) = (column.len(), injection.magnitude);
    let all = || 0..n;
    match (injection.kind, column) {
        (Kind::DuplicateRows, _) => {
            let again = chosen(n, m, rng);
            Ok(all().chain(again).collect())
        }
        (Kind::CovariateShift, Column::Numeric(values)) => {
            let sorted = Sorted::new(values.iter().copied());
            let (mean, sd) = (sorted.mean(), sorted.variance(0).sqrt());
            if sorted.is_empty() || sd == 0.0 {
                return Err(Unsuitable::because("a constant column has no standard scores"));
            }
            let weight = |v: &f64| {
                if v.is_finite() {
                    (m * (v - mean) / sd).exp()
                } else {
                    1.0
                }
            };
            Ok(weighted(&values.iter().map(weight).collect::<Vec<_>>(), rng))
        }
        (Kind::PriorShift, Column::Categorical { codes, names }) => {
            let by_count = frequent(codes, names.len());
            let [first, _, ..] = by_count.as_slice() else {
                return Err(Unsuitable::because("the column has fewer than two categories"));
            };
            let present = codes.iter().filter(|c| **c != MISSING).count() as f64;
            let with = codes.iter().filter(|c| *c == first).count() as f64;
            let weight = |c: &u32| match *c {
                MISSING => 0.0,
                c if c == *first => m / with,
                _ => (1.0 - m) / (present - with),
            };
            Ok(weighted(&codes.iter().map(weight).collect::<Vec<_>>(), rng))
        }
        (_, Column::Numeric(_)) => Err(Unsuitable::because(
            "the kind is for categories, the column is numeric",
        )),
        _ => Err(Unsuitable::because(
            "the kind is for numbers, the column has categories",
        )),
    }
}

/// As many rows as there are weights, drawn with replacement.
fn weighted<R: Rng>(weights: &[f64], rng: &mut R) -> Vec<usize> {
    let mut sums = Vec::with_capacity(weights.len());
    let mut sum = 0.0;
    for weight in weights {
        sum += weight;
        sums.push(sum);
    }
    weights
        .iter()
        .map(|_| {
            let at = rng.random::<f64>() * sum;
            sums.partition_point(|s| *s <= at).min(weights.len() - 1)
        })
        .collect()
}

/// The rows whose values go missing: at random, or with `by` those where it is largest.
fn going_missing<R: Rng>(
    frame: &Frame,
    injection: &Injection,
    there: impl Fn(usize) -> bool,
    rng: &mut R,
) -> Result<Vec<usize>, Unsuitable> {
    let mut rows: Vec<usize> = (0..frame.rows()).filter(|r| there(*r)).collect();
    let wanted = ((injection.magnitude * frame.rows() as f64).round() as usize).min(rows.len());
    if injection.by.is_some() {
        let by = by(frame, injection)?;
        rows.sort_by(|a, b| key(by[*b]).total_cmp(&key(by[*a])));
    } else {
        rows.partial_shuffle(rng, wanted);
        // `partial_shuffle` gathers at the front.
    }
    rows.truncate(wanted);
    Ok(rows)
}

fn by<'a>(frame: &'a Frame, injection: &Injection) -> Result<&'a [f64], Unsuitable> {
    let name = injection.by.as_deref().unwrap_or_default();
    match get(frame, name)? {
        Column::Numeric(values) => Ok(values),
        Column::Categorical { .. } => Err(Unsuitable::because(format!("`{name}` is not numeric"))),
    }
}

/// What is missing sorts below everything.
const fn key(value: f64) -> f64 {
    if value.is_nan() { f64::NEG_INFINITY } else { value }
}

fn largest_half(values: &[f64]) -> Result<Vec<usize>, Unsuitable> {
    let sorted = Sorted::new(values.iter().copied());
    if sorted.is_empty() {
        return Err(Unsuitable::because("the other column has no values"));
    }
    let middle = sorted.quantile(0.5);
    Ok((0..values.len()).filter(|r| values[*r] > middle).collect())
}

/// Exactly this share of the rows, at random.
fn chosen<R: Rng>(rows: usize, share: f64, rng: &mut R) -> Vec<usize> {
    chosen_of(rows, (share * rows as f64).round() as usize, rng)
}

fn chosen_of<R: Rng>(rows: usize, wanted: usize, rng: &mut R) -> Vec<usize> {
    if wanted >= rows {
        return (0..rows).collect();
    }
    let mut all: Vec<usize> = (0..rows).collect();
    all.partial_shuffle(rng, wanted).0.to_vec()
}

fn permute<T: Copy, R: Rng>(values: &mut [T], share: f64, rng: &mut R) {
    let rows = chosen(values.len(), share, rng);
    let mut picked: Vec<T> = rows.iter().map(|r| values[*r]).collect();
    picked.shuffle(rng);
    for (row, value) in rows.into_iter().zip(picked) {
        values[row] = value;
    }
}

fn lagged<T: Copy>(values: &[T], rows: f64) -> Vec<T> {
    let rows = rows.max(0.0).round() as usize;
    (0..values.len())
        .map(|i| values[i.saturating_sub(rows)])
        .collect()
}

const fn swapped(code: u32, pair: (u32, u32)) -> u32 {
    if code == pair.0 {
        pair.1
    } else if code == pair.1 {
        pair.0
    } else {
        code
    }
}

/// The categories that occur, the most frequent first.
fn frequent(codes: &[u32], names: usize) -> Vec<u32> {
    let mut counts = vec![0_usize; names];
    for code in codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let mut order: Vec<u32> = (0..names as u32).filter(|c| counts[*c as usize] > 0).collect();
    order.sort_by_key(|c| std::cmp::Reverse(counts[*c as usize]));
    order
}

fn share_of_first(column: &Column) -> f64 {
    let Column::Categorical { codes, names } = column else {
        return 0.0;
    };
    let present = codes.iter().filter(|c| **c != MISSING).count();
    let most = frequent(codes, names.len()).first().copied();
    codes.iter().filter(|c| Some(**c) == most).count() as f64 / present.max(1) as f64
}

/// The share of values below a value, between 0 and 1.
fn rank(sorted: &Sorted, value: f64) -> f64 {
    let below = sorted.values().partition_point(|v| *v < value);
    below as f64 / (sorted.len().max(2) - 1) as f64
}

/// A standard normal number (Box and Muller, 1958).
fn normal<R: Rng>(rng: &mut R) -> f64 {
    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn differing(before: &Column, after: &Column) -> usize {
    match (before, after) {
        (Column::Numeric(a), Column::Numeric(b)) => a
            .iter()
            .zip(b)
            .filter(|(a, b)| a.to_bits() != b.to_bits())
            .count(),
        (Column::Categorical { codes: a, .. }, Column::Categorical { codes: b, .. }) => {
            a.iter().zip(b).filter(|(a, b)| a != b).count()
        }
        _ => 0,
    }
}

fn effect(before: &Column, after: &Column) -> Effect {
    let share = |c: &Column| c.side().missing() as f64 / c.len() as f64;
    let mut out = Effect {
        missing: share(after) - share(before),
        ..Effect::default()
    };
    match (before, after) {
        (Column::Numeric(a), Column::Numeric(b)) => {
            let (a, b) = (Sorted::new(a.iter().copied()), Sorted::new(b.iter().copied()));
            let sd = a.variance(0).sqrt();
            if sd > 0.0 && !b.is_empty() {
                out.mean_shift = Some((b.mean() - a.mean()) / sd);
                out.sd_ratio = Some(b.variance(0).sqrt() / sd);
                out.wasserstein = Some(wasserstein(&a, &b) / sd);
            }
        }
        (Column::Categorical { codes: a, .. }, Column::Categorical { codes: b, names }) => {
            let counts = |codes: &[u32]| {
                let mut counts = vec![0_u64; names.len()];
                for code in codes {
                    if let Some(count) = counts.get_mut(*code as usize) {
                        *count += 1;
                    }
                }
                counts
            };
            let (a, b) = (counts(a), counts(b));
            if a.iter().sum::<u64>() > 0 && b.iter().sum::<u64>() > 0 {
                out.total_variation = Some(total_variation(&a, &b));
            }
        }
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests;
