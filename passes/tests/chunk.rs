//! Chunked runs, really run: every task of every candidate computes its blocks from the boxes that the plan says it
//! reads, and from nothing else. Results are those of the whole program, bytes and tasks those that were predicted.

use frit_ir::build::Builder;
use frit_ir::eval::{Array, Sizes, eval};
use frit_ir::graph::{Graph, NodeId, TensorType, Value};
use frit_ir::{Attr, Attrs, DType, Key, Op, Scalar, Slice};
use frit_passes::chunk::{Candidate, ChunkOptions, Region, Suggestion, Task, suggest, suggest_forms};
use frit_passes::{MathLevel, Options, optimize};
use std::collections::BTreeMap;

type Arrays = BTreeMap<Value, Array>;

fn run(g: &Graph, inputs: &[Array]) -> Vec<Array> {
    let sizes = Sizes::from_inputs(g, inputs).expect("sizes");
    eval(g, inputs, &sizes).unwrap_or_else(|e| panic!("{e}\n{g}"))
}

/// The box of an array that begins at `origin`.
fn cut(x: &Array, origin: &Region, r: &Region) -> Array {
    let shape: Vec<usize> = r.iter().map(|i| i.size() as usize).collect();
    Array::from_fn(x.dtype, &shape, |at| {
        let place: Vec<usize> =
            at.iter().zip(r).zip(origin).map(|((k, i), o)| k + (i.lo - o.lo) as usize).collect();
        x.at(&place)
    })
}

fn put(to: &mut Array, r: &Region, block: &Array) {
    for (at, v) in block.data.indexed_iter() {
        let place: Vec<usize> = (0..r.len()).map(|k| at[k] + r[k].lo as usize).collect();
        to.data[place.as_slice()] = *v;
    }
}

fn whole(x: &Array) -> Region {
    x.shape().iter().map(|_| frit_passes::chunk::Interval { lo: 0, hi: 0 }).collect()
}

fn combine(op: Op, a: &Array, b: &Array) -> Array {
    let mut builder = Builder::new("combine");
    let x = builder.input("x", TensorType::fixed(a.dtype, a.shape()));
    let y = builder.input("y", TensorType::fixed(a.dtype, a.shape()));
    let v = builder.node(op, Attrs::NONE, &[x, y]).expect("combines");
    run(&builder.finish(vec![v]), &[a.clone(), b.clone()]).remove(0)
}

/// One task on stored arrays; what it writes, if it is the last of its block.
fn perform(
    g: &Graph,
    c: &Candidate,
    task: &Task,
    stored: &Arrays,
    held: &mut BTreeMap<Value, (Region, Array)>,
) -> Vec<Array> {
    let halves = c.plan.graphs(g, task).expect("a task is a program");
    let mut done: Vec<(Value, Array)> = Vec::new();
    for half in &halves {
        if half.results.is_empty() || !half.partial && !task.last {
            continue;
        }
        let arguments: Vec<Array> = half
            .parameters
            .iter()
            .map(|(v, r)| match held.get(v).filter(|_| !half.partial) {
                Some((origin, x)) => cut(x, origin, r),
                None => {
                    assert!(task.reads.contains(&(*v, r.clone())), "reads what the plan does not say");
                    cut(&stored[v], &whole(&stored[v]), r)
                }
            })
            .collect();
        for ((v, r), x) in half.results.iter().zip(run(&half.graph, &arguments)) {
            if half.partial {
                let op = frit_passes::chunk::ChunkPlan::combines(g.def(*v).op).expect("it was split");
                let sum = match held.remove(v).filter(|_| !task.first) {
                    Some((_, before)) => combine(op, &before, &x),
                    None => x,
                };
                held.insert(*v, (r.clone(), sum));
            } else {
                done.push((*v, x));
            }
        }
    }
    let result = |(v, _): &(Value, Region)| match done.iter().find(|(w, _)| w == v) {
        Some((_, x)) => x.clone(),
        None => held[v].1.clone(),
    };
    let results = task.writes.iter().map(result).collect();
    if task.last {
        held.clear();
    }
    results
}

