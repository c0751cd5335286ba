//! The order of a plan's steps. Lowering emits them in the graph's order, which is the order of the user's lines; another
//! order may hold less memory at once. Two others are proposed: [`schedule`](super::schedule) gives each its lifetimes,
//! and keeps the one with the least peak by [`peak`], the earlier one of equals. So the result is never worse than the
//! source order by that model.
//!
//! The proposals are greedy list scheduling (among the steps that can run, the one that takes the least memory after
//! subtracting what it releases) and evaluation on demand from the results (operands first, in the order that is best
//! for trees: Liu, "On the storage requirement in the out-of-core multifrontal method", 1986). Both take time
//! proportional to the operands of all steps, up to a logarithm, and depend on the plan only. Where memory is limited, a
//! third one is searched for among the sets of steps that can be done first ([`search`]).
//!
//! Sizes with symbols are compared as if every symbol were [`REPRESENTATIVE`]. Scratch of kernels and workspaces of
//! library calls are not part of the model. Bodies of loops keep their order.

use super::schedule::collect;
use frit_ir::Dim;
use frit_ir::kernel::Access;
use frit_ir::plan::{BufferId, BufferSource, Plan, Step};
use frit_ir::target::Target;
use std::collections::BTreeSet;

mod search;

/// The value that stands for every symbol.
pub(super) const REPRESENTATIVE: i64 = Target::REFERENCE.typical_size;

type Bytes = i128;

/// Bytes of a buffer in the model.
fn bytes(plan: &Plan, b: BufferId) -> Bytes {
    let buffer = plan.buffer(b);
    let n = |d: &Dim| d.range(&|_| Some((REPRESENTATIVE, REPRESENTATIVE))).map_or(i64::MAX, |r| r.1.max(0));
    Bytes::from(n(&buffer.elements)) * buffer.dtype.size() as Bytes
}

/// The most bytes of buffers at once in a plan with lifetimes.
pub(super) fn peak(plan: &Plan) -> Bytes {
    struct Walk<'a> {
        plan: &'a Plan,
        now: Bytes,
        most: Bytes,
    }
    fn walk(w: &mut Walk<'_>, steps: &[Step]) {
        for s in steps {
            match s {
                Step::Alloc(b) => w.now += bytes(w.plan, *b),
                Step::Free(b) => w.now -= bytes(w.plan, *b),
                Step::For { body, .. } => walk(w, body),
                Step::While { cond, body, .. } => {
                    walk(w, cond);
                    walk(w, body);
                }
                Step::If { then, otherwise, .. } => {
                    walk(w, then);
                    walk(w, otherwise);
                }
                Step::Launch(_) | Step::Library(_) | Step::Swap(..) => {}
            }
            w.most = w.most.max(w.now);
        }
    }
    let mut w = Walk { plan, now: 0, most: 0 };
    walk(&mut w, &plan.steps);
    w.most
}

/// What the steps of a plan without lifetimes need of each other.
struct Steps {
    /// Steps that must come before, and after.
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    /// Buffers of the pool that each step uses, and those that it is the first to use in source order.
    uses: Vec<Vec<BufferId>>,
    first: Vec<Vec<BufferId>>,
    /// Bytes and source of each buffer.
    bytes: Vec<Bytes>,
    temporary: Vec<bool>,
}

/// Buffers that a step uses, in order of first mention, with whether it writes them.
fn accesses(plan: &Plan, step: &Step) -> Vec<(BufferId, bool)> {
    let all: Vec<(BufferId, bool)> = match step {
        Step::Launch(l) => {
            let written = plan.kernels[l.kernel].buffers.iter().map(|p| p.access != Access::Read);
            l.args.iter().map(|v| v.buffer).zip(written).collect()
        }
        Step::Library(l) => {
            let read = l.inputs.iter().map(|v| (v.buffer, false));
            read.chain(l.outputs.iter().map(|v| (v.buffer, true))).collect()
        }
        _ => {
            // Steps inside steps: what they do to a buffer is not looked at closer.
            let mut inside = Vec::new();
            collect(step, &mut inside);
            inside.into_iter().map(|b| (b, true)).collect()
        }
    };
    let mut out: Vec<(BufferId, bool)> = Vec::with_capacity(all.len());
    let mut place = std::collections::HashMap::new();
    for (b, write) in all {
        let k = *place.entry(b).or_insert_with(|| {
            out.push((b, false));
            out.len() - 1
        });
        out[k].1 |= write;
    }
    out
}

