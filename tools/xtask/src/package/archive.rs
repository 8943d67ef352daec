//! The archives: the source, and for C the header with the libraries.

use super::Packaging;
use super::native::Native;
use crate::Failure;
use crate::machine::find_program;
use crate::process::succeeds;

/// `umpin-<version>-<platform>.tar.gz` for those who build against the library from C, on Linux; `Err(why)` inside: not
/// here.
pub fn make(packaging: &Packaging, native: &Native) -> Result<Result<(), String>, Failure> {
    let platform = native.platform;
    if !platform.name.starts_with("linux-") {
        return Ok(Ok(()));
    }
    if native.program.is_none() {
        return Ok(Err("the library was brought in without what C needs".to_owned()));
    }
    let name = format!("umpin-{}-{}", packaging.version, platform.name);
    let folder = packaging.work.join(&name);
    let source = &packaging.machine.root;
    for file in ["include/umpin.h", "examples/quickstart.c", "examples/pbx_module.c", "LICENSE-MIT", "LICENSE-APACHE"] {
        packaging.copy(&source.join(file), &folder.join(file))?;
    }
    packaging.copy(&native.library, &folder.join("lib/libumpin.so"))?;
    if let Some(library) = &native.static_library {
        packaging.copy(library, &folder.join("lib/libumpin.a"))?;
    }
    for (from, to) in [
        ("contrib/c/umpin.pc", "lib/pkgconfig/umpin.pc"),
        ("contrib/c/umpin-config.cmake", "lib/cmake/umpin/umpin-config.cmake"),
        ("contrib/c/umpin-config-version.cmake", "lib/cmake/umpin/umpin-config-version.cmake"),
    ] {
        let text = packaging.read(from)?.replace("@VERSION@", &packaging.version);
        packaging.write(&folder.join(to), text)?;
    }
    packaging.tar(&name, &name)?;
    Ok(Ok(()))
}

/// `umpin-<version>-source.tar.gz`: the commit.
pub fn make_source(packaging: &Packaging) -> Result<Result<(), String>, Failure> {
    let machine = packaging.machine;
    if find_program("git").is_none() || !succeeds(machine.command("git").args(["rev-parse", "HEAD"])) {
        return Ok(Err("this is no git checkout, or there is no git".to_owned()));
    }
    let name = format!("umpin-{}-source", packaging.version);
    let tar = packaging.work.join(format!("{name}.tar"));
    let mut git = machine.command("git");
    git.args(["archive", "--format=tar", &format!("--prefix={name}/"), "--output"]).arg(&tar).arg("HEAD");
    packaging.must(&format!("{name}.tar.gz"), "source", &mut git)?;
    packaging.gzip(&tar, &packaging.out.join(format!("{name}.tar.gz")))?;
    Ok(Ok(()))
}
