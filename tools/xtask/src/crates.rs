//! Where the crates come from. Decided once for a checkout; after that a run asks no network.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::console::{say, step};
use crate::machine::{Machine, asked_to_refresh};
use crate::process::{quiet, shown, succeeds};
use crate::{Failure, failure};

/// Stands in every `.cargo/config.toml` that tools/debian-crates.sh has written.
const MARK: &str = "tools/debian-crates.sh";

pub fn set_up(machine: &Machine) -> Result<(), Failure> {
    let choice = env::var("UMPIN_CRATES").unwrap_or_default();
    match choice.as_str() {
        "registry" => {
            forget_decision(machine);
            use_registry(machine);
            Ok(())
        }
        "debian" => use_debian(machine),
        "" | "auto" => decide(machine),
        other => Err(failure(format!("UMPIN_CRATES is '{other}'; it must be auto, registry or debian."))),
    }
}

fn decide(machine: &Machine) -> Result<(), Failure> {
    match fs::read_to_string(config(machine)) {
        Ok(text) if text.contains(MARK) => return use_debian(machine),
        // The user's own sources.
        Ok(_) => return Ok(()),
        Err(_) => {}
    }
    if decision(machine).is_file() && !asked_to_refresh() {
        return Ok(());
    }
    if is_everything_fetched(machine) || registry_answers(machine) {
        use_registry(machine);
        // Where it cannot be noted, the next run asks again.
        let _ = fs::write(decision(machine), "registry\n");
        return Ok(());
    }
    if cfg!(windows) {
        return Err(vec![
            "the Rust registry cannot be reached.".to_owned(),
            "Give cargo a way to it, or a source of its own in .cargo/config.toml.".to_owned(),
        ]);
    }
    say("-- the Rust registry cannot be reached; taking the crates from Debian's packages");
    use_debian(machine)
}

fn config(machine: &Machine) -> PathBuf {
    machine.root.join(".cargo").join("config.toml")
}

fn decision(machine: &Machine) -> PathBuf {
    machine.state.join("crates")
}

fn forget_decision(machine: &Machine) {
    let _ = fs::remove_file(decision(machine));
}

fn lock_file_is_the_registrys(machine: &Machine) -> Option<bool> {
    let text = fs::read_to_string(machine.root.join("Cargo.lock")).ok()?;
    Some(text.lines().any(|line| line.starts_with("checksum = ")))
}

fn is_everything_fetched(machine: &Machine) -> bool {
    lock_file_is_the_registrys(machine) == Some(true)
        && succeeds(machine.command("cargo").args(["fetch", "--offline", "--locked"]))
}

fn registry_answers(machine: &Machine) -> bool {
    let probe = machine.state.join("registry-probe");
    let manifest = "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                    [dependencies]\ncfg-if = \"1\"\n[workspace]\n";
    let written = fs::create_dir_all(probe.join("src"))
        .and_then(|()| fs::write(probe.join("src").join("lib.rs"), ""))
        .and_then(|()| fs::write(probe.join("Cargo.toml"), manifest));
    if written.is_err() {
        return false;
    }
    let _ = fs::remove_file(probe.join("Cargo.lock"));
    let mut cargo = machine.command("cargo");
    cargo.arg("fetch").current_dir(&probe).env("CARGO_NET_RETRY", "0").env("CARGO_HTTP_TIMEOUT", "5");
    step("asking the Rust registry", || {
        quiet(machine, "registry-probe", &mut cargo, Some(Duration::from_secs(30))).well()
    })
}

fn use_registry(machine: &Machine) {
    let config = config(machine);
    if fs::read_to_string(&config).is_ok_and(|text| text.contains(MARK)) {
        let _ = fs::remove_file(config);
    }
    // A lock file made from Debian's crates carries no checksums, and versions of its own.
    if lock_file_is_the_registrys(machine) == Some(false) {
        let _ = fs::remove_file(machine.root.join("Cargo.lock"));
    }
}

/// The page's crates, from wherever the library's come.
pub fn set_up_page(machine: &Machine) -> Result<(), Failure> {
    let web = machine.root.join("web");
    let own = web.join(".cargo").join("config.toml");
    if fs::read_to_string(config(machine)).is_ok_and(|text| text.contains(MARK)) {
        let ended = shown(machine.command("bash").args(["tools/debian-crates.sh", "web"]));
        return if ended.well() {
            Ok(())
        } else {
            Err(failure(format!("its crates could not be set up (tools/debian-crates.sh web: {ended})")))
        };
    }
    if fs::read_to_string(&own).is_ok_and(|text| text.contains(MARK)) {
        let _ = fs::remove_file(own);
        let _ = fs::remove_file(web.join("Cargo.lock"));
    }
    Ok(())
}

fn use_debian(machine: &Machine) -> Result<(), Failure> {
    forget_decision(machine);
    let ended = shown(machine.command("bash").arg("tools/debian-crates.sh"));
    if ended.well() {
        return Ok(());
    }
    Err(vec![
        format!("the crates could not be set up (tools/debian-crates.sh: {ended}; see above)."),
        "Give cargo a way to the Rust registry, or a source of its own in .cargo/config.toml, and set \
         UMPIN_CRATES=registry."
            .to_owned(),
    ])
}
