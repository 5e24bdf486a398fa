//! What a run may reach. Deny wins; what is not granted is refused with the flag that would grant it.
//!
//! A rule is the text of a flag or of a policy file. `*` stands for any text. By kind:
//!
//! | kind | rule | grants |
//! |---|---|---|
//! | exec | `cosign`, `cosign verify`, `./scripts/*` | the program, with these first arguments; `*` grants no shell |
//! | net | `host`, `host:port`, `*.svc.cluster.local:*`, `[::1]:80`, `10.0.0.0/8` | connections |
//! | endpoint | `mlflow` | the service the environment names for a family |
//! | read, write | a folder or file | everything below it |
//! | env, secret | a name | its value |
//! | kube | `namespace:verb:resource` | calls of the Kubernetes API; `-` is no namespace |

use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use super::Capability;
use super::capability::UNKNOWN;
use crate::check::{Class, Failure};

/// A pattern for one kind of capability: `127.0.0.1:*`, `*.svc.cluster.local`, `cosign`, `./data`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(pub String);

/// The powers of a run.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// No policy was given: everything the specs declare is allowed.
    pub open: bool,
    pub allow: Vec<(String, Rule)>,
    pub deny: Vec<(String, Rule)>,
}

/// Programs that run whatever text they are given, so that a wildcard does not grant them.
const SHELLS: [&str; 17] = [
    "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox", "pwsh", "cmd",
    "env", "xargs", "sudo", "nohup",
];

impl Grants {
    /// The kinds of powers, as flags and policies name them.
    pub const KINDS: [&'static str; 8] = [
        "exec", "net", "endpoint", "read", "write", "env", "secret", "kube",
    ];

    /// Everything is allowed (no policy was given).
    #[must_use]
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Whether this is granted. A part that is not known yet (`?`) is not judged here; it is when it is known.
    ///
    /// # Errors
    /// Class `not_granted`, with the flag that would grant it.
    pub fn check(&self, wanted: &Capability) -> Result<(), Failure> {
        if let Some(rule) = matching(&self.deny, wanted, Reading::Deny) {
            return Err(
                refused(wanted, &format!("denied by the rule `{}`", rule.0)).help(format!(
                    "remove the rule `{}` from the policy, or `--deny-{}` from the command line, if it may",
                    rule.0,
                    wanted.kind()
                )),
            );
        }
        if self.open || unknown(wanted) || self.names(wanted) {
            return Ok(());
        }
        Err(refused(wanted, "not granted").help(format!("add `{}` if it may", wanted.flag())))
    }

    /// Whether a rule grants this and none denies it, whatever an open policy would allow.
    #[must_use]
    pub fn names(&self, wanted: &Capability) -> bool {
        matching(&self.allow, wanted, Reading::Allow).is_some()
            && matching(&self.deny, wanted, Reading::Deny).is_none()
    }

    /// Whether a rule names this very address (itself or a block of addresses; no wildcard).
    #[must_use]
    pub fn names_address(&self, address: IpAddr, port: Option<u16>) -> bool {
        self.allow.iter().any(|(kind, rule)| {
            kind == "net" && {
                let (host, rule_port) = split_port(&rule.0);
                !host.contains('*')
                    && address_matches(host, address)
                    && port_matches(rule_port, port, Reading::Allow)
            }
        })
    }

    /// Whether a path lies below one that is granted by name (`kind` is `read` or `write`) and below none that is
    /// denied. The path must be absolute and free of `..` and symbolic links.
    #[must_use]
    pub fn names_path(&self, kind: &str, path: &Path) -> bool {
        let below = |rules: &[(String, Rule)]| {
            rules
                .iter()
                .any(|(k, rule)| k == kind && path_below(path, &absolute(Path::new(&rule.0))))
        };
        below(&self.allow) && !below(&self.deny)
    }

    /// Whether a path is denied by name.
    #[must_use]
    pub fn denies_path(&self, kind: &str, path: &Path) -> bool {
        self.deny
            .iter()
            .any(|(k, rule)| k == kind && path_below(path, &absolute(Path::new(&rule.0))))
    }
}

/// The failure that says that a power was not granted.
pub(super) fn refused(wanted: &Capability, why: &str) -> Failure {
    Failure::new(Class::NotGranted, format!("{wanted}: {why}"))
}

/// A rule that is read generously grants less than asked; one that denies is read the other way around.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Allow,
    Deny,
}

fn matching<'a>(rules: &'a [(String, Rule)], wanted: &Capability, reading: Reading) -> Option<&'a Rule> {
    rules
        .iter()
        .find(|(kind, rule)| kind == wanted.kind() && matches(&rule.0, wanted, reading))
        .map(|(_, rule)| rule)
}

