//! A store moves from a file to a server and back: by what Backup-UMPinStore writes and Restore-UMPinStore reads, and
//! compared row by row with what SQLite and PostgreSQL themselves say is in their tables.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use postgres::types::Type;
use rusqlite::types::ValueRef;
use serde_json::json;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::crypto::hash::HashParams;
use umpin::pin::PinPolicy;
use umpin::service::sign_in::Reason;
use umpin::session::{Clock, Session, Tuning};

use super::load::add_people;
use super::{OnServer, check, is_there};
use crate::support::postgresql::Server;
use crate::support::seed::{Seeding, seed};
use crate::support::{FIRST_PIN, START, copy_key, is_full_scale, private_folder, run, session_on, set, who};

/// The rows of each table as texts, in their order.
type Dump = BTreeMap<String, Vec<String>>;

fn put_bytes(text: &mut String, bytes: &[u8]) {
    text.push('x');
    bytes.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
}

/// What SQLite has.
fn dump_of_file(path: &Path) -> Dump {
    let file = rusqlite::Connection::open(path).unwrap();
    let names: Vec<String> = file
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let rows_of = |name: &String| {
        let mut all = file.prepare(&format!("SELECT {} FROM {name}", columns_of(&file, name).join(", "))).unwrap();
        let width = all.column_count();
        let mut found = all.query([]).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = found.next().unwrap() {
            let mut text = String::new();
            for at in 0..width {
                match row.get_ref(at).unwrap() {
                    ValueRef::Null => text.push('-'),
                    ValueRef::Integer(n) => write!(text, "{n}").unwrap(),
                    ValueRef::Text(t) => write!(text, "'{}'", std::str::from_utf8(t).unwrap()).unwrap(),
                    ValueRef::Blob(b) => put_bytes(&mut text, b),
                    ValueRef::Real(_) => panic!("{name} has a fraction"),
                }
                text.push('|');
            }
            rows.push(text);
        }
        rows.sort_unstable();
        rows
    };
    names.iter().map(|name| (name.clone(), rows_of(name))).collect()
}

/// In the order of their names, which is the same everywhere.
fn columns_of(file: &rusqlite::Connection, table: &str) -> Vec<String> {
    let mut columns: Vec<String> = file
        .prepare(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"))
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    columns.sort_unstable();
    columns
}

/// What PostgreSQL has, but for the marks that only it needs.
fn dump_of_server(server: &Server, database: &str) -> Dump {
    let mut client = server.client(database);
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                   WHERE table_schema = 'ummailboxpin' AND table_name <> 'change_mark'";
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in client.query(columns, &[]).unwrap() {
        tables.entry(row.get(0)).or_default().push(row.get(1));
    }
    let mut dump = Dump::new();
    for (name, mut columns) in tables {
        columns.sort_unstable();
        let mut rows = Vec::new();
        for row in client.query(&format!("SELECT {} FROM ummailboxpin.{name}", columns.join(", ")), &[]).unwrap() {
            let mut text = String::new();
            for (at, column) in row.columns().iter().enumerate() {
                match column.type_() {
                    t if *t == Type::INT8 => match row.get::<_, Option<i64>>(at) {
                        Some(n) => write!(text, "{n}").unwrap(),
                        None => text.push('-'),
                    },
                    t if *t == Type::TEXT => match row.get::<_, Option<&str>>(at) {
                        Some(t) => write!(text, "'{t}'").unwrap(),
                        None => text.push('-'),
                    },
                    t if *t == Type::BYTEA => match row.get::<_, Option<&[u8]>>(at) {
                        Some(b) => put_bytes(&mut text, b),
                        None => text.push('-'),
                    },
                    other => panic!("{name} has a {other}"),
                }
                text.push('|');
            }
            rows.push(text);
        }
        rows.sort_unstable();
        dump.insert(name, rows);
    }
    dump
}

/// The same but for what backup and restore say of themselves: their records in the trail, and the trail's head over
/// them.
fn assert_same(before: &Dump, after: &Dump, what: &str) {
    assert!(before.keys().eq(after.keys()), "{what}: {:?} and {:?}", before.keys(), after.keys());
    for (table, rows) in before {
        let own_words = |row: &&String| match &**table {
            "audit" => !row.contains("'Backup-UMPinStore'") && !row.contains("'Restore-UMPinStore'"),
            "setting" => !row.contains("'audit_head'"),
            _ => true,
        };
        let count = |rows: &[String]| rows.iter().filter(own_words).count();
        let odd =
            rows.iter().filter(own_words).zip(after[table].iter().filter(own_words)).find(|(one, two)| one != two);
        assert!(odd.is_none() && count(rows) == count(&after[table]), "{what}, {table}: {odd:?}");
    }
}

/// The most memory this process ever had, in MiB.
fn peak() -> u64 {
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).map_or(0, |kib| kib / 1024)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let since = Instant::now();
    (work(), since.elapsed())
}

