//! A chunked program as stages: each reads stored arrays block by block and stores results. A stage has one loop nest,
//! over blocks of its results and over parts of the axes that they contract.

use super::cost::TARGET;
use super::region::{Interval, Region, contraction, shape, volume};
use super::task::{Demand, Scope, bytes, demand, graph};
use frit_ir::Op;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, NodeId, Value};
use frit_ir::ops::Class;
use std::collections::BTreeSet;

/// Values that are stored between stages: results of the program and cuts.
pub(crate) type Stored = BTreeSet<Value>;

/// One loop nest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stage {
    /// What it stores: values of one shape.
    pub roots: Vec<Value>,
    /// Nodes whose contracted axes are cut: their partial results are combined, then the roots are finished.
    pub splits: Vec<NodeId>,
    /// Sizes of the loops: the axes of the roots, then the contracted axes.
    pub loops: Vec<i64>,
    /// How many loops are contracted.
    pub contracted: usize,
    /// What it reads besides inputs.
    pub stored: Stored,
}

impl Stage {
    /// Axes of the results; the loops after them are contracted.
    pub fn rank(&self) -> usize {
        self.loops.len() - self.contracted
    }
}

/// The stages that store the given values, in order of dependence.
pub(crate) fn stages(g: &Graph, stored: &Stored) -> Vec<Stage> {
    let mut out: Vec<(usize, Stage)> = Vec::new();
    let mut level = std::collections::BTreeMap::<Value, usize>::new();
    for root in stored.iter().filter(|v| g.def(**v).op != Op::Input) {
        let (inside, reads) = interior(g, *root, stored);
        let own = reads.iter().filter_map(|v| level.get(v)).max().map_or(0, |l| l + 1);
        level.insert(*root, own);
        let splits = splits(g, *root, &inside);
        let mut loops = shape(g, *root);
        let contracted = splits.first().map_or(vec![], |s| contraction(g, g.node(*s)));
        loops.extend(&contracted);
        let contracted = contracted.len();
        let inputs =
            |s: &Stage| s.roots.iter().flat_map(|r| interior(g, *r, stored).1).collect::<BTreeSet<_>>();
        // Results that are made of the same arrays in the same loops are made together.
        let joins = |(l, s): &&mut (usize, Stage)| {
            *l == own
                && s.loops == loops
                && s.contracted == contracted
                && inputs(s).iter().any(|v| reads.contains(v))
        };
        let needs: Stored = reads.iter().copied().filter(|v| g.def(*v).op != Op::Input).collect();
        match out.iter_mut().find(joins) {
            Some((_, s)) => {
                s.roots.push(*root);
                s.splits.extend(splits.iter().filter(|n| !s.splits.contains(n)).copied().collect::<Vec<_>>());
                s.stored.extend(needs);
            }
            None => out.push((own, Stage { roots: vec![*root], splits, loops, contracted, stored: needs })),
        }
    }
    out.sort_by_key(|(l, _)| *l);
    out.into_iter().map(|(_, s)| s).collect()
}

/// Nodes computed for a value from stored ones, and the stored values and inputs that it reads.
fn interior(g: &Graph, root: Value, stored: &Stored) -> (Vec<NodeId>, BTreeSet<Value>) {
    let (mut nodes, mut reads, mut todo) = (BTreeSet::from([root.node]), BTreeSet::new(), vec![root.node]);
    while let Some(id) = todo.pop() {
        for v in &g.node(id).inputs {
            if stored.contains(v) || g.def(*v).op == Op::Input {
                reads.insert(*v);
            } else if nodes.insert(v.node) {
                todo.push(v.node);
            }
        }
    }
    (nodes.into_iter().collect(), reads)
}

/// The nodes of a stage whose contracted axes can be cut: what follows them up to the root has an element for each of
/// theirs. Of several, those that contract what the largest does.
fn splits(g: &Graph, root: Value, inside: &[NodeId]) -> Vec<NodeId> {
    let count = |v: Value| shape(g, v).iter().product::<i64>();
    let mut found: Vec<NodeId> = Vec::new();
    for id in inside.iter().rev() {
        let v = Value { node: *id, index: 0 };
        let plain = |n: &NodeId| {
            matches!(g.node(*n).op, Op::ExpandDims | Op::Squeeze)
                || g.node(*n).op.class() == Class::Elementwise
        };
        let contracted = contraction(g, g.node(*id));
        if contracted.iter().product::<i64>() <= 1 || count(v) != count(root) {
            continue;
        }
        // Everything that depends on it must follow it element by element.
        let mut depends = BTreeSet::from([*id]);
        let simple = inside.iter().filter(|n| **n > *id).all(|n| {
            if !g.node(*n).inputs.iter().any(|x| depends.contains(&x.node)) {
                return true;
            }
            depends.insert(*n);
            plain(n) && count(Value { node: *n, index: 0 }) == count(v) && g.node(*n).types.len() == 1
        });
        if simple && depends.contains(&root.node) {
            found.push(*id);
        }
    }
    let axes = |id: &NodeId| contraction(g, g.node(*id));
    let largest = found.iter().map(axes).max_by_key(|a| a.iter().product::<i64>());
    found.retain(|id| Some(axes(id)) == largest);
    found.sort();
    found
}

