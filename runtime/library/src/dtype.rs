//! Element types. Not those of `frit_ir`: this crate takes minutes to compile, and does not wait for changes of the IR.

use num_complex::{Complex32, Complex64};

/// The element types of the routines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// 8-bit signed integer.
    I8,
    /// 16-bit signed integer.
    I16,
    /// 32-bit signed integer.
    I32,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
    /// 16-bit unsigned integer.
    U16,
    /// 32-bit unsigned integer.
    U32,
    /// 64-bit unsigned integer.
    U64,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Complex of two `f32`.
    C64,
    /// Complex of two `f64`.
    C128,
}

impl DType {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::I8 | DType::U8 => 1,
            DType::I16 | DType::U16 => 2,
            DType::I32 | DType::U32 | DType::F32 => 4,
            DType::I64 | DType::U64 | DType::F64 | DType::C64 => 8,
            DType::C128 => 16,
        }
    }

    /// The type of the absolute value.
    pub const fn real(self) -> DType {
        match self {
            DType::C64 => DType::F32,
            DType::C128 => DType::F64,
            other => other,
        }
    }

    /// The complex type of the same precision; of integers, `C128`.
    pub const fn complex(self) -> DType {
        match self {
            DType::F32 | DType::C64 => DType::C64,
            _ => DType::C128,
        }
    }

    /// True for floating-point and complex types: those with linear algebra.
    pub const fn is_inexact(self) -> bool {
        matches!(self, DType::F32 | DType::F64 | DType::C64 | DType::C128)
    }
}

/// A Rust type that is an element type.
pub(crate) trait Element: Copy + Send + Sync + 'static {
    /// The element type it is.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($t:ty: $d:ident),* $(,)?) => {$( impl Element for $t { const DTYPE: DType = DType::$d; } )*};
}

elements! {
    bool: Bool, i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64,
    f32: F32, f64: F64, Complex32: C64, Complex64: C128,
}

/// Calls `$f::<T>($args)` with the Rust type of any element type.
macro_rules! with_any {
    ($dtype:expr, $($f:ident)::+ ( $($arg:expr),* $(,)? )) => {{
        use num_complex::{Complex32, Complex64};
        match $dtype {
            DType::Bool => $($f)::+::<bool>($($arg),*),
            DType::I8 => $($f)::+::<i8>($($arg),*),
            DType::I16 => $($f)::+::<i16>($($arg),*),
            DType::I32 => $($f)::+::<i32>($($arg),*),
            DType::I64 => $($f)::+::<i64>($($arg),*),
            DType::U8 => $($f)::+::<u8>($($arg),*),
            DType::U16 => $($f)::+::<u16>($($arg),*),
            DType::U32 => $($f)::+::<u32>($($arg),*),
            DType::U64 => $($f)::+::<u64>($($arg),*),
            DType::F32 => $($f)::+::<f32>($($arg),*),
            DType::F64 => $($f)::+::<f64>($($arg),*),
            DType::C64 => $($f)::+::<Complex32>($($arg),*),
            DType::C128 => $($f)::+::<Complex64>($($arg),*),
        }
    }};
}
pub(crate) use with_any;
