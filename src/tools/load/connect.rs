//! Connections of one thread: made when they are needed, kept for the next request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{TrySendError, http2};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::job::Version;
use super::wire::Wire;
use crate::check::{Class, Failure};
use crate::tools::http::{Peer, Phase, Tls, by_cause};

/// How many requests share a connection of HTTP/2.
const SHARED: usize = 100;

/// What bytes go over.
type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// The right to send one request at a time over a connection.
pub(super) enum Sender {
    One(Box<Wire<Stream>>),
    Two(Shared),
}

/// A part of a connection of HTTP/2.
pub(super) struct Shared(http2::SendRequest<Full<Bytes>>);

/// Why a request got no answer.
pub(super) enum Unsent {
    /// It never left: the connection had been closed. It may be sent again.
    Again(Box<Request<Full<Bytes>>>),
    Broken(hyper::Error),
}

impl Sender {
    /// Whether another request can be sent over it.
    pub fn is_open(&mut self) -> bool {
        match self {
            Self::One(wire) => wire.is_quiet(),
            Self::Two(Shared(sender)) => sender.is_ready(),
        }
    }
}

impl Shared {
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Unsent> {
        let again = |mut error: TrySendError<Request<Full<Bytes>>>| match error.take_message() {
            Some(request) => Unsent::Again(Box::new(request)),
            None => Unsent::Broken(error.into_error()),
        };
        self.0.try_send_request(request).await.map_err(again)
    }
}

/// Opens connections to peers.
pub(super) struct Connector {
    version: Version,
    /// By peer.
    tls: RefCell<HashMap<usize, TlsConnector>>,
}

impl Connector {
    pub fn new(version: Version) -> Self {
        Self {
            version,
            tls: RefCell::default(),
        }
    }

    /// Connects, and gives as many senders as the connection takes requests at once.
    pub async fn connect(&self, at: usize, peer: &Peer) -> Result<Vec<Sender>, (Class, String)> {
        let stream = dial(peer).await.map_err(|e| by_cause(&e, Phase::Head))?;
        let Some(tls) = &peer.tls else {
            return self.handshake(Either::Left(stream)).await;
        };
        let connector = self.trusting(at, tls).map_err(|f| (f.class, f.message))?;
        let name = ServerName::try_from(tls.name.clone()).map_err(|_| {
            (
                Class::BadParameter,
                format!("`{}` is no name of a host", tls.name),
            )
        })?;
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|e| by_cause(&e, Phase::Head))?;
        let spoken = stream.get_ref().1.alpn_protocol();
        if self.version == Version::Two && spoken != Some(b"h2") {
            return Err((Class::Tls, "the server does not speak HTTP/2".to_owned()));
        }
        self.handshake(Either::Right(stream)).await
    }

    fn trusting(&self, at: usize, tls: &Tls) -> Result<TlsConnector, Failure> {
        if let Some(connector) = self.tls.borrow().get(&at) {
            return Ok(connector.clone());
        }
        let mut config = config(tls)?;
        config.alpn_protocols = vec![match self.version {
            Version::One => b"http/1.1".to_vec(),
            Version::Two => b"h2".to_vec(),
        }];
        let connector = TlsConnector::from(Arc::new(config));
        self.tls.borrow_mut().insert(at, connector.clone());
        Ok(connector)
    }

    async fn handshake(&self, stream: Stream) -> Result<Vec<Sender>, (Class, String)> {
        let broken = |e: hyper::Error| by_cause(&e, Phase::Head);
        match self.version {
            Version::One => Ok(vec![Sender::One(Box::new(Wire::new(stream)))]),
            Version::Two => {
                let (mut sender, connection) = http2::handshake(Local, TokioIo::new(stream))
                    .await
                    .map_err(broken)?;
                // Its error is that of the request under way, which tells it.
                tokio::task::spawn_local(async move { drop(connection.await) });
                sender.ready().await.map_err(broken)?;
                Ok((0..SHARED).map(|_| Sender::Two(Shared(sender.clone()))).collect())
            }
        }
    }
}

async fn dial(peer: &Peer) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address");
    for address in &peer.addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request is written at once; waiting for more would only be late.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Runs the parts of a connection on the thread that owns it.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, part: F) {
        tokio::task::spawn_local(async move {
            part.await;
        });
    }
}

fn config(tls: &Tls) -> Result<rustls::ClientConfig, Failure> {
    let bad = |why: String| Failure::new(Class::BadParameter, why);
    let mut roots = rustls::RootCertStore::empty();
    if let Some(pem) = &tls.authorities {
        for certificate in CertificateDer::pem_slice_iter(&pem.0) {
            let certificate = certificate.map_err(|e| bad(format!("the certificate authorities: {e}")))?;
            roots
                .add(certificate)
                .map_err(|e| bad(format!("the certificate authorities: {e}")))?;
        }
        if roots.is_empty() {
            return Err(bad(
                "the file of the certificate authorities holds no PEM certificates".to_owned(),
            ));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Failure::new(Class::Internal, format!("TLS: {e}")))?
        .with_root_certificates(roots);
    match &tls.identity {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate.0)
                .collect::<Result<_, _>>()
                .map_err(|e| bad(format!("the client certificate: {e}")))?;
            let key = PrivateKeyDer::from_pem_slice(&key.0)
                .map_err(|e| bad(format!("the key of the client certificate: {e}")))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|e| bad(format!("the client certificate: {e}")))
        }
    }
}
