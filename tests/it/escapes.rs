//! Over a hundred ways to reach what was not granted. Each ends with an error, and witnesses say that nothing was
//! reached: a server that counts connections, a file that a program would make, a text that must appear nowhere.

use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::tools::Grants;
use specrun::tools::http::Lookup;

use crate::support::actions::{Stage, only};
use crate::support::faults::Faults;

/// What stands in the files outside.
const CANARY: &str = "canary-7d1f9e3a";

/// A stage with a server that is granted, one that is not, and files and programs outside.
struct Prison {
    stage: Stage,
    granted: Faults,
    forbidden: Faults,
    /// Exists when a program ran that should not have.
    witness: PathBuf,
    attempts: usize,
}

/// Whether something got out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    /// Must end with an error.
    Fail,
    /// May end well, as long as nothing was reached: it led to what is granted.
    LeadBack,
}

impl Prison {
    async fn new() -> Self {
        let mut stage = Stage::new();
        let (granted, forbidden) = (Faults::start().await, Faults::start().await);
        stage.endpoint("http", granted.url(""));
        stage.file("project/specs/inside.txt", "inside");
        stage.file("outside/secret.txt", CANARY);
        stage.file("outside/secret.json", format!("{{\"a\": \"{CANARY}\"}}"));
        let witness = stage.path("witness");
        let run = format!("touch {}", witness.display());
        stage.program("outside/tool", &run);
        stage.program("project/specs/tool", &run);
        stage.program("project/specs/bin/printf", &run);
        let specs = stage.path("project/specs");
        symlink(stage.path("outside/secret.txt"), specs.join("link.txt")).unwrap();
        symlink("link.txt", specs.join("link-to-link.txt")).unwrap();
        symlink(stage.path("outside"), specs.join("dir")).unwrap();
        symlink("/", specs.join("root")).unwrap();
        symlink("/bin/sh", specs.join("printf")).unwrap();
        Self {
            stage,
            granted,
            forbidden,
            witness,
            attempts: 0,
        }
    }

    /// Only the first server, and the program `printf`.
    fn policy(&self) -> Grants {
        only(&[
            ("net", format!("127.0.0.1:{}", self.granted.port())),
            ("exec", "printf".to_owned()),
        ])
    }

    async fn attempt(&mut self, action: &str, params: Json, grants: Grants, may: May) -> Option<Failure> {
        self.attempts += 1;
        let what = format!("{action} {params}");
        let result = self.stage.run_unchecked(action, params, grants).await;
        assert_eq!(
            self.forbidden.connections(),
            0,
            "{what}: a server was reached that was not granted"
        );
        assert!(
            !self.witness.exists(),
            "{what}: a program ran that was not granted"
        );
        assert!(
            !format!("{result:?}").contains(CANARY),
            "{what}: a file was read that was not granted"
        );
        for request in self.granted.requests() {
            assert!(
                !request.contains(CANARY),
                "{what}: a file was sent that was not granted"
            );
            assert!(
                !request.to_ascii_lowercase().contains("\nevil:"),
                "{what}: a header was smuggled in: {request}"
            );
        }
        match result {
            Ok(output) => {
                assert!(may == May::LeadBack, "{what}: ended well with {output}");
                None
            }
            Err(failure) => {
                if failure.class == Class::NotGranted {
                    let help = failure.help.clone().unwrap_or_default();
                    assert!(
                        help.contains("--allow-") || help.contains("--deny-"),
                        "{what}: {failure:?}"
                    );
                }
                Some(failure)
            }
        }
    }

    async fn refused(&mut self, action: &str, params: Json, grants: Grants, classes: &[Class]) {
        let what = format!("{action} {params}");
        let failure = self.attempt(action, params, grants, May::Fail).await.unwrap();
        assert!(classes.contains(&failure.class), "{what}: {failure:?}");
    }
}

