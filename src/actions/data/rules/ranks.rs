//! Quantiles of a column, exact, in memory that does not grow with the rows.
//!
//! Numbers are read as 64 bits whose order is that of the numbers. A look counts the numbers by their next 20 bits,
//! and keeps those themselves while they are few. When the one that is wanted is not among few, its 20 bits are known
//! all the same, and a further look counts only the numbers that begin with them: 100 million numbers take two looks
//! as a rule, a few take one.

use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::{DataType, Expr, QuantileMethod};

use super::looking::looking;

/// By so many bits numbers are counted at once.
const DIGIT: u32 = 20;
/// At most so many numbers are kept by a layer: 8 MB.
const KEPT: usize = 1 << 20;

/// The search for one quantile, shared by the threads of a scan.
#[derive(Clone, Debug)]
pub struct Ranks(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    at: f64,
    method: QuantileMethod,
    kept: usize,
    layers: Vec<Layer>,
    /// None before the first look is over.
    targets: Option<Targets>,
}

/// The numbers that begin with some known bits.
#[derive(Debug)]
struct Layer {
    /// The known bits, and how many they are.
    prefix: u64,
    known: u32,
    counts: Vec<u64>,
    /// The numbers themselves, while they are few.
    few: Option<Vec<u64>>,
    /// How many it should find; not known at first.
    expected: Option<u64>,
}

/// The two neighbours the quantile lies between, which may be one, and how far from the first.
#[derive(Clone, Copy, Debug)]
struct Targets {
    low: Target,
    high: Target,
    towards: f64,
}

/// One number, by its place in the order.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// In this layer, after so many others of it.
    Sought {
        layer: usize,
        rank: u64,
    },
    Found(u64),
}

/// What a look gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ranked {
    /// The quantile; none of no numbers.
    Value(Option<f64>),
    /// A further look is needed.
    Again,
}

impl Ranks {
    /// The quantile at a share from 0 to 1.
    pub fn new(at: f64, method: QuantileMethod) -> Self {
        Self::keeping(at, method, KEPT)
    }

    fn keeping(at: f64, method: QuantileMethod, kept: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            at,
            method,
            kept,
            layers: vec![Layer::new(0, 0, None)],
            targets: None,
        })))
    }

    /// An expression that looks at each number of a column, not at nulls, and gives how many it looked at.
    pub fn look(&self, numbers: Expr) -> Expr {
        let ranks = self.clone();
        looking(numbers.cast(DataType::Float64), None, move |column| {
            Ok(ranks.add(column.f64()?.iter().flatten()))
        })
    }

    fn add(&self, numbers: impl Iterator<Item = f64>) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { layers, kept, .. } = &mut *state;
        let mut looked_at = 0;
        for number in numbers {
            looked_at += 1;
            let key = key(number);
            for layer in layers.iter_mut() {
                layer.add(key, *kept);
            }
        }
        looked_at
    }

    /// What is known after a look at so many numbers.
    ///
    /// # Errors
    /// One line, when other numbers came than those of the look before.
    pub fn ranked(&self, of: u64) -> Result<Ranked, String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for layer in &state.layers {
            let found: u64 = layer.counts.iter().sum();
            let expected = layer.expected.unwrap_or(of);
            if found != expected {
                return Err(format!(
                    "{found} numbers were looked at, there are {expected}: did the table change while it was read?"
                ));
            }
        }
        if of == 0 {
            return Ok(Ranked::Value(None));
        }
        let targets = match state.targets {
            Some(targets) => targets,
            None => Targets::of(state.at, of, state.method),
        };
        let mut next = Vec::new();
        let low = targets.low.narrowed(&mut state.layers, &mut next);
        let high = targets.high.narrowed(&mut state.layers, &mut next);
        if let (Target::Found(low), Target::Found(high)) = (low, high) {
            let (low, high) = (number(low), number(high));
            return Ok(Ranked::Value(Some(between(low, high, targets.towards))));
        }
        state.targets = Some(Targets { low, high, ..targets });
        state.layers = next;
        Ok(Ranked::Again)
    }
}

impl Layer {
    fn new(prefix: u64, known: u32, expected: Option<u64>) -> Self {
        Self {
            prefix,
            known,
            counts: vec![0; 1 << DIGIT.min(u64::BITS - known)],
            few: Some(Vec::new()),
            expected,
        }
    }

    /// How many bits stand behind those that are counted.
    fn rest(&self) -> u32 {
        u64::BITS - self.known - DIGIT.min(u64::BITS - self.known)
    }

    fn add(&mut self, key: u64, kept: usize) {
        if self.known > 0 && key >> (u64::BITS - self.known) != self.prefix {
            return;
        }
        let digit = (key >> self.rest()) as usize & (self.counts.len() - 1);
        self.counts[digit] += 1;
        if let Some(few) = &mut self.few {
            if few.len() < kept {
                few.push(key);
            } else {
                self.few = None;
            }
        }
    }
}

impl Targets {
    /// Where a quantile of so many numbers lies; halves are rounded away from 0, as polars does.
    fn of(at: f64, of: u64, method: QuantileMethod) -> Self {
        let last = of - 1;
        let place = last as f64 * at;
        let (low, high, towards) = match method {
            QuantileMethod::Lower => (place.floor(), place.floor(), 0.0),
            QuantileMethod::Higher => (place.ceil(), place.ceil(), 0.0),
            QuantileMethod::Midpoint => (place.floor(), place.ceil(), 0.5),
            QuantileMethod::Linear => (place.floor(), place.ceil(), place - place.floor()),
            QuantileMethod::Nearest | QuantileMethod::Equiprobable => (place.round(), place.round(), 0.0),
        };
        let sought = |place: f64| Target::Sought {
            layer: 0,
            rank: (place as u64).min(last),
        };
        Self {
            low: sought(low),
            high: sought(high),
            towards,
        }
    }
}

