//! `s3.get`

use std::fs::File;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::Object;
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::http::parse_json;
use crate::value::Bytes;

/// Reads an object into a file of the step, in bounded memory; a small text also into the output.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The bucket.
    #[schemars(length(min = 1))]
    bucket: String,
    /// The key.
    #[schemars(length(min = 1))]
    key: String,
    /// The largest object that is read; a larger one is an error. 1 GiB when not given.
    #[serde(default = "largest")]
    max_size: Bytes,
}

/// The object and its content.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What is known of it.
    #[serde(flatten)]
    object: Object,
    /// SHA-256 of the content, hex.
    sha256: String,
    /// Where the content is.
    file: String,
    /// The content, when it is text of at most 256 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The content as JSON, when such a text is an object or a list in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Json>,
}

/// How much of a text is kept.
const KEPT: u64 = 256 << 10;

pub(super) struct Get;

impl Action for Get {
    const NAME: &'static str = "s3.get";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let objects = super::open(cx, &params.bucket)?;
        let unwritable = |e: io::Error| Failure::new(Class::Internal, format!("writing what s3 gave: {e}"));
        // A key may hold anything; a name of its own cannot leave the folder.
        let path = cx.artifact("object").map_err(unwritable)?;
        let mut to = Hashing {
            file: File::create(&path).map_err(unwritable)?,
            hash: Sha256::new(),
        };
        let meta = objects
            .fetch(&params.key, params.max_size.0 as u64, &mut to)
            .await?;
        let text = (meta.size <= KEPT)
            .then(|| std::fs::read(&path).ok())
            .flatten()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let json = text
            .as_ref()
            .filter(|t| t.trim_start().starts_with(['{', '[']))
            .and_then(|t| parse_json(t.as_bytes()).ok());
        Ok(Output {
            object: meta.into(),
            sha256: format!("{:x}", to.hash.finalize()),
            file: path.display().to_string(),
            text,
            json,
        })
    }
}

/// A file whose content is hashed as it comes.
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn largest() -> Bytes {
    Bytes(f64::from(1 << 30))
}
