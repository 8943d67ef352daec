//! What the person at the console reads.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};
use std::time::{Duration, Instant};

/// One line. A console that has gone away is no reason to stop.
pub fn say(line: &(impl Display + ?Sized)) {
    if cfg!(test) {
        // The tests' harness keeps to itself what this prints.
        println!("{line}");
    } else {
        let _ = writeln!(stdout(), "{line}");
    }
}

pub fn heading(title: &str) {
    say(&format!("\n== {title} =="));
}

/// What could not be done on the first line, what to do below it.
pub fn complain(lines: &[impl AsRef<str>]) {
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        text.push_str(if n == 0 { "build: " } else { "  " });
        text.push_str(line.as_ref());
        text.push('\n');
    }
    let _ = stderr().write_all(text.as_bytes());
}

/// Says what is done, and afterwards how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    say(&format!("-- {what}"));
    let started = Instant::now();
    let result = work();
    say(&format!("   ({})", duration(started.elapsed())));
    result
}

pub fn duration(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// The parts of a verb that could not run here. `test` counts its own.
pub struct Parts {
    strict: bool,
    skipped: Vec<(String, String)>,
}

impl Parts {
    pub fn new(strict: bool) -> Self {
        Self { strict, skipped: Vec::new() }
    }

    /// For the rings, which count what was skipped themselves: here it is no failure, whatever the options say.
    pub fn lenient() -> Self {
        Self { strict: false, skipped: Vec::new() }
    }

    pub fn skip(&mut self, what: &str, why: &str) {
        self.skipped.push((what.to_owned(), why.to_owned()));
        say(&format!("skipped: {what}: {why}"));
    }

    /// What could not run, and why.
    pub fn skips(&self) -> impl Iterator<Item = (&str, &str)> {
        self.skipped.iter().map(|(what, why)| (what.as_str(), why.as_str()))
    }

    /// Under `--strict` a part that could not run is a failure.
    pub fn finish(self) -> Result<bool, crate::Failure> {
        if self.strict && !self.skipped.is_empty() {
            return Err(crate::failure(format!(
                "--strict: {} part(s) could not run here (named above).",
                self.skipped.len()
            )));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_is_told_in_tenths_of_a_second_and_long_work_in_minutes() {
        assert_eq!(duration(Duration::from_millis(3240)), "3.2 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
    }

    #[test]
    fn a_part_that_could_not_run_fails_under_strict_only() {
        for (strict, fine) in [(false, true), (true, false)] {
            let mut parts = Parts::new(strict);
            parts.skip("a part", "no tool");
            assert_eq!(parts.finish().is_ok(), fine);
        }
        assert!(Parts::new(true).finish().is_ok());
    }
}
