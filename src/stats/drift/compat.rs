//! Many columns at once as Evidently judges them: a fixed threshold for each column's score, and the share of columns
//! that drifted for the table.

use std::collections::BTreeMap;

use rand::Rng;

use super::column::Side;
use super::detector::{Finding, Pair, Reason};
use super::evidently::{Method, default_method, score};

/// Evidently's settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidently {
    /// The method of all columns; Evidently's own choice for each when none is named.
    pub method: Option<Method>,
    /// Methods of single columns.
    pub methods: BTreeMap<String, Method>,
    /// The threshold of all columns; each method's own when none is given.
    pub threshold: Option<f64>,
    /// The table drifted when at least this share of its columns did.
    pub drift_share: f64,
}

impl Evidently {
    /// Scores all columns, which stay in their order.
    pub fn detect<R: Rng>(&self, pairs: &[Pair], rng: &mut R) -> Vec<Finding> {
        pairs.iter().map(|pair| self.finding(pair, rng)).collect()
    }

    /// Whether the table as a whole drifted.
    #[must_use]
    pub fn dataset_drifted(&self, findings: &[Finding]) -> bool {
        let drifted = findings.iter().filter(|f| f.drifted()).count();
        drifted as f64 >= self.drift_share * findings.len() as f64
    }

    fn finding<R: Rng>(&self, pair: &Pair, rng: &mut R) -> Finding {
        let method = self
            .methods
            .get(&pair.column)
            .copied()
            .or(self.method)
            .or_else(|| default_method(&pair.reference, &pair.current));
        let scored = match method {
            Some(method) => score(method, &pair.reference, &pair.current, rng).map_err(|e| e.0),
            None => Err("one side is numeric and the other is not".to_owned()),
        };
        let drifted = match (method, &scored) {
            (Some(method), Ok(score)) => {
                method.drifted(*score, self.threshold.unwrap_or_else(|| method.threshold()))
            }
            _ => false,
        };
        Finding {
            column: pair.column.clone(),
            numeric: matches!(pair.reference, Side::Numeric { .. }),
            method: method.map(Method::word).unwrap_or_default(),
            statistic: scored.as_ref().ok().copied(),
            p_value: None,
            adjusted_p: None,
            effect: None,
            effect_name: "",
            missing_p: None,
            new_categories: Vec::new(),
            lost_categories: Vec::new(),
            reasons: if drifted {
                vec![Reason::Distribution]
            } else {
                Vec::new()
            },
            unable: scored.err(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::stats::drift::Sorted;

    #[test]
    fn the_table_drifts_by_the_share_of_its_columns() {
        let side = |shift: f64| Side::Numeric {
            values: Sorted::new((0..2000).map(|i| f64::from(i) + shift)),
            missing: 0,
        };
        let pair = |column: &str, shift: f64| Pair {
            column: column.to_owned(),
            reference: side(0.0),
            current: side(shift),
        };
        let evidently = Evidently {
            drift_share: 0.5,
            ..Evidently::default()
        };
        let mut rng = StdRng::seed_from_u64(1);
        let one = evidently.detect(&[pair("a", 0.0), pair("b", 0.0), pair("c", 900.0)], &mut rng);
        assert_eq!(one[2].method, "wasserstein");
        assert!(one[2].drifted() && !one[0].drifted());
        assert!(!evidently.dataset_drifted(&one));
        let two = evidently.detect(&[pair("a", 0.0), pair("b", 900.0)], &mut rng);
        assert!(evidently.dataset_drifted(&two));
    }
}
