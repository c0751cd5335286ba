//! Facts hold: elements of random programs, special values among their arguments, are within what is claimed.

use super::super::search::Search;
use super::Range;
use crate::pass::MathLevel;
use crate::rebuild::PerValue;
use crate::testing::generate::{Draw, Random, arguments, value};
use crate::testing::sizes;
use frit_ir::build::Builder;
use frit_ir::eval::{Array, eval};
use frit_ir::graph::{Graph, NodeId, Value};
use frit_ir::ops::Class;
use frit_ir::{Op, Scalar};

fn holds(range: Range, v: Scalar) -> bool {
    match (range, Range::point(v)) {
        (Range::Int(lo, hi), Range::Int(v, _)) => lo <= v && v <= hi,
        (Range::Real(r), Range::Real(_)) => {
            let x = v.as_f64();
            let minus_zero = x == 0.0 && x.is_sign_negative();
            if x.is_nan() { r.nan } else { r.lo <= x && x <= r.hi && (r.minus_zero || !minus_zero) }
        }
        (Range::Complex, Range::Complex) => true,
        _ => false,
    }
}

/// Checks every value of a graph; how many of them something was known about.
fn check(r: &mut Random, graph: &Graph, saturate: bool) -> usize {
    let nodes: Vec<NodeId> = graph.ids().filter(|id| graph.node(*id).op != Op::Input).collect();
    let mut exported = PerValue::new(graph, false);
    graph.outputs.iter().for_each(|v| exported[*v] = true);
    let mut search = Search::new(graph, &[], &nodes, &exported);
    search.egraph.rebuild();
    if saturate {
        search.run(MathLevel::Exact);
    }
    let facts: Vec<(Value, Range)> = search
        .roots
        .iter()
        .map(|(v, class)| (*v, search.egraph[search.egraph.find(*class)].data.range))
        .collect();
    for draw in [Draw::Special, Draw::Moderate, Draw::Tame] {
        let args = arguments(r, graph, draw);
        let Ok(values) = eval(graph, &args, &sizes()) else { continue };
        for (v, range) in &facts {
            let of = |o: &Value| o == v;
            let k = graph.outputs.iter().position(of).expect("an exported value is a result");
            let array: &Array = &values[k];
            if let Some(x) = array.data.iter().find(|x| !holds(*range, **x)) {
                let op = graph.def(*v).op;
                panic!("{op} is {x}, claimed {range:?}\n{graph}\n{args:#?}");
            }
        }
    }
    facts.iter().filter(|(v, range)| *range != Range::of_type(graph.ty(*v).dtype)).count()
}

#[test]
fn facts_hold() {
    let mut r = Random(7);
    let mut known = std::collections::BTreeMap::new();
    for op in Op::ALL {
        // The tests know how to draw operands for these.
        let drawn =
            matches!(op.class(), Class::Elementwise | Class::Reduce | Class::Cumulative | Class::View)
                || matches!(op, Op::Concatenate | Op::Pad | Op::Gather | Op::Matmul | Op::Sort | Op::Iota);
        for round in 0..if drawn { 150 } else { 0 } {
            let mut b = Builder::new("facts");
            let depth = 1 + r.below(3);
            let Some(_) = value(&mut r, &mut b, *op, depth) else { continue };
            let all: Vec<Value> = b
                .graph()
                .ids()
                .filter(|id| b.graph().node(*id).op != Op::Input)
                .map(|node| Value { node, index: 0 })
                .collect();
            let graph = b.finish(all);
            *known.entry(*op).or_insert(0) += check(&mut r, &graph, round % 3 == 0);
        }
    }
    for op in [Op::Exp, Op::Square, Op::Less, Op::Maximum, Op::Clip, Op::Sqrt, Op::Tanh, Op::Sum, Op::Iota] {
        assert!(known[&op] > 0, "nothing was known about {op}");
    }
}
