//! The rings of `test`: one table, one function each. A failing ring does not stop the next.

mod analyzer;
mod c;
mod csharp;
mod lint;
mod package;
mod page;
mod pester;
mod postgresql;
mod rust;
mod windows;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::arguments::Arguments;
use crate::console::{complain, duration, heading, say, step};
use crate::machine::Machine;
use crate::module::{self, Built};
use crate::powershell::PowerShell;
use crate::process::logged;
use crate::tally::Tally;

pub struct Ring {
    /// As it is typed.
    pub name: &'static str,
    pub title: &'static str,
    /// For the reader of `--help`.
    pub needs: &'static str,
    /// What is built before the first ring that wants it.
    builds: Builds,
    pub runs: Runs,
    /// About so many minutes under `--all`, from nothing built, on the machine of docs/development.md: how much slower
    /// this one is tells how long the rings that follow will take.
    minutes: u32,
    run: fn(&mut Context),
}

/// When a ring runs that nobody named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    Always,
    /// Under `--all`, and by its name: it takes long, or fetches much.
    WithAll,
}

impl Runs {
    /// Whether such a ring runs that nobody named.
    pub fn unnamed(self, all: bool) -> bool {
        match self {
            Self::Always => true,
            Self::WithAll => all,
        }
    }
}

/// A ring that only `--all` asked for begins where it is likely to end within so long: on a machine much slower than
/// the one of docs/development.md, CI would end the run at 90 minutes, and tell nothing of what had passed.
const LONGEST: Duration = Duration::from_mins(80);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Builds {
    Nothing,
    Library,
    Module,
}

/// In the order in which they run.
pub const RINGS: &[Ring] = &[
    Ring {
        name: "lint",
        title: "Rust: format and lints",
        needs: "rustfmt and clippy",
        builds: Builds::Nothing,
        runs: Runs::Always,
        minutes: 2,
        run: lint::run,
    },
    Ring {
        name: "rust",
        title: "Rust: cargo test",
        needs: "what tools/test-tools.sh fetches, under --all a real Asterisk too",
        builds: Builds::Nothing,
        runs: Runs::Always,
        minutes: 8,
        run: rust::run,
    },
    Ring {
        name: "page",
        title: "The page: web/",
        needs: "about 300 crates more, which are fetched; under --all a browser and an OpenID Connect provider too",
        builds: Builds::Library,
        runs: Runs::Always,
        minutes: 3,
        run: page::run,
    },
    Ring {
        name: "c",
        title: "C: the header and the library",
        needs: "a C and a C++ compiler",
        builds: Builds::Library,
        runs: Runs::Always,
        minutes: 1,
        run: c::run,
    },
    Ring {
        name: "csharp",
        title: "C#: the cmdlets' unit tests, and what crosses the boundary under Mono",
        needs: "the .NET SDK, 10 or later, with NuGet; Mono, which is fetched, and a C compiler",
        builds: Builds::Library,
        runs: Runs::Always,
        minutes: 1,
        run: csharp::run,
    },
    Ring {
        name: "analyzer",
        title: "PowerShell: PSScriptAnalyzer",
        needs: "pwsh with PSScriptAnalyzer, which is fetched",
        builds: Builds::Nothing,
        runs: Runs::Always,
        minutes: 1,
        run: analyzer::run,
    },
    Ring {
        name: "pester",
        title: "PowerShell: Pester on the built module",
        needs: "the .NET SDK, and pwsh with Pester, which is fetched",
        builds: Builds::Module,
        runs: Runs::Always,
        minutes: 2,
        run: pester::run,
    },
    Ring {
        name: "postgresql",
        title: "PostgreSQL: the engine, and the Rust suite and Pester on a server",
        needs: "PostgreSQL's initdb and postgres, which are fetched where none are installed",
        builds: Builds::Module,
        runs: Runs::WithAll,
        minutes: 9,
        run: postgresql::run,
    },
    Ring {
        name: "package",
        title: "Packages: made twice, installed and used",
        needs: "what tools/cross-tools.sh, deb-test.sh and rpm-test.sh fetch; pwsh with Pester, osslsigncode, root",
        builds: Builds::Library,
        runs: Runs::WithAll,
        minutes: 22,
        run: package::run,
    },
    Ring {
        name: "windows",
        title: "Windows, from Linux: built, and run under Wine",
        needs: "what tools/windows-tools.sh and wine-tools.sh fetch; Pester there wants UMPIN_WINDOWS_PWSH",
        builds: Builds::Module,
        runs: Runs::WithAll,
        minutes: 5,
        run: windows::run,
    },
];

/// What a ring works with.
pub struct Context<'a> {
    pub machine: &'a Machine,
    pub all: bool,
    pub tally: Tally,
    pub powershell: PowerShell,
    pub library_built: bool,
    /// `None`: it failed to build, which has been counted.
    pub module: Option<Built>,
}

