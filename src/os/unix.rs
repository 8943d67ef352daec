//! Unix: Linux, macOS and their like.
#![allow(unsafe_code)]

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::process::{Child, Command};

/// The account this process runs under, as the system names it.
pub fn account() -> String {
    // SAFETY: geteuid takes nothing and cannot fail.
    let uid = unsafe { libc::geteuid() };
    let mut entry = std::mem::MaybeUninit::<libc::passwd>::uninit();
    let mut buffer = vec![0 as libc::c_char; 4096];
    let mut found = std::ptr::null_mut();
    // SAFETY: all pointers are valid for the call, and the length is the buffer's own.
    let status =
        unsafe { libc::getpwuid_r(uid, entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found) };
    if status != 0 || found.is_null() {
        return format!("uid {uid}");
    }
    // SAFETY: found is not null, so the entry is filled and its name points into the buffer, NUL-terminated.
    let name = unsafe { std::ffi::CStr::from_ptr((*found).pw_name) };
    name.to_string_lossy().into_owned()
}

/// The account's number, the effective one.
pub fn user_id() -> u32 {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// For opening a file: not through a link.
pub const NO_FOLLOW: i32 = libc::O_NOFOLLOW;

/// This machine's name.
pub fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is one byte longer than the length given, so it stays NUL-terminated.
    let status = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    let end = buffer.iter().position(|b| *b == 0).unwrap_or(0);
    if status == 0 && end > 0 { String::from_utf8_lossy(&buffer[..end]).into_owned() } else { "localhost".into() }
}

/// Whether `existing` lies on a file system of another machine.
#[cfg(target_os = "linux")]
pub fn is_network_file_system(existing: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    // From linux/magic.h and the file systems' own headers: NFS, SMB, CIFS, SMB2, NCP, AFS, kAFS, CODA, Ceph, 9P,
    // Lustre, GFS2, OCFS2.
    const NETWORK: [u32; 13] = [
        0x6969,
        0x517B,
        0xFF53_4D42,
        0xFE53_4D42,
        0x564C,
        0x5346_414F,
        0x6B41_4653,
        0x7375_7245,
        0x00C3_6400,
        0x0102_1997,
        0x0BD0_0BD0,
        0x0116_1970,
        0x7461_636F,
    ];
    let Ok(path) = std::ffi::CString::new(existing.as_os_str().as_bytes()) else { return false };
    let mut told = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path is NUL-terminated and `told` has room for the answer.
    if unsafe { libc::statfs(path.as_ptr(), told.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: statfs returned 0, so the answer is filled.
    let told = unsafe { told.assume_init() };
    NETWORK.contains(&(told.f_type as u32))
}

/// Whether `existing` lies on a file system of another machine.
#[cfg(not(target_os = "linux"))]
pub fn is_network_file_system(existing: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(existing.as_os_str().as_bytes()) else { return false };
    let mut told = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path is NUL-terminated and `told` has room for the answer.
    if unsafe { libc::statfs(path.as_ptr(), told.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: statfs returned 0, so the answer is filled.
    let told = unsafe { told.assume_init() };
    (told.f_flags as u32) & (libc::MNT_LOCAL as u32) == 0
}

/// The machine's memory in bytes; 0 where it does not tell.
pub fn memory() -> u64 {
    // SAFETY: sysconf only reads, and answers -1 to what it does not know.
    let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    u64::try_from(pages).unwrap_or(0).saturating_mul(u64::try_from(size).unwrap_or(0))
}

/// Asks for large pages under memory that is to be filled whole: a program that lives for one hash spends as long on
/// the faults of small ones as on half the hash. A wish, which changes nothing but time.
#[cfg(target_os = "linux")]
pub(super) fn prefer_large_pages(memory: &mut [u64]) {
    // SAFETY: sysconf only reads.
    let Ok(page) = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }) else { return };
    let start = memory.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(page);
    let Some(whole) = size_of_val(memory).checked_sub(skipped).map(|left| left - left % page) else { return };
    // SAFETY: these are whole pages within the memory that was lent, and what stands in them stays as it is.
    unsafe { libc::madvise(start.add(skipped).cast(), whole, libc::MADV_HUGEPAGE) };
}

/// The system decides by itself.
#[cfg(not(target_os = "linux"))]
pub(super) fn prefer_large_pages(_memory: &mut [u64]) {}

/// Has the system give these pages, as if each were written to. Linux before 5.14 does not know of it.
#[cfg(target_os = "linux")]
pub(super) fn give_pages(start: usize, length: usize) {
    // SAFETY: it changes nothing that stands in any memory, and is an error where there is none.
    unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_POPULATE_WRITE) };
}

