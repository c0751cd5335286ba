//! Linear algebra, as `numpy.linalg`.

use super::{Array, Axes, build, build_all};
use crate::numpy::linalg as np;

pub use crate::numpy::linalg::Ord;

macro_rules! one {
    ($($(#[doc = $doc:literal])* $name:ident($($arg:expr),*);)*) => {$(
        $(#[doc = $doc])*
        #[track_caller]
        pub fn $name(x: Array) -> Array { build(&[x], |b, v| np::$name(b, v[0] $(, $arg)*)) }
    )*};
}

one! {
    /// Inverse.
    inv();
    /// Lower Cholesky factor.
    cholesky(false);
    /// Determinant.
    det();
    /// Singular values, descending.
    svdvals();
    /// Eigenvalues, complex.
    eigvals();
    /// Eigenvalues of a Hermitian matrix, ascending.
    eigvalsh(true);
    /// Pseudo-inverse.
    pinv(None);
    /// The number of singular values above NumPy's tolerance.
    matrix_rank(None);
    /// Ratio of the largest to the smallest singular value.
    cond(Ord::Default);
}

macro_rules! several {
    ($($(#[doc = $doc:literal])* $name:ident($($arg:expr),*) $n:literal;)*) => {$(
        $(#[doc = $doc])*
        #[track_caller]
        pub fn $name(x: Array) -> [Array; $n] {
            let r = build_all(&[x], $n, |b, v| np::$name(b, v[0] $(, $arg)*));
            std::array::from_fn(|k| r[k])
        }
    )*};
}

several! {
    /// Q and R, reduced.
    qr(false) 2;
    /// U, S and V^H, reduced.
    svd(false) 3;
    /// Eigenvalues (ascending) and eigenvectors of a Hermitian matrix.
    eigh(true) 2;
    /// Eigenvalues and eigenvectors, complex.
    eig() 2;
    /// Sign and logarithm of the determinant.
    slogdet() 2;
    /// P, L and U.
    lu() 3;
}

/// `a x = b`; `b` is a vector (one axis) or has right-hand sides in columns.
#[track_caller]
pub fn solve(a: Array, b: Array) -> Array {
    build(&[a, b], |g, v| np::solve(g, v[0], v[1]))
}

/// [`solve`] for a triangular matrix, of which the other triangle is not looked at.
#[track_caller]
pub fn solve_triangular(a: Array, b: Array, lower: bool) -> Array {
    build(&[a, b], |g, v| np::solve_triangular(g, v[0], v[1], lower))
}

/// Least squares: solution, residuals, rank, singular values.
#[track_caller]
pub fn lstsq(a: Array, b: Array) -> [Array; 4] {
    let r = build_all(&[a, b], 4, |g, v| np::lstsq(g, v[0], v[1], None));
    std::array::from_fn(|k| r[k])
}

/// The `n`-th power of a square matrix.
#[track_caller]
pub fn matrix_power(x: Array, n: i64) -> Array {
    build(&[x], |b, v| np::matrix_power(b, v[0], n))
}

/// The product of several matrices, in the order that costs least.
#[track_caller]
pub fn multi_dot(arrays: &[Array]) -> Array {
    build(arrays, crate::numpy::multi_dot)
}

/// Euclidean norm of all elements.
#[track_caller]
pub fn norm(x: Array) -> Array {
    norm_with(x, (), ())
}

/// A norm of vectors along one axis or matrices along two; `()` is the default order, or all axes.
#[track_caller]
pub fn norm_with(x: Array, ord: impl Into<Ord>, axes: impl Axes) -> Array {
    let (ord, axes) = (ord.into(), axes.axes());
    build(&[x], |b, v| np::norm(b, v[0], ord, axes.as_deref(), false))
}
