//! Linear algebra: factors put together again, residuals, errors.

mod support;

use frit_library::{ErrorKind, Params, Routine};
use num_complex::{Complex32, Complex64};
use support::{Array, Buffer, Element, Matrix, Number, Operand, Random, SIZES, call};

/// Allowed error, relative to norms: rounding grows with the size.
fn tolerance<T: Number>(n: usize) -> f64 {
    T::EPSILON * (20.0 + 4.0 * n as f64)
}

fn ok(routine: Routine, params: &Params, operands: &[&dyn Operand]) -> Vec<Buffer> {
    call(routine, params, operands, 2).unwrap_or_else(|e| panic!("{}: {e}", routine.name()))
}

fn default() -> Params {
    Params::default()
}

fn message(routine: Routine, operands: &[&dyn Operand]) -> String {
    let error = call(routine, &default(), operands, 1).err().expect("an error");
    assert_eq!(error.1, ErrorKind::Numeric, "{error}");
    error.0
}

/// Well-conditioned: random plus a diagonal.
fn square<T: Number + std::ops::Add<Output = T>>(random: &mut Random, n: usize) -> Array<T> {
    let mut a = random.array::<T>(&[n, n]);
    for k in 0..n {
        for _ in 0..3 {
            a.data[k * n + k] = a.data[k * n + k] + T::one() + T::one();
        }
    }
    a
}

fn hermitian<T: Number>(random: &mut Random, n: usize) -> Array<T> {
    let a = Matrix::of(&random.array::<T>(&[n, n]), 0);
    Array::from_fn(&[n, n], |p| T::narrow(a.at(p[0], p[1]) + a.at(p[1], p[0]).conj()))
}

fn diagonal(s: &[f64], rows: usize, cols: usize) -> Matrix {
    Matrix::from_fn(rows, cols, |i, j| Complex64::new(if i == j { s[i] } else { 0.0 }, 0.0))
}

fn assert_unitary(q: &Matrix, tolerance: f64) {
    q.adjoint().times(q).assert_near(&Matrix::eye(q.cols), tolerance);
}

fn reals<P: Number>(a: &Array<P>) -> Vec<f64> {
    a.data.iter().map(|x| x.wide().re).collect()
}

fn systems<T: Number + std::ops::Add<Output = T>>() {
    let mut random = Random(1);
    for n in SIZES {
        let a = square::<T>(&mut random, n);
        let b = random.array::<T>(&[n, 3]);
        let (ma, mb) = (Matrix::of(&a, 0), Matrix::of(&b, 0));
        for view in [a.clone(), a.transposed(), a.backwards()] {
            let inverse = ok(Routine::Inv, &default(), &[&view])[0].array::<T>();
            ma.times(&Matrix::of(&inverse, 0)).assert_near(&Matrix::eye(n), tolerance::<T>(n));
            let x = ok(Routine::Solve, &default(), &[&view, &b.backwards()])[0].array::<T>();
            ma.times(&Matrix::of(&x, 0)).assert_near(&mb, tolerance::<T>(n));
        }
        for lower in [true, false] {
            let params = Params { lower, ..default() };
            let x = ok(Routine::SolveTriangular, &params, &[&a, &b])[0].array::<T>();
            let keep = |i, j| if lower { i >= j } else { i <= j };
            let triangle =
                Matrix::from_fn(n, n, |i, j| if keep(i, j) { ma.at(i, j) } else { Complex64::ZERO });
            triangle.times(&Matrix::of(&x, 0)).assert_near(&mb, tolerance::<T>(n));
        }
    }
}

