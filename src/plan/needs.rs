//! What a spec reaches: the capabilities of all its steps, as far as they are known before the run.

use std::collections::BTreeSet;

use super::{Params, SpecPlan, StepPlan};
use crate::spec::Spec;
use crate::spec::environment::Uses;
use crate::tools::Capability;
use crate::tools::capability::UNKNOWN;
use crate::value::expr::{Scope, eval};
use crate::value::{Interpolated, Piece, Value};

/// Everything the spec reaches, each once, sorted.
pub(super) fn of(plan: &SpecPlan, spec: &Spec) -> Vec<Capability> {
    let known = Known(plan);
    let mut all = BTreeSet::new();
    for input in &spec.inputs {
        if let Some(from) = &input.from {
            all.insert(Capability::Env {
                name: from.value.clone(),
            });
        }
        if input.kind == crate::spec::InputKind::Secret {
            all.insert(Capability::Secret {
                name: input.name.value.clone(),
            });
        }
    }
    for step in all_steps(plan) {
        all.extend(of_step(step, &known));
    }
    all.into_iter().collect()
}

/// What its steps reach, when the files that they name may be looked at as well.
pub(super) fn with_files(plan: &SpecPlan, read: &dyn Fn(&str) -> Option<String>) -> BTreeSet<Capability> {
    let known = Known(plan);
    all_steps(plan)
        .flat_map(|step| {
            let params = known.part(&step.params).unwrap_or(serde_json::Value::Null);
            step.action.capabilities_of_files(&params, read)
        })
        .collect()
}

/// What the spec uses of its environment: the families of its actions and those it names, the endpoints they say they
/// reach, the programs they run. [`of`] comes first.
pub(super) fn uses(plan: &SpecPlan) -> Uses {
    let mut uses = Uses::default();
    for step in all_steps(plan) {
        let family = step.action.name().split('.').next().unwrap_or_default();
        uses.families.insert(family.to_owned());
    }
    uses.families
        .extend(plan.tools.iter().map(|t| t.family.value.clone()));
    for capability in &plan.capabilities {
        match capability {
            Capability::Endpoint { family } => {
                uses.families.insert(family.clone());
            }
            Capability::Exec { program, .. } if program == UNKNOWN => uses.any_program = true,
            Capability::Exec { program, .. } => {
                uses.programs.insert(program.clone());
            }
            Capability::Net { .. }
            | Capability::Read { .. }
            | Capability::Write { .. }
            | Capability::Env { .. }
            | Capability::Secret { .. }
            | Capability::Kube { .. } => {}
        }
    }
    uses
}

fn all_steps(plan: &SpecPlan) -> impl Iterator<Item = &StepPlan> {
    plan.steps
        .iter()
        .flat_map(|s| std::iter::once(s).chain(&s.cleanup))
}

fn of_step(step: &StepPlan, known: &Known<'_>) -> Vec<Capability> {
    let params = known.part(&step.params).unwrap_or(serde_json::Value::Null);
    step.action.capabilities(&params)
}

/// The values that are known before the run.
struct Known<'a>(&'a SpecPlan);

impl Scope for Known<'_> {
    fn value_of(&self, name: &str) -> Option<Value> {
        let object = |values: Vec<(String, Value)>| Some(Value::Object(values));
        match name {
            "inputs" => object(
                self.0
                    .inputs
                    .iter()
                    .map(|i| (i.name.clone(), i.value.clone()))
                    .collect(),
            ),
            "matrix" => object(self.0.matrix.clone()),
            _ => None,
        }
    }
}

impl Known<'_> {
    /// The part of the parameters that is known; what holds an unknown expression is left out.
    fn part(&self, params: &Params) -> Option<serde_json::Value> {
        match params {
            Params::Literal(v) => Some(v.clone()),
            Params::Text(t) => self.text(&t.value),
            Params::List(items) => {
                // A list with a hole would move the others: it is cut before the first unknown item.
                Some(items.iter().map_while(|p| self.part(p)).collect())
            }
            Params::Map(entries) => Some(serde_json::Value::Object(
                entries
                    .iter()
                    .filter(|(_, e)| !e.secret)
                    .filter_map(|(k, e)| Some((k.clone(), self.part(&e.value)?)))
                    .collect(),
            )),
        }
    }

    fn text(&self, text: &Interpolated) -> Option<serde_json::Value> {
        if let Some(expr) = text.alone() {
            return match eval(expr, self).ok()? {
                Value::Null | Value::Secret(_) => None,
                value => Some(value.to_json()),
            };
        }
        let mut whole = String::new();
        for piece in &text.pieces {
            match piece {
                Piece::Literal(s) => whole.push_str(s),
                Piece::Expr { expr, .. } => match eval(expr, self).ok()? {
                    Value::Null | Value::Secret(_) => return None,
                    value => match value.to_json() {
                        serde_json::Value::String(s) => whole.push_str(&s),
                        other => whole.push_str(&other.to_string()),
                    },
                },
            }
        }
        Some(serde_json::Value::String(whole))
    }
}
