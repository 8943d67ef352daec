//! What the library costs, as ratios against references measured in the same run: `cargo bench --bench core`.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

#[path = "core/bare_read.rs"]
mod bare_read;
#[cfg(all(unix, feature = "postgresql"))]
#[path = "core/postgresql.rs"]
mod postgresql;
#[path = "../examples/seed_store.rs"]
mod seed_store;
#[path = "core/sizes.rs"]
mod sizes;
#[cfg(unix)]
#[path = "core/sodium.rs"]
mod sodium;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use bare_read::BareRead;
use seed_store::{PIN, extension, seed};
use serde_json::json;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::crypto::hash::HashParams;
use umpin::pin::Pin;
use umpin::service::lookup::Lookup;
use umpin::service::sign_in::{Caller, verify};
use umpin::session::Session;

/// One part: its name, its title, and what measures it in a folder of its own.
type Part<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));

fn main() {
    // `cargo test --benches` runs this too, with other arguments: nothing to measure then.
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let many = std::env::var("UMPIN_BENCH_MAILBOXES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    // One part alone, by its name: cargo bench --bench core -- among
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if let Ok(what) = std::env::var("UMPIN_BENCH_REFERENCE") {
        return reference(&what);
    }
    let parts: &[Part<'_>] = &[
        ("singles", "single operations, medians of interleaved rounds", &singles),
        #[cfg(unix)]
        ("hash", "one hash, ours and libsodium's", &|_| sodium::measure()),
        ("throughput", "all cores", &throughput),
        ("refusals", "refusals, 500 of each over many mailboxes", &refusals),
        ("bulk", "bulk Set-UMMailboxPIN", &bulk),
        ("process", "umpin verify as a process", &process),
        ("import", "import (UMPIN_BENCH_MAILBOXES says how many)", &|folder| import(folder, many)),
        ("among", "among 1,000 and among many (UMPIN_BENCH_MAILBOXES says how many)", &|folder| among(folder, many)),
        (
            "sizes",
            "cost against size (UMPIN_BENCH_MAILBOXES says up to how many, UMPIN_BENCH_SIZES a file for the figures)",
            &|folder| sizes::measure(folder, many),
        ),
        ("upgrade", "a store of version 1 (UMPIN_BENCH_V1 names its folder)", &upgrade),
        #[cfg(all(unix, feature = "postgresql"))]
        (
            "postgresql",
            "a store on a server, with 1,000 and with many (UMPIN_BENCH_MAILBOXES says how many)",
            &|folder| postgresql::measure(folder, many),
        ),
    ];
    for &(part, title, measure) in parts {
        if wanted.as_deref().is_none_or(|wanted| wanted == part) {
            println!("{title}");
            let folder = folder.path().join(part);
            std::fs::create_dir(&folder).unwrap();
            measure(&folder);
            std::fs::remove_dir_all(&folder).unwrap();
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    times.push(started.elapsed());
    result
}

/// Argon2id of the shipped cost over an arena of its own, and nothing else.
struct Bare {
    argon2: Argon2<'static>,
    arena: Vec<Block>,
}

impl Bare {
    const SALT: [u8; 16] = [7; 16];

    fn new() -> Self {
        let p = HashParams::SHIPPED;
        let params = Params::new(p.memory_kib, p.passes, p.lanes, Some(32)).unwrap();
        let arena = vec![Block::new(); params.block_count()];
        Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), arena }
    }

    fn hash(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        self.argon2.hash_password_into_with_memory(PIN.as_bytes(), &Self::SALT, &mut out, &mut self.arena).unwrap();
        std::hint::black_box(out)
    }
}

fn caller(n: usize) -> Caller {
    Caller::Number { number: extension(n), dial_plan: None }
}

fn singles(folder: &Path) {
    const ROUNDS: usize = 80;
    let store = folder.join("singles");
    std::fs::create_dir(&store).unwrap();
    let session = seed(&store, 2 * ROUNDS + 30).unwrap();
    let reference = rusqlite::Connection::open(folder.join("reference.db")).unwrap();
    reference
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (n); INSERT INTO t VALUES (0);",
        )
        .unwrap();
    let mut bare = Bare::new();
    let (mut hashes, mut commits, mut sets, mut verifies) = (vec![], vec![], vec![], vec![]);
    let pin = Pin::new(PIN);
    for round in 0..ROUNDS + 10 {
        timed(&mut hashes, || bare.hash());
        timed(&mut commits, || reference.execute_batch("BEGIN IMMEDIATE; UPDATE t SET n = n + 1; COMMIT").unwrap());
        timed(&mut sets, || {
            let who = Lookup { identity: Some(format!("user{round}")), ..Lookup::default() };
            let asked = SetPin { who, send_email: Some(true), ..SetPin::default() };
            begin_reset(&session, asked).unwrap().commit(&session).unwrap()
        });
        timed(&mut verifies, || assert!(verify(&session, &caller(ROUNDS + 15 + round), &pin).unwrap().accepted));
        if round < 10 {
            for times in [&mut hashes, &mut commits, &mut sets, &mut verifies] {
                times.clear();
            }
        }
    }
    let (hash, commit, set, verify) = (median(hashes), median(commits), median(sets), median(verifies));
    println!("  bare hash {hash:.2?}, empty synchronous commit {commit:.2?}, Set {set:.2?}, verify {verify:.2?}");
    println!("  Set / (hash + commit): {:.3} (aim: at most 1.1)", set.as_secs_f64() / (hash + commit).as_secs_f64());
    println!("  verify / hash: {:.3} (aim: at most 1.1)", verify.as_secs_f64() / hash.as_secs_f64());
}

