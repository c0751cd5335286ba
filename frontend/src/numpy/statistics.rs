//! Covariance, correlation, histograms, counts.

use super::{Built, bin, choose, inexact, invalid, un};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Value};

/// Covariance matrix of variables in rows (columns if not `rowvar`); divides by `n - ddof`.
pub fn cov(b: &mut Builder, x: Value, rowvar: bool, ddof: i64) -> Built {
    if b.ty(x).rank() > 2 {
        return invalid(b, Op::Matmul, "m has more than 2 dimensions");
    }
    let single = b.ty(x).rank() <= 1;
    let x = super::atleast(b, x, 2)?;
    let x = if rowvar || single { x } else { super::transpose(b, x, None)? };
    // NumPy's choice: never in single precision.
    let x = b.cast(x, frit_ir::dtype::promote(b.dtype(x), DType::F64))?;
    let mean = b.reduce(Op::Mean, x, Some(&[1]), true)?;
    let d = bin(b, Op::Subtract, x, mean)?;
    let t = super::transpose(b, d, None)?;
    let t = if b.dtype(t).is_complex() { un(b, Op::Conjugate, t)? } else { t };
    let c = b.matmul(d, t)?;
    let n = b.shape(x)[1].clone();
    let n = super::size_as(b, &n, b.dtype(x).real())?;
    let n = bin(b, Op::Subtract, n, ddof)?;
    let n = bin(b, Op::Maximum, n, 0)?;
    let c = bin(b, Op::Divide, c, n)?;
    super::squeeze(b, c, None)
}

/// The variables of `x` and then those of `y`, for [`cov`] and [`corrcoef`] of two sets (rows, or columns unless
/// `rowvar`).
pub fn joint(b: &mut Builder, x: Value, y: Value, rowvar: bool) -> Built {
    let lay = |b: &mut Builder, v: Value| {
        let single = b.ty(v).rank() <= 1;
        let v = super::atleast(b, v, 2)?;
        if rowvar || single { Ok(v) } else { super::transpose(b, v, None) }
    };
    let (x, y) = (lay(b, x)?, lay(b, y)?);
    b.concatenate(&[x, y], 0)
}

/// Correlation coefficients, clipped to -1..1.
pub fn corrcoef(b: &mut Builder, x: Value, rowvar: bool) -> Built {
    let c = cov(b, x, rowvar, 1)?;
    if b.ty(c).rank() == 0 {
        return bin(b, Op::Divide, c, c);
    }
    let d = super::diagonal(b, c, 0, 0, 1)?;
    let d = un(b, Op::Real, d)?;
    let s = un(b, Op::Sqrt, d)?;
    let (rows, columns) = (b.expand_dims(s, &[1])?, b.expand_dims(s, &[0])?);
    let c = bin(b, Op::Divide, c, rows)?;
    let c = bin(b, Op::Divide, c, columns)?;
    if b.dtype(c).is_complex() {
        return Ok(c);
    }
    super::clip(b, c, Some(super::Arg::operand(-1.0)), Some(super::Arg::operand(1.0)))
}

/// Counts in `bins` equal bins and the bins' edges. `range` defaults to the extremes of the data.
pub fn histogram(
    b: &mut Builder,
    x: Value,
    bins: &Dim,
    range: Option<(f64, f64)>,
    weights: Option<Value>,
    density: bool,
) -> Result<[Value; 2], TypeError> {
    let x = super::ravel(b, x)?;
    let x = inexact(b, x)?;
    let (low, high) = match range {
        Some((low, high)) if low < high => (b.number(DType::F64, low), b.number(DType::F64, high)),
        Some((low, high)) if low == high => {
            (b.number(DType::F64, low - 0.5), b.number(DType::F64, high + 0.5))
        }
        Some(_) => return invalid(b, Op::Scatter, "max must be larger than min in range parameter."),
        None if frit_ir::dim::product(b.shape(x)).is(0) => {
            (b.number(DType::F64, 0.0), b.number(DType::F64, 1.0))
        }
        None => {
            let (low, high) = (b.reduce(Op::Min, x, None, false)?, b.reduce(Op::Max, x, None, false)?);
            // A single value gets a bin around it.
            let flat = bin(b, Op::Equal, low, high)?;
            let (below, above) = (bin(b, Op::Subtract, low, 0.5)?, bin(b, Op::Add, high, 0.5)?);
            (b.select(flat, below, low)?, b.select(flat, above, high)?)
        }
    };
    let edges = super::linspace(b, low, high, &(bins + 1), true)?;
    let edges = b.cast(edges, if b.dtype(x) == DType::F32 { DType::F32 } else { DType::F64 })?;
    let counts = histogram_edges(b, x, edges, weights)?;
    if !density {
        return Ok([counts, edges]);
    }
    let widths = super::diff(b, edges, 1, 0)?;
    let total = b.reduce(Op::Sum, counts, None, false)?;
    let per = bin(b, Op::Divide, counts, widths)?;
    Ok([bin(b, Op::Divide, per, total)?, edges])
}

