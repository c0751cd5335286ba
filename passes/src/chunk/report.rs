//! Candidates as a table: for people, and for tools.

use super::ChunkPlan;
use super::region::shape;
use super::search::Choice;
use super::solve::Limits;
use frit_ir::chunks::ChunkGrid;
use frit_ir::graph::{Graph, Value};
use frit_ir::units::human_bytes;
use frit_ir::{Dim, Key, Loc, Op};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A value between stages that is written in other blocks than it is read.
#[derive(Clone, Debug)]
pub struct Rechunk {
    /// The value.
    pub value: Value,
    /// What computes it.
    pub op: Op,
    /// Where.
    pub loc: Loc,
    /// Blocks that are written.
    pub from: ChunkGrid,
    /// Blocks that are read.
    pub to: ChunkGrid,
    /// Bytes written and read for it.
    pub bytes: u64,
}

/// One way to chunk a program.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What is special about it.
    pub title: String,
    /// The program that it is about.
    pub graph: Arc<Graph>,
    /// Stages, blocks and layouts.
    pub plan: ChunkPlan,
    /// Bytes that one task holds at most: what it reads, what it writes, what is not fused.
    pub task_bytes: u64,
    /// Bytes that all workers hold at most, with accumulators.
    pub peak_bytes: u64,
    /// Bytes that all tasks read, those that several tasks read counted each time.
    pub bytes_read: u64,
    /// Bytes of results and of what is stored in between.
    pub bytes_written: u64,
    /// Number of tasks.
    pub tasks: u64,
    /// Bytes of the largest block that is read or written.
    pub largest_block: u64,
    /// Seconds by the cost model, for comparisons.
    pub seconds: f64,
    /// False if bytes were estimated from some of the tasks, as there are many.
    pub exact: bool,
    /// True if it is within the memory limit.
    pub fits: bool,
    /// Why it is not the first; empty for the first.
    pub lost: String,
}

/// The suggestion: candidates, the best first.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// Name of the program.
    pub name: String,
    /// Input names.
    pub inputs: Vec<String>,
    /// The rows.
    pub candidates: Vec<Candidate>,
    /// Bytes that all workers may hold.
    pub memory_limit: Option<u64>,
    /// Workers.
    pub cores: usize,
}

fn grid(sizes: &[i64]) -> ChunkGrid {
    ChunkGrid::new(sizes.iter().map(|n| Dim::constant((*n).max(1))).collect::<Vec<_>>())
}

/// Halves the longest axis until a block is small enough: it is read as several.
fn bounded(mut sizes: Vec<i64>, item: usize, most: f64) -> Vec<i64> {
    while sizes.iter().map(|n| *n as f64).product::<f64>() * item as f64 > most {
        let Some(longest) = sizes.iter_mut().max_by_key(|n| **n).filter(|n| **n > 1) else { break };
        *longest = (*longest + 1) / 2;
    }
    sizes
}

impl Candidate {
    pub(crate) fn new(g: &Arc<Graph>, c: &Choice, limits: &Limits) -> Candidate {
        let figures: Vec<_> =
            c.stages.iter().map(|(s, b)| s.figures(g, &b.blocks, limits.cores, true)).collect();
        let plan = plan(g, c, limits);
        let most =
            |f: &dyn Fn(&super::stage::Figures) -> f64| figures.iter().map(f).fold(0.0, f64::max) as u64;
        let sum = |f: &dyn Fn(&super::stage::Figures) -> f64| figures.iter().map(f).sum::<f64>();
        Candidate {
            title: c.title.clone(),
            graph: g.clone(),
            plan,
            task_bytes: most(&|f| f.task_bytes),
            peak_bytes: most(&|f| limits.peak(f)),
            bytes_read: sum(&|f| f.read).round() as u64,
            bytes_written: sum(&|f| f.written) as u64,
            tasks: sum(&|f| f.tasks) as u64,
            largest_block: most(&|f| f.largest),
            seconds: sum(&|f| f.seconds),
            exact: figures.iter().all(|f| f.exact),
            fits: figures.iter().all(|f| limits.over(f) <= 1.0),
            lost: String::new(),
        }
    }

