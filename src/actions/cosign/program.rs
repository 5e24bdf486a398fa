//! How cosign is asked: the words, the folder, the variables.

use std::path::Path;

use serde::Deserialize;

use crate::action::{Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::process::{EnvValue, Finished};
use crate::value::Secret;

/// The family, and the name of its program.
pub(super) const COSIGN: &str = "cosign";

/// Whether the transparency log has a say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TransparencyLog {
    /// The signature must be, or is written, in the log (needs the network).
    #[default]
    Required,
    /// The log is left out: for keys of one's own, and without a network.
    Ignored,
}

/// Runs cosign to its end, whatever its exit code.
pub(super) async fn cosign(
    words: Vec<String>,
    password: Option<Secret>,
    cx: &Context,
) -> Result<Finished, Failure> {
    let mut command = cx.program(COSIGN, COSIGN, words)?;
    // Without the variable cosign asks at a terminal that is not there.
    let password = password.map_or_else(|| EnvValue::Plain(String::new()), EnvValue::Secret);
    command.env.push(("COSIGN_PASSWORD".to_owned(), password));
    let until = cx.until();
    cx.tools.process.run(command, &until).await
}

/// A key as cosign takes it: the file the environment means by a name (`endpoints.cosign.key_files`), a reference to a key
/// service (`awskms://…`, `k8s://…`) as it is, any other file under its whole path.
pub(super) fn key(key: &str, cx: &Context) -> Result<String, Failure> {
    if let Some(path) = cx.tools.endpoints.named(COSIGN, "key_files", key) {
        return Ok(path.to_owned());
    }
    if key.contains("://") {
        return Ok(key.to_owned());
    }
    file(key, cx)
}

/// The whole path of a file that must be there: cosign takes a path that leads nowhere for a signature itself.
pub(super) fn file(path: &str, cx: &Context) -> Result<String, Failure> {
    let (whole, _) = cx.tools.files.open(&cx.base_dir, path)?;
    Ok(whole.display().to_string())
}

/// What a call reaches: the program, the files it is given, and the registry of an image.
pub(super) fn reach(verb: &str, files: &[&str], params: &serde_json::Value) -> Vec<Capability> {
    let text = |key: &str| params.get(key).and_then(serde_json::Value::as_str);
    let mut all = vec![Capability::Exec {
        program: COSIGN.to_owned(),
        args: vec![verb.to_owned()],
    }];
    for path in files
        .iter()
        .filter_map(|key| text(key))
        .filter(|p| !p.contains("://"))
    {
        let known = !path.contains("${{");
        all.push(Capability::Read {
            path: if known { path } else { "?" }.to_owned(),
        });
    }
    if let Some(image) = text("image") {
        all.push(registry(image));
    }
    all
}

/// What reaching an image takes: its registry, or, when it names none, the environment's.
fn registry(image: &str) -> Capability {
    Capability::registry_of(image).unwrap_or(Capability::Endpoint {
        family: COSIGN.to_owned(),
    })
}

/// The whole name of an image, once its registry is granted: cosign reaches it by itself.
pub(super) fn image(image: &str, cx: &Context) -> Result<String, Failure> {
    cx.tools.grants.check(&registry(image))?;
    Ok(cx.tools.endpoints.image(COSIGN, image))
}

/// The sentence cosign said of an error; how it ended when it said none.
pub(super) fn said(done: &Finished) -> String {
    let text = done.stderr.text.trim();
    let sentence = text
        .lines()
        .find_map(|l| l.strip_prefix("Error: "))
        .or_else(|| text.lines().rev().find(|l| !l.trim().is_empty()))
        .map(str::trim);
    sentence.map_or_else(
        || format!("it ended with {} and no word", done.how()),
        str::to_owned,
    )
}

/// Where a file of this attempt goes.
pub(super) fn artifact(cx: &Context, name: &str) -> Result<String, Failure> {
    let path = cx
        .artifact(name)
        .map_err(|e| Failure::new(Class::Internal, format!("the folder of `{name}`: {e}")))?;
    Ok(Path::new(&path).display().to_string())
}
