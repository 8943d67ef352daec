//! What docs/style.md says of every text of this repository, read from the files themselves.

use std::path::{Path, PathBuf};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Folders that hold what a build makes, and git's own.
const NOT_OURS: [&str; 4] = ["target", ".git", ".cargo", "node_modules"];

/// Texts that a program writes or that a reader takes as data.
fn is_generated(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("/fixtures/") || text.contains("cmdlets/") && text.ends_with(".md")
}

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    const KINDS: [&str; 4] = ["rs", "cs", "c", "md"];
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if !NOT_OURS.iter().any(|other| name == *other) {
                texts(&path, found);
            }
        } else if path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)) && !is_generated(&path)
        {
            found.push(path);
        }
    }
}

fn every_line(mut each: impl FnMut(&str, &str)) {
    let mut found = Vec::new();
    texts(Path::new(HERE), &mut found);
    assert!(found.len() > 250, "only {} files: the walk goes wrong", found.len());
    for path in found {
        let shown = path.strip_prefix(HERE).unwrap().to_string_lossy().into_owned();
        for (at, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            each(&format!("{shown}:{}", at + 1), line);
        }
    }
}

#[test]
fn no_line_is_longer_than_120_characters() {
    let mut long = Vec::new();
    let mut in_commands = false;
    every_line(|at, line| {
        // A row of a table cannot be broken, and a command in a page is typed as it stands.
        in_commands ^= at.contains(".md:") && line.starts_with("```");
        let is_row = line.trim_start_matches(['/', '!', ' ']).starts_with('|');
        if line.chars().count() > 120 && !is_row && !in_commands {
            long.push(at.to_owned());
        }
    });
    assert!(long.is_empty(), "{} lines: {long:#?}", long.len());
}

/// What is cited must be in the reader's hands: a page of docs/, an RFC, the title of a page of Microsoft's.
#[test]
fn no_text_cites_what_only_its_writer_had() {
    // In two parts, so that this line is none of them.
    let unknown = [
        concat!("spec", ".md"),
        concat!("exchange-um", ".md"),
        concat!("the iss", "ue's"),
        concat!("shared", "/seeds"),
    ];
    let mut cited = Vec::new();
    every_line(|at, line| {
        if unknown.iter().any(|text| line.contains(text)) {
            cited.push(at.to_owned());
        }
    });
    assert!(cited.is_empty(), "{cited:#?}");
}
