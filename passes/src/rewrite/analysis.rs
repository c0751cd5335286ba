//! The analysis of e-classes: their facts, and the tables that e-nodes refer to.

use super::facts::{Facts, Origin, Site, Structure};
use super::language::{AttrsTable, ENode, Head};
use crate::rebuild::Ranges;
use egg::{Analysis, DidMerge, EGraph, Id};
use frit_ir::infer::infer;
use frit_ir::{Dim, Loc, Symbol, TensorType};
use rustc_hash::FxHashSet;
use std::rc::Rc;

pub(crate) type Egraph = EGraph<ENode, TensorAnalysis>;

/// One successful rule application.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    /// Index of the rule.
    pub(crate) rule: usize,
    /// The class that was rewritten.
    pub(crate) root: Id,
    /// The node that matched, and the class of the replacement as it was made.
    pub(crate) from: ENode,
    /// The form of an operand's class that it matched together with.
    pub(crate) inner: Option<(Id, ENode)>,
    pub(crate) to: Id,
    /// By the same match as the one before it in the record: both pay together.
    pub(crate) together: bool,
}

/// The analysis with the tables that e-nodes refer to.
#[derive(Debug)]
pub(crate) struct TensorAnalysis {
    pub(crate) attrs: AttrsTable,
    /// Bounds of the loop indices around the graph.
    pub(crate) ranges: Vec<(Symbol, Dim, Dim)>,
    pub(crate) leaves: Vec<Facts>,
    pub(crate) locs: Vec<Loc>,
    /// Types of the node about to be added, already inferred.
    pub(crate) pending: Option<Rc<[TensorType]>>,
    /// Origin of the node about to be added.
    pub(crate) origin: Origin,
    pub(crate) applied: Vec<Applied>,
    /// Pairs of nodes that a rule has seen: it would make the same again.
    pub(crate) seen: FxHashSet<(usize, ENode, ENode)>,
    /// Classes that changed since the last search.
    pub(crate) changed: Vec<Id>,
    /// By class: whether a match may be new, because something within reach of it changed. Empty: all may be.
    pub(crate) fresh: Vec<bool>,
    /// Rules make nothing more once the e-graph has this many nodes. The runner looks at its limit between rules only,
    /// and a class that holds a view of itself feeds one rule without end.
    pub(crate) most: usize,
}

impl TensorAnalysis {
    pub(crate) fn new(ranges: &Ranges) -> TensorAnalysis {
        TensorAnalysis {
            attrs: AttrsTable::new(),
            ranges: ranges.to_vec(),
            leaves: Vec::new(),
            locs: Vec::new(),
            pending: None,
            origin: Origin { made: false, loc: 0 },
            applied: Vec::new(),
            seen: FxHashSet::default(),
            changed: Vec::new(),
            fresh: Vec::new(),
            most: usize::MAX,
        }
    }
}

impl Analysis<ENode> for TensorAnalysis {
    type Data = Facts;

    fn make(egraph: &mut Egraph, node: &ENode, _: Id) -> Facts {
        let types = egraph.analysis.pending.take();
        facts(egraph, node, types, egraph.analysis.origin)
    }

    /// Only facts of the operands changed.
    fn remake(egraph: &mut Egraph, node: &ENode, id: Id) -> Facts {
        let (types, origin) = (egraph[id].data.types.clone(), egraph[id].data.origin);
        facts(egraph, node, Some(types), origin)
    }

    fn merge(&mut self, a: &mut Facts, b: Facts) -> DidMerge {
        a.meet(b)
    }

    fn modify(egraph: &mut Egraph, id: Id) {
        egraph.analysis.changed.push(id);
    }
}

/// The facts of a node; its types are inferred where they are not given.
fn facts(egraph: &Egraph, node: &ENode, types: Option<Rc<[TensorType]>>, origin: Origin) -> Facts {
    let op = match node.head {
        Head::Leaf(k) => return egraph.analysis.leaves[k as usize].clone(),
        Head::Result(k) => {
            let t = egraph[node.children[0]].data.types[k as usize].clone();
            let op = egraph[node.children[0]].nodes.iter().find_map(ENode::op);
            let mut facts = Facts::unknown(Rc::from([t]), origin);
            facts.structure = op.map_or(Structure::default(), |op| Structure::of_result(op, k));
            return facts;
        }
        Head::Op(op) => op,
    };
    let attrs = egraph.analysis.attrs.get(node.attrs);
    let operands: Vec<&Facts> = node.children.iter().map(|c| &egraph[*c].data).collect();
    let types = types.unwrap_or_else(|| {
        let inputs: Vec<&TensorType> = operands.iter().map(|f| &f.types[0]).collect();
        infer(op, attrs, &inputs).expect("checked before adding").into()
    });
    let ranges = &egraph.analysis.ranges;
    let site = Site { op, attrs, node, operands: &operands, types: &types, ranges };
    Facts::of(&site, types.clone(), origin)
}

/// Levels of operands that a rule looks at: those of the deepest pattern, and forms and facts of what they match.
const REACH: usize = 3;

/// Before a search: which classes may have matches that the search before it did not see.
pub(crate) fn refresh(egraph: &mut Egraph) {
    let changed = std::mem::take(&mut egraph.analysis.changed);
    let mut fresh = vec![false; egraph.nodes().len()];
    let mut layer: Vec<Id> = changed.into_iter().map(|id| egraph.find(id)).collect();
    for _ in 0..=REACH {
        let mut next = Vec::new();
        for id in layer {
            if !std::mem::replace(&mut fresh[usize::from(id)], true) {
                next.extend(egraph[id].parents().map(|p| egraph.find(p)));
            }
        }
        layer = next;
    }
    egraph.analysis.fresh = fresh;
}
