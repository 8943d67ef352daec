//! The key: rotated under load and killed at any point, missing, wrong; and what a stolen database is worth without it.

use crate::support::child::Running;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::raw::Raw;
use crate::support::{
    FIRST_PIN, Fixture, START, child, extension, is_wine, session_at, set, skip, store_bytes, verify,
};
use serde_json::json;
use umpin::cmdlets::document::Response;
use umpin::cmdlets::execute;
use umpin::crypto::hash::{HashParams, hash};
use umpin::crypto::key::KeyId;
use umpin::crypto::key::{KeyFile, MasterKey, leftovers};
use umpin::crypto::seal::pin_context;
use umpin::crypto::seal::{Purpose, open};
use umpin::error::{Result, Status};
use umpin::guid::RecipientGuid;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::sign_in::{self, Caller, Reason};
use umpin::session::{Clock, Session, Tuning};
use umpin::store::pins::PinRow;

fn key_file(folder: &Path) -> KeyFile {
    KeyFile::new(folder.join("umpin.key"))
}

fn key_ids(folder: &Path) -> Vec<KeyId> {
    key_file(folder).load().unwrap().ids().cloned().collect()
}

fn store_key(session: &Session) -> KeyId {
    session.read(|tx| tx.key_id()).unwrap().unwrap()
}

fn keys_in_rows(session: &Session) -> Vec<KeyId> {
    session.read(|tx| tx.key_ids_in_use()).unwrap()
}

fn pin_row(session: &Session, n: usize) -> (RecipientGuid, PinRow) {
    session
        .read(|tx| {
            let guid = tx.um_addresses_by_key(&extension(n), None)?[0].guid.clone();
            let row = tx.pin(&guid)?.unwrap();
            Ok((guid, row))
        })
        .unwrap()
}

fn step(session: &Session, mode: &str, after: Option<&str>) -> Result<Response> {
    let request = json!({"Mode": mode, "Parameters": {}, "After": after}).to_string();
    execute(session, "Update-UMPinKey", request.as_bytes(), None)
}

/// A whole run; its last answer.
fn rotate(session: &Session) -> Result<Response> {
    let mut response = step(session, "Commit", None)?;
    while let Some(after) = response.next.clone() {
        response = step(session, "Commit", Some(&after))?;
    }
    Ok(response)
}

/// The key file holds one key, which the store and every row name; the trail is whole; every PIN signs in.
fn assert_settled(f: &Fixture, people: usize) {
    let session = f.another();
    let ids = key_ids(f.folder.path());
    assert_eq!(ids, [store_key(&session)]);
    assert_eq!(keys_in_rows(&session), ids);
    for check in crate::support::run(&session, "Test-UMPinStore", &json!({})).unwrap().objects {
        if ["Key", "SealedValues", "AuditTrail", "Integrity"].contains(&check["Check"].as_str().unwrap()) {
            assert_eq!(check["Result"], "Passed", "{check}");
        }
    }
    for n in 0..people {
        assert!(verify(&session, n, FIRST_PIN).accepted, "user{n}");
    }
}

