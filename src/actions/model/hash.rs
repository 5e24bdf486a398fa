//! `model.hash`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::weights::{self, Format, Rules, Tensor};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::value::Bytes;

/// The hash of a model's weights: of their names, types, shapes and values, never of the container, which may hold
/// times and addresses. Equal weights have the same hash in every format that keeps their names.
///
/// Read are `safetensors`, `npz`, `npy`, `onnx`, `skops` and `json`; of a pickle (`pickle`, `joblib`) only the bytes
/// can be hashed, and `canonical` is false. Any other format is an error with the reason. A folder (a model as MLflow
/// keeps it) is read file by file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The file or folder, relative to the spec's folder.
    #[schemars(length(min = 1))]
    path: String,
    /// The format of a file; without it the content tells.
    #[serde(default)]
    format: Option<Format>,
    /// Files of a folder that are no weights: `*.md`. What MLflow writes about a model (`MLmodel`, `conda.yaml`, ...) is
    /// always left out.
    #[serde(default)]
    ignore: Vec<String>,
    /// Files of a folder of which the bytes are hashed, whatever they are: `*.bin`.
    #[serde(default)]
    raw: Vec<String>,
}

/// What a model holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The path after links were followed.
    path: String,
    /// `safetensors`, `npz`, ..., or `folder`.
    format: String,
    /// SHA-256 over the sorted lines `name TAB type TAB shape TAB sha256` of all tensors, each with a line break.
    sha256: String,
    /// Whether it is the hash of the weights themselves; false where a file's bytes had to do.
    canonical: bool,
    /// Each tensor, by name.
    tensors: Vec<TensorHash>,
    /// How many there are.
    count: usize,
    /// How large their values are together.
    size: Bytes,
}

/// One tensor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TensorHash {
    /// Its name in the file; in a folder, `file:name`.
    name: String,
    /// `float32`, `int64`, `bool`, ...
    #[serde(rename = "type")]
    kind: String,
    /// Its dimensions; none for a single number.
    shape: Vec<u64>,
    /// SHA-256 of its values, in C order, little endian.
    sha256: String,
    /// How large its values are.
    size: Bytes,
}

pub(super) struct Hash;

impl Action for Hash {
    const NAME: &'static str = "model.hash";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &serde_json::Value) -> Vec<Capability> {
        let path = params.get("path").and_then(serde_json::Value::as_str);
        vec![Capability::Read {
            path: path.filter(|p| !p.contains("${{")).unwrap_or("?").to_owned(),
        }]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let path = cx.tools.files.readable(&cx.base_dir, &params.path)?;
        let rules = Rules::new(params.format, &params.ignore, &params.raw)?;
        let tools = std::sync::Arc::clone(&cx.tools);
        let until = cx.until();
        let what = format!("hash of `{}`", params.path);
        cx.aside(&what, move || {
            let model = weights::open(&path, &rules, &tools.files)?;
            let hashes = model.hashes(&until)?;
            let tensors: Vec<TensorHash> = model
                .tensors
                .iter()
                .zip(hashes.each)
                .map(|(tensor, sha256)| told(tensor, sha256))
                .collect();
            Ok(Output {
                path: path.display().to_string(),
                format: model.format.clone(),
                sha256: hashes.whole,
                canonical: model.canonical,
                count: tensors.len(),
                size: Bytes(model.tensors.iter().map(|t| t.size() as f64).sum()),
                tensors,
            })
        })
        .await
    }
}

fn told(tensor: &Tensor, sha256: String) -> TensorHash {
    TensorHash {
        name: tensor.name.clone(),
        kind: tensor.kind.name.clone(),
        shape: tensor.shape.clone(),
        sha256,
        size: Bytes(tensor.size() as f64),
    }
}
