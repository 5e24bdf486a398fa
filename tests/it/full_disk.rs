//! A disk that is full: the run goes on to its end, nothing half-written takes a final name, and the exit code says it.

use std::path::Path;
use std::process::{Command, Stdio};

use specrun::engine::journal;

use crate::support::specrun::{Project, Ran, Running, spec};

/// More than the disk holds, all together.
const SPECS: usize = 12;
const PRINTED: usize = 30_000;

/// What makes the disk small.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// A file may not grow beyond 64 KiB: possible for everybody.
    FileLimit,
    /// A file system of 256 KiB in a mount namespace of its own; the words enter it.
    Disk(&'static [&'static str]),
}

impl Way {
    /// Those this machine allows; the first is always there.
    fn all() -> Vec<Self> {
        const AS_ROOT: &[&str] = &["unshare", "--mount"];
        const AS_USER: &[&str] = &["unshare", "--user", "--map-root-user", "--mount"];
        let mut ways = vec![Self::FileLimit];
        let works = |enter: &[&str]| {
            Command::new(enter[0])
                .args(&enter[1..])
                .args(["mount", "-t", "tmpfs", "-o", "size=256k", "none", "/mnt"])
                .stdin(Stdio::null())
                .output()
                .is_ok_and(|o| o.status.success())
        };
        ways.extend([AS_ROOT, AS_USER].into_iter().find(|w| works(w)).map(Self::Disk));
        ways
    }

    /// Runs specrun with its run directory and its reports on the small disk, `disk` in the project; what is on it
    /// afterwards is in `kept`.
    fn run(self, project: &Project) -> Ran {
        const RUN: &str = "\"$0\" specs -j 1 --run-dir disk/runs --report json=disk/r.json --report junit=disk/j.xml; \
                           code=$?; cp -a disk kept || exit 99; exit $code";
        std::fs::create_dir(project.path().join("disk")).unwrap();
        let (enter, script): (&[&str], _) = match self {
            // POSIX counts in blocks of 512 bytes. What is copied was small enough before.
            Self::FileLimit => (&[], format!("ulimit -f 128; {RUN}")),
            Self::Disk(enter) => (
                enter,
                format!("mount -t tmpfs -o size=256k none disk || exit 98; {RUN}"),
            ),
        };
        let words: Vec<&str> = enter
            .iter()
            .copied()
            .chain(["sh", "-c", script.as_str()])
            .collect();
        let like = project.command(&[]);
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .arg(env!("CARGO_BIN_EXE_specrun"))
            .current_dir(project.path())
            .stdin(Stdio::null());
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Running::start(command).wait()
    }
}

#[test]
fn a_full_disk_is_told_by_the_exit_code_and_costs_no_verdict() {
    for way in Way::all() {
        let project = Project::new();
        for n in 0..SPECS {
            project.file(
                &format!("specs/{n:02}.yaml"),
                &spec(
                    &format!("F{n:02}"),
                    &format!(
                        "tools: [exec]\nsteps:\n  - id: s\n    exec.run: {{argv: [sh, -c, 'head -c {PRINTED} /dev/zero | tr \"\\0\" x']}}\n\
                         expect:\n  - len(s.stdout) == {PRINTED}\n"
                    ),
                ),
            );
        }
        let ran = way.run(&project);
        assert_eq!(ran.code, 74, "{way:?}\n{}\n{}", ran.stdout, ran.stderr);
        // Every spec ran, and its verdict was shown.
        assert!(
            ran.stdout.contains(&format!("{SPECS} passed")),
            "{way:?}\n{}",
            ran.stdout
        );
        let why = match way {
            Way::FileLimit => "File too large",
            Way::Disk(_) => "No space left on device",
        };
        for what in ["the journal", "json=", why] {
            assert!(ran.stderr.contains(what), "{way:?}: {what}\n{}", ran.stderr);
        }
        whole_or_absent(&project.path().join("kept"));
        readable(&project, &project.path().join("kept/runs"));
    }
}

/// Reports may be missing or of an earlier moment, but never cut, and no temporary file stays.
fn whole_or_absent(kept: &Path) {
    for entry in std::fs::read_dir(kept).unwrap() {
        let entry = entry.unwrap();
        match entry.file_name().to_str().unwrap() {
            "runs" => {}
            "r.json" => {
                let text = std::fs::read(entry.path()).unwrap();
                serde_json::from_slice::<serde_json::Value>(&text).unwrap();
            }
            "j.xml" => {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                assert!(text.ends_with("</testsuites>\n"), "{text}");
            }
            other => panic!("{other} was left on the disk"),
        }
    }
}

/// The journal has whole lines up to its end; what had no room is known to be missing.
fn readable(project: &Project, runs: &Path) {
    let run = std::fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let journal = journal::read(&run).unwrap();
    assert!(!journal.torn, "its last line is cut");
    assert!(!journal.events.is_empty());
    assert!(
        !journal.damage.is_empty(),
        "everything had room: the disk is too large"
    );
    for damage in &journal.damage {
        assert!(damage.what.contains("events are missing"), "{damage}");
    }
    let report = project.run(&["report", run.to_str().unwrap(), "--report", "junit=again.xml"]);
    assert!(report.code == 0, "{}", report.stderr);
    assert!(project.read("again.xml").ends_with("</testsuites>\n"));
}
