//! What a rewrite rule is: one line of data, and how egg runs it.

use super::analysis::{Applied, Egraph, TensorAnalysis};
use super::facts::{Origin, Range, Structure};
use super::language::{AttrsId, ENode, Head};
use crate::make::Make;
use crate::pass::MathLevel;
use crate::rebuild::Ranges;
use egg::{
    Applier, ENodeOrVar, Id, Language, Pattern, PatternAst, Rewrite, SearchMatches, Searcher, Subst, Symbol,
    Var,
};
use frit_ir::infer::infer;
use frit_ir::{Attrs, DType, Op, Scalar, TensorType};

/// A named rewrite. It never changes a type: an application that would is dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// The least level at which it applies to float and complex results.
    pub(crate) class: MathLevel,
    /// The same for integer and bool results, where many float identities are exact.
    pub(crate) int_class: MathLevel,
    pub(crate) form: Form,
}

/// How a rule matches.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// `from` becomes `to`, where the condition holds if there is one.
    Pattern { from: &'static str, to: &'static str, when: Option<Condition> },
    /// A node with one of these ops.
    Node(&'static [Op], NodeFn),
    /// One result of a node with this op, which has several.
    Result(Op, u32, NodeFn),
    /// A node with one of these ops, together with a node that computes its operand 0.
    Pair(&'static [Op], PairFn),
}

/// A side condition on the variables of a pattern.
pub(crate) type Condition = fn(&Rewriter<'_>, &Subst) -> bool;
/// Makes the replacement of a node.
pub(crate) type NodeFn = fn(&mut Rewriter<'_>, &ENode) -> Option<Id>;
/// Makes the replacement of a node, given one form of its operand 0.
pub(crate) type PairFn = fn(&mut Rewriter<'_>, &ENode, &ENode) -> Option<Id>;

/// A pattern rule without condition.
pub(crate) const fn pattern(
    name: &'static str,
    class: MathLevel,
    from: &'static str,
    to: &'static str,
) -> Rule {
    Rule { name, class, int_class: class, form: Form::Pattern { from, to, when: None } }
}

/// A rule about nodes with certain ops.
pub(crate) const fn node(name: &'static str, class: MathLevel, ops: &'static [Op], f: NodeFn) -> Rule {
    Rule { name, class, int_class: class, form: Form::Node(ops, f) }
}

/// A rule about nodes with certain ops and the form of operand 0.
pub(crate) const fn pair(name: &'static str, class: MathLevel, ops: &'static [Op], f: PairFn) -> Rule {
    Rule { name, class, int_class: class, form: Form::Pair(ops, f) }
}

/// A rule about one result of an op that has several; it is given the node.
pub(crate) const fn result(name: &'static str, class: MathLevel, op: Op, index: u32, f: NodeFn) -> Rule {
    Rule { name, class, int_class: class, form: Form::Result(op, index, f) }
}

impl Rule {
    /// Only where the condition holds.
    pub(crate) const fn when(self, when: Condition) -> Rule {
        match self.form {
            Form::Pattern { from, to, .. } => {
                Rule { form: Form::Pattern { from, to, when: Some(when) }, ..self }
            }
            _ => self,
        }
    }

    /// Wrapping integer arithmetic makes it exact there.
    pub(crate) const fn exact_for_ints(self) -> Rule {
        Rule { int_class: MathLevel::Exact, ..self }
    }

    /// The level it needs on results of a type.
    pub(crate) fn level(&self, dtype: DType) -> MathLevel {
        if dtype.is_inexact() { self.class } else { self.int_class }
    }

    /// The rule as egg runs it; `index` names it in the record of applications.
    pub(crate) fn compile(&'static self, index: usize, math: MathLevel) -> Rewrite<ENode, TensorAnalysis> {
        let run = Run { rule: self, index, math };
        let new = |r| match r {
            Ok(r) => r,
            Err(e) => panic!("rule {}: {e}", self.name),
        };
        match self.form {
            Form::Pattern { from, to, .. } => {
                let parse = |s: &str| -> Pattern<ENode> {
                    s.parse().unwrap_or_else(|e| panic!("rule {}: {e}", self.name))
                };
                let (from, to) = (parse(from), parse(to));
                let applier = PatternRun { run, from: from.ast.clone(), to: to.ast };
                new(Rewrite::new(self.name, Fresh(from), applier))
            }
            Form::Node(ops, _) | Form::Pair(ops, _) => {
                let heads = ops.iter().map(|op| Head::Op(*op)).collect();
                new(Rewrite::new(self.name, ByHead(heads), run))
            }
            Form::Result(_, index, _) => new(Rewrite::new(self.name, ByHead(vec![Head::Result(index)]), run)),
        }
    }
}

/// The e-graph as a rule sees it.
pub(crate) struct Rewriter<'a> {
    pub(crate) egraph: &'a mut Egraph,
    /// Other nodes that the rule has a replacement for, besides the one that it matched.
    also: Vec<(ENode, Id)>,
}

impl<'a> Rewriter<'a> {
    fn new(egraph: &'a mut Egraph) -> Rewriter<'a> {
        Rewriter { egraph, also: Vec::new() }
    }

    /// Replaces another node of the program, too: a value that is at hand with the replacement of the one that matched.
    pub(crate) fn also(&mut self, node: ENode, to: Id) {
        self.also.push((node, to));
    }

    /// The value of every element, if it is known.
    pub(crate) fn value(&self, id: Id) -> Option<Scalar> {
        self.egraph[id].data.constant
    }

    /// True if every element is this number.
    pub(crate) fn is(&self, id: Id, number: f64) -> bool {
        self.value(id).is_some_and(|c| c == Scalar::from_f64(c.dtype(), number))
    }

    /// Attributes of an e-node.
    pub(crate) fn attrs(&self, node: &ENode) -> Attrs {
        self.egraph.analysis.attrs.get(node.attrs).clone()
    }

    /// Every element is NaN or has a clear sign bit.
    pub(crate) fn nonnegative(&self, id: Id) -> bool {
        self.range(id).nonnegative()
    }

    /// The values that elements can have.
    pub(crate) fn range(&self, id: Id) -> Range {
        self.egraph[id].data.range
    }

    /// What is known of the elements by where they are.
    pub(crate) fn structure(&self, id: Id) -> Structure {
        self.egraph[id].data.structure
    }

    /// One result of an op that has several, applied to operands.
    pub(crate) fn result(&mut self, op: Op, attrs: Attrs, inputs: &[Id], index: u32) -> Option<Id> {
        let all = self.node(op, attrs, inputs)?;
        let node = ENode { head: Head::Result(index), attrs: AttrsId::default(), children: vec![all] };
        Some(self.egraph.add(node))
    }

    /// The forms of a class with a given op.
    pub(crate) fn forms(&self, id: Id, op: Op) -> Vec<ENode> {
        self.egraph[id].nodes.iter().filter(|n| n.op() == Some(op)).cloned().collect()
    }

    /// The first form of a class with a given op.
    pub(crate) fn form(&self, id: Id, op: Op) -> Option<ENode> {
        self.egraph[id].nodes.iter().find(|n| n.op() == Some(op)).cloned()
    }

    /// A 0-d constant of a type.
    pub(crate) fn number(&mut self, dtype: DType, value: f64) -> Option<Id> {
        self.constant(Scalar::from_f64(dtype, value))
    }

    /// Builds the right-hand side of a pattern.
    fn instantiate(&mut self, ast: &PatternAst<ENode>, subst: &Subst) -> Option<Id> {
        let mut ids: Vec<Id> = Vec::with_capacity(ast.len());
        for n in ast.iter() {
            let id = match n {
                ENodeOrVar::Var(v) => *subst.get(*v)?,
                ENodeOrVar::ENode(n) => {
                    let inputs: Vec<Id> = n.children.iter().map(|c| ids[usize::from(*c)]).collect();
                    self.node(n.op()?, Attrs::NONE, &inputs)?
                }
            };
            ids.push(id);
        }
        ids.last().copied()
    }

    /// The variable of a pattern.
    pub(crate) fn var(&self, subst: &Subst, name: &str) -> Id {
        let var: Var = name.parse().expect("a pattern variable");
        subst[var]
    }
}

impl Make for Rewriter<'_> {
    type V = Id;

    fn ty(&self, v: Id) -> TensorType {
        self.egraph[v].data.types[0].clone()
    }

    fn node(&mut self, op: Op, attrs: Attrs, inputs: &[Id]) -> Option<Id> {
        let attrs = self.egraph.analysis.attrs.intern(attrs);
        let proof = self.egraph.are_explanations_enabled();
        // A proof is about terms: an operand stays the one that was made, not one that is equal.
        let children = inputs.iter().map(|i| if proof { *i } else { self.egraph.find(*i) }).collect();
        let node = ENode { head: Head::Op(op), attrs, children };
        if let Some(id) = self.egraph.lookup(node.clone()) {
            return Some(if proof { self.egraph.add_uncanonical(node) } else { id });
        }
        let types: Vec<&TensorType> = node.children.iter().map(|c| &self.egraph[*c].data.types[0]).collect();
        let types = infer(op, self.egraph.analysis.attrs.get(attrs), &types).ok()?;
        self.egraph.analysis.pending = Some(types.into());
        Some(if proof { self.egraph.add_uncanonical(node) } else { self.egraph.add(node) })
    }

    fn ranges(&self) -> &Ranges {
        &self.egraph.analysis.ranges
    }
}

/// Finds the classes that hold a node with one of the heads.
struct ByHead(Vec<Head>);

impl Searcher<ENode, TensorAnalysis> for ByHead {
    fn search_eclass_with_limit(
        &self,
        egraph: &Egraph,
        id: Id,
        _: usize,
    ) -> Option<SearchMatches<'_, ENode>> {
        let hit = egraph[id].nodes.iter().any(|n| self.0.contains(&n.head));
        hit.then(|| SearchMatches { eclass: id, substs: vec![Subst::default()], ast: None })
    }

    fn search_with_limit(&self, egraph: &Egraph, limit: usize) -> Vec<SearchMatches<'_, ENode>> {
        let mut classes: Vec<Id> = Vec::new();
        for head in &self.0 {
            classes.extend(egraph.classes_for_op(head).into_iter().flatten());
        }
        classes.sort_unstable();
        classes.dedup();
        let all = classes
            .into_iter()
            .filter(|id| may_match(egraph, *id))
            .filter_map(|id| self.search_eclass_with_limit(egraph, id, 1));
        all.take(limit).collect()
    }

    fn vars(&self) -> Vec<Var> {
        vec![]
    }
}

/// Whether a class may have matches that the last search did not see.
fn may_match(egraph: &Egraph, id: Id) -> bool {
    egraph.analysis.fresh.get(usize::from(id)).copied().unwrap_or(true)
}

/// Finds matches of a pattern that may be new.
struct Fresh(Pattern<ENode>);

impl Searcher<ENode, TensorAnalysis> for Fresh {
    fn search_eclass_with_limit(
        &self,
        egraph: &Egraph,
        id: Id,
        limit: usize,
    ) -> Option<SearchMatches<'_, ENode>> {
        self.0.search_eclass_with_limit(egraph, id, limit)
    }

    fn search_with_limit(&self, egraph: &Egraph, limit: usize) -> Vec<SearchMatches<'_, ENode>> {
        let Some(ENodeOrVar::ENode(root)) = self.0.ast.last() else { return vec![] };
        let mut classes: Vec<Id> = egraph.classes_for_op(&root.head).into_iter().flatten().collect();
        classes.retain(|id| may_match(egraph, *id));
        classes.sort_unstable();
        let mut left = limit;
        let mut found = Vec::new();
        for id in classes {
            if left == 0 {
                break;
            }
            if let Some(m) = self.0.search_eclass_with_limit(egraph, id, left) {
                left -= m.substs.len().min(left);
                found.push(m);
            }
        }
        found
    }

    fn vars(&self) -> Vec<Var> {
        Searcher::<ENode, TensorAnalysis>::vars(&self.0)
    }
}

