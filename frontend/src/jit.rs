//! `jit`: from a traced closure to a program, kept per signature.

use crate::argument::{Arguments, Raw};
use crate::call::Calls;
use crate::diagnostics::{Diagnostic, DiagnosticOptions, Thresholds};
use crate::error::Error;
use crate::replan::Fit;
use crate::report::{Report, c_strides};
use crate::saved::Saved;
use crate::tensor::{Tensor, TensorElement};
use crate::tracer::{self, Traceable};
use frit_codegen::Cache;
use frit_ir::plan::Layout;
use frit_ir::{DType, Dim, Graph, TensorType};
use frit_passes::{LowerOptions, MathLevel};
use frit_runtime::{Program, Run};
use ndarray::ArrayD;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

/// Choices for a function. `jit` uses [`Config::new`], which reads the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// How far floating-point results may move.
    pub math: MathLevel,
    /// Re-plan programs whose projected peak is above this many bytes, or refuse them: see [`Report::fit`].
    pub memory_limit: Option<usize>,
    /// Threads; 0 for all cores.
    pub threads: usize,
    /// Compute large values in slabs that stay in cache, where that pays: see [`frit_passes::block::CacheBlocks`].
    pub cache_blocks: bool,
}

impl Config {
    /// Reassociation allowed, no memory limit, all cores; `FRIT_MATH` changes the first;
    /// slabs for the cache unless `FRIT_CACHE_BLOCKS` is 0.
    pub fn new() -> Config {
        let math = match std::env::var("FRIT_MATH").as_deref() {
            Ok("exact") => MathLevel::Exact,
            Ok("fast") => MathLevel::Fast,
            _ => MathLevel::Reassociate,
        };
        let cache_blocks = std::env::var("FRIT_CACHE_BLOCKS").as_deref() != Ok("0");
        Config { math, memory_limit: None, threads: 0, cache_blocks }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

pub(crate) fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(|| {
        let wanted = std::env::var("FRIT_BACKEND").ok();
        let mut all = frit_codegen::available();
        let chosen = all.iter().position(|b| Some(b.name()) == wanted.as_deref()).unwrap_or(0);
        Cache::new(all.swap_remove(chosen))
    })
}

/// Counts of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Kernels compiled.
    pub kernels_compiled: u64,
    /// Kernels found in the cache.
    pub cache_hits: u64,
    /// Bytes that programs and their results hold now.
    pub current_bytes: usize,
    /// The most that they held.
    pub peak_bytes: usize,
}

/// Counts of the process.
pub fn stats() -> Stats {
    let pool = frit_runtime::pool::Pool::global();
    let s = cache().stats();
    Stats {
        kernels_compiled: s.compiled,
        cache_hits: s.hits,
        current_bytes: pool.current(),
        peak_bytes: pool.peak(),
    }
}

/// A shape and element type instead of an array.
pub type Spec = TensorType;

/// A spec from sizes, numbers or names: `spec(&["n", "m"], DType::F64)`.
pub fn spec<T: SpecSize>(shape: &[T], dtype: DType) -> Spec {
    TensorType::new(dtype, shape.iter().map(SpecSize::dim).collect::<Vec<_>>())
}

/// A size of a [`spec`].
pub trait SpecSize {
    /// As an expression.
    fn dim(&self) -> Dim;
}

impl SpecSize for &str {
    fn dim(&self) -> Dim {
        self.parse::<i64>().map_or_else(|_| Dim::symbol(self), Dim::constant)
    }
}

impl SpecSize for usize {
    fn dim(&self) -> Dim {
        Dim::from(*self)
    }
}

impl SpecSize for i32 {
    fn dim(&self) -> Dim {
        Dim::from(*self)
    }
}

/// A graph taken through the whole pipeline.
pub fn compile(graph: &Graph, layouts: &[Layout], config: &Config) -> Result<Report, Error> {
    let optimized = frit_passes::optimize(graph, &frit_passes::Options::new(config.math))?;
    let lowered = frit_passes::lower(
        &optimized.graph,
        &LowerOptions {
            layouts: layouts.to_vec(),
            blocks: config.cache_blocks.then_some(config.math),
            ..Default::default()
        },
    )?;
    let program = Program::new(Arc::new(lowered.plan), cache());
    let report = Report {
        traced: graph.clone(),
        optimized: optimized.graph,
        stages: optimized.stages,
        passes: optimized.report,
        lowered: lowered.graph,
        groups: lowered.groups,
        blocks: lowered.blocks,
        program: Arc::new(program),
        layouts: layouts.to_vec(),
        math: config.math,
    };
    if let Ok(stages) = std::env::var("FRIT_DUMP") {
        print_stages(&report, &stages)?;
    }
    Ok(report)
}

/// Prints the stages that `FRIT_DUMP` names to standard error.
#[expect(clippy::print_stderr, reason = "asked for")]
fn print_stages(report: &Report, stages: &str) -> Result<(), Error> {
    for stage in stages.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        eprintln!("== {stage} of {}\n{}", report.traced.name, report.dump(stage)?);
    }
    Ok(())
}

