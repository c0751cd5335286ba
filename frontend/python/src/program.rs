//! Compiled programs, and the object that a decorated function becomes.

use crate::arrays::{self, Memory};
use crate::chunks::Chunks;
use crate::run;
use crate::sizes::Dim;
use frit::diagnostics::DiagnosticOptions;
use frit::{Config, Fit, MathLevel, Report, Saved, c_strides, human_bytes};
use frit_ir::error::TypeError;
use frit_ir::plan::{Layout, Origin};
use frit_ir::{Attr, Attrs, DType, Graph, GraphBuilder, Key, Literal, Op, Value};
use frit_runtime::{Bound as BoundProgram, MemoryUse, RuntimeError, threads::Threads};
use numpy::PyUntypedArray;
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pyo3::create_exception!(
    _frit,
    RunError,
    pyo3::exceptions::PyException,
    "A program that failed while it ran."
);
pyo3::create_exception!(
    _frit,
    CompileError,
    pyo3::exceptions::PyException,
    "A graph that frit cannot compile."
);

pyo3::create_exception!(
    frit,
    MemoryLimitError,
    PyMemoryError,
    "No plan of a program keeps its projected peak below `memory_limit`."
);

/// Options of Python as those of Rust.
pub(crate) fn config(math: &str, memory_limit: Option<usize>, threads: usize) -> PyResult<Config> {
    let math = match math {
        "exact" => MathLevel::Exact,
        "reassociate" => MathLevel::Reassociate,
        "fast" => MathLevel::Fast,
        _ => {
            return Err(PyValueError::new_err(format!(
                "math is 'exact', 'reassociate' or 'fast', not '{math}'"
            )));
        }
    };
    Ok(Config { math, memory_limit, threads, ..Config::new() })
}

/// A compiled graph.
#[pyclass(frozen, module = "frit._frit")]
pub(crate) struct Program {
    report: Report,
    layouts: Vec<Layout>,
    config: Config,
    /// For the latest shapes and strides.
    bound: Mutex<Option<Arc<Ready>>>,
}

/// A program bound to the arrays of one signature.
pub(crate) struct Ready {
    arguments: Vec<Expected>,
    /// Bytes of the limit that were not free.
    held: usize,
    pub(crate) bound: BoundProgram,
}

/// One argument as a bound program expects it.
struct Expected {
    dtype: DType,
    layout: Layout,
    shape: Vec<usize>,
    /// In bytes.
    strides: Vec<isize>,
}

impl Expected {
    fn fits(&self, m: &Memory<'_>) -> bool {
        self.dtype == m.dtype
            && self.shape == m.shape
            && match self.layout {
                Layout::Contiguous => m.contiguous,
                Layout::Strided => !m.contiguous && self.strides == m.strides,
            }
    }
}

impl Ready {
    fn fits(&self, arguments: &[Memory<'_>], held: usize) -> bool {
        self.held == held
            && self.arguments.len() == arguments.len()
            && self.arguments.iter().zip(arguments).all(|(e, m)| e.fits(m))
    }
}

impl Program {
    pub(crate) fn compile(graph: &Graph, layouts: Vec<Layout>, config: Config) -> PyResult<Program> {
        let report =
            frit::compile(graph, &layouts, &config).map_err(|e| CompileError::new_err(e.to_string()))?;
        Ok(Program { report, layouts, config, bound: Mutex::new(None) })
    }

    /// Everything known about it.
    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    /// The choices with which it was compiled.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// As traced.
    pub(crate) fn graph(&self) -> &Graph {
        &self.report.traced
    }

    /// The program for shapes and strides, re-planned if it takes more than what is left of `limit` bytes, of which earlier
    /// programs of the call hold some.
    fn bind(&self, shapes: &[(&[usize], &[isize])], limit: Option<usize>, held: usize) -> PyResult<Fit> {
        let left = limit.map(|limit| limit.saturating_sub(held));
        self.report.fit(shapes, self.threads(), left).map_err(|e| match e {
            frit::Error::Runtime(RuntimeError::MemoryLimit(refusal)) if held > 0 => {
                let bytes = human_bytes(held);
                MemoryLimitError::new_err(format!(
                    "{refusal}\n  note: what earlier parts of the call leave to later ones takes {held} bytes ({bytes}) more"
                ))
            }
            e => failure(e),
        })
    }

