//! Which kinds the server serves: asked once a run, and again for a kind that is not among them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::Value as Json;

use super::call::Call;
use super::cluster::Cluster;
use crate::check::{Class, Failure};
use crate::diag::did_you_mean;
use crate::tools::Capability;
use crate::tools::capability::UNKNOWN;
use crate::tools::http::Until;

/// How long a list of kinds is taken to be the newest.
const FRESH: Duration = Duration::from_millis(500);
/// Lists that are read at the same time.
const AT_ONCE: usize = 8;

/// A kind of object in one version of its API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// Empty for the core: `apps`.
    pub group: String,
    pub version: String,
    /// `Deployment`
    pub kind: String,
    /// `deployments`
    pub plural: String,
    pub singular: String,
    pub short: Vec<String>,
    pub namespaced: bool,
    /// `scale`, `status`.
    pub subresources: Vec<String>,
}

impl Kind {
    /// `apps/v1`, `v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The resource as grants and roles name it: `pods`, `deployments.apps`, `pods/log`.
    #[must_use]
    pub fn resource(&self, subresource: Option<&str>) -> String {
        resource(&self.plural, &self.group, subresource)
    }

    /// The path of its list, of one object or of an object's subresource.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>, name: Option<&str>, subresource: Option<&str>) -> String {
        let mut path = base(&self.api_version());
        for part in [
            namespace
                .filter(|_| self.namespaced)
                .map(|n| format!("namespaces/{}", escape(n))),
            Some(self.plural.clone()),
            name.map(escape),
            subresource.map(escape),
        ]
        .into_iter()
        .flatten()
        {
            path.push('/');
            path.push_str(&part);
        }
        path
    }

    /// What a call needs to be granted.
    #[must_use]
    pub fn power(&self, verb: &str, namespace: Option<&str>, subresource: Option<&str>) -> Capability {
        Capability::Kube {
            verb: verb.to_owned(),
            resource: self.resource(subresource),
            namespace: namespace.filter(|_| self.namespaced).map(str::to_owned),
        }
    }

    fn is(&self, name: &str) -> bool {
        let (name, group) = match name.split_once('.') {
            Some((name, group)) => (name, Some(group)),
            None => (name, None),
        };
        let fits = self.kind.eq_ignore_ascii_case(name)
            || self.plural.eq_ignore_ascii_case(name)
            || self.singular.eq_ignore_ascii_case(name)
            || self.short.iter().any(|s| s.eq_ignore_ascii_case(name));
        fits && group.is_none_or(|g| g == self.group)
    }
}

/// The resource of kinds that are not asked for before the run: `(resource, namespaced)`.
///
/// For what is known of every cluster exactly, else by the rules that Kubernetes' own code generators follow; `?` for
/// a kind whose group is not given.
#[must_use]
pub fn guess(kind: &str, api_version: Option<&str>) -> (String, bool) {
    let (bare, named_group) = match kind.split_once('.') {
        Some((bare, group)) => (bare, Some(group)),
        None => (kind, None),
    };
    if let Some((_, group, plural, namespaced)) = KNOWN.iter().find(|(k, group, plural, _)| {
        (k.eq_ignore_ascii_case(bare) || plural.eq_ignore_ascii_case(bare))
            && named_group.is_none_or(|g| g == *group)
            && api_version.is_none_or(|v| group_of(v) == *group)
    }) {
        return (resource(plural, group, None), *namespaced);
    }
    let Some(group) = named_group.or_else(|| api_version.map(group_of)) else {
        return (UNKNOWN.to_owned(), true);
    };
    (resource(&plural_of(bare), group, None), true)
}

const KNOWN: &[(&str, &str, &str, bool)] = &[
    ("Pod", "", "pods", true),
    ("Service", "", "services", true),
    ("Endpoints", "", "endpoints", true),
    ("ConfigMap", "", "configmaps", true),
    ("Secret", "", "secrets", true),
    ("ServiceAccount", "", "serviceaccounts", true),
    ("PersistentVolumeClaim", "", "persistentvolumeclaims", true),
    ("PersistentVolume", "", "persistentvolumes", false),
    ("ResourceQuota", "", "resourcequotas", true),
    ("LimitRange", "", "limitranges", true),
    ("Event", "", "events", true),
    ("Namespace", "", "namespaces", false),
    ("Node", "", "nodes", false),
    ("Deployment", "apps", "deployments", true),
    ("ReplicaSet", "apps", "replicasets", true),
    ("StatefulSet", "apps", "statefulsets", true),
    ("DaemonSet", "apps", "daemonsets", true),
    ("Job", "batch", "jobs", true),
    ("CronJob", "batch", "cronjobs", true),
    (
        "HorizontalPodAutoscaler",
        "autoscaling",
        "horizontalpodautoscalers",
        true,
    ),
    ("Ingress", "networking.k8s.io", "ingresses", true),
    ("NetworkPolicy", "networking.k8s.io", "networkpolicies", true),
    ("PodDisruptionBudget", "policy", "poddisruptionbudgets", true),
    ("Role", "rbac.authorization.k8s.io", "roles", true),
    ("RoleBinding", "rbac.authorization.k8s.io", "rolebindings", true),
    ("ClusterRole", "rbac.authorization.k8s.io", "clusterroles", false),
    (
        "ClusterRoleBinding",
        "rbac.authorization.k8s.io",
        "clusterrolebindings",
        false,
    ),
    ("PriorityClass", "scheduling.k8s.io", "priorityclasses", false),
    ("StorageClass", "storage.k8s.io", "storageclasses", false),
    (
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        false,
    ),
    (
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        false,
    ),
    (
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        false,
    ),
    ("InferenceService", "serving.kserve.io", "inferenceservices", true),
];

