//! Which of the specs: the profile's selection and the one of the command line; both must take a spec.

use std::sync::Arc;

use crate::cli::options::Scope;
use crate::diag::Diagnostics;
use crate::plan::SpecPlan;
use crate::source::Sources;
use crate::spec::{Facts, Profile, Selection, Spec};

/// The selections that hold.
pub(super) struct Chosen(Vec<Selection>);

/// Reads them.
pub(super) fn read(
    scope: &Scope,
    profile: Option<&Profile>,
    sources: &Sources,
    out: &mut Diagnostics,
) -> Chosen {
    let mut all = Vec::new();
    let mut add = |name: String, text: &str| {
        let source = sources.add(name, text);
        all.extend(Selection::read(text, source, out));
    };
    if let Some(profile) = profile
        && let Some(select) = &profile.select
    {
        add(format!("profile {}: select", profile.name.value), &select.value);
    }
    if let Some(select) = &scope.select {
        add("-E".to_owned(), select);
    }
    Chosen(all)
}

impl Chosen {
    /// The specs that are selected, or may have a row that is.
    pub(super) fn specs(&self, specs: Vec<Spec>, out: &mut Diagnostics) -> Vec<Spec> {
        if self.0.is_empty() {
            return specs;
        }
        let tags: Vec<Vec<String>> = specs
            .iter()
            .map(|s| s.tags.iter().map(|t| t.value.clone()).collect())
            .collect();
        let facts: Vec<Facts> = specs
            .iter()
            .zip(&tags)
            .map(|(spec, tags)| Facts {
                id: &spec.id.value,
                category: spec.category.as_ref().map(|c| c.value.as_str()),
                tags,
                severity: spec.severity,
                expanded: spec.matrix.is_empty(),
            })
            .collect();
        let takes: Vec<bool> = facts.iter().map(|f| self.takes(f)).collect();
        // When files are broken their ids and tags are not known; then nothing can be said of unknown words.
        if !out.has_errors() {
            for selection in &self.0 {
                selection.unknown(&facts, out);
            }
        }
        let mut takes = takes.into_iter();
        let mut specs = specs;
        specs.retain(|_| takes.next().unwrap_or(false));
        specs
    }

    /// Leaves the rows that are selected.
    pub(super) fn rows(&self, rows: &mut Vec<Arc<SpecPlan>>, out: &mut Diagnostics) {
        if self.0.is_empty() {
            return;
        }
        let facts: Vec<Facts> = rows.iter().map(|row| of_row(row)).collect();
        let takes: Vec<bool> = facts.iter().map(|f| self.takes(f)).collect();
        for selection in &self.0 {
            selection.unknown_rows(&facts, out);
        }
        let mut takes = takes.into_iter();
        rows.retain(|_| takes.next().unwrap_or(false));
    }

    fn takes(&self, facts: &Facts) -> bool {
        self.0.iter().all(|selection| selection.takes(facts))
    }
}

fn of_row(row: &SpecPlan) -> Facts<'_> {
    Facts {
        id: row.id.as_str(),
        category: row.category.as_deref(),
        tags: &row.tags,
        severity: row.severity,
        expanded: true,
    }
}
