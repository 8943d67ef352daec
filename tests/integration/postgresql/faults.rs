//! What is killed, and what must be there afterwards.

use std::time::{Duration, Instant};

use serde_json::json;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::error::Status;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::sign_in::Caller;
use umpin::session::Session;

use super::line::{Break, Line};
use super::load::{Load, drawn_for_kill};
use super::{OnServer, check, is_there};
use crate::support::postgresql::{OWNER, Server};
use crate::support::{FIRST_PIN, extension, is_full_scale, mails, set, verify, who};

/// A connection of the clients', as the server numbers its processes.
fn backend(server: &Server, nth: u64) -> Option<i32> {
    let mut client = server.try_client("postgres").ok()?;
    let of_clients = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'w%' ORDER BY pid";
    let pids = client.query(of_clients, &[]).ok()?;
    let at = usize::try_from(nth).unwrap() % pids.len().max(1);
    pids.get(at).map(|row| row.get(0))
}

fn kill_process(pid: i32) {
    // Gone already is as good.
    let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).output();
}

/// Clients are killed, backends are ended and killed, and the whole server is stopped at once, in the middle of sets,
/// sign-ins, enables and rotations of the key.
#[test]
fn no_acknowledged_change_is_lost_and_none_is_done_twice_whatever_is_killed() {
    if !is_there("no_acknowledged_change_is_lost_and_none_is_done_twice_whatever_is_killed") {
        return;
    }
    let kills = if is_full_scale() { 500 } else { 40 };
    let server = Server::start(&[]);
    let f = OnServer::new(&server);
    let line = Line::lay(f.folder.path(), &server);
    let mut load = Load::start(&f, &line.url(&f.database), kills);
    let mut count = [0; 6];
    let since = Instant::now();
    for kill in 0..kills {
        load.work(&format!("before kill {kill}"));
        let r = drawn_for_kill(kill);
        let kind = [0, 0, 0, 0, 1, 1, 2, 3, 4, 5][usize::try_from(r % 10).unwrap()];
        if matches!(kind, 1..=3) && r & 0x80 != 0 {
            // Just when a commit is done that nobody was told of.
            line.break_at_commit(Break::After);
        } else {
            // Somewhere in the middle of the calls that follow.
            std::thread::sleep(Duration::from_micros(r >> 8 & 0x3fff));
        }
        match kind {
            0 => load.kill_client(usize::try_from(r >> 32).unwrap()),
            1 => {
                if let (Some(pid), Ok(mut client)) = (backend(&server, r >> 32), server.try_client("postgres")) {
                    let _ = client.execute("SELECT pg_terminate_backend($1)", &[&pid]);
                }
            }
            // The server ends all its connections and begins anew from its log.
            2 => drop(backend(&server, r >> 32).map(kill_process)),
            3 => {
                server.kill();
                server.run();
            }
            4 => assert!(line.break_at_commit(Break::Before)),
            _ => assert!(line.break_at_commit(Break::After)),
        }
        count[kind] += 1;
    }
    load.work("after the last kill");
    let verdict = load.judge(&f.session());
    let [clients, ended, killed, stops, before, after] = count;
    println!(
        "{kills} kills in {:.0?}: {clients} clients, {ended} connections ended, {killed} backends killed, {stops} \
         stops of the server, {before} lines broken before a commit and {after} after it; {verdict:?}",
        since.elapsed()
    );
    server.kill();
}

/// A pair of servers: the first takes changes, the second has every one of them before it is acknowledged.
struct Pair {
    primary: Server,
    standby: Server,
}

impl Pair {
    fn start() -> Self {
        let primary = Server::start(&[]);
        let standby = primary.start_standby();
        primary.wait_for_standby();
        Self { primary, standby }
    }

    /// Both.
    fn url(&self, database: &str) -> String {
        let (one, other) = (&self.primary, &self.standby);
        let hosts = format!("{},{}", one.folder().display(), other.folder().display());
        format!("postgresql://{OWNER}@/{database}?host={hosts}&port={},{}", one.port(), other.port())
    }
}

