//! Matrix products against the definition.

mod support;

use frit_library::{Input, Params, Routine};
use num_complex::{Complex32, Complex64};
use support::{Array, Matrix, Number, Operand, Random, SIZES, call, gemm_over, positions};

fn check<T: Number>(a: &Array<T>, b: &Array<T>, threads: usize) {
    let c = call(Routine::Matmul, &Params::default(), &[a, b], threads).unwrap()[0].array::<T>();
    let count: usize = c.shape[..c.shape.len() - 2].iter().product();
    for i in 0..count {
        let (a, b) = (Matrix::of(a, i), Matrix::of(b, i));
        let tolerance = 4.0 * T::EPSILON * (a.cols as f64).max(1.0).sqrt();
        // Cancellation makes the product's own norm no scale: that of the factors is.
        let scale = a.norm() * b.norm();
        let (got, want) = (Matrix::of(&c, i), a.times(&b));
        for (x, y) in got.data.iter().zip(&want.data) {
            assert!((x - y).norm() <= tolerance * scale, "{x} is not {y}");
        }
    }
}

fn check_type<T: Number>() {
    let mut random = Random(1);
    for m in SIZES {
        for (k, n) in [(m, m), (5, 17), (1, 3), (17, 1), (0, 2), (100, 5)] {
            let (a, b) = (random.array::<T>(&[m, k]), random.array::<T>(&[k, n]));
            check(&a, &b, 1);
            check(&a.transposed(), &b, 2);
            check(&a, &b.transposed(), 1);
            check(&a.backwards(), &b.backwards(), 1);
        }
    }
    let (a, b) = (random.array::<T>(&[3, 2, 5, 4]), random.array::<T>(&[3, 2, 4, 6]));
    check(&a, &b, 2);
    check(&random.array::<T>(&[40, 20, 30]), &random.array::<T>(&[30, 20]).repeated(40), 1);
    check(&random.array::<T>(&[7, 5]).repeated(4), &random.array::<T>(&[4, 5, 3]), 1);
}

#[test]
fn single() {
    check_type::<f32>();
}

#[test]
fn double() {
    check_type::<f64>();
}

#[test]
fn complex_single() {
    check_type::<Complex32>();
}

#[test]
fn complex_double() {
    check_type::<Complex64>();
}

#[test]
fn large_products_on_two_threads() {
    let mut random = Random(2);
    check(&random.array::<f64>(&[200, 150]), &random.array::<f64>(&[150, 120]), 2);
    check(&random.array::<f64>(&[1200, 40]), &random.array::<f64>(&[40, 24]), 2);
    check(&random.array::<f64>(&[1500, 800]), &random.array::<f64>(&[800, 1]), 2);
    check(&random.array::<f64>(&[30, 40, 40]), &random.array::<f64>(&[30, 40, 40]), 2);
    check(&random.array::<f64>(&[3, 300, 200]), &random.array::<f64>(&[200, 250]).repeated(3), 2);
    check(&random.array::<f64>(&[1, 900]), &random.array::<f64>(&[900, 2000]).transposed(), 2);
}

#[test]
fn blocks_of_all_kinds() {
    // More than one block in each direction, and edges: depth 256, rows 1024, columns 2048 (f64).
    let mut random = Random(9);
    for (m, k, n) in [(1030, 30, 20), (20, 530, 30), (18, 20, 2100), (37, 257, 131)] {
        let (a, b) = (random.array::<f64>(&[m, k]), random.array::<f64>(&[k, n]));
        check(&a, &b.transposed(), 1);
        check(&a.transposed(), &b, 3);
        let (a, b) = (random.array::<Complex64>(&[m, k]), random.array::<Complex64>(&[k, n]));
        check(&a, &b.backwards(), 2);
        let (a, b) = (random.array::<Complex32>(&[m, k]), random.array::<Complex32>(&[k, n]));
        check(&a.transposed(), &b, 1);
    }
}

#[test]
fn values_that_are_not_finite() {
    // Zero padding of packed edges must not meet infinities: each element depends on its own row and column only.
    let mut a = Array::from_fn(&[20, 40], |_| 1.0_f64);
    a.data[3 * 40] = f64::INFINITY;
    a.data[5 * 40] = f64::NAN;
    let b = Array::from_fn(&[40, 21], |_| 1.0_f64);
    let c = call(Routine::Matmul, &Params::default(), &[&a, &b], 1).unwrap()[0].array::<f64>();
    for i in 0..20 {
        for j in 0..21 {
            let x = c.get(&[i, j]);
            match i {
                3 => assert_eq!(x, f64::INFINITY),
                5 => assert!(x.is_nan()),
                _ => assert_eq!(x, 40.0),
            }
        }
    }
}

