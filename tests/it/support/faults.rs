//! A server that does everything wrong that a peer can do wrong, one mode per path, over plain TCP or TLS.
//!
//! It runs on the runtime of the test that started it and ends with it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running server, and what it saw.
pub struct Faults {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

/// The witness: what reached the server.
#[derive(Default)]
pub struct Seen {
    connections: AtomicU64,
    sent: AtomicU64,
    requests: Mutex<Vec<String>>,
    /// What it says in its faults, besides the fault.
    says: String,
}

impl Faults {
    pub async fn start() -> Self {
        Self::serve(None, String::new()).await
    }

    /// One that says this wherever a fault leaves room for words.
    pub async fn saying(text: String) -> Self {
        Self::serve(None, text).await
    }

    /// Over TLS with this configuration.
    pub async fn tls(config: tokio_rustls::rustls::ServerConfig) -> Self {
        Self::serve(
            Some(tokio_rustls::TlsAcceptor::from(Arc::new(config))),
            String::new(),
        )
        .await
    }

    async fn serve(tls: Option<tokio_rustls::TlsAcceptor>, says: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen {
            says,
            ..Seen::default()
        });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut serving = JoinSet::new();
        let witness = Arc::clone(&seen);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                witness.connections.fetch_add(1, Ordering::SeqCst);
                let (witness, tls) = (Arc::clone(&witness), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => connection(Peer::Plain(stream), &witness).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                connection(Peer::Tls(Box::new(stream)), &witness).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            scheme,
            seen,
            _serving: serving,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Bytes that the modes without an end have sent.
    pub fn sent(&self) -> u64 {
        self.seen.sent.load(Ordering::SeqCst)
    }

    /// Every request with its head and body.
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

enum Peer {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Peer {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Self::Plain(s) => s,
            Self::Tls(s) => s.as_mut(),
        }
    }

    /// Ends the connection with a reset instead of an orderly end.
    fn reset(self) {
        if let Self::Plain(stream) = self {
            stream.set_zero_linger().unwrap();
        }
    }
}

/// Serves requests until one of them ends the connection.
async fn connection(mut peer: Peer, seen: &Seen) {
    loop {
        let Some((path, request)) = read_request(peer.stream()).await else {
            return;
        };
        seen.requests.lock().unwrap().push(request.clone());
        if path.starts_with("/reset-before") {
            return peer.reset();
        }
        if path.starts_with("/reset-body") {
            let _ = peer
                .stream()
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\npart of it")
                .await;
            // The part has to arrive before the reset, or the head is lost with it: the peer asks for it by an event,
            // which here is its window being read. A short pause is enough; without it the class is the same.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return peer.reset();
        }
        if answer(peer.stream(), &path, &request, seen).await.is_err() {
            return;
        }
    }
}

/// The path and the whole of one request.
async fn read_request(stream: &mut dyn Stream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length: usize = text
        .lines()
        .find_map(|l| {
            l.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(|v| v.trim().parse().unwrap())
        })
        .unwrap_or(0);
    while bytes.len() < head + length {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
    }
    let path = text.split(' ').nth(1)?.to_owned();
    Some((path, String::from_utf8_lossy(&bytes).into_owned()))
}

type Answered = std::io::Result<()>;

/// Answers, or ends the connection by an error.
async fn answer(stream: &mut dyn Stream, path: &str, request: &str, seen: &Seen) -> Answered {
    let (mode, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let (mode, _) = mode.split_once('?').unwrap_or((mode, ""));
    // `/status/503/api/runs`: a service may have its API below the mode.
    let (first, _) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
    match mode {
        "ok" => {
            whole(
                stream,
                200,
                "content-type: application/json\r\n",
                br#"{"ok": true}"#,
            )
            .await
        }
        "echo" => whole(stream, 200, "content-type: text/plain\r\n", request.as_bytes()).await,
        "gzip" => whole(stream, 200, "content-encoding: gzip\r\n", &gzip(b"unpacked")).await,
        "status" => whole(stream, first.parse().unwrap(), "retry-after: 7\r\n", &error(seen)).await,
        "fail" => whole(stream, first.parse().unwrap(), "", &error(seen)).await,
        "close-before" => Err(std::io::ErrorKind::Other.into()),
        "not-http" => {
            let greeting = format!("SSH-2.0-OpenSSH_9.2 {}\r\nno HTTP at all\r\n\r\n", seen.says);
            raw_end(stream, greeting.as_bytes()).await
        }
        "slow-headers" => drip(stream, b"HTTP/1.1 200 OK\r\n", b"x", seen).await,
        "endless-headers" => {
            flood(
                stream,
                b"HTTP/1.1 200 OK\r\n",
                b"x-header: 0123456789012345678901234567890123456789\r\n",
                seen,
            )
            .await
        }
        "endless-continue" => flood(stream, b"", b"HTTP/1.1 100 Continue\r\n\r\n", seen).await,
        "large-header" => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n",
                "x".repeat(4 << 20)
            );
            raw_end(stream, head.as_bytes()).await
        }
        "slow-body" => {
            drip(
                stream,
                b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",
                b"x",
                seen,
            )
            .await
        }
        "endless-body" => flood(stream, b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 16384], seen).await,
        "endless-chunks" => {
            let chunk = [b"4000\r\n".as_slice(), &[b'x'; 16384], b"\r\n"].concat();
            flood(
                stream,
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                &chunk,
                seen,
            )
            .await
        }
        "huge-length" => {
            flood(
                stream,
                b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n",
                &[b'x'; 16384],
                seen,
            )
            .await
        }
        "silent-stall" => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
                .await?;
            std::future::pending().await
        }
        "gzip-bomb" => whole(stream, 200, "content-encoding: gzip\r\n", gzip_bomb()).await,
        "zstd-bomb" => whole(stream, 200, "content-encoding: zstd\r\n", zstd_bomb()).await,
        "double-gzip" => {
            whole(
                stream,
                200,
                "content-encoding: gzip, gzip\r\n",
                &gzip(&gzip(b"x")),
            )
            .await
        }
        "gzip-cut" => {
            let packed = gzip(&b"some text that is packed".repeat(100));
            whole(
                stream,
                200,
                "content-encoding: gzip\r\n",
                &packed[..packed.len() / 2],
            )
            .await
        }
        "gzip-garbage" => {
            let text = format!("this is not gzip {}", seen.says);
            whole(stream, 200, "content-encoding: gzip\r\n", text.as_bytes()).await
        }
        "brotli" => whole(stream, 200, "content-encoding: br\r\n", b"\x0b\x02\x80x\x03").await,
        "bad-chunk" => {
            raw_end(
                stream,
                format!(
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ{}\r\nxx\r\n",
                    seen.says
                )
                .as_bytes(),
            )
            .await
        }
        "cut-chunk" => {
            raw_end(
                stream,
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\nhalf",
            )
            .await
        }
        "two-lengths" => {
            raw_end(
                stream,
                b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
            )
            .await
        }
        "cut" => {
            raw_end(
                stream,
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nonly a part {}",
                    seen.says
                )
                .as_bytes(),
            )
            .await
        }
        "loop" => whole(stream, 302, "location: /loop\r\n", b"").await,
        "hop" => {
            let left: u32 = first.parse().unwrap();
            let to = if left == 0 {
                "/ok".to_owned()
            } else {
                format!("/hop/{}", left - 1)
            };
            whole(stream, 307, &format!("location: {to}\r\n"), b"").await
        }
        "to" => whole(stream, 302, &format!("location: {}\r\n", unescape(rest)), b"").await,
        "see-other" => whole(stream, 303, "location: /echo\r\n", b"").await,
        "refuse-later" => {
            let before = seen
                .requests
                .lock()
                .unwrap()
                .iter()
                .filter(|r| r.contains(" /refuse-later"))
                .count();
            let status = if before <= 2 { 200 } else { 401 };
            whole(stream, status, "", b"{}").await
        }
        "nan" => json(stream, br#"{"accuracy": NaN}"#).await,
        "deep" => json(stream, &[b"[".repeat(100_000), b"]".repeat(100_000)].concat()).await,
        "doubled" => json(stream, br#"{"accuracy": 0.1, "accuracy": 0.99}"#).await,
        "latin1" => json(stream, b"{\"name\": \"caf\xe9\"}").await,
        "bom" => json(stream, b"\xef\xbb\xbf{}").await,
        "truncated-json" => json(stream, format!("{{\"accuracy\": 0.9{}", seen.says).as_bytes()).await,
        "empty-json" => json(stream, b"").await,
        "html" => json(stream, format!("<html>hunter22 {}</html>", seen.says).as_bytes()).await,
        "said" => whole(stream, 200, "content-type: text/plain\r\n", seen.says.as_bytes()).await,
        "bad-header" => {
            let word: String = seen.says.chars().filter(char::is_ascii_graphic).collect();
            raw_end(
                stream,
                format!("HTTP/1.1 200 OK\r\nx y {word}: {word}\r\n\r\n").as_bytes(),
            )
            .await
        }
        other => panic!("no mode {other}"),
    }
}

