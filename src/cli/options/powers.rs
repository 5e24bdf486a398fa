//! What a run may reach.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{self, Kind, Sources};
use crate::tools::{Grants, Rule};

/// Grants. Each option may be given several times. As soon as one `--allow-*` or a policy is given, only what is granted is allowed; deny wins.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Powers")]
pub struct Powers {
    /// A policy file, which should not lie in the tree of the specs; `FILE@sha256:HEX` takes it only with this digest.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Programs that may be started, with their first arguments: 'cosign', 'cosign verify'.
    #[arg(long, value_name = "PROGRAM")]
    pub allow_exec: Vec<String>,
    /// Hosts that may be connected to: '127.0.0.1:*', '*.example.com:443', '10.0.0.0/8'.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub allow_net: Vec<String>,
    /// Families whose service, wherever the environment says it is, may be used.
    #[arg(long, value_name = "FAMILY")]
    pub allow_endpoint: Vec<String>,
    /// Paths that may be read, with everything below.
    #[arg(long, value_name = "PATH")]
    pub allow_read: Vec<String>,
    /// Paths that may be written, with everything below.
    #[arg(long, value_name = "PATH")]
    pub allow_write: Vec<String>,
    /// Environment variables that may be read.
    #[arg(long, value_name = "NAME")]
    pub allow_env: Vec<String>,
    /// Secrets that may be used.
    #[arg(long, value_name = "NAME")]
    pub allow_secret: Vec<String>,
    /// Calls of the Kubernetes API: 'namespace:verb:resource'.
    #[arg(long, value_name = "CALL")]
    pub allow_kube: Vec<String>,
    /// Programs that may not be started.
    #[arg(long, value_name = "PROGRAM")]
    pub deny_exec: Vec<String>,
    /// Hosts that may not be connected to.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub deny_net: Vec<String>,
    /// Families whose service may not be used.
    #[arg(long, value_name = "FAMILY")]
    pub deny_endpoint: Vec<String>,
    /// Paths that may not be read.
    #[arg(long, value_name = "PATH")]
    pub deny_read: Vec<String>,
    /// Paths that may not be written.
    #[arg(long, value_name = "PATH")]
    pub deny_write: Vec<String>,
    /// Environment variables that may not be read.
    #[arg(long, value_name = "NAME")]
    pub deny_env: Vec<String>,
    /// Secrets that may not be used.
    #[arg(long, value_name = "NAME")]
    pub deny_secret: Vec<String>,
    /// Calls of the Kubernetes API that may not be made.
    #[arg(long, value_name = "CALL")]
    pub deny_kube: Vec<String>,
    /// The specs come from a stranger: they may be checked and planned, and nothing is run.
    #[arg(long)]
    pub untrusted: bool,
}

impl Powers {
    /// The powers of a run; what is wrong with the policy file goes to `out`.
    pub fn grants(&self, sources: &Sources, out: &mut Diagnostics) -> Grants {
        let mut grants = Grants::default();
        if let Some(file) = &self.policy {
            policy(file, &mut grants, sources, out);
        }
        for (kind, allow, deny) in self.flags() {
            let rules = |texts: &[String]| -> Vec<(String, Rule)> {
                texts.iter().map(|t| (kind.to_owned(), Rule(t.clone()))).collect()
            };
            grants.allow.extend(rules(allow));
            grants.deny.extend(rules(deny));
        }
        grants.open = self.policy.is_none() && grants.allow.is_empty();
        grants
    }

    /// The options that give the same powers, with the policy in another file.
    #[must_use]
    pub fn words(&self, policy: &str) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(named) = &self.policy {
            let pin = pin(named).ok().and_then(|(_, pin)| pin);
            let pin = pin.map(|digest| format!("@sha256:{digest}")).unwrap_or_default();
            words.push(format!("--policy={policy}{pin}"));
        }
        for (kind, allow, deny) in self.flags() {
            words.extend(allow.iter().map(|rule| format!("--allow-{kind}={rule}")));
            words.extend(deny.iter().map(|rule| format!("--deny-{kind}={rule}")));
        }
        words
    }

    /// The policy's file, without its digest.
    #[must_use]
    pub fn policy_file(&self) -> Option<PathBuf> {
        self.policy.as_deref().and_then(|named| Some(pin(named).ok()?.0))
    }

    fn flags(&self) -> [(&'static str, &[String], &[String]); 8] {
        [
            ("exec", &self.allow_exec, &self.deny_exec),
            ("net", &self.allow_net, &self.deny_net),
            ("endpoint", &self.allow_endpoint, &self.deny_endpoint),
            ("read", &self.allow_read, &self.deny_read),
            ("write", &self.allow_write, &self.deny_write),
            ("env", &self.allow_env, &self.deny_env),
            ("secret", &self.allow_secret, &self.deny_secret),
            ("kube", &self.allow_kube, &self.deny_kube),
        ]
    }
}