    /// How many threads a call runs on.
    fn threads(&self) -> usize {
        match self.config.threads {
            0 => Threads::global().count(),
            n => n.min(Threads::global().count()),
        }
    }

    /// Bound to arguments. `held`: bytes of the limit that earlier programs of the call hold.
    pub(crate) fn ready(&self, arguments: &[Memory<'_>], held: usize) -> PyResult<Arc<Ready>> {
        let held = if self.config.memory_limit.is_some() { held } else { 0 };
        let lock = || self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(r) = lock().as_ref().filter(|r| r.fits(arguments, held)) {
            return Ok(r.clone());
        }
        if let Some(m) =
            arguments.iter().zip(&self.layouts).find(|(m, l)| **l == Layout::Contiguous && !m.contiguous)
        {
            return Err(PyValueError::new_err(format!(
                "the program wants an array in C order, not strides {:?}",
                m.0.strides
            )));
        }
        let elements: Vec<Vec<isize>> = arguments
            .iter()
            .map(|m| m.strides.iter().map(|s| s / m.dtype.size() as isize).collect())
            .collect();
        let shapes: Vec<(&[usize], &[isize])> =
            arguments.iter().zip(&elements).map(|(m, s)| (m.shape, s.as_slice())).collect();
        let expected = arguments.iter().zip(&self.layouts).map(|(m, l)| Expected {
            dtype: m.dtype,
            layout: *l,
            shape: m.shape.to_vec(),
            strides: m.strides.to_vec(),
        });
        let bound = self.bind(&shapes, self.config.memory_limit, held)?.bound;
        let r = Arc::new(Ready { arguments: expected.collect(), held, bound });
        *lock() = Some(r.clone());
        Ok(r)
    }
}

/// Arguments that are arrays which kernels read as they lie.
fn memories<'a>(arrays: &'a [Bound<'_, PyUntypedArray>]) -> Option<Vec<Memory<'a>>> {
    arrays.iter().map(arrays::memory).collect()
}

#[pymethods]
impl Program {
    /// Runs with one array per parameter; `scalars` says which results are NumPy scalars, `held` how much of the memory
    /// limit earlier programs of the call hold.
    #[pyo3(signature = (arguments, scalars, held = 0))]
    fn run(
        &self,
        py: Python<'_>,
        arguments: Vec<Bound<'_, PyUntypedArray>>,
        scalars: Vec<bool>,
        held: usize,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let m = memories(&arguments)
            .ok_or_else(|| PyValueError::new_err("an argument is not aligned or not native"))?;
        let owners = || arguments.iter().map(|a| a.clone().into_any().unbind()).collect();
        let outputs = run::run(py, &self.ready(&m, held)?, &m, owners)?;
        outputs.into_iter().zip(scalars).map(|(o, s)| arrays::array(py, o, s)).collect()
    }

    /// The op that first made a NaN or an infinity from finite operands, with kind, index and place.
    fn nonfinite(
        &self,
        py: Python<'_>,
        arguments: Vec<Bound<'_, PyUntypedArray>>,
    ) -> PyResult<Option<crate::nonfinite::Found>> {
        self.find_nonfinite(py, &arguments)
    }

    /// The graph as the text of a file. `constants`: parameters by position, with the elements that they have there.
    fn to_json(&self, constants: Vec<(usize, Bound<'_, PyUntypedArray>)>) -> PyResult<String> {
        let literals = constants
            .iter()
            .map(|(k, a)| Ok((*k, arrays::literal(a)?)))
            .collect::<PyResult<HashMap<usize, Literal>>>()?;
        let graph = with_constants(self.graph(), literals).map_err(crate::builder::build_error)?;
        Ok(Saved::new(graph, self.config.clone()).to_json())
    }

    /// The text of one stage.
    fn dump(&self, stage: &str) -> PyResult<String> {
        self.report.dump(stage).map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// What was done: passes, kernels, and why values are in memory.
    fn __str__(&self) -> String {
        self.report.to_string()
    }

    /// Rules that fired: name, class, times, modelled seconds and bytes saved, places as (file, line).
    fn rewrites(&self) -> Vec<Rewrite> {
        let one = |r: &frit_passes::RuleFired| {
            let places = r.locs.iter().filter_map(place).collect();
            (r.name, r.class.name(), r.count, r.seconds, r.bytes, places)
        };
        self.report.passes.rules.iter().map(one).collect()
    }

    /// Modelled cost before and after rewriting: seconds, bytes, peak bytes of temporaries and results.
    fn costs(&self) -> [(f64, f64, f64); 2] {
        let of = |c: &frit_passes::Cost| (c.seconds, c.bytes, c.peak);
        [of(&self.report.passes.cost_before), of(&self.report.passes.cost_after)]
    }

    /// Loops over slabs that were made for the cache (`lost` is None), and others that were considered, as dictionaries.
    fn blocks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let all = PyList::empty(py);
        for b in &self.report.blocks {
            let d = placed(py, &b.loc)?;
            d.set_item("op", b.op.name())?;
            d.set_item("axis", b.axis)?;
            d.set_item("length", b.length)?;
            d.set_item("rows", b.rows)?;
            d.set_item("slab_bytes", b.slab_bytes)?;
            d.set_item("bytes", (b.bytes[0], b.bytes[1]))?;
            d.set_item("seconds", (b.seconds[0], b.seconds[1]))?;
            d.set_item("lost", b.lost.as_deref())?;
            all.append(d)?;
        }
        Ok(all)
    }

    /// The steps of rewriting, as dictionaries.
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let all = PyList::empty(py);
        for s in self.report.stages.iter().flat_map(|stage| &stage.steps) {
            let d = placed(py, &s.loc)?;
            d.set_item("rule", s.rule)?;
            d.set_item("math", s.class.name())?;
            d.set_item("before", &s.before)?;
            d.set_item("after", &s.after)?;
            d.set_item("seconds", s.seconds)?;
            d.set_item("bytes", s.bytes)?;
            all.append(d)?;
        }
        Ok(all)
    }

    /// Candidates that lost, and proofs, as dictionaries. Optimizes again.
    fn why<'py>(&self, py: Python<'py>, lost: bool, proof: bool) -> PyResult<Bound<'py, PyDict>> {
        let what = frit_passes::explain::Options { lost, proof };
        let found = self.report.why(&what).map_err(|e| CompileError::new_err(e.to_string()))?;
        let (candidates, proofs) = (PyList::empty(py), PyList::empty(py));
        for l in &found.lost {
            let d = placed(py, &l.loc)?;
            d.set_item("rule", l.rule)?;
            d.set_item("math", l.class.name())?;
            d.set_item("kept", &l.kept)?;
            d.set_item("candidate", &l.candidate)?;
            d.set_item("why", l.why.to_string())?;
            candidates.append(d)?;
        }
        for p in &found.proofs {
            let d = placed(py, &p.loc)?;
            let steps = p.steps.iter().map(|s| (s.rule, s.backward, s.after.as_str()));
            d.set_item("before", &p.before)?;
            d.set_item("steps", PyList::new(py, steps.collect::<Vec<_>>())?)?;
            proofs.append(d)?;
        }
        let all = PyDict::new(py);
        all.set_item("lost", candidates)?;
        all.set_item("proofs", proofs)?;
        Ok(all)
    }

