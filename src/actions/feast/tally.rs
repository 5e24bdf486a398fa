//! What two stores hold for one value, compared and counted; the worst cases are kept, the others are only counted.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::when::{self, Micros};

/// How far two numbers may be apart: by the one or by the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Their difference.
    #[serde(default)]
    #[schemars(range(min = 0))]
    absolute: f64,
    /// Their difference over the larger of both.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    relative: f64,
}

impl Tolerance {
    /// What a float of four bytes loses.
    pub(super) const SINGLE: Self = Self {
        absolute: 0.0,
        relative: 1e-6,
    };
}

/// How a value of the two stores compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The same, within the tolerance; null and null too.
    Equal,
    /// Neither store has a row.
    Neither,
    /// Online holds a row that is older than the view's ttl, for which offline gives nothing. Feast serves it.
    Expired,
    /// Both have a value, and they differ.
    Different,
    /// Offline has a value, online null.
    NullOnline,
    /// Online has a value, offline null.
    NullOffline,
    /// Offline has a row, online none.
    AbsentOnline,
    /// Online has a row, offline none.
    AbsentOffline,
}

/// One store's side.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Side {
    /// With the time of its row, where it is known.
    Row {
        value: Json,
        at: Option<Micros>,
    },
    /// Older than the ttl.
    Expired {
        at: Option<Micros>,
    },
    Nothing,
}

/// A value that does not agree.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Case {
    /// The join keys.
    pub(super) entity: BTreeMap<String, Json>,
    /// `view:feature`.
    pub(super) feature: String,
    /// How it compares.
    pub(super) kind: Kind,
    /// What the online store holds; null when nothing.
    pub(super) online: Json,
    /// What the offline store holds; null when nothing.
    pub(super) offline: Json,
    /// The time of the online row, UTC.
    pub(super) online_time: Option<String>,
    /// The time of the offline row, UTC.
    pub(super) offline_time: Option<String>,
    /// How far two numbers are apart.
    pub(super) difference: Option<f64>,
}

/// One feature over all entities.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Totals {
    /// Values of which at least one store has a row.
    pub(super) compared: u64,
    /// The same, within the tolerance; null and null too.
    pub(super) equal: u64,
    /// Both have a value, and they differ.
    pub(super) different: u64,
    /// Offline has a row, online none.
    pub(super) absent_online: u64,
    /// Online has a row, offline none.
    pub(super) absent_offline: u64,
    /// Offline has a value, online null.
    pub(super) null_online: u64,
    /// Online has a value, offline null.
    pub(super) null_offline: u64,
    /// Online holds a row older than the view's ttl, for which offline gives nothing.
    pub(super) expired: u64,
    /// Neither store has a row; not among `compared`.
    pub(super) neither: u64,
    /// Both have a row, and the rows are of different times (by whole seconds: some online stores keep no more).
    pub(super) times_differ: u64,
    /// The largest difference of two numbers, also within the tolerance.
    pub(super) max_difference: f64,
}

impl Totals {
    fn count(&mut self, kind: Kind) {
        if kind == Kind::Neither {
            self.neither += 1;
            return;
        }
        self.compared += 1;
        match kind {
            Kind::Equal => self.equal += 1,
            Kind::Different => self.different += 1,
            Kind::AbsentOnline => self.absent_online += 1,
            Kind::AbsentOffline => self.absent_offline += 1,
            Kind::NullOnline => self.null_online += 1,
            Kind::NullOffline => self.null_offline += 1,
            Kind::Expired => self.expired += 1,
            Kind::Neither => {}
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.compared += other.compared;
        self.equal += other.equal;
        self.different += other.different;
        self.absent_online += other.absent_online;
        self.absent_offline += other.absent_offline;
        self.null_online += other.null_online;
        self.null_offline += other.null_offline;
        self.expired += other.expired;
        self.neither += other.neither;
        self.times_differ += other.times_differ;
        self.max_difference = self.max_difference.max(other.max_difference);
    }

    /// All that is neither equal nor expired.
    pub(super) const fn disagree(&self) -> u64 {
        self.compared - self.equal - self.expired
    }
}

/// Counts, and keeps the worst.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) features: BTreeMap<String, Totals>,
    pub(super) worst: Vec<Case>,
    keep: usize,
}

