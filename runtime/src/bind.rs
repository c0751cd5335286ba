//! Binding: a plan's expressions become numbers, and its peak memory is known before it runs.

use crate::pool::rounded;
use crate::{RuntimeError, library};
use frit_codegen::{Cache, CodegenError, CompiledKernel};
use frit_ir::dim::Dim;
use frit_ir::plan::{
    BufferId, BufferSource, Launch, Layout, LibraryCall, Origin, Plan, Step, View, stride_symbol,
};
use frit_ir::{DType, Symbol};
use std::collections::HashMap;
use std::sync::Arc;

/// Time of one unit of a launch's cost (an `f64` addition in a fused loop), in nanoseconds: measured on chains of
/// cheap ops. Only decides whether and how finely work is shared out.
const NS_PER_UNIT: f64 = 0.25;
/// A block of at least this much work pays for its share of a dispatch, in nanoseconds.
const BLOCK_NS: f64 = 25_000.0;

/// A plan with code for its kernels.
#[derive(Debug)]
pub struct Program {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Code, in the order of the plan's kernels.
    pub kernels: Vec<CompiledKernel>,
}

/// Values of symbols: sizes, strides, loop indices.
pub type Bindings = HashMap<Symbol, i64>;

impl Program {
    /// Compiles a plan's kernels, as far as the cache does not have them.
    pub fn new(plan: Arc<Plan>, cache: &Cache) -> Result<Program, CodegenError> {
        let kernels = plan.kernels.iter().map(|k| cache.get(k)).collect::<Result<_, _>>()?;
        Ok(Program { plan, kernels })
    }

    /// Fixes shapes (and strides in elements, used where the plan takes any layout), one pair per input.
    pub fn bind(
        self: &Arc<Program>,
        arguments: &[(&[usize], &[isize])],
        threads: usize,
    ) -> Result<Bound, RuntimeError> {
        let env = self.environment(arguments)?;
        let mut b = Binder { program: self, env, threads: threads.max(1) };
        let buffers: Vec<usize> = (0..self.plan.buffers.len() as u32).map(|k| b.bytes(BufferId(k))).collect();
        let steps = b.steps(&self.plan.steps);
        let outputs = self
            .plan
            .outputs
            .iter()
            .map(|v| OutputView {
                buffer: v.buffer,
                dtype: self.plan.buffer(v.buffer).dtype,
                shape: v.shape.iter().map(|d| b.eval(d).max(0) as usize).collect(),
            })
            .collect();
        let report = report(self, &steps, &buffers);
        Ok(Bound { program: self.clone(), env: b.env, threads: threads.max(1), steps, outputs, report })
    }

    fn environment(&self, arguments: &[(&[usize], &[isize])]) -> Result<Bindings, RuntimeError> {
        let mut env = Bindings::new();
        for (position, (input, (shape, strides))) in self.plan.inputs.iter().zip(arguments).enumerate() {
            let wrong = |why: String| RuntimeError::Argument { name: input.name.to_string(), why };
            if shape.len() != input.ty.rank() {
                return Err(wrong(format!("has {} axes, expected {}", shape.len(), input.ty)));
            }
            for (axis, (size, declared)) in shape.iter().zip(&input.ty.shape).enumerate() {
                let size = *size as i64;
                let name = declared.to_string();
                match declared.as_const() {
                    Some(n) if n != size => {
                        return Err(wrong(format!("axis {axis} has size {size}, expected {n}")));
                    }
                    Some(_) => {}
                    None if declared == &Dim::symbol(&name) => {
                        if let Some(before) = env.insert(name.as_str().into(), size).filter(|b| *b != size) {
                            return Err(wrong(format!(
                                "axis {axis} has size {size}, but `{name}` is {before}"
                            )));
                        }
                    }
                    None => {}
                }
                if input.layout == Layout::Strided {
                    env.insert(stride_symbol(position, axis), strides[axis] as i64);
                }
            }
        }
        Ok(env)
    }
}

