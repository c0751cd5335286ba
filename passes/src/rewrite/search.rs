//! The search for a cheaper form of one piece: fill an e-graph, saturate it, take the best program out.

use super::analysis::{Egraph, TensorAnalysis};
use super::cost::program::{Cost, Items};
use super::cost::{CostModel, Kind, Measure};
use super::explain::{self, Fired};
use super::extract::{Choice, Table};
use super::facts::{Facts, Origin};
use super::language::{ENode, Head};
use super::piece::ValueMap;
use super::rules;
use crate::pass::MathLevel;
use crate::rebuild::Ranges;
use egg::{Id, Language, Runner, SimpleScheduler, StopReason};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, NodeId, Value};
use frit_ir::ops::Class;
use frit_ir::{Loc, TensorType};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Rounds of rule application.
const ITERATIONS: usize = 16;
/// The search stops when the e-graph has this many nodes per node of the piece, and some more.
const GROWTH: usize = 20;

/// The e-graph of a piece, with the ties to the graph around it.
pub(super) struct Search {
    pub(super) egraph: Egraph,
    /// Values of the graph that are leaves here.
    leaves: Vec<Value>,
    /// Values that must be computed, with their classes.
    pub(super) roots: Vec<(Value, Id)>,
    /// The program as it was.
    original: Vec<ENode>,
    nodes: usize,
}

/// A cheaper program.
pub(super) struct Better {
    /// The chosen node of each class that it needs, operands first.
    pub(super) order: Vec<(Id, ENode)>,
    /// The rules behind it.
    pub(super) fired: Vec<Fired>,
}

impl Search {
    pub(super) fn new(graph: &Graph, ranges: &Ranges, piece: &[NodeId], exported: &HashSet<Value>) -> Search {
        let mut s = Search {
            egraph: Egraph::new(TensorAnalysis::new(ranges)),
            leaves: Vec::new(),
            roots: Vec::new(),
            original: Vec::new(),
            nodes: piece.len(),
        };
        let mut classes: HashMap<Value, Id> = HashMap::new();
        for id in piece {
            let node = graph.node(*id);
            for v in &node.inputs {
                if !classes.contains_key(v) {
                    let class = s.outside(graph, *v);
                    classes.insert(*v, class);
                }
            }
            let children = node.inputs.iter().map(|v| classes[v]).collect();
            let first = s.add_node(graph, *id, children);
            for index in 0..node.types.len() as u32 {
                let v = Value { node: *id, index };
                let class = if node.types.len() == 1 {
                    first
                } else {
                    let result =
                        ENode { head: Head::Result(index), attrs: Default::default(), children: vec![first] };
                    s.add(result)
                };
                classes.insert(v, class);
                if exported.contains(&v) {
                    s.roots.push((v, class));
                }
            }
        }
        s
    }

    fn add(&mut self, node: ENode) -> Id {
        self.original.push(node.clone());
        self.egraph.add(node)
    }

    fn origin(&mut self, loc: &Loc) -> Origin {
        let locs = &mut self.egraph.analysis.locs;
        if locs.last() != Some(loc) {
            locs.push(loc.clone());
        }
        Origin { made: false, loc: locs.len() as u32 - 1 }
    }

    fn add_node(&mut self, graph: &Graph, id: NodeId, children: Vec<Id>) -> Id {
        let node = graph.node(id);
        self.egraph.analysis.origin = self.origin(&node.loc);
        self.egraph.analysis.pending = Some(node.types.clone().into());
        let attrs = self.egraph.analysis.attrs.intern(node.attrs.clone());
        let class = self.add(ENode { head: Head::Op(node.op), attrs, children });
        self.egraph.analysis.pending = None;
        class
    }

    /// An operand from outside: constants are repeated here, anything else is a leaf.
    fn outside(&mut self, graph: &Graph, v: Value) -> Id {
        let node = graph.def(v);
        if node.op.class() == Class::Source && node.op != frit_ir::Op::Input {
            return self.add_node(graph, v.node, vec![]);
        }
        let k = self.leaves.len() as u32;
        let origin = self.origin(&node.loc);
        let types: Vec<TensorType> = vec![graph.ty(v).clone()];
        self.egraph.analysis.leaves.push(Facts::unknown(types.into(), origin));
        self.leaves.push(v);
        self.add(ENode { head: Head::Leaf(k), attrs: Default::default(), children: vec![] })
    }

    /// Applies the rules of a level until nothing changes or a limit is reached; says which.
    pub(super) fn run(&mut self, math: MathLevel) -> String {
        let most = self.nodes * GROWTH + 500;
        self.egraph.analysis.most = most;
        let egraph = std::mem::replace(&mut self.egraph, Egraph::new(TensorAnalysis::new(&[])));
        let runner = Runner::<ENode, TensorAnalysis>::new(TensorAnalysis::new(&[]))
            .with_egraph(egraph)
            .with_scheduler(SimpleScheduler)
            .with_iter_limit(ITERATIONS)
            .with_node_limit(most)
            .with_time_limit(Duration::MAX)
            .run(rules::compiled(math));
        self.egraph = runner.egraph;
        match runner.stop_reason {
            Some(StopReason::Saturated) => "saturated".into(),
            Some(StopReason::IterationLimit(n)) => format!("stopped after {n} rounds"),
            Some(StopReason::NodeLimit(_)) => "stopped at the node limit".into(),
            other => format!("{other:?}"),
        }
    }

