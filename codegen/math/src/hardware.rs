//! Square root and division: single instructions, correctly rounded.
//!
//! They are here because a wide vector does more of them per cycle than the narrow ones of a just-in-time compiler.

use crate::dispatch::{Kernel1, Kernel2};

/// Square root.
pub(crate) struct Sqrt;

/// Quotient.
pub(crate) struct Div;

macro_rules! hardware {
    ($T:ty) => {
        impl Kernel1<$T> for Sqrt {
            #[inline(always)]
            fn fast(x: $T) -> $T {
                x.sqrt()
            }
            #[inline(always)]
            fn slow(x: $T) -> $T {
                x.sqrt()
            }
        }

        impl Kernel2<$T> for Div {
            #[inline(always)]
            fn fast(x: $T, y: $T) -> $T {
                x / y
            }
            #[inline(always)]
            fn slow(x: $T, y: $T) -> $T {
                x / y
            }
        }
    };
}

hardware!(f64);
hardware!(f32);
