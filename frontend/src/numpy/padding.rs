//! `pad`.

use super::{Built, bin, choose, invalid, un};
use frit_ir::build::Builder;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice, Value};

/// What lies around a padded array.
#[derive(Clone, PartialEq, Debug)]
pub enum PadMode {
    /// A number.
    Constant(Scalar),
    /// The border element.
    Edge,
    /// The mirror image, border not repeated.
    Reflect,
    /// The mirror image, border repeated.
    Symmetric,
    /// The array again.
    Wrap,
    /// A straight line from the border element to a number.
    LinearRamp(Scalar),
    /// The largest of the border's elements: as many as given, or all along the axis.
    Maximum(Option<i64>),
    /// Their mean, rounded for integers.
    Mean(Option<i64>),
    /// Their median, rounded for integers.
    Median(Option<i64>),
    /// The smallest of them.
    Minimum(Option<i64>),
    /// Anything; here zeros.
    Empty,
}

impl PadMode {
    /// By NumPy's name, with NumPy's defaults.
    pub fn from_name(name: &str) -> Option<PadMode> {
        Some(match name {
            "constant" => PadMode::Constant(Scalar::zero(DType::I64)),
            "edge" => PadMode::Edge,
            "reflect" => PadMode::Reflect,
            "symmetric" => PadMode::Symmetric,
            "wrap" => PadMode::Wrap,
            "linear_ramp" => PadMode::LinearRamp(Scalar::zero(DType::I64)),
            "maximum" => PadMode::Maximum(None),
            "mean" => PadMode::Mean(None),
            "median" => PadMode::Median(None),
            "minimum" => PadMode::Minimum(None),
            "empty" => PadMode::Empty,
            _ => return None,
        })
    }
}

/// `x` with (before, after) elements added along each axis; one pair serves all axes.
pub fn pad(b: &mut Builder, x: Value, widths: &[(Dim, Dim)], mode: &PadMode) -> Built {
    let rank = b.ty(x).rank();
    if widths.len() != rank && widths.len() != 1 {
        return invalid(b, Op::Pad, format!("{} pairs of widths for {rank} axes", widths.len()));
    }
    if widths.iter().any(|(l, h)| [l, h].iter().any(|w| w.as_const().is_some_and(|v| v < 0))) {
        return invalid(b, Op::Pad, "index can't contain negative values");
    }
    let width = |k: usize| &widths[if widths.len() == 1 { 0 } else { k }];
    let constant = match mode {
        PadMode::Constant(c) => Some(*c),
        PadMode::Empty => Some(Scalar::zero(DType::I64)),
        _ => None,
    };
    if let Some(c) = constant {
        if (0..rank).all(|k| width(k).0.is(0) && width(k).1.is(0)) {
            return Ok(x);
        }
        let fill = b.constant(c.cast(b.dtype(x)));
        let low = (0..rank).map(|k| width(k).0.clone()).collect();
        let high = (0..rank).map(|k| width(k).1.clone()).collect();
        let attrs = Attrs::new([(Key::PadHigh, Attr::Dims(high)), (Key::PadLow, Attr::Dims(low))]);
        return b.node(Op::Pad, attrs, &[x, fill]);
    }
    let mut x = x;
    for k in 0..rank {
        let (low, high) = width(k);
        if low.is(0) && high.is(0) {
            continue;
        }
        let n = b.shape(x)[k].clone();
        if n.is(0) {
            return invalid(
                b,
                Op::Pad,
                format!("can't extend empty axis {k} using modes other than 'constant' or 'empty'"),
            );
        }
        x = match mode {
            PadMode::Maximum(length) => statistic(b, x, k, width(k), *length, Op::Max)?,
            PadMode::Minimum(length) => statistic(b, x, k, width(k), *length, Op::Min)?,
            PadMode::Mean(length) => statistic(b, x, k, width(k), *length, Op::Mean)?,
            PadMode::Median(length) => statistic(b, x, k, width(k), *length, Op::Sort)?,
            PadMode::LinearRamp(end) => {
                let (first, last) = (window(b, x, k, 0, 1)?, window(b, x, k, -1, 1)?);
                let before = ramp(b, first, k, low, *end)?;
                let after = ramp(b, last, k, high, *end)?;
                let after = super::flip(b, after, Some(&[k as i64]))?;
                b.concatenate(&[before, x, after], k as i64)?
            }
            _ => {
                let at = source_positions(b, &n, low, high, mode)?;
                b.take(x, at, k as i64)?
            }
        };
    }
    Ok(x)
}

