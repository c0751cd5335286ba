//! Order: sorting, searching, the largest few.

use super::{Built, axis_of, bin, invalid, un};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice, Value};

fn ordered(b: &mut Builder, op: Op, x: Value, axis: Option<i64>) -> Built {
    let (x, axis) = match axis {
        Some(a) => (x, axis_of(b, op, x, a)?),
        None => (super::ravel(b, x)?, 0),
    };
    b.node(op, Attrs::new([(Key::Axis, Attr::Int(axis as i64))]), &[x])
}

/// Ascending along an axis (flattened without one), NaN last.
pub fn sort(b: &mut Builder, x: Value, axis: Option<i64>) -> Built {
    ordered(b, Op::Sort, x, axis)
}

/// Positions that sort along an axis, stable.
pub fn argsort(b: &mut Builder, x: Value, axis: Option<i64>) -> Built {
    ordered(b, Op::Argsort, x, axis)
}

/// Positions that sort vectors (or rows along the last axis) by the last key, then by the one before it, and so on.
pub fn lexsort(b: &mut Builder, keys: &[Value]) -> Built {
    let Some((first, rest)) = keys.split_first() else {
        return invalid(b, Op::Argsort, "need sequence of keys with len > 0 in lexsort");
    };
    let mut order = argsort(b, *first, Some(-1))?;
    for key in rest {
        if b.shape(*key) != b.shape(*first) {
            return invalid(b, Op::Argsort, "all keys need to be the same shape");
        }
        // Stable: equal elements of a later key keep the order of the earlier ones.
        let sorted = super::take_along_axis(b, *key, order, -1)?;
        let at = argsort(b, sorted, Some(-1))?;
        order = super::take_along_axis(b, order, at, -1)?;
    }
    Ok(order)
}

/// Positions that sort from the largest to the smallest; equal elements keep their order, NaN first.
pub fn argsort_descending(b: &mut Builder, x: Value, axis: i64) -> Built {
    let axis = axis_of(b, Op::Argsort, x, axis)? as i64;
    // A stable ascending sort of the reversed array, read backward, is a stable descending one.
    let reversed = super::flip(b, x, Some(&[axis]))?;
    let at = argsort(b, reversed, Some(axis))?;
    let at = super::flip(b, at, Some(&[axis]))?;
    let last = b.shape(x)[axis as usize].clone() - 1;
    let last = b.dim_value(&last);
    bin(b, Op::Subtract, last, at)
}

/// Positions in a sorted vector before which `v` goes to keep it sorted; with `right`, after equal elements.
pub fn searchsorted(b: &mut Builder, sorted: Value, v: Value, right: bool) -> Built {
    if b.ty(sorted).rank() != 1 {
        return invalid(b, Op::Searchsorted, "object too deep for desired array");
    }
    let xs = b.common(&[sorted, v])?;
    let mode = if right { "right" } else { "left" };
    b.node(Op::Searchsorted, Attrs::new([(Key::Mode, Attr::Str(mode.into()))]), &xs)
}

/// The bin of each element between monotonic edges, increasing or decreasing.
pub fn digitize(b: &mut Builder, x: Value, edges: Value, right: bool) -> Built {
    if b.ty(edges).rank() != 1 {
        return invalid(b, Op::Searchsorted, "object too deep for desired array");
    }
    let n = b.shape(edges)[0].clone();
    let up = searchsorted(b, edges, x, !right)?;
    if n.as_const().is_some_and(|n| n < 2) {
        return Ok(up);
    }
    // The order of the edges is known only when the program runs.
    let backward = super::flip(b, edges, None)?;
    let down = searchsorted(b, backward, x, !right)?;
    let count = b.dim_value(&n);
    let down = bin(b, Op::Subtract, count, down)?;
    let first = super::getitem(b, edges, &[super::Index::At(0.into())])?;
    let last = super::getitem(b, edges, &[super::Index::At(&n - 1)])?;
    let decreasing = bin(b, Op::Greater, first, last)?;
    b.select(decreasing, down, up)
}

/// An order in which each of the first `kth` elements precedes the others: the sorted one, which is one of the
/// orders that NumPy's `partition` may give.
pub fn partition(b: &mut Builder, x: Value, axis: Option<i64>) -> Built {
    sort(b, x, axis)
}

/// Positions of [`partition`].
pub fn argpartition(b: &mut Builder, x: Value, axis: Option<i64>) -> Built {
    argsort(b, x, axis)
}

/// True where an element of `x` is among the elements of `others` (or, inverted, is not).
pub fn isin(b: &mut Builder, x: Value, others: Value, invert: bool) -> Built {
    let others = super::ravel(b, others)?;
    let xs = b.common(&[x, others])?;
    let (x, others) = (xs[0], xs[1]);
    let n = b.shape(others)[0].clone();
    if n.is(0) {
        let shape = b.shape(x).to_vec();
        return b.full(&shape, Scalar::bool(invert));
    }
    if b.dtype(x) == DType::Bool {
        // Few values: nothing to sort.
        let (has_true, all_true) =
            (b.reduce(Op::Any, others, None, false)?, b.reduce(Op::All, others, None, false)?);
        let has_false = un(b, Op::LogicalNot, all_true)?;
        let found = b.select(x, has_true, has_false)?;
        return if invert { un(b, Op::LogicalNot, found) } else { Ok(found) };
    }
    let sorted = sort(b, others, Some(0))?;
    let at = searchsorted(b, sorted, x, false)?;
    let last = b.dim_value(&(&n - 1));
    let at = bin(b, Op::Minimum, at, last)?;
    let nearest = b.gather(sorted, &[0], &[at])?;
    bin(b, if invert { Op::NotEqual } else { Op::Equal }, nearest, x)
}

/// The `k` largest elements along an axis, largest first, and their positions.
pub fn topk(b: &mut Builder, x: Value, k: &Dim, axis: i64) -> Result<[Value; 2], TypeError> {
    let axis = axis_of(b, Op::Argsort, x, axis)?;
    if let (Some(k), Some(n)) = (k.as_const(), b.shape(x)[axis].as_const())
        && (k < 0 || k > n)
    {
        return invalid(b, Op::Argsort, format!("k = {k} is out of range for an axis of size {n}"));
    }
    let at = argsort_descending(b, x, axis as i64)?;
    let at = b.slice_axis(at, axis, Slice { start: 0.into(), size: k.clone(), step: 1 })?;
    Ok([super::take_along_axis(b, x, at, axis as i64)?, at])
}
