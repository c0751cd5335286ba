//! Functions computed one element at a time by a scalar library.
//!
//! Either they are rarely the bottleneck of an array program (gamma functions), or they are inherently serial
//! (`fmod`).

use crate::dispatch::{Kernel1, Kernel2};

/// Implements a kernel trait by two library functions, for `f64` and for `f32`.
macro_rules! library {
    ($trait:ident $name:ident($($arg:ident),+), $f64:expr, $f32:expr) => {
        pub(crate) struct $name;
        library!(@impl $trait $name($($arg),+) f64, $f64);
        library!(@impl $trait $name($($arg),+) f32, $f32);
    };
    (@impl $trait:ident $name:ident($($arg:ident),+) $T:ty, $function:expr) => {
        impl $trait<$T> for $name {
            const VECTOR: bool = false;
            #[inline(always)]
            fn fast($($arg: $T),+) -> $T {
                $function($($arg),+)
            }
            #[inline(always)]
            fn slow($($arg: $T),+) -> $T {
                $function($($arg),+)
            }
        }
    };
}

library!(Kernel1 Lgamma(x), pxfm::f_lgamma, pxfm::f_lgammaf);
library!(Kernel1 Tgamma(x), tgamma, tgammaf);
library!(Kernel2 Fmod(x, y), |x: f64, y: f64| x % y, |x: f32, y: f32| x % y);
library!(Kernel2 Nextafter(x, y), libm::nextafter, libm::nextafterf);

/// The gamma function, with the pole's sign that C99 wants at -0.
fn tgamma(x: f64) -> f64 {
    if x == 0.0 { 1.0 / x } else { pxfm::f_tgamma(x) }
}

/// As [`tgamma`]. The library's `f32` function loses the subnormal results of large negative arguments.
fn tgammaf(x: f32) -> f32 {
    if x == 0.0 || x < -30.0 { tgamma(x as f64) as f32 } else { pxfm::f_tgammaf(x) }
}
