//! The library and the command for every platform that can be built for here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Packaging;
use crate::console::step;
use crate::machine::{LIBRARY, LIBRARY_IN_MODULE, Machine};
use crate::process::{logged, output, succeeds};
use crate::{Failure, failure};

pub struct Platform {
    /// As .NET names it, and the folder in the module.
    pub name: &'static str,
    /// As Rust names it.
    pub triple: &'static str,
    /// As GNU's tools are prefixed.
    pub gnu: &'static str,
    /// As Debian names the processor; empty: no package.
    pub debian: &'static str,
    /// QEMU's program for it.
    pub qemu: &'static str,
}

/// This machine's is built with its own compilers, the others with what `tools/cross-tools.sh` fetches.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        name: "linux-x64",
        triple: "x86_64-unknown-linux-gnu",
        gnu: "x86_64-linux-gnu",
        debian: "amd64",
        qemu: "qemu-x86_64-static",
    },
    Platform {
        name: "linux-arm64",
        triple: "aarch64-unknown-linux-gnu",
        gnu: "aarch64-linux-gnu",
        debian: "arm64",
        qemu: "qemu-aarch64-static",
    },
    Platform {
        name: "linux-arm",
        triple: "armv7-unknown-linux-gnueabihf",
        gnu: "arm-linux-gnueabihf",
        debian: "armhf",
        qemu: "qemu-arm-static",
    },
    Platform { name: "win-x64", triple: "x86_64-pc-windows-msvc", gnu: "", debian: "", qemu: "" },
    Platform { name: "win-arm64", triple: "aarch64-pc-windows-msvc", gnu: "", debian: "", qemu: "" },
    Platform { name: "osx-x64", triple: "x86_64-apple-darwin", gnu: "", debian: "", qemu: "" },
    Platform { name: "osx-arm64", triple: "aarch64-apple-darwin", gnu: "", debian: "", qemu: "" },
];

/// What was built for one platform, stripped.
pub struct Native {
    pub platform: &'static Platform,
    /// Under its name in the module.
    pub library: PathBuf,
    /// Under cargo's name; not where the library was brought in.
    pub program: Option<PathBuf>,
    /// For C; this machine's only.
    pub static_library: Option<PathBuf>,
    /// The newest version of the C library that it asks for; Linux only.
    pub glibc: Option<String>,
}

impl Native {
    pub fn describe(&self) -> String {
        let size = fs::metadata(&self.library).map_or(0, |m| m.len());
        let glibc = self.glibc.as_ref().map_or(String::new(), |version| format!(", needs glibc {version} or later"));
        format!("{} KB{glibc}", size / 1024)
    }
}

/// What tools/cross-tools.sh has written.
#[derive(Default)]
pub struct CrossTools {
    toolchain: String,
    crates: String,
    pub bin: String,
    pub qemu: String,
    sqlite: String,
}

impl CrossTools {
    pub fn read(machine: &Machine) -> Option<Self> {
        let text = fs::read_to_string(machine.test_tools().join("cross").join("env")).ok()?;
        let value = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().to_owned()
        };
        Some(Self {
            toolchain: value("toolchain"),
            crates: value("crates"),
            bin: value("bin"),
            qemu: value("qemu"),
            sqlite: value("sqlite"),
        })
    }

    pub fn tool(&self, platform: &Platform, tool: &str) -> PathBuf {
        Path::new(&self.bin).join(format!("{}-{tool}", platform.gnu))
    }
}

/// `Err(why)` inside: it cannot be had here. A library that `UMPIN_NATIVES` holds, as `<folder>/<platform>/umpin.*`, is
/// taken as it is: that is how one that another machine has built comes in.
pub fn build(packaging: &Packaging, platform: &'static Platform) -> Result<Result<Native, String>, Failure> {
    let target = packaging.work.join("native").join(platform.name);
    let library = target.join(library_in_module(platform));
    if let Some(given) = env::var_os("UMPIN_NATIVES").map(|folder| Path::new(&folder).join(platform.name)) {
        let given = given.join(library_in_module(platform));
        if given.is_file() {
            packaging.copy(&given, &library)?;
            let glibc = glibc_of(&library)?;
            return Ok(Ok(Native { platform, library, program: None, static_library: None, glibc }));
        }
    }
    let own = packaging.machine.platform == platform.name;
    if !own && (platform.gnu.is_empty() || packaging.machine.platform != "linux-x64") {
        return Ok(Err(format!(
            "it is built on such a machine (UMPIN_NATIVES brings it in), not on {}",
            packaging.machine.platform
        )));
    }
    let cross = if own { Ok(None) } else { cross_tools(packaging.machine).map(Some) };
    let cross = match cross {
        Ok(cross) => cross,
        Err(why) => return Ok(Err(why)),
    };
    let built = compile(packaging, platform, cross.as_ref())?;
    let strip = cross.as_ref().map_or_else(|| PathBuf::from("strip"), |tools| tools.tool(platform, "strip"));
    let place = |from: &str, to: &str, arguments: &[&str]| -> Result<PathBuf, Failure> {
        let file = target.join(to);
        packaging.copy(&built.join(from), &file)?;
        // What it cannot do it leaves: then the file is larger, and nothing else.
        if !cfg!(windows) {
            succeeds(packaging.machine.command(&strip).args(arguments).arg(&file));
        }
        Ok(file)
    };
    let program = if cfg!(windows) { "umpin.exe" } else { "umpin" };
    let unneeded: &[&str] = if cfg!(target_os = "macos") { &["-x"] } else { &["--strip-unneeded"] };
    let debug: &[&str] = if cfg!(target_os = "macos") { &["-S"] } else { &["--strip-debug", "-D"] };
    let archive = if cfg!(windows) { "umpin.lib" } else { "libumpin.a" };
    let native = Native {
        platform,
        library: place(LIBRARY, LIBRARY_IN_MODULE, unneeded)?,
        program: Some(place(program, program, unneeded)?),
        static_library: if own { Some(place(archive, archive, debug)?) } else { None },
        glibc: None,
    };
    let glibc = glibc_of(&native.library)?.max(glibc_of(native.program.as_deref().unwrap_or(&native.library))?);
    Ok(Ok(Native { glibc, ..native }))
}