#[derive(Clone, Copy)]
struct Run {
    rule: &'static Rule,
    index: usize,
    math: MathLevel,
}

/// What a rule matched, for proofs.
#[derive(Clone, Copy)]
enum Matched<'a> {
    Node,
    /// With this form of operand 0.
    Pair(&'a ENode),
    Pattern(&'a PatternAst<ENode>, &'a Subst),
}

impl Matched<'_> {
    /// The expression that matched, whose root is `node`.
    fn term(self, egraph: &mut Egraph, node: &ENode) -> Option<Id> {
        match self {
            Matched::Node => Some(egraph.add_uncanonical(node.clone())),
            Matched::Pair(inner) => {
                let mut node = node.clone();
                node.children[0] = egraph.add_uncanonical(inner.clone());
                Some(egraph.add_uncanonical(node))
            }
            Matched::Pattern(ast, subst) => Rewriter::new(egraph).instantiate(ast, subst),
        }
    }
}

impl Run {
    /// Joins a replacement with its class, if it has the same type.
    fn join(&self, egraph: &mut Egraph, root: Id, from: ENode, to: Id, matched: Matched<'_>) -> Option<Id> {
        if egraph[root].data.types != egraph[to].data.types {
            return None;
        }
        let new = if egraph.are_explanations_enabled() {
            let term = matched.term(egraph, &from)?;
            egraph.union_trusted(term, to, self.rule.name)
        } else {
            egraph.union(root, to)
        };
        if !new {
            return None;
        }
        let inner = match matched {
            Matched::Pair(inner) => Some((from.children[0], inner.clone())),
            Matched::Node | Matched::Pattern(..) => None,
        };
        let together = false;
        egraph.analysis.applied.push(Applied { rule: self.index, root, from, inner, to, together });
        Some(to)
    }

