//! Which specs of a recorded run shall run again.

use super::journal::Journal;
use crate::check::Verdict;
use crate::event::Summary;
use crate::value::SpecId;

/// Every spec that did not pass: failed, errored, inconclusive, blocked, cancelled, begun and never ended, or never
/// begun; in the order of the run.
#[must_use]
pub fn not_passed(journal: &Journal) -> Vec<SpecId> {
    let mut summary = Summary::default();
    for event in &journal.events {
        summary.fold(event);
    }
    summary
        .specs
        .iter()
        .filter(|spec| spec.settled() != Verdict::Passed)
        .map(|spec| spec.info.id.clone())
        .collect()
}
