//! The options of `run`.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::options::{Powers, Scope, Values, duration};
use crate::report;

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub values: Values,
    /// Run the specs elsewhere: `kubernetes` starts a pod for each part (`--partition N`), in the cluster of the endpoint `kube`.
    #[arg(long, value_enum, value_name = "WHERE")]
    pub on: Option<Place>,
    /// Specs side by side; without it as many as there are processors.
    #[arg(short, long, value_name = "N", value_parser = at_least_one)]
    pub jobs: Option<usize>,
    /// Further tries of a spec that did not pass; a pass after that is reported as flaky.
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,
    /// Begin no new spec after N critical ones that did not pass.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_fail: Option<usize>,
    /// Take the specs in random order.
    #[arg(long)]
    pub shuffle: bool,
    /// The seed of everything random; without it a new one, which is printed.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// End in good order after this time: 30m.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub deadline: Option<Duration>,
    /// How long diagnostics and cleanup may take after a signal; 60s, under CI 7s.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub cleanup_grace: Option<Duration>,
    /// A report, as often as wanted: junit=FILE, xunit=FILE, html=FILE, json=FILE, markdown=FILE, ctrf=FILE, sarif=FILE, github.
    #[arg(long = "report", value_name = "FORMAT[=FILE]")]
    pub reports: Vec<report::Spec>,
    /// The least severity that fails the run.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Blocked specs are errors in reports (the default under CI).
    #[arg(long, overrides_with = "no_strict")]
    pub strict: bool,
    /// Blocked specs are skipped in reports, also under CI.
    #[arg(long)]
    pub no_strict: bool,
    /// Where runs are recorded; `.specrun/runs` without it.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Show also what passed.
    #[arg(short, long)]
    pub verbose: bool,
    /// Show only what did not pass, and the summary.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    #[command(flatten)]
    pub powers: Powers,
}

/// Where specs run when it is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Place {
    /// In pods of a cluster.
    Kubernetes,
}

/// [`crate::event::Severity`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    Critical,
    Warning,
    Info,
}

impl From<FailOn> for crate::event::Severity {
    fn from(severity: FailOn) -> Self {
        match severity {
            FailOn::Critical => Self::Critical,
            FailOn::Warning => Self::Warning,
            FailOn::Info => Self::Info,
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("`{text}` is not a number of at least 1")),
    }
}
