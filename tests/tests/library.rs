//! Library ops from graphs to routines: attributes, order of results, strides, errors, memory.
//!
//! The routines themselves are tested in `frit-library`; here each op is checked by what defines it, computed by other
//! ops of the same program.

use frit_codegen::Cache;
use frit_ir::build::Builder;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice, TensorType, Value};
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program, Run, RuntimeError};
use std::sync::Arc;

/// A program under construction; the results are errors, which must be small.
struct Case {
    b: Builder,
    outputs: Vec<Value>,
}

fn attrs(pairs: &[(Key, Attr)]) -> Attrs {
    Attrs::new(pairs.iter().cloned())
}

impl Case {
    fn new() -> Case {
        Case { b: Builder::new("case"), outputs: vec![] }
    }

    fn input(&mut self, name: &str, shape: &[usize]) -> Value {
        self.b.input(name, TensorType::fixed(DType::F64, shape))
    }

    fn op(&mut self, op: Op, attributes: &[(Key, Attr)], x: &[Value]) -> Vec<Value> {
        let first = self.b.node(op, attrs(attributes), x).expect("well-typed");
        let count = self.b.graph().nodes[first.node.0 as usize].types.len() as u32;
        (0..count).map(|index| Value { node: first.node, index }).collect()
    }

    fn one(&mut self, op: Op, x: &[Value]) -> Value {
        self.op(op, &[], x)[0]
    }

    fn cast(&mut self, x: Value, to: DType) -> Value {
        self.b.cast(x, to).expect("casts")
    }

    fn times(&mut self, x: Value, y: Value) -> Value {
        self.b.matmul(x, y).expect("multiplies")
    }

    fn adjoint(&mut self, x: Value) -> Value {
        let t = self.b.matrix_transpose(x).expect("transposes");
        if self.b.dtype(t).is_complex() { self.b.unary(Op::Conjugate, t).expect("conjugates") } else { t }
    }

    fn binary(&mut self, op: Op, x: Value, y: Value) -> Value {
        self.b.binary(op, x, y).expect("broadcasts")
    }

    /// The rows of an identity, as numbers of a type.
    fn eye(&mut self, n: usize, dtype: DType) -> Value {
        let shape = [Dim::constant(n as i64), Dim::constant(n as i64)];
        let (i, j) =
            (self.b.iota(&shape, 0, DType::I64).unwrap(), self.b.iota(&shape, 1, DType::I64).unwrap());
        let same = self.binary(Op::Equal, i, j);
        self.cast(same, dtype)
    }

    /// Adds a result: the largest difference.
    fn equal(&mut self, x: Value, y: Value) {
        let difference = self.binary(Op::Subtract, x, y);
        let size = self.b.unary(Op::Absolute, difference).expect("has a size");
        let largest = self.b.reduce(Op::Max, size, None, false).expect("is not empty");
        let largest = self.cast(largest, DType::F64);
        self.outputs.push(largest);
    }

    /// Multiplies the columns of matrices by the elements of vectors.
    fn scaled(&mut self, x: Value, factors: Value) -> Value {
        let factors = self.cast(factors, self.b.dtype(x));
        let rank = self.b.ty(factors).rank() as i64;
        let factors = self.b.expand_dims(factors, &[rank - 1]).expect("expands");
        self.binary(Op::Multiply, x, factors)
    }

    fn run(self, inputs: &[(&[usize], &[f64])], threads: usize) -> Result<Vec<Vec<f64>>, RuntimeError> {
        let cache = Cache::new(frit_codegen::available().remove(0));
        let graph = self.b.finish(self.outputs);
        let graph = frit_passes::optimize(&graph, &Options::new(MathLevel::Exact)).expect("optimizes").graph;
        let plan = frit_passes::lower(&graph, &LowerOptions::default()).expect("lowers").plan;
        let program = Arc::new(Program::new(Arc::new(plan), &cache));
        let shapes: Vec<(&[usize], &[isize])> = inputs.iter().map(|(s, _)| (*s, &[][..])).collect();
        let bound = program.bind(&shapes, threads)?;
        let pointers: Vec<*const u8> = inputs.iter().map(|(_, data)| data.as_ptr().cast()).collect();
        // SAFETY: the program is bound to the inputs' shapes, and they are contiguous.
        let (outputs, peak) = unsafe { bound.run(&pointers, &Run::default()) }?;
        let projected = bound.memory().peak_bytes;
        assert!(
            projected >= peak && projected as f64 <= 1.1 * peak as f64,
            "projected {projected}, measured {peak}"
        );
        Ok(outputs
            .iter()
            .map(|o| {
                assert_eq!(o.dtype, DType::F64);
                // SAFETY: the output holds its shape's elements.
                unsafe {
                    std::slice::from_raw_parts(o.buffer.as_ptr().cast::<f64>(), o.shape.iter().product())
                }
                .to_vec()
            })
            .collect())
    }
}

fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// Two inputs of a shape, the second transposed in memory, as numbers of a type.
fn operands(c: &mut Case, shape: [usize; 3], dtype: DType) -> (Value, Value) {
    let [s, m, n] = shape;
    let (x, y) = (c.input("x", &shape), c.input("y", &[s, n, m]));
    let y = c.b.matrix_transpose(y).expect("transposes");
    if !dtype.is_complex() {
        return (c.cast(x, dtype), c.cast(y, dtype));
    }
    // x + i y and y - i x.
    let (x, y) = (c.cast(x, dtype), c.cast(y, dtype));
    let i = c.b.constant(Scalar::complex(dtype, num_complex::Complex64::new(0.0, 1.0)));
    let (ix, iy) = (c.binary(Op::Multiply, x, i), c.binary(Op::Multiply, y, i));
    (c.binary(Op::Add, x, iy), c.binary(Op::Subtract, y, ix))
}

const INEXACT: [DType; 4] = [DType::F32, DType::F64, DType::C64, DType::C128];

fn check(shape: [usize; 3], dtype: DType, build: impl Fn(&mut Case, Value, Value)) {
    let n = shape.iter().product();
    let (x, y) = (random(n, 1), random(n, 2));
    let limit = if dtype.real() == DType::F32 { 2e-3 } else { 1e-9 };
    for threads in [1, 2] {
        let mut c = Case::new();
        let (a, b) = operands(&mut c, shape, dtype);
        build(&mut c, a, b);
        let other = [shape[0], shape[2], shape[1]];
        let results = c.run(&[(&shape, &x), (&other, &y)], threads).expect("runs");
        for (k, r) in results.iter().enumerate() {
            assert!(r[0] <= limit, "{dtype} {shape:?}: result {k} is off by {}", r[0]);
        }
    }
}

#[test]
fn systems_of_equations() {
    for dtype in INEXACT {
        check([3, 6, 6], dtype, |c, a, b| {
            let eye = c.eye(6, dtype);
            let inverse = c.one(Op::Inv, &[b]);
            let product = c.times(b, inverse);
            c.equal(product, eye);
            let x = c.one(Op::Solve, &[a, b]);
            let product = c.times(a, x);
            c.equal(product, b);
            for (lower, op) in [(true, Op::Tril), (false, Op::Triu)] {
                let seven = c.b.constant(Scalar::from_f64(DType::F64, 7.0).cast(dtype));
                let bump = c.binary(Op::Multiply, eye, seven);
                let full = c.binary(Op::Add, b, bump);
                let triangle = c.op(op, &[(Key::Offset, Attr::Int(0))], &[full])[0];
                let x = c.op(Op::SolveTriangular, &[(Key::Lower, Attr::Bool(lower))], &[full, a])[0];
                let product = c.times(triangle, x);
                c.equal(product, a);
            }
            let f = c.op(Op::LuFactor, &[(Key::Posdef, Attr::Bool(false))], &[b]);
            let x = c.one(Op::LuSolve, &[f[0], f[1], a]);
            let product = c.times(b, x);
            c.equal(product, a);
            let (det, det_inverse) = (c.one(Op::Det, &[b]), c.one(Op::Det, &[inverse]));
            let product = c.binary(Op::Multiply, det, det_inverse);
            let one = c.b.constant(Scalar::one(dtype));
            c.equal(product, one);
            let parts = c.op(Op::Slogdet, &[], &[b]);
            let size = c.b.unary(Op::Exp, parts[1]).unwrap();
            let size = c.cast(size, dtype);
            let whole = c.binary(Op::Multiply, parts[0], size);
            c.equal(whole, det);
        });
    }
}

