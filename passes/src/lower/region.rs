//! Regions inside one kernel: `for`, `while` and `if` as statements, carried arrays updated in place.
//!
//! Values of the body are computed where they are used; what must exist in memory (updated arrays, results of nested
//! regions, carried values) is written to buffers. The functional graph never says "in place": an update happens in
//! the array's own memory when nothing later reads the old value, and in a copy otherwise.

use super::emit::{Binding, Emitter};
use super::index::{broadcast_index, source_index};
use super::nest;
use frit_ir::graph::{Graph, Node, NodeId};
use frit_ir::kernel::{LoopKind, Stmt, Var};
use frit_ir::ops::Class;
use frit_ir::plan::{Origin, View};
use frit_ir::prim::{Emit, Val};
use frit_ir::{Attr, DType, Dim, Key, Op, Scalar, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Elements of one op up to which a region's body runs inside one kernel rather than as parallel kernels.
const SERIAL_BODY: i64 = 32 << 10;

/// True if a region can, and should, be one kernel: no library routine in it, and no op with much parallel work.
pub(super) fn fits_kernel(g: &Graph) -> bool {
    g.nodes.iter().all(|n| {
        let small = |v: Value| g.ty(v).elements().as_const().is_none_or(|n| n <= SERIAL_BODY);
        match n.op.class() {
            Class::Library | Class::Composite => false,
            Class::Region => regions(n).iter().all(|r| fits_kernel(r)),
            Class::Elementwise | Class::Reduce | Class::Cumulative => n.inputs.iter().all(|v| small(*v)),
            Class::Movement if n.op == Op::UpdateSlice => small(n.inputs[1]),
            Class::Movement => n.inputs.iter().all(|v| small(*v)),
            Class::Source | Class::View => true,
        }
    })
}

/// The graphs of a region node.
pub(super) fn regions(n: &Node) -> Vec<&Arc<Graph>> {
    let graph = |k: &Key| if let Some(Attr::Graph(g)) = n.attrs.get(*k) { Some(g) } else { None };
    [Key::Body, Key::Cond, Key::Else].iter().filter_map(graph).collect()
}

/// A loop-carried value.
#[derive(Clone)]
pub(super) enum Carry {
    /// 0-d: one variable per part.
    Scalar(Vec<Var>),
    /// An array in memory of its own.
    Array(View),
}

/// Declares variables for a 0-d value and initializes them.
pub(super) fn scalar_carry(e: &mut Emitter<'_>, dtype: DType, init: &[Val]) -> Carry {
    let vars: Vec<Var> = init.iter().map(|_| e.kb.var(dtype.real())).collect();
    for (var, src) in vars.iter().zip(init) {
        e.kb.stmt(Stmt::Init { var: *var, src: *src });
    }
    Carry::Scalar(vars)
}

/// The binding of a carried value at the start of an iteration.
fn current(e: &mut Emitter<'_>, carry: &Carry) -> Binding {
    match carry {
        Carry::Scalar(vars) => Binding::Scalars(vars.iter().map(|v| e.kb.get(*v)).collect()),
        Carry::Array(view) => Binding::View { view: view.clone(), moving: true },
    }
}

fn bind(e: &mut Emitter<'_>, g: &Graph, carries: &[Carry], captures: &[Binding]) -> HashMap<Value, Binding> {
    let mut all: Vec<Binding> = carries.iter().map(|c| current(e, c)).collect();
    all.extend(captures.iter().cloned());
    let position = |n: &Node| n.attrs.int(Key::Position) as usize;
    g.ids()
        .filter(|id| g.node(*id).op == Op::Input)
        .map(|id| (Value { node: id, index: 0 }, all[position(g.node(id))].clone()))
        .collect()
}

/// Emits a `for` region. The carries hold the results afterwards.
pub(super) fn for_loop<'a>(
    e: &mut Emitter<'a>,
    node: &'a Node,
    carries: &[Carry],
    captures: &[Binding],
    stacks: &[View],
) {
    // Legalization has made loop indices unique.
    let symbol: frit_ir::Symbol = node.attrs.str(Key::Index).into();
    let body: &'a Graph = node.attrs.graph(Key::Body);
    let (lo, hi) = (node.attrs.dim(Key::Lo).clone(), node.attrs.dim(Key::Hi).clone());
    let (local_lo, local_hi) = (e.kb.localize(&lo), bound(e, &hi));
    e.kb.forget_elements();
    e.kb.open_region_loop(&symbol, lo.clone(), hi);
    let bindings = bind(e, body, carries, captures);
    e.with_graph(body, bindings, |e| {
        let last = run(e);
        let place = Dim::symbol(&symbol) - &lo;
        for (v, stack) in last[carries.len()..].iter().zip(stacks) {
            write_row(e, *v, stack, &place);
        }
        assign(e, &last[..carries.len()], carries);
    });
    e.kb.close_loop(&symbol, local_lo, local_hi, LoopKind::Serial);
    e.kb.forget_elements();
}

