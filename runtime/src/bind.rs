//! Binding: a plan's expressions become numbers.

use crate::project::{MemoryReport, first_origin, mentions, report};
use crate::{RuntimeError, library, no_value};
use frit_codegen::{Cache, CodegenError, CompiledKernel, Scratch};
use frit_ir::dim::Dim;
use frit_ir::kernel::Access;
use frit_ir::plan::{BufferId, Launch, Layout, Origin, Plan, Step, View, stride_symbol};
use frit_ir::range::Range;
use frit_ir::target::Target;
use frit_ir::{DType, Op, Symbol};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Nanoseconds of one unit of a launch's cost. Only decides whether and how finely work is shared out.
const NS_PER_UNIT: f64 = Target::REFERENCE.unit * 1e9;
/// A block of at least this many nanoseconds pays for its share of a dispatch: what waking sleeping workers costs the
/// caller. While they spin a dispatch takes 0.5 microseconds, but the first kernel of a call finds them asleep as a
/// rule, and two shorter blocks would then take longer than one thread.
const BLOCK_NS: f64 = Target::REFERENCE.parallel_block * 1e9;

/// A plan, and code for its kernels, which is made when it first runs: what a run takes is known without.
#[derive(Debug)]
pub struct Program {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Scratch memory of the kernels, in the order of the plan's kernels.
    pub(crate) scratch: Vec<Scratch>,
    cache: Cache,
    code: OnceLock<Vec<CompiledKernel>>,
}

/// Values of symbols: sizes, strides, loop indices.
pub type Bindings = HashMap<Symbol, i64>;

impl Program {
    /// A plan whose kernels will be compiled by (or found in) a cache.
    pub fn new(plan: Arc<Plan>, cache: &Cache) -> Program {
        let scratch = plan.kernels.iter().map(|k| cache.backend().scratch(k)).collect();
        Program { plan, scratch, cache: cache.clone(), code: OnceLock::new() }
    }

    /// Code, in the order of the plan's kernels; compiled now as far as the cache does not have it.
    pub fn kernels(&self) -> Result<&[CompiledKernel], CodegenError> {
        if let Some(code) = self.code.get() {
            return Ok(code);
        }
        // Two threads that come here at once find the same code in the cache.
        let code = self.plan.kernels.iter().map(|k| self.cache.get(k)).collect::<Result<_, _>>()?;
        Ok(self.code.get_or_init(|| code))
    }

    /// Fixes shapes (and strides in elements, used where the plan takes any layout), one pair per input. Shapes that
    /// no machine holds are fine (the projection needs no memory) as long as sizes in bytes fit in 64 bits;
    /// [`RuntimeError::TooLarge`] says where they do not.
    pub fn bind(
        self: &Arc<Program>,
        arguments: &[(&[usize], &[isize])],
        threads: usize,
    ) -> Result<Bound, RuntimeError> {
        let env = self.environment(arguments)?;
        let threads = threads.max(1);
        // First, as it finds what is too large.
        let report = report(self, &env, threads)?;
        let mut b = Binder { program: self, env, threads };
        let steps = b.steps(&self.plan.steps)?;
        let outputs = self.plan.outputs.iter().map(|v| {
            let buffer = self.plan.buffer(v.buffer);
            Ok(OutputView {
                buffer: v.buffer,
                dtype: buffer.dtype,
                shape: b.sizes(&v.shape, &buffer.origin)?,
            })
        });
        let outputs = outputs.collect::<Result<_, RuntimeError>>()?;
        let ns = steps.iter().map(BoundStep::ns).sum();
        Ok(Bound { program: self.clone(), env: b.env, threads, steps, outputs, ns, report })
    }

    fn environment(&self, arguments: &[(&[usize], &[isize])]) -> Result<Bindings, RuntimeError> {
        if arguments.len() != self.plan.inputs.len() {
            let why = format!("takes {} arguments, not {}", self.plan.inputs.len(), arguments.len());
            return Err(RuntimeError::Argument { name: self.plan.name.to_string(), why });
        }
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
        self.solve(arguments, &mut env)?;
        // Sizes that follow from others are known now.
        for (input, (shape, _)) in self.plan.inputs.iter().zip(arguments) {
            for (axis, (size, declared)) in shape.iter().zip(&input.ty.shape).enumerate() {
                let want = declared.checked_eval(&|s| env.get(s).copied());
                let want = want.map_err(|e| no_value(e, &self.plan.buffer(input.buffer).origin))?;
                if want != *size as i64 {
                    let why = format!("axis {axis} has size {size}, expected {declared} = {want}");
                    return Err(RuntimeError::Argument { name: input.name.to_string(), why });
                }
            }
        }
        Ok(env)
    }

