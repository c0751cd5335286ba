//! The one mapping from library ops to the routines that carry them out.

use crate::RuntimeError;
use crate::bind::{BoundCall, BoundView};
use crate::pool::rounded;
use crate::threads::Threads;
use frit_ir::dim::Dim;
use frit_ir::plan::{BufferId, LibraryCall};
use frit_ir::{DType, Key, Op};
use frit_library::{Input, Output, Params, Plan, Routine, Workers};

/// The library's name of an element type.
fn dtype(d: DType) -> frit_library::DType {
    use frit_library::DType as To;
    match d {
        DType::Bool => To::Bool,
        DType::I8 => To::I8,
        DType::I16 => To::I16,
        DType::I32 => To::I32,
        DType::I64 => To::I64,
        DType::U8 => To::U8,
        DType::U16 => To::U16,
        DType::U32 => To::U32,
        DType::U64 => To::U64,
        DType::F32 => To::F32,
        DType::F64 => To::F64,
        DType::C64 => To::C64,
        DType::C128 => To::C128,
    }
}

/// The routine of an op, and its parameters; sizes among them are evaluated by `eval`.
fn routine(
    call: &LibraryCall,
    eval: &dyn Fn(&Dim) -> Result<i64, RuntimeError>,
) -> Result<(Routine, Params), RuntimeError> {
    let attrs = &call.attrs;
    let none = Params::default;
    let lower = || Params { lower: attrs.bool(Key::Lower), ..none() };
    let full = || Params { full: attrs.bool(Key::Full), ..none() };
    let axis = || Params { axis: attrs.int(Key::Axis) as usize, ..none() };
    let transform = || -> Result<Params, RuntimeError> {
        let n = eval(attrs.dim(Key::N))?.max(0) as usize;
        Ok(Params { n, scale: attrs.scalar(Key::Scale).as_f64(), ..axis() })
    };
    Ok(match call.op {
        Op::Matmul => (Routine::Matmul, none()),
        Op::Gemm => {
            let over = call.inputs[2].buffer == call.outputs[0].buffer;
            (Routine::Gemm, Params { over, ..none() })
        }
        Op::Inv => (Routine::Inv, none()),
        Op::InvPosdef => (Routine::InvPosdef, none()),
        Op::Cholesky => (Routine::Cholesky, none()),
        Op::Solve => (Routine::Solve, none()),
        Op::SolvePosdef => (Routine::SolvePosdef, none()),
        Op::SolveTriangular => (Routine::SolveTriangular, lower()),
        Op::Lu => (Routine::Lu, none()),
        Op::LuFactor => (Routine::LuFactor, Params { posdef: attrs.bool(Key::Posdef), ..none() }),
        Op::LuSolve => (Routine::LuSolve, none()),
        Op::Qr => (Routine::Qr, full()),
        Op::Svd => (Routine::Svd, full()),
        Op::Svdvals => (Routine::Svdvals, none()),
        Op::Eigh => (Routine::Eigh, lower()),
        Op::Eigvalsh => (Routine::Eigvalsh, lower()),
        Op::Eig => (Routine::Eig, none()),
        Op::Eigvals => (Routine::Eigvals, none()),
        Op::Det => (Routine::Det, none()),
        Op::Slogdet => (Routine::Slogdet, none()),
        Op::Lstsq => (Routine::Lstsq, Params { rcond: Some(attrs.scalar(Key::Value).as_f64()), ..none() }),
        Op::Fft => (Routine::Fft, transform()?),
        Op::Ifft => (Routine::Ifft, transform()?),
        Op::Rfft => (Routine::Rfft, transform()?),
        Op::Irfft => (Routine::Irfft, transform()?),
        Op::Sort => (Routine::Sort, axis()),
        Op::Argsort => (Routine::Argsort, axis()),
        Op::OrderStatistics => (Routine::OrderStatistics, axis()),
        Op::ArgOrderStatistics => (Routine::ArgOrderStatistics, axis()),
        Op::Searchsorted => {
            (Routine::Searchsorted, Params { right: attrs.str(Key::Mode) == "right", ..none() })
        }
        other => {
            let message = format!("{other} has no routine");
            return Err(RuntimeError::Library { message, origin: call.origin.clone() });
        }
    })
}

/// What a call needs. The inner error is that of running it: a call that is never reached may have any sizes.
pub(crate) fn plan(
    call: &LibraryCall,
    inputs: &[BoundView],
    eval: &dyn Fn(&Dim) -> Result<i64, RuntimeError>,
    threads: usize,
) -> Result<Result<Plan, String>, RuntimeError> {
    let (routine, params) = routine(call, eval)?;
    let shapes: Vec<&[usize]> = inputs.iter().map(|v| v.shape.as_slice()).collect();
    let plan = frit_library::plan(routine, &params, dtype(inputs[0].dtype), &shapes, threads);
    Ok(plan.map_err(|e| e.to_string()))
}

/// The most bytes that a call with operands of up to these sizes needs; `eval` gives the largest values.
pub(crate) fn bound(
    call: &LibraryCall,
    inputs: &[BoundView],
    eval: &dyn Fn(&Dim) -> Result<i64, RuntimeError>,
    threads: usize,
) -> Result<usize, RuntimeError> {
    let (routine, params) = routine(call, eval)?;
    let shapes: Vec<&[usize]> = inputs.iter().map(|v| v.shape.as_slice()).collect();
    Ok(frit_library::bound(routine, &params, dtype(inputs[0].dtype), &shapes, threads)
        .map_or(0, |(workspace, hidden)| taken(workspace) + hidden))
}

/// Bytes that a workspace takes from the pool.
pub(crate) fn taken(workspace: usize) -> usize {
    if workspace > 0 { rounded(workspace) } else { 0 }
}

impl Workers for Threads {
    fn run(&self, blocks: usize, limit: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        Threads::run(self, blocks, limit, work);
    }
}

/// Carries out a call.
///
/// # Safety
/// `pointers` must hold the address of each buffer that the call's views are of, alive and as large as planned; results
/// must share no memory with operands, but with the one that the call overwrites.
pub(crate) unsafe fn run(
    c: &BoundCall,
    pointers: &[*mut u8],
    workspace: &mut [u8],
    threads: &Threads,
) -> Result<(), String> {
    let plan = c.plan.as_ref().map_err(Clone::clone)?;
    let at = |v: &BoundView| {
        let BufferId(k) = v.buffer;
        pointers[k as usize].wrapping_offset(v.offset as isize * v.dtype.size() as isize)
    };
    let inputs: Vec<Input<'_>> = c
        .inputs
        .iter()
        // SAFETY: a verified plan gives views inside live buffers.
        .map(|v| unsafe { Input::new(dtype(v.dtype), &v.shape, &v.strides, at(v)) })
        .collect();
    let outputs: Vec<Output<'_>> = c
        .outputs
        .iter()
        // SAFETY: as above; results are contiguous and share no memory, but with what the plan knows to be overwritten.
        .map(|v| unsafe { Output::new(dtype(v.dtype), &v.shape, at(v)) })
        .collect();
    plan.run(&inputs, &outputs, workspace, threads).map_err(|e| e.to_string())
}
