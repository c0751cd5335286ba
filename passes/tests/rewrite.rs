//! The e-graph pass finds the cheaper form of common NumPy expressions.

use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::{DType, Dim, Op, Slice};
use frit_passes::{MathLevel, Optimized, Options, optimize};

fn build(f: impl FnOnce(&mut Builder) -> Vec<Value>) -> Graph {
    let mut b = Builder::new("test");
    let outputs = f(&mut b);
    b.finish(outputs)
}

fn at(math: MathLevel, graph: &Graph) -> Optimized {
    let options = Options { verify: true, ..Options::new(math) };
    let once = optimize(graph, &options).expect("optimizes");
    let twice = optimize(&once.graph, &options).expect("optimizes again");
    assert_eq!(once.graph, twice.graph, "optimizing again changes the graph");
    assert!(once.report.cost_after.seconds <= once.report.cost_before.seconds);
    once
}

/// Ops of the default level's result, without parameters.
fn ops(graph: &Graph) -> Vec<&'static str> {
    let after = at(MathLevel::Reassociate, graph).graph;
    after.nodes.iter().filter(|n| n.op != Op::Input).map(|n| n.op.name()).collect()
}

fn array(b: &mut Builder, name: &str, shape: &[&str]) -> Value {
    let dim = |s: &&str| s.parse::<i64>().map_or_else(|_| Dim::symbol(s), Dim::constant);
    b.input(name, TensorType::new(DType::F64, shape.iter().map(dim).collect::<Vec<_>>()))
}

fn first(size: i64) -> Slice {
    Slice { start: 0.into(), size: size.into(), step: 1 }
}

/// `x[0]` as the frontends write it.
fn row(b: &mut Builder, x: Value) -> Value {
    let s = b.slice_axis(x, 0, first(1)).unwrap();
    b.squeeze(s, &[0]).unwrap()
}

#[test]
fn slice_of_elementwise() {
    let g = build(|b| {
        let x = array(b, "x", &["n"]);
        let y = b.binary_weak(Op::Add, x, 1.0).unwrap();
        vec![b.slice(y, &[first(5)]).unwrap()]
    });
    assert_eq!(ops(&g), ["constant", "slice", "add"]);
}

#[test]
fn row_of_a_sum() {
    let g = build(|b| {
        let x = array(b, "x", &["n", "m"]);
        let s = b.reduce(Op::Sum, x, Some(&[1]), false).unwrap();
        vec![row(b, s)]
    });
    assert_eq!(ops(&g), ["slice", "squeeze", "sum"]);
}

#[test]
fn row_of_a_product() {
    let g = build(|b| {
        let (x, y) = (array(b, "x", &["n", "k"]), array(b, "y", &["k", "m"]));
        let p = b.matmul(x, y).unwrap();
        vec![row(b, p)]
    });
    let after = at(MathLevel::Reassociate, &g);
    assert_eq!(ops(&g), ["slice", "matmul", "squeeze"]);
    assert_eq!(after.report.rules.iter().map(|r| r.name).collect::<Vec<_>>(), ["slice-matmul"]);
    assert_eq!(at(MathLevel::Exact, &g).graph.nodes.len(), 5, "not under exact");
}

#[test]
fn products_with_a_vector_associate_to_the_right() {
    let g = build(|b| {
        let (x, y) = (array(b, "x", &["n", "n"]), array(b, "y", &["n", "n"]));
        let v = array(b, "v", &["n"]);
        let p = b.matmul(x, y).unwrap();
        let v = b.expand_dims(v, &[1]).unwrap();
        let r = b.matmul(p, v).unwrap();
        vec![b.squeeze(r, &[1]).unwrap()]
    });
    let after = at(MathLevel::Reassociate, &g).graph;
    let products: Vec<_> = after.nodes.iter().filter(|n| n.op == Op::Matmul).collect();
    assert!(products.iter().all(|n| n.types[0].shape[1].is(1)), "{after:?}");
}

#[test]
fn parts_of_products() {
    let product = |f: &dyn Fn(&mut Builder, Value) -> Value| {
        build(|b| {
            let (x, y) = (array(b, "x", &["n", "k"]), array(b, "y", &["k", "n"]));
            let p = b.matmul(x, y).unwrap();
            vec![f(b, p)]
        })
    };
    let attrs = frit_ir::Attrs::new([
        (frit_ir::Key::Axis, frit_ir::Attr::Int(0)),
        (frit_ir::Key::Axis2, frit_ir::Attr::Int(1)),
        (frit_ir::Key::Offset, frit_ir::Attr::Int(0)),
    ]);
    let diagonal = product(&|b, p| b.node(Op::Diagonal, attrs.clone(), &[p]).unwrap());
    assert_eq!(ops(&diagonal), ["transpose", "multiply", "sum"]);
    let trace = product(&|b, p| b.node(Op::Trace, attrs.clone(), &[p]).unwrap());
    assert_eq!(ops(&trace), ["transpose", "multiply", "sum"]);
    let sum = product(&|b, p| b.reduce(Op::Sum, p, None, false).unwrap());
    assert!(!ops(&sum).contains(&"matmul") || ops(&sum).iter().filter(|o| **o == "sum").count() == 2);
    let columns = product(&|b, p| b.reduce(Op::Sum, p, Some(&[0]), false).unwrap());
    assert_eq!(ops(&columns), ["sum", "matmul", "squeeze"]);
}