    /// What there is to say about it for arrays of the given shapes, and strides in bytes (C order where None): a JSON
    /// list. `constant`: parameters that are the same at each call.
    fn diagnostics(
        &self,
        py: Python<'_>,
        shapes: Vec<Vec<usize>>,
        strides: Vec<Option<Vec<isize>>>,
        constant: Vec<bool>,
        thresholds: &crate::diagnostics::Thresholds,
    ) -> PyResult<String> {
        let elements: Vec<Vec<isize>> = shapes
            .iter()
            .zip(strides)
            .zip(&self.report.traced.inputs)
            .map(|((shape, bytes), input)| match bytes {
                Some(bytes) => bytes.iter().map(|s| s / input.ty.dtype.size() as isize).collect(),
                None => c_strides(shape),
            })
            .collect();
        let arguments: Vec<(&[usize], &[isize])> =
            shapes.iter().zip(&elements).map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let options =
            DiagnosticOptions { constant, ..DiagnosticOptions::new(&self.config, thresholds.0.clone()) };
        let found = py.detach(|| self.report.diagnostics(&arguments, &options));
        Ok(frit::diagnostics::to_json(&found.map_err(|e| PyMemoryError::new_err(e.to_string()))?).to_string())
    }

    /// Number of kernels.
    fn kernels(&self) -> usize {
        self.report.program.plan.kernels.len()
    }

