//! Windows. The few functions of Win32 that are needed are declared where they are used, each as Microsoft's page of
//! its name has it; no crate of bindings is worth its size here.
#![allow(unsafe_code)]

mod access;
mod files;
mod processes;

pub use access::*;
pub use files::*;
pub use processes::*;

use std::ffi::{OsString, c_void};
use std::path::{Component, Path, PathBuf, Prefix};

/// This machine's name, as the system has it: a variable can be changed by whoever starts the program.
pub fn host_name() -> String {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetComputerNameExW(kind: i32, buffer: *mut u16, size: *mut u32) -> i32;
    }
    const DNS_HOST_NAME: i32 = 1;
    let mut buffer = vec![0u16; 256];
    let mut size = buffer.len() as u32;
    // SAFETY: the buffer has `size` places.
    let told = unsafe { GetComputerNameExW(DNS_HOST_NAME, buffer.as_mut_ptr(), &raw mut size) };
    let name = buffer.get(..size as usize).filter(|name| told != 0 && !name.is_empty());
    name.map_or_else(|| "localhost".into(), String::from_utf16_lossy)
}

/// A path or a text as Win32 wants it. A NUL within would end it early, so it gives nothing that exists.
fn wide(text: impl AsRef<std::ffi::OsStr>) -> Vec<u16> {
    use std::os::windows::ffi::OsStrExt;
    let units = text.as_ref().encode_wide();
    units.map(|unit| if unit == 0 { u16::from(b'?') } else { unit }).chain([0]).collect()
}

/// The same for a path, however long it is.
fn wide_path(path: &Path) -> Vec<u16> {
    wide(without_limit(path))
}

/// The path in full behind `\\?\`, where the usual limit of 260 characters does not hold.
pub fn without_limit(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let mut parts = full.components();
    let Some(Component::Prefix(prefix)) = parts.next() else { return full };
    let mut long = match prefix.kind() {
        Prefix::Disk(letter) => OsString::from(format!(r"\\?\{}:", char::from(letter))),
        Prefix::UNC(server, share) => {
            let mut long = OsString::from(r"\\?\UNC\");
            long.push(server);
            long.push(r"\");
            long.push(share);
            long
        }
        // It has it, or means a device.
        _ => return full,
    };
    // The root of a drive is written with its backslash, and every name behind one.
    let names: Vec<_> = parts.filter(|part| *part != Component::RootDir).map(|part| part.as_os_str()).collect();
    long.push(r"\");
    long.push(names.join(std::ffi::OsStr::new(r"\")));
    long.into()
}

/// The path in full as SQLite shares it well: without `\\?\`, with the short names of its folders where it is too long
/// as it is, and behind `\\?\` only where those are not short enough or the disk keeps none ([`is_behind_prefix`]).
/// SQLite takes what begins with two backslashes for a share. There all connections of a process lock the log's index
/// by one handle, and of threads at once one gives back a lock that another still needs, or none does.
pub fn for_sqlite(path: &Path) -> PathBuf {
    // MAX_PATH without its end, less what SQLite adds: "-journal".
    const LONGEST: usize = 260 - 1 - 8;
    let plain = |full: &Path| {
        let plain = full.to_str()?.strip_prefix(r"\\?\")?;
        let is_short = plain.as_bytes().get(1) == Some(&b':') && plain.encode_utf16().count() <= LONGEST;
        is_short.then(|| PathBuf::from(plain))
    };
    let full = without_limit(path);
    let by_short_names = || Some(short_names(full.parent()?)?.join(full.file_name()?));
    plain(&full).or_else(|| plain(&by_short_names()?)).unwrap_or(full)
}

/// Whether a path begins with `\\?\`.
pub fn is_behind_prefix(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().starts_with(br"\\?\")
}

/// A folder's path by the names of eight letters and three that the disk keeps beside longer ones.
fn short_names(folder: &Path) -> Option<PathBuf> {
    use std::os::windows::ffi::OsStringExt;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetShortPathNameW(long: *const u16, short: *mut u16, size: u32) -> u32;
    }
    let long = wide(folder);
    // No name gets longer by it.
    let mut short = vec![0u16; long.len()];
    // SAFETY: the name is NUL-terminated, and the buffer has the size given.
    let length = unsafe { GetShortPathNameW(long.as_ptr(), short.as_mut_ptr(), short.len() as u32) } as usize;
    short.get(..length).filter(|short| !short.is_empty()).map(|short| OsString::from_wide(short).into())
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn CloseHandle(handle: *mut c_void) -> i32;
    fn LocalFree(memory: *mut c_void) -> *mut c_void;
}

/// The machine's memory in bytes; 0 where it does not tell.
pub fn memory() -> u64 {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetPhysicallyInstalledSystemMemory(kib: *mut u64) -> i32;
    }
    let mut kib = 0;
    // SAFETY: the place is valid for the call.
    if unsafe { GetPhysicallyInstalledSystemMemory(&raw mut kib) } != 0 { kib.saturating_mul(1024) } else { 0 }
}

/// The system decides by itself.
pub(super) fn prefer_large_pages(_memory: &mut [u64]) {}

/// The system gives each page when it is written to.
pub(super) fn give_pages(_start: usize, _length: usize) {}

/// Windows has no such signal: a write to a pipe that its reader closed fails.
pub fn block_broken_pipe_signal() {}

/// Windows ends a console program whose window is closed.
pub fn end_by_hangup() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_without_a_limit_is_the_same_path() {
        for (path, full) in [
            (r"C:\a\b", r"\\?\C:\a\b"),
            (r"C:\", r"\\?\C:\"),
            (r"C:/a/./b/../c", r"\\?\C:\a\c"),
            (r"\\server\share\a", r"\\?\UNC\server\share\a"),
            (r"\\?\C:\a", r"\\?\C:\a"),
            (r"\\.\pipe\a", r"\\.\pipe\a"),
        ] {
            assert_eq!(without_limit(Path::new(path)), Path::new(full), "{path}");
            assert_eq!(wide_path(Path::new(path)), wide(full), "{path}");
        }
        assert!(without_limit(Path::new(".")).to_str().unwrap().starts_with(r"\\?\"));
    }

    #[test]
    fn sqlite_is_given_a_drives_letter_first_unless_the_path_is_long() {
        let given = |path: &str| for_sqlite(Path::new(path)).to_str().unwrap().to_owned();
        assert_eq!(given(r"C:\a\.\b\..\um.db"), r"C:\a\um.db");
        assert_eq!(given(r"\\?\C:\a\um.db"), r"C:\a\um.db");
        assert_eq!(given(r"\\server\share\um.db"), r"\\?\UNC\server\share\um.db");
        let long = format!(r"C:\no such folder {}\um.db", "x".repeat(260)).replace("xx", r"\x");
        assert_eq!(given(&long), format!(r"\\?\{long}"), "nothing has a short name that is not there");
        let fits = format!(r"C:\{}.db", "x".repeat(245));
        assert_eq!(given(&fits), fits);
        assert!(is_behind_prefix(Path::new(&given(&fits.replace(".db", "x.db")))));
    }
}
