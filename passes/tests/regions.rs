//! Loops and branches: what they do not need, and what does not need them.

use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice};
use frit_passes::{MathLevel, Options, optimize};
use std::sync::Arc;

fn build(f: impl FnOnce(&mut Builder) -> Vec<Value>) -> Graph {
    let mut b = Builder::new("test");
    let outputs = f(&mut b);
    b.finish(outputs)
}

fn optimized(graph: &Graph) -> Graph {
    let options = Options { verify: true, ..Options::new(MathLevel::Exact) };
    let once = optimize(graph, &options).expect("optimizes").graph;
    assert_eq!(once, optimize(&once, &options).expect("optimizes again").graph, "not idempotent");
    once
}

fn ops(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().filter(|n| n.op != Op::Input).map(|n| n.op.name()).collect()
}

fn vector() -> TensorType {
    TensorType::new(DType::F64, vec![Dim::symbol("n")])
}

/// An input that binds the size `m`.
fn bind_m(b: &mut Builder) {
    b.input("sizes", TensorType::new(DType::Bool, vec![Dim::symbol("m")]));
}

fn for_attrs(carries: i64, hi: Dim, body: Graph) -> Attrs {
    Attrs::new([
        (Key::Body, Attr::Graph(Arc::new(body))),
        (Key::Carries, Attr::Int(carries)),
        (Key::Hi, Attr::Dim(hi)),
        (Key::Index, Attr::Str("i".into())),
        (Key::Lo, Attr::Dim(0.into())),
    ])
}

/// The body of the only loop.
fn body(graph: &Graph) -> &Graph {
    graph.nodes.iter().find(|n| n.op == Op::For).expect("a loop").attrs.graph(Key::Body)
}

#[test]
fn unused_carries_and_captures_go() {
    let inner = build(|b| {
        let (x, y) = (b.input("x", vector()), b.input("y", vector()));
        let (c, d) = (b.input("c", vector()), b.input("d", vector()));
        let (x2, y2) = (b.binary(Op::Add, x, c).unwrap(), b.binary(Op::Multiply, y, d).unwrap());
        vec![x2, y2]
    });
    let g = build(|b| {
        let (x, y, d) = (b.input("x", vector()), b.input("y", vector()), b.input("d", vector()));
        vec![b.node(Op::For, for_attrs(2, 9.into(), inner), &[x, y, d, d]).unwrap()]
    });
    let after = optimized(&g);
    assert_eq!(body(&after).inputs.len(), 2);
    assert_eq!(ops(body(&after)), ["add"]);
}

#[test]
fn invariant_work_leaves_nested_loops() {
    // for i { for j { x += exp(c) * j } }: exp(c) leaves both loops; the product with the index stays.
    let inner = build(|b| {
        let (x, c) = (b.input("x", vector()), b.input("c", vector()));
        let e = b.unary(Op::Exp, c).unwrap();
        let j = b.dim_value(&Dim::symbol("j"));
        let j = b.cast(j, DType::F64).unwrap();
        let p = b.binary(Op::Multiply, e, j).unwrap();
        vec![b.binary(Op::Add, x, p).unwrap()]
    });
    let attrs = for_attrs(1, Dim::symbol("n"), inner).with(Key::Index, Attr::Str("j".into()));
    let outer = build(|b| {
        let (x, c) = (b.input("x", vector()), b.input("c", vector()));
        vec![b.node(Op::For, attrs, &[x, c]).unwrap()]
    });
    let g = build(|b| {
        let (x, c) = (b.input("x", vector()), b.input("c", vector()));
        bind_m(b);
        vec![b.node(Op::For, for_attrs(1, Dim::symbol("m"), outer), &[x, c]).unwrap()]
    });
    let after = optimized(&g);
    assert_eq!(ops(&after), ["exp", "for"]);
    assert_eq!(ops(body(&after)), ["for"]);
    assert_eq!(ops(body(body(&after))), ["dim_value", "cast", "multiply", "add"]);
}

