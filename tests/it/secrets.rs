//! Fifty secrets in every usual encoding come back from programs, services and a server with every fault, and reach no
//! sink: neither whole nor, where that can be told, in part.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::Rng as _;
use specrun::tools::Redactor;
use specrun::value::Secret;

use crate::support::faults::Faults;
use crate::support::specrun::{Project, spec};

const SECRETS: usize = 50;
/// Shorter pieces of a secret tell nothing of it.
const PIECE: usize = 12;

/// Every mode of the fault server that leaves room for words, and every other that ends.
const FAULTS: [&str; 25] = [
    "/said",
    "/echo",
    "/html",
    "/truncated-json",
    "/gzip-garbage",
    "/bad-chunk",
    "/bad-header",
    "/not-http",
    "/cut",
    "/cut-chunk",
    "/two-lengths",
    "/reset-before",
    "/reset-body",
    "/close-before",
    "/large-header",
    "/double-gzip",
    "/gzip-cut",
    "/brotli",
    "/nan",
    "/latin1",
    "/loop",
    "/status/401",
    "/status/404",
    "/status/500",
    "/status/503",
];

/// Always the same: words of one line, with everything that needs escaping, JSON, several lines, base64.
fn canaries() -> Vec<String> {
    let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(20);
    let mut word = |n: usize| -> String {
        (0..n)
            .map(|_| char::from(random.sample(rand::distr::Alphanumeric)))
            .collect()
    };
    (0..SECRETS)
        .map(|n| match n % 5 {
            0 => word(24),
            1 => format!("p@ss/{}+\"&<'> é${}\\", word(10), word(10)),
            2 => format!("{{\"user\": \"u-{}\", \"keys\": [\"{}\"]}}", word(12), word(16)),
            3 => format!(
                "-----BEGIN KEY-----\n{}\n{}\n-----END KEY-----",
                word(40),
                word(40)
            ),
            _ => STANDARD.encode(word(22)),
        })
        .collect()
}

/// What of a secret must not be seen alone: itself, its lines, the leaves of its JSON.
fn parts(secret: &str) -> Vec<String> {
    let mut parts = vec![secret.to_owned()];
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(secret) {
        parts.push(json["user"].as_str().unwrap().to_owned());
        parts.push(json["keys"][0].as_str().unwrap().to_owned());
    }
    parts.extend(
        secret
            .lines()
            .filter(|l| secret.contains('\n') && !l.starts_with('-'))
            .map(str::to_owned),
    );
    parts
}

/// Twelve encodings of a text.
fn encodings(text: &str) -> [String; 12] {
    let json = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
    let hex = text.bytes().fold(String::new(), |mut all, b| {
        write!(all, "{b:02x}").unwrap();
        all
    });
    let percent = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    [
        text.to_owned(),
        STANDARD.encode(text),
        STANDARD.encode(format!("x{text}y")),
        STANDARD.encode(format!("x:{text} and a suffix")),
        URL_SAFE.encode(text),
        percent.clone(),
        percent.replace("%20", "+"),
        json(text),
        json(&json(text)),
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;"),
        hex,
        text.replace('\'', "'\\''"),
    ]
}

