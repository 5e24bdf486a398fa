//! The roles a suite needs on a cluster, as manifests: computed from what its steps say they call.
//!
//! What is known only at run time cannot be in a role: a namespace that the run makes gives a rule for all namespaces, and
//! a remark names the specs with objects from a template whose values the run gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Plan, SpecPlan, needs};
use crate::tools::Capability;

/// What stands for a part that is not known before the run.
const UNKNOWN: &str = "?";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Resources by verbs: `(group, resource)` and what is done with it.
type Rules = BTreeMap<(String, String), BTreeSet<String>>;

/// Gives the text of a file that a spec names, if it can be had.
pub type Read<'a> = &'a dyn Fn(&SpecPlan, &str) -> Option<String>;

/// A ClusterRole for what has no namespace or one that is not known yet, and a Role for each namespace that is; nothing
/// but a remark when no spec calls Kubernetes.
#[must_use]
pub fn roles(plan: &Plan, read: Read<'_>) -> String {
    let mut everywhere = Rules::new();
    let mut places: BTreeMap<String, Rules> = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    for spec in &plan.specs {
        for capability in needs::with_files(spec, &|path| read(spec, path)) {
            let Capability::Kube {
                verb,
                resource,
                namespace,
            } = capability
            else {
                continue;
            };
            if resource == UNKNOWN {
                unknown.insert(spec.id.to_string());
                continue;
            }
            let rules = match namespace.as_deref() {
                None | Some(UNKNOWN) => &mut everywhere,
                Some(place) => places.entry(place.to_owned()).or_default(),
            };
            add(rules, &verb, &resource);
        }
    }
    let mut out =
        String::from("# What the selected specs call on the cluster, computed by `specrun plan --rbac`.\n");
    for id in unknown {
        let _ = writeln!(
            out,
            "# {id} also makes or reads objects that are known only at run time (manifests from files that are made or filled in by the run): add their kinds."
        );
    }
    if everywhere.is_empty() && places.is_empty() {
        out.push_str("# Nothing.\n");
        return out;
    }
    if !everywhere.is_empty() {
        role(&mut out, "ClusterRole", "metadata: {name: specrun}", &everywhere);
    }
    for (place, rules) in &places {
        let meta = format!("metadata: {{name: specrun, namespace: {}}}", quoted(place));
        role(&mut out, "Role", &meta, rules);
    }
    out
}

fn add(rules: &mut Rules, verb: &str, resource: &str) {
    let (name, sub) = resource
        .split_once('/')
        .map_or((resource, None), |(n, s)| (n, Some(s)));
    let (plural, group) = name.split_once('.').unwrap_or((name, ""));
    let shown = sub.map_or_else(|| plural.to_owned(), |sub| format!("{plural}/{sub}"));
    let mut allow = |resource: &str, verb: &str| {
        rules
            .entry((group.to_owned(), resource.to_owned()))
            .or_default()
            .insert(verb.to_owned());
    };
    allow(&shown, verb);
    // Kubernetes lets nobody give away more rights than they have, but who may do these.
    if group == RBAC && matches!(verb, "create" | "patch") {
        match plural {
            "roles" | "clusterroles" => allow(plural, "escalate"),
            "rolebindings" | "clusterrolebindings" => {
                allow("roles", "bind");
                allow("clusterroles", "bind");
            }
            _ => {}
        }
    }
}

fn role(out: &mut String, kind: &str, meta: &str, rules: &Rules) {
    let _ = write!(out, "---\napiVersion: {RBAC}/v1\nkind: {kind}\n{meta}\nrules:\n");
    // Resources of one group with the same verbs share a rule.
    let mut joined: BTreeMap<(&str, Vec<&str>), Vec<&str>> = BTreeMap::new();
    for ((group, resource), verbs) in rules {
        let verbs: Vec<&str> = verbs.iter().map(String::as_str).collect();
        joined.entry((group, verbs)).or_default().push(resource);
    }
    for ((group, verbs), resources) in joined {
        let list = |items: &[&str]| items.iter().map(|i| quoted(i)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            out,
            "  - {{apiGroups: [{}], resources: [{}], verbs: [{}]}}",
            quoted(group),
            list(&resources),
            list(&verbs)
        );
    }
}

/// A text in YAML; as JSON writes it when it is not plain.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-./".contains(c);
    if !text.is_empty() && text.chars().all(plain) && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(calls: &[(&str, &str)]) -> String {
        let mut rules = Rules::new();
        for (verb, resource) in calls {
            add(&mut rules, verb, resource);
        }
        let mut out = String::new();
        role(&mut out, "ClusterRole", "metadata: {name: specrun}", &rules);
        out.lines().skip(5).map(str::trim).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn resources_with_the_same_verbs_share_a_rule() {
        assert_eq!(
            rules(&[
                ("get", "pods"),
                ("get", "pods/log"),
                ("list", "deployments.apps"),
                ("create", "jobs.batch"),
            ]),
            "- {apiGroups: [\"\"], resources: [pods, pods/log], verbs: [get]}\n\
             - {apiGroups: [apps], resources: [deployments], verbs: [list]}\n\
             - {apiGroups: [batch], resources: [jobs], verbs: [create]}"
        );
    }

    #[test]
    fn who_makes_roles_must_be_able_to_give_rights_away() {
        let text = rules(&[
            ("create", "roles.rbac.authorization.k8s.io"),
            ("create", "rolebindings.rbac.authorization.k8s.io"),
        ]);
        assert!(
            text.contains("resources: [clusterroles], verbs: [bind]"),
            "{text}"
        );
        assert!(
            text.contains("resources: [roles], verbs: [bind, create, escalate]"),
            "{text}"
        );
    }

    #[test]
    fn the_output_is_yaml_whatever_stands_in_it() {
        for text in ["pods", "a b", "*", "- x", "yes: no", "1", ""] {
            let yaml: serde_yaml::Value = serde_yaml::from_str(&format!("[{}]", quoted(text))).unwrap();
            assert_eq!(yaml[0].as_str(), Some(text));
        }
    }
}
