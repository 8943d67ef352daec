//! Where the database and the key lie, and what may not be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Status};
use crate::ffi::os;

/// The two files of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The database file.
    pub store: PathBuf,
    /// The key file, never in the database's backups.
    pub key: PathBuf,
}

impl Location {
    /// What the caller names, else `UMPIN_STORE` and `UMPIN_KEY_FILE`, else the system's or the user's folders.
    pub fn resolve(store: Option<PathBuf>, key: Option<PathBuf>) -> Result<Self> {
        let named = |given: Option<PathBuf>, variable: &str| {
            given.or_else(|| std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from))
        };
        let store = named(store, "UMPIN_STORE");
        let key = named(key, "UMPIN_KEY_FILE");
        if let (Some(store), Some(key)) = (&store, &key) {
            return Ok(Self { store: store.clone(), key: key.clone() });
        }
        let default = Self::default_location().ok_or_else(|| {
            Error::new(
                Status::StoreNotWritable,
                "There is no folder for the store: neither the system's folders nor a home folder exist. Nothing was \
                 changed. Name the files in UMPIN_STORE and UMPIN_KEY_FILE.",
            )
        })?;
        Ok(Self { store: store.unwrap_or(default.store), key: key.unwrap_or(default.key) })
    }

    #[cfg(unix)]
    fn default_location() -> Option<Self> {
        let (data, config) = (Path::new("/var/lib/ummailboxpin"), Path::new("/etc/ummailboxpin"));
        if data.is_dir() && config.is_dir() {
            return Some(Self { store: data.join("um.db"), key: config.join("umpin.key") });
        }
        let folder = |variable: &str, below_home: &str| {
            std::env::var_os(variable)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
                .or_else(|| Some(PathBuf::from(std::env::var_os("HOME").filter(|h| !h.is_empty())?).join(below_home)))
                .map(|p| p.join("ummailboxpin"))
        };
        Some(Self {
            store: folder("XDG_DATA_HOME", ".local/share")?.join("um.db"),
            key: folder("XDG_CONFIG_HOME", ".config")?.join("umpin.key"),
        })
    }

    #[cfg(windows)]
    fn default_location() -> Option<Self> {
        let base = PathBuf::from(std::env::var_os("ProgramData")?).join("UMMailboxPin");
        Some(Self { store: base.join("Data").join("um.db"), key: base.join("Key").join("umpin.key") })
    }

    /// SQLite's locks do not hold on network file systems, so none is used.
    pub fn refuse_network(&self) -> Result<()> {
        if is_network(&self.store) {
            return Err(Error::new(
                Status::StoreOnNetwork,
                format!(
                    "The store '{}' lies on a network path, where SQLite's locks do not hold. Nothing was changed. Put it \
                     on a local disk and name it in UMPIN_STORE.",
                    self.store.display()
                ),
            )
            .about(self.store.display().to_string()));
        }
        Ok(())
    }
}

/// A UNC path in either spelling, or a path whose nearest existing folder is on a network file system.
fn is_network(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let unc = |two: &str| text.starts_with(two) && !text.starts_with(r"\\?\") && !text.starts_with(r"\\.\");
    if unc(r"\\") || text.starts_with(r"\\?\UNC\") || (unc("//") && !text.starts_with("///")) {
        return true;
    }
    path.ancestors().find(|p| p.exists()).is_some_and(os::is_network_file_system)
}

/// Makes the folders that are missing, for the owner alone.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    os::create_private_folder(folder)
}

/// Whether a folder is shared by a group (setgid): files in it are then for the group too.
#[cfg(unix)]
pub fn is_shared(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    folder.metadata().is_ok_and(|m| m.mode() & 0o2000 != 0)
}

/// A path's folder; `.` where it names none.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file of this name with something behind it, as SQLite names its log.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether a link may stand in the store's place: root or this account made it, where nobody else can put one.
#[cfg(unix)]
pub fn is_trusted_link(path: &Path, link: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let others_write = |folder: std::fs::Metadata| folder.mode() & 0o022 != 0;
    (link.uid() == 0 || link.uid() == os::user_id()) && folder_of(path).metadata().is_ok_and(|m| !others_write(m))
}

/// Links need rights on Windows that only administrators have.
#[cfg(not(unix))]
pub fn is_trusted_link(_path: &Path, _link: &std::fs::Metadata) -> bool {
    true
}

/// Windows shares by access lists, which files inherit.
#[cfg(not(unix))]
pub fn is_shared(_folder: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unc_paths_are_network_paths_on_every_system() {
        for path in [r"\\server\share\um.db", "//server/share/um.db", r"\\?\UNC\server\share\um.db"] {
            assert!(is_network(Path::new(path)), "{path}");
        }
        assert!(!is_network(&std::env::temp_dir().join("no such folder").join("um.db")));
    }

    #[test]
    fn what_the_caller_names_wins() {
        let named = Location::resolve(Some("/a/um.db".into()), Some("/b/umpin.key".into())).unwrap();
        assert_eq!(named, Location { store: "/a/um.db".into(), key: "/b/umpin.key".into() });
    }
}
