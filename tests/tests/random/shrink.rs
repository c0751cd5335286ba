//! Makes a failing program smaller while it fails: fewer results, nodes replaced by parameters that hold their values
//! or by one of their operands.

use crate::analysis::Analysis;
use crate::program::{Argument, Program};
use frit_ir::build::Builder;
use frit_ir::eval::Array;
use frit_ir::ops::Class;
use frit_ir::{DType, Dim, Key, NodeId, Op, Scalar, TensorType, Value};

/// What becomes of a node.
#[derive(Clone, Copy)]
enum Edit {
    /// A parameter with the node's value.
    Cut,
    /// One of its operands.
    Bypass(usize),
}

/// The smallest program found for which `fails` is true.
pub(crate) fn shrink(p: &Program, fails: &dyn Fn(&Program) -> bool) -> Program {
    let mut best = p.clone();
    loop {
        let mut changed = false;
        for v in best.graph.outputs.clone() {
            let mut one = best.clone();
            one.graph.outputs = vec![v];
            if best.graph.outputs.len() > 1
                && let Some(one) = rebuild(&one, None)
                && fails(&one)
            {
                best = one;
                changed = true;
                break;
            }
        }
        for k in 0..best.bindings.len() {
            let mut one = best.clone();
            one.bindings = vec![best.bindings[k].clone()];
            if best.bindings.len() > 1 && fails(&one) {
                best = one;
                changed = true;
                break;
            }
        }
        // From the results back: a cut near them drops the most.
        let mut k = best.graph.nodes.len();
        while k > 0 {
            k -= 1;
            if k >= best.graph.nodes.len() {
                continue;
            }
            let n = best.graph.nodes[k].clone();
            let mut edits: Vec<Edit> = (0..n.inputs.len()).map(Edit::Bypass).collect();
            if n.op.class() != Class::Source && n.types.len() == 1 {
                edits.push(Edit::Cut);
            }
            for edit in edits {
                if let Some(smaller) = rebuild(&best, Some((NodeId(k as u32), edit)))
                    && fails(&smaller)
                {
                    best = smaller;
                    changed = true;
                    break;
                }
            }
        }
        if !changed {
            return best;
        }
    }
}

/// The program with one node edited, and without what its results do not need; `None` if it would not type-check.
fn rebuild(p: &Program, edit: Option<(NodeId, Edit)>) -> Option<Program> {
    let analyses: Vec<Analysis> = p
        .bindings
        .iter()
        .map(|b| {
            let mut a = Analysis::new(b.sizes.clone());
            a.extend(&p.graph, &b.arrays(), p.level).ok().map(|()| a)
        })
        .collect::<Option<_>>()?;
    let g = &p.graph;
    // What is needed once the edit is made.
    let mut needed = vec![false; g.nodes.len()];
    for v in &g.outputs {
        needed[v.node.0 as usize] = true;
    }
    for id in g.ids().rev() {
        if !needed[id.0 as usize] {
            continue;
        }
        let kept: Vec<Value> = match edit {
            Some((e, Edit::Cut)) if e == id => vec![],
            Some((e, Edit::Bypass(k))) if e == id => vec![g.node(id).inputs[k]],
            _ => g.node(id).inputs.clone(),
        };
        kept.iter().for_each(|v| needed[v.node.0 as usize] = true);
    }
    let mut b = Builder::new(&g.name);
    let mut bindings = p.bindings.clone();
    bindings.iter_mut().for_each(|b| b.arguments.clear());
    let mut map: Vec<Option<Value>> = Vec::new();
    for id in g.ids() {
        let (n, k) = (g.node(id), id.0 as usize);
        if !needed[k] {
            map.push(None);
            continue;
        }
        let of =
            |map: &[Option<Value>], v: &Value| map[v.node.0 as usize].map(|m| Value { index: v.index, ..m });
        let name = format!("x{}", b.graph().inputs.len());
        let v = match edit {
            Some((e, Edit::Cut)) if e == id => {
                for (to, a) in bindings.iter_mut().zip(&analyses) {
                    to.arguments.push(Argument::contiguous(a.values[k][0].clone()));
                }
                b.input(&name, n.types[0].clone())
            }
            Some((e, Edit::Bypass(i))) if e == id => {
                let v = of(&map, &n.inputs[i])?;
                if n.types.len() != 1 || *b.ty(v) != n.types[0] {
                    return None;
                }
                v
            }
            _ if n.op == Op::Input => {
                let position = n.attrs.int(Key::Position) as usize;
                for (to, from) in bindings.iter_mut().zip(&p.bindings) {
                    to.arguments.push(from.arguments[position].clone());
                }
                b.input(&name, n.types[0].clone())
            }
            _ => {
                let inputs: Vec<Value> = n.inputs.iter().map(|v| of(&map, v)).collect::<Option<_>>()?;
                b.node(n.op, n.attrs.clone(), &inputs).ok()?
            }
        };
        map.push(Some(v));
    }
    // Sizes that no parameter has any more.
    for s in ["m", "n"] {
        let d = Dim::symbol(s);
        if b.graph().inputs.iter().any(|p| p.ty.shape.contains(&d)) {
            continue;
        }
        for to in &mut bindings {
            let n = to.sizes.number(&d).ok()? as usize;
            to.arguments
                .push(Argument::contiguous(Array::from_fn(DType::Bool, &[n], |_| Scalar::bool(false))));
        }
        b.input(s, TensorType::new(DType::Bool, [d]));
    }
    let outputs = g
        .outputs
        .iter()
        .map(|v| {
            map[v.node.0 as usize]
                .map(|m| if m.node == v.node || v.index != 0 { Value { index: v.index, ..m } } else { m })
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Program { graph: b.finish(outputs), level: p.level, bindings })
}