/// A function that compiles itself for the arguments it is called with.
pub struct Jit<F, P> {
    function: F,
    calls: Calls,
    parameters: PhantomData<fn(P)>,
}

/// Makes a function of arrays compile itself. See the crate's example.
pub fn jit<P, F: Traceable<P>>(function: F) -> Jit<F, P> {
    jit_with(function, Config::new())
}

/// [`jit`] with explicit choices.
pub fn jit_with<P, F: Traceable<P>>(function: F, config: Config) -> Jit<F, P> {
    Jit { function, calls: Calls::new(config), parameters: PhantomData }
}

impl<P, F: Traceable<P>> Jit<F, P> {
    /// With a limit on what a call may take, in bytes, arguments not counted: programs over it are re-planned, or refused.
    pub fn memory_limit(mut self, bytes: usize) -> Jit<F, P> {
        self.calls = Calls::new(Config { memory_limit: Some(bytes), ..self.calls.config });
        self
    }

    /// The traced graph for the given types.
    pub fn trace(&self, types: &[Spec]) -> Result<Graph, Error> {
        if types.len() != F::ARITY {
            return Err(Error::Arity { want: F::ARITY, got: types.len() });
        }
        Ok(tracer::trace("main", types, |p| self.function.apply(p))?)
    }

    /// Everything about the program for the given types: graphs, rules, kernels, memory. Nothing runs.
    pub fn explain(&self, types: &[Spec]) -> Result<Report, Error> {
        compile(&self.trace(types)?, &[], &self.calls.config)
    }

    /// What there is to say about a call with arrays of the given types in C order: what it costs that it need not, and
    /// what to write instead. Nothing runs. Errors: a size that is a name, and what tracing and compiling find.
    pub fn diagnostics(&self, types: &[Spec], thresholds: Thresholds) -> Result<Vec<Diagnostic>, Error> {
        let shapes = types.iter().map(|t| {
            t.const_shape().ok_or_else(|| Error::Format(format!("diagnostics of {t}: give sizes as numbers")))
        });
        let shapes = shapes.collect::<Result<Vec<_>, _>>()?;
        let strides: Vec<Vec<isize>> = shapes.iter().map(|s| c_strides(s)).collect();
        let arguments: Vec<(&[usize], &[isize])> =
            shapes.iter().zip(&strides).map(|(s, t)| (s.as_slice(), t.as_slice())).collect();
        let options = DiagnosticOptions::new(&self.calls.config, thresholds);
        self.explain(types)?.diagnostics(&arguments, &options)
    }

    pub(crate) fn math(&self) -> MathLevel {
        self.calls.config.math
    }

    /// Runs the function; compiles first if the signature is new.
    pub fn call(&self, arguments: impl Arguments) -> Result<Vec<Tensor>, Error> {
        self.call_with(arguments, &Run::default()).map(|(outputs, _)| outputs)
    }

    /// [`Jit::call`] with a cancellation token or an observer; also the measured peak bytes.
    pub fn call_with(&self, arguments: impl Arguments, run: &Run<'_>) -> Result<(Vec<Tensor>, usize), Error> {
        arguments.with(|raw| self.calls.run(raw, run, || self.trace_for(raw)))
    }

    /// The one result, as an array.
    pub fn call1<T: TensorElement>(&self, arguments: impl Arguments) -> Result<ArrayD<T>, Error> {
        let results = self.call(arguments)?;
        match &results[..] {
            [one] => one.to_array(),
            _ => Err(Error::ResultCount(results.len())),
        }
    }

    /// Projected memory of a call, before it runs.
    pub fn memory(&self, arguments: impl Arguments) -> Result<frit_runtime::MemoryReport, Error> {
        arguments.with(|raw| Ok(self.calls.bound(raw, || self.trace_for(raw))?.memory().clone()))
    }

    /// Projected memory for the given types as expressions in the sizes that have names. Nothing runs.
    pub fn memory_formula(&self, types: &[Spec]) -> Result<frit_runtime::MemoryFormula, Error> {
        Ok(self.explain(types)?.program.memory_formula(self.calls.threads()))
    }

    /// Projected memory for the given types, whose sizes must be numbers; what was done to fit the limit. Nothing runs.
    pub fn memory_of(&self, types: &[Spec]) -> Result<Fit, Error> {
        let shapes = types
            .iter()
            .map(|t| t.const_shape().ok_or_else(|| Error::Format(format!("{t} has sizes without a number"))));
        let shapes = shapes.collect::<Result<Vec<Vec<usize>>, Error>>()?;
        let views: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        self.explain(types)?.fit_shapes(&views, self.calls.threads(), self.calls.config.memory_limit)
    }

    /// The program for the given types, to be kept in a file: see [`Saved`].
    pub fn saved(&self, types: &[Spec]) -> Result<Saved, Error> {
        Ok(Saved::new(self.trace(types)?, self.calls.config.clone()))
    }

    fn trace_for(&self, arguments: &[Raw<'_>]) -> Result<Graph, Error> {
        let types: Vec<Spec> = arguments.iter().map(|a| TensorType::fixed(a.dtype, a.shape)).collect();
        self.trace(&types)
    }
}