/// Counts what all cores do in a while, by so many threads a core.
fn rate_by(threads: usize, work: impl Fn(usize, &AtomicBool, &AtomicU64) + Sync) -> f64 {
    const WHILE: Duration = Duration::from_secs(3);
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let cores = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for thread in 0..threads * cores {
            scope.spawn({
                let (work, stop, count) = (&work, &stop, &count);
                move || work(thread, stop, count)
            });
        }
        std::thread::sleep(WHILE);
        stop.store(true, Ordering::Relaxed);
    });
    count.load(Ordering::Relaxed) as f64 / WHILE.as_secs_f64()
}

/// Bare hashes a second on all cores.
fn bare_hashes() -> f64 {
    rate_by(1, |_, stop, count| {
        let mut bare = Bare::new();
        while !stop.load(Ordering::Relaxed) {
            bare.hash();
            count.fetch_add(1, Ordering::Relaxed);
        }
    })
}

fn throughput(folder: &Path) {
    const MAILBOXES: usize = 1000;
    let store = folder.join("throughput");
    std::fs::create_dir(&store).unwrap();
    let session = seed(&store, MAILBOXES).unwrap();
    verifies_over_hashes(&session, MAILBOXES, 1);
}

/// Sign-ins a second of all cores, by so many threads each, over bare hashes; by turns.
fn verifies_over_hashes(session: &Session, mailboxes: usize, threads: usize) {
    let (mut hashes, mut verifies) = (vec![], vec![]);
    for _ in 0..3 {
        hashes.push(bare_hashes());
        verifies.push(rate_by(threads, |thread, stop, count| {
            let pin = Pin::new(PIN);
            let mut n = thread * 137;
            while !stop.load(Ordering::Relaxed) {
                assert!(verify(session, &caller(n % mailboxes), &pin).unwrap().accepted);
                count.fetch_add(1, Ordering::Relaxed);
                n += 1;
            }
        }));
    }
    let middle = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let (hashes, verifies) = (middle(hashes), middle(verifies));
    println!("  {verifies:.1} verifies a second, {hashes:.1} bare hashes a second");
    println!("  verifies / hashes: {:.3} (aim: at least 0.9)", verifies / hashes);
}

