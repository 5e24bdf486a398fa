//! Specs to a plan.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::catalog::{Catalog, Facts};
use super::checks::{Checker, file_place};
use super::graph::{self, Wants};
use super::inputs::{self, Given};
use super::names::{Names, Place, StepName, Used, object, unknown_step};
use super::params::{self, required};
use super::{
    CheckPlan, ExpectFailure, ForEach, NodeIx, Params, Plan, Poll, SpecPlan, StepPlan, ToolNeed, matrix,
    needs,
};
use crate::action::Registry;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::event::{CheckInfo, Role, Severity};
use crate::source::{Node, Sources, Span, Spanned};
use crate::spec::{Spec, SpecDefaults, Step};
use crate::value::{Interpolated, SpecId, StepId, Type};

/// What shall be compiled, and with which values.
pub struct Request<'a> {
    pub sources: &'a Sources,
    pub registry: &'a Registry,
    /// The selected specs, in the order in which they shall run.
    pub specs: &'a [Spec],
    pub given: Given<'a>,
    pub defaults: SpecDefaults,
}

/// Compiles specs; there is a plan only when nothing is wrong. Warnings may come with a plan.
#[must_use]
pub fn compile(request: &Request<'_>) -> (Option<Plan>, Vec<Diagnostic>) {
    let mut out = Diagnostics::new();
    let mut catalog = Catalog::default();
    let mut specs = Vec::with_capacity(request.specs.len());
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for spec in request.specs {
        if let Some(first) = seen.insert(&spec.id.value, spec.id.span) {
            out.push(
                Diagnostic::error(
                    Code::DuplicateSpec,
                    format!("two specs are called `{}`", spec.id.value),
                )
                .label(spec.id.span, "again")
                .label(first, "first here"),
            );
        }
        let mut compiler = Compiler {
            request,
            catalog: &mut catalog,
            spec,
            out: Diagnostics::new(),
        };
        let template = compiler.spec();
        let found = compiler.out;
        if !found.has_errors()
            && let Some(template) = template
        {
            specs.extend(matrix::rows(template, &spec.matrix).into_iter().map(|mut row| {
                row.capabilities = needs::of(&row, spec);
                Arc::new(row)
            }));
        }
        out.extend(found.sorted());
    }
    given_names(request, &mut out);
    let plan = (!out.has_errors()).then(|| Plan {
        sources: request.sources.clone(),
        specs,
    });
    (plan, out.sorted())
}

/// Names that were given and that no spec has.
fn given_names(request: &Request<'_>, out: &mut Diagnostics) {
    let known: HashSet<&str> = request
        .specs
        .iter()
        .flat_map(|s| &s.inputs)
        .map(|i| i.name.value.as_str())
        .collect();
    for (name, _) in request.given.set {
        if !known.contains(name.as_str()) {
            let mut names: Vec<&str> = known.iter().copied().collect();
            names.sort_unstable();
            out.push(
                Diagnostic::error(
                    Code::UnknownInput,
                    format!("`--set {name}`: no selected spec has this input"),
                )
                .maybe_help(did_you_mean(name, names)),
            );
        }
    }
    for (name, _) in request.given.environment.iter().flat_map(|e| &e.inputs) {
        if !known.contains(name.value.as_str()) {
            out.push(
                Diagnostic::warning(
                    Code::UnusedSetting,
                    format!("no selected spec has an input `{}`", name.value),
                )
                .label(name.span, "sets nothing"),
            );
        }
    }
}

struct Compiler<'a> {
    request: &'a Request<'a>,
    catalog: &'a mut Catalog,
    spec: &'a Spec,
    out: Diagnostics,
}

/// A step of the file with what belongs to its place.
struct Item<'a> {
    step: &'a Step,
    role: Role,
    id: String,
}