#[test]
fn one_right_matrix_for_a_stack() {
    let mut random = Random(3);
    let a = random.array::<f64>(&[4, 6, 18]);
    let b = random.array::<f64>(&[18, 20]);
    let all = call(Routine::Matmul, &Params::default(), &[&a, &b], 1).unwrap()[0].array::<f64>();
    for stack in [a.transposed(), a.backwards()] {
        let other = call(Routine::Matmul, &Params::default(), &[&stack, &b], 1).unwrap()[0].array::<f64>();
        for (x, y) in all.data.iter().zip(&other.data) {
            assert!((x - y).abs() < 1e-13);
        }
    }
    assert_eq!(all.shape, [4, 6, 20]);
}

#[test]
fn integers_wrap_around() {
    let mut random = Random(5);
    for (m, k, n) in [(2, 3, 4), (33, 65, 300), (5, 0, 3), (130, 130, 130)] {
        let a = Array::from_fn(&[m, k], |_| random.bits() as i64);
        let b = Array::from_fn(&[k, n], |_| random.bits() as i64);
        let want: Vec<i64> = (0..m * n)
            .map(|x| {
                let (i, j) = (x / n, x % n);
                (0..k).fold(0_i64, |s, p| s.wrapping_add(a.get(&[i, p]).wrapping_mul(b.get(&[p, j]))))
            })
            .collect();
        for (a, b) in [(a.clone(), b.clone()), (a.transposed(), b.backwards())] {
            let c = call(Routine::Matmul, &Params::default(), &[&a, &b], 2).unwrap()[0].array::<i64>();
            assert_eq!(c.data, want);
        }
        let small = |a: &Array<i64>| Array::new(&a.shape, a.data.iter().map(|x| *x as i8).collect());
        let c =
            call(Routine::Matmul, &Params::default(), &[&small(&a), &small(&b)], 1).unwrap()[0].array::<i8>();
        assert_eq!(c.data, want.iter().map(|x| *x as i8).collect::<Vec<_>>());
    }
}

#[test]
fn bools_combine_by_or_and_and() {
    let mut random = Random(6);
    let a = Array::from_fn(&[20, 30], |_| random.bits().is_multiple_of(8));
    let b = Array::from_fn(&[30, 25], |_| random.bits().is_multiple_of(8));
    let c = call(Routine::Matmul, &Params::default(), &[&a, &b], 1).unwrap()[0].array::<bool>();
    for i in 0..20 {
        for j in 0..25 {
            assert_eq!(c.get(&[i, j]), (0..30).any(|p| a.get(&[i, p]) && b.get(&[p, j])));
        }
    }
}

/// With an epilogue, the bits are those of the product and the operations after it.
fn check_epilogue<T: Number>(a: &Array<T>, b: &Array<T>, d: &Array<T>, threads: usize) {
    let plain = call(Routine::Matmul, &Params::default(), &[a, b], threads).unwrap()[0].array::<T>();
    let factor = |x: f64| Array::new(&[], vec![T::narrow(Complex64::new(x, 0.0))]);
    for (alpha, beta) in [(1.0, 1.0), (-0.75, 3.0), (2.0, 0.0)] {
        let (fa, fb) = (factor(alpha), factor(beta));
        let got = call(Routine::Gemm, &Params::default(), &[a, b, d, &fa, &fb], threads).unwrap();
        let got = got[0].array::<T>();
        if d.shape == plain.shape {
            assert_eq!(gemm_over([a, b], d, [&fa, &fb], threads).data, got.data);
        }
        let skip = plain.shape.len() - d.shape.len();
        for p in positions(&plain.shape) {
            let at: Vec<usize> = p[skip..].iter().zip(&d.shape).map(|(i, n)| i % n).collect();
            let round = |x: Complex64| T::narrow(x).wide();
            let want = round(round(plain.get(&p).wide() * alpha) + round(d.get(&at).wide() * beta));
            assert_eq!(got.get(&p).wide(), want);
        }
    }
}

