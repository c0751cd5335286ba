//! Programs for the tests of the runtime: lowered from small graphs, compiled by a chosen backend.

#![allow(dead_code, reason = "each test file uses a part")]

use frit_codegen::{Backend, Cache};
use frit_ir::build::Builder;
use frit_ir::{DType, Graph, Loc, Op, TensorType, Value};
use frit_passes::LowerOptions;
use frit_runtime::{Bound, Output, Program, Run, RuntimeError};
use std::sync::Arc;

/// The default backend of the machine.
pub(crate) fn native() -> Arc<dyn Backend> {
    frit_codegen::available().swap_remove(0)
}

/// The slow one.
pub(crate) fn interpreter() -> Arc<dyn Backend> {
    frit_codegen::available().pop().expect("the interpreter is always there")
}

pub(crate) fn program(graph: &Graph, cache: &Cache) -> Arc<Program> {
    let lowered = frit_passes::lower(graph, &LowerOptions::default()).expect("lowers");
    Arc::new(Program::new(Arc::new(lowered.plan), cache))
}

/// A graph of one f64 input of the given shape.
pub(crate) fn graph(shape: &[usize], f: impl FnOnce(&mut Builder, Value) -> Vec<Value>) -> Graph {
    let mut b = Builder::new("main");
    b.set_loc(Loc::new("model.py", 7, 1, ""));
    let x = b.input("x", TensorType::fixed(DType::F64, shape));
    let outputs = f(&mut b, x);
    b.finish(outputs)
}

/// `sum(exp(sin(x)), axis=0)` and `sqrt(x * x + 1)`: two kernels with blocks to share out.
pub(crate) fn two_results(shape: &[usize]) -> Graph {
    graph(shape, |b, x| {
        let s = b.unary(Op::Sin, x).unwrap();
        let e = b.unary(Op::Exp, s).unwrap();
        let total = b.reduce(Op::Sum, e, Some(&[0]), false).unwrap();
        let all = b.reduce(Op::Sum, total, None, false).unwrap();
        let one = b.constant(frit_ir::Scalar::from_f64(DType::F64, 1.0));
        let squares = b.binary(Op::Multiply, x, x).unwrap();
        let more = b.binary(Op::Add, squares, one).unwrap();
        let root = b.unary(Op::Sqrt, more).unwrap();
        vec![total, all, root]
    })
}

pub(crate) fn values(n: usize, seed: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 37 + seed * 101) % 1009) as f64 / 100.0 - 5.0).collect()
}

pub(crate) fn bind(
    program: &Arc<Program>,
    shapes: &[&[usize]],
    threads: usize,
) -> Result<Bound, RuntimeError> {
    let arguments: Vec<(&[usize], &[isize])> = shapes.iter().map(|s| (*s, &[] as &[isize])).collect();
    program.bind(&arguments, threads)
}

/// Runs with f64 arguments (whose lengths must fit the shapes bound).
pub(crate) fn run(
    bound: &Bound,
    inputs: &[&[f64]],
    run: &Run<'_>,
) -> Result<(Vec<Output>, usize), RuntimeError> {
    let pointers: Vec<*const u8> = inputs.iter().map(|x| x.as_ptr().cast()).collect();
    // SAFETY: the callers pass arrays of the bound shapes.
    unsafe { bound.run(&pointers, run) }
}

/// A result's elements as bits, so that equality is exact.
pub(crate) fn bits(o: &Output) -> Vec<u64> {
    assert_eq!(o.dtype, DType::F64);
    let n: usize = o.shape.iter().product();
    // SAFETY: an output holds that many elements, and every bit pattern is a u64.
    unsafe { std::slice::from_raw_parts(o.buffer.as_ptr().cast::<u64>(), n) }.to_vec()
}
