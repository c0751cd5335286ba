//! Element types, NumPy 2 promotion (NEP 50), and bit-exact scalars.

use num_complex::Complex64;
use std::fmt;

/// The type of one array element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum DType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F32,
    F64,
    C64,
    C128,
}

/// NumPy's `dtype.kind`, the coarse class of an element type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    Complex,
}

use DType::*;

impl DType {
    /// Every element type, in promotion-table order.
    pub const ALL: [DType; 13] = [Bool, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64, C64, C128];

    /// The name in the text format: `f64`, `bool`.
    pub fn name(self) -> &'static str {
        ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "c64", "c128"]
            [self as usize]
    }

    /// NumPy's name: `float64`, `bool`.
    pub fn numpy_name(self) -> &'static str {
        [
            "bool",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "float32",
            "float64",
            "complex64",
            "complex128",
        ][self as usize]
    }

    /// The inverse of [`DType::name`]; also takes NumPy's names.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name || d.numpy_name() == name)
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        [1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8, 16][self as usize]
    }

    /// The coarse class.
    pub fn kind(self) -> Kind {
        match self {
            Bool => Kind::Bool,
            I8 | I16 | I32 | I64 => Kind::Int,
            U8 | U16 | U32 | U64 => Kind::UInt,
            F32 | F64 => Kind::Float,
            C64 | C128 => Kind::Complex,
        }
    }

    /// Signed or unsigned integer (not bool).
    pub fn is_int(self) -> bool {
        matches!(self.kind(), Kind::Int | Kind::UInt)
    }

    /// Signed integer.
    pub fn is_signed(self) -> bool {
        self.kind() == Kind::Int
    }

    /// `f32` or `f64`.
    pub fn is_float(self) -> bool {
        self.kind() == Kind::Float
    }

    /// `c64` or `c128`.
    pub fn is_complex(self) -> bool {
        self.kind() == Kind::Complex
    }

    /// Float or complex.
    pub fn is_inexact(self) -> bool {
        self.is_float() || self.is_complex()
    }

    /// The type of the real part; itself for real types.
    pub fn real(self) -> DType {
        match self {
            C64 => F32,
            C128 => F64,
            other => other,
        }
    }

    /// The complex type whose parts have this type (`f32 -> c64`; other real types give `c128`).
    pub fn to_complex(self) -> DType {
        match self {
            F32 | C64 => C64,
            _ => C128,
        }
    }

    /// Smallest and largest value of an integer or bool type, as `i128`.
    pub fn int_range(self) -> Option<(i128, i128)> {
        match self.kind() {
            Kind::Bool => Some((0, 1)),
            Kind::Int => {
                let b = self.size() as u32 * 8 - 1;
                Some((-(1i128 << b), (1i128 << b) - 1))
            }
            Kind::UInt => Some((0, (1i128 << (self.size() as u32 * 8)) - 1)),
            Kind::Float | Kind::Complex => None,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// NumPy's `promote_types`: the smallest type to which both cast safely.
pub fn promote(a: DType, b: DType) -> DType {
    if a == b {
        return a;
    }
    let (lo, hi) = if a.kind() <= b.kind() { (a, b) } else { (b, a) };
    match (lo.kind(), hi.kind()) {
        (Kind::Bool, _) => hi,
        (Kind::Int, Kind::Int) | (Kind::UInt, Kind::UInt) | (Kind::Float, Kind::Float) => {
            if lo.size() >= hi.size() { lo } else { hi }
        }
        (Kind::Complex, Kind::Complex) => C128,
        (Kind::Int, Kind::UInt) => match (lo, hi.size()) {
            (_, s) if s < lo.size() => lo,
            (_, 1) => I16,
            (_, 2) => I32,
            (_, 4) => I64,
            _ => F64,
        },
        (Kind::Int | Kind::UInt, Kind::Float) => {
            if lo.size() <= 2 {
                hi
            } else {
                F64
            }
        }
        (Kind::Int | Kind::UInt, Kind::Complex) => {
            if lo.size() <= 2 {
                hi
            } else {
                C128
            }
        }
        (Kind::Float, Kind::Complex) => {
            if lo == F64 {
                C128
            } else {
                hi
            }
        }
        _ => hi,
    }
}

const TWO_63: f64 = (1u64 << 63) as f64;

/// A float truncated to an integer type, bits extended to `i64`. C leaves out-of-range values open; this is what
/// NumPy gives on x86-64: the type's minimum for 32 and 64 bits, wrapping through `i32` for narrower types.
pub fn float_to_int(dtype: DType, v: f64) -> i64 {
    let to_i64 = |v: f64| {
        if (-TWO_63..TWO_63).contains(&v) { v as i64 } else { i64::MIN }
    };
    let to_i32 = |v: f64| if v > -2147483649.0 && v < 2147483648.0 { v as i32 } else { i32::MIN };
    match dtype {
        I64 => to_i64(v),
        U64 if v >= TWO_63 => to_i64(v - TWO_63) ^ i64::MIN,
        U64 => to_i64(v),
        U32 => to_i64(v) as u32 as i64,
        I32 => to_i32(v) as i64,
        I16 => to_i32(v) as i16 as i64,
        I8 => to_i32(v) as i8 as i64,
        U16 => to_i32(v) as u16 as i64,
        U8 => to_i32(v) as u8 as i64,
        Bool => (v != 0.0) as i64,
        F32 | F64 | C64 | C128 => to_i64(v),
    }
}

/// One operand of a promotion: an array's type, or a Python scalar ("weak", NEP 50).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Typed {
    /// The type; of a weak operand only the kind matters.
    pub dtype: DType,
    /// True for Python `bool`, `int`, `float` and `complex` literals.
    pub weak: bool,
}

/// NumPy's `result_type` under NEP 50. Weak operands raise the kind, never the width.
pub fn result_type(operands: &[Typed]) -> DType {
    let strong = operands.iter().filter(|t| !t.weak).map(|t| t.dtype).reduce(promote);
    let weak = operands.iter().filter(|t| t.weak).map(|t| t.dtype).reduce(promote);
    match (strong, weak) {
        (Some(s), None) => s,
        (None, Some(w)) => w,
        (None, None) => F64,
        (Some(s), Some(w)) => match w.kind() {
            Kind::Bool => s,
            Kind::Int | Kind::UInt => {
                if s == Bool {
                    I64
                } else {
                    s
                }
            }
            Kind::Float => match s.kind() {
                Kind::Bool | Kind::Int | Kind::UInt => F64,
                Kind::Float | Kind::Complex => s,
            },
            Kind::Complex => match s {
                F32 | C64 => C64,
                _ => C128,
            },
        },
    }
}

/// One element, compared and hashed by bits (so that `nan == nan` and `0.0 != -0.0`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scalar {
    dtype: DType,
    /// Integers sign- or zero-extended to 64 bits; floats as their own bits; `[re, im]`.
    bits: [u64; 2],
}