#[test]
fn a_standby_promoted_under_load_has_every_acknowledged_change_once() {
    if !is_there("a_standby_promoted_under_load_has_every_acknowledged_change_once") {
        return;
    }
    let rounds = if is_full_scale() { 20 } else { 3 };
    let mut pair = Pair::start();
    let f = OnServer::new(&pair.primary);
    let url = pair.url(&f.database);
    let mut load = Load::start(&f, &url, 40 * rounds);
    let (mut outages, mut told_after) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        load.work(&format!("before failover {round}"));
        std::thread::sleep(Duration::from_micros(drawn_for_kill(round) & 0x7fff));
        let since = Instant::now();
        pair.primary.kill();
        pair.standby.promote();
        outages.push(since.elapsed());
        load.work(&format!("after failover {round}"));
        told_after.push(since.elapsed());
        // Where the lost one was there is a standby of the new one.
        pair = Pair { primary: pair.standby, standby: pair.primary };
        pair.standby.follow(&pair.primary);
        pair.primary.wait_for_standby();
    }
    load.work("at the end");
    let session = f.session_at(&url);
    let verdict = load.judge(&session);
    println!("{rounds} failovers, promoted after {outages:.1?}, work went on after {told_after:.1?}; {verdict:?}");
    pair.standby.kill();
    pair.primary.kill();
}

/// Nobody waits without end for a standby that is gone: whether the change was made is then not known, and it is done
/// once if at all.
#[test]
fn a_commit_that_no_standby_takes_is_told_as_unknown_after_a_stated_time() {
    // It takes as long as a caller waits.
    if !is_full_scale() || !is_there("a_commit_that_no_standby_takes_is_told_as_unknown_after_a_stated_time") {
        return;
    }
    let pair = Pair::start();
    let f = OnServer::new(&pair.primary);
    drop(f.seed(1, PinPolicy::default()));
    let session = f.session_at(&pair.url(&f.database));
    pair.standby.kill();
    let since = Instant::now();
    let told = set(&session, 0, Some("580437")).unwrap_err();
    assert_eq!(told.status, Status::StoreOutcomeUnknown, "{told}");
    assert!(since.elapsed() < Duration::from_secs(120), "{:.0?}", since.elapsed());
    println!("told after {:.0?}", since.elapsed());
    pair.standby.run();
    pair.primary.wait_for_standby();
    assert_eq!(check(&session), [""; 0]);
    assert!(verify(&session, 0, "580437").accepted != verify(&session, 0, FIRST_PIN).accepted);
    pair.standby.kill();
}

/// A commit that is on the primary's disk and waits for the standby is not acknowledged because somebody finds it there
/// after the connection broke: the primary may be lost before the standby has it.
#[test]
fn what_the_standby_has_not_is_not_acknowledged_after_a_broken_connection_either() {
    if !is_there("what_the_standby_has_not_is_not_acknowledged_after_a_broken_connection_either") {
        return;
    }
    let pair = Pair::start();
    let f = OnServer::new(&pair.primary);
    drop(f.seed(1, PinPolicy::default()));
    let session = f.session_at(&pair.url(&f.database));
    pair.standby.kill();
    std::thread::scope(|scope| {
        let set = scope.spawn(|| set(&session, 0, Some("580437")).unwrap());
        let since = Instant::now();
        let mut look = pair.primary.client("postgres");
        let mut wait = |but_for: Option<i32>| loop {
            let waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> $1";
            if let Some(row) = look.query_opt(waiting, &[&but_for.unwrap_or_default()]).unwrap() {
                return Some(row.get::<_, i32>(0));
            }
            if set.is_finished() {
                return None;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "nobody waits for the standby");
            std::thread::sleep(Duration::from_millis(5));
        };
        let first = wait(None);
        assert!(pair.primary.client("postgres").execute("SELECT pg_terminate_backend($1)", &[&first.unwrap()]).is_ok());
        // It asks what became of it, and now waits for the standby again.
        wait(first);
        pair.primary.kill();
        pair.standby.run();
        pair.standby.promote();
        set.join().unwrap();
    });
    assert!(verify(&session, 0, "580437").accepted, "it was acknowledged, and is lost");
    assert!(!verify(&session, 0, FIRST_PIN).accepted);
    let version = |session: &umpin::session::Session| {
        let guid = get_um_mailbox_pin(session, &who(0)).unwrap().guid;
        session.read(|tx| Ok(tx.pin(&guid)?.unwrap().version)).unwrap()
    };
    assert_eq!(version(&session), 2, "it was done twice");
    assert_eq!(check(&session), [""; 0]);
    pair.standby.kill();
}

