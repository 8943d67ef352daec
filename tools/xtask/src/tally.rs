//! What is counted: passed, failed, skipped; and how the output of the tools is read for it.

use crate::console::say;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub failures: Vec<String>,
    pub skips: Vec<String>,
    strict: bool,
}

impl Tally {
    pub fn new(strict: bool) -> Self {
        Self { strict, ..Self::default() }
    }

    pub fn pass(&mut self) {
        self.passed += 1;
    }

    pub fn fail(&mut self, name: impl Into<String>) {
        self.fail_many(name, 1);
    }

    pub fn fail_many(&mut self, name: impl Into<String>, count: usize) {
        let name = name.into();
        say(&format!("FAILED: {name}"));
        self.failed += count;
        self.failures.push(name);
    }

    /// The test itself says that it does not apply here.
    pub fn skip(&mut self, name: &str, reason: &str) {
        self.skip_many(name, reason, 1);
    }

    pub fn skip_many(&mut self, name: &str, reason: &str, count: usize) {
        self.skipped += count;
        self.skips.push(format!("{name}: {reason}"));
    }

    /// A tool is missing, so `count` checks cannot run; `--strict` counts them as failed.
    pub fn absent(&mut self, name: &str, reason: &str, count: usize) {
        if self.strict {
            self.fail_many(format!("{name}: {reason} (--strict)"), count);
        } else {
            self.skip_many(name, reason, count);
            say(&format!("skipped: {name}: {reason}"));
        }
    }

    /// What `cargo test` printed, and the "name: reason" lines of the tests that found at run time that they do not
    /// apply. `what` names this cargo run.
    pub fn add_cargo_test(&mut self, what: &str, output: &str, skips: &str, ended: &crate::process::Ended) {
        let (mut programs, mut results, mut failed) = (0_usize, 0, 0);
        let (mut failures, mut ignored) = (Vec::new(), Vec::new());
        for line in output.lines() {
            if let Some(counts) = line.strip_prefix("test result: ") {
                results += 1;
                self.passed += number_before(counts, "passed;");
                failed += number_before(counts, "failed;");
                self.skipped += number_before(counts, "ignored;");
            } else if is_start_of_a_test_program(line) {
                programs += 1;
            } else if let Some((name, result)) = line.strip_prefix("test ").and_then(|l| l.rsplit_once(" ... ")) {
                if result == "FAILED" {
                    failures.push(name);
                } else if result.starts_with("ignored") {
                    ignored.push(format!("{name}: {}", result.replacen("ignored, ", "ignored ", 1)));
                }
            }
        }
        self.failed += failed;
        failures.sort_unstable();
        failures.dedup();
        for name in failures {
            self.fail_many(name, 0);
        }
        ignored.sort_unstable();
        self.skips.append(&mut ignored);
        for line in skips.lines().filter(|line| !line.trim().is_empty()) {
            // cargo counted it as passed.
            self.passed = self.passed.saturating_sub(1);
            self.skipped += 1;
            self.skips.push(line.to_owned());
        }
        if programs > results {
            let lost = programs - results;
            self.fail_many(format!("{what}: {lost} test program(s) ended without a result"), lost);
        } else if !ended.well() && failed == 0 {
            self.fail(format!("{what} failed (see above)"));
        }
    }

    /// The lines `ok N - name` and `not ok N - name` of a C program; `# SKIP` in one makes it a skip.
    pub fn add_c_program(&mut self, name: &str, output: &str, ended: &crate::process::Ended) {
        let (mut seen, mut bad) = (0, 0);
        for line in output.lines() {
            if is_numbered(line, "not ok ") {
                seen += 1;
                bad += 1;
                self.fail(format!("{name}: {line}"));
            } else if is_numbered(line, "ok ") {
                seen += 1;
                if line.to_ascii_lowercase().contains("# skip") { self.skip(name, line) } else { self.pass() }
            }
        }
        if !ended.well() && bad == 0 {
            self.fail(format!("{name} ended badly ({ended})"));
        } else if seen == 0 {
            self.fail(format!("{name} printed no result (lines 'ok N - name')"));
        }
    }

