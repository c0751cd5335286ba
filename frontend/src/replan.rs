//! Plans for less memory: what happens when the projected peak is over the limit.
//!
//! The usual plan has a good order of steps and works in place already. If it takes too much, a better order is searched for,
//! for the sizes at hand; then values that are cheap to compute are computed where they are used instead of being stored,
//! those first that save the most bytes per operation; then large values are computed in blocks along an axis
//! ([`frit_passes::block`]), in as few as needed. The first plan that fits is taken. If none does the program is refused.

use crate::error::Error;
use crate::report::Report;
use frit_ir::units::human_bytes;
use frit_ir::{Graph, Loc, Op};
use frit_passes::fuse::recomputable;
use frit_passes::{LowerOptions, MathLevel, Options, block};
use frit_runtime::{Bound, Program, Refusal, RuntimeError};
use std::sync::Arc;

/// Values that are computed again at most.
const MOST_RECOMPUTED: usize = 16;
/// Values that are blocked at most, one after the other.
const MOST_BLOCKED: usize = 3;
/// Blocks of one axis at most: each is a round of dispatches.
const MOST_BLOCKS: i64 = 1 << 14;

/// A program bound to sizes so that it fits.
#[derive(Debug)]
pub struct Fit {
    /// Ready to run.
    pub bound: Bound,
    /// What was done to make it fit, in sentences; empty for the usual plan.
    pub replanned: Vec<String>,
}

/// Plans that a refusal tells of: those that came closest.
const MOST_TOLD: usize = 3;

/// Shapes and strides (in elements) of arguments.
type Sizes<'a> = &'a [(&'a [usize], &'a [isize])];

impl Report {
    /// Binds the program to sizes, re-planned if its peak is over `limit` bytes. Arguments do not count.
    ///
    /// # Errors
    /// [`RuntimeError::MemoryLimit`] if no plan fits.
    pub fn fit(&self, arguments: Sizes<'_>, threads: usize, limit: Option<usize>) -> Result<Fit, Error> {
        let bound = self.program.bind(arguments, threads)?;
        match limit {
            Some(limit) if bound.memory().peak_bytes > limit => {
                Replanner { report: self, arguments, threads, limit, tried: vec![] }.run(bound)
            }
            _ => Ok(Fit { bound, replanned: vec![] }),
        }
    }
}

struct Replanner<'a> {
    report: &'a Report,
    arguments: Sizes<'a>,
    threads: usize,
    limit: usize,
    /// What did not fit, with the peak that it had.
    tried: Vec<(String, usize)>,
}

/// A plan on the way.
struct Attempt {
    graph: Graph,
    bound: Bound,
    done: Vec<String>,
}

/// A plan whose slabs are too large, but little else.
struct Wide {
    graph: Graph,
    done: Vec<String>,
    peak: usize,
}

impl Attempt {
    fn peak(&self) -> usize {
        self.bound.memory().peak_bytes
    }

    /// Bytes at the peak beside the largest value.
    fn rest(&self) -> usize {
        self.peak() - self.bound.memory().at_peak.first().map_or(0, |u| u.bytes)
    }
}

fn place(op: Op, loc: &Loc) -> String {
    let loc = loc.to_string();
    if loc.is_empty() { op.to_string() } else { format!("{op} ({loc})") }
}

/// Graphs that type-checked with names for sizes do so with numbers, and in blocks: else it is a bug.
fn ill_typed(e: frit_ir::error::TypeError) -> Error {
    Error::Lower(e.into())
}

