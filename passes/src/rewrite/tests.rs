//! Every rule, applied alone to random graphs that it matches, gives the same values: the same bits for exact
//! rules, values equal up to rounding for the others.

use super::cost::CostModel;
use super::extract::Table;
use super::language::{ENode, Head};
use super::rule::{Form, Rule, pattern};
use super::rules;
use super::search::Search;
use crate::make::Make;
use crate::pass::MathLevel;
use crate::rebuild::PerValue;
use crate::testing::examples::{self, Example, examples};
use crate::testing::generate::{Random, informed, value};
use crate::testing::library::system;
use crate::testing::same_values;
use egg::Language as _;
use egg::{Runner, SimpleScheduler};
use frit_ir::build::Builder;
use frit_ir::graph::{Graph, NodeId, Value};
use frit_ir::{Attrs, Op};
use std::collections::HashMap;

/// The graph after one application of one rule, and the level it needed.
fn apply(index: usize, rule: &'static Rule, graph: &Graph) -> Option<(Graph, MathLevel)> {
    let nodes: Vec<NodeId> = graph.ids().filter(|id| graph.node(*id).op != Op::Input).collect();
    let mut exported = PerValue::new(graph, false);
    graph.outputs.iter().for_each(|v| exported[*v] = true);
    let mut search = Search::new(graph, &[], &nodes, &exported);
    search.egraph.rebuild();
    let runner = Runner::<ENode, _>::new(super::analysis::TensorAnalysis::new(&[]))
        .with_egraph(search.egraph)
        .with_scheduler(SimpleScheduler)
        .with_iter_limit(1)
        .run(&[rule.compile(index, MathLevel::Fast)]);
    search.egraph = runner.egraph;
    let applied = search.egraph.analysis.applied.first()?.clone();
    let table =
        Table::new(&search.egraph, &mut CostModel::default(), search.roots.iter().map(|(_, class)| *class));
    let mut choice = table.greedy();
    let root = search.egraph.find(applied.root);
    let to = search.egraph.id_to_node(applied.to);
    let level = rule.level(search.egraph[root].data.types[0].dtype);
    let k = table.at(root)?;
    choice[k as usize] = Some(table.form(k, to).expect("a form of its class"));
    let node = |k: u32| (table.ids[k as usize], table.node(k, choice[k as usize].expect("ordered")).clone());
    let order: Vec<_> = table.order(&choice, &search.root_classes(&table))?.into_iter().map(node).collect();
    let mut b = Builder::new("after");
    let mut map = PerValue::new(graph, crate::rebuild::GONE);
    for input in &graph.inputs {
        b.input(&input.name, input.ty.clone());
    }
    for id in graph.ids().filter(|id| graph.node(*id).op == Op::Input) {
        let k = graph.node(id).attrs.int(frit_ir::Key::Position) as u32;
        map[Value { node: id, index: 0 }] = Value { node: NodeId(k), index: 0 };
    }
    search.emit(&order, &mut b, &mut map).expect("a rule's result type-checks");
    let outputs = graph.outputs.iter().map(|v| map[*v]).collect();
    Some((b.finish(outputs), level))
}

/// Applies a rule to a graph and compares; whether it applied, or what it changed.
fn check(r: &mut Random, index: usize, rule: &'static Rule, before: &Graph) -> Result<bool, String> {
    let Some((after, level)) = apply(index, rule, before) else { return Ok(false) };
    same_values(r, level, before, &after)?;
    Ok(true)
}

