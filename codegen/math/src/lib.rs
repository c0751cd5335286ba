//! Vector math routines with run-time CPU dispatch.
//!
//! Kernels compiled at run time call a *block routine* for each `exp`, `sin` or `pow` over a tile of elements. The
//! routines are compiled ahead of time for several instruction sets ([`Isa`]); [`Func`] is the table that names
//! them, states their accuracy and hands out their addresses.
//!
//! ```
//! use frit_math::Func;
//!
//! assert_eq!(Func::Exp.eval1_f64(0.0), 1.0);
//! assert_eq!(Func::from_name("pow"), Some(Func::Pow));
//! ```

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
