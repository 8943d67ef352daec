//! A test as a process of its own: the test binary runs itself with one test's name and the store's folder in the
//! environment. As a test among the others such a test finds no folder and does nothing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const FOLDER: &str = "UMPIN_TEST_CHILD_FOLDER";
const ID: &str = "UMPIN_TEST_CHILD_ID";

/// Runs the test `name` of this binary in a process of its own. Its output is kept for the parent.
pub fn spawn(name: &str, folder: &Path, id: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ID, id.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What [`spawn`] was given, in the process that it made.
pub fn folder_and_id() -> Option<(PathBuf, usize)> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    Some((folder, std::env::var(ID).unwrap().parse().unwrap()))
}
