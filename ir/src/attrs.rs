//! Attributes of graph nodes: a closed set of keys with typed values, checked against the op's row.

use crate::dim::Dim;
use crate::dtype::{DType, Scalar};
use crate::graph::{Graph, TensorType};
use std::sync::Arc;

/// One axis of a slice: element `k` of the result is element `start + k * step` of the source, for `k < size`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slice {
    /// First element taken.
    pub start: Dim,
    /// Number of elements taken.
    pub size: Dim,
    /// Distance between elements; not zero, negative to go backward.
    pub step: i64,
}

impl Slice {
    /// The whole of an axis of the given size.
    pub fn full(size: &Dim) -> Slice {
        Slice { start: 0.into(), size: size.clone(), step: 1 }
    }

    /// True if it takes a whole axis in order.
    pub fn is_full(&self, size: &Dim) -> bool {
        self.start.is(0) && self.step == 1 && self.size == *size
    }
}

/// An array constant: C order, native byte order.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Literal {
    /// Element type and constant shape.
    pub ty: TensorType,
    /// `elements * dtype.size()` bytes.
    pub bytes: Arc<[u8]>,
}

impl std::fmt::Debug for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Literal({}, {} bytes)", self.ty, self.bytes.len())
    }
}

impl Literal {
    /// The element at a flat index.
    pub fn get(&self, i: usize) -> Scalar {
        let size = self.ty.dtype.size();
        Scalar::from_bytes(self.ty.dtype, &self.bytes[i * size..])
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.ty.dtype.size()
    }

    /// True for a zero-size array.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

macro_rules! keys {
    ($($variant:ident $name:literal $kind:ident $doc:literal;)*) => {
        /// The name of an attribute. Each name has one type of value wherever it occurs.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Key { $(#[doc = $doc] $variant,)* }
        impl Key {
            /// Every key, sorted by name (the order of printing).
            pub const ALL: &[Key] = &[$(Key::$variant),*];
            /// The name in text and JSON.
            pub fn name(self) -> &'static str { match self { $(Key::$variant => $name),* } }
            /// The type of its value.
            pub fn kind(self) -> AttrKind { match self { $(Key::$variant => AttrKind::$kind),* } }
            /// The inverse of [`Key::name`].
            pub fn from_name(name: &str) -> Option<Key> { Key::ALL.iter().copied().find(|k| k.name() == name) }
        }
    };
}

keys! {
    Axes "axes" Ints "Axes, non-negative.";
    Axis "axis" Int "One axis, non-negative.";
    Axis2 "axis2" Int "A second axis, non-negative.";
    Body "body" Graph "Region run by each iteration, or by a true condition.";
    Carries "carries" Int "Number of loop-carried values.";
    Chunks "chunks" Dims "Block size along each axis: see [`crate::chunks::ChunkGrid`].";
    Cond "cond" Graph "Region that computes a `bool[]`: run again while true.";
    Data "data" Data "Array constant.";
    Ddof "ddof" Scalar "Delta degrees of freedom.";
    Dim "dim" Dim "Integer expression.";
    DType "dtype" DType "Element type.";
    Else "else" Graph "Region run if the condition is false.";
    Exponent "exponent" Int "Integer power.";
    Full "full" Bool "Full-size factors, not the reduced ones.";
    Hi "hi" Dim "End of a loop's range, exclusive.";
    Index "index" Str "Name of a loop index, or of an input.";
    Keepdims "keepdims" Bool "Keep reduced axes with size 1.";
    Lo "lo" Dim "Start of a loop's range.";
    Lower "lower" Bool "Use the lower triangle.";
    Mode "mode" Str "A named variant.";
    N "n" Dim "Transform length.";
    Offset "offset" Int "Diagonal above (positive) or below the main one.";
    PadHigh "pad_high" Dims "Elements added after each axis.";
    PadLow "pad_low" Dims "Elements added before each axis.";
    Perm "perm" Ints "Axis `k` of the result is axis `perm[k]` of the source.";
    Posdef "posdef" Bool "The matrix is Hermitian, and expected to be positive definite.";
    Position "position" Int "Input number.";
    Scale "scale" Scalar "Factor on the result.";
    Shape "shape" Dims "Result shape.";
    Shift "shift" Dims "Places to roll, one per axis in `axes`.";
    Slices "slices" Slices "One slice per axis.";
    Value "value" Scalar "Scalar constant.";
}

/// The type of an attribute's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum AttrKind {
    Bool,
    Int,
    Ints,
    Dim,
    Dims,
    Slices,
    DType,
    Scalar,
    Str,
    Data,
    Graph,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Attr {
    Bool(bool),
    Int(i64),
    Ints(Vec<i64>),
    Dim(Dim),
    Dims(Vec<Dim>),
    Slices(Vec<Slice>),
    DType(DType),
    Scalar(Scalar),
    Str(Arc<str>),
    Data(Literal),
    Graph(Arc<Graph>),
}

impl Attr {
    /// The type of the value.
    pub fn kind(&self) -> AttrKind {
        match self {
            Attr::Bool(_) => AttrKind::Bool,
            Attr::Int(_) => AttrKind::Int,
            Attr::Ints(_) => AttrKind::Ints,
            Attr::Dim(_) => AttrKind::Dim,
            Attr::Dims(_) => AttrKind::Dims,
            Attr::Slices(_) => AttrKind::Slices,
            Attr::DType(_) => AttrKind::DType,
            Attr::Scalar(_) => AttrKind::Scalar,
            Attr::Str(_) => AttrKind::Str,
            Attr::Data(_) => AttrKind::Data,
            Attr::Graph(_) => AttrKind::Graph,
        }
    }
}

/// The attributes of a node, sorted by key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Attrs(Vec<(Key, Attr)>);

macro_rules! getters {
    ($($method:ident $variant:ident $ty:ty, $conv:expr;)*) => {$(
        /// The value under a key. Panics if absent: [`crate::infer::infer`] has checked presence and type.
        #[track_caller]
        pub fn $method(&self, key: Key) -> $ty {
            match self.get(key) {
                Some(Attr::$variant(v)) => { let f: fn(&_) -> $ty = $conv; f(v) }
                other => panic!("attribute {} is {other:?}", key.name()),
            }
        }
    )*};
}

impl Attrs {
    /// No attributes.
    pub const NONE: Attrs = Attrs(Vec::new());

