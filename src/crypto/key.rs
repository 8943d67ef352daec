//! The key file: made once, kept apart from the database, read again whenever it changes.
//!
//! Format: the line `umpin-key 1`, then one key a line, 64 hexadecimal digits, the newest first. Usually there is one;
//! while Update-UMPinKey runs there are two. Which one is current the store says, by the key's id, which is derived
//! from the key itself, so that a file cannot claim another key's id.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput, KeyInit, Update};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{Condition, Error, Result, Status};
use crate::location::is_trusted_link;
use crate::os::{self, random};

const HEADER: &str = "umpin-key 1";
/// A file longer than this is no key file; it is not read further.
const MAX_FILE_LEN: u64 = 4096;

/// Keyed BLAKE2s-256: derives subkeys, chains the audit trail.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Blake2sMac256::new(key.into());
    for part in parts {
        // Lengths go in, so that ("ab","c") and ("a","bc") differ.
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize_fixed().into()
}

/// The name of a key: derived from it, and no secret.
#[derive(Clone, Debug, serde::Serialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// One that is there already, as it was written down.
    pub(crate) fn known(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is written down: 16 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A random 256-bit key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    bytes: [u8; 32],
    #[zeroize(skip)]
    id: KeyId,
}

impl MasterKey {
    fn new(bytes: [u8; 32]) -> Self {
        let id = mac(&bytes, &[b"umpin key id"])[..8].iter().map(|b| format!("{b:02x}")).collect();
        Self { bytes, id: KeyId(id) }
    }

    /// A new one from the operating system's random source.
    pub fn generate() -> Result<Self> {
        Ok(Self::new(random()?))
    }

    /// The bytes 0 to 31: for known answers.
    #[cfg(test)]
    pub(crate) fn known() -> Self {
        Self::new(std::array::from_fn(|n| n as u8))
    }

    /// 16 hexadecimal digits; says nothing about the key.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key for one purpose.
    pub(crate) fn subkey(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(mac(&self.bytes, &[b"umpin subkey", purpose.as_bytes()]))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// The keys of one key file at one moment.
#[derive(Debug)]
pub struct KeyRing {
    path: PathBuf,
    keys: Vec<MasterKey>,
}

impl KeyRing {
    /// One key that no file holds, for a rehearsal.
    pub(crate) fn in_memory(key: MasterKey) -> Self {
        Self { path: PathBuf::new(), keys: vec![key] }
    }

    /// The key with this id, or an error that names the file and both ids.
    pub fn get(&self, id: &KeyId) -> Result<&MasterKey> {
        self.keys.iter().find(|k| k.id == *id).ok_or_else(|| {
            let held: Vec<&str> = self.ids().map(KeyId::as_str).collect();
            Error::on(
                Condition::UnknownKey,
                format!(
                    "The key file '{}' holds key {}, but the store is sealed under key {id}. Nothing was changed, and \
                     no sign-in was counted. Put the right key file back; without it no PIN can be checked.",
                    self.path.display(),
                    held.join(", ")
                ),
            )
            .about(self.path.display().to_string())
        })
    }

    /// Whether a key with this id is here.
    pub(crate) fn holds(&self, id: &KeyId) -> bool {
        self.keys.iter().any(|k| k.id == *id)
    }

    /// Every key, in the file's order: the newest first.
    pub fn keys(&self) -> &[MasterKey] {
        &self.keys
    }

    /// Every key's id, in the file's order.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(MasterKey::id)
    }
}

/// When the file was seen to be what was read from it.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    /// Which file, and when its contents or who may read it last changed.
    mark: [u64; 4],
}

impl Stamp {
    fn of(file: &fs::File) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self { modified: meta.modified().ok(), len: meta.len(), mark: os::change_mark(file)? })
    }
}

impl Stamp {
    /// Whether a later change must show in the stamp. File systems count time in steps (FAT's are two seconds), so a
    /// file that was just written may change again under the same stamp: it is read each time until it has aged.
    fn is_settled(&self, now: SystemTime) -> bool {
        const SETTLES_AFTER: Duration = Duration::from_secs(3);
        self.modified.and_then(|m| now.duration_since(m).ok()).is_some_and(|age| age >= SETTLES_AFTER)
    }
}

