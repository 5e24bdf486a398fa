//! `s3.list`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Object;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::value::Bytes;

/// Lists the objects of a bucket, by key, every page of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The bucket.
    #[schemars(length(min = 1))]
    bucket: String,
    /// The folder whose objects are meant, those of its folders too; without it all. Whole names only: `run/a` does not
    /// mean `run/ab`.
    #[serde(default)]
    prefix: String,
    /// How many there may be; more are an error, never a part of the list.
    #[serde(default = "many")]
    #[schemars(range(min = 1, max = 1_000_000))]
    max_objects: usize,
}

/// The objects.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The objects, by key.
    objects: Vec<Object>,
    /// How many there are.
    count: usize,
    /// How large they are together.
    size: Bytes,
}

pub(super) struct List;

impl Action for List {
    const NAME: &'static str = "s3.list";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let objects = super::open(cx, &params.bucket)?;
        let found = objects.list(&params.prefix, params.max_objects).await?;
        Ok(Output {
            count: found.len(),
            size: Bytes(found.iter().map(|o| o.size).sum::<u64>() as f64),
            objects: found.into_iter().map(Object::from).collect(),
        })
    }
}

const fn many() -> usize {
    10_000
}