fn plural_of(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    if lower == kind && lower.ends_with('s') {
        return lower;
    }
    let ends = |with: &[&str]| with.iter().any(|end| lower.ends_with(end));
    if ends(&["s", "x", "ch", "sh"]) {
        format!("{lower}es")
    } else if lower.ends_with('y') && !ends(&["ay", "ey", "oy", "uy"]) {
        format!("{}ies", &lower[..lower.len() - 1])
    } else {
        format!("{lower}s")
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn resource(plural: &str, group: &str, subresource: Option<&str>) -> String {
    let mut text = plural.to_owned();
    if !group.is_empty() {
        text.push('.');
        text.push_str(group);
    }
    if let Some(sub) = subresource {
        text.push('/');
        text.push_str(sub);
    }
    text
}

fn base(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("apis/{api_version}")
    } else {
        format!("api/{api_version}")
    }
}

/// A name as a part of a path.
fn escape(name: impl AsRef<str>) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b':')
        .remove(b'_');
    percent_encoding::utf8_percent_encode(name.as_ref(), KEPT).to_string()
}

/// What is known of the server so far.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    /// Of every group, its preferred version first; `None` until everything was asked for.
    all: Option<(Instant, Vec<Arc<Kind>>)>,
    /// Of versions that were asked for by name.
    versions: Vec<(String, Instant, Vec<Arc<Kind>>)>,
    /// Versions whose list could not be had: an extension API server may be down.
    broken: Vec<String>,
}

impl Kinds {
    pub(super) async fn find(
        &mut self,
        cluster: &Cluster,
        name: &str,
        api_version: Option<&str>,
        until: &Until,
    ) -> Result<Arc<Kind>, Failure> {
        let found = |list: &[Arc<Kind>]| list.iter().find(|k| k.is(name)).cloned();
        if let Some(version) = api_version {
            if let Some((_, at, list)) = self.versions.iter().find(|(v, ..)| v == version) {
                if let Some(kind) = found(list) {
                    return Ok(kind);
                }
                if at.elapsed() < FRESH {
                    return Err(self.unknown(name, Some(version), list));
                }
            }
            let list = match served(cluster, version, until).await {
                Ok(list) => list,
                Err(f) if f.class == Class::Missing => {
                    let mut failure = f;
                    failure.message = format!(
                        "the server does not serve `{version}`, which `{name}` was asked of: {}",
                        failure.message
                    );
                    return Err(failure);
                }
                Err(other) => return Err(other),
            };
            let kind = found(&list);
            self.versions.retain(|(v, ..)| v != version);
            self.versions.push((version.to_owned(), Instant::now(), list));
            let (_, _, list) = &self.versions[self.versions.len() - 1];
            return kind.ok_or_else(|| self.unknown(name, Some(version), list));
        }
        if let Some((at, list)) = &self.all {
            if let Some(kind) = found(list) {
                return Ok(kind);
            }
            if at.elapsed() < FRESH {
                return Err(self.unknown(name, None, list));
            }
        }
        let (list, broken) = everything(cluster, until).await?;
        self.broken = broken;
        let kind = found(&list);
        let (_, list) = self.all.insert((Instant::now(), list));
        if let Some(kind) = kind {
            Ok(kind)
        } else {
            let list = list.clone();
            Err(self.unknown(name, None, &list))
        }
    }

