//! The store on a server: a PostgreSQL of the benchmark's own on this machine, as `initdb` makes it, waiting for the
//! disk at each commit.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::pin::Pin;
use umpin::service::lookup::Lookup;
use umpin::service::sign_in::verify;
use umpin::session::Session;

#[path = "../../tests/integration/support/postgresql.rs"]
#[allow(dead_code)]
mod server;

use super::{Bare, PIN, caller, median, processor_time, seed, timed, verifies_over_hashes};
use server::{OWNER, Server, programs};

/// Threads a core: while one waits for the disk or the server, another hashes.
const THREADS: usize = 2;

pub fn measure(folder: &Path, many: usize) {
    if programs().is_none() {
        println!("  skipped: PostgreSQL's initdb is neither in /usr/lib/postgresql nor on PATH");
        return;
    }
    let server = Server::start(&["fsync = on"]);
    let few = store_of(&server, folder, 1_000);
    verifies_over_hashes(&few, 1_000, THREADS);
    cost(&server, &few, "d1000");
    let great = store_of(&server, folder, many);
    among(&few, &great, many);
}

/// A store with so many mailboxes: made in a file, which is quicker, and moved.
fn store_of(server: &Server, folder: &Path, count: usize) -> Session {
    let file = folder.join(format!("file{count}"));
    std::fs::create_dir(&file).unwrap();
    let since = Instant::now();
    let on_file = seed(&file, count).unwrap();
    let seeded = since.elapsed();
    let run = |session: &Session, operation: &str, path: &Path| {
        let request = json!({"Mode": "Commit", "Parameters": {"Path": path.to_str().unwrap()}}).to_string();
        umpin::cmdlets::execute(session, operation, request.as_bytes(), None).unwrap();
    };
    let backup = file.join("moved.umbak");
    let since = Instant::now();
    run(&on_file, "Backup-UMPinStore", &backup);
    let written = since.elapsed();
    drop(on_file);
    std::fs::remove_file(file.join("um.db")).unwrap();
    let database = format!("d{count}");
    server.make_database(&database);
    let url = PathBuf::from(server.url(OWNER, &database));
    let mut client = server.client(&database);
    let size = "SELECT pg_database_size(current_database())";
    let empty: i64 = client.query_one(size, &[]).unwrap().get(0);
    let session = Session::open(Some(url), Some(file.join("umpin.key")), None).unwrap();
    let since = Instant::now();
    run(&session, "Restore-UMPinStore", &backup);
    let restored = since.elapsed();
    std::fs::remove_file(&backup).unwrap();
    // As the server's own care does it some time after so many changes.
    client.batch_execute("VACUUM ANALYZE").unwrap();
    client.batch_execute("CHECKPOINT").unwrap();
    let full: i64 = client.query_one(size, &[]).unwrap().get(0);
    println!(
        "  {count} mailboxes: seeded in a file {seeded:.1?}, backup {written:.1?}, restore to the server \
         {restored:.1?}; {} bytes a mailbox there",
        (full - empty) / i64::try_from(count).unwrap()
    );
    session
}

/// What one sign-in asks of the server.
fn cost(server: &Server, session: &Session, database: &str) {
    const SIGN_INS: usize = 300;
    let mut look = server.client(database);
    let pin = Pin::new(PIN);
    let mut bare = Bare::new();
    let (mut hashes, mut verifies) = (vec![], vec![]);
    verify(session, &caller(1), &pin).unwrap();
    look.batch_execute("CHECKPOINT").unwrap();
    // Each connection tells its counts a while after the fact.
    let mut counters = || {
        let row = look
            .query_one(
                "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint, \
                 (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())",
                &[],
            )
            .unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let (wal, commits) = counters();
    let (own, servers) = (processor_time(), server_time(server));
    for n in 0..SIGN_INS {
        timed(&mut verifies, || assert!(verify(session, &caller(n), &pin).unwrap().accepted));
    }
    let (own, servers) = (processor_time() - own, server_time(server) - servers);
    std::thread::sleep(Duration::from_millis(1_500));
    let (wal_after, commits_after) = counters();
    for _ in 0..100 {
        timed(&mut hashes, || bare.hash());
    }
    let each = |n: i64| n as f64 / SIGN_INS as f64;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0 / SIGN_INS as f64;
    println!(
        "  a sign-in: {:.2?}, of it the hash {:.2?}; {:.0} bytes of WAL, {:.1} transactions; processor time {:.2} ms \
         here and {:.2} ms of the server's",
        median(verifies),
        median(hashes),
        each(wal_after - wal),
        each(commits_after - commits),
        ms(own),
        ms(servers)
    );
}

/// What the server's processes have used of the processors.
fn server_time(server: &Server) -> Duration {
    let pid = std::fs::read_to_string(server.folder().join("data/postmaster.pid")).unwrap_or_default();
    let pid = pid.lines().next().unwrap_or_default().trim().to_owned();
    let mut ticks = 0;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let told = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let fields: Vec<&str> = told.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        if fields.get(1).is_some_and(|parent| *parent == pid) {
            ticks += number(11) + number(12);
        }
    }
    Duration::from_millis(ticks * 10)
}

/// By turns, each round over other mailboxes.
fn among(few: &Session, great: &Session, many: usize) {
    const EACH: usize = 20;
    let pin = Pin::new(PIN);
    let mut times = [vec![], vec![], vec![], vec![]];
    for round in 0..16 {
        for (which, session, count) in [(0, few, 1_000), (1, great, many)] {
            for n in 0..EACH {
                let mailbox = (n * 7_919 + round * 104_729) % count;
                timed(&mut times[which], || assert!(verify(session, &caller(mailbox), &pin).unwrap().accepted));
                let who =
                    Lookup { identity: Some(format!("user{}", (mailbox + 500_009) % count)), ..Lookup::default() };
                timed(&mut times[which + 2], || get_um_mailbox_pin(session, &who).unwrap());
            }
        }
    }
    let [few, great, few_read, great_read] = times.map(median);
    let over = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    println!("  sign-in among {many}: {great:.2?}, among 1,000: {few:.2?}: {:.3} (aim: at most 1.2)", over(great, few));
    println!(
        "  look-up among {many}: {great_read:.2?}, among 1,000: {few_read:.2?}: {:.2}",
        over(great_read, few_read)
    );
}
