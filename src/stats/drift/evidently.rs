//! Evidently 0.7's column drift, number for number, with its quirks: for teams that move their thresholds over.
//!
//! Quirks kept on purpose: the chi-square test takes the reference's shares as exact (31 % false alarms at 1000
//! against 1000 rows where 5 % are asked for); `mannw` sees only shifts in one direction; distances have fixed
//! limits whatever the sample size; missing values are left out first, so missingness is never drift. The two
//! permutation methods draw from our generator, so their p-values agree only within their resolution.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::column::{Side, Table, distinct, table};
use super::permutation::{mmd_first_width, permutation_share};
use super::sample::walk;
use super::{
    Alternative, KsMethod, Sorted, Unsuitable, anderson_darling, bins, chi_square_fit, cramer_von_mises,
    energy_distance, epps_singleton, fisher_exact, g_test_fit, hellinger, jensen_shannon, kolmogorov_smirnov,
    kullback_leibler, mann_whitney, population_stability, student_t, total_variation, two_proportions,
    wasserstein,
};

/// Evidently's methods that are not about text, by Evidently's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Ks,
    Wasserstein,
    Psi,
    Jensenshannon,
    KlDiv,
    Hellinger,
    Ed,
    Chisquare,
    Z,
    FisherExact,
    GTest,
    Anderson,
    CramerVonMises,
    Es,
    Mannw,
    TTest,
    #[serde(rename = "TVD")]
    Tvd,
    EmpiricalMmd,
}

impl Method {
    pub const ALL: [Self; 18] = [
        Self::Ks,
        Self::Wasserstein,
        Self::Psi,
        Self::Jensenshannon,
        Self::KlDiv,
        Self::Hellinger,
        Self::Ed,
        Self::Chisquare,
        Self::Z,
        Self::FisherExact,
        Self::GTest,
        Self::Anderson,
        Self::CramerVonMises,
        Self::Es,
        Self::Mannw,
        Self::TTest,
        Self::Tvd,
        Self::EmpiricalMmd,
    ];

    /// Evidently's name.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Evidently's default threshold.
    #[must_use]
    pub const fn threshold(self) -> f64 {
        match self {
            Self::Ks | Self::Chisquare | Self::Z | Self::Es | Self::Mannw | Self::TTest => 0.05,
            _ => 0.1,
        }
    }

    /// Whether this score is drift at this threshold; who is equal to it differs between the methods.
    #[must_use]
    pub fn drifted(self, score: f64, threshold: f64) -> bool {
        match self {
            Self::Ks | Self::CramerVonMises => score <= threshold,
            Self::Wasserstein | Self::Psi | Self::Jensenshannon | Self::KlDiv | Self::Hellinger => {
                score >= threshold
            }
            Self::Ed => score > threshold,
            _ => score < threshold,
        }
    }

    /// Whether the method is for numbers, for categories.
    #[must_use]
    pub const fn suits(self) -> (bool, bool) {
        match self {
            Self::Psi | Self::Jensenshannon | Self::KlDiv | Self::Hellinger => (true, true),
            Self::Chisquare | Self::Z | Self::FisherExact | Self::GTest | Self::Tvd => (false, true),
            _ => (true, false),
        }
    }
}

/// The method Evidently takes when none is named: by kind, size of the reference and number of distinct values.
#[must_use]
pub fn default_method(reference: &Side, current: &Side) -> Option<Method> {
    let distinct = distinct(reference, current)?;
    let small = reference.len() <= 1000;
    Some(match (reference, small) {
        (Side::Numeric { .. }, true) => match distinct {
            0..=2 => Method::Z,
            3..=5 => Method::Chisquare,
            _ => Method::Ks,
        },
        (Side::Numeric { .. }, false) if distinct > 5 => Method::Wasserstein,
        (Side::Categorical { .. }, true) => {
            if distinct > 2 {
                Method::Chisquare
            } else {
                Method::Z
            }
        }
        (_, false) => Method::Jensenshannon,
    })
}

/// Evidently's score of one column.
///
/// # Errors
/// When the method does not suit the column, where Evidently raises an exception.
pub fn score<R: Rng>(
    method: Method,
    reference: &Side,
    current: &Side,
    rng: &mut R,
) -> Result<f64, Unsuitable> {
    if reference.is_empty() || current.is_empty() {
        return Err(Unsuitable::because("a side has no values"));
    }
    if method.suits().1 && !(method == Method::Hellinger && matches!(reference, Side::Numeric { .. })) {
        return of_counts(method, reference, current, rng);
    }
    let (Side::Numeric { values: a, .. }, Side::Numeric { values: b, .. }) = (reference, current) else {
        return Err(Unsuitable::because("the method is for numbers"));
    };
    Ok(match method {
        Method::Ks => kolmogorov_smirnov(a, b, KsMethod::Auto)?.p_value,
        Method::Wasserstein => wasserstein(a, b) / a.variance(0).sqrt().max(0.001),
        Method::Hellinger => hellinger_of_numbers(a, b),
        Method::Ed => energy_distance(a, b),
        Method::Anderson => anderson_darling(a, b)?.p_value,
        Method::CramerVonMises => cramer_von_mises(a, b)?.p_value,
        Method::Es => epps_singleton(a, b)?.p_value,
        Method::Mannw => mann_whitney(a, b, Alternative::Less)?.p_value,
        Method::TTest => student_t(a, b)?.p_value,
        Method::EmpiricalMmd => mmd_first_width(a.values(), b.values(), 100, rng)
            .ok_or_else(|| Unsuitable::because("a side has fewer than two values"))?,
        _ => return Err(Unsuitable::because("the method is for categories")),
    })
}

