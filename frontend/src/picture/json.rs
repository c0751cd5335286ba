//! The picture as JSON: what the page reads, and what other tools may. The schema is in `docs/pictures.md`.

use super::model::{self, Item, Part, Port, RuleStep, Stage};
use super::outline::{Entry, Kind};
use super::{Excerpt, Picture};
use frit_ir::graph::TensorType;
use frit_ir::plan;
use frit_ir::{Dim, Loc};
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The version of the schema; a reader that knows another one refuses.
const VERSION: u32 = 1;

/// Lists that many nodes refer to by number.
#[derive(Default)]
struct Tables {
    files: Vec<Arc<str>>,
    places: Vec<Json>,
    known: HashMap<Loc, usize>,
}

impl Tables {
    fn place(&mut self, loc: &Loc) -> Option<usize> {
        let p = loc.place()?;
        if let Some(k) = self.known.get(loc) {
            return Some(*k);
        }
        let file = self.files.iter().position(|f| *f == p.file).unwrap_or_else(|| {
            self.files.push(p.file.clone());
            self.files.len() - 1
        });
        self.places.push(json!({"file": file, "line": p.line, "function": *p.function}));
        self.known.insert(loc.clone(), self.places.len() - 1);
        Some(self.places.len() - 1)
    }
}

/// The types of a part.
#[derive(Default)]
struct Types {
    list: Vec<Json>,
    known: HashMap<TensorType, usize>,
}

impl Types {
    fn number(&mut self, t: &TensorType) -> usize {
        if let Some(k) = self.known.get(t) {
            return *k;
        }
        let shape: Vec<String> = t.shape.iter().map(Dim::to_string).collect();
        self.list.push(json!({"dtype": t.dtype.name(), "shape": shape, "bytes": t.bytes().to_string()}));
        self.known.insert(t.clone(), self.list.len() - 1);
        self.list.len() - 1
    }
}

/// A result as `12`, or as `[12, 1]` if it is not the first.
fn port((node, index): &Port) -> Json {
    if *index == 0 { json!(node) } else { json!([node, index]) }
}

fn ports(all: &[Port]) -> Json {
    all.iter().map(port).collect()
}

fn with(object: &mut Map<String, Json>, key: &str, value: Option<impl Into<Json>>) {
    if let Some(v) = value {
        object.insert(key.into(), v.into());
    }
}

fn entries(list: &[Entry]) -> Json {
    let one = |e: &Entry| match e {
        Entry::Node(n) => json!(n),
        Entry::Box(b) => {
            let mut object = match b.kind {
                Kind::Group(k) => json!({"kind": "group", "group": k}),
                Kind::Repeat(n) => json!({"kind": "repeat", "count": n}),
                Kind::Iteration(_) => json!({"kind": "iteration"}),
                Kind::Function => json!({"kind": "function"}),
                Kind::Line => json!({"kind": "line"}),
                Kind::Range => json!({"kind": "range"}),
            };
            object["label"] = json!(b.label);
            object["entries"] = entries(&b.entries);
            object
        }
    };
    list.iter().map(one).collect()
}

fn stage(s: &Stage) -> Json {
    json!({"name": s.name, "entries": entries(&s.outline), "outputs": ports(&s.outputs)})
}

fn item(i: &Item, tables: &mut Tables, types: &mut Types) -> Json {
    let mut object = Map::new();
    object.insert("op".into(), json!(i.op.name()));
    with(&mut object, "name", i.name.clone());
    with(&mut object, "attrs", (!i.attrs.is_empty()).then(|| i.attrs.clone()));
    with(&mut object, "inputs", (!i.inputs.is_empty()).then(|| ports(&i.inputs)));
    object.insert("types".into(), i.types.iter().map(|t| types.number(t)).collect());
    with(&mut object, "place", tables.place(&i.loc));
    with(&mut object, "flops", i.work.as_ref().map(Dim::to_string));
    if !i.regions.is_empty() {
        object.insert("regions".into(), i.regions.iter().map(|(_, s)| stage(s)).collect());
    }
    Json::Object(object)
}

fn plan_step(part: &Part, s: &plan::Step, groups: &HashMap<&str, usize>, tables: &mut Tables) -> Json {
    let mut object = Map::new();
    let mut put = |key: &str, value: Json| {
        object.insert(key.into(), value);
    };
    match s {
        plan::Step::Alloc(b) => put("alloc", json!(b.0)),
        plan::Step::Free(b) => put("free", json!(b.0)),
        plan::Step::Swap(a, b) => put("swap", json!([a.0, b.0])),
        plan::Step::Launch(l) => {
            let name = &*part.plan.kernels[l.kernel].name;
            put("kernel", json!(name));
            if let Some(k) = groups.get(name) {
                put("group", json!(k));
            }
            if let Some(p) = tables.place(&l.origin.loc) {
                put("place", json!(p));
            }
        }
        plan::Step::Library(l) => {
            put("routine", json!(l.op.name()));
            if let Some(p) = tables.place(&l.origin.loc) {
                put("place", json!(p));
            }
        }
        plan::Step::For { index, lo, hi, .. } => {
            put("for", json!(**index));
            put("lo", json!(lo.to_string()));
            put("hi", json!(hi.to_string()));
        }
        plan::Step::While { .. } => put("while", json!(true)),
        plan::Step::If { .. } => put("if", json!(true)),
    }
    for (name, body) in model::bodies(s) {
        let body: Json = body.iter().map(|s| plan_step(part, s, groups, tables)).collect();
        object.insert(name.into(), body);
    }
    Json::Object(object)
}