/// All that is looked for, each once.
fn needles(secrets: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for secret in secrets {
        for part in parts(secret) {
            all.extend(encodings(&part));
            // In base64 the neighbours change the first and last digits; what is between is the secret's.
            for encoded in [
                STANDARD.encode(&part),
                STANDARD.encode(format!("x{part}y")),
                STANDARD.encode(format!("x:{part}")),
            ] {
                all.push(encoded[4..encoded.len() - 4].to_owned());
            }
        }
        // Cut anywhere: a piece of a secret is one too.
        if secret.chars().all(|c| c.is_ascii_alphanumeric()) {
            all.extend((0..=secret.len() - PIECE).map(|at| secret[at..at + PIECE].to_owned()));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// As a reader of the format sees it.
fn views(text: &str) -> [String; 3] {
    let json = text
        .replace("\\n", "\n")
        .replace("\\\"", "\"")
        .replace("\\\\", "\\");
    let html = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    [text.to_owned(), json, html]
}

fn files(dir: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            into.insert(
                entry.path().display().to_string(),
                std::fs::read(entry.path()).unwrap(),
            );
        }
    }
}

/// A project whose programs, service and server say every form of every secret.
fn project(secrets: &[String], said: &str, server: &Faults) -> Project {
    let project = Project::new();
    project.file("specs/forms.txt", said);
    project.file("specs/say.sh", "cat forms.txt; cat forms.txt >&2; env; exit $1\n");
    let inputs = |only: &dyn Fn(&str) -> bool| {
        let mut text = String::from("inputs:\n");
        let mut uses = Vec::new();
        for (n, _) in secrets.iter().enumerate().filter(|(_, s)| only(s)) {
            let _ = writeln!(text, "  s{n}: {{type: secret, from: env.S{n}}}");
            uses.push(format!("S{n}: \"${{{{ inputs.s{n} }}}}\""));
        }
        (text, uses.join(", "))
    };
    let (all, env) = inputs(&|_| true);
    let say = |code: u8, more: &str| {
        format!(
            "{all}tools: [exec]\nsteps:\n  - id: say\n    exec.run: {{argv: [sh, say.sh, {code}], secret_env: {{{env}}}{more}}}\n    expect:\n      - .stdout == \"quiet\"\n      - .stderr == \"quiet\"\n"
        )
    };
    project.file("specs/says.yaml", &spec("says", &say(0, "")));
    project.file("specs/fails.yaml", &spec("fails", &say(3, "")));
    project.file("specs/much.yaml", &spec("much", &say(0, ", keep_output: 2KiB")));
    let (some, headers) = inputs(&|s| s.is_ascii() && !s.contains('\n'));
    for (n, fault) in FAULTS.iter().enumerate() {
        let body = format!(
            "{some}tools: [http, mlflow]\nsteps:\n  - id: ask\n    needs: []\n    http.request: {{url: \"{}\", secret_headers: {{{}}}, method: POST, secret_form: {{{headers}}}}}\n    expect: ['.text == \"quiet\"']\n  - id: got\n    needs: []\n    mlflow.get_run: {{run_id: r}}\n    expect: ['.run_id == \"r\"']\n",
            server.url(fault),
            headers.replace('S', "x-s"),
        );
        project.file(&format!("specs/f{n}.yaml"), &spec(&format!("f{n}"), &body));
    }
    let environment = |start: &str, probe: &str| {
        let (url, mlflow) = (server.url("/said"), server.url("/status/500"));
        format!(
            "environment: e\nendpoints:\n  http: {{url: \"{url}\", token: s0}}\n  mlflow: {{url: \"{mlflow}\", username: u, password: s5}}\n  exec: {{needs: [leaky]}}\nsecrets:\n  s0: {{from: env.S0}}\n  s5: {{from: env.S5}}\nservices:\n  leaky:\n    start: [sh, -c, '{start}']\n    ready: {{{probe}, within: 60s}}\n"
        )
    };
    let forms = project.path().join("specs/forms.txt").display().to_string();
    project.file(
        "env.yaml",
        &environment(&format!("cat {forms}; echo READY; exec sleep 1000"), "log: READY"),
    );
    project.file(
        "broken.yaml",
        &environment(&format!("cat {forms}; exit 4"), "log: READY"),
    );
    project
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_reaches_a_sink() {
    let secrets = canaries();
    let mut said = String::new();
    for secret in &secrets {
        for part in parts(secret) {
            for form in encodings(&part) {
                let _ = writeln!(said, "{form}");
            }
        }
    }
    let server = Faults::saying(said.clone()).await;
    let project = project(&secrets, &said, &server);
    let needles = needles(&secrets);
    let run = |environment: &str| {
        let mut args = vec!["run", "specs", "-v", "--env", environment];
        for report in [
            "json=out/json",
            "junit=out/junit",
            "html=out/html",
            "ctrf=out/ctrf",
            "sarif=out/sarif",
            "markdown=out/markdown",
            "github=out/github",
        ] {
            args.extend(["--report", report]);
        }
        let mut command = project.command(&args);
        for (n, secret) in secrets.iter().enumerate() {
            command.env(format!("S{n}"), secret);
        }
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", project.path().join("out/summary"));
        command
    };
    std::fs::create_dir(project.path().join("out")).unwrap();
    let mut sinks = BTreeMap::new();
    for environment in ["env.yaml", "broken.yaml"] {
        let command = run(environment);
        let ran =
            tokio::task::spawn_blocking(move || crate::support::specrun::Running::start(command).wait())
                .await
                .unwrap();
        assert!([1, 5].contains(&ran.code), "{} {}", ran.code, ran.stderr);
        for (name, text) in [("stdout", ran.stdout), ("stderr", ran.stderr)] {
            sinks.insert(format!("{environment} {name}"), text.into_bytes());
        }
        let mut written = BTreeMap::new();
        for dir in ["out", ".specrun", "cache"] {
            let dir = project.path().join(dir);
            if dir.exists() {
                files(&dir, &mut written);
            }
        }
        sinks.extend(
            written
                .into_iter()
                .map(|(name, bytes)| (format!("{environment} {name}"), bytes)),
        );
    }

    // Each sink was told of secrets at all.
    for sink in [
        "stdout",
        "out/json",
        "out/junit",
        "out/html/index.html",
        "out/ctrf",
        "out/markdown",
        "out/github",
        "out/summary",
        "journal.jsonl",
        "leaky.log",
    ] {
        let masked = sinks.iter().any(|(name, bytes)| {
            name.starts_with("env.yaml")
                && name.ends_with(sink)
                && String::from_utf8_lossy(bytes).contains("***")
        });
        assert!(masked, "nothing was masked in {sink} of {:?}", sinks.keys());
    }
    let artifact = |name: &str| name.contains("/artifacts/much/");
    assert!(sinks.keys().any(|name| artifact(name)), "{:?}", sinks.keys());

    let search = AhoCorasick::new(&needles).unwrap();
    let mut leaks = Vec::new();
    for (name, bytes) in &sinks {
        for view in views(&String::from_utf8_lossy(bytes)) {
            leaks.extend(search.find_iter(&view).map(|found| {
                let from = view[..found.start()]
                    .char_indices()
                    .rev()
                    .nth(80)
                    .map_or(0, |(at, _)| at);
                format!(
                    "{name}: {} after {:?}",
                    &view[found.range()],
                    &view[from..found.start()]
                )
            }));
        }
    }
    leaks.sort();
    leaks.dedup();
    let told = format!(
        "{} checks: {SECRETS} secrets, {} forms and pieces, {} sinks, {} faults; {} leaks\n",
        needles.len() * sinks.len(),
        needles.len(),
        sinks.len(),
        FAULTS.len(),
        leaks.len()
    );
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    assert!(
        leaks.is_empty(),
        "{told}{}",
        leaks[..leaks.len().min(20)].join("\n")
    );
}

/// What masks by comparing whole strings lets these through; they are known from the logs of GitHub's runner.
#[test]
fn what_simple_maskers_let_through_is_masked() {
    let secret = r#"{"user": "robot-account", "password": "hunter22hunter22", "scopes": ["read-models"]}"#;
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nq83vASNFZ4mrze8BI0VniavN7wEjRWeJ\n-----END KEY-----\n";
    let redactor = Redactor::new(&[Secret::new("a", secret), Secret::new("b", key)]);
    // The leaves of a secret that is JSON, each alone, and the secret written anew by a serialiser.
    assert_eq!(
        redactor.redact("login robot-account hunter22hunter22 read-models"),
        "login *** *** ***"
    );
    let anew: serde_json::Value = serde_json::from_str(secret).unwrap();
    for text in [anew.to_string(), format!("{anew:#}")] {
        let masked = redactor.redact(&text);
        for leaf in ["robot-account", "hunter22", "read-models"] {
            assert!(!masked.contains(leaf), "{masked}");
        }
    }
    // Base64 of the secret with something before and after it.
    for (before, after) in [("", "\n"), ("user:", ""), ("ab", "suffix"), ("a", "")] {
        let encoded = STANDARD.encode(format!("{before}hunter22hunter22{after}"));
        let masked = redactor.redact(&encoded);
        assert!(masked.contains("***"), "{encoded}: {masked}");
        assert!(masked.len() < 20, "{encoded}: {masked}");
    }
    // One line of a secret of several lines, and the lines with other ends.
    for text in [
        "key: MIIEvQIBADANBgkqhkiG9w0BAQEFAASC".to_owned(),
        key.replace('\n', "\r\n"),
        key.replace('\n', "\\n"),
        key.replace('\n', " "),
    ] {
        let masked = redactor.redact(&text);
        assert!(
            !masked.contains("MIIEvQ") && !masked.contains("zN7wEjRWeJ"),
            "{masked}"
        );
    }
}
