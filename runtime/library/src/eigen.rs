//! Eigenvalues and eigenvectors.
//!
//! Symmetric: tridiagonalization, then divide and conquer (Cuppen, 1981). General: Hessenberg form, then multishift QR
//! with aggressive deflation (Braman, Byers and Mathias, 2002).

use crate::dense::{
    Field, copy, is_finite, matrix, matrix_bytes, operand, per_matrix, per_matrix_needs, real, rescale,
    result, result_vector, scale_of, spec, square_shape, stack, stack_bytes, with_inexact,
};
use crate::dtype::Element;
use crate::error::LibraryError;
use crate::orthogonal::decomposing;
use crate::packing::{Packed, half};
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use faer::diag::DiagMut;
use faer::linalg::evd::hessenberg::HessenbergParams;
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::{Auto, MatMut, MatRef, Par};
use num_complex::{Complex, Complex64};

per_matrix! {
    run_eigh = eigh_one;
    run_eigvalsh = eigvalsh_one;
    run_eig = eig_one;
    run_eigvals = eigvals_one;
}

fn wanted(vectors: bool) -> ComputeEigenvectors {
    if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No }
}

fn symmetric_bytes<T: Field>(n: usize, vectors: bool) -> usize {
    if n == 0 {
        return 0;
    }
    let scratch = evd::self_adjoint_evd_scratch::<T>(n, wanted(vectors), Par::Seq, Default::default());
    matrix_bytes::<T>(n, n) + scratch::bytes::<T>(n) + stack_bytes(&[scratch])
}

fn general_bytes<T: Field>(n: usize, vectors: bool) -> usize {
    if n == 0 {
        return 0;
    }
    let (no, right) = (ComputeEigenvectors::No, wanted(vectors));
    let scratch = evd::evd_scratch::<T>(n, no, right, Par::Seq, Default::default());
    matrix_bytes::<T>(n, n)
        + 2 * scratch::bytes::<T>(n)
        + matrix_bytes::<T>(n, if vectors { n } else { 0 })
        + stack_bytes(&[scratch])
}

fn symmetric_needs(p: &Problem<'_>, vectors: bool) -> Result<Needs, LibraryError> {
    let (batch, n) = square_shape(p)?;
    let dtype = p.dtype;
    let mut outputs = vec![spec(dtype.real(), batch, &[n])];
    if vectors {
        outputs.push(spec(dtype, batch, &[n, n]));
    }
    let scratch = move || with_inexact!(dtype, symmetric_bytes(n, vectors));
    let flops = (n as f64).powi(3) * if vectors { 9.0 } else { 1.5 };
    let packed = with_inexact!(dtype, decomposing(n, n, vectors));
    Ok(per_matrix_needs(outputs, batch, packed, flops, scratch))
}

fn general_needs(p: &Problem<'_>, vectors: bool) -> Result<Needs, LibraryError> {
    let (batch, n) = square_shape(p)?;
    let dtype = p.dtype;
    let mut outputs = vec![spec(dtype.complex(), batch, &[n])];
    if vectors {
        outputs.push(spec(dtype.complex(), batch, &[n, n]));
    }
    let scratch = move || with_inexact!(dtype, general_bytes(n, vectors));
    let flops = (n as f64).powi(3) * if vectors { 25.0 } else { 10.0 };
    let packed = with_inexact!(dtype, general_packed(n, vectors, p.exact));
    Ok(per_matrix_needs(outputs, batch, packed, flops, scratch))
}