/// Reads `policy: 1` with `allow` and `deny`, each a mapping from kinds to lists of rules.
fn policy(named: &Path, grants: &mut Grants, sources: &Sources, out: &mut Diagnostics) {
    let (file, pinned) = match pin(named) {
        Ok(parts) => parts,
        Err(d) => return out.push(d),
    };
    let file = &file;
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(e) => {
            out.push(
                Diagnostic::error(
                    Code::Unreadable,
                    format!("reading the policy {}: {e}", file.display()),
                )
                .path(file),
            );
            return;
        }
    };
    let digest = format!("{:x}", Sha256::digest(&text));
    if let Some(pinned) = pinned
        && pinned != digest
    {
        out.push(
            Diagnostic::error(
                Code::BadValue,
                format!(
                    "the policy {} is not the one that is pinned: it has sha256:{digest}, not sha256:{pinned}",
                    file.display()
                ),
            )
            .path(file)
            .help("somebody changed it: review the change, then pin the new digest"),
        );
        return;
    }
    let root = match source::read(sources, sources.add(file, text)) {
        Ok(root) => root,
        Err(e) => {
            out.push(
                Diagnostic::error(Code::Syntax, e.message)
                    .label(e.span, "here")
                    .maybe_help(e.help),
            );
            return;
        }
    };
    if root.get("policy").map(|e| &e.value.kind) != Some(&Kind::Int(1)) {
        out.push(
            Diagnostic::error(Code::Version, "the file does not say that it is a policy")
                .label(root.span, "here")
                .help("begin the file with `policy: 1`"),
        );
    }
    for entry in root.entries() {
        let rules = match entry.key.value.as_str() {
            "policy" => continue,
            "allow" => &mut grants.allow,
            "deny" => &mut grants.deny,
            other => {
                out.push(
                    Diagnostic::error(Code::UnknownKey, format!("a policy has no key `{other}`"))
                        .label(entry.key.span, "unknown key")
                        .maybe_help(did_you_mean(other, ["policy", "allow", "deny"])),
                );
                continue;
            }
        };
        if !matches!(entry.value.kind, Kind::Map(_)) {
            out.push(
                Diagnostic::error(
                    Code::WrongKind,
                    format!("`{}` must be a mapping", entry.key.value),
                )
                .label(entry.value.span, entry.value.describe()),
            );
        }
        for kind in entry.value.entries() {
            if !Grants::KINDS.contains(&kind.key.value.as_str()) {
                out.push(
                    Diagnostic::error(
                        Code::UnknownKey,
                        format!("there is no kind of power `{}`", kind.key.value),
                    )
                    .label(kind.key.span, "unknown kind")
                    .maybe_help(did_you_mean(&kind.key.value, Grants::KINDS)),
                );
                continue;
            }
            let texts: Option<Vec<&str>> = match &kind.value.kind {
                Kind::Seq(items) => items.iter().map(source::Node::as_str).collect(),
                _ => None,
            };
            let Some(texts) = texts else {
                out.push(
                    Diagnostic::error(
                        Code::WrongKind,
                        format!("the rules of `{}` must be a list of texts", kind.key.value),
                    )
                    .label(kind.value.span, kind.value.describe()),
                );
                continue;
            };
            rules.extend(
                texts
                    .into_iter()
                    .map(|t| (kind.key.value.clone(), Rule(t.to_owned()))),
            );
        }
    }
}