impl Steps {
    fn new(plan: &Plan) -> Steps {
        let n = plan.steps.len();
        let buffers = plan.buffers.len();
        let pooled: Vec<bool> = plan
            .buffers
            .iter()
            .map(|b| matches!(b.source, BufferSource::Temporary | BufferSource::Output))
            .collect();
        let mut s = Steps {
            before: vec![Vec::new(); n],
            after: vec![Vec::new(); n],
            uses: vec![Vec::new(); n],
            first: vec![Vec::new(); n],
            bytes: (0..buffers as u32).map(|b| bytes(plan, BufferId(b))).collect(),
            temporary: plan.buffers.iter().map(|b| b.source == BufferSource::Temporary).collect(),
        };
        let mut writer: Vec<Option<usize>> = vec![None; buffers];
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); buffers];
        let mut met = vec![false; buffers];
        for (k, step) in plan.steps.iter().enumerate() {
            for (id, write) in accesses(plan, step) {
                let b = id.0 as usize;
                if !pooled[b] {
                    continue;
                }
                s.before[k].extend(writer[b]);
                if write {
                    s.before[k].append(&mut readers[b]);
                    writer[b] = Some(k);
                } else {
                    readers[b].push(k);
                }
                s.uses[k].push(id);
                if !std::mem::replace(&mut met[b], true) {
                    s.first[k].push(id);
                }
            }
            let before = &mut s.before[k];
            before.sort_unstable();
            before.dedup();
            for p in before {
                s.after[*p].push(k);
            }
        }
        s
    }

    /// Bytes that a step takes from the pool, when it runs as one of the first to use its buffers.
    fn taken(&self, k: usize) -> Bytes {
        self.first[k].iter().map(|b| self.bytes[b.0 as usize]).sum()
    }

    fn greedy(&self) -> Vec<usize> {
        let n = self.uses.len();
        // Steps that still use each buffer: how many, and the exclusive or of their numbers, which names the last one.
        let mut left: Vec<(usize, usize)> = vec![(0, 0); self.bytes.len()];
        for (k, uses) in self.uses.iter().enumerate() {
            for b in uses {
                let l = &mut left[b.0 as usize];
                *l = (l.0 + 1, l.1 ^ k);
            }
        }
        let mut taken = vec![false; self.bytes.len()];
        let growth = |k: usize, left: &[(usize, usize)], taken: &[bool]| -> Bytes {
            let of = |b: &BufferId| {
                let b = b.0 as usize;
                let released = left[b].0 == 1 && self.temporary[b];
                match (taken[b], released) {
                    (false, false) => self.bytes[b],
                    (true, true) => -self.bytes[b],
                    _ => 0,
                }
            };
            self.uses[k].iter().map(of).sum()
        };
        let mut waiting: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut key: Vec<Option<Bytes>> = vec![None; n];
        let mut ready: BTreeSet<(Bytes, usize)> = BTreeSet::new();
        for k in (0..n).filter(|k| waiting[*k] == 0) {
            let g = growth(k, &left, &taken);
            key[k] = Some(g);
            ready.insert((g, k));
        }
        let mut order = Vec::with_capacity(n);
        while let Some((_, k)) = ready.pop_first() {
            order.push(k);
            key[k] = None;
            let mut touched = Vec::new();
            for b in &self.uses[k] {
                let b = b.0 as usize;
                taken[b] = true;
                left[b] = (left[b].0 - 1, left[b].1 ^ k);
                if left[b].0 == 1 {
                    touched.push(left[b].1);
                }
            }
            for s in &self.after[k] {
                waiting[*s] -= 1;
                if waiting[*s] == 0 {
                    touched.push(*s);
                }
            }
            for t in touched {
                if waiting[t] > 0 {
                    continue;
                }
                let g = growth(t, &left, &taken);
                if let Some(old) = key[t].replace(g) {
                    ready.remove(&(old, t));
                }
                ready.insert((g, t));
            }
        }
        order
    }

    fn on_demand(&self) -> Vec<usize> {
        let n = self.uses.len();
        // What computing a step holds at most, and what it leaves behind, as if the steps formed a tree.
        let mut need: Vec<Bytes> = vec![0; n];
        let mut operands: Vec<Vec<usize>> = self.before.clone();
        for k in 0..n {
            let list = &mut operands[k];
            list.sort_by_key(|p| (std::cmp::Reverse(need[*p] - self.taken(*p)), *p));
            let mut held: Bytes = 0;
            let mut most: Bytes = 0;
            for p in list.iter() {
                most = most.max(held + need[*p]);
                held += self.taken(*p);
            }
            need[k] = most.max(held + self.taken(k));
        }
        let mut order = Vec::with_capacity(n);
        let mut done = vec![false; n];
        let mut stack: Vec<(usize, usize)> = Vec::new();
        for root in (0..n).filter(|k| self.after[*k].is_empty()) {
            stack.push((root, 0));
            while let Some((k, next)) = stack.pop() {
                if done[k] {
                    continue;
                }
                match operands[k].get(next) {
                    Some(p) => {
                        stack.push((k, next + 1));
                        if !done[*p] {
                            stack.push((*p, 0));
                        }
                    }
                    None => {
                        done[k] = true;
                        order.push(k);
                    }
                }
            }
        }
        order
    }
}

