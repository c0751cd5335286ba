//! Chunk suggestions of a compiled function: see [`frit_passes::chunk`] for what a chunked run is.

use crate::error::Error;
use crate::jit::{Jit, Spec};
use crate::report::Report;
use crate::tracer::Traceable;
use frit_ir::chunks::ChunkGrid;
use frit_ir::{Graph, Key, Op, Value};
use frit_passes::MathLevel;
use frit_passes::chunk::{Candidate, ChunkOptions, Suggestion, suggest_forms};
use serde_json::{Value as Json, json};

impl Report {
    /// How to chunk the inputs when the function runs block by block: candidates, the best first. Chunked are the program
    /// after rewriting, and the one that was written: the better one comes first. An error if a size is a symbol.
    pub fn suggest_chunks(&self, options: &ChunkOptions) -> Result<Suggestion, Error> {
        forms(&self.traced, &self.optimized, self.math, options)
    }
}

/// Suggestions for a program after rewriting, and as it was written: rewriting knows what a form costs in core only.
fn forms(
    traced: &Graph,
    rewritten: &Graph,
    math: MathLevel,
    options: &ChunkOptions,
) -> Result<Suggestion, Error> {
    let plain = frit_passes::Options { rewrite: false, ..frit_passes::Options::new(math) };
    let written = frit_passes::optimize(traced, &plain)?.graph;
    let forms = [("after rewriting", rewritten), ("as written", &written)];
    suggest_forms(&forms, options).map_err(|e| Error::Format(e.to_string()))
}

impl<P, F: Traceable<P>> Jit<F, P> {
    /// [`Report::suggest_chunks`] for the given types. Nothing is compiled and nothing runs.
    ///
    /// ```
    /// use frit::{Array, ChunkOptions, DType, spec};
    /// let f = frit::jit(|x: Array| x.sum(0));
    /// let s = f.suggest_chunks(&[spec(&[100_000, 100_000], DType::F64)], &ChunkOptions::new(8)).unwrap();
    /// assert_eq!(s.best().bytes_read, 80_000_000_000);
    /// assert!(s.best().largest_block <= 128 << 20);
    /// ```
    pub fn suggest_chunks(&self, types: &[Spec], options: &ChunkOptions) -> Result<Suggestion, Error> {
        let graph = self.trace(types)?;
        let rewritten = frit_passes::optimize(&graph, &frit_passes::Options::new(self.math()))?.graph;
        forms(&graph, &rewritten, self.math(), options)
    }
}

/// The name of a value of a chunked program: inputs by name, results as `result 0`, the others as in its text.
pub fn chunk_name(g: &Graph, v: Value) -> String {
    if let Some(k) = g.outputs.iter().position(|o| *o == v) {
        return format!("result {k}");
    }
    let node = g.def(v);
    match node.op {
        Op::Input => g.inputs[node.attrs.int(Key::Position) as usize].name.to_string(),
        _ if node.types.len() > 1 => format!("%{}.{}", v.node.0, v.index),
        _ => format!("%{}", v.node.0),
    }
}

fn grid(g: &ChunkGrid) -> Json {
    g.sizes().iter().map(|d| json!(d.as_const())).collect()
}

fn candidate(g: &Graph, c: &Candidate) -> Json {
    let inputs = g.inputs.iter().zip(&c.plan.inputs);
    let stages = c.plan.stages.iter().zip(&c.plan.blocks);
    json!({
        "title": c.title,
        "chunks": inputs.map(|(i, c)| (i.name.to_string(), grid(c))).collect::<serde_json::Map<_, _>>(),
        "output_chunks": c.plan.outputs.iter().map(grid).collect::<Vec<_>>(),
        "task_bytes": c.task_bytes,
        "peak_bytes": c.peak_bytes,
        "bytes_read": c.bytes_read,
        "bytes_written": c.bytes_written,
        "tasks": c.tasks,
        "largest_block": c.largest_block,
        "seconds": c.seconds,
        "exact": c.exact,
        "fits": c.fits,
        "lost": c.lost,
        "stages": stages.map(|(s, blocks)| json!({
            "stores": s.roots.iter().map(|v| chunk_name(g, *v)).collect::<Vec<_>>(),
            "reads": s.stored.iter().map(|v| chunk_name(g, *v)).collect::<Vec<_>>(),
            "sizes": s.loops,
            "blocks": blocks,
            "contracted": s.contracted,
        })).collect::<Vec<_>>(),
        "rechunks": c.plan.rechunks.iter().map(|r| json!({
            "value": chunk_name(g, r.value),
            "op": r.op.name(),
            "file": r.loc.place().map(|p| p.file.to_string()),
            "line": r.loc.place().map(|p| p.line),
            "from": grid(&r.from),
            "to": grid(&r.to),
            "bytes": r.bytes,
        })).collect::<Vec<_>>(),
    })
}

/// A suggestion as JSON: `name`, `cores`, `memory_limit`, and `candidates` with all that is known about each. Bytes are
/// numbers of bytes, chunks are elements along each axis, `seconds` are those of the cost model.
pub fn chunks_to_json(s: &Suggestion) -> Json {
    json!({
        "name": s.name,
        "cores": s.cores,
        "memory_limit": s.memory_limit,
        "candidates": s.candidates.iter().map(|c| candidate(&c.graph, c)).collect::<Vec<_>>(),
    })
}