/// A server whose system takes what is sent, and that says nothing: during the commit, and while it is asked what
/// became of that.
#[test]
fn a_server_that_stands_still_at_a_commit_is_told_as_unknown_after_a_stated_time() {
    // It takes as long as a caller waits.
    if !is_full_scale() || !is_there("a_server_that_stands_still_at_a_commit_is_told_as_unknown_after_a_stated_time") {
        return;
    }
    let server = Server::start(&[]);
    let stands_still = |how: Break, call: &(dyn Fn(&Session) -> umpin::error::Result<()> + Sync)| {
        let f = OnServer::new(&server);
        drop(f.seed(1, PinPolicy::default()));
        let line = Line::lay(f.folder.path(), &server);
        let session = f.session_at(&line.url(&f.database));
        // Connected, and what it asks prepared.
        assert!(verify(&session, 0, FIRST_PIN).accepted);
        line.arm(how);
        let since = Instant::now();
        let told = call(&session).unwrap_err();
        let took = since.elapsed();
        line.go_on();
        assert_eq!(told.status, Status::StoreOutcomeUnknown, "{how:?}: {told}");
        assert!(!told.message.contains("Nothing was changed"), "{told}");
        assert!(took < Duration::from_secs(120), "{how:?}: {took:.0?}");
        let facts = get_um_mailbox_pin(&session, &who(0)).unwrap().facts;
        assert_eq!(check(&session), [""; 0]);
        (facts.lifetime_failures, verify(&session, 0, "580437").accepted, took)
    };
    let set = |session: &Session| set(session, 0, Some("580437")).map(drop);
    let guess = |session: &Session| {
        let who = Caller::Number { number: extension(0), dial_plan: None };
        umpin::service::sign_in::verify(session, &who, &Pin::new("000000")).map(drop)
    };
    std::thread::scope(|scope| {
        let [set_before, set_after, guess_before, guess_after, set_asked, guess_asked] = [
            scope.spawn(|| stands_still(Break::Still, &set)),
            scope.spawn(|| stands_still(Break::StillAfter, &set)),
            scope.spawn(|| stands_still(Break::Still, &guess)),
            scope.spawn(|| stands_still(Break::StillAfter, &guess)),
            scope.spawn(|| stands_still(Break::StillAsked, &set)),
            scope.spawn(|| stands_still(Break::StillAsked, &guess)),
        ]
        .map(|told| told.join().unwrap());
        println!("told after {:.0?} at the commit, {:.0?} where it was asked", set_before.2, set_asked.2);
        assert!(!set_asked.1 && guess_asked.0 == 0);
        assert!(!set_before.1 && set_after.1, "what the server heard of is done, and nothing else");
        assert_eq!((guess_before.0, guess_after.0), (0, 1));
    });
    server.kill();
}

/// What is waited for longest where nobody says anything: an answer to what is only read.
#[test]
fn a_server_that_stands_still_is_missed_after_a_stated_time() {
    if !is_there("a_server_that_stands_still_is_missed_after_a_stated_time") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    drop(f.seed(1, PinPolicy::default()));
    let line = Line::lay(f.folder.path(), server);
    line.stand_still();
    let session = f.session_at(&format!("{}&connect_timeout=1", line.url(&f.database)));
    let since = Instant::now();
    let who = Caller::Number { number: extension(0), dial_plan: None };
    let told = umpin::service::sign_in::verify(&session, &who, &Pin::new(FIRST_PIN)).unwrap_err();
    assert_eq!(told.status, Status::StoreServerGone, "{told}");
    assert!(since.elapsed() < Duration::from_secs(20), "{:.0?}", since.elapsed());
    line.go_on();
    assert!(verify(&session, 0, FIRST_PIN).accepted);
}

/// One of two runs of Update-UMPinKey: where it goes on, until it has ended.
struct Rotation {
    session: Session,
    after: Option<serde_json::Value>,
}

impl Rotation {
    /// One call, as the cmdlet makes it, and makes it again after an error that says so.
    fn step(&mut self) {
        let Some(after) = &self.after else { return };
        let request = json!({"Mode": "Commit", "Parameters": {}, "After": after}).to_string();
        match umpin::cmdlets::execute(&self.session, "Update-UMPinKey", request.as_bytes(), None) {
            Ok(response) => self.after = response.next.map(|next| json!(next)),
            // The other has brought a newer key, and goes on with it.
            Err(e) if e.status == Status::Conflict => self.after = None,
            Err(e) => assert_eq!(e.status, Status::StoreServerGone, "{e}"),
        }
    }
}

