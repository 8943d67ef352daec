//! C programs against the release library.

use std::path::Path;
use std::process::Command;

use crate::machine::Machine;

/// As strict as a caller's own build may be.
const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Iinclude"];

pub fn compile(machine: &Machine, compiler: &Path, source: &Path, target: &Path) -> Command {
    compile_against(machine, compiler, source, target, &machine.release)
}

/// Against the library in a folder.
pub fn compile_against(machine: &Machine, compiler: &Path, source: &Path, target: &Path, folder: &Path) -> Command {
    let mut command = machine.command(compiler);
    command.arg("-std=c11").args(STRICT).arg(source).arg("-o").arg(target);
    if cfg!(windows) {
        // MSVC's linker wants the import library; MinGW's takes the library itself.
        let import = folder.join("umpin.dll.lib");
        command.arg(if import.is_file() { import } else { folder.join("umpin.dll") });
    } else {
        let release = folder.display();
        command.args([format!("-L{release}"), "-lumpin".to_owned(), format!("-Wl,-rpath,{release}")]);
        command.arg("-lpthread");
    }
    command
}

pub fn check_as_cpp(machine: &Machine, compiler: &Path, source: &Path) -> Command {
    let mut command = machine.command(compiler);
    command.args(["-std=c++17", "-x", "c++"]).args(STRICT).arg("-fsyntax-only").arg(source);
    command
}

/// Lets a program find the release library: Windows looks for it on `PATH`.
pub fn find_library_on_path(machine: &Machine, command: &mut Command) {
    if cfg!(windows) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(machine.release.clone()).chain(std::env::split_paths(&path));
        if let Ok(joined) = std::env::join_paths(places) {
            command.env("PATH", joined);
        }
    }
}
