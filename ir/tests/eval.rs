//! The reference interpreter where `tests/numpy.rs` has no cases: factorizations by what their factors multiply to,
//! windows, scatters and regions by results worked out by hand.

use frit_ir::build::Builder;
use frit_ir::eval::{Array, EvalError, Sizes, eval};
use frit_ir::{Attr, Attrs, DType, Dim, Graph, Key, Op, Scalar, Slice, TensorType, Value};
use num_complex::Complex64;
use std::sync::Arc;

fn array(t: DType, shape: &[usize], values: &[f64]) -> Array {
    Array::new(t, shape, values.iter().map(|v| Scalar::from_f64(t, *v)).collect())
}

fn numbers(a: &Array) -> Vec<f64> {
    a.data.iter().map(|v| v.as_f64()).collect()
}

/// A graph of one node over parameters of the arrays' types, with all its results.
fn node(op: Op, attrs: Attrs, inputs: &[&Array]) -> Result<Vec<Array>, EvalError> {
    let mut b = Builder::new("one");
    let values: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(k, a)| b.input(&format!("x{k}"), TensorType::fixed(a.dtype, a.shape())))
        .collect();
    let v = b.node(op, attrs, &values).expect("well-typed");
    let count = b.graph().def(v).types.len() as u32;
    let g = b.finish((0..count).map(|index| Value { index, ..v }).collect());
    eval(&g, &inputs.iter().map(|a| (*a).clone()).collect::<Vec<_>>(), &Sizes::default())
}

fn product(a: &Array, b: &Array) -> Array {
    node(Op::Matmul, Attrs::NONE, &[a, b]).expect("multiplies").remove(0)
}

fn adjoint(a: &Array) -> Array {
    Array { dtype: a.dtype, data: a.data.t().map(|v| Scalar::complex(a.dtype, v.as_complex().conj())) }
}

fn close(a: &Array, b: &Array) {
    assert_eq!(a.shape(), b.shape());
    for (x, y) in a.data.iter().zip(&b.data) {
        assert!((x.as_complex() - y.as_complex()).norm() < 1e-12, "{x}, not {y}");
    }
}

/// A matrix without symmetries, real or complex.
fn sample(t: DType, rows: usize, cols: usize) -> Array {
    Array::from_fn(t, &[rows, cols], |i| {
        let k = (7 * i[0] + 3 * i[1] + i[0] * i[1]) as f64;
        Scalar::complex(t, Complex64::new((k * 1.7).sin() * 2.0, (k * 0.9).cos()))
    })
}

fn eye(t: DType, n: usize) -> Array {
    Array::from_fn(t, &[n, n], |i| Scalar::from_i64(t, (i[0] == i[1]) as i64))
}

fn flag(key: Key, v: bool) -> Attrs {
    Attrs::new([(key, Attr::Bool(v))])
}

