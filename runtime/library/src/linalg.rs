//! Linear algebra on faer, over stacks of matrices.
//!
//! A factorization copies its matrix and allocates its own workspace, a small multiple of the matrix, beside the
//! memory that plans project.

use crate::view::{Element, View};
use crate::{LibraryError, fail};
use faer::linalg::solvers::{DenseSolveCore, Solve};
use faer::{Mat, MatRef, Side};
use num_complex::Complex;

/// Eigenvalues, and the rows of the matrix of eigenvectors.
pub type Eigenpairs<T> = (Vec<T>, Vec<Vec<T>>);

/// A type with factorizations.
pub trait Field: faer::traits::ComplexField<Real = Self::Part> + Element + PartialEq {
    /// The type of its absolute value.
    type Part: faer::traits::RealField + Element + PartialEq;
    /// Its complex type.
    type Wide: Element;
    /// A real number as a number of this type.
    fn from_part(x: Self::Part) -> Self;
    /// Eigenvalues, and eigenvectors on request.
    fn eigen(a: MatRef<'_, Self>, vectors: bool) -> Result<Eigenpairs<Self::Wide>, LibraryError>;
}

fn no_convergence<E>(_: E) -> LibraryError {
    LibraryError("Eigenvalues did not converge".to_string())
}

macro_rules! fields {
    ($($t:ty, $part:ty, $from:expr, $vectors:ident;)*) => {$(
        impl Field for $t {
            type Part = $part;
            type Wide = Complex<$part>;
            fn from_part(x: $part) -> $t { let f: fn($part) -> $t = $from; f(x) }
            fn eigen(a: MatRef<'_, $t>, vectors: bool) -> Result<Eigenpairs<Complex<$part>>, LibraryError> {
                if !vectors {
                    return Ok((a.eigenvalues().map_err(no_convergence)?, vec![]));
                }
                let e = faer::linalg::solvers::Eigen::$vectors(a).map_err(no_convergence)?;
                let n = a.nrows();
                let values = (0..n).map(|k| e.S().column_vector()[k]).collect();
                let u = e.U();
                // Unit length, as LAPACK returns them.
                let norms: Vec<$part> = (0..n).map(|j| (0..n).map(|i| u[(i, j)].norm_sqr()).sum::<$part>().sqrt()).collect();
                let columns = (0..n).map(|i| (0..n).map(|j| u[(i, j)] / norms[j]).collect()).collect();
                Ok((values, columns))
            }
        }
    )*};
}

fields! {
    f32, f32, |x| x, new_from_real;
    f64, f64, |x| x, new_from_real;
    Complex<f32>, f32, |x| Complex::new(x, 0.0), new;
    Complex<f64>, f64, |x| Complex::new(x, 0.0), new;
}

/// One matrix of a stack.
struct Matrix<T> {
    pointer: *mut T,
    rows: usize,
    cols: usize,
    strides: (isize, isize),
}

impl<T: Element> Matrix<T> {
    fn of(v: &View<T>) -> Vec<Matrix<T>> {
        let r = v.shape.len();
        let (rows, cols) = (v.shape[r - 2], v.shape[r - 1]);
        let strides = (v.strides[r - 2], v.strides[r - 1]);
        v.outer(2).into_iter().map(|pointer| Matrix { pointer, rows, cols, strides }).collect()
    }

    fn get(&self, i: usize, j: usize) -> T {
        // SAFETY: views describe readable memory (the contract of this module's functions).
        unsafe { *self.pointer.offset(i as isize * self.strides.0 + j as isize * self.strides.1) }
    }

    fn set(&self, i: usize, j: usize, v: T) {
        // SAFETY: result views describe writable memory.
        unsafe { *self.pointer.offset(i as isize * self.strides.0 + j as isize * self.strides.1) = v }
    }

