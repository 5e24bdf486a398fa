//! Types of tensors, under one name each whatever the format calls them.

/// The type of a tensor's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// numpy's name where it has one: `float32`.
    pub name: String,
    /// How one value is read as a number; none for text, structures and the like.
    pub element: Option<Element>,
    /// Bytes of one value; 0 where values have no fixed size.
    pub size: u64,
}

/// A number in memory, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl Kind {
    /// Values that are no numbers, of any size.
    pub fn other(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            element: None,
            size: 0,
        }
    }

    /// Values of `size` bytes each that are no plain numbers.
    pub fn sized(name: impl Into<String>, size: u64) -> Self {
        Self {
            name: name.into(),
            element: None,
            size,
        }
    }

    pub fn number(element: Element) -> Self {
        Self {
            name: element.name().to_owned(),
            element: Some(element),
            size: element.size() as u64,
        }
    }

    /// The numbers of this name: `float32`.
    pub fn named(name: &str) -> Option<Self> {
        Element::ALL
            .into_iter()
            .find(|e| e.name() == name)
            .map(Self::number)
    }
}

impl Element {
    const ALL: [Self; 13] = [
        Self::F16,
        Self::Bf16,
        Self::F32,
        Self::F64,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::Bool,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::I8 => "int8",
            Self::I16 => "int16",
            Self::I32 => "int32",
            Self::I64 => "int64",
            Self::U8 => "uint8",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::Bool => "bool",
        }
    }

    pub const fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// The number in these bytes. Whole numbers beyond 2^53 are rounded: what differs is told by their bytes.
    pub fn read(self, bytes: &[u8]) -> f64 {
        let mut all = [0; 8];
        let n = bytes.len().min(8);
        all[..n].copy_from_slice(&bytes[..n]);
        let (low2, low4) = ([all[0], all[1]], [all[0], all[1], all[2], all[3]]);
        match self {
            Self::F16 => half(u16::from_le_bytes(low2)),
            Self::Bf16 => f64::from(f32::from_bits(u32::from(u16::from_le_bytes(low2)) << 16)),
            Self::F32 => f64::from(f32::from_le_bytes(low4)),
            Self::F64 => f64::from_le_bytes(all),
            Self::I8 => f64::from(i8::from_le_bytes([all[0]])),
            Self::I16 => f64::from(i16::from_le_bytes(low2)),
            Self::I32 => f64::from(i32::from_le_bytes(low4)),
            Self::I64 => i64::from_le_bytes(all) as f64,
            Self::U8 | Self::Bool => f64::from(all[0]),
            Self::U16 => f64::from(u16::from_le_bytes(low2)),
            Self::U32 => f64::from(u32::from_le_bytes(low4)),
            Self::U64 => u64::from_le_bytes(all) as f64,
        }
    }
}

/// A number of 16 bits (IEEE 754).
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = ((bits >> 10) & 0x1f, f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        e => (1.0 + fraction / 1024.0) * 2_f64.powi(i32::from(e) - 15),
    }
}
