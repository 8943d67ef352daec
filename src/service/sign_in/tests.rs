//! Each step alone, and what may come between two.
#![allow(clippy::wildcard_imports)]

use crate::guid::DialPlanGuid;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::change::*;
use super::charge::*;
use super::decide::*;
use super::find::*;
use super::reset::*;
use super::*;
use crate::crypto::hash::{HashParams, hash};
use crate::crypto::seal::Purpose;
use crate::guid::RecipientGuid;
use crate::pin::PinPolicy;
use crate::pin::policy::PinFacts;
use crate::service::pin_replacement::{Attempt, NewPin, Salted, Setback};
use crate::service::spray;
use crate::session::{Change, Clock, REFUSAL_INTERVAL, Tuning};
use crate::store::pins::PinRow;
use crate::store::settings;
use crate::support::{FIRST_PIN, Fixture, extension};

fn fixture() -> Fixture {
    Fixture::new(PinPolicy { max_attempts: Some(6), failures_before_reset: None, ..PinPolicy::default() }, 1)
}

fn caller(n: usize) -> Caller {
    Caller::Number { number: extension(n), dial_plan: None }
}

fn snapshot_of(f: &Fixture) -> Snapshot {
    match snapshot(&f.session, &caller(0)).unwrap() {
        Found::Mailbox(snapshot) => *snapshot,
        Found::Nobody(reason) => panic!("{reason:?}"),
    }
}