/// A loop bound: constants become size parameters, so that other trip counts share the code.
fn bound(e: &mut Emitter<'_>, dim: &Dim) -> Dim {
    e.kb.size(dim)
}

/// Emits a `while` region.
pub(super) fn while_loop<'a>(e: &mut Emitter<'a>, node: &'a Node, carries: &[Carry], captures: &[Binding]) {
    let (cond, body): (&'a Graph, &'a Graph) = (node.attrs.graph(Key::Cond), node.attrs.graph(Key::Body));
    e.kb.forget_elements();
    e.kb.open_block();
    let bindings = bind(e, cond, carries, captures);
    let test = e.with_graph(cond, bindings, |e| {
        let out = run(e);
        e.emit(out[0], &[])[0]
    });
    let cond = e.kb.close_block();
    e.kb.open_block();
    let bindings = bind(e, body, carries, captures);
    e.with_graph(body, bindings, |e| {
        let last = run(e);
        assign(e, &last, carries);
    });
    let body = e.kb.close_block();
    e.kb.stmt(Stmt::While { cond, test, body });
    e.kb.forget_elements();
}

/// Emits an `if` region into results that are already declared.
pub(super) fn if_else<'a>(
    e: &mut Emitter<'a>,
    node: &'a Node,
    test: Val,
    results: &[Carry],
    captures: &[Binding],
) {
    let mut blocks = Vec::new();
    for key in [Key::Body, Key::Else] {
        let g: &'a Graph = node.attrs.graph(key);
        e.kb.open_block();
        let bindings = bind(e, g, &[], captures);
        e.with_graph(g, bindings, |e| {
            let last = run(e);
            assign(e, &last, results);
        });
        blocks.push(e.kb.close_block());
    }
    let otherwise = blocks.pop().expect("two branches");
    let then = blocks.pop().expect("two branches");
    e.kb.stmt(Stmt::If { test, then, otherwise });
    e.kb.forget_elements();
}

/// Writes a value into row `place` of a stacked result.
fn write_row(e: &mut Emitter<'_>, v: Value, stack: &View, place: &Dim) {
    let row = View {
        buffer: stack.buffer,
        offset: &stack.offset + place * &stack.strides[0],
        shape: stack.shape[1..].to_vec(),
        strides: stack.strides[1..].to_vec(),
    };
    write(e, v, &row, Some((stack, place)));
}

/// Stores an array (or scalar) elementwise. With `within`, the target is a row of a larger array, addressed as such.
fn write(e: &mut Emitter<'_>, v: Value, target: &View, within: Option<(&View, &Dim)>) {
    let sizes = target.shape.clone();
    let mut index = Vec::new();
    let mut loops = Vec::new();
    for n in &sizes {
        if n.is(1) {
            index.push(Dim::constant(0));
            continue;
        }
        let s = e.fresh("i");
        let hi = e.kb.size(n);
        e.kb.open_loop(&s, n);
        index.push(Dim::symbol(&s));
        loops.push((s, hi));
    }
    let ty = e.g.ty(v).clone();
    let parts = e.emit(v, &broadcast_index(&ty.shape, &index));
    match within {
        Some((stack, place)) => {
            let mut at = vec![place.clone()];
            at.extend(index);
            e.kb.store(stack, ty.dtype, &at, &parts, true);
        }
        None => e.kb.store(target, ty.dtype, &index, &parts, true),
    }
    let mut innermost = true;
    while let Some((s, hi)) = loops.pop() {
        let kind = if innermost && !e.kb.holds_loop() { LoopKind::Vector } else { LoopKind::Serial };
        innermost = false;
        e.kb.close_loop(&s, Dim::constant(0), hi, kind);
    }
    e.kb.forget_elements();
}

