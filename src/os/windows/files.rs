//! Files, folders and where they lie.

use std::ffi::c_void;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Component, Path, Prefix};
use std::ptr::null_mut;
use std::time::{Duration, Instant};

use super::access::{PrivateList, SecurityAttributes};
use super::{wide, wide_path};

#[link(name = "kernel32")]
unsafe extern "system" {
    fn CreateDirectoryW(name: *const u16, attributes: *const SecurityAttributes) -> i32;
    fn CreateFileW(
        name: *const u16,
        access: u32,
        share: u32,
        attributes: *const SecurityAttributes,
        disposition: u32,
        flags: u32,
        template: *mut c_void,
    ) -> *mut c_void;
    fn GetDiskFreeSpaceExW(folder: *const u16, free: *mut u64, total: *mut u64, all_free: *mut u64) -> i32;
    fn GetDriveTypeW(root: *const u16) -> u32;
    fn GetFileAttributesExW(name: *const u16, level: i32, facts: *mut AttributeData) -> i32;
    fn GetFileInformationByHandle(file: *mut c_void, facts: *mut HandleInformation) -> i32;
    fn GetFileInformationByHandleEx(file: *mut c_void, class: i32, facts: *mut BasicInformation, size: u32) -> i32;
    fn MoveFileExW(from: *const u16, to: *const u16, flags: u32) -> i32;
}

/// WIN32_FILE_ATTRIBUTE_DATA.
#[repr(C)]
struct AttributeData {
    attributes: u32,
    times: [u32; 6],
    size_high: u32,
    size_low: u32,
}

/// BY_HANDLE_FILE_INFORMATION.
#[repr(C)]
#[derive(Default)]
struct HandleInformation {
    attributes: u32,
    times: [u32; 6],
    volume: u32,
    size: [u32; 2],
    links: u32,
    index_high: u32,
    index_low: u32,
}

/// FILE_BASIC_INFO.
#[repr(C)]
#[derive(Default)]
struct BasicInformation {
    created: i64,
    read: i64,
    written: i64,
    changed: i64,
    attributes: u32,
}

/// What a directory knows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A link or a junction.
    pub is_link: bool,
    /// Bytes.
    pub length: u64,
}

/// What lies at `path`, asked by its name: `fs::metadata` opens the file, which a reader elsewhere can feel and a
/// folder's rights need not allow. Errors are as those of [`metadata_of_link`].
pub fn entry(path: &Path) -> io::Result<Entry> {
    const REPARSE_POINT: u32 = 0x400;
    let name = wide_path(path);
    let mut facts = AttributeData { attributes: 0, times: [0; 6], size_high: 0, size_low: 0 };
    // SAFETY: the name is NUL-terminated and `facts` has the layout that level 0 asks for.
    if unsafe { GetFileAttributesExW(name.as_ptr(), 0, &raw mut facts) } == 0 {
        return Err(not_found_or_more(path, io::Error::last_os_error()));
    }
    let length = u64::from(facts.size_high) << 32 | u64::from(facts.size_low);
    Ok(Entry { is_link: facts.attributes & REPARSE_POINT != 0, length })
}

/// Whether a link or a junction lies at `path`.
pub fn is_link(path: &Path) -> bool {
    entry(path).is_ok_and(|entry| entry.is_link)
}

/// As `fs::symlink_metadata`, but a file below a file, or on a drive that is not there, is an error of its own and not
/// one of a missing file, which is what the system says of both.
pub fn metadata_of_link(path: &Path) -> io::Result<Metadata> {
    path.symlink_metadata().map_err(|e| not_found_or_more(path, e))
}

fn not_found_or_more(path: &Path, error: io::Error) -> io::Error {
    const NOT_READY: i32 = 21;
    if error.kind() != io::ErrorKind::NotFound {
        return error;
    }
    if drive_type(path).is_some_and(|kind| kind <= NO_SUCH_DRIVE) {
        return io::Error::from_raw_os_error(NOT_READY);
    }
    let above = path.ancestors().skip(1).find_map(|folder| folder.metadata().ok());
    if above.is_some_and(|above| !above.is_dir()) { io::ErrorKind::NotADirectory.into() } else { error }
}

/// What GetDriveTypeW says where there is no such drive.
const NO_SUCH_DRIVE: u32 = 1;
const REMOTE_DRIVE: u32 = 4;

/// The kind of the drive that a path begins with.
fn drive_type(path: &Path) -> Option<u32> {
    let full = std::path::absolute(path).ok()?;
    let Some(Component::Prefix(prefix)) = full.components().next() else { return None };
    let root = match prefix.kind() {
        Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => format!("{}:\\", char::from(letter)).into(),
        _ => {
            let mut root = prefix.as_os_str().to_owned();
            root.push("\\");
            root
        }
    };
    let root = wide(root);
    // SAFETY: the text is NUL-terminated.
    Some(unsafe { GetDriveTypeW(root.as_ptr()) })
}

