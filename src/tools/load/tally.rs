//! Counts and histograms of a share: bounded whatever the length of the load, and mergeable in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The unit of the histograms, in seconds.
pub const UNIT: f64 = 1e-7;

/// How often each value came; values are in [`UNIT`]s and rounded up by less than 0.1 %.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Counts(pub BTreeMap<u64, u64>);

impl From<Vec<(u64, u64)>> for Counts {
    fn from(list: Vec<(u64, u64)>) -> Self {
        let mut counts = Self::default();
        for (value, n) in list {
            counts.add(value, n);
        }
        counts
    }
}

impl From<Counts> for Vec<(u64, u64)> {
    fn from(counts: Counts) -> Self {
        counts.0.into_iter().collect()
    }
}

impl Counts {
    pub fn add(&mut self, value: u64, n: u64) {
        if n > 0 {
            *self.0.entry(value).or_default() += n;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (value, n) in &other.0 {
            self.add(*value, *n);
        }
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The smallest value that the share `q` does not exceed, in seconds, when `missing` members are larger than all.
    #[must_use]
    pub fn quantile(&self, q: f64, missing: u64) -> Option<f64> {
        let n = self.total() + missing;
        let rank = ((q * n as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.0.iter().find_map(|(value, count)| {
            seen += count;
            (seen >= rank).then(|| seconds(*value))
        })
    }

    /// The largest value, in seconds.
    #[must_use]
    pub fn largest(&self) -> f64 {
        self.0.keys().next_back().map_or(0.0, |v| seconds(*v))
    }
}

/// Units in seconds, without the noise of a product of fractions.
#[must_use]
pub fn seconds(units: u64) -> f64 {
    units as f64 / (1.0 / UNIT).round()
}

/// Of two neighbours the faster one: how many pairs were both slow can be told from it for every limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    pub minima: Counts,
    /// Pairs of which neither had a right answer.
    pub both_wrong: u64,
}

impl Pairs {
    pub fn merge(&mut self, other: &Self) {
        self.minima.merge(&other.minima);
        self.both_wrong += other.both_wrong;
    }
}

/// A group of requests: of one kind, in one part, in one step of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub sent: u64,
    pub dropped: u64,
    /// Whole answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// What was wrong, by class.
    pub wrong: BTreeMap<String, u64>,
    /// From the intended moment, of right answers.
    pub latency: Counts,
    /// From the actual moment.
    pub service: Counts,
    /// Neighbours in the whole load, and among those of the kind.
    pub near: Pairs,
    pub near_of_kind: Pairs,
}

impl Cell {
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.dropped += other.dropped;
        for (status, n) in &other.statuses {
            *self.statuses.entry(*status).or_default() += n;
        }
        for (class, n) in &other.wrong {
            *self.wrong.entry(class.clone()).or_default() += n;
        }
        self.latency.merge(&other.latency);
        self.service.merge(&other.service);
        self.near.merge(&other.near);
        self.near_of_kind.merge(&other.near_of_kind);
    }

    /// Requests without the right answer.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.wrong.values().sum()
    }
}

/// Where a cell belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub kind: u16,
    pub part: u16,
    /// Step of the timeline, from the first counted moment.
    pub step: u32,
}

/// What a share came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    #[serde(with = "listed")]
    pub cells: BTreeMap<Place, Cell>,
    /// By how much requests were sent later than intended.
    pub lag: Counts,
    /// Connections that were opened.
    pub connections: u64,
    /// One message of each class of errors, for people; no secret in it.
    pub messages: BTreeMap<String, String>,
    /// Of each thread: seconds it computed, and seconds it lived, from the start of counting.
    pub threads: Vec<(f64, f64)>,
    /// When the last counted request ended, in nanoseconds from the start.
    pub last: u64,
    /// It was told to stop before all was sent.
    pub cut: bool,
    /// The steps of the timeline are so many times as long as planned.
    pub coarse: u32,
}

/// More cells than this of one kind make the timeline coarser.
const STEPS: u32 = 1200;

impl Tally {
    /// Adds what another share came to in the same time.
    pub fn merge(&mut self, mut other: Self) {
        let coarse = self.coarse.max(other.coarse);
        self.coarsen(coarse);
        other.coarsen(coarse);
        for (place, cell) in &other.cells {
            self.cells.entry(*place).or_default().merge(cell);
        }
        self.lag.merge(&other.lag);
        self.connections += other.connections;
        for (class, message) in other.messages {
            self.messages.entry(class).or_insert(message);
        }
        self.threads.extend(other.threads);
        self.last = self.last.max(other.last);
        self.cut |= other.cut;
    }