/// The work of one block of the results, and of one part of the contraction.
pub(crate) struct Seeds {
    pub(crate) finish: Vec<(Value, Region)>,
    pub(crate) partial: Vec<(Value, Region)>,
    pub(crate) part: Vec<Interval>,
}

/// Figures of a stage.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Figures {
    pub(crate) read: f64,
    pub(crate) written: f64,
    pub(crate) tasks: f64,
    pub(crate) task_bytes: f64,
    /// The largest block read or written.
    pub(crate) largest: f64,
    pub(crate) accumulators: f64,
    pub(crate) seconds: f64,
    pub(crate) exact: bool,
}

/// Tasks that are looked at one by one for exact figures.
const EXACT: f64 = 2048.0;

impl Stage {
    fn block(&self, blocks: &[i64], at: &[i64]) -> Region {
        let one = |((n, b), k): ((&i64, &i64), &i64)| Interval { lo: k * b, hi: ((k + 1) * b).min(*n) };
        self.loops.iter().zip(blocks).zip(at).map(one).collect()
    }

    /// Number of blocks along each loop.
    pub fn counts(&self, blocks: &[i64]) -> Vec<i64> {
        self.loops.iter().zip(blocks).map(|(n, b)| super::region::ceil_div(*n, *b).max(1)).collect()
    }

    /// True if partial results are combined.
    pub(crate) fn partial(&self, blocks: &[i64]) -> bool {
        self.counts(blocks)[self.rank()..].iter().any(|n| *n > 1)
    }

    /// What the task at a place of the loops computes: of all roots, and of the split nodes.
    pub(crate) fn seeds(&self, g: &Graph, blocks: &[i64], at: &[i64]) -> Seeds {
        let all = self.block(blocks, at);
        let out: Region = all[..self.rank()].to_vec();
        let finish: Vec<(Value, Region)> = self.roots.iter().map(|r| (*r, out.clone())).collect();
        if !self.partial(blocks) {
            return Seeds { finish, partial: vec![], part: vec![] };
        }
        let nodes: Stored = self.splits.iter().map(|n| Value { node: *n, index: 0 }).collect();
        let mut partial: Vec<(Value, Region)> = Vec::new();
        // A root that is a split node itself is its own demand.
        let others: Vec<(Value, Region)> =
            finish.iter().filter(|(v, _)| !nodes.contains(v)).cloned().collect();
        partial.extend(finish.iter().filter(|(v, _)| nodes.contains(v)).cloned());
        if !others.is_empty() {
            let stored = |v: Value| self.stored.contains(&v) || nodes.contains(&v);
            let need = demand(g, &others, &Scope { stored: &stored, split: None });
            for (v, r) in need.boxes().filter(|(v, _)| nodes.contains(v)) {
                if !partial.iter().any(|(w, _)| *w == v) {
                    partial.push((v, r.clone()));
                }
            }
        }
        partial.sort();
        Seeds { finish, partial, part: all[self.rank()..].to_vec() }
    }

    /// Demands of a task: of the partial results, and (for the last part of a block) of the roots.
    pub(crate) fn demands(&self, seeds: &Seeds, mut f: impl FnMut(&[(Value, Region)], &Scope<'_>, bool)) {
        let nodes: Vec<Value> = self.splits.iter().map(|n| Value { node: *n, index: 0 }).collect();
        let stored = |v: Value| self.stored.contains(&v);
        if seeds.partial.is_empty() {
            return f(&seeds.finish, &Scope { stored: &stored, split: None }, true);
        }
        f(&seeds.partial, &Scope { stored: &stored, split: Some((&self.splits, &seeds.part)) }, false);
        let with = |v: Value| self.stored.contains(&v) || nodes.contains(&v);
        let rest: Vec<(Value, Region)> =
            seeds.finish.iter().filter(|(v, _)| !nodes.contains(v)).cloned().collect();
        f(&rest, &Scope { stored: &with, split: None }, true);
    }

    /// Places of the loops to look at: a few in the middle, off the diagonal.
    fn samples(counts: &[i64]) -> Vec<Vec<i64>> {
        let r = counts.len() as i64;
        let skew = |k: usize, n: &i64| (n * (k as i64 + 1) / (r + 1)).min(n - 1);
        let back = |k: usize, n: &i64| (n * (r - k as i64) / (r + 1)).min(n - 1);
        let mut at: Vec<Vec<i64>> = vec![
            counts.iter().enumerate().map(|(k, n)| skew(k, n)).collect(),
            counts.iter().enumerate().map(|(k, n)| back(k, n)).collect(),
        ];
        at.dedup();
        at
    }

    /// All places, the contracted loops innermost.
    pub(crate) fn places(counts: &[i64]) -> impl Iterator<Item = Vec<i64>> + '_ {
        let total: i64 = counts.iter().product();
        (0..total).map(|mut n| {
            let mut at = vec![0; counts.len()];
            for (k, c) in counts.iter().enumerate().rev() {
                at[k] = n % c;
                n /= c;
            }
            at
        })
    }

