//! The store's file: made by many at once, out of reach, behind a link.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Barrier};

#[cfg(unix)]
use crate::support::verify;
use crate::support::{FIRST_PIN, Fixture, START, child, run, session_at, set};
use serde_json::json;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::error::Status;
use umpin::pin::PinPolicy;
use umpin::service::lookup::Lookup;
use umpin::session::{Cause, Change, Mode, Session};
use umpin::store::pins::PinState;

// ---------------------------------------------------------------------------------------------------------------------
// Two processes.

fn state(session: &Session) -> PinState {
    let who = Lookup { identity: Some("user0".to_owned()), ..Lookup::default() };
    get_um_mailbox_pin(session, &who).unwrap()
}

/// The number that the other one wrote last, seen at the very next call, and the next number in its place.
fn answer(session: &Session, expected: u32) {
    let seen = state(session);
    assert_eq!(seen.facts.failures, expected, "what the other process wrote last");
    let written = |c: &Change<'_>| {
        let mut pin = c.tx.pin(&seen.guid)?.unwrap();
        assert_eq!(pin.facts.failures, expected, "what the other process wrote last");
        pin.facts.failures = expected + 1;
        c.tx.put_pin(&seen.guid, &pin)
    };
    session.change(Mode::Commit, &Cause::new("Test"), written).unwrap();
}

/// Answers each line with its own turn.
#[test]
fn the_other_player() {
    let Some((folder, _)) = child::folder_and_id() else { return };
    let session = session_at(&folder, &Arc::new(AtomicI64::new(START)));
    for line in std::io::stdin().lines() {
        answer(&session, line.unwrap().parse().unwrap());
        println!("\nturn");
    }
}

#[test]
fn each_of_two_processes_sees_the_others_change_at_its_very_next_call() {
    let full = std::env::var_os("UMPIN_TEST_SCALE").is_some_and(|scale| scale == "full");
    let turns = if full { 10_000 } else { 1_000 };
    let f = fixture();
    let program = std::env::current_exe().unwrap();
    let mut other = child::command(&program, module_path!(), "the_other_player", f.folder.path(), 0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut ask, told) = (other.stdin.take().unwrap(), BufReader::new(other.stdout.take().unwrap()));
    let mut told = told.lines().map(|line| line.unwrap()).filter(|line| line == "turn");
    for turn in (0..turns).step_by(2) {
        answer(&f.session, turn);
        writeln!(ask, "{}", turn + 1).unwrap();
        assert!(told.next().is_some(), "the other process failed at turn {turn}");
    }
    drop(ask);
    assert!(other.wait().unwrap().success());
}