/// The verb `test`.
pub fn run(machine: &Machine, arguments: &Arguments) -> Result<bool, Failure> {
    let started = Instant::now();
    let mut context = Context {
        machine,
        all: arguments.all,
        tally: Tally::new(arguments.strict),
        powershell: PowerShell::default(),
        library_built: false,
        module: None,
    };
    let wanted = arguments.rings.iter().map(|ring| ring.builds).max().unwrap_or(Builds::Nothing);
    let mut built = false;
    // The minutes of the rings that have run.
    let mut behind = 0;
    for ring in &arguments.rings {
        if !arguments.named && would_end_too_late(ring.runs, ring.minutes, behind, started.elapsed()) {
            let why = format!(
                "{} have passed on this slow machine, and CI would end the run before this ring's end; ./build.sh \
                 test --all {} runs it alone",
                duration(started.elapsed()),
                ring.name
            );
            context.tally.absent(ring.title, &why, 1);
            continue;
        }
        if ring.builds > Builds::Nothing && !built {
            built = true;
            timed("What the rings that follow need: the library, the module", || context.build(wanted));
        }
        let number = RINGS.iter().take_while(|other| other.name != ring.name).count() + 1;
        timed(&format!("{number}. {}", ring.title), || (ring.run)(&mut context));
        behind += ring.minutes;
    }
    heading(&format!("Result ({})", duration(started.elapsed())));
    context.tally.print();
    Ok(context.tally.failed == 0)
}

/// A ring of so many minutes, where others of `behind` minutes have taken `passed`.
fn would_end_too_late(runs: Runs, minutes: u32, behind: u32, passed: Duration) -> bool {
    // A machine that was quick so far may have had much built already, and nothing of what follows.
    let slower = (passed.as_secs_f64() / 60.0 / f64::from(behind.max(1))).max(1.0);
    runs == Runs::WithAll && passed.as_secs_f64() + 60.0 * f64::from(minutes) * slower > LONGEST.as_secs_f64()
}

fn timed(title: &str, work: impl FnOnce()) {
    heading(title);
    let started = Instant::now();
    work();
    say(&format!("({})", duration(started.elapsed())));
}

impl Context<'_> {
    fn build(&mut self, wanted: Builds) {
        if let Err(lines) = module::build_library(self.machine) {
            complain(&lines);
            self.tally.fail("building the library (see above)");
            return;
        }
        self.library_built = true;
        if wanted < Builds::Module {
            return;
        }
        match module::build(self.machine, &self.machine.library()) {
            Ok(built) => {
                if let Built::Absent(why) = &built {
                    say(&format!("the module cannot be built here: {why}"));
                }
                self.module = Some(built);
            }
            Err(lines) => {
                complain(&lines);
                self.tally.fail("building the module (see above)");
            }
        }
    }

    /// One command that either passes or fails.
    fn check(&mut self, name: &str, command: &mut Command) {
        let log: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let ended = step(name, || logged(self.machine, &log, command, None));
        if ended.well() { self.tally.pass() } else { self.tally.fail(format!("{name} ({ended})")) }
    }

    /// Runs a script that fetches what tests use. What could not be had is named by the script, the tests that need it
    /// are skipped by name, and the run goes on.
    fn fetch_tools(&self, name: &str, at_most: Duration) {
        if self.machine.was_refused_lately(name) && !self.all {
            return;
        }
        let script = format!("tools/{name}.sh");
        let mut command = self.machine.command("bash");
        let ended = step(&script, || logged(self.machine, name, command.arg(&script), Some(at_most)));
        if ended.well() {
            self.machine.forget_refusal(name);
        } else {
            self.machine.remember_refusal(name);
            say(&format!("  {script} did not get everything ({ended}); the tests that need it are skipped by name."));
        }
    }

    /// The text of a file that a ring's own program left, which may be none.
    fn read_result(&self, name: &str) -> String {
        fs::read_to_string(self.machine.scratch.join(name)).unwrap_or_default()
    }
}

/// `cargo VERB` for the product and for this program, which has a workspace of its own.
fn cargo_runs(machine: &Machine, words: &[&str]) -> [(String, Command); 2] {
    let mut product = machine.command("cargo");
    product.args(words);
    let mut own = machine.command("cargo");
    own.args(words).args(["--manifest-path", "tools/xtask/Cargo.toml"]);
    own.env("CARGO_TARGET_DIR", machine.root.join("target").join("xtask"));
    let name = format!("cargo {}", words.join(" "));
    [(name.clone(), product), (format!("{name} (tools/xtask)"), own)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_begins_where_it_is_likely_to_end_in_time() {
        let minutes = Duration::from_mins;
        // As fast as ours: 54 minutes in all.
        assert!(!would_end_too_late(Runs::WithAll, 22, 27, minutes(27)));
        assert!(!would_end_too_late(Runs::WithAll, 5, 49, minutes(49)));
        // Nearly half as fast: 88 minutes with the one, 58 without it.
        assert!(would_end_too_late(Runs::WithAll, 22, 27, minutes(48)));
        assert!(!would_end_too_late(Runs::WithAll, 5, 27, minutes(48)));
        // Much was built already: no ring is taken for quicker than it says.
        assert!(would_end_too_late(Runs::WithAll, 85, 29, minutes(1)));
        // What runs without --all is never left out.
        assert!(!would_end_too_late(Runs::Always, 22, 27, minutes(79)));
        // The first.
        assert!(!would_end_too_late(Runs::WithAll, 10, 0, Duration::ZERO));
    }
}
