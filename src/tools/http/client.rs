//! Sending: one exchange with its redirects.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header;
use rustix::fs::OFlags;
use url::Url;

use super::address::{Judged, Lookup, SystemLookup};
use super::classify::{self, Phase};
use super::request::{Body, Request, Until};
use super::response::Response;
use super::{body, headers, target};
use crate::check::{Class, Failure};
use crate::tools::capability::bare_host;
use crate::tools::{Capability, Endpoint, Grants, Redactor};

/// The most of a URL a message shows, in characters.
const SHOWN_URL: usize = 300;
/// The client. Connections are shared by everything that is sent through it.
pub struct Http {
    pub(super) grants: Arc<Grants>,
    redactor: Arc<Redactor>,
    pub(super) lookup: Arc<dyn Lookup>,
    clients: Mutex<HashMap<Key, reqwest::Client>>,
}

/// What requests must have in common to share connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Key {
    ca: Option<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
    /// The TLS name, and the host that is connected to.
    alias: Option<(String, String)>,
}

/// Which of the limits ends an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tools) enum Bound {
    Head(Duration),
    Total(Duration),
    Step,
}

impl Http {
    #[must_use]
    pub fn new(grants: Arc<Grants>, redactor: Arc<Redactor>) -> Self {
        Self::with_lookup(grants, redactor, Arc::new(SystemLookup))
    }

    /// With another way to resolve names.
    #[must_use]
    pub fn with_lookup(grants: Arc<Grants>, redactor: Arc<Redactor>, lookup: Arc<dyn Lookup>) -> Self {
        use_ring();
        Self {
            grants,
            redactor,
            lookup,
            clients: Mutex::default(),
        }
    }

    /// Sends a request and reads the whole answer, whatever its status ([`Response::failure`] says what a status
    /// means). Credentials and headers of the endpoint go to the endpoint's origin only.
    ///
    /// # Errors
    /// What went wrong, classed. The message names the request; secrets are masked.
    pub async fn send(
        &self,
        endpoint: Option<&Endpoint>,
        request: Request,
        until: &Until,
    ) -> Result<Response, Failure> {
        self.exchange(endpoint, request, until)
            .await
            .map_err(|f| self.masked(f))
    }

    async fn exchange(
        &self,
        endpoint: Option<&Endpoint>,
        mut request: Request,
        until: &Until,
    ) -> Result<Response, Failure> {
        let started = Instant::now();
        if request.method.is_empty() {
            "GET".clone_into(&mut request.method);
        }
        let (mut url, mut on_endpoint) = target::url(endpoint, &request)?;
        let total = started + request.limits.total;
        let end = if until.deadline < total {
            (until.deadline, Bound::Step)
        } else {
            (total, Bound::Total(request.limits.total))
        };
        let mut hops = 0;
        loop {
            let shown = self.shown(&request.method, &url);
            let family = endpoint.filter(|_| on_endpoint).map(|e| e.family.as_str());
            target::judge(&self.grants, &url, family)?;
            let answer = self
                .hop(
                    endpoint.filter(|_| on_endpoint),
                    &request,
                    &url,
                    until,
                    end,
                    &shown,
                )
                .await?;
            let status = answer.status().as_u16();
            let location = answer
                .headers()
                .get(header::LOCATION)
                .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
            if let (301 | 302 | 303 | 307 | 308, Some(location), true) =
                (status, location, request.redirects > 0)
            {
                if hops == request.redirects {
                    let mut failure = Failure::new(
                        Class::Redirect,
                        format!("{shown}: redirected again after {hops} redirects, which is all that `redirects` allows"),
                    )
                    .detail(format!("location: {location}"));
                    failure.status = Some(status);
                    return Err(failure);
                }
                hops += 1;
                let next = target::redirected(&url, &location)?;
                if status == 303 || (matches!(status, 301 | 302) && request.method == "POST") {
                    "GET".clone_into(&mut request.method);
                    request.body = Body::None;
                }
                if next.origin() != url.origin() {
                    // What was meant for one service is not shown to another.
                    on_endpoint = false;
                    request.auth = None;
                    request.client_certificate = None;
                    request.host = None;
                    request.headers.clear();
                }
                url = next;
                continue;
            }
            let headers = headers::received(answer.headers());
            let body = body::read(answer, &request.limits, until, end, &shown).await?;
            return Ok(Response {
                status,
                headers,
                body,
                elapsed: started.elapsed(),
                request: shown,
                redactor: Arc::clone(&self.redactor),
            });
        }
    }

