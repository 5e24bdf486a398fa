//! The weights in a model's files: tensors with a name, a type, a shape and a content that is read as a stream.
//!
//! Each format is a reader that lists tensors without reading their values. The hash of a model is that of its sorted
//! tensors, so that a container's times, addresses, order and compression do not matter.

mod archive;
mod content;
mod difference;
mod folder;
mod json;
mod kind;
mod npy;
mod onnx;
mod safetensors;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use content::{Bulk, Content};
pub use difference::{Difference, Tolerance, difference};
pub use folder::Rules;
pub use kind::{Element, Kind};

use crate::action::{Class, Failure};
use crate::tools::files::{Files, hex};
use crate::tools::http::Until;

/// How much is read at once.
const PIECE: usize = 1 << 20;

/// A format of model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Hugging Face's format: a header and the values.
    Safetensors,
    /// An archive of numpy arrays.
    Npz,
    /// One numpy array.
    Npy,
    /// ONNX: initialisers, the constants of its nodes, and what the nodes do.
    Onnx,
    /// scikit-learn's models as skops keeps them.
    Skops,
    /// Weights as JSON: every list of numbers is a tensor.
    Json,
    /// A pickle, of which only the bytes can be hashed.
    Pickle,
    /// A joblib file, of which only the bytes can be hashed.
    Joblib,
    /// Whatever it is: its bytes.
    Raw,
}

/// A model.
pub struct Model {
    /// The name of its format, or `folder`.
    pub format: String,
    /// Whether all tensors are really the weights, none a file's bytes.
    pub canonical: bool,
    /// By name.
    pub tensors: Vec<Tensor>,
}

/// One tensor.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub kind: Kind,
    pub shape: Vec<u64>,
    pub content: Content,
}

impl Tensor {
    /// Bytes of its values.
    pub fn size(&self) -> u64 {
        self.content.len()
    }
}

/// The hashes of a model.
pub struct Hashes {
    pub whole: String,
    /// Of each tensor, in the model's order.
    pub each: Vec<String>,
}

/// Opens a file or folder that may be read.
///
/// # Errors
/// `unreadable_answer` for a damaged file, `invalid` for a format without a reader and for a model without weights.
pub fn open(path: &Path, rules: &Rules, files: &Files) -> Result<Model, Failure> {
    let mut model = if path.is_dir() {
        folder::open(path, rules, files)?
    } else {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let (_, file) = files.open(Path::new("/"), &path.display().to_string())?;
        let bulk = Bulk::of(file, &name)?;
        let format = match rules.format {
            Some(format) => format,
            None => detect(&bulk, &name)?,
        };
        file_model(bulk, format, path, files).map_err(|f| Failure {
            message: format!("{}: {}", path.display(), f.message),
            ..f
        })?
    };
    if model.tensors.is_empty() {
        return Err(Failure::new(
            Class::Invalid,
            format!("{} holds no weights", path.display()),
        ));
    }
    model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(two) = model.tensors.windows(2).find(|two| two[0].name == two[1].name) {
        return Err(damaged(format!(
            "{} has two tensors `{}`",
            path.display(),
            two[0].name
        )));
    }
    Ok(model)
}

fn file_model(bulk: Bulk, format: Format, path: &Path, files: &Files) -> Result<Model, Failure> {
    let tensors = match format {
        Format::Safetensors => safetensors::read(&bulk)?,
        Format::Npz => archive::npz(&bulk, "")?,
        Format::Npy => npy::read("array", &Content::all(bulk))?,
        Format::Onnx => onnx::read(&bulk, path, files)?,
        Format::Skops => archive::skops(&bulk)?,
        Format::Json => json::read(&bulk)?,
        Format::Pickle | Format::Joblib | Format::Raw => vec![Tensor {
            name: "bytes".to_owned(),
            kind: Kind::other("bytes"),
            shape: vec![bulk.len()],
            content: Content::all(bulk),
        }],
    };
    Ok(Model {
        format: word(format),
        canonical: !matches!(format, Format::Pickle | Format::Joblib | Format::Raw),
        tensors,
    })
}

