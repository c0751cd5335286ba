//! The reference interpreter: what every op of the table means, one node at a time over [`ndarray`].
//!
//! It is written to be read. Nothing here is fused, blocked or ordered for speed, and nothing comes from lowering or
//! from a backend, so that optimized graphs and compiled programs can be checked against it:
//!
//! - Elementwise ops run their bodies from the op table on each element ([`scalar`]); everything else, composite ops
//!   included, is written here directly.
//! - Sums, means and products of matrices of floats are the sum of the exact terms, rounded about once (compensated
//!   summation); running sums and products go in order, as NumPy's do.
//! - Linear algebra uses textbook methods with LAPACK's conventions for signs and pivots; the phases of singular vectors,
//!   and the order and phases of eigenvectors of `eig`, are open.
//!
//! ```
//! use frit_ir::{DType, Scalar, TensorType, build::Builder, eval::{Array, Sizes, eval}, Dim, Op};
//! let mut b = Builder::new("f");
//! let x = b.input("x", TensorType::new(DType::F64, [Dim::symbol("n")]));
//! let s = b.reduce(Op::Sum, x, None, false).unwrap();
//! let g = b.finish(vec![s]);
//! let x = Array::new(DType::F64, &[3], [1.0, 2.0, 4.5].map(|v| Scalar::from_f64(DType::F64, v)).to_vec());
//! let sizes = Sizes::from_inputs(&g, std::slice::from_ref(&x)).unwrap();
//! assert_eq!(eval(&g, &[x], &sizes).unwrap()[0].data[[].as_slice()].as_f64(), 7.5);
//! ```

mod decompose;
mod elementwise;
mod linalg;
mod movement;
mod order;
pub mod scalar;
mod spectral;

use crate::attrs::Key;
use crate::dim::{Dim, Symbol};
use crate::dtype::{DType, Scalar};
use crate::graph::{Graph, Node, TensorType};
use crate::ops::{Class, Op};
use ndarray::{ArrayD, Axis, Dimension, IxDyn};
use std::collections::BTreeMap;

/// An array of any element type. Every element has the type `dtype`.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Element type.
    pub dtype: DType,
    /// Elements.
    pub data: ArrayD<Scalar>,
}

impl Array {
    /// From elements in C order. Panics if their number does not fit the shape.
    pub fn new(dtype: DType, shape: &[usize], elements: Vec<Scalar>) -> Array {
        let data = ArrayD::from_shape_vec(IxDyn(shape), elements).expect("as many elements as the shape has");
        Array { dtype, data }
    }

    /// A 0-d array.
    pub fn scalar(v: Scalar) -> Array {
        Array { dtype: v.dtype(), data: ArrayD::from_elem(IxDyn(&[]), v) }
    }

    /// From native bytes in C order. Panics if there are too few.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Array {
        let count = shape.iter().product::<usize>();
        let at = |k: usize| Scalar::from_bytes(dtype, &bytes[k * dtype.size()..]);
        Array::new(dtype, shape, (0..count).map(at).collect())
    }

    /// Native bytes in C order.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.data.iter().flat_map(|s| s.to_bytes()).collect()
    }

    /// Size of each axis.
    pub fn shape(&self) -> &[usize] {
        self.data.shape()
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.data.ndim()
    }

    /// The element at an index per axis.
    pub fn at(&self, index: &[usize]) -> Scalar {
        self.data[IxDyn(index)]
    }

    /// An array with `f(index)` at each index.
    pub fn from_fn(dtype: DType, shape: &[usize], mut f: impl FnMut(&[usize]) -> Scalar) -> Array {
        Array { dtype, data: ArrayD::from_shape_fn(IxDyn(shape), |i| f(i.slice())) }
    }

    /// Broadcast to a shape that infer has found to fit.
    fn spread(&self, shape: &[usize]) -> ndarray::ArrayViewD<'_, Scalar> {
        self.data.broadcast(IxDyn(shape)).expect("checked by infer")
    }
}

/// Why a graph has no value for these arguments.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum EvalError {
    /// A position is outside its axis.
    #[error("{0}: index is out of bounds for its axis")]
    IndexOutOfBounds(Op),
    /// An integer to a negative integer power.
    #[error("power: integers to negative integer powers are not allowed")]
    NegativePower,
    /// A minimum or maximum of nothing.
    #[error("{0}: zero-size array to a reduction which has no identity")]
    EmptyReduction(Op),
    /// A singular matrix, or one that is not positive definite.
    #[error("{op}: {why}")]
    Matrix {
        /// The op.
        op: Op,
        /// NumPy's words.
        why: &'static str,
    },
    /// An op that is not interpreted.
    #[error("{0} is not interpreted")]
    Unsupported(Op),
    /// A size that is not given.
    #[error("size `{0}` is not known")]
    Size(Symbol),
    /// Arguments, or sizes, that do not fit the graph.
    #[error("{what}: {got}, not {want}")]
    Type {
        /// A parameter or an op.
        what: String,
        /// The type found.
        got: String,
        /// The type declared or inferred.
        want: String,
    },
}

