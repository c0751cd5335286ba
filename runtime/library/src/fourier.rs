//! Discrete Fourier transforms along one axis, of any length, on rustfft.
//!
//! Transforms are unscaled but for `scale`; rows are zero-padded or cut to `n`. Plans are cached per thread by
//! rustfft's planner.

use crate::view::View;
use num_complex::Complex;
use rustfft::{FftNum, FftPlanner};
use std::cell::RefCell;

/// A real type with transforms.
pub trait Transform: FftNum {
    /// The plans of this thread.
    fn with_planner<R>(f: impl FnOnce(&mut FftPlanner<Self>) -> R) -> R;
}

macro_rules! transform {
    ($($t:ty),*) => {$(
        impl Transform for $t {
            fn with_planner<R>(f: impl FnOnce(&mut FftPlanner<$t>) -> R) -> R {
                thread_local!(static PLANNER: RefCell<FftPlanner<$t>> = RefCell::new(FftPlanner::new()));
                PLANNER.with(|p| f(&mut p.borrow_mut()))
            }
        }
    )*};
}
transform!(f32, f64);

/// What a transform reads and writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Complex to complex, negative exponent.
    Forward,
    /// Complex to complex, positive exponent.
    Inverse,
}

/// A row transform of `n` points through a buffer: `load(i)` gives input `i`, `store(i, v)` takes output `i`.
fn row<T: Transform>(
    n: usize,
    kind: Kind,
    buffer: &mut Vec<Complex<T>>,
    scratch: &mut Vec<Complex<T>>,
    load: &dyn Fn(usize) -> Complex<T>,
    store: &mut dyn FnMut(usize, Complex<T>),
) {
    let plan =
        T::with_planner(
            |p| if kind == Kind::Forward { p.plan_fft_forward(n) } else { p.plan_fft_inverse(n) },
        );
    buffer.clear();
    buffer.extend((0..n).map(load));
    scratch.resize(plan.get_inplace_scratch_len(), Complex::new(T::zero(), T::zero()));
    plan.process_with_scratch(buffer, scratch);
    for (i, v) in buffer.iter().enumerate() {
        store(i, *v);
    }
}

/// Complex to complex along an axis.
///
/// # Safety
/// `out` (C-ordered) must be writable and `x` readable; they agree but for the axis.
pub unsafe fn complex<T: Transform>(
    out: &View<Complex<T>>,
    x: &View<Complex<T>>,
    axis: usize,
    kind: Kind,
    scale: T,
) {
    let (n, have) = (out.shape[axis], x.shape[axis]);
    let (so, sx) = (out.strides[axis], x.strides[axis]);
    let zero = Complex::new(T::zero(), T::zero());
    let (mut buffer, mut scratch) = (Vec::new(), Vec::new());
    for (po, px) in out.rows(axis).into_iter().zip(x.rows(axis)) {
        // SAFETY: below `have`, positions lie in the row.
        let load = |i: usize| if i < have { unsafe { *px.offset(i as isize * sx) } } else { zero };
        // SAFETY: positions lie in the row.
        let mut store = |i: usize, v: Complex<T>| unsafe { *po.offset(i as isize * so) = v * scale };
        row(n, kind, &mut buffer, &mut scratch, &load, &mut store);
    }
}

/// Real to complex along an axis: `n` points in, `n / 2 + 1` out.
///
/// # Safety
/// As [`complex`].
pub unsafe fn real<T: Transform>(out: &View<Complex<T>>, x: &View<T>, axis: usize, n: usize, scale: T) {
    let (keep, have) = (out.shape[axis], x.shape[axis]);
    let (so, sx) = (out.strides[axis], x.strides[axis]);
    let (mut buffer, mut scratch) = (Vec::new(), Vec::new());
    for (po, px) in out.rows(axis).into_iter().zip(x.rows(axis)) {
        let load = |i: usize| {
            // SAFETY: below `have`, positions lie in the row.
            let re = if i < have { unsafe { *px.offset(i as isize * sx) } } else { T::zero() };
            Complex::new(re, T::zero())
        };
        let mut store = |i: usize, v: Complex<T>| {
            if i < keep {
                // SAFETY: below `keep`, positions lie in the row.
                unsafe { *po.offset(i as isize * so) = v * scale }
            }
        };
        row(n, Kind::Forward, &mut buffer, &mut scratch, &load, &mut store);
    }
}

/// Complex to real along an axis: the input is half of a Hermitian spectrum of `n` points.
///
/// # Safety
/// As [`complex`].
pub unsafe fn inverse_real<T: Transform>(
    out: &View<T>,
    x: &View<Complex<T>>,
    axis: usize,
    n: usize,
    scale: T,
) {
    let have = x.shape[axis];
    let (so, sx) = (out.strides[axis], x.strides[axis]);
    let zero = Complex::new(T::zero(), T::zero());
    let (mut buffer, mut scratch) = (Vec::new(), Vec::new());
    for (po, px) in out.rows(axis).into_iter().zip(x.rows(axis)) {
        let load = |i: usize| {
            let mirrored = i > n / 2;
            let k = if mirrored { n - i } else { i };
            if k >= have {
                return zero;
            }
            // SAFETY: below `have`, positions lie in the row.
            let mut v = unsafe { *px.offset(k as isize * sx) };
            // The imaginary parts of the first and of the middle point have no place in a real signal.
            if k == 0 || 2 * k == n {
                v.im = T::zero();
            }
            if mirrored { v.conj() } else { v }
        };
        // SAFETY: positions lie in the row.
        let mut store = |i: usize, v: Complex<T>| unsafe { *po.offset(i as isize * so) = v.re * scale };
        row(n, Kind::Inverse, &mut buffer, &mut scratch, &load, &mut store);
    }
}

/// Bytes that transforms of `n` points take on the heap: the row and rustfft's scratch, which for awkward lengths is
/// a few times the row.
pub fn hidden_bytes(n: usize, complex: usize) -> usize {
    6 * n * complex
}
