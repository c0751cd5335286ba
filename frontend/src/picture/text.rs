//! The groups with their nodes, for terminals and diffs.

use super::Picture;
use super::model::{Number, Part, Stage};
use super::outline::{Entry, Kind};
use super::scene::{is_inline, lines};
use std::collections::HashMap;

struct Writer<'a> {
    part: &'a Part,
    out: String,
    /// Short names, in the order of writing.
    names: HashMap<Number, usize>,
}

impl Writer<'_> {
    fn entries(&mut self, list: &[Entry], indent: usize) {
        let pad = "  ".repeat(indent);
        for e in list {
            match e {
                Entry::Box(b) => {
                    self.out += &format!("{pad}{}\n", b.label);
                    self.entries(&b.entries, indent + 1);
                    if let Kind::Group(k) = b.kind {
                        for (n, why) in &self.part.groups[k].stored {
                            let name = self.names.get(n).map_or(String::new(), |n| format!("%{n} "));
                            self.out += &format!("{pad}  = {name}{why}\n");
                        }
                    }
                }
                Entry::Node(n) => self.node(*n, indent),
            }
        }
    }

    fn node(&mut self, n: Number, indent: usize) {
        let item = &self.part.items[n as usize];
        if is_inline(item) {
            return;
        }
        let next = self.names.len();
        let name = *self.names.entry(n).or_insert(next);
        let operands: Vec<String> =
            item.inputs.iter().filter_map(|(k, _)| self.names.get(k)).map(|k| format!("%{k}")).collect();
        let mut text = lines(self.part, n);
        if !operands.is_empty() {
            text[0] += &format!("({})", operands.join(", "));
        }
        self.out += &format!("{}%{name} = {}\n", "  ".repeat(indent), text.join("  "));
        for (key, stage) in &item.regions {
            self.out += &format!("{}{}:\n", "  ".repeat(indent + 1), key.name());
            self.entries(&stage.outline, indent + 2);
        }
    }

    fn outputs(&mut self, stage: &Stage) {
        let names: Vec<String> = stage
            .outputs
            .iter()
            .map(|(n, index)| {
                let item = &self.part.items[*n as usize];
                let name =
                    self.names.get(n).map_or(item.name.clone().unwrap_or_default(), |k| format!("%{k}"));
                if item.types.len() > 1 { format!("{name}.{index}") } else { name }
            })
            .collect();
        self.out += &format!("  return {}\n", names.join(", "));
    }
}

/// Every part: its fused graph.
pub(super) fn write(picture: &Picture) -> String {
    let mut out = String::new();
    for part in &picture.parts {
        let mut w = Writer { part, out: format!("{}\n", part.name), names: HashMap::new() };
        if let Some(stage) = part.stages.last() {
            w.entries(&stage.outline, 1);
            w.outputs(stage);
        }
        out += &w.out;
    }
    out
}