/// Gives carried values their next values: everything is computed before anything is overwritten.
fn assign(e: &mut Emitter<'_>, values: &[Value], carries: &[Carry]) {
    let mut scalars: Vec<(Var, Val)> = Vec::new();
    let mut copies: Vec<(View, View, Value)> = Vec::new();
    for (v, carry) in values.iter().zip(carries) {
        match carry {
            Carry::Scalar(vars) => {
                let parts = e.emit(*v, &[]);
                scalars.extend(vars.iter().copied().zip(parts));
            }
            Carry::Array(view) => match e.bindings.get(v) {
                Some(Binding::View { view: now, .. }) if now.buffer == view.buffer => {}
                Some(Binding::View { view: now, moving: true }) if own(now, carries).is_none() => {
                    copies.push((now.clone(), view.clone(), *v));
                }
                _ => {
                    // Its elements may be computed from arrays that are about to change.
                    let g = e.g;
                    let ty = g.ty(*v);
                    let t = e.temporary(ty.dtype, &view.shape, origin(g.def(*v)));
                    write(e, *v, &t, None);
                    copies.push((t, view.clone(), *v));
                }
            },
        }
    }
    for (var, src) in scalars {
        e.kb.stmt(Stmt::Set { var, src });
    }
    for (from, to, v) in copies {
        let outer = e.bindings.insert(v, Binding::View { view: from, moving: true });
        e.kb.forget_elements();
        write(e, v, &to, None);
        if let Some(outer) = outer {
            e.bindings.insert(v, outer);
        }
    }
}

/// The carried array that a view is, if it is one.
fn own<'c>(view: &View, carries: &'c [Carry]) -> Option<&'c Carry> {
    carries.iter().find(|c| matches!(c, Carry::Array(v) if v.buffer == view.buffer))
}

fn origin(node: &Node) -> Origin {
    Origin { op: node.op, loc: node.loc.clone() }
}

/// Runs the current graph in the current frame; its results are bound or can be emitted afterwards.
fn run<'a>(e: &mut Emitter<'a>) -> Vec<Value> {
    let g: &'a Graph = e.g;
    let live = g.live();
    let uses = consumers(g, &live);
    for id in g.ids() {
        let node = g.node(id);
        if !live[id.0 as usize] || node.op == Op::Input {
            continue;
        }
        let value = Value { node: id, index: 0 };
        match (node.op.class(), node.op) {
            (Class::Region, _) => nested(e, node, id, &uses),
            (_, Op::UpdateSlice) => {
                let view = array_for_update(e, node.inputs[0], id, &uses);
                let update = settle_update(e, node, &view);
                update_window(e, node, update, &view);
                e.bindings.insert(value, Binding::View { view, moving: true });
            }
            (_, Op::Scatter) => {
                let view = array_for_update(e, node.inputs[0], id, &uses);
                nest::scatter(e, value, &view);
                e.kb.forget_elements();
                e.bindings.insert(value, Binding::View { view, moving: true });
            }
            (Class::Cumulative, _) => {
                let view = e.temporary(node.types[0].dtype, &node.types[0].shape, origin(node));
                nest::cumulative(e, value, &view, false);
                e.kb.forget_elements();
                e.bindings.insert(value, Binding::View { view, moving: true });
            }
            _ if node.types[0].rank() == 0 => {
                let parts = e.emit(value, &[]);
                e.bindings.insert(value, Binding::Scalars(parts));
            }
            _ => {
                // Arrays are computed where they are used, unless several places use them or they read memory that
                // is overwritten before that.
                if must_exist(g, id, &uses) && is_invariant(e, &node.types[0].shape) {
                    let view = e.temporary(node.types[0].dtype, &node.types[0].shape, origin(node));
                    write(e, value, &view, None);
                    e.bindings.insert(value, Binding::View { view, moving: true });
                }
            }
        }
    }
    g.outputs.clone()
}

fn consumers(g: &Graph, live: &[bool]) -> Vec<Vec<NodeId>> {
    let mut out: Vec<Vec<NodeId>> = vec![Vec::new(); g.nodes.len()];
    for id in g.ids().filter(|id| live[id.0 as usize]) {
        for v in &g.node(id).inputs {
            out[v.node.0 as usize].push(id);
        }
    }
    out
}

/// A reduction of an array inside the body is a loop each time; shared arrays with work in them are kept.
fn must_exist(g: &Graph, id: NodeId, uses: &[Vec<NodeId>]) -> bool {
    let node = g.node(id);
    if matches!(node.op.class(), Class::View | Class::Source) {
        return false;
    }
    let stale = reads_overwritten(g, id, uses);
    let shared = uses[id.0 as usize].len() > 1 && super::cost::of_node(g, node) >= super::cost::ROUND_TRIP;
    let reduction = node.op.class() == Class::Reduce;
    shared || reduction || stale
}

