//! Random kernels: Cranelift against the interpreter, bit for bit.
//!
//! Bodies use primitives with exact results and combining operations that are exact in any order, so that no tolerance
//! hides anything; staging is checked apart from code generation, on kernels with math functions.
#![allow(clippy::cloned_ref_to_slice_refs, reason = "a list of index expressions reads as one")]

mod common;

use common::{Array, Builder, REAL, Rng, Within, check, check_compiled};
use frit_codegen::{Backend, interp::Interpreter, stage::stage};
use frit_ir::kernel::{Kernel, LoopKind, Mem};
use frit_ir::prim::{PrimType, Val};
use frit_ir::{DType, Dim, Prim, Scalar};

const N: i64 = 45;

/// What a body may use.
struct Palette {
    types: Vec<DType>,
    math: bool,
}

/// Adds a primitive on values at hand, if a random choice of one fits.
fn grow(b: &mut Builder, rng: &mut Rng, palette: &Palette, pool: &mut Vec<Val>) {
    let op = rng.pick(Prim::ALL);
    if op.is_math() && (!palette.math || rng.chance(50)) {
        return;
    }
    let first = rng.pick(pool);
    let t = b.kernel.ty(first);
    let same: Vec<Val> = pool.iter().copied().filter(|v| b.kernel.ty(*v) == t).collect();
    let mut args = vec![first];
    match op.typing() {
        PrimType::Select => {
            let masks: Vec<Val> = pool.iter().copied().filter(|v| b.kernel.ty(*v) == DType::Bool).collect();
            if masks.is_empty() {
                return;
            }
            args = vec![rng.pick(&masks), first, rng.pick(&same)];
        }
        PrimType::Convert => {
            let to = rng.pick(&palette.types);
            if op.result(&[t], Some(to)).is_ok() {
                let v = b.let_as(op, to, &args);
                pool.push(v);
            }
            return;
        }
        PrimType::Same | PrimType::Compare => (1..op.arity()).for_each(|_| args.push(rng.pick(&same))),
    }
    let types: Vec<DType> = args.iter().map(|v| b.kernel.ty(*v)).collect();
    if op.result(&types, None).is_ok() {
        let v = b.let_(op, &args);
        pool.push(v);
    }
}

/// An index in `0..N` (sizes and loop bounds keep `i` and `j` below `N`).
fn place(rng: &mut Rng, i: &Dim, j: &Dim, n: &Dim) -> Dim {
    match rng.below(8) {
        0 => n - j - 1,
        1 => i.clone(),
        2 => j.floor_div(&3.into()),
        3 => (i + j).modulo(n),
        4 => 0.into(),
        5 => i.minimum(j),
        _ => j.clone(),
    }
}

/// A parallel loop over rows with one or two inner loops, and the arrays to run it on.
fn random_kernel(seed: u64, math: bool) -> (Kernel, Vec<Array>, Vec<i64>) {
    let mut rng = Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let types: Vec<DType> = if math {
        vec![rng.pick(&[DType::F64, DType::F32])]
    } else {
        (0..1 + rng.below(3)).map(|_| rng.pick(&REAL)).collect()
    };
    let palette = Palette { types: types.clone(), math };
    let mut b = Builder::new("random");
    let mut arrays = Vec::new();
    let mut buffer = |b: &mut Builder, rng: &mut Rng, t: DType, fill: bool| -> Mem {
        let unit = rng.chance(70);
        let stride = if unit { 1 } else { rng.pick(&[1i64, -1, 2, -2]) };
        let mut a = Array::blank(t, (N * N * 2) as usize, &[N * stride.abs(), stride]);
        let origin = if stride < 0 { (N - 1) * -stride } else { 0 };
        if fill {
            for k in 0..N * N * 2 {
                let v = if math { Scalar::from_f64(t, rng.float()) } else { rng.scalar(t) };
                a.set(k, v);
            }
        }
        a.offset += origin;
        arrays.push(a);
        b.buffer(t, 2, unit)
    };
    let inputs: Vec<Mem> = types.iter().map(|t| buffer(&mut b, &mut rng, *t, true)).collect();
    let outputs: Vec<Mem> = types.iter().map(|t| buffer(&mut b, &mut rng, *t, false)).collect();
    let totals: Vec<Mem> = types.iter().map(|t| buffer(&mut b, &mut rng, *t, false)).collect();
    let (m, n) = (b.size("m"), b.size("n"));
    b.for_(LoopKind::Parallel, "i", 0, m, |b, i| {
        let mut outer: Vec<Val> = types.iter().map(|t| b.constant(rng.scalar(*t))).collect();
        for mem in &inputs {
            let v = b.load(*mem, &[i.clone(), 0.into()]);
            outer.push(v);
        }
        let combine = |t: DType, rng: &mut Rng| {
            if t == DType::Bool {
                rng.pick(&[Prim::And, Prim::Or])
            } else if t.is_float() {
                Prim::Max
            } else {
                rng.pick(&[Prim::Add, Prim::Mul, Prim::Min, Prim::Max, Prim::And, Prim::Or])
            }
        };
        let vars: Vec<_> = types
            .iter()
            .map(|t| {
                let start = rng.scalar(*t);
                (b.var(if start.as_f64().is_nan() { Scalar::one(*t) } else { start }), combine(*t, &mut rng))
            })
            .collect();
        for inner in 0..1 + rng.below(2) {
            let kind = if rng.chance(80) { LoopKind::Vector } else { LoopKind::Serial };
            let lo = rng.pick(&[0i64, 0, 1]);
            b.for_(kind, &format!("j{inner}"), lo, n.clone(), |b, j| {
                let mut pool = outer.clone();
                for mem in &inputs {
                    let at = place(&mut rng, &i, &j, &n);
                    let v = b.load(*mem, &[i.clone(), at]);
                    pool.push(v);
                }
                for _ in 0..rng.below(25) {
                    grow(b, &mut rng, &palette, &mut pool);
                }
                for (k, t) in types.iter().enumerate() {
                    let candidates: Vec<Val> =
                        pool.iter().rev().copied().filter(|v| b.kernel.ty(*v) == *t).take(3).collect();
                    let v = rng.pick(&candidates);
                    b.store(outputs[k], &[i.clone(), j.clone()], v);
                    if inner == 0 {
                        let w = rng.pick(&candidates);
                        b.accumulate(vars[k].0, vars[k].1, w);
                    }
                }
            });
        }
        for (k, (v, _)) in vars.iter().enumerate() {
            let r = b.get(*v);
            b.store(totals[k], &[i.clone(), 0.into()], r);
        }
    });
    let sizes = vec![1 + rng.below(4) as i64, 1 + rng.below(N as usize - 4) as i64];
    (b.finish(), arrays, sizes)
}

#[test]
fn exact_kernels() {
    for seed in 0..600 {
        let (k, arrays, sizes) = random_kernel(seed, false);
        check(&k, &arrays, &sizes, Within::Value);
    }
}

#[test]
fn staging_changes_no_bit() {
    // The same interpreter on both sides: functions give the same bits, and tiles keep the order of combination.
    for seed in 0..400 {
        let (k, arrays, sizes) = random_kernel(10_000 + seed, true);
        let staged = Interpreter.compile(&stage(&k)).expect("the interpreter takes every kernel");
        check_compiled(&staged, &k, &arrays, &sizes, Within::Bits);
    }
}