#[test]
fn what_can_fail_leaves_only_loops_that_run() {
    let matrix = || TensorType::new(DType::F64, vec![Dim::symbol("n"), Dim::symbol("n")]);
    let g = |hi: Dim| {
        let inner = build(|b| {
            let (x, a) = (b.input("x", matrix()), b.input("a", matrix()));
            let i = b.node(Op::Inv, Attrs::NONE, &[a]).unwrap();
            vec![b.binary(Op::Add, x, i).unwrap()]
        });
        build(|b| {
            let (x, a) = (b.input("x", matrix()), b.input("a", matrix()));
            bind_m(b);
            vec![b.node(Op::For, for_attrs(1, hi, inner), &[x, a]).unwrap()]
        })
    };
    assert_eq!(ops(&optimized(&g(Dim::symbol("m")))), ["for"]);
    assert_eq!(ops(&optimized(&g(Dim::symbol("m") + 1))), ["inv", "for"]);
}

#[test]
fn broadcasts_stay_in_the_loop() {
    // x[:, None] * c[None, :] would be an n by n array outside; inside it is only read by the sum.
    let inner = build(|b| {
        let (x, c) = (b.input("x", vector()), b.input("c", vector()));
        let (row, col) = (b.expand_dims(c, &[0]).unwrap(), b.expand_dims(c, &[1]).unwrap());
        let p = b.binary(Op::Hypot, row, col).unwrap();
        let i = b.expand_dims(x, &[0]).unwrap();
        let p = b.binary(Op::Maximum, p, i).unwrap();
        vec![b.reduce(Op::Max, p, Some(&[0]), false).unwrap()]
    });
    let g = build(|b| {
        let (x, c) = (b.input("x", vector()), b.input("c", vector()));
        bind_m(b);
        vec![b.node(Op::For, for_attrs(1, Dim::symbol("m"), inner), &[x, c]).unwrap()]
    });
    assert_eq!(ops(&optimized(&g)), ["for"]);
}

#[test]
fn slices_by_the_index_stay_put_and_shrink_work() {
    // exp(a)[i] computes one element, not n, in each iteration.
    let scalar = TensorType::scalar(DType::F64);
    let inner = build(|b| {
        let (x, a) = (b.input("x", scalar.clone()), b.input("a", vector()));
        let e = b.binary(Op::Maximum, a, x).unwrap();
        let s = Slice { start: Dim::symbol("i"), size: 1.into(), step: 1 };
        let e = b.slice(e, &[s]).unwrap();
        vec![b.squeeze(e, &[0]).unwrap()]
    });
    let g = build(|b| {
        let (x, a) = (b.input("x", scalar), b.input("a", vector()));
        vec![b.node(Op::For, for_attrs(1, Dim::symbol("n"), inner), &[x, a]).unwrap()]
    });
    let after = optimized(&g);
    assert_eq!(ops(body(&after))[0], "slice");
    assert_eq!(body(&after).nodes.last().unwrap().types[0].rank(), 0);
}

#[test]
fn known_branches_are_taken() {
    let branch = |op: Op| {
        build(|b| {
            let x = b.input("x", vector());
            vec![b.unary(op, x).unwrap()]
        })
    };
    let g = build(|b| {
        let x = b.input("x", vector());
        let c = b.constant(Scalar::bool(false));
        let attrs = Attrs::new([
            (Key::Body, Attr::Graph(Arc::new(branch(Op::Sin)))),
            (Key::Else, Attr::Graph(Arc::new(branch(Op::Cos)))),
        ]);
        vec![b.node(Op::If, attrs, &[c, x]).unwrap()]
    });
    assert_eq!(ops(&optimized(&g)), ["cos"]);
}

#[test]
fn loops_that_never_run_are_gone() {
    let inner = build(|b| {
        let x = b.input("x", vector());
        vec![b.unary(Op::Sin, x).unwrap()]
    });
    let g = build(|b| {
        let x = b.input("x", vector());
        vec![b.node(Op::For, for_attrs(1, 0.into(), inner), &[x]).unwrap()]
    });
    assert_eq!(ops(&optimized(&g)), Vec::<&str>::new());
}
