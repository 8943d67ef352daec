//! What the library costs, as ratios against references measured in the same run: `cargo bench --bench core`.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

#[path = "../examples/seed_store.rs"]
mod seed_store;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use seed_store::{PIN, extension, seed};
use serde_json::json;
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::crypto::hash::HashParams;
use umpin::pin::Pin;
use umpin::service::lookup::Lookup;
use umpin::service::sign_in::{Caller, verify};
use umpin::session::Session;

fn main() {
    // `cargo test --benches` runs this too, with other arguments: nothing to measure then.
    if !std::env::args().any(|a| a == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    println!("single operations, medians of interleaved rounds");
    singles(folder.path());
    println!("all cores");
    throughput(folder.path());
    println!("refusals, 500 of each over many mailboxes");
    refusals(folder.path());
    println!("import of 100,000 recipients");
    import(folder.path());
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
    fn new() -> Self {
        let p = HashParams::SHIPPED;
        let params = Params::new(p.memory_kib, p.passes, p.lanes, Some(32)).unwrap();
        let arena = vec![Block::new(); params.block_count()];
        Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), arena }
    }

    fn hash(&mut self) {
        let mut out = [0; 32];
        self.argon2.hash_password_into_with_memory(PIN.as_bytes(), &[7; 16], &mut out, &mut self.arena).unwrap();
        std::hint::black_box(out);
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

/// Counts what all cores do in a while.
fn rate(work: impl Fn(usize, &AtomicBool, &AtomicU64) + Sync) -> f64 {
    const WHILE: Duration = Duration::from_secs(3);
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let cores = std::thread::available_parallelism().unwrap().get();
    std::thread::scope(|scope| {
        for core in 0..cores {
            scope.spawn({
                let (work, stop, count) = (&work, &stop, &count);
                move || work(core, stop, count)
            });
        }
        std::thread::sleep(WHILE);
        stop.store(true, Ordering::Relaxed);
    });
    count.load(Ordering::Relaxed) as f64 / WHILE.as_secs_f64()
}

fn throughput(folder: &Path) {
    const MAILBOXES: usize = 1000;
    let store = folder.join("throughput");
    std::fs::create_dir(&store).unwrap();
    let session = seed(&store, MAILBOXES).unwrap();
    let (mut hashes, mut verifies) = (vec![], vec![]);
    for _ in 0..3 {
        hashes.push(rate(|_, stop, count| {
            let mut bare = Bare::new();
            while !stop.load(Ordering::Relaxed) {
                bare.hash();
                count.fetch_add(1, Ordering::Relaxed);
            }
        }));
        verifies.push(rate(|core, stop, count| {
            let pin = Pin::new(PIN);
            let mut n = core * 337;
            while !stop.load(Ordering::Relaxed) {
                assert!(verify(&session, &caller(n % MAILBOXES), &pin).unwrap().accepted);
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

/// The most memory this process ever had, in MiB; 0 where the system does not tell.
fn peak() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(0, |kib| kib / 1024)
}

fn import(folder: &Path) {
    let mut rates = Vec::new();
    for count in [10_000usize, 100_000] {
        let file = folder.join(format!("{count}.csv"));
        let mut out = std::io::BufWriter::new(std::fs::File::create(&file).unwrap());
        writeln!(out, "Guid,DistinguishedName,DisplayName,Alias,EmailAddresses,OfficePhone").unwrap();
        for n in 0..count {
            writeln!(
                out,
                "00000000-0000-0000-0000-{n:012},\"CN=User {n},OU=Users,DC=contoso,DC=com\",User \
                 {n},user{n},SMTP:user{n}@contoso.com,+1 425 {n:07}"
            )
            .unwrap();
        }
        out.flush().unwrap();
        let store = folder.join(format!("import{count}"));
        let session = Session::open(Some(store.join("um.db")), Some(store.join("umpin.key")), None).unwrap();
        let run = |parameters: serde_json::Value| {
            let request = json!({"Mode": "Commit", "Parameters": parameters}).to_string();
            umpin::cmdlets::execute(&session, "Import-UMRecipient", request.as_bytes(), None).unwrap()
        };
        let before = peak();
        let started = Instant::now();
        let id = run(json!({"Step": "Begin"})).objects[0]["Import"].clone();
        while run(json!({"Step": "Read", "Import": id, "Path": file.to_str().unwrap()})).next.is_some() {}
        while run(json!({"Step": "Apply", "Import": id})).next.is_some() {}
        run(json!({"Step": "End", "Import": id}));
        let took = started.elapsed();
        rates.push(count as f64 / took.as_secs_f64());
        println!(
            "  {count}: {took:.1?}, {:.0} rows a second, peak memory {} MiB (was {before} MiB)",
            rates[rates.len() - 1],
            peak()
        );
    }
    println!("  rate at 100,000 / rate at 10,000: {:.2} (1 is linear)", rates[1] / rates[0]);
}
