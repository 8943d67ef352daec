//! What Windows alone has: access lists, owners, drives, long names, files that somebody holds open.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::{FIRST_PIN, Fixture, START, child, run, session_at, set, skip, verify};
use umpin::crypto::key::{KeyFile, MasterKey};
use umpin::error::Status;
use umpin::location::Location;
use umpin::os;
use umpin::pin::PinPolicy;
use umpin::session::{Clock, Session, Tuning};

fn fixture() -> Fixture {
    Fixture::new(PinPolicy::default(), 2)
}

fn session_on(store: PathBuf, key: PathBuf) -> Session {
    let tuning = Tuning::danger_test(Clock::Manual(Arc::new(AtomicI64::new(START))));
    Session::with(Location { store, key }, None, tuning).unwrap()
}

fn check(session: &Session, name: &str) -> (String, String) {
    let checks = run(session, "Test-UMPinStore", &json!({})).unwrap().objects;
    let one = checks.iter().find(|c| c["Check"] == name).unwrap();
    (one["Result"].as_str().unwrap().into(), one["Detail"].as_str().unwrap().into())
}

// ---------------------------------------------------------------------------------------------------------------------
// Who may read and write.

#[test]
fn the_folders_that_are_made_are_this_accounts_and_the_systems_alone() {
    let base = tempfile::tempdir().unwrap();
    let (data, key) = (base.path().join("UMMailboxPin").join("Data"), base.path().join("UMMailboxPin").join("Key"));
    let session = session_on(data.join("um.db"), key.join("umpin.key"));
    run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "pbx1"})).unwrap();
    for folder in [data.parent().unwrap(), &data, &key] {
        assert_eq!(os::file_open_to_all(folder).unwrap(), None, "{}", folder.display());
        assert_eq!(os::folder_open_to_all(folder).unwrap(), None, "{}", folder.display());
        assert_eq!(os::foreign_owner(folder, os::Link::Target).unwrap(), None, "{}", folder.display());
    }
    for file in [data.join("um.db"), key.join("umpin.key")] {
        assert_eq!(os::file_open_to_all(&file).unwrap(), None, "{}", file.display());
    }
    assert_eq!(check(&session, "StoreFiles").0, "Passed");
}

#[test]
fn a_key_file_that_nearly_everybody_may_read_is_refused_even_after_it_was_read() {
    let f = fixture();
    let key = f.path("umpin.key");
    let file = std::fs::File::options().write(true).open(&key).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    drop(file);
    assert!(f.verify(0, FIRST_PIN).accepted, "read, and remembered since it is old");
    for rights in ["FR", "FW"] {
        os::set_access_list(&key, &format!("D:P(A;;FA;;;SY)(A;;FA;;;ME)(A;;{rights};;;WD)")).unwrap();
        let told = set(&f.session, 0, None).map(drop).unwrap_err();
        assert_eq!(told.status, Status::KeyExposed, "{rights}: {told}");
        assert!(told.message.contains("umpin.key") && told.message.contains("icacls"), "{told}");
        let (result, detail) = check(&f.session, "KeyFile");
        assert!(result == "Failed" && detail.contains("can be read or written by"), "{result}: {detail}");
    }
    os::set_access_list(&key, "D:P(A;;FA;;;SY)(A;;FA;;;ME)").unwrap();
    assert!(f.verify(0, FIRST_PIN).accepted);
}

#[test]
fn a_replaced_key_file_has_the_list_that_the_old_one_had() {
    let f = fixture();
    let key = f.path("umpin.key");
    for (rights, open) in [("(A;;FA;;;ME)(A;;FR;;;WD)", true), ("(A;;FA;;;ME)", false)] {
        os::set_access_list(&key, &format!("D:P(A;;FA;;;SY){rights}")).unwrap();
        KeyFile::new(key.clone()).replace(&[&MasterKey::generate().unwrap()]).unwrap();
        assert_eq!(os::file_open_to_all(&key).unwrap().is_some(), open, "{rights}");
    }
}