/// A launch ready to run.
#[derive(Clone, Debug)]
pub(crate) struct BoundLaunch {
    pub(crate) kernel: usize,
    /// The argument block; addresses are added per run.
    pub(crate) words: Vec<u64>,
    /// Buffer and byte offset of each address word.
    pub(crate) addresses: Vec<(BufferId, i64)>,
    pub(crate) parallel: i64,
    /// Iterations per block, and number of blocks.
    pub(crate) grain: i64,
    pub(crate) blocks: usize,
    /// Scratch per worker, and number of workers.
    pub(crate) scratch: usize,
    pub(crate) workers: usize,
    pub(crate) origin: Origin,
}

/// A view with numbers.
#[derive(Clone, Debug)]
pub(crate) struct BoundView {
    pub(crate) buffer: BufferId,
    pub(crate) dtype: DType,
    pub(crate) offset: i64,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<isize>,
}

#[derive(Clone, Debug)]
pub(crate) struct BoundCall {
    pub(crate) call: LibraryCall,
    pub(crate) inputs: Vec<BoundView>,
    pub(crate) outputs: Vec<BoundView>,
    pub(crate) workspace: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum BoundStep {
    Alloc(BufferId, usize),
    Free(BufferId),
    Launch(BoundLaunch),
    Library(Box<BoundCall>),
    Swap(BufferId, BufferId),
    /// The body is bound again for each index (its numbers may depend on it).
    For {
        index: Symbol,
        lo: i64,
        hi: i64,
        body: Arc<[Step]>,
        once: Vec<BoundStep>,
    },
    While {
        cond: Vec<BoundStep>,
        test: BoundView,
        body: Vec<BoundStep>,
    },
    If {
        test: BoundView,
        then: Vec<BoundStep>,
        otherwise: Vec<BoundStep>,
    },
}

/// The shape of a result.
#[derive(Clone, Debug)]
pub(crate) struct OutputView {
    pub(crate) buffer: BufferId,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
}

/// A buffer that is live at the peak.
#[derive(Clone, Debug)]
pub struct MemoryUse {
    /// Bytes.
    pub bytes: usize,
    /// The op and line that it holds the result of.
    pub origin: Origin,
    /// True for a result of the program.
    pub output: bool,
}

/// Projected memory: what a run will allocate, known before it runs.
#[derive(Clone, Debug)]
pub struct MemoryReport {
    /// The most bytes at once: results, temporaries, scratch and workspace; arguments not counted.
    pub peak_bytes: usize,
    /// Bytes of the arguments.
    pub input_bytes: usize,
    /// Bytes of the results.
    pub output_bytes: usize,
    /// What is live at the peak, largest first.
    pub at_peak: Vec<MemoryUse>,
    /// Bytes live after each top-level step.
    pub timeline: Vec<usize>,
}

/// A program with fixed sizes.
#[derive(Debug)]
pub struct Bound {
    pub(crate) program: Arc<Program>,
    pub(crate) env: Bindings,
    pub(crate) threads: usize,
    pub(crate) steps: Vec<BoundStep>,
    pub(crate) outputs: Vec<OutputView>,
    report: MemoryReport,
}

impl Bound {
    /// Projected memory.
    pub fn memory(&self) -> &MemoryReport {
        &self.report
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Refuses a program whose projected peak is over a limit.
    pub fn check_limit(&self, limit: usize) -> Result<(), RuntimeError> {
        if self.report.peak_bytes <= limit {
            return Ok(());
        }
        let culprit = self.report.at_peak.first().map_or(String::from("nothing"), |u| {
            format!("{} bytes for {}{}", u.bytes, u.origin.op, crate::at(&u.origin))
        });
        Err(RuntimeError::MemoryLimit { needed: self.report.peak_bytes, limit, culprit })
    }
}

pub(crate) struct Binder<'a> {
    pub(crate) program: &'a Program,
    pub(crate) env: Bindings,
    pub(crate) threads: usize,
}

impl Binder<'_> {
    pub(crate) fn eval(&self, d: &Dim) -> i64 {
        match d.as_const() {
            Some(v) => v,
            // A symbol without a value cannot come from a verified plan.
            None => d.eval(&|s| self.env.get(s).copied()).unwrap_or(0),
        }
    }

