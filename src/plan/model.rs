//! The plan's types: what the engine reads, and nothing of how it was written but the spans for messages.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::action::DynAction;
use crate::check::{Class, Confidence};
use crate::event::{CheckInfo, Place, Role, Severity};
use crate::source::{Sources, Span, Spanned};
pub use crate::spec::{Backoff, Retry};
use crate::tools::Capability;
use crate::value::expr::Expr;
use crate::value::{Interpolated, SpecId, StepId, Type, Value};

/// Everything that will run.
#[derive(Clone)]
pub struct Plan {
    pub sources: Sources,
    /// In the order given; one entry for each matrix row.
    pub specs: Vec<Arc<SpecPlan>>,
}

/// Index into [`SpecPlan::steps`].
pub type NodeIx = usize;

/// One spec (or one matrix row of it).
#[derive(Clone)]
pub struct SpecPlan {
    pub id: SpecId,
    pub title: String,
    pub description: Option<String>,
    pub category: Option<String>,
    pub tags: Vec<String>,
    pub severity: Severity,
    pub place: Place,
    /// SHA-256 of the file's text, hex.
    pub digest: String,
    /// The folder of the spec file; relative paths of actions start here.
    pub base_dir: PathBuf,
    pub tools: Vec<ToolNeed>,
    /// Exclusive names: no two specs that share one run at the same time.
    pub locks: Vec<String>,
    pub timeout: Duration,
    /// `inputs.*`, with their values for this run.
    pub inputs: Vec<InputValue>,
    /// `matrix.*` of this row; empty without a matrix.
    pub matrix: Vec<(String, Value)>,
    /// Preconditions, steps and on-failure steps; cleanup hangs on its step. Edges are in `StepPlan::after`.
    pub steps: Vec<StepPlan>,
    /// The spec's own checks, evaluated when all steps have ended.
    pub expect: Vec<CheckPlan>,
    /// What the spec reaches, over all its steps.
    pub capabilities: Vec<Capability>,
    /// The services of the environment that it needs, with what they need.
    pub services: Vec<String>,
}

/// A family the spec uses, for programs with the versions it accepts.
#[derive(Clone, Debug)]
pub struct ToolNeed {
    pub family: Spanned<String>,
    pub version: Option<semver::VersionReq>,
    /// The program that is asked for its version.
    pub program: Option<String>,
}

#[derive(Clone, Debug)]
pub struct InputValue {
    pub name: String,
    pub ty: Type,
    pub value: Value,
}

/// One step with all its rules.
#[derive(Clone)]
pub struct StepPlan {
    pub id: StepId,
    pub name: Option<String>,
    pub role: Role,
    pub action: &'static dyn DynAction,
    pub params: Params,
    pub output: Type,
    /// Steps that must have ended first (order, `needs` and references, all together), by index in `SpecPlan::steps`.
    /// File order never waits for the end of a background step: one is in here only through `needs` or a reference.
    pub after: Vec<NodeIx>,
    /// Of those, the ones whose output is used: if one has none, this step cannot run.
    pub uses: Vec<NodeIx>,
    pub condition: Option<Spanned<Expr>>,
    pub for_each: Option<ForEach>,
    /// Started when its turn comes, ended (cancelled) when all foreground steps have ended.
    pub background: bool,
    /// Runs while these background steps run; fails to start when one has already ended.
    pub during: Vec<NodeIx>,
    /// Of each attempt.
    pub timeout: Duration,
    pub retry: Option<Retry>,
    pub poll: Option<Poll>,
    pub expect: Vec<CheckPlan>,
    pub expect_failure: Option<ExpectFailure>,
    /// Registered before the step acts, in this order run last to first.
    pub cleanup: Vec<StepPlan>,
    pub locks: Vec<String>,
    pub span: Span,
    pub place: Place,
}

/// Parameters with expressions in them.
#[derive(Clone, Debug, PartialEq)]
pub enum Params {
    /// Holds no expression.
    Literal(serde_json::Value),
    /// A scalar with expressions; alone it keeps its type.
    Text(Spanned<Interpolated>),
    List(Vec<Params>),
    Map(Vec<(String, Entry)>),
}

/// A value of a parameter mapping. A value that is one expression alone and comes out as null takes its key away,
/// so that an optional input can be handed on. `secret` says that the action declares that a secret may stand here.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub value: Params,
    pub secret: bool,
}

/// `for_each: {item: ${{ ... }}}`, or a list.
#[derive(Clone, Debug)]
pub struct ForEach {
    /// The name the element has in expressions.
    pub name: String,
    pub items: Params,
    pub span: Span,
}

/// `eventually`, `within`, `every`, `stable_for`.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Without one, the action itself has to succeed.
    pub until: Option<CheckPlan>,
    pub within: Duration,
    pub every: Backoff,
    pub stable_for: Option<Duration>,
}

/// A check with all its rules. In a step's own checks `.` and the step's own id are its output (of this element,
/// when it runs `for_each`).
#[derive(Clone, Debug)]
pub struct CheckPlan {
    pub info: CheckInfo,
    pub expr: Expr,
    /// Where the expression's text stands; offsets in `expr` count from its start (see [`Interpolated::offset`]).
    pub span: Span,
    pub confidence: Confidence,
    pub uses: Vec<NodeIx>,
}

/// `expect_failure`: every key that is given must match.
#[derive(Clone, Debug)]
pub struct ExpectFailure {
    pub info: CheckInfo,
    pub class: Option<Class>,
    pub status: Option<u16>,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
    /// A regular expression that the message or a detail must match.
    pub message: Option<String>,
}
