//! A graph in pieces of bounded size, each searched in its own e-graph.

use super::cost::CostModel;
use super::explain::Fired;
use super::search::Search;
use crate::explain::Notes;
use crate::pass::MathLevel;
use crate::rebuild::{Ranges, results};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, NodeId, Value};
use frit_ir::{Key, Op};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Nodes per piece. Saturation grows faster than its input, so large graphs are cut.
const PIECE: usize = 150;

/// New values by old ones.
pub(super) type ValueMap = HashMap<Value, Value>;

/// The outcome of one round.
pub(super) struct Round {
    /// A better graph, if any piece got cheaper.
    pub(super) graph: Option<Graph>,
    /// The rules that made it.
    pub(super) fired: Vec<Fired>,
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
    let exported = exported(graph, &nodes);
    let mut b = Builder::new(&graph.name);
    for input in &graph.inputs {
        b.input(&input.name, input.ty.clone());
    }
    let mut map = ValueMap::new();
    for id in graph.ids().filter(|id| graph.node(*id).op == Op::Input) {
        let position = graph.node(id).attrs.int(Key::Position) as u32;
        map.insert(Value { node: id, index: 0 }, Value { node: NodeId(position), index: 0 });
    }
    let (mut fired, mut stops, mut changed) = (Vec::new(), BTreeMap::new(), false);
    for piece in nodes.chunks(PIECE) {
        let proof = notes.as_ref().is_some_and(|n| n.what.proof);
        let mut search = Search::with_proofs(graph, ranges, piece, &exported, proof);
        *stops.entry(search.run(math)).or_insert(0) += 1;
        let better = search.better(piece, costs, notes.as_deref_mut());
        if let Some(notes) = notes.as_deref_mut() {
            if let Some(better) = &better {
                search.history(better, notes);
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
        } else {
            copy(graph, piece, &mut b, &mut map)?;
        }
    }
    let outputs = graph.outputs.iter().map(|v| map[v]).collect();
    Ok(Round { graph: changed.then(|| b.finish(outputs)), fired, stops })
}

/// Values that the graph returns, or that another piece than their own uses.
fn exported(graph: &Graph, nodes: &[NodeId]) -> HashSet<Value> {
    let mut piece_of = vec![usize::MAX; graph.nodes.len()];
    for (k, id) in nodes.iter().enumerate() {
        piece_of[id.0 as usize] = k / PIECE;
    }
    let mut out: HashSet<Value> = graph.outputs.iter().copied().collect();
    for id in nodes {
        let uses = &graph.node(*id).inputs;
        out.extend(uses.iter().filter(|v| piece_of[v.node.0 as usize] != piece_of[id.0 as usize]));
    }
    out
}

/// The piece as it is.
fn copy(graph: &Graph, piece: &[NodeId], b: &mut Builder, map: &mut ValueMap) -> Result<(), TypeError> {
    for id in piece {
        let node = graph.node(*id);
        b.set_loc(node.loc.clone());
        let inputs: Vec<Value> = node.inputs.iter().map(|v| map[v]).collect();
        let first = b.node(node.op, node.attrs.clone(), &inputs)?;
        for (index, v) in results(b, first).into_iter().enumerate() {
            map.insert(Value { node: *id, index: index as u32 }, v);
        }
    }
    Ok(())
}