#[test]
fn factors_multiply_to_the_matrix() {
    for t in [DType::F64, DType::C128] {
        for (rows, cols) in [(1, 1), (4, 4), (5, 3), (3, 5)] {
            let a = sample(t, rows, cols);
            let plu = node(Op::Lu, Attrs::NONE, &[&a]).expect("factors");
            let p = Array { dtype: t, data: plu[0].data.map(|v| v.cast(t)) };
            close(&product(&product(&p, &plu[1]), &plu[2]), &a);
            for full in [false, true] {
                let qr = node(Op::Qr, flag(Key::Full, full), &[&a]).expect("factors");
                close(&product(&qr[0], &qr[1]), &a);
                close(&product(&adjoint(&qr[0]), &qr[0]), &eye(t, qr[0].shape()[1]));
            }
        }
        let a = sample(t, 4, 4);
        let spd = product(&a, &adjoint(&a));
        let negative = Array { dtype: t, data: spd.data.map(|v| Scalar::complex(t, -v.as_complex())) };
        // One that is not positive definite after all, either.
        for (m, posdef) in [(&a, false), (&spd, false), (&spd, true), (&negative, true)] {
            let f = node(Op::LuFactor, flag(Key::Posdef, posdef), &[m]).expect("factors");
            let b = sample(t, 4, 2);
            let x = node(Op::LuSolve, Attrs::NONE, &[&f[0], &f[1], &b]).expect("regular").remove(0);
            close(&product(m, &x), &b);
        }
        let inverse = node(Op::Inv, Attrs::NONE, &[&a]).expect("regular").remove(0);
        close(&product(&a, &inverse), &eye(t, 4));
        let spd = product(&a, &adjoint(&a));
        let l = node(Op::Cholesky, Attrs::NONE, &[&spd]).expect("positive definite").remove(0);
        close(&product(&l, &adjoint(&l)), &spd);
        let b = sample(t, 4, 2);
        let x = node(Op::SolveTriangular, flag(Key::Lower, true), &[&l, &b]).expect("regular").remove(0);
        close(&product(&l, &x), &b);
        let eigh = node(Op::Eigh, flag(Key::Lower, true), &[&spd]).expect("converges");
        let scaled = Array::from_fn(t, &[4, 4], |i| {
            Scalar::complex(t, eigh[1].at(i).as_complex() * eigh[0].at(&i[1..]).as_f64())
        });
        close(&product(&scaled, &adjoint(&eigh[1])), &spd);
        // det and slogdet agree, and the determinant of A A^H is the product of its eigenvalues.
        let det = node(Op::Det, Attrs::NONE, &[&spd]).expect("a number").remove(0).at(&[]).as_f64();
        let log = node(Op::Slogdet, Attrs::NONE, &[&spd]).expect("a number").remove(1).at(&[]).as_f64();
        let eigenproduct: f64 = numbers(&eigh[0]).iter().product();
        assert!((det - eigenproduct).abs() < 1e-10 * det && (det.ln() - log).abs() < 1e-12);
        // Singular values squared are eigenvalues of A A^H, the other way round.
        let singular = numbers(&node(Op::Svdvals, Attrs::NONE, &[&a]).expect("converges").remove(0));
        for (s, e) in singular.iter().zip(numbers(&eigh[0]).iter().rev()) {
            assert!((s * s - e).abs() < 1e-12 * e.max(1.0), "{s}^2, not {e}");
        }
    }
    let singular = array(DType::F64, &[2, 2], &[1.0, 2.0, 2.0, 4.0]);
    assert!(matches!(node(Op::Inv, Attrs::NONE, &[&singular]), Err(EvalError::Matrix { .. })));
}

/// `x` with column `j` multiplied by element `j` of `by`.
fn columns_times(x: &Array, by: &Array) -> Array {
    let t = x.dtype;
    Array::from_fn(t, x.shape(), |i| Scalar::complex(t, x.at(i).as_complex() * by.at(&i[1..]).as_complex()))
}

