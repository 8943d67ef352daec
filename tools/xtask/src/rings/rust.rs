//! `cargo test`, of the product and of this program.

use std::fs;
use std::time::Duration;

use super::{Context, cargo_runs};
use crate::console::step;
use crate::process::logged;

pub fn run(context: &mut Context) {
    if cfg!(target_os = "linux") {
        context.fetch_tools("test-tools", Duration::from_secs(300));
        if context.all {
            context.fetch_tools("test-asterisk", Duration::from_secs(900));
        }
    }
    // A test that finds at run time that it does not apply here (no such tool, not root) adds "name: reason" to it.
    let skips = context.machine.scratch.join("rust-skips");
    for ((name, mut command), log) in
        cargo_runs(context.machine, &["test", "--no-fail-fast"]).into_iter().zip(["cargo-test", "cargo-test-xtask"])
    {
        let _ = fs::write(&skips, "");
        command.env("UMPIN_SKIP_FILE", &skips).env("CARGO_TERM_COLOR", "never");
        let ended = step(&format!("{name} (the first time takes some minutes)"), || {
            logged(context.machine, log, &mut command, None)
        });
        let skipped = context.read_result("rust-skips");
        context.tally.add_cargo_test(&name, &context.machine.read_log(log), &skipped, &ended);
    }
}