/// Whether `existing` lies on another machine, be it behind a mapped drive, a link or a junction.
pub fn is_network_file_system(existing: &Path) -> bool {
    // Follows links and junctions; a mapped drive becomes the share that it stands for.
    let full = existing.canonicalize().or_else(|_| std::path::absolute(existing)).unwrap_or_else(|_| existing.into());
    let is_share = full.components().next().is_some_and(|first| match first {
        Component::Prefix(prefix) => matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)),
        _ => false,
    });
    is_share || drive_type(&full) == Some(REMOTE_DRIVE)
}

/// Bytes that this account can still write where the folder `existing` lies.
pub fn free_space(existing: &Path) -> io::Result<u64> {
    let folder = wide_path(existing);
    let mut free = 0;
    // SAFETY: the text is NUL-terminated, and what is not asked for may be null.
    let told = unsafe { GetDiskFreeSpaceExW(folder.as_ptr(), &raw mut free, null_mut(), null_mut()) };
    if told == 0 { Err(io::Error::last_os_error()) } else { Ok(free) }
}

/// Makes a folder, and its missing parents, for SYSTEM, Administrators and this account alone: nothing is inherited,
/// and what is made in it inherits that.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_private_folder(parent)?;
    }
    let list = PrivateList::of_folder()?;
    let attributes = list.attributes();
    let name = wide_path(folder);
    // SAFETY: name and attributes live during the call.
    if unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) } == 0 {
        let error = io::Error::last_os_error();
        // Another process was first.
        return if folder.is_dir() { Ok(()) } else { Err(error) };
    }
    Ok(())
}

/// Makes a file that must not be there yet, for reading and writing, which SYSTEM, Administrators and this account may
/// read and write, and whom the folder's own list names, unless that names nearly everybody.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    use std::os::windows::io::FromRawHandle;
    const GENERIC_READ_AND_WRITE: u32 = 0xC000_0000;
    const SHARE_ALL: u32 = 7;
    const CREATE_NEW: u32 = 1;
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let list = PrivateList::of_file(folder)?;
    let attributes = list.attributes();
    let name = wide_path(path);
    // SAFETY: name and attributes live during the call.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            GENERIC_READ_AND_WRITE,
            SHARE_ALL,
            &raw const attributes,
            CREATE_NEW,
            OPEN_REPARSE_POINT,
            null_mut(),
        )
    };
    if handle as isize == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is valid and nobody else's.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Does what a virus scanner or another process may forbid for a moment: a file that somebody reads cannot be replaced
/// on every file system, nor be opened while it is scanned.
pub fn retry<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    /// ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_DELETE_PENDING,
    /// ERROR_USER_MAPPED_FILE.
    const FOR_A_MOMENT: [i32; 5] = [5, 32, 33, 303, 1224];
    const ENOUGH: Duration = Duration::from_secs(2);
    let since = Instant::now();
    loop {
        match work() {
            Err(e) if e.raw_os_error().is_some_and(|code| FOR_A_MOMENT.contains(&code)) && since.elapsed() < ENOUGH => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Renames a file over another or to a new name. On disk when this returns.
pub fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    // The standard library's rename takes the place of a file that others have open, where the file system can.
    retry(|| std::fs::rename(from, to))?;
    // The name is in the file system's log before the file's next flush returns.
    retry(|| File::options().write(true).open(to)).and_then(|file| file.sync_all()).or(Ok(()))
}

/// Renames a file to a name that must not be taken: `AlreadyExists` where it is. On disk when this returns. Needs no
/// hard links, which exFAT has not.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    const WRITE_THROUGH: u32 = 8;
    let (from, to) = (wide_path(from), wide_path(to));
    retry(|| {
        // SAFETY: both names are NUL-terminated.
        match unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), WRITE_THROUGH) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    })
}

/// Tells a file and its state from every other: the volume, the number there, and when its contents, its name or its
/// access list were last changed.
pub fn change_mark(file: &File) -> io::Result<[u64; 4]> {
    use std::os::windows::io::AsRawHandle;
    const BASIC: i32 = 0;
    let (mut which, mut when) = (HandleInformation::default(), BasicInformation::default());
    // SAFETY: the handle is open, and both have the layout and the size that the calls fill.
    let told = unsafe {
        GetFileInformationByHandle(file.as_raw_handle(), &raw mut which) != 0
            && GetFileInformationByHandleEx(
                file.as_raw_handle(),
                BASIC,
                &raw mut when,
                size_of::<BasicInformation>() as u32,
            ) != 0
    };
    if !told {
        return Err(io::Error::last_os_error());
    }
    let index = u64::from(which.index_high) << 32 | u64::from(which.index_low);
    Ok([which.volume.into(), index, when.changed.cast_unsigned(), when.written.cast_unsigned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Who opens a file to ask of it keeps its name taken until it is closed, where a file that is removed waits for
    /// that.
    #[test]
    fn whoever_asks_for_a_file_does_not_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("um.db");
        let (asked, done) = (std::sync::Barrier::new(4), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    asked.wait();
                    while !done.load(Ordering::Relaxed) {
                        let _ = entry(&path);
                    }
                });
            }
            asked.wait();
            let taken = (0..2000).find_map(|_| {
                let made = File::create_new(&path).map(drop);
                made.and_then(|()| std::fs::remove_file(&path)).err()
            });
            done.store(true, Ordering::Relaxed);
            assert!(taken.is_none(), "{taken:?}");
        });
    }
}