    /// How to chunk the arguments: see `frit.Jit.suggest_chunks`.
    #[pyo3(signature = (memory_limit, block_bytes, candidates, cores))]
    fn chunks(
        &self,
        py: Python<'_>,
        memory_limit: Option<usize>,
        block_bytes: usize,
        candidates: usize,
        cores: usize,
    ) -> PyResult<Chunks> {
        let options = frit::ChunkOptions { memory_limit, block_bytes, candidates, cores };
        let found = py.detach(|| self.report.suggest_chunks(&options));
        found.map(Chunks).map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// Projected memory as expressions in the sizes that have names.
    fn memory_formula<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = self.report.program.memory_formula(self.threads());
        let d = PyDict::new(py);
        d.set_item("peak", PyList::new(py, found.peak.into_iter().map(Dim))?)?;
        d.set_item("workspaces", found.workspaces.iter().map(|op| op.name()).collect::<Vec<_>>())?;
        d.set_item("inputs", Dim(found.inputs))?;
        d.set_item("outputs", Dim(found.outputs))?;
        let held = found.held.into_iter().map(|h| {
            let d = place_of(py, &h.origin)?;
            d.set_item("bytes", Dim(h.bytes))?;
            d.set_item("output", h.output)?;
            Ok(d)
        });
        d.set_item("held", PyList::new(py, held.collect::<PyResult<Vec<_>>>()?)?)?;
        Ok(d)
    }

    /// The op that makes each result, with file and line.
    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let graph = self.graph();
        let one = |v: &Value| {
            let node = graph.def(*v);
            place_of(py, &Origin { op: node.op, loc: node.loc.clone() })
        };
        graph.outputs.iter().map(one).collect()
    }

    /// Projected memory for arrays of the given shapes in C order, with a limit in bytes of its own if one is given, of
    /// which earlier programs of the call hold some.
    #[pyo3(signature = (shapes, memory_limit = None, held = 0))]
    fn memory<'py>(
        &self,
        py: Python<'py>,
        shapes: Vec<Vec<usize>>,
        memory_limit: Option<usize>,
        held: usize,
    ) -> PyResult<Bound<'py, PyDict>> {
        let strides: Vec<Vec<isize>> = shapes.iter().map(|s| c_strides(s)).collect();
        let all: Vec<(&[usize], &[isize])> =
            shapes.iter().zip(&strides).map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
        let limit = memory_limit.or(self.config.memory_limit);
        let fit = py.detach(|| self.bind(&all, limit, held))?;
        let m = fit.bound.memory();
        let d = PyDict::new(py);
        d.set_item("peak_bytes", m.peak_bytes)?;
        d.set_item("input_bytes", m.input_bytes)?;
        d.set_item("output_bytes", m.output_bytes)?;
        let uses = m.at_peak.iter().map(|u| use_of(py, u)).collect::<PyResult<Vec<_>>>()?;
        d.set_item("at_peak", PyList::new(py, uses)?)?;
        let moments = m.timeline.iter().filter_map(|t| t.origin.as_ref().map(|o| (o, t)));
        let moments = moments.map(|(origin, t)| {
            let d = place_of(py, origin)?;
            d.set_item("bytes", t.most)?;
            Ok(d)
        });
        d.set_item("timeline", PyList::new(py, moments.collect::<PyResult<Vec<_>>>()?)?)?;
        d.set_item("replanned", fit.replanned)?;
        Ok(d)
    }
}

/// A rule as [`Program::rewrites`] gives it.
type Rewrite = (&'static str, &'static str, usize, f64, f64, Vec<(String, u32)>);

/// File and line, where they are known.
fn place(loc: &frit_ir::Loc) -> Option<(String, u32)> {
    loc.place().map(|p| (p.file.to_string(), p.line))
}

