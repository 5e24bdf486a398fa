//! The books of one thread: what became of each arrival, in the order in which they were due.
//!
//! Answers come in another order than requests, and neighbours are compared, so an end waits until all before it have
//! theirs. That is bounded by the timeout, and so is what waits.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use super::record::Record;
use super::tally::{Cell, Counts, Pairs, Place, Tally};

/// The longest time a histogram holds, in units: an hour.
const LONGEST: u64 = 36_000_000_000;

/// The books of a thread.
pub(super) struct Book {
    tally: Tally,
    /// The step of the timeline and the first counted moment, in nanoseconds.
    step: u64,
    from: u64,
    /// The number of the first arrival that has no end yet, and the ends of those after it.
    first: u64,
    waiting: VecDeque<Option<Record>>,
    /// The cell of each kind that is being written, dense.
    open: Vec<Option<Open>>,
    /// The last of all, and of each kind.
    last: Option<Option<u64>>,
    last_of_kind: Vec<Option<Option<u64>>>,
    lag: Histogram<u64>,
    /// Every record, when they are kept.
    kept: Option<Vec<Record>>,
}

struct Open {
    place: Place,
    cell: Cell,
    latency: Histogram<u32>,
    service: Histogram<u32>,
    near: Histogram<u32>,
    near_of_kind: Histogram<u32>,
}

impl Book {
    pub fn new(kinds: usize, step: u64, from: u64, keep: bool) -> Self {
        Self {
            tally: Tally::default(),
            step: step.max(1),
            from,
            first: 0,
            waiting: VecDeque::new(),
            open: (0..kinds).map(|_| None).collect(),
            last: None,
            last_of_kind: vec![None; kinds],
            lag: histogram(),
            kept: keep.then(Vec::new),
        }
    }

    /// Notes an arrival; its number is for [`Book::end`].
    pub fn begin(&mut self) -> u64 {
        self.waiting.push_back(None);
        self.first + self.waiting.len() as u64 - 1
    }

    /// Notes what became of it.
    pub fn end(&mut self, number: u64, record: Record) {
        let at = number.saturating_sub(self.first) as usize;
        if let Some(place) = self.waiting.get_mut(at) {
            *place = Some(record);
        }
        while let Some(Some(record)) = self.waiting.front().copied() {
            self.waiting.pop_front();
            self.first += 1;
            self.book(&record);
        }
    }

    pub fn connected(&mut self) {
        self.tally.connections += 1;
    }

    /// Keeps one message of each class.
    pub fn message(&mut self, class: String, message: impl FnOnce() -> String) {
        self.tally.messages.entry(class).or_insert_with(message);
    }

    /// How many records are kept and not yet taken.
    pub fn kept(&self) -> usize {
        self.kept.as_ref().map_or(0, Vec::len)
    }

    pub fn take_kept(&mut self) -> Vec<Record> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The whole, when everything has its end; what has none was given up.
    pub fn close(mut self, computed: f64, lived: f64, cut: bool) -> Tally {
        for i in 0..self.open.len() {
            self.put(i);
        }
        self.tally.lag = sparse(&self.lag);
        self.tally.threads.push((computed, lived));
        self.tally.cut = cut;
        self.tally
    }

    fn book(&mut self, record: &Record) {
        let Some(part) = record.part else {
            return;
        };
        if let Some(kept) = &mut self.kept {
            kept.push(*record);
        }
        let kind = usize::from(record.kind);
        let place = Place {
            kind: record.kind,
            part,
            step: u32::try_from(record.due.saturating_sub(self.from) / self.step).unwrap_or(u32::MAX),
        };
        if self
            .open
            .get(kind)
            .is_some_and(|o| o.as_ref().is_some_and(|o| o.place != place))
        {
            self.put(kind);
        }
        let Some(slot) = self.open.get_mut(kind) else {
            return;
        };
        let open = slot.get_or_insert_with(|| Open::new(place));
        let Some(sent) = record.sent else {
            open.cell.dropped += 1;
            return;
        };
        self.tally.last = self.tally.last.max(record.done);
        open.cell.sent += 1;
        self.lag.saturating_record(units(sent.saturating_sub(record.due)));
        if record.status != 0 {
            *open.cell.statuses.entry(record.status).or_default() += 1;
        }
        if let Some(wrong) = record.wrong {
            *open.cell.wrong.entry(wrong.word()).or_default() += 1;
        }
        let latency = record.latency().map(units);
        if let (Some(latency), Some(service)) = (latency, record.service()) {
            open.latency.saturating_record(latency);
            open.service.saturating_record(units(service));
        }
        if let Some(before) = self.last.replace(latency) {
            pair(before, latency, &mut open.near, &mut open.cell.near);
        }
        if let Some(before) = self.last_of_kind[kind].replace(latency) {
            pair(
                before,
                latency,
                &mut open.near_of_kind,
                &mut open.cell.near_of_kind,
            );
        }
    }

