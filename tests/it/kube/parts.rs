//! `run --on kubernetes`: a run in pods is the run it would be here, and what a pod takes along with it is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::node::{Node, Trouble, signal};
use crate::support::specrun::{Project, Ran, Running, spec};

/// Specs of every kind: what passes, what does not, what reads a file beside it, an input, a secret, a variable.
fn project(node: &Node) -> Project {
    let project = Project::new();
    project.file(
        "specrun.yaml",
        "specrun: 1\nspecs: [specs]\nenvironments: {e: environments/e.yaml}\n",
    );
    project.file(
        "environments/e.yaml",
        &format!(
            "environment: e\nendpoints:\n  kube: {{url: \"{}\", namespace: ml, image: \"specrun:1\", service_account: tester}}\n  \
             mlflow: {{url: \"http://127.0.0.1:9\"}}\n  exec: {{programs: {{sh: [/bin/sh]}}}}\n\
             secrets:\n  token: {{from: env.TOKEN}}\n  none: {{from: env.NONE, required: false}}\ninputs: {{who: world}}\n",
            node.url
        ),
    );
    project.file("specs/data/note.txt", "beside\n");
    let sh = |script: &str| format!("    exec.run: {{argv: [sh, \"-c\", \"{script}\"], accept: [0, 3]}}\n");
    for (id, body) in [
        (
            "A",
            format!("inputs: {{who: {{type: string}}}}\ntools: [exec]\nsteps:\n  - id: a\n{}expect:\n  - a.stdout contains inputs.who\n",
                sh("echo hello ${{ inputs.who }}")),
        ),
        (
            "G",
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [sh, \"-c\", \"seq 1 99\"], keep_output: 64B}\nexpect:\n  - a.cut\n".to_owned(),
        ),
        (
            "B",
            format!("inputs: {{n: {{type: int, default: 1}}, v: {{type: string, from: env.V}}}}\ntools: [exec]\nsteps:\n  - id: a\n{}expect:\n  - a.stdout contains \"3right\"\n",
                sh("echo ${{ inputs.n }}${{ inputs.v }}")),
        ),
        ("C", format!("tools: [exec]\nsteps:\n  - id: a\n{}expect:\n  - a.stdout contains \"bye\"\n", sh("echo hello"))),
        ("D", "tools: [file]\nsteps:\n  - id: a\n    file.read: {path: data/note.txt}\nexpect:\n  - a.text == \"beside\\n\"\n".to_owned()),
        (
            "E",
            "inputs: {token: {type: secret}}\ntools: [exec]\nlocks: [one]\nsteps:\n  - id: a\n    exec.run: {argv: [sh, \"-c\", \"test $T = s3cr3t && echo right\"], secret_env: {T: \"${{ inputs.token }}\"}}\nexpect:\n  - a.stdout contains \"right\"\n".to_owned(),
        ),
        ("F", format!("tools: [exec]\nlocks: [one]\nsteps:\n  - id: a\n{}expect:\n  - a.exit_code == 0\n", sh("exit 3"))),
    ] {
        project.file(&format!("specs/{id}.yaml"), &spec(id, &body));
    }
    project
}

fn command(project: &Project, more: &[&str]) -> std::process::Command {
    let mut words = vec![
        "run",
        "--env",
        "e",
        "--set",
        "n=3",
        "--report",
        "json=report.json",
        "--report",
        "junit=junit.xml",
    ];
    words.extend(more);
    let mut command = project.command(&words);
    command.env("TOKEN", "s3cr3t").env("V", "right");
    command
}

const IN_TWO: [&str; 4] = ["--on", "kubernetes", "--partition", "2"];

async fn run(project: &Project, more: &[&str]) -> (Ran, Json) {
    let command = command(project, more);
    let ran = tokio::task::spawn_blocking(|| Running::start(command).wait())
        .await
        .unwrap();
    (ran, report(project))
}

fn report(project: &Project) -> Json {
    let report = std::fs::read(project.path().join("report.json")).unwrap_or_default();
    serde_json::from_slice(&report).unwrap_or(Json::Null)
}

fn verdicts(report: &Json) -> BTreeMap<String, String> {
    let specs = report["specs"].as_array().unwrap();
    let text = |j: &Json| j.as_str().unwrap().to_owned();
    specs
        .iter()
        .map(|s| (text(&s["id"]), text(&s["verdict"])))
        .collect()
}

/// What is said of specs and their checks, without times and places of files.
fn told(report: &Json) -> Json {
    let mut specs = report["specs"].clone();
    for spec in specs.as_array_mut().unwrap() {
        let checks: Vec<Json> = spec["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| {
                json!([
                    c["id"],
                    c["text"],
                    c["verdict"],
                    c["message"],
                    c["place"],
                    c["actual"],
                    c["expected"]
                ])
            })
            .collect();
        *spec = json!([
            spec["id"],
            spec["verdict"],
            spec["place"],
            spec["inputs"],
            spec["digest"],
            checks
        ]);
    }
    specs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_pods_is_the_run_it_is_here() {
    let node = Node::start(Trouble::None).await;
    let project = project(&node);
    let (ran, here) = run(&project, &[]).await;
    let here_said = ran.code(1).stdout;
    let (ran, there) = run(&project, &IN_TWO).await;
    let there_said = ran.code(1).stdout;
    assert_eq!(told(&there), told(&here));
    assert_eq!(
        verdicts(&there).into_values().collect::<Vec<_>>(),
        [
            "passed", "passed", "failed", "passed", "passed", "failed", "passed"
        ]
    );
    assert!(
        here_said.contains("5 passed") && there_said.contains("5 passed"),
        "{there_said}"
    );
    assert!(!there_said.contains("s3cr3t"));

    // Two pods, with what one who may call the cluster needs, and nothing of the work in any object.
    let made = node.asked("POST /apis/batch/v1/namespaces/ml/jobs");
    assert_eq!(made.len(), 2);
    for job in &made {
        let pod = &job.body["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], "tester");
        assert_eq!(pod["automountServiceAccountToken"], true);
        assert_eq!(pod["containers"][0]["volumeMounts"][0]["mountPath"], "/tmp");
        assert!(!job.body.to_string().contains("s3cr3t"), "{}", job.body);
    }
    assert_eq!(node.jobs(), Vec::<String>::new());

    // A file that a step left is where it would be had the step run here, and its output says so.
    let specs = there["specs"].as_array().unwrap();
    let output = &specs.iter().find(|s| s["id"] == "G").unwrap()["steps"][0]["output"];
    let file = Path::new(output["stdout_file"].as_str().unwrap());
    let runs = project.path().join(".specrun/runs");
    assert!(
        file.starts_with(runs.canonicalize().unwrap()),
        "{}",
        file.display()
    );
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 99);

    // The recorded run is like any other.
    project.run(&["replay", "last"]).code(1);
    let again = project.run(&["report", "last", "--report", "json=again.json"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let again: Json = serde_json::from_str(&project.read("again.json")).unwrap();
    assert_eq!(told(&again), told(&there));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_breaks_is_read_again_and_what_it_lost_is_said_again() {
    let node = Node::start(Trouble::LogBreaks(900)).await;
    let (ran, report) = run(&project(&node), &IN_TWO).await;
    assert_eq!(ran.code, 1, "{} {}", ran.stdout, ran.stderr);
    let counts = verdicts(&report).into_values().filter(|v| v == "passed").count();
    assert_eq!(counts, 5);

    // As when a node puts a new file in the place of one that was not read to its end.
    for (from, bytes) in [
        ("{\"hello\":", 8),
        ("\"run_started\"", 5000),
        ("\"spec_finished\"", 300),
        ("{\"ended\":", 10),
    ] {
        let node = Node::start(Trouble::LogLoses(from, bytes)).await;
        let (ran, report) = run(&project(&node), &IN_TWO).await;
        assert_eq!(ran.code, 1, "{from}: {} {}", ran.stdout, ran.stderr);
        let counts = verdicts(&report).into_values().filter(|v| v == "passed").count();
        assert_eq!(counts, 5, "{from}");
        assert_eq!(node.jobs(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_log_lost_of_a_pod_that_is_gone_is_not_made_up() {
    let node = Node::start(Trouble::LogTorn("\"spec\":\"L\"")).await;
    let project = with_a_long_one(&node);
    let running = Running::start(long_command(&project));
    until_it_works(&project).await;
    node.until_said("\"spec\":\"L\"", 1).await;
    node.kill(&job_of(&node, "L"));
    let ran = tokio::task::spawn_blocking(|| running.wait()).await.unwrap();
    // In a real pod all would have ended with it.
    signal("-KILL", &project.read("pid"));
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    for words in ["a word in its log was torn", "containerLogMaxSize"] {
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    let verdicts = verdicts(&report(&project));
    assert_eq!(verdicts["A"], "passed");
    assert_eq!(verdicts["L"], "errored");
    assert_eq!(node.jobs(), Vec::<String>::new());
}

/// What was not read may be lost with the file it is in, so no more of it is in the log than can be said again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_says_no_more_than_is_heard() {
    const SEEN: usize = 100_000;
    let node = Node::start(Trouble::LogWaits(SEEN)).await;
    let project = project(&node);
    for id in ["A", "B", "C", "D", "E", "F", "G"] {
        std::fs::remove_file(project.path().join(format!("specs/{id}.yaml"))).unwrap();
    }
    project.file("specs/data/large.txt", &"0123456789".repeat(40_000));
    for n in 0..10 {
        let id = format!("L{n}");
        let body = "tools: [file]\nsteps:\n  - id: a\n    file.read: {path: data/large.txt}\nexpect:\n  - a.lines == 1\n";
        project.file(&format!("specs/{id}.yaml"), &spec(&id, body));
    }
    let done = project.path().join("done");
    project.file(
        "specs/Z.yaml",
        &spec(
            "Z",
            &format!(
                "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {{argv: [/bin/touch, {}]}}\nexpect:\n  - a.exit_code == 0\n",
                done.display()
            ),
        ),
    );
    let mut command = project.command(&["run", "--env", "e", "-j", "1", "--report", "json=report.json"]);
    command
        .args(["--on", "kubernetes", "--partition=1"])
        .env("TOKEN", "s3cr3t");
    let running = Running::start(command);
    // The work does not wait for who hears of it.
    let end = Instant::now() + Duration::from_secs(50);
    while !done.exists() {
        assert!(Instant::now() < end, "the work did not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let most = SEEN + (1 << 20) + 500_000;
    let said = node.said(&node.jobs()[0]).len();
    assert!(said < most, "{said}");
    node.go_on();
    let ran = tokio::task::spawn_blocking(|| running.wait()).await.unwrap();
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("11 passed"), "{}", ran.stdout);
}

/// Two specs, one of which goes on until somebody ends it, having promised to clean up.
fn with_a_long_one(node: &Node) -> Project {
    let project = project(node);
    for id in ["B", "C", "D", "E", "F", "G"] {
        std::fs::remove_file(project.path().join(format!("specs/{id}.yaml"))).unwrap();
    }
    let mark = project.path().join("cleaned").display().to_string();
    let pid = project.path().join("pid").display().to_string();
    project.file(
        "specs/L.yaml",
        &spec(
            "L",
            &format!(
                "tools: [exec]\nsteps:\n  - id: long\n    exec.run: {{argv: [/bin/sh, \"-c\", \"echo $$ > {pid}; exec sleep 600\"]}}\n    \
                 cleanup:\n      exec.run: {{argv: [/bin/touch, {mark}]}}\nexpect:\n  - long.exit_code == 0\n"
            ),
        ),
    );
    project
}

async fn until_it_works(project: &Project) {
    let end = Instant::now() + Duration::from_secs(30);
    while std::fs::read_to_string(project.path().join("pid"))
        .unwrap_or_default()
        .is_empty()
    {
        assert!(Instant::now() < end, "the long spec did not begin");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn job_of(node: &Node, spec: &str) -> String {
    let said = |job: &String| node.said(job).contains(&format!("\"spec\":\"{spec}\""));
    node.jobs().into_iter().find(said).unwrap()
}

const LONG: [&str; 3] = ["--on", "kubernetes", "--partition=2"];

fn long_command(project: &Project) -> std::process::Command {
    let mut command = project.command(&["run", "--env", "e", "--report", "json=report.json"]);
    command.args(LONG).env("TOKEN", "s3cr3t");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_specs_of_a_lost_pod_are_errored_and_cleaned_up_after() {
    let node = Node::start(Trouble::None).await;
    let project = with_a_long_one(&node);
    let running = Running::start(long_command(&project));
    until_it_works(&project).await;
    node.until_said("\"spec\":\"L\"", 1).await;
    node.delete_pod(&job_of(&node, "L"));
    let ran = tokio::task::spawn_blocking(|| running.wait()).await.unwrap();
    // In a real pod all would have ended with it.
    signal("-KILL", &project.read("pid"));
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("is lost: it ended before its work was done: it was deleted"),
        "{}",
        ran.stdout
    );
    let verdicts = verdicts(&report(&project));
    assert_eq!(verdicts["A"], "passed");
    assert_eq!(verdicts["L"], "errored");
    assert!(project.path().join("cleaned").exists(), "nobody cleaned up");
    assert_eq!(node.jobs(), Vec::<String>::new());
    let mut command = project.command(&["clean", "--env", "e"]);
    command.env("TOKEN", "s3cr3t");
    let cleaned = tokio::task::spawn_blocking(|| Running::start(command).wait())
        .await
        .unwrap();
    assert!(
        cleaned.stdout.contains("nothing to clean"),
        "{} {}",
        cleaned.stdout,
        cleaned.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_run_ends_its_pods_in_good_order() {
    let node = Node::start(Trouble::None).await;
    let project = with_a_long_one(&node);
    let running = Running::start(long_command(&project));
    until_it_works(&project).await;
    signal("-INT", &running.pid().to_string());
    let sent = Instant::now();
    let ran = tokio::task::spawn_blocking(|| running.wait()).await.unwrap();
    assert!(sent.elapsed() < Duration::from_secs(30), "{:?}", sent.elapsed());
    assert_eq!(ran.code, 130, "{} {}", ran.stdout, ran.stderr);
    assert_eq!(verdicts(&report(&project))["L"], "cancelled");
    assert!(
        project.path().join("cleaned").exists(),
        "the pod did not clean up"
    );
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_does_not_end_in_time_ends_everywhere() {
    let node = Node::start(Trouble::None).await;
    let project = with_a_long_one(&node);
    let mut command = long_command(&project);
    command.args(["--deadline", "5s"]);
    let ran = tokio::task::spawn_blocking(|| Running::start(command).wait())
        .await
        .unwrap();
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    assert_eq!(verdicts(&report(&project))["L"], "cancelled");
    assert!(ran.stdout.contains("did not end within"), "{}", ran.stdout);
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pods_of_a_killed_run_end_and_clean_removes_them() {
    let node = Node::start(Trouble::None).await;
    let project = with_a_long_one(&node);
    let running = Running::start(long_command(&project));
    until_it_works(&project).await;
    signal("-KILL", &running.pid().to_string());
    assert!(node.all_ended().await);
    assert!(
        project.path().join("cleaned").exists(),
        "the pod did not clean up"
    );
    assert_eq!(node.jobs().len(), 2);
    let cleaned = tokio::task::spawn_blocking(move || {
        drop(running);
        let mut command = project.command(&["clean", "--env", "e"]);
        command.env("TOKEN", "s3cr3t");
        Running::start(command).wait()
    });
    let cleaned = cleaned.await.unwrap();
    assert_eq!(cleaned.code, 0, "{} {}", cleaned.stdout, cleaned.stderr);
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_pods_every_spec_is_blocked_and_says_why() {
    for (trouble, words) in [
        (Trouble::NoImage, "Back-off pulling image"),
        (Trouble::Forbidden, "jobs.batch is forbidden"),
    ] {
        let node = Node::start(trouble).await;
        let project = project(&node);
        let (ran, report) = run(&project, &IN_TWO).await;
        assert_eq!(ran.code, 5, "{trouble:?}: {} {}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(words), "{trouble:?}: {}", ran.stdout);
        assert!(
            verdicts(&report).into_values().all(|v| v == "blocked"),
            "{report}"
        );
        assert!(project.read("junit.xml").contains(words));
        assert_eq!(node.jobs(), Vec::<String>::new(), "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_this_machine_has_is_blocked() {
    let node = Node::start(Trouble::None).await;
    let project = project(&node);
    project.file(
        "specs/M.yaml",
        &spec("M", "tools: [mlflow]\nsteps:\n  - id: m\n    mlflow.get_version: {model: iris, version: 1}\nexpect:\n  - m.version == \"1\"\n"),
    );
    let (ran, report) = run(&project, &IN_TWO).await;
    assert_eq!(ran.code, 1, "{} {}", ran.stdout, ran.stderr);
    let verdicts = verdicts(&report);
    assert_eq!(verdicts["M"], "blocked", "{}", ran.stdout);
    assert_eq!(verdicts["A"], "passed");
    assert!(
        ran.stdout.contains("in a pod is the pod itself"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_lacks_is_said_before_anything_is_made() {
    let node = Node::start(Trouble::None).await;
    let project = project(&node);
    let said = async |words: &[&str], code: i32| {
        let (ran, _) = run(&project, words).await;
        let ran = ran.code(code);
        format!("{}{}", ran.stdout, ran.stderr)
    };
    let two = &IN_TWO[..];
    assert!(
        said(&["--partition", "2"], 2)
            .await
            .contains("only `run --on` takes a number of parts")
    );
    assert!(
        said(&[two, &["--max-fail", "1"]].concat(), 2)
            .await
            .contains("the parts do not know of each other")
    );
    let refused = said(&[two, &["--deny-kube", "*:create:jobs.batch"]].concat(), 77).await;
    assert!(refused.contains("--on kubernetes"), "{refused}");
    let environment = project.read("environments/e.yaml");
    project.file(
        "environments/e.yaml",
        &environment.replace("image: \"specrun:1\", ", ""),
    );
    assert!(said(two, 3).await.contains("no image is named"));
    project.file("environments/e.yaml", "environment: e\nsecrets: {token: {from: env.TOKEN}}\nendpoints: {exec: {programs: {sh: [/bin/sh]}}}\ninputs: {who: w}\n");
    assert!(
        said(two, 3)
            .await
            .contains("needs an environment with the endpoint `kube`")
    );
    assert_eq!(project.run(&["check", "--partition", "2"]).code, 2);
    assert_eq!(node.asked("POST").len(), 0);
}
