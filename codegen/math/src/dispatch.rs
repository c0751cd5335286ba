//! From a kernel, written once for one lane, to routines for every instruction set.
//!
//! A kernel is scalar code without branches. The block routines run it in a plain loop over a block, and the
//! compiler turns that loop into vector code: the loop is instantiated once per instruction set under
//! `#[target_feature]`. Since IEEE arithmetic and `mul_add` are deterministic and the compiler never
//! reassociates or contracts them, the scalar routine and every vector width give the same bits.

use std::mem::MaybeUninit;

use crate::isa::Isa;

/// A routine of one operand over `n` contiguous elements. `dst` equals `x` or does not overlap it.
pub type Unary<T> = unsafe extern "C" fn(dst: *mut T, x: *const T, n: usize);

/// A routine of two operands over `n` contiguous elements. `dst` equals a source or does not overlap it.
pub type Binary<T> = unsafe extern "C" fn(dst: *mut T, x: *const T, y: *const T, n: usize);

/// A function of one operand.
pub(crate) trait Kernel1<T> {
    /// Whether `fast` is worth running: otherwise every lane takes `slow`.
    const VECTOR: bool = true;
    /// The function, branch-free, right for every lane that is not `rare`. Needs hardware FMA to be fast.
    fn fast(x: T) -> T;
    /// The lanes that must take `slow`.
    #[inline(always)]
    fn rare(_x: T) -> bool {
        false
    }
    /// The function by a scalar library, right everywhere.
    fn slow(x: T) -> T;
}

/// A function of two operands.
pub(crate) trait Kernel2<T> {
    /// As in [`Kernel1`].
    const VECTOR: bool = true;
    /// As in [`Kernel1`].
    fn fast(x: T, y: T) -> T;
    /// As in [`Kernel1`].
    #[inline(always)]
    fn rare(_x: T, _y: T) -> bool {
        false
    }
    /// As in [`Kernel1`].
    fn slow(x: T, y: T) -> T;
}

/// Whether the baseline has FMA. Without it `mul_add` is a slow library call, so the baseline takes `slow`.
const BASELINE_FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// Elements computed between two copies: large enough to make the copies cheap, small enough for L1.
const CHUNK: usize = 256;

/// A tail is padded to a multiple of this, so that it runs the vector loop and never its scalar remainder.
const PAD: usize = 32;

/// The element types.
pub(crate) trait Lane: Copy + Default + 'static {}
impl Lane for f64 {}
impl Lane for f32 {}

/// Room for a chunk.
type Chunk<T> = [MaybeUninit<T>; CHUNK];

/// Copies `len` operands into `chunk` and pads them with zeros to `padded` elements, which it returns.
///
/// The copy lets `dst` be `x`: the rare lanes still find their operand after the fast loop has written all results.
/// It also tells the compiler that the loop's input and output do not alias.
///
/// # Safety
/// `src` is valid for reads of `len` elements, and `len <= padded <= CHUNK`.
#[inline(always)]
unsafe fn load<T: Lane>(chunk: &mut Chunk<T>, src: *const T, len: usize, padded: usize) -> &[T] {
    // SAFETY: the caller vouches for `src` and for the bounds; the first `padded` elements are initialized here.
    unsafe {
        let first = chunk.as_mut_ptr().cast::<T>();
        std::ptr::copy_nonoverlapping(src, first, len);
        for i in len..padded {
            first.add(i).write(T::default());
        }
        std::slice::from_raw_parts(first, padded)
    }
}

/// Where the fast loop writes `padded` results: to `dst` itself, unless that has only room for `len`.
///
/// # Safety
/// `dst` is valid for writes of `len` elements, nothing else refers to them, and `len <= padded <= CHUNK`.
#[inline(always)]
unsafe fn target<T: Lane>(
    spill: &mut Chunk<T>,
    dst: *mut T,
    len: usize,
    padded: usize,
) -> &mut [MaybeUninit<T>] {
    let first = if len == padded { dst.cast() } else { spill.as_mut_ptr() };
    // SAFETY: `dst` has room for `len` elements, `spill` for CHUNK; `MaybeUninit` needs no initialization.
    unsafe { std::slice::from_raw_parts_mut(first, padded) }
}

/// The loop that becomes vector code. A function of its own, because reference parameters promise no aliasing.
#[inline(always)]
fn map1<T: Lane, K: Kernel1<T>>(out: &mut [MaybeUninit<T>], x: &[T]) {
    for (out, &x) in out.iter_mut().zip(x) {
        out.write(K::fast(x));
    }
}

/// As [`map1`].
#[inline(always)]
fn map2<T: Lane, K: Kernel2<T>>(out: &mut [MaybeUninit<T>], x: &[T], y: &[T]) {
    for (out, (&x, &y)) in out.iter_mut().zip(x.iter().zip(y)) {
        out.write(K::fast(x, y));
    }
}

