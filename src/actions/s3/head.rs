//! `s3.head`

use schemars::JsonSchema;
use serde::Deserialize;

use super::Object;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// What is known of an object, without its content. One that is not there is an error of class `not_found`:
/// `expect_failure: {class: not_found}` says that it shall not be there. That its bucket is not there is one of class
/// `missing`.
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

pub(super) struct Head;

impl Action for Head {
    const NAME: &'static str = "s3.head";
    type Params = Params;
    type Output = Object;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Object, Failure> {
        let objects = super::open(cx, &params.bucket)?;
        Ok(objects.head(&params.key).await?.into())
    }
}
