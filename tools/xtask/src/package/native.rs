//! The library and the command for every platform that can be built for here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Packaging;
use crate::console::step;
use crate::machine::Machine;
use crate::process::{logged, output, succeeds};
use crate::{Failure, failure};

pub struct Platform {
    /// As .NET names it, and the folder in the module.
    pub name: &'static str,
    /// As Rust names it.
    pub triple: &'static str,
    /// What it is built from on linux-x64, for its own sake or for another.
    pub cross: Option<Cross>,
    /// As Debian names the processor; empty: no package.
    pub debian: &'static str,
    /// As rpm names it.
    pub rpm: &'static str,
}

pub struct Cross {
    /// As Rust names the target.
    triple: &'static str,
    /// As GNU's tools are prefixed.
    pub gnu: &'static str,
    /// QEMU's program for it; empty: none.
    pub qemu: &'static str,
    /// In `tools/`, without `.sh`: fetches what is needed.
    script: &'static str,
}

const fn linux(triple: &'static str, gnu: &'static str, qemu: &'static str) -> Option<Cross> {
    Some(Cross { triple, gnu, qemu, script: "cross-tools" })
}

/// This machine's is built with its own compilers, the others with those that a script fetches.
pub const PLATFORMS: &[Platform] = &[
    Platform { name: "linux-x64", triple: "x86_64-unknown-linux-gnu", cross: None, debian: "amd64", rpm: "x86_64" },
    Platform {
        name: "linux-arm64",
        triple: "aarch64-unknown-linux-gnu",
        cross: linux("aarch64-unknown-linux-gnu", "aarch64-linux-gnu", "qemu-aarch64-static"),
        debian: "arm64",
        rpm: "aarch64",
    },
    Platform {
        name: "linux-arm",
        triple: "armv7-unknown-linux-gnueabihf",
        cross: linux("armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf", "qemu-arm-static"),
        debian: "armhf",
        rpm: "armv7hl",
    },
    Platform {
        name: "win-x64",
        triple: "x86_64-pc-windows-msvc",
        cross: Some(Cross {
            triple: "x86_64-pc-windows-gnu",
            gnu: "x86_64-w64-mingw32",
            qemu: "",
            script: "windows-tools",
        }),
        debian: "",
        rpm: "",
    },
    Platform { name: "win-arm64", triple: "aarch64-pc-windows-msvc", cross: None, debian: "", rpm: "" },
    Platform { name: "osx-x64", triple: "x86_64-apple-darwin", cross: None, debian: "", rpm: "" },
    Platform { name: "osx-arm64", triple: "aarch64-apple-darwin", cross: None, debian: "", rpm: "" },
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
    /// Why it has no PostgreSQL in it.
    pub without_postgresql: Option<&'static str>,
}

/// What Debian's crates lack for Windows: PostgreSQL's crates go without.
const NO_WINDOWS_SYS: &str = "Debian's crates, which this build takes, are without windows-sys";

impl Native {
    pub fn describe(&self) -> String {
        let size = fs::metadata(&self.library).map_or(0, |m| m.len());
        let glibc = self.glibc.as_ref().map_or(String::new(), |version| format!(", needs glibc {version} or later"));
        format!("{} KB{glibc}", size / 1024)
    }
}

/// What the script for a platform has written.
pub struct CrossTools {
    cross: &'static Cross,
    toolchain: String,
    crates: String,
    bin: String,
    pub qemu: String,
    /// Holds `lib` and `include`.
    sqlite: Option<PathBuf>,
}

