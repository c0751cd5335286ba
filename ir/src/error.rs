//! Errors of the IR: typing, verification, text.

use crate::dtype::DType;
use crate::graph::TensorType;
use crate::loc::Loc;
use crate::ops::Op;
use std::fmt;

/// Why an operation cannot be applied, with NumPy's wording where NumPy has one.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{op}: {cause}")]
pub struct TypeError {
    /// The operation.
    pub op: Op,
    /// What is wrong.
    pub cause: Cause,
    /// The user's line.
    pub loc: Loc,
}

/// What is wrong with an operation's operands or attributes.
#[derive(Clone, PartialEq, Debug)]
pub enum Cause {
    /// Shapes do not broadcast.
    Broadcast(Vec<TensorType>),
    /// An axis is outside `-rank..rank`.
    Axis {
        /// As given.
        axis: i64,
        /// Number of axes.
        rank: usize,
    },
    /// An axis is named twice.
    RepeatedAxis(i64),
    /// The element types are not taken.
    DTypes(Vec<DType>),
    /// The operation would need float16.
    Float16(DType),
    /// Wrong number of operands.
    Arity {
        /// What the op takes.
        want: String,
        /// What it got.
        got: usize,
    },
    /// An attribute is missing, unknown, or of the wrong type.
    Attribute(String),
    /// Shapes do not fit the operation.
    Shape(String),
    /// Anything else: an invalid value, an unsupported combination. States cause and fix.
    Value(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Broadcast(types) => {
                f.write_str("operands could not be broadcast together with shapes")?;
                for t in types {
                    let dims: Vec<String> = t.shape.iter().map(|d| d.to_string()).collect();
                    let comma = if dims.len() == 1 { "," } else { "" };
                    write!(f, " ({}{comma})", dims.join(","))?;
                }
                Ok(())
            }
            Cause::Axis { axis, rank } => {
                write!(f, "axis {axis} is out of bounds for array of dimension {rank}")
            }
            Cause::RepeatedAxis(axis) => write!(f, "repeated axis {axis}"),
            Cause::DTypes(types) => {
                let names: Vec<&str> = types.iter().map(|t| t.numpy_name()).collect();
                write!(f, "not supported for the input types ({})", names.join(", "))
            }
            Cause::Float16(t) => write!(
                f,
                "gives float16 for {}, which is not supported; cast the operand to float32 or float64 first",
                t.numpy_name()
            ),
            Cause::Arity { want, got } => write!(f, "takes {want} operands but {got} were given"),
            Cause::Attribute(s) | Cause::Shape(s) | Cause::Value(s) => f.write_str(s),
        }
    }
}

impl TypeError {
    /// A new error without a location.
    pub fn new(op: Op, cause: Cause) -> TypeError {
        TypeError { op, cause, loc: Loc::NONE }
    }

    /// Fills the location if it has none.
    pub fn at(mut self, loc: &Loc) -> TypeError {
        if self.loc == Loc::NONE {
            self.loc = loc.clone();
        }
        self
    }
}

/// A broken invariant, found by a verifier.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {what}")]
pub struct VerifyError {
    /// Node, statement or step, as the text format names it.
    pub place: String,
    /// The invariant that does not hold.
    pub what: String,
}

/// Text that does not parse.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What was expected or found.
    pub what: String,
}
