//! Indices in Rust's notation: what `Array::at` and `Array::set` take.

use crate::numpy::{self, Update};
use crate::tracer::{self, Array, Operand};
use frit_ir::{Dim, Value};
use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

pub use crate::numpy::Index;

/// An inserted axis of size 1.
#[derive(Clone, Copy, Debug)]
pub struct NewAxis;

/// `start:stop` of everything, for [`Index::step`].
pub fn all() -> Index {
    Index::Range { start: None, stop: None, step: 1 }
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

impl From<Array> for Index {
    fn from(a: Array) -> Index {
        Index::Array(a)
    }
}

impl From<Vec<i64>> for Index {
    fn from(at: Vec<i64>) -> Index {
        Index::List(at)
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

/// Arrays of an index, and the index with their positions in the list.
fn arrays(parts: Vec<Index>) -> (Vec<Array>, Vec<Index<usize>>) {
    let mut arrays = Vec::new();
    let parts = parts
        .into_iter()
        .map(|p| {
            p.map(&mut |a| {
                arrays.push(a);
                arrays.len() - 1
            })
        })
        .collect();
    (arrays, parts)
}

impl Array {
    /// `x[...]`: `x.at((0, 1..3))`, `x.at((&i, ..))`, `x.at((all().step(-1), NewAxis))`, and with integer arrays
    /// `x.at((rows, columns))`.
    #[track_caller]
    pub fn at(self, index: impl IntoIndices) -> Array {
        let (mut all, parts) = arrays(index.indices());
        all.push(self);
        tracer::build(&all, |b, v| {
            let (x, arrays) = v.split_last().expect("the array is last");
            numpy::getitem(b, *x, &values(parts, arrays))
        })
    }

    /// `x` after `x[...] = value`. A mask (a bool array) takes a value that does not depend on how many elements it
    /// selects.
    #[track_caller]
    pub fn set(self, index: impl IntoIndices, value: impl Into<Operand>) -> Array {
        update(self, index.indices(), value.into(), Update::Set)
    }
}

fn values(parts: Vec<Index<usize>>, arrays: &[Value]) -> Vec<Index<Value>> {
    parts.into_iter().map(|p| p.map(&mut |k| arrays[k])).collect()
}

/// `x` after an update of `x[...]`.
#[track_caller]
pub(crate) fn update(x: Array, index: Vec<Index>, value: Operand, how: Update) -> Array {
    let (arrays, parts) = arrays(index);
    let mut all: Vec<Operand> = arrays.into_iter().map(Operand::Array).collect();
    let n = all.len();
    all.extend([Operand::Array(x), value]);
    tracer::build_from(&all, |b, v| {
        let arrays: Vec<Value> = v[..n].iter().map(|a| numpy::asarray(b, *a)).collect();
        let x = numpy::asarray(b, v[n]);
        numpy::setitem(b, x, &values(parts, &arrays), v[n + 1], how)
    })
}
