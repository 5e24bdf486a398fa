//! Programs are found, run, capped and ended; nothing stays behind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::check::{Class, Failure};
use crate::tools::Rule;
use crate::tools::http::Until;

/// Long enough for a busy machine; no test waits for it to pass.
const CAP: Duration = Duration::from_mins(1);

fn until(limit: Duration) -> Until {
    Until {
        deadline: Instant::now() + limit,
        cancel: CancellationToken::new(),
    }
}

fn processes(run: &str) -> Processes {
    let redactor = Redactor::new(&[Secret::new("t", "hunter22")]);
    Processes::new(Arc::new(Grants::open()), Arc::new(redactor), run)
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh", ["-c".to_owned(), script.to_owned()]);
    command.dir = std::env::temp_dir();
    command.grace = Duration::from_millis(200);
    command
}

async fn run(command: Command) -> Result<Finished, Failure> {
    processes("test").run(command, &until(CAP)).await
}

/// Whether a process still exists and is no zombie.
fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}

async fn gone(pid: &str) {
    let end = Instant::now() + CAP;
    while alive(pid) {
        assert!(Instant::now() < end, "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a file has a line.
async fn line_of(path: &Path) -> String {
    let end = Instant::now() + CAP;
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(Instant::now() < end, "{} was not written", path.display()),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn outputs_and_exit_codes_are_kept() {
    let done = run(sh("echo out; echo err >&2; exit 3")).await.unwrap();
    assert_eq!((done.code, done.signal), (Some(3), None));
    assert_eq!(
        (done.stdout.text.as_str(), done.stderr.text.as_str()),
        ("out\n", "err\n")
    );
    let failure = done.failure();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(3)));
    assert!(failure.message.ends_with("ended with exit code 3"), "{failure}");
    assert_eq!(failure.details, ["stderr: err", "stdout: out"]);
}

#[tokio::test]
async fn arguments_are_never_read_by_a_shell() {
    let hostile = [
        "$(touch x)",
        "; rm -rf /",
        "`id`",
        "a b",
        "*",
        "\n",
        "'\"",
        "--",
        "$HOME",
        "| cat",
        "&& true",
        ">f",
    ];
    let mut command = Command::new("printf", ["%s\\n".to_owned()]);
    command.dir = std::env::temp_dir();
    command.args.extend(hostile.map(str::to_owned));
    let done = run(command).await.unwrap();
    assert_eq!(done.stdout.text, hostile.join("\n") + "\n");
}

#[tokio::test]
async fn the_environment_is_cleared() {
    let mut command = Command::new("env", []);
    command.env.push(("GIVEN".into(), EnvValue::Plain("yes".into())));
    command
        .env
        .push(("TOKEN".into(), EnvValue::Secret(Secret::new("t", "hunter22"))));
    let done = run(command).await.unwrap();
    for line in done.stdout.text.lines() {
        let name = line.split('=').next().unwrap();
        assert!(
            INHERITED.contains(&name) || ["GIVEN", "TOKEN", MARKER].contains(&name),
            "{line}"
        );
    }
    assert!(done.stdout.text.contains("GIVEN=yes\n"));
    assert!(done.stdout.text.contains("TOKEN=***\n"), "{}", done.stdout.text);
    assert!(done.stdout.text.contains("SPECRUN_RUN=test\n"));
    // The test runner sets this one, so something was there to be kept out.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some() && !done.stdout.text.contains("CARGO_PKG_NAME"));
}

#[tokio::test]
async fn input_is_given_or_empty() {
    assert_eq!(run(sh("cat; echo end")).await.unwrap().stdout.text, "end\n");
    let mut command = sh("cat");
    command.stdin = Some(b"text".to_vec());
    assert_eq!(run(command).await.unwrap().stdout.text, "text");
    // One that does not read it ends all the same.
    let mut command = sh("exit 0");
    command.stdin = Some(vec![b'x'; 1 << 20]);
    assert_eq!(run(command).await.unwrap().code, Some(0));
}

#[tokio::test]
async fn a_signal_is_no_exit_code() {
    let done = run(sh("kill -9 $$")).await.unwrap();
    assert_eq!(
        (done.code, done.signal, done.how().as_str()),
        (None, Some(9), "signal 9")
    );
}

#[tokio::test]
async fn too_slow_ends_it() {
    let failure = processes("test")
        .run(sh("sleep 1000"), &until(Duration::from_millis(100)))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Timeout);
    assert!(failure.message.contains("did not end in time"), "{failure}");
}

#[tokio::test]
async fn stopping_ends_it_and_all_it_started_even_when_it_will_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let cancel = CancellationToken::new();
    let u = Until {
        deadline: Instant::now() + CAP,
        cancel: cancel.clone(),
    };
    let p = processes("test");
    let script = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait", file.display());
    let (result, pid) = tokio::join!(p.run(sh(&script), &u), async {
        let pid = line_of(&file).await;
        cancel.cancel();
        pid
    });
    assert_eq!(result.unwrap_err().class, Class::Cancelled);
    gone(&pid).await;
}