#[test]
fn a_store_that_nearly_everybody_may_read_or_replace_is_told_of() {
    let f = fixture();
    let own = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;ME)";
    os::set_access_list(f.folder.path(), own).unwrap();
    os::set_access_list(&f.path("um.db"), "D:P(A;;FA;;;SY)(A;;FA;;;ME)(A;;FR;;;WD)").unwrap();
    let (result, detail) = check(&f.session, "StoreFiles");
    assert!(result == "Warning" && detail.contains("um.db"), "{result}: {detail}");
    os::set_access_list(f.folder.path(), &format!("{own}(A;;FA;;;WD)")).unwrap();
    assert_eq!(check(&f.session, "StoreFiles").0, "Failed");
    os::set_access_list(f.folder.path(), own).unwrap();
}

/// The ring lays a folder with files of another account, which no program under Wine could make.
fn foreign(name: &str, what: &str) -> Option<PathBuf> {
    match std::env::var_os("UMPIN_FOREIGN_FOLDER").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(PathBuf::from(folder).join(what)),
        None => {
            skip(name, "no folder with files of another account (the ring makes one where it runs as root)");
            None
        }
    }
}

#[test]
fn what_another_account_put_there_is_not_used() {
    let Some(place) = foreign("what_another_account_put_there_is_not_used", "") else { return };
    let key = tempfile::tempdir().unwrap();
    for case in ["folder", "file", "wal"] {
        let folder = place.join(case);
        let before: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        let session = session_on(folder.join("um.db"), key.path().join(case).join("umpin.key"));
        let told = run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "x"})).map(drop).unwrap_err();
        assert_eq!(told.status, Status::StoreNotOwned, "{case}: {told}");
        let after: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(before, after, "{case}");
    }
}

#[test]
fn a_key_file_or_its_folder_of_another_account_is_refused() {
    let Some(place) = foreign("a_key_file_or_its_folder_of_another_account_is_refused", "") else { return };
    let told = KeyFile::new(place.join("key").join("umpin.key")).load().unwrap_err();
    assert!(told.status == Status::KeyExposed && told.message.contains("' belongs to '"), "{told}");
    let there = place.join("folder").join("umpin.key");
    let told = KeyFile::new(there.clone()).load_or_create().unwrap_err();
    assert!(told.status == Status::KeyExposed && told.message.contains("' lies in '"), "{told}");
    assert!(!there.exists(), "no key lies where somebody else could take it");
    let own = fixture();
    let there = place.join("above").join("umpin.key");
    std::fs::copy(own.path("umpin.key"), &there).unwrap();
    os::set_access_list(&there, "D:P(A;;FA;;;SY)(A;;FA;;;ME)").unwrap();
    let told = KeyFile::new(there.clone()).load().unwrap_err();
    std::fs::remove_file(&there).unwrap();
    assert!(told.status == Status::KeyExposed && told.message.contains("' lies in '"), "{told}");
}

