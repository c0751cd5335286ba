//! The fused graph as a static drawing. Light or dark as the reader's system is.

use super::Picture;
use super::layout::{Card, layout};
use super::outline::Kind;
use super::scene::{Scene, What};
use std::fmt::Write;

const STYLE: &str = "\
svg{font:11px ui-monospace,Menlo,Consolas,monospace;background:#fff}\
text{fill:#1b1f24}.q{fill:#57606a}.h{font-weight:600}\
.n{fill:#f6f8fa;stroke:#8c959f}.i{fill:#ddf4ff;stroke:#0969da}.r{fill:#fff8e5;stroke:#9a6700}\
.g{fill:#eef6f2;stroke:#1a7f64;stroke-width:1.5}.b{fill:#f3f1fa;stroke:#6e5cb6;stroke-dasharray:4 3}\
.e{fill:none;stroke:#8c959f}\
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.q{fill:#9198a1}\
.n{fill:#161b22;stroke:#656c76}.i{fill:#0c2d4d;stroke:#4493f8}.r{fill:#332705;stroke:#d29922}\
.g{fill:#0f231e;stroke:#2ea98a}.b{fill:#1c1830;stroke:#9d8cf0}.e{stroke:#656c76}}";

/// Text for XML; control characters that no XML may hold become spaces.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A curve that leaves and meets each point vertically.
fn curve(points: &[(f64, f64)]) -> String {
    let mut d = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let middle = f64::midpoint(y0, y1);
        write!(d, "C{x0:.1} {middle:.1} {x1:.1} {middle:.1} {x1:.1} {y1:.1}").expect("writing to a string");
    }
    d
}

fn class(card: &Card<'_>, outputs: &[u32], scene: &Scene<'_>) -> &'static str {
    match card.what {
        What::Box(b) if matches!(b.kind, Kind::Group(_)) => "g",
        What::Box(_) => "b",
        What::Node(_) if card.open => "b",
        What::Node(n) if scene.part.items[n as usize].op == frit_ir::Op::Input => "i",
        What::Node(n) if outputs.contains(&n) => "r",
        What::Node(_) => "n",
    }
}

/// The drawing: the parts of the picture below each other.
pub(super) fn write(picture: &Picture) -> String {
    let scenes: Vec<Scene<'_>> = picture.parts.iter().map(Scene::fused).collect();
    let drawings: Vec<_> = scenes.iter().map(layout).collect();
    let head = if drawings.len() > 1 { 24.0 } else { 0.0 };
    let width = drawings.iter().fold(120.0, |w: f64, d| w.max(d.width));
    let height: f64 = drawings.iter().map(|d| d.height + head).sum();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n",
        escape(&picture.name)
    );
    let mut top = 0.0;
    for (scene, d) in scenes.iter().zip(&drawings) {
        if head > 0.0 {
            out += &format!(
                "<text class=\"h\" x=\"14\" y=\"{:.1}\">{}</text>\n",
                top + 17.0,
                escape(&scene.part.name)
            );
        }
        out += &format!("<g transform=\"translate(0 {:.1})\">\n", top + head);
        let outputs: Vec<u32> =
            scene.part.stages.iter().next_back().map_or(vec![], |s| s.outputs.iter().map(|p| p.0).collect());
        // Open boxes lie under edges, and edges under nodes.
        let (under, over): (Vec<_>, Vec<_>) = d.cards.iter().partition(|c| c.open);
        for c in under {
            out += &rectangle(c, class(c, &outputs, scene));
            out += &format!(
                "<text class=\"h\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\n",
                c.x + 10.0,
                c.y + 15.0,
                escape(&c.lines[0])
            );
        }
        for points in &d.edges {
            out += &format!("<path class=\"e\" d=\"{}\"/>\n", curve(points));
        }
        for c in over {
            out += &rectangle(c, class(c, &outputs, scene));
            for (k, line) in c.lines.iter().enumerate() {
                let style = if k == 0 { "h" } else { "q" };
                let y = c.y + 16.0 + 15.0 * k as f64;
                out += &format!(
                    "<text class=\"{style}\" x=\"{:.1}\" y=\"{y:.1}\">{}</text>\n",
                    c.x + 10.0,
                    escape(line)
                );
            }
        }
        out += "</g>\n";
        top += d.height + head;
    }
    out + "</svg>\n"
}

fn rectangle(c: &Card<'_>, class: &str) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"5\"/>\n",
        c.x, c.y, c.width, c.height
    )
}
