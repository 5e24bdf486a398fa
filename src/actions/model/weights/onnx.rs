//! ONNX: initialisers, the constants in the attributes of nodes, and what the nodes do.
//!
//! Only the messages and fields that are needed are known here. Names of graphs, nodes and values between nodes come
//! from the exporter, often at random, so they are counted instead; names of initialisers are the weights' own.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Component, Path};

use prost::Message;
use prost::bytes::Bytes;

use super::content::{Bulk, Content};
use super::{Element, Kind, Tensor, damaged, unknown};
use crate::action::Failure;
use crate::tools::files::Files;

/// Graphs inside graphs are at most so deep.
const DEEPEST: usize = 32;

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSet>,
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSet {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "15")]
    sparse_initializer: Vec<SparseTensorProto>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<AttributeProto>,
    #[prost(string, tag = "7")]
    domain: String,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, tag = "2")]
    f: f32,
    #[prost(int64, tag = "3")]
    i: i64,
    #[prost(bytes = "bytes", tag = "4")]
    s: Bytes,
    #[prost(message, optional, tag = "5")]
    t: Option<TensorProto>,
    #[prost(message, optional, tag = "6")]
    g: Option<GraphProto>,
    #[prost(float, repeated, tag = "7")]
    floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    ints: Vec<i64>,
    #[prost(bytes = "bytes", repeated, tag = "9")]
    strings: Vec<Bytes>,
    #[prost(message, repeated, tag = "10")]
    tensors: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    graphs: Vec<GraphProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    string_data: Vec<Bytes>,
    #[prost(int64, repeated, tag = "7")]
    int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "bytes", optional, tag = "9")]
    raw_data: Option<Bytes>,
    #[prost(double, repeated, tag = "10")]
    double_data: Vec<f64>,
    #[prost(uint64, repeated, tag = "11")]
    uint64_data: Vec<u64>,
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<Entry>,
    #[prost(int32, tag = "14")]
    data_location: i32,
}

#[derive(Clone, PartialEq, Message)]
struct SparseTensorProto {
    #[prost(message, optional, tag = "1")]
    values: Option<TensorProto>,
    #[prost(message, optional, tag = "2")]
    indices: Option<TensorProto>,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The weights of a model; `path` is where files beside it are looked for.
pub fn read(bulk: &Bulk, path: &Path, files: &Files) -> Result<Vec<Tensor>, Failure> {
    let model = ModelProto::decode(bulk.whole()?).map_err(|e| damaged(format!("it is not ONNX: {e}")))?;
    let graph = model
        .graph
        .ok_or_else(|| damaged("it is not ONNX: it has no graph"))?;
    let mut reader = Reader {
        folder: path.parent().unwrap_or(path),
        files,
        tensors: Vec::new(),
        structure: String::new(),
        values: HashMap::new(),
    };
    for set in &model.opset_import {
        let _ = writeln!(reader.structure, "opset {:?} {}", set.domain, set.version);
    }
    reader.graph(graph, "", 0)?;
    if !reader.tensors.is_empty() {
        let structure = std::mem::take(&mut reader.structure);
        reader.tensors.push(Tensor {
            name: "graph".to_owned(),
            kind: Kind::other("text"),
            shape: Vec::new(),
            content: Content::bytes(structure.into_bytes()),
        });
    }
    Ok(reader.tensors)
}

struct Reader<'a> {
    folder: &'a Path,
    files: &'a Files,
    tensors: Vec<Tensor>,
    /// One line a node.
    structure: String,
    /// Values between nodes, counted in the order in which they come.
    values: HashMap<String, usize>,
}