/// Ways to write the address of a server on this machine.
fn spellings(port: u16, granted: u16) -> Vec<String> {
    [
        "http://127.0.0.1:PORT/ok",
        "HTTP://127.0.0.1:PORT/ok",
        "http://localhost:PORT/ok",
        "http://LOCALHOST:PORT/ok",
        "http://127.1:PORT/ok",
        "http://0x7f.1:PORT/ok",
        "http://0x7f000001:PORT/ok",
        "http://2130706433:PORT/ok",
        "http://0177.0.0.1:PORT/ok",
        "http://127.0.0.1.:PORT/ok",
        "http://[::ffff:127.0.0.1]:PORT/ok",
        "http://[::ffff:7f00:1]:PORT/ok",
        "http://[::1]:PORT/ok",
        "http://0.0.0.0:PORT/ok",
        "http://0:PORT/ok",
        "http://①②⑦.⓪.⓪.①:PORT/ok",
        "http://127。0。0。1:PORT/ok",
        "http://127.0.0.1:GRANTED@127.0.0.1:PORT/ok",
        "http://user:pass@127.0.0.1:PORT/ok",
        "http://127.0.0.1:PORT#@127.0.0.1:GRANTED/ok",
        "http://127.0.0.1:PORT?@127.0.0.1:GRANTED/ok",
        "http://127.0.0.1:PORT\\@127.0.0.1:GRANTED/ok",
        "http:\\\\127.0.0.1:PORT\\ok",
        "http:127.0.0.1:PORT/ok",
        "http:///127.0.0.1:PORT/ok",
        "http://127.0.0.1:000PORT/ok",
        "https://127.0.0.1:PORT/ok",
        "ftp://127.0.0.1:PORT/ok",
        "ws://127.0.0.1:PORT/ok",
        "unix://127.0.0.1:PORT/ok",
        "file://127.0.0.1:PORT/etc/passwd",
        "http://127.0.0.1:PORT\t/ok",
        "http://127.0.0.1\r\n:PORT/ok",
    ]
    .map(|s| {
        s.replace("PORT", &port.to_string())
            .replace("GRANTED", &granted.to_string())
    })
    .to_vec()
}

#[tokio::test]
async fn no_spelling_of_an_address_gets_around_the_grants() {
    let mut prison = Prison::new().await;
    for url in spellings(prison.forbidden.port(), prison.granted.port()) {
        let policy = prison.policy();
        prison
            .refused(
                "http.request",
                json!({"url": url}),
                policy,
                &[Class::NotGranted, Class::BadParameter],
            )
            .await;
    }
    assert!(prison.attempts > 30);
    assert!(prison.granted.requests().is_empty());
}

#[tokio::test]
async fn no_redirect_gets_around_the_grants() {
    let mut prison = Prison::new().await;
    let escape = |url: &str| {
        percent_encoding::utf8_percent_encode(url, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let mut targets = spellings(prison.forbidden.port(), prison.granted.port());
    targets.retain(|t| !t.contains(['\r', '\t']));
    targets.push(format!("//127.0.0.1:{}/ok", prison.forbidden.port()));
    targets.push("file:///etc/passwd".to_owned());
    targets.push("http://169.254.169.254/latest/meta-data/".to_owned());
    for target in &targets {
        let policy = prison.policy();
        let params = json!({"url": format!("/to/{}", escape(target)), "redirects": 5});
        prison
            .refused(
                "http.request",
                params,
                policy,
                &[Class::NotGranted, Class::Redirect, Class::Unreachable],
            )
            .await;
    }
    // Each began with what is granted; a relative one also led back to it.
    assert!(prison.granted.requests().len() >= targets.len());
}

#[tokio::test]
async fn paths_on_an_endpoint_stay_there() {
    let mut prison = Prison::new().await;
    let port = prison.forbidden.port();
    for path in [
        format!("@127.0.0.1:{port}/ok"),
        format!("//127.0.0.1:{port}/ok"),
        format!("/\\127.0.0.1:{port}/ok"),
        format!(":{port}/ok"),
        format!(".127.0.0.1:{port}/ok"),
        format!("?@127.0.0.1:{port}"),
        format!("#@127.0.0.1:{port}/ok"),
        format!("/echo/../@127.0.0.1:{port}/ok"),
    ] {
        let policy = prison.policy();
        // The fault server knows no such mode, so the answer may fail; only the other server is the witness.
        prison
            .attempt("http.request", json!({"url": path}), policy, May::LeadBack)
            .await;
    }
    for host in [
        format!("127.0.0.1:{port}"),
        "localhost".to_owned(),
        "evil.example".to_owned(),
    ] {
        let policy = prison.policy();
        prison
            .attempt(
                "http.request",
                json!({"url": "/echo", "host": host}),
                policy,
                May::LeadBack,
            )
            .await;
        let policy = prison.policy();
        let url = format!("https://127.0.0.1:{}/ok", prison.granted.port());
        let params = json!({"url": url, "host": host, "timeout": "300ms"});
        prison.attempt("http.request", params, policy, May::Fail).await;
    }
}

#[tokio::test]
async fn metadata_services_are_refused_in_every_spelling_even_without_a_policy() {
    let mut prison = Prison::new().await;
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://169.16689662/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://169.254.170.2/v2/credentials",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://169.254.169.254:8080/",
        "https://169.254.169.254/",
    ] {
        prison
            .refused(
                "http.request",
                json!({"url": url}),
                Grants::open(),
                &[Class::NotGranted],
            )
            .await;
        let everything = only(&[("net", "*".to_owned())]);
        prison
            .refused(
                "http.request",
                json!({"url": url}),
                everything,
                &[Class::NotGranted],
            )
            .await;
    }
}

/// A resolver that gives each of its answers once, then the last for ever.
struct Changing {
    answers: Vec<&'static str>,
    asked: AtomicUsize,
}

impl Lookup for Changing {
    fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        let at = self
            .asked
            .fetch_add(1, Ordering::SeqCst)
            .min(self.answers.len() - 1);
        let addresses = self.answers[at].split(' ').map(|a| a.parse().unwrap()).collect();
        Box::pin(async move { Ok(addresses) })
    }
}

