//! Loops, addresses, control flow and staging, one kernel per feature, against the interpreter.
#![allow(clippy::cloned_ref_to_slice_refs, reason = "a list of index expressions reads as one")]

mod common;

use common::{Array, Builder, Rng, Within, call, check, check_compiled};
use frit_codegen::{Backend, cranelift::Cranelift};
use frit_ir::kernel::{Fault, LoopKind, val_symbol};
use frit_ir::{DType, Dim, Prim, Scalar};

fn random(t: DType, n: usize, strides: &[i64], seed: u64) -> Array {
    let mut rng = Rng(seed);
    let mut a = Array::blank(t, n, strides);
    for i in 0..n as i64 {
        a.set(i, rng.scalar(t));
    }
    a
}

#[test]
fn every_trip_count_has_its_tail() {
    for t in [DType::F64, DType::F32, DType::I64, DType::I32, DType::U8, DType::Bool] {
        let mut b = Builder::new("tails");
        let (x, y) = (b.buffer(t, 1, true), b.buffer(t, 1, true));
        let n = b.size("n");
        let lo = b.size("lo");
        b.for_(LoopKind::Vector, "i", lo, n, |b, i| {
            let v = b.load(x, &[i.clone()]);
            let w = b.let_(Prim::Max, &[v, v]);
            b.store(y, &[i], w);
        });
        let k = b.finish();
        let code = Cranelift::new().unwrap().compile(&k).unwrap();
        for n in 0..34 {
            for lo in 0..3 {
                let arrays = [random(t, 40, &[1], 7), Array::blank(t, 40, &[1])];
                check_compiled(&code, &k, &arrays, &[n, lo], Within::Bits);
            }
        }
    }
}

#[test]
fn strides_of_either_sign_and_zero() {
    for t in [DType::F64, DType::F32, DType::I16] {
        let mut b = Builder::new("strides");
        let (x, y) = (b.buffer(t, 1, false), b.buffer(t, 1, false));
        let n = b.size("n");
        b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
            let v = b.load(x, &[i.clone()]);
            let w = b.let_(Prim::Add, &[v, v]);
            b.store(y, &[i], w);
        });
        let k = b.finish();
        let code = Cranelift::new().unwrap().compile(&k).unwrap();
        for (sx, sy) in [(1, 1), (2, -1), (-3, 1), (0, 2), (1, 3)] {
            for n in [0, 1, 5, 20] {
                let mut x = random(t, 80, &[sx], 3);
                let mut y = Array::blank(t, 80, &[sy]);
                x.offset += if sx < 0 { 79 } else { 0 };
                y.offset += if sy < 0 { 79 } else { 0 };
                check_compiled(&code, &k, &[x, y], &[n], Within::Bits);
            }
        }
    }
}

#[test]
fn indices_run_backwards_and_repeat() {
    let mut b = Builder::new("reverse");
    let (x, y) = (b.buffer(DType::F64, 1, true), b.buffer(DType::F64, 2, true));
    let n = b.size("n");
    b.for_(LoopKind::Parallel, "i", 0, n.clone(), |b, i| {
        b.for_(LoopKind::Vector, "j", 0, n.clone(), |b, j| {
            let back = b.load(x, &[&n - &j - 1]);
            let middle = b.load(x, &[j.floor_div(&2.into())]);
            let same = b.load(x, &[i.clone()]);
            let around = b.load(x, &[(&i + &j).modulo(&n)]);
            let mut s = b.let_(Prim::Add, &[back, middle]);
            s = b.let_(Prim::Sub, &[s, same]);
            s = b.let_(Prim::Mul, &[s, around]);
            b.store(y, &[i.clone(), j], s);
        });
    });
    let k = b.finish();
    for n in [0, 1, 2, 9, 17] {
        let arrays = [random(DType::F64, 20, &[1], 5), Array::blank(DType::F64, 400, &[20, 1])];
        check(&k, &arrays, &[n], Within::Bits);
    }
}

