//! The packages for a host that holds the store, whatever their format: `umpin` for a PBX, `umpin-web` for the page.

use std::fs;
use std::path::{Path, PathBuf};

use super::Packaging;
use super::native::Platform;
use crate::module::files_below;
use crate::{Failure, failure};

/// What every format is made of. Its scripts and what it asks for are in `contrib/debian/<name>` and `contrib/rpm`.
pub struct HostPackage {
    pub name: &'static str,
    pub platform: &'static Platform,
    pub program: PathBuf,
    /// The newest version of the C library that the program asks for.
    pub glibc: Option<String>,
}

impl HostPackage {
    /// A text of `contrib` with this package's words filled in.
    pub fn fill_in(&self, packaging: &Packaging, template: &str) -> Result<String, Failure> {
        // Rust itself asks for 2.17.
        let glibc = self.glibc.as_deref().unwrap_or("2.17");
        Ok(packaging.read(template)?.replace("@VERSION@", &packaging.version).replace("@GLIBC@", glibc))
    }

    /// The files as they lie on the host, below `root`.
    pub fn lay_out(&self, packaging: &Packaging, root: &Path) -> Result<(), Failure> {
        let source = &packaging.machine.root;
        packaging.copy(&self.program, &root.join("usr/bin").join(self.name))?;
        let doc = Path::new("usr/share/doc").join(self.name);
        let units = Path::new("usr/lib/systemd/system");
        packaging.copy(&source.join("contrib/debian/copyright"), &root.join(&doc).join("copyright"))?;
        packaging.gzip(&source.join("CHANGELOG.md"), &root.join(&doc).join("changelog.gz"))?;
        let (unit, files) = match self.name {
            "umpin-web" => (
                "umpin-web.service",
                vec![
                    ("contrib/systemd/umpin-web.conf", "usr/lib/sysusers.d/umpin-web.conf".into()),
                    ("contrib/web/web.toml", doc.join("examples/web.toml")),
                    ("docs/page.md", doc.join("page.md")),
                ],
            ),
            _ => (
                "umpin-deliver.service",
                vec![
                    ("contrib/systemd/umpin-deliver.timer", units.join("umpin-deliver.timer")),
                    ("contrib/systemd/ummailboxpin.conf", "usr/lib/sysusers.d/ummailboxpin.conf".into()),
                    ("contrib/completion/umpin.bash", "usr/share/bash-completion/completions/umpin".into()),
                    ("contrib/systemd/umpin-deliver-strict.conf", doc.join("examples/umpin-deliver-strict.conf")),
                    ("docs/pbx.md", doc.join("pbx.md")),
                ],
            ),
        };
        for (from, to) in files {
            packaging.copy(&source.join(from), &root.join(to))?;
        }
        let text = packaging.read(&format!("contrib/systemd/{unit}"))?;
        // How to install it by hand, which stands above, is nothing for a package.
        let text = text.lines().skip_while(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n") + "\n";
        let text = text.replace("/usr/local/bin/", "/usr/bin/");
        packaging.write(&root.join(units).join(unit), text)?;
        if self.name == "umpin" { lay_out_for_a_pbx(packaging, root, &root.join(doc)) } else { Ok(()) }
    }
}

fn lay_out_for_a_pbx(packaging: &Packaging, root: &Path, doc: &Path) -> Result<(), Failure> {
    let source = &packaging.machine.root;
    for folder in ["asterisk", "freeswitch"] {
        for file in files_below(&source.join("examples").join(folder))? {
            let target = doc.join("examples").join(folder).join(&file);
            packaging.copy(&source.join("examples").join(folder).join(&file), &target)?;
        }
    }
    let page = packaging.work.join("umpin.1");
    packaging.write(&page, packaging.read("contrib/umpin.1")?.replace("@VERSION@", &packaging.version))?;
    packaging.gzip(&page, &root.join("usr/share/man/man1/umpin.1.gz"))?;
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