impl Tally {
    pub(super) const fn new(keep: usize) -> Self {
        Self {
            features: BTreeMap::new(),
            worst: Vec::new(),
            keep,
        }
    }

    /// Compares one value; `entity` is asked for only when the case is kept.
    pub(super) fn compare(
        &mut self,
        feature: &str,
        online: &Side,
        offline: &Side,
        tolerance: Option<Tolerance>,
        entity: impl FnOnce() -> BTreeMap<String, Json>,
    ) {
        let (kind, difference) = compare(online, offline, tolerance);
        if !self.features.contains_key(feature) {
            self.features.insert(feature.to_owned(), Totals::default());
        }
        let Some(totals) = self.features.get_mut(feature) else {
            return;
        };
        totals.count(kind);
        totals.max_difference = totals.max_difference.max(difference.unwrap_or(0.0));
        if let (Side::Row { at: Some(a), .. }, Side::Row { at: Some(b), .. }) = (online, offline)
            && a.div_euclid(1_000_000) != b.div_euclid(1_000_000)
        {
            totals.times_differ += 1;
        }
        if matches!(kind, Kind::Equal | Kind::Neither) {
            return;
        }
        let time = |side: &Side| match side {
            Side::Row { at, .. } | Side::Expired { at } => at.map(when::show),
            Side::Nothing => None,
        };
        let value = |side: &Side| match side {
            Side::Row { value, .. } => value.clone(),
            Side::Expired { .. } | Side::Nothing => Json::Null,
        };
        let place = self.worst.partition_point(|kept| worse(kept, kind, difference));
        if place < self.keep {
            let case = Case {
                entity: entity(),
                feature: feature.to_owned(),
                kind,
                online: value(online),
                offline: value(offline),
                online_time: time(online),
                offline_time: time(offline),
                difference,
            };
            self.worst.insert(place, case);
            self.worst.truncate(self.keep);
        }
    }

    /// Takes another's counts and cases.
    pub(super) fn merge(&mut self, other: Self) {
        for (feature, totals) in other.features {
            self.features.entry(feature).or_default().add(&totals);
        }
        for case in other.worst {
            let place = self
                .worst
                .partition_point(|kept| worse(kept, case.kind, case.difference));
            self.worst.insert(place, case);
        }
        self.worst.truncate(self.keep);
    }
}

/// Whether a kept case goes before a new one: what is missing before what differs, larger differences first.
fn worse(kept: &Case, kind: Kind, difference: Option<f64>) -> bool {
    let size = |d: Option<f64>| d.unwrap_or(f64::INFINITY);
    match kept.kind.cmp(&kind) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => size(kept.difference) >= size(difference),
    }
}

fn compare(online: &Side, offline: &Side, tolerance: Option<Tolerance>) -> (Kind, Option<f64>) {
    let kind = match (online, offline) {
        (Side::Nothing, Side::Nothing | Side::Expired { .. }) => Kind::Neither,
        (Side::Expired { .. }, Side::Nothing | Side::Expired { .. })
        | (Side::Row { .. }, Side::Expired { .. }) => Kind::Expired,
        (Side::Nothing | Side::Expired { .. }, Side::Row { .. }) => Kind::AbsentOnline,
        (Side::Row { .. }, Side::Nothing) => Kind::AbsentOffline,
        (Side::Row { value: a, .. }, Side::Row { value: b, .. }) => match (a.is_null(), b.is_null()) {
            (true, true) => Kind::Equal,
            (true, false) => Kind::NullOnline,
            (false, true) => Kind::NullOffline,
            (false, false) => return values(a, b, tolerance),
        },
    };
    (kind, None)
}

