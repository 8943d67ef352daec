//! Programs that are started: their output shown and kept, their time bounded.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::console::say;
use crate::machine::Machine;

/// How a program ended.
#[derive(Debug)]
pub enum Ended {
    With(ExitStatus),
    /// It was killed, with all that it had started.
    TimedOut(Duration),
    NotStarted(String),
}

impl Ended {
    pub fn well(&self) -> bool {
        matches!(self, Self::With(status) if status.success())
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // "exit status: 3" or "signal: 6 (SIGABRT)"
            Self::With(status) => write!(f, "{status}"),
            Self::TimedOut(after) => write!(f, "still running after {} s, killed", after.as_secs()),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
        }
    }
}

/// Runs a program, shows what it prints and keeps that in `target/build/logs/<name>.log`.
pub fn logged(machine: &Machine, name: &str, command: &mut Command, at_most: Option<Duration>) -> Ended {
    run(&machine.log(name), Echo::Console, command, at_most)
}

/// As [`logged`], and shows nothing.
pub fn quiet(machine: &Machine, name: &str, command: &mut Command, at_most: Option<Duration>) -> Ended {
    run(&machine.log(name), Echo::None, command, at_most)
}

/// Runs a program at the console, in its colours.
pub fn shown(command: &mut Command) -> Ended {
    command.status().map_or_else(|e| not_started(command, &e), Ended::With)
}

/// Whether a program runs and ends well; what it prints is thrown away.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What a program prints, or nothing where it fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Machine {
    pub fn log(&self, name: &str) -> std::path::PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// What the last run under this name printed.
    pub fn read_log(&self, name: &str) -> String {
        std::fs::read(self.log(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

fn not_started(command: &Command, why: &io::Error) -> Ended {
    Ended::NotStarted(format!("{}: {why}", command.get_program().to_string_lossy()))
}

/// Where a program's output goes besides its log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Echo {
    Console,
    None,
}

fn run(log: &Path, echo: Echo, command: &mut Command, at_most: Option<Duration>) -> Ended {
    let (reader, log) = match pipe_into(command).and_then(|reader| Ok((reader, File::create(log)?))) {
        Ok(both) => both,
        Err(e) => return Ended::NotStarted(format!("{}: {e}", log.display())),
    };
    if at_most.is_some() {
        in_a_group_of_its_own(command);
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return not_started(command, &e),
    };
    // The command holds the writing ends: as long as it does, the copying would wait for more.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let copying = std::thread::spawn(move || copy(reader, log, echo));
    let ended = wait(child, at_most);
    let _ = copying.join();
    ended
}

/// Both streams into one pipe, in the order in which they are written.
fn pipe_into(command: &mut Command) -> io::Result<io::PipeReader> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    Ok(reader)
}

fn copy(mut from: impl Read, mut log: File, echo: Echo) {
    let mut buffer = [0; 8192];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 {
            break;
        }
        let _ = log.write_all(&buffer[..n]);
        if echo == Echo::Console {
            let mut stdout = io::stdout().lock();
            let _ = stdout.write_all(&buffer[..n]).and_then(|()| stdout.flush());
        }
    }
}

fn wait(mut child: Child, at_most: Option<Duration>) -> Ended {
    let Some(at_most) = at_most else {
        return child.wait().map_or_else(|e| Ended::NotStarted(e.to_string()), Ended::With);
    };
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ended::With(status),
            Ok(None) if started.elapsed() < at_most => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                kill_with_all_it_started(&mut child);
                let _ = child.wait();
                say(&format!("   stopped: still running after {} s", at_most.as_secs()));
                return Ended::TimedOut(at_most);
            }
            Err(e) => return Ended::NotStarted(e.to_string()),
        }
    }
}

#[cfg(unix)]
fn in_a_group_of_its_own(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn in_a_group_of_its_own(_: &mut Command) {}

fn kill_with_all_it_started(child: &mut Child) {
    let id = child.id().to_string();
    let mut command = if cfg!(windows) {
        let mut command = Command::new("taskkill");
        command.args(["/T", "/F", "/PID", &id]);
        command
    } else {
        let mut command = Command::new("kill");
        command.args(["-s", "KILL", "--", &format!("-{id}")]);
        command
    };
    if !succeeds(&mut command) {
        let _ = child.kill();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("xtask-{name}-{}.log", std::process::id()))
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_kept_in_order_and_the_status_is_the_programs() {
        let log = log("streams");
        let ended = run(&log, Echo::None, &mut shell("echo one; echo two >&2; echo three; exit 3"), None);
        assert!(!ended.well() && ended.to_string().ends_with('3'), "{ended}");
        assert_eq!(std::fs::read_to_string(&log).unwrap_or_default(), "one\ntwo\nthree\n");
        let _ = std::fs::remove_file(log);
    }

    #[test]
    fn what_takes_too_long_is_killed_with_what_it_started() {
        let log = log("slow");
        // The inner one holds the pipe open: were it left, this would wait for it.
        let started = Instant::now();
        let ended = run(&log, Echo::None, &mut shell("sleep 300 & sleep 300"), Some(Duration::from_millis(50)));
        assert!(matches!(ended, Ended::TimedOut(_)), "{ended}");
        assert!(started.elapsed() < Duration::from_secs(200));
        let _ = std::fs::remove_file(log);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let log = log("absent");
        let ended = run(&log, Echo::None, &mut Command::new("no-such-program-here"), None);
        assert!(ended.to_string().contains("no-such-program-here"), "{ended}");
        let _ = std::fs::remove_file(log);
    }
}
