//! From a kernel, written once for one lane, to routines for every instruction set.
//!
//! A kernel is scalar code without branches. The block routines run it in a plain loop over a block, and the
//! compiler turns that loop into vector code: the loop is instantiated once per instruction set under
//! `#[target_feature]`. Since IEEE arithmetic and `mul_add` are deterministic and the compiler never
//! reassociates or contracts them, the scalar routine and every vector width give the same bits.

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

/// A block of one operand's elements, copied out of the caller's memory.
///
/// The copy lets `dst` be `x`: the rare lanes still find their operand after the fast loop has written all results.
/// It also tells the compiler that the loop's input and output do not alias.
struct Block<T>([T; CHUNK]);

impl<T: Lane> Block<T> {
    #[inline(always)]
    fn new() -> Self {
        Block([T::default(); CHUNK])
    }

    /// # Safety
    /// `src` is valid for reads of `len <= CHUNK` elements.
    #[inline(always)]
    unsafe fn load(&mut self, src: *const T, len: usize) {
        debug_assert!(len <= CHUNK);
        // SAFETY: the caller vouches for `src`; the block holds CHUNK elements.
        unsafe { std::ptr::copy_nonoverlapping(src, self.0.as_mut_ptr(), len) }
    }

    /// # Safety
    /// `dst` is valid for writes of `len <= CHUNK` elements.
    #[inline(always)]
    unsafe fn store(&self, dst: *mut T, len: usize) {
        debug_assert!(len <= CHUNK);
        // SAFETY: the caller vouches for `dst`; the block holds CHUNK elements.
        unsafe { std::ptr::copy_nonoverlapping(self.0.as_ptr(), dst, len) }
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
    let (mut input, mut output) = (Block::<T>::new(), Block::<T>::new());
    let mut start = 0;
    while start < n {
        let len = CHUNK.min(n - start);
        // SAFETY: `start + len <= n`, and the caller vouches for `n` elements.
        unsafe { input.load(x.add(start), len) };
        let padded = len.next_multiple_of(PAD).min(CHUNK);
        for (out, &x) in output.0[..padded].iter_mut().zip(&input.0[..padded]) {
            *out = K::fast(x);
        }
        let input = &input.0[..len];
        if input.iter().fold(false, |any, &x| any | K::rare(x)) {
            for (out, &x) in output.0.iter_mut().zip(input) {
                if K::rare(x) {
                    *out = K::slow(x);
                }
            }
        }
        // SAFETY: as for the load.
        unsafe { output.store(dst.add(start), len) };
        start += len;
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
    let (mut left, mut right, mut output) = (Block::<T>::new(), Block::<T>::new(), Block::<T>::new());
    let mut start = 0;
    while start < n {
        let len = CHUNK.min(n - start);
        // SAFETY: `start + len <= n`, and the caller vouches for `n` elements.
        unsafe {
            left.load(x.add(start), len);
            right.load(y.add(start), len);
        }
        let padded = len.next_multiple_of(PAD).min(CHUNK);
        let operands = left.0[..padded].iter().zip(&right.0[..padded]);
        for (out, (&x, &y)) in output.0[..padded].iter_mut().zip(operands) {
            *out = K::fast(x, y);
        }
        let operands = left.0[..len].iter().zip(&right.0[..len]);
        if operands.clone().fold(false, |any, (&x, &y)| any | K::rare(x, y)) {
            for (out, (&x, &y)) in output.0.iter_mut().zip(operands) {
                if K::rare(x, y) {
                    *out = K::slow(x, y);
                }
            }
        }
        // SAFETY: as for the loads.
        unsafe { output.store(dst.add(start), len) };
        start += len;
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
