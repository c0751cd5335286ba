//! Chains of matrix products in the order that costs least.
//!
//! The e-graph associates short chains together with everything else that it knows; the number of its nodes grows as the
//! cube of a chain's length. Here a whole chain, of products that nothing else uses, is put in the best order at once.
//! Dynamic programming (Godbole, "On efficient computation of matrix chain products", 1973), with the cost model of
//! rewriting: products with vectors, stacks and symbolic sizes count as they do there.

use crate::pass::{Context, MathLevel};
use crate::rebuild::{Ranges, begin, map_regions, results};
use crate::rewrite::{CostModel, number};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, NodeId, TensorType, Value};
use frit_ir::infer::infer;
use frit_ir::ops::Class;
use frit_ir::{Attrs, Op};
use std::collections::{HashMap, HashSet};

/// The rule's name in reports.
const NAME: &str = "matmul-chain";

/// Factors up to which the best order of all is looked for, in a time that grows as their cube.
const TOGETHER: usize = 64;

/// Puts the chains of a graph and of its regions in order.
pub(crate) fn run(graph: &Graph, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    if !context.options.rewrite {
        return Ok(graph.clone());
    }
    associate(graph, &[], &mut CostModel::default(), context)
}

/// The order of a product.
#[derive(Clone, Debug)]
enum Order {
    Factor(Value),
    Product(Box<Order>, Box<Order>),
}

/// A better order of a chain: that of its last product, and the products in it that are no more.
struct Chain {
    order: Order,
    inner: Vec<NodeId>,
}

/// The factors of a chain from left to right, and its products but the last.
fn factors(graph: &Graph, root: NodeId, uses: &[u32]) -> (Vec<Value>, Vec<NodeId>) {
    let (mut leaves, mut inner) = (Vec::new(), Vec::new());
    let mut stack: Vec<Value> = graph.node(root).inputs.iter().rev().copied().collect();
    while let Some(v) = stack.pop() {
        let node = graph.def(v);
        if node.op == Op::Matmul && uses[v.node.0 as usize] == 1 {
            inner.push(v.node);
            stack.extend(node.inputs.iter().rev());
        } else {
            leaves.push(v);
        }
    }
    (leaves, inner)
}

/// An ordered stretch of a chain.
struct Part {
    order: Order,
    ty: TensorType,
    cost: f64,
}

fn product_type(a: &TensorType, b: &TensorType) -> Option<TensorType> {
    infer(Op::Matmul, &Attrs::NONE, &[a, b]).ok()?.pop()
}

/// Seconds of one product.
fn product_cost(inputs: [&TensorType; 2], out: &TensorType, costs: &mut CostModel) -> f64 {
    let m = costs.measure(Op::Matmul, &Attrs::NONE, &inputs, std::slice::from_ref(out));
    costs.own(&m, &inputs)
}

/// The cheapest order of a few factors.
fn cheapest(parts: Vec<Part>, costs: &mut CostModel) -> Option<Part> {
    let n = parts.len();
    let at = |i: usize, j: usize| i * n + j;
    let mut types: Vec<Option<TensorType>> = vec![None; n * n];
    let mut cost = vec![0.0; n * n];
    let mut split = vec![0; n * n];
    for (i, p) in parts.iter().enumerate() {
        (types[at(i, i)], cost[at(i, i)]) = (Some(p.ty.clone()), p.cost);
    }
    for length in 1..n {
        for i in 0..n - length {
            let j = i + length;
            let ty = product_type(types[at(i, j - 1)].as_ref()?, types[at(j, j)].as_ref()?)?;
            let mut best = f64::INFINITY;
            for k in i..j {
                let inputs = [types[at(i, k)].as_ref()?, types[at(k + 1, j)].as_ref()?];
                let total = cost[at(i, k)] + cost[at(k + 1, j)] + product_cost(inputs, &ty, costs);
                if total < best {
                    (best, split[at(i, j)]) = (total, k);
                }
            }
            (types[at(i, j)], cost[at(i, j)]) = (Some(ty), best);
        }
    }
    let (ty, total) = (types[at(0, n - 1)].take()?, cost[at(0, n - 1)]);
    let orders: Vec<Order> = parts.into_iter().map(|p| p.order).collect();
    fn build(orders: &[Order], split: &dyn Fn(usize, usize) -> usize, i: usize, j: usize) -> Order {
        if i == j {
            return orders[i].clone();
        }
        let k = split(i, j);
        Order::Product(Box::new(build(orders, split, i, k)), Box::new(build(orders, split, k + 1, j)))
    }
    Some(Part { order: build(&orders, &|i, j| split[at(i, j)], 0, n - 1), ty, cost: total })
}

