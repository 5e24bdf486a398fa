//! When arrivals are due: pure, and the same for every share, so that their union is the whole.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::job::{Arrival, Job, Segment};

/// An arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due {
    /// Its number from 0, warm-up included.
    pub index: u64,
    /// In seconds from the start.
    pub at: f64,
    /// The phase or window it counts for.
    pub part: Option<u16>,
}

/// The arrivals of an open load or a burst, in their order.
#[derive(Debug)]
pub struct Arrivals<'a> {
    job: &'a Job,
    random: StdRng,
    index: u64,
    counted: u64,
    /// Which segment, when it began, and how far into it.
    segment: usize,
    began: f64,
    into: f64,
    /// What is left to the next arrival, in expected arrivals.
    need: Option<f64>,
}

impl<'a> Arrivals<'a> {
    #[must_use]
    pub fn new(job: &'a Job) -> Self {
        Self {
            job,
            random: StdRng::seed_from_u64(job.seed),
            index: 0,
            counted: 0,
            segment: 0,
            began: 0.0,
            into: 0.0,
            need: None,
        }
    }

    fn due(&mut self, at: f64, part: Option<u16>) -> Due {
        let due = Due {
            index: self.index,
            at,
            part,
        };
        self.index += 1;
        self.counted += u64::from(part.is_some());
        due
    }

    /// How far the next arrival is, in expected arrivals: evenly one, at random an exponential of mean one.
    fn draw(&mut self, poisson: bool) -> f64 {
        if poisson {
            let u: f64 = self.random.random();
            -(1.0 - u).ln()
        } else if self.index == 0 {
            0.0
        } else {
            1.0
        }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        if self.job.limit.is_some_and(|limit| self.counted >= limit) {
            return None;
        }
        if self.job.arrival == Arrival::Burst {
            return Some(self.due(0.0, Some(0)));
        }
        loop {
            let segment = self.job.segments.get(self.segment)?;
            let need = match self.need {
                Some(need) => need,
                None => self.draw(segment.poisson),
            };
            match further(segment, self.into, need) {
                Ok(step) => {
                    self.into += step;
                    self.need = None;
                    return Some(self.due(self.began + self.into, segment.part));
                }
                Err(left) => {
                    self.need = Some(left);
                    self.began += segment.length?;
                    self.into = 0.0;
                    self.segment += 1;
                }
            }
        }
    }
}