/// `size` elements along an axis from `start`, which counts from the end if negative.
fn window(b: &mut Builder, x: Value, axis: usize, start: i64, size: i64) -> Built {
    let n = &b.shape(x)[axis];
    let start = if start < 0 { n + start } else { start.into() };
    b.slice_axis(x, axis, Slice { start, size: size.into(), step: 1 })
}

/// `x` between copies of a statistic of its first and its last elements (`Sort` stands for the median).
fn statistic(
    b: &mut Builder,
    x: Value,
    axis: usize,
    (low, high): &(Dim, Dim),
    length: Option<i64>,
    op: Op,
) -> Built {
    let t = b.dtype(x);
    let n = b.shape(x)[axis].clone();
    // Of more elements than there are, all count.
    let whole = |l: i64| n.as_const().is_some_and(|n| l >= n);
    let side = |b: &mut Builder, start: i64, count: &Dim| -> Built {
        let part = match length {
            Some(l) if l < 1 => {
                return invalid(b, Op::Pad, "stat_length of 0 yields no value for padding");
            }
            Some(l) if !whole(l) => window(b, x, axis, if start < 0 { -l } else { 0 }, l)?,
            _ => x,
        };
        let axes = [axis as i64];
        let s = match op {
            Op::Sort => super::median(b, part, Some(&axes), true)?,
            op => b.reduce(op, part, Some(&axes), true)?,
        };
        let s = if t.is_float() || t.is_complex() || b.dtype(s) == t { s } else { un(b, Op::Rint, s)? };
        let s = b.cast(s, t)?;
        let mut shape = b.shape(s).to_vec();
        shape[axis] = count.clone();
        b.broadcast_to(s, &shape)
    };
    let (before, after) = (side(b, 0, low)?, side(b, -1, high)?);
    b.concatenate(&[before, x, after], axis as i64)
}

/// `count` steps from `end` toward an edge, which they do not reach; integers are rounded down.
fn ramp(b: &mut Builder, edge: Value, axis: usize, count: &Dim, end: Scalar) -> Built {
    let t = b.dtype(edge);
    let work = if t.is_inexact() { t } else { DType::F64 };
    let edge = b.cast(edge, work)?;
    let end = b.constant(end.cast(work));
    let delta = bin(b, Op::Subtract, edge, end)?;
    let i = b.iota(std::slice::from_ref(count), 0, work.real())?;
    let rank = b.ty(edge).rank();
    let i = super::creation::along_axis(b, i, axis, rank)?;
    let n = super::size_as(b, count, work.real())?;
    let step = bin(b, Op::Divide, delta, n)?;
    let y = bin(b, Op::Multiply, i, step)?;
    let y = bin(b, Op::Add, y, end)?;
    let y = if t.is_inexact() { y } else { un(b, Op::Floor, y)? };
    b.cast(y, t)
}

/// For each place of the padded axis, the position in the source that it shows.
fn source_positions(b: &mut Builder, n: &Dim, low: &Dim, high: &Dim, mode: &PadMode) -> Built {
    let i = b.iota(&[low + n + high], 0, DType::I64)?;
    let low = b.dim_value(low);
    let i = bin(b, Op::Subtract, i, low)?;
    let size = b.dim_value(n);
    match mode {
        PadMode::Edge => {
            let last = bin(b, Op::Subtract, size, 1)?;
            let i = bin(b, Op::Maximum, i, 0)?;
            bin(b, Op::Minimum, i, last)
        }
        PadMode::Wrap => bin(b, Op::Remainder, i, size),
        PadMode::Reflect => {
            // 0 1 2 | 1: a zigzag of period 2 (n - 1); a single element repeats.
            let period = bin(b, Op::Subtract, size, 1)?;
            let period = bin(b, Op::Multiply, period, 2)?;
            let period = bin(b, Op::Maximum, period, 1)?;
            let half = bin(b, Op::FloorDivide, period, 2)?;
            let j = bin(b, Op::Remainder, i, period)?;
            let from_middle = bin(b, Op::Subtract, j, half)?;
            let from_middle = un(b, Op::Absolute, from_middle)?;
            bin(b, Op::Subtract, half, from_middle)
        }
        PadMode::Symmetric => {
            let period = bin(b, Op::Multiply, size, 2)?;
            let j = bin(b, Op::Remainder, i, period)?;
            let mirrored = bin(b, Op::Subtract, period, j)?;
            let mirrored = bin(b, Op::Subtract, mirrored, 1)?;
            let inside = bin(b, Op::Less, j, size)?;
            choose(b, inside, j, mirrored)
        }
        _ => invalid(b, Op::Pad, "shows no elements of the array"),
    }
}
