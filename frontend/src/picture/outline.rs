//! Boxes around the nodes of a graph, so that ten thousand of them can be looked at: no box holds more than
//! [`FEW`] entries.
//!
//! The nodes stand in an order in which they can be computed, and a box holds a contiguous range of it: the boxes of a
//! level form a DAG, as the nodes do. Ranges are, in this order of preference: the iterations of an unrolled loop
//! (the same ops of the same types on the same lines, again and again), what one function wrote, what one line wrote,
//! and a number of neighbors.

use super::model::{Group, Item, Number};
use frit_ir::graph::TensorType;
use frit_ir::{Loc, Op};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Entries that a box may hold; a graph of so few nodes has no boxes but its fusion groups.
const FEW: usize = 40;
/// Entries of the longest iteration that is looked for.
const LONGEST: usize = 512;
/// Iterations that make a loop.
const LOOP: usize = 3;

/// A node, or a box.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Node(Number),
    Box(Outlined),
}

/// What a box stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A fusion group, by position.
    Group(usize),
    /// Iterations of an unrolled loop.
    Repeat(usize),
    /// One of them.
    Iteration(usize),
    /// What one function wrote.
    Function,
    /// What one line wrote.
    Line,
    /// Neighbors.
    Range,
}

/// A box with its entries.
#[derive(Clone, Debug)]
pub(super) struct Outlined {
    pub(super) kind: Kind,
    pub(super) label: String,
    pub(super) entries: Vec<Entry>,
}

/// The outline of a graph.
pub(super) fn of_nodes(nodes: &[Number], items: &[Item]) -> Vec<Entry> {
    let entries = nodes.iter().map(|n| Entry::Node(*n)).collect();
    Outliner::new(items).shorten(entries, 0)
}

/// The outline of a graph whose nodes are in groups: a box for each group, in their order, and after it the nodes that
/// no group computes (other shapes of its results). A node that several groups compute stands in the first.
pub(super) fn of_groups(nodes: &[Number], groups: &[Group], items: &[Item]) -> Vec<Entry> {
    let mut home: HashMap<Number, usize> = HashMap::new();
    for (k, g) in groups.iter().enumerate() {
        // Parameters and array constants are in memory before any group runs.
        for n in g.nodes.iter().filter(|n| !matches!(items[**n as usize].op, Op::Input | Op::Literal)) {
            home.entry(*n).or_insert(k);
        }
    }
    // Where a node stands: 0 before all groups, k + 1 in or after group k.
    let mut at: HashMap<Number, usize> = HashMap::new();
    let mut inside: Vec<Vec<Entry>> = vec![Vec::new(); groups.len()];
    let mut outside: Vec<Vec<Entry>> = vec![Vec::new(); groups.len() + 1];
    for n in nodes {
        let place = match home.get(n) {
            Some(k) => {
                inside[*k].push(Entry::Node(*n));
                k + 1
            }
            None => {
                let before = |(operand, _): &(Number, u32)| at.get(operand).copied().unwrap_or(0);
                let place = items[*n as usize].inputs.iter().map(before).max().unwrap_or(0);
                outside[place].push(Entry::Node(*n));
                place
            }
        };
        at.insert(*n, place);
    }
    let mut outliner = Outliner::new(items);
    let mut entries = outside.remove(0);
    for (k, (members, after)) in inside.into_iter().zip(outside).enumerate() {
        if !members.is_empty() {
            let members = outliner.shorten(members, 0);
            entries.push(Entry::Box(Outlined {
                kind: Kind::Group(k),
                label: groups[k].name.clone(),
                entries: members,
            }));
        }
        entries.extend(after);
    }
    outliner.shorten(entries, 0)
}

/// What looks alike: nodes with the same op, types and line; boxes with like entries.
#[derive(PartialEq, Eq, Hash)]
enum Look {
    Node(Op, Vec<TensorType>, Loc),
    Box(u8, Vec<u32>),
}

struct Outliner<'a> {
    items: &'a [Item],
    looks: HashMap<Look, u32>,
}