/// Bytes that products pack: of the first panel of the Hessenberg form, which takes all that is right of and below it; of
/// sweeps and deflation, whose windows are up to a third of the matrix wide; and of eigenvectors, which those of the
/// triangular form are multiplied out to by halves.
///
/// If it is not `exact`, no smaller matrix needs more.
fn general_packed<T: Field>(n: usize, vectors: bool, exact: bool) -> usize {
    let panel = recommended_block_size::<T>(n.saturating_sub(1), n.saturating_sub(1)).min(n);
    let in_panels = n * n >= <HessenbergParams as Auto<T>>::auto().blocking_threshold;
    let left = if exact { n - panel } else { n };
    let reduced = Packed { long: left, wide: panel, depth: if in_panels { left } else { 0 } };
    let swept = Packed { long: n, wide: n / 3, depth: n / 3 };
    let multiplied = Packed { long: n, wide: half(n), depth: if vectors { half(n) } else { 0 } };
    Packed::most(&[reduced, swept, multiplied], size_of::<T>()).max(decomposing::<T>(n, n, false))
}

pub(crate) fn eigh(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    symmetric_needs(p, true)
}

pub(crate) fn eigvalsh(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    symmetric_needs(p, false)
}

pub(crate) fn eig(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    general_needs(p, true)
}

pub(crate) fn eigvals(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    general_needs(p, false)
}

fn only<'a, T: Field>(call: &Call<'a>, index: usize) -> MatRef<'a, T> {
    let shape = call.inputs[0].shape();
    operand(&call.inputs[0], &shape[..shape.len() - 2], index)
}

fn symmetric<T: Field>(
    call: &Call<'_>,
    index: usize,
    mut vectors: Option<MatMut<'_, T>>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let failed = || LibraryError::numeric("Eigenvalues did not converge");
    let a = only::<T>(call, index);
    let w = result_vector::<T::Part>(&call.outputs[0], index);
    let n = w.len();
    if n == 0 {
        return Ok(());
    }
    // faer reads the lower triangle; the upper one's is that of the adjoint.
    let (mut copy, rest) = matrix::<T>(workspace, n, n);
    for j in 0..n {
        for i in j..n {
            let x = if call.params.lower { a[(i, j)].widen() } else { a[(j, i)].widen().conj() };
            if !x.is_finite() {
                return Err(failed());
            }
            copy[(j, i)] = real(0.0);
            // The diagonal of a Hermitian matrix is real, whatever its imaginary parts say.
            copy[(i, j)] = if i == j { real(x.re) } else { T::narrow(x) };
        }
    }
    if n == 1 {
        // faer leaves the only eigenvector unwritten.
        w[0] = real(copy[(0, 0)].widen().re);
        if let Some(v) = &mut vectors {
            v[(0, 0)] = real(1.0);
        }
        return Ok(());
    }
    let factor = scale_of(copy.as_ref());
    rescale(copy.as_mut(), factor);
    let (values, rest) = scratch::take_filled(rest, n, real::<T>(0.0));
    let s = DiagMut::from_slice_mut(values);
    evd::self_adjoint_evd(copy.as_ref(), s, vectors, Par::Seq, stack(rest), Default::default())
        .map_err(|_| failed())?;
    for (w, value) in w.iter_mut().zip(values) {
        *w = real(value.widen().re / factor);
    }
    Ok(())
}

/// Outputs: eigenvalues ascending, eigenvectors in columns.
fn eigh_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    symmetric::<T>(call, index, Some(result(&call.outputs[1], index)), workspace)
}

fn eigvalsh_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    symmetric::<T>(call, index, None, workspace)
}

/// A type with general eigenvalues, which come in complex numbers.
trait General: Field {
    fn evd(
        a: MatRef<'_, Self>,
        values: &mut [Self::Wide],
        vectors: Option<MatMut<'_, Self::Wide>>,
        workspace: &mut [u8],
    ) -> Result<(), evd::EvdError>;
}

