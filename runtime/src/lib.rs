//! Buffers, thread pool and plan execution.
//!
//! [`Program`] is a plan with compiled kernels; [`Program::bind`] fixes sizes and strides, and a [`Bound`] program
//! runs any number of times, from any number of threads. Memory comes from one [`pool`], which counts it.

mod bind;
mod executor;
mod formula;
mod library;
pub mod pool;
mod project;
pub mod threads;

pub use bind::{Bindings, Bound, Program};
pub use executor::{Cancel, Event, Output, Run};
pub use formula::{Held, MemoryFormula};
pub use pool::OwnedBuffer;
pub use project::{MemoryReport, MemoryUse, Moment};

use frit_ir::kernel::Fault;
use frit_ir::plan::Origin;
use frit_ir::range::EvalError;
use frit_ir::units::human_bytes;

/// Why a program cannot be bound or run.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A kernel refused its data.
    #[error("{}{}: {}", .origin.op, at(.origin), describe(.fault))]
    Fault {
        /// What failed.
        fault: Fault,
        /// The op and line.
        origin: Origin,
    },
    /// A library routine refused its data.
    #[error("{}{}: {message}", .origin.op, at(.origin))]
    Library {
        /// What it said.
        message: String,
        /// The op and line.
        origin: Origin,
    },
    /// The run was cancelled.
    #[error("cancelled; results are discarded, arguments are unchanged")]
    Cancelled,
    /// An argument does not fit its declaration.
    #[error("argument `{name}`: {why}")]
    Argument {
        /// The parameter.
        name: String,
        /// What is wrong, and what was expected.
        why: String,
    },
    /// A kernel cannot be compiled: a bug of the backend.
    #[error(transparent)]
    Codegen(#[from] frit_codegen::CodegenError),
    /// The projected peak exceeds the limit.
    #[error("{0}")]
    MemoryLimit(Box<Refusal>),
    /// The machine has no memory left.
    #[error("{}{}: out of memory: {bytes} bytes could not be allocated", .origin.op, at(.origin))]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
        /// What they were for: the op and line.
        origin: Origin,
    },
    /// A size, a stride or a number of bytes does not fit in 64 bits.
    #[error("{}{}: {what}, more than any machine holds", .origin.op, at(.origin))]
    TooLarge {
        /// The expression.
        what: String,
        /// The op and line.
        origin: Origin,
    },
    /// A plan mentions a size or an index that has no value where it is used: a bug in what made the plan.
    #[error("{}{}: `{symbol}` has no value here", .origin.op, at(.origin))]
    Unbound {
        /// The name.
        symbol: frit_ir::Symbol,
        /// The op and line.
        origin: Origin,
    },
}

/// Why a program does not fit.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Projected peak of the usual plan, in bytes.
    pub needed: usize,
    /// The limit.
    pub limit: usize,
    /// The largest buffer at that peak: op, line, bytes.
    pub largest: Option<MemoryUse>,
    /// Other plans, each with what it takes.
    pub tried: Vec<String>,
    /// What to change.
    pub fix: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (needed, limit) = (human_bytes(self.needed), human_bytes(self.limit));
        write!(
            f,
            "needs {} bytes ({needed}) at its peak, the limit is {} bytes ({limit})",
            self.needed, self.limit
        )?;
        if let Some(u) = &self.largest {
            let bytes = human_bytes(u.bytes);
            write!(f, "; the largest is {} bytes ({bytes}) for {}{}", u.bytes, u.origin.op, at(&u.origin))?;
        }
        for tried in &self.tried {
            write!(f, "; {tried}")?;
        }
        write!(f, "; help: {}", self.fix)
    }
}

/// An expression that has no number, with the op and line that it was made for.
fn no_value(error: EvalError, origin: &Origin) -> RuntimeError {
    let origin = origin.clone();
    match error {
        EvalError::Unbound(symbol) => RuntimeError::Unbound { symbol, origin },
        e @ EvalError::Overflow(_) => RuntimeError::TooLarge { what: e.to_string(), origin },
    }
}

fn at(origin: &Origin) -> String {
    let loc = origin.loc.to_string();
    if loc.is_empty() { loc } else { format!(" ({loc})") }
}

fn describe(fault: &Fault) -> &'static str {
    match fault {
        Fault::IndexOutOfBounds => "index is out of bounds for its axis",
        Fault::NegativePower => "integers to negative integer powers are not allowed",
    }
}