/// The body of a refusal, as MLflow and others write it.
fn error(seen: &Seen) -> Vec<u8> {
    let text = format!("as asked {}", seen.says);
    serde_json::json!({"error": text, "error_code": "AS_ASKED", "message": text})
        .to_string()
        .into_bytes()
}

async fn json(stream: &mut dyn Stream, body: &[u8]) -> Answered {
    whole(stream, 200, "content-type: application/json\r\n", body).await
}

async fn whole(stream: &mut dyn Stream, status: u16, headers: &str, body: &[u8]) -> Answered {
    let head = format!(
        "HTTP/1.1 {status} Some\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

/// Writes and closes in good order.
async fn raw_end(stream: &mut dyn Stream, bytes: &[u8]) -> Answered {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    // Closing with unread input would reset the connection.
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Err(std::io::ErrorKind::Other.into())
}

async fn drip(stream: &mut dyn Stream, start: &[u8], piece: &[u8], seen: &Seen) -> Answered {
    stream.write_all(start).await?;
    loop {
        stream.write_all(piece).await?;
        stream.flush().await?;
        seen.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn flood(stream: &mut dyn Stream, start: &[u8], piece: &[u8], seen: &Seen) -> Answered {
    stream.write_all(start).await?;
    loop {
        stream.write_all(piece).await?;
        seen.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    w.write_all(bytes).unwrap();
    w.finish().unwrap()
}

/// 32 MiB of nothing.
fn gzip_bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| gzip(&vec![0; 32 << 20]))
}

/// 64 MiB of nothing.
fn zstd_bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| zstd::encode_all(vec![0; 64 << 20].as_slice(), 1).unwrap())
}

fn unescape(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
