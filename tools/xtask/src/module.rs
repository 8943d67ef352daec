//! The release library, the compiled cmdlets, and `target/module` made of them.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::console::{Parts, say, step};
use crate::machine::{LIBRARY_IN_MODULE, Machine, find_program};
use crate::process::{logged, output, shown};
use crate::{Failure, failure};

/// The second depends on the first.
pub const MODULES: [&str; 2] = ["UMMailboxPin", "UMMailboxPin.ExchangeCompat"];

/// What came of building the module.
pub enum Built {
    Yes,
    /// It cannot be built here, and why.
    Absent(String),
}

/// The verb `module`.
pub fn run(machine: &Machine, strict: bool) -> Result<bool, Failure> {
    let mut parts = Parts::new(strict);
    build_or_skip(machine, &mut parts)?;
    parts.finish()
}

/// Builds the module; where it cannot be built here, that is a skipped part.
pub fn build_or_skip(machine: &Machine, parts: &mut Parts) -> Result<Built, Failure> {
    build_library(machine)?;
    let built = build(machine, &machine.library())?;
    if let Built::Absent(why) = &built {
        parts.skip("the PowerShell module", why);
    }
    Ok(built)
}

pub fn build_library(machine: &Machine) -> Result<(), Failure> {
    let ended = step("cargo build --release (the first time takes some minutes)", || {
        shown(machine.command("cargo").args(["build", "--release"]))
    });
    if !ended.well() {
        return Err(failure(format!("the Rust library was not built (cargo: {ended}; see above).")));
    }
    let library = machine.library();
    if !library.is_file() {
        return Err(vec![
            format!("cargo left no {}.", library.display()),
            "Cargo.toml needs a [lib] named umpin with crate-type \"cdylib\".".to_owned(),
        ]);
    }
    Ok(())
}

/// `target/module`, with a library that is there.
pub fn build(machine: &Machine, library: &Path) -> Result<Built, Failure> {
    let project = machine.root.join("powershell/UMMailboxPin/UMMailboxPin.csproj");
    if !project.is_file() {
        return Ok(Built::Absent("powershell/UMMailboxPin/UMMailboxPin.csproj is not there".to_owned()));
    }
    if find_program("dotnet").is_none() {
        return Ok(Built::Absent("the .NET SDK (dotnet) is missing; version 8 or later builds the cmdlets".to_owned()));
    }
    let version = crate_version(machine)?;
    for name in MODULES {
        if machine.root.join("powershell").join(name).is_dir() {
            assemble(machine, name, &version, library)?;
        }
    }
    say(&format!("module: target/module/UMMailboxPin ({version}, {})", machine.platform));
    Ok(Built::Yes)
}

pub fn crate_version(machine: &Machine) -> Result<String, Failure> {
    let text = read(&machine.root.join("Cargo.toml"))?;
    let version = text.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.map(str::to_owned).ok_or_else(|| failure("Cargo.toml names no version."))
}

/// The version that a PowerShell manifest names.
fn manifest_version(text: &str) -> Option<&str> {
    let line = text.lines().map(|line| line.trim_start_matches(['@', '{', ' ', '\t']));
    let value = line.filter_map(|l| l.strip_prefix("ModuleVersion")).find_map(|l| l.trim_start().strip_prefix('='))?;
    value.trim().trim_matches(['\'', '"']).split(['\'', '"']).next()
}

/// `target/module/<name>` from `powershell/<name>`, its compiled part and, for the first module, the library.
fn assemble(machine: &Machine, name: &str, version: &str, library: &Path) -> Result<(), Failure> {
    let source = machine.root.join("powershell").join(name);
    let manifest = read(&source.join(format!("{name}.psd1")))?;
    let named = manifest_version(&manifest).unwrap_or_default();
    if named != version.split(['-', '+']).next().unwrap_or_default() {
        return Err(vec![
            format!("powershell/{name}/{name}.psd1 has version '{named}', Cargo.toml {version}."),
            "One release has one version: change them together.".to_owned(),
        ]);
    }
    let mut placing = Placing { target: machine.module_folder().join(name), placed: HashSet::new() };
    if source.join(format!("{name}.csproj")).is_file() {
        for file in compile(machine, name, version)? {
            placing.place(&file, Path::new(file.file_name().unwrap_or_default()))?;
        }
    }
    for relative in sources_below(&source)? {
        if belongs_into_the_module(&relative) {
            placing.place(&source.join(&relative), &relative)?;
        }
    }
    for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
        placing.place(&machine.root.join(license), Path::new(license))?;
    }
    if name == MODULES[0] {
        placing.place(library, &Path::new(&machine.platform).join(LIBRARY_IN_MODULE))?;
    }
    placing.remove_what_a_former_build_left()
}