fn change<T>(f: &Fixture, work: impl FnMut(&Change<'_>) -> Result<T>) -> Result<T> {
    f.session.change(Mode::Commit, &Cause::new("Test"), work)
}

/// One try to put a new PIN in place, which nothing sets back.
fn attempt<T>(f: &Fixture, mut work: impl FnMut(&Change<'_>) -> Attempt<T>) -> T {
    change(f, |c| work(c).map_err(|setback| setback.into_error("user0"))).unwrap()
}

fn new_pin(f: &Fixture, guid: &RecipientGuid, pin: &Pin) -> NewPin {
    let salted = f.session.read(|tx| Salted::for_mailbox(tx, guid, f.session.hash)).unwrap();
    let new = NewPin::typed(pin.clone(), salted);
    new.hash().unwrap();
    new
}

fn charged(f: &Fixture, snapshot: &Snapshot) -> Charge {
    match change(f, |c| charge(c, snapshot)).unwrap() {
        Charging::Charged(charge) => *charge,
        Charging::Refused(reason) => panic!("{reason:?}"),
        Charging::HashedAnew => panic!("hashed anew"),
    }
}

fn accepted(f: &Fixture, charge: &Charge) -> Answer {
    let guid = snapshot_of(f).guid;
    f.session.store.write(|tx| accept(tx, || f.session.now(), &guid, &Pin::new(FIRST_PIN), charge)).unwrap()
}

fn records(f: &Fixture) -> Vec<String> {
    f.session.read(|tx| tx.audit_rows(1, 1000)).unwrap().into_iter().map(|r| r.detail).collect()
}

fn raw(f: &Fixture, statements: &str) {
    let sql = rusqlite::Connection::open(f.path("um.db")).unwrap();
    sql.execute_batch(&format!("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {statements}"))
        .unwrap();
}

// ---- who calls ---------------------------------------------------------------------------------------------------

#[test]
fn a_store_that_cannot_be_asked_is_an_error_and_nobody_is_unknown_by_it() {
    for (table, who) in [
        ("um_address", caller(0)),
        ("recipient_key", Caller::Identity(Lookup { identity: Some("user0".into()), ..Lookup::default() })),
        ("dial_plan", Caller::Number { number: extension(0), dial_plan: Some("plan".into()) }),
        ("um_mailbox", caller(0)),
        ("pin", caller(0)),
    ] {
        let f = fixture();
        raw(&f, &format!("ALTER TABLE {table} RENAME TO away"));
        assert!(verify(&f.session, &who, &Pin::new(FIRST_PIN)).is_err(), "{table}");
    }
}

/// A second plan with the number of the first person, for the person `n`.
fn second_plan(f: &Fixture, n: usize) {
    change(f, |c| {
        let mine = c.tx.um_addresses_by_key(&extension(n), None)?[0].clone();
        let mut plan = c.tx.dial_plan(&mine.dial_plan_guid)?.unwrap();
        plan.guid = DialPlanGuid::random()?;
        plan.name = "Other".into();
        c.tx.put_dial_plan(&plan)?;
        let mut other = mine.clone();
        other.dial_plan_guid = plan.guid;
        other.address = extension(0);
        other.is_primary = false;
        c.tx.set_um_addresses(&mine.guid, &[mine.clone(), other])
    })
    .unwrap();
}

#[test]
fn a_number_of_two_people_in_two_plans_is_nobodys_until_the_plan_is_named() {
    let f = Fixture::new(PinPolicy::default(), 2);
    second_plan(&f, 1);
    let told = |plan: Option<&str>| {
        let who = Caller::Number { number: extension(0), dial_plan: plan.map(str::to_owned) };
        verify(&f.session, &who, &Pin::new(FIRST_PIN)).unwrap()
    };
    assert_eq!(told(None).reason, Reason::Unknown);
    assert!(told(Some("plan")).accepted && told(Some("OTHER")).accepted);
    assert_eq!(told(Some("third")).reason, Reason::Unknown);
}

#[test]
fn a_number_of_one_person_in_two_plans_needs_no_plan() {
    let f = Fixture::new(PinPolicy::default(), 1);
    second_plan(&f, 0);
    assert!(verify(&f.session, &caller(0), &Pin::new(FIRST_PIN)).unwrap().accepted);
}

#[test]
fn only_who_has_no_policy_is_not_enabled() {
    let answer = |statements: &str| {
        let f = fixture();
        raw(&f, statements);
        verify(&f.session, &caller(0), &Pin::new(FIRST_PIN)).map(|a| (a.accepted, a.reason))
    };
    assert_eq!(answer("UPDATE um_mailbox SET policy_id = NULL").unwrap(), (false, Reason::NotUmEnabled));
    assert_eq!(answer("DELETE FROM pin").unwrap(), (false, Reason::NotUmEnabled));
    assert!(answer("DELETE FROM policy").is_err());
    assert!(answer("UPDATE policy SET min_length = -1").is_err());
    assert_eq!(answer("").unwrap(), (true, Reason::None));
}

#[test]
fn how_many_failures_end_a_call_does_not_depend_on_the_number() {
    let f = Fixture::new(PinPolicy::default(), 2);
    let say =
        |n: &str| raw(&f, &format!("UPDATE dial_plan SET settings = '{{\"LogonFailuresBeforeDisconnect\":{n}}}'"));
    let asked = |plan| failures_before_disconnect(&f.session, plan).unwrap();
    assert_eq!((asked(None), asked(Some("plan")), asked(Some("nowhere"))), (3, 3, 3));
    say("5");
    assert_eq!((asked(None), asked(Some("Plan")), asked(Some("nowhere"))), (5, 5, 3));
    say("1");
    assert_eq!((asked(None), asked(Some("plan"))), (1, 1));
    for odd in ["0", "21", "\"many\""] {
        say(odd);
        let error = failures_before_disconnect(&f.session, None).unwrap_err();
        assert_eq!(error.status, Status::StoreDamaged, "a call must end some time: {odd}");
    }
    say("5");
    second_plan(&f, 1);
    assert_eq!((asked(None), asked(Some("other"))), (3, 5), "which plan is meant is open, whoever calls");
}

// ---- the charge --------------------------------------------------------------------------------------------------

#[test]
fn a_try_is_charged_whatever_was_typed_and_says_whether_the_pin_is_still_the_same() {
    let f = fixture();
    let mine = snapshot_of(&f);
    let first = charged(&f, &mine);
    assert!(first.is_same && !first.has_consequences);
    assert_eq!((first.facts.failures, first.facts.lifetime_failures), (1, 1));
    assert_eq!(first.facts.last_failure_at, f.session.now());
    assert_eq!(f.state(0).facts, first.facts);

    let mut other = mine.clone();
    other.row.version += 1;
    assert!(!charged(&f, &other).is_same, "another version");
    let mut other = mine.clone();
    other.row.salt[0] ^= 1;
    assert!(!charged(&f, &other).is_same, "another salt");
    let mut other = mine.clone();
    other.row.params.passes += 1;
    assert!(matches!(change(&f, |c| charge(c, &other)).unwrap(), Charging::HashedAnew), "another cost");
    assert_eq!(f.state(0).facts.failures, 3, "what must be hashed again is not charged");
    // Another version, and another cost with it: no PIN that was hashed is any longer the one.
    other.row.version += 1;
    assert!(!charged(&f, &other).is_same);
}

/// One statement counts, and one takes back, only where the mailbox is as it was seen, to the last number that matters.
#[test]
fn what_changed_since_the_mailbox_was_read_is_neither_counted_over_nor_taken_back_over() {
    let pin = |column: &str| format!("UPDATE pin SET {column} = {column} + 1");
    let policy = |column: &str| format!("UPDATE policy SET {column} = COALESCE({column} + 1, 9)");
    let none = |column: &str| format!("UPDATE policy SET {column} = NULL");
    let changes: Vec<String> = ["version", "memory_kib", "passes", "lanes", "set_at", "forced_expired", "failures"]
        .into_iter()
        .chain(["last_failure_at", "lifetime_failures", "epoch", "admin_locked"])
        .map(pin)
        .chain(["min_length", "lifetime_days", "history_count", "allow_common_patterns"].map(policy))
        .chain(["failures_before_reset", "max_attempts", "lockout_minutes", "lifetime_failures"].map(policy))
        .chain(["block_human_pins"].map(policy))
        .chain(["lifetime_days", "max_attempts"].map(none))
        .chain(
            ["UPDATE pin SET salt = zeroblob(16)", "DELETE FROM pin", "UPDATE um_mailbox SET policy_id = NULL"]
                .map(Into::into),
        )
        .collect();
    let typed = Pin::new(FIRST_PIN);
    let rows = |f: &Fixture| f.session.read(|tx| tx.pin(&mine_guid(f))).unwrap().map(|row| row.facts);
    for change in &changes {
        let f = fixture();
        let seen = snapshot_of(&f);
        raw(&f, change);
        let before = rows(&f);
        assert!(charge_unchanged(&f.session, &seen).unwrap().is_none(), "{change}");
        assert_eq!(rows(&f), before, "{change}");

        let f = fixture();
        let seen = snapshot_of(&f);
        let mine = charge_unchanged(&f.session, &seen).unwrap().unwrap();
        raw(&f, change);
        let before = rows(&f);
        assert!(accept_unchanged(&f.session, &seen, &typed, &mine).unwrap().is_none(), "{change}");
        assert_eq!(rows(&f), before, "{change}");
    }
    // And where nothing did, both do what the long way does.
    let (short, long) = (fixture(), fixture());
    let (seen, seen_long) = (snapshot_of(&short), snapshot_of(&long));
    let (mine, mine_long) = (charge_unchanged(&short.session, &seen).unwrap().unwrap(), charged(&long, &seen_long));
    assert_eq!(rows(&short), rows(&long));
    assert_eq!((mine.version, mine.is_same, mine.has_consequences), (mine_long.version, true, false));
    assert!(mine.is_for(&hash(&typed, &seen.row.salt, &seen.row.params).unwrap()));
    let told = accept_unchanged(&short.session, &seen, &typed, &mine).unwrap().unwrap();
    assert_eq!(told, accepted(&long, &mine_long));
    assert_eq!(rows(&short), rows(&long));
    // Another number of the same person is no change.
    let seen = snapshot_of(&short);
    second_plan(&short, 0);
    assert!(charge_unchanged(&short.session, &seen).unwrap().is_some());
}

#[test]
fn a_locked_mailbox_is_not_counted_in_short_and_the_last_try_has_its_consequences() {
    let f = fixture();
    for n in 1..=6 {
        let mine = charge_unchanged(&f.session, &snapshot_of(&f)).unwrap().unwrap();
        assert_eq!((mine.facts.failures, mine.has_consequences), (n, n == 6));
    }
    assert!(charge_unchanged(&f.session, &snapshot_of(&f)).unwrap().is_none());
    assert_eq!(f.state(0).facts.failures, 6);
    let f = fixture();
    f.run("Set-UMPinConfiguration", &json!({"SprayDetectionThreshold": 5})).unwrap();
    assert!(charge_unchanged(&f.session, &snapshot_of(&f)).unwrap().unwrap().has_consequences);
}

#[test]
fn a_try_is_judged_by_the_pin_that_it_was_hashed_for() {
    let f = fixture();
    let mine = snapshot_of(&f);
    let hash = |pin: &str| hash(&Pin::new(pin), &mine.row.salt, &mine.row.params).unwrap();
    let charge = charged(&f, &mine);
    assert!(charge.is_for(&hash(FIRST_PIN)) && !charge.is_for(&hash("471147")));
    // Replaced while the try was hashed, by the very PIN that was typed: nobody could have known it.
    crate::support::set(&f.session, 0, Some("471147")).unwrap();
    assert!(!charged(&f, &mine).is_for(&hash("471147")));
    assert!(charged(&f, &snapshot_of(&f)).is_for(&hash("471147")));
}

#[test]
fn somebody_who_is_gone_between_the_steps_is_refused_and_counted_nowhere() {
    let pin = Pin::new("580437");
    for gone in ["UPDATE um_mailbox SET policy_id = NULL", "DELETE FROM pin", "DELETE FROM recipient"] {
        let f = fixture();
        let mine = snapshot_of(&f);
        let taken = charged(&f, &mine);
        let new = new_pin(&f, &mine.guid, &pin);
        let answer = Answer { accepted: true, ..Answer::refused(Reason::None) };
        raw(&f, gone);
        let before = records(&f).len();
        match change(&f, |c| charge(c, &mine)).unwrap() {
            Charging::Refused(reason) => assert_eq!(reason, Reason::NotUmEnabled),
            _ => panic!("charged: {gone}"),
        }
        let told = [
            f.session.store.write(|tx| accept(tx, || 0, &mine.guid, &pin, &taken)).unwrap(),
            attempt(&f, |c| replace(c, &mine, &new, &answer)),
            attempt(&f, |c| refuse(c, &mine.guid, &pin, &taken, None)),
        ];
        for told in told {
            assert_eq!((told.accepted, told.reason), (false, Reason::NotUmEnabled), "{gone}");
        }
        assert_eq!(records(&f).len(), before, "{gone}");
    }
}

#[test]
fn the_try_that_locks_is_recorded_and_one_that_was_cleared_meanwhile_locks_nothing() {
    let f = fixture();
    let mine = snapshot_of(&f);
    let last = (0..6).map(|_| charged(&f, &mine)).last().unwrap();
    assert!(last.has_consequences);
    let told = |f: &Fixture| attempt(f, |c| refuse(c, &mine.guid, &Pin::new("471147"), &last, None)).reason;
    assert_eq!(told(&f), Reason::NowLocked);
    let record = records(&f).pop().unwrap();
    assert!(record.starts_with("mailbox locked after 6 failed sign-ins: "), "{record}");
    f.run("Unlock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    let before = records(&f).len();
    assert_eq!(told(&f), Reason::WrongPin);
    assert_eq!(records(&f).len(), before);
}

#[test]
fn a_mark_brings_no_reset_about() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(5), ..PinPolicy::default() }, 1);
    f.run("Set-UMPinConfiguration", &json!({"SprayDetectionThreshold": 1})).unwrap();
    let before = records(&f).len();
    assert_eq!(f.verify(0, "471147").reason, Reason::WrongPin);
    let told = records(&f).split_off(before);
    assert!(matches!(&told[..], [one] if one.contains("one PIN was tried in vain on 1 mailboxes")), "{told:?}");
}

