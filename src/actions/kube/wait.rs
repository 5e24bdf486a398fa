//! `kube.wait`

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::condition::{Goal, readable};
use super::object::{Object, text_at};
use super::session::{At, Selection, Session, on_kind, reach};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::{Seen, watch};
use crate::value::{Duration, Moment};

/// Waits until objects are as they should be, for as long as the step may take (`timeout`). It watches rather than asks
/// again and again, and survives restarts of the API server.
///
/// An object that is not there yet is waited for. With `labels` every object must meet the goal, and there must be at
/// least `count`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    which: Selection,
    /// With `labels`: how many there must be at least.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    count: u32,
    #[serde(flatten)]
    goal: Goal,
    #[serde(flatten)]
    at: At,
}

/// What was waited for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How long it took, from the start of the step.
    waited: Duration,
    /// When it was seen.
    seen: Moment,
    /// The objects then, in the order of their names; none when they are gone.
    items: Vec<Object>,
}

pub(super) struct Wait;

impl Action for Wait {
    const NAME: &'static str = "kube.wait";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on_kind(params, &["list", "watch"], None))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let mut problems = Goal::problems(params);
        problems.extend(Selection::problem(params));
        problems
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        if let Some(path) = &params.goal.field {
            readable(path)?;
        }
        let session = Session::open(cx, &params.at).await?;
        let kind = params.which.kind(&session).await?;
        let scope = params.which.scope(&session, &kind);
        let mut held = Held::default();
        let mut last = String::new();
        let count = if params.which.name.is_some() {
            1
        } else {
            params.count as usize
        };
        let met = watch(&session.cluster, &scope, &session.until, &mut |seen| {
            held.take(seen);
            match held.missing(&params.goal, count) {
                None => ControlFlow::Break(()),
                Some(missing) => {
                    if missing != last {
                        (cx.progress)(missing.clone());
                        last = missing;
                    }
                    ControlFlow::Continue(())
                }
            }
        })
        .await;
        let which = params
            .which
            .name
            .as_ref()
            .map(|name| format!("{} {name}", kind.kind))
            .or_else(|| {
                params
                    .which
                    .labels
                    .as_ref()
                    .map(|labels| format!("{} with {labels}", kind.plural))
            })
            .unwrap_or_default();
        match met {
            Ok(()) => {}
            Err(f) if f.class == Class::Timeout => {
                let place = session
                    .namespace_of(&kind)
                    .map(|n| format!(" in {n}"))
                    .unwrap_or_default();
                let mut failure = Failure::new(
                    Class::Timeout,
                    format!(
                        "{which}{place}: {} was not seen within {:.1} s: {last}",
                        params.goal.text(),
                        session.began.elapsed().as_secs_f64()
                    ),
                );
                failure.details = f.details;
                return Err(failure);
            }
            Err(other) => return Err(other),
        }
        let mut items = held
            .objects
            .values()
            .map(Object::read)
            .collect::<Result<Vec<_>, _>>()?;
        items.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        Ok(Output {
            waited: Duration(session.began.elapsed().as_secs_f64()),
            seen: Moment(jiff::Timestamp::now()),
            items,
        })
    }
}

/// The objects as they are, by uid.
#[derive(Default)]
pub(super) struct Held {
    pub objects: BTreeMap<String, Json>,
    /// When it last was known to be whole.
    pub listed: Option<Instant>,
}

impl Held {
    pub(super) fn take(&mut self, seen: Seen<'_>) {
        let id = |object: &Json| text_at(object, "/metadata/uid").unwrap_or_default().to_owned();
        match seen {
            Seen::Listed(all) => {
                self.objects = all.iter().map(|o| (id(o), o.clone())).collect();
                self.listed = Some(Instant::now());
            }
            Seen::Changed(object) => {
                self.objects.insert(id(object), object.clone());
            }
            Seen::Deleted(object) => {
                self.objects.remove(&id(object));
            }
        }
    }

    fn missing(&self, goal: &Goal, count: usize) -> Option<String> {
        if goal.gone {
            return self.objects.values().next().map(|object| {
                let name = text_at(object, "/metadata/name").unwrap_or_default();
                let more = self.objects.len() - 1;
                let others = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                format!("{name}{others} still there{}", lingering(object))
            });
        }
        if self.objects.len() < count {
            return Some(match (self.objects.len(), count) {
                (0, 1) => "there is none".to_owned(),
                (n, _) => format!("there are {n} of {count}"),
            });
        }
        self.objects.values().find_map(|object| {
            let missing = goal.missing(object)?;
            Some(if self.objects.len() > 1 {
                format!(
                    "{}: {missing}",
                    text_at(object, "/metadata/name").unwrap_or_default()
                )
            } else {
                missing
            })
        })
    }
}

/// Why an object that is being deleted is still there.
pub(super) fn lingering(object: &Json) -> String {
    let mut why = Vec::new();
    let finalizers: Vec<&str> = ["/metadata/finalizers", "/spec/finalizers"]
        .iter()
        .filter_map(|at| object.pointer(at)?.as_array())
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    if text_at(object, "/metadata/deletionTimestamp").is_none() {
        why.push("nobody has deleted it".to_owned());
    } else if !finalizers.is_empty() {
        why.push(format!(
            "it is being deleted, and waits for {}",
            finalizers.join(", ")
        ));
    }
    // A namespace says what is left in it.
    for condition in super::object::conditions(object) {
        let stuck = condition.r#type.starts_with("Namespace") && condition.status == "True";
        if let (true, Some(message)) = (stuck, condition.message) {
            why.push(message);
        }
    }
    if why.is_empty() {
        String::new()
    } else {
        format!(" ({})", why.join("; "))
    }
}

const fn one() -> u32 {
    1
}
