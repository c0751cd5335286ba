//! Lifetimes: when each buffer's memory is taken and given back, and which results overwrite a dead operand.

use super::order;
use frit_ir::dim::Atom;
use frit_ir::kernel::{Access, Kernel, Mem, Stmt, symbol_val};
use frit_ir::plan::{BufferId, BufferSource, LibraryCall, Plan, Step, View};
use frit_ir::{Dim, Symbol};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Orders the steps for the least memory at once (see [`order`]), and adds `alloc` and `free` steps. A launch whose
/// result has the size of an operand that dies there, and that touches both at the same places, works in place, and so does
/// a routine that can write over an operand; a copy (kernel positions in `copies`) that would then copy a buffer onto itself is dropped.
/// `search`: see [`super::LowerOptions`].
pub(super) fn schedule(plan: &mut Plan, copies: &HashSet<usize>, search: bool) {
    let mut best: Option<(Plan, i128)> = None;
    for order in order::proposals(plan, search) {
        let mut other = plan.clone();
        other.steps = order::permuted(&plan.steps, &order);
        finish(&mut other, copies);
        let peak = order::peak(&other);
        if best.as_ref().is_none_or(|(_, least)| peak < *least) {
            best = Some((other, peak));
        }
    }
    finish(plan, copies);
    if let Some((other, peak)) = best
        && peak < order::peak(plan)
    {
        *plan = other;
    }
    drop_unused_kernels(plan);
    drop_unused_buffers(plan);
}

