//! What every action of the family needs: the cluster, who is asking, which namespace; and the powers, as far as they
//! are known before the run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::action::{Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::http::Until;
use crate::tools::kube::{Call, Cluster, Identity, Kind, Scope, guess};

/// What stands for a part that is not known before the run.
const UNKNOWN: &str = "?";
/// So long before the step's deadline a wait ends, so that it can still say what it waited for.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Where an action looks, and as whom.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct At {
    /// The namespace; without it that of the endpoint `kube`, else that of its kubeconfig's context.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub namespace: Option<String>,
    /// Who is asking, instead of whom the environment says: the `identity` of a step `kube.token`, or a user to act as
    /// (`system:serviceaccount:ml:intern`), which the endpoint's own user must be allowed to impersonate.
    #[serde(default, rename = "as")]
    #[schemars(length(min = 1))]
    pub acting_as: Option<String>,
    /// The same for a service account of the namespace, by its name.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub as_service_account: Option<String>,
}

/// Which objects are meant: one by its name, or all with certain labels.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Selection {
    /// The kind, as `kubectl` takes it.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// The version of the API: `apps/v1`. Without it the version that the server prefers.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub api_version: Option<String>,
    /// The object's name.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// All objects with these labels instead: `app=web`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub labels: Option<String>,
}

impl Selection {
    /// Its mistake: exactly one of `name` and `labels` is given.
    pub(super) fn problem(params: &Json) -> Option<ParamProblem> {
        one_of(params, "name", "labels")
    }

    pub(super) async fn kind(&self, session: &Session<'_>) -> Result<Arc<Kind>, Failure> {
        session.kind(&self.kind, self.api_version.as_deref()).await
    }

    pub(super) fn scope(&self, session: &Session<'_>, kind: &Arc<Kind>) -> Scope {
        session.scope(kind, self.name.as_deref(), self.labels.as_deref())
    }
}

/// That exactly one of two parameters is given.
pub(super) fn one_of(params: &Json, first: &str, second: &str) -> Option<ParamProblem> {
    let message = match (params.get(first), params.get(second)) {
        (None, None) => format!("one of `{first}` and `{second}` is missing"),
        (Some(_), Some(_)) => format!("only one of `{first}` and `{second}` can be given"),
        _ => return None,
    };
    Some(ParamProblem {
        pointer: String::new(),
        key: None,
        message,
        help: None,
    })
}

/// One step's use of the cluster.
pub(super) struct Session<'a> {
    pub cx: &'a Context,
    pub cluster: Arc<Cluster>,
    pub identity: Identity,
    pub until: Until,
    namespace: Option<String>,
    pub began: Instant,
}

impl<'a> Session<'a> {
    /// # Errors
    /// When the environment names no cluster, or its configuration cannot be used.
    pub(super) async fn open(cx: &'a Context, at: &At) -> Result<Self, Failure> {
        let until = Until {
            deadline: cx.deadline.checked_sub(LAST_WORDS).unwrap_or(cx.deadline),
            cancel: cx.cancel.clone(),
        };
        let cluster = cx
            .tools
            .kube
            .cluster(cx.tools.endpoints.get("kube"), &until)
            .await?;
        let user = match (&at.acting_as, &at.as_service_account) {
            (Some(_), Some(_)) => {
                return Err(Failure::new(
                    Class::BadParameter,
                    "only one of `as` and `as_service_account` can be given",
                ));
            }
            (None, Some(account)) => {
                let namespace = at.namespace.as_deref().unwrap_or_else(|| cluster.namespace());
                Some(format!("system:serviceaccount:{namespace}:{account}"))
            }
            (user, None) => user.clone(),
        };
        if let Some(power) = user.as_deref().and_then(impersonation) {
            cx.tools.kube.judge(&power)?;
        }
        let identity = cx.tools.kube.identity(user.as_deref())?;
        let session = Self {
            cx,
            cluster,
            identity,
            until,
            namespace: at.namespace.clone(),
            began: Instant::now(),
        };
        if let Some((namespace, name)) = user.as_deref().and_then(service_account) {
            session.account(namespace, name).await?;
        }
        Ok(session)
    }

    /// That a service account to act as is there: the server lets itself be asked as one that is not, and refuses it
    /// everything, which looks like a right that is missing.
    async fn account(&self, namespace: &str, name: &str) -> Result<(), Failure> {
        let accounts = core("serviceaccounts", true);
        if !self.absent(&accounts, Some(namespace), name).await? {
            return Ok(());
        }
        Err(Failure::new(
            Class::BadParameter,
            format!("there is no service account `{name}` in the namespace `{namespace}` to act as"),
        )
        .help("one that is not there may do nothing, which says nothing about anybody's rights"))
    }

    /// That the namespace in which nothing was found is there: the server lists one that is not as empty.
    ///
    /// # Errors
    /// Class `not_found` when it is not. Who may not look cannot know.
    pub(super) async fn inhabited(&self, namespace: Option<&str>) -> Result<(), Failure> {
        let Some(namespace) = namespace else {
            return Ok(());
        };
        let namespaces = core("namespaces", false);
        if !self.absent(&namespaces, None, namespace).await? {
            return Ok(());
        }
        Err(Failure::new(
            Class::NotFound,
            format!("there is no namespace `{namespace}`, which is not the same as an empty one"),
        )
        .help(format!(
            "that a namespace is gone is seen by `kube.wait: {{kind: Namespace, name: {namespace}, gone: true}}`"
        )))
    }

