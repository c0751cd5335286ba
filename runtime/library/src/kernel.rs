//! The innermost loop of matrix products: one tile of `c`, held in registers, from packed slivers of `a` and `b`.
//!
//! A sliver of `a` holds `mr` numbers for each step of depth, one of `b` holds `nr`; a step multiplies each of the one by
//! each of the other (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). Every element
//! of `c` is one chain of multiply-adds in the order of depth, wherever in a tile it lies.

use crate::number::Number;
use num_complex::{Complex, Complex32, Complex64};

/// `tile(depth, a, b, c, row, add)`: `c` (`mr` by `nr`, rows `row` elements apart) becomes the product, or grows by it.
pub(crate) type Tile<T> = unsafe fn(usize, *const T, *const T, *mut T, usize, bool);

/// An inner loop and the size of its tile.
#[derive(Clone, Copy)]
pub(crate) struct Kernel<T> {
    pub(crate) mr: usize,
    pub(crate) nr: usize,
    pub(crate) tile: Tile<T>,
}

/// Elements of the largest tile.
pub(crate) const MOST: usize = 512;

/// A vector of numbers.
///
/// # Safety
/// All functions need the processor features of the type; pointers must have room for a vector.
trait Simd: Copy {
    type Part: Number;
    const LANES: usize;
    unsafe fn load(p: *const Self::Part) -> Self;
    unsafe fn splat(x: Self::Part) -> Self;
    unsafe fn store(self, p: *mut Self::Part);
    /// `c + a b`.
    unsafe fn multiply_add(a: Self, b: Self, c: Self) -> Self;
    /// `c - a b`.
    unsafe fn multiply_subtract(a: Self, b: Self, c: Self) -> Self;
    unsafe fn plus(self, other: Self) -> Self;
}

/// Vectors of processors without a type of their own, left to the compiler.
#[derive(Clone, Copy)]
struct Lanes<T, const N: usize>([T; N]);

/// Multiply-adds are fused where every processor of an architecture can.
const FUSED: bool = cfg!(target_arch = "aarch64");

impl<T: Number, const N: usize> Simd for Lanes<T, N> {
    type Part = T;
    const LANES: usize = N;
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: as the caller promises.
        Lanes(unsafe { p.cast::<[T; N]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Lanes([x; N])
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: as the caller promises.
        unsafe { p.cast::<[T; N]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn multiply_add(a: Self, b: Self, mut c: Self) -> Self {
        for i in 0..N {
            c.0[i] = T::multiply_add::<FUSED>(a.0[i], b.0[i], c.0[i]);
        }
        c
    }
    #[inline(always)]
    unsafe fn multiply_subtract(a: Self, b: Self, mut c: Self) -> Self {
        for i in 0..N {
            c.0[i] = T::multiply_add::<FUSED>(a.0[i].negated(), b.0[i], c.0[i]);
        }
        c
    }
    #[inline(always)]
    unsafe fn plus(mut self, other: Self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].plus(other.0[i]);
        }
        self
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

    macro_rules! simd {
        ($name:ident, $part:ty, $vector:ty, $lanes:literal, $load:ident $splat:ident $store:ident $fma:ident $fnma:ident $add:ident) => {
            #[derive(Clone, Copy)]
            pub(super) struct $name($vector);
            impl Simd for $name {
                type Part = $part;
                const LANES: usize = $lanes;
                #[inline(always)]
                unsafe fn load(p: *const $part) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $name($load(p)) }
                }
                #[inline(always)]
                unsafe fn splat(x: $part) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $name($splat(x)) }
                }
                #[inline(always)]
                unsafe fn store(self, p: *mut $part) {
                    // SAFETY: as the caller promises.
                    unsafe { $store(p, self.0) }
                }
                #[inline(always)]
                unsafe fn multiply_add(a: Self, b: Self, c: Self) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $name($fma(a.0, b.0, c.0)) }
                }
                #[inline(always)]
                unsafe fn multiply_subtract(a: Self, b: Self, c: Self) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $name($fnma(a.0, b.0, c.0)) }
                }
                #[inline(always)]
                unsafe fn plus(self, other: Self) -> Self {
                    // SAFETY: as the caller promises.
                    unsafe { $name($add(self.0, other.0)) }
                }
            }
        };
    }
    simd!(F64x8, f64, __m512d, 8, _mm512_loadu_pd _mm512_set1_pd _mm512_storeu_pd _mm512_fmadd_pd _mm512_fnmadd_pd _mm512_add_pd);
    simd!(F32x16, f32, __m512, 16, _mm512_loadu_ps _mm512_set1_ps _mm512_storeu_ps _mm512_fmadd_ps _mm512_fnmadd_ps _mm512_add_ps);
    simd!(F64x4, f64, __m256d, 4, _mm256_loadu_pd _mm256_set1_pd _mm256_storeu_pd _mm256_fmadd_pd _mm256_fnmadd_pd _mm256_add_pd);
    simd!(F32x8, f32, __m256, 8, _mm256_loadu_ps _mm256_set1_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_fnmadd_ps _mm256_add_ps);
}

