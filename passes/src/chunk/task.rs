//! One task: the boxes that it reads, and what it computes of them as a graph of its own.

use super::region::{Interval, Reads, Region, add, contains, elements, groups, reads, shape, volume};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, NodeId, TensorType, Value};
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, Dim, Key, Op, Slice};

/// What computing boxes of some values takes: for each node the boxes of its results, by result number.
#[derive(Debug)]
pub(crate) struct Demand(Vec<Vec<(u32, Region)>>);

/// Where a demand ends, and which nodes sum parts only.
pub(crate) struct Scope<'a> {
    /// Values that are stored: read, not computed. Seeds are computed all the same.
    pub(crate) stored: &'a dyn Fn(Value) -> bool,
    /// Nodes of which a part of the contracted axes is wanted, and which part.
    pub(crate) split: Option<(&'a [NodeId], &'a [Interval])>,
}

impl Scope<'_> {
    fn part(&self, id: NodeId) -> Option<&[Interval]> {
        self.split.filter(|(nodes, _)| nodes.contains(&id)).map(|(_, part)| part)
    }
}

fn computes(g: &Graph, seeds: &[(Value, Region)], scope: &Scope<'_>, v: Value) -> bool {
    g.def(v).op != Op::Input && (seeds.iter().any(|(s, _)| *s == v) || !(scope.stored)(v))
}

/// Propagates boxes from seeds to stored values and sources.
pub(crate) fn demand(g: &Graph, seeds: &[(Value, Region)], scope: &Scope<'_>) -> Demand {
    let mut all: Vec<Vec<(u32, Region)>> = vec![Vec::new(); g.nodes.len()];
    let note = |all: &mut Vec<Vec<(u32, Region)>>, v: Value, r: Region| {
        let list = &mut all[v.node.0 as usize];
        let (mut own, others): (Vec<_>, Vec<_>) = list.drain(..).partition(|(k, _)| *k == v.index);
        let mut boxes: Vec<Region> = own.drain(..).map(|(_, r)| r).collect();
        add(&mut boxes, r);
        *list = others.into_iter().chain(boxes.into_iter().map(|r| (v.index, r))).collect();
        list.sort();
    };
    let mut last = 0;
    for (v, r) in seeds {
        note(&mut all, *v, r.clone());
        last = last.max(v.node.0);
    }
    for n in (0..=last).rev() {
        let id = NodeId(n);
        for (index, region) in all[n as usize].clone() {
            if computes(g, seeds, scope, Value { node: id, index }) {
                let node = g.node(id);
                let r = reads(g, node, index as usize, &region, scope.part(id));
                for (v, operand) in node.inputs.iter().zip(r.operands) {
                    if let Some(operand) = operand {
                        note(&mut all, *v, operand);
                    }
                }
            }
        }
    }
    Demand(all)
}

/// Figures of one task.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Load {
    /// Bytes read of inputs and stored values.
    pub(crate) read: f64,
    /// The largest box of them.
    pub(crate) largest: f64,
    /// Bytes of what is neither read nor fused: operands and results of library routines, running sums.
    pub(crate) held: f64,
    /// Seconds of arithmetic on one core.
    pub(crate) work: f64,
}

impl Demand {
    /// The boxes, by value.
    pub(crate) fn boxes(&self) -> impl Iterator<Item = (Value, &Region)> {
        self.0.iter().enumerate().flat_map(|(n, list)| {
            list.iter().map(move |(index, r)| (Value { node: NodeId(n as u32), index: *index }, r))
        })
    }

