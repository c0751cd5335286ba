//! The way from a program to a cheaper one, a rule at a time: which nodes each application made, and which it left unused.
//!
//! An e-graph has no order: all forms of a class are equal at once. The steps are taken in the order in which the search
//! found them, each by giving one class its next form; every program on the way computes the same values. Classes that
//! only rules made have the form that their own first step begins with, or else the one that they end with.

use super::explain::Fired;
use super::extract::{Choice, Table};
use super::language::{ENode, Head};
use super::search::Search;
use crate::explain::{Change, Made, Step, StepValue};
use egg::Id;
use frit_ir::graph::NodeId;
use std::collections::{HashMap, HashSet};

/// The program at a step.
struct Program {
    /// By class: its form, and what its users read. `None` for classes that the program does not need.
    values: Vec<Option<(u32, StepValue)>>,
    /// Its nodes, by their first results. Those outside of the piece do not count.
    nodes: Vec<StepValue>,
    /// The nodes of the piece as it was.
    piece: HashSet<NodeId>,
    /// Number of nodes made so far.
    made: usize,
    /// Values of the program as it was that equal another one of it, which is read in their place.
    equal: Vec<(StepValue, StepValue)>,
}

impl Search<'_> {
    /// Each application behind a program, in the order of the search.
    pub(super) fn steps(
        &self,
        table: &Table<'_>,
        chosen: &Choice,
        roots: &[u32],
        fired: &[Fired],
    ) -> Vec<Step> {
        let was = self.original_forms();
        let end: HashMap<Id, &ENode> = (0..table.ids.len() as u32)
            .filter_map(|k| Some((table.ids[k as usize], table.node(k, chosen[k as usize]?))))
            .collect();
        let before = |id: Id| was.get(&id).or_else(|| end.get(&id)).map(|n| (*n).clone());
        let after = |id: Id| end.get(&id).or_else(|| was.get(&id)).map(|n| (*n).clone());

        let mut fired: Vec<&Fired> = fired.iter().collect();
        fired.sort_by_key(|f| f.index);
        let mut program = self.written(table);
        let mut forms: Choice = program.values.iter().map(|v| v.map(|(form, _)| form)).collect();
        let mut last: HashMap<u32, usize> = HashMap::new();
        for (position, f) in fired.iter().enumerate() {
            if let Some(k) = table.at(f.root) {
                last.insert(k, position);
                let form = &mut forms[k as usize];
                *form = form.or_else(|| table.form(k, &f.before));
            }
        }
        forms.iter_mut().zip(chosen).for_each(|(form, end)| *form = form.or(*end));
        let mut steps = Vec::with_capacity(fired.len());
        for (position, f) in fired.iter().enumerate() {
            if let Some(k) = table.at(f.root) {
                let next = if last[&k] == position { None } else { table.form(k, &f.after) };
                forms[k as usize] = next.or(chosen[k as usize]);
            }
            if position + 1 == fired.len() {
                // What no application explains: another of the forms that the program itself has.
                forms.clone_from(chosen);
            }
            // On the way a program may need itself: then the next step does the work of both.
            let order = table.order(&forms, roots);
            steps.push(Step {
                rule: f.name,
                class: f.class,
                loc: f.loc.clone(),
                before: self.show(&f.before, &before),
                after: self.show(&f.after, &after),
                seconds: f.saved.seconds,
                bytes: f.saved.bytes,
                change: Some(
                    order.map_or_else(Change::default, |o| self.change(table, &forms, &o, &mut program)),
                ),
            });
        }
        steps
    }

    /// The program as it was.
    fn written(&self, table: &Table<'_>) -> Program {
        let mut values: Vec<Option<(u32, StepValue)>> = vec![None; table.ids.len()];
        let mut outside = vec![false; table.ids.len()];
        let (mut nodes, mut piece) = (Vec::new(), HashSet::new());
        for o in &self.original {
            if o.inside && piece.insert(o.value.node) {
                nodes.push(StepValue::Graph(o.value));
            }
            let Some(k) = table.at(o.class).map(|k| k as usize) else { continue };
            // What is there anyway is read rather than what the piece computes.
            if values[k].is_none() || !o.inside && !outside[k] {
                outside[k] = !o.inside;
                values[k] = table.form(k as u32, &o.node).map(|form| (form, StepValue::Graph(o.value)));
            }
        }
        let mut equal = Vec::new();
        for o in self.original.iter().filter(|o| o.inside) {
            let read = table.at(o.class).and_then(|k| values[k as usize]);
            let own = StepValue::Graph(o.value);
            equal.extend(read.filter(|(_, v)| *v != own).map(|(_, v)| (own, v)));
        }
        Program { values, nodes, piece, made: 0, equal }
    }

    /// Goes on to the program with these forms.
    fn change(&self, table: &Table<'_>, forms: &Choice, order: &[u32], program: &mut Program) -> Change {
        let mut change = Change { replaced: std::mem::take(&mut program.equal), ..Change::default() };
        let mut values: Vec<Option<(u32, StepValue)>> = vec![None; table.ids.len()];
        let mut nodes = Vec::with_capacity(order.len());
        for k in order {
            let form = forms[*k as usize].expect("a form of what is ordered");
            let node = table.node(*k, form);
            let was = program.values[*k as usize];
            let operand = |c: &Id| {
                let value = table.at(*c).and_then(|c| values[c as usize]);
                value.expect("operands come first").1
            };
            let value = match (node.head, was) {
                (Head::Leaf(leaf), _) => StepValue::Graph(self.leaves[leaf as usize]),
                (Head::Result(index), _) => operand(&node.children[0]).result(index),
                (Head::Op(_), Some((same, value))) if same == form => value,
                (Head::Op(op), _) => {
                    let class = &self.egraph[table.ids[*k as usize]].data;
                    change.made.push(Made {
                        op,
                        attrs: self.egraph.analysis.attrs.get(node.attrs).clone(),
                        operands: node.children.iter().map(operand).collect(),
                        types: class.types.to_vec(),
                        loc: self.egraph.analysis.locs[class.origin.loc as usize].clone(),
                    });
                    program.made += 1;
                    StepValue::Made { node: program.made - 1, index: 0 }
                }
            };
            let counts = match value {
                StepValue::Graph(v) => program.piece.contains(&v.node),
                StepValue::Made { .. } => true,
            };
            if counts && matches!(node.head, Head::Op(_)) {
                nodes.push(value);
            }
            change.replaced.extend(was.filter(|(_, v)| *v != value).map(|(_, v)| (v, value)));
            values[*k as usize] = Some((form, value));
        }
        let there: HashSet<StepValue> = nodes.iter().copied().collect();
        change.removed = program.nodes.iter().copied().filter(|v| !there.contains(v)).collect();
        (program.values, program.nodes) = (values, nodes);
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::{MathLevel, Options};
    use crate::testing::generate::{Random, value};
    use crate::testing::same_values;
    use frit_ir::build::Builder;
    use frit_ir::graph::{Graph, Value};
    use frit_ir::{DType, Dim, Key, Op, TensorType};
    use std::collections::BTreeSet;

    /// A graph with the first steps of a pass applied to it.
    struct Replay<'a> {
        graph: &'a Graph,
        made: Vec<&'a Made>,
        read: HashMap<StepValue, StepValue>,
        built: HashMap<StepValue, Value>,
        builder: Builder,
    }

    impl<'a> Replay<'a> {
        fn of(graph: &'a Graph, steps: &'a [Step]) -> (Graph, BTreeSet<StepValue>) {
            let changes = || steps.iter().filter_map(|s| s.change.as_ref());
            let mut builder = Builder::new("replayed");
            for input in &graph.inputs {
                builder.input(&input.name, input.ty.clone());
            }
            let made = changes().flat_map(|c| &c.made).collect();
            let mut replay = Replay { graph, made, read: HashMap::new(), built: HashMap::new(), builder };
            for (from, to) in changes().flat_map(|c| &c.replaced) {
                replay.read.insert(*from, *to);
                replay.read.remove(to);
            }
            let outputs = graph.outputs.iter().map(|v| replay.value(StepValue::Graph(*v))).collect();
            (replay.builder.finish(outputs), replay.built.into_keys().collect())
        }

        fn value(&mut self, v: StepValue) -> Value {
            let mut v = v;
            while let Some(next) = self.read.get(&v) {
                v = *next;
            }
            let index = match v {
                StepValue::Graph(v) => v.index,
                StepValue::Made { index, .. } => index,
            };
            let first = self.built.get(&v.result(0)).copied().unwrap_or_else(|| {
                let (op, attrs, operands) = match v {
                    StepValue::Graph(v) => {
                        let n = self.graph.node(v.node);
                        (n.op, &n.attrs, n.inputs.iter().map(|v| StepValue::Graph(*v)).collect())
                    }
                    StepValue::Made { node, .. } => {
                        let n = self.made[node];
                        (n.op, &n.attrs, n.operands.clone())
                    }
                };
                let first = if op == Op::Input {
                    Value { node: NodeId(attrs.int(Key::Position) as u32), index: 0 }
                } else {
                    let operands: Vec<Value> = operands.into_iter().map(|v| self.value(v)).collect();
                    self.builder.node(op, attrs.clone(), &operands).expect("type-checks")
                };
                self.built.insert(v.result(0), first);
                first
            });
            Value { index, ..first }
        }
    }

    fn lines(graph: &Graph) -> Vec<String> {
        let live = graph.live();
        let nodes = graph.ids().filter(|id| live[id.0 as usize]).map(|id| graph.node(id));
        let mut lines: Vec<String> = nodes.map(|n| format!("{} {:?} {:?}", n.op, n.attrs, n.types)).collect();
        lines.sort();
        lines
    }

    /// Each step alone keeps values, names what it makes and leaves unused, and all together make the graph of the pass.
    #[test]
    fn every_step_keeps_values() {
        let mut r = Random(23);
        let ops = [
            Op::Slice,
            Op::Sum,
            Op::Matmul,
            Op::Add,
            Op::Multiply,
            Op::Transpose,
            Op::Gather,
            Op::Where,
            Op::Eigh,
        ];
        let mut single = 0;
        for round in 0..300 {
            let level = [MathLevel::Exact, MathLevel::Reassociate, MathLevel::Fast][round % 3];
            let mut b = Builder::new("steps");
            for size in ["n", "m", "z"] {
                // Parameters that give the sizes their values.
                b.input(size, TensorType::new(DType::Bool, [Dim::symbol(size)]));
            }
            let mut outputs = Vec::new();
            while outputs.len() < 2 {
                let op = r.pick(&ops);
                let depth = 1 + r.below(4);
                outputs.extend(value(&mut r, &mut b, op, depth));
            }
            let graph = b.finish(outputs);
            let optimized = crate::optimize(&graph, &Options::new(level)).expect("optimizes");
            let mut before = &graph;
            for stage in &optimized.stages {
                let source = |id: &NodeId| before.node(*id).op != Op::Input;
                let live = before.live();
                let there = before.ids().filter(|id| live[id.0 as usize]).filter(source);
                let mut there: BTreeSet<StepValue> =
                    there.map(|node| StepValue::Graph(Value { node, index: 0 })).collect();
                let mut made = 0;
                for (k, s) in stage.steps.iter().enumerate() {
                    let Some(change) = &s.change else { continue };
                    change
                        .removed
                        .iter()
                        .for_each(|v| assert!(there.remove(v), "removed what was not there"));
                    there.extend(
                        (made..made + change.made.len()).map(|node| StepValue::Made { node, index: 0 }),
                    );
                    made += change.made.len();
                    single += usize::from(change.made.len() <= 3);
                    let (after, reached) = Replay::of(before, &stage.steps[..=k]);
                    if let Err(why) = same_values(&mut r, level, before, &after) {
                        panic!("step {k}, {}: {why}\n{before}{after}", s.rule);
                    }
                    let inputs = |v: &&StepValue| !matches!(v, StepValue::Graph(g) if !source(&g.node));
                    let reached: BTreeSet<StepValue> = reached.iter().filter(inputs).copied().collect();
                    assert!(reached.is_subset(&there), "{}\n{before}{after}", s.rule);
                    if k + 1 == stage.steps.len() {
                        assert_eq!(reached, there, "{before}{after}");
                        assert_eq!(lines(&after), lines(&stage.graph));
                    }
                }
                before = &stage.graph;
            }
        }
        assert!(single > 100, "{single} steps of a few nodes");
    }
}