/// A tile of `MR` rows and `NV` vectors.
///
/// # Safety
/// `a` and `b` hold `depth` steps, `c` holds the tile, and the processor has the features of `S`.
#[inline(always)]
unsafe fn real<S: Simd, const MR: usize, const NV: usize>(
    depth: usize,
    mut a: *const S::Part,
    mut b: *const S::Part,
    c: *mut S::Part,
    row: usize,
    add: bool,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [[S::splat(S::Part::ZERO); NV]; MR];
        for _ in 0..depth {
            let mut right = [S::splat(S::Part::ZERO); NV];
            for (v, right) in right.iter_mut().enumerate() {
                *right = S::load(b.add(v * S::LANES));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let left = S::splat(*a.add(i));
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = S::multiply_add(left, right, *sum);
                }
            }
            a = a.add(MR);
            b = b.add(NV * S::LANES);
        }
        for (i, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                let to = c.add(i * row + v * S::LANES);
                let sum = if add { S::load(to).plus(sum) } else { sum };
                sum.store(to);
            }
        }
    }
}

/// A tile of `MR` rows and one vector of complex numbers, whose parts are in registers of their own.
///
/// # Safety
/// As [`real`].
#[inline(always)]
unsafe fn complex<S: Simd, const MR: usize>(
    depth: usize,
    a: *const Complex<S::Part>,
    b: *const Complex<S::Part>,
    c: *mut Complex<S::Part>,
    row: usize,
    add: bool,
) {
    let (mut a, mut b) = (a.cast::<S::Part>(), b.cast::<S::Part>());
    // SAFETY: as the caller promises; no vector has more than 16 lanes.
    unsafe {
        let zero = S::splat(S::Part::ZERO);
        let (mut re, mut im) = ([zero; MR], [zero; MR]);
        for _ in 0..depth {
            let (b_re, b_im) = (S::load(b), S::load(b.add(S::LANES)));
            for i in 0..MR {
                let (a_re, a_im) = (S::splat(*a.add(2 * i)), S::splat(*a.add(2 * i + 1)));
                re[i] = S::multiply_subtract(a_im, b_im, S::multiply_add(a_re, b_re, re[i]));
                im[i] = S::multiply_add(a_im, b_re, S::multiply_add(a_re, b_im, im[i]));
            }
            a = a.add(2 * MR);
            b = b.add(2 * S::LANES);
        }
        for i in 0..MR {
            let (mut parts_re, mut parts_im) = ([S::Part::ZERO; 16], [S::Part::ZERO; 16]);
            re[i].store(parts_re.as_mut_ptr());
            im[i].store(parts_im.as_mut_ptr());
            for j in 0..S::LANES {
                let to = c.add(i * row + j);
                let value = Complex { re: parts_re[j], im: parts_im[j] };
                *to = if add {
                    Complex { re: (*to).re.plus(value.re), im: (*to).im.plus(value.im) }
                } else {
                    value
                };
            }
        }
    }
}

