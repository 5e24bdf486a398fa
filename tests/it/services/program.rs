//! Services as a user of the program sees them: a run starts those that its specs use, `env` the ones it is told.

use std::time::{Duration, Instant};

use super::{CAP, TALKER, gone, kill, read_number};
use crate::support::specrun::{Project, Running, spec};

#[test]
fn services_of_a_run_die_with_it_also_when_it_is_killed() {
    let project = Project::new();
    let witness = project.path().join("witness");
    std::fs::create_dir(&witness).unwrap();
    let services = TALKER
        .replace("\"$0/pid\"", "\"$2/pid\"")
        .replace("\"$0/child\"", "\"$2/child\"")
        .replace(
            "      - \"${{ services.talker.port }}\"\n",
            &format!(
                "      - \"${{{{ services.talker.port }}}}\"\n      - {}\n",
                witness.display()
            ),
        );
    project.file(
        "env.yaml",
        &format!("environment: test\nendpoints: {{exec: {{needs: [talker]}}}}\nservices:{services}"),
    );
    project.file(
        "T01.yaml",
        "specrun: 1\nid: T01\ntitle: Waits\ntools: [exec]\nsteps:\n  - id: s\n    exec.run: {argv: [sh, -c, 'echo $$ > \"$0/step\"; exec sleep 600', witness]}\n    timeout: 500s\n    expect: [.exit_code == 0]\n",
    );
    let run = Running::start(project.command(&["run", "T01.yaml", "--env", "env.yaml"]));
    let number = |name: &str| read_number(&witness, name);
    let until = Instant::now() + CAP;
    while number("step").is_none() {
        assert!(Instant::now() < until, "the step never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    let all = ["pid", "child"].map(|name| number(name).unwrap());
    kill(run.pid());
    for pid in all {
        gone(pid);
    }
    drop(run);
    // What the step had started is found by its mark.
    let step = number("step").unwrap();
    project.run(&["clean"]);
    gone(step);
}

#[test]
fn a_service_that_does_not_start_blocks_the_specs_and_the_reports_have_its_last_lines() {
    let project = Project::new();
    project.file(
        "env.yaml",
        "environment: test\nendpoints: {exec: {needs: [bad]}}\nservices:\n  bad:\n    start: [sh, -c, 'echo no such database; exit 3']\n    ready: {log: never, within: 60s}\n",
    );
    project.file(
        "T01.yaml",
        &spec(
            "T01",
            "tools: [exec]\nsteps:\n  - id: s\n    exec.run: {argv: [touch, ran]}\n    expect: [.exit_code == 0]\n",
        ),
    );
    let reports = ["--report", "json=r.json", "--report", "junit=j.xml"];
    let ran = project
        .run(&[&["T01.yaml", "--env", "env.yaml"], &reports[..]].concat())
        .code(5);
    assert!(!project.path().join("ran").exists(), "the spec acted");
    assert!(ran.stdout.contains("1 blocked"), "{}", ran.stdout);
    let report: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
    assert_eq!(report["specs"][0]["verdict"], "blocked");
    for text in [ran.stdout, project.read("r.json"), project.read("j.xml")] {
        assert!(text.contains("exit status: 3 before it was ready"), "{text}");
        assert!(text.contains("no such database"), "{text}");
    }
}

/// An environment with a service for `http`, one for the program `tool`, and one that does not start.
const LAZY: &str = r#"environment: test
endpoints:
  http: {url: "http://127.0.0.1:${{ services.web.port }}"}
  mlflow: {url: "http://127.0.0.1:${{ services.bad.port }}"}
  exec:
    programs:
      tool: {run: [sh, -c, 'echo "$WHERE $0"'], env: {WHERE: "${{ services.helper.dir }}"}, needs: [helper]}
      broken: ["echo", "${{ services.bad.port }}"]
services:
  bad:
    ports: [port]
    start: [sh, -c, 'echo no such database; exit 3']
    ready: {log: never, within: 60s}
  helper:
    start: [sh, -c, 'echo ready; exec sleep 600']
    ready: {log: ready, within: 60s}
  web:
    ports: [port]
    start: [sh, -c, 'echo ready; exec sleep 600']
    ready: {log: ready, within: 60s}
"#;

fn running(id: &str, program: &str) -> String {
    spec(
        id,
        &format!(
            "tools: [exec]\nsteps:\n  - id: s\n    exec.run: {{argv: [{program}, x]}}\n    expect: [.exit_code == 0]\n"
        ),
    )
}

#[test]
fn a_run_starts_what_its_specs_use_and_blocks_those_whose_service_is_not_there() {
    let project = Project::new();
    project.file("env.yaml", LAZY);
    project.file("T01.yaml", &running("T01", "tool"));
    project.file("T02.yaml", &running("T02", "broken"));
    project.file("T03.yaml", &running("T03", "echo"));
    let plan = project.run(&["plan", "T01.yaml", "T02.yaml", "T03.yaml", "--env", "env.yaml"]);
    let services: Vec<&str> = plan.stdout.lines().filter(|l| l.contains("services")).collect();
    assert_eq!(
        services,
        ["  services helper", "  services bad"],
        "{}",
        plan.stdout
    );

    let one = project.run(&["T01.yaml", "--env", "env.yaml"]).code(0);
    assert!(
        !one.stderr.contains("service bad") && !one.stderr.contains("service web"),
        "{}",
        one.stderr
    );
    assert!(one.stderr.contains("service helper: ready"), "{}", one.stderr);
    let none = project.run(&["T03.yaml", "--env", "env.yaml"]).code(0);
    assert!(!none.stderr.contains("service "), "{}", none.stderr);

    let all = project
        .run(&[
            "T01.yaml",
            "T02.yaml",
            "T03.yaml",
            "--env",
            "env.yaml",
            "--report",
            "json=r.json",
        ])
        .code(5);
    assert!(
        all.stdout.contains("2 passed") && all.stdout.contains("1 blocked"),
        "{}",
        all.stdout
    );
    let report: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
    assert_eq!(report["specs"][1]["verdict"], "blocked");
    assert!(project.read("r.json").contains("no such database"));
}

#[test]
fn env_takes_the_names_of_services() {
    let project = Project::new();
    let services = LAZY.replace("{log: ready, within: 60s}", "{exec: ['true'], within: 60s}");
    project.file("env.yaml", &services);
    project.run(&["env", "up", "env.yaml", "web"]).code(0);
    let status = project.run(&["env", "status", "env.yaml"]).code(5);
    assert!(status.stdout.contains("bad: not started"), "{}", status.stdout);
    assert!(status.stdout.contains("web: up, port "), "{}", status.stdout);
    project
        .run(&["env", "status", "web", "--env", "env.yaml"])
        .code(0);
    let refused = project.run(&["env", "up", "env.yaml", "wbe"]).code(2);
    assert!(
        refused.stderr.contains("did you mean `web`"),
        "{}",
        refused.stderr
    );
    // What starts stays up, also when another does not.
    let broken = project.run(&["env", "up", "env.yaml"]).code(5);
    assert!(broken.stderr.contains("no such database"), "{}", broken.stderr);
    let status = project
        .run(&["env", "status", "env.yaml", "helper", "web"])
        .code(0);
    assert!(status.stdout.contains("helper: up"), "{}", status.stdout);
    project.run(&["env", "down", "env.yaml"]).code(0);
    project.run(&["env", "status", "env.yaml", "web"]).code(5);
}

#[test]
fn what_is_kept_up_elsewhere_is_shared_and_read_as_if_it_lay_in_the_project() {
    let (project, elsewhere) = (Project::new(), tempfile::tempdir().unwrap());
    let states = elsewhere.path().join("services");
    project.file(
        "env.yaml",
        "environment: env\nservices:\n  store:\n    start: [sh, -c, 'echo 7 > \"$0\"/n.json; echo ready; exec sleep 600', '${{ services.store.dir }}']\n    \
         ready: {log: ready, within: 60s}\n",
    );
    let path = states.join("env/store/n.json");
    let reads = format!(
        "tools: [file]\nsteps:\n  - id: s\n    file.read: {{path: {}}}\n    expect: [.data == 7]\n",
        path.display()
    );
    project.file("T01.yaml", &spec("T01", &reads));
    let specrun = |args: &[&str]| {
        let mut command = project.command(args);
        command.env("SPECRUN_SERVICES", &states);
        Running::start(command).wait()
    };
    specrun(&["env", "up", "env.yaml"]).code(0);
    specrun(&["T01.yaml", "--env", "env.yaml"]).code(0);
    // Whoever does not say that services lie there may not read there.
    let refused = project.run(&["T01.yaml", "--env", "env.yaml"]).code(77);
    assert!(
        refused.stdout.contains("outside of the project"),
        "{}",
        refused.stdout
    );
    specrun(&["env", "down", "env.yaml"]).code(0);
}
