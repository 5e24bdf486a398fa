//! What a wait waits for, and what is still missing.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::object::conditions;
use crate::action::{Class, Failure, ParamProblem};

/// What has to hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Goal {
    /// A condition of the object: `Ready`, `Available`, `Complete`. It must be about the newest change of the object,
    /// when the object says which one it is about (`observedGeneration`). A Deployment is `Available` through pods of an
    /// older state too, so all of its pods must be of the newest.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub condition: Option<String>,
    /// The status it must have; without it `True`.
    #[serde(default)]
    pub status: Option<ConditionStatus>,
    /// The reason it must have, besides: `Unschedulable`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub reason: Option<String>,
    /// A field of the object: `status.readyReplicas`, `status.containerStatuses[0].restartCount`. It must be there, and
    /// be as the next keys say. A count that Kubernetes leaves out when it is 0 (`readyReplicas`, `active`, `failed`) is
    /// 0, once there is a status. A field of `status` must be about the newest change, like a condition.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub field: Option<String>,
    /// The value the field must have.
    #[serde(default)]
    pub equals: Option<Json>,
    /// The least number it may be.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The greatest number it may be.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// That the object exists.
    #[serde(default)]
    pub exists: bool,
    /// That the object, or each with the labels, is gone.
    #[serde(default)]
    pub gone: bool,
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    True,
    False,
    Unknown,
}