    /// What the stage costs with these block sizes; `exact` looks at every task if there are not too many.
    pub(crate) fn figures(&self, g: &Graph, blocks: &[i64], cores: usize, exact: bool) -> Figures {
        let counts = self.counts(blocks);
        let tasks: f64 = counts.iter().map(|n| *n as f64).product();
        let parts: f64 = counts[self.rank()..].iter().map(|n| *n as f64).product();
        let exact = exact && tasks <= EXACT;
        let places: Vec<Vec<i64>> =
            if exact { Stage::places(&counts).collect() } else { Stage::samples(&counts) };
        let mut f = Figures { tasks, exact: exact || places.len() as f64 >= tasks, ..Figures::default() };
        let (mut work, mut boxes) = (0.0, 0.0);
        for at in &places {
            let seeds = self.seeds(g, blocks, at);
            let last = at[self.rank()..].iter().zip(&counts[self.rank()..]).all(|(k, n)| k + 1 == *n);
            let (mut task, mut outputs) = (0.0, 0.0f64);
            self.demands(&seeds, |wanted, scope, finish| {
                let need: Demand = demand(g, wanted, scope);
                let mut l = need.load(g, wanted, scope);
                let mut opened = need.reads(g, wanted, scope).count() as f64;
                if finish && !seeds.partial.is_empty() {
                    // Partial results are held, not read.
                    for (v, r) in need.reads(g, wanted, scope).filter(|(v, _)| self.splits.contains(&v.node))
                    {
                        l.read -= volume(r) * g.ty(v).dtype.size() as f64;
                        opened -= 1.0;
                    }
                }
                let made: f64 = wanted.iter().map(|(v, r)| volume(r) * g.ty(*v).dtype.size() as f64).sum();
                // Only the last part of a block finishes it.
                let share = match (finish && !seeds.partial.is_empty(), exact) {
                    (false, _) => 1.0,
                    (true, true) => f64::from(u8::from(last)),
                    (true, false) => 1.0 / parts,
                };
                f.read += l.read * share;
                work += l.work * share;
                boxes += opened * share;
                f.largest = f.largest.max(l.largest).max(made);
                task = f64::max(task, l.read + l.held + made);
                outputs = outputs.max(made);
            });
            f.task_bytes = f.task_bytes.max(task);
            if !seeds.partial.is_empty() {
                f.accumulators = f.accumulators.max(cores as f64 * outputs);
            }
        }
        let scale = if exact { 1.0 } else { self.fill(blocks) * tasks / places.len() as f64 };
        f.read *= scale;
        f.written = self
            .roots
            .iter()
            .map(|v| shape(g, *v).iter().product::<i64>() as f64 * g.ty(*v).dtype.size() as f64)
            .sum();
        let each = |x: f64| x / tasks;
        let one = each(f.read + f.written) / TARGET.storage_bandwidth
            + each(work * scale)
            + each(boxes * scale) * TARGET.open_block
            + TARGET.task;
        f.seconds = (tasks / cores as f64).ceil() * one;
        f
    }

    /// The part of all blocks that is full, for ends that do not fill one.
    fn fill(&self, blocks: &[i64]) -> f64 {
        let one = |((n, b), c): ((&i64, &i64), i64)| *n as f64 / (b * c).max(1) as f64;
        self.loops.iter().zip(blocks).zip(self.counts(blocks)).map(one).product()
    }

