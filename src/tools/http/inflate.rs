//! Taking a compressed body apart piece by piece, with the size capped on the way out.

use std::io::{self, Write};

use flate2::write::{MultiGzDecoder, ZlibDecoder};
use zstd::stream::raw::{self, Operation as _};

/// The window a zstd body may ask for: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;
/// Bodies smaller than this may have any ratio of inflation.
const RATIO_FREE: u64 = 1 << 20;

/// Why a body was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// Larger than the cap (bytes).
    TooLarge { cap: u64 },
    /// More bytes came out than the ratio allows.
    Bomb { inflated: u64, received: u64 },
    /// The compressed data are damaged or cut off.
    Damaged(String),
    /// An encoding that was not asked for.
    Encoding(String),
}

/// A body as it is received, whatever its encoding.
pub enum Inflate {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
    Zlib(Box<ZlibDecoder<Capped>>),
    Zstd(Box<ZstdStream>),
}

/// What came out so far, and its caps.
#[derive(Debug)]
pub struct Capped {
    out: Vec<u8>,
    received: u64,
    cap: u64,
    ratio: u64,
    compressed: bool,
    broken: Option<BodyError>,
}

impl Inflate {
    /// # Errors
    /// An encoding that is not known.
    pub fn new(encoding: Option<&str>, cap: u64, ratio: u64) -> Result<Self, BodyError> {
        let encoding = encoding.unwrap_or("identity").trim().to_ascii_lowercase();
        let capped = Capped {
            out: Vec::new(),
            received: 0,
            cap,
            ratio,
            compressed: encoding != "identity" && !encoding.is_empty(),
            broken: None,
        };
        match encoding.as_str() {
            "" | "identity" => Ok(Self::Plain(capped)),
            "gzip" | "x-gzip" => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(capped)))),
            "deflate" => Ok(Self::Zlib(Box::new(ZlibDecoder::new(capped)))),
            "zstd" => ZstdStream::new(capped)
                .map(|stream| Self::Zstd(Box::new(stream)))
                .map_err(|e| BodyError::Damaged(e.to_string())),
            _ => Err(BodyError::Encoding(encoding)),
        }
    }

    /// Takes a received piece in.
    ///
    /// # Errors
    /// A cap that was passed, or damaged data.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), BodyError> {
        // In small steps, so that the ratio is judged long before a whole piece of a bomb is out.
        for step in piece.chunks(4096) {
            self.sink().received += step.len() as u64;
            let result = match self {
                Self::Plain(w) => w.write_all(step),
                Self::Gzip(w) => w.write_all(step),
                Self::Zlib(w) => w.write_all(step),
                Self::Zstd(w) => w.push(step),
            };
            if let Err(e) = result {
                return Err(self
                    .sink()
                    .broken
                    .take()
                    .unwrap_or_else(|| BodyError::Damaged(e.to_string())));
            }
        }
        Ok(())
    }

    /// The whole body.
    ///
    /// # Errors
    /// Data that were cut off, or a cap that was passed by the last bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, BodyError> {
        // No body at all (HEAD, 204) is not a damaged one.
        if self.sink().received == 0 {
            return Ok(Vec::new());
        }
        let result = match &mut self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(w) => w.try_finish(),
            Self::Zlib(w) => w.try_finish(),
            Self::Zstd(w) => w.finish(),
        };
        if let Err(e) = result {
            return Err(self
                .sink()
                .broken
                .take()
                .unwrap_or_else(|| BodyError::Damaged(e.to_string())));
        }
        Ok(std::mem::take(&mut self.sink().out))
    }

    fn sink(&mut self) -> &mut Capped {
        match self {
            Self::Plain(w) => w,
            Self::Gzip(w) => w.get_mut(),
            Self::Zlib(w) => w.get_mut(),
            Self::Zstd(w) => &mut w.sink,
        }
    }
}

/// A zstd stream, taken apart with a buffer of our own, so that the end of a frame is seen.
pub struct ZstdStream {
    raw: raw::Decoder<'static>,
    buffer: Vec<u8>,
    /// The last frame was complete.
    ended: bool,
    sink: Capped,
}

impl ZstdStream {
    fn new(sink: Capped) -> io::Result<Self> {
        let mut raw = raw::Decoder::new()?;
        raw.set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
        Ok(Self {
            raw,
            buffer: vec![0; 32 << 10],
            ended: true,
            sink,
        })
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut input = raw::InBuffer::around(bytes);
        loop {
            let mut output = raw::OutBuffer::around(self.buffer.as_mut_slice());
            let wanted = self.raw.run(&mut input, &mut output)?;
            let filled = output.pos();
            self.ended = wanted == 0;
            self.sink.write_all(&self.buffer[..filled])?;
            // A full buffer may mean that more waits inside.
            if input.pos() == bytes.len() && filled < self.buffer.len() {
                return Ok(());
            }
        }
    }

