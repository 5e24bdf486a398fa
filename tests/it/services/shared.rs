//! What is up is shared between runs and environments as long as it is defined alike, and stopped by whom it belongs to.

use std::collections::BTreeSet;

use specrun::diag::Diagnostics;
use specrun::engine::services::{Lease, down, hold};
use specrun::source::Sources;
use specrun::spec::environment::{self, Environment, ServiceFacts};

use super::{Place, TALKER, gone, kill, runs};

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

    // The folder stays, and what the one before wrote to it must not speak for the next.
    let forget = || {
        for name in ["pid", "child", "starts"] {
            std::fs::remove_file(place.path(&format!("states/test/talker/{name}"))).unwrap();
        }
    };
    // Killed from outside: seen, and no obstacle.
    for name in ["pid", "child"] {
        let pid = place.number(&format!("states/test/talker/{name}"));
        kill(pid);
        gone(pid);
    }
    assert_eq!(place.state(&environment, "talker"), "gone");
    forget();
    place.up(&environment);
    let old = place.number("states/test/talker/pid");
    assert!(runs(old));
    // `up` with the changed file takes the place of the old.
    forget();
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
