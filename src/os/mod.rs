//! What the operating system alone can tell. [`crate::ffi`] and this folder are the only places with `unsafe`.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::{Error, Result, Status};

/// Fills `N` bytes from the operating system's random source.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0u8; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| {
        Error::new(Status::Internal, "The operating system gave no random numbers. Nothing was changed.")
    })?;
    Ok(bytes)
}

/// Ends a child process and, where it leads a group, everything in that group.
pub fn kill_group(child: &mut std::process::Child) {
    end_group(child);
    let _ = child.kill();
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