impl ConditionStatus {
    const fn word(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl Goal {
    /// What of the goal an object does not meet; none when it meets it.
    pub(super) fn missing(&self, object: &Json) -> Option<String> {
        if let Some(wanted) = &self.condition {
            return self.condition_missing(object, wanted);
        }
        if let Some(path) = &self.field {
            let compared = self.equals.is_some() || self.at_least.is_some() || self.at_most.is_some();
            let found = field(object, path).or_else(|| left_out(object, path).filter(|_| compared));
            let missing = self.field_missing(path, found);
            let older = || path.starts_with("status.").then(|| older(object, None)).flatten();
            return missing.or_else(|| {
                Some(format!(
                    "`{path}` is {}, which is about an older state of it ({})",
                    shown(found),
                    older()?
                ))
            });
        }
        None
    }

    fn condition_missing(&self, object: &Json, wanted: &str) -> Option<String> {
        let raw = object
            .pointer("/status/conditions")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .find(|c| c.get("type").and_then(Json::as_str) == Some(wanted));
        let all = conditions(object);
        let Some(found) = all.iter().find(|c| c.r#type == wanted) else {
            let others: Vec<&str> = all.iter().map(|c| c.r#type.as_str()).collect();
            return Some(if others.is_empty() {
                format!("it has no condition `{wanted}` yet")
            } else {
                format!("it has no condition `{wanted}`; it has {}", others.join(", "))
            });
        };
        let said = |f: &super::object::Condition| {
            let why = [f.reason.as_deref(), f.message.as_deref()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(": ");
            if why.is_empty() {
                format!("{}={}", f.r#type, f.status)
            } else {
                format!("{}={} ({why})", f.r#type, f.status)
            }
        };
        let status = self.status.unwrap_or(ConditionStatus::True).word();
        if found.status != status
            || self
                .reason
                .as_ref()
                .is_some_and(|r| found.reason.as_ref() != Some(r))
        {
            return Some(said(found));
        }
        if let Some(older) = older(object, raw) {
            return Some(format!("{} is about an older state of it ({older})", said(found)));
        }
        (wanted == "Available" && status == "True")
            .then(|| replaced(object))
            .flatten()
            .map(|old| format!("{}, but {old}", said(found)))
    }

    fn field_missing(&self, path: &str, found: Option<&Json>) -> Option<String> {
        let bounded = self.at_least.is_some() || self.at_most.is_some();
        if bounded {
            let Some(count) = found.and_then(Json::as_f64) else {
                return Some(match found {
                    Some(_) => format!("`{path}` is no number: {}", shown(found)),
                    None => format!("it has no `{path}`"),
                });
            };
            let fits = self.at_least.is_none_or(|least| count >= least)
                && self.at_most.is_none_or(|most| count <= most);
            return (!fits).then(|| format!("`{path}` is {}", shown(found)));
        }
        match (&self.equals, found) {
            (None, Some(_)) => None,
            (None, None) => Some(format!("it has no `{path}`")),
            (Some(wanted), Some(found)) if same(wanted, found) => None,
            (Some(_), found) => Some(format!("`{path}` is {}", shown(found))),
        }
    }

    /// For messages: what is waited for.
    pub(super) fn text(&self) -> String {
        if let Some(condition) = &self.condition {
            let status = self.status.unwrap_or(ConditionStatus::True).word();
            return match &self.reason {
                Some(reason) => format!("{condition}={status} ({reason})"),
                None => format!("{condition}={status}"),
            };
        }
        if let Some(path) = &self.field {
            let mut parts = Vec::new();
            if let Some(equals) = &self.equals {
                parts.push(format!("== {equals}"));
            }
            if let Some(least) = self.at_least {
                parts.push(format!(">= {least}"));
            }
            if let Some(most) = self.at_most {
                parts.push(format!("<= {most}"));
            }
            return format!("`{path}` {}", parts.join(" and ")).trim().to_owned();
        }
        match (self.gone, self.exists) {
            (true, _) => "that it is gone",
            (false, true) => "that it exists",
            (false, false) => "nothing",
        }
        .to_owned()
    }

    /// That exactly one goal is given, and only keys that belong to it.
    pub(super) fn problems(params: &Json) -> Vec<ParamProblem> {
        let given = |key: &&str| params.get(*key).is_some_and(|v| *v != Json::Bool(false));
        let goals: Vec<&str> = ["condition", "field", "exists", "gone"]
            .into_iter()
            .filter(|k| given(k))
            .collect();
        let problem = |key: Option<&str>, message: String| ParamProblem {
            pointer: key.map(|k| format!("/{k}")).unwrap_or_default(),
            key: key.map(str::to_owned),
            message,
            help: None,
        };
        let mut problems = match goals.as_slice() {
            [_] => Vec::new(),
            [] => vec![problem(
                None,
                "one of `condition`, `field`, `exists`, `gone` is missing".to_owned(),
            )],
            [_, second, ..] => vec![problem(
                Some(second),
                "only one of `condition`, `field`, `exists`, `gone` can be given".to_owned(),
            )],
        };
        for (owner, keys) in [
            ("condition", &["status", "reason"][..]),
            ("field", &["equals", "at_least", "at_most"]),
        ] {
            if !given(&owner) {
                problems.extend(
                    keys.iter()
                        .filter(|k| given(k))
                        .map(|k| problem(Some(k), format!("`{k}` belongs to `{owner}`"))),
                );
            }
        }
        if given(&"equals") && (given(&"at_least") || given(&"at_most")) {
            problems.push(problem(
                Some("equals"),
                "`equals` excludes `at_least` and `at_most`".to_owned(),
            ));
        }
        problems
    }
}

/// Counts that Kubernetes and the controllers of its ecosystem leave out of an object when they are 0. Any other field
/// that is not there may be misspelt.
const COUNTS: &[&str] = &[
    "active",
    "availableReplicas",
    "collisionCount",
    "currentHealthy",
    "currentNumberScheduled",
    "currentReplicas",
    "desiredHealthy",
    "desiredNumberScheduled",
    "desiredReplicas",
    "disruptionsAllowed",
    "expectedPods",
    "failed",
    "fullyLabeledReplicas",
    "numberAvailable",
    "numberMisscheduled",
    "numberReady",
    "numberUnavailable",
    "ready",
    "readyReplicas",
    "replicas",
    "restartCount",
    "succeeded",
    "terminating",
    "terminatingReplicas",
    "unavailableReplicas",
    "updatedNumberScheduled",
    "updatedReplicas",
];
static ZERO: std::sync::LazyLock<Json> = std::sync::LazyLock::new(|| Json::from(0));

/// The 0 for which a count was left out of an object; none of a field that is no such count, and where nobody has said
/// anything yet.
pub(super) fn left_out(object: &Json, path: &str) -> Option<&'static Json> {
    let (parent, name) = path.rsplit_once('.')?;
    let said = field(object, parent)?.as_object()?;
    (COUNTS.contains(&name) && !said.is_empty() && !said.contains_key(name)).then(|| &*ZERO)
}

/// Which older state of the object its status, or a condition of it, is about; none for the newest.
fn older(object: &Json, condition: Option<&Json>) -> Option<String> {
    let generation = object.pointer("/metadata/generation").and_then(Json::as_i64)?;
    let observed = condition
        .and_then(|c| c.get("observedGeneration"))
        .or_else(|| object.pointer("/status/observedGeneration"))
        .and_then(Json::as_i64)?;
    (observed < generation).then(|| format!("generation {observed} of {generation}"))
}

/// What of a Deployment is still of an older state: with it in place, `Available` says nothing about the newest.
fn replaced(object: &Json) -> Option<String> {
    let is = |key: &str, value: &str| object.get(key).and_then(Json::as_str) == Some(value);
    if !is("kind", "Deployment") || !is("apiVersion", "apps/v1") {
        return None;
    }
    let count = |at: &str| object.pointer(at).and_then(Json::as_u64).unwrap_or(0);
    let (wanted, all) = (count("/spec/replicas"), count("/status/replicas"));
    let new = count("/status/updatedReplicas");
    if new < wanted {
        return Some(format!("{new} of {wanted} pods are of its newest state"));
    }
    (all > new).then(|| format!("{} pods of an older state are left", all - new))
}

/// The value at a path such as `status.conditions[0].type`.
pub(super) fn field<'a>(object: &'a Json, path: &str) -> Option<&'a Json> {
    let mut at = object;
    for part in path.split('.') {
        let (name, indices) = part.find('[').map_or((part, ""), |i| part.split_at(i));
        if !name.is_empty() {
            at = at.get(name)?;
        }
        for index in indices.split('[').filter(|i| !i.is_empty()) {
            at = at.get(index.trim_end_matches(']').parse::<usize>().ok()?)?;
        }
    }
    Some(at).filter(|v| !v.is_null())
}

/// That a path can be read at all.
pub(super) fn readable(path: &str) -> Result<(), Failure> {
    let good = path.split('.').all(|part| {
        let (name, indices) = part.find('[').map_or((part, ""), |i| part.split_at(i));
        let inside = indices.strip_prefix('[').map(|i| i.strip_suffix(']'));
        let indices_fit = match inside {
            None => indices.is_empty(),
            Some(None) => false,
            Some(Some(inside)) => inside.split("][").all(|n| n.parse::<usize>().is_ok()),
        };
        !name.is_empty() && indices_fit
    });
    if good {
        return Ok(());
    }
    Err(Failure::new(
        Class::BadParameter,
        format!("`{path}` is no field: names with dots between them are, and numbers in brackets"),
    )
    .help("for example `status.readyReplicas` or `status.containerStatuses[0].ready`"))
}

fn same(wanted: &Json, found: &Json) -> bool {
    match (wanted.as_f64(), found.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= f64::EPSILON * a.abs(),
        _ => wanted == found,
    }
}

fn shown(found: Option<&Json>) -> String {
    let Some(found) = found else {
        return "not there".to_owned();
    };
    let mut text: String = found.to_string().chars().take(200).collect();
    if text.chars().count() == 200 {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn goal(json: Json) -> Goal {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_condition_holds_only_for_the_newest_generation() {
        let ready = goal(json!({"condition": "Ready"}));
        let object = |observed: i64, status: &str| {
            json!({"metadata": {"generation": 3}, "status": {"observedGeneration": observed,
                "conditions": [{"type": "Ready", "status": status, "reason": "Why", "message": "so"}]}})
        };
        assert_eq!(ready.missing(&object(3, "True")), None);
        let old = ready.missing(&object(2, "True")).unwrap();
        assert!(old.contains("generation 2 of 3"), "{old}");
        assert_eq!(
            ready.missing(&object(3, "False")).unwrap(),
            "Ready=False (Why: so)"
        );
        let unknown = goal(json!({"condition": "Reddy"}))
            .missing(&object(3, "True"))
            .unwrap();
        assert_eq!(unknown, "it has no condition `Reddy`; it has Ready");
        let no = goal(json!({"condition": "Ready", "status": "False", "reason": "Why"}));
        assert_eq!(no.missing(&object(3, "False")), None);
        let other = goal(json!({"condition": "Ready", "status": "False", "reason": "Other"}));
        assert!(other.missing(&object(3, "False")).is_some());
    }

    #[test]
    fn a_count_that_is_left_out_is_zero_and_a_text_is_no_number() {
        let at_most = goal(json!({"field": "status.readyReplicas", "at_most": 0}));
        assert_eq!(at_most.missing(&json!({"status": {"replicas": 1}})), None);
        // Nobody has said anything yet.
        for nothing in [json!({}), json!({"status": {}})] {
            assert_eq!(
                at_most.missing(&nothing).unwrap(),
                "it has no `status.readyReplicas`"
            );
        }
        let none = goal(json!({"field": "status.failed", "equals": 0}));
        assert_eq!(none.missing(&json!({"status": {"active": 1}})), None);
        for misspelt in [
            json!({"field": "status.readyReplcas", "at_most": 0}),
            json!({"field": "status.fialed", "equals": 0}),
        ] {
            assert!(
                goal(misspelt)
                    .missing(&json!({"status": {"replicas": 1}}))
                    .is_some()
            );
        }
        assert!(
            at_most
                .missing(&json!({"status": {"readyReplicas": 1}}))
                .is_some()
        );
        let least = goal(json!({"field": "status.phase", "at_least": 1}));
        let text = least.missing(&json!({"status": {"phase": "Running"}})).unwrap();
        assert!(text.contains("no number"), "{text}");
        for path in ["status.loadBalancer", "status.readyReplicas"] {
            let there = goal(json!({ "field": path }));
            assert!(there.missing(&json!({"status": {"replicas": 0}})).is_some());
        }
        let first = goal(json!({"field": "status.c[0].n", "equals": 2}));
        assert_eq!(first.missing(&json!({"status": {"c": [{"n": 2.0}]}})), None);
    }

    #[test]
    fn a_status_counts_only_for_the_newest_generation() {
        let object = |observed: i64| {
            json!({"metadata": {"generation": 3}, "spec": {"replicas": 3},
                "status": {"observedGeneration": observed, "readyReplicas": 3}})
        };
        let ready = goal(json!({"field": "status.readyReplicas", "at_least": 3}));
        assert_eq!(ready.missing(&object(3)), None);
        let old = ready.missing(&object(2)).unwrap();
        assert!(old.contains("generation 2 of 3"), "{old}");
        // What is asked for is always of now.
        let asked = goal(json!({"field": "spec.replicas", "equals": 3}));
        assert_eq!(asked.missing(&object(2)), None);
    }

    #[test]
    fn pods_of_the_state_before_make_no_deployment_available() {
        let available = goal(json!({"condition": "Available"}));
        let object = |updated: u64, all: u64| {
            json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"generation": 2}, "spec": {"replicas": 2},
                "status": {"observedGeneration": 2, "replicas": all, "updatedReplicas": updated,
                    "conditions": [{"type": "Available", "status": "True"}]}})
        };
        assert_eq!(available.missing(&object(2, 2)), None);
        let half = available.missing(&object(1, 3)).unwrap();
        assert_eq!(half, "Available=True, but 1 of 2 pods are of its newest state");
        let rest = available.missing(&object(2, 3)).unwrap();
        assert_eq!(rest, "Available=True, but 1 pods of an older state are left");
        // That it is not available needs no such proof.
        let not = goal(json!({"condition": "Available", "status": "False"}));
        assert!(not.missing(&object(1, 3)).unwrap().starts_with("Available=True"));
    }

    #[test]
    fn paths_are_read_or_refused() {
        for good in ["a", "a.b", "a[0]", "a[0][1].b"] {
            assert!(readable(good).is_ok(), "{good}");
        }
        for bad in ["", ".a", "a..b", "a[x]", "a[0", "[0]", "{.a}"] {
            assert!(readable(bad).is_err() || bad == "{.a}", "{bad}");
        }
    }

    #[test]
    fn one_goal_and_its_own_keys() {
        let messages = |params: Json| -> Vec<String> {
            Goal::problems(&params).into_iter().map(|p| p.message).collect()
        };
        assert_eq!(messages(json!({"condition": "Ready"})), [""; 0]);
        assert_eq!(messages(json!({"field": "a", "at_least": 1})), [""; 0]);
        assert_eq!(messages(json!({})).len(), 1);
        assert_eq!(messages(json!({"condition": "Ready", "gone": true})).len(), 1);
        assert_eq!(messages(json!({"gone": true, "at_least": 1})).len(), 1);
        assert_eq!(
            messages(json!({"field": "a", "equals": 1, "at_most": 2})).len(),
            1
        );
        assert_eq!(messages(json!({"exists": true, "gone": false})), [""; 0]);
    }
}