/// Everything but the order.
pub(super) fn finish(plan: &mut Plan, copies: &HashSet<usize>) {
    in_place(plan);
    plan.steps.retain(|s| match s {
        Step::Launch(l) if copies.contains(&l.kernel) => {
            let mut views = l.args.iter().map(|v| (v.buffer, &v.offset, &v.strides));
            let first = views.next();
            !(l.args.len() == 1 || views.all(|v| Some(v) == first))
        }
        _ => true,
    });
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

pub(super) fn collect(step: &Step, out: &mut Vec<BufferId>) {
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

fn first_and_last(steps: &[Step]) -> HashMap<BufferId, (usize, usize)> {
    let mut spans: HashMap<BufferId, (usize, usize)> = HashMap::new();
    for (k, step) in steps.iter().enumerate() {
        for b in uses(step) {
            spans.entry(b).or_insert((k, k)).1 = k;
        }
    }
    spans
}

/// Results in the memory of operands that die: of the plan's steps, and of those in the bodies of its loops.
fn in_place(plan: &mut Plan) {
    let mut merged = HashMap::new();
    merges(plan, &plan.steps, &|_| true, &mut merged);
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

/// Adds the buffers of a list of steps that can be `merged` into another one. `own` tells which buffers nothing outside
/// of the list uses.
fn merges(
    plan: &Plan,
    steps: &[Step],
    own: &dyn Fn(BufferId) -> bool,
    merged: &mut HashMap<BufferId, BufferId>,
) {
    let spans = first_and_last(steps);
    for (k, step) in steps.iter().enumerate() {
        let (lists, direct) = inside(step);
        for (n, list) in lists.iter().enumerate() {
            let elsewhere: HashSet<BufferId> = lists
                .iter()
                .enumerate()
                .filter(|(m, _)| *m != n)
                .flat_map(|(_, l)| l.iter().flat_map(uses))
                .collect();
            let here = |b: BufferId| {
                own(b) && spans.get(&b) == Some(&(k, k)) && direct != Some(b) && !elsewhere.contains(&b)
            };
            merges(plan, list, &here, merged);
        }
    }
    // The step of each buffer's last use; grows when another buffer is merged into it.
    let mut last: HashMap<BufferId, usize> = spans.iter().map(|(b, (_, l))| (*b, *l)).collect();
    for (k, step) in steps.iter().enumerate() {
        if let Step::Library(call) = step {
            let resolve = |b: BufferId| merged.get(&b).copied().unwrap_or(b);
            let Some((out, b)) = overwritten(plan, call, &resolve).filter(|(out, b)| own(*out) && own(*b))
            else {
                continue;
            };
            if spans[&out].0 == k && !merged.contains_key(&out) && last.get(&b) == Some(&k) {
                merged.insert(out, b);
                last.insert(b, end_of(plan, out, &spans));
            }
            continue;
        }
        let Step::Launch(launch) = step else { continue };
        let kernel = &plan.kernels[launch.kernel];
        // Results stored at different places of the loops (once per row, and once per element) are not all stored after
        // the last load.
        let stores: HashSet<_> = (0..kernel.buffers.len())
            .flat_map(|p| indices(kernel, p, true))
            .map(|p| (p.index, p.around))
            .collect();
        if stores.len() > 1 {
            continue;
        }
        let resolve = |b: BufferId| merged.get(&b).copied().unwrap_or(b);
        let mut taken: HashSet<BufferId> = HashSet::new();
        let mut pairs = Vec::new();
        for (position, (out, param)) in launch.args.iter().zip(&kernel.buffers).enumerate() {
            let fresh = spans[&out.buffer].0 == k && param.access == Access::Write;
            if !fresh || !own(out.buffer) || merged.contains_key(&out.buffer) {
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
                    && own(b)
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
            last.insert(b, end_of(plan, out, &spans));
        }
    }
}

/// The step of a buffer's last use; a result lives to the end.
fn end_of(plan: &Plan, b: BufferId, spans: &HashMap<BufferId, (usize, usize)>) -> usize {
    if plan.buffer(b).source == BufferSource::Output { usize::MAX } else { spans[&b].1 }
}

/// The result of a call and a temporary that its routine can write it over, whatever still needs that one.
fn overwritten(
    plan: &Plan,
    call: &LibraryCall,
    resolve: &dyn Fn(BufferId) -> BufferId,
) -> Option<(BufferId, BufferId)> {
    let (over, out) = (call.op.def().overwrites?, call.outputs.first()?);
    let operand = &call.inputs[over];
    let b = resolve(operand.buffer);
    let (have, wanted) = (plan.buffer(b), plan.buffer(out.buffer));
    let same_view =
        (&operand.offset, &operand.shape, &operand.strides) == (&out.offset, &out.shape, &out.strides);
    let read_once = call.inputs.iter().enumerate().all(|(k, v)| k == over || resolve(v.buffer) != b);
    let fits = have.source == BufferSource::Temporary
        && (have.dtype, &have.elements) == (wanted.dtype, &wanted.elements)
        && b != out.buffer;
    (fits && same_view && read_once).then_some((out.buffer, b))
}

/// A loop around an access: its index and range. A `while` has a symbol that no index mentions.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Around {
    index: Symbol,
    lo: Dim,
    hi: Dim,
}

/// An access to a buffer.
struct Place {
    index: Vec<Dim>,
    /// The loops around it, outermost first.
    around: Vec<Around>,
    /// Its place among the kernel's statements.
    order: usize,
}

/// Where a kernel loads (or stores) a buffer parameter.
fn indices(kernel: &Kernel, param: usize, stores: bool) -> Vec<Place> {
    struct Walk {
        param: Mem,
        stores: bool,
        open: Vec<Around>,
        whiles: usize,
        order: usize,
        out: Vec<Place>,
    }
    impl Walk {
        fn inside(&mut self, around: Around, bodies: &[&[Stmt]]) {
            self.open.push(around);
            bodies.iter().for_each(|b| self.block(b));
            self.open.pop();
        }
        fn found(&mut self, index: &[Dim]) {
            let (index, around) = (index.to_vec(), self.open.clone());
            self.out.push(Place { index, around, order: self.order });
        }
        fn block(&mut self, stmts: &[Stmt]) {
            for s in stmts {
                self.order += 1;
                match s {
                    Stmt::Load { mem, index, .. } if !self.stores && *mem == self.param => self.found(index),
                    Stmt::Store { mem, index, .. } if self.stores && *mem == self.param => self.found(index),
                    Stmt::For { index, lo, hi, body, .. } => {
                        let around = Around { index: index.clone(), lo: lo.clone(), hi: hi.clone() };
                        self.inside(around, &[body]);
                    }
                    Stmt::While { cond, body, .. } => {
                        self.whiles += 1;
                        let index = format!("while{}", self.whiles).into();
                        self.inside(Around { index, lo: 0.into(), hi: 0.into() }, &[cond, body]);
                    }
                    Stmt::If { then, otherwise, .. } => {
                        self.block(then);
                        self.block(otherwise);
                    }
                    _ => {}
                }
            }
        }
    }
    let param = Mem::Buffer(param as u32);
    let mut w = Walk { param, stores, open: Vec::new(), whiles: 0, order: 0, out: Vec::new() };
    w.block(&kernel.body);
    w.out
}

/// True if a load sees an element before a store in place replaces it. Each loop around both must move both to the same
/// places, so that its iterations touch elements of their own; within an iteration, the load comes before the store (a
/// row is read in full before it is rewritten).
fn read_before(load: &Place, store: &Place) -> bool {
    let (read, written) = (&load.index, &store.index);
    let shared: Vec<&Around> = load.around.iter().filter(|s| store.around.contains(s)).collect();
    let mut by_value = false;
    written.iter().chain(read).for_each(|d| d.for_each_symbol(&mut |s| by_value |= symbol_val(s).is_some()));
    let moves_alike = |s: &Symbol| {
        let mut components =
            written.iter().zip(read).filter(|(w, r)| w.mentions(s) || r.mentions(s)).peekable();
        components.peek().is_some() && components.all(|(w, r)| w == r)
    };
    let unmentioned = |s: &Symbol| written.iter().chain(read).all(|d| !d.mentions(s));
    let apart = |k: usize| {
        let s = &shared[k].index;
        let chunks = |t: &&&Around| moves_alike(&t.index) && walks_chunk(t, s);
        moves_alike(s) || (unmentioned(s) && shared[k + 1..].iter().any(|t| chunks(&t)))
    };
    // Places that depend on data are known when it runs only.
    load.order < store.order && !by_value && read.len() == written.len() && (0..shared.len()).all(apart)
}

/// True if a loop runs over another part of its range in each iteration of the loop `outer`:
/// `for t in c*outer .. min(n, c*outer + c)`.
fn walks_chunk(t: &Around, outer: &Symbol) -> bool {
    let Some((step, _)) = t.lo.affine_in(outer) else { return false };
    let end = &t.lo + &step;
    step.as_const().is_some_and(|c| c > 0) && ends_by(&t.hi, &end)
}

/// True if `hi <= end` by its form.
fn ends_by(hi: &Dim, end: &Dim) -> bool {
    hi == end
        || match hi.terms() {
            ([(atoms, 1)], 0) => {
                matches!(&atoms[..], [Atom::Min(a, b)] if ends_by(a, end) || ends_by(b, end))
            }
            _ => false,
        }
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

/// A result that overwrites its operand leaves a buffer behind that nothing uses.
fn drop_unused_buffers(plan: &mut Plan) {
    let used: RefCell<BTreeSet<BufferId>> = RefCell::default();
    let note = |b: BufferId| {
        used.borrow_mut().insert(b);
        b
    };
    plan.inputs.iter().for_each(|i| _ = note(i.buffer));
    plan.outputs.iter().for_each(|v| _ = note(v.buffer));
    plan.steps.iter_mut().for_each(|s| rename(s, &note));
    let used = used.into_inner();
    let new: HashMap<BufferId, BufferId> =
        used.iter().enumerate().map(|(k, b)| (*b, BufferId(k as u32))).collect();
    plan.buffers = used.iter().map(|b| plan.buffer(*b).clone()).collect();
    let to = |b: BufferId| new[&b];
    plan.inputs.iter_mut().for_each(|i| i.buffer = to(i.buffer));
    plan.outputs.iter_mut().for_each(|v| v.buffer = to(v.buffer));
    plan.steps.iter_mut().for_each(|s| rename(s, &to));
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

/// Memory is taken just before the first use and given back right after the last one. Results are kept. What only the
/// body of a loop or one branch uses is taken and given back in there: its size may depend on the index, and the two
/// branches do not add up.
fn lifetimes(plan: &mut Plan) {
    let mut steps = std::mem::take(&mut plan.steps);
    // Results that no step makes: they have no elements.
    let mut made: HashSet<BufferId> = steps.iter().flat_map(uses).collect();
    for v in plan.outputs.iter().rev() {
        if made.insert(v.buffer) && plan.buffer(v.buffer).source == BufferSource::Output {
            steps.insert(0, Step::Alloc(v.buffer));
        }
    }
    let taken = |b: BufferId| match plan.buffer(b).source {
        BufferSource::Temporary => Some(true),
        BufferSource::Output => Some(false),
        BufferSource::Input(_) | BufferSource::Constant(_) => None,
    };
    plan.steps = place(steps, &|b| taken(b));
}

/// Adds the lifetimes of the buffers for which `managed` tells whether they end (`None`: not this list's to manage).
fn place(steps: Vec<Step>, managed: &dyn Fn(BufferId) -> Option<bool>) -> Vec<Step> {
    let mut spans: BTreeMap<BufferId, (usize, usize)> = BTreeMap::new();
    for (k, step) in steps.iter().enumerate() {
        for b in uses(step) {
            spans.entry(b).or_insert((k, k)).1 = k;
        }
    }
    // The one list inside a step that each buffer is left to.
    let mut inner: HashMap<BufferId, (usize, usize)> = HashMap::new();
    for (k, step) in steps.iter().enumerate() {
        let (lists, direct) = inside(step);
        let mut users: BTreeMap<BufferId, Vec<usize>> = BTreeMap::new();
        for (list, body) in lists.iter().enumerate() {
            for b in body.iter().flat_map(uses) {
                let found = users.entry(b).or_default();
                if found.last() != Some(&list) {
                    found.push(list);
                }
            }
        }
        for (b, found) in users {
            let only_here = spans[&b] == (k, k) && found.len() == 1 && direct != Some(b);
            if only_here && managed(b) == Some(true) {
                inner.insert(b, (k, found[0]));
            }
        }
    }
    let (mut begin, mut end): (HashMap<usize, Vec<BufferId>>, HashMap<usize, Vec<BufferId>>) =
        Default::default();
    for (b, (first, last)) in &spans {
        if inner.contains_key(b) {
            continue;
        }
        let Some(ends) = managed(*b) else { continue };
        begin.entry(*first).or_default().push(*b);
        if ends {
            end.entry(*last).or_default().push(*b);
        }
    }
    let mut out = Vec::with_capacity(steps.len() + 2 * spans.len());
    for (k, mut step) in steps.into_iter().enumerate() {
        out.extend(begin.remove(&k).into_iter().flatten().map(Step::Alloc));
        let mut number = 0;
        for_each_list(&mut step, &mut |list| {
            let here = (k, number);
            number += 1;
            *list = place(std::mem::take(list), &|b| (inner.get(&b) == Some(&here)).then_some(true));
        });
        out.push(step);
        out.extend(end.remove(&k).into_iter().flatten().map(Step::Free));
    }
    out
}

/// The lists of steps inside a step, and the buffer that it reads itself.
fn inside(step: &Step) -> (Vec<&[Step]>, Option<BufferId>) {
    match step {
        Step::For { body, .. } => (vec![body], None),
        Step::While { cond, test, body } => (vec![cond, body], Some(test.buffer)),
        Step::If { test, then, otherwise } => (vec![then, otherwise], Some(test.buffer)),
        Step::Alloc(_) | Step::Free(_) | Step::Launch(_) | Step::Library(_) | Step::Swap(..) => {
            (vec![], None)
        }
    }
}

/// Calls `f` on the lists of steps inside a step, in the order of [`inside`].
fn for_each_list(step: &mut Step, f: &mut dyn FnMut(&mut Vec<Step>)) {
    match step {
        Step::For { body, .. } => f(body),
        Step::While { cond, body, .. } => {
            f(cond);
            f(body);
        }
        Step::If { then, otherwise, .. } => {
            f(then);
            f(otherwise);
        }
        Step::Alloc(_) | Step::Free(_) | Step::Launch(_) | Step::Library(_) | Step::Swap(..) => {}
    }
}