#[cfg(unix)]
#[test]
fn another_file_in_the_stores_place_is_seen_a_moment_later() {
    if crate::support::is_on_server("another_file_in_the_stores_place_is_seen_a_moment_later") {
        return;
    }
    let (f, other) = (fixture(), fixture());
    answer(&f.session, 0);
    assert_eq!(state(&f.session).facts.failures, 1);
    for suffix in ["um.db", "um.db-wal", "um.db-shm"] {
        std::fs::rename(f.path(suffix), f.path(&format!("{suffix}.aside"))).unwrap();
        std::fs::rename(other.path(suffix), f.path(suffix)).unwrap();
    }
    // Twice as long as a look at the path holds.
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(state(&f.session).facts.failures, 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// First use.

fn first_use(folder: &Path, id: usize) {
    let session = session_at(folder, &Arc::new(AtomicI64::new(START)));
    run(&session, "Get-UMMailbox", &json!({})).unwrap();
    let name = format!("Plan {id}");
    let plan = json!({"Name": name, "NumberOfDigitsInExtension": 5, "CountryOrRegionCode": "1"});
    run(&session, "New-UMDialPlan", &plan).unwrap();
    assert_eq!(run(&session, "Get-UMDialPlan", &json!({"Identity": name})).unwrap().objects.len(), 1);
}

#[test]
fn a_new_store_is_opened_by_many_threads_at_once() {
    const SESSIONS: usize = 8;
    for round in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let start = Barrier::new(SESSIONS);
        std::thread::scope(|scope| {
            for id in 0..SESSIONS {
                let (folder, start) = (folder.path(), &start);
                scope.spawn(move || {
                    start.wait();
                    first_use(folder, id);
                });
            }
        });
        let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
        let plans = run(&session, "Get-UMDialPlan", &json!({})).unwrap().objects.len();
        assert_eq!(plans, SESSIONS, "round {round}");
    }
}

/// Waits for the others, then uses the store for the first time.
#[test]
fn first_user() {
    let Some((folder, id)) = child::folder_and_id() else { return };
    std::fs::write(folder.join(format!("ready{id}")), "").unwrap();
    while !folder.join("go").exists() {
        std::thread::yield_now();
    }
    for round in 0..10 {
        let folder = folder.join(round.to_string());
        first_use(&folder, id);
    }
    println!("\ndone");
}

#[test]
fn new_stores_are_opened_by_many_processes_at_once() {
    const PROCESSES: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..10 {
        std::fs::create_dir(folder.path().join(round.to_string())).unwrap();
    }
    let users: Vec<_> =
        (0..PROCESSES).map(|id| child::spawn(module_path!(), "first_user", folder.path(), id)).collect();
    while (0..PROCESSES).any(|id| !folder.path().join(format!("ready{id}")).exists()) {
        std::thread::yield_now();
    }
    std::fs::write(folder.path().join("go"), "").unwrap();
    for user in users {
        let output = user.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("\ndone"));
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Out of reach.

fn fixture() -> Fixture {
    Fixture::new(PinPolicy { failures_before_reset: None, ..PinPolicy::default() }, 2)
}

/// What every way in says of a store that is out of reach.
fn is_out_of_reach(folder: &Path) {
    let session = session_at(folder, &Arc::new(AtomicI64::new(START)));
    let copy = std::env::temp_dir().join("no such folder").join("copy.db");
    for (operation, parameters) in [
        ("Get-UMMailbox", json!({})),
        ("Get-UMMailbox", json!({"Identity": "user0"})),
        ("Get-UMMailboxPolicy", json!({})),
        ("Get-UMPinOutbox", json!({})),
        ("Get-UMPinConfiguration", json!({})),
        ("Send-UMPinOutbox", json!({})),
        ("Set-UMPinConfiguration", json!({"ServerName": "x"})),
        ("Search-UMAdminAuditLog", json!({})),
        ("Update-UMPinKey", json!({})),
        ("Test-UMPinStore", json!({})),
        ("Backup-UMPinStore", json!({"Path": copy})),
    ] {
        let told = run(&session, operation, &parameters).map(|r| format!("{r:?}")).unwrap_err();
        assert_eq!(told.status, Status::StoreNotWritable, "{operation}: {told}");
        assert!(told.message.contains(&*session.location().store.to_string_lossy()), "{operation}: {told}");
        assert!(told.message.contains("account '") && told.message.contains("UMPIN_STORE"), "{operation}: {told}");
    }
    let caller = umpin::service::sign_in::Caller::Number { number: crate::support::extension(0), dial_plan: None };
    let pin = umpin::pin::Pin::new(FIRST_PIN);
    let told = umpin::service::sign_in::verify(&session, &caller, &pin).unwrap_err();
    assert_eq!(told.status, Status::StoreNotWritable, "{told}");
    let told = umpin::service::delivery::deliver_due(&session, None).unwrap_err();
    assert_eq!(told.status, Status::StoreNotWritable, "{told}");
    assert_eq!(set(&session, 0, None).map(|_| ()).unwrap_err().status, Status::StoreNotWritable);
}

#[test]
fn a_store_below_a_file_is_an_error_and_not_an_empty_store() {
    if crate::support::is_on_server("a_store_below_a_file_is_an_error_and_not_an_empty_store") {
        return;
    }
    let f = fixture();
    is_out_of_reach(&f.path("um.db"));
    let absent = session_at(&f.path("no such folder"), &f.clock);
    assert!(run(&absent, "Get-UMMailbox", &json!({})).unwrap().objects.is_empty(), "what is not there is empty");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;
    use std::path::PathBuf;
    use std::process::{Command, Output};

    use super::*;
    use crate::support::who;
    use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;

    const NOBODY: u32 = 65534;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Runs a program as an account that has no right to `folder`: as nobody where this is root, else as ourselves with
    /// the folder closed.
    fn without_right_to(folder: &Path, program: &Path, command: impl FnOnce(&Path) -> Command) -> Output {
        // Where nobody may not go, for one a home folder, nobody cannot start a program either.
        let open = tempfile::tempdir().unwrap();
        mode(open.path(), 0o755);
        let copy: PathBuf = open.path().join("program");
        std::fs::copy(program, &copy).unwrap();
        mode(&copy, 0o755);
        let mut command = command(&copy);
        command.current_dir("/");
        let is_root = folder.metadata().unwrap().uid() == 0;
        if is_root {
            mode(folder, 0o700);
            command.uid(NOBODY).gid(NOBODY);
        } else {
            mode(folder, 0);
        }
        let output = command.output().unwrap();
        mode(folder, 0o700);
        output
    }

    #[test]
    fn an_account_without_a_right() {
        let Some((folder, _)) = child::folder_and_id() else { return };
        is_out_of_reach(&folder);
        println!("\nrefused");
    }

    #[test]
    fn a_store_without_a_right_to_it_is_an_error_and_not_an_empty_store() {
        if crate::support::is_on_server("a_store_without_a_right_to_it_is_an_error_and_not_an_empty_store") {
            return;
        }
        let f = fixture();
        let this = std::env::current_exe().unwrap();
        let output = without_right_to(f.folder.path(), &this, |program| {
            child::command(program, module_path!(), "an_account_without_a_right", f.folder.path(), 0)
        });
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("\nrefused"), "{text}");
        assert!(f.verify(0, FIRST_PIN).accepted);
    }

    #[test]
    fn umpin_deliver_fails_without_a_right_to_the_store() {
        let f = fixture();
        let (store, key) = (f.path("um.db"), f.path("umpin.key"));
        let umpin = Path::new(env!("CARGO_BIN_EXE_umpin"));
        let output = without_right_to(f.folder.path(), umpin, |program| {
            let mut command = Command::new(program);
            command.arg("deliver").env("UMPIN_STORE", &store).env("UMPIN_KEY_FILE", &key);
            command
        });
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(&*store.to_string_lossy()) && told.contains("account '"), "{told}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains("sent"));
    }

    #[test]
    fn what_umpin_leaves_in_a_short_log_is_there_for_the_next_and_the_log_stays_short() {
        if crate::support::is_on_server(
            "what_umpin_leaves_in_a_short_log_is_there_for_the_next_and_the_log_stays_short",
        ) {
            return;
        }
        // Its session is closed, and so the log folded in.
        let Fixture { folder, clock, session } = fixture();
        drop(session);
        let at = |name: &str| folder.path().join(name);
        let umpin = |pin: &str| {
            let mut umpin = Command::new(env!("CARGO_BIN_EXE_umpin"))
                .args(["verify", "--identity", "user0"])
                .env("UMPIN_STORE", at("um.db"))
                .env("UMPIN_KEY_FILE", at("umpin.key"))
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            writeln!(umpin.stdin.take().unwrap(), "{pin}").unwrap();
            umpin.wait().unwrap().code()
        };
        let length = || at("um.db-wal").metadata().map_or(0, |log| log.len());
        assert_eq!(length(), 0);
        assert_eq!(umpin("580437"), Some(1));
        assert_eq!(umpin("580437"), Some(1));
        assert!(length() > 0, "the next one need not make it anew");
        let session = session_at(folder.path(), &clock);
        assert_eq!(get_um_mailbox_pin(&session, &who(0)).unwrap().facts.failures, 2);
        drop(session);
        // Each goes on from what is in the log, and one folds it in before it is long.
        let (mut longest, mut folded) = (0, 0);
        for _ in 0..40 {
            assert_eq!(umpin(FIRST_PIN), Some(0));
            longest = longest.max(length());
            folded += u32::from(length() == 0);
        }
        assert!(folded > 0 && longest < 320 << 10, "{folded} times in 40, {longest} bytes");
    }

    #[test]
    fn another_account_of_the_group() {
        let Some((folder, id)) = child::folder_and_id() else { return };
        first_use(&folder, id);
        println!("\ndone");
    }

    #[test]
    fn the_first_use_by_two_accounts_of_a_group_is_one_store() {
        if crate::support::is_on_server("the_first_use_by_two_accounts_of_a_group_is_one_store") {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        if folder.path().metadata().unwrap().uid() != 0 {
            crate::support::skip("the_first_use_by_two_accounts_of_a_group_is_one_store", "not root");
            return;
        }
        let open = tempfile::tempdir().unwrap();
        mode(open.path(), 0o755);
        let program = open.path().join("program");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        mode(&program, 0o755);
        // The store's file as root has just made it, before and after it gave the group its right.
        for (first, is_given) in [(0o600, false), (0o660, true)] {
            let folder = tempfile::tempdir().unwrap();
            std::os::unix::fs::chown(folder.path(), None, Some(NOBODY)).unwrap();
            mode(folder.path(), 0o2770);
            let store = folder.path().join("um.db");
            std::fs::write(&store, "").unwrap();
            mode(&store, first);
            let other = child::command(&program, module_path!(), "another_account_of_the_group", folder.path(), 0)
                .current_dir("/")
                .uid(NOBODY)
                .gid(NOBODY)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            if !is_given {
                // It waits for the right, however long that takes, within seconds.
                std::thread::sleep(std::time::Duration::from_millis(100));
                mode(&store, 0o660);
            }
            let output = other.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("\ndone"), "{first:o}: {text}");
            assert_eq!(store.metadata().unwrap().mode() & 0o7777, 0o660);
        }
    }

    #[test]
    fn another_account_of_the_group_replaces_the_key_file() {
        let Some((folder, _)) = child::folder_and_id() else { return };
        let file = umpin::crypto::key::KeyFile::new(folder.join("umpin.key"));
        let new = umpin::crypto::key::MasterKey::generate().unwrap();
        match file.replace(&[&new]) {
            Ok(()) => println!("\nreplaced"),
            Err(e) => println!("\n{:?}", e.status),
        }
    }

    #[test]
    fn whoever_replaces_anothers_key_file_leaves_it_to_the_group_or_does_not_replace_it() {
        let probe = tempfile::tempdir().unwrap();
        if probe.path().metadata().unwrap().uid() != 0 {
            crate::support::skip(
                "whoever_replaces_anothers_key_file_leaves_it_to_the_group_or_does_not_replace_it",
                "not root",
            );
            return;
        }
        mode(probe.path(), 0o755);
        let program = probe.path().join("program");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        mode(&program, 0o755);
        const GROUP: u32 = 4343;
        for (key_mode, expected) in [(0o640, "\nreplaced"), (0o600, "\nKeyIo")] {
            let folder = tempfile::tempdir().unwrap();
            let key = folder.path().join("umpin.key");
            umpin::crypto::key::KeyFile::new(key.clone()).load_or_create().unwrap();
            std::os::unix::fs::chown(folder.path(), None, Some(GROUP)).unwrap();
            std::os::unix::fs::chown(&key, None, Some(GROUP)).unwrap();
            mode(folder.path(), 0o770);
            mode(&key, key_mode);
            let before = std::fs::read(&key).unwrap();
            let name = "another_account_of_the_group_replaces_the_key_file";
            let output = child::command(&program, module_path!(), name, folder.path(), 0)
                .current_dir("/")
                .uid(NOBODY)
                .gid(GROUP)
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains(expected), "{key_mode:o}: {text}");
            let meta = key.metadata().unwrap();
            let is_replaced = std::fs::read(&key).unwrap() != before;
            let expected = if key_mode == 0o640 { (NOBODY, 0o640, true) } else { (0, 0o600, false) };
            assert_eq!((meta.uid(), meta.mode() & 0o7777, is_replaced), expected);
            assert_eq!(meta.gid(), GROUP);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        }
    }

    // -----------------------------------------------------------------------------------------------------------------
    // Links.

    #[test]
    fn no_link_is_followed_in_a_folder_that_a_group_writes() {
        if crate::support::is_on_server("no_link_is_followed_in_a_folder_that_a_group_writes") {
            return;
        }
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().join("theirs.db");
        for (folder_mode, exists) in [(0o2770, false), (0o2770, true), (0o770, true), (0o1777, false), (0o703, true)] {
            let folder = tempfile::tempdir().unwrap();
            mode(folder.path(), folder_mode);
            if exists {
                std::fs::write(&target, "theirs").unwrap();
            }
            symlink(&target, folder.path().join("um.db")).unwrap();
            let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
            for operation in ["Get-UMMailbox", "Set-UMPinConfiguration"] {
                let told = run(&session, operation, &json!({})).map(|r| format!("{r:?}")).unwrap_err();
                assert_eq!(told.status, Status::StoreNotOwned, "{operation}: {told}");
                assert!(told.message.contains("is a link"), "{told}");
            }
            assert_eq!(target.exists(), exists, "{folder_mode:o}");
            if exists {
                assert_eq!(std::fs::read(&target).unwrap(), b"theirs");
                std::fs::remove_file(&target).unwrap();
            }
        }
    }

    #[test]
    fn a_planted_log_is_refused_by_name_and_its_target_stays_as_it_is() {
        if crate::support::is_on_server("a_planted_log_is_refused_by_name_and_its_target_stays_as_it_is") {
            return;
        }
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().join("theirs");
        for suffix in ["-wal", "-shm", "-journal"] {
            let f = fixture();
            let copy = tempfile::tempdir().unwrap();
            f.run("Backup-UMPinStore", &json!({"Path": copy.path().join("um.db")})).unwrap();
            std::fs::copy(f.path("umpin.key"), copy.path().join("umpin.key")).unwrap();
            std::fs::write(&target, "theirs").unwrap();
            symlink(&target, copy.path().join(format!("um.db{suffix}"))).unwrap();
            let session = session_at(copy.path(), &f.clock);
            let told = run(&session, "Get-UMMailbox", &json!({})).map(|r| format!("{r:?}")).unwrap_err();
            assert_eq!(told.status, Status::StoreNotOwned, "{suffix}: {told}");
            assert!(told.message.contains(suffix), "{told}");
            assert_eq!(std::fs::read(&target).unwrap(), b"theirs");
        }
    }

    #[test]
    fn an_owners_link_in_a_private_folder_is_followed_and_a_strangers_is_not() {
        if crate::support::is_on_server("an_owners_link_in_a_private_folder_is_followed_and_a_strangers_is_not") {
            return;
        }
        let f = fixture();
        let private = crate::support::private_folder();
        symlink(f.path("um.db"), private.path().join("um.db")).unwrap();
        symlink(f.path("umpin.key"), private.path().join("umpin.key")).unwrap();
        let session = session_at(private.path(), &f.clock);
        assert!(verify(&session, 0, FIRST_PIN).accepted);
        set(&session, 0, Some("580437")).unwrap();
        assert!(f.verify(0, "580437").accepted, "one store by both names");
        assert!(
            !private.path().join("um.db-wal").exists(),
            "its log lies beside the file, where the others look for it"
        );
        if private.path().metadata().unwrap().uid() == 0 {
            std::os::unix::fs::lchown(private.path().join("um.db"), Some(NOBODY), None).unwrap();
            let told = run(&session, "Get-UMMailbox", &json!({})).map(|r| format!("{r:?}")).unwrap_err();
            assert_eq!(told.status, Status::StoreNotOwned, "{told}");
        }
    }

    #[test]
    fn a_store_that_was_moved_with_its_log_and_its_key_goes_on() {
        if crate::support::is_on_server("a_store_that_was_moved_with_its_log_and_its_key_goes_on") {
            return;
        }
        let f = fixture();
        set(&f.session, 0, Some("580437")).unwrap();
        let (store, key) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // As a program that was killed leaves it: what was last changed is in the log alone.
        let log = std::fs::read(f.path("um.db-wal")).unwrap();
        assert!(!log.is_empty());
        for entry in std::fs::read_dir(f.folder.path()).unwrap() {
            let name = entry.unwrap().file_name();
            let to = if name == "umpin.key" { &key } else { &store };
            std::fs::copy(f.path(name.to_str().unwrap()), to.path().join(&name)).unwrap();
            mode(&to.path().join(&name), if name == "umpin.key" { 0o640 } else { 0o660 });
        }
        for folder in [&store, &key] {
            mode(folder.path(), 0o2770);
        }
        let location =
            umpin::location::Location { store: store.path().join("um.db"), key: key.path().join("umpin.key") };
        let tuning = umpin::session::Tuning::danger_test(umpin::session::Clock::Manual(f.clock.clone()));
        let moved = umpin::session::Session::with(location, None, tuning).unwrap();
        assert!(verify(&moved, 0, "580437").accepted);
        let checks = run(&moved, "Test-UMPinStore", &json!({})).unwrap().objects;
        assert!(checks.iter().all(|c| c["Result"] == "Passed" || c["Check"] == "Outbox"), "{checks:?}");
    }

    #[test]
    fn a_folder_behind_a_link_is_a_folder() {
        if crate::support::is_on_server("a_folder_behind_a_link_is_a_folder") {
            return;
        }
        let real = tempfile::tempdir().unwrap();
        let links = tempfile::tempdir().unwrap();
        symlink(real.path(), links.path().join("data")).unwrap();
        first_use(&links.path().join("data"), 1);
        assert!(real.path().join("um.db").exists());
    }
}
