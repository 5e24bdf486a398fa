//! A request whose every part is decided, to be sent many times without asking again: where it goes is resolved and
//! judged, headers and credentials are in place. It can be handed to another process; it then holds secrets.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use hyper::header;
use serde::{Deserialize, Serialize};

use super::client::{Http, read};
use super::request::{Body, Request};
use super::{address, headers, target};
use crate::check::{Class, Failure};
use crate::tools::Endpoint;
use crate::tools::capability::bare_host;

/// A request, ready to be sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ready {
    /// Its peer, by the place in the list of peers.
    pub peer: usize,
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Without `host`, which is the peer's.
    pub headers: Vec<(String, Blob)>,
    pub body: Blob,
    /// The largest answer that is read, in bytes.
    pub max_body: u64,
    /// For messages; secrets masked.
    pub shown: String,
}

/// Whom requests go to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Addresses that may be connected to; they are not asked for again.
    pub addresses: Vec<SocketAddr>,
    /// What the `Host` header says.
    pub authority: String,
    pub tls: Option<Tls>,
}

/// How a peer is trusted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The name its certificate must have.
    pub name: String,
    /// The authorities (PEM); without them those of the system.
    pub authorities: Option<Blob>,
    /// The client's certificate and key (PEM).
    pub identity: Option<(Blob, Blob)>,
}

/// Bytes that travel as base64.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Blob(pub Vec<u8>);

impl From<Blob> for String {
    fn from(blob: Blob) -> Self {
        base64::engine::general_purpose::STANDARD.encode(blob.0)
    }
}

impl TryFrom<String> for Blob {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        base64::engine::general_purpose::STANDARD.decode(text).map(Self)
    }
}

// What they hold may be secret.
impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ready({})", self.shown)
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peer({} at {:?})", self.authority, self.addresses)
    }
}

impl Http {
    /// Decides every part of a request. Its peer is put into `peers`, unless it is there. A proxy is not used.
    ///
    /// # Errors
    /// As [`Http::send`] would fail before it sends.
    pub async fn ready(
        &self,
        endpoint: Option<&Endpoint>,
        request: &Request,
        peers: &mut Vec<Peer>,
    ) -> Result<Ready, Failure> {
        self.decided(endpoint, request, peers)
            .await
            .map_err(|f| self.masked(f))
    }

    async fn decided(
        &self,
        endpoint: Option<&Endpoint>,
        request: &Request,
        peers: &mut Vec<Peer>,
    ) -> Result<Ready, Failure> {
        let (url, on_endpoint) = target::url(endpoint, request)?;
        let endpoint = endpoint.filter(|_| on_endpoint);
        target::judge(&self.grants, &url, endpoint.map(|e| e.family.as_str()))?;
        let method = if request.method.is_empty() {
            "GET"
        } else {
            &request.method
        };
        let shown = self.shown(method, &url);
        let host = request
            .host
            .clone()
            .or_else(|| endpoint.and_then(|e| e.host.clone()));
        let mut map = headers::sent(endpoint, request, host.as_deref(), &shown)?;
        map.remove(header::HOST);
        let asked = |name: &header::HeaderName| {
            let named = request.headers.iter().map(|(n, _)| n);
            named
                .chain(endpoint.iter().flat_map(|e| e.headers.keys()))
                .any(|n| n.eq_ignore_ascii_case(name.as_str()))
        };
        // Unpacking every answer would be paid for with the generator's time.
        if !asked(&header::ACCEPT_ENCODING) {
            map.remove(header::ACCEPT_ENCODING);
        }
        if !map.contains_key(header::USER_AGENT) {
            let agent = header::HeaderValue::from_static(concat!("specrun/", env!("CARGO_PKG_VERSION")));
            map.insert(header::USER_AGENT, agent);
        }
        let named = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(80);
        let authority = host.clone().unwrap_or_else(|| match url.port() {
            Some(port) => format!("{named}:{port}"),
            None => named.to_owned(),
        });
        let tls = if url.scheme() == "https" {
            let ca = request
                .ca
                .as_ref()
                .or_else(|| endpoint.and_then(|e| e.ca.as_ref()));
            let identity = request
                .client_certificate
                .as_ref()
                .or_else(|| endpoint.and_then(|e| e.client_certificate.as_ref()));
            let name = host.as_deref().unwrap_or(named);
            let name = if name.starts_with('[') {
                bare_host(name)
            } else {
                name.rsplit_once(':').map_or(name, |(name, _)| name)
            };
            Some(Tls {
                name: name.to_owned(),
                authorities: ca
                    .map(|p| read(p, "the certificate authorities").map(Blob))
                    .transpose()?,
                identity: identity
                    .map(|(certificate, key)| {
                        Ok::<_, Failure>((
                            Blob(read(certificate, "the client certificate")?),
                            Blob(read(key, "the key of the client certificate")?),
                        ))
                    })
                    .transpose()?,
            })
        } else {
            None
        };
        let peer = Peer {
            addresses: self.resolved(bare_host(named), port, &shown).await?,
            authority,
            tls,
        };
        let at = peers.iter().position(|p| *p == peer).unwrap_or_else(|| {
            peers.push(peer);
            peers.len() - 1
        });
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        Ok(Ready {
            peer: at,
            method: method.to_owned(),
            path,
            headers: map
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), Blob(value.as_bytes().to_vec())))
                .collect(),
            body: match &request.body {
                Body::None => Blob::default(),
                Body::Bytes { bytes, .. } => Blob(bytes.clone()),
                Body::File { path, .. } => Blob(read(path, "the body")?),
            },
            max_body: request.limits.body,
            shown,
        })
    }

    /// The addresses of a host, each of which may be connected to.
    async fn resolved(&self, host: &str, port: u16, shown: &str) -> Result<Vec<SocketAddr>, Failure> {
        let unknown = |why: String| {
            Failure::new(
                Class::Unreachable,
                format!("{shown}: the name {host} does not resolve: {why}"),
            )
        };
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self
                .lookup
                .lookup(host.to_owned())
                .await
                .map_err(|e| unknown(e.to_string()))?,
        };
        if found.is_empty() {
            return Err(unknown("it has no address".to_owned()));
        }
        for address in &found {
            address::judge(&self.grants, host, *address, Some(port))?;
        }
        Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}