#[test]
fn factorizations() {
    for dtype in INEXACT {
        check([2, 5, 5], dtype, |c, a, _| {
            let eye = c.eye(5, dtype);
            let adjoint = c.adjoint(a);
            let square = c.times(a, adjoint);
            let definite = c.binary(Op::Add, square, eye);
            let l = c.one(Op::Cholesky, &[definite]);
            let inverse = c.one(Op::InvPosdef, &[definite]);
            let product = c.times(definite, inverse);
            c.equal(product, eye);
            let f = c.op(Op::LuFactor, &[(Key::Posdef, Attr::Bool(true))], &[definite]);
            let x = c.one(Op::LuSolve, &[f[0], f[1], a]);
            let product = c.times(definite, x);
            c.equal(product, a);
            let lh = c.adjoint(l);
            let product = c.times(l, lh);
            c.equal(product, definite);
        });
        for shape in [[2, 5, 5], [3, 7, 4], [1, 4, 6]] {
            check(shape, dtype, |c, _, a| {
                let f = c.op(Op::Lu, &[], &[a]);
                let p = c.cast(f[0], dtype);
                let lu = c.times(f[1], f[2]);
                let product = c.times(p, lu);
                c.equal(product, a);
                for full in [false, true] {
                    let f = c.op(Op::Qr, &[(Key::Full, Attr::Bool(full))], &[a]);
                    let product = c.times(f[0], f[1]);
                    c.equal(product, a);
                    let columns = if full { shape[1] } else { shape[1].min(shape[2]) };
                    let (adjoint, eye) = (c.adjoint(f[0]), c.eye(columns, dtype));
                    let product = c.times(adjoint, f[0]);
                    c.equal(product, eye);
                }
                let f = c.op(Op::Svd, &[(Key::Full, Attr::Bool(false))], &[a]);
                let us = c.scaled(f[0], f[1]);
                let product = c.times(us, f[2]);
                c.equal(product, a);
                let values = c.one(Op::Svdvals, &[a]);
                c.equal(values, f[1]);
                let f = c.op(Op::Svd, &[(Key::Full, Attr::Bool(true))], &[a]);
                for (k, n) in [(0, shape[1]), (2, shape[2])] {
                    let (adjoint, eye) = (c.adjoint(f[k]), c.eye(n, dtype));
                    let product = c.times(adjoint, f[k]);
                    c.equal(product, eye);
                }
            });
        }
    }
}

#[test]
fn eigenvalues() {
    for dtype in INEXACT {
        check([2, 6, 6], dtype, |c, a, _| {
            let adjoint = c.adjoint(a);
            let h = c.binary(Op::Add, a, adjoint);
            for lower in [true, false] {
                // Only one triangle is read.
                let op = if lower { Op::Tril } else { Op::Triu };
                let half = c.op(op, &[(Key::Offset, Attr::Int(0))], &[h])[0];
                let f = c.op(Op::Eigh, &[(Key::Lower, Attr::Bool(lower))], &[half]);
                let (left, right) = (c.times(h, f[1]), c.scaled(f[1], f[0]));
                c.equal(left, right);
                let values = c.op(Op::Eigvalsh, &[(Key::Lower, Attr::Bool(lower))], &[half])[0];
                c.equal(values, f[0]);
            }
            let f = c.op(Op::Eig, &[], &[a]);
            let a = c.cast(a, dtype.to_complex());
            let (left, right) = (c.times(a, f[1]), c.scaled(f[1], f[0]));
            c.equal(left, right);
            let values = c.one(Op::Eigvals, &[a]);
            let sum = c.b.reduce(Op::Sum, values, Some(&[-1]), false).unwrap();
            let pairs = [(Key::Axis, Attr::Int(1)), (Key::Axis2, Attr::Int(2)), (Key::Offset, Attr::Int(0))];
            let trace = c.op(Op::Trace, &pairs, &[a])[0];
            c.equal(sum, trace);
        });
    }
}