fn refusals(folder: &Path) {
    const EACH: usize = 500;
    let store = folder.join("refusals");
    std::fs::create_dir(&store).unwrap();
    let session = seed(&store, 2 * EACH).unwrap();
    for n in EACH..2 * EACH {
        let request = json!({"Mode": "Commit", "Parameters": {"Identity": format!("user{n}")}}).to_string();
        umpin::cmdlets::execute(&session, "Lock-UMMailbox", request.as_bytes(), None).unwrap();
    }
    let wrong = Pin::new("580437");
    // Two at a time, in turn, so that each kind meets the same neighbours.
    let measured: Vec<[Vec<Duration>; 3]> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|half| {
                let (session, wrong): (&Session, &Pin) = (&session, &wrong);
                scope.spawn(move || {
                    let mut times = [vec![], vec![], vec![]];
                    for n in (half..EACH).step_by(2) {
                        for (kind, mailbox) in [n, EACH + n, 5 * EACH + n].into_iter().enumerate() {
                            let answer = timed(&mut times[kind], || verify(session, &caller(mailbox), wrong).unwrap());
                            assert!(!answer.accepted);
                        }
                    }
                    times
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let kinds = ["wrong", "locked", "unknown"];
    let medians: Vec<f64> = (0..3)
        .map(|kind| median(measured.iter().flat_map(|m| m[kind].clone()).collect()).as_secs_f64() * 1000.0)
        .collect();
    for (kind, ms) in kinds.iter().zip(&medians) {
        println!("  {kind}: median {ms:.2} ms");
    }
    let (low, high) = medians.iter().fold((f64::MAX, 0.0f64), |(l, h), m| (l.min(*m), h.max(*m)));
    println!("  slowest / fastest: {:.4} (aim: at most 1.05)", high / low);
}

/// Answers until there are a hundred: what somebody sees of a list at first.
fn first_hundred(session: &Session, operation: &str, parameters: &serde_json::Value) -> usize {
    let (mut found, mut after) = (0, serde_json::Value::Null);
    loop {
        let request = json!({"Parameters": parameters, "After": after}).to_string();
        let answer = umpin::cmdlets::execute(session, operation, request.as_bytes(), None).unwrap();
        found += answer.objects.len();
        match answer.next {
            Some(next) if found < 100 => after = json!(next),
            _ => return found,
        }
    }
}

fn among(folder: &Path, many: usize) {
    const READS: usize = 10_000;
    let stores = [1_000, many].map(|count| {
        among_so_many(folder, count);
        (open(&folder.join(format!("among{count}"))), in_a_lists_order(count))
    });
    for (order, step) in [("no", 7_919), ("a list's", 1)] {
        // By turns: within a minute the processor's pace changes by more than the two differ.
        let mut times = [vec![], vec![]];
        for round in 0..21 {
            for (times, (session, names)) in times.iter_mut().zip(&stores) {
                timed(times, || {
                    (0..READS).for_each(|n| get(session, &names[(n + round * READS) * step % names.len()]))
                });
            }
        }
        let [few, great] = times.map(|times| median(times).as_secs_f64() * 1e6 / READS as f64);
        println!(
            "  look-up among {many} / among 1,000, in {order} order: {great:.1} us, {few:.1} us: {:.2} (aim: at most \
             1.2)",
            great / few
        );
    }
}

/// What a pipeline asks for.
fn in_a_lists_order(count: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..count).map(|n| format!("user{n}@contoso.com")).collect();
    names.sort_unstable();
    names
}

fn open(store: &Path) -> Session {
    Session::open(Some(store.join("um.db")), Some(store.join("umpin.key")), None).unwrap()
}

fn get(session: &Session, name: &str) {
    let who = Lookup { identity: Some(name.to_owned()), ..Lookup::default() };
    std::hint::black_box(get_um_mailbox_pin(session, &who).unwrap());
}

/// What was measured in one store.
struct Among {
    /// Of the file, without a log beside it.
    bytes_a_mailbox: u64,
    /// Microseconds, as `bare_read` and `answers`.
    look_up: f64,
    bare_read: f64,
    /// A look-up in the order of a list, as a pipeline asks.
    in_list_order: f64,
    /// What was asked for, and how long its first hundred took.
    answers: Vec<(&'static str, f64)>,
}

fn among_so_many(folder: &Path, count: usize) -> Among {
    const READS: usize = 2_000;
    let store = folder.join(format!("among{count}"));
    std::fs::create_dir(&store).unwrap();
    let started = Instant::now();
    let session = seed(&store, count).unwrap();
    println!("  {count} mailboxes seeded in {:.1?}", started.elapsed());
    rusqlite::Connection::open(store.join("um.db"))
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    let bytes_a_mailbox = std::fs::metadata(store.join("um.db")).unwrap().len() / count as u64;
    println!("  bytes a mailbox: {bytes_a_mailbox} (aim: at most 1,600)");
    let (in_no_order, bare_read) = look_up(&store, &session, READS, "no", &|n, round| who(n, round, count));
    let names = in_a_lists_order(count);
    let listed = |n: usize, round: usize| names[(round * READS + n) % count].clone();
    let (in_list_order, _) = look_up(&store, &session, READS, "a list's", &listed);
    Among { bytes_a_mailbox, look_up: in_no_order, bare_read, in_list_order, answers: filters(&session, count) }
}

/// Whom round `round` asks for: others than the round before, in no order.
fn who(n: usize, round: usize, count: usize) -> String {
    format!("user{}@contoso.com", (n * 7_919 + round * 104_729) % count)
}

/// What benches/powershell.ps1 divides by, in a process of its own: nothing but the figure. `hashes`: bare hashes a
/// second on all cores.
fn reference(what: &str) {
    assert_eq!(what, "hashes");
    println!("{:.3}", bare_hashes());
}

/// Microseconds of a look-up and of a bare read. By turns, each round over other mailboxes, so that both ways meet the
/// same caches.
fn look_up(
    store: &Path,
    session: &Session,
    reads: usize,
    order: &str,
    whom: &dyn Fn(usize, usize) -> String,
) -> (f64, f64) {
    let bare = BareRead::open(store);
    let (mut bares, mut gets) = (vec![], vec![]);
    for round in 0..11 {
        let names: Vec<String> = (0..reads).map(|n| whom(n, round)).collect();
        timed(&mut bares, || names.iter().for_each(|name| bare.read(name)));
        timed(&mut gets, || names.iter().for_each(|name| get(session, name)));
    }
    let each = |times: Vec<Duration>| median(times).as_secs_f64() * 1e6 / reads as f64;
    let (bare, get) = (each(bares), each(gets));
    println!("  look-up in {order} order {get:.1} us, bare read {bare:.1} us: {:.2} (aim: at most 1.5)", get / bare);
    (get, bare)
}

/// What was asked for, and how many microseconds its first hundred took.
fn filters(session: &Session, count: usize) -> Vec<(&'static str, f64)> {
    let last = count - 1;
    let filter = |text: String| json!({"Filter": text});
    let mut all = Vec::new();
    for (what, aim, operation, parameters) in [
        (
            "number that begins so",
            "100 ms",
            "Get-UMMailbox",
            filter(format!("EmailAddresses -like 'eum:{}*'", &extension(last)[..5])),
        ),
        ("name that begins so", "100 ms", "Get-UMMailbox", filter(format!("DisplayName -like 'User {}*'", last / 100))),
        ("-Anr", "100 ms", "Get-UMMailbox", json!({"Anr": format!("user {}", last / 100)})),
        (
            "policy and alias",
            "100 ms",
            "Get-UMMailbox",
            filter(format!("UMMailboxPolicy -eq 'Policy' -and Alias -eq 'user{last}'")),
        ),
        ("name, no index", "5 s", "Get-UMMailbox", filter(format!("DisplayName -like '*r {last}'"))),
        ("address, no index", "5 s", "Get-UMMailbox", filter(format!("EmailAddresses -like '*r{last}@*'"))),
        (
            "completion",
            "50 ms",
            "Complete-Identity",
            json!({"Kind": "UMMailbox", "Prefix": format!("user{}", last / 100)}),
        ),
    ] {
        let (mut times, mut found) = (vec![], 0);
        for _ in 0..3 {
            found = timed(&mut times, || first_hundred(session, operation, &parameters));
        }
        let took = median(times);
        println!("  {what}: {found} in {took:.1?} (aim: at most {aim})");
        all.push((what, took.as_secs_f64() * 1e6));
    }
    all
}

/// Many PINs at once: a thread more than cores, so that all hash while one waits for the disk.
fn bulk(folder: &Path) {
    const MAILBOXES: usize = 400;
    let store = folder.join("bulk");
    std::fs::create_dir(&store).unwrap();
    let session = seed(&store, MAILBOXES).unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    let hashes = bare_hashes();
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores + 1 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= MAILBOXES {
                        return;
                    }
                    let who = Lookup { identity: Some(format!("user{n}")), ..Lookup::default() };
                    let asked = SetPin { who, send_email: Some(true), ..SetPin::default() };
                    begin_reset(&session, asked).unwrap().commit(&session).unwrap();
                }
            });
        }
    });
    let sets = MAILBOXES as f64 / started.elapsed().as_secs_f64();
    println!("  {sets:.1} sets a second, {hashes:.1} bare hashes: {:.3} (aim: at least 0.9)", sets / hashes);
}

