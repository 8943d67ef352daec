//! The machine, the checkout and its folders, and the environment in which everything is started.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::{Failure, failure};

pub struct Machine {
    pub root: PathBuf,
    /// What was fetched: outside of the checkout, for all checkouts.
    pub cache: PathBuf,
    /// `target/build`: what a run remembers for the next one.
    pub state: PathBuf,
    pub logs: PathBuf,
    /// Gone when the run ends.
    pub scratch: PathBuf,
    /// `target/release`, or what `CARGO_TARGET_DIR` makes of it.
    pub release: PathBuf,
    /// As .NET names it: `linux-x64`.
    pub platform: String,
    environment: Vec<(&'static str, OsString)>,
}

#[cfg(windows)]
mod system {
    pub const NAME: &str = "win";
    pub const LIBRARY: &str = "umpin.dll";
    pub const LIBRARY_IN_MODULE: &str = "umpin.dll";
}
#[cfg(target_os = "macos")]
mod system {
    pub const NAME: &str = "osx";
    pub const LIBRARY: &str = "libumpin.dylib";
    pub const LIBRARY_IN_MODULE: &str = "umpin.dylib";
}
#[cfg(not(any(windows, target_os = "macos")))]
mod system {
    pub const NAME: &str = "linux";
    pub const LIBRARY: &str = "libumpin.so";
    pub const LIBRARY_IN_MODULE: &str = "umpin.so";
}
/// As cargo names it.
pub const LIBRARY: &str = system::LIBRARY;
/// As the module loads it.
pub const LIBRARY_IN_MODULE: &str = system::LIBRARY_IN_MODULE;

impl Machine {
    /// `all`: the long tests in full.
    pub fn find(all: bool) -> Result<Self, Failure> {
        // cargo run tells it; the fallback is where this program was compiled.
        let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = here.join("../..").canonicalize().map_err(|e| failure(format!("{}: {e}", here.display())))?;
        let root = without_verbatim_prefix(root);
        env::set_current_dir(&root).map_err(|e| failure(format!("{}: {e}", root.display())))?;

        let cache = cache_folder()?;
        let state = root.join("target").join("build");
        let logs = state.join("logs");
        let scratch = env::temp_dir().join(format!("umpin-build.{:016x}", random_number()));
        make_private_folder(&scratch)?;
        let store = scratch.join("store");
        fs::create_dir_all(&logs).map_err(|e| failure(format!("{} cannot be made: {e}", logs.display())))?;
        // Whatever the umask is: root delivers no mail from a store that others may write.
        make_private_folder(&store)?;
        let release = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into())).join("release");