    /// One request and the head of its answer.
    async fn hop(
        &self,
        endpoint: Option<&Endpoint>,
        request: &Request,
        url: &Url,
        until: &Until,
        end: (Instant, Bound),
        shown: &str,
    ) -> Result<reqwest::Response, Failure> {
        let host = request
            .host
            .clone()
            .or_else(|| endpoint.and_then(|e| e.host.clone()));
        let mut key = Key {
            ca: request.ca.clone().or_else(|| endpoint.and_then(|e| e.ca.clone())),
            certificate: request
                .client_certificate
                .clone()
                .or_else(|| endpoint.and_then(|e| e.client_certificate.clone())),
            alias: None,
        };
        let mut to = url.clone();
        if let Some(host) = &host
            && url.scheme() == "https"
        {
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            key.alias = Some((
                name.to_ascii_lowercase(),
                bare_host(url.host_str().unwrap_or_default()).to_owned(),
            ));
            to.set_host(Some(name)).map_err(|e| {
                Failure::new(
                    Class::BadParameter,
                    format!("{shown}: the host `{host}` is no name: {e}"),
                )
            })?;
        }
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .ok()
            .filter(|m| *m != reqwest::Method::CONNECT)
            .ok_or_else(|| {
                Failure::new(
                    Class::BadParameter,
                    format!("`{}` is not a method that can be sent", request.method),
                )
            })?;
        let mut wire = reqwest::Request::new(method, to);
        *wire.headers_mut() = headers::sent(endpoint, request, host.as_deref(), shown)?;
        let is_file = attach(&request.body, &mut wire, shown).await?;
        let client = self.client(&key)?;
        let head = if is_file {
            end
        } else {
            let head = Instant::now() + request.limits.headers;
            if head < end.0 {
                (head, Bound::Head(request.limits.headers))
            } else {
                end
            }
        };
        within(until, head, shown, "no answer", client.execute(wire))
            .await?
            .map_err(|e| classify::failure(&e, Phase::Head, shown))
    }

    fn client(&self, key: &Key) -> Result<reqwest::Client, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(key) {
            return Ok(client.clone());
        }
        let client = self.build(key)?;
        clients.insert(key.clone(), client.clone());
        Ok(client)
    }

    fn build(&self, key: &Key) -> Result<reqwest::Client, Failure> {
        let proxies = proxies(&self.grants)?;
        let builder = || {
            let mut builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                // Many servers close what was idle for 5 s; a request must not meet them doing so.
                .pool_idle_timeout(Duration::from_secs(4))
                .user_agent(concat!("specrun/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Judged {
                    grants: Arc::clone(&self.grants),
                    lookup: Arc::clone(&self.lookup),
                    alias: key.alias.clone(),
                    proxies: proxies.iter().map(|(host, _)| host.clone()).collect(),
                });
            for (_, proxy) in &proxies {
                builder = builder.proxy(proxy.clone());
            }
            builder
        };
        let mut chosen = builder();
        if let Some(ca) = &key.ca {
            let pem = read(ca, "the certificate authorities")?;
            let list = reqwest::Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|list| !list.is_empty())
                .ok_or_else(|| bad_file(ca, "no PEM certificates"))?;
            chosen = chosen.tls_certs_only(list);
        }
        if let Some((certificate, private)) = &key.certificate {
            let mut pem = read(certificate, "the client certificate")?;
            pem.push(b'\n');
            pem.extend(read(private, "the key of the client certificate")?);
            let identity = reqwest::Identity::from_pem(&pem)
                .map_err(|_| bad_file(certificate, "no PEM certificate with its key"))?;
            chosen = chosen.identity(identity);
        }
        match chosen.build() {
            Ok(client) => Ok(client),
            // A machine without certificate authorities can still speak plain HTTP; TLS says what is missing.
            Err(_)
                if *key
                    == (Key {
                        alias: key.alias.clone(),
                        ..Key::default()
                    }) =>
            {
                builder().tls_certs_only(Vec::new()).build().map_err(|e| {
                    Failure::new(Class::Internal, format!("the HTTP client cannot be built: {e}"))
                })
            }
            Err(e) => Err(Failure::new(
                Class::BadParameter,
                format!("the HTTP client cannot be built with these certificates: {e}"),
            )),
        }
    }

    pub(super) fn shown(&self, method: &str, url: &Url) -> String {
        let whole = self.redactor.redact(&format!("{method} {url}"));
        if whole.chars().nth(SHOWN_URL).is_none() {
            return whole;
        }
        let mut short: String = whole.chars().take(SHOWN_URL).collect();
        short.push('…');
        short
    }

    pub(super) fn masked(&self, mut failure: Failure) -> Failure {
        let mask = |text: &mut String| *text = self.redactor.redact(text);
        mask(&mut failure.message);
        failure.details.iter_mut().for_each(mask);
        failure.reason.iter_mut().for_each(mask);
        failure.help.iter_mut().for_each(mask);
        failure
    }
}

