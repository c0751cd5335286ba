//! The search for a cheaper form of one piece: fill an e-graph, saturate it, take the best program out.

use super::analysis::{Egraph, TensorAnalysis, refresh};
use super::cost::program::{Cost, Items};
use super::cost::{CostModel, Kind, Measure};
use super::explain::{self, Fired};
use super::extract::{Choice, Table};
use super::facts::{Facts, Origin};
use super::language::{ENode, Head};
use super::piece::ValueMap;
use super::rules;
use super::show::{applied_rule, tree_size};
use crate::explain::{Lost, Notes, Proof, ProofStep, Step, Why};
use crate::pass::MathLevel;
use crate::rebuild::{PerValue, Ranges};
use egg::{FlatTerm, Id, Language, Runner, SimpleScheduler, StopReason};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, NodeId, Value};
use frit_ir::ops::Class;
use frit_ir::{Key, Loc, Op, TensorType};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Rounds of rule application.
const ITERATIONS: usize = 16;
/// The search stops when the e-graph has this many nodes per node of the piece, and some more.
const GROWTH: usize = 20;

/// How an expression became another one.
pub(super) struct Derivation {
    loc: Loc,
    /// Which node of the program.
    original: usize,
    pub(super) terms: Vec<FlatTerm<ENode>>,
}

/// Candidates noted per piece.
const LOST: usize = 64;
/// Expressions up to this many nodes, shared ones counted in each place, are proved in full.
const LARGEST_TERM: usize = 400;

/// The e-graph of a piece, with the ties to the graph around it.
pub(super) struct Search<'a> {
    graph: &'a Graph,
    pub(super) egraph: Egraph,
    /// Values of the graph that are leaves here.
    pub(super) leaves: Vec<Value>,
    /// Values that must be computed, with their classes.
    pub(super) roots: Vec<(Value, Id)>,
    /// The program as it was.
    pub(super) original: Vec<Original>,
    nodes: usize,
}

/// A value of the program as it was.
pub(super) struct Original {
    pub(super) node: ENode,
    /// The class that it made.
    pub(super) class: Id,
    /// Where the graph has it.
    pub(super) value: Value,
    /// Whether it is made by the piece; leaves and constants from outside are not.
    pub(super) inside: bool,
}

