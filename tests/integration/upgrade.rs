//! A store of version 1, made by the program that was released with it, is brought to today's version with all it
//! holds.

mod kills;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crate::support::child;
use crate::support::{self, START, run, session_at};
use rusqlite::Connection;
use serde_json::{Value, json};
use umpin::error::Status;
use umpin::pin::Pin;
use umpin::pin::policy::DAY;
use umpin::service::lookup::Lookup;
use umpin::service::sign_in::{self, Caller};
use umpin::session::Session;

/// A day and a minute after the store was made.
const NOW: i64 = START + DAY + 60_000;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-1").join(name)
}

/// A copy of the fixture, and what stands in it, table by table, as the released program wrote it.
fn version_1() -> tempfile::TempDir {
    let folder = support::private_folder();
    for (from, file) in [("um.db", "um.db"), ("danger-fixture.key", "umpin.key")] {
        std::fs::copy(fixture(from), folder.path().join(file)).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(folder.path().join(file), private).unwrap();
        }
        #[cfg(windows)]
        umpin::os::set_access_list(&folder.path().join(file), "D:P(A;;FA;;;SY)(A;;FA;;;ME)").unwrap();
    }
    folder
}

fn open(folder: &Path) -> Session {
    session_at(folder, &Arc::new(AtomicI64::new(NOW)))
}

fn version(folder: &Path) -> i64 {
    let connection = Connection::open(folder.join("um.db")).unwrap();
    connection.pragma_query_value(None, "user_version", |r| r.get(0)).unwrap()
}

