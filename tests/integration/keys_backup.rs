//! Copies of the store: made while it is in use, put back under others' hands, refused where they would harm; and the
//! self-check.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::support::{FIRST_PIN, Fixture, START, assert_private, child, contains, copy_key, session_at, set, verify};
use serde_json::{Value, json};
use umpin::cmdlets::document::Response;
use umpin::cmdlets::execute;
use umpin::crypto::key::{KeyFile, MasterKey};
use umpin::error::{Error, Status};
use umpin::pin::PinPolicy;
use umpin::service::sign_in::Reason;
use umpin::session::Session;

fn fixture() -> Fixture {
    Fixture::new(PinPolicy { failures_before_reset: None, ..PinPolicy::default() }, 3)
}

fn backup(f: &Fixture, name: &str) -> PathBuf {
    let path = f.path(name);
    f.run("Backup-UMPinStore", &json!({"Path": path})).unwrap();
    path
}

fn restore(f: &Fixture, path: &Path, force: bool) -> Result<Response, Error> {
    f.run("Restore-UMPinStore", &json!({"Path": path, "Force": force}))
}

fn validate(session: &Session, operation: &str, parameters: &Value) -> Result<Response, Error> {
    let request = json!({"Mode": "Validate", "Parameters": parameters}).to_string();
    execute(session, operation, request.as_bytes(), None)
}

fn rotate(session: &Session) {
    let mut after = Value::Null;
    loop {
        let request = json!({"Mode": "Commit", "Parameters": {}, "After": after}).to_string();
        match execute(session, "Update-UMPinKey", request.as_bytes(), None).unwrap().next {
            Some(next) => after = json!(next),
            None => return,
        }
    }
}

fn checks(session: &Session) -> Vec<(String, String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    crate::support::run(session, "Test-UMPinStore", &json!({}))
        .unwrap()
        .objects
        .iter()
        .map(|c| (text(&c["Check"]), text(&c["Result"]), text(&c["Detail"])))
        .collect()
}

fn result_of(session: &Session, check: &str) -> (String, String) {
    checks(session).into_iter().find(|(c, ..)| c == check).map(|(_, r, d)| (r, d)).unwrap()
}

