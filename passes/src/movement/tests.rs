//! What moves along an axis passes every operation that works position by position along it: a table over all of them.

use crate::make::Make;
use crate::pass::{MathLevel, Options};
use crate::pipeline::optimize;
use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::ops::{B, CX, Class, F, I, Op};
use frit_ir::{Attr, Attrs, DType, Key, Scalar, Slice};

/// Size of the axis along which things move: the first one of every result.
const N: i64 = 8;

/// Operations that are not looked at: they are gone after `expand`, have no operands, or are whole programs.
fn left_out(op: Op) -> bool {
    matches!(op.class(), Class::Source | Class::Composite | Class::Region)
}

/// Operations past which a movement does not go, with the reason.
const EXCEPT: &[(Op, &str)] = &[
    (Op::Gemm, "the other rules take it apart first"),
    (Op::Lu, "several results"),
    (Op::LuFactor, "several results"),
    (Op::LuSolve, "its first two operands belong together"),
    (Op::Qr, "several results"),
    (Op::Svd, "several results"),
    (Op::Eigh, "several results"),
    (Op::Eig, "several results"),
    (Op::Slogdet, "several results"),
    (Op::Lstsq, "one system only"),
    (Op::Rechunk, "only what begins and ends where a block does"),
];

fn attrs<const K: usize>(list: [(Key, Attr); K]) -> Attrs {
    Attrs::new(list)
}

/// The type that an operation takes.
fn operand_type(op: Op) -> DType {
    let takes = op.def().takes;
    let of = |kinds: frit_ir::ops::Kinds| takes.0 & kinds.0 != 0;
    match op {
        Op::Fft | Op::Ifft | Op::Irfft => DType::C128,
        _ if of(F) => DType::F64,
        _ if of(I) => DType::I64,
        _ if of(B) => DType::Bool,
        _ if of(CX) => DType::C128,
        _ => DType::F64,
    }
}

/// An operation whose first result has the shape `(N, ..)`, not combined along its first axis.
fn made(b: &mut Builder, op: Op) -> Option<Value> {
    let t = operand_type(op);
    let input = |b: &mut Builder, t: DType, shape: &[i64]| {
        let name = format!("x{}", b.graph().inputs.len());
        b.input(&name, TensorType::new(t, shape.iter().map(|n| (*n).into()).collect::<Vec<_>>()))
    };
    let axis = |k: i64| (Key::Axis, Attr::Int(k));
    let dims = |d: &[i64]| Attr::Dims(d.iter().map(|n| (*n).into()).collect());
    let slices = |first: Slice| Attr::Slices(vec![Slice::full(&N.into()), first]);
    let part = Slice { start: 1.into(), size: 2.into(), step: 1 };
    let (list, own): (Vec<Value>, Attrs) = match op {
        Op::Where => {
            let m = input(b, DType::Bool, &[N, 6]);
            (vec![m, input(b, t, &[N, 6]), input(b, t, &[N, 6])], Attrs::NONE)
        }
        Op::Ldexp => (vec![input(b, t, &[N, 6]), input(b, DType::I64, &[N, 6])], Attrs::NONE),
        Op::Cast => (vec![input(b, DType::F64, &[N, 6])], attrs([(Key::DType, Attr::DType(DType::F32))])),
        Op::MakeComplex => (
            vec![input(b, t, &[N, 6]), input(b, t, &[N, 6])],
            attrs([(Key::DType, Attr::DType(DType::C128))]),
        ),
        _ if op.class() == Class::Elementwise => {
            ((0..op.def().min_inputs).map(|_| input(b, t, &[N, 6])).collect(), Attrs::NONE)
        }
        _ if op.class() == Class::Reduce => (
            vec![input(b, t, &[N, 6])],
            attrs([(Key::Axes, Attr::Ints(vec![1])), (Key::Keepdims, Attr::Bool(false))]),
        ),
        _ if op.class() == Class::Cumulative => (vec![input(b, t, &[N, 6])], attrs([axis(1)])),
        Op::Reshape => (vec![input(b, t, &[N, 6])], attrs([(Key::Shape, dims(&[N, 2, 3]))])),
        Op::Transpose => (vec![input(b, t, &[6, N])], attrs([(Key::Perm, Attr::Ints(vec![1, 0]))])),
        Op::Slice => (vec![input(b, t, &[N, 6])], attrs([(Key::Slices, slices(part))])),
        Op::ExpandDims => (vec![input(b, t, &[N, 6])], attrs([(Key::Axes, Attr::Ints(vec![1]))])),
        Op::Squeeze => (vec![input(b, t, &[N, 1, 6])], attrs([(Key::Axes, Attr::Ints(vec![1]))])),
        Op::BroadcastTo => (vec![input(b, t, &[N, 1])], attrs([(Key::Shape, dims(&[N, 6]))])),
        Op::Diagonal => (
            vec![input(b, t, &[N, 6, 6])],
            attrs([axis(1), (Key::Axis2, Attr::Int(2)), (Key::Offset, Attr::Int(0))]),
        ),
        Op::Concatenate => (vec![input(b, t, &[N, 6]), input(b, t, &[N, 2])], attrs([axis(1)])),
        Op::Pad => {
            let c = b.constant(Scalar::one(t));
            (
                vec![input(b, t, &[N, 6]), c],
                attrs([(Key::PadLow, dims(&[0, 1])), (Key::PadHigh, dims(&[0, 2]))]),
            )
        }
        Op::Gather => (
            vec![input(b, t, &[6, 9]), input(b, DType::I64, &[N])],
            attrs([(Key::Axes, Attr::Ints(vec![0]))]),
        ),
        Op::Scatter => {
            let list = vec![input(b, t, &[N, 6]), input(b, t, &[3, N]), input(b, DType::I64, &[3])];
            (list, attrs([(Key::Axes, Attr::Ints(vec![1])), (Key::Mode, Attr::Str("set".into()))]))
        }
        Op::UpdateSlice => {
            (vec![input(b, t, &[N, 6]), input(b, t, &[N, 2])], attrs([(Key::Slices, slices(part))]))
        }
        Op::Matmul => (vec![input(b, t, &[N, 5, 6]), input(b, t, &[N, 6, 5])], Attrs::NONE),
        Op::Solve | Op::SolvePosdef => (vec![input(b, t, &[N, 5, 5]), input(b, t, &[N, 5, 3])], Attrs::NONE),
        Op::SolveTriangular => {
            (vec![input(b, t, &[N, 5, 5]), input(b, t, &[N, 5, 3])], attrs([(Key::Lower, Attr::Bool(true))]))
        }
        Op::Eigvalsh => (vec![input(b, t, &[N, 5, 5])], attrs([(Key::Lower, Attr::Bool(true))])),
        Op::Inv | Op::InvPosdef | Op::Cholesky | Op::Det | Op::Svdvals | Op::Eigvals => {
            (vec![input(b, t, &[N, 5, 5])], Attrs::NONE)
        }
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            let scale = Attr::Scalar(Scalar::from_f64(DType::F64, 1.0));
            let n = if op == Op::Irfft { 10 } else { 6 };
            (vec![input(b, t, &[N, 6])], attrs([axis(1), (Key::N, Attr::Dim(n.into())), (Key::Scale, scale)]))
        }
        Op::Sort | Op::Argsort => (vec![input(b, t, &[N, 6])], attrs([axis(1)])),
        Op::OrderStatistics | Op::ArgOrderStatistics => {
            (vec![input(b, t, &[N, 6]), input(b, DType::I64, &[2])], attrs([axis(1)]))
        }
        Op::Searchsorted => {
            (vec![input(b, t, &[6]), input(b, t, &[N, 6])], attrs([(Key::Mode, Attr::Str("left".into()))]))
        }
        _ => return None,
    };
    Make::node(b, op, own, &list)
}