    /// What candidates are compared by: those that fit come first, then modelled time, weighed with what is too much.
    fn score(&self, limit: Option<u64>) -> (bool, f64) {
        let over = limit.map_or(1.0, |m| self.peak_bytes as f64 / m.max(1) as f64).max(1.0);
        (!self.fits, self.seconds * if self.fits { 1.0 } else { over })
    }

    /// What speaks against it, compared with the best; what weighs most comes first.
    fn against(&self, best: &Candidate, limits: &Limits) -> String {
        let mut why: Vec<(f64, String)> = Vec::new();
        if let Some(limit) = limits.memory.filter(|_| !self.fits) {
            why.push((
                f64::MAX,
                format!(
                    "over the memory limit: {} of {}",
                    human_bytes(self.peak_bytes as usize),
                    human_bytes(limit as usize)
                ),
            ));
        }
        let times = |a: u64, b: u64| a as f64 / b.max(1) as f64;
        let read = times(self.bytes_read, best.bytes_read);
        if read > 1.02 {
            why.push((read, format!("reads {read:.2}x the bytes")));
        }
        let written = times(self.bytes_written, best.bytes_written);
        if written > 1.02 {
            why.push((written, format!("writes {written:.2}x the bytes")));
        }
        if (self.largest_block as f64) > limits.block && self.largest_block > best.largest_block {
            why.push((
                self.largest_block as f64 / limits.block,
                format!(
                    "a block of {}, over {}",
                    human_bytes(self.largest_block as usize),
                    human_bytes(limits.block as usize)
                ),
            ));
        }
        let tasks = times(self.tasks, best.tasks);
        if tasks > 1.2 {
            why.push((tasks, format!("{tasks:.1}x the tasks")));
        }
        let idle = limits.cores as f64 / self.tasks.max(1) as f64;
        if idle > 1.0 && best.tasks > self.tasks {
            why.push((idle, format!("{} task(s) for {} cores", self.tasks, limits.cores)));
        }
        why.sort_by(|a, b| b.0.total_cmp(&a.0));
        if why.is_empty() {
            let slower = self.seconds / best.seconds.max(1e-12);
            return if slower > 1.005 {
                format!("{slower:.2}x the time by the model: repeated arithmetic or uneven blocks")
            } else {
                "no better".into()
            };
        }
        why.into_iter().map(|(_, w)| w).collect::<Vec<_>>().join("; ")
    }
}

/// The stored layouts of a choice.
fn plan(g: &Graph, c: &Choice, limits: &Limits) -> ChunkPlan {
    let mut wanted: BTreeMap<Value, Vec<Vec<i64>>> = BTreeMap::new();
    let mut made: BTreeMap<Value, Vec<i64>> = BTreeMap::new();
    for (stage, solved) in &c.stages {
        for (v, sizes) in stage.layouts(g, &solved.blocks) {
            wanted.entry(v).or_default().push(sizes);
        }
        for v in &stage.roots {
            made.insert(*v, solved.blocks[..stage.rank()].to_vec());
        }
    }
    let least = |v: &Value, first: Option<Vec<i64>>| {
        let mut sizes = first.unwrap_or_else(|| shape(g, *v));
        for w in wanted.get(v).into_iter().flatten() {
            sizes.iter_mut().zip(w).for_each(|(a, b)| *a = (*a).min(*b));
        }
        bounded(sizes, g.ty(*v).dtype.size(), limits.block)
    };
    let rechunks = made.iter().filter_map(|(v, from)| {
        let readers = wanted.get(v)?;
        // Coarser along one axis and finer along another: no block of either holds one of the other.
        let crosses = |to: &&Vec<i64>| {
            from.iter().zip(*to).any(|(a, b)| a > b) && from.iter().zip(*to).any(|(a, b)| a < b)
        };
        let to = readers.iter().find(crosses)?;
        let bytes = shape(g, *v).iter().product::<i64>() as u64 * g.ty(*v).dtype.size() as u64;
        let node = g.def(*v);
        Some(Rechunk {
            value: *v,
            op: node.op,
            loc: node.loc.clone(),
            from: grid(from),
            to: grid(to),
            bytes: 2 * bytes,
        })
    });
    let rechunks = rechunks.collect();
    let mut inputs = vec![grid(&[]); g.inputs.len()];
    for id in g.ids().filter(|id| g.node(*id).op == Op::Input) {
        let v = Value { node: id, index: 0 };
        inputs[g.node(id).attrs.int(Key::Position) as usize] = grid(&least(&v, None));
    }
    ChunkPlan {
        stages: c.stages.iter().map(|(s, _)| s.clone()).collect(),
        blocks: c.stages.iter().map(|(_, s)| s.blocks.clone()).collect(),
        outputs: g.outputs.iter().map(|v| grid(&least(v, made.get(v).cloned()))).collect(),
        inputs,
        rechunks,
    }
}