#[test]
fn a_store_moves_to_a_server_and_back_and_is_the_same_row_by_row() {
    if !is_there("a_store_moves_to_a_server_and_back_and_is_the_same_row_by_row") {
        return;
    }
    let people = if is_full_scale() { 100_000 } else { 500 };
    let file = private_folder();
    let clock = Arc::new(AtomicI64::new(START));
    let on_file = session_on(file.path().join("um.db"), file.path(), &clock);
    let hash = Tuning::danger_test(Clock::System).hash;
    seed(&on_file, Seeding { people, digits: 7, rules: PinPolicy::default(), hash }).unwrap();
    let dear = |n: usize| {
        let tuning = Tuning { hash: HashParams::SHIPPED, ..Tuning::danger_test(Clock::Manual(clock.clone())) };
        n.is_multiple_of(2).then(|| Session::with(on_file.location().clone(), None, tuning).unwrap())
    };
    // A history, mails that wait, and some hashes as they are shipped.
    for n in 0..20 {
        for pin in ["604938", "580437"] {
            set(dear(n).as_ref().unwrap_or(&on_file), n, Some(pin)).unwrap();
        }
    }
    let signs_in = |session: &Session, n: usize, pin: &str| {
        let caller = umpin::service::sign_in::Caller::Identity(who(n));
        umpin::service::sign_in::verify(session, &caller, &umpin::pin::Pin::new(pin)).unwrap()
    };
    assert_eq!(signs_in(&on_file, 30, "000000").reason, Reason::WrongPin);
    let all_sign_in = |session: &Session, where_: &str| {
        for n in 0..20 {
            assert!(signs_in(session, n, "580437").accepted, "user{n} {where_}");
        }
        for n in (40..people).step_by((people / 400).max(1)) {
            assert!(signs_in(session, n, FIRST_PIN).accepted, "user{n} {where_}");
        }
        assert_eq!(get_um_mailbox_pin(session, &who(30)).unwrap().facts.failures, 1, "{where_}");
        assert_eq!(check(session), [""; 0], "{where_}");
    };
    let path = |name: &str| file.path().join(name).to_str().unwrap().to_owned();
    let (mut told, mut memory) = (Vec::new(), vec![peak()]);
    let mut step = |name: &str, work: &dyn Fn() -> umpin::error::Result<umpin::cmdlets::document::Response>| {
        let (done, took) = timed(work);
        done.unwrap();
        memory.push(peak());
        told.push(format!("{name} {took:.1?}"));
    };

    step("backup of the file", &|| run(&on_file, "Backup-UMPinStore", &json!({"Path": path("up.umbak")})));
    let f = OnServer::new(Server::shared());
    copy_key(&file.path().join("umpin.key"), &f.folder.path().join("umpin.key"));
    let session = f.session();
    step("restore to the server", &|| run(&session, "Restore-UMPinStore", &json!({"Path": path("up.umbak")})));
    step("backup of the server", &|| run(&session, "Backup-UMPinStore", &json!({"Path": path("down.umbak")})));
    let again = private_folder();
    copy_key(&file.path().join("umpin.key"), &again.path().join("umpin.key"));
    let back = session_on(again.path().join("um.db"), again.path(), &clock);
    step("restore to a file", &|| run(&back, "Restore-UMPinStore", &json!({"Path": path("down.umbak")})));
    println!("{people} mailboxes: {}; peak memory before and after each {memory:?} MiB", told.join(", "));

    let (before, on_server) = (dump_of_file(&file.path().join("um.db")), dump_of_server(Server::shared(), &f.database));
    assert!(before.values().map(Vec::len).sum::<usize>() > people * 8);
    assert_same(&before, &on_server, "on the server");
    drop(before);
    assert_same(&on_server, &dump_of_file(&again.path().join("um.db")), "in a file again");
    drop(on_server);
    for (session, where_) in [(&on_file, "in the file"), (&session, "on the server"), (&back, "in a file again")] {
        all_sign_in(session, where_);
    }
    // Somebody new gets a number of its own, behind those that were moved.
    for session in [&session, &back] {
        add_people(session, people..people + 2).unwrap();
        assert_eq!(check(session), [""; 0]);
    }
}
