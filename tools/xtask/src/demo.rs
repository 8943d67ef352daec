//! The verb `demo`: the module at work in a throwaway folder; without PowerShell, the library from C.

use std::fs;

use crate::console::{Parts, heading};
use crate::machine::{Machine, find_c_compiler};
use crate::module::{self, Built};
use crate::powershell::PowerShell;
use crate::process::{logged, shown};
use crate::{Failure, c, failure};

pub fn run(machine: &Machine, strict: bool) -> Result<bool, Failure> {
    let mut parts = Parts::new(strict);
    let built = module::build_or_skip(machine, &mut parts)?;
    let folder = machine.scratch.join("demo");
    let fault = |e| failure(format!("{}: {e}", folder.display()));
    fs::create_dir(&folder).map_err(fault)?;
    for file in module::files_below(&machine.root.join("examples"))? {
        if file.extension().is_some_and(|extension| extension == "csv") && file.iter().count() == 1 {
            fs::copy(machine.root.join("examples").join(&file), folder.join(&file)).map_err(fault)?;
        }
    }
    let powershell = PowerShell::default();
    match (built, powershell.find(machine)) {
        (Built::Yes, Ok(pwsh)) => {
            heading("examples/demo.ps1, in a throwaway folder");
            let script = machine.root.join("examples").join("demo.ps1");
            let mut command = machine.pwsh(pwsh);
            let ended = shown(command.current_dir(&folder).arg("-File").arg(script));
            if !ended.well() {
                return Err(failure(format!("the demo failed ({ended}; see above).")));
            }
            return parts.finish();
        }
        (Built::Yes, Err(why)) => parts.skip("the demo of the cmdlets", why),
        (Built::Absent(_), _) => {}
    }
    heading("examples/quickstart.c, in a throwaway folder");
    let Some(compiler) = find_c_compiler() else {
        return Err(vec![
            "neither PowerShell nor a C compiler (cc, gcc or clang) is here: nothing can show the module.".to_owned(),
            "Install PowerShell 7.2 or later (pwsh), or a C compiler.".to_owned(),
        ]);
    };
    let program = machine.scratch.join("quickstart").with_extension(std::env::consts::EXE_EXTENSION);
    let source = machine.root.join("examples").join("quickstart.c");
    let mut compile = c::compile(machine, &compiler, &source, &program);
    let ended = logged(machine, "quickstart-compile", &mut compile, None);
    if !ended.well() {
        return Err(failure(format!("examples/quickstart.c does not compile ({ended}; see above).")));
    }
    let mut command = machine.command(&program);
    c::find_library_on_path(machine, &mut command);
    let ended = shown(command.current_dir(&folder).arg("recipients.csv"));
    if !ended.well() {
        return Err(failure(format!("the quick start failed ({ended}; see above).")));
    }
    parts.finish()
}
