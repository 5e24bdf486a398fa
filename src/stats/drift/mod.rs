//! Two samples: do they come from the same distribution, and how far apart are they?
//!
//! One file per method. Where SciPy has the method, the numbers are SciPy's to 1e-9 (`tests/recorded/scipy`); the
//! formulas' sources stand beside them. Which methods to use, and when a difference is drift, is not decided here.

#![expect(
    clippy::needless_range_loop,
    reason = "matrices are indexed as in their formulas"
)]

mod anderson_darling;
pub mod bins;
mod categorical;
pub mod column;
pub mod compat;
mod correction;
mod cramer_von_mises;
pub mod detector;
mod distance;
mod divergence;
mod epps_singleton;
pub mod evidently;
pub mod frame;
pub mod inject;
mod kolmogorov;
mod kolmogorov_smirnov;
mod mann_whitney;
pub mod measure;
mod permutation;
mod sample;
mod student;
pub mod together;

pub use anderson_darling::anderson_darling;
pub use categorical::{
    chi_square, chi_square_fit, cramers_v, fisher_exact, g_test, g_test_fit, total_variation, two_proportions,
};
pub use correction::{Correction, adjust};
pub use cramer_von_mises::cramer_von_mises;
pub use distance::{energy_distance, wasserstein};
pub use divergence::{hellinger, jensen_shannon, kullback_leibler, population_stability};
pub use epps_singleton::epps_singleton;
pub use kolmogorov_smirnov::{KsMethod, kolmogorov_smirnov};
pub use mann_whitney::{Alternative, mann_whitney};
pub use permutation::{mmd, permutation_p};
pub use sample::Sorted;
pub use student::{student_t, welch_t};

/// A test statistic and its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    pub statistic: f64,
    /// The probability of a statistic at least as extreme when both samples have one distribution.
    pub p_value: f64,
}

/// Why two samples cannot be compared by a method: too few values, no variation, not two by two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsuitable(pub String);

impl Unsuitable {
    fn because(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests;
