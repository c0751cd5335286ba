//! Vector math routines with run-time CPU dispatch.
//!
//! Kernels compiled at run time call a *block routine* for each `exp`, `sin` or `pow` over a tile of elements. The
//! routines are compiled ahead of time for several instruction sets ([`Isa`]); [`Func`] is the table that names
//! them, states their accuracy and cost, and hands out their addresses.
//!
//! ```
//! use frit_math::{Func, Unary};
//!
//! assert_eq!(Func::Exp.eval1_f64(0.0), 1.0);
//! assert_eq!(Func::from_name("pow"), Some(Func::Pow));
//!
//! // SAFETY: the address is that of a block routine of one `f64` operand.
//! let sqrt: Unary<f64> = unsafe { std::mem::transmute(Func::Sqrt.block_f64()) };
//! let mut values = [1.0, 4.0, 9.0];
//! // SAFETY: source and destination are the same three elements.
//! unsafe { sqrt(values.as_mut_ptr(), values.as_ptr(), values.len()) };
//! assert_eq!(values, [1.0, 2.0, 3.0]);
//! ```
//!
//! # What a routine promises
//!
//! - The error is below the table's bound: at most 1 ulp for `f64`, 2 for `f32`.
//! - Special values are those of C99 and NumPy: NaN, infinities, the sign of zero, subnormals.
//! - An element's result depends on its operands only, not on its position or the block's length, and the scalar
//!   routine gives the same bits. AVX2 and AVX-512 share one algorithm and so all bits; the x86-64 baseline, which has no
//!   fused multiply-add, calls a scalar library and may differ in the last one.
//!
//! # How it is built
//!
//! One module per family holds the algorithms, as branch-free code for one element; `dispatch` turns each into vector
//! loops. Operands that this code gets wrong or cannot afford (subnormals, huge angles, results about to overflow) are
//! *rare*: the block routine looks for them afterwards and recomputes them one by one.
//!
//! To add a function: implement the kernel trait for a marker type in its family's module, add one row to the table in
//! `func`, and one name to each list that the compiler or the tests then ask for.

mod arc;
mod dispatch;
mod erf;
mod exp;
mod func;
mod hardware;
mod hyperbolic;
mod isa;
mod library;
mod log;
mod num;
mod power;
mod trig;

pub use dispatch::{Binary, Unary};
pub use func::Func;
pub use isa::Isa;
