//! The packages that people install: made twice, and each used. `UMPIN_PACKAGES` names a folder of packages that were
//! made elsewhere; then their modules are used, and nothing is made.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Context;
use super::pester::run_pester;
use crate::c::compile_against;
use crate::console::{Parts, complain, step};
use crate::machine::{Machine, find_program};
use crate::module::{MODULES, files_below};
use crate::package::native::{CrossTools, Native};
use crate::package::sign::{Certificate, OSSLSIGNCODE, is_signed};
use crate::package::{self, Made, Signing};
use crate::process::{logged, output, succeeds};
use crate::{Failure, failure};

pub fn run(context: &mut Context) {
    if let Some(folder) = env::var_os("UMPIN_PACKAGES") {
        match package::given(context.machine, Path::new(&folder)) {
            Ok(given) => check_modules(context, &given),
            Err(lines) => context.tally.fail(lines.join(" ")),
        }
        return;
    }
    let mut parts = Parts::lenient();
    let first = match package::make(context.machine, Signing::None, &mut parts) {
        Ok(made) => made,
        Err(lines) => {
            complain(&lines);
            context.tally.fail("making the packages (see above)");
            return;
        }
    };
    context.tally.pass();
    for (what, why) in parts.skips() {
        context.tally.absent(what, why, 1);
    }
    for native in &first.natives {
        check_exports(context, native);
        check_that_it_runs(context, native);
    }
    check_modules(context, &first);
    check_signing(context, &first);
    check_debian_package(context, &first);
    check_rpm(context, &first);
    check_c_archive(context, &first);
    check_that_it_is_made_the_same(context, &first);
    check_that_it_is_compiled_the_same(context, &first);
}

/// Every function of the header is in the library, and no other.
fn check_exports(context: &mut Context, native: &Native) {
    let name = format!("the exports of {} are the header's", native.platform.name);
    let outcome = exports(context, native).and_then(|exported| {
        let text = fs::read_to_string(context.machine.root.join("include/umpin.h"))
            .map_err(|e| failure(format!("include/umpin.h: {e}")))?;
        let declared = functions_of_the_header(&text);
        if declared.is_empty() || declared != exported {
            return Err(failure(format!("the header declares {declared:?}, the library exports {exported:?}")));
        }
        Ok(())
    });
    match outcome {
        Ok(()) => context.tally.pass(),
        Err(lines) => context.tally.fail(format!("{name}: {}", lines.join(" "))),
    }
}

fn exports(context: &Context, native: &Native) -> Result<Vec<String>, Failure> {
    let tools = CrossTools::read(context.machine, native.platform);
    let objdump = tools.map_or_else(|| "objdump".into(), |tools| tools.tool("objdump"));
    let mut command = context.machine.command(&objdump);
    // Of a library for Windows, -p shows the table; of one for Linux, -T does, and the other says nothing.
    let windows = native.platform.name.starts_with("win-");
    let table = output(command.args(if windows { &["-p"][..] } else { &["-T", "-w"] }).arg(&native.library));
    let table = table.ok_or_else(|| failure(format!("{} cannot read it", objdump.display())))?;
    Ok(exported_functions(&table))
}

