//! Which part gets which specs.

use std::collections::HashMap;
use std::sync::Arc;

use crate::plan::{SpecPlan, StepPlan};

/// At most `parts` parts, none empty, about equally many specs in each, in the order of the plan. Specs that share a
/// lock, also through others, stay together: no lock reaches from one part into another.
#[must_use]
pub fn split(specs: &[Arc<SpecPlan>], parts: usize) -> Vec<Vec<Arc<SpecPlan>>> {
    let locks: Vec<Vec<&str>> = specs.iter().map(|spec| locks(spec)).collect();
    let mut groups = together(&locks);
    // The largest first, so that the small ones even out what is left.
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let mut split: Vec<Vec<usize>> = vec![Vec::new(); parts.max(1)];
    for group in groups {
        if let Some(least) = split.iter_mut().min_by_key(|part| part.len()) {
            least.extend(group);
        }
    }
    split.retain(|part| !part.is_empty());
    for part in &mut split {
        part.sort_unstable();
    }
    split
        .into_iter()
        .map(|part| part.into_iter().map(|at| Arc::clone(&specs[at])).collect())
        .collect()
}

/// Every lock that a spec takes at any time.
fn locks(spec: &SpecPlan) -> Vec<&str> {
    fn of_steps<'a>(steps: &'a [StepPlan], all: &mut Vec<&'a str>) {
        for step in steps {
            all.extend(step.locks.iter().map(String::as_str));
            of_steps(&step.cleanup, all);
        }
    }
    let mut all: Vec<&str> = spec.locks.iter().map(String::as_str).collect();
    of_steps(&spec.steps, &mut all);
    all
}

/// Indices that share a name, also through others, as groups; in the order of their first members.
fn together(names: &[Vec<&str>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut holder: HashMap<&str, usize> = HashMap::new();
    for (at, own) in names.iter().enumerate() {
        let mut joined: Vec<usize> = own.iter().filter_map(|name| holder.get(name).copied()).collect();
        joined.sort_unstable();
        joined.dedup();
        let home = joined.first().copied().unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        for other in joined.into_iter().skip(1) {
            let members = std::mem::take(&mut groups[other]);
            groups[home].extend(members);
            holder
                .values_mut()
                .filter(|h| **h == other)
                .for_each(|h| *h = home);
        }
        groups[home].push(at);
        holder.extend(own.iter().map(|name| (*name, home)));
    }
    groups.retain(|group| !group.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::together;

    #[test]
    fn what_shares_a_name_through_others_is_together() {
        let names = vec![vec!["a"], vec!["b"], vec![], vec!["a", "b"], vec!["c"]];
        assert_eq!(together(&names), [vec![0, 1, 3], vec![2], vec![4]]);
    }

    proptest! {
        #[test]
        fn every_index_is_in_one_group_and_no_name_in_two(
            names in proptest::collection::vec(proptest::collection::vec("[a-f]", 0..3), 0..20)
        ) {
            let names: Vec<Vec<&str>> = names.iter().map(|n| n.iter().map(String::as_str).collect()).collect();
            let groups = together(&names);
            let mut all: Vec<usize> = groups.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..names.len()).collect::<Vec<_>>());
            for (i, one) in groups.iter().enumerate() {
                for other in &groups[i + 1..] {
                    let shared = one.iter().any(|a| other.iter().any(|b| names[*a].iter().any(|n| names[*b].contains(n))));
                    prop_assert!(!shared);
                }
            }
        }
    }
}
