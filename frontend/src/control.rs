//! Loops and branches that stay in the graph: `fori_loop`, `while_loop`, `cond`, `scan`.

use crate::index::Index;
use crate::tracer::{self, Array};
use frit_ir::error::{Cause, TypeError};
use frit_ir::graph::Graph;
use frit_ir::{Attr, Attrs, Dim, Key, Loc, Op, TensorType};
use std::panic::Location;
use std::sync::Arc;

/// A loop index: a position for slices (`a.at((i, ..))`) and, by [`LoopIndex::array`], an `int64` value.
#[derive(Clone, Debug)]
pub struct LoopIndex(Dim);

impl LoopIndex {
    /// The index as a size expression.
    pub fn dim(&self) -> Dim {
        self.0.clone()
    }

    /// The index as a 0-d array.
    #[track_caller]
    pub fn array(&self) -> Array {
        tracer::build(&[], |b, _| Ok(b.dim_value(&self.0)))
    }
}

impl From<LoopIndex> for Dim {
    fn from(i: LoopIndex) -> Dim {
        i.0
    }
}

impl From<&LoopIndex> for Dim {
    fn from(i: &LoopIndex) -> Dim {
        i.0.clone()
    }
}

impl From<&LoopIndex> for Index {
    fn from(i: &LoopIndex) -> Index {
        Index::At(i.0.clone())
    }
}

/// A region traced from a closure: its graph and captures. The parameters are carried values.
fn region(
    name: &str,
    carried: &[TensorType],
    range: Option<(&str, Dim, Dim)>,
    f: impl FnOnce(&[Array]) -> Vec<Array>,
) -> (Graph, Vec<Array>) {
    tracer::push(name, range);
    let parameters: Vec<Array> =
        carried.iter().enumerate().map(|(k, t)| tracer::parameter(&format!("carry{k}"), t.clone())).collect();
    let outputs = f(&parameters);
    tracer::pop(&outputs)
}

/// A region that returns the next carried values first: each keeps the type that it starts with.
fn step(
    name: &str,
    carried: &[TensorType],
    range: Option<(&str, Dim, Dim)>,
    f: impl FnOnce(&[Array]) -> Vec<Array>,
) -> (Graph, Vec<Array>) {
    region(name, carried, range, |c| keep_types(f(c), carried))
}

fn keep_types(outputs: Vec<Array>, carried: &[TensorType]) -> Vec<Array> {
    outputs
        .into_iter()
        .enumerate()
        .map(|(k, a)| match carried.get(k) {
            Some(t) if a.dtype() != t.dtype => a.astype(t.dtype),
            _ => a,
        })
        .collect()
}

/// Gives two regions of one node the same captures, in the same order.
fn align(a: (Graph, Vec<Array>), b: (Graph, Vec<Array>), carried: usize) -> (Graph, Graph, Vec<Array>) {
    let same = |x: &Array, y: &Array| format!("{x:?}") == format!("{y:?}");
    let mut all = a.1.clone();
    all.extend(b.1.iter().filter(|y| !a.1.iter().any(|x| same(x, y))));
    let widen = |(g, own): (Graph, Vec<Array>)| {
        let mut builder = frit_ir::build::Builder::new(&g.name);
        let mut inputs: Vec<_> =
            g.inputs[..carried].iter().map(|p| builder.input(&p.name, p.ty.clone())).collect();
        for (k, c) in all.iter().enumerate() {
            inputs.push(builder.input(&format!("capture{k}"), c.ty()));
        }
        let position = |k: usize| {
            if k < carried {
                k
            } else {
                carried + all.iter().position(|x| same(x, &own[k - carried])).expect("captured")
            }
        };
        let mut map = Vec::new();
        for node in &g.nodes {
            builder.set_loc(node.loc.clone());
            if node.op == Op::Input {
                map.push(inputs[position(node.attrs.int(Key::Position) as usize)]);
                continue;
            }
            let operands: Vec<_> = node
                .inputs
                .iter()
                .map(|v| frit_ir::Value { index: v.index, ..map[v.node.0 as usize] })
                .collect();
            map.push(builder.node(node.op, node.attrs.clone(), &operands).expect("was well-typed before"));
        }
        let outputs =
            g.outputs.iter().map(|v| frit_ir::Value { index: v.index, ..map[v.node.0 as usize] }).collect();
        builder.finish(outputs)
    };
    let (x, y) = (widen(a), widen(b));
    (x, y, all)
}

