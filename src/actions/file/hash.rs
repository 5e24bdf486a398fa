//! `file.hash`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::value::Bytes;

/// The SHA-256 of a file of any size.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file, relative to the spec's folder.
    #[schemars(length(min = 1))]
    path: String,
}

/// A file's hash.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The path after links were followed.
    path: String,
    /// SHA-256, 64 hexadecimal digits in lower case.
    sha256: String,
    /// How large it is.
    size: Bytes,
}

pub(super) struct Hash;

impl Action for Hash {
    const NAME: &'static str = "file.hash";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &serde_json::Value) -> Vec<Capability> {
        super::reads(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let base = cx.base_dir.clone();
        let what = format!("hash of `{}`", params.path);
        let hashed = super::aside(cx, &what, move |files| files.hash(&base, &params.path)).await?;
        Ok(Output {
            path: hashed.path.display().to_string(),
            sha256: hashed.sha256,
            size: Bytes(hashed.size as f64),
        })
    }
}
