//! What the linear algebra families share: element types with factorizations, and matrices in operands, outputs and
//! workspace.
//!
//! A factorization copies its matrix into the workspace, column-major as faer wants it; solutions are computed in place
//! in the C-ordered output where the algorithm does not mind.

use crate::dtype::{DType, Element};
use crate::error::LibraryError;
use crate::operand::{Input, Output};
use crate::scratch;
use crate::table::{Needs, Problem, Spec};
use faer::dyn_stack::{MemStack, StackReq};
use faer::prelude::IntoConst;
use faer::traits::{ComplexField, RealField};
use faer::{MatMut, MatRef};
use num_complex::{Complex, Complex32, Complex64};
use std::mem::MaybeUninit;

/// A type with factorizations.
pub(crate) trait Field: ComplexField<Real = Self::Part> + Element {
    /// The type of its absolute value.
    type Part: Field<Part = Self::Part> + RealField;
    /// Its complex type.
    type Wide: Field;
    /// Scalar arithmetic outside faer is done in double precision: it is never the bulk of the work.
    fn widen(self) -> Complex64;
    /// The nearest value; drops the imaginary part for real types.
    fn narrow(x: Complex64) -> Self;
}

macro_rules! fields {
    ($($t:ty, $part:ty, |$x:ident| $widen:expr, |$w:ident| $narrow:expr;)*) => {$(
        impl Field for $t {
            type Part = $part;
            type Wide = Complex<$part>;
            fn widen(self) -> Complex64 { let $x = self; $widen }
            fn narrow($w: Complex64) -> $t { $narrow }
        }
    )*};
}
fields! {
    f32, f32, |x| Complex64::new(x.into(), 0.0), |w| w.re as f32;
    f64, f64, |x| Complex64::new(x, 0.0), |w| w.re;
    Complex32, f32, |x| Complex64::new(x.re.into(), x.im.into()), |w| Complex32::new(w.re as f32, w.im as f32);
    Complex64, f64, |x| x, |w| w;
}

/// `x` as an element.
pub(crate) fn real<T: Field>(x: f64) -> T {
    T::narrow(Complex64::new(x, 0.0))
}

/// Calls `$f::<T>($args)` with the Rust type of an inexact element type; others have been refused by `matrix_shape`.
macro_rules! with_inexact {
    ($dtype:expr, $f:ident ( $($arg:expr),* $(,)? )) => {{
        use num_complex::{Complex32, Complex64};
        match $dtype {
            $crate::dtype::DType::F32 => $f::<f32>($($arg),*),
            $crate::dtype::DType::C64 => $f::<Complex32>($($arg),*),
            $crate::dtype::DType::C128 => $f::<Complex64>($($arg),*),
            _ => $f::<f64>($($arg),*),
        }
    }};
}
pub(crate) use with_inexact;

/// Makes table entries of functions that do one matrix: `name = one;` defines `name(call, rows, workspace)`.
macro_rules! per_matrix {
    ($($run:ident = $one:ident;)*) => {$(
        pub(crate) fn $run(
            call: &$crate::table::Call<'_>,
            rows: std::ops::Range<usize>,
            workspace: &mut [u8],
        ) -> Result<(), LibraryError> {
            for index in rows {
                $crate::dense::with_inexact!(call.inputs[0].dtype(), $one(call, index, workspace))?;
            }
            Ok(())
        }
    )*};
}
pub(crate) use per_matrix;

/// Batch axes, rows and columns of operand 0 of a problem with a single, inexact type.
pub(crate) fn matrix_shape<'a>(p: &Problem<'a>) -> Result<(&'a [usize], usize, usize), LibraryError> {
    if !p.dtype.is_inexact() {
        return Err(LibraryError::invalid(format!("array type {:?} is unsupported in linalg", p.dtype)));
    }
    let [batch @ .., m, n] = p.shapes[0] else {
        let rank = p.shapes[0].len();
        return Err(LibraryError::numeric(&format!(
            "{rank}-dimensional array given. Array must be at least two-dimensional"
        )));
    };
    Ok((batch, *m, *n))
}

