//! `like: <step>`: another step's action and parameters, with changes.

use std::collections::HashMap;

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Entry, Kind, Node};

use super::Step;
use super::steps::Draft;

/// Fills in the actions and parameters that steps take from earlier ones.
///
/// Groups are in file order; a step may be like any step before it, also of an earlier group.
pub(super) fn resolve(groups: Vec<Vec<Draft>>, out: &mut Diagnostics) -> Vec<Vec<Step>> {
    let all: Vec<String> = groups
        .iter()
        .flatten()
        .filter_map(|d| d.step.id.as_ref().map(|i| i.value.clone()))
        .collect();
    let mut seen: HashMap<String, (Option<_>, Node)> = HashMap::new();
    let mut result = Vec::with_capacity(groups.len());
    for group in groups {
        let mut steps = Vec::with_capacity(group.len());
        for draft in group {
            let mut step = draft.step;
            if let Some(like) = draft.like {
                if let Some((model, params)) = seen.get(&like.value) {
                    if let (Some(own), Some(model)) = (&step.action, model)
                        && own.value.name() != model_name(model)
                    {
                        out.push(
                            Diagnostic::error(
                                Code::KeysDoNotFit,
                                format!(
                                    "step is like `{}`, which does `{}`, but says `{}`",
                                    like.value,
                                    model_name(model),
                                    own.value.name()
                                ),
                            )
                            .label(own.span, "another action")
                            .label(like.span, "the model"),
                        );
                    } else {
                        step.params = merge(params, &step.params);
                        if step.action.is_none() {
                            step.action = model.clone().map(|mut m: crate::source::Spanned<_>| {
                                m.span = like.span;
                                m
                            });
                            step.span = like.span;
                        }
                    }
                } else {
                    let code = if all.contains(&like.value) {
                        Code::LaterStep
                    } else {
                        Code::UnknownStep
                    };
                    // What its parameters should be is not known; one message is enough.
                    step.action = None;
                    let message = if code == Code::LaterStep {
                        format!("step `{}` comes later, so nothing can be like it yet", like.value)
                    } else {
                        format!("there is no step `{}` to be like", like.value)
                    };
                    // In file order, so that messages do not change from run to run.
                    let known = all.iter().filter(|id| seen.contains_key(*id)).map(String::as_str);
                    out.push(
                        Diagnostic::error(code, message)
                            .label(like.span, "not before this step")
                            .maybe_help(did_you_mean(&like.value, known)),
                    );
                }
            }
            if let Some(id) = &step.id {
                seen.entry(id.value.clone())
                    .or_insert_with(|| (step.action.clone(), step.params.clone()));
            }
            steps.push(step);
        }
        result.push(steps);
    }
    result
}

fn model_name(model: &crate::source::Spanned<&'static dyn crate::action::DynAction>) -> &'static str {
    model.value.name()
}

/// The model's keys with the own ones in their place, then the own ones that are new.
fn merge(model: &Node, own: &Node) -> Node {
    let mut entries: Vec<Entry> = model
        .entries()
        .iter()
        .map(|e| own.get(&e.key.value).unwrap_or(e).clone())
        .collect();
    for e in own.entries() {
        if model.get(&e.key.value).is_none() {
            entries.push(e.clone());
        }
    }
    Node::new(Kind::Map(entries), own.span)
}
