//! Windows, from Linux: everything built for it, and run under Wine.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Context;
use crate::console::step;
use crate::machine::Machine;
use crate::module::Built;
use crate::process::{logged, succeeds};

const TARGET: &str = "x86_64-pc-windows-gnu";

/// What tools/windows-tools.sh has put where.
struct Tools {
    /// Where the C compiler is.
    mingw: PathBuf,
    /// A toolchain with the standard library for it; the usual one where that has it.
    toolchain: Option<PathBuf>,
    /// Its crates and ours.
    crates: Option<PathBuf>,
    sqlite: Option<PathBuf>,
    /// `target/windows`: nothing in it is the machine's own.
    target: PathBuf,
}

pub fn run(context: &mut Context) {
    let machine = context.machine;
    if !cfg!(target_os = "linux") {
        context.tally.skip("Windows, from Linux", "this is not Linux (on Windows the other rings run there)");
        return;
    }
    context.fetch_tools("windows-tools", Duration::from_secs(1800));
    let Some(tools) = Tools::read(machine) else {
        let why = "tools/windows-tools.sh did not get what a build for Windows needs \
                   (target/build/logs/windows-tools.log)";
        context.tally.absent("Windows, from Linux", why, 1);
        return;
    };
    let mut lint = tools.cargo(machine, &["clippy", "--all-targets"]);
    lint.args(["--", "-D", "warnings"]);
    if tools.toolchain.is_some() {
        // A nightly's clippy has lints that the product's own Rust does not know yet, or knows to be wrong.
        lint.args(["-A", "clippy::byte_char_slices", "-A", "clippy::missing_const_for_thread_local"]);
    }
    context.check("cargo clippy for Windows", &mut lint);
    let mut build = tools.cargo(machine, &["build", "--lib", "--bin", "umpin", "--example", "seed_store"]);
    context.check("the library and the command for Windows", &mut build);
    context.fetch_tools("wine-tools", Duration::from_secs(1200));
    if !machine.test_tools().join("wine").join(".complete").is_file() {
        let log = machine.read_log("wine-tools");
        let why = log.lines().find_map(|line| line.strip_prefix("wine-tools: ")).unwrap_or("there is no Wine");
        context.tally.absent("what was built for Windows", &format!("{why}; nothing of it was run"), 1);
        return;
    }
    rust(context, &tools);
    c(context, &tools);
    one_store_in_turn(context, &tools);
    pester(context, &tools);
}