/// The system gives each page when it is written to.
#[cfg(not(target_os = "linux"))]
pub(super) fn give_pages(_start: usize, _length: usize) {}

/// Bytes that this account can still write where `existing` lies.
#[allow(clippy::unnecessary_cast)] // The counts have other types on other systems.
pub fn free_space(existing: &Path) -> io::Result<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(existing.as_os_str().as_bytes())?;
    let mut told = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is NUL-terminated and `told` has room for the answer.
    if unsafe { libc::statvfs(path.as_ptr(), told.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: statvfs returned 0, so the answer is filled.
    let told = unsafe { told.assume_init() };
    Ok((told.f_bavail as u64).saturating_mul(told.f_frsize as u64))
}

/// Whether a link lies at `path`.
pub fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|m| m.is_symlink())
}

/// As `fs::symlink_metadata`.
pub fn metadata_of_link(path: &Path) -> io::Result<Metadata> {
    path.symlink_metadata()
}

/// Makes a folder, and its missing parents, that its owner alone can use (0700).
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file that must not be there yet, for reading and writing, that its owner alone can use (0600).
pub fn create_private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Renames a file over another or to a new name. On disk when this returns.
pub fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    sync_folder_of(to);
    Ok(())
}

/// Renames a file to a name that must not be taken: `AlreadyExists` where it is. On disk when this returns.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from)?,
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(e),
        // exFAT, FAT and some mounts know no second name of a file.
        Err(e) => rename_exclusively(from, to).map_err(|own| match own.kind() {
            io::ErrorKind::AlreadyExists => own,
            _ => e,
        })?,
    }
    sync_folder_of(to);
    Ok(())
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let name = |path: &Path| std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
    let (from, to) = (name(from)?, name(to)?);
    // SAFETY: both names are NUL-terminated.
    #[cfg(target_os = "linux")]
    let status =
        unsafe { libc::renameat2(libc::AT_FDCWD, from.as_ptr(), libc::AT_FDCWD, to.as_ptr(), libc::RENAME_NOREPLACE) };
    // SAFETY: both names are NUL-terminated.
    #[cfg(target_vendor = "apple")]
    let status = unsafe { libc::renamex_np(from.as_ptr(), to.as_ptr(), libc::RENAME_EXCL) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_exclusively(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes a new name durable; a file system that cannot is no reason to fail.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Unix forbids nothing for a moment only.
pub fn retry<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    work()
}

/// Tells a file and its state from every other: the device, the number there, and when its contents, its name or its
/// rights were last changed.
pub fn change_mark(file: &File) -> io::Result<[u64; 4]> {
    use std::os::unix::fs::MetadataExt;
    let meta = file.metadata()?;
    Ok([meta.dev(), meta.ino(), meta.ctime().cast_unsigned(), meta.ctime_nsec().cast_unsigned()])
}

/// A child process with everything that it starts: a group.
pub struct Family;

impl Family {
    /// Starts `command` as the head of a family of its own.
    pub fn start(command: &mut Command) -> io::Result<(Self, Child)> {
        use std::os::unix::process::CommandExt;
        Ok((Self, command.process_group(0).spawn()?))
    }

    /// Ends all of them.
    pub fn kill(&self, child: &mut Child) {
        if let Ok(leader) = libc::pid_t::try_from(child.id()) {
            // SAFETY: killpg only sends a signal; the child is not waited for yet, so its group still is its own.
            unsafe { libc::killpg(leader, libc::SIGKILL) };
        }
        let _ = child.kill();
    }
}

/// Keeps a pipe that its reader closed from ending the host program: in this thread the write fails instead. Rust's own
/// programs ignore the signal; a C program that loads this library may not.
pub fn block_broken_pipe_signal() {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset fills the set before it is used, and the mask is this thread's alone.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
    }
}

/// Lets a hang-up end this program again where whoever started it had that ignored (`nohup`, some service managers):
/// what is ignored is inherited. For a program of our own, never for a host.
pub fn end_by_hangup() {
    // SAFETY: the default action needs no handler, and this is called before there is another thread.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_DFL);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn where_there_are_no_hard_links_a_name_is_still_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("new"), "new").unwrap();
        std::fs::write(at("taken"), "theirs").unwrap();
        let told = super::rename_exclusively(&at("new"), &at("taken")).unwrap_err();
        assert_eq!(told.kind(), std::io::ErrorKind::AlreadyExists);
        super::rename_exclusively(&at("new"), &at("free")).unwrap();
        assert_eq!(std::fs::read_to_string(at("free")).unwrap(), "new");
        assert_eq!(std::fs::read_to_string(at("taken")).unwrap(), "theirs");
    }
}
