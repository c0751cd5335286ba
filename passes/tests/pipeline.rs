//! The deterministic passes on graphs built by hand.

use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::{DType, Dim, Op, Scalar, Slice};
use frit_passes::{MathLevel, Options, optimize};

fn build(f: impl FnOnce(&mut Builder) -> Vec<Value>) -> Graph {
    let mut b = Builder::new("test");
    let outputs = f(&mut b);
    b.finish(outputs)
}

fn ops(graph: &Graph) -> Vec<&'static str> {
    graph.nodes.iter().map(|n| n.op.name()).collect()
}

fn optimized(graph: &Graph) -> Graph {
    let options = Options { verify: true, rewrite: false, ..Options::new(MathLevel::Exact) };
    let once = optimize(graph, &options).expect("optimizes").graph;
    let twice = optimize(&once, &options).expect("optimizes again").graph;
    assert_eq!(once, twice, "optimizing again changes the graph");
    once
}

fn n(rank: usize) -> Vec<Dim> {
    ["n", "m", "k"][..rank].iter().map(|s| Dim::symbol(s)).collect()
}

#[test]
fn composites_are_gone() {
    let g = build(|b| {
        let x = b.input("x", TensorType::new(DType::F64, n(2)));
        vec![b.reduce(Op::Mean, x, Some(&[1]), false).unwrap()]
    });
    assert_eq!(ops(&optimized(&g)), ["input", "sum", "dim_value", "cast", "divide"]);
}

#[test]
fn views_merge_and_cancel() {
    let g = build(|b| {
        let x = b.input("x", TensorType::new(DType::F64, n(2)));
        let t = b.transpose(x, &[1, 0]).unwrap();
        let t = b.expand_dims(t, &[1]).unwrap();
        let t = b.squeeze(t, &[1]).unwrap();
        let t = b.transpose(t, &[1, 0]).unwrap();
        vec![b.reshape(t, &[&Dim::symbol("n") * 1, Dim::symbol("m")]).unwrap()]
    });
    assert_eq!(ops(&optimized(&g)), ["input"]);
}

#[test]
fn slices_move_to_the_source() {
    let g = build(|b| {
        let x = b.input("x", TensorType::new(DType::F64, n(2)));
        let t = b.transpose(x, &[1, 0]).unwrap();
        let t = b.slice_axis(t, 0, Slice { start: 1.into(), size: 5.into(), step: 2 }).unwrap();
        vec![b.slice_axis(t, 0, Slice { start: 1.into(), size: 2.into(), step: 2 }).unwrap()]
    });
    let after = optimized(&g);
    assert_eq!(ops(&after), ["input", "slice", "transpose"]);
    assert_eq!(after.nodes[1].attrs.slices()[1], Slice { start: 3.into(), size: 2.into(), step: 4 });
}

#[test]
fn broadcasts_wait_for_their_use() {
    let g = build(|b| {
        let x = b.input("x", TensorType::new(DType::F64, n(1)));
        let y = b.input("y", TensorType::new(DType::F64, vec![Dim::symbol("m"), Dim::symbol("n")]));
        let wide = b.broadcast_to(x, &[Dim::symbol("m"), Dim::symbol("n")]).unwrap();
        let two = b.full(&[Dim::symbol("m"), Dim::symbol("n")], Scalar::from_f64(DType::F64, 2.0)).unwrap();
        let p = b.binary(Op::Multiply, two, wide).unwrap();
        vec![b.binary(Op::Add, p, y).unwrap()]
    });
    assert_eq!(ops(&optimized(&g)), ["input", "input", "constant", "multiply", "add"]);
}

#[test]
fn reading_back_an_update() {
    let g = build(|b| {
        let x = b.input("x", TensorType::new(DType::F64, n(1)));
        let v = b.input("v", TensorType::fixed(DType::F64, &[2]));
        let s = |start: i64| [Slice { start: start.into(), size: 2.into(), step: 1 }];
        let u = b.update_slice(x, v, &s(4)).unwrap();
        let (same, beside) = (b.slice(u, &s(4)).unwrap(), b.slice(u, &s(1)).unwrap());
        vec![same, beside]
    });
    let after = optimized(&g);
    assert_eq!(ops(&after), ["input", "input", "slice"]);
    assert_eq!(after.outputs[0].node.0, 1);
}

#[test]
fn deep_chains_are_linear_and_need_no_stack() {
    let g = build(|b| {
        let x = b.input("x", TensorType::new(DType::F64, n(2)));
        let mut y = x;
        for k in 0..100_000 {
            y = match k % 3 {
                0 => b.unary(Op::Sin, y).unwrap(),
                1 => b.binary(Op::Add, y, x).unwrap(),
                _ => b.unary(Op::Negative, y).unwrap(),
            };
        }
        vec![y]
    });
    assert_eq!(optimized(&g).nodes.len(), 100_001);
}