#[test]
fn distribution_and_factors() {
    let g = build(|b| {
        let a = array(b, "a", &["n", "n"]);
        let (x, y) = (array(b, "x", &["n", "n"]), array(b, "y", &["n", "n"]));
        let (p, q) = (b.matmul(a, x).unwrap(), b.matmul(a, y).unwrap());
        vec![b.binary(Op::Add, p, q).unwrap()]
    });
    assert_eq!(ops(&g), ["add", "matmul"]);
    let g = build(|b| {
        let (a, x, y) = (array(b, "a", &["n"]), array(b, "x", &["n"]), array(b, "y", &["n"]));
        let (p, q) = (b.binary(Op::Multiply, a, x).unwrap(), b.binary(Op::Multiply, y, a).unwrap());
        vec![b.binary(Op::Add, p, q).unwrap()]
    });
    assert_eq!(ops(&g), ["add", "multiply"]);
}

#[test]
fn inverse_times_vector_is_solve() {
    let g = build(|b| {
        let (a, v) = (array(b, "a", &["n", "n"]), array(b, "v", &["n", "1"]));
        let i = b.node(Op::Inv, frit_ir::Attrs::NONE, &[a]).unwrap();
        vec![b.matmul(i, v).unwrap()]
    });
    assert_eq!(ops(&g), ["solve"]);
}

#[test]
fn concatenate_then_slice() {
    let g = build(|b| {
        let (x, y) = (array(b, "x", &["n"]), array(b, "y", &["10"]));
        let c = b.concatenate(&[y, x], 0).unwrap();
        vec![b.slice(c, &[first(5)]).unwrap()]
    });
    assert_eq!(ops(&g), ["slice"]);
}

#[test]
fn large_programs_are_cut_where_it_loses_nothing() {
    // Rows of products, one after the other: what is taken of each product is one value later on.
    let blocks = 120;
    let g = build(|b| {
        let a = array(b, "a", &["n", "n"]);
        let mut x = array(b, "x", &["n", "n"]);
        let mut rows = Vec::new();
        for _ in 0..blocks {
            x = b.unary(Op::Tanh, x).unwrap();
            let y = b.binary(Op::Multiply, x, a).unwrap();
            let p = b.matmul(a, y).unwrap();
            let e = b.unary(Op::Exp, p).unwrap();
            rows.push(row(b, e));
        }
        rows
    });
    let after = at(MathLevel::Reassociate, &g).graph;
    let products: Vec<_> = after.nodes.iter().filter(|n| n.op == Op::Matmul).collect();
    assert_eq!(products.len(), blocks);
    assert!(products.iter().all(|n| n.types[0].shape[0].is(1)));
}

#[test]
fn smallest_of_sorted() {
    let g = build(|b| {
        let x = b.input("x", TensorType::new(DType::I64, vec![Dim::symbol("n")]));
        let s = b
            .node(Op::Sort, frit_ir::Attrs::new([(frit_ir::Key::Axis, frit_ir::Attr::Int(0))]), &[x])
            .unwrap();
        vec![row(b, s)]
    });
    assert_eq!(ops(&g), ["min"]);
}

#[test]
fn shared_work_is_not_repeated() {
    // The sum is needed whole: slicing its operands would add work.
    let g = build(|b| {
        let x = array(b, "x", &["n"]);
        let y = b.unary(Op::Exp, x).unwrap();
        let s = b.slice(y, &[first(5)]).unwrap();
        vec![y, s]
    });
    assert_eq!(ops(&g), ["exp", "slice"]);
}

#[test]
fn slices_sink_through_chains_of_any_length() {
    let g = build(|b| {
        let (x, y) = (array(b, "x", &["n"]), array(b, "y", &["n"]));
        let mut v = x;
        for k in 0..1000 {
            v = if k % 2 == 0 { b.unary(Op::Tanh, v).unwrap() } else { b.binary(Op::Add, v, y).unwrap() };
        }
        vec![b.slice(v, &[first(5)]).unwrap()]
    });
    let after = at(MathLevel::Exact, &g).graph;
    assert!(after.nodes.iter().all(|n| n.op == Op::Input || n.types[0].shape[0].is(5)));
}

#[test]
fn rewritten_nodes_keep_the_line_they_replace() {
    let line = |n: u32| frit_ir::Loc::new("model.py", n, 0, "f");
    let g = build(|b| {
        let (x, y) = (array(b, "x", &["n", "n"]), array(b, "y", &["n", "n"]));
        b.set_loc(line(3));
        let p = b.matmul(x, y).unwrap();
        b.set_loc(line(7));
        vec![b.reduce(Op::Sum, p, None, false).unwrap()]
    });
    let after = at(MathLevel::Reassociate, &g);
    assert!(after.graph.nodes.iter().all(|n| n.op == Op::Input || n.loc == line(7) || n.loc == line(3)));
    assert!(after.report.rules.iter().any(|r| r.name.starts_with("sum-matmul") && r.locs == [line(7)]));
}

#[test]
fn long_products_are_associated_well() {
    // Seven matrices and a vector: from the right, no matrix product is left.
    let g = build(|b| {
        let v = array(b, "v", &["n", "1"]);
        let mut p = array(b, "a", &["n", "n"]);
        for k in 0..6 {
            let m = array(b, &format!("m{k}"), &["n", "n"]);
            p = b.matmul(p, m).unwrap();
        }
        vec![b.matmul(p, v).unwrap()]
    });
    let after = at(MathLevel::Reassociate, &g).graph;
    let products: Vec<_> = after.nodes.iter().filter(|n| n.op == Op::Matmul).collect();
    assert!(products.iter().all(|n| n.types[0].shape[1].is(1)));
    assert_eq!(products.len(), 7);
}
