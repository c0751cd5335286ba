//! What `explain` tells about rewriting.

use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::{DType, Dim, Loc, Op};
use frit_passes::explain::{Explanation, Options as What, Why, explain};
use frit_passes::{MathLevel, Options, optimize};

fn build(f: impl FnOnce(&mut Builder) -> Vec<Value>) -> Graph {
    let mut b = Builder::new("test");
    let outputs = f(&mut b);
    b.finish(outputs)
}

fn array(b: &mut Builder, name: &str, shape: &[i64]) -> Value {
    let shape: Vec<Dim> = shape.iter().map(|n| Dim::constant(*n)).collect();
    b.input(name, TensorType::new(DType::F64, shape))
}

fn why(graph: &Graph, math: MathLevel) -> Explanation {
    explain(graph, &Options::new(math), &What { lost: true, proof: true }).expect("optimizes")
}

/// `(a @ b) @ v` on line 3.
fn chain() -> Graph {
    build(|b| {
        let (a, m, v) = (array(b, "a", &[500, 500]), array(b, "b", &[500, 500]), array(b, "v", &[500, 1]));
        b.set_loc(Loc::new("model.py", 3, 0, "f"));
        let p = b.matmul(a, m).unwrap();
        vec![b.matmul(p, v).unwrap()]
    })
}

/// `a @ b + a @ c` on line 3.
fn sum() -> Graph {
    build(|b| {
        let [a, m, n] = ["a", "b", "c"].map(|name| array(b, name, &[500, 500]));
        b.set_loc(Loc::new("model.py", 3, 0, "f"));
        let (p, q) = (b.matmul(a, m).unwrap(), b.matmul(a, n).unwrap());
        vec![b.binary(Op::Add, p, q).unwrap()]
    })
}

#[test]
fn steps_name_rule_place_expressions_and_savings() {
    let found = why(&sum(), MathLevel::Reassociate);
    let step =
        found.optimized.history().find(|s| s.rule == "matmul-add-left").expect("the factor is taken out");
    assert_eq!((step.before.as_str(), step.after.as_str()), ("((a @ b) + (a @ c))", "(a @ (b + c))"));
    assert_eq!(step.loc.place().map(|p| p.line), Some(3));
    let report = &found.optimized.report;
    assert!(step.seconds > 0.0 && report.cost_after.seconds < report.cost_before.seconds);
    // All of the savings are this rule's.
    let saved = report.cost_before.seconds - report.cost_after.seconds;
    assert!((step.seconds - saved).abs() < 0.01 * saved, "{} of {saved}", step.seconds);
}

#[test]
fn candidates_that_lost_say_why() {
    let found = why(&chain(), MathLevel::Reassociate);
    let other = found.lost.iter().find(|l| l.candidate == "((a @ b) @ v)").expect("the other association");
    assert!(matches!(other.why, Why::Costs(s) if s > 0.0), "{other:?}");
    // What another level would allow.
    let found = why(&chain(), MathLevel::Exact);
    let other = found.lost.iter().find(|l| l.rule == "matmul-right").expect("is known of");
    assert!(matches!(other.why, Why::Needs(MathLevel::Reassociate, s) if s > 0.0), "{other:?}");
    assert_eq!(found.optimized.history().count(), 0);
}

#[test]
fn proofs_lead_from_what_was_written_to_what_is_computed() {
    let found = why(&sum(), MathLevel::Reassociate);
    let proof = found.proofs.iter().find(|p| p.before == "((a @ b) + (a @ c))").expect("proved");
    assert_eq!(proof.steps.last().expect("a step").after, "(a @ (b + c))");
    assert!(proof.steps.iter().any(|s| s.rule == "matmul-add-left" && !s.backward));
}

#[test]
fn telling_changes_nothing() {
    for math in [MathLevel::Exact, MathLevel::Reassociate, MathLevel::Fast] {
        let plain = optimize(&chain(), &Options::new(math)).expect("optimizes");
        let told = why(&chain(), math).optimized;
        assert_eq!(plain.graph, told.graph);
        assert_eq!(plain.report.rules, told.report.rules);
    }
}
