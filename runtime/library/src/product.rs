//! Matrix products.

use crate::view::{Element, View};
use num_complex::{Complex32, Complex64};

/// Products below this many multiplications run on one thread: waking another costs more.
const PARALLEL: usize = 64 * 64 * 64;

/// A type with a generated matrix product.
pub trait Multiply: Element {
    /// `c = a b` for one matrix, `(m, k) x (k, n)`; strides are (row, column).
    ///
    /// # Safety
    /// The pointers and strides must describe readable (`c`: writable, not overlapping) matrices.
    #[allow(clippy::too_many_arguments)]
    unsafe fn multiply(
        c: *mut Self,
        cs: (isize, isize),
        a: *const Self,
        as_: (isize, isize),
        b: *const Self,
        bs: (isize, isize),
        m: usize,
        k: usize,
        n: usize,
        threads: usize,
    );
}

macro_rules! float_product {
    ($($t:ty, $one:expr, $zero:expr;)*) => {$(
        impl Multiply for $t {
            unsafe fn multiply(c: *mut $t, cs: (isize, isize), a: *const $t, as_: (isize, isize), b: *const $t, bs: (isize, isize), m: usize, k: usize, n: usize, threads: usize) {
                let parallel = if threads > 1 && m * k * n > PARALLEL { gemm::Parallelism::Rayon(threads) } else { gemm::Parallelism::None };
                // SAFETY: as the caller promises.
                unsafe {
                    gemm::gemm(m, n, k, c, cs.1, cs.0, false, a, as_.1, as_.0, b, bs.1, bs.0, $zero, $one, false, false, false, parallel);
                }
            }
        }
    )*};
}

float_product! {
    f32, 1.0, 0.0;
    f64, 1.0, 0.0;
    Complex32, Complex32::new(1.0, 0.0), Complex32::new(0.0, 0.0);
    Complex64, Complex64::new(1.0, 0.0), Complex64::new(0.0, 0.0);
}

macro_rules! integer_product {
    ($($t:ty, $add:expr, $mul:expr, $zero:expr;)*) => {$(
        impl Multiply for $t {
            unsafe fn multiply(c: *mut $t, cs: (isize, isize), a: *const $t, as_: (isize, isize), b: *const $t, bs: (isize, isize), m: usize, k: usize, n: usize, _threads: usize) {
                let (add, mul): (fn($t, $t) -> $t, fn($t, $t) -> $t) = ($add, $mul);
                for i in 0..m as isize {
                    for j in 0..n as isize {
                        let mut sum: $t = $zero;
                        for p in 0..k as isize {
                            // SAFETY: within the matrices.
                            let (x, y) = unsafe { (*a.offset(i * as_.0 + p * as_.1), *b.offset(p * bs.0 + j * bs.1)) };
                            sum = add(sum, mul(x, y));
                        }
                        // SAFETY: within the matrix.
                        unsafe { *c.offset(i * cs.0 + j * cs.1) = sum };
                    }
                }
            }
        }
    )*};
}

integer_product! {
    i8, i8::wrapping_add, i8::wrapping_mul, 0;
    i16, i16::wrapping_add, i16::wrapping_mul, 0;
    i32, i32::wrapping_add, i32::wrapping_mul, 0;
    i64, i64::wrapping_add, i64::wrapping_mul, 0;
    u8, u8::wrapping_add, u8::wrapping_mul, 0;
    u16, u16::wrapping_add, u16::wrapping_mul, 0;
    u32, u32::wrapping_add, u32::wrapping_mul, 0;
    u64, u64::wrapping_add, u64::wrapping_mul, 0;
    bool, |a, b| a | b, |a, b| a & b, false;
}

/// Stacks of matrix products: `c[.., m, n] = a[.., m, k] b[.., k, n]`; batch axes broadcast to those of `c`.
///
/// # Safety
/// The views must describe readable (`c`: writable, not overlapping) memory.
pub unsafe fn matmul<T: Multiply>(c: &View<T>, a: &View<T>, b: &View<T>, threads: usize) {
    let matrix = |v: &View<T>| {
        let r = v.shape.len();
        (v.shape[r - 2], v.shape[r - 1], (v.strides[r - 2], v.strides[r - 1]))
    };
    let ((m, n, cs), (_, k, as_), (_, _, bs)) = (matrix(c), matrix(a), matrix(b));
    let batch = &c.shape[..c.shape.len() - 2];
    let spread = |v: &View<T>| {
        // Broadcast batch axes have stride 0.
        let own = v.shape.len() - 2;
        let skip = batch.len() - own;
        let strides = (0..batch.len())
            .map(|i| if i < skip || v.shape[i - skip] == 1 { 0 } else { v.strides[i - skip] })
            .collect();
        View { pointer: v.pointer, shape: batch.to_vec(), strides }.outer(0)
    };
    for ((pc, pa), pb) in c.outer(2).into_iter().zip(spread(a)).zip(spread(b)) {
        // SAFETY: as the caller promises.
        unsafe { T::multiply(pc, cs, pa, as_, pb, bs, m, k, n, threads) }
    }
}
