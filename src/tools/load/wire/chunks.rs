//! A body that comes in chunks (RFC 9112, section 7.1), joined where it was read.

use super::{Broken, not_http, too_large};

/// The longest line of a chunk, with its extensions, and the most of trailers.
const LINE: usize = 16 << 10;
const TRAILERS: usize = 100;
const BARE: &str = "a line of its chunks ends without a carriage return";

/// How far a body was read.
pub(super) struct Chunks {
    /// Where it begins, where what is joined ends, and where what is not read begins.
    start: usize,
    end: usize,
    from: usize,
    next: Next,
}

/// What stands at the place that is read next.
enum Next {
    Size,
    /// So many bytes of a chunk.
    Data(usize),
    /// The end of the line behind them.
    Behind,
    /// Headers behind the last chunk, of which none is of use here.
    Trailers,
    Nothing,
}

impl Chunks {
    /// A body that begins here.
    pub fn new(start: usize) -> Self {
        Self {
            start,
            end: start,
            from: start,
            next: Next::Size,
        }
    }

    /// Where the joined body ends.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The first byte that is not of the answer.
    pub fn after(&self) -> usize {
        self.from
    }

    /// Reads what there is; true at the end of the body.
    pub fn read(&mut self, bytes: &mut Vec<u8>, most: usize) -> Result<bool, Broken> {
        while self.step(bytes, most)? {}
        if matches!(self.next, Next::Nothing) {
            return Ok(true);
        }
        // What was joined leaves room.
        bytes.copy_within(self.from.., self.end);
        bytes.truncate(self.end + bytes.len() - self.from);
        self.from = self.end;
        Ok(false)
    }

    /// Reads the next part; false when more bytes are needed, or none.
    fn step(&mut self, bytes: &mut [u8], most: usize) -> Result<bool, Broken> {
        let rest = &bytes[self.from..];
        match self.next {
            Next::Nothing => return Ok(false),
            Next::Data(length) => {
                let here = length.min(rest.len());
                if self.end - self.start + here > most {
                    return Err(too_large(most));
                }
                bytes.copy_within(self.from..self.from + here, self.end);
                self.end += here;
                self.from += here;
                if here < length {
                    self.next = Next::Data(length - here);
                    return Ok(false);
                }
                self.next = Next::Behind;
            }
            Next::Behind => {
                let Some(end) = rest.first_chunk() else {
                    return Ok(false);
                };
                if end != b"\r\n" {
                    return Err(not_http("a chunk is longer than it says"));
                }
                self.from += 2;
                self.next = Next::Size;
            }
            Next::Size => {
                let Some(line) = line(rest)? else {
                    return Ok(false);
                };
                self.from += line.len() + 2;
                self.next = match size(line)? {
                    0 => Next::Trailers,
                    length => Next::Data(length),
                };
            }
            Next::Trailers => {
                let mut trailers = [httparse::EMPTY_HEADER; TRAILERS];
                match httparse::parse_headers(rest, &mut trailers) {
                    Ok(httparse::Status::Complete((length, _))) => {
                        let mut lines = rest[..length].split_inclusive(|b| *b == b'\n');
                        if !lines.all(|line| line.ends_with(b"\r\n")) {
                            return Err(not_http(BARE));
                        }
                        self.from += length;
                        self.next = Next::Nothing;
                    }
                    Ok(httparse::Status::Partial) if rest.len() <= LINE => return Ok(false),
                    Ok(httparse::Status::Partial) => return Err(not_http("its trailers are too long")),
                    Err(e) => return Err(not_http(e)),
                }
            }
        }
        Ok(true)
    }
}

/// The line at the beginning without its end; none when it has no end yet.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, Broken> {
    match bytes.iter().take(LINE).position(|b| *b == b'\n') {
        None if bytes.len() >= LINE => Err(not_http("a line of its chunks is too long")),
        None => Ok(None),
        Some(at) => match bytes[..at].strip_suffix(b"\r") {
            Some(line) => Ok(Some(line)),
            None => Err(not_http(BARE)),
        },
    }
}

/// The size a line gives, extensions left out.
fn size(line: &[u8]) -> Result<usize, Broken> {
    let digits = line.split(|b| *b == b';').next().unwrap_or_default();
    let digits = digits.trim_ascii_end();
    std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|text| usize::from_str_radix(text, 16).ok())
        .ok_or_else(|| not_http("a chunk has no size"))
}