fn rows(file: &Path, query: &str) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let columns = statement.column_count();
    let mut found: Vec<String> = statement
        .query_map([], |r| {
            let values: Vec<String> = (0..columns).map(|at| format!("{:?}", r.get_ref(at).unwrap())).collect();
            Ok(values.join("|"))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    found.sort();
    found
}

/// The same question to both versions. `{person}`, `{plan}`, `{policy}` are GUIDs as text there and here.
fn questions() -> Vec<(&'static str, String, String)> {
    const GUID: &str = "lower(substr(hex($),1,8)||'-'||substr(hex($),9,4)||'-'||substr(hex($),13,4)||'-'||\
                        substr(hex($),17,4)||'-'||substr(hex($),21))";
    let guid = |column: &str| GUID.replace('$', column);
    let person = |table: &str, columns: &str| {
        let new = columns.replace("key_id", "lower(hex(key_id))");
        (
            format!("SELECT recipient_guid, {columns} FROM {table}"),
            format!("SELECT {}, {new} FROM {table} t JOIN recipient r ON r.id = t.recipient_id", guid("r.guid")),
        )
    };
    const TEXTS: &str = "name, display_name, first_name, last_name, alias, sam_account_name, user_principal_name, \
        primary_smtp_address, legacy_exchange_dn, distinguished_name, canonical_name, phone, linked_master_account, \
        server_name, server_legacy_dn, language, netbios_domain, when_created, when_changed";
    const RULES: &str = "min_length, lifetime_days, history_count, allow_common_patterns, failures_before_reset, \
        max_attempts, lockout_minutes, lifetime_failures, block_human_pins, expiry_notice_days, notify_without_pin";
    let mut all = vec![
        ("setting", "SELECT * FROM setting".to_owned(), "SELECT * FROM setting".to_owned()),
        ("audit", "SELECT * FROM audit".to_owned(), "SELECT * FROM audit".to_owned()),
        (
            "recipient",
            format!("SELECT guid, {TEXTS} FROM recipient"),
            format!("SELECT {}, {TEXTS} FROM recipient", guid("guid")),
        ),
        (
            "dial_plan",
            "SELECT guid, name, name_key, digits, uri_type, settings, when_created, when_changed FROM \
             dial_plan"
                .to_owned(),
            format!(
                "SELECT {}, name, name_key, digits, uri_type, settings, when_created, when_changed FROM dial_plan",
                guid("guid")
            ),
        ),
        (
            "policy",
            format!(
                "SELECT guid, name, name_key, dial_plan_guid, {RULES}, settings, when_created, when_changed FROM \
                policy"
            ),
            format!(
                "SELECT {}, p.name, p.name_key, {}, {RULES}, p.settings, p.when_created, p.when_changed FROM policy p \
                 JOIN dial_plan d ON d.id = p.dial_plan_id",
                guid("p.guid"),
                guid("d.guid")
            ),
        ),
        (
            "um_mailbox",
            "SELECT recipient_guid, policy_guid, settings, when_changed FROM um_mailbox".to_owned(),
            format!(
                "SELECT {}, CASE WHEN p.guid IS NOT NULL THEN {} END, m.settings, m.when_changed FROM um_mailbox m \
                 JOIN recipient r ON r.id = m.recipient_id LEFT JOIN policy p ON p.id = m.policy_id",
                guid("r.guid"),
                guid("p.guid")
            ),
        ),
        (
            "um_address",
            "SELECT recipient_guid, dial_plan_guid, address_key, address, kind, is_primary, position FROM \
             um_address"
                .to_owned(),
            format!(
                "SELECT {}, {}, address_key, COALESCE(address, address_key), \
                 CASE kind WHEN 0 THEN 'Extension' WHEN 1 THEN 'SipName' ELSE 'E164' END, is_primary, position \
                 FROM um_address a JOIN recipient r ON r.id = a.recipient_id JOIN dial_plan d ON d.id = a.dial_plan_id",
                guid("r.guid"),
                guid("d.guid")
            ),
        ),
        (
            "outbox",
            "SELECT id, recipient_guid, user_id, kind, to_address, message_id, key_id, sealed, queued_at, due_at, \
             attempts, last_error, claimed_by, claimed_until FROM outbox"
                .to_owned(),
            format!(
                "SELECT {}, {}, user_id, kind, to_address, message_id, lower(hex(key_id)), sealed, queued_at, due_at, \
                 attempts, last_error, claimed_by, claimed_until FROM outbox o JOIN recipient r ON r.id = \
                 o.recipient_id",
                guid("o.id"),
                guid("r.guid")
            ),
        ),
    ];
    for (table, columns) in [
        ("proxy_address", "position, prefix, address, is_primary"),
        (
            "pin",
            "version, salt, memory_kib, passes, lanes, key_id, sealed, set_at, forced_expired, first_time_user, \
             failures, last_failure_at, lifetime_failures, admin_locked, expiry_noticed",
        ),
        ("pin_history", "version, memory_kib, passes, lanes, key_id, sealed"),
        ("spray_mark", "mark, at"),
    ] {
        let (old, new) = person(table, columns);
        all.push((table, old, new));
    }
    all
}

fn assert_holds_all(folder: &Path) {
    assert_holds(folder, |_| true);
}

fn assert_holds(folder: &Path, is_asked: impl Fn(&str) -> bool) {
    for (table, old, new) in questions().into_iter().filter(|(table, ..)| is_asked(table)) {
        let expected = rows(&fixture("um.db"), &old);
        assert!(!expected.is_empty(), "the fixture has no {table}");
        assert!(rows(&folder.join("um.db"), &new) == expected, "{table} holds something else");
    }
}

fn accepts(session: &Session, identity: &str, pin: &str) -> bool {
    let who = Caller::Identity(Lookup { identity: Some(identity.into()), ..Lookup::default() });
    sign_in::verify(session, &who, &Pin::new(pin)).unwrap().accepted
}

fn faults(session: &Session) -> Vec<Value> {
    let checks = run(session, "Test-UMPinStore", &json!({})).unwrap().objects;
    checks.into_iter().filter(|c| c["Result"] == "Failed").collect()
}

/// Rows find people, policies and plans by the bytes of a GUID, and the texts beside them people by its spelling: what
/// those miss, the rows bring.
#[test]
fn a_guid_in_another_spelling_leads_to_the_same_person() {
    if crate::support::is_on_server("a_guid_in_another_spelling_leads_to_the_same_person") {
        return;
    }
    let folder = version_1();
    let store = Connection::open(folder.path().join("um.db")).unwrap();
    store.pragma_update(None, "foreign_keys", false).unwrap();
    let (guid, address): (String, String) = store
        .query_row(
            "SELECT recipient_guid, address FROM proxy_address WHERE prefix = 'smtp' AND is_primary = 0",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .unwrap();
    // In capitals, and with a hyphen where none belongs.
    let altered = "UPDATE proxy_address SET recipient_guid = substr(upper(recipient_guid), 1, 1) || '-' || \
                   substr(upper(recipient_guid), 2) WHERE recipient_guid = ?1";
    assert!(store.execute(altered, [&guid]).unwrap() > 0);
    for (table, column) in [("um_mailbox", "policy_guid"), ("um_address", "dial_plan_guid")] {
        let altered = store.execute(&format!("UPDATE {table} SET {column} = '-' || {column}"), []).unwrap();
        assert!(altered > 0, "{table}");
    }
    for table in ["um_mailbox", "pin"] {
        let upper = format!("UPDATE {table} SET recipient_guid = upper(recipient_guid)");
        assert!(store.execute(&upper, []).unwrap() > 0, "{table}");
    }
    drop(store);
    let session = open(folder.path());
    let found = run(&session, "Get-UMMailbox", &json!({"Identity": address})).unwrap().objects;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(faults(&session), Vec::<Value>::new());
    assert_holds_all(folder.path());
}

#[test]
fn all_that_a_store_of_version_1_holds_is_there_after_it_is_opened() {
    if crate::support::is_on_server("all_that_a_store_of_version_1_holds_is_there_after_it_is_opened") {
        return;
    }
    let folder = version_1();
    let session = open(folder.path());
    let first = run(&session, "Get-UMMailbox", &json!({})).unwrap();
    assert!(first.warnings.iter().any(|w| w.message.contains("brought to today's version")), "{:?}", first.warnings);
    assert_eq!(first.objects.len(), 7);
    assert_eq!(version(folder.path()), 2);
    assert_holds_all(folder.path());
    assert_eq!(faults(&session), Vec::<Value>::new());
    assert!(accepts(&session, "user0", "604938"), "sealed under the key after the rotation");
    assert!(accepts(&session, "Jose@contoso.com".to_lowercase().replace("jose", "person1").as_str(), "58043791"));
    assert!(accepts(&session, "jose\u{301} decomposed", "580437"));
    // An earlier PIN is still one, and the trail goes on from where it was.
    let again = support::set(&session, 0, Some("604938")).unwrap_err();
    assert_eq!(again.status, Status::WeakPin, "{again}");
    assert_eq!(faults(&session), Vec::<Value>::new());
    assert!(open(folder.path()).upgraded().is_none(), "said by whoever did it alone");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| !["um.db", "um.db-wal", "um.db-shm", "umpin.key"].contains(&name.as_str()))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_backup_of_version_1_is_read_and_put_back() {
    if crate::support::is_on_server("a_backup_of_version_1_is_read_and_put_back") {
        return;
    }
    let folder = version_1();
    let session = open(folder.path());
    let f = support::Fixture::new(umpin::pin::PinPolicy::default(), 1);
    drop(session);
    support::copy_key(&folder.path().join("umpin.key"), &f.path("umpin.key"));
    let other = open(f.folder.path());
    let path = fixture("um.db");
    run(&other, "Restore-UMPinStore", &json!({"Path": path, "Force": true})).unwrap();
    // The restore itself is recorded.
    assert_holds(f.folder.path(), |table| !["setting", "audit"].contains(&table));
    assert_eq!(faults(&other), Vec::<Value>::new());
    assert!(accepts(&other, "user0", "604938"));
}

#[test]
fn umpin_tells_how_far_the_upgrade_is_and_is_silent_where_there_is_none() {
    if crate::support::is_on_server("umpin_tells_how_far_the_upgrade_is_and_is_silent_where_there_is_none") {
        return;
    }
    let folder = version_1();
    let told = || {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let mut child = Command::new(env!("CARGO_BIN_EXE_umpin"))
            .args(["verify", "--identity", "user0"])
            .env("UMPIN_STORE", folder.path().join("um.db"))
            .env("UMPIN_KEY_FILE", folder.path().join("umpin.key"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"604938\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let first = told();
    let lines: Vec<_> = first.lines().collect();
    assert_eq!(lines.first(), Some(&"umpin: the store is brought to today's version: 0 %"), "{first}");
    assert_eq!(lines.last(), Some(&"umpin: the store is brought to today's version: 100 %"), "{first}");
    assert_eq!(version(folder.path()), 2);
    assert_eq!(told(), "");
}

#[test]
fn several_that_open_it_at_once_find_one_store() {
    if crate::support::is_on_server("several_that_open_it_at_once_find_one_store") {
        return;
    }
    let folder = version_1();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let session = open(folder.path());
                assert_eq!(run(&session, "Get-UMMailbox", &json!({})).unwrap().objects.len(), 7);
            });
        }
    });
    assert_holds_all(folder.path());
}