#[test]
fn a_rotation_seals_everything_anew_and_drops_the_old_key() {
    let f = Fixture::new(PinPolicy::default(), 450);
    f.pickup();
    set(&f.session, 0, Some("580437")).unwrap();
    set(&f.session, 0, Some("604938")).unwrap();
    let old = store_key(&f.session);

    let asked = step(&f.session, "Validate", None).unwrap();
    assert!(asked.action.unwrap().contains("450 PINs, 2 earlier PINs, 1 queued messages"));
    assert_eq!(key_ids(f.folder.path()), std::slice::from_ref(&old), "-WhatIf makes no key");

    let first = step(&f.session, "Commit", None).unwrap();
    assert_eq!(first.progress, Some((0, 453)));
    assert_eq!(key_ids(f.folder.path()).len(), 2);
    let mut calls = 1;
    let mut last = first;
    while let Some(after) = last.next.clone() {
        last = step(&f.session, "Commit", Some(&after)).unwrap();
        calls += 1;
    }
    assert!(calls >= 5, "several batches");
    assert_eq!(last.progress, Some((453, 453)));
    let object = &last.objects[0];
    let new = store_key(&f.session);
    assert_ne!(new, old);
    assert_eq!((&object["KeyId"], &object["PreviousKeyIds"]), (&json!(new), &json!([old])));
    assert!(last.warnings[0].message.contains(old.as_str()), "{:?}", last.warnings);

    let rows = f.session.read(|tx| tx.pin_history(&pin_row(&f.session, 0).0)).unwrap();
    assert_eq!(rows.len(), 2);
    // History and queued mail still open: an earlier PIN is refused, the mail is delivered.
    assert_eq!(set(&f.session, 0, Some(FIRST_PIN)).unwrap_err().status, Status::WeakPin);
    assert_eq!(umpin::service::delivery::deliver_due(&f.session, None).unwrap().sent.len(), 1);
    assert!(f.verify(0, "604938").accepted);
    assert!(f.verify(449, FIRST_PIN).accepted);
    set(&f.session, 0, Some("915263")).unwrap();
    assert_eq!(keys_in_rows(&f.session), [new]);
}

/// A run that ends after each possible number of steps, resumed by another process.
#[test]
fn a_run_that_ends_after_any_step_is_resumed() {
    for steps in 0..7 {
        let f = Fixture::new(PinPolicy::default(), 230);
        let first = store_key(&f.session);
        let mut after = None;
        for _ in 0..steps {
            after = step(&f.session, "Commit", after.as_deref()).unwrap().next;
        }
        let begun = key_ids(f.folder.path());
        assert_eq!(begun.len(), if steps == 0 { 1 } else { 2 }, "after {steps} steps");
        assert!(f.verify(229, FIRST_PIN).accepted);
        let last = rotate(&f.another()).unwrap();
        assert_settled(&f, 230);
        let now = store_key(&f.session);
        assert_ne!(now, first);
        if steps > 0 {
            assert_eq!(now, begun[0], "no third key was made");
            assert_eq!(last.objects[0]["PreviousKeyIds"], json!([first]));
        }
    }
}

#[test]
fn a_run_killed_between_the_key_file_and_the_first_transaction_takes_that_key() {
    let f = Fixture::new(PinPolicy::default(), 3);
    let ring = key_file(f.folder.path()).load().unwrap();
    let unused = MasterKey::generate().unwrap();
    key_file(f.folder.path()).replace(&[&unused, &ring.keys()[0]]).unwrap();
    assert!(f.verify(0, FIRST_PIN).accepted, "two keys in the file disturb nobody");
    rotate(&f.session).unwrap();
    assert_eq!(&store_key(&f.session), unused.id());
    assert_settled(&f, 3);
}

#[test]
fn two_runs_at_once_bring_one_key() {
    let f = Fixture::new(PinPolicy::default(), 600);
    let old = store_key(&f.session);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let session = f.another();
            scope.spawn(move || match rotate(&session) {
                Ok(_) => {}
                // The other one was done before this one began its last steps, and began anew.
                Err(e) => assert_eq!(e.status, Status::Conflict),
            });
        }
    });
    rotate(&f.session).unwrap();
    assert_ne!(store_key(&f.session), old);
    assert_settled(&f, 600);
}

