//! Set- and Get-UMMailboxPIN through the service: history, seals, keys, rehearsals, bad files.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crate::support::{
    FIRST_PIN, Fixture, START, assert_private, contains, copy_key, session_at, set, store_bytes, verify, who,
};
use umpin::cmdlets::get_um_mailbox_pin::{get_um_mailbox_pin, list_um_mailbox_pins};
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::crypto::seal::pin_context;
use umpin::error::Status;
use umpin::location::Location;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::lookup::Lookup;
use umpin::session::{Cause, Mode, Session, Tuning};

fn fixture(history_count: u32) -> Fixture {
    Fixture::new(PinPolicy { history_count, ..PinPolicy::default() }, 2)
}

/// Six-digit PINs that pass every rule of content.
fn pin(n: u32) -> String {
    format!("{}", 130_257 + n * 7_919)
}

#[test]
fn history_bars_exactly_as_many_as_the_policy_counts() {
    for count in [1, 2, 5, 20] {
        let f = fixture(count);
        for n in 0..count {
            set(&f.session, 0, Some(&pin(n))).unwrap();
        }
        // The last `count` PINs are barred: pin(0) to pin(count - 1). The one before them is free.
        for n in 0..count {
            let refused = set(&f.session, 0, Some(&pin(n))).unwrap_err();
            assert_eq!(refused.status, Status::WeakPin);
            assert!(refused.message.contains(&format!("PINHistoryCount is {count}")), "{refused}");
            assert!(!refused.message.contains(&pin(n)));
        }
        set(&f.session, 0, Some(FIRST_PIN)).unwrap();
    }
}

#[test]
fn raising_the_history_count_bars_pins_that_were_free() {
    let f = fixture(1);
    for n in 0..3 {
        set(&f.session, 0, Some(&pin(n))).unwrap();
    }
    f.policy(|p| p.pin.history_count = 20);
    for used in [FIRST_PIN, &pin(0), &pin(1), &pin(2)] {
        assert_eq!(set(&f.session, 0, Some(used)).unwrap_err().status, Status::WeakPin);
    }
    f.policy(|p| p.pin.history_count = 1);
    set(&f.session, 0, Some(FIRST_PIN)).unwrap();
}

#[test]
fn state_follows_what_was_asked() {
    let f = fixture(5);
    let ask = |pin_expired, locked_out| {
        let asked = SetPin { who: who(0), pin_expired, locked_out, ..SetPin::default() };
        let state = begin_reset(&f.session, asked).unwrap().commit(&f.session).unwrap().state;
        (state.policy.is_expired(&state.facts, START), state.facts.admin_locked)
    };
    assert_eq!(ask(None, None), (true, false));
    assert_eq!(ask(Some(false), Some(true)), (false, true));
    assert_eq!(ask(Some(true), None), (true, false), "any other call unlocks");
    assert_eq!(ask(Some(false), Some(false)), (false, false));
}

#[test]
fn every_call_replaces_the_pin_and_clears_the_count() {
    let f = fixture(5);
    assert!(!f.verify(0, "111222").accepted);
    assert_eq!(f.state(0).facts.failures, 1);
    let asked = SetPin { who: who(0), locked_out: Some(false), ..SetPin::default() };
    begin_reset(&f.session, asked).unwrap().commit(&f.session).unwrap();
    assert_eq!(f.state(0).facts.failures, 0);
    assert!(!f.verify(0, FIRST_PIN).accepted);
}

