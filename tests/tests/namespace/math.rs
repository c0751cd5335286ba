//! Elementwise functions, reductions, products, linear algebra, transforms, statistics.

use super::args::Args;
use super::arrays::product;
use frit::numpy::{self as np, Quantile, Reduction, Spacing};
use frit_ir::build::Builder;
use frit_ir::ops::Class;
use frit_ir::{DType, Op, Value};

fn one(v: np::Built) -> super::Results {
    v.map(|v| vec![v])
}

/// Calls a function by NumPy's name; `None` if it is not of these.
pub(crate) fn call(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    if let Some(short) = name.strip_prefix("linalg.") {
        return linalg(b, short, a);
    }
    if let Some(short) = name.strip_prefix("fft.") {
        return fft(b, short, a);
    }
    elementwise(b, name, a)
        .or_else(|| products(b, name, a))
        .or_else(|| reductions(b, name, a))
        .or_else(|| statistics(b, name, a))
}

fn elementwise(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    let x = *a.inputs.first()?;
    let second = a.inputs.get(1).map(|v| frit_ir::build::Operand::Value(*v)).or(a.operand("y"));
    let close = |k: &str, d: f64| a.number(k, d);
    Some(match name {
        "clip" => one(np::clip(b, x, a.operand("a_min"), a.operand("a_max"))),
        "round" => one(np::round(b, x, a.int("decimals", 0) as i32)),
        "fix" => one(np::fix(b, x)),
        "nan_to_num" => {
            one(np::nan_to_num(b, x, a.number("nan", 0.0), a.some_number("posinf"), a.some_number("neginf")))
        }
        "isposinf" => one(np::isposinf(b, x)),
        "isneginf" => one(np::isneginf(b, x)),
        "isreal" => one(np::isreal(b, x)),
        "iscomplex" => one(np::iscomplex(b, x)),
        "isclose" | "allclose" => {
            let (rtol, atol, nan) = (close("rtol", 1e-5), close("atol", 1e-8), a.flag("equal_nan", false));
            let f = if name == "isclose" { np::isclose } else { np::allclose };
            one(f(b, x, second?, rtol, atol, nan))
        }
        "array_equal" => one(np::array_equal(b, x, a.inputs[1])),
        "sinc" => one(np::sinc(b, x)),
        "i0" => one(np::i0(b, x)),
        "divmod" => np::divmod(b, x, second?).map(Vec::from),
        "modf" => np::modf(b, x).map(Vec::from),
        "frexp" => np::frexp(b, x).map(Vec::from),
        "float_power" => one(np::float_power(b, x, second?)),
        "polyval" => one(np::polyval(b, x, a.inputs[1])),
        "where" => one(np::where_(b, x, a.operand("x")?, a.operand("y")?)),
        _ => {
            let op = Op::from_name(name).filter(|o| o.class() == Class::Elementwise)?;
            match second {
                Some(y) => one(b.elementwise(op, &[x.into(), y])),
                None => one(b.unary(op, x)),
            }
        }
    })
}

fn reductions(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    let x = *a.inputs.first()?;
    let (axes, keep) = (a.axes(), a.keepdims());
    let axes = axes.as_deref();
    let method = Quantile::from_name(a.text("method", "linear")).expect("a method");
    Some(match name {
        "ptp" => one(np::ptp(b, x, axes, keep)),
        "average" => one(np::average(b, x, a.value("weights"), axes, keep)),
        "median" => one(np::median(b, x, axes, keep)),
        "nanmedian" => one(np::nanmedian(b, x, axes, keep)),
        "quantile" => one(np::quantile(b, x, a.operand("q")?, axes, keep, method)),
        "percentile" => one(np::percentile(b, x, a.operand("q")?, axes, keep, method)),
        "nanquantile" => one(np::nanquantile(b, x, a.operand("q")?, axes, keep, method)),
        "nanpercentile" => one(np::nanpercentile(b, x, a.operand("q")?, axes, keep, method)),
        "nanargmin" => one(np::nanarg(b, Op::Argmin, x, axes, keep)),
        "nanargmax" => one(np::nanarg(b, Op::Argmax, x, axes, keep)),
        "cumsum" => one(np::cumulative(b, Op::Cumsum, x, a.axis(), a.some_dtype())),
        "cumprod" => one(np::cumulative(b, Op::Cumprod, x, a.axis(), a.some_dtype())),
        "nancumsum" => one(np::nancumulative(b, Op::Cumsum, x, a.axis())),
        "nancumprod" => one(np::nancumulative(b, Op::Cumprod, x, a.axis())),
        "trace" => one(np::trace(b, x, a.int("offset", 0), a.int("axis1", 0), a.int("axis2", 1))),
        _ => {
            let op = Op::from_name(name)?;
            if !matches!(op.class(), Class::Reduce | Class::Composite) {
                return None;
            }
            let r = Reduction {
                axes: a.axes(),
                keepdims: keep,
                dtype: a.some_dtype(),
                mask: a.value("where"),
                initial: a.operand("initial"),
                ddof: a.number("ddof", 0.0),
            };
            one(np::reduce(b, op, x, &r))
        }
    })
}

