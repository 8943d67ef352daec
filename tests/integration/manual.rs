//! The manual page and the completion, which are written by hand, against what the command says of itself.

use std::path::Path;
use std::process::Command;

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_umpin")).args([command, "--help"]).output().unwrap();
    assert!(output.status.success(), "umpin {command} --help");
    String::from_utf8(output.stdout).unwrap()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// `--dial-plan` of `      --dial-plan <DIAL_PLAN>  ...`.
fn options(help: &str) -> Vec<&str> {
    let words = help.lines().filter(|line| line.starts_with("  ")).flat_map(str::split_whitespace);
    words.filter(|word| word.starts_with("--")).map(|word| word.trim_end_matches(',')).collect()
}

#[test]
fn every_command_and_option_is_in_the_manual_page_and_in_the_completion() {
    let whole = Command::new(env!("CARGO_BIN_EXE_umpin")).arg("--help").output().unwrap();
    let whole = String::from_utf8(whole.stdout).unwrap();
    let (_, commands) = whole.split_once("Commands:\n").unwrap();
    let commands: Vec<_> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() >= 5, "{commands:?}");
    // roff writes a hyphen that is typed with a backslash.
    let manual = read("contrib/umpin.1").replace('\\', "");
    let completion = read("contrib/completion/umpin.bash");
    for command in commands {
        let page = help(command);
        for name in options(&page).into_iter().chain([command]) {
            for (place, text) in [("contrib/umpin.1", &manual), ("contrib/completion/umpin.bash", &completion)] {
                let known = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| word == name);
                assert!(known, "{place} does not know {name} of umpin {command}");
            }
        }
    }
}
