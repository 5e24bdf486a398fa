//! The names an expression may use, with their values.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::engine::run::Run;
use crate::plan::{SpecPlan, StepPlan};
use crate::value::expr::Scope;
use crate::value::{SpecId, Value};

/// The names of a spec: `inputs`, `matrix`, `run`, and the outputs of its steps as they come.
pub(super) struct Names<'a> {
    fixed: [(&'static str, Value); 3],
    prefix: String,
    steps: HashMap<&'a str, usize>,
    outputs: Mutex<Vec<Option<Value>>>,
}

/// What one step sees besides.
#[derive(Clone, Copy, Default)]
pub(super) struct Local<'a> {
    /// The `for_each` name with its element.
    pub(super) item: Option<(&'a str, &'a Value)>,
    /// The step's id and its own output, once it has one.
    pub(super) own: Option<(&'a str, &'a Value)>,
}

/// Both together.
pub(super) struct View<'a> {
    names: &'a Names<'a>,
    local: Local<'a>,
}

impl<'a> Names<'a> {
    pub(super) fn new(run: &Run, spec: &'a SpecPlan, attempt: u32) -> Self {
        let id = run.options.run_dir.id();
        let prefix = id.prefix(&spec.id, attempt);
        let object = |pairs: Vec<(String, Value)>| Value::Object(pairs);
        let inputs = spec
            .inputs
            .iter()
            .map(|i| (i.name.clone(), i.value.clone()))
            .collect();
        let of_run = vec![
            ("id".to_owned(), Value::String(id.0.clone())),
            ("prefix".to_owned(), Value::String(prefix.clone())),
            (
                "seed".to_owned(),
                Value::Int(i64::try_from(run.options.seed).unwrap_or(i64::MAX)),
            ),
        ];
        Self {
            fixed: [
                ("inputs", object(inputs)),
                ("matrix", object(spec.matrix.clone())),
                ("run", object(of_run)),
            ],
            prefix,
            steps: spec
                .steps
                .iter()
                .enumerate()
                .map(|(ix, s)| (s.id.as_str(), ix))
                .collect(),
            outputs: Mutex::new(vec![None; spec.steps.len()]),
        }
    }

    /// What names of created objects start with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Makes the output of a step known to the others.
    pub(super) fn set(&self, step: &StepPlan, value: Value) {
        if let Some(&ix) = self.steps.get(step.id.as_str()) {
            self.outputs.lock().unwrap_or_else(PoisonError::into_inner)[ix] = Some(value);
        }
    }

    pub(super) fn view(&'a self, local: Local<'a>) -> View<'a> {
        View { names: self, local }
    }
}

impl Scope for View<'_> {
    fn value_of(&self, name: &str) -> Option<Value> {
        if let Some((own, value)) = self.local.own
            && (name == "." || name == own)
        {
            return Some(value.clone());
        }
        if let Some((item, value)) = self.local.item
            && name == item
        {
            return Some(value.clone());
        }
        if let Some((_, value)) = self.names.fixed.iter().find(|(n, _)| *n == name) {
            return Some(value.clone());
        }
        let ix = *self.names.steps.get(name)?;
        self.names.outputs.lock().unwrap_or_else(PoisonError::into_inner)[ix].clone()
    }

    fn is_output(&self, name: &str) -> bool {
        match name {
            "." => self.local.own.is_some(),
            name => self.names.steps.contains_key(name),
        }
    }
}

/// A seed for one step, from the seed of the run.
pub(super) fn seed_of(run_seed: u64, spec: &SpecId, step: &str) -> u64 {
    let hash = Sha256::digest(format!("{run_seed}\0{}\0{step}", spec.0));
    hash.iter().take(8).fold(0, |n, b| (n << 8) | u64::from(*b))
}