/// By Cholesky where it exists, and the same answers where it does not.
fn positive_definite<T: Number>() {
    let mut random = Random(3);
    for n in SIZES {
        let m = Matrix::of(&random.array::<T>(&[n, n]), 0);
        let b = random.array::<T>(&[n, 3]);
        for shift in [1.0, -0.4] {
            let gram = m.times(&m.adjoint());
            let a = Array::from_fn(&[n, n], |p| {
                let bump = if p[0] == p[1] { shift } else { 0.0 };
                T::narrow(gram.at(p[0], p[1]) + bump)
            });
            let inverse = ok(Routine::InvPosdef, &default(), &[&a])[0].array::<T>();
            let scale = (1.0 + Matrix::of(&a, 0).norm()) * (1.0 + Matrix::of(&inverse, 0).norm());
            let product = Matrix::of(&a, 0).times(&Matrix::of(&inverse, 0));
            product.assert_near(&Matrix::eye(n), tolerance::<T>(n) * scale);
            for view in [a.clone(), a.transposed()] {
                let x = ok(Routine::SolvePosdef, &default(), &[&view, &b.backwards()])[0].array::<T>();
                let want = ok(Routine::Solve, &default(), &[&a, &b])[0].array::<T>();
                let residual = Matrix::of(&a, 0).times(&Matrix::of(&x, 0));
                // The matrix may be badly conditioned: the residual is small against its norm and the solution's.
                let scale = Matrix::of(&a, 0).norm() * Matrix::of(&want, 0).norm();
                let difference: f64 = residual
                    .data
                    .iter()
                    .zip(&Matrix::of(&b, 0).data)
                    .map(|(p, q)| (p - q).norm_sqr())
                    .sum::<f64>()
                    .sqrt();
                assert!(n == 0 || difference <= tolerance::<T>(n) * scale, "{difference:e} of {scale:e}");
            }
        }
    }
    let zero = Array::new(&[3, 3], vec![T::narrow(Complex64::ZERO); 9]);
    assert_eq!(message(Routine::SolvePosdef, &[&zero, &zero]), "Singular matrix");
    assert_eq!(message(Routine::InvPosdef, &[&zero]), "Singular matrix");
}

#[test]
fn positive_definite_systems() {
    positive_definite::<f32>();
    positive_definite::<f64>();
    positive_definite::<Complex32>();
    positive_definite::<Complex64>();
}

/// Several systems by one factorization, with and without Cholesky; its parts multiply to the matrix.
fn factored<T: Number + std::ops::Add<Output = T>>() {
    let mut random = Random(4);
    for n in SIZES {
        let gram = Matrix::of(&random.array::<T>(&[n, n]), 0);
        let gram = gram.times(&gram.adjoint());
        let definite = |shift: f64| {
            Array::from_fn(&[n, n], |p| {
                T::narrow(gram.at(p[0], p[1]) + if p[0] == p[1] { shift } else { 0.0 })
            })
        };
        for (a, posdef) in [
            (square::<T>(&mut random, n), false),
            (definite(1.0), false),
            (definite(1.0), true),
            (definite(-0.4), true),
        ] {
            let params = Params { posdef, ..default() };
            for view in [a.clone(), a.transposed().transposed()] {
                let f = ok(Routine::LuFactor, &params, &[&view]);
                let (lu, exchanges) = (f[0].array::<T>(), f[1].array::<i64>());
                let m = Matrix::of(&lu, 0);
                let part = |lower: bool| {
                    Matrix::from_fn(n, n, |i, j| match i.cmp(&j) {
                        std::cmp::Ordering::Equal if lower => Complex64::ONE,
                        order if (order == std::cmp::Ordering::Greater) == lower => m.at(i, j),
                        _ => Complex64::ZERO,
                    })
                };
                let mut order: Vec<usize> = (0..n).collect();
                exchanges.data.iter().enumerate().for_each(|(k, with)| order.swap(k, *with as usize));
                let given = Matrix::of(&a, 0);
                let rows = Matrix::from_fn(n, n, |i, j| given.at(order[i], j));
                let scale = 1.0 + given.norm();
                part(true).times(&part(false)).assert_near(&rows, tolerance::<T>(n) * scale);
                for k in [1, 3] {
                    let b = random.array::<T>(&[n, k]);
                    let x =
                        ok(Routine::LuSolve, &default(), &[&lu, &exchanges, &b.backwards()])[0].array::<T>();
                    let want = ok(Routine::Solve, &default(), &[&a, &b])[0].array::<T>();
                    let scale = 1.0 + scale * Matrix::of(&want, 0).norm();
                    let product = given.times(&Matrix::of(&x, 0));
                    product.assert_near(&Matrix::of(&b, 0), tolerance::<T>(n) * scale);
                }
            }
        }
    }
    // A singular matrix has factors, but no system with it a solution.
    let one = Array::new(&[2, 2], vec![T::one(); 4]);
    let f = ok(Routine::LuFactor, &default(), &[&one]);
    let (lu, exchanges) = (f[0].array::<T>(), f[1].array::<i64>());
    assert_eq!(lu.data[3].wide(), Complex64::ZERO);
    assert_eq!(message(Routine::LuSolve, &[&lu, &exchanges, &one]), "Singular matrix");
}

