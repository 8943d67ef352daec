//! What is killed, and what must be there afterwards.

use std::time::{Duration, Instant};

use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::error::Status;
use umpin::pin::PinPolicy;

use super::line::{Break, Line};
use super::load::{Load, drawn_for_kill};
use super::{OnServer, check, is_there};
use crate::support::postgresql::{OWNER, Server};
use crate::support::{FIRST_PIN, is_full_scale, set, verify, who};

/// A connection of the clients', as the server numbers its processes.
fn backend(server: &Server, nth: u64) -> Option<i32> {
    let mut client = server.try_client("postgres").ok()?;
    let of_clients = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ummailboxpin' ORDER BY pid";
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
