//! `umpin` as a telephone system meets it: on pipes, in Asterisk's AGI conversation, and in a real Asterisk.

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{FIRST_PIN, Fixture, child, extension, set, skip};
use umpin::location::Location;
use umpin::pin::PinPolicy;
use umpin::session::{Cause, Clock, Mode, Session, Tuning};

const UMPIN: &str = env!("CARGO_BIN_EXE_umpin");

/// The command runs by the system's clock, so no PIN of these mailboxes ages.
fn fixture(people: usize) -> Fixture {
    let policy = PinPolicy { lifetime_days: None, failures_before_reset: None, ..PinPolicy::default() };
    Fixture::new(policy, people)
}

fn umpin(folder: &Path) -> Command {
    let mut command = Command::new(UMPIN);
    command
        .env("UMPIN_STORE", folder.join("um.db"))
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

/// What one prompt leaves of many digits the next prompt would get, as another try: each takes far more than any PIN has.
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
/// on. They are refused before the caller hears anything, nothing is counted or let in, and Asterisk's log says in which call.
#[test]
fn agi_takes_no_trusted_thing_from_behind_the_arguments() {
    let f = fixture(1);
    let path = |name: &str| f.path(name).display().to_string();
    let (store, key) = (path("um.db"), path("umpin.key"));
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

// ---------------------------------------------------------------------------------------------------------------------
// A real Asterisk.

fn tools() -> PathBuf {
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"))
            .join("ummailboxpin/tools")
    };
    std::env::var_os("UMPIN_TEST_TOOLS").map_or_else(cache, PathBuf::from).join("asterisk")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n")
}

/// Asterisk, with a configuration of its own, in the test's folder.
struct Pbx {
    folder: PathBuf,
    root: PathBuf,
    modules: String,
}

const NOBODY: u32 = 65534;

impl Pbx {
    /// The program's files as links into the test's folder, so that another account reaches them.
    fn prepare(folder: &Path, unpacked: &Path) -> Self {
        let stamp = std::fs::read_to_string(unpacked.join(".complete")).unwrap();
        let entry = |name: &str| {
            stamp.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned).unwrap()
        };
        let pbx = Self { folder: folder.to_owned(), root: folder.join("root"), modules: entry("modules") };
        // Asterisk does not start without its documentation, which describes its own settings.
        for (part, to) in [
            ("usr/sbin", pbx.root.join("usr/sbin")),
            ("usr/lib", pbx.root.join("usr/lib")),
            ("usr/share/asterisk/documentation", folder.join("data/documentation")),
        ] {
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            let copy = |how: &str| {
                let _ = std::fs::remove_dir_all(&to);
                Command::new("cp").arg(how).arg(unpacked.join(part)).arg(&to).stderr(Stdio::null()).status()
            };
            assert!(copy("-al").unwrap().success() || copy("-a").unwrap().success());
        }
        for made in ["etc", "data/sounds/en", "data/agi-bin", "var", "spool", "run", "log"] {
            std::fs::create_dir_all(folder.join(made)).unwrap();
        }
        let voice = unpacked.join(entry("sounds"));
        for sound in ["vm-login", "vm-password", "vm-incorrect", "vm-goodbye"] {
            let file = format!("{sound}.gsm");
            std::fs::copy(voice.with_file_name(&file), folder.join("data/sounds/en").join(&file)).unwrap();
        }
        std::fs::copy(UMPIN, folder.join("data/agi-bin/umpin")).unwrap();
        pbx
    }

    fn configure(&self, dialplan: &str, calls: &[String]) {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let write = |name: &str, text: String| std::fs::write(self.folder.join("etc").join(name), text).unwrap();
        write(
            "asterisk.conf",
            format!(
                "[directories]\nastetcdir => {}\nastmoddir => {}\nastvarlibdir => {}\nastdbdir => {}\nastkeydir => {}\n\
                 astdatadir => {}\nastagidir => {}\nastspooldir => {}\nastrundir => {}\nastlogdir => {}\n\
                 [options]\nnocolor = yes\nverbose = 1\n",
                at("etc"),
                self.root.join(&self.modules).display(),
                at("var"),
                at("var"),
                at("var"),
                at("data"),
                at("data/agi-bin"),
                at("spool"),
                at("run"),
                at("log")
            ),
        );
        let modules: String = [
            "pbx_config",
            "res_speech",
            "res_agi",
            "res_clioriginate",
            // Without a timer of its own, Asterisk 22 may end by a signal while it plays digits.
            "res_timing_timerfd",
            "app_senddtmf",
            "app_verbose",
            "app_stack",
            "format_gsm",
            "codec_gsm",
            "codec_ulaw",
            "bridge_simple",
            "func_channel",
            "func_strings",
            "func_logic",
            "func_callerid",
        ]
        .iter()
        .map(|m| format!("load = {m}.so\n"))
        .collect();
        write("modules.conf", format!("[modules]\nautoload = no\n{modules}"));
        write("logger.conf", "[logfiles]\nfull => notice,warning,error,verbose\n".into());
        write("extensions.conf", dialplan.to_owned());
        let calls: String = calls.iter().map(|c| format!("{c} = yes\n")).collect();
        write("cli.conf", format!("[startup_commands]\n{calls}"));
    }

    /// All that it and its AGI said, on its standard error too.
    fn log(&self) -> String {
        ["console", "log/full"]
            .iter()
            .filter_map(|name| std::fs::read(self.folder.join(name)).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    /// SIP on this port, from anybody, into the example's context; and what it plays is in its log.
    fn listen(&self, port: u16) {
        let etc = |name: &str| self.folder.join("etc").join(name);
        let add = |name: &str, text: &str| {
            let before = std::fs::read_to_string(etc(name)).unwrap_or_default();
            std::fs::write(etc(name), before + text).unwrap();
        };
        let modules: String = [
            "res_sorcery_config",
            "res_sorcery_memory",
            "res_sorcery_astdb",
            "res_pjproject",
            "res_rtp_asterisk",
            "res_pjsip",
            "res_pjsip_pubsub",
            "res_pjsip_session",
            "res_pjsip_sdp_rtp",
            "res_pjsip_caller_id",
            "res_pjsip_dtmf_info",
            "res_pjsip_endpoint_identifier_anonymous",
            "chan_pjsip",
        ]
        .iter()
        .map(|m| format!("load = {m}.so\n"))
        .collect();
        add("modules.conf", &modules);
        let asterisk = std::fs::read_to_string(etc("asterisk.conf")).unwrap();
        std::fs::write(etc("asterisk.conf"), asterisk.replace("verbose = 1", "verbose = 3")).unwrap();
        add(
            "pjsip.conf",
            &format!(
                "[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{port}\n\
                 [anonymous]\ntype = endpoint\ntransport = udp\ncontext = umpin-voicemail\ndisallow = all\n\
                 allow = ulaw\ndtmf_mode = info\n"
            ),
        );
        add("rtp.conf", "[general]\nrtpstart = 20000\nrtpend = 29999\n");
    }

    /// One of the unpacked programs, by the unpacked loader.
    fn unpacked(&self) -> (PathBuf, PathBuf) {
        let libraries = self.root.join(&self.modules).ancestors().nth(2).unwrap().to_owned();
        let loader = std::fs::read_dir(&libraries)
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.file_name().unwrap().to_string_lossy().starts_with("ld-linux"))
            .unwrap();
        (loader, libraries)
    }

    fn start(&self) -> Child {
        let (loader, libraries) = self.unpacked();
        let mut command = if is_root() {
            for made in ["var", "spool", "run", "log", "store"] {
                give_away(&self.folder.join(made));
            }
            // What the test made, under whatever umask, is for another account to read.
            let readable = "chmod -R a+rX etc data && chmod a+rx root root/usr";
            assert!(Command::new("sh").args(["-c", readable]).current_dir(&self.folder).status().unwrap().success());
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&loader);
            command
        } else {
            Command::new(&loader)
        };
        let console = || {
            let file = std::fs::File::options().append(true).create(true).open(self.folder.join("console")).unwrap();
            Stdio::from(file)
        };
        command
            .arg("--library-path")
            .arg(&libraries)
            .arg(self.root.join("usr/sbin/asterisk"))
            .arg("-C")
            .arg(self.folder.join("etc/asterisk.conf"))
            .args(["-f", "-n"])
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("UMPIN_STORE", self.folder.join("store/um.db"))
            .env("UMPIN_KEY_FILE", self.folder.join("store/umpin.key"))
            .stdin(Stdio::null())
            .stdout(console())
            .stderr(console())
            .spawn()
            .unwrap()
    }
}

