//! Elements by position lists: `take`, `take_along_axis`, `choose`, `select` and their inverses.

use super::indexing::scatter;
use super::{Arg, Built, Update, asarray, axis_of, bin, choose, invalid};
use frit_ir::build::Builder;
use frit_ir::error::{Cause, TypeError};
use frit_ir::infer::broadcast_shapes;
use frit_ir::{DType, Dim, Op, Value};

/// What `take` does with positions outside the axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TakeMode {
    /// The call fails.
    Raise,
    /// They count modulo the size.
    Wrap,
    /// They become the nearest valid position; negative ones become 0.
    Clip,
}

/// Elements at integer positions along an axis, or of the flattened array.
pub fn take(b: &mut Builder, x: Value, at: Value, axis: Option<i64>, mode: TakeMode) -> Built {
    let (x, axis) = match axis {
        Some(a) => (x, axis_of(b, Op::Gather, x, a)?),
        None => (super::ravel(b, x)?, 0),
    };
    let n = b.shape(x)[axis].clone();
    if !b.dtype(at).is_int() {
        return invalid(b, Op::Gather, "arrays used as indices must be of integer type");
    }
    let at = inside(b, at, &n, mode)?;
    b.take(x, at, axis as i64)
}

/// Positions brought into `0..n` by a mode; `Raise` leaves them to be checked.
fn inside(b: &mut Builder, at: Value, n: &Dim, mode: TakeMode) -> Built {
    match mode {
        TakeMode::Raise => Ok(at),
        TakeMode::Wrap => {
            let at = b.cast(at, DType::I64)?;
            let n = b.dim_value(n);
            bin(b, Op::Remainder, at, n)
        }
        TakeMode::Clip => {
            let at = b.cast(at, DType::I64)?;
            let last = b.dim_value(&(n - 1));
            let low = bin(b, Op::Maximum, at, 0)?;
            bin(b, Op::Minimum, low, last)
        }
    }
}

/// One index array per axis: `at` on one of them, the own position on the others.
fn along(b: &mut Builder, x: Value, at: Value, axis: usize) -> Result<(Vec<i64>, Vec<Value>), TypeError> {
    let rank = b.ty(x).rank();
    if b.ty(at).rank() != rank {
        return invalid(b, Op::Gather, "`indices` and `arr` must have the same number of dimensions");
    }
    if !b.dtype(at).is_int() {
        return invalid(b, Op::Gather, "`indices` must be an integer array");
    }
    let shape = b.shape(x).to_vec();
    let mut all = Vec::with_capacity(rank);
    for (k, n) in shape.iter().enumerate() {
        if k == axis {
            all.push(at);
        } else {
            let i = b.iota(std::slice::from_ref(n), 0, DType::I64)?;
            all.push(super::creation::along_axis(b, i, k, rank)?);
        }
    }
    Ok(((0..rank as i64).collect(), all))
}

/// `x[.., at[.., k, ..], ..]` along an axis, one position list per row.
pub fn take_along_axis(b: &mut Builder, x: Value, at: Value, axis: i64) -> Built {
    let axis = axis_of(b, Op::Gather, x, axis)?;
    let (axes, all) = along(b, x, at, axis)?;
    b.gather(x, &axes, &all)
}

/// `x` with the elements that [`take_along_axis`] would read replaced.
pub fn put_along_axis(b: &mut Builder, x: Value, at: Value, v: impl Arg, axis: i64) -> Built {
    let axis = axis_of(b, Op::Scatter, x, axis)?;
    let v = asarray(b, v);
    let v = b.cast(v, b.dtype(x))?;
    let (axes, all) = along(b, x, at, axis)?;
    let shapes: Vec<&[Dim]> = all.iter().map(|i| b.shape(*i)).collect();
    let Some(shape) = broadcast_shapes(&shapes) else {
        let types = all.iter().map(|i| b.ty(*i).clone()).collect();
        return Err(b.error(Op::Scatter, Cause::Broadcast(types)));
    };
    let v = b.broadcast_to(v, &shape)?;
    scatter(b, x, v, &axes, &all, Update::Set)
}

/// `choices[at]`, element by element; `at` holds positions in the list, and all broadcast together.
pub fn choose_from(b: &mut Builder, at: Value, choices: &[Value], mode: TakeMode) -> Built {
    if choices.is_empty() {
        return invalid(b, Op::Gather, "must supply at least one choice");
    }
    if !b.dtype(at).is_int() && b.dtype(at) != DType::Bool {
        return invalid(b, Op::Gather, "the selector must be an array of integers");
    }
    let at = b.cast(at, DType::I64)?;
    let xs = b.common(choices)?;
    let mut all = vec![at];
    all.extend(xs);
    let mut all = b.broadcast_arrays(&all)?;
    let at = all.remove(0);
    let n = Dim::from(choices.len() as i64);
    let at = match mode {
        TakeMode::Raise => at,
        _ => inside(b, at, &n, mode)?,
    };
    // One gather from the choices stacked checks positions; NumPy does not count negative ones from the end.
    let stacked = super::stack(b, &all, 0)?;
    let rank = b.ty(at).rank();
    let shape = b.shape(at).to_vec();
    let at = if mode == TakeMode::Raise {
        let negative = bin(b, Op::Less, at, 0)?;
        let beyond = b.dim_value(&n);
        choose(b, negative, beyond, at)?
    } else {
        at
    };
    let mut places = vec![at];
    for (k, n) in shape.iter().enumerate() {
        let i = b.iota(std::slice::from_ref(n), 0, DType::I64)?;
        places.push(super::creation::along_axis(b, i, k, rank)?);
    }
    b.gather(stacked, &(0..=rank as i64).collect::<Vec<_>>(), &places)
}

/// `x` with `v` where the mask is true (`putmask` and `copyto(.., where=)` for values that broadcast).
pub fn copyto(b: &mut Builder, x: Value, v: impl Arg, mask: Value) -> Built {
    let v = asarray(b, v);
    let v = b.cast(v, b.dtype(x))?;
    let shape = b.shape(x).to_vec();
    let (v, mask) = (b.broadcast_to(v, &shape)?, b.broadcast_to(mask, &shape)?);
    choose(b, mask, v, x)
}

/// The first choice whose condition holds, else `default`.
pub fn select<A: Arg + Copy>(b: &mut Builder, conditions: &[A], choices: &[A], default: impl Arg) -> Built {
    if conditions.len() != choices.len() || choices.is_empty() {
        return invalid(
            b,
            Op::Where,
            "list of cases must be same length as list of conditions, and not empty",
        );
    }
    let mut r = default.operand();
    for (c, x) in conditions.iter().zip(choices).rev() {
        let c = asarray(b, *c);
        if b.dtype(c) != DType::Bool {
            return invalid(b, Op::Where, "invalid entry in condlist: should be boolean ndarray");
        }
        r = choose(b, c, *x, r)?.into();
    }
    Ok(asarray(b, r))
}