#[test]
fn least_squares() {
    for dtype in INEXACT {
        check([1, 9, 4], dtype, |c, a, b| {
            let (a, b) = (c.b.squeeze(a, &[0]).unwrap(), c.b.squeeze(b, &[0]).unwrap());
            let rcond = Attr::Scalar(Scalar::from_f64(DType::F64, 1e-6));
            let f = c.op(Op::Lstsq, &[(Key::Value, rcond)], &[a, b]);
            let product = c.times(a, f[0]);
            let left = c.binary(Op::Subtract, b, product);
            let adjoint = c.adjoint(a);
            let normal = c.times(adjoint, left);
            let zero = c.b.constant(Scalar::zero(dtype));
            c.equal(normal, zero);
            let size = c.b.unary(Op::Absolute, left).unwrap();
            let squares = c.binary(Op::Multiply, size, size);
            let residuals = c.b.reduce(Op::Sum, squares, Some(&[0]), false).unwrap();
            c.equal(f[1], residuals);
            let four = c.b.constant(Scalar::from_f64(DType::F64, 4.0).cast(DType::I64));
            c.equal(f[2], four);
            let values = c.one(Op::Svdvals, &[a]);
            c.equal(f[3], values);
        });
    }
}

fn transform(n: impl Into<Dim>, scale: f64) -> [(Key, Attr); 3] {
    let scale = Attr::Scalar(Scalar::from_f64(DType::F64, scale));
    [(Key::Axis, Attr::Int(1)), (Key::N, Attr::Dim(n.into())), (Key::Scale, scale)]
}

#[test]
fn transforms() {
    for dtype in [DType::F32, DType::F64] {
        for n in [1, 7, 12] {
            check([2, n, 3], dtype, |c, _, x| {
                let z = c.cast(x, dtype.to_complex());
                let whole = c.op(Op::Fft, &transform(n as i64, 1.0), &[z])[0];
                let back = c.op(Op::Ifft, &transform(n as i64, 1.0 / n as f64), &[whole])[0];
                c.equal(back, z);
                let half = c.op(Op::Rfft, &transform(n as i64, 1.0), &[x])[0];
                let first = Slice { start: 0.into(), size: (n as i64 / 2 + 1).into(), step: 1 };
                let part = c.b.slice_axis(whole, 1, first).unwrap();
                c.equal(half, part);
                let back = c.op(Op::Irfft, &transform(n as i64, 1.0 / n as f64), &[half])[0];
                c.equal(back, x);
            });
        }
    }
}

#[test]
fn transforms_of_symbolic_sizes() {
    for n in [5, 8] {
        let mut c = Case::new();
        let size = Dim::symbol("n");
        let x = c.b.input("x", TensorType::new(DType::F64, [Dim::constant(2), size.clone()]));
        let half = c.op(Op::Rfft, &transform(size.clone(), 1.0), &[x])[0];
        let back = c.op(Op::Irfft, &transform(size, 1.0 / n as f64), &[half])[0];
        c.equal(back, x);
        let energy = c.b.unary(Op::Absolute, half).unwrap();
        let largest = c.b.reduce(Op::Max, energy, None, false).unwrap();
        c.outputs.push(largest);
        let data = random(2 * n, 3);
        let results = c.run(&[(&[2, n], &data)], 1).expect("runs");
        assert!(results[0][0] < 1e-14 && results[1][0] > 0.1, "{results:?}");
    }
}

#[test]
fn order() {
    for dtype in [DType::F32, DType::F64, DType::I32, DType::U8] {
        let mut c = Case::new();
        let x = c.input("x", &[200]);
        let hundred = c.b.constant(Scalar::from_f64(DType::F64, 100.0));
        let x = c.binary(Op::Multiply, x, hundred);
        let x = c.b.unary(Op::Absolute, x).unwrap();
        let x = c.cast(x, dtype);
        let axis = [(Key::Axis, Attr::Int(0))];
        let sorted = c.op(Op::Sort, &axis, &[x])[0];
        let positions = c.op(Op::Argsort, &axis, &[x])[0];
        let taken = c.b.take(x, positions, 0).unwrap();
        // As floats: differences of unsigned numbers wrap around.
        let (taken, wanted) = (c.cast(taken, DType::F64), c.cast(sorted, DType::F64));
        c.equal(taken, wanted);
        for (mode, less) in [("left", Op::Less), ("right", Op::LessEqual)] {
            let found = c.op(Op::Searchsorted, &[(Key::Mode, Attr::Str(mode.into()))], &[sorted, x])[0];
            // The number of elements before.
            let (rows, columns) = (c.b.expand_dims(x, &[1]).unwrap(), c.b.expand_dims(x, &[0]).unwrap());
            let before = c.binary(less, columns, rows);
            let before = c.cast(before, DType::I64);
            let count = c.b.reduce(Op::Sum, before, Some(&[1]), false).unwrap();
            c.equal(found, count);
        }
        let results = c.run(&[(&[200], &random(200, 4))], 2).expect("runs");
        assert!(results.iter().all(|r| r[0] == 0.0), "{dtype}: {results:?}");
    }
}