/// The format of a file, by its first bytes and, where these do not tell, by its name.
///
/// # Errors
/// `invalid` with the reason for what has no reader.
fn detect(bulk: &Bulk, name: &str) -> Result<Format, Failure> {
    let ending = name.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
    let start = bulk.start(16)?;
    if start.starts_with(b"\x93NUMPY") {
        return Ok(Format::Npy);
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return archive::detect(bulk);
    }
    if ending == "safetensors" || safetensors::looks_like(&start, bulk.len()) {
        return Ok(Format::Safetensors);
    }
    let reason = match ending.as_str() {
        "onnx" => return Ok(Format::Onnx),
        "json" => return Ok(Format::Json),
        "joblib" => return Ok(Format::Joblib),
        "pkl" | "pickle" => return Ok(Format::Pickle),
        _ if start.len() > 2 && start[0] == 0x80 && (2..=5).contains(&start[1]) => return Ok(Format::Pickle),
        _ if start.starts_with(b"\x89HDF\r\n") => {
            "HDF5 keeps times among its values; save the weights as safetensors or npz"
        }
        _ if start.starts_with(b"GGUF") => "GGUF has no reader here; save the weights as safetensors",
        "pt" | "pth" | "bin" | "ckpt" => {
            "PyTorch's old format is a chain of pickles; save the weights as safetensors"
        }
        "" => "it has no ending and its first bytes are of no known format",
        _ => "its ending and its first bytes are of no known format",
    };
    Err(unknown(name, reason))
}

/// A format without a reader.
fn unknown(name: &str, reason: &str) -> Failure {
    Failure::new(Class::Invalid, format!("the weights in `{name}` cannot be told from their container: {reason}")).help(
        "give `format` when it is one of those that are read; `format: raw` (in a folder, `raw: [...]`) hashes the bytes \
         as they are, and `ignore` leaves a file of a folder out",
    )
}

/// A file that is not what its format promises.
fn damaged(why: impl Into<String>) -> Failure {
    Failure::new(Class::UnreadableAnswer, why)
}

fn word(format: Format) -> String {
    let json = serde_json::to_value(format).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

impl Model {
    /// Hashes all tensors, on all processors.
    ///
    /// # Errors
    /// `unreadable_answer` when a content breaks off, `timeout` and `cancelled` as `until` says.
    pub fn hashes(&self, until: &Until) -> Result<Hashes, Failure> {
        // The largest first, so that none of them is the last one to begin.
        let mut order: Vec<usize> = (0..self.tensors.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(self.tensors[*i].size()));
        let next = AtomicUsize::new(0);
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(16)
            .min(order.len());
        let work = || -> Result<Vec<(usize, String)>, Failure> {
            let mut done = Vec::new();
            while let Some(&i) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((i, self.tensors[i].sha256(until)?));
            }
            Ok(done)
        };
        let parts: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        let mut each = vec![String::new(); self.tensors.len()];
        for part in parts {
            let part = part.map_err(|_| Failure::new(Class::Internal, "a thread that hashes broke"))??;
            for (i, hash) in part {
                each[i] = hash;
            }
        }
        let mut lines = Sha256::new();
        for (tensor, hash) in self.tensors.iter().zip(&each) {
            let shape: Vec<String> = tensor.shape.iter().map(u64::to_string).collect();
            lines.update(format!(
                "{}\t{}\t{}\t{hash}\n",
                tensor.name,
                tensor.kind.name,
                shape.join(",")
            ));
        }
        Ok(Hashes {
            whole: hex(&lines.finalize()),
            each,
        })
    }
}

impl Tensor {
    fn sha256(&self, until: &Until) -> Result<String, Failure> {
        let mut hash = Sha256::new();
        self.pieces(until, |piece| hash.update(piece))?;
        Ok(hex(&hash.finalize()))
    }

    /// Reads the values in pieces; all of them, and no more.
    fn pieces(&self, until: &Until, mut take: impl FnMut(&[u8])) -> Result<(), Failure> {
        let mut content = self.content.open().map_err(|e| self.broken(&e))?;
        let mut left = self.size();
        let mut buffer = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE)).max(1)];
        while left > 0 {
            patience(until)?;
            let want = buffer.len().min(usize::try_from(left).unwrap_or(buffer.len()));
            content
                .read_exact(&mut buffer[..want])
                .map_err(|e| self.broken(&e))?;
            take(&buffer[..want]);
            left -= want as u64;
        }
        // At its end an archive says whether what was read is what was written.
        match content.read(&mut buffer[..1]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(damaged(format!(
                "the tensor `{}` is longer than its shape",
                self.name
            ))),
            Err(e) => Err(self.broken(&e)),
        }
    }

    fn broken(&self, error: &std::io::Error) -> Failure {
        damaged(format!(
            "the tensor `{}` cannot be read to its end: {error}",
            self.name
        ))
    }
}

fn patience(until: &Until) -> Result<(), Failure> {
    if until.cancel.is_cancelled() {
        return Err(Failure::new(Class::Cancelled, "the run was stopped"));
    }
    if std::time::Instant::now() >= until.deadline {
        return Err(Failure::new(
            Class::Timeout,
            "the weights were not read before the step's deadline",
        ));
    }
    Ok(())
}
