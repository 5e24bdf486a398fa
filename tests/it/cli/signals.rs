//! Signals: cleanup runs, reports are complete, nothing stays behind, and the exit code says what happened.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::specrun::{Project, Running, spec};

/// Far more than any wait here needs.
const CAP: Duration = Duration::from_mins(2);

fn project(cleanup: &str) -> Project {
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            &format!(
                "tools: [exec]\ntimeout: 20m\nsteps:\n  - id: a\n    exec.run: {{argv: [sh, -c, 'echo $$ > child; sleep 987; true']}}\n    timeout: 15m\n\
                 \x20   cleanup:\n      exec.run: {{argv: [sh, -c, '{cleanup}']}}\n      timeout: 15m\nexpect:\n  - a.exit_code == 0\n"
            ),
        ),
    );
    project.file(
        "specs/b.yaml",
        &spec("B", "tools: [exec]\nsteps:\n  - id: b\n    exec.run: {argv: [touch, b-ran]}\nexpect:\n  - b.exit_code == 0\n"),
    );
    project
}

fn start(project: &Project) -> Running {
    let running = Running::start(project.command(&[
        "specs",
        "-j",
        "1",
        "--report",
        "json=r.json",
        "--report",
        "junit=j.xml",
    ]));
    wait_for(&project.path().join("specs/child"));
    running
}

/// Waits until a file is there and has a whole line.
fn wait_for(path: &Path) -> String {
    let start = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(path)
            && text.ends_with('\n')
        {
            return text.trim().to_owned();
        }
        assert!(start.elapsed() < CAP, "{} did not come", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn send(running: &Running, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Whether the child of the step is still there: its number may be another's by now, its words are not.
fn child_lives(project: &Project) -> bool {
    let pid = wait_for(&project.path().join("specs/child"));
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).contains("sleep 987")
}

#[test]
fn each_signal_cleans_up_completes_the_reports_and_has_its_code() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let project = project("echo cleaned > cleaned");
        let running = start(&project);
        send(&running, signal);
        let ran = running.wait();
        assert_eq!(ran.code, code, "{signal:?}\n{}\n{}", ran.stdout, ran.stderr);
        assert_eq!(project.read("specs/cleaned"), "cleaned\n");
        assert!(!child_lives(&project), "{signal:?}: the child outlived the run");
        assert!(
            !project.path().join("specs/b-ran").exists(),
            "{signal:?}: a spec began after the signal"
        );
        let json: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
        let verdicts: Vec<&str> = json["specs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["verdict"].as_str().unwrap())
            .collect();
        assert_eq!(verdicts, ["cancelled", "cancelled"], "{signal:?}");
        assert!(
            project.read("j.xml").ends_with("</testsuites>\n"),
            "{}",
            project.read("j.xml")
        );
    }
}

/// Specs that make a file, work, and remove it again.
fn project_of_many(specs: usize) -> Project {
    let project = Project::new();
    project.file("specs/made/none", "");
    for n in 0..specs {
        let body = format!(
            "tools: [exec]\nsteps:\n  - id: make\n    exec.run: {{argv: [touch, made/{n}]}}\n    cleanup:\n      exec.run: {{argv: [rm, made/{n}]}}\n  \
             - id: tell\n    exec.run: {{argv: [sh, -c, 'echo >> began; exec sleep 0.05']}}\nexpect:\n  - make.exit_code == 0\n"
        );
        project.file(&format!("specs/s{n:02}.yaml"), &spec(&format!("S{n:02}"), &body));
    }
    project
}

/// One after the other, each at another place of the run: what was made is gone, every report names every spec.
#[test]
fn whenever_a_signal_comes_everything_is_cleaned_up_and_told() {
    const SPECS: usize = 12;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for after in [0, 1, 3, 6, 9] {
            let project = project_of_many(SPECS);
            let running = Running::start(project.command(&[
                "specs",
                "-j",
                "2",
                "--report",
                "json=r.json",
                "--report",
                "junit=j.xml",
            ]));
            let began = || std::fs::read(project.path().join("specs/began")).map_or(0, |text| text.len());
            let start = Instant::now();
            let first = || project.path().join(".specrun/runs").exists();
            while began() < after || !first() {
                assert!(start.elapsed() < CAP, "only {} specs began", began());
                std::thread::sleep(Duration::from_millis(5));
            }
            send(&running, signal);
            let ran = running.wait();
            let at = format!("{signal:?} after {after} specs: {}\n{}", ran.stdout, ran.stderr);
            assert_eq!(ran.code, code, "{at}");
            let left = std::fs::read_dir(project.path().join("specs/made"))
                .unwrap()
                .count();
            assert_eq!(left, 1, "{at}");
            let json: serde_json::Value = serde_json::from_str(&project.read("r.json")).unwrap();
            assert_eq!(json["specs"].as_array().unwrap().len(), SPECS, "{at}");
            assert!(project.read("j.xml").ends_with("</testsuites>\n"), "{at}");
        }
    }
}

/// A program may leave its process group, and even its session; the run still ends it.
#[test]
fn a_program_that_left_its_group_ends_with_the_run() {
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            "tools: [exec]\nsteps:\n  - id: a\n    exec.run: {argv: [sh, -c, 'setsid sh -c \"echo \\$\\$ > child; exec sleep 987\" >/dev/null 2>&1 & while ! test -s child; do sleep 0.02; done']}\n\
             expect:\n  - a.exit_code == 0\n",
        ),
    );
    let ran = project.run(&["specs"]).code(0);
    assert!(
        ran.stderr.contains("ended 1 program that steps had left running"),
        "{}",
        ran.stderr
    );
    assert!(!child_lives(&project), "it outlived the run");
}

