//! Graphs for rules that random ones hardly ever match: what stands below the matched operation.

use super::generate::{Random, input, shape, slice, value};
use super::size;
use crate::make::Make;
use frit_ir::build::Builder;
use frit_ir::graph::{TensorType, Value};
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice};

/// How an example is made.
pub(crate) enum Example {
    /// In the shape of a pattern, see `from_pattern` in the tests of rules.
    Pattern(&'static str),
    /// By a function.
    Graph(fn(&mut Random, &mut Builder) -> Option<Value>),
}

use Example::{Graph, Pattern};

/// Rules by name with graphs that they may match; some of the graphs are cases where they must not.
#[rustfmt::skip]
const EXAMPLES: &[(&str, &[Example])] = &[
    ("constant-takes-sign",   &[Pattern("(multiply (negative ?x) ?c)"), Pattern("(divide ?c (negative ?x))")]),
    ("add-constants",         &[Pattern("(subtract ?d (add ?x ?c))"), Pattern("(add (subtract ?c ?x) ?d)"), Pattern("(subtract (subtract ?x ?c) ?d)")]),
    ("cancel-constants",      &[Pattern("(subtract ?d (add ?x ?c))"), Pattern("(subtract (add ?x ?c) ?d)")]),
    ("multiply-constants",    &[Pattern("(divide (multiply ?x ?c) ?d)"), Pattern("(divide ?d (divide ?c ?x))"), Pattern("(multiply (divide ?x ?c) ?d)"), Pattern("(divide ?d (multiply ?x ?c))")]),
    ("absorb",                &[Pattern("(logical_and ?x (logical_and ?y ?x))"), Pattern("(logical_or (logical_and ?x ?y) ?x)")]),
    ("logic-with-complement", &[Pattern("(logical_or (logical_not ?x) ?x)"), Pattern("(logical_and ?x (logical_not ?x))")]),
    ("not-of-comparisons",    &[Pattern("(logical_not (logical_and (less ?x ?y) (not_equal ?x ?y)))"), Pattern("(logical_not (logical_or (equal ?x ?y) (logical_not (equal ?x ?z))))")]),
    ("bounds-of-one",         &[Pattern("(logical_and (less ?x ?c) (less ?x ?d))"), Pattern("(logical_or (greater_equal ?x ?c) (greater_equal ?x ?d))"), Pattern("(logical_and (greater ?x ?c) (greater ?x ?d))")]),
    ("where-common",          &[Pattern("(where ?m (sqrt ?x) (sqrt ?y))"), Pattern("(where ?m (isnan ?x) (isnan ?y))"), Pattern("(where ?m (exp ?x) (sqrt ?y))")]),
    ("where-mask",            &[Pattern("(where ?m ?c ?d)")]),
    ("clamp-clamp",           &[Pattern("(clip (clip ?x ?c ?d) ?e ?f)"), Pattern("(minimum (maximum ?x ?c) ?d)"), Pattern("(clip (minimum ?x ?c) ?d ?e)")]),
    ("remainder-remainder",   &[Pattern("(remainder (remainder ?x ?c) ?d)")]),
    ("divide-divide-floor",   &[Pattern("(floor_divide (floor_divide ?x ?c) ?d)")]),
    ("shift-shift",           &[Pattern("(right_shift (right_shift ?x ?c) ?d)"), Pattern("(left_shift (left_shift ?x ?c) ?d)")]),
    ("bits-constants",        &[Pattern("(bitwise_xor (bitwise_xor ?x ?c) ?d)"), Pattern("(bitwise_and (bitwise_and ?x ?c) ?d)")]),
    ("compare-casts",         &[Graph(compare_casts)]),
    ("compare-bool",          &[Graph(compare_bool)]),
    ("concatenate-flat",      &[Graph(concatenate_nested)]),
    ("concatenate-neighbors", &[Graph(concatenate_slices)]),
    ("pad-constant",          &[Graph(pad_constant)]),
    ("power-half-integer-known", &[Pattern("(power (absolute ?x) ?h)"), Pattern("(power ?x ?h)")]),
    ("power-half-integer",    &[Pattern("(power ?x ?h)")]),
    ("power-small-integer",   &[Pattern("(power ?x ?h)")]),
    ("log-root",              &[Pattern("(log (sqrt ?x))"), Pattern("(log2 (sqrt ?x))")]),
    ("log-power",             &[Pattern("(log (square ?x))"), Pattern("(log10 (power (absolute ?x) ?h))"), Pattern("(log (power ?x ?h))")]),
    ("sine-cosine",           &[Pattern("(add (square (sin ?x)) (square (cos ?x)))"), Pattern("(add (square (cos ?x)) (square (sin ?x)))")]),
    ("horner",                &[Pattern("(add (multiply (square ?x) ?c) (multiply ?x ?d))"), Pattern("(subtract (add ?x (power ?x ?e)) ?c)"), Pattern("(add (multiply ?x (square ?x)) (square ?y))")]),
    ("slice-update",          &[Graph(slice_update)]),
    ("slice-library",         &[Graph(slice_library)]),
    ("slice-concatenate",     &[Graph(|r, b| sliced_across(r, b, Op::Concatenate))]),
    ("slice-pad",             &[Graph(|r, b| sliced_across(r, b, Op::Pad))]),
    ("slice-view",            &[Graph(|r, b| sliced_across(r, b, Op::Reshape)), Graph(|r, b| sliced_across(r, b, Op::Diagonal))]),
    ("reshape-elementwise",   &[Graph(reshaped_part)]),
    ("gather-rows",           &[Graph(gather_rows)]),
    ("gather-in-order",       &[Graph(gather_in_order)]),
    ("gather-elementwise",    &[Graph(gather_broadcast)]),
    ("sum-pad",               &[Graph(sum_pad)]),
    ("prod-broadcast",        &[Graph(|r, b| reduced(r, b, &[Op::Prod], &[Op::BroadcastTo]))]),
    ("difference-cumsum",     &[Graph(difference_cumsum)]),
    ("variance-in-blocks",    &[Graph(squares_about)]),
    ("cumulative-broadcast",  &[Graph(cumsum_broadcast)]),
    ("extreme-monotone",      &[Graph(|r, b| reduced(r, b, &[Op::Min, Op::Max], &[Op::Negative, Op::Exp, Op::Tanh, Op::Floor, Op::Sqrt]))]),
    ("extreme-clamp",         &[Graph(|r, b| reduced(r, b, &[Op::Min, Op::Max], &[Op::Maximum, Op::Minimum, Op::Clip]))]),
    ("extreme-shift",         &[Graph(|r, b| reduced(r, b, &[Op::Min, Op::Max], &[Op::Add, Op::Subtract]))]),
    ("extreme-scale",         &[Graph(|r, b| reduced(r, b, &[Op::Min, Op::Max], &[Op::Multiply, Op::Divide]))]),
    ("position-negative",     &[Graph(|r, b| reduced(r, b, &[Op::Argmin, Op::Argmax], &[Op::Negative]))]),
    ("any-not",               &[Graph(|r, b| reduced(r, b, &[Op::Any, Op::All], &[Op::LogicalNot]))]),
    ("sum-flip",              &[Graph(|r, b| reduced(r, b, &[Op::Sum, Op::Prod], &[Op::Slice]))]),
    ("extreme-flip",          &[Graph(|r, b| reduced(r, b, &[Op::Min, Op::Max], &[Op::Slice]))]),
    ("slice-cumulative-last", &[Graph(slice_cumulative)]),
    ("inverse-cast",          &[Graph(inverse_cast)]),
    ("solve-factored",        &[Graph(|r, b| one_matrix(r, b, Op::Solve))]),
    ("inverse-factored",      &[Graph(|r, b| one_matrix(r, b, Op::Inv))]),
    ("determinant-factored",  &[Graph(|r, b| one_matrix(r, b, Op::Det))]),
    ("determinant-sign-factored", &[Graph(|r, b| one_matrix(r, b, Op::Slogdet))]),
    ("determinant-log-factored", &[Graph(|r, b| one_matrix(r, b, Op::Slogdet))]),
    ("sum-of-squeezes",       &[Graph(sum_of_squeezes)]),
];

/// The examples of a rule.
pub(crate) fn examples(rule: &str) -> &'static [Example] {
    EXAMPLES.iter().find(|(name, _)| *name == rule).map_or(&[], |(_, list)| list)
}

