//! `cosign.verify`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::bundle;
use super::classify::{Verified, classify, odd};
use super::program::{TransparencyLog, cosign, file, image as whole_name, key, reach, said};
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::process::Finished;
use crate::value::Duration;

/// Asks cosign whether an image, an artifact of a registry, or a file carries the right signature. What it found is
/// `result`; whatever kept it from looking (a registry that is down, a tag that is not there, a key that cannot be
/// read) is a failure of the step and never a result.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// An image or artifact in a registry: `registry.example.org/models/fraud@sha256:…`; this or `blob`. A tag can be
    /// moved afterwards: the digest that was verified is in the output, to be compared with the one that is deployed. A
    /// name without a registry lies in the environment's (`endpoints: {cosign: {registry: …}}`).
    #[serde(default)]
    image: Option<String>,
    /// A file, relative to the spec's folder; this or `image`.
    #[serde(default)]
    blob: Option<String>,
    /// The public key: a name that the environment gives a file (`endpoints: {cosign: {key_files: {release: …}}}`), a file
    /// relative to the spec's folder, or a reference to a key service (`awskms://…`).
    #[serde(default)]
    key: Option<String>,
    /// Without a key: who the certificate must be for.
    #[serde(default)]
    certificate_identity: Option<String>,
    /// Without a key: who must have issued the identity.
    #[serde(default)]
    certificate_oidc_issuer: Option<String>,
    /// Annotations the signature must carry: `{approver: alice}`. Images only.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    /// The file with the signature of a blob; this or `bundle`.
    #[serde(default)]
    signature: Option<String>,
    /// The file with the bundle of a blob; this or `signature`.
    #[serde(default)]
    bundle: Option<String>,
    /// Whether the signature must be in the transparency log: `required` (needs the network) or `ignored`.
    #[serde(default)]
    transparency_log: TransparencyLog,
    /// A file with the certificates and log keys to trust, for a Sigstore of one's own.
    #[serde(default)]
    trusted_root: Option<String>,
    /// Whether the registry may be spoken to without TLS.
    #[serde(default)]
    allow_http: bool,
}

/// What cosign found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// `valid`, `unsigned`, `wrong_key`, `wrong_identity`, `wrong_annotation`, `tampered` (a signature for other content), or
    /// `mismatch` (by another key or for other content: cosign cannot say which).
    result: Verified,
    /// What cosign said when the result is not `valid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The digest that was verified: `sha256:…`. Images only, and only when the result is `valid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// The signatures of an image that match.
    signatures: Vec<Signature>,
    /// How long cosign took.
    elapsed: Duration,
}

/// A signature of an image that matches.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Signature {
    /// The image it is for, as the signature says.
    reference: String,
    /// The digest it is for.
    digest: String,
    /// What the signer said besides.
    annotations: BTreeMap<String, String>,
}

pub(super) struct Verify;

impl Action for Verify {
    const NAME: &'static str = "cosign.verify";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let verb = if params.get("blob").is_some() {
            "verify-blob"
        } else {
            "verify"
        };
        reach(
            verb,
            &["blob", "key", "signature", "bundle", "trusted_root"],
            params,
        )
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let given = |key: &str| params.get(key).is_some_and(|v| !v.is_null());
        let problem = |key: &str, message: &str| ParamProblem {
            pointer: if key.is_empty() {
                String::new()
            } else {
                format!("/{key}")
            },
            key: None,
            message: message.to_owned(),
            help: None,
        };
        let mut all = Vec::new();
        match (given("image"), given("blob")) {
            (false, false) => all.push(problem("", "what is verified? name an `image` or a `blob`")),
            (true, true) => all.push(problem("blob", "`image` and `blob` exclude each other")),
            (true, false) => {
                for key in ["signature", "bundle"].into_iter().filter(|k| given(k)) {
                    all.push(problem(
                        key,
                        "belongs to a `blob`; signatures of images lie in the registry",
                    ));
                }
            }
            (false, true) => {
                match (given("signature"), given("bundle")) {
                    (false, false) => all.push(problem("blob", "a blob needs its `signature` or `bundle`")),
                    (true, true) => {
                        all.push(problem("bundle", "`signature` and `bundle` exclude each other"));
                    }
                    _ => {}
                }
                if given("annotations") {
                    all.push(problem("annotations", "signatures of files carry no annotations"));
                }
            }
        }
        match (given("key"), given("certificate_identity")) {
            (false, false) => all.push(problem(
                "",
                "by whom? name a `key`, or a `certificate_identity` with its `certificate_oidc_issuer`",
            )),
            (true, true) => all.push(problem(
                "certificate_identity",
                "`key` and `certificate_identity` exclude each other",
            )),
            (false, true) if !given("certificate_oidc_issuer") => all.push(problem(
                "certificate_identity",
                "an identity means nothing without the `certificate_oidc_issuer` that vouches for it",
            )),
            _ => {}
        }
        all
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let done = cosign(words(&params, cx)?, None, cx).await?;
        let mut result = classify(&done)?;
        if let (Some(blob), Verified::WrongKey | Verified::Mismatch) = (&params.blob, result) {
            result = match &params.bundle {
                Some(bundle) => bundle::blame(bundle, blob, cx)?,
                None => Verified::Mismatch,
            };
        }
        let signatures = match (&params.image, result) {
            (Some(_), Verified::Valid) => signatures(&done)?,
            _ => Vec::new(),
        };
        if result == Verified::Valid && params.blob.is_some() && !done.stderr.text.contains("Verified OK") {
            return Err(odd(&done, "it does not say `Verified OK`"));
        }
        Ok(Output {
            message: (result != Verified::Valid).then(|| said(&done)),
            digest: signatures.first().map(|s| s.digest.clone()),
            result,
            signatures,
            elapsed: Duration(done.elapsed.as_secs_f64()),
        })
    }
}