/// The key file of a session. Read when first needed and whenever it changed since.
pub struct KeyFile {
    path: PathBuf,
    seen: RwLock<Option<(Stamp, Arc<KeyRing>)>>,
}

impl KeyFile {
    /// Touches nothing.
    pub fn new(path: PathBuf) -> Self {
        Self { path, seen: RwLock::new(None) }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is something. What this account has no right to see is an error: it must never pass for a file
    /// that is not there.
    pub(crate) fn exists(&self) -> Result<bool> {
        match os::metadata_of_link(&self.path) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(self.unreadable(&e)),
        }
    }

    /// The keys. A file that is gone, short, exposed or malformed is an error of its own; none is ever made here.
    pub fn load(&self) -> Result<Arc<KeyRing>> {
        let link = os::metadata_of_link(&self.path).map_err(|e| self.unreadable(&e))?;
        let is_link = link.is_symlink();
        if is_link && !is_trusted_link(&self.path, &link) {
            return Err(self.error(
                Status::KeyIo,
                format!(
                    "In the place of the key file '{}' is a link, in a folder where others than root and you can put \
                     one. It was not followed and nothing was changed. Put the file itself there, or name its place in \
                     UMPIN_KEY_FILE.",
                    self.path.display()
                ),
            ));
        }
        let meta = if is_link { fs::metadata(&self.path).map_err(|e| self.unreadable(&e))? } else { link };
        if !meta.is_file() {
            return Err(self.malformed());
        }
        // From here on the open file alone: the path may mean another one by now.
        let mut options = fs::File::options();
        options.read(true);
        #[cfg(unix)]
        if !is_link {
            use std::os::unix::fs::OpenOptionsExt;
            options.custom_flags(os::NO_FOLLOW);
        }
        let mut file = os::retry(|| options.open(&self.path)).map_err(|e| self.unreadable(&e))?;
        let stamp = Stamp::of(&file).map_err(|e| self.unreadable(&e))?;
        if let Some((seen, ring)) = &*self.seen.read().unwrap_or_else(PoisonError::into_inner)
            && *seen == stamp
        {
            return Ok(ring.clone());
        }
        let ring = Arc::new(self.read(&mut file)?);
        let remembered = stamp.is_settled(SystemTime::now()).then(|| (stamp, ring.clone()));
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = remembered;
        Ok(ring)
    }

    /// The keys, with a new key's file made first where there is none. Only for a store that names no key yet.
    pub fn load_or_create(&self) -> Result<Arc<KeyRing>> {
        if !self.exists()? {
            // Before a key lies where somebody else could take it.
            #[cfg(windows)]
            if let Some(who) = crate::location::foreign_folder(&self.path).map_err(|e| self.unwritable(&e))? {
                return Err(self.exposed(&who));
            }
            let made = self.write_new(&[&MasterKey::generate()?]);
            match made {
                // Another process was first: its key is as good.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(self.unwritable(&e)),
                Ok(()) => {}
            }
        }
        self.load()
    }

    /// Puts a file with these keys in the place of today's, in one step, with its mode, owner and group. Whoever could
    /// read the old one can read the new one, or nothing is replaced.
    pub fn replace(&self, keys: &[&MasterKey]) -> Result<()> {
        let there = os::metadata_of_link(&self.path).map_err(|e| self.unwritable(&e))?;
        // The file itself where the path is a link to it.
        let path = if there.is_symlink() { self.path.canonicalize() } else { Ok(self.path.clone()) };
        let path = path.map_err(|e| self.unwritable(&e))?;
        remove_leftovers(&path);
        let temporary = write_temporary(&path, keys, Access::AsReplaced).map_err(|e| self.unwritable(&e))?;
        os::rename_over(&temporary, &path).map_err(|e| {
            let _ = fs::remove_file(&temporary);
            self.unwritable(&e)
        })
    }

