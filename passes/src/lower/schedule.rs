//! Lifetimes: when each buffer's memory is taken and given back, and which results overwrite a dead operand.

use frit_ir::kernel::{Access, Kernel, Mem, Stmt, symbol_val};
use frit_ir::plan::{BufferId, BufferSource, Plan, Step, View};
use frit_ir::{Dim, Symbol};
use std::collections::{HashMap, HashSet};

/// Adds `alloc` and `free` steps. A launch whose result has the size of an operand that dies there, and that touches
/// both at the same places, works in place; a copy (kernel positions in `copies`) that would then copy a buffer onto
/// itself is dropped.
pub(super) fn schedule(plan: &mut Plan, copies: &HashSet<usize>) {
    in_place(plan);
    plan.steps.retain(|s| match s {
        Step::Launch(l) if copies.contains(&l.kernel) => {
            let mut views = l.args.iter().map(|v| (v.buffer, &v.offset, &v.strides));
            let first = views.next();
            !(l.args.len() == 1 || views.all(|v| Some(v) == first))
        }
        _ => true,
    });
    drop_unused_kernels(plan);
    lifetimes(plan);
}

/// Buffers that a step reads or writes, in order of first mention.
pub(super) fn uses(step: &Step) -> Vec<BufferId> {
    let mut out = Vec::new();
    collect(step, &mut out);
    let mut seen = HashSet::new();
    out.retain(|b| seen.insert(*b));
    out
}

fn collect(step: &Step, out: &mut Vec<BufferId>) {
    let mut view = |v: &View| out.push(v.buffer);
    match step {
        Step::Alloc(_) | Step::Free(_) => {}
        Step::Launch(l) => l.args.iter().for_each(view),
        Step::Library(l) => l.inputs.iter().chain(&l.outputs).for_each(view),
        Step::Swap(a, b) => out.extend([*a, *b]),
        Step::For { body, .. } => body.iter().for_each(|s| collect(s, out)),
        Step::While { cond, test, body } => {
            view(test);
            cond.iter().chain(body).for_each(|s| collect(s, out));
        }
        Step::If { test, then, otherwise } => {
            view(test);
            then.iter().chain(otherwise).for_each(|s| collect(s, out));
        }
    }
}

fn first_and_last(plan: &Plan) -> HashMap<BufferId, (usize, usize)> {
    let mut spans: HashMap<BufferId, (usize, usize)> = HashMap::new();
    for (k, step) in plan.steps.iter().enumerate() {
        for b in uses(step) {
            spans.entry(b).or_insert((k, k)).1 = k;
        }
    }
    spans
}

fn in_place(plan: &mut Plan) {
    let spans = first_and_last(plan);
    // Buffers merged into another one.
    let mut merged: HashMap<BufferId, BufferId> = HashMap::new();
    // The step of each buffer's last use; grows when another buffer is merged into it.
    let mut last: HashMap<BufferId, usize> = spans.iter().map(|(b, (_, l))| (*b, *l)).collect();
    for (k, step) in plan.steps.iter().enumerate() {
        let Step::Launch(launch) = step else { continue };
        let kernel = &plan.kernels[launch.kernel];
        // Results stored at different places of the loops (once per row, and once per element) are not all stored after
        // the last load.
        let stores: HashSet<Place> =
            (0..kernel.buffers.len()).flat_map(|p| indices(kernel, p, true)).collect();
        if stores.len() > 1 {
            continue;
        }
        let resolve = |b: BufferId| merged.get(&b).copied().unwrap_or(b);
        let mut taken: HashSet<BufferId> = HashSet::new();
        let mut pairs = Vec::new();
        for (position, (out, param)) in launch.args.iter().zip(&kernel.buffers).enumerate() {
            let fresh = spans[&out.buffer].0 == k && param.access == Access::Write;
            if !fresh || merged.contains_key(&out.buffer) {
                continue;
            }
            let wanted = plan.buffer(out.buffer);
            let written = indices(kernel, position, true);
            let found = launch.args.iter().zip(&kernel.buffers).enumerate().find(|(at, (v, p))| {
                let b = resolve(v.buffer);
                let buffer = plan.buffer(b);
                let alike =
                    |w: &View| resolve(w.buffer) != b || (w.offset == out.offset && w.strides == out.strides);
                p.access == Access::Read
                    && b != out.buffer
                    && buffer.source == BufferSource::Temporary
                    && last.get(&b) == Some(&k)
                    && !taken.contains(&b)
                    && buffer.dtype == wanted.dtype
                    && buffer.elements == wanted.elements
                    && launch.args.iter().all(alike)
                    && out.shape == v.shape
                    && indices(kernel, *at, false)
                        .iter()
                        .all(|read| written.iter().all(|w| read_before(read, w)))
            });
            if let Some((_, (v, _))) = found {
                let b = resolve(v.buffer);
                taken.insert(b);
                pairs.push((out.buffer, b));
            }
        }
        for (out, b) in pairs {
            merged.insert(out, b);
            // A result lives to the end.
            let end =
                if plan.buffer(out).source == BufferSource::Output { usize::MAX } else { spans[&out].1 };
            last.insert(b, end);
        }
    }
    if merged.is_empty() {
        return;
    }
    let to = |b: BufferId| merged.get(&b).copied().unwrap_or(b);
    for (out, b) in &merged_pairs(&merged) {
        if plan.buffer(*out).source == BufferSource::Output {
            plan.buffers[b.0 as usize].source = BufferSource::Output;
        }
    }
    plan.steps.iter_mut().for_each(|s| rename(s, &to));
    plan.outputs.iter_mut().for_each(|v| v.buffer = to(v.buffer));
}