/// Chooses the cryptography that TLS uses in this process.
pub(in crate::tools) fn use_ring() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Waits for `work`, but not beyond `end` and not when the run is cancelled.
pub(in crate::tools) async fn within<T>(
    until: &Until,
    end: (Instant, Bound),
    shown: &str,
    what: &str,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = until.cancel.cancelled() => {
            Err(Failure::new(Class::Cancelled, format!("{shown}: the run was stopped")))
        }
        result = work => Ok(result),
        () = crate::tools::awake::until(end.0) => {
            let limit = match end.1 {
                Bound::Head(limit) => format!("within {limit:?}, the limit for the head of an answer"),
                Bound::Total(limit) => format!("within {limit:?}, the limit of the whole exchange"),
                Bound::Step => "before the step's deadline".to_owned(),
            };
            Err(Failure::new(Class::Timeout, format!("{shown}: {what} {limit}")))
        }
    }
}

/// Puts the body on a request; true when it is a file.
async fn attach(body: &Body, wire: &mut reqwest::Request, shown: &str) -> Result<bool, Failure> {
    match body {
        Body::None => Ok(false),
        Body::Bytes { bytes, .. } => {
            *wire.body_mut() = Some(bytes.clone().into());
            Ok(false)
        }
        Body::File { path, .. } => {
            let missing = |e: std::io::Error| {
                Failure::new(
                    Class::Missing,
                    format!("{shown}: the body `{}` cannot be read: {e}", path.display()),
                )
            };
            let file = tokio::fs::OpenOptions::new()
                .read(true)
                // The path was judged with its links followed; one put there since is not followed.
                .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
                .open(path)
                .await
                .map_err(missing)?;
            let meta = file.metadata().await.map_err(missing)?;
            if !meta.is_file() {
                let what = format!("{shown}: the body `{}` is no file", path.display());
                return Err(Failure::new(Class::BadParameter, what));
            }
            let size = meta.len();
            let stream = tokio_util::io::ReaderStream::new(tokio::io::AsyncReadExt::take(file, size));
            *wire.body_mut() = Some(reqwest::Body::wrap_stream(stream));
            wire.headers_mut().insert(header::CONTENT_LENGTH, size.into());
            Ok(true)
        }
    }
}

/// The proxies of the environment, when a rule grants their variables: host and proxy.
fn proxies(grants: &Grants) -> Result<Vec<(String, reqwest::Proxy)>, Failure> {
    let granted = |name: &str| {
        let wanted = Capability::Env {
            name: name.to_owned(),
        };
        grants
            .names(&wanted)
            .then(|| std::env::var(name).ok().filter(|v| !v.is_empty()))
            .flatten()
    };
    let mut list = Vec::new();
    for (names, secure) in [
        (["HTTP_PROXY", "http_proxy"], false),
        (["HTTPS_PROXY", "https_proxy"], true),
    ] {
        let Some(url) = names.into_iter().find_map(granted) else {
            continue;
        };
        let bad = || {
            Failure::new(
                Class::BadParameter,
                format!("the variable {} holds no URL of a proxy", names[0]),
            )
        };
        let host = Url::parse(&url)
            .ok()
            .and_then(|u| u.host_str().map(|h| bare_host(h).to_owned()))
            .ok_or_else(bad)?;
        let proxy = if secure {
            reqwest::Proxy::https(&url)
        } else {
            reqwest::Proxy::http(&url)
        }
        .map_err(|_| bad())?;
        let own = ["NO_PROXY", "no_proxy"]
            .into_iter()
            .find_map(granted)
            .unwrap_or_default();
        let except = reqwest::NoProxy::from_string(&format!("localhost,127.0.0.0/8,::1,{own}"));
        list.push((host, proxy.no_proxy(except)));
    }
    Ok(list)
}

pub(super) fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| {
        Failure::new(
            Class::Missing,
            format!("{what} `{}` cannot be read: {e}", path.display()),
        )
    })
}

fn bad_file(path: &Path, why: &str) -> Failure {
    Failure::new(Class::BadParameter, format!("`{}` holds {why}", path.display()))
}
