//! Which nodes are spot nodes: the labels by which providers say so.

use std::collections::BTreeMap;

/// Label, value, who says it so.
const KNOWN: [(&str, &str, &str); 9] = [
    ("eks.amazonaws.com/capacityType", "SPOT", "EKS"),
    ("cloud.google.com/gke-spot", "true", "GKE"),
    ("cloud.google.com/gke-preemptible", "true", "GKE"),
    ("cloud.google.com/gke-provisioning", "spot", "GKE"),
    ("kubernetes.azure.com/scalesetpriority", "spot", "AKS"),
    ("karpenter.sh/capacity-type", "spot", "Karpenter"),
    ("karpenter.k8s.aws/capacity-type", "spot", "Karpenter"),
    ("node.kubernetes.io/lifecycle", "spot", "kOps"),
    ("node.kubernetes.io/capacity", "spot", "Cluster API"),
];
/// Labels by which the same providers say what kind of capacity a node is, whatever kind that is.
const SAYING: [&str; 9] = [
    "eks.amazonaws.com/capacityType",
    "cloud.google.com/gke-spot",
    "cloud.google.com/gke-preemptible",
    "cloud.google.com/gke-provisioning",
    "kubernetes.azure.com/scalesetpriority",
    "karpenter.sh/capacity-type",
    "karpenter.k8s.aws/capacity-type",
    "node.kubernetes.io/lifecycle",
    "node.kubernetes.io/capacity",
];

/// The label that says that a node is a spot node: `karpenter.sh/capacity-type=spot (Karpenter)`.
pub(super) fn by(labels: &BTreeMap<String, String>) -> Option<String> {
    KNOWN.iter().find_map(|(label, value, who)| {
        let found = labels.get(*label)?;
        found
            .eq_ignore_ascii_case(value)
            .then(|| format!("{label}={found} ({who})"))
    })
}

/// The kind of capacity: `spot`, `on-demand` when a provider's label says otherwise, `unknown` without such a label.
pub(super) fn capacity(labels: &BTreeMap<String, String>) -> &'static str {
    if by(labels).is_some() {
        "spot"
    } else if SAYING.iter().any(|label| labels.contains_key(*label)) {
        "on-demand"
    } else {
        "unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn every_provider_is_understood_and_nobody_guesses() {
        for (label, value, who) in KNOWN {
            let found = by(&labels(&[(label, value)])).unwrap();
            assert!(found.contains(who), "{found}");
            assert_eq!(capacity(&labels(&[(label, value)])), "spot");
            assert!(SAYING.contains(&label));
        }
        let on_demand = labels(&[("eks.amazonaws.com/capacityType", "ON_DEMAND")]);
        assert_eq!((by(&on_demand), capacity(&on_demand)), (None, "on-demand"));
        let named_so = labels(&[("pool", "spot")]);
        assert_eq!((by(&named_so), capacity(&named_so)), (None, "unknown"));
    }
}
