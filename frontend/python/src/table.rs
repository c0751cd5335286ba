//! The functions of `frit::numpy` by name, as the tracer's rules call them: all arguments positional, arrays as nodes.

use crate::builder::{Node, build_error};
use crate::read::Read;
use frit::numpy::linalg::{self, Ord};
use frit::numpy::{self as np, Index, PadMode, Quantile, Reduction, Spacing, TakeMode, Update, fft};
use frit_ir::build::{Builder, Operand};
use frit_ir::error::TypeError;
use frit_ir::{DType, Dim, Op, Value};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// What a function gives: one value, or several.
trait Results {
    fn object<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;
}

impl Results for Value {
    fn object<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(py, Node(self))?.into_any())
    }
}

impl Results for Vec<Value> {
    fn object<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyList::new(py, self.into_iter().map(Node))?.into_any())
    }
}

impl Results for [Value; 2] {
    fn object<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_vec().object(py)
    }
}

impl<T: Results> Results for Result<T, TypeError> {
    fn object<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.map_err(build_error)?.object(py)
    }
}

macro_rules! functions {
    ($b:ident; $($name:ident ($($p:ident: $t:ty),* $(,)?) => $body:expr;)*) => {
        /// Every name of the table.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Every name with its parameters and their types.
        pub(crate) const SIGNATURES: &[(&str, &[(&str, &str)])] =
            &[$((stringify!($name), &[$((stringify!($p), stringify!($t))),*])),*];

        /// Calls a function by name.
        pub(crate) fn call<'py>($b: &mut Builder, name: &str, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
            let py = args.py();
            let mut rest = args.iter();
            match name {
                $(stringify!($name) => {
                    $(
                        let missing = || PyTypeError::new_err(concat!(stringify!($name), ": missing ", stringify!($p)));
                        let $p: $t = <$t>::read(&rest.next().ok_or_else(missing)?)?;
                    )*
                    if rest.next().is_some() {
                        return Err(PyTypeError::new_err(concat!(stringify!($name), ": too many arguments")));
                    }
                    ($body).object(py)
                })*
                _ => Err(PyKeyError::new_err(format!("no function {name}"))),
            }
        }
    };
}

type Axes = Option<Vec<i64>>;