#[test]
fn a_folder_of_another_account_further_up_is_refused_below_program_data() {
    let name = "a_folder_of_another_account_further_up_is_refused_below_program_data";
    if let Some((folder, _)) = child::folder_and_id() {
        let key = tempfile::tempdir().unwrap();
        let session = session_on(folder.join("Data").join("um.db"), key.path().join("umpin.key"));
        let told = run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "x"})).map(drop).unwrap_err();
        assert!(told.status == Status::StoreNotOwned && told.message.contains("' (or its log) lies in '"), "{told}");
        let told = KeyFile::new(folder.join("Key").join("umpin.key")).load_or_create().map(drop).unwrap_err();
        assert_eq!(told.status, Status::KeyExposed, "{told}");
        println!("\nrefused");
        return;
    }
    let Some(place) = foreign(name, "above") else { return };
    let own = tempfile::tempdir_in(&place).unwrap();
    for folder in ["Data", "Key"] {
        os::create_private_folder(&own.path().join(folder)).unwrap();
    }
    let this = std::env::current_exe().unwrap();
    let all = PathBuf::from(place.parent().unwrap().to_str().unwrap().to_uppercase());
    let output = child::command(&this, module_path!(), name, own.path(), 0).env("ProgramData", all).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("\nrefused"),
        "{text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn whoever_sets_the_variables_is_not_who_he_says() {
    if child::folder_and_id().is_some() {
        println!("\n{} on {}", os::account(), os::host_name());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    let name = "whoever_sets_the_variables_is_not_who_he_says";
    let output = child::command(&this, module_path!(), name, folder.path(), 0)
        .env("USERNAME", "mallory")
        .env("USERDOMAIN", "EVIL")
        .env("COMPUTERNAME", "EVIL")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(&format!("\n{} on {}", os::account(), os::host_name())), "{text}");
    assert!(!text.contains("mallory") && !text.contains("EVIL"), "{text}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Paths.

#[test]
fn a_path_may_be_longer_than_260_characters() {
    let base = tempfile::tempdir().unwrap();
    let deep = (0..8).fold(base.path().to_owned(), |path, n| path.join(format!("{n}{}", "x".repeat(49))));
    assert!(deep.as_os_str().len() > 400);
    let session = session_on(deep.join("um.db"), deep.join("key").join("umpin.key"));
    run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "pbx1"})).unwrap();
    // A file's own name is never made shorter.
    let deepest = (8..24).fold(deep.clone(), |path, n| path.join(format!("{n}{}", "x".repeat(48))));
    std::fs::create_dir_all(&deepest).unwrap();
    for copy in [deep.join("copy.db"), deepest.join(format!("{}.db", "x".repeat(220)))] {
        run(&session, "Backup-UMPinStore", &json!({"Path": copy})).unwrap();
        run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "pbx2"})).unwrap();
        run(&session, "Restore-UMPinStore", &json!({"Path": copy})).unwrap();
    }
    run(&session, "Update-UMPinKey", &json!({})).unwrap();
    let shown = run(&session, "Get-UMPinConfiguration", &json!({})).unwrap().objects.remove(0);
    assert_eq!(shown["ServerName"], "pbx1");
}

#[test]
fn threads_at_once_keep_their_locks_apart_on_a_path_longer_than_260_characters() {
    let base = tempfile::tempdir().unwrap();
    let deep = (0..8).fold(base.path().to_owned(), |path, n| path.join(format!("{n}{}", "x".repeat(49))));
    let session = |id: usize| session_on(deep.join("um.db"), base.path().join(id.to_string()));
    run(&session(0), "Set-UMPinConfiguration", &json!({"ServerName": "pbx"})).unwrap();
    std::thread::scope(|scope| {
        for id in 0..6 {
            let session = &session;
            scope.spawn(move || {
                for _ in 0..30 {
                    run(&session(id), "Get-UMPinConfiguration", &json!({})).unwrap();
                }
            });
        }
    });
    // Nobody is left, so nobody may hold a lock.
    let open = rusqlite::Connection::open_with_flags(os::for_sqlite(&deep.join("um.db")), Default::default()).unwrap();
    let busy: i64 = open.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
}

#[test]
fn a_path_that_no_short_names_make_short_enough_is_refused() {
    let base = tempfile::tempdir().unwrap();
    let store = base.path().join(format!("{}.db", "x".repeat(240)));
    let session = session_on(store.clone(), base.path().join("umpin.key"));
    let told = run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "pbx1"})).map(drop).unwrap_err();
    assert!(told.status == Status::StoreNotWritable && told.message.contains("251 characters"), "{told}");
    assert!(!os::is_link(&store) && os::entry(&store).is_err(), "nothing was made");
}

