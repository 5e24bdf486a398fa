//! Following objects: a list, then what changes, for as long as it takes.
//!
//! A watch ends for many reasons that mean nothing: the server ends it after a while, is restarted, has forgotten the
//! version it began at (410), or stands still without a word. Each time it is taken up again, from where it was or
//! from a new list; so what holds is seen, whatever happened in between. What came and went between two lists is not.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::call::{Call, Identity};
use super::cluster::Cluster;
use super::kinds::Kind;
use super::refusal;
use crate::check::{Class, Failure};
use crate::tools::http::Until;

/// How long the server is asked to keep a watch open.
const OPEN_FOR: Duration = Duration::from_secs(20);
/// A watch that is silent for longer than it may be open stands still.
const STALLED: Duration = Duration::from_secs(25);
/// The first and the longest pause after a failure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long one that may not, after it could, is given to be able again: a server that starts knows its rules late.
const GRACE: Duration = Duration::from_secs(15);

/// Which objects.
#[derive(Clone, Debug)]
pub struct Scope {
    pub kind: Arc<Kind>,
    pub namespace: Option<String>,
    pub name: Option<String>,
    /// A label selector.
    pub labels: Option<String>,
    /// A field selector.
    pub fields: Option<String>,
    pub identity: Identity,
}

impl Scope {
    /// A call on the list of these objects.
    #[must_use]
    pub fn call(&self, verb: &str) -> Call {
        let fields: Vec<String> = self
            .name
            .iter()
            .map(|name| format!("metadata.name={name}"))
            .chain(self.fields.clone())
            .collect();
        Call::new("GET", self.kind.path(self.namespace.as_deref(), None, None))
            .identity(&self.identity)
            .power(self.kind.power(verb, self.namespace.as_deref(), None))
            .maybe_query("labelSelector", self.labels.clone())
            .maybe_query("fieldSelector", (!fields.is_empty()).then(|| fields.join(",")))
    }
}

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// All there are, at the beginning and after each interruption.
    Listed(&'a [Json]),
    /// One is new or changed.
    Changed(&'a Json),
    /// One is gone.
    Deleted(&'a Json),
}

/// Follows the objects until `on` breaks off.
///
/// # Errors
/// What the first list gives; later only the deadline (with the last trouble), cancellation, and refusals that last.
pub async fn watch(
    cluster: &Cluster,
    scope: &Scope,
    until: &Until,
    on: &mut (dyn FnMut(Seen<'_>) -> ControlFlow<()> + Send),
) -> Result<(), Failure> {
    let mut trouble = Trouble::default();
    let mut listed = false;
    loop {
        let version = match list(cluster, scope, until, on).await {
            Ok(ControlFlow::Break(())) => return Ok(()),
            Ok(ControlFlow::Continue(version)) => version,
            Err(failure) if !listed => return Err(failure),
            Err(failure) => {
                trouble.pause(failure, until).await?;
                continue;
            }
        };
        listed = true;
        trouble.over();
        match follow(cluster, scope, version, until, on).await {
            Ok(ControlFlow::Break(())) => return Ok(()),
            // Too old: begin anew.
            Ok(ControlFlow::Continue(())) => {}
            Err(failure) => trouble.pause(failure, until).await?,
        }
    }
}

/// All objects, in pages, and the version of the list.
async fn list(
    cluster: &Cluster,
    scope: &Scope,
    until: &Until,
    on: &mut (dyn FnMut(Seen<'_>) -> ControlFlow<()> + Send),
) -> Result<ControlFlow<(), String>, Failure> {
    let (items, version) = all(cluster, scope, until).await?;
    Ok(match on(Seen::Listed(&items)) {
        ControlFlow::Break(()) => ControlFlow::Break(()),
        ControlFlow::Continue(()) => ControlFlow::Continue(version),
    })
}

/// Every object of a scope, with the list's version. Items of a list do not say what they are; here they do.
///
/// # Errors
/// As [`Cluster::ask`]; class `unreadable_answer` for what is no list.
pub async fn all(cluster: &Cluster, scope: &Scope, until: &Until) -> Result<(Vec<Json>, String), Failure> {
    let mut items = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let call = scope
            .call("list")
            .query("limit", "500")
            .maybe_query("continue", next.take());
        let mut page = cluster.ask(&call, until).await?;
        let text = |pointer: &str| page.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let (version, more) = (text("/metadata/resourceVersion"), text("/metadata/continue"));
        let Some(Json::Array(rows)) = page.get_mut("items").map(Json::take) else {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                format!("the list of {} is none: it has no `items`", scope.kind.plural),
            ));
        };
        items.extend(rows.into_iter().map(|mut item| {
            if let Some(fields) = item.as_object_mut() {
                fields
                    .entry("apiVersion")
                    .or_insert_with(|| scope.kind.api_version().into());
                fields
                    .entry("kind")
                    .or_insert_with(|| scope.kind.kind.clone().into());
            }
            item
        }));
        match more.filter(|m| !m.is_empty()) {
            Some(more) => next = Some(more),
            None => return Ok((items, version.unwrap_or_default())),
        }
    }
}

/// What changes after a version, as long as the server can tell; continues when only a new list can.
async fn follow(
    cluster: &Cluster,
    scope: &Scope,
    mut version: String,
    until: &Until,
    on: &mut (dyn FnMut(Seen<'_>) -> ControlFlow<()> + Send),
) -> Result<ControlFlow<()>, Failure> {
    loop {
        let call = scope
            .call("watch")
            .query("watch", "true")
            .query("allowWatchBookmarks", "true")
            .query("timeoutSeconds", OPEN_FOR.as_secs().to_string())
            .query("resourceVersion", version.clone());
        let mut lines = cluster.lines(&call, until).await?;
        let opened = Instant::now();
        loop {
            let end = until.deadline.min(opened + STALLED);
            let line = match lines.next(until, end).await {
                Ok(Some(line)) => line,
                // Open for as long as it was asked to be.
                Ok(None) => break,
                Err(f) if f.class == Class::Timeout && Instant::now() < until.deadline => break,
                Err(other) => return Err(other),
            };
            let event = crate::tools::http::parse_json(&line).map_err(|e| {
                Failure::new(
                    Class::UnreadableAnswer,
                    format!("{}: an event cannot be read: {e}", lines.request),
                )
            })?;
            let object = event.get("object").unwrap_or(&Json::Null);
            if let Some(newer) = object.pointer("/metadata/resourceVersion").and_then(Json::as_str) {
                newer.clone_into(&mut version);
            }
            let seen = match event.get("type").and_then(Json::as_str) {
                Some("ADDED" | "MODIFIED") => Seen::Changed(object),
                Some("DELETED") => Seen::Deleted(object),
                Some("BOOKMARK") => continue,
                Some("ERROR") if object.get("code").and_then(Json::as_u64) == Some(410) => {
                    return Ok(ControlFlow::Continue(()));
                }
                Some("ERROR") => return Err(refusal::of_status(&lines.request, object)),
                _ => {
                    return Err(Failure::new(
                        Class::UnreadableAnswer,
                        format!("{}: an event of no known type", lines.request),
                    ));
                }
            };
            if on(seen).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        // A server that ends every watch at once is not asked without a pause.
        if opened.elapsed() < Duration::from_millis(200) {
            rest(PAUSE.1, until).await?;
        }
    }
}

/// What went wrong since it last went well.
#[derive(Default)]
struct Trouble {
    since: Option<Instant>,
    pause: Duration,
}

impl Trouble {
    fn over(&mut self) {
        *self = Self::default();
    }

    async fn pause(&mut self, failure: Failure, until: &Until) -> Result<(), Failure> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let lasting = !failure.class.retriable() && since.elapsed() > GRACE;
        if lasting || matches!(failure.class, Class::Cancelled | Class::NotGranted) {
            return Err(failure);
        }
        self.pause = (self.pause * 2).clamp(PAUSE.0, PAUSE.1);
        rest(self.pause, until).await.map_err(|end| {
            if end.class == Class::Timeout {
                end.detail(format!("the last trouble: {failure}"))
            } else {
                end
            }
        })
    }
}

async fn rest(pause: Duration, until: &Until) -> Result<(), Failure> {
    let end = Instant::now() + pause;
    tokio::select! {
        biased;
        () = until.cancel.cancelled() => Err(Failure::new(Class::Cancelled, "the run was stopped")),
        () = crate::tools::awake::until(end.min(until.deadline)) => {
            if end > until.deadline {
                Err(Failure::new(Class::Timeout, "the watch did not see it before the step's deadline"))
            } else {
                Ok(())
            }
        }
    }
}