impl Scalar {
    /// A real value converted as NumPy casts it (see [`float_to_int`]).
    pub fn from_f64(dtype: DType, v: f64) -> Scalar {
        match dtype.kind() {
            Kind::Bool => Scalar::from_i64(Bool, (v != 0.0) as i64),
            Kind::Int | Kind::UInt => Scalar::from_i64(dtype, float_to_int(dtype, v)),
            Kind::Float | Kind::Complex => Scalar::complex(dtype, Complex64::new(v, 0.0)),
        }
    }

    /// An integer wrapped to the type (two's complement), or converted to a float.
    pub fn from_i64(dtype: DType, v: i64) -> Scalar {
        let bits = match dtype {
            Bool => (v != 0) as u64,
            I8 => v as i8 as i64 as u64,
            I16 => v as i16 as i64 as u64,
            I32 => v as i32 as i64 as u64,
            I64 | U64 => v as u64,
            U8 => v as u8 as u64,
            U16 => v as u16 as u64,
            U32 => v as u32 as u64,
            F32 | C64 => (v as f32).to_bits() as u64,
            F64 | C128 => (v as f64).to_bits(),
        };
        Scalar { dtype, bits: [bits, 0] }
    }

    /// An unsigned 64-bit integer (other types as [`Scalar::from_i64`], floats rounded once).
    pub fn from_u64(dtype: DType, v: u64) -> Scalar {
        match dtype {
            F32 | C64 => Scalar { dtype, bits: [(v as f32).to_bits() as u64, 0] },
            F64 | C128 => Scalar { dtype, bits: [(v as f64).to_bits(), 0] },
            _ => Scalar::from_i64(dtype, v as i64),
        }
    }