/// All products with the smallest size of a chain: within a quarter of the best order (Chandra, "Computing matrix chain
/// products in near-optimal time", 1975).
fn fan(parts: Vec<Part>, costs: &mut CostModel) -> Option<Part> {
    let rows = |p: &Part| number(&p.ty.shape[p.ty.rank() - 2]);
    let last = parts.last()?;
    let ends = parts.iter().map(rows).chain([number(&last.ty.shape[last.ty.rank() - 1])]);
    let smallest = ends.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b))?.0;
    let mut left = parts;
    let right = left.split_off(smallest);
    // The smallest size is the columns of everything on the left, and the rows of everything on the right.
    let left = left.into_iter().rev().map(Some).reduce(|product, p| multiply(p?, product?, costs));
    let right = right.into_iter().map(Some).reduce(|product, p| multiply(product?, p?, costs));
    match (left, right) {
        (Some(x), Some(y)) => multiply(x?, y?, costs),
        (x, y) => x.or(y)?,
    }
}

fn multiply(x: Part, y: Part, costs: &mut CostModel) -> Option<Part> {
    let ty = product_type(&x.ty, &y.ty)?;
    let own = product_cost([&x.ty, &y.ty], &ty, costs);
    let order = Order::Product(Box::new(x.order), Box::new(y.order));
    Some(Part { order, ty, cost: x.cost + y.cost + own })
}

/// The better order of the chain that ends with a product, if there is one.
fn improve(graph: &Graph, root: NodeId, uses: &[u32], costs: &mut CostModel) -> Option<Chain> {
    let (leaves, inner) = factors(graph, root, uses);
    if leaves.len() < 3 {
        return None;
    }
    let now: f64 = inner
        .iter()
        .chain([&root])
        .map(|id| {
            let n = graph.node(*id);
            let inputs: Vec<&TensorType> = n.inputs.iter().map(|v| graph.ty(*v)).collect();
            product_cost([inputs[0], inputs[1]], &n.types[0], costs)
        })
        .sum();
    let factor = |v: &Value| Part { order: Order::Factor(*v), ty: graph.ty(*v).clone(), cost: 0.0 };
    let parts: Vec<Part> = leaves.iter().map(factor).collect();
    let best = if parts.len() > TOGETHER { fan(parts, costs)? } else { cheapest(parts, costs)? };
    // The same type for whatever sizes symbols stand for, and not another order of the same cost.
    let better = best.ty == graph.node(root).types[0] && best.cost < now * (1.0 - 1e-9);
    better.then_some(Chain { order: best.order, inner })
}

fn associate(
    graph: &Graph,
    ranges: &Ranges,
    costs: &mut CostModel,
    context: &mut Context<'_>,
) -> Result<Graph, TypeError> {
    let uses = graph.use_counts();
    let mut chains: HashMap<NodeId, Chain> = HashMap::new();
    let mut seen: HashSet<NodeId> = HashSet::new();
    for id in graph.ids().rev() {
        let node = graph.node(id);
        // Integers wrap, and bools combine, in any order.
        let class = if node.types[0].dtype.is_inexact() { MathLevel::Reassociate } else { MathLevel::Exact };
        if node.op != Op::Matmul || seen.contains(&id) || class > context.options.math {
            continue;
        }
        seen.extend(factors(graph, id, &uses).1);
        if let Some(chain) = improve(graph, id, &uses, costs) {
            context.fired(NAME, class, &node.loc);
            chains.insert(id, chain);
        }
    }
    let gone: HashSet<NodeId> = chains.values().flat_map(|c| c.inner.iter().copied()).collect();
    if chains.is_empty() && !graph.nodes.iter().any(|n| n.op.class() == Class::Region) {
        return Ok(graph.clone());
    }
    let mut b = begin(graph, ranges);
    for input in &graph.inputs {
        b.input(&input.name, input.ty.clone());
    }
    let mut map: HashMap<Value, Value> = HashMap::new();
    for id in graph.ids().filter(|id| !gone.contains(id)) {
        let node = graph.node(id);
        if node.op == Op::Input {
            let position = node.attrs.int(frit_ir::Key::Position) as u32;
            map.insert(Value { node: id, index: 0 }, Value { node: NodeId(position), index: 0 });
            continue;
        }
        b.set_loc(node.loc.clone());
        let first = if let Some(chain) = chains.get(&id) {
            emit(&mut b, &chain.order, &map)?
        } else {
            let inputs: Vec<Value> = node.inputs.iter().map(|v| map[v]).collect();
            let attrs = map_regions(node.op, &node.attrs, ranges, &mut |g, r| {
                associate(g, r, &mut *costs, &mut *context)
            })?;
            b.node(node.op, attrs, &inputs)?
        };
        for (index, v) in results(&b, first).into_iter().enumerate() {
            map.insert(Value { node: id, index: index as u32 }, v);
        }
    }
    let outputs = graph.outputs.iter().map(|v| map[v]).collect();
    Ok(b.finish(outputs))
}