        let mut environment: Vec<(&str, OsString)> = [
            ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
            ("DOTNET_NOLOGO", "1"),
            ("DOTNET_SKIP_FIRST_TIME_EXPERIENCE", "1"),
            ("DOTNET_GENERATE_ASPNET_CERTIFICATE", "false"),
            ("DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE", "true"),
            // No server of ours stays behind, and none of another clone's is used.
            ("MSBUILDDISABLENODEREUSE", "1"),
            ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"),
            ("POWERSHELL_TELEMETRY_OPTOUT", "1"),
            ("POWERSHELL_UPDATECHECK", "Off"),
            // Where the crate compiles SQLite itself: as tools/sqlite.sh does, and says why.
            ("LIBSQLITE3_FLAGS", "-USQLITE_ENABLE_MEMORY_MANAGEMENT -DSQLITE_DEFAULT_MEMSTATUS=0"),
        ]
        .map(|(name, value)| (name, value.into()))
        .into();
        // Nothing here may meet a store in earnest, whatever the caller's environment names.
        environment.push(("UMPIN_STORE", store.join("um.db").into()));
        environment.push(("UMPIN_KEY_FILE", store.join("umpin.key").into()));
        environment.push(("UMPIN_CACHE", cache.clone().into()));
        if env::var_os("UMPIN_TEST_TOOLS").is_none() {
            environment.push(("UMPIN_TEST_TOOLS", cache.join("tools").into()));
        }
        if all {
            environment.push(("UMPIN_TEST_SCALE", "full".into()));
        }
        if !std::io::stdout().is_terminal() {
            // In a log, PowerShell's colours are noise.
            environment.push(("NO_COLOR", "1".into()));
        }
        let platform = format!("{}-{}", system::NAME, architecture());
        Ok(Self { root, cache, state, logs, scratch, release, platform, environment })
    }

    /// A program in the build's environment, in the checkout, that gets nothing from the keyboard.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).stdin(std::process::Stdio::null());
        // What cargo told this program about itself says nothing to the others.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_")) {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What tests and packages use and the machine may lack.
    pub fn test_tools(&self) -> PathBuf {
        env::var_os("UMPIN_TEST_TOOLS").map_or_else(|| self.cache.join("tools"), PathBuf::from)
    }

    pub fn library(&self) -> PathBuf {
        self.release.join(LIBRARY)
    }

    pub fn module_folder(&self) -> PathBuf {
        self.root.join("target").join("module")
    }

    /// Whether what failed less than half a day ago is to be left alone. `mark` names it.
    pub fn was_refused_lately(&self, mark: &str) -> bool {
        let refused = fs::metadata(self.refusal(mark)).and_then(|metadata| metadata.modified());
        let age = refused.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        age.is_some_and(|age| age < Duration::from_secs(12 * 60 * 60)) && !asked_to_refresh()
    }

    pub fn remember_refusal(&self, mark: &str) {
        // Where it cannot be noted, the next run tries once more.
        let _ = fs::write(self.refusal(mark), "");
    }

    pub fn forget_refusal(&self, mark: &str) {
        let _ = fs::remove_file(self.refusal(mark));
    }

    fn refusal(&self, mark: &str) -> PathBuf {
        self.state.join(format!("{mark}-refused"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// `UMPIN_REFRESH`: fetch anew, and ask again what was decided before.
pub fn asked_to_refresh() -> bool {
    env::var_os("UMPIN_REFRESH").is_some_and(|v| !v.is_empty())
}

/// A program on `PATH`, or at the path given.
pub fn find_program(name: impl AsRef<Path>) -> Option<PathBuf> {
    let name = name.as_ref();
    if name.components().count() > 1 {
        return runnable(name.to_owned());
    }
    env::split_paths(&env::var_os("PATH")?).find_map(|folder| runnable(folder.join(name)))
}

#[cfg(unix)]
fn runnable(path: PathBuf) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(&path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0).then_some(path)
}

#[cfg(not(unix))]
fn runnable(path: PathBuf) -> Option<PathBuf> {
    let mut with_suffix = path.clone().into_os_string();
    with_suffix.push(".exe");
    [path, with_suffix.into()].into_iter().find(|p| p.is_file())
}

/// The C compiler, and the one for C++.
pub fn find_c_compiler() -> Option<PathBuf> {
    ["cc", "gcc", "clang"].iter().find_map(find_program)
}
pub fn find_cpp_compiler() -> Option<PathBuf> {
    ["c++", "g++", "clang++"].iter().find_map(find_program)
}

fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn cache_folder() -> Result<PathBuf, Failure> {
    let named = |name| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(folder) = named("UMPIN_CACHE") {
        return std::path::absolute(&folder).map_err(|e| failure(format!("UMPIN_CACHE: {}: {e}", folder.display())));
    }
    let parent = if cfg!(windows) {
        named("LOCALAPPDATA")
    } else {
        named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")))
    };
    parent.map(|folder| folder.join("ummailboxpin")).ok_or_else(|| {
        vec!["there is no place for what is fetched.".to_owned(), "Set HOME or UMPIN_CACHE to a folder.".to_owned()]
    })
}

/// A random number: the standard library seeds its hash maps with one.
fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Makes a folder that other accounts cannot enter. One that is there already is somebody else's, and an error.
fn make_private_folder(folder: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|e| failure(format!("the throwaway folder {} cannot be made: {e}", folder.display())))
}

/// `canonicalize` answers `\\?\C:\...` on Windows, which compilers do not take.
fn without_verbatim_prefix(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|p| p.strip_prefix(r"\\?\")) {
        Some(plain) => PathBuf::from(plain),
        None => path,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Whoever put the link there could turn it to programs of their own later.
    #[test]
    fn a_link_that_lies_where_the_home_would_be_made_is_not_used() -> std::io::Result<()> {
        let folder = env::temp_dir().join(format!("umpin-home-test.{:016x}", random_number()));
        let elsewhere = folder.join("elsewhere");
        fs::create_dir_all(&elsewhere)?;
        let id = Command::new("id").arg("-u").output()?;
        let home = folder.join(format!("umpin-home-{}", String::from_utf8_lossy(&id.stdout).trim()));
        std::os::unix::fs::symlink(&elsewhere, &home)?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut build = Command::new("bash");
        let ended =
            build.arg(root.join("build.sh")).arg("--help").env_remove("HOME").env("TMPDIR", &folder).output()?;
        let words = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && words.contains("Set HOME"), "{words}");
        assert_eq!(fs::read_dir(&elsewhere)?.count(), 0);
        fs::remove_dir_all(folder)
    }
}
