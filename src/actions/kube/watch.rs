//! `kube.watch`

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::condition::{field, left_out, readable};
use super::object::text_at;
use super::session::{At, Selection, Session, on_kind, reach};
use super::wait::Held;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::{Seen, watch};
use crate::value::{Duration, Moment};

/// Records how a field of objects changes over a time: replicas under load, phases of pods. Let it run beside
/// the step that causes the changes: give both the same `needs`.
///
/// Each change is one sample. Changes that came and went while the API server was away are not seen; `relists` says
/// how often that could have been.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    which: Selection,
    /// The field: `status.readyReplicas`, `status.phase`.
    #[schemars(length(min = 1))]
    field: String,
    /// What a field that is not there counts as; without it nothing is recorded then. Counts that Kubernetes leaves out
    /// when they are 0 (`readyReplicas`) are 0 without it, once there is a status.
    #[serde(default)]
    absent: Option<Json>,
    /// How long to watch.
    r#for: Duration,
    /// End as soon as the number is at least this.
    #[serde(default)]
    until_at_least: Option<f64>,
    /// End as soon as the number is at most this, once it was more.
    #[serde(default)]
    until_back_at: Option<f64>,
    #[serde(flatten)]
    at: At,
}

/// What was seen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// When the watch began.
    began: Moment,
    /// How long it watched.
    watched: Duration,
    /// Every change, in order, the state at the beginning first.
    samples: Vec<Sample>,
    /// The least of the values that are numbers.
    min: Option<f64>,
    /// The greatest of the values that are numbers.
    max: Option<f64>,
    /// The first value.
    first: Option<Json>,
    /// The last value.
    last: Option<Json>,
    /// How long after the beginning the number first was at its greatest.
    peak_after: Option<Duration>,
    /// Whether it ended because of `until_at_least` or `until_back_at`.
    reached: bool,
    /// How often the list had to be read again, so that something may have been missed.
    relists: u64,
}

/// One value of the field.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Sample {
    /// When it was seen.
    at: Moment,
    /// How long after the beginning.
    after: Duration,
    /// The object's name.
    name: String,
    /// The value.
    value: Json,
}

pub(super) struct Watch;

impl Action for Watch {
    const NAME: &'static str = "kube.watch";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on_kind(params, &["list", "watch"], None))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        Selection::problem(params).into_iter().collect()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        readable(&params.field)?;
        let mut session = Session::open(cx, &params.at).await?;
        let kind = params.which.kind(&session).await?;
        let scope = params.which.scope(&session, &kind);
        let end = Instant::now()
            + params
                .r#for
                .to_std()
                .unwrap_or(std::time::Duration::from_hours(24));
        let whole = end <= session.until.deadline;
        session.until.deadline = end.min(session.until.deadline);
        let (began, start) = (Moment(jiff::Timestamp::now()), Instant::now());
        let mut track = Track {
            params: &params,
            start,
            held: Held::default(),
            last: BTreeMap::new(),
            samples: Vec::new(),
            lists: 0,
            above: false,
        };
        let ended = watch(&session.cluster, &scope, &session.until, &mut |seen| {
            track.take(seen)
        })
        .await;
        let reached = match ended {
            Ok(()) => true,
            Err(f) if f.class == Class::Timeout && track.lists > 0 && whole => false,
            Err(other) => return Err(other),
        };
        Ok(track.output(began, reached))
    }
}

struct Track<'a> {
    params: &'a Params,
    start: Instant,
    held: Held,
    /// The newest value of each object, by uid.
    last: BTreeMap<String, Json>,
    samples: Vec<Sample>,
    lists: u64,
    above: bool,
}

impl Track<'_> {
    fn take(&mut self, seen: Seen<'_>) -> ControlFlow<()> {
        if matches!(seen, Seen::Listed(_)) {
            self.lists += 1;
        }
        self.held.take(seen);
        let mut over = ControlFlow::Continue(());
        let now: Vec<(String, String, Json)> = self
            .held
            .objects
            .iter()
            .filter_map(|(uid, object)| {
                let path = &self.params.field;
                let value = field(object, path)
                    .or(self.params.absent.as_ref())
                    .or_else(|| left_out(object, path))?;
                let name = text_at(object, "/metadata/name").unwrap_or_default();
                Some((uid.clone(), name.to_owned(), value.clone()))
            })
            .collect();
        for (uid, name, value) in now {
            if self.last.get(&uid) == Some(&value) {
                continue;
            }
            self.last.insert(uid, value.clone());
            if self.ends(&value) {
                over = ControlFlow::Break(());
            }
            self.samples.push(Sample {
                at: Moment(jiff::Timestamp::now()),
                after: Duration(self.start.elapsed().as_secs_f64()),
                name,
                value,
            });
        }
        over
    }

    fn ends(&mut self, value: &Json) -> bool {
        let Some(number) = value.as_f64() else {
            return false;
        };
        let back = self.params.until_back_at.is_some_and(|at| {
            if number > at {
                self.above = true;
            }
            self.above && number <= at
        });
        back || self.params.until_at_least.is_some_and(|least| number >= least)
    }

    fn output(self, began: Moment, reached: bool) -> Output {
        let numbers: Vec<f64> = self.samples.iter().filter_map(|s| s.value.as_f64()).collect();
        let max = numbers.iter().copied().reduce(f64::max);
        Output {
            began,
            watched: Duration(self.start.elapsed().as_secs_f64()),
            min: numbers.iter().copied().reduce(f64::min),
            peak_after: self
                .samples
                .iter()
                .find(|s| s.value.as_f64().is_some() && s.value.as_f64() == max)
                .map(|s| s.after),
            max,
            first: self.samples.first().map(|s| s.value.clone()),
            last: self.samples.last().map(|s| s.value.clone()),
            reached,
            relists: self.lists.saturating_sub(1),
            samples: self.samples,
        }
    }
}