    /// Writes an open cell into the tally.
    fn put(&mut self, kind: usize) {
        if let Some(open) = self.open.get_mut(kind).and_then(Option::take) {
            let mut cell = open.cell;
            cell.latency = sparse(&open.latency);
            cell.service = sparse(&open.service);
            cell.near.minima = sparse(&open.near);
            cell.near_of_kind.minima = sparse(&open.near_of_kind);
            self.tally.put(open.place, &cell);
        }
    }
}

impl Open {
    fn new(place: Place) -> Self {
        Self {
            place,
            cell: Cell::default(),
            latency: histogram(),
            service: histogram(),
            near: histogram(),
            near_of_kind: histogram(),
        }
    }
}

/// The faster of two; one without a right answer is slower than every other.
fn pair(before: Option<u64>, now: Option<u64>, minima: &mut Histogram<u32>, pairs: &mut Pairs) {
    match (before, now) {
        (Some(a), Some(b)) => minima.saturating_record(a.min(b)),
        (Some(one), None) | (None, Some(one)) => minima.saturating_record(one),
        (None, None) => pairs.both_wrong += 1,
    }
}

/// Nanoseconds in units, rounded up: a time is never shown shorter than it was.
const fn units(nanoseconds: u64) -> u64 {
    let units = nanoseconds.div_ceil(100);
    if units == 0 { 1 } else { units }
}

fn histogram<C: hdrhistogram::Counter>() -> Histogram<C> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are those the crate documents as valid")
}

fn sparse<C: hdrhistogram::Counter>(histogram: &Histogram<C>) -> Counts {
    let mut counts = Counts::default();
    for step in histogram.iter_recorded() {
        counts.add(step.value_iterated_to(), step.count_at_value().as_u64());
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Class;
    use crate::tools::load::{UNIT, Wrong};

    fn record(due: u64, took: u64) -> Record {
        Record {
            due,
            sent: Some(due),
            done: due + took,
            kind: 0,
            part: Some(0),
            status: 200,
            wrong: None,
        }
    }

    fn wrong(due: u64) -> Record {
        Record {
            wrong: Some(Wrong::Class(Class::Timeout)),
            status: 0,
            ..record(due, 5)
        }
    }

    #[test]
    fn neighbours_are_those_of_the_order_of_sending() {
        let mut book = Book::new(1, 1_000_000_000, 0, true);
        let numbers: Vec<u64> = (0..4).map(|_| book.begin()).collect();
        // The answers come in another order.
        book.end(numbers[2], record(2_000, 3_000));
        book.end(numbers[1], record(1_000, 9_000));
        assert_eq!(book.kept(), 0);
        book.end(numbers[0], record(0, 5_000));
        book.end(numbers[3], wrong(3_000));
        assert_eq!(book.take_kept().len(), 4);
        let tally = book.close(0.0, 0.0, false);
        let cell = tally.sum(|_| true);
        assert_eq!((cell.sent, cell.errors()), (4, 1));
        assert_eq!(cell.latency.0.keys().copied().collect::<Vec<_>>(), [30, 50, 90]);
        // 5 and 9, 9 and 3, 3 and none.
        assert_eq!(Vec::from(cell.near.minima), [(30, 2), (50, 1)]);
    }

    #[test]
    fn times_are_rounded_up_and_by_less_than_a_thousandth() {
        let mut book = Book::new(1, 1_000_000_000, 0, false);
        for took in [1, 99, 100, 123_456_789, 59_999_999_999] {
            let number = book.begin();
            book.end(number, record(0, took));
        }
        let cell = book.close(0.0, 0.0, false).sum(|_| true);
        let seen: Vec<f64> = cell.latency.0.keys().map(|v| *v as f64 * UNIT).collect();
        for (seen, truth) in seen.iter().skip(1).zip([0.123_456_789, 59.999_999_999]) {
            assert!(*seen >= truth && *seen < truth * 1.001, "{seen} {truth}");
        }
    }

    #[test]
    fn what_is_not_counted_is_in_nothing() {
        let mut book = Book::new(1, 1, 0, true);
        let number = book.begin();
        book.end(
            number,
            Record {
                part: None,
                ..record(0, 5)
            },
        );
        let number = book.begin();
        book.end(
            number,
            Record {
                sent: None,
                ..record(0, 0)
            },
        );
        let cell = book.close(0.0, 0.0, false).sum(|_| true);
        assert_eq!((cell.sent, cell.dropped, cell.latency.total()), (0, 1, 0));
    }
}