#[test]
fn the_notice_of_a_reset_says_that_the_pin_must_be_changed() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(1), ..PinPolicy::default() }, 1);
    let pickup = f.pickup();
    assert_eq!(f.verify(0, "471147").reason, Reason::PinReset);
    crate::service::delivery::deliver_due(&f.session, None).unwrap();
    let mail = crate::support::mails(&pickup).pop().unwrap();
    let new = crate::support::pin_in(&mail).unwrap();
    assert!(mail.contains("You will be asked to choose a new PIN"), "{}", mail.replace(&new, "(the PIN)"));
    assert!(f.verify(0, &new).must_change);
}

#[test]
fn what_nobody_was_charged_for_is_written_all_the_same() {
    let f = fixture();
    let mark = || f.session.read(|tx| tx.setting(settings::LAST_UNCOUNTED)).unwrap();
    assert_eq!(mark(), None);
    verify(&f.session, &caller(77), &Pin::new(FIRST_PIN)).unwrap();
    assert_eq!(mark(), Some(f.session.now().to_string()));
    f.advance(5);
    f.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    assert_eq!(verify(&f.session, &caller(0), &Pin::new(FIRST_PIN)).unwrap().reason, Reason::LockedOut);
    assert_eq!(mark(), Some(f.session.now().to_string()));
    assert_eq!(f.state(0).facts.failures, 0);
}