    /// What `dotnet test` printed: `NAME [FAIL]` lines, and `Passed: N` and its like in the last one.
    pub fn add_dotnet_test(&mut self, what: &str, output: &str, ended: &crate::process::Ended) {
        let result = output.lines().rev().find(|line| line.contains(" - Failed:") && line.contains(", Passed:"));
        let number = |label: &str| {
            let (_, rest) = result?.split_once(label)?;
            rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
        };
        let (Some(passed), Some(failed), Some(skipped)) = (number("Passed:"), number("Failed:"), number("Skipped:"))
        else {
            self.fail(format!("{what} ended without a result ({ended})"));
            return;
        };
        for line in output.lines().filter_map(|line| line.trim_end().strip_suffix(" [FAIL]")) {
            self.fail_many(line.rsplit("]   ").next().unwrap_or(line).trim(), 0);
        }
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
        if skipped > 0 {
            self.skips.push(format!("{what}: {skipped} test(s) say that they do not apply (see above)"));
        }
        if !ended.well() && failed == 0 {
            self.fail(format!("{what} ended badly ({ended})"));
        }
    }

    /// What tools/analyze.ps1 and tools/pester.ps1 leave behind: `counts PASSED FAILED SKIPPED`, then `failed NAME`
    /// and `skipped NAME: REASON` lines. False, and nothing counted, where there are no counts.
    #[must_use]
    pub fn add_powershell(&mut self, text: &str) -> bool {
        let lines = || text.lines().filter_map(|line| line.trim_start_matches('\u{feff}').split_once(' '));
        let counts: Vec<usize> = match lines().find(|(kind, _)| *kind == "counts") {
            Some((_, rest)) => rest.split_whitespace().filter_map(|n| n.parse().ok()).collect(),
            None => return false,
        };
        let [passed, failed, skipped] = counts[..] else { return false };
        for (kind, rest) in lines() {
            match kind {
                "failed" => self.fail_many(rest, 0),
                "skipped" => self.skips.push(rest.to_owned()),
                _ => {}
            }
        }
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
        true
    }

    pub fn print(&self) {
        for line in &self.skips {
            say(&format!("skipped: {line}"));
        }
        for line in &self.failures {
            say(&format!("failed: {line}"));
        }
        say(&format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped));
    }
}

/// `     Running tests/store.rs (target/...)`, `     Running unittests src/lib.rs (...)`, `   Doc-tests umpin`.
fn is_start_of_a_test_program(line: &str) -> bool {
    let rest = line.trim_start_matches(' ');
    rest.len() < line.len()
        && (rest.starts_with("Doc-tests ") || (rest.starts_with("Running ") && !rest.starts_with("Running `")))
}

