//! `x[...]` and `x[...] = v`: positions, ranges with steps and symbolic bounds, new axes, integer arrays, masks.

use super::{Arg, Built, asarray, bin, choose, invalid};
use frit_ir::build::Builder;
use frit_ir::error::{Cause, TypeError};
use frit_ir::infer::broadcast_shapes;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Literal, Op, Slice, TensorType, Value};

/// One part of an index, as between the commas of NumPy's `x[...]`; `A` is the kind of arrays.
#[derive(Clone, Debug)]
pub enum Index<A = crate::Array> {
    /// One position; the axis goes away. Negative constants count from the end.
    At(Dim),
    /// `start:stop:step`; bounds are clipped as Python's are.
    Range {
        /// First position, or the natural end.
        start: Option<Dim>,
        /// End, exclusive, or the natural end.
        stop: Option<Dim>,
        /// Distance; not 0.
        step: i64,
    },
    /// A new axis of size 1.
    New,
    /// All axes not named (`...`).
    Ellipsis,
    /// Integer positions, or a mask: a bool array over as many axes as it has (only where nothing has to know how
    /// many elements are true).
    Array(A),
    /// Constant positions.
    List(Vec<i64>),
}

impl<A> Index<A> {
    /// The same range with a step.
    pub fn step(self, step: i64) -> Index<A> {
        match self {
            Index::Range { start, stop, .. } => Index::Range { start, stop, step },
            other => other,
        }
    }

    /// The same with other arrays.
    pub fn map<B>(self, f: &mut impl FnMut(A) -> B) -> Index<B> {
        match self {
            Index::At(d) => Index::At(d),
            Index::Range { start, stop, step } => Index::Range { start, stop, step },
            Index::New => Index::New,
            Index::Ellipsis => Index::Ellipsis,
            Index::Array(a) => Index::Array(f(a)),
            Index::List(v) => Index::List(v),
        }
    }
}

/// How an indexed update combines the new value with the old one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// `x[i] = v`.
    Set,
    /// `x[i] += v`, every occurrence of a repeated position counted (`np.add.at`).
    Add,
    /// `x[i] *= v`, likewise.
    Multiply,
    /// `x[i] = minimum(x[i], v)`, likewise.
    Minimum,
    /// `x[i] = maximum(x[i], v)`, likewise.
    Maximum,
}

impl Update {
    fn mode(self) -> &'static str {
        match self {
            Update::Set => "set",
            Update::Add => "add",
            Update::Multiply => "multiply",
            Update::Minimum => "minimum",
            Update::Maximum => "maximum",
        }
    }

    fn combine(self, b: &mut Builder, old: Value, new: Value) -> Built {
        match self {
            Update::Set => Ok(new),
            Update::Add => bin(b, Op::Add, old, new),
            Update::Multiply => bin(b, Op::Multiply, old, new),
            Update::Minimum => bin(b, Op::Minimum, old, new),
            Update::Maximum => bin(b, Op::Maximum, old, new),
        }
    }
}

type Parts = [Index<Value>];

/// An axis of the result, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slot {
    /// An axis of the source that stays.
    Kept(usize),
    /// A new axis.
    New,
    /// The axes of the broadcast index arrays.
    Indexed,
}

/// An index applied to a shape.
struct Resolved {
    /// One per axis of the source; whole for axes with index arrays.
    slices: Vec<Slice>,
    /// Axes that a position removes.
    dropped: Vec<i64>,
    /// Index arrays by axis; with any, positions are among them and `dropped` is empty.
    arrays: Vec<(i64, Value)>,
    /// The result.
    slots: Vec<Slot>,
}

impl Resolved {
    /// Positions of new axes when there are no index arrays.
    fn inserted(&self) -> Vec<i64> {
        (0..self.slots.len()).filter(|k| self.slots[*k] == Slot::New).map(|k| k as i64).collect()
    }
}

fn is_advanced(p: &Index<Value>) -> bool {
    matches!(p, Index::Array(_) | Index::List(_))
}

