//! What a signature bundle says of the file it was made for, so that a wrong key and a changed file are told apart.
//!
//! Format: Sigstore bundle v0.3, `messageSignature.messageDigest.digest` is the base64 of the SHA-256 of the file
//! (sigstore/protobuf-specs, `sigstore_bundle.proto`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::classify::Verified;
use crate::action::{Context, Failure};

/// The largest bundle that is read.
const MOST: u64 = 4 << 20;

/// What does not fit when cosign says that the signature in a bundle does not: the digest that was signed decides.
/// Without one in the bundle it stays open.
pub(super) fn blame(bundle: &str, blob: &str, cx: &Context) -> Result<Verified, Failure> {
    let content = cx.tools.files.read(&cx.base_dir, bundle, MOST)?;
    let Some(signed) = digest(&content.bytes) else {
        return Ok(Verified::Mismatch);
    };
    let found = cx.tools.files.hash(&cx.base_dir, blob)?;
    Ok(if signed == found.sha256 {
        Verified::WrongKey
    } else {
        Verified::Tampered
    })
}

/// The SHA-256 in a bundle, 64 hexadecimal digits.
fn digest(bundle: &[u8]) -> Option<String> {
    let bundle: Json = serde_json::from_slice(bundle).ok()?;
    let digest = bundle.get("messageSignature")?.get("messageDigest")?;
    if digest.get("algorithm")?.as_str()? != "SHA2_256" {
        return None;
    }
    let bytes = STANDARD.decode(digest.get("digest")?.as_str()?).ok()?;
    Some(crate::tools::files::hex(&bytes))
}