impl Compiler<'_> {
    /// The plan of the spec without its matrix row.
    fn spec(&mut self) -> Option<SpecPlan> {
        let spec = self.spec;
        let sources = self.request.sources;
        let values: Vec<_> = spec
            .inputs
            .iter()
            .map(|i| inputs::resolve(i, &self.request.given, &mut self.out))
            .collect();
        let items = items(spec);
        let names = self.names(&items);
        let checker = Checker {
            sources,
            names: &names,
            confidence: spec.confidence.unwrap_or(self.request.defaults.confidence),
        };

        let needs: Vec<Option<Vec<NodeIx>>> = items
            .iter()
            .enumerate()
            .map(|(ix, item)| {
                let list = item.step.needs.as_ref()?;
                Some(self.indices(&list.value, ix, &items, &names))
            })
            .collect();
        let mut steps = Vec::with_capacity(items.len());
        for (ix, item) in items.iter().enumerate() {
            let needs = needs[ix].as_deref().unwrap_or(&[]);
            steps.push(self.step(ix, item, &items, needs, &checker));
        }
        // Without its action nothing more can be said of a step, and that was reported.
        let mut steps: Vec<StepPlan> = steps.into_iter().collect::<Option<_>>()?;
        let wants: Vec<Wants> = items
            .iter()
            .zip(&steps)
            .zip(needs)
            .map(|((item, step), needs)| Wants {
                role: item.role,
                background: item.step.background,
                needs,
                uses: step.uses.clone(),
            })
            .collect();
        let order = graph::order(&wants);
        if let Some(circle) = graph::cycle(&order) {
            self.circle(&circle, &items);
        }
        for (step, after) in steps.iter_mut().zip(order) {
            step.after = after;
        }
        self.contradictions(&items, &steps);

        let at_end = Place {
            at_end: true,
            ..Place::default()
        };
        let expect: Vec<CheckPlan> = spec
            .expect
            .iter()
            .enumerate()
            .filter_map(|(i, c)| checker.check(c, format!("expect[{i}]"), &at_end, &mut self.out))
            .collect();
        self.expectations(&steps);
        self.unused(&names);
        let tools = self.tools(&items);
        super::power::warn(&steps, &expect, &mut self.out);

        Some(SpecPlan {
            id: SpecId(spec.id.value.clone()),
            title: spec.title.value.clone(),
            description: spec.description.as_ref().map(|d| d.value.clone()),
            category: spec.category.as_ref().map(|c| c.value.clone()),
            tags: spec.tags.iter().map(|t| t.value.clone()).collect(),
            severity: spec.severity,
            place: file_place(sources, spec.id.span),
            digest: hex(&Sha256::digest(sources.text(spec.source).as_bytes())),
            base_dir: spec
                .file
                .parent()
                .map(std::path::Path::to_path_buf)
                .unwrap_or_default(),
            tools,
            locks: spec.locks.iter().map(|l| l.value.clone()).collect(),
            timeout: spec.timeout.unwrap_or(self.request.defaults.spec_timeout),
            inputs: values,
            matrix: Vec::new(),
            steps,
            expect,
            capabilities: Vec::new(),
        })
    }

    fn names(&mut self, items: &[Item<'_>]) -> Names {
        let mut ids: HashMap<String, NodeIx> = HashMap::new();
        for (ix, item) in items.iter().enumerate() {
            let Some(id) = &item.step.id else { continue };
            if let Some(&first) = ids.get(&id.value) {
                let mut d = Diagnostic::error(
                    Code::DuplicateStep,
                    format!("two steps are called `{}`", id.value),
                )
                .label(id.span, "again");
                if let Some(first) = &items[first].step.id {
                    d = d.label(first.span, "first here");
                }
                self.out.push(d);
            } else {
                ids.insert(id.value.clone(), ix);
            }
        }
        let steps = items
            .iter()
            .map(|item| StepName {
                id: item.id.clone(),
                role: item.role,
                output: self.seen_output(item.step),
                hidden: item
                    .step
                    .expect_failure
                    .is_some()
                    .then_some("it is expected to fail, so it has no output"),
            })
            .collect();
        let spec = self.spec;
        Names {
            inputs: object(
                spec.inputs
                    .iter()
                    .map(|i| (i.name.value.as_str(), inputs::type_of(i))),
            ),
            matrix: (!spec.matrix.is_empty()).then(|| {
                object(
                    spec.matrix
                        .iter()
                        .map(|(name, values)| (name.value.as_str(), matrix::axis_type(values))),
                )
            }),
            run: Names::run_type(),
            ids,
            steps,
            used: RefCell::new(Used::default()),
        }
    }

    fn own_output(&mut self, step: &Step) -> Type {
        step.action
            .as_ref()
            .map_or(Type::Any, |a| self.catalog.of(a.value).output.clone())
    }

    fn seen_output(&mut self, step: &Step) -> Type {
        let mut ty = self.own_output(step);
        if step.for_each.is_some() {
            ty = Type::List(Box::new(ty));
        }
        if step.condition.is_some() {
            ty = Type::Optional(Box::new(ty));
        }
        ty
    }

    /// The steps that names under `needs` or `during` mean.
    fn indices(
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

    fn step(
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
        Some(plan)
    }

    /// Everything of a step but its parameters and its place among others.
    fn rest(
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
                .and_then(|c| checker.check(c, format!("{id}.eventually"), after, &mut self.out)),
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

    fn params(
        &mut self,
        step: &Step,
        place: &Place<'_>,
        checker: &Checker<'_>,
        uses: &mut BTreeSet<NodeIx>,
    ) -> Params {
        let Some(action) = &step.action else {
            return Params::Literal(serde_json::Value::Null);
        };
        let facts: std::rc::Rc<Facts> = self.catalog.of(action.value);
        let mut reader = params::Reader {
            sources: self.request.sources,
            names: checker.names,
            place,
            out: &mut self.out,
            uses: BTreeSet::new(),
        };
        let params = reader.action(action.value, &facts, &step.params, action.span);
        uses.extend(reader.uses);
        params
    }

    /// The items of `for_each`, the type of one, and the steps they come from.
    fn elements(
        &mut self,
        node: &Node,
        place: &Place<'_>,
        checker: &Checker<'_>,
    ) -> (Params, Type, BTreeSet<NodeIx>) {
        let mut reader = params::Reader {
            sources: self.request.sources,
            names: checker.names,
            place,
            out: &mut self.out,
            uses: BTreeSet::new(),
        };
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

    fn element_type(
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

    fn cleanup(
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

    fn circle(&mut self, circle: &[NodeIx], items: &[Item<'_>]) {
        let names: Vec<&str> = circle
            .iter()
            .chain(circle.first())
            .map(|ix| items[*ix].id.as_str())
            .collect();
        let mut d = Diagnostic::error(
            Code::Cycle,
            format!("steps wait in a circle: {}", names.join(" -> ")),
        );
        for (i, ix) in circle.iter().enumerate().take(6) {
            let item = &items[*ix];
            let span = item
                .step
                .needs
                .as_ref()
                .map_or(item.step.span, |n| n.value.first().map_or(n.span, |s| s.span));
            d = d.label(span, format!("`{}` waits for `{}`", item.id, names[i + 1]));
        }
        self.out
            .push(d.help("a step without `needs` waits for all before it in the file; give it `needs: []` if it should not"));
    }

    /// Steps that wait for the end of what they should run beside.
    fn contradictions(&mut self, items: &[Item<'_>], steps: &[StepPlan]) {
        for (item, step) in items.iter().zip(steps) {
            for (name, ix) in item.step.during.iter().zip(&step.during) {
                if step.after.binary_search(ix).is_ok() {
                    self.out.push(
                        Diagnostic::error(
                            Code::KeysDoNotFit,
                            format!(
                                "step `{}` runs during `{}` and waits for its end",
                                item.id, name.value
                            ),
                        )
                        .label(name.span, "still running then")
                        .help("take its output in `expect` of the spec, or in a later step"),
                    );
                }
            }
        }
    }

    fn expectations(&mut self, steps: &[StepPlan]) {
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
        if !any {
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

    fn unused(&mut self, names: &Names) {
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

    fn tools(&mut self, items: &[Item<'_>]) -> Vec<ToolNeed> {
        let spec = self.spec;
        let registry = self.request.registry;
        let mut used: Vec<(&str, Span)> = Vec::new();
        for step in items
            .iter()
            .map(|i| i.step)
            .flat_map(|s| std::iter::once(s).chain(&s.cleanup))
        {
            let Some(action) = &step.action else { continue };
            let family = action.value.name().split('.').next().unwrap_or_default();
            if !used.iter().any(|(f, _)| *f == family) {
                used.push((family, action.span));
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
            })
            .collect()
    }
}

/// All steps in order, each with an id.
fn items(spec: &Spec) -> Vec<Item<'_>> {
    let groups = [
        (&spec.preconditions, Role::Precondition, "precondition"),
        (&spec.steps, Role::Step, "step"),
        (&spec.on_failure, Role::OnFailure, "on_failure"),
    ];
    let mut items = Vec::new();
    for (group, role, word) in groups {
        for (i, step) in group.iter().enumerate() {
            // A dash: no name in a file can be the same.
            let id = step
                .id
                .as_ref()
                .map_or_else(|| format!("{word}-{}", i + 1), |id| id.value.clone());
            items.push(Item { step, role, id });
        }
    }
    items
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

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
            use std::fmt::Write as _;
            let _ = write!(s, "{b:02x}");
            s
        })
}