fn products(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    let x = *a.inputs.first()?;
    if name == "einsum" {
        return Some(one(np::einsum(b, a.text("subscripts", ""), a.inputs)));
    }
    let y = *a.inputs.get(1)?;
    Some(match name {
        "matmul" => one(np::matmul(b, x, y)),
        "dot" => one(np::dot(b, x, y)),
        "vdot" => one(np::vdot(b, x, y)),
        "vecdot" => one(np::vecdot(b, x, y, a.int("axis", -1))),
        "inner" => one(np::inner(b, x, y)),
        "outer" => one(np::outer(b, x, y)),
        "kron" => one(np::kron(b, x, y)),
        "cross" => one(np::cross(b, x, y, a.int("axis", -1))),
        "tensordot" => {
            let (p, q) = match a.json["axes"].as_array() {
                Some(pair) => (super::args::ints(&pair[0]), super::args::ints(&pair[1])),
                None => {
                    let n = a.int("axes", 2);
                    ((-n..0).collect(), (0..n).collect())
                }
            };
            one(np::tensordot(b, x, y, &p, &q))
        }
        _ => return None,
    })
}

fn norm_order(a: &Args<'_>) -> np::linalg::Ord {
    match &a.json["ord"] {
        serde_json::Value::Null => np::linalg::Ord::Default,
        serde_json::Value::String(s) if s == "fro" || s == "nuc" => s.as_str().into(),
        j => super::args::number(j).into(),
    }
}

/// Factors are compared by what they multiply to, as signs and orders of columns are free.
fn linalg(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    use np::linalg as la;
    let x = *a.inputs.first()?;
    let axes = a.axes();
    let transposed = |b: &mut Builder, v: Value| {
        let t = b.matrix_transpose(v)?;
        if b.dtype(t).is_complex() { b.unary(Op::Conjugate, t) } else { Ok(t) }
    };
    let scaled = |b: &mut Builder, v: Value, w: Value| {
        let rank = b.ty(w).rank() as i64;
        let w = np::expand_dims(b, w, &[rank - 1])?;
        b.binary(Op::Multiply, v, w)
    };
    Some(match name {
        "inv" => one(la::inv(b, x)),
        "cholesky" => one(la::cholesky(b, x, a.flag("upper", false))),
        "det" => one(la::det(b, x)),
        "slogdet" => la::slogdet(b, x),
        "solve" => one(la::solve(b, x, a.inputs[1])),
        "solve_triangular" => one(la::solve_triangular(b, x, a.inputs[1], a.flag("lower", false))),
        "svdvals" => one(la::svdvals(b, x)),
        "eigvalsh" => one(la::eigvalsh(b, x, a.text("UPLO", "L") == "L")),
        "pinv" => one(la::pinv(b, x, a.some_number("rcond"))),
        "lstsq" => la::lstsq(b, x, a.inputs[1], a.some_number("rcond")),
        "matrix_power" => one(la::matrix_power(b, x, a.int("n", 1))),
        "matrix_rank" => one(la::matrix_rank(b, x, a.some_number("tol"))),
        "norm" => one(la::norm(b, x, norm_order(a), axes.as_deref(), a.keepdims())),
        "cond" => one(la::cond(b, x, norm_order(a))),
        "tensorinv" => one(la::tensorinv(b, x, a.int("ind", 2) as usize)),
        "tensorsolve" => one(la::tensorsolve(b, x, a.inputs[1])),
        "multi_dot" => one(np::multi_dot(b, a.inputs)),
        "qr_product" => la::qr(b, x, a.text("mode", "reduced") == "complete").and_then(|f| {
            let p = product(b, &f)?;
            let q = transposed(b, f[0])?;
            Ok(vec![p, np::matmul(b, q, f[0])?, np::tril(b, f[1], -1)?])
        }),
        "svd_product" => la::svd(b, x, false).and_then(|f| {
            let u = scaled(b, f[0], f[1])?;
            Ok(vec![np::matmul(b, u, f[2])?, f[1]])
        }),
        "eigh_product" => la::eigh(b, x, a.text("UPLO", "L") == "L").and_then(|f| {
            let v = scaled(b, f[1], f[0])?;
            let t = transposed(b, f[1])?;
            Ok(vec![np::matmul(b, v, t)?, f[0]])
        }),
        // x v - v w, which is zero.
        "eig_residual" => la::eig(b, x).and_then(|f| {
            let x = b.cast(x, DType::C128)?;
            let (l, r) = (np::matmul(b, x, f[1])?, scaled(b, f[1], f[0])?);
            let d = b.binary(Op::Subtract, l, r)?;
            let d = b.unary(Op::Absolute, d)?;
            one(b.binary_weak(Op::Less, d, 1e-10))
        }),
        _ => return None,
    })
}

