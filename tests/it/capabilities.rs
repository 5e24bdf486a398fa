//! What is not granted is refused: before the run as far as it is known, and again when it is done.

use serde_json::Value as Json;
use specrun::action::Class;
use specrun::tools::Grants;

use crate::support::actions::{Stage, only};
use crate::support::faults::Faults;
use crate::support::specrun::{Project, spec};
use crate::support::verbs;

/// The environment of the specs here; nothing listens there.
fn environment() -> String {
    let mut text = String::from("environment: none\nendpoints:\n");
    for family in verbs::families() {
        text.push_str("  ");
        text.push_str(family);
        text.push_str(": {url: \"http://127.0.0.1:9\"}\n");
    }
    text
}

/// A spec with one step.
fn one(action: &str, params: &Json) -> String {
    // A load names the action that is its request.
    let family = match action.split('.').next().unwrap() {
        "load" => "load, http",
        family => family,
    };
    spec(
        "A",
        &format!(
            "tools: [{family}]\nsteps:\n  - id: a\n    {action}: {params}\n    expect_failure: {{class: unreachable}}\n"
        ),
    )
}

#[test]
fn every_action_without_a_grant_is_77_and_the_flag_it_names_grants_it() {
    for (action, params) in verbs::all("/etc/hostname") {
        if verbs::reaches_nothing(action) {
            continue;
        }
        let project = Project::new();
        project.file("env.yaml", &environment());
        project.file("specs/a.yaml", &one(action, &params));
        let closed = ["run", "specs", "--env", "env.yaml", "--allow-env=NOTHING"];
        let ran = project.run(&closed).code(77);
        assert!(
            ran.stderr.contains("nothing ran") && ran.stderr.contains("not granted"),
            "{action}: {}",
            ran.stderr
        );
        assert!(!project.path().join(".specrun/runs").exists(), "{action}");

        // The flags that `plan` prints are the ones that grant it, and the refusal names one of them.
        let plan = project
            .run(&["plan", "specs", "--env", "env.yaml", "--capabilities"])
            .code(0)
            .stdout;
        let flags: Vec<&str> = plan.lines().collect();
        assert!(!flags.is_empty(), "{action} says nothing of what it reaches");
        assert!(
            flags.iter().all(|flag| ran.stderr.contains(flag)),
            "{action}: {flags:?} in {}",
            ran.stderr
        );
        let words = flags.iter().map(|f| f.replace('\'', ""));
        let mut open: Vec<String> = closed.iter().map(|w| (*w).to_owned()).collect();
        open.extend(words);
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        let ran = project.run(&open);
        assert!(
            ran.code != 77 && project.path().join(".specrun/runs").is_dir(),
            "{action}: {} {}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[tokio::test]
async fn every_action_without_a_grant_is_refused_when_it_acts() {
    let server = Faults::start().await;
    for (action, params) in verbs::all("/etc/hostname") {
        if verbs::reaches_nothing(action) {
            continue;
        }
        let mut stage = Stage::new();
        for family in verbs::families() {
            stage.endpoint(family, server.url("/ok"));
        }
        for grants in [
            only(&[("env", "NOTHING".into())]),
            Grants {
                deny: ["exec", "endpoint", "net", "read"]
                    .map(|kind| (kind.to_owned(), specrun::tools::Rule("*".to_owned())))
                    .into(),
                ..Grants::open()
            },
        ] {
            let open = grants.open;
            // A path is denied by a folder, not by a pattern.
            if open && verbs::reads_files(action) {
                continue;
            }
            let failure = stage.run(action, params.clone(), grants).await.expect_err(action);
            assert_eq!(failure.class, Class::NotGranted, "{action}: {failure:?}");
            assert!(failure.help.is_some(), "{action}: {failure:?}");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn strangers_specs_are_checked_and_planned_and_never_run() {
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [touch, came]}\n    expect: [.exit_code == 0]\n",
        ),
    );
    for verb in ["check", "plan"] {
        project.run(&[verb, "specs", "--untrusted"]).code(0);
    }
    // Nothing that is granted besides makes it run.
    for more in [&[][..], &["--allow-exec=touch"], &["--retries", "1"]] {
        let args = [&["run", "specs", "--untrusted"], more].concat();
        let ran = project.run(&args).code(77);
        assert!(ran.stderr.contains("not run"), "{}", ran.stderr);
    }
    project.run(&["specs", "--untrusted"]).code(77);
    assert!(!project.path().join("specs/came").exists());
    project.run(&["run", "specs", "--allow-exec=touch came"]).code(0);
    assert!(project.path().join("specs/came").exists());
}

#[test]
fn a_policy_is_taken_only_with_the_digest_it_is_pinned_with() {
    use sha2::Digest as _;
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [echo, x]}\n    expect: ['.exit_code == 0']\n",
        ),
    );
    let text = "policy: 1\nallow: {exec: [echo]}\n";
    project.file("policy.yaml", text);
    let pinned = format!("policy.yaml@sha256:{:x}", sha2::Sha256::digest(text));
    project.run(&["run", "specs", "--policy", &pinned]).code(0);
    project.file("policy.yaml", "policy: 1\nallow: {exec: ['*']}\n");
    let ran = project.run(&["run", "specs", "--policy", &pinned]).code(3);
    assert!(
        ran.stderr.contains("not the one that is pinned"),
        "{}",
        ran.stderr
    );
    let ran = project
        .run(&["run", "specs", "--policy", "policy.yaml@sha256:12"])
        .code(3);
    assert!(ran.stderr.contains("64 hexadecimal digits"), "{}", ran.stderr);
}
