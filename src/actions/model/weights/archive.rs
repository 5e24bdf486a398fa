//! Zip archives of arrays: numpy's `npz`, and what skops makes of scikit-learn's models.
//!
//! skops names arrays by their address in memory and writes addresses into its `schema.json`. The places that refer to
//! an array name it here instead, and addresses are counted in the order in which they come.

use std::collections::HashMap;

use serde_json::Value as Json;
use zip::{CompressionMethod, ZipArchive};

use super::content::{Bulk, Content};
use super::{Format, Kind, Tensor, damaged, npy, unknown};
use crate::action::Failure;
use crate::tools::http::parse_json;

/// A schema is at most so long.
const LONGEST: u64 = 256 << 20;

struct Archive {
    zip: ZipArchive<Bulk>,
    bulk: Bulk,
    /// In the archive's order.
    names: Vec<String>,
}

impl Archive {
    fn open(bulk: &Bulk) -> Result<Self, Failure> {
        let wrong = |e: zip::result::ZipError| damaged(format!("it is a damaged archive: {e}"));
        let mut zip = ZipArchive::new(bulk.clone()).map_err(wrong)?;
        let mut names = Vec::new();
        for i in 0..zip.len() {
            names.push(
                zip.by_index_raw(i)
                    .map_err(wrong)?
                    .name()
                    .map_err(wrong)?
                    .into_owned(),
            );
        }
        Ok(Self {
            zip,
            bulk: bulk.clone(),
            names,
        })
    }

    /// A file of it. What is not compressed is read where it stands.
    fn content(&mut self, index: usize) -> Result<Content, Failure> {
        let file = self
            .zip
            .by_index_raw(index)
            .map_err(|e| damaged(format!("`{}` of the archive: {e}", self.names[index])))?;
        let size = file.size();
        if let (CompressionMethod::Stored, Some(start)) = (file.compression(), file.data_start()) {
            return Ok(Content::part(self.bulk.clone(), start, size));
        }
        drop(file);
        Ok(Content::entry(self.zip.clone(), index, size))
    }
}

/// Which of the formats that are archives it is.
pub fn detect(bulk: &Bulk) -> Result<Format, Failure> {
    let archive = Archive::open(bulk)?;
    let has = |end: &str| archive.names.iter().any(|n| n.ends_with(end));
    if archive.names.iter().any(|n| n == "schema.json") {
        Ok(Format::Skops)
    } else if !archive.names.is_empty() && archive.names.iter().all(|n| n.strip_suffix(".npy").is_some()) {
        Ok(Format::Npz)
    } else if has("/data.pkl") {
        Err(unknown(
            "an archive of PyTorch",
            "its values are described by a pickle; save the weights as safetensors",
        ))
    } else {
        Err(unknown(
            "an archive",
            "it holds neither only numpy arrays nor a schema.json",
        ))
    }
}

/// The arrays of an `npz`.
pub fn npz(bulk: &Bulk, prefix: &str) -> Result<Vec<Tensor>, Failure> {
    let mut archive = Archive::open(bulk)?;
    let mut tensors = Vec::new();
    for i in 0..archive.names.len() {
        let name = archive.names[i].clone();
        let name = name
            .strip_suffix(".npy")
            .ok_or_else(|| unknown(&name, "it is in an archive of numpy arrays and is none"))?;
        tensors.extend(npy::read(&format!("{prefix}{name}"), &archive.content(i)?)?);
    }
    Ok(tensors)
}

/// The arrays of a skops file, and its schema.
pub fn skops(bulk: &Bulk) -> Result<Vec<Tensor>, Failure> {
    let mut archive = Archive::open(bulk)?;
    let schema_at = archive
        .names
        .iter()
        .position(|n| n == "schema.json")
        .ok_or_else(|| damaged("it is not of skops: it has no schema.json"))?;
    let content = archive.content(schema_at)?;
    if content.len() > LONGEST {
        return Err(damaged("its schema.json is larger than 256 MiB"));
    }
    let mut bytes = Vec::new();
    content
        .open()
        .and_then(|mut r| std::io::Read::read_to_end(&mut r, &mut bytes))
        .map_err(|e| damaged(format!("its schema.json cannot be read: {e}")))?;
    let mut schema = parse_json(&bytes).map_err(|e| damaged(format!("its schema.json: {e}")))?;
    let mut places = Places::default();
    places.walk(&mut schema, "");
    let mut tensors = vec![Tensor {
        name: "schema".to_owned(),
        kind: Kind::other("json"),
        shape: Vec::new(),
        content: Content::bytes(schema.to_string().into_bytes()),
    }];
    for (i, name) in archive.names.clone().iter().enumerate() {
        if i == schema_at {
            continue;
        }
        let place = places
            .files
            .get(name)
            .cloned()
            .ok_or_else(|| damaged(format!("its schema.json does not say what `{name}` is")))?;
        let content = archive.content(i)?;
        match name.rsplit_once('.').map(|(_, e)| e) {
            Some("npy") => tensors.extend(npy::read(&place, &content)?),
            // A sparse matrix.
            Some("npz") => {
                let mut bytes = Vec::new();
                content
                    .open()
                    .and_then(|mut r| std::io::Read::read_to_end(&mut r, &mut bytes))
                    .map_err(|e| damaged(format!("`{name}` cannot be read: {e}")))?;
                let bulk = Bulk::Memory(std::io::Cursor::new(bytes.into()));
                tensors.extend(npz(&bulk, &format!("{place}."))?);
            }
            _ => tensors.push(Tensor {
                name: place,
                kind: Kind::other("bytes"),
                shape: vec![content.len()],
                content,
            }),
        }
    }
    Ok(tensors)
}

/// What the addresses of a schema become.
#[derive(Default)]
struct Places {
    /// An address, and its number.
    ids: HashMap<String, u64>,
    /// A file, and the first place that refers to it.
    files: HashMap<String, String>,
}

impl Places {
    fn walk(&mut self, node: &mut Json, place: &str) {
        match node {
            Json::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    match (key.as_str(), &*value) {
                        ("__id__", id) => *value = self.number(&id.to_string()).into(),
                        ("file", Json::String(file)) => {
                            let free = self.files.entry(file.clone()).or_insert_with(|| place.to_owned());
                            *value = free.clone().into();
                        }
                        // The levels of the schema itself say nothing: `content.coef_`, not `content.content.coef_`.
                        ("content", Json::Object(_) | Json::Array(_)) => self.walk(value, place),
                        _ => {
                            let below = if place.is_empty() {
                                key.clone()
                            } else {
                                format!("{place}.{key}")
                            };
                            self.walk(value, &below);
                        }
                    }
                }
            }
            Json::Array(items) => {
                for (i, item) in items.iter_mut().enumerate() {
                    self.walk(item, &format!("{place}[{i}]"));
                }
            }
            _ => {}
        }
    }

    fn number(&mut self, id: &str) -> u64 {
        let next = self.ids.len() as u64;
        *self.ids.entry(id.to_owned()).or_insert(next)
    }
}