    /// Adds a load that came after it, `offset` steps later.
    pub fn append(&mut self, other: Self, offset: Offset) {
        let mut later = other;
        self.coarsen(later.coarse);
        later.coarsen(self.coarse);
        let steps = offset.steps >> self.coarse;
        later.cells = later
            .cells
            .into_iter()
            .map(|(place, cell)| {
                let step = place.step + steps;
                (Place { step, ..place }, cell)
            })
            .collect();
        later.last += offset.nanoseconds;
        for (mine, theirs) in self.threads.iter_mut().zip(&later.threads) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
        later.threads.clear();
        self.merge(later);
    }

    /// Adds to a cell, and joins steps by two when there are too many.
    pub(super) fn put(&mut self, mut place: Place, cell: &Cell) {
        place.step >>= self.coarse;
        self.cells.entry(place).or_default().merge(cell);
        if place.step >= STEPS {
            self.coarsen(self.coarse + 1);
        }
    }

    fn coarsen(&mut self, to: u32) {
        let by = to.saturating_sub(self.coarse);
        if by == 0 {
            return;
        }
        self.coarse = to;
        for (mut place, cell) in std::mem::take(&mut self.cells) {
            place.step >>= by;
            self.cells.entry(place).or_default().merge(&cell);
        }
    }

    /// All cells together that belong to what is asked.
    #[must_use]
    pub fn sum(&self, of: impl Fn(&Place) -> bool) -> Cell {
        let mut all = Cell::default();
        for (_, cell) in self.cells.iter().filter(|(place, _)| of(place)) {
            all.merge(cell);
        }
        all
    }
}

/// How much later another load began.
#[derive(Clone, Copy, Debug)]
pub struct Offset {
    pub steps: u32,
    pub nanoseconds: u64,
}

mod listed {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Cell, Place};

    pub fn serialize<S: Serializer>(cells: &BTreeMap<Place, Cell>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(cells)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<Place, Cell>, D::Error> {
        Ok(Vec::<(Place, Cell)>::deserialize(d)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(sent: u64, values: &[u64]) -> Cell {
        let mut cell = Cell {
            sent,
            ..Cell::default()
        };
        for value in values {
            cell.latency.add(*value, 1);
        }
        cell
    }

    fn tally(cells: &[(u32, Cell)]) -> Tally {
        let mut tally = Tally::default();
        for (step, cell) in cells {
            let place = Place {
                kind: 0,
                part: 0,
                step: *step,
            };
            tally.put(place, cell);
        }
        tally
    }

    #[test]
    fn tallies_merge_in_any_order_and_travel_as_json() {
        let a = tally(&[(0, cell(2, &[10, 20])), (1, cell(1, &[30]))]);
        let b = tally(&[(1, cell(3, &[10, 10, 40]))]);
        let mut ab = a.clone();
        ab.merge(b.clone());
        let mut ba = b;
        ba.merge(a);
        assert_eq!(ab, ba);
        let whole = ab.sum(|_| true);
        assert_eq!((whole.sent, whole.latency.total()), (6, 6));
        assert_eq!(whole.latency.quantile(0.5, 0), Some(1e-6));
        assert_eq!(whole.latency.quantile(0.5, 6), Some(4e-6));
        assert_eq!(whole.latency.quantile(0.9, 6), None);
        let text = serde_json::to_string(&ab).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), ab);
    }

    #[test]
    fn a_long_load_gets_a_coarser_timeline_and_loses_nothing() {
        let many: Vec<(u32, Cell)> = (0..10_000)
            .map(|step| (step, cell(1, &[u64::from(step)])))
            .collect();
        let mut long = tally(&many);
        assert!(long.cells.len() < STEPS as usize, "{}", long.cells.len());
        assert_eq!(long.sum(|_| true).sent, 10_000);
        let short = tally(&[(0, cell(5, &[1]))]);
        long.merge(short);
        assert_eq!(long.sum(|p| p.step == 0).sent, 5 + (1 << long.coarse));
    }

    #[test]
    fn what_comes_later_is_moved() {
        let mut first = tally(&[(0, cell(1, &[1]))]);
        first.threads = vec![(1.0, 2.0)];
        let mut second = tally(&[(0, cell(1, &[1]))]);
        second.threads = vec![(1.0, 2.0)];
        second.last = 5;
        first.append(
            second,
            Offset {
                steps: 3,
                nanoseconds: 7,
            },
        );
        assert_eq!(first.cells.keys().map(|p| p.step).collect::<Vec<_>>(), [0, 3]);
        assert_eq!((first.last, first.threads.as_slice()), (12, &[(2.0, 4.0)][..]));
    }
}
