//! Pester over `tests/powershell/*.Tests.ps1`, in one fresh process, on `target/module`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Context;
use crate::console::{say, step};
use crate::module::Built;
use crate::process::logged;

pub fn run(context: &mut Context) {
    let machine = context.machine;
    let count = count_files(context);
    let did_not_run = format!("{count} file(s) did not run");
    match &context.module {
        Some(Built::Yes) => {}
        Some(Built::Absent(why)) => {
            context.tally.absent("Pester", &format!("{why}; {did_not_run}"), count);
            return;
        }
        None => {
            let reason = format!("the module was not built; {did_not_run}");
            context.tally.skip_many("Pester", &reason, count);
            say(&format!("skipped: Pester: {reason}"));
            return;
        }
    }
    run_pester(context, &machine.module_folder(), &machine.module_manifest());
}

/// All of Pester on the modules in a folder.
pub fn run_pester(context: &mut Context, modules: &Path, manifest: &Path) {
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
    command.args(["-File", "tools/pester.ps1", "-Path", "tests/powershell"]);
    command.args(["-ReportFile", "target/test-results/pester.xml", "-ResultFile"]);
    command.arg(machine.scratch.join("pester.txt"));
    let at_most = Duration::from_secs(if context.all { 3600 } else { 1800 });
    let ended = step(&format!("{count} files"), || logged(machine, "pester", &mut command, Some(at_most)));
    if !context.tally.add_powershell(&context.read_result("pester.txt")) {
        context.tally.fail_many(format!("Pester ended without a result ({ended}); {count} file(s)"), count);
    }
}

fn count_files(context: &Context) -> usize {
    let entries = fs::read_dir(context.machine.root.join("tests/powershell")).into_iter().flatten().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().ends_with(".Tests.ps1")).count()
}
