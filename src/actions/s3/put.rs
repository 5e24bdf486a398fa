//! `s3.put`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::objects::Labels;
use crate::value::Bytes;

/// Writes an object: a file of any size (in parts when it has more than 8 MiB), or a text. An object that is there is
/// replaced. Beside the metadata that is asked for it carries `specrun-run`, the prefix of the run that wrote it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The bucket; it must exist.
    #[schemars(length(min = 1))]
    bucket: String,
    /// The key. One that begins with `${{ run.prefix }}` cannot collide with other runs.
    #[schemars(length(min = 1))]
    key: String,
    /// The file, relative to the spec's folder; this or `text`.
    #[serde(default)]
    file: Option<String>,
    /// The content itself; this or `file`.
    #[serde(default)]
    text: Option<String>,
    /// Its content type, such as `text/csv`.
    #[serde(default)]
    content_type: Option<String>,
    /// What shall stand beside it. Names in lower case: stores fold them.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Tags of the object, where the store has them.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The bucket.
    bucket: String,
    /// The key.
    key: String,
    /// `s3://bucket/key`, as tables are named by.
    url: String,
    /// How large it is.
    size: Bytes,
    /// SHA-256 of what was sent, hex.
    sha256: String,
    /// What the store calls its content, without quotes.
    etag: Option<String>,
    /// The version, where the bucket keeps versions.
    version: Option<String>,
}

pub(super) struct Put;

impl Action for Put {
    const NAME: &'static str = "s3.put";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = super::reach();
        if let Some(file) = params.get("file") {
            let path = file.as_str().filter(|p| !p.contains("${{")).unwrap_or("?");
            all.push(Capability::Read {
                path: path.to_owned(),
            });
        }
        all
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let given = ["file", "text"].map(|k| params.get(k).is_some());
        if given == [true, false] || given == [false, true] {
            return Vec::new();
        }
        vec![ParamProblem {
            pointer: String::new(),
            key: given[0].then(|| "text".to_owned()),
            message: "exactly one of `file` and `text` is needed".to_owned(),
            help: None,
        }]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let objects = super::open(cx, &params.bucket)?;
        let mut labels = Labels {
            content_type: params.content_type,
            metadata: params.metadata,
            tags: params.tags,
        };
        labels
            .metadata
            .entry("specrun-run".to_owned())
            .or_insert_with(|| cx.prefix.clone());
        let (size, sha256, taken) = if let Some(path) = &params.file {
            let hashed = cx.tools.files.hash(&cx.base_dir, path)?;
            let (_, file) = cx.tools.files.open(&cx.base_dir, path)?;
            let taken = objects.put_file(&params.key, file, &labels).await?;
            (hashed.size, hashed.sha256, taken)
        } else {
            let bytes = params.text.unwrap_or_default().into_bytes();
            let (size, sha256) = (bytes.len() as u64, format!("{:x}", Sha256::digest(&bytes)));
            (size, sha256, objects.put(&params.key, bytes, &labels).await?)
        };
        Ok(Output {
            url: format!("s3://{}/{}", params.bucket, params.key),
            bucket: params.bucket,
            key: params.key,
            size: Bytes(size as f64),
            sha256,
            etag: taken.etag,
            version: taken.version,
        })
    }
}
