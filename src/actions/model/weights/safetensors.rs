//! Safetensors: the length of a header, the header (JSON), the values.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::content::{Bulk, Content};
use super::{Kind, Tensor, damaged};
use crate::action::Failure;
use crate::tools::http::parse_json;

/// Headers are at most so long, as in the format's own reader.
const LONGEST: u64 = 100_000_000;

#[derive(Deserialize)]
struct Row {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// Whether the first bytes of a file of this length can be a header.
pub fn looks_like(start: &[u8], len: u64) -> bool {
    let Some((size, rest)) = start.split_first_chunk::<8>() else {
        return false;
    };
    let size = u64::from_le_bytes(*size);
    (2..=LONGEST.min(len.saturating_sub(8))).contains(&size) && rest.starts_with(b"{\"")
}

/// The tensors; what the header says besides (`__metadata__`) is no weight.
pub fn read(bulk: &Bulk) -> Result<Vec<Tensor>, Failure> {
    let wrong = |why: String| damaged(format!("it is not safetensors: {why}"));
    let start = bulk.start(8)?;
    let Some((size, _)) = start.split_first_chunk::<8>() else {
        return Err(wrong("it is shorter than 8 bytes".to_owned()));
    };
    let size = u64::from_le_bytes(*size);
    if size > LONGEST || size + 8 > bulk.len() {
        return Err(wrong(format!(
            "its header should have {size} bytes, and the file has {}",
            bulk.len()
        )));
    }
    let header = bulk.start(usize::try_from(size).unwrap_or(usize::MAX).saturating_add(8))?;
    let json = parse_json(&header[8..]).map_err(|e| wrong(format!("its header: {e}")))?;
    let rows: BTreeMap<String, Json> =
        serde_json::from_value(json).map_err(|e| wrong(format!("its header: {e}")))?;
    let (base, room) = (size + 8, bulk.len() - size - 8);
    let mut tensors = Vec::new();
    let mut parts = Vec::new();
    for (name, row) in rows {
        if name == "__metadata__" {
            continue;
        }
        let row: Row = serde_json::from_value(row).map_err(|e| wrong(format!("the tensor `{name}`: {e}")))?;
        let kind = kind(&row.dtype).ok_or_else(|| wrong(format!("`{name}` is of the type {}", row.dtype)))?;
        let [from, to] = row.data_offsets;
        let wanted = row.shape.iter().try_fold(kind.size, |n, d| n.checked_mul(*d));
        if from > to || to > room || wanted != Some(to - from) {
            return Err(wrong(format!(
                "`{name}` of the shape {:?} should be at {from} to {to} of {room} bytes",
                row.shape
            )));
        }
        parts.push((from, to));
        tensors.push(Tensor {
            name,
            content: Content::part(bulk.clone(), base + from, to - from),
            kind,
            shape: row.shape,
        });
    }
    parts.sort_unstable();
    let mut end = 0;
    for (from, to) in parts {
        if from != end {
            return Err(wrong(format!("there is a gap or an overlap at {from}")));
        }
        end = to;
    }
    if end != room {
        return Err(wrong(format!(
            "{} bytes at its end belong to no tensor",
            room - end
        )));
    }
    Ok(tensors)
}

fn kind(dtype: &str) -> Option<Kind> {
    let name = match dtype {
        "F64" => "float64",
        "F32" => "float32",
        "F16" => "float16",
        "BF16" => "bfloat16",
        "I64" => "int64",
        "I32" => "int32",
        "I16" => "int16",
        "I8" => "int8",
        "U64" => "uint64",
        "U32" => "uint32",
        "U16" => "uint16",
        "U8" => "uint8",
        "BOOL" => "bool",
        "F8_E4M3" => return Some(Kind::sized("float8_e4m3fn", 1)),
        "F8_E5M2" => return Some(Kind::sized("float8_e5m2", 1)),
        "C64" => return Some(Kind::sized("complex64", 8)),
        _ => return None,
    };
    Kind::named(name)
}
