//! The Debian package for PBX hosts.

use std::fs;
use std::path::Path;

use super::Packaging;
use super::native::Native;
use crate::machine::find_program;
use crate::module::files_below;
use crate::{Failure, failure};

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
    lay_out(packaging, program, &root)?;
    let size =
        files_below(&root)?.iter().map(|file| fs::symlink_metadata(root.join(file)).map_or(0, |m| m.len())).sum();
    let control = control(&packaging.version, platform.debian, native.glibc.as_deref(), size);
    packaging.write(&root.join("DEBIAN/control"), control)?;
    for script in ["postinst", "prerm", "postrm"] {
        let text = packaging.read(&format!("contrib/debian/{script}"))?;
        packaging.write(&root.join("DEBIAN").join(script), text)?;
    }
    set_modes(&root)?;
    let mut dpkg = packaging.machine.command("dpkg-deb");
    dpkg.env("SOURCE_DATE_EPOCH", packaging.time.to_string());
    // One thread: xz would cut the blocks by the number of processors.
    dpkg.args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"]).arg(&root);
    dpkg.arg(packaging.out.join(format!("{name}.deb")));
    packaging.must(&format!("{name}.deb"), "dpkg-deb", &mut dpkg)?;
    Ok(Ok(()))
}

/// Everything but DEBIAN/.
fn lay_out(packaging: &Packaging, program: &Path, root: &Path) -> Result<(), Failure> {
    let source = &packaging.machine.root;
    packaging.copy(program, &root.join("usr/bin/umpin"))?;
    let doc = root.join("usr/share/doc/umpin");
    for (from, to) in [
        ("contrib/systemd/umpin-deliver.timer", "usr/lib/systemd/system/umpin-deliver.timer"),
        ("contrib/systemd/ummailboxpin.conf", "usr/lib/sysusers.d/ummailboxpin.conf"),
        ("contrib/completion/umpin.bash", "usr/share/bash-completion/completions/umpin"),
        ("contrib/systemd/umpin-deliver-strict.conf", "usr/share/doc/umpin/examples/umpin-deliver-strict.conf"),
        ("contrib/debian/copyright", "usr/share/doc/umpin/copyright"),
        ("docs/pbx.md", "usr/share/doc/umpin/pbx.md"),
    ] {
        packaging.copy(&source.join(from), &root.join(to))?;
    }
    for folder in ["asterisk", "freeswitch"] {
        for file in files_below(&source.join("examples").join(folder))? {
            let target = doc.join("examples").join(folder).join(&file);
            packaging.copy(&source.join("examples").join(folder).join(&file), &target)?;
        }
    }
    let service = packaging.read("contrib/systemd/umpin-deliver.service")?;
    // How to install it by hand is nothing for a package.
    let service = service.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n") + "\n";
    packaging.write(
        &root.join("usr/lib/systemd/system/umpin-deliver.service"),
        service.replace("/usr/local/bin/umpin", "/usr/bin/umpin"),
    )?;
    let page = packaging.work.join("umpin.1");
    packaging.write(&page, packaging.read("contrib/umpin.1")?.replace("@VERSION@", &packaging.version))?;
    fs::create_dir_all(root.join("usr/share/man/man1")).map_err(|e| failure(format!("{}: {e}", root.display())))?;
    packaging.gzip(&page, &root.join("usr/share/man/man1/umpin.1.gz"))?;
    packaging.gzip(&source.join("CHANGELOG.md"), &doc.join("changelog.gz"))?;
    link("/usr/bin/umpin", &root.join("usr/share/asterisk/agi-bin/umpin"))
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

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result<(), Failure> {
    let made = at.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| std::os::unix::fs::symlink(to, at));
    made.map_err(|e| failure(format!("{}: {e}", at.display())))
}

#[cfg(not(unix))]
fn link(_: &str, at: &Path) -> Result<(), Failure> {
    Err(failure(format!("{}: links are made on Unix only", at.display())))
}

/// Whatever the umask was.
#[cfg(unix)]
fn set_modes(root: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(|e| failure(format!("{}: {e}", path.display())))
    };
    set(root, 0o755)?;
    for file in files_below(root)? {
        for folder in file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            set(&root.join(folder), 0o755)?;
        }
        let path = root.join(&file);
        let runs = file.starts_with("usr/bin")
            || (file.starts_with("DEBIAN") && file.extension().is_none() && !file.ends_with("control"));
        if !path.is_symlink() {
            set(&path, if runs { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn set_modes(_: &Path) -> Result<(), Failure> {
    Ok(())
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
