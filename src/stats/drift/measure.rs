//! Our own methods for one column: a significance and an effect, always both.
//!
//! A p-value alone calls every difference of a large sample drift; a distance alone calls the noise of a small one
//! drift. So a test carries the size of the difference, and a distance carries a permutation p-value.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::column::{Side, Table, table};
use super::{
    Alternative, KsMethod, Sorted, TestResult, Unsuitable, anderson_darling, bins, chi_square,
    cramer_von_mises, cramers_v, energy_distance, epps_singleton, fisher_exact, g_test, hellinger,
    jensen_shannon, kolmogorov_smirnov, kullback_leibler, mann_whitney, population_stability, student_t,
    total_variation, two_proportions, wasserstein, welch_t,
};

/// Rounds of a permutation p-value: its resolution is 1/(rounds + 1).
pub const ROUNDS: u32 = 999;

/// How one column is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Numbers: Kolmogorov–Smirnov with the Wasserstein distance in standard deviations as effect. Categories:
    /// chi-square with rare categories pooled and Cramér's V as effect.
    #[default]
    Auto,
    Ks,
    CramerVonMises,
    Anderson,
    EppsSingleton,
    MannWhitney,
    T,
    Welch,
    /// Wasserstein-1 divided by the reference's standard deviation, permutation p-value.
    Wasserstein,
    /// Energy distance divided by the root of the reference's standard deviation, permutation p-value.
    Energy,
    /// Population stability index over the reference's deciles or the categories, permutation p-value.
    Psi,
    /// Jensen–Shannon distance over Sturges' cells or the categories, permutation p-value.
    JensenShannon,
    Kl,
    Hellinger,
    Chi2,
    G,
    Z,
    Fisher,
    /// Total variation distance of the categories, permutation p-value.
    Tvd,
}

impl Method {
    /// The YAML name.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Whether the method is for numbers, for categories.
    #[must_use]
    pub const fn suits(self) -> (bool, bool) {
        match self {
            Self::Auto | Self::Psi | Self::JensenShannon | Self::Kl | Self::Hellinger => (true, true),
            Self::Chi2 | Self::G | Self::Z | Self::Fisher | Self::Tvd => (false, true),
            _ => (true, false),
        }
    }
}

/// What a method found in one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The method that was used; never `auto`.
    pub method: Method,
    pub statistic: f64,
    pub p_value: f64,
    /// The size of the difference, without a unit.
    pub effect: f64,
    /// What the effect is, for people.
    pub effect_name: &'static str,
}

/// Compares one column.
///
/// # Errors
/// When the method does not suit the column, or a side has no values.
pub fn measure<R: Rng>(
    method: Method,
    reference: &Side,
    current: &Side,
    rng: &mut R,
) -> Result<Measured, Unsuitable> {
    if reference.is_empty() || current.is_empty() {
        return Err(Unsuitable::because("a side has no values"));
    }
    match (reference, current) {
        (Side::Numeric { values: a, .. }, Side::Numeric { values: b, .. }) => numeric(method, a, b, rng),
        (Side::Categorical { .. }, Side::Categorical { .. }) => {
            let table = table(reference, current).ok_or_else(|| Unsuitable::because("the kinds differ"))?;
            categorical(method, &table, rng)
        }
        _ => Err(Unsuitable::because("one side is numeric and the other is not")),
    }
}

