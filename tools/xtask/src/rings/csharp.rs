//! The unit tests of the cmdlets' C#, `tests/csharp`; and `tests/mono`, what crosses the boundary on .NET Framework's
//! class library.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Context;
use crate::console::step;
use crate::machine::{find_c_compiler, find_program};
use crate::process::logged;

const PROJECT: &str = "tests/csharp/UMMailboxPin.Tests.csproj";

const MONO: &str = "tests/mono";

pub fn run(context: &mut Context) {
    unit_tests(context);
    if let Err(why) = under_mono(context) {
        context.tally.absent(MONO, &why, 1);
    }
}

/// As the module does it where there is no NativeLibrary: on .NET Framework, for which Mono stands.
fn under_mono(context: &mut Context) -> Result<(), String> {
    let machine = context.machine;
    if !cfg!(target_os = "linux") {
        return Err("Mono stands in for .NET Framework on Linux alone".to_owned());
    }
    if !context.library_built {
        return Err("the library was not built".to_owned());
    }
    find_program("dotnet").ok_or("the .NET SDK (dotnet) is missing")?;
    let compiler = find_c_compiler().ok_or("no C compiler (cc, gcc or clang)")?;
    context.fetch_tools("test-mono", Duration::from_secs(300));
    let mono = machine.test_tools().join("mono/bin/mono");
    if !mono.is_file() {
        return Err("Mono is not in the cache (tools/test-mono.sh)".to_owned());
    }
    let out = machine.root.join("target/dotnet/out/Mono");
    let mut build = machine.command("dotnet");
    build.args(["build", MONO, "--configuration", "Release", "-nologo", "-verbosity:quiet", "--output"]).arg(&out);
    context.check("dotnet build tests/mono", &mut build);
    let mut shim = machine.command(compiler);
    shim.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "tests/mono/kernel32.c", "-o"]);
    context.check("tests/mono/kernel32.c compiles", shim.arg(out.join("libkernel32.so")).arg("-ldl"));
    let folder = out.join(&machine.platform);
    let beside = fs::create_dir_all(&folder)
        .and_then(|()| fs::copy(machine.library(), folder.join("umpin.so")))
        .and_then(|_| link(&folder.join("umpin.so"), &out.join("libumpin.so")));
    beside.map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut command = machine.command(mono);
    command.arg(out.join("Mono.dll")).arg("examples/recipients.csv").env("UMPIN_MONO_LIBRARIES", &out);
    let store = machine.scratch.join("mono");
    fs::create_dir_all(&store).map_err(|e| format!("{}: {e}", store.display()))?;
    command.env("UMPIN_STORE", store.join("um.db")).env("UMPIN_KEY_FILE", store.join("umpin.key"));
    let ended = step(MONO, || logged(machine, "mono", &mut command, Some(Duration::from_secs(120))));
    context.tally.add_c_program(MONO, &machine.read_log("mono"), &ended);
    Ok(())
}

/// The name by which Mono looks for the library that the loader loaded by its path: the same file.
fn link(file: &Path, name: &Path) -> std::io::Result<()> {
    let _ = fs::remove_file(name);
    fs::hard_link(file, name)
}

fn unit_tests(context: &mut Context) {
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