/// The rules that have examples.
pub(crate) fn named() -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().map(|(name, _)| *name)
}

fn comparison(r: &mut Random) -> Op {
    r.pick(&[Op::Equal, Op::NotEqual, Op::Less, Op::LessEqual, Op::Greater, Op::GreaterEqual])
}

fn compare_casts(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let (from, to) = r.pick(&[
        (DType::F32, DType::F64),
        (DType::I8, DType::F64),
        (DType::I8, DType::I64),
        (DType::U16, DType::I64),
        (DType::I64, DType::F64),
    ]);
    let s = shape(r, 1);
    let x = input(b, "x", TensorType::new(from, s.clone()));
    let x = Make::cast(b, x, to)?;
    let y = if r.coin() {
        let v = r.pick(&[0.0, 1.0, -3.0, 0.1, 300.0, f64::NAN, f64::INFINITY, -0.0]);
        b.constant(Scalar::from_f64(to, v))
    } else {
        let y = input(b, "y", TensorType::new(from, s));
        Make::cast(b, y, to)?
    };
    let op = comparison(r);
    Make::elementwise(b, op, &[x, y])
}

fn compare_bool(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let s = shape(r, 1);
    let x = input(b, "x", TensorType::new(DType::Bool, s));
    let to = r.pick(&[DType::F64, DType::I8, DType::Bool, DType::C128]);
    let x = Make::cast(b, x, to)?;
    let v = r.pick(&[0.0, 1.0, 0.5, -1.0, 2.0]);
    let c = b.constant(Scalar::from_f64(to, v));
    let op = comparison(r);
    Make::elementwise(b, op, &[x, c])
}