    /// Whether the rule's class allows it on this class; sets the origin of what it makes.
    fn enter(&self, egraph: &mut Egraph, root: Id) -> bool {
        if full(egraph) {
            return false;
        }
        let data = &egraph[root].data;
        let allowed = self.rule.level(data.types[0].dtype) <= self.math;
        egraph.analysis.origin = Origin { made: true, loc: data.origin.loc };
        allowed
    }
}

impl Applier<ENode, TensorAnalysis> for Run {
    fn apply_one(
        &self,
        egraph: &mut Egraph,
        root: Id,
        _: &Subst,
        _: Option<&PatternAst<ENode>>,
        _: Symbol,
    ) -> Vec<Id> {
        if !self.enter(egraph, root) {
            return vec![];
        }
        let mut changed = Vec::new();
        let wanted = |n: &ENode, ops: &[Op]| n.op().is_some_and(|op| ops.contains(&op));
        match self.rule.form {
            Form::Node(ops, f) => {
                let nodes: Vec<ENode> =
                    egraph[root].nodes.iter().filter(|n| wanted(n, ops)).cloned().collect();
                for n in nodes {
                    if full(egraph) {
                        return changed;
                    }
                    let to = f(&mut Rewriter::new(egraph), &n);
                    changed.extend(to.and_then(|to| self.join(egraph, root, n, to, Matched::Node)));
                }
            }
            Form::Pair(ops, f) => {
                let nodes: Vec<ENode> =
                    egraph[root].nodes.iter().filter(|n| wanted(n, ops)).cloned().collect();
                for n in nodes {
                    let inner: Vec<ENode> = egraph[n.children[0]].nodes.clone();
                    for i in inner {
                        if full(egraph) {
                            return changed;
                        }
                        if !egraph.analysis.seen.insert((self.index, n.clone(), i.clone())) {
                            continue;
                        }
                        let mut rewriter = Rewriter::new(egraph);
                        let to = f(&mut rewriter, &n, &i);
                        let also = rewriter.also;
                        let matched = Matched::Pair(&i);
                        let first = to.and_then(|to| self.join(egraph, root, n.clone(), to, matched));
                        let mut together = first.is_some();
                        changed.extend(first);
                        for (node, to) in also {
                            let class = egraph.lookup(node.clone());
                            let to = class.and_then(|c| self.join(egraph, c, node, to, Matched::Node));
                            if let (Some(to), Some(last)) = (to, egraph.analysis.applied.last_mut()) {
                                last.together = std::mem::replace(&mut together, true);
                                changed.push(to);
                            }
                        }
                    }
                }
            }
            Form::Result(op, index, f) => {
                let results: Vec<ENode> =
                    egraph[root].nodes.iter().filter(|n| n.head == Head::Result(index)).cloned().collect();
                for n in results {
                    let nodes = egraph[n.children[0]].nodes.iter().filter(|m| m.op() == Some(op));
                    let nodes: Vec<ENode> = nodes.cloned().collect();
                    for m in nodes {
                        if full(egraph) {
                            return changed;
                        }
                        let to = f(&mut Rewriter::new(egraph), &m);
                        let matched = Matched::Pair(&m);
                        changed.extend(to.and_then(|to| self.join(egraph, root, n.clone(), to, matched)));
                    }
                }
            }
            Form::Pattern { .. } => {}
        }
        changed
    }
}