/// A sign-in as a program of its own, as a telephone system without AGI asks.
fn process(folder: &Path) {
    use std::process::{Command, Stdio};
    let program = env!("CARGO_BIN_EXE_umpin");
    let store = folder.join("process");
    std::fs::create_dir(&store).unwrap();
    drop(seed(&store, 100).unwrap());
    let (mut hashes, mut processes) = (vec![], vec![]);
    let mut bare = Bare::new();
    for n in 0..40 {
        timed(&mut hashes, || bare.hash());
        timed(&mut processes, || {
            let mut child = Command::new(program)
                .args(["verify", "--extension", &extension(n)])
                .env("UMPIN_STORE", store.join("um.db"))
                .env("UMPIN_KEY_FILE", store.join("umpin.key"))
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            writeln!(child.stdin.take().unwrap(), "{PIN}").unwrap();
            assert!(child.wait().unwrap().success());
        });
    }
    let (hash, process) = (median(hashes), median(processes));
    println!(
        "  umpin verify {process:.2?}, hash {hash:.2?}: {:.2} (aim: at most 1.4)",
        process.as_secs_f64() / hash.as_secs_f64()
    );
}

/// The upgrade of a store, against copying its file.
fn upgrade(folder: &Path) {
    let Some(old) = std::env::var_os("UMPIN_BENCH_V1").map(std::path::PathBuf::from) else {
        println!("  skipped: none is named");
        return;
    };
    let started = Instant::now();
    std::fs::copy(old.join("um.db"), folder.join("um.db")).unwrap();
    std::fs::File::open(folder.join("um.db")).unwrap().sync_all().unwrap();
    let copy = started.elapsed();
    std::fs::copy(old.join("umpin.key"), folder.join("umpin.key")).unwrap();
    let size = |folder: &Path| std::fs::metadata(folder.join("um.db")).unwrap().len() >> 20;
    let (before, was) = (size(folder), peak());
    let session = open(folder);
    let started = Instant::now();
    umpin::cmdlets::execute(&session, "Get-UMPinConfiguration", b"{}", None).unwrap();
    let took = started.elapsed();
    println!(
        "  {before} MiB to {} MiB in {took:.1?}, copying took {copy:.1?}: {:.1} copies (aim: at most 10); peak memory \
         {} MiB (was {was} MiB)",
        size(folder),
        took.as_secs_f64() / copy.as_secs_f64(),
        peak()
    );
    let count = usize::try_from(session.read(|tx| tx.recipient_count()).unwrap()).unwrap();
    println!("  bytes a mailbox: {} (aim: at most 1,600)", (size(folder) << 20) / count as u64);
    look_up(folder, &session, 2_000, "no", &|n, round| who(n, round, count));
    filters(&session, count);
}

