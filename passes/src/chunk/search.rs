//! What is stored between stages: chosen by trying, from "everything that is expensive to compute twice" on, which
//! values are better computed where they are used.

use super::ChunkOptions;
use super::region::shape;
use super::report::{Candidate, Suggestion};
use super::solve::{Limits, Solved, solve};
use super::stage::{Stage, Stored, stages};
use frit_ir::Op;
use frit_ir::graph::{Graph, Value};
use frit_ir::ops::Class;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Values whose storing is decided; in a larger program the first ones in order of size.
const CUTS: usize = 40;
/// Loops of the main stage of which candidates cut one alone.
const LOOPS: usize = 4;

/// Stored values with the stages that they make.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) title: String,
    pub(crate) stored: Stored,
    pub(crate) stages: Vec<(Stage, Solved)>,
}

impl Choice {
    /// Modelled time; one that does not fit comes after all that do.
    fn score(&self, limits: &Limits) -> (bool, f64) {
        let over = self.stages.iter().any(|(_, s)| limits.over(&s.figures) > 1.0);
        let excess: f64 = self.stages.iter().map(|(_, s)| limits.over(&s.figures).max(1.0)).product();
        (
            over,
            self.stages.iter().map(|(_, s)| s.figures.seconds).sum::<f64>() * if over { excess } else { 1.0 },
        )
    }

    /// The largest block, as a multiple of what is allowed; at least 1.
    fn block_excess(&self, limits: &Limits) -> f64 {
        self.stages.iter().map(|(_, s)| s.figures.largest / limits.block).fold(1.0, f64::max)
    }

    fn key(&self) -> Vec<(&Stage, &Vec<i64>)> {
        self.stages.iter().map(|(s, b)| (s, &b.blocks)).collect()
    }
}

fn better(a: (bool, f64), b: (bool, f64)) -> bool {
    (a.0, a.1 * (1.0 + 1e-9)) < (b.0, b.1)
}

pub(crate) fn limits(options: &ChunkOptions) -> Limits {
    Limits {
        memory: options.memory_limit.map(|b| b as f64),
        block: options.block_bytes.max(1) as f64,
        cores: options.cores.max(1),
    }
}

