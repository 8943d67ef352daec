//! The key file: made once, kept apart from the database, read again whenever it changes.
//!
//! Format: the line `umpin-key 1`, then one key a line, 64 hexadecimal digits. Usually there is one; while
//! Update-UMPinKey runs there are two. Which one is current the store says, by the key's id, which is derived from
//! the key itself, so that a file cannot claim another key's id.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use blake2::Blake2sMac256;
use blake2::digest::{FixedOutput, KeyInit, Update};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::random;
use crate::error::{Error, Result, Status};

const HEADER: &str = "umpin-key 1";
/// A file longer than this is no key file; it is not read further.
const MAX_FILE_LEN: u64 = 4096;

/// Keyed BLAKE2s-256: derives subkeys, chains the audit trail.
pub fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Blake2sMac256::new(key.into());
    for part in parts {
        // Lengths go in, so that ("ab","c") and ("a","bc") differ.
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize_fixed().into()
}

/// A random 256-bit key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    bytes: [u8; 32],
    #[zeroize(skip)]
    id: String,
}

impl MasterKey {
    fn new(bytes: [u8; 32]) -> Self {
        let id = mac(&bytes, &[b"umpin key id"])[..8].iter().map(|b| format!("{b:02x}")).collect();
        Self { bytes, id }
    }

    /// A new one from the operating system's random source.
    pub fn generate() -> Result<Self> {
        Ok(Self::new(random()?))
    }

    /// 16 hexadecimal digits; says nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key for one purpose.
    pub fn subkey(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
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
    pub fn in_memory(key: MasterKey) -> Self {
        Self { path: PathBuf::new(), keys: vec![key] }
    }

    /// The key with this id, or an error that names the file and both ids.
    pub fn get(&self, id: &str) -> Result<&MasterKey> {
        self.keys.iter().find(|k| k.id == id).ok_or_else(|| {
            let held: Vec<&str> = self.keys.iter().map(MasterKey::id).collect();
            Error::new(
                Status::KeyWrong,
                format!(
                    "The key file '{}' holds key {}, but the store is sealed under key {id}. Nothing was changed, and no \
                     sign-in was counted. Put the right key file back; without it no PIN can be checked.",
                    self.path.display(),
                    held.join(", ")
                ),
            )
            .about(self.path.display().to_string())
        })
    }

    /// Whether a key with this id is here.
    pub fn holds(&self, id: &str) -> bool {
        self.keys.iter().any(|k| k.id == id)
    }

    /// Every key's id, in the file's order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(MasterKey::id)
    }
}