fn library_in_module(platform: &Platform) -> &'static str {
    match platform.name.split('-').next() {
        Some("win") => "umpin.dll",
        Some("osx") => "umpin.dylib",
        _ => "umpin.so",
    }
}

fn cross_tools(machine: &Machine) -> Result<CrossTools, String> {
    let mut command = machine.command("bash");
    let ended = step("tools/cross-tools.sh", || {
        logged(machine, "cross-tools", command.arg("tools/cross-tools.sh"), Some(Duration::from_secs(1800)))
    });
    if !ended.well() {
        let log = machine.read_log("cross-tools");
        let why = log.lines().find_map(|line| line.strip_prefix("cross-tools: ")).unwrap_or("see above");
        return Err(format!("tools/cross-tools.sh: {why}"));
    }
    CrossTools::read(machine).ok_or_else(|| "tools/cross-tools.sh left no list of its tools".to_owned())
}

/// Builds library, static library and command, and returns the folder that holds them.
fn compile(packaging: &Packaging, platform: &Platform, cross: Option<&CrossTools>) -> Result<PathBuf, Failure> {
    let machine = packaging.machine;
    // Apart from the development build: other flags, perhaps another compiler.
    let folder = packaging.out.join("build");
    let mut runs = vec![("library and command", &["build", "--lib", "--bin", "umpin"][..])];
    if cross.is_none() {
        runs.push(("static library", &["rustc", "--lib", "--crate-type", "staticlib"]));
    }
    for (what, words) in runs {
        let mut cargo = machine.command("cargo");
        if let Some(tools) = cross.filter(|tools| !tools.toolchain.is_empty()) {
            cargo = machine.command(Path::new(&tools.toolchain).join("bin").join("cargo"));
            let path = env::var_os("PATH").unwrap_or_default();
            let places = std::iter::once(Path::new(&tools.toolchain).join("bin")).chain(env::split_paths(&path));
            cargo.env("PATH", env::join_paths(places).unwrap_or_default());
        }
        cargo.args(words).args(["--release", "--target", platform.triple]).env("CARGO_TARGET_DIR", &folder);
        cargo.env("RUSTFLAGS", remapping(machine));
        if let Some(tools) = cross {
            let name = platform.triple.to_uppercase().replace('-', "_");
            let under = platform.triple.replace('-', "_");
            let compiler = tools.tool(platform, "gcc");
            cargo.env(format!("CARGO_TARGET_{name}_LINKER"), &compiler);
            cargo.env(format!("CC_{under}"), &compiler).env(format!("AR_{under}"), tools.tool(platform, "ar"));
            if !tools.sqlite.is_empty() {
                let sqlite = Path::new(&tools.sqlite).join(platform.gnu);
                cargo.env("SQLITE3_LIB_DIR", sqlite.join("lib")).env("SQLITE3_INCLUDE_DIR", sqlite.join("include"));
            }
            if !tools.crates.is_empty() {
                cargo.args(["-Zbuild-std=std,panic_unwind", "--config"]);
                cargo.arg("source.crates-io.replace-with='with-std'").arg("--config");
                cargo.arg(format!("source.with-std.directory='{}'", tools.crates));
            }
        }
        let log = format!("package-{}-{}", platform.name, words[0]);
        packaging.must(&format!("cargo {} ({what}, {})", words[0], platform.triple), &log, &mut cargo)?;
    }
    Ok(folder.join(platform.triple).join("release"))
}

/// No path of this machine gets into a message: folders have fixed names in what is compiled.
fn remapping(machine: &Machine) -> String {
    let mut pairs = vec![(machine.cache.clone(), "/crates"), (machine.root.clone(), "/umpin")];
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    if let Some(cargo) = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"))) {
        pairs.push((cargo, "/cargo"));
    }
    if let Some(sysroot) = output(machine.command("rustc").args(["--print", "sysroot"])) {
        pairs.push((sysroot.trim().into(), "/rust"));
    }
    let flags = pairs.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    flags.collect::<Vec<_>>().join(" ")
}

/// The newest `GLIBC_2.x` that a file names.
fn glibc_of(file: &Path) -> Result<Option<String>, Failure> {
    let contents = fs::read(file).map_err(|e| failure(format!("{}: {e}", file.display())))?;
    Ok(newest_glibc(&contents).map(|minor| format!("2.{minor}")))
}

fn newest_glibc(contents: &[u8]) -> Option<u32> {
    let start = b"GLIBC_2.";
    let at = contents.windows(start.len()).enumerate().filter(|(_, window)| *window == start);
    at.filter_map(|(n, _)| {
        let digits = contents[n + start.len()..].iter().take_while(|b| b.is_ascii_digit()).copied().collect();
        String::from_utf8(digits).ok()?.parse().ok()
    })
    .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_c_library_that_is_named_counts_by_number() {
        assert_eq!(newest_glibc(b"\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_2.9\0"), Some(17));
        assert_eq!(newest_glibc(b"nothing"), None);
    }

    #[test]
    fn every_platform_has_the_name_that_the_module_looks_for() {
        for platform in PLATFORMS {
            assert!(["linux-", "win-", "osx-"].iter().any(|os| platform.name.starts_with(os)), "{}", platform.name);
            assert!(library_in_module(platform).starts_with("umpin."));
        }
    }
}