    fn bytes(&self, id: BufferId) -> usize {
        let b = self.program.plan.buffer(id);
        self.eval(&b.elements).max(0) as usize * b.dtype.size()
    }

    fn view(&self, v: &View) -> BoundView {
        BoundView {
            buffer: v.buffer,
            dtype: self.program.plan.buffer(v.buffer).dtype,
            offset: self.eval(&v.offset),
            shape: v.shape.iter().map(|d| self.eval(d).max(0) as usize).collect(),
            strides: v.strides.iter().map(|d| self.eval(d) as isize).collect(),
        }
    }

    pub(crate) fn steps(&mut self, steps: &[Step]) -> Vec<BoundStep> {
        steps.iter().map(|s| self.step(s)).collect()
    }

    fn step(&mut self, s: &Step) -> BoundStep {
        match s {
            Step::Alloc(b) => BoundStep::Alloc(*b, self.bytes(*b)),
            Step::Free(b) => BoundStep::Free(*b),
            Step::Launch(l) => BoundStep::Launch(self.launch(l)),
            Step::Library(call) => {
                let inputs: Vec<BoundView> = call.inputs.iter().map(|v| self.view(v)).collect();
                let outputs: Vec<BoundView> = call.outputs.iter().map(|v| self.view(v)).collect();
                let workspace = library::workspace(call, &inputs, &outputs);
                BoundStep::Library(Box::new(BoundCall { call: call.clone(), inputs, outputs, workspace }))
            }
            Step::Swap(a, b) => BoundStep::Swap(*a, *b),
            Step::For { index, lo, hi, body } => {
                let (lo, hi) = (self.eval(lo), self.eval(hi));
                // Bound once for the projection, at the last index (ranges grow with it as a rule).
                let before = self.env.insert(index.clone(), (hi - 1).max(lo));
                let once = self.steps(body);
                match before {
                    Some(v) => self.env.insert(index.clone(), v),
                    None => self.env.remove(index),
                };
                BoundStep::For { index: index.clone(), lo, hi, body: body.clone().into(), once }
            }
            Step::While { cond, test, body } => {
                BoundStep::While { cond: self.steps(cond), test: self.view(test), body: self.steps(body) }
            }
            Step::If { test, then, otherwise } => BoundStep::If {
                test: self.view(test),
                then: self.steps(then),
                otherwise: self.steps(otherwise),
            },
        }
    }

    fn launch(&self, l: &Launch) -> BoundLaunch {
        let kernel = &self.program.plan.kernels[l.kernel];
        let layout = kernel.layout();
        let mut words = vec![0u64; layout.words];
        let mut addresses = Vec::with_capacity(l.args.len());
        for (i, (v, param)) in l.args.iter().zip(&kernel.buffers).enumerate() {
            let dtype = self.program.plan.buffer(v.buffer).dtype;
            addresses.push((v.buffer, self.eval(&v.offset) * dtype.size() as i64));
            // A complex array is one of pairs of parts.
            let parts = if dtype.is_complex() { 2 } else { 1 };
            for (axis, s) in v.strides.iter().enumerate() {
                words[layout.strides[i] + axis] = (self.eval(s) * parts) as u64;
            }
            if param.rank > v.strides.len() {
                words[layout.strides[i] + v.strides.len()] = 1;
            }
        }
        let sizes: Vec<i64> = l.sizes.iter().map(|d| self.eval(d)).collect();
        for (i, n) in sizes.iter().enumerate() {
            words[layout.sizes + i] = *n as u64;
        }
        let parallel = self.eval(&l.parallel).max(0);
        let ns = (self.eval(&l.cost).max(1) as f64) * NS_PER_UNIT;
        let grain = ((BLOCK_NS / ns).ceil() as i64).clamp(1, parallel.max(1));
        let blocks = (parallel.max(1) as usize).div_ceil(grain as usize);
        let workers = if blocks > 1 { self.threads } else { 1 };
        let scratch = self.program.kernels[l.kernel].scratch_bytes(&sizes);
        BoundLaunch {
            kernel: l.kernel,
            words,
            addresses,
            parallel,
            grain,
            blocks,
            scratch,
            workers,
            origin: l.origin.clone(),
        }
    }
}

