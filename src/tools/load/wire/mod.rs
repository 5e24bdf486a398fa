//! HTTP/1.1 over one connection, one exchange after the other: what a load needs of it and no more.
//!
//! hyper gives a connection a task of its own, and each answer a map of headers and a channel, which costs about as much
//! as the rest of an exchange. Here who asks also writes and reads, and an answer stays where it was read until the next
//! request. Heads are read by hyper's own parser. No redirects, no upgrades, no interim answers but those that are
//! skipped: an action that needs these is no request of a load.

mod chunks;
mod head;

use std::future::{Future as _, poll_fn};
use std::io;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use self::chunks::Chunks;
use self::head::{Ends, Head};
use crate::check::Class;
use crate::tools::http::{Answer, Phase, by_cause};

/// The largest head of an answer, as hyper has it.
const HEAD: usize = 8192 + 4096 * 100;
/// What is read at once, at least.
const PIECE: usize = 8192;
/// A larger buffer is given back after its answer.
const KEPT: usize = 256 << 10;

/// Why there is no answer.
pub(super) type Broken = (Class, String);

/// A connection.
pub(super) struct Wire<S> {
    stream: S,
    /// The last answer, as it came; chunks are joined.
    read: Vec<u8>,
}

/// An answer that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Got {
    pub status: u16,
    /// Whether the connection can be used again.
    pub again: bool,
    content_type: Option<Range<usize>>,
    body: Range<usize>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            read: Vec::with_capacity(PIECE),
        }
    }

    /// Whether nothing came since the last answer, neither its end nor anything nobody asked for.
    pub fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        let read = Pin::new(&mut self.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
        read.is_pending()
    }

    /// Sends a request as it stands there and reads the whole answer, whose body may have so many bytes. An answer to
    /// HEAD is `bodiless`. After an error the connection is of no use.
    pub async fn exchange(&mut self, request: &[u8], bodiless: bool, most: usize) -> Result<Got, Broken> {
        self.read.clear();
        if self.read.capacity() > KEPT {
            self.read.shrink_to(PIECE);
        }
        let mut request = Request::new(request);
        let head = match self.head(&mut request, bodiless).await {
            Ok(head) => head,
            // Who does not want to read it all may still say why, and what it says counts.
            Err(broken) => return Err(request.broken.map_or(broken, |e| by_cause(&e, Phase::Head))),
        };
        let start = head.length;
        let (end, after) = match head.ends {
            Ends::Here => (start, start),
            Ends::After(length) => {
                let end = usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= most)
                    .ok_or_else(|| too_large(most))?
                    .saturating_add(start);
                while self.read.len() < end {
                    self.more(&mut request, Phase::Body).await?;
                }
                (end, end)
            }
            Ends::InChunks => {
                let mut chunks = Chunks::new(start);
                while !chunks.read(&mut self.read, most)? {
                    self.more(&mut request, Phase::Body).await?;
                }
                (chunks.end(), chunks.after())
            }
            Ends::WithConnection => {
                while self.fill(&mut request, Phase::Body).await? > 0 {
                    if self.read.len() - start > most {
                        return Err(too_large(most));
                    }
                }
                (self.read.len(), self.read.len())
            }
        };
        Ok(Got {
            status: head.status,
            again: head.again && after == self.read.len() && request.sent,
            content_type: head.content_type,
            body: start..end,
        })
    }

    /// What was read, until the next exchange.
    pub fn answer(&self, got: &Got) -> Answer<'_> {
        let bytes = |range: &Range<usize>| self.read.get(range.clone()).unwrap_or_default();
        let content_type = got.content_type.as_ref().map(bytes);
        Answer {
            status: got.status,
            content_type: content_type.and_then(|value| std::str::from_utf8(value).ok()),
            body: bytes(&got.body),
        }
    }

    /// Reads until there is a whole head that is not an interim one.
    async fn head(&mut self, request: &mut Request<'_>, bodiless: bool) -> Result<Head, Broken> {
        // Where the end of a head was not looked for yet.
        let mut from = 0;
        loop {
            self.more(request, Phase::Head).await?;
            // The first piece holds it as a rule; a head that comes in crumbs is not read again for each.
            while from == 0 || head::ends_in(&self.read, from) {
                match head::parse(&self.read, bodiless)? {
                    Some(head) if (100..200).contains(&head.status) && head.status != 101 => {
                        self.read.drain(..head.length);
                        from = 0;
                        if self.read.is_empty() {
                            break;
                        }
                    }
                    Some(head) if head.length <= HEAD => return Ok(head),
                    Some(_) => return Err(large_head()),
                    None => break,
                }
            }
            from = self.read.len();
            if from > HEAD {
                return Err(large_head());
            }
        }
    }

    /// Reads more, which there must be.
    async fn more(&mut self, request: &mut Request<'_>, phase: Phase) -> Result<(), Broken> {
        match self.fill(request, phase).await? {
            0 => Err(by_cause(&io::Error::from(io::ErrorKind::UnexpectedEof), phase)),
            _ => Ok(()),
        }
    }

    /// Sends what there is still to send and reads what there is; nothing at the end.
    async fn fill(&mut self, request: &mut Request<'_>, phase: Phase) -> Result<usize, Broken> {
        if self.read.capacity() - self.read.len() < PIECE / 2 {
            self.read.reserve(PIECE.max(self.read.len()));
        }
        let Self { stream, read } = self;
        let filled = poll_fn(|context| {
            request.send(stream, context);
            pin!(stream.read_buf(read)).poll(context)
        });
        filled.await.map_err(|e| by_cause(&e, phase))
    }
}

/// A request on its way. Who answers before the end of it is heard at once.
struct Request<'a> {
    rest: &'a [u8],
    sent: bool,
    /// Why no more of it can be sent.
    broken: Option<io::Error>,
}

impl<'a> Request<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            sent: false,
            broken: None,
        }
    }

    /// Sends as much as the stream takes.
    fn send(&mut self, stream: &mut (impl AsyncWrite + Unpin), context: &mut Context<'_>) {
        while !self.sent && self.broken.is_none() {
            let stream = Pin::new(&mut *stream);
            let sent = if self.rest.is_empty() {
                // TLS may still hold a part.
                stream.poll_flush(context).map_ok(|()| self.sent = true)
            } else {
                stream.poll_write(context, self.rest).map(|sent| match sent? {
                    0 => Err(io::ErrorKind::WriteZero.into()),
                    sent => {
                        self.rest = &self.rest[sent..];
                        Ok(())
                    }
                })
            };
            match sent {
                Poll::Ready(sent) => self.broken = sent.err(),
                Poll::Pending => return,
            }
        }
    }
}

pub(super) fn too_large(most: usize) -> Broken {
    let why = format!("the answer is larger than {most} bytes");
    (Class::TooLarge, why)
}

fn large_head() -> Broken {
    let why = "the head of the answer is larger than allowed".to_owned();
    (Class::TooLarge, why)
}

fn not_http(why: impl std::fmt::Display) -> Broken {
    (Class::UnreadableAnswer, format!("the answer is not HTTP: {why}"))
}

#[cfg(test)]
mod tests;
