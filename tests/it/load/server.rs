//! A server that answers many requests over each connection, in the way its paths say.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running server; it ends when it is dropped.
pub struct Server {
    address: std::net::SocketAddr,
    pub seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

/// What reached it.
#[derive(Default)]
pub struct Seen {
    pub connections: AtomicU64,
    requests: AtomicU64,
    /// Bodies with how often each came.
    pub bodies: Mutex<BTreeMap<String, u64>>,
    /// While it is set nothing is answered.
    pub frozen: AtomicBool,
}

impl Server {
    pub async fn start() -> Self {
        let (listener, seen) = bound().await;
        let address = listener.local_addr().unwrap();
        let witness = Arc::clone(&seen);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                witness.connections.fetch_add(1, Ordering::SeqCst);
                let witness = Arc::clone(&witness);
                connections.spawn(async move { drop(serve(stream, &witness).await) });
            }
        });
        Self {
            address,
            seen,
            _serving: serving,
        }
    }

    /// One that speaks HTTP/2 without TLS.
    pub async fn second_version() -> Self {
        let (listener, seen) = bound().await;
        let address = listener.local_addr().unwrap();
        let witness = Arc::clone(&seen);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                witness.connections.fetch_add(1, Ordering::SeqCst);
                let witness = Arc::clone(&witness);
                connections.spawn(async move {
                    let Ok(mut connection) = h2::server::handshake(stream).await else {
                        return;
                    };
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        witness.requests.fetch_add(1, Ordering::SeqCst);
                        let head = hyper::http::Response::builder().status(200).body(()).unwrap();
                        if let Ok(mut body) = respond.send_response(head, false) {
                            drop(body.send_data("{}".into(), true));
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            _serving: serving,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::SeqCst)
    }
}

async fn bound() -> (TcpListener, Arc<Seen>) {
    (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::default())
}

async fn serve(stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut path = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        if length > 0 {
            let text = String::from_utf8_lossy(&body).into_owned();
            *seen.bodies.lock().unwrap().entry(text).or_default() += 1;
        }
        let number = seen.requests.fetch_add(1, Ordering::SeqCst);
        while seen.frozen.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let (status, answer, close) = match path.as_str() {
            // Every tenth takes 300 ms.
            "/slow" => {
                if number % 10 == 9 {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                (200, "{\"ok\": true}", false)
            }
            // All take 100 ms.
            "/steady" => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                (200, "{}", false)
            }
            // Every fiftieth fails.
            "/fails" => (if number % 50 == 49 { 500 } else { 200 }, "{}", false),
            "/refuses" => (422, "{}", false),
            "/garbage" => (200, "{\"predictions\": [", false),
            "/closes" => (200, "{}", true),
            _ => (200, "{\"ok\": true}", false),
        };
        let connection = if close { "connection: close\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{connection}content-length: {}\r\n\r\n",
            answer.len()
        );
        stream
            .get_mut()
            .write_all(format!("{head}{answer}").as_bytes())
            .await?;
        if close {
            return Ok(());
        }
    }
}
