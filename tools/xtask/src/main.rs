//! The one build program: `build.sh` and `build.ps1` find cargo and hand over to it.
//!
//! docs/development.md tells what each verb does, what it needs and which environment variables it heeds.

mod arguments;
mod bench;
mod c;
mod console;
mod crates;
mod demo;
mod machine;
mod module;
mod package;
mod powershell;
mod process;
mod rings;
mod tally;

use std::process::ExitCode;

use arguments::{Arguments, Asked, Verb};
use console::{complain, say};
use machine::Machine;

/// What stopped a verb: what failed, and below it what to do.
type Failure = Vec<String>;

/// A [`Failure`] of one line.
fn failure(line: impl Into<String>) -> Failure {
    vec![line.into()]
}

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(Asked::Run(arguments)) => arguments,
        Ok(Asked::Help) => {
            say(&arguments::usage());
            return ExitCode::SUCCESS;
        }
        Ok(Asked::Nothing) => {
            eprintln!("{}", arguments::usage());
            return ExitCode::from(2);
        }
        Err(what) => {
            complain(&[what, "--help lists verbs, options and rings.".to_owned()]);
            return ExitCode::FAILURE;
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(lines) => {
            complain(&lines);
            ExitCode::FAILURE
        }
    }
}

/// `Ok(false)`: it ran to its end, and something in it failed.
fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let machine = Machine::find(arguments.all)?;
    crates::set_up(&machine)?;
    match arguments.verb {
        Verb::Demo => demo::run(&machine, arguments.strict),
        Verb::Test => rings::run(&machine, arguments),
        Verb::Module => module::run(&machine, arguments.strict),
        Verb::Package => package::run(&machine, arguments.strict, arguments.sign),
        Verb::Bench => bench::run(&machine, arguments.strict),
    }
}