#[test]
fn the_last_try_signs_in_when_it_is_right() {
    let f = fixture();
    let wrong = |n| (0..n).map(|_| f.verify(0, "471147").reason).collect::<Vec<_>>();
    assert_eq!(wrong(5), [Reason::WrongPin; 5]);
    assert!(f.verify(0, FIRST_PIN).accepted);
    let facts = f.state(0).facts;
    assert_eq!((facts.failures, facts.last_failure_at, facts.lifetime_failures), (0, 0, 5));
    assert_eq!(wrong(6)[5], Reason::NowLocked);
}

#[test]
fn a_program_that_lives_for_one_call_counts_and_answers_like_any_other() {
    let play = |one_call: bool| {
        let f = fixture();
        let mut told = Vec::new();
        for (minutes, pin) in [
            (0, "471147"),
            (0, FIRST_PIN),
            (1, "471147"),
            (0, "471147"),
            (2, "580437"),
            (0, "471147"),
            (0, "471147"),
            (0, "471147"),
            (0, FIRST_PIN),
            (90, FIRST_PIN),
            (0, "471147"),
        ] {
            f.clock.fetch_add(minutes * 60_000, Ordering::SeqCst);
            let session = crate::support::session_at(&f.path(""), &f.clock);
            if one_call {
                session.live_for_one_call();
            }
            let answer = verify(&session, &caller(0), &Pin::new(pin)).unwrap();
            let nobody = verify(&session, &caller(7), &Pin::new(pin)).unwrap();
            told.push((answer, nobody, f.state(0).facts));
        }
        (told, records(&f))
    };
    let (told, records) = play(true);
    assert!(told[1].0.accepted && told[7].0.reason == Reason::NowLocked, "{told:?}");
    assert_eq!((told, records), play(false));
}

#[test]
fn a_right_pin_is_discarded_where_others_used_up_the_tries_meanwhile() {
    let f = fixture();
    let mine = charged(&f, &snapshot_of(&f));
    (0..4).for_each(|_| drop(charged(&f, &snapshot_of(&f))));
    assert!(accepted(&f, &mine).accepted, "five tries are on disk");
    let mine = charged(&f, &snapshot_of(&f));
    (0..5).for_each(|_| drop(charged(&f, &snapshot_of(&f))));
    assert_eq!(accepted(&f, &mine).reason, Reason::LockedOut, "the sixth was somebody else's");
    let f = fixture();
    (0..5).for_each(|_| drop(charged(&f, &snapshot_of(&f))));
    let mine = charged(&f, &snapshot_of(&f));
    assert!(accepted(&f, &mine).accepted, "the sixth was the try itself");
    let f = fixture();
    let policy = |n| f.policy(|p| p.pin.max_attempts = Some(n));
    let mine = charged(&f, &snapshot_of(&f));
    (0..4).for_each(|_| drop(charged(&f, &snapshot_of(&f))));
    policy(4);
    assert_eq!(accepted(&f, &mine).reason, Reason::LockedOut, "four without it");
    assert_eq!(f.state(0).facts.failures, 5, "and nothing is taken back");
}

#[test]
fn a_right_pin_is_discarded_where_it_was_locked_replaced_or_disabled_meanwhile() {
    let f = fixture();
    let mine = charged(&f, &snapshot_of(&f));
    f.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    assert_eq!(accepted(&f, &mine).reason, Reason::LockedOut);
    let f = fixture();
    let mine = charged(&f, &snapshot_of(&f));
    crate::support::set(&f.session, 0, Some("580437")).unwrap();
    assert_eq!(accepted(&f, &mine).reason, Reason::WrongPin);
    let f = fixture();
    let mine = charged(&f, &snapshot_of(&f));
    raw(&f, "UPDATE um_mailbox SET policy_id = NULL");
    let guid = mine_guid(&f);
    let told = f.session.store.write(|tx| accept(tx, || 0, &guid, &Pin::new(FIRST_PIN), &mine)).unwrap();
    assert_eq!(told.reason, Reason::NotUmEnabled);
}

fn mine_guid(f: &Fixture) -> RecipientGuid {
    f.session.read(|tx| Ok(tx.um_addresses_by_key(&extension(0), None)?[0].guid.clone())).unwrap()
}

