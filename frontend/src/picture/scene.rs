//! What a static picture shows of a graph: which boxes are open, which lines nodes have, and what is joined to what.

use super::model::{Item, Number, Part, Stage};
use super::outline::{Entry, Kind, Outlined};
use frit_ir::units::{human_bytes, human_flops};
use frit_ir::{Dim, Op};
use std::collections::{BTreeSet, HashMap};

/// Nodes and closed boxes that a static picture shows; boxes inside of it stay closed.
const MOST: usize = 120;
/// Nodes of an unrolled loop that is not closed.
const LOOP: usize = 30;

/// Something with a place in the picture.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) what: What<'a>,
    /// What an open box, or a region, has inside.
    pub(super) inside: Vec<Shown<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    Node(Number),
    Box(&'a Outlined),
}

/// Positions in the lists of [`Shown`], from outside to inside.
pub(super) type Path = Vec<u32>;

/// The visible part of a graph.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) part: &'a Part,
    pub(super) shown: Vec<Shown<'a>>,
    /// Pairs of what is joined, by path.
    pub(super) edges: BTreeSet<(Path, Path)>,
}

/// True for what is written at its uses instead of having a place.
pub(super) fn is_inline(item: &Item) -> bool {
    matches!(item.op, Op::Constant | Op::DimValue)
}

