//! Tracing: an [`Array`] stands for a value of the graph under construction.
//!
//! Graphs nest (bodies of loops); an array of an outer graph that is used inside becomes a capture of the region.
//! The first error is kept, and tracing goes on with a placeholder, so that operators need no `Result`.

use frit_ir::build::{self, Builder};
use frit_ir::error::TypeError;
use frit_ir::graph::Graph;
use frit_ir::{DType, Dim, Loc, Op, Scalar, TensorType, Value};
use std::cell::RefCell;
use std::panic::Location;

/// A symbolic array.
#[derive(Clone, Copy, Debug)]
pub struct Array {
    level: usize,
    value: Value,
}

/// A graph under construction.
struct Level {
    builder: Builder,
    /// Arrays of outer graphs in use here: as (array, parameter).
    captures: Vec<(Array, Value)>,
}

#[derive(Default)]
struct Trace {
    levels: Vec<Level>,
    error: Option<TypeError>,
    loops: usize,
}

thread_local!(static TRACE: RefCell<Trace> = RefCell::default());

fn with<R>(f: impl FnOnce(&mut Trace) -> R) -> R {
    TRACE.with(|t| f(&mut t.borrow_mut()))
}

impl Trace {
    fn top(&mut self) -> &mut Level {
        self.levels.last_mut().expect("arrays are used inside the traced function only")
    }

    /// The value of an array in the current graph.
    fn lift(&mut self, a: Array) -> Value {
        let mut v = a.value;
        for level in a.level + 1..self.levels.len() {
            let outer = Array { level: level - 1, value: v };
            let ty = self.levels[level - 1].builder.ty(v).clone();
            let here = &mut self.levels[level];
            let known = here.captures.iter().find(|(o, _)| o.level == outer.level && o.value == v);
            v = match known {
                Some((_, inner)) => *inner,
                None => {
                    let name = format!("capture{}", here.captures.len());
                    let inner = here.builder.input(&name, ty);
                    here.captures.push((outer, inner));
                    inner
                }
            };
        }
        v
    }

    fn result(&mut self, r: Result<Value, TypeError>) -> Array {
        let level = self.levels.len() - 1;
        match r {
            Ok(value) => Array { level, value },
            Err(e) => {
                self.error.get_or_insert(e);
                let value = self.top().builder.constant(Scalar::zero(DType::F64));
                Array { level, value }
            }
        }
    }
}

/// Builds a value at the caller's line.
#[track_caller]
pub(crate) fn build(
    arrays: &[Array],
    f: impl FnOnce(&mut Builder, &[Value]) -> Result<Value, TypeError>,
) -> Array {
    let loc = Loc::from_caller(Location::caller());
    with(|t| {
        let values: Vec<Value> = arrays.iter().map(|a| t.lift(*a)).collect();
        let b = &mut t.top().builder;
        b.set_loc(loc);
        let r = f(b, &values);
        t.result(r)
    })
}

/// Results of a multi-result node.
#[track_caller]
pub(crate) fn build_many(
    arrays: &[Array],
    n: usize,
    f: impl FnOnce(&mut Builder, &[Value]) -> Result<Value, TypeError>,
) -> Vec<Array> {
    let first = build(arrays, f);
    (0..n as u32).map(|index| Array { value: Value { node: first.value.node, index }, ..first }).collect()
}

/// Values of several nodes, `n` of them where building fails.
#[track_caller]
pub(crate) fn build_all(
    arrays: &[Array],
    n: usize,
    f: impl FnOnce(&mut Builder, &[Value]) -> Result<Vec<Value>, TypeError>,
) -> Vec<Array> {
    let loc = Loc::from_caller(Location::caller());
    with(|t| {
        let values: Vec<Value> = arrays.iter().map(|a| t.lift(*a)).collect();
        let b = &mut t.top().builder;
        b.set_loc(loc);
        match f(b, &values) {
            Ok(all) => all.into_iter().map(|v| t.result(Ok(v))).collect(),
            Err(e) => vec![t.result(Err(e)); n],
        }
    })
}

