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

/// The path in full, and behind `\\?\` only where it is too long without. SQLite takes what begins with two backslashes
/// for a share; there all connections of a process lock by one handle, and threads at once keep locks that nobody gives
/// back.
pub fn without_limit_if_long(path: &Path) -> PathBuf {
    // MAX_PATH without its end, less what SQLite adds: "-journal".
    const LONGEST: usize = 260 - 1 - 8;
    let full = without_limit(path);
    let plain = full.to_str().and_then(|full| full.strip_prefix(r"\\?\"));
    match plain.filter(|plain| plain.as_bytes().get(1) == Some(&b':') && plain.len() <= LONGEST) {
        Some(plain) => plain.into(),
        None => full,
    }
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
pub fn prefer_large_pages<T>(_memory: &mut [std::mem::MaybeUninit<T>]) {}

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
        }
        assert!(without_limit(Path::new(".")).to_str().unwrap().starts_with(r"\\?\"));
    }

    #[test]
    fn sqlite_is_given_a_drives_letter_first_unless_the_path_is_long() {
        let given = |path: &str| without_limit_if_long(Path::new(path)).to_str().unwrap().to_owned();
        assert_eq!(given(r"C:\a\.\b\..\um.db"), r"C:\a\um.db");
        assert_eq!(given(r"\\?\C:\a\um.db"), r"C:\a\um.db");
        assert_eq!(given(r"\\server\share\um.db"), r"\\?\UNC\server\share\um.db");
        let long = format!(r"C:\{}\um.db", "x".repeat(250));
        assert_eq!(given(&long), format!(r"\\?\{long}"));
    }
}
