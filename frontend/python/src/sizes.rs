//! Sizes with names, as Python sees them: integer expressions in normal form.

use frit_ir::range::EvalError;
use pyo3::exceptions::{PyKeyError, PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};
use std::collections::{BTreeSet, HashMap};

/// An integer expression over names of sizes. Equal expressions are equal objects: `n + 1 - n` is `1`.
#[pyclass(frozen, eq, hash, module = "frit._frit")]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Dim(pub(crate) frit_ir::Dim);

/// An expression from a `Dim`, from a number, from its text, or from an object with one as its attribute `dim`.
///
/// A TypeError for anything else: what merely converts to a number stands for one size among many.
pub(crate) fn dim_of(o: &Bound<'_, PyAny>) -> PyResult<frit_ir::Dim> {
    if o.is_exact_instance_of::<PyInt>() {
        return o.extract::<i64>().map(frit_ir::Dim::from);
    }
    if let Ok(d) = o.cast::<Dim>() {
        return Ok(d.get().0.clone());
    }
    if let Ok(text) = o.cast::<PyString>() {
        let parsed = text.to_str()?.parse::<frit_ir::Dim>();
        return parsed.map_err(|e| PyValueError::new_err(format!("not a size: {}", e.what)));
    }
    match o.getattr(pyo3::intern!(o.py(), "dim")) {
        Ok(d) => Ok(d.cast::<Dim>()?.get().0.clone()),
        Err(_) => o.extract::<i64>().map(frit_ir::Dim::from),
    }
}

#[pymethods]
impl Dim {
    #[new]
    fn new(value: &Bound<'_, PyAny>) -> PyResult<Dim> {
        dim_of(value).map(Dim)
    }

    /// `self + other`.
    fn add(&self, other: &Bound<'_, PyAny>) -> PyResult<Dim> {
        Ok(Dim(&self.0 + &dim_of(other)?))
    }

    /// `self - other`.
    fn subtract(&self, other: &Bound<'_, PyAny>) -> PyResult<Dim> {
        Ok(Dim(&self.0 - &dim_of(other)?))
    }

    /// `self * other`.
    fn multiply(&self, other: &Bound<'_, PyAny>) -> PyResult<Dim> {
        Ok(Dim(&self.0 * &dim_of(other)?))
    }

    /// `self // other`.
    fn floor_divide(&self, other: &Bound<'_, PyAny>) -> PyResult<Dim> {
        Ok(Dim(self.0.floor_div(&dim_of(other)?)))
    }

    /// `self % other`.
    fn remainder(&self, other: &Bound<'_, PyAny>) -> PyResult<Dim> {
        Ok(Dim(self.0.modulo(&dim_of(other)?)))
    }

    /// The number, if it has no name in it.
    fn number(&self) -> Option<i64> {
        self.0.as_const()
    }

    /// The names in it, sorted.
    fn names(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        self.0.for_each_symbol(&mut |s| {
            found.insert(s.to_string());
        });
        found.into_iter().collect()
    }

    /// The number for these sizes. A KeyError for a name that has none, an OverflowError beyond 64 bits.
    fn value(&self, sizes: HashMap<String, i64>) -> PyResult<i64> {
        self.0.checked_eval(&|name| sizes.get(name).copied()).map_err(|e| match e {
            EvalError::Unbound(name) => PyKeyError::new_err(name.to_string()),
            e => PyOverflowError::new_err(e.to_string()),
        })
    }

    /// True if it is proven not to be negative where each name stands for `least` or more.
    fn proves_nonnegative(&self, least: i64) -> bool {
        self.0.proves_nonnegative(&ranges(&self.names(), least))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }
}

/// The ranges of names that stand for any number from `least` on.
pub(crate) fn ranges(names: &[String], least: i64) -> Vec<(frit_ir::Symbol, frit_ir::Dim, frit_ir::Dim)> {
    let end = frit_ir::Dim::constant(i64::MAX);
    names.iter().map(|n| (n.as_str().into(), frit_ir::Dim::constant(least), end.clone())).collect()
}
