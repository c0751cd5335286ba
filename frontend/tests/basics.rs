//! The Rust API end to end, against values computed by hand or by plain `ndarray`.

use frit::{Array, DType, all, fori_loop, jit, where_};
use ndarray::{Array1, Array2, Axis, array, s};

fn grid(m: usize, n: usize) -> Array2<f64> {
    Array2::from_shape_fn((m, n), |(i, j)| ((i * 31 + j * 17) % 101) as f64 / 7.0 - 5.0)
}

fn close(a: &ndarray::ArrayD<f64>, b: &ndarray::ArrayD<f64>) {
    assert_eq!(a.shape(), b.shape());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= 1e-12 * y.abs().max(1.0) || (x.is_nan() && y.is_nan()), "{x} != {y}");
    }
}

#[test]
fn chains_fuse_and_broadcast() {
    let f = jit(|x: Array, y: Array| (x * 2.0 + y).square() - 1.0);
    for (m, n) in [(1, 1), (3, 5), (64, 33), (200, 300)] {
        let (x, y) = (grid(m, n), grid(1, n));
        let want = (&x * 2.0 + &y).mapv(|v| v * v - 1.0).into_dyn();
        close(&f.call1::<f64>((&x, &y)).unwrap(), &want);
    }
}

#[test]
fn reductions_over_any_axes() {
    let x = grid(70, 333);
    let rows = jit(|x: Array| x.sum(1)).call1::<f64>((&x,)).unwrap();
    close(&rows, &x.sum_axis(Axis(1)).into_dyn());
    let columns = jit(|x: Array| x.sum(0)).call1::<f64>((&x,)).unwrap();
    close(&columns, &x.sum_axis(Axis(0)).into_dyn());
    let total = jit(|x: Array| x.square().sum(())).call1::<f64>((&x,)).unwrap();
    close(&total, &ndarray::arr0(x.mapv(|v| v * v).sum()).into_dyn());
    let big = grid(1000, 1000);
    let total = jit(|x: Array| (x + 1.0).mean(())).call1::<f64>((&big,)).unwrap();
    close(&total, &ndarray::arr0(big.sum() / 1e6 + 1.0).into_dyn());
    let both = jit(|x: Array| (x.max(()), x.argmax(()))).call((&big,)).unwrap();
    let max = big.iter().copied().fold(f64::MIN, f64::max);
    assert_eq!(both[0].to_array::<f64>().unwrap(), ndarray::arr0(max).into_dyn());
    let at = big.iter().position(|v| *v == max).unwrap() as i64;
    assert_eq!(both[1].to_array::<i64>().unwrap(), ndarray::arr0(at).into_dyn());
}

#[test]
fn softmax_is_one_kernel() {
    let f = jit(|x: Array| {
        let e = (x - x.max_keepdims(1)).exp();
        e / e.sum_keepdims(1)
    });
    let x = grid(40, 1000);
    let got = f.call1::<f64>((&x,)).unwrap();
    let mut want = x.clone();
    for mut row in want.rows_mut() {
        let m = row.fold(f64::MIN, |a, b| a.max(*b));
        row.mapv_inplace(|v| (v - m).exp());
        let s = row.sum();
        row.mapv_inplace(|v| v / s);
    }
    close(&got, &want.into_dyn());
    let report = f.explain(&[frit::spec(&[40, 1000], DType::F64)]).unwrap();
    assert_eq!(report.program.plan.kernels.len(), 1, "{report}");
}

#[test]
fn views_of_any_layout() {
    let base = grid(30, 40);
    let f = jit(|x: Array| x.t() + 1.0);
    for view in [base.view(), base.slice(s![..;2, ..;-3]), base.slice(s![5..5, ..]), base.t()] {
        let want = (view.t().to_owned() + 1.0).into_dyn();
        close(&f.call1::<f64>((&view,)).unwrap(), &want);
    }
    let zero_d = jit(|x: Array| x * 2.0).call1::<f64>((&3.0,)).unwrap();
    assert_eq!(zero_d, ndarray::arr0(6.0).into_dyn());
}

