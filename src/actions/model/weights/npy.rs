//! numpy's own format: a header that is a Python dictionary, then the values.

use super::content::{Content, Order, Stride};
use super::{Element, Kind, Tensor, damaged, unknown};
use crate::action::Failure;

/// Headers are at most so long.
const LONGEST: usize = 1 << 20;

/// The array in a file; of structures, each of their fields.
pub fn read(name: &str, content: &Content) -> Result<Vec<Tensor>, Failure> {
    let wrong = |why: &str| damaged(format!("the array `{name}` is no numpy array: {why}"));
    let mut start = Vec::new();
    let opened = content.open().map_err(|e| wrong(&e.to_string()))?;
    std::io::Read::read_to_end(
        &mut std::io::Read::take(opened, (LONGEST + 12) as u64),
        &mut start,
    )
    .map_err(|e| wrong(&e.to_string()))?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err(wrong("it does not begin with \\x93NUMPY"));
    }
    let (header_at, header_len) = match (start.get(6), start.get(8..12)) {
        (Some(1), Some(n)) => (10, usize::from(u16::from_le_bytes([n[0], n[1]]))),
        (Some(2 | 3), Some(n)) => (12, u32::from_le_bytes([n[0], n[1], n[2], n[3]]) as usize),
        _ => return Err(wrong("its version is not 1, 2 or 3")),
    };
    let header = start
        .get(header_at..header_at + header_len)
        .and_then(|h| std::str::from_utf8(h).ok())
        .ok_or_else(|| wrong("its header breaks off"))?;
    let header = Header::read(header).ok_or_else(|| wrong("its header is not understood"))?;
    let no_reader = || {
        if header.descr.contains("O'") || header.descr.ends_with('O') {
            unknown(name, "it holds pickled Python objects")
        } else {
            unknown(name, &format!("its values are of the type {}", header.descr))
        }
    };
    let fields = fields(&header.descr).ok_or_else(no_reader)?;
    let structure: u64 = fields.iter().map(|f| f.kind.size).sum();
    let count = header.shape.iter().try_fold(1_u64, |n, d| n.checked_mul(*d));
    let len = count
        .and_then(|n| n.checked_mul(structure))
        .ok_or_else(|| wrong("its shape is too large"))?;
    let skip = (header_at + header_len) as u64;
    if content.len() != skip + len {
        return Err(wrong(&format!(
            "it should have {len} bytes of values and has {}",
            content.len().saturating_sub(skip)
        )));
    }
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let shape: Vec<usize> = header.shape.iter().map(|n| size(*n)).collect();
    let mut before = 0;
    let mut tensors = Vec::new();
    for field in &fields {
        let order = Order {
            swapped: field.swapped,
            // With one dimension, or none, both orders are the same.
            columns_first: (header.fortran && shape.len() > 1)
                .then(|| (size(field.kind.size), shape.clone())),
            field: field.name.as_ref().map(|_| Stride {
                structure: size(structure),
                before: size(before),
                size: size(field.kind.size),
            }),
        };
        before += field.kind.size;
        let named = match &field.name {
            None => name.to_owned(),
            // What fills the gaps between fields is no value.
            Some(gap) if gap.is_empty() => continue,
            Some(field) => format!("{name}.{field}"),
        };
        tensors.push(Tensor {
            name: named,
            content: content.after(skip, order),
            kind: field.kind.clone(),
            shape: header.shape.clone(),
        });
    }
    Ok(tensors)
}

#[derive(Debug, PartialEq, Eq)]
struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<u64>,
}

impl Header {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }`
    fn read(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let at = text.find(&format!("'{key}':"))?;
            Some(text[at + key.len() + 3..].trim_start())
        };
        let descr = value("descr")?;
        let descr = if let Some(rest) = descr.strip_prefix('\'') {
            rest.split_once('\'')?.0
        } else {
            // A structure: a list of names and types.
            descr.strip_prefix('[')?;
            &descr[..=descr.find(']')?]
        };
        let fortran = value("fortran_order")?;
        let (shape, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
        let shape: Result<Vec<u64>, _> = shape
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .map(str::parse)
            .collect();
        Some(Self {
            descr: descr.to_owned(),
            fortran: match fortran {
                f if f.starts_with("True") => true,
                f if f.starts_with("False") => false,
                _ => return None,
            },
            shape: shape.ok()?,
        })
    }
}

/// A part of a value.
struct Field {
    /// None when the value has no parts.
    name: Option<String>,
    kind: Kind,
    swapped: Option<usize>,
}

/// `<f8`, or `[('threshold', '<f8'), ('', '|V7')]`.
fn fields(descr: &str) -> Option<Vec<Field>> {
    let Some(list) = descr.strip_prefix('[').and_then(|d| d.strip_suffix(']')) else {
        let (kind, swapped) = kind(descr)?;
        return Some(vec![Field {
            name: None,
            kind,
            swapped,
        }]);
    };
    let pairs: Vec<&str> = list.split(')').map(|p| p.trim_matches([',', ' ', '('])).collect();
    pairs
        .into_iter()
        .filter(|p| !p.is_empty())
        .map(|pair| {
            // Both are quoted; a third part, a shape, is not read.
            let mut parts = pair.split(", ").map(|p| p.strip_prefix('\'')?.strip_suffix('\''));
            let (name, descr, None) = (parts.next()??, parts.next()??, parts.next()) else {
                return None;
            };
            let (kind, swapped) = kind(descr)?;
            Some(Field {
                name: Some(name.to_owned()),
                kind,
                swapped,
            })
        })
        .collect()
}

/// The type, and how many bytes of a number stand the other way around.
fn kind(descr: &str) -> Option<(Kind, Option<usize>)> {
    let (order, rest) = match descr.chars().next()? {
        '<' | '|' | '=' => (false, &descr[1..]),
        '>' => (true, &descr[1..]),
        _ => (false, descr),
    };
    let letter = rest.chars().next()?;
    let size: usize = rest[1..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .ok()?;
    let swapped = |unit: usize| (order && unit > 1).then_some(unit);
    let element = match (letter, size) {
        ('b', 1) => Element::Bool,
        ('f', 2) => Element::F16,
        ('f', 4) => Element::F32,
        ('f', 8) => Element::F64,
        ('i', 1) => Element::I8,
        ('i', 2) => Element::I16,
        ('i', 4) => Element::I32,
        ('i', 8) => Element::I64,
        ('u', 1) => Element::U8,
        ('u', 2) => Element::U16,
        ('u', 4) => Element::U32,
        ('u', 8) => Element::U64,
        ('c', 8 | 16) => {
            return Some((
                Kind::sized(format!("complex{}", size * 8), size as u64),
                swapped(size / 2),
            ));
        }
        ('S' | 'V', _) => return Some((Kind::sized(format!("{letter}{size}"), size as u64), None)),
        ('U', _) => return Some((Kind::sized(format!("U{size}"), size as u64 * 4), swapped(4))),
        ('M' | 'm', 8) => {
            let unit = &rest[2..];
            return Some((Kind::sized(format!("{letter}8{unit}"), 8), swapped(8)));
        }
        _ => return None,
    };
    Some((Kind::number(element), swapped(element.size())))
}
