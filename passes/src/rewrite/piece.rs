//! A graph in pieces of bounded size, each searched in its own e-graph.

use super::cost::CostModel;
use super::explain::Fired;
use super::search::Search;
use crate::explain::{Notes, Step};
use crate::pass::MathLevel;
use crate::rebuild::{GONE, PerValue, Ranges, results};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, NodeId, Value};
use frit_ir::{Key, Op};
use std::collections::BTreeMap;
use std::ops::Range;

/// Nodes per piece. Saturation grows faster than its input, so large graphs are cut.
const PIECE: usize = 150;

/// New values by old ones.
pub(super) type ValueMap = PerValue<Value>;

/// The outcome of one round.
pub(super) struct Round {
    /// A better graph, if any piece got cheaper.
    pub(super) graph: Option<Graph>,
    /// The rules that made it.
    pub(super) fired: Vec<Fired>,
    /// The same one by one, with what each changed.
    pub(super) steps: Vec<Step>,
    /// Why each search stopped.
    pub(super) stops: BTreeMap<String, usize>,
}

/// Searches each piece once.
pub(super) fn rewrite_pieces(
    graph: &Graph,
    ranges: &Ranges,
    costs: &mut CostModel,
    math: MathLevel,
    mut notes: Option<&mut Notes>,
) -> Result<Round, TypeError> {
    let live = graph.live();
    let nodes: Vec<NodeId> =
        graph.ids().filter(|id| live[id.0 as usize] && graph.node(*id).op != Op::Input).collect();
    let cut = pieces(graph, &nodes);
    let exported = exported(graph, &nodes, &cut);
    let mut b = Builder::new(&graph.name);
    for input in &graph.inputs {
        b.input(&input.name, input.ty.clone());
    }
    let mut map = ValueMap::new(graph, GONE);
    for id in graph.ids().filter(|id| graph.node(*id).op == Op::Input) {
        let position = graph.node(id).attrs.int(Key::Position) as u32;
        map[Value { node: id, index: 0 }] = Value { node: NodeId(position), index: 0 };
    }
    let (mut fired, mut steps, mut stops) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut changed, mut made) = (false, 0);
    for piece in cut.into_iter().map(|p| &nodes[p]) {
        let proof = notes.as_ref().is_some_and(|n| n.what.proof);
        let mut search = Search::with_proofs(graph, ranges, piece, &exported, proof);
        *stops.entry(search.run(math)).or_insert(0) += 1;
        let better = search.better(piece, costs, notes.as_deref_mut());
        if let Some(notes) = notes.as_deref_mut() {
            if let Some(better) = &better {
                search.proofs(better, notes);
            }
            if notes.what.lost && math < MathLevel::Fast {
                let mut looser = Search::new(graph, ranges, piece, &exported);
                looser.run(MathLevel::Fast);
                let found = looser.better(piece, costs, None);
                looser.forbidden(found.as_ref(), better.as_ref(), math, notes);
            }
        }
        if let Some(better) = better {
            changed = true;
            search.emit(&better.order, &mut b, &mut map)?;
            fired.extend(better.fired);
            let count = |s: &Step| s.change.as_ref().map_or(0, |c| c.made.len());
            let more: usize = better.steps.iter().map(count).sum();
            steps.extend(
                better.steps.into_iter().map(|s| Step { change: s.change.map(|c| c.after(made)), ..s }),
            );
            made += more;
        } else {
            copy(graph, piece, &mut b, &mut map)?;
        }
    }
    let outputs = graph.outputs.iter().map(|v| map[*v]).collect();
    Ok(Round { graph: changed.then(|| b.finish(outputs)), fired, steps, stops })
}

/// Where to cut: of the last half of what a piece may hold, after the node where the fewest values are alive that later
/// pieces use. What rules look at together is there as a rule: an expression has one value in the end.
fn pieces(graph: &Graph, nodes: &[NodeId]) -> Vec<Range<usize>> {
    let mut position = vec![usize::MAX; graph.nodes.len()];
    let mut last: Vec<usize> = (0..nodes.len()).collect();
    for (k, id) in nodes.iter().enumerate() {
        position[id.0 as usize] = k;
        for v in &graph.node(*id).inputs {
            if let Some(last) = last.get_mut(position[v.node.0 as usize]) {
                *last = k;
            }
        }
    }
    // Values made before a node and used by it or later.
    let mut change = vec![0i64; nodes.len() + 2];
    for (k, last) in last.iter().enumerate() {
        change[k + 1] += 1;
        change[last + 1] -= 1;
    }
    let mut alive = change;
    for k in 1..alive.len() {
        alive[k] += alive[k - 1];
    }
    let (mut out, mut start) = (Vec::new(), 0);
    while nodes.len() - start > PIECE {
        let ends = start + PIECE / 2..=start + PIECE;
        let end = ends.rev().min_by_key(|k| alive[*k]).expect("some");
        out.push(start..end);
        start = end;
    }
    out.push(start..nodes.len());
    out
}

/// Values that the graph returns, or that another piece than their own uses.
fn exported(graph: &Graph, nodes: &[NodeId], pieces: &[Range<usize>]) -> PerValue<bool> {
    let mut piece_of = vec![usize::MAX; graph.nodes.len()];
    for (k, piece) in pieces.iter().enumerate() {
        for id in &nodes[piece.clone()] {
            piece_of[id.0 as usize] = k;
        }
    }
    let mut out = PerValue::new(graph, false);
    for v in &graph.outputs {
        out[*v] = true;
    }
    for id in nodes {
        for v in &graph.node(*id).inputs {
            out[*v] |= piece_of[v.node.0 as usize] != piece_of[id.0 as usize];
        }
    }
    out
}

/// The piece as it is.
fn copy(graph: &Graph, piece: &[NodeId], b: &mut Builder, map: &mut ValueMap) -> Result<(), TypeError> {
    for id in piece {
        let node = graph.node(*id);
        b.set_loc(node.loc.clone());
        let inputs: Vec<Value> = node.inputs.iter().map(|v| map[*v]).collect();
        let first = b.node(node.op, node.attrs.clone(), &inputs)?;
        for (index, v) in results(b, first).into_iter().enumerate() {
            map[Value { node: *id, index: index as u32 }] = v;
        }
    }
    Ok(())
}
