//! Diagnostics as Python sees them: the tables, thresholds, and text.

use frit::diagnostics::{self, Diagnostic, KINDS, Kind, Quantity, THRESHOLDS};
use frit_ir::{Loc, Op};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// From which size on something is worth a word, and what is left out.
#[pyclass(frozen, module = "frit._frit")]
pub(crate) struct Thresholds(pub(crate) diagnostics::Thresholds);

#[pymethods]
impl Thresholds {
    /// The defaults, changed by `FRIT_WARN` and then by `text`, items with commas between them: `off`, `-F007`,
    /// `intermediate_bytes=4GiB`. ValueError for others.
    #[new]
    fn new(text: &str) -> PyResult<Thresholds> {
        let mut t = diagnostics::Thresholds::from_environment().map_err(PyValueError::new_err)?;
        t.set(text).map_err(PyValueError::new_err)?;
        Ok(Thresholds(t))
    }

    /// True if diagnostics of a code are looked for.
    fn wants(&self, code: &str) -> bool {
        self.0.wants(code)
    }

    /// The value of a threshold.
    fn get(&self, name: &str) -> PyResult<f64> {
        let found = self.0.values().into_iter().find(|(n, _)| *n == name);
        found.map(|(_, v)| v).ok_or_else(|| PyValueError::new_err(format!("no threshold `{name}`")))
    }
}

/// Code, name and severity of each diagnostic.
pub(crate) fn kinds() -> Vec<(&'static str, &'static str, &'static str)> {
    KINDS.iter().map(|k| (k.code, k.name, k.severity.name())).collect()
}

/// Name, unit, default, codes and meaning of each threshold.
pub(crate) fn thresholds() -> Vec<(&'static str, String, f64, Vec<&'static str>, &'static str)> {
    let unit = |t: &diagnostics::Threshold| format!("{:?}", t.unit).to_lowercase();
    THRESHOLDS.iter().map(|t| (t.name, unit(t), t.default, t.codes.to_vec(), t.doc)).collect()
}

/// True if the comment on a line of source silences a diagnostic.
#[pyfunction]
pub(crate) fn ignores(line: &str, code: &str) -> bool {
    diagnostics::ignores(line, code)
}

/// A diagnostic as a compiler writes it. `source`: the text of its line.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the fields of a diagnostic")]
pub(crate) fn render(
    code: &str,
    message: String,
    file: Option<&str>,
    line: u32,
    source: Option<&str>,
    notes: Vec<String>,
    help: Vec<String>,
    color: bool,
) -> PyResult<String> {
    let kind = Kind::of(code).ok_or_else(|| PyValueError::new_err(format!("no diagnostic {code}")))?;
    let loc = file.map_or(Loc::NONE, |f| Loc::new(f, line, 0, ""));
    let (quantity, op): (Option<Quantity>, Option<Op>) = (None, None);
    Ok(Diagnostic { kind, message, quantity, op, loc, notes, help }.render(source, color))
}