fn matches(rule: &str, wanted: &Capability, reading: Reading) -> bool {
    match wanted {
        Capability::Exec { program, args } => exec_matches(rule, program, args, reading),
        Capability::Net { host, port } => {
            let (rule_host, rule_port) = split_port(rule);
            let host_fits = match host.parse::<IpAddr>() {
                Ok(address) => address_matches(rule_host, address) || wild(rule_host, host),
                Err(_) => wild(
                    &rule_host.to_ascii_lowercase(),
                    &host.trim_end_matches('.').to_ascii_lowercase(),
                ),
            };
            host_fits && port_matches(rule_port, *port, reading)
        }
        Capability::Endpoint { family } => wild(rule, family),
        Capability::Read { path } | Capability::Write { path } => {
            path_below(&absolute(Path::new(path)), &absolute(Path::new(rule)))
        }
        Capability::Env { name } | Capability::Secret { name } => wild(rule, name),
        Capability::Kube {
            verb,
            resource,
            namespace,
        } => {
            let mut parts = rule.splitn(3, ':');
            let mut fits = |text: &str| parts.next().is_none_or(|part| wild(part, text));
            fits(namespace.as_deref().unwrap_or("-")) && fits(verb) && fits(resource)
        }
    }
}

fn exec_matches(rule: &str, program: &str, args: &[String], reading: Reading) -> bool {
    let mut words = rule.split_whitespace();
    let Some(first) = words.next() else {
        return false;
    };
    let base = program.rsplit('/').next().unwrap_or(program);
    let program_fits = match reading {
        Reading::Allow => wild(first, program) && !(first.contains('*') && SHELLS.contains(&base)),
        Reading::Deny => wild(first, program) || wild(first, base),
    };
    program_fits
        && words
            .enumerate()
            .all(|(i, word)| args.get(i).is_some_and(|arg| wild(word, arg)))
}

fn address_matches(rule_host: &str, address: IpAddr) -> bool {
    if let Some((block, bits)) = rule_host.split_once('/') {
        let (Ok(block), Ok(bits)) = (
            super::capability::bare_host(block).parse::<IpAddr>(),
            bits.parse::<u32>(),
        ) else {
            return false;
        };
        return match (block, address) {
            (IpAddr::V4(b), IpAddr::V4(a)) if bits <= 32 => {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                u32::from(b) & mask == u32::from(a) & mask
            }
            (IpAddr::V6(b), IpAddr::V6(a)) if bits <= 128 => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                u128::from(b) & mask == u128::from(a) & mask
            }
            _ => false,
        };
    }
    super::capability::bare_host(rule_host)
        .parse::<IpAddr>()
        .is_ok_and(|ip| ip.to_canonical() == address.to_canonical())
}

/// `host:port`, `[v6]:port`, `v6`, `block/bits:port` into host and port.
fn split_port(rule: &str) -> (&str, Option<&str>) {
    if rule.starts_with('[') {
        return match rule.split_once(']') {
            Some((host, rest)) => (&host[1..], rest.strip_prefix(':')),
            None => (rule, None),
        };
    }
    match rule.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (rule, None),
    }
}

fn port_matches(rule: Option<&str>, port: Option<u16>, reading: Reading) -> bool {
    match (rule, port) {
        (None | Some("*"), _) => true,
        // Not known yet: it is judged again when it is.
        (Some(_), None) => reading == Reading::Allow,
        (Some(rule), Some(port)) => rule.parse() == Ok(port),
    }
}