/// A graph in the shape of a pattern, with random operands for its variables.
fn from_pattern(r: &mut Random, pattern: &str) -> Option<Graph> {
    let ast: egg::PatternAst<ENode> = pattern.parse().expect("a pattern");
    let mut b = Builder::new("before");
    let t = r.pick(&[
        frit_ir::DType::F64,
        frit_ir::DType::F32,
        frit_ir::DType::I64,
        frit_ir::DType::I8,
        frit_ir::DType::U16,
        frit_ir::DType::Bool,
        frit_ir::DType::C128,
    ]);
    // The tests solve real systems only, which are not close to singular.
    let systems = ["(inv ", "(solve ", "(det "].iter().any(|op| pattern.contains(op));
    let t = if systems { frit_ir::DType::F64 } else { t };
    let matrix = pattern.contains("matmul");
    let n = frit_ir::Dim::symbol("n");
    let mut vars: HashMap<String, Value> = HashMap::new();
    let mut ids: Vec<Value> = Vec::new();
    for node in ast.iter() {
        let v = match node {
            egg::ENodeOrVar::Var(v) => {
                let name = v.to_string();
                if let Some(v) = vars.get(&name) {
                    ids.push(*v);
                    continue;
                }
                let dtype = if name == "?m" || name == "?k" { frit_ir::DType::Bool } else { t };
                let constant = ["?c", "?d", "?e", "?f", "?h"].contains(&name.as_str());
                let v = if constant && r.below(6) > 0 {
                    let any = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, 4.0, 8.0, f64::NAN];
                    let powers = [1.5, 2.5, -0.5, -1.5, 0.5, 3.0, 5.0, -2.0, 9.0, 2.0];
                    let value = r.pick(if name == "?h" { &powers } else { &any });
                    b.constant(frit_ir::Scalar::from_f64(dtype, value))
                } else {
                    let shape = match (matrix, r.below(4)) {
                        (true, _) => vec![n.clone(), n.clone()],
                        (false, 0) => vec![],
                        (false, 1) => vec![frit_ir::Dim::symbol("m"), n.clone()],
                        (false, _) => vec![n.clone()],
                    };
                    if systems {
                        let x = system(r, &mut b, &n, 0)?;
                        ids.push(x);
                        vars.insert(name, x);
                        continue;
                    }
                    let x = b.input(&name[1..], frit_ir::TensorType::new(dtype, shape));
                    // Operands about which something is known, for rules that ask for it.
                    informed(r, &mut b, x)
                };
                vars.insert(name, v);
                v
            }
            egg::ENodeOrVar::ENode(n) => {
                let args: Vec<Value> = n.children().iter().map(|c| ids[usize::from(*c)]).collect();
                Make::node(&mut b, n.op()?, Attrs::NONE, &args)?
            }
        };
        ids.push(v);
    }
    let root = *ids.last()?;
    Some(b.finish(vec![root]))
}

/// Tries a rule on random graphs: how often it applied and how often it did not.
fn exercise(index: usize, rule: &'static Rule) -> Result<(usize, usize), String> {
    let mut r = Random(0x9e37_79b9_7f4a_7c15 ^ (index as u64 + 1) << 20);
    let (mut applied, mut declined) = (0, 0);
    for round in 0..6000 {
        let list = examples(rule.name);
        let graph = match rule.form {
            _ if !list.is_empty() && round % 2 == 0 => match list[round / 2 % list.len()] {
                Example::Pattern(from) => from_pattern(&mut r, from),
                Example::Graph(make) => {
                    let mut b = Builder::new("before");
                    make(&mut r, &mut b).map(|v| b.finish(vec![v]))
                }
            },
            Form::Pattern { from, .. } => from_pattern(&mut r, from),
            Form::Result(op, index, _) => {
                let mut b = Builder::new("before");
                let all = value(&mut r, &mut b, op, 1 + round % 2);
                all.map(|v| b.finish(vec![Value { index, ..v }]))
            }
            Form::Node(ops, _) | Form::Pair(ops, _) => {
                let mut b = Builder::new("before");
                let op = r.pick(ops);
                value(&mut r, &mut b, op, 1 + round % 2).map(|v| b.finish(vec![v]))
            }
        };
        let Some(graph) = graph else { continue };
        if check(&mut r, index, rule, &graph)? {
            applied += 1
        } else {
            declined += 1
        }
        if applied >= 150 {
            break;
        }
    }
    Ok((applied, declined))
}

#[test]
fn rules_keep_values() {
    let (mut idle, mut wrong) = (Vec::new(), Vec::new());
    for (index, rule) in rules::all().enumerate() {
        let (applied, declined) = match exercise(index, rule) {
            Ok(counts) => counts,
            Err(why) => {
                wrong.push(format!("rule {}: {why}", rule.name));
                continue;
            }
        };
        // Values without vectors are always to be had.
        let free = matches!(rule.form, Form::Pattern { when: None, .. } | Form::Result(..));
        let conditional = !free && !UNPROFITABLE.contains(&rule.name);
        if applied < 10 || conditional && declined == 0 {
            idle.push((rule.name, applied, declined));
        }
    }
    let first = |why: &String| why.lines().next().unwrap_or_default().to_string();
    let list: Vec<String> = wrong.iter().map(first).collect();
    assert!(wrong.is_empty(), "{list:#?}\n{}", wrong[0]);
    assert_eq!(idle, vec![], "rules that hardly ever applied, or whose condition never declined");
}

#[test]
fn examples_name_rules() {
    let unknown: Vec<&str> = examples::named().filter(|n| !rules::all().any(|r| r.name == *n)).collect();
    assert_eq!(unknown, Vec::<&str>::new(), "examples of rules that do not exist");
}

