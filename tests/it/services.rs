//! Services of environments: installed, started, waited for, shared, stopped; none outlives what it belongs to.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use specrun::diag::Diagnostics;
use specrun::engine::services::{Lease, Progress, ServiceError, Site, down, status, up};
use specrun::source::Sources;
use specrun::spec::environment::{self, Environment};

use crate::support::specrun::{Project, Running};

const CAP: Duration = Duration::from_mins(2);

/// A service that says that it is up, and a child of it, both with their numbers in files.
const TALKER: &str = r#"
  talker:
    ports: [port]
    start:
      - sh
      - -c
      - 'echo $$ > "$0/pid"; sleep 600 & echo $! > "$0/child"; echo started >> "$0/starts"; echo "up on $1"; wait'
      - "${{ services.talker.dir }}"
      - "${{ services.talker.port }}"
    ready: {log: '^up on [0-9]+$', within: 60s}
    stop_within: 5s
"#;

struct Place {
    dir: tempfile::TempDir,
    told: Mutex<Vec<Progress>>,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            told: Mutex::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn environment(&self, services: &str) -> Environment {
        let file = self.path("env.yaml");
        std::fs::write(&file, format!("environment: test\nservices:{services}")).unwrap();
        let mut found = Diagnostics::new();
        let environment = environment::read(&Sources::new(), &file, &specrun::actions::REGISTRY, &mut found);
        let found = found.sorted();
        assert!(found.is_empty(), "{found:?}");
        environment.unwrap()
    }

    fn with_site<R>(&self, home: &str, work: impl FnOnce(&Site<'_>) -> R) -> R {
        let notify = |p: Progress| self.told.lock().unwrap().push(p);
        work(&Site {
            cache: self.path("cache"),
            home: self.path(home),
            notify: &notify,
            interrupted: &|| false,
        })
    }

    fn lease(&self, environment: &Environment, home: &str) -> Result<Lease, ServiceError> {
        self.with_site(home, |site| {
            Lease::get(environment, site, &self.path("states"), home)
        })
    }

    fn number(&self, path: &str) -> u32 {
        std::fs::read_to_string(self.path(path))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }

    fn told(&self, service: &str) -> Vec<&'static str> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter(|p| p.service == service)
            .map(|p| p.state)
            .collect()
    }
}

/// Whether a process runs; one that is dead and not yet reaped does not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