pub(crate) struct Search<'a> {
    pub(crate) g: &'a Graph,
    pub(crate) limits: Limits,
    rows: usize,
    solved: BTreeMap<Stage, Solved>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(g: &'a Graph, options: &ChunkOptions) -> Search<'a> {
        Search { g, limits: limits(options), rows: options.candidates.max(1), solved: BTreeMap::new() }
    }

    fn choice(&mut self, title: &str, stored: &Stored) -> Choice {
        let mut all = Vec::new();
        for s in stages(self.g, stored) {
            let solved = match self.solved.get(&s) {
                Some(known) => known.clone(),
                None => {
                    let new = solve(self.g, &s, &self.limits, &vec![true; s.loops.len()]);
                    self.solved.insert(s.clone(), new.clone());
                    new
                }
            };
            all.push((s, solved));
        }
        Choice { title: title.into(), stored: stored.clone(), stages: all }
    }

    /// Values that are expensive to compute twice, or whose computation wants blocks of its own.
    fn cuts(&self, results: &Stored) -> Vec<Value> {
        let live = self.g.live();
        let mut all: Vec<(i64, Value)> = Vec::new();
        for id in self.g.ids().filter(|id| live[id.0 as usize]) {
            let node = self.g.node(id);
            let expensive =
                matches!(node.op.class(), Class::Reduce | Class::Cumulative | Class::Library | Class::Region)
                    || matches!(node.op, Op::Gather | Op::Scatter);
            if expensive {
                let size: i64 = node.inputs.iter().map(|v| shape(self.g, *v).iter().product::<i64>()).sum();
                let of_node = (0..node.types.len() as u32).map(|index| Value { node: id, index });
                all.extend(of_node.filter(|v| !results.contains(v)).map(|v| (-size, v)));
            }
        }
        all.sort();
        all.truncate(CUTS);
        all.into_iter().map(|(_, v)| v).collect()
    }

    /// Values that several nodes use.
    fn shared(&self, stored: &Stored) -> Vec<Value> {
        let uses = self.g.use_counts();
        let fits = |id: &frit_ir::NodeId| {
            let node = self.g.node(*id);
            uses[id.0 as usize] > 1
                && matches!(node.op.class(), Class::Elementwise | Class::Movement)
                && !shape(self.g, Value { node: *id, index: 0 }).is_empty()
        };
        let live = self.g.live();
        let all = self.g.ids().filter(|id| live[id.0 as usize] && fits(id));
        all.map(|node| Value { node, index: 0 }).filter(|v| !stored.contains(v)).take(CUTS).collect()
    }

    pub(crate) fn suggest(&mut self) -> Suggestion {
        let results: Stored =
            self.g.outputs.iter().copied().filter(|v| self.g.def(*v).op != Op::Input).collect();
        let cuts = self.cuts(&results);
        let everything: Stored = results.iter().chain(&cuts).copied().collect();
        let all = self.choice("every reduction and routine stored", &everything);
        let nothing = self.choice("nothing stored in between", &results);
        let mut best = all.clone();
        if better(nothing.score(&self.limits), best.score(&self.limits)) {
            best = nothing.clone();
        }
        for _ in 0..2 {
            let before = best.score(&self.limits);
            // Later values first: what they read may then be worth storing no more.
            for v in cuts.iter().rev().copied().collect::<Vec<_>>().into_iter().chain(self.shared(&results)) {
                let mut stored = best.stored.clone();
                if !stored.remove(&v) {
                    stored.insert(v);
                }
                let tried = self.choice("", &stored);
                if better(tried.score(&self.limits), best.score(&self.limits)) {
                    best = tried;
                }
            }
            if !better(best.score(&self.limits), before) {
                break;
            }
        }
        let mut others: Vec<Choice> = Vec::new();
        if !cuts.is_empty() {
            others.push(nothing);
            others.push(all);
        }
        others.extend(self.shapes(&best));
        // Where nothing fits, the way there leads past what is best.
        for c in &others {
            let allowed = c.block_excess(&self.limits) <= best.block_excess(&self.limits);
            if allowed && better(c.score(&self.limits), best.score(&self.limits)) {
                best = c.clone();
            }
        }
        best.title = "best".into();
        let mut found = vec![best.clone()];
        others.sort_by(|a, b| {
            let ((p, q), (r, s)) = (a.score(&self.limits), b.score(&self.limits));
            p.cmp(&r).then(q.total_cmp(&s))
        });
        for c in others {
            if found.iter().all(|f| f.key() != c.key()) {
                found.push(c);
            }
        }
        found.truncate(self.rows);
        let graph = Arc::new(self.g.clone());
        let rows: Vec<Candidate> = found.iter().map(|c| Candidate::new(&graph, c, &self.limits)).collect();
        Suggestion::new(self.g, rows, &self.limits)
    }

    /// Other blocks for the stage that reads most: whole, along one axis only, half as large, twice as large.
    fn shapes(&self, best: &Choice) -> Vec<Choice> {
        let read = |k: &usize| best.stages[*k].1.figures.read;
        let Some(main) = (0..best.stages.len()).max_by(|a, b| read(a).total_cmp(&read(b))) else {
            return vec![];
        };
        let (stage, solved) = &best.stages[main];
        let with = |title: String, new: Solved| {
            let mut c = Choice { title, ..best.clone() };
            c.stages[main].1 = new;
            c
        };
        let name = |k: usize| match k.checked_sub(stage.rank()) {
            Some(c) if stage.contracted > 1 => format!("contracted axis {c}"),
            Some(_) => "the contracted axis".into(),
            None => format!("axis {k} of the result"),
        };
        let n = stage.loops.len();
        let at = |blocks: Vec<i64>| Solved {
            figures: stage.figures(self.g, &blocks, self.limits.cores, false),
            blocks,
        };
        let mut out = vec![with("one block".into(), at(stage.loops.iter().map(|n| (*n).max(1)).collect()))];
        let cuttable: Vec<usize> = (0..n).filter(|k| stage.loops[*k] > 1).collect();
        if cuttable.len() > 1 {
            for k in cuttable.iter().copied().take(LOOPS) {
                let free: Vec<bool> = (0..n).map(|j| j == k).collect();
                out.push(with(
                    format!("blocks along {} only", name(k)),
                    solve(self.g, stage, &self.limits, &free),
                ));
            }
        }
        let scaled = |f: &dyn Fn(i64, i64) -> i64| -> Vec<i64> {
            solved.blocks.iter().zip(&stage.loops).map(|(b, n)| f(*b, (*n).max(1))).collect()
        };
        out.push(with("blocks twice as wide".into(), at(scaled(&|b, n| (b * 2).min(n)))));
        out.push(with(
            "blocks half as wide".into(),
            at(scaled(&|b, n| if b == n { b } else { (b + 1) / 2 })),
        ));
        out
    }
}