macro_rules! general_real {
    ($($t:ty),*) => {$(
        impl General for $t {
            fn evd(
                a: MatRef<'_, $t>,
                values: &mut [Complex<$t>],
                vectors: Option<MatMut<'_, Complex<$t>>>,
                workspace: &mut [u8],
            ) -> Result<(), evd::EvdError> {
                let n = values.len();
                let (re, rest) = scratch::take_filled(workspace, n, 0.0);
                let (im, rest) = scratch::take_filled(rest, n, 0.0);
                let (mut packed, rest) = matrix::<$t>(rest, n, if vectors.is_some() { n } else { 0 });
                let u = vectors.is_some().then(|| packed.as_mut());
                let (s_re, s_im) = (DiagMut::from_slice_mut(re), DiagMut::from_slice_mut(im));
                evd::evd_real(a, s_re, s_im, None, u, Par::Seq, stack(rest), Default::default())?;
                for (k, value) in values.iter_mut().enumerate() {
                    *value = Complex::new(re[k], im[k]);
                }
                let Some(mut vectors) = vectors else { return Ok(()) };
                // A pair of conjugate eigenvectors is stored as real and imaginary parts in two columns.
                let mut k = 0;
                while k < n {
                    if im[k] == 0.0 || k + 1 == n {
                        (0..n).for_each(|i| vectors[(i, k)] = Complex::new(packed[(i, k)], 0.0));
                        k += 1;
                    } else {
                        for i in 0..n {
                            let v = Complex::new(packed[(i, k)], packed[(i, k + 1)]);
                            vectors[(i, k)] = v;
                            vectors[(i, k + 1)] = v.conj();
                        }
                        k += 2;
                    }
                }
                Ok(())
            }
        }

        impl General for Complex<$t> {
            fn evd(
                a: MatRef<'_, Complex<$t>>,
                values: &mut [Complex<$t>],
                vectors: Option<MatMut<'_, Complex<$t>>>,
                workspace: &mut [u8],
            ) -> Result<(), evd::EvdError> {
                let s = DiagMut::from_slice_mut(values);
                evd::evd_cplx(a, s, None, vectors, Par::Seq, stack(workspace), Default::default())
            }
        }
    )*};
}
general_real!(f32, f64);

fn general<T: General>(
    call: &Call<'_>,
    index: usize,
    mut vectors: Option<MatMut<'_, T::Wide>>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    let w = result_vector::<T::Wide>(&call.outputs[0], index);
    if !is_finite(a) {
        return Err(LibraryError::numeric("Array must not contain infs or NaNs"));
    }
    if w.is_empty() {
        return Ok(());
    }
    let factor = scale_of(a);
    let (mut copy, rest) = copy(workspace, a);
    rescale(copy.as_mut(), factor);
    T::evd(copy.as_ref(), w, vectors.as_mut().map(|v| v.as_mut()), rest)
        .map_err(|_| LibraryError::numeric("Eigenvalues did not converge"))?;
    for value in w.iter_mut().filter(|_| factor != 1.0) {
        *value = T::Wide::narrow(value.widen() / factor);
    }
    if let Some(vectors) = vectors {
        normalize(vectors, w, T::DTYPE == T::Part::DTYPE);
    }
    Ok(())
}

/// As LAPACK's geev: unit length, and the largest component of a complex vector is real.
fn normalize<W: Field + Element>(mut vectors: MatMut<'_, W>, values: &[W], real_matrix: bool) {
    for (j, value) in values.iter().enumerate() {
        let column = || (0..vectors.nrows()).map(|i| vectors[(i, j)].widen());
        let length = column().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        let largest = column().fold(Complex64::ZERO, |a, b| if b.norm_sqr() > a.norm_sqr() { b } else { a });
        // A real eigenvector of a real matrix keeps its sign.
        let keep = (real_matrix && value.widen().im == 0.0) || largest == Complex64::ZERO;
        let turn = if keep { Complex64::ONE } else { largest.conj() / largest.norm() };
        for i in 0..vectors.nrows() {
            let x = vectors[(i, j)].widen();
            let mut y = x * turn / length;
            if !keep && x == largest {
                y.im = 0.0;
            }
            vectors[(i, j)] = W::narrow(y);
        }
    }
}

/// Outputs: eigenvalues in no particular order, eigenvectors in columns; both complex.
fn eig_one<T: General>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    general::<T>(call, index, Some(result(&call.outputs[1], index)), workspace)
}

fn eigvals_one<T: General>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    general::<T>(call, index, None, workspace)
}
