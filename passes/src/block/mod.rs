//! Blocking: a large value is never made as a whole. Loops of the graph compute slabs of it along one axis, and what
//! is made of each: a slab of a result, or a part of a reduction.
//!
//! [`flow`] follows the axis from the value to where it ends: at results and operands that need the whole array (they
//! are put together of slabs), and at reductions and matrix products that sum over the axis (they are combined from
//! parts). Ends that need others first (the sum of a softmax needs the maximum) stand in later loops, which compute the
//! slabs again. [`slabs`] builds the body: it asks for slabs of the ends, and slices move through every operation down
//! to arrays that exist anyway.
//!
//! Where memory is limited the frontend chooses what is blocked (`replan`); where the time of memory traffic is,
//! [`choose`] does, as a part of lowering.
//!
//! Values are the same bits as without blocking, except sums and products of floats ([`keeps_bits`]): those over the
//! blocked axis are sums of the parts, in order, by the same blocked and compensated summation, and those over other axes
//! may be divided otherwise.

mod cache;
mod flow;
mod slabs;
#[cfg(test)]
mod tests;

use crate::fuse::{self, Fusion, view_base};
use crate::lower::{LowerError, legalize};
use crate::regions::inline;
use flow::{End, Flow, Kind};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Node, NodeId, Value};
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Loc, Op, Slice, Symbol};
use slabs::{Cut, Slabs};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub use cache::CacheBlocks;
pub(crate) use cache::choose;

/// Values that are tried as what to block, largest first.
const MOST_VALUES: usize = 4;

/// An axis of a large value along which a graph can be computed in slabs.
#[derive(Clone, Debug)]
pub struct Candidate {
    value: Value,
    /// The loop in whose body the value is, if it is in one.
    inside: Option<NodeId>,
    /// The axis.
    pub axis: usize,
    /// Its length.
    pub length: i64,
    /// Bytes of the value.
    pub bytes: i64,
    /// The op that makes the value, and its line.
    pub op: Op,
    /// The user's line.
    pub loc: Loc,
}

/// Graphs that blocking knows how to take apart: without argument positions and composite ops.
pub fn prepare(graph: &Graph) -> Result<Graph, LowerError> {
    Ok(legalize(graph)?)
}

/// What of a [prepared](prepare) graph can be blocked: axes of its largest stored values, largest first, earlier axes
/// first; then of those in the bodies of loops, which compute slabs of others: both axes of a product, one inside of the
/// other. Needs sizes that are numbers.
pub fn candidates(g: &Graph) -> Vec<Candidate> {
    let mut out = candidates_in(g, None, &fuse::fuse(g));
    for id in g.ids() {
        if let Some(body) = body_of(g, id) {
            out.extend(candidates_in(&body, Some(id), &fuse::fuse(&body)));
        }
    }
    out
}

/// The [prepared](prepare) body of a loop.
fn body_of(g: &Graph, id: NodeId) -> Option<Graph> {
    let node = g.node(id);
    (node.op == Op::For).then(|| prepare(node.attrs.graph(Key::Body)).ok()).flatten()
}

fn candidates_in(g: &Graph, inside: Option<NodeId>, fusion: &Fusion) -> Vec<Candidate> {
    let mut large: Vec<(i64, Value)> = Vec::new();
    for id in g.ids().filter(|id| fusion.stored[id.0 as usize].is_some()) {
        let node = g.node(id);
        let (value, bytes) = (Value { node: id, index: 0 }, node.types[0].bytes().as_const());
        if node.types.len() == 1 && node.op.class() != Class::Region {
            large.extend(bytes.map(|bytes| (bytes, view_base(g, value).0)));
        }
    }
    large.sort_by_key(|(bytes, v)| (-bytes, *v));
    large.dedup();
    let mut out = Vec::new();
    for (bytes, value) in large.into_iter().take(MOST_VALUES) {
        let node = g.def(value);
        for (axis, n) in g.ty(value).shape.iter().enumerate() {
            let Some(length) = n.as_const().filter(|n| *n >= 2) else { continue };
            if Flow::of(g, value, axis).is_some() {
                out.push(Candidate {
                    value,
                    inside,
                    axis,
                    length,
                    bytes,
                    op: node.op,
                    loc: node.loc.clone(),
                });
            }
        }
    }
    out
}

/// True if blocks cannot change a bit of a result. Sums and products of floats may: the order in which they are added up
/// depends on shapes.
pub fn keeps_bits(g: &Graph) -> bool {
    keep_bits(g.nodes.iter())
}

