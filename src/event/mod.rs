//! What happened: the one source of journals, reports and exit codes. Versioned and serialisable.
//!
//! Events never contain a secret; who makes one masks first ([`mask`]).

mod kinds;
pub mod mask;
mod summary;

pub use kinds::{
    CheckInfo, CleanupInfo, Event, EventKind, InputInfo, Place, Role, RunId, RunInfo, Severity, SpecInfo,
    VERSION,
};
pub use summary::{Counts, SpecSummary, Summary};

/// A consumer of events: the journal, a report, the console.
pub trait Sink: Send {
    /// Takes one event.
    ///
    /// # Errors
    /// When it could not be written; the run goes on and ends with exit code 74.
    fn event(&mut self, event: &Event) -> std::io::Result<()>;

    /// The run has ended, in whatever way: complete what is written.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn finish(&mut self) -> std::io::Result<()>;

    /// What it is, for messages: `junit=report.xml`.
    fn name(&self) -> String;
}
