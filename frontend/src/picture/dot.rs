//! The fused graph in the language of Graphviz; groups and open boxes are clusters.

use super::Picture;
use super::scene::{Path, Scene, Shown, What, box_lines, lines, title};

/// A quoted string of DOT. In labels a backslash begins an escape, so it is doubled.
fn quoted(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{}\"", clean.replace('\\', "\\\\").replace('"', "\\\""))
}

fn label(lines: &[String]) -> String {
    let parts: Vec<String> = lines.iter().map(|l| quoted(l).trim_matches('"').to_string()).collect();
    // Trimming takes the quotes that are added, and those of the text are escaped.
    format!("\"{}\\l\"", parts.join("\\l"))
}

fn name(part: usize, path: &Path) -> String {
    let steps: Vec<String> = path.iter().map(ToString::to_string).collect();
    format!("p{part}_{}", steps.join("_"))
}

fn entries(
    out: &mut String,
    scene: &Scene<'_>,
    part: usize,
    shown: &[Shown<'_>],
    at: &mut Path,
    indent: usize,
) {
    let pad = "  ".repeat(indent);
    for (k, s) in shown.iter().enumerate() {
        at.push(k as u32);
        let text = match s.what {
            What::Node(n) => lines(scene.part, n),
            What::Box(b) if s.inside.is_empty() => box_lines(scene.part, b),
            What::Box(b) => vec![title(b)],
        };
        let id = name(part, at);
        if s.inside.is_empty() {
            let style = if matches!(s.what, What::Box(_)) { ", style=\"rounded,dashed\"" } else { "" };
            *out += &format!("{pad}{id} [label={}{style}];\n", label(&text));
        } else {
            *out += &format!("{pad}subgraph cluster_{id} {{\n{pad}  label={};\n", quoted(&text[0]));
            // A region's own node is what edges from outside meet.
            if matches!(s.what, What::Node(_)) {
                *out += &format!("{pad}  {id} [label={}];\n", label(&text));
            }
            entries(out, scene, part, &s.inside, at, indent + 1);
            *out += &format!("{pad}}}\n");
        }
        at.pop();
    }
}

/// The graph: one cluster for each part if there are several.
pub(super) fn write(picture: &Picture) -> String {
    let mut out = format!(
        "digraph {} {{\n  node [shape=box, style=rounded, fontname=\"monospace\", fontsize=10];\n  edge [arrowsize=0.6];\n",
        quoted(&picture.name)
    );
    for (k, part) in picture.parts.iter().enumerate() {
        let scene = Scene::fused(part);
        if picture.parts.len() > 1 {
            out += &format!("  subgraph cluster_part{k} {{\n  label={};\n", quoted(&part.name));
        }
        entries(&mut out, &scene, k, &scene.shown, &mut vec![], 1);
        for (from, to) in &scene.edges {
            out += &format!("  {} -> {};\n", name(k, from), name(k, to));
        }
        if picture.parts.len() > 1 {
            out += "  }\n";
        }
    }
    out + "}\n"
}
