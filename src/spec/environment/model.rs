//! An environment as its files say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::source::{Node, SourceId, Span, Spanned};
use crate::tools::Endpoints;
use crate::value::{Interpolated, Secret};

/// An environment, `extends` followed. Texts may name `${{ services.NAME.port }}`, `${{ services.NAME.dir }}`,
/// `${{ env.VAR }}`, `${{ dir }}` (the folder of the environment file) and `${{ cache }}` (specrun's cache folder).
#[derive(Clone, Debug)]
pub struct Environment {
    pub name: String,
    pub file: PathBuf,
    /// The folder of the file; relative paths start here.
    pub dir: PathBuf,
    /// By family; resolved to [`Endpoints`] once the ports of services are known.
    pub endpoints: BTreeMap<String, EndpointText>,
    pub secrets: Vec<SecretSource>,
    /// Values for inputs of specs: `inputs: {model: iris}`.
    pub inputs: Vec<(Spanned<String>, serde_json::Value)>,
    /// In the order of the file.
    pub services: Vec<Service>,
    /// The folder of each file it was read from: `${{ dir }}` means the folder of the file it stands in.
    pub dirs: BTreeMap<SourceId, PathBuf>,
}

/// A setting with expressions in it.
pub type Setting = Spanned<Interpolated>;

#[derive(Clone, Debug, Default)]
pub struct EndpointText {
    pub url: Option<Setting>,
    pub username: Option<Setting>,
    /// Names of secrets.
    pub password: Option<Spanned<String>>,
    pub token: Option<Spanned<String>>,
    pub host: Option<Setting>,
    pub ca: Option<Setting>,
    pub certificate: Option<Setting>,
    pub key: Option<Setting>,
    pub headers: BTreeMap<String, Setting>,
    /// Services that its users need, beside those its texts name.
    pub needs: Vec<Spanned<String>>,
    /// The family's own keys. Every string in them, at any depth, may hold the same texts as the other keys, and
    /// is resolved with them.
    pub settings: BTreeMap<String, Node>,
}

/// A secret by reference; the file never holds its value.
#[derive(Clone, Debug)]
pub struct SecretSource {
    pub name: Spanned<String>,
    pub from: SecretFrom,
    pub required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFrom {
    Env(String),
    File(PathBuf),
}

/// A program that specrun installs, starts, waits for and stops; without `start`, one that it only installs.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub span: Span,
    /// Services that must be ready first: those it says, and those its texts name.
    pub needs: Vec<String>,
    pub install: Option<Install>,
    /// Names of ports to choose free: `${{ services.mlflow.port }}` is the one called `port`.
    pub ports: Vec<String>,
    /// Words of the command; the first is the program. None: it is there as soon as it is installed.
    pub start: Vec<Setting>,
    pub env: Vec<(String, Setting)>,
    /// There is one whenever there is something to start.
    pub ready: Option<Ready>,
    /// How long a polite stop may take before it is killed.
    pub stop_within: Duration,
}

/// Run once, and again when one of the stamped files or the command changes.
#[derive(Clone, Debug)]
pub struct Install {
    pub command: Vec<Setting>,
    pub env: Vec<(String, Setting)>,
    /// Files whose content is the stamp.
    pub stamp: Vec<PathBuf>,
    pub within: Duration,
}

/// When a service counts as up: by what it says, not by its port being open.
#[derive(Clone, Debug)]
pub struct Ready {
    pub probe: Probe,
    pub within: Duration,
}

#[derive(Clone, Debug)]
pub enum Probe {
    /// 2xx, and the body matches the expression, when one is given.
    Http { url: Setting, matches: Option<String> },
    /// A command that ends with 0.
    Exec { command: Vec<Setting> },
    /// A line of the service's output matches.
    Log { matches: String },
}

impl Probe {
    /// Its texts.
    pub(super) fn texts(&self) -> Vec<&Setting> {
        match self {
            Self::Http { url, .. } => vec![url],
            Self::Exec { command } => command.iter().collect(),
            Self::Log { .. } => Vec::new(),
        }
    }
}

/// What the running services gave: ports and folders, for the texts of the environment.
#[derive(Clone, Debug, Default)]
pub struct ServiceFacts {
    /// service, port name, port
    pub ports: Vec<(String, String, u16)>,
    /// service, its data folder
    pub dirs: Vec<(String, PathBuf)>,
    /// specrun's cache folder.
    pub cache: PathBuf,
}

/// An environment with every text resolved.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    pub endpoints: Endpoints,
    pub secrets: Vec<Secret>,
}