fn resolve(b: &mut Builder, shape: &[Dim], parts: &Parts) -> Result<Resolved, TypeError> {
    let named = parts.iter().filter(|p| !matches!(p, Index::New | Index::Ellipsis)).count();
    if named > shape.len() {
        let rank = shape.len();
        let why =
            format!("too many indices for array: array is {rank}-dimensional, but {named} were indexed");
        return Err(b.error(Op::Slice, Cause::Shape(why)));
    }
    if parts.iter().filter(|p| matches!(p, Index::Ellipsis)).count() > 1 {
        let why = "an index can only have a single ellipsis ('...')".to_string();
        return Err(b.error(Op::Slice, Cause::Shape(why)));
    }
    let advanced = parts.iter().any(is_advanced);
    let mut r = Resolved { slices: vec![], dropped: vec![], arrays: vec![], slots: vec![] };
    // Where index arrays stand: (part number, place in `slots`).
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (number, p) in parts.iter().enumerate() {
        let axis = r.slices.len();
        match p {
            Index::New => r.slots.push(Slot::New),
            Index::Ellipsis => {
                for (k, d) in shape.iter().enumerate().skip(axis).take(shape.len() - named) {
                    r.slices.push(Slice::full(d));
                    r.slots.push(Slot::Kept(k));
                }
            }
            Index::At(i) => {
                let s = position(b, i, &shape[axis], axis)?;
                if advanced {
                    r.arrays.push((axis as i64, b.dim_value(&s.start)));
                    r.slices.push(Slice::full(&shape[axis]));
                    places.push((number, r.slots.len()));
                } else {
                    r.slices.push(s);
                    r.dropped.push(axis as i64);
                }
            }
            Index::Range { start, stop, step } => {
                r.slices.push(range(b, start.as_ref(), stop.as_ref(), *step, &shape[axis])?);
                r.slots.push(Slot::Kept(axis));
            }
            Index::Array(_) | Index::List(_) => {
                let v = match p {
                    Index::Array(v) => *v,
                    Index::List(at) => constant_indices(b, at)?,
                    _ => continue,
                };
                if !b.dtype(v).is_int() {
                    let why = if b.dtype(v) == DType::Bool {
                        "a mask selects a number of elements that is known only when the program runs; write \
                         where(mask, x, fill) and reduce it, or assign through the mask"
                    } else {
                        "arrays used as indices must be of integer (or boolean) type"
                    };
                    return invalid(b, Op::Gather, why);
                }
                r.arrays.push((axis as i64, v));
                r.slices.push(Slice::full(&shape[axis]));
                places.push((number, r.slots.len()));
            }
        }
    }
    for (k, d) in shape.iter().enumerate().skip(r.slices.len()) {
        r.slices.push(Slice::full(d));
        r.slots.push(Slot::Kept(k));
    }
    if let Some((first, place)) = places.first() {
        // Index arrays side by side stand where they were; otherwise their axes come first.
        let together = places.iter().enumerate().all(|(k, (number, _))| *number == first + k);
        r.slots.insert(if together { *place } else { 0 }, Slot::Indexed);
    }
    Ok(r)
}

fn position(b: &Builder, i: &Dim, n: &Dim, axis: usize) -> Result<Slice, TypeError> {
    let mut start = i.clone();
    if let (Some(i), Some(n)) = (i.as_const(), n.as_const())
        && (i < -n || i >= n)
    {
        let why = format!("index {i} is out of bounds for axis {axis} with size {n}");
        return Err(b.error(Op::Slice, Cause::Shape(why)));
    }
    if i.as_const().is_some_and(|i| i < 0) {
        start = start + n;
    }
    Ok(Slice { start, size: 1.into(), step: 1 })
}

/// Python's `slice.indices`, over expressions: what the ranges of loop indices prove needs no clipping.
fn range(
    b: &Builder,
    start: Option<&Dim>,
    stop: Option<&Dim>,
    step: i64,
    n: &Dim,
) -> Result<Slice, TypeError> {
    if step == 0 {
        return Err(b.error(Op::Slice, Cause::Value("slice step cannot be zero".into())));
    }
    let zero = Dim::constant(0);
    let last = if step > 0 { n.clone() } else { n - 1 };
    let first = if step > 0 { zero.clone() } else { Dim::constant(-1) };
    let clip = |d: &Dim| {
        let mut d = if d.as_const().is_some_and(|v| v < 0) { d + n } else { d.clone() };
        if !(&d - &first).proves_nonnegative(b.ranges()) {
            d = d.maximum(&first);
        }
        if !(&last - &d).proves_nonnegative(b.ranges()) {
            d = d.minimum(&last);
        }
        d
    };
    let (from, to) = if step > 0 {
        (start.map_or(zero.clone(), clip), stop.map_or(n.clone(), clip))
    } else {
        (start.map_or(n - 1, clip), stop.map_or(Dim::constant(-1), clip))
    };
    let span = if step > 0 { &to - &from } else { &from - &to };
    let count = span.ceil_div(&Dim::constant(step.abs()));
    let size = if count.proves_nonnegative(b.ranges()) { count } else { count.maximum(&zero) };
    let from = if size.is(0) { zero } else { from };
    Ok(Slice { start: from, size, step })
}

/// Order of the result's axes (new ones left out) among those of a gather: index axes, then the kept ones.
fn gather_perm(r: &Resolved, index_rank: usize) -> Vec<i64> {
    let kept: Vec<usize> =
        (0..r.slices.len()).filter(|k| r.arrays.iter().all(|(a, _)| *a != *k as i64)).collect();
    let mut perm = Vec::new();
    for s in &r.slots {
        match s {
            Slot::Indexed => perm.extend(0..index_rank as i64),
            Slot::Kept(axis) => {
                let place = kept.iter().position(|k| k == axis).unwrap_or(0);
                perm.push((index_rank + place) as i64);
            }
            Slot::New => {}
        }
    }
    perm
}

