//! Every exit code, for its reason.

use crate::support::specrun::{Project, Running, spec};

/// A project with one spec.
fn with(body: &str) -> Project {
    let project = Project::new();
    project.file("specs/a.yaml", &spec("A", body));
    project
}

const PASSES: &str = "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [echo, hello]}\nexpect:\n  - a.stdout contains \"hello\"\n";
const FAILS: &str = "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [echo, hello]}\nexpect:\n  - a.stdout contains \"bye\"\n";

#[test]
fn passed_is_0_and_running_is_the_default_verb() {
    let project = with(PASSES);
    for args in [
        &["specs"][..],
        &["run", "specs"],
        &["specs/a.yaml", "-j", "1"],
        &["--color", "never", "specs"],
    ] {
        let ran = project.run(args).code(0);
        assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
    }
}

#[test]
fn a_false_check_is_1_and_says_where() {
    let ran = with(FAILS).run(&["specs"]).code(1);
    assert!(ran.stdout.contains("specs/a.yaml:"), "{}", ran.stdout);
    assert!(ran.stdout.contains("a.stdout contains \"bye\""), "{}", ran.stdout);
    assert!(ran.stdout.contains("hello"), "{}", ran.stdout);
}

#[test]
fn a_wrong_command_line_is_2() {
    let project = with(PASSES);
    for args in [
        &["run", "specs", "--no-such-option"][..],
        &["run", "specs", "-j", "0"],
        &["run", "specs", "--report", "junit"],
        &["run", "specs", "--report", "jnit=x"],
        &["run", "specs", "--partition", "3/2"],
        &["run", "specs", "--deadline", "5"],
        &["run", "specs", "--set", "x"],
        &["run"],
    ] {
        let ran = project.run(args).code(2);
        assert!(!ran.stderr.is_empty(), "{args:?} says nothing");
    }
    assert!(
        !project.path().join(".specrun").exists(),
        "something was recorded"
    );
}

