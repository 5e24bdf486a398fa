//! Object stores that speak S3: Amazon's, `MinIO`'s, Ceph's, the lab's.
//!
//! The environment's endpoint `s3` has `url`, `username` (the access key), `password` (the name of the secret), `region` and
//! `virtual_host`. Not here: buckets are made and removed by whoever owns the store; the protocol is in
//! [`crate::tools::objects`].

mod delete;
mod get;
mod head;
mod list;
mod put;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::action::{Context, DynAction, Failure, Family};
use crate::tools::Capability;
use crate::tools::objects::{Meta, Objects};
use crate::value::Bytes;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "s3",
    about: "S3: objects put, read, listed, deleted",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&delete::Delete, &get::Get, &head::Head, &list::List, &put::Put];

/// What is known of an object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Object {
    /// Its key.
    key: String,
    /// How large it is.
    size: Bytes,
    /// What the store calls its content, without quotes: for small objects the MD5, for objects in parts something else.
    etag: Option<String>,
    /// The version, where the bucket keeps versions.
    version: Option<String>,
    /// When it was written, UTC.
    last_modified: String,
    /// Its content type; lists do not say it.
    content_type: Option<String>,
    /// What was written beside it, by name in lower case; lists do not say it.
    metadata: BTreeMap<String, String>,
}

impl From<Meta> for Object {
    fn from(meta: Meta) -> Self {
        Self {
            key: meta.key,
            size: Bytes(meta.size as f64),
            etag: meta.etag,
            version: meta.version,
            last_modified: meta.last_modified,
            content_type: meta.content_type,
            metadata: meta.metadata,
        }
    }
}

/// Every action of the family reaches its endpoint.
fn reach() -> Vec<Capability> {
    vec![Capability::Endpoint {
        family: "s3".to_owned(),
    }]
}

/// The bucket of a step.
fn open(cx: &Context, bucket: &str) -> Result<Objects, Failure> {
    let until = cx.until();
    Objects::open(&cx.tools, bucket, &until)
}
