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
use crate::machine::find_program;
use crate::module::files_below;
use crate::powershell::PowerShell;
use crate::process::succeeds;
use crate::{Failure, failure};

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
    if find_program("osslsigncode").is_none() {
        parts.skip("signing", "there is no osslsigncode here, so the modules are unsigned");
        return Ok(());
    }
    let mut count = 0;
    for file in files_below(folder)? {
        if file.extension().is_some_and(|extension| SIGNED.iter().any(|known| extension == *known)) {
            sign_file(packaging, &certificate, &folder.join(&file))?;
            count += 1;
        }
    }
    say(&format!("signed: {count} files of {}", folder.file_name().unwrap_or_default().display()));
    parts.skip("the file catalog", "New-FileCatalog, which makes it, is there on Windows only");
    Ok(())
}

fn sign_file(packaging: &Packaging, certificate: &OsString, file: &Path) -> Result<(), Failure> {
    let beside = |end: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let signed = beside(".signed");
    // osslsigncode goes by the name, and does not know that these two are data files in PowerShell's syntax.
    let role = file.extension().is_some_and(|extension| extension == "psrc" || extension == "pssc");
    let source = if role { beside(".psd1") } else { file.to_owned() };
    if role {
        packaging.copy(file, &source)?;
    }
    let mut command = packaging.machine.command("osslsigncode");
    command.args(["sign", "-h", "sha256", "-n", "UMMailboxPin", "-pkcs12"]).arg(certificate);
    for (variable, option) in [("UMPIN_SIGN_PASSWORD_FILE", "-readpass"), ("UMPIN_SIGN_TIMESTAMP", "-ts")] {
        if let Some(value) = env::var_os(variable) {
            command.arg(option).arg(value);
        }
    }
    command.arg("-in").arg(&source).arg("-out").arg(&signed);
    if !succeeds(&mut command) {
        return Err(failure(format!("{} could not be signed (osslsigncode).", file.display())));
    }
    if role {
        let _ = fs::remove_file(&source);
    }
    fs::rename(&signed, file).map_err(|e| failure(format!("{}: {e}", file.display())))
}
