//! Random programs: fused as a whole against one operation at a time.
//!
//! Single operations are checked against NumPy in `numpy.rs`; here the same programs run with everything that frit
//! does between operations: rewriting, fusion, in-place updates, buffer reuse, SIMD, threads.

use frit_codegen::Cache;
use frit_ir::build::Builder;
use frit_ir::graph::{Graph, Node};
use frit_ir::{Attrs, DType, Dim, Key, Op, Slice, TensorType, Value};
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program, Run};
use std::sync::Arc;

/// A small generator of pseudo-random numbers (xorshift64*), so that failures repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }
}

#[derive(Clone)]
struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
}

fn run(g: &Graph, inputs: &[Array], cache: &Cache, math: MathLevel, threads: usize) -> Vec<Array> {
    let g = frit_passes::optimize(g, &Options::new(math)).expect("optimizes").graph;
    let plan = frit_passes::lower(&g, &LowerOptions { layouts: vec![] }).expect("lowers").plan;
    let program = Arc::new(Program::new(Arc::new(plan), cache).expect("compiles"));
    let shapes: Vec<(&[usize], &[isize])> = inputs.iter().map(|a| (a.shape.as_slice(), &[][..])).collect();
    let bound = program.bind(&shapes, threads).expect("binds");
    let pointers: Vec<*const u8> = inputs.iter().map(|a| a.data.as_ptr().cast()).collect();
    let before: Vec<Vec<f64>> = inputs.iter().map(|a| a.data.clone()).collect();
    // SAFETY: the program is bound to the inputs' shapes, and they are contiguous.
    let (outputs, peak) = unsafe { bound.run(&pointers, &Run::default()) }.expect("runs");
    for (a, b) in inputs.iter().zip(&before) {
        assert!(a.data.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits()), "an argument was changed");
    }
    let projected = bound.memory().peak_bytes;
    assert!(
        projected >= peak && projected as f64 <= 1.1 * peak as f64,
        "projected {projected}, measured {peak}"
    );
    outputs
        .iter()
        .map(|o| {
            let n = o.shape.iter().product();
            // SAFETY: the output holds its shape's elements; every program here returns float64.
            let data = unsafe { std::slice::from_raw_parts(o.buffer.as_ptr().cast::<f64>(), n) }.to_vec();
            Array { shape: o.shape.clone(), data }
        })
        .collect()
}

/// One operation at a time: each node as a program of its own.
fn one_by_one(g: &Graph, inputs: &[Array], cache: &Cache) -> Vec<Array> {
    let mut values: Vec<Array> = Vec::new();
    for node in &g.nodes {
        if node.op == Op::Input {
            values.push(inputs[node.attrs.int(Key::Position) as usize].clone());
            continue;
        }
        let operands: Vec<Array> = node.inputs.iter().map(|v| values[v.node.0 as usize].clone()).collect();
        let single = alone(g, node);
        values.push(run(&single, &operands, cache, MathLevel::Exact, 1).remove(0));
    }
    g.outputs.iter().map(|v| values[v.node.0 as usize].clone()).collect()
}

fn alone(g: &Graph, node: &Node) -> Graph {
    let mut b = Builder::new("one");
    let inputs: Vec<Value> =
        node.inputs.iter().enumerate().map(|(k, v)| b.input(&format!("x{k}"), g.ty(*v).clone())).collect();
    let v = b.node(node.op, node.attrs.clone(), &inputs).expect("was well-typed");
    b.finish(vec![v])
}

fn sizes(b: &Builder, v: Value) -> Vec<usize> {
    b.ty(v).const_shape().expect("constant shapes")
}

