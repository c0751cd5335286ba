//! Fusion: which values exist in memory, and which of them are computed by one kernel.
//!
//! Nodes are visited from the results back. A node whose consumers all lie in one group is computed inside that
//! group's loops; the others are *stored*, each for a stated [`Reason`], and start a group or join one whose loops
//! run over the same domain. Reductions over trailing axes join the kernel that uses their result row by row (softmax,
//! normalization, variance); any reduction takes along the elementwise ops that follow it over its kept axes.
//!
//! Invariants: groups form a directed acyclic graph; a stored node is in exactly one group; a node that is not stored
//! is computed in every group that uses it, and only there.

use crate::lower::cost;
use frit_ir::dim::product;
use frit_ir::graph::{Graph, Node, NodeId};
use frit_ir::ops::Class;
use frit_ir::{Dim, Key, Op, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// Elements up to which a reduction over a whole array stays inside the loops that use it.
const SMALL: i64 = 32 << 10;
/// Longest row that is reduced and used in one kernel: it has to stay in cache between the two.
const LONGEST_ROW: i64 = 64 << 10;
/// Cost of an element up to which it is computed twice rather than stored and loaded.
const RECOMPUTE: f64 = 14.0;
/// Cost of an element up to which it is computed again in each iteration of an outer loop.
const RECOMPUTE_OUTER: f64 = 6.0;
/// Nodes computed in one kernel: bounds compile time and the depth of recursion.
const LARGEST_GROUP: usize = 400;
/// Results of one kernel.
const MOST_ROOTS: usize = 12;

/// Why a value is in memory: the answer to "why was this not fused".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It is a result of the program.
    Output,
    /// A library routine, a loop or a sequential op reads it.
    Operand(Op),
    /// A library routine, a loop or a sequential op makes it.
    Made(Op),
    /// A reduction whose result is needed before any element that uses it can be computed.
    Reduction,
    /// Several kernels need it, and computing it again costs more than a round trip to memory.
    Shared,
    /// It would be computed again for every iteration of an outer loop.
    Broadcast,
    /// It is read at several positions, and computing it again costs more than a round trip to memory.
    Stencil,
    /// The kernel is as large as kernels get.
    Limit,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Output => f.write_str("is a result"),
            Reason::Operand(op) => write!(f, "is read by {op}, which is not generated code"),
            Reason::Made(op) => write!(f, "is made by {op}, which is not a fused loop"),
            Reason::Reduction => f.write_str("is a reduction that must be complete before it is used"),
            Reason::Shared => {
                f.write_str("is used by several kernels and costs more to compute again than to load")
            }
            Reason::Broadcast => {
                f.write_str("is broadcast along an outer axis and costs more to compute again than to load")
            }
            Reason::Stencil => {
                f.write_str("is read at several offsets and costs more to compute again than to load")
            }
            Reason::Limit => f.write_str("ends a kernel of the greatest size"),
        }
    }
}

/// The loops of a group.
#[derive(Clone, PartialEq, Debug)]
pub enum Shape {
    /// A loop over a domain; `rows` is the number of leading axes that hold reductions over the others.
    Map {
        /// Sizes.
        domain: Vec<Dim>,
        /// Row axes, if there are row reductions.
        rows: Option<usize>,
    },
    /// Reductions that keep their last axis.
    Columns,
    /// Reductions of much data to few elements, in two kernels.
    Split,
    /// A single node with loops of its own, or a library call.
    Single,
}

/// Values computed together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Loops.
    pub shape: Shape,
    /// Stored values that it computes, in node order.
    pub roots: Vec<NodeId>,
    /// Reductions computed inside, in node order (roots or not).
    pub reductions: Vec<NodeId>,
    /// Reductions computed anew at each element that reads them, like elementwise values.
    pub nested: Vec<NodeId>,
    /// Nodes computed or read inside.
    touched: HashSet<NodeId>,
    /// Number of nodes computed inside.
    size: usize,
}

impl Group {
    fn empty() -> Group {
        Group {
            shape: Shape::Single,
            roots: vec![],
            reductions: vec![],
            nested: vec![],
            touched: HashSet::new(),
            size: 0,
        }
    }

