//! The load generator: threads that each own a runtime, their connections and their histograms, and share nothing.
//!
//! A [`Job`] says everything and is data, so that a thread here, another process or a pod can do its share of
//! it; a [`Tally`] is what a share came to, and tallies are merged before anything is judged. Latency is counted from the
//! moment an arrival was due, whether or not the thread was there in time; what the thread itself was late is counted
//! apart. What an answer is worth is said by the judges a caller gives; verdicts are not made here.

mod alarm;
mod book;
mod connect;
mod crew;
mod job;
mod member;
mod record;
mod schedule;
mod sender;
mod tally;
mod template;
mod wire;
mod worker;

pub use crew::{Crew, Live};
pub use job::{Arrival, Job, Kind, Segment, Version};
pub use record::{Record, Wrong};
pub use schedule::{Arrivals, Due};
pub use tally::{Cell, Counts, Offset, Pairs, Place, Tally, UNIT, seconds};
pub use worker::{Fleet, serve};
