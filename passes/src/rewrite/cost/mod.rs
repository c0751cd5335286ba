//! What a program costs on the [`Target`]: seconds, bytes moved, and peak memory.
//!
//! A node has a [`Measure`] of its own; [`program`] adds them up for a whole program, knowing what fuses. Extraction
//! starts from the sum of [`CostModel::own`], which does not know the users of a value, and compares programs by the
//! whole.

mod library;
pub(crate) mod program;

use frit_ir::graph::Graph;
use frit_ir::ops::{Class, Combine};
use frit_ir::prim::{Prim, ScalarInst};
use frit_ir::target::Target;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, TensorType};
use program::{Cost, Items};
use rustc_hash::FxHashMap;

/// Seconds of one more node in a fused loop, or one more view: breaks ties in favor of less.
const NODE: f64 = 5e-12;

/// How a node is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// In memory before the program starts.
    Leaf,
    /// A constant, computed where it is used.
    Free,
    View,
    /// In the loops of whoever uses it.
    Fused,
    /// A reduction of rows, which whoever uses the result row by row can take along.
    Rows,
    /// A reduction that must be complete before it is used.
    Reduce,
    /// A routine or loop of its own, on all threads if it can be shared out.
    Single {
        parallel: bool,
    },
}

/// What one node costs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Measure {
    pub(crate) kind: Kind,
    /// Seconds of computing on one core, memory not counted.
    pub(crate) compute: f64,
    /// Elements that its loops run over.
    pub(crate) domain: f64,
    /// Bytes of its results.
    pub(crate) bytes: f64,
}

impl Measure {
    /// Of a value that another node made.
    pub(crate) fn outside(kind: Kind, types: &[TensorType]) -> Measure {
        Measure { kind, compute: 0.0, domain: elements(&types[0]), bytes: bytes(&types[0]) }
    }
}

/// The model with its cached parts.
#[derive(Debug, Default)]
pub(crate) struct CostModel {
    per_element: FxHashMap<(Op, DType, DType), f64>,
}

/// The machine of the model.
pub(crate) const TARGET: Target = Target::REFERENCE;

/// A size as a number.
pub(crate) fn number(d: &Dim) -> f64 {
    let typical = TARGET.typical_size;
    d.as_const().unwrap_or_else(|| d.eval(&|_| Some(typical)).unwrap_or(typical)).max(0) as f64
}

fn elements(t: &TensorType) -> f64 {
    t.shape.iter().map(number).product()
}

fn bytes(t: &TensorType) -> f64 {
    elements(t) * t.dtype.size() as f64
}

impl CostModel {
    /// The cost of one node by itself.
    pub(crate) fn measure(
        &mut self,
        op: Op,
        attrs: &Attrs,
        inputs: &[&TensorType],
        outputs: &[TensorType],
    ) -> Measure {
        let out = &outputs[0];
        let mut m = Measure {
            kind: Kind::Fused,
            compute: NODE,
            domain: elements(out),
            bytes: outputs.iter().map(bytes).sum(),
        };
        match op.class() {
            Class::Source => {
                let leaf = matches!(op, Op::Input | Op::Literal);
                (m.kind, m.compute) = (if leaf { Kind::Leaf } else { Kind::Free }, 0.0);
            }
            // Written in the new blocks, and read from them.
            Class::View if op == Op::Rechunk => m.kind = Kind::Single { parallel: true },
            Class::View => m.kind = Kind::View,
            Class::Elementwise => m.compute += m.domain * self.per_element(op, inputs, out.dtype),
            Class::Reduce => {
                m.kind = if is_rows(attrs, inputs[0]) { Kind::Rows } else { Kind::Reduce };
                m.domain = elements(inputs[0]);
                m.compute += m.domain * combine(op) * TARGET.unit;
            }
            Class::Cumulative => {
                m.kind = Kind::Single { parallel: false };
                m.domain = elements(inputs[0]);
                m.compute += m.domain * 4.0 * TARGET.unit;
            }
            Class::Movement => match op {
                // The array itself is written in place as a rule.
                Op::UpdateSlice => {
                    m.kind = Kind::Single { parallel: true };
                    m.bytes = bytes(inputs[1]);
                }
                Op::Scatter => {
                    m.kind = Kind::Single { parallel: false };
                    m.compute += elements(inputs[1]) * 4.0 * TARGET.move_element;
                }
                _ => m.compute += m.domain * TARGET.move_element,
            },
            Class::Library => {
                let work = library::work(op, attrs, inputs, out);
                m.kind = Kind::Single { parallel: work.parallel };
                m.compute += work.seconds;
            }
            // The same on both sides of every comparison.
            Class::Region | Class::Composite => m.kind = Kind::Single { parallel: false },
        }
        m
    }

