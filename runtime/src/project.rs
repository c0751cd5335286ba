//! The memory projection: what a run takes from the pool, known from sizes alone.
//!
//! It walks the plan's steps as the executor does, with a range of values for each symbol: outside loops of the plan
//! the ranges are points and the result is exact. In a loop whose sizes depend on the index, the iterations are taken
//! in pieces, each with the range of its indices; the peak of a piece is that of its largest sizes. It is exact if a
//! piece is one iteration, or if all sizes grow (or all shrink) with the index; else an upper bound.

use crate::bind::{Bindings, BoundView, Program, share_out};
use crate::pool::rounded;
use crate::{RuntimeError, library, no_value};
use frit_ir::plan::{BufferSource, Launch, LibraryCall, Origin, Plan, Step, View};
use frit_ir::range::Range;
use frit_ir::units::human_bytes;
use frit_ir::{Dim, Symbol};
use std::collections::HashMap;
use std::fmt;

/// Pieces that the iterations of an outermost loop are divided into; a loop inside gets an eighth, and so on.
const PIECES: i64 = 512;

/// A buffer that is live at the peak.
#[derive(Clone, Debug)]
pub struct MemoryUse {
    /// Bytes.
    pub bytes: usize,
    /// The op and line that it holds the result of.
    pub origin: Origin,
    /// True for a result of the program.
    pub output: bool,
    /// Bytes as an expression in the plan's sizes (a number where none has a name), not rounded.
    pub formula: Dim,
}

/// Projected memory: what a run will allocate, known before it runs.
#[derive(Clone, Debug)]
pub struct MemoryReport {
    /// The most bytes at once: results, temporaries, scratch, and what library routines need; arguments
    /// not counted.
    pub peak_bytes: usize,
    /// Bytes of the arguments.
    pub input_bytes: usize,
    /// Bytes of the results.
    pub output_bytes: usize,
    /// What is live at the peak, largest first.
    pub at_peak: Vec<MemoryUse>,
    /// What is in memory after each top-level step that changes it or computes something.
    pub timeline: Vec<Moment>,
}

impl fmt::Display for MemoryReport {
    /// `projected peak 1.5 MiB, of it results 512 KiB; arguments 2 MiB`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (peak, results) = (human_bytes(self.peak_bytes), human_bytes(self.output_bytes));
        write!(
            f,
            "projected peak {peak}, of it results {results}; arguments {}",
            human_bytes(self.input_bytes)
        )
    }
}

/// A top-level step of a plan as the projection sees it.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The op and line of the work of the step; `None` for one that only takes or gives back memory.
    pub origin: Option<Origin>,
    /// Bytes in use after the step.
    pub bytes: usize,
    /// The most bytes in use during the step.
    pub most: usize,
}

/// Projects the memory of a program for the given sizes and strides.
pub(crate) fn report(
    program: &Program,
    env: &Bindings,
    threads: usize,
) -> Result<MemoryReport, RuntimeError> {
    let env: HashMap<Symbol, Range> = env.iter().map(|(s, v)| (s.clone(), (*v, *v))).collect();
    let plan = &program.plan;
    let mut p = Projection {
        program,
        env,
        threads,
        live: vec![None; plan.buffers.len()],
        current: 0,
        peak: 0,
        pieces: PIECES,
        snapshot: None,
    };
    let mut timeline = Vec::with_capacity(plan.steps.len());
    let mut peak_bytes = 0;
    for s in &plan.steps {
        p.peak = p.current;
        p.step(s)?;
        peak_bytes = peak_bytes.max(p.peak);
        timeline.push(Moment { origin: origin_of(s).cloned(), bytes: p.current, most: p.peak });
    }
    // A second walk stops at the peak and looks around: copying the list at every new maximum would be quadratic.
    p.live.fill(None);
    p.current = 0;
    p.snapshot = Some(Snapshot { target: peak_bytes, found: None });
    for s in &plan.steps {
        if p.snapshot.as_ref().is_some_and(|s| s.found.is_some()) {
            break;
        }
        p.step(s)?;
    }
    let mut at_peak = p.snapshot.take().and_then(|s| s.found).unwrap_or_default();
    at_peak.sort_by_key(|u| std::cmp::Reverse(u.bytes));
    let mut sums = [0usize; 2];
    for b in &plan.buffers {
        let place = match b.source {
            BufferSource::Input(_) => 0,
            BufferSource::Output => 1,
            _ => continue,
        };
        let bytes = p.bytes(&b.elements, b.dtype.size(), &b.origin)?;
        sums[place] = p.sum(sums[place], bytes, &b.origin)?;
    }
    Ok(MemoryReport { peak_bytes, input_bytes: sums[0], output_bytes: sums[1], at_peak, timeline })
}

