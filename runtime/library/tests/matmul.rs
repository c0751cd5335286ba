//! Matrix products against the definition.

mod support;

use frit_library::{Params, Routine};
use num_complex::{Complex32, Complex64};
use support::{Array, Matrix, Number, Random, SIZES, call};

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