#[test]
fn a_charge_from_before_an_unlock_does_not_open_the_lock_that_came_after_it() {
    for charges in [1, 6] {
        let f = fixture();
        let mine = (0..charges).map(|_| charged(&f, &snapshot_of(&f))).last().unwrap();
        f.run("Unlock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
        f.advance(1);
        (0..6).for_each(|_| drop(f.verify(0, "471147")));
        assert_eq!(f.verify(0, FIRST_PIN).reason, Reason::LockedOut);
        assert_eq!(accepted(&f, &mine).reason, Reason::LockedOut, "{charges}");
        assert_eq!(f.verify(0, FIRST_PIN).reason, Reason::LockedOut, "and it stays locked");
    }
}

#[test]
fn a_broken_setting_of_the_stores_own_is_the_same_error_for_everybody_and_every_pin() {
    for name in ["spray_key", "audit_key", "spray_threshold", "audit_age_days"] {
        let f = fixture();
        raw(&f, &format!("INSERT OR REPLACE INTO setting VALUES ('{name}', '-1')"));
        let ask = |n, pin| verify(&f.session, &caller(n), &Pin::new(pin)).unwrap_err();
        let told = [ask(0, "471147"), ask(0, FIRST_PIN), ask(7, "471147")];
        assert!(told.iter().all(|error| *error == told[0]), "{name}: {told:?}");
        assert_eq!(f.state(0).facts.failures, 0, "{name}");
    }
}

#[test]
fn a_charge_that_was_cleared_meanwhile_is_not_taken_back_twice() {
    let f = fixture();
    (0..3).for_each(|_| drop(f.verify(0, "471147")));
    let mine = charged(&f, &snapshot_of(&f));
    f.run("Unlock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    f.verify(0, "471147");
    assert!(accepted(&f, &mine).accepted);
    assert_eq!(f.state(0).facts.lifetime_failures, 1, "the failure after the unlock stays");
    let facts = |failures, lifetime_failures| PinFacts { failures, lifetime_failures, ..mine.facts };
    let back = |now| {
        let taken = mine.taken_back(now);
        (taken.failures, taken.lifetime_failures)
    };
    assert_eq!((mine.facts.failures, mine.facts.lifetime_failures), (4, 4));
    assert_eq!((back(facts(4, 4)), back(facts(6, 9)), back(facts(3, 3))), ((3, 3), (5, 8), (3, 2)));
}

#[test]
fn a_total_that_was_cleared_and_filled_again_meanwhile_loses_no_failure() {
    let f = fixture();
    (0..3).for_each(|_| drop(f.verify(0, "471147")));
    let mine = charged(&f, &snapshot_of(&f));
    f.run("Unlock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    (0..4).for_each(|_| drop(f.verify(0, "471147")));
    assert!(accepted(&f, &mine).accepted);
    assert_eq!(f.state(0).facts.lifetime_failures, 4, "all four came after the unlock");
}

#[test]
fn each_of_several_right_tries_at_once_takes_its_own_charge_back() {
    let f = fixture();
    f.verify(0, "471147");
    let charges: Vec<Charge> = (0..3).map(|_| charged(&f, &snapshot_of(&f))).collect();
    for (n, charge) in charges.iter().enumerate() {
        assert!(accepted(&f, charge).accepted);
        assert_eq!(f.state(0).facts.lifetime_failures, 3 - n as u32, "{n}");
    }
}

#[test]
fn an_error_behind_the_charge_says_that_the_try_counts() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(1), ..PinPolicy::default() }, 1);
    f.pickup();
    raw(&f, "INSERT INTO audit SELECT 9223372036854775807, 0, '', '', '', '', '', 1, '', x'00'");
    let told = verify(&f.session, &caller(0), &Pin::new("471147")).unwrap_err();
    assert!(told.message.ends_with("The try stays counted as a failed sign-in; nothing else was changed."), "{told}");
    assert!(!told.message.contains("Nothing was changed"), "{told}");
    assert_eq!(f.state(0).facts.failures, 1);
}

// ---- the reset ---------------------------------------------------------------------------------------------------

#[test]
fn a_reset_is_due_at_multiples_and_never_at_zero() {
    let policy = |n| PinPolicy { failures_before_reset: n, ..PinPolicy::default() };
    let due = |n| (0..8).filter(|failures| reset_is_due(&policy(n), *failures) && *failures > 0).collect::<Vec<_>>();
    assert_eq!(due(Some(3)), [3, 6]);
    assert_eq!(due(Some(1)), [1, 2, 3, 4, 5, 6, 7]);
    assert!(due(Some(0)).is_empty() && due(None).is_empty());
}