fn give_away(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

/// Ended however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The fixture's store in a folder of its own, to which another account may write. The fixture's session is not used
/// again.
fn moved(f: &Fixture) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = f.folder.path();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(folder.join("store")).unwrap();
    f.session.change(Mode::Commit, &Cause::new("Test"), |c| c.audit("x", "moved")).unwrap();
    let copy = folder.join("store/um.db");
    f.run("Backup-UMPinStore", &serde_json::json!({"Path": copy})).unwrap();
    std::fs::copy(f.path("umpin.key"), folder.join("store/umpin.key")).unwrap();
    let sql = rusqlite::Connection::open(&copy).unwrap();
    let mode: String = sql.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0)).unwrap();
    assert_eq!(mode, "wal");
    copy
}

/// A session on the store that [`moved`] made: the failures that are counted there.
fn counted(f: &Fixture, copy: &Path, n: usize) -> u32 {
    let location = Location { store: copy.to_owned(), key: copy.with_file_name("umpin.key") };
    let session = Session::with(location, None, Tuning::danger_test(Clock::Manual(f.clock.clone()))).unwrap();
    umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin(&session, &crate::support::who(n)).unwrap().facts.failures
}

/// The documented dialplan, with Asterisk's mailbox application replaced by a line in the log.
fn example() -> String {
    let example = include_str!("../../examples/asterisk/extensions.conf");
    let example: String =
        example.lines().filter(|l| !l.trim_start().starts_with(';')).map(|l| format!("{l}\n")).collect();
    assert!(example.contains("VoiceMailMain(${UMPIN_EXTENSION}@default,s)"), "the example signs in before it");
    example
        .replace("VoiceMailMain(${UMPIN_EXTENSION}@default,s)", "Log(NOTICE,signed-in ${UMPIN_EXTENSION})")
        .replace("<your dial plan>", "Plan")
}