#[test]
fn a_second_signal_ends_at_once_and_clean_does_the_rest() {
    let project = project("test -e free || { echo waiting > waiting; sleep 987; }; echo cleaned > cleaned");
    let running = start(&project);
    send(&running, Signal::INT);
    wait_for(&project.path().join("specs/waiting"));
    send(&running, Signal::INT);
    let ran = running.wait();
    assert_eq!(ran.code, 130, "{}\n{}", ran.stdout, ran.stderr);
    assert!(!project.path().join("specs/cleaned").exists());
    assert!(!child_lives(&project));
    project.file("specs/free", "");
    let ran = project.run(&["clean"]).code(0);
    assert!(ran.stdout.contains("undone"), "{}", ran.stdout);
    assert_eq!(project.read("specs/cleaned"), "cleaned\n");
    let ran = project.run(&["clean"]).code(0);
    assert_eq!(ran.stdout, "nothing to clean\n");
}

#[test]
fn after_a_sigkill_clean_undoes_and_ends_what_was_left() {
    let project = project("echo cleaned > cleaned");
    let running = start(&project);
    send(&running, Signal::KILL);
    assert_eq!(running.wait().code, 137);
    let report = project
        .run(&["report", "last", "--report", "junit=k.xml"])
        .code(0);
    assert!(
        report.stderr.contains("did not come to its end"),
        "{}",
        report.stderr
    );
    assert!(project.read("k.xml").contains("tests="));
    let dry = project.run(&["clean", "--dry-run"]).code(0);
    assert!(dry.stdout.contains("would be undone"), "{}", dry.stdout);
    assert!(!project.path().join("specs/cleaned").exists());
    project.run(&["clean"]).code(0);
    assert_eq!(project.read("specs/cleaned"), "cleaned\n");
    assert!(!child_lives(&project), "the child outlived `clean`");
    // What never ran, or never ended, is run again.
    let again = project.run(&["rerun", "last", "--set", "x=1"]);
    assert_eq!(
        again.code, 3,
        "both specs are taken; the input is unknown: {}",
        again.stderr
    );
}

#[test]
fn clean_says_what_it_cannot_remove_and_ends_with_7() {
    let project = project("echo it is not yours >&2; exit 3");
    let running = start(&project);
    send(&running, Signal::KILL);
    assert_eq!(running.wait().code, 137);
    for _ in 0..2 {
        // As often as it is tried: what is there is told.
        let ran = project.run(&["clean"]).code(7);
        assert!(
            ran.stdout.contains("LEFT: exec.run of A/a.cleanup[0]"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains("exit code 3"), "{}", ran.stdout);
        assert!(
            ran.stderr.contains("1 thing could not be removed"),
            "{}",
            ran.stderr
        );
    }
}

/// A step that ends when a file is there; it has less time than the stop will last.
fn project_with_little_time() -> Project {
    let project = Project::new();
    project.file(
        "specs/a.yaml",
        &spec(
            "A",
            &format!(
                "tools: [exec]\ntimeout: {LITTLE}s\nsteps:\n  - id: a\n    exec.run: {{argv: [sh, -c, 'echo $$ > child; while ! test -e go; do sleep 0.05; done'], timeout: {LITTLE}s}}\n    timeout: {LITTLE}s\n\
                 expect:\n  - a.exit_code == 0\n"
            ),
        ),
    );
    project
}

/// Seconds a step may take: enough to start on a busy machine, and less than the stop.
const LITTLE: u64 = 15;

#[test]
fn stopped_for_longer_than_a_timeout_it_goes_on_with_its_children() {
    let project = project_with_little_time();
    let running = Running::start(project.command(&["specs"]));
    let child = wait_for(&project.path().join("specs/child")).parse().unwrap();
    send(&running, Signal::TSTP);
    wait_for_state(running.pid(), 'T');
    // The children are told before the program itself; a busy system may take a moment to act on it.
    wait_for_state(child, 'T');
    std::thread::sleep(Duration::from_secs(LITTLE + 2));
    project.file("specs/go", "");
    assert_eq!(state_of(child), 'T');
    send(&running, Signal::CONT);
    running.wait().code(0);
}

#[test]
fn a_stop_that_cannot_be_heard_costs_no_time_either() {
    let project = project_with_little_time();
    let running = Running::start(project.command(&["specs"]));
    wait_for(&project.path().join("specs/child"));
    // On a busy machine the program is at work before specrun waits for it, and who does not wait yet notices no stop.
    std::thread::sleep(Duration::from_secs(1));
    send(&running, Signal::STOP);
    wait_for_state(running.pid(), 'T');
    std::thread::sleep(Duration::from_secs(LITTLE + 2));
    project.file("specs/go", "");
    send(&running, Signal::CONT);
    running.wait().code(0);
}

#[test]
fn a_stopped_run_can_be_ended() {
    let project = project("echo cleaned > cleaned");
    let running = start(&project);
    send(&running, Signal::TSTP);
    wait_for_state(running.pid(), 'T');
    send(&running, Signal::TERM);
    send(&running, Signal::CONT);
    running.wait().code(143);
    assert_eq!(project.read("specs/cleaned"), "cleaned\n");
    assert!(!child_lives(&project));
}

/// The state of a process by Linux' account: `T` is stopped.
fn state_of(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which is in parentheses.
    let rest = stat.rsplit(')').next().unwrap_or_default();
    rest.trim_start().chars().next().unwrap_or('-')
}

fn wait_for_state(pid: u32, state: char) {
    let start = Instant::now();
    while state_of(pid) != state {
        assert!(
            start.elapsed() < CAP,
            "{pid} did not come into state {state}: {}",
            state_of(pid)
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