/// Other orders for the steps of a plan without lifetimes that keep its meaning; `search`: one that is searched for, too.
pub(super) fn proposals(plan: &Plan, search: bool) -> Vec<Vec<usize>> {
    if plan.steps.len() < 3 {
        return vec![];
    }
    let s = Steps::new(plan);
    let mut out: Vec<Vec<usize>> = Vec::new();
    let searched = if search { search::search(&s) } else { None };
    for order in [s.greedy(), s.on_demand()].into_iter().chain(searched) {
        debug_assert_eq!(order.len(), plan.steps.len());
        if !order.is_sorted() && !out.contains(&order) {
            out.push(order);
        }
    }
    out
}

/// The steps in another order.
pub(super) fn permuted(steps: &[Step], order: &[usize]) -> Vec<Step> {
    order.iter().map(|k| steps[*k].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::schedule::schedule;
    use super::*;
    use frit_ir::kernel::{BufferParam, Kernel};
    use frit_ir::plan::{Buffer, Launch, Origin, View};
    use frit_ir::{DType, Loc, Op};
    use std::collections::HashSet;
    use std::sync::Arc;

    /// A plan of launches: each reads some buffers and writes one new one of the given size.
    fn plan(launches: &[(&[u32], i64)], results: &[u32]) -> Plan {
        let origin = Origin { op: Op::Add, loc: Loc::NONE };
        let mut p = super::super::empty_plan(&"p".into());
        for (k, (reads, elements)) in launches.iter().enumerate() {
            let source =
                if results.contains(&(k as u32)) { BufferSource::Output } else { BufferSource::Temporary };
            let elements = Dim::constant(*elements);
            p.buffers.push(Buffer { dtype: DType::U8, elements, source, origin: origin.clone() });
            let param = |access| BufferParam { dtype: DType::U8, rank: 0, access, unit: true };
            let mut buffers: Vec<BufferParam> = reads.iter().map(|_| param(Access::Read)).collect();
            buffers.push(param(Access::Write));
            p.kernels.push(Arc::new(Kernel {
                name: format!("k{k}"),
                buffers,
                sizes: vec![],
                scratch: vec![],
                vars: vec![],
                vals: vec![],
                body: vec![],
            }));
            let view = |b: u32| View::contiguous(BufferId(b), &[]);
            p.steps.push(Step::Launch(Launch {
                kernel: k,
                args: reads.iter().copied().chain([k as u32]).map(view).collect(),
                sizes: vec![],
                parallel: 1.into(),
                cost: 1.into(),
                origin: origin.clone(),
            }));
        }
        p.outputs = results.iter().map(|b| View::contiguous(BufferId(*b), &[])).collect();
        p
    }

    /// The peak of a plan scheduled in its source order.
    fn source_peak(p: &Plan) -> Bytes {
        let mut p = p.clone();
        super::super::schedule::finish(&mut p, &HashSet::new());
        peak(&p)
    }

    /// Operands are written before they are read, and every launch is still there.
    fn check(before: &Plan, after: &Plan) {
        let mut written = HashSet::new();
        let mut seen = 0;
        for s in &after.steps {
            let Step::Launch(l) = s else { continue };
            seen += 1;
            let (out, reads) = l.args.split_last().unwrap();
            assert!(reads.iter().all(|v| written.contains(&v.buffer)), "read before it is written");
            written.insert(out.buffer);
        }
        assert_eq!(seen, before.steps.len());
    }

    #[test]
    fn large_values_are_reduced_before_the_next_is_made() {
        // Eight large arrays, then their reductions, then a tree over those.
        let mut launches: Vec<(Vec<u32>, i64)> = (0..8).map(|_| (vec![], 1 << 20)).collect();
        launches.extend((0..8).map(|k| (vec![k], 64)));
        launches.extend(
            [(8, 9), (10, 11), (12, 13), (14, 15), (16, 17), (18, 19), (20, 21)]
                .map(|(a, b)| (vec![a, b], 64)),
        );
        let launches: Vec<(&[u32], i64)> = launches.iter().map(|(r, n)| (&r[..], *n)).collect();
        let p = plan(&launches, &[22]);
        assert!(source_peak(&p) >= 8 << 20);
        let mut q = p.clone();
        schedule(&mut q, &HashSet::new(), false);
        check(&p, &q);
        assert!(peak(&q) < (1 << 20) + 2000, "{}", peak(&q));
    }

    /// Random graphs of steps: a legal order, never worse than the source order by the model.
    #[test]
    fn never_worse_than_the_source_order() {
        let mut state = 7u64;
        let mut random = |n: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % n
        };
        let (mut better, mut found) = (0, 0);
        for _ in 0..300 {
            let n = 2 + random(40) as u32;
            let launches: Vec<(Vec<u32>, i64)> = (0..n)
                .map(|k| {
                    let reads: BTreeSet<u32> =
                        (0..random(4)).filter(|_| k > 0).map(|_| random(u64::from(k)) as u32).collect();
                    (reads.into_iter().collect(), 1 << random(12))
                })
                .collect();
            let launches: Vec<(&[u32], i64)> = launches.iter().map(|(r, n)| (&r[..], *n)).collect();
            let p = plan(&launches, &[n - 1]);
            let mut q = p.clone();
            schedule(&mut q, &HashSet::new(), false);
            check(&p, &q);
            assert!(peak(&q) <= source_peak(&p));
            better += (peak(&q) < source_peak(&p)) as u32;
            let mut again = p.clone();
            schedule(&mut again, &HashSet::new(), false);
            assert_eq!(q, again);
            let mut searched = p.clone();
            schedule(&mut searched, &HashSet::new(), true);
            check(&p, &searched);
            assert!(peak(&searched) <= peak(&q));
            found += (peak(&searched) < peak(&q)) as u32;
        }
        assert!(better > 100, "{better} of 300 got better");
        assert!(found > 10, "the search found a better order for {found} of 300");
    }

    #[test]
    fn long_plans_take_linear_time() {
        let n = 100_000u32;
        // A chain with a hub: every tenth step also reads the first one's result.
        let launches: Vec<(Vec<u32>, i64)> = (0..n)
            .map(|k| match k {
                0 => (vec![], 64),
                k if k % 10 == 0 => (vec![0, k - 1], 64),
                k => (vec![k - 1], 64),
            })
            .collect();
        let launches: Vec<(&[u32], i64)> = launches.iter().map(|(r, n)| (&r[..], *n)).collect();
        let mut p = plan(&launches, &[n - 1]);
        // A quadratic scheduler would take minutes.
        schedule(&mut p, &HashSet::new(), false);
        assert_eq!(p.steps.iter().filter(|s| matches!(s, Step::Launch(_))).count(), n as usize);
    }
}