/// The methods that look at counts only.
fn of_counts<R: Rng>(
    method: Method,
    reference: &Side,
    current: &Side,
    rng: &mut R,
) -> Result<f64, Unsuitable> {
    if matches!(method, Method::Psi | Method::KlDiv | Method::Jensenshannon) {
        let (p, q) = cells(reference, current)?;
        let filled = || (bins::fill_zeros(&p), bins::fill_zeros(&q));
        return Ok(match method {
            Method::Psi => population_stability(&filled().0, &filled().1),
            Method::KlDiv => kullback_leibler(&filled().0, &filled().1),
            _ => jensen_shannon(&p, &q),
        });
    }
    let table = counted(reference, current)?;
    let (a, b) = (&table.reference, &table.current);
    Ok(match method {
        Method::Hellinger => hellinger(&bins::shares(a, reference.len()), &bins::shares(b, current.len())),
        Method::Chisquare => chi_square_fit(a, b)?.p_value,
        Method::GTest => g_test_fit(a, b)?.p_value,
        Method::Z => {
            let (n, m) = (reference.len(), current.len());
            let (first_a, first_b) = (a.first().copied().unwrap_or(0), b.first().copied().unwrap_or(0));
            two_proportions(n - first_a, n, m - first_b, m)?.p_value
        }
        Method::FisherExact => {
            if reference.len() != current.len() || reference.missing() + current.missing() > 0 {
                return Err(Unsuitable::because(
                    "the sides must have the same size and no missing values",
                ));
            }
            let pad = |c: &[u64]| if c.len() == 1 { vec![c[0], 0] } else { c.to_vec() };
            fisher_exact(&pad(a), &pad(b))?.p_value
        }
        Method::Tvd => {
            let members: Vec<usize> = (0..a.len())
                .flat_map(|k| std::iter::repeat_n(k, (a[k] + b[k]) as usize))
                .collect();
            let mut labels = Vec::with_capacity(members.len());
            for k in 0..a.len() {
                labels.extend(std::iter::repeat_n(true, a[k] as usize));
                labels.extend(std::iter::repeat_n(false, b[k] as usize));
            }
            permutation_share(&labels, 1000, rng, |labels| {
                let (mut x, mut y) = (vec![0; a.len()], vec![0; a.len()]);
                for (member, first) in members.iter().zip(labels) {
                    if *first { x[*member] += 1 } else { y[*member] += 1 }
                }
                total_variation(&x, &y)
            })
        }
        _ => return Err(Unsuitable::because("the method is for numbers")),
    })
}

/// The cells of psi, kl and Jensen–Shannon: Sturges' over both sides for numbers with more than 20 distinct values
/// in the reference, else the distinct values.
fn cells(reference: &Side, current: &Side) -> Result<(Vec<f64>, Vec<f64>), Unsuitable> {
    let (n, m) = (reference.len(), current.len());
    if let (Side::Numeric { values: a, .. }, Side::Numeric { values: b, .. }) = (reference, current)
        && a.distinct() > 20
    {
        let edges = bins::sturges(&a.pooled(b));
        return Ok((
            bins::shares(&bins::counts(a, &edges), n),
            bins::shares(&bins::counts(b, &edges), m),
        ));
    }
    let table = counted(reference, current)?;
    Ok((bins::shares(&table.reference, n), bins::shares(&table.current, m)))
}

fn counted(reference: &Side, current: &Side) -> Result<Table, Unsuitable> {
    table(reference, current).ok_or_else(|| Unsuitable::because("one side is numeric and the other is not"))
}

/// Sturges' cells over the distinct values, as Evidently does for numbers.
fn hellinger_of_numbers(a: &Sorted, b: &Sorted) -> f64 {
    let mut distinct = Vec::new();
    walk(a, b, |value, _, _| distinct.push(value));
    let edges = bins::sturges(&Sorted::new(distinct));
    let share = |s: &Sorted| {
        let counts = bins::counts(s, &edges);
        let inside = counts.iter().sum();
        bins::shares(&counts, inside)
    };
    hellinger(&share(a), &share(b))
}

#[cfg(test)]
mod tests;
