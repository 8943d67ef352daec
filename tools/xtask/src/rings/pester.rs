//! Pester over `tests/powershell/*.Tests.ps1`, in one fresh process, on `target/module`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::Context;
use crate::console::{say, step};
use crate::machine::Machine;
use crate::module::Built;
use crate::process::logged;

pub fn run(context: &mut Context) {
    if is_built(context, "Pester") {
        let machine = context.machine;
        run_pester(context, &machine.module_folder(), &machine.module_manifest());
    }
}

/// The same with every store on a server of its own. `prepare` is told the command that starts one.
pub fn run_pester_on_a_server(context: &mut Context, prepare: &dyn Fn(&mut Command)) {
    if is_built(context, "Pester on a server") {
        let machine = context.machine;
        run_on(context, &machine.module_folder(), &machine.module_manifest(), Some(prepare));
    }
}

/// Whether there is a module to be tested; what keeps it from being there is counted.
fn is_built(context: &mut Context, what: &str) -> bool {
    let count = count_files(context);
    let did_not_run = format!("{count} file(s) did not run");
    match &context.module {
        Some(Built::Yes) => true,
        Some(Built::Absent(why)) => {
            context.tally.absent(what, &format!("{why}; {did_not_run}"), count);
            false
        }
        None => {
            let reason = format!("the module was not built; {did_not_run}");
            context.tally.skip_many(what, &reason, count);
            say(&format!("skipped: {what}: {reason}"));
            false
        }
    }
}

/// All of Pester on the modules in a folder.
pub fn run_pester(context: &mut Context, modules: &Path, manifest: &Path) {
    run_on(context, modules, manifest, None);
}

fn run_on(context: &mut Context, modules: &Path, manifest: &Path, server: Option<&dyn Fn(&mut Command)>) {
    let machine = context.machine;
    let count = count_files(context);
    let did_not_run = format!("{count} file(s) did not run");
    let pwsh = match context.powershell.find(machine) {
        Ok(pwsh) => pwsh,
        Err(why) => {
            context.tally.absent("Pester", &format!("{why}; {did_not_run}"), count);
            return;
        }
    };
    if !machine.fetch_pwsh_module(pwsh, "Pester", "5.0", "6.0") {
        let why = "the module Pester 5 or later is missing and could not be fetched \
                   (Install-Module Pester -MinimumVersion 5.0 -Scope CurrentUser)";
        context.tally.absent("Pester", &format!("{why}; {did_not_run}"), count);
        return;
    }
    let _ = fs::create_dir_all(machine.root.join("target/test-results"));
    let _ = fs::remove_file(machine.scratch.join("pester.txt"));
    let mut command = machine.pwsh_with(pwsh, modules, manifest);
    let (log, report) = match server {
        None => ("pester", "target/test-results/pester.xml"),
        Some(prepare) => {
            command = beside_a_server(machine, &command);
            prepare(&mut command);
            ("pester-postgresql", "target/test-results/pester-postgresql.xml")
        }
    };
    command.args(["-File", "tools/pester.ps1", "-Path", "tests/powershell"]);
    command.args(["-ReportFile", report, "-ResultFile"]);
    command.arg(machine.scratch.join("pester.txt"));
    let at_most = Duration::from_secs(if context.all { 3600 } else { 1800 });
    let ended = step(&format!("{count} files"), || logged(machine, log, &mut command, Some(at_most)));
    if !context.tally.add_powershell(&context.read_result("pester.txt")) {
        context.tally.fail_many(format!("Pester ended without a result ({ended}); {count} file(s)"), count);
    }
}

/// The same command, started by the script that starts a server first.
fn beside_a_server(machine: &Machine, command: &Command) -> Command {
    let mut outer = machine.command("bash");
    outer.arg("tools/with-postgresql.sh").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

fn count_files(context: &Context) -> usize {
    let entries = fs::read_dir(context.machine.root.join("tests/powershell")).into_iter().flatten().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().ends_with(".Tests.ps1")).count()
}
