//! The head of an answer, and where its body ends (RFC 9112, section 6.3).

use std::mem::MaybeUninit;
use std::ops::Range;

use super::{Broken, large_head, not_http};

/// The most headers of an answer, as hyper has it.
const HEADERS: usize = 100;

/// What an answer says of itself.
#[derive(Debug)]
pub(super) struct Head {
    pub status: u16,
    /// How many bytes it has.
    pub length: usize,
    pub ends: Ends,
    /// Whether another request may follow on the connection.
    pub again: bool,
    /// Where the value of this header stands.
    pub content_type: Option<Range<usize>>,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// There is none.
    Here,
    /// After so many bytes.
    After(u64),
    InChunks,
    WithConnection,
}

/// Whether the empty line behind a head ends after `from`.
pub(super) fn ends_in(bytes: &[u8], from: usize) -> bool {
    let new = &bytes[from.saturating_sub(3).min(bytes.len())..];
    new.windows(2).any(|w| w == b"\n\n") || new.windows(3).any(|w| w == b"\n\r\n")
}

/// Reads a head; none when it is not whole.
pub(super) fn parse(bytes: &[u8], bodiless: bool) -> Result<Option<Head>, Broken> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let length = match httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut headers,
    ) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(large_head()),
        Err(e) => return Err(not_http(e)),
    };
    let status = response.code.unwrap_or_default();
    let old = response.version == Some(0);
    let mut said = Said::default();
    let mut content_type = None;
    for header in response.headers.iter() {
        let (name, value) = (header.name, header.value);
        if name.eq_ignore_ascii_case("content-length") {
            said.length(value);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            let last = tokens(value).next_back();
            let chunked = last.is_some_and(|token| token.eq_ignore_ascii_case(b"chunked"));
            said.chunked = Some(chunked && value.is_ascii());
        } else if name.eq_ignore_ascii_case("connection") {
            said.close |= tokens(value).any(|token| token.eq_ignore_ascii_case(b"close"));
            said.keep |= tokens(value).any(|token| token.eq_ignore_ascii_case(b"keep-alive"));
        } else if name.eq_ignore_ascii_case("content-type") && content_type.is_none() {
            let start = value.as_ptr() as usize - bytes.as_ptr() as usize;
            content_type = Some(start..start + value.len());
        }
    }
    let ends = if bodiless || (100..200).contains(&status) || status == 204 || status == 304 {
        Ends::Here
    } else {
        match (said.chunked, said.length) {
            (Some(_), _) if old => return Err(not_http("HTTP/1.0 has no `transfer-encoding`")),
            (Some(true), _) => Ends::InChunks,
            (None, _) if said.no_length => return Err(not_http("its `content-length` is no number")),
            (None, Some(length)) => Ends::After(length),
            (Some(false), _) | (None, None) => Ends::WithConnection,
        }
    };
    let again = !said.close && (!old || said.keep) && ends != Ends::WithConnection && status != 101;
    Ok(Some(Head {
        status,
        length,
        ends,
        again,
        content_type,
    }))
}

/// What headers say of the length and the connection.
#[derive(Default)]
struct Said {
    /// The length, when one is given.
    length: Option<u64>,
    /// One is no number, or several are not the same.
    no_length: bool,
    /// Whether the last encoding is chunks, when there are encodings.
    chunked: Option<bool>,
    close: bool,
    keep: bool,
}

impl Said {
    fn length(&mut self, value: &[u8]) {
        for token in tokens(value) {
            let number = std::str::from_utf8(token)
                .ok()
                .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|text| text.parse::<u64>().ok());
            match number {
                Some(number) if self.length.is_none_or(|before| before == number) => {
                    self.length = Some(number);
                }
                _ => self.no_length = true,
            }
        }
    }
}

fn tokens(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|b| *b == b',').map(<[u8]>::trim_ascii)
}