fn keep_bits<'a>(mut nodes: impl Iterator<Item = &'a Node>) -> bool {
    let ordered = |n: &Node| match n.op.class() {
        Class::Reduce => matches!(n.op, Op::Sum | Op::Prod),
        Class::Library => !row_by_row(n.op),
        _ => false,
    };
    !nodes.any(|n| ordered(n) && n.types.iter().any(|t| t.dtype.is_inexact()))
}

/// Routines that treat each row by itself, however many there are.
fn row_by_row(op: Op) -> bool {
    matches!(
        op,
        Op::Sort
            | Op::Argsort
            | Op::Searchsorted
            | Op::OrderStatistics
            | Op::ArgOrderStatistics
            | Op::Fft
            | Op::Ifft
            | Op::Rfft
            | Op::Irfft
    )
}

/// Rows of a block, for about so many blocks of an axis: a divisor of its length if one is near, so that no block is
/// smaller than the others.
pub fn rows(length: i64, blocks: i64) -> i64 {
    let most = length.div_euclid(blocks.clamp(1, length)).max(1);
    (most - most / 4..=most).rev().find(|r| *r > 0 && length % r == 0).unwrap_or(most)
}

/// The graph with slabs of so many rows of a candidate's axis. `None` if that cannot be built.
pub fn block(g: &Graph, at: &Candidate, rows: i64) -> Result<Option<Graph>, TypeError> {
    let taken = g.symbols();
    let Some(id) = at.inside else { return block_in(g, at, rows, &taken) };
    let Some(body) = body_of(g, id) else { return Ok(None) };
    let Some(body) = block_in(&body, at, rows, &taken)? else { return Ok(None) };
    with_body(g, id, body).map(Some)
}

/// The graph with another body of a loop.
fn with_body(g: &Graph, id: NodeId, body: Graph) -> Result<Graph, TypeError> {
    let mut b = Builder::new(&g.name);
    let mut map: HashMap<Value, Value> = HashMap::new();
    for (k, input) in g.inputs.iter().enumerate() {
        let made = b.input(&input.name, input.ty.clone());
        map.insert(Value { node: NodeId(k as u32), index: 0 }, made);
    }
    let body = Attr::Graph(Arc::new(body));
    for at in g.ids().filter(|at| g.node(*at).op != Op::Input) {
        let node = g.node(at);
        let attrs =
            if at == id { node.attrs.clone().with(Key::Body, body.clone()) } else { node.attrs.clone() };
        let inputs: Vec<Value> = node.inputs.iter().map(|v| map[v]).collect();
        b.set_loc(node.loc.clone());
        let first = b.node(node.op, attrs, &inputs)?;
        for index in 0..node.types.len() as u32 {
            map.insert(Value { node: at, index }, Value { node: first.node, index });
        }
    }
    Ok(b.finish(g.outputs.iter().map(|v| map[v]).collect()))
}

fn block_in(
    g: &Graph,
    at: &Candidate,
    rows: i64,
    taken: &BTreeSet<Symbol>,
) -> Result<Option<Graph>, TypeError> {
    let Some(flow) = Flow::of(g, at.value, at.axis) else { return Ok(None) };
    let mut b = Builder::new(&g.name);
    for input in &g.inputs {
        b.input(&input.name, input.ty.clone());
    }
    let mut blocker = Blocker { g, flow: &flow, b, full: HashMap::new(), taken, loops: 0 };
    for stage in 0..=flow.stages {
        blocker.unblocked(stage)?;
        if !blocker.ends(stage, at, rows)? {
            return Ok(None);
        }
    }
    let Blocker { b, full, .. } = blocker;
    let outputs: Option<Vec<Value>> = g.outputs.iter().map(|v| full.get(v).copied()).collect();
    Ok(outputs.map(|outputs| b.finish(outputs)))
}

struct Blocker<'a> {
    g: &'a Graph,
    flow: &'a Flow,
    b: Builder,
    /// What stands for the values that exist as a whole.
    full: HashMap<Value, Value>,
    /// Names that loop indices must not have.
    taken: &'a BTreeSet<Symbol>,
    loops: usize,
}

/// One loop: its ends have one length along the axis.
struct Loop<'a> {
    ends: Vec<&'a End>,
    length: i64,
    rows: i64,
}