    /// The boxes that are read, those of seeds and sources left out.
    pub(crate) fn reads<'a>(
        &'a self,
        g: &'a Graph,
        seeds: &'a [(Value, Region)],
        scope: &'a Scope<'a>,
    ) -> impl Iterator<Item = (Value, &'a Region)> {
        self.boxes().filter(move |(v, _)| !computes(g, seeds, scope, *v))
    }

    pub(crate) fn load(&self, g: &Graph, seeds: &[(Value, Region)], scope: &Scope<'_>) -> Load {
        let mut l = Load::default();
        for (v, r) in self.boxes() {
            let bytes = volume(r) * g.ty(v).dtype.size() as f64;
            if !computes(g, seeds, scope, v) {
                l.read += bytes;
                l.largest = l.largest.max(bytes);
                continue;
            }
            let node = g.def(v);
            let need = reads(g, node, v.index as usize, r, scope.part(v.node));
            l.work += super::cost::work(g, node, &need);
            if matches!(node.op.class(), Class::Library | Class::Cumulative | Class::Region) {
                let is_seed = seeds.iter().any(|(s, _)| *s == v);
                if !is_seed {
                    l.held += volume(&need.computed) * g.ty(v).dtype.size() as f64;
                }
                for (x, r) in node.inputs.iter().zip(&need.operands) {
                    if let Some(r) = r.as_ref().filter(|_| computes(g, seeds, scope, *x)) {
                        l.held += volume(r) * g.ty(*x).dtype.size() as f64;
                    }
                }
            }
        }
        l
    }
}

/// Bytes of a box of a value.
pub(crate) fn bytes(g: &Graph, v: Value, r: &Region) -> u64 {
    elements(r) * g.ty(v).dtype.size() as u64
}

fn dims(r: &Region) -> Vec<Dim> {
    r.iter().map(|i| Dim::constant(i.size())).collect()
}

/// A box of a larger box that a value of the task holds.
fn part(b: &mut Builder, x: Value, held: &Region, wanted: &Region) -> Result<Value, TypeError> {
    if held == wanted {
        return Ok(x);
    }
    let slice = |(h, w): (&Interval, &Interval)| Slice {
        start: (w.lo - h.lo).into(),
        size: w.size().into(),
        step: 1,
    };
    let slices: Vec<Slice> = held.iter().zip(wanted).map(slice).collect();
    b.slice(x, &slices)
}

/// The graph of a task: its parameters are the boxes that `reads` lists, in that order, its results the seeds.
pub(crate) fn graph(
    g: &Graph,
    seeds: &[(Value, Region)],
    scope: &Scope<'_>,
) -> Result<(Graph, Vec<(Value, Region)>), TypeError> {
    let need = demand(g, seeds, scope);
    let mut b = Builder::new(&g.name);
    let parameters: Vec<(Value, Region)> = need.reads(g, seeds, scope).map(|(v, r)| (v, r.clone())).collect();
    let mut made: Vec<(Value, Region, Value)> = Vec::new();
    for (k, (v, r)) in parameters.iter().enumerate() {
        let x = b.input(&format!("b{k}"), TensorType::new(g.ty(*v).dtype, dims(r)));
        made.push((*v, r.clone(), x));
    }
    let find = |made: &[(Value, Region, Value)], b: &mut Builder, v: Value, r: &Region| {
        let (_, held, x) =
            made.iter().find(|(w, held, _)| *w == v && contains(held, r)).expect("demanded boxes are made");
        part(b, *x, held, r)
    };
    for (v, r) in need.boxes().filter(|(v, _)| computes(g, seeds, scope, *v)) {
        let node = g.def(v);
        let need = reads(g, node, v.index as usize, r, scope.part(v.node));
        b.set_loc(node.loc.clone());
        let mut operands = Vec::with_capacity(node.inputs.len());
        for (x, r) in node.inputs.iter().zip(&need.operands) {
            operands.push(r.as_ref().map(|r| find(&made, &mut b, *x, r)).transpose()?);
        }
        let x = restricted(&mut b, g, v, &need, &operands)?;
        let x = part(&mut b, x, &need.computed, r)?;
        made.push((v, r.clone(), x));
    }
    let mut outputs = Vec::with_capacity(seeds.len());
    for (v, r) in seeds {
        outputs.push(find(&made, &mut b, *v, r)?);
    }
    Ok((b.finish(outputs), parameters))
}

