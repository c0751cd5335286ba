//! What a picture shows: the graphs between passes, fusion groups, the plan's memory, and the source lines behind them.
//!
//! Nodes are numbered in a pool of the part: two nodes with the same op, attributes, types and operands are one, in
//! whatever stage they occur. So a stage is a list of numbers, and what a pass left alone has the same numbers before
//! and after it.

use super::outline::{self, Entry};
use super::work;
use crate::error::Error;
use crate::jit::Config;
use crate::report::Report;
use frit_ir::dim::Symbol;
use frit_ir::graph::{Graph, Node, NodeId, TensorType};
use frit_ir::plan::{BufferSource, Plan, Step};
use frit_ir::{Attr, Dim, Key, Loc, Op};
use frit_passes::{Options, RuleFired};
use frit_runtime::MemoryReport;
use frit_runtime::threads::Threads;
use std::collections::HashMap;
use std::sync::Arc;

/// A node, by number in the pool of its part.
pub(super) type Number = u32;

/// One result of a node of the pool.
pub(super) type Port = (Number, u32);

/// A node of the pool.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) op: Op,
    /// Of an input, its name; of a constant, its value.
    pub(super) name: Option<String>,
    /// `axes=[1] keepdims=false`; regions and the elements of array constants left out.
    pub(super) attrs: String,
    pub(super) inputs: Vec<Port>,
    pub(super) types: Vec<TensorType>,
    pub(super) loc: Loc,
    /// Floating-point (or integer) operations; `None` where no expression over sizes says it.
    pub(super) work: Option<Dim>,
    /// The graphs of a region.
    pub(super) regions: Vec<(Key, Stage)>,
}

/// A graph.
#[derive(Debug)]
pub(super) struct Stage {
    /// The pass that made it, or `traced`.
    pub(super) name: String,
    pub(super) nodes: Vec<Number>,
    pub(super) outputs: Vec<Port>,
    /// The nodes in boxes, so that no box has too many.
    pub(super) outline: Vec<Entry>,
}

/// A fusion group.
#[derive(Debug)]
pub(super) struct Group {
    /// Kernel or routine.
    pub(super) name: String,
    pub(super) nodes: Vec<Number>,
    /// Values that it stores, and why.
    pub(super) stored: Vec<(Number, String)>,
}

/// A size that the program does not fix.
#[derive(Debug)]
pub(super) struct Size {
    pub(super) name: Symbol,
    /// What it is in the call that is shown.
    pub(super) value: Option<i64>,
}

/// One program: a whole function, or the part of one between two places where Python decides.
#[derive(Debug)]
pub struct Part {
    pub(super) name: String,
    pub(super) items: Vec<Item>,
    pub(super) stages: Vec<Stage>,
    pub(super) groups: Vec<Group>,
    pub(super) rules: Vec<RuleFired>,
    pub(super) sizes: Vec<Size>,
    pub(super) plan: Arc<Plan>,
    pub(super) memory: Option<MemoryReport>,
    pub(super) rewritten: Graph,
}

/// What makes two nodes one.
#[derive(PartialEq, Eq, Hash)]
struct Identity {
    op: Op,
    name: Option<String>,
    attrs: String,
    inputs: Vec<Port>,
    types: Vec<TensorType>,
    regions: Vec<(Key, Vec<Number>, Vec<Port>)>,
}

/// The nodes of a part while it is made.
#[derive(Default)]
struct Pool {
    items: Vec<Item>,
    known: HashMap<Identity, Number>,
}

impl Pool {
    /// Numbers of a graph's nodes, in order.
    fn add(&mut self, graph: &Graph) -> Vec<Number> {
        let mut numbers: Vec<Number> = Vec::with_capacity(graph.nodes.len());
        for id in graph.ids() {
            let number = self.node(graph, id, &numbers);
            numbers.push(number);
        }
        numbers
    }

