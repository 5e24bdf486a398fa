use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Bytes};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;

const MOST: usize = 1000;

/// What came of an exchange: the status and the body, or the class.
type Came = Result<(u16, Vec<u8>), Class>;

/// A server that reads a request and says this, in pieces of so many bytes, then closes.
fn saying(said: &[u8], piece: usize) -> DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let said = said.to_vec();
    tokio::spawn(async move {
        let mut request = [0; 1024];
        let _ = theirs.read(&mut request).await;
        for piece in said.chunks(piece.max(1)) {
            if theirs.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    ours
}

async fn by_us(said: &[u8], piece: usize, bodiless: bool) -> Came {
    let mut wire = Wire::new(saying(said, piece));
    let got = wire
        .exchange(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", bodiless, MOST)
        .await;
    let got = got.map_err(|(class, _)| class)?;
    Ok((got.status, wire.answer(&got).body.to_vec()))
}

/// The same by hyper, as this generator used it.
async fn by_hyper(said: &[u8], piece: usize, bodiless: bool) -> Came {
    let io = TokioIo::new(saying(said, piece));
    let broken = |e: hyper::Error, phase| by_cause(&e, phase).0;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .expect("a connection");
    let connection = tokio::spawn(connection);
    let mut request = hyper::Request::new(Empty::<Bytes>::new());
    if bodiless {
        *request.method_mut() = hyper::Method::HEAD;
    }
    let answer = sender
        .send_request(request)
        .await
        .map_err(|e| broken(e, Phase::Head))?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    // Here an answer is too large as soon as it says so.
    if body.size_hint().lower() > MOST as u64 {
        return Err(Class::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|e| broken(e, Phase::Body))?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > MOST {
            return Err(Class::TooLarge);
        }
    }
    drop(sender);
    connection.abort();
    Ok((status, bytes))
}

/// Answers of all kinds, right ones and wrong ones.
fn answers() -> Vec<Vec<u8>> {
    let head = |rest: &str| format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes();
    let mut all = vec![
        head("content-length: 5\r\n\r\nhello"),
        head("Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"),
        head("content-length: 0\r\n\r\n"),
        head("content-length: 5, 5\r\n\r\nhello"),
        head("content-length: 5\r\ncontent-length: 5\r\n\r\nhello"),
        head("content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"),
        head("content-length: five\r\n\r\nhello"),
        head("content-length: -5\r\n\r\nhello"),
        head("content-length: 9\r\n\r\nhello"),
        head("content-length: 99999999999999999999999\r\n\r\nhello"),
        head("content-length: 5000\r\n\r\nhello"),
        head("\r\nto the end"),
        head("connection: close\r\n\r\nto the end"),
        head("connection: keep-alive, close\r\ncontent-length: 1\r\n\r\na"),
        head("transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        head("Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"),
        head("transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked, gzip\r\n\r\nhello"),
        head("transfer-encoding: gzip\r\n\r\nhello"),
        head("transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;last\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n05\r\nhello\r\n000\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\nf\r\n0123456789abcde\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\ntrailer: x\r\nother: y\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        head("transfer-encoding: chunked\r\n\r\n5\r\nhel"),
        head("transfer-encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        head("transfer-encoding: chunked\r\n\r\n5\nhello\n0\n\n"),
        head("transfer-encoding: chunked\r\n\r\n7d0\r\nhello"),
        b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 50\r\n\r\n".to_vec(),
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone".to_vec(),
        b"HTTP/1.1 503\r\ncontent-length: 0\r\n\r\n".to_vec(),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec(),
        b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec(),
        b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        b"HTTP/1.0 200 OK\r\n\r\nold".to_vec(),
        b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold".to_vec(),
        b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello".to_vec(),
        b"HTTP/1.1 200 OK\r\na header without a colon\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\n folded: yes\r\n\r\n".to_vec(),
        b"HTTP/1.1 2000 OK\r\n\r\n".to_vec(),
        b"HTTP/1.1 abc OK\r\n\r\n".to_vec(),
        b"HTTP/9.9 200 OK\r\n\r\n".to_vec(),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
        b"HTTP/1.1 200".to_vec(),
        b"".to_vec(),
    ];
    let many: Vec<String> = (0..101).map(|i| format!("h{i}: v\r\n")).collect();
    all.push(head(&format!("{}\r\n", many.concat())));
    all.push(head(&format!("long: {}\r\n\r\n", "x".repeat(500_000))));
    all.push(head(&format!(
        "long: {}\r\ncontent-length: 2\r\n\r\nok",
        "x".repeat(20_000)
    )));
    all
}

#[tokio::test]
async fn it_reads_answers_as_hyper_does() {
    for said in answers() {
        let shown = String::from_utf8_lossy(&said[..said.len().min(120)]).into_owned();
        for bodiless in [false, true] {
            let whole = by_us(&said, usize::MAX >> 1, bodiless).await;
            // hyper takes a head that is too large when it comes at once.
            let wanted = match said.len() {
                0..=HEAD => by_hyper(&said, usize::MAX >> 1, bodiless).await,
                _ => Err(Class::TooLarge),
            };
            assert_eq!(whole, wanted, "{shown:?}");
            for piece in if said.len() < 1000 {
                vec![1, 2, 7]
            } else {
                vec![4096]
            } {
                assert_eq!(
                    by_us(&said, piece, bodiless).await,
                    whole,
                    "{shown:?} in pieces of {piece}"
                );
            }
        }
    }
}

/// Any byte of any answer damaged: hyper and this agree, or this is the stricter one.
#[tokio::test]
async fn damage_is_no_answer_where_it_is_none_for_hyper() {
    let mut compared = 0;
    for said in answers().into_iter().filter(|said| said.len() < 200) {
        for at in 0..said.len() {
            for other in [b' ', b'\n', b'9', said[at] ^ 0x20, 0xff] {
                let mut damaged = said.clone();
                damaged[at] = other;
                let (ours, hypers) = (
                    by_us(&damaged, 4096, false).await,
                    by_hyper(&damaged, 4096, false).await,
                );
                let shown = String::from_utf8_lossy(&damaged);
                match (&ours, &hypers) {
                    (Ok(ours), Ok(hypers)) => assert_eq!(ours, hypers, "{shown:?}"),
                    (Ok(ours), Err(hypers)) => panic!("{shown:?}: {ours:?}, by hyper {hypers:?}"),
                    (Err(_), _) => {}
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[tokio::test]
async fn a_connection_is_used_again_while_that_is_allowed() {
    let again = async |said: &[u8]| {
        let mut wire = Wire::new(saying(said, 4096));
        let got = wire.exchange(b"GET / HTTP/1.1\r\n\r\n", false, MOST).await;
        got.expect("an answer").again
    };
    assert!(again(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na").await);
    assert!(again(b"HTTP/1.1 204 No Content\r\n\r\n").await);
    assert!(again(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n").await);
    assert!(again(b"HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\na").await);
    assert!(!again(b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na").await);
    assert!(!again(b"HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 1\r\n\r\na").await);
    assert!(!again(b"HTTP/1.1 200 OK\r\n\r\nto the end").await);
    // What nobody asked for stands behind it.
    assert!(!again(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab").await);
    assert!(
        !again(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nHTTP/1.1").await
    );
}

#[tokio::test]
async fn exchanges_follow_each_other_and_an_end_is_noticed() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let mut wire = Wire::new(ours);
    for number in 0..3_usize {
        assert!(wire.is_quiet());
        let body = "x".repeat(number * 400_000 / 2 % 900);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        theirs.write_all(answer.as_bytes()).await.expect("written");
        let got = wire
            .exchange(b"GET / HTTP/1.1\r\n\r\n", false, MOST)
            .await
            .expect("an answer");
        let answer = wire.answer(&got);
        assert_eq!((answer.status, answer.body), (200, body.as_bytes()));
        assert!(answer.is_json());
    }
    theirs.write_all(b"!").await.expect("written");
    assert!(!wire.is_quiet());
    drop(theirs);
    assert!(!wire.is_quiet());
}

#[tokio::test]
async fn who_answers_a_request_before_its_end_is_heard() {
    for stays in [false, true] {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut wire = Wire::new(ours);
        let server = tokio::spawn(async move {
            theirs
                .write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
                .await
                .expect("written");
            if stays {
                std::future::pending::<()>().await;
            }
        });
        let large = vec![b'x'; 100_000];
        let got = tokio::time::timeout(Duration::from_mins(1), wire.exchange(&large, false, MOST)).await;
        let got = got.expect("in time").expect("an answer");
        // The rest of the request would be read as another one.
        assert_eq!((got.status, got.again), (413, false));
        server.abort();
    }
}

#[tokio::test]
async fn a_request_goes_on_while_its_answer_comes() {
    // Neither side takes more than this before the other does: who only writes first waits forever.
    let (ours, theirs) = tokio::io::duplex(64);
    let mut wire = Wire::new(ours);
    let request = vec![b'x'; 100_000];
    let sent = request.len();
    let (mut reads, mut writes) = tokio::io::split(theirs);
    let server = tokio::spawn(async move {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {sent}\r\n\r\n");
        writes.write_all(head.as_bytes()).await.expect("written");
        tokio::io::copy(&mut reads, &mut writes).await
    });
    let got = tokio::time::timeout(Duration::from_mins(1), wire.exchange(&request, false, sent)).await;
    let got = got.expect("in time").expect("an answer");
    assert_eq!((got.status, got.again), (200, true));
    assert_eq!(wire.answer(&got).body, request);
    server.abort();
}
