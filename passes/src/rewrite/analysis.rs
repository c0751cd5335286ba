//! What is known about each e-class: type, constant value, sign, and the source location it answers for.

use super::language::{AttrsTable, ENode, Head};
use crate::rebuild::Ranges;
use egg::{Analysis, DidMerge, EGraph, Id};
use frit_ir::infer::infer;
use frit_ir::ops::Class;
use frit_ir::{DType, Dim, Key, Loc, Op, Scalar, Symbol, TensorType};
use std::collections::HashSet;
use std::rc::Rc;

pub(crate) type Egraph = EGraph<ENode, TensorAnalysis>;

/// Which location a class answers for: nodes of the program come before nodes that rules made, then the order of
/// the program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Origin {
    pub(crate) made: bool,
    /// Index into [`TensorAnalysis::locs`].
    pub(crate) loc: u32,
}

/// The facts of one e-class.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Facts {
    /// One type per result.
    pub(crate) types: Rc<[TensorType]>,
    /// The value that every element has.
    pub(crate) constant: Option<Scalar>,
    /// Every element is NaN or has a clear sign bit.
    pub(crate) nonnegative: bool,
    pub(crate) origin: Origin,
}

/// One successful rule application.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    /// Index of the rule.
    pub(crate) rule: usize,
    /// The class that was rewritten.
    pub(crate) root: Id,
    /// The node that matched, and the class of the replacement as it was made.
    pub(crate) from: ENode,
    pub(crate) to: Id,
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
    pub(crate) seen: HashSet<(usize, ENode, ENode)>,
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
            seen: HashSet::new(),
            most: usize::MAX,
        }
    }
}

impl Analysis<ENode> for TensorAnalysis {
    type Data = Facts;

    fn make(egraph: &mut Egraph, node: &ENode, _: Id) -> Facts {
        let origin = egraph.analysis.origin;
        let op = match node.head {
            Head::Leaf(k) => return egraph.analysis.leaves[k as usize].clone(),
            Head::Result(k) => {
                let t = egraph[node.children[0]].data.types[k as usize].clone();
                return Facts { types: Rc::from([t]), constant: None, nonnegative: false, origin };
            }
            Head::Op(op) => op,
        };
        let types = egraph.analysis.pending.take().unwrap_or_else(|| {
            let inputs: Vec<&TensorType> = node.children.iter().map(|c| &egraph[*c].data.types[0]).collect();
            infer(op, egraph.analysis.attrs.get(node.attrs), &inputs).expect("checked before adding").into()
        });
        let constant = match op {
            Op::Constant => Some(egraph.analysis.attrs.get(node.attrs).scalar(Key::Value)),
            _ if op.class() == Class::View => egraph[node.children[0]].data.constant,
            _ => None,
        };
        let nonnegative = constant.is_some_and(nonnegative_scalar) || nonnegative(egraph, op, node);
        Facts { types, constant, nonnegative, origin }
    }

    fn merge(&mut self, a: &mut Facts, b: Facts) -> DidMerge {
        debug_assert_eq!(a.types, b.types, "a rule changed a type");
        let old = a.clone();
        a.constant = a.constant.or(b.constant);
        a.nonnegative |= b.nonnegative;
        a.origin = a.origin.min(b.origin);
        DidMerge(*a != old, *a != b)
    }
}

fn nonnegative_scalar(c: Scalar) -> bool {
    match c.dtype() {
        t if t.is_float() => !c.as_f64().is_sign_negative(),
        t if t.is_int() => t.int_range().is_some_and(|(lo, _)| lo == 0) || c.as_i64() >= 0,
        t => t == DType::Bool,
    }
}

/// Integers never count as nonnegative after arithmetic: it may wrap.
fn nonnegative(egraph: &Egraph, op: Op, node: &ENode) -> bool {
    let all = || node.children.iter().all(|c| egraph[*c].data.nonnegative);
    let float = node.children.first().is_some_and(|c| egraph[*c].data.types[0].dtype.is_float());
    match op {
        Op::Absolute | Op::Square | Op::Exp | Op::Exp2 | Op::Cosh if float => true,
        Op::Sqrt | Op::Add | Op::Multiply | Op::Divide | Op::Sum | Op::Prod if float => all(),
        Op::Maximum => float && node.children.iter().any(|c| egraph[*c].data.nonnegative),
        Op::Min | Op::Max | Op::Sort | Op::Concatenate | Op::Gather if float => {
            egraph[node.children[0]].data.nonnegative && (op != Op::Concatenate || all())
        }
        _ if op.class() == Class::View => float && all(),
        _ => false,
    }
}