#[test]
fn indexing_and_updates() {
    let f = jit(|x: Array| x.set((1..999,), x.at((2..,)) + x.at((..-2,))));
    let x = Array1::from_iter((0..1000).map(f64::from));
    let mut want = x.clone();
    for i in 1..999 {
        want[i] = x[i + 1] + x[i - 1];
    }
    close(&f.call1::<f64>((&x,)).unwrap(), &want.into_dyn());
    let reversed = jit(|x: Array| x.at((all().step(-1),))).call1::<f64>((&x,)).unwrap();
    assert_eq!(reversed[[0]], 999.0);
}

#[test]
fn results_in_place_read_before_they_write() {
    // Each axis' roll is a pass over a temporary that the next pass could overwrite, were it not read elsewhere.
    let x = grid(6, 9);
    let got = jit(|x: Array| x.roll(2, 0).roll(4, 1)).call1::<f64>((&x,)).unwrap();
    let want = Array2::from_shape_fn((6, 9), |(i, j)| x[[(i + 4) % 6, (j + 5) % 9]]);
    close(&got, &want.into_dyn());
    let cube = x.clone().into_shape_with_order((3, 2, 9)).unwrap();
    let got = jit(|x: Array| x.roll(1, 0).roll(1, 1).roll(4, 2)).call1::<f64>((&cube,)).unwrap();
    let want =
        ndarray::Array3::from_shape_fn((3, 2, 9), |(i, j, k)| cube[[(i + 2) % 3, (j + 1) % 2, (k + 5) % 9]]);
    close(&got, &want.into_dyn());
}

#[test]
fn namespace_functions_as_methods() {
    let (x, y) = (grid(4, 5), grid(5, 3));
    let f = jit(|x: Array, y: Array| {
        let rows = x.argsort(1);
        (frit::einsum("ij,jk->ki", &[x, y]), x.take_along_axis(rows, 1) - x.sort(1), x.median(0))
    });
    let r = f.call((&x, &y)).unwrap();
    close(&r[0].to_array::<f64>().unwrap(), &x.dot(&y).reversed_axes().into_dyn());
    assert!(r[1].view::<f64>().unwrap().iter().all(|v| *v == 0.0));
    assert_eq!(r[2].shape(), [5]);
    let pick = jit(|x: Array, i: Array| (x.at((.., i)), x.set((i,), 0.0), x.set((x.greater(0.0),), 1.0)));
    let r = pick.call((&x, &array![3i64, -1])).unwrap();
    assert_eq!(r[0].view::<f64>().unwrap()[[2, 1]], x[[2, 4]]);
    assert!(r[1].view::<f64>().unwrap().index_axis(Axis(0), 3).iter().all(|v| *v == 0.0));
    assert_eq!(r[2].to_array::<f64>().unwrap(), x.mapv(|v| if v > 0.0 { 1.0 } else { v }).into_dyn());
}

#[test]
fn masks_and_integers() {
    let x = array![-2i64, -1, 0, 1, 2];
    let f = jit(|x: Array| (where_(x.less(0), -x, x), x % 3, x << 2, x.floor_divide(2)));
    let r = f.call((&x,)).unwrap();
    let get = |k: usize| r[k].to_array::<i64>().unwrap();
    assert_eq!(get(0), array![2i64, 1, 0, 1, 2].into_dyn());
    assert_eq!(get(1), array![1i64, 2, 0, 1, 2].into_dyn());
    assert_eq!(get(2), array![-8i64, -4, 0, 4, 8].into_dyn());
    assert_eq!(get(3), array![-1i64, -1, 0, 0, 1].into_dyn());
}