    /// The best program found, if it costs less than the original.
    pub(super) fn better(&self, graph: &Graph, piece: &[NodeId], costs: &mut CostModel) -> Option<Better> {
        let before = self.cost_before(graph, piece, costs);
        if self.egraph.analysis.applied.is_empty() {
            return None;
        }
        let table = Table::new(&self.egraph, costs);
        let roots = self.root_classes(&table);
        let original = self.original_choice(&table);
        let mut choice = table.greedy();
        let after = match table.improve(&mut choice, &original, &roots) {
            Some(cost) if cost.beats(&before) => cost,
            _ => {
                // Where the greedy choice loses, the program itself is the place to start from: equal values are one.
                choice = original.iter().zip(&choice).map(|(o, c)| o.or(*c)).collect();
                match table.cost(&choice, &roots, &mut Items::default()) {
                    Some(cost) if cost.beats(&before) => cost,
                    _ => return None,
                }
            }
        };
        let order = table.order(&choice, &roots)?;
        let node =
            |k: &u32| (table.ids[*k as usize], table.node(*k, choice[*k as usize].expect("ordered")).clone());
        let order: Vec<(Id, ENode)> = order.iter().map(node).collect();
        let mut fired = self.explain(&order);
        let mut items = Items::default();
        for f in &mut fired {
            let k = table.at(f.root) as usize;
            let Some(was) = original[k].filter(|o| Some(*o) != choice[k]) else { continue };
            let now = choice[k].replace(was);
            if let Some(cost) = table.cost(&choice, &roots, &mut items) {
                f.saved = Cost { peak: 0.0, ..cost.minus(&after) };
            }
            choice[k] = now;
        }
        Some(Better { order, fired })
    }

    /// Positions of the classes that must be computed.
    pub(super) fn root_classes(&self, table: &Table<'_>) -> Vec<u32> {
        self.roots.iter().map(|(_, class)| table.at(*class)).collect()
    }

    /// The forms of the program as it was. Where two of its values turned out equal, the first.
    pub(super) fn original_choice(&self, table: &Table<'_>) -> Choice {
        let mut choice: Choice = vec![None; table.ids.len()];
        for node in &self.original {
            let Some(class) = self.egraph.lookup(node.clone()) else { continue };
            let k = table.at(class);
            if choice[k as usize].is_none() {
                choice[k as usize] = table.form(k, node);
            }
        }
        choice
    }

    fn cost_before(&self, graph: &Graph, piece: &[NodeId], costs: &mut CostModel) -> Cost {
        let mut items = Items::default();
        let mut position: HashMap<NodeId, u32> = HashMap::with_capacity(piece.len() * 2);
        for v in &self.leaves {
            let leaf = Measure::outside(Kind::Leaf, std::slice::from_ref(graph.ty(*v)));
            // Several results of one node are one array here, as they are in a graph.
            position.insert(v.node, items.push(leaf, std::iter::empty()));
        }
        for id in piece {
            let n = graph.node(*id);
            let inputs: Vec<&TensorType> = n.inputs.iter().map(|v| graph.ty(*v)).collect();
            let measure = costs.measure(n.op, &n.attrs, &inputs, &n.types);
            let free = Measure { kind: Kind::Free, compute: 0.0, domain: 1.0, bytes: 0.0 };
            let mut operands = Vec::with_capacity(n.inputs.len());
            for v in &n.inputs {
                // Constants from outside are repeated.
                operands
                    .push(*position.entry(v.node).or_insert_with(|| items.push(free, std::iter::empty())));
            }
            let item = items.push(measure, operands.into_iter());
            position.insert(*id, item);
        }
        self.roots.iter().for_each(|(v, _)| items.root(position[&v.node]));
        items.cost()
    }

    /// The rules behind a program.
    fn explain(&self, order: &[(Id, ENode)]) -> Vec<Fired> {
        let canonical = |n: &ENode| n.clone().map_children(|c| self.egraph.find(c));
        let original: HashSet<ENode> = self.original.iter().map(canonical).collect();
        explain::fired(&self.egraph, &original, order, &|a| {
            let rule = rules::get(a.rule);
            (rule.name, rule.level(self.egraph[a.root].data.types[0].dtype))
        })
    }

    /// Builds the program.
    pub(super) fn emit(
        &self,
        order: &[(Id, ENode)],
        b: &mut Builder,
        map: &mut ValueMap,
    ) -> Result<(), TypeError> {
        let mut built: HashMap<Id, Value> = HashMap::new();
        for (class, n) in order {
            let v = match n.head {
                Head::Leaf(k) => map[&self.leaves[k as usize]],
                Head::Result(index) => {
                    let node = built[&self.egraph.find(n.children[0])].node;
                    Value { node, index }
                }
                Head::Op(op) => {
                    let inputs: Vec<Value> =
                        n.children().iter().map(|c| built[&self.egraph.find(*c)]).collect();
                    let analysis = &self.egraph.analysis;
                    let origin = self.egraph[*class].data.origin;
                    b.set_loc(analysis.locs[origin.loc as usize].clone());
                    b.node(op, analysis.attrs.get(n.attrs).clone(), &inputs)?
                }
            };
            built.insert(*class, v);
        }
        for (v, class) in &self.roots {
            map.insert(*v, built[&self.egraph.find(*class)]);
        }
        Ok(())
    }
}
