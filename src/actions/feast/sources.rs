//! The file sources behind feature views, as the environment's endpoint names them:
//!
//! ```yaml
//! feast:
//!   url: http://127.0.0.1:6566
//!   sources:
//!     customer_stats:
//!       path: /data/customer_stats.parquet      # or s3://bucket/key
//!       keys: [customer_id]
//!       timestamp: event_timestamp
//!       created: created                        # which of two rows of one time counts
//!       ttl: 7d
//!   bridge: {run: [python3], repo: /feast/repo}  # for views that are not listed
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use serde::Deserialize;

use super::join::Stored;
use crate::action::{Class, Context, Failure};
use crate::tools::Endpoint;
use crate::tools::objects::{Objects, Place};
use crate::tools::tables::{Source as Table, open};
use crate::value::Duration;

/// What the environment says of offline values.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) bridge: Option<Bridge>,
}

/// The source of one view.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    clippy::unsafe_derive_deserialize,
    reason = "the unsafe code is in what polars' macros make of a method, and keeps no invariant of these fields"
)]
pub(super) struct Source {
    path: String,
    pub(super) keys: Vec<String>,
    timestamp: String,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    pub(super) ttl: Option<Duration>,
}

/// The project's own Python.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bridge {
    /// The words that start it: `[/venv/bin/python]`.
    pub(super) run: Vec<String>,
    /// The folder with `feature_store.yaml`.
    pub(super) repo: String,
}

/// The largest source that is fetched from an object store.
const MOST: u64 = 16 << 30;

impl Settings {
    /// # Errors
    /// Class `bad_parameter` for what is no setting of the family, or of another shape.
    pub(super) fn of(endpoint: &Endpoint) -> Result<Self, Failure> {
        let mut found = Self::default();
        for (key, value) in &endpoint.settings {
            let wrong = |what: String| {
                Failure::new(
                    Class::BadParameter,
                    format!("the environment's `endpoints.feast.{key}` {what}"),
                )
            };
            let shape = |e: serde_json::Error| wrong(format!("is of another shape: {e}"));
            match key.as_str() {
                "sources" => found.sources = serde_json::from_value(value.clone()).map_err(shape)?,
                "bridge" => found.bridge = Some(serde_json::from_value(value.clone()).map_err(shape)?),
                _ => return Err(wrong("is no key of it".to_owned()).help("it has `sources` and `bridge`")),
            }
        }
        Ok(found)
    }
}

impl Source {
    /// The rows with these features, ready to be looked up.
    ///
    /// # Errors
    /// What reading a table gives; columns that are not there.
    pub(super) async fn load(
        &self,
        view: &str,
        features: &[String],
        cx: &Context,
    ) -> Result<Stored, Failure> {
        let path = self.local(view, cx).await?;
        let mut columns = self.keys.clone();
        columns.push(self.timestamp.clone());
        columns.extend(self.created.clone());
        columns.extend(features.iter().filter(|f| !self.keys.contains(f)).cloned());
        let (keys, timestamp, created) = (self.keys.clone(), self.timestamp.clone(), self.created.clone());
        let features = features.to_vec();
        let working = tokio::task::spawn_blocking(move || {
            let opened = open(&Table {
                files: vec![path],
                header: true,
                parse_dates: true,
                columns,
                ..Table::default()
            })?;
            Stored::read(opened, &keys, &timestamp, created.as_deref(), &features)
        });
        tokio::select! {
            biased;
            done = working => done.unwrap_or_else(|e| Err(Failure::new(Class::Internal, format!("reading `{view}`: {e}")))),
            () = cx.cancel.cancelled() => {
                Err(Failure::new(Class::Cancelled, format!("reading the source of `{view}`: the run was stopped")))
            }
        }
    }

    /// Where the file is, fetched if it is an object.
    async fn local(&self, view: &str, cx: &Context) -> Result<PathBuf, Failure> {
        if !Place::is_one(&self.path) {
            return cx.tools.files.readable(&cx.base_dir, &self.path);
        }
        let place = Place::parse(&self.path)?;
        let ending = place.key.rsplit('.').next().unwrap_or_default();
        let unwritable =
            |e: std::io::Error| Failure::new(Class::Internal, format!("writing the source of `{view}`: {e}"));
        let path = cx
            .artifact(&format!("source-{view}.{ending}"))
            .map_err(unwritable)?;
        let mut file = File::create(&path).map_err(unwritable)?;
        let until = cx.until();
        let objects = Objects::open(&cx.tools, &place.bucket, &until)?;
        objects.fetch(&place.key, MOST, &mut file).await?;
        Ok(path)
    }
}