#[test]
fn gathers_check_bounds() {
    let f = jit(|x: Array, i: Array| x.take(i, 0));
    let x = array![10.0, 20.0, 30.0];
    let r = f.call1::<f64>((&x, &array![2i64, -1, 0])).unwrap();
    assert_eq!(r, array![30.0, 30.0, 10.0].into_dyn());
    let e = f.call1::<f64>((&x, &array![3i64])).unwrap_err().to_string();
    assert!(e.contains("out of bounds"), "{e}");
}

fn cholesky(a: Array) -> Array {
    let n = a.shape()[0].clone();
    let [a] = fori_loop(0, n, [a], |i, [a]| {
        let [a] = fori_loop(0, i, [a], |j, [a]| {
            let dot = (a.at((i, ..j.dim())) * a.at((j, ..j.dim()))).sum(());
            [a.set((i, j), (a.at((i, j)) - dot) / a.at((j, j)))]
        });
        let row = a.at((i, ..i.dim()));
        [a.set((i, i), (a.at((i, i)) - row.square().sum(())).sqrt())]
    });
    a.tril(0)
}

#[test]
fn cholesky_in_loops_is_one_kernel() {
    let n = 60;
    let b = grid(n, n);
    let spd = b.dot(&b.t()) + Array2::<f64>::eye(n) * 50.0;
    let l = jit(cholesky).call1::<f64>((&spd,)).unwrap().into_dimensionality::<ndarray::Ix2>().unwrap();
    close(&l.dot(&l.t()).into_dyn(), &spd.into_dyn());
}

#[test]
fn while_loops_and_branches() {
    let f = jit(|x: Array| {
        let [r, n] = frit::while_loop(
            |[r, n]| (r.square() - x).absolute().greater(1e-12).logical_and(n.less(50)),
            |[r, n]| [(r + x / r) * 0.5, n + 1],
            [x, frit::zeros::<i32>(&[], DType::I64)],
        );
        let [s] = frit::cond(x.greater(100.0), || [r * 2.0], || [r]);
        (s, n)
    });
    let r = f.call((&2.0,)).unwrap();
    assert!((r[0].to_array::<f64>().unwrap().sum() - 2f64.sqrt()).abs() < 1e-12);
    let r = f.call((&400.0,)).unwrap();
    assert!((r[0].to_array::<f64>().unwrap().sum() - 40.0).abs() < 1e-9);
}

#[test]
fn loops_around_library_calls_run_in_the_plan() {
    let a = grid(8, 8) / 40.0;
    let f = jit(|a: Array| fori_loop(0, 5, [frit::eye(8, DType::F64)], |_, [p]| [p.matmul(a)]));
    let mut want = Array2::<f64>::eye(8);
    for _ in 0..5 {
        want = want.dot(&a);
    }
    close(&f.call1::<f64>((&a,)).unwrap(), &want.into_dyn());
}

#[test]
fn library_calls() {
    let a = grid(20, 20) + Array2::<f64>::eye(20) * 30.0;
    let b = grid(20, 3);
    let x = jit(frit::linalg::solve)
        .call1::<f64>((&a, &b))
        .unwrap()
        .into_dimensionality::<ndarray::Ix2>()
        .unwrap();
    close(&a.dot(&x).into_dyn(), &b.clone().into_dyn());
    let e = jit(frit::linalg::inv).call1::<f64>((&Array2::<f64>::zeros((3, 3)),)).unwrap_err().to_string();
    assert!(e.contains("Singular matrix"), "{e}");
    let sorted = jit(|x: Array| x.sort(0)).call1::<f64>((&array![3.0, f64::NAN, 1.0],)).unwrap();
    assert_eq!((sorted[[0]], sorted[[1]]), (1.0, 3.0));
    let back = jit(|x: Array| frit::fft::irfft(frit::fft::rfft(x, 0), 20, 0));
    let v = b.column(0).to_owned();
    close(&back.call1::<f64>((&v,)).unwrap(), &v.into_dyn());
}