impl CrossTools {
    /// `None`: this machine's own tools do, or nothing was fetched.
    pub fn read(machine: &Machine, platform: &'static Platform) -> Option<Self> {
        let cross = platform.cross.as_ref().filter(|_| machine.platform != platform.name)?;
        let tools = machine.test_tools();
        let folder = cross.script.trim_end_matches("-tools");
        let file = tools.join(folder).join("env");
        let text = fs::read_to_string(file).ok()?;
        let value = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().to_owned()
        };
        let sqlite = Some(value("sqlite")).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        Some(Self {
            cross,
            toolchain: value("toolchain"),
            crates: value("crates"),
            bin: value("bin"),
            qemu: value("qemu"),
            sqlite: sqlite.map(|built| if folder == "cross" { built.join(cross.gnu) } else { built }),
        })
    }

    fn lacks_windows_sys(&self) -> bool {
        self.cross.triple.contains("-windows-") && !self.crates.is_empty()
    }

    pub fn tool(&self, tool: &str) -> PathBuf {
        Path::new(&self.bin).join(format!("{}-{tool}", self.cross.gnu))
    }

    /// QEMU's program, and the folder in which it finds the other processor's C library.
    pub fn emulator(&self) -> Option<(PathBuf, PathBuf)> {
        let here = Path::new(&self.qemu);
        (!self.cross.qemu.is_empty()).then(|| (here.join(self.cross.qemu), here.join("..").join(self.cross.gnu)))
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
            let given =
                Native { platform, library, program: None, static_library: None, glibc, without_postgresql: None };
            return Ok(Ok(given));
        }
    }
    let own = packaging.machine.platform == platform.name;
    let cross = match &platform.cross {
        _ if own => None,
        Some(cross) if packaging.machine.platform == "linux-x64" => {
            match fetch_tools(packaging.machine, platform, cross) {
                Ok(tools) => Some(tools),
                Err(why) => return Ok(Err(why)),
            }
        }
        _ => {
            let here = &packaging.machine.platform;
            return Ok(Err(format!("it is built on such a machine (UMPIN_NATIVES brings it in), not on {here}")));
        }
    };
    let mut runs = vec![("library and command", &["build", "--lib", "--bin", "umpin"][..])];
    if own {
        runs.push(("static library", &["rustc", "--lib", "--crate-type", "staticlib"]));
    }
    let built = compile(packaging, platform, cross.as_ref(), &runs)?;
    let place = |from: &str, to: &str, arguments: &[&str]| -> Result<PathBuf, Failure> {
        let file = target.join(to);
        packaging.copy(&built.join(from), &file)?;
        let program = cross.as_ref().map_or_else(|| PathBuf::from("strip"), |tools| tools.tool("strip"));
        strip(packaging, &program, arguments, &file);
        Ok(file)
    };
    let windows = platform.name.starts_with("win-");
    let program = if windows { "umpin.exe" } else { "umpin" };
    let archive = if windows { "umpin.lib" } else { "libumpin.a" };
    let debug: &[&str] = if cfg!(target_os = "macos") { &["-S"] } else { &["--strip-debug", "-D"] };
    let in_module = library_in_module(platform);
    let by_cargo = if windows { in_module.to_owned() } else { format!("lib{in_module}") };
    let native = Native {
        platform,
        library: place(&by_cargo, in_module, UNNEEDED)?,
        program: Some(place(program, program, UNNEEDED)?),
        static_library: if own { Some(place(archive, archive, debug)?) } else { None },
        glibc: None,
        without_postgresql: cross.as_ref().filter(|tools| tools.lacks_windows_sys()).map(|_| NO_WINDOWS_SYS),
    };
    let glibc = glibc_of(&native.library)?.max(glibc_of(native.program.as_deref().unwrap_or(&native.library))?);
    Ok(Ok(Native { glibc, ..native }))
}

/// What strip takes from a program or a library.
pub const UNNEEDED: &[&str] = if cfg!(target_os = "macos") { &["-x"] } else { &["--strip-unneeded"] };

/// What it cannot do it leaves: then the file is larger, and nothing else.
pub fn strip(packaging: &Packaging, program: &Path, arguments: &[&str], file: &Path) {
    if !cfg!(windows) {
        // It writes a time into what is for Windows.
        let mut strip = packaging.machine.command(program);
        strip.env("SOURCE_DATE_EPOCH", packaging.time.to_string());
        succeeds(strip.args(arguments).arg(file));
    }
}

fn library_in_module(platform: &Platform) -> &'static str {
    match platform.name.split('-').next() {
        Some("win") => "umpin.dll",
        Some("osx") => "umpin.dylib",
        _ => "umpin.so",
    }
}

