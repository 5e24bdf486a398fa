//! What has to be installed is installed once, and again when what it was made from changes.

use super::{Place, error};

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
