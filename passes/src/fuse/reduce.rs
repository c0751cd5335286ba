//! Reductions: inside the loops that use them, nested in another one, or with loops of their own.

use super::{Fuser, Group, LARGEST_GROUP, LONGEST_ROW, MOST_ROOTS, Reason, SMALL, Shape, at};
use frit_ir::dim::product;
use frit_ir::graph::{Graph, Node, NodeId};
use frit_ir::ops::Class;
use frit_ir::{Dim, Key, Op};
use std::collections::{BTreeSet, HashSet};

impl Fuser<'_> {
    pub(super) fn visit_reduce(&mut self, id: NodeId, users: BTreeSet<usize>) {
        let output = self.stored[at(id)].is_some();
        if let Some(group) = self.inline_in(id, &users) {
            if users.len() > 1 {
                self.store(id, Reason::Reduction);
                self.link(&users, group);
            }
            let g = &mut self.groups[group];
            g.reductions.push(id);
            g.touched.insert(id);
            g.touched.insert(self.g.node(id).inputs[0].node);
            g.size += 1;
            if output || users.len() > 1 {
                g.roots.push(id);
                self.group_of.insert(id, group);
            }
            self.home[at(id)] = BTreeSet::from([group]);
            return;
        }
        if let (&[group], false) = (&users.iter().copied().collect::<Vec<_>>()[..], output)
            && !self.escaping_rows(id, group)
            && self.can_nest(id, group)
        {
            let g = &mut self.groups[group];
            g.nested.push(id);
            g.touched.insert(id);
            g.touched.insert(self.g.node(id).inputs[0].node);
            g.size += 1;
            self.home[at(id)] = users;
            self.share_out(group);
            return;
        }
        self.store(id, Reason::Reduction);
        if let Some(group) = self.join_reduce(id, &users) {
            self.link(&users, group);
            return;
        }
        let group = self.new_group(self.own_shape(id), id);
        if is_unrolled(self.g, self.g.node(id)) {
            self.groups[group].nested.push(id);
        } else {
            self.groups[group].reductions.push(id);
        }
        self.link(&users, group);
    }

    /// The group of users that computes a reduction in its own loops. Of several users the one that goes through the same
    /// rows, if the others can wait for it: they read from memory what it has found.
    fn inline_in(&mut self, id: NodeId, users: &BTreeSet<usize>) -> Option<usize> {
        if users.len() == 1 {
            let group = *users.first()?;
            return self.inline_reduce(id, group).then_some(group);
        }
        let source = self.g.ty(self.g.node(id).inputs[0]).shape.clone();
        users.iter().copied().find(|k| {
            let g = &self.groups[*k];
            let over = |r: &NodeId| self.g.ty(self.g.node(*r).inputs[0]).shape == source;
            let rows = match &g.shape {
                Shape::Map { domain, .. } => *domain == source || g.reductions.iter().any(over),
                _ => false,
            };
            let waits = |u: &usize| u == k || !self.depends(*k, *u);
            rows && g.roots.len() < MOST_ROOTS && users.iter().all(waits) && self.inline_reduce(id, *k)
        })
    }

    /// True if a row reduction is computed from another one of the same rows that someone other than a group needs, too.
    /// Then both are best made in one kernel: nested in the group, this one would read the rows again.
    fn escaping_rows(&self, id: NodeId, group: usize) -> bool {
        let node = self.g.node(id);
        let rows = |r: &Node| {
            r.op.class() == Class::Reduce
                && r.attrs.get(Key::Axes) == node.attrs.get(Key::Axes)
                && self.g.ty(r.inputs[0]).shape == self.g.ty(node.inputs[0]).shape
        };
        let mut stack = vec![node.inputs[0].node];
        let mut seen = HashSet::new();
        while let Some(x) = stack.pop() {
            let n = self.g.node(x);
            if rows(n) {
                if self.escapes(x, id, group) {
                    return true;
                }
            } else if matches!(n.op.class(), Class::Elementwise | Class::View)
                && seen.len() < LARGEST_GROUP
                && seen.insert(x)
            {
                stack.extend(n.inputs.iter().map(|v| v.node));
            }
        }
        false
    }

    /// True if a value is used other than on the way to `end`, or in a group.
    fn escapes(&self, id: NodeId, end: NodeId, group: usize) -> bool {
        let mut stack = vec![id];
        let mut seen = HashSet::new();
        while let Some(x) = stack.pop() {
            if self.g.outputs.iter().any(|v| v.node == x) {
                return true;
            }
            for c in self.consumers[at(x)].iter().filter(|c| **c != end) {
                // Those after `end` have their groups already; the others will be computed where they are used.
                let placed = if *c > end { Some(self.home[at(*c)].iter().eq([&group])) } else { None };
                let class = self.g.node(*c).op.class();
                let through = matches!(class, Class::Elementwise | Class::View);
                match placed {
                    Some(true) => {}
                    None if through && seen.len() < LARGEST_GROUP => {
                        if seen.insert(*c) {
                            stack.push(*c);
                        }
                    }
                    _ => return true,
                }
            }
        }
        false
    }

    /// True if a reduction can be a loop inside the loops of the group's own reductions: they read it once per
    /// element, so that nothing is computed twice, and the array of its results never exists.
    pub(super) fn can_nest(&self, id: NodeId, group: usize) -> bool {
        let (node, g) = (self.g.node(id), &self.groups[group]);
        let source = &self.g.ty(node.inputs[0]).shape;
        let axes = node.attrs.ints(Key::Axes);
        let first = source.len() - axes.len();
        let trailing = axes.iter().enumerate().all(|(j, a)| *a as usize == first + j);
        let simple = !node.types[0].dtype.is_complex() || node.op == Op::Sum;
        if g.size >= LARGEST_GROUP || !simple || !(trailing || is_unrolled(self.g, node)) {
            return false;
        }
        let wide = |shape: &[Dim]| shape.iter().filter(|d| !d.is(1)).cloned().collect::<Vec<Dim>>();
        let kept: Vec<Dim> =
            (0..source.len()).filter(|k| !axes.contains(&(*k as i64))).map(|k| source[k].clone()).collect();
        let kept = wide(&kept);
        // Who reads it: reductions over arrays of its own shape, in one pass, and nobody else.
        let outside: Vec<NodeId> = g.roots.iter().copied().filter(|r| !g.reductions.contains(r)).collect();
        if self.reaches(&outside, id, g) {
            return false;
        }
        let input = |r: &NodeId| self.g.node(*r).inputs[0].node;
        let readers: Vec<&Node> = g
            .reductions
            .iter()
            .filter(|r| self.reaches(&[input(r)], id, g))
            .map(|r| self.g.node(*r))
            .collect();
        let Some(reader) = readers.first() else { return false };
        // Positions found in parts of an axis are combined by reading the elements again.
        let in_parts =
            |r: &&Node| positional(r.op) && product(&r.types[0].shape).as_const().is_some_and(|n| n <= FEW);
        if readers.iter().any(in_parts) {
            return false;
        }
        let alike = readers.iter().all(|r| {
            wide(&self.g.ty(r.inputs[0]).shape) == kept
                && r.attrs.get(Key::Axes) == reader.attrs.get(Key::Axes)
        });
        let once = |p: &Vec<Dim>| {
            let mut at: Vec<Dim> = crate::lower::reduce::kept_index(node, p);
            at.retain(|d| d.as_const().is_none());
            let n = at.len();
            at.sort();
            at.dedup();
            n == kept.len() && at.len() == n && at.iter().all(|d| d.affine_in(&d.to_string()).is_some())
        };
        alike
            && self
                .positions(id, group)
                .is_some_and(|all| all.iter().all(once) && all.windows(2).all(|w| w[0] == w[1]))
    }

    /// Shares a reduction of few elements out to threads if other reductions, nested in it, make it much work.
    fn share_out(&mut self, group: usize) {
        let g = &self.groups[group];
        let Shape::Map { domain, rows } = &g.shape else { return };
        let Some(first) = g.reductions.first() else { return };
        let of = |r: &NodeId| {
            let node = self.g.node(*r);
            (&self.g.ty(node.inputs[0]).shape, node.attrs.ints(Key::Axes))
        };
        let side_by_side =
            g.reductions.iter().all(|r| of(r) == of(first) && !self.feeds_reduction(*r, group));
        let heavy = is_split(self.g, self.g.node(*first), nested_work(self.g, &g.nested));
        if *rows == Some(domain.len()) && side_by_side && heavy {
            self.groups[group].shape = Shape::Split;
        }
    }

    /// Loops for a reduction on its own.
    pub(super) fn own_shape(&self, id: NodeId) -> Shape {
        let node = self.g.node(id);
        if is_unrolled(self.g, node) {
            return Shape::Map { domain: node.types[0].shape.clone(), rows: None };
        }
        if is_split(self.g, node, 1) {
            return Shape::Split;
        }
        if is_columns(self.g, node) {
            return Shape::Columns;
        }
        let domain = node.types[0].shape.clone();
        let rows = Some(domain.len());
        Shape::Map { domain, rows }
    }

    /// Adds a reduction to a group of reductions over the same axes of arrays of the same shape.
    pub(super) fn join_reduce(&mut self, id: NodeId, users: &BTreeSet<usize>) -> Option<usize> {
        let own = self.own_shape(id);
        let node = self.g.node(id);
        let (shape, axes) = (&self.g.ty(node.inputs[0]).shape, node.attrs.ints(Key::Axes));
        let input = node.inputs[0].node;
        let group = (0..self.groups.len()).rev().take(16).find(|k| {
            let g = &self.groups[*k];
            let same_axes = g.reductions.first().is_some_and(|r| {
                let other = self.g.node(*r);
                self.g.ty(other.inputs[0]).shape == *shape
                    && other.attrs.ints(Key::Axes) == axes
                    && other.attrs.bool(Key::Keepdims) == node.attrs.bool(Key::Keepdims)
            });
            same_axes
                && g.shape == own
                && (g.touched.contains(&input) || self.share_operands(g, input))
                && self.may_join(*k, users)
                && !users.contains(k)
        })?;
        let g = &mut self.groups[group];
        g.roots.push(id);
        g.reductions.push(id);
        g.touched.insert(id);
        g.size += 1;
        self.group_of.insert(id, group);
        self.home[at(id)] = BTreeSet::from([group]);
        Some(group)
    }

    /// True if the reductions of a group and another one of this operand will be computed from a common array: what they
    /// need of it is not in the group yet.
    fn share_operands(&self, g: &Group, input: NodeId) -> bool {
        let cone = |from: Vec<NodeId>| {
            let (mut stack, mut seen) = (from, BTreeSet::new());
            while let Some(x) = stack.pop().filter(|_| seen.len() < COMMON) {
                if !self.is_scalar(x) && seen.insert(x) {
                    let n = self.g.node(x);
                    if matches!(n.op.class(), Class::Elementwise | Class::View) {
                        stack.extend(n.inputs.iter().map(|v| v.node));
                    }
                }
            }
            seen
        };
        let theirs = cone(g.reductions.iter().map(|r| self.g.node(*r).inputs[0].node).collect());
        !cone(vec![input]).is_disjoint(&theirs)
    }

    /// Tries to compute a reduction inside the one group that uses it.
    pub(super) fn inline_reduce(&mut self, id: NodeId, group: usize) -> bool {
        let node = self.g.node(id);
        let source = self.g.ty(node.inputs[0]).shape.clone();
        let axes: Vec<usize> = node.attrs.ints(Key::Axes).iter().map(|a| *a as usize).collect();
        let g = &self.groups[group];
        if g.size >= LARGEST_GROUP || node.types[0].dtype.is_complex() && node.op != Op::Sum {
            return false;
        }
        let rank = source.len();
        let trailing = axes.iter().enumerate().all(|(j, a)| *a == rank - axes.len() + j);
        let kept_rank = rank - axes.len();
        let kept: Vec<Dim> = (0..rank).filter(|k| !axes.contains(k)).map(|k| source[k].clone()).collect();
        let const_product = |dims: &[Dim]| product(dims).as_const();
        match &g.shape {
            Shape::Map { domain, rows } => {
                let squeezed: Vec<&Dim> = domain.iter().filter(|d| !d.is(1)).collect();
                let same_as_kept = squeezed == kept.iter().filter(|d| !d.is(1)).collect::<Vec<_>>();
                if *domain == source && trailing && (rows.is_none() || *rows == Some(kept_rank)) {
                    // Row by row, if rows stay in cache and there are enough of them, or everything is small.
                    let all = const_product(&source);
                    let row = const_product(&source[kept_rank..]);
                    let small = all.is_some_and(|n| n <= SMALL);
                    let by_rows = kept_rank > 0
                        && const_product(&kept).is_none_or(|n| n >= 8)
                        && row.is_none_or(|n| n <= LONGEST_ROW);
                    if !(small || by_rows) || !self.read_per_row(id, group, kept_rank) {
                        return false;
                    }
                    self.set_rows(group, kept_rank);
                    return true;
                }
                if same_as_kept && rows.is_none_or(|r| r == domain.len()) {
                    // What follows the reduction over its kept axes.
                    let others = &g.reductions;
                    let alike = others.iter().all(|r| {
                        let o = self.g.node(*r);
                        self.g.ty(o.inputs[0]).shape == source
                            && o.attrs.ints(Key::Axes) == node.attrs.ints(Key::Axes)
                    });
                    if !self.read_in_order(id, group) {
                        return false;
                    }
                    let own = self.own_shape(id);
                    match own {
                        Shape::Map { .. } => {
                            let rows = domain.len();
                            self.set_rows(group, rows);
                            return true;
                        }
                        Shape::Columns | Shape::Split if others.is_empty() && alike => {
                            self.groups[group].shape = own;
                            return true;
                        }
                        _ => return false,
                    }
                }
                false
            }
            Shape::Columns | Shape::Split => {
                let first = self.g.node(g.reductions[0]);
                let alike = self.g.ty(first.inputs[0]).shape == source
                    && first.attrs.ints(Key::Axes) == node.attrs.ints(Key::Axes);
                // Only side by side: a reduction that needs another one's result takes a kernel of its own.
                alike && !self.feeds_reduction(id, group) && self.read_in_order(id, group)
            }
            Shape::Single => false,
        }
    }

    pub(super) fn set_rows(&mut self, group: usize, n: usize) {
        if let Shape::Map { rows, .. } = &mut self.groups[group].shape {
            *rows = Some(n);
        }
    }
}