#[tokio::test]
async fn names_that_change_their_address_gain_nothing() {
    let mut prison = Prison::new().await;
    for answers in [
        vec!["169.254.169.254"],
        vec!["fe80::1"],
        vec!["::ffff:169.254.169.254"],
        vec!["127.0.0.1"],
        vec!["::1"],
        vec!["93.184.216.34 169.254.169.254"],
        vec!["93.184.216.34 127.0.0.1"],
        vec!["127.0.0.1", "93.184.216.34"],
    ] {
        prison.stage.lookup = Arc::new(Changing {
            answers,
            asked: AtomicUsize::new(0),
        });
        let port = prison.forbidden.port();
        let grants = only(&[("net", format!("rebind.example:{port}"))]);
        let params = json!({"url": format!("http://rebind.example:{port}/ok")});
        prison
            .refused("http.request", params, grants, &[Class::NotGranted])
            .await;
    }
    // Without a policy a name may lead to this machine, and the second answer is judged like the first.
    let port = prison.granted.port();
    prison.stage.lookup = Arc::new(Changing {
        answers: vec!["127.0.0.1", "169.254.169.254"],
        asked: AtomicUsize::new(0),
    });
    let target = format!("http%3A%2F%2Fsecond.example%3A{port}%2Fok");
    let params = json!({"url": format!("http://first.example:{port}/to/{target}"), "redirects": 1});
    prison
        .refused("http.request", params, Grants::open(), &[Class::NotGranted])
        .await;
    assert_eq!(prison.granted.requests().len(), 1);
}

#[tokio::test]
async fn no_header_is_smuggled_in() {
    let mut prison = Prison::new().await;
    for headers in [
        json!({"x": "a\r\nevil: 1"}),
        json!({"x": "a\nevil: 1"}),
        json!({"x": "a\revil: 1"}),
        json!({"x": "a\u{0}b"}),
        json!({"x\r\nevil": "1"}),
        json!({"x: 1\r\nevil": "1"}),
        json!({"": "1"}),
        json!({"x y": "1"}),
        json!({"x:": "1"}),
        json!({"content-length": "0"}),
        json!({"Transfer-Encoding": "chunked"}),
        json!({"connection": "upgrade"}),
        json!({"upgrade": "h2c"}),
        json!({"host": "evil.example"}),
        json!({"te": "trailers"}),
        json!({"expect": "100-continue"}),
    ] {
        let policy = prison.policy();
        prison
            .refused(
                "http.request",
                json!({"url": "/ok", "headers": headers}),
                policy,
                &[Class::BadParameter],
            )
            .await;
    }
    for params in [
        json!({"url": "/ok", "secret_headers": {"x": "a\r\nevil: 1"}}),
        json!({"url": "/ok", "auth": {"bearer": "a\r\nevil: 1"}}),
        json!({"url": "/ok", "host": "a\r\nevil: 1"}),
        json!({"url": "/ok\r\nevil: 1"}),
        json!({"url": "/ok HTTP/1.1\r\nevil: 1\r\n\r\n"}),
    ] {
        let policy = prison.policy();
        prison
            .refused("http.request", params, policy, &[Class::BadParameter])
            .await;
    }
    for params in [
        json!({"url": "/echo", "query": {"q": "a\r\nevil: 1"}}),
        json!({"url": "/echo", "query": {"a\r\nevil: 1": "q"}}),
        json!({"url": "/echo", "method": "POST", "form": {"q": "a\r\nevil: 1"}}),
        json!({"url": "/echo", "auth": {"basic": {"username": "a\r\nevil: 1", "password": "p\r\nevil: 1"}}}),
        json!({"url": "/echo?q=a\u{85}evil: 1"}),
    ] {
        let policy = prison.policy();
        prison
            .attempt("http.request", params, policy, May::LeadBack)
            .await;
    }
}

