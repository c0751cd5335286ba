//! Shapes, indexing, creation, order.

use super::args::{Args, int, ints, scalar};
use frit::numpy as np;
use frit_ir::build::Builder;
use frit_ir::{DType, Dim, Value};

fn one(v: np::Built) -> super::Results {
    v.map(|v| vec![v])
}

fn take_mode(a: &Args<'_>) -> np::TakeMode {
    match a.text("mode", "raise") {
        "wrap" => np::TakeMode::Wrap,
        "clip" => np::TakeMode::Clip,
        _ => np::TakeMode::Raise,
    }
}

fn pad_mode(a: &Args<'_>) -> np::PadMode {
    let length = a.has("stat_length").then(|| a.int("stat_length", 0));
    let j = |name: &str| scalar(&a.json[name]);
    match a.text("mode", "constant") {
        "constant" if a.has("constant_values") => np::PadMode::Constant(j("constant_values")),
        "linear_ramp" if a.has("end_values") => np::PadMode::LinearRamp(j("end_values")),
        "maximum" => np::PadMode::Maximum(length),
        "minimum" => np::PadMode::Minimum(length),
        "mean" => np::PadMode::Mean(length),
        "median" => np::PadMode::Median(length),
        name => np::PadMode::from_name(name).expect("a mode"),
    }
}

fn widths(a: &Args<'_>) -> Vec<(Dim, Dim)> {
    let all = a.json["pad_width"].as_array().expect("pairs");
    all.iter().map(|p| (int(&p[0]).into(), int(&p[1]).into())).collect()
}

fn update(name: &str) -> np::Update {
    match name {
        "add" => np::Update::Add,
        "multiply" => np::Update::Multiply,
        "minimum" => np::Update::Minimum,
        "maximum" => np::Update::Maximum,
        _ => np::Update::Set,
    }
}

/// Calls a function by NumPy's name; `None` if it is not of these.
pub(crate) fn call(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    shapes(b, name, a).or_else(|| indexing(b, name, a)).or_else(|| creation(b, name, a))
}

fn shapes(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    let all = a.inputs;
    let x = *all.first()?;
    let axes = a.axes();
    let sections = a.json["sections"].as_i64();
    let cut = |b: &mut Builder, axis: i64, uneven: bool| match sections {
        Some(n) => np::split(b, x, n, axis, uneven),
        None => np::split_at(b, x, &a.dims("sections"), axis),
    };
    Some(match name {
        "reshape" if a.text("order", "C") == "F" => one(np::reshape_f(b, x, &a.dims("shape"))),
        "reshape" => one(np::reshape(b, x, &a.dims("shape"))),
        "ravel" => one(np::ravel(b, x)),
        "transpose" => one(np::transpose(b, x, axes.as_deref())),
        "matrix_transpose" => one(np::matrix_transpose(b, x)),
        "moveaxis" => {
            one(np::moveaxis(b, x, &a.ints("source").expect("source"), &a.ints("destination").expect("to")))
        }
        "rollaxis" => one(np::rollaxis(b, x, a.int("axis", 0), a.int("start", 0))),
        "swapaxes" => one(np::swapaxes(b, x, a.int("axis1", 0), a.int("axis2", 0))),
        "squeeze" => one(np::squeeze(b, x, axes.as_deref())),
        "expand_dims" => one(np::expand_dims(b, x, &axes.expect("axes"))),
        "atleast_1d" => one(np::atleast(b, x, 1)),
        "atleast_2d" => one(np::atleast(b, x, 2)),
        "atleast_3d" => one(np::atleast(b, x, 3)),
        "flip" => one(np::flip(b, x, axes.as_deref())),
        "fliplr" => one(np::flip(b, x, Some(&[1]))),
        "flipud" => one(np::flip(b, x, Some(&[0]))),
        "rot90" => {
            let axes = axes.unwrap_or(vec![0, 1]);
            one(np::rot90(b, x, a.int("k", 1), [axes[0], axes[1]]))
        }
        "roll" => one(np::roll(b, x, &a.dims("shift"), axes.as_deref())),
        "concatenate" => {
            one(np::concatenate(b, all, if a.flag("flat", false) { None } else { Some(a.int("axis", 0)) }))
        }
        "stack" => one(np::stack(b, all, a.int("axis", 0))),
        "vstack" => one(np::vstack(b, all)),
        "hstack" => one(np::hstack(b, all)),
        "dstack" => one(np::dstack(b, all)),
        "column_stack" => one(np::column_stack(b, all)),
        "split" => cut(b, a.int("axis", 0), false),
        "array_split" => cut(b, a.int("axis", 0), true),
        "hsplit" => np::hsplit(b, x, sections.expect("a number")),
        "vsplit" => np::vsplit(b, x, sections.expect("a number")),
        "dsplit" => np::dsplit(b, x, sections.expect("a number")),
        "unstack" => np::unstack(b, x, a.int("axis", 0)),
        "tile" => one(np::tile(b, x, &a.dims("reps"))),
        "repeat" => match a.json["repeats"].as_array() {
            Some(_) => one(np::repeat_each(b, x, &ints(&a.json["repeats"]), a.int("axis", 0))),
            None => one(np::repeat(b, x, &a.dim("repeats"), a.axis())),
        },
        "diagonal" => one(np::diagonal(b, x, a.int("offset", 0), a.int("axis1", 0), a.int("axis2", 1))),
        "diag" => one(np::diag(b, x, a.int("k", 0))),
        "diagflat" => one(np::diagflat(b, x, a.int("k", 0))),
        "triu" => one(np::triu(b, x, a.int("k", 0))),
        "tril" => one(np::tril(b, x, a.int("k", 0))),
        "delete" => one(np::delete(b, x, &a.ints("obj").expect("positions"), a.int("axis", 0))),
        "append" => one(np::append(b, x, all[1], a.axis())),
        "resize" => one(np::resize(b, x, &a.dims("new_shape"))),
        "broadcast_to" => one(np::broadcast_to(b, x, &a.dims("shape"))),
        "broadcast_arrays" => np::broadcast_arrays(b, all),
        "pad" => one(np::pad(b, x, &widths(a), &pad_mode(a))),
        "meshgrid" => np::meshgrid(b, all, a.text("indexing", "xy") == "xy"),
        "ix_" => np::open_mesh(b, all),
        "vander" => {
            let n = if a.has("N") { a.dim("N") } else { b.shape(x).first().cloned().unwrap_or(Dim::from(0)) };
            one(np::vander(b, x, &n, a.flag("increasing", false)))
        }
        "full_like" => {
            let v = a.operand("fill_value").expect("a value");
            one(np::full_like(b, x, v))
        }
        _ => return None,
    })
}