    fn fill(&self, f: impl Fn(usize, usize) -> T) {
        for i in 0..self.rows {
            for j in 0..self.cols {
                self.set(i, j, f(i, j));
            }
        }
    }
}

fn load<T: Field>(m: &Matrix<T>) -> Mat<T> {
    Mat::from_fn(m.rows, m.cols, |i, j| m.get(i, j))
}

/// Repeats a stack's matrices to the number of another's (broadcast batch axes).
fn cycle<T: Element>(v: &View<T>, batch: &[usize]) -> Vec<Matrix<T>> {
    let own = v.shape.len() - 2;
    let skip = batch.len() - own;
    let spread = |i: usize| if i < skip || v.shape[i - skip] == 1 { 0 } else { v.strides[i - skip] };
    let mut shape = batch.to_vec();
    shape.extend(&v.shape[own..]);
    let mut strides: Vec<isize> = (0..batch.len()).map(spread).collect();
    strides.extend(&v.strides[own..]);
    Matrix::of(&View { pointer: v.pointer, shape, strides })
}

fn vector<T: Element>(v: &View<T>) -> impl Fn(usize, usize) -> *mut T {
    let starts = v.outer(1);
    let step = v.strides[v.strides.len() - 1];
    move |batch, i| starts[batch].wrapping_offset(i as isize * step)
}

fn put<T>(p: *mut T, v: T) {
    // SAFETY: result views describe writable memory.
    unsafe { *p = v }
}

fn is_singular<T: Field>(lu: &faer::linalg::solvers::PartialPivLu<T>) -> bool {
    let u = lu.U();
    (0..u.nrows()).any(|k| u[(k, k)] == T::from_part(faer::traits::math_utils::zero::<T::Part>()))
}

/// Inverses.
pub fn inv<T: Field>(out: &View<T>, a: &View<T>) -> Result<(), LibraryError> {
    for (o, m) in Matrix::of(out).iter().zip(Matrix::of(a)) {
        let lu = load(&m).partial_piv_lu();
        if is_singular(&lu) {
            return fail("Singular matrix");
        }
        let x = lu.inverse();
        o.fill(|i, j| x[(i, j)]);
    }
    Ok(())
}

/// `a x = b` for the columns of `b`.
pub fn solve<T: Field>(out: &View<T>, a: &View<T>, b: &View<T>) -> Result<(), LibraryError> {
    let batch = out.shape[..out.shape.len() - 2].to_vec();
    for ((o, m), r) in Matrix::of(out).iter().zip(cycle(a, &batch)).zip(cycle(b, &batch)) {
        let lu = load(&m).partial_piv_lu();
        if is_singular(&lu) {
            return fail("Singular matrix");
        }
        let x = lu.solve(load(&r));
        o.fill(|i, j| x[(i, j)]);
    }
    Ok(())
}

/// `a x = b` with `a` triangular.
pub fn solve_triangular<T: Field>(
    out: &View<T>,
    a: &View<T>,
    b: &View<T>,
    lower: bool,
) -> Result<(), LibraryError> {
    let batch = out.shape[..out.shape.len() - 2].to_vec();
    let zero = T::from_part(faer::traits::math_utils::zero::<T::Part>());
    for ((o, m), r) in Matrix::of(out).iter().zip(cycle(a, &batch)).zip(cycle(b, &batch)) {
        if (0..m.rows).any(|k| m.get(k, k) == zero) {
            return fail("Singular matrix");
        }
        let (m, mut x) = (load(&m), load(&r));
        if lower {
            m.as_ref().solve_lower_triangular_in_place(x.as_mut());
        } else {
            m.as_ref().solve_upper_triangular_in_place(x.as_mut());
        }
        o.fill(|i, j| x[(i, j)]);
    }
    Ok(())
}

/// Lower Cholesky factors.
pub fn cholesky<T: Field>(out: &View<T>, a: &View<T>) -> Result<(), LibraryError> {
    let zero = T::from_part(faer::traits::math_utils::zero::<T::Part>());
    for (o, m) in Matrix::of(out).iter().zip(Matrix::of(a)) {
        let Ok(llt) = load(&m).llt(Side::Lower) else { return fail("Matrix is not positive definite") };
        let l = llt.L();
        o.fill(|i, j| if i >= j { l[(i, j)] } else { zero });
    }
    Ok(())
}

/// `a = p l u`.
pub fn lu<T: Field>(p: &View<T::Part>, l: &View<T>, u: &View<T>, a: &View<T>) -> Result<(), LibraryError> {
    let (one, zero) =
        (faer::traits::math_utils::one::<T::Part>(), faer::traits::math_utils::zero::<T::Part>());
    for (((p, l), u), m) in Matrix::of(p).iter().zip(Matrix::of(l)).zip(Matrix::of(u)).zip(Matrix::of(a)) {
        let f = load(&m).partial_piv_lu();
        let (forward, _) = f.P().arrays();
        p.fill(|i, j| if forward[j] == i { one } else { zero });
        let (fl, fu) = (f.L(), f.U());
        let t = |x: &T::Part| T::from_part(*x);
        l.fill(|i, j| {
            if i == j {
                t(&one)
            } else if i > j {
                fl[(i, j)]
            } else {
                t(&zero)
            }
        });
        u.fill(|i, j| if i <= j { fu[(i, j)] } else { t(&zero) });
    }
    Ok(())
}

/// `a = q r`.
pub fn qr<T: Field>(q: &View<T>, r: &View<T>, a: &View<T>) -> Result<(), LibraryError> {
    let zero = T::from_part(faer::traits::math_utils::zero::<T::Part>());
    for ((q, r), m) in Matrix::of(q).iter().zip(Matrix::of(r)).zip(Matrix::of(a)) {
        let f = load(&m).qr();
        let fq = if q.cols == m.rows { f.compute_Q() } else { f.compute_thin_Q() };
        let fr = f.R();
        q.fill(|i, j| fq[(i, j)]);
        r.fill(|i, j| if i <= j && i < fr.nrows() { fr[(i, j)] } else { zero });
    }
    Ok(())
}

/// `a = u diag(s) vh`.
pub fn svd<T: Field>(u: &View<T>, s: &View<T::Part>, vh: &View<T>, a: &View<T>) -> Result<(), LibraryError> {
    let at = vector(s);
    for (k, ((u, vh), m)) in Matrix::of(u).iter().zip(Matrix::of(vh)).zip(Matrix::of(a)).enumerate() {
        let m = load(&m);
        let full = u.cols == u.rows && vh.rows == vh.cols;
        let f = if full { m.svd() } else { m.thin_svd() };
        let Ok(f) = f else { return fail("SVD did not converge") };
        let (fu, fv, fs) = (f.U(), f.V(), f.S());
        u.fill(|i, j| fu[(i, j)]);
        vh.fill(|i, j| fv[(j, i)].conj());
        for i in 0..m.nrows().min(m.ncols()) {
            put(at(k, i), fs.column_vector()[i].real());
        }
    }
    Ok(())
}

/// Singular values, descending.
pub fn svdvals<T: Field>(s: &View<T::Part>, a: &View<T>) -> Result<(), LibraryError> {
    let at = vector(s);
    for (k, m) in Matrix::of(a).iter().enumerate() {
        let Ok(values) = load(m).singular_values() else { return fail("SVD did not converge") };
        values.into_iter().enumerate().for_each(|(i, v)| put(at(k, i), v));
    }
    Ok(())
}

fn side(lower: bool) -> Side {
    if lower { Side::Lower } else { Side::Upper }
}

/// Eigenvalues (ascending) and eigenvectors of Hermitian matrices.
pub fn eigh<T: Field>(w: &View<T::Part>, v: &View<T>, a: &View<T>, lower: bool) -> Result<(), LibraryError> {
    let at = vector(w);
    for (k, (v, m)) in Matrix::of(v).iter().zip(Matrix::of(a)).enumerate() {
        let f = load(&m).self_adjoint_eigen(side(lower)).map_err(no_convergence)?;
        let (u, s) = (f.U(), f.S());
        v.fill(|i, j| u[(i, j)]);
        for i in 0..m.rows {
            put(at(k, i), s.column_vector()[i].real());
        }
    }
    Ok(())
}

/// Eigenvalues of Hermitian matrices, ascending.
pub fn eigvalsh<T: Field>(w: &View<T::Part>, a: &View<T>, lower: bool) -> Result<(), LibraryError> {
    let at = vector(w);
    for (k, m) in Matrix::of(a).iter().enumerate() {
        let values = load(m).self_adjoint_eigenvalues(side(lower)).map_err(no_convergence)?;
        values.into_iter().enumerate().for_each(|(i, x)| put(at(k, i), x));
    }
    Ok(())
}

/// Eigenvalues, and eigenvectors if there is a view for them.
pub fn eig<T: Field>(w: &View<T::Wide>, v: Option<&View<T::Wide>>, a: &View<T>) -> Result<(), LibraryError> {
    let at = vector(w);
    let vectors = v.map(Matrix::of);
    for (k, m) in Matrix::of(a).iter().enumerate() {
        let (values, rows) = T::eigen(load(m).as_ref(), vectors.is_some())?;
        values.into_iter().enumerate().for_each(|(i, x)| put(at(k, i), x));
        if let Some(all) = &vectors {
            all[k].fill(|i, j| rows[i][j]);
        }
    }
    Ok(())
}

/// Diagonal of the triangular factor, and whether the permutation is odd.
fn pivots<T: Field>(m: &Matrix<T>) -> (Vec<T>, bool) {
    let f = load(m).partial_piv_lu();
    let u = f.U();
    let (forward, _) = f.P().arrays();
    let mut seen = vec![false; forward.len()];
    let mut odd = false;
    for start in 0..forward.len() {
        let mut length = 0;
        let mut x = start;
        while !seen[x] {
            seen[x] = true;
            x = forward[x];
            length += 1;
        }
        odd ^= length > 0 && length % 2 == 0;
    }
    ((0..m.rows).map(|k| u[(k, k)]).collect(), odd)
}

/// Determinants.
pub fn det<T: Field>(out: &View<T>, a: &View<T>) -> Result<(), LibraryError>
where
    T::Part: Into<f64> + FromF64,
{
    for (p, m) in out.outer(0).into_iter().zip(Matrix::of(a)) {
        let (diagonal, odd) = pivots(&m);
        let one = T::from_part(faer::traits::math_utils::one::<T::Part>());
        let mut product = one;
        for d in diagonal {
            let magnitude: f64 = d.abs().into();
            if magnitude == 0.0 {
                // Singular; what elimination makes of the rest by dividing by this pivot means nothing.
                product = T::from_part(T::Part::from_f64(0.0));
                break;
            }
            product = product.times(&d);
        }
        put(p, if odd { product.negated() } else { product });
    }
    Ok(())
}

/// Sign and logarithm of the magnitude of determinants.
pub fn slogdet<T: Field>(sign: &View<T>, log: &View<T::Part>, a: &View<T>) -> Result<(), LibraryError>
where
    T::Part: Into<f64> + FromF64,
{
    for ((s, l), m) in sign.outer(0).into_iter().zip(log.outer(0)).zip(Matrix::of(a)) {
        let (diagonal, odd) = pivots(&m);
        let one = T::from_part(faer::traits::math_utils::one::<T::Part>());
        let (mut total, mut phase) = (0.0f64, one);
        for d in diagonal {
            let magnitude: f64 = d.abs().into();
            if magnitude == 0.0 {
                (total, phase) = (f64::NEG_INFINITY, T::from_part(T::Part::from_f64(0.0)));
                break;
            }
            total += magnitude.ln();
            phase = phase.times(&d).times(&T::from_part(T::Part::from_f64(1.0 / magnitude)));
        }
        put(s, if odd { phase.negated() } else { phase });
        put(l, T::Part::from_f64(total));
    }
    Ok(())
}

/// Solution, squared residuals, rank, singular values.
pub type LstsqResults<'a, T> =
    (&'a View<T>, &'a View<<T as Field>::Part>, &'a View<i64>, &'a View<<T as Field>::Part>);

/// Least squares by singular values: the solution of least norm, the squared residuals, the rank, and the singular
/// values. Singular values below `rcond` times the largest count as zero.
pub fn lstsq<T: Field>(
    outs: LstsqResults<'_, T>,
    a: &View<T>,
    b: &View<T>,
    rcond: f64,
) -> Result<(), LibraryError>
where
    T::Part: Into<f64> + FromF64,
{
    let (x, residuals, rank, values) = outs;
    let (m, r) = (load(&Matrix::of(a)[0]), load(&Matrix::of(b)[0]));
    let Ok(f) = m.thin_svd() else { return fail("SVD did not converge in Linear Least Squares") };
    let s: Vec<f64> = (0..m.nrows().min(m.ncols())).map(|k| f.S().column_vector()[k].real().into()).collect();
    let cut = rcond * s.first().copied().unwrap_or(0.0);
    let used = s.iter().filter(|v| **v > cut).count();
    let projected = f.U().adjoint() * &r;
    let scaled = Mat::from_fn(s.len(), r.ncols(), |i, j| {
        let k = if i < used { 1.0 / s[i] } else { 0.0 };
        projected[(i, j)].times(&T::from_part(T::Part::from_f64(k)))
    });
    let solution = f.V() * &scaled;
    Matrix::of(x)[0].fill(|i, j| solution[(i, j)]);
    let left = &r - &m * &solution;
    let at = vector(residuals);
    for j in 0..r.ncols() {
        let sum: f64 = (0..r.nrows())
            .map(|i| {
                let v: f64 = left[(i, j)].abs().into();
                v * v
            })
            .sum();
        put(at(0, j), T::Part::from_f64(sum));
    }
    put(rank.pointer, used as i64);
    let at = vector(values);
    s.into_iter().enumerate().for_each(|(k, v)| put(at(0, k), T::Part::from_f64(v)));
    Ok(())
}

/// Rounding from `f64`.
pub trait FromF64 {
    /// The nearest value.
    fn from_f64(x: f64) -> Self;
}
impl FromF64 for f32 {
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
}
impl FromF64 for f64 {
    fn from_f64(x: f64) -> f64 {
        x
    }
}

/// faer's scalar functions as methods: its traits have no operators.
trait Scalar: faer::traits::ComplexField {
    fn times(&self, o: &Self) -> Self {
        faer::traits::math_utils::mul(self, o)
    }
    fn negated(&self) -> Self {
        faer::traits::math_utils::neg(self)
    }
    fn conj(&self) -> Self {
        faer::traits::math_utils::conj(self)
    }
    fn real(&self) -> Self::Real {
        faer::traits::math_utils::real(self)
    }
    fn abs(&self) -> Self::Real {
        faer::traits::math_utils::abs(self)
    }
}
impl<T: faer::traits::ComplexField> Scalar for T {}
