//! Which specs run, and what the verbs that run nothing say of them.

use crate::support::specrun::{Project, spec};

fn project() -> Project {
    let project = Project::new();
    for (id, about) in [
        ("T01", "category: serving\ntags: [nightly, load]\n"),
        ("T02", "category: registry\ntags: [nightly]\n"),
        ("T03", "category: serving\nmatrix: {model: [iris, fraud]}\n"),
    ] {
        let body = if id == "T03" {
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [echo, \"${{ matrix.model }}\"]}\nexpect:\n  - a.stdout contains matrix.model\n"
        } else {
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [echo, hello]}\nexpect:\n  - a.exit_code == 0\n"
        };
        project.file(&format!("specs/{id}.yaml"), &spec(id, &format!("{about}{body}")));
    }
    project.file(
        "specrun.yaml",
        "specrun: 1\nspecs: [\"specs/*.yaml\"]\nprofiles:\n  nightly: {select: tag(nightly), jobs: 1}\n\
         matrix: {T01: One, T02: Two, T03: Three, T04: Four}\n",
    );
    project
}

fn ids(project: &Project, args: &[&str]) -> Vec<String> {
    let mut all = vec!["list", "--format", "json"];
    all.extend(args);
    let text = project.run(&all).code(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let specs = json["specs"].as_array().unwrap();
    specs
        .iter()
        .map(|s| s["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn selections_profiles_and_parts() {
    let project = project();
    let rows = ["T03[model=iris]", "T03[model=fraud]"];
    let all = ["T01", "T02", rows[0], rows[1]];
    assert_eq!(ids(&project, &[]), all);
    assert_eq!(ids(&project, &["specs/T02.yaml"]), ["T02"]);
    assert_eq!(
        ids(&project, &["-E", "tag(nightly) - category(registry)"]),
        ["T01"]
    );
    assert_eq!(ids(&project, &["-E", "T03"]), rows);
    assert_eq!(ids(&project, &["-E", "id(T03[model=fraud])"]), [rows[1]]);
    assert_eq!(ids(&project, &["--profile", "nightly"]), ["T01", "T02"]);
    assert_eq!(ids(&project, &["--profile", "nightly", "-E", "load"]), ["T01"]);
    let mut parts = ids(&project, &["--partition", "1/3"]);
    parts.extend(ids(&project, &["--partition", "2/3"]));
    parts.extend(ids(&project, &["--partition", "3/3"]));
    parts.sort();
    let mut want = all.map(str::to_owned);
    want.sort();
    assert_eq!(parts, want);
}

#[test]
fn words_that_fit_nothing_are_mistakes() {
    let project = project();
    for (args, code, hint) in [
        (&["list", "-E", "tag(nightli)"][..], "E0602", "nightly"),
        (
            &["list", "-E", "id(T03[model=frau])"],
            "E0602",
            "T03[model=fraud]",
        ),
        (&["list", "-E", "tag(nightly"], "E0601", ")"),
        (&["list", "--profile", "nightli"], "E0604", "nightly"),
        (&["list", "--env", "lab"], "E0603", "environment"),
    ] {
        let ran = project.run(args).code(3);
        assert!(ran.stderr.contains(code), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(hint), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn the_matrix_shows_rows_without_a_spec() {
    let project = project();
    let text = project.run(&["matrix"]).code(0).stdout;
    assert!(text.contains("| [T01](specs/T01.yaml) |"), "{text}");
    assert!(text.contains("| [T03 (×2)](specs/T03.yaml) |"), "{text}");
    assert!(text.contains("| T04 | Four |"), "{text}");
    assert!(text.contains("**no spec**"), "{text}");
    assert!(text.contains("3 of 4 rows have a spec."), "{text}");
    project.run(&["matrix", "--complete"]).code(4);
}

#[test]
fn plans_are_shown_in_four_forms() {
    let project = project();
    let text = project.run(&["plan", "-E", "T01"]).code(0).stdout;
    assert!(text.contains("exec.run"), "{text}");
    assert!(
        project
            .run(&["plan", "--format", "dot"])
            .code(0)
            .stdout
            .starts_with("digraph")
    );
    assert!(
        project
            .run(&["plan", "--format", "mermaid"])
            .code(0)
            .stdout
            .contains("flowchart")
    );
    let json = project.run(&["plan", "--format", "json"]).code(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["specs"].as_array().unwrap().len(), 4);
    assert_eq!(json["specs"][0]["steps"][0]["action"], "exec.run");
    let powers = project.run(&["plan", "--capabilities"]).code(0).stdout;
    assert!(powers.contains("--allow-exec"), "{powers}");
    assert!(!project.path().join(".specrun").exists(), "plan ran something");
}

#[test]
fn check_speaks_to_people_programs_and_github() {
    let project = project();
    let text = project.run(&["check"]).code(0).stdout;
    assert_eq!(text, "3 files, 4 specs, 4 checks: no mistakes\n");
    project.file("specs/bad.yaml", "specrun: 1\nid: bad\ntitle: x\nsteps: 3\n");
    let ran = project.run(&["check", "--format", "json"]).code(3);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["ok"], false);
    assert_eq!(json["exit_code"], 3);
    let all = json["diagnostics"].as_array().unwrap();
    let kind = all
        .iter()
        .find(|d| d["code"] == "E0203")
        .unwrap_or_else(|| panic!("{json:#}"));
    assert_eq!(kind["labels"][0]["file"], "specs/bad.yaml");
    assert_eq!(kind["labels"][0]["line"], 4);
    let ran = project.run(&["check", "--report", "github"]).code(3);
    assert!(
        ran.stdout.contains("::error file=specs/bad.yaml,line=4,"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_project_file_is_found_from_a_folder_below() {
    let project = project();
    let mut command = project.command(&["check"]);
    command.current_dir(project.path().join("specs"));
    let ran = crate::support::specrun::Running::start(command).wait().code(0);
    assert_eq!(ran.stdout, "3 files, 4 specs, 4 checks: no mistakes\n");
}
