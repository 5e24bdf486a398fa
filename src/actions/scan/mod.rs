//! Scanners: known vulnerabilities and secrets in images and folders.
//!
//! Trivy, Grype and gitleaks look; here they are started so that "found nothing" and "could not look" cannot be
//! confused, and their reports are read into one form. A report is believed only when it says what it looked at. A
//! scanner without a database is a failure, one with an old database makes the step inconclusive, and no secret that
//! was found leaves this module: a finding says where it is and never what it is.
//!
//! Adding a scanner: one file that turns its report into [`report::Report`], and its line in `report::read`.

mod database;
mod finding;
mod fs;
mod gitleaks;
mod grype;
mod ignore;
mod image;
mod look;
mod outcome;
mod program;
mod report;
mod report_file;
mod sarif;
mod secrets;
mod trivy;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "scan",
    about: "scanners (Trivy, Grype, gitleaks): vulnerabilities and secrets in images and folders",
    actions: ACTIONS,
    program: Some("trivy"),
};

const ACTIONS: &[&dyn DynAction] = &[
    &fs::Fs,
    &image::Image,
    &report_file::ReportFile,
    &secrets::Secrets,
];
