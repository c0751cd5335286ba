//! Random kernels (see `common/random.rs`): Cranelift against the interpreter and against itself, bit for bit.
//!
//! `FRIT_RANDOM_KERNELS=n` runs n times as many.
#![allow(clippy::cloned_ref_to_slice_refs, reason = "a list of index expressions reads as one")]

mod common;

use common::random::{Program, random_kernel};
use common::{Within, compare};
use frit_codegen::{Backend, cranelift::Cranelift, interp::Interpreter, stage::stage};
use frit_ir::kernel::{Kernel, LoopKind, Stmt};
use std::ops::Range;

/// The seeds of a test.
fn seeds(all: Range<u64>) -> Range<u64> {
    let times = std::env::var("FRIT_RANDOM_KERNELS").ok().and_then(|v| v.parse().ok()).unwrap_or(1);
    all.start..all.start + (all.end - all.start) * times
}

fn agree(
    seed: u64,
    p: &Program,
    one: &dyn Backend,
    a: &Kernel,
    other: &dyn Backend,
    b: &Kernel,
    within: Within,
) {
    let compile = |backend: &dyn Backend, k: &Kernel| {
        backend.compile(k).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{k}"))
    };
    let (x, y) = (compile(one, a), compile(other, b));
    if let Err(why) = compare(&x, &y, &p.kernel, &p.arrays, &p.binding, &p.sizes, within) {
        panic!("seed {seed}: {why}\nsizes {:?}, arrays of buffers {:?}\n{}", p.sizes, p.binding, p.kernel);
    }
}

/// The same kernel with every vector loop run in order.
fn in_order(stmts: &mut [Stmt]) {
    for s in stmts {
        match s {
            Stmt::For { kind, body, .. } => {
                if *kind == LoopKind::Vector {
                    *kind = LoopKind::Serial;
                }
                in_order(body);
            }
            Stmt::While { cond, body, .. } => {
                in_order(cond);
                in_order(body);
            }
            Stmt::If { then, otherwise, .. } => {
                in_order(then);
                in_order(otherwise);
            }
            _ => {}
        }
    }
}

#[test]
fn compiled_code_agrees_with_the_interpreter() {
    let cranelift = Cranelift::new().expect("a supported machine");
    for seed in seeds(0..1500) {
        let p = random_kernel(seed, false);
        agree(seed, &p, &cranelift, &p.kernel, &Interpreter, &p.kernel, Within::Value);
    }
}

#[test]
fn staging_changes_no_bit() {
    // The same interpreter on both sides: functions give the same bits, and tiles keep the order of combination.
    for seed in seeds(1_000_000..1_000_500) {
        let p = random_kernel(seed, true);
        agree(seed, &p, &Interpreter, &stage(&p.kernel), &Interpreter, &p.kernel, Within::Bits);
    }
}

#[test]
fn vector_loops_agree_with_loops_in_order() {
    // Block and scalar routines of the math library give the same bits, so that this covers staged code end to end.
    let cranelift = Cranelift::new().expect("a supported machine");
    for seed in seeds(2_000_000..2_000_700) {
        let p = random_kernel(seed, true);
        let mut serial = p.kernel.clone();
        in_order(&mut serial.body);
        agree(seed, &p, &cranelift, &p.kernel, &cranelift, &serial, Within::Value);
    }
}