/// A dictionary with `file` and `line`, None where they are not known.
fn placed<'py>(py: Python<'py>, loc: &frit_ir::Loc) -> PyResult<Bound<'py, PyDict>> {
    let d = PyDict::new(py);
    d.set_item("file", loc.place().map(|p| p.file.to_string()))?;
    d.set_item("line", loc.place().map(|p| p.line))?;
    Ok(d)
}

/// Failures of binding as exceptions.
fn failure(e: frit::Error) -> PyErr {
    match e {
        frit::Error::Runtime(RuntimeError::Argument { .. }) => PyValueError::new_err(e.to_string()),
        frit::Error::Runtime(RuntimeError::MemoryLimit(_)) => MemoryLimitError::new_err(e.to_string()),
        frit::Error::Runtime(RuntimeError::Codegen(_)) => CompileError::new_err(e.to_string()),
        frit::Error::Runtime(_) => PyMemoryError::new_err(e.to_string()),
        _ => CompileError::new_err(e.to_string()),
    }
}

/// A graph with constants in place of some parameters.
fn with_constants(graph: &Graph, mut constants: HashMap<usize, Literal>) -> Result<Graph, TypeError> {
    let mut b = GraphBuilder::new(&graph.name);
    let (mut made, mut parameters) = (HashMap::<Value, Value>::new(), HashMap::<i64, Value>::new());
    // Nodes of parameters come first.
    for (k, input) in graph.inputs.iter().enumerate().filter(|(k, _)| !constants.contains_key(k)) {
        parameters.insert(k as i64, b.input(&input.name, input.ty.clone()));
    }
    for id in graph.ids() {
        let node = graph.node(id);
        b.set_loc(node.loc.clone());
        let first = if node.op == Op::Input {
            let position = node.attrs.int(Key::Position);
            match constants.remove(&(position as usize)) {
                Some(data) => b.add(Op::Literal, Attrs::new([(Key::Data, Attr::Data(data))]), vec![])?,
                None => parameters[&position],
            }
        } else {
            b.add(node.op, node.attrs.clone(), node.inputs.iter().map(|v| made[v]).collect())?
        };
        for index in 0..node.types.len() as u32 {
            made.insert(Value { node: id, index }, Value { node: first.node, index });
        }
    }
    Ok(b.finish(graph.outputs.iter().map(|v| made[v]).collect()))
}

/// The op and place of a step.
fn place_of<'py>(py: Python<'py>, origin: &Origin) -> PyResult<Bound<'py, PyDict>> {
    let d = placed(py, &origin.loc)?;
    d.set_item("op", origin.op.name())?;
    Ok(d)
}

fn use_of<'py>(py: Python<'py>, u: &MemoryUse) -> PyResult<Bound<'py, PyDict>> {
    let d = place_of(py, &u.origin)?;
    d.set_item("bytes", u.bytes)?;
    d.set_item("output", u.output)?;
    Ok(d)
}

/// An exception without the package's own frames in its traceback.
fn in_users_frame(py: Python<'_>, e: PyErr) -> PyErr {
    let leave = || py.import(pyo3::intern!(py, "frit.frames"))?.getattr(pyo3::intern!(py, "leave"));
    match leave().and_then(|leave| leave.call1((e.value(py), e.traceback(py)))) {
        Ok(e) => PyErr::from_value(e),
        Err(_) => e,
    }
}

/// A signature that the quick path serves: every argument an array, every result an array or scalar of its own.
struct Quick {
    ready: Arc<Ready>,
    scalars: Vec<bool>,
    /// True if the function returns a tuple, else its one result.
    tuple: bool,
    /// What it holds for only as long as these names stand for these objects.
    guards: Vec<Guard>,
}

impl Quick {
    fn serves(&self, py: Python<'_>, memories: &[Memory<'_>]) -> bool {
        self.ready.fits(memories, 0) && self.guards.iter().all(|g| g.holds(py))
    }
}

/// A key of a dictionary, or an attribute, and its value.
struct Guard {
    holder: Py<PyAny>,
    name: Py<PyString>,
    value: Py<PyAny>,
}