/// Values of size symbols and of the indices of enclosing loops.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sizes(BTreeMap<Symbol, i64>);

impl Sizes {
    /// From names and values.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, i64)>) -> Sizes {
        Sizes(pairs.into_iter().map(|(s, v)| (s.into(), v)).collect())
    }

    /// The symbols that are a whole axis of some parameter, from the arguments' shapes.
    pub fn from_inputs(g: &Graph, inputs: &[Array]) -> Result<Sizes, EvalError> {
        let mut sizes = Sizes::default();
        for (p, a) in g.inputs.iter().zip(inputs) {
            for (d, n) in p.ty.shape.iter().zip(a.shape()) {
                let symbol = match d.terms() {
                    ([(atoms, 1)], 0) => match atoms.as_slice() {
                        [crate::dim::Atom::Sym(s)] => Some(s.clone()),
                        _ => None,
                    },
                    _ => None,
                };
                if let Some(s) = symbol {
                    sizes.0.entry(s).or_insert(*n as i64);
                }
            }
        }
        Ok(sizes)
    }

    /// With one more symbol.
    pub fn with(&self, symbol: &str, value: i64) -> Sizes {
        let mut all = self.clone();
        all.0.insert(symbol.into(), value);
        all
    }

    /// The value of an integer expression.
    pub fn number(&self, d: &Dim) -> Result<i64, EvalError> {
        d.eval(&|s| self.0.get(s).copied()).map_err(EvalError::Size)
    }

    /// Values of several expressions.
    fn numbers(&self, dims: &[Dim]) -> Result<Vec<i64>, EvalError> {
        dims.iter().map(|d| self.number(d)).collect()
    }

    /// The shape of a type. A negative size is that of an empty axis.
    pub fn shape(&self, dims: &[Dim]) -> Result<Vec<usize>, EvalError> {
        Ok(self.numbers(dims)?.into_iter().map(|n| n.max(0) as usize).collect())
    }
}

type Evaluated = Result<Vec<Array>, EvalError>;

/// Sees each node that is evaluated, those of regions included, with its operands and its results, and may change the
/// results: how tests trace programs and find out how rounding spreads.
pub type Observer<'a> = dyn FnMut(&Node, &[&Array], &mut Vec<Array>) + 'a;

/// The results of a graph. Nodes that no result needs are not evaluated.
pub fn eval(g: &Graph, inputs: &[Array], sizes: &Sizes) -> Evaluated {
    observe(g, inputs, sizes, &mut |_, _, _| {})
}

/// [`eval`] with an observer.
pub fn observe(g: &Graph, inputs: &[Array], sizes: &Sizes, observer: &mut Observer<'_>) -> Evaluated {
    for (p, a) in g.inputs.iter().zip(inputs) {
        check(&format!("argument `{}`", p.name), &p.ty, a, sizes)?;
    }
    let live = g.live();
    let mut values: Vec<Vec<Array>> = Vec::with_capacity(g.nodes.len());
    for (n, live) in g.nodes.iter().zip(live) {
        if !live {
            values.push(vec![]);
            continue;
        }
        let args: Vec<&Array> =
            n.inputs.iter().map(|v| &values[v.node.0 as usize][v.index as usize]).collect();
        let mut results = if n.op == Op::Input {
            vec![inputs[n.attrs.int(Key::Position) as usize].clone()]
        } else {
            node(n, &args, sizes, observer)?
        };
        for (t, a) in n.types.iter().zip(&results) {
            check(n.op.name(), t, a, sizes)?;
        }
        observer(n, &args, &mut results);
        values.push(results);
    }
    Ok(g.outputs.iter().map(|v| values[v.node.0 as usize][v.index as usize].clone()).collect())
}

fn check(what: &str, t: &TensorType, a: &Array, sizes: &Sizes) -> Result<(), EvalError> {
    let shape = sizes.shape(&t.shape)?;
    if a.dtype == t.dtype && a.shape() == shape {
        return Ok(());
    }
    let show = |t: DType, shape: &[usize]| format!("{t}{shape:?}");
    Err(EvalError::Type { what: what.into(), got: show(a.dtype, a.shape()), want: show(t.dtype, &shape) })
}