/// Positions of new axes in the result.
fn new_axes(r: &Resolved, index_rank: usize) -> Vec<i64> {
    let mut at = 0;
    let mut out = Vec::new();
    for s in &r.slots {
        match s {
            Slot::Indexed => at += index_rank as i64,
            Slot::Kept(_) => at += 1,
            Slot::New => {
                out.push(at);
                at += 1;
            }
        }
    }
    out
}

fn index_shape(b: &Builder, r: &Resolved) -> Result<Vec<Dim>, TypeError> {
    let shapes: Vec<&[Dim]> = r.arrays.iter().map(|(_, v)| b.shape(*v)).collect();
    broadcast_shapes(&shapes).ok_or_else(|| {
        let types = r.arrays.iter().map(|(_, v)| b.ty(*v).clone()).collect();
        b.error(Op::Gather, Cause::Broadcast(types))
    })
}

fn basic(b: &mut Builder, x: Value, r: &Resolved) -> Built {
    let s = b.slice(x, &r.slices)?;
    let s = b.squeeze(s, &r.dropped)?;
    b.expand_dims(s, &r.inserted())
}

/// `x[...]`.
pub fn getitem(b: &mut Builder, x: Value, parts: &Parts) -> Built {
    let shape = b.shape(x).to_vec();
    let r = resolve(b, &shape, parts)?;
    if r.arrays.is_empty() {
        return basic(b, x, &r);
    }
    let rank = index_shape(b, &r)?.len();
    let s = b.slice(x, &r.slices)?;
    let (axes, arrays): (Vec<i64>, Vec<Value>) = r.arrays.iter().copied().unzip();
    let g = b.gather(s, &axes, &arrays)?;
    let g = b.transpose(g, &gather_perm(&r, rank))?;
    b.expand_dims(g, &new_axes(&r, rank))
}

/// `x` after `x[...] = v`, or after another update of those elements.
pub fn setitem(b: &mut Builder, x: Value, parts: &Parts, v: impl Arg, update: Update) -> Built {
    let v = asarray(b, v);
    let v = b.cast(v, b.dtype(x))?;
    if let Some(at) = parts.iter().position(|p| matches!(p, Index::Array(m) if b.dtype(*m) == DType::Bool)) {
        return set_mask(b, x, parts, at, v, update);
    }
    let shape = b.shape(x).to_vec();
    let r = resolve(b, &shape, parts)?;
    if !r.arrays.is_empty() {
        return set_advanced(b, x, &r, v, update);
    }
    let v = if update == Update::Set {
        v
    } else {
        let old = basic(b, x, &r)?;
        let new = update.combine(b, old, v)?;
        b.cast(new, b.dtype(x))?
    };
    // The value has the shape of `x[...]`: axes that indexing drops come back with size 1.
    let v = fit_rank(b, v, r.slots.len())?;
    let rank = b.ty(v).rank();
    if rank == 0 {
        return b.update_slice(x, v, &r.slices);
    }
    let lead: Vec<i64> = (0..(r.slots.len() - rank) as i64).collect();
    let v = b.expand_dims(v, &lead)?;
    let v = b.squeeze(v, &r.inserted())?;
    let v = b.expand_dims(v, &r.dropped)?;
    b.update_slice(x, v, &r.slices)
}

/// Without leading axes of size 1 beyond a rank.
fn fit_rank(b: &mut Builder, v: Value, rank: usize) -> Built {
    let extra = b.ty(v).rank().saturating_sub(rank);
    if b.shape(v)[..extra].iter().any(|d| !d.is(1)) {
        let why = format!("could not broadcast input array from shape {} into {rank} axes", show(b.shape(v)));
        return Err(b.error(Op::UpdateSlice, Cause::Shape(why)));
    }
    b.squeeze(v, &(0..extra as i64).collect::<Vec<_>>())
}

fn show(shape: &[Dim]) -> String {
    let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
    format!("({}{})", dims.join(","), if dims.len() == 1 { "," } else { "" })
}

