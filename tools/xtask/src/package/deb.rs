//! The Debian package for PBX hosts.

use std::fs;

use super::native::Native;
use super::{Packaging, host};
use crate::Failure;
use crate::machine::find_program;
use crate::module::files_below;

/// `Err(why)` inside: it cannot be made here.
pub fn make(packaging: &Packaging, native: &Native) -> Result<Result<(), String>, Failure> {
    let platform = native.platform;
    if platform.debian.is_empty() {
        return Ok(Ok(()));
    }
    let Some(program) = &native.program else {
        return Ok(Err("the library was brought in without its command".to_owned()));
    };
    if find_program("dpkg-deb").is_none() {
        return Ok(Err("there is no dpkg-deb here".to_owned()));
    }
    let name = format!("umpin_{}_{}", packaging.version, platform.debian);
    let root = packaging.work.join(&name);
    host::lay_out(packaging, program, &root)?;
    let size =
        files_below(&root)?.iter().map(|file| fs::symlink_metadata(root.join(file)).map_or(0, |m| m.len())).sum();
    let control = control(&packaging.version, platform.debian, native.glibc.as_deref(), size);
    packaging.write(&root.join("DEBIAN/control"), control)?;
    for script in ["postinst", "prerm", "postrm"] {
        let text = packaging.read(&format!("contrib/debian/{script}"))?;
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

fn control(version: &str, architecture: &str, glibc: Option<&str>, bytes: u64) -> String {
    let libc = glibc.map_or_else(|| "libc6".to_owned(), |version| format!("libc6 (>= {version})"));
    format!(
        "\
Package: umpin
Version: {version}
Architecture: {architecture}
Maintainer: The UMMailboxPin maintainers
Installed-Size: {}
Depends: {libc}, libgcc-s1, passwd
Suggests: asterisk | freeswitch, default-mta | mail-transport-agent
Section: comm
Priority: optional
Description: voice-mail PINs for any PBX
 Asks the store of UMMailboxPin, which Exchange's Unified Messaging cmdlets
 administer, whether a caller's voice-mail PIN is right: for Asterisk as an
 AGI program, for FreeSWITCH and scripts as a command. It also delivers the
 notices that carry new PINs, by any mail program.
",
        bytes.div_ceil(1024)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_asks_for_the_c_library_that_the_program_needs() {
        let text = control("0.1.0", "arm64", Some("2.34"), 2049);
        assert!(text.contains("\nDepends: libc6 (>= 2.34), libgcc-s1, passwd\n"), "{text}");
        assert!(text.contains("\nInstalled-Size: 3\n"), "{text}");
    }
}