    /// Exclusive: the file appears whole or not at all, and never over another.
    fn write_new(&self, keys: &[&MasterKey]) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            crate::location::create_folder(folder)?;
        }
        let temporary = write_temporary(&self.path, keys, Access::AsNew)?;
        os::rename_new(&temporary, &self.path).inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }

    fn read(&self, file: &mut fs::File) -> Result<KeyRing> {
        let meta = file.metadata().map_err(|e| self.unreadable(&e))?;
        #[cfg(windows)]
        if let Some(who) = self.strangers(file).map_err(|e| self.unreadable(&e))? {
            return Err(self.exposed(&who));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if meta.mode() & 0o027 != 0 {
                return Err(self.error(
                    Status::KeyExposed,
                    format!(
                        "The key file '{}' can be read by everybody or written by its group (mode {:04o}). It was not \
                         used and nothing was changed. Run chmod 600 on it (640 where a group shares the store); if \
                         others may have read it, then run Update-UMPinKey.",
                        self.path.display(),
                        meta.mode() & 0o7777
                    ),
                ));
            }
        }
        if meta.len() > MAX_FILE_LEN {
            return Err(self.malformed());
        }
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_LEN as usize));
        file.take(MAX_FILE_LEN).read_to_end(&mut text).map_err(|e| self.unreadable(&e))?;
        let text = std::str::from_utf8(&text).map_err(|_| self.malformed())?;
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
        if lines.next() != Some(HEADER) {
            return Err(self.malformed());
        }
        let keys: Vec<MasterKey> = lines
            .map(|l| unhex(l).map(|b| MasterKey::new(*b)).ok_or_else(|| self.malformed()))
            .collect::<Result<_>>()?;
        if keys.is_empty() {
            return Err(self.malformed());
        }
        Ok(KeyRing { path: self.path.clone(), keys })
    }

    /// Who else could have read the keys, or have put them there.
    #[cfg(windows)]
    fn strangers(&self, file: &fs::File) -> io::Result<Option<String>> {
        if let Some(who) = crate::location::foreign_folder(&self.path)? {
            return Ok(Some(who));
        }
        if let Some(who) = crate::location::foreign_file(&self.path)? {
            return Ok(Some(who));
        }
        Ok(os::open_to_all(file)?.map(|group| format!("can be read or written by '{group}'")))
    }

    #[cfg(windows)]
    fn exposed(&self, who: &str) -> Error {
        self.error(
            Status::KeyExposed,
            format!(
                "The key file '{}' {who}. It was not used and nothing was changed. Give the file and its folder to \
                 SYSTEM, Administrators and the accounts that use the store, and to nobody else (icacls with \
                 /setowner, /inheritance:r, /grant:r); if others may have read it, then run Update-UMPinKey.",
                self.path.display()
            ),
        )
    }

    fn error(&self, status: Status, message: String) -> Error {
        Error::new(status, message).about(self.path.display().to_string())
    }

    fn malformed(&self) -> Error {
        self.error(
            Status::KeyMalformed,
            format!(
                "The key file '{}' is not a key file or is cut short. Nothing was changed and no new key was made. Put \
                 the right key file back.",
                self.path.display()
            ),
        )
    }

    fn unreadable(&self, e: &io::Error) -> Error {
        if e.kind() == io::ErrorKind::NotFound {
            return self.error(
                Status::KeyMissing,
                format!(
                    "The key file '{}' is missing. Nothing was changed and no new key was made, since a new key could \
                     not open what the old one sealed. Put the key file back, or name it in UMPIN_KEY_FILE.",
                    self.path.display()
                ),
            );
        }
        self.error(
            Status::KeyIo,
            format!(
                "The key file '{}' cannot be read: {e}. Nothing was changed. Check its owner and mode.",
                self.path.display()
            ),
        )
    }

    fn unwritable(&self, e: &io::Error) -> Error {
        self.error(
            Status::KeyIo,
            format!(
                "The key file '{}' cannot be written: {e}. Nothing was changed. Check the folder's owner and mode, or \
                 name another file in UMPIN_KEY_FILE.",
                self.path.display()
            ),
        )
    }
}

