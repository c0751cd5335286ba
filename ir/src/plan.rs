//! The Plan level: buffers with lifetimes, and the steps that fill them.
//!
//! ```text
//! plan @f {
//!   input x = x0: f64[n, 1000] contiguous
//!   buffer t1: f64 [n] output 0              // loc("f.py":3) sum
//!   kernel @k0(..) { .. }
//!   alloc t1
//!   launch @k0(x0[0; n, 1000; 1000, 1], t1[0; n; 1]) sizes(n, 1000) over n cost 900
//!   return t1[0; n; 1]
//! }
//! ```
//!
//! Sizes are [`Dim`]s over the plan's size symbols, bound when the program is called; a plan made for fixed shapes
//! has constants only. Nothing here knows how a kernel is compiled or where it runs.

use crate::attrs::{Attrs, Literal};
use crate::dim::{Dim, Symbol};
use crate::dtype::DType;
use crate::graph::TensorType;
use crate::kernel::Kernel;
use crate::loc::Loc;
use crate::ops::Op;
use std::sync::Arc;

/// A buffer, by position in [`Plan::buffers`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BufferId(pub u32);

/// How an input array is laid out, as far as the plan relies on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Layout {
    /// C order without gaps.
    Contiguous,
    /// Any strides; they are bound at the call to the symbols [`stride_symbol`].
    Strided,
}

/// The symbol of an input's stride along an axis, in elements: `x0.s1` for input 0, axis 1.
pub fn stride_symbol(input: usize, axis: usize) -> Symbol {
    format!("x{input}.s{axis}").into()
}

/// A parameter of the plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanInput {
    /// The graph input's name.
    pub name: Arc<str>,
    /// Type; size symbols in its shape are bound by the argument's shape.
    pub ty: TensorType,
    /// Layout that the caller must provide (or copy into).
    pub layout: Layout,
    /// The buffer that stands for it.
    pub buffer: BufferId,
}

/// Where a buffer's memory comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BufferSource {
    /// An argument; the caller's memory, never written.
    Input(usize),
    /// An array constant of the program.
    Constant(Literal),
    /// From the pool, between its `alloc` and `free`.
    Temporary,
    /// From the pool; handed to the caller.
    Output,
}

/// What a buffer or step was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The op that gave it its name.
    pub op: Op,
    /// The user's line.
    pub loc: Loc,
}

/// A buffer declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buffer {
    /// Element type (complex types stay complex here).
    pub dtype: DType,
    /// Number of elements.
    pub elements: Dim,
    /// Memory.
    pub source: BufferSource,
    /// The op that it holds the result of.
    pub origin: Origin,
}

impl Buffer {
    /// Size in bytes.
    pub fn bytes(&self) -> Dim {
        &self.elements * self.dtype.size() as i64
    }
}

/// A strided window on a buffer, in elements of the buffer's type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// The buffer.
    pub buffer: BufferId,
    /// First element.
    pub offset: Dim,
    /// Sizes.
    pub shape: Vec<Dim>,
    /// Distances in elements.
    pub strides: Vec<Dim>,
}

impl View {
    /// A whole buffer in C order.
    pub fn contiguous(buffer: BufferId, shape: &[Dim]) -> View {
        View { buffer, offset: 0.into(), shape: shape.to_vec(), strides: contiguous_strides(shape) }
    }

    /// True if the elements are in C order without gaps (as expressions; axes of size 1 have any stride).
    pub fn is_contiguous(&self) -> bool {
        let want = contiguous_strides(&self.shape);
        self.shape.iter().zip(&self.strides).zip(&want).all(|((n, s), w)| n.is(1) || s == w)
    }
}

/// Strides of a C-ordered array, in elements.
pub fn contiguous_strides(shape: &[Dim]) -> Vec<Dim> {
    let mut strides = vec![Dim::constant(1); shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = &strides[axis] * &shape[axis];
    }
    strides
}

/// One run of a kernel.
#[derive(Clone, PartialEq, Debug)]
pub struct Launch {
    /// Position in [`Plan::kernels`].
    pub kernel: usize,
    /// One view per buffer parameter. For a complex buffer the parameter has one more axis, of stride 1.
    pub args: Vec<View>,
    /// One expression per size parameter.
    pub sizes: Vec<Dim>,
    /// Range of the parallel loop, `0..parallel`; 1 without one.
    pub parallel: Dim,
    /// Estimated cost of one parallel iteration, in `f64` additions.
    pub cost: Dim,
    /// For reports.
    pub origin: Origin,
}

/// A call of a routine that frit does not generate (matrix product, factorization, transform, sort).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LibraryCall {
    /// The op.
    pub op: Op,
    /// Its attributes.
    pub attrs: Attrs,
    /// Operands, any strides.
    pub inputs: Vec<View>,
    /// Results, contiguous.
    pub outputs: Vec<View>,
    /// For reports.
    pub origin: Origin,
}

/// A step of a plan.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// Takes a buffer's memory from the pool.
    Alloc(BufferId),
    /// Gives it back.
    Free(BufferId),
    /// Runs a kernel.
    Launch(Launch),
    /// Calls a library routine, with a workspace that the runtime allocates for the call.
    Library(LibraryCall),
    /// Exchanges the memory of two buffers of equal size and type.
    Swap(BufferId, BufferId),
    /// A loop whose body is too large or too parallel for one kernel.
    For {
        /// Index symbol.
        index: Symbol,
        /// First index.
        lo: Dim,
        /// End, exclusive.
        hi: Dim,
        /// Body.
        body: Vec<Step>,
    },
    /// Runs `cond`, then `body` and `cond` again, while the `bool` in `test` is true.
    While {
        /// Steps that fill `test`.
        cond: Vec<Step>,
        /// A 0-d `bool`.
        test: View,
        /// Body.
        body: Vec<Step>,
    },
    /// Runs one of two lists of steps.
    If {
        /// A 0-d `bool`.
        test: View,
        /// If true.
        then: Vec<Step>,
        /// If false.
        otherwise: Vec<Step>,
    },
}

/// A program over buffers.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Name, for people.
    pub name: Arc<str>,
    /// Parameters.
    pub inputs: Vec<PlanInput>,
    /// Buffers.
    pub buffers: Vec<Buffer>,
    /// Kernels, each used by at least one launch.
    pub kernels: Vec<Arc<Kernel>>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// Results. A result may be a view of an input or of a constant; the frontend copies it then.
    pub outputs: Vec<View>,
}

impl Plan {
    /// A buffer.
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        &self.buffers[id.0 as usize]
    }
}
