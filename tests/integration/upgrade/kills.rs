//! The upgrade of many mailboxes, killed at each of its steps and at any moment.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use rusqlite::Connection;
use serde_json::{Value, json};
use umpin::pin::policy::DAY;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::sign_in;
use umpin::session::Session;

use super::{NOW, accepts, faults, open, questions, version, version_1};
use crate::support::{self, FIRST_PIN, Fixture, child, run, session_at, who};

const CHANGED_PIN: &str = "604938";
const NEVER: usize = usize::MAX;

/// Upgrades the store in a process of its own and tells each step. At the one that its parent names it waits to be
/// killed.
#[test]
fn upgrades_the_store() {
    let Some((folder, last)) = child::folder_and_id() else { return };
    let told = open(&folder).bring_up_to_date(&|done, all| {
        println!("\nstep {done} of {all}");
        while usize::try_from(done).unwrap() == last {
            std::thread::park();
        }
    });
    told.unwrap();
}

/// A child that upgrades the store, and the steps that it tells.
struct Upgrading {
    child: child::Running,
    told: BufReader<std::process::ChildStdout>,
}

impl Upgrading {
    fn begin(folder: &Path, last: usize) -> Self {
        let mut child = child::spawn(module_path!(), "upgrades_the_store", folder, last);
        let told = BufReader::new(child.stdout.take().unwrap());
        Self { child, told }
    }

    /// The next step that it tells, and of how many; `None` when it has ended.
    fn next(&mut self) -> Option<(usize, usize)> {
        let mut line = String::new();
        while self.told.read_line(&mut line).unwrap() > 0 {
            if let Some((done, all)) = line.strip_prefix("step ").and_then(|told| told.trim_end().split_once(" of ")) {
                return Some((done.parse().unwrap(), all.parse().unwrap()));
            }
            line.clear();
        }
        None
    }

    /// Kills it, where it has not ended, and gives the last step that it had told.
    fn kill(mut self, before: usize) -> usize {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.next()).last().map_or(before, |(done, _)| done)
    }
}

/// What a store holds, table by table: how many rows, and a sum over all that stands in them.
type Contents = BTreeMap<&'static str, (u64, u64)>;

fn contents(folder: &Path) -> Contents {
    let file = Connection::open(folder.join("um.db")).unwrap();
    let is_old = version(folder) == 1;
    questions()
        .into_iter()
        .map(|(table, old, new)| {
            let mut statement = file.prepare(if is_old { &old } else { &new }).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            let (mut count, mut sum) = (0, 0_u64);
            while let Some(row) = rows.next().unwrap() {
                let mut hasher = DefaultHasher::new();
                (0..columns).for_each(|at| match row.get_ref(at).unwrap() {
                    rusqlite::types::ValueRef::Null => 0.hash(&mut hasher),
                    rusqlite::types::ValueRef::Integer(n) => (1, n).hash(&mut hasher),
                    rusqlite::types::ValueRef::Real(_) => unreachable!("no column holds one"),
                    rusqlite::types::ValueRef::Text(text) => (2, text).hash(&mut hasher),
                    rusqlite::types::ValueRef::Blob(bytes) => (3, bytes).hash(&mut hasher),
                });
                count += 1;
                sum = sum.wrapping_add(hasher.finish());
            }
            (table, (count, sum))
        })
        .collect()
}

/// A store of version 1 with so many mailboxes, earlier PINs, mail that waits, failures and a trail: the fixture's
/// tables, which the released program made, with the rows of today's store as version 1 would hold them.
fn many(people: usize) -> tempfile::TempDir {
    let today = Fixture::new(PinPolicy::default(), people);
    for n in 0..20 {
        support::set(&today.session, n * people / 20, Some(CHANGED_PIN)).unwrap();
        assert!(!today.verify(n * people / 20 + 1, "111222").accepted);
    }
    let folder = version_1();
    support::copy_key(&today.path("umpin.key"), &folder.path().join("umpin.key"));
    let both = Connection::open(today.path("um.db")).unwrap();
    both.pragma_update(None, "foreign_keys", false).unwrap();
    both.execute("ATTACH ?1 AS old", [folder.path().join("um.db").to_str().unwrap()]).unwrap();
    let tables: Vec<String> = both
        .prepare("SELECT name FROM old.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        .and_then(|mut names| names.query_map([], |r| r.get(0))?.collect())
        .unwrap();
    tables.iter().for_each(|table| both.execute_batch(&format!("DELETE FROM old.{table}")).unwrap());
    for (table, old, new) in questions() {
        // The old columns' names; in the file that is open here they would be another table's.
        let columns = Connection::open(folder.path().join("um.db")).unwrap();
        let columns = columns.prepare(&old).unwrap().column_names().join(", ");
        both.execute(&format!("INSERT INTO old.{table} ({columns}) {new}"), []).unwrap();
    }
    drop(both);
    folder
}

/// Opens what a killed upgrade left, as the next program does, and asserts that it is all there.
fn assert_goes_on(folder: &Path, expected: &Contents, now: i64, when: &str) -> Session {
    let session = session_at(folder, &Arc::new(AtomicI64::new(now)));
    run(&session, "Get-UMMailboxPolicy", &json!({})).unwrap();
    assert_eq!(version(folder), 2, "{when}");
    assert_eq!(&contents(folder), expected, "{when}");
    assert_eq!(faults(&session), Vec::<Value>::new(), "{when}");
    session
}

#[test]
fn killed_at_each_of_its_steps_the_upgrade_begins_anew_and_loses_nothing() {
    const NAME: &str = "killed_at_each_of_its_steps_the_upgrade_begins_anew_and_loses_nothing";
    if support::is_on_server(NAME) {
        return;
    }
    let store = many(500);
    let expected = contents(store.path());
    // Marks of wrong PINs are in the fixture.
    assert!(expected.iter().all(|(table, (count, _))| *count > 0 || *table == "spray_mark"), "{expected:?}");
    let mut last = 0;
    let mut steps = 1;
    while last < steps {
        let folder = copy_of(store.path());
        let mut upgrading = Upgrading::begin(folder.path(), last);
        let reached = std::iter::from_fn(|| upgrading.next()).find(|(done, _)| *done >= last);
        // Some steps are several parts at once.
        let (reached, all) = reached.expect("it ends with the last step");
        if reached == last {
            upgrading.kill(reached);
            // Only the last step is behind the commit.
            assert_eq!(version(folder.path()), if reached == all { 2 } else { 1 }, "step {reached} of {all}");
            assert_eq!(contents(folder.path()), expected, "step {reached} of {all}");
            // Neither the new database nor the sorted texts, in which people's names stand.
            #[cfg(unix)]
            assert_eq!(beside(folder.path()), Vec::<String>::new(), "step {reached} of {all}");
            let session = assert_goes_on(folder.path(), &expected, NOW, &format!("step {reached} of {all}"));
            assert!(accepts(&session, "user100", CHANGED_PIN) && accepts(&session, "user60", FIRST_PIN));
        }
        (last, steps) = (last + 1, all + 1);
    }
    assert!(steps > 20, "{steps}");
}

/// What an upgrade made beside the store.
#[cfg(unix)]
fn beside(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".upgrade-")).collect()
}