fn set_advanced(b: &mut Builder, x: Value, r: &Resolved, v: Value, update: Update) -> Built {
    let index = index_shape(b, r)?;
    let mut window = Vec::new();
    for s in &r.slots {
        match s {
            Slot::Indexed => window.extend(index.iter().cloned()),
            Slot::Kept(axis) => window.push(r.slices[*axis].size.clone()),
            Slot::New => window.push(1.into()),
        }
    }
    let v = fit_rank(b, v, window.len())?;
    let v = b.broadcast_to(v, &window)?;
    let v = b.squeeze(v, &new_axes(r, index.len()))?;
    // Back to the order of a gather: index axes, then the kept ones.
    let perm = gather_perm(r, index.len());
    let mut inverse = vec![0; perm.len()];
    for (k, p) in perm.iter().enumerate() {
        inverse[*p as usize] = k as i64;
    }
    let v = b.transpose(v, &inverse)?;
    let (axes, arrays): (Vec<i64>, Vec<Value>) = r.arrays.iter().copied().unzip();
    let source = b.slice(x, &r.slices)?;
    let done = scatter(b, source, v, &axes, &arrays, update)?;
    let whole = r.slices.iter().zip(b.shape(x)).all(|(s, d)| s.is_full(d));
    if whole { Ok(done) } else { b.update_slice(x, done, &r.slices) }
}

/// The builder's `scatter`: updates lie as a gather would read them.
pub(super) fn scatter(
    b: &mut Builder,
    x: Value,
    v: Value,
    axes: &[i64],
    at: &[Value],
    update: Update,
) -> Built {
    let mut inputs = vec![x, v];
    for i in at {
        inputs.push(b.cast(*i, DType::I64)?);
    }
    let attrs = [(Key::Axes, Attr::Ints(axes.to_vec())), (Key::Mode, Attr::Str(update.mode().into()))];
    b.node(Op::Scatter, Attrs::new(attrs), &inputs)
}

/// `x[.., mask, ..] = v` as a `where`, for values that do not depend on how many elements are true.
fn set_mask(b: &mut Builder, x: Value, parts: &Parts, at: usize, v: Value, update: Update) -> Built {
    let Index::Array(mask) = parts[at] else { return invalid(b, Op::Where, "expected a mask") };
    if parts.iter().filter(|p| is_advanced(p)).count() > 1 {
        return invalid(b, Op::Where, "a mask cannot be combined with other index arrays");
    }
    let covered = b.ty(mask).rank();
    let all = || Index::Range { start: None, stop: None, step: 1 };
    let mut whole: Vec<Index<Value>> = parts.to_vec();
    whole.splice(at..=at, (0..covered).map(|_| all()));
    // The elements that the other parts select, and where the mask's axes stand among them.
    let old = getitem(b, x, &whole)?;
    let consumed = |p: &Index<Value>| matches!(p, Index::Range { .. } | Index::New);
    let before_ellipsis = !parts[..at].iter().any(|p| matches!(p, Index::Ellipsis));
    let lead = if before_ellipsis {
        parts[..at].iter().filter(|p| consumed(p)).count()
    } else {
        b.ty(old).rank() - covered - parts[at + 1..].iter().filter(|p| consumed(p)).count()
    };
    let trailing = b.ty(old).rank() - lead - covered;
    for (k, (m, n)) in b.shape(mask).iter().zip(&b.shape(old)[lead..]).enumerate() {
        if m != n {
            let why = format!(
                "boolean index did not match indexed array along axis {}; size of axis is {n} but size of \
                 corresponding boolean axis is {m}",
                lead + k
            );
            return Err(b.error(Op::Where, Cause::Shape(why)));
        }
    }
    let mask = b.expand_dims(mask, &(covered..covered + trailing).map(|k| k as i64).collect::<Vec<_>>())?;
    let rank = b.ty(v).rank();
    let v = if rank <= trailing {
        v
    } else {
        let axis = rank - trailing - 1;
        if !b.shape(v)[axis].is(1) {
            let why = "the number of elements that a mask selects is known only when the program runs: assign one \
                       value, or write where(mask, values, x) with values of x's shape";
            return invalid(b, Op::Where, why);
        }
        let v = b.squeeze(v, &[axis as i64])?;
        b.expand_dims(v, &(axis..axis + covered).map(|k| k as i64).collect::<Vec<_>>())?
    };
    let new = update.combine(b, old, v)?;
    let new = b.cast(new, b.dtype(x))?;
    let new = choose(b, mask, new, old)?;
    if whole.iter().all(|p| matches!(p, Index::Ellipsis | Index::Range { start: None, stop: None, step: 1 }))
    {
        return Ok(new);
    }
    setitem(b, x, &whole, new, Update::Set)
}

/// A vector of constant positions.
pub(crate) fn constant_indices(b: &mut Builder, at: &[i64]) -> Built {
    let ty = TensorType::fixed(DType::I64, &[at.len()]);
    let bytes: Vec<u8> = at.iter().flat_map(|i| i.to_ne_bytes()).collect();
    literal(b, Literal { ty, bytes: bytes.into() })
}

/// An array constant.
pub fn literal(b: &mut Builder, data: Literal) -> Built {
    b.node(Op::Literal, Attrs::new([(Key::Data, Attr::Data(data))]), &[])
}