#[test]
fn one_mistake_is_3_and_nothing_runs() {
    let project = with(PASSES);
    project.file(
        "specs/b.yaml",
        &spec(
            "B",
            "tools: [exec]\nsteps:\n  - id: b\n    exec.run: {argv: [echo]}\nexpct:\n  - b.exit_code == 0\n",
        ),
    );
    let ran = project.run(&["specs"]).code(3);
    assert!(ran.stderr.contains("specs/b.yaml:"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`expct`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`expect`"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert!(!project.path().join(".specrun").exists(), "something ran");
}

#[test]
fn paths_without_specs_are_3_and_a_verb_is_suggested() {
    let project = with(PASSES);
    project.file("empty/readme.md", "");
    for path in ["nowhere", "empty", "specs/*.yml", "specs/b.yaml"] {
        let ran = project.run(&[path]).code(3);
        assert!(ran.stderr.contains("E0111"), "{path}: {}", ran.stderr);
    }
    let ran = project.run(&["chek", "specs"]).code(3);
    assert!(ran.stderr.contains("check"), "{}", ran.stderr);
}

#[test]
fn nothing_selected_is_4() {
    let project = with(PASSES);
    project.run(&["specs", "--partition", "2/2"]).code(4);
    project.run(&["specs", "-E", "id(A) - id(A)"]).code(4);
    // A word that fits no spec is a mistake, not an empty selection.
    let ran = project.run(&["specs", "-E", "tag(nightly)"]).code(3);
    assert!(ran.stderr.contains("nightly"), "{}", ran.stderr);
}

#[test]
fn what_broke_or_was_blocked_is_5() {
    let broken = with(
        "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [\"false\"]}\nexpect:\n  - a.exit_code == 0\n",
    );
    let ran = broken.run(&["specs"]).code(5);
    assert!(ran.stdout.contains("1 errored"), "{}", ran.stdout);
    let missing = with(
        "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [no-such-program-here]}\nexpect:\n  - a.exit_code == 0\n",
    );
    missing.run(&["specs"]).code(5);
    let blocked = with(
        "tools: [exec]\npreconditions:\n  - id: p\n    exec.run: {argv: [echo, nothing]}\n    expect:\n      - .stdout contains \"yes\"\n\
         steps:\n  - id: a\n    exec.run: {argv: [touch, ran]}\nexpect:\n  - a.exit_code == 0\n",
    );
    let ran = blocked.run(&["specs"]).code(5);
    assert!(ran.stdout.contains("1 blocked"), "{}", ran.stdout);
    assert!(!blocked.path().join("specs/ran").exists(), "a blocked spec acted");
}

#[test]
fn no_evidence_is_6() {
    let project = with(
        "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [echo, '{\"rows\": []}']}\nexpect:\n  - a.json.rows.all(.ok == true)\n",
    );
    let ran = project.run(&["specs"]).code(6);
    assert!(ran.stdout.contains("1 inconclusive"), "{}", ran.stdout);
}

#[test]
fn cleanup_that_fails_is_7_and_only_when_nothing_is_worse() {
    let body = |cleanup: &str, check: &str| {
        format!(
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {{argv: [echo, x]}}\n    cleanup:\n      exec.run: {{argv: [{cleanup}]}}\n\
             expect:\n  - a.stdout contains \"{check}\"\n"
        )
    };
    with(&body("'true'", "x")).run(&["specs"]).code(0);
    let ran = with(&body("'false'", "x")).run(&["specs"]).code(7);
    assert!(ran.stdout.contains("cleanup"), "{}", ran.stdout);
    with(&body("'false'", "y")).run(&["specs"]).code(1);
}

#[test]
fn a_report_that_cannot_be_written_is_74() {
    let project = with(PASSES);
    project.file("a-file", "");
    project
        .run(&["specs", "--report", "junit=a-file/junit.xml"])
        .code(74);
    // Its folder goes away while the run goes on: every other report is written, and no verdict is lost.
    let removes = with(
        "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [rm, -r, ../out]}\nexpect:\n  - a.exit_code == 0\n",
    );
    let ran = removes
        .run(&["specs", "--report", "json=r.json", "--report", "junit=out/j.xml"])
        .code(74);
    assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
    assert!(ran.stderr.contains("out/j.xml"), "{}", ran.stderr);
    assert!(removes.read("r.json").contains("\"passed\""));
    // Nobody reads the results: they were not delivered.
    let mut command = project.command(&["specs"]);
    command.stdout(std::process::Stdio::piped());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let ran = Running::start_with(command).wait();
    assert_eq!(ran.code, 74, "{}", ran.stderr);
}

#[test]
fn what_is_not_granted_is_77_and_names_the_flag() {
    let project = with(PASSES);
    project.run(&["specs", "--allow-exec", "echo"]).code(0);
    let ran = project.run(&["specs", "--allow-exec", "cosign"]).code(77);
    assert!(ran.stderr.contains("--allow-exec"), "{}", ran.stderr);
    project.run(&["specs", "--deny-exec", "echo"]).code(77);
    project.file("policy.yaml", "policy: 1\nallow: {exec: [echo]}\n");
    project.run(&["specs", "--policy", "policy.yaml"]).code(0);
    project.file("policy.yaml", "policy: 1\nalow: {exec: [echo]}\n");
    project.run(&["specs", "--policy", "policy.yaml"]).code(3);
    project.run(&["specs", "--untrusted"]).code(77);
    project.run(&["check", "specs", "--untrusted"]).code(0);
}

#[test]
fn severity_decides_what_counts() {
    let project = Project::new();
    project.file("specs/a.yaml", &spec("A", PASSES));
    project.file("specs/w.yaml", &spec("W", &format!("severity: warning\n{FAILS}")));
    let ran = project.run(&["specs"]).code(0);
    assert!(
        ran.stdout.contains("1 failed") || ran.stdout.contains("warning"),
        "{}",
        ran.stdout
    );
    project.run(&["specs", "--fail-on", "warning"]).code(1);
}