    fn node(&mut self, graph: &Graph, id: NodeId, numbers: &[Number]) -> Number {
        let node = graph.node(id);
        let inputs: Vec<Port> = node.inputs.iter().map(|v| (numbers[v.node.0 as usize], v.index)).collect();
        let mut regions = Vec::new();
        for (key, a) in node.attrs.iter() {
            if let Attr::Graph(g) = a {
                regions.push((key, self.stage(g, key.name())));
            }
        }
        let identity = Identity {
            op: node.op,
            name: name_of(graph, node),
            attrs: attributes(node),
            inputs: inputs.clone(),
            types: node.types.clone(),
            regions: regions.iter().map(|(k, s)| (*k, s.nodes.clone(), s.outputs.clone())).collect(),
        };
        if let Some(number) = self.known.get(&identity) {
            return *number;
        }
        let number = self.items.len() as Number;
        self.items.push(Item {
            op: node.op,
            name: identity.name.clone(),
            attrs: identity.attrs.clone(),
            inputs,
            types: node.types.clone(),
            loc: node.loc.clone(),
            work: work::of_node(graph, node),
            regions,
        });
        self.known.insert(identity, number);
        number
    }

    fn stage(&mut self, graph: &Graph, name: &str) -> Stage {
        let numbers = self.add(graph);
        let outputs = graph.outputs.iter().map(|v| (numbers[v.node.0 as usize], v.index)).collect();
        // Each pass drops what nothing uses, but the traced graph still has it.
        let live = graph.live();
        let nodes: Vec<Number> =
            numbers.iter().zip(&live).filter(|(_, live)| **live).map(|(n, _)| *n).collect();
        let outline = outline::of_nodes(&nodes, &self.items);
        Stage { name: name.into(), nodes, outputs, outline }
    }
}

fn name_of(graph: &Graph, node: &Node) -> Option<String> {
    match node.op {
        Op::Input => Some(graph.inputs[node.attrs.int(Key::Position) as usize].name.to_string()),
        Op::Constant => Some(node.attrs.scalar(Key::Value).to_string()),
        Op::DimValue => Some(node.attrs.dim(Key::Dim).to_string()),
        _ => None,
    }
}

/// Attributes in a line: what the name says is left out, and so are regions and elements.
pub(super) fn attributes(node: &Node) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let mut parts = Vec::new();
    for (key, a) in node.attrs.iter() {
        let text = match a {
            Attr::Graph(_) => continue,
            _ if matches!(node.op, Op::Input | Op::Constant | Op::DimValue) => continue,
            Attr::Bool(b) => b.to_string(),
            Attr::Int(n) => n.to_string(),
            Attr::Ints(v) => list(v.iter().map(ToString::to_string).collect()),
            Attr::Dim(d) => d.to_string(),
            Attr::Dims(v) => list(v.iter().map(ToString::to_string).collect()),
            // As Python writes it.
            Attr::Slices(v) => list(v.iter().map(slice).collect()),
            Attr::DType(t) => t.to_string(),
            Attr::Scalar(s) => s.to_string(),
            Attr::Str(s) => s.to_string(),
            Attr::Data(l) => digest(&l.bytes),
        };
        parts.push(format!("{}={text}", key.name()));
    }
    parts.join(" ")
}

/// `start:stop:step` for a step forward; the last index is spelled out for one backward, where NumPy's stop may not be
/// expressible.
fn slice(s: &frit_ir::Slice) -> String {
    if s.step < 0 {
        return format!("{} elements from {} by {}", s.size, s.start, s.step);
    }
    let stop = if s.step == 1 { &s.start + &s.size } else { &s.start + (&s.size - 1) * s.step + 1 };
    if s.step == 1 { format!("{}:{stop}", s.start) } else { format!("{}:{stop}:{}", s.start, s.step) }
}

/// The elements of an array constant as a short text that differs when they do (FNV-1a, 64 bits).
fn digest(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    format!("#{hash:016x}")
}