fn fetch_tools(machine: &Machine, platform: &'static Platform, cross: &Cross) -> Result<CrossTools, String> {
    let script = format!("tools/{}.sh", cross.script);
    let mut command = machine.command("bash");
    let ended = step(&script, || logged(machine, cross.script, command.arg(&script), Some(Duration::from_secs(1800))));
    if !ended.well() {
        let log = machine.read_log(cross.script);
        let why = log.lines().find_map(|line| line.strip_prefix(cross.script)?.strip_prefix(": "));
        return Err(format!("{script}: {}", why.unwrap_or("see above")));
    }
    CrossTools::read(machine, platform).ok_or_else(|| format!("{script} left no list of its tools"))
}

/// This machine's library alone, stripped, as [`build`] makes it.
pub fn compile_library(packaging: &Packaging, platform: &Platform) -> Result<PathBuf, Failure> {
    let built = compile(packaging, platform, None, &[("library", &["build", "--lib"])])?;
    let library = built.join(format!("lib{}", library_in_module(platform)));
    strip(packaging, Path::new("strip"), UNNEEDED, &library);
    Ok(library)
}

/// What cargo does, each in a word for the reader; returns the folder that holds what it made.
fn compile(
    packaging: &Packaging,
    platform: &Platform,
    cross: Option<&CrossTools>,
    runs: &[(&str, &[&str])],
) -> Result<PathBuf, Failure> {
    let machine = packaging.machine;
    // A folder apart from the development build's, since the flags differ; and one for each compiler, since two that
    // share one would each compile everything anew.
    let folder = packaging.out.join("build").join(cross.map_or("own", |tools| tools.cross.script));
    for (what, words) in runs {
        let mut cargo = machine.command("cargo");
        if let Some(tools) = cross {
            let mut places = vec![PathBuf::from(&tools.bin)];
            if !tools.toolchain.is_empty() {
                let programs = Path::new(&tools.toolchain).join("bin");
                cargo = machine.command(programs.join("cargo"));
                places.insert(0, programs);
            }
            places.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
            // rustc looks there for what the linker's options do not name: dlltool.
            cargo.env("PATH", env::join_paths(places).unwrap_or_default());
        }
        let triple = cross.map_or(platform.triple, |tools| tools.cross.triple);
        cargo.args(*words).args(["--release", "--target", triple]).env("CARGO_TARGET_DIR", &folder);
        cargo.env("RUSTFLAGS", remapping(machine, &packaging.source)).current_dir(&packaging.source);
        if let Some(tools) = cross {
            let name = triple.to_uppercase().replace('-', "_");
            let under = triple.replace('-', "_");
            cargo.env(format!("CARGO_TARGET_{name}_LINKER"), tools.tool("gcc"));
            cargo.env(format!("CC_{under}"), tools.tool("gcc")).env(format!("AR_{under}"), tools.tool("ar"));
            if let Some(sqlite) = &tools.sqlite {
                cargo.env("SQLITE3_LIB_DIR", sqlite.join("lib")).env("SQLITE3_INCLUDE_DIR", sqlite.join("include"));
            }
            if tools.lacks_windows_sys() {
                cargo.arg("--no-default-features");
            }
            if !tools.crates.is_empty() {
                cargo.args(["-Zbuild-std=std,panic_unwind", "--config"]);
                cargo.arg("source.crates-io.replace-with='with-std'").arg("--config");
                cargo.arg(format!("source.with-std.directory='{}'", tools.crates));
            }
        }
        let log = format!("package-{}-{}", platform.name, words[0]);
        packaging.must(&format!("cargo {} ({what}, {triple})", words[0]), &log, &mut cargo)?;
    }
    Ok(folder.join(cross.map_or(platform.triple, |tools| tools.cross.triple)).join("release"))
}

/// No path of this machine gets into a message: folders have fixed names in what is compiled.
pub fn remapping(machine: &Machine, source: &Path) -> String {
    let mut pairs = vec![(machine.cache.clone(), "/crates"), (source.to_owned(), "/umpin")];
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
pub fn glibc_of(file: &Path) -> Result<Option<String>, Failure> {
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
