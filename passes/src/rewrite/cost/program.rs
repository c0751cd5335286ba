//! What a program costs as a whole: which of its values exist in memory, which loops they share, and what that moves.
//!
//! A model of `fuse`, in time proportional to the operands: values that routines, reductions and results need are
//! stored; the others are computed in the loops of their users, again in each of several unless that costs more than
//! storing them. Loops over as many elements, with the same number of complete values before them, are one kernel.

use super::{Kind, Measure, NODE, TARGET};
use crate::fuse::RECOMPUTE;
use rustc_hash::FxHashMap;

/// Cost of a program.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Cost {
    /// Modelled time on the reference machine.
    pub seconds: f64,
    /// Bytes read and written by all kernels and routines.
    pub bytes: f64,
    /// The most bytes of temporaries and results at once.
    pub peak: f64,
}

/// Bytes of the largest element type.
const LARGEST_ELEMENT: f64 = 16.0;

/// The part of the time to write the peak once that counts as cost: of two programs that take as long, the smaller.
const PEAK: f64 = 0.05;

impl Cost {
    /// What programs are compared by.
    pub(crate) fn total(&self) -> f64 {
        self.seconds + PEAK * self.peak / TARGET.core_bandwidth
    }

    /// Whether it is less than another, beyond rounding.
    pub(crate) fn beats(&self, other: &Cost) -> bool {
        let (a, b) = (self.total(), other.total());
        a + (b * 1e-9).max(NODE / 10.0) < b
    }

    pub(crate) fn minus(&self, o: &Cost) -> Cost {
        Cost { seconds: self.seconds - o.seconds, bytes: self.bytes - o.bytes, peak: self.peak - o.peak }
    }

    pub(crate) fn add(&mut self, o: &Cost) {
        self.seconds += o.seconds;
        self.bytes += o.bytes;
        self.peak += o.peak;
    }
}

/// A program as a list, operands first.
#[derive(Default)]
pub(crate) struct Items {
    measures: Vec<Measure>,
    /// Where the operands of each begin in `operands`; one more at the end.
    first: Vec<u32>,
    operands: Vec<u32>,
    roots: Vec<u32>,
}

/// A few numbers; more than fit count as the last.
#[derive(Clone, Copy, Default)]
struct Few {
    list: [u32; 6],
    len: usize,
}

impl Few {
    fn insert(&mut self, v: u32) -> bool {
        if self.all().contains(&v) || self.len == self.list.len() {
            return false;
        }
        self.list[self.len] = v;
        self.len += 1;
        true
    }

    fn all(&self) -> &[u32] {
        &self.list[..self.len]
    }
}

/// Loops that run over the same elements.
#[derive(Default)]
struct Group {
    compute: f64,
    memory: f64,
    parallel: bool,
}

impl Items {
    pub(crate) fn clear(&mut self) {
        self.measures.clear();
        self.first.clear();
        self.operands.clear();
        self.roots.clear();
    }

    /// Adds a node; its position.
    pub(crate) fn push(&mut self, m: Measure, operands: impl Iterator<Item = u32>) -> u32 {
        self.first.push(self.operands.len() as u32);
        self.operands.extend(operands);
        self.measures.push(m);
        self.measures.len() as u32 - 1
    }

    /// The program must give this value.
    pub(crate) fn root(&mut self, item: u32) {
        self.roots.push(item);
    }

    fn operands(&self, item: usize) -> &[u32] {
        let end = self.first.get(item + 1).map_or(self.operands.len(), |e| *e as usize);
        &self.operands[self.first[item] as usize..end]
    }

    fn kind(&self, item: usize) -> Kind {
        self.measures[item].kind
    }

    /// What a chain of views shows.
    fn base(&self, mut item: usize) -> usize {
        while self.kind(item) == Kind::View {
            item = self.operands(item)[0] as usize;
        }
        item
    }

    /// Values that are in memory whatever the loops are.
    fn forced(&self) -> Vec<bool> {
        let n = self.measures.len();
        let mut stored = vec![false; n];
        for k in 0..n {
            match self.kind(k) {
                Kind::Leaf | Kind::Reduce => stored[k] = true,
                Kind::Single { .. } => {
                    stored[k] = true;
                    for o in self.operands(k) {
                        let base = self.base(*o as usize);
                        // A number that is constant is part of the program.
                        let number = self.kind(base) == Kind::Free && self.measures[base].domain <= 1.0;
                        stored[base] |= !number;
                    }
                }
                Kind::Free | Kind::View | Kind::Fused | Kind::Rows => {}
            }
        }
        for r in &self.roots {
            stored[*r as usize] = true;
        }
        stored
    }