fn simulate(g: &Graph, c: &Candidate, inputs: &[Array], want: &[Array]) {
    let mut stored: Arrays = BTreeMap::new();
    for id in g.ids().filter(|id| g.node(*id).op == Op::Input) {
        let position = g.node(id).attrs.int(Key::Position) as usize;
        stored.insert(Value { node: id, index: 0 }, inputs[position].clone());
    }
    let (mut bytes, mut largest) = (0, 0);
    let mut held = BTreeMap::new();
    let tasks = c.plan.tasks(g);
    assert_eq!(tasks.len() as u64, c.tasks, "{}", c.title);
    for task in &tasks {
        bytes += task.bytes_read(g);
        for (v, r) in task.reads.iter().chain(&task.writes) {
            let elements: i64 = r.iter().map(|i| i.size()).product();
            largest = largest.max(elements as u64 * g.ty(*v).dtype.size() as u64);
        }
        let results = perform(g, c, task, &stored, &mut held);
        for ((v, r), x) in task.writes.iter().zip(results) {
            let shape = g.ty(*v).const_shape().expect("numbers");
            let poison = || Array::from_fn(x.dtype, &shape, |_| Scalar::from_f64(x.dtype, f64::NAN));
            put(stored.entry(*v).or_insert_with(poison), r, &x);
        }
    }
    assert!(c.exact);
    assert_eq!(bytes, c.bytes_read, "bytes of {}", c.title);
    assert!(largest <= c.largest_block, "{largest} {}", c.largest_block);
    for (v, want) in g.outputs.iter().zip(want) {
        close(&stored[v], want, &c.title);
    }
}

fn close(got: &Array, want: &Array, title: &str) {
    assert_eq!((got.dtype, got.shape()), (want.dtype, want.shape()));
    let most = want.data.iter().map(|s| s.as_complex().norm()).fold(1.0, f64::max);
    for (a, b) in got.data.iter().zip(&want.data) {
        let (a, b) = (a.as_complex(), b.as_complex());
        let both_nan = a.is_nan() && b.is_nan();
        assert!(both_nan || (a - b).norm() <= 1e-9 * most, "{title}: {a} is not {b}");
    }
}

fn inputs(g: &Graph) -> Vec<Array> {
    let mut state = 9u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let one = |i: &frit_ir::graph::Input| {
        let shape = i.ty.const_shape().expect("numbers");
        let integer = !i.ty.dtype.is_inexact();
        Array::from_fn(i.ty.dtype, &shape, |_| {
            Scalar::from_f64(i.ty.dtype, if integer { (next() * 4.0).floor() } else { next() - 0.4 })
        })
    };
    g.inputs.iter().map(one).collect()
}

fn options(block: usize, memory: Option<usize>) -> ChunkOptions {
    ChunkOptions { memory_limit: memory, block_bytes: block, candidates: 12, cores: 2 }
}

/// Suggests for a program, after rewriting, and runs every candidate.
fn check(options: &ChunkOptions, f: impl FnOnce(&mut Builder) -> Vec<Value>) -> Suggestion {
    let mut b = Builder::new("f");
    let outputs = f(&mut b);
    let g = optimize(&b.finish(outputs), &Options::new(MathLevel::Reassociate)).expect("optimizes").graph;
    let s = suggest(&g, options).expect("numbers");
    let g = s.graph().clone();
    let arguments = inputs(&g);
    let want = run(&g, &arguments);
    for c in &s.candidates {
        simulate(&g, c, &arguments, &want);
        let same = c.plan.annotated(&g).expect("layouts fit");
        for (a, b) in run(&same, &arguments).iter().zip(&want) {
            close(a, b, "annotated");
        }
    }
    assert!(s.best().lost.is_empty() || !s.best().fits, "{s}");
    s
}

fn array(b: &mut Builder, name: &str, shape: &[usize]) -> Value {
    b.input(name, TensorType::fixed(DType::F64, shape))
}

fn window(b: &mut Builder, x: Value, starts: &[i64], sizes: &[i64]) -> Value {
    let slice = |(s, n): (&i64, &i64)| Slice { start: (*s).into(), size: (*n).into(), step: 1 };
    let slices: Vec<Slice> = starts.iter().zip(sizes).map(slice).collect();
    b.slice(x, &slices).unwrap()
}

fn chunks(s: &Suggestion) -> Vec<Vec<i64>> {
    let one = |g: &frit_ir::chunks::ChunkGrid| g.sizes().iter().map(|d| d.as_const().unwrap()).collect();
    s.best().plan.inputs.iter().map(one).collect()
}