struct Placing {
    target: PathBuf,
    placed: HashSet<PathBuf>,
}

impl Placing {
    /// A changed file is replaced by rename, so that a process that has the old one loaded keeps it.
    fn place(&mut self, source: &Path, relative: &Path) -> Result<(), Failure> {
        let target = self.target.join(relative);
        self.placed.insert(relative.to_owned());
        let new = fs::read(source).map_err(|e| failure(format!("{}: {e}", source.display())))?;
        if fs::read(&target).is_ok_and(|old| old == new) {
            return Ok(());
        }
        let mut beside = target.clone().into_os_string();
        beside.push(format!(".{}", std::process::id()));
        let replaced = fs::create_dir_all(target.parent().unwrap_or(&self.target))
            .and_then(|()| fs::copy(source, &beside))
            .and_then(|_| fs::rename(&beside, &target));
        replaced.map_err(|e| {
            let _ = fs::remove_file(&beside);
            let mut lines = vec![format!("{} could not be replaced: {e}", target.display())];
            if cfg!(windows) {
                lines.push("Close the PowerShell sessions that have the module loaded, and run again.".to_owned());
            }
            lines
        })
    }

    /// Libraries for other systems are put there by hand: they stay.
    fn remove_what_a_former_build_left(&self) -> Result<(), Failure> {
        for relative in files_below(&self.target)? {
            let top = relative.iter().next().unwrap_or_default().to_string_lossy();
            let is_library =
                relative.iter().count() > 1 && ["linux-", "osx-", "win-"].iter().any(|p| top.starts_with(p));
            if !is_library && !self.placed.contains(&relative) {
                let file = self.target.join(relative);
                fs::remove_file(&file).map_err(|e| failure(format!("{} is left over: {e}", file.display())))?;
            }
        }
        Ok(())
    }
}

/// Scripts, manifests, formats, roles, and what stands in a folder named for a culture (`en-US`, `fr`).
fn belongs_into_the_module(relative: &Path) -> bool {
    let extension = relative.extension().unwrap_or_default();
    let in_a_culture = relative.parent().is_some_and(|folders| {
        folders.iter().any(|folder| match folder.as_encoded_bytes() {
            [a, b] => [a, b].iter().all(|l| l.is_ascii_lowercase()),
            [a, b, b'-', c, d] => {
                [a, b].iter().all(|l| l.is_ascii_lowercase()) && [c, d].iter().all(|u| u.is_ascii_uppercase())
            }
            _ => false,
        })
    });
    in_a_culture || ["psd1", "psm1", "ps1", "ps1xml", "psrc", "pssc"].iter().any(|known| extension == *known)
}

/// Compiles `powershell/<name>/<name>.csproj` into `target/dotnet/out/<name>` unless nothing changed since. The
/// assemblies that go into the module.
fn compile(machine: &Machine, name: &str, version: &str) -> Result<Vec<PathBuf>, Failure> {
    let dotnet = machine.root.join("target").join("dotnet");
    let (out, stamp) = (dotnet.join("out").join(name), dotnet.join(format!("{name}.stamp")));
    let now = state_of_the_source(machine, version)?;
    let main = format!("{name}.dll");
    if !out.join(&main).is_file() || fs::read_to_string(&stamp).ok().as_ref() != Some(&now) {
        let _ = fs::remove_file(&stamp);
        let _ = fs::remove_dir_all(&out);
        let mut command = machine.command("dotnet");
        command.args(["build", &format!("powershell/{name}/{name}.csproj"), "--configuration", "Release", "--output"]);
        command.arg(&out).args(["-nologo", "-verbosity:minimal", &format!("-p:Version={version}")]);
        // So that the assembly is the same wherever the checkout lies.
        command.arg(format!("-p:PathMap={}=/umpin", machine.root.display()));
        let ended =
            step(&format!("dotnet build {name}"), || logged(machine, &format!("dotnet-{name}"), &mut command, None));
        if !ended.well() {
            return Err(vec![
                format!("dotnet could not build powershell/{name} ({ended}; see above)."),
                "If a package was not found: check the NuGet sources (dotnet nuget list source).".to_owned(),
            ]);
        }
        fs::write(&stamp, &now).map_err(|e| failure(format!("{}: {e}", stamp.display())))?;
    }
    let entries = fs::read_dir(&out).map_err(|e| failure(format!("{}: {e}", out.display())))?;
    let mut assemblies: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|file| file.ends_with(".dll") && file != "System.Management.Automation.dll")
        // The second module does not carry the first one's.
        .filter(|file| !file.starts_with(MODULES[0]) || *file == main)
        .collect();
    assemblies.sort();
    Ok(assemblies.into_iter().map(|file| out.join(file)).collect())
}