impl Loop<'_> {
    /// Blocks of full size.
    fn whole(&self) -> i64 {
        self.length / self.rows
    }

    /// Elements that no block of full size covers.
    fn rest(&self) -> i64 {
        self.length % self.rows
    }
}

impl Blocker<'_> {
    /// Nodes outside of loops that can be computed once `stage` loops have run.
    fn unblocked(&mut self, stage: usize) -> Result<(), TypeError> {
        for id in self.g.ids() {
            let node = self.g.node(id);
            if self.flow.stage_of_node(id) != Some(stage) {
                continue;
            }
            let first = if node.op == Op::Input {
                Value { node: NodeId(node.attrs.int(Key::Position) as u32), index: 0 }
            } else {
                let Some(inputs) = node.inputs.iter().map(|v| self.full.get(v).copied()).collect() else {
                    continue;
                };
                let inputs: Vec<Value> = inputs;
                self.b.set_loc(node.loc.clone());
                self.b.node(node.op, node.attrs.clone(), &inputs)?
            };
            for index in 0..node.types.len() as u32 {
                self.full.insert(Value { node: id, index }, Value { node: first.node, index });
            }
        }
        Ok(())
    }

    /// The loops of a stage, one for each length of what they make.
    fn ends(&mut self, stage: usize, at: &Candidate, rows: i64) -> Result<bool, TypeError> {
        let mut groups: Vec<Loop<'_>> = Vec::new();
        for end in self.flow.ends.iter().filter(|e| e.stage == stage) {
            let Some(length) = end.length(self.g) else { return Ok(false) };
            match groups.iter_mut().find(|l| l.length == length) {
                Some(l) => l.ends.push(end),
                // Windows (`x[1:] - x[:-1]`) have other lengths than the value.
                None => groups.push(Loop { ends: vec![end], length, rows: rows.min(length) }),
            }
        }
        for l in groups {
            if l.rows < 1 || !self.build(&l, &at.loc)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn build(&mut self, l: &Loop<'_>, loc: &Loc) -> Result<bool, TypeError> {
        let index = self.index();
        let parts = l.ends.iter().any(|e| !matches!(e.kind, Kind::Store));
        // Stored slabs may overlap at the end; parts of sums may not.
        let trips = if parts { l.whole() } else { l.whole() + (l.rest() > 0) as i64 };
        let start = &Dim::symbol(&index) * l.rows;
        let start = if trips > l.whole() { start.minimum(&(l.length - l.rows).into()) } else { start };
        let cut = Cut { start, rows: l.rows.into() };
        let range = (index.as_str().into(), Dim::constant(0), Dim::constant(trips));
        let Some(body) = self.region(l, &cut, Some(range), trips > l.whole() || l.rest() > 0)? else {
            return Ok(false);
        };
        let carries = body.carried.len();
        let mut inputs = Vec::new();
        self.b.set_loc(loc.clone());
        for end in &body.carried {
            let ty = self.g.ty(l.ends[*end].value).clone();
            inputs.push(self.b.full(&ty.shape, frit_ir::Scalar::zero(ty.dtype))?);
        }
        inputs.extend(body.captures.iter().map(|v| self.full[v]));
        let attrs = Attrs::new([
            (Key::Body, Attr::Graph(Arc::new(body.graph))),
            (Key::Carries, Attr::Int(carries as i64)),
            (Key::Index, Attr::Str(index.as_str().into())),
            (Key::Lo, Attr::Dim(0.into())),
            (Key::Hi, Attr::Dim(trips.into())),
        ]);
        let first = self.b.node(Op::For, attrs, &inputs)?;
        let rest = if trips == l.whole() && l.rest() > 0 {
            let start = Dim::constant(l.whole() * l.rows);
            let Some(tail) = self.region(l, &Cut { start, rows: l.rest().into() }, None, false)? else {
                return Ok(false);
            };
            let inputs: Vec<Value> = tail.captures.iter().map(|v| self.full[v]).collect();
            Some(inline(&mut self.b, &tail.graph, &inputs)?)
        } else {
            None
        };
        let (mut carried, mut stacked) = (0, carries);
        for (k, end) in l.ends.iter().enumerate() {
            let place = if body.carried.contains(&k) { &mut carried } else { &mut stacked };
            let result = Value { node: first.node, index: *place as u32 };
            *place += 1;
            let tail = rest.as_ref().map(|r| r[k]);
            self.b.set_loc(self.g.def(end.value).loc.clone());
            let whole = self.assemble(end, result, body.carried.contains(&k), l, tail)?;
            self.full.insert(end.value, whole);
        }
        Ok(true)
    }

    /// The value of an end, from what its loop made.
    fn assemble(
        &mut self,
        end: &End,
        result: Value,
        carried: bool,
        l: &Loop<'_>,
        tail: Option<Value>,
    ) -> Result<Value, TypeError> {
        let shape = self.g.ty(end.value).shape.clone();
        let combine = match end.kind {
            Kind::Store if !carried => return self.b.reshape(result, &shape),
            Kind::Store => {
                let Some(tail) = tail else { return Ok(result) };
                let slices = Slice { start: (l.whole() * l.rows).into(), size: l.rest().into(), step: 1 };
                let slices = along(&shape, end.axis, slices);
                return self.b.update_slice(result, tail, &slices);
            }
            Kind::Reduce(op) => op,
            // A product of bools is true where any of its terms is.
            Kind::Contract if self.g.ty(end.value).dtype == DType::Bool => Op::Any,
            Kind::Contract => Op::Sum,
        };
        let parts = match tail {
            Some(tail) => {
                let tail = self.b.expand_dims(tail, &[0])?;
                self.b.concatenate(&[result, tail], 0)?
            }
            None => result,
        };
        let attrs = Attrs::new([(Key::Axes, Attr::Ints(vec![0])), (Key::Keepdims, Attr::Bool(false))]);
        self.b.node(combine, attrs, &[parts])
    }

    /// The body of a loop (with the range of its index), or what remains after it.
    fn region(
        &self,
        l: &Loop<'_>,
        cut: &Cut,
        range: Option<(Arc<str>, Dim, Dim)>,
        uneven: bool,
    ) -> Result<Option<Region>, TypeError> {
        let carried: Vec<usize> = match range {
            Some(_) => (0..l.ends.len())
                .filter(|k| {
                    let end = l.ends[*k];
                    // Slabs along the first axis, one after the other, are the array.
                    let in_order = |axis: usize| self.g.ty(end.value).shape[..axis].iter().all(|d| d.is(1));
                    end.kind == Kind::Store && (uneven || !in_order(end.axis))
                })
                .collect(),
            None => vec![],
        };
        let mut captures: Vec<Value> = Vec::new();
        // Parameters come first: what they are is known when the body has been built once.
        loop {
            let mut b = Builder::new("block");
            if let Some((index, lo, hi)) = &range {
                b.push_range(index.clone(), lo.clone(), hi.clone());
            }
            let carries: Vec<Value> = carried
                .iter()
                .enumerate()
                .map(|(j, k)| b.input(&format!("carry{j}"), self.g.ty(l.ends[*k].value).clone()))
                .collect();
            let mut s = Slabs::new(self.g, self.flow, &self.full, b, &captures);
            let (mut outputs, mut stacked) = (Vec::new(), Vec::new());
            for (k, end) in l.ends.iter().enumerate() {
                let Some(part) = s.part(end, cut) else { return Ok(None) };
                match carried.iter().position(|c| *c == k) {
                    Some(j) => {
                        let shape = &self.g.ty(end.value).shape;
                        let slice = Slice { start: cut.start.clone(), size: cut.rows.clone(), step: 1 };
                        let slices = along(shape, end.axis, slice);
                        outputs.push(s.builder().update_slice(carries[j], part, &slices)?);
                    }
                    None => stacked.push(part),
                }
            }
            outputs.extend(stacked);
            let (b, wanted) = s.finish();
            if wanted == captures {
                return Ok(Some(Region { graph: b.finish(outputs), captures, carried }));
            }
            captures = wanted;
        }
    }

    /// A name for a loop index that nothing in the graph has.
    fn index(&mut self) -> String {
        loop {
            let name = format!("block{}", self.loops);
            self.loops += 1;
            if !self.taken.contains(name.as_str()) {
                return name;
            }
        }
    }
}

/// The body of a loop, with the values of the old graph that it captures and the ends whose results are carried.
struct Region {
    graph: Graph,
    captures: Vec<Value>,
    carried: Vec<usize>,
}

/// Slices that are whole but for one axis.
fn along(shape: &[Dim], axis: usize, slice: Slice) -> Vec<Slice> {
    let mut slices: Vec<Slice> = shape.iter().map(Slice::full).collect();
    slices[axis] = slice;
    slices
}
