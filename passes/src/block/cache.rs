//! Blocks for the cache: programs that fit in memory, computed in slabs all the same, because what routines and kernels
//! pass to each other then stays in cache.
//!
//! Each axis of the largest intermediate values is priced from the program's own fusion: what is read and written by
//! the kernels and routines that a loop over slabs would hold, at the speed of memory without the loop and at that of
//! the cache with it, against a launch of each step per slab and threads that wait for each other at the end of each.
//! How many rows a slab has follows from the cache by the same solver that suggests chunks ([`crate::chunk::slab`]). The
//! axis that saves most is taken if it saves enough.
//!
//! Only rows that are independent of each other are blocked: every slab is computed once, and results have the same
//! bits, but for sums and products of floats inside of a row ([`keeps_bits`](super::keeps_bits)).

use super::flow::{End, Flow, Kind};
use super::{Candidate, candidates_in, rows};
use crate::chunk;
use crate::fuse::{Fusion, Group, Reason, view_base};
use crate::lower::LowerError;
use crate::pass::{MathLevel, Options};
use crate::rewrite::cost::{CostModel, Measure, TARGET};
use frit_ir::graph::{Graph, NodeId, TensorType, Value};
use frit_ir::ops::Class;
use frit_ir::units::human_bytes;
use frit_ir::{Loc, Op};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The part of the modelled time of the blocked steps that blocking must save: less is within the error of the model.
const LEAST_GAIN: f64 = 0.05;
/// Losers that could save at least this are worth a line in reports, and so many of them.
const TOLD_GAIN: f64 = 0.01;
const MOST_TOLD: usize = 3;
/// Rows of a slab in a matrix product, at least: with fewer, packing the other operand shows.
const PRODUCT_ROWS: i64 = 128;
/// Loops over slabs in one program at most.
const MOST_LOOPS: usize = 3;

/// A loop over slabs that was considered.
#[derive(Clone, Debug)]
pub struct CacheBlocks {
    /// The op that makes the value whose axis is followed.
    pub op: Op,
    /// The user's line.
    pub loc: Loc,
    /// The axis.
    pub axis: usize,
    /// The length of the axis.
    pub length: i64,
    /// Rows of a slab; 0 where none was sought.
    pub rows: i64,
    /// Bytes that one slab works on.
    pub slab_bytes: f64,
    /// Bytes to and from memory without the loop, and with it.
    pub bytes: [f64; 2],
    /// Modelled seconds of the steps concerned without the loop, and with it.
    pub seconds: [f64; 2],
    /// Why the loop was not made; `None` if it was.
    pub lost: Option<String>,
}

impl CacheBlocks {
    /// Number of slabs.
    pub fn count(&self) -> i64 {
        if self.rows > 0 { (self.length + self.rows - 1) / self.rows } else { 0 }
    }

    fn seconds_saved(&self) -> f64 {
        self.seconds[0] - self.seconds[1]
    }

    /// The part of the time that the loop saves.
    fn gain(&self) -> f64 {
        self.seconds_saved() / self.seconds[0]
    }
}

impl fmt::Display for CacheBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loc = self.loc.to_string();
        let place = if loc.is_empty() { self.op.to_string() } else { format!("{} at {loc}", self.op) };
        let of = |n: f64| human_bytes(n as usize);
        let time = |k: usize| crate::explain::time(self.seconds[k]);
        write!(f, "axis {} ({}) of {place}", self.axis, self.length)?;
        if self.rows > 0 {
            let each = of(self.slab_bytes);
            write!(f, " in {} slabs of {} rows that work on {each}", self.count(), self.rows)?;
        }
        let [before, after] = self.bytes;
        write!(f, ": {} to and from memory instead of {}, ", of(after), of(before))?;
        write!(f, "modelled {} instead of {}", time(1), time(0))
    }
}

/// What came of looking for loops over slabs.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// The graph with its loops; `None` if there are none.
    pub(crate) graph: Option<Graph>,
    /// The loops, then those that lost by little.
    pub(crate) considered: Vec<CacheBlocks>,
}

/// The [prepared](super::prepare) graph with loops over slabs where they pay; `fusion` is its own.
pub(crate) fn choose(g: &Graph, fusion: &Fusion, math: MathLevel) -> Result<Chosen, LowerError> {
    let mut done = Chosen::default();
    let mut lost = Vec::new();
    for _ in 0..MOST_LOOPS {
        let now = done.graph.as_ref().unwrap_or(g);
        let own = done.graph.as_ref().map(crate::fuse::fuse);
        let (best, mut losers) = best(now, own.as_ref().unwrap_or(fusion), math);
        losers.retain(|l| l.rows > 0 || l.gain() >= TOLD_GAIN);
        losers.truncate(MOST_TOLD);
        lost = losers;
        let Some((at, choice)) = best else { break };
        let Some(graph) = super::block(now, &at, choice.rows)? else { break };
        let graph = crate::optimize(&graph, &Options::new(math))
            .map_err(|error| LowerError::Blocked(Box::new(error)))?
            .graph;
        done.graph = Some(super::prepare(&graph)?);
        done.considered.push(choice);
    }
    done.considered.append(&mut lost);
    Ok(done)
}