    /// Finds names that stand in expressions only: of an axis of `2*n + 1` elements, `n`.
    fn solve(&self, arguments: &[(&[usize], &[isize])], env: &mut Bindings) -> Result<(), RuntimeError> {
        loop {
            let known = env.len();
            for (input, (shape, _)) in self.plan.inputs.iter().zip(arguments) {
                for (axis, (size, declared)) in shape.iter().zip(&input.ty.shape).enumerate() {
                    let mut unknown = Vec::new();
                    declared.for_each_symbol(&mut |s| {
                        if !env.contains_key(s) && !unknown.contains(s) {
                            unknown.push(s.clone());
                        }
                    });
                    let [name] = &unknown[..] else { continue };
                    let Some((slope, rest)) = declared.affine_in(name) else { continue };
                    let value = |d: &Dim| d.checked_eval(&|s| env.get(s).copied());
                    let (Ok(slope), Ok(rest)) = (value(&slope), value(&rest)) else { continue };
                    let Some(left) = (*size as i64).checked_sub(rest).filter(|_| slope != 0) else {
                        continue;
                    };
                    if left % slope != 0 || left / slope < 0 {
                        let why =
                            format!("axis {axis} has size {size}, which `{declared}` is for no `{name}`");
                        return Err(RuntimeError::Argument { name: input.name.to_string(), why });
                    }
                    env.insert(name.clone(), left / slope);
                }
            }
            if env.len() == known {
                return Ok(());
            }
        }
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
    /// Elements to read for arrays without elements, by address word.
    pub(crate) zeros: Vec<(usize, Arc<[u64]>)>,
    pub(crate) parallel: i64,
    /// Iterations per block, and number of blocks.
    pub(crate) grain: i64,
    pub(crate) blocks: usize,
    /// Scratch per worker, and number of workers.
    pub(crate) scratch: usize,
    pub(crate) workers: usize,
    /// Estimated time on one thread, in nanoseconds.
    pub(crate) ns: f64,
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
    pub(crate) inputs: Vec<BoundView>,
    pub(crate) outputs: Vec<BoundView>,
    /// What the routine needs, or why it refuses.
    pub(crate) plan: Result<frit_library::Plan, String>,
    pub(crate) origin: Origin,
}

impl BoundCall {
    /// Bytes of workspace, and bytes that the routine may allocate itself.
    pub(crate) fn memory(&self) -> (usize, usize) {
        self.plan.as_ref().map_or((0, 0), |p| (p.workspace, p.hidden))
    }