#[test]
fn gathers_and_reports_indices_out_of_bounds() {
    let mut b = Builder::new("gather");
    let (x, at, y) =
        (b.buffer(DType::F64, 1, false), b.buffer(DType::I64, 1, true), b.buffer(DType::F64, 1, true));
    let n = b.size("n");
    let m = b.size("m");
    b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
        let k = b.load(at, &[i.clone()]);
        let (zero, end) = (b.index(0.into()), b.index(m.clone()));
        let (above, below) = (b.let_(Prim::Le, &[zero, k]), b.let_(Prim::Lt, &[k, end]));
        let inside = b.let_(Prim::And, &[above, below]);
        b.check(inside, Fault::IndexOutOfBounds);
        let safe = b.let_(Prim::Select, &[inside, k, zero]);
        let v = b.load(x, &[Dim::symbol(&val_symbol(safe))]);
        b.store(y, &[i], v);
    });
    let k = b.finish();
    for bad in [None, Some(0), Some(3), Some(16), Some(18)] {
        let mut at: Vec<i64> = (0..19).map(|i| (i * 7) % 10).collect();
        bad.iter().for_each(|i| at[*i] = 10 - 11 * (*i as i64 % 2));
        let at: Vec<Scalar> = at.iter().map(|v| Scalar::from_i64(DType::I64, *v)).collect();
        let arrays = [random(DType::F64, 30, &[3], 5), Array::of(&at), Array::blank(DType::F64, 19, &[1])];
        let code = Cranelift::new().unwrap().compile(&k).unwrap();
        let (status, _) = call(&code, &k, &arrays, &[19, 10], (0, 0));
        assert_eq!(Fault::from_status(status), bad.map(|_| Fault::IndexOutOfBounds));
        check_compiled(&code, &k, &arrays, &[19, 10], Within::Bits);
    }
}

#[test]
fn accumulates_each_combining_primitive() {
    let reals = [DType::F64, DType::F32, DType::I64, DType::I32, DType::U8, DType::U64, DType::Bool];
    for t in reals {
        for op in [Prim::Add, Prim::Mul, Prim::Min, Prim::Max, Prim::And, Prim::Or] {
            let Ok(_) = op.result(&[t, t], None) else { continue };
            let mut b = Builder::new("reduce");
            let (x, y) = (b.buffer(t, 2, true), b.buffer(t, 1, true));
            let (m, n) = (b.size("m"), b.size("n"));
            b.for_(LoopKind::Parallel, "i", 0, m, |b, i| {
                let v = b.var(Scalar::one(t));
                b.for_(LoopKind::Vector, "j", 0, n, |b, j| {
                    let e = b.load(x, &[i.clone(), j]);
                    b.accumulate(v, op, e);
                });
                let r = b.get(v);
                b.store(y, &[i], r);
            });
            let k = b.finish();
            let code = Cranelift::new().unwrap().compile(&k).unwrap();
            for n in [0, 1, 2, 3, 7, 8, 16, 33, 40] {
                // Small whole numbers: sums and products are exact, so that any order gives the same.
                let mut x = Array::blank(t, 120, &[40, 1]);
                (0..120).for_each(|i| {
                    x.set(
                        i,
                        Scalar::from_i64(
                            t,
                            [1, 2, 1, -1, 0, 1][i as usize % if op == Prim::Mul { 4 } else { 6 }],
                        ),
                    )
                });
                let arrays = [x, Array::blank(t, 3, &[1])];
                check_compiled(&code, &k, &arrays, &[3, n], Within::Bits);
            }
        }
    }
}

#[test]
fn extremes_keep_nan_and_skip_what_replaces_it() {
    for t in [DType::F64, DType::F32] {
        for (op, identity) in [(Prim::Min, f64::INFINITY), (Prim::Max, f64::NEG_INFINITY)] {
            // Elements as they are; NaN replaced by what the extreme does not notice, or by what it does.
            for replaced in [None, Some(identity), Some(-identity), Some(0.0)] {
                let mut b = Builder::new("extreme");
                let (x, y) = (b.buffer(t, 1, true), b.buffer(t, 1, true));
                let (lo, n) = (b.size("lo"), b.size("n"));
                let v = b.var(Scalar::from_f64(t, identity));
                let other = b.constant(Scalar::from_f64(t, replaced.unwrap_or_default()));
                b.for_(LoopKind::Vector, "i", lo, n, |b, i| {
                    let mut e = b.load(x, &[i]);
                    if replaced.is_some() {
                        let nan = b.let_(Prim::Ne, &[e, e]);
                        e = b.let_(Prim::Select, &[nan, other, e]);
                    }
                    b.accumulate(v, op, e);
                });
                let r = b.get(v);
                b.store(y, &[0.into()], r);
                let k = b.finish();
                let code = Cranelift::new().unwrap().compile(&k).unwrap();
                for (lo, n) in (0..3).flat_map(|lo| [0, 1, 2, 3, 5, 8, 13, 37].map(|n| (lo, n))) {
                    for at in 0..=n {
                        let mut values: Vec<f64> = (0..37).map(|i| f64::from(i * 7 % 11 - 5)).collect();
                        if let Some(v) = values.get_mut(at as usize) {
                            *v = f64::NAN;
                        }
                        let x = Array::floats(t, &values);
                        check_compiled(&code, &k, &[x, Array::blank(t, 1, &[1])], &[lo, n], Within::Bits);
                    }
                    let none = Array::floats(t, &[f64::NAN; 37]);
                    check_compiled(&code, &k, &[none, Array::blank(t, 1, &[1])], &[lo, n], Within::Bits);
                }
            }
        }
    }
}