fn indexing(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    let all = a.inputs;
    let x = *all.first()?;
    Some(match name {
        "getitem" => one(np::getitem(b, x, &a.index())),
        "setitem" => {
            let v = a.operand("value").expect("a value");
            one(np::setitem(b, x, &a.index(), v, update(a.text("update", "set"))))
        }
        "take" => one(np::take(b, x, all[1], a.axis(), take_mode(a))),
        "take_along_axis" => one(np::take_along_axis(b, x, all[1], a.int("axis", -1))),
        "put_along_axis" => {
            let v = a.operand("values").expect("values");
            one(np::put_along_axis(b, x, all[1], v, a.int("axis", -1)))
        }
        "choose" => one(np::choose_from(b, x, &all[1..], take_mode(a))),
        "select" => {
            let n = all.len() / 2;
            let default = a.operand("default").expect("a default");
            one(np::select(b, &all[..n], &all[n..], default))
        }
        "copyto" => one(np::copyto(b, x, all[1], all[2])),
        "sort" => one(np::sort(b, x, if a.flag("flat", false) { None } else { Some(a.int("axis", -1)) })),
        "argsort" => {
            one(np::argsort(b, x, if a.flag("flat", false) { None } else { Some(a.int("axis", -1)) }))
        }
        "argsort_descending" => one(np::argsort_descending(b, x, a.int("axis", -1))),
        "topk" => np::topk(b, x, &a.dim("k"), a.int("axis", -1)).map(Vec::from),
        "lexsort" => one(np::lexsort(b, all)),
        "searchsorted" => one(np::searchsorted(b, x, all[1], a.text("side", "left") == "right")),
        "digitize" => one(np::digitize(b, x, all[1], a.flag("right", false))),
        "isin" => one(np::isin(b, x, all[1], a.flag("invert", false))),
        _ => return None,
    })
}

fn creation(b: &mut Builder, name: &str, a: &Args<'_>) -> Option<super::Results> {
    let t = a.dtype(DType::F64);
    let end = |k: &str| a.operand(k).expect("a number or array");
    let num = a.dim("num");
    let endpoint = a.flag("endpoint", true);
    Some(match name {
        "zeros" => one(np::zeros(b, &a.dims("shape"), t)),
        "ones" => one(np::ones(b, &a.dims("shape"), t)),
        "full" => one(np::full(b, &a.dims("shape"), end("fill_value"), a.some_dtype())),
        "arange" if a.json["start"].is_i64() => {
            one(np::arange(b, &a.dim("start"), &a.dim("stop"), a.int("step", 1), a.dtype(DType::I64)))
        }
        "arange" => {
            one(np::arange_f64(b, a.number("start", 0.0), a.number("stop", 0.0), a.number("step", 1.0), t))
        }
        "linspace" => one(np::linspace(b, end("start"), end("stop"), &num, endpoint)),
        "logspace" => one(np::logspace(
            b,
            a.number("start", 0.0),
            a.number("stop", 0.0),
            &num,
            endpoint,
            a.number("base", 10.0),
        )),
        "geomspace" => one(np::geomspace(b, a.number("start", 0.0), a.number("stop", 0.0), &num, endpoint)),
        "eye" => one(np::eye(b, &a.dim("N"), &Dim::from(a.int("M", a.int("N", 0))), a.int("k", 0), t)),
        "tri" => one(np::tri(b, &a.dim("N"), &Dim::from(a.int("M", a.int("N", 0))), a.int("k", 0), t)),
        "indices" => one(np::indices(b, &a.dims("dimensions"), a.dtype(DType::I64))),
        "hanning" => one(np::hanning(b, &a.dim("M"))),
        "hamming" => one(np::hamming(b, &a.dim("M"))),
        "blackman" => one(np::blackman(b, &a.dim("M"))),
        "bartlett" => one(np::bartlett(b, &a.dim("M"))),
        "kaiser" => one(np::kaiser(b, &a.dim("M"), a.number("beta", 0.0))),
        "fft.fftfreq" => one(np::fft::fftfreq(b, &a.dim("n"), a.number("d", 1.0))),
        "fft.rfftfreq" => one(np::fft::rfftfreq(b, &a.dim("n"), a.number("d", 1.0))),
        _ => return None,
    })
}

/// Both results of a factorization multiplied.
pub(crate) fn product(b: &mut Builder, xs: &[Value]) -> np::Built {
    np::matmul(b, xs[0], xs[1])
}
