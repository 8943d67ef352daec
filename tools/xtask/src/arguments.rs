//! What was typed.

use crate::rings::{RINGS, Ring, Runs};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Demo,
    Test,
    Module,
    Package,
    Bench,
}

pub struct Arguments {
    pub verb: Verb,
    pub strict: bool,
    pub all: bool,
    /// The modules of `package`.
    pub sign: bool,
    /// Whether rings were named.
    pub named: bool,
    /// The rings of `test`, in the table's order.
    pub rings: Vec<&'static Ring>,
}

pub enum Asked {
    Run(Arguments),
    Help,
    Nothing,
}

pub fn usage() -> String {
    let mut text = String::from(
        "\
Usage: ./build.sh VERB [--strict] [--all]     (on Windows: .\\build.ps1 VERB [-Strict] [-All])

  demo            builds the module and shows it at work, in a throwaway folder
  test [RING...]  the rings of tests; the last line reads \"N passed, N failed, N skipped\"
  module          target/module/UMMailboxPin, ready for Import-Module
  package         target/package: what people install, for every system that can be built for here
  bench           the benchmarks, of the library and of the cmdlets

  --all      with test: what takes long in full, and what needs large downloads (a real Asterisk); nothing is left out,
             but no ring marked + begins that would end behind 80 minutes (on a slow machine)
  --sign     with package: the modules are signed (UMPIN_SIGN_CERTIFICATE, see docs/development.md)
  --strict   a part that cannot run here (no PowerShell, no .NET SDK ...) is a failure, not a skip

Rings (without a name: all but those marked +, which run under --all):
",
    );
    for ring in RINGS {
        let mark = match ring.runs {
            Runs::Always => ' ',
            Runs::WithAll => '+',
        };
        text.push_str(&format!(" {mark}{:<10} {}; needs {}\n", ring.name, ring.title, ring.needs));
    }
    text.push_str(
        "
Variables (docs/development.md): UMPIN_CRATES=auto|registry|debian, UMPIN_PWSH=PATH|none, UMPIN_CACHE=FOLDER,
UMPIN_REFRESH=1",
    );
    text
}

/// Options in PowerShell's spelling (`-Strict`) mean the same.
pub fn parse(words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let (mut strict, mut all, mut sign, mut verb) = (false, false, false, None);
    let mut names = Vec::new();
    for word in words {
        if let Some(option) = word.strip_prefix('-') {
            match option.trim_start_matches('-').to_ascii_lowercase().as_str() {
                "strict" => strict = true,
                "all" => all = true,
                "sign" => sign = true,
                "h" | "help" | "?" => return Ok(Asked::Help),
                _ => return Err(format!("unknown option: {word}")),
            }
            continue;
        }
        match (verb, word.as_str()) {
            (None, "demo") => verb = Some(Verb::Demo),
            (None, "test") => verb = Some(Verb::Test),
            (None, "module") => verb = Some(Verb::Module),
            (None, "package") => verb = Some(Verb::Package),
            (None, "bench") => verb = Some(Verb::Bench),
            (None, "help") => return Ok(Asked::Help),
            (None, _) => return Err(format!("unknown verb: {word}")),
            (Some(Verb::Test), _) => names.push(word),
            (Some(_), _) => return Err(format!("one verb at a time; what is {word}?")),
        }
    }
    let Some(verb) = verb else { return Ok(Asked::Nothing) };
    if all && verb != Verb::Test {
        return Err("--all goes with test only.".to_owned());
    }
    if sign && verb != Verb::Package {
        return Err("--sign goes with package only.".to_owned());
    }
    if let Some(unknown) = names.iter().find(|name| RINGS.iter().all(|ring| ring.name != name.as_str())) {
        let known: Vec<_> = RINGS.iter().map(|ring| ring.name).collect();
        return Err(format!("there is no ring {unknown}; there are: {}", known.join(", ")));
    }
    let rings = RINGS
        .iter()
        .filter(
            |ring| {
                if names.is_empty() { ring.runs.unnamed(all) } else { names.iter().any(|name| name == ring.name) }
            },
        )
        .collect();
    Ok(Asked::Run(Arguments { verb, strict, all, sign, named: !names.is_empty(), rings }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    fn arguments(line: &str) -> Arguments {
        match parsed(line) {
            Ok(Asked::Run(arguments)) => arguments,
            _ => unreachable!("{line} was not understood"),
        }
    }

    fn names(line: &str) -> Vec<&'static str> {
        arguments(line).rings.iter().map(|ring| ring.name).collect()
    }

    #[test]
    fn both_spellings_of_an_option_mean_the_same() {
        for line in ["test --strict --all", "test -Strict -All", "--all --strict test"] {
            let arguments = arguments(line);
            assert!(arguments.strict && arguments.all, "{line}");
        }
    }

    #[test]
    fn named_rings_run_in_the_order_of_the_table() {
        assert_eq!(names("test pester c"), ["c", "pester"]);
        assert!(names("test").starts_with(&["lint", "rust", "page", "c"]));
    }

    #[test]
    fn without_names_the_long_rings_wait_for_all_or_their_name() {
        let named = |wanted: fn(&Ring) -> bool| -> Vec<_> {
            RINGS.iter().filter(|ring| wanted(ring)).map(|ring| ring.name).collect()
        };
        assert_eq!(names("test"), named(|ring| ring.runs == Runs::Always));
        assert_eq!(names("test --all"), named(|_| true));
        assert!(Runs::WithAll.unnamed(true) && !Runs::WithAll.unnamed(false));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, word) in
            [("tset", "tset"), ("test --fast", "--fast"), ("test nothing", "nothing"), ("demo module", "module")]
        {
            match parsed(line) {
                Err(what) => assert!(what.contains(word), "{what}"),
                Ok(_) => unreachable!("{line} was understood"),
            }
        }
        assert!(parsed("demo --all").is_err());
        assert!(parsed("test --sign").is_err());
        assert!(matches!(parsed(""), Ok(Asked::Nothing)));
        assert!(matches!(parsed("--help"), Ok(Asked::Help)));
    }
}
