//! Programs that once went wrong, reduced.

use crate::draw::{Random, Values, element};
use crate::program::{Argument, Binding, Program};
use frit_codegen::Cache;
use frit_ir::build::Builder;
use frit_ir::eval::Sizes;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice, TensorType, Value};
use frit_passes::MathLevel;
use std::sync::Arc;

/// Checks a program over the sizes `m` and `n` in all ways, for several of them, contiguous and strided.
fn check(build: impl Fn(&mut Builder) -> Vec<Value>) {
    let caches: Vec<Cache> = frit_codegen::available().into_iter().map(Cache::new).collect();
    let mut b = Builder::new("regression");
    let outputs = build(&mut b);
    let graph = b.finish(outputs);
    for strided in [false, true] {
        for sizes in [[(5, 127), (64, 7)], [(3, 2), (1, 1)], [(0, 65), (9, 0)]] {
            let mut r = Random::new(1);
            let bindings = sizes.iter().map(|(m, n)| {
                let sizes = Sizes::new([("m", *m), ("n", *n)]);
                let draw = |p: &frit_ir::graph::Input| {
                    let shape = sizes.shape(&p.ty.shape).expect("sizes are m and n");
                    let t = p.ty.dtype;
                    Argument::draw(&mut r, t, &shape, strided, |r| element(r, t, Values::Grid))
                };
                let arguments = graph.inputs.iter().map(draw).collect();
                Binding { sizes, arguments }
            });
            let bindings = bindings.collect();
            let p = Program { graph: graph.clone(), level: MathLevel::Reassociate, bindings };
            if let Err(why) = p.check(&caches, true) {
                panic!("strided: {strided}, sizes {sizes:?}: {why}\n{graph}");
            }
        }
    }
}

fn n() -> Dim {
    Dim::symbol("n")
}

fn m() -> Dim {
    Dim::symbol("m")
}

fn matrix(b: &mut Builder, t: DType) -> Value {
    let name = format!("x{}", b.graph().inputs.len());
    b.input(&name, TensorType::new(t, [m(), n()]))
}

fn roll(b: &mut Builder, x: Value, axis: i64, shift: i64) -> Value {
    let shift = Attr::Dims(vec![shift.into()]);
    let attrs = Attrs::new([(Key::Axes, Attr::Ints(vec![axis])), (Key::Shift, shift)]);
    b.node(Op::Roll, attrs, &[x]).expect("rolls")
}

/// A rolled array was written over the array that it was read from.
#[test]
fn a_roll_does_not_work_in_place() {
    check(|b| {
        let x = matrix(b, DType::I64);
        let c = b.cumulative(Op::Cumsum, x, 0).expect("sums");
        let r = roll(b, c, 0, 2);
        vec![r]
    });
    check(|b| {
        let (x, y) = (matrix(b, DType::F64), b.input("y", TensorType::scalar(DType::F64)));
        let corner =
            [Slice { start: 0.into(), size: m(), step: 1 }, Slice { start: 0.into(), size: n(), step: 1 }];
        let u = b.update_slice(x, y, &corner).expect("updates");
        let r = roll(b, u, 1, -1);
        vec![r]
    });
}

/// A kernel with an empty parallel loop ran it once.
#[test]
fn empty_arrays_are_not_touched() {
    check(|b| {
        let x = matrix(b, DType::Bool);
        vec![b.cast(x, DType::I8).expect("casts")]
    });
    check(|b| {
        let x = matrix(b, DType::U64);
        vec![b.cumulative(Op::Cumsum, x, 0).expect("sums"), b.cumulative(Op::Cummax, x, 1).expect("runs")]
    });
    check(|b| {
        let x = matrix(b, DType::F32);
        vec![b.concatenate(&[x, x, x], 0).expect("joins"), b.concatenate(&[x, x], 1).expect("joins")]
    });
}

/// Positions in an empty array had no place in it.
#[test]
fn empty_arrays_are_reshaped() {
    check(|b| {
        let x = b.input("x", TensorType::new(DType::F64, [m(), m()]));
        b.input("n", TensorType::new(DType::Bool, [n()]));
        let flat = b.reshape(x, &[m() * m()]).expect("as many elements");
        let t = b.unary(Op::Tanh, flat).expect("numbers");
        vec![t, b.reduce(Op::Sum, t, None, false).expect("a sum")]
    });
}