/// The `12` of `ok. 12 passed; 0 failed; ...`.
fn number_before(text: &str, word: &str) -> usize {
    let words: Vec<_> = text.split_whitespace().collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

fn is_numbered(line: &str, start: &str) -> bool {
    line.strip_prefix(start).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Ended;

    const CARGO: &str = "\
   Compiling ummailboxpin v0.1.0 (/src)
     Running unittests src/lib.rs (target/debug/deps/umpin-1)

running 3 tests
test pin::rules::tests::short ... ok
test pin::rules::tests::long ... FAILED
test store::slow ... ignored, takes an hour

failures:
    pin::rules::tests::long

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running tests/integration/main.rs (target/debug/deps/integration-2)
test mail::sends_them ... ok
test mail::waits ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s

   Doc-tests umpin
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    fn counts(tally: &Tally) -> (usize, usize, usize) {
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn cargos_tests_are_counted_over_all_programs() {
        let mut tally = Tally::default();
        tally.add_cargo_test("cargo test", CARGO, "", &ended(1));
        assert_eq!(counts(&tally), (3, 1, 1));
        assert_eq!(tally.failures, ["pin::rules::tests::long"]);
        assert_eq!(tally.skips, ["store::slow: ignored takes an hour"]);
    }

    #[test]
    fn a_test_that_says_at_run_time_that_it_does_not_apply_is_skipped_and_not_passed() {
        let mut tally = Tally::default();
        tally.add_cargo_test("cargo test", CARGO, "mail::waits: no msmtp here\n", &ended(1));
        assert_eq!(counts(&tally), (2, 1, 2));
        assert_eq!(tally.skips[1], "mail::waits: no msmtp here");
    }

    #[test]
    fn a_test_program_that_dies_is_a_failure() {
        let died = "     Running unittests src/lib.rs (a)\ntest a ... ok\nerror: test failed, to rerun pass `--lib`\n\
                         Running tests/store.rs (b)\ntest result: ok. 4 passed; 0 failed; 0 ignored;\n";
        let mut tally = Tally::default();
        tally.add_cargo_test("cargo test", &died.replace("Running tests", "    Running tests"), "", &ended(1));
        assert_eq!(counts(&tally), (4, 1, 0));
        assert!(tally.failures[0].contains("1 test program(s) ended without a result"), "{:?}", tally.failures);
    }

    #[test]
    fn cargo_that_fails_without_a_failed_test_is_a_failure() {
        let mut tally = Tally::default();
        tally.add_cargo_test("cargo test", "error[E0425]: cannot find value\n", "", &ended(1));
        assert_eq!(counts(&tally), (0, 1, 0));
    }

    #[test]
    fn cargos_own_running_lines_of_a_verbose_run_are_no_test_programs() {
        assert!(!is_start_of_a_test_program("     Running `rustc --crate-name umpin`"));
        assert!(!is_start_of_a_test_program("Running tests/a.rs (printed by a test)"));
        assert!(is_start_of_a_test_program("     Running tests\\integration\\main.rs (target\\debug\\x.exe)"));
    }

    #[test]
    fn dotnets_tests_are_counted_and_named() {
        let output = "[xUnit.net 00:00:03.75]     Tests.Json.A_text(text: \"[FAIL] no\") [FAIL]\n\n\
            Failed!  - Failed:     1, Passed:   102, Skipped:     2, Total:   105, Duration: 1 s - T.dll (net10.0)\n";
        let mut tally = Tally::default();
        tally.add_dotnet_test("tests/csharp", output, &ended(1));
        assert_eq!(counts(&tally), (102, 1, 2));
        assert_eq!(tally.failures, ["Tests.Json.A_text(text: \"[FAIL] no\")"]);
        assert_eq!(tally.skips.len(), 1);
    }

    #[test]
    fn dotnet_that_does_not_build_or_ends_badly_is_a_failure() {
        let mut tally = Tally::default();
        tally.add_dotnet_test("tests/csharp", "error CS1002: ; expected\n", &ended(1));
        assert_eq!(counts(&tally), (0, 1, 0));
        let passed =
            "Passed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     3, Duration: 2 s - T.dll (net10.0)\n";
        tally.add_dotnet_test("tests/csharp", passed, &ended(1));
        assert_eq!(counts(&tally), (3, 2, 0));
        tally.add_dotnet_test("tests/csharp", passed, &ended(0));
        assert_eq!(counts(&tally), (6, 2, 0));
    }

    fn c_program(output: &str, ended: &Ended) -> Tally {
        let mut tally = Tally::default();
        tally.add_c_program("tests/c/exports.c", output, ended);
        tally
    }

    fn ended(code: i32) -> Ended {
        #[cfg(unix)]
        // wait(2) has the code above the signal.
        let status = std::os::unix::process::ExitStatusExt::from_raw(code << 8);
        #[cfg(windows)]
        let status = std::os::windows::process::ExitStatusExt::from_raw(code.unsigned_abs());
        Ended::With(status)
    }

    #[test]
    fn each_line_of_a_c_program_counts() {
        let tally = c_program("ok 1 - opens\nnot ok 2 - reads\nok 3 - mails # SKIP no root\nok, fine\n", &ended(1));
        assert_eq!(counts(&tally), (1, 1, 1));
        assert_eq!(tally.failures, ["tests/c/exports.c: not ok 2 - reads"]);
    }

    #[test]
    fn a_c_program_that_dies_or_says_nothing_is_a_failure() {
        assert_eq!(counts(&c_program("ok 1 - opens\n", &ended(1))), (1, 1, 0));
        assert_eq!(counts(&c_program("hello\n", &ended(0))), (0, 1, 0));
        assert_eq!(counts(&c_program("ok 1 - opens\n", &ended(0))), (1, 0, 0));
    }

    #[test]
    fn what_pester_leaves_is_counted() {
        let mut tally = Tally::default();
        let text = "\u{feff}counts 200 2 1\r\nfailed Pin.Tests.ps1: Set.one\r\nskipped Windows.two: not Windows\r\n";
        assert!(tally.add_powershell(text));
        assert_eq!(counts(&tally), (200, 2, 1));
        assert_eq!(tally.failures, ["Pin.Tests.ps1: Set.one"]);
        assert_eq!(tally.skips, ["Windows.two: not Windows"]);
    }

    #[test]
    fn a_result_without_counts_is_none() {
        for text in ["", "failed x: y\n", "counts 1 2\n"] {
            let mut tally = Tally::default();
            assert!(!tally.add_powershell(text), "{text}");
            assert_eq!(tally, Tally::default());
        }
    }

    #[test]
    fn a_missing_tool_is_a_skip_and_under_strict_a_failure() {
        for (strict, expected) in [(false, (0, 0, 4)), (true, (0, 4, 0))] {
            let mut tally = Tally::new(strict);
            tally.absent("Pester", "no pwsh", 4);
            assert_eq!(counts(&tally), expected);
        }
    }
}
