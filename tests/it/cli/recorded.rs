//! Recorded runs: reports made again, what did not pass run again.

use crate::support::specrun::{Project, spec};

fn project() -> Project {
    let project = Project::new();
    for (id, word) in [("A", "hello"), ("B", "bye"), ("C", "hello")] {
        project.file(
            &format!("specs/{id}.yaml"),
            &spec(
                id,
                &format!("tools: [exec]\nsteps:\n  - id: a\n    exec.run: {{argv: [cat, word.txt]}}\nexpect:\n  - a.stdout contains \"{word}\"\n"),
            ),
        );
    }
    project.file("specs/word.txt", "hello");
    project
}

#[test]
fn a_report_made_later_is_the_one_of_the_run() {
    let project = project();
    project
        .run(&[
            "specs",
            "-j",
            "1",
            "--report",
            "json=a.json",
            "--report",
            "junit=a.xml",
        ])
        .code(1);
    project
        .run(&[
            "report",
            "last",
            "--report",
            "json=b.json",
            "--report",
            "junit=b.xml",
        ])
        .code(0);
    assert_eq!(project.read("a.json"), project.read("b.json"));
    assert_eq!(project.read("a.xml"), project.read("b.xml"));
    let shown = project.run(&["report"]).code(0).stdout;
    assert!(shown.contains("1 failed"), "{shown}");
    let json = project
        .run(&["report", "last", "--format", "json"])
        .code(0)
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["specs"].as_array().unwrap().len(), 3);
    let ran = project.run(&["report", "20200101-000000-0000"]).code(2);
    assert!(ran.stderr.contains("no run"), "{}", ran.stderr);
}

#[test]
fn a_report_on_stdout_has_it_for_itself() {
    let project = project();
    let ran = project.run(&["specs", "--report", "json"]).code(1);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["specs"].as_array().unwrap().len(), 3);
    assert!(ran.stderr.contains("1 failed"), "{}", ran.stderr);
}

#[test]
fn rerun_takes_what_did_not_pass_with_the_options_of_the_run() {
    let project = project();
    project.run(&["specs", "--report", "json=r.json"]).code(1);
    project.file("specs/word.txt", "bye");
    let ran = project.run(&["rerun"]).code(0);
    assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
    let json: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
    let ids: Vec<&str> = json["specs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["B"]);
    project.run(&["rerun"]).code(4);
}

#[test]
fn changed_checks_are_replayed_on_what_was_recorded() {
    let project = project();
    project.run(&["specs"]).code(1);
    let count = || {
        std::fs::read_dir(project.path().join(".specrun/runs"))
            .unwrap()
            .count()
    };
    assert_eq!(count(), 1);
    let same = project.run(&["replay"]).code(1);
    assert!(same.stdout.contains("0 with another verdict"), "{}", same.stdout);
    let b = project.read("specs/B.yaml").replace("\"bye\"", "\"hell\"");
    project.file("specs/B.yaml", &b);
    let changed = project.run(&["replay", "last"]).code(0);
    assert!(
        changed.stdout.contains("B  passed, was failed"),
        "{}",
        changed.stdout
    );
    assert!(
        changed.stdout.contains("1 with another verdict"),
        "{}",
        changed.stdout
    );
    assert_eq!(count(), 1, "replay recorded a run");
}

#[test]
fn what_no_check_would_notice_is_told() {
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [echo, '{\"name\": \"iris\"}']}\nexpect:\n  - a.json.name != \"x\"\n",
        ),
    );
    project.run(&["specs"]).code(0);
    let weak = project.run(&["prove"]).code(1);
    assert!(weak.stdout.contains("no check would notice"), "{}", weak.stdout);
    project.run(&["prove", "--least", "1%"]).code(0);
    let exact = project
        .read("specs/a.yaml")
        .replace("a.json.name != \"x\"", "a.json.name == \"iris\"");
    project.file("specs/a.yaml", &exact);
    let strong = project.run(&["prove"]).code(0);
    assert!(strong.stdout.contains("100%"), "{}", strong.stdout);
    let json = project.run(&["prove", "--format", "json"]).code(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["specs"][0]["score"], 1.0);
}

#[test]
fn without_a_terminal_there_is_no_colour_unless_it_is_asked_for() {
    let project = project();
    let plain = project.run(&["specs"]).code(1);
    assert!(
        !plain.stdout.contains('\u{1b}') && !plain.stderr.contains('\u{1b}'),
        "{plain:?}"
    );
    let coloured = project.run(&["specs", "--color", "always"]).code(1);
    assert!(coloured.stdout.contains('\u{1b}'), "{coloured:?}");
}

#[test]
fn clean_finds_nothing_after_runs_that_ended() {
    let project = project();
    project.run(&["specs"]).code(1);
    let ran = project.run(&["clean"]).code(0);
    assert_eq!(ran.stdout, "nothing to clean\n");
}

#[test]
fn a_seed_gives_the_same_order_again() {
    let project = project();
    let order = |seed: &str| {
        let text = project
            .run(&["specs", "-j", "1", "--shuffle", "--seed", seed])
            .code(1)
            .stdout;
        let lines = text
            .lines()
            .filter(|l| l.starts_with("PASS") || l.starts_with("FAIL"));
        let ids: Vec<String> = lines
            .map(|l| l.split_whitespace().nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(ids.len(), 3, "{text}");
        ids
    };
    assert_eq!(order("7"), order("7"));
    let different = (0..20)
        .map(|seed| order(&seed.to_string()))
        .collect::<std::collections::HashSet<_>>();
    assert!(different.len() > 1, "no seed changed the order");
}