type Movement = fn(&mut Builder, Value) -> Option<Value>;

/// What moves: each takes less than the whole along the first axis. (Whether `take` moves is a matter of cost: a gather fuses
/// with what computes its operand.)
const MOVEMENTS: &[(&str, Movement)] = &[
    ("slice", |b, x| along(b, x, Slice { start: 1.into(), size: 3.into(), step: 1 })),
    ("flipped slice", |b, x| along(b, x, Slice { start: 4.into(), size: 2.into(), step: -2 })),
    ("index", |b, x| {
        let one = along(b, x, Slice { start: 2.into(), size: 1.into(), step: 1 })?;
        Make::squeeze(b, one, &[0])
    }),
];

fn along(b: &mut Builder, x: Value, s: Slice) -> Option<Value> {
    let mut slices: Vec<Slice> = b.shape(x).iter().map(Slice::full).collect();
    slices[0] = s;
    Make::slice(b, x, &slices)
}

/// True if nothing is computed in full: no operation but views gives as much as there was.
fn moved(op: Op, before: &Graph, after: &Graph) -> bool {
    let full = before.nodes.iter().find(|n| n.op == op).expect("the operation").types[0].elements();
    let computed = |n: &&frit_ir::graph::Node| !matches!(n.op.class(), Class::Source | Class::View);
    let live = after.live();
    let all = after.nodes.iter().zip(&live).filter(|(_, live)| **live).map(|(n, _)| n);
    !all.filter(computed).any(|n| n.op == op && n.types[0].elements() == full)
}

#[test]
fn movements_pass_every_operation() {
    let options = Options::new(MathLevel::Reassociate);
    let mut stuck = Vec::new();
    for op in Op::ALL.iter().copied().filter(|op| !left_out(*op)) {
        if EXCEPT.iter().any(|(e, _)| *e == op) {
            continue;
        }
        for (name, movement) in MOVEMENTS {
            let mut b = Builder::new("moved");
            let x = made(&mut b, op).unwrap_or_else(|| panic!("{op} is in no table"));
            let v = movement(&mut b, x).expect("the first axis is long enough");
            let graph = b.finish(vec![v]);
            let after = optimize(&graph, &options).expect("optimizes").graph;
            if !moved(op, &graph, &after) {
                stuck.push(format!("{name} of {op}"));
            }
        }
    }
    assert_eq!(stuck, Vec::<String>::new(), "movements that stop at an operation");
}