#[track_caller]
fn gone(pid: u32) {
    let until = Instant::now() + CAP;
    while runs(pid) {
        assert!(Instant::now() < until, "process {pid} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn error(result: Result<Lease, ServiceError>) -> (String, Vec<String>) {
    match result {
        Err(ServiceError::Failed {
            service, what, tail, ..
        }) => (format!("{service}: {what}"), tail),
        Err(other) => (other.to_string(), Vec::new()),
        Ok(_) => panic!("it started"),
    }
}

#[test]
fn a_service_is_ready_when_it_says_so_and_ends_with_its_children() {
    let place = Place::new();
    let lease = place.lease(&place.environment(TALKER), "run").unwrap();
    let port = lease.facts().ports[0].2;
    let log = std::fs::read_to_string(place.path("run/talker.log")).unwrap();
    assert!(log.contains(&format!("up on {port}")), "{log}");
    let (pid, child) = (place.number("run/talker/pid"), place.number("run/talker/child"));
    assert!(runs(pid) && runs(child));
    lease.end(&|_| {});
    gone(pid);
    gone(child);
    assert_eq!(place.told("talker"), ["starting", "ready"]);
}

#[test]
fn a_service_that_is_dropped_ends_too() {
    let place = Place::new();
    let lease = place.lease(&place.environment(TALKER), "run").unwrap();
    let pid = place.number("run/talker/pid");
    drop(lease);
    gone(pid);
}

#[test]
fn services_start_after_what_they_need_and_stop_before_it() {
    let place = Place::new();
    let environment = place.environment(
        r#"
  second:
    needs: [first]
    start: [sh, -c, 'cat "$0/word"; sleep 600', "${{ services.first.dir }}"]
    ready: {log: '^hello$', within: 60s}
    stop_within: 5s
  first:
    start: [sh, -c, 'echo hello > "$0/word"; echo ready; sleep 600', "${{ services.first.dir }}"]
    ready: {log: ready, within: 60s}
    stop_within: 5s
"#,
    );
    let lease = place.lease(&environment, "run").unwrap();
    let stopped = Mutex::new(Vec::new());
    lease.end(&|p| stopped.lock().unwrap().push(p.service));
    assert_eq!(*stopped.lock().unwrap(), ["second", "first"]);
}

#[test]
fn an_http_service_is_asked_for_what_it_is() {
    let place = Place::new();
    let services = |matches: &str, within: &str| {
        format!(
            r#"
  web:
    ports: [port]
    start: [python3, -c, "import http.server,sys; sys.stderr = open('/dev/null', 'w'); http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), type('H', (http.server.BaseHTTPRequestHandler,), {{'do_GET': lambda s: (s.send_response(200), s.end_headers(), s.wfile.write(b'3.17'))}})).serve_forever()", "${{{{ services.web.port }}}}"]
    ready: {{http: "http://127.0.0.1:${{{{ services.web.port }}}}/version", matches: '{matches}', within: {within}}}
    stop_within: 5s
"#
        )
    };
    let lease = place
        .lease(&place.environment(&services(r"^3\.", "100s")), "run")
        .unwrap();
    lease.end(&|_| {});
    let (what, _) = error(place.lease(&place.environment(&services(r"^4\.", "3s")), "run"));
    assert!(what.contains("not ready within 3s"), "{what}");
}

#[test]
fn a_service_that_ends_or_stays_silent_is_told_with_its_last_words() {
    let place = Place::new();
    let ends = "
  bad:
    start: [sh, -c, 'echo no such database; exit 3']
    ready: {log: never, within: 60s}
    stop_within: 1s
";
    let (what, tail) = error(place.lease(&place.environment(ends), "run"));
    assert!(what.contains("bad: it ended with exit status: 3"), "{what}");
    assert_eq!(tail, ["no such database"]);
    let silent = "
  bad:
    start: [sh, -c, 'echo $$ > \"$0/pid\"; exec sleep 600', '${{ services.bad.dir }}']
    ready: {exec: ['false'], within: 2s}
    stop_within: 1s
";
    let (what, _) = error(place.lease(&place.environment(silent), "run2"));
    assert!(what.contains("not ready within 2s: `false` ended with"), "{what}");
    gone(place.number("run2/bad/pid"));
    assert_eq!(
        place.told("bad"),
        ["starting", "failed", "stopped", "starting", "failed", "stopped"]
    );
}

const INSTALLED: &str = r#"
  tool:
    install: {run: [sh, -c, 'echo installing it; sleep 0.2; echo x >> "$0/installed"', "${{ cache }}"], stamp: [lock.txt], within: 60s}
    start: [sh, -c, 'echo ready; sleep 600']
    ready: {log: ready, within: 60s}
    stop_within: 5s
"#;

#[test]
fn installing_happens_once_also_side_by_side_and_again_when_a_stamped_file_changes() {
    let place = Place::new();
    std::fs::write(place.path("lock.txt"), "1").unwrap();
    let environment = place.environment(INSTALLED);
    let times = || {
        std::fs::read_to_string(place.path("cache/installed"))
            .unwrap()
            .lines()
            .count()
    };
    std::fs::create_dir_all(place.path("cache")).unwrap();
    std::thread::scope(|scope| {
        for home in ["a", "b", "c"] {
            let (place, environment) = (&place, &environment);
            scope.spawn(move || place.lease(environment, home).unwrap().end(&|_| {}));
        }
    });
    assert_eq!(times(), 1);
    assert!(
        place
            .told
            .lock()
            .unwrap()
            .iter()
            .any(|p| p.message.as_deref() == Some("installing it"))
    );
    std::fs::write(place.path("lock.txt"), "2").unwrap();
    place.lease(&environment, "d").unwrap().end(&|_| {});
    assert_eq!(times(), 2);
    // What is there is the second; to have the first back it has to be installed anew.
    std::fs::write(place.path("lock.txt"), "1").unwrap();
    place.lease(&environment, "e").unwrap().end(&|_| {});
    assert_eq!(times(), 3);
}

#[test]
fn a_failed_installation_leaves_no_stamp() {
    let place = Place::new();
    std::fs::write(place.path("lock.txt"), "1").unwrap();
    let environment =
        place.environment(&INSTALLED.replace("echo x >>", "echo out of space; exit 1; echo x >>"));
    for _ in 0..2 {
        let (what, tail) = error(place.lease(&environment, "run"));
        assert!(what.contains("installing failed"), "{what}");
        assert!(tail.contains(&"out of space".to_owned()), "{tail:?}");
    }
}

#[test]
fn what_is_up_is_shared_and_what_was_killed_is_started_anew() {
    let place = Place::new();
    // A log says nothing about now, so what is kept up needs another probe.
    let services = TALKER.replace(
        "{log: '^up on [0-9]+$', within: 60s}",
        r#"{exec: [test, -s, "${{ services.talker.dir }}/starts"], within: 60s}"#,
    );
    let environment = place.environment(&services);
    let states = place.path("states");
    let facts = place
        .with_site("unused", |site| up(&environment, site, &states))
        .unwrap();
    let pid = place.number("states/test/talker/pid");
    assert_eq!(status(&environment, &states).unwrap()[0].state, "up");

    // A run uses it and leaves it alone; a second `up` finds it there.
    let lease = place.lease(&environment, "run").unwrap();
    assert_eq!(lease.facts().ports, facts.ports);
    lease.end(&|_| {});
    let again = place
        .with_site("unused", |site| up(&environment, site, &states))
        .unwrap();
    assert_eq!(again.ports, facts.ports);
    assert!(runs(pid));

    // A changed file is no reason to use what was started from the old one.
    let changed = place.environment(&services.replace("echo started", "echo begun"));
    let refused = place
        .with_site("unused", |site| up(&changed, site, &states))
        .unwrap_err();
    assert!(refused.to_string().contains("has changed since"), "{refused}");
    let own = place.lease(&changed, "own").unwrap();
    assert_ne!(own.facts().ports, facts.ports);
    own.end(&|_| {});

    // Killed from outside: seen, and no obstacle.
    for name in ["pid", "child"] {
        let pid = place.number(&format!("states/test/talker/{name}"));
        kill(pid);
        gone(pid);
    }
    assert_eq!(status(&environment, &states).unwrap()[0].state, "gone");
    place
        .with_site("unused", |site| up(&environment, site, &states))
        .unwrap();
    let pid = place.number("states/test/talker/pid");
    assert!(runs(pid));
    let ended = place
        .with_site("unused", |site| down(&environment, site, &states))
        .unwrap();
    assert!(ended >= 2, "{ended} processes were ended");
    gone(pid);
    assert!(status(&environment, &states).unwrap().is_empty());
    assert_eq!(
        place
            .with_site("unused", |site| down(&environment, site, &states))
            .unwrap(),
        0
    );
}

fn kill(pid: u32) {
    let done = std::process::Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status()
        .unwrap();
    assert!(done.success());
}

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
    project.file("env.yaml", &format!("environment: test\nservices:{services}"));
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

fn read_number(dir: &Path, name: &str) -> Option<u32> {
    std::fs::read_to_string(dir.join(name)).ok()?.trim().parse().ok()
}

#[test]
fn a_service_that_does_not_start_blocks_the_specs_and_the_reports_have_its_last_lines() {
    let project = Project::new();
    project.file(
        "env.yaml",
        "environment: test\nservices:\n  bad:\n    start: [sh, -c, 'echo no such database; exit 3']\n    ready: {log: never, within: 60s}\n",
    );
    project.file(
        "T01.yaml",
        &crate::support::specrun::spec(
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