/// A pattern applied without its condition is wrong for some operands, or does not type-check: a condition that can
/// never matter is none.
#[test]
fn conditions_are_needed() {
    let mut idle = Vec::new();
    for (index, rule) in rules::all().enumerate() {
        let Form::Pattern { from, to, when: Some(_) } = rule.form else { continue };
        let free: &'static Rule =
            Box::leak(Box::new(Rule { form: Form::Pattern { from, to, when: None }, ..*rule }));
        let exempt = UNPROFITABLE.contains(&rule.name) || ABOUT_NAN.contains(&rule.name);
        if !exempt && exercise(index, free).is_ok() {
            idle.push(rule.name);
        }
    }
    assert_eq!(idle, Vec::<&str>::new(), "rules that are right without their condition");
}

/// Conditions that keep rules from being of no use rather than wrong.
const UNPROFITABLE: &[&str] = &["matmul-right", "matmul-left"];

/// Conditions about NaN in results that are not NaN otherwise: at this level NaN is not compared.
const ABOUT_NAN: &[&str] = &["square-sqrt-known"];

#[test]
fn wrong_rules_are_caught() {
    // -0.0 + 0.0 is 0.0.
    static ZERO: Rule =
        pattern("zero", MathLevel::Exact, "(add ?x ?c)", "?x").when(|r, s| r.is(r.var(s, "?c"), 0.0));
    // Integers wrap.
    static HALF: Rule = pattern("half", MathLevel::Exact, "(absolute ?x)", "(sqrt (square ?x))");
    for rule in [&ZERO, &HALF] {
        assert!(exercise(0, rule).is_err(), "{} passed", rule.name);
    }
}

/// A term of a proof as a graph over the parameters of another.
fn graph_of(term: &egg::FlatTerm<ENode>, search: &Search<'_>, like: &Graph) -> Option<Graph> {
    fn add(b: &mut Builder, s: &Search<'_>, like: &Graph, t: &egg::FlatTerm<ENode>) -> Option<Value> {
        let operands: Vec<Value> = t.children.iter().map(|c| add(b, s, like, c)).collect::<Option<_>>()?;
        match t.node.head {
            Head::Leaf(k) => {
                let name = s.leaf_name(k);
                let position = like.inputs.iter().position(|i| *i.name == *name)?;
                Some(Value { node: NodeId(position as u32), index: 0 })
            }
            Head::Result(index) => Some(Value { node: operands[0].node, index }),
            Head::Op(op) => Make::node(b, op, s.egraph.analysis.attrs.get(t.node.attrs).clone(), &operands),
        }
    }
    let mut b = Builder::new("term");
    for input in &like.inputs {
        b.input(&input.name, input.ty.clone());
    }
    let root = add(&mut b, search, like, term)?;
    Some(b.finish(vec![root]))
}

/// Each line of a proof follows from the one before by the rule that it names: both have the same values.
#[test]
fn proofs_hold() {
    let mut r = Random(11);
    let mut proved = std::collections::BTreeSet::new();
    let ops = [Op::Slice, Op::Sum, Op::Matmul, Op::Multiply, Op::Transpose, Op::Gather, Op::Where, Op::Less];
    for round in 0..400 {
        let mut b = Builder::new("proof");
        let op = r.pick(&ops);
        let depth = 1 + r.below(3);
        let Some(v) = value(&mut r, &mut b, op, depth) else { continue };
        let graph = b.finish(vec![v]);
        let level = [MathLevel::Exact, MathLevel::Reassociate, MathLevel::Fast][round % 3];
        let nodes: Vec<NodeId> = graph.ids().filter(|id| graph.node(*id).op != Op::Input).collect();
        let mut exported = PerValue::new(&graph, false);
        exported[v] = true;
        let mut search = Search::with_proofs(&graph, &[], &nodes, &exported, true);
        search.run(level);
        let Some(better) = search.better(&nodes, &mut CostModel::default(), None) else { continue };
        for d in search.derivations(&better) {
            for pair in d.terms.windows(2) {
                let Some((rule, _)) = super::show::applied_rule(&pair[1]) else { continue };
                let graphs = pair.iter().map(|t| graph_of(t, &search, &graph).expect("terms type-check"));
                let graphs: Vec<Graph> = graphs.collect();
                let class =
                    if graphs[0].output_types()[0].dtype.is_inexact() { rule.class } else { rule.int_class };
                if let Err(why) = same_values(&mut r, class.min(level), &graphs[0], &graphs[1]) {
                    panic!("{}: {why}\n{}{}", rule.name, graphs[0], graphs[1]);
                }
                proved.insert(rule.name);
            }
        }
    }
    assert!(proved.len() > 15, "proofs used only {proved:?}");
}