/// The version of the schema that the first commit in a log beside a store writes, 0 where it writes none; `None` while
/// there is no commit.
/// (SQLite's page "WAL-mode File Format": the last frame of a commit says how many pages the database has then.)
fn version_of_first_commit(log: &Path) -> Option<u32> {
    let log = std::fs::read(log).ok()?;
    let number = |at: usize| Some(u32::from_be_bytes(log.get(at..at + 4)?.try_into().ok()?));
    let page_size = number(8)? as usize;
    let (mut at, mut version) = (32, None);
    loop {
        let frame = log.get(at..at + 24 + page_size)?;
        assert_eq!(frame[8..16], log[16..24], "a frame of this log");
        if number(at)? == 1 {
            version = number(at + 24 + 60);
        }
        if number(at + 4)? > 0 {
            return Some(version.unwrap_or_default());
        }
        at += 24 + page_size;
    }
}

/// Whoever reads meanwhile keeps the log from being folded in, so that it shows what was committed at once.
#[test]
fn the_new_store_comes_with_its_version_in_one_commit() {
    if crate::support::is_on_server("the_new_store_comes_with_its_version_in_one_commit") {
        return;
    }
    let folder = version_1();
    let reader = Connection::open(folder.path().join("um.db")).unwrap();
    let people = || reader.query_row("SELECT COUNT(guid) FROM recipient WHERE guid LIKE '%-%'", [], |r| r.get(0));
    reader.execute_batch("BEGIN").unwrap();
    let before: i64 = people().unwrap();
    let log = folder.path().join("um.db-wal");
    assert_eq!(version_of_first_commit(&log), None);
    std::thread::scope(|scope| {
        let upgrading = scope.spawn(|| open(folder.path()).bring_up_to_date(&|_, _| {}));
        let mut found = None;
        while found.is_none() && !upgrading.is_finished() {
            found = version_of_first_commit(&log);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(people().unwrap(), before, "whoever reads goes on reading the old one");
        reader.execute_batch("COMMIT").unwrap();
        upgrading.join().unwrap().unwrap();
        assert_eq!(found, Some(2));
    });
    assert_holds_all(folder.path());
}

/// Opens the store in a process of its own, which the parent kills.
#[test]
fn opens_the_store() {
    let Some((folder, _)) = child::folder_and_id() else { return };
    run(&open(&folder), "Get-UMMailbox", &json!({})).unwrap();
}

/// Twenty moments from the first read to well behind the commit, spread over the time that one upgrade takes here.
#[test]
fn killed_at_any_moment_it_is_the_old_store_or_the_new_one_whole() {
    if crate::support::is_on_server("killed_at_any_moment_it_is_the_old_store_or_the_new_one_whole") {
        return;
    }
    let whole = {
        let folder = version_1();
        let since = std::time::Instant::now();
        assert!(child::spawn(module_path!(), "opens_the_store", folder.path(), 0).wait().unwrap().success());
        assert_eq!(version(folder.path()), 2);
        since.elapsed()
    };
    let mut seen = [0, 0];
    for moment in 0..20u32 {
        let folder = version_1();
        let mut child = child::spawn(module_path!(), "opens_the_store", folder.path(), 0);
        std::thread::sleep(whole * moment / 16);
        let _ = child.kill();
        child.wait().unwrap();
        let found = version(folder.path());
        assert!(found == 1 || found == 2, "{found}");
        seen[found as usize - 1] += 1;
        let session = open(folder.path());
        assert_eq!(run(&session, "Get-UMMailbox", &json!({})).unwrap().objects.len(), 7, "moment {moment}");
        assert_holds_all(folder.path());
        assert_eq!(faults(&session), Vec::<Value>::new(), "moment {moment}");
    }
    assert!(seen[0] > 0, "no moment was before the end: {seen:?}");
}

#[test]
fn a_row_that_somebody_altered_moves_as_it_is_and_is_named() {
    if crate::support::is_on_server("a_row_that_somebody_altered_moves_as_it_is_and_is_named") {
        return;
    }
    let folder = version_1();
    let sql = "UPDATE pin SET failures = -5 WHERE recipient_guid = (SELECT guid FROM recipient WHERE alias = 'user2')";
    Connection::open(folder.path().join("um.db")).unwrap().execute_batch(sql).unwrap();
    let session = open(folder.path());
    let told = faults(&session);
    assert!(told.iter().any(|c| c["Detail"].as_str().unwrap().contains("User 2: the count of failures")), "{told:?}");
    assert!(accepts(&session, "user0", "604938"), "the others go on");
}

/// Version 1 told apart what is folded alike now; whoever had the second spelling is for the administrator to mend.
#[test]
fn a_number_that_somebody_else_spells_otherwise_moves_as_it_is_and_is_named() {
    if crate::support::is_on_server("a_number_that_somebody_else_spells_otherwise_moves_as_it_is_and_is_named") {
        return;
    }
    let folder = version_1();
    let sql = "UPDATE um_address SET address_key = 'jose\u{301}@contoso.com', address = 'jose\u{301}@contoso.com', \
               dial_plan_guid = (SELECT dial_plan_guid FROM um_address WHERE address_key = 'jos\u{e9}@contoso.com') \
               WHERE address_key = '50000'";
    let old = Connection::open(folder.path().join("um.db")).unwrap();
    old.execute(
        "UPDATE um_address SET address_key = 'jos\u{e9}@contoso.com' WHERE address_key = 'jose@contoso.com'",
        [],
    )
    .unwrap();
    assert_eq!(old.execute(sql, []).unwrap(), 1);
    drop(old);
    let session = open(folder.path());
    assert_eq!(run(&session, "Get-UMMailbox", &json!({})).unwrap().objects.len(), 7);
    let told = faults(&session);
    assert!(told.iter().any(|c| c["Detail"].as_str().unwrap().contains("User 0: a number does not fit")), "{told:?}");
    assert!(accepts(&session, "user0", "604938"), "who is asked for by name goes on");
}

/// A copy made by other tools can have another one, and SQLite takes no copy of one size into a store of another.
#[test]
fn the_size_of_the_stores_pages_stays_as_it_is() {
    if crate::support::is_on_server("the_size_of_the_stores_pages_stays_as_it_is") {
        return;
    }
    let folder = version_1();
    let old = Connection::open(folder.path().join("um.db")).unwrap();
    old.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 8192; VACUUM; PRAGMA journal_mode = WAL")
        .unwrap();
    drop(old);
    let session = open(folder.path());
    assert_eq!(run(&session, "Get-UMMailbox", &json!({})).unwrap().objects.len(), 7);
    assert_holds_all(folder.path());
    assert_eq!(faults(&session), Vec::<Value>::new());
}

/// Linux's file names are bytes; macOS and Windows have none like this.
#[cfg(target_os = "linux")]
#[test]
fn a_store_whose_path_is_no_text_is_brought_to_todays_version() {
    if crate::support::is_on_server("a_store_whose_path_is_no_text_is_brought_to_todays_version") {
        return;
    }
    use std::os::unix::ffi::OsStrExt;
    let around = support::private_folder();
    let folder = around.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::rename(version_1().keep(), &folder).unwrap();
    let session = open(&folder);
    assert_eq!(run(&session, "Get-UMMailbox", &json!({})).unwrap().objects.len(), 7);
    assert_holds_all(&folder);
    assert_eq!(std::fs::read_dir(around.path()).unwrap().count(), 1, "nothing under another name");
}

/// Tells why the store cannot be opened, in a process whose disk is small.
#[cfg(target_os = "linux")]
#[test]
fn tells_why_the_store_stays_as_it_is() {
    let Some((folder, _)) = child::folder_and_id() else { return };
    let told = run(&open(&folder), "Get-UMMailbox", &json!({})).unwrap_err();
    let files = std::fs::read_dir(&folder).unwrap().count();
    println!("\n{:?}, version {}, {files} files: {}", told.status, version(&folder), told.message);
}

/// What a child says that runs behind a shell's `before`, with the folder as `$1`.
#[cfg(target_os = "linux")]
fn told_behind(before: &str, shell: &[&str], folder: &Path) -> Option<String> {
    let name = "tells_why_the_store_stays_as_it_is";
    let child = child::command(&std::env::current_exe().unwrap(), module_path!(), name, folder, 0);
    let output = std::process::Command::new(shell[0])
        .args(&shell[1..])
        .args(["sh", "-c", &format!("{before} || exit 77; shift; exec \"$@\""), "sh"])
        .arg(folder)
        .arg(child.get_program())
        .args(child.get_args())
        .envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Where the shell did not come to the child, the system allows no such thing.
    if !text.contains("running 1 test") {
        return None;
    }
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text.lines().find(|line| line.contains("version ")).unwrap_or(&text).to_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn where_there_is_too_little_space_the_store_stays_as_it_is_and_the_error_says_how_much_it_needs() {
    if crate::support::is_on_server(
        "where_there_is_too_little_space_the_store_stays_as_it_is_and_the_error_says_how_much_it_needs",
    ) {
        return;
    }
    let folder = version_1();
    let copies = folder.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    for file in ["um.db", "umpin.key"] {
        std::fs::rename(folder.path().join(file), copies.join(file)).unwrap();
    }
    // A disk of a megabyte, in a namespace of the child's own, which needs no rights where the system allows that.
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let before = "mount -t tmpfs -o size=1m,mode=700 none \"$1\" && cp -p \"$1\"/../copies/* \"$1\"";
    let shell = ["unshare", "--user", "--map-root-user", "--mount"];
    let Some(told) = told_behind(before, &shell, &disk) else {
        support::skip("where_there_is_too_little_space", "no namespaces with a disk of one's own");
        return;
    };
    assert!(told.starts_with("StoreIo, version 1, 2 files: "), "{told}");
    assert!(told.contains("needs 2 MiB free in its folder, and there are 0 MiB. Nothing was changed."), "{told}");
}

/// A limit on the length of files stands for a disk that another program fills meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_in_the_middle_leaves_the_store_as_it_was() {
    if crate::support::is_on_server("a_disk_that_is_full_in_the_middle_leaves_the_store_as_it_was") {
        return;
    }
    let whole = version_1();
    run(&open(whole.path()), "Get-UMMailbox", &json!({})).unwrap();
    let length = whole.path().join("um.db").metadata().unwrap().len();
    // Early, late, and when the new database is whole but its way through the log, which is a little longer, is not.
    for blocks in [64, 160, length / 512] {
        let folder = version_1();
        // In units of 512 bytes. The signal would end the process, where a full disk is an error.
        let before = format!("trap '' XFSZ && ulimit -f {blocks}");
        let told = told_behind(&before, &["env"], folder.path()).expect("sh");
        assert!(told.starts_with("StoreIo, version 1, "), "{blocks}: {told}");
        assert!(told.contains("Nothing was changed."), "{told}");
        assert_eq!(run(&open(folder.path()), "Get-UMMailbox", &json!({})).unwrap().objects.len(), 7);
        assert_holds_all(folder.path());
    }
}