#[test]
fn beginning_tells_nothing_of_the_current_pin_and_writes_nothing() {
    let f = fixture(5);
    let rows = |f: &Fixture| f.session.read(|tx| Ok((tx.audit_rows(1, 1000)?.len(), tx.outbox()?.len()))).unwrap();
    let before = rows(&f);
    for typed in [FIRST_PIN, "580437"] {
        let asked = SetPin { who: who(0), pin: Some(Pin::new(typed)), ..SetPin::default() };
        drop(begin_reset(&f.session, asked).unwrap());
    }
    let weak = SetPin { who: who(0), pin: Some(Pin::new("123456")), ..SetPin::default() };
    assert_eq!(begin_reset(&f.session, weak).unwrap_err().status, Status::WeakPin);
    assert_eq!(rows(&f), before);
    // The refusal by history comes at the commit, and is recorded.
    assert_eq!(set(&f.session, 0, Some(FIRST_PIN)).unwrap_err().status, Status::WeakPin);
    let last = f.session.read(|tx| Ok(tx.audit_rows(1, 1000)?.pop())).unwrap().unwrap();
    assert!(!last.succeeded && last.detail.contains("PINHistoryCount") && last.cmdlet == "Set-UMMailboxPIN");
    assert!(!last.parameters.contains(FIRST_PIN));
}

#[test]
fn on_a_bare_machine_reading_and_rehearsing_create_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
    assert_eq!(get_um_mailbox_pin(&session, &who(0)).unwrap_err().status, Status::NotFound);
    assert!(list_um_mailbox_pins(&session, &Lookup::default(), None, 10).unwrap().0.is_empty());
    assert_eq!(
        begin_reset(&session, SetPin { who: who(0), ..SetPin::default() }).unwrap_err().status,
        Status::NotFound
    );
    session.change(Mode::Validate, &Cause::new("Test"), |c| c.audit("x", "y")).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_rehearsal_leaves_the_tables_as_they_were() {
    let f = fixture(5);
    let dump = || f.session.read(|tx| Ok(format!("{:?}{:?}", tx.audit_tail()?, tx.policies(None)?))).unwrap();
    let before = dump();
    f.session
        .change(Mode::Validate, &Cause::new("Test"), |c| {
            let mut policy = c.tx.policy_by_key("policy")?.unwrap();
            policy.name = "Other".into();
            c.tx.put_policy(&policy)?;
            c.audit("x", "y")
        })
        .unwrap();
    assert_eq!(dump(), before);
}

#[test]
fn the_bytes_hold_no_pin_neither_does_an_error_or_a_record() {
    let f = fixture(5);
    for n in 0..5 {
        set(&f.session, 0, Some(&pin(n))).unwrap();
    }
    let mut said = String::new();
    for n in 0..5 {
        said += &set(&f.session, 0, Some(&pin(n))).unwrap_err().message;
    }
    let backup = f.path("backup.db");
    let mut target = rusqlite::Connection::open(&backup).unwrap();
    let source = f.session.read(|_| Ok(())).map(|()| rusqlite::Connection::open(f.path("um.db")).unwrap()).unwrap();
    rusqlite::backup::Backup::new(&source, &mut target)
        .unwrap()
        .run_to_completion(100, std::time::Duration::ZERO, None)
        .unwrap();
    drop(target);
    let mut bytes = store_bytes(f.folder.path());
    bytes.extend(std::fs::read(&backup).unwrap());
    bytes.extend(std::fs::read(f.path("umpin.key")).unwrap());
    bytes.extend(said.as_bytes());
    for n in 0..5 {
        assert!(!contains(&bytes, &pin(n)));
    }
    assert!(!contains(&bytes, FIRST_PIN));
    assert!(contains(&bytes, "user0@contoso.com"), "the scan does see what is in clear");
}