#[test]
fn elementwise_reads_everything_once() {
    let s = check(&options(512, None), |b| {
        let (x, y) = (array(b, "x", &[16, 24]), array(b, "y", &[24]));
        let p = b.binary(Op::Multiply, x, y).unwrap();
        vec![b.unary(Op::Exp, p).unwrap()]
    });
    let own = 16 * 24 * 8;
    // The row is read with each block.
    assert!(s.best().bytes_read >= own && s.best().bytes_read <= own + s.best().tasks * 24 * 8, "{s}");
}

#[test]
fn products_of_matrices_are_read_once_per_block_of_the_other() {
    let n = 32u64;
    let s = check(&options(8 * 8 * 8, None), |b| {
        let (x, y) = (array(b, "x", &[32, 32]), array(b, "y", &[32, 32]));
        vec![b.matmul(x, y).unwrap()]
    });
    // Square blocks of 8 x 8 elements: 2 n^3 / b elements of 8 bytes.
    assert_eq!(s.best().bytes_read, 2 * n * n * n / 8 * 8, "{s}");
    let limited = check(&options(1 << 20, Some(2 * 4 * 8 * 8 * 8)), |b| {
        let (x, y) = (array(b, "x", &[32, 32]), array(b, "y", &[32, 32]));
        vec![b.matmul(x, y).unwrap()]
    });
    assert!(limited.best().fits && limited.best().peak_bytes <= 4096, "{limited}");
}

#[test]
fn products_with_an_epilogue_are_cut_like_products() {
    let s = check(&options(8 * 8 * 8, None), |b| {
        let (x, y, c) = (array(b, "x", &[24, 32]), array(b, "y", &[32, 16]), array(b, "c", &[16]));
        let (alpha, beta) = (b.number(DType::F64, 2.0), b.number(DType::F64, -0.5));
        vec![b.node(Op::Gemm, Attrs::NONE, &[x, y, c, alpha, beta]).unwrap()]
    });
    assert!(s.best().plan.stages[0].contracted == 1 && s.best().tasks > 6, "{s}");
}

#[test]
fn order_statistics_keep_their_axis() {
    let s = check(&options(64 * 8 * 8, None), |b| {
        let (x, k) = (array(b, "x", &[64, 64]), b.input("k", TensorType::fixed(DType::I64, &[2])));
        let attrs = Attrs::new([(Key::Axis, Attr::Int(0))]);
        vec![b.node(Op::OrderStatistics, attrs, &[x, k]).unwrap()]
    });
    assert_eq!(chunks(&s)[0][0], 64, "{s}");
}

#[test]
fn gram_matrices_accumulate_over_panels_of_rows() {
    let s = check(&options(2048, None), |b| {
        let x = array(b, "x", &[256, 4]);
        let t = b.transpose(x, &[1, 0]).unwrap();
        vec![b.matmul(t, x).unwrap()]
    });
    // Row panels hold all columns, so that every element is read by both factors from one place.
    assert_eq!(chunks(&s)[0][1], 4, "{s}");
    assert!(chunks(&s)[0][0] < 256);
}

#[test]
fn centered_columns_are_one_pass_where_columns_fit() {
    let program = |b: &mut Builder| {
        let x = array(b, "x", &[64, 32]);
        let m = b.reduce(Op::Mean, x, Some(&[0]), true).unwrap();
        vec![b.binary(Op::Subtract, x, m).unwrap()]
    };
    let s = check(&options(64 * 8 * 8, None), program);
    assert_eq!(chunks(&s)[0][0], 64, "{s}");
    assert_eq!(s.best().bytes_read, 64 * 32 * 8, "{s}");
    // Where a column does not fit into a worker's memory, the mean takes a pass of its own.
    let s = check(&options(1 << 20, Some(512)), program);
    assert!(s.best().fits && s.best().bytes_read > 2 * 64 * 32 * 8, "{s}");
}

#[test]
fn transforms_and_sorts_keep_their_axis() {
    for op in [Op::Fft, Op::Sort, Op::Cumsum] {
        let s = check(&options(64 * 8 * 8, None), |b| {
            let x = array(b, "x", &[64, 64]);
            let mut attrs = vec![(Key::Axis, Attr::Int(1))];
            let mut v = x;
            if op == Op::Fft {
                v = b.cast(x, DType::C128).unwrap();
                attrs.push((Key::N, Attr::Dim(64.into())));
                attrs.push((Key::Scale, Attr::Scalar(Scalar::from_f64(DType::F64, 1.0))));
            }
            vec![b.node(op, Attrs::new(attrs), &[v]).unwrap()]
        });
        assert_eq!(chunks(&s)[0][1], 64, "{s}");
        assert_eq!(s.best().bytes_read, 64 * 64 * 8, "{s}");
    }
}

