//! The page: the files of `frontend/viewer` and the picture's JSON in one file.

use super::{Picture, json};

const PAGE: &str = include_str!("../../viewer/index.html");

const STYLE: &str = include_str!("../../viewer/viewer.css");
/// The layout library, as its package has it.
const DAGRE: &str = include_str!("../../viewer/dagre/dagre.min.js");
const DAGRE_LICENSE: &str = include_str!("../../viewer/dagre/LICENSE");
/// The page's own script, each file after those that it needs.
const SCRIPTS: [&str; 8] = [
    include_str!("../../viewer/expression.js"),
    include_str!("../../viewer/model.js"),
    include_str!("../../viewer/history.js"),
    include_str!("../../viewer/layout.js"),
    include_str!("../../viewer/graph.js"),
    include_str!("../../viewer/source.js"),
    include_str!("../../viewer/memory.js"),
    include_str!("../../viewer/app.js"),
];

/// JSON that may stand in a `<script>`: nothing in it can end the element or start a comment.
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// The page.
pub(super) fn page(picture: &Picture) -> String {
    let script = SCRIPTS.concat();
    let data = embedded(&json::write(picture).to_string());
    let mut page = String::with_capacity(data.len() + script.len() + DAGRE.len() + (64 << 10));
    // The page from mark to mark: what is put in is never searched for marks.
    let mut rest = PAGE;
    for (mark, text) in [
        ("/*viewer.css*/", STYLE),
        ("/*picture*/", &data),
        ("/*dagre license*/", DAGRE_LICENSE),
        ("/*dagre.min.js*/", DAGRE),
        ("/*viewer.js*/", &script),
    ] {
        let (before, after) = rest.split_once(mark).expect("index.html has every mark, in this order");
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page + rest
}