/// A node on boxes of its operands: the box `need.computed` of its result.
fn restricted(
    b: &mut Builder,
    g: &Graph,
    v: Value,
    need: &Reads,
    operands: &[Option<Value>],
) -> Result<Value, TypeError> {
    let node = g.def(v);
    let to = &need.computed;
    let given: Vec<Value> = operands.iter().flatten().copied().collect();
    let size = |x: &Interval| Dim::constant(x.size());
    match node.op {
        // Layouts inside of a task mean nothing.
        Op::Rechunk => Ok(given[0]),
        Op::BroadcastTo => b.broadcast_to(given[0], &dims(to)),
        Op::Literal | Op::Iota => {
            let all = b.node(node.op, node.attrs.clone(), &[])?;
            part(b, all, &super::region::whole(&shape(g, v)), to)
        }
        Op::Slice => {
            let one = |(i, s): (&Interval, &Slice)| Slice {
                start: if s.step > 0 { 0.into() } else { ((i.size() - 1) * -s.step).into() },
                size: size(i),
                step: s.step,
            };
            let slices: Vec<Slice> = to.iter().zip(node.attrs.slices()).map(one).collect();
            b.node(Op::Slice, Attrs::new([(Key::Slices, Attr::Slices(slices))]), &given)
        }
        Op::Reshape => {
            // Each run of axes becomes one axis, of which the elements that are needed are taken.
            let (from, whole) = (shape(g, node.inputs[0]), shape(g, v));
            let held = need.operands[0].as_ref().expect("the operand");
            let (mut flat, mut taken) = (Vec::new(), Vec::new());
            for (a, c) in groups(&from, &whole) {
                let begin = |s: &[i64], r: &Region, run: &std::ops::Range<usize>| -> i64 {
                    run.clone().map(|k| r[k].lo * s[k + 1..run.end].iter().product::<i64>()).sum()
                };
                let count = |r: &Region, run: &std::ops::Range<usize>| -> i64 {
                    run.clone().map(|k| r[k].size()).product()
                };
                flat.push(Dim::constant(count(held, &a)));
                let start = begin(&whole, to, &c) - begin(&from, held, &a);
                taken.push(Slice { start: start.into(), size: count(to, &c).into(), step: 1 });
            }
            let x = b.reshape(given[0], &flat)?;
            let x = if taken.iter().zip(&flat).all(|(s, d)| s.is_full(d)) { x } else { b.slice(x, &taken)? };
            b.reshape(x, &dims(to))
        }
        Op::Diagonal => b.node(node.op, node.attrs.clone().with(Key::Offset, Attr::Int(0)), &given),
        Op::Concatenate if given.len() == 1 => Ok(given[0]),
        Op::Pad => {
            let Some(inside) = &need.operands[0] else { return b.broadcast_to(given[0], &dims(to)) };
            let low = node.attrs.dims(Key::PadLow);
            let before = |k: usize| &Dim::constant(inside[k].lo - to[k].lo) + &low[k];
            let after = |k: usize| size(&to[k]) - size(&inside[k]) - before(k);
            let attrs = Attrs::new([
                (Key::PadLow, Attr::Dims((0..to.len()).map(before).collect())),
                (Key::PadHigh, Attr::Dims((0..to.len()).map(after).collect())),
            ]);
            b.node(Op::Pad, attrs, &given)
        }
        Op::UpdateSlice => {
            if need.operands[1].is_none() {
                return Ok(given[0]);
            }
            let one = |(i, s): (&Interval, &Slice)| {
                let w = super::region::written(*i, s);
                let start = s.start.as_const().expect("a number") + w.lo * s.step - i.lo;
                Slice { start: start.into(), size: w.size().into(), step: s.step }
            };
            let slices: Vec<Slice> = to.iter().zip(node.attrs.slices()).map(one).collect();
            b.update_slice(given[0], given[1], &slices)
        }
        op => {
            let first = b.node(op, node.attrs.clone(), &given)?;
            Ok(Value { node: first.node, index: v.index })
        }
    }
}
