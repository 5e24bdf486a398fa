//! What must hold for a spec as a whole: no circles, an expectation that counts, nothing declared and unused.

use std::collections::BTreeMap;

use super::compile::{Compiler, Item};
use super::names::Names;
use super::{NodeIx, StepPlan, ToolNeed, graph};
use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::event::{Role, Severity};
use crate::source::Span;

/// Shows where one step says that it waits for another.
fn waits(d: Diagnostic, item: &Item<'_>, other: &Item<'_>) -> Diagnostic {
    let span = item
        .step
        .needs
        .as_ref()
        .map_or(item.step.span, |n| n.value.first().map_or(n.span, |s| s.span));
    d.label(span, format!("`{}` waits for `{}`", item.id, other.id))
}

impl Compiler<'_> {
    pub(super) fn circle(&mut self, circle: &[NodeIx], items: &[Item<'_>]) {
        let names: Vec<&str> = circle
            .iter()
            .chain(circle.first())
            .map(|ix| items[*ix].id.as_str())
            .collect();
        let mut d = Diagnostic::error(
            Code::Cycle,
            format!("steps wait in a circle: {}", names.join(" -> ")),
        );
        for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)).take(6) {
            d = waits(d, &items[*from], &items[*to]);
        }
        self.out
            .push(d.help("a step without `needs` waits for all before it in the file; give it `needs: []` if it should not"));
    }

    /// Steps that wait, themselves or through others, for the end of what they should run beside.
    pub(super) fn contradictions(&mut self, items: &[Item<'_>], steps: &[StepPlan]) {
        let order: Vec<&[NodeIx]> = steps.iter().map(|s| s.after.as_slice()).collect();
        let mut ways: BTreeMap<NodeIx, Vec<Option<NodeIx>>> = BTreeMap::new();
        for (ix, (item, step)) in items.iter().zip(steps).enumerate() {
            for (name, &during) in item.step.during.iter().zip(&step.during) {
                if !items[during].step.background {
                    continue;
                }
                let next = ways.entry(during).or_insert_with(|| graph::ways(&order, during));
                if next[ix].is_none() {
                    continue;
                }
                let mut d = Diagnostic::error(
                    Code::KeysDoNotFit,
                    format!(
                        "step `{}` runs during `{}` and waits for its end",
                        item.id, name.value
                    ),
                )
                .label(name.span, "still running then");
                let way: Vec<NodeIx> = std::iter::successors(Some(ix), |ix| next[*ix]).collect();
                if way.len() > 2 {
                    for pair in way.windows(2).take(6) {
                        d = waits(d, &items[pair[0]], &items[pair[1]]);
                    }
                }
                self.out
                    .push(d.help("take its output in `expect` of the spec, or in a later step"));
            }
        }
    }

    pub(super) fn expectations(&mut self, steps: &[StepPlan]) {
        let spec = self.spec;
        let of_steps = spec.steps.iter().flat_map(|s| {
            s.expect
                .iter()
                .chain(s.poll.iter().filter_map(|p| p.until.as_ref()))
        });
        let mut any = steps
            .iter()
            .any(|s| s.role == Role::Step && s.expect_failure.is_some());
        let mut counts = any;
        for check in of_steps.chain(&spec.expect) {
            any = true;
            counts |= check.severity == Severity::Critical;
        }
        if !any && spec.expects {
            // It was written wrongly, which was reported.
        } else if !any {
            self.out.push(
                Diagnostic::error(
                    Code::NoExpectation,
                    "the spec expects nothing, so it could never fail",
                )
                .label(spec.id.span, "no `expect` anywhere in it")
                .help("add `expect:` with what must be true when the steps have run"),
            );
        } else if !counts {
            self.out.push(
                Diagnostic::error(Code::OnlyWarnings, "no check of the spec counts, so it could never fail")
                    .label(spec.id.span, "all its checks are warnings or for information")
                    .help("make one check critical; to keep the whole spec from failing a run give the spec `severity: warning`"),
            );
        }
    }

    pub(super) fn unused(&mut self, names: &Names) {
        let used = names.used.borrow();
        for input in &self.spec.inputs {
            if !used.all_inputs && !used.inputs.contains(&input.name.value) {
                self.out.push(
                    Diagnostic::error(
                        Code::UnusedInput,
                        format!(
                            "input `{}` is used nowhere, so setting it changes nothing",
                            input.name.value
                        ),
                    )
                    .label(input.name.span, "unused")
                    .help(format!("use `inputs.{}`, or take it away", input.name.value)),
                );
            }
        }
        for (axis, _) in &self.spec.matrix {
            if !used.all_matrix && !used.matrix.contains(&axis.value) {
                self.out.push(
                    Diagnostic::error(
                        Code::UnusedAxis,
                        format!(
                            "axis `{}` is used nowhere, so every row tests the same",
                            axis.value
                        ),
                    )
                    .label(axis.span, "unused")
                    .help(format!("use `matrix.{}`, or take it away", axis.value)),
                );
            }
        }
    }

    pub(super) fn tools(&mut self, items: &[Item<'_>]) -> Vec<ToolNeed> {
        let spec = self.spec;
        let registry = self.request.registry;
        let mut used: Vec<(&str, Span)> = Vec::new();
        for step in items
            .iter()
            .map(|i| i.step)
            .flat_map(|s| std::iter::once(s).chain(&s.cleanup))
        {
            let Some(action) = &step.action else { continue };
            let inside = action.value.inside(&step.params.to_json());
            for name in std::iter::once(action.value.name()).chain(inside) {
                let family = name.split('.').next().unwrap_or_default();
                if !used.iter().any(|(f, _)| *f == family) {
                    used.push((family, action.span));
                }
            }
        }
        let listed = spec.tools.as_ref().map_or(&[][..], |t| &t.value);
        for (family, span) in &used {
            if !listed.iter().any(|t| t.family.value == *family) {
                let mut all: Vec<&str> = used.iter().map(|(f, _)| *f).collect();
                all.sort_unstable();
                self.out.push(
                    Diagnostic::error(
                        Code::UndeclaredTool,
                        format!("`{family}` is used and not listed under `tools`"),
                    )
                    .label(*span, "used here")
                    .help(format!("write `tools: [{}]`", all.join(", "))),
                );
            }
        }
        for tool in listed {
            let name = tool.family.value.as_str();
            match registry.family(name) {
                None => self.out.push(
                    Diagnostic::error(Code::UnknownFamily, format!("there is no tool `{name}`"))
                        .label(tool.family.span, "unknown tool")
                        .maybe_help(did_you_mean(name, registry.families().iter().map(|f| f.name))),
                ),
                Some(_) if !used.iter().any(|(f, _)| *f == name) => self.out.push(
                    Diagnostic::error(
                        Code::UnusedTool,
                        format!("`{name}` is listed under `tools` and used nowhere"),
                    )
                    .label(tool.family.span, "unused")
                    .help("take it away, or add the step that was meant"),
                ),
                Some(family) if tool.version.is_some() && family.program.is_none() => self.out.push(
                    Diagnostic::error(
                        Code::BadValue,
                        format!("`{name}` runs no program that has a version"),
                    )
                    .label(tool.family.span, "no version to ask for"),
                ),
                Some(_) => {}
            }
        }
        listed
            .iter()
            .map(|t| ToolNeed {
                family: t.family.clone(),
                version: t.version.clone(),
                program: registry
                    .family(&t.family.value)
                    .and_then(|f| f.program)
                    .map(str::to_owned),
            })
            .collect()
    }
}
