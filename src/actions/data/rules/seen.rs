//! Which whole numbers were seen once and which more often, in two bits for each, so that their uniqueness is found in
//! the one scan of all checks and in memory that does not grow with the rows.
//!
//! That is for numbers that lie close together, as keys do. Numbers that are scattered need more memory this way than
//! by a table of hashes; then nothing is told, and the caller counts another way.

use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::{Column, DataType, Expr, PolarsResult};

use super::looking::looking;
use super::repeats::Counts;

/// Numbers of one part: 65,536 of them.
const BITS: u32 = 16;
const WORDS: usize = 1 << (BITS - 6);
/// At most so many parts are kept: 256 MiB.
const PARTS: usize = 1 << 14;
/// At most so many places for parts, which bounds how far numbers may lie apart.
const PLACES: usize = 1 << 20;
/// A part that is used by fewer numbers than this is a waste, once there are some parts.
const DENSE: u64 = 64;

/// What was seen, shared by the threads of a scan.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The number of the first place's part.
    base: i64,
    places: Vec<Option<Box<Part>>>,
    parts: usize,
    /// How many numbers were looked at.
    count: u64,
    /// Whether it was given up.
    scattered: bool,
}

#[derive(Debug)]
struct Part {
    once: [u64; WORDS],
    again: [u64; WORDS],
}

impl Seen {
    /// An expression that looks at each value of a column of whole numbers and gives how many it looked at.
    pub fn of(&self, column: Expr, among: Option<&Expr>) -> Expr {
        let seen = self.clone();
        looking(column, among, move |column| {
            let numbers = column.cast(&DataType::Int64)?;
            Ok(seen.look(numbers.i64()?.iter().flatten()))
        })
    }

    /// Looks at numbers; gives how many.
    fn look(&self, numbers: impl Iterator<Item = i64>) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.count;
        for number in numbers {
            state.add(number);
        }
        state.count - before
    }

    /// The counts of the numbers; none when it was given up, or when another number of values was looked at than there
    /// are.
    pub fn counts(&self, of: u64) -> Option<Counts> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!state.scattered && state.count == of).then(|| {
            let (different, unique) = state.tally();
            Counts {
                different,
                repeated: of - unique,
            }
        })
    }

    /// Whether each number of a column was seen more than once.
    pub fn repeated(&self, column: &Column) -> PolarsResult<Vec<bool>> {
        let numbers = column.cast(&DataType::Int64)?;
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated = |number: Option<i64>| number.is_some_and(|number| state.repeats(number));
        Ok(numbers.i64()?.iter().map(repeated).collect())
    }
}

impl State {
    fn add(&mut self, number: i64) {
        self.count += 1;
        if self.scattered {
            return;
        }
        let Some(place) = self.place(number >> BITS) else {
            self.scattered = true;
            self.places = Vec::new();
            return;
        };
        let within = (number & ((1 << BITS) - 1)) as usize;
        let (word, bit) = (within >> 6, 1_u64 << (within & 63));
        if let Some(part) = self.places.get_mut(place).and_then(Option::as_mut) {
            part.again[word] |= part.once[word] & bit;
            part.once[word] |= bit;
        }
    }

    /// The place of a part, which is made when it is new; none when that would be too much.
    fn place(&mut self, part: i64) -> Option<usize> {
        if self.places.is_empty() {
            self.base = part;
        }
        if part < self.base {
            let missing = usize::try_from(self.base.checked_sub(part)?).ok()?;
            if missing + self.places.len() > PLACES {
                return None;
            }
            self.places
                .splice(0..0, std::iter::repeat_with(|| None).take(missing));
            self.base = part;
        }
        let place = usize::try_from(part.checked_sub(self.base)?).ok()?;
        if place >= self.places.len() {
            if place >= PLACES {
                return None;
            }
            self.places.resize_with(place + 1, || None);
        }
        if self.places[place].is_none() {
            self.parts += 1;
            let wasteful = self.parts > 64 && self.count < DENSE * self.parts as u64;
            if self.parts > PARTS || wasteful {
                return None;
            }
            self.places[place] = Some(Box::new(Part {
                once: [0; WORDS],
                again: [0; WORDS],
            }));
        }
        Some(place)
    }

    /// How many numbers were seen, and how many of them once only.
    fn tally(&self) -> (u64, u64) {
        let words = self
            .places
            .iter()
            .flatten()
            .flat_map(|part| part.once.iter().zip(&part.again));
        words.fold((0, 0), |(different, unique), (once, again)| {
            (
                different + u64::from(once.count_ones()),
                unique + u64::from((once & !again).count_ones()),
            )
        })
    }

    fn repeats(&self, number: i64) -> bool {
        let place = (number >> BITS).checked_sub(self.base);
        let part = place
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| self.places.get(place)?.as_ref());
        let within = (number & ((1 << BITS) - 1)) as usize;
        part.is_some_and(|part| part.again[within >> 6] & (1 << (within & 63)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(numbers: &[i64]) -> Option<u64> {
        let seen = Seen::default();
        assert_eq!(seen.look(numbers.iter().copied()), numbers.len() as u64);
        seen.counts(numbers.len() as u64).map(|counts| counts.repeated)
    }

    #[test]
    fn every_member_of_a_group_is_counted() {
        assert_eq!(repeated(&[1, 2, 3]), Some(0));
        assert_eq!(repeated(&[1, 2, 2, 3, 3, 3]), Some(5));
        assert_eq!(repeated(&[]), Some(0));
        assert_eq!(repeated(&[-1, -65_536, -1, 70_000, -70_000, 70_000]), Some(4));
    }

    #[test]
    fn different_and_repeated_numbers_are_known() {
        let seen = Seen::default();
        let numbers = [-70_000_i64, 5, 5, 70_000, -1];
        seen.look(numbers.into_iter());
        let counts = Counts {
            different: 4,
            repeated: 2,
        };
        assert_eq!(seen.counts(5), Some(counts));
        let column = Column::new("n".into(), [Some(5_i64), Some(-1), None, Some(6), Some(i64::MIN)]);
        let repeated = seen.repeated(&column).expect("numbers");
        assert_eq!(repeated, [true, false, false, false, false]);
    }

    #[test]
    fn a_count_that_does_not_fit_tells_nothing() {
        let seen = Seen::default();
        seen.look([1, 2].into_iter());
        assert_eq!(seen.counts(3), None);
    }

    #[test]
    fn scattered_numbers_are_given_up() {
        assert_eq!(repeated(&[i64::MIN, 0]), None);
        assert_eq!(repeated(&[i64::MAX, i64::MIN]), None);
        let far: Vec<i64> = (0..10_000).map(|i| i * 1_000_003).collect();
        assert_eq!(repeated(&far), None);
    }

    #[test]
    fn it_agrees_with_sorting() {
        let mut state = 1_u64;
        let numbers: Vec<i64> = (0..200_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 40) as i64 % 300_000 - 150_000
            })
            .collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        let wanted: usize = sorted
            .chunk_by(|a, b| a == b)
            .map(<[i64]>::len)
            .filter(|n| *n > 1)
            .sum();
        assert_eq!(repeated(&numbers), Some(wanted as u64));
    }
}
