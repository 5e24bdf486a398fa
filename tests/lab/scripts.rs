//! The lab's Python programs where they cannot do their work: one sentence that says what is missing.

use std::process::{Command, Stdio};

use crate::support::root;

/// Runs a program of the lab, which must fail, and gives the last line of what it said.
fn last_line(script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new("python3");
    command
        .arg(root().join("examples/lab").join(script))
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("MLFLOW_TRACKING_URI")
        .envs(variables.iter().copied());
    for name in [
        "PIP_FIND_LINKS",
        "PIP_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
    ] {
        command.env_remove(name);
    }
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success(), "{script} {arguments:?} succeeded: {said}");
    assert!(!said.contains("Traceback"), "{said}");
    said.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn the_installer_says_what_is_missing() {
    assert_eq!(
        last_line("install.py", &[], &[]),
        "install.py: usage: install.py REQUIREMENTS TARGET"
    );
    let nothing = last_line("install.py", &["/nowhere/lock.txt", "/nowhere/venv"], &[]);
    assert_eq!(
        nothing,
        "install.py: there is no requirements file /nowhere/lock.txt"
    );
}

#[test]
fn the_installer_says_that_the_package_index_is_out_of_reach() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock.txt");
    std::fs::write(&lock, "no-package-has-this-name-at-all==1.0\n").unwrap();
    let target = folder.path().join("venv");
    // Nothing listens at port 1.
    let variables = [
        ("PIP_INDEX_URL", "http://127.0.0.1:1/simple"),
        ("PIP_RETRIES", "0"),
        ("UV_HTTP_RETRIES", "0"),
    ];
    let said = last_line(
        "install.py",
        &[lock.to_str().unwrap(), target.to_str().unwrap()],
        &variables,
    );
    assert!(
        said.starts_with("install.py: ") && said.contains("package index"),
        "{said}"
    );
    assert!(
        !target.join("complete").exists(),
        "a half-made environment counts as whole"
    );
}

#[test]
fn the_trainer_refuses_faults_it_does_not_have() {
    let said = last_line("train.py", &[], &[("LAB_FAULT", "gate-opne")]);
    assert!(
        said.starts_with("train.py: LAB_FAULT=gate-opne is unknown; it can be gate-open,"),
        "{said}"
    );
    assert_eq!(
        last_line("train.py", &[], &[]),
        "train.py: MLFLOW_TRACKING_URI is not set"
    );
}
