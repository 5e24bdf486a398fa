//! Services of environments: installed, started, waited for, shared, stopped; none outlives what it belongs to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use specrun::diag::Diagnostics;
use specrun::engine::services::{Lease, Logs, Progress, ServiceError, Site, Up, down, hold, status, up};
use specrun::source::Sources;
use specrun::spec::environment::{self, Environment, ServiceFacts};

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
            program: "/opt/specrun".into(),
            logs: Logs::default(),
            notify: &notify,
            interrupted: &|| false,
        })
    }

    fn lease(&self, environment: &Environment, home: &str) -> Result<Lease, ServiceError> {
        let wanted = environment.all_services();
        let lease = self.with_site(home, |site| {
            Lease::get(environment, &wanted, site, &self.path("states"), home)
        })?;
        if lease.failed().is_empty() {
            return Ok(lease);
        }
        let why = lease.failed().values().next().unwrap();
        let ServiceError::Failed {
            service,
            what,
            tail,
            log,
        } = why
        else {
            panic!("{why}");
        };
        Err(ServiceError::Failed {
            service: service.clone(),
            what: what.clone(),
            tail: tail.clone(),
            log: log.clone(),
        })
    }

    fn up(&self, environment: &Environment) -> Up {
        let wanted = environment.all_services();
        self.with_site("unused", |site| {
            up(environment, &wanted, site, &self.path("states"))
        })
        .unwrap()
    }

    fn state(&self, environment: &Environment, service: &str) -> String {
        let all = status(environment, &self.path("cache"), &self.path("states")).unwrap();
        all.iter().find(|s| s.name == service).unwrap().state.clone()
    }

    fn down(&self, environment: &Environment) -> usize {
        self.with_site("unused", |site| {
            down(environment, None, site, &self.path("states"))
        })
        .unwrap()
    }

    fn number(&self, path: &str) -> u32 {
        // The file is there a moment before what the service writes to it.
        let until = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let text = std::fs::read_to_string(self.path(path)).unwrap();
            match text.trim().parse() {
                Ok(number) => return number,
                Err(e) if std::time::Instant::now() > until => panic!("{path}: {text:?}: {e}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
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
fn a_service_is_told_which_program_starts_it() {
    let place = Place::new();
    let started = |env: &str| {
        let text = format!(
            "\n  teller:\n    start: [sh, -c, 'echo \"by $SPECRUN.\"; exec sleep 60']\n{env}    ready: {{log: by}}\n"
        );
        let home = format!("run{}", env.len());
        let lease = place.lease(&place.environment(&text), &home).unwrap();
        lease.end(&|_| {});
        std::fs::read_to_string(place.path(&format!("{home}/teller.log"))).unwrap()
    };
    assert_eq!(started(""), "by /opt/specrun.\n");
    assert_eq!(started("    env: {SPECRUN: its own}\n"), "by its own.\n");
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
fn a_service_whose_port_was_taken_meanwhile_gets_another() {
    let place = Place::new();
    let environment = place.environment(
        r#"
  unlucky:
    ports: [port]
    start:
      - sh
      - -c
      - 'echo "$1" >> "$0/ports"; [ "$(wc -l < "$0/ports")" = 2 ] || { echo "bind: address already in use"; exit 1; }; echo "up"; exec sleep 600'
      - "${{ services.unlucky.dir }}"
      - "${{ services.unlucky.port }}"
    ready: {log: '^up$', within: 60s}
"#,
    );
    let lease = place.lease(&environment, "run").unwrap();
    let ports = std::fs::read_to_string(place.path("run/unlucky/ports")).unwrap();
    assert_eq!(ports.lines().count(), 2, "{ports}");
    assert_eq!(
        ports.lines().last().unwrap(),
        lease.facts().ports[0].2.to_string(),
        "the facts name the port that it has"
    );
}

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
    let facts = place.up(&environment).facts;
    let pid = place.number("states/test/talker/pid");
    assert_eq!(place.state(&environment, "talker"), "up");

    // A run uses it and leaves it alone; a second `up` finds it there.
    let lease = place.lease(&environment, "run").unwrap();
    assert_eq!(lease.facts().ports, facts.ports);
    lease.end(&|_| {});
    assert_eq!(place.up(&environment).facts.ports, facts.ports);
    assert!(runs(pid));

    // A changed file is no reason to use what was started from the old one.
    let changed = place.environment(&services.replace("echo started", "echo begun"));
    assert_eq!(place.state(&changed, "talker"), "up, from an older definition");
    let own = place.lease(&changed, "own").unwrap();
    assert_ne!(own.facts().ports, facts.ports);
    own.end(&|_| {});
    assert!(runs(pid), "a run ended what it had not started");

    // Killed from outside: seen, and no obstacle.
    for name in ["pid", "child"] {
        let pid = place.number(&format!("states/test/talker/{name}"));
        kill(pid);
        gone(pid);
    }
    assert_eq!(place.state(&environment, "talker"), "gone");
    place.up(&environment);
    let old = place.number("states/test/talker/pid");
    assert!(runs(old));
    // `up` with the changed file takes the place of the old.
    place.up(&changed);
    gone(old);
    let pid = place.number("states/test/talker/pid");
    assert!(runs(pid));
    let ended = place.down(&changed);
    assert!(ended >= 2, "{ended} processes were ended");
    gone(pid);
    assert_eq!(place.state(&environment, "talker"), "not started");
    assert_eq!(place.down(&environment), 0);
}

/// Three services: the second needs the first, the third nobody.
const CHAIN: &str = r#"
  first:
    ports: [port]
    start: [sh, -c, 'echo $$ >> "$0/pids"; exec sleep 600', "${{ services.first.dir }}"]
    ready: {exec: [test, -s, "${{ services.first.dir }}/pids"], within: 60s}
    stop_within: 5s
  second:
    ports: [port]
    start: [sh, -c, 'echo $$ >> "$0/pids"; echo "$1"; exec sleep 600', "${{ services.second.dir }}", "${{ services.first.port }}"]
    ready: {exec: [test, -s, "${{ services.second.dir }}/pids"], within: 60s}
    stop_within: 5s
  third:
    ports: [port]
    start: [sh, -c, 'echo $$ >> "$0/pids"; exec sleep 600', "${{ services.third.dir }}"]
    ready: {exec: [test, -s, "${{ services.third.dir }}/pids"], within: 60s}
    stop_within: 5s
"#;

#[test]
fn an_environment_starts_only_what_it_changes_and_what_needs_that() {
    let place = Place::new();
    let environment = place.environment(CHAIN);
    let up = place.up(&environment);
    let port = |facts: &ServiceFacts, name: &str| {
        let found = facts.ports.iter().find(|(n, ..)| n == name);
        found.map(|(_, _, port)| *port)
    };
    let variant = |name: &str, services: &str| {
        let file = place.path(&format!("{name}.yaml"));
        let text = format!("environment: {name}\nextends: env.yaml\nservices:\n{services}");
        std::fs::write(&file, text).unwrap();
        let mut found = Diagnostics::new();
        environment::read(&Sources::new(), &file, &specrun::actions::REGISTRY, &mut found).unwrap()
    };
    // Another variable is another service.
    for (changed, own) in [
        ("third", &["third"][..]),
        ("second", &["second"]),
        ("first", &["first", "second"]),
    ] {
        let variant = variant(changed, &format!("  {changed}: {{env: {{FAULT: slow}}}}\n"));
        let lease = place.lease(&variant, &format!("run-{changed}")).unwrap();
        for name in ["first", "second", "third"] {
            let shared = port(lease.facts(), name) == port(&up.facts, name);
            assert_eq!(shared, !own.contains(&name), "{changed} changed: {name}");
        }
        lease.end(&|_| {});
    }
    // An environment of another name with the same services shares them all, and does not stop them.
    let same = variant("same", "  third: {stop_within: 6s}\n");
    let lease = place.lease(&same, "run-same").unwrap();
    assert_eq!(lease.facts().ports.len(), 3);
    assert!(
        ["first", "second", "third"]
            .iter()
            .all(|n| port(lease.facts(), n) == port(&up.facts, n))
    );
    lease.end(&|_| {});
    assert_eq!(place.down(&same), 0);
    assert_eq!(place.state(&same, "second"), "up");
    // Stopping what another needs stops that as well.
    let names = BTreeSet::from(["first".to_owned()]);
    place
        .with_site("unused", |site| {
            down(&environment, Some(&names), site, &place.path("states"))
        })
        .unwrap();
    let state = |name: &str| place.state(&environment, name);
    assert_eq!(
        (state("first"), state("second"), state("third")),
        ("not started".into(), "not started".into(), "up".into())
    );
    place.down(&environment);
}

#[test]
fn only_what_is_wanted_and_what_it_needs_is_started_and_one_that_fails_stops_no_other() {
    let place = Place::new();
    let environment = place.environment(CHAIN);
    let wanted = BTreeSet::from(["second".to_owned()]);
    let get = |environment: &Environment, wanted: &BTreeSet<String>, home: &str| {
        place
            .with_site(home, |site| {
                Lease::get(environment, wanted, site, &place.path("states"), home)
            })
            .unwrap()
    };
    let lease = get(&environment, &wanted, "run");
    let mut names: Vec<&str> = lease.facts().dirs.iter().map(|(n, _)| n.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["first", "second"]);
    lease.end(&|_| {});
    let broken = place.environment(&CHAIN.replacen("exec sleep 600", "exit 7", 1));
    let lease = get(&broken, &broken.all_services(), "broken");
    let failed: Vec<String> = lease.failed().values().map(ToString::to_string).collect();
    assert!(
        failed[0].contains("`first`: it ended with exit status: 7"),
        "{failed:?}"
    );
    assert!(
        failed[1].contains("`second`: it needs `first`, which is not there"),
        "{failed:?}"
    );
    let names: Vec<&str> = lease.facts().dirs.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["third"]);
    lease.end(&|_| {});
}

#[test]
fn what_is_only_installed_is_there_when_it_is_installed() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("cache")).unwrap();
    let environment = place.environment(
        r#"
  tool: {install: {run: [sh, -c, 'echo x >> "$0/installed"', "${{ cache }}"]}}
"#,
    );
    assert_eq!(place.state(&environment, "tool"), "not installed");
    assert!(place.up(&environment).failed.is_empty());
    assert_eq!(place.state(&environment, "tool"), "installed");
    let lease = place.lease(&environment, "run").unwrap();
    assert_eq!(lease.facts().dirs.len(), 1);
    assert_eq!(
        std::fs::read_to_string(place.path("cache/installed")).unwrap(),
        "x\n"
    );
}

#[test]
fn services_that_a_program_holds_are_up_for_others_while_it_does() {
    let place = Place::new();
    let environment = place.environment(CHAIN);
    let states = place.path("states");
    let wanted = BTreeSet::from(["second".to_owned()]);
    let held = place
        .with_site("unused", |site| hold(&environment, &wanted, site, &states))
        .unwrap();
    let lease = place.lease(&environment, "run").unwrap();
    assert!(held.facts.ports.iter().all(|p| lease.facts().ports.contains(p)));
    lease.end(&|_| {});
    assert_eq!(place.state(&environment, "second"), "up");
    let pid = place.number("states/test/second/pids");
    drop(held);
    gone(pid);
    assert_eq!(place.state(&environment, "second"), "not started");
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

fn read_number(dir: &Path, name: &str) -> Option<u32> {
    std::fs::read_to_string(dir.join(name)).ok()?.trim().parse().ok()
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
    crate::support::specrun::spec(
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
    project.file("T01.yaml", &crate::support::specrun::spec("T01", &reads));
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
