//! `kube.create`

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::manifest::{self, Made, Manifest, Wanted};
use super::object::Object;
use super::session::{At, Session, on, reach};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::Call;

/// Makes objects that are not there yet; one that is there already is a failure of class `conflict`. A namespace counts
/// as made when it can take pods.
///
/// Each object gets the labels `app.kubernetes.io/managed-by=specrun`, `specrun.io/owner` (the run's prefix),
/// `specrun.io/spec` and `specrun.io/step`. Start names with `${{ run.prefix }}`, and undo it with a `cleanup`:
/// `kube.delete`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    what: Manifest,
    /// Only ask the server whether it would take them: nothing is made, though everything is judged.
    #[serde(default)]
    dry_run: bool,
    #[serde(flatten)]
    at: At,
}

pub(super) struct Create;

impl Action for Create {
    const NAME: &'static str = "kube.create";
    type Params = Params;
    type Output = Made;
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut calls = manifest::powers(params, &["create"]);
        // A namespace that it makes it waits for.
        let namespace =
            |call: &Capability| matches!(call, Capability::Kube { resource, .. } if resource == "namespaces");
        if calls.iter().any(namespace) {
            calls.extend(on(&Json::Null, "serviceaccounts", &["get"]));
        }
        reach(params, calls)
    }

    fn capabilities_of_files(&self, params: &Json, read: &dyn Fn(&str) -> Option<String>) -> Vec<Capability> {
        self.capabilities(&manifest::opened(params, read))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        manifest::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Made, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let mut made = Vec::new();
        for wanted in params.what.read(&session).await? {
            let json = create(&session, &wanted, params.dry_run).await?;
            made.push(Object::read(&json)?);
        }
        Made::of(made)
    }
}

/// Makes one object.
pub(super) async fn create(session: &Session<'_>, wanted: &Wanted, dry_run: bool) -> Result<Json, Failure> {
    let namespace = wanted.namespace.as_deref();
    let call = Call::new("POST", wanted.kind.path(namespace, None, None))
        .power(wanted.kind.power("create", namespace, None))
        .query("fieldManager", "specrun")
        // What the server does not know is a mistake; older servers drop it without a word.
        .query("fieldValidation", "Strict")
        .maybe_query("dryRun", dry_run.then_some("All"))
        .json(wanted.json.clone());
    let json = loop {
        match session.ask(call.clone()).await {
            // Old servers make a token for each service account a moment after it, and take no pod before that.
            Err(f)
                if f.reason.as_deref() == Some("ServerTimeout")
                    && f.message.contains("No API token found") =>
            {
                pause(session)
                    .await
                    .map_err(|end| if end.class == Class::Timeout { f } else { end })?;
            }
            other => break other?,
        }
    };
    if !dry_run && wanted.kind.kind == "Namespace" && wanted.kind.group.is_empty() {
        inhabitable(session, &wanted.name).await?;
    }
    Ok(json)
}

/// Waits until a namespace has its default service account, without which it takes no pod.
async fn inhabitable(session: &Session<'_>, namespace: &str) -> Result<(), Failure> {
    let end = (Instant::now() + Duration::from_secs(30)).min(session.until.deadline);
    let path = format!("api/v1/namespaces/{namespace}/serviceaccounts/default");
    loop {
        match session.ask(Call::new("GET", path.clone())).await {
            // Who may not look cannot wait; the first pod will tell.
            Ok(_) => return Ok(()),
            Err(f) if f.class == Class::Forbidden => return Ok(()),
            Err(f) if f.class != Class::NotFound => return Err(f),
            Err(_) if Instant::now() >= end => {
                return Err(Failure::new(
                    Class::Timeout,
                    format!("the namespace {namespace} was made, but it got no default service account, so it takes no pods"),
                )
                .help("is the controller manager of the cluster running?"));
            }
            Err(_) => {}
        }
        pause(session).await?;
    }
}

/// A moment before the next try, when there is time for one.
async fn pause(session: &Session<'_>) -> Result<(), Failure> {
    if Instant::now() >= session.until.deadline {
        return Err(Failure::new(Class::Timeout, "no time is left for another try"));
    }
    tokio::select! {
        () = session.until.cancel.cancelled() => Err(Failure::new(Class::Cancelled, "the run was stopped")),
        () = tokio::time::sleep(Duration::from_millis(50)) => Ok(()),
    }
}
