//! placeholder
use crate::*;
/// placeholder
pub fn infer(_op: Op, _attrs: &Attrs, _inputs: &[&TensorType]) -> Result<Vec<TensorType>, error::TypeError> {
    Ok(vec![])
}
