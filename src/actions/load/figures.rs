//! From the merged tally to the outputs.

use std::collections::BTreeMap;

use super::outputs::{Errors, Figures, Generator, Part, Point};
use super::prepare::Plan;
use crate::tools::load::{Arrival, Cell, Counts, Pairs, Place, Segment, Tally, seconds};
use crate::value::{Distribution, Duration, Moment, Proportion, Rate, Ratio, Series, Taken};

/// What the figures of a load are made of.
pub struct Made<'a> {
    pub plan: &'a Plan,
    pub tally: &'a Tally,
    /// When the load began, its warm-up included.
    pub began: jiff::Timestamp,
    /// How often it was planned to look.
    pub looks: u32,
    /// Why the latency is not that of the service.
    pub doubt: Option<String>,
}

impl Made<'_> {
    /// From the first counted moment to the last answer, in seconds.
    pub fn elapsed(&self) -> f64 {
        (self.tally.last as f64 * 1e-9 - self.plan.job.warmup()).max(0.0)
    }

    /// The time in which requests were counted, in seconds: without the pauses between windows, and of users only while
    /// they asked. What they still wait for at the end stands for what they waited for at the beginning.
    fn counted(&self) -> f64 {
        let segments = &self.plan.job.segments;
        let after_warmup = segments.iter().skip_while(|s| s.part.is_none());
        let pauses: f64 = after_warmup
            .filter(|s| s.part.is_none())
            .filter_map(|s| s.length)
            .sum();
        let passed = (self.elapsed() - pauses).max(0.0);
        let planned: Option<f64> = segments
            .iter()
            .filter(|s| s.part.is_some())
            .map(|s| s.length)
            .sum();
        match (self.plan.job.arrival, planned) {
            (Arrival::Closed { .. }, Some(planned)) => passed.min(planned),
            _ => passed,
        }
    }

    /// When the first counted request was meant to be sent.
    pub fn started(&self) -> Moment {
        self.at(self.plan.job.warmup())
    }

    fn at(&self, seconds: f64) -> Moment {
        let span = jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        Moment(self.began.checked_add(span).unwrap_or(self.began))
    }

    pub fn all(&self) -> Figures {
        self.figures(&self.tally.sum(|_| true), false, self.counted())
    }

    pub fn tags(&self) -> BTreeMap<String, Figures> {
        let kinds = self.plan.job.kinds.iter().enumerate();
        kinds
            .map(|(i, kind)| {
                let cell = self.tally.sum(|place| usize::from(place.kind) == i);
                (kind.tag.clone(), self.figures(&cell, true, self.counted()))
            })
            .collect()
    }

    /// The phases or windows, in their order.
    pub fn parts(&self) -> Vec<Part> {
        let mut began = 0.0;
        let mut parts = Vec::new();
        for Segment { length, part, .. } in &self.plan.job.segments {
            let length = length.unwrap_or_else(|| self.elapsed());
            if let Some(name) = part.and_then(|p| self.plan.parts.get(usize::from(p))) {
                let cell = self.tally.sum(|place| Some(place.part) == *part);
                parts.push(Part {
                    name: name.clone(),
                    started: self.at(began),
                    length: Duration(length),
                    figures: self.figures(&cell, false, length),
                });
            }
            began += length;
        }
        parts
    }

    pub fn timeline(&self) -> Vec<Point> {
        let mut steps: BTreeMap<u32, Cell> = BTreeMap::new();
        for (Place { step, .. }, cell) in &self.tally.cells {
            steps.entry(*step).or_default().merge(cell);
        }
        let length = self.plan.job.step.as_secs_f64() * f64::from(1_u32 << self.tally.coarse.min(31));
        steps
            .into_iter()
            .map(|(step, cell)| {
                let offset = f64::from(step) * length;
                let quantile = |q| cell.latency.quantile(q, cell.errors()).map(Duration);
                Point {
                    at: self.at(self.plan.job.warmup() + offset),
                    offset: Duration(offset),
                    sent: cell.sent,
                    right: cell.sent - cell.errors(),
                    errors: cell.errors(),
                    dropped: cell.dropped,
                    p50: quantile(0.5),
                    p95: quantile(0.95),
                    p99: quantile(0.99),
                }
            })
            .collect()
    }

    pub fn generator(&self) -> Generator {
        let all = self.tally.sum(|_| true);
        let busiest = self
            .tally
            .threads
            .iter()
            .map(|(cpu, lived)| cpu / lived.max(1e-9));
        let cpu: f64 = self.tally.threads.iter().map(|(cpu, _)| cpu).sum();
        Generator {
            lag: Duration(self.tally.lag.quantile(0.99, 0).unwrap_or(0.0)),
            longest_lag: Duration(self.tally.lag.largest()),
            cpu: Ratio(busiest.fold(0.0, f64::max)),
            cpu_per_request: Duration(cpu / all.sent.max(1) as f64),
            dropped: all.dropped,
            connections: self.tally.connections,
            threads: self.tally.threads.len() as u32,
            looks: 1,
        }
    }

    fn figures(&self, cell: &Cell, of_kind: bool, seconds: f64) -> Figures {
        let near = if of_kind { &cell.near_of_kind } else { &cell.near };
        let errors = cell.errors();
        let pairs = near.minima.total() + near.both_wrong;
        let rejected = cell
            .statuses
            .iter()
            .filter(|(s, _)| (400..500).contains(*s))
            .map(|(_, n)| n)
            .sum();
        Figures {
            sent: cell.sent,
            answered: cell.statuses.values().sum(),
            dropped: cell.dropped,
            statuses: cell.statuses.iter().map(|(s, n)| (s.to_string(), *n)).collect(),
            errors: Errors {
                count: errors,
                rate: Series {
                    k: errors,
                    n: cell.sent,
                    pairs: (pairs > 0).then_some((near.both_wrong, pairs)),
                    looks: self.looks,
                },
                classes: cell.wrong.clone(),
            },
            rejected: Proportion {
                k: rejected,
                n: cell.sent,
            },
            latency: self.sample(&cell.latency, errors, Some(near)),
            service: self.sample(&cell.service, errors, None),
            throughput: Rate(if seconds > 0.0 {
                (cell.sent - errors) as f64 / seconds
            } else {
                0.0
            }),
        }
    }

    fn sample(&self, counts: &Counts, missing: u64, near: Option<&Pairs>) -> Distribution {
        let buckets = |counts: &Counts| counts.0.iter().map(|(v, n)| (seconds(*v), *n)).collect();
        Distribution {
            quantity: "duration".to_owned(),
            buckets: buckets(counts),
            missing,
            taken: Some(Box::new(Taken {
                minima: near.map(|n| buckets(&n.minima)).unwrap_or_default(),
                both_missing: near.map_or(0, |n| n.both_wrong),
                looks: self.looks,
                doubt: self.doubt.clone(),
            })),
        }
    }
}
