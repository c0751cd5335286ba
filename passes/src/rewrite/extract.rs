//! Choosing one e-node per class so that the whole program, shared nodes paid once, is cheap.
//!
//! Greedy, from the leaves up: each class keeps its best node with the *set* of classes that this choice needs.
//! The cost of a candidate is the sum over the union of its operands' sets, so sharing counts. A choice that would
//! need itself is skipped. This is not optimal; the caller compares the result with the original program.

use super::analysis::Egraph;
use super::cost::CostModel;
use super::language::{ENode, Head};
use egg::{Id, Language};
use frit_ir::TensorType;
use std::collections::{HashMap, VecDeque};

/// A set of classes.
#[derive(Clone, Default)]
struct Set(Vec<u64>);

impl Set {
    fn union(&mut self, o: &Set) {
        if self.0.len() < o.0.len() {
            self.0.resize(o.0.len(), 0);
        }
        for (a, b) in self.0.iter_mut().zip(&o.0) {
            *a |= b;
        }
    }

    fn insert(&mut self, i: usize) {
        if self.0.len() <= i / 64 {
            self.0.resize(i / 64 + 1, 0);
        }
        self.0[i / 64] |= 1 << (i % 64);
    }

    fn has(&self, i: usize) -> bool {
        self.0.get(i / 64).is_some_and(|w| w >> (i % 64) & 1 == 1)
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(k, w)| {
            let mut w = *w;
            std::iter::from_fn(move || {
                let bit = w.trailing_zeros();
                w &= w.wrapping_sub(1);
                (bit < 64).then_some(k * 64 + bit as usize)
            })
        })
    }
}

#[derive(Clone)]
struct Choice {
    node: usize,
    own: f64,
    total: f64,
    needs: Set,
}

/// The chosen node of each class that has one.
pub(crate) fn extract(egraph: &Egraph, costs: &mut CostModel) -> HashMap<Id, ENode> {
    let mut ids: Vec<Id> = egraph.classes().map(|c| c.id).collect();
    ids.sort_unstable();
    let index: HashMap<Id, usize> = ids.iter().enumerate().map(|(k, id)| (*id, k)).collect();
    let child = |id: &Id| index[&egraph.find(*id)];
    // Own cost and operands of each node, once.
    let mut nodes: Vec<Vec<(f64, Vec<usize>)>> = Vec::with_capacity(ids.len());
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); ids.len()];
    for (k, id) in ids.iter().enumerate() {
        let mut list = Vec::new();
        for n in &egraph[*id].nodes {
            let operands: Vec<usize> = n.children().iter().map(child).collect();
            for o in &operands {
                if users[*o].last() != Some(&k) {
                    users[*o].push(k);
                }
            }
            list.push((own_cost(egraph, costs, *id, n), operands));
        }
        nodes.push(list);
    }
    let mut best: Vec<Option<Choice>> = vec![None; ids.len()];
    let mut queue: VecDeque<usize> = (0..ids.len()).collect();
    let mut queued = vec![true; ids.len()];
    // Costs only fall, but an operand's set may change without its cost: bound the work all the same.
    let mut budget = 64 * ids.len();
    while let Some(k) = queue.pop_front() {
        queued[k] = false;
        if budget == 0 {
            break;
        }
        budget -= 1;
        let mut improved = false;
        for (i, (own, operands)) in nodes[k].iter().enumerate() {
            let Some(candidate) = candidate(&best, k, i, *own, operands) else { continue };
            if best[k].as_ref().is_none_or(|b| candidate.total + 1e-9 < b.total) {
                best[k] = Some(candidate);
                improved = true;
            }
        }
        if improved {
            for u in &users[k] {
                if !std::mem::replace(&mut queued[*u], true) {
                    queue.push_back(*u);
                }
            }
        }
    }
    let chosen = best.iter().enumerate().filter_map(|(k, b)| {
        let b = b.as_ref()?;
        Some((ids[k], egraph[ids[k]].nodes[b.node].clone()))
    });
    chosen.collect()
}

fn candidate(
    best: &[Option<Choice>],
    class: usize,
    node: usize,
    own: f64,
    operands: &[usize],
) -> Option<Choice> {
    let mut needs = Set::default();
    match operands {
        [] => return Some(Choice { node, own, total: own, needs: single(class) }),
        [one] => {
            // The common case needs no sum over the set.
            let b = best[*one].as_ref()?;
            if b.needs.has(class) {
                return None;
            }
            needs.union(&b.needs);
            needs.insert(class);
            return Some(Choice { node, own, total: own + b.total, needs });
        }
        _ => {}
    }
    for o in operands {
        let b = best[*o].as_ref()?;
        if b.needs.has(class) {
            return None;
        }
        needs.union(&b.needs);
    }
    let mut total = own;
    for c in needs.iter() {
        total += best[c].as_ref()?.own;
    }
    needs.insert(class);
    Some(Choice { node, own, total, needs })
}

fn single(class: usize) -> Set {
    let mut s = Set::default();
    s.insert(class);
    s
}

fn own_cost(egraph: &Egraph, costs: &mut CostModel, class: Id, n: &ENode) -> f64 {
    match n.head {
        Head::Leaf(_) | Head::Result(_) => 0.0,
        Head::Op(op) => {
            let inputs: Vec<&TensorType> = n.children().iter().map(|c| &egraph[*c].data.types[0]).collect();
            costs.node(op, egraph.analysis.attrs.get(n.attrs), &inputs, &egraph[class].data.types)
        }
    }
}
