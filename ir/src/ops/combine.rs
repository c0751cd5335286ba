//! What reductions and cumulations combine their elements with.

use super::Op;
use crate::dtype::{DType, Scalar};
use crate::prim::Prim;
use num_complex::Complex64;

/// The scalar combination of a reduction or cumulation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Combine {
    Add,
    Mul,
    Min,
    Max,
    And,
    Or,
    /// Position of the first smallest element (NaN counts as smallest).
    ArgMin,
    /// Position of the first largest element (NaN counts as largest).
    ArgMax,
}

impl Combine {
    /// The elementwise op that joins two partial results; `None` for positions, which are no partial results.
    pub fn op(self) -> Option<Op> {
        Some(match self {
            Combine::Add => Op::Add,
            Combine::Mul => Op::Multiply,
            Combine::Min => Op::Minimum,
            Combine::Max => Op::Maximum,
            Combine::And => Op::LogicalAnd,
            Combine::Or => Op::LogicalOr,
            Combine::ArgMin | Combine::ArgMax => return None,
        })
    }

    /// The primitive that joins two partial results of a real type; `None` for positions.
    pub fn prim(self) -> Option<Prim> {
        Some(match self {
            Combine::Add => Prim::Add,
            Combine::Mul => Prim::Mul,
            Combine::Min => Prim::Min,
            Combine::Max => Prim::Max,
            Combine::And => Prim::And,
            Combine::Or => Prim::Or,
            Combine::ArgMin | Combine::ArgMax => return None,
        })
    }

    /// The element that changes no partial result: of a minimum the greatest of its type. `None` for positions.
    pub fn identity(self, dtype: DType) -> Option<Scalar> {
        match self {
            Combine::Add | Combine::Or => Some(Scalar::zero(dtype)),
            Combine::Mul | Combine::And => Some(Scalar::one(dtype)),
            Combine::Min => Some(end(dtype, true)),
            Combine::Max => Some(end(dtype, false)),
            Combine::ArgMin | Combine::ArgMax => None,
        }
    }

    /// The extreme whose first position this gives.
    pub fn positional(self) -> Option<Combine> {
        match self {
            Combine::ArgMin => Some(Combine::Min),
            Combine::ArgMax => Some(Combine::Max),
            _ => None,
        }
    }
}

/// The greatest or the least element of a type.
fn end(dtype: DType, greatest: bool) -> Scalar {
    let infinity = if greatest { f64::INFINITY } else { f64::NEG_INFINITY };
    match dtype.int_range() {
        Some((_, hi)) if greatest && dtype == DType::U64 => Scalar::from_u64(dtype, hi as u64),
        Some((lo, hi)) => Scalar::from_i64(dtype, if greatest { hi } else { lo } as i64),
        // Complex numbers are ordered by their real part, then by the imaginary one.
        None if dtype.is_complex() => Scalar::complex(dtype, Complex64::new(infinity, infinity)),
        None => Scalar::from_f64(dtype, infinity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::scalar::ScalarOp;
    use Combine::*;

    #[test]
    fn identities_change_nothing() {
        for dtype in DType::ALL {
            for combine in [Add, Mul, Min, Max] {
                let (identity, op) = (combine.identity(dtype).unwrap(), combine.op().unwrap());
                for x in [Scalar::zero(dtype), Scalar::one(dtype), identity] {
                    assert_eq!(
                        ScalarOp::new(op, &[dtype; 2], dtype).apply(&[identity, x]),
                        x,
                        "{op} {dtype}"
                    );
                }
            }
        }
    }
}