/// Nodes behind operands among which one is looked for that they have in common.
const COMMON: usize = 32;

/// Elements up to which a reduction is an expression without a loop.
pub(crate) const UNROLLED: i64 = 8;

/// A reduction of so few elements that it is an expression, not a loop.
pub(crate) fn is_unrolled(g: &Graph, node: &Node) -> bool {
    let shape = &g.ty(node.inputs[0]).shape;
    let reduced = product(node.attrs.ints(Key::Axes).iter().map(|a| &shape[*a as usize]));
    let simple = !node.types[0].dtype.is_complex() || node.op == Op::Sum;
    simple && !positional(node.op) && reduced.as_const().is_some_and(|n| (1..=UNROLLED).contains(&n))
}

/// A reduction whose last axis is kept: rows are added up column by column.
fn is_columns(g: &Graph, node: &Node) -> bool {
    let shape = &g.ty(node.inputs[0]).shape;
    let axes = node.attrs.ints(Key::Axes);
    let last = (0..shape.len()).rev().find(|k| !shape[*k].is(1));
    let simple = !g.ty(node.inputs[0]).dtype.is_complex() || node.op == Op::Sum;
    let wide = last.is_some_and(|k| shape[k].as_const().is_none_or(|n| n >= 16));
    simple
        && wide
        && last.is_some_and(|k| !axes.contains(&(k as i64)))
        && axes.iter().any(|a| !shape[*a as usize].is(1))
}

