//! Programs in files, as Python sees them.

use crate::program::{Program, config};
use frit::Saved;
use frit_ir::plan::Layout;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

/// A graph read from a file.
#[pyclass(frozen, module = "frit._frit")]
pub(crate) struct SavedGraph(Saved);

#[pymethods]
impl SavedGraph {
    /// Reads the text of a file: JSON, or the text form of a graph.
    #[staticmethod]
    fn parse(text: &str) -> PyResult<SavedGraph> {
        Saved::parse(text).map(SavedGraph).map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// Its name.
    #[getter]
    fn name(&self) -> String {
        self.0.graph().name.to_string()
    }

    /// Name, element type and sizes of each parameter.
    #[getter]
    fn inputs(&self) -> Vec<(String, &'static str, Vec<String>)> {
        let one = |i: &frit_ir::graph::Input| {
            let shape = i.ty.shape.iter().map(ToString::to_string).collect();
            (i.name.to_string(), i.ty.dtype.numpy_name(), shape)
        };
        self.0.graph().inputs.iter().map(one).collect()
    }

    /// Element type and number of axes of each result.
    #[getter]
    fn outputs(&self) -> Vec<(&'static str, usize)> {
        self.0.graph().output_types().iter().map(|t| (t.dtype.numpy_name(), t.rank())).collect()
    }

    /// Compiles it. `strided`: parameters that are not in C order; `math`: the file's own if not given.
    #[pyo3(signature = (strided, math, memory_limit, threads))]
    fn compile(
        &self,
        py: Python<'_>,
        strided: Vec<bool>,
        math: Option<&str>,
        memory_limit: Option<usize>,
        threads: usize,
    ) -> PyResult<Program> {
        let mut options = config("reassociate", memory_limit, threads)?;
        options.math = match math {
            Some(math) => config(math, None, 0)?.math,
            None => self.0.config().math,
        };
        let layout = |s: &bool| if *s { Layout::Strided } else { Layout::Contiguous };
        let layouts = strided.iter().map(layout).collect();
        py.detach(|| Program::compile(self.0.graph(), layouts, options))
    }
}

/// The `frit` command with these arguments (the first is its name); the exit status.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> PyResult<u8> {
    py.detach(|| {
        let status = frit_cli::main(arguments);
        // Python does not know what Rust printed.
        std::io::Write::flush(&mut std::io::stdout()).map_err(PyOSError::new_err)?;
        Ok(status)
    })
}