#[test]
fn a_candidate_for_another_salt_is_made_again_and_one_that_cannot_be_compared_is_an_error() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(1), ..PinPolicy::default() }, 1);
    f.pickup();
    let guid = mine_guid(&f);
    let may = |candidate: &Candidate| {
        change(&f, |c| {
            let mailbox = enabled_mailbox_now(c.tx, &guid)?.unwrap();
            match may_reset(c, &guid, &mailbox, Some(candidate)) {
                Ok(MayReset::Yes(..)) => Ok("yes"),
                Ok(MayReset::No(why)) => Ok(why),
                Err(Setback::Failed(e)) => Err(e),
                Err(_) => Ok("again"),
            }
        })
    };
    let ready = |pin: &str, salt| {
        let salted = Salted { salt, costs: vec![f.session.hash] };
        let new = NewPin::typed(Pin::new(pin), salted);
        new.hash().unwrap();
        Candidate::Ready(new)
    };
    assert_eq!(may(&ready("580437", [7; 16])).unwrap(), "yes");
    assert_eq!(may(&ready("580437", [8; 16])).unwrap(), "again");
    assert_eq!(may(&ready(FIRST_PIN, [7; 16])).unwrap(), "again", "the current PIN is no new one");
    assert_eq!(may(&ready("123456", [7; 16])).unwrap(), "again", "nor one that a rule refuses");
    assert_eq!(may(&Candidate::Impossible).unwrap(), "no PIN could be generated that passes every rule");
    raw(&f, "UPDATE pin SET key_id = zeroblob(8)");
    assert_eq!(may(&ready("580437", [7; 16])).unwrap_err().status, Status::KeyWrong);
}

#[test]
fn a_reset_keeps_what_was_counted_meanwhile_and_leaves_an_administrators_lock_alone() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(2), ..PinPolicy::default() }, 1);
    f.pickup();
    let wrong = Pin::new("471147");
    let charges: Vec<Charge> = (0..3).map(|_| charged(&f, &snapshot_of(&f))).collect();
    assert!(!charges[0].has_consequences && charges[1].has_consequences);
    let mine = snapshot_of(&f);
    let told = refuse_with_reset(&f.session, &mine, &wrong, &charges[1], &Cause::new("Test")).unwrap();
    assert_eq!(told.reason, Reason::PinReset);
    let facts = f.state(0).facts;
    assert_eq!((facts.failures, facts.lifetime_failures, facts.forced_expired), (3, 3, true));

    let f = Fixture::new(PinPolicy { failures_before_reset: Some(1), ..PinPolicy::default() }, 1);
    f.pickup();
    let mine = charged(&f, &snapshot_of(&f));
    f.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    let told = refuse_with_reset(&f.session, &snapshot_of(&f), &wrong, &mine, &Cause::new("Test")).unwrap();
    assert_eq!(told.reason, Reason::WrongPin);
    assert!(f.state(0).facts.admin_locked);

    let f = Fixture::new(PinPolicy { failures_before_reset: Some(1), ..PinPolicy::default() }, 1);
    f.pickup();
    let mine = charged(&f, &snapshot_of(&f));
    assert!(f.verify(0, FIRST_PIN).accepted);
    let told = refuse_with_reset(&f.session, &snapshot_of(&f), &wrong, &mine, &Cause::new("Test")).unwrap();
    assert_eq!(told.reason, Reason::WrongPin, "a right PIN came between");
}

// ---- after the answer --------------------------------------------------------------------------------------------

#[test]
fn a_hash_is_made_anew_at_a_right_sign_in_where_todays_cost_is_higher() {
    let f = fixture();
    let cost = |f: &Fixture| snapshot_of(f).row.params;
    let with = |memory_kib| {
        let mut tuning = Tuning::danger_test(Clock::Manual(f.clock.clone()));
        tuning.hash.memory_kib = memory_kib;
        Session::with(f.session.location().clone(), None, tuning).unwrap()
    };
    let old = cost(&f);
    let higher = with(old.memory_kib * 2);
    assert_eq!(verify(&higher, &caller(0), &Pin::new("471147")).unwrap().reason, Reason::WrongPin);
    assert_eq!(cost(&f), old, "not by a wrong PIN");
    assert!(verify(&higher, &caller(0), &Pin::new(FIRST_PIN)).unwrap().accepted);
    let new = HashParams { memory_kib: old.memory_kib * 2, ..old };
    assert_eq!(cost(&f), new);
    assert!(f.verify(0, FIRST_PIN).accepted, "and it is still the PIN");
    assert_eq!(cost(&f), new, "a lower cost is no reason");
    assert!(!f.verify(0, "471147").accepted);
}

#[test]
fn a_hash_is_not_made_anew_over_a_pin_that_was_replaced_meanwhile() {
    let f = fixture();
    let old = snapshot_of(&f);
    crate::support::set(&f.session, 0, Some("580437")).unwrap();
    upgrade(&f.session, &old, &Pin::new(FIRST_PIN)).unwrap();
    assert!(f.verify(0, "580437").accepted && !f.verify(0, FIRST_PIN).accepted);
    // Another cost, or another salt, alone.
    let now = snapshot_of(&f);
    for other in [PinRow { salt: [9; 16], ..now.row.clone() }, {
        let params = HashParams { passes: now.row.params.passes + 1, ..now.row.params };
        PinRow { params, ..now.row.clone() }
    }] {
        upgrade(&f.session, &Snapshot { row: other, ..now.clone() }, &Pin::new("471147")).unwrap();
        assert!(f.verify(0, "580437").accepted);
    }
}