fn unknown(wanted: &Capability) -> bool {
    match wanted {
        Capability::Exec { program, .. } => program == UNKNOWN,
        Capability::Net { host, .. } => host == UNKNOWN,
        // Relative paths start at the spec's folder, which is not known here; `Files` judges them.
        Capability::Read { path } | Capability::Write { path } => !Path::new(path).is_absolute(),
        Capability::Kube {
            resource, namespace, ..
        } => resource == UNKNOWN || namespace.as_deref() == Some(UNKNOWN),
        Capability::Endpoint { .. } | Capability::Env { .. } | Capability::Secret { .. } => false,
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn wild(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?', '[', '{']) {
        return pattern == text;
    }
    globset::GlobBuilder::new(pattern)
        .literal_separator(false)
        .backslash_escape(true)
        .build()
        .is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

fn path_below(path: &Path, root: &Path) -> bool {
    path.starts_with(root)
}

/// Absolute, with `.` and `..` taken out of the text; symbolic links are followed as far as the path exists.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let joined = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain.canonicalize().unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(allow: &[(&str, &str)], deny: &[(&str, &str)]) -> Grants {
        let rules = |list: &[(&str, &str)]| {
            list.iter()
                .map(|(kind, rule)| ((*kind).to_owned(), Rule((*rule).to_owned())))
                .collect()
        };
        Grants {
            open: false,
            allow: rules(allow),
            deny: rules(deny),
        }
    }

    fn net(host: &str, port: u16) -> Capability {
        Capability::Net {
            host: host.into(),
            port: Some(port),
        }
    }

    fn exec(words: &[&str]) -> Capability {
        Capability::Exec {
            program: words[0].into(),
            args: words[1..].iter().map(|w| (*w).to_owned()).collect(),
        }
    }

    #[test]
    fn nothing_is_granted_by_an_empty_policy_and_the_flag_is_named() {
        let grants = closed(&[], &[]);
        for wanted in [
            net("h", 80),
            exec(&["cosign"]),
            Capability::Endpoint {
                family: "mlflow".into(),
            },
            Capability::Read { path: "/etc".into() },
            Capability::Write { path: "/etc".into() },
            Capability::Env { name: "HOME".into() },
            Capability::Secret { name: "token".into() },
            Capability::Kube {
                verb: "get".into(),
                resource: "pods".into(),
                namespace: Some("a".into()),
            },
        ] {
            let failure = grants.check(&wanted).unwrap_err();
            assert_eq!(failure.class, Class::NotGranted);
            assert!(failure.help.unwrap().contains(&wanted.flag()), "{wanted}");
            assert!(Grants::open().check(&wanted).is_ok());
        }
    }

    #[test]
    fn hosts_match_by_name_wildcard_address_block_and_port() {
        let grants = closed(
            &[
                ("net", "127.0.0.1:*"),
                ("net", "*.svc.cluster.local:80"),
                ("net", "10.0.0.0/8:443"),
                ("net", "[::1]:9"),
            ],
            &[("net", "10.9.0.0/16")],
        );
        assert!(grants.check(&net("127.0.0.1", 5000)).is_ok());
        assert!(grants.check(&net("a.b.SVC.cluster.local.", 80)).is_ok());
        assert!(grants.check(&net("a.svc.cluster.local", 81)).is_err());
        assert!(grants.check(&net("evil-svc.cluster.local", 80)).is_err());
        assert!(
            grants
                .check(&net("a.svc.cluster.local.evil.example", 80))
                .is_err()
        );
        assert!(grants.check(&net("10.1.2.3", 443)).is_ok());
        assert!(grants.check(&net("10.9.2.3", 443)).is_err());
        assert!(grants.check(&net("11.1.2.3", 443)).is_err());
        assert!(grants.check(&net("::1", 9)).is_ok());
        assert!(grants.check(&net("::1", 10)).is_err());
        assert!(grants.check(&net("localhost", 80)).is_err());
    }

    #[test]
    fn programs_match_by_first_words_and_a_wildcard_grants_no_shell() {
        let grants = closed(
            &[("exec", "cosign verify"), ("exec", "*"), ("exec", "python3")],
            &[("exec", "rm")],
        );
        assert!(grants.check(&exec(&["cosign", "sign"])).is_ok());
        for shell in ["sh", "/bin/bash", "env"] {
            assert!(grants.check(&exec(&[shell, "-c", "true"])).is_err(), "{shell}");
        }
        assert!(grants.check(&exec(&["rm", "-rf"])).is_err());
        assert!(grants.check(&exec(&["/bin/rm"])).is_err());

        let grants = closed(&[("exec", "cosign verify"), ("exec", "sh")], &[]);
        assert!(grants.check(&exec(&["cosign", "verify", "x"])).is_ok());
        assert!(grants.check(&exec(&["cosign", "sign"])).is_err());
        assert!(grants.check(&exec(&["cosign"])).is_err());
        assert!(grants.check(&exec(&["./cosign", "verify"])).is_err());
        assert!(grants.check(&exec(&["sh", "-c", "x"])).is_ok());
    }

    #[test]
    fn deny_wins_over_open_and_over_allow() {
        let mut grants = Grants::open();
        grants.deny.push(("net".into(), Rule("h:80".into())));
        grants.allow.push(("net".into(), Rule("h:80".into())));
        let failure = grants.check(&net("h", 80)).unwrap_err();
        assert!(failure.message.contains("denied by the rule `h:80`"), "{failure}");
        assert!(grants.check(&net("h", 81)).is_ok());
    }

    #[test]
    fn kube_rules_have_three_parts() {
        let grants = closed(&[("kube", "ml-*:get:pods"), ("kube", "*:list:*")], &[]);
        let kube = |ns: Option<&str>, verb: &str, resource: &str| Capability::Kube {
            verb: verb.into(),
            resource: resource.into(),
            namespace: ns.map(str::to_owned),
        };
        assert!(grants.check(&kube(Some("ml-a"), "get", "pods")).is_ok());
        assert!(grants.check(&kube(Some("other"), "get", "pods")).is_err());
        assert!(grants.check(&kube(Some("ml-a"), "delete", "pods")).is_err());
        assert!(grants.check(&kube(None, "list", "nodes")).is_ok());
    }

    #[test]
    fn an_address_is_named_only_by_itself_or_its_block() {
        let grants = closed(&[("net", "*"), ("net", "169.254.0.0/16:80")], &[]);
        let address: IpAddr = "169.254.169.254".parse().unwrap();
        assert!(grants.names_address(address, Some(80)));
        assert!(!grants.names_address(address, Some(81)));
        assert!(!closed(&[("net", "*")], &[]).names_address(address, Some(80)));
    }
}
