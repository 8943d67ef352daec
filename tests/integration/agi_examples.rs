//! The examples for PBXs run: the C module's beginning against the library, FreeSWITCH's script against the command.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{FIRST_PIN, Fixture, set, skip};
use umpin::pin::PinPolicy;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn fixture() -> Fixture {
    let policy = PinPolicy { lifetime_days: None, failures_before_reset: None, ..PinPolicy::default() };
    Fixture::new(policy, 1)
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs it with the fixture's store and this on its standard input: exit code and output.
fn run(f: &Fixture, command: &mut Command, input: &str) -> (i32, String, String) {
    let mut child = command
        .env("UMPIN_STORE", crate::support::store_at(f.folder.path()))
        .env("UMPIN_KEY_FILE", f.path("umpin.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap_or(-1), text(done.stdout), text(done.stderr))
}

#[test]
fn the_c_module_signs_in_changes_and_hangs_up() {
    let name = "the_c_module_signs_in_changes_and_hangs_up";
    if !is_there("cc") {
        return skip(name, "no C compiler");
    }
    // Cargo puts the shared library beside the tests.
    let library: PathBuf = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    if !library.join("libumpin.so").is_file() {
        return skip(name, "no shared library beside the tests");
    }
    let f = fixture();
    let program = f.path("pbx_module");
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(Path::new(HERE).join("include"))
        .arg(Path::new(HERE).join("examples/pbx_module.c"))
        .arg("-L")
        .arg(&library)
        .args(["-lumpin", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let call = |input: &str| {
        let mut command = Command::new(&program);
        run(&f, command.args(["50000", "Plan"]).env("LD_LIBRARY_PATH", &library), input)
    };
    let (code, said, log) = call("000000\n739182\n");
    assert_eq!((code, said.as_str()), (0, "PIN?\nincorrect\nPIN?\nwelcome\n"));
    assert_eq!(log, "umpin: 50000 refused: wrong PIN\n");
    assert!(!f.state(0).first_time_user);
    // Silence ends the call as a wrong PIN does, but is none; neither is what is longer than any PIN, which is one try.
    let before = f.state(0).facts.failures;
    let long = "1".repeat(200);
    let (code, said, log) = call(&format!("\n{long}\n\n739182\n"));
    assert_eq!((code, said.as_str()), (1, "PIN?\nincorrect\nPIN?\nincorrect\nPIN?\nincorrect\ngoodbye\n"));
    assert_eq!(log, "umpin: 50000 refused: wrong PIN\n");
    assert_eq!(f.state(0).facts.failures, before + 1, "200 digits are one try");
    let (code, said, _) = call("000000\n000000\n000000\n739182\n");
    assert_eq!((code, said.as_str()), (1, "PIN?\nincorrect\nPIN?\nincorrect\nPIN?\nincorrect\ngoodbye\n"));
    set(&f.session, 0, Some("604938")).unwrap();
    let (code, said, log) = call("604938\n580437\n580438\n123456\n123456\n580437\n580437\n");
    let dialogue = "new PIN?\nonce more?\n";
    assert_eq!(said, format!("PIN?\n{dialogue}they differ\n{dialogue}not allowed\n{dialogue}welcome\n"));
    assert_eq!(code, 0);
    assert!(log.contains("common pattern") && !log.contains("123456") && !log.contains("604938"), "{log}");
    assert!(f.verify(0, "580437").accepted);
    std::fs::rename(f.path("umpin.key"), f.path("away")).unwrap();
    let (code, said, log) = call("580437\n");
    assert_eq!((code, said.as_str()), (1, "PIN?\nnot available now\ngoodbye\n"));
    assert!(log.contains("is missing"), "{log}");
}

#[test]
fn the_c_examples_are_c_plus_plus_17_too() {
    let name = "the_c_examples_are_c_plus_plus_17_too";
    if !is_there("c++") {
        return skip(name, "no C++ compiler");
    }
    for example in ["quickstart.c", "pbx_module.c"] {
        let compiled = Command::new("c++")
            .args(["-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I"])
            .arg(Path::new(HERE).join("include"))
            .arg(Path::new(HERE).join("examples").join(example))
            .output()
            .unwrap();
        assert!(compiled.status.success(), "{example}: {}", String::from_utf8_lossy(&compiled.stderr));
    }
}

/// FreeSWITCH's own objects, as far as the script uses them; what it says goes to standard output.
const STUB: &str = r##"
-- What is dialled stays until it is read; # ends a number.
local dialled = ""
local function read(most)
    if dialled == "" then dialled = (io.read("*l") or '') .. '#' end
    local digits = dialled:match("^[^#]*"):sub(1, most)
    dialled = dialled:sub(#digits + (#digits < most and 2 or 1))
    return digits
end
freeswitch = { consoleLog = function(level, text) print("log " .. level) io.stderr:write(level, " ", text) end }
session = {
    getVariable = function(_, name) return name == "caller_id_number" and caller or nil end,
    setVariable = function(_, name, value) print(name .. "=" .. value) end,
    answer = function() end,
    ready = function() return true end,
    read = function(_, least, most) return read(most) end,
    get_uuid = function() return "a-call" end,
    streamFile = function(_, file) print("play " .. file) end,
    hangup = function() print("hangup") end,
}
"##;

#[test]
fn the_freeswitch_script_signs_in_and_hangs_up() {
    let name = "the_freeswitch_script_signs_in_and_hangs_up";
    let Some(lua) = crate::support::tool(&["lua", "lua5.4", "lua5.3", "lua5.2"]) else {
        return skip(name, "no Lua, neither installed nor fetched by tools/test-tools.sh");
    };
    let f = fixture();
    let script = std::fs::read_to_string(Path::new(HERE).join("examples/freeswitch/umpin.lua")).unwrap();
    let script = script.replace("/usr/local/bin/umpin", env!("CARGO_BIN_EXE_umpin"));
    let with_log = |caller: &str, arguments: &str, input: &str| {
        let file = f.path("umpin.lua");
        std::fs::write(
            &file,
            format!(
                "argv = {{{arguments}}}
caller = {caller}
{STUB}
{script}"
            ),
        )
        .unwrap();
        let (_, said, log) = run(&f, Command::new(&lua).arg(&file), input);
        let known = [FIRST_PIN, "000000", "604938", "580437"];
        assert!(!known.iter().any(|pin| log.contains(pin)), "FreeSWITCH's log holds a PIN: {log}");
        (said, log)
    };
    let call = |caller: &str, arguments: &str, input: &str| {
        let said = with_log(caller, arguments, input).0;
        said.lines().filter(|line| *line != "log NOTICE").map(|line| format!("{line}\n")).collect::<String>()
    };
    let begin = "umpin_result=REFUSED\numpin_must_change=false\numpin_extension=\n";
    let accepted = |due: bool| format!("umpin_must_change={due}\numpin_extension=50000\numpin_result=ACCEPTED\n");
    let said = call("'50000'", "'Plan'", &format!("{FIRST_PIN}\n"));
    assert_eq!(said, format!("{begin}{}", accepted(false)));
    let refused = "play voicemail/vm-fail_auth.wav\n".repeat(3) + "play voicemail/vm-goodbye.wav\nhangup\n";
    assert_eq!(call("'50000'", "'Plan'", "000000\nx; touch y\n\n"), format!("{begin}{refused}"));
    assert_eq!(f.state(0).facts.failures, 1, "only digits are asked for");

    // The log says why, whose, when, and in which call; and 200 digits are one try.
    let (said, log) = with_log("'50000'", "'Plan'", &format!("{}\n{FIRST_PIN}\n", "1".repeat(200)));
    assert_eq!(said, format!("{begin}log NOTICE\nplay voicemail/vm-fail_auth.wav\n{}", accepted(false)));
    let (time, rest) = log.strip_prefix("NOTICE umpin: 20").unwrap().split_once("Z ").unwrap();
    assert_eq!((time.len(), rest), (17, "refused: WrongPin; extension 50000; call a-call\n"), "{log}");
    let log = with_log("nil", "'Plan'", "739182\n000000\n\n\n").1;
    assert!(log.ends_with("Z refused: Unknown; extension not told; call a-call\n"), "{log}");

    // Whatever a caller chose as his number is a number or none; then he is asked, and for a PIN always.
    for hostile in ["'50000; touch y'", "'50000 Other'", "\"50000' 'x\"", "'--store'", "'$(touch y)'", "''", "nil"] {
        let said = call(hostile, "'Plan'", &format!("50000\n000000\n50000\n{FIRST_PIN}\n"));
        assert_eq!(said, format!("{begin}play voicemail/vm-fail_auth.wav\n{}", accepted(false)), "{hostile}");
    }
    let long = format!("'{}'", "5".repeat(200));
    assert_eq!(call(&long, "'Plan'", "000000\n000000\n000000\n"), format!("{begin}{refused}"));
    // Blanks split the data of an action: more than one argument is somebody's mistake, or his attack.
    for bad in ["'50000', 'Plan'", "'Plan$(touch y)'", "\"Plan' 'x\"", "'--store'"] {
        assert_eq!(call("'50000'", bad, &format!("{FIRST_PIN}\n")), format!("{begin}log ERR\n"), "{bad}");
    }
    assert!(!Path::new("y").exists() && !f.path("y").exists());

    // The state after every reset: the owner chooses a new PIN at once.
    set(&f.session, 0, Some("604938")).unwrap();
    let not_valid = "play voicemail/vm-password_not_valid.wav\n";
    let said = call("'50000'", "", "604938\n580437\n580438\n123456\n123456\n\n");
    assert_eq!(said, format!("{begin}{}{}", not_valid.repeat(3), accepted(true)), "none that may be");
    let said = call("'50000'", "'Plan'", "604938\n123456\n123456\n580437\n580437\n");
    let changed = "play voicemail/vm-password_has_been_changed.wav\n";
    assert_eq!(said, format!("{begin}{not_valid}{changed}{}", accepted(false)));
    assert!(f.verify(0, "580437").accepted);
    std::fs::rename(f.path("umpin.key"), f.path("away")).unwrap();
    let (said, log) = with_log("'50000'", "", "580437\n");
    assert_eq!(said, format!("{begin}log ERR\numpin_result=ERROR\nlog ERR\n"));
    assert!(log.contains("is missing") && log.contains("; call a-call\n"), "{log}");
}
