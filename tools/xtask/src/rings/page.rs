//! The page: a workspace of its own in `web/`, with its own format, lints and tests.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::Context;
use crate::console::step;
use crate::crates;
use crate::machine::Machine;
use crate::process::{logged, succeeds};

pub fn run(context: &mut Context) {
    if let Err(lines) = crates::set_up_page(context.machine) {
        context.tally.absent("the page", &lines.join(" "), 1);
        return;
    }
    for (tool, words) in [("rustfmt", &["fmt", "--check"][..]), ("clippy", &["clippy", "--all-targets"])] {
        let name = format!("cargo {} (web)", words.join(" "));
        if !succeeds(context.machine.command("cargo").args([words[0], "--version"])) {
            context.tally.absent(&name, &format!("this Rust has no {tool} (rustup component add {tool})"), 1);
            continue;
        }
        let mut command = cargo(context.machine, words);
        if tool == "clippy" {
            command.args(["--", "-D", "warnings"]);
        }
        context.check(&name, &mut command);
    }
    if context.all && cfg!(target_os = "linux") {
        context.fetch_tools("test-browser", Duration::from_secs(900));
    }
    let skips = context.machine.scratch.join("page-skips");
    let _ = fs::write(&skips, "");
    let mut command = cargo(context.machine, &["test", "--no-fail-fast"]);
    command.env("UMPIN_SKIP_FILE", &skips).env("CARGO_TERM_COLOR", "never");
    command.env("UMPIN_BIN", context.machine.release.join(format!("umpin{}", std::env::consts::EXE_SUFFIX)));
    let name = "cargo test (web)";
    let ended = step(&format!("{name} (the first time takes some minutes)"), || {
        logged(context.machine, "cargo-test-web", &mut command, None)
    });
    let skipped = context.read_result("page-skips");
    context.tally.add_cargo_test(name, &context.machine.read_log("cargo-test-web"), &skipped, &ended);
}

/// cargo in `web/`: started there, so that it reads that folder's configuration.
fn cargo(machine: &Machine, words: &[&str]) -> Command {
    let mut command = machine.command("cargo");
    command.args(words).current_dir(machine.root.join("web"));
    command.env("CARGO_TARGET_DIR", machine.root.join("target").join("web"));
    command
}
