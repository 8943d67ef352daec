//! The self-check can fail: each fault that it knows is planted in the file, and is found by name, in a store and in a
//! backup before it is restored.

use std::path::Path;

use crate::support::{FIRST_PIN, Fixture, START, extension, run, set};
use serde_json::{Value, json};
use umpin::crypto::key::{KeyFile, MasterKey};
use umpin::error::{Error, Status};
use umpin::pin::policy::DAY;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::sign_in::{self, Caller};
use umpin::session::Session;

/// Three people, one with an earlier PIN, a message that waits, and mail settings.
fn fixture() -> Fixture {
    let f = Fixture::new(PinPolicy::default(), 3);
    f.pickup();
    set(&f.session, 2, None).unwrap();
    f
}

fn plant(file: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1").unwrap();
    connection.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

fn checks(session: &Session) -> Vec<(String, String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    run(session, "Test-UMPinStore", &json!({}))
        .unwrap()
        .objects
        .iter()
        .map(|c| (text(&c["Check"]), text(&c["Result"]), text(&c["Detail"])))
        .collect()
}

fn result_of(session: &Session, check: &str) -> (String, String) {
    checks(session).into_iter().find(|(c, ..)| c == check).map(|(_, r, d)| (r, d)).unwrap()
}

fn failed(session: &Session) -> Vec<String> {
    checks(session).into_iter().filter(|(_, r, _)| r == "Failed").map(|(c, ..)| c).collect()
}

fn sign_in(session: &Session, n: usize, pin: &str) -> Result<bool, Error> {
    let caller = Caller::Number { number: extension(n), dial_plan: None };
    sign_in::verify(session, &caller, &Pin::new(pin)).map(|answer| answer.accepted)
}

/// Of user 0, in SQL.
const HE: &str = "(SELECT id FROM recipient WHERE name = 'User 0')";

/// A fault, and what the check says of it.
fn faults() -> Vec<(String, &'static str)> {
    let of = |sql: &str| sql.replace("$HE", HE);
    vec![
        // A mailbox's rows that must go together.
        (of("DELETE FROM pin WHERE recipient_id = $HE"), "an enabled mailbox has no PIN: contoso.com/Users/User 0"),
        (
            of("DELETE FROM um_address WHERE recipient_id = $HE"),
            "not just one primary number: contoso.com/Users/User 0",
        ),
        (of("UPDATE um_address SET is_primary = 0 WHERE recipient_id = $HE"), "not just one primary number"),
        (of("UPDATE um_mailbox SET policy_id = NULL WHERE recipient_id = $HE"), "a disabled mailbox has numbers"),
        (of("UPDATE um_address SET position = 1 WHERE recipient_id = $HE"), "a mailbox lacks one of its numbers"),
        (
            "DELETE FROM pin WHERE recipient_id = (SELECT recipient_id FROM pin_history)".into(),
            "earlier PINs belong to no PIN: contoso.com/Users/User 2",
        ),
        ("UPDATE pin_history SET version = 99".into(), "an earlier PIN is newer than the current one"),
        (
            of("UPDATE um_mailbox SET policy_id = NULL WHERE recipient_id IN (SELECT recipient_id FROM outbox)"),
            "a message waits for a mailbox that is not enabled: contoso.com/Users/User 2",
        ),
        (
            "INSERT INTO dial_plan SELECT 77, zeroblob(16), 'Other', 'other', digits, uri_type, settings, \
             when_created, when_changed FROM dial_plan; UPDATE policy SET dial_plan_id = 77"
                .into(),
            "a primary number is not in its policy's dial plan",
        ),
        ("UPDATE policy SET failures_before_reset = 15".into(), "a policy resets PINs no sooner than it locks: Policy"),
        // What is derived from a person.
        (of("DELETE FROM recipient_key WHERE recipient_id = $HE"), "User 0: the look-up keys are not this person's"),
        (of("DELETE FROM recipient_key WHERE recipient_id = $HE AND key = 'user0'"), "the look-up keys are not"),
        (of("UPDATE recipient_key SET recipient_id = $HE WHERE forms & 256 = 0"), "the look-up keys are not"),
        (of("UPDATE recipient_key SET key = 'somebody' WHERE key = 'user0'"), "the look-up keys are not"),
        (of("UPDATE recipient_key SET forms = 256 WHERE key = 'user0'"), "the look-up keys are not"),
        (of("INSERT INTO recipient_key VALUES (0, 'somebody', $HE, 16)"), "directory: 1 look-up keys are nobody's"),
        (of("DELETE FROM proxy_address WHERE recipient_id = $HE"), "User 0: the proxy addresses lack the primary"),
        ("DELETE FROM proxy_address".into(), "the proxy addresses lack the primary"),
        (
            of("UPDATE proxy_address SET is_primary = 0 WHERE recipient_id = $HE"),
            "the proxy addresses lack the primary",
        ),
        (of("UPDATE proxy_address SET position = 1 WHERE recipient_id = $HE"), "a person lacks a proxy address"),
        (
            of("UPDATE um_address SET address = address_key, address_key = '99999' WHERE recipient_id = $HE"),
            "a number does not fit",
        ),
        (of("UPDATE um_address SET address = '123', address_key = '123' WHERE recipient_id = $HE"), "does not fit"),
        (
            "UPDATE policy SET name_key = 'other'".into(),
            "the UM mailbox policy 'Policy': it cannot be found by its name",
        ),
        ("UPDATE dial_plan SET name_key = 'other'".into(), "the UM dial plan 'Plan': it cannot be found by its name"),
        ("UPDATE policy SET name = 'a/b', name_key = 'a/b'".into(), "policy 'a/b': it cannot be found by its name"),
        (
            of("INSERT INTO proxy_address VALUES ($HE, 1, 'smtp', 'user0@contoso.com', 1)"),
            "User 0: the proxy addresses lack the primary",
        ),
        (
            of("UPDATE recipient SET primary_smtp_address = 'other@contoso.com' WHERE id = $HE"),
            "User 0: the proxy addresses lack the primary",
        ),
        // Documents.
        ("UPDATE policy SET settings = '{'".into(), "the UM mailbox policy 'Policy': the settings cannot be read"),
        ("UPDATE policy SET settings = '[]'".into(), "the settings cannot be read"),
        ("UPDATE dial_plan SET settings = '{'".into(), "the UM dial plan 'Plan': the settings cannot be read"),
        (
            r#"UPDATE dial_plan SET settings = '{"LogonFailuresBeforeDisconnect":0}'"#.into(),
            "LogonFailuresBeforeDisconnect is none that a cmdlet sets",
        ),
        (r#"UPDATE policy SET settings = '{"AllowFax":"yes"}'"#.into(), "AllowFax is none that a cmdlet sets"),
        (of("UPDATE um_mailbox SET settings = '' WHERE recipient_id = $HE"), "User 0: the settings cannot be read"),
        ("UPDATE setting SET value = '{' WHERE name = 'mail'".into(), "the mail settings are none that a cmdlet sets"),
        (
            r#"UPDATE setting SET value = '{"CommandTimeoutSeconds":601}' WHERE name = 'mail'"#.into(),
            "the mail settings are none that a cmdlet sets",
        ),
        ("INSERT INTO setting VALUES ('audit_age_days', 'many')".into(), "AdminAuditLogAgeLimit is none"),
        ("INSERT INTO setting VALUES ('audit_age_days', '0')".into(), "AdminAuditLogAgeLimit is none"),
        ("INSERT INTO setting VALUES ('spray_threshold', '1001')".into(), "SprayDetectionThreshold is none"),
        // Values.
        (of("UPDATE pin SET failures = -5 WHERE recipient_id = $HE"), "User 0: the count of failures is none"),
        (of("UPDATE pin SET failures = 4294967296 WHERE recipient_id = $HE"), "the count of failures is none"),
        (of("UPDATE pin SET admin_locked = 2 WHERE recipient_id = $HE"), "the administrator's lock is none"),
        (of("UPDATE pin SET memory_kib = 4000000000 WHERE recipient_id = $HE"), "the PIN's cost is none"),
        (of("UPDATE pin SET salt = x'00' WHERE recipient_id = $HE"), "the PIN's salt is none"),
        ("UPDATE pin_history SET passes = 0".into(), "the earlier PIN's cost is none"),
        ("UPDATE policy SET max_attempts = 0".into(), "Policy: the MaxLogonAttempts is none"),
        ("UPDATE policy SET min_length = 3".into(), "Policy: the MinPINLength is none"),
        ("UPDATE policy SET block_human_pins = -1".into(), "Policy: the BlockHumanPINs is none"),
        ("UPDATE dial_plan SET uri_type = 'Other'".into(), "Plan: the URI type is none"),
        ("UPDATE dial_plan SET digits = 21".into(), "Plan: the number of digits is none"),
        (of("UPDATE um_address SET kind = 3 WHERE recipient_id = $HE"), "User 0: the number's kind is none"),
        ("UPDATE outbox SET id = x'00'".into(), "User 2: the message's id is none"),
        ("UPDATE outbox SET kind = 'Other'".into(), "User 2: the message's kind is none"),
        ("UPDATE outbox SET attempts = -1".into(), "User 2: the message's count of tries is none"),
        (
            "UPDATE spray_mark SET at = -1; INSERT INTO spray_mark VALUES (x'0000', 0, -1)".into(),
            "the mark's date is none",
        ),
        // Dates, three years ahead; the clock of the fixture stands at START.
        (
            of(&format!("UPDATE pin SET set_at = {} WHERE recipient_id = $HE", START + 3 * 365 * DAY)),
            "PIN was set is ahead",
        ),
        (of(&format!("UPDATE pin SET last_failure_at = {}", START + DAY + 1)), "the date of the last failure is ahead"),
        (of(&format!("UPDATE policy SET when_changed = {}", START + DAY + 1)), "Policy: the date of change is ahead"),
        (
            format!("UPDATE outbox SET due_at = {}", START + DAY + 1),
            "User 2: the date at which the message is due is ahead",
        ),
        (format!("UPDATE outbox SET claimed_until = {}", i64::MAX), "the end of the message's claim is ahead"),
        (format!("UPDATE recipient SET when_created = {}", START + DAY + 1), "the date of creation is ahead"),
        (of("UPDATE recipient SET display_name = CAST(x'ff41' AS TEXT) WHERE id = $HE"), "User 0: the display name"),
    ]
}

#[test]
fn each_planted_fault_is_found_and_named() {
    if crate::support::is_on_server("each_planted_fault_is_found_and_named") {
        return;
    }
    let f = fixture();
    assert_eq!(failed(&f.session), Vec::<String>::new(), "the fixture itself is sound: {:?}", checks(&f.session));
    let clean = f.path("clean.db");
    f.run("Backup-UMPinStore", &json!({"Path": clean})).unwrap();
    // A backup with one of these is refused for another reason, before.
    let of_a_store_alone = [
        ("DELETE FROM setting WHERE name = 'store_id'", "the store's id is none"),
        ("UPDATE setting SET value = 'x' WHERE name = 'store_id'", "the store's id is none"),
        ("UPDATE setting SET value = '0123' WHERE name = 'key_id'", "the id of the store's key is none"),
        ("UPDATE pin_history SET key_id = x'0123'", "User 2: the earlier PIN's key is none"),
    ];
    let all = faults().into_iter().chain(of_a_store_alone.map(|(sql, says)| (sql.to_owned(), says)));
    for (sql, says) in all {
        plant(&f.path("um.db"), &sql);
        let (result, detail) = result_of(&f.session, "Contents");
        assert_eq!(result, "Failed", "{sql}");
        assert!(detail.contains(says), "{sql}: {detail}");
        run(&f.session, "Restore-UMPinStore", &json!({"Path": clean, "Force": true})).unwrap();
        assert_eq!(result_of(&f.session, "Contents").0, "Passed", "after {sql}");
    }
}

#[test]
fn what_the_self_check_advises_mends_people_and_mailboxes() {
    if crate::support::is_on_server("what_the_self_check_advises_mends_people_and_mailboxes") {
        return;
    }
    let f = fixture();
    let guid = f.session.read(|tx| Ok(tx.recipients_by_key("user0", None)?.pop().unwrap().0)).unwrap();
    let row = json!({"Guid": guid, "Name": "User 0", "Alias": "user0", "EmailAddresses": "SMTP:user0@contoso.com",
        "DistinguishedName": "CN=User 0,OU=Users,DC=contoso,DC=com"});
    let import = || {
        let step = |parameters: Value| f.run("Import-UMRecipient", &parameters).unwrap();
        let id = step(json!({"Step": "Begin"})).objects[0]["Import"].clone();
        step(json!({"Step": "Rows", "Import": id, "Rows": [row]}));
        while step(json!({"Step": "Apply", "Import": id})).next.is_some() {}
        step(json!({"Step": "End", "Import": id}));
    };
    for (sql, mailbox) in [
        ("DELETE FROM recipient_key WHERE recipient_id = $HE", false),
        ("DELETE FROM proxy_address WHERE recipient_id = $HE", false),
        ("UPDATE pin SET failures = -5 WHERE recipient_id = $HE", true),
        ("DELETE FROM pin WHERE recipient_id = $HE", true),
        ("DELETE FROM um_address WHERE recipient_id = $HE", true),
        ("UPDATE um_mailbox SET settings = '{' WHERE recipient_id = $HE", true),
    ] {
        plant(&f.path("um.db"), &sql.replace("$HE", HE));
        assert_eq!(result_of(&f.session, "Contents").0, "Failed", "{sql}");
        if mailbox {
            f.run("Disable-UMMailbox", &json!({"Identity": "user0", "KeepProperties": false})).unwrap();
            let enable = json!({"Identity": "user0", "UMMailboxPolicy": "Policy", "Extensions": ["50000"]});
            f.run("Enable-UMMailbox", &enable).unwrap();
        } else {
            import();
        }
        assert_eq!(result_of(&f.session, "Contents").0, "Passed", "{sql}");
    }
}

#[test]
fn a_backup_with_a_planted_fault_is_refused_without_force_and_named_with_it() {
    let f = fixture();
    let clean = f.path("clean.db");
    f.run("Backup-UMPinStore", &json!({"Path": clean})).unwrap();
    for (sql, says) in faults() {
        let bad = f.path("bad.db");
        std::fs::copy(&clean, &bad).unwrap();
        plant(&bad, &sql);
        let told = f.run("Restore-UMPinStore", &json!({"Path": bad})).map(|r| format!("{r:?}")).unwrap_err();
        assert_eq!(told.status, Status::BackupFailed, "{sql}: {told}");
        // A row of a person that is gone is refused as a broken reference already.
        assert!(told.message.contains(says) || told.message.contains("rows refer to rows"), "{sql}: {told}");
        assert_eq!(result_of(&f.session, "Contents").0, "Passed", "{sql}: nothing was restored");
        std::fs::remove_file(&bad).unwrap();
    }
    let bad = f.path("bad.db");
    std::fs::copy(&clean, &bad).unwrap();
    plant(&bad, "UPDATE um_address SET is_primary = 0");
    let done = f.run("Restore-UMPinStore", &json!({"Path": bad, "Force": true})).unwrap();
    assert!(done.warnings.iter().any(|w| w.message.contains("not just one primary number")), "{:?}", done.warnings);
}

#[test]
fn a_backup_whose_seals_or_trail_were_changed_is_refused_without_force() {
    let f = fixture();
    let clean = f.path("clean.db");
    f.run("Backup-UMPinStore", &json!({"Path": clean})).unwrap();
    for (n, (sql, says)) in [
        ("UPDATE pin SET sealed = (SELECT sealed FROM pin_history)", "contoso.com/Users/User 0"),
        ("UPDATE audit SET detail = 'nothing'", "audit trail"),
        ("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)", "audit trail"),
    ]
    .into_iter()
    .enumerate()
    {
        let bad = f.path(&format!("bad{n}.db"));
        std::fs::copy(&clean, &bad).unwrap();
        plant(&bad, sql);
        let told = f.run("Restore-UMPinStore", &json!({"Path": bad})).map(|r| format!("{r:?}")).unwrap_err();
        assert!(told.status == Status::BackupFailed && told.message.contains(says), "{sql}: {told}");
        f.run("Restore-UMPinStore", &json!({"Path": bad, "Force": true})).unwrap();
        f.run("Restore-UMPinStore", &json!({"Path": clean})).unwrap();
        assert_eq!(failed(&f.session), Vec::<String>::new());
    }
}

#[test]
fn a_clock_that_is_a_little_behind_is_no_fault() {
    let f = fixture();
    f.advance(-DAY);
    assert_eq!(result_of(&f.session, "Contents").0, "Passed");
    f.advance(-1);
    assert_eq!(result_of(&f.session, "Contents").0, "Failed");
}

#[test]
fn a_sign_in_that_meets_an_odd_row_is_refused_and_tells_nothing_of_it() {
    if crate::support::is_on_server("a_sign_in_that_meets_an_odd_row_is_refused_and_tells_nothing_of_it") {
        return;
    }
    let f = fixture();
    let clean = f.path("clean.db");
    f.run("Backup-UMPinStore", &json!({"Path": clean})).unwrap();
    for sql in [
        "UPDATE pin SET failures = -5",
        "UPDATE pin SET lifetime_failures = 4294967296",
        "UPDATE policy SET max_attempts = -1",
        "UPDATE policy SET min_length = -6",
    ] {
        plant(&f.path("um.db"), sql);
        let told: Vec<Error> =
            [FIRST_PIN, "111111"].iter().map(|pin| sign_in(&f.session, 0, pin).unwrap_err()).collect();
        assert_eq!(told[0], told[1], "{sql}: right and wrong are told the same");
        assert_eq!(told[0].status, Status::StoreDamaged, "{sql}: {}", told[0]);
        for secret in ["-5", "-6", "4294967296", "User", "user0", "50000", "index", "column", "range", "Integer"] {
            assert!(!told[0].message.contains(secret), "{sql}: {secret}: {}", told[0]);
        }
        assert!(told[0].message.contains("Test-UMPinStore"), "{}", told[0]);
        run(&f.session, "Restore-UMPinStore", &json!({"Path": clean})).unwrap();
        assert!(sign_in(&f.session, 0, FIRST_PIN).unwrap());
    }
}

#[test]
fn what_was_made_beside_the_stores_own_tables_is_named() {
    if crate::support::is_on_server("what_was_made_beside_the_stores_own_tables_is_named") {
        return;
    }
    for (sql, says) in [
        ("CREATE TRIGGER t AFTER UPDATE ON pin BEGIN UPDATE pin SET failures = 0; END", "trigger 't'"),
        ("CREATE VIEW v AS SELECT * FROM pin", "view 'v'"),
        ("CREATE TABLE more (x)", "table 'more'"),
        ("DROP INDEX pin_by_key", "index 'pin_by_key'"),
        ("DROP INDEX pin_by_key; CREATE INDEX pin_by_key ON pin (sealed)", "index 'pin_by_key'"),
    ] {
        let f = fixture();
        assert_eq!(result_of(&f.session, "Schema").0, "Passed");
        plant(&f.path("um.db"), sql);
        let (result, detail) = result_of(&f.session, "Schema");
        assert!(result == "Failed" && detail.contains(says), "{sql}: {detail}");
    }
}

/// More people than the check reads at a time.
const MANY: usize = 1100;

#[test]
fn faults_behind_the_first_thousand_rows_are_found_and_many_are_counted() {
    if crate::support::is_on_server("faults_behind_the_first_thousand_rows_are_found_and_many_are_counted") {
        return;
    }
    let f = Fixture::new(PinPolicy::default(), MANY);
    assert_eq!(failed(&f.session), Vec::<String>::new());
    let last = "(SELECT MAX(recipient_id) FROM pin)";
    for (sql, check) in [
        (format!("UPDATE pin SET sealed = zeroblob(100) WHERE recipient_id = {last}"), "SealedValues"),
        ("UPDATE pin SET failures = -1 WHERE rowid = (SELECT MAX(rowid) FROM pin)".into(), "Contents"),
        ("UPDATE um_mailbox SET settings = '{' WHERE rowid = (SELECT MAX(rowid) FROM um_mailbox)".into(), "Contents"),
        (format!("DELETE FROM recipient_key WHERE recipient_id = {last}"), "Contents"),
        (format!("DELETE FROM um_address WHERE recipient_id = {last}"), "Contents"),
    ] {
        let copy = f.path("copy.db");
        f.run("Backup-UMPinStore", &json!({"Path": copy})).unwrap();
        plant(&f.path("um.db"), &sql);
        let (result, detail) = result_of(&f.session, check);
        assert_eq!(result, "Failed", "{sql}");
        assert!(detail.contains("contoso.com/Users/User ") && !detail.contains("more"), "{sql}: {detail}");
        f.run("Restore-UMPinStore", &json!({"Path": copy})).unwrap();
        std::fs::remove_file(&copy).unwrap();
    }
    plant(&f.path("um.db"), "UPDATE pin SET sealed = zeroblob(100), failures = -1");
    let (_, detail) = result_of(&f.session, "SealedValues");
    assert!(detail.starts_with("0 opened;") && detail.contains(&format!("and {} more", MANY - 5)), "{detail}");
    assert_eq!(detail.matches("contoso.com/Users/User").count(), 5, "{detail}");
    let (_, detail) = result_of(&f.session, "Contents");
    assert!(detail.contains(&format!("and {} more", MANY - 5)), "{detail}");
    assert_eq!(detail.matches("contoso.com/Users/User").count(), 5, "{detail}");
    // Five and six: all are named, or all but one.
    for (broken, more) in [(5, false), (6, true)] {
        let f = Fixture::new(PinPolicy::default(), broken);
        plant(&f.path("um.db"), "UPDATE pin SET sealed = zeroblob(100), failures = -1");
        for check in ["SealedValues", "Contents"] {
            let (_, detail) = result_of(&f.session, check);
            assert_eq!(detail.contains("and 1 more"), more, "{detail}");
            assert_eq!(detail.matches("contoso.com/Users/User").count(), 5, "{detail}");
        }
    }
}

#[test]
fn a_row_under_a_key_that_no_file_has_is_a_failure_of_its_check_alone() {
    if crate::support::is_on_server("a_row_under_a_key_that_no_file_has_is_a_failure_of_its_check_alone") {
        return;
    }
    let f = fixture();
    plant(&f.path("um.db"), "UPDATE pin_history SET key_id = x'0123456789abcdef'");
    assert_eq!(failed(&f.session), ["SealedValues"]);
    assert!(result_of(&f.session, "SealedValues").1.contains("0123456789abcdef"));
}

#[cfg(unix)]
#[test]
fn who_may_read_the_files_is_told_of_each() {
    if crate::support::is_on_server("who_may_read_the_files_is_told_of_each") {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let f = fixture();
    let mode = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let told = || {
        let (result, detail) = result_of(&f.session, "StoreFiles");
        // Of each file only its name: the folder's own may hold anything.
        (result, detail.replace(f.folder.path().to_str().unwrap(), ""))
    };
    // The log's own files are kept by an open connection.
    let open = rusqlite::Connection::open(f.path("um.db")).unwrap();
    open.query_row("SELECT COUNT(*) FROM pin", [], |r| r.get::<_, i64>(0)).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = f.path(&format!("um.db{suffix}"));
        for fine in [0o600, 0o640, 0o660] {
            mode(&file, fine);
            assert_eq!(told(), ("Passed".into(), "not open to everybody".into()), "{suffix} {fine:o}");
        }
        for exposed in [0o604, 0o602, 0o601] {
            mode(&file, exposed);
            let (result, detail) = told();
            assert_eq!(result, "Warning", "{suffix} {exposed:o}");
            assert!(detail.contains(&format!("'/um.db{suffix}' (mode {exposed:04o})")), "{detail}");
        }
        mode(&file, 0o600);
    }
    let folder = f.folder.path();
    for (folder_mode, result) in
        [(0o700, "Passed"), (0o775, "Passed"), (0o1777, "Passed"), (0o777, "Failed"), (0o702, "Failed")]
    {
        mode(folder, folder_mode);
        assert_eq!(told().0, result, "{folder_mode:o}");
    }
    mode(folder, 0o700);
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys that come and go meanwhile.

#[test]
fn a_restore_whose_key_goes_while_it_waits_for_the_store_changes_nothing() {
    if crate::support::is_on_server("a_restore_whose_key_goes_while_it_waits_for_the_store_changes_nothing") {
        return;
    }
    let f = fixture();
    let copy = f.path("copy.db");
    f.run("Backup-UMPinStore", &json!({"Path": copy})).unwrap();
    set(&f.session, 0, Some("580437")).unwrap();
    let other = f.another();
    // Somebody holds the store, as the last step of a rotation does, and drops the key meanwhile.
    let holder = rusqlite::Connection::open(f.path("um.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let file = KeyFile::new(f.path("umpin.key"));
    let old = file.load().unwrap();
    let told = std::thread::scope(|scope| {
        let restore =
            scope.spawn(|| run(&other, "Restore-UMPinStore", &json!({"Path": copy})).map(|r| format!("{r:?}")));
        std::thread::sleep(std::time::Duration::from_millis(400));
        file.replace(&[&MasterKey::generate().unwrap()]).unwrap();
        holder.execute_batch("COMMIT").unwrap();
        restore.join().unwrap().unwrap_err()
    });
    assert_eq!(told.status, Status::KeyWrong, "{told}");
    file.replace(&[&old.keys()[0]]).unwrap();
    assert!(sign_in(&f.session, 0, "580437").unwrap(), "nothing was restored");
    run(&other, "Restore-UMPinStore", &json!({"Path": copy})).unwrap();
    assert!(sign_in(&f.session, 0, FIRST_PIN).unwrap());
}