    /// How each stored value and input that the stage reads is best stored for these blocks: along each axis, how far
    /// its box moves from one block to the next; an axis along which none moves is one block.
    pub(crate) fn layouts(&self, g: &Graph, blocks: &[i64]) -> Vec<(Value, Vec<i64>)> {
        let counts = self.counts(blocks);
        let read = |at: &[i64]| {
            let seeds = self.seeds(g, blocks, at);
            let mut found: Vec<(Value, Region)> = Vec::new();
            self.demands(&seeds, |wanted, scope, _| {
                let need = demand(g, wanted, scope);
                let own = |v: &Value| !self.splits.contains(&v.node) || seeds.partial.is_empty();
                found.extend(
                    need.reads(g, wanted, scope).filter(|(v, _)| own(v)).map(|(v, r)| (v, r.clone())),
                );
            });
            found
        };
        // A place that is not at an end, where boxes would be cut off.
        let base: Vec<i64> = Stage::samples(&counts).swap_remove(0);
        let here = read(&base);
        let mut out: Vec<(Value, Vec<i64>)> = Vec::new();
        for (v, r) in &here {
            if !out.iter().any(|(w, _)| w == v) {
                // Nothing moves it: stored as one block as wide as what is read.
                let size = |(n, i): (&i64, &Interval)| if i.size() == *n { *n } else { i.size().max(1) };
                out.push((*v, shape(g, *v).iter().zip(r).map(size).collect()));
            }
        }
        let mut moved: Vec<(Value, usize)> = Vec::new();
        for k in (0..counts.len()).filter(|k| counts[*k] > 1) {
            let mut next = base.clone();
            next[k] = if base[k] + 1 < counts[k] { base[k] + 1 } else { base[k] - 1 };
            let there = read(&next);
            for (v, sizes) in &mut out {
                let a: Vec<&Region> = here.iter().filter(|(w, _)| w == v).map(|(_, r)| r).collect();
                let b: Vec<&Region> = there.iter().filter(|(w, _)| w == v).map(|(_, r)| r).collect();
                for (x, y) in a.iter().zip(&b) {
                    for (axis, size) in sizes.iter_mut().enumerate() {
                        let shift = (x[axis].lo - y[axis].lo).abs().max((x[axis].hi - y[axis].hi).abs());
                        if shift > 0 {
                            let first = !moved.contains(&(*v, axis));
                            *size = if first { shift } else { shift.min(*size) };
                            moved.push((*v, axis));
                        }
                    }
                }
            }
        }
        out
    }

    /// The tasks in order: what each reads and writes.
    pub(crate) fn tasks(&self, g: &Graph, blocks: &[i64], number: usize) -> Vec<Task> {
        let counts = self.counts(blocks);
        let parts = &counts[self.rank()..];
        let one = |at: Vec<i64>| {
            let seeds = self.seeds(g, blocks, &at);
            let last = at[self.rank()..].iter().zip(parts).all(|(k, n)| k + 1 == *n);
            let first = at[self.rank()..].iter().all(|k| *k == 0);
            let mut reads: Vec<(Value, Region)> = Vec::new();
            self.demands(&seeds, |wanted, scope, finish| {
                if finish && !last {
                    return;
                }
                let need = demand(g, wanted, scope);
                let held = |v: &Value| finish && !seeds.partial.is_empty() && self.splits.contains(&v.node);
                reads.extend(
                    need.reads(g, wanted, scope).filter(|(v, _)| !held(v)).map(|(v, r)| (v, r.clone())),
                );
            });
            let writes = if last { seeds.finish } else { vec![] };
            Task { stage: number, at, reads, writes, first, last }
        };
        Stage::places(&counts).map(one).collect()
    }

    /// The graphs of a task: of its partial results, if it has any, and of its results, with the boxes that are their
    /// parameters.
    pub(crate) fn graphs(&self, g: &Graph, blocks: &[i64], at: &[i64]) -> Result<Vec<TaskGraph>, TypeError> {
        let seeds = self.seeds(g, blocks, at);
        let mut out: Vec<Result<TaskGraph, TypeError>> = Vec::new();
        self.demands(&seeds, |wanted, scope, finish| {
            out.push(graph(g, wanted, scope).map(|(graph, parameters)| TaskGraph {
                graph,
                parameters,
                results: wanted.to_vec(),
                partial: !finish,
            }));
        });
        out.into_iter().collect()
    }
}

/// One unit of work of a chunked run.
#[derive(Clone, PartialEq, Debug)]
pub struct Task {
    /// Which stage.
    pub stage: usize,
    /// Which block of each loop.
    pub at: Vec<i64>,
    /// Boxes of inputs and stored values.
    pub reads: Vec<(Value, Region)>,
    /// Boxes of stored values and results; none before the last part of a contraction.
    pub writes: Vec<(Value, Region)>,
    /// The first part of its block.
    pub first: bool,
    /// The last part of its block.
    pub last: bool,
}

impl Task {
    /// Bytes read.
    pub fn bytes_read(&self, g: &Graph) -> u64 {
        self.reads.iter().map(|(v, r)| bytes(g, *v, r)).sum()
    }
}

/// A task, or a half of one, as a program.
#[derive(Clone, Debug)]
pub struct TaskGraph {
    /// From boxes to boxes.
    pub graph: Graph,
    /// What its parameters are.
    pub parameters: Vec<(Value, Region)>,
    /// What its results are.
    pub results: Vec<(Value, Region)>,
    /// True for partial results, which are combined over the parts of a block; the other half takes them as
    /// parameters.
    pub partial: bool,
}
