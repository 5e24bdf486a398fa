//! How far two tensors are apart.

use std::io::Read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Tensor, damaged, patience};
use crate::action::Failure;
use crate::tools::http::Until;

/// Values that are compared at once.
const VALUES: usize = 1 << 16;

/// How far apart two values may be: `|a - b| <= absolute + relative * max(|a|, |b|)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Whatever the values are.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub absolute: f64,
    /// As a share of the larger one.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub relative: f64,
}

/// What differs between two tensors of one name.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// The tensor's name.
    pub tensor: String,
    /// `values`, `shape`, `type`, or `missing` when one of the two models does not have it.
    pub what: String,
    /// How many values differ.
    pub differing: u64,
    /// How many of them differ by more than is tolerated.
    pub beyond: u64,
    /// How many values there are.
    pub total: u64,
    /// The place of the first value that differs, counted from 0 in C order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// That value in the first model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<f64>,
    /// That value in the other model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<f64>,
    /// The largest difference of two values; nothing when one is no finite number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_absolute: Option<f64>,
    /// The largest difference of two values as a share of the larger one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_relative: Option<f64>,
}

impl Difference {
    fn plain(tensor: &str, what: &str, total: u64) -> Self {
        Self {
            tensor: tensor.to_owned(),
            what: what.to_owned(),
            differing: total,
            beyond: total.max(1),
            total,
            first: None,
            a: None,
            b: None,
            max_absolute: None,
            max_relative: None,
        }
    }

    /// A tensor that only one of the models has.
    pub fn missing(tensor: &str) -> Self {
        Self::plain(tensor, "missing", 0)
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        let Self {
            tensor,
            differing,
            total,
            ..
        } = self;
        match self.what.as_str() {
            "missing" => format!("`{tensor}` is in one of the models only"),
            "shape" | "type" => format!("`{tensor}` has another {}", self.what),
            _ => {
                let mut text = format!("`{tensor}`: {differing} of {total} values differ");
                if let (Some(first), Some(a), Some(b)) = (self.first, self.a, self.b) {
                    text = format!("{text}, first at {first} ({a} and {b})");
                }
                if let (Some(absolute), Some(relative)) = (self.max_absolute, self.max_relative) {
                    text = format!("{text}, by at most {absolute:.3e} (relative {relative:.3e})");
                }
                text
            }
        }
    }
}

/// What differs between two tensors whose hashes differ; none when all values are equal after all (0.0 and -0.0).
///
/// # Errors
/// As reading them.
pub fn difference(
    a: &Tensor,
    b: &Tensor,
    tolerance: Tolerance,
    until: &Until,
) -> Result<Option<Difference>, Failure> {
    let total: u64 = a.shape.iter().product();
    if a.kind != b.kind {
        return Ok(Some(Difference::plain(&a.name, "type", total)));
    }
    if a.shape != b.shape {
        return Ok(Some(Difference::plain(&a.name, "shape", total)));
    }
    let Some(element) = a.kind.element else {
        return Ok(Some(Difference::plain(&a.name, "values", total.max(1))));
    };
    let mut found = Difference {
        differing: 0,
        beyond: 0,
        ..Difference::plain(&a.name, "values", total)
    };
    let (mut max, mut finite) = ((0.0_f64, 0.0_f64), true);
    let size = element.size();
    let broken =
        |e: std::io::Error| damaged(format!("the tensor `{}` cannot be read to its end: {e}", a.name));
    let (mut left, mut right) = (
        a.content.open().map_err(broken)?,
        b.content.open().map_err(broken)?,
    );
    let (mut one, mut two) = (vec![0; VALUES * size], vec![0; VALUES * size]);
    let mut at = 0;
    while at < total {
        patience(until)?;
        let n = usize::try_from(total - at).unwrap_or(VALUES).min(VALUES);
        left.read_exact(&mut one[..n * size]).map_err(broken)?;
        right.read_exact(&mut two[..n * size]).map_err(broken)?;
        for (i, (x, y)) in one[..n * size]
            .chunks(size)
            .zip(two[..n * size].chunks(size))
            .enumerate()
        {
            if x == y {
                continue;
            }
            let (x, y) = (element.read(x), element.read(y));
            if x == 0.0 && y == 0.0 {
                continue;
            }
            found.differing += 1;
            if found.first.is_none() {
                found.first = Some(at + i as u64);
                (found.a, found.b) = (finite_only(x), finite_only(y));
            }
            let (gap, larger) = ((x - y).abs(), x.abs().max(y.abs()));
            if gap.is_finite() {
                max = (
                    max.0.max(gap),
                    max.1.max(if larger > 0.0 { gap / larger } else { 0.0 }),
                );
            } else {
                finite = false;
            }
            // Not a number is within no tolerance. Whole numbers that look equal are beyond 2^53, and differ.
            // Infinity is within no tolerance, nor is what is no number. Whole numbers that look equal are beyond 2^53,
            // and differ.
            let within = gap.is_finite()
                && gap <= tolerance.absolute + tolerance.relative * larger
                && (gap > 0.0 || tolerance != Tolerance::default());
            if !within {
                found.beyond += 1;
            }
        }
        at += n as u64;
    }
    if finite && found.differing > 0 {
        (found.max_absolute, found.max_relative) = (Some(max.0), Some(max.1));
    }
    Ok((found.differing > 0).then_some(found))
}

/// JSON has no other numbers.
fn finite_only(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

impl Tensor {
    /// How many of the values are no finite numbers.
    ///
    /// # Errors
    /// As reading it.
    pub fn not_finite(&self, until: &Until) -> Result<u64, Failure> {
        use super::Element as E;
        let Some(element) = self
            .kind
            .element
            .filter(|e| matches!(e, E::F16 | E::Bf16 | E::F32 | E::F64))
        else {
            return Ok(0);
        };
        let mut count = 0;
        // A piece holds whole values: its size is a multiple of any of theirs.
        self.pieces(until, |piece| {
            count += piece
                .chunks(element.size())
                .filter(|v| !element.read(v).is_finite())
                .count() as u64;
        })?;
        Ok(count)
    }
}
