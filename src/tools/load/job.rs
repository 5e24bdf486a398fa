//! What is to be sent, and when: all a share of the work needs to know.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tools::http::{Peer, Ready};

/// A load, whole. Shares of it differ only in their number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Who is asked; requests name them by their place here.
    pub peers: Vec<Peer>,
    /// The kinds of requests.
    pub kinds: Vec<Kind>,
    /// Which kind each arrival is, in turn, by their places in `kinds`.
    pub pattern: Vec<u16>,
    pub arrival: Arrival,
    /// How the rate goes, one after the other.
    pub segments: Vec<Segment>,
    /// Ends after so many counted arrivals.
    pub limit: Option<u64>,
    /// Exchanges under way at once, in all shares together.
    pub max_in_flight: u32,
    pub timeout: Duration,
    pub version: Version,
    /// Steps of the timeline.
    pub step: Duration,
    /// All randomness derives from it.
    pub seed: u64,
    /// Keep every request.
    pub record: bool,
    /// Into how many shares the work is divided.
    pub shares: u32,
}

/// A kind of request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kind {
    pub tag: String,
    /// Sent in turn; at least one.
    pub requests: Vec<Ready>,
    /// The action that judges its answers, and by which rule.
    pub action: String,
    pub rule: serde_json::Value,
    /// A refusal (4xx) is the right answer.
    pub rejection: bool,
    /// All its requests are JSON, to which a page for people is no answer.
    #[serde(default)]
    pub json: bool,
}

/// How arrivals come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// At the moments the segments give.
    Open,
    /// So many users, each waiting for the answer before the next request.
    Closed { users: u32 },
    /// All of `limit` at once.
    Burst,
}

/// A stretch of time with a rate of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// In seconds; none is for ever.
    pub length: Option<f64>,
    /// Arrivals a second at its beginning and its end. Users only ask whether it is 0.
    pub from: f64,
    pub to: f64,
    /// At random moments.
    pub poisson: bool,
    /// Counted, as this phase or window; none is warm-up or pause.
    pub part: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    #[default]
    One,
    Two,
}

impl Job {
    /// From the start to the first counted moment, in seconds.
    #[must_use]
    pub fn warmup(&self) -> f64 {
        let before = self.segments.iter().take_while(|s| s.part.is_none());
        before.filter_map(|s| s.length).sum()
    }

    /// From the start to the planned end in seconds, where that is known before.
    #[must_use]
    pub fn planned(&self) -> Option<f64> {
        let whole: Option<f64> = self.segments.iter().map(|s| s.length).sum();
        let steady = self
            .segments
            .last()
            .filter(|s| s.length.is_none() && s.from > 0.0);
        match (self.arrival, whole, self.limit, steady) {
            (Arrival::Burst, ..) => Some(0.0),
            (_, Some(whole), ..) => Some(whole),
            (Arrival::Open, None, Some(limit), Some(steady)) => {
                Some(self.warmup() + limit as f64 / steady.from)
            }
            _ => None,
        }
    }

    /// How many of `whole` things fall to a share.
    #[must_use]
    pub fn part_of(&self, whole: u64, share: u32) -> u64 {
        let shares = u64::from(self.shares.max(1));
        whole / shares + u64::from(u64::from(share) < whole % shares)
    }
}