/// What a temporary file's name ends with, behind the key file's own name and 16 digits.
const TEMPORARY: &str = ".new";

/// A key file's text: a header, then a line of hexadecimal digits a key.
fn file_text(keys: &[&MasterKey]) -> Zeroizing<String> {
    // Room for all of it: a text that grows leaves an unerased copy behind.
    let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + 1 + keys.len() * 65));
    text.push_str(HEADER);
    text.push('\n');
    for key in keys {
        for byte in key.bytes {
            // Written in place, for the same reason.
            const HEX: &[u8; 16] = b"0123456789abcdef";
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        text.push('\n');
    }
    text
}

/// Who may read a key file that is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// This account alone; in a folder that a group shares, the group too.
    AsNew,
    /// Whoever may read the file in whose place it comes: the same mode, owner and group.
    AsReplaced,
}

/// Writes the keys to a file beside `path`.
fn write_temporary(path: &Path, keys: &[&MasterKey], access: Access) -> io::Result<PathBuf> {
    let tag: [u8; 8] = random().map_err(io::Error::other)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}{TEMPORARY}", u64::from_le_bytes(tag)));
    let temporary = PathBuf::from(name);

    let text = file_text(keys);
    let mut file = os::create_private_file(&temporary)?;
    let written = give_access(&file, &temporary, path, access)
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all());
    if let Err(e) = written {
        let _ = fs::remove_file(&temporary);
        return Err(e);
    }
    Ok(temporary)
}

/// Before the first byte is written: who may read it.
#[cfg(unix)]
fn give_access(file: &fs::File, _temporary: &Path, path: &Path, access: Access) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    if access == Access::AsNew {
        return match path.parent().is_some_and(crate::location::is_shared) {
            true => file.set_permissions(fs::Permissions::from_mode(0o640)),
            false => Ok(()),
        };
    }
    let old = fs::metadata(path)?;
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) && fchown(file, Some(old.uid()), Some(old.gid())).is_err() {
        // Not root, so the owner changes. The group must stay, and must be able to read, or a PBX is cut off.
        fchown(file, None, Some(old.gid()))?;
        if old.mode() & 0o040 == 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it belongs to another account, which could not read the new one",
            ));
        }
    }
    file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))
}

/// The access list. A new file has one of its own, from [`os::create_private_file`].
#[cfg(windows)]
fn give_access(_file: &fs::File, temporary: &Path, path: &Path, access: Access) -> io::Result<()> {
    match access {
        Access::AsNew => Ok(()),
        Access::AsReplaced => os::copy_access_list(path, temporary),
    }
}

/// Erases what a killed process left beside the key file: it holds keys. A fresh one may be somebody's at work.
fn remove_leftovers(path: &Path) {
    const FRESH: Duration = Duration::from_secs(60);
    for leftover in leftovers(path) {
        let old = leftover.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
        if old.is_some_and(|age| age > FRESH) {
            let _ = fs::remove_file(leftover);
        }
    }
}

/// Temporary files beside a key file, of processes that are at work or were killed.
pub fn leftovers(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
        return Vec::new();
    };
    let is_ours = |file: &str| {
        file.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(TEMPORARY))
            .is_some_and(|tag| tag.len() == 16 && tag.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_ours))
        .map(|entry| entry.path())
        .collect()
}