fn copy_of(store: &Path) -> tempfile::TempDir {
    let folder = support::private_folder();
    std::fs::copy(store.join("um.db"), folder.path().join("um.db")).unwrap();
    support::copy_key(&store.join("umpin.key"), &folder.path().join("umpin.key"));
    folder
}

/// Twenty moments over the whole length, each anywhere in its twentieth. UMPIN_TEST_SCALE=full takes the store of
/// version 1 in the folder UMPIN_BENCH_V1, else one of 10,000.
#[test]
fn killed_at_any_moment_the_upgrade_of_many_mailboxes_loses_nothing() {
    const NAME: &str = "killed_at_any_moment_the_upgrade_of_many_mailboxes_loses_nothing";
    const MOMENTS: u32 = 20;
    if support::is_on_server(NAME) {
        return;
    }
    let named = std::env::var_os("UMPIN_BENCH_V1").map(PathBuf::from).filter(|_| support::is_full_scale());
    let made = named.is_none().then(|| many(if support::is_full_scale() { 10_000 } else { 2_000 }));
    let store = named.as_deref().unwrap_or_else(|| made.as_ref().unwrap().path());
    // The one that is named was made by another clock.
    let now = if named.is_some() { NOW + 3_650 * DAY } else { NOW };
    let mut folder = copy_of(store);
    let expected = contents(folder.path());
    let people = usize::try_from(expected["recipient"].0).unwrap();

    let mut upgrading = Upgrading::begin(folder.path(), NEVER);
    upgrading.next().expect("it begins");
    let since = Instant::now();
    while upgrading.next().is_some() {}
    let mut whole = since.elapsed();
    println!("{people} mailboxes, {whole:.1?} without a kill");
    let session = assert_goes_on(folder.path(), &expected, now, "without a kill");

    let random = std::hash::RandomState::new();
    let mut moment = 0;
    // The first of two large files goes before the next one comes.
    drop((session, folder));
    folder = copy_of(store);
    while moment < MOMENTS {
        let share = (f64::from(moment) + (random.hash_one(moment) % 1000) as f64 / 1000.0) / f64::from(MOMENTS);
        let mut upgrading = Upgrading::begin(folder.path(), NEVER);
        let (began, all) = upgrading.next().expect("it begins");
        std::thread::sleep(whole.mul_f64(share));
        let reached = upgrading.kill(began);
        let found = version(folder.path());
        let when = format!("moment {moment}: {share:.3} of the whole, killed after step {reached} of {all}");
        println!("{when}, found version {found}");
        // The next child is the next program that opens it; where the kill came too late, all is over and is looked at,
        // the whole is shorter than it was thought to be, and the moment is tried again.
        assert_eq!(contents(folder.path()), expected, "{when}");
        if found == 2 {
            drop(assert_goes_on(folder.path(), &expected, now, &when));
            drop(folder);
            folder = copy_of(store);
        }
        if reached < all {
            moment += 1;
        } else {
            whole = whole.mul_f64(share.min(0.95));
        }
    }
    let session = assert_goes_on(folder.path(), &expected, now, "after the last kill");
    for n in (0..people).step_by(people / 10) {
        let caller = sign_in::Caller::Identity(who(n));
        let pins = [FIRST_PIN, CHANGED_PIN].map(Pin::new);
        assert!(pins.iter().any(|pin| sign_in::verify(&session, &caller, pin).unwrap().accepted), "user{n}");
    }
}