functions! { b;
    elementwise(op: Op, operands: Vec<Operand>) => b.elementwise(op, &operands);
    asarray(x: Operand) => np::asarray(b, x);
    cast(x: Value, dtype: DType) => b.cast(x, dtype);
    reduce(op: Op, x: Value, axes: Axes, keepdims: bool, dtype: Option<DType>, mask: Option<Value>, initial: Option<Operand>, ddof: f64) =>
        np::reduce(b, op, x, &Reduction { axes, keepdims, dtype, mask, initial, ddof });
    cumulative(op: Op, x: Value, axis: Option<i64>, dtype: Option<DType>) => np::cumulative(b, op, x, axis, dtype);
    nancumulative(op: Op, x: Value, axis: Option<i64>) => np::nancumulative(b, op, x, axis);
    ptp(x: Value, axes: Axes, keepdims: bool) => np::ptp(b, x, axes.as_deref(), keepdims);
    average(x: Value, weights: Option<Value>, axes: Axes, keepdims: bool) => np::average(b, x, weights, axes.as_deref(), keepdims);
    trace(x: Value, offset: i64, axis1: i64, axis2: i64) => np::trace(b, x, offset, axis1, axis2);

    clip(x: Operand, low: Option<Operand>, high: Option<Operand>) => np::clip(b, x, low, high);
    round(x: Value, decimals: i32) => np::round(b, x, decimals);
    fix(x: Value) => np::fix(b, x);
    nan_to_num(x: Value, nan: f64, posinf: Option<f64>, neginf: Option<f64>) => np::nan_to_num(b, x, nan, posinf, neginf);
    isposinf(x: Value) => np::isposinf(b, x);
    isneginf(x: Value) => np::isneginf(b, x);
    isreal(x: Value) => np::isreal(b, x);
    iscomplex(x: Value) => np::iscomplex(b, x);
    isclose(x: Operand, y: Operand, rtol: f64, atol: f64, equal_nan: bool) => np::isclose(b, x, y, rtol, atol, equal_nan);
    allclose(x: Operand, y: Operand, rtol: f64, atol: f64, equal_nan: bool) => np::allclose(b, x, y, rtol, atol, equal_nan);
    array_equal(x: Value, y: Value) => np::array_equal(b, x, y);
    sinc(x: Value) => np::sinc(b, x);
    divmod(x: Operand, y: Operand) => np::divmod(b, x, y);
    modf(x: Value) => np::modf(b, x);
    frexp(x: Value) => np::frexp(b, x);
    float_power(x: Operand, y: Operand) => np::float_power(b, x, y);
    i0(x: Value) => np::i0(b, x);
    polyval(p: Value, x: Value) => np::polyval(b, p, x);

    zeros(shape: Vec<Dim>, dtype: DType) => np::zeros(b, &shape, dtype);
    dim_value(n: Dim) => b.dim_value(&n);
    full(shape: Vec<Dim>, value: Operand, dtype: Option<DType>) => np::full(b, &shape, value, dtype);
    arange(start: Dim, stop: Dim, step: i64, dtype: DType) => np::arange(b, &start, &stop, step, dtype);
    linspace(start: Operand, stop: Operand, num: Dim, endpoint: bool) => np::linspace(b, start, stop, &num, endpoint);
    eye(n: Dim, m: Dim, k: i64, dtype: DType) => np::eye(b, &n, &m, k, dtype);
    triu(x: Value, k: i64) => np::triu(b, x, k);
    tril(x: Value, k: i64) => np::tril(b, x, k);
    diag(x: Value, k: i64) => np::diag(b, x, k);
    diagflat(x: Value, k: i64) => np::diagflat(b, x, k);
    vander(x: Value, n: Dim, increasing: bool) => np::vander(b, x, &n, increasing);
    open_mesh(xs: Vec<Value>) => np::open_mesh(b, &xs);
    meshgrid(xs: Vec<Value>, xy: bool) => np::meshgrid(b, &xs, xy);

    reshape(x: Value, shape: Vec<Dim>) => np::reshape(b, x, &shape);
    reshape_f(x: Value, shape: Vec<Dim>) => np::reshape_f(b, x, &shape);
    ravel(x: Value) => np::ravel(b, x);
    transpose(x: Value, axes: Axes) => np::transpose(b, x, axes.as_deref());
    broadcast_to(x: Value, shape: Vec<Dim>) => np::broadcast_to(b, x, &shape);
    diagonal(x: Value, offset: i64, axis1: i64, axis2: i64) => np::diagonal(b, x, offset, axis1, axis2);
    roll(x: Value, shifts: Vec<Dim>, axes: Axes) => np::roll(b, x, &shifts, axes.as_deref());
    concatenate(xs: Vec<Value>, axis: Option<i64>) => np::concatenate(b, &xs, axis);
    stack(xs: Vec<Value>, axis: i64) => np::stack(b, &xs, axis);
    vstack(xs: Vec<Value>) => np::vstack(b, &xs);
    hstack(xs: Vec<Value>) => np::hstack(b, &xs);
    dstack(xs: Vec<Value>) => np::dstack(b, &xs);
    column_stack(xs: Vec<Value>) => np::column_stack(b, &xs);
    tile(x: Value, reps: Vec<Dim>) => np::tile(b, x, &reps);
    repeat(x: Value, n: Dim, axis: Option<i64>) => np::repeat(b, x, &n, axis);
    repeat_each(x: Value, counts: Vec<i64>, axis: i64) => np::repeat_each(b, x, &counts, axis);
    delete(x: Value, at: Vec<i64>, axis: i64) => np::delete(b, x, &at, axis);
    append(x: Value, v: Value, axis: Option<i64>) => np::append(b, x, v, axis);
    resize(x: Value, shape: Vec<Dim>) => np::resize(b, x, &shape);
    pad(x: Value, widths: Vec<(Dim, Dim)>, mode: PadMode) => np::pad(b, x, &widths, &mode);

    getitem(x: Value, index: Vec<Index<Value>>) => np::getitem(b, x, &index);
    setitem(x: Value, index: Vec<Index<Value>>, v: Operand, update: Update) => np::setitem(b, x, &index, v, update);
    take(x: Value, at: Value, axis: Option<i64>, mode: TakeMode) => np::take(b, x, at, axis, mode);
    take_along_axis(x: Value, at: Value, axis: i64) => np::take_along_axis(b, x, at, axis);
    put_along_axis(x: Value, at: Value, v: Operand, axis: i64) => np::put_along_axis(b, x, at, v, axis);
    choose(at: Value, choices: Vec<Value>, mode: TakeMode) => np::choose_from(b, at, &choices, mode);
    copyto(x: Value, v: Operand, mask: Value) => np::copyto(b, x, v, mask);
    select(conditions: Vec<Operand>, choices: Vec<Operand>, default: Operand) => np::select(b, &conditions, &choices, default);

    sort(x: Value, axis: Option<i64>) => np::sort(b, x, axis);
    argsort(x: Value, axis: Option<i64>) => np::argsort(b, x, axis);
    lexsort(keys: Vec<Value>) => np::lexsort(b, &keys);
    searchsorted(sorted: Value, v: Value, right: bool) => np::searchsorted(b, sorted, v, right);
    digitize(x: Value, edges: Value, right: bool) => np::digitize(b, x, edges, right);
    isin(x: Value, others: Value, invert: bool) => np::isin(b, x, others, invert);

    matmul(x: Value, y: Value) => np::matmul(b, x, y);
    dot(x: Value, y: Value) => np::dot(b, x, y);
    vdot(x: Value, y: Value) => np::vdot(b, x, y);
    vecdot(x: Value, y: Value, axis: i64) => np::vecdot(b, x, y, axis);
    inner(x: Value, y: Value) => np::inner(b, x, y);
    outer(x: Value, y: Value) => np::outer(b, x, y);
    outer_op(op: Op, x: Value, y: Value) => np::outer_op(b, op, x, y);
    tensordot(x: Value, y: Value, over_x: Vec<i64>, over_y: Vec<i64>) => np::tensordot(b, x, y, &over_x, &over_y);
    kron(x: Value, y: Value) => np::kron(b, x, y);
    cross(x: Value, y: Value, axis: i64) => np::cross(b, x, y, axis);
    einsum(subscripts: String, operands: Vec<Value>) => np::einsum(b, &subscripts, &operands);

    diff(x: Value, n: usize, axis: i64) => np::diff(b, x, n, axis);
    diff_between(x: Value, n: usize, axis: i64, prepend: Option<Value>, append: Option<Value>) => np::diff_between(b, x, n, axis, prepend, append);
    ediff1d(x: Value, to_end: Option<Value>, to_begin: Option<Value>) => np::ediff1d(b, x, to_end, to_begin);
    gradient(x: Value, spacing: Spacing, axis: i64, edge_order: u32) => np::gradient(b, x, spacing, axis, edge_order);
    trapezoid(y: Value, spacing: Spacing, axis: i64) => np::trapezoid(b, y, spacing, axis);
    interp(x: Value, xp: Value, fp: Value, left: Option<Operand>, right: Option<Operand>) => np::interp(b, x, xp, fp, left, right);
    unwrap(x: Value, period: f64, axis: i64) => np::unwrap(b, x, period, axis);

    quantile(x: Value, q: Operand, axes: Axes, keepdims: bool, method: Quantile) => np::quantile(b, x, q, axes.as_deref(), keepdims, method);
    nanquantile(x: Value, q: Operand, axes: Axes, keepdims: bool, method: Quantile) => np::nanquantile(b, x, q, axes.as_deref(), keepdims, method);
    percentile(x: Value, q: Operand, axes: Axes, keepdims: bool, method: Quantile) => np::percentile(b, x, q, axes.as_deref(), keepdims, method);
    nanpercentile(x: Value, q: Operand, axes: Axes, keepdims: bool, method: Quantile) => np::nanpercentile(b, x, q, axes.as_deref(), keepdims, method);
    median(x: Value, axes: Axes, keepdims: bool) => np::median(b, x, axes.as_deref(), keepdims);
    nanmedian(x: Value, axes: Axes, keepdims: bool) => np::nanmedian(b, x, axes.as_deref(), keepdims);
    cov(x: Value, rowvar: bool, ddof: i64) => np::cov(b, x, rowvar, ddof);
    corrcoef(x: Value, rowvar: bool) => np::corrcoef(b, x, rowvar);
    convolve(x: Value, v: Value, mode: String) => np::convolve(b, x, v, &mode);
    correlate(x: Value, v: Value, mode: String) => np::correlate(b, x, v, &mode);

    inv(x: Value) => linalg::inv(b, x);
    cholesky(x: Value, upper: bool) => linalg::cholesky(b, x, upper);
    det(x: Value) => linalg::det(b, x);
    slogdet(x: Value) => linalg::slogdet(b, x);
    solve(a: Value, y: Value) => linalg::solve(b, a, y);
    qr(x: Value, complete: bool) => linalg::qr(b, x, complete);
    svd(x: Value, full: bool) => linalg::svd(b, x, full);
    svdvals(x: Value) => linalg::svdvals(b, x);
    eigh(x: Value, lower: bool) => linalg::eigh(b, x, lower);
    eigvalsh(x: Value, lower: bool) => linalg::eigvalsh(b, x, lower);
    pinv(x: Value, rcond: Option<f64>) => linalg::pinv(b, x, rcond);
    matrix_power(x: Value, n: i64) => linalg::matrix_power(b, x, n);
    norm(x: Value, order: Ord, axes: Axes, keepdims: bool) => linalg::norm(b, x, order, axes.as_deref(), keepdims);
    multi_dot(xs: Vec<Value>) => np::multi_dot(b, &xs);

    fft(x: Value, n: Option<Dim>, axis: i64, norm: fft::Norm) => fft::fft(b, x, n.as_ref(), axis, norm);
    ifft(x: Value, n: Option<Dim>, axis: i64, norm: fft::Norm) => fft::ifft(b, x, n.as_ref(), axis, norm);
    rfft(x: Value, n: Option<Dim>, axis: i64, norm: fft::Norm) => fft::rfft(b, x, n.as_ref(), axis, norm);
    irfft(x: Value, n: Option<Dim>, axis: i64, norm: fft::Norm) => fft::irfft(b, x, n.as_ref(), axis, norm);
}
