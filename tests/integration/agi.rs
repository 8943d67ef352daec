//! `umpin` as a telephone system meets it: on pipes, in Asterisk's AGI conversation, and in a real Asterisk.

#[cfg(unix)]
mod asterisk;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

use crate::support::{FIRST_PIN, Fixture, set};
#[cfg(unix)]
use crate::support::{child, extension};
use umpin::pin::PinPolicy;

const UMPIN: &str = env!("CARGO_BIN_EXE_umpin");

/// The command runs by the system's clock, so no PIN of these mailboxes ages.
fn fixture(people: usize) -> Fixture {
    let policy = PinPolicy { lifetime_days: None, failures_before_reset: None, ..PinPolicy::default() };
    Fixture::new(policy, people)
}

fn umpin(folder: &Path) -> Command {
    let mut command = Command::new(UMPIN);
    command
        .env("UMPIN_STORE", crate::support::store_at(folder))
        .env("UMPIN_KEY_FILE", folder.join("umpin.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end with this input.
fn run(f: &Fixture, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child = umpin(f.folder.path()).args(arguments).spawn().unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input);
    told(child.wait_with_output().unwrap())
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn failures(f: &Fixture, n: usize) -> u32 {
    f.state(n).facts.failures
}

// ---------------------------------------------------------------------------------------------------------------------
// verify, change, deliver.

#[test]
fn verify_answers_by_exit_code_and_one_line() {
    let f = fixture(1);
    let who = ["verify", "--extension", "50000", "--dial-plan", "plan"];
    let right = run(&f, &who, format!("{FIRST_PIN}\n").as_bytes());
    assert_eq!(right, (0, "{\"result\":\"accepted\",\"mustChange\":false,\"setUpDue\":true}\n".into(), String::new()));
    let refused = (1, "{\"result\":\"refused\"}\n".to_owned(), String::new());
    assert_eq!(run(&f, &who, b"000000\n"), refused);
    assert_eq!(run(&f, &["verify", "--extension", "59999"], b"000000\n"), refused);
    assert_eq!(run(&f, &["verify", "--identity", "nobody@contoso.com"], b"000000"), refused);
    assert_eq!(failures(&f, 0), 1);
    assert_eq!(run(&f, &["verify", "--identity", "user0"], FIRST_PIN.as_bytes()).0, 0, "no line end is needed");
    assert_eq!(run(&f, &["verify", "--identity", "user0"], format!("{FIRST_PIN}\r\n").as_bytes()).0, 0);
    let (code, _, log) = run(&f, &["verify", "--extension", "50000", "--log-reason"], b"000000\n");
    let (time, what) = log.strip_prefix("umpin: 20").unwrap().split_once("Z ").unwrap();
    assert_eq!((code, time.len(), what), (1, 17, "refused: WrongPin; extension 50000\n"), "{log}");
    let reason = |arguments: &[&str]| run(&f, &[arguments, &["--log-reason"]].concat(), b"000000\n").2;
    assert!(reason(&["verify", "--identity", "user0"]).ends_with("Z refused: WrongPin; mailbox user0\n"));
    // Digits that are nobody's number may be a PIN that was dialled too early.
    assert!(reason(&["verify", "--extension", "739182"]).ends_with("Z refused: Unknown; extension not told\n"));
}

#[test]
fn what_is_no_pin_is_an_error_and_counts_nothing() {
    let f = fixture(1);
    let who = ["verify", "--extension", "50000"];
    for input in [&b""[..], &[b'1'; 129], &[b'1'; 5000]] {
        let (code, line, _) = run(&f, &who, input);
        assert_eq!(code, 2);
        assert!(line.starts_with("{\"result\":\"failed\""), "{line}");
    }
    assert_eq!(failures(&f, 0), 0);
    // An empty line is a PIN, a wrong one.
    assert_eq!(run(&f, &who, b"\n").0, 1);
    assert_eq!(failures(&f, 0), 1);
}

#[test]
fn a_pin_among_the_arguments_is_not_repeated() {
    let f = fixture(1);
    for arguments in [
        &["verify", "--extension", "50000", FIRST_PIN][..],
        &["verify", FIRST_PIN],
        &["verify", "--pin", FIRST_PIN, "--extension", "50000"],
        &["agi", "a", "b", FIRST_PIN],
        &[FIRST_PIN],
    ] {
        let (code, line, log) = run(&f, arguments, b"");
        assert_eq!(code, 2, "{arguments:?}");
        assert!(!line.contains(FIRST_PIN) && !log.contains(FIRST_PIN), "{line}{log}");
        assert!(log.contains("standard input"), "{log}");
    }
    assert_eq!(run(&f, &["--help"], b"").0, 0);
    assert_eq!(run(&f, &["--version"], b"").1, format!("umpin {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn change_obeys_the_rules_and_names_the_one_that_is_broken() {
    let f = fixture(1);
    let who = ["change", "--extension", "50000"];
    let (code, line, log) = run(&f, &who, format!("{FIRST_PIN}\n123456\n").as_bytes());
    assert_eq!(code, 3);
    assert!(line.contains("WeakPinException") && line.contains("common pattern"), "{line}");
    assert!(!line.contains("123456") && !log.contains("123456") && !log.contains(FIRST_PIN));
    assert_eq!(run(&f, &who, b"000000\n580437\n").0, 1);
    assert_eq!(failures(&f, 0), 1);
    assert_eq!(run(&f, &who, format!("{FIRST_PIN}\n").as_bytes()).0, 2, "one line is too few");
    let (code, line, _) = run(&f, &who, format!("{FIRST_PIN}\n580437\n").as_bytes());
    assert_eq!((code, line.as_str()), (0, "{\"result\":\"accepted\",\"mustChange\":false,\"setUpDue\":false}\n"));
    assert!(f.verify(0, "580437").accepted);
}

#[test]
fn a_wrong_path_or_key_is_an_error_that_says_so() {
    let f = fixture(1);
    let (code, line, log) =
        run(&f, &["verify", "--store", "/nowhere/um.db", "--extension", "50000"], FIRST_PIN.as_bytes());
    assert_eq!(code, 2);
    assert!(line.contains("StoreMissingException") && log.contains("/nowhere/um.db"), "{line}{log}");
    let (code, line, _) =
        run(&f, &["verify", "--key-file", "/nowhere/k", "--extension", "50000"], FIRST_PIN.as_bytes());
    assert_eq!(code, 2);
    assert!(line.contains("KeyMissingException"), "{line}");
}

#[test]
fn deliver_sends_what_waits() {
    let f = fixture(1);
    set(&f.session, 0, None).unwrap();
    let (code, _, log) = run(&f, &["deliver"], b"");
    assert_eq!(code, 2);
    assert!(log.contains("Set-UMPinConfiguration"), "{log}");
    let pickup = f.pickup();
    assert_eq!(run(&f, &["deliver", "--budget", "20"], b"").1, "{\"sent\":1,\"failed\":0}\n");
    assert_eq!(crate::support::mails(&pickup).len(), 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// AGI, against recorded conversations.

/// What Asterisk 22 sent first, recorded in front of `umpin` in the test at the end of this file. Left out: the four
/// `agi_arg_` lines, which the tests add, and the caller's number, 50002, which is `unknown` here.
const GREETING: &str = "\
agi_request: umpin
agi_channel: Local/102@test-00000002;2
agi_language: en
agi_type: Local
agi_uniqueid: 1795233050.5
agi_version: 22.10.1+dfsg+~cs6.17.60671434-1
agi_callerid: unknown
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: unknown
agi_rdnis: unknown
agi_context: umpin-voicemail
agi_extension: *97
agi_priority: 4
agi_enhanced: 0.0
agi_accountcode:\u{20}
agi_threadid: 140130483455680
";

/// The lines with which every conversation begins, from the same recording, as are [`WRONG`], [`DROPPED`] and
/// [`ACCEPTED`] but for the digits, the extension and VERBOSE, whose answer is from a later one.
const OPENING: &str = "\
< SET VARIABLE UMPIN_RESULT \"REFUSED\"
> 200 result=1
< SET VARIABLE UMPIN_MUST_CHANGE \"0\"
> 200 result=1
< SET VARIABLE UMPIN_SET_UP_DUE \"0\"
> 200 result=1
< SET VARIABLE UMPIN_EXTENSION \"\"
> 200 result=1
";

struct Conversation {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Conversation {
    fn begin(f: &Fixture, arguments: &[&str], more_variables: &str) -> Self {
        Self::of(umpin(f.folder.path()).arg("agi").args(arguments), &format!("{GREETING}{more_variables}"))
    }

    fn of(command: &mut Command, greeting: &str) -> Self {
        let mut child = command.spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        writeln!(to, "{greeting}").unwrap();
        Self { child, to: Some(to), from }
    }

    /// Plays a recording: what stands behind `<` must come, what stands behind `>` is sent.
    fn play(&mut self, recording: &str) {
        for line in recording.lines() {
            match line.split_at(2) {
                ("> ", sent) => writeln!(self.to.as_mut().unwrap(), "{sent}").unwrap(),
                ("< ", expected) => assert_eq!(self.next(), expected),
                _ => panic!("{line}"),
            }
        }
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Nothing more comes. The exit code and the log.
    fn end(mut self) -> (i32, String) {
        self.to = None;
        assert_eq!(self.next(), "");
        let (code, _, log) = told(self.child.wait_with_output().unwrap());
        (code, log)
    }
}

fn replay(f: &Fixture, arguments: &[&str], variables: &str, recording: &str) -> (i32, String) {
    let mut conversation = Conversation::begin(f, arguments, variables);
    conversation.play(OPENING);
    conversation.play(recording);
    conversation.end()
}

const ACCEPTED: &str = "\
< SET VARIABLE UMPIN_EXTENSION \"50000\"
> 200 result=1
< SET VARIABLE UMPIN_SET_UP_DUE \"1\"
> 200 result=1
< SET VARIABLE UMPIN_MUST_CHANGE \"0\"
> 200 result=1
< SET VARIABLE UMPIN_RESULT \"ACCEPTED\"
> 200 result=1
";

fn accepted_after(digits: &str) -> String {
    format!("< GET DATA \"vm-password\" 10000 255\n> 200 result={digits}\n{ACCEPTED}")
}

#[test]
fn agi_accepts_a_right_pin() {
    let f = fixture(1);
    let recording = accepted_after(FIRST_PIN);
    assert_eq!(replay(&f, &["Plan", "50000"], "", &recording), (0, String::new()));
    assert_eq!(replay(&f, &["--dial-plan", "Plan", "--extension", "50000"], "", &recording).0, 0);
    // AGI(umpin,agi,...) names the arguments in the conversation, too; a script in between may hand over only those.
    assert_eq!(replay(&f, &[], "agi_arg_1: agi\nagi_arg_2: Plan\nagi_arg_3: 50000\n", &recording).0, 0);
    assert_eq!(replay(&f, &[], "agi_arg_1: Plan\nagi_arg_2: 50000\n", &recording).0, 0);
}

#[test]
fn agi_takes_the_callers_number_or_asks_for_one() {
    let f = fixture(1);
    let asked = format!("< GET DATA \"vm-login\" 10000 255\n> 200 result=50000\n{}", accepted_after(FIRST_PIN));
    assert_eq!(replay(&f, &["Plan"], "", &asked).0, 0);
    assert_eq!(replay(&f, &["Plan", "50001", "--ask"], "", &asked).0, 0);

    let greeting = GREETING.replace("agi_callerid: unknown", "agi_callerid: 50000");
    let mut conversation = Conversation::of(umpin(f.folder.path()).arg("agi"), &greeting);
    conversation.play(OPENING);
    conversation.play(&accepted_after(FIRST_PIN));
    assert_eq!(conversation.end().0, 0);
}

const WRONG: &str = "\
< GET DATA \"vm-password\" 10000 255
> 200 result=000000
< VERBOSE \"umpin: sign-in refused (WrongPin); extension 50000, channel Local/102@test-00000002;2, call 1795233050.5\" 1
> 200 result=1
< STREAM FILE \"vm-incorrect\" \"\"
> 200 result=0 endpos=11680
";

const SILENCE: &str = "\
< GET DATA \"vm-password\" 10000 255
> 200 result= (timeout)
< STREAM FILE \"vm-incorrect\" \"\"
> 200 result=0 endpos=11680
";

const DROPPED: &str = "\
< STREAM FILE \"vm-goodbye\" \"\"
> 200 result=0 endpos=7040
< HANGUP
> 200 result=1
";

#[test]
fn agi_drops_the_call_after_three_failures_or_as_the_dial_plan_says() {
    let f = fixture(1);
    let (code, log) = replay(&f, &["Plan", "50000"], "", &format!("{WRONG}{WRONG}{WRONG}{DROPPED}"));
    assert_eq!(code, 1);
    for line in log.lines() {
        let (began, rest) = line.strip_prefix("umpin: 20").unwrap().split_once("Z ").unwrap();
        assert_eq!(began.len(), "26-11-24T02:30:00".len(), "{line}");
        assert_eq!(
            rest,
            "sign-in refused (WrongPin); extension 50000, channel Local/102@test-00000002;2, call 1795233050.5"
        );
    }
    assert_eq!(log.lines().count(), 3, "{log}");
    assert_eq!(failures(&f, 0), 3);

    let right = accepted_after(FIRST_PIN);
    assert_eq!(replay(&f, &["Plan", "50000"], "", &format!("{WRONG}{WRONG}{right}")).0, 0);

    f.run("Set-UMDialPlan", &serde_json::json!({"Identity": "Plan", "LogonFailuresBeforeDisconnect": 1})).unwrap();
    assert_eq!(replay(&f, &["Plan", "50000"], "", &format!("{WRONG}{DROPPED}")).0, 1);
    assert_eq!(replay(&f, &["", "50000"], "", &format!("{WRONG}{DROPPED}")).0, 1, "the only plan that has it");
}

#[test]
fn agi_tells_nobody_whether_a_mailbox_exists_or_is_locked() {
    let f = fixture(1);
    f.run("Lock-UMMailbox", &serde_json::json!({"Identity": "user0"})).unwrap();
    let course = format!("{WRONG}{WRONG}{WRONG}{DROPPED}").replace("result=000000", &format!("result={FIRST_PIN}"));
    // The true reason is for Asterisk's log alone.
    let said = |reason: &str, extension: &str| course.replace("WrongPin", reason).replace("50000", extension);
    assert_eq!(replay(&f, &["Plan", "50000"], "", &said("LockedOut", "50000")).0, 1);
    assert_eq!(replay(&f, &["Plan", "59999"], "", &said("Unknown", "59999")).0, 1);
    assert_eq!(replay(&f, &["Nowhere", "50000"], "", &said("Unknown", "50000")).0, 1);
}

#[test]
fn agi_counts_silence_in_the_call_but_not_against_the_mailbox() {
    let f = fixture(1);
    assert_eq!(replay(&f, &["Plan", "50000"], "", &format!("{SILENCE}{SILENCE}{SILENCE}{DROPPED}")).0, 1);
    assert_eq!(failures(&f, 0), 0);
    // Digits without # at the end come with a timeout.
    let late = accepted_after(&format!("{FIRST_PIN} (timeout)"));
    assert_eq!(replay(&f, &["Plan", "50000"], "", &late).0, 0);
}

/// What one prompt leaves of many digits the next prompt would get, as another try: each takes far more than any PIN
/// has.
#[test]
fn agi_takes_200_digits_as_one_try() {
    let f = fixture(1);
    let long = WRONG.replace("result=000000", &format!("result={}", "1".repeat(200)));
    assert_eq!(replay(&f, &["Plan", "50000"], "", &format!("{long}{WRONG}{WRONG}{DROPPED}")).0, 1);
    assert_eq!(failures(&f, 0), 3);
    let most: usize = WRONG.split_once("10000 ").unwrap().1.split_once('\n').unwrap().0.parse().unwrap();
    assert!(most > 200 && most < 1024, "Asterisk's GET DATA takes 1024");
}

#[test]
fn agi_honours_a_hang_up_in_every_form_and_at_every_moment() {
    let f = fixture(1);
    for gone in ["> 200 result=-1", "> HANGUP", "> 511 Command Not Permitted on a dead channel or intercept routine"] {
        let ended = replay(&f, &["Plan", "50000"], "", &format!("< GET DATA \"vm-password\" 10000 255\n{gone}\n"));
        assert_eq!(ended, (1, String::new()), "{gone}");
    }
    // Asterisk closes the pipe after any of its lines.
    let whole = format!("{OPENING}{}", accepted_after(FIRST_PIN));
    let lines: Vec<&str> = whole.lines().collect();
    for cut in (1..lines.len()).filter(|n| lines[n - 1].starts_with('<')) {
        let mut conversation = Conversation::begin(&f, &["Plan", "50000"], "");
        conversation.play(&lines[..cut].join("\n"));
        assert_eq!(conversation.end().0, 1, "cut after {cut} lines");
    }
    // In the middle of the greeting.
    let (code, line, _) = run(&f, &["agi", "Plan", "50000"], b"agi_request: umpin\nagi_chan");
    assert_eq!((code, line.as_str()), (1, ""));
    assert_eq!(failures(&f, 0), 0);
}

#[cfg(unix)]
#[test]
fn agi_ends_by_sighup() {
    let f = fixture(1);
    let mut conversation = Conversation::begin(&f, &["Plan", "50000"], "");
    conversation.play(OPENING);
    conversation.play("< GET DATA \"vm-password\" 10000 255");
    let done = Command::new("kill").args(["-HUP", &conversation.child.id().to_string()]).status().unwrap();
    assert!(done.success());
    let since = Instant::now();
    while conversation.child.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < Duration::from_secs(10), "it did not end");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(failures(&f, 0), 0);
}

#[test]
fn agi_lets_the_caller_choose_a_new_pin_where_one_is_due() {
    let f = fixture(1);
    set(&f.session, 0, Some("604938")).unwrap();
    let asked = |new: &str, again: &str| {
        format!(
            "< GET DATA \"vm-newpassword\" 10000 255\n> 200 result={new}\n\
             < GET DATA \"vm-reenterpassword\" 10000 255\n> 200 result={again}\n"
        )
    };
    let begin = "\
< GET DATA \"vm-password\" 10000 255
> 200 result=604938
< SET VARIABLE UMPIN_EXTENSION \"50000\"
> 200 result=1
< SET VARIABLE UMPIN_SET_UP_DUE \"1\"
> 200 result=1
";
    let end = |due: &str| {
        format!(
            "< SET VARIABLE UMPIN_MUST_CHANGE \"{due}\"\n> 200 result=1\n\
             < SET VARIABLE UMPIN_RESULT \"ACCEPTED\"\n> 200 result=1\n"
        )
    };
    let played = |sound: &str| format!("< STREAM FILE \"{sound}\" \"\"\n> 200 result=0 endpos=1\n");
    assert_eq!(replay(&f, &["Plan", "50000"], "", &format!("{begin}{}", end("1"))).0, 0, "off unless asked for");
    let vain = format!(
        "{begin}{}{}{}{}{}{}{}",
        asked("580437", "580438"),
        played("vm-mismatch"),
        asked("123456", "123456"),
        played("vm-invalid-password"),
        asked("", ""),
        played("vm-invalid-password"),
        end("1")
    );
    assert_eq!(replay(&f, &["Plan", "50000", "--change"], "", &vain).0, 0);
    let changed = format!("{begin}{}{}{}", asked("580437", "580437"), played("vm-passchanged"), end("0"));
    assert_eq!(replay(&f, &["Plan", "50000", "--change"], "", &changed).0, 0);
    assert!(f.verify(0, "580437").accepted);
    assert!(!f.state(0).first_time_user);
}

#[test]
fn agi_errors_reach_the_log_and_the_dialplan_but_not_the_caller() {
    let f = fixture(1);
    std::fs::rename(f.path("umpin.key"), f.path("away")).unwrap();
    let mut conversation = Conversation::begin(&f, &["Plan", "50000"], "");
    conversation.play(OPENING);
    conversation.play(&format!(
        "< GET DATA \"vm-password\" 10000 255\n> 200 result={FIRST_PIN}\n\
         < SET VARIABLE UMPIN_RESULT \"ERROR\"\n> 200 result=1"
    ));
    let verbose = conversation.next();
    conversation.play("> 200 result=1");
    let (code, log) = conversation.end();
    assert_eq!(code, 2);
    for told in [&log, &verbose] {
        assert!(told.contains("is missing") && told.contains("call 1795233050.5"), "{told}");
        assert!(!told.contains(FIRST_PIN), "{told}");
    }
    // A sound that Asterisk does not have, or a command that it does not know.
    std::fs::rename(f.path("away"), f.path("umpin.key")).unwrap();
    let course = "\
< GET DATA \"vm-password\" 10000 255
> 520-Invalid command syntax.  Proper usage follows:
> Usage: GET DATA <file to be streamed> [<timeout>] [<max digits>]
> 520 End of proper usage.
< SET VARIABLE UMPIN_RESULT \"ERROR\"
> 200 result=1
< VERBOSE \"umpin: Asterisk did not take the command GET: code 520; extension not told, \
channel Local/102@test-00000002;2, call 1795233050.5\" 1
> 200 result=1
";
    let (code, log) = replay(&f, &["Plan", "50000"], "", course);
    assert_eq!(code, 2);
    assert!(log.contains("GET") && log.contains("520"), "{log}");
    let endless: String = (0..600).map(|n| format!("agi_{n}: x\n")).collect();
    let (code, _, log) = run(&f, &["agi"], endless.as_bytes());
    assert_eq!(code, 2);
    assert!(log.contains("more variables"), "{log}");
    let (code, _, log) = run(&f, &["agi"], &[b'x'; 5000]);
    assert_eq!((code, log.as_str()), (1, ""), "a line that never ends is a caller who hung up");
}

/// Digits at the first prompt that are nobody's number may be a PIN dialled too early: no log has them.
#[test]
fn agi_logs_no_digits_that_are_nobodys_extension() {
    let f = fixture(1);
    let told = "channel Local/102@test-00000002;2, call 1795233050.5\" 1\n> 200 result=1\n";
    let tried = |extension: &str, reason: &str, shown: &str| {
        format!(
            "< GET DATA \"vm-login\" 10000 255\n> 200 result={extension}\n\
             < GET DATA \"vm-password\" 10000 255\n> 200 result=000000\n\
             < VERBOSE \"umpin: sign-in refused ({reason}); extension {shown}, {told}\
             < STREAM FILE \"vm-incorrect\" \"\"\n> 200 result=0\n"
        )
    };
    let course = format!(
        "{}{}< GET DATA \"vm-login\" 10000 255\n",
        tried("404404", "Unknown", "not told"),
        tried("50000", "WrongPin", "50000")
    );
    let (code, log) = replay(&f, &["Plan", "", "--ask"], "", &course);
    assert_eq!(code, 1);
    assert!(log.contains("extension 50000") && !log.contains("404404"), "{log}");
}

/// Asterisk puts a variable's text in before it splits at commas: what a caller chose may be arguments, from the second
/// on. They are refused before the caller hears anything, nothing is counted or let in, and Asterisk's log says in
/// which call.
#[test]
fn agi_takes_no_trusted_thing_from_behind_the_arguments() {
    let f = fixture(1);
    let path = |name: &str| f.path(name).display().to_string();
    let (store, key) = (crate::support::store_at(f.folder.path()).display().to_string(), path("umpin.key"));
    let with_store = [&format!("--store={store}")[..], &format!("--key-file={key}")];
    for injected in [
        &["50000", "--store", &store, "--key-file", &key][..],
        &["50000", with_store[0]],
        &["50000", with_store[1]],
        &["50000", "--key-file", &key],
        &["50000", "--tries", "10"],
        &["50000", "--tries=10"],
        &["50000", "more"],
        &["50000", "--ask", "more"],
        &["50000", "--", "more"],
        &["50000", "--prompt", "/var/spool/asterisk/voicemail/default/51234/INBOX/msg0000"],
        &["50000", "--prompt=voicemail/default/51234/INBOX/msg0000"],
        &["50000", "--incorrect", "../../etc/x"],
        &["50000", "--goodbye", ".."],
        &["50000", "--prompt-extension", "a/b"],
        &["50000", "--changed", "\"\""],
    ] {
        let arguments: Vec<&str> = ["agi", "Plan"].iter().chain(injected).chain(&["--change"]).copied().collect();
        let mut conversation = umpin(f.folder.path());
        conversation.env("UMPIN_STORE", path("another.db")).args(&arguments);
        let mut child = conversation.spawn().unwrap();
        let _ = writeln!(child.stdin.take().unwrap(), "{GREETING}\n200 result=1\n200 result=1");
        let (code, said, log) = told(child.wait_with_output().unwrap());
        assert_eq!(code, 2, "{arguments:?}");
        let lines: Vec<&str> = said.lines().collect();
        let [result, verbose] = lines[..] else { panic!("{arguments:?}: {said}") };
        assert_eq!(result, "SET VARIABLE UMPIN_RESULT \"ERROR\"", "{arguments:?}");
        assert!(verbose.starts_with("VERBOSE \"umpin: ") && verbose.ends_with(", call 1795233050.5\" 1"), "{verbose}");
        assert!(verbose.contains("; extension not told, channel Local/") && !verbose.contains(".;"), "{verbose}");
        assert!(log.starts_with("umpin: 20") && log.ends_with(" call 1795233050.5\n"), "{arguments:?}: {log}");
        assert!(!log.contains("msg0000") && !said.contains("msg0000"), "{arguments:?}: {log}{said}");
    }
    assert_eq!(failures(&f, 0), 0);
    // In front of the word agi nothing is injected; a folder is.
    let mut conversation = Conversation::of(
        umpin(f.folder.path()).env_remove("UMPIN_STORE").args(["--store", &store, "agi", "Plan", "50000"]),
        GREETING,
    );
    conversation.play(OPENING);
    conversation.play(&accepted_after(FIRST_PIN));
    assert_eq!(conversation.end().0, 0);
}

/// The number comes from AGI's own variable, where it is one value whatever is in it: digits are a number, and anything
/// else is none, so that the caller is asked for the extension. A PIN is asked in any case.
#[test]
fn agi_takes_the_callers_number_as_a_number_and_nothing_else() {
    let f = fixture(2);
    let arguments = ["agi", "Plan", "", "--change"];
    let greeting = |callerid: &str| GREETING.replace("agi_callerid: unknown", &format!("agi_callerid: {callerid}"));
    for hostile in [
        "50000,--prompt,/var/spool/asterisk/voicemail/default/50001/INBOX/msg0000",
        "50000,--store,/tmp/own.db,--key-file,/tmp/own.key",
        "50000%2C--tries%2C10",
        "--ask",
        "--tries=10",
        "50000 50001",
        "5 0 0 0 0",
        "50000\" \"1",
        "${UMPIN_RESULT}",
        "../../50000",
        "agi_arg_3: 50000",
        "\u{ff15}0000",
    ] {
        let mut conversation = Conversation::of(umpin(f.folder.path()).args(arguments), &greeting(hostile));
        conversation.play(OPENING);
        conversation.play("< GET DATA \"vm-login\" 10000 255\n> 200 result=50001");
        conversation.play("< GET DATA \"vm-password\" 10000 255");
        assert_eq!(conversation.end().0, 1, "{hostile}");
    }
    for length in [4_000, 4_083, 4_096, 8_192, 8_193, 100_000] {
        let endless = greeting(&"5".repeat(length));
        let mut conversation = Conversation::of(umpin(f.folder.path()).args(arguments), &endless);
        conversation.play(OPENING);
        if length > 4_000 {
            conversation.play("< GET DATA \"vm-login\" 10000 255\n> 200 result=50001");
        }
        conversation.play("< GET DATA \"vm-password\" 10000 255");
        assert_eq!(conversation.end().0, 1, "{length}");
    }
    let long = "5".repeat(200);
    let mut conversation = Conversation::of(umpin(f.folder.path()).args(arguments), &greeting(&long));
    conversation.play(OPENING);
    let refused = WRONG.replace("WrongPin", "Unknown").replace("50000", &long[..64]);
    conversation.play(&format!("{refused}{refused}{refused}{DROPPED}"));
    assert_eq!(conversation.end().0, 1);
    let mut conversation = Conversation::of(umpin(f.folder.path()).args(arguments), &greeting("50000"));
    conversation.play(OPENING);
    conversation.play(&accepted_after(FIRST_PIN));
    assert_eq!(conversation.end().0, 0);
}

/// An option's value is no argument, though AGI names them alike.
#[test]
fn agi_reads_agis_own_arguments_only_where_none_came() {
    let f = fixture(1);
    let named = "agi_arg_1: agi\nagi_arg_2: --timeout\nagi_arg_3: 5000\n";
    let mut conversation = Conversation::begin(&f, &["--timeout", "5000"], named);
    conversation.play(OPENING);
    conversation.play("< GET DATA \"vm-login\" 5000 255");
    assert_eq!(conversation.end().0, 1);
}

/// What the examples and the documents hand to applications is never the caller's to choose.
#[test]
fn no_example_hands_a_callers_number_to_an_application() {
    for (name, text) in [
        ("extensions.conf", include_str!("../../examples/asterisk/extensions.conf")),
        ("umpin.xml", include_str!("../../examples/freeswitch/umpin.xml")),
        ("pbx.md", include_str!("../../docs/pbx.md")),
    ] {
        let code = text.lines().filter(|l| ["same =>", "exten =>", "<action "].iter().any(|how| l.contains(how)));
        let mut any = false;
        for line in code {
            any = true;
            assert!(!line.contains("CALLERID(") && !line.contains("caller_id"), "{name}: {line}");
        }
        assert!(any, "{name}");
    }
}

/// Nothing in what is sent ends the line or the quotes, whatever the dialplan passes on.
#[test]
fn agi_quotes_what_it_repeats() {
    let f = fixture(1);
    let mut conversation = Conversation::begin(&f, &["Plan", "50000", "--prompt", "a\" 1 1\nHANGUP\\"], "");
    conversation.play(OPENING);
    conversation.play("< GET DATA \"a 1 1HANGUP\" 10000 255");
    assert_eq!(conversation.end().0, 1);
}
