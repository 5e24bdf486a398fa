//! `kube.delete`

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::object::text_at;
use super::session::{At, Selection, Session, on_kind, reach};
use super::wait::{Held, lingering};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::{Call, Kind, Scope, Seen, watch};
use crate::value::Duration;

/// Deletes an object, or all with certain labels, and waits until they are gone, for as long as the step may take. A
/// namespace takes everything in it along. That there is no such object is a failure of class `not_found`, which a
/// cleanup takes for done; with `labels` none is an answer.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    which: Selection,
    /// How long pods get to end in good order; without it what they ask for themselves.
    #[serde(default)]
    grace: Option<Duration>,
    /// What becomes of the objects that it owns.
    #[serde(default)]
    dependents: Dependents,
    /// Whether to wait until it is gone.
    #[serde(default = "yes")]
    wait: bool,
    #[serde(flatten)]
    at: At,
}

/// What becomes of what an object owns.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Dependents {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it, so that when it is gone they are too.
    Foreground,
    /// They stay.
    Orphan,
}

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many objects.
    deleted: u64,
    /// How long it took until they were gone.
    waited: Duration,
}

pub(super) struct Delete;

impl Action for Delete {
    const NAME: &'static str = "kube.delete";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on_kind(params, &["delete", "list", "watch"], None))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        Selection::problem(params).into_iter().collect()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = params.which.kind(&session).await?;
        let mut uids = Vec::new();
        if let Some(name) = &params.which.name {
            uids.extend(delete(&session, &kind, name, &params).await?);
        } else {
            let scope = params.which.scope(&session, &kind);
            for object in session.all(&scope).await? {
                let name = text_at(&object, "/metadata/name").unwrap_or_default();
                match delete(&session, &kind, name, &params).await {
                    Ok(uid) => {
                        uids.extend(uid.or_else(|| text_at(&object, "/metadata/uid").map(str::to_owned)));
                    }
                    // Gone in between.
                    Err(f) if f.class == Class::NotFound => {}
                    Err(other) => return Err(other),
                }
            }
        }
        let deleted = uids.len().max(usize::from(params.which.name.is_some())) as u64;
        if params.wait && deleted > 0 {
            let scope = params.which.scope(&session, &kind);
            gone(&session, &scope, &uids).await?;
        }
        Ok(Output {
            deleted,
            waited: Duration(session.began.elapsed().as_secs_f64()),
        })
    }
}

/// Asks for the deletion of one object and gives its uid, when the answer tells it.
async fn delete(
    session: &Session<'_>,
    kind: &Kind,
    name: &str,
    params: &Params,
) -> Result<Option<String>, Failure> {
    let namespace = session.namespace_of(kind);
    let policy = match params.dependents {
        Dependents::Background => "Background",
        Dependents::Foreground => "Foreground",
        Dependents::Orphan => "Orphan",
    };
    let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy});
    if let Some(grace) = params.grace {
        options["gracePeriodSeconds"] = json!(whole_seconds(grace));
    }
    let call = Call::new("DELETE", kind.path(namespace, Some(name), None))
        .power(kind.power("delete", namespace, None))
        .json(options);
    let answer = session.ask(call).await?;
    // Either the object as it is while it goes, or a status with its uid.
    Ok(text_at(&answer, "/metadata/uid")
        .or_else(|| text_at(&answer, "/details/uid"))
        .map(str::to_owned))
}

/// Waits until none of these is left. Others of the same name or labels may have come.
async fn gone(session: &Session<'_>, scope: &Scope, uids: &[String]) -> Result<(), Failure> {
    let mut held = Held::default();
    let mut last = String::new();
    let ended = watch(&session.cluster, scope, &session.until, &mut |seen: Seen<'_>| {
        held.take(seen);
        let left: Vec<&Json> = held
            .objects
            .iter()
            .filter(|(uid, _)| uids.is_empty() || uids.contains(uid))
            .map(|(_, object)| object)
            .collect();
        let Some(first) = left.first() else {
            return ControlFlow::Break(());
        };
        let name = text_at(first, "/metadata/name").unwrap_or_default();
        last = format!(
            "{} of {} left: {name}{}",
            left.len(),
            uids.len().max(1),
            lingering(first)
        );
        ControlFlow::Continue(())
    })
    .await;
    match ended {
        Err(f) if f.class == Class::Timeout => {
            let mut failure = Failure::new(
                Class::Timeout,
                format!(
                    "deleted, and not gone after {:.1} s: {last}",
                    session.began.elapsed().as_secs_f64()
                ),
            );
            failure.details = f.details;
            Err(failure)
        }
        other => other,
    }
}

/// Seconds as the server takes them. No grace at all kills at once, so a part of a second is a whole one.
fn whole_seconds(grace: Duration) -> i64 {
    grace.0.ceil() as i64
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_second_is_not_no_time() {
        assert_eq!(
            [0.0, 0.2, 1.0, 1.5].map(|s| whole_seconds(Duration(s))),
            [0, 1, 1, 2]
        );
    }
}
