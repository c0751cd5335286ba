//! Diagnostics as text and as JSON, and the comments that silence them.

use super::{Diagnostic, Severity};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use frit_ir::Loc;
use serde_json::{Value, json};
use std::fmt;

impl Diagnostic {
    /// As a compiler writes it: the code and what was found, the line with its source, notes and help. `source`: the text
    /// of the line where the caller knows it better than the file system.
    pub fn render(&self, source: Option<&str>, color: bool) -> String {
        let level = match self.kind.severity {
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut group: Group<'_> =
            level.primary_title(self.title()).id(self.kind.code).elements(std::iter::empty::<Origin<'_>>());
        let read = if source.is_none() { source_line(&self.loc) } else { None };
        let text = source.map(str::to_string).or(read);
        if let Some(p) = self.loc.place() {
            match &text {
                Some(line) if !line.trim().is_empty() => {
                    let trimmed = line.trim_end();
                    let start = trimmed.len() - trimmed.trim_start().len();
                    let snippet: Snippet<'_, _> = Snippet::source(trimmed)
                        .path(&*p.file)
                        .line_start(p.line as usize)
                        .annotation(AnnotationKind::Primary.span(start..trimmed.len()));
                    group = group.element(snippet);
                }
                _ => group = group.element(Origin::path(&*p.file).line(p.line as usize)),
            }
        }
        for n in &self.notes {
            group = group.element(Level::NOTE.message(n.as_str()));
        }
        for h in &self.help {
            group = group.element(Level::HELP.message(h.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    /// The first line: what kind of thing was found, and what.
    pub fn title(&self) -> String {
        format!("{}: {}", self.kind.name, self.message)
    }

    /// As JSON: `code`, `name`, `severity`, `message`, `quantity` (`unit`, `value`), `op`, `file`, `line`, `function`, `source`,
    /// `notes`, `help`; what is not known is null.
    pub fn to_json(&self) -> Value {
        let place = self.loc.place();
        let quantity = self.quantity.map(super::Quantity::to_json);
        json!({
            "code": self.kind.code,
            "name": self.kind.name,
            "severity": self.kind.severity.name(),
            "message": self.message,
            "quantity": quantity,
            "op": self.op.map(|op| op.name()),
            "file": place.map(|p| &*p.file),
            "line": place.map(|p| p.line),
            "function": place.map(|p| &*p.function),
            "source": source_line(&self.loc).map(|l| l.trim().to_string()),
            "notes": self.notes,
            "help": self.help,
        })
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(None, false))
    }
}

/// A list of diagnostics as JSON.
pub fn to_json(found: &[Diagnostic]) -> Value {
    Value::Array(found.iter().map(Diagnostic::to_json).collect())
}

/// The text of a line of the user's source, if its file can be read.
fn source_line(loc: &Loc) -> Option<String> {
    let p = loc.place()?;
    let text = std::fs::read_to_string(&*p.file).ok()?;
    text.lines().nth((p.line as usize).checked_sub(1)?).map(str::to_string)
}

/// True if the comment on its line silences a diagnostic.
pub(super) fn ignored(d: &Diagnostic) -> bool {
    source_line(&d.loc).is_some_and(|line| ignores(&line, d.kind.code))
}

/// True if a line of source has a comment `frit: ignore`, or `frit: ignore[F001, F007]` with this code among them.
pub fn ignores(line: &str, code: &str) -> bool {
    let comments = line.match_indices("frit:").filter(|(at, _)| {
        let before = line[..*at].trim_end();
        before.ends_with('#') || before.ends_with("//")
    });
    comments.into_iter().any(|(at, found)| {
        let Some(rest) = line[at + found.len()..].trim_start().strip_prefix("ignore") else { return false };
        match rest.trim_start().strip_prefix('[') {
            Some(list) => {
                list.split_once(']').is_some_and(|(codes, _)| codes.split(',').any(|c| c.trim() == code))
            }
            // The end of the comment, or words that say why.
            None => rest.chars().next().is_none_or(char::is_whitespace),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments() {
        assert!(ignores("d = a - b  # frit: ignore", "F001"));
        assert!(ignores("d = a - b  # frit: ignore[F007, F001]", "F001"));
        assert!(ignores("let d = a - b; // frit: ignore[F001]", "F001"));
        assert!(!ignores("d = a - b  # frit: ignore[F007]", "F001"));
        assert!(ignores("d = a - b  #frit:ignore [F001]", "F001"));
        assert!(ignores("d = a - b  # frit: ignore because it is small", "F001"));
        assert!(!ignores("d = a - b  # frit: ignore [F007]", "F001"));
        assert!(!ignores("d = a - b  # frit: ignored", "F001"));
        assert!(!ignores("d = a - b  # frit: ignore(F007)", "F001"));
        assert!(!ignores("print('frit: ignore')", "F001"));
    }

    #[test]
    fn text() {
        let d =
            Diagnostic::new("F001", "float64[2, 2], 32 B".into(), None, &Loc::new("model.py", 41, 0, "f"))
                .note("why")
                .help("instead");
        let want = "warning[F001]: expensive intermediate: float64[2, 2], 32 B\n  --> model.py:41:5\n   |\n41 |     d = a[:, None] - a\n   |     ^^^^^^^^^^^^^^^^^^\n   |\n   = note: why\n   = help: instead";
        assert_eq!(d.render(Some("    d = a[:, None] - a\n"), false), want);
    }
}