/// How long after `into` the segment has brought `need` more arrivals; else what is left of the need at its end.
fn further(segment: &Segment, into: f64, need: f64) -> Result<f64, f64> {
    let rate = |at: f64| match segment.length {
        Some(length) if length > 0.0 => segment.from + (segment.to - segment.from) * at / length,
        _ => segment.from,
    };
    let now = rate(into);
    let slope = match segment.length {
        Some(length) if length > 0.0 => (segment.to - segment.from) / length,
        _ => 0.0,
    };
    let step = if slope.abs() < 1e-12 {
        if now > 0.0 { need / now } else { f64::INFINITY }
    } else {
        // rate * t + slope * t^2 / 2 = need, in the form that does not cancel.
        let root = now * now + 2.0 * slope * need;
        if root < 0.0 {
            f64::INFINITY
        } else {
            2.0 * need / (now + root.sqrt())
        }
    };
    let step = if need == 0.0 && now > 0.0 { 0.0 } else { step };
    match segment.length {
        // The end belongs to the next segment.
        Some(length) if step.is_nan() || into + step >= length => {
            let rest = length - into;
            Err((need - rest * f64::midpoint(now, rate(length))).max(0.0))
        }
        _ if step.is_finite() => Ok(step),
        _ => Err(need),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tools::load::Version;

    fn job(segments: Vec<Segment>, limit: Option<u64>) -> Job {
        Job {
            peers: Vec::new(),
            kinds: Vec::new(),
            pattern: vec![0],
            arrival: Arrival::Open,
            segments,
            limit,
            max_in_flight: 1,
            timeout: Duration::from_secs(1),
            version: Version::One,
            step: Duration::from_secs(1),
            seed: 7,
            record: false,
            shares: 1,
        }
    }

    fn segment(length: Option<f64>, from: f64, to: f64, part: Option<u16>) -> Segment {
        Segment {
            length,
            from,
            to,
            poisson: false,
            part,
        }
    }

    #[test]
    fn a_rate_is_even_and_begins_at_once() {
        let job = job(vec![segment(None, 20.0, 20.0, Some(0))], Some(5));
        let at: Vec<f64> = Arrivals::new(&job).map(|d| (d.at * 1e6).round() / 1e6).collect();
        assert_eq!(at, [0.0, 0.05, 0.1, 0.15, 0.2]);
    }

    #[test]
    fn the_warm_up_is_not_counted() {
        let job = job(
            vec![
                segment(Some(1.0), 10.0, 10.0, None),
                segment(None, 10.0, 10.0, Some(0)),
            ],
            Some(5),
        );
        let all: Vec<Due> = Arrivals::new(&job).collect();
        assert_eq!(all.len(), 15);
        assert_eq!(all.iter().filter(|d| d.part.is_some()).count(), 5);
        assert!((job.planned().unwrap() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn a_ramp_brings_the_area_under_its_rate() {
        // 0 to 100/s in 10 s are 500 arrivals, a quarter of them in the first half.
        let job = job(vec![segment(Some(10.0), 0.0, 100.0, Some(0))], None);
        let all: Vec<f64> = Arrivals::new(&job).map(|d| d.at).collect();
        assert!((499..=501).contains(&all.len()), "{}", all.len());
        let early = all.iter().filter(|at| **at < 5.0).count();
        assert!((124..=127).contains(&early), "{early}");
        assert!(all.is_sorted());
        // And down again, to nothing.
        let job = self::job(vec![segment(Some(10.0), 100.0, 0.0, Some(0))], None);
        let n = Arrivals::new(&job).count();
        assert!((499..=501).contains(&n), "{n}");
    }

    #[test]
    fn pauses_send_nothing_and_the_rate_goes_on_after_them() {
        let job = job(
            vec![
                segment(Some(1.0), 10.0, 10.0, Some(0)),
                segment(Some(5.0), 0.0, 0.0, None),
                segment(Some(1.0), 10.0, 10.0, Some(1)),
            ],
            None,
        );
        let all: Vec<Due> = Arrivals::new(&job).collect();
        assert!(
            all.iter().all(|d| d.at < 1.0 || (6.0..7.0).contains(&d.at)),
            "{all:?}"
        );
        assert_eq!(all.iter().filter(|d| d.part == Some(0)).count(), 10);
        assert!((9..=10).contains(&all.iter().filter(|d| d.part == Some(1)).count()));
    }

    #[test]
    fn random_arrivals_have_the_mean_and_the_spread_of_a_poisson_process() {
        let mut one = segment(None, 50.0, 50.0, Some(0));
        one.poisson = true;
        let job = job(vec![one], Some(20_000));
        let at: Vec<f64> = Arrivals::new(&job).map(|d| d.at).collect();
        let gaps: Vec<f64> = at.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // Mean 1/rate and deviation the same; four standard errors of each.
        assert!((mean - 0.02).abs() < 4.0 * 0.02 / 20_000f64.sqrt(), "{mean}");
        assert!((variance.sqrt() / 0.02 - 1.0).abs() < 0.04, "{variance}");
        let again: Vec<f64> = Arrivals::new(&job).map(|d| d.at).collect();
        assert_eq!(at, again, "the same seed gives the same moments");
    }

    #[test]
    fn nothing_comes_of_a_rate_of_nothing() {
        assert_eq!(
            Arrivals::new(&job(vec![segment(None, 0.0, 0.0, Some(0))], Some(3))).count(),
            0
        );
        assert_eq!(
            Arrivals::new(&job(vec![segment(Some(2.0), 0.0, 0.0, Some(0))], None)).count(),
            0
        );
    }
}