/// Of `objdump -T`: `0000000000123456 g    DF .text  0000000000000042  Base  umpin_open`; of `objdump -p`, in the table
/// of names: `\t[   3] +base[   4]  0003 umpin_open`.
fn exported_functions(table: &str) -> Vec<String> {
    let mut names: Vec<_> = table
        .lines()
        .skip_while(|line| table.contains("[Ordinal/Name Pointer] Table") && !line.starts_with("[Ordinal/Name"))
        .take_while(|line| !line.starts_with("The "))
        .filter(|line| line.contains(" .text") || line.starts_with("\t["))
        .filter_map(|line| line.split_whitespace().last())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The names before a `(` that begin with `umpin_`, outside of comments.
fn functions_of_the_header(header: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in header.lines().map(str::trim_start).filter(|line| !line.starts_with(['*', '/'])) {
        let Some((before, _)) = line.split_once('(') else { continue };
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        if name.starts_with("umpin_") {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names.dedup();
    names
}

/// tests/c/exports.c and the command, on this machine or in QEMU.
fn check_that_it_runs(context: &mut Context, native: &Native) {
    let machine = context.machine;
    let name = format!("tests/c/exports.c on {}", native.platform.name);
    let Some(program) = &native.program else {
        context.tally.absent(&name, "the library was brought in without its command", 1);
        return;
    };
    let tools = CrossTools::read(machine, native.platform);
    let emulator = tools.as_ref().map(CrossTools::emulator);
    if emulator == Some(None) {
        // Wine's ring runs what is for Windows.
        return;
    }
    let compiler = tools.as_ref().map_or_else(|| "cc".into(), |tools| tools.tool("gcc"));
    let folder = machine.scratch.join(format!("package-{}", native.platform.name));
    let (test, work) = (folder.join("exports"), folder.join("work"));
    let made = fs::create_dir_all(&work).and_then(|()| fs::copy(&native.library, folder.join("libumpin.so")));
    if let Err(e) = made {
        context.tally.fail(format!("{name}: {}: {e}", folder.display()));
        return;
    }
    let mut compile = compile_against(machine, &compiler, Path::new("tests/c/exports.c"), &test, &folder);
    let log = format!("package-exports-{}", native.platform.name);
    let compiled = step(&format!("{name}: compile"), || logged(machine, &log, &mut compile, None));
    if !compiled.well() {
        context.tally.fail(format!("{name} does not compile ({compiled})"));
        return;
    }
    let start = |what: &Path| match emulator.as_ref().and_then(Option::as_ref) {
        None => machine.command(what),
        Some((qemu, libraries)) => {
            let mut command = machine.command(qemu);
            command.arg("-L").arg(libraries).arg(what);
            command
        }
    };
    let mut command = start(&test);
    command.current_dir(&work).env("UMPIN_STORE", work.join("um.db")).env("UMPIN_KEY_FILE", work.join("umpin.key"));
    let ended = step(&name, || logged(machine, &log, &mut command, Some(Duration::from_secs(600))));
    context.tally.add_c_program(&name, &machine.read_log(&log), &ended);
    context.check(&format!("umpin --version on {}", native.platform.name), start(program).arg("--version"));
}

/// The modules as a user gets them: from a repository, into an empty profile; then all of Pester on them.
fn check_modules(context: &mut Context, made: &Made) {
    let machine = context.machine;
    let name = "the modules from a repository";
    if !made.files.iter().any(|file| file.ends_with(".nupkg")) {
        context.tally.absent(name, "they were not made", 1);
        return;
    }
    let pwsh = match context.powershell.find(machine) {
        Ok(pwsh) => pwsh.to_owned(),
        Err(why) => {
            let why = why.to_owned();
            context.tally.absent(name, &why, 1);
            return;
        }
    };
    let home = machine.scratch.join("package-home");
    let into = home.join("modules");
    if let Err(e) = fs::create_dir_all(&into) {
        context.tally.fail(format!("{name}: {}: {e}", into.display()));
        return;
    }
    let mut command = machine.command(&pwsh);
    command.args(["-NoProfile", "-NonInteractive", "-File", "tools/package-test.ps1", "-Packages"]).arg(&made.folder);
    command.arg("-Into").arg(&into).args(["-Version", &made.version]);
    for variable in ["HOME", "USERPROFILE", "XDG_DATA_HOME", "LOCALAPPDATA"] {
        command.env(variable, &home);
    }
    context.check(name, &mut command);
    if cfg!(unix) {
        let name = "README.md's commands, from the packages to the first reset";
        let mut look = machine.command(&pwsh);
        look.args(["-NoProfile", "-NonInteractive", "-Command"]);
        look.arg("exit [int](-not (Test-Path $PSHOME/Modules/Microsoft.PowerShell.PSResourceGet))");
        if succeeds(&mut look) {
            let mut typed = machine.command(&pwsh);
            typed.args(["-NoProfile", "-NonInteractive", "-File", "tools/first-reset.ps1", "-Packages"]);
            context.check(name, typed.arg(&made.folder));
        } else {
            // As one is that somebody built from its source.
            let why = format!("{} has no Microsoft.PowerShell.PSResourceGet beside it", pwsh.display());
            context.tally.absent(name, &why, 1);
        }
    }
    // The tests know a module's files by its folder, as target/module has them, and not by a version in between.
    let modules = home.join("tested");
    for module in MODULES {
        let laid_out = fs::create_dir_all(&modules)
            .and_then(|()| fs::rename(into.join(module).join(&made.version), modules.join(module)));
        if let Err(e) = laid_out {
            context.tally.fail(format!("{name}: {module}: {e}"));
            return;
        }
    }
    run_pester(context, &modules, &modules.join(MODULES[0]).join(format!("{}.psd1", MODULES[0])));
}

/// `--sign`, with a certificate that is made for it: every script, data file and assembly is signed, the module works
/// as before, and a change of one byte is seen.
fn check_signing(context: &mut Context, made: &Made) {
    let machine = context.machine;
    let name = "signed modules";
    for program in ["openssl", OSSLSIGNCODE] {
        if find_program(program).is_none() {
            context.tally.absent(name, &format!("there is no {program}"), 1);
            return;
        }
    }
    let outcome = step(name, || sign_and_verify(machine, &made.folder.join("work").join("module").join(MODULES[0])));
    let folder = match outcome {
        Ok(folder) => folder,
        Err(lines) => {
            context.tally.fail(format!("{name}: {}", lines.join(" ")));
            return;
        }
    };
    context.tally.pass();
    let Ok(pwsh) = context.powershell.find(machine).map(Path::to_owned) else { return };
    let manifest = folder.join(format!("{}.psd1", MODULES[0]));
    let mut import = machine.pwsh_with(&pwsh, &folder, &manifest);
    import.env("UMPIN_STORE", folder.join("um.db")).env("UMPIN_KEY_FILE", folder.join("umpin.key"));
    import.args(["-Command", SIGNED_AT_WORK]);
    context.check("the signed module is imported, and its library loaded", &mut import);
}

const SIGNED_AT_WORK: &str = "$ErrorActionPreference = 'Stop'; Import-Module $env:UMPIN_MODULE; \
                              if ((Import-UMRecipient -Path examples/recipients.csv).Added -ne 20) { throw 'import' }";

/// The folder of a signed copy of `module`.
fn sign_and_verify(machine: &Machine, module: &Path) -> Result<PathBuf, Failure> {
    let folder = machine.scratch.join("package-signed");
    let (key, authority) = (folder.join("key.pem"), folder.join("authority.pem"));
    let certificate = folder.join("certificate.p12");
    let password = folder.join("password");
    let copy = folder.join(MODULES[0]);
    let _ = fs::remove_dir_all(&folder);
    for file in files_below(module)? {
        let target = copy.join(&file);
        let copied =
            fs::create_dir_all(target.parent().unwrap_or(&copy)).and_then(|()| fs::copy(module.join(&file), &target));
        copied.map_err(|e| failure(format!("{}: {e}", target.display())))?;
    }
    fs::write(&password, "not a secret\n").map_err(|e| failure(format!("{}: {e}", password.display())))?;
    let mut request = machine.command("openssl");
    request.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=A test"]);
    request.args(["-addext", "extendedKeyUsage=codeSigning", "-addext", "keyUsage=digitalSignature"]);
    request.arg("-keyout").arg(&key).arg("-out").arg(&authority);
    let mut pack = machine.command("openssl");
    pack.args(["pkcs12", "-export"]).arg("-inkey").arg(&key).arg("-in").arg(&authority).arg("-out").arg(&certificate);
    pack.arg("-passout").arg(format!("file:{}", password.display()));
    if !(succeeds(&mut request) && succeeds(&mut pack)) {
        return Err(failure("openssl could not make a certificate."));
    }
    let certificate = Certificate { file: certificate.into(), password_file: Some(password.into()), time_stamps: None };
    let files = certificate.sign(machine, &copy)?;
    for part in ["UMMailboxPin.dll", "UMMailboxPin.psd1", "UMMailboxPin.format.ps1xml", "UMMailboxPin.types.ps1xml"] {
        if !files.iter().any(|file| file == Path::new(part)) {
            return Err(failure(format!("{part} is not among the signed: {files:?}")));
        }
    }
    for file in &files {
        let file = copy.join(file);
        let mut contents = fs::read(&file).map_err(|e| failure(format!("{}: {e}", file.display())))?;
        if !is_signed(machine, &authority, &file)? {
            return Err(failure(format!("{} is not signed", file.display())));
        }
        let changed = file.with_file_name(format!("changed-{}", file.file_name().unwrap_or_default().display()));
        // In the middle of a script's text or an assembly's code, before the signature at the end.
        let at = contents.len() / 8;
        contents[at] ^= 1;
        fs::write(&changed, contents).map_err(|e| failure(format!("{}: {e}", changed.display())))?;
        let believed = is_signed(machine, &authority, &changed)?;
        let _ = fs::remove_file(&changed);
        if believed {
            return Err(failure(format!("{} may be changed, and its signature counts still", file.display())));
        }
    }
    Ok(copy)
}

fn check_debian_package(context: &mut Context, made: &Made) {
    let machine = context.machine;
    let name = "tools/deb-test.sh";
    let Some(deb) = made.files.iter().find(|file| file.starts_with("umpin_") && file.ends_with("_amd64.deb")) else {
        context.tally.absent(name, "there is no package for amd64", 1);
        return;
    };
    let store = machine.scratch.join("package-store");
    let _ = fs::create_dir_all(&store);
    let mut seed = machine.command("cargo");
    seed.args(["run", "--quiet", "--example", "seed_store", "--"]).arg(&store).arg("1");
    let seeded = step("a store with one mailbox", || logged(machine, "package-store", &mut seed, None));
    if !seeded.well() {
        context.tally.fail(format!("{name}: no store to sign in at ({seeded})"));
        return;
    }
    let mut command = machine.command("bash");
    // What examples/seed_store.rs makes.
    command.arg(name).arg(made.folder.join(deb)).arg(&store).args(["5000000", "739182"]);
    let of_the_page = |file: &&String| file.starts_with("umpin-web_") && file.ends_with("_amd64.deb");
    match made.files.iter().find(of_the_page) {
        Some(page) => drop(command.arg(made.folder.join(page))),
        None => context.tally.absent("the Debian package of the page", "it was not made", 1),
    }
    let ended = step(name, || logged(machine, "deb-test", &mut command, Some(Duration::from_secs(1200))));
    let log = machine.read_log("deb-test");
    match log.lines().find_map(|line| line.strip_prefix("deb-test: ")) {
        Some(why) => context.tally.absent(name, why, 1),
        None => context.tally.add_c_program(name, &log, &ended),
    }
}

fn check_rpm(context: &mut Context, made: &Made) {
    let machine = context.machine;
    let name = "tools/rpm-test.sh";
    let find = |start: &str| made.files.iter().find(|file| file.starts_with(start) && file.ends_with(".x86_64.rpm"));
    let Some(rpm) = find(&format!("umpin-{}", made.version)) else {
        context.tally.absent(name, "there is no package for x86_64", 1);
        return;
    };
    let mut command = machine.command("bash");
    command.arg(name).arg(made.folder.join(rpm)).args(find("umpin-web-").map(|page| made.folder.join(page)));
    let ended = step(name, || logged(machine, "rpm-test", &mut command, Some(Duration::from_secs(1200))));
    let log = machine.read_log("rpm-test");
    match log.lines().find_map(|line| line.strip_prefix("rpm-test: ")) {
        Some(why) => context.tally.absent(name, why, 1),
        None => context.tally.add_c_program(name, &log, &ended),
    }
}

fn check_c_archive(context: &mut Context, made: &Made) {
    let machine = context.machine;
    let name = "tools/c-archive-test.sh";
    let wanted = format!("{}.tar.gz", machine.platform);
    let Some(archive) = made.files.iter().find(|file| file.ends_with(&wanted)) else {
        context.tally.absent(name, "there is no archive for this machine", 1);
        return;
    };
    let mut command = machine.command("bash");
    command.arg(name).arg(made.folder.join(archive)).arg("examples/recipients.csv");
    let ended = step(name, || logged(machine, "c-archive-test", &mut command, Some(Duration::from_secs(600))));
    context.tally.add_c_program(name, &machine.read_log("c-archive-test"), &ended);
}

/// A second time from the same commit: every file byte for byte.
fn check_that_it_is_made_the_same(context: &mut Context, first: &Made) {
    let sums = |made: &Made| fs::read_to_string(made.folder.join("SHA256SUMS")).unwrap_or_default();
    let before = sums(first);
    let name = "the packages are the same when they are made again";
    match package::make(context.machine, Signing::None, &mut Parts::lenient()) {
        Ok(second) if !before.is_empty() && sums(&second) == before => context.tally.pass(),
        Ok(second) => context.tally.fail(format!("{name}; first:\n{before}then:\n{}", sums(&second))),
        Err(lines) => context.tally.fail(format!("{name}: {}", lines.join(" "))),
    }
}

/// This machine's library, compiled anew from a copy of the sources in another folder: byte for byte.
fn check_that_it_is_compiled_the_same(context: &mut Context, first: &Made) {
    let machine = context.machine;
    let name = "the library is the same when it is compiled in another folder";
    let Some(native) = first.natives.iter().find(|native| native.platform.name == machine.platform) else { return };
    if native.program.is_none() {
        context.tally.absent(name, "the library was brought in", 1);
        return;
    }
    let Some(files) = output(machine.command("git").args(["ls-files"])) else {
        context.tally.absent(name, "this is no git checkout, or there is no git", 1);
        return;
    };
    let elsewhere = machine.scratch.join("another").join("checkout");
    let places = [".cargo/config.toml", "Cargo.lock"];
    let copied = files.lines().chain(places).filter(|file| machine.root.join(file).is_file()).try_for_each(|file| {
        let target = elsewhere.join(file);
        fs::create_dir_all(target.parent().unwrap_or(&elsewhere))?;
        fs::copy(machine.root.join(file), target).map(drop)
    });
    if let Err(e) = copied {
        context.tally.fail(format!("{name}: {}: {e}", elsewhere.display()));
        return;
    }
    let outcome = package::compile_library(machine, &elsewhere, native.platform)
        .and_then(|again| same_bytes(&native.library, &again));
    match outcome {
        Ok(true) => context.tally.pass(),
        Ok(false) => context.tally.fail(format!("{name}: they differ")),
        Err(lines) => context.tally.fail(format!("{name}: {}", lines.join(" "))),
    }
}

fn same_bytes(one: &Path, other: &Path) -> Result<bool, Failure> {
    let read = |file: &Path| fs::read(file).map_err(|e| failure(format!("{}: {e}", file.display())));
    Ok(read(one)? == read(other)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_from_the_header_and_from_the_library() {
        let header = "/* umpin_none(x) */\n * umpin_none(x)\nUMPIN_API int32_t umpin_open(UmpinStr options,\n\
                      uint32_t umpin_abi_version(void);\n#define X(a) a\n";
        assert_eq!(functions_of_the_header(header), ["umpin_abi_version", "umpin_open"]);
        let table = "x.so: file format elf64\n0000 g    DF .text\t0042  Base        umpin_open\n\
                     0000      DF *UND*\t0000 (GLIBC_2.34) dlsym\n\
                     0001 g    DF .text\t0042  Base        umpin_abi_version\n";
        assert_eq!(exported_functions(table), ["umpin_abi_version", "umpin_open"]);
        let table = "The Export Tables\nExport Address Table -- Ordinal Base 1\n\
                     \t[   0] +base[   1] 1234 Export RVA\n\n\
                     [Ordinal/Name Pointer] Table\n\t[   0] +base[   1]  0000 umpin_abi_version\n\
                     \t[   1] +base[   2]  0001 umpin_open\n\nThe Function Table\n\t[   9] other\n";
        assert_eq!(exported_functions(table), ["umpin_abi_version", "umpin_open"]);
    }
}