impl Suggestion {
    pub(crate) fn new(g: &Graph, candidates: Vec<Candidate>, limits: &Limits) -> Suggestion {
        let mut s = Suggestion {
            name: g.name.to_string(),
            inputs: g.inputs.iter().map(|i| i.name.to_string()).collect(),
            candidates,
            memory_limit: limits.memory.map(|m| m as u64),
            cores: limits.cores,
        };
        s.compare(limits);
        s
    }

    /// Says what speaks against each candidate but the first.
    fn compare(&mut self, limits: &Limits) {
        let best = self.candidates[0].clone();
        for c in self.candidates.iter_mut().skip(1) {
            c.lost = c.against(&best, limits);
        }
        let alone = |limit: f64| {
            let (needed, limit) = (human_bytes(best.peak_bytes as usize), human_bytes(limit as usize));
            format!("over the memory limit: {needed} of {limit}, as all others")
        };
        self.candidates[0].lost = limits.memory.filter(|_| !best.fits).map(alone).unwrap_or_default();
    }

    /// Adds the best candidate of the same program in another form; it comes first if it is better than all others.
    pub(crate) fn add_form(&mut self, title: &str, other: Suggestion, limits: &Limits, rows: usize) {
        let Some(mut new) = other.candidates.into_iter().next() else { return };
        let (a, b) = (new.score(self.memory_limit), self.best().score(self.memory_limit));
        new.title = title.into();
        if (!a.0 && b.0) || (a.0 == b.0 && a.1 < b.1 * (1.0 - 1e-6)) {
            self.candidates[0].title = "after rewriting".into();
            self.candidates.insert(0, new);
        } else {
            self.candidates.truncate(rows.saturating_sub(1).max(1));
            if rows > 1 {
                self.candidates.push(new);
            }
        }
        self.candidates.truncate(rows);
        self.compare(limits);
    }

    /// The best.
    pub fn best(&self) -> &Candidate {
        &self.candidates[0]
    }

    /// The program that the best is about.
    pub fn graph(&self) -> &Graph {
        &self.best().graph
    }
}

impl fmt::Display for Suggestion {
    /// One line for each candidate, and one for each change of blocks of the best.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self
            .memory_limit
            .map_or("no memory limit".into(), |m| format!("at most {}", human_bytes(m as usize)));
        writeln!(f, "chunks of {} for {} cores, {limit}", self.name, self.cores)?;
        for c in &self.candidates {
            let chunks: Vec<String> =
                self.inputs.iter().zip(&c.plan.inputs).map(|(n, g)| format!("{n} {g}")).collect();
            let about = if c.exact { "" } else { "about " };
            writeln!(
                f,
                "{}: {}; task {}, run {}, reads {about}{}, writes {}, {} tasks, largest block {}{}{}",
                c.title,
                chunks.join(", "),
                human_bytes(c.task_bytes as usize),
                human_bytes(c.peak_bytes as usize),
                human_bytes(c.bytes_read as usize),
                human_bytes(c.bytes_written as usize),
                c.tasks,
                human_bytes(c.largest_block as usize),
                if c.lost.is_empty() { "" } else { ": " },
                c.lost
            )?;
        }
        for r in &self.best().plan.rechunks {
            let loc = r.loc.to_string();
            let at = if loc.is_empty() { loc } else { format!(" at {loc}") };
            writeln!(
                f,
                "rechunk {}{at} from {} to {}: {} written and read",
                r.op,
                r.from,
                r.to,
                human_bytes(r.bytes as usize)
            )?;
        }
        Ok(())
    }
}
