//! kill -9 at random moments, a thousand in a full run, during as many resets: what was acknowledged is delivered at
//! least once, and nothing is delivered for a change that did not happen.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use crate::support::{Fixture, START, child, mails, pin_in, session_at, set, who};
use umpin::pin::{Pin, PinPolicy};
use umpin::service::delivery::deliver_due;
use umpin::service::pin_replacement::Salted;
use umpin::session::{Cause, Clock, Mode, Tuning};

/// A quarter of them in an ordinary run; a tenth of that on Windows, where to start a process takes as long as ten
/// resets.
fn mailboxes() -> usize {
    if cfg!(windows) {
        return 25;
    }
    if crate::support::is_full_scale() { 1000 } else { 250 }
}

/// Resets from its number on, tells each when it is committed, and delivers every few.
#[test]
fn resetting_process() {
    let Some((folder, start)) = child::folder_and_id() else { return };
    let mailboxes = mailboxes();
    let session = session_at(&folder, &Arc::new(AtomicI64::new(START)));
    for n in start.. {
        set(&session, n % mailboxes, None).unwrap();
        println!("ack {}", n % mailboxes);
        std::io::stdout().flush().unwrap();
        if n % 3 == 0 {
            deliver_due(&session, None).unwrap();
        }
    }
}

#[test]
fn what_was_acknowledged_is_delivered_whatever_is_killed() {
    let mailboxes = mailboxes();
    let f = Fixture::new(PinPolicy { history_count: 20, ..PinPolicy::default() }, mailboxes);
    let pickup = f.pickup();
    let mut acknowledged = HashSet::new();
    let mut kills = 0;
    let mut next = 0;
    // Where a process takes longer to start than it is given, none would ever get to work.
    let (mut stretch, mut in_vain) = (1, 0);
    while kills < mailboxes || acknowledged.len() < mailboxes {
        let mut running = child::spawn(module_path!(), "resetting_process", f.folder.path(), next);
        // Mostly in the middle of the first resets, sometimes later.
        let random = u64::from_le_bytes(umpin::os::random().unwrap());
        let wait = if random % 8 == 0 { 40 } else { 12 };
        std::thread::sleep(Duration::from_micros(2_000 + random / 8 % (stretch * wait * 1_000)));
        running.kill().unwrap();
        kills += 1;
        in_vain += 1;
        for line in BufReader::new(running.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some(n) = line.split_once("ack ").and_then(|(_, n)| n.parse::<usize>().ok()) {
                acknowledged.insert(n);
                in_vain = 0;
                next = n + 1;
            }
        }
        running.wait().unwrap();
        if in_vain == 50 {
            (stretch, in_vain) = (stretch * 2, 0);
        }
        // A child that never got to an acknowledgement must not stand still for ever.
        if kills % 10 == 0 && acknowledged.len() < mailboxes {
            next = (0..mailboxes).find(|n| !acknowledged.contains(n)).unwrap();
        }
        assert!(kills < 20 * mailboxes, "only {} mailboxes after {kills} kills", acknowledged.len());
    }

    // Claims of the dead run out; then everything goes.
    f.advance(10 * 60_000);
    let left = deliver_due(&f.session, None).unwrap();
    assert!(left.failed.is_empty(), "{:?}", left.failed);

    let mut right = HashSet::new();
    let delivered = mails(&pickup);
    for mail in &delivered {
        let user = mail.split_once("<user").unwrap().1;
        let n: usize = user.split('@').next().unwrap().parse().unwrap();
        let pin = Pin::new(pin_in(mail).unwrap());
        // A mail tells a PIN that the mailbox has or had.
        let known = f
            .session
            .change(Mode::Validate, &Cause::new("Test"), |c| {
                let guid = who(n).guid(&f.session, c.tx)?;
                let hashed = Salted::for_mailbox(c.tx, &guid, Tuning::danger_test(Clock::System).hash)?.hash(&pin)?;
                hashed
                    .refused_by_history(c, &guid, &PinPolicy { history_count: 20, ..PinPolicy::default() })
                    .map_err(|setback| setback.into_error("user"))
            })
            .unwrap();
        assert!(known.is_some(), "a mail for a change of user{n} that did not happen");
        let caller = umpin::service::sign_in::Caller::Number { number: crate::support::extension(n), dial_plan: None };
        // At most a few mails a mailbox, so the failures stay below every limit.
        if umpin::service::sign_in::verify(&f.session, &caller, &pin).unwrap().accepted {
            right.insert(n);
        }
    }
    for n in &acknowledged {
        assert!(right.contains(n), "the last PIN of user{n} was never told");
    }
    println!("{kills} kills, {} mails", delivered.len());
}