    /// From pairs in any order; a repeated key keeps the last value.
    pub fn new(pairs: impl IntoIterator<Item = (Key, Attr)>) -> Attrs {
        pairs.into_iter().fold(Attrs::NONE, |a, (k, v)| a.with(k, v))
    }

    /// Adds or replaces one attribute.
    pub fn with(mut self, key: Key, value: Attr) -> Attrs {
        match self.0.binary_search_by_key(&key, |(k, _)| *k) {
            Ok(i) => self.0[i].1 = value,
            Err(i) => self.0.insert(i, (key, value)),
        }
        self
    }

    /// The value under a key.
    pub fn get(&self, key: Key) -> Option<&Attr> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// Keys and values in key order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Attr)> {
        self.0.iter().map(|(k, v)| (*k, v))
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    getters! {
        bool Bool bool, |v: &bool| *v;
        int Int i64, |v: &i64| *v;
        dtype DType DType, |v: &DType| *v;
        scalar Scalar Scalar, |v: &Scalar| *v;
    }

    /// The axis list, perm or other integers under a key.
    #[track_caller]
    pub fn ints(&self, key: Key) -> &[i64] {
        match self.get(key) {
            Some(Attr::Ints(v)) => v,
            other => panic!("attribute {} is {other:?}", key.name()),
        }
    }

    /// The sizes under a key.
    #[track_caller]
    pub fn dims(&self, key: Key) -> &[Dim] {
        match self.get(key) {
            Some(Attr::Dims(v)) => v,
            other => panic!("attribute {} is {other:?}", key.name()),
        }
    }

    /// The integer expression under a key.
    #[track_caller]
    pub fn dim(&self, key: Key) -> &Dim {
        match self.get(key) {
            Some(Attr::Dim(v)) => v,
            other => panic!("attribute {} is {other:?}", key.name()),
        }
    }

    /// The slices of a slice or update.
    #[track_caller]
    pub fn slices(&self) -> &[Slice] {
        match self.get(Key::Slices) {
            Some(Attr::Slices(v)) => v,
            other => panic!("attribute slices is {other:?}"),
        }
    }

    /// The text under a key.
    #[track_caller]
    pub fn str(&self, key: Key) -> &str {
        match self.get(key) {
            Some(Attr::Str(v)) => v,
            other => panic!("attribute {} is {other:?}", key.name()),
        }
    }

    /// The array constant.
    #[track_caller]
    pub fn data(&self) -> &Literal {
        match self.get(Key::Data) {
            Some(Attr::Data(v)) => v,
            other => panic!("attribute data is {other:?}"),
        }
    }

    /// The region under a key.
    #[track_caller]
    pub fn graph(&self, key: Key) -> &Arc<Graph> {
        match self.get(key) {
            Some(Attr::Graph(v)) => v,
            other => panic!("attribute {} is {other:?}", key.name()),
        }
    }

    /// Visits the dims of every attribute (regions excluded).
    pub fn for_each_dim(&self, f: &mut dyn FnMut(&Dim)) {
        for (_, a) in &self.0 {
            match a {
                Attr::Dim(d) => f(d),
                Attr::Dims(v) => v.iter().for_each(&mut *f),
                Attr::Slices(v) => v.iter().flat_map(|s| [&s.start, &s.size]).for_each(&mut *f),
                _ => {}
            }
        }
    }

    /// Rebuilds each attribute that mentions dims with a substitution (regions excluded).
    pub fn map_dims(&self, f: &dyn Fn(&Dim) -> Dim) -> Attrs {
        let map = |a: &Attr| match a {
            Attr::Dim(d) => Attr::Dim(f(d)),
            Attr::Dims(v) => Attr::Dims(v.iter().map(f).collect()),
            Attr::Slices(v) => {
                let one = |s: &Slice| Slice { start: f(&s.start), size: f(&s.size), step: s.step };
                Attr::Slices(v.iter().map(one).collect())
            }
            other => other.clone(),
        };
        Attrs(self.0.iter().map(|(k, v)| (*k, map(v))).collect())
    }
}
