//! Every primitive on every type it takes, on edge values, in a scalar loop and in a vector loop.
#![allow(clippy::cloned_ref_to_slice_refs, reason = "a list of index expressions reads as one")]

mod common;

use common::{Array, Builder, REAL, Within, check, specials};
use frit_ir::kernel::LoopKind;
use frit_ir::prim::{PrimDomain, PrimType};
use frit_ir::{DType, Prim, Scalar};

/// All combinations of edge values for the operands, as one array per operand.
fn combinations(types: &[DType]) -> Vec<Array> {
    let sets: Vec<Vec<Scalar>> = types
        .iter()
        .map(|t| {
            let all = specials(*t);
            // Three operands: a third of the values is enough for a million combinations' worth of trouble.
            if types.len() == 3 { all.into_iter().step_by(2).collect() } else { all }
        })
        .collect();
    let total: usize = sets.iter().map(Vec::len).product();
    let mut divisor = 1;
    sets.iter()
        .map(|set| {
            let values: Vec<Scalar> = (0..total).map(|i| set[i / divisor % set.len()]).collect();
            divisor *= set.len();
            Array::of(&values)
        })
        .collect()
}

fn within(op: Prim, t: DType) -> Within {
    match op {
        // Which zero is the smaller is left open.
        Prim::Min | Prim::Max => Within::Value,
        // Both roundings of two nearly rounded results; the oracle's gamma functions are the library's own.
        _ if op.is_math() => Within::Ulp(if t == DType::F32 { 3.0 } else { 2.0 }),
        _ => Within::Bits,
    }
}

fn run(op: Prim, operands: &[DType], to: DType, kind: LoopKind) {
    let mut b = Builder::new(op.name());
    let inputs: Vec<_> = operands.iter().map(|t| b.buffer(*t, 1, true)).collect();
    let out = b.buffer(to, 1, true);
    let n = b.size("n");
    b.for_(kind, "i", 0, n, |b, i| {
        let args: Vec<_> = inputs.iter().map(|m| b.load(*m, &[i.clone()])).collect();
        let r = b.let_as(op, to, &args);
        b.store(out, &[i], r);
    });
    let kernel = b.finish();
    let mut arrays = combinations(operands);
    let count = arrays[0].elements() - 2 * arrays[0].offset as usize;
    arrays.push(Array::blank(to, count, &[1]));
    let t = *operands.last().expect("an operand");
    check(&kernel, &arrays, &[count as i64], within(op, t));
}

fn all(kind: LoopKind) {
    for op in Prim::ALL {
        for t in REAL {
            let operands = match op.typing() {
                PrimType::Select => vec![DType::Bool, t, t],
                _ => vec![t; op.arity()],
            };
            if op.typing() == PrimType::Convert {
                for to in REAL.into_iter().filter(|to| op.result(&operands, Some(*to)).is_ok()) {
                    run(*op, &operands, to, kind);
                }
            } else if let Ok(to) = op.result(&operands, None) {
                run(*op, &operands, to, kind);
            } else {
                assert_ne!(op.domain(), PrimDomain::Any);
            }
        }
    }
}

#[test]
fn scalar_loops() {
    all(LoopKind::Serial);
}

#[test]
fn vector_loops() {
    all(LoopKind::Vector);
}