/// The results of one node for values of its operands.
pub fn node(n: &Node, args: &[&Array], sizes: &Sizes, observer: &mut Observer<'_>) -> Evaluated {
    let shapes: Vec<Vec<usize>> = n.types.iter().map(|t| sizes.shape(&t.shape)).collect::<Result<_, _>>()?;
    // Only `if` with no results has no first one.
    let dtype = n.types.first().map_or(DType::Bool, |t| t.dtype);
    let shape: &[usize] = shapes.first().map_or(&[], |s| s.as_slice());
    let one = match n.op.class() {
        Class::Source => source(n, dtype, shape, sizes)?,
        Class::Elementwise => elementwise::elementwise(n, args, dtype, shape)?,
        Class::Reduce => elementwise::reduce(n, args[0], dtype, shape)?,
        Class::Cumulative => elementwise::cumulative(n, args[0]),
        Class::View | Class::Movement => movement::movement(n, args, shape, sizes)?,
        Class::Composite => decompose::composite(n, args, dtype, shape, sizes)?,
        Class::Library => return library(n, args, &shapes, sizes),
        Class::Region => return region(n, args, sizes, observer),
    };
    Ok(vec![one])
}

fn source(n: &Node, dtype: DType, shape: &[usize], sizes: &Sizes) -> Result<Array, EvalError> {
    Ok(match n.op {
        Op::Constant => Array::scalar(n.attrs.scalar(Key::Value)),
        Op::Literal => Array::from_bytes(dtype, shape, &n.attrs.data().bytes),
        Op::DimValue => Array::scalar(Scalar::from_i64(dtype, sizes.number(n.attrs.dim(Key::Dim))?)),
        Op::Iota => {
            let axis = n.attrs.int(Key::Axis) as usize;
            Array::from_fn(dtype, shape, |i| Scalar::from_i64(dtype, i[axis] as i64))
        }
        other => return Err(EvalError::Unsupported(other)),
    })
}

fn library(n: &Node, args: &[&Array], shapes: &[Vec<usize>], sizes: &Sizes) -> Evaluated {
    match n.op {
        Op::Sort | Op::Argsort | Op::Searchsorted => Ok(vec![order::order(n, args)]),
        Op::OrderStatistics | Op::ArgOrderStatistics => order::statistics(n, args[0], args[1], &shapes[0]),
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            let points = sizes.number(n.attrs.dim(Key::N))? as usize;
            Ok(vec![order::transform(n, args[0], points, &shapes[0])])
        }
        Op::Matmul => Ok(vec![linalg::matmul(args[0], args[1], &shapes[0])]),
        Op::Gemm => Ok(vec![linalg::gemm(args, &shapes[0])]),
        _ => linalg::linalg(n, args, shapes),
    }
}

fn region(n: &Node, args: &[&Array], sizes: &Sizes, observer: &mut Observer<'_>) -> Evaluated {
    let values: Vec<Array> = args.iter().map(|a| (*a).clone()).collect();
    match n.op {
        Op::If => {
            let branch = if values[0].at(&[]).as_i64() != 0 { Key::Body } else { Key::Else };
            observe(n.attrs.graph(branch), &values[1..], sizes, observer)
        }
        Op::While => {
            let carries = n.attrs.int(Key::Carries) as usize;
            let mut values = values;
            while observe(n.attrs.graph(Key::Cond), &values, sizes, observer)?[0].at(&[]).as_i64() != 0 {
                let next = observe(n.attrs.graph(Key::Body), &values, sizes, observer)?;
                values.splice(..carries, next);
            }
            values.truncate(carries);
            Ok(values)
        }
        _ => {
            let carries = n.attrs.int(Key::Carries) as usize;
            let body = n.attrs.graph(Key::Body);
            let (lo, hi) = (sizes.number(n.attrs.dim(Key::Lo))?, sizes.number(n.attrs.dim(Key::Hi))?);
            let mut values = values;
            let mut rows: Vec<Vec<Array>> = vec![Vec::new(); body.outputs.len() - carries];
            for i in lo..hi {
                let mut next = observe(body, &values, &sizes.with(n.attrs.str(Key::Index), i), observer)?;
                for (all, row) in rows.iter_mut().zip(next.split_off(carries)) {
                    all.push(row);
                }
                values.splice(..carries, next);
            }
            values.truncate(carries);
            for (rows, t) in rows.iter().zip(&n.types[carries..]) {
                let views: Vec<_> = rows.iter().map(|r| r.data.view()).collect();
                let data = if views.is_empty() {
                    ArrayD::from_elem(IxDyn(&sizes.shape(&t.shape)?), Scalar::zero(t.dtype))
                } else {
                    ndarray::stack(Axis(0), &views).expect("rows of one shape")
                };
                values.push(Array { dtype: t.dtype, data });
            }
            Ok(values)
        }
    }
}
