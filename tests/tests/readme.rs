//! The numbers that the README states are those of the tables.

/// The number in front of a phrase in bold type.
fn stated(text: &str, what: &str) -> usize {
    let end = text.find(&format!(" {what}**")).unwrap_or_else(|| panic!("the README says how many {what}"));
    let start = text[..end].rfind("**").expect("in bold type") + 2;
    text[start..end].parse().expect("a number")
}

#[test]
fn counts() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let text = std::fs::read_to_string(path).expect("the README is there");
    assert_eq!(stated(&text, "operations"), frit_ir::Op::ALL.len());
    assert_eq!(stated(&text, "rewrite rules"), frit_passes::rules().len());
}
