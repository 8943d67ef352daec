//! The committed header, the examples and the C tests against the release library.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Context;
use crate::c::{check_as_cpp, compile, find_library_on_path};
use crate::console::{say, step};
use crate::machine::{Machine, find_c_compiler, find_cpp_compiler};
use crate::process::logged;

pub fn run(context: &mut Context) {
    let machine = context.machine;
    let programs = c_files(machine, "tests/c");
    if !context.library_built {
        let reason = format!("the library was not built; {} program(s) did not run", programs.len());
        context.tally.skip_many("tests/c", &reason, programs.len());
        say(&format!("skipped: tests/c: {reason}"));
        return;
    }
    if !machine.root.join("include/umpin.h").is_file() {
        context
            .tally
            .fail("include/umpin.h is missing (it is committed; the test of the header tells how to renew it)");
        return;
    }
    let cpp = find_cpp_compiler();
    match &cpp {
        Some(compiler) => {
            let source = machine.scratch.join("header.cpp");
            let _ = fs::write(&source, "#include \"umpin.h\"\nint main() { return 0; }\n");
            context.check("the header as C++", &mut check_as_cpp(machine, compiler, &source));
        }
        None => context.tally.absent("the header as C++", "no C++ compiler (c++, g++ or clang++)", 1),
    }
    let Some(compiler) = find_c_compiler() else {
        let reason = format!("no C compiler (cc, gcc or clang); {} program(s) did not run", programs.len());
        context.tally.absent("tests/c", &reason, programs.len());
        return;
    };
    let target = machine.scratch.join("example").with_extension(std::env::consts::EXE_EXTENSION);
    for source in c_files(machine, "examples") {
        context.check(&format!("{} compiles", source.display()), &mut compile(machine, &compiler, &source, &target));
    }
    if let Some(cpp) = cpp {
        // A reader who builds with C++ begins with it, too.
        let source = Path::new("examples/quickstart.c");
        context.check("examples/quickstart.c as C++17", &mut check_as_cpp(machine, &cpp, source));
    }
    for source in programs {
        run_program(context, &compiler, &source);
    }
}

/// Compiles and runs one program, in a folder and on a store of its own.
fn run_program(context: &mut Context, compiler: &Path, source: &Path) {
    let machine = context.machine;
    let name = source.display().to_string();
    let short = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let program = machine.scratch.join(format!("c-{short}")).with_extension(std::env::consts::EXE_EXTENSION);
    let log = format!("c-{short}");
    let compiled = step(&format!("{name}: compile"), || {
        logged(machine, &format!("{log}-compile"), &mut compile(machine, compiler, source, &program), None)
    });
    let work = machine.scratch.join(format!("run-{short}"));
    if !compiled.well() {
        context.tally.fail(format!("{name} does not compile ({compiled})"));
        return;
    }
    if let Err(e) = fs::create_dir(&work) {
        context.tally.fail(format!("{name}: no folder to run in: {}: {e}", work.display()));
        return;
    }
    let mut command = machine.command(&program);
    command.current_dir(&work).env("UMPIN_STORE", work.join("um.db")).env("UMPIN_KEY_FILE", work.join("umpin.key"));
    find_library_on_path(machine, &mut command);
    let ended = step(&name, || logged(machine, &log, &mut command, Some(Duration::from_secs(600))));
    context.tally.add_c_program(&name, &machine.read_log(&log), &ended);
}

/// The C sources in a folder of the checkout, sorted, relative to the checkout.
fn c_files(machine: &Machine, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(machine.root.join(folder)).into_iter().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|e| Path::new(folder).join(e.file_name())))
        .filter(|file| file.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();
    files
}
