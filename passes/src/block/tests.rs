use super::*;
use crate::pass::{MathLevel, Options};
use crate::testing::generate::{Random, value};
use crate::testing::{same_values, size};
use frit_ir::{DType, TensorType};

/// A graph of a few random values whose sizes are numbers.
fn random_graph(r: &mut Random) -> Graph {
    let ops = [
        Op::Add,
        Op::Multiply,
        Op::Slice,
        Op::Transpose,
        Op::Reshape,
        Op::Sum,
        Op::Prod,
        Op::Max,
        Op::Any,
        Op::Gather,
        Op::Squeeze,
        Op::ExpandDims,
        Op::Where,
        Op::Sqrt,
        Op::Matmul,
        Op::Concatenate,
        Op::Pad,
        Op::Cumsum,
        Op::Sort,
        Op::Argsort,
        Op::BroadcastTo,
        Op::Iota,
        Op::Diagonal,
        Op::Argmax,
    ];
    let mut b = Builder::new("random");
    let mut outputs = Vec::new();
    while outputs.len() < 2 {
        let op = r.pick(&ops);
        let depth = 1 + r.below(4);
        outputs.extend(value(r, &mut b, op, depth));
    }
    let graph = b.finish(outputs);
    crate::specialize(&graph, &|s| Some(size(&Dim::symbol(s)) as i64)).expect("type-checks with numbers")
}

/// Whatever is blocked, along whatever axis, in blocks of whatever size: the values stay.
#[test]
fn blocked_graphs_give_the_same_values() {
    let mut r = Random(11);
    let (mut blocked, mut uneven) = (0, 0);
    for _ in 0..1500 {
        let graph = random_graph(&mut r);
        let optimized = crate::optimize(&graph, &Options::new(MathLevel::Exact)).expect("optimizes").graph;
        let graph = prepare(&optimized).expect("legalizes");
        for at in candidates(&graph) {
            for rows in [1, 2, 3] {
                let Some(after) = block(&graph, &at, rows.min(at.length)).expect("type-checks") else {
                    continue;
                };
                frit_ir::verify::graph(&after).unwrap_or_else(|e| panic!("{e}\n{graph:#?}\n{after:#?}"));
                same_values(&mut r, MathLevel::Reassociate, &graph, &after)
                    .unwrap_or_else(|why| panic!("{why}"));
                let options = Options { verify: true, ..Options::new(MathLevel::Reassociate) };
                let done = crate::optimize(&after, &options).unwrap_or_else(|e| panic!("{e}\n{after:#?}"));
                same_values(&mut r, MathLevel::Reassociate, &graph, &done.graph)
                    .unwrap_or_else(|why| panic!("optimized: {why}"));
                blocked += 1;
                uneven += (at.length % rows != 0) as usize;
            }
        }
    }
    assert!(blocked > 1000 && uneven > 100, "{blocked} blocked, {uneven} of them unevenly");
}

fn matrix(b: &mut Builder, name: &str, shape: &[i64]) -> Value {
    let shape: Vec<Dim> = shape.iter().map(|n| (*n).into()).collect();
    b.input(name, TensorType::new(DType::F64, shape))
}

/// Blocks the largest value along an axis; the names of the ops in the body that have as many elements as the value.
fn still_whole(graph: &Graph, axis: usize, rows: i64) -> Vec<String> {
    let graph = prepare(&crate::optimize(graph, &Options::new(MathLevel::Exact)).unwrap().graph).unwrap();
    let all = candidates(&graph);
    let at = all.iter().find(|c| c.axis == axis).unwrap_or_else(|| panic!("{all:?}\n{graph:#?}"));
    let elements = graph.ty(at.value).elements();
    let after = block(&graph, at, rows).unwrap().expect("can be blocked");
    let after = crate::optimize(&after, &Options::new(MathLevel::Exact)).unwrap().graph;
    let mut r = Random(3);
    same_values(&mut r, MathLevel::Reassociate, &graph, &after).unwrap();
    fn walk(g: &Graph, elements: &Dim, out: &mut Vec<String>) {
        for n in &g.nodes {
            let makes =
                !matches!(n.op, Op::Input | Op::For | Op::BroadcastTo | Op::Reshape | Op::UpdateSlice);
            if makes && n.types[0].elements() == *elements {
                out.push(n.op.to_string());
            }
            if n.op == Op::For {
                walk(n.attrs.graph(Key::Body), elements, out);
            }
        }
    }
    let mut out = Vec::new();
    walk(&after, &elements, &mut out);
    out
}