#[test]
fn factorizations_are_shared() {
    factored::<f32>();
    factored::<f64>();
    factored::<Complex32>();
    factored::<Complex64>();
}

fn cholesky<T: Number>() {
    let mut random = Random(2);
    for n in SIZES {
        let a = Matrix::of(&random.array::<T>(&[n, n]), 0);
        let spd = a.times(&a.adjoint());
        let input = Array::from_fn(&[n, n], |p| {
            let bump = Complex64::new(if p[0] == p[1] { 0.5 } else { 0.0 }, 0.0);
            T::narrow(spd.at(p[0], p[1]) + bump)
        });
        // The upper triangle must not matter.
        let half =
            Array::from_fn(&[n, n], |p| if p[0] >= p[1] { input.get(p) } else { T::narrow(Complex64::ONE) });
        for view in [half.clone(), half.transposed()] {
            let l = Matrix::of(&ok(Routine::Cholesky, &default(), &[&view])[0].array::<T>(), 0);
            l.times(&l.adjoint()).assert_near(&Matrix::of(&input, 0), tolerance::<T>(n));
            assert!((0..n).all(|i| (i + 1..n).all(|j| l.at(i, j) == Complex64::ZERO)));
        }
    }
}

fn factorizations<T: Number, P: Number>() {
    let mut random = Random(3);
    for (m, n) in SIZES.iter().flat_map(|&s| [(s, s), (s, 7), (4, s), (2 * s, s)]) {
        let a = random.array::<T>(&[m, n]);
        let ma = Matrix::of(&a, 0);
        let t = tolerance::<T>(m.max(n));

        let results = ok(Routine::Lu, &default(), &[&a]);
        let (p, l, u) = (results[0].array::<P>(), results[1].array::<T>(), results[2].array::<T>());
        let (p, l, u) = (Matrix::of(&p, 0), Matrix::of(&l, 0), Matrix::of(&u, 0));
        p.times(&l).times(&u).assert_near(&ma, t);
        assert!(l.data.iter().all(|x| x.norm() <= 1.5));

        for full in [false, true] {
            let params = Params { full, ..default() };
            let results = ok(Routine::Qr, &params, &[&a]);
            let (q, r) = (Matrix::of(&results[0].array::<T>(), 0), Matrix::of(&results[1].array::<T>(), 0));
            q.times(&r).assert_near(&ma, t);
            assert_unitary(&q, t);
            assert!((0..r.rows).all(|i| (0..i.min(n)).all(|j| r.at(i, j) == Complex64::ZERO)));
            assert!((0..m.min(n)).all(|k| r.at(k, k).im == 0.0));

            let results = ok(Routine::Svd, &params, &[&a.backwards()]);
            let (u, s, vh) = (results[0].array::<T>(), results[1].array::<P>(), results[2].array::<T>());
            let (u, s, vh) = (Matrix::of(&u, 0), reals(&s), Matrix::of(&vh, 0));
            u.times(&diagonal(&s, u.cols, vh.rows)).times(&vh).assert_near(&ma, t);
            assert_unitary(&u, t);
            assert_unitary(&vh.adjoint(), t);
            assert!(s.windows(2).all(|w| w[0] >= w[1]) && s.iter().all(|s| *s >= 0.0));
            let values = reals(&ok(Routine::Svdvals, &default(), &[&a])[0].array::<P>());
            assert!(values.iter().zip(&s).all(|(x, y)| (x - y).abs() <= t * s[0]));
        }
    }
}