/// Starts a nested graph; [`pop`] ends it.
pub(crate) fn push(name: &str, ranges: Option<(&str, Dim, Dim)>) {
    with(|t| {
        let mut builder = Builder::new(name);
        if let Some(outer) = t.levels.last() {
            for (s, lo, hi) in outer.builder.ranges().to_vec() {
                builder.push_range(s, lo, hi);
            }
        }
        if let Some((s, lo, hi)) = ranges {
            builder.push_range(s.into(), lo, hi);
        }
        t.levels.push(Level { builder, captures: vec![] });
    });
}

/// A parameter of the current graph.
pub(crate) fn parameter(name: &str, ty: TensorType) -> Array {
    with(|t| {
        let value = t.top().builder.input(name, ty);
        Array { level: t.levels.len() - 1, value }
    })
}

/// Ends the current graph with results; also the outer arrays that it captured.
pub(crate) fn pop(outputs: &[Array]) -> (Graph, Vec<Array>) {
    with(|t| {
        let values = outputs.iter().map(|a| t.lift(*a)).collect();
        let level = t.levels.pop().expect("a graph is open");
        (level.builder.finish(values), level.captures.into_iter().map(|(a, _)| a).collect())
    })
}

/// Drops graphs left open by a panic in the traced function, and the error.
fn reset() {
    with(|t| *t = Trace::default());
}

/// A fresh name for a loop index.
pub(crate) fn loop_name() -> String {
    with(|t| {
        t.loops += 1;
        format!("i{}", t.loops - 1)
    })
}

/// Keeps an error found outside the builder.
pub(crate) fn raise(e: TypeError) {
    with(|t| {
        t.error.get_or_insert(e);
    });
}

/// Resets the trace when tracing ends, also by a panic.
struct Guard;
impl Drop for Guard {
    fn drop(&mut self) {
        reset();
    }
}

/// Traces a function over parameters of the given types.
pub(crate) fn trace(
    name: &str,
    types: &[TensorType],
    f: impl FnOnce(&[Array]) -> Vec<Array>,
) -> Result<Graph, TypeError> {
    reset();
    let _guard = Guard;
    push(name, None);
    let parameters: Vec<Array> =
        types.iter().enumerate().map(|(k, t)| parameter(&format!("x{k}"), t.clone())).collect();
    let outputs = f(&parameters);
    let (graph, _) = pop(&outputs);
    match with(|t| t.error.take()) {
        Some(e) => Err(e),
        None => Ok(graph),
    }
}

impl Array {
    /// The element type.
    pub fn dtype(self) -> DType {
        self.ty().dtype
    }

    /// The shape.
    pub fn shape(self) -> Vec<Dim> {
        self.ty().shape
    }

    /// The number of axes.
    pub fn ndim(self) -> usize {
        self.ty().rank()
    }

    pub(crate) fn ty(self) -> TensorType {
        with(|t| t.levels[self.level].builder.ty(self.value).clone())
    }
}

/// What stands beside an array in an expression: an array, or a Rust number (which, like a Python scalar, never
/// widens the array's element type).
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// An array.
    Array(Array),
    /// A number.
    Number(Scalar),
}

impl From<Array> for Operand {
    fn from(a: Array) -> Operand {
        Operand::Array(a)
    }
}

macro_rules! numbers {
    ($($t:ty => $make:expr;)*) => {$(
        impl From<$t> for Operand {
            fn from(v: $t) -> Operand { let f: fn($t) -> Scalar = $make; Operand::Number(f(v)) }
        }
    )*};
}
numbers! {
    f64 => |v| Scalar::from_f64(DType::F64, v);
    f32 => |v| Scalar::from_f64(DType::F64, f64::from(v));
    i32 => |v| Scalar::from_i64(DType::I64, i64::from(v));
    i64 => |v| Scalar::from_i64(DType::I64, v);
    usize => |v| Scalar::from_i64(DType::I64, v as i64);
    bool => Scalar::bool;
    num_complex::Complex64 => |v| Scalar::complex(DType::C128, v);
}

