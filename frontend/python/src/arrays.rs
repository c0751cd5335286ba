//! NumPy arrays as memory, and memory of the runtime as NumPy arrays, without copies.

use frit_ir::{DType, Literal, TensorType};
use frit_runtime::{Output, OwnedBuffer};
use numpy::npyffi::{self, NPY_TYPES, PY_ARRAY_API};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::ffi::c_int;

/// All element types with NumPy's type numbers; `longlong` and `long` are one type of 64 bits.
const TYPES: [(DType, NPY_TYPES); 13] = [
    (DType::Bool, NPY_TYPES::NPY_BOOL),
    (DType::I8, NPY_TYPES::NPY_BYTE),
    (DType::I16, NPY_TYPES::NPY_SHORT),
    (DType::I32, NPY_TYPES::NPY_INT),
    (
        DType::I64,
        if size_of::<std::ffi::c_long>() == 8 { NPY_TYPES::NPY_LONG } else { NPY_TYPES::NPY_LONGLONG },
    ),
    (DType::U8, NPY_TYPES::NPY_UBYTE),
    (DType::U16, NPY_TYPES::NPY_USHORT),
    (DType::U32, NPY_TYPES::NPY_UINT),
    (
        DType::U64,
        if size_of::<std::ffi::c_long>() == 8 { NPY_TYPES::NPY_ULONG } else { NPY_TYPES::NPY_ULONGLONG },
    ),
    (DType::F32, NPY_TYPES::NPY_FLOAT),
    (DType::F64, NPY_TYPES::NPY_DOUBLE),
    (DType::C64, NPY_TYPES::NPY_CFLOAT),
    (DType::C128, NPY_TYPES::NPY_CDOUBLE),
];

/// The element type of NumPy's name for it (`float64`).
pub(crate) fn dtype_of_numpy_name(name: &str) -> Option<DType> {
    TYPES.iter().map(|(t, _)| *t).find(|t| t.numpy_name() == name)
}

/// [`dtype_of_numpy_name`], or a Python error.
pub(crate) fn dtype_by_name(name: &str) -> PyResult<DType> {
    dtype_of_numpy_name(name).ok_or_else(|| PyTypeError::new_err(format!("frit has no element type {name}")))
}

/// An array of the caller as it lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory<'a> {
    pub(crate) pointer: *const u8,
    pub(crate) dtype: DType,
    pub(crate) shape: &'a [usize],
    /// In bytes.
    pub(crate) strides: &'a [isize],
    pub(crate) contiguous: bool,
}

/// Looks at an array; `None` if its element type, byte order or alignment is not one that kernels read.
pub(crate) fn memory<'a>(array: &'a Bound<'_, PyUntypedArray>) -> Option<Memory<'a>> {
    let raw = array.as_array_ptr();
    // SAFETY: the object is an array, which lives as long as the borrow; its fields do not change under the GIL.
    let (pointer, flags, number, order) = unsafe {
        let a = &(*raw).fields;
        let d = &(*a.descr).fields;
        (a.data, a.flags, d.type_num, d.byteorder as u8)
    };
    if order == (if cfg!(target_endian = "little") { b'>' } else { b'<' })
        || flags & npyffi::NPY_ARRAY_ALIGNED == 0
    {
        return None;
    }
    let (dtype, _) = TYPES.iter().find(|(_, n)| *n as c_int == number)?;
    let (shape, strides) = (array.shape(), array.strides());
    let size = dtype.size() as isize;
    if strides.iter().any(|s| s % size != 0) {
        return None;
    }
    Some(Memory {
        pointer: pointer.cast(),
        dtype: *dtype,
        shape,
        strides,
        contiguous: flags & npyffi::NPY_ARRAY_C_CONTIGUOUS != 0,
    })
}

/// A copy of an array in C order, for a constant of the graph.
pub(crate) fn literal(array: &Bound<'_, PyUntypedArray>) -> PyResult<Literal> {
    let m = memory(array).filter(|m| m.contiguous);
    let m = m.ok_or_else(|| PyValueError::new_err("a constant must be an aligned array in C order"))?;
    let bytes = m.shape.iter().product::<usize>() * m.dtype.size();
    // SAFETY: the array is C-contiguous, so its elements are `bytes` bytes from its pointer on.
    let data = unsafe { std::slice::from_raw_parts(m.pointer, bytes) };
    Ok(Literal { ty: TensorType::fixed(m.dtype, m.shape), bytes: data.into() })
}

/// The owner of a result's memory: the `base` of the arrays that show it.
#[pyclass(frozen, module = "frit._frit")]
struct Buffer(#[allow(dead_code, reason = "held for its memory")] OwnedBuffer);

/// A result as an array over its own memory; without axes and `scalar`, as NumPy's scalar.
pub(crate) fn array(py: Python<'_>, output: Output, scalar: bool) -> PyResult<Py<PyAny>> {
    let number = TYPES.iter().find(|(t, _)| *t == output.dtype).map_or(NPY_TYPES::NPY_DOUBLE, |(_, n)| *n);
    let mut dims: Vec<npyffi::npy_intp> = output.shape.iter().map(|n| *n as npyffi::npy_intp).collect();
    let data = output.buffer.as_ptr();
    let owner = Bound::new(py, Buffer(output.buffer))?;
    let flags = npyffi::NPY_ARRAY_WRITEABLE | npyffi::NPY_ARRAY_ALIGNED | npyffi::NPY_ARRAY_C_CONTIGUOUS;
    // SAFETY: the buffer holds the shape's elements of the type in C order, aligned, and lives as long as its owner,
    // which becomes the array's base. References: `NewFromDescr` takes that of the descriptor, `SetBaseObject` that of
    // the owner (also when it fails), `Return` that of the array.
    unsafe {
        let descr = PY_ARRAY_API.PyArray_DescrFromType(py, number as c_int);
        let kind = npyffi::get_type_object(py, npyffi::NpyTypes::PyArray_Type);
        let array = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            kind,
            descr,
            dims.len() as c_int,
            dims.as_mut_ptr(),
            std::ptr::null_mut(),
            data.cast(),
            flags,
            std::ptr::null_mut(),
        );
        let array = Bound::from_owned_ptr_or_err(py, array)?;
        if PY_ARRAY_API.PyArray_SetBaseObject(py, array.as_ptr().cast(), owner.into_ptr()) < 0 {
            return Err(PyErr::fetch(py));
        }
        if scalar && dims.is_empty() {
            let item = PY_ARRAY_API.PyArray_Return(py, array.into_ptr().cast());
            return Ok(Bound::from_owned_ptr_or_err(py, item)?.unbind());
        }
        Ok(array.unbind())
    }
}