fn memory(part: &Part, tables: &mut Tables) -> Json {
    let groups: HashMap<&str, usize> =
        part.groups.iter().enumerate().map(|(k, g)| (g.name.as_str(), k)).collect();
    let buffers: Vec<Json> = part
        .plan
        .buffers
        .iter()
        .map(|b| {
            let mut object = Map::new();
            object.insert("kind".into(), json!(model::kind_of(&b.source)));
            object.insert("op".into(), json!(b.origin.op.name()));
            object.insert("bytes".into(), json!(b.bytes().to_string()));
            with(&mut object, "place", tables.place(&b.origin.loc));
            Json::Object(object)
        })
        .collect();
    let steps: Vec<Json> = part.plan.steps.iter().map(|s| plan_step(part, s, &groups, tables)).collect();
    let projected = part.memory.as_ref().map(|m| {
        let held = m.at_peak.iter().map(|u| {
            let mut object = Map::new();
            object.insert("bytes".into(), json!(u.bytes.to_string()));
            object.insert("op".into(), json!(u.origin.op.name()));
            object.insert("output".into(), json!(u.output));
            with(&mut object, "place", tables.place(&u.origin.loc));
            Json::Object(object)
        });
        json!({
            "peak": m.peak_bytes.to_string(),
            "inputs": m.input_bytes.to_string(),
            "outputs": m.output_bytes.to_string(),
            "at_peak": held.collect::<Vec<_>>(),
        })
    });
    let formula = json!({
        "peak": part.formula.peak.iter().map(Dim::to_string).collect::<Vec<_>>(),
        "workspaces": part.formula.workspaces.iter().map(|op| op.name()).collect::<Vec<_>>(),
    });
    json!({
        "alignment": frit_runtime::pool::ALIGNMENT,
        "buffers": buffers,
        "steps": steps,
        "formula": formula,
        "projected": projected,
    })
}

/// A step of rewriting. Nodes that were replaced are pairs: what reads the first reads the second from then on.
fn step(s: &RuleStep, tables: &mut Tables) -> Json {
    let fired = &s.fired;
    let mut object = json!({
        "stage": s.stage, "pass": s.pass, "rule": fired.rule, "class": fired.class.name(), "seconds": fired.seconds, "bytes": fired.bytes,
    });
    let map = object.as_object_mut().expect("just made");
    with(map, "before", (!fired.before.is_empty()).then(|| fired.before.clone()));
    with(map, "after", (!fired.after.is_empty()).then(|| fired.after.clone()));
    with(map, "place", tables.place(&fired.loc));
    if let Some(c) = &s.change {
        map.insert("made".into(), json!(c.made));
        map.insert("removed".into(), json!(c.removed));
        map.insert("replaced".into(), c.replaced.iter().map(|(a, b)| json!([port(a), port(b)])).collect());
    }
    object
}

fn part(p: &Part, tables: &mut Tables) -> Json {
    let mut types = Types::default();
    let nodes: Vec<Json> = p.items.iter().map(|i| item(i, tables, &mut types)).collect();
    let groups: Vec<Json> = p
        .groups
        .iter()
        .map(|g| {
            let stored: Vec<Json> = g.stored.iter().map(|(n, why)| json!({"node": n, "why": why})).collect();
            json!({"name": g.name, "nodes": g.nodes, "stored": stored})
        })
        .collect();
    let rules: Vec<Json> = p
        .rules
        .iter()
        .map(|r| {
            let places: Vec<usize> = r.locs.iter().filter_map(|l| tables.place(l)).collect();
            json!({"name": r.name, "class": r.class.name(), "count": r.count, "seconds": r.seconds, "places": places})
        })
        .collect();
    let sizes: Vec<Json> =
        p.sizes.iter().map(|s| json!({"name": *s.name, "value": s.value.map(|v| v.to_string())})).collect();
    json!({
        "name": p.name,
        "sizes": sizes,
        "types": types.list,
        "nodes": nodes,
        "stages": p.stages.iter().map(stage).collect::<Vec<_>>(),
        "steps": p.steps.iter().map(|s| step(s, tables)).collect::<Vec<_>>(),
        "groups": groups,
        "rules": rules,
        "memory": memory(p, tables),
    })
}

/// The picture. Sizes, bytes and operations are strings: integers of any length, or expressions over the part's sizes.
pub(super) fn write(picture: &Picture) -> Json {
    let mut tables = Tables::default();
    let parts: Vec<Json> = picture.parts.iter().map(|p| part(p, &mut tables)).collect();
    let excerpt = |e: &Excerpt| json!({"first": e.first, "lines": e.lines});
    let files: Vec<Json> = tables
        .files
        .iter()
        .map(|f| {
            let excerpts: Vec<Json> = picture.sources.get(f).into_iter().flatten().map(excerpt).collect();
            json!({"name": **f, "excerpts": excerpts})
        })
        .collect();
    json!({
        "format": "frit-picture",
        "version": VERSION,
        "name": picture.name,
        "parts": parts,
        "places": tables.places,
        "files": files,
    })
}