/// The axis that saves most, and what was found out about the others.
fn best(g: &Graph, fusion: &Fusion, math: MathLevel) -> (Option<(Candidate, CacheBlocks)>, Vec<CacheBlocks>) {
    let (mut best, mut lost): (Option<(Candidate, CacheBlocks)>, Vec<CacheBlocks>) = (None, Vec::new());
    if !has_large(g, fusion) {
        return (best, lost);
    }
    let mut costs = CostModel::default();
    for at in candidates_in(g, None, fusion) {
        let Some(found) = Priced::new(g, fusion, &at, &mut costs).and_then(|p| p.decide(math)) else {
            continue;
        };
        let better = best.as_ref().is_none_or(|(_, b)| found.seconds_saved() > b.seconds_saved());
        match found.lost {
            None if better => best = Some((at, found)),
            None => {}
            Some(_) => lost.push(found),
        }
    }
    (best, lost)
}

/// True if a value that is no result, and that no cache holds, is stored: all others are done with quickly.
fn has_large(g: &Graph, fusion: &Fusion) -> bool {
    let large = |t: &TensorType| t.bytes().as_const().is_some_and(|n| n > 2 * TARGET.block_bytes as i64);
    let stored = g.ids().zip(&fusion.stored);
    let mut inside = stored.filter(|(_, why)| why.is_some_and(|w| w != Reason::Output));
    inside.any(|(id, _)| {
        let node = g.node(id);
        node.types.len() == 1
            && !matches!(node.op.class(), Class::Source | Class::Region)
            && large(&node.types[0])
            && !g.outputs.contains(&Value { node: id, index: 0 })
    })
}

/// Bytes of one kernel or routine, by where they come from and go to, and its arithmetic.
#[derive(Default)]
struct Step {
    /// Seconds on one core.
    compute: f64,
    /// Of arrays that a loop would leave in memory.
    memory: f64,
    /// Of arrays that are small, or slabs.
    cache: f64,
    /// Of small arrays that every slab reads.
    again: f64,
}

/// The steps that a loop over slabs would hold.
struct Priced<'a> {
    g: &'a Graph,
    at: &'a Candidate,
    ends: Vec<End>,
    inside: BTreeSet<NodeId>,
    /// Without the loop, and in it (of all slabs together).
    steps: Vec<[Step; 2]>,
}

