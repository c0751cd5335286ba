//! What the kernel of a group may share: the phases of its reductions, row values to keep, axes to walk as one.

use super::cost;
use super::nest::Root;
use crate::fuse::Group;
use frit_ir::graph::{Graph, NodeId};
use frit_ir::ops::Class;
use frit_ir::plan::{View, contiguous_strides};
use frit_ir::{Dim, Key, Op, Value};
use std::collections::{HashMap, HashSet};

/// Phase of each reduction inlined in a group: one more than that of the reductions it is computed from.
pub(super) fn phases(g: &Graph, group: &Group) -> HashMap<Value, u32> {
    let mut out: HashMap<Value, u32> = HashMap::new();
    for id in &group.reductions {
        let mut phase = 0;
        let mut seen = HashSet::new();
        let mut stack = vec![g.node(*id).inputs[0].node];
        while let Some(x) = stack.pop() {
            if let Some(p) = out.get(&Value { node: x, index: 0 }) {
                phase = phase.max(p + 1);
                continue;
            }
            if group.computes(x) && seen.insert(x) {
                stack.extend(g.node(x).inputs.iter().map(|v| v.node));
            }
        }
        out.insert(Value { node: *id, index: 0 }, phase);
    }
    out
}

/// Elementwise values over the whole row that two loops over it need and that are dear to compute: kept in scratch.
pub(super) fn row_caches(
    g: &Graph,
    group: &Group,
    roots: &[Root],
    source: &[Dim],
    storage: &HashMap<Value, View>,
    phases: &HashMap<Value, u32>,
) -> Vec<Value> {
    let axes = g.node(group.reductions[0]).attrs.ints(Key::Axes);
    if axes.iter().filter(|a| !source[**a as usize].is(1)).count() != 1
        || source.last().is_none_or(|d| d.is(1))
    {
        return vec![];
    }
    // Stages in which each node is computed: the phases, and the final loop.
    let mut stages: HashMap<NodeId, HashSet<u32>> = HashMap::new();
    let mut walk = |start: NodeId, stage: u32| {
        let mut stack = vec![start];
        while let Some(x) = stack.pop() {
            let v = Value { node: x, index: 0 };
            let inside = group.computes(x) && !storage.contains_key(&v) && !phases.contains_key(&v);
            if inside && stages.entry(x).or_default().insert(stage) {
                stack.extend(g.node(x).inputs.iter().map(|v| v.node));
            }
        }
    };
    for id in &group.reductions {
        walk(g.node(*id).inputs[0].node, phases[&Value { node: *id, index: 0 }]);
    }
    for r in roots {
        if g.ty(r.value).shape == source {
            walk(r.value.node, u32::MAX);
        }
    }
    let mut found: Vec<Value> = stages
        .iter()
        .filter(|(id, s)| {
            let node = g.node(**id);
            s.len() >= 2
                && node.op.class() == Class::Elementwise
                && node.types[0].shape == source
                && cost::of_node(g, node) >= cost::ROUND_TRIP
        })
        .map(|(id, _)| Value { node: *id, index: 0 })
        .collect();
    found.sort();
    found
}

/// True if what is computed of what is in memory takes a math function.
pub(super) fn has_math(g: &Graph, storage: &HashMap<Value, View>, roots: &[Root]) -> bool {
    let mut seen = HashSet::new();
    let mut stack: Vec<Value> = roots.iter().map(|r| r.value).collect();
    while let Some(v) = stack.pop() {
        if storage.contains_key(&v) || !seen.insert(v) {
            continue;
        }
        let node = g.def(v);
        if node.op.class() == Class::Elementwise && cost::takes_math(g, node) {
            return true;
        }
        if node.op.class() != Class::Region {
            stack.extend(&node.inputs);
        }
    }
    false
}

/// For each axis of a domain, whether it can be walked as one with the next: every array and every op in the group is
/// laid out the same over both.
pub(super) fn mergeable(
    g: &Graph,
    storage: &HashMap<Value, View>,
    roots: &[Root],
    domain: &[Dim],
) -> Vec<bool> {
    let rank = domain.len();
    let mut merge = vec![rank > 1; rank];
    if let Some(last) = merge.last_mut() {
        *last = false;
    }
    let mut seen = HashSet::new();
    let mut stack: Vec<Value> = roots.iter().map(|r| r.value).collect();
    while let Some(v) = stack.pop() {
        if !seen.insert(v) {
            continue;
        }
        let shape = &g.ty(v).shape;
        if shape.len() > rank {
            return vec![false; rank];
        }
        let skip = rank - shape.len();
        let size = |k: usize| if k < skip { None } else { Some(&shape[k - skip]) };
        let stored = storage.get(&v);
        // Axes of size 1 do not separate their neighbours.
        let wide: Vec<usize> = (0..rank).filter(|k| !domain[*k].is(1)).collect();
        for pair in wide.windows(2) {
            let (k, j) = (pair[0], pair[1]);
            let absent = |k: usize| size(k).is_none_or(|n| n.is(1));
            let mut ok = absent(k) == absent(j);
            if let (Some(view), false) = (stored, absent(k)) {
                ok &= view.strides[k - skip] == &view.strides[j - skip] * &domain[j];
            }
            merge[k] &= ok;
        }
        if stored.is_some() {
            continue;
        }
        let node = g.def(v);
        match node.op.class() {
            Class::Elementwise => stack.extend(&node.inputs),
            Class::Source if shape.is_empty() => {}
            _ if node.op == Op::BroadcastTo => stack.extend(&node.inputs),
            _ => return vec![false; rank],
        }
    }
    let written = roots.iter().map(|r| &r.view);
    for view in written {
        let want = contiguous_strides(&view.shape);
        if view.strides != want {
            return vec![false; rank];
        }
    }
    merge
}