fn concatenate(b: &mut Builder, parts: &[Value], axis: usize) -> Option<Value> {
    Make::node(b, Op::Concatenate, Attrs::new([(Key::Axis, Attr::Int(axis as i64))]), parts)
}

/// A slice of known bounds of a joined, padded or reshaped array, or of a diagonal, across its seams.
fn sliced_across(r: &mut Random, b: &mut Builder, op: Op) -> Option<Value> {
    let t = r.pick(&[DType::F64, DType::I8]);
    let array = |b: &mut Builder, shape: &[i64]| {
        let name = format!("x{}", b.graph().inputs.len());
        b.input(&name, TensorType::new(t, shape.iter().map(|n| (*n).into()).collect::<Vec<_>>()))
    };
    let whole = match op {
        Op::Concatenate => {
            let parts = [array(b, &[3, 2]), array(b, &[4, 2]), array(b, &[1, 2])];
            concatenate(b, &parts, 0)?
        }
        Op::Pad => {
            let (x, c) = (array(b, &[3, 2]), b.constant(Scalar::one(t)));
            let dims = |d: [i64; 2]| Attr::Dims(d.map(Dim::constant).to_vec());
            let attrs = Attrs::new([(Key::PadLow, dims([2, 1])), (Key::PadHigh, dims([3, 0]))]);
            Make::node(b, Op::Pad, attrs, &[x, c])?
        }
        Op::Reshape => {
            let x = array(b, &[24]);
            let to: &[i64] = r.pick(&[&[4, 6], &[2, 3, 4], &[3, 1, 8]]);
            let to: Vec<Dim> = to.iter().map(|n| (*n).into()).collect();
            Make::reshape(b, x, &to)?
        }
        _ => {
            let x = array(b, &[6, 2, 4]);
            let at = |k: i64| Attr::Int(k);
            let offset = r.pick(&[-2, -1, 0, 1]);
            Make::node(
                b,
                op,
                Attrs::new([(Key::Axis, at(0)), (Key::Axis2, at(2)), (Key::Offset, at(offset))]),
                &[x],
            )?
        }
    };
    let mut slices: Vec<Slice> = Vec::new();
    for d in b.shape(whole).to_vec() {
        let n = d.as_const()?;
        let (start, step) = (r.below(n as usize) as i64, r.pick(&[1, 1, 2, 3, -1, -2]));
        let room = if step > 0 { (n - 1 - start) / step + 1 } else { start / -step + 1 };
        let part = Slice { start: start.into(), size: (1 + r.below(room as usize) as i64).into(), step };
        slices.push(if r.below(3) == 0 { Slice::full(&d) } else { part });
    }
    Make::slice(b, whole, &slices)
}