impl Reader<'_> {
    fn graph(&mut self, graph: GraphProto, prefix: &str, depth: usize) -> Result<(), Failure> {
        if depth > DEEPEST {
            return Err(damaged("it is not ONNX: its graphs are nested too deep"));
        }
        let named: Vec<String> = graph.initializer.iter().map(|t| t.name.clone()).collect();
        for tensor in graph.initializer {
            let name = format!("{prefix}{}", tensor.name);
            self.tensor(&name, &tensor)?;
        }
        for sparse in graph.sparse_initializer {
            let (Some(values), Some(indices)) = (sparse.values, sparse.indices) else {
                return Err(damaged("it is not ONNX: a sparse initialiser lacks a part"));
            };
            let name = format!("{prefix}{}", values.name);
            self.tensor(&format!("{name}.values"), &values)?;
            self.tensor(&format!("{name}.indices"), &indices)?;
        }
        for (n, node) in graph.node.into_iter().enumerate() {
            let inputs = self.numbered(&node.input, &named);
            let outputs = self.numbered(&node.output, &named);
            let _ = writeln!(
                self.structure,
                "{prefix}{} {:?} ({}) -> ({})",
                node.op_type,
                node.domain,
                inputs.join(" "),
                outputs.join(" ")
            );
            let mut attributes = node.attribute;
            attributes.sort_by(|a, b| a.name.cmp(&b.name));
            for attribute in attributes {
                let name = format!("{prefix}{n}.{}.{}", node.op_type, attribute.name);
                self.attribute(&name, attribute, depth)?;
            }
        }
        Ok(())
    }

    fn numbered(&mut self, names: &[String], weights: &[String]) -> Vec<String> {
        names
            .iter()
            .map(|name| {
                if name.is_empty() || weights.contains(name) {
                    return name.clone();
                }
                let next = self.values.len();
                format!("%{}", self.values.entry(name.clone()).or_insert(next))
            })
            .collect()
    }

    fn attribute(&mut self, name: &str, attribute: AttributeProto, depth: usize) -> Result<(), Failure> {
        if !attribute.floats.is_empty() {
            let bytes: Vec<u8> = attribute.floats.iter().flat_map(|f| f.to_le_bytes()).collect();
            self.push(name, Element::F32, vec![attribute.floats.len() as u64], bytes);
        }
        if !attribute.ints.is_empty() {
            let bytes: Vec<u8> = attribute.ints.iter().flat_map(|i| i.to_le_bytes()).collect();
            self.push(name, Element::I64, vec![attribute.ints.len() as u64], bytes);
        }
        if let Some(tensor) = attribute.t {
            self.tensor(name, &tensor)?;
        }
        for (i, tensor) in attribute.tensors.into_iter().enumerate() {
            self.tensor(&format!("{name}[{i}]"), &tensor)?;
        }
        for (i, graph) in attribute.g.into_iter().chain(attribute.graphs).enumerate() {
            self.graph(graph, &format!("{name}[{i}]/"), depth + 1)?;
        }
        let _ = writeln!(
            self.structure,
            "  {name} {:?} {} {:?} {:?}",
            attribute.f, attribute.i, attribute.s, attribute.strings
        );
        Ok(())
    }

    fn push(&mut self, name: &str, element: Element, shape: Vec<u64>, bytes: impl Into<Bytes>) {
        self.tensors.push(Tensor {
            name: name.to_owned(),
            kind: Kind::number(element),
            shape,
            content: Content::bytes(bytes.into()),
        });
    }

    fn tensor(&mut self, name: &str, tensor: &TensorProto) -> Result<(), Failure> {
        let kind = kind(tensor.data_type).ok_or_else(|| {
            unknown(
                name,
                &format!("its values are of ONNX's type {}", tensor.data_type),
            )
        })?;
        let shape: Option<Vec<u64>> = tensor.dims.iter().map(|d| u64::try_from(*d).ok()).collect();
        let shape = shape.ok_or_else(|| damaged(format!("`{name}` has a negative dimension")))?;
        let content = self.values(name, tensor, &kind)?;
        let wanted = shape.iter().try_fold(kind.size, |n, d| n.checked_mul(*d));
        if kind.size > 0 && wanted != Some(content.len()) {
            return Err(damaged(format!(
                "`{name}` of the shape {shape:?} has {} bytes of values",
                content.len()
            )));
        }
        self.tensors.push(Tensor {
            name: name.to_owned(),
            kind,
            shape,
            content,
        });
        Ok(())
    }

    fn values(&self, name: &str, tensor: &TensorProto, kind: &Kind) -> Result<Content, Failure> {
        if tensor.data_location == 1 {
            return self.beside(name, tensor);
        }
        if let Some(raw) = &tensor.raw_data {
            return Ok(Content::bytes(raw.clone()));
        }
        // Small numbers stand in fields of 32 bits, one each.
        let narrow = |n: i32| n.to_le_bytes()[..kind.size.min(4) as usize].to_vec();
        let bytes: Vec<u8> = match kind.element {
            _ if !tensor.float_data.is_empty() => {
                tensor.float_data.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
            _ if !tensor.double_data.is_empty() => {
                tensor.double_data.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
            _ if !tensor.int64_data.is_empty() => {
                tensor.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
            Some(Element::U32) => tensor
                .uint64_data
                .iter()
                .flat_map(|v| v.to_le_bytes()[..4].to_vec())
                .collect(),
            Some(_) if !tensor.uint64_data.is_empty() => {
                tensor.uint64_data.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
            Some(_) => tensor.int32_data.iter().flat_map(|v| narrow(*v)).collect(),
            None => tensor
                .string_data
                .iter()
                .flat_map(|s| [&(s.len() as u64).to_le_bytes()[..], s].concat())
                .collect(),
        };
        Ok(Content::bytes(bytes))
    }

    /// Values in a file beside the model.
    fn beside(&self, name: &str, tensor: &TensorProto) -> Result<Content, Failure> {
        let field = |key: &str| {
            tensor
                .external_data
                .iter()
                .find(|e| e.key == key)
                .map(|e| e.value.as_str())
        };
        let number = |key: &str| field(key).map(str::parse::<u64>).transpose();
        let wrong = || damaged(format!("`{name}` does not say where its values are"));
        let location = field("location").ok_or_else(wrong)?;
        if !Path::new(location)
            .components()
            .all(|c| matches!(c, Component::Normal(_)))
        {
            return Err(damaged(format!(
                "`{name}` has its values outside of the model's folder: {location}"
            )));
        }
        let (_, file) = self.files.open(self.folder, location)?;
        let bulk = Bulk::of(file, location)?;
        let skip = number("offset").map_err(|_| wrong())?.unwrap_or(0);
        let len = number("length")
            .map_err(|_| wrong())?
            .unwrap_or(bulk.len().saturating_sub(skip));
        if skip.checked_add(len).is_none_or(|end| end > bulk.len()) {
            return Err(damaged(format!("`{location}` is too short for `{name}`")));
        }
        Ok(Content::part(bulk, skip, len))
    }
}

fn kind(data_type: i32) -> Option<Kind> {
    let name = match data_type {
        1 => "float32",
        2 => "uint8",
        3 => "int8",
        4 => "uint16",
        5 => "int16",
        6 => "int32",
        7 => "int64",
        8 => return Some(Kind::other("text")),
        9 => "bool",
        10 => "float16",
        11 => "float64",
        12 => "uint32",
        13 => "uint64",
        16 => "bfloat16",
        _ => return None,
    };
    Kind::named(name)
}
