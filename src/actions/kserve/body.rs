//! Bodies of inference requests, built and checked before anything is sent.

use serde_json::{Map, Value as Json, json};

use super::metadata::Model;
use super::protocol::Protocol;
use super::rows::{Raw, Rows};
use super::tensor::{Datatype, Promise, Tensor};
use crate::action::{Class, Context, Failure};

/// The name of a tensor that nobody named; what KServe's own client calls it.
const UNNAMED: &str = "input-0";

/// What a step asks to be sent.
pub(super) struct Asked<'a> {
    pub protocol: Protocol,
    pub rows: Option<&'a Rows>,
    pub batch: Option<usize>,
    pub input: Option<&'a str>,
    pub datatype: Option<Datatype>,
    pub inputs: Option<&'a [Tensor]>,
    pub raw: Option<&'a Raw>,
    pub parameters: &'a Map<String, Json>,
}

/// One body.
#[derive(Debug)]
pub(super) struct Prepared {
    pub bytes: Vec<u8>,
    /// How many rows it carries; none of a body that is sent as it is.
    pub rows: Option<u64>,
}

impl Asked<'_> {
    /// The bodies in the order they are sent. `model` is what the model says of itself, when it was asked.
    ///
    /// # Errors
    /// Class `bad_parameter` for what contradicts itself or the model.
    pub(super) fn bodies(&self, cx: &Context, model: Option<&Model>) -> Result<Vec<Prepared>, Failure> {
        if let Some(raw) = self.raw {
            let as_it_is = |body: String| Prepared {
                bytes: body.into_bytes(),
                rows: None,
            };
            return Ok(raw.read(cx)?.into_iter().map(as_it_is).collect());
        }
        if let Some(inputs) = self.inputs {
            let checked = inputs.iter().cloned().map(Tensor::checked);
            let tensors: Vec<Tensor> = checked.collect::<Result<_, _>>().map_err(wrong)?;
            return Ok(vec![self.v2(&tensors, model)?]);
        }
        let Some(given) = self.rows else {
            return Err(wrong("give one of `rows`, `inputs`, `raw`".to_owned()));
        };
        let rows = given.read(cx)?;
        let batch = self.batch.unwrap_or_else(|| given.batch()).max(1);
        rows.chunks(batch)
            .enumerate()
            .map(|(n, rows)| match self.protocol {
                Protocol::V1 => Ok(self.v1(rows)),
                Protocol::V2 => self
                    .tensors(rows, model)
                    .map_err(|why| {
                        let place = if batch == 1 {
                            format!("row {}", n * batch + 1)
                        } else {
                            format!("the batch from row {}", n * batch + 1)
                        };
                        wrong(format!("{place}: {why}"))
                    })
                    .and_then(|tensors| self.v2(&tensors, model)),
            })
            .collect()
    }

    fn v1(&self, rows: &[Json]) -> Prepared {
        let mut body = Map::new();
        body.insert("instances".to_owned(), Json::Array(rows.to_vec()));
        if !self.parameters.is_empty() {
            body.insert("parameters".to_owned(), Json::Object(self.parameters.clone()));
        }
        Prepared {
            bytes: Json::Object(body).to_string().into_bytes(),
            rows: Some(rows.len() as u64),
        }
    }

    /// Rows that are lists or values are one tensor; rows that are objects have one for each key.
    fn tensors(&self, rows: &[Json], model: Option<&Model>) -> Result<Vec<Tensor>, String> {
        let promises = model.map_or(&[][..], |m| &m.inputs);
        let promised = |name: &str| promises.iter().find(|p| p.name == name);
        let typed = |p: Option<&Promise>| self.datatype.or_else(|| p.map(|p| p.datatype));
        let Some(Json::Object(first)) = rows.first() else {
            let name = match (self.input, promises) {
                (Some(name), _) => name,
                (None, [only]) => &only.name,
                (None, []) => UNNAMED,
                (None, several) => {
                    let names: Vec<&str> = several.iter().map(|p| p.name.as_str()).collect();
                    return Err(format!(
                        "the model has several inputs ({}): name one with `input`, or write rows as objects",
                        names.join(", ")
                    ));
                }
            };
            return Ok(vec![Tensor::of_rows(name, typed(promised(name)), rows)?]);
        };
        for (n, row) in rows.iter().enumerate() {
            let keys = row.as_object().map(|o| o.keys().collect::<Vec<_>>());
            if !keys.is_some_and(|k| k.len() == first.len() && k.iter().all(|k| first.contains_key(*k))) {
                return Err(format!("row {} has not the keys of row 1", n + 1));
            }
        }
        let column = |name: &String| {
            let values: Vec<Json> = rows.iter().filter_map(|row| row.get(name).cloned()).collect();
            Tensor::of_rows(name, typed(promised(name)), &values)
        };
        first.keys().map(column).collect()
    }

    fn v2(&self, tensors: &[Tensor], model: Option<&Model>) -> Result<Prepared, Failure> {
        if let Some(model) = model {
            model.takes(tensors).map_err(wrong)?;
        }
        let mut body = Map::new();
        body.insert("inputs".to_owned(), json!(tensors));
        if !self.parameters.is_empty() {
            body.insert("parameters".to_owned(), Json::Object(self.parameters.clone()));
        }
        Ok(Prepared {
            bytes: Json::Object(body).to_string().into_bytes(),
            rows: tensors.first().and_then(|t| t.shape.first().copied()),
        })
    }
}

/// How many rows each of them carries, when that is the same of all.
pub(super) fn rows_of_each(bodies: &[Prepared]) -> Option<u64> {
    let first = bodies.first()?.rows?;
    bodies.iter().all(|b| b.rows == Some(first)).then_some(first)
}

fn wrong(why: String) -> Failure {
    Failure::new(Class::BadParameter, why)
}