#[test]
fn a_hash_that_is_made_anew_during_a_rotation_is_under_the_key_that_it_names() {
    let f = fixture();
    // The first step alone: the store names a new key, and the PIN's row the old one.
    crate::support::execute_raw(&f.session, "Update-UMPinKey", r#"{"Mode": "Commit"}"#);
    let old = snapshot_of(&f).row.key_id;
    upgrade(&f.session, &snapshot_of(&f), &Pin::new(FIRST_PIN)).unwrap();
    assert_ne!(snapshot_of(&f).row.key_id, old);
    assert!(f.verify(0, FIRST_PIN).accepted);
}

#[test]
fn a_refusal_leaves_at_the_next_whole_multiple() {
    let ms = Duration::from_millis;
    let wait = |passed| until_it_leaves(ms(100), passed);
    assert_eq!((wait(ms(0)), wait(ms(1)), wait(ms(99))), (ms(100), ms(99), ms(1)));
    assert_eq!((wait(ms(100)), wait(ms(250))), (ms(100), ms(50)));
    assert_eq!(until_it_leaves(ms(0), ms(30)), ms(0));
    assert_eq!(REFUSAL_INTERVAL, ms(100));
}

// ---- the owner's change ------------------------------------------------------------------------------------------

#[test]
fn a_change_between_whose_halves_somebody_locked_or_replaced_the_pin_changes_nothing() {
    let answer = Answer {
        accepted: true,
        must_change: true,
        set_up_due: true,
        must_change_because: vec!["the PIN is expired".into()],
        reason: Reason::None,
    };
    let new = Pin::new("604938");
    let halves = |between: &dyn Fn(&Fixture)| {
        let f = fixture();
        let before = snapshot_of(&f);
        between(&f);
        let guid = before.guid.clone();
        let new = new_pin(&f, &guid, &new);
        let records = records(&f).len();
        let told = attempt(&f, |c| replace(c, &before, &new, &answer));
        let recorded = self::records(&f).len() - records;
        (told.accepted, told.reason, recorded)
    };
    let lock = |f: &Fixture| drop(f.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap());
    let set = |f: &Fixture| drop(crate::support::set(&f.session, 0, Some("580437")).unwrap());
    let disable = |f: &Fixture| raw(f, "UPDATE um_mailbox SET policy_id = NULL");
    assert_eq!(halves(&lock), (false, Reason::LockedOut, 0));
    assert_eq!(halves(&set), (false, Reason::WrongPin, 0));
    assert_eq!(halves(&disable), (false, Reason::NotUmEnabled, 0));
    assert_eq!(halves(&|_| ()), (true, Reason::None, 1));
    let salt = |f: &Fixture| raw(f, "UPDATE pin SET salt = x'00112233445566778899aabbccddeeff'");
    assert_eq!(halves(&salt).1, Reason::WrongPin, "another salt is another PIN");
}

#[test]
fn of_a_refused_change_only_a_weak_new_pin_is_a_record() {
    let f = fixture();
    let change = |old: &str, new: &str| change_pin(&f.session, &caller(0), &Pin::new(old), &Pin::new(new));
    assert_eq!(change("471147", "580437").unwrap().reason, Reason::WrongPin);
    f.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    let before = records(&f).len();
    assert_eq!(change(FIRST_PIN, "580437").unwrap().reason, Reason::LockedOut);
    assert_eq!(records(&f).len(), before);
    f.run("Unlock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    let before = records(&f).len();
    assert_eq!(change(FIRST_PIN, "12").unwrap_err().status, Status::WeakPin);
    assert_eq!(records(&f).len(), before + 1);
    // An earlier PIN under a key that is gone: an error of the store, not a refusal of what was typed.
    crate::support::set(&f.session, 0, Some("604938")).unwrap();
    raw(&f, "UPDATE pin_history SET key_id = zeroblob(8)");
    let before = records(&f).len();
    assert_eq!(change("604938", "580437").unwrap_err().status, Status::KeyWrong);
    assert_eq!(records(&f).len(), before);
}

#[test]
fn a_refused_change_leaves_at_the_interval_too() {
    let f = fixture();
    let mut tuning = Tuning::danger_test(Clock::Manual(f.clock.clone()));
    tuning.refusal_interval = Duration::from_millis(250);
    let session = Session::with(f.session.location().clone(), None, tuning).unwrap();
    let came = Instant::now();
    let told = change_pin(&session, &caller(0), &Pin::new("471147"), &Pin::new("580437")).unwrap();
    assert!(!told.accepted && came.elapsed() >= Duration::from_millis(250));
}

#[test]
fn whoever_is_unknown_costs_a_hash_too() {
    let f = fixture();
    let mut tuning = Tuning::danger_test(Clock::Manual(f.clock.clone()));
    // A hash that cannot be made: whoever asks for one fails.
    tuning.hash.memory_kib = u32::MAX;
    let session = Session::with(f.session.location().clone(), None, tuning).unwrap();
    assert!(verify(&session, &caller(77), &Pin::new(FIRST_PIN)).is_err());
    raw(&f, "UPDATE um_mailbox SET policy_id = NULL");
    assert!(verify(&session, &caller(0), &Pin::new(FIRST_PIN)).is_err());
}

#[test]
fn a_key_of_the_stores_own_that_does_not_open_counts_nothing() {
    for name in ["audit_key", "spray_key"] {
        let f = fixture();
        raw(&f, &format!("UPDATE setting SET value = '00' WHERE name = '{name}'"));
        for pin in [FIRST_PIN, "471147"] {
            let told = verify(&f.session, &caller(0), &Pin::new(pin)).unwrap_err();
            assert_eq!(told.status, Status::SealBroken, "{name}");
        }
        assert_eq!(f.state(0).facts.failures, 0, "{name}");
        // As soon for nobody as for somebody: neither is worth a hash then, which could not be made here.
        let mut tuning = Tuning::danger_test(Clock::Manual(f.clock.clone()));
        tuning.hash.memory_kib = u32::MAX;
        let session = Session::with(f.session.location().clone(), None, tuning).unwrap();
        let told = verify(&session, &caller(77), &Pin::new(FIRST_PIN)).unwrap_err();
        assert_eq!(told.status, Status::SealBroken, "{name}");
    }
}

#[test]
fn the_count_begins_anew_when_a_timed_lock_is_over() {
    let f = Fixture::new(
        PinPolicy {
            max_attempts: Some(2),
            lockout_minutes: Some(1),
            failures_before_reset: None,
            ..PinPolicy::default()
        },
        1,
    );
    (0..2).for_each(|_| drop(f.verify(0, "471147")));
    assert_eq!(f.verify(0, FIRST_PIN).reason, Reason::LockedOut);
    f.advance(60_000);
    assert_eq!(f.verify(0, "471147").reason, Reason::WrongPin);
    assert_eq!((f.state(0).facts.failures, f.state(0).facts.lifetime_failures), (1, 3));
    assert_eq!(f.verify(0, "471147").reason, Reason::NowLocked);
}

#[test]
fn an_identity_of_blanks_is_an_error() {
    let f = fixture();
    for text in ["", "  "] {
        let who = Caller::Identity(Lookup { identity: Some(text.into()), ..Lookup::default() });
        assert!(verify(&f.session, &who, &Pin::new(FIRST_PIN)).is_err(), "'{text}'");
    }
    let who = Caller::Identity(Lookup {
        identity: Some("user0".into()),
        domain_controller: "no name".into(),
        ..Lookup::default()
    });
    assert!(verify(&f.session, &who, &Pin::new(FIRST_PIN)).is_err());
}

#[test]
fn the_end_of_the_set_up_is_recorded_once() {
    let f = fixture();
    let before = records(&f).len();
    set_up_complete(&f.session, &caller(0)).unwrap();
    set_up_complete(&f.session, &caller(0)).unwrap();
    assert_eq!(records(&f)[before..], ["set-up on the telephone finished"]);
    assert!(!f.state(0).first_time_user);
}

#[test]
fn the_marks_of_wrong_pins_are_erased_after_their_hour() {
    let f = fixture();
    f.run("Set-UMPinConfiguration", &json!({"SprayDetectionThreshold": 5})).unwrap();
    f.verify(0, "471147");
    let marks = || f.session.read(|tx| tx.has_spray_marks(i64::MAX)).unwrap();
    assert!(marks());
    f.clock.fetch_add(spray::LASTS - 1, Ordering::SeqCst);
    spray::forget(&f.session).unwrap();
    assert!(marks(), "not before");
    f.clock.fetch_add(1, Ordering::SeqCst);
    spray::forget(&f.session).unwrap();
    assert!(!marks());
    // Where detection was switched off meanwhile, a wrong PIN erases what is left.
    f.verify(0, "471148");
    f.run("Set-UMPinConfiguration", &json!({"SprayDetectionThreshold": 0})).unwrap();
    f.clock.fetch_add(spray::LASTS, Ordering::SeqCst);
    f.verify(0, "471149");
    assert!(!marks());
}

// ---- what the hash was made with ---------------------------------------------------------------------------------

#[test]
fn a_salt_or_a_cost_that_was_changed_in_the_row_is_an_error_and_counts_nothing() {
    for change in [
        "memory_kib = 4000000000",
        "memory_kib = 4294967295",
        "memory_kib = memory_kib * 2",
        "passes = passes + 1",
        "lanes = 2, memory_kib = 16",
        "salt = x'00112233445566778899aabbccddeeff'",
    ] {
        let f = fixture();
        raw(&f, &format!("UPDATE pin SET {change}"));
        for (pin, one_call) in [(FIRST_PIN, false), ("471147", false), (FIRST_PIN, true), ("471147", true)] {
            if one_call {
                f.session.live_for_one_call();
            }
            let told = verify(&f.session, &caller(0), &Pin::new(pin)).unwrap_err();
            assert_eq!(told.status, Status::SealBroken, "{change}: {told}");
        }
        assert_eq!(f.state(0).facts.failures, 0, "{change}");
        let found = f.run("Test-UMPinStore", &json!({})).unwrap().objects;
        let seals = found.iter().find(|c| c["Check"] == "SealedValues").unwrap();
        assert_eq!(seals["Result"], "Failed", "{change}: {seals}");
        // And a new PIN mends it.
        crate::support::set(&f.session, 0, Some("580437")).unwrap();
        assert!(f.verify(0, "580437").accepted, "{change}");
    }
}

#[test]
fn a_hash_that_the_first_version_sealed_alone_still_signs_in() {
    let f = fixture();
    let old = snapshot_of(&f);
    let bare = hash(&Pin::new(FIRST_PIN), &old.row.salt, &old.row.params).unwrap();
    change(&f, |c| {
        let mut row = old.row.clone();
        let place = crate::crypto::seal::pin_context(&old.guid, row.version);
        row.sealed = crate::crypto::seal::seal(c.key, Purpose::Pin, &place, bare.expose())?;
        c.tx.put_pin(&old.guid, &row)
    })
    .unwrap();
    assert!(f.verify(0, FIRST_PIN).accepted && !f.verify(0, "471147").accepted);
    let found = f.run("Test-UMPinStore", &json!({})).unwrap().objects;
    assert!(found.iter().all(|c| c["Result"] != "Failed"), "{found:?}");
}
