//! The Kernel level: a small structured loop program over buffers, in real scalar primitives.
//!
//! ```text
//! kernel @k(b0: read f64[2] unit, b1: write f64[1] unit; n0, n1) {
//!   parallel i0 in 0..n0 {
//!     %0 = const 0.0 : f64
//!     var v0 = %0
//!     vector i1 in 0..n1 {
//!       %1 = load b0[i0, i1]
//!       %2 = mul %1, %1
//!       accumulate v0 add %2
//!     }
//!     %3 = get v0
//!     store b1[i0], %3
//!   }
//! }
//! ```
//!
//! Extents and strides come at run time; rank, element type, contiguity class and structure are baked in.
//! Index expressions are [`Dim`]s over the size parameters, the enclosing loop indices, and integer values written
//! as symbols (`%7`, see [`val_symbol`]). Complex arrays appear as real ones with a last axis of two components.

use crate::dim::{Dim, Symbol};
use crate::dtype::{DType, Scalar};
use crate::prim::{Prim, Val};
use std::fmt;

/// How a kernel uses a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Access {
    Read,
    Write,
    ReadWrite,
}

/// A buffer parameter.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BufferParam {
    /// Real element type.
    pub dtype: DType,
    /// Number of index expressions a load or store takes.
    pub rank: usize,
    /// Use.
    pub access: Access,
    /// The stride of the last axis is 1 element. Otherwise any stride, also 0 and negative.
    pub unit: bool,
}

/// Memory private to one call of the kernel's code (one worker), in L1/L2 if all is well.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scratch {
    /// Real element type.
    pub dtype: DType,
    /// Number of elements, over the size parameters.
    pub elements: Dim,
}

/// A mutable scalar, by position in [`Kernel::vars`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Var(pub u32);

/// Memory that loads and stores address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Mem {
    /// A buffer parameter: one index per axis, with run-time strides.
    Buffer(u32),
    /// A scratch array: one flat index.
    Scratch(u32),
}

/// How the iterations of a loop may be carried out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum LoopKind {
    /// In order.
    Serial,
    /// Independent iterations, shared out by the runtime. At most one per kernel, at the top level of the body;
    /// around it only constants and scalar lets. Its range becomes the `lo..hi` arguments of the compiled function.
    Parallel,
    /// Independent but for `accumulate`, whose order is free: run with SIMD. Innermost: its body has no loop.
    Vector,
}

/// A statement. Values are defined once and visible to the end of the enclosing block.
#[derive(Clone, PartialEq, Hash, Debug)]
pub enum Stmt {
    /// A constant.
    Const {
        /// Defined value.
        dst: Val,
        /// Its value.
        value: Scalar,
    },
    /// A primitive; the result type is the declared type of `dst`.
    Let {
        /// Defined value.
        dst: Val,
        /// Primitive.
        op: Prim,
        /// Operands.
        args: Vec<Val>,
    },
    /// An index expression as an `i64` value.
    Index {
        /// Defined value.
        dst: Val,
        /// Expression.
        dim: Dim,
    },
    /// Reads an element.
    Load {
        /// Defined value.
        dst: Val,
        /// Where.
        mem: Mem,
        /// Position.
        index: Vec<Dim>,
    },
    /// Writes an element.
    Store {
        /// Where.
        mem: Mem,
        /// Position.
        index: Vec<Dim>,
        /// What.
        src: Val,
    },
    /// (Re)initializes a mutable scalar. Every path to a use passes here.
    Init {
        /// Variable.
        var: Var,
        /// Value.
        src: Val,
    },
    /// Assigns a mutable scalar. Not inside a `vector` loop that also reads it.
    Set {
        /// Variable.
        var: Var,
        /// Value.
        src: Val,
    },
    /// Reads a mutable scalar.
    Get {
        /// Defined value.
        dst: Val,
        /// Variable.
        var: Var,
    },
    /// `var = op(var, src)` where the order of combination is free: `add mul min max and or`.
    /// Inside a `vector` loop a variable is touched by one `accumulate` only.
    Accumulate {
        /// Variable.
        var: Var,
        /// Combining primitive.
        op: Prim,
        /// Value.
        src: Val,
    },
    /// A counted loop; the bounds are evaluated once, on entry.
    For {
        /// Index symbol, unique in the kernel.
        index: Symbol,
        /// First index.
        lo: Dim,
        /// End, exclusive.
        hi: Dim,
        /// Kind.
        kind: LoopKind,
        /// Body.
        body: Vec<Stmt>,
    },
    /// Runs `cond`, and while the value `test` that it defines is true, `body`, then `cond` again.
    While {
        /// Statements that compute the test.
        cond: Vec<Stmt>,
        /// A `bool` defined in `cond`.
        test: Val,
        /// Body.
        body: Vec<Stmt>,
    },
    /// Runs one of two blocks.
    If {
        /// A `bool`.
        test: Val,
        /// If true.
        then: Vec<Stmt>,
        /// If false.
        otherwise: Vec<Stmt>,
    },
    /// Fails the call with a code (see [`Fault`]) unless the `bool` is true. May be raised late, never missed.
    Check {
        /// A `bool`.
        test: Val,
        /// What failed.
        fault: Fault,
    },
    /// Calls a block routine of the vector math library on unit-stride scratch: `dst[0..n] = op(args[0..n])`.
    /// Made by the backend's staging pass, not by lowering.
    Block {
        /// A math primitive.
        op: Prim,
        /// Scratch written, and where in it.
        dst: (Mem, Dim),
        /// Scratch read.
        args: Vec<(Mem, Dim)>,
        /// Number of elements.
        n: Dim,
    },
}