fn eigenvalues<T: Number, P: Number, W: Number>() {
    let mut random = Random(4);
    for n in SIZES {
        let t = tolerance::<T>(n) * 4.0;
        let a = hermitian::<T>(&mut random, n);
        let ma = Matrix::of(&a, 0);
        for lower in [true, false] {
            let params = Params { lower, ..default() };
            let keep = |p: &[usize]| if lower { p[0] >= p[1] } else { p[0] <= p[1] };
            let half =
                Array::from_fn(&[n, n], |p| if keep(p) { a.get(p) } else { T::narrow(Complex64::ONE) });
            let results = ok(Routine::Eigh, &params, &[&half]);
            let (w, v) = (reals(&results[0].array::<P>()), Matrix::of(&results[1].array::<T>(), 0));
            ma.times(&v).assert_near(&v.times(&diagonal(&w, n, n)), t);
            assert_unitary(&v, t);
            assert!(w.windows(2).all(|w| w[0] <= w[1]));
            let values = reals(&ok(Routine::Eigvalsh, &params, &[&half])[0].array::<P>());
            assert!(values.iter().zip(&w).all(|(x, y)| (x - y).abs() <= t * ma.norm()));
        }

        let a = random.array::<T>(&[n, n]);
        let ma = Matrix::of(&a, 0);
        let results = ok(Routine::Eig, &default(), &[&a.transposed()]);
        let (w, v) = (results[0].array::<W>(), Matrix::of(&results[1].array::<W>(), 0));
        let scaled = Matrix::from_fn(n, n, |i, j| v.at(i, j) * w.data[j].wide());
        let difference = Matrix {
            data: ma.times(&v).data.iter().zip(&scaled.data).map(|(x, y)| x - y).collect(),
            ..v.clone()
        };
        assert!(difference.norm() <= 10.0 * t * ma.norm().max(1e-30));
        for j in 0..n {
            let length: f64 = (0..n).map(|i| v.at(i, j).norm_sqr()).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
        let values = ok(Routine::Eigvals, &default(), &[&a])[0].array::<W>();
        let sum = |w: &Array<W>| w.data.iter().map(|x| x.wide()).sum::<Complex64>();
        let trace: Complex64 = (0..n).map(|k| ma.at(k, k)).sum();
        assert!((sum(&values) - trace).norm() <= 10.0 * t * ma.norm().max(1e-30));
        assert!((sum(&w) - trace).norm() <= 10.0 * t * ma.norm().max(1e-30));
    }
}

fn determinants<T: Number + std::ops::Add<Output = T>, P: Number>() {
    let mut random = Random(5);
    let two = Array::new(&[2, 2], [1.0, 2.0, 3.0, 4.0].map(|x| T::narrow(Complex64::new(x, 0.0))).to_vec());
    assert!((ok(Routine::Det, &default(), &[&two])[0].array::<T>().data[0].wide() + 2.0).norm() < 1e-5);
    for n in [0, 1, 3, 17] {
        let a = square::<T>(&mut random, n);
        let det = ok(Routine::Det, &default(), &[&a])[0].array::<T>().data[0].wide();
        let results = ok(Routine::Slogdet, &default(), &[&a]);
        let (sign, log) = (results[0].array::<T>().data[0].wide(), results[1].array::<P>().data[0].wide().re);
        assert!((sign * log.exp() - det).norm() <= 50.0 * tolerance::<T>(n) * det.norm());
        assert!((sign.norm() - 1.0).abs() < 1e-6);
        let w = ok(Routine::Eigvals, &default(), &[&a]).remove(0);
        let product: Complex64 = match T::EPSILON > 1e-10 {
            true => w.array::<Complex32>().data.iter().map(|x| x.wide()).product(),
            false => w.array::<Complex64>().data.iter().product(),
        };
        assert!((product - det).norm() <= 50.0 * tolerance::<T>(n) * det.norm());
    }
    let zero = Array::new(&[2, 2], vec![T::default(); 4]);
    let results = ok(Routine::Slogdet, &default(), &[&zero]);
    assert_eq!(results[0].array::<T>().data[0].wide(), Complex64::ZERO);
    assert_eq!(results[1].array::<P>().data[0].wide().re, f64::NEG_INFINITY);
}

fn least_squares<T: Number, P: Number>() {
    let mut random = Random(6);
    for (m, n) in [(5, 3), (3, 5), (4, 4), (100, 17), (17, 100), (1, 1), (3, 0), (0, 3)] {
        let (a, b) = (random.array::<T>(&[m, n]), random.array::<T>(&[m, 2]));
        let results = ok(Routine::Lstsq, &default(), &[&a, &b]);
        let (ma, mb, x) = (Matrix::of(&a, 0), Matrix::of(&b, 0), Matrix::of(&results[0].array::<T>(), 0));
        assert_eq!(results[2].array::<i64>().data, [m.min(n) as i64]);
        let left = ma.times(&x);
        let left = Matrix { data: left.data.iter().zip(&mb.data).map(|(x, y)| x - y).collect(), ..left };
        // The normal equations.
        assert!(
            ma.adjoint().times(&left).norm()
                <= 30.0 * tolerance::<T>(m.max(n)) * ma.norm() * mb.norm().max(1.0)
        );
        for (j, got) in reals(&results[1].array::<P>()).iter().enumerate() {
            let want: f64 = (0..m).map(|i| left.at(i, j).norm_sqr()).sum();
            assert!((got - want).abs() <= 30.0 * tolerance::<T>(m.max(n)) * mb.norm().powi(2).max(1.0));
        }
    }
    // Of rank 1: the shortest solution.
    let a = Array::new(&[3, 2], vec![T::one(); 6]);
    let b = Array::new(&[3, 1], vec![T::one(); 3]);
    let results = ok(Routine::Lstsq, &default(), &[&a, &b]);
    assert_eq!(results[2].array::<i64>().data, [1]);
    assert!(results[0].array::<T>().data.iter().all(|x| (x.wide() - 0.5).norm() < 1e-6));
}

macro_rules! for_types {
    ($($name:ident: $t:ty, $p:ty, $w:ty;)*) => {$(
        mod $name {
            use super::*;
            #[test]
            fn systems() { super::systems::<$t>(); }
            #[test]
            fn cholesky() { super::cholesky::<$t>(); }
            #[test]
            fn factorizations() { super::factorizations::<$t, $p>(); }
            #[test]
            fn eigenvalues() { super::eigenvalues::<$t, $p, $w>(); }
            #[test]
            fn determinants() { super::determinants::<$t, $p>(); }
            #[test]
            fn least_squares() { super::least_squares::<$t, $p>(); }
        }
    )*};
}
for_types! {
    single: f32, f32, Complex32;
    double: f64, f64, Complex64;
    complex_single: Complex32, f32, Complex32;
    complex_double: Complex64, f64, Complex64;
}

#[test]
fn stacks_and_threads() {
    let mut random = Random(7);
    let a = random.array::<f64>(&[3, 40, 20, 20]);
    let inverses = ok(Routine::Inv, &default(), &[&a])[0].array::<f64>();
    assert_eq!(inverses.shape, a.shape);
    for i in 0..120 {
        let product = Matrix::of(&a, i).times(&Matrix::of(&inverses, i));
        product.assert_near(&Matrix::eye(20), 1e-9);
    }
    // One matrix for a stack of right-hand sides.
    let (a, b) = (square::<f64>(&mut random, 5), random.array::<f64>(&[4, 5, 2]));
    let x = ok(Routine::Solve, &default(), &[&a, &b])[0].array::<f64>();
    for i in 0..4 {
        Matrix::of(&a, 0).times(&Matrix::of(&x, i)).assert_near(&Matrix::of(&b, i), 1e-12);
    }
}

#[test]
fn large_matrices() {
    let mut random = Random(8);
    let n = 300;
    let a = square::<f64>(&mut random, n);
    let ma = Matrix::of(&a, 0);
    let x = Matrix::of(&ok(Routine::Inv, &default(), &[&a])[0].array::<f64>(), 0);
    ma.times(&x).assert_near(&Matrix::eye(n), 1e-10);
    let results = ok(Routine::Qr, &default(), &[&a]);
    let (q, r) = (Matrix::of(&results[0].array::<f64>(), 0), Matrix::of(&results[1].array::<f64>(), 0));
    q.times(&r).assert_near(&ma, 1e-12);
}

#[test]
fn singular_matrices() {
    for n in [1, 2, 3, 17] {
        let zero = Array::new(&[n, n], vec![0.0; n * n]);
        assert_eq!(message(Routine::Inv, &[&zero]), "Singular matrix");
        assert_eq!(message(Routine::Solve, &[&zero, &zero]), "Singular matrix");
        assert_eq!(message(Routine::SolveTriangular, &[&zero, &zero]), "Singular matrix");
        assert_eq!(message(Routine::Cholesky, &[&zero]), "Matrix is not positive definite");
        assert_eq!(ok(Routine::Det, &default(), &[&zero])[0].array::<f64>().data, [0.0]);
        // Factorizations do not mind.
        let results = ok(Routine::Qr, &default(), &[&zero]);
        assert_unitary(&Matrix::of(&results[0].array::<f64>(), 0), 1e-14);
        assert_eq!(ok(Routine::Lu, &default(), &[&zero])[2].array::<f64>().data, zero.data);
        ok(Routine::Svd, &default(), &[&zero]);
        ok(Routine::Eig, &default(), &[&zero]);
    }
    let rank_one = Array::from_fn(&[6, 6], |p| ((p[0] + 1) * (p[1] + 2)) as f64);
    assert_eq!(ok(Routine::Det, &default(), &[&rank_one])[0].array::<f64>().data, [0.0]);
    let results = ok(Routine::Lu, &default(), &[&rank_one]);
    let [p, l, u] = [0, 1, 2].map(|k| Matrix::of(&results[k].array::<f64>(), 0));
    p.times(&l).times(&u).assert_near(&Matrix::of(&rank_one, 0), 1e-13);
    let results = ok(Routine::Qr, &default(), &[&rank_one]);
    let (q, r) = (Matrix::of(&results[0].array::<f64>(), 0), Matrix::of(&results[1].array::<f64>(), 0));
    q.times(&r).assert_near(&Matrix::of(&rank_one, 0), 1e-13);
    assert_unitary(&q, 1e-13);
}

fn not_finite<T: Number>(value: Complex64) {
    let mut random = Random(9);
    for n in [1, 2, 3, 17, 64] {
        for place in [0, n * n / 2, n * n - 1] {
            let mut a = random.array::<T>(&[n, n]);
            a.data[place] = T::narrow(value);
            for routine in Routine::ALL {
                let one: [&dyn Operand; 1] = [&a];
                let two: [&dyn Operand; 2] = [&a, &a];
                let operands = if routine.inputs() == 1 { &one[..] } else { &two[..] };
                // Neither a panic nor a hang; an error at most.
                if let Err(error) = call(*routine, &Params { n: 3, axis: 1, ..default() }, operands, 1) {
                    assert_ne!(error.1, ErrorKind::Internal, "{}: {error}", routine.name());
                }
            }
        }
    }
}

#[test]
fn values_that_are_not_finite() {
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        not_finite::<f64>(Complex64::new(x, 0.0));
        not_finite::<Complex32>(Complex64::new(1.0, x));
        not_finite::<f32>(Complex64::new(x, 0.0));
    }
    let nan = Array::new(&[2, 2], vec![1.0, f64::NAN, 0.0, 1.0]);
    assert_eq!(message(Routine::Svd, &[&nan]), "SVD did not converge");
    assert_eq!(message(Routine::Eig, &[&nan]), "Array must not contain infs or NaNs");
    let lower = Array::new(&[2, 2], vec![1.0, 0.0, f64::NAN, 1.0]);
    assert_eq!(message(Routine::Eigh, &[&lower]), "Eigenvalues did not converge");
    assert!(ok(Routine::Det, &default(), &[&nan])[0].array::<f64>().data[0].is_nan());
}

#[test]
fn wrong_operands_are_refused() {
    let wide = Array::new(&[2, 3], vec![0.0; 6]);
    assert_eq!(message(Routine::Inv, &[&wide]), "Last 2 dimensions of the array must be square");
    let vector = Array::new(&[3], vec![0.0; 3]);
    assert!(message(Routine::Qr, &[&vector]).starts_with("1-dimensional array given"));
    let integers = Array::new(&[1, 1], vec![1_i64]);
    assert!(call(Routine::Inv, &default(), &[&integers], 1).is_err());
    assert_eq!(f64::DTYPE.size(), 8);
}
