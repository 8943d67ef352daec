//! What a program needs that acts for people whom it vouches for, as the page does.

use crate::support::{FIRST_PIN, Fixture, run, session_at, who};
use serde_json::{Value, json};
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::cmdlets::{execute, record_refusal};
use umpin::error::{Error, Status};
use umpin::pin::{Pin, PinPolicy, Refusal};
use umpin::service::lookup::mailboxes_with_number;
use umpin::service::pin_rules::pin_rules;

fn fixture() -> Fixture {
    Fixture::new(PinPolicy::default(), 2)
}

fn own(n: usize) -> SetPin {
    SetPin { who: who(n), by_owner: true, ..SetPin::default() }
}

#[test]
fn the_trail_names_the_person_as_told_and_the_program_beside_the_account() {
    let f = fixture();
    let person = f.session.on_behalf_of("tony@contoso.com", "umpin-web");
    run(&person, "Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    let refused = Error::new(Status::SignInRefused, "Too many.");
    record_refusal(&person, "Set-UMMailboxPIN", "user1", &refused);
    let found = |user: &str| -> Vec<Value> {
        let request = json!({"Parameters": {"UserIds": [user]}}).to_string();
        execute(&f.session, "Search-UMAdminAuditLog", request.as_bytes(), None).unwrap().objects
    };
    let records = found("tony@contoso.com");
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!(record["CallerClaimed"], Value::from("tony@contoso.com"));
        assert_eq!(record["ExternalAccess"], Value::from(true));
        let caller = record["Caller"].as_str().unwrap();
        let account = caller.strip_suffix(" through umpin-web").unwrap();
        assert!(found(account).contains(record), "found by the account as well");
    }
    assert_eq!(records[0]["Error"], Value::from("Too many."));
    assert_eq!(records[0]["ObjectModified"], Value::from("contoso.com/Users/User 1"));
}

#[test]
fn an_owners_reset_does_not_undo_what_only_an_administrator_may() {
    let f = fixture();
    f.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    let refused = begin_reset(&f.session, own(0)).unwrap_err();
    assert_eq!(refused.status, Status::SignInRefused);
    // Locked between the two halves.
    let begun = begin_reset(&f.session, own(1)).unwrap();
    f.run("Lock-UMMailbox", &json!({"Identity": "user1"})).unwrap();
    assert_eq!(begun.commit(&f.session).unwrap_err().status, Status::SignInRefused);
    for n in [0, 1] {
        f.run("Unlock-UMMailbox", &json!({"Identity": format!("user{n}")})).unwrap();
        assert!(f.verify(n, FIRST_PIN).accepted, "the PIN stayed");
    }
}

#[test]
fn an_owners_reset_clears_failures_in_a_row_and_keeps_those_in_total() {
    let rules = PinPolicy {
        max_attempts: Some(2),
        lifetime_failures: Some(3),
        failures_before_reset: None,
        ..PinPolicy::default()
    };
    let f = Fixture::new(rules, 1);
    for _ in 0..2 {
        f.verify(0, "000000");
    }
    assert!(!f.verify(0, FIRST_PIN).accepted, "locked");
    begin_reset(&f.session, own(0)).unwrap().commit(&f.session).unwrap();
    let facts = f.state(0).facts;
    assert_eq!((facts.failures, facts.lifetime_failures), (0, 2));
    f.verify(0, "000000");
    assert_eq!(begin_reset(&f.session, own(0)).unwrap_err().status, Status::SignInRefused, "the total locks");
}

#[test]
fn each_rule_is_told_as_kept_or_broken_and_history_never() {
    let f = Fixture::new(PinPolicy { block_human_pins: true, ..PinPolicy::default() }, 1);
    let told = |pin: Option<&str>| pin_rules(&f.session, &who(0), pin.map(Pin::new).as_ref()).unwrap();
    let broken = |pin: &str| -> Vec<Refusal> {
        told(Some(pin)).into_iter().filter(|(_, kept)| *kept == Some(false)).map(|(rule, _)| rule).collect()
    };
    assert!(told(None).iter().all(|(_, kept)| kept.is_none()));
    assert_eq!(told(None).len(), 8);
    assert_eq!(broken("123456")[0], Refusal::Run);
    assert_eq!(broken("150000")[0], Refusal::HoldsExtension);
    assert_eq!(broken("12"), [Refusal::TooShort { min: 6 }]);
    assert_eq!(broken("12345a"), [Refusal::NotDigits]);
    assert_eq!(broken(&"1739".repeat(7)), [Refusal::TooLong]);
    assert!(broken(FIRST_PIN).is_empty(), "the current PIN is not told");
    // One and the same answer as of the check that a change makes.
    for pin in ["123456", "150000", "12", "12345a", "839274", "121212", "198419", "739182"] {
        let refused =
            begin_reset(&f.session, SetPin { who: who(0), pin: Some(Pin::new(pin)), ..SetPin::default() }).is_err();
        assert_eq!(refused, !broken(pin).is_empty(), "{pin}");
    }
}

#[test]
fn a_number_finds_whom_it_signs_in() {
    let f = fixture();
    assert_eq!(mailboxes_with_number(&f.session, " 50001 ").unwrap(), [f.state(1).guid]);
    assert!(mailboxes_with_number(&f.session, "59999").unwrap().is_empty());
}

#[test]
fn a_store_that_lost_its_key_or_itself_is_told() {
    let f = fixture();
    f.session.check().unwrap();
    std::fs::rename(f.path("umpin.key"), f.path("gone")).unwrap();
    assert_eq!(f.another().check().unwrap_err().status, Status::KeyMissing);
    std::fs::rename(f.path("gone"), f.path("umpin.key")).unwrap();
    // Where there is none: on Windows one that is open cannot be removed.
    std::fs::create_dir(f.path("empty")).unwrap();
    assert_eq!(session_at(&f.path("empty"), &f.clock).check().unwrap_err().status, Status::StoreMissing);
}

/// The page's confirmation says what -WhatIf says.
#[test]
fn the_words_of_a_reset_are_those_of_whatif() {
    let f = fixture();
    let cmdlet = include_str!("../../powershell/UMMailboxPin/Commands/SetUMMailboxPinCommand.cs");
    for locked_out in [None, Some(true)] {
        let reset = begin_reset(&f.session, SetPin { who: who(0), locked_out, ..SetPin::default() }).unwrap();
        assert_eq!(reset.target(), "contoso.com/Users/User 0");
        assert!(cmdlet.contains(&format!("\"{}\"", reset.action())), "{}", reset.action());
    }
}
