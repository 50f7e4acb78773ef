//! The threat model names the tests that prove it: each of them is there.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = include_str!("../../docs/SECURITY.md");

/// The files that a module's tests can be in: of the API, or of the library.
fn files(module: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let module = module.strip_suffix(&["tests"]).unwrap_or(module);
    let path: PathBuf = module.iter().collect();
    let of = |base: PathBuf| [base.with_extension("rs"), base.join("mod.rs"), base.join("tests.rs")];
    [root.join("tests/api").join(&path), root.join("src").join(&path)].into_iter().flat_map(of).collect()
}

/// Whether a file has a test of this name, with an attribute that says so.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(place, line)| {
        let above = lines[..place].iter().rev().take_while(|line| line.starts_with("#["));
        let is_marked = above.clone().any(|line| line.contains("test") || *line == "#[on_both]");
        let is_ignored = above.clone().any(|line| line.contains("ignore"));
        line.contains(&format!("fn {name}(")) && is_marked && !is_ignored
    })
}

/// The rows of tables whose last column is for proofs.
fn rows() -> Vec<&'static str> {
    let mut rows = Vec::new();
    let mut proves = false;
    for line in DOCUMENT.lines() {
        match line {
            line if line.starts_with("| threat |") => proves = line.ends_with("| proof |"),
            line if line.starts_with("|---") => {}
            line if line.starts_with('|') && proves => rows.push(line),
            _ => proves = false,
        }
    }
    rows
}

#[test]
fn every_threat_has_a_control_and_a_test_that_is_there() {
    let rows = rows();
    assert!(rows.len() > 30, "the tables are found");
    let mut missing = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let &[threat, control, proof] = cells.as_slice() else { panic!("not three cells: {row}") };
        assert!(!threat.is_empty() && !control.is_empty(), "{row}");
        let names: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            missing.push(format!("nothing proves: {threat}"));
        }
        for name in names {
            let steps: Vec<&str> = name.split("::").collect();
            let (test, module) = steps.split_last().expect("a name");
            let is_there =
                files(module).iter().any(|file| fs::read_to_string(file).is_ok_and(|text| has_test(&text, test)));
            if !is_there {
                missing.push(format!("there is no test {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/SECURITY.md:\n  {}", missing.join("\n  "));
}