impl Part {
    /// The picture's part of a compiled graph. `shapes`: those of the arguments of the call that is shown, for the values
    /// of sizes and the projected memory; without them, both stay open (or are constants anyway).
    pub fn new(
        name: &str,
        report: &Report,
        config: &Config,
        shapes: Option<&[&[usize]]>,
    ) -> Result<Part, Error> {
        let mut pool = Pool::default();
        let mut stages: Vec<Stage> = Vec::new();
        let mut note = |stage: frit_passes::Stage<'_>| {
            if stage.changed {
                let name = if stages.is_empty() { "traced" } else { stage.name };
                stages.push(pool.stage(stage.graph, name));
            }
        };
        frit_passes::optimize_with(&report.traced, &Options::new(config.math), &mut note)?;
        let numbers = pool.add(&report.lowered);
        let mut groups = Vec::new();
        for g in &report.groups {
            let number = |id: &NodeId| numbers[id.0 as usize];
            let stored = g.nodes.iter().filter_map(|id| {
                let node = report.lowered.node(*id);
                let found = g
                    .stored
                    .iter()
                    .find(|(op, loc, ty, _)| *op == node.op && *loc == node.loc && *ty == node.types[0])?;
                Some((number(id), found.3.to_string()))
            });
            groups.push(Group {
                name: g.name.clone(),
                stored: stored.collect(),
                nodes: g.nodes.iter().map(number).collect(),
            });
        }
        let mut last = pool.stage(&report.lowered, "fused");
        last.outline = outline::of_groups(&last.nodes, &groups, &pool.items);
        // The groups are shown on the last graph that rewriting made, unless lowering still changed it.
        if stages.len() > 1
            && stages.last().is_some_and(|s| s.nodes == last.nodes && s.outputs == last.outputs)
        {
            stages.pop();
        }
        stages.push(last);
        let all = Threads::global().count();
        let threads = if config.threads == 0 { all } else { config.threads.min(all) };
        let memory = match shapes {
            Some(shapes) => Some(report.memory(shapes, threads)?),
            None if report.traced.inputs.iter().all(|i| i.ty.const_shape().is_some()) => {
                let fixed: Vec<Vec<usize>> =
                    report.traced.inputs.iter().filter_map(|i| i.ty.const_shape()).collect();
                let views: Vec<&[usize]> = fixed.iter().map(Vec::as_slice).collect();
                Some(report.memory(&views, threads)?)
            }
            None => None,
        };
        Ok(Part {
            name: name.into(),
            items: pool.items,
            stages,
            groups,
            rules: report.passes.rules.clone(),
            sizes: sizes(&report.traced, shapes),
            plan: report.program.plan.clone(),
            memory,
            rewritten: report.optimized.clone(),
        })
    }

    /// Every place that the part mentions.
    pub(super) fn locs(&self) -> impl Iterator<Item = &Loc> {
        let buffers = self.plan.buffers.iter().map(|b| &b.origin.loc);
        self.items.iter().map(|i| &i.loc).chain(buffers)
    }
}

/// The symbols that parameters' shapes bind, in order.
fn sizes(graph: &Graph, shapes: Option<&[&[usize]]>) -> Vec<Size> {
    let mut found: Vec<Size> = Vec::new();
    for (k, input) in graph.inputs.iter().enumerate() {
        for (axis, d) in input.ty.shape.iter().enumerate() {
            let mut all = Vec::new();
            d.for_each_symbol(&mut |s| all.push(s.clone()));
            for s in all {
                let value = (*d == Dim::symbol(&s))
                    .then(|| shapes.and_then(|all| all.get(k)?.get(axis)).map(|n| *n as i64))
                    .flatten();
                match found.iter_mut().find(|f| f.name == s) {
                    Some(f) => f.value = f.value.or(value),
                    None => found.push(Size { name: s, value }),
                }
            }
        }
    }
    found
}

/// A buffer's kind, as the schema names it.
pub(super) fn kind_of(source: &BufferSource) -> &'static str {
    match source {
        BufferSource::Input(_) => "input",
        BufferSource::Constant(_) => "constant",
        BufferSource::Temporary => "temporary",
        BufferSource::Output => "output",
    }
}

/// The lists of steps inside of a step.
pub(super) fn bodies(step: &Step) -> Vec<(&'static str, &[Step])> {
    match step {
        Step::For { body, .. } => vec![("body", body)],
        Step::While { cond, body, .. } => vec![("cond", cond), ("body", body)],
        Step::If { then, otherwise, .. } => vec![("then", then), ("else", otherwise)],
        Step::Alloc(_) | Step::Free(_) | Step::Launch(_) | Step::Library(_) | Step::Swap(..) => vec![],
    }
}
