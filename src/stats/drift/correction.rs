//! Many tests at once: corrected p-values.

use serde::{Deserialize, Serialize};

/// How p-values are corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Each test on its own: with 20 of them at 5 %, one fires by chance in 64 runs of 100.
    None,
    Bonferroni,
    /// Holm (1979): bounds the chance of any false alarm, and finds more than Bonferroni.
    #[default]
    Holm,
    /// Benjamini and Hochberg (1995): bounds the share of false alarms among the alarms.
    BenjaminiHochberg,
}

/// Corrected p-values in the order given.
#[must_use]
pub fn adjust(p_values: &[f64], correction: Correction) -> Vec<f64> {
    let m = p_values.len() as f64;
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut out = p_values.to_vec();
    match correction {
        Correction::None => {}
        Correction::Bonferroni => {
            for p in &mut out {
                *p = (*p * m).min(1.0);
            }
        }
        Correction::Holm => {
            let mut largest = 0.0_f64;
            for (rank, i) in order.iter().enumerate() {
                largest = largest.max((p_values[*i] * (m - rank as f64)).min(1.0));
                out[*i] = largest;
            }
        }
        Correction::BenjaminiHochberg => {
            let mut smallest = 1.0_f64;
            for (rank, i) in order.iter().enumerate().rev() {
                smallest = smallest.min(p_values[*i] * m / (rank as f64 + 1.0));
                out[*i] = smallest;
            }
        }
    }
    out
}
