//! `scan.report`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::ignore::Ignore;
use super::look::LookFor;
use super::outcome::{Looked, Scanned};
use super::report::{self, Form};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::Duration;

/// The largest report that is read.
const MOST: u64 = 256 << 20;

/// Reads the report that a scanner wrote elsewhere, for example in an earlier job of the pipeline. The outputs are
/// those of `scan.image`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The report, relative to the spec's folder.
    #[schemars(length(min = 1))]
    path: String,
    /// Who wrote it: `trivy`, `grype`, `gitleaks`, or `sarif` for any scanner in that format.
    form: Form,
    /// What it must be about: the name, a tag, a digest or the id of the image. A report of anything else is a failure.
    /// gitleaks names nothing, so its reports cannot be held to it.
    #[serde(default)]
    of: Option<String>,
    /// What the scanner was told to look for; of anything else nothing can be said.
    #[schemars(length(min = 1))]
    looked_for: Vec<LookFor>,
    /// How old it may be; a report that does not say when it was written is then a failure.
    #[serde(default)]
    max_age: Option<Duration>,
    /// Findings that are accepted, each until a day and for a reason.
    #[serde(default)]
    ignore: Vec<Ignore>,
}

pub(super) struct ReportFile;

impl Action for ReportFile {
    const NAME: &'static str = "scan.report";
    type Params = Params;
    type Output = Scanned;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let path = params
            .get("path")
            .and_then(Json::as_str)
            .filter(|p| !p.contains("${{"));
        vec![Capability::Read {
            path: path.unwrap_or("?").to_owned(),
        }]
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let form = params.get("form").and_then(Json::as_str).unwrap_or_default();
        let given = params.get("of").is_some_and(|v| !v.is_null());
        let (pointer, message) = match (form, given) {
            ("trivy" | "grype" | "sarif", false) => {
                ("", "of what must the report be? name the image in `of`")
            }
            ("gitleaks", true) => ("/of", "gitleaks' reports do not say what was scanned"),
            _ => return Vec::new(),
        };
        vec![ParamProblem {
            pointer: pointer.to_owned(),
            key: None,
            message: message.to_owned(),
            help: None,
        }]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Scanned, Failure> {
        let content = cx.tools.files.read(&cx.base_dir, &params.path, MOST)?;
        let report = report::read(&content.bytes, params.form, &params.path)?;
        if let Some(of) = &params.of
            && !report.is_about(of)
        {
            let about = if report.targets.is_empty() {
                "does not say what it is about".to_owned()
            } else {
                format!("is about {}", report.targets.join(", "))
            };
            return Err(Failure::new(
                Class::Invalid,
                format!("`{}` {about}, not about `{of}`", params.path),
            ));
        }
        if let Some(max_age) = params.max_age {
            let created = report.created.ok_or_else(|| {
                Failure::new(
                    Class::UnreadableAnswer,
                    format!("`{}` does not say when it was written", params.path),
                )
            })?;
            let age = Duration(jiff::Timestamp::now().duration_since(created).as_secs_f64());
            if age.0 > max_age.0 {
                let why = format!("`{}` is {age} old; at most {max_age} is allowed", params.path);
                return Err(Failure::new(Class::Invalid, why));
            }
        }
        let looked = Looked {
            vulnerabilities: params.looked_for.contains(&LookFor::Vulnerabilities),
            secrets: params.looked_for.contains(&LookFor::Secrets),
        };
        let (target, path) = (
            params.of.unwrap_or_else(|| params.path.clone()),
            content.path.display().to_string(),
        );
        Scanned::of(report, target, path, looked, &params.ignore, None)
    }
}