impl<'a> Outliner<'a> {
    fn new(items: &'a [Item]) -> Outliner<'a> {
        Outliner { items, looks: HashMap::new() }
    }

    fn look(&mut self, e: &Entry) -> u32 {
        let look = match e {
            Entry::Node(n) => {
                let item = &self.items[*n as usize];
                Look::Node(item.op, item.types.clone(), item.loc.clone())
            }
            Entry::Box(b) => {
                let kind = match b.kind {
                    Kind::Group(_) => 0,
                    Kind::Repeat(_) => 1,
                    Kind::Iteration(_) => 2,
                    Kind::Function => 3,
                    Kind::Line => 4,
                    Kind::Range => 5,
                };
                Look::Box(kind, b.entries.iter().map(|e| self.look(e)).collect())
            }
        };
        let next = self.looks.len() as u32;
        *self.looks.entry(look).or_insert(next)
    }

    /// At most [`FEW`] entries that stand for the given ones. `level`: how many ways to shorten have been tried.
    fn shorten(&mut self, entries: Vec<Entry>, level: usize) -> Vec<Entry> {
        if entries.len() <= FEW {
            return entries;
        }
        let shorter = match level {
            0 | 3 => self.loops(entries),
            1 => self.runs(entries, Kind::Function),
            2 => self.runs(entries, Kind::Line),
            _ => return self.ranges(entries),
        };
        self.shorten(shorter, level + 1)
    }

    /// Neighbors into boxes, as few levels of them as possible.
    fn ranges(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut entries = entries;
        while entries.len() > FEW {
            let boxes = entries.len().div_ceil(FEW);
            let size = entries.len().div_ceil(boxes);
            let mut shorter = Vec::with_capacity(boxes);
            let mut rest = entries.into_iter().peekable();
            while rest.peek().is_some() {
                let chunk: Vec<Entry> = rest.by_ref().take(size).collect();
                shorter.push(self.boxed(Kind::Range, chunk));
            }
            entries = shorter;
        }
        entries
    }

    /// Loops into boxes: from left to right, the repetition that covers most, of the shortest iterations.
    fn loops(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let looks: Vec<u32> = entries.iter().map(|e| self.look(e)).collect();
        let n = looks.len();
        // `found[i]`: entries that a repetition from `i` covers, and its period.
        let mut found = vec![(0usize, 0usize); n];
        for period in 1..=LONGEST.min(n / LOOP) {
            let mut same = 0;
            for i in (0..n - period).rev() {
                same = if looks[i] == looks[i + period] { same + 1 } else { 0 };
                let covered = (same / period + 1) * period;
                if covered >= LOOP * period && covered > found[i].0 {
                    found[i] = (covered, period);
                }
            }
        }
        let mut out = Vec::new();
        let mut rest = entries.into_iter();
        let mut i = 0;
        while i < n {
            let (covered, period) = found[i];
            if covered < LOOP.max(4) {
                out.extend(rest.next());
                i += 1;
                continue;
            }
            let count = covered / period;
            let mut iterations = Vec::with_capacity(count);
            for k in 0..count {
                let body: Vec<Entry> = rest.by_ref().take(period).collect();
                if period == 1 {
                    iterations.extend(body);
                } else {
                    let body = self.shorten(body, 1);
                    iterations.push(self.boxed(Kind::Iteration(k), body));
                }
            }
            let iterations = self.ranges(iterations);
            let repeat = self.boxed(Kind::Repeat(count), iterations);
            out.push(repeat);
            i += covered;
        }
        out
    }

    /// Neighbors from one function, or one line, into boxes.
    fn runs(&mut self, entries: Vec<Entry>, kind: Kind) -> Vec<Entry> {
        type Key = Option<(Arc<str>, Arc<str>, u32)>;
        let key = |e: &Entry| -> Key {
            let Entry::Node(n) = e else { return None };
            let p = self.items[*n as usize].loc.place()?;
            Some((p.file.clone(), p.function.clone(), if kind == Kind::Line { p.line } else { 0 }))
        };
        let mut runs: Vec<(Key, Vec<Entry>)> = Vec::new();
        for e in entries {
            let k = key(&e);
            match runs.last_mut() {
                Some((last, run)) if *last == k && k.is_some() => run.push(e),
                _ => runs.push((k, vec![e])),
            }
        }
        let all_one = runs.len() == 1;
        let mut out = Vec::new();
        for (_, mut run) in runs {
            if run.len() == 1 || all_one {
                out.append(&mut run);
            } else {
                let level = if kind == Kind::Line { 3 } else { 2 };
                let run = self.shorten(run, level);
                let boxed = self.boxed(kind, run);
                out.push(boxed);
            }
        }
        out
    }

    fn boxed(&self, kind: Kind, entries: Vec<Entry>) -> Entry {
        let mut span = Span::default();
        entries.iter().for_each(|e| span.add(e, self.items));
        let place = span.label();
        let label = match kind {
            Kind::Group(_) => String::new(),
            Kind::Repeat(n) => format!("{n} × {place}"),
            Kind::Iteration(k) => format!("iteration {}", k + 1),
            Kind::Function => place,
            Kind::Line => place,
            Kind::Range => match (entries.first(), entries.last()) {
                (Some(Entry::Box(a)), Some(Entry::Box(b))) if matches!(a.kind, Kind::Iteration(_)) => {
                    format!("{} to {}", a.label, b.label.trim_start_matches("iteration "))
                }
                _ => format!("{} nodes, {place}", span.nodes),
            },
        };
        Entry::Box(Outlined { kind, label, entries })
    }
}

/// File and function.
type Place = (Arc<str>, Arc<str>);

/// The lines that nodes come from.
#[derive(Default)]
struct Span {
    nodes: usize,
    lines: BTreeMap<Place, (u32, u32)>,
}

impl Span {
    fn add(&mut self, e: &Entry, items: &[Item]) {
        match e {
            Entry::Node(n) => {
                self.nodes += 1;
                if let Some(p) = items[*n as usize].loc.place() {
                    let lines =
                        self.lines.entry((p.file.clone(), p.function.clone())).or_insert((p.line, p.line));
                    *lines = (lines.0.min(p.line), lines.1.max(p.line));
                }
            }
            Entry::Box(b) => b.entries.iter().for_each(|e| self.add(e, items)),
        }
    }

