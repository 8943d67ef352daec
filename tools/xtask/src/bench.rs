//! The verb `bench`: the benchmarks of the library and of the cmdlets.

use crate::console::{Parts, heading};
use crate::machine::Machine;
use crate::module::{self, Built};
use crate::powershell::PowerShell;
use crate::process::shown;
use crate::{Failure, failure};

pub fn run(machine: &Machine, strict: bool) -> Result<bool, Failure> {
    let mut parts = Parts::new(strict);
    heading("library: cargo bench --bench core");
    let ended = shown(machine.command("cargo").args(["bench", "--bench", "core"]));
    if !ended.well() {
        return Err(failure(format!("the benchmark of the library failed ({ended}; see above).")));
    }
    let built = module::build_or_skip(machine, &mut parts)?;
    let script = "benches/powershell.ps1";
    let powershell = PowerShell::default();
    match (built, powershell.find(machine)) {
        (Built::Yes, Ok(pwsh)) => {
            heading(&format!("cmdlets: {script}"));
            let ended = shown(machine.pwsh(pwsh).args(["-File", script]));
            if !ended.well() {
                return Err(failure(format!("{script} failed ({ended}; see above).")));
            }
        }
        (Built::Yes, Err(why)) => parts.skip(script, why),
        (Built::Absent(why), _) => parts.skip(script, &why),
    }
    parts.finish()
}
