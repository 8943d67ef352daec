//! The verb `package`: what people install, in `target/package`.
//!
//! Two builds of one commit are equal byte for byte: every time is the commit's, every list is sorted, no path of this
//! machine is in a file.

mod archive;
mod bill;
mod deb;
mod host;
pub mod native;
mod nupkg;
mod page;
mod rpm;
pub mod sign;
mod zip;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::console::{Parts, heading, say, step};
use crate::machine::{Machine, find_program};
use crate::module::{self, Built};
use crate::process::{logged, output};
use crate::{Failure, failure};
use host::HostPackage;
use native::{Native, PLATFORMS, Platform};

/// What every package is made with.
pub struct Packaging<'a> {
    pub machine: &'a Machine,
    pub version: String,
    /// Seconds since 1970, of the commit.
    pub time: u64,
    /// What is compiled.
    source: PathBuf,
    /// `target/package`.
    pub out: PathBuf,
    /// Emptied at the beginning.
    pub work: PathBuf,
    pub signing: Signing,
}

/// What the modules are signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// The certificate that UMPIN_SIGN_CERTIFICATE names.
    Certificate,
    None,
}

/// What was made.
pub struct Made {
    pub folder: PathBuf,
    pub version: String,
    pub files: Vec<String>,
    pub natives: Vec<Native>,
}

/// The verb.
pub fn run(machine: &Machine, strict: bool, sign: bool) -> Result<bool, Failure> {
    let mut parts = Parts::new(strict);
    let signing = if sign { Signing::Certificate } else { Signing::None };
    let made = make(machine, signing, &mut parts)?;
    heading("target/package");
    for file in made.files {
        say(&file);
    }
    parts.finish()
}

/// Makes every package that can be made here.
pub fn make(machine: &Machine, signing: Signing, parts: &mut Parts) -> Result<Made, Failure> {
    let packaging = Packaging::new(machine, signing)?;
    packaging.clear()?;
    let mut natives = Vec::new();
    for platform in PLATFORMS {
        heading(&format!("The library for {}", platform.name));
        match native::build(&packaging, platform)? {
            Ok(native) => {
                say(&format!("{}: {}", platform.name, native.describe()));
                if let Some(why) = native.without_postgresql {
                    parts.skip(&format!("PostgreSQL in the library for {}", platform.name), why);
                }
                natives.push(native);
            }
            Err(why) => parts.skip(&format!("the library for {}", platform.name), &why),
        }
    }
    heading("The modules for the PowerShell Gallery");
    let own = natives.iter().find(|native| native.platform.name == machine.platform);
    let built = match own {
        Some(native) => module::build(machine, &native.library)?,
        None => Built::Absent(format!("there is no library for {}", machine.platform)),
    };
    match built {
        Built::Yes => nupkg::make(&packaging, &natives, parts)?,
        Built::Absent(why) => parts.skip("the modules for the PowerShell Gallery", &why),
    }
    heading("Packages and archives");
    for native in &natives {
        if let Err(why) = archive::make(&packaging, native)? {
            parts.skip(&format!("the C archive for {}", native.platform.name), &why);
        }
    }
    for package in host_packages(&packaging, &natives, parts)? {
        let what = format!("{} for {}", package.name, package.platform.name);
        if let Err(why) = deb::make(&packaging, &package)? {
            parts.skip(&format!("the Debian package {what}"), &why);
        }
        if let Err(why) = rpm::make(&packaging, &package)? {
            parts.skip(&format!("the rpm {what}"), &why);
        }
    }
    if let Err(why) = archive::make_source(&packaging)? {
        parts.skip("the source archive", &why);
    }
    bill::make(&packaging, "umpin", "")?;
    let files = packaging.write_checksums(parts)?;
    Ok(Made { folder: packaging.out.clone(), version: packaging.version.clone(), files, natives })
}

/// What a host with the store installs, for every platform that has such packages.
fn host_packages(packaging: &Packaging, natives: &[Native], parts: &mut Parts) -> Result<Vec<HostPackage>, Failure> {
    let mut packages = Vec::new();
    for native in natives.iter().filter(|native| !native.platform.debian.is_empty()) {
        let (platform, glibc) = (native.platform, native.glibc.clone());
        match &native.program {
            Some(program) => packages.push(HostPackage { name: "umpin", platform, program: program.clone(), glibc }),
            None => parts.skip(
                &format!("the packages umpin for {}", platform.name),
                "the library was brought in without its command",
            ),
        }
    }
    match page::build(packaging)? {
        Ok(package) => {
            bill::make(packaging, package.name, "web")?;
            packages.push(package);
        }
        Err(why) => parts.skip("the packages umpin-web", &why),
    }
    Ok(packages)
}

/// Packages that were made elsewhere, in a folder.
pub fn given(machine: &Machine, folder: &Path) -> Result<Made, Failure> {
    let entries = fs::read_dir(folder).map_err(|e| failure(format!("{}: {e}", folder.display())))?;
    let files = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    Ok(Made { folder: folder.to_owned(), version: module::crate_version(machine)?, files, natives: Vec::new() })
}

