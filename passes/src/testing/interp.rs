//! Evaluates small graphs element by element: the judge of the rules.

use crate::scalar;
use frit_ir::graph::{Graph, Node, Value};
use frit_ir::ops::Class;
use frit_ir::{DType, Dim, Key, Op, Scalar};

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<Scalar>,
}

/// Sizes of the symbols in every test.
fn number(d: &Dim) -> i64 {
    let symbol = |s: &str| match s {
        "n" => Some(5),
        "m" => Some(3),
        "z" => Some(0),
        _ => None,
    };
    d.eval(&symbol).expect("a known symbol")
}

pub(crate) fn size(d: &Dim) -> usize {
    number(d).try_into().expect("not negative")
}

fn sizes(dims: &[Dim]) -> Vec<usize> {
    dims.iter().map(size).collect()
}

fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = shape.to_vec();
    (0..shape.iter().product::<usize>()).map(move |flat| {
        let mut rest = flat;
        let mut index = vec![0; shape.len()];
        for (i, n) in index.iter_mut().zip(&shape).rev() {
            *i = rest % n;
            rest /= n;
        }
        index
    })
}

impl Array {
    fn make(dtype: DType, shape: &[usize], f: impl Fn(&[usize]) -> Scalar) -> Array {
        Array { dtype, shape: shape.to_vec(), data: indices(shape).map(|i| f(&i)).collect() }
    }

    fn at(&self, index: &[usize]) -> Scalar {
        self.data[index.iter().zip(&self.shape).fold(0, |flat, (i, n)| flat * n + i)]
    }

    /// The element that broadcasts to an index of a larger shape.
    fn spread(&self, index: &[usize]) -> Scalar {
        let own = &index[index.len() - self.shape.len()..];
        let own: Vec<usize> =
            own.iter().zip(&self.shape).map(|(i, n)| if *n == 1 { 0 } else { *i }).collect();
        self.at(&own)
    }
}

fn apply(op: Op, args: &[Scalar], out: DType) -> Scalar {
    let types: Vec<DType> = args.iter().map(|s| s.dtype()).collect();
    let mut parts = Vec::new();
    for s in args {
        let (re, im) = s.parts();
        parts.push(re);
        if s.dtype().is_complex() {
            parts.push(im);
        }
    }
    let r = scalar::apply(&op.scalar_fn(&types, out), &parts).expect("a primitive that is evaluated");
    if out.is_complex() { Scalar::from_bits(out, [r[0].bits()[0], r[1].bits()[0]]) } else { r[0] }
}

/// The results of a graph.
pub(crate) fn eval(g: &Graph, inputs: &[Array]) -> Vec<Array> {
    let mut values: Vec<Array> = Vec::with_capacity(g.nodes.len());
    for n in &g.nodes {
        let args: Vec<&Array> = n.inputs.iter().map(|v| &values[v.node.0 as usize]).collect();
        let out = &n.types[0];
        let shape = sizes(&out.shape);
        let v = if n.op == Op::Input {
            inputs[n.attrs.int(Key::Position) as usize].clone()
        } else {
            node(n, &args, out.dtype, &shape)
        };
        assert_eq!(v.shape, shape, "{} has the wrong shape", n.op);
        values.push(v);
    }
    g.outputs.iter().map(|v: &Value| values[v.node.0 as usize].clone()).collect()
}

