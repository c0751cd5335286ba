//! Python arguments of the namespace's functions as Rust values.

use crate::builder::Node;
use frit::numpy::linalg::Ord;
use frit::numpy::{Index, PadMode, Quantile, Spacing, TakeMode, Update, fft::Norm};
use frit_ir::build::Operand;
use frit_ir::{DType, Dim, Op, Scalar, Value};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyEllipsis, PyFloat, PyInt, PySlice, PyString};

/// Something that Python code passes to a function of the table.
pub(crate) trait Read: Sized {
    /// Takes it from a Python object.
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Self>;
}

/// Types that PyO3 converts.
macro_rules! extracted {
    ($($t:ty),*) => {$( impl Read for $t { fn read(o: &Bound<'_, PyAny>) -> PyResult<$t> { o.extract() } } )*};
}
extracted!(i64, i32, u32, usize, f64, bool, String);

/// Choices by NumPy's names.
fn named<T>(o: &Bound<'_, PyAny>, what: &str, find: impl Fn(&str) -> Option<T>) -> PyResult<T> {
    let name: String = o.extract()?;
    find(&name).ok_or_else(|| PyValueError::new_err(format!("unknown {what} '{name}'")))
}

impl<T: Read> Read for Option<T> {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Option<T>> {
        if o.is_none() { Ok(None) } else { T::read(o).map(Some) }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Vec<T>> {
        o.try_iter()?.map(|x| T::read(&x?)).collect()
    }
}

impl<A: Read, B: Read> Read for (A, B) {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<(A, B)> {
        Ok((A::read(&o.get_item(0)?)?, B::read(&o.get_item(1)?)?))
    }
}

impl Read for Value {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Value> {
        Ok(o.cast::<Node>()?.get().0)
    }
}

impl Read for Scalar {
    /// A Python number: bool, int (64 bits), float or complex.
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Scalar> {
        if o.is_instance_of::<PyBool>() {
            return Ok(Scalar::bool(o.extract()?));
        }
        if o.is_instance_of::<PyInt>() {
            if let Ok(v) = o.extract::<i64>() {
                return Ok(Scalar::from_i64(DType::I64, v));
            }
            return match o.extract::<u64>() {
                Ok(v) => Ok(Scalar::from_u64(DType::U64, v)),
                Err(_) => Err(PyOverflowError::new_err("Python integer does not fit in 64 bits")),
            };
        }
        if o.is_instance_of::<PyFloat>() {
            return Ok(Scalar::from_f64(DType::F64, o.extract()?));
        }
        if let Ok(c) = o.cast::<PyComplex>() {
            let part = |name: &str| -> PyResult<f64> { c.getattr(name)?.extract() };
            let (re, im) =
                (Scalar::from_f64(DType::F64, part("real")?), Scalar::from_f64(DType::F64, part("imag")?));
            let bits = |s: Scalar| s.bits()[0];
            return Ok(Scalar::from_bits(DType::C128, [bits(re), bits(im)]));
        }
        Err(PyTypeError::new_err(format!("not a number: {}", o.get_type())))
    }
}

impl Read for Operand {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Operand> {
        match o.cast::<Node>() {
            Ok(n) => Ok(Operand::Value(n.get().0)),
            Err(_) => Scalar::read(o).map(Operand::Weak),
        }
    }
}

impl Read for Dim {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Dim> {
        crate::sizes::dim_of(o)
    }
}

impl Read for DType {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<DType> {
        named(o, "element type", |n| DType::from_name(n).or_else(|| crate::arrays::dtype_of_numpy_name(n)))
    }
}

impl Read for Op {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Op> {
        named(o, "operation", Op::from_name)
    }
}

impl Read for TakeMode {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<TakeMode> {
        named(o, "mode", |n| match n {
            "raise" => Some(TakeMode::Raise),
            "wrap" => Some(TakeMode::Wrap),
            "clip" => Some(TakeMode::Clip),
            _ => None,
        })
    }
}

impl Read for Update {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Update> {
        named(o, "update", |n| match n {
            "set" => Some(Update::Set),
            "add" => Some(Update::Add),
            "multiply" => Some(Update::Multiply),
            "minimum" => Some(Update::Minimum),
            "maximum" => Some(Update::Maximum),
            _ => None,
        })
    }
}

impl Read for PadMode {
    /// A name, or a name with its number: `("constant", 1.5)`.
    fn read(o: &Bound<'_, PyAny>) -> PyResult<PadMode> {
        if o.is_instance_of::<PyString>() {
            return named(o, "mode", PadMode::from_name);
        }
        let (name, number) = (o.get_item(0)?, Scalar::read(&o.get_item(1)?)?);
        named(&name, "mode", |n| match n {
            "constant" => Some(PadMode::Constant(number)),
            "linear_ramp" => Some(PadMode::LinearRamp(number)),
            _ => None,
        })
    }
}

impl Read for Quantile {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Quantile> {
        named(o, "method", Quantile::from_name)
    }
}

impl Read for Norm {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Norm> {
        named(o, "norm", Norm::from_name)
    }
}

impl Read for Spacing {
    /// An array of coordinates, or a distance.
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Spacing> {
        Ok(match Operand::read(o)? {
            Operand::Value(v) => Spacing::At(v),
            weak => Spacing::Even(weak),
        })
    }
}

impl Read for Ord {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Ord> {
        if o.is_none() {
            return Ok(Ord::Default);
        }
        if o.is_instance_of::<PyString>() {
            return named(o, "order", |n| match n {
                "fro" => Some(Ord::Fro),
                "nuc" => Some(Ord::Nuc),
                _ => None,
            });
        }
        o.extract().map(Ord::P)
    }
}

impl Read for Index<Value> {
    fn read(o: &Bound<'_, PyAny>) -> PyResult<Index<Value>> {
        if o.is_none() {
            return Ok(Index::New);
        }
        if o.is_instance_of::<PyEllipsis>() {
            return Ok(Index::Ellipsis);
        }
        if let Ok(s) = o.cast::<PySlice>() {
            let bound = |name: &str| Option::<Dim>::read(&s.getattr(name)?);
            let step: Option<i64> = s.getattr("step")?.extract()?;
            return Ok(Index::Range {
                start: bound("start")?,
                stop: bound("stop")?,
                step: step.unwrap_or(1),
            });
        }
        match o.cast::<Node>() {
            Ok(n) => Ok(Index::Array(n.get().0)),
            Err(_) => Ok(Index::At(Dim::read(o)?)),
        }
    }
}