/// Counts between the given increasing edges; the last bin includes its upper edge.
pub fn histogram_edges(b: &mut Builder, x: Value, edges: Value, weights: Option<Value>) -> Built {
    if b.ty(edges).rank() != 1 {
        return invalid(b, Op::Searchsorted, "`bins` must be 1d, when an array");
    }
    let x = super::ravel(b, x)?;
    let bins = b.shape(edges)[0].clone() - 1;
    let at = super::searchsorted(b, edges, x, true)?;
    let at = bin(b, Op::Subtract, at, 1)?;
    let top = super::getitem(b, edges, &[super::Index::At(bins.clone())])?;
    let is_top = bin(b, Op::Equal, x, top)?;
    let last = b.dim_value(&(&bins - 1));
    let at = choose(b, is_top, last, at)?;
    let many = b.dim_value(&bins);
    let (ge, lt) = (bin(b, Op::GreaterEqual, at, 0)?, bin(b, Op::Less, at, many)?);
    let inside = bin(b, Op::LogicalAnd, ge, lt)?;
    let at = choose(b, inside, at, 0)?;
    let ones = match weights {
        Some(w) => super::ravel(b, w)?,
        None => b.constant(frit_ir::Scalar::one(DType::I64)),
    };
    let w = choose(b, inside, ones, 0)?;
    counts(b, at, w, &bins)
}

/// The sum of weights at each position.
fn counts(b: &mut Builder, at: Value, weights: Value, n: &Dim) -> Built {
    let zero = super::zeros(b, std::slice::from_ref(n), b.dtype(weights))?;
    let at = b.cast(at, DType::I64)?;
    let attrs = [(Key::Axes, Attr::Ints(vec![0])), (Key::Mode, Attr::Str("add".into()))];
    b.node(Op::Scatter, Attrs::new(attrs), &[zero, weights, at])
}

/// How often each of `0..length` occurs, or the sum of its weights. NumPy finds the length from the data; here it is
/// given, and larger values are an error when the program runs.
pub fn bincount(b: &mut Builder, x: Value, weights: Option<Value>, length: &Dim) -> Built {
    if !b.dtype(x).is_int() || b.ty(x).rank() != 1 {
        return invalid(b, Op::Scatter, "takes a 1-d array of integers");
    }
    let w = match weights {
        Some(w) => b.cast(w, DType::F64)?,
        None => {
            let shape = b.shape(x).to_vec();
            super::ones(b, &shape, DType::I64)?
        }
    };
    counts(b, x, w, length)
}

/// `x` convolved with `v`, in full, of the length of the longer (`same`), or where they overlap fully (`valid`).
pub fn convolve(b: &mut Builder, x: Value, v: Value, mode: &str) -> Built {
    if b.ty(x).rank() != 1 || b.ty(v).rank() != 1 {
        return invalid(b, Op::Multiply, "object of too small depth for desired array");
    }
    let longer = match (b.shape(x)[0].as_const(), b.shape(v)[0].as_const()) {
        (Some(n), Some(m)) => n >= m,
        (Some(_), None) => false,
        _ => true,
    };
    let (x, v) = if longer { (x, v) } else { (v, x) };
    let (n, m) = (b.shape(x)[0].clone(), b.shape(v)[0].clone());
    if m.is(0) {
        return invalid(b, Op::Multiply, "v cannot be empty");
    }
    let xs = b.common(&[x, v])?;
    let (low, size) = match mode {
        "full" => (&m - 1, &n + &m - Dim::constant(1)),
        "same" => (m.floor_div(&2.into()), n.clone()),
        "valid" => (Dim::constant(0), &n - &m + Dim::constant(1)),
        _ => return invalid(b, Op::Multiply, "mode must be one of 'full', 'same', or 'valid'"),
    };
    let zero = super::PadMode::Constant(frit_ir::Scalar::zero(DType::I64));
    let high = &size + &m - Dim::constant(1) - &n - &low;
    let high = high.maximum(&Dim::constant(0));
    let padded = super::pad(b, xs[0], &[(low, high)], &zero)?;
    let taps = super::flip(b, xs[1], None)?;
    // Few taps are written out; more become a sum over a window that is never in memory.
    if let Some(few) = m.as_const().filter(|m| *m <= 16) {
        let mut total: Option<Value> = None;
        for k in 0..few {
            let s = frit_ir::Slice { start: k.into(), size: size.clone(), step: 1 };
            let part = b.slice_axis(padded, 0, s)?;
            let tap = super::getitem(b, taps, &[super::Index::At(k.into())])?;
            let term = bin(b, Op::Multiply, part, tap)?;
            total = Some(match total {
                Some(t) => bin(b, Op::Add, t, term)?,
                None => term,
            });
        }
        return match total {
            Some(t) => Ok(t),
            None => invalid(b, Op::Multiply, "v cannot be empty"),
        };
    }
    let shape = [size, m];
    let (i, k) = (b.iota(&shape, 0, DType::I64)?, b.iota(&shape, 1, DType::I64)?);
    let at = bin(b, Op::Add, i, k)?;
    let window = b.gather(padded, &[0], &[at])?;
    let terms = bin(b, Op::Multiply, window, taps)?;
    let sum = b.reduce(Op::Sum, terms, Some(&[1]), false)?;
    b.cast(sum, b.dtype(xs[0]))
}

/// Cross-correlation: [`convolve`] with `v` reversed and conjugated.
pub fn correlate(b: &mut Builder, x: Value, v: Value, mode: &str) -> Built {
    if b.ty(x).rank() != 1 || b.ty(v).rank() != 1 {
        return invalid(b, Op::Multiply, "object of too small depth for desired array");
    }
    let (n, m) = (b.shape(x)[0].clone(), b.shape(v)[0].clone());
    let v = super::flip(b, v, None)?;
    let v = if b.dtype(v).is_complex() { un(b, Op::Conjugate, v)? } else { v };
    // NumPy centres the shorter operand otherwise when it comes first.
    if mode == "same"
        && let (Some(short), Some(long)) = (n.as_const(), m.as_const())
        && short < long
    {
        let full = convolve(b, x, v, "full")?;
        return b.slice_axis(full, 0, frit_ir::Slice { start: (short / 2).into(), size: m, step: 1 });
    }
    convolve(b, x, v, mode)
}
