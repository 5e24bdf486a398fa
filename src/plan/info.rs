//! What events say of a spec before it runs.

use super::{SpecPlan, StepPlan};
use crate::event::{CheckInfo, InputInfo, Role, SpecInfo};
use crate::value::StepId;

impl SpecPlan {
    /// The spec as the first event of a run announces it; secrets are `***`.
    #[must_use]
    pub fn info(&self) -> SpecInfo {
        SpecInfo {
            id: self.id.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            category: self.category.clone(),
            tags: self.tags.clone(),
            severity: self.severity,
            place: self.place.clone(),
            inputs: self
                .inputs
                .iter()
                .map(|input| InputInfo {
                    name: input.name.clone(),
                    value: input.value.to_json(),
                })
                .collect(),
            checks: self.check_infos().into_iter().cloned().collect(),
            steps: self
                .counted_steps()
                .map(|s| s.id.clone())
                .collect::<Vec<StepId>>(),
            digest: self.digest.clone(),
        }
    }

    /// Every check that must have a verdict at the end, in file order: those of preconditions and steps, then the
    /// spec's own. Diagnostics and cleanup run only sometimes, so theirs are not among them.
    #[must_use]
    pub fn check_infos(&self) -> Vec<&CheckInfo> {
        let mut all: Vec<&CheckInfo> = Vec::new();
        for step in self.counted_steps() {
            all.extend(step.expect.iter().map(|c| &c.info));
            if let Some(poll) = &step.poll {
                all.extend(poll.until.as_ref().map(|c| &c.info));
            }
            all.extend(step.expect_failure.as_ref().map(|e| &e.info));
        }
        all.extend(self.expect.iter().map(|c| &c.info));
        all
    }

    fn counted_steps(&self) -> impl Iterator<Item = &StepPlan> {
        self.steps.iter().filter(|s| match s.role {
            Role::Precondition | Role::Step => true,
            Role::OnFailure | Role::Cleanup => false,
        })
    }
}