impl Replanner<'_> {
    fn run(mut self, bound: Bound) -> Result<Fit, Error> {
        // The results are there at the end, whatever the plan is.
        if bound.memory().output_bytes > self.limit {
            return Err(self.refuse(&bound));
        }
        let report = self.report;
        let sizes = |name: &str| bound.size(name);
        let graph = block::prepare(&frit_passes::specialize(&report.optimized, &sizes).map_err(ill_typed)?)?;
        let ordered = self.attempt(graph.clone(), 0, vec!["ordered the steps for these sizes".into()])?;
        if ordered.peak() <= self.limit {
            return Ok(Fit { bound: ordered.bound, replanned: ordered.done });
        }
        if ordered.peak() < bound.memory().peak_bytes {
            self.tried.push(("another order of steps".into(), ordered.peak()));
        }
        if let Some(fit) = self.recompute(&graph)? {
            return Ok(fit);
        }
        if report.math == MathLevel::Exact && !block::keeps_bits(&graph) {
            let why = "blocking could add up floats in another order, which `math=\"exact\"` does not allow: the plan";
            self.tried.push((why.into(), bound.memory().peak_bytes));
            return Err(self.refuse(&bound));
        }
        let mut best = Attempt { done: vec![], ..ordered };
        for _ in 0..MOST_BLOCKED {
            let before = best.peak();
            let (least, wide) = self.blocked(best)?;
            best = least;
            if best.peak() <= self.limit {
                return Ok(Fit { bound: best.bound, replanned: best.done });
            }
            // Slabs along another axis of what is too large still.
            if let Some(Wide { graph, done, .. }) = wide {
                let wide = self.attempt(graph, 0, done)?;
                let (both, _) = self.blocked(wide)?;
                if both.peak() <= self.limit {
                    return Ok(Fit { bound: both.bound, replanned: both.done });
                }
                best = if both.peak() < best.peak() { both } else { best };
            }
            if best.peak() >= before {
                break;
            }
            let count = recomputable(&block::prepare(&best.graph)?).len().min(MOST_RECOMPUTED);
            if count > 0 {
                let mut done = best.done.clone();
                done.push(format!("computed {count} values where they are used"));
                let again = self.attempt(best.graph.clone(), count, done)?;
                if again.peak() <= self.limit {
                    return Ok(Fit { bound: again.bound, replanned: again.done });
                }
            }
        }
        Err(self.refuse(&bound))
    }

    fn attempt(&self, graph: Graph, recompute: usize, done: Vec<String>) -> Result<Attempt, Error> {
        let options =
            LowerOptions { layouts: self.report.layouts.clone(), recompute, search: true, blocks: None };
        let plan = frit_passes::lower(&graph, &options)?.plan;
        let program = Arc::new(Program::new(Arc::new(plan), crate::jit::cache()));
        let bound = program.bind(self.arguments, self.threads)?;
        Ok(Attempt { graph, bound, done })
    }

    /// Fewer stored values, until it fits.
    fn recompute(&mut self, graph: &Graph) -> Result<Option<Fit>, Error> {
        let found = recomputable(graph);
        let mut done = Vec::new();
        let mut least = usize::MAX;
        for (k, value) in found.iter().take(MOST_RECOMPUTED).enumerate() {
            let node = graph.node(value.node);
            done.push(format!("recomputed {} where it is used", place(node.op, &node.loc)));
            let attempt = self.attempt(graph.clone(), k + 1, done.clone())?;
            if attempt.peak() <= self.limit {
                return Ok(Some(Fit { bound: attempt.bound, replanned: attempt.done }));
            }
            least = least.min(attempt.peak());
        }
        if !done.is_empty() {
            self.tried.push((format!("recomputing {} cheap values", done.len()), least));
        }
        Ok(None)
    }

    /// One more value in blocks: of the plans that fit, one with the fewest blocks; else the one that takes least, and the
    /// one with the most blocks that leaves most of the limit to the slab itself: the parts of a sum grow with the blocks,
    /// and a slab that is too large may be divided along another axis.
    fn blocked(&mut self, from: Attempt) -> Result<(Attempt, Option<Wide>), Error> {
        let mut best = from;
        let mut wide: Option<Wide> = None;
        let mut fewest = i64::MAX;
        let (graph, before) = (best.graph.clone(), best.done.clone());
        for at in block::candidates(&graph) {
            let mut last = usize::MAX;
            let mut least = (usize::MAX, 1);
            // In vain: twice as many blocks took as much.
            let mut vain = 0;
            let mut blocks = 2;
            while blocks <= at.length.min(MOST_BLOCKS) && blocks < fewest && vain < 3 {
                let rows = block::rows(at.length, blocks);
                let count = (at.length + rows - 1) / rows;
                blocks = 2 * count.max(blocks);
                let Some(attempt) = self.try_blocks(&graph, &at, rows, count, &before)? else { break };
                let peak = attempt.peak();
                vain = if peak < last { 0 } else { vain + 1 };
                last = last.min(peak);
                least = least.min((peak, count));
                let fits = peak <= self.limit;
                if attempt.rest() <= self.limit / 4 && wide.as_ref().is_none_or(|w| peak < w.peak) {
                    wide = Some(Wide { graph: attempt.graph.clone(), done: attempt.done.clone(), peak });
                }
                if fits || (fewest == i64::MAX && peak < best.peak()) {
                    best = attempt;
                }
                if fits {
                    fewest = count;
                    break;
                }
            }
            if last > self.limit && least.0 < usize::MAX {
                let what = format!("axis {} of {} in {} blocks", at.axis, place(at.op, &at.loc), least.1);
                self.tried.push((what, least.0));
            }
        }
        Ok((best, wide))
    }

    fn try_blocks(
        &self,
        graph: &Graph,
        at: &block::Candidate,
        rows: i64,
        count: i64,
        before: &[String],
    ) -> Result<Option<Attempt>, Error> {
        let Some(blocked) = block::block(graph, at, rows).map_err(ill_typed)? else { return Ok(None) };
        let blocked = frit_passes::optimize(&blocked, &Options::new(self.report.math))?.graph;
        let mut done = before.to_vec();
        let what = place(at.op, &at.loc);
        done.push(format!("blocked axis {} of {what} into {count} blocks of {rows}", at.axis));
        self.attempt(block::prepare(&blocked)?, 0, done).map(Some)
    }

    fn refuse(&self, usual: &Bound) -> Error {
        let memory = usual.memory();
        let fix = if memory.output_bytes > self.limit {
            let results = human_bytes(memory.output_bytes);
            format!(
                "the results alone take {results}: return less of them, for example a sum, or raise the limit to {} bytes",
                memory.peak_bytes
            )
        } else {
            let least = self.tried.iter().map(|(_, peak)| *peak).fold(memory.peak_bytes, usize::min);
            format!("raise the limit to {least} bytes ({}), or make that value smaller", human_bytes(least))
        };
        let mut tried: Vec<&(String, usize)> = self.tried.iter().collect();
        tried.sort_by_key(|(_, peak)| *peak);
        tried.truncate(MOST_TOLD);
        let tried = tried.iter().map(|(what, peak)| format!("{what} takes {}", human_bytes(*peak))).collect();
        Error::Runtime(RuntimeError::MemoryLimit(Box::new(Refusal {
            needed: memory.peak_bytes,
            limit: self.limit,
            largest: memory.at_peak.first().cloned(),
            tried,
            fix,
        })))
    }
}