/// The elements of an empty sum were looked for before its loop.
#[test]
fn empty_sums_read_nothing() {
    check(|b| {
        let x = matrix(b, DType::I64);
        let none = [Slice { start: 0.into(), size: 0.into(), step: 1 }, Slice::full(&n())];
        let x = b.slice(x, &none).expect("inside");
        let x = b.cast(x, DType::F64).expect("casts");
        vec![
            b.reduce(Op::Nanmean, x, Some(&[0]), false).expect("NaN"),
            b.reduce(Op::Sum, x, Some(&[0]), true).expect("sums"),
        ]
    });
}

/// A view that changes nothing, of a later result of a node with several, became the node's first result.
#[test]
fn views_of_later_results_keep_their_result() {
    check(|b| {
        let x = matrix(b, DType::F64);
        let zero = b.constant(Scalar::from_i64(DType::I64, 0));
        let branch = |first: Op, second: Op| {
            let mut b = Builder::new("branch");
            let x = matrix(&mut b, DType::F64);
            let outputs = vec![b.unary(first, x).expect("a number"), b.unary(second, x).expect("a number")];
            Attr::Graph(Arc::new(b.finish(outputs)))
        };
        let attrs = Attrs::new([
            (Key::Body, branch(Op::Negative, Op::Absolute)),
            (Key::Else, branch(Op::Absolute, Op::Negative)),
        ]);
        let count = b.reduce(Op::CountNonzero, x, None, false).expect("counts");
        let some = b.binary(Op::Greater, count, zero).expect("compares");
        let v = b.node(Op::If, attrs, &[some, x]).expect("well-typed");
        let second = Value { index: 1, ..v };
        let once = Attr::Dims(vec![1.into(), 1.into()]);
        let tiled = b.node(Op::Tile, Attrs::new([(Key::Shape, once)]), &[second]).expect("tiles");
        vec![tiled, v]
    });
}

/// A window of an array as large as the window, at a loop's index, is the array: the search for rewrites took views of
/// views without end.
#[test]
fn windows_as_large_as_the_array() {
    let t = TensorType::new(DType::U16, [1.into(), n()]);
    let body = {
        let mut b = Builder::new("body");
        let x = b.input("x", t.clone());
        let i = Dim::symbol("i");
        b.push_range("i".into(), 0.into(), 1.into());
        let row = [Slice { start: i.clone(), size: 1.into(), step: 1 }, Slice::full(&n())];
        let v = b.dim_value(&i);
        let v = b.cast(v, DType::U16).expect("casts");
        let s = b.slice(x, &row).expect("inside");
        let s = b.binary(Op::Minimum, s, v).expect("numbers");
        let s = b.binary(Op::Minimum, v, s).expect("numbers");
        let s = b.binary(Op::Minimum, s, x).expect("numbers");
        let u = b.update_slice(x, s, &row).expect("inside");
        let zero = b.binary(Op::Subtract, x, x).expect("numbers");
        let less = b.binary(Op::Subtract, zero, x).expect("numbers");
        let sum = b.binary(Op::Add, x, less).expect("numbers");
        let least = b.binary(Op::Minimum, x, v).expect("numbers");
        Arc::new(b.finish(vec![u, sum, least]))
    };
    check(|b| {
        let x = b.input("x", t.clone());
        b.input("m", TensorType::new(DType::Bool, [m()]));
        let attrs = Attrs::new([
            (Key::Body, Attr::Graph(body.clone())),
            (Key::Carries, Attr::Int(1)),
            (Key::Lo, Attr::Dim(0.into())),
            (Key::Hi, Attr::Dim(1.into())),
            (Key::Index, Attr::Str("i".into())),
        ]);
        let v = b.node(Op::For, attrs, &[x]).expect("well-typed");
        vec![v, Value { index: 1, ..v }, Value { index: 2, ..v }]
    });
}