/// Runs `body(i, carry)` for `i` in `lo..hi`, each iteration with the values that the one before returned.
///
/// ```
/// use frit::{Array, fori_loop};
/// let f = frit::jit(|x: Array| fori_loop(0, 10, [x], |_, [x]| [x * 0.5 + 1.0]));
/// let r = f.call1::<f64>((&ndarray::array![0.0, 2.0],)).unwrap();
/// assert_eq!(r[[1]], 2.0);
/// ```
#[track_caller]
pub fn fori_loop<const N: usize>(
    lo: impl Into<Dim>,
    hi: impl Into<Dim>,
    init: [Array; N],
    body: impl FnOnce(&LoopIndex, [Array; N]) -> [Array; N],
) -> [Array; N] {
    let results = for_loop(lo.into(), hi.into(), &init, |i, c| {
        body(i, c.try_into().expect("as many as carried")).to_vec()
    });
    results.try_into().expect("as many as carried")
}

/// Runs `body(i, carry)` for `i` in `0..n` and stacks what it returns beside the carried values along a new first
/// axis.
#[track_caller]
pub fn scan<const N: usize, const M: usize>(
    n: impl Into<Dim>,
    init: [Array; N],
    body: impl FnOnce(&LoopIndex, [Array; N]) -> ([Array; N], [Array; M]),
) -> ([Array; N], [Array; M]) {
    let results = for_loop(0.into(), n.into(), &init, |i, c| {
        let (carry, out) = body(i, c.try_into().expect("as many as carried"));
        carry.into_iter().chain(out).collect()
    });
    let carry = results[..N].to_vec().try_into().expect("as many as carried");
    let out = results[N..].to_vec().try_into().expect("as many as stacked");
    (carry, out)
}

#[track_caller]
fn for_loop(
    lo: Dim,
    hi: Dim,
    init: &[Array],
    body: impl FnOnce(&LoopIndex, &[Array]) -> Vec<Array>,
) -> Vec<Array> {
    let name = tracer::loop_name();
    let types: Vec<TensorType> = init.iter().map(|a| a.ty()).collect();
    let index = LoopIndex(Dim::symbol(&name));
    let (graph, captures) = step("body", &types, Some((&name, lo.clone(), hi.clone())), |c| body(&index, c));
    let n = graph.outputs.len();
    let attrs = Attrs::new([
        (Key::Body, Attr::Graph(Arc::new(graph))),
        (Key::Carries, Attr::Int(init.len() as i64)),
        (Key::Hi, Attr::Dim(hi)),
        (Key::Index, Attr::Str(name.as_str().into())),
        (Key::Lo, Attr::Dim(lo)),
    ]);
    let operands: Vec<Array> = init.iter().copied().chain(captures).collect();
    tracer::build_many(&operands, n, |b, v| b.node(Op::For, attrs, v))
}

/// Runs `body(carry)` while `condition(carry)`, a 0-d bool, is true.
#[track_caller]
pub fn while_loop<const N: usize>(
    condition: impl FnOnce([Array; N]) -> Array,
    body: impl FnOnce([Array; N]) -> [Array; N],
    init: [Array; N],
) -> [Array; N] {
    let types: Vec<TensorType> = init.iter().map(|a| a.ty()).collect();
    let array = |c: &[Array]| -> [Array; N] { c.to_vec().try_into().expect("as many as carried") };
    let test = region("condition", &types, None, |c| vec![condition(array(c))]);
    let next = step("body", &types, None, |c| body(array(c)).to_vec());
    let (test, next, captures) = align(test, next, N);
    let attrs = Attrs::new([
        (Key::Body, Attr::Graph(Arc::new(next))),
        (Key::Carries, Attr::Int(N as i64)),
        (Key::Cond, Attr::Graph(Arc::new(test))),
    ]);
    let operands: Vec<Array> = init.into_iter().chain(captures).collect();
    tracer::build_many(&operands, N, |b, v| b.node(Op::While, attrs, v))
        .try_into()
        .expect("as many as carried")
}

/// The results of one of two functions, chosen by a 0-d bool when the program runs.
#[track_caller]
pub fn cond<const N: usize>(
    test: Array,
    then: impl FnOnce() -> [Array; N],
    otherwise: impl FnOnce() -> [Array; N],
) -> [Array; N] {
    let yes = region("then", &[], None, |_| then().to_vec());
    let no = region("else", &[], None, |_| otherwise().to_vec());
    let (yes, no, captures) = align(yes, no, 0);
    if yes.output_types() != no.output_types() {
        let cause = Cause::Value("the branches return different types".into());
        tracer::raise(TypeError::new(Op::If, cause).at(&Loc::from_caller(Location::caller())));
    }
    let attrs = Attrs::new([(Key::Body, Attr::Graph(Arc::new(yes))), (Key::Else, Attr::Graph(Arc::new(no)))]);
    let operands: Vec<Array> = std::iter::once(test).chain(captures).collect();
    tracer::build_many(&operands, N, |b, v| b.node(Op::If, attrs, v)).try_into().expect("as many as returned")
}
