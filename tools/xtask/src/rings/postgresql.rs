//! The store's second engine: the tests of it, the Rust suite with every store on a server, and all of Pester so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Context;
use super::pester::run_pester_on_a_server;
use crate::console::step;
use crate::machine::find_program;
use crate::process::{logged, succeeds};

pub fn run(context: &mut Context) {
    let name = "PostgreSQL";
    if !cfg!(unix) {
        context.tally.absent(name, "its server is started on Unix alone", 1);
        return;
    }
    if !is_installed() {
        context.fetch_tools("test-postgresql", Duration::from_secs(600));
    }
    let Some(programs) = Programs::find(context) else {
        let why = "PostgreSQL's initdb and postgres are neither in /usr/lib/postgresql nor on PATH, and \
                   tools/test-postgresql.sh did not get them";
        context.tally.absent(name, why, 1);
        return;
    };
    let skips = context.machine.scratch.join("postgresql-skips");
    let _ = fs::write(&skips, "");
    let mut command = context.machine.command("cargo");
    // Left out: what no store is in, and a telephone system with files of its own.
    command.args(["test", "--test", "integration", "--", "--skip=tidy::", "--skip=header::", "--skip=asterisk::"]);
    // What takes long ran in the ring `rust`.
    command.env_remove("UMPIN_TEST_SCALE");
    command.env("UMPIN_TEST_STORE", "postgresql").env("UMPIN_SKIP_FILE", &skips).env("CARGO_TERM_COLOR", "never");
    programs.put_on_path(&mut command);
    let name = "cargo test, with every store on a server";
    let ended =
        step(name, || logged(context.machine, "postgresql-suite", &mut command, Some(Duration::from_secs(1800))));
    let skipped = context.read_result("postgresql-skips");
    context.tally.add_cargo_test(name, &context.machine.read_log("postgresql-suite"), &skipped, &ended);
    run_pester_on_a_server(context, &|command| programs.put_on_path(command));
}

/// Where Debian's packages put them, and where others do.
fn is_installed() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.is_file())
        || (find_program("initdb").is_some() && find_program("postgres").is_some())
}

/// What a server is started with.
struct Programs {
    /// Of those that were fetched: a copy that every account can reach, gone with this. `None`: they are installed.
    copy: Option<PathBuf>,
}

impl Programs {
    fn find(context: &Context) -> Option<Self> {
        if is_installed() {
            return Some(Self { copy: None });
        }
        let fetched = context.machine.test_tools().join("postgresql");
        if !fetched.join(".complete").is_file() {
            return None;
        }
        // The server runs as an account without rights, which may not look into the cache of root's.
        let copy = PathBuf::from(format!("/tmp/umpin-postgresql.{}", std::process::id()));
        fs::create_dir(&copy).ok()?;
        let programs = Self { copy: Some(copy.clone()) };
        let mut command = context.machine.command("cp");
        let ours = succeeds(command.arg("-a").arg(fetched.join(".")).arg(&copy)) && open_to_all(&copy);
        ours.then_some(programs)
    }

    fn put_on_path(&self, command: &mut Command) {
        let Some(copy) = &self.copy else { return };
        let mut places = vec![copy.join("bin")];
        places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        command.env("PATH", std::env::join_paths(places).unwrap_or_default());
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        if let Some(copy) = &self.copy {
            let _ = fs::remove_dir_all(copy);
        }
    }
}

#[cfg(unix)]
fn open_to_all(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).is_ok()
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> bool {
    false
}