/// Results up to which a reduction of much data is shared out along a reduced axis.
const FEW: i64 = 64;

/// Elements that nested reductions read for each element of theirs, at most; sizes without a number count as 1.
pub(crate) fn nested_work(g: &Graph, nested: &[NodeId]) -> i64 {
    let work = |id: &NodeId| {
        let node = g.node(*id);
        let shape = &g.ty(node.inputs[0]).shape;
        product(node.attrs.ints(Key::Axes).iter().map(|a| &shape[*a as usize])).as_const().unwrap_or(1)
    };
    nested.iter().map(work).max().unwrap_or(1).max(1)
}

/// A reduction of much data to few elements. `work`: what each element read takes, in elements.
fn is_split(g: &Graph, node: &Node, work: i64) -> bool {
    let shape = &g.ty(node.inputs[0]).shape;
    let axes = node.attrs.ints(Key::Axes);
    let (mut kept, mut reduced) = (Dim::constant(1), Dim::constant(1));
    for (k, n) in shape.iter().enumerate() {
        if axes.contains(&(k as i64)) { reduced = reduced * n } else { kept = kept * n }
    }
    let few = kept.as_const().is_some_and(|n| n <= FEW);
    let simple = !g.ty(node.inputs[0]).dtype.is_complex() || node.op == Op::Sum;
    let much = |n: i64| n > 1 && n.saturating_mul(work) >= 2 * SMALL;
    few && simple && reduced.as_const().is_none_or(much)
}

/// Whether a reduction gives positions.
fn positional(op: Op) -> bool {
    op.def().combine.is_some_and(|c| c.positional().is_some())
}