#[test]
fn control_flow_and_variables() {
    // Collatz steps of 1..=n, with a cap through `if`.
    let mut b = Builder::new("collatz");
    let y = b.buffer(DType::I64, 1, true);
    let n = b.size("n");
    b.for_(LoopKind::Serial, "i", 0, n, |b, i| {
        let one = b.constant(Scalar::one(DType::I64));
        let two = b.constant(Scalar::from_i64(DType::I64, 2));
        let zero = b.constant(Scalar::zero(DType::I64));
        let (v, steps) = (b.var(Scalar::zero(DType::I64)), b.var(Scalar::zero(DType::I64)));
        let start = b.index(&i + &1.into());
        b.set(v, start);
        b.while_(
            |b| {
                let x = b.get(v);
                b.let_(Prim::Ne, &[x, one])
            },
            |b| {
                let x = b.get(v);
                let r = b.let_(Prim::IRem, &[x, two]);
                let even = b.let_(Prim::Eq, &[r, zero]);
                b.if_(
                    even,
                    |b| {
                        let h = b.let_(Prim::IDiv, &[x, two]);
                        b.set(v, h);
                    },
                    |b| {
                        let d = b.let_(Prim::Add, &[x, x]);
                        let t = b.let_(Prim::Add, &[d, x]);
                        let u = b.let_(Prim::Add, &[t, one]);
                        b.set(v, u);
                    },
                );
                let s = b.get(steps);
                let s = b.let_(Prim::Add, &[s, one]);
                b.set(steps, s);
            },
        );
        let s = b.get(steps);
        b.store(y, &[i], s);
    });
    let got = check(&b.finish(), &[Array::blank(DType::I64, 30, &[1])], &[30], Within::Bits);
    assert_eq!(got[0].get(26).as_i64(), 111);
}

#[test]
fn triangular_loops() {
    let k = common::cholesky();
    let n = 13i64;
    let mut a = Array::blank(DType::F64, (n * n) as usize, &[n, 1]);
    for i in 0..n {
        for j in 0..n {
            let v = if i == j { n as f64 + 1.0 } else { 1.0 / (1.0 + (i - j).abs() as f64) };
            a.set(i * n + j, Scalar::from_f64(DType::F64, v));
        }
    }
    check(&k, &[a], &[n], Within::Ulp(64.0));
}

#[test]
fn scratch_holds_a_row() {
    let mut b = Builder::new("softmax");
    common::softmax(&mut b);
    let k = b.finish();
    for n in [1, 2, 7, 40, 300] {
        let x = random(DType::F64, 3 * n as usize, &[n, 1], 11);
        let mut x = x;
        (0..3 * n).for_each(|i| {
            let v = x.get(i).as_f64();
            x.set(i, Scalar::from_f64(DType::F64, if v.abs() < 5.0 { v } else { 1.0 }));
        });
        let y = Array::blank(DType::F64, 3 * n as usize, &[n, 1]);
        check(&k, &[x, y], &[3, n], Within::Ulp(64.0));
    }
}

