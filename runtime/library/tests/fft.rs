//! Transforms against the definition.

mod support;

use frit_library::{Params, Routine, plan};
use num_complex::{Complex32, Complex64};
use std::f64::consts::TAU;
use support::{Array, Number, Random, call, positions};

/// The definition, along an axis, with zero-padding or cutting to `n`.
fn transform<T: Number>(x: &Array<T>, axis: usize, n: usize, sign: f64, scale: f64) -> Array<Complex64> {
    let mut shape = x.shape.clone();
    shape[axis] = n;
    Array::from_fn(&shape, |p| {
        let mut p = p.to_vec();
        let k = p[axis];
        let mut sum = Complex64::ZERO;
        for j in 0..n.min(x.shape[axis]) {
            p[axis] = j;
            sum += x.get(&p).wide() * Complex64::cis(sign * TAU * ((j * k) % n) as f64 / n as f64);
        }
        sum * scale
    })
}

fn assert_near<T: Number>(got: &Array<T>, want: &Array<Complex64>) {
    assert_eq!(got.shape, want.shape);
    let scale = want.data.iter().map(|x| x.norm()).fold(1.0, f64::max);
    for p in positions(&got.shape) {
        let error = (got.get(&p).wide() - want.get(&p)).norm();
        assert!(error <= 60.0 * T::EPSILON * scale, "{error:e} at {p:?}");
    }
}

fn check<R: Number, C: Number>(shape: &[usize], axis: usize, n: usize, threads: usize) {
    let mut random = Random(n as u64);
    let params = Params { axis, n, scale: 0.5, ..Params::default() };
    let x = random.array::<C>(shape);
    for view in [x.clone(), x.transposed(), x.backwards()] {
        let y = call(Routine::Fft, &params, &[&view], threads).unwrap()[0].array::<C>();
        assert_near(&y, &transform(&x, axis, n, -1.0, 0.5));
        let y = call(Routine::Ifft, &params, &[&view], threads).unwrap()[0].array::<C>();
        assert_near(&y, &transform(&x, axis, n, 1.0, 0.5));
        // The inverse of the real transform is that of the Hermitian spectrum which the input begins.
        let y = call(Routine::Irfft, &params, &[&view], threads).unwrap()[0].array::<R>();
        let mut whole = shape.to_vec();
        whole[axis] = n;
        let whole = Array::from_fn(&whole, |p| {
            let mut p = p.to_vec();
            let mirrored = p[axis] > n / 2;
            if mirrored {
                p[axis] = n - p[axis];
            }
            let v = if p[axis] < shape[axis] { x.get(&p).wide() } else { Complex64::ZERO };
            let real = p[axis] == 0 || 2 * p[axis] == n;
            Complex64::new(
                v.re,
                if real {
                    0.0
                } else if mirrored {
                    -v.im
                } else {
                    v.im
                },
            )
        });
        assert_near(&y, &transform(&whole, axis, n, 1.0, 0.5));
    }
    let x = random.array::<R>(shape);
    for view in [x.clone(), x.transposed(), x.backwards()] {
        let y = call(Routine::Rfft, &params, &[&view], threads).unwrap()[0].array::<C>();
        let mut want = transform(&x, axis, n, -1.0, 0.5);
        want.shape[axis] = n / 2 + 1;
        assert_near(&y, &want);
    }
}

#[test]
fn all_small_lengths() {
    for n in (1..40).chain([64, 97, 100, 101, 128, 210, 211, 289]) {
        check::<f64, Complex64>(&[n], 0, n, 1);
        check::<f32, Complex32>(&[n], 0, n, 1);
    }
}

#[test]
fn axes_padding_and_cutting() {
    for n in [1, 4, 7, 12] {
        for axis in 0..3 {
            check::<f64, Complex64>(&[3, 7, 5], axis, n, 1);
        }
    }
    check::<f64, Complex64>(&[0, 4], 1, 4, 1);
    check::<f64, Complex64>(&[4, 0], 1, 4, 1);
    check::<f64, Complex64>(&[33, 40], 0, 33, 1);
}

#[test]
fn rows_on_two_threads() {
    check::<f64, Complex64>(&[300, 64], 1, 64, 2);
    check::<f32, Complex32>(&[64, 300], 0, 61, 2);
}

#[test]
fn large_lengths_fit_their_workspace() {
    // The workspace of lengths above 65536 is a bound rather than the plan's own figure. A panic or an error would show.
    for n in [65_537, 65_536 * 2, 3 * 5 * 7 * 11 * 64, 100_003, 2 * 50_021, 331 * 337, 96 * 1021, 1_000_003] {
        let mut random = Random(1);
        let x = random.array::<Complex64>(&[n]);
        let params = Params { n, ..Params::default() };
        let y = call(Routine::Fft, &params, &[&x], 1).unwrap()[0].array::<Complex64>();
        let params = Params { scale: 1.0 / n as f64, ..params };
        let z = call(Routine::Ifft, &params, &[&y], 1).unwrap()[0].array::<Complex64>();
        assert!(x.data.iter().zip(&z.data).all(|(a, b)| (a - b).norm() < 1e-12));
        let x = random.array::<f32>(&[n]);
        let y = call(Routine::Rfft, &params, &[&x], 1).unwrap()[0].array::<Complex32>();
        let params = Params { scale: 1.0, ..params };
        let z = call(Routine::Irfft, &params, &[&y], 1).unwrap()[0].array::<f32>();
        assert!(x.data.iter().zip(&z.data).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}

#[test]
fn no_points_are_an_error() {
    let x = Array::new(&[0], Vec::<Complex64>::new());
    let error = call(Routine::Fft, &Params::default(), &[&x], 1).err().unwrap();
    assert_eq!(error.0, "Invalid number of FFT data points (0) specified.");
    let real = Array::new(&[2], vec![1.0, 2.0]);
    assert!(call(Routine::Fft, &Params { n: 2, ..Params::default() }, &[&real], 1).is_err());
    assert!(call(Routine::Rfft, &Params { n: 2, axis: 1, ..Params::default() }, &[&real], 1).is_err());
}

#[test]
fn plans_of_large_lengths_are_cheap() {
    let params = Params { n: 1 << 30, ..Params::default() };
    // Tables of this length would take gigabytes, and seconds to fill: only their size is asked for.
    let plan = plan(Routine::Fft, &params, frit_library::DType::C128, &[&[1 << 30]], 1).unwrap();
    assert!(plan.workspace + plan.hidden >= 16 << 30);
}
