//! Chunks from the whole computation: how the inputs of a program are best cut into blocks when it runs block by block,
//! with what each block costs to read, and what must be stored in between.
//!
//! A chunked run is a list of [`Stage`]s. Each computes one or a few stored values in a loop nest over their blocks, and
//! over parts of what they contract (sums and products of matrices accumulate partial results). What is not stored is
//! computed where it is used, as fusion does in core. Which boxes of an operand a block needs is known for every op
//! ([`region`]), so halos of windows, re-reads of products and transposed blocks need no cases of their own: bytes are
//! those of the boxes that the tasks read.
//!
//! What is stored between stages, and the size of blocks, are chosen by one cost ([`cost`]): bytes to and from storage,
//! tasks, and arithmetic. [`Task`] lists what is read and written, and [`ChunkPlan::graphs`] gives the programs of the
//! tasks; `passes/tests/chunk.rs` runs them and compares results and bytes.

mod cost;
mod region;
mod report;
mod search;
mod solve;
mod stage;
mod task;

pub use region::{Interval, Region};
pub use report::{Candidate, Rechunk, Suggestion};
pub use stage::{Stage, Task, TaskGraph};

use frit_ir::build::Builder;
use frit_ir::chunks::ChunkGrid;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, GraphBuilder, Value};
use frit_ir::{Attrs, Op, Symbol};
use std::collections::HashMap;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct ChunkOptions {
    /// Bytes that all workers may hold together.
    pub memory_limit: Option<usize>,
    /// Bytes that no block should exceed.
    pub block_bytes: usize,
    /// Rows of the table.
    pub candidates: usize,
    /// Workers.
    pub cores: usize,
}

impl ChunkOptions {
    /// No memory limit, blocks of at most 128 MiB, six candidates.
    pub fn new(cores: usize) -> ChunkOptions {
        ChunkOptions { memory_limit: None, block_bytes: 128 << 20, candidates: 6, cores: cores.max(1) }
    }
}

/// Why there is no suggestion.
#[derive(Clone, PartialEq, Debug)]
pub enum ChunkError {
    /// No form of a program was given.
    NoProgram,
    /// A size is a symbol.
    Symbolic(Symbol),
}

impl std::fmt::Display for ChunkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ChunkError::NoProgram => f.write_str("there is no program to chunk"),
            ChunkError::Symbolic(s) => write!(f, "chunks need numbers as sizes, and `{s}` is none"),
        }
    }
}

impl std::error::Error for ChunkError {}

/// A chunked run of a program.
#[derive(Clone, Debug)]
pub struct ChunkPlan {
    /// In order of execution.
    pub stages: Vec<Stage>,
    /// Block sizes of the loops of each stage.
    pub blocks: Vec<Vec<i64>>,
    /// How each input is stored, by position.
    pub inputs: Vec<ChunkGrid>,
    /// How each result is stored.
    pub outputs: Vec<ChunkGrid>,
    /// Values that are written in other blocks than they are read.
    pub rechunks: Vec<Rechunk>,
}

impl ChunkPlan {
    /// All tasks in order; a stage may have as many as its blocks.
    pub fn tasks(&self, g: &Graph) -> Vec<Task> {
        let all = self.stages.iter().zip(&self.blocks).enumerate();
        all.flat_map(|(k, (stage, blocks))| stage.tasks(g, blocks, k)).collect()
    }

    /// The programs of a task: partial results, if its stage combines them, and the results.
    pub fn graphs(&self, g: &Graph, task: &Task) -> Result<Vec<TaskGraph>, TypeError> {
        self.stages[task.stage].graphs(g, &self.blocks[task.stage], &task.at)
    }

    /// The op that combines the partial results of a node.
    pub fn combines(op: Op) -> Option<Op> {
        region::combines(op)
    }

    /// The program with its layouts written down: `rechunk` where inputs come in and where blocks change.
    pub fn annotated(&self, g: &Graph) -> Result<Graph, TypeError> {
        let mut b = GraphBuilder::new(&g.name);
        let mut made: HashMap<Value, Value> = HashMap::new();
        for id in g.ids() {
            let node = g.node(id);
            b.set_loc(node.loc.clone());
            let first = if node.op == Op::Input {
                let position = node.attrs.int(frit_ir::Key::Position) as usize;
                let x = b.input(&g.inputs[position].name, node.types[0].clone());
                let grid = &self.inputs[position];
                if grid.sizes().is_empty() { x } else { b.add(Op::Rechunk, grid.attrs(), vec![x])? }
            } else {
                b.add(node.op, node.attrs.clone(), node.inputs.iter().map(|v| made[v]).collect())?
            };
            for index in 0..node.types.len() as u32 {
                let old = Value { node: id, index };
                let mut new = Value { node: first.node, index };
                if let Some(r) = self.rechunks.iter().find(|r| r.value == old) {
                    for grid in [&r.from, &r.to] {
                        new = b.add(Op::Rechunk, grid.attrs(), vec![new])?;
                    }
                }
                made.insert(old, new);
            }
        }
        Ok(b.finish(g.outputs.iter().map(|v| made[v]).collect()))
    }
}

