//! The order of steps: what each must wait for, and whether that can be.

use std::collections::VecDeque;

use super::NodeIx;
use crate::event::Role;

/// What the order of a step depends on.
pub(super) struct Wants {
    pub role: Role,
    pub background: bool,
    /// `needs`, when it is given.
    pub needs: Option<Vec<NodeIx>>,
    /// Steps whose output it uses.
    pub uses: Vec<NodeIx>,
}

/// For each step the steps that must have ended first, sorted.
///
/// Without `needs` a step waits for everything before it in the file; with `needs` only for those, and always for
/// the preconditions. Background steps are not waited for unless they are named. The number of edges grows with the
/// number of steps, not with its square: what waits for a step stands for the step.
pub(super) fn order(steps: &[Wants]) -> Vec<Vec<NodeIx>> {
    let mut all = Vec::with_capacity(steps.len());
    let mut front: Vec<NodeIx> = Vec::new();
    let mut preconditions: Option<Vec<NodeIx>> = None;
    let mut on_failure = false;
    for (ix, step) in steps.iter().enumerate() {
        if step.role != Role::Precondition && preconditions.is_none() {
            preconditions = Some(front.clone());
        }
        if step.role == Role::OnFailure && !on_failure {
            on_failure = true;
            front.clear();
            preconditions = Some(Vec::new());
        }
        let mut after = match &step.needs {
            Some(needs) => {
                let mut after = needs.clone();
                after.extend(preconditions.iter().flatten());
                after
            }
            None => front.clone(),
        };
        after.extend(&step.uses);
        after.sort_unstable();
        after.dedup();
        if !step.background {
            if step.needs.is_none() {
                front.clear();
            }
            front.push(ix);
        }
        all.push(after);
    }
    all
}

/// A circle in the order, if there is one: each waits for the next, the last for the first.
pub(super) fn cycle(after: &[Vec<NodeIx>]) -> Option<Vec<NodeIx>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; after.len()];
    for start in 0..after.len() {
        if marks[start] != Mark::New {
            continue;
        }
        // A stack of our own: twenty thousand steps in a row would overflow the thread's.
        let mut path = vec![(start, 0)];
        marks[start] = Mark::Open;
        while let Some((ix, next)) = path.last_mut() {
            let Some(&to) = after[*ix].get(*next) else {
                marks[*ix] = Mark::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match marks[to] {
                Mark::New => {
                    marks[to] = Mark::Open;
                    path.push((to, 0));
                }
                Mark::Open => {
                    let from = path.iter().position(|(i, _)| *i == to).unwrap_or(0);
                    return Some(path[from..].iter().map(|(i, _)| *i).collect());
                }
                Mark::Done => {}
            }
        }
    }
    None
}

/// For each step that waits for the end of `target`, the next step on a shortest way there.
pub(super) fn ways(after: &[&[NodeIx]], target: NodeIx) -> Vec<Option<NodeIx>> {
    let mut waiting: Vec<Vec<NodeIx>> = vec![Vec::new(); after.len()];
    for (ix, earlier) in after.iter().enumerate() {
        for to in *earlier {
            waiting[*to].push(ix);
        }
    }
    let mut next = vec![None; after.len()];
    let mut open = VecDeque::from([target]);
    while let Some(to) = open.pop_front() {
        for &from in &waiting[to] {
            if from != target && next[from].is_none() {
                next[from] = Some(to);
                open.push_back(from);
            }
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(needs: Option<&[NodeIx]>) -> Wants {
        Wants {
            role: Role::Step,
            background: false,
            needs: needs.map(<[_]>::to_vec),
            uses: Vec::new(),
        }
    }

    #[test]
    fn file_order_is_a_chain() {
        let after = order(&[step(None), step(None), step(None)]);
        assert_eq!(after, [vec![], vec![0], vec![1]]);
    }

    #[test]
    fn a_step_with_needs_runs_beside_the_others_and_is_waited_for() {
        let after = order(&[step(None), step(Some(&[])), step(Some(&[0])), step(None)]);
        assert_eq!(after, [vec![], vec![], vec![0], vec![0, 1, 2]]);
    }

    #[test]
    fn preconditions_come_before_everything_also_before_steps_with_needs() {
        let pre = Wants {
            role: Role::Precondition,
            ..step(None)
        };
        let after = order(&[pre, step(Some(&[])), step(None)]);
        assert_eq!(after, [vec![], vec![0], vec![0, 1]]);
    }

    #[test]
    fn background_steps_are_not_waited_for() {
        let background = Wants {
            background: true,
            ..step(None)
        };
        let after = order(&[step(None), background, step(None)]);
        assert_eq!(after, [vec![], vec![0], vec![0]]);
    }

    #[test]
    fn a_circle_is_found_and_named_in_order() {
        let after = order(&[step(Some(&[2])), step(None), step(None)]);
        assert_eq!(cycle(&after), Some(vec![0, 2, 1]));
        assert_eq!(cycle(&order(&[step(None), step(None)])), None);
    }

    #[test]
    fn many_steps_have_few_edges_and_need_no_deep_stack() {
        let steps: Vec<Wants> = (0..50_000).map(|_| step(None)).collect();
        let after = order(&steps);
        assert_eq!(after.iter().map(Vec::len).sum::<usize>(), 49_999);
        assert_eq!(cycle(&after), None);
    }

    #[test]
    fn the_way_to_a_step_goes_through_those_that_wait_for_it() {
        let after: [&[NodeIx]; 5] = [&[], &[0], &[], &[1, 2], &[0, 3]];
        assert_eq!(ways(&after, 0), [None, Some(0), None, Some(1), Some(0)]);
        assert_eq!(ways(&after, 2), [None, None, None, Some(2), Some(3)]);
        // Circles are told elsewhere, and end here too.
        assert_eq!(ways(&[&[1], &[0]], 0), [None, Some(0)]);
    }
}
