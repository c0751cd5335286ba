//! The op table: one row per operation, and the types of a row.
//!
//! The rows are in [`table`]; bodies longer than a line in `body`, complex ones in `complex`, what reductions
//! combine with in `combine`, decompositions of composite ops in `expand`. Nothing else in frit lists the operations.

mod body;
mod combine;
mod complex;
mod expand;
pub mod table;

use crate::attrs::{Attrs, Key};
use crate::build::Builder;
use crate::dtype::{DType, Kind};
use crate::error::TypeError;
use crate::graph::{TensorType, Value};
use crate::prim::{Body, ScalarFn, Val};
use std::fmt;

pub use combine::Combine;
pub use complex::C;
pub use table::Op;

/// What kind of thing an op is: decides how it is inferred, lowered and printed in tables.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Class {
    /// No array operand.
    Source,
    /// A scalar body applied to broadcast operands.
    Elementwise,
    /// Combines along axes.
    Reduce,
    /// Running combination along an axis.
    Cumulative,
    /// The same elements at other positions: an index map, never a copy by itself.
    View,
    /// Elements taken from, or put into, several places.
    Movement,
    /// A routine that frit does not generate.
    Library,
    /// Control flow with nested graphs.
    Region,
    /// Defined by other ops; gone after the `expand` pass.
    Composite,
}

/// A set of [`Kind`]s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kinds(pub u8);

impl Kinds {
    /// Membership.
    pub const fn has(self, k: Kind) -> bool {
        self.0 >> (k as u8) & 1 == 1
    }
    /// Union.
    pub const fn or(self, o: Kinds) -> Kinds {
        Kinds(self.0 | o.0)
    }
}

/// Bool.
pub const B: Kinds = Kinds(1);
/// Signed and unsigned integers.
pub const I: Kinds = Kinds(2 | 4);
/// Real floats.
pub const F: Kinds = Kinds(8);
/// Complex.
pub const CX: Kinds = Kinds(16);

/// The type in which an elementwise op works, given NumPy's `result_type` of its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promote {
    /// The common type.
    Common,
    /// The common type; integers and bool become `float64` (true division).
    Float64,
    /// The common type; integers become the float that holds them (`float64` from 32 bits).
    Float,
    /// Bool, whatever the operands.
    Bool,
    /// The condition is bool, the others have their common type.
    Where,
    /// A float and an integer (`ldexp`).
    FloatInt,
}

/// Result type of an elementwise op.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Gives {
    Same,
    Bool,
    /// The real type of a complex operand.
    Real,
    Int32,
    /// The `dtype` attribute.
    Attribute,
}

/// From where a test draws operands of an elementwise op.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Domain {
    /// Everything, special values included.
    All,
    /// Everything, but accuracy is stated for `-1..=1`.
    Unit,
    /// Everything, but accuracy is stated for values of moderate size (`|x| < 700`).
    Moderate,
    /// Small non-negative integers for the last operand (shifts, integer powers).
    SmallSecond,
}

/// The body of an elementwise op over real scalars.
pub type BodyFn = fn(&mut Body<'_>, &[Val]) -> Val;
/// The same over complex scalars; a real result leaves the imaginary part unused.
pub type ComplexFn = fn(&mut Body<'_>, &[C]) -> C;
/// Shapes and types of the results.
pub type InferFn = fn(Op, &Attrs, &[&TensorType]) -> Result<Vec<TensorType>, TypeError>;
/// The decomposition of a composite op.
pub type ExpandFn = fn(&mut Builder, &Attrs, &[Value]) -> Result<Vec<Value>, TypeError>;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct OpDef {
    /// Mnemonic in text and JSON.
    pub name: &'static str,
    /// NumPy's function, or empty.
    pub numpy: &'static str,
    /// Class.
    pub class: Class,
    /// Fewest operands.
    pub min_inputs: usize,
    /// Most operands.
    pub max_inputs: usize,
    /// Attributes: key, and whether it must be present.
    pub attrs: &'static [(Key, bool)],
    /// Shape and type rule.
    pub infer: InferFn,
    /// Operand kinds of an elementwise op or reduction.
    pub takes: Kinds,
    /// Type in which an elementwise op works.
    pub promote: Promote,
    /// Result type of an elementwise op.
    pub gives: Gives,
    /// Elementwise body, real.
    pub body: Option<BodyFn>,
    /// Elementwise body, complex.
    pub complex: Option<ComplexFn>,
    /// Reduction or cumulation.
    pub combine: Option<Combine>,
    /// Decomposition of a composite.
    pub expand: Option<ExpandFn>,
    /// `f(a, b) == f(b, a)`, bit for bit.
    pub commutative: bool,
    /// The operand of a library op that its routine can write the result over, if it is laid out as the result is.
    pub overwrites: Option<usize>,
    /// From where tests draw operands.
    pub domain: Domain,
    /// Greatest error in units in the last place, `[f32, f64]`; 0 is bit-equal.
    pub ulp: [f64; 2],
    /// One line for the docs table.
    pub doc: &'static str,
}

impl Op {
    /// The row.
    pub fn def(self) -> &'static OpDef {
        &table::ROWS[self as usize]
    }

    /// The mnemonic.
    pub fn name(self) -> &'static str {
        self.def().name
    }

    /// The inverse of [`Op::name`].
    pub fn from_name(name: &str) -> Option<Op> {
        Op::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// The class.
    pub fn class(self) -> Class {
        self.def().class
    }

    /// The scalar function of an elementwise op on operands of the given types: complex operands and results are
    /// pairs (real, imaginary) of parameters and results.
    pub fn scalar_fn(self, operands: &[DType], result: DType) -> ScalarFn {
        let def = self.def();
        let mut params = Vec::new();
        for t in operands {
            params.push(t.real());
            if t.is_complex() {
                params.push(t.real());
            }
        }
        ScalarFn::build(&params, |b, args| {
            if self == Op::Cast {
                return body::cast(b, args, operands[0], result);
            }
            if self == Op::MakeComplex {
                return args.to_vec();
            }
            if !operands.iter().any(|t| t.is_complex()) {
                let f = def.body.unwrap_or_else(|| panic!("{} has no real body", def.name));
                return vec![f(b, args)];
            }
            let mut rest = args.iter();
            let pairs: Vec<C> = operands
                .iter()
                .map(|t| {
                    let re = *rest.next().expect("one parameter per part");
                    let im = if t.is_complex() { *rest.next().expect("one parameter per part") } else { re };
                    C { re, im }
                })
                .collect();
            let f = def.complex.unwrap_or_else(|| panic!("{} has no complex body", def.name));
            let c = f(b, &pairs);
            if result.is_complex() { vec![c.re, c.im] } else { vec![c.re] }
        })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