/// What was live when the peak was first reached.
struct Snapshot {
    target: usize,
    found: Option<Vec<MemoryUse>>,
}

struct Projection<'a> {
    program: &'a Program,
    env: HashMap<Symbol, Range>,
    threads: usize,
    live: Vec<Option<usize>>,
    current: usize,
    peak: usize,
    /// Pieces for the next loop.
    pieces: i64,
    snapshot: Option<Snapshot>,
}

impl Projection<'_> {
    fn range(&self, d: &Dim, origin: &Origin) -> Result<Range, RuntimeError> {
        d.range(&|s| self.env.get(s).copied()).map_err(|e| no_value(e, origin))
    }

    /// The most bytes of so many elements.
    fn bytes(&self, elements: &Dim, size: usize, origin: &Origin) -> Result<usize, RuntimeError> {
        let n = self.range(elements, origin)?.1.max(0);
        match n.checked_mul(size as i64) {
            Some(bytes) if bytes <= i64::MAX - 64 => Ok(bytes as usize),
            _ => Err(too_large(format!("{n} elements of {size} bytes"), origin)),
        }
    }

    fn sum(&self, a: usize, b: usize, origin: &Origin) -> Result<usize, RuntimeError> {
        a.checked_add(b).ok_or_else(|| too_large(format!("{a} bytes and {b} bytes at once"), origin))
    }

    fn raise(&mut self, extra: usize, origin: &Origin) -> Result<(), RuntimeError> {
        let now = self.sum(self.current, extra, origin)?;
        self.peak = self.peak.max(now);
        let Some(snapshot) = &mut self.snapshot else { return Ok(()) };
        if now < snapshot.target || snapshot.found.is_some() {
            return Ok(());
        }
        let buffers = self.live.iter().zip(&self.program.plan.buffers);
        let mut found: Vec<MemoryUse> = buffers
            .filter_map(|(bytes, b)| {
                let output = b.source == BufferSource::Output;
                let formula = b.bytes();
                bytes.map(|bytes| MemoryUse { bytes, origin: b.origin.clone(), output, formula })
            })
            .collect();
        if extra > 0 {
            let formula = Dim::constant(extra as i64);
            found.push(MemoryUse { bytes: extra, origin: origin.clone(), output: false, formula });
        }
        snapshot.found = Some(found);
        Ok(())
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), RuntimeError> {
        steps.iter().try_for_each(|s| self.step(s))
    }

    fn step(&mut self, s: &Step) -> Result<(), RuntimeError> {
        match s {
            Step::Alloc(b) => {
                let buffer = self.program.plan.buffer(*b);
                let bytes = rounded(self.bytes(&buffer.elements, buffer.dtype.size(), &buffer.origin)?);
                let before = self.live[b.0 as usize].replace(bytes).unwrap_or(0);
                self.current = self.sum(self.current - before, bytes, &buffer.origin)?;
                self.raise(0, &buffer.origin)?;
            }
            Step::Free(b) => self.current -= self.live[b.0 as usize].take().unwrap_or(0),
            Step::Launch(l) => {
                let scratch = self.scratch(l)?;
                if scratch > 0 {
                    self.raise(scratch, &l.origin)?;
                }
            }
            Step::Library(call) => {
                let bytes = self.routine(call)?;
                if bytes > 0 {
                    self.raise(bytes, &call.origin)?;
                }
            }
            Step::Swap(a, b) => self.live.swap(a.0 as usize, b.0 as usize),
            Step::For { index, lo, hi, body } => {
                let origin = first_origin(body);
                let (lo, hi) = (self.range(lo, &origin)?.0, self.range(hi, &origin)?.1);
                self.iterations(index, lo, hi, body)?;
            }
            Step::While { cond, body, .. } => {
                self.steps(cond)?;
                self.steps(body)?;
            }
            Step::If { then, otherwise, .. } => {
                self.steps(then)?;
                self.steps(otherwise)?;
            }
        }
        Ok(())
    }

    fn iterations(&mut self, index: &Symbol, lo: i64, hi: i64, body: &[Step]) -> Result<(), RuntimeError> {
        if hi <= lo {
            return Ok(());
        }
        let depends = body.iter().any(|s| mentions(&self.program.plan, s, index));
        let outer = self.pieces;
        let pieces = if depends { (hi - lo).min(self.pieces.max(1)) } else { 1 };
        self.pieces = outer / if depends { 8 } else { 1 };
        let before = self.env.get(index).copied();
        let result = (0..pieces).try_for_each(|k| {
            // Boundaries of equal pieces, without overflow.
            let cut =
                |k: i64| lo + ((i128::from(hi) - i128::from(lo)) * i128::from(k) / i128::from(pieces)) as i64;
            self.env.insert(index.clone(), (cut(k), cut(k + 1) - 1));
            self.steps(body)
        });
        match before {
            Some(range) => self.env.insert(index.clone(), range),
            None => self.env.remove(index),
        };
        self.pieces = outer;
        result
    }

    fn scratch(&self, l: &Launch) -> Result<usize, RuntimeError> {
        let sizes = l.sizes.iter().map(|d| self.range(d, &l.origin)).collect::<Result<Vec<_>, _>>()?;
        let each = self.program.scratch[l.kernel].bound(&sizes).map_err(|e| no_value(e, &l.origin))?;
        if each == 0 {
            return Ok(0);
        }
        let parallel = self.range(&l.parallel, &l.origin)?;
        let cost = self.range(&l.cost, &l.origin).map_or((i64::MAX, i64::MAX), |c| c);
        // The most workers: the longest loop with the dearest iterations.
        let (_, blocks) = share_out(parallel.1, cost.1);
        let workers = if blocks > 1 { self.threads } else { 1 };
        each.checked_mul(workers).map(rounded).ok_or_else(|| {
            too_large(format!("{each} bytes of scratch for each of {workers} threads"), &l.origin)
        })
    }

    /// Bytes of a routine's workspace, and those that it may allocate itself.
    fn routine(&self, call: &LibraryCall) -> Result<usize, RuntimeError> {
        let most = |d: &Dim| self.range(d, &call.origin).map(|r| r.1);
        let view = |v: &View| -> Result<BoundView, RuntimeError> {
            let size = |d: &Dim| most(d).map(|n| n.max(0) as usize);
            Ok(BoundView {
                buffer: v.buffer,
                dtype: self.program.plan.buffer(v.buffer).dtype,
                offset: most(&v.offset)?,
                shape: v.shape.iter().map(size).collect::<Result<_, _>>()?,
                strides: v.strides.iter().map(|d| most(d).map(|n| n as isize)).collect::<Result<_, _>>()?,
            })
        };
        let inputs = call.inputs.iter().map(view).collect::<Result<Vec<_>, _>>()?;
        // Results have the sizes of operands, and those among the parameters.
        let sizes = call.inputs.iter().chain(&call.outputs).flat_map(|v| &v.shape);
        let mut exact = true;
        for d in sizes {
            let (lo, hi) = self.range(d, &call.origin)?;
            exact &= lo == hi;
        }
        if !exact {
            return library::bound(call, &inputs, &most, self.threads);
        }
        let plan = library::plan(call, &inputs, &most, self.threads)?;
        Ok(plan.map_or(0, |p| library::taken(p.workspace) + p.hidden))
    }
}