    /// Whether an object is known not to be there. Whoever the environment says looks, where a policy lets it and the
    /// server too; a spec does not need the right to look, so `plan` does not ask for it.
    async fn absent(&self, kind: &Kind, namespace: Option<&str>, name: &str) -> Result<bool, Failure> {
        let call = Call::new("GET", kind.path(namespace, Some(name), None));
        let power = kind.power("get", namespace, None);
        match self.cluster.ask(&call.power(power), &self.until).await {
            Ok(_) => Ok(false),
            Err(f) => match f.class {
                Class::NotFound => Ok(true),
                Class::Forbidden | Class::Missing | Class::NotGranted | Class::Unauthorized => Ok(false),
                _ => Err(f),
            },
        }
    }

    pub(super) async fn kind(&self, name: &str, api_version: Option<&str>) -> Result<Arc<Kind>, Failure> {
        self.cluster.kind(name, api_version, &self.until).await
    }

    /// The namespace of those that have one.
    pub(super) fn namespace(&self) -> &str {
        self.namespace
            .as_deref()
            .unwrap_or_else(|| self.cluster.namespace())
    }

    /// The namespace in which objects of a kind are.
    pub(super) fn namespace_of(&self, kind: &Kind) -> Option<&str> {
        kind.namespaced.then(|| self.namespace())
    }

    pub(super) async fn ask(&self, call: Call) -> Result<Json, Failure> {
        self.cluster
            .ask(&call.identity(&self.identity), &self.until)
            .await
    }

    /// One object.
    pub(super) async fn get(&self, kind: &Kind, name: &str, sub: Option<&str>) -> Result<Json, Failure> {
        let namespace = self.namespace_of(kind);
        let call =
            Call::new("GET", kind.path(namespace, Some(name), sub)).power(kind.power("get", namespace, sub));
        self.ask(call).await
    }

    pub(super) fn scope(&self, kind: &Arc<Kind>, name: Option<&str>, labels: Option<&str>) -> Scope {
        Scope {
            kind: Arc::clone(kind),
            namespace: self.namespace_of(kind).map(str::to_owned),
            name: name.map(str::to_owned),
            labels: labels.map(str::to_owned),
            fields: None,
            identity: self.identity.clone(),
        }
    }

    /// All objects of a scope.
    pub(super) async fn all(&self, scope: &Scope) -> Result<Vec<Json>, Failure> {
        Ok(crate::tools::kube::all(&self.cluster, scope, &self.until)
            .await?
            .0)
    }
}

/// Every action of the family reaches its endpoint; one that acts as another user makes its calls with that user's
/// rights, and itself needs the right to act so.
pub(super) fn reach(params: &Json, calls: impl IntoIterator<Item = Capability>) -> Vec<Capability> {
    let mut all = vec![Capability::Endpoint {
        family: "kube".to_owned(),
    }];
    all.extend(calls);
    if let Some(user) = text(params, "as") {
        all.extend(impersonation(user));
    }
    if params.get("as_service_account").is_some() {
        all.extend(on(params, "serviceaccounts", &["impersonate"]));
    }
    all
}

/// A kind of the core, as far as its paths go.
fn core(plural: &str, namespaced: bool) -> Kind {
    Kind {
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        namespaced,
        ..Kind::default()
    }
}

/// The namespace and name of a service account among users.
fn service_account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.split_once(':'))
}

/// The power to act as a user.
fn impersonation(user: &str) -> Option<Capability> {
    if user.starts_with("token:") {
        return None;
    }
    let account = service_account(user);
    Some(Capability::Kube {
        verb: "impersonate".to_owned(),
        resource: if account.is_some() {
            "serviceaccounts"
        } else {
            "users"
        }
        .to_owned(),
        namespace: account.map(|(namespace, _)| namespace.to_owned()),
    })
}

/// A text among the parameters, when it is known.
pub(super) fn text<'a>(params: &'a Json, key: &str) -> Option<&'a str> {
    params
        .get(key)
        .and_then(Json::as_str)
        .filter(|text| !text.contains("${{"))
}

/// Calls on a fixed kind in the namespace of the parameters.
pub(super) fn on<'a>(
    params: &'a Json,
    resource: &'a str,
    verbs: &'a [&'a str],
) -> impl Iterator<Item = Capability> + 'a {
    let namespace = text(params, "namespace").unwrap_or(UNKNOWN);
    verbs.iter().map(move |verb| Capability::Kube {
        verb: (*verb).to_owned(),
        resource: resource.to_owned(),
        namespace: Some(namespace.to_owned()),
    })
}

/// Calls on a kind of no namespace.
pub(super) fn on_cluster<'a>(
    resource: &'a str,
    verbs: &'a [&'a str],
) -> impl Iterator<Item = Capability> + 'a {
    verbs.iter().map(move |verb| Capability::Kube {
        verb: (*verb).to_owned(),
        resource: resource.to_owned(),
        namespace: None,
    })
}

/// Calls on the kind of the parameters `kind` and `api_version`.
pub(super) fn on_kind(params: &Json, verbs: &[&str], subresource: Option<&str>) -> Vec<Capability> {
    let (mut resource, namespaced) = text(params, "kind").map_or_else(
        || (UNKNOWN.to_owned(), true),
        |kind| guess(kind, text(params, "api_version")),
    );
    if let Some(sub) = subresource.filter(|_| resource != UNKNOWN) {
        resource = format!("{resource}/{sub}");
    }
    if namespaced {
        on(params, &resource, verbs).collect()
    } else {
        on_cluster(&resource, verbs).collect()
    }
}
