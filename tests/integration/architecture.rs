//! The layers of docs/architecture.md hold, and `unsafe` and SQL stay where they belong.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Layer by folder or file name under `src`: greater is higher.
type Layers = HashMap<String, usize>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The first column of the table under "## Layers", from the top down.
fn layers() -> Layers {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let section = page.split("## Layers").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let mut layers = Layers::new();
    for (below, row) in rows.iter().rev().enumerate() {
        for name in row.split('|').nth(1).unwrap().split(',') {
            layers.insert(name.trim().trim_matches('`').to_owned(), below);
        }
    }
    layers
}

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.file_name().is_some_and(|name| name == "tests.rs") {
                // Unit tests may use all of the crate.
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root().join("src")).unwrap().to_owned(), text));
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join("src"), &mut found);
    found.sort();
    found
}

/// The code without its comments, and without the unit tests at its end, which may use all of the crate.
fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    product.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn layer_of(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Every layer that a source names, as `crate::layer` (`umpin::layer` in the command), singly or in a group.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for lead in ["crate::", "umpin::"] {
        for (at, _) in code.match_indices(lead) {
            let rest = code[at + lead.len()..].trim_start();
            let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            match rest.strip_prefix('{') {
                None => names.push(word(rest)),
                Some(group) => {
                    let mut depth = 0;
                    let mut item = true;
                    for (at, c) in group.char_indices() {
                        match c {
                            '{' => depth += 1,
                            '}' if depth == 0 => break,
                            '}' => depth -= 1,
                            ',' if depth == 0 => item = true,
                            c if item && !c.is_whitespace() => {
                                names.push(word(&group[at..]));
                                item = false;
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    names
}

/// What a source in the layer `own` names that is neither its own nor below it.
fn upward(layers: &Layers, own: &str, code: &str) -> Vec<String> {
    let height = layers[own];
    named(code)
        .into_iter()
        .filter(|name| name != own && layers.get(name).is_some_and(|other| *other >= height))
        .collect()
}

#[test]
fn layers_only_go_down() {
    let layers = layers();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let own = layer_of(&path);
        if own == "lib" {
            continue;
        }
        assert!(layers.contains_key(&own), "src/{} is in no layer of docs/architecture.md", path.display());
        for name in upward(&layers, &own, &code(&text)) {
            wrong.push(format!("src/{} uses {name}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_line_that_points_up_is_seen_in_every_layer() {
    let layers = layers();
    assert!(layers.len() >= 12, "{layers:?}");
    for (own, height) in &layers {
        for (other, other_height) in layers.iter().filter(|(other, _)| *other != own) {
            for line in [format!("use crate::{other}::x;"), format!("use crate::{{error, {other}::{{x, y}}}};")] {
                let seen = upward(&layers, own, &line).contains(other);
                assert_eq!(seen, other_height >= height, "{own}: {line}");
            }
        }
    }
    let commented = code("// use crate::ffi::x;\nuse crate::os;\n#[cfg(test)]\nmod tests {\n use crate::ffi;\n}\n");
    assert_eq!(named(&commented), ["os"]);
}

#[test]
fn unsafe_and_sql_stay_where_they_belong() {
    for (path, text) in sources() {
        let (own, code) = (layer_of(&path), code(&text));
        let file = path.display();
        assert!(!code.contains("unsafe") || ["ffi", "os"].contains(&own.as_str()), "src/{file} is unsafe");
        let is_engine = path.starts_with("store/engine");
        assert!(!code.contains("rusqlite") || is_engine, "src/{file} reaches for SQLite");
    }
}