/// A slice, or some positions, of an elementwise operation that is reshaped. One operand broadcasts at times: then it stays.
fn reshaped_part(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let x = b.input("x", TensorType::new(DType::F64, [Dim::constant(4), 6.into()]));
    let row = r.coin();
    let y = b
        .input("y", TensorType::new(DType::F64, if row { vec![6.into()] } else { vec![4.into(), 6.into()] }));
    let op = r.pick(&[Op::Add, Op::Multiply, Op::Maximum]);
    let f = Make::elementwise(b, op, &[x, y])?;
    let v = Make::reshape(b, f, &[Dim::constant(24)])?;
    if r.coin() {
        return Make::slice(b, v, &[Slice { start: 1.into(), size: 11.into(), step: 2 }]);
    }
    let k = b.iota(&[Dim::constant(5)], 0, DType::I64).ok()?;
    Make::node(b, Op::Gather, Attrs::new([(Key::Axes, Attr::Ints(vec![0]))]), &[v, k])
}

fn concatenate_nested(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let inner = value(r, b, Op::Concatenate, 1)?;
    let s = b.shape(inner).to_vec();
    let axis = r.below(s.len());
    let mut own = s;
    own[axis] = r.pick(&[0.into(), 2.into(), Dim::symbol("m")]);
    let x = input(b, "x", TensorType::new(b.dtype(inner), own));
    if r.coin() { concatenate(b, &[x, inner], axis) } else { concatenate(b, &[inner, x], axis) }
}

/// Two or three slices of one array, often adjacent.
fn concatenate_slices(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let s = vec![Dim::symbol("n"), 4.into()];
    let axis = r.below(2);
    let t = r.pick(&[DType::F64, DType::I8]);
    let x = input(b, "x", TensorType::new(t, s.clone()));
    let other = input(b, "x", TensorType::new(t, s.clone()));
    let n = size(&s[axis]);
    let (cut, step) = (r.below(n + 1), r.pick(&[1, 1, 1, 2]));
    let ranges = [(0, cut), (cut, n)];
    let mut parts = Vec::new();
    for (start, stop) in ranges {
        let source = if r.below(5) == 0 { other } else { x };
        let start = if r.below(5) == 0 { start.min(n - 1) / 2 } else { start };
        let mut own: Vec<Slice> = s.iter().map(Slice::full).collect();
        let count = stop.saturating_sub(start).div_ceil(step);
        own[axis] = Slice { start: start.into(), size: count.into(), step: step as i64 };
        parts.push(Make::slice(b, source, &own)?);
    }
    if r.below(3) == 0 {
        parts.reverse();
    }
    let last = slice(r, &s[axis]);
    let mut own: Vec<Slice> = s.iter().map(Slice::full).collect();
    own[axis] = last;
    parts.push(Make::slice(b, x, &own)?);
    concatenate(b, &parts, axis)
}

fn pad_constant(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let c = b.constant(Scalar::from_f64(DType::F64, 1.0));
    let other = r.pick(&[1.0, 1.0, 2.0]);
    let d = b.constant(Scalar::from_f64(DType::F64, other));
    let x = Make::broadcast_to(b, c, &[Dim::symbol("n")])?;
    let width = |k: usize| Attr::Dims(vec![Dim::constant(k as i64)]);
    let attrs = [(Key::PadLow, width(r.below(3))), (Key::PadHigh, width(r.below(3)))];
    Make::node(b, Op::Pad, Attrs::new(attrs), &[x, d])
}