#[test]
fn transposed_sums_have_square_blocks() {
    let s = check(&options(64 * 8, None), |b| {
        let x = array(b, "x", &[32, 32]);
        let t = b.transpose(x, &[1, 0]).unwrap();
        vec![b.binary(Op::Add, x, t).unwrap()]
    });
    let c = &chunks(&s)[0];
    assert_eq!(c[0], c[1], "{s}");
    assert!(s.best().bytes_read <= 2 * 32 * 32 * 8, "{s}");
}

#[test]
fn stencils_have_halos() {
    let s = check(&options(10 * 34 * 8, None), |b| {
        let x = array(b, "x", &[34, 34]);
        let mut sum = window(b, x, &[1, 1], &[32, 32]);
        for at in [[0, 1], [2, 1], [1, 0], [1, 2]] {
            let w = window(b, x, &at, &[32, 32]);
            sum = b.binary(Op::Add, sum, w).unwrap();
        }
        vec![sum]
    });
    let c = s.best();
    let counts = c.plan.stages[0].counts(&c.plan.blocks[0]);
    // Each block reads one more row and column on each side.
    let blocks = &c.plan.blocks[0];
    let expected: i64 = counts[0] * counts[1] * (blocks[0] + 2) * (blocks[1] + 2) * 8;
    assert_eq!(c.bytes_read, expected as u64, "{s}");
    assert!(c.tasks > 1);
}

#[test]
fn pairwise_distances_stay_in_blocks() {
    let s = check(&options(1 << 20, Some(2 * 2048)), |b| {
        let (x, y) = (array(b, "x", &[128]), array(b, "y", &[128]));
        let (p, q) = (b.expand_dims(x, &[1]).unwrap(), b.expand_dims(y, &[0]).unwrap());
        let d = b.binary(Op::Subtract, p, q).unwrap();
        let d = b.unary(Op::Absolute, d).unwrap();
        vec![b.reduce(Op::Sum, d, Some(&[1]), false).unwrap()]
    });
    // 128 x 128 elements are never read or written.
    assert!(s.best().fits && s.best().bytes_read < 64 * 128 * 8, "{s}");
}

#[test]
fn softmax_wants_rows() {
    let s = check(&options(64 * 8 * 4, None), |b| {
        let x = array(b, "x", &[32, 64]);
        let m = b.reduce(Op::Max, x, Some(&[1]), true).unwrap();
        let d = b.binary(Op::Subtract, x, m).unwrap();
        let e = b.unary(Op::Exp, d).unwrap();
        let t = b.reduce(Op::Sum, e, Some(&[1]), true).unwrap();
        vec![b.binary(Op::Divide, e, t).unwrap()]
    });
    assert_eq!(chunks(&s)[0][1], 64, "{s}");
    assert_eq!(s.best().bytes_read, 32 * 64 * 8, "{s}");
}

#[test]
fn conflicting_axes_take_one_rechunk() {
    // 2-d transform: rows, then columns.
    let s = check(&options(64 * 16 * 4, Some(64 * 16 * 40)), |b| {
        let x = b.input("x", TensorType::fixed(DType::C128, &[64, 64]));
        let mut v = x;
        for axis in [1, 0] {
            let one = Scalar::from_f64(DType::F64, 1.0);
            let attrs = [
                (Key::Axis, Attr::Int(axis)),
                (Key::N, Attr::Dim(64.into())),
                (Key::Scale, Attr::Scalar(one)),
            ];
            v = b.node(Op::Fft, Attrs::new(attrs), &[v]).unwrap();
        }
        vec![v]
    });
    let all = &s.best().plan.rechunks;
    assert_eq!(all.len(), 1, "{s}");
    assert_eq!((all[0].op, all[0].bytes), (Op::Fft, 2 * 64 * 64 * 16));
    assert_eq!(all[0].from.sizes()[1], 64.into());
    assert_eq!(all[0].to.sizes()[0], 64.into());
    assert!(s.to_string().contains("rechunk fft from"), "{s}");
}

#[test]
fn several_results_share_a_pass() {
    let s = check(&options(1024, None), |b| {
        let x = array(b, "x", &[64, 16]);
        let q = b.unary(Op::Square, x).unwrap();
        let sum = |b: &mut Builder, v| b.reduce(Op::Sum, v, Some(&[0]), false).unwrap();
        vec![sum(b, x), sum(b, q), b.reduce(Op::Max, x, Some(&[0]), false).unwrap()]
    });
    assert_eq!(s.best().plan.stages.len(), 1, "{s}");
    assert_eq!(s.best().bytes_read, 64 * 16 * 8, "{s}");
}