/// When the file was seen to be what was read from it.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    #[cfg(unix)]
    inode: (u64, u64, i64),
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            modified: meta.modified().ok(),
            len: meta.len(),
            #[cfg(unix)]
            inode: (meta.dev(), meta.ino(), meta.ctime_nsec()),
        }
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
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a file.
    pub fn exists(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// The keys. A file that is gone, short, exposed or malformed is an error of its own; none is ever made here.
    pub fn load(&self) -> Result<Arc<KeyRing>> {
        let meta = fs::metadata(&self.path).map_err(|e| self.unreadable(&e))?;
        let stamp = Stamp::of(&meta);
        if let Some((seen, ring)) = &*self.seen.read().unwrap_or_else(std::sync::PoisonError::into_inner)
            && *seen == stamp
        {
            return Ok(ring.clone());
        }
        let ring = Arc::new(self.read(&meta)?);
        *self.seen.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((stamp, ring.clone()));
        Ok(ring)
    }

    /// The keys, with a new key's file made first where there is none. Only for a store that names no key yet.
    pub fn load_or_create(&self) -> Result<Arc<KeyRing>> {
        if !self.exists() {
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

    /// Puts a file with these keys in the place of today's, in one step.
    pub fn replace(&self, keys: &[&MasterKey]) -> Result<()> {
        let temporary = self.write_temporary(keys).map_err(|e| self.unwritable(&e))?;
        fs::rename(&temporary, &self.path).map_err(|e| {
            let _ = fs::remove_file(&temporary);
            self.unwritable(&e)
        })?;
        sync_folder(&self.path);
        *self.seen.write().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        Ok(())
    }

    /// Exclusive: the file appears whole or not at all, and never over another.
    fn write_new(&self, keys: &[&MasterKey]) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            crate::store::location::create_folder(folder)?;
        }
        let temporary = self.write_temporary(keys)?;
        let linked = fs::hard_link(&temporary, &self.path);
        let _ = fs::remove_file(&temporary);
        linked?;
        sync_folder(&self.path);
        Ok(())
    }

    fn write_temporary(&self, keys: &[&MasterKey]) -> io::Result<PathBuf> {
        let tag: [u8; 8] = random().map_err(io::Error::other)?;
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{:016x}.new", u64::from_le_bytes(tag)));
        let temporary = PathBuf::from(name);

        let mut text = Zeroizing::new(format!("{HEADER}\n"));
        for key in keys {
            for byte in key.bytes {
                // Written in place: a formatted copy would stay behind unerased.
                const HEX: &[u8; 16] = b"0123456789abcdef";
                text.push(char::from(HEX[usize::from(byte >> 4)]));
                text.push(char::from(HEX[usize::from(byte & 15)]));
            }
            text.push('\n');
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&temporary)?;
        #[cfg(unix)]
        if self.path.parent().is_some_and(crate::store::location::is_shared) {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(fs::Permissions::from_mode(0o640))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(temporary)
    }

    fn read(&self, meta: &fs::Metadata) -> Result<KeyRing> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if meta.mode() & 0o027 != 0 {
                return Err(self.error(
                    Status::KeyExposed,
                    format!(
                        "The key file '{}' can be read by everybody or written by its group (mode {:04o}). It was not used \
                         and nothing was changed. Run chmod 600 on it (640 where a group shares the store); if others may \
                         have read it, then run Update-UMPinKey.",
                        self.path.display(),
                        meta.mode() & 0o7777
                    ),
                ));
            }
        }
        if !meta.is_file() || meta.len() > MAX_FILE_LEN {
            return Err(self.malformed());
        }
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_LEN as usize));
        fs::File::open(&self.path)
            .and_then(|f| f.take(MAX_FILE_LEN).read_to_end(&mut text))
            .map_err(|e| self.unreadable(&e))?;
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

    fn error(&self, status: Status, message: String) -> Error {
        Error::new(status, message).about(self.path.display().to_string())
    }

    fn malformed(&self) -> Error {
        self.error(
            Status::KeyMalformed,
            format!(
                "The key file '{}' is not a key file or is cut short. Nothing was changed and no new key was made. Put the \
                 right key file back.",
                self.path.display()
            ),
        )
    }

    fn unreadable(&self, e: &io::Error) -> Error {
        if e.kind() == io::ErrorKind::NotFound {
            return self.error(
                Status::KeyMissing,
                format!(
                    "The key file '{}' is missing. Nothing was changed and no new key was made, since a new key could not \
                     open what the old one sealed. Put the key file back, or name it in UMPIN_KEY_FILE.",
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
                "The key file '{}' cannot be written: {e}. Nothing was changed. Check the folder's owner and mode, or name \
                 another file in UMPIN_KEY_FILE.",
                self.path.display()
            ),
        )
    }
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

/// Makes a rename or link durable; a file system that cannot is no reason to fail.
fn sync_folder(path: &Path) {
    #[cfg(unix)]
    if let Some(folder) = path.parent()
        && let Ok(folder) = fs::File::open(folder)
    {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("umpin.key"));
        (folder, file)
    }

    #[test]
    fn is_made_once_private_and_read_back() {
        let (_folder, file) = file();
        let id = file.load_or_create().unwrap().ids().next().unwrap().to_owned();
        let again = KeyFile::new(file.path().into());
        assert_eq!(again.load_or_create().unwrap().ids().collect::<Vec<_>>(), [id]);
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
        assert!(!file.exists());
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
        for bad in ["", HEADER, "hello", &whole[..whole.len() - 5], &whole.replace(HEADER, "umpin-key 9")] {
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
            assert_eq!(file.load().is_ok(), fine, "{mode:o}");
        }
    }

    #[test]
    fn debug_output_shows_the_id_alone() {
        let key = MasterKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("MasterKey({})", key.id()));
    }
}
