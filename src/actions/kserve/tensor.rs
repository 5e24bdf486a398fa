//! Tensors of the V2 protocol: a name, a datatype, a shape, and data that fits them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What the elements of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Datatype {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Bf16,
    Fp32,
    Fp64,
    /// Text, in JSON.
    Bytes,
}

impl Datatype {
    pub(super) fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// What an element may be.
    fn takes(self, value: &Json) -> bool {
        let whole = |least: i64, most: u64| match value.as_u64() {
            Some(n) => n <= most,
            None => value.as_i64().is_some_and(|n| n >= least),
        };
        match self {
            Self::Bool => value.is_boolean(),
            Self::Uint8 => whole(0, u64::from(u8::MAX)),
            Self::Uint16 => whole(0, u64::from(u16::MAX)),
            Self::Uint32 => whole(0, u64::from(u32::MAX)),
            Self::Uint64 => whole(0, u64::MAX),
            Self::Int8 => whole(i64::from(i8::MIN), i8::MAX.unsigned_abs().into()),
            Self::Int16 => whole(i64::from(i16::MIN), i16::MAX.unsigned_abs().into()),
            Self::Int32 => whole(i64::from(i32::MIN), i32::MAX.unsigned_abs().into()),
            Self::Int64 => whole(i64::MIN, i64::MAX.unsigned_abs()),
            Self::Fp16 | Self::Bf16 | Self::Fp32 | Self::Fp64 => value.is_number(),
            Self::Bytes => value.is_string(),
        }
    }

    /// What a value looks like when nobody says.
    fn of(value: &Json) -> Option<Self> {
        match value {
            Json::Bool(_) => Some(Self::Bool),
            Json::Number(_) => Some(Self::Fp64),
            Json::String(_) => Some(Self::Bytes),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// The tensor's name.
    pub(super) name: String,
    /// What its elements are.
    pub(super) datatype: Datatype,
    /// The size of each dimension; the first is usually the number of rows.
    pub(super) shape: Vec<u64>,
    /// The elements, row by row; nested lists are flattened.
    pub(super) data: Vec<Json>,
}

/// What a model says of one of its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    /// The tensor's name.
    pub(super) name: String,
    /// What its elements are.
    pub(super) datatype: Datatype,
    /// The size of each dimension; -1 for any.
    pub(super) shape: Vec<i64>,
}

impl Tensor {
    /// The same with its data flat, when everything fits.
    ///
    /// # Errors
    /// What contradicts what.
    pub(super) fn checked(mut self) -> Result<Self, String> {
        let name = &self.name;
        let mut flat = Vec::new();
        flatten(self.data, &mut flat);
        let wanted = self.shape.iter().try_fold(1u64, |all, d| all.checked_mul(*d));
        if wanted != Some(flat.len() as u64) {
            let shape = &self.shape;
            return Err(format!(
                "the tensor `{name}` of shape {shape:?} has {} elements in its data",
                flat.len()
            ));
        }
        if let Some((at, wrong)) = flat.iter().enumerate().find(|(_, v)| !self.datatype.takes(v)) {
            let word = self.datatype.word();
            return Err(format!(
                "element {at} of the tensor `{name}` is no {word}: {}",
                short(wrong)
            ));
        }
        self.data = flat;
        Ok(self)
    }

    /// One tensor of rows that all have one shape; the datatype is what the first element looks like when none is
    /// given.
    ///
    /// # Errors
    /// Which row (from 1) differs, and how.
    pub(super) fn of_rows(name: &str, datatype: Option<Datatype>, rows: &[Json]) -> Result<Self, String> {
        let mut shape = vec![rows.len() as u64];
        let first = rows.first().ok_or("there are no rows")?;
        let inner = shape_of(first).map_err(|why| format!("row 1: {why}"))?;
        let mut flat = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            let this = shape_of(row).map_err(|why| format!("row {}: {why}", n + 1))?;
            if this != inner {
                return Err(format!(
                    "row {} has the shape {this:?}, the rows before it {inner:?}",
                    n + 1
                ));
            }
            flatten(vec![row.clone()], &mut flat);
        }
        shape.extend(inner);
        let datatype = datatype
            .or_else(|| flat.first().and_then(Datatype::of))
            .ok_or_else(|| format!("the tensor `{name}` starts with a null, which has no datatype"))?;
        let tensor = Self {
            name: name.to_owned(),
            datatype,
            shape,
            data: flat,
        };
        tensor.checked()
    }

    /// Whether the model takes (or gives) it.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn keeps(&self, promise: &Promise) -> Result<(), String> {
        let name = &self.name;
        if self.datatype != promise.datatype {
            return Err(format!(
                "the tensor `{name}` is {}, the model's metadata says {}",
                self.datatype.word(),
                promise.datatype.word()
            ));
        }
        let fits = self.shape.len() == promise.shape.len()
            && self
                .shape
                .iter()
                .zip(&promise.shape)
                .all(|(have, want)| *want < 0 || u64::try_from(*want) == Ok(*have));
        if fits {
            Ok(())
        } else {
            Err(format!(
                "the tensor `{name}` has the shape {:?}, the model's metadata says {:?}",
                self.shape, promise.shape
            ))
        }
    }

    /// Its rows: the elements when it has one dimension, else nested lists.
    pub(super) fn rows(&self) -> Vec<Json> {
        fn nest(data: &[Json], shape: &[u64]) -> Vec<Json> {
            match shape {
                [] | [_] => data.to_vec(),
                [_, inner @ ..] => {
                    let size: u64 = inner.iter().product();
                    match usize::try_from(size) {
                        Ok(size) if size > 0 => data
                            .chunks(size)
                            .map(|row| Json::Array(nest(row, inner)))
                            .collect(),
                        _ => Vec::new(),
                    }
                }
            }
        }
        nest(&self.data, &self.shape)
    }
}

fn flatten(data: Vec<Json>, into: &mut Vec<Json>) {
    for value in data {
        match value {
            Json::Array(inner) => flatten(inner, into),
            other => into.push(other),
        }
    }
}

/// The shape of a row: `[]` of a single value, `[3]` of three.
fn shape_of(row: &Json) -> Result<Vec<u64>, String> {
    let Json::Array(items) = row else {
        return match row {
            Json::Object(_) => Err("an object inside a row has no place in a tensor".to_owned()),
            _ => Ok(Vec::new()),
        };
    };
    let mut inner: Option<Vec<u64>> = None;
    for item in items {
        let this = shape_of(item)?;
        match &inner {
            Some(first) if *first != this => {
                return Err("its parts have different shapes".to_owned());
            }
            Some(_) => {}
            None => inner = Some(this),
        }
    }
    let mut shape = vec![items.len() as u64];
    shape.extend(inner.unwrap_or_default());
    Ok(shape)
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() {
        format!("{cut}…")
    } else {
        cut
    }
}