/// A cheaper program.
pub(super) struct Better {
    /// The chosen node of each class that it needs, operands first.
    pub(super) order: Vec<(Id, ENode)>,
    /// The rules behind it.
    pub(super) fired: Vec<Fired>,
    /// The same one by one.
    pub(super) steps: Vec<Step>,
    pub(super) after: Cost,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        ranges: &Ranges,
        piece: &[NodeId],
        exported: &PerValue<bool>,
    ) -> Search<'a> {
        Search::with_proofs(graph, ranges, piece, exported, false)
    }

    /// With an e-graph that remembers why classes are equal, if asked.
    pub(super) fn with_proofs(
        graph: &'a Graph,
        ranges: &Ranges,
        piece: &[NodeId],
        exported: &PerValue<bool>,
        proof: bool,
    ) -> Search<'a> {
        let egraph = Egraph::new(TensorAnalysis::new(ranges));
        let mut s = Search {
            graph,
            egraph: if proof { egraph.with_explanations_enabled() } else { egraph },
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
            let first = s.add_node(graph, *id, children, true);
            for index in 0..node.types.len() as u32 {
                let v = Value { node: *id, index };
                let class = if node.types.len() == 1 {
                    first
                } else {
                    let result =
                        ENode { head: Head::Result(index), attrs: Default::default(), children: vec![first] };
                    s.add(result, v, true)
                };
                classes.insert(v, class);
                if exported[v] {
                    s.roots.push((v, class));
                }
            }
        }
        s
    }

    fn add(&mut self, node: ENode, value: Value, inside: bool) -> Id {
        let class = self.egraph.add(node.clone());
        self.original.push(Original { node, class, value, inside });
        class
    }

    fn origin(&mut self, loc: &Loc) -> Origin {
        let locs = &mut self.egraph.analysis.locs;
        if locs.last() != Some(loc) {
            locs.push(loc.clone());
        }
        Origin { made: false, loc: locs.len() as u32 - 1 }
    }

    fn add_node(&mut self, graph: &Graph, id: NodeId, children: Vec<Id>, inside: bool) -> Id {
        let node = graph.node(id);
        self.egraph.analysis.origin = self.origin(&node.loc);
        self.egraph.analysis.pending = Some(node.types.clone().into());
        let attrs = self.egraph.analysis.attrs.intern(node.attrs.clone());
        let value = Value { node: id, index: 0 };
        let class = self.add(ENode { head: Head::Op(node.op), attrs, children }, value, inside);
        self.egraph.analysis.pending = None;
        class
    }

    /// An operand from outside: constants are repeated here, anything else is a leaf.
    fn outside(&mut self, graph: &Graph, v: Value) -> Id {
        let node = graph.def(v);
        if node.op.class() == Class::Source && node.op != Op::Input {
            return self.add_node(graph, v.node, vec![], false);
        }
        let k = self.leaves.len() as u32;
        let origin = self.origin(&node.loc);
        let types: Vec<TensorType> = vec![graph.ty(v).clone()];
        self.egraph.analysis.leaves.push(Facts::unknown(types.into(), origin));
        self.leaves.push(v);
        self.add(ENode { head: Head::Leaf(k), attrs: Default::default(), children: vec![] }, v, false)
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
            .with_hook(|runner| {
                refresh(&mut runner.egraph);
                Ok(())
            })
            .run(rules::compiled(math));
        self.egraph = runner.egraph;
        match runner.stop_reason {
            Some(StopReason::Saturated) => "saturated".into(),
            Some(StopReason::IterationLimit(n)) => format!("stopped after {n} rounds"),
            Some(StopReason::NodeLimit(_)) => "stopped at the node limit".into(),
            other => format!("{other:?}"),
        }
    }

    /// The best program found, if it costs less than the original; notes of candidates that lost, if someone asked.
    pub(super) fn better(
        &self,
        piece: &[NodeId],
        costs: &mut CostModel,
        notes: Option<&mut Notes>,
    ) -> Option<Better> {
        if self.egraph.analysis.applied.is_empty() {
            return None;
        }
        let before = self.cost_before(piece, costs);
        let table = Table::new(&self.egraph, costs, self.roots.iter().map(|(_, class)| *class));
        let roots = self.root_classes(&table);
        let original = self.original_choice(&table);
        let mut items = Items::default();
        let mut choice = table.greedy();
        let improved = table.improve(&mut choice, &original, &roots);
        if improved.is_none_or(|c| !c.beats(&before)) {
            // Where the greedy choice loses, the program itself is the place to start from: equal values are one.
            choice = original.iter().zip(&choice).map(|(o, c)| o.or(*c)).collect();
        }
        let after = table.advance(&mut choice, &roots).filter(|c| c.beats(&before));
        if let Some(notes) = notes.filter(|n| n.what.lost) {
            self.lost(&table, &choice, &roots, notes);
        }
        let after = after?;
        let order = table.order(&choice, &roots)?;
        let chosen = |k: &u32| choice[*k as usize].expect("a form of what is ordered");
        let node = |k: &u32| (table.ids[*k as usize], table.node(*k, chosen(k)).clone());
        let order: Vec<(Id, ENode)> = order.iter().map(node).collect();
        let mut fired = self.explain(&order);
        for f in &mut fired {
            let Some(k) = table.at(f.root).map(|k| k as usize) else { continue };
            let Some(was) = original[k].filter(|o| Some(*o) != choice[k]) else { continue };
            let now = choice[k].replace(was);
            if let Some(cost) = table.cost(&choice, &roots, &mut items) {
                f.saved = cost.minus(&after);
            }
            choice[k] = now;
        }
        let steps = self.steps(&table, &choice, &roots, &fired);
        Some(Better { order, fired, steps, after })
    }

    /// The candidates of rules that are no part of the program.
    fn lost(&self, table: &Table<'_>, choice: &Choice, roots: &[u32], notes: &mut Notes) {
        let mut items = Items::default();
        let (Some(order), Some(now)) = (table.order(choice, roots), table.cost(choice, roots, &mut items))
        else {
            return;
        };
        let mut needed = vec![false; table.ids.len()];
        order.iter().for_each(|k| needed[*k as usize] = true);
        let form = |id: Id| {
            let k = table.at(id)?;
            choice[k as usize].map(|f| table.node(k, f).clone())
        };
        let mut told: HashSet<(usize, u32)> = HashSet::new();
        let mut other = choice.clone();
        for a in &self.egraph.analysis.applied {
            let Some(k) = table.at(a.root) else { continue };
            let Some(candidate) = table.form(k, self.egraph.id_to_node(a.to)) else { continue };
            let current = choice[k as usize];
            if !needed[k as usize]
                || current == Some(candidate)
                || told.len() >= LOST
                || !told.insert((a.rule, k))
            {
                continue;
            }
            other[k as usize] = Some(candidate);
            let why = match table.cost(&other, roots, &mut items) {
                Some(cost) => Why::Costs((cost.seconds - now.seconds).max(0.0)),
                None => Why::Circular,
            };
            other[k as usize] = current;
            let rule = rules::get(a.rule);
            let Some(kept) = form(a.root) else { continue };
            notes.lost.push(Lost {
                rule: rule.name,
                class: rule.level(self.egraph[a.root].data.types[0].dtype),
                loc: self.loc(a.root),
                kept: self.show(&kept, &form),
                candidate: self.show(table.node(k, candidate), &form),
                why,
            });
        }
    }

    /// What this search of a looser level found that another one, at `math`, may not use.
    pub(super) fn forbidden(
        &self,
        found: Option<&Better>,
        allowed: Option<&Better>,
        math: MathLevel,
        notes: &mut Notes,
    ) {
        let Some(found) = found.filter(|f| allowed.is_none_or(|a| f.after.beats(&a.after))) else { return };
        let forms: HashMap<Id, &ENode> = found.order.iter().map(|(id, n)| (*id, n)).collect();
        let form = |id: Id| forms.get(&id).map(|n| (*n).clone());
        for f in found.fired.iter().filter(|f| f.class > math) {
            notes.lost.push(Lost {
                rule: f.name,
                class: f.class,
                loc: f.loc.clone(),
                kept: self.show(&f.before, &form),
                candidate: self.show(&f.after, &form),
                why: Why::Needs(f.class, f.saved.seconds.max(0.0)),
            });
        }
    }

    /// Notes why each expression of the program equals what replaced it.
    pub(super) fn proofs(&mut self, better: &Better, notes: &mut Notes) {
        for d in self.derivations(better) {
            let Some((first, rest)) = d.terms.split_first() else {
                let was = self.original_forms();
                let form = |id: Id| was.get(&id).map(|n| (*n).clone());
                let before = self.show(&self.original[d.original].node, &form);
                notes.proofs.push(Proof { loc: d.loc, before, steps: vec![] });
                continue;
            };
            let steps = rest.iter().filter_map(|t| {
                let (rule, backward) = applied_rule(t)?;
                Some(ProofStep { rule: rule.name, backward, after: self.show_term(t) })
            });
            let steps = steps.collect();
            notes.proofs.push(Proof { loc: d.loc, before: self.show_term(first), steps });
        }
    }

    /// For each expression of the program that was replaced, the terms from it to what is computed: nothing if they are
    /// too large. Nothing at all unless the e-graph remembers why classes are equal.
    pub(super) fn derivations(&mut self, better: &Better) -> Vec<Derivation> {
        let mut out = Vec::new();
        if !self.egraph.are_explanations_enabled() {
            return out;
        }
        let find = |id: Id| self.egraph.find(id);
        let sizes = tree_size(better.order.iter().map(|(id, n)| (*id, n)), &find);
        let original_sizes = tree_size(self.original.iter().map(|o| (find(o.class), &o.node)), &find);
        // The terms that are computed: e-nodes on terms, not on classes.
        let mut terms: HashMap<Id, Id> = HashMap::new();
        for (class, n) in &better.order {
            let node = n.clone().map_children(|c| terms[&self.egraph.find(c)]);
            let term = self.egraph.add_uncanonical(node);
            terms.insert(*class, term);
        }
        let replaced: HashSet<Id> = better.fired.iter().map(|f| self.egraph.find(f.root)).collect();
        let mut told: HashSet<Id> = HashSet::new();
        for k in 0..self.original.len() {
            let id = self.original[k].class;
            let class = self.egraph.find(id);
            // A form that only another rule matched is no part of the program.
            if !replaced.contains(&class) || !terms.contains_key(&class) || !told.insert(class) {
                continue;
            }
            let loc = self.loc(class);
            let size = |sizes: &HashMap<Id, usize>| sizes.get(&class).copied().unwrap_or(0);
            if size(&sizes).max(size(&original_sizes)) > LARGEST_TERM {
                out.push(Derivation { loc, original: k, terms: vec![] });
                continue;
            }
            let mut explanation = self.egraph.explain_id_equivalence(id, terms[&class]);
            out.push(Derivation { loc, original: k, terms: explanation.make_flat_explanation().clone() });
        }
        out
    }

    /// The forms of the program as it was, by class.
    pub(super) fn original_forms(&self) -> HashMap<Id, &ENode> {
        let mut forms = HashMap::new();
        for o in &self.original {
            forms.entry(self.egraph.find(o.class)).or_insert(&o.node);
        }
        forms
    }

    fn loc(&self, class: Id) -> Loc {
        self.egraph.analysis.locs[self.egraph[class].data.origin.loc as usize].clone()
    }

    /// How a value from outside is written.
    pub(super) fn leaf_name(&self, k: u32) -> String {
        let v = self.leaves[k as usize];
        let node = self.graph.def(v);
        match node.op {
            Op::Input => self.graph.inputs[node.attrs.int(Key::Position) as usize].name.to_string(),
            _ if node.types.len() > 1 => format!("%{}.{}", v.node.0, v.index),
            _ => format!("%{}", v.node.0),
        }
    }

    /// Positions of the classes that must be computed.
    pub(super) fn root_classes(&self, table: &Table<'_>) -> Vec<u32> {
        let at = |class| table.at(class).expect("roots are in the table");
        self.roots.iter().map(|(_, class)| at(*class)).collect()
    }

    /// The forms of the program as it was. Where two of its values turned out equal, the first.
    pub(super) fn original_choice(&self, table: &Table<'_>) -> Choice {
        let mut choice: Choice = vec![None; table.ids.len()];
        for o in &self.original {
            let Some(k) = table.at(o.class) else { continue };
            if choice[k as usize].is_none() {
                choice[k as usize] = table.form(k, &o.node);
            }
        }
        choice
    }

    fn cost_before(&self, piece: &[NodeId], costs: &mut CostModel) -> Cost {
        let graph = self.graph;
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
        let original: HashSet<ENode> = self.original.iter().map(|o| canonical(&o.node)).collect();
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
                Head::Leaf(k) => map[self.leaves[k as usize]],
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
            map[*v] = built[&self.egraph.find(*class)];
        }
        Ok(())
    }
}