#[test]
fn a_broken_seal_is_named_and_keeps_the_old_key_until_it_has_a_new_pin() {
    let f = Fixture::new(PinPolicy::default(), 3);
    set(&f.session, 1, Some("580437")).unwrap();
    let sql = Raw::of(f.folder.path());
    let (guid, _) = pin_row(&f.session, 0);
    let (other, _) = pin_row(&f.session, 1);
    for (table, whose) in [("pin", &guid), ("pin_history", &other)] {
        let guid = whose.as_str().replace('-', "");
        let person = format!("(SELECT id FROM recipient WHERE guid = x'{guid}')");
        let broken = "5a".repeat(72);
        sql.run(&format!("UPDATE {table} SET sealed = x'{broken}' WHERE recipient_id = {person}"));
    }
    let mut warnings = Vec::new();
    let mut response = step(&f.session, "Commit", None).unwrap();
    loop {
        warnings.extend(response.warnings.iter().map(|w| w.message.clone()));
        let Some(after) = response.next.clone() else { break };
        response = step(&f.session, "Commit", Some(&after)).unwrap();
    }
    let told = warnings.join("\n");
    assert!(told.contains("The sealed PIN of contoso.com/Users/User 0"), "{told}");
    assert!(told.contains("an earlier PIN of contoso.com/Users/User 1"), "{told}");
    assert_eq!(response.objects[0]["Failed"], 1);
    assert_eq!(key_ids(f.folder.path()).len(), 2);
    let error = sign_in::verify(&f.session, &number(0), &Pin::new(FIRST_PIN)).unwrap_err();
    assert_eq!(error.status, Status::SealBroken);
    assert_eq!(f.state(0).facts.failures, 0, "a broken seal is no wrong PIN");
    assert!(f.verify(2, FIRST_PIN).accepted);

    set(&f.session, 0, Some("604938")).unwrap();
    rotate(&f.session).unwrap();
    assert_eq!(key_ids(f.folder.path()).len(), 1);
    assert!(f.verify(0, "604938").accepted);
}