fn unhex(line: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = line.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0u8; 32]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn file() -> (tempfile::TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("umpin.key"));
        (folder, file)
    }

    #[test]
    fn is_made_once_private_and_read_back() {
        let (_folder, file) = file();
        let id = file.load_or_create().unwrap().ids().next().unwrap().clone();
        let again = KeyFile::new(file.path().into());
        assert_eq!(again.load_or_create().unwrap().ids().collect::<Vec<_>>(), [&id]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o7777, 0o600);
        }
    }

    #[test]
    fn a_missing_file_is_an_error_and_stays_missing() {
        let (_folder, file) = file();
        assert_eq!(file.load().unwrap_err().status, Status::KeyMissing);
        assert!(!file.exists().unwrap());
    }

    #[test]
    fn a_file_taken_away_or_replaced_is_noticed() {
        let (_folder, file) = file();
        let first = file.load_or_create().unwrap();
        fs::remove_file(file.path()).unwrap();
        assert_eq!(file.load().unwrap_err().status, Status::KeyMissing);
        let second = file.load_or_create().unwrap();
        assert_ne!(first.ids().next(), second.ids().next());
        let error = second.get(first.ids().next().unwrap()).unwrap_err();
        assert_eq!(error.status, Status::KeyWrong);
        assert!(error.message.contains("umpin.key"), "{error}");
    }

    #[test]
    fn short_odd_and_empty_files_are_malformed() {
        let (_folder, file) = file();
        file.load_or_create().unwrap();
        let whole = fs::read_to_string(file.path()).unwrap();
        let no_digit = whole.replacen(whole.lines().nth(1).unwrap(), &"g".repeat(64), 1);
        for bad in ["", HEADER, "hello", &whole[..whole.len() - 5], &whole.replace(HEADER, "umpin-key 9"), &no_digit] {
            fs::write(file.path(), bad).unwrap();
            assert_eq!(file.load().unwrap_err().status, Status::KeyMalformed, "{} bytes", bad.len());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_world_readable_file_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, file) = file();
        file.load_or_create().unwrap();
        for (mode, fine) in [(0o644, false), (0o604, false), (0o660, false), (0o640, true), (0o400, true)] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            match file.load() {
                Ok(_) => assert!(fine, "{mode:o}"),
                Err(e) => assert_eq!((e.status, fine), (Status::KeyExposed, false), "{mode:o}"),
            }
        }
    }

    #[test]
    fn a_file_rewritten_in_place_under_the_same_stamp_is_read_again() {
        let (_folder, file) = file();
        let keys = [MasterKey::generate().unwrap(), MasterKey::generate().unwrap()];
        file.load_or_create().unwrap();
        // Faster than any clock tick of a file system; the length stays, and the inode too.
        for round in 0..200 {
            let key = &keys[round % 2];
            let text: String = key.bytes.iter().map(|b| format!("{b:02x}")).collect();
            fs::write(file.path(), format!("{HEADER}\n{text}\n")).unwrap();
            assert_eq!(file.load().unwrap().ids().collect::<Vec<_>>(), [key.id()], "round {round}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_link_stays_a_link() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let (folder, file) = file();
        file.load_or_create().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let link = KeyFile::new(folder.path().join("link.key"));
        std::os::unix::fs::symlink(file.path(), link.path()).unwrap();
        let new = MasterKey::generate().unwrap();
        link.replace(&[&new]).unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o7777, 0o640);
        assert!(fs::symlink_metadata(link.path()).unwrap().is_symlink());
        assert_eq!(file.load().unwrap().ids().collect::<Vec<_>>(), [new.id()]);
        assert_eq!(leftovers(file.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn what_a_killed_process_left_is_erased_once_it_is_old() {
        let (_folder, file) = file();
        file.load_or_create().unwrap();
        let leave = |tag: &str, age: u64| {
            let path = PathBuf::from(format!("{}.{tag}.new", file.path().display()));
            let made = fs::File::create(&path).unwrap();
            made.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
            path
        };
        let old = leave("00112233445566aa", 120);
        let fresh = leave("00112233445566bb", 0);
        let others =
            ["not-ours", "00112233445566a", "00112233445566ag", "00112233445566aa0"].map(|tag| leave(tag, 120));
        assert_eq!(leftovers(file.path()).len(), 2);
        file.replace(&[&MasterKey::generate().unwrap()]).unwrap();
        assert_eq!((old.exists(), fresh.exists()), (false, true));
        assert!(others.iter().all(|other| other.exists()));
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Made with another implementation (Python's hashlib.blake2s): stores of every version depend on these.
    #[test]
    fn derivations_are_what_they_always_were() {
        let key = MasterKey::known();
        assert_eq!(key.id().as_str(), "3b90799003e076ef");
        for (purpose, expected) in [
            ("pin", "fa494fb4f493781c6d74a60de405e696630a55485df905f63cd218ec5d84df95"),
            ("history", "fc0abfbc9fd60413951ac9545e69caf547da305edda8265706974d7eea4b0a06"),
            ("mail", "879c06bf4a3b876969ede5f38b5e26afbc31fe50eddd7ec2d2030fe8802edd5d"),
            ("audit", "8c1c24d7e11efd67f3c2681450cd34797078cd557eaa9aaefad1ea63a7aa2b8c"),
            ("spray", "6f0534d7a69cae1ba9acdf5c68c9a47604277ecdb41dbd8f0f6bd9e169e6ae6d"),
        ] {
            assert_eq!(hex(&*key.subkey(purpose)), expected, "{purpose}");
        }
        assert_eq!(
            hex(&mac(&[7; 32], &[b"ab", b"", b"c"])),
            "952d0d07ec9fa226abf6ef3b6d92dd2a1967c39f5ec3f76991b29a74d520d6a0"
        );
    }

    #[test]
    fn a_key_files_text_is_what_it_always_was() {
        let (_folder, file) = file();
        file.load_or_create().unwrap();
        file.replace(&[&MasterKey::new([0xA5; 32]), &MasterKey::new([0x0F; 32])]).unwrap();
        let expected = format!("umpin-key 1\n{}\n{}\n", "a5".repeat(32), "0f".repeat(32));
        assert_eq!(fs::read_to_string(file.path()).unwrap(), expected);
        let ids: Vec<KeyId> = file.load().unwrap().ids().cloned().collect();
        let newest_first = [[0xA5; 32], [0x0F; 32]].map(|bytes| MasterKey::new(bytes).id().clone());
        assert_eq!(ids, newest_first);
        assert_eq!(ids.iter().map(KeyId::as_str).collect::<Vec<_>>(), ["0b1ecdcc2ff9553c", "96d0fbbf30541c44"]);
    }

    #[test]
    fn a_file_that_is_too_long_is_no_key_file() {
        let (_folder, file) = file();
        file.load_or_create().unwrap();
        let whole = fs::read_to_string(file.path()).unwrap();
        let line = whole.lines().nth(1).unwrap().to_owned() + "\n";
        // As many lines as fit are read; one byte more than the limit is not.
        let most = (MAX_FILE_LEN as usize - HEADER.len() - 1) / line.len();
        fs::write(file.path(), format!("{HEADER}\n{}", line.repeat(most))).unwrap();
        assert!(file.load().is_ok());
        let blanks = |all: usize| format!("{HEADER}\r\n\r\n{line}{}", "\n".repeat(all - HEADER.len() - 4 - line.len()));
        fs::write(file.path(), blanks(MAX_FILE_LEN as usize)).unwrap();
        assert_eq!(file.load().unwrap().keys().len(), 1);
        for long in [format!("{HEADER}\n{}", line.repeat(most + 1)), blanks(MAX_FILE_LEN as usize + 1)] {
            fs::write(file.path(), long).unwrap();
            assert_eq!(file.load().unwrap_err().status, Status::KeyMalformed);
        }
    }

    #[test]
    fn a_file_is_remembered_once_it_has_settled_and_read_again_when_it_changed() {
        let (_folder, file) = file();
        let fresh = file.load_or_create().unwrap();
        assert!(!Arc::ptr_eq(&fresh, &file.load().unwrap()), "a fresh file may change under the same stamp");
        let age = |seconds| {
            let open = fs::File::options().write(true).open(file.path()).unwrap();
            open.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
        };
        age(60);
        let seen = file.load().unwrap();
        assert!(Arc::ptr_eq(&seen, &file.load().unwrap()), "read twice");
        let other = MasterKey::generate().unwrap();
        file.replace(&[&other]).unwrap();
        age(60);
        assert_eq!(file.load().unwrap().ids().collect::<Vec<_>>(), [other.id()]);
    }

    #[test]
    fn a_stamp_settles_after_three_seconds_and_not_while_the_clock_is_behind() {
        let modified = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let (_folder, file) = file();
        file.load_or_create().unwrap();
        let stamp = Stamp { modified: Some(modified), ..Stamp::of(&fs::File::open(file.path()).unwrap()).unwrap() };
        let settled = |milliseconds| stamp.is_settled(modified + Duration::from_millis(milliseconds));
        assert!(!settled(0) && !settled(2_999) && settled(3_000) && settled(60_000));
        assert!(!stamp.is_settled(modified - Duration::from_secs(10)));
        assert!(!Stamp { modified: None, ..stamp }.is_settled(modified));
    }

    #[test]
    fn the_files_folder_is_made_and_a_place_that_cannot_be_is_named() {
        let (folder, file) = file();
        let deep = KeyFile::new(folder.path().join("a/b/umpin.key"));
        assert!(!deep.exists().unwrap());
        deep.load_or_create().unwrap();
        assert!(deep.exists().unwrap());
        // Below a file there is no folder, for root neither.
        file.load_or_create().unwrap();
        let nowhere = KeyFile::new(file.path().join("umpin.key"));
        for error in [nowhere.load().unwrap_err(), nowhere.load_or_create().unwrap_err()] {
            assert_eq!(error.status, Status::KeyIo, "{error}");
            assert_eq!(error.target, nowhere.path().display().to_string());
        }
        assert_eq!(nowhere.replace(&[&MasterKey::known()]).unwrap_err().status, Status::KeyIo);
    }

    #[test]
    fn a_key_files_text_is_made_in_one_piece_of_memory() {
        let key = MasterKey::known();
        for keys in [vec![&key], vec![&key, &key, &key]] {
            let text = file_text(&keys);
            assert_eq!(text.capacity(), text.len());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_key_files_place_is_followed_only_where_nobody_else_can_put_one() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let (folder, file) = file();
        file.load_or_create().unwrap();
        let shared = tempfile::tempdir().unwrap();
        let linked = KeyFile::new(shared.path().join("umpin.key"));
        symlink(file.path(), linked.path()).unwrap();
        for (mode, followed) in [(0o700, true), (0o770, false), (0o2770, false), (0o777, false), (0o755, true)] {
            fs::set_permissions(shared.path(), fs::Permissions::from_mode(mode)).unwrap();
            match linked.load() {
                Ok(_) => assert!(followed, "{mode:o}"),
                Err(e) => {
                    assert!(!followed && e.status == Status::KeyIo, "{mode:o}: {e}");
                    assert!(e.message.contains("is a link"), "{e}");
                }
            }
        }
        drop(folder);
    }

    #[cfg(unix)]
    #[test]
    fn in_a_shared_folder_the_group_may_read_the_key() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let (folder, file) = file();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o2770)).unwrap();
        file.load_or_create().unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o7777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn root_leaves_a_replaced_file_to_its_owner_and_group() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        let (_folder, file) = file();
        file.load_or_create().unwrap();
        if chown(file.path(), Some(4242), Some(4343)).is_err() {
            return crate::support::skip("root_leaves_a_replaced_file_to_its_owner_and_group", "not root");
        }
        for mode in [0o600, 0o640, 0o400] {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
            file.replace(&[&MasterKey::known()]).unwrap();
            let now = fs::metadata(file.path()).unwrap();
            assert_eq!((now.uid(), now.gid(), now.mode() & 0o7777), (4242, 4343, mode));
        }
    }

    #[test]
    fn many_that_make_the_file_at_once_have_the_same_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("umpin.key");
            let start = std::sync::Barrier::new(8);
            let ids: Vec<KeyId> = std::thread::scope(|scope| {
                let made: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            let ring = KeyFile::new(path.clone()).load_or_create().unwrap();
                            ring.ids().next().unwrap().clone()
                        })
                    })
                    .collect();
                made.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
            assert_eq!(leftovers(&path), Vec::<PathBuf>::new());
        }
    }

    #[test]
    fn debug_output_shows_the_id_alone() {
        let key = MasterKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("MasterKey({})", key.id()));
    }
}