    /// A complex value; for a real type the imaginary part is dropped.
    pub fn complex(dtype: DType, v: Complex64) -> Scalar {
        match dtype {
            F32 => Scalar { dtype, bits: [(v.re as f32).to_bits() as u64, 0] },
            F64 => Scalar { dtype, bits: [v.re.to_bits(), 0] },
            C64 => Scalar { dtype, bits: [(v.re as f32).to_bits() as u64, (v.im as f32).to_bits() as u64] },
            C128 => Scalar { dtype, bits: [v.re.to_bits(), v.im.to_bits()] },
            _ => Scalar::from_f64(dtype, v.re),
        }
    }

    /// Rebuilds a scalar from its bits (as [`Scalar::bits`] gives them).
    pub fn from_bits(dtype: DType, bits: [u64; 2]) -> Scalar {
        Scalar { dtype, bits }
    }

    /// A bool.
    pub fn bool(v: bool) -> Scalar {
        Scalar::from_i64(Bool, v as i64)
    }

    /// Zero of the type.
    pub fn zero(dtype: DType) -> Scalar {
        Scalar { dtype, bits: [0, 0] }
    }

    /// One of the type.
    pub fn one(dtype: DType) -> Scalar {
        Scalar::from_i64(dtype, 1)
    }

    /// The element type.
    pub fn dtype(self) -> DType {
        self.dtype
    }

    /// Raw bits: integers extended to 64 bits, floats in their own width, `[re, im]`.
    pub fn bits(self) -> [u64; 2] {
        self.bits
    }

    /// The value as a complex double (integers beyond 2^53 are rounded).
    pub fn as_complex(self) -> Complex64 {
        let part = |b: u64| match self.dtype {
            F32 | C64 => f32::from_bits(b as u32) as f64,
            _ => f64::from_bits(b),
        };
        match self.dtype.kind() {
            Kind::Float | Kind::Complex => Complex64::new(part(self.bits[0]), part(self.bits[1])),
            Kind::UInt => Complex64::new(self.bits[0] as f64, 0.0),
            Kind::Bool | Kind::Int => Complex64::new(self.bits[0] as i64 as f64, 0.0),
        }
    }

    /// The real part as a double.
    pub fn as_f64(self) -> f64 {
        self.as_complex().re
    }

    /// The value as an integer: integers exactly (u64 wraps), floats truncated.
    pub fn as_i64(self) -> i64 {
        match self.dtype.kind() {
            Kind::Float | Kind::Complex => self.as_f64() as i64,
            Kind::Bool | Kind::Int | Kind::UInt => self.bits[0] as i64,
        }
    }

    /// Real part and imaginary part as scalars of the real type (imaginary 0 for real types).
    pub fn parts(self) -> (Scalar, Scalar) {
        let real = self.dtype.real();
        if self.dtype.is_complex() {
            (Scalar { dtype: real, bits: [self.bits[0], 0] }, Scalar { dtype: real, bits: [self.bits[1], 0] })
        } else {
            (self, Scalar::zero(real))
        }
    }

    /// The cast that NumPy's `astype` makes.
    pub fn cast(self, to: DType) -> Scalar {
        if to == self.dtype {
            return self;
        }
        match self.dtype.kind() {
            Kind::UInt => Scalar::from_u64(to, self.bits[0]),
            Kind::Bool | Kind::Int => Scalar::from_i64(to, self.bits[0] as i64),
            Kind::Float | Kind::Complex => {
                if to == Bool {
                    let c = self.as_complex();
                    Scalar::bool(c.re != 0.0 || c.im != 0.0)
                } else {
                    Scalar::complex(to, self.as_complex())
                }
            }
        }
    }