/// Why a kernel's call failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Fault {
    /// An index array has an element outside its axis (`IndexError`).
    IndexOutOfBounds = 1,
    /// An integer was raised to a negative integer power (`ValueError`).
    NegativePower = 2,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 2] = [Fault::IndexOutOfBounds, Fault::NegativePower];

    /// The name in kernel text.
    pub fn name(self) -> &'static str {
        match self {
            Fault::IndexOutOfBounds => "index_out_of_bounds",
            Fault::NegativePower => "negative_power",
        }
    }

    /// The fault that a compiled function's status means; `None` for success (0).
    pub fn from_status(status: u64) -> Option<Fault> {
        Fault::ALL.into_iter().find(|f| *f as u64 == status)
    }
}

/// A kernel. See the module's text for the shape of its body.
#[derive(Clone, PartialEq, Debug)]
pub struct Kernel {
    /// Name, for people; not part of the structural key.
    pub name: String,
    /// Buffer parameters.
    pub buffers: Vec<BufferParam>,
    /// Size parameters, in order.
    pub sizes: Vec<Symbol>,
    /// Scratch arrays.
    pub scratch: Vec<Scratch>,
    /// Types of the mutable scalars.
    pub vars: Vec<DType>,
    /// Types of the values; `Val(k)` has type `vals[k]`.
    pub vals: Vec<DType>,
    /// Statements.
    pub body: Vec<Stmt>,
}

/// The symbol by which an index expression names an integer value: `%7`.
pub fn val_symbol(v: Val) -> Symbol {
    v.to_string().into()
}

/// The inverse of [`val_symbol`].
pub fn symbol_val(s: &str) -> Option<Val> {
    s.strip_prefix('%').and_then(|n| n.parse().ok()).map(Val)
}

impl Kernel {
    /// The type of a value.
    pub fn ty(&self, v: Val) -> DType {
        self.vals[v.0 as usize]
    }

    /// The one parallel loop: its position in the body, if there is one.
    pub fn parallel_loop(&self) -> Option<usize> {
        self.body.iter().position(|s| matches!(s, Stmt::For { kind: LoopKind::Parallel, .. }))
    }

    /// Number of words in the argument block: see [`Kernel::layout`].
    pub fn arg_words(&self) -> usize {
        self.layout().words
    }

    /// Where each parameter stands in the argument block, an array of 64-bit words that is the whole ABI:
    /// buffer addresses, then each buffer's strides in elements (axis order), then the sizes.
    ///
    /// The compiled function is `extern "C" fn(args: *const u64, scratch: *mut u8, lo: i64, hi: i64) -> u64`.
    /// `scratch` points to the scratch arrays, each aligned to 64 bytes, in order ([`Kernel::scratch_bytes`]);
    /// `lo..hi` is the part of the parallel loop to run (ignored without one); the result is 0 or a [`Fault`].
    pub fn layout(&self) -> ArgLayout {
        let mut words = self.buffers.len();
        let mut strides = Vec::with_capacity(self.buffers.len());
        for b in &self.buffers {
            strides.push(words);
            words += b.rank;
        }
        let sizes = words;
        ArgLayout { strides, sizes, words: sizes + self.sizes.len() }
    }

    /// Bytes of scratch that one call needs, for given sizes.
    pub fn scratch_bytes(&self, size: &dyn Fn(&str) -> Option<i64>) -> Result<usize, Symbol> {
        let mut total = 0;
        for s in &self.scratch {
            total += scratch_slot(s.elements.eval(size)?, s.dtype);
        }
        Ok(total)
    }
}

/// Bytes that a scratch array occupies: rounded up to 64.
pub fn scratch_slot(elements: i64, dtype: DType) -> usize {
    (elements.max(0) as usize * dtype.size()).next_multiple_of(64)
}

/// Positions in the argument block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArgLayout {
    /// First stride word of each buffer. Buffer addresses are words `0..buffers.len()`.
    pub strides: Vec<usize>,
    /// First size word.
    pub sizes: usize,
    /// Total.
    pub words: usize,
}

impl fmt::Display for Mem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mem::Buffer(i) => write!(f, "b{i}"),
            Mem::Scratch(i) => write!(f, "s{i}"),
        }
    }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl LoopKind {
    /// Every kind.
    pub const ALL: [LoopKind; 3] = [LoopKind::Serial, LoopKind::Parallel, LoopKind::Vector];

    /// The keyword in kernel text.
    pub fn name(self) -> &'static str {
        match self {
            LoopKind::Serial => "for",
            LoopKind::Parallel => "parallel",
            LoopKind::Vector => "vector",
        }
    }
}

impl Access {
    /// Every use.
    pub const ALL: [Access; 3] = [Access::Read, Access::Write, Access::ReadWrite];

    /// The keyword in kernel text.
    pub fn name(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::ReadWrite => "readwrite",
        }
    }
}
