//! What docs/style.md says of every text of this repository, read from the files themselves.

use std::path::{Path, PathBuf};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Folders that hold what a build makes, and git's own.
const NOT_OURS: [&str; 5] = ["target", ".git", ".cargo", "node_modules", "obj"];

/// The texts by the ends of their names; those without one, as a package's scripts, are texts too.
const KINDS: [&str; 36] = [
    "1", "bash", "c", "cmake", "conf", "cs", "csproj", "css", "h", "js", "lua", "md", "mjs", "pc", "po", "props",
    "ps1", "ps1xml", "psd1", "psm1", "psrc", "pssc", "py", "rs", "service", "sh", "spec", "sql", "svg", "targets",
    "timer", "toml", "txt", "xml", "yaml", "yml",
];

/// Texts that a program writes or that a reader takes as data.
fn is_generated(shown: &str) -> bool {
    shown.contains("/fixtures/")
        || shown.contains("cmdlets/") && shown.ends_with(".md")
        || shown.ends_with("-Help.xml")
        || shown == "docs/session.svg"
}

/// A path below the checkout, the same on every system.
fn shown(path: &Path) -> String {
    path.strip_prefix(HERE).unwrap().to_string_lossy().replace('\\', "/")
}

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if !NOT_OURS.iter().any(|other| name == *other) {
                texts(&path, found);
            }
        } else if path.extension().is_none_or(|kind| KINDS.iter().any(|known| kind == *known))
            && !is_generated(&shown(&path))
        {
            found.push(path);
        }
    }
}

fn every_line(mut each: impl FnMut(&str, &str)) {
    let mut found = Vec::new();
    texts(Path::new(HERE), &mut found);
    assert!(found.len() > 400, "only {} files: the walk goes wrong", found.len());
    for path in found {
        let shown = shown(&path);
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
        // Scripts as people have them stay as they came.
        let is_theirs = at.starts_with("tests/powershell/scripts/");
        if line.chars().count() > 120 && !is_row && !in_commands && !is_theirs {
            long.push(at.to_owned());
        }
    });
    assert!(long.is_empty(), "{} lines: {long:#?}", long.len());
}

/// What is cited must be in the reader's hands: a page of docs/, an RFC, the title of a page of Microsoft's.
#[test]
fn no_text_cites_what_only_its_writer_had() {
    // In two parts, so that this line is none of them.
    let unknown =
        [concat!("spec", ".md"), concat!("exchange", "-um"), concat!("the iss", "ue's"), concat!("shared", "/seeds")];
    let mut cited = Vec::new();
    every_line(|at, line| {
        if unknown.iter().any(|text| line.contains(text)) {
            cited.push(at.to_owned());
        }
    });
    assert!(cited.is_empty(), "{cited:#?}");
}