#[test]
fn movement_reads_what_it_moves() {
    check(&options(256, None), |b| {
        let (x, y) = (array(b, "x", &[12, 10]), array(b, "y", &[9, 10]));
        let both = b.concatenate(&[x, y], 0).unwrap();
        let zero = b.number(DType::F64, 0.5);
        let pads = |n: [i64; 2]| Attr::Dims(n.map(Into::into).to_vec());
        let pad = Attrs::new([(Key::PadLow, pads([2, 1])), (Key::PadHigh, pads([1, 3]))]);
        let p = b.node(Op::Pad, pad, &[both, zero]).unwrap();
        let back = Slice { start: 23.into(), size: 12.into(), step: -2 };
        let s = b.slice_axis(p, 0, back).unwrap();
        let d = b.node(
            Op::Diagonal,
            Attrs::new([(Key::Axis, Attr::Int(0)), (Key::Axis2, Attr::Int(1)), (Key::Offset, Attr::Int(1))]),
            &[x],
        );
        let slices = [
            Slice { start: 1.into(), size: 5.into(), step: 2 },
            Slice { start: 8.into(), size: 4.into(), step: -2 },
        ];
        let v = window(b, y, &[0, 0], &[5, 4]);
        let u = b.update_slice(x, v, &slices).unwrap();
        vec![s, d.unwrap(), u]
    });
    check(&options(128, None), |b| {
        let x = array(b, "x", &[6, 8, 5]);
        let flat = b.reshape(x, &[48.into(), 5.into()]).unwrap();
        let other = b.reshape(x, &[6.into(), 4.into(), 10.into()]).unwrap();
        let i = b.input("i", TensorType::fixed(DType::I64, &[7]));
        let t = b.take(x, i, 1).unwrap();
        vec![b.unary(Op::Negative, flat).unwrap(), b.unary(Op::Negative, other).unwrap(), t]
    });
}

#[test]
fn pipelines_of_statistics_and_linear_algebra() {
    // Covariance, and its factorization with a solve: the factor needs the whole matrix.
    let s = check(&options(4096, None), |b| {
        let x = array(b, "x", &[200, 6]);
        let m = b.reduce(Op::Mean, x, Some(&[0]), true).unwrap();
        let c = b.binary(Op::Subtract, x, m).unwrap();
        let t = b.transpose(c, &[1, 0]).unwrap();
        let g = b.matmul(t, c).unwrap();
        let inverse = b.node(Op::Inv, Attrs::NONE, &[g]).unwrap();
        let scores = b.matmul(c, inverse).unwrap();
        vec![g, scores]
    });
    assert!(s.best().plan.stages.len() >= 2, "{s}");
    // Batches of matrices are independent.
    let s = check(&options(4 * 9 * 8, None), |b| {
        let x = array(b, "x", &[20, 3, 3]);
        vec![b.node(Op::Inv, Attrs::NONE, &[x]).unwrap()]
    });
    let c = &chunks(&s)[0];
    assert!(c[1..] == [3, 3] && (2..=4).contains(&c[0]), "{s}");
}

#[test]
fn one_step_of_k_means() {
    check(&options(2048, None), |b| {
        let (x, c) = (array(b, "x", &[300, 3]), array(b, "c", &[5, 3]));
        let (p, q) = (b.expand_dims(x, &[1]).unwrap(), b.expand_dims(c, &[0]).unwrap());
        let d = b.binary(Op::Subtract, p, q).unwrap();
        let d = b.unary(Op::Square, d).unwrap();
        let d = b.reduce(Op::Sum, d, Some(&[2]), false).unwrap();
        let nearest = b.reduce(Op::Argmin, d, Some(&[1]), false).unwrap();
        let all = b.iota(&[5.into()], 0, DType::I64).unwrap();
        let column = b.expand_dims(nearest, &[1]).unwrap();
        let hit = b.binary(Op::Equal, column, all).unwrap();
        let hit = b.cast(hit, DType::F64).unwrap();
        let counts = b.reduce(Op::Sum, hit, Some(&[0]), false).unwrap();
        let t = b.transpose(hit, &[1, 0]).unwrap();
        let sums = b.matmul(t, x).unwrap();
        let counts = b.expand_dims(counts, &[1]).unwrap();
        vec![b.binary(Op::Divide, sums, counts).unwrap(), nearest]
    });
}