/// Two runs at once, and the server is lost before the `n`th step of both together, whichever that is, or in its
/// commit.
#[test]
fn two_rotations_whose_server_is_lost_between_their_steps_leave_one_key_that_serves() {
    if !is_there("two_rotations_whose_server_is_lost_between_their_steps_leave_one_key_that_serves") {
        return;
    }
    let server = Server::start(&[]);
    // The most steps that two runs have, and one more, where nothing is lost.
    for lost in 0..=10 {
        for (at, how) in [None, Some(Break::Before), Some(Break::After)].into_iter().enumerate() {
            if !is_full_scale() && at != lost % 3 {
                continue;
            }
            let f = OnServer::new(&server);
            let pickup = f.pickup(&f.seed(3, PinPolicy::default()));
            set(&f.session(), 1, Some("580437")).unwrap();
            let line = Line::lay(f.folder.path(), &server);
            let run = || Rotation { session: f.session_at(&line.url(&f.database)), after: Some(json!(null)) };
            let mut runs = [run(), run()];
            let mut steps = 0;
            while runs.iter().any(|run| run.after.is_some()) {
                let run = &mut runs[steps % 2];
                if steps == lost {
                    if let Some(how) = how {
                        line.arm(how);
                        run.step();
                        assert!(line.disarm() || run.after.is_none(), "{lost} {how:?}: it was not lost");
                    }
                    server.kill();
                    server.run();
                }
                run.step();
                steps += 1;
                assert!(steps < 40, "{lost} {how:?}: it does not end");
            }
            let told = format!("lost before step {lost}, {how:?}");
            let session = f.session();
            let keys = session.read(|tx| Ok(tx.key_id()?.unwrap())).unwrap();
            let file = std::fs::read_to_string(f.folder.path().join("umpin.key")).unwrap();
            assert_eq!(file.lines().count(), 2, "{told}: a header, and one key");
            let records = session.read(|tx| tx.audit_rows(1, 1000)).unwrap();
            let recorded = |what: &str| records.iter().filter(|row| row.detail.contains(what)).count();
            assert_eq!((recorded(" in the place of "), recorded(" dropped")), (1, 1), "{told}");
            assert_eq!(check(&session), [""; 0], "{told}");
            for (n, pin) in [(0, FIRST_PIN), (1, "580437"), (2, FIRST_PIN)] {
                assert!(verify(&session, n, pin).accepted, "{told}: {n}");
            }
            umpin::service::delivery::deliver_due(&session, None).unwrap();
            assert_eq!(mails(&pickup).len(), 1, "{told}");
            // And the next one brings another key.
            let mut next = Rotation { session: f.session(), after: Some(json!(null)) };
            (0..10).for_each(|_| next.step());
            assert!(next.after.is_none());
            assert_ne!(session.read(|tx| Ok(tx.key_id()?.unwrap())).unwrap(), keys, "{told}");
        }
    }
    server.kill();
}

/// What counts a try, and what takes it back, is one statement each that the server commits by itself: where the line
/// breaks at one, before the server hears of it or after it has done it, the try is counted once all the same.
#[test]
fn a_try_whose_count_was_not_answered_is_counted_once() {
    if !is_there("a_try_whose_count_was_not_answered_is_counted_once") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    drop(f.seed(1, PinPolicy { max_attempts: None, failures_before_reset: None, ..PinPolicy::default() }));
    let line = Line::lay(f.folder.path(), server);
    let session = f.session_at(&line.url(&f.database));
    let facts = || get_um_mailbox_pin(&f.session(), &who(0)).unwrap().facts;
    for n in 1..=10 {
        line.arm(if n % 2 == 0 { Break::Before } else { Break::After });
        assert!(!verify(&session, 0, "000000").accepted);
        assert!(line.disarm(), "nothing was lost");
        assert_eq!((facts().failures, facts().lifetime_failures), (n, n));
    }
    for n in 1..=10 {
        let at_first = n % 3 == 0;
        line.arm(if n % 2 == 0 { Break::Before } else { Break::After });
        if at_first {
            // The count's own commit is lost; else that which takes it back.
            assert!(verify(&session, 0, FIRST_PIN).accepted);
        } else {
            line.pass_one();
            assert!(verify(&session, 0, FIRST_PIN).accepted);
        }
        assert!(line.disarm(), "nothing was lost");
        assert_eq!((facts().failures, facts().lifetime_failures), (0, 10));
    }
}
