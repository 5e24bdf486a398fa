//! What a step reaches, as far as it is known before the run.

use serde::{Deserialize, Serialize};

/// One power. The text forms are those of the `--allow-*` flags.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Capability {
    /// Runs a program with these first words as arguments.
    Exec { program: String, args: Vec<String> },
    /// Connects to a host; `port` is none when it is not known yet, `host` is `?` when it is computed.
    Net { host: String, port: Option<u16> },
    /// Uses the endpoint of a family, wherever the environment says it is.
    Endpoint { family: String },
    /// Reads below a path.
    Read { path: String },
    /// Writes below a path.
    Write { path: String },
    /// Reads an environment variable.
    Env { name: String },
    /// Uses a secret.
    Secret { name: String },
    /// Calls the Kubernetes API.
    Kube {
        verb: String,
        resource: String,
        namespace: Option<String>,
    },
}
