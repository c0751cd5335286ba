//! Graphs under construction, as the tracer sees them.

use crate::arrays;
use crate::program::Program;
use crate::sizes::{self, Dim};
use crate::table;
use frit::numpy::literal;
use frit_ir::error::TypeError;
use frit_ir::plan::Layout;
use frit_ir::{Loc, TensorType, Value};
use numpy::PyUntypedArray;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

pyo3::create_exception!(
    _frit,
    BuildError,
    pyo3::exceptions::PyException,
    "Operands that do not fit, or that frit has no rule for."
);

/// An error of the namespace as a Python exception.
pub(crate) fn build_error(e: TypeError) -> PyErr {
    BuildError::new_err(e.to_string())
}

/// A value of a graph.
#[pyclass(frozen, eq, hash, module = "frit._frit")]
#[derive(PartialEq, Eq, Hash, Clone, Copy, Debug)]
pub(crate) struct Node(pub(crate) Value);

/// A graph under construction.
#[pyclass(module = "frit._frit")]
pub(crate) struct Builder(Option<frit_ir::build::Builder>);

impl Builder {
    fn get(&mut self) -> PyResult<&mut frit_ir::build::Builder> {
        self.0.as_mut().ok_or_else(|| PyRuntimeError::new_err("the graph is finished"))
    }
}

#[pymethods]
impl Builder {
    #[new]
    fn new(name: &str) -> Builder {
        Builder(Some(frit_ir::build::Builder::new(name)))
    }

    /// Adds a parameter; sizes are numbers or expressions.
    fn input(&mut self, name: &str, dtype: &str, shape: Vec<Bound<'_, PyAny>>) -> PyResult<Node> {
        let dtype = arrays::dtype_by_name(dtype)?;
        let shape = shape.iter().map(sizes::dim_of).collect::<PyResult<Vec<_>>>()?;
        Ok(Node(self.get()?.input(name, TensorType::new(dtype, shape))))
    }

    /// Declares names of sizes that stand for any number from `least` on.
    fn declare(&mut self, names: Vec<String>, least: i64) -> PyResult<()> {
        let b = self.get()?;
        for (name, lo, hi) in sizes::ranges(&names, least) {
            b.push_range(name, lo, hi);
        }
        Ok(())
    }

    /// A constant array: a copy of one in C order.
    fn literal(&mut self, array: &Bound<'_, PyUntypedArray>) -> PyResult<Node> {
        let data = arrays::literal(array)?;
        literal(self.get()?, data).map(Node).map_err(build_error)
    }

    /// The location of nodes added from now on.
    fn at(&mut self, file: &str, line: u32, function: &str) -> PyResult<()> {
        self.get()?.set_loc(Loc::new(file, line, 0, function));
        Ok(())
    }

    /// The element type, by NumPy's name, and the shape: numbers, and a `Dim` where there are names.
    #[pyo3(name = "type")]
    fn type_of<'py>(
        &mut self,
        py: Python<'py>,
        node: &Node,
    ) -> PyResult<(&'static str, Bound<'py, PyTuple>)> {
        let b = self.get()?;
        let size = |d: &frit_ir::Dim| match d.as_const() {
            Some(n) => Ok(n.into_pyobject(py)?.into_any()),
            None => Ok(Bound::new(py, Dim(d.clone()))?.into_any()),
        };
        let shape = b.shape(node.0).iter().map(size).collect::<PyResult<Vec<_>>>()?;
        Ok((b.dtype(node.0).numpy_name(), PyTuple::new(py, shape)?))
    }

    /// Calls a function of the namespace with positional arguments; a value, or a list of values.
    #[pyo3(signature = (name, /, *args))]
    fn call<'py>(&mut self, name: &str, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        table::call(self.get()?, name, args)
    }

    /// Ends the graph and compiles it. `strided`: parameters that are not in C order.
    #[pyo3(signature = (outputs, strided, math, memory_limit, threads))]
    fn compile(
        &mut self,
        py: Python<'_>,
        outputs: Vec<Py<Node>>,
        strided: Vec<bool>,
        math: &str,
        memory_limit: Option<usize>,
        threads: usize,
    ) -> PyResult<Program> {
        let builder = self.0.take().ok_or_else(|| PyRuntimeError::new_err("the graph is finished"))?;
        let graph = builder.finish(outputs.iter().map(|n| n.get().0).collect());
        let layout = |s: &bool| if *s { Layout::Strided } else { Layout::Contiguous };
        let layouts: Vec<Layout> = strided.iter().map(layout).collect();
        let config = crate::program::config(math, memory_limit, threads)?;
        py.detach(|| Program::compile(&graph, layouts, config))
    }
}