/// # Safety
/// As [`Unary`].
#[inline(always)]
unsafe fn block1<T: Lane, K: Kernel1<T>>(dst: *mut T, x: *const T, n: usize, vector: bool) {
    if !vector {
        for i in 0..n {
            // SAFETY: `i < n`, and the caller vouches for `n` elements.
            unsafe { *dst.add(i) = K::slow(*x.add(i)) }
        }
        return;
    }
    let (mut input, mut spill) = ([MaybeUninit::uninit(); CHUNK], [MaybeUninit::uninit(); CHUNK]);
    for start in (0..n).step_by(CHUNK) {
        let len = CHUNK.min(n - start);
        let padded = len.next_multiple_of(PAD);
        // SAFETY: `start + len <= n`, and the caller vouches for `n` elements. PAD divides CHUNK, so `padded` fits. The
        // sources are not read again once `out` exists.
        unsafe {
            let dst = dst.add(start);
            let input = load(&mut input, x.add(start), len, padded);
            let out = target(&mut spill, dst, len, padded);
            map1::<T, K>(out, input);
            let input = &input[..len];
            if input.iter().fold(false, |any, &x| any | K::rare(x)) {
                for (out, &x) in out.iter_mut().zip(input) {
                    if K::rare(x) {
                        out.write(K::slow(x));
                    }
                }
            }
            if len < padded {
                std::ptr::copy_nonoverlapping(out.as_ptr().cast(), dst, len);
            }
        }
    }
}

/// # Safety
/// As [`Binary`].
#[inline(always)]
unsafe fn block2<T: Lane, K: Kernel2<T>>(dst: *mut T, x: *const T, y: *const T, n: usize, vector: bool) {
    if !vector {
        for i in 0..n {
            // SAFETY: `i < n`, and the caller vouches for `n` elements.
            unsafe { *dst.add(i) = K::slow(*x.add(i), *y.add(i)) }
        }
        return;
    }
    let mut input = [[MaybeUninit::uninit(); CHUNK]; 2];
    let mut spill = [MaybeUninit::uninit(); CHUNK];
    let [left, right] = &mut input;
    for start in (0..n).step_by(CHUNK) {
        let len = CHUNK.min(n - start);
        let padded = len.next_multiple_of(PAD);
        // SAFETY: as in `block1`.
        unsafe {
            let dst = dst.add(start);
            let x = load(left, x.add(start), len, padded);
            let y = load(right, y.add(start), len, padded);
            let out = target(&mut spill, dst, len, padded);
            map2::<T, K>(out, x, y);
            let operands = x[..len].iter().zip(&y[..len]);
            if operands.clone().fold(false, |any, (&x, &y)| any | K::rare(x, y)) {
                for (out, (&x, &y)) in out.iter_mut().zip(operands) {
                    if K::rare(x, y) {
                        out.write(K::slow(x, y));
                    }
                }
            }
            if len < padded {
                std::ptr::copy_nonoverlapping(out.as_ptr().cast(), dst, len);
            }
        }
    }
}

#[inline(always)]
fn scalar1<T, K: Kernel1<T>>(x: T, vector: bool) -> T
where
    T: Copy,
{
    if !vector || K::rare(x) { K::slow(x) } else { K::fast(x) }
}

#[inline(always)]
fn scalar2<T, K: Kernel2<T>>(x: T, y: T, vector: bool) -> T
where
    T: Copy,
{
    if !vector || K::rare(x, y) { K::slow(x, y) } else { K::fast(x, y) }
}

/// The four routines of one instruction set.
macro_rules! routines {
    ($module:ident, $fma:expr $(, $features:literal)?) => {
        mod $module {
            use super::*;

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn unary<T: Lane, K: Kernel1<T>>(dst: *mut T, x: *const T, n: usize) {
                // SAFETY: the caller keeps the contract of `Unary`.
                unsafe { block1::<T, K>(dst, x, n, K::VECTOR && $fma) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn binary<T: Lane, K: Kernel2<T>>(
                dst: *mut T,
                x: *const T,
                y: *const T,
                n: usize,
            ) {
                // SAFETY: the caller keeps the contract of `Binary`.
                unsafe { block2::<T, K>(dst, x, y, n, K::VECTOR && $fma) }
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn scalar_unary<T: Lane, K: Kernel1<T>>(x: T) -> T {
                scalar1::<T, K>(x, K::VECTOR && $fma)
            }

            $(#[target_feature(enable = $features)])?
            pub(super) unsafe extern "C" fn scalar_binary<T: Lane, K: Kernel2<T>>(x: T, y: T) -> T {
                scalar2::<T, K>(x, y, K::VECTOR && $fma)
            }
        }
    };
}

routines!(baseline, BASELINE_FMA);
#[cfg(target_arch = "x86_64")]
routines!(avx2, true, "avx2,fma");
#[cfg(target_arch = "x86_64")]
routines!(avx512, true, "avx2,fma,avx512f,avx512dq,avx512bw,avx512vl");

/// Picks a routine of an instruction set.
macro_rules! pick {
    ($isa:expr, $routine:ident :: <$T:ty, $K:ty>) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::$routine::<$T, $K> as *const u8,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::$routine::<$T, $K> as *const u8,
            _ => baseline::$routine::<$T, $K> as *const u8,
        }
    };
}

/// Address of the block routine ([`Unary`]) of a kernel.
pub(crate) fn block_unary<T: Lane, K: Kernel1<T>>(isa: Isa) -> *const u8 {
    pick!(isa, unary::<T, K>)
}

/// Address of the block routine ([`Binary`]) of a kernel.
pub(crate) fn block_binary<T: Lane, K: Kernel2<T>>(isa: Isa) -> *const u8 {
    pick!(isa, binary::<T, K>)
}

/// Address of the `extern "C" fn(T) -> T` of a kernel.
pub(crate) fn scalar_unary<T: Lane, K: Kernel1<T>>(isa: Isa) -> *const u8 {
    pick!(isa, scalar_unary::<T, K>)
}

/// Address of the `extern "C" fn(T, T) -> T` of a kernel.
pub(crate) fn scalar_binary<T: Lane, K: Kernel2<T>>(isa: Isa) -> *const u8 {
    pick!(isa, scalar_binary::<T, K>)
}