/// Adds a random operation; results stay of moderate size.
fn grow(b: &mut Builder, r: &mut Random, pool: &[Value]) -> Option<Value> {
    let recent = pool.len().saturating_sub(6);
    let x =
        if r.below(3) == 0 { pool[r.below(pool.len())] } else { pool[recent + r.below(pool.len() - recent)] };
    let y = pool[r.below(pool.len())];
    let shape = sizes(b, x);
    let rank = shape.len();
    let axis = if rank > 0 { r.below(rank) } else { 0 };
    match r.below(17) {
        0 => b.unary(Op::Tanh, x),
        1 => b.unary(Op::Negative, x),
        2 => {
            let t = b.unary(Op::Absolute, x).ok()?;
            b.unary(Op::Sqrt, t)
        }
        3 => b.unary(Op::Sin, x),
        4 => b.binary(Op::Add, x, y),
        5 => b.binary(Op::Subtract, x, y),
        6 => {
            let m = b.binary(Op::Multiply, x, y).ok()?;
            b.unary(Op::Tanh, m)
        }
        7 => b.binary(Op::Maximum, x, y),
        8 | 9 if rank > 0 => {
            let op = [Op::Sum, Op::Max, Op::Min, Op::Mean][r.below(4)];
            let axes: Vec<i64> = if r.below(4) == 0 { (0..rank as i64).collect() } else { vec![axis as i64] };
            let v = b.reduce(op, x, Some(&axes), r.below(2) == 0).ok()?;
            b.binary_weak(Op::Multiply, v, 0.25)
        }
        10 => {
            let mut perm: Vec<i64> = (0..rank as i64).collect();
            perm.reverse();
            b.transpose(x, &perm)
        }
        11 if rank > 0 && shape[axis] > 1 => {
            let n = shape[axis] as i64;
            let (start, step) =
                if r.below(3) == 0 { (n - 1, -1) } else { (r.below(2) as i64, 1 + r.below(2) as i64) };
            let size = if step < 0 { n } else { (n - start + step - 1) / step };
            b.slice_axis(x, axis, Slice { start: start.into(), size: size.into(), step })
        }
        12 if rank < 3 => b.expand_dims(x, &[r.below(rank + 1) as i64]),
        13 if rank > 0 && sizes(b, y) == shape => b.concatenate(&[x, y], axis as i64),
        14 if rank > 0 => {
            let width = |r: &mut Random| (0..rank).map(|_| Dim::from(r.below(3))).collect::<Vec<_>>();
            let (low, high) = (width(r), width(r));
            let fill = b.number(DType::F64, 0.5);
            let attrs = [(Key::PadLow, frit_ir::Attr::Dims(low)), (Key::PadHigh, frit_ir::Attr::Dims(high))];
            b.node(Op::Pad, Attrs::new(attrs), &[x, fill])
        }
        15 if rank > 1 => {
            let total: usize = shape.iter().product();
            b.reshape(x, &[Dim::from(total)])
        }
        16 if rank > 0 && shape[axis] > 2 => {
            let mut slices: Vec<Slice> = b.shape(x).iter().map(Slice::full).collect();
            slices[axis] = Slice { start: 1.into(), size: (shape[axis] as i64 - 2).into(), step: 1 };
            let v = b
                .slice(y, &slices)
                .or_else(|_| Ok::<_, frit_ir::error::TypeError>(b.number(DType::F64, 2.0)))
                .ok()?;
            b.update_slice(x, v, &slices)
        }
        _ => b.cumulative(Op::Cumsum, x, axis as i64).and_then(|v| b.unary(Op::Tanh, v)),
    }
    .ok()
}

fn program(seed: u64) -> (Graph, Vec<Array>) {
    let mut r = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let extents = [1, 3, 5, 37, 130];
    let (m, n) = (extents[r.below(5)], extents[r.below(5)]);
    let shapes = [vec![m, n], vec![n], vec![m, 1], vec![]];
    let mut b = Builder::new("random");
    let mut inputs = Vec::new();
    let mut pool = Vec::new();
    for (k, shape) in shapes.iter().enumerate() {
        pool.push(b.input(&format!("x{k}"), TensorType::fixed(DType::F64, shape)));
        let count = shape.iter().product::<usize>();
        let data = (0..count).map(|_| r.below(2000) as f64 / 500.0 - 2.0).collect();
        inputs.push(Array { shape: shape.clone(), data });
    }
    let ops = 3 + r.below(22);
    while pool.len() < ops + 4 {
        if let Some(v) = grow(&mut b, &mut r, &pool) {
            let elements: usize = sizes(&b, v).iter().product();
            if elements <= 60_000 && b.dtype(v) == DType::F64 {
                pool.push(v);
            }
        }
    }
    let mut outputs = vec![*pool.last().expect("not empty")];
    for _ in 0..r.below(3) {
        outputs.push(pool[r.below(pool.len())]);
    }
    (b.finish(outputs), inputs)
}

fn compare(seed: u64, g: &Graph, got: &[Array], want: &[Array], what: &str) {
    for (k, (a, b)) in got.iter().zip(want).enumerate() {
        assert_eq!(a.shape, b.shape, "seed {seed}, {what}, result {k}\n{g}");
        for (i, (x, y)) in a.data.iter().zip(&b.data).enumerate() {
            let close = x == y || (x - y).abs() <= 1e-9 * (1.0 + y.abs()) || (x.is_nan() && y.is_nan());
            assert!(close, "seed {seed}, {what}, result {k}, element {i}: {x}, not {y}\n{g}");
        }
    }
}

#[test]
fn fused_programs_equal_their_operations() {
    let caches: Vec<Cache> = frit_codegen::available().into_iter().map(Cache::new).collect();
    let count = std::env::var("FRIT_PROGRAMS").ok().and_then(|s| s.parse().ok()).unwrap_or(250);
    let first = std::env::var("FRIT_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    for seed in first..first + count {
        let (g, inputs) = program(seed);
        let want = one_by_one(&g, &inputs, &caches[0]);
        for cache in &caches {
            // The interpreter takes a part: it is slow.
            if cache.backend().name() == "interp" && seed % 5 != 0 {
                continue;
            }
            let name = cache.backend().name();
            compare(
                seed,
                &g,
                &run(&g, &inputs, cache, MathLevel::Exact, 2),
                &want,
                &format!("{name}, exact"),
            );
            compare(
                seed,
                &g,
                &run(&g, &inputs, cache, MathLevel::Reassociate, 1),
                &want,
                &format!("{name}, reassociate"),
            );
        }
        let bits = |threads: usize| -> Vec<u64> {
            let all = run(&g, &inputs, &caches[0], MathLevel::Reassociate, threads);
            all.iter().flat_map(|a| a.data.iter().map(|x| x.to_bits())).collect()
        };
        assert_eq!(bits(1), bits(2), "seed {seed}: the number of threads changes the result");
    }
}