/// As [`matrix_shape`], for square matrices.
pub(crate) fn square_shape<'a>(p: &Problem<'a>) -> Result<(&'a [usize], usize), LibraryError> {
    let (batch, m, n) = matrix_shape(p)?;
    if m != n {
        return Err(LibraryError::numeric("Last 2 dimensions of the array must be square"));
    }
    Ok((batch, n))
}

/// A stack's output.
pub(crate) fn spec(dtype: DType, batch: &[usize], core: &[usize]) -> Spec {
    (dtype, [batch, core].concat())
}

/// Needs of a family whose rows are the matrices of a stack. Each matrix has one thread: what faer gains by more is
/// little on matrices of common sizes, and its results would depend on their number.
///
/// `packed` is what faer's products inside allocate, in bytes.
pub(crate) fn per_matrix_needs(
    outputs: Vec<Spec>,
    batch: &[usize],
    packed: usize,
    flops: f64,
    scratch: impl Fn() -> usize + 'static,
) -> Needs {
    Needs {
        outputs,
        rows: batch.iter().product(),
        unit: 1,
        shares: false,
        scratch: Box::new(move |_| scratch()),
        // Small matrices run far below peak; the constant is the overhead of the calls.
        work: flops * 0.15 + 500.0,
        hidden: Box::new(move |workers| packed * workers),
    }
}

/// Bytes for faer's own workspace, wherever it starts.
pub(crate) fn stack_bytes(parts: &[StackReq]) -> usize {
    StackReq::any_of(parts).unaligned_bytes_required()
}

/// A workspace as faer's.
pub(crate) fn stack(workspace: &mut [u8]) -> &mut MemStack {
    // SAFETY: initialized bytes are also possibly uninitialized ones; `MemStack` treats its memory as plain bytes.
    MemStack::new(unsafe { &mut *(std::ptr::from_mut(workspace) as *mut [MaybeUninit<u8>]) })
}

/// Distance between columns in workspace: rounded up to vectors, and no multiple of the page size, at which all columns
/// would compete for the same cache lines.
const fn column_stride<T>(rows: usize) -> usize {
    let line = 64 / size_of::<T>();
    let stride = rows.next_multiple_of(line);
    if stride * size_of::<T>() >= 4096 && (stride * size_of::<T>()).is_multiple_of(1024) {
        stride + line
    } else {
        stride
    }
}

/// Bytes of a matrix in workspace.
pub(crate) const fn matrix_bytes<T>(rows: usize, cols: usize) -> usize {
    scratch::bytes::<T>(column_stride::<T>(rows) * cols)
}

/// An uninitialized column-major matrix in workspace.
pub(crate) fn matrix<T: Field>(workspace: &mut [u8], rows: usize, cols: usize) -> (MatMut<'_, T>, &mut [u8]) {
    let stride = column_stride::<T>(rows);
    let (data, rest) = scratch::take::<T>(workspace, stride * cols);
    // SAFETY: the memory is enough for the strides; elements are written before they are read, and any bytes are valid
    // floating-point numbers.
    (unsafe { MatMut::from_raw_parts_mut(data.as_mut_ptr().cast(), rows, cols, 1, stride as isize) }, rest)
}

/// A copy in workspace.
pub(crate) fn copy<'w, T: Field>(workspace: &'w mut [u8], a: MatRef<'_, T>) -> (MatMut<'w, T>, &'w mut [u8]) {
    let (mut m, rest) = matrix(workspace, a.nrows(), a.ncols());
    m.copy_from(a);
    (m, rest)
}