#[cfg(windows)]
#[test]
fn a_key_file_that_cannot_be_written_changes_nothing() {
    use std::os::windows::fs::OpenOptionsExt;
    let f = Fixture::new(PinPolicy::default(), 2);
    let old = store_key(&f.session);
    const SHARE_READ: u32 = 1;
    // Somebody reads it and lets nobody write.
    let held = std::fs::File::options().read(true).share_mode(SHARE_READ).open(f.path("umpin.key")).unwrap();
    assert_eq!(rotate(&f.session).unwrap_err().status, Status::KeyIo);
    assert_eq!(store_key(&f.session), old);
    assert!(verify(&f.session, 0, FIRST_PIN).accepted);
    drop(held);
    rotate(&f.session).unwrap();
    assert_ne!(store_key(&f.session), old);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_cannot_be_written_changes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let f = Fixture::new(PinPolicy::default(), 2);
    let folder = f.path("keys");
    std::fs::create_dir(&folder).unwrap();
    std::fs::rename(f.path("umpin.key"), folder.join("umpin.key")).unwrap();
    let mut location = f.session.location().clone();
    location.key = folder.join("umpin.key");
    let session = Session::with(location, None, Tuning::danger_test(Clock::Manual(f.clock.clone()))).unwrap();
    let old = store_key(&session);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    let told = rotate(&session);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    match told {
        // Root writes everywhere.
        Ok(_) => println!("SKIPPED: a key file that cannot be written (this account may write everywhere)"),
        Err(e) => {
            assert_eq!(e.status, Status::KeyIo);
            assert_eq!(store_key(&session), old);
            assert!(verify(&session, 0, FIRST_PIN).accepted);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Other processes meanwhile.

const PEOPLE: usize = 300;

fn number(n: usize) -> Caller {
    Caller::Number { number: extension(n), dial_plan: None }
}

fn session_in(folder: &Path) -> Session {
    session_at(folder, &Arc::new(AtomicI64::new(START)))
}

/// Rotates without end, until it is killed.
#[test]
fn rotating_process() {
    let Some((folder, _)) = child::folder_and_id() else { return };
    let session = session_in(&folder);
    loop {
        rotate(&session).unwrap();
    }
}

/// Signs in with right PINs and, at one mailbox of its own, sets new ones, until told to stop.
#[test]
fn signing_in_process() {
    let Some((folder, id)) = child::folder_and_id() else { return };
    let session = session_in(&folder);
    let mut done = 0;
    while !folder.join("stop").exists() {
        let n = 10 + (done * 7 + id * 31) % (PEOPLE - 10);
        let answer = sign_in::verify(&session, &number(n), &Pin::new(FIRST_PIN)).unwrap();
        assert!(answer.accepted, "user{n}: {:?}", answer.reason);
        if done % 10 == 0 {
            let pin = format!("{:06}", 739_000 + id * 10_000 + done);
            if set(&session, id, Some(&pin)).is_ok() {
                assert!(verify(&session, id, &pin).accepted, "the PIN just set");
            }
        }
        done += 1;
    }
    println!("\nsigned in {done} times");
}

fn killed(mut process: Running) {
    if process.try_wait().unwrap().is_some() {
        panic!("it ended by itself: {:?}", process.wait_with_output());
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

fn finished(process: Running) -> String {
    let output = process.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn rotations_killed_at_any_point_under_load_lose_no_pin() {
    let f = Fixture::new(PinPolicy { failures_before_reset: None, ..PinPolicy::default() }, PEOPLE);
    let first = store_key(&f.session);
    let load: Vec<Running> =
        (0..3).map(|id| child::spawn(module_path!(), "signing_in_process", f.folder.path(), id)).collect();
    let mut seen = HashSet::new();
    for round in 0..40u64 {
        let rotation = child::spawn(module_path!(), "rotating_process", f.folder.path(), 0);
        // Spread over the start of the process, the key file's writing, the batches and the end.
        std::thread::sleep(Duration::from_millis(5 + round * 37 % 120));
        killed(rotation);
        seen.insert(key_ids(f.folder.path()).len());
    }
    std::fs::write(f.path("stop"), "").unwrap();
    for process in load {
        let told = finished(process);
        println!("{}", told.lines().find(|l| l.starts_with("signed in")).unwrap());
    }
    rotate(&f.session).unwrap();
    assert_ne!(store_key(&f.session), first);
    for n in 10..PEOPLE {
        assert!(f.verify(n, FIRST_PIN).accepted, "user{n}");
        assert_eq!(f.state(n).facts.lifetime_failures, 0);
    }
    assert_eq!(key_ids(f.folder.path()), [store_key(&f.session)]);
    assert_eq!(keys_in_rows(&f.session), [store_key(&f.session)]);
    println!("key files seen with {seen:?} keys; {} leftovers", leftovers(&f.path("umpin.key")).len());
    let trail = f.run("Test-UMPinStore", &json!({})).unwrap();
    assert!(trail.objects.iter().any(|c| c["Check"] == "AuditTrail" && c["Result"] == "Passed"));
}

/// Guesses wrong at a mailbox of its own, and tells how many guesses were answered and how many were errors.
#[test]
fn wrong_guessing_process() {
    let Some((folder, id)) = child::folder_and_id() else { return };
    let session = session_in(&folder);
    let (mut answered, mut failed) = (0, 0);
    while !folder.join("stop").exists() {
        match sign_in::verify(&session, &number(id), &Pin::new("000000")) {
            Ok(answer) => {
                assert_eq!(answer.reason, Reason::WrongPin);
                answered += 1;
            }
            Err(e) => {
                assert!(
                    [Status::KeyMissing, Status::KeyWrong, Status::KeyMalformed, Status::KeyExposed]
                        .contains(&e.status),
                    "{e:?}"
                );
                failed += 1;
            }
        }
        // Right, or an error; never refused.
        let right = sign_in::verify(&session, &number(10 + id), &Pin::new(FIRST_PIN));
        assert!(right.is_err() || right.is_ok_and(|a| a.accepted));
    }
    println!("\ntold {answered} {failed}");
}

#[test]
fn a_missing_or_wrong_key_under_load_is_an_error_and_counts_nothing() {
    if is_wine() {
        let name = "a_missing_or_wrong_key_under_load_is_an_error_and_counts_nothing";
        return skip(name, "Wine replaces no file that others read all the time (Windows does, by a POSIX rename)");
    }
    let policy =
        PinPolicy { failures_before_reset: None, max_attempts: None, lifetime_days: None, ..PinPolicy::default() };
    let f = Fixture::new(policy, 20);
    let key = f.path("umpin.key");
    let load: Vec<Running> =
        (0..4).map(|id| child::spawn(module_path!(), "wrong_guessing_process", f.folder.path(), id)).collect();
    let pause = || std::thread::sleep(Duration::from_millis(60));
    let right = std::fs::read(&key).unwrap();
    for _ in 0..4 {
        pause();
        // Gone.
        std::fs::rename(&key, f.path("away")).unwrap();
        pause();
        std::fs::rename(f.path("away"), &key).unwrap();
        pause();
        // Another key.
        let ring = key_file(f.folder.path()).load().unwrap();
        key_file(f.folder.path()).replace(&[&MasterKey::generate().unwrap()]).unwrap();
        pause();
        key_file(f.folder.path()).replace(&[&ring.keys()[0]]).unwrap();
        pause();
        // Cut short, in place.
        std::fs::write(&key, &right[..right.len() - 7]).unwrap();
        pause();
        std::fs::write(&key, &right).unwrap();
    }
    pause();
    std::fs::write(f.path("stop"), "").unwrap();
    let (mut all_answered, mut all_failed) = (0, 0);
    for (n, process) in load.into_iter().enumerate() {
        let text = finished(process);
        let told: Vec<u32> = text
            .lines()
            .find_map(|l| l.strip_prefix("told "))
            .unwrap()
            .split(' ')
            .map(|t| t.parse().unwrap())
            .collect();
        assert_eq!(f.state(n).facts.failures, told[0], "each answered guess counted, and no other");
        assert_eq!(f.state(10 + n).facts.lifetime_failures, 0);
        all_answered += told[0];
        all_failed += told[1];
    }
    assert!(all_answered > 10 && all_failed > 10, "{all_answered} answered, {all_failed} failed");
    assert_eq!(outbox(&f.session), 0);
}

fn outbox(session: &Session) -> i64 {
    session.read(|tx| tx.outbox_count()).unwrap()
}

#[test]
fn a_store_without_its_key_gets_no_new_one() {
    let f = Fixture::new(PinPolicy::default(), 1);
    std::fs::remove_file(f.path("umpin.key")).unwrap();
    let session = f.another();
    for told in [
        sign_in::verify(&session, &number(0), &Pin::new(FIRST_PIN)).map(|_| ()),
        set(&session, 0, Some("580437")).map(|_| ()),
        rotate(&session).map(|_| ()),
        step(&session, "Validate", None).map(|_| ()),
    ] {
        assert_eq!(told.unwrap_err().status, Status::KeyMissing);
    }
    assert!(!f.path("umpin.key").exists());
}

// ---------------------------------------------------------------------------------------------------------------------
// Hash parameters.

fn session_with_cost(f: &Fixture, hash: HashParams) -> Session {
    let tuning = Tuning { hash, ..Tuning::danger_test(Clock::Manual(f.clock.clone())) };
    Session::with(f.session.location().clone(), None, tuning).unwrap()
}

const STRONGER: HashParams = HashParams { memory_kib: 64, passes: 2, lanes: 1 };

#[test]
fn a_right_sign_in_upgrades_the_hash_and_a_wrong_one_does_not() {
    let f = Fixture::new(PinPolicy::default(), 2);
    let weak = pin_row(&f.session, 0).1;
    let session = session_with_cost(&f, STRONGER);
    assert_eq!(verify(&session, 0, "000000").reason, Reason::WrongPin);
    assert_eq!(pin_row(&session, 0).1.params, weak.params);
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    let strong = pin_row(&session, 0).1;
    assert_eq!((strong.params, strong.version, strong.salt), (STRONGER, weak.version, weak.salt));
    assert_ne!(strong.sealed, weak.sealed);
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    assert_eq!(verify(&session, 0, "000000").reason, Reason::WrongPin);
    // A process of an older version neither refuses it nor makes it weaker.
    assert!(f.verify(0, FIRST_PIN).accepted);
    assert_eq!(pin_row(&session, 0).1.params, STRONGER);
    // The history compares each under its own cost.
    set(&session, 0, Some("580437")).unwrap();
    assert_eq!(set(&session, 0, Some(FIRST_PIN)).unwrap_err().status, Status::WeakPin);
    assert_eq!(set(&session, 1, Some(FIRST_PIN)).unwrap_err().status, Status::WeakPin);
}

/// Two telephones at once: the one that is still hashing under the old cost must not be told that its PIN is wrong.
#[test]
fn an_upgrade_in_the_middle_of_another_sign_in_refuses_nobody() {
    let f = Fixture::new(PinPolicy::default(), 40);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let session = session_with_cost(&f, STRONGER);
            scope.spawn(move || {
                for n in 0..40 {
                    let answer = verify(&session, n, FIRST_PIN);
                    assert!(answer.accepted, "user{n}: {:?}", answer.reason);
                }
            });
        }
    });
    for n in 0..40 {
        assert_eq!(pin_row(&f.session, n).1.params, STRONGER);
        assert_eq!(f.state(n).facts.lifetime_failures, 0);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// A stolen database.

/// The six-digit PINs that are tried: all in a full run, else fifty thousand around the one that is set.
fn candidates() -> std::ops::Range<i64> {
    if crate::support::is_full_scale() { 0..1_000_000 } else { 550_000..600_000 }
}

/// Runs `test` on every candidate, on every core; those that it takes.
fn search_all(test: impl Fn(&Pin) -> bool + Sync) -> Vec<String> {
    let candidates = candidates();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicI64::new(candidates.start);
    let found = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(1000, Ordering::SeqCst);
                    if from >= candidates.end {
                        break;
                    }
                    for n in from..from + 1000 {
                        let text = format!("{n:06}");
                        if test(&Pin::new(text.as_str())) {
                            found.lock().unwrap().push(text);
                        }
                    }
                }
            });
        }
    });
    assert!(next.load(Ordering::SeqCst) >= candidates.end);
    found.into_inner().unwrap()
}