/// Changes with the compiler, the version, the checkout's place, and every source file's name and contents.
fn state_of_the_source(machine: &Machine, version: &str) -> Result<String, Failure> {
    let mut state = DefaultHasher::new();
    output(machine.command("dotnet").arg("--version")).unwrap_or_default().hash(&mut state);
    version.hash(&mut state);
    // The compiler gets it as PathMap.
    machine.root.hash(&mut state);
    let folder = machine.root.join("powershell");
    for relative in sources_below(&folder)? {
        let extension = relative.extension().unwrap_or_default();
        if ["cs", "csproj", "props", "targets", "resx", "editorconfig"].iter().any(|known| extension == *known) {
            let file = folder.join(&relative);
            relative.hash(&mut state);
            fs::read(&file).map_err(|e| failure(format!("{}: {e}", file.display())))?.hash(&mut state);
        }
    }
    Ok(format!("{:016x}\n", state.finish()))
}

/// As [`files_below`], without what compilers leave in `obj` and `bin`.
pub fn sources_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = files_below(folder)?;
    files.retain(|file| !file.iter().any(|part| part == "obj" || part == "bin"));
    Ok(files)
}

/// Every file below a folder; sorted, relative to the folder.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let here = folder.join(&relative);
        let fault = |e| failure(format!("{}: {e}", here.display()));
        for entry in fs::read_dir(&here).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = relative.join(entry.file_name());
            let is_folder = entry.file_type().map_err(fault)?.is_dir();
            if is_folder { open.push(name) } else { found.push(name) }
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|e| failure(format!("{}: {e}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifests_version_is_found_however_it_is_written() {
        for text in
            ["@{\n    ModuleVersion     = '0.1.0'\n}", "@{ ModuleVersion=\"0.1.0\"", "ModuleVersion = '0.1.0' # x"]
        {
            assert_eq!(manifest_version(text), Some("0.1.0"), "{text}");
        }
        assert_eq!(manifest_version("@{ RootModule = 'x' }"), None);
    }

    #[test]
    fn source_and_projects_stay_out_of_the_module() {
        for (file, inside) in [
            ("UMMailboxPin.psd1", true),
            ("en-US/about_UMMailboxPin.help.txt", true),
            ("fr-FR/x.xml", true),
            ("fr/x.xml", true),
            ("RoleCapabilities/UMHelpDesk.psrc", true),
            ("Session.cs", false),
            ("Commands/Get.cs", false),
            ("UMMailboxPin.csproj", false),
        ] {
            assert_eq!(belongs_into_the_module(Path::new(file)), inside, "{file}");
        }
    }

    #[test]
    fn what_compilers_leave_is_no_source() -> Result<(), Failure> {
        let folder = std::env::temp_dir().join(format!("xtask-files-{}", std::process::id()));
        let made =
            fs::create_dir_all(folder.join("usr/bin")).and_then(|()| fs::write(folder.join("usr/bin/umpin"), ""));
        assert!(made.is_ok());
        assert_eq!(files_below(&folder)?, [PathBuf::from("usr/bin/umpin")]);
        assert!(sources_below(&folder)?.is_empty());
        let _ = fs::remove_dir_all(folder);
        Ok(())
    }

    #[test]
    fn a_changed_file_is_replaced_and_libraries_of_other_systems_stay() -> Result<(), Failure> {
        let folder = std::env::temp_dir().join(format!("xtask-placing-{}", std::process::id()));
        let made = fs::create_dir_all(folder.join("module/win-x64"))
            .and_then(|()| fs::write(folder.join("module/win-x64/umpin.dll"), "theirs"))
            .and_then(|()| fs::write(folder.join("module/old.ps1"), "old"))
            .and_then(|()| fs::write(folder.join("module/a.ps1"), "before"))
            .and_then(|()| fs::write(folder.join("source"), "after"));
        assert!(made.is_ok());
        let mut placing = Placing { target: folder.join("module"), placed: HashSet::new() };
        placing.place(&folder.join("source"), Path::new("a.ps1"))?;
        placing.remove_what_a_former_build_left()?;
        let left: Vec<_> = files_below(&folder.join("module"))?;
        assert_eq!(left, [PathBuf::from("a.ps1"), Path::new("win-x64").join("umpin.dll")]);
        assert_eq!(read(&folder.join("module/a.ps1"))?, "after");
        let _ = fs::remove_dir_all(folder);
        Ok(())
    }
}
