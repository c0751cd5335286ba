//! The compiled half of the Python package: graphs under construction, compiled programs, and the quick path of calls.
//! What NumPy's functions mean is `frit::numpy`; which of them a traced call is, and views and mutation, are
//! the Python half (`frontend/python/frit`).

mod arrays;
mod builder;
mod chunks;
mod diagnostics;
mod nonfinite;
mod picture;
mod program;
mod read;
mod run;
mod saved;
mod sizes;
mod table;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Bytes with a binary unit: `1.5 KiB`.
#[pyfunction]
fn human_bytes(bytes: usize) -> String {
    frit::human_bytes(bytes)
}

/// Reads `2GiB`, `500 MB`, `1000`; a ValueError for anything else.
#[pyfunction]
fn parse_bytes(text: &str) -> PyResult<usize> {
    frit::parse_bytes(text).map_err(pyo3::exceptions::PyValueError::new_err)
}

/// Counts of the process: kernels compiled and found, bytes held now and at most.
#[pyfunction]
fn stats(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let s = frit::stats();
    let d = PyDict::new(py);
    d.set_item("kernels_compiled", s.kernels_compiled)?;
    d.set_item("cache_hits", s.cache_hits)?;
    d.set_item("current_bytes", s.current_bytes)?;
    d.set_item("peak_bytes", s.peak_bytes)?;
    Ok(d)
}

/// Begins to look anew for the most bytes held at once, as `stats` has them.
#[pyfunction]
fn restart_peak() {
    frit_runtime::pool::Pool::global().restart_peak();
}

/// The names that `Builder.call` takes.
#[pyfunction]
fn functions() -> Vec<&'static str> {
    table::NAMES.to_vec()
}

/// The op table: every op's name.
#[pyfunction]
fn ops() -> Vec<&'static str> {
    frit_ir::Op::ALL.iter().map(|op| op.name()).collect()
}

/// The parameters of [`functions`]: names and types, as the source has them.
#[pyfunction]
fn signatures() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let one = |(name, parameters): &(&'static str, &[(&'static str, &str)])| {
        (*name, parameters.iter().map(|(p, t)| (*p, t.replace(char::is_whitespace, ""))).collect())
    };
    table::SIGNATURES.iter().map(one).collect()
}

/// True if kernels read this array as it lies in memory: element type, byte order, alignment.
#[pyfunction]
fn readable(array: &Bound<'_, numpy::PyUntypedArray>) -> bool {
    arrays::memory(array).is_some()
}

/// `frit._frit`.
#[pymodule]
fn _frit(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<builder::Builder>()?;
    m.add_class::<builder::Node>()?;
    m.add_class::<sizes::Dim>()?;
    m.add_class::<program::Program>()?;
    m.add_class::<program::Function>()?;
    m.add_class::<chunks::Chunks>()?;
    m.add("BuildError", m.py().get_type::<builder::BuildError>())?;
    m.add("RunError", m.py().get_type::<program::RunError>())?;
    m.add("MemoryLimitError", m.py().get_type::<program::MemoryLimitError>())?;
    m.add("CompileError", m.py().get_type::<program::CompileError>())?;
    m.add_function(wrap_pyfunction!(stats, m)?)?;
    m.add_function(wrap_pyfunction!(restart_peak, m)?)?;
    m.add_function(wrap_pyfunction!(functions, m)?)?;
    m.add_function(wrap_pyfunction!(ops, m)?)?;
    m.add_function(wrap_pyfunction!(signatures, m)?)?;
    m.add_function(wrap_pyfunction!(readable, m)?)?;
    m.add_function(wrap_pyfunction!(human_bytes, m)?)?;
    m.add_function(wrap_pyfunction!(parse_bytes, m)?)?;
    m.add_function(wrap_pyfunction!(program::intercept, m)?)?;
    m.add_function(wrap_pyfunction!(saved::main, m)?)?;
    m.add_class::<saved::SavedGraph>()?;
    m.add_class::<diagnostics::Thresholds>()?;
    m.add_function(wrap_pyfunction!(diagnostics::ignores, m)?)?;
    m.add_function(wrap_pyfunction!(diagnostics::render, m)?)?;
    m.add("DIAGNOSTICS", diagnostics::kinds())?;
    m.add("THRESHOLDS", diagnostics::thresholds())?;
    m.add_class::<picture::Picture>()?;
    m.add("STAGES", frit::STAGES.to_vec())?;
    m.add("PICTURES", frit::PictureFormat::names().collect::<Vec<_>>())?;
    Ok(())
}
