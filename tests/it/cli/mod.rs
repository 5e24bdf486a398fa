//! The command line as a user meets it: verbs, exit codes, what goes to which output.

mod exits;
mod given;
mod import;
mod recorded;
mod selected;
mod signals;

use crate::support::specrun::Project;

#[test]
fn without_words_it_says_how_to_use_it() {
    let ran = Project::new().run(&[]).code(2);
    assert!(ran.stderr.contains("Usage: specrun"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn help_and_version_are_answers() {
    let project = Project::new();
    let version = project.run(&["--version"]).code(0);
    assert_eq!(version.stdout, format!("specrun {}\n", env!("CARGO_PKG_VERSION")));
    let help = project.run(&["--help"]).code(0);
    assert!(help.stdout.contains("explain"), "{}", help.stdout);
}

#[test]
fn explain_knows_codes_and_suggests() {
    let project = Project::new();
    let code = project.run(&["explain", "e0102"]).code(0);
    assert!(code.stdout.contains("## E0102: duplicate key"), "{}", code.stdout);
    let exits = project.run(&["explain", "exit"]).code(0);
    assert!(exits.stdout.contains("| 77 |"), "{}", exits.stdout);
    let wrong = project.run(&["explain", "E9999"]).code(2);
    assert_eq!(wrong.stdout, "");
    assert!(
        wrong.stderr.contains("nothing is called `E9999`"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn schema_prints_json() {
    let project = Project::new();
    let listed = project.run(&["schema"]).code(0);
    assert!(listed.stdout.contains("spec "), "{}", listed.stdout);
    for name in ["spec", "environment", "project", "event"] {
        let text = project.run(&["schema", name]).code(0).stdout;
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{name} is no JSON Schema");
        assert!(schema["properties"].is_object(), "{name}: {schema}");
    }
    project.run(&["schema", "specc"]).code(2);
}

#[test]
fn new_writes_a_spec_and_never_over_a_file() {
    let project = Project::new();
    project.file("schemas/spec.schema.json", "{}");
    project
        .run(&["new", "specs/serving/T21_answers_in_time.yaml"])
        .code(0);
    let text = project.read("specs/serving/T21_answers_in_time.yaml");
    assert!(
        text.starts_with("# yaml-language-server: $schema=../../schemas/spec.schema.json\n"),
        "{text}"
    );
    for line in ["id: T21", "title: answers in time", "category: serving"] {
        assert!(text.contains(line), "{text}");
    }
    project.file("specs/mine.yaml", "mine");
    let ran = project.run(&["new", "specs/mine.yaml"]).code(2);
    assert!(ran.stderr.contains("writing specs/mine.yaml"), "{}", ran.stderr);
    assert_eq!(project.read("specs/mine.yaml"), "mine");
}
