//! Where the database and the key lie, and what may not be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Status};
use crate::os;

/// The two files of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The database file, or the URL of a database on a server.
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
        let usual = Usual::at(Path::new("/"), &|name| std::env::var_os(name));
        usual.system.or(usual.user)
    }

    /// The user's own store, where this is the system's, which takes its place once the system's folders exist.
    #[cfg(unix)]
    pub(crate) fn left_behind(&self) -> Option<Location> {
        Usual::at(Path::new("/"), &|name| std::env::var_os(name)).left_behind(self)
    }

    /// Windows has one usual place.
    #[cfg(windows)]
    pub(crate) fn left_behind(&self) -> Option<Location> {
        None
    }

    #[cfg(windows)]
    fn default_location() -> Option<Self> {
        let base = PathBuf::from(std::env::var_os("ProgramData")?).join("UMMailboxPin");
        Some(Self { store: base.join("Data").join("um.db"), key: base.join("Key").join("umpin.key") })
    }

    /// SQLite's locks do not hold on network file systems, so none is used.
    pub(crate) fn refuse_network(&self) -> Result<()> {
        if scheme_of(&self.store).is_none() && is_network(&self.store) {
            return Err(Error::new(
                Status::StoreOnNetwork,
                format!(
                    "The store '{}' lies on a network path, where SQLite's locks do not hold. Nothing was changed. Put \
                     it on a local disk and name it in UMPIN_STORE.",
                    self.store.display()
                ),
            )
            .about(self.store.display().to_string()));
        }
        Ok(())
    }
}

/// The usual places.
#[cfg(unix)]
struct Usual {
    /// For all who share one store; where both folders exist.
    system: Option<Location>,
    /// For the user alone.
    user: Option<Location>,
}

#[cfg(unix)]
impl Usual {
    fn at(root: &Path, variable: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let (data, config) = (root.join("var/lib/ummailboxpin"), root.join("etc/ummailboxpin"));
        let system = (data.is_dir() && config.is_dir())
            .then(|| Location { store: data.join("um.db"), key: config.join("umpin.key") });
        let folder = |name: &str, below_home: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
                .or_else(|| Some(PathBuf::from(variable("HOME").filter(|h| !h.is_empty())?).join(below_home)))
                .map(|p| p.join("ummailboxpin"))
        };
        let user = folder("XDG_DATA_HOME", ".local/share")
            .zip(folder("XDG_CONFIG_HOME", ".config"))
            .map(|(data, config)| Location { store: data.join("um.db"), key: config.join("umpin.key") });
        Self { system, user }
    }

    fn left_behind(self, used: &Location) -> Option<Location> {
        let system = self.system.filter(|system| system.store == used.store)?;
        let is_store = |path: &Path| path.metadata().is_ok_and(|m| m.is_file() && m.len() > 0);
        self.user.filter(|user| user.store != system.store && is_store(&user.store))
    }
}