    /// Estimated time on one thread, in nanoseconds: that of a factorization of square matrices with as many elements,
    /// and for products a tenth of it. Within a factor of ten.
    fn ns(&self) -> f64 {
        let all = self.inputs.iter().chain(&self.outputs);
        let elements: f64 = all.map(|v| v.shape.iter().map(|n| *n as f64).product::<f64>()).sum();
        elements.powf(1.5) * if self.origin.op == Op::Matmul { 0.05 } else { 0.5 }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum BoundStep {
    Alloc(BufferId, usize),
    Free(BufferId),
    Launch(BoundLaunch),
    Library(Box<BoundCall>),
    Swap(BufferId, BufferId),
    For { lo: i64, hi: i64, body: BoundBody },
    While { cond: Vec<BoundStep>, test: BoundView, body: Vec<BoundStep> },
    If { test: BoundView, then: Vec<BoundStep>, otherwise: Vec<BoundStep> },
}

impl BoundStep {
    /// Estimated time on one thread, in nanoseconds.
    fn ns(&self) -> f64 {
        match self {
            BoundStep::Alloc(..) | BoundStep::Free(_) | BoundStep::Swap(..) => 0.0,
            BoundStep::Launch(l) => l.ns,
            BoundStep::Library(c) => c.ns(),
            BoundStep::For { lo, hi, body: BoundBody::Once(body) } => {
                (hi - lo).max(0) as f64 * body.iter().map(BoundStep::ns).sum::<f64>()
            }
            BoundStep::For { body: BoundBody::Each(..), .. }
            | BoundStep::While { .. }
            | BoundStep::If { .. } => f64::INFINITY,
        }
    }
}

/// The body of a loop of the plan.
#[derive(Clone, Debug)]
pub(crate) enum BoundBody {
    /// Its numbers do not depend on the index.
    Once(Vec<BoundStep>),
    /// It is bound again for each value of this index.
    Each(Symbol, Arc<[Step]>),
}

/// The shape of a result.
#[derive(Clone, Debug)]
pub(crate) struct OutputView {
    pub(crate) buffer: BufferId,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
}

/// A program with fixed sizes.
#[derive(Debug)]
pub struct Bound {
    pub(crate) program: Arc<Program>,
    pub(crate) env: Bindings,
    pub(crate) threads: usize,
    pub(crate) steps: Vec<BoundStep>,
    pub(crate) outputs: Vec<OutputView>,
    ns: f64,
    report: MemoryReport,
}

impl Bound {
    /// The number that a name of a size stands for.
    pub fn size(&self, name: &str) -> Option<i64> {
        self.env.get(name).copied()
    }

    /// A guess at the time of a run on one thread, in nanoseconds; infinite where data decide.
    pub fn nanoseconds(&self) -> f64 {
        self.ns
    }

    /// Projected memory.
    pub fn memory(&self) -> &MemoryReport {
        &self.report
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }
}

pub(crate) struct Binder<'a> {
    pub(crate) program: &'a Program,
    pub(crate) env: Bindings,
    pub(crate) threads: usize,
}

impl Binder<'_> {
    pub(crate) fn eval(&self, d: &Dim, origin: &Origin) -> Result<i64, RuntimeError> {
        match d.as_const() {
            Some(v) => Ok(v),
            None => d.checked_eval(&|s| self.env.get(s).copied()).map_err(|e| no_value(e, origin)),
        }
    }

    fn sizes(&self, shape: &[Dim], origin: &Origin) -> Result<Vec<usize>, RuntimeError> {
        shape.iter().map(|d| self.eval(d, origin).map(|n| n.max(0) as usize)).collect()
    }

    fn bytes(&self, id: BufferId) -> Result<usize, RuntimeError> {
        let b = self.program.plan.buffer(id);
        let n = self.eval(&b.elements, &b.origin)?.max(0);
        times(n, b.dtype.size() as i64, &b.origin).map(|bytes| bytes as usize)
    }