/// Chains of products, softmax over the blocked axis, sorting of rows: nothing of the full size is left but results.
#[test]
fn nothing_large_is_left() {
    let chain = |f: &dyn Fn(&mut Builder, Value) -> Value| {
        let mut b = Builder::new("chain");
        let (x, y) = (matrix(&mut b, "x", &[24, 3]), matrix(&mut b, "y", &[3, 16]));
        let h = b.matmul(x, y).unwrap();
        let out = f(&mut b, h);
        b.finish(vec![out])
    };
    let product = chain(&|b, h| {
        let t = b.unary(Op::Tanh, h).unwrap();
        let z = matrix(b, "z", &[16, 5]);
        b.matmul(t, z).unwrap()
    });
    assert_eq!(still_whole(&product, 0, 4), Vec::<String>::new());
    let gram = chain(&|b, h| {
        let t = b.unary(Op::Tanh, h).unwrap();
        let u = b.matrix_transpose(t).unwrap();
        b.matmul(u, t).unwrap()
    });
    assert_eq!(still_whole(&gram, 0, 5), Vec::<String>::new());
    // Three loops: the maximum, the sum, and what is made of both.
    let softmax = chain(&|b, h| {
        let most = b.reduce(Op::Max, h, Some(&[0]), true).unwrap();
        let d = b.binary(Op::Subtract, h, most).unwrap();
        let e = b.unary(Op::Exp, d).unwrap();
        let total = b.reduce(Op::Sum, e, Some(&[0]), true).unwrap();
        let p = b.binary(Op::Divide, e, total).unwrap();
        b.reduce(Op::Sum, p, Some(&[1]), false).unwrap()
    });
    assert_eq!(still_whole(&softmax, 0, 6), Vec::<String>::new());
    let sorted = chain(&|b, h| {
        let attrs = Attrs::new([(Key::Axis, Attr::Int(1))]);
        let s = b.call(Op::Sort, attrs, &[h]).unwrap();
        let c = b.cumulative(Op::Cumsum, s, 1).unwrap();
        b.reduce(Op::Max, c, Some(&[1]), false).unwrap()
    });
    assert_eq!(still_whole(&sorted, 0, 7), Vec::<String>::new());
}

/// A cumulative sum along the axis needs the whole array.
#[test]
fn what_needs_the_whole_value_is_no_candidate() {
    let mut b = Builder::new("cumsum");
    let (x, y) = (matrix(&mut b, "x", &[24, 3]), matrix(&mut b, "y", &[3, 16]));
    let h = b.matmul(x, y).unwrap();
    let c = b.cumulative(Op::Cumsum, h, 0).unwrap();
    let s = b.call(Op::Sort, Attrs::new([(Key::Axis, Attr::Int(0))]), &[c]).unwrap();
    let graph = b.finish(vec![s]);
    assert!(candidates(&graph).iter().all(|c| c.axis == 1 || c.op == Op::Sort));
}

#[test]
fn blocks_divide_the_axis_where_a_divisor_is_near() {
    assert_eq!(rows(100_000, 8), 12_500);
    assert_eq!(rows(1000, 7), 125);
    assert_eq!(rows(9973, 4), 2493);
    assert_eq!(rows(5, 100), 1);
}
