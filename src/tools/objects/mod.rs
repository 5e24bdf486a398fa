//! Object stores that speak S3: put, get, list, head, delete.
//!
//! `object_store` knows the protocol (signatures, pages, parts); every request goes through the program's own HTTP
//! client ([`wire`]), so that grants, limits, deadlines and masking are the same as everywhere. What a store means
//! when it refuses is in [`refusal`].
//!
//! Not here: retries (the engine's), credentials from anywhere but the environment file, other protocols.

mod place;
mod refusal;
mod wire;

pub use place::Place;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, ClientOptions, GetOptions, GetRange, MultipartUpload as _, ObjectMeta,
    ObjectStore as _, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, RetryConfig, TagSet,
};

use self::wire::Wire;
use super::http::Until;
use super::{Auth, Endpoint, Tools};
use crate::check::{Class, Failure};

/// The family whose endpoint it is.
const FAMILY: &str = "s3";
/// What is sent or fetched in one piece; larger objects go in parts of this size.
const PART: u64 = 8 << 20;

/// One bucket, for the time of one step.
pub struct Objects {
    store: AmazonS3,
    wire: Arc<Wire>,
    bucket: String,
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    pub key: String,
    pub size: u64,
    /// Without its quotes.
    pub etag: Option<String>,
    pub version: Option<String>,
    /// RFC 3339, UTC.
    pub last_modified: String,
    /// Only where the object itself was asked for, not in lists.
    pub content_type: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// What is written beside the bytes.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    pub content_type: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
}

/// What a store says of an object it has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub etag: Option<String>,
    pub version: Option<String>,
}

