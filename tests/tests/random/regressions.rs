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
        for sizes in [[(5, 127), (64, 7)], [(3, 2), (1, 7)], [(1, 1), (0, 0)], [(0, 65), (9, 0)]] {
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

/// A column's accumulators were looked for along the last axis, though it has one element.
#[test]
fn columns_before_axes_of_size_one() {
    check(|b| {
        let x = b.input("x", TensorType::new(DType::F64, [n(), m(), 1.into()]));
        let y = b.input("y", TensorType::new(DType::F64, [n(), m(), 1.into(), 1.into()]));
        vec![
            b.reduce(Op::Sum, x, Some(&[0]), true).expect("sums"),
            b.reduce(Op::Sum, x, Some(&[0]), false).expect("sums"),
            b.reduce(Op::Sum, y, Some(&[0, 3]), true).expect("sums"),
            b.reduce(Op::Sum, y, Some(&[0, 2]), false).expect("sums"),
        ]
    });
}

/// The only element of a reduction over a single row was written once per element of the row.
#[test]
fn a_reduction_of_one_row_with_what_uses_it() {
    check(|b| {
        let x = matrix(b, DType::Bool);
        let y = b.input("y", TensorType::new(DType::U16, [n()]));
        let any = b.reduce(Op::Any, x, None, true).expect("a bool");
        let cast = b.cast(any, DType::U16).expect("casts");
        vec![b.binary(Op::Add, cast, y).expect("numbers"), any]
    });
}

/// The elements of an empty piece were looked for before its first or behind its last.
#[test]
fn empty_pieces_are_not_read() {
    check(|b| {
        let (x, y) = (matrix(b, DType::F64), matrix(b, DType::F64));
        let v = b.input("v", TensorType::new(DType::C128, [n()]));
        let w = b.input("w", TensorType::new(DType::C128, [m()]));
        let at = b.input("at", TensorType::new(DType::Bool, [m()]));
        // Where `m` is 0 the whole of `v` is left out.
        let from = |s: Dim, size: Dim| [Slice { start: s, size, step: 1 }];
        let (low, high) = (m().minimum(&n()), &n() - m().minimum(&n()));
        let head = b.slice(v, &from(0.into(), low.clone())).expect("inside");
        let tail = b.slice(v, &from(low, high)).expect("inside");
        let at = b.cast(at, DType::I64).expect("casts");
        let last = b.dim_value(&(m() - 1));
        let at = b.binary(Op::Minimum, at, last).expect("numbers");
        let taken = b.take(w, at, 0);
        let mut out = vec![
            b.concatenate(&[x, y, x], 0).expect("joins"),
            b.concatenate(&[x, y], 1).expect("joins"),
            b.concatenate(&[v, w], 0).expect("joins"),
            b.concatenate(&[tail, w, head], 0).expect("joins"),
        ];
        let sums = b.reduce(Op::Sum, x, Some(&[0]), false).expect("sums");
        let rows = b.reduce(Op::Sum, x, Some(&[1]), false).expect("sums");
        let both = b.concatenate(&[sums, rows], 0).expect("joins");
        out.push(b.unary(Op::Tanh, both).expect("numbers"));
        // Positions in a piece without elements are not looked at.
        out.push(b.concatenate(&[v, taken.expect("positions")], 0).expect("joins"));
        let pads = [(Key::PadLow, vec![2.into(), 0.into()]), (Key::PadHigh, vec![0.into(), 3.into()])];
        let attrs = Attrs::new(pads.map(|(k, d): (Key, Vec<Dim>)| (k, Attr::Dims(d))));
        let fill = b.constant(Scalar::from_f64(DType::F64, 7.0));
        out.push(b.node(Op::Pad, attrs, &[x, fill]).expect("pads"));
        out
    });
}

/// The first result of a complex product was a product with 1, of which one NaN makes two.
#[test]
fn cumulations_begin_with_the_first_element() {
    let caches: Vec<Cache> = frit_codegen::available().into_iter().map(Cache::new).collect();
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, -0.0];
    let numbers = special.iter().flat_map(|re| special.iter().map(|im| (*re, *im)));
    let elements: Vec<Scalar> =
        numbers.map(|(re, im)| Scalar::complex(DType::C128, num_complex::Complex64::new(re, im))).collect();
    for op in [Op::Cumsum, Op::Cumprod] {
        let mut b = Builder::new("regression");
        let x = b.input("x", TensorType::new(DType::C128, [m(), n()]));
        let y = b.cumulative(op, x, 0).expect("runs");
        let graph = b.finish(vec![y]);
        let sizes = Sizes::new([("m", 2), ("n", elements.len() as i64)]);
        // The first row alone: what follows may round otherwise.
        let twice: Vec<Scalar> = elements.iter().chain(&elements).copied().collect();
        let array = frit_ir::eval::Array::new(DType::C128, &[2, elements.len()], twice);
        let p = Program {
            graph,
            level: MathLevel::Exact,
            bindings: vec![Binding { sizes, arguments: vec![Argument::contiguous(array)] }],
        };
        p.check(&caches, true).unwrap_or_else(|why| panic!("{op}: {why}"));
    }
}

/// Results of reductions were stored as if their axes ended where those of the loops do.
#[test]
fn results_of_rows_with_more_or_fewer_axes() {
    check(|b| {
        let x = b.input("x", TensorType::new(DType::Bool, [m(), n()]));
        let y = b.input("y", TensorType::new(DType::I64, [n(), n()]));
        let any = b.reduce(Op::Any, x, Some(&[0]), true).expect("a bool");
        let up = b.expand_dims(any, &[1]).expect("an axis");
        let count = b.reduce(Op::CountNonzero, y, None, true).expect("counts");
        vec![
            b.cast(up, DType::I32).expect("casts"),
            any,
            b.reduce(Op::Sum, count, Some(&[1]), false).expect("sums"),
            count,
        ]
    });
}

/// A reduction read backward by what follows it was computed in the loops of what follows, row by row forward.
#[test]
fn reductions_read_backward() {
    check(|b| {
        let x = b.input("x", TensorType::new(DType::I64, [7.into(), m(), n()]));
        b.input("n", TensorType::new(DType::Bool, [m(), n()]));
        let sum = b.reduce(Op::Sum, x, Some(&[1]), true).expect("sums");
        let back = b.slice_axis(sum, 0, Slice { start: 6.into(), size: 7.into(), step: -1 }).expect("inside");
        let columns = b.reduce(Op::Min, back, Some(&[1]), false).expect("one element");
        let rows = b.reduce(Op::Sum, x, Some(&[2]), false).expect("sums");
        let back =
            b.slice_axis(rows, 0, Slice { start: 6.into(), size: 7.into(), step: -1 }).expect("inside");
        vec![columns, b.unary(Op::Negative, back).expect("numbers")]
    });
}
