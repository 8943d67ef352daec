//! A test as a process of its own: the test binary runs itself with one test's name and the store's folder in the
//! environment. As a test among the others such a test finds no folder and does nothing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const FOLDER: &str = "UMPIN_TEST_CHILD_FOLDER";
const ID: &str = "UMPIN_TEST_CHILD_ID";

/// Runs the test `name` of `module` (`module_path!()`) in a process of its own. Its output is kept for the parent.
pub fn spawn(module: &str, name: &str, folder: &Path, id: usize) -> Running {
    let program = std::env::current_exe().unwrap();
    Running(Some(command(&program, module, name, folder, id).stdout(Stdio::piped()).spawn().unwrap()))
}

/// A child that ends with the test: many go on until they are told to stop, and a test that failed tells nobody.
pub struct Running(Option<Child>);

impl Running {
    /// What it printed, once it has ended.
    pub fn wait_with_output(mut self) -> std::io::Result<std::process::Output> {
        self.0.take().unwrap().wait_with_output()
    }
}

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The same by `program`, a copy of this binary where another account may start it.
pub fn command(program: &Path, module: &str, name: &str, folder: &Path, id: usize) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", &test_name(module, name), "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ID, id.to_string());
    #[cfg(all(unix, feature = "postgresql"))]
    super::postgresql::told_to_child(&mut command);
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