#[test]
fn staged_functions() {
    // Functions of functions, operands reused later, an invariant operand, two accumulations.
    for t in [DType::F64, DType::F32] {
        let mut b = Builder::new("staged");
        let (x, y, s) = (b.buffer(t, 1, true), b.buffer(t, 1, true), b.buffer(t, 1, true));
        let (lo, n) = (b.size("lo"), b.size("n"));
        let (sum, top) = (b.var(Scalar::zero(t)), b.var(Scalar::zero(t)));
        let exponent = b.constant(Scalar::from_f64(t, 1.5));
        b.for_(LoopKind::Vector, "i", lo, n, |b, i| {
            let v = b.load(x, &[i.clone()]);
            let a = b.let_(Prim::Abs, &[v]);
            let p = b.let_(Prim::Pow, &[a, exponent]);
            let neg = b.let_(Prim::Neg, &[p]);
            let e = b.let_(Prim::Exp, &[neg]);
            let c = b.let_(Prim::Cos, &[a]);
            let m = b.let_(Prim::Atan2, &[c, e]);
            let r = b.let_(Prim::Add, &[m, v]);
            let r = b.let_(Prim::Add, &[r, p]);
            b.accumulate(sum, Prim::Add, e);
            b.accumulate(top, Prim::Max, c);
            b.store(y, &[i], r);
        });
        for (k, v) in [sum, top].into_iter().enumerate() {
            let r = b.get(v);
            b.store(s, &[k.into()], r);
        }
        let k = b.finish();
        let code = Cranelift::new().unwrap().compile(&k).unwrap();
        for n in [0, 1, 5, 255, 256, 257, 700] {
            let mut x = Array::blank(t, 700, &[1]);
            let mut rng = Rng(3);
            (0..700).for_each(|i| x.set(i, Scalar::from_f64(t, rng.float())));
            let arrays = [x, Array::blank(t, 700, &[1]), Array::blank(t, 2, &[1])];
            for lo in [0, 3] {
                check_compiled(&code, &k, &arrays, &[lo, n], Within::Ulp(2000.0));
            }
        }
    }
}

#[test]
fn staging_keeps_loads_before_and_after_stores() {
    // In place: `x` is stored before a later use of the loaded value, and (second kernel) loaded again afterwards.
    for reload in [false, true] {
        let mut b = Builder::new("inplace");
        let (x, y, z) =
            (b.buffer(DType::F64, 1, true), b.buffer(DType::F64, 1, true), b.buffer(DType::F64, 1, true));
        let n = b.size("n");
        b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
            let v = b.load(x, &[i.clone()]);
            let e = b.let_(Prim::Sin, &[v]);
            b.store(x, &[i.clone()], e);
            b.store(y, &[i.clone()], v);
            let again = if reload { b.load(x, &[i.clone()]) } else { v };
            let c = b.let_(Prim::Cos, &[again]);
            b.store(z, &[i], c);
        });
        let k = b.finish();
        let values: Vec<f64> = (0..300).map(|i| i as f64 * 0.01).collect();
        let blank = Array::f64s(&vec![0.0; 300]);
        check(&k, &[Array::f64s(&values), blank.clone(), blank], &[300], Within::Ulp(2.0));
    }
}

#[test]
fn mixed_widths() {
    // f32 and f64, a bool from memory, an integer mask summed up.
    let mut b = Builder::new("mixed");
    let (x, m, y, c) = (
        b.buffer(DType::F32, 1, true),
        b.buffer(DType::Bool, 1, true),
        b.buffer(DType::F64, 1, true),
        b.buffer(DType::I64, 1, true),
    );
    let n = b.size("n");
    let count = b.var(Scalar::zero(DType::I64));
    let zero = b.f64(0.0);
    b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
        let v = b.load(x, &[i.clone()]);
        let w = b.let_as(Prim::Cast, DType::F64, &[v]);
        let on = b.load(m, &[i.clone()]);
        let positive = b.let_(Prim::Lt, &[zero, w]);
        let both = b.let_(Prim::And, &[on, positive]);
        let ones = b.let_as(Prim::Cast, DType::I64, &[both]);
        b.accumulate(count, Prim::Add, ones);
        let r = b.let_(Prim::Select, &[both, w, zero]);
        b.store(m, &[i.clone()], both);
        b.store(y, &[i], r);
    });
    let r = b.get(count);
    b.store(c, &[0.into()], r);
    let k = b.finish();
    for n in [0, 1, 3, 15, 16, 50] {
        let arrays = [
            random(DType::F32, 50, &[1], 9),
            random(DType::Bool, 50, &[1], 10),
            Array::blank(DType::F64, 50, &[1]),
            Array::blank(DType::I64, 1, &[1]),
        ];
        check(&k, &arrays, &[n], Within::Bits);
    }
}