    fn finish(&self) -> io::Result<()> {
        if self.ended {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the data were cut off",
            ))
        }
    }
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let total = (self.out.len() + bytes.len()) as u64;
        let broken = if total > self.cap {
            Some(BodyError::TooLarge { cap: self.cap })
        } else if self.compressed && total > RATIO_FREE && total / self.received.max(1) > self.ratio {
            Some(BodyError::Bomb {
                inflated: total,
                received: self.received,
            })
        } else {
            None
        };
        if let Some(broken) = broken {
            self.broken = Some(broken);
            return Err(io::Error::other("a cap was passed"));
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn pass(encoding: &str, bytes: &[u8], cap: u64, piece: usize) -> Result<Vec<u8>, BodyError> {
        let mut inflate = Inflate::new(Some(encoding), cap, 100)?;
        for piece in bytes.chunks(piece) {
            inflate.push(piece)?;
        }
        inflate.finish()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        w.write_all(bytes).unwrap();
        w.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut w = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        w.write_all(bytes).unwrap();
        w.finish().unwrap()
    }

    fn zstd_(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).unwrap()
    }

    /// Text that does not compress to nothing.
    fn text(n: usize) -> Vec<u8> {
        (0..n).map(|i| b'a' + ((i * i + i / 7) % 23) as u8).collect()
    }

    #[test]
    fn every_encoding_gives_the_body_back_in_pieces_of_any_size() {
        let body = text(70_000);
        for (name, packed) in [
            ("gzip", gzip(&body)),
            ("deflate", zlib(&body)),
            ("zstd", zstd_(&body)),
            ("identity", body.clone()),
        ] {
            for piece in [1, 7, 4096, 1 << 20] {
                assert_eq!(
                    pass(name, &packed, MIB, piece).unwrap(),
                    body,
                    "{name} in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn a_body_that_was_cut_off_is_damaged() {
        let body = text(70_000);
        for (name, packed) in [
            ("gzip", gzip(&body)),
            ("deflate", zlib(&body)),
            ("zstd", zstd_(&body)),
        ] {
            for cut in [packed.len() / 2, packed.len() - 1] {
                let result = pass(name, &packed[..cut], MIB, 4096);
                assert!(
                    matches!(result, Err(BodyError::Damaged(_))),
                    "{name} cut at {cut} of {}: {:?}",
                    packed.len(),
                    result.map(|b| b.len())
                );
            }
            let mut garbage = packed.clone();
            garbage[0] ^= 0xff;
            assert!(
                matches!(pass(name, &garbage, MIB, 4096), Err(BodyError::Damaged(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn bombs_are_given_up_early() {
        let zeros = vec![0; 64 << 20];
        for (name, packed) in [
            ("gzip", gzip(&zeros)),
            ("deflate", zlib(&zeros)),
            ("zstd", zstd_(&zeros)),
        ] {
            let mut inflate = Inflate::new(Some(name), 16 * MIB, 100).unwrap();
            let error = packed
                .chunks(65_536)
                .find_map(|piece| inflate.push(piece).err())
                .unwrap();
            assert!(matches!(error, BodyError::Bomb { .. }), "{name}: {error:?}");
            assert!(
                inflate.sink().out.len() as u64 <= 2 * MIB,
                "{name} held {}",
                inflate.sink().out.len()
            );
        }
    }

    #[test]
    fn the_cap_counts_what_comes_out() {
        let body = text(10_000);
        assert_eq!(
            pass("gzip", &gzip(&body), 9_999, 512).unwrap_err(),
            BodyError::TooLarge { cap: 9_999 }
        );
        assert_eq!(
            pass("identity", &body, 9_999, 512).unwrap_err(),
            BodyError::TooLarge { cap: 9_999 }
        );
        assert!(pass("identity", &body, 10_000, 512).is_ok());
    }

    #[test]
    fn unknown_encodings_are_refused_and_no_body_is_none() {
        assert_eq!(
            pass("br", b"", MIB, 1).unwrap_err(),
            BodyError::Encoding("br".into())
        );
        assert_eq!(
            pass("gzip, gzip", b"", MIB, 1).unwrap_err(),
            BodyError::Encoding("gzip, gzip".into())
        );
        assert_eq!(pass("gzip", b"", MIB, 1).unwrap(), b"");
    }
}