fn numeric<R: Rng>(method: Method, a: &Sorted, b: &Sorted, rng: &mut R) -> Result<Measured, Unsuitable> {
    // A constant reference has no scale of its own: the pooled values give one, and if those are constant too there
    // is no difference.
    let own = a.variance(0).sqrt();
    let scale = if own > 0.0 {
        own
    } else {
        let pooled = a.pooled(b).variance(0).sqrt();
        if pooled > 0.0 { pooled } else { 1.0 }
    };
    let shift = || {
        (
            "Wasserstein distance in standard deviations",
            wasserstein(a, b) / scale,
        )
    };
    let tested = |method, test: TestResult| {
        let (effect_name, effect) = shift();
        Measured {
            method,
            statistic: test.statistic,
            p_value: test.p_value,
            effect,
            effect_name,
        }
    };
    let mut distance = |name, of: &dyn Fn(&Sorted, &Sorted) -> f64| {
        let p_value = permuted_numbers(a, b, rng, of);
        let effect = of(a, b);
        Measured {
            method,
            statistic: effect,
            p_value,
            effect,
            effect_name: name,
        }
    };
    let cells = |edges: Vec<f64>| {
        move |x: &Sorted, y: &Sorted| {
            let share = |s: &Sorted| bins::shares(&bins::counts(s, &edges), s.len() as u64);
            (share(x), share(y))
        }
    };
    let sturges = || cells(bins::sturges(&a.pooled(b)));
    Ok(match method {
        Method::Auto | Method::Ks => tested(Method::Ks, kolmogorov_smirnov(a, b, KsMethod::Auto)?),
        Method::CramerVonMises => tested(method, cramer_von_mises(a, b)?),
        Method::Anderson => tested(method, anderson_darling(a, b)?),
        Method::EppsSingleton => tested(method, epps_singleton(a, b)?),
        Method::MannWhitney => tested(method, mann_whitney(a, b, Alternative::TwoSided)?),
        Method::T => tested(method, student_t(a, b)?),
        Method::Welch => tested(method, welch_t(a, b)?),
        Method::Wasserstein => distance("Wasserstein distance in standard deviations", &|x, y| {
            wasserstein(x, y) / scale
        }),
        Method::Energy => distance("energy distance, scaled", &|x, y| {
            energy_distance(x, y) / scale.sqrt()
        }),
        Method::Psi => {
            let mut edges = bins::quantile_edges(a, 10);
            if edges.len() < 2 {
                return Err(Unsuitable::because("the reference has one value only"));
            }
            // What lies outside the reference counts in its outermost cells.
            let last = edges.len() - 1;
            edges[0] = f64::NEG_INFINITY;
            edges[last] = f64::INFINITY;
            let deciles = cells(edges);
            distance("population stability index", &move |x, y| {
                let (p, q) = deciles(x, y);
                population_stability(&bins::fill_zeros(&p), &bins::fill_zeros(&q))
            })
        }
        Method::JensenShannon => {
            let cells = sturges();
            distance("Jensen–Shannon distance", &|x, y| {
                let (p, q) = cells(x, y);
                jensen_shannon(&p, &q)
            })
        }
        Method::Kl => {
            let cells = sturges();
            distance("Kullback–Leibler divergence", &|x, y| {
                let (p, q) = cells(x, y);
                kullback_leibler(&bins::fill_zeros(&p), &bins::fill_zeros(&q))
            })
        }
        Method::Hellinger => {
            let cells = sturges();
            distance("Hellinger distance", &|x, y| {
                let (p, q) = cells(x, y);
                hellinger(&p, &q)
            })
        }
        Method::Chi2 | Method::G | Method::Z | Method::Fisher | Method::Tvd => {
            return Err(Unsuitable::because(
                "the method is for categories, the column is numeric",
            ));
        }
    })
}

