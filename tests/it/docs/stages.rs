//! The page about stages: every spec it names is there, and the profile of its section selects it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value as Json;

use super::root;
use crate::support::specrun::{Project, Running};

/// The files of the specs that the project's profile selects.
fn selected(profile: &[&str]) -> BTreeSet<String> {
    let project = Project::new();
    let mut args = vec!["list", "--format", "json"];
    args.extend(profile);
    let mut command = project.command(&args);
    command.current_dir(root());
    let listed: Json = serde_json::from_str(&Running::start(command).wait().code(0).stdout).unwrap();
    let specs = listed["specs"].as_array().unwrap();
    specs
        .iter()
        .map(|s| s["file"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_spec_of_a_stage_is_selected_by_its_profile() {
    let page = fs::read_to_string(root().join("docs/guide/stages.md")).unwrap();
    let mut in_some = BTreeSet::new();
    for stage in ["per-commit", "nightly", "pre-prod"] {
        let section = page
            .split("\n## ")
            .find(|s| s.lines().next() == Some(stage))
            .unwrap_or_else(|| panic!("no section {stage}"));
        let named: BTreeSet<String> = section
            .split('`')
            .filter(|word| word.starts_with("specs/") || word.starts_with("examples/stages/"))
            .map(str::to_owned)
            .collect();
        assert!(named.len() >= 4, "{stage}: {named:?}");
        let selected = selected(&["--profile", stage]);
        let not: Vec<_> = named.difference(&selected).collect();
        assert!(not.is_empty(), "{stage} does not select {not:?}");
        in_some.extend(selected);
    }
    let all = selected(&[]);
    let never: Vec<_> = all.difference(&in_some).collect();
    assert!(never.is_empty(), "no profile selects {never:?}");
}
