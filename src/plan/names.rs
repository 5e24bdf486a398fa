//! Which names an expression may use where it stands, and the types they have.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::NodeIx;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::event::Role;
use crate::source::{Node, Sources, Span, locate};
use crate::value::expr::{Expr, Finding, FindingKind, TypeScope, check};
use crate::value::{Field, ObjectType, Type};

/// The names of one spec.
pub(super) struct Names {
    pub inputs: Type,
    pub matrix: Option<Type>,
    pub run: Type,
    /// Steps by id; only those that were given one.
    pub ids: HashMap<String, NodeIx>,
    pub steps: Vec<StepName>,
    /// Inputs and axes that some expression uses.
    pub used: RefCell<Used>,
}

/// What others see of a step.
pub(super) struct StepName {
    pub id: String,
    pub role: Role,
    /// As others see it: a list for `for_each`, optional with `if`.
    pub output: Type,
    /// Why nobody can see its output.
    pub hidden: Option<&'static str>,
}

#[derive(Default)]
pub(super) struct Used {
    pub inputs: HashSet<String>,
    pub matrix: HashSet<String>,
    pub all_inputs: bool,
    pub all_matrix: bool,
}

/// Where an expression stands.
#[derive(Clone, Default)]
pub(super) struct Place<'a> {
    /// The step it belongs to.
    pub step: Option<NodeIx>,
    /// The output of the step itself, where it may be used.
    pub own: Option<Type>,
    /// What a leading dot is, when that is not `own`.
    pub dot: Option<Type>,
    /// The element of `for_each`.
    pub element: Option<(&'a str, Type)>,
    /// Steps that were named under `needs`, so that they may stand later in the file.
    pub needs: &'a [NodeIx],
    /// All steps have ended: nothing is later.
    pub at_end: bool,
}

struct Scope<'a> {
    names: &'a Names,
    place: &'a Place<'a>,
}

impl TypeScope for Scope<'_> {
    fn type_of(&self, name: &str) -> Option<Type> {
        match name {
            "." => return self.place.dot.clone().or_else(|| self.place.own.clone()),
            "inputs" => return Some(self.names.inputs.clone()),
            "matrix" => return self.names.matrix.clone(),
            "run" => return Some(self.names.run.clone()),
            _ => {}
        }
        if let Some((element, ty)) = &self.place.element
            && *element == name
        {
            return Some(ty.clone());
        }
        let ix = *self.names.ids.get(name)?;
        if Some(ix) == self.place.step
            && let Some(own) = &self.place.own
        {
            return Some(own.clone());
        }
        Some(self.names.steps[ix].output.clone())
    }

    fn names(&self) -> Vec<String> {
        let mut all: Vec<String> = vec!["inputs".to_owned(), "run".to_owned()];
        if self.names.matrix.is_some() {
            all.push("matrix".to_owned());
        }
        all.extend(self.place.element.iter().map(|(n, _)| (*n).to_owned()));
        // In file order, so that messages do not change from run to run.
        all.extend(
            self.names
                .steps
                .iter()
                .filter(|s| self.names.ids.contains_key(&s.id))
                .map(|s| s.id.clone()),
        );
        all
    }
}

/// What an expression turned out to be.
pub(super) struct Seen {
    pub ty: Option<Type>,
    /// It looks at the output of the step it stands in.
    pub own: bool,
    /// Other steps it looks at.
    pub uses: BTreeSet<NodeIx>,
}

impl Names {
    pub fn run_type() -> Type {
        object([
            ("id", Type::String),
            ("prefix", Type::String),
            ("seed", Type::Int),
        ])
    }