#[test]
fn a_drive_that_is_not_there_is_an_error_and_not_an_empty_store() {
    let letter = (b'D'..=b'Y').rev().map(char::from).find(|l| !Path::new(&format!("{l}:\\")).exists()).unwrap();
    let session = session_on(format!("{letter}:\\UMMailboxPin\\um.db").into(), "C:\\none\\umpin.key".into());
    for operation in ["Get-UMMailbox", "Get-UMMailboxPolicy", "Test-UMPinStore"] {
        let told = run(&session, operation, &json!({})).map(|r| format!("{r:?}")).unwrap_err();
        assert_eq!(told.status, Status::StoreNotWritable, "{operation}: {told}");
    }
}

#[test]
fn large_and_small_letters_name_one_folder() {
    let f = fixture();
    let shout = |path: PathBuf| PathBuf::from(path.to_str().unwrap().to_uppercase());
    let copy = f.path("copy.db");
    f.run("Backup-UMPinStore", &json!({"Path": copy})).unwrap();
    let session = session_on(shout(f.path("um.db")), f.path("umpin.key"));
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    let (result, detail) = check(&session, "KeyFile");
    assert!(result == "Warning" && detail.contains("the store's own folder"), "{result}: {detail}");
    let told = run(&session, "Restore-UMPinStore", &json!({"Path": f.path("um.db")})).map(drop).unwrap_err();
    assert!(told.message.contains("it is the store itself"), "{told}");
    let inside = f.path("pickup");
    std::fs::create_dir(&inside).unwrap();
    let told = run(&session, "Set-UMPinConfiguration", &json!({"Transport": "Pickup", "PickupFolder": shout(inside)}));
    assert_eq!(told.map(drop).unwrap_err().status, Status::InvalidTransport);
}

#[test]
fn a_path_with_dots_is_the_same_store() {
    let f = fixture();
    let dotted = f.folder.path().join(".").join("no").join("..").join("um.db");
    let session = session_on(dotted, f.folder.path().join(".\\umpin.key"));
    set(&session, 0, Some("580437")).unwrap();
    assert!(f.verify(0, "580437").accepted);
}

// ---------------------------------------------------------------------------------------------------------------------
// Files that somebody holds.

#[test]
fn a_key_file_that_is_held_for_a_moment_is_replaced_and_read_all_the_same() {
    use std::os::windows::fs::OpenOptionsExt;
    let f = fixture();
    let file = KeyFile::new(f.path("umpin.key"));
    let hold = |share: u32| std::fs::File::options().read(true).share_mode(share).open(f.path("umpin.key")).unwrap();
    for share in [0, 1, 3] {
        let new = MasterKey::generate().unwrap();
        std::thread::scope(|scope| {
            let held = hold(share);
            let replaced = scope.spawn(|| file.replace(&[&new]));
            std::thread::sleep(Duration::from_millis(200));
            drop(held);
            replaced.join().unwrap().unwrap();
            let held = hold(0);
            let read = scope.spawn(|| file.load());
            std::thread::sleep(Duration::from_millis(200));
            drop(held);
            assert_eq!(read.join().unwrap().unwrap().ids().collect::<Vec<_>>(), [new.id()]);
        });
    }
}

#[test]
fn a_batch_file_is_no_mail_program() {
    let f = fixture();
    for name in ["mail.cmd", "Mail.BAT"] {
        let batch = f.path(name);
        std::fs::write(&batch, "exit 0\r\n").unwrap();
        let told = f.run("Set-UMPinConfiguration", &json!({"Transport": "Command", "Command": batch})).map(drop);
        let told = told.unwrap_err();
        assert!(told.status == Status::InvalidTransport && told.message.contains("batch file"), "{told}");
    }
}

#[test]
fn what_a_killed_program_left_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("um.db"), "").unwrap();
    let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
    assert!(run(&session, "Get-UMMailbox", &json!({})).unwrap().objects.is_empty());
    run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "x"})).unwrap();
}
