//! What the operating system alone can tell. [`crate::ffi`] and this folder are the only places with `unsafe`.

mod hash_memory;
pub use hash_memory::{HashMemory, Pages};
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    #[test]
    fn a_name_that_is_taken_is_never_renamed_over_and_one_that_is_free_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("new"), "new").unwrap();
        fs::write(at("taken"), "theirs").unwrap();
        assert_eq!(super::rename_new(&at("new"), &at("taken")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(at("taken")).unwrap(), "theirs");
        super::rename_new(&at("new"), &at("free")).unwrap();
        assert_eq!(fs::read_to_string(at("free")).unwrap(), "new");
        assert!(!at("new").exists());
        super::rename_over(&at("free"), &at("taken")).unwrap();
        assert_eq!(fs::read_to_string(at("taken")).unwrap(), "new");
    }

    #[test]
    fn a_private_file_is_new_or_not_made_and_gives_back_what_is_written() {
        use std::io::{Read, Seek, Write};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("private");
        let mut made = super::create_private_file(&file).unwrap();
        made.write_all(b"written").unwrap();
        made.rewind().unwrap();
        let mut read = String::new();
        made.read_to_string(&mut read).unwrap();
        assert_eq!(read, "written");
        assert_eq!(super::create_private_file(&file).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_hosts_name_is_the_kernels() {
        let kernels = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(super::host_name(), kernels.trim_end());
    }
}