/// What this process has used of the processors; zero where the system does not tell.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the program's name, which may have blanks in it; user and system time in hundredths of a second.
    let fields: Vec<&str> = told.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// The most memory this process ever had, in MiB; 0 where the system does not tell.
fn peak() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(0, |kib| kib / 1024)
}

/// The few are imported again and again between the steps of the many, each time into an empty store: what the machine
/// does beside it, and the pace of its processor, then meet both.
fn import(folder: &Path, many: usize) {
    const FEW: usize = 10_000;
    let (few_file, many_file) = (people(folder, FEW), people(folder, many));
    let (mut few, mut great) = (Taken::default(), Taken::default());
    let mut every = Taken::default();
    // In the file system's memory, and the library's code in the processor's.
    import_file(&few_file, &folder.join("first"), &mut Taken::default(), || {});
    let mut stores = 0;
    let before = peak();
    import_file(&many_file, &folder.join("many"), &mut great, || {
        every.stop();
        if every.time > Duration::from_secs(1) || stores == 0 {
            every = Taken::default();
            stores += 1;
            let store = folder.join("few");
            import_file(&few_file, &store, &mut few, || {});
            std::fs::remove_dir_all(store).unwrap();
        }
        every.start();
    });
    let few = few.told(FEW, FEW * stores);
    let great = great.told(many, many);
    println!(
        "  rate at {many} / rate at {FEW}: {:.2} (aim: at least 0.8), by processor time {:.2}; peak memory {} MiB (was \
         {before} MiB)",
        great.rows_a_second / few.rows_a_second,
        great.rows_a_processor_second / few.rows_a_processor_second,
        peak()
    );
    disturbed_import(folder, many);
}

struct Imported {
    rows_a_second: f64,
    rows_a_processor_second: f64,
}