impl Objects {
    /// A bucket at the environment's endpoint `s3`: `url` (without one, Amazon's), `username` and `password` as the
    /// access key and the name of its secret (without them, anonymous), `region` (`us-east-1`), `virtual_host` (`false`:
    /// the bucket stands in the path).
    ///
    /// # Errors
    /// Class `missing` when the environment names no store, `bad_parameter` when its endpoint cannot be used.
    pub fn open(tools: &Arc<Tools>, bucket: &str, until: &Until) -> Result<Self, Failure> {
        let given = tools.endpoints.get(FAMILY).ok_or_else(|| {
            Failure::new(Class::Missing, "the environment has no endpoint `s3`").help(
                "name it in the environment file: `endpoints: {s3: {url: http://..., username: KEY, password: \
                 NAME_OF_A_SECRET}}`, and give the file with --env",
            )
        })?;
        let settings = Settings::of(given)?;
        let bad = |what: &dyn std::fmt::Display| {
            Failure::new(
                Class::BadParameter,
                format!("the endpoint `s3` cannot be used: {what}"),
            )
        };
        let mut builder = AmazonS3Builder::new()
            .with_endpoint(&settings.url)
            .with_region(&settings.region)
            .with_bucket_name(bucket)
            .with_virtual_hosted_style_request(settings.virtual_host)
            .with_allow_http(true)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            });
        builder = match &given.auth {
            Some(Auth::Basic { username, password }) => builder
                .with_access_key_id(username)
                .with_secret_access_key(password.expose()),
            Some(Auth::Bearer { .. }) => {
                return Err(bad(&"S3 takes no `token`")
                    .help("write `username: ACCESS_KEY` and `password: NAME_OF_THE_SECRET`"));
            }
            None => builder.with_skip_signature(true),
        };
        // The signature is in the headers; nothing is added to it on the way.
        let endpoint = Endpoint {
            url: Some(settings.url.clone()),
            auth: None,
            ..given.clone()
        };
        let wire = Arc::new(Wire::new(Arc::clone(tools), endpoint, until.clone()));
        let store = builder
            .with_http_connector(wire::Connector(Arc::clone(&wire)))
            .build()
            .map_err(|e| bad(&e))?;
        Ok(Self {
            store,
            wire,
            bucket: bucket.to_owned(),
        })
    }

    /// Writes an object whole.
    ///
    /// # Errors
    /// What the connection or the store's refusal gives.
    pub async fn put(&self, key: &str, bytes: Vec<u8>, labels: &Labels) -> Result<Taken, Failure> {
        let options = PutOptions {
            attributes: attributes(labels),
            tags: tags(labels),
            ..PutOptions::default()
        };
        let done = self
            .store
            .put_opts(&Self::key(key)?, PutPayload::from(bytes), options)
            .await
            .map_err(|e| self.failure(&e, "putting", key))?;
        Ok(Taken {
            etag: done.e_tag.as_deref().map(bare),
            version: done.version,
        })
    }

    /// Writes a file of any size, in parts when it is large; memory holds one part.
    ///
    /// # Errors
    /// As [`Objects::put`]; a file that cannot be read.
    pub async fn put_file(
        &self,
        key: &str,
        mut file: std::fs::File,
        labels: &Labels,
    ) -> Result<Taken, Failure> {
        let size = file.metadata().map_err(|e| unreadable(&e))?.len();
        if size <= PART {
            let part = read_part(&mut file)?;
            return self.put(key, part, labels).await;
        }
        let options = PutMultipartOptions {
            attributes: attributes(labels),
            tags: tags(labels),
            ..PutMultipartOptions::default()
        };
        let mut upload = self
            .store
            .put_multipart_opts(&Self::key(key)?, options)
            .await
            .map_err(|e| self.failure(&e, "putting", key))?;
        loop {
            let part = read_part(&mut file)?;
            if part.is_empty() {
                break;
            }
            if let Err(e) = upload.put_part(PutPayload::from(part)).await {
                let failure = self.failure(&e, "putting a part of", key);
                // The store keeps parts that nobody asks for; that it may refuse this too changes nothing.
                let _ = upload.abort().await;
                return Err(failure);
            }
        }
        let done = upload
            .complete()
            .await
            .map_err(|e| self.failure(&e, "completing", key))?;
        Ok(Taken {
            etag: done.e_tag.as_deref().map(bare),
            version: done.version,
        })
    }

    /// What is known of an object.
    ///
    /// # Errors
    /// Class `not_found`, class `missing` when there is not even the bucket; else as [`Objects::put`].
    pub async fn head(&self, key: &str) -> Result<Meta, Failure> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        let got = match self.store.get_opts(&Self::key(key)?, options).await {
            Ok(got) => got,
            Err(e) => {
                let failure = self.failure(&e, "asking for", key);
                // A refusal may be for several reasons, and what is absent may be the object or its bucket.
                let wordless =
                    matches!(failure.class, Class::Forbidden | Class::NotFound) && failure.reason.is_none();
                let said = if wordless { self.refused(key).await } else { None };
                return Err(said.unwrap_or(failure));
            }
        };
        if got.meta.e_tag.is_none() {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                format!(
                    "asking for {}: the answer has no ETag, which every object has",
                    self.name(key)
                ),
            )
            .help("is the endpoint's url that of a store that speaks S3?"));
        }
        Ok(meta(&got.meta, &got.attributes))
    }

    /// Why the store refuses to tell of an object: its answer to HEAD has no words, that to GET has.
    async fn refused(&self, key: &str) -> Option<Failure> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(0..1)),
            ..GetOptions::default()
        };
        let error = self.store.get_opts(&Self::key(key).ok()?, options).await.err()?;
        Some(self.failure(&error, "asking for", key)).filter(|said| said.reason.is_some())
    }

    /// Reads an object of at most `most` bytes into `to`, one part after the other; an object that is changed meanwhile
    /// is class `conflict`.
    ///
    /// # Errors
    /// As [`Objects::head`]; `too_large`; what `to` does not take.
    pub async fn fetch(&self, key: &str, most: u64, to: &mut (dyn Write + Send)) -> Result<Meta, Failure> {
        let known = self.head(key).await?;
        if known.size > most {
            return Err(Failure::new(
                Class::TooLarge,
                format!(
                    "{} has {} bytes, more than the {most} that are taken",
                    self.name(key),
                    known.size
                ),
            )
            .help("raise `max_size` if it should be read"));
        }
        let mut at = 0;
        while at < known.size {
            let end = known.size.min(at + PART);
            let options = GetOptions {
                range: Some(GetRange::Bounded(at..end)),
                if_match: known.etag.as_ref().map(|e| format!("\"{e}\"")),
                ..GetOptions::default()
            };
            let broken = |e: &object_store::Error| self.failure(e, "getting", key);
            let got = self
                .store
                .get_opts(&Self::key(key)?, options)
                .await
                .map_err(|e| broken(&e))?;
            let bytes = got.bytes().await.map_err(|e| broken(&e))?;
            if bytes.len() as u64 != end - at {
                return Err(Failure::new(
                    Class::UnreadableAnswer,
                    format!(
                        "{}: {} bytes came for the range {at}..{end}",
                        self.name(key),
                        bytes.len()
                    ),
                ));
            }
            to.write_all(&bytes).map_err(|e| {
                Failure::new(
                    Class::Internal,
                    format!("writing what {} holds: {e}", self.name(key)),
                )
            })?;
            at = end;
        }
        Ok(known)
    }

    /// The objects below a prefix (whole folders: `a/b` is not a prefix of `a/bc`), by key; more than `most` are an error.
    ///
    /// # Errors
    /// As [`Objects::put`], and `too_large`.
    pub async fn list(&self, prefix: &str, most: usize) -> Result<Vec<Meta>, Failure> {
        let trimmed = prefix.trim_end_matches('/');
        let key = (!trimmed.is_empty()).then(|| Self::key(trimmed)).transpose()?;
        let mut found = Vec::new();
        let mut pages = self.store.list(key.as_ref());
        while let Some(object) = pages.next().await {
            let object = object.map_err(|e| self.failure(&e, "listing", prefix))?;
            if found.len() == most {
                return Err(Failure::new(
                    Class::TooLarge,
                    format!("{} holds more than {most} objects", self.name(prefix)),
                )
                .help("name a narrower `prefix`, or raise `max_objects`"));
            }
            found.push(meta(&object, &Attributes::default()));
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// Removes an object; that it is not there is fine.
    ///
    /// # Errors
    /// As [`Objects::put`].
    pub async fn delete(&self, key: &str) -> Result<(), Failure> {
        match self.store.delete(&Self::key(key)?).await {
            Ok(()) => Ok(()),
            Err(e) => {
                let failure = self.failure(&e, "deleting", key);
                // Some stores say so, others do not.
                if failure.class == Class::NotFound {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
        }
    }

    fn key(key: &str) -> Result<Key, Failure> {
        let bad = |why: &dyn std::fmt::Display| {
            Failure::new(Class::BadParameter, format!("`{key}` cannot be a key: {why}"))
        };
        if key.is_empty() {
            return Err(bad(&"it is empty"));
        }
        Key::parse(key).map_err(|e| bad(&e))
    }

    fn name(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// What the wire saw says more than the library's error.
    fn failure(&self, error: &object_store::Error, doing: &str, key: &str) -> Failure {
        let mut failure = self.wire.take().unwrap_or_else(|| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("the answer cannot be read: {error}"),
            )
        });
        failure.message = format!("{doing} {}: {}", self.name(key), failure.message);
        failure
    }
}

/// The family's own keys of the endpoint.
struct Settings {
    url: String,
    region: String,
    virtual_host: bool,
}

impl Settings {
    fn of(endpoint: &Endpoint) -> Result<Self, Failure> {
        let mut found = Self {
            url: String::new(),
            region: "us-east-1".to_owned(),
            virtual_host: false,
        };
        for (key, value) in &endpoint.settings {
            let wrong = |what: &str| {
                Failure::new(
                    Class::BadParameter,
                    format!("the environment's `endpoints.s3.{key}` {what}"),
                )
            };
            match (key.as_str(), value) {
                ("region", serde_json::Value::String(region)) => found.region.clone_from(region),
                ("region", _) => return Err(wrong("must be text")),
                ("virtual_host", serde_json::Value::Bool(set)) => found.virtual_host = *set,
                ("virtual_host", _) => return Err(wrong("must be true or false")),
                _ => return Err(wrong("is no key of it").help("it has `region` and `virtual_host`")),
            }
        }
        found.url = endpoint
            .url
            .clone()
            .unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", found.region));
        Ok(found)
    }
}

fn attributes(labels: &Labels) -> Attributes {
    let mut found = Attributes::new();
    if let Some(kind) = &labels.content_type {
        found.insert(Attribute::ContentType, kind.clone().into());
    }
    for (name, value) in &labels.metadata {
        found.insert(Attribute::Metadata(name.clone().into()), value.clone().into());
    }
    found
}

fn tags(labels: &Labels) -> TagSet {
    let mut found = TagSet::default();
    for (name, value) in &labels.tags {
        found.push(name, value);
    }
    found
}

fn meta(known: &ObjectMeta, attributes: &Attributes) -> Meta {
    let metadata = attributes.iter().filter_map(|(name, value)| match name {
        Attribute::Metadata(name) => Some((name.to_string(), value.to_string())),
        _ => None,
    });
    Meta {
        key: known.location.to_string(),
        size: known.size,
        etag: known.e_tag.as_deref().map(bare),
        version: known.version.clone(),
        last_modified: stamp(known),
        content_type: attributes.get(&Attribute::ContentType).map(|v| v.to_string()),
        metadata: metadata.collect(),
    }
}

fn stamp(known: &ObjectMeta) -> String {
    jiff::Timestamp::from_millisecond(known.last_modified.timestamp_millis())
        .map_or_else(|_| String::new(), |at| at.to_string())
}

fn bare(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

fn read_part(file: &mut std::fs::File) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let mut part = Vec::new();
    file.take(PART)
        .read_to_end(&mut part)
        .map_err(|e| unreadable(&e))?;
    Ok(part)
}

fn unreadable(e: &std::io::Error) -> Failure {
    Failure::new(Class::Missing, format!("the file cannot be read: {e}"))
}
