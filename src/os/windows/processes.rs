//! Programs that this one starts.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command};
use std::ptr::null;

use super::CloseHandle;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn CreateJobObjectW(attributes: *const c_void, name: *const u16) -> *mut c_void;
    fn AssignProcessToJobObject(job: *mut c_void, process: *mut c_void) -> i32;
    fn TerminateJobObject(job: *mut c_void, code: u32) -> i32;
    fn CreateToolhelp32Snapshot(what: u32, process: u32) -> *mut c_void;
    fn Thread32First(snapshot: *mut c_void, entry: *mut ThreadEntry) -> i32;
    fn Thread32Next(snapshot: *mut c_void, entry: *mut ThreadEntry) -> i32;
    fn OpenThread(access: u32, inherit: i32, thread: u32) -> *mut c_void;
    fn ResumeThread(thread: *mut c_void) -> u32;
}

/// THREADENTRY32.
#[repr(C)]
#[derive(Default)]
struct ThreadEntry {
    size: u32,
    usage: u32,
    thread: u32,
    process: u32,
    priorities: [i32; 2],
    flags: u32,
}

/// A child process with everything that it starts: a job, of which nothing that is in it can leave.
pub struct Family {
    job: OwnedHandle,
}

impl Family {
    /// Starts `command` as the head of a family of its own, without a window.
    pub fn start(command: &mut Command) -> io::Result<(Self, Child)> {
        const NO_WINDOW: u32 = 0x0800_0000;
        const SUSPENDED: u32 = 4;
        // SAFETY: neither attributes nor a name are needed.
        let job = unsafe { CreateJobObjectW(null(), null()) };
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is valid and nobody else's.
        let family = Self { job: unsafe { OwnedHandle::from_raw_handle(job) } };
        // It starts in the job and not before: what it would start earlier would be outside.
        let mut child = command.creation_flags(NO_WINDOW | SUSPENDED).spawn()?;
        // SAFETY: both handles are valid.
        let joined = unsafe { AssignProcessToJobObject(family.job.as_raw_handle(), child.as_raw_handle()) } != 0;
        let begun = if joined { resume(child.id()) } else { Err(io::Error::last_os_error()) };
        if let Err(e) = begun {
            let _ = child.kill();
            let _ = child.wait();
            return Err(e);
        }
        Ok((family, child))
    }

    /// Ends all of them.
    pub fn kill(&self, child: &mut Child) {
        // SAFETY: the handle is the job's.
        unsafe { TerminateJobObject(self.job.as_raw_handle(), 1) };
        let _ = child.kill();
    }
}

/// Lets the threads of a process that was started suspended run; it has one.
fn resume(process: u32) -> io::Result<()> {
    const THREADS: u32 = 4;
    const SUSPEND_RESUME: u32 = 2;
    // SAFETY: the call takes no pointer.
    let snapshot = unsafe { CreateToolhelp32Snapshot(THREADS, 0) };
    if snapshot as isize == -1 {
        return Err(io::Error::last_os_error());
    }
    let mut entry = ThreadEntry { size: size_of::<ThreadEntry>() as u32, ..ThreadEntry::default() };
    let mut result = Err(io::Error::from(io::ErrorKind::NotFound));
    // SAFETY: the snapshot is valid until it is closed below, and the entry tells its own size.
    let mut more = unsafe { Thread32First(snapshot, &raw mut entry) } != 0;
    while more {
        if entry.process == process {
            // SAFETY: the handle, where there is one, is used and closed here alone.
            let resumed = unsafe {
                let thread = OpenThread(SUSPEND_RESUME, 0, entry.thread);
                let resumed = !thread.is_null() && ResumeThread(thread) != u32::MAX;
                let error = io::Error::last_os_error();
                if !thread.is_null() {
                    CloseHandle(thread);
                }
                if resumed { Ok(()) } else { Err(error) }
            };
            result = resumed;
            if result.is_err() {
                break;
            }
        }
        // SAFETY: as above.
        more = unsafe { Thread32Next(snapshot, &raw mut entry) } != 0;
    }
    // SAFETY: the snapshot is not used again.
    unsafe { CloseHandle(snapshot) };
    result
}