#[test]
fn candidates_say_why_they_lost() {
    let s = check(&options(1 << 20, Some(3 * 1024)), |b| {
        let (x, y) = (array(b, "x", &[32, 32]), array(b, "y", &[32, 32]));
        vec![b.matmul(x, y).unwrap()]
    });
    assert!(s.candidates.len() > 2, "{s}");
    for c in &s.candidates[1..] {
        assert!(!c.lost.is_empty(), "{s}");
    }
    assert!(s.candidates.iter().any(|c| !c.fits && c.lost.contains("over the memory limit")), "{s}");
    assert!(s.candidates.iter().any(|c| c.lost.contains("x the bytes")), "{s}");
}

#[test]
fn sizes_that_no_machine_holds_are_answered() {
    let mut b = Builder::new("f");
    let (x, y) = (array(&mut b, "x", &[2_000_000, 1_000_000]), array(&mut b, "y", &[1_000_000, 500_000]));
    let p = b.matmul(x, y).unwrap();
    let r = b.reduce(Op::Max, p, Some(&[1]), false).unwrap();
    let g = b.finish(vec![r]);
    let s = suggest(&g, &ChunkOptions { memory_limit: Some(8 << 30), ..ChunkOptions::new(8) }).unwrap();
    assert!(s.best().fits && s.best().peak_bytes <= 8 << 30, "{s}");
    assert!(!s.best().exact);
    assert!(s.best().largest_block <= 128 << 20, "{s}");
}

#[test]
fn symbols_have_no_chunks() {
    let mut b = Builder::new("f");
    let x = b.input("x", TensorType::new(DType::F64, [frit_ir::Dim::symbol("n")]));
    let g = b.finish(vec![x]);
    let e = suggest(&g, &ChunkOptions::new(1)).unwrap_err();
    assert_eq!(e.to_string(), "chunks need numbers as sizes, and `n` is none");
    assert_eq!(g.node(NodeId(0)).op, Op::Input);
}

#[test]
fn the_form_of_a_program_is_chosen_with_its_chunks() {
    // Both orders of a product of three: one of them makes a large matrix.
    let form = |small_first: bool| {
        let mut b = Builder::new("f");
        let (x, y) = (array(&mut b, "x", &[2000, 50]), array(&mut b, "y", &[50, 2000]));
        let z = array(&mut b, "z", &[2000, 50]);
        let p = if small_first {
            let yz = b.matmul(y, z).unwrap();
            b.matmul(x, yz).unwrap()
        } else {
            let xy = b.matmul(x, y).unwrap();
            b.matmul(xy, z).unwrap()
        };
        b.finish(vec![p])
    };
    let (good, bad) = (form(true), form(false));
    let options = options(1 << 20, Some(4 << 20));
    let s = suggest_forms(&[("after rewriting", &bad), ("as written", &good)], &options).unwrap();
    assert_eq!((s.best().title.as_str(), &*s.best().graph), ("as written", &good), "{s}");
    assert!(s.candidates[1].title == "after rewriting" && !s.candidates[1].lost.is_empty(), "{s}");
    let s = suggest_forms(&[("after rewriting", &good), ("as written", &bad)], &options).unwrap();
    assert_eq!((s.best().title.as_str(), &*s.best().graph), ("best", &good), "{s}");
    let last = s.candidates.last().unwrap();
    assert!(last.title == "as written" && *last.graph == bad && last.seconds > s.best().seconds, "{s}");
    // The same in both forms: once.
    let s = suggest_forms(&[("after rewriting", &good), ("as written", &good)], &options).unwrap();
    assert!(s.candidates.iter().all(|c| c.title != "as written"), "{s}");
}

#[test]
fn where_nothing_fits_the_best_does_not_repeat_work() {
    let mut b = Builder::new("f");
    let x = array(&mut b, "x", &[100, 10_000]);
    let sorted = b.node(Op::Sort, Attrs::new([(Key::Axis, Attr::Int(1))]), &[x]).unwrap();
    let g = b.finish(vec![sorted]);
    let s = suggest(&g, &options(128 << 20, Some(1000))).unwrap();
    assert!(!s.best().fits && s.best().lost.contains("as all others"), "{s}");
    // Rows are sorted as a whole: parts of a row would sort it again.
    assert_eq!(s.best().bytes_read, 100 * 10_000 * 8, "{s}");
}