impl<'a> Priced<'a> {
    /// `None` if the axis does not divide the program into independent rows.
    fn new(g: &'a Graph, fusion: &Fusion, at: &'a Candidate, costs: &mut CostModel) -> Option<Priced<'a>> {
        let flow = Flow::of(g, at.value, at.axis)?;
        let independent = |e: &End| {
            let exact =
                !g.ty(e.value).dtype.is_inexact() || matches!(e.kind, Kind::Reduce(Op::Min | Op::Max));
            let whole = e.stage == 0 && e.length(g) == Some(at.length);
            whole && (e.kind == Kind::Store || matches!(e.kind, Kind::Reduce(_)) && exact)
        };
        if !flow.ends.iter().all(independent) {
            return None;
        }
        let mut p = Priced { g, at, ends: flow.ends.clone(), inside: BTreeSet::new(), steps: vec![] };
        for group in &fusion.groups {
            let made = |id: &NodeId| {
                let v = Value { node: *id, index: 0 };
                flow.axis(v).is_some() || flow.ends.iter().any(|e| e.value == v)
            };
            if group.roots.iter().any(made) && !p.add(&flow, fusion, group, costs) {
                return None;
            }
        }
        // What is put together along an inner axis is an array that is filled first.
        for e in p.ends.iter().filter(|e| e.kind == Kind::Store) {
            let ty = g.ty(e.value);
            if let (Some(step), false) = (p.steps.first_mut(), ty.shape[..e.axis].iter().all(|d| d.is(1))) {
                step[1].memory += ty.bytes().as_const().unwrap_or(0) as f64;
            }
        }
        Some(p)
    }

    /// Adds a kernel or routine. False if it reads a large value that is computed: slabs of it would be, too, beside it.
    fn add(&mut self, flow: &Flow, fusion: &Fusion, group: &Group, costs: &mut CostModel) -> bool {
        let g = self.g;
        let (mut whole, mut slabs) = (Step::default(), Step::default());
        let mut read: BTreeMap<Value, f64> = BTreeMap::new();
        let bytes = |v: Value| g.ty(v).bytes().as_const().unwrap_or(0) as f64;
        let in_memory = |id: &NodeId| matches!(g.node(*id).op, Op::Input | Op::Literal);
        let computed: BTreeSet<NodeId> =
            group.computed(fusion).into_iter().filter(|id| !in_memory(id)).collect();
        for id in &computed {
            let node = g.node(*id);
            let types: Vec<&TensorType> = node.inputs.iter().map(|v| g.ty(*v)).collect();
            let Measure { compute, .. } = costs.measure(node.op, &node.attrs, &types, &node.types);
            whole.compute += compute;
            slabs.compute += compute;
            for v in node.inputs.iter().filter(|v| !computed.contains(&v.node)) {
                let base = view_base(g, *v).0;
                let seen = read.entry(base).or_default();
                *seen = (*seen + bytes(*v)).min(bytes(base));
            }
        }
        let small = |n: f64| n <= TARGET.block_bytes as f64;
        let mut moved = |bytes: f64, stays: bool, again: bool| {
            *(if small(bytes) { &mut whole.cache } else { &mut whole.memory }) += bytes;
            let there = match () {
                () if again && small(bytes) => &mut slabs.again,
                () if stays || small(bytes) => &mut slabs.cache,
                () => &mut slabs.memory,
            };
            *there += bytes;
        };
        for (v, part) in &read {
            let source = g.def(*v).op.class() == Class::Source;
            let slab = flow.axis(*v).is_some() && !source;
            if !slab && !source && !small(bytes(*v)) {
                return false;
            }
            moved(*part, slab, !slab);
        }
        for id in &group.roots {
            let v = Value { node: *id, index: 0 };
            moved(bytes(v), !flow.ends.iter().any(|e| e.value == v), false);
        }
        self.inside.extend(computed);
        self.steps.push([whole, slabs]);
        true
    }

    /// Seconds of one of `parts` runs of a kernel or routine, if threads wait so long for each other.
    fn seconds(s: &Step, parts: f64, waits: f64) -> f64 {
        let near = (s.cache / parts + s.again) / TARGET.block_bandwidth;
        let (compute, memory) = (s.compute / parts + near, s.memory / parts / TARGET.core_bandwidth);
        (compute + memory).min(TARGET.divided(compute, memory) + waits) + TARGET.launch
    }

    fn whole(&self) -> f64 {
        self.steps.iter().map(|s| Self::seconds(&s[0], 1.0, TARGET.parallel_block)).sum()
    }

    /// In so many slabs. Threads that woke up for the first step look for more between steps; on average they wait half
    /// a block for the last of them.
    fn blocked(&self, slabs: f64) -> f64 {
        let each =
            |s: &[Step; 2]| Self::seconds(&s[1], slabs, TARGET.parallel_block / 2.0) + TARGET.loop_step;
        slabs * self.steps.iter().map(each).sum::<f64>()
    }

    /// The loop, and whether to make it. `None` if it could not save anything.
    fn decide(&self, math: MathLevel) -> Option<CacheBlocks> {
        let bytes = |k: usize| self.steps.iter().map(|s| s[k].memory).sum::<f64>();
        let mut found = CacheBlocks {
            op: self.at.op,
            loc: self.at.loc.clone(),
            axis: self.at.axis,
            length: self.at.length,
            rows: 0,
            slab_bytes: 0.0,
            bytes: [bytes(0), bytes(1)],
            // Without the price of the loop: more than this it cannot save.
            seconds: [self.whole(), self.blocked(1.0)],
            lost: None,
        };
        let too_little = |f: &CacheBlocks| {
            let (saved, asked) = (100.0 * f.gain(), 100.0 * LEAST_GAIN);
            (f.gain() < LEAST_GAIN).then(|| match saved {
                0.0.. => format!("saves {saved:.1} % of the time of these steps, {asked} % are asked for"),
                _ => format!("threads that wait for each other would make it {:.1} % slower", -saved),
            })
        };
        if self.steps.len() < 2 || found.bytes[1] >= found.bytes[0] {
            return None;
        }
        found.lost = too_little(&found);
        if found.lost.is_some() {
            return Some(found);
        }
        let inside = self.inside.iter().map(|id| self.g.node(*id));
        if math == MathLevel::Exact && !super::keep_bits(inside) {
            found.lost = Some(
                "sums in rows could be added up in another order, which math=\"exact\" does not allow".into(),
            );
            return Some(found);
        }
        let mut most = i64::MAX;
        for e in &self.ends {
            let reduced = e.kind != Kind::Store;
            let Some((rows, bytes)) = chunk::slab(self.g, e.value, e.axis, reduced, TARGET.block_bytes)
            else {
                let limit = human_bytes(TARGET.block_bytes);
                found.lost = Some(format!("the thinnest slab works on more than {limit}"));
                return Some(found);
            };
            // The solver halves: what is left is filled.
            let fill = TARGET.block_bytes as f64 / bytes;
            let full = ((rows as f64 * fill) as i64).min(self.at.length);
            if full < most {
                (most, found.slab_bytes) = (full, bytes * full as f64 / rows as f64);
            }
        }
        found.rows = rows(self.at.length, (self.at.length + most - 1) / most.max(1));
        found.slab_bytes *= found.rows as f64 / most as f64;
        found.seconds[1] = self.blocked(found.count() as f64);
        found.lost = too_little(&found);
        if found.rows < PRODUCT_ROWS && self.inside.iter().any(|id| is_product(self.g.node(*id).op)) {
            found.lost = Some(format!("slabs of {} rows are too thin for products of matrices", found.rows));
        }
        Some(found)
    }
}

fn is_product(op: Op) -> bool {
    matches!(op, Op::Matmul | Op::Gemm)
}