/// Two values, neither null: whole numbers exactly, other numbers within the tolerance, all else the same.
fn values(a: &Json, b: &Json, tolerance: Option<Tolerance>) -> (Kind, Option<f64>) {
    let decided = |equal: bool| if equal { Kind::Equal } else { Kind::Different };
    if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64())
        && tolerance.is_none()
    {
        #[expect(
            clippy::cast_precision_loss,
            reason = "shown to people; the decision is exact"
        )]
        return (decided(a == b), Some(a.abs_diff(b) as f64));
    }
    if let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) {
        let difference = (x - y).abs();
        // 7 and 7.0 are one number; without a decimal point on either side nothing may be lost.
        let allowed = tolerance.unwrap_or(Tolerance::SINGLE);
        let near = difference <= allowed.absolute.max(allowed.relative * x.abs().max(y.abs()));
        return (decided(near), Some(difference));
    }
    (decided(a == b), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(value: Json, at: i64) -> Side {
        Side::Row {
            value,
            at: Some(at * 1_000_000),
        }
    }

    fn kind(a: Json, b: Json, tolerance: Option<Tolerance>) -> Kind {
        compare(&row(a, 1), &row(b, 1), tolerance).0
    }

    #[test]
    fn numbers_are_compared_by_tolerance_and_all_else_exactly() {
        let within = |absolute, relative| Some(Tolerance { absolute, relative });
        assert_eq!(kind(json!(7), json!(7.0), None), Kind::Equal);
        assert_eq!(
            kind(json!(100.099_998_474_121_1), json!(100.1), None),
            Kind::Equal
        );
        assert_eq!(kind(json!(100.099), json!(100.1), None), Kind::Different);
        assert_eq!(kind(json!(100.099), json!(100.1), within(0.01, 0.0)), Kind::Equal);
        assert_eq!(
            kind(json!(1_000_000_001), json!(1_000_000_000), None),
            Kind::Different
        );
        assert_eq!(kind(json!(101), json!(100), within(0.0, 0.01)), Kind::Equal);
        assert_eq!(kind(json!(0.0), json!(-0.0), None), Kind::Equal);
        assert_eq!(
            kind(json!("gold"), json!("Gold"), within(9.0, 1.0)),
            Kind::Different
        );
        assert_eq!(kind(json!("7"), json!(7), None), Kind::Different);
        assert_eq!(kind(json!(true), json!(true), None), Kind::Equal);
    }

    #[test]
    fn null_absent_and_expired_are_told_apart() {
        let expired = Side::Expired { at: Some(1) };
        for (online, offline, wanted) in [
            (row(Json::Null, 1), row(Json::Null, 1), Kind::Equal),
            (row(Json::Null, 1), row(json!(1), 1), Kind::NullOnline),
            (row(json!(1), 1), row(Json::Null, 1), Kind::NullOffline),
            (Side::Nothing, row(Json::Null, 1), Kind::AbsentOnline),
            (row(json!(1), 1), Side::Nothing, Kind::AbsentOffline),
            (row(json!(1), 1), expired.clone(), Kind::Expired),
            (Side::Nothing, expired.clone(), Kind::Neither),
            (Side::Nothing, Side::Nothing, Kind::Neither),
            (expired.clone(), row(json!(1), 1), Kind::AbsentOnline),
        ] {
            assert_eq!(
                compare(&online, &offline, None).0,
                wanted,
                "{online:?} {offline:?}"
            );
        }
    }

    #[test]
    fn the_worst_are_kept_and_all_are_counted() {
        let mut all = Tally::new(3);
        for part in 0..4 {
            let mut tally = Tally::new(3);
            for n in 0..25 {
                let entity = || BTreeMap::from([("id".to_owned(), json!(part * 25 + n))]);
                let difference = f64::from(part * 25 + n);
                tally.compare(
                    "v:f",
                    &row(json!(difference), 1),
                    &row(json!(0.0), 2),
                    None,
                    entity,
                );
            }
            all.merge(tally);
        }
        let totals = &all.features["v:f"];
        assert_eq!((totals.compared, totals.equal, totals.different), (100, 1, 99));
        assert_eq!((totals.times_differ, totals.disagree()), (100, 99));
        let kept: Vec<f64> = all.worst.iter().filter_map(|c| c.difference).collect();
        assert_eq!(kept, [99.0, 98.0, 97.0]);
        all.merge({
            let mut one = Tally::new(3);
            one.compare("v:f", &Side::Nothing, &row(json!(1), 1), None, BTreeMap::new);
            one
        });
        assert_eq!(all.worst[0].kind, Kind::AbsentOnline);
        assert_eq!(all.worst.len(), 3);
    }
}
