//! `numpy.fft`: transforms along one or several axes, frequencies, shifts.

use super::{Built, bin, invalid, un};
use frit_ir::build::Builder;
use frit_ir::error::{Cause, TypeError};
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Value};

/// Which direction carries the factor `1 / n`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Norm {
    /// The inverse transform.
    #[default]
    Backward,
    /// The forward transform.
    Forward,
    /// Both, by `1 / sqrt(n)`.
    Ortho,
}

impl Norm {
    /// By NumPy's name.
    pub fn from_name(name: &str) -> Option<Norm> {
        Some(match name {
            "backward" => Norm::Backward,
            "forward" => Norm::Forward,
            "ortho" => Norm::Ortho,
            _ => return None,
        })
    }

    fn swapped(self) -> Norm {
        match self {
            Norm::Backward => Norm::Forward,
            Norm::Forward => Norm::Backward,
            Norm::Ortho => Norm::Ortho,
        }
    }
}

/// One transform of `n` points (by default the axis' size), zero-padded or cut to that length.
fn transform(b: &mut Builder, op: Op, x: Value, n: Option<&Dim>, axis: i64, norm: Norm) -> Built {
    let axis = b.axis(op, b.ty(x).rank(), axis)?;
    let t = b.dtype(x);
    let to = match op {
        Op::Rfft if t.is_complex() => return Err(b.error(op, Cause::DTypes(vec![t]))),
        Op::Rfft => {
            if t == DType::F32 {
                t
            } else {
                DType::F64
            }
        }
        _ => t.to_complex(),
    };
    let x = b.cast(x, to)?;
    let size = b.shape(x)[axis as usize].clone();
    let n = match n {
        Some(n) => n.clone(),
        None if op == Op::Irfft => (size - 1) * Dim::constant(2),
        None => size,
    };
    if n.as_const().is_some_and(|n| n < 1) {
        return invalid(b, op, format!("Invalid number of FFT data points ({n}) specified."));
    }
    let inverse = matches!(op, Op::Ifft | Op::Irfft);
    let scaled = match norm {
        Norm::Ortho => true,
        Norm::Backward => inverse,
        Norm::Forward => !inverse,
    };
    let factor = |n: f64| if norm == Norm::Ortho { 1.0 / n.sqrt() } else { 1.0 / n };
    let scale = if scaled { n.as_const().map_or(1.0, |n| factor(n as f64)) } else { 1.0 };
    let attrs = Attrs::new([
        (Key::Axis, Attr::Int(axis)),
        (Key::N, Attr::Dim(n.clone())),
        (Key::Scale, Attr::Scalar(Scalar::from_f64(DType::F64, scale))),
    ]);
    let y = b.node(op, attrs, &[x])?;
    if !scaled || n.as_const().is_some() {
        return Ok(y);
    }
    // A symbolic length: its factor is computed.
    let count = super::size_as(b, &n, b.dtype(y).real())?;
    let count = if norm == Norm::Ortho { un(b, Op::Sqrt, count)? } else { count };
    bin(b, Op::Divide, y, count)
}

/// Complex transform.
pub fn fft(b: &mut Builder, x: Value, n: Option<&Dim>, axis: i64, norm: Norm) -> Built {
    transform(b, Op::Fft, x, n, axis, norm)
}

/// Inverse complex transform.
pub fn ifft(b: &mut Builder, x: Value, n: Option<&Dim>, axis: i64, norm: Norm) -> Built {
    transform(b, Op::Ifft, x, n, axis, norm)
}

/// Transform of real data: the `n / 2 + 1` values that are not conjugates of others.
pub fn rfft(b: &mut Builder, x: Value, n: Option<&Dim>, axis: i64, norm: Norm) -> Built {
    transform(b, Op::Rfft, x, n, axis, norm)
}

/// Inverse of [`rfft`]: `n` real values, by default an even number.
pub fn irfft(b: &mut Builder, x: Value, n: Option<&Dim>, axis: i64, norm: Norm) -> Built {
    transform(b, Op::Irfft, x, n, axis, norm)
}

/// Transform of data with Hermitian symmetry: real.
pub fn hfft(b: &mut Builder, x: Value, n: Option<&Dim>, axis: i64, norm: Norm) -> Built {
    let x = b.cast(x, b.dtype(x).to_complex())?;
    let x = un(b, Op::Conjugate, x)?;
    irfft(b, x, n, axis, norm.swapped())
}

/// Inverse of [`hfft`].
pub fn ihfft(b: &mut Builder, x: Value, n: Option<&Dim>, axis: i64, norm: Norm) -> Built {
    let y = rfft(b, x, n, axis, norm.swapped())?;
    un(b, Op::Conjugate, y)
}

