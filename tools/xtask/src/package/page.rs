//! The page's program, for this machine's platform. For another, its crates would have to be merged with those of
//! Rust's library once more, and compiled: as many again as all the others together.

use std::path::Path;

use super::Packaging;
use super::host::HostPackage;
use super::native::{PLATFORMS, UNNEEDED, glibc_of, remapping, strip};
use crate::crates;
use crate::{Failure, failure};

/// `Err(why)` inside: it cannot be had here.
pub fn build(packaging: &Packaging) -> Result<Result<HostPackage, String>, Failure> {
    let machine = packaging.machine;
    let platform = PLATFORMS.iter().find(|platform| platform.name == machine.platform && !platform.debian.is_empty());
    let Some(platform) = platform else {
        return Ok(Err(format!("they are made on Linux, and this is {}", machine.platform)));
    };
    if let Err(lines) = crates::set_up_page(machine) {
        return Ok(Err(lines.join(" ")));
    }
    let folder = packaging.out.join("build").join("page");
    let mut cargo = machine.command("cargo");
    cargo.args(["build", "--release", "--target", platform.triple]).current_dir(machine.root.join("web"));
    cargo.env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", remapping(machine, &machine.root));
    packaging.must("cargo build (umpin-web; the first time takes some minutes)", "package-page", &mut cargo)?;
    let program = packaging.work.join("page").join("umpin-web");
    packaging.copy(&folder.join(platform.triple).join("release/umpin-web"), &program)?;
    strip(packaging, Path::new("strip"), UNNEEDED, &program);
    let glibc = glibc_of(&program)?;
    if glibc.is_none() {
        return Err(failure(format!("{} names no C library; it is not what was built.", program.display())));
    }
    Ok(Ok(HostPackage { name: "umpin-web", platform, program, glibc }))
}
