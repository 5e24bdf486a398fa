//! The table of actions and the folders agree; every action has its example, and every parameter its manual.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use specrun::actions::REGISTRY;

use crate::support::specrun::Project;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn registered() -> BTreeSet<String> {
    REGISTRY.names().map(str::to_owned).collect()
}

#[test]
fn every_action_has_a_file_of_its_name() {
    for name in registered() {
        let (family, verb) = name.split_once('.').unwrap();
        let file = root().join(format!("src/actions/{family}/{verb}.rs"));
        assert!(file.is_file(), "{name} is not in {}", file.display());
    }
    let mut last = "";
    for family in REGISTRY.families() {
        assert!(
            last < family.name,
            "families are not in alphabetical order at {}",
            family.name
        );
        last = family.name;
        let names: Vec<&str> = family.actions.iter().map(|a| a.name()).collect();
        assert!(
            names.is_sorted(),
            "{} is not in alphabetical order: {names:?}",
            family.name
        );
        assert!(!family.about.is_empty(), "{} is not described", family.name);
        for name in names {
            assert!(
                name.starts_with(&format!("{}.", family.name)),
                "{name} stands in {}",
                family.name
            );
        }
    }
}

#[test]
fn every_action_has_an_example_and_every_example_an_action() {
    let mut examples = BTreeSet::new();
    for entry in fs::read_dir(root().join("examples/actions")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.contains(&format!("{name}:")),
                "{} does not use {name}",
                path.display()
            );
            examples.insert(name);
        }
    }
    assert_eq!(examples, registered());
    let project = Project::new();
    let all = root().join("examples/actions").display().to_string();
    project.run(&["check", &all]).code(0);
}

#[test]
fn every_parameter_and_output_has_its_manual() {
    let mut silent = Vec::new();
    for action in REGISTRY.families().iter().flat_map(|f| f.actions) {
        for (what, schema) in [
            ("parameters", Value::from(action.params_schema())),
            ("output", Value::from(action.output_schema())),
        ] {
            let about = schema["description"].as_str().unwrap_or_default();
            if about.is_empty() {
                silent.push(format!("{}: {what}", action.name()));
            }
            fields(&schema, &format!("{}: {what}", action.name()), &mut silent);
        }
    }
    assert!(
        silent.is_empty(),
        "without a description:\n  {}",
        silent.join("\n  ")
    );
}

/// Every property at every depth.
fn fields(schema: &Value, place: &str, silent: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("x-type") {
                return;
            }
            for (key, value) in map {
                if key == "properties" {
                    for (name, property) in value.as_object().into_iter().flatten() {
                        // One key of several alternatives is described with its alternative.
                        let alone = property.is_object() && value.as_object().is_some_and(|o| o.len() == 1);
                        let described = |s: &Value| s["description"].as_str().is_some_and(|d| !d.is_empty());
                        if !(described(property) || alone && described(schema)) {
                            silent.push(format!("{place}: {name}"));
                        }
                    }
                }
                fields(value, &format!("{place}/{key}"), silent);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, place, silent)),
        _ => {}
    }
}

/// The published schema takes every spec of this repository, so an editor shows no mistake where there is none.
#[test]
fn the_editor_schema_takes_every_spec() {
    let schema = specrun::cli::schemas::spec(&REGISTRY);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut count = 0;
    for folder in ["specs", "examples/actions", "examples/quickstart"] {
        for entry in walkdir::WalkDir::new(root().join(folder)) {
            let path = entry.unwrap().into_path();
            let spec = path.extension().is_some_and(|e| e == "yaml");
            if !spec {
                continue;
            }
            let sources = specrun::source::Sources::new();
            let id = sources.add(&path, fs::read_to_string(&path).unwrap());
            let json = specrun::source::read(&sources, id).unwrap().to_json();
            let wrong: Vec<String> = validator
                .iter_errors(&json)
                .map(|e| format!("{} at {}", e, e.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{}: {}", path.display(), wrong.join("; "));
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} specs were found");
}

#[test]
fn the_editor_schema_points_at_mistakes() {
    let schema = specrun::cli::schemas::spec(&REGISTRY);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let spec = |step: Value| serde_json::json!({ "specrun": 1, "id": "A", "title": "a", "steps": [step], "expect": ["a.status == 200"] });
    let good = spec(serde_json::json!({ "id": "a", "http.request": { "url": "http://x" } }));
    assert!(validator.is_valid(&good));
    for step in [
        serde_json::json!({ "id": "a", "http.requst": { "url": "http://x" } }),
        serde_json::json!({ "id": "a", "http.request": { "ulr": "http://x" } }),
        serde_json::json!({ "id": "a", "http.request": { "url": "http://x" }, "expct": [] }),
        serde_json::json!({ "id": "a", "http.request": { "url": "http://x" }, "exec.run": { "argv": ["x"] } }),
        serde_json::json!({ "id": "a", "http.request": { "url": "http://x" }, "timeout": 5 }),
        serde_json::json!({ "id": "a" }),
    ] {
        assert!(!validator.is_valid(&spec(step.clone())), "{step}");
    }
}
