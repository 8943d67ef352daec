//! The store's second engine: its lints and tests, then the tests of everything on a server of their own. What it
//! compiles is in a folder apart, since the engine is left out of a plain build.

use std::fs;

use super::Context;
use crate::console::step;
use crate::process::logged;

pub fn run(context: &mut Context) {
    let target = context.machine.root.join("target").join("postgresql");
    let skips = context.machine.scratch.join("postgresql-skips");
    let runs: [(&str, &str, &[&str], bool); 3] = [
        (
            "cargo clippy --features postgresql",
            "postgresql-clippy",
            &["clippy", "--features", "postgresql", "--all-targets", "--", "-D", "warnings"],
            false,
        ),
        (
            "cargo test --features postgresql, on SQLite",
            "postgresql-own",
            &["test", "--features", "postgresql", "--lib", "--test", "integration", "--", "postgres"],
            false,
        ),
        (
            "cargo test --features postgresql, on a server",
            "postgresql-suite",
            &[
                "test",
                "--features",
                "postgresql",
                "--test",
                "integration",
                "--",
                // What no store is in, what has run already, and a telephone system with files of its own.
                "--skip=tidy::",
                "--skip=header::",
                "--skip=postgresql::",
                "--skip=asterisk::",
            ],
            true,
        ),
    ];
    for (name, log, words, is_on_server) in runs {
        let mut command = context.machine.command("cargo");
        command.args(words).env("CARGO_TARGET_DIR", &target).env("CARGO_TERM_COLOR", "never");
        let _ = fs::write(&skips, "");
        command.env("UMPIN_SKIP_FILE", &skips);
        if is_on_server {
            command.env("UMPIN_TEST_STORE", "postgresql");
        }
        if words[0] == "clippy" {
            context.check(name, &mut command);
            continue;
        }
        let ended = step(name, || logged(context.machine, log, &mut command, None));
        let skipped = context.read_result("postgresql-skips");
        context.tally.add_cargo_test(name, &context.machine.read_log(log), &skipped, &ended);
    }
}