#[test]
fn errors_name_the_line() {
    let line = line!() + 1;
    let f = jit(|x: Array, y: Array| x + y);
    let e = f.call1::<f64>((&grid(2, 3), &grid(4, 5))).unwrap_err().to_string();
    assert!(e.contains(&format!("basics.rs:{line}")), "{e}");
    assert!(e.contains("could not be broadcast together with shapes (2,3) (4,5)"), "{e}");
    let e = jit(|x: Array| x.sum(7)).call1::<f64>((&grid(2, 3),)).unwrap_err().to_string();
    assert!(e.contains("axis 7 is out of bounds for array of dimension 2"), "{e}");
    let e = f.explain(&[]).unwrap_err().to_string();
    assert!(e.contains("takes 2 arguments but 0 were given"), "{e}");
}

/// Kernels of functions of many kinds are the same text for two shapes, although sizes are known when they are traced.
#[test]
fn new_shapes_compile_nothing() {
    type Family = (&'static str, fn(Array, Array) -> Array);
    let families: [Family; 24] = [
        ("chain", |x, y| (x - y) * 3.0 + x.exp()),
        ("rows", |x, y| ((x - y) * 3.0).sum(1).exp()),
        ("columns", |x, y| (x * y).sum(0)),
        ("whole", |x, y| (x * y).mean(())),
        ("extremes", |x, y| (x + y).max(1) - x.min(1)),
        ("position", |x, y| (x * y).argmax(1)),
        ("variance", |x, _| x.var(1, 0.0)),
        ("softmax", |x, _| {
            let e = (x - x.max_keepdims(1)).exp();
            e / e.sum_keepdims(1)
        }),
        ("concatenate", |x, y| frit::concatenate(&[x, y, x * 2.0], 0) + 1.0),
        ("concatenate columns", |x, y| frit::concatenate(&[x, y], 1).sqrt()),
        ("sum of joined", |x, y| frit::concatenate(&[x, y], 1).sum(1)),
        ("pad", |x, _| x.pad(&[(1, 2), (3, 0)], 0.5) * 2.0),
        ("roll", |x, _| x.roll(3, 1) - x),
        ("stack", |x, y| frit::stack(&[x, y], 0) + 1.0),
        ("stencil", |x, _| x.at((1.., ..)) - x.at((..-1, ..))),
        ("halves", |x, y| x.at((all(), 10..)) * y.at((all(), ..-10))),
        ("flip", |x, y| x.flip(1) + y),
        ("transpose", |x, y| (x + y).transpose(&[1, 0]) * 2.0),
        ("merge", |x, y| (x + y).transpose(&[1, 0]).reshape(&[-1]) * 2.0),
        ("tile", |x, _| x.tile(&[2, 3]) + 1.0),
        ("repeat", |x, _| x.repeat(3, Some(1)) + 1.0),
        ("gather", |x, y| x.take(y.argmax(1), 1)),
        ("running sum", |x, y| (x + y).cumsum(1)),
        ("pairs", |x, y| (x.at((.., 0)).expand_dims(1) - y.at((0, ..)).expand_dims(0)).square().sum(1)),
    ];
    for (name, family) in families {
        let f = jit(move |x: Array, y: Array| family(x, y));
        let kernels = |m: usize, n: usize| {
            let spec = frit::spec(&[m, n], DType::F64);
            let report = f.explain(&[spec.clone(), spec]).unwrap();
            assert!(!report.program.plan.kernels.is_empty(), "{name}");
            report.dump("kernels").unwrap()
        };
        assert_eq!(kernels(300, 900), kernels(217, 1400), "{name}");
    }
}

#[test]
fn projection_is_what_is_measured() {
    let f = jit(|x: Array| {
        let y = x.exp().matmul(x);
        (y - y.mean(())).sum(0)
    });
    let x = grid(100, 100);
    let projected = f.memory((&x,)).unwrap().peak_bytes;
    let (_, measured) = f.call_with((&x,), &Default::default()).unwrap();
    assert!(projected >= measured && projected as f64 <= 1.1 * measured as f64, "{projected} {measured}");
}