/// Says at the end of its life that something has ended, whether that went well or not.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Imports people while somebody else changes something at times: how long that waits.
fn disturbed_import(folder: &Path, count: usize) {
    let file = people(folder, count);
    let store = folder.join("disturbed");
    let ended = AtomicBool::new(false);
    let mut taken = Taken::default();
    let add_plan = |session: &Session, n: usize| {
        let request =
            json!({"Mode": "Commit", "Parameters": {"Name": format!("p{n}"), "NumberOfDigitsInExtension": 5}});
        umpin::cmdlets::execute(session, "New-UMDialPlan", request.to_string().as_bytes(), None).unwrap()
    };
    add_plan(&open(&store), 0);
    let mut waits = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let session = open(&store);
            let mut waits = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                // Now and then, in no step with the import: where nobody came for long, a transaction has become long.
                std::thread::sleep(Duration::from_millis(97) * (1 + waits.len() as u32 * 7 % 20));
                let since = Instant::now();
                add_plan(&session, waits.len() + 1);
                waits.push(since.elapsed());
            }
            waits
        });
        {
            let _ends = Ends(&ended);
            import_file(&file, &store, &mut taken, || {});
        }
        other.join().unwrap()
    });
    waits.sort();
    taken.told(count, count);
    println!(
        "  beside that {} changes by another session, which took {:.0?} in the middle, {:.0?} of 95 in 100, at \
         most {:.0?}",
        waits.len(),
        waits[waits.len() / 2],
        waits[waits.len() * 95 / 100],
        waits[waits.len() - 1]
    );
}

/// What was taken so far, of the clock and of the processor.
#[derive(Default)]
struct Taken {
    time: Duration,
    processor: Duration,
    since: Option<(Instant, Duration)>,
}

impl Taken {
    fn start(&mut self) {
        self.since = Some((Instant::now(), processor_time()));
    }

    fn stop(&mut self) {
        if let Some((at, processor)) = self.since.take() {
            self.time += at.elapsed();
            self.processor += processor_time() - processor;
        }
    }

    fn told(&self, count: usize, rows: usize) -> Imported {
        let rows = rows as f64;
        let told = Imported {
            rows_a_second: rows / self.time.as_secs_f64(),
            rows_a_processor_second: rows / self.processor.as_secs_f64(),
        };
        println!(
            "  {count}: {:.1?}, {:.0} rows a second, {:.1} us of processor time a row",
            self.time,
            told.rows_a_second,
            1e6 / told.rows_a_processor_second
        );
        told
    }
}

/// A file with so many people, in no order, as a directory gives them.
fn people(folder: &Path, count: usize) -> PathBuf {
    let file = folder.join(format!("{count}.csv"));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file).unwrap());
    writeln!(out, "Guid,DistinguishedName,DisplayName,Alias,EmailAddresses,OfficePhone").unwrap();
    for n in 0..count {
        let guid = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let n = n * 7_919 % count;
        writeln!(
            out,
            "{:08x}-0000-4000-8000-{n:012},\"CN=User {n},OU=Users,DC=contoso,DC=com\",User \
             {n},user{n},SMTP:user{n}@contoso.com,+1 425 {n:07}",
            guid >> 32
        )
        .unwrap();
    }
    out.flush().unwrap();
    file
}

/// Imports a file into an empty store; between any two steps `between` is done, which does not count.
fn import_file(file: &Path, store: &Path, taken: &mut Taken, mut between: impl FnMut()) {
    taken.start();
    let session = open(store);
    let mut run = |parameters: serde_json::Value| {
        let request = json!({"Mode": "Commit", "Parameters": parameters}).to_string();
        let done = umpin::cmdlets::execute(&session, "Import-UMRecipient", request.as_bytes(), None).unwrap();
        taken.stop();
        between();
        taken.start();
        done
    };
    let id = run(json!({"Step": "Begin"})).objects[0]["Import"].clone();
    while run(json!({"Step": "Read", "Import": id, "Path": file.to_str().unwrap()})).next.is_some() {}
    while run(json!({"Step": "Apply", "Import": id})).next.is_some() {}
    run(json!({"Step": "End", "Import": id}));
    taken.stop();
}

/// Imports so many people into so many empty stores, one after another.
fn import_so_many(folder: &Path, count: usize, stores: usize) -> Imported {
    let file = people(folder, count);
    let mut taken = Taken::default();
    for store in 0..stores {
        import_file(&file, &folder.join(format!("import{count}-{store}")), &mut taken, || {});
    }
    taken.told(count, count * stores)
}