#[test]
fn singular_and_eigenvectors() {
    for t in [DType::F64, DType::C128] {
        for (rows, cols) in [(1, 1), (4, 4), (6, 3), (3, 6), (2, 0), (0, 2)] {
            // Also of rank 1: most singular values are 0, and their vectors are made up.
            let full_rank = sample(t, rows, cols);
            let one = product(&sample(t, rows, 1), &sample(t, 1, cols));
            for a in [full_rank, one] {
                for full in [false, true] {
                    let usv = node(Op::Svd, flag(Key::Full, full), &[&a]).expect("converges");
                    let (u, s, vh) = (&usv[0], &usv[1], &usv[2]);
                    close(&product(&adjoint(u), u), &eye(t, u.shape()[1]));
                    close(&product(vh, &adjoint(vh)), &eye(t, vh.shape()[0]));
                    let values = numbers(s);
                    assert!(values.windows(2).all(|w| w[0] >= w[1]) && values.iter().all(|v| *v >= 0.0));
                    let k = values.len();
                    let thin = |x: &Array, axis: usize| {
                        let indices: Vec<usize> = (0..k).collect();
                        Array { dtype: t, data: x.data.select(ndarray::Axis(axis), &indices) }
                    };
                    close(&product(&columns_times(&thin(u, 1), s), &thin(vh, 0)), &a);
                }
            }
        }
        for n in [1, 2, 5, 8] {
            // A general matrix, a rotation (complex pairs), and one with a single eigenvector.
            let jordan = Array::from_fn(t, &[n, n], |i| {
                Scalar::from_f64(t, (i[0] <= i[1] && i[1] <= i[0] + 1) as u8 as f64)
            });
            let turned = Array::from_fn(t, &[n, n], |i| {
                Scalar::from_f64(t, if (i[0] + 1) % n == i[1] { 1.0 } else { 0.0 })
            });
            for a in [sample(t, n, n), jordan, turned] {
                let found = node(Op::Eig, Attrs::NONE, &[&a]).expect("converges");
                let c = Array { dtype: DType::C128, data: a.data.map(|v| v.cast(DType::C128)) };
                close(&product(&c, &found[1]), &columns_times(&found[1], &found[0]));
                let trace: Complex64 = found[0].data.iter().map(|v| v.as_complex()).sum();
                let want: Complex64 = (0..n).map(|k| a.at(&[k, k]).as_complex()).sum();
                assert!((trace - want).norm() < 1e-12 * (n as f64) * want.norm().max(1.0), "{trace} {want}");
            }
        }
        // Least squares: the residual is orthogonal to the columns, and the solution to the null space.
        for (rows, cols) in [(6, 3), (3, 6), (4, 4)] {
            let a = sample(t, rows, cols);
            let b = sample(t, rows, 2);
            let rcond = Attrs::new([(Key::Value, Attr::Scalar(Scalar::from_f64(DType::F64, 1e-12)))]);
            let found = node(Op::Lstsq, rcond, &[&a, &b]).expect("converges");
            let ax = product(&a, &found[0]);
            let left = Array::from_fn(t, &[rows, 2], |i| {
                Scalar::complex(t, b.at(i).as_complex() - ax.at(i).as_complex())
            });
            close(&product(&adjoint(&a), &left), &Array::from_fn(t, &[cols, 2], |_| Scalar::zero(t)));
            assert_eq!(found[2].at(&[]).as_i64(), rows.min(cols) as i64);
        }
    }
}

#[test]
fn windows_and_scatters() {
    let t = DType::I32;
    let x = array(t, &[3, 4], &[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.]);
    let slice = |start: i64, size: i64, step| Slice { start: start.into(), size: size.into(), step };
    let backward = Attrs::new([(Key::Slices, Attr::Slices(vec![slice(2, 2, -2), slice(1, 2, 2)]))]);
    let taken = node(Op::Slice, backward.clone(), &[&x]).expect("inside").remove(0);
    assert_eq!(numbers(&taken), [9., 11., 1., 3.]);
    let column = array(t, &[2, 1], &[50., 60.]);
    let written = node(Op::UpdateSlice, backward, &[&x, &column]).expect("inside").remove(0);
    assert_eq!(numbers(&written), [0., 60., 2., 60., 4., 5., 6., 7., 8., 50., 10., 50.]);

    let (rows, cols) = (array(DType::I64, &[3, 1], &[0., 2., 0.]), array(DType::I64, &[2], &[-1., 0.]));
    let axes = (Key::Axes, Attr::Ints(vec![0, 1]));
    let got = node(Op::Gather, Attrs::new([axes.clone()]), &[&x, &rows, &cols]).expect("inside").remove(0);
    assert_eq!((got.shape(), numbers(&got)), (&[3, 2][..], vec![3., 0., 11., 8., 3., 0.]));
    let scatter = |mode: &str, v: &Array| {
        let attrs = Attrs::new([axes.clone(), (Key::Mode, Attr::Str(mode.into()))]);
        numbers(&node(Op::Scatter, attrs, &[&x, v, &rows, &cols]).expect("inside").remove(0))
    };
    let v = array(t, &[3, 2], &[1., 2., 3., 4., 5., 6.]);
    assert_eq!(scatter("set", &v), [6., 1., 2., 5., 4., 5., 6., 7., 4., 9., 10., 3.]);
    assert_eq!(scatter("add", &v), [8., 1., 2., 9., 4., 5., 6., 7., 12., 9., 10., 14.]);
    assert_eq!(scatter("maximum", &array(t, &[], &[4.])), [4., 1., 2., 4., 4., 5., 6., 7., 8., 9., 10., 11.]);
    let outside = array(DType::I64, &[1], &[4.]);
    let bad = node(Op::Gather, Attrs::new([axes]), &[&x, &rows, &outside]);
    assert_eq!(bad, Err(EvalError::IndexOutOfBounds(Op::Gather)));
}

