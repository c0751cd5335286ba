//! Fusion: which values exist in memory, and which of them are computed by one kernel.
//!
//! Nodes are visited from the results back. A node whose consumers all lie in one group is computed inside that
//! group's loops; the others are *stored*, each for a stated [`Reason`], and start a group or join one whose loops
//! run over the same domain. Reductions over trailing axes join the kernel that uses their result row by row (softmax,
//! normalization, variance); any reduction takes along the elementwise ops that follow it over its kept axes.
//!
//! Invariants: groups form a directed acyclic graph; a stored node is in exactly one group; a node that is not stored
//! is computed in every group that uses it, and only there.

mod join;
mod positions;
mod reduce;

pub(crate) use reduce::{UNROLLED, is_unrolled, nested_work};

use crate::lower::cost;
use frit_ir::graph::{Graph, Node, NodeId};
use frit_ir::ops::Class;
use frit_ir::{Dim, Key, Op, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// Elements up to which a reduction over a whole array stays inside the loops that use it.
const SMALL: i64 = 32 << 10;
/// Longest row that is reduced and used in one kernel: it has to stay in cache between the two.
pub(crate) const LONGEST_ROW: i64 = 64 << 10;
/// Cost of an element up to which it is computed twice rather than stored and loaded.
pub(crate) const RECOMPUTE: f64 = 14.0;
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
    fuse_with(g, 0)
}

/// [`fuse`], with the first so many values of [`recomputable`] computed wherever they are used.
pub fn fuse_with(g: &Graph, recompute: usize) -> Fusion {
    let again = match recompute {
        0 => HashSet::new(),
        n => recomputable(g).into_iter().take(n).map(|v| v.node).collect(),
    };
    let mut f = Fuser::new(g, again);
    f.forced();
    for id in g.ids().rev() {
        if f.live[id.0 as usize] {
            f.visit(id);
        }
    }
    f.finish()
}

/// A value that is stored only because computing it again costs more than loading it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recomputable {
    /// What makes it.
    pub node: NodeId,
    /// Its bytes; sizes without a number count as very large.
    pub bytes: i64,
}

/// What could be computed where it is used instead of being stored: most bytes saved per operation first. Meant for
/// programs that must fit into little memory.
pub fn recomputable(g: &Graph) -> Vec<Recomputable> {
    let fusion = fuse(g);
    let costs = Fuser::new(g, HashSet::new()).tree_cost;
    let mut found: Vec<(f64, Recomputable)> = Vec::new();
    for node in g.ids() {
        if let Some(Reason::Shared | Reason::Broadcast | Reason::Stencil) = fusion.stored[at(node)] {
            let ty = &g.node(node).types[0];
            let bytes = ty.bytes().as_const().unwrap_or(i64::MAX);
            // Per element, the bytes of one against the work of one.
            found.push((ty.dtype.size() as f64 / costs[at(node)].max(1.0), Recomputable { node, bytes }));
        }
    }
    let largest = found.iter().map(|(_, r)| r.bytes).max().unwrap_or(0);
    // Small ones free nothing worth the work.
    found.retain(|(_, r)| r.bytes >= largest / 16);
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.node.cmp(&b.1.node)));
    found.into_iter().map(|(_, r)| r).collect()
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
    /// Values that are not stored for reasons of cost.
    again: HashSet<NodeId>,
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
    fn new(g: &'a Graph, again: HashSet<NodeId>) -> Fuser<'a> {
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
            again,
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
            if !self.renames(*v) {
                self.store(v.node, Reason::Output);
            }
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

    /// True for a result that is another shape of an array which is in memory anyway, and no other result.
    fn renames(&self, v: Value) -> bool {
        let base = |mut v: Value| {
            while matches!(self.g.def(v).op, Op::Reshape | Op::ExpandDims | Op::Squeeze) {
                v = self.g.def(v).inputs[0];
            }
            v
        };
        let made = base(v);
        made != v
            && is_single(self.g.def(made))
            && self.g.outputs.iter().filter(|o| base(**o) == made).count() == 1
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
        if self.again.contains(&id) {
            return None;
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
}

/// Ops with loops of their own, or none.
fn is_single(node: &Node) -> bool {
    matches!(node.op.class(), Class::Library | Class::Region | Class::Cumulative)
        || matches!(node.op, Op::Scatter | Op::UpdateSlice)
}
