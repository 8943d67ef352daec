//! What the operating system alone can tell, and needs `unsafe` to ask.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;

/// The account this process runs under, as the system names it.
#[cfg(unix)]
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

/// The account this process runs under, as the system names it.
#[cfg(windows)]
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

/// The account's number, the effective one.
#[cfg(unix)]
pub fn user_id() -> u32 {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// For opening a file: not through a link.
#[cfg(unix)]
pub const NO_FOLLOW: i32 = libc::O_NOFOLLOW;

/// This machine's name.
#[cfg(unix)]
pub fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is one byte longer than the length given, so it stays NUL-terminated.
    let status = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    let end = buffer.iter().position(|b| *b == 0).unwrap_or(0);
    if status == 0 && end > 0 { String::from_utf8_lossy(&buffer[..end]).into_owned() } else { "localhost".into() }
}

/// This machine's name.
#[cfg(windows)]
pub fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "localhost".into())
}

/// Whether `existing` lies on a file system of another machine.
#[cfg(target_os = "linux")]
pub fn is_network_file_system(existing: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    // From linux/magic.h and the file systems' own headers: NFS, SMB, CIFS, SMB2, NCP, AFS, kAFS, CODA, Ceph, 9P, Lustre, GFS2, OCFS2.
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
#[cfg(all(unix, not(target_os = "linux")))]
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

/// Whether `existing` lies on a drive of another machine.
#[cfg(windows)]
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

/// Makes a folder, and its missing parents, that its owner alone can use (0700).
#[cfg(unix)]
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a folder, and its missing parents. What others may do there is the parent's access list.
#[cfg(windows)]
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Ends a child process and, where it leads a group, everything in that group.
pub fn kill_group(child: &mut std::process::Child) {
    #[cfg(unix)]
    if let Ok(leader) = libc::pid_t::try_from(child.id()) {
        // SAFETY: killpg only sends a signal; the child is not waited for yet, so its group still is its own.
        unsafe { libc::killpg(leader, libc::SIGKILL) };
    }
    let _ = child.kill();
}

/// Keeps a pipe that its reader closed from ending the host program: in this thread the write fails instead. Rust's own
/// programs ignore the signal; a C program that loads this library may not.
pub fn block_broken_pipe_signal() {
    #[cfg(unix)]
    {
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset fills the set before it is used, and the mask is this thread's alone.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
            libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
        }
    }
}

/// Lets a hang-up end this program again where whoever started it had that ignored (`nohup`, some service managers):
/// what is ignored is inherited. For a program of our own, never for a host.
pub fn end_by_hangup() {
    #[cfg(unix)]
    // SAFETY: the default action needs no handler, and this is called before there is another thread.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_DFL);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn the_hosts_name_is_the_kernels() {
        let kernels = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(super::host_name(), kernels.trim_end());
    }
}