#[test]
fn without_its_key_nothing_verifies_nothing_is_counted_and_no_key_is_made() {
    let f = fixture(5);
    let key = f.path("umpin.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let caller = umpin::service::sign_in::Caller::Number { number: "50000".into(), dial_plan: None };
    for session in [&f.session, &f.another()] {
        for typed in [FIRST_PIN, "580437"] {
            let error = umpin::service::sign_in::verify(session, &caller, &Pin::new(typed)).unwrap_err();
            assert_eq!(error.status, Status::KeyMissing);
            assert!(error.message.contains("umpin.key"), "{error}");
        }
        assert_eq!(set(session, 0, None).unwrap_err().status, Status::KeyMissing);
    }
    assert!(!key.exists());
    assert_eq!(f.state(0).facts.failures, 0);

    // Another store's key is no better.
    let other = fixture(5);
    copy_key(&other.path("umpin.key"), &key);
    let error = umpin::service::sign_in::verify(&f.session, &caller, &Pin::new(FIRST_PIN)).unwrap_err();
    assert_eq!(error.status, Status::KeyWrong);
    assert_eq!(f.state(0).facts.failures, 0);

    std::fs::write(&key, kept).unwrap();
    assert!(f.verify(0, FIRST_PIN).accepted);
}

#[test]
fn a_sealed_pin_copied_to_another_mailbox_or_version_does_not_open() {
    let f = fixture(5);
    let guid =
        |n: usize| f.session.read(|tx| Ok(tx.recipients_by_key(&format!("user{n}"), None)?.remove(0).0)).unwrap();
    let (victim, thief) = (guid(0), guid(1));
    assert_ne!(pin_context(&victim, 1), pin_context(&thief, 1));
    set(&f.session, 1, Some("580437")).unwrap();
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| {
            let stolen = c.tx.pin(&thief)?.unwrap();
            c.tx.put_pin(&victim, &stolen)
        })
        .unwrap();
    let caller = umpin::service::sign_in::Caller::Number { number: "50000".into(), dial_plan: None };
    let error = umpin::service::sign_in::verify(&f.session, &caller, &Pin::new("580437")).unwrap_err();
    assert_eq!(error.status, Status::SealBroken);
    assert_eq!(f.state(0).facts.failures, 0);
    // An administrator can still help.
    set(&f.session, 0, Some("604938")).unwrap();
    assert!(f.verify(0, "604938").accepted);
}

#[test]
fn identities_of_every_form_find_and_others_do_not() {
    let f = fixture(5);
    let state = |identity: &str| {
        get_um_mailbox_pin(&f.session, &Lookup { identity: Some(identity.into()), ..Lookup::default() })
    };
    let guid = f.session.read(|tx| Ok(tx.recipients_by_key("user0", None)?.remove(0).0)).unwrap();
    for identity in [
        "user0",
        "USER0@contoso.com",
        "User 0",
        "CN=User 0,OU=Users,DC=contoso,DC=com",
        "cn=user 0, ou=users, dc=contoso, dc=com",
        "contoso.com/Users/User 0",
        guid.as_str(),
        &guid.as_str().to_uppercase(),
        &format!("{{{guid}}}"),
    ] {
        assert_eq!(state(identity).unwrap().user_id, "user0@contoso.com", "{identity}");
    }
    for (identity, status) in [
        ("nobody", Status::NotFound),
        ("user*", Status::NotFound),
        ("", Status::InvalidIdentity),
        (" ", Status::InvalidIdentity),
        (&"x".repeat(10_000), Status::InvalidIdentity),
    ] {
        let error = state(identity).unwrap_err();
        assert_eq!(error.status, status, "{}", identity.len());
        assert!(error.message.len() < 500);
    }
    let missing = state("nobody").unwrap_err();
    assert!(
        missing
            .message
            .starts_with("The operation couldn't be performed because object 'nobody' couldn't be found on '")
    );
    let asked =
        Lookup { identity: Some("nobody".into()), domain_controller: "dc01.contoso.com".into(), ..Lookup::default() };
    assert!(get_um_mailbox_pin(&f.session, &asked).unwrap_err().message.ends_with("on 'dc01.contoso.com'."));
}

#[test]
fn two_people_of_one_name_are_ambiguous_and_scope_narrows() {
    let f = fixture(5);
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| {
            let guid = c.tx.recipients_by_key("user1", None)?.remove(0).0;
            let mut user = c.tx.recipient(&guid)?.unwrap();
            user.display_name = "User 0".into();
            c.tx.put_recipient(&user)
        })
        .unwrap();
    let lookup = Lookup { identity: Some("User 0".into()), ..Lookup::default() };
    let error = get_um_mailbox_pin(&f.session, &lookup).unwrap_err();
    assert_eq!(error.status, Status::Ambiguous);
    assert_eq!(error.message, "The operation couldn't be performed because 'User 0' matches multiple entries.");
    let dn = Lookup {
        identity: Some("CN=User 0,OU=Users,DC=contoso,DC=com".into()),
        ignore_default_scope: true,
        ..Lookup::default()
    };
    assert!(get_um_mailbox_pin(&f.session, &dn).is_ok());
    for (lookup, status) in [
        (Lookup { domain_controller: "dc.contoso.com".into(), ..dn.clone() }, Status::ScopeWithDomainController),
        (Lookup { identity: Some("user0".into()), ..dn }, Status::ScopeNeedsDistinguishedName),
        (Lookup { domain_controller: "dc".into(), ..lookup }, Status::InvalidDomainController),
    ] {
        assert_eq!(get_um_mailbox_pin(&f.session, &lookup).unwrap_err().status, status);
    }
}

