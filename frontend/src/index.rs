//! Basic indexing: positions, ranges with steps, new axes, with symbolic bounds.

use crate::tracer::{self, Array};
use frit_ir::build::Builder;
use frit_ir::error::{Cause, TypeError};
use frit_ir::{Dim, Op, Slice, Value};
use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

/// An inserted axis of size 1.
#[derive(Clone, Copy, Debug)]
pub struct NewAxis;

/// One part of an index, as between the commas of NumPy's `x[...]`.
#[derive(Clone, Debug)]
pub enum Index {
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
}

/// `start:stop` of everything, for [`Index::step`].
pub fn all() -> Index {
    Index::Range { start: None, stop: None, step: 1 }
}

impl Index {
    /// The same range with a step.
    pub fn step(self, step: i64) -> Index {
        match self {
            Index::Range { start, stop, .. } => Index::Range { start, stop, step },
            other => other,
        }
    }
}

impl From<i32> for Index {
    fn from(i: i32) -> Index {
        Index::At(i.into())
    }
}

impl From<Dim> for Index {
    fn from(i: Dim) -> Index {
        Index::At(i)
    }
}

impl From<NewAxis> for Index {
    fn from(_: NewAxis) -> Index {
        Index::New
    }
}

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Index {
        all()
    }
}

impl<T: Into<Dim>> From<Range<T>> for Index {
    fn from(r: Range<T>) -> Index {
        Index::Range { start: Some(r.start.into()), stop: Some(r.end.into()), step: 1 }
    }
}

impl<T: Into<Dim>> From<RangeTo<T>> for Index {
    fn from(r: RangeTo<T>) -> Index {
        Index::Range { start: None, stop: Some(r.end.into()), step: 1 }
    }
}

impl<T: Into<Dim>> From<RangeFrom<T>> for Index {
    fn from(r: RangeFrom<T>) -> Index {
        Index::Range { start: Some(r.start.into()), stop: None, step: 1 }
    }
}

/// Several index parts: a tuple or one part.
pub trait IntoIndices {
    /// The parts in order.
    fn indices(self) -> Vec<Index>;
}

impl IntoIndices for Vec<Index> {
    fn indices(self) -> Vec<Index> {
        self
    }
}

macro_rules! index_tuples {
    ($(($($t:ident $i:tt),*);)*) => {$(
        impl<$($t: Into<Index>),*> IntoIndices for ($($t,)*) {
            fn indices(self) -> Vec<Index> { vec![$(self.$i.into()),*] }
        }
    )*};
}
index_tuples! { (A 0); (A 0, B 1); (A 0, B 1, C 2); (A 0, B 1, C 2, D 3); (A 0, B 1, C 2, D 3, E 4); }

/// Slices of the source, then which of the resulting axes go away, and where new ones come in.
struct Resolved {
    slices: Vec<Slice>,
    dropped: Vec<i64>,
    inserted: Vec<i64>,
}

fn resolve(b: &Builder, shape: &[Dim], parts: &[Index]) -> Result<Resolved, TypeError> {
    let named = parts.iter().filter(|p| matches!(p, Index::At(_) | Index::Range { .. })).count();
    if named > shape.len() {
        let why = format!(
            "too many indices for array: array is {}-dimensional, but {named} were indexed",
            shape.len()
        );
        return Err(b.error(Op::Slice, Cause::Shape(why)));
    }
    let mut r = Resolved { slices: vec![], dropped: vec![], inserted: vec![] };
    let mut seen_ellipsis = false;
    // Position among the axes of the result.
    let mut place = 0i64;
    for p in parts {
        let axis = r.slices.len();
        match p {
            Index::New => {
                r.inserted.push(place);
                place += 1;
            }
            Index::Ellipsis if !seen_ellipsis => {
                seen_ellipsis = true;
                for d in &shape[axis..axis + shape.len() - named] {
                    r.slices.push(Slice::full(d));
                    place += 1;
                }
            }
            Index::Ellipsis => {
                let why = "an index can only have a single ellipsis ('...')".to_string();
                return Err(b.error(Op::Slice, Cause::Shape(why)));
            }
            Index::At(i) => {
                r.slices.push(position(b, i, &shape[axis], axis)?);
                r.dropped.push(axis as i64);
            }
            Index::Range { start, stop, step } => {
                r.slices.push(range(b, start.as_ref(), stop.as_ref(), *step, &shape[axis])?);
                place += 1;
            }
        }
    }
    for d in &shape[r.slices.len()..] {
        r.slices.push(Slice::full(d));
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

fn take(b: &mut Builder, x: Value, parts: &[Index]) -> Result<Value, TypeError> {
    let shape = b.shape(x).to_vec();
    let r = resolve(b, &shape, parts)?;
    let s = b.slice(x, &r.slices)?;
    let s = b.squeeze(s, &r.dropped)?;
    b.expand_dims(s, &r.inserted)
}

impl Array {
    /// `x[...]`: `x.at((0, 1..3))`, `x.at((&i, ..))`, `x.at((all().step(-1), NewAxis))`.
    #[track_caller]
    pub fn at(self, index: impl IntoIndices) -> Array {
        let parts = index.indices();
        tracer::build(&[self], |b, v| take(b, v[0], &parts))
    }

    /// `x` after `x[...] = value`.
    #[track_caller]
    pub fn set(self, index: impl IntoIndices, value: impl Into<tracer::Operand>) -> Array {
        let parts = index.indices();
        let value = match value.into() {
            tracer::Operand::Array(a) => a,
            tracer::Operand::Number(s) => tracer::build(&[], |b, _| Ok(b.constant(s))),
        };
        tracer::build(&[self, value], |b, v| {
            let shape = b.shape(v[0]).to_vec();
            let r = resolve(b, &shape, &parts)?;
            // The value has the shape of `x[...]`: axes that indexing drops come back with size 1.
            let window_rank = r.slices.len() - r.dropped.len() + r.inserted.len();
            let mut value = v[1];
            let rank = b.ty(value).rank();
            if rank > 0 {
                let missing = window_rank.saturating_sub(rank);
                let lead: Vec<i64> = (0..missing as i64).collect();
                value = b.expand_dims(value, &lead)?;
                value = b.squeeze(value, &r.inserted)?;
                value = b.expand_dims(value, &r.dropped)?;
            }
            b.update_slice(v[0], value, &r.slices)
        })
    }
}