/// Suggests how to chunk the inputs of a program whose sizes are numbers. The best candidate comes first.
pub fn suggest(g: &Graph, options: &ChunkOptions) -> Result<Suggestion, ChunkError> {
    if let Some(s) = g.symbols().into_iter().next() {
        let used = g.nodes.iter().flat_map(|n| &n.types).flat_map(|t| &t.shape).any(|d| d.mentions(&s));
        // The index of a loop is no size.
        if used || g.inputs.iter().any(|i| i.ty.shape.iter().any(|d| d.as_const().is_none())) {
            return Err(ChunkError::Symbolic(s));
        }
    }
    Ok(search::Search::new(&products(g), options).suggest())
}

/// [`suggest`] for a program in several forms (with titles): which one is computed is chosen with its chunks, as what is
/// cheaper in core may read more from storage. The first form is the usual one; of the others the best candidates are shown.
pub fn suggest_forms(forms: &[(&str, &Graph)], options: &ChunkOptions) -> Result<Suggestion, ChunkError> {
    let Some(((_, first), others)) = forms.split_first() else { return Err(ChunkError::NoProgram) };
    let mut all = suggest(first, options)?;
    let limits = search::limits(options);
    for (title, form) in others.iter().filter(|(_, form)| form != first) {
        all.add_form(title, suggest(form, options)?, &limits, options.candidates.max(1));
    }
    Ok(all)
}

/// The largest slab along an axis of which a task takes at most so many bytes: its rows, and those bytes. The axis is one
/// of a value, or one that the reduction which makes the value sums over (`reduced`: an axis of its operand). `None` if
/// the thinnest slab takes more: what each one needs as a whole is too large.
pub(crate) fn slab(g: &Graph, root: Value, axis: usize, reduced: bool, bytes: usize) -> Option<(i64, f64)> {
    let stage = stage::stages(g, &stage::Stored::from([root])).pop()?;
    let axis = if reduced {
        let axes = g.def(root).attrs.ints(frit_ir::Key::Axes);
        stage.rank() + axes.iter().position(|a| *a == axis as i64).filter(|_| stage.contracted > 0)?
    } else {
        axis
    };
    let limit = bytes as f64;
    let limits = solve::Limits { memory: Some(limit), block: limit, cores: 1 };
    let free: Vec<bool> = (0..stage.loops.len()).map(|k| k == axis).collect();
    let solved = solve::solve(g, &stage, &limits, &free);
    let taken = limits.peak(&solved.figures);
    (taken <= limit).then(|| (solved.blocks[axis], taken))
}

/// Products with an epilogue as products, whose contraction can be cut.
fn products(g: &Graph) -> Graph {
    if g.nodes.iter().all(|n| n.op != Op::Gemm) {
        return g.clone();
    }
    let mut b = Builder::new(&g.name);
    let mut made: HashMap<Value, Value> = HashMap::new();
    for id in g.ids() {
        let node = g.node(id);
        b.set_loc(node.loc.clone());
        let x: Vec<Value> = node.inputs.iter().map(|v| made[v]).collect();
        let add = |b: &mut Builder, op, operands: &[Value]| b.node(op, Attrs::NONE, operands);
        let first = match node.op {
            Op::Input => {
                let position = node.attrs.int(frit_ir::Key::Position) as usize;
                Ok(b.input(&g.inputs[position].name, node.types[0].clone()))
            }
            Op::Gemm => add(&mut b, Op::Matmul, &x[..2])
                .and_then(|p| add(&mut b, Op::Multiply, &[p, x[3]]))
                .and_then(|p| add(&mut b, Op::Multiply, &[x[2], x[4]]).map(|c| (p, c)))
                .and_then(|(p, c)| add(&mut b, Op::Add, &[p, c])),
            op => b.node(op, node.attrs.clone(), &x),
        };
        let first = first.expect("types of a valid graph");
        for index in 0..node.types.len() as u32 {
            made.insert(Value { node: id, index }, Value { node: first.node, index: first.index + index });
        }
    }
    b.finish(g.outputs.iter().map(|v| made[v]).collect())
}
