//! Block sizes of one stage: solved numerically, by halving what costs least until everything fits, then by moving
//! single steps while the modelled time falls. Counts decide, never time.

use super::region::ceil_div;
use super::stage::{Figures, Stage};
use frit_ir::graph::Graph;

/// What blocks must fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes that all workers may hold together.
    pub(crate) memory: Option<f64>,
    /// Bytes of one block; exceeded only where an axis cannot be cut.
    pub(crate) block: f64,
    pub(crate) cores: usize,
}

/// A stage with block sizes.
#[derive(Clone, Debug)]
pub(crate) struct Solved {
    pub(crate) blocks: Vec<i64>,
    pub(crate) figures: Figures,
}

/// Moves of the local search.
const MOVES: usize = 64;
/// Blocks of more elements are rounded up to a multiple of [`ROUND`].
const LARGE: i64 = 64;
const ROUND: i64 = 8;

impl Limits {
    /// Memory of all workers.
    pub(crate) fn peak(&self, f: &Figures) -> f64 {
        f.task_bytes * f.tasks.min(self.cores as f64) + f.accumulators
    }

    /// Above 1 if the memory limit is exceeded.
    pub(crate) fn over(&self, f: &Figures) -> f64 {
        self.memory.map_or(0.0, |m| self.peak(f) / m)
    }

    fn excess(&self, f: &Figures) -> f64 {
        self.over(f).max(f.largest / self.block)
    }
}

/// The size of each of `count` blocks: equal ones where that is possible, else a multiple of 8.
fn size(n: i64, count: i64) -> i64 {
    let b = ceil_div(n, count).max(1);
    if n % count == 0 || b < LARGE { b } else { (ceil_div(b, ROUND) * ROUND).min(n) }
}

/// The best block sizes; only loops marked `free` are cut.
pub(crate) fn solve(g: &Graph, stage: &Stage, limits: &Limits, free: &[bool]) -> Solved {
    let n = stage.loops.len();
    let blocks = |counts: &[i64]| -> Vec<i64> {
        stage.loops.iter().zip(counts).map(|(n, c)| size((*n).max(1), *c)).collect()
    };
    let figures = |counts: &[i64]| stage.figures(g, &blocks(counts), limits.cores, false);
    let mut counts = vec![1; n];
    let mut now = figures(&counts);
    let can = |counts: &[i64], k: usize| free[k] && counts[k] < stage.loops[k];
    let doubled = |counts: &[i64], k: usize| {
        let mut c = counts.to_vec();
        c[k] = (c[k] * 2).min(stage.loops[k]);
        c
    };
    while limits.excess(&now) > 1.0 {
        let held = |f: &Figures| (f.task_bytes + f.accumulators).max(1.0).ln();
        let mut best: Option<(f64, Vec<i64>, Figures)> = None;
        for k in (0..n).filter(|k| can(&counts, *k)) {
            let next = doubled(&counts, k);
            let f = figures(&next);
            let gain = held(&now) - held(&f);
            if gain < 1e-3 {
                continue;
            }
            let score = (f.seconds - now.seconds).max(1e-9 * now.seconds) / gain;
            if best.as_ref().is_none_or(|(s, ..)| score < *s) {
                best = Some((score, next, f));
            }
        }
        let Some((_, next, f)) = best else { break };
        (counts, now) = (next, f);
    }
    for _ in 0..MOVES {
        let mut tried: Vec<Vec<i64>> = Vec::new();
        for k in 0..n {
            if can(&counts, k) {
                tried.push(doubled(&counts, k));
            }
            if counts[k] > 1 {
                let mut fewer = counts.clone();
                fewer[k] /= 2;
                tried.extend((0..n).filter(|j| *j != k && can(&counts, *j)).map(|j| doubled(&fewer, j)));
                tried.push(fewer);
            }
        }
        let bound = limits.excess(&now).max(1.0);
        let all = tried.into_iter().map(|c| (figures(&c), c)).filter(|(f, _)| limits.excess(f) <= bound);
        let best = all.min_by(|(a, _), (b, _)| a.seconds.total_cmp(&b.seconds));
        match best {
            Some((f, c)) if f.seconds < now.seconds * (1.0 - 1e-6) => (counts, now) = (c, f),
            _ => break,
        }
    }
    Solved { blocks: blocks(&counts), figures: now }
}