/// A path that names another machine (`\\server\share`, `\\?\UNC\...`, `\\.\UNC\...`, in small letters and with slashes
/// too), or one whose nearest existing folder is on a network file system.
fn is_network(path: &Path) -> bool {
    let text = path.to_string_lossy().replace('/', r"\").to_ascii_uppercase();
    let device = [r"\\?\", r"\\.\", r"\??\"].into_iter().find_map(|lead| text.strip_prefix(lead));
    let names_a_share = match device {
        Some(rest) => rest.starts_with(r"UNC\"),
        None => text.starts_with(r"\\") && !text.starts_with(r"\\\"),
    };
    names_a_share || path.ancestors().find(|p| p.exists()).is_some_and(os::is_network_file_system)
}

/// What stands before the `://` of a URL; `None` for a path. A drive is one letter, so no path of Windows' is a URL.
pub(crate) fn scheme_of(place: &Path) -> Option<&str> {
    let (scheme, _) = place.to_str()?.split_once("://")?;
    let is_one = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_one.then_some(scheme)
}

/// Makes the folders that are missing, for the owner alone.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    os::create_private_folder(folder)
}

/// Whether a folder is shared by a group (setgid): files in it are then for the group too.
#[cfg(unix)]
pub(crate) fn is_shared(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    folder.metadata().is_ok_and(|m| m.mode() & 0o2000 != 0)
}

/// Whether this is root and somebody else may write the store, and so say what root does.
#[cfg(unix)]
pub(crate) fn is_root_among_others(store: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let is_anothers = |place: &Path| place.metadata().is_ok_and(|m| m.uid() != 0 || m.mode() & 0o022 != 0);
    os::user_id() == 0 && (is_anothers(store) || is_anothers(folder_of(store)))
}

/// On Windows a store that others than administrators own is not used at all.
#[cfg(windows)]
pub(crate) fn is_root_among_others(_store: &Path) -> bool {
    false
}

/// A path's folder; `.` where it names none.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file of this name with something behind it, as SQLite names its log.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether a link may stand in the store's place: root or this account made it, where nobody else can put one.
#[cfg(unix)]
pub(crate) fn is_trusted_link(path: &Path, link: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let others_write = |folder: std::fs::Metadata| folder.mode() & 0o022 != 0;
    (link.uid() == 0 || link.uid() == os::user_id()) && folder_of(path).metadata().is_ok_and(|m| !others_write(m))
}

/// Whether a link or a junction may stand in the store's place: SYSTEM, an administrator or this account made it.
#[cfg(windows)]
pub(crate) fn is_trusted_link(path: &Path, _link: &std::fs::Metadata) -> bool {
    os::foreign_owner(path, os::Link::Itself).is_ok_and(|owner| owner.is_none())
}

/// Whether both paths mean the same folder or file, however they are spelled.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// A folder that `path` depends on and that another account owns, in words that follow "The file"; who owns a folder
/// may put what he likes in it. Asked of the file's own folder and of those above it below %ProgramData%, where every
/// user may make folders. A link among them must be trusted itself, and so must what it leads to.
#[cfg(windows)]
pub(crate) fn foreign_folder(path: &Path) -> io::Result<Option<String>> {
    let full = std::path::absolute(path)?;
    let everybodys = std::env::var_os("ProgramData").map(PathBuf::from);
    let is_below = |folder: &Path| everybodys.as_ref().is_some_and(|all| folder != all && is_inside(folder, all));
    for (above, folder) in full.ancestors().skip(1).enumerate() {
        if above > 0 && !is_below(folder) {
            break;
        }
        for link in [os::Link::Itself, os::Link::Target] {
            match os::foreign_owner(folder, link) {
                Ok(None) => {}
                Ok(Some(owner)) => {
                    return Ok(Some(format!("lies in '{}', which belongs to '{owner}'", folder.display())));
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => break,
                Err(e) => return Err(e),
            }
        }
    }
    Ok(None)
}

/// Whether `path` is `folder` or lies in it, whatever the case of its letters.
#[cfg(windows)]
fn is_inside(path: &Path, folder: &Path) -> bool {
    let mut own = path.components();
    folder.components().all(|part| own.next().is_some_and(|own| own.as_os_str().eq_ignore_ascii_case(part.as_os_str())))
}

/// That another account owns the file, in the same words. In a folder that an administrator shared with certain
/// accounts each of them makes files; in any other, a file of somebody else was planted.
#[cfg(windows)]
pub(crate) fn foreign_file(path: &Path) -> io::Result<Option<String>> {
    planted_by(path, os::foreign_owner(path, os::Link::Itself))
}

/// The same of a log or a journal, which SQLite may be about to remove.
#[cfg(windows)]
pub(crate) fn foreign_log(path: &Path) -> io::Result<Option<String>> {
    planted_by(path, os::open_log(path).and_then(|log| os::foreign_owner_of(&log)))
}

#[cfg(windows)]
fn planted_by(path: &Path, owner: io::Result<Option<String>>) -> io::Result<Option<String>> {
    match owner {
        Ok(None) => Ok(None),
        Ok(Some(_)) if os::is_shared_folder(folder_of(path))? => Ok(None),
        Ok(Some(owner)) => Ok(Some(format!("belongs to '{owner}'"))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_users_store_is_told_of_once_the_systems_folders_take_its_place() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home");
        let usual = || {
            Usual::at(root.path(), &|name| match name {
                "HOME" => Some(home.clone().into_os_string()),
                _ => None,
            })
        };
        let users = usual().user.unwrap();
        assert_eq!(users.store, home.join(".local/share/ummailboxpin/um.db"));
        assert_eq!(users.key, home.join(".config/ummailboxpin/umpin.key"));
        std::fs::create_dir_all(users.store.parent().unwrap()).unwrap();
        std::fs::write(&users.store, "a store").unwrap();
        assert_eq!(usual().left_behind(&users), None, "it is the one in use");
        std::fs::create_dir_all(root.path().join("var/lib/ummailboxpin")).unwrap();
        assert_eq!(usual().system, None, "one folder of two");
        std::fs::create_dir_all(root.path().join("etc/ummailboxpin")).unwrap();
        let system = usual().system.unwrap();
        assert_eq!(usual().left_behind(&system), Some(users.clone()));
        let named = Location { store: root.path().join("other.db"), key: system.key.clone() };
        assert_eq!(usual().left_behind(&named), None, "named on purpose");
        std::fs::write(&users.store, "").unwrap();
        assert_eq!(usual().left_behind(&system), None, "made but never filled");
        std::fs::remove_file(&users.store).unwrap();
        assert_eq!(usual().left_behind(&system), None);
    }

    #[test]
    fn what_begins_with_a_scheme_is_no_path() {
        for (place, scheme) in [
            ("postgresql://db1/umpin", Some("postgresql")),
            ("file:///um.db", Some("file")),
            ("/var/lib/a://b", None),
            ("C://um.db", None),
            ("C:\\um.db", None),
            ("um.db", None),
            ("://um.db", None),
        ] {
            assert_eq!(scheme_of(Path::new(place)), scheme, "{place}");
        }
    }

    #[test]
    fn what_the_caller_names_wins() {
        let named = Location::resolve(Some("/a/um.db".into()), Some("/b/umpin.key".into())).unwrap();
        assert_eq!(named, Location { store: "/a/um.db".into(), key: "/b/umpin.key".into() });
    }

    #[test]
    fn unc_paths_are_network_paths_on_every_system_and_in_every_spelling() {
        for path in [
            r"\\server\share\um.db",
            "//server/share/um.db",
            r"\\?\UNC\server\share\um.db",
            r"\\?\unc\server\share\um.db",
            r"\\.\UNC\server\share\um.db",
            "//./unc/server/share/um.db",
            r"\??\UNC\server\share\um.db",
        ] {
            assert!(is_network(Path::new(path)), "{path}");
        }
        for path in [r"\\?\C:\no such folder\um.db", r"\\.\C:\no such folder\um.db", r"\\\um.db"] {
            assert!(!is_network(Path::new(path)), "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_network(&folder.path().join("no such folder").join("um.db")));
        #[cfg(windows)]
        assert!(
            !is_network(&folder.path().canonicalize().unwrap().join("um.db")),
            "{:?}",
            folder.path().canonicalize()
        );
    }

    #[test]
    fn the_same_place_is_seen_however_it_is_spelled() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::create_dir(&one).unwrap();
        std::fs::create_dir(&other).unwrap();
        assert!(is_same(&one, &other.join("..").join(".").join("one")));
        assert!(!is_same(&one, &other) && !is_same(&one, &folder.path().join("none")));
        #[cfg(windows)]
        assert!(is_same(&one, &folder.path().join("ONE")));
    }
}
