//! The files of a package for PBX hosts, whatever its format.

use std::fs;
use std::path::Path;

use super::Packaging;
use crate::module::files_below;
use crate::{Failure, failure};

/// As they lie on the host, below `root`.
pub fn lay_out(packaging: &Packaging, program: &Path, root: &Path) -> Result<(), Failure> {
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
    // Its comments say how to install it by hand, which a package does.
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
    link("../../../bin/umpin", &root.join("usr/share/asterisk/agi-bin/umpin"))
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

/// Sets every file's and folder's mode, whatever the umask was.
#[cfg(unix)]
pub fn set_modes(root: &Path) -> Result<(), Failure> {
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
pub fn set_modes(_: &Path) -> Result<(), Failure> {
    Ok(())
}
