//! Where the values of a group are read: the positions of each use, as expressions over the loops' coordinates.

use super::{Fuser, Group, LARGEST_GROUP, at};
use frit_ir::graph::NodeId;
use frit_ir::ops::Class;
use frit_ir::{Dim, Key, Op, Value};
use std::collections::HashSet;

impl Fuser<'_> {
    pub(super) fn is_scalar(&self, id: NodeId) -> bool {
        self.g.node(id).types[0].rank() == 0
    }

    /// True if every use of a node in a group is at the element that the group's loops stand at.
    pub(super) fn used_in_place(&self, id: NodeId, group: usize) -> bool {
        let rank = self.g.node(id).types[0].rank();
        let here: Vec<Dim> = coordinates(rank);
        self.positions(id, group).is_some_and(|all| all.iter().all(|p| *p == here))
    }

    /// Positions at which a group's loops read a node, over symbolic coordinates; `None` if there are too many.
    pub(super) fn positions(&self, id: NodeId, group: usize) -> Option<Vec<Vec<Dim>>> {
        let g = &self.groups[group];
        let mut found = Vec::new();
        let mut seen: HashSet<(Value, Vec<Dim>)> = HashSet::new();
        let mut stack: Vec<(Value, Vec<Dim>)> = Vec::new();
        for r in &g.roots {
            if *r != id {
                let v = Value { node: *r, index: 0 };
                self.push_operands(v, &coordinates(self.g.ty(v).rank()), &mut stack)?;
            }
        }
        while let Some((v, index)) = stack.pop() {
            if v.node == id {
                found.push(index);
                continue;
            }
            let outside = self.stored[at(v.node)].is_some() && !g.roots.contains(&v.node);
            if outside
                || matches!(self.g.def(v).op, Op::Input | Op::Literal)
                || !seen.insert((v, index.clone()))
            {
                continue;
            }
            if seen.len() > 4 * LARGEST_GROUP {
                return None;
            }
            self.push_operands(v, &index, &mut stack)?;
        }
        Some(found)
    }

    pub(super) fn push_operands(
        &self,
        v: Value,
        index: &[Dim],
        stack: &mut Vec<(Value, Vec<Dim>)>,
    ) -> Option<()> {
        use crate::lower::index::{broadcast_index, source_index};
        let node = self.g.def(v);
        match node.op.class() {
            Class::Elementwise => {
                for i in &node.inputs {
                    stack.push((*i, broadcast_index(&self.g.ty(*i).shape, index)));
                }
            }
            Class::View => stack.push((node.inputs[0], source_index(self.g, node, index, &[]))),
            Class::Reduce => {
                let shape = &self.g.ty(node.inputs[0]).shape;
                let kept = crate::lower::reduce::kept_index(node, index);
                let axes = node.attrs.ints(Key::Axes);
                let mut rest = kept.iter();
                let inner = (0..shape.len() as i64)
                    .map(|k| {
                        if axes.contains(&k) {
                            // A name that no kept coordinate has.
                            let own = Dim::symbol(&format!("d{k}"));
                            if kept.contains(&own) { Dim::symbol(&format!("e{k}")) } else { own }
                        } else {
                            rest.next().expect("ranks add up").clone()
                        }
                    })
                    .collect();
                stack.push((node.inputs[0], inner));
            }
            Class::Source => {}
            // Elements of movement ops come from anywhere.
            _ => return None,
        }
        Some(())
    }

    /// True if one of the nodes is computed from `id` inside a group, other than through one of its reductions.
    pub(super) fn reaches(&self, from: &[NodeId], id: NodeId, g: &Group) -> bool {
        let mut stack = from.to_vec();
        let mut seen = HashSet::new();
        while let Some(x) = stack.pop() {
            if x == id {
                return true;
            }
            if g.touched.contains(&x) && !g.reductions.contains(&x) && seen.insert(x) {
                stack.extend(self.g.node(x).inputs.iter().map(|v| v.node));
            }
        }
        false
    }

    /// True if another reduction of the group is computed from this one.
    pub(super) fn feeds_reduction(&self, id: NodeId, group: usize) -> bool {
        let g = &self.groups[group];
        let mut stack: Vec<NodeId> = g.reductions.iter().map(|r| self.g.node(*r).inputs[0].node).collect();
        let mut seen = HashSet::new();
        while let Some(x) = stack.pop() {
            if x == id {
                return true;
            }
            if g.touched.contains(&x) && seen.insert(x) {
                stack.extend(self.g.node(x).inputs.iter().map(|v| v.node));
            }
        }
        false
    }

    /// Every use of a reduction in a group is at the row that the loops stand at.
    pub(super) fn read_per_row(&self, id: NodeId, group: usize, rows: usize) -> bool {
        let here = coordinates(rows);
        let node = self.g.node(id);
        self.positions(id, group)
            .is_some_and(|all| all.iter().all(|p| crate::lower::reduce::kept_index(node, p) == here))
    }

    /// Every use of a reduction in a group over its kept axes is at the element that the loops stand at.
    pub(super) fn read_in_order(&self, id: NodeId, group: usize) -> bool {
        let node = self.g.node(id);
        let kept_sizes: Vec<Dim> = {
            let axes = node.attrs.ints(Key::Axes);
            let source = &self.g.ty(node.inputs[0]).shape;
            (0..source.len()).filter(|k| !axes.contains(&(*k as i64))).map(|k| source[k].clone()).collect()
        };
        // Coordinates in order, wherever axes of size 1 stand.
        let normal =
            |p: &[Dim]| -> Vec<Dim> { p.iter().filter(|d| d.as_const().is_none()).cloned().collect() };
        let Some(all) = self.positions(id, group) else { return false };
        let mut first: Option<Vec<Dim>> = None;
        for p in all {
            let n = normal(&crate::lower::reduce::kept_index(node, &p));
            // Coordinates themselves: a backward slice reads other rows than the loops stand at.
            let plain = n.iter().all(|d| {
                matches!(d.terms(), ([(atoms, 1)], 0) if matches!(&atoms[..], [frit_ir::dim::Atom::Sym(_)]))
            });
            let increasing = plain && n.windows(2).all(|w| w[0] < w[1]);
            let full = n.len() == kept_sizes.iter().filter(|d| !d.is(1)).count();
            if !increasing || !full || first.as_ref().is_some_and(|f| *f != n) {
                return false;
            }
            first = Some(n);
        }
        true
    }
}

pub(super) fn coordinates(rank: usize) -> Vec<Dim> {
    (0..rank).map(|k| Dim::symbol(&format!("d{k}"))).collect()
}