    /// True if the group's kernel computes or reads a node.
    pub(crate) fn computes(&self, id: NodeId) -> bool {
        self.touched.contains(&id)
    }

    /// The nodes whose elements the group's kernel computes.
    pub(crate) fn computed(&self, fusion: &Fusion) -> Vec<NodeId> {
        let inside = |id: &&NodeId| fusion.stored[id.0 as usize].is_none() || self.roots.contains(id);
        self.touched.iter().filter(inside).copied().collect()
    }

    /// Number of nodes whose elements this group computes.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// The result of fusion.
#[derive(Clone, Debug)]
pub struct Fusion {
    /// Why each node is stored, by position; `None` if it is computed inside the groups that use it.
    pub stored: Vec<Option<Reason>>,
    /// Groups in an order in which they can run.
    pub groups: Vec<Group>,
}

/// Decides what is stored and grouped.
pub fn fuse(g: &Graph) -> Fusion {
    let mut f = Fuser::new(g);
    f.forced();
    for id in g.ids().rev() {
        if f.live[id.0 as usize] {
            f.visit(id);
        }
    }
    f.finish()
}

/// The array that a chain of view ops shows, and whether strides can express the chain.
pub(crate) fn view_base(g: &Graph, v: Value) -> (Value, bool) {
    let (mut v, mut strided, mut reshaped) = (v, false, false);
    while g.def(v).op.class() == Class::View {
        match g.def(v).op {
            // A reshape of something already rearranged cannot be a window (walking from the result down, the
            // rearrangement comes after it in this loop).
            Op::Reshape => reshaped = true,
            Op::ExpandDims | Op::Squeeze => {}
            _ => strided |= reshaped,
        }
        v = g.def(v).inputs[0];
    }
    (v, !strided)
}

struct Fuser<'a> {
    g: &'a Graph,
    live: Vec<bool>,
    consumers: Vec<Vec<NodeId>>,
    stored: Vec<Option<Reason>>,
    /// Cost of one element with everything it is computed from.
    tree_cost: Vec<f64>,
    /// Groups that compute or read each node.
    home: Vec<BTreeSet<usize>>,
    groups: Vec<Group>,
    /// Groups that each group needs results of.
    needs: Vec<BTreeSet<usize>>,
    /// The group of each stored node.
    group_of: HashMap<NodeId, usize>,
    /// Latest groups by domain.
    by_domain: HashMap<Vec<Dim>, Vec<usize>>,
}

fn at(id: NodeId) -> usize {
    id.0 as usize
}