    /// `f, lines 3-5`
    fn label(&self) -> String {
        let one = |((file, function), (lo, hi)): (&Place, &(u32, u32))| {
            let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
            let name = if function.is_empty() { file } else { function };
            if lo == hi { format!("{name}, line {lo}") } else { format!("{name}, lines {lo}\u{2013}{hi}") }
        };
        match self.lines.len() {
            0 => "no source".into(),
            1 | 2 => self.lines.iter().map(one).collect::<Vec<_>>().join("; "),
            n => format!("{} functions", n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, fori_loop, jit, spec};

    /// Entries of the widest box, and the nodes in order.
    fn walk(entries: &[Entry], widest: &mut usize, nodes: &mut Vec<Number>) {
        *widest = (*widest).max(entries.len());
        for e in entries {
            match e {
                Entry::Node(n) => nodes.push(*n),
                Entry::Box(b) => walk(&b.entries, widest, nodes),
            }
        }
    }

    fn part(report: &crate::Report) -> super::super::Part {
        super::super::Part::new("main", report, &crate::Config::new(), None).expect("a part")
    }

    #[test]
    fn unrolled_loops_become_one_box() {
        let f = jit(|x: crate::Array, y: crate::Array| {
            let mut x = x;
            for _ in 0..500 {
                x = (x.sin() * y + 1.0).cos();
            }
            x
        });
        let t = spec(&["n"], DType::F64);
        let report = f.explain(&[t.clone(), t]).expect("compiles");
        let part = part(&report);
        let stage = &part.stages[0];
        assert!(stage.nodes.len() >= 2000, "{} nodes", stage.nodes.len());
        let (mut widest, mut nodes) = (0, Vec::new());
        walk(&stage.outline, &mut widest, &mut nodes);
        assert_eq!(nodes, stage.nodes, "every node once, in order");
        assert!(widest <= FEW);
        let repeats: Vec<&str> = stage
            .outline
            .iter()
            .filter_map(|e| match e {
                Entry::Box(b) => Some(b.label.as_str()),
                Entry::Node(_) => None,
            })
            .collect();
        assert_eq!(repeats.len(), 1, "{repeats:?}");
        assert!(repeats[0].starts_with("499 × ") || repeats[0].starts_with("500 × "), "{repeats:?}");
    }

    #[test]
    fn every_node_is_in_one_box_of_the_fused_graph() {
        let f = jit(|x: crate::Array| {
            let mut x = x;
            for k in 0..60 {
                x = (x - x.max(0)) * (k as f64) + x.mean(0);
            }
            let s = x.sum(0);
            let [s] = fori_loop(0, 3, [s], |_, [s]| [s.sin()]);
            s
        });
        let report = f.explain(&[spec(&["50", "n"], DType::F64)]).expect("compiles");
        let part = part(&report);
        let last = part.stages.last().expect("stages");
        let (mut widest, mut nodes) = (0, Vec::new());
        walk(&last.outline, &mut widest, &mut nodes);
        assert!(widest <= FEW, "{widest}");
        let (mut a, mut b) = (nodes.clone(), last.nodes.clone());
        a.sort_unstable();
        b.sort_unstable();
        assert_eq!(a, b);
        assert!(part.groups.len() > 1);
    }
}
