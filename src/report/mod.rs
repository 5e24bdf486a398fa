//! From events to people and machines: one file for each format.
//!
//! Every format renders the same tree ([`Report`]), which is folded from events alone, so a report can be made
//! again from a journal. Nothing here knows specs, plans or the engine, and nothing decides a verdict.

mod console;
mod ctrf;
mod explain;
mod fold;
pub mod github;
mod html;
pub mod json;
mod junit;
mod markdown;
mod model;
mod output;
mod sarif;
mod target;
mod text;

pub use console::{Console, ConsoleOptions};
pub use fold::{Fold, Keep};
pub use model::{
    CheckReport, CleanupReport, EarlierTry, FailedAttempt, Poll, ProgressLine, Report, Run, ServiceReport,
    SpecReport, StepReport, Totals, VERSION,
};
pub use output::{Options, open, open_all, render, replace};
pub use target::{Format, Spec, Target};
pub use text::plain;