    fn view(&self, v: &View, origin: &Origin) -> Result<BoundView, RuntimeError> {
        Ok(BoundView {
            buffer: v.buffer,
            dtype: self.program.plan.buffer(v.buffer).dtype,
            offset: self.eval(&v.offset, origin)?,
            shape: self.sizes(&v.shape, origin)?,
            strides: v
                .strides
                .iter()
                .map(|d| self.eval(d, origin).map(|s| s as isize))
                .collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn steps(&mut self, steps: &[Step]) -> Result<Vec<BoundStep>, RuntimeError> {
        steps.iter().map(|s| self.step(s)).collect()
    }

    fn step(&mut self, s: &Step) -> Result<BoundStep, RuntimeError> {
        Ok(match s {
            Step::Alloc(b) => BoundStep::Alloc(*b, self.bytes(*b)?),
            Step::Free(b) => BoundStep::Free(*b),
            Step::Launch(l) => BoundStep::Launch(self.launch(l)?),
            Step::Library(call) => {
                let views = |all: &[View]| {
                    all.iter().map(|v| self.view(v, &call.origin)).collect::<Result<Vec<BoundView>, _>>()
                };
                let (inputs, outputs) = (views(&call.inputs)?, views(&call.outputs)?);
                let plan = library::plan(call, &inputs, &|d| self.eval(d, &call.origin), self.threads)?;
                BoundStep::Library(Box::new(BoundCall { inputs, outputs, plan, origin: call.origin.clone() }))
            }
            Step::Swap(a, b) => BoundStep::Swap(*a, *b),
            Step::For { index, lo, hi, body } => {
                let origin = first_origin(body);
                let (lo, hi) = (self.eval(lo, &origin)?, self.eval(hi, &origin)?);
                let varies = body.iter().any(|s| mentions(&self.program.plan, s, index));
                let body = if hi <= lo {
                    // Never runs; its numbers may make no sense.
                    BoundBody::Once(vec![])
                } else if varies {
                    BoundBody::Each(index.clone(), body.as_slice().into())
                } else {
                    BoundBody::Once(self.steps(body)?)
                };
                BoundStep::For { lo, hi, body }
            }
            Step::While { cond, test, body } => BoundStep::While {
                cond: self.steps(cond)?,
                test: self.view(test, &first_origin(cond))?,
                body: self.steps(body)?,
            },
            Step::If { test, then, otherwise } => BoundStep::If {
                test: self.view(test, &first_origin(then))?,
                then: self.steps(then)?,
                otherwise: self.steps(otherwise)?,
            },
        })
    }

    /// True if a view has no elements.
    fn is_empty(&self, v: &View, origin: &Origin) -> Result<bool, RuntimeError> {
        let elements = &self.program.plan.buffer(v.buffer).elements;
        for n in v.shape.iter().chain([elements]) {
            if self.eval(n, origin)? <= 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn launch(&self, l: &Launch) -> Result<BoundLaunch, RuntimeError> {
        let eval = |d: &Dim| self.eval(d, &l.origin);
        let kernel = &self.program.plan.kernels[l.kernel];
        let layout = kernel.layout();
        let mut words = vec![0u64; layout.words];
        let mut addresses = Vec::with_capacity(l.args.len());
        let mut zeros = Vec::new();
        for (i, (v, param)) in l.args.iter().zip(&kernel.buffers).enumerate() {
            let dtype = self.program.plan.buffer(v.buffer).dtype;
            addresses.push((v.buffer, times(eval(&v.offset)?, dtype.size() as i64, &l.origin)?));
            // A complex array is one of pairs of parts.
            let parts = if dtype.is_complex() { 2 } else { 1 };
            for (axis, s) in v.strides.iter().enumerate() {
                words[layout.strides[i] + axis] = times(eval(s)?, parts, &l.origin)? as u64;
            }
            if param.rank > v.strides.len() {
                words[layout.strides[i] + v.strides.len()] = 1;
            }
            if param.access != Access::Write && self.is_empty(v, &l.origin)? {
                // A kernel that joins arrays reads an element of each, and chooses.
                words[layout.strides[i]..][..v.strides.len()].fill(0);
                let row = match v.shape.last() {
                    // It does not look at the last stride.
                    Some(n) if param.unit && parts == 1 => eval(n)?.max(1) as usize,
                    _ => 1,
                };
                zeros.push((i, vec![0u64; (row * dtype.size()).div_ceil(8)].into()));
            }
        }
        let sizes = l.sizes.iter().map(eval).collect::<Result<Vec<i64>, _>>()?;
        for (i, n) in sizes.iter().enumerate() {
            words[layout.sizes + i] = *n as u64;
        }
        let parallel = eval(&l.parallel)?.max(0);
        // Only a guess at time: too much is as good as very much.
        let cost = eval(&l.cost).unwrap_or(i64::MAX);
        let (grain, blocks) = share_out(parallel, cost);
        let workers = if blocks > 1 { self.threads } else { 1 };
        let points: Vec<Range> = sizes.iter().map(|n| (*n, *n)).collect();
        let scratch = self.program.scratch[l.kernel].bound(&points).map_err(|e| no_value(e, &l.origin))?;
        Ok(BoundLaunch {
            kernel: l.kernel,
            words,
            addresses,
            zeros,
            parallel,
            grain,
            blocks,
            scratch,
            workers,
            ns: parallel.max(1) as f64 * cost.max(1) as f64 * NS_PER_UNIT,
            origin: l.origin.clone(),
        })
    }
}

/// How a parallel loop of `parallel` iterations of the given cost is divided: iterations per block, and blocks. Depends
/// on sizes only, so that results do not depend on the number of threads.
pub(crate) fn share_out(parallel: i64, cost: i64) -> (i64, usize) {
    let ns = cost.max(1) as f64 * NS_PER_UNIT;
    let grain = ((BLOCK_NS / ns).ceil() as i64).clamp(1, parallel.max(1));
    (grain, (parallel.max(1) as usize).div_ceil(grain as usize))
}

fn times(a: i64, b: i64, origin: &Origin) -> Result<i64, RuntimeError> {
    a.checked_mul(b).ok_or_else(|| RuntimeError::TooLarge {
        what: format!("{a} times {b} bytes"),
        origin: origin.clone(),
    })
}
