//! Pictures of compiled programs: as an HTML page, SVG, DOT, JSON, text and MLIR.
//!
//! ```
//! let f = frit::jit(|x: frit::Array| (x.exp() + 1.0).sum(0));
//! let report = f.explain(&[frit::spec(&["n", "3"], frit::DType::F64)]).unwrap();
//! let picture = frit::Picture::of(&report, &frit::Config::new()).unwrap();
//! let svg = picture.render(frit::PictureFormat::Svg).unwrap();
//! assert!(svg.starts_with("<svg"));
//! ```

mod dot;
mod html;
mod json;
mod layout;
mod mlir;
mod model;
mod outline;
mod scene;
mod svg;
mod text;

use crate::error::Error;
use crate::jit::Config;
use crate::report::Report;
pub use model::Part;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a picture is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PictureFormat {
    /// One page that needs nothing else: graphs before and after rewriting, groups, memory, source, sizes to try.
    Html,
    /// The fused graph, its groups as boxes.
    Svg,
    /// The same for Graphviz.
    Dot,
    /// Everything that the page shows; the schema is in `docs/pictures.md`.
    Json,
    /// The groups with their nodes, a line each.
    Text,
    /// The rewritten graph in the upstream dialects of MLIR.
    Mlir,
}

/// Formats by the suffix of files.
const FORMATS: [(&str, PictureFormat); 6] = [
    ("html", PictureFormat::Html),
    ("svg", PictureFormat::Svg),
    ("dot", PictureFormat::Dot),
    ("json", PictureFormat::Json),
    ("txt", PictureFormat::Text),
    ("mlir", PictureFormat::Mlir),
];

impl PictureFormat {
    /// The format that a file's name asks for.
    pub fn of_path(path: &Path) -> Result<PictureFormat, Error> {
        let suffix = path.extension().and_then(|s| s.to_str()).unwrap_or_default();
        PictureFormat::from_name(suffix).ok_or_else(|| {
            let known: Vec<String> = PictureFormat::names().map(|name| format!(".{name}")).collect();
            Error::Format(format!("pictures are {}, not `{}`", known.join(", "), path.display()))
        })
    }

    /// The suffixes, without a dot.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(name, _)| *name)
    }

    /// The format with this suffix.
    pub fn from_name(suffix: &str) -> Option<PictureFormat> {
        FORMATS.iter().find(|(name, _)| *name == suffix).map(|(_, format)| *format)
    }
}

/// A picture of a function: one part for each program that it was compiled to.
#[derive(Debug)]
pub struct Picture {
    name: String,
    parts: Vec<Part>,
    /// Lines of the source that nodes come from, by file.
    sources: BTreeMap<Arc<str>, Vec<Excerpt>>,
}

/// Consecutive lines of a file.
#[derive(Debug)]
struct Excerpt {
    /// Number of the first one, from 1.
    first: u32,
    lines: Vec<String>,
}

/// Lines between two that are used which are shown with them, and lines around them.
const GAP: u32 = 12;
const AROUND: u32 = 3;

impl Picture {
    /// A picture of parts, without source.
    pub fn new(name: &str, parts: Vec<Part>) -> Picture {
        Picture { name: name.into(), parts, sources: BTreeMap::new() }
    }

    /// The picture of one program, with the source that its files hold now.
    pub fn of(report: &Report, config: &Config) -> Result<Picture, Error> {
        let part = Part::new(&report.traced.name, report, config, None)?;
        let mut picture = Picture::new(&report.traced.name, vec![part]);
        picture.read_sources();
        Ok(picture)
    }

    /// Files that nodes come from.
    pub fn files(&self) -> Vec<Arc<str>> {
        self.used_lines().into_keys().collect()
    }

    fn used_lines(&self) -> BTreeMap<Arc<str>, Vec<u32>> {
        let mut used: BTreeMap<Arc<str>, Vec<u32>> = BTreeMap::new();
        for place in self.parts.iter().flat_map(Part::locs).filter_map(|l| l.place()) {
            used.entry(place.file.clone()).or_default().push(place.line);
        }
        for lines in used.values_mut() {
            lines.sort_unstable();
            lines.dedup();
        }
        used
    }

    /// Takes from a file's text the lines around those that nodes come from.
    pub fn set_source(&mut self, file: &str, text: &str) {
        let used = self.used_lines();
        let Some((file, used)) = used.get_key_value(file) else { return };
        let lines: Vec<&str> = text.lines().collect();
        let mut spans: Vec<(u32, u32)> = Vec::new();
        for line in used {
            match spans.last_mut() {
                Some(span) if line - span.1 <= GAP => span.1 = *line,
                _ => spans.push((*line, *line)),
            }
        }
        let mut excerpts: Vec<Excerpt> = Vec::new();
        for (lo, hi) in spans {
            let lo = lo.saturating_sub(AROUND).max(1);
            let hi = (hi + AROUND).min(lines.len() as u32);
            if lo <= hi {
                let lines = lines[lo as usize - 1..hi as usize].iter().map(ToString::to_string).collect();
                excerpts.push(Excerpt { first: lo, lines });
            }
        }
        self.sources.insert(file.clone(), excerpts);
    }

    /// [`Picture::set_source`] for every file that can be read.
    pub fn read_sources(&mut self) {
        for file in self.files() {
            if let Ok(text) = std::fs::read_to_string(&*file) {
                self.set_source(&file, &text);
            }
        }
    }

    /// The picture as text in a format.
    pub fn render(&self, format: PictureFormat) -> Result<String, Error> {
        Ok(match format {
            PictureFormat::Html => html::page(self),
            PictureFormat::Svg => svg::write(self),
            PictureFormat::Dot => dot::write(self),
            PictureFormat::Json => format!("{}\n", json::write(self)),
            PictureFormat::Text => text::write(self),
            PictureFormat::Mlir => mlir::write(self),
        })
    }

    /// Writes the picture in the format that the file's suffix asks for.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let text = self.render(PictureFormat::of_path(path)?)?;
        std::fs::write(path, text).map_err(|source| Error::File { path: path.display().to_string(), source })
    }
}
