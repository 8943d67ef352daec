//! PowerShell, and the modules that the tests need.

use std::cell::OnceCell;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::console::{say, step};
use crate::machine::{Machine, asked_to_refresh, find_program};
use crate::process::{Ended, quiet, succeeds};

/// The `pwsh` to use, or why there is none. Looked for when first asked for.
#[derive(Default)]
pub struct PowerShell {
    found: OnceCell<Result<PathBuf, String>>,
}

impl PowerShell {
    pub fn find(&self, machine: &Machine) -> Result<&Path, &str> {
        let found = self.found.get_or_init(|| find(machine).and_then(|pwsh| check_that_it_starts(machine, pwsh)));
        found.as_deref().map_err(String::as_str)
    }
}

fn find(machine: &Machine) -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("UMPIN_PWSH").filter(|v| !v.is_empty()) {
        if named == "none" {
            return Err("UMPIN_PWSH=none".to_owned());
        }
        return find_program(&named)
            .ok_or_else(|| format!("UMPIN_PWSH names {}, which is no program", named.to_string_lossy()));
    }
    let cached = machine.cache.join("pwsh").join("pwsh");
    if let Some(pwsh) = find_program("pwsh").or_else(|| find_program(&cached)) {
        return Ok(pwsh);
    }
    if cfg!(windows) {
        // Windows has one of its own, version 5.1.
        return find_program("powershell").ok_or_else(|| "neither pwsh nor powershell is on PATH".to_owned());
    }
    install(machine, &cached)
}

fn install(machine: &Machine, target: &Path) -> Result<PathBuf, String> {
    if find_program("dotnet").is_none() {
        return Err("no pwsh on PATH, and no dotnet to install it with".to_owned());
    }
    if machine.was_refused_lately("pwsh-install") {
        return Err("no pwsh on PATH, and 'dotnet tool install PowerShell' failed less than half a day ago".to_owned());
    }
    let work = machine.cache.join(format!("pwsh.{}", std::process::id()));
    let _ = fs::remove_dir_all(&work);
    let _ = fs::create_dir_all(&machine.cache);
    let mut dotnet = machine.command("dotnet");
    dotnet.args(["tool", "install", "PowerShell", "--tool-path"]).arg(&work);
    let ended =
        step("no pwsh on PATH; trying 'dotnet tool install PowerShell' into the cache (at most 5 minutes)", || {
            quiet(machine, "pwsh-install", &mut dotnet, Some(Duration::from_secs(300)))
        });
    if ended.well() {
        keep(&work, &machine.cache.join("pwsh"));
        return Ok(target.to_owned());
    }
    let _ = fs::remove_dir_all(&work);
    machine.remember_refusal("pwsh-install");
    Err("no pwsh on PATH, and 'dotnet tool install PowerShell' failed (target/build/logs/pwsh-install.log)".to_owned())
}

/// Another checkout may have been quicker; either is as good.
fn keep(work: &Path, target: &Path) {
    if !target.exists() {
        let _ = fs::rename(work, target);
    }
    let _ = fs::remove_dir_all(work);
}

fn check_that_it_starts(machine: &Machine, pwsh: PathBuf) -> Result<PathBuf, String> {
    let mut command = machine.command(&pwsh);
    command.args(["-NoProfile", "-NonInteractive", "-Command", "exit 0"]);
    let ended = quiet(machine, "pwsh", &mut command, None);
    if ended.well() {
        return Ok(pwsh);
    }
    let why = match ended {
        Ended::NotStarted(why) => why,
        _ => machine.read_log("pwsh").lines().next().unwrap_or_default().to_owned(),
    };
    Err(format!("{} does not start: {why}", pwsh.display()))
}

impl Machine {
    pub fn module_manifest(&self) -> PathBuf {
        self.module_folder().join("UMMailboxPin").join("UMMailboxPin.psd1")
    }

    /// PowerShell that finds the built modules first and what was fetched for the tests last.
    pub fn pwsh(&self, pwsh: &Path) -> Command {
        self.pwsh_with(pwsh, &self.module_folder(), &self.module_manifest())
    }

    /// As [`Machine::pwsh`], with modules of another folder.
    pub fn pwsh_with(&self, pwsh: &Path, modules: &Path, manifest: &Path) -> Command {
        let mut places = vec![modules.to_owned()];
        places.extend(env::split_paths(&env::var_os("PSModulePath").unwrap_or_default()));
        places.push(self.cache.join("psmodules"));
        places.retain(|place| !place.as_os_str().is_empty());
        let mut command = self.command(pwsh);
        command.args(["-NoProfile", "-NonInteractive"]);
        // A folder with the separator in its name cannot be told to PowerShell at all.
        command.env("PSModulePath", env::join_paths(places).unwrap_or_else(|_| OsString::from(modules)));
        command.env("UMPIN_MODULE", manifest);
        command.env("UMPIN_BIN", self.release.join("umpin").with_extension(env::consts::EXE_EXTENSION));
        command
    }

    pub fn pwsh_has_module(&self, pwsh: &Path, name: &str, version: &str) -> bool {
        let question = format!(
            "if (Get-Module -ListAvailable -Name '{name}' | Where-Object Version -ge '{version}') {{ exit 0 }} \
             else {{ exit 3 }}"
        );
        succeeds(self.pwsh(pwsh).args(["-Command", &question]))
    }

    /// Puts the module into the cache, unless a version from `from` on is there already. Returns whether
    /// it is there now.
    pub fn fetch_pwsh_module(&self, pwsh: &Path, name: &str, from: &str, below: &str) -> bool {
        if self.pwsh_has_module(pwsh, name, from) {
            return true;
        }
        if self.was_refused_lately(name) && !asked_to_refresh() {
            return false;
        }
        let work = self.cache.join(format!("psmodules.{}", std::process::id()));
        let kept = self.cache.join("psmodules");
        let _ = fs::remove_dir_all(&work);
        if fs::create_dir_all(&work).and_then(|()| fs::create_dir_all(&kept)).is_err() {
            return false;
        }
        // Not imported from where it was put, and not installed for anybody else.
        let script = "
            $ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'
            if (Get-Command Save-PSResource -ErrorAction Ignore) {
                Save-PSResource -Name $env:WANT -Version \"[$env:FROM,$env:BELOW)\" -Path $env:INTO -TrustRepository
            } else {
                Save-Module $env:WANT -MinimumVersion $env:FROM -MaximumVersion $env:BELOW -Path $env:INTO -Force
            }";
        let mut command = self.command(pwsh);
        command.args(["-NoProfile", "-NonInteractive", "-Command", script]);
        command.env("WANT", name).env("FROM", from).env("BELOW", below).env("INTO", &work);
        let log = format!("{name}-fetch");
        let what =
            format!("pwsh has no {name}; fetching it from the PowerShell Gallery into the cache (at most 3 minutes)");
        let ended = step(&what, || quiet(self, &log, &mut command, Some(Duration::from_secs(180))));
        let fetched = work.join(name);
        if ended.well() && fetched.is_dir() {
            keep(&fetched, &kept.join(name));
            let _ = fs::remove_dir_all(&work);
            return self.pwsh_has_module(pwsh, name, from);
        }
        let _ = fs::remove_dir_all(&work);
        self.remember_refusal(name);
        let text = self.read_log(&log);
        let why: String = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default().chars().take(160).collect();
        say(&format!("  could not be had (target/build/logs/{log}.log): {why}"));
        false
    }
}