    /// Row reductions that are computed from another one of the same rows, which has other uses: both are made in one pass
    /// over the rows, and stored.
    fn shared_rows(&self) -> Vec<bool> {
        let n = self.measures.len();
        if self.measures.iter().all(|m| m.kind != Kind::Rows) {
            return vec![false; n];
        }
        let rows = |k: u32| self.kind(k as usize) == Kind::Rows;
        let mut from = vec![u32::MAX; n];
        let (mut used, mut pairs) = (vec![false; n], Vec::new());
        for k in 0..n {
            let m = &self.measures[k];
            if m.kind == Kind::Leaf {
                continue;
            }
            for o in self.operands(k) {
                let row = if rows(*o) { *o } else { from[*o as usize] };
                let Some(of) = self.measures.get(row as usize) else { continue };
                match m.kind {
                    Kind::View | Kind::Fused if from[k] == u32::MAX => from[k] = row,
                    Kind::Rows if of.domain == m.domain => pairs.push((k, row)),
                    // Each row's result by itself; what is spread over the row again is used where it is made.
                    Kind::Reduce | Kind::Rows | Kind::Single { .. }
                        if rows(*o) || self.measures[*o as usize].domain < of.domain =>
                    {
                        used[row as usize] = true;
                    }
                    _ => {}
                }
            }
        }
        let mut shared = vec![false; n];
        for (k, row) in pairs {
            shared[k] = used[row as usize];
        }
        shared
    }

    pub(crate) fn cost(&self) -> Cost {
        let n = self.measures.len();
        let mut stored = self.forced();
        let shared_rows = self.shared_rows();
        // How many complete values come before a node, and the seconds of one element with what it is computed from.
        let (mut level, mut each) = (vec![0u32; n], vec![0.0f64; n]);
        for k in 0..n {
            let m = &self.measures[k];
            let mut own = m.compute / m.domain.max(1.0);
            for o in self.operands(k).iter().map(|o| *o as usize) {
                let complete = matches!(self.kind(o), Kind::Reduce | Kind::Single { .. });
                level[k] = level[k].max(level[o] + complete as u32);
                own += if stored[o] { 0.0 } else { each[o] };
            }
            each[k] = own;
        }
        let mut groups: Vec<Group> = Vec::new();
        let mut by_domain: FxHashMap<(u32, u64, bool), u32> = FxHashMap::default();
        // Loops that compute each node, and those that read each stored one.
        let mut inside: Vec<Few> = vec![Few::default(); n];
        let mut readers: Vec<Few> = vec![Few::default(); n];
        let mut read = vec![0.0f64; n];
        let mut total = Cost::default();
        for k in (0..n).rev() {
            let m = &self.measures[k];
            if m.kind == Kind::Leaf {
                continue;
            }
            let costly = m.kind == Kind::Rows || each[k] > RECOMPUTE * TARGET.unit;
            if inside[k].len > 1 && costly && matches!(m.kind, Kind::Fused | Kind::Rows) || shared_rows[k] {
                stored[k] = true;
            }
            if stored[k] {
                // Reductions of everything have loops of their own.
                let key = (level[k], m.domain.to_bits(), m.kind == Kind::Reduce);
                let group = match m.kind {
                    Kind::Single { .. } => None,
                    _ => by_domain.get(&key).copied(),
                };
                let group = group.unwrap_or_else(|| {
                    let parallel = !matches!(m.kind, Kind::Single { parallel: false });
                    groups.push(Group { parallel, ..Group::default() });
                    groups.len() as u32 - 1
                });
                if !matches!(m.kind, Kind::Single { .. }) {
                    by_domain.insert(key, group);
                }
                // Who takes it along needs no other loop.
                inside[k] = Few::default();
                inside[k].insert(group);
                let g = &mut groups[group as usize];
                if m.kind != Kind::Free {
                    g.memory += TARGET.traffic(m.bytes);
                    total.bytes += m.bytes;
                }
            }
            for g in inside[k].all() {
                groups[*g as usize].compute += m.compute;
            }
            for o in self.operands(k).iter().map(|o| *o as usize) {
                let own = inside[k];
                for g in own.all() {
                    inside[o].insert(*g);
                }
                let base = self.base(o);
                if m.kind == Kind::View && !stored[k] || !stored[base] {
                    continue;
                }
                // Views and gathers of part of an array read that part, at most the array in each of the loops.
                let most = if m.kind == Kind::View { m.bytes } else { m.domain * LARGEST_ELEMENT };
                let part = self.measures[o].bytes.min(self.measures[base].bytes).min(most);
                for g in inside[k].all() {
                    readers[base].insert(*g);
                    let most = self.measures[base].bytes * readers[base].len as f64;
                    let more = part.min(most - read[base]).max(0.0);
                    read[base] += more;
                    groups[*g as usize].memory += TARGET.traffic(more);
                    total.bytes += more;
                }
            }
        }
        for g in &groups {
            let seconds = if g.parallel { TARGET.shared(g.compute, g.memory) } else { g.compute + g.memory };
            total.seconds += seconds + TARGET.launch;
        }
        total.peak = self.peak(&stored);
        total
    }

    /// The most bytes at once if every stored value lives from where it stands to its last user.
    fn peak(&self, stored: &[bool]) -> f64 {
        let n = self.measures.len();
        let mut last = vec![0usize; n];
        for k in 0..n {
            for o in self.operands(k) {
                last[self.base(*o as usize)] = k;
            }
        }
        for r in &self.roots {
            last[*r as usize] = n;
        }
        let mut ends: Vec<f64> = vec![0.0; n + 1];
        let (mut now, mut most) = (0.0, 0.0f64);
        for k in 0..n {
            if stored[k] && !matches!(self.kind(k), Kind::Leaf | Kind::Free) {
                now += self.measures[k].bytes;
                ends[last[k].max(k)] += self.measures[k].bytes;
            }
            most = most.max(now);
            now -= ends[k];
        }
        most
    }
}
