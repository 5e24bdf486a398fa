//! `cosign.sign`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::classify::{failure, odd};
use super::program::{TransparencyLog, artifact, cosign, file, image as whole_name, key, reach};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::{Duration, Secret};

/// Signs an image by its digest, or a file, with a key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// An image or artifact in a registry, by digest: `registry.example.org/models/fraud@sha256:…`; this or `blob`.
    #[serde(default)]
    image: Option<String>,
    /// A file, relative to the spec's folder; this or `image`.
    #[serde(default)]
    blob: Option<String>,
    /// The private key: a name that the environment gives a file, a file relative to the spec's folder, or a reference to
    /// a key service (`awskms://…`).
    key: String,
    /// The password of the key's file.
    #[serde(default)]
    password: Option<Secret>,
    /// What the signature says besides: `{approver: alice}`. Images only.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    /// Whether the signature is written to the public transparency log: `required` or `ignored`.
    #[serde(default)]
    transparency_log: TransparencyLog,
    /// Whether the registry may be spoken to without TLS.
    #[serde(default)]
    allow_http: bool,
}

/// What was signed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The image that was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// The file with the bundle of a blob, for `cosign.verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
    /// How long cosign took.
    elapsed: Duration,
}

pub(super) struct Sign;

impl Action for Sign {
    const NAME: &'static str = "cosign.sign";
    type Params = Params;
    type Output = Output;

    /// Signing twice leaves two signatures.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let verb = if params.get("blob").is_some() {
            "sign-blob"
        } else {
            "sign"
        };
        reach(verb, &["blob", "key"], params)
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let text = |key: &str| params.get(key).and_then(Json::as_str);
        let problem = |pointer: &str, message: &str, help: Option<&str>| ParamProblem {
            pointer: pointer.to_owned(),
            key: None,
            message: message.to_owned(),
            help: help.map(str::to_owned),
        };
        let mut all = Vec::new();
        match (text("image"), text("blob")) {
            (None, None) => all.push(problem("", "what is signed? name an `image` or a `blob`", None)),
            (Some(_), Some(_)) => all.push(problem("/blob", "`image` and `blob` exclude each other", None)),
            (Some(image), None) if !image.contains("@sha256:") && !image.contains("${{") => {
                all.push(problem(
                    "/image",
                    "an image is signed by its digest; the tag may mean another image by then",
                    Some("name it `NAME@sha256:…`"),
                ));
            }
            (None, Some(_)) if params.get("annotations").is_some() => all.push(problem(
                "/annotations",
                "signatures of files carry no annotations",
                None,
            )),
            _ => {}
        }
        all
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let verb = if params.blob.is_some() {
            "sign-blob"
        } else {
            "sign"
        };
        let mut words = vec![verb.to_owned(), "--yes".to_owned()];
        if params.transparency_log == TransparencyLog::Ignored {
            words.extend(without_log(verb, cx).await?);
        }
        words.extend(["--key".to_owned(), key(&params.key, cx)?]);
        let mut bundle = None;
        if let Some(image) = &params.image {
            if !image.contains("@sha256:") {
                let why = format!("`{image}` names no digest: the tag may mean another image by then");
                return Err(Failure::new(Class::BadParameter, why).help("name it `NAME@sha256:…`"));
            }
            let image = whole_name(image, cx)?;
            if params.allow_http {
                words.push("--allow-http-registry=true".to_owned());
            }
            for (key, value) in &params.annotations {
                words.extend(["--annotations".to_owned(), format!("{key}={value}")]);
            }
            words.extend(["--".to_owned(), image]);
        }
        if let Some(blob) = &params.blob {
            let path = artifact(cx, "bundle.json")?;
            words.extend([
                "--bundle".to_owned(),
                path.clone(),
                "--".to_owned(),
                file(blob, cx)?,
            ]);
            bundle = Some(path);
        }
        let done = cosign(words, params.password, cx).await?;
        match done.code {
            Some(0) => {}
            Some(_) => return Err(failure(&done, "could not sign")),
            None => return Err(done.failure()),
        }
        if let Some(path) = &bundle
            && !std::path::Path::new(path).is_file()
        {
            return Err(odd(&done, "it wrote no bundle"));
        }
        Ok(Output {
            image: params.image,
            bundle,
            elapsed: Duration(done.elapsed.as_secs_f64()),
        })
    }
}

/// How this version of cosign is told to leave the log out: version 2 by a flag, version 3 by a signing configuration
/// that names no log.
async fn without_log(verb: &str, cx: &Context) -> Result<Vec<String>, Failure> {
    let help = cosign(vec![verb.to_owned(), "--help".to_owned()], None, cx).await?;
    if help.code != Some(0) {
        return Err(help.failure());
    }
    // Version 3 still shows the old flag in an example, and refuses it.
    if !help.stdout.text.contains("--signing-config") {
        return Ok(vec!["--tlog-upload=false".to_owned()]);
    }
    let config = artifact(cx, "signing-config.json")?;
    let words = ["signing-config", "create", "--out", &config];
    let made = cosign(words.map(str::to_owned).to_vec(), None, cx).await?;
    if made.code != Some(0) {
        return Err(made.failure());
    }
    Ok(vec!["--signing-config".to_owned(), config])
}