fn node(n: &Node, args: &[&Array], dtype: DType, shape: &[usize]) -> Array {
    match n.op.class() {
        Class::Elementwise => {
            return Array::make(dtype, shape, |i| {
                let operands: Vec<Scalar> = args.iter().map(|a| a.spread(i)).collect();
                apply(n.op, &operands, dtype)
            });
        }
        Class::Reduce => return reduce(n, args[0], dtype, shape),
        Class::Cumulative => {
            let axis = n.attrs.int(Key::Axis) as usize;
            return Array::make(dtype, shape, |i| {
                let mut j = i.to_vec();
                j[axis] = 0;
                let mut acc = args[0].at(&j);
                for k in 1..=i[axis] {
                    j[axis] = k;
                    acc = combine(n.op, acc, args[0].at(&j));
                }
                acc
            });
        }
        _ => {}
    }
    match n.op {
        Op::Constant => Array::make(dtype, shape, |_| n.attrs.scalar(Key::Value)),
        Op::DimValue => {
            Array::make(dtype, shape, |_| Scalar::from_i64(dtype, size(n.attrs.dim(Key::Dim)) as i64))
        }
        Op::Iota => {
            let axis = n.attrs.int(Key::Axis) as usize;
            Array::make(dtype, shape, |i| Scalar::from_i64(dtype, i[axis] as i64))
        }
        Op::Reshape | Op::ExpandDims | Op::Squeeze => {
            Array { dtype, shape: shape.to_vec(), data: args[0].data.clone() }
        }
        Op::BroadcastTo => Array::make(dtype, shape, |i| args[0].spread(i)),
        Op::Transpose => Array::make(dtype, shape, |i| {
            let mut j = vec![0; i.len()];
            for (k, p) in n.attrs.ints(Key::Perm).iter().enumerate() {
                j[*p as usize] = i[k];
            }
            args[0].at(&j)
        }),
        Op::Slice => Array::make(dtype, shape, |i| {
            let at = |(s, i): (&frit_ir::Slice, &usize)| (number(&s.start) + *i as i64 * s.step) as usize;
            args[0].at(&n.attrs.slices().iter().zip(i).map(at).collect::<Vec<_>>())
        }),
        Op::Diagonal => {
            let (a, b) = (n.attrs.int(Key::Axis) as usize, n.attrs.int(Key::Axis2) as usize);
            Array::make(dtype, shape, |i| {
                let mut rest = i[..i.len() - 1].iter();
                let last = i[i.len() - 1];
                let j: Vec<usize> = (0..i.len() + 1)
                    .map(|k| if k == a || k == b { last } else { *rest.next().expect("ranks add up") })
                    .collect();
                args[0].at(&j)
            })
        }
        Op::Concatenate => {
            let axis = n.attrs.int(Key::Axis) as usize;
            Array::make(dtype, shape, |i| {
                let mut j = i.to_vec();
                for a in args {
                    if j[axis] < a.shape[axis] {
                        return a.at(&j);
                    }
                    j[axis] -= a.shape[axis];
                }
                unreachable!("an index beyond the end")
            })
        }
        Op::Pad => Array::make(dtype, shape, |i| {
            let low = sizes(n.attrs.dims(Key::PadLow));
            let inside = (0..i.len()).all(|k| i[k] >= low[k] && i[k] - low[k] < args[0].shape[k]);
            if !inside {
                return args[1].at(&[]);
            }
            args[0].at(&i.iter().zip(&low).map(|(i, l)| i - l).collect::<Vec<_>>())
        }),
        Op::Gather => {
            let axes = n.attrs.ints(Key::Axes);
            let index_rank = shape.len() - (args[0].shape.len() - axes.len());
            Array::make(dtype, shape, |i| {
                let (front, back) = i.split_at(index_rank);
                let mut rest = back.iter();
                let j: Vec<usize> = (0..args[0].shape.len())
                    .map(|k| match axes.iter().position(|a| *a as usize == k) {
                        Some(p) => {
                            let v = args[p + 1].spread(front).as_i64();
                            (if v < 0 { v + args[0].shape[k] as i64 } else { v }) as usize
                        }
                        None => *rest.next().expect("ranks add up"),
                    })
                    .collect();
                args[0].at(&j)
            })
        }
        Op::Matmul => matmul(args[0], args[1], shape),
        Op::Sort => {
            let axis = n.attrs.int(Key::Axis) as usize;
            Array::make(dtype, shape, |i| {
                let mut line: Vec<Scalar> = (0..shape[axis])
                    .map(|k| {
                        let mut j = i.to_vec();
                        j[axis] = k;
                        args[0].at(&j)
                    })
                    .collect();
                line.sort_by(|a, b| {
                    let (x, y) = (a.as_f64(), b.as_f64());
                    x.is_nan().cmp(&y.is_nan()).then(x.partial_cmp(&y).unwrap_or(std::cmp::Ordering::Equal))
                });
                line[i[axis]]
            })
        }
        Op::Inv => {
            let size = shape[0];
            let one = Array::make(dtype, shape, |i| Scalar::from_i64(dtype, (i[0] == i[1]) as i64));
            solve(args[0], &one, &[size, size])
        }
        Op::Solve => solve(args[0], args[1], shape),
        other => panic!("the tests do not evaluate {other}"),
    }
}