/// An access to a buffer: its index, and the loops around it.
type Place = (Vec<Dim>, Vec<Symbol>);

/// Where a kernel loads (or stores) a buffer parameter.
fn indices(kernel: &Kernel, param: usize, stores: bool) -> Vec<Place> {
    fn walk(stmts: &[Stmt], param: usize, stores: bool, open: &mut Vec<Symbol>, out: &mut Vec<Place>) {
        let wanted = |m: &Mem| *m == Mem::Buffer(param as u32);
        for s in stmts {
            match s {
                Stmt::Load { mem, index, .. } if !stores && wanted(mem) => {
                    out.push((index.clone(), open.clone()))
                }
                Stmt::Store { mem, index, .. } if stores && wanted(mem) => {
                    out.push((index.clone(), open.clone()))
                }
                Stmt::For { index, body, .. } => {
                    open.push(index.clone());
                    walk(body, param, stores, open, out);
                    open.pop();
                }
                Stmt::While { cond, body, .. } => {
                    walk(cond, param, stores, open, out);
                    walk(body, param, stores, open, out);
                }
                Stmt::If { then, otherwise, .. } => {
                    walk(then, param, stores, open, out);
                    walk(otherwise, param, stores, open, out);
                }
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk(&kernel.body, param, stores, &mut Vec::new(), &mut out);
    out
}

/// True if a load sees an element before a store in place replaces it: they stand at the same element, or the load is
/// outside every loop that only moves the store (a row read in full before it is rewritten).
fn read_before((read, open): &Place, (written, _): &Place) -> bool {
    let mut moved = false;
    for d in written {
        d.for_each_symbol(&mut |s| {
            let follows = read.iter().any(|r| r.mentions(s));
            moved |= !follows && (symbol_val(s).is_some() || open.contains(s));
        });
    }
    !moved
}

fn merged_pairs(merged: &HashMap<BufferId, BufferId>) -> Vec<(BufferId, BufferId)> {
    let mut pairs: Vec<_> = merged.iter().map(|(a, b)| (*a, *b)).collect();
    pairs.sort();
    pairs
}

fn rename(step: &mut Step, to: &dyn Fn(BufferId) -> BufferId) {
    let view = |v: &mut View| v.buffer = to(v.buffer);
    match step {
        Step::Alloc(b) | Step::Free(b) => *b = to(*b),
        Step::Launch(l) => l.args.iter_mut().for_each(view),
        Step::Library(l) => l.inputs.iter_mut().chain(&mut l.outputs).for_each(view),
        Step::Swap(a, b) => (*a, *b) = (to(*a), to(*b)),
        Step::For { body, .. } => body.iter_mut().for_each(|s| rename(s, to)),
        Step::While { cond, test, body } => {
            view(test);
            cond.iter_mut().chain(body).for_each(|s| rename(s, to));
        }
        Step::If { test, then, otherwise } => {
            view(test);
            then.iter_mut().chain(otherwise).for_each(|s| rename(s, to));
        }
    }
}

fn drop_unused_kernels(plan: &mut Plan) {
    let mut used = vec![None; plan.kernels.len()];
    let mut kept = Vec::new();
    fn visit(steps: &mut [Step], f: &mut dyn FnMut(&mut usize)) {
        for s in steps {
            match s {
                Step::Launch(l) => f(&mut l.kernel),
                Step::For { body, .. } => visit(body, f),
                Step::While { cond, body, .. } => {
                    visit(cond, f);
                    visit(body, f);
                }
                Step::If { then, otherwise, .. } => {
                    visit(then, f);
                    visit(otherwise, f);
                }
                Step::Alloc(_) | Step::Free(_) | Step::Library(_) | Step::Swap(..) => {}
            }
        }
    }
    let kernels = std::mem::take(&mut plan.kernels);
    visit(&mut plan.steps, &mut |k| {
        let new = *used[*k].get_or_insert_with(|| {
            kept.push(kernels[*k].clone());
            kept.len() - 1
        });
        *k = new;
    });
    plan.kernels = kept;
}

/// Memory is taken just before the first use and given back right after the last one. Results are kept.
fn lifetimes(plan: &mut Plan) {
    let spans = first_and_last(plan);
    let (mut begin, mut end): (HashMap<usize, Vec<BufferId>>, HashMap<usize, Vec<BufferId>>) =
        Default::default();
    for k in 0..plan.buffers.len() as u32 {
        let b = BufferId(k);
        let Some((first, last)) = spans.get(&b) else { continue };
        match plan.buffer(b).source {
            BufferSource::Temporary => {
                begin.entry(*first).or_default().push(b);
                end.entry(*last).or_default().push(b);
            }
            BufferSource::Output => begin.entry(*first).or_default().push(b),
            BufferSource::Input(_) | BufferSource::Constant(_) => {}
        }
    }
    let steps = std::mem::take(&mut plan.steps);
    for (k, step) in steps.into_iter().enumerate() {
        plan.steps.extend(begin.remove(&k).into_iter().flatten().map(Step::Alloc));
        plan.steps.push(step);
        plan.steps.extend(end.remove(&k).into_iter().flatten().map(Step::Free));
    }
}