fn categorical<R: Rng>(method: Method, table: &Table, rng: &mut R) -> Result<Measured, Unsuitable> {
    let (a, b) = (&table.reference, &table.current);
    let (n, m): (u64, u64) = (a.iter().sum(), b.iter().sum());
    let tested = |method, test: TestResult| Measured {
        method,
        statistic: test.statistic,
        p_value: test.p_value,
        effect: cramers_v(a, b),
        effect_name: "Cramér's V",
    };
    let mut distance = |name, of: &dyn Fn(&[u64], &[u64]) -> f64| {
        let p_value = permuted_counts(a, b, rng, of);
        let effect = of(a, b);
        Measured {
            method,
            statistic: effect,
            p_value,
            effect,
            effect_name: name,
        }
    };
    let share = |c: &[u64]| bins::shares(c, c.iter().sum());
    let filled = |c: &[u64]| bins::fill_zeros(&share(c));
    Ok(match method {
        Method::Auto | Method::Chi2 => {
            // The chi-square distribution needs about five expected in each cell.
            let pooled = table.pool_rare(5.0);
            let test = match chi_square(&pooled.reference, &pooled.current) {
                Ok(test) => test,
                // Everything is rare or the same: nothing that could differ is left.
                Err(_) if table.keys.len() < 2 => TestResult {
                    statistic: 0.0,
                    p_value: 1.0,
                },
                Err(e) => return Err(e),
            };
            tested(Method::Chi2, test)
        }
        Method::G => tested(method, g_test(a, b)?),
        Method::Z | Method::Fisher if table.keys.len() != 2 => {
            return Err(Unsuitable::because("the column must have exactly two categories"));
        }
        Method::Z => tested(method, two_proportions(a[0], n, b[0], m)?),
        Method::Fisher => tested(method, fisher_exact(a, b)?),
        Method::Tvd => distance("total variation distance", &total_variation),
        Method::Psi => distance("population stability index", &|x, y| {
            population_stability(&filled(x), &filled(y))
        }),
        Method::JensenShannon => distance("Jensen–Shannon distance", &|x, y| {
            jensen_shannon(&share(x), &share(y))
        }),
        Method::Kl => distance("Kullback–Leibler divergence", &|x, y| {
            kullback_leibler(&filled(x), &filled(y))
        }),
        Method::Hellinger => distance("Hellinger distance", &|x, y| hellinger(&share(x), &share(y))),
        _ => {
            return Err(Unsuitable::because(
                "the method is for numbers, the column has categories",
            ));
        }
    })
}

/// Whether values are missing more or less often: a two-proportion test, the difference of shares as effect.
///
/// # Errors
/// When a side has no rows.
pub fn missingness(reference: &Side, current: &Side) -> Result<Measured, Unsuitable> {
    let (n, m) = (
        reference.len() + reference.missing(),
        current.len() + current.missing(),
    );
    let test = two_proportions(reference.missing(), n, current.missing(), m)?;
    let effect = (reference.missing() as f64 / n as f64 - current.missing() as f64 / m as f64).abs();
    Ok(Measured {
        method: Method::Z,
        statistic: test.statistic,
        p_value: test.p_value,
        effect,
        effect_name: "difference of the shares that are missing",
    })
}

fn permuted_numbers<R: Rng>(
    a: &Sorted,
    b: &Sorted,
    rng: &mut R,
    of: &dyn Fn(&Sorted, &Sorted) -> f64,
) -> f64 {
    let observed = of(a, b);
    // Shuffling labels over the sorted pool keeps both parts sorted.
    let pool = a.pooled(b);
    let mut labels: Vec<bool> = (0..pool.len()).map(|i| i < a.len()).collect();
    let mut at_least = 1_u32;
    for _ in 0..ROUNDS {
        labels.shuffle(rng);
        let part = |first: bool| {
            let kept = pool.values().iter().zip(&labels).filter(|(_, l)| **l == first);
            Sorted::from_sorted(kept.map(|(v, _)| *v).collect())
        };
        if of(&part(true), &part(false)) >= observed {
            at_least += 1;
        }
    }
    f64::from(at_least) / f64::from(ROUNDS + 1)
}

