//! What a picture shows: the graphs between passes, fusion groups, the plan's memory, and the source lines behind them.
//!
//! Nodes are numbered in a pool of the part: two nodes with the same op, attributes, types and operands are one, in
//! whatever stage they occur. So a stage is a list of numbers, and what a pass left alone has the same numbers before
//! and after it.

use super::outline::{self, Entry};
use crate::error::Error;
use crate::jit::Config;
use crate::report::Report;
use frit_ir::dim::Symbol;
use frit_ir::graph::{Graph, NodeId, TensorType};
use frit_ir::plan::{BufferSource, Plan, Step};
use frit_ir::{Attr, Attrs, Dim, Key, Loc, Op, flops};
use frit_passes::RuleFired;
use frit_passes::explain::StepValue;
use frit_runtime::threads::Threads;
use frit_runtime::{MemoryFormula, MemoryReport};
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

/// One application of a rule.
#[derive(Debug)]
pub(super) struct RuleStep {
    /// The pass that applied it.
    pub(super) pass: &'static str,
    /// Rule, place, expressions and savings.
    pub(super) fired: frit_passes::explain::Step,
    /// The stage that it leads to, together with the other steps of its pass.
    pub(super) stage: usize,
    pub(super) change: Option<Change>,
}

/// What a step did to the nodes of the stage before its own, as in [`frit_passes::explain::Change`].
#[derive(Debug)]
pub(super) struct Change {
    pub(super) made: Vec<Number>,
    pub(super) removed: Vec<Number>,
    pub(super) replaced: Vec<(Port, Port)>,
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
    pub(super) steps: Vec<RuleStep>,
    pub(super) groups: Vec<Group>,
    pub(super) rules: Vec<RuleFired>,
    pub(super) sizes: Vec<Size>,
    pub(super) plan: Arc<Plan>,
    pub(super) memory: Option<MemoryReport>,
    /// The same as expressions over the sizes.
    pub(super) formula: MemoryFormula,
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
            let node = graph.node(id);
            let inputs = node.inputs.iter().map(|v| (numbers[v.node.0 as usize], v.index)).collect();
            let item = self.item(graph, node.op, &node.attrs, inputs, &node.types, &node.loc);
            let identity = Identity {
                op: item.op,
                name: item.name.clone(),
                attrs: item.attrs.clone(),
                inputs: item.inputs.clone(),
                types: item.types.clone(),
                regions: item.regions.iter().map(|(k, s)| (*k, s.nodes.clone(), s.outputs.clone())).collect(),
            };
            let next = self.items.len() as Number;
            let number = *self.known.entry(identity).or_insert(next);
            if number == next {
                self.items.push(item);
            }
            numbers.push(number);
        }
        numbers
    }

    /// A node of a graph, or one that a step of rewriting it makes.
    fn item(
        &mut self,
        graph: &Graph,
        op: Op,
        attrs: &Attrs,
        inputs: Vec<Port>,
        types: &[TensorType],
        loc: &Loc,
    ) -> Item {
        let mut regions = Vec::new();
        for (key, a) in attrs.iter() {
            if let Attr::Graph(g) = a {
                regions.push((key, self.stage(g, key.name()).0));
            }
        }
        let operands: Vec<&TensorType> =
            inputs.iter().map(|(n, index)| &self.items[*n as usize].types[*index as usize]).collect();
        Item {
            op,
            name: name_of(graph, op, attrs),
            attrs: attributes(op, attrs),
            work: flops::of_op(op, attrs, &operands, &types[0]),
            inputs,
            types: types.to_vec(),
            loc: loc.clone(),
            regions,
        }
    }

    /// A graph with boxes, and the numbers of all its nodes.
    fn stage(&mut self, graph: &Graph, name: &str) -> (Stage, Vec<Number>) {
        let numbers = self.add(graph);
        let outputs = graph.outputs.iter().map(|v| (numbers[v.node.0 as usize], v.index)).collect();
        // Each pass drops what nothing uses, but the traced graph still has it.
        let live = graph.live();
        let nodes: Vec<Number> =
            numbers.iter().zip(&live).filter(|(_, live)| **live).map(|(n, _)| *n).collect();
        let outline = outline::of_nodes(&nodes, &self.items);
        (Stage { name: name.into(), nodes, outputs, outline }, numbers)
    }

    /// The steps of a pass over a graph whose nodes have these numbers. Nodes that a step makes have numbers of their own:
    /// an equal node of the graph may have been replaced by then.
    fn steps(
        &mut self,
        graph: &Graph,
        numbers: &[Number],
        pass: &frit_passes::Stage,
        stage: usize,
    ) -> Vec<RuleStep> {
        let mut made: Vec<Number> = Vec::new();
        let mut out = Vec::with_capacity(pass.steps.len());
        for s in &pass.steps {
            let first = made.len();
            for m in s.change.iter().flat_map(|c| &c.made) {
                let inputs = m.operands.iter().map(|v| port(*v, numbers, &made)).collect();
                let item = self.item(graph, m.op, &m.attrs, inputs, &m.types, &m.loc);
                made.push(self.items.len() as Number);
                self.items.push(item);
            }
            let number = |v: &StepValue| port(*v, numbers, &made);
            let change = s.change.as_ref().map(|c| Change {
                made: made[first..].to_vec(),
                removed: c.removed.iter().map(|v| number(v).0).collect(),
                replaced: c.replaced.iter().map(|(from, to)| (number(from), number(to))).collect(),
            });
            out.push(RuleStep {
                pass: pass.name,
                fired: frit_passes::explain::Step { change: None, ..s.clone() },
                stage,
                change,
            });
        }
        out
    }
}

fn port(v: StepValue, numbers: &[Number], made: &[Number]) -> Port {
    match v {
        StepValue::Graph(v) => (numbers[v.node.0 as usize], v.index),
        StepValue::Made { node, index } => (made[node], index),
    }
}

fn name_of(graph: &Graph, op: Op, attrs: &Attrs) -> Option<String> {
    match op {
        Op::Input => Some(graph.inputs[attrs.int(Key::Position) as usize].name.to_string()),
        Op::Constant => Some(attrs.scalar(Key::Value).to_string()),
        Op::DimValue => Some(attrs.dim(Key::Dim).to_string()),
        _ => None,
    }
}

/// Attributes in a line: what the name says is left out, and so are regions and elements.
pub(super) fn attributes(op: Op, attrs: &Attrs) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let mut parts = Vec::new();
    for (key, a) in attrs.iter() {
        let text = match a {
            Attr::Graph(_) => continue,
            _ if matches!(op, Op::Input | Op::Constant | Op::DimValue) => continue,
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
        let (first, mut numbers) = pool.stage(&report.traced, "traced");
        let (mut stages, mut steps, mut graph) = (vec![first], Vec::new(), &report.traced);
        for s in &report.stages {
            steps.extend(pool.steps(graph, &numbers, s, stages.len()));
            let (stage, after) = pool.stage(&s.graph, s.name);
            stages.push(stage);
            (numbers, graph) = (after, &s.graph);
        }
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
        let (mut last, _) = pool.stage(&report.lowered, "fused");
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
            steps,
            groups,
            rules: report.passes.rules.clone(),
            sizes: sizes(&report.traced, shapes),
            plan: report.program.plan.clone(),
            memory,
            formula: report.program.memory_formula(threads),
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