/// Products of a size that several workers share, against a sum written out.
#[test]
fn products() {
    for dtype in [DType::I8, DType::I64, DType::U16, DType::F32, DType::F64, DType::C64, DType::C128] {
        let (m, k, n) = (130, 70, 150);
        let mut c = Case::new();
        let (x, y) = (c.input("x", &[m, k]), c.input("y", &[n, k]));
        let five = c.b.constant(Scalar::from_f64(DType::F64, 5.0));
        let [x, y] = [x, y].map(|v| {
            let v = c.binary(Op::Multiply, v, five);
            c.cast(v, dtype)
        });
        let y = c.b.matrix_transpose(y).unwrap();
        let product = c.times(x, y);
        let (rows, columns) = (c.b.expand_dims(x, &[2]).unwrap(), c.b.expand_dims(y, &[0]).unwrap());
        let terms = c.binary(Op::Multiply, rows, columns);
        let sum = c.b.reduce(Op::Sum, terms, Some(&[1]), false).unwrap();
        let sum = c.cast(sum, dtype);
        c.equal(product, sum);
        let results = c.run(&[(&[m, k], &random(m * k, 5)), (&[n, k], &random(n * k, 6))], 2).expect("runs");
        let limit = if dtype.real() == DType::F32 { 1e-3 } else { 1e-10 };
        assert!(results[0][0] <= limit, "{dtype}: {}", results[0][0]);
    }
}

#[test]
fn errors_are_numpys() {
    let message = |op: Op, attributes: &[(Key, Attr)], value: f64| {
        let mut c = Case::new();
        let x = c.input("x", &[3, 3]);
        let y = c.op(op, attributes, &[x])[0];
        c.outputs.push(y);
        c.run(&[(&[3, 3], &[value; 9])], 1).expect_err("fails").to_string()
    };
    for (op, attributes, value, wanted) in [
        (Op::Inv, vec![], 1.0, "Singular matrix"),
        (Op::Cholesky, vec![], -1.0, "Matrix is not positive definite"),
        (Op::Svdvals, vec![], f64::NAN, "SVD did not converge"),
        (Op::Eigvalsh, vec![(Key::Lower, Attr::Bool(true))], f64::NAN, "Eigenvalues did not converge"),
    ] {
        let text = message(op, &attributes, value);
        assert!(text.contains(wanted), "{op}: {text}");
    }
}

/// What routines need is counted, and given back.
#[test]
fn workspace_is_part_of_the_peak() {
    let n = 200;
    let mut c = Case::new();
    let x = c.input("x", &[n, n]);
    let inverse = c.one(Op::Inv, &[x]);
    c.outputs.push(inverse);
    let graph = c.b.finish(c.outputs);
    let graph = frit_passes::optimize(&graph, &Options::new(MathLevel::Exact)).expect("optimizes").graph;
    let plan = frit_passes::lower(&graph, &LowerOptions::default()).expect("lowers").plan;
    let cache = Cache::new(frit_codegen::available().remove(0));
    let program = Arc::new(Program::new(Arc::new(plan), &cache));
    let bound = program.bind(&[(&[n, n], &[])], 1).expect("binds");
    let data = random(n * n, 7);
    // SAFETY: the program is bound to the input's shape, and it is contiguous.
    let (outputs, peak) = unsafe { bound.run(&[data.as_ptr().cast()], &Run::default()) }.expect("runs");
    // The result, the factorized copy, and what the routine multiplies by.
    assert!(peak > 2 * n * n * 8, "{peak}");
    assert!(bound.memory().peak_bytes >= peak);
    assert_eq!(outputs[0].buffer.size(), n * n * 8);
}