/// `name: type` with the rows and columns of its tile, for sets of processor features, best first.
macro_rules! kernels {
    ($($name:ident: $t:ty {
        $([$($feature:tt)*] $mr:literal x $nr:literal $wide:expr;)*
        else $mr0:literal x $nr0:literal $portable:expr;
    })*) => {$(
        pub(crate) fn $name() -> Kernel<$t> {
            $(
                #[cfg(target_arch = "x86_64")]
                {
                    $(#[target_feature(enable = $feature)])*
                    unsafe fn tile(depth: usize, a: *const $t, b: *const $t, c: *mut $t, row: usize, add: bool) {
                        // SAFETY: as the caller promises; the features are those of this function.
                        unsafe { $wide(depth, a, b, c, row, add) }
                    }
                    if $(is_x86_feature_detected!($feature))&&* {
                        return Kernel { mr: $mr, nr: $nr, tile };
                    }
                }
            )*
            unsafe fn tile(depth: usize, a: *const $t, b: *const $t, c: *mut $t, row: usize, add: bool) {
                // SAFETY: as the caller promises.
                unsafe { $portable(depth, a, b, c, row, add) }
            }
            Kernel { mr: $mr0, nr: $nr0, tile }
        }
    )*};
}
kernels! {
    for_f64: f64 {
        ["avx512f"] 12 x 16 real::<x86::F64x8, 12, 2>;
        ["avx2" "fma"] 6 x 8 real::<x86::F64x4, 6, 2>;
        else 4 x 4 real::<Lanes<f64, 2>, 4, 2>;
    }
    for_f32: f32 {
        ["avx512f"] 12 x 32 real::<x86::F32x16, 12, 2>;
        ["avx2" "fma"] 6 x 16 real::<x86::F32x8, 6, 2>;
        else 4 x 8 real::<Lanes<f32, 4>, 4, 2>;
    }
    for_c128: Complex64 {
        ["avx512f"] 12 x 8 complex::<x86::F64x8, 12>;
        ["avx2" "fma"] 6 x 4 complex::<x86::F64x4, 6>;
        else 3 x 2 complex::<Lanes<f64, 2>, 3>;
    }
    for_c64: Complex32 {
        ["avx512f"] 12 x 16 complex::<x86::F32x16, 12>;
        ["avx2" "fma"] 6 x 8 complex::<x86::F32x8, 6>;
        else 3 x 4 complex::<Lanes<f32, 4>, 3>;
    }
    for_i8: i8 { ["avx2"] 4 x 64 real::<Lanes<i8, 32>, 4, 2>; else 4 x 32 real::<Lanes<i8, 16>, 4, 2>; }
    for_u8: u8 { ["avx2"] 4 x 64 real::<Lanes<u8, 32>, 4, 2>; else 4 x 32 real::<Lanes<u8, 16>, 4, 2>; }
    for_bool: bool { ["avx2"] 4 x 64 real::<Lanes<bool, 32>, 4, 2>; else 4 x 32 real::<Lanes<bool, 16>, 4, 2>; }
    for_i16: i16 { ["avx2"] 4 x 32 real::<Lanes<i16, 16>, 4, 2>; else 4 x 16 real::<Lanes<i16, 8>, 4, 2>; }
    for_u16: u16 { ["avx2"] 4 x 32 real::<Lanes<u16, 16>, 4, 2>; else 4 x 16 real::<Lanes<u16, 8>, 4, 2>; }
    for_i32: i32 { ["avx2"] 4 x 16 real::<Lanes<i32, 8>, 4, 2>; else 4 x 8 real::<Lanes<i32, 4>, 4, 2>; }
    for_u32: u32 { ["avx2"] 4 x 16 real::<Lanes<u32, 8>, 4, 2>; else 4 x 8 real::<Lanes<u32, 4>, 4, 2>; }
    for_i64: i64 { ["avx2"] 4 x 8 real::<Lanes<i64, 4>, 4, 2>; else 4 x 4 real::<Lanes<i64, 2>, 4, 2>; }
    for_u64: u64 { ["avx2"] 4 x 8 real::<Lanes<u64, 4>, 4, 2>; else 4 x 4 real::<Lanes<u64, 2>, 4, 2>; }
}
