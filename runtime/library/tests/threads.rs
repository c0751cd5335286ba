//! Results do not depend on the number of threads: the same bits.

mod support;

use frit_library::{Params, Routine};
use num_complex::Complex64;
use support::{Array, Matrix, Number, Operand, Random, call};

fn bits(routine: Routine, params: &Params, operands: &[&dyn Operand]) {
    let run = |threads| -> Vec<Vec<u8>> {
        call(routine, params, operands, threads).unwrap().iter().map(support::Buffer::bytes).collect()
    };
    let one = run(1);
    for threads in [2, 3, 5] {
        assert!(
            one == run(threads),
            "{} {:?} on {threads} threads",
            routine.name(),
            operands[0].input().shape()
        );
    }
}

fn products<T: Number>(random: &mut Random) {
    for (m, k, n) in [(128, 128, 128), (300, 600, 200), (1100, 70, 40), (1, 1000, 1500), (2000, 900, 1)] {
        let (a, b) = (random.array::<T>(&[m, k]), random.array::<T>(&[k, n]));
        bits(Routine::Matmul, &Params::default(), &[&a, &b]);
        bits(Routine::Matmul, &Params::default(), &[&a.transposed(), &b.transposed()]);
    }
    let (a, b) = (random.array::<T>(&[40, 30, 50]), random.array::<T>(&[40, 50, 20]));
    bits(Routine::Matmul, &Params::default(), &[&a, &b]);
    let (d, one) = (random.array::<T>(&[30, 20]), Array::new(&[], vec![T::one()]));
    bits(Routine::Gemm, &Params::default(), &[&a, &b, &d, &one, &one]);
}

#[test]
fn matrix_products() {
    let mut random = Random(1);
    products::<f32>(&mut random);
    products::<f64>(&mut random);
    products::<Complex64>(&mut random);
}

#[test]
fn stacks_of_matrices() {
    let mut random = Random(2);
    let a = random.array::<f64>(&[30, 40, 40]);
    let spd = Array::from_fn(&[30, 40, 40], |p| {
        let m = Matrix::of(&a, p[0]);
        (m.at(p[1], p[2]) + m.at(p[2], p[1])).re + if p[1] == p[2] { 200.0 } else { 0.0 }
    });
    for routine in [
        Routine::Inv,
        Routine::Solve,
        Routine::SolvePosdef,
        Routine::SolveTriangular,
        Routine::Cholesky,
        Routine::Lu,
        Routine::Det,
        Routine::Slogdet,
        Routine::Qr,
        Routine::Svd,
        Routine::Svdvals,
        Routine::Eigh,
        Routine::Eigvalsh,
        Routine::Eig,
        Routine::Eigvals,
    ] {
        let operands: [&dyn Operand; 2] = [&spd, &a];
        bits(routine, &Params::default(), &operands[..routine.inputs()]);
    }
}

#[test]
fn rows() {
    let mut random = Random(3);
    for (shape, axis) in [([300, 130], 0), ([300, 130], 1), ([7, 5000], 1), ([5000, 7], 0)] {
        let n = shape[axis];
        let params = Params { axis, n, ..Params::default() };
        let x = random.array::<f64>(&shape);
        for routine in [Routine::Rfft, Routine::Sort, Routine::Argsort] {
            bits(routine, &params, &[&x]);
        }
        let z = random.array::<Complex64>(&shape);
        for routine in [Routine::Fft, Routine::Ifft, Routine::Irfft] {
            bits(routine, &params, &[&z]);
        }
    }
    let (x, kth) = (random.array::<f64>(&[300, 130]), Array::new(&[3], vec![5_i64, 70, 70]));
    for routine in [Routine::OrderStatistics, Routine::ArgOrderStatistics] {
        bits(routine, &Params { axis: 1, ..Params::default() }, &[&x, &kth]);
    }
    let sorted = Array::from_fn(&[1000], |p| p[0] as f64 / 500.0 - 1.0);
    bits(Routine::Searchsorted, &Params::default(), &[&sorted, &random.array::<f64>(&[100, 300])]);
}

#[test]
fn the_first_error_is_reported() {
    let mut random = Random(4);
    let mut a = random.array::<f64>(&[200, 20, 20]);
    a.data[150 * 400..151 * 400].fill(0.0);
    for threads in [1, 4] {
        let error = call(Routine::Inv, &Params::default(), &[&a], threads).err().unwrap();
        assert_eq!(error.0, "Singular matrix");
    }
}
