//! Specs to a plan.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::catalog::Catalog;
use super::checks::{Checker, file_place};
use super::graph::{self, Wants};
use super::inputs::{self, Given};
use super::names::{Names, Place, StepName, Used, object};
use super::{CheckPlan, NodeIx, Plan, SpecPlan, StepPlan, matrix, needs};
use crate::action::Registry;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::event::Role;
use crate::source::{Sources, Span};
use crate::spec::{Spec, SpecDefaults, Step};
use crate::value::{SpecId, Type};

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
                if let Some(environment) = request.given.environment {
                    let services = environment.services_for(&needs::uses(&row));
                    row.services = services.into_iter().collect();
                }
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

pub(super) struct Compiler<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) catalog: &'a mut Catalog,
    pub(super) spec: &'a Spec,
    pub(super) out: Diagnostics,
}

/// A step of the file with what belongs to its place.
pub(super) struct Item<'a> {
    pub step: &'a Step,
    pub role: Role,
    pub id: String,
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
        if spec.steps.is_empty() {
            // That was reported, and all the rest would follow from it.
            return None;
        }
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
            services: Vec::new(),
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

    pub(super) fn own_output(&mut self, step: &Step) -> Type {
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

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
            use std::fmt::Write as _;
            let _ = write!(s, "{b:02x}");
            s
        })
}
