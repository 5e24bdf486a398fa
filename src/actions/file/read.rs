//! `file.read`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::files::hex;
use crate::tools::http::parse_json;
use crate::value::Bytes;

/// Reads a file: its text, and its data when it is JSON or YAML.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file, relative to the spec's folder.
    #[schemars(length(min = 1))]
    path: String,
    /// How to read it; without it the name's ending decides (`.json`, `.yaml`, `.yml`, else text).
    #[serde(default)]
    format: Option<Format>,
    /// The largest file that is read.
    #[serde(default = "most")]
    max: Bytes,
}

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Text in UTF-8.
    Text,
    /// One JSON value.
    Json,
    /// One YAML document.
    Yaml,
}

/// What a file holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The path after links were followed.
    path: String,
    /// The whole text.
    text: String,
    /// How many lines it has.
    lines: u64,
    /// The data of a JSON or YAML file.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Json>,
    /// How large it is.
    size: Bytes,
    /// SHA-256, 64 hexadecimal digits in lower case.
    sha256: String,
}

pub(super) struct Read;

impl Action for Read {
    const NAME: &'static str = "file.read";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::reads(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let base = cx.base_dir.clone();
        let (path, cap) = (params.path.clone(), params.max.0.max(0.0) as u64);
        let what = format!("reading `{}`", params.path);
        let content = super::aside(cx, &what, move |files| files.read(&base, &path, cap)).await?;
        let unreadable = |why: String| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("the file `{}`: {why}", params.path),
            )
        };
        let sha256 = hex(&Sha256::digest(&content.bytes));
        let size = Bytes(content.bytes.len() as f64);
        let text = String::from_utf8(content.bytes).map_err(|e| {
            unreadable(format!(
                "not UTF-8: the byte at {} is part of no character",
                e.utf8_error().valid_up_to()
            ))
        })?;
        let data = match params.format.unwrap_or_else(|| Format::of(&params.path)) {
            Format::Text => None,
            Format::Json => Some(parse_json(text.as_bytes()).map_err(|e| unreadable(e.0))?),
            Format::Yaml => Some(yaml(&text).map_err(unreadable)?),
        };
        Ok(Output {
            path: content.path.display().to_string(),
            lines: text.lines().count() as u64,
            text,
            data,
            size,
            sha256,
        })
    }
}

impl Format {
    fn of(path: &str) -> Self {
        let ending = path
            .rsplit_once('.')
            .map_or("", |(_, ending)| ending)
            .to_ascii_lowercase();
        match ending.as_str() {
            "json" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            _ => Self::Text,
        }
    }
}

/// YAML of other programs (manifests, settings), which need not be as strict as specs.
fn yaml(text: &str) -> Result<Json, String> {
    serde_yaml::from_str(text).map_err(|e| format!("not YAML: {e}"))
}

const fn most() -> Bytes {
    Bytes(16_777_216.0)
}