    fn unknown(&self, name: &str, version: Option<&str>, known: &[Arc<Kind>]) -> Failure {
        let of = version.map(|v| format!(" in `{v}`")).unwrap_or_default();
        let mut failure = Failure::new(Class::Missing, format!("the server has no kind `{name}`{of}"));
        let mut names: Vec<&str> = known.iter().map(|k| k.kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let bare = name.split('.').next().unwrap_or(name);
        let near = did_you_mean(bare, names.iter().copied()).unwrap_or_default();
        failure.help = Some(
            format!(
                "{near} If a step has just made its definition, wait until that is established: `kube.wait: {{kind: \
                 CustomResourceDefinition, name: ..., condition: Established}}`"
            )
            .trim()
            .to_owned(),
        );
        if !self.broken.is_empty() {
            failure = failure.detail(format!("could not be asked for: {}", self.broken.join(", ")));
        }
        failure
    }
}

/// The kinds of one version: `apps/v1`.
async fn served(cluster: &Cluster, version: &str, until: &Until) -> Result<Vec<Arc<Kind>>, Failure> {
    let answer = cluster.ask(&Call::new("GET", base(version)), until).await?;
    let rows = answer.get("resources").and_then(Json::as_array).ok_or_else(|| {
        Failure::new(
            Class::UnreadableAnswer,
            format!("the list of kinds of `{version}` is none: it has no `resources`"),
        )
    })?;
    let mut list: Vec<Kind> = Vec::new();
    for row in rows {
        let text = |key: &str| row.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let name = text("name");
        if let Some((parent, sub)) = name.split_once('/') {
            if let Some(kind) = list.iter_mut().find(|k| k.plural == parent) {
                kind.subresources.push(sub.to_owned());
            }
            continue;
        }
        list.push(Kind {
            group: group_of(version).to_owned(),
            version: version.rsplit('/').next().unwrap_or(version).to_owned(),
            kind: text("kind"),
            singular: text("singularName"),
            plural: name,
            short: row
                .get("shortNames")
                .and_then(Json::as_array)
                .map(|names| {
                    names
                        .iter()
                        .filter_map(|n| n.as_str().map(str::to_owned))
                        .collect()
                })
                .unwrap_or_default(),
            namespaced: row.get("namespaced").and_then(Json::as_bool).unwrap_or(false),
            subresources: Vec::new(),
        });
    }
    Ok(list.into_iter().map(Arc::new).collect())
}

/// Every kind of every version, the core first, of each group the preferred version first; and what could not be had.
async fn everything(cluster: &Cluster, until: &Until) -> Result<(Vec<Arc<Kind>>, Vec<String>), Failure> {
    let core = served(cluster, "v1", until).await?;
    let groups = cluster.ask(&Call::new("GET", "apis"), until).await?;
    let groups = groups
        .get("groups")
        .and_then(Json::as_array)
        .filter(|groups| !groups.is_empty())
        .ok_or_else(|| {
            Failure::new(
                Class::UnreadableAnswer,
                "the API server names no groups of kinds, which each has",
            )
        })?;
    let mut versions: Vec<String> = Vec::new();
    for group in groups {
        let preferred = group
            .pointer("/preferredVersion/groupVersion")
            .and_then(Json::as_str);
        let others = group.get("versions").and_then(Json::as_array);
        let others = others
            .into_iter()
            .flatten()
            .filter_map(|v| v.get("groupVersion").and_then(Json::as_str));
        for version in preferred.into_iter().chain(others) {
            if !versions.iter().any(|v| v == version) {
                versions.push(version.to_owned());
            }
        }
    }
    let lists: Vec<_> = futures_util::stream::iter(versions.clone())
        .map(|version| async move { served(cluster, &version, until).await })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut all = core;
    let mut broken = Vec::new();
    for (version, list) in versions.iter().zip(lists) {
        match list {
            Ok(list) => all.extend(list),
            Err(f) if matches!(f.class, Class::Cancelled | Class::NotGranted) => return Err(f),
            Err(f) => broken.push(format!("{version} ({})", f.class.word())),
        }
    }
    Ok((all, broken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_guessed_as_the_server_names_them() {
        for (kind, version, resource, namespaced) in [
            ("Pod", None, "pods", true),
            ("Deployment", Some("apps/v1"), "deployments.apps", true),
            ("jobs", None, "jobs.batch", true),
            ("Node", None, "nodes", false),
            (
                "Ingress",
                Some("networking.k8s.io/v1"),
                "ingresses.networking.k8s.io",
                true,
            ),
            (
                "Gateway",
                Some("gateway.networking.k8s.io/v1"),
                "gateways.gateway.networking.k8s.io",
                true,
            ),
            ("Policy", Some("kyverno.io/v1"), "policies.kyverno.io", true),
            (
                "Service",
                Some("serving.knative.dev/v1"),
                "services.serving.knative.dev",
                true,
            ),
            (
                "services.serving.knative.dev",
                None,
                "services.serving.knative.dev",
                true,
            ),
            ("Strange", None, "?", true),
        ] {
            assert_eq!(guess(kind, version), (resource.to_owned(), namespaced), "{kind}");
        }
    }

    #[test]
    fn paths_hold_names_and_nothing_else_of_them() {
        let kind = Kind {
            group: "apps".into(),
            version: "v1".into(),
            plural: "deployments".into(),
            namespaced: true,
            ..Kind::default()
        };
        assert_eq!(
            kind.path(Some("ml"), Some("web"), Some("scale")),
            "apis/apps/v1/namespaces/ml/deployments/web/scale"
        );
        assert_eq!(kind.path(None, None, None), "apis/apps/v1/deployments");
        assert_eq!(
            kind.path(Some("../x"), Some("a/b?c"), None),
            "apis/apps/v1/namespaces/..%2Fx/deployments/a%2Fb%3Fc"
        );
        let core = Kind {
            version: "v1".into(),
            plural: "nodes".into(),
            ..Kind::default()
        };
        assert_eq!(core.path(Some("ml"), Some("n"), None), "api/v1/nodes/n");
    }
}