    /// The element's bytes in native order.
    pub fn to_bytes(self) -> Vec<u8> {
        let half = self.dtype.real().size();
        let mut out = self.bits[0].to_le_bytes()[..half].to_vec();
        if self.dtype.is_complex() {
            out.extend_from_slice(&self.bits[1].to_le_bytes()[..half]);
        }
        out
    }

    /// Reads one element from its native bytes; the slice must hold `dtype.size()` bytes.
    pub fn from_bytes(dtype: DType, bytes: &[u8]) -> Scalar {
        let half = dtype.real().size();
        let word = |b: &[u8]| {
            let mut w = [0u8; 8];
            w[..half].copy_from_slice(&b[..half]);
            u64::from_le_bytes(w)
        };
        match dtype.kind() {
            Kind::Complex => Scalar { dtype, bits: [word(bytes), word(&bytes[half..])] },
            Kind::Float => Scalar { dtype, bits: [word(bytes), 0] },
            Kind::Bool | Kind::Int | Kind::UInt => Scalar::from_i64(dtype, word(bytes) as i64),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn float_text(v: f64, single: bool, bits: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // The common NaN prints as `nan`; any other keeps its payload.
    if v.is_nan() {
        let usual = if single { f32::NAN.to_bits() as u64 } else { f64::NAN.to_bits() };
        return if bits == usual { f.write_str("nan") } else { write!(f, "nan({bits:#x})") };
    }
    if v.is_infinite() {
        return f.write_str(if v > 0.0 { "inf" } else { "-inf" });
    }
    if single { write!(f, "{:?}", v as f32) } else { write!(f, "{v:?}") }
}

impl fmt::Display for Scalar {
    /// Shortest text that reads back to the same bits: `1.5`, `nan`, `-inf`, `true`, `(1.0, -2.0)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.as_complex();
        let single = self.dtype.real() == F32;
        match self.dtype.kind() {
            Kind::Bool => write!(f, "{}", self.bits[0] != 0),
            Kind::Int => write!(f, "{}", self.bits[0] as i64),
            Kind::UInt => write!(f, "{}", self.bits[0]),
            Kind::Float => float_text(c.re, single, self.bits[0], f),
            Kind::Complex => {
                f.write_str("(")?;
                float_text(c.re, single, self.bits[0], f)?;
                f.write_str(", ")?;
                float_text(c.im, single, self.bits[1], f)?;
                f.write_str(")")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_is_numpys() {
        // Checked against the full 13 x 13 table of numpy.promote_types in tests/numpy.
        assert_eq!(promote(I8, U8), I16);
        assert_eq!(promote(I64, U64), F64);
        assert_eq!(promote(I16, F32), F32);
        assert_eq!(promote(I32, F32), F64);
        assert_eq!(promote(F64, C64), C128);
        assert_eq!(promote(U32, I8), I64);
        assert_eq!(promote(C64, C128), C128);
    }

    #[test]
    fn python_scalars_are_weak() {
        let strong = |dtype| Typed { dtype, weak: false };
        let weak = |dtype| Typed { dtype, weak: true };
        assert_eq!(result_type(&[strong(F32), weak(F64)]), F32);
        assert_eq!(result_type(&[strong(I8), weak(I64)]), I8);
        assert_eq!(result_type(&[strong(Bool), weak(I64)]), I64);
        assert_eq!(result_type(&[strong(I32), weak(F64)]), F64);
        assert_eq!(result_type(&[strong(F32), weak(C128)]), C64);
    }

    #[test]
    fn scalars_compare_by_bits() {
        assert_eq!(Scalar::from_f64(F64, f64::NAN), Scalar::from_f64(F64, f64::NAN));
        assert_ne!(Scalar::from_f64(F64, 0.0), Scalar::from_f64(F64, -0.0));
        assert_eq!(Scalar::from_f64(F32, 0.1).to_string(), "0.1");
        assert_eq!(Scalar::from_i64(I8, 300).as_i64(), 44);
    }
}