#[test]
fn lists_page_without_gaps_or_repeats() {
    let f = Fixture::new(PinPolicy::default(), 25);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (states, next) = list_um_mailbox_pins(&f.session, &Lookup::default(), after.as_deref(), 10).unwrap();
        seen.extend(states.into_iter().map(|s| s.user_id));
        after = next;
        if after.is_none() {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}

#[test]
fn damaged_newer_readonly_and_network_stores_are_told_apart_and_left_alone() {
    if crate::support::is_on_server("damaged_newer_readonly_and_network_stores_are_told_apart_and_left_alone") {
        return;
    }
    let f = fixture(5);
    let store = f.path("um.db");
    f.session.read(|_| Ok(())).unwrap();

    let other = tempfile::tempdir().unwrap();
    let at =
        |store: std::path::PathBuf| Session::with(Location { store, key: f.path("umpin.key") }, None, Tuning::SHIPPED);
    let damaged = other.path().join("um.db");
    std::fs::write(&damaged, b"this is no database, however long it may be, and it stays as it is".repeat(100))
        .unwrap();
    let before = std::fs::read(&damaged).unwrap();
    assert_eq!(get_um_mailbox_pin(&at(damaged.clone()).unwrap(), &who(0)).unwrap_err().status, Status::StoreDamaged);
    assert_eq!(std::fs::read(&damaged).unwrap(), before);

    let newer = other.path().join("newer.db");
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 9999).unwrap();
    let error = get_um_mailbox_pin(&at(newer).unwrap(), &who(0)).unwrap_err();
    assert_eq!(error.status, Status::StoreTooNew);
    assert!(error.message.contains("newer"), "{error}");

    assert_eq!(at(r"\\server\share\um.db".into()).err().unwrap().status, Status::StoreOnNetwork);

    let nowhere = at("/proc/no/such/um.db".into()).unwrap();
    let error = nowhere.change(Mode::Commit, &Cause::new("Test"), |_| Ok(())).unwrap_err();
    assert_eq!(error.status, Status::StoreNotWritable);
    assert!(store.exists());
}

#[test]
fn the_files_are_their_owners_alone() {
    if crate::support::is_on_server("the_files_are_their_owners_alone") {
        return;
    }
    let f = fixture(5);
    assert_private(&f.path("um.db"));
    assert_private(&f.path("umpin.key"));
    // SQLite makes its log. On Windows its folder's list decides, which Wine does not hand down.
    if cfg!(unix) {
        assert_private(&f.path("um.db-wal"));
    }
}

#[test]
fn parallel_resets_of_one_mailbox_lose_nothing() {
    let f = Fixture::new(PinPolicy { history_count: 20, ..PinPolicy::default() }, 1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let session = f.another();
            scope.spawn(move || {
                for _ in 0..20 {
                    set(&session, 0, None).unwrap();
                }
            });
        }
    });
    let guid = f.session.read(|tx| Ok(tx.recipients_by_key("user0", None)?.remove(0).0)).unwrap();
    let (version, history, audit) = f
        .session
        .read(|tx| Ok((tx.pin(&guid)?.unwrap().version, tx.pin_history(&guid)?.len(), tx.audit_tail()?.unwrap().0)))
        .unwrap();
    assert_eq!((version, history, audit), (81, 20, 80));
    set(&f.session, 0, Some("580437")).unwrap();
    assert!(verify(&f.session, 0, "580437").accepted);
}
