//! Many columns at once: which of them drifted.
//!
//! Each column gives up to three tests: its distribution, the share of missing values, and categories the reference
//! never had. All tests of all columns are one family for the correction. A column drifted when a corrected p-value
//! is small *and* the difference is large enough to matter: the first guards small samples, the second huge ones.

use std::collections::BTreeMap;

use rand::Rng;
use serde::{Deserialize, Serialize};
use statrs::function::factorial::ln_binomial;

use super::column::{Side, table};
use super::measure::{Measured, Method, ROUNDS, measure, missingness};
use super::{Correction, Unsuitable, adjust, fisher_exact};

/// What counts as drift.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    pub method: Method,
    /// Methods of single columns.
    pub methods: BTreeMap<String, Method>,
    /// The chance of any false alarm (of a false alarm among the alarms, with Benjamini and Hochberg).
    pub alpha: f64,
    /// The smallest effect of a distribution that matters.
    pub min_effect: f64,
    /// The smallest difference of the shares of missing values that matters.
    pub min_missing: f64,
    pub correction: Correction,
    /// Whether a category that the reference never had is drift however rare it is.
    pub any_new_category: bool,
}

/// Why a column drifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The values that are there have another distribution.
    Distribution,
    /// Values are missing more or less often.
    Missingness,
    /// Categories appeared that the reference never had.
    NewCategory,
}

/// What was found in one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub column: String,
    pub numeric: bool,
    /// The method's name.
    pub method: String,
    pub statistic: Option<f64>,
    pub p_value: Option<f64>,
    pub adjusted_p: Option<f64>,
    pub effect: Option<f64>,
    /// What the effect is, for people.
    pub effect_name: &'static str,
    /// The corrected p-value of the shares of missing values; none when nothing is missing.
    pub missing_p: Option<f64>,
    /// Categories that only one side has: the current one, the reference.
    pub new_categories: Vec<String>,
    pub lost_categories: Vec<String>,
    /// Why it drifted; empty when it did not.
    pub reasons: Vec<Reason>,
    /// Why nothing can be said about the column, when that is so: no values, or too few for any difference to be
    /// significant.
    pub unable: Option<String>,
}

impl Finding {
    #[must_use]
    pub const fn drifted(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// What was found in all columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub columns: Vec<Finding>,
    /// The p-values of the other tests after the correction.
    pub others: Vec<f64>,
    /// What the smallest of all p-values was multiplied by.
    pub factor: f64,
}

/// One column of both tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub column: String,
    pub reference: Side,
    pub current: Side,
}

impl Detector {
    /// The method for a column.
    #[must_use]
    pub fn method_of(&self, column: &str) -> Method {
        self.methods.get(column).copied().unwrap_or(self.method)
    }

    /// Tests all columns, which stay in their order.
    pub fn detect<R: Rng>(&self, pairs: &[Pair], rng: &mut R) -> Vec<Finding> {
        self.detect_with(pairs, &[], rng).columns
    }

    /// Tests all columns in one family with p-values of other tests.
    pub fn detect_with<R: Rng>(&self, pairs: &[Pair], others: &[f64], rng: &mut R) -> Found {
        let tested: Vec<Tested> = pairs
            .iter()
            .map(|pair| Tested {
                distribution: measure(self.method_of(&pair.column), &pair.reference, &pair.current, rng),
                missing: missing(pair),
                appeared: appeared(pair),
            })
            .collect();
        let family: Vec<f64> = others
            .iter()
            .copied()
            .chain(tested.iter().flat_map(Tested::p_values))
            .collect();
        let mut adjusted = adjust(&family, self.correction).into_iter();
        // What the smallest of all p-values is multiplied by.
        let factor = if self.correction == Correction::None {
            1.0
        } else {
            family.len() as f64
        };
        let others = adjusted.by_ref().take(others.len()).collect();
        let columns = pairs
            .iter()
            .zip(tested)
            .map(|(pair, tested)| {
                let mut next = |there: bool| if there { adjusted.next() } else { None };
                let corrected = Corrected {
                    distribution: next(tested.distribution.is_ok()),
                    missing: next(tested.missing.is_some()),
                    appeared: next(tested.appeared.is_some()),
                };
                self.finding(pair, tested, &corrected, factor)
            })
            .collect();
        Found {
            columns,
            others,
            factor,
        }
    }