impl Guard {
    fn holds(&self, py: Python<'_>) -> bool {
        let (holder, name) = (self.holder.bind(py), self.name.bind(py));
        let now = match holder.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name).ok().flatten(),
            Err(_) => holder.getattr(name).ok(),
        };
        now.is_some_and(|v| v.is(&self.value))
    }
}

/// Set while every call must go through Python: see [`intercept`].
static INTERCEPTED: AtomicBool = AtomicBool::new(false);

/// Turns the quick path of all functions off or on.
#[pyfunction]
pub(crate) fn intercept(on: bool) {
    INTERCEPTED.store(on, Ordering::SeqCst);
}

/// Signatures that the quick path keeps; the oldest goes.
const MOST_QUICK: usize = 16;

/// A function that compiles itself. Calls whose arguments are arrays of a signature seen before run here; all others go
/// to `slow`, a method of the Python subclass.
#[pyclass(subclass, dict, weakref, module = "frit._frit")]
pub(crate) struct Function {
    quick: Mutex<Vec<Arc<Quick>>>,
}

impl Function {
    fn quick_call(&self, py: Python<'_>, args: &Bound<'_, PyTuple>) -> PyResult<Option<Py<PyAny>>> {
        let mut all = Vec::with_capacity(args.len());
        for a in args.iter_borrowed() {
            let Ok(a) = a.cast_exact::<PyUntypedArray>() else { return Ok(None) };
            all.push(a.to_owned());
        }
        let Some(m) = memories(&all) else { return Ok(None) };
        let found = {
            let quick = self.quick.lock().unwrap_or_else(PoisonError::into_inner);
            quick.iter().rev().find(|q| q.serves(py, &m)).cloned()
        };
        let Some(q) = found else { return Ok(None) };
        let owners = || all.iter().map(|a| a.clone().into_any().unbind()).collect();
        let outputs = match run::run(py, &q.ready, &m, owners) {
            Ok(outputs) => outputs,
            // A failure while running is NumPy's to word: the slow path finds it again.
            Err(e) if e.is_instance_of::<RunError>(py) => return Ok(None),
            Err(e) => return Err(e),
        };
        let mut results = Vec::with_capacity(outputs.len());
        for (o, s) in outputs.into_iter().zip(&q.scalars) {
            results.push(arrays::array(py, o, *s)?);
        }
        if !q.tuple && results.len() == 1 {
            return Ok(results.pop());
        }
        Ok(Some(PyTuple::new(py, results)?.into_any().unbind()))
    }
}

#[pymethods]
impl Function {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Function {
        Function { quick: Mutex::default() }
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__(
        slf: &Bound<'_, Function>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        if kwargs.is_none()
            && !INTERCEPTED.load(Ordering::Relaxed)
            && let Some(r) = slf.borrow().quick_call(py, args)?
        {
            return Ok(r);
        }
        let kwargs = kwargs.cloned().unwrap_or_else(|| PyDict::new(py));
        match slf.call_method1(pyo3::intern!(py, "slow"), (args, kwargs)) {
            Ok(r) => Ok(r.unbind()),
            Err(e) => Err(in_users_frame(py, e)),
        }
    }

    /// Lets the quick path serve calls like this one, while each of `guards` holds: a dictionary (or an object), a key (or
    /// the name of an attribute), and the very object that it stands for.
    fn remember(
        &self,
        py: Python<'_>,
        program: &Program,
        arguments: Vec<Bound<'_, PyUntypedArray>>,
        scalars: Vec<bool>,
        tuple: bool,
        guards: Vec<(Py<PyAny>, Py<PyString>, Py<PyAny>)>,
    ) -> PyResult<()> {
        let Some(m) = memories(&arguments) else { return Ok(()) };
        let ready = program.ready(&m, 0)?;
        let mut quick = self.quick.lock().unwrap_or_else(PoisonError::into_inner);
        if quick.iter().any(|q| q.serves(py, &m)) {
            return Ok(());
        }
        if quick.len() >= MOST_QUICK {
            quick.remove(0);
        }
        let guards = guards.into_iter().map(|(holder, name, value)| Guard { holder, name, value }).collect();
        quick.push(Arc::new(Quick { ready, scalars, tuple, guards }));
        Ok(())
    }

    /// Empties the quick path.
    fn forget(&self) {
        self.quick.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