    /// A node's part of the cost of a program, if nothing is known about its users.
    pub(crate) fn own(&self, m: &Measure, inputs: &[&TensorType]) -> f64 {
        let read = || inputs.iter().map(|t| TARGET.traffic(bytes(t))).sum::<f64>();
        match m.kind {
            Kind::Leaf | Kind::Free => 0.0,
            Kind::View | Kind::Fused => m.compute,
            Kind::Rows => m.compute + TARGET.traffic(m.bytes),
            Kind::Reduce => m.compute + TARGET.traffic(m.bytes) + TARGET.launch,
            Kind::Single { .. } => m.compute + read() + TARGET.traffic(m.bytes) + TARGET.launch,
        }
    }

    fn per_element(&mut self, op: Op, inputs: &[&TensorType], out: DType) -> f64 {
        let first = inputs.last().map_or(out, |t| t.dtype);
        *self.per_element.entry((op, first, out)).or_insert_with(|| {
            let types: Vec<DType> = inputs.iter().map(|t| t.dtype).collect();
            let f = op.scalar_fn(&types, out);
            let cost = |i: &ScalarInst| if let ScalarInst::Prim(p, ..) = i { prim(*p) } else { 0.0 };
            f.insts.iter().map(cost).sum::<f64>() * TARGET.unit
        })
    }

    /// Cost of a whole graph with its regions, those of loops once per iteration.
    pub(crate) fn nested(&mut self, graph: &Graph) -> Cost {
        let mut total = self.graph(graph);
        for n in graph.nodes.iter().filter(|n| n.op.class() == Class::Region) {
            let times = match n.op {
                Op::For => number(&(n.attrs.dim(Key::Hi) - n.attrs.dim(Key::Lo))),
                _ => 1.0,
            };
            for (_, attr) in n.attrs.iter() {
                if let Attr::Graph(g) = attr {
                    let inner = self.nested(g);
                    total.add(&Cost {
                        seconds: inner.seconds * times,
                        bytes: inner.bytes * times,
                        peak: inner.peak,
                    });
                }
            }
        }
        total
    }

    /// Cost of a whole graph; regions count as one step.
    pub(crate) fn graph(&mut self, graph: &Graph) -> Cost {
        let live = graph.live();
        let mut items = Items::default();
        let mut position = vec![u32::MAX; graph.nodes.len()];
        for id in graph.ids().filter(|id| live[id.0 as usize]) {
            let n = graph.node(id);
            let types: Vec<&TensorType> = n.inputs.iter().map(|v| graph.ty(*v)).collect();
            let m = self.measure(n.op, &n.attrs, &types, &n.types);
            position[id.0 as usize] = items.push(m, n.inputs.iter().map(|v| position[v.node.0 as usize]));
        }
        for v in &graph.outputs {
            items.root(position[v.node.0 as usize]);
        }
        items.cost()
    }
}

/// Seconds of a routine on one core, without the traffic of operands and results.
pub(crate) fn routine_seconds(op: Op, attrs: &Attrs, inputs: &[&TensorType], out: &TensorType) -> f64 {
    library::work(op, attrs, inputs, out).seconds
}

/// A reduction over trailing axes of more rows than a split would make of it.
fn is_rows(attrs: &Attrs, x: &TensorType) -> bool {
    let axes = attrs.ints(Key::Axes);
    let first = x.rank() - axes.len().min(x.rank());
    let trailing = axes.iter().enumerate().all(|(k, a)| *a as usize == first + k);
    let product = |dims: &[Dim]| dims.iter().map(number).product::<f64>();
    trailing
        && product(&x.shape[..first]) > 64.0
        && product(&x.shape[first..]) <= crate::fuse::LONGEST_ROW as f64
}

/// Units of cost of one element in a reduction.
fn combine(op: Op) -> f64 {
    match op.def().combine {
        Some(Combine::ArgMin | Combine::ArgMax) => 3.0,
        _ => 1.0,
    }
}

/// `log1p` and `expm1` count as slightly cheaper than the expressions they replace: they are more accurate.
fn prim(p: Prim) -> f64 {
    match p {
        Prim::Log1p => Prim::Log.cost() + 0.5,
        Prim::Expm1 => Prim::Exp.cost() + 0.5,
        _ => p.cost(),
    }
}