/// Matrix `index` of an operand whose batch axes broadcast to `batch`.
pub(crate) fn operand<'a, T: Field>(input: &Input<'a>, batch: &[usize], index: usize) -> MatRef<'a, T> {
    let rank = input.shape().len();
    let (shape, strides) = (&input.shape()[rank - 2..], &input.strides()[rank - 2..]);
    if shape[0] * shape[1] == 0 {
        return empty(shape[0], shape[1]).into_const();
    }
    // SAFETY: an input's elements are readable (the contract of `Input::new`).
    unsafe {
        MatRef::from_raw_parts(input.item::<T>(2, batch, index), shape[0], shape[1], strides[0], strides[1])
    }
}

/// Matrix `index` of an output.
pub(crate) fn result<'a, T: Field>(output: &Output<'a>, index: usize) -> MatMut<'a, T> {
    let shape = &output.shape()[output.shape().len() - 2..];
    if shape[0] * shape[1] == 0 {
        return empty(shape[0], shape[1]);
    }
    // SAFETY: an output is writable and C-ordered (the contract of `Output::new`); elements are written before they are
    // read, and each index is handed out to one thread.
    unsafe {
        MatMut::from_raw_parts_mut(output.item::<T>(2, index), shape[0], shape[1], shape[1] as isize, 1)
    }
}

fn empty<'a, T: Field>(rows: usize, cols: usize) -> MatMut<'a, T> {
    // An empty view's pointer is not read, but must not be null.
    // SAFETY: no elements.
    unsafe {
        MatMut::from_raw_parts_mut(std::ptr::NonNull::<T>::dangling().as_ptr(), rows, cols, cols as isize, 1)
    }
}

/// Vector `index` of an output.
pub(crate) fn result_vector<'a, T: Element>(output: &Output<'a>, index: usize) -> &'a mut [T] {
    let n = output.shape()[output.shape().len() - 1];
    if n == 0 {
        return &mut [];
    }
    // SAFETY: as for `result`.
    unsafe { std::slice::from_raw_parts_mut(output.item::<T>(1, index), n) }
}

/// Stores scalar `index` of an output.
pub(crate) fn store<T: Element>(output: &Output<'_>, index: usize, value: T) {
    // SAFETY: as for `result`.
    unsafe { output.item::<T>(0, index).write(value) }
}

/// Sets a matrix to 0 above its diagonal (`lower`) or below it.
pub(crate) fn clear_other_triangle<T: Field>(mut a: MatMut<'_, T>, lower: bool) {
    for i in 0..a.nrows() {
        let range = if lower { (i + 1).min(a.ncols())..a.ncols() } else { 0..i.min(a.ncols()) };
        for j in range {
            a[(i, j)] = real(0.0);
        }
    }
}

/// True if every element is finite.
/// A power of two that brings the largest component of a matrix near 1, if squares of its components, or products of
/// many, could overflow or vanish; else 1, and results keep their bits. The bounds are those of LAPACK's drivers.
pub(crate) fn scale_of<T: Field>(a: MatRef<'_, T>) -> f64 {
    let mut largest = 0.0_f64;
    for j in 0..a.ncols() {
        for i in 0..a.nrows() {
            let x = a[(i, j)].widen();
            largest = largest.max(x.re.abs()).max(x.im.abs());
        }
    }
    let limit = if T::Part::DTYPE == DType::F32 { 1e12 } else { 1e138 };
    if largest == 0.0 || !largest.is_finite() || (largest <= limit && largest >= 1.0 / limit) {
        return 1.0;
    }
    // 2^1000 is enough for the least number, and is one itself.
    2.0_f64.powi((-largest.log2().floor() as i32).clamp(-1000, 1000))
}

/// Multiplies a matrix by a number of [`scale_of`].
pub(crate) fn rescale<T: Field>(mut a: MatMut<'_, T>, factor: f64) {
    if factor == 1.0 {
        return;
    }
    for j in 0..a.ncols() {
        for i in 0..a.nrows() {
            a[(i, j)] = T::narrow(a[(i, j)].widen() * factor);
        }
    }
}

pub(crate) fn is_finite<T: Field>(a: MatRef<'_, T>) -> bool {
    (0..a.ncols()).all(|j| (0..a.nrows()).all(|i| a[(i, j)].widen().is_finite()))
}