#[tokio::test]
async fn no_path_leads_outside() {
    let mut prison = Prison::new().await;
    let outside = prison.stage.path("outside/secret.txt").display().to_string();
    let paths = [
        "../../outside/secret.txt".to_owned(),
        "./.././../outside/secret.txt".to_owned(),
        "../specs/../../outside/secret.txt".to_owned(),
        "inside.txt/../../../outside/secret.txt".to_owned(),
        "none/../../../outside/secret.txt".to_owned(),
        "dir/secret.txt".to_owned(),
        "dir/../outside/secret.txt".to_owned(),
        "link.txt".to_owned(),
        "link-to-link.txt".to_owned(),
        format!("root{outside}"),
        outside.clone(),
        format!("/{outside}"),
        format!("/proc/self/root{outside}"),
        format!("/proc/self/cwd/..{outside}"),
        "/proc/self/environ".to_owned(),
        "/proc/1/environ".to_owned(),
        "/etc/passwd".to_owned(),
        "root/etc/passwd".to_owned(),
        "/dev/zero".to_owned(),
        "/dev/stdin".to_owned(),
        "~/.ssh/id_rsa".to_owned(),
        "file:///etc/passwd".to_owned(),
        "..".to_owned(),
        "/".to_owned(),
        "link.txt\u{0}.txt".to_owned(),
    ];
    for path in &paths {
        for grants in [Grants::open(), prison.policy()] {
            let classes = [Class::NotGranted, Class::Missing, Class::BadParameter];
            prison
                .refused("file.read", json!({"path": path}), grants.clone(), &classes)
                .await;
            prison
                .refused("file.hash", json!({"path": path}), grants.clone(), &classes)
                .await;
            let params = json!({"url": "/echo", "method": "POST", "file": path});
            prison
                .refused("http.request", params, grants.clone(), &classes)
                .await;
            let params = json!({"url": "/echo", "method": "POST", "template": {"file": path}});
            prison
                .refused("http.request", params, grants.clone(), &classes)
                .await;
            prison
                .refused(
                    "http.request",
                    json!({"url": "/echo", "ca": path}),
                    grants,
                    &classes,
                )
                .await;
        }
    }
    for path in [&paths[0], &paths[5], &paths[7], &paths[10]] {
        prison
            .refused(
                "file.read",
                json!({"path": path}),
                Grants::open(),
                &[Class::NotGranted],
            )
            .await;
    }
    for template in [
        "{% include '../../outside/secret.txt' %}",
        "{% include 'link.txt' %}",
        "{% import 'dir/secret.txt' as x %}{{ x }}",
        "{% extends '/etc/passwd' %}",
        "{{ undefined_name }}",
        "{{ env('HOME') }}",
    ] {
        prison.stage.file("project/specs/template.txt", template);
        let params = json!({"url": "/echo", "method": "POST", "template": {"file": "template.txt"}});
        let policy = prison.policy();
        prison
            .refused("http.request", params, policy, &[Class::BadParameter])
            .await;
    }
    assert!(prison.attempts > 100);
}

