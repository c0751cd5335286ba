//! Loops of the plan: bodies with library calls, nested, with sizes that depend on the indices, against `ndarray`. The
//! projection must cover every iteration.

use frit::{Array, DType, Jit, cond, fori_loop, jit, spec};
use frit_ir::plan::Step;
use ndarray::{Array1, Array2, s};

fn matrix(n: usize, m: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, m), |(i, j)| ((i * 31 + j * 17) % 23) as f64 / 8.0 - 1.0)
}

fn close(got: &ndarray::ArrayD<f64>, want: &ndarray::ArrayD<f64>) {
    assert_eq!(got.shape(), want.shape());
    for (x, y) in got.iter().zip(want) {
        assert!((x - y).abs() <= 1e-9 * y.abs().max(1.0), "{x} != {y}");
    }
}

/// Runs; checks the result and the contract of the projection.
fn check<P, F: frit::Traceable<P>>(f: &Jit<F, P>, a: &Array2<f64>, want: &Array2<f64>, slack: f64) {
    let projected = f.memory((a,)).unwrap().peak_bytes;
    let (outputs, peak) = f.call_with((a,), &Default::default()).unwrap();
    close(&outputs[0].to_array::<f64>().unwrap(), &want.clone().into_dyn());
    assert!(projected >= peak, "projected {projected}, measured {peak}");
    assert!(projected as f64 <= slack * peak as f64, "projected {projected}, measured {peak}");
}

/// Depth of `for` steps.
fn depth(steps: &[Step]) -> usize {
    let of = |s: &Step| if let Step::For { body, .. } = s { 1 + depth(body) } else { 0 };
    steps.iter().map(of).max().unwrap_or(0)
}

fn plan_depth<P, F: frit::Traceable<P>>(f: &Jit<F, P>, n: usize) -> usize {
    depth(&f.explain(&[spec(&[n, n], DType::F64)]).unwrap().program.plan.steps)
}

#[test]
fn the_inner_body_sees_the_outer_index() {
    // Above 8, so that the product stays a library call.
    let n = 11;
    let f = jit(|a: Array| {
        let n = a.shape()[0].clone();
        let [out] = fori_loop(0, n.clone(), [a * 0.0], |i, [out]| {
            fori_loop(0, n.clone(), [out], |j, [out]| {
                // A product of a row's head and a column's tail, both of index-dependent size.
                let left = a.at((i.dim()..i.dim() + 1, ..)).exp();
                let right = a.at((.., j.dim()..j.dim() + 1)).exp();
                let p = left.matmul(right);
                [out.set(
                    (i.dim()..i.dim() + 1, j.dim()..j.dim() + 1),
                    p + (i.array() * 10 + j.array()).astype(DType::F64),
                )]
            })
        });
        out
    });
    let a = matrix(n, n);
    let e = a.mapv(f64::exp);
    let mut want = e.dot(&e);
    for ((i, j), v) in want.indexed_iter_mut() {
        *v += (i * 10 + j) as f64;
    }
    assert_eq!(plan_depth(&f, n), 2, "meant to be loops of the plan");
    check(&f, &a, &want, 1.1);
}

#[test]
fn three_levels() {
    let n = 4;
    let f = jit(|a: Array| {
        let n = a.shape()[0].clone();
        let [out] = fori_loop(0, n.clone(), [a * 0.0], |i, [out]| {
            fori_loop(0, i.dim() + 1, [out], |j, [out]| {
                fori_loop(j.dim(), n.clone(), [out], |k, [out]| {
                    let left = a.at((.., k.dim()..k.dim() + 1)).exp();
                    let right = a.at((j.dim()..j.dim() + 1, ..)).exp();
                    [out + left.matmul(right) * (i.array() + 1).astype(DType::F64)]
                })
            })
        });
        out
    });
    let a = matrix(n, n);
    let e = a.mapv(f64::exp);
    let mut want = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        for j in 0..=i {
            for k in j..n {
                let p = e.slice(s![.., k..k + 1]).dot(&e.slice(s![j..j + 1, ..]));
                want = want + p * (i + 1) as f64;
            }
        }
    }
    assert_eq!(plan_depth(&f, n), 3);
    check(&f, &a, &want, 1.1);
}

