//! `--sign`: everything in the modules that a policy of AllSigned looks at.
//!
//! The certificate is a PKCS #12 file that `UMPIN_SIGN_CERTIFICATE` names; its password is the first line of the file
//! that `UMPIN_SIGN_PASSWORD_FILE` names, since arguments can be read in the process list; `UMPIN_SIGN_TIMESTAMP` is
//! the address of a time-stamp server (RFC 3161), without which a signature ends with the certificate.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::Packaging;
use crate::console::{Parts, say};
use crate::machine::{Machine, find_program};
use crate::module::files_below;
use crate::powershell::PowerShell;
use crate::process::succeeds;
use crate::{Failure, failure};

pub const OSSLSIGNCODE: &str = "osslsigncode";
const SIGNED: [&str; 7] = ["dll", "ps1", "psm1", "psd1", "ps1xml", "psrc", "pssc"];

/// Signs what lies in a module's folder. What cannot be signed here is a part that is skipped, and is said.
pub fn sign(packaging: &Packaging, folder: &Path, parts: &mut Parts) -> Result<(), Failure> {
    let Some(certificate) = env::var_os("UMPIN_SIGN_CERTIFICATE").filter(|file| !file.is_empty()) else {
        parts.skip("signing", "UMPIN_SIGN_CERTIFICATE names no certificate, so the modules are unsigned");
        return Ok(());
    };
    if cfg!(windows) {
        let powershell = PowerShell::default();
        let pwsh = powershell.find(packaging.machine).map_err(failure)?;
        let mut command = packaging.machine.command(pwsh);
        command.args(["-NoProfile", "-NonInteractive", "-File", "tools/sign.ps1", "-Folder"]).arg(folder);
        command.arg("-Certificate").arg(&certificate);
        return packaging.must("signing, with a catalog", "sign", &mut command);
    }
    if find_program(OSSLSIGNCODE).is_none() {
        parts.skip("signing", "there is no osslsigncode here, so the modules are unsigned");
        return Ok(());
    }
    let certificate = Certificate {
        file: certificate,
        password_file: env::var_os("UMPIN_SIGN_PASSWORD_FILE"),
        time_stamps: env::var_os("UMPIN_SIGN_TIMESTAMP"),
    };
    let files = certificate.sign(packaging.machine, folder)?;
    say(&format!("signed: {} files of {}", files.len(), folder.file_name().unwrap_or_default().display()));
    parts.skip("the file catalog", "New-FileCatalog, which makes it, is there on Windows only");
    Ok(())
}

/// What osslsigncode signs with.
pub struct Certificate {
    /// PKCS #12.
    pub file: OsString,
    pub password_file: Option<OsString>,
    /// A server's address.
    pub time_stamps: Option<OsString>,
}

impl Certificate {
    /// The files that were signed, below `folder`.
    pub fn sign(&self, machine: &Machine, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut files = files_below(folder)?;
        files.retain(|file| file.extension().is_some_and(|extension| SIGNED.iter().any(|known| extension == *known)));
        for file in &files {
            let file = folder.join(file);
            let signed = beside(&file, ".signed");
            let mut command = machine.command(OSSLSIGNCODE);
            command.args(["sign", "-h", "sha256", "-n", "UMMailboxPin", "-pkcs12"]).arg(&self.file);
            for (option, value) in [("-readpass", &self.password_file), ("-ts", &self.time_stamps)] {
                if let Some(value) = value {
                    command.arg(option).arg(value);
                }
            }
            if !under_a_known_name(&file, |name| succeeds(command.arg("-in").arg(name).arg("-out").arg(&signed)))? {
                return Err(failure(format!("{} could not be signed (osslsigncode).", file.display())));
            }
            fs::rename(&signed, &file).map_err(|e| failure(format!("{}: {e}", file.display())))?;
        }
        Ok(files)
    }
}

/// Whether a file is signed as it is, by a certificate that `authority` (PEM) holds or has signed.
pub fn is_signed(machine: &Machine, authority: &Path, file: &Path) -> Result<bool, Failure> {
    let mut command = machine.command(OSSLSIGNCODE);
    command.arg("verify").arg("-CAfile").arg(authority);
    under_a_known_name(file, |name| succeeds(command.arg("-in").arg(name)))
}

/// osslsigncode goes by the name, and does not know that role files are data files in PowerShell's syntax.
fn under_a_known_name(file: &Path, work: impl FnOnce(&Path) -> bool) -> Result<bool, Failure> {
    if !file.extension().is_some_and(|extension| extension == "psrc" || extension == "pssc") {
        return Ok(work(file));
    }
    let copy = beside(file, ".psd1");
    fs::copy(file, &copy).map_err(|e| failure(format!("{}: {e}", copy.display())))?;
    let outcome = work(&copy);
    let _ = fs::remove_file(copy);
    Ok(outcome)
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