fn emit(b: &mut Builder, order: &Order, map: &HashMap<Value, Value>) -> Result<Value, TypeError> {
    match order {
        Order::Factor(v) => Ok(map[v]),
        Order::Product(x, y) => {
            let (x, y) = (emit(b, x, map)?, emit(b, y, map)?);
            b.node(Op::Matmul, Attrs::NONE, &[x, y])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::Options;
    use crate::testing::generate::Random;
    use crate::testing::same_values;
    use frit_ir::graph::Node;
    use frit_ir::{DType, Dim};

    fn chain(b: &mut Builder, sizes: &[Dim], t: DType) -> Value {
        let factor = |b: &mut Builder, k: usize| {
            b.input(&format!("x{k}"), TensorType::new(t, [sizes[k].clone(), sizes[k + 1].clone()]))
        };
        let mut x = factor(b, 0);
        for k in 1..sizes.len() - 1 {
            let y = factor(b, k);
            x = b.matmul(x, y).expect("fits");
        }
        x
    }

    fn ordered(graph: &Graph, math: MathLevel) -> (Graph, f64, f64) {
        let options = Options::new(math);
        let mut context = Context::new(&options);
        let after = run(graph, &mut context).expect("associates");
        let cost = |g: &Graph| -> f64 {
            let mut costs = CostModel::default();
            let products = g.nodes.iter().filter(|n| n.op == Op::Matmul);
            let one =
                |n: &Node| product_cost([g.ty(n.inputs[0]), g.ty(n.inputs[1])], &n.types[0], &mut costs);
            products.map(one).sum()
        };
        let (before, now) = (cost(graph), cost(&after));
        (after, before, now)
    }

    /// All orders of a chain, for the least cost.
    fn least(sizes: &[Dim], t: DType, costs: &mut CostModel) -> f64 {
        let n = sizes.len() - 1;
        let ty = |i: usize, j: usize| TensorType::new(t, [sizes[i].clone(), sizes[j].clone()]);
        (1..n)
            .map(|k| {
                let own = product_cost([&ty(0, k), &ty(k, n)], &ty(0, n), costs);
                own + least(&sizes[..=k], t, costs) + least(&sizes[k..], t, costs)
            })
            .reduce(f64::min)
            .unwrap_or(0.0)
    }

    #[test]
    fn chains_get_the_best_order() {
        let mut r = Random(7);
        for _ in 0..60 {
            let n = 3 + r.below(5);
            let sizes: Vec<Dim> = (0..n)
                .map(|_| {
                    r.pick(&[Dim::symbol("n"), Dim::symbol("m"), 1.into(), 2.into(), 4.into(), 7.into()])
                })
                .collect();
            let t = r.pick(&[DType::F64, DType::I64]);
            let mut b = Builder::new("chain");
            let x = chain(&mut b, &sizes, t);
            let graph = b.finish(vec![x]);
            let (after, before, cost) = ordered(&graph, MathLevel::Reassociate);
            let best = least(&sizes, t, &mut CostModel::default());
            assert!(cost <= best * (1.0 + 1e-6) && cost <= before, "{cost} is not {best} for {sizes:?}");
            same_values(&mut r, MathLevel::Reassociate, &graph, &after).unwrap();
            assert_eq!(ordered(&after, MathLevel::Reassociate).0, after, "not idempotent");
        }
    }

    #[test]
    fn long_chains_end_with_little_work() {
        // A vector at the end of 300 square matrices: only products with vectors.
        let mut sizes = vec![Dim::symbol("n"); 301];
        sizes.push(1.into());
        let mut b = Builder::new("chain");
        let x = chain(&mut b, &sizes, DType::F64);
        let graph = b.finish(vec![x]);
        let (after, before, cost) = ordered(&graph, MathLevel::Reassociate);
        assert!(cost < before / 50.0, "{cost} of {before}");
        assert_eq!(after.nodes.len(), graph.nodes.len());
    }

    #[test]
    fn what_must_stay_stays() {
        let sizes: Vec<Dim> = vec![Dim::symbol("n"), Dim::symbol("n"), Dim::symbol("n"), 1.into()];
        let mut b = Builder::new("chain");
        let x = chain(&mut b, &sizes, DType::F64);
        let graph = b.finish(vec![x]);
        assert_eq!(ordered(&graph, MathLevel::Exact).0, graph, "floats under exact");
        // The first product is a result itself.
        let mut b = Builder::new("chain");
        let x = chain(&mut b, &sizes[..3], DType::F64);
        let v = b.input("v", TensorType::new(DType::F64, [sizes[2].clone(), 1.into()]));
        let y = b.matmul(x, v).expect("fits");
        let graph = b.finish(vec![x, y]);
        assert_eq!(ordered(&graph, MathLevel::Reassociate).0, graph);
    }
}
