//! Pictures, as Python sees them.

use crate::program::Program;
use frit::{Part, PictureFormat};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A program with its name, and the shapes of its arguments.
type Pictured = (String, Py<Program>, Option<Vec<Vec<usize>>>);

/// A picture of compiled programs.
#[pyclass(module = "frit._frit")]
pub(crate) struct Picture(frit::Picture);

#[pymethods]
impl Picture {
    /// Of programs: the name of each, and the shapes of its arguments; None where sizes have names.
    #[new]
    fn new(py: Python<'_>, name: &str, programs: Vec<Pictured>) -> PyResult<Picture> {
        py.detach(|| {
            let part = |(name, program, shapes): &Pictured| {
                let shapes: Option<Vec<&[usize]>> =
                    shapes.as_ref().map(|s| s.iter().map(Vec::as_slice).collect());
                let program = program.get();
                Part::new(name, program.report(), program.config(), shapes.as_deref())
            };
            let parts = programs.iter().map(part).collect::<Result<Vec<_>, _>>();
            parts.map(|p| Picture(frit::Picture::new(name, p)))
        })
        .map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// Files that the programs come from.
    fn files(&self) -> Vec<String> {
        self.0.files().iter().map(ToString::to_string).collect()
    }

    /// Takes the lines that matter from the text of one of `files`.
    fn set_source(&mut self, file: &str, text: &str) {
        self.0.set_source(file, text);
    }

    /// The picture in a format: `html`, `svg`, `dot`, `json`, `txt`, `mlir`.
    fn render(&self, py: Python<'_>, format: &str) -> PyResult<String> {
        let known = PictureFormat::from_name(format)
            .ok_or_else(|| PyValueError::new_err(format!("unknown format of pictures `{format}`")))?;
        py.detach(|| self.0.render(known)).map_err(|e| PyValueError::new_err(e.to_string()))
    }
}