/// Every run of `N` bytes in these bytes: whatever stands in a file stands in here by its first `N` bytes.
fn windows<const N: usize>(bytes: &[u8]) -> HashSet<[u8; N]> {
    bytes.windows(N).map(|w| w.try_into().unwrap()).collect()
}

#[test]
fn every_six_digit_pin_tells_nothing_without_the_key_and_one_with_it() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(1), ..PinPolicy::default() }, 1);
    f.run("Set-UMPinConfiguration", &json!({"SprayDetectionThreshold": 1})).unwrap();
    f.pickup();
    // Everything that a store can hold: a queued mail with a PIN, an earlier PIN, failures, audit records, marks.
    set(&f.session, 0, Some("580437")).unwrap();
    f.verify(0, "604938");
    let (guid, row) = pin_row(&f.session, 0);
    let stolen = store_bytes(f.folder.path());
    let known = (windows::<8>(&stolen), windows::<16>(&stolen));
    let hex = |bytes: &[u8]| -> Vec<u8> {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
    };
    // Eight bytes of a hash, as they are or in hexadecimal: a million candidates do not meet those by chance.
    let recognised = |known: &(HashSet<[u8; 8]>, HashSet<[u8; 16]>), hash: &[u8]| {
        let bytes: [u8; 8] = hash[..8].try_into().unwrap();
        let text: [u8; 16] = hex(&bytes).try_into().unwrap();
        known.0.contains(&bytes) || known.1.contains(&text)
    };

    let ring = key_file(f.folder.path()).load().unwrap();
    let opened =
        open(ring.get(&row.key_id).unwrap(), Purpose::Pin, &pin_context(&guid, row.version), &row.sealed).unwrap();
    // That the search can find at all: a store that keeps the bare hash.
    let bare = [&stolen[..], &opened[..]].concat();
    let careless = (windows::<8>(&bare), windows::<16>(&bare));
    let counted = std::sync::atomic::AtomicUsize::new(0);
    let found = search_all(|pin| {
        counted.fetch_add(1, Ordering::Relaxed);
        let hash = hash(pin, &row.salt, &row.params).unwrap();
        let with_key = hash.expose() == &opened[..hash.expose().len()];
        assert!(!recognised(&known, hash.expose()), "a stolen database told a PIN");
        assert_eq!(recognised(&careless, hash.expose()), with_key);
        with_key
    });
    assert_eq!(counted.into_inner(), candidates().count());
    assert_eq!(found, ["580437"]);
    for pin in [FIRST_PIN, "580437", "604938"] {
        assert!(!crate::support::contains(&stolen, pin), "a PIN stands in the store in clear");
    }
}
