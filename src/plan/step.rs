//! One step: its parameters, conditions, checks and cleanup.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::catalog::Facts;
use super::checks::{Checker, file_place};
use super::compile::{Compiler, Item};
use super::names::{Names, Place, unknown_step};
use super::params::{self, required};
use super::{ExpectFailure, ForEach, NodeIx, Params, Poll, StepPlan, matrix};
use crate::action::Undo;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::event::{CheckInfo, Role, Severity};
use crate::source::{Node, Spanned};
use crate::spec::Step;
use crate::value::{Interpolated, StepId, Type};

impl Compiler<'_> {
    /// The steps that names under `needs` or `during` mean.
    pub(super) fn indices(
        &mut self,
        list: &[Spanned<String>],
        own: NodeIx,
        items: &[Item<'_>],
        names: &Names,
    ) -> Vec<NodeIx> {
        let mut found = Vec::new();
        for name in list {
            match names.ids.get(&name.value) {
                Some(&ix) if ix == own => self.out.push(
                    Diagnostic::error(Code::Cycle, format!("step `{}` waits for itself", name.value))
                        .label(name.span, "itself"),
                ),
                Some(&ix)
                    if items[ix].role != items[own].role
                        && items[own].role != Role::OnFailure
                        && items[ix].role != Role::Precondition =>
                {
                    self.out.push(
                        Diagnostic::error(
                            Code::OutOfReach,
                            format!("nothing here can wait for `{}`", name.value),
                        )
                        .label(name.span, "out of reach"),
                    );
                }
                Some(&ix) => found.push(ix),
                None => {
                    let known = items
                        .iter()
                        .filter(|i| i.step.id.is_some())
                        .map(|i| i.id.as_str());
                    self.out.push(unknown_step(&name.value, name.span, known));
                }
            }
        }
        found
    }

    pub(super) fn step(
        &mut self,
        ix: NodeIx,
        item: &Item<'_>,
        items: &[Item<'_>],
        needs: &[NodeIx],
        checker: &Checker<'_>,
    ) -> Option<StepPlan> {
        let step = item.step;
        let mut uses = BTreeSet::new();
        let before = Place {
            step: Some(ix),
            needs,
            ..Place::default()
        };
        let condition = step.condition.as_ref().and_then(|node| {
            let (expr, used, _) = checker.condition(node, &before, &mut self.out)?;
            uses.extend(used);
            Some(expr)
        });
        let mut element = None;
        let for_each = step.for_each.as_ref().map(|f| {
            if checker.names.ids.contains_key(&f.name.value) {
                self.out.push(
                    Diagnostic::error(Code::BadName, format!("`{}` is the name of a step", f.name.value))
                        .label(f.name.span, "give the element another name"),
                );
            }
            let (items, ty, used) = self.elements(&f.items, &before, checker);
            uses.extend(used);
            element = Some((f.name.value.as_str(), ty));
            ForEach {
                name: f.name.value.clone(),
                items,
                span: f.items.span,
            }
        });
        let place = Place {
            element: element.clone(),
            ..before
        };
        let params = self.params(step, &place, checker, &mut uses);
        let output = self.own_output(step);
        let after = Place {
            own: Some(output),
            ..place
        };
        let during = self.indices(&step.during, ix, items, checker.names);
        for (during, name) in during.iter().zip(&step.during) {
            if !items[*during].step.background {
                self.out.push(
                    Diagnostic::error(
                        Code::NotBackground,
                        format!("step `{}` does not run in the background", name.value),
                    )
                    .label(name.span, "has ended before this step starts")
                    .help(format!("add `background: true` to `{}`", name.value)),
                );
            }
        }
        let cleanup: Vec<Option<StepPlan>> = step
            .cleanup
            .iter()
            .enumerate()
            .map(|(i, c)| self.cleanup(c, i, item, &after, checker))
            .collect();
        let mut plan = self.rest(step, item, &after, checker)?;
        for check in plan
            .expect
            .iter()
            .chain(plan.poll.iter().filter_map(|p| p.until.as_ref()))
        {
            uses.extend(&check.uses);
        }
        plan.params = params;
        plan.condition = condition;
        plan.for_each = for_each;
        plan.uses = uses.into_iter().collect();
        plan.during = during;
        plan.cleanup = cleanup.into_iter().collect::<Option<_>>()?;
        if let Some(undo) = plan.action.undo(&step.params.to_json()) {
            plan.cleanup.push(self.undo(&undo, &plan));
        }
        Some(plan)
    }

    /// Everything of a step but its parameters and its place among others.
    pub(super) fn rest(
        &mut self,
        step: &Step,
        item: &Item<'_>,
        after: &Place<'_>,
        checker: &Checker<'_>,
    ) -> Option<StepPlan> {
        let id = &item.id;
        let sources = self.request.sources;
        let poll = step.poll.as_ref().map(|p| Poll {
            until: p
                .until
                .as_ref()
                .and_then(|c| checker.poll(c, format!("{id}.eventually"), after, &mut self.out)),
            within: p.within.value,
            every: p.every,
            stable_for: p.stable_for,
        });
        let limit = self.spec.timeout.unwrap_or(self.request.defaults.spec_timeout);
        if let Some(p) = &step.poll
            && p.within.value > limit
        {
            self.out.push(
                Diagnostic::error(
                    Code::KeysDoNotFit,
                    "`within` is longer than the whole spec may take, so it could never be waited out",
                )
                .label(p.within.span, "too long")
                .help("give the spec a longer `timeout` (10m when it says nothing)"),
            );
        }
        let expect = step
            .expect
            .iter()
            .enumerate()
            .filter_map(|(i, c)| checker.check(c, format!("{id}.expect[{i}]"), after, &mut self.out))
            .collect();
        let expect_failure = step.expect_failure.as_ref().map(|f| ExpectFailure {
            info: CheckInfo {
                id: format!("{id}.expect_failure"),
                text: failure_text(f),
                severity: Severity::Critical,
                because: None,
                place: file_place(sources, f.span),
            },
            class: f.class,
            status: f.status,
            exit_code: f.exit_code,
            reason: f.reason.clone(),
            message: f.message.clone(),
        });
        let action = step.action.as_ref()?.value;
        Some(StepPlan {
            id: StepId(id.clone()),
            name: step.name.clone(),
            role: item.role,
            action,
            params: Params::Literal(serde_json::Value::Null),
            output: after
                .own
                .clone()
                .or_else(|| after.dot.clone())
                .unwrap_or(Type::Any),
            after: Vec::new(),
            uses: Vec::new(),
            condition: None,
            for_each: None,
            background: step.background,
            during: Vec::new(),
            timeout: step
                .timeout
                .as_ref()
                .map_or(self.request.defaults.step_timeout, |t| t.value),
            retry: step.retry,
            poll,
            expect,
            expect_failure,
            cleanup: Vec::new(),
            locks: step.locks.iter().map(|l| l.value.clone()).collect(),
            span: step.span,
            place: file_place(sources, step.span),
        })
    }

    pub(super) fn params(
        &mut self,
        step: &Step,
        place: &Place<'_>,
        checker: &Checker<'_>,
        uses: &mut BTreeSet<NodeIx>,
    ) -> Params {
        let Some(action) = &step.action else {
            return Params::Literal(serde_json::Value::Null);
        };
        let facts: Rc<Facts> = self.catalog.of(action.value);
        let mut reader = params::Reader::new(self.request.sources, checker.names, place, &mut self.out);
        let params = reader.action(action.value, &facts, &step.params, action.span);
        uses.extend(reader.uses);
        params
    }

    /// The items of `for_each`, the type of one, and the steps they come from.
    pub(super) fn elements(
        &mut self,
        node: &Node,
        place: &Place<'_>,
        checker: &Checker<'_>,
    ) -> (Params, Type, BTreeSet<NodeIx>) {
        let mut reader = params::Reader::new(self.request.sources, checker.names, place, &mut self.out);
        let params = reader.value(node, &Type::Any);
        let uses = reader.uses;
        let ty = match &params {
            Params::Text(text) => self.element_type(&text.value, node, place, checker),
            _ if node
                .items()
                .iter()
                .any(|n| n.as_str().is_some_and(|s| s.contains("${{"))) =>
            {
                Type::Any
            }
            _ => matrix::axis_type(node.items()),
        };
        (params, ty, uses)
    }

    pub(super) fn element_type(
        &mut self,
        text: &Interpolated,
        node: &Node,
        place: &Place<'_>,
        checker: &Checker<'_>,
    ) -> Type {
        let Some(expr) = text.alone() else {
            self.out.push(
                Diagnostic::error(
                    Code::TypeMismatch,
                    "`for_each` goes through a list, and this is text",
                )
                .label(node.span, "not a list")
                .help("write one expression alone: `\"${{ inputs.models }}\"`"),
            );
            return Type::Any;
        };
        // What is wrong with the expression was reported when it was read.
        let seen = checker.names.see(
            self.request.sources,
            node,
            0,
            expr,
            place,
            &mut Diagnostics::new(),
        );
        match seen.ty.as_ref().map(required) {
            Some(Type::List(element)) => (**element).clone(),
            None | Some(Type::Any) => Type::Any,
            Some(other) => {
                self.out.push(
                    Diagnostic::error(
                        Code::TypeMismatch,
                        format!("`for_each` goes through a list, and this is {other}"),
                    )
                    .label(node.span, "not a list"),
                );
                Type::Any
            }
        }
    }

    /// A cleanup that no spec says, because the action alone knows what it makes.
    fn undo(&self, undo: &Undo, owner: &StepPlan) -> StepPlan {
        StepPlan {
            id: StepId(format!("{}.cleanup[{}]", owner.id, owner.cleanup.len())),
            name: None,
            role: Role::Cleanup,
            action: undo.action,
            params: params::of_json(&undo.params, owner.span),
            output: Type::Any,
            after: Vec::new(),
            uses: Vec::new(),
            condition: None,
            for_each: None,
            background: false,
            during: Vec::new(),
            timeout: self.request.defaults.step_timeout,
            retry: None,
            poll: None,
            expect: Vec::new(),
            expect_failure: None,
            cleanup: Vec::new(),
            locks: Vec::new(),
            span: owner.span,
            place: owner.place.clone(),
        }
    }

    pub(super) fn cleanup(
        &mut self,
        step: &Step,
        i: usize,
        owner: &Item<'_>,
        place: &Place<'_>,
        checker: &Checker<'_>,
    ) -> Option<StepPlan> {
        let mut uses = BTreeSet::new();
        let condition = step.condition.as_ref().and_then(|node| {
            let (expr, used, _) = checker.condition(node, place, &mut self.out)?;
            uses.extend(used);
            Some(expr)
        });
        let params = self.params(step, place, checker, &mut uses);
        let item = Item {
            step,
            role: Role::Cleanup,
            id: format!("{}.cleanup[{i}]", owner.id),
        };
        let own = Place {
            dot: Some(self.own_output(step)),
            ..place.clone()
        };
        let mut plan = self.rest(step, &item, &own, checker)?;
        plan.output = self.own_output(step);
        plan.params = params;
        plan.condition = condition;
        plan.uses = uses.into_iter().collect();
        Some(plan)
    }
}

/// What is expected of a failure, in words.
fn failure_text(f: &crate::spec::ExpectFailure) -> String {
    let mut parts = Vec::new();
    if let Some(c) = f.class {
        parts.push(format!("class {}", c.word()));
    }
    if let Some(s) = f.status {
        parts.push(format!("status {s}"));
    }
    if let Some(c) = f.exit_code {
        parts.push(format!("exit code {c}"));
    }
    if let Some(r) = &f.reason {
        parts.push(format!("reason {r}"));
    }
    if let Some(m) = &f.message {
        parts.push(format!("message matches /{m}/"));
    }
    format!("fails with {}", parts.join(", "))
}
