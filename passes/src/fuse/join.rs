//! Groups that become one, and the order in which groups run.

use super::{Fuser, Fusion, Group, LARGEST_GROUP, MOST_ROOTS, Shape, at};
use frit_ir::graph::{Node, NodeId};
use frit_ir::{Dim, Key};
use std::collections::BTreeSet;

impl Fuser<'_> {
    pub(super) fn may_join(&self, group: usize, users: &BTreeSet<usize>) -> bool {
        let g = &self.groups[group];
        g.roots.len() < MOST_ROOTS
            && g.size < LARGEST_GROUP
            && users.iter().all(|u| *u == group || !self.depends(group, *u))
    }

    /// A group with the same loops that already reads the node or its operands.
    pub(super) fn join(&mut self, id: NodeId, domain: &[Dim], users: &BTreeSet<usize>) -> Option<usize> {
        let inputs: Vec<NodeId> = self.g.node(id).inputs.iter().map(|v| v.node).collect();
        let related = |g: &Group| {
            g.touched.contains(&id) || inputs.iter().any(|i| g.touched.contains(i) && !self.is_scalar(*i))
        };
        let candidates = self.by_domain.get(domain)?;
        let found = candidates.iter().rev().take(8).copied().find(|k| {
            let g = &self.groups[*k];
            // A value consumed at other positions of the same domain must be complete first.
            let same_place = !g.touched.contains(&id) || self.used_in_place(id, *k);
            matches!(g.shape, Shape::Map { .. }) && related(g) && same_place && self.may_join(*k, users)
        })?;
        let group = &mut self.groups[found];
        group.roots.push(id);
        group.size += 1;
        group.touched.insert(id);
        group.touched.extend(inputs);
        self.group_of.insert(id, found);
        self.home[at(id)] = BTreeSet::from([found]);
        Some(found)
    }

    /// Joins groups of reductions over the same axes of related arrays, neither of which needs the other: one pass
    /// over the data serves both (mean and maximum of one array).
    pub(super) fn join_groups(&mut self) {
        let n = self.groups.len();
        let mut needed_by: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); n];
        for (k, needs) in self.needs.iter().enumerate() {
            for m in needs {
                needed_by[*m].insert(k);
            }
        }
        for a in (0..n).rev() {
            for b in (a.saturating_sub(16)..a).rev() {
                if self.alike(a, b) && !self.depends(a, b) && !self.depends(b, a) {
                    let gone = std::mem::replace(&mut self.groups[b], Group::empty());
                    let kept = &mut self.groups[a];
                    kept.roots.extend(&gone.roots);
                    kept.reductions.extend(&gone.reductions);
                    kept.nested.extend(&gone.nested);
                    kept.touched.extend(&gone.touched);
                    kept.size += gone.size;
                    for r in gone.roots {
                        self.group_of.insert(r, a);
                    }
                    for m in std::mem::take(&mut self.needs[b]) {
                        needed_by[m].remove(&b);
                        needed_by[m].insert(a);
                        self.needs[a].insert(m);
                    }
                    for k in std::mem::take(&mut needed_by[b]) {
                        self.needs[k].remove(&b);
                        self.needs[k].insert(a);
                        needed_by[a].insert(k);
                    }
                }
            }
        }
    }

    pub(super) fn alike(&self, a: usize, b: usize) -> bool {
        let (x, y) = (&self.groups[a], &self.groups[b]);
        let (Some(r), Some(s)) = (x.reductions.first(), y.reductions.first()) else { return false };
        let (r, s) = (self.g.node(*r), self.g.node(*s));
        let source = |n: &Node| self.g.ty(n.inputs[0]).shape.clone();
        let shared = |id: &NodeId| !self.is_scalar(*id) && y.touched.contains(id);
        x.shape == y.shape
            && source(r) == source(s)
            && r.attrs.ints(Key::Axes) == s.attrs.ints(Key::Axes)
            && x.roots.len() + y.roots.len() <= MOST_ROOTS
            && x.size + y.size <= LARGEST_GROUP
            && x.touched.iter().any(shared)
            && x.roots
                .iter()
                .chain(&y.roots)
                .all(|i| self.g.node(*i).types[0].rank() == self.g.node(x.roots[0]).types[0].rank())
    }

    pub(super) fn finish(mut self) -> Fusion {
        self.join_groups();
        // Groups were made from the results back; run them in dependency order, earliest node first.
        let (groups, needs): (Vec<Group>, Vec<BTreeSet<usize>>) = self.compact();
        self.groups = groups;
        self.needs = needs;
        let n = self.groups.len();
        let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); n];
        let mut waiting: Vec<usize> = self.needs.iter().map(BTreeSet::len).collect();
        for (k, needs) in self.needs.iter().enumerate() {
            for m in needs {
                needed_by[*m].push(k);
            }
        }
        let key = |k: usize| (self.groups[k].roots.iter().min().copied(), k);
        let mut ready: BTreeSet<(Option<NodeId>, usize)> =
            (0..n).filter(|k| waiting[*k] == 0).map(key).collect();
        let mut order = Vec::with_capacity(n);
        while let Some(first) = ready.pop_first() {
            order.push(first.1);
            for k in &needed_by[first.1] {
                waiting[*k] -= 1;
                if waiting[*k] == 0 {
                    ready.insert(key(*k));
                }
            }
        }
        assert_eq!(order.len(), n, "fusion made a cycle of groups");
        let mut groups: Vec<Option<Group>> = self.groups.into_iter().map(Some).collect();
        let mut sorted: Vec<Group> =
            order.into_iter().map(|k| groups[k].take().expect("each group once")).collect();
        for g in &mut sorted {
            g.roots.sort();
            g.reductions.sort();
        }
        Fusion { stored: self.stored, groups: sorted }
    }

    /// Groups that still have roots, with their needs renumbered.
    pub(super) fn compact(&mut self) -> (Vec<Group>, Vec<BTreeSet<usize>>) {
        let mut number = vec![0; self.groups.len()];
        let mut next = 0;
        for (k, g) in self.groups.iter().enumerate() {
            number[k] = next;
            next += !g.roots.is_empty() as usize;
        }
        let all = std::mem::take(&mut self.groups).into_iter().zip(std::mem::take(&mut self.needs));
        all.filter(|(g, _)| !g.roots.is_empty())
            .map(|(g, needs)| (g, needs.into_iter().map(|n| number[n]).collect()))
            .unzip()
    }
}
