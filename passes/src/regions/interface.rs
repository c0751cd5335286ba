//! Parameters and results of a region: which are needed.

use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, GraphBuilder, Input, Value};
use frit_ir::{Key, Op};
use std::collections::HashMap;

/// The part of a region's interface that is kept.
pub(super) struct Interface {
    /// Old parameters that stay, in their new order: carried values first.
    pub(super) params: Vec<usize>,
    /// Old results that stay, in order.
    pub(super) outputs: Vec<usize>,
    /// Old carried values that stay carried.
    pub(super) carries: Vec<usize>,
    /// Carried values that every iteration passes on unchanged: captures from now on.
    pub(super) constant: Vec<usize>,
    /// For each old parameter, the old parameter that holds the same value (itself, usually).
    same: Vec<usize>,
}

/// The parameter that a value of a body is, if it is one.
fn parameter(g: &Graph, v: Value) -> Option<usize> {
    let n = g.def(v);
    (n.op == Op::Input).then(|| n.attrs.int(Key::Position) as usize)
}

/// Marks the parameters on which some results depend.
fn needs(g: &Graph, outputs: impl Iterator<Item = usize>) -> Vec<bool> {
    let mut live = vec![false; g.nodes.len()];
    for k in outputs {
        live[g.outputs[k].node.0 as usize] = true;
    }
    let mut params = vec![false; g.inputs.len()];
    for id in g.ids().rev().filter(|id| live[id.0 as usize]).collect::<Vec<_>>() {
        mark(g, id, &mut live);
    }
    for (k, n) in g.nodes.iter().enumerate() {
        if live[k] && n.op == Op::Input {
            params[n.attrs.int(Key::Position) as usize] = true;
        }
    }
    params
}

fn mark(g: &Graph, root: frit_ir::NodeId, live: &mut [bool]) {
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        live[id.0 as usize] = true;
        for v in &g.node(id).inputs {
            if !std::mem::replace(&mut live[v.node.0 as usize], true) {
                stack.push(v.node);
            }
        }
    }
}

/// The first parameter from `from` on with the same argument.
fn first_same(args: &[Value], from: usize, k: usize) -> usize {
    (from..k).find(|j| args[*j] == args[k]).unwrap_or(k)
}

impl Interface {
    /// A carried value is needed if its result is used, or if a needed value depends on it.
    pub(super) fn of_loop(
        body: &Graph,
        cond: Option<&Graph>,
        carries: usize,
        args: &[Value],
        used: &[bool],
    ) -> Interface {
        let constant: Vec<usize> =
            (0..carries).filter(|k| parameter(body, body.outputs[*k]) == Some(*k)).collect();
        let mut wanted: Vec<bool> = used.to_vec();
        let in_cond = cond.map_or(vec![false; args.len()], |c| needs(c, 0..1));
        loop {
            let mut params = needs(body, (0..wanted.len()).filter(|k| wanted[*k] && !constant.contains(k)));
            for (p, c) in params.iter_mut().zip(&in_cond) {
                *p |= c;
            }
            let more: Vec<usize> = (0..carries).filter(|k| params[*k] && !wanted[*k]).collect();
            if more.is_empty() {
                break;
            }
            for k in more {
                wanted[k] = true;
            }
        }
        let kept: Vec<usize> = (0..carries).filter(|k| wanted[*k] && !constant.contains(k)).collect();
        let outputs: Vec<usize> =
            kept.iter().copied().chain((carries..wanted.len()).filter(|k| wanted[*k])).collect();
        let mut params = needs(body, outputs.iter().copied());
        for (p, c) in params.iter_mut().zip(&in_cond) {
            *p |= c;
        }
        // Captures: the old ones and the carried values that do not change.
        let is_capture = |k: usize| k >= carries || constant.contains(&k);
        let same: Vec<usize> = (0..args.len())
            .map(|k| {
                let before = (0..k).find(|j| is_capture(*j) && args[*j] == args[k]);
                if is_capture(k) { before.unwrap_or(k) } else { k }
            })
            .collect();
        let needed = |k: usize| (0..args.len()).any(|j| params[j] && same[j] == k);
        let captures = (0..args.len()).filter(|k| is_capture(*k) && same[*k] == *k && needed(*k));
        Interface {
            params: kept.iter().copied().chain(captures).collect(),
            outputs,
            carries: kept,
            constant,
            same,
        }
    }

