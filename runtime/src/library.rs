//! The one mapping from library ops to the routines that carry them out.

use crate::bind::{BoundCall, BoundView};
use frit_ir::plan::{BufferId, LibraryCall};
use frit_ir::{DType, Key, Op};
use frit_library::{Element, View, fourier, linalg, order, product};
use num_complex::{Complex32, Complex64};

/// Bytes of workspace that a call is given. The routines allocate what they need themselves, in proportion to one row
/// or one matrix; see `hidden_bytes` in the library.
pub(crate) fn workspace(_call: &LibraryCall, _inputs: &[BoundView], _outputs: &[BoundView]) -> usize {
    0
}

/// Views of a call's operands as elements of one type.
struct Operands<'a> {
    call: &'a BoundCall,
    pointers: &'a [*mut u8],
}

impl Operands<'_> {
    fn view<T: Element>(&self, v: &BoundView) -> View<T> {
        let BufferId(k) = v.buffer;
        let pointer = self.pointers[k as usize].cast::<T>().wrapping_offset(v.offset as isize);
        View { pointer, shape: v.shape.clone(), strides: v.strides.clone() }
    }

    fn input<T: Element>(&self, k: usize) -> View<T> {
        self.view(&self.call.inputs[k])
    }

    fn output<T: Element>(&self, k: usize) -> View<T> {
        self.view(&self.call.outputs[k])
    }
}

/// Calls `$f::<T>` for the element type.
macro_rules! any_type {
    ($dtype:expr, $f:ident, ($($arg:expr),*)) => {
        match $dtype {
            DType::Bool => $f::<bool>($($arg),*),
            DType::I8 => $f::<i8>($($arg),*),
            DType::I16 => $f::<i16>($($arg),*),
            DType::I32 => $f::<i32>($($arg),*),
            DType::I64 => $f::<i64>($($arg),*),
            DType::U8 => $f::<u8>($($arg),*),
            DType::U16 => $f::<u16>($($arg),*),
            DType::U32 => $f::<u32>($($arg),*),
            DType::U64 => $f::<u64>($($arg),*),
            DType::F32 => $f::<f32>($($arg),*),
            DType::F64 => $f::<f64>($($arg),*),
            DType::C64 => $f::<Complex32>($($arg),*),
            DType::C128 => $f::<Complex64>($($arg),*),
        }
    };
}

fn matmul<T: product::Multiply>(o: &Operands<'_>, threads: usize) {
    // SAFETY: a verified plan gives views inside live buffers, and results share none with operands.
    unsafe { product::matmul::<T>(&o.output(0), &o.input(0), &o.input(1), threads) }
}

fn ordering<T: order::Ordered>(o: &Operands<'_>) {
    let call = &o.call.call;
    // SAFETY: as for `matmul`.
    unsafe {
        match call.op {
            Op::Sort => order::sort::<T>(&o.output(0), &o.input(0), call.attrs.int(Key::Axis) as usize),
            Op::Argsort => order::argsort::<T>(&o.output(0), &o.input(0), call.attrs.int(Key::Axis) as usize),
            _ => order::searchsorted::<T>(
                &o.output(0),
                &o.input(0),
                &o.input(1),
                call.attrs.str(Key::Mode) == "left",
            ),
        }
    }
}

fn transform<T: fourier::Transform + Element>(o: &Operands<'_>, scale: T) {
    let call = &o.call.call;
    let axis = call.attrs.int(Key::Axis) as usize;
    let n = match call.op {
        // The number of points is the real side's size.
        Op::Rfft => call.attrs.dim(Key::N).as_const().unwrap_or(0) as usize,
        _ => o.call.outputs[0].shape[axis],
    };
    // SAFETY: as for `matmul`.
    unsafe {
        match call.op {
            Op::Fft => fourier::complex::<T>(&o.output(0), &o.input(0), axis, fourier::Kind::Forward, scale),
            Op::Ifft => fourier::complex::<T>(&o.output(0), &o.input(0), axis, fourier::Kind::Inverse, scale),
            Op::Rfft => fourier::real::<T>(&o.output(0), &o.input(0), axis, n, scale),
            _ => fourier::inverse_real::<T>(&o.output(0), &o.input(0), axis, n, scale),
        }
    }
}

fn algebra<T: linalg::Field>(o: &Operands<'_>) -> Result<(), String>
where
    T::Part: Into<f64> + linalg::FromF64,
{
    let call = &o.call.call;
    let a = o.input::<T>(0);
    let lower = || call.attrs.bool(Key::Lower);
    match call.op {
        Op::Inv => linalg::inv::<T>(&o.output(0), &a),
        Op::Solve => linalg::solve::<T>(&o.output(0), &a, &o.input(1)),
        Op::SolveTriangular => linalg::solve_triangular::<T>(&o.output(0), &a, &o.input(1), lower()),
        Op::Cholesky => linalg::cholesky::<T>(&o.output(0), &a),
        Op::Lu => linalg::lu::<T>(&o.output(0), &o.output(1), &o.output(2), &a),
        Op::Qr => linalg::qr::<T>(&o.output(0), &o.output(1), &a),
        Op::Svd => linalg::svd::<T>(&o.output(0), &o.output(1), &o.output(2), &a),
        Op::Svdvals => linalg::svdvals::<T>(&o.output(0), &a),
        Op::Eigh => linalg::eigh::<T>(&o.output(0), &o.output(1), &a, lower()),
        Op::Eigvalsh => linalg::eigvalsh::<T>(&o.output(0), &a, lower()),
        Op::Eig => linalg::eig::<T>(&o.output(0), Some(&o.output(1)), &a),
        Op::Eigvals => linalg::eig::<T>(&o.output(0), None, &a),
        Op::Det => linalg::det::<T>(&o.output(0), &a),
        Op::Slogdet => linalg::slogdet::<T>(&o.output(0), &o.output(1), &a),
        Op::Lstsq => {
            let outs = (&o.output(0), &o.output(1), &o.output(2), &o.output(3));
            linalg::lstsq::<T>(outs, &a, &o.input(1), call.attrs.scalar(Key::Value).as_f64())
        }
        other => return Err(format!("{other} has no routine")),
    }
    .map_err(|e| e.0)
}

/// Carries out a call.
pub(crate) fn run(
    c: &BoundCall,
    pointers: &[*mut u8],
    _workspace: (*mut u8, usize),
    threads: usize,
) -> Result<(), String> {
    let o = Operands { call: c, pointers };
    let dtype = c.inputs[0].dtype;
    match c.call.op {
        Op::Matmul => any_type!(dtype, matmul, (&o, threads)),
        Op::Sort | Op::Argsort | Op::Searchsorted => any_type!(dtype, ordering, (&o)),
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            let scale = c.call.attrs.scalar(Key::Scale).as_f64();
            if dtype.real() == DType::F32 {
                transform::<f32>(&o, scale as f32)
            } else {
                transform::<f64>(&o, scale)
            }
        }
        _ => {
            return match dtype {
                DType::F32 => algebra::<f32>(&o),
                DType::F64 => algebra::<f64>(&o),
                DType::C64 => algebra::<Complex32>(&o),
                DType::C128 => algebra::<Complex64>(&o),
                other => Err(format!("{} is not supported for {other}", c.call.op)),
            };
        }
    }
    Ok(())
}
