//! What a run is given: inputs, environments, secrets.

use crate::support::specrun::{Project, Running, spec};

fn project() -> Project {
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            "tools: [exec]\ninputs:\n  who: {type: string, default: world}\nsteps:\n  - id: a\n    exec.run: {argv: [echo, \"hello ${{ inputs.who }}\"]}\n\
             expect:\n  - a.stdout == \"hello lab\\n\"\n",
        ),
    );
    project.file("env/lab.yaml", "environment: lab\ninputs: {who: lab}\n");
    project.file(
        "env/other.yaml",
        "environment: other\nextends: lab.yaml\ninputs: {who: other}\n",
    );
    project.file(
        "specrun.yaml",
        "specrun: 1\nspecs: [specs]\nenvironments: {lab: env/lab.yaml}\n",
    );
    project
}

#[test]
fn set_goes_before_the_environment_and_the_environment_before_the_default() {
    let project = project();
    project.run(&["run"]).code(1);
    project.run(&["run", "--env", "lab"]).code(0);
    project.run(&["run", "--env", "env/other.yaml"]).code(1);
    project
        .run(&["run", "--env", "env/other.yaml", "--set", "who=lab"])
        .code(0);
    let ran = project.run(&["run", "--set", "whoo=lab"]).code(3);
    assert!(ran.stderr.contains("E0504"), "{}", ran.stderr);
    assert!(ran.stderr.contains("`who`"), "{}", ran.stderr);
}

#[test]
fn an_input_without_a_value_is_a_mistake_of_run_and_not_of_check() {
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            "tools: [exec]\ninputs:\n  who: {type: string}\nsteps:\n  - id: a\n    exec.run: {argv: [echo, \"${{ inputs.who }}\"]}\n\
             expect:\n  - a.exit_code == 0\n",
        ),
    );
    project.run(&["check", "specs"]).code(0);
    let ran = project.run(&["run", "specs"]).code(3);
    assert!(ran.stderr.contains("E0502"), "{}", ran.stderr);
    project.run(&["run", "specs", "--set", "who=me"]).code(0);
}

#[test]
fn a_secret_reaches_the_program_and_nothing_else() {
    const SECRET: &str = "canary-5f3a-Zq/+9=";
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            "tools: [exec]\ninputs:\n  token: {type: secret, from: env.A_TOKEN}\nsteps:\n  - id: a\n    exec.run:\n\
             \x20     argv: [sh, -c, 'printf %s \"$T\" | wc -c; echo \"$T\"; echo \"$T\" >&2']\n      secret_env: {T: \"${{ inputs.token }}\"}\n\
             expect:\n  - a.stdout contains \"18\"\n  - check: a.stdout contains \"nothing like this\"\n    severity: warning\n",
        ),
    );
    let mut command = project.command(&[
        "run",
        "specs",
        "-v",
        "--report",
        "json=r/r.json",
        "--report",
        "html=r/r.html",
        "--report",
        "junit=r/j.xml",
        "--report",
        "markdown=r/r.md",
        "--report",
        "ctrf=r/c.json",
    ]);
    command.env("A_TOKEN", SECRET);
    let ran = Running::start(command).wait().code(0);
    assert!(
        !ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    let mut files = 0;
    for entry in walkdir::WalkDir::new(project.path()) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            files += 1;
            let bytes = std::fs::read(entry.path()).unwrap();
            let found = bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
            assert!(!found, "{} holds the secret", entry.path().display());
        }
    }
    assert!(files >= 7, "only {files} files were written");
    let journal = std::fs::read_dir(project.path().join(".specrun/runs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let journal = std::fs::read_to_string(journal.path().join("journal.jsonl")).unwrap();
    assert!(journal.contains("***"), "{journal}");
}

#[test]
fn services_that_cannot_start_block_and_every_report_says_so() {
    let project = project();
    project.file(
        "env/broken.yaml",
        "environment: broken\ninputs: {who: lab}\nendpoints: {exec: {needs: [db]}}\nservices:\n  db:\n    start: [sh, -c, \"echo no disk; exit 3\"]\n    ready: {log: never, within: 60s}\n",
    );
    let ran = project
        .run(&[
            "run",
            "--env",
            "env/broken.yaml",
            "--report",
            "json=r.json",
            "--report",
            "junit=j.xml",
        ])
        .code(5);
    assert!(ran.stderr.contains("no disk"), "{}", ran.stderr);
    assert!(ran.stdout.contains("1 blocked"), "{}", ran.stdout);
    let json: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
    assert_eq!(json["specs"][0]["verdict"], "blocked", "{json:#}");
    assert!(project.read("j.xml").contains("db"));
}

#[test]
fn services_of_a_run_give_the_addresses_and_end_with_it() {
    let project = Project::new();
    project.file("server.py", SERVER);
    project.file(
        "lab.yaml",
        "environment: lab\nendpoints:\n  http: {url: \"http://127.0.0.1:${{ services.web.port }}\"}\nservices:\n  web:\n    ports: [port]\n\
         \x20   start: [python3, \"${{ dir }}/server.py\", \"${{ services.web.port }}\", \"${{ services.web.dir }}/pid\"]\n\
         \x20   ready: {http: \"http://127.0.0.1:${{ services.web.port }}/\", matches: hello, within: 120s}\n",
    );
    project.file(
        "specs/a.yaml",
        &spec("A", "tools: [http]\nsteps:\n  - id: a\n    http.request: {url: /}\nexpect:\n  - a.status == 200\n  - a.text contains \"hello\"\n"),
    );
    project.run(&["run", "specs", "--env", "lab.yaml"]).code(0);
    assert_eq!(alive(&project, "server.py"), 0, "a service outlived its run");

    project.run(&["env", "status", "lab.yaml"]).code(5);
    project.run(&["env", "up", "lab.yaml"]).code(0);
    let up = Up(&project);
    let status = project.run(&["env", "status", "--env", "lab.yaml"]).code(0);
    assert!(status.stdout.contains("web: up"), "{}", status.stdout);
    let ran = project.run(&["run", "specs", "--env", "lab.yaml"]).code(0);
    assert!(ran.stderr.contains("up already"), "{}", ran.stderr);
    assert_eq!(
        alive(&project, "server.py"),
        1,
        "the service that was kept up is gone"
    );
    drop(up);
    assert_eq!(alive(&project, "server.py"), 0);
    project.run(&["env", "status", "lab.yaml"]).code(5);
}

/// Takes the environment down, also when the test fails.
struct Up<'a>(&'a Project);

impl Drop for Up<'_> {
    fn drop(&mut self) {
        self.0.run(&["env", "down", "lab.yaml"]);
    }
}

/// Processes with this project's file on their command line.
fn alive(project: &Project, file: &str) -> usize {
    let needle = project.path().join(file).display().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|e| std::fs::read(e.ok()?.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(&needle))
        .count()
}

const SERVER: &str = r#"
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *a):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"#;