fn fft(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    use np::fft as f;
    let x = *a.inputs.first()?;
    let norm = f::Norm::from_name(a.text("norm", "backward")).expect("a norm");
    let n = a.has("n").then(|| a.dim("n"));
    let (n, axis) = (n.as_ref(), a.int("axis", -1));
    let (s, axes) = (a.some_dims("s"), a.ints("axes"));
    let two = axes.clone().unwrap_or(vec![-2, -1]);
    let (s, axes) = (s.as_deref(), axes.as_deref());
    Some(one(match name {
        "fft" => f::fft(b, x, n, axis, norm),
        "ifft" => f::ifft(b, x, n, axis, norm),
        "rfft" => f::rfft(b, x, n, axis, norm),
        "irfft" => f::irfft(b, x, n, axis, norm),
        "hfft" => f::hfft(b, x, n, axis, norm),
        "ihfft" => f::ihfft(b, x, n, axis, norm),
        "fftn" => f::fftn(b, Op::Fft, x, s, axes, norm),
        "ifftn" => f::fftn(b, Op::Ifft, x, s, axes, norm),
        "rfftn" => f::rfftn(b, x, s, axes, norm),
        "irfftn" => f::irfftn(b, x, s, axes, norm),
        "fft2" => f::fftn(b, Op::Fft, x, s, Some(&two), norm),
        "ifft2" => f::fftn(b, Op::Ifft, x, s, Some(&two), norm),
        "rfft2" => f::rfftn(b, x, s, Some(&two), norm),
        "irfft2" => f::irfftn(b, x, s, Some(&two), norm),
        "fftshift" => f::fftshift(b, x, axes),
        "ifftshift" => f::ifftshift(b, x, axes),
        _ => return None,
    }))
}

fn statistics(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    let x = *a.inputs.first()?;
    let axis = a.int("axis", -1);
    let spacing = |name: &str| match a.value(name) {
        Some(v) => Spacing::At(v),
        None => Spacing::Even(a.operand(name).unwrap_or(np::Arg::operand(1.0))),
    };
    Some(match name {
        "diff" => one(np::diff(b, x, a.int("n", 1) as usize, axis)),
        "diff_between" => {
            let (n, first, last) = (a.int("n", 1) as usize, a.value("prepend"), a.value("append"));
            one(np::diff_between(b, x, n, axis, first, last))
        }
        "ediff1d" => one(np::ediff1d(b, x, a.value("to_end"), a.value("to_begin"))),
        "gradient" => one(np::gradient(b, x, spacing("spacing"), axis, a.int("edge_order", 1) as u32)),
        "trapezoid" if a.has("x") => one(np::trapezoid(b, x, spacing("x"), axis)),
        "trapezoid" => one(np::trapezoid(b, x, spacing("dx"), axis)),
        "interp" => one(np::interp(b, x, a.inputs[1], a.inputs[2], a.operand("left"), a.operand("right"))),
        "unwrap" => one(np::unwrap(b, x, a.number("period", std::f64::consts::TAU), axis)),
        "cov" | "corrcoef" if a.inputs.len() == 2 => {
            let rowvar = a.flag("rowvar", true);
            let f = |b: &mut Builder| {
                let all = np::joint(b, x, a.inputs[1], rowvar)?;
                if name == "cov" {
                    np::cov(b, all, true, a.int("ddof", 1))
                } else {
                    np::corrcoef(b, all, true)
                }
            };
            one(f(b))
        }
        "cov" => one(np::cov(b, x, a.flag("rowvar", true), a.int("ddof", 1))),
        "corrcoef" => one(np::corrcoef(b, x, a.flag("rowvar", true))),
        "histogram" => {
            let range =
                a.json["range"].as_array().map(|r| (super::args::number(&r[0]), super::args::number(&r[1])));
            let weights = a.value("weights");
            np::histogram(b, x, &a.dim("bins"), range, weights, a.flag("density", false)).map(Vec::from)
        }
        "histogram_edges" => one(np::histogram_edges(b, x, a.inputs[1], a.value("weights"))),
        "bincount" => one(np::bincount(b, x, a.value("weights"), &a.dim("minlength"))),
        "convolve" => one(np::convolve(b, x, a.inputs[1], a.text("mode", "full"))),
        "correlate" => one(np::correlate(b, x, a.inputs[1], a.text("mode", "valid"))),
        _ => return None,
    })
}