/// A reduction of another operation.
fn reduced(r: &mut Random, b: &mut Builder, ops: &[Op], of: &[Op]) -> Option<Value> {
    let inner = r.pick(of);
    let x = value(r, b, inner, 0)?;
    let rank = b.shape(x).len() as i64;
    let op = r.pick(ops);
    let mut axes: Vec<i64> = (0..rank).filter(|_| r.coin()).collect();
    if matches!(op, Op::Argmin | Op::Argmax) {
        axes = vec![r.below(rank.max(1) as usize) as i64];
    }
    if axes.iter().any(|a| size(&b.shape(x)[*a as usize]) == 0) {
        return None;
    }
    let keep = r.coin();
    Make::reduce(b, op, x, &axes, keep)
}

fn sliced(r: &mut Random, b: &mut Builder, x: Value) -> Option<Value> {
    let own: Vec<Slice> = b.shape(x).to_vec().iter().map(|d| slice(r, d)).collect();
    Make::node(b, Op::Slice, Attrs::new([(Key::Slices, Attr::Slices(own))]), &[x])
}

/// A slice of an array with a part, or rows at some positions, replaced.
fn slice_update(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let s = vec![4.into(), Dim::symbol("n")];
    let x = input(b, "x", TensorType::new(DType::F64, s.clone()));
    let whole = Slice::full(&s[1]);
    let updated = if r.coin() {
        let rows = Slice { start: 1.into(), size: 2.into(), step: 1 };
        let v = input(b, "v", TensorType::new(DType::F64, vec![r.pick(&[1.into(), 2.into()]), s[1].clone()]));
        Make::node(b, Op::UpdateSlice, Attrs::new([(Key::Slices, Attr::Slices(vec![rows, whole]))]), &[x, v])?
    } else {
        let index = input(b, "index", TensorType::new(DType::I64, vec![3.into()]));
        let wide = r.pick(&[s[1].clone(), 1.into()]);
        let v = input(b, "v", TensorType::new(DType::F64, vec![3.into(), wide]));
        let attrs =
            [(Key::Axes, Attr::Ints(vec![0])), (Key::Mode, Attr::Str(r.pick(&["set", "add"]).into()))];
        Make::node(b, Op::Scatter, Attrs::new(attrs), &[x, v, index])?
    };
    sliced(r, b, updated)
}

/// A transform of rows, or the determinants of matrices.
fn library(r: &mut Random, b: &mut Builder) -> Option<Value> {
    if r.coin() {
        let x = input(b, "x", TensorType::new(DType::C128, vec![Dim::symbol("n"), 4.into()]));
        let scale = Attr::Scalar(Scalar::from_f64(DType::F64, 1.0));
        let attrs =
            [(Key::Axis, Attr::Int(r.below(2) as i64)), (Key::N, Attr::Dim(4.into())), (Key::Scale, scale)];
        return Make::node(b, Op::Fft, Attrs::new(attrs), &[x]);
    }
    let x = input(b, "x", TensorType::new(DType::F64, vec![Dim::symbol("n"), 2.into(), 2.into()]));
    b.unary(Op::Det, x).ok()
}

fn slice_library(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let x = library(r, b)?;
    sliced(r, b, x)
}

fn gather_rows(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let x = match r.below(3) {
        0 => library(r, b)?,
        1 => value(r, b, Op::Sum, 0)?,
        _ => value(r, b, Op::Cumsum, 0)?,
    };
    let shape = b.shape(x).to_vec();
    let axis = r.below(shape.len().max(1));
    if size(shape.get(axis)?) < 2 {
        return None;
    }
    let positions = r.pick(&[vec![], vec![3.into()], vec![2.into(), 2.into()]]);
    let index = input(b, "index", TensorType::new(DType::I64, positions));
    gather(b, &[axis as i64], x, &[index])
}

fn gather(b: &mut Builder, axes: &[i64], x: Value, indices: &[Value]) -> Option<Value> {
    let operands: Vec<Value> = std::iter::once(x).chain(indices.iter().copied()).collect();
    Make::node(b, Op::Gather, Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec()))]), &operands)
}