fn combine(op: Op, a: Scalar, b: Scalar) -> Scalar {
    let scalar = match op {
        Op::Sum | Op::Cumsum => Op::Add,
        Op::Prod | Op::Cumprod => Op::Multiply,
        Op::Min | Op::Cummin => Op::Minimum,
        Op::Max | Op::Cummax => Op::Maximum,
        Op::Any => Op::LogicalOr,
        _ => Op::LogicalAnd,
    };
    apply(scalar, &[a, b], a.dtype())
}

fn reduce(n: &Node, x: &Array, dtype: DType, shape: &[usize]) -> Array {
    let (axes, keep) = (n.attrs.ints(Key::Axes), n.attrs.bool(Key::Keepdims));
    let identity = match n.op {
        Op::Sum | Op::Any => Some(Scalar::zero(dtype)),
        Op::Prod | Op::All => Some(Scalar::one(dtype)),
        _ => None,
    };
    Array::make(dtype, shape, |i| {
        let fits = |j: &Vec<usize>| {
            let mut rest = i.iter();
            (0..j.len()).all(|k| {
                if axes.contains(&(k as i64)) {
                    if keep {
                        rest.next();
                    }
                    return true;
                }
                rest.next() == Some(&j[k])
            })
        };
        let terms = indices(&x.shape).filter(fits).map(|j| x.at(&j));
        let all = identity.into_iter().chain(terms);
        all.reduce(|a, b| combine(n.op, a, b)).expect("a reduction without identity is not empty")
    })
}

fn matmul(a: &Array, b: &Array, shape: &[usize]) -> Array {
    let r = shape.len();
    let inner = a.shape[a.shape.len() - 1];
    let pick = |x: &Array, i: &[usize], row: usize, col: usize| {
        let mut j = i[..r - 2].to_vec();
        j.extend([row, col]);
        // The last two sizes are never broadcast: spread would read a column of size 1 at 0, as it must be.
        x.spread(&j)
    };
    Array::make(a.dtype, shape, |i| {
        let mut sum = Scalar::zero(a.dtype);
        for k in 0..inner {
            let p = apply(Op::Multiply, &[pick(a, i, i[r - 2], k), pick(b, i, k, i[r - 1])], a.dtype);
            sum = apply(Op::Add, &[sum, p], a.dtype);
        }
        sum
    })
}

/// Gauss-Jordan with pivoting.
fn solve(a: &Array, b: &Array, shape: &[usize]) -> Array {
    let (n, cols) = (shape[0], shape[1]);
    let mut m: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let left = (0..n).map(|j| a.at(&[i, j]).as_f64());
            left.chain((0..cols).map(|j| b.at(&[i, j]).as_f64())).collect()
        })
        .collect();
    for k in 0..n {
        let pivot = (k..n).max_by(|x, y| m[*x][k].abs().total_cmp(&m[*y][k].abs())).expect("rows");
        m.swap(k, pivot);
        let scale = m[k][k];
        m[k].iter_mut().for_each(|v| *v /= scale);
        for i in (0..n).filter(|i| *i != k) {
            let (factor, row) = (m[i][k], m[k].clone());
            m[i].iter_mut().zip(&row).for_each(|(v, r)| *v -= factor * r);
        }
    }
    Array::make(a.dtype, shape, |i| Scalar::from_f64(a.dtype, m[i[0]][n + i[1]]))
}
