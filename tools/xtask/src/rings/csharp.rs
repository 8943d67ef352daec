//! The unit tests of the cmdlets' C#: `tests/csharp`.

use std::fs;
use std::time::Duration;

use super::Context;
use crate::console::step;
use crate::machine::find_program;
use crate::process::logged;

const PROJECT: &str = "tests/csharp/UMMailboxPin.Tests.csproj";

pub fn run(context: &mut Context) {
    let machine = context.machine;
    let entries = fs::read_dir(machine.root.join("tests/csharp")).into_iter().flatten().flatten();
    let count = entries.filter(|e| e.file_name().to_string_lossy().ends_with("Tests.cs")).count();
    if find_program("dotnet").is_none() {
        let reason = format!("the .NET SDK (dotnet) is missing; {count} file(s) did not run");
        context.tally.absent(PROJECT, &reason, count);
        return;
    }
    let dotnet = |verb: &str| {
        let mut command = machine.command("dotnet");
        command.args([verb, PROJECT]).env("DOTNET_CLI_UI_LANGUAGE", "en").env("DOTNET_NOLOGO", "1");
        command
    };
    let mut restore = dotnet("restore");
    let at_most = Some(Duration::from_secs(600));
    let restored = step("dotnet restore", || logged(machine, "csharp-restore", &mut restore, at_most));
    if !restored.well() {
        let reason = format!(
            "its packages could not be had, or want a newer .NET SDK ({restored}, see above); \
             {count} file(s) did not run"
        );
        context.tally.absent(PROJECT, &reason, count);
        return;
    }
    let mut test = dotnet("test");
    test.args(["--no-restore", "--verbosity", "quiet"]);
    let ended = step("dotnet test", || logged(machine, "csharp", &mut test, at_most));
    context.tally.add_dotnet_test(PROJECT, &machine.read_log("csharp"), &ended);
}