/// Axes and lengths of a transform along several axes.
fn plan(
    b: &Builder,
    op: Op,
    x: Value,
    s: Option<&[Dim]>,
    axes: Option<&[i64]>,
) -> Result<Vec<(i64, Option<Dim>)>, TypeError> {
    let rank = b.ty(x).rank() as i64;
    let all: Vec<i64> = match (axes, s) {
        (Some(a), _) => a.to_vec(),
        (None, Some(s)) => (rank - s.len() as i64..rank).collect(),
        (None, None) => (0..rank).collect(),
    };
    if s.is_some_and(|s| s.len() != all.len()) {
        return invalid(b, op, "Shape and axes have different lengths.");
    }
    Ok(all.iter().enumerate().map(|(k, a)| (*a, s.map(|s| s[k].clone()))).collect())
}

/// Complex transform (`Fft`) or its inverse (`Ifft`) along several axes, all by default.
pub fn fftn(b: &mut Builder, op: Op, x: Value, s: Option<&[Dim]>, axes: Option<&[i64]>, norm: Norm) -> Built {
    let mut x = x;
    for (axis, n) in plan(b, op, x, s, axes)?.iter().rev() {
        x = transform(b, op, x, n.as_ref(), *axis, norm)?;
    }
    Ok(x)
}

/// Transform of real data along several axes: real along the last one.
pub fn rfftn(b: &mut Builder, x: Value, s: Option<&[Dim]>, axes: Option<&[i64]>, norm: Norm) -> Built {
    let plan = plan(b, Op::Rfft, x, s, axes)?;
    let Some(((axis, n), rest)) = plan.split_last() else {
        return invalid(b, Op::Rfft, "at least 1 axis must be transformed");
    };
    let mut x = transform(b, Op::Rfft, x, n.as_ref(), *axis, norm)?;
    for (axis, n) in rest.iter().rev() {
        x = transform(b, Op::Fft, x, n.as_ref(), *axis, norm)?;
    }
    Ok(x)
}

/// Inverse of [`rfftn`].
pub fn irfftn(b: &mut Builder, x: Value, s: Option<&[Dim]>, axes: Option<&[i64]>, norm: Norm) -> Built {
    let plan = plan(b, Op::Irfft, x, s, axes)?;
    let Some(((axis, n), rest)) = plan.split_last() else {
        return invalid(b, Op::Irfft, "at least 1 axis must be transformed");
    };
    let mut x = x;
    for (axis, n) in rest {
        x = transform(b, Op::Ifft, x, n.as_ref(), *axis, norm)?;
    }
    transform(b, Op::Irfft, x, n.as_ref(), *axis, norm)
}

/// Sample frequencies of [`fft`] for a sample spacing.
pub fn fftfreq(b: &mut Builder, n: &Dim, d: f64) -> Built {
    let i = b.iota(std::slice::from_ref(n), 0, DType::I64)?;
    let positive = b.dim_value(&(n - 1).floor_div(&2.into()));
    let total = b.dim_value(n);
    let low = bin(b, Op::LessEqual, i, positive)?;
    let wrapped = bin(b, Op::Subtract, i, total)?;
    let k = super::choose(b, low, i, wrapped)?;
    frequencies(b, k, n, d)
}

/// Sample frequencies of [`rfft`].
pub fn rfftfreq(b: &mut Builder, n: &Dim, d: f64) -> Built {
    let k = b.iota(&[n.floor_div(&2.into()) + 1], 0, DType::I64)?;
    frequencies(b, k, n, d)
}

fn frequencies(b: &mut Builder, k: Value, n: &Dim, d: f64) -> Built {
    let n = super::size_as(b, n, DType::F64)?;
    let width = bin(b, Op::Multiply, n, d)?;
    let per = bin(b, Op::Divide, 1.0, width)?;
    bin(b, Op::Multiply, k, per)
}

/// The zero frequency moved to the middle, along all axes by default.
pub fn fftshift(b: &mut Builder, x: Value, axes: Option<&[i64]>) -> Built {
    shift(b, x, axes, |n| n.floor_div(&2.into()))
}

/// The inverse of [`fftshift`].
pub fn ifftshift(b: &mut Builder, x: Value, axes: Option<&[i64]>) -> Built {
    shift(b, x, axes, |n| -&n.floor_div(&2.into()))
}

fn shift(b: &mut Builder, x: Value, axes: Option<&[i64]>, by: impl Fn(&Dim) -> Dim) -> Built {
    let axes = b.axes(Op::Roll, b.ty(x).rank(), axes)?;
    let shifts: Vec<Dim> = axes.iter().map(|a| by(&b.shape(x)[*a as usize])).collect();
    if axes.is_empty() {
        return Ok(x);
    }
    super::roll(b, x, &shifts, Some(&axes))
}
