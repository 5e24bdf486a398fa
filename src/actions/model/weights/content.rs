//! Where the values of a tensor are, and how they are read: little endian, in C order, whatever the file has.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use prost::bytes::Bytes;
use zip::ZipArchive;

use super::damaged;
use crate::action::{Class, Failure};

/// What is read whole into memory is at most so long.
const LARGEST: u64 = 4 << 30;

/// The bytes of a file, or bytes in memory; clones read on their own.
#[derive(Clone)]
pub enum Bulk {
    File { file: Arc<File>, len: u64, at: u64 },
    Memory(Cursor<Bytes>),
}

impl Bulk {
    pub fn of(file: File, name: &str) -> Result<Self, Failure> {
        let meta = file
            .metadata()
            .map_err(|e| Failure::new(Class::Missing, format!("`{name}` cannot be read: {e}")))?;
        Ok(Self::File {
            len: meta.len(),
            file: Arc::new(file),
            at: 0,
        })
    }

    pub fn len(&self) -> u64 {
        match self {
            Self::File { len, .. } => *len,
            Self::Memory(bytes) => bytes.get_ref().len() as u64,
        }
    }

    /// The first bytes, as many as there are of `n`.
    pub fn start(&self, n: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = self.clone().take(n as u64).read_to_end(&mut bytes);
        read.map(|_| bytes)
            .map_err(|e| damaged(format!("it cannot be read: {e}")))
    }

    /// All of it.
    pub fn whole(&self) -> Result<Bytes, Failure> {
        if let Self::Memory(bytes) = self {
            return Ok(bytes.get_ref().clone());
        }
        if self.len() > LARGEST {
            return Err(Failure::new(
                Class::TooLarge,
                "it is larger than 4 GiB, and its format is read whole",
            ));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        let read = self.clone().read_to_end(&mut bytes);
        read.map(|_| Bytes::from(bytes))
            .map_err(|e| damaged(format!("it cannot be read: {e}")))
    }
}

impl Read for Bulk {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File { file, at, .. } => {
                let n = file.read_at(into, *at)?;
                *at += n as u64;
                Ok(n)
            }
            Self::Memory(bytes) => bytes.read(into),
        }
    }
}

impl Seek for Bulk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File { len, at, .. } => {
                let target = match to {
                    SeekFrom::Start(n) => Some(n),
                    SeekFrom::End(n) => len.checked_add_signed(n),
                    SeekFrom::Current(n) => at.checked_add_signed(n),
                };
                *at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
                Ok(*at)
            }
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

/// The values of one tensor.
#[derive(Clone)]
pub struct Content {
    place: Place,
    /// Bytes before them in that place.
    skip: u64,
    len: u64,
    order: Order,
}

#[derive(Clone)]
enum Place {
    Bulk(Bulk),
    Entry(ZipArchive<Bulk>, usize),
}

/// How the file keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Bytes of a number whose bytes are the other way around.
    pub swapped: Option<usize>,
    /// Size of a value and the shape, when the first index is the fastest.
    pub columns_first: Option<(usize, Vec<usize>)>,
    /// The field of each structure that is meant, when values stand side by side.
    pub field: Option<Stride>,
}

/// A field of structures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride {
    /// Bytes of a whole structure.
    pub structure: usize,
    /// Bytes before the field.
    pub before: usize,
    /// Bytes of the field.
    pub size: usize,
}

impl Content {
    /// A whole file.
    pub fn all(bulk: Bulk) -> Self {
        let len = bulk.len();
        Self::part(bulk, 0, len)
    }

    /// A part of a file.
    pub fn part(bulk: Bulk, skip: u64, len: u64) -> Self {
        Self {
            place: Place::Bulk(bulk),
            skip,
            len,
            order: Order::default(),
        }
    }

    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::all(Bulk::Memory(Cursor::new(bytes.into())))
    }

    /// A file of an archive, which is unpacked when it is read.
    pub fn entry(archive: ZipArchive<Bulk>, index: usize, len: u64) -> Self {
        Self {
            place: Place::Entry(archive, index),
            skip: 0,
            len,
            order: Order::default(),
        }
    }

    /// Bytes of the values.
    pub const fn len(&self) -> u64 {
        match self.order.field {
            Some(field) if field.structure > 0 => self.len / field.structure as u64 * field.size as u64,
            _ => self.len,
        }
    }

    /// Without its first bytes, in another order.
    pub fn after(&self, skip: u64, order: Order) -> Self {
        Self {
            place: self.place.clone(),
            skip: self.skip + skip,
            len: self.len.saturating_sub(skip),
            order,
        }
    }

    /// The values from the first, little endian and in C order.
    pub fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        if self.order == Order::default() {
            return self.plain();
        }
        if self.len > LARGEST {
            return Err(io::Error::other(
                "it is larger than 4 GiB, and kept in an order that is read whole",
            ));
        }
        let mut bytes = Vec::new();
        self.plain()?.read_to_end(&mut bytes)?;
        if bytes.len() as u64 != self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(field) = self.order.field {
            bytes = bytes
                .chunks_exact(field.structure.max(1))
                .filter_map(|s| s.get(field.before..field.before + field.size))
                .flatten()
                .copied()
                .collect();
        }
        if let Some(size) = self.order.swapped.filter(|s| *s > 1) {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        if let Some((size, shape)) = &self.order.columns_first {
            bytes = rows_first(&bytes, *size, shape);
        }
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn plain(&self) -> io::Result<Box<dyn Read + '_>> {
        match &self.place {
            Place::Bulk(bulk) => {
                let mut bulk = bulk.clone();
                bulk.seek(SeekFrom::Start(self.skip))?;
                Ok(Box::new(bulk.take(self.len)))
            }
            Place::Entry(archive, index) => {
                let mut archive = archive.clone();
                let file = archive.by_index(*index).map_err(io::Error::other)?;
                let most = (self.skip + self.len).min(LARGEST);
                let mut bytes = Vec::new();
                // One more than there should be, so that a longer one is seen.
                file.take(most + 1).read_to_end(&mut bytes)?;
                let mut bytes = Cursor::new(bytes);
                bytes.set_position(self.skip);
                Ok(Box::new(bytes))
            }
        }
    }
}

/// Values with the first index fastest, put into the order with the last index fastest.
fn rows_first(bytes: &[u8], size: usize, shape: &[usize]) -> Vec<u8> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |product, n| {
            let stride = *product;
            *product *= n;
            Some(stride)
        })
        .collect();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..bytes.len() / size.max(1) {
        let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
        out.extend_from_slice(&bytes[at * size..(at + 1) * size]);
        for (i, n) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *n {
                break;
            }
            *i = 0;
        }
    }
    out
}
