//! Coordinates: each box is laid out by dagre on its own, from the inside out, and then is a node of the box around it.
//!
//! So boxes never overlap, and a box looks the same whatever is around it. The page does the same with the JavaScript
//! library that the Rust one is a port of.

use super::scene::{Path, Scene, Shown, What, box_lines, lines, title};
use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Height of a line of text, and its width for each character; room around text, and around what is in a box.
const LINE: f64 = 15.0;
const CHARACTER: f64 = 6.7;
const PADDING: f64 = 10.0;
const MARGIN: f64 = 14.0;
/// Room for the title of an open box.
const TITLE: f64 = 22.0;
/// Characters of a line; the rest is an ellipsis.
const LONGEST: usize = 44;

/// A rectangle with text, from outside to inside in the order of drawing.
#[derive(Debug)]
pub(super) struct Card<'a> {
    pub(super) what: What<'a>,
    pub(super) open: bool,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) lines: Vec<String>,
}

/// Everything with coordinates.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) cards: Vec<Card<'a>>,
    /// Lines through points, from top to bottom.
    pub(super) edges: Vec<Vec<(f64, f64)>>,
}

/// One level of the picture, with coordinates of its own.
struct Level {
    width: f64,
    height: f64,
    /// Upper left corners and sizes.
    frames: Vec<(f64, f64, f64, f64)>,
    inside: Vec<Option<Level>>,
    /// Points between two entries, ends left out.
    bends: HashMap<(u32, u32), Vec<(f64, f64)>>,
}

fn short(line: &str) -> String {
    if line.chars().count() <= LONGEST {
        return line.into();
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn text(s: &Scene<'_>, shown: &Shown<'_>) -> Vec<String> {
    let all = match shown.what {
        What::Node(n) => lines(s.part, n),
        What::Box(b) if shown.inside.is_empty() => box_lines(s.part, b),
        What::Box(b) => vec![title(b)],
    };
    all.iter().map(|l| short(l)).collect()
}

/// The part that two paths share.
fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

fn arrange(
    scene: &Scene<'_>,
    shown: &[Shown<'_>],
    at: &mut Path,
    joined: &BTreeMap<Path, BTreeSet<(u32, u32)>>,
) -> Level {
    let options = GraphOptions { directed: true, multigraph: false, compound: false };
    let mut g: Graph<NodeLabel, EdgeLabel> = Graph::with_options(options);
    let mut inside = Vec::with_capacity(shown.len());
    for (k, s) in shown.iter().enumerate() {
        let text = text(scene, s);
        let widest = text.iter().map(|l| l.chars().count()).max().unwrap_or(0);
        let mut width = widest as f64 * CHARACTER + 2.0 * PADDING;
        let mut height = text.len() as f64 * LINE + PADDING;
        at.push(k as u32);
        let level = (!s.inside.is_empty()).then(|| arrange(scene, &s.inside, at, joined));
        at.pop();
        if let Some(level) = &level {
            width = width.max(level.width + 2.0 * MARGIN);
            height = level.height + MARGIN + TITLE;
        }
        inside.push(level);
        g.set_node(k.to_string(), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    let edges = joined.get(at.as_slice()).cloned().unwrap_or_default();
    for (a, b) in &edges {
        g.set_edge(a.to_string(), b.to_string(), Some(EdgeLabel::default()), None);
    }
    let spacing = LayoutOptions { nodesep: 18.0, edgesep: 10.0, ranksep: 26.0, ..LayoutOptions::default() };
    dagre::layout(&mut g, Some(spacing));
    let mut level = Level { width: 0.0, height: 0.0, frames: vec![], inside, bends: HashMap::new() };
    for k in 0..shown.len() {
        let n = g.node(&k.to_string()).expect("was added");
        let (x, y) = (n.x.unwrap_or(0.0) - n.width / 2.0, n.y.unwrap_or(0.0) - n.height / 2.0);
        level.frames.push((x, y, n.width, n.height));
        level.width = level.width.max(x + n.width);
        level.height = level.height.max(y + n.height);
    }
    for (a, b) in edges {
        if let Some(e) = g.edge(&a.to_string(), &b.to_string(), None)
            && let [_, between @ .., _] = &e.points[..]
        {
            level.bends.insert((a, b), between.iter().map(|p| (p.x, p.y)).collect());
        }
    }
    level
}

/// Cards of a level, moved to where it stands.
fn draw<'a>(
    scene: &Scene<'a>,
    shown: &[Shown<'a>],
    level: &Level,
    (dx, dy): (f64, f64),
    at: &mut Path,
    cards: &mut Vec<Card<'a>>,
    corners: &mut HashMap<Path, (f64, f64)>,
) {
    corners.insert(at.clone(), (dx, dy));
    for (k, s) in shown.iter().enumerate() {
        let (x, y, width, height) = level.frames[k];
        let (x, y) = (x + dx, y + dy);
        let lines = text(scene, s);
        cards.push(Card { what: s.what, open: !s.inside.is_empty(), x, y, width, height, lines });
        at.push(k as u32);
        if let Some(inner) = &level.inside[k] {
            let center = (width - inner.width) / 2.0;
            draw(scene, &s.inside, inner, (x + center, y + TITLE), at, cards, corners);
        }
        at.pop();
    }
}

fn find<'l>(level: &'l Level, path: &[u32]) -> &'l Level {
    path.iter().fold(level, |l, k| l.inside[*k as usize].as_ref().expect("an open box"))
}

/// Lays out a scene.
pub(super) fn layout<'a>(scene: &Scene<'a>) -> Drawing<'a> {
    let mut joined: BTreeMap<Path, BTreeSet<(u32, u32)>> = BTreeMap::new();
    for (from, to) in &scene.edges {
        let n = common(from, to);
        if n < from.len() && n < to.len() {
            joined.entry(from[..n].to_vec()).or_default().insert((from[n], to[n]));
        }
    }
    let top = arrange(scene, &scene.shown, &mut vec![], &joined);
    let (mut cards, mut corners) = (Vec::new(), HashMap::new());
    draw(scene, &scene.shown, &top, (MARGIN, MARGIN), &mut vec![], &mut cards, &mut corners);
    let frame = |path: &Path| {
        let (outer, last) = path.split_at(path.len() - 1);
        let (x, y, width, height) = find(&top, outer).frames[last[0] as usize];
        let (dx, dy) = corners[outer];
        (x + dx, y + dy, width, height)
    };
    let mut edges = Vec::new();
    for (from, to) in &scene.edges {
        let n = common(from, to);
        if n == from.len() || n == to.len() {
            continue;
        }
        let (a, b) = (frame(from), frame(to));
        let (dx, dy) = corners[&from[..n]];
        let mut points = vec![(a.0 + a.2 / 2.0, a.1 + a.3)];
        if let Some(bends) = find(&top, &from[..n]).bends.get(&(from[n], to[n])) {
            points.extend(bends.iter().map(|(x, y)| (x + dx, y + dy)));
        }
        points.push((b.0 + b.2 / 2.0, b.1));
        // From a node deep in a box, the first bends may lie above it.
        let (start, end) = (points[0].1, points[points.len() - 1].1);
        if start < end {
            let last = points.len() - 1;
            let mut k = 0;
            points.retain(|p| {
                k += 1;
                k == 1 || k == last + 1 || (p.1 > start && p.1 < end)
            });
        }
        edges.push(points);
    }
    Drawing { width: top.width + 2.0 * MARGIN, height: top.height + 2.0 * MARGIN, cards, edges }
}
