//! PSScriptAnalyzer over every script and manifest.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Context;
use crate::console::step;
use crate::module::sources_below;
use crate::process::logged;

const PLACES: [&str; 5] = ["tools", "powershell", "tests/powershell", "examples", "benches"];

pub fn run(context: &mut Context) {
    let machine = context.machine;
    let files = scripts(&machine.root);
    let not_analysed = format!("{} file(s) were not analysed", files.len());
    let pwsh = match context.powershell.find(machine) {
        Ok(pwsh) => pwsh,
        Err(why) => {
            context.tally.absent("PSScriptAnalyzer", &format!("{why}; {not_analysed}"), files.len());
            return;
        }
    };
    if !machine.fetch_pwsh_module(pwsh, "PSScriptAnalyzer", "1.20", "2.0") {
        let why = "the module PSScriptAnalyzer 1.20 or later is missing and could not be fetched \
                   (Install-Module PSScriptAnalyzer -Scope CurrentUser)";
        context.tally.absent("PSScriptAnalyzer", &format!("{why}; {not_analysed}"), files.len());
        return;
    }
    let (list, result) = (machine.scratch.join("analyze"), machine.scratch.join("analyzer.txt"));
    let _ = fs::write(&list, files.join("\n") + "\n");
    let mut command = machine.pwsh(pwsh);
    command.args(["-File", "tools/analyze.ps1", "-ListFile"]).arg(&list);
    command.args(["-Settings", "PSScriptAnalyzerSettings.psd1", "-ResultFile"]).arg(&result);
    let at_most = Duration::from_secs(if context.all { 900 } else { 300 });
    let ended = step(&format!("{} files", files.len()), || logged(machine, "analyzer", &mut command, Some(at_most)));
    if !context.tally.add_powershell(&context.read_result("analyzer.txt")) {
        context.tally.fail_many(format!("PSScriptAnalyzer ended without a result ({ended})"), files.len());
    }
}

fn scripts(root: &Path) -> Vec<String> {
    let mut files = vec!["build.ps1".to_owned()];
    for place in PLACES {
        for file in sources_below(&root.join(place)).unwrap_or_default() {
            if ["ps1", "psm1", "psd1"].iter().any(|known| file.extension().is_some_and(|e| e == *known)) {
                files.push(Path::new(place).join(file).display().to_string());
            }
        }
    }
    files
}