fn words(params: &Params, cx: &Context) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    let verb = if params.blob.is_some() {
        "verify-blob"
    } else {
        "verify"
    };
    words.push(verb.to_owned());
    if params.transparency_log == TransparencyLog::Ignored {
        words.push("--insecure-ignore-tlog=true".to_owned());
    }
    if let Some(text) = &params.key {
        words.extend(["--key".to_owned(), key(text, cx)?]);
    }
    for (flag, text) in [
        ("--certificate-identity", &params.certificate_identity),
        ("--certificate-oidc-issuer", &params.certificate_oidc_issuer),
    ] {
        if let Some(text) = text {
            words.extend([flag.to_owned(), text.clone()]);
        }
    }
    if let Some(root) = &params.trusted_root {
        words.extend([
            "--trusted-root".to_owned(),
            file(root, cx)?,
            "--new-bundle-format=true".to_owned(),
        ]);
    }
    if let Some(image) = &params.image {
        let image = whole_name(image, cx)?;
        if params.allow_http {
            words.push("--allow-http-registry=true".to_owned());
        }
        for (key, value) in &params.annotations {
            words.extend(["--annotations".to_owned(), format!("{key}={value}")]);
        }
        words.extend(["-o".to_owned(), "json".to_owned(), "--".to_owned(), image]);
    }
    if let Some(blob) = &params.blob {
        if let Some(signature) = &params.signature {
            words.extend(["--signature".to_owned(), file(signature, cx)?]);
        }
        if let Some(bundle) = &params.bundle {
            words.extend(["--bundle".to_owned(), file(bundle, cx)?]);
        }
        words.extend(["--".to_owned(), file(blob, cx)?]);
    }
    Ok(words)
}

/// The signatures cosign prints for an image: a list with one element for each that matches.
fn signatures(done: &Finished) -> Result<Vec<Signature>, Failure> {
    #[derive(Deserialize)]
    struct Printed {
        critical: Critical,
        optional: Option<BTreeMap<String, Json>>,
    }
    #[derive(Deserialize)]
    struct Critical {
        identity: Identity,
        image: Image,
    }
    #[derive(Deserialize)]
    struct Identity {
        #[serde(rename = "docker-reference")]
        reference: String,
    }
    #[derive(Deserialize)]
    struct Image {
        #[serde(rename = "docker-manifest-digest")]
        digest: String,
    }
    let printed: Vec<Printed> = serde_json::from_str(done.stdout.text.trim()).map_err(|e| {
        odd(
            done,
            &format!("what it printed is not the list of signatures: {e}"),
        )
    })?;
    if printed.is_empty() {
        return Err(odd(done, "it lists no signature"));
    }
    let digest = &printed[0].critical.image.digest;
    if printed.iter().any(|p| p.critical.image.digest != *digest) {
        return Err(odd(done, "its signatures are for different digests"));
    }
    Ok(printed
        .into_iter()
        .map(|p| Signature {
            reference: p.critical.identity.reference,
            digest: p.critical.image.digest,
            annotations: p
                .optional
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| {
                    (
                        key,
                        value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                    )
                })
                .collect(),
        })
        .collect())
}