#[test]
fn a_backup_is_one_private_file_that_names_its_key_and_does_not_hold_it() {
    let f = fixture();
    let path = f.path("copy.db");
    let asked = validate(&f.session, "Backup-UMPinStore", &json!({"Path": path})).unwrap();
    assert_eq!(asked.target.unwrap(), path.to_str().unwrap());
    assert!(!path.exists(), "-WhatIf writes nothing");
    let done = f.run("Backup-UMPinStore", &json!({"Path": path})).unwrap();
    let object = &done.objects[0];
    let names: Vec<&String> = object.as_object().unwrap().keys().collect();
    assert_eq!(names, ["$type", "Path", "KeyId", "CreatedAt", "Mailboxes", "AuditHead", "Note"]);
    let ring = KeyFile::new(f.path("umpin.key")).load().unwrap();
    assert_eq!(object["KeyId"], ring.ids().next().unwrap().as_str());
    assert_eq!(object["Mailboxes"], 3);
    let copy = std::fs::read(&path).unwrap();
    assert!(contains(&copy, ring.ids().next().unwrap().as_str()), "the copy names the key");
    let key = std::fs::read_to_string(f.path("umpin.key")).unwrap();
    let digits = key.lines().nth(1).unwrap();
    assert!(!contains(&copy, digits) && !contains(&copy, &digits.to_uppercase()));
    let raw: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap()).collect();
    assert!(!copy.windows(32).any(|w| w == raw));
    assert_private(&path);
    let others: Vec<_> = std::fs::read_dir(f.folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.starts_with("copy.db") && n != "copy.db")
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_backup_never_goes_over_a_file_nor_where_none_can_be() {
    if crate::support::is_on_server("a_backup_never_goes_over_a_file_nor_where_none_can_be") {
        return;
    }
    let f = fixture();
    let path = backup(&f, "copy.db");
    let before = std::fs::read(&path).unwrap();
    for bad in [path.clone(), f.path("um.db"), f.path("umpin.key"), f.path("no such folder").join("x.db"), "".into()] {
        for told in [
            validate(&f.session, "Backup-UMPinStore", &json!({"Path": bad})),
            f.run("Backup-UMPinStore", &json!({"Path": bad})),
        ] {
            let status = told.unwrap_err().status;
            assert!([Status::BackupFailed, Status::InvalidArgument].contains(&status), "{}: {status:?}", bad.display());
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(f.verify(0, FIRST_PIN).accepted);
}

#[test]
fn there_is_nothing_to_copy_where_there_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
    let told = crate::support::run(&session, "Backup-UMPinStore", &json!({"Path": folder.path().join("copy.db")}));
    assert_eq!(told.unwrap_err().status, Status::StoreMissing);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_was_restored_is_what_was_copied_and_open_sessions_see_it() {
    let f = fixture();
    let other = f.another();
    let path = backup(&f, "copy.db");
    set(&f.session, 0, Some("580437")).unwrap();
    assert!(verify(&other, 0, "580437").accepted);
    let asked = validate(&f.session, "Restore-UMPinStore", &json!({"Path": path})).unwrap();
    assert!(asked.action.unwrap().contains("3 mailboxes"));
    assert!(verify(&other, 0, "580437").accepted, "-WhatIf changes nothing");
    let done = restore(&f, &path, false).unwrap();
    assert_eq!(done.objects[0]["$type"], "UMMailboxPin.Backup");
    assert_eq!(verify(&other, 0, "580437").reason, Reason::WrongPin);
    assert!(verify(&other, 0, FIRST_PIN).accepted);
    assert!(verify(&f.session, 1, FIRST_PIN).accepted);
    let last = f.run("Search-UMAdminAuditLog", &json!({"ResultSize": 1})).unwrap().objects.remove(0);
    assert_eq!(last["CmdletName"], "Restore-UMPinStore");
    assert_eq!(result_of(&other, "AuditTrail").0, "Passed");
    assert_eq!(result_of(&other, "Schema"), ("Passed".into(), "version 2, write-ahead log".into()));
}

#[test]
fn a_damaged_store_is_moved_aside_for_the_copy() {
    if crate::support::is_on_server("a_damaged_store_is_moved_aside_for_the_copy") {
        return;
    }
    let f = fixture();
    let path = backup(&f, "copy.db");
    let other = f.another();
    assert!(verify(&other, 0, FIRST_PIN).accepted);
    let noise = vec![0xA5; 100_000];
    std::fs::write(f.path("um.db"), &noise).unwrap();
    let _ = std::fs::remove_file(f.path("um.db-wal"));
    let session = f.another();
    let told = umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin(&session, &crate::support::who(0)).unwrap_err();
    assert_eq!(told.status, Status::StoreDamaged, "{told}");
    let done = crate::support::run(&session, "Restore-UMPinStore", &json!({"Path": path})).unwrap();
    assert!(done.warnings[0].message.contains("damaged"), "{:?}", done.warnings);
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    assert!(verify(&other, 1, FIRST_PIN).accepted, "a session that had the damaged file open");
    // Its -shm and -wal go aside too, and a folder lists its entries in any order: the store is the one without a
    // suffix.
    let stores: Vec<PathBuf> = std::fs::read_dir(f.folder.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| {
            let name = p.file_name().unwrap().to_str().unwrap();
            name.strip_prefix("um.db.damaged-").is_some_and(|tag| tag.chars().all(|c| c.is_ascii_hexdigit()))
        })
        .collect();
    assert_eq!(stores.len(), 1, "{stores:?}");
    // Not assert_eq!, which would print both.
    assert!(std::fs::read(&stores[0]).unwrap() == noise, "{} is not the damaged store", stores[0].display());
}

/// Holds a damaged store open until it is told to go on, then signs in.
#[test]
fn holding_process() {
    let Some((folder, _)) = child::folder_and_id() else { return };
    let session = session_at(&folder, &Arc::new(AtomicI64::new(START)));
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    std::fs::write(folder.join("held"), "").unwrap();
    while !folder.join("go").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(verify(&session, 0, FIRST_PIN).accepted, "what was restored");
    println!("\nsigned in");
}

/// Windows lets no file be moved that somebody has open, so it is emptied in its place.
#[test]
fn a_damaged_store_that_others_hold_open_is_restored_all_the_same() {
    if crate::support::is_on_server("a_damaged_store_that_others_hold_open_is_restored_all_the_same") {
        return;
    }
    let f = fixture();
    let path = backup(&f, "copy.db");
    let mut holder = child::spawn(module_path!(), "holding_process", f.folder.path(), 0);
    while !f.path("held").exists() {
        assert!(holder.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let noise = [0x5A_u8; 8192];
    std::io::Write::write_all(&mut std::fs::File::options().write(true).open(f.path("um.db")).unwrap(), &noise)
        .unwrap();
    let restored = f.run("Restore-UMPinStore", &json!({"Path": path})).unwrap();
    assert!(restored.warnings[0].message.contains("damaged"), "{:?}", restored.warnings);
    assert!(verify(&f.session, 1, FIRST_PIN).accepted);
    std::fs::write(f.path("go"), "").unwrap();
    let output = holder.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("\nsigned in"), "{text}");
    let aside: Vec<_> = std::fs::read_dir(f.folder.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.to_string_lossy().contains(".damaged-") && !p.to_string_lossy().ends_with("-wal"))
        .filter(|p| !p.to_string_lossy().ends_with("-shm"))
        .collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert!(std::fs::read(&aside[0]).unwrap().starts_with(&noise), "the damaged one is kept");
}

#[test]
fn a_restore_makes_a_store_where_there_is_none() {
    if crate::support::is_on_server("a_restore_makes_a_store_where_there_is_none") {
        return;
    }
    let f = fixture();
    let path = backup(&f, "copy.db");
    for suffix in ["um.db", "um.db-wal", "um.db-shm"] {
        let _ = std::fs::remove_file(f.path(suffix));
    }
    let session = f.another();
    crate::support::run(&session, "Restore-UMPinStore", &json!({"Path": path})).unwrap();
    assert!(verify(&session, 2, FIRST_PIN).accepted);
    assert_private(&f.path("um.db"));
}

#[test]
fn what_is_no_backup_is_refused_and_changes_nothing() {
    let f = fixture();
    let good = backup(&f, "copy.db");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(f.path(name), bytes).unwrap();
        f.path(name)
    };
    let altered = |name: &str, sql: &str| {
        std::fs::copy(&good, f.path(name)).unwrap();
        let connection = rusqlite::Connection::open(f.path(name)).unwrap();
        connection.execute_batch(sql).unwrap();
        f.path(name)
    };
    let mut damaged = std::fs::read(&good).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 2048].fill(0xA5);
    let cut = std::fs::read(&good).unwrap();
    let other_database = f.path("other.db");
    rusqlite::Connection::open(&other_database)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    for (path, status) in [
        (f.path("nowhere.db"), Status::BackupFailed),
        (f.folder.path().to_owned(), Status::BackupFailed),
        (f.path("um.db"), Status::BackupFailed),
        (write("empty.db", b""), Status::BackupFailed),
        (
            write("text.db", b"These are not the tables you are looking for. They are too short, too."),
            Status::BackupFailed,
        ),
        (write("damaged.db", &damaged), Status::BackupFailed),
        (write("cut.db", &cut[..cut.len() - 4096]), Status::BackupFailed),
        (f.path("umpin.key"), Status::BackupFailed),
        (other_database, Status::BackupFailed),
        (altered("newer.db", "PRAGMA user_version = 99"), Status::StoreTooNew),
        (altered("unused.db", "DELETE FROM setting WHERE name = 'key_id'"), Status::BackupFailed),
        (altered("dangling.db", "PRAGMA foreign_keys = 0; DELETE FROM recipient"), Status::BackupFailed),
        (
            altered("trigger.db", "CREATE TRIGGER t AFTER UPDATE ON pin BEGIN UPDATE pin SET failures = 0; END"),
            Status::BackupFailed,
        ),
        (altered("view.db", "CREATE VIEW v AS SELECT * FROM pin"), Status::BackupFailed),
    ] {
        for force in [false, true] {
            let told = restore(&f, &path, force).unwrap_err();
            assert_eq!(told.status, status, "{}: {told}", path.display());
        }
    }
    assert!(f.verify(0, FIRST_PIN).accepted);
    assert_eq!(result_of(&f.session, "AuditTrail").0, "Passed");
}

#[test]
fn a_backup_under_a_key_that_is_gone_is_refused_without_force_and_comes_back_with_its_key() {
    let f = fixture();
    let path = backup(&f, "copy.db");
    let old_file = std::fs::read_to_string(f.path("umpin.key")).unwrap();
    rotate(&f.session);
    let new_file = std::fs::read_to_string(f.path("umpin.key")).unwrap();
    assert_eq!(restore(&f, &path, false).unwrap_err().status, Status::KeyWrong);
    assert!(f.verify(0, FIRST_PIN).accepted);

    let done = restore(&f, &path, true).unwrap();
    assert!(done.warnings[0].message.contains("nobody can sign in"), "{:?}", done.warnings);
    let told = crate::support::set(&f.session, 0, Some("580437")).unwrap_err();
    assert_eq!(told.status, Status::KeyWrong);

    // As the message says: the old key's line below the one that is there.
    let old_line = old_file.lines().nth(1).unwrap();
    std::fs::write(f.path("umpin.key"), format!("{new_file}{old_line}\n")).unwrap();
    assert!(f.verify(0, FIRST_PIN).accepted);
    restore(&f, &path, false).unwrap();
    // The next rotation takes the key that is there already.
    rotate(&f.session);
    assert_eq!(std::fs::read_to_string(f.path("umpin.key")).unwrap(), new_file);
    assert!(f.verify(0, FIRST_PIN).accepted);
}

#[test]
fn a_backup_of_another_store_is_refused_without_force() {
    let (f, g) = (fixture(), fixture());
    let path = backup(&g, "copy.db");
    copy_key(&g.path("umpin.key"), &f.path("theirs.key"));
    let theirs = KeyFile::new(f.path("theirs.key")).load().unwrap();
    let ours = KeyFile::new(f.path("umpin.key")).load().unwrap();
    KeyFile::new(f.path("umpin.key")).replace(&[&ours.keys()[0], &theirs.keys()[0]]).unwrap();
    let told = restore(&f, &path, false).unwrap_err();
    assert_eq!(told.status, Status::BackupFailed);
    assert!(told.message.contains("another store"), "{told}");
    restore(&f, &path, true).unwrap();
    assert!(f.verify(0, FIRST_PIN).accepted);
}

/// Signs in, wrong and right, until told to stop; tells how often.
#[test]
fn busy_process() {
    let Some((folder, id)) = child::folder_and_id() else { return };
    let session = session_at(&folder, &Arc::new(AtomicI64::new(START)));
    let mut done = 0;
    while !folder.join("stop").exists() {
        assert!(verify(&session, id, FIRST_PIN).accepted);
        assert_eq!(verify(&session, id, "000000").reason, Reason::WrongPin);
        done += 1;
    }
    println!("\ndone {done}");
}

#[test]
fn copies_are_made_and_put_back_while_others_sign_in() {
    if crate::support::is_on_server("copies_are_made_and_put_back_while_others_sign_in") {
        return;
    }
    let f = fixture();
    let load: Vec<_> = (0..3).map(|id| child::spawn(module_path!(), "busy_process", f.folder.path(), id)).collect();
    for round in 0..6 {
        let path = backup(&f, &format!("copy{round}.db"));
        std::thread::sleep(Duration::from_millis(20));
        if round % 2 == 1 {
            restore(&f, &path, false).unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::write(f.path("stop"), "").unwrap();
    for process in load {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let done: u32 = text.lines().find_map(|l| l.strip_prefix("done ")).unwrap().parse().unwrap();
        assert!(done > 0);
    }
    for (check, result, detail) in checks(&f.session) {
        assert!(result == "Passed" || check == "KeyFile" || check == "StoreFiles", "{check}: {detail}");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The self-check.

#[test]
fn a_sound_store_passes_every_check() {
    if crate::support::is_on_server("a_sound_store_passes_every_check") {
        return;
    }
    let f = fixture();
    set(&f.session, 0, Some("580437")).unwrap();
    f.pickup();
    let mut location = f.session.location().clone();
    let keys = crate::support::private_folder();
    location.key = keys.path().join("umpin.key");
    std::fs::rename(f.path("umpin.key"), &location.key).unwrap();
    let tuning = umpin::session::Tuning::danger_test(umpin::session::Clock::Manual(f.clock.clone()));
    let session = Session::with(location, None, tuning).unwrap();
    let told = checks(&session);
    let names: Vec<&str> = told.iter().map(|(c, ..)| c.as_str()).collect();
    assert_eq!(
        names,
        [
            "Store",
            "StoreFiles",
            "Integrity",
            "References",
            "Schema",
            "Contents",
            "KeyFile",
            "Key",
            "SealedValues",
            "AuditTrail",
            "Outbox"
        ]
    );
    for (check, result, detail) in &told {
        assert_eq!(result, "Passed", "{check}: {detail}");
    }
    assert!(told[8].2.starts_with("5 opened"), "{}", told[8].2);
}

#[test]
fn each_trouble_shows_in_its_check_and_the_others_still_run() {
    if crate::support::is_on_server("each_trouble_shows_in_its_check_and_the_others_still_run") {
        return;
    }
    let sql = |f: &Fixture, text: &str| {
        rusqlite::Connection::open(f.path("um.db")).unwrap().execute_batch(text).unwrap();
    };
    let f = fixture();
    sql(&f, "UPDATE pin SET sealed = (SELECT sealed FROM pin p WHERE p.recipient_id <> pin.recipient_id LIMIT 1)");
    let (result, detail) = result_of(&f.session, "SealedValues");
    assert_eq!(result, "Failed");
    assert!(detail.contains("contoso.com/Users/User 0"), "{detail}");

    let f = fixture();
    sql(&f, "PRAGMA foreign_keys = 0; DELETE FROM recipient");
    assert_eq!(result_of(&f.session, "References").0, "Failed");

    let f = fixture();
    std::fs::remove_file(f.path("umpin.key")).unwrap();
    for check in ["KeyFile", "Key", "SealedValues", "AuditTrail"] {
        assert_eq!(result_of(&f.session, check).0, "Failed", "{check}");
    }
    assert_eq!(result_of(&f.session, "Integrity").0, "Passed");

    let f = fixture();
    KeyFile::new(f.path("umpin.key")).replace(&[&MasterKey::generate().unwrap()]).unwrap();
    assert_eq!(result_of(&f.session, "Key").0, "Failed");

    let f = fixture();
    let ring = KeyFile::new(f.path("umpin.key")).load().unwrap();
    KeyFile::new(f.path("umpin.key")).replace(&[&MasterKey::generate().unwrap(), &ring.keys()[0]]).unwrap();
    let (result, detail) = result_of(&f.session, "KeyFile");
    assert!(result == "Warning" && detail.contains("2 keys"), "{detail}");

    let f = fixture();
    assert!(result_of(&f.session, "KeyFile").1.contains("the store's own folder"));
    set(&f.session, 0, None).unwrap();
    assert!(result_of(&f.session, "Outbox").1.contains("no mail transport"));
    f.pickup();
    f.clock.fetch_add(25 * 3_600_000, Ordering::SeqCst);
    let (result, detail) = result_of(&f.session, "Outbox");
    assert!(result == "Warning" && detail.contains("25 hours"), "{detail}");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(f.path("um.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(result_of(&f.session, "StoreFiles").0, "Warning");
        std::fs::set_permissions(f.folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(result_of(&f.session, "StoreFiles").0, "Failed");
        std::fs::set_permissions(f.folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn the_self_check_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
    let told = checks(&session);
    assert_eq!((told.len(), told[0].1.as_str()), (1, "Warning"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