#[test]
fn a_real_asterisk_signs_callers_in() {
    let unpacked = tools();
    if !unpacked.join(".complete").is_file() {
        skip("a_real_asterisk_signs_callers_in", "no Asterisk; tools/test-asterisk.sh fetches one");
        return;
    }
    let f = fixture(4);
    f.run("Lock-UMMailbox", &serde_json::json!({"Identity": "user2"})).unwrap();
    let copy = moved(&f);
    let folder = f.folder.path();
    let pbx = Pbx::prepare(folder, &unpacked);
    let example = example();
    let caller = |digits: &str, times: usize| {
        let once = format!(" same => n,SendDTMF({digits}#)\n same => n,Wait(5)\n");
        format!("1,Answer()\n same => n,Wait(2)\n{}", once.repeat(times))
    };
    let dialplan = format!(
        "{example}\n\
         [test]\n\
         exten => 100,1,Set(CALLERID(num)=50000)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 101,1,Set(CALLERID(num)=50001)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 102,1,Set(CALLERID(num)=50002)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 103,1,Set(CALLERID(num)=50003)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 200,{}\
         exten => 201,{}\
         exten => 202,{}\
         exten => 203,1,Answer()\n same => n,Wait(2)\n same => n,SendDTMF({}#,60,60)\n same => n,Wait(5)\n \
         same => n,SendDTMF({FIRST_PIN}#)\n same => n,Wait(5)\n",
        caller(FIRST_PIN, 1),
        caller("404404", 4),
        caller(FIRST_PIN, 4),
        "1".repeat(100),
    );
    let calls: Vec<String> =
        (0..4).map(|n| format!("channel originate Local/10{n}@test extension 20{n}@test")).collect();
    pbx.configure(&dialplan, &calls);
    let mut running = Running(pbx.start());
    let since = Instant::now();
    // The dialplan's last line of each.
    let ended = |log: &str| log.lines().filter(|l| l.contains(": ACCEPTED ") || l.contains(": REFUSED ")).count();
    while ended(&pbx.log()) < 4 {
        assert!(since.elapsed() < Duration::from_secs(90), "the calls did not end:\n{}", pbx.log());
        if let Some(status) = running.0.try_wait().unwrap() {
            panic!("Asterisk ended by itself ({status}):\n{}", pbx.log());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(running);
    let log = pbx.log();
    assert!(log.contains("signed-in 50000"), "{log}");
    assert!(!log.contains("signed-in 50001") && !log.contains("signed-in 50002"), "{log}");
    assert_eq!(log.matches(": REFUSED").count(), 2, "{log}");
    assert!(log.contains("signed-in 50003"), "100 digits are one try:\n{log}");
    // Asterisk's own log says whose call was refused and why, by the call's id.
    let own = std::fs::read_to_string(folder.join("log/full")).unwrap();
    let told = |what: &str| {
        let line = own.lines().find(|l| l.contains(what)).unwrap_or_else(|| panic!("{what}:\n{own}"));
        line.rsplit_once("call ").unwrap().1.to_owned()
    };
    for what in ["(WrongPin); extension 50001, channel Local/", "(LockedOut); extension 50002, channel Local/"] {
        let call = told(what);
        assert!(own.contains(&format!("umpin {call}: REFUSED")), "{call}:\n{own}");
    }
    for pin in [FIRST_PIN, "404404"] {
        assert!(!log.contains(pin), "Asterisk's log holds a PIN:\n{log}");
    }
    let counted = |n: usize| counted(&f, &copy, n);
    assert_eq!([counted(0), counted(1), counted(2)], [0, 3, 0], "dropped after three; a locked mailbox counts nothing");
    assert_eq!(extension(1), "50001");
    let tries = own.lines().filter(|l| l.contains("(WrongPin); extension 50003,")).count();
    assert_eq!(tries, 1, "100 digits are one try:\n{own}");
}

/// A port that nobody has now.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One message of a call that is under way, from sipp.
fn in_call(method: &str, number: usize, more: &str) -> String {
    format!(
        "<send{}><![CDATA[\n{method} sip:*97@[remote_ip]:[remote_port] SIP/2.0\n\
         Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n\
         From: <sip:[field0]@127.0.0.1>;tag=[call_number]\nTo: <sip:*97@127.0.0.1>[peer_tag_param]\n\
         Call-ID: [call_id]\nCSeq: {number} {method}\nMax-Forwards: 70\n\
         Contact: <sip:test@[local_ip]:[local_port]>\n{more}\n]]></send>\n",
        if method == "ACK" { "" } else { " retrans=\"500\"" }
    )
}

/// What sipp does in each call: it calls, goes on with `middle`, and waits for Asterisk to hang up.
fn scenario(middle: &str) -> String {
    let offer = "Content-Type: application/sdp\nContent-Length: [len]\n\n\
                 v=0\no=test 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n\
                 m=audio [media_port] RTP/AVP 0\na=rtpmap:0 PCMU/8000";
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"call\">\n{}\
         <recv response=\"100\" optional=\"true\"/>\n<recv response=\"180\" optional=\"true\"/>\n\
         <recv response=\"183\" optional=\"true\"/>\n<recv response=\"200\"/>\n{}{middle}\
         <recv request=\"BYE\"/>\n\
         <send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n\
         Content-Length: 0\n]]></send>\n</scenario>\n",
        in_call("INVITE", 1, offer),
        in_call("ACK", 1, "Content-Length: 0\n")
    )
}

/// Calls *97 by SIP, all at once, each with one of these as its From user.
fn call_by_sip(pbx: &Pbx, name: &str, port: u16, own: u16, users: &[String], middle: &str) -> Running {
    let at = |kind: &str| pbx.folder.join(format!("{name}.{kind}"));
    std::fs::write(at("xml"), scenario(middle)).unwrap();
    std::fs::write(at("csv"), format!("SEQUENTIAL\n{}\n", users.join("\n"))).unwrap();
    let many = users.len().to_string();
    let (loader, libraries) = pbx.unpacked();
    let out = std::fs::File::create(at("out")).unwrap();
    let child = Command::new(loader)
        .arg("--library-path")
        .arg(libraries)
        .arg(tools().join("usr/bin/sipp"))
        .arg(format!("127.0.0.1:{port}"))
        .arg("-sf")
        .arg(at("xml"))
        .arg("-inf")
        .arg(at("csv"))
        .args(["-m", &many, "-l", &many, "-r", &many, "-i", "127.0.0.1", "-p", &own.to_string()])
        .args([
            "-cid_str",
            "call-%u@test",
            "-timeout",
            "120s",
            "-timeout_error",
            "-nostdin",
            "-trace_err",
            "-error_file",
        ])
        .arg(at("err"))
        .current_dir(&pbx.folder)
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    Running(child)
}

/// Until it is so; what sipp and Asterisk said where it never is.
fn until(pbx: &Pbx, what: &str, seconds: u64, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        let said =
            || ["sip.out", "sip.err"].map(|n| std::fs::read_to_string(pbx.folder.join(n)).unwrap_or_default()).concat();
        assert!(since.elapsed() < Duration::from_secs(seconds), "{what}: never\n{}\n{}", said(), pbx.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn done(pbx: &Pbx, sipp: &mut Running) {
    let mut status = None;
    until(pbx, "sipp ends", 120, || {
        status = sipp.0.try_wait().unwrap();
        status.is_some()
    });
    assert!(
        status.unwrap().success(),
        "{}\n{}",
        std::fs::read_to_string(pbx.folder.join("sip.out")).unwrap(),
        pbx.log()
    );
}

fn asterisk_by_sip(name: &str) -> Option<PathBuf> {
    let unpacked = tools();
    if unpacked.join(".complete").is_file() && unpacked.join("usr/bin/sipp").is_file() {
        return Some(unpacked);
    }
    skip(name, "no Asterisk with sipp; tools/test-asterisk.sh fetches both");
    None
}

/// How often a channel was played this sound.
fn played(log: &str, channel: &str, sound: &str) -> usize {
    log.lines().filter(|l| l.contains(&format!("<{channel}> Playing '{sound}."))).count()
}

/// The channels that came by SIP, in the order of their first line.
fn sip_channels(log: &str) -> Vec<String> {
    let mut channels = Vec::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("<PJSIP/")
            && let Some((name, _)) = rest.split_once('>')
            && !channels.iter().any(|c: &String| c.ends_with(name))
        {
            channels.push(format!("PJSIP/{name}"));
        }
    }
    channels
}

/// The From user of an INVITE is the caller's to choose. Whatever it is, the course is the same: the extension is asked
/// for where it is no number, the PIN always, once, as the dial plan's LogonFailuresBeforeDisconnect of 1 has it.
#[test]
fn a_real_asterisk_asks_hostile_sip_callers_for_a_pin() {
    let Some(unpacked) = asterisk_by_sip("a_real_asterisk_asks_hostile_sip_callers_for_a_pin") else { return };
    let f = fixture(2);
    f.run("Set-UMDialPlan", &serde_json::json!({"Identity": "Plan", "LogonFailuresBeforeDisconnect": 1})).unwrap();
    let copy = moved(&f);
    let pbx = Pbx::prepare(f.folder.path(), &unpacked);
    // Nobody dials anything, so that no moment matters.
    let dialplan = example().replace("AGI(umpin,agi,Plan,,", "AGI(umpin,agi,Plan,,--timeout,500,");
    assert!(dialplan.contains("--timeout"));
    pbx.configure(&dialplan, &[]);
    let (port, own) = (free_port(), free_port());
    pbx.listen(port);
    let message = "/var/spool/asterisk/voicemail/default/50001/INBOX/msg0000";
    let numbers = ["50000".to_owned(), "9".repeat(200)];
    let hostile = [
        format!("50000,--prompt,{message}"),
        format!("50000%2C--prompt%2C{message}"),
        format!("50000%2C--goodbye%2C..%2F..%2F{message}"),
        "50000,--store,/tmp/own.db,--key-file,/tmp/own.key".to_owned(),
        "50000%2C--store=%2Ftmp%2Fown.db".to_owned(),
        "50000,--tries,10".to_owned(),
        "50000%2C--tries=10".to_owned(),
        "50000%20--tries%2010".to_owned(),
        "50000%2C50001".to_owned(),
        "--ask".to_owned(),
        "%2D%2Dtries%2C10".to_owned(),
        "%20%20%20".to_owned(),
        "%20--%20".to_owned(),
        "50000)".to_owned(),
        "%22)%0A".to_owned(),
        "$%7BUMPIN_RESULT%7D".to_owned(),
        "..%2F..%2Fetc".to_owned(),
        "50000%2C".repeat(30),
    ];
    let users: Vec<String> = numbers.iter().chain(&hostile).cloned().collect();
    let mut asterisk = Running(pbx.start());
    // Ready when it answers, whatever it answers.
    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    probe.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until(&pbx, "Asterisk answers", 60, || {
        let ask = options(probe.local_addr().unwrap().port(), "probe@test");
        probe.send_to(ask.as_bytes(), ("127.0.0.1", port)).is_ok() && probe.recv(&mut [0; 2000]).is_ok()
    });
    let mut sipp = call_by_sip(&pbx, "sip", port, own, &users, "");
    done(&pbx, &mut sipp);
    until(&pbx, "the calls end", 30, || pbx.log().matches("Ext. h: umpin ").count() >= users.len());
    assert!(asterisk.0.try_wait().unwrap().is_none(), "it still runs");
    drop(asterisk);
    let log = std::fs::read_to_string(pbx.folder.join("log/full")).unwrap();
    let channels = sip_channels(&log);
    assert_eq!(channels.len(), users.len(), "{log}");
    let of = |sound: &str| channels.iter().map(|c| played(&log, c, sound)).collect::<Vec<_>>();
    assert_eq!(of("vm-password"), vec![1; users.len()], "each is asked for a PIN, once:\n{log}");
    assert_eq!(of("vm-login").iter().sum::<usize>(), hostile.len(), "who is no number says which extension:\n{log}");
    assert_eq!(of("vm-goodbye"), vec![1; users.len()], "{log}");
    assert!(!log.contains("ACCEPTED") && !log.contains("signed-in") && !log.contains("msg0000"), "{log}");
    assert_eq!([counted(&f, &copy, 0), counted(&f, &copy, 1)], [0, 0], "nobody said anything");
}

/// A SIP request from the test itself.
fn options(from: u16, call: &str) -> String {
    format!(
        "OPTIONS sip:*97@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{from};branch=z9hG4bK{from}\r\n\
         From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:test@127.0.0.1>\r\nCall-ID: {call}\r\nCSeq: 9 OPTIONS\r\n\
         Max-Forwards: 70\r\nContact: <sip:test@127.0.0.1:{from}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// They dial when the test says so, by a message into each call: when all of them hear the prompt.
fn dials(pin: &str) -> String {
    let mut dialled = "<recv request=\"OPTIONS\"/>\n".to_owned();
    for (n, digit) in pin.chars().chain(['#']).enumerate() {
        let signal =
            format!("Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal={digit}\nDuration=100\n");
        dialled += &in_call("INFO", n + 2, &signal);
        dialled += "<recv response=\"200\"/>\n";
        // Behind the last one Asterisk may hang up at once.
        if digit != '#' {
            dialled += "<pause milliseconds=\"200\"/>\n";
        }
    }
    dialled
}

#[test]
fn a_real_asterisk_signs_twenty_sip_callers_in_at_once() {
    const CALLERS: usize = 20;
    let Some(unpacked) = asterisk_by_sip("a_real_asterisk_signs_twenty_sip_callers_in_at_once") else { return };
    let f = fixture(CALLERS);
    let copy = moved(&f);
    let pbx = Pbx::prepare(f.folder.path(), &unpacked);
    pbx.configure(&example().replace("AGI(umpin,agi,Plan,,", "AGI(umpin,agi,Plan,,--timeout,60000,"), &[]);
    let (port, own) = (free_port(), free_port());
    pbx.listen(port);
    let asterisk = Running(pbx.start());
    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    let here = probe.local_addr().unwrap().port();
    probe.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until(&pbx, "Asterisk answers", 60, || {
        probe.send_to(options(here, "probe@test").as_bytes(), ("127.0.0.1", port)).is_ok()
            && probe.recv(&mut [0; 2000]).is_ok()
    });
    let users: Vec<String> = (0..CALLERS).map(extension).collect();
    let mut sipp = call_by_sip(&pbx, "sip", port, own, &users, &dials(FIRST_PIN));
    let full = || std::fs::read_to_string(pbx.folder.join("log/full")).unwrap_or_default();
    until(&pbx, "all are asked for a PIN", 60, || full().matches("Playing 'vm-password.").count() == CALLERS);
    for call in 1..=CALLERS {
        probe.send_to(options(here, &format!("call-{call}@test")).as_bytes(), ("127.0.0.1", own)).unwrap();
    }
    done(&pbx, &mut sipp);
    until(&pbx, "the calls end", 30, || full().matches("Ext. h: umpin ").count() == CALLERS);
    drop(asterisk);
    let log = pbx.log();
    for n in 0..CALLERS {
        assert!(log.contains(&format!("Ext. *97: signed-in {}", extension(n))), "{n}:\n{log}");
        assert_eq!(counted(&f, &copy, n), 0);
    }
    assert!(!log.contains(FIRST_PIN), "Asterisk's log holds a PIN:\n{log}");
}

/// In a mount namespace of its own, with what is written below these three kept in memory: nothing is left on the machine.
const CLEAN: &str = r#"
umask 022
test ! -e /var/lib/ummailboxpin && test ! -e /etc/ummailboxpin || exit 77
mount -t tmpfs umpin "$UMPIN_FOLLOW" || exit 77
for part in usr etc var/lib; do
    mkdir -p "$UMPIN_FOLLOW/$part/upper" "$UMPIN_FOLLOW/$part/work"
    at=lowerdir=/$part,upperdir=$UMPIN_FOLLOW/$part/upper,workdir=$UMPIN_FOLLOW/$part/work
    mount -t overlay -o "$at" umpin "/$part" || exit 77
done
exec "$@"
"#;

/// The commands of docs/pbx.md, run as they stand there on clean folders, end in accepted calls, a refused one of a locked
/// mailbox, a mail that arrives, and calls that are not disturbed by rotations of the key.
#[test]
fn the_documented_installation_ends_in_calls_that_sign_in() {
    let name = "the_documented_installation_ends_in_calls_that_sign_in";
    let follows = std::env::var_os("UMPIN_FOLLOW");
    if follows.as_ref().is_some_and(|who| who == "administrator") {
        return administer();
    }
    let Some(unpacked) = asterisk_by_sip(name) else { return };
    if follows.is_some() {
        return follow_the_document(&unpacked);
    }
    if !is_root() {
        return skip(name, "only root makes accounts; it does so in a mount namespace of its own");
    }
    let memory = tempfile::tempdir().unwrap();
    let done = Command::new("unshare")
        .args(["-m", "--propagation", "private", "sh", "-ec", CLEAN, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([&child::test_name(module_path!(), name), "--exact", "--nocapture"])
        .env("UMPIN_FOLLOW", memory.path())
        .stdin(Stdio::null())
        .output();
    match done {
        Ok(done) if done.status.success() => {}
        Ok(done) if done.status.code() == Some(77) => skip(name, "no overlay of memory, or the machine has a store"),
        Err(_) => skip(name, "no unshare"),
        Ok(done) => panic!(
            "{}\n{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr).chars().take(20_000).collect::<String>()
        ),
    }
}

fn shell(pbx: &Pbx, text: &str) -> String {
    let path = format!("{}:{}", pbx.folder.join("bin").display(), std::env::var("PATH").unwrap());
    let done = Command::new("bash")
        .args(["-c", &format!("set -e\n{text}")])
        .current_dir(pbx.folder.join("checkout"))
        .env("PATH", path + ":/usr/sbin:/sbin")
        .env("ADMINISTRATOR", "umadmin")
        .env_remove("UMPIN_STORE")
        .env_remove("UMPIN_KEY_FILE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (code, out, err) = told(done);
    assert_eq!(code, 0, "{text}\n{out}{err}");
    out + &err
}

/// What the test's service manager started, by the file with its process id; ended however the test ends.
struct Service(PathBuf);

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(&self.0) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

/// People in [`follow_the_document`]: callers, then one who is locked and one whose PIN is reset.
const FOLLOWERS: usize = 22;

/// The administrator's part, in a process of that account: the usual place, and nothing in it yet.
fn administer() {
    let location = Location::resolve(None, None).unwrap();
    assert_eq!(location.store, Path::new("/var/lib/ummailboxpin/um.db"));
    let session = Session::with(location, None, Tuning::danger_test(Clock::System)).unwrap();
    let f = Fixture { folder: tempfile::tempdir().unwrap(), clock: Default::default(), session };
    let policy = PinPolicy { lifetime_days: None, failures_before_reset: Some(2), ..PinPolicy::default() };
    f.seed(policy, FOLLOWERS);
    f.run("Set-UMDialPlan", &serde_json::json!({"Identity": "Plan", "LogonFailuresBeforeDisconnect": 1})).unwrap();
    f.run("Lock-UMMailbox", &serde_json::json!({"Identity": format!("user{}", FOLLOWERS - 2)})).unwrap();
}

fn follow_the_document(unpacked: &Path) {
    use std::os::unix::fs::PermissionsExt;
    const CALLERS: usize = FOLLOWERS - 2;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let pbx = Pbx::prepare(folder.path(), unpacked);
    pbx.configure(&example().replace("AGI(umpin,agi,Plan,,", "AGI(umpin,agi,Plan,,--timeout,60000,"), &[]);
    let (port, own) = (free_port(), free_port());
    pbx.listen(port);
    let folder = pbx.folder.display().to_string();
    let settings = std::fs::read_to_string(pbx.folder.join("etc/asterisk.conf")).unwrap();
    let settings = settings.replace(&format!("{folder}/data/agi-bin"), "/usr/share/asterisk/agi-bin");
    std::fs::write(pbx.folder.join("etc/asterisk.conf"), settings).unwrap();

    // What is there before: a built checkout, Asterisk's package with its account, an administrator, a service manager.
    for made in ["checkout/target/release", "bin"] {
        std::fs::create_dir_all(pbx.folder.join(made)).unwrap();
    }
    std::fs::copy(UMPIN, pbx.folder.join("checkout/target/release/umpin")).unwrap();
    std::fs::write(pbx.folder.join("checkout/target/release/libumpin.so"), "").unwrap();
    let (loader, libraries) = pbx.unpacked();
    let start = format!(
        "#!/bin/sh\ncd '{folder}'\nHOME=$PWD setpriv --reuid=asterisk --regid=asterisk --init-groups -- '{}' --library-path '{}' \
         root/usr/sbin/asterisk -C \"$PWD\"/etc/asterisk.conf -f -n >>console 2>&1 </dev/null &\necho $! >pid\n",
        loader.display(),
        libraries.display()
    );
    std::fs::write(pbx.folder.join("bin/systemctl"), start).unwrap();
    std::fs::write(pbx.folder.join("bin/pidof"), format!("#!/bin/sh\ncat '{folder}/pid'\n")).unwrap();
    shell(
        &pbx,
        "chmod 755 ../bin/*\nuseradd --system --home-dir / asterisk\nuseradd umadmin\n\
         mkdir -p /usr/share/asterisk/agi-bin\nchown -R asterisk ../var ../spool ../run ../log",
    );

    let text = include_str!("../../docs/pbx.md");
    // The package, which stands before, has a test of its own.
    let install = text.split_once("\nBy hand, as root").unwrap().1.split_once("\n## ").unwrap().0;
    let blocks: Vec<&str> = install.split("```sh\n").skip(1).map(|b| b.split_once("```").unwrap().0).collect();
    let [program, accounts, folders, restart, check] = blocks[..] else { panic!("{blocks:?}") };
    // An empty file stands for the library, which ldconfig would complain of.
    for block in [program, accounts, folders] {
        shell(&pbx, block);
    }
    // An administrator, in the group by now, makes the store and the key, under the usual umask that CLEAN sets.
    std::fs::copy(std::env::current_exe().unwrap(), pbx.folder.join("bin/administrator")).unwrap();
    let name = child::test_name(module_path!(), "the_documented_installation_ends_in_calls_that_sign_in");
    shell(
        &pbx,
        &format!(
            "chmod 755 ../bin/administrator; cd /\n\
             env -u TMPDIR UMPIN_FOLLOW=administrator setpriv --reuid=umadmin --regid=umadmin --init-groups -- \
             '{folder}/bin/administrator' {name} --exact --nocapture"
        ),
    );
    let (store, key) = (Path::new("/var/lib/ummailboxpin/um.db"), Path::new("/etc/ummailboxpin/umpin.key"));
    let asterisk = Service(pbx.folder.join("pid"));
    let groups = shell(&pbx, restart);
    let group = shell(&pbx, "getent group ummailboxpin | cut -d: -f3");
    assert!(groups.split_whitespace().any(|g| g == group.trim()), "{groups} without {group}");
    let check = check.replace("51234", "50000").replace("Redmond", "Plan").replace("; echo", " || echo");
    let checked = shell(&pbx, &check);
    assert!(checked.starts_with("{\"result\":\"refused\"}\n1\numpin: 20"), "{checked}");
    assert!(checked.ends_with("Z refused: WrongPin; extension 50000\n"), "{checked}");

    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    let here = probe.local_addr().unwrap().port();
    probe.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until(&pbx, "Asterisk answers", 60, || {
        probe.send_to(options(here, "probe@test").as_bytes(), ("127.0.0.1", port)).is_ok()
            && probe.recv(&mut [0; 2000]).is_ok()
    });
    let location = Location { store: store.to_owned(), key: key.to_owned() };
    let administrator = Session::with(location, None, Tuning::danger_test(Clock::System)).unwrap();
    let users: Vec<String> = (0..=CALLERS).map(extension).collect();
    let mut sipp = call_by_sip(&pbx, "sip", port, own, &users, &dials(FIRST_PIN));
    let full = || std::fs::read_to_string(pbx.folder.join("log/full")).unwrap_or_default();
    until(&pbx, "all are asked for a PIN", 60, || full().matches("Playing 'vm-password.").count() == users.len());
    for call in 1..=users.len() {
        probe.send_to(options(here, &format!("call-{call}@test")).as_bytes(), ("127.0.0.1", own)).unwrap();
    }
    let mut rotations = 0;
    while sipp.0.try_wait().unwrap().is_none() {
        crate::support::run(&administrator, "Update-UMPinKey", &serde_json::json!({})).unwrap();
        rotations += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(rotations > 1, "the key was rotated while they dialled");
    done(&pbx, &mut sipp);
    until(&pbx, "the calls end", 30, || full().matches("Ext. h: umpin ").count() == users.len());
    drop(asterisk);
    let log = pbx.log();
    assert_eq!(log.matches("Ext. *97: signed-in ").count(), CALLERS, "{log}");
    assert!(log.contains(&format!("(LockedOut); extension {},", extension(CALLERS))), "{log}");

    let pickup = pbx.folder.join("pickup");
    std::fs::create_dir(&pickup).unwrap();
    let mail = serde_json::json!({"Transport": "Pickup", "PickupFolder": pickup}).to_string();
    administrator
        .change(Mode::Commit, &Cause::new("Test"), |c| c.tx.set_setting(umpin::store::settings::MAIL, &mail))
        .unwrap();
    shell(&pbx, "chown ummailboxpin ../pickup");
    // The second wrong PIN resets; Asterisk's account mails nothing, the timer's command does, and that PIN signs in.
    let reset = extension(FOLLOWERS - 1);
    let ask = |pin: &str| {
        let verify = format!("umpin verify --extension {reset} --dial-plan Plan --log-reason");
        shell(&pbx, &format!("printf '{pin}\\n' | runuser -u asterisk -- {verify} || true"))
    };
    assert!(ask("000000").contains("refused: WrongPin"));
    assert!(ask("000000").contains("refused: PinReset"));
    assert_eq!(crate::support::mails(&pickup).len(), 0);
    assert_eq!(shell(&pbx, "runuser -u ummailboxpin -- umpin deliver"), "{\"sent\":1,\"failed\":0}\n");
    let mails = crate::support::mails(&pickup);
    assert_eq!(mails.len(), 1);
    let new = crate::support::pin_in(&mails[0]).unwrap();
    assert!(ask(&new).starts_with("{\"result\":\"accepted\",\"mustChange\":true"));
    assert!(ask(FIRST_PIN).contains("refused: WrongPin"));
}
