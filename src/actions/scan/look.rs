//! Looking at an image or a folder with a scanner that knows vulnerabilities.

use schemars::JsonSchema;
use serde::Deserialize;

use super::database::{self, Database};
use super::ignore::Ignore;
use super::outcome::{Looked, Scanned};
use super::program::{self, FOUND, agree, could_not};
use super::report::{self, Form};
use crate::action::{Class, Context, Failure, ParamProblem};
use crate::value::Duration;

/// A scanner that knows vulnerabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scanner {
    /// Trivy: vulnerabilities and secrets.
    #[default]
    Trivy,
    /// Grype: vulnerabilities.
    Grype,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LookFor {
    /// Packages with known vulnerabilities.
    Vulnerabilities,
    /// Secrets in files.
    Secrets,
}

/// How to look; shared by `scan.image` and `scan.fs`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Look {
    /// `trivy` or `grype`.
    #[serde(default)]
    scanner: Scanner,
    /// What to look for; both unless said.
    #[serde(default = "both")]
    #[schemars(length(min = 1))]
    look_for: Vec<LookFor>,
    /// Whether the scanner may download a newer database first. Without it nothing is downloaded.
    #[serde(default = "yes")]
    update_database: bool,
    /// How old the database of vulnerabilities may be.
    #[serde(default = "week")]
    max_database_age: Duration,
    /// Findings that are accepted, each until a day and for a reason. No other ignore file is read.
    #[serde(default)]
    ignore: Vec<Ignore>,
}

fn both() -> Vec<LookFor> {
    vec![LookFor::Vulnerabilities, LookFor::Secrets]
}

const fn yes() -> bool {
    true
}

const fn week() -> Duration {
    Duration(7.0 * 86_400.0)
}

/// The program that parameters ask for.
pub(super) fn scanner(params: &serde_json::Value) -> &str {
    params
        .get("scanner")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("trivy")
}

/// What is looked at.
pub(super) enum Target<'a> {
    /// An image in a registry.
    Image(&'a str),
    /// An image as a file or folder: the whole path.
    Archive(&'a str),
    /// A folder: the whole path.
    Folder(&'a str),
}

impl Target<'_> {
    const fn name(&self) -> &str {
        match self {
            Self::Image(name) | Self::Archive(name) | Self::Folder(name) => name,
        }
    }
}

/// The mistakes in what is looked for.
pub(super) fn problems(params: &serde_json::Value) -> Vec<ParamProblem> {
    let wanted = params.get("look_for").and_then(serde_json::Value::as_array);
    let grype = params.get("scanner").and_then(serde_json::Value::as_str) == Some("grype");
    let problem = |message: &str, help: &str| ParamProblem {
        pointer: "/look_for".to_owned(),
        key: None,
        message: message.to_owned(),
        help: Some(help.to_owned()),
    };
    match wanted {
        Some(list) if grype && list.iter().any(|w| w == "secrets") => {
            vec![problem(
                "Grype looks for no secrets",
                "use `scanner: trivy`, or `scan.secrets`",
            )]
        }
        None if grype => vec![problem(
            "Grype looks for no secrets, and both are looked for when nothing is said",
            "say `look_for: [vulnerabilities]`",
        )],
        _ => Vec::new(),
    }
}

/// Runs the scanner and reads its report.
pub(super) async fn look(target: &Target<'_>, how: &Look, cx: &Context) -> Result<Scanned, Failure> {
    let looked = Looked {
        vulnerabilities: how.look_for.contains(&LookFor::Vulnerabilities),
        secrets: how.look_for.contains(&LookFor::Secrets),
    };
    let path = cx
        .artifact("report.json")
        .map_err(|e| Failure::new(Class::Internal, format!("the folder of the report: {e}")))?;
    let file = path.display().to_string();
    // A report that is left from an earlier attempt must not be taken for this one's.
    let _ = std::fs::remove_file(&path);
    let (form, done) = match how.scanner {
        Scanner::Trivy => (Form::Trivy, trivy(target, looked, how, &file, cx).await?),
        Scanner::Grype => (Form::Grype, grype(target, how, &file, cx).await?),
    };
    if !matches!(done.code, Some(0 | FOUND)) {
        return Err(could_not(&done));
    }
    let report = report::read(&program::report(&path, &done)?, form, "report.json")?;
    if how.scanner == Scanner::Trivy {
        agree(&done, report.findings.len())?;
    }
    if !report.is_about(target.name()) {
        return Err(Failure::new(
            Class::UnreadableAnswer,
            format!(
                "the report is about {}, not about `{}`",
                report.targets.join(", "),
                target.name()
            ),
        ));
    }
    let database = if looked.vulnerabilities {
        let database = age(how.scanner, cx).await?;
        database::judge(database.as_ref(), how.max_database_age, cx);
        database
    } else {
        None
    };
    Scanned::of(
        report,
        target.name().to_owned(),
        file,
        looked,
        &how.ignore,
        database,
    )
}

async fn trivy(
    target: &Target<'_>,
    looked: Looked,
    how: &Look,
    report: &str,
    cx: &Context,
) -> Result<crate::tools::process::Finished, Failure> {
    let scanners = match (looked.vulnerabilities, looked.secrets) {
        (true, true) => "vuln,secret",
        (true, false) => "vuln",
        (false, _) => "secret",
    };
    let found = FOUND.to_string();
    let cache = program::cache(cx);
    let mut words = vec![if matches!(target, Target::Folder(_)) {
        "fs"
    } else {
        "image"
    }];
    words.extend(["--scanners", scanners, "--format", "json", "--quiet"]);
    words.extend(["--exit-code", &found, "--output", report]);
    if !how.update_database {
        words.extend(["--skip-db-update", "--skip-java-db-update", "--offline-scan"]);
    }
    if let Some(cache) = &cache {
        words.extend(["--cache-dir", cache]);
    }
    match target {
        Target::Archive(path) => words.extend(["--input", path]),
        Target::Image(name) | Target::Folder(name) => words.extend(["--", name]),
    }
    program::run("trivy", &words, cx).await
}

async fn grype(
    target: &Target<'_>,
    how: &Look,
    report: &str,
    cx: &Context,
) -> Result<crate::tools::process::Finished, Failure> {
    let source = match target {
        Target::Image(name) => format!("registry:{name}"),
        Target::Archive(path) => (*path).to_owned(),
        Target::Folder(path) => format!("dir:{path}"),
    };
    if !how.update_database {
        let status = program::run("grype", &["db", "status", "-o", "json"], cx).await?;
        if status.code != Some(0) {
            return Err(could_not(&status));
        }
    }
    program::run(
        "grype",
        &["--output", "json", "--file", report, "--quiet", &source],
        cx,
    )
    .await
}

async fn age(scanner: Scanner, cx: &Context) -> Result<Option<Database>, Failure> {
    match scanner {
        Scanner::Trivy => {
            let cache = program::cache(cx);
            let mut words = vec!["version", "--format", "json"];
            if let Some(cache) = &cache {
                words.extend(["--cache-dir", cache]);
            }
            Ok(Database::of_trivy(&program::json("trivy", &words, cx).await?))
        }
        Scanner::Grype => {
            let status = program::json("grype", &["db", "status", "-o", "json"], cx).await?;
            Ok(Database::of_grype(&status))
        }
    }
}