/// Of fewer elements than there are, of all, and of more, which no run takes.
fn gather_in_order(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let x = input(b, "x", TensorType::new(DType::F64, vec![3.into(), Dim::symbol("n"), 4.into()]));
    let axis = r.below(3);
    let size = b.shape(x)[axis].clone();
    let count = r.pick(&[size.clone(), size, 3.into(), 1.into()]);
    let attrs = [
        (Key::Axis, Attr::Int(0)),
        (Key::DType, Attr::DType(DType::I64)),
        (Key::Shape, Attr::Dims(vec![count])),
    ];
    let index = Make::node(b, Op::Iota, Attrs::new(attrs), &[])?;
    gather(b, &[axis as i64], x, &[index])
}

/// Of operands that have all, some or none of the axes along which positions are given.
fn gather_broadcast(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let full: [Dim; 3] = [2.into(), 4.into(), 3.into()];
    let operand = |name: &str, r: &mut Random, b: &mut Builder| {
        let shape: Vec<Dim> =
            full[r.below(3)..].iter().map(|n| if r.below(3) == 0 { 1.into() } else { n.clone() }).collect();
        input(b, name, TensorType::new(DType::F64, shape))
    };
    let (x, y) = (operand("x", r, b), operand("y", r, b));
    let sum = b.binary(Op::Add, x, y).ok()?;
    let long: Vec<bool> = b.shape(sum).iter().map(|n| !n.is(1)).collect();
    let axes: Vec<i64> = (0..long.len() as i64).filter(|k| long[*k as usize] && r.below(3) > 0).collect();
    if axes.is_empty() {
        return None;
    }
    let shapes = [vec![4.into()], vec![], vec![2.into(), 1.into()], vec![1.into()]];
    let mut index = |k: &i64| input(b, &format!("index{k}"), TensorType::new(DType::I64, r.pick(&shapes)));
    let indices: Vec<Value> = axes.iter().map(&mut index).collect();
    gather(b, &axes, sum, &indices)
}

fn sum_pad(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let t = r.pick(&[DType::F64, DType::I8]);
    let x = input(b, "x", TensorType::new(t, vec![Dim::symbol("n"), 2.into()]));
    let c = b.constant(Scalar::from_i64(t, r.below(3) as i64 / 2));
    let mut width = || Attr::Dims((0..2).map(|_| Dim::constant(r.below(3) as i64)).collect());
    let attrs = [(Key::PadLow, width()), (Key::PadHigh, width())];
    let x = Make::node(b, Op::Pad, Attrs::new(attrs), &[x, c])?;
    let axes = r.pick(&[vec![0], vec![1], vec![0, 1]]);
    let keep = r.coin();
    Make::reduce(b, Op::Sum, x, &axes, keep)
}

/// The sum of squares about the mean, as a rule, of some long rows.
fn squares_about(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let t = r.pick(&[DType::F64, DType::F32]);
    let (rows, columns) = (r.pick(&[1, 2, 2, 9]), r.pick(&[300, 515, 541, 200]));
    let x = input(b, "x", TensorType::new(t, [Dim::constant(rows), columns.into()]));
    let (axes, keep) = (vec![r.pick(&[0, 1, 1])], r.below(6) > 0);
    let axes = if r.below(3) == 0 { vec![0, 1] } else { axes };
    let sum = Make::reduce(b, Op::Sum, x, &axes, keep)?;
    let mean = if r.below(6) == 0 {
        input(b, "x", TensorType::new(t, b.shape(sum).to_vec()))
    } else {
        let n = b.constant(Scalar::from_f64(t, columns as f64));
        Make::elementwise(b, Op::Divide, &[sum, n])?
    };
    let d = Make::elementwise(b, Op::Subtract, &if r.coin() { [x, mean] } else { [mean, x] })?;
    let square = Make::elementwise(b, Op::Square, &[d])?;
    let keep = r.coin();
    Make::reduce(b, Op::Sum, square, &axes, keep)
}

fn cumsum(b: &mut Builder, x: Value, axis: usize) -> Option<Value> {
    Make::node(b, Op::Cumsum, Attrs::new([(Key::Axis, Attr::Int(axis as i64))]), &[x])
}