    fn finding(&self, pair: &Pair, tested: Tested, corrected: &Corrected, factor: f64) -> Finding {
        let significant = |p: Option<f64>| p.is_some_and(|p| p <= self.alpha);
        let (new_categories, lost_categories) = one_sided(pair);
        let mut reasons = Vec::new();
        let measured = tested.distribution;
        if significant(corrected.distribution) && measured.as_ref().is_ok_and(|m| m.effect >= self.min_effect)
        {
            reasons.push(Reason::Distribution);
        }
        if significant(corrected.missing)
            && tested
                .missing
                .as_ref()
                .is_some_and(|m| m.effect >= self.min_missing)
        {
            reasons.push(Reason::Missingness);
        }
        if significant(corrected.appeared) || (self.any_new_category && !new_categories.is_empty()) {
            reasons.push(Reason::NewCategory);
        }
        let unable = if reasons.is_empty() {
            match &measured {
                Ok(m) => self.powerless(m.method, pair, factor),
                Err(why) => Some(why.0.clone()),
            }
        } else {
            None
        };
        let measured = measured.ok();
        let number = |of: fn(&Measured) -> f64| measured.as_ref().map(of);
        Finding {
            column: pair.column.clone(),
            numeric: matches!(pair.reference, Side::Numeric { .. }),
            method: measured
                .as_ref()
                .map_or_else(|| self.method_of(&pair.column), |m| m.method)
                .word(),
            statistic: number(|m| m.statistic),
            p_value: number(|m| m.p_value),
            adjusted_p: corrected.distribution,
            effect: number(|m| m.effect),
            effect_name: measured.as_ref().map_or("", |m| m.effect_name),
            missing_p: corrected.missing,
            new_categories,
            lost_categories,
            reasons,
            unable,
        }
    }

    /// Why even the largest difference could not be significant with so few values, when that is so.
    fn powerless(&self, method: Method, pair: &Pair, factor: f64) -> Option<String> {
        let (n, m) = (pair.reference.len(), pair.current.len());
        let least = smallest_p(method, n, m);
        (least * factor > self.alpha).then(|| {
            format!(
                "{n} against {m} values: the smallest p-value that `{}` can give is {least:.2e}, which {factor} \
                 tests make {:.2e}; it would have to be at most {}",
                method.word(),
                (least * factor).min(1.0),
                self.alpha
            )
        })
    }
}

/// The smallest p-value a method can give: no test can tell more regroupings apart than there are, and a permutation
/// p-value not more than it tries.
#[must_use]
pub fn smallest_p(method: Method, n: u64, m: u64) -> f64 {
    let regroupings = (std::f64::consts::LN_2 - ln_binomial(n + m, n)).exp().min(1.0);
    let resolution = match method {
        Method::Wasserstein
        | Method::Energy
        | Method::Psi
        | Method::JensenShannon
        | Method::Kl
        | Method::Hellinger
        | Method::Tvd => 1.0 / f64::from(ROUNDS + 1),
        // The tabulated p-values end there.
        Method::Anderson => 0.001,
        _ => 0.0,
    };
    regroupings.max(resolution)
}

struct Tested {
    distribution: Result<Measured, Unsuitable>,
    missing: Option<Measured>,
    /// The p-value of the categories that the reference never had.
    appeared: Option<f64>,
}

struct Corrected {
    distribution: Option<f64>,
    missing: Option<f64>,
    appeared: Option<f64>,
}

impl Tested {
    fn p_values(&self) -> impl Iterator<Item = f64> {
        let distribution = self.distribution.as_ref().ok().map(|m| m.p_value);
        let missing = self.missing.as_ref().map(|m| m.p_value);
        [distribution, missing, self.appeared].into_iter().flatten()
    }
}

/// The test of the shares of missing values. Where nothing is missing on either side it could not fire, and would
/// only make the family larger.
fn missing(pair: &Pair) -> Option<Measured> {
    if pair.reference.missing() + pair.current.missing() == 0 {
        return None;
    }
    missingness(&pair.reference, &pair.current).ok()
}

/// The p-value of the most frequent category that the reference never had: Fisher's test of it against the rest,
/// times the number of categories, since it was picked among them. That keeps rare names of a long list, which one
/// of two samples lacks by chance, from being drift.
fn appeared(pair: &Pair) -> Option<f64> {
    let (Side::Categorical { counts: a, .. }, Side::Categorical { counts: b, .. }) =
        (&pair.reference, &pair.current)
    else {
        return None;
    };
    let (n, m) = (pair.reference.len(), pair.current.len());
    let most = b
        .iter()
        .filter(|(name, _)| !a.contains_key(*name))
        .map(|(_, c)| *c)
        .max()?;
    if n == 0 {
        return None;
    }
    let all = a.len() + b.keys().filter(|k| !a.contains_key(*k)).count();
    let test = fisher_exact(&[0, n], &[most, m - most]).ok()?;
    Some((test.p_value * all as f64).min(1.0))
}