    /// Types an expression whose text starts at `offset` of the scalar, and reports what is wrong with it.
    pub fn see(
        &self,
        sources: &Sources,
        scalar: &Node,
        offset: usize,
        expr: &Expr,
        place: &Place<'_>,
        out: &mut Diagnostics,
    ) -> Seen {
        let mut seen = Seen {
            ty: None,
            own: false,
            uses: BTreeSet::new(),
        };
        let at = |r: crate::value::expr::Range| locate(sources, scalar, offset + r.start..offset + r.end);
        let mut broken = false;
        for (path, range) in expr.paths() {
            let second = path.get(1);
            match path.first().map_or("", String::as_str) {
                "." => seen.own = true,
                "inputs" => {
                    let mut used = self.used.borrow_mut();
                    match second {
                        Some(name) if has(&self.inputs, name) => {
                            used.inputs.insert(name.clone());
                        }
                        Some(name) => {
                            broken = true;
                            // One of those that seem unused was probably meant.
                            used.all_inputs = true;
                            out.push(undeclared("input", name, &self.inputs, at(range)));
                        }
                        None => used.all_inputs = true,
                    }
                }
                "matrix" => {
                    let mut used = self.used.borrow_mut();
                    let Some(matrix) = &self.matrix else { continue };
                    match second {
                        Some(name) if has(matrix, name) => {
                            used.matrix.insert(name.clone());
                        }
                        Some(name) => {
                            broken = true;
                            used.all_matrix = true;
                            out.push(undeclared("axis", name, matrix, at(range)));
                        }
                        None => used.all_matrix = true,
                    }
                }
                name if place.element.as_ref().is_some_and(|(e, _)| *e == name) => {}
                name => {
                    let Some(&ix) = self.ids.get(name) else { continue };
                    if place.step == Some(ix) {
                        if place.own.is_some() {
                            seen.own = true;
                        } else {
                            broken = true;
                            out.push(own_output(name, at(range)));
                        }
                    } else if let Some(d) = self.unreachable(ix, place, at(range)) {
                        broken = true;
                        out.push(d);
                    } else {
                        seen.uses.insert(ix);
                    }
                }
            }
        }
        match check(expr, &Scope { names: self, place }) {
            Ok(ty) if !broken => seen.ty = Some(ty),
            Ok(_) => {}
            // A step that cannot be seen has been reported; its fields say nothing new.
            Err(_) if broken => {}
            Err(findings) => {
                for f in findings {
                    let span = at(f.at);
                    out.push(diagnostic(f, span));
                }
            }
        }
        seen
    }

    fn unreachable(&self, ix: NodeIx, place: &Place<'_>, span: Span) -> Option<Diagnostic> {
        let target = &self.steps[ix];
        let name = &target.id;
        let far = |why: &str| {
            Some(
                Diagnostic::error(Code::OutOfReach, format!("`{name}` cannot be used here: {why}"))
                    .label(span, "out of reach"),
            )
        };
        if let Some(why) = target.hidden {
            return far(why);
        }
        let own_role = place.step.map(|s| self.steps[s].role);
        if target.role == Role::OnFailure && own_role != Some(Role::OnFailure) {
            return far("steps of `on_failure` run only after a failure");
        }
        if own_role == Some(Role::Precondition) && target.role == Role::Step {
            return far("preconditions come before all steps");
        }
        let later = !place.at_end && place.step.is_some_and(|own| ix > own) && !place.needs.contains(&ix);
        later.then(|| {
            Diagnostic::error(
                Code::LaterStep,
                format!("step `{name}` comes later, so it has no output yet"),
            )
            .label(span, "not known here")
            .help(format!("move `{name}` up, or say `needs: [{name}]`"))
        })
    }
}

fn has(object: &Type, name: &str) -> bool {
    fields(object).any(|f| f == name)
}

fn fields(object: &Type) -> impl Iterator<Item = &str> + Clone {
    let fields = match object {
        Type::Object(o) => o.fields.as_slice(),
        _ => &[],
    };
    fields.iter().map(|f| f.name.as_str())
}

fn undeclared(what: &str, name: &str, known: &Type, span: Span) -> Diagnostic {
    let help = if fields(known).next().is_some() {
        did_you_mean(name, fields(known))
    } else {
        Some(format!("declare it: `inputs: {{{name}: {{type: string}}}}`"))
    };
    Diagnostic::error(Code::UnknownName, format!("there is no {what} `{name}`"))
        .label(span, format!("unknown {what}"))
        .maybe_help(help)
}

fn own_output(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        Code::OwnOutput,
        format!("step `{name}` uses its own output before it has acted"),
    )
    .label(span, "not there yet")
}

/// A finding of the type checker with its code.
pub(super) fn diagnostic(finding: Finding, span: Span) -> Diagnostic {
    let (code, label) = match finding.kind {
        FindingKind::UnknownName => (Code::UnknownName, "unknown name"),
        FindingKind::UnknownField => (Code::UnknownField, "unknown field"),
        FindingKind::UnknownFunction => (Code::UnknownFunction, "unknown function"),
        FindingKind::WrongArguments => (Code::WrongArguments, "does not fit"),
        FindingKind::Dimension => (Code::Dimension, "does not fit"),
        FindingKind::Type => (Code::TypeMismatch, "does not fit"),
        FindingKind::Constant => (Code::ConstantCheck, "never changes"),
        FindingKind::Secret => (Code::SecretShown, "a secret"),
    };
    Diagnostic::error(code, finding.message)
        .label(span, label)
        .maybe_help(finding.help)
}

/// An object type without descriptions.
pub(super) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Type)>) -> Type {
    Type::Object(Arc::new(ObjectType {
        fields: fields
            .into_iter()
            .map(|(name, ty)| Field {
                name: name.to_owned(),
                ty,
                description: None,
            })
            .collect(),
    }))
}

/// A name under `needs` or `during` that is no step.
pub(super) fn unknown_step<'a>(
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    Diagnostic::error(Code::UnknownStep, format!("there is no step `{name}`"))
        .label(span, "unknown step")
        .maybe_help(did_you_mean(name, known))
}
