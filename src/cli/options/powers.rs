//! What a run may reach.

use std::path::PathBuf;

/// Grants. As soon as one `--allow-*` or a policy is given, only what is granted is allowed; deny wins.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Powers")]
pub struct Powers {
    /// A policy file, which should not lie in the tree of the specs.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Programs that may be started.
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',')]
    pub allow_exec: Vec<String>,
    /// Hosts that may be connected to: '127.0.0.1:*', '*.example.com:443'.
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',')]
    pub allow_net: Vec<String>,
    /// Calls of the Kubernetes API: 'get pods'.
    #[arg(long, value_name = "VERB RESOURCE", value_delimiter = ',')]
    pub allow_kube: Vec<String>,
    /// Environment variables that may be read.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub allow_env: Vec<String>,
    /// Paths that may be read.
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    pub allow_read: Vec<String>,
    /// Paths that may be written.
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    pub allow_write: Vec<String>,
    /// Programs that may not be started.
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',')]
    pub deny_exec: Vec<String>,
    /// Hosts that may not be connected to.
    #[arg(long, value_name = "HOST[:PORT]", value_delimiter = ',')]
    pub deny_net: Vec<String>,
    /// Calls of the Kubernetes API that may not be made.
    #[arg(long, value_name = "VERB RESOURCE", value_delimiter = ',')]
    pub deny_kube: Vec<String>,
    /// Environment variables that may not be read.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub deny_env: Vec<String>,
    /// Paths that may not be read.
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    pub deny_read: Vec<String>,
    /// Paths that may not be written.
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    pub deny_write: Vec<String>,
    /// The specs come from a stranger: they are checked and planned, and nothing is run.
    #[arg(long)]
    pub untrusted: bool,
}
