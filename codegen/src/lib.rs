//! Backends that turn kernels into callable code.
//!
//! A backend sees loops and scalar primitives, never array ops. Every backend follows one calling convention,
//! [`frit_ir::kernel::Kernel::layout`]. [`interp`] is the oracle for the others.

mod cache;
pub mod cranelift;
pub mod interp;
pub mod stage;

pub use cache::{Cache, CacheStats};

use frit_ir::kernel::{Kernel, scratch_slot};
use frit_ir::range::{EvalError, Range};
use frit_ir::{DType, Dim};
use std::fmt;
use std::sync::Arc;

/// Why a kernel cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// The compiler behind the backend refused: a bug in the backend.
    #[error("{backend}: {message} (kernel `{kernel}`)")]
    Backend {
        /// Backend name.
        backend: &'static str,
        /// Kernel name.
        kernel: String,
        /// What it said.
        message: String,
    },
    /// This machine is not one that the backend makes code for.
    #[error("{0}")]
    Host(String),
}

/// Makes code from kernels.
pub trait Backend: Send + Sync {
    /// Name, as in `FRIT_BACKEND`.
    fn name(&self) -> &'static str;
    /// Compiles one kernel.
    fn compile(&self, kernel: &Kernel) -> Result<CompiledKernel, CodegenError>;
    /// The scratch memory of the compiled kernel, known without compiling it.
    fn scratch(&self, kernel: &Kernel) -> Scratch;
}

/// A backend, or why this build or machine has it not.
pub type Presence = Result<Arc<dyn Backend>, CodegenError>;

/// Every backend by name, best first.
pub fn backends() -> Vec<(&'static str, Presence)> {
    vec![
        ("cranelift", cranelift::Cranelift::new().map(|b| Arc::new(b) as Arc<dyn Backend>)),
        ("interp", Ok(Arc::new(interp::Interpreter))),
    ]
}

/// The backends that work here, best first.
pub fn available() -> Vec<Arc<dyn Backend>> {
    backends().into_iter().filter_map(|(_, b)| b.ok()).collect()
}

/// The calling convention: argument block, scratch memory, and the part of the parallel loop; the result is 0 or a
/// [`frit_ir::kernel::Fault`].
pub type Entry = unsafe extern "C" fn(args: *const u64, scratch: *mut u8, lo: i64, hi: i64) -> u64;

/// What a backend made of a kernel.
pub(crate) trait Code: Send + Sync {
    /// # Safety
    /// As [`CompiledKernel::call`].
    unsafe fn call(&self, args: *const u64, scratch: *mut u8, lo: i64, hi: i64) -> u64;
    /// Text of the backend's own IR, made again on request.
    fn ir_text(&self) -> String;
    /// Disassembly, or an empty text.
    fn asm_text(&self) -> String;
    /// Bytes of machine code.
    fn size(&self) -> usize;
}

/// The scratch memory of a kernel: what the kernel declares, and the backend's own tiles.
#[derive(Clone, Debug)]
pub struct Scratch {
    slots: Arc<[(DType, Dim)]>,
    sizes: Arc<[frit_ir::Symbol]>,
}

impl Scratch {
    /// That of a kernel as a backend compiles it.
    pub(crate) fn of(kernel: &Kernel) -> Scratch {
        Scratch {
            slots: kernel.scratch.iter().map(|s| (s.dtype, s.elements.clone())).collect(),
            sizes: kernel.sizes.clone().into(),
        }
    }

    /// Bytes for the given sizes (one per size parameter).
    pub fn bytes(&self, sizes: &[i64]) -> usize {
        let lookup = |s: &str| self.sizes.iter().position(|n| &**n == s).map(|i| sizes[i]);
        self.slots.iter().map(|(t, n)| scratch_slot(n.eval(&lookup).unwrap_or(0), *t)).sum()
    }

    /// The most bytes while each size parameter lies in a range. Exact for ranges of one value; an error if the bytes
    /// do not fit in 64 bits.
    pub fn bound(&self, sizes: &[Range]) -> Result<usize, EvalError> {
        let lookup = |s: &str| self.sizes.iter().position(|n| &**n == s).map(|i| sizes[i]);
        self.slots.iter().try_fold(0usize, |total, (dtype, n)| {
            let elements = n.range(&lookup)?.1.max(0);
            elements
                .checked_mul(dtype.size() as i64)
                .and_then(|bytes| bytes.checked_add(63))
                .and_then(|_| total.checked_add(scratch_slot(elements, *dtype)))
                .ok_or_else(|| EvalError::Overflow(n.to_string()))
        })
    }

    /// Bytes as an expression, given one for each size parameter; slots are not rounded to whole lines of cache.
    pub fn formula(&self, sizes: &[Dim]) -> Dim {
        let lookup = |s: &str| self.sizes.iter().position(|n| &**n == s).map(|i| sizes[i].clone());
        self.slots.iter().fold(Dim::constant(0), |total, (dtype, n)| {
            total + n.substitute(&lookup) * Dim::constant(dtype.size() as i64)
        })
    }
}

/// A kernel ready to run. Clones share the code, which is freed with the last of them.
#[derive(Clone)]
pub struct CompiledKernel {
    code: Arc<dyn Code>,
    scratch: Scratch,
}

impl CompiledKernel {
    pub(crate) fn new(kernel: &Kernel, code: Arc<dyn Code>) -> CompiledKernel {
        CompiledKernel { code, scratch: Scratch::of(kernel) }
    }

    /// Runs the kernel.
    ///
    /// # Safety
    /// `args` must be an argument block as [`Kernel::layout`] describes, whose buffers cover every element that the
    /// kernel's loops address and are not accessed by others in a conflicting way; `scratch` must hold
    /// [`Scratch::bytes`] bytes, aligned to 64; `lo..hi` must lie in the parallel loop's range.
    pub unsafe fn call(&self, args: *const u64, scratch: *mut u8, lo: i64, hi: i64) -> u64 {
        // SAFETY: passed on to the caller.
        unsafe { self.code.call(args, scratch, lo, hi) }
    }

    /// Bytes of scratch for the given sizes (one per size parameter), the backend's own tiles included.
    pub fn scratch_bytes(&self, sizes: &[i64]) -> usize {
        self.scratch.bytes(sizes)
    }

    /// The backend's own IR.
    pub fn ir_text(&self) -> String {
        self.code.ir_text()
    }

    /// Disassembly, if the backend has one.
    pub fn asm_text(&self) -> String {
        self.code.asm_text()
    }

    /// Bytes of machine code.
    pub fn code_size(&self) -> usize {
        self.code.size()
    }
}

impl fmt::Debug for CompiledKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompiledKernel({} bytes)", self.code_size())
    }
}