/// Walks the steps as the executor will.
struct Projection<'a> {
    program: &'a Program,
    live: Vec<Option<usize>>,
    current: usize,
    peak: usize,
    at_peak: Vec<MemoryUse>,
}

impl Projection<'_> {
    fn raise(&mut self, extra: usize, origin: Option<&Origin>) {
        if self.current + extra <= self.peak {
            return;
        }
        self.peak = self.current + extra;
        let plan = &self.program.plan;
        self.at_peak = self
            .live
            .iter()
            .zip(&plan.buffers)
            .filter_map(|(bytes, b)| {
                let output = b.source == BufferSource::Output;
                bytes.map(|bytes| MemoryUse { bytes, origin: b.origin.clone(), output })
            })
            .collect();
        if let (Some(origin), true) = (origin, extra > 0) {
            self.at_peak.push(MemoryUse { bytes: extra, origin: origin.clone(), output: false });
        }
        self.at_peak.sort_by_key(|u| std::cmp::Reverse(u.bytes));
    }

    fn step(&mut self, s: &BoundStep) {
        match s {
            BoundStep::Alloc(b, bytes) => {
                let bytes = rounded(*bytes);
                if self.live[b.0 as usize].replace(bytes).is_none() {
                    self.current += bytes;
                }
                self.raise(0, None);
            }
            BoundStep::Free(b) => self.current -= self.live[b.0 as usize].take().unwrap_or(0),
            BoundStep::Launch(l) if l.scratch > 0 => {
                self.raise(rounded(l.scratch * l.workers), Some(&l.origin))
            }
            BoundStep::Library(c) if c.workspace > 0 => {
                self.raise(rounded(c.workspace), Some(&c.call.origin))
            }
            BoundStep::Launch(_) | BoundStep::Library(_) | BoundStep::Swap(..) => {}
            BoundStep::For { once, lo, hi, .. } => {
                if hi > lo {
                    once.iter().for_each(|s| self.step(s));
                }
            }
            BoundStep::While { cond, body, .. } => cond.iter().chain(body).for_each(|s| self.step(s)),
            BoundStep::If { then, otherwise, .. } => then.iter().chain(otherwise).for_each(|s| self.step(s)),
        }
    }
}

fn report(program: &Program, steps: &[BoundStep], buffers: &[usize]) -> MemoryReport {
    let mut p = Projection { program, live: vec![None; buffers.len()], current: 0, peak: 0, at_peak: vec![] };
    let mut timeline = Vec::with_capacity(steps.len());
    for s in steps {
        p.step(s);
        timeline.push(p.current);
    }
    let sum = |f: &dyn Fn(&BufferSource) -> bool| {
        program.plan.buffers.iter().zip(buffers).filter(|(b, _)| f(&b.source)).map(|(_, n)| *n).sum()
    };
    MemoryReport {
        peak_bytes: p.peak,
        input_bytes: sum(&|s| matches!(s, BufferSource::Input(_))),
        output_bytes: sum(&|s| matches!(s, BufferSource::Output)),
        at_peak: p.at_peak,
        timeline,
    }
}