fn difference_cumsum(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let t = r.pick(&[DType::F64, DType::I8]);
    let x = input(b, "x", TensorType::new(t, vec![5.into(), 5.into()]));
    let (axis, along) = (r.below(2), r.below(2));
    let sums = cumsum(b, x, axis)?;
    let part = |start: i64| {
        let mut own = vec![Slice::full(&5.into()); 2];
        own[along] = Slice { start: start.into(), size: 4.into(), step: 1 };
        own
    };
    let starts = r.pick(&[(1, 0), (1, 0), (0, 1)]);
    let (a, c) = (Make::slice(b, sums, &part(starts.0))?, Make::slice(b, sums, &part(starts.1))?);
    b.binary(Op::Subtract, a, c).ok()
}

fn cumsum_broadcast(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let x = value(r, b, Op::BroadcastTo, 0)?;
    let axis = r.below(b.shape(x).len());
    cumsum(b, x, axis)
}

fn slice_cumulative(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let op = r.pick(&[Op::Cumsum, Op::Cumprod, Op::Cummax, Op::Cummin]);
    let x = value(r, b, op, 0)?;
    sliced(r, b, x)
}

/// A sum of columns or rows without their unit axis, most of them products.
fn sum_of_squeezes(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let t = r.pick(&[DType::F64, DType::I8]);
    let mut operands = Vec::new();
    for _ in 0..2 {
        let column = r.below(6) > 0;
        let shape = if column { [Dim::symbol("n"), 1.into()] } else { [1.into(), Dim::symbol("n")] };
        let x = input(b, "x", TensorType::new(t, shape));
        let a = input(b, "x", TensorType::new(t, [Dim::symbol("n"), Dim::symbol("n")]));
        let product = match r.below(6) {
            0 => x,
            _ if column => Make::elementwise(b, Op::Matmul, &[a, x])?,
            _ => Make::elementwise(b, Op::Matmul, &[x, a])?,
        };
        operands.push(Make::squeeze(b, product, &[i64::from(column)])?);
    }
    let op = r.pick(&[Op::Add, Op::Subtract]);
    Make::elementwise(b, op, &operands)
}

/// Two values that are computed by a factorization of one matrix, as a rule, or of two.
fn one_matrix(r: &mut Random, b: &mut Builder, op: Op) -> Option<Value> {
    let n = r.pick(&[Dim::symbol("n"), Dim::symbol("m"), 4.into()]);
    let a = super::library::system(r, b, &n, 0)?;
    let of = |r: &mut Random, b: &mut Builder, op: Op, a: Value| -> Option<Value> {
        if op == Op::Solve {
            let right = input(
                b,
                "x",
                TensorType::new(DType::F64, [n.clone(), r.pick(&[Dim::symbol("m"), 1.into()])]),
            );
            return Make::elementwise(b, op, &[a, right]);
        }
        let all = Make::elementwise(b, op, &[a])?;
        Some(if op == Op::Slogdet { Value { index: r.below(2) as u32, ..all } } else { all })
    };
    let x = of(r, b, op, a)?;
    let other = if r.below(4) == 0 { super::library::system(r, b, &n, 0)? } else { a };
    let with = r.pick(&[Op::Det, Op::Slogdet]);
    let y = of(r, b, with, other)?;
    Make::elementwise(b, Op::Multiply, &[x, y])
}

/// A product with an inverse that was rounded, or widened, or with something else that was.
fn inverse_cast(r: &mut Random, b: &mut Builder) -> Option<Value> {
    let n = Dim::symbol("n");
    let a = super::library::system(r, b, &n, 0)?;
    let op = r.pick(&[Op::Inv, Op::Inv, Op::Square]);
    let inverse = Make::elementwise(b, op, &[a])?;
    let to = r.pick(&[DType::F32, DType::F32, DType::C128]);
    let inverse = Make::cast(b, inverse, to)?;
    let x = input(b, "x", TensorType::new(to, [n.clone(), n]));
    let operands = if r.coin() { [inverse, x] } else { [x, inverse] };
    Make::elementwise(b, Op::Matmul, &operands)
}
