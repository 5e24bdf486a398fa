//! A spec as its author wrote it: every part with its place, nothing resolved.

use std::path::PathBuf;
use std::time::Duration;

use crate::action::DynAction;
use crate::check::{Class, Confidence};
use crate::event::Severity;
use crate::source::{Node, SourceId, Span, Spanned};
use crate::value::Type;

/// One spec file.
pub struct Spec {
    pub source: SourceId,
    pub file: PathBuf,
    pub id: Spanned<String>,
    pub title: Spanned<String>,
    pub description: Option<Spanned<String>>,
    pub category: Option<Spanned<String>>,
    pub tags: Vec<Spanned<String>>,
    pub severity: Severity,
    /// `tools:` with its place; none when the key is missing.
    pub tools: Option<Spanned<Vec<Tool>>>,
    pub confidence: Option<Confidence>,
    pub timeout: Option<Duration>,
    pub locks: Vec<Spanned<String>>,
    pub inputs: Vec<Input>,
    /// Axes with their values, in file order.
    pub matrix: Vec<(Spanned<String>, Vec<Node>)>,
    pub preconditions: Vec<Step>,
    pub steps: Vec<Step>,
    pub expect: Vec<Check>,
    pub on_failure: Vec<Step>,
    /// Something is expected somewhere, though it may be written wrongly.
    pub expects: bool,
}

/// An entry of `tools:`.
#[derive(Clone, Debug)]
pub struct Tool {
    pub family: Spanned<String>,
    pub version: Option<semver::VersionReq>,
}

/// What an input may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum InputKind {
    Plain(Type),
    Secret,
    /// Written wrongly, which was reported; the name is kept so that its uses are not reported too.
    Unknown,
}

/// An entry of `inputs:`.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: Spanned<String>,
    pub kind: InputKind,
    pub default: Option<Node>,
    /// The environment variable of `from: env.X`.
    pub from: Option<Spanned<String>>,
    /// False only when the file says `required: false`.
    pub required: bool,
    /// The closed list of values, when there is one.
    pub one_of: Vec<Node>,
    pub description: Option<String>,
}

/// A list item with an action.
pub struct Step {
    pub id: Option<Spanned<String>>,
    pub name: Option<String>,
    /// None when the action could not be made out (which was reported).
    pub action: Option<Spanned<&'static dyn DynAction>>,
    /// A mapping; with `like` already merged.
    pub params: Node,
    /// `None`: file order. `Some`: exactly these.
    pub needs: Option<Spanned<Vec<Spanned<String>>>>,
    /// The scalar of `if`.
    pub condition: Option<Node>,
    pub for_each: Option<ForEach>,
    pub background: bool,
    pub during: Vec<Spanned<String>>,
    pub timeout: Option<Spanned<Duration>>,
    pub retry: Option<Retry>,
    pub poll: Option<Poll>,
    pub expect: Vec<Check>,
    pub expect_failure: Option<ExpectFailure>,
    pub cleanup: Vec<Step>,
    pub locks: Vec<Spanned<String>>,
    /// The smallest place that stands for the step: its action key, else its first key.
    pub span: Span,
}

/// `for_each: {name: items}`.
#[derive(Clone, Debug)]
pub struct ForEach {
    pub name: Spanned<String>,
    /// A list, or a scalar with one expression.
    pub items: Node,
}

/// The pause between attempts: `first` doubled each time up to `last`; equal when fixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    pub first: Duration,
    pub last: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Attempts in all, at least 2.
    pub attempts: u32,
    pub every: Backoff,
}

/// `eventually`, `within`, `every`, `stable_for`.
#[derive(Clone, Debug)]
pub struct Poll {
    pub until: Option<Check>,
    pub within: Spanned<Duration>,
    pub every: Backoff,
    pub stable_for: Option<Duration>,
}

/// An expectation.
#[derive(Clone, Debug)]
pub struct Check {
    /// The scalar that holds the expression.
    pub text: Node,
    pub confidence: Option<Confidence>,
    pub because: Option<String>,
    pub severity: Severity,
}

#[derive(Clone, Debug)]
pub struct ExpectFailure {
    pub span: Span,
    pub class: Option<Class>,
    pub status: Option<u16>,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
    pub message: Option<String>,
}

/// Values that hold where a file is silent.
#[derive(Clone, Copy, Debug)]
pub struct SpecDefaults {
    pub confidence: Confidence,
    pub step_timeout: Duration,
    pub spec_timeout: Duration,
    pub every: Backoff,
}

impl Default for SpecDefaults {
    fn default() -> Self {
        Self {
            confidence: Confidence::Level(0.95),
            step_timeout: Duration::from_mins(1),
            spec_timeout: Duration::from_mins(10),
            every: Backoff {
                first: Duration::from_secs(1),
                last: Duration::from_secs(1),
            },
        }
    }
}

impl Spec {
    /// Preconditions, steps and on-failure steps, without the cleanup that hangs on them.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.preconditions
            .iter()
            .chain(&self.steps)
            .chain(&self.on_failure)
    }
}