/// `FILE@sha256:HEX` into the file and its digest in lower case; a plain `FILE` has none.
fn pin(named: &Path) -> Result<(PathBuf, Option<String>), Diagnostic> {
    const MARK: &[u8] = b"@sha256:";
    let bytes = named.as_os_str().as_bytes();
    let Some(at) = bytes.windows(MARK.len()).rposition(|w| w == MARK) else {
        return Ok((named.to_owned(), None));
    };
    let digest = &bytes[at + MARK.len()..];
    if digest.len() != 64 || !digest.iter().all(u8::is_ascii_hexdigit) {
        return Err(Diagnostic::error(
            Code::BadValue,
            format!(
                "`{}` pins no digest: 64 hexadecimal digits are expected after `@sha256:`, there are {} characters",
                named.display(),
                digest.len()
            ),
        )
        .help("`sha256sum FILE` prints it"));
    }
    let file = PathBuf::from(OsStr::from_bytes(&bytes[..at]));
    Ok((file, Some(String::from_utf8_lossy(digest).to_ascii_lowercase())))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::Powers;
    use crate::diag::{Code, Diagnostics};
    use crate::source::Sources;
    use crate::tools::Grants;

    fn grants(text: &str) -> (Grants, Vec<Code>) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("policy.yaml");
        std::fs::write(&file, text).unwrap();
        let mut out = Diagnostics::new();
        let powers = Powers {
            policy: Some(file),
            deny_net: vec!["10.0.0.1".to_owned()],
            ..Powers::default()
        };
        let grants = powers.grants(&Sources::new(), &mut out);
        (grants, out.sorted().iter().map(|d| d.code).collect())
    }

    #[test]
    fn without_a_word_everything_is_open_and_a_denial_leaves_the_rest_open() {
        let mut out = Diagnostics::new();
        assert!(Powers::default().grants(&Sources::new(), &mut out).open);
        let deny = Powers {
            deny_exec: vec!["rm".to_owned()],
            ..Powers::default()
        };
        assert!(deny.grants(&Sources::new(), &mut out).open);
        let allow = Powers {
            allow_exec: vec!["cosign".to_owned()],
            ..Powers::default()
        };
        assert!(!allow.grants(&Sources::new(), &mut out).open);
        assert!(out.is_empty());
    }

    #[test]
    fn a_policy_closes_and_is_joined_with_the_flags() {
        let (grants, codes) = grants("policy: 1\nallow: {exec: [cosign, jq]}\ndeny: {net: ['*.evil']}\n");
        assert_eq!(codes, []);
        assert!(!grants.open);
        assert_eq!((grants.allow.len(), grants.deny.len()), (2, 2));
    }

    #[test]
    fn a_pinned_policy_is_taken_only_as_it_was_pinned() {
        let text = "policy: 1\nallow: {exec: [cosign]}\n";
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("policy.yaml");
        std::fs::write(&file, text).unwrap();
        let codes = |digest: &str| {
            let mut out = Diagnostics::new();
            let powers = Powers {
                policy: Some(format!("{}@sha256:{digest}", file.display()).into()),
                ..Powers::default()
            };
            let grants = powers.grants(&Sources::new(), &mut out);
            assert!(!grants.open);
            let codes: Vec<Code> = out.sorted().iter().map(|d| d.code).collect();
            assert_eq!(grants.allow.len(), usize::from(codes.is_empty()));
            codes
        };
        let right = format!("{:x}", Sha256::digest(text));
        assert_eq!(codes(&right), []);
        assert_eq!(codes(&right.to_uppercase()), []);
        assert_eq!(codes(&"0".repeat(64)), [Code::BadValue]);
        assert_eq!(codes(&right[..63]), [Code::BadValue]);
        assert_eq!(codes(""), [Code::BadValue]);
        assert_eq!(codes(&"g".repeat(64)), [Code::BadValue]);
    }

    #[test]
    fn a_wrong_policy_is_no_policy() {
        for (text, code) in [
            ("allow: {}\n", Code::Version),
            ("policy: 1\nalow: {}\n", Code::UnknownKey),
            ("policy: 1\nallow: {execc: [a]}\n", Code::UnknownKey),
            ("policy: 1\nallow: {exec: a}\n", Code::WrongKind),
            ("policy: 1\nallow: [exec]\n", Code::WrongKind),
            ("policy: 1\nallow: {exec: [1]}\n", Code::WrongKind),
            ("policy: [\n", Code::Syntax),
        ] {
            assert_eq!(grants(text).1, [code], "{text}");
        }
    }
}