fn rust(context: &mut Context, tools: &Tools) {
    let machine = context.machine;
    let skips = machine.scratch.join("windows-skips");
    let _ = fs::write(&skips, "");
    let mut command = tools.cargo(machine, &["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    command.env("UMPIN_SKIP_FILE", as_wine_names(&skips)).env("CARGO_TERM_COLOR", "never");
    command.env_remove("UMPIN_TEST_SCALE");
    if let Some(foreign) = lay_files_of_another_account(machine) {
        command.env("UMPIN_FOREIGN_FOLDER", as_wine_names(&foreign));
    }
    command.args(["--", "--test-threads=2"]);
    let ended = step("cargo test under Wine", || {
        logged(machine, "windows-test", &mut command, Some(Duration::from_secs(2400)))
    });
    let skipped = context.read_result("windows-skips");
    context.tally.add_cargo_test("cargo test under Wine", &machine.read_log("windows-test"), &skipped, &ended);
}

/// What a program under Wine could not make: files of another account. Only root can.
fn lay_files_of_another_account(machine: &Machine) -> Option<PathBuf> {
    let place = machine.scratch.join("foreign");
    let lay = || -> std::io::Result<()> {
        for folder in ["folder", "above", "file", "wal", "key"] {
            fs::create_dir_all(place.join(folder))?;
        }
        let key = format!("umpin-key 1\n{}\n", "0".repeat(64));
        for (file, text) in [("file/um.db", "x"), ("wal/um.db-wal", "x"), ("key/umpin.key", &key)] {
            fs::write(place.join(file), text)?;
        }
        #[cfg(unix)]
        for (path, mode) in [
            ("folder", 0o777),
            ("above", 0o777),
            ("file/um.db", 0o640),
            ("wal/um.db-wal", 0o640),
            ("key/umpin.key", 0o640),
        ] {
            use std::os::unix::fs::{PermissionsExt, chown};
            fs::set_permissions(place.join(path), fs::Permissions::from_mode(mode))?;
            chown(place.join(path), Some(65534), None)?;
        }
        Ok(())
    };
    lay().is_ok().then_some(place)
}

fn c(context: &mut Context, tools: &Tools) {
    let machine = context.machine;
    let compiler = tools.mingw.join("x86_64-w64-mingw32-gcc");
    for short in ["exports", "quickstart"] {
        let source = if short == "exports" { "tests/c/exports.c" } else { "examples/quickstart.c" };
        // Beside the library, where Windows looks first.
        let program = tools.built().join(format!("c-{short}.exe"));
        let mut compile = machine.command(&compiler);
        compile.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Iinclude", source, "-o"]);
        compile.arg(&program).arg(tools.built().join("umpin.dll")).args(["-static", "-lpthread"]);
        context.check(&format!("{source} compiles for Windows"), &mut compile);
        let work = machine.scratch.join(format!("windows-{short}"));
        if !program.is_file() || fs::create_dir(&work).is_err() {
            continue;
        }
        let mut run = wine(machine, &program);
        run.current_dir(&work);
        run.env("UMPIN_STORE", as_wine_names(&work.join("um.db")));
        run.env("UMPIN_KEY_FILE", as_wine_names(&work.join("umpin.key")));
        if short == "quickstart" {
            run.arg(as_wine_names(&machine.root.join("examples/recipients.csv")));
            context.check(&format!("{source} under Wine"), &mut run);
            continue;
        }
        let log = format!("windows-c-{short}");
        let name = format!("{source} under Wine");
        let ended = step(&name, || logged(machine, &log, &mut run, Some(Duration::from_secs(600))));
        context.tally.add_c_program(&name, &machine.read_log(&log), &ended);
    }
}

/// Each system changes what the other wrote.
fn one_store_in_turn(context: &mut Context, tools: &Tools) {
    let machine = context.machine;
    let mut command = machine.command("bash");
    command.arg("tools/windows-turns.sh").arg(tools.built()).arg(&machine.release);
    command.arg(machine.scratch.join("turns"));
    if let (Some(pwsh), Some(module)) = (pwsh(), tools.module(machine)) {
        command.arg(pwsh).arg(module);
    }
    let name = "one store used by both systems in turn";
    let ended = step(name, || logged(machine, "windows-turns", &mut command, Some(Duration::from_secs(300))));
    context.tally.add_c_program(name, &machine.read_log("windows-turns"), &ended);
}

fn pester(context: &mut Context, tools: &Tools) {
    let machine = context.machine;
    let name = "Pester on PowerShell for Windows";
    let Some(pwsh) = pwsh() else {
        let why = "UMPIN_WINDOWS_PWSH names no pwsh.exe of PowerShell for Windows, unpacked";
        context.tally.absent(name, why, 1);
        return;
    };
    if !matches!(context.module, Some(Built::Yes)) {
        context.tally.absent(name, "the module was not built", 1);
        return;
    }
    let Some(module) = tools.module(machine) else {
        context.tally.fail(format!("{name}: the module cannot be laid out in target/windows/module"));
        return;
    };
    let mut places = vec![module.clone(), machine.cache.join("psmodules")];
    places.extend(pwsh.parent().map(|folder| folder.join("Modules")));
    let places: Vec<OsString> = places.iter().map(|place| as_wine_names(place)).collect();
    let result = machine.scratch.join("windows-pester.txt");
    // PowerShell ends silently without a terminal; `script` gives it one.
    let mut line = OsString::from("tools/wine.sh ");
    for word in [
        pwsh.into_os_string(),
        "-NoProfile".into(),
        "-NonInteractive".into(),
        "-File".into(),
        "tools/pester.ps1".into(),
        "-Path".into(),
        "tests/powershell".into(),
        "-ResultFile".into(),
        as_wine_names(&result),
    ] {
        line.push("'");
        line.push(word);
        line.push("' ");
    }
    let mut command = machine.command("script");
    command.arg("-qec").arg(line).arg("/dev/null");
    command.env("PSModulePath", places.join(&OsString::from(";"))).env("PSExecutionPolicyPreference", "Bypass");
    command.env("UMPIN_MODULE", as_wine_names(&module.join("UMMailboxPin").join("UMMailboxPin.psd1")));
    command.env("UMPIN_BIN", as_wine_names(&tools.built().join("umpin.exe"))).env("TERM", "dumb");
    let ended = step(name, || logged(machine, "windows-pester", &mut command, Some(Duration::from_secs(1800))));
    if !context.tally.add_powershell(&context.read_result("windows-pester.txt")) {
        context.tally.fail(format!("{name} ended without a result ({ended})"));
    }
}

/// PowerShell for Windows, unpacked somewhere on this machine.
fn pwsh() -> Option<PathBuf> {
    std::env::var_os("UMPIN_WINDOWS_PWSH").map(PathBuf::from).filter(|pwsh| pwsh.is_file())
}

fn wine(machine: &Machine, program: impl AsRef<Path>) -> Command {
    let mut command = machine.command(machine.root.join("tools/wine.sh"));
    command.arg(program.as_ref());
    command
}

/// As a program under Wine names a file of the machine.
fn as_wine_names(path: &Path) -> OsString {
    format!("Z:{}", path.display()).replace('/', "\\").into()
}

impl Tools {
    fn read(machine: &Machine) -> Option<Self> {
        let text = fs::read_to_string(machine.test_tools().join("windows").join("env")).ok()?;
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let path = |name: &str| value(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        Some(Self {
            mingw: path("bin")?,
            toolchain: path("toolchain"),
            crates: path("crates"),
            sqlite: path("sqlite"),
            target: machine.root.join("target").join("windows"),
        })
    }

    fn built(&self) -> PathBuf {
        self.target.join(TARGET).join("debug")
    }

    /// The module as the machine's own build has it, with the library for Windows. Not in its place: there it would
    /// get into a package.
    fn module(&self, machine: &Machine) -> Option<PathBuf> {
        let target = self.target.join("module");
        let library = target.join("UMMailboxPin").join("win-x64");
        let mut copy = machine.command("cp");
        copy.arg("-a").arg(machine.module_folder()).arg(&target);
        let _ = fs::remove_dir_all(&target);
        let laid = succeeds(&mut copy) && fs::create_dir_all(&library).is_ok();
        // What the help was made from, where its test looks for it.
        let mut link = machine.command("ln");
        link.args(["-sfn", "../dotnet"]).arg(self.target.join("dotnet"));
        let copied = laid && fs::copy(self.built().join("umpin.dll"), library.join("umpin.dll")).is_ok();
        (copied && succeeds(&mut link)).then_some(target)
    }

    fn cargo(&self, machine: &Machine, words: &[&str]) -> Command {
        let cargo = self.toolchain.as_ref().map_or_else(|| "cargo".into(), |t| t.join("bin/cargo"));
        let mut command = machine.command(cargo);
        let mut path = vec![self.mingw.clone()];
        if let Some(toolchain) = &self.toolchain {
            path.insert(0, toolchain.join("bin"));
            command.env("RUSTC", toolchain.join("bin/rustc"));
            // cargo told rustup which toolchain this program was built with.
            command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        }
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        command.env("PATH", std::env::join_paths(path).unwrap_or_default());
        command.env("CARGO_TARGET_DIR", &self.target);
        // Nobody debugs these, and without it they are linked sooner.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0");
        command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", self.mingw.join("x86_64-w64-mingw32-gcc"));
        command.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", machine.root.join("tools/wine.sh"));
        if let Some(sqlite) = &self.sqlite {
            command.env("SQLITE3_STATIC", "1").env("SQLITE3_NO_PKG_CONFIG", "1");
            command.env("SQLITE3_LIB_DIR", sqlite.join("lib")).env("SQLITE3_INCLUDE_DIR", sqlite.join("include"));
        }
        // Behind the verb: clippy's own program gets only those.
        command.args(words).args(["--target", TARGET]);
        if let Some(crates) = &self.crates {
            // As the package's (NO_WINDOWS_SYS in package/native.rs).
            command.arg("--no-default-features");
            command.arg("--config").arg(format!("source.debian-crates.directory='{}'", crates.display()));
        }
        command
    }
}
