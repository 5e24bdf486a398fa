//! How scanners are asked.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::action::{Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::http::parse_json;
use crate::tools::process::Finished;

/// The family, for the environment's settings.
pub(super) const FAMILY: &str = "scan";
/// The exit code that scanners are asked for when they find something: 1 is what they end with when they could not look.
pub(super) const FOUND: i32 = 10;
/// The largest report that is read.
const MOST: u64 = 256 << 20;

/// Runs a scanner to its end, in a folder of the step, where no settings of anybody lie.
pub(super) async fn run(name: &str, words: &[&str], cx: &Context) -> Result<Finished, Failure> {
    let words = words.iter().map(|w| (*w).to_owned());
    let command = cx.program(FAMILY, name, words)?;
    let until = cx.until();
    cx.tools.process.run(command, &until).await
}

/// What a scanner prints as JSON, when it ends well.
pub(super) async fn json(name: &str, words: &[&str], cx: &Context) -> Result<Json, Failure> {
    let done = run(name, words, cx).await?;
    if done.code != Some(0) {
        return Err(done.failure());
    }
    parse_json(done.stdout.text.as_bytes()).map_err(|e| {
        let mut failure = done.failure();
        failure.class = Class::UnreadableAnswer;
        failure.message = format!("`{}` prints no JSON: {}", done.shown, e.0);
        failure
    })
}

/// The folder of the scanner's database: `endpoints.scan.cache`.
pub(super) fn cache(cx: &Context) -> Option<String> {
    let settings = &cx.tools.endpoints.get(FAMILY)?.settings;
    Some(settings.get("cache")?.as_str()?.to_owned())
}

/// The bytes of a report that a scanner was told to write.
pub(super) fn report(path: &Path, done: &Finished) -> Result<Vec<u8>, Failure> {
    let odd = |why: String| {
        let mut failure = done.failure();
        failure.class = Class::UnreadableAnswer;
        failure.message = format!("`{}` ended with {}, but {why}", done.shown, done.how());
        failure
    };
    let size = std::fs::metadata(path)
        .map_err(|e| odd(format!("its report cannot be read: {e}")))?
        .len();
    if size > MOST {
        return Err(odd(format!("its report has {size} bytes")));
    }
    std::fs::read(path).map_err(|e| odd(format!("its report cannot be read: {e}")))
}

/// Holds the exit code against the report: a scanner that says "found" and lists nothing, or the other way around, is
/// not believed.
pub(super) fn agree(done: &Finished, findings: usize) -> Result<(), Failure> {
    if (done.code == Some(FOUND)) == (findings > 0) {
        return Ok(());
    }
    let mut failure = done.failure();
    failure.class = Class::UnreadableAnswer;
    failure.message = format!(
        "`{}` ended with {}, but its report holds {findings} findings",
        done.shown,
        done.how()
    );
    Err(failure)
}

/// The failure of a scanner that could not look.
pub(super) fn could_not(done: &Finished) -> Failure {
    let mut failure = done.failure();
    let said = done.stderr.text.as_str();
    let last = said
        .lines()
        .rev()
        .find(|l| !l.trim().is_empty())
        .unwrap_or("")
        .trim();
    failure.message = format!("`{}` could not look: {last}", done.shown);
    if [
        "cannot skip downloading DB",
        "skip-update cannot be specified",
        "failed to download vulnerability DB",
    ]
    .iter()
    .any(|s| said.contains(s))
    {
        failure.class = Class::Missing;
        failure.message = format!("`{}` has no database of vulnerabilities: {last}", done.shown);
        failure.help = Some(
            "let it download one (`update_database: true`), or name the folder of one in the environment's \
             `endpoints.scan.cache`"
                .to_owned(),
        );
    } else if ["connection refused", "no such host", "i/o timeout"]
        .iter()
        .any(|s| said.contains(s))
    {
        failure.class = Class::Unreachable;
    } else if ["no such file", "unable to open", "MANIFEST_UNKNOWN", "not found"]
        .iter()
        .any(|s| said.contains(s))
    {
        failure.class = Class::NotFound;
    }
    failure
}

/// The whole path of what is scanned: what the environment means by a name (`endpoints.scan.folders`), else a path
/// relative to the spec's folder.
pub(super) fn place(path: &str, cx: &Context) -> Result<PathBuf, Failure> {
    let Some(named) = cx.tools.endpoints.named(FAMILY, "folders", path) else {
        return cx.tools.files.readable(&cx.base_dir, path);
    };
    cx.tools.grants.check(&Capability::Read {
        path: named.to_owned(),
    })?;
    Ok(PathBuf::from(named))
}

/// What a scan reaches: the program, and what is scanned.
pub(super) fn reach(program: &str, verb: &str, params: &Json, key: &str) -> Vec<Capability> {
    let mut all = vec![Capability::Exec {
        program: program.to_owned(),
        args: vec![verb.to_owned()],
    }];
    if let Some(path) = params.get(key).and_then(Json::as_str) {
        let known = !path.contains("${{");
        all.push(Capability::Read {
            path: if known { path } else { "?" }.to_owned(),
        });
    }
    all
}
