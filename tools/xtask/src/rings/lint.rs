//! Format and lints of the Rust source.

use super::{Context, cargo_runs};
use crate::process::succeeds;

pub fn run(context: &mut Context) {
    for (tool, words) in [("rustfmt", &["fmt", "--check"][..]), ("clippy", &["clippy", "--all-targets"])] {
        for (name, mut command) in cargo_runs(context.machine, words) {
            if !succeeds(context.machine.command("cargo").args([words[0], "--version"])) {
                context.tally.absent(&name, &format!("this Rust has no {tool} (rustup component add {tool})"), 1);
                continue;
            }
            if tool == "clippy" {
                command.args(["--", "-D", "warnings"]);
            }
            context.check(&name, &mut command);
        }
    }
}
