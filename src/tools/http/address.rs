//! Which addresses may be connected to. The resolver judges every address before the connection is made, so a name
//! that changes its address between the check and the connection gains nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::check::Failure;
use crate::tools::grants::refused;
use crate::tools::{Capability, Grants};

/// How names become addresses.
pub trait Lookup: Send + Sync {
    /// All addresses of a name.
    fn lookup(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0))
                .await?
                .map(|a| a.ip())
                .collect())
        })
    }
}

/// Why a name gave no address; found again in the chain of a request's error.
#[derive(Debug)]
pub(in crate::tools) enum ResolveError {
    NoAddress { host: String, why: String },
    Refused(Box<Failure>),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress { host, why } => write!(f, "the name {host} does not resolve: {why}"),
            Self::Refused(failure) => f.write_str(&failure.message),
        }
    }
}

impl std::error::Error for ResolveError {}

/// A resolver that gives only addresses that may be connected to.
pub(super) struct Judged {
    pub grants: Arc<Grants>,
    pub lookup: Arc<dyn Lookup>,
    /// For a request with another TLS name: that name and the host that is really meant.
    pub alias: Option<(String, String)>,
    /// A proxy connects instead of us, so its address is the user's choice.
    pub proxies: Vec<String>,
}

impl Resolve for Judged {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = name.as_str().to_owned();
        let host = match &self.alias {
            Some((alias, host)) if *alias == asked => host.clone(),
            _ => asked,
        };
        let grants = Arc::clone(&self.grants);
        let lookup = Arc::clone(&self.lookup);
        let trusted = self.proxies.contains(&host);
        Box::pin(async move {
            let found = addresses(&grants, lookup.as_ref(), &host, trusted).await?;
            let addrs: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addrs)
        })
    }
}

/// The addresses of a host, each of which may be connected to; `trusted` ones are not judged.
pub(in crate::tools) async fn addresses(
    grants: &Grants,
    lookup: &dyn Lookup,
    host: &str,
    trusted: bool,
) -> Result<Vec<IpAddr>, ResolveError> {
    let no_address = |why: String| ResolveError::NoAddress {
        host: host.to_owned(),
        why,
    };
    let found = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => lookup
            .lookup(host.to_owned())
            .await
            .map_err(|e| no_address(e.to_string()))?,
    };
    if found.is_empty() {
        return Err(no_address("it has no address".to_owned()));
    }
    if !trusted {
        // One refused address refuses the name: a mixed answer is how rebinding looks.
        for address in &found {
            judge(grants, host, *address, None).map_err(|f| ResolveError::Refused(Box::new(f)))?;
        }
    }
    Ok(found)
}

/// Whether an address that `host` stands for may be connected to; whether the host itself is granted is judged
/// elsewhere.
///
/// # Errors
/// Class `not_granted`: link-local and metadata addresses that no rule names, addresses that are denied, and, under a
/// policy, loopback addresses behind another name.
pub(super) fn judge(grants: &Grants, host: &str, address: IpAddr, port: Option<u16>) -> Result<(), Failure> {
    let plain = plain(address);
    let wanted = Capability::Net {
        host: plain.to_string(),
        port,
    };
    let say = |why: &str| {
        let via = if host.parse::<IpAddr>().is_ok_and(|ip| ip == address) {
            String::new()
        } else {
            format!(" ({host} leads there)")
        };
        refused(&wanted, &format!("{why}{via}")).help(format!("add `{}` if it may", wanted.flag()))
    };
    if let Some(kind) = guarded(plain)
        && !grants.names_address(plain, port)
    {
        return Err(say(&format!(
            "{kind} is refused unless it is granted by its address"
        )));
    }
    let denied = Grants {
        open: true,
        allow: Vec::new(),
        deny: grants.deny.clone(),
    };
    denied.check(&wanted)?;
    let loopback_name = host == "localhost" || host.ends_with(".localhost");
    if !grants.open
        && plain.is_loopback()
        && !loopback_name
        && host.parse::<IpAddr>().is_err()
        && !grants.names(&wanted)
    {
        return Err(say("a name leads to this machine, which is not granted"));
    }
    Ok(())
}

/// What kind of address it is, when it is one that programs on a cloud machine must not be lured to.
fn guarded(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => {
            if v4 == Ipv4Addr::new(169, 254, 169, 254)
                || v4 == Ipv4Addr::new(100, 100, 100, 200)
                || v4 == Ipv4Addr::new(168, 63, 129, 16)
                || v4 == Ipv4Addr::new(192, 0, 0, 192)
            {
                Some("the metadata service of a cloud")
            } else if v4.is_link_local() {
                Some("a link-local address")
            } else if v4.is_broadcast() || v4.is_multicast() {
                Some("a broadcast or multicast address")
            } else {
                None
            }
        }
        IpAddr::V6(v6) => {
            if v6 == Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)
                || v6 == Ipv6Addr::new(0xfd20, 0x0ce, 0, 0, 0, 0, 0, 0x0254)
            {
                Some("the metadata service of a cloud")
            } else if v6.segments()[0] & 0xffc0 == 0xfe80 {
                Some("a link-local address")
            } else if v6.is_multicast() {
                Some("a multicast address")
            } else {
                None
            }
        }
    }
}

/// The IPv4 address inside the IPv6 forms that lead to one: mapped, compatible, 6to4 and NAT64.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else {
        return address.to_canonical();
    };
    let s = v6.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        [0x2002, high, low, ..] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        _ => IpAddr::V6(v6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Class;
    use crate::tools::Rule;

    fn verdict(grants: &Grants, host: &str, address: &str) -> Option<Class> {
        judge(grants, host, address.parse().unwrap(), Some(80))
            .err()
            .map(|f| f.class)
    }

    #[test]
    fn guarded_addresses_are_refused_in_every_form() {
        let open = Grants::open();
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "64:ff9b::a9fe:a9fe",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "ff02::1",
        ] {
            assert_eq!(
                verdict(&open, "name", address),
                Some(Class::NotGranted),
                "{address}"
            );
        }
        for address in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "93.184.216.34",
            "2001:db8::1",
            "fd00::1",
        ] {
            assert_eq!(verdict(&open, "name", address), None, "{address}");
        }
    }

    #[test]
    fn a_wildcard_does_not_grant_a_guarded_address_but_its_name_does() {
        let mut grants = Grants::open();
        grants.allow.push(("net".into(), Rule("*".into())));
        assert!(verdict(&grants, "name", "169.254.169.254").is_some());
        grants
            .allow
            .push(("net".into(), Rule("169.254.169.254:80".into())));
        assert!(verdict(&grants, "name", "169.254.169.254").is_none());
        assert!(verdict(&grants, "name", "::ffff:169.254.169.254").is_none());
    }

    #[test]
    fn under_a_policy_a_name_does_not_lead_to_this_machine() {
        let grants = Grants {
            allow: vec![("net".into(), Rule("rebind.example".into()))],
            ..Grants::default()
        };
        assert!(verdict(&grants, "rebind.example", "127.0.0.1").is_some());
        assert!(verdict(&grants, "localhost", "127.0.0.1").is_none());
        assert!(verdict(&Grants::open(), "rebind.example", "127.0.0.1").is_none());
    }

    #[test]
    fn a_denied_block_is_denied_behind_every_name() {
        let mut grants = Grants::open();
        grants.deny.push(("net".into(), Rule("10.0.0.0/8".into())));
        assert!(verdict(&grants, "inside.example", "10.1.1.1").is_some());
        assert!(verdict(&grants, "inside.example", "11.1.1.1").is_none());
    }
}
