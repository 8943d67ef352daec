//! A test as a process of its own: the test binary runs itself with one test's name and the store's folder in the
//! environment. As a test among the others such a test finds no folder and does nothing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const FOLDER: &str = "UMPIN_TEST_CHILD_FOLDER";
const ID: &str = "UMPIN_TEST_CHILD_ID";

/// Runs the test `name` of `module` (`module_path!()`) in a process of its own. Its output is kept for the parent.
pub fn spawn(module: &str, name: &str, folder: &Path, id: usize) -> Child {
    let program = std::env::current_exe().unwrap();
    command(&program, module, name, folder, id).stdout(Stdio::piped()).spawn().unwrap()
}

/// The same by `program`, a copy of this binary where another account may start it.
pub fn command(program: &Path, module: &str, name: &str, folder: &Path, id: usize) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", &test_name(module, name), "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ID, id.to_string());
    command
}

/// What the test program calls the test: its path without the program's own name.
pub fn test_name(module: &str, name: &str) -> String {
    module.split_once("::").map_or_else(|| name.to_owned(), |(_, module)| format!("{module}::{name}"))
}

/// What [`spawn`] was given, in the process that it made.
pub fn folder_and_id() -> Option<(PathBuf, usize)> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    Some((folder, std::env::var(ID).unwrap().parse().unwrap()))
}
