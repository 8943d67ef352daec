//! The Debian packages.

use std::fs;

use super::Packaging;
use super::host::{self, HostPackage};
use crate::Failure;
use crate::machine::find_program;
use crate::module::files_below;

/// `Err(why)` inside: it cannot be made here.
pub fn make(packaging: &Packaging, package: &HostPackage) -> Result<Result<(), String>, Failure> {
    if find_program("dpkg-deb").is_none() {
        return Ok(Err("there is no dpkg-deb here".to_owned()));
    }
    let name = format!("{}_{}_{}", package.name, packaging.version, package.platform.debian);
    let root = packaging.work.join(&name);
    package.lay_out(packaging, &root)?;
    let size: u64 =
        files_below(&root)?.iter().map(|file| fs::symlink_metadata(root.join(file)).map_or(0, |m| m.len())).sum();
    let templates = format!("contrib/debian/{}", package.name);
    let control = package
        .fill_in(packaging, &format!("{templates}/control"))?
        .replace("@ARCHITECTURE@", package.platform.debian)
        .replace("@KILOBYTES@", &size.div_ceil(1024).to_string());
    packaging.write(&root.join("DEBIAN/control"), control)?;
    for script in ["postinst", "prerm", "postrm"] {
        let text = packaging.read(&format!("{templates}/{script}"))?;
        packaging.write(&root.join("DEBIAN").join(script), text)?;
    }
    host::set_modes(&root)?;
    let mut dpkg = packaging.machine.command("dpkg-deb");
    dpkg.env("SOURCE_DATE_EPOCH", packaging.time.to_string());
    // One thread: xz would cut the blocks by the number of processors.
    dpkg.args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"]).arg(&root);
    dpkg.arg(packaging.out.join(format!("{name}.deb")));
    packaging.must(&format!("{name}.deb"), "dpkg-deb", &mut dpkg)?;
    Ok(Ok(()))
}
