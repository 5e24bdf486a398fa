//! Logs of services never hold a secret, also not those of killed runs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{CAP, gone, kill, read_number};
use crate::support::specrun::{Project, Running};

/// A service that prints a secret in two pieces, says that it is up, and prints it again once it is asked to end.
const LEAKY: &str = r#"environment: test
endpoints: {exec: {needs: [leaky]}}
secrets:
  token: {from: env.TOKEN}
  other: {from: env.NOT_SET}
services:
  leaky:
    start:
      - sh
      - -c
      - |
        trap 'echo "last words: $TOKEN"; exit' TERM
        printf 'hunter22'; sleep 0.1; printf -- '-and-more\n'
        echo "up"
        while :; do sleep 0.05; done
    ready: {log: '^up$', within: 60s}
    stop_within: 20s
"#;

const TOKEN: &str = "hunter22-and-more";

/// Every file below a folder, with what is in it.
fn files_below(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = walkdir::WalkDir::new(dir).into_iter().map(Result::unwrap);
    files
        .filter(|e| e.file_type().is_file())
        .map(|e| (e.path().to_owned(), std::fs::read(e.path()).unwrap_or_default()))
        .collect()
}

#[track_caller]
fn no_file_holds_the_token(dir: &Path) {
    for (path, bytes) in files_below(dir) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(TOKEN), "{}:\n{text}", path.display());
    }
}

#[test]
fn the_log_of_what_is_kept_up_never_holds_a_secret() {
    let project = Project::new();
    project.file("env.yaml", LEAKY);
    let specrun = |words: &[&str]| {
        let mut command = project.command(words);
        command.env("TOKEN", TOKEN);
        Running::start(command).wait()
    };
    let up = specrun(&["env", "up", "env.yaml"]).code(0);
    let log = || project.read(".specrun/services/test/leaky.log");
    assert!(log().starts_with("***\nup\n"), "{}\n{}", log(), up.stderr);
    no_file_holds_the_token(&project.path().join(".specrun"));
    specrun(&["env", "down", "env.yaml"]).code(0);
    // The last words come after nobody waits for them any more.
    let until = Instant::now() + CAP;
    while !log().ends_with("last words: ***\n") {
        assert!(Instant::now() < until, "{}", log());
        std::thread::sleep(Duration::from_millis(10));
    }
    no_file_holds_the_token(&project.path().join(".specrun"));
}

#[test]
fn the_log_of_a_killed_run_holds_no_secret_either() {
    let project = Project::new();
    project.file("env.yaml", &LEAKY.replace("  other: {from: env.NOT_SET}\n", ""));
    project.file(
        "T01.yaml",
        "specrun: 1\nid: T01\ntitle: Waits\ntools: [exec]\nsteps:\n  - id: s\n    exec.run: {argv: [sh, -c, 'echo $$ > step; exec sleep 600']}\n    timeout: 500s\n    expect: [.exit_code == 0]\n",
    );
    let mut command = project.command(&["run", "T01.yaml", "--env", "env.yaml"]);
    command.env("TOKEN", TOKEN);
    let run = Running::start(command);
    let until = Instant::now() + CAP;
    while read_number(project.path(), "step").is_none() {
        assert!(Instant::now() < until, "the step never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(run.pid());
    drop(run);
    let step = read_number(project.path(), "step").unwrap();
    project.run(&["clean"]);
    gone(step);
    no_file_holds_the_token(&project.path().join(".specrun"));
    let logs = files_below(&project.path().join(".specrun/runs"));
    let log = logs.iter().find(|(path, _)| path.ends_with("leaky.log")).unwrap();
    assert!(
        log.1.starts_with(b"***\nup\n"),
        "{:?}",
        String::from_utf8_lossy(&log.1)
    );
}