/// True if a lazily computed array could be asked for after an array that it reads was updated.
fn reads_overwritten(g: &Graph, id: NodeId, uses: &[Vec<NodeId>]) -> bool {
    let last_use = uses[id.0 as usize].iter().max().copied();
    let is_output = g.outputs.iter().any(|v| v.node == id);
    let mut seen = HashSet::new();
    let mut stack = vec![id];
    while let Some(x) = stack.pop() {
        for v in &g.node(x).inputs {
            if !seen.insert(v.node) {
                continue;
            }
            let overwritten = uses[v.node.0 as usize].iter().any(|u| {
                let n = g.node(*u);
                let updates = matches!(n.op, Op::UpdateSlice | Op::Scatter) && n.inputs[0] == *v
                    || n.op.class() == Class::Region;
                updates && *u > id && (is_output || last_use.is_some_and(|l| l > *u))
            });
            if overwritten {
                return true;
            }
            if matches!(g.def(*v).op.class(), Class::Elementwise | Class::View | Class::Movement) {
                stack.push(v.node);
            }
        }
    }
    false
}

/// True if a shape is the same in every iteration of the open loops (a buffer for it can be made once).
fn is_invariant(e: &Emitter<'_>, shape: &[Dim]) -> bool {
    shape.iter().all(|d| e.kb.dim_depth(d) == 0 && !e.kb.is_open(d))
}

/// Memory that holds an array's value and may be overwritten: its own, if nothing later reads the old value.
fn array_for_update(e: &mut Emitter<'_>, v: Value, by: NodeId, uses: &[Vec<NodeId>]) -> View {
    let g = e.g;
    if let Some(Binding::View { view, moving: true }) = e.bindings.get(&v) {
        let view = view.clone();
        if !read_after(g, v, by, uses) {
            return view;
        }
    }
    let ty = g.ty(v);
    let t = e.temporary(ty.dtype, &ty.shape, origin(g.def(v)));
    write(e, v, &t, None);
    t
}

/// True if the old value of an array is read by a node after `by`, or returned.
fn read_after(g: &Graph, v: Value, by: NodeId, uses: &[Vec<NodeId>]) -> bool {
    let mut stack = vec![v.node];
    let mut seen = HashSet::new();
    while let Some(x) = stack.pop() {
        if g.outputs.iter().any(|o| o.node == x) {
            return true;
        }
        for u in &uses[x.0 as usize] {
            if *u == by || !seen.insert(*u) {
                continue;
            }
            if *u > by {
                return true;
            }
            // A view or lazy array read later still reads this one.
            let lazy = g.node(*u).types[0].rank() > 0
                && matches!(g.node(*u).op.class(), Class::View | Class::Elementwise | Class::Movement)
                && !matches!(g.node(*u).op, Op::UpdateSlice | Op::Scatter);
            if lazy {
                stack.push(*u);
            }
        }
    }
    false
}

/// The update of a window, computed beforehand if it reads the array at places other than the one it writes.
fn settle_update(e: &mut Emitter<'_>, node: &Node, target: &View) -> Value {
    let g = e.g;
    let update = node.inputs[1];
    let ty = g.ty(update);
    if e.bindings.contains_key(&update) || ty.rank() == 0 {
        return update;
    }
    let here: Vec<Dim> = (0..node.types[0].rank()).map(|k| Dim::symbol(&format!("w{k}"))).collect();
    let written: Vec<Dim> =
        here.iter().zip(node.attrs.slices()).map(|(i, s)| &s.start + i * &Dim::constant(s.step)).collect();
    if elsewhere(e, update, &broadcast_index(&ty.shape, &here), target, &written) {
        let t = e.temporary(ty.dtype, &ty.shape, origin(g.def(update)));
        write(e, update, &t, None);
        e.bindings.insert(update, Binding::View { view: t, moving: true });
    }
    update
}