impl<'a> Scene<'a> {
    /// The fused graph of a part.
    pub(super) fn fused(part: &'a Part) -> Scene<'a> {
        let stage = part.stages.last().expect("a part has a last stage");
        let mut open = BTreeSet::new();
        decide(&stage.outline, &mut open);
        let shown = show(&stage.outline, part, &open);
        let mut edges = BTreeSet::new();
        join(part, &shown, &mut vec![], stage, &mut edges);
        Scene { part, shown, edges }
    }
}

/// Opens boxes, outer ones first, while there is room. Boxes are told apart by their address.
fn decide(entries: &[Entry], open: &mut BTreeSet<*const Outlined>) {
    let mut room = MOST.saturating_sub(entries.len());
    let mut level: Vec<&Outlined> = boxes(entries).collect();
    while !level.is_empty() {
        let mut next = Vec::new();
        for b in level {
            let long = matches!(b.kind, Kind::Repeat(_)) && count(&b.entries) > LOOP;
            if b.entries.len() <= room && !long {
                room -= b.entries.len();
                open.insert(b);
                next.extend(boxes(&b.entries));
            }
        }
        level = next;
    }
}

fn boxes(entries: &[Entry]) -> impl Iterator<Item = &Outlined> {
    entries.iter().filter_map(|e| match e {
        Entry::Box(b) => Some(b),
        Entry::Node(_) => None,
    })
}

fn show<'a>(entries: &'a [Entry], part: &'a Part, open: &BTreeSet<*const Outlined>) -> Vec<Shown<'a>> {
    let mut out = Vec::new();
    for e in entries {
        match e {
            Entry::Node(n) => {
                let item = &part.items[*n as usize];
                if !is_inline(item) {
                    let inside =
                        item.regions.iter().flat_map(|(_, s)| show(&s.outline, part, open)).collect();
                    out.push(Shown { what: What::Node(*n), inside });
                }
            }
            Entry::Box(b) => {
                let opened = open.contains(&std::ptr::from_ref(b));
                let inside = if opened { show(&b.entries, part, open) } else { vec![] };
                out.push(Shown { what: What::Box(b), inside });
            }
        }
    }
    out
}

fn count(entries: &[Entry]) -> usize {
    let mut n = 0;
    numbers(entries, &mut |_| n += 1);
    n
}

/// The numbers of nodes under an entry.
fn numbers(entries: &[Entry], f: &mut impl FnMut(Number)) {
    for e in entries {
        match e {
            Entry::Node(n) => f(*n),
            Entry::Box(b) => numbers(&b.entries, f),
        }
    }
}

/// Paths of the nodes of one graph; those of regions are graphs of their own.
fn place(shown: &[Shown<'_>], at: &mut Path, places: &mut HashMap<Number, Path>) {
    for (k, s) in shown.iter().enumerate() {
        at.push(k as u32);
        match s.what {
            What::Node(n) => {
                places.insert(n, at.clone());
            }
            What::Box(b) if s.inside.is_empty() => numbers(&b.entries, &mut |n| {
                places.insert(n, at.clone());
            }),
            What::Box(_) => place(&s.inside, at, places),
        }
        at.pop();
    }
}

fn join(part: &Part, shown: &[Shown<'_>], at: &mut Path, stage: &Stage, edges: &mut BTreeSet<(Path, Path)>) {
    let mut places = HashMap::new();
    place(shown, at, &mut places);
    for n in &stage.nodes {
        let Some(to) = places.get(n) else { continue };
        for (operand, _) in &part.items[*n as usize].inputs {
            if let Some(from) = places.get(operand).filter(|from| *from != to) {
                edges.insert((from.clone(), to.clone()));
            }
        }
    }
    regions(part, shown, at, edges);
}

fn regions(part: &Part, shown: &[Shown<'_>], at: &mut Path, edges: &mut BTreeSet<(Path, Path)>) {
    for (k, s) in shown.iter().enumerate() {
        at.push(k as u32);
        match s.what {
            What::Node(n) => {
                for (_, stage) in &part.items[n as usize].regions {
                    join(part, &s.inside, at, stage, edges);
                }
            }
            What::Box(_) => regions(part, &s.inside, at, edges),
        }
        at.pop();
    }
}

/// `1.5 KiB`, or an expression.
pub(super) fn bytes(d: &Dim) -> String {
    d.as_const().map_or_else(|| format!("{d} B"), |n| human_bytes(n.max(0) as usize))
}

/// `3 MFLOP`, or an expression.
pub(super) fn flops(d: &Dim) -> String {
    d.as_const().map_or_else(|| format!("{d} FLOP"), |n| human_flops(n.max(0) as usize))
}

/// The lines of a node: what it does, what it gives, what that takes and where it was written.
pub(super) fn lines(part: &Part, n: Number) -> Vec<String> {
    let item = &part.items[n as usize];
    let inline = item.inputs.iter().filter_map(|(k, _)| {
        let operand = &part.items[*k as usize];
        is_inline(operand).then(|| operand.name.clone()).flatten()
    });
    let mut head = vec![item.op.name().to_string()];
    head.extend(item.name.clone());
    head.extend(inline);
    head.extend((!item.attrs.is_empty()).then(|| item.attrs.clone()));
    let types: Vec<String> = item.types.iter().map(ToString::to_string).collect();
    let size = item.types.iter().fold(Dim::constant(0), |sum, t| sum + t.bytes());
    let mut lines = vec![head.join(" "), format!("{} · {}", types.join(", "), bytes(&size))];
    let work = item.work.as_ref().filter(|w| !w.is(0)).map(flops);
    let place = item.loc.place().map(|p| {
        let file = p.file.rsplit(['/', '\\']).next().unwrap_or(&p.file);
        format!("{file}:{}", p.line)
    });
    let third: Vec<String> = work.into_iter().chain(place).collect();
    lines.extend((!third.is_empty()).then(|| third.join(" · ")));
    lines
}

/// The lines of a closed box.
pub(super) fn box_lines(part: &Part, b: &Outlined) -> Vec<String> {
    let (mut count, mut work) = (0usize, Some(Dim::constant(0)));
    numbers(&b.entries, &mut |n| {
        count += 1;
        let own = part.items[n as usize].work.as_ref();
        work = work.take().zip(own).map(|(sum, w)| sum + w);
    });
    let mut second = format!("{count} nodes");
    if let Some(w) = work.filter(|w| !w.is(0)) {
        second += &format!(" · {}", flops(&w));
    }
    vec![title(b), second]
}

/// The name of a box.
pub(super) fn title(b: &Outlined) -> String {
    match b.kind {
        Kind::Group(k) => format!("{} (group {})", b.label, k + 1),
        _ => b.label.clone(),
    }
}