#[test]
fn epilogues_round_as_the_operations_do() {
    fn check_type<T: Number>() {
        let mut random = Random(11);
        for (m, k, n) in [(3, 4, 5), (1, 30, 40), (40, 30, 1), (130, 50, 200), (5, 0, 3)] {
            let (a, b) = (random.array::<T>(&[m, k]), random.array::<T>(&[k, n]));
            for shape in [&[m, n][..], &[n], &[m, 1], &[1, 1], &[]] {
                let d = random.array::<T>(shape);
                check_epilogue(&a, &b.transposed(), &d, 2);
                if !shape.is_empty() {
                    check_epilogue(&a, &b, &d.transposed(), 1);
                }
            }
        }
        let (a, b) = (random.array::<T>(&[4, 20, 30]), random.array::<T>(&[30, 20]));
        for shape in [&[4, 20, 20][..], &[20], &[20, 20], &[4, 1, 1], &[4, 20, 1]] {
            let d = random.array::<T>(shape);
            check_epilogue(&a, &b, &d, 2);
            check_epilogue(&a, &b, &d.transposed(), 1);
        }
    }
    check_type::<f32>();
    check_type::<f64>();
    check_type::<Complex64>();
    let mut random = Random(12);
    let mut array = |shape: &[usize]| Array::from_fn(shape, |_| random.bits() as i8);
    let (a, b, d) = (array(&[20, 30]), array(&[30, 40]), array(&[40]));
    let factors = [3_i8, -100].map(|x| Array::new(&[], vec![x]));
    let plain = call(Routine::Matmul, &Params::default(), &[&a, &b], 1).unwrap()[0].array::<i8>();
    let operands: [&dyn Operand; 5] = [&a, &b, &d, &factors[0], &factors[1]];
    let got = call(Routine::Gemm, &Params::default(), &operands, 1).unwrap()[0].array::<i8>();
    for p in positions(&[20, 40]) {
        let want = plain.get(&p).wrapping_mul(3).wrapping_add(d.get(&p[1..]).wrapping_mul(-100));
        assert_eq!(got.get(&p), want);
    }
    let wide = Array::new(&[2, 20, 40], vec![0_i8; 1600]);
    let operands: [&dyn Operand; 5] = [&a, &b, &wide, &factors[0], &factors[1]];
    assert!(call(Routine::Gemm, &Params::default(), &operands, 1).is_err());
}

#[test]
fn products_with_the_own_transpose_are_symmetric() {
    fn check_type<T: Number>() {
        let mut random = Random(13);
        for (m, k) in [(5, 7), (40, 30), (96, 10), (97, 300), (300, 200), (700, 20)] {
            let x = random.array::<T>(&[m, k]);
            let other = x.clone();
            let (t, apart) = (Swapped::new(&x), Swapped::new(&other));
            for threads in [1, 3] {
                let run = |a: &dyn Operand, b: &dyn Operand| {
                    call(Routine::Matmul, &Params::default(), &[a, b], threads).unwrap()[0].array::<T>()
                };
                for (gram, plain) in [(run(&x, &t), run(&x, &apart)), (run(&t, &x), run(&apart, &x))] {
                    Matrix::of(&gram, 0).assert_near(&Matrix::of(&plain, 0), 8.0 * T::EPSILON);
                    for p in positions(&gram.shape) {
                        assert_eq!(gram.get(&p), gram.get(&[p[1], p[0]]));
                    }
                    let d = random.array::<T>(&gram.shape);
                    let one = Array::new(&[], vec![T::one()]);
                    let (a, b): (&dyn Operand, &dyn Operand) =
                        if gram.shape[0] == m { (&x, &t) } else { (&t, &x) };
                    let sum = call(Routine::Gemm, &Params::default(), &[a, b, &d, &one, &one], threads);
                    let sum = sum.unwrap()[0].array::<T>();
                    for p in positions(&gram.shape) {
                        assert_eq!(sum.get(&p), T::narrow(gram.get(&p).wide() + d.get(&p).wide()));
                    }
                    assert_eq!(gemm_over([a, b], &d, [&one, &one], threads).data, sum.data);
                }
            }
        }
    }
    check_type::<f32>();
    check_type::<f64>();
    check_type::<Complex64>();
}

/// A matrix in the memory of another, with its axes exchanged.
struct Swapped<'a, T> {
    of: &'a Array<T>,
    shape: [usize; 2],
    strides: [isize; 2],
}

impl<T> Swapped<'_, T> {
    fn new(of: &Array<T>) -> Swapped<'_, T> {
        Swapped { of, shape: [of.shape[1], of.shape[0]], strides: [of.strides[1], of.strides[0]] }
    }
}

impl<T: Number> Operand for Swapped<'_, T> {
    fn input(&self) -> Input<'_> {
        let first = self.of.data.as_ptr().wrapping_add(self.of.first);
        // SAFETY: the elements of the other matrix.
        unsafe { Input::new(T::DTYPE, &self.shape, &self.strides, first.cast()) }
    }
}

#[test]
fn wrong_operands_are_refused() {
    let a = Array::new(&[2, 3], vec![0.0; 6]);
    let b = Array::new(&[2, 3], vec![0.0; 6]);
    assert!(call(Routine::Matmul, &Params::default(), &[&a, &b], 1).is_err());
    assert!(call(Routine::Matmul, &Params::default(), &[&a], 1).is_err());
    assert!(
        call(Routine::Matmul, &Params::default(), &[&a, &Array::new(&[3, 1], vec![0_i64; 3])], 1).is_err()
    );
}
