//! The memory projection with sizes that have names: expressions instead of numbers.

use crate::bind::Program;
use frit_ir::plan::{BufferId, BufferSource, Origin, Plan, Step};
use frit_ir::{Dim, Op, Symbol};
use std::collections::BTreeMap;
use std::fmt;

/// Expressions kept for the peak: which of them is the largest depends on the sizes. Of more, sums stand for two.
const MOST_CANDIDATES: usize = 8;

/// What a run takes, in bytes, as expressions in the sizes of its arguments. Blocks of memory are rounded up to 64 bytes,
/// which the expressions leave out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemoryFormula {
    /// The peak is the largest of these: results, temporaries, and scratch memory of all threads.
    pub peak: Vec<Dim>,
    /// Routines that need a workspace at the peak, for which there is no expression: it comes on top.
    pub workspaces: Vec<Op>,
    /// Arguments.
    pub inputs: Dim,
    /// Results.
    pub outputs: Dim,
    /// What is held where one of the expressions of `peak` is reached, in the order of the plan.
    pub held: Vec<Held>,
}

/// Memory that is held at a peak.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Bytes.
    pub bytes: Dim,
    /// The op and line that it holds the result of, or that needs it.
    pub origin: Origin,
    /// True for a result of the program.
    pub output: bool,
}

impl fmt::Display for MemoryFormula {
    /// `max(8*n*m + 8*n, 16*n) + workspace of solve`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peak.as_slice() {
            [] => f.write_str("0")?,
            [one] => write!(f, "{one}")?,
            many => {
                let texts: Vec<String> = many.iter().map(Dim::to_string).collect();
                write!(f, "max({})", texts.join(", "))?;
            }
        }
        self.workspaces.iter().try_for_each(|op| write!(f, " + workspace of {op}"))
    }
}

impl MemoryFormula {
    /// A line as that of [`crate::MemoryReport`], in expressions.
    pub fn summary(&self) -> String {
        let (results, arguments) = (&self.outputs, &self.inputs);
        format!("projected peak {self} bytes, of it results {results} bytes; arguments {arguments} bytes")
    }
}

impl Program {
    /// The projection as expressions in the sizes that have names, for runs on so many threads.
    pub fn memory_formula(&self, threads: usize) -> MemoryFormula {
        let sum = |output: bool| {
            let of = |source: &BufferSource| match source {
                BufferSource::Input(_) => !output,
                BufferSource::Output => output,
                _ => false,
            };
            let found = self.plan.buffers.iter().filter(|b| of(&b.source));
            found.fold(Dim::constant(0), |total, b| total + b.bytes())
        };
        let mut w = Walk {
            program: self,
            threads: threads.max(1),
            indices: vec![],
            live: BTreeMap::new(),
            peak: vec![],
            workspaces: vec![],
        };
        w.steps(&self.plan.steps);
        w.workspaces.sort();
        w.workspaces.dedup();
        let (mut held, mut scratch) = (BTreeMap::new(), vec![]);
        for p in &w.peak {
            held.extend(p.live.iter().map(|(b, bytes)| (*b, bytes.clone())));
            scratch.extend(p.scratch.clone());
        }
        let of_buffer = |(b, bytes): (BufferId, Dim)| {
            let b = self.plan.buffer(b);
            Held { bytes, origin: b.origin.clone(), output: b.source == BufferSource::Output }
        };
        let held = held.into_iter().map(of_buffer).chain(scratch).collect();
        let peak = w.peak.into_iter().map(|p| p.bytes).collect();
        MemoryFormula { peak, workspaces: w.workspaces, inputs: sum(false), outputs: sum(true), held }
    }
}

/// A moment at which the peak may be.
struct Candidate {
    bytes: Dim,
    live: BTreeMap<BufferId, Dim>,
    scratch: Vec<Held>,
}

struct Walk<'a> {
    program: &'a Program,
    threads: usize,
    /// Loops of the plan that are open, outermost first, with their ranges.
    indices: Vec<(Symbol, Dim, Dim)>,
    live: BTreeMap<BufferId, Dim>,
    peak: Vec<Candidate>,
    workspaces: Vec<Op>,
}

impl Walk<'_> {
    fn plan(&self) -> &Plan {
        &self.program.plan
    }

    /// The largest value over the loops around it, where the expression tells in which direction it grows.
    fn most(&self, d: &Dim) -> Dim {
        let mut d = d.clone();
        for (k, (index, lo, hi)) in self.indices.iter().enumerate().rev() {
            let Some((slope, _)) = d.affine_in(index) else { continue };
            let end = if slope.proves_nonnegative(&self.indices[..k]) { hi - 1 } else { lo.clone() };
            d = d.substitute(&|s| (s == &**index).then(|| end.clone()));
        }
        d
    }

    fn raise(&mut self, scratch: Option<Held>) {
        let extra = scratch.as_ref().map_or(Dim::constant(0), |s| s.bytes.clone());
        let now = self.live.values().fold(extra, |total, d| total + d);
        let covers = |a: &Dim, b: &Dim| (a - b).proves_nonnegative(&[]);
        if self.peak.iter().any(|p| covers(&p.bytes, &now)) {
            return;
        }
        self.peak.retain(|p| !covers(&now, &p.bytes));
        self.peak.push(Candidate {
            bytes: now,
            live: self.live.clone(),
            scratch: scratch.into_iter().collect(),
        });
        if self.peak.len() > MOST_CANDIDATES {
            let (a, mut b) = (self.peak.remove(0), self.peak.remove(0));
            b.bytes = a.bytes + b.bytes;
            b.live.extend(a.live);
            b.scratch.extend(a.scratch);
            self.peak.insert(0, b);
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        steps.iter().for_each(|s| self.step(s));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Alloc(b) => {
                let bytes = self.most(&self.plan().buffer(*b).bytes());
                self.live.insert(*b, bytes);
                self.raise(None);
            }
            Step::Free(b) => {
                self.live.remove(b);
            }
            Step::Swap(a, b) => {
                let (x, y) = (self.live.remove(a), self.live.remove(b));
                self.live.extend(x.map(|x| (*b, x)));
                self.live.extend(y.map(|y| (*a, y)));
            }
            Step::Launch(l) => {
                let each = self.program.scratch[l.kernel].formula(&l.sizes);
                if !each.is(0) {
                    let workers = if l.parallel.is(1) { 1 } else { self.threads };
                    let bytes = self.most(&each) * Dim::from(workers);
                    self.raise(Some(Held { bytes, origin: l.origin.clone(), output: false }));
                }
            }
            Step::Library(call) => self.workspaces.push(call.op),
            Step::For { index, lo, hi, body } => {
                self.indices.push((index.clone(), lo.clone(), hi.clone()));
                self.steps(body);
                self.indices.pop();
            }
            Step::While { cond, body, .. } => {
                self.steps(cond);
                self.steps(body);
            }
            Step::If { then, otherwise, .. } => {
                self.steps(then);
                self.steps(otherwise);
            }
        }
    }
}