impl Target {
    /// The number, or a layer with fewer numbers, which is added to `next` when it is not there yet.
    fn narrowed(self, layers: &mut [Layer], next: &mut Vec<Layer>) -> Self {
        let Self::Sought { layer, rank } = self else {
            return self;
        };
        let layer = &mut layers[layer];
        if let Some(few) = &mut layer.few {
            return Self::Found(*few.select_nth_unstable(rank as usize).1);
        }
        let mut before = 0;
        for (digit, count) in layer.counts.iter().enumerate() {
            if rank < before + count {
                let known = u64::BITS - layer.rest();
                let width = known - layer.known;
                let prefix = (layer.prefix << width) | digit as u64;
                if known == u64::BITS {
                    return Self::Found(prefix);
                }
                let there = next.iter().position(|l| l.prefix == prefix);
                let layer = there.unwrap_or_else(|| {
                    next.push(Layer::new(prefix, known, Some(*count)));
                    next.len() - 1
                });
                return Self::Sought {
                    layer,
                    rank: rank - before,
                };
            }
            before += count;
        }
        // The counts were compared with the number of values: a rank lies among them.
        Self::Found(u64::MAX)
    }
}

/// A number as bits in the same order; every NaN is the greatest, -0 is 0.
fn key(number: f64) -> u64 {
    let bits = if number.is_nan() {
        f64::NAN.to_bits() & !(1 << 63)
    } else {
        (number + 0.0).to_bits()
    };
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// The number this share of the way from one to the other.
fn between(low: f64, high: f64, towards: f64) -> f64 {
    if low == high || towards == 0.0 {
        low
    } else if towards == 0.5 {
        f64::midpoint(low, high)
    } else {
        towards * (high - low) + low
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{ChunkQuantile as _, Float64Chunked, NewChunkedArray as _};

    use super::*;

    /// The quantile with layers that keep so many numbers, and how many looks it took.
    fn looked(numbers: &[f64], at: f64, method: QuantileMethod, kept: usize) -> (Option<f64>, usize) {
        let ranks = Ranks::keeping(at, method, kept);
        for looks in 1..=4 {
            assert_eq!(ranks.add(numbers.iter().copied()), numbers.len() as u64);
            if let Ranked::Value(value) = ranks.ranked(numbers.len() as u64).expect("the same numbers") {
                return (value, looks);
            }
        }
        panic!("four looks see 64 bits");
    }

    /// Numbers of all sizes and both signs, some of them equal.
    fn numbers(many: usize) -> Vec<f64> {
        let mut state = 7_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f64
        };
        (0..many)
            .map(|i| match i % 5 {
                0 => next() / 1e9,
                1 => -next(),
                2 => 50.0 + next() / 1e12,
                3 => (next() % 7.0) - 3.0,
                _ => next() * 1e200,
            })
            .collect()
    }

    #[test]
    fn it_agrees_with_polars() {
        for many in [1, 2, 10, 999] {
            let numbers = numbers(many);
            let column = Float64Chunked::from_slice("n".into(), &numbers);
            for method in [
                QuantileMethod::Nearest,
                QuantileMethod::Lower,
                QuantileMethod::Higher,
                QuantileMethod::Midpoint,
                QuantileMethod::Linear,
            ] {
                for at in [0.0, 0.25, 0.5, 0.77, 1.0] {
                    let wanted = column.quantile(at, method).expect("a quantile").expect("numbers");
                    for kept in [3, KEPT] {
                        let (found, looks) = looked(&numbers, at, method, kept);
                        let found = found.expect("numbers");
                        assert!(
                            found == wanted || (found - wanted).abs() <= 1e-12 * wanted.abs(),
                            "{many} numbers at {at} by {method:?}: {found}, not {wanted}"
                        );
                        assert!(kept < KEPT || looks == 1, "few numbers take one look");
                    }
                }
            }
        }
    }

    #[test]
    fn odd_numbers_have_their_places() {
        let odd = [
            f64::NAN,
            1.0,
            f64::INFINITY,
            -f64::NAN,
            f64::NEG_INFINITY,
            -0.0,
            0.0,
        ];
        for kept in [0, KEPT] {
            let at = |share| {
                looked(&odd, share, QuantileMethod::Lower, kept)
                    .0
                    .expect("numbers")
            };
            assert_eq!(at(0.0), f64::NEG_INFINITY);
            assert_eq!(at(1.0 / 6.0), 0.0);
            assert_eq!(at(0.5), 1.0);
            assert_eq!(at(4.0 / 6.0), f64::INFINITY);
            assert!(at(1.0).is_nan());
        }
        assert_eq!(looked(&[], 0.5, QuantileMethod::Linear, 0), (None, 1));
    }

    #[test]
    fn other_numbers_than_before_are_told() {
        let ranks = Ranks::keeping(0.5, QuantileMethod::Nearest, 0);
        ranks.add([1.0, 2.0, 2.0].into_iter());
        assert_eq!(ranks.ranked(3), Ok(Ranked::Again));
        ranks.add([1.0, 2.0, 3.0].into_iter());
        let why = ranks.ranked(3).expect_err("one less");
        assert!(why.contains("did the table change"), "{why}");
        assert!(Ranks::new(0.5, QuantileMethod::Nearest).ranked(1).is_err());
    }
}