#[tokio::test]
async fn no_program_runs_that_is_not_granted() {
    let mut prison = Prison::new().await;
    let w = prison.witness.display().to_string();
    let script = format!("touch {w}");
    let bin = prison.stage.path("project/specs/bin").display().to_string();
    let tool = prison.stage.path("outside/tool").display().to_string();
    for argv in [
        json!(["sh", "-c", script]),
        json!(["bash", "-c", script]),
        json!(["dash", "-c", script]),
        json!(["/bin/sh", "-c", script]),
        json!(["/usr/bin/env", "touch", w]),
        json!(["env", "touch", w]),
        json!(["touch", w]),
        json!(["/usr/bin/touch", w]),
        json!(["busybox", "touch", w]),
        json!(["xargs", "touch"]),
        json!(["nohup", "touch", w]),
        json!(["setsid", "touch", w]),
        json!(["timeout", "1", "touch", w]),
        json!(["python3", "-c", format!("open('{w}', 'w')")]),
        json!(["./tool"]),
        json!(["tool"]),
        json!(["../specs/tool"]),
        json!(["dir/tool"]),
        json!(["../../outside/tool"]),
        json!([tool]),
        json!(["bin/printf"]),
        json!(["./printf", "-c", script]),
        json!(["./bin/../printf", "-c", script]),
        json!(["PRINTF", "x"]),
        json!(["printf ", "x"]),
        json!([" printf", "x"]),
        json!([format!("printf; {script}")]),
        json!([format!("printf x && {script}")]),
        json!([format!("printf\n{script}")]),
        json!([format!("$({script})")]),
        json!(["printf\u{0}", "x"]),
        json!([""]),
        json!(["?"]),
        json!(["*"]),
        json!(["."]),
        json!(["/"]),
    ] {
        let policy = prison.policy();
        prison
            .refused(
                "exec.run",
                json!({"argv": argv}),
                policy,
                &[Class::NotGranted, Class::BadParameter, Class::Missing],
            )
            .await;
    }
    // Variables that would put another program, or other code, in the place of a granted one.
    for env in [
        json!({"LD_PRELOAD": tool}),
        json!({"LD_LIBRARY_PATH": bin}),
        json!({"LD_AUDIT": tool}),
        json!({"BASH_ENV": tool}),
        json!({"ENV": tool}),
        json!({"PYTHONPATH": bin}),
        json!({"NODE_OPTIONS": "--require ./tool"}),
        json!({"PERL5OPT": "-Mtool"}),
        json!({"A=B": "1"}),
        json!({"": "1"}),
        json!({"A\u{0}": "1"}),
    ] {
        let policy = prison.policy();
        let params = json!({"argv": ["printf", "x"], "env": env});
        prison
            .refused(
                "exec.run",
                params,
                policy,
                &[Class::NotGranted, Class::BadParameter],
            )
            .await;
    }
    for path in [bin.as_str(), ".", "", "bin"] {
        let policy = prison.policy();
        let params = json!({"argv": ["printf", "x"], "env": {"PATH": path}});
        prison.attempt("exec.run", params, policy, May::LeadBack).await;
    }
    for dir in ["../../outside", "dir", "root", "/"] {
        let policy = prison.policy();
        let params = json!({"argv": ["printf", "x"], "dir": dir});
        prison
            .refused("exec.run", params, policy, &[Class::NotGranted])
            .await;
    }
    // What a shell would do with the arguments of a granted program, it does not.
    for word in [
        format!("; {script}"),
        format!("$({script})"),
        format!("`{script}`"),
        format!("| {script}"),
        format!("\n{script}\n"),
    ] {
        let policy = prison.policy();
        let failure = prison
            .attempt(
                "exec.run",
                json!({"argv": ["printf", "%s", word]}),
                policy,
                May::LeadBack,
            )
            .await;
        assert_eq!(failure, None);
    }
    assert!(prison.attempts > 55);
}

#[tokio::test]
async fn the_environment_of_specrun_is_not_harvested() {
    let stage = Stage::new();
    let output = stage
        .run("exec.run", json!({"argv": ["env"]}), Grants::open())
        .await
        .unwrap();
    let text = output["stdout"].as_str().unwrap();
    // Cargo sets these for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(!text.contains("CARGO_"), "{text}");
    assert!(text.contains("SPECRUN_RUN=stage\n"), "{text}");
}

#[test]
fn the_prison_holds_what_it_should() {
    // A symbolic link that leads nowhere would make an attempt fail for the wrong reason.
    assert!(Path::new("/bin/sh").exists() && Path::new("/proc/self/environ").exists());
}