/// This machine's library alone, from a checkout elsewhere.
pub fn compile_library(machine: &Machine, source: &Path, platform: &Platform) -> Result<PathBuf, Failure> {
    let packaging =
        Packaging { source: source.to_owned(), out: source.join("target"), ..Packaging::new(machine, Signing::None)? };
    native::compile_library(&packaging, platform)
}

impl<'a> Packaging<'a> {
    fn new(machine: &'a Machine, signing: Signing) -> Result<Self, Failure> {
        let out = machine.root.join("target").join("package");
        Ok(Self {
            machine,
            version: module::crate_version(machine)?,
            time: time_of_the_commit(machine),
            source: machine.root.clone(),
            work: out.join("work"),
            out,
            signing,
        })
    }

    /// What an earlier run made goes; what cargo compiled stays.
    fn clear(&self) -> Result<(), Failure> {
        let fault = |e| failure(format!("{}: {e}", self.out.display()));
        let _ = fs::remove_dir_all(&self.work);
        fs::create_dir_all(&self.work).map_err(fault)?;
        for entry in fs::read_dir(&self.out).map_err(fault)?.flatten() {
            if entry.path().is_file() {
                fs::remove_file(entry.path()).map_err(fault)?;
            }
        }
        Ok(())
    }

    /// A file of the package, in a folder that is made for it.
    fn write(&self, file: &Path, contents: impl AsRef<[u8]>) -> Result<(), Failure> {
        let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, contents));
        made.map_err(|e| failure(format!("{}: {e}", file.display())))
    }

    /// With its mode: a program stays one.
    fn copy(&self, source: &Path, target: &Path) -> Result<(), Failure> {
        let made = target.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(source, target));
        made.map(drop).map_err(|e| failure(format!("{} to {}: {e}", source.display(), target.display())))
    }

    fn read(&self, relative: &str) -> Result<String, Failure> {
        let file = self.machine.root.join(relative);
        fs::read_to_string(&file).map_err(|e| failure(format!("{}: {e}", file.display())))
    }

    /// A step that has to succeed.
    fn must(&self, what: &str, log: &str, command: &mut Command) -> Result<(), Failure> {
        let ended = step(what, || logged(self.machine, log, command, None));
        if ended.well() { Ok(()) } else { Err(failure(format!("{what} failed ({ended}; see above)."))) }
    }

    /// `<name>.tar.gz` of a folder in `work`, which is the archive's only top.
    fn tar(&self, folder: &str, name: &str) -> Result<(), Failure> {
        let tar = self.work.join(format!("{name}.tar"));
        let mut command = self.machine.command("tar");
        command.args([
            "--format=ustar",
            "--sort=name",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--mode=u+rwX,go=rX",
        ]);
        command.arg(format!("--mtime=@{}", self.time)).arg("-cf").arg(&tar).arg("-C").arg(&self.work).arg(folder);
        self.must(&format!("{name}.tar.gz"), "tar", &mut command)?;
        self.gzip(&tar, &self.out.join(format!("{name}.tar.gz")))
    }

    /// Without a name or a time in it.
    fn gzip(&self, source: &Path, target: &Path) -> Result<(), Failure> {
        let compressed = zip::gzip(self.machine, source)?;
        self.write(target, compressed)
    }

    /// The names of all files, which stand in `SHA256SUMS`.
    fn write_checksums(&self, parts: &mut Parts) -> Result<Vec<String>, Failure> {
        let entries = fs::read_dir(&self.out).map_err(|e| failure(format!("{}: {e}", self.out.display())))?;
        let mut files: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let (program, first) =
            if find_program("sha256sum").is_some() { ("sha256sum", None) } else { ("shasum", Some("-a256")) };
        match output(self.machine.command(program).args(first).args(&files).current_dir(&self.out)) {
            Some(sums) => {
                self.write(&self.out.join("SHA256SUMS"), sums)?;
                files.push("SHA256SUMS".to_owned());
            }
            None => parts.skip("SHA256SUMS", "neither sha256sum nor shasum works here"),
        }
        Ok(files)
    }
}

/// `SOURCE_DATE_EPOCH`, else the commit's; a checkout without git has a fixed one.
fn time_of_the_commit(machine: &Machine) -> u64 {
    let named = env::var("SOURCE_DATE_EPOCH").ok();
    let committed = || output(machine.command("git").args(["log", "-1", "--format=%ct"]));
    named.or_else(committed).and_then(|text| text.trim().parse().ok()).unwrap_or(1_767_225_600)
}

/// The section of CHANGELOG.md about a version, else what is not released yet.
fn release_notes(changes: &str, version: &str) -> String {
    let section = |title: &str| {
        let mut lines = changes.lines().skip_while(|line| !line.starts_with(&format!("## {title}")));
        lines.next()?;
        Some(lines.take_while(|line| !line.starts_with("## ")).collect::<Vec<_>>().join("\n").trim().to_owned())
    };
    section(version).or_else(|| section("Unreleased")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_notes_are_the_versions_section() {
        let changes = "# Changes\n\n## Unreleased\n\n- new\n\n## 0.1.0\n\n- first\n";
        assert_eq!(release_notes(changes, "0.1.0"), "- first");
        assert_eq!(release_notes(changes, "0.2.0"), "- new");
        assert_eq!(release_notes("", "0.2.0"), "");
    }
}
