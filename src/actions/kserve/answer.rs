//! Answers of models, read strictly: what is not a whole prediction is unreadable, never half a success.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::metadata::Model;
use super::protocol::Protocol;
use super::tensor::{Datatype, Tensor};

/// What an answer must be of. Plain data: a load takes it along to where answers are judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    pub model: String,
    pub protocol: Protocol,
    /// How many rows were sent, where that is known.
    pub rows: Option<u64>,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// One for each row; none of an answer with several tensors.
    pub predictions: Vec<Json>,
    pub outputs: Vec<Tensor>,
}

impl Expected {
    /// Reads an answer.
    ///
    /// # Errors
    /// What it is not.
    pub(super) fn read(&self, answer: Json, model: Option<&Model>) -> Result<Answer, String> {
        let Json::Object(mut fields) = answer else {
            return Err("it is not what the protocol promises: an object".to_owned());
        };
        match self.protocol {
            Protocol::V1 => self.v1(fields.remove("predictions")),
            Protocol::V2 => {
                let name = fields.get("model_name").and_then(Json::as_str);
                self.v2(name, fields.get("outputs"), model)
            }
        }
    }

    fn v1(&self, predictions: Option<Json>) -> Result<Answer, String> {
        let predictions = match predictions {
            Some(Json::Array(predictions)) => predictions,
            Some(_) => return Err("`predictions` is not a list".to_owned()),
            None => return Err("it has no `predictions`".to_owned()),
        };
        match self.rows {
            Some(rows) if predictions.len() as u64 != rows => {
                Err(format!("{} predictions for {rows} instances", predictions.len()))
            }
            _ => Ok(Answer {
                predictions,
                outputs: Vec::new(),
            }),
        }
    }

    fn v2(
        &self,
        name: Option<&str>,
        outputs: Option<&Json>,
        model: Option<&Model>,
    ) -> Result<Answer, String> {
        match name {
            Some(said) if said == self.model => {}
            Some(other) => return Err(format!("it is of the model `{other}`, not `{}`", self.model)),
            None => return Err("it names no model".to_owned()),
        }
        let outputs = outputs.ok_or("it has no `outputs`")?;
        let wires =
            Vec::<Wire>::deserialize(outputs).map_err(|e| format!("its `outputs` are no tensors: {e}"))?;
        if wires.is_empty() {
            return Err("its `outputs` are empty".to_owned());
        }
        let outputs = wires
            .into_iter()
            .map(|wire| wire.tensor().checked())
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(model) = model {
            model.gives(&outputs)?;
        }
        let predictions = match &outputs[..] {
            [only] => only.rows(),
            _ => Vec::new(),
        };
        Ok(Answer { predictions, outputs })
    }
}

/// A tensor as servers write it: with parameters, which nothing here needs.
#[derive(Deserialize)]
struct Wire {
    name: String,
    datatype: Datatype,
    shape: Vec<u64>,
    data: Vec<Json>,
}

impl Wire {
    fn tensor(self) -> Tensor {
        Tensor {
            name: self.name,
            datatype: self.datatype,
            shape: self.shape,
            data: self.data,
        }
    }
}