/// True if computing a value at `index` may read the target's memory at a position other than `written`.
fn elsewhere(e: &Emitter<'_>, value: Value, index: &[Dim], target: &View, written: &[Dim]) -> bool {
    let g = e.g;
    let mut stack = vec![(value, index.to_vec())];
    let mut seen = HashSet::new();
    while let Some((v, at)) = stack.pop() {
        if let Some(b) = e.bindings.get(&v) {
            match b {
                Binding::View { view, .. } if view.buffer == target.buffer && at != written => return true,
                _ => continue,
            }
        }
        if !seen.insert((v, at.clone())) {
            continue;
        }
        let node = g.def(v);
        match node.op.class() {
            Class::Elementwise => {
                stack.extend(node.inputs.iter().map(|i| (*i, broadcast_index(&g.ty(*i).shape, &at))));
            }
            Class::View => stack.push((node.inputs[0], source_index(g, node, &at, &[]))),
            Class::Source => {}
            // A reduction or a gather reads many places.
            _ => return true,
        }
    }
    false
}

/// Writes an update over its window of an array.
fn update_window(e: &mut Emitter<'_>, node: &Node, update: Value, view: &View) {
    let slices = node.attrs.slices();
    let mut index = Vec::new();
    let mut place = Vec::new();
    let mut loops = Vec::new();
    for s in slices {
        if s.size.is(1) {
            index.push(Dim::constant(0));
            place.push(s.start.clone());
            continue;
        }
        let symbol = e.fresh("i");
        let hi = e.kb.size(&s.size);
        e.kb.open_loop(&symbol, &s.size);
        let i = Dim::symbol(&symbol);
        place.push(&s.start + &i * &Dim::constant(s.step));
        index.push(i);
        loops.push((symbol, hi));
    }
    let ty = e.g.ty(update).clone();
    let parts = e.emit(update, &broadcast_index(&ty.shape, &index));
    e.kb.store(view, ty.dtype, &place, &parts, true);
    let mut innermost = true;
    while let Some((s, hi)) = loops.pop() {
        let kind = if innermost && !e.kb.holds_loop() { LoopKind::Vector } else { LoopKind::Serial };
        innermost = false;
        e.kb.close_loop(&s, Dim::constant(0), hi, kind);
    }
    e.kb.forget_elements();
}

/// A region inside a region.
fn nested<'a>(e: &mut Emitter<'a>, node: &'a Node, id: NodeId, uses: &[Vec<NodeId>]) {
    let g: &'a Graph = e.g;
    let first_capture = match node.op {
        Op::If => 1,
        _ => node.attrs.int(Key::Carries) as usize,
    };
    let captures: Vec<Binding> = node.inputs[first_capture..]
        .iter()
        .map(|v| {
            if g.ty(*v).rank() == 0 {
                return Binding::Scalars(e.emit(*v, &[]));
            }
            if let Some(b) = e.bindings.get(v) {
                return b.clone();
            }
            let ty = g.ty(*v);
            let t = e.temporary(ty.dtype, &ty.shape, origin(g.def(*v)));
            write(e, *v, &t, None);
            Binding::View { view: t, moving: true }
        })
        .collect();
    let mut results: Vec<Carry> = Vec::new();
    if node.op == Op::If {
        let test = e.emit(node.inputs[0], &[])[0];
        for ty in &node.types {
            if ty.rank() == 0 {
                let zero = e.kb.constant(Scalar::zero(ty.dtype.real()));
                let init = vec![zero; if ty.dtype.is_complex() { 2 } else { 1 }];
                results.push(scalar_carry(e, ty.dtype, &init));
            } else {
                results.push(Carry::Array(e.temporary(ty.dtype, &ty.shape, origin(node))));
            }
        }
        if_else(e, node, test, &results, &captures);
    } else {
        for v in &node.inputs[..first_capture] {
            let ty = g.ty(*v);
            if ty.rank() == 0 {
                let init = e.emit(*v, &[]);
                results.push(scalar_carry(e, ty.dtype, &init));
            } else {
                results.push(Carry::Array(array_for_update(e, *v, id, uses)));
            }
        }
        let stacks: Vec<View> = node.types[first_capture..]
            .iter()
            .map(|t| e.temporary(t.dtype, &t.shape, origin(node)))
            .collect();
        if node.op == Op::For {
            for_loop(e, node, &results, &captures, &stacks);
        } else {
            while_loop(e, node, &results, &captures);
        }
        for (k, stack) in stacks.into_iter().enumerate() {
            let v = Value { node: id, index: (first_capture + k) as u32 };
            e.bindings.insert(v, Binding::View { view: stack, moving: true });
        }
    }
    for (k, r) in results.iter().enumerate() {
        let b = current(e, r);
        e.bindings.insert(Value { node: id, index: k as u32 }, b);
    }
}