fn one_sided(pair: &Pair) -> (Vec<String>, Vec<String>) {
    if !matches!(pair.reference, Side::Categorical { .. }) {
        return (Vec::new(), Vec::new());
    }
    table(&pair.reference, &pair.current).map_or_else(Default::default, |t| {
        let (new, lost) = t.only_on_one_side();
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        (owned(new), owned(lost))
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::stats::drift::Sorted;

    fn detector() -> Detector {
        Detector {
            method: Method::Auto,
            methods: BTreeMap::new(),
            alpha: 0.05,
            min_effect: 0.1,
            min_missing: 0.01,
            correction: Correction::Holm,
            any_new_category: false,
        }
    }

    fn numbers(values: impl Iterator<Item = f64>, missing: u64) -> Side {
        Side::Numeric {
            values: Sorted::new(values),
            missing,
        }
    }

    fn names(counts: &[(&str, u64)]) -> Side {
        Side::Categorical {
            counts: counts.iter().map(|(k, c)| ((*k).to_owned(), *c)).collect(),
            missing: 0,
        }
    }

    fn pair(column: &str, reference: Side, current: Side) -> Pair {
        Pair {
            column: column.to_owned(),
            reference,
            current,
        }
    }

    fn detect(detector: &Detector, pairs: &[Pair]) -> Vec<Finding> {
        detector.detect(pairs, &mut StdRng::seed_from_u64(1))
    }

    #[test]
    fn each_kind_of_drift_has_its_reason() {
        let flat = || (0..500).map(f64::from);
        let found = detect(
            &detector(),
            &[
                pair("same", numbers(flat(), 0), numbers(flat(), 0)),
                pair("moved", numbers(flat(), 0), numbers(flat().map(|v| v + 200.0), 0)),
                pair("holes", numbers(flat(), 0), numbers(flat(), 60)),
                pair(
                    "new",
                    names(&[("a", 900), ("b", 100)]),
                    names(&[("a", 888), ("b", 100), ("c", 12)]),
                ),
            ],
        );
        let reasons: Vec<&[Reason]> = found.iter().map(|f| f.reasons.as_slice()).collect();
        assert_eq!(
            reasons,
            [
                [].as_slice(),
                &[Reason::Distribution],
                &[Reason::Missingness],
                &[Reason::NewCategory]
            ]
        );
        assert_eq!(found[3].new_categories, ["c"]);
        assert!(found.iter().all(|f| f.unable.is_none()), "{found:?}");
    }

    #[test]
    fn a_significant_but_tiny_difference_is_no_drift() {
        let many = |shift: f64| numbers((0..200_000).map(|i| f64::from(i) / 2e5 + shift), 0);
        let found = detect(&detector(), &[pair("x", many(0.0), many(0.01))]);
        assert!(found[0].adjusted_p.expect("tested") < 1e-3, "{found:?}");
        assert!(!found[0].drifted(), "{found:?}");
    }

    #[test]
    fn what_could_not_fire_is_said_to_be_unable() {
        let few = |shift: f64| numbers((0..3).map(|i| f64::from(i) + shift), 0);
        let found = detect(&detector(), &[pair("x", few(0.0), few(100.0))]);
        assert!(!found[0].drifted());
        let why = found[0].unable.as_deref().expect("unable");
        assert!(why.contains("3 against 3 values"), "{why}");
        // 60 permutation tests: the smallest corrected p-value is 60/1000.
        let side = || numbers((0..40).map(f64::from), 0);
        let pairs: Vec<Pair> = (0..60)
            .map(|i| {
                pair(
                    &format!("c{i}"),
                    side(),
                    numbers((0..40).map(|v| f64::from(v) + 99.0), 0),
                )
            })
            .collect();
        let distance = Detector {
            method: Method::Wasserstein,
            ..detector()
        };
        let found = detect(&distance, &pairs);
        assert!(
            found.iter().all(|f| f.unable.is_some() && !f.drifted()),
            "{:?}",
            found[0]
        );
    }

    #[test]
    fn empty_sides_are_unable_unless_missingness_tells() {
        let found = detect(
            &detector(),
            &[
                pair(
                    "gone",
                    numbers((0..50).map(f64::from), 0),
                    numbers([].into_iter(), 50),
                ),
                pair("never", numbers([].into_iter(), 50), numbers([].into_iter(), 50)),
            ],
        );
        assert_eq!(found[0].reasons, [Reason::Missingness]);
        assert_eq!(found[1].unable.as_deref(), Some("a side has no values"));
    }

    #[test]
    fn rare_names_of_a_long_list_are_not_new_categories() {
        let ids = |from: u32| Side::Categorical {
            counts: (from..from + 400).map(|i| (format!("id{i}"), 1)).collect(),
            missing: 0,
        };
        let pairs = [pair("id", ids(0), ids(400))];
        let found = detect(&detector(), &pairs);
        assert!(!found[0].drifted(), "{:?}", found[0].reasons);
        let strict = Detector {
            any_new_category: true,
            ..detector()
        };
        assert_eq!(detect(&strict, &pairs)[0].reasons, [Reason::NewCategory]);
    }
}
