//! `kserve.infer`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::answer::Expected;
use super::body::Asked;
use super::client::Client;
use super::metadata::Model;
use super::protocol::Protocol;
use super::rows::{Raw, Rows};
use super::tensor::{Datatype, Tensor};
use crate::action::{Action, AsRequest, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::Duration;

/// More requests than this are a load.
const MOST_REQUESTS: usize = 10_000;

/// Asks a model for predictions and reads its answer strictly: every tensor must fit its own shape and datatype, and what
/// the model's metadata promises. A refusal is a failure: `expect_failure: {class: invalid, status: 400}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The model's name.
    #[schemars(length(min = 1))]
    model: String,
    /// One of its versions, where the server has several (V2 only).
    #[serde(default)]
    #[schemars(length(min = 1))]
    version: Option<String>,
    /// The protocol.
    #[serde(default)]
    protocol: Protocol,
    /// Rows, as a list or as a file of JSON lines relative to the spec's folder; this, `inputs` or `raw`. In V1 a row is
    /// an instance. In V2 rows that are lists (or single values) become one tensor, rows that are objects one tensor for
    /// each key.
    #[serde(default)]
    rows: Option<Rows>,
    /// How many rows one request carries. Without it a list of rows is one request, and each line of a file is one.
    #[serde(default)]
    #[schemars(range(min = 1))]
    batch: Option<usize>,
    /// The name of the tensor that rows become (V2); without it the model's only input, or `input-0` when its metadata
    /// names none.
    #[serde(default)]
    input: Option<String>,
    /// The datatype of tensors made of rows (V2); without it what the metadata says, else `FP64` for numbers, `BOOL`,
    /// `BYTES` for text.
    #[serde(default)]
    datatype: Option<Datatype>,
    /// Tensors, written out (V2); this, `rows` or `raw`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    inputs: Option<Vec<Tensor>>,
    /// Bodies that are sent as they are, for what a server must refuse: a list of texts, or a file with one a line.
    #[serde(default)]
    raw: Option<Raw>,
    /// Parameters of the request, besides the data.
    #[serde(default)]
    parameters: Map<String, Json>,
    /// Whether tensors are held against the model's metadata, before they are sent and when they come back (V2). A
    /// model whose metadata names no tensors takes everything. As the request of a load the metadata is not asked for.
    #[serde(default = "yes")]
    check_metadata: bool,
}

/// What the model answered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The model's name.
    model: String,
    /// What the model says of each row, in the order of the rows: `predictions` of V1; of V2 the rows of its output,
    /// when it has only one.
    predictions: Vec<Json>,
    /// The tensors of the last answer (V2).
    outputs: Vec<Tensor>,
    /// How many predictions there are.
    count: usize,
    /// How many rows were sent.
    rows: u64,
    /// How many requests that took.
    requests: usize,
    /// The time of all exchanges together.
    elapsed: Duration,
    /// The slowest of them.
    slowest: Duration,
}

pub(super) struct Infer;

impl Action for Infer {
    const NAME: &'static str = "kserve.infer";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::reach(file(params, "rows").into_iter().chain(file(params, "raw")))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let given = |key: &str| params.get(key).is_some();
        let problem = |key: &str, message: String, help: &str| ParamProblem {
            pointer: String::new(),
            key: given(key).then(|| key.to_owned()),
            message,
            help: Some(help.to_owned()),
        };
        let mut problems: Vec<ParamProblem> = super::ready::no_version_in_v1(params).into_iter().collect();
        let sources: Vec<&str> = ["rows", "inputs", "raw"]
            .into_iter()
            .filter(|k| given(k))
            .collect();
        match sources[..] {
            [] => problems.push(problem(
                "rows",
                "nothing to send".to_owned(),
                "give `rows`, `inputs` or `raw`",
            )),
            [_] => {}
            [first, second, ..] => problems.push(problem(
                second,
                format!("`{first}` and `{second}` both say what is sent"),
                "give one of `rows`, `inputs`, `raw`",
            )),
        }
        for key in ["batch", "input", "datatype"] {
            if given(key) && !given("rows") {
                problems.push(problem(
                    key,
                    format!("`{key}` says what is made of rows, and there are none"),
                    "give `rows`, or take it out",
                ));
            }
        }
        if params.get("protocol").and_then(Json::as_str) == Some("v1") {
            for key in ["inputs", "input", "datatype"] {
                if given(key) {
                    problems.push(problem(
                        key,
                        format!("the protocol V1 has no tensors, so no `{key}`"),
                        "use `rows`",
                    ));
                }
            }
        }
        problems
    }

    fn as_request(&self) -> Option<&dyn AsRequest> {
        Some(self)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let client = Client::new(cx, params.protocol)?;
        let model = params.described(&client).await?;
        let bodies = params.asked().bodies(cx, model.as_ref())?;
        if bodies.len() > MOST_REQUESTS {
            return Err(Failure::new(
                Class::TooLarge,
                format!(
                    "{} requests, and at most {MOST_REQUESTS} are sent one after another",
                    bodies.len()
                ),
            )
            .help("let `load.run` send them, or put more rows into one with `batch`"));
        }
        let mut output = Output {
            model: params.model.clone(),
            predictions: Vec::new(),
            outputs: Vec::new(),
            count: 0,
            rows: 0,
            requests: bodies.len(),
            elapsed: Duration(0.0),
            slowest: Duration(0.0),
        };
        for body in bodies {
            let response = client.post(params.path(), body.bytes).await?;
            let expected = Expected {
                rows: body.rows,
                ..params.expected()
            };
            let answer = expected
                .read(response.json()?, model.as_ref())
                .map_err(|why| response.unreadable(&why))?;
            let elapsed = response.elapsed.as_secs_f64();
            output.rows += body.rows.unwrap_or(0);
            output.elapsed.0 += elapsed;
            output.slowest.0 = output.slowest.0.max(elapsed);
            output.predictions.extend(answer.predictions);
            output.outputs = answer.outputs;
        }
        output.count = output.predictions.len();
        Ok(output)
    }
}

impl Params {
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            protocol: self.protocol,
            rows: self.rows.as_ref(),
            batch: self.batch,
            input: self.input.as_deref(),
            datatype: self.datatype,
            inputs: self.inputs.as_deref(),
            raw: self.raw.as_ref(),
            parameters: &self.parameters,
        }
    }

    pub(super) fn expected(&self) -> Expected {
        Expected {
            model: self.model.clone(),
            protocol: self.protocol,
            rows: None,
        }
    }

    pub(super) fn path(&self) -> String {
        self.protocol.infer(&self.model, self.version.as_deref())
    }

    /// What the model says of itself, where that is wanted and the protocol has it.
    async fn described(&self, client: &Client<'_>) -> Result<Option<Model>, Failure> {
        if !self.check_metadata || self.protocol == Protocol::V1 || self.raw.is_some() {
            return Ok(None);
        }
        Model::ask(client, &self.model, self.version.as_deref())
            .await
            .map(Some)
    }
}

/// The file a parameter names, for what a step reaches; `?` when it is computed.
pub(super) fn file(params: &Json, key: &str) -> Option<String> {
    let path = params.get(key)?.as_str()?;
    Some(if path.contains("${{") { "?" } else { path }.to_owned())
}

const fn yes() -> bool {
    true
}
