//! `s3.delete`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Deletes an object; that it is not there is no error, so that it serves as cleanup. In a bucket that keeps versions the
/// older ones stay.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The bucket.
    #[schemars(length(min = 1))]
    bucket: String,
    /// The key.
    #[schemars(length(min = 1))]
    key: String,
}

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The key that is not there any more.
    key: String,
}

pub(super) struct Delete;

impl Action for Delete {
    const NAME: &'static str = "s3.delete";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let objects = super::open(cx, &params.bucket)?;
        objects.delete(&params.key).await?;
        Ok(Output { key: params.key })
    }
}