    /// Both branches take the same captures and give the same results.
    pub(super) fn of_branches(then: &Graph, otherwise: &Graph, args: &[Value], used: &[bool]) -> Interface {
        let outputs: Vec<usize> = (0..used.len()).filter(|k| used[*k]).collect();
        let (a, b) = (needs(then, outputs.iter().copied()), needs(otherwise, outputs.iter().copied()));
        let same: Vec<usize> = (0..args.len()).map(|k| first_same(args, 0, k)).collect();
        let needed = |k: usize| (0..args.len()).any(|j| (a[j] || b[j]) && same[j] == k);
        let params = (0..args.len()).filter(|k| same[*k] == *k && needed(*k)).collect();
        Interface { params, outputs, carries: vec![], constant: vec![], same }
    }

    /// A body with the kept parameters and results.
    pub(super) fn body(&self, g: &Graph) -> Graph {
        let outputs = self.outputs.iter().map(|k| g.outputs[*k]).collect();
        self.restrict(g, outputs)
    }

    /// A condition with the kept parameters.
    pub(super) fn cond(&self, g: &Graph) -> Graph {
        self.restrict(g, g.outputs.clone())
    }

    fn restrict(&self, g: &Graph, outputs: Vec<Value>) -> Graph {
        let inputs: Vec<Input> = self.params.iter().map(|p| g.inputs[*p].clone()).collect();
        let position = |old: usize| self.params.iter().position(|p| *p == self.same[old]);
        rewire(g, &inputs, outputs, &position, &HashMap::new())
    }
}

/// A copy of a graph with other parameters. `position` says which new parameter an old one becomes, `replace`
/// which nodes become a new parameter.
pub(super) fn rewire(
    g: &Graph,
    inputs: &[Input],
    outputs: Vec<Value>,
    position: &dyn Fn(usize) -> Option<usize>,
    replace: &HashMap<Value, usize>,
) -> Graph {
    let mut b = GraphBuilder::new(&g.name);
    let params: Vec<Value> = inputs.iter().map(|i| b.input(&i.name, i.ty.clone())).collect();
    let mut live = vec![false; g.nodes.len()];
    for v in &outputs {
        live[v.node.0 as usize] |= !replace.contains_key(v);
    }
    for id in g.ids().rev() {
        if live[id.0 as usize] {
            for v in &g.node(id).inputs {
                live[v.node.0 as usize] |= !replace.contains_key(v);
            }
        }
    }
    let mut map: HashMap<Value, Value> = replace.iter().map(|(v, k)| (*v, params[*k])).collect();
    for id in g.ids().filter(|id| live[id.0 as usize]) {
        let n = g.node(id);
        let first = if n.op == Op::Input {
            let k = position(n.attrs.int(Key::Position) as usize).expect("a needed parameter is kept");
            params[k]
        } else {
            b.set_loc(n.loc.clone());
            let operands = n.inputs.iter().map(|v| map[v]).collect();
            b.add(n.op, n.attrs.clone(), operands).expect("operands have the types they had")
        };
        for index in 0..n.types.len() as u32 {
            map.entry(Value { node: id, index }).or_insert(Value { node: first.node, index });
        }
    }
    let outputs = outputs.iter().map(|v| map[v]).collect();
    b.finish(outputs)
}

/// The nodes of a body, with arguments for its parameters; its results.
pub(crate) fn inline(b: &mut Builder, g: &Graph, args: &[Value]) -> Result<Vec<Value>, TypeError> {
    let mut map: HashMap<Value, Value> = HashMap::new();
    for id in g.ids() {
        let n = g.node(id);
        let first = if n.op == Op::Input {
            args[n.attrs.int(Key::Position) as usize]
        } else {
            b.set_loc(n.loc.clone());
            let operands: Vec<Value> = n.inputs.iter().map(|v| map[v]).collect();
            b.node(n.op, n.attrs.clone(), &operands)?
        };
        if n.op == Op::Input {
            map.insert(Value { node: id, index: 0 }, first);
            continue;
        }
        for index in 0..n.types.len() as u32 {
            map.insert(Value { node: id, index }, Value { node: first.node, index });
        }
    }
    Ok(g.outputs.iter().map(|v| map[v]).collect())
}
