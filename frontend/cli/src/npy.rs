//! .npy files of any element type that frit has.

use frit::{Argument, DType, Tensor, TensorElement};
use miette::{IntoDiagnostic, WrapErr, miette};
use ndarray::ArrayD;
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement, WritableElement, WriteNpyExt};
use num_complex::{Complex32, Complex64};
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::path::Path;

/// An array whose type the file decided.
pub(crate) type Loaded = Box<dyn Argument>;

/// Reads as `T`; `None` if the file holds another type.
fn read_as<T>(file: &mut BufReader<File>) -> Result<Option<Loaded>, ReadNpyError>
where
    T: ReadableElement + TensorElement,
{
    file.rewind()?;
    match ArrayD::<T>::read_npy(file) {
        Ok(a) => Ok(Some(Box::new(a))),
        Err(ReadNpyError::WrongDescriptor(_)) => Ok(None),
        Err(e) => Err(e),
    }
}

type Reader = fn(&mut BufReader<File>) -> Result<Option<Loaded>, ReadNpyError>;

const READERS: [Reader; 13] = [
    read_as::<f64>,
    read_as::<f32>,
    read_as::<i64>,
    read_as::<i32>,
    read_as::<u8>,
    read_as::<bool>,
    read_as::<i16>,
    read_as::<i8>,
    read_as::<u16>,
    read_as::<u32>,
    read_as::<u64>,
    read_as::<Complex64>,
    read_as::<Complex32>,
];

pub(crate) fn read(path: &Path) -> miette::Result<Loaded> {
    let context = || path.display().to_string();
    let mut file = BufReader::new(File::open(path).into_diagnostic().wrap_err_with(context)?);
    for reader in READERS {
        if let Some(array) = reader(&mut file).into_diagnostic().wrap_err_with(context)? {
            return Ok(array);
        }
    }
    Err(miette!(
        help =
            "save it as one of bool, int8 to int64, uint8 to uint64, float32, float64, complex64, complex128",
        "{}: the element type is not one that frit has",
        path.display()
    ))
}

fn write_as<T: WritableElement + TensorElement>(path: &Path, t: &Tensor) -> miette::Result<()> {
    let view = t.view::<T>().map_err(|e| miette!("{e}"))?;
    let file = BufWriter::new(File::create(path).into_diagnostic()?);
    view.write_npy(file).into_diagnostic()
}

pub(crate) fn write(path: &Path, t: &Tensor) -> miette::Result<()> {
    let write = match t.dtype() {
        DType::Bool => write_as::<bool>,
        DType::I8 => write_as::<i8>,
        DType::I16 => write_as::<i16>,
        DType::I32 => write_as::<i32>,
        DType::I64 => write_as::<i64>,
        DType::U8 => write_as::<u8>,
        DType::U16 => write_as::<u16>,
        DType::U32 => write_as::<u32>,
        DType::U64 => write_as::<u64>,
        DType::F32 => write_as::<f32>,
        DType::F64 => write_as::<f64>,
        DType::C64 => write_as::<Complex32>,
        DType::C128 => write_as::<Complex64>,
    };
    write(path, t).wrap_err_with(|| path.display().to_string())
}
