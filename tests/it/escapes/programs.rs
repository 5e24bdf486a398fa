//! Programs, and what they find in their environment.

use serde_json::json;
use specrun::action::Class;
use specrun::tools::Grants;

use super::{May, Prison};
use crate::support::actions::Stage;

#[tokio::test]
async fn no_program_runs_that_is_not_granted() {
    let mut prison = Prison::new().await;
    let w = prison.witness.display().to_string();
    let script = format!("touch {w}");
    let bin = prison.stage.path("project/specs/bin").display().to_string();
    let tool = prison.stage.path("outside/tool").display().to_string();
    for argv in [
        json!(["sh", "-c", script]),
        json!(["bash", "-c", script]),
        json!(["dash", "-c", script]),
        json!(["/bin/sh", "-c", script]),
        json!(["/usr/bin/env", "touch", w]),
        json!(["env", "touch", w]),
        json!(["touch", w]),
        json!(["/usr/bin/touch", w]),
        json!(["busybox", "touch", w]),
        json!(["xargs", "touch"]),
        json!(["nohup", "touch", w]),
        json!(["setsid", "touch", w]),
        json!(["timeout", "1", "touch", w]),
        json!(["python3", "-c", format!("open('{w}', 'w')")]),
        json!(["./tool"]),
        json!(["tool"]),
        json!(["../specs/tool"]),
        json!(["dir/tool"]),
        json!(["../../outside/tool"]),
        json!([tool]),
        json!(["bin/printf"]),
        json!(["./printf", "-c", script]),
        json!(["./bin/../printf", "-c", script]),
        json!(["PRINTF", "x"]),
        json!(["printf ", "x"]),
        json!([" printf", "x"]),
        json!([format!("printf; {script}")]),
        json!([format!("printf x && {script}")]),
        json!([format!("printf\n{script}")]),
        json!([format!("$({script})")]),
        json!(["printf\u{0}", "x"]),
        json!([""]),
        json!(["?"]),
        json!(["*"]),
        json!(["."]),
        json!(["/"]),
    ] {
        let policy = prison.policy();
        prison
            .refused(
                "exec.run",
                json!({"argv": argv}),
                policy,
                &[Class::NotGranted, Class::BadParameter, Class::Missing],
            )
            .await;
    }
    // Variables that would put another program, or other code, in the place of a granted one.
    for env in [
        json!({"LD_PRELOAD": tool}),
        json!({"LD_LIBRARY_PATH": bin}),
        json!({"LD_AUDIT": tool}),
        json!({"BASH_ENV": tool}),
        json!({"ENV": tool}),
        json!({"PYTHONPATH": bin}),
        json!({"NODE_OPTIONS": "--require ./tool"}),
        json!({"PERL5OPT": "-Mtool"}),
        json!({"A=B": "1"}),
        json!({"": "1"}),
        json!({"A\u{0}": "1"}),
    ] {
        let policy = prison.policy();
        let params = json!({"argv": ["printf", "x"], "env": env});
        prison
            .refused(
                "exec.run",
                params,
                policy,
                &[Class::NotGranted, Class::BadParameter],
            )
            .await;
    }
    for path in [bin.as_str(), ".", "", "bin"] {
        let policy = prison.policy();
        let params = json!({"argv": ["printf", "x"], "env": {"PATH": path}});
        prison.attempt("exec.run", params, policy, May::LeadBack).await;
    }
    for dir in ["../../outside", "dir", "root", "/"] {
        let policy = prison.policy();
        let params = json!({"argv": ["printf", "x"], "dir": dir});
        prison
            .refused("exec.run", params, policy, &[Class::NotGranted])
            .await;
    }
    // What a shell would do with the arguments of a granted program, it does not.
    for word in [
        format!("; {script}"),
        format!("$({script})"),
        format!("`{script}`"),
        format!("| {script}"),
        format!("\n{script}\n"),
    ] {
        let policy = prison.policy();
        let failure = prison
            .attempt(
                "exec.run",
                json!({"argv": ["printf", "%s", word]}),
                policy,
                May::LeadBack,
            )
            .await;
        assert_eq!(failure, None);
    }
    assert!(prison.attempts > 55);
}

#[tokio::test]
async fn the_environment_of_specrun_is_not_harvested() {
    let stage = Stage::new();
    let output = stage
        .run("exec.run", json!({"argv": ["env"]}), Grants::open())
        .await
        .unwrap();
    let text = output["stdout"].as_str().unwrap();
    // Cargo sets these for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!text.contains("CARGO_"), "{text}");
    assert!(text.contains("SPECRUN_RUN=stage\n"), "{text}");
}