#[tokio::test]
async fn a_polite_stop_lets_it_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ready");
    let cancel = CancellationToken::new();
    let mut command = sh(&format!(
        "trap 'echo stopping; exit 7' TERM; echo ready > {}; while :; do sleep 0.05; done",
        file.display()
    ));
    command.grace = CAP;
    let u = Until {
        deadline: Instant::now() + CAP,
        cancel: cancel.clone(),
    };
    let p = processes("test");
    let (result, ()) = tokio::join!(p.run(command, &u), async {
        line_of(&file).await;
        cancel.cancel();
    });
    let failure = result.unwrap_err();
    assert_eq!(failure.class, Class::Cancelled);
    assert!(
        failure.details.contains(&"stdout: stopping".to_owned()),
        "{failure:?}"
    );
}

#[tokio::test]
async fn when_it_is_dropped_the_group_dies() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let p = processes("test");
    let u = until(CAP);
    let running = p.run(
        sh(&format!("sleep 1000 & echo $! > {}; wait", file.display())),
        &u,
    );
    let pid = tokio::select! {
        result = running => panic!("it ended: {result:?}"),
        pid = line_of(&file) => pid,
    };
    gone(&pid).await;
}

#[tokio::test]
async fn what_it_leaves_behind_dies_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let done = run(sh(&format!("sleep 1000 & echo $! > {}", file.display())))
        .await
        .unwrap();
    assert_eq!(done.code, Some(0));
    gone(&line_of(&file).await).await;
}

#[tokio::test]
async fn endless_output_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("yes", []);
    command.most = 1 << 20;
    command.keep = 1000;
    command.grace = Duration::from_millis(200);
    command.spill = Some(dir.path().to_owned());
    let failure = run(command).await.unwrap_err();
    assert_eq!(failure.class, Class::TooLarge);
    let size = std::fs::metadata(dir.path().join("stdout.txt")).unwrap().len();
    assert!(size <= (1 << 20) + (16 << 10), "{size}");
}

#[tokio::test]
async fn what_cannot_be_run_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("plain.txt"), "x").unwrap();
    std::fs::write(dir.path().join("nothing"), "x y z").unwrap();
    std::fs::set_permissions(
        dir.path().join("nothing"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let class = async |program: &str, dir: PathBuf| {
        let mut command = Command::new(program, []);
        command.dir = dir;
        let failure = run(command).await.unwrap_err();
        (
            failure.class,
            failure.to_string() + &failure.help.unwrap_or_default(),
        )
    };
    let here = dir.path().to_owned();
    assert_eq!(
        class("surely-not-a-program", here.clone()).await.0,
        Class::Missing
    );
    assert_eq!(class("./none", here.clone()).await.0, Class::Missing);
    assert_eq!(class("./plain.txt", here.clone()).await.0, Class::BadParameter);
    assert_eq!(class("./", here.clone()).await.0, Class::BadParameter);
    assert_eq!(class("", here.clone()).await.0, Class::BadParameter);
    assert_eq!(class("true", here.join("none")).await.0, Class::Missing);
    let (class_, text) = class("./nothing", here.clone()).await;
    assert!(class_ == Class::BadParameter && text.contains("#!"), "{text}");
    let (_, text) = class("prinft", here).await;
    assert!(text.contains("did you mean `printf`"), "{text}");
}

#[tokio::test]
async fn what_is_not_granted_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let witness = dir.path().join("ran");
    let deny = |rule: &str| Grants {
        open: true,
        deny: vec![("exec".into(), Rule(rule.into()))],
        ..Grants::default()
    };
    let sh_path = find("sh", Path::new("/"), std::env::var_os("PATH").as_deref()).unwrap();
    std::os::unix::fs::symlink(&sh_path, dir.path().join("renamed")).unwrap();
    let real_name = sh_path.canonicalize().unwrap();
    let real_name = real_name.file_name().unwrap().to_str().unwrap();
    for (program, grants) in [
        ("sh", Grants::default()),
        ("sh", deny("sh")),
        (sh_path.to_str().unwrap(), deny("sh")),
        ("./renamed", deny(real_name)),
        (
            "./renamed",
            Grants {
                allow: vec![("exec".into(), Rule("sh".into()))],
                ..Grants::default()
            },
        ),
    ] {
        let p = Processes::new(Arc::new(grants), Arc::default(), "test");
        let mut command = Command::new(program, ["-c".to_owned(), format!("touch {}", witness.display())]);
        command.dir = dir.path().to_owned();
        let failure = p.run(command, &until(CAP)).await.unwrap_err();
        assert_eq!(failure.class, Class::NotGranted, "{program}: {failure}");
        assert!(!witness.exists(), "{program} ran");
    }
}

#[tokio::test]
async fn versions_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        format!("./{name}")
    };
    let p = processes("test");
    let good = script(
        "good",
        "[ \"$1\" = version ] && echo GitVersion: v2.4.1 || exit 1",
    );
    assert_eq!(
        p.version(&good, dir.path(), &until(CAP))
            .await
            .unwrap()
            .to_string(),
        "2.4.1"
    );
    let silent = script("silent", "exit 0");
    assert_eq!(
        p.version(&silent, dir.path(), &until(CAP))
            .await
            .unwrap_err()
            .class,
        Class::UnreadableAnswer
    );
}
