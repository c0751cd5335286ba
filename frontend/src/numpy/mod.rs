//! The NumPy namespace as functions from values to values, over [`frit_ir::build::Builder`].
//!
//! This is the one place that says what a NumPy function means in terms of the op table; [`crate::Array`]'s methods
//! and every other frontend wrap it. Functions take the graph's builder first, arrays as [`Value`]s, and keep
//! NumPy's argument order, defaults, result types and error texts. Nothing here looks at data: shapes of results
//! depend on shapes of operands only, and functions whose result's size depends on data (`nonzero`, `unique`,
//! `x[mask]`) are not here.
//!
//! ```
//! use frit::{DType, numpy};
//! use frit_ir::{TensorType, build::Builder};
//! let mut b = Builder::new("f");
//! let x = b.input("x", TensorType::fixed(DType::F64, &[3, 4]));
//! let y = numpy::einsum(&mut b, "ij,kj->ik", &[x, x]).unwrap();
//! assert_eq!(b.ty(y).to_string(), "f64[3, 3]");
//! ```

mod calculus;
mod creation;
mod einsum;
mod elementwise;
pub mod fft;
mod indexing;
pub mod linalg;
mod manipulation;
mod padding;
mod products;
mod quantiles;
mod reductions;
mod sorting;
mod statistics;
mod taking;
mod window;

pub use calculus::*;
pub use creation::*;
pub use einsum::einsum;
pub use elementwise::*;
pub use indexing::*;
pub use manipulation::*;
pub use padding::{PadMode, pad};
pub use products::*;
pub use quantiles::*;
pub use reductions::*;
pub use sorting::*;
pub use statistics::*;
pub use taking::*;
pub use window::*;

use frit_ir::build::{Builder, Operand};
use frit_ir::error::{Cause, TypeError};
use frit_ir::{DType, Dim, Op, Scalar, Value};

/// A value, or why the operands do not fit.
pub type Built = Result<Value, TypeError>;

/// What stands beside an array in an expression: a value of the graph, or a number that never widens it.
pub trait Arg {
    /// As the builder takes it.
    fn operand(self) -> Operand;
}

impl Arg for Value {
    fn operand(self) -> Operand {
        Operand::Value(self)
    }
}

impl Arg for Operand {
    fn operand(self) -> Operand {
        self
    }
}

impl Arg for Scalar {
    fn operand(self) -> Operand {
        Operand::Weak(self)
    }
}

impl Arg for f64 {
    fn operand(self) -> Operand {
        Operand::Weak(Scalar::from_f64(DType::F64, self))
    }
}

impl Arg for i64 {
    fn operand(self) -> Operand {
        Operand::Weak(Scalar::from_i64(DType::I64, self))
    }
}

/// A unary elementwise op.
pub(crate) fn un(b: &mut Builder, op: Op, x: impl Arg) -> Built {
    b.elementwise(op, &[x.operand()])
}

/// A binary elementwise op.
pub(crate) fn bin(b: &mut Builder, op: Op, x: impl Arg, y: impl Arg) -> Built {
    b.elementwise(op, &[x.operand(), y.operand()])
}

/// `where(c, x, y)`.
pub(crate) fn choose(b: &mut Builder, c: Value, x: impl Arg, y: impl Arg) -> Built {
    b.elementwise(Op::Where, &[c.into(), x.operand(), y.operand()])
}

/// An error that states cause and fix.
pub(crate) fn invalid<T>(b: &Builder, op: Op, why: impl Into<String>) -> Result<T, TypeError> {
    Err(b.error(op, Cause::Value(why.into())))
}

/// One non-negative axis of a value.
pub(crate) fn axis_of(b: &Builder, op: Op, x: Value, axis: i64) -> Result<usize, TypeError> {
    b.axis(op, b.ty(x).rank(), axis).map(|a| a as usize)
}

/// An operand as an array: numbers get their own type (`float64`, `int64`).
pub fn asarray(b: &mut Builder, x: impl Arg) -> Value {
    match x.operand() {
        Operand::Value(v) => v,
        Operand::Weak(s) => b.constant(s),
    }
}

/// Integers and bool become `float64`.
pub(crate) fn inexact(b: &mut Builder, x: Value) -> Built {
    if b.dtype(x).is_inexact() { Ok(x) } else { b.cast(x, DType::F64) }
}

/// A size as a number of a type.
pub(crate) fn size_as(b: &mut Builder, n: &Dim, dtype: DType) -> Built {
    let v = b.dim_value(n);
    b.cast(v, dtype)
}

/// The constant that a size is, or an error: for functions that must write one operation per element.
pub(crate) fn constant_size(b: &Builder, op: Op, n: &Dim, what: &str) -> Result<i64, TypeError> {
    match n.as_const() {
        Some(v) => Ok(v),
        None => invalid(b, op, format!("{what} must be a constant size, not `{n}`")),
    }
}
