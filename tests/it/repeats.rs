//! What may be done twice: what the spec says is repeated, and specrun repeats by itself only what is harmless.

use crate::support::faults::Faults;
use crate::support::specrun::{Project, Ran, spec};

/// A program that says no twice and then yes, and a spec that asks it like this.
fn ask(rules: &str) -> Ran {
    let project = Project::new();
    project.file(
        "specs/ask.sh",
        "echo once >> asked\ntest \"$(wc -l < asked)\" -ge 3 || exit 1\necho yes\n",
    );
    let body = format!(
        "tools: [exec]\nsteps:\n  - id: ask\n    exec.run: {{argv: [sh, ask.sh]}}\n    {rules}\nexpect:\n  - ask.stdout contains \"yes\"\n"
    );
    project.file("specs/a.yaml", &spec("A", &body));
    project.run(&["run", "specs"])
}

#[test]
fn a_program_is_asked_again_where_the_spec_says_so() {
    ask("retry: {attempts: 3, every: 1ms}").code(0);
    ask("within: 60s\n    every: 1ms").code(0);
    ask("eventually: '.exit_code == 0'\n    within: 60s\n    every: 1ms").code(0);
    // Not again by itself, and not more often than was said.
    ask("timeout: 60s").code(5);
    ask("retry: {attempts: 2, every: 1ms}").code(5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleanup_that_posts_is_sent_once_unless_the_spec_says_more() {
    for (method, rules, times) in [
        ("DELETE", "", 3),
        ("PUT", "", 3),
        ("POST", "", 1),
        ("PATCH", "", 1),
        ("POST", ", retry: {attempts: 2, every: 1ms}", 2),
    ] {
        let server = Faults::start().await;
        let project = Project::new();
        let (ok, undo) = (server.url("/ok"), server.url("/fail/503"));
        let body = format!(
            "tools: [http]\nsteps:\n  - id: make\n    http.request: {{url: \"{ok}\"}}\n    expect: [.status == 200]\n    \
             cleanup: {{http.request: {{url: \"{undo}\", method: {method}}}{rules}}}\n"
        );
        project.file("specs/a.yaml", &spec("A", &body));
        let ran = tokio::task::spawn_blocking(move || project.run(&["run", "specs"]))
            .await
            .unwrap();
        // What could not be undone is never quiet.
        let ran = ran.code(7);
        let sent = server
            .requests()
            .iter()
            .filter(|r| r.contains(" /fail/503"))
            .count();
        assert_eq!(sent, times, "{method}{rules}: {}", ran.stdout);
    }
}
