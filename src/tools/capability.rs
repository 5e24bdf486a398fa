//! What a step reaches, as far as it is known before the run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What stands for a part that is computed during the run; it is checked when it is known.
pub const UNKNOWN: &str = "?";

/// One power. The text forms are those of the `--allow-*` flags.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Capability {
    /// Runs a program with these first words as arguments.
    Exec { program: String, args: Vec<String> },
    /// Connects to a host; `port` is none when it is not known yet, `host` is `?` when it is computed.
    Net { host: String, port: Option<u16> },
    /// Uses the endpoint of a family, wherever the environment says it is.
    Endpoint { family: String },
    /// Reads below a path.
    Read { path: String },
    /// Writes below a path.
    Write { path: String },
    /// Reads an environment variable.
    Env { name: String },
    /// Uses a secret.
    Secret { name: String },
    /// Calls the Kubernetes API.
    Kube {
        verb: String,
        resource: String,
        namespace: Option<String>,
    },
}

impl Capability {
    /// The host and port a URL leads to; with a URL that cannot be read or holds an expression the host is `?`.
    #[must_use]
    pub fn net_of_url(url: &str) -> Self {
        let parsed = url::Url::parse(url).ok().filter(|_| !url.contains("${{"));
        let host = parsed.as_ref().and_then(|u| u.host_str()).map(bare_host);
        Self::Net {
            port: host
                .and(parsed.as_ref())
                .and_then(url::Url::port_or_known_default),
            host: host.unwrap_or(UNKNOWN).to_owned(),
        }
    }

    /// The registry that an image names: the first part of its name, when it holds a dot or a colon or is `localhost`
    /// (the reference grammar of distribution/reference).
    #[must_use]
    pub fn registry_of(image: &str) -> Option<Self> {
        if image.contains("${{") {
            return Some(Self::net_of_url(image));
        }
        let (first, _) = image.split_once('/')?;
        let is_host = first.contains(['.', ':']) || first == "localhost";
        is_host.then(|| Self::net_of_url(&format!("https://{first}/")))
    }

    /// The kind as the flags and policies name it: `exec`, `net`, `endpoint`, `read`, `write`, `env`, `secret`,
    /// `kube`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Exec { .. } => "exec",
            Self::Net { .. } => "net",
            Self::Endpoint { .. } => "endpoint",
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Env { .. } => "env",
            Self::Secret { .. } => "secret",
            Self::Kube { .. } => "kube",
        }
    }

    /// The text after the `=` of the flag that grants exactly this: `127.0.0.1:5000`, `cosign verify`.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Exec { program, args } => {
                let mut words = vec![program.as_str()];
                words.extend(args.iter().map(String::as_str));
                words.into_iter().map(pattern).collect::<Vec<_>>().join(" ")
            }
            Self::Net { host, port } => {
                let host = if host.contains(':') {
                    format!("[{host}]")
                } else {
                    host.clone()
                };
                port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
            }
            Self::Endpoint { family } => family.clone(),
            Self::Read { path } | Self::Write { path } => path.clone(),
            Self::Env { name } | Self::Secret { name } => name.clone(),
            Self::Kube {
                verb,
                resource,
                namespace,
            } => format!("{}:{verb}:{resource}", namespace.as_deref().unwrap_or("-")),
        }
    }

    /// The flag that grants exactly this: `--allow-net=127.0.0.1:5000`.
    #[must_use]
    pub fn flag(&self) -> String {
        let text = self.text();
        let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
        if text.chars().all(plain) {
            format!("--allow-{}={text}", self.kind())
        } else {
            format!("--allow-{}='{}'", self.kind(), text.replace('\'', "'\\''"))
        }
    }
}

impl fmt::Display for Capability {
    /// `exec cosign verify`, `net 127.0.0.1:5000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.text())
    }
}

/// A word of a rule that fits only this text: white space separates words and `*` stands for any text, so neither can
/// stand for itself.
fn pattern(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let special = word.contains(|c: char| "*?[]{}".contains(c) || c.is_whitespace());
    for c in word.chars() {
        if c.is_whitespace() {
            out.push('?');
        } else {
            if special && "*?[]{}\\".contains(c) && word != UNKNOWN {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// The host of a URL without the brackets of an IPv6 address.
pub(super) fn bare_host(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::Capability;
    use crate::tools::{Grants, Rule};

    #[test]
    fn the_text_of_a_program_grants_it_and_nothing_else() {
        let exec = |args: &[&str]| Capability::Exec {
            program: "tool".into(),
            args: args.iter().map(|a| (*a).to_owned()).collect(),
        };
        for (args, others) in [
            (&["a b"][..], &[&["a"][..], &["a", "b"], &["a bc"]][..]),
            (&["*.json"], &[&["x.json"], &["anything"]]),
            (&["{a,b}"], &[&["a"], &["b"]]),
            (&["[ab]", "c"], &[&["a", "c"]]),
        ] {
            let wanted = exec(args);
            let grants = Grants {
                allow: vec![("exec".to_owned(), Rule(wanted.text()))],
                ..Grants::default()
            };
            assert!(grants.check(&wanted).is_ok(), "{wanted}");
            for other in others {
                assert!(grants.check(&exec(other)).is_err(), "{wanted} grants {other:?}");
            }
        }
        assert_eq!(exec(&["it's"]).flag(), r"--allow-exec='tool it'\''s'");
    }

    #[test]
    fn text_forms_are_those_of_the_flags() {
        let exec = Capability::Exec {
            program: "cosign".into(),
            args: vec!["verify".into()],
        };
        assert_eq!(exec.to_string(), "exec cosign verify");
        assert_eq!(exec.flag(), "--allow-exec='cosign verify'");
        assert_eq!(
            Capability::net_of_url("http://127.0.0.1:5000/x").flag(),
            "--allow-net=127.0.0.1:5000"
        );
        assert_eq!(
            Capability::net_of_url("https://h.example/x").text(),
            "h.example:443"
        );
        assert_eq!(Capability::net_of_url("http://[::1]:80/").text(), "[::1]:80");
        assert_eq!(Capability::net_of_url("http://${{ inputs.h }}/").text(), "?");
        assert_eq!(Capability::net_of_url("/path").text(), "?");
    }
}
