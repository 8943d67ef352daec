//! Windows.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;

/// The account this process runs under, as the system names it.
pub fn account() -> String {
    use std::os::windows::ffi::OsStringExt;
    #[link(name = "secur32")]
    unsafe extern "system" {
        fn GetUserNameExW(format: i32, buffer: *mut u16, size: *mut u32) -> u8;
    }
    const NAME_SAM_COMPATIBLE: i32 = 2;
    let mut buffer = vec![0u16; 512];
    let mut size = buffer.len() as u32;
    // SAFETY: the buffer has `size` places.
    if unsafe { GetUserNameExW(NAME_SAM_COMPATIBLE, buffer.as_mut_ptr(), &raw mut size) } != 0 {
        return std::ffi::OsString::from_wide(&buffer[..size as usize]).to_string_lossy().into_owned();
    }
    std::env::var("USERNAME").unwrap_or_else(|_| "unknown".into())
}

/// This machine's name.
pub fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "localhost".into())
}

/// Whether `existing` lies on a drive of another machine.
pub fn is_network_file_system(existing: &Path) -> bool {
    use std::os::windows::ffi::OsStrExt;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetDriveTypeW(root: *const u16) -> u32;
    }
    const DRIVE_REMOTE: u32 = 4;
    let full = std::path::absolute(existing).unwrap_or_else(|_| existing.into());
    let Some(std::path::Component::Prefix(prefix)) = full.components().next() else { return false };
    let mut root: Vec<u16> = prefix.as_os_str().encode_wide().collect();
    root.extend([u16::from(b'\\'), 0]);
    // SAFETY: the text is NUL-terminated.
    unsafe { GetDriveTypeW(root.as_ptr()) == DRIVE_REMOTE }
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

/// Bytes that this account can still write where the folder `existing` lies.
pub fn free_space(existing: &Path) -> io::Result<u64> {
    use std::os::windows::ffi::OsStrExt;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetDiskFreeSpaceExW(folder: *const u16, free: *mut u64, total: *mut u64, all_free: *mut u64) -> i32;
    }
    let mut folder: Vec<u16> = existing.as_os_str().encode_wide().collect();
    folder.push(0);
    let mut free = 0;
    // SAFETY: the text is NUL-terminated, and what is not asked for may be null.
    let done =
        unsafe { GetDiskFreeSpaceExW(folder.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut()) };
    if done != 0 { Ok(free) } else { Err(io::Error::last_os_error()) }
}

/// Makes a folder, and its missing parents. What others may do there is the parent's access list.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// A child's own children outlive it here.
pub fn end_group(_child: &std::process::Child) {}

/// Windows has no such signal: a write to a pipe that its reader closed fails.
pub fn block_broken_pipe_signal() {}

/// Windows ends a console program whose window is closed.
pub fn end_by_hangup() {}