#[test]
fn temporaries_that_grow_shrink_or_do_both() {
    let n = 40;
    let a = matrix(n, n);
    // Heads: n x i and i x n.
    let grow = jit(|a: Array| {
        let n = a.shape()[0].clone();
        let [out] = fori_loop(0, n, [a * 0.0], |i, [out]| {
            let left = (a.at((.., 0.into()..i.dim())) * 0.5).exp();
            [out + left.matmul((a.at((0.into()..i.dim(), ..)) * 0.25).exp())]
        });
        out
    });
    let mut want = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        let l = a.slice(s![.., ..i]).mapv(|v| (v * 0.5).exp());
        want = want + l.dot(&a.slice(s![..i, ..]).mapv(|v| (v * 0.25).exp()));
    }
    check(&grow, &a, &want, 1.1);
    // Tails.
    let shrink = jit(|a: Array| {
        let n = a.shape()[0].clone();
        let [out] = fori_loop(0, n.clone(), [a * 0.0], |i, [out]| {
            let left = (a.at((.., i.dim()..n.clone())) * 0.5).exp();
            [out + left.matmul((a.at((i.dim()..n.clone(), ..)) * 0.25).exp())]
        });
        out
    });
    let mut want = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        let l = a.slice(s![.., i..]).mapv(|v| (v * 0.5).exp());
        want = want + l.dot(&a.slice(s![i.., ..]).mapv(|v| (v * 0.25).exp()));
    }
    check(&shrink, &a, &want, 1.1);
    // Head times head, and tail times tail: the peak is at neither end.
    let both = jit(|a: Array| {
        let n = a.shape()[0].clone();
        let [out] = fori_loop(0, n.clone(), [a * 0.0], |i, [out]| {
            let head = (a.at((0.into()..i.dim(), i.dim()..n.clone())) * 0.5).exp();
            let tail = (a.at((i.dim()..n.clone(), 0.into()..i.dim())) * 0.25).exp();
            [out + head.matmul(tail).sum(())]
        });
        out
    });
    let mut want = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        let h = a.slice(s![..i, i..]).mapv(|v| (v * 0.5).exp());
        let sum = h.dot(&a.slice(s![i.., ..i]).mapv(|v| (v * 0.25).exp())).sum();
        want += sum;
    }
    check(&both, &a, &want, 1.1);
}

/// Temporaries inside one kernel's loops are sized for every iteration.
#[test]
fn temporaries_of_loops_in_a_kernel() {
    let f = jit(|a: Array| {
        let n = a.shape()[0].clone();
        let [out] = fori_loop(0, n, [a * 0.0], |i, [out]| {
            let head = a.at((i.dim(), 0.into()..i.dim() + 1));
            let sums = head.cumsum(0);
            [out.set((i.dim(), 0.into()..i.dim() + 1), sums + sums.sum(()))]
        });
        out
    });
    let n = 33;
    let a = matrix(n, n);
    let mut want = Array2::<f64>::zeros((n, n));
    for i in 0..n {
        let mut acc = 0.0;
        let sums: Array1<f64> = a.slice(s![i, ..=i]).mapv(|v| {
            acc += v;
            acc
        });
        let total = sums.sum();
        want.slice_mut(s![i, ..=i]).assign(&(sums + total));
    }
    check(&f, &a, &want, 1.1);
}

/// The branches of an `if` do not add up.
#[test]
fn branches_take_turns() {
    let f = jit(|a: Array| {
        let big = a.sum(()).greater(0.0);
        let [out] = cond(
            big,
            || [(a * 2.0).exp().matmul((a * 3.0).exp())],
            || [(a * 4.0).exp().matmul((a * 5.0).exp())],
        );
        out
    });
    let n = 64;
    let a = matrix(n, n);
    let positive = a.sum() > 0.0;
    let (p, q) = if positive { (2.0, 3.0) } else { (4.0, 5.0) };
    let want = a.mapv(|v| (v * p).exp()).dot(&a.mapv(|v| (v * q).exp()));
    check(&f, &a, &want, 1.1);
}

#[test]
fn a_carried_array_is_updated_where_it_is() {
    // A product in the body keeps the loop in the plan.
    let (n, rows) = (64, 16);
    let f = jit(move |a: Array| {
        let [out] = fori_loop(0, 4, [a * 0.0], |i, [out]| {
            let block = (i.dim() * rows..(i.dim() + 1) * rows, ..);
            let product = a.at(block.clone()).matmul(a).exp();
            [out.set(block, product)]
        });
        out
    });
    let a = matrix(n, n);
    check(&f, &a, &a.dot(&a).mapv(f64::exp), 1.1);
    // No second array that takes turns with it.
    let steps = &f.explain(&[spec(&[n, n], DType::F64)]).unwrap().program.plan.outline();
    assert!(!steps.contains("swap"), "{steps}");
}

#[test]
fn stacked_results_are_made_where_they_belong() {
    let (n, rows) = (64, 16);
    let f = jit(move |a: Array| {
        let ([], [out]) = frit::scan(4, [], |i, []| {
            let block = a.at((i.dim() * rows..(i.dim() + 1) * rows, ..));
            ([], [block.matmul(a)])
        });
        out.reshape(&[n, n])
    });
    let a = matrix(n, n);
    check(&f, &a, &a.dot(&a), 1.1);
    let plan = f.explain(&[spec(&[n, n], DType::F64)]).unwrap().program.plan.outline();
    assert!(!plan.contains("launch"), "the product alone: {plan}");
}