/// Builds a value from arrays and numbers.
#[track_caller]
pub(crate) fn build_from(
    operands: &[Operand],
    f: impl FnOnce(&mut Builder, &[build::Operand]) -> Result<Value, TypeError>,
) -> Array {
    let arrays: Vec<Array> =
        operands.iter().filter_map(|o| if let Operand::Array(a) = o { Some(*a) } else { None }).collect();
    build(&arrays, |b, values| {
        let mut rest = values.iter();
        let all: Vec<build::Operand> = operands
            .iter()
            .map(|o| match o {
                Operand::Array(_) => build::Operand::Value(*rest.next().expect("one value per array")),
                Operand::Number(s) => build::Operand::Weak(*s),
            })
            .collect();
        f(b, &all)
    })
}

/// An elementwise op on operands.
#[track_caller]
pub(crate) fn elementwise(op: Op, operands: &[Operand]) -> Array {
    build_from(operands, |b, all| b.elementwise(op, all))
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<T: Into<Operand>> std::ops::$trait<T> for Array {
            type Output = Array;
            #[track_caller]
            fn $method(self, other: T) -> Array { elementwise(Op::$op, &[self.into(), other.into()]) }
        }
        operators!(@left $trait $method $op f64 f32 i32 i64);
    )*};
    (@left $trait:ident $method:ident $op:ident $($t:ty)*) => {$(
        impl std::ops::$trait<Array> for $t {
            type Output = Array;
            #[track_caller]
            fn $method(self, other: Array) -> Array { elementwise(Op::$op, &[self.into(), other.into()]) }
        }
    )*};
}
operators! {
    Add add Add;
    Sub sub Subtract;
    Mul mul Multiply;
    Div div Divide;
    Rem rem Remainder;
    BitAnd bitand BitwiseAnd;
    BitOr bitor BitwiseOr;
    BitXor bitxor BitwiseXor;
    Shl shl LeftShift;
    Shr shr RightShift;
}

impl std::ops::Neg for Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        elementwise(Op::Negative, &[self.into()])
    }
}

impl std::ops::Not for Array {
    type Output = Array;
    #[track_caller]
    fn not(self) -> Array {
        elementwise(Op::Invert, &[self.into()])
    }
}

/// Results of a traced function: an array, a tuple or a vector of them.
pub trait Outputs {
    /// The results in order.
    fn arrays(self) -> Vec<Array>;
}

impl Outputs for Array {
    fn arrays(self) -> Vec<Array> {
        vec![self]
    }
}

impl Outputs for Vec<Array> {
    fn arrays(self) -> Vec<Array> {
        self
    }
}

impl<const N: usize> Outputs for [Array; N] {
    fn arrays(self) -> Vec<Array> {
        self.to_vec()
    }
}

/// A function over arrays, of a fixed number of parameters.
pub trait Traceable<P> {
    /// Number of parameters.
    const ARITY: usize;
    /// Calls the function.
    fn apply(&self, parameters: &[Array]) -> Vec<Array>;
}

macro_rules! tuples {
    ($($n:literal ($($p:ident $i:tt),*);)*) => {$(
        impl<FN, R: Outputs> Traceable<($(tuples!(@array $p),)*)> for FN where FN: Fn($(tuples!(@array $p)),*) -> R {
            const ARITY: usize = $n;
            fn apply(&self, p: &[Array]) -> Vec<Array> { self($(p[$i]),*).arrays() }
        }
    )*};
    (@array $p:ident) => { Array };
}
tuples! {
    1 (A 0);
    2 (A 0, B 1);
    3 (A 0, B 1, C 2);
    4 (A 0, B 1, C 2, D 3);
    5 (A 0, B 1, C 2, D 3, E 4);
    6 (A 0, B 1, C 2, D 3, E 4, F 5);
    7 (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    8 (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}

macro_rules! output_tuples {
    ($(($($i:tt),*);)*) => {$(
        impl Outputs for ($(output_tuples!(@array $i),)*) {
            fn arrays(self) -> Vec<Array> { vec![$(self.$i),*] }
        }
    )*};
    (@array $i:tt) => { Array };
}
output_tuples! { (0, 1); (0, 1, 2); (0, 1, 2, 3); (0, 1, 2, 3, 4); (0, 1, 2, 3, 4, 5); }