fn too_large(what: String, origin: &Origin) -> RuntimeError {
    RuntimeError::TooLarge { what, origin: origin.clone() }
}

/// The op and line of the first work of a step.
fn origin_of(s: &Step) -> Option<&Origin> {
    match s {
        Step::Launch(l) => Some(&l.origin),
        Step::Library(l) => Some(&l.origin),
        Step::For { body, .. } => body.iter().find_map(origin_of),
        Step::While { cond, body, .. } => cond.iter().chain(body).find_map(origin_of),
        Step::If { then, otherwise, .. } => then.iter().chain(otherwise).find_map(origin_of),
        Step::Alloc(_) | Step::Free(_) | Step::Swap(..) => None,
    }
}

/// The op and line of the first work in a list of steps: stands for a loop, which has no origin of its own.
pub(crate) fn first_origin(steps: &[Step]) -> Origin {
    let none = || Origin { op: frit_ir::Op::For, loc: frit_ir::Loc::NONE };
    steps.iter().find_map(origin_of).cloned().unwrap_or_else(none)
}

/// True if a number that a step needs may depend on a symbol.
pub(crate) fn mentions(plan: &Plan, step: &Step, name: &str) -> bool {
    let dim = |d: &Dim| d.mentions(name);
    let view = |v: &View| dim(&v.offset) || v.shape.iter().chain(&v.strides).any(dim);
    let any = |steps: &[Step]| steps.iter().any(|s| mentions(plan, s, name));
    match step {
        Step::Alloc(b) => dim(&plan.buffer(*b).elements),
        Step::Free(_) | Step::Swap(..) => false,
        Step::Launch(l) => l.args.iter().any(view) || l.sizes.iter().chain([&l.parallel, &l.cost]).any(dim),
        Step::Library(l) => l.inputs.iter().chain(&l.outputs).any(view),
        Step::For { lo, hi, body, .. } => dim(lo) || dim(hi) || any(body),
        Step::While { cond, test, body } => any(cond) || view(test) || any(body),
        Step::If { test, then, otherwise } => view(test) || any(then) || any(otherwise),
    }
}