fn region(f: impl FnOnce(&mut Builder) -> Vec<Value>) -> Attr {
    let mut b = Builder::new("region");
    let outputs = f(&mut b);
    Attr::Graph(Arc::new(b.finish(outputs)))
}

/// `for i in 1..n: total += x[i]`, with each total stacked.
fn running_total() -> Graph {
    let n = Dim::symbol("n");
    let vector = TensorType::new(DType::F64, [n.clone()]);
    let number = TensorType::scalar(DType::F64);
    let body = region(|b| {
        let (total, x) = (b.input("total", number.clone()), b.input("x", vector.clone()));
        let element = Slice { start: Dim::symbol("i"), size: 1.into(), step: 1 };
        let element = b.slice_axis(x, 0, element).expect("a slice");
        let element = b.squeeze(element, &[0]).expect("of size 1");
        let next = b.binary(Op::Add, total, element).expect("numbers");
        vec![next, next]
    });
    let mut b = Builder::new("running");
    let x = b.input("x", vector);
    let zero = b.number(DType::F64, 0.0);
    let attrs = Attrs::new([
        (Key::Body, body),
        (Key::Carries, Attr::Int(1)),
        (Key::Lo, Attr::Dim(1.into())),
        (Key::Hi, Attr::Dim(n)),
        (Key::Index, Attr::Str("i".into())),
    ]);
    let v = b.node(Op::For, attrs, &[zero, x]).expect("well-typed");
    b.finish(vec![v, Value { index: 1, ..v }])
}

#[test]
fn regions_carry_and_stack() {
    let g = running_total();
    for (x, total, rows) in [
        (vec![9., 1., 2., 4.], 7., vec![1., 3., 7.]),
        // No iteration at all.
        (vec![9.], 0., vec![]),
    ] {
        let x = array(DType::F64, &[x.len()], &x);
        let sizes = Sizes::from_inputs(&g, std::slice::from_ref(&x)).expect("n is an axis");
        let got = eval(&g, &[x], &sizes).expect("evaluates");
        assert_eq!((numbers(&got[0]), numbers(&got[1])), (vec![total], rows));
    }

    // while x < limit: x = x * x
    let number = TensorType::scalar(DType::I64);
    let cond = region(|b| {
        let (x, limit) = (b.input("x", number.clone()), b.input("limit", number.clone()));
        vec![b.binary(Op::Less, x, limit).expect("numbers")]
    });
    let body = region(|b| {
        let (x, _) = (b.input("x", number.clone()), b.input("limit", number.clone()));
        vec![b.unary(Op::Square, x).expect("a number")]
    });
    let attrs = Attrs::new([(Key::Cond, cond), (Key::Body, body), (Key::Carries, Attr::Int(1))]);
    let i = |v| array(DType::I64, &[], &[v]);
    let got = node(Op::While, attrs, &[&i(3.), &i(1000.)]).expect("evaluates");
    assert_eq!(numbers(&got[0]), [6561.]);

    let branch = |op| {
        region(|b| {
            let x = b.input("x", number.clone());
            vec![b.unary(op, x).expect("a number")]
        })
    };
    let attrs = Attrs::new([(Key::Body, branch(Op::Negative)), (Key::Else, branch(Op::Square))]);
    for (c, want) in [(1., -3.), (0., 9.)] {
        let c = array(DType::Bool, &[], &[c]);
        assert_eq!(numbers(&node(Op::If, attrs.clone(), &[&c, &i(3.)]).expect("evaluates")[0]), [want]);
    }
}
