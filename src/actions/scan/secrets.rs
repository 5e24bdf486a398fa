//! `scan.secrets`

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::ignore::Ignore;
use super::outcome::{Looked, Scanned};
use super::program::{self, FOUND, agree, could_not};
use super::report::{self, Form};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;

/// Looks for secrets in a folder, or in the whole history of a git repository, with gitleaks. What was found is in
/// `findings` by file, line and rule; the secrets themselves are shown nowhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The folder or file: a name that the environment gives one (`endpoints: {scan: {folders: {model: …}}}`), or a path
    /// relative to the spec's folder.
    #[schemars(length(min = 1))]
    path: String,
    /// Whether to look at every commit of the repository rather than at the files that are there. A shallow clone, as CI
    /// systems make them, has not every commit: a failure.
    #[serde(default)]
    history: bool,
    /// Whether the folder's own `.gitleaks.toml` and `.gitleaksignore` may hide findings.
    #[serde(default)]
    own_rules: OwnRules,
    /// Findings that are accepted, each until a day and for a reason.
    #[serde(default)]
    ignore: Vec<Ignore>,
}

/// What to do with settings that lie in the folder that is scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OwnRules {
    /// They are a failure: who can change the folder could hide a secret in it.
    #[default]
    Refused,
    /// They are used.
    Used,
}

pub(super) struct Secrets;

impl Action for Secrets {
    const NAME: &'static str = "scan.secrets";
    type Params = Params;
    type Output = Scanned;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let history = params.get("history").and_then(Json::as_bool) == Some(true);
        program::reach("gitleaks", if history { "git" } else { "dir" }, params, "path")
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Scanned, Failure> {
        let folder = program::place(&params.path, cx)?;
        if !folder.exists() {
            let why = format!("there is nothing to scan at `{}`", params.path);
            return Err(Failure::new(Class::Missing, why));
        }
        if params.own_rules == OwnRules::Refused
            && let Some(name) = [".gitleaks.toml", ".gitleaksignore"]
                .into_iter()
                .find(|name| folder.join(name).exists())
        {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{}` has its own `{name}`, which could hide secrets", params.path),
            )
            .help(
                "say `own_rules: used` if it may, or remove it and accept findings in the spec's `ignore`",
            ));
        }
        if params.history && shallow(&folder) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{}` is a shallow clone: most of its history is not there to be looked at", params.path),
            )
            .help("fetch all of it: `git fetch --unshallow`, `fetch-depth: 0` (GitHub), `GIT_DEPTH: 0` (GitLab)"));
        }
        let path = cx
            .artifact("report.json")
            .map_err(|e| Failure::new(Class::Internal, format!("the folder of the report: {e}")))?;
        let _ = std::fs::remove_file(&path);
        let (file, whole) = (path.display().to_string(), folder.display().to_string());
        let found = FOUND.to_string();
        let mut common = vec![
            "--redact",
            "--no-banner",
            "--no-color",
            "--log-level",
            "error",
            "--report-format",
            "json",
        ];
        common.extend(["--exit-code", &found, "--report-path", &file]);
        if params.own_rules == OwnRules::Refused {
            common.push("--ignore-gitleaks-allow");
        }
        let mut words = vec![if params.history { "git" } else { "dir" }];
        words.extend(&common);
        words.extend(["--", &whole]);
        let mut done = program::run("gitleaks", &words, cx).await?;
        if done.code == Some(1) && done.stderr.text.contains("unknown command") {
            // Before 8.19 there is one command for both.
            let mut words = vec!["detect", "--source", &whole];
            if !params.history {
                words.push("--no-git");
            }
            words.extend(&common);
            done = program::run("gitleaks", &words, cx).await?;
        }
        if !matches!(done.code, Some(0 | FOUND)) {
            return Err(could_not(&done));
        }
        let report = report::read(&program::report(&path, &done)?, Form::Gitleaks, "report.json")?;
        agree(&done, report.findings.len())?;
        let looked = Looked {
            vulnerabilities: false,
            secrets: true,
        };
        Scanned::of(report, whole, file, looked, &params.ignore, None)
    }
}

/// Whether the repository that a folder is in, or is, lacks the beginning of its history: git notes so in a file.
fn shallow(folder: &Path) -> bool {
    let repository = folder
        .ancestors()
        .map(|f| f.join(".git"))
        .find(|git| git.exists());
    repository.as_deref().unwrap_or(folder).join("shallow").is_file()
}