impl<'a> Fuser<'a> {
    fn new(g: &'a Graph) -> Fuser<'a> {
        let n = g.nodes.len();
        let mut consumers: Vec<Vec<NodeId>> = vec![Vec::new(); n];
        let live = g.live();
        let mut tree_cost = Vec::with_capacity(n);
        for id in g.ids() {
            let node = g.node(id);
            if live[at(id)] {
                for v in &node.inputs {
                    if consumers[at(v.node)].last() != Some(&id) {
                        consumers[at(v.node)].push(id);
                    }
                }
            }
            let cost = match node.op.class() {
                Class::Elementwise | Class::View | Class::Movement => {
                    let below: f64 = node.inputs.iter().map(|v| tree_cost[at(v.node)]).sum();
                    (below + cost::of_node(g, node)).min(1e9)
                }
                Class::Source if !matches!(node.op, Op::Input | Op::Literal) => 0.0,
                _ => 3.0,
            };
            tree_cost.push(cost);
        }
        Fuser {
            g,
            live,
            consumers,
            stored: vec![None; n],
            tree_cost,
            home: vec![BTreeSet::new(); n],
            groups: vec![],
            needs: vec![],
            group_of: HashMap::new(),
            by_domain: HashMap::new(),
        }
    }

    fn store(&mut self, id: NodeId, why: Reason) {
        let node = self.g.node(id);
        if !matches!(node.op, Op::Input | Op::Literal) {
            self.stored[at(id)].get_or_insert(why);
        }
    }

    /// Marks what must be stored whatever the groups are.
    fn forced(&mut self) {
        for v in &self.g.outputs {
            self.store(v.node, Reason::Output);
        }
        for id in self.g.ids() {
            let node = self.g.node(id);
            if !self.live[at(id)] {
                continue;
            }
            let single = is_single(node);
            if single {
                self.store(id, Reason::Made(node.op));
            }
            let by_window = matches!(node.op.class(), Class::Library | Class::Region);
            if by_window {
                for v in &node.inputs {
                    let (base, expressible) = view_base(self.g, *v);
                    let keep = if expressible { base } else { *v };
                    self.store(keep.node, Reason::Operand(node.op));
                    if matches!(self.g.def(keep).op, Op::Constant | Op::Iota | Op::DimValue) {
                        self.stored[at(keep.node)] = Some(Reason::Operand(node.op));
                    }
                }
            }
        }
    }

    /// Groups that use a node's result.
    fn users(&self, id: NodeId) -> BTreeSet<usize> {
        let mut out = BTreeSet::new();
        for c in &self.consumers[at(id)] {
            match self.group_of.get(c) {
                Some(group) => {
                    out.insert(*group);
                }
                None => out.extend(&self.home[at(*c)]),
            }
        }
        out
    }

    fn visit(&mut self, id: NodeId) {
        let node = self.g.node(id);
        if matches!(node.op, Op::Input | Op::Literal) {
            return;
        }
        let users = self.users(id);
        if is_single(node) {
            let group = self.new_group(Shape::Single, id);
            self.link(&users, group);
            return;
        }
        if node.op.class() == Class::Reduce {
            self.visit_reduce(id, users);
            return;
        }
        if self.stored[at(id)].is_none() {
            self.stored[at(id)] = self.too_costly(id, &users);
        }
        if self.stored[at(id)].is_none() {
            for u in &users {
                let group = &mut self.groups[*u];
                group.size += 1;
                group.touched.insert(id);
                group.touched.extend(node.inputs.iter().map(|v| v.node));
            }
            self.home[at(id)] = users;
            return;
        }
        let domain = node.types[0].shape.clone();
        let group = self
            .join(id, &domain, &users)
            .unwrap_or_else(|| self.new_group(Shape::Map { domain: domain.clone(), rows: None }, id));
        self.link(&users, group);
    }

    /// Why computing a node inside its users would be worse than storing it.
    fn too_costly(&self, id: NodeId, users: &BTreeSet<usize>) -> Option<Reason> {
        let node = self.g.node(id);
        let cost = self.tree_cost[at(id)];
        if node.types[0].rank() == 0 && node.op.class() == Class::Source {
            return None;
        }
        if users.iter().any(|u| self.groups[*u].size >= LARGEST_GROUP) {
            return Some(Reason::Limit);
        }
        if users.len() > 1 && cost > RECOMPUTE {
            return Some(Reason::Shared);
        }
        if matches!(node.op.class(), Class::View | Class::Source) {
            return None;
        }
        let consumers = &self.consumers[at(id)];
        if cost > RECOMPUTE_OUTER && consumers.iter().any(|c| self.repeats(id, *c)) {
            return Some(Reason::Broadcast);
        }
        let moved = |c: &&NodeId| matches!(self.g.node(**c).op.class(), Class::View | Class::Movement);
        let positions = consumers.iter().filter(moved).count();
        if positions + (positions < consumers.len()) as usize >= 2 && cost > RECOMPUTE {
            return Some(Reason::Stencil);
        }
        None
    }

    /// True if the consumer reads each element of the node again and again in an outer loop.
    fn repeats(&self, id: NodeId, consumer: NodeId) -> bool {
        let (small, node) = (&self.g.node(id).types[0].shape, self.g.node(consumer));
        if node.op == Op::Gather && node.inputs[0].node == id {
            return true;
        }
        let large: &[Dim] = match node.op {
            // The axes of size 1 that it inserts are broadcast further on.
            Op::ExpandDims => {
                let axes = node.attrs.ints(Key::Axes);
                return axes.iter().any(|a| (*a as usize) < small.len() && !small.iter().all(|d| d.is(1)));
            }
            Op::BroadcastTo => &node.types[0].shape,
            _ if node.op.class() == Class::Elementwise => &node.types[0].shape,
            _ => return false,
        };
        let skip = large.len() - small.len();
        let mut widened = false;
        for (k, n) in large.iter().enumerate() {
            let own = if k < skip { None } else { Some(&small[k - skip]) };
            match own {
                Some(d) if !d.is(1) && widened => return true,
                Some(d) if !d.is(1) => {}
                _ => widened |= !n.is(1),
            }
        }
        false
    }

    fn new_group(&mut self, shape: Shape, root: NodeId) -> usize {
        let k = self.groups.len();
        if let Shape::Map { domain, .. } = &shape {
            self.by_domain.entry(domain.clone()).or_default().push(k);
        }
        let mut touched: HashSet<NodeId> = self.g.node(root).inputs.iter().map(|v| v.node).collect();
        touched.insert(root);
        self.groups.push(Group {
            shape,
            roots: vec![root],
            reductions: vec![],
            nested: vec![],
            touched,
            size: 1,
        });
        self.needs.push(BTreeSet::new());
        self.group_of.insert(root, k);
        self.home[at(root)] = BTreeSet::from([k]);
        k
    }

    /// Records that the users of a stored value need its group.
    fn link(&mut self, users: &BTreeSet<usize>, group: usize) {
        for u in users {
            if *u != group {
                self.needs[*u].insert(group);
            }
        }
    }

    /// True if `a` needs results of `b`, directly or not.
    fn depends(&self, a: usize, b: usize) -> bool {
        let mut seen = HashSet::new();
        let mut stack = vec![a];
        while let Some(x) = stack.pop() {
            if x == b {
                return true;
            }
            if seen.len() > 2000 {
                return true;
            }
            if seen.insert(x) {
                stack.extend(&self.needs[x]);
            }
        }
        false
    }

    fn may_join(&self, group: usize, users: &BTreeSet<usize>) -> bool {
        let g = &self.groups[group];
        g.roots.len() < MOST_ROOTS
            && g.size < LARGEST_GROUP
            && users.iter().all(|u| *u == group || !self.depends(group, *u))
    }

    /// A group with the same loops that already reads the node or its operands.
    fn join(&mut self, id: NodeId, domain: &[Dim], users: &BTreeSet<usize>) -> Option<usize> {
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

    fn is_scalar(&self, id: NodeId) -> bool {
        self.g.node(id).types[0].rank() == 0
    }

    /// True if every use of a node in a group is at the element that the group's loops stand at.
    fn used_in_place(&self, id: NodeId, group: usize) -> bool {
        let rank = self.g.node(id).types[0].rank();
        let here: Vec<Dim> = coordinates(rank);
        self.positions(id, group).is_some_and(|all| all.iter().all(|p| *p == here))
    }

    /// Positions at which a group's loops read a node, over symbolic coordinates; `None` if there are too many.
    fn positions(&self, id: NodeId, group: usize) -> Option<Vec<Vec<Dim>>> {
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

    fn push_operands(&self, v: Value, index: &[Dim], stack: &mut Vec<(Value, Vec<Dim>)>) -> Option<()> {
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

    // Reductions.

    fn visit_reduce(&mut self, id: NodeId, users: BTreeSet<usize>) {
        let output = self.stored[at(id)].is_some();
        if users.len() == 1 {
            let group = *users.first().expect("one");
            if self.inline_reduce(id, group) {
                let g = &mut self.groups[group];
                g.reductions.push(id);
                g.touched.insert(id);
                g.touched.insert(self.g.node(id).inputs[0].node);
                g.size += 1;
                if output {
                    g.roots.push(id);
                    self.group_of.insert(id, group);
                }
                self.home[at(id)] = users;
                return;
            }
        }
        if let ([group], false) = (&users.iter().copied().collect::<Vec<_>>()[..], output)
            && self.can_nest(id, *group)
        {
            let g = &mut self.groups[*group];
            g.nested.push(id);
            g.touched.insert(id);
            g.touched.insert(self.g.node(id).inputs[0].node);
            g.size += 1;
            self.home[at(id)] = users;
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

    /// True if a reduction can be a loop inside the loops of the group's own reductions: they read it once per
    /// element, so that nothing is computed twice, and the array of its results never exists.
    fn can_nest(&self, id: NodeId, group: usize) -> bool {
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

    /// True if one of the nodes is computed from `id` inside a group, other than through one of its reductions.
    fn reaches(&self, from: &[NodeId], id: NodeId, g: &Group) -> bool {
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

    /// Loops for a reduction on its own.
    fn own_shape(&self, id: NodeId) -> Shape {
        let node = self.g.node(id);
        if is_unrolled(self.g, node) {
            return Shape::Map { domain: node.types[0].shape.clone(), rows: None };
        }
        if is_split(self.g, node) {
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
    fn join_reduce(&mut self, id: NodeId, users: &BTreeSet<usize>) -> Option<usize> {
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
                && g.touched.contains(&input)
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

    /// Tries to compute a reduction inside the one group that uses it.
    fn inline_reduce(&mut self, id: NodeId, group: usize) -> bool {
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

    fn set_rows(&mut self, group: usize, n: usize) {
        if let Shape::Map { rows, .. } = &mut self.groups[group].shape {
            *rows = Some(n);
        }
    }

    /// True if another reduction of the group is computed from this one.
    fn feeds_reduction(&self, id: NodeId, group: usize) -> bool {
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
    fn read_per_row(&self, id: NodeId, group: usize, rows: usize) -> bool {
        let here = coordinates(rows);
        let node = self.g.node(id);
        self.positions(id, group)
            .is_some_and(|all| all.iter().all(|p| crate::lower::reduce::kept_index(node, p) == here))
    }

    /// Every use of a reduction in a group over its kept axes is at the element that the loops stand at.
    fn read_in_order(&self, id: NodeId, group: usize) -> bool {
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
            let increasing = n.windows(2).all(|w| w[0] < w[1]);
            let full = n.len() == kept_sizes.iter().filter(|d| !d.is(1)).count();
            if !increasing || !full || first.as_ref().is_some_and(|f| *f != n) {
                return false;
            }
            first = Some(n);
        }
        true
    }

    /// Joins groups of reductions over the same axes of related arrays, neither of which needs the other: one pass
    /// over the data serves both (mean and maximum of one array).
    fn join_groups(&mut self) {
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

    fn alike(&self, a: usize, b: usize) -> bool {
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

    fn finish(mut self) -> Fusion {
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
    fn compact(&mut self) -> (Vec<Group>, Vec<BTreeSet<usize>>) {
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

fn coordinates(rank: usize) -> Vec<Dim> {
    (0..rank).map(|k| Dim::symbol(&format!("d{k}"))).collect()
}

/// Ops with loops of their own, or none.
fn is_single(node: &Node) -> bool {
    matches!(node.op.class(), Class::Library | Class::Region | Class::Cumulative)
        || matches!(node.op, Op::Scatter | Op::UpdateSlice)
}

/// Elements up to which a reduction is an expression without a loop.
pub(crate) const UNROLLED: i64 = 8;

/// A reduction of so few elements that it is an expression, not a loop.
pub(crate) fn is_unrolled(g: &Graph, node: &Node) -> bool {
    let shape = &g.ty(node.inputs[0]).shape;
    let reduced = product(node.attrs.ints(Key::Axes).iter().map(|a| &shape[*a as usize]));
    let simple = !node.types[0].dtype.is_complex() || node.op == Op::Sum;
    simple && reduced.as_const().is_some_and(|n| (1..=UNROLLED).contains(&n))
}

/// A reduction whose last axis is kept: rows are added up column by column.
pub(crate) fn is_columns(g: &Graph, node: &Node) -> bool {
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

/// A reduction of much data to few elements.
pub(crate) fn is_split(g: &Graph, node: &Node) -> bool {
    let shape = &g.ty(node.inputs[0]).shape;
    let axes = node.attrs.ints(Key::Axes);
    let (mut kept, mut reduced) = (Dim::constant(1), Dim::constant(1));
    for (k, n) in shape.iter().enumerate() {
        if axes.contains(&(k as i64)) { reduced = reduced * n } else { kept = kept * n }
    }
    let few = kept.as_const().is_some_and(|n| n <= 64);
    let simple = !g.ty(node.inputs[0]).dtype.is_complex() || node.op == Op::Sum;
    few && simple && reduced.as_const().is_none_or(|n| n >= 2 * SMALL)
}