fn permuted_counts<R: Rng>(a: &[u64], b: &[u64], rng: &mut R, of: &dyn Fn(&[u64], &[u64]) -> f64) -> f64 {
    let observed = of(a, b);
    let mut members: Vec<usize> = a
        .iter()
        .zip(b)
        .enumerate()
        .flat_map(|(k, (x, y))| std::iter::repeat_n(k, (x + y) as usize))
        .collect();
    let first = a.iter().sum::<u64>() as usize;
    let mut at_least = 1_u32;
    for _ in 0..ROUNDS {
        let (chosen, rest) = members.partial_shuffle(rng, first);
        let count = |of: &[usize]| {
            let mut out = vec![0_u64; a.len()];
            for k in of {
                out[*k] += 1;
            }
            out
        };
        if of(&count(chosen), &count(rest)) >= observed - 1e-12 {
            at_least += 1;
        }
    }
    f64::from(at_least) / f64::from(ROUNDS + 1)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn numbers(n: usize, shift: f64, seed: u64) -> Side {
        let mut rng = StdRng::seed_from_u64(seed);
        // The sum of twelve uniform numbers is close to normal, with variance 1.
        let normal = |rng: &mut StdRng| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0 + shift;
        Side::Numeric {
            values: Sorted::new((0..n).map(|_| normal(&mut rng))),
            missing: 0,
        }
    }

    fn categories(counts: &[(&str, u64)]) -> Side {
        Side::Categorical {
            counts: counts.iter().map(|(k, c)| ((*k).to_owned(), *c)).collect(),
            missing: 0,
        }
    }

    const NUMERIC: [Method; 13] = [
        Method::Auto,
        Method::Ks,
        Method::CramerVonMises,
        Method::Anderson,
        Method::EppsSingleton,
        Method::MannWhitney,
        Method::T,
        Method::Welch,
        Method::Wasserstein,
        Method::Energy,
        Method::Psi,
        Method::JensenShannon,
        Method::Hellinger,
    ];

    #[test]
    fn every_numeric_method_finds_a_shift_and_leaves_equal_samples_alone() {
        for method in NUMERIC {
            let mut rng = StdRng::seed_from_u64(3);
            let far =
                measure(method, &numbers(300, 0.0, 1), &numbers(300, 1.0, 2), &mut rng).expect("suitable");
            assert!(far.p_value <= 0.005 && far.effect >= 0.1, "{method:?}: {far:?}");
            let near =
                measure(method, &numbers(300, 0.0, 1), &numbers(300, 0.0, 2), &mut rng).expect("suitable");
            assert!(near.p_value > 0.01, "{method:?}: {near:?}");
        }
    }

    #[test]
    fn every_categorical_method_finds_a_change_and_leaves_equal_shares_alone() {
        let before = categories(&[("a", 100), ("b", 100)]);
        for method in [
            Method::Auto,
            Method::Chi2,
            Method::G,
            Method::Z,
            Method::Fisher,
            Method::Tvd,
            Method::Psi,
            Method::JensenShannon,
            Method::Kl,
            Method::Hellinger,
        ] {
            let mut rng = StdRng::seed_from_u64(4);
            let far =
                measure(method, &before, &categories(&[("a", 150), ("b", 50)]), &mut rng).expect("suitable");
            assert!(far.p_value <= 0.005, "{method:?}: {far:?}");
            let near =
                measure(method, &before, &categories(&[("a", 98), ("b", 102)]), &mut rng).expect("suitable");
            assert!(near.p_value > 0.5, "{method:?}: {near:?}");
        }
    }

    #[test]
    fn a_method_for_the_other_kind_is_refused() {
        let mut rng = StdRng::seed_from_u64(5);
        let (numbers, names) = (numbers(20, 0.0, 1), categories(&[("a", 3), ("b", 4)]));
        assert!(measure(Method::Chi2, &numbers, &numbers, &mut rng).is_err());
        assert!(measure(Method::Ks, &names, &names, &mut rng).is_err());
        assert!(measure(Method::Auto, &numbers, &names, &mut rng).is_err());
        assert!(measure(Method::Fisher, &categories(&[("a", 3)]), &names, &mut rng).is_ok());
        assert!(measure(Method::Auto, &categories(&[]), &names, &mut rng).is_err());
    }

    #[test]
    fn missing_values_are_a_difference_of_their_own() {
        let side = |missing: u32| Side::Numeric {
            values: Sorted::new((0..1000 - missing).map(f64::from)),
            missing: u64::from(missing),
        };
        let far = missingness(&side(0), &side(600)).expect("rows");
        assert!(far.p_value < 1e-9 && (far.effect - 0.6).abs() < 1e-12, "{far:?}");
        assert!(missingness(&side(10), &side(12)).expect("rows").p_value > 0.5);
    }

    #[test]
    fn constant_columns_do_not_differ() {
        let mut rng = StdRng::seed_from_u64(6);
        let flat = Side::Numeric {
            values: Sorted::new([3.0; 40]),
            missing: 0,
        };
        let found = measure(Method::Auto, &flat, &flat, &mut rng).expect("suitable");
        assert_eq!((found.p_value, found.effect), (1.0, 0.0));
        let one = categories(&[("a", 40)]);
        assert_eq!(
            measure(Method::Auto, &one, &one, &mut rng)
                .expect("suitable")
                .p_value,
            1.0
        );
    }
}