/// Pairs of nodes looked at per node that the e-graph may have.
const PAIRS: usize = 128;

/// Whether the search has made all the nodes that it may, or looked at as many pairs: a large class that is its own
/// operand has as many pairs as the square of its size.
fn full(egraph: &Egraph) -> bool {
    let a = &egraph.analysis;
    egraph.total_size() >= a.most || a.seen.len() / PAIRS >= a.most
}

struct PatternRun {
    run: Run,
    from: PatternAst<ENode>,
    to: PatternAst<ENode>,
}

impl Applier<ENode, TensorAnalysis> for PatternRun {
    fn apply_one(
        &self,
        egraph: &mut Egraph,
        root: Id,
        subst: &Subst,
        _: Option<&PatternAst<ENode>>,
        _: Symbol,
    ) -> Vec<Id> {
        let Form::Pattern { when, .. } = self.run.rule.form else { return vec![] };
        if !self.run.enter(egraph, root) || when.is_some_and(|when| !when(&Rewriter::new(egraph), subst)) {
            return vec![];
        }
        let Some(from) = matched_node(egraph, &self.from, subst) else { return vec![] };
        let Some(to) = Rewriter::new(egraph).instantiate(&self.to, subst) else { return vec![] };
        self.run.join(egraph, root, from, to, Matched::Pattern(&self.from, subst)).into_iter().collect()
    }

    fn vars(&self) -> Vec<Var> {
        self.to.iter().filter_map(|n| if let ENodeOrVar::Var(v) = n { Some(*v) } else { None }).collect()
    }
}

/// The e-node that the root of a pattern matched.
fn matched_node(egraph: &Egraph, ast: &PatternAst<ENode>, subst: &Subst) -> Option<ENode> {
    let mut ids: Vec<Id> = Vec::with_capacity(ast.len());
    let mut root = None;
    for n in ast.iter() {
        match n {
            ENodeOrVar::Var(v) => ids.push(*subst.get(*v)?),
            ENodeOrVar::ENode(n) => {
                let node = n.clone().map_children(|c| egraph.find(ids[usize::from(c)]));
                ids.push(egraph.lookup(node.clone())?);
                root = Some(node);
            }
        }
    }
    root
}
