//! Dial plans, policies, enabling and disabling, through the documents that the cmdlets send.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crate::support::{START, child, mails, pin_in, run, session_at, verify};
use proptest::prelude::*;
use serde_json::{Value, json};
use umpin::cmdlets::document::Response;
use umpin::cmdlets::execute;
use umpin::directory::recipient::{ProxyAddress, Recipient};
use umpin::error::{Error, Result, Status};
use umpin::pin::Pin;
use umpin::service::delivery::deliver_due;
use umpin::session::{Cause, Mode, Session};

struct Store {
    folder: tempfile::TempDir,
    session: Session,
}

impl Store {
    /// `people` recipients `user0@contoso.com`, ... with phone numbers that end in 50000, ...; nobody enabled.
    fn new(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
        let store = Self { folder, session };
        store
            .session
            .change(Mode::Commit, &Cause::new("Seed"), |c| {
                for n in 0..people {
                    let smtp = format!("user{n}@contoso.com");
                    let dn = format!("CN=User {n},OU=Users,DC=contoso,DC=com");
                    c.tx.put_recipient(&Recipient {
                        guid: umpin::guid::RecipientGuid::random()?,
                        name: format!("User {n}"),
                        display_name: format!("User {n}"),
                        alias: format!("user{n}"),
                        primary_smtp_address: smtp.clone(),
                        canonical_name: umpin::directory::identity::canonical_name(&dn),
                        distinguished_name: dn,
                        phone: format!("+1 (425) 55{}", 50_000 + n),
                        addresses: vec![
                            ProxyAddress { prefix: "smtp".into(), address: smtp.clone(), is_primary: true },
                            ProxyAddress { prefix: "sip".into(), address: smtp, is_primary: false },
                        ],
                        ..Default::default()
                    })?;
                }
                Ok(())
            })
            .unwrap();
        store
    }

    fn with_plan(people: usize) -> Self {
        let store = Self::new(people);
        store.plan("Plan", "TelExtn").unwrap();
        store
    }

    fn plan(&self, name: &str, uri_type: &str) -> Result<Response> {
        let parameters =
            json!({"Name": name, "NumberOfDigitsInExtension": 5, "CountryOrRegionCode": "1", "URIType": uri_type});
        self.run("New-UMDialPlan", &parameters)
    }

    fn run(&self, operation: &str, parameters: &Value) -> Result<Response> {
        run(&self.session, operation, parameters)
    }

    fn enable(&self, n: usize, more: Value, pin: Option<&str>) -> Result<Response> {
        enable(&self.session, n, more, pin, "Commit")
    }

    fn policy(&self) -> Value {
        self.run("Get-UMMailboxPolicy", &json!({"Identity": "plan default policy"})).unwrap().objects.remove(0)
    }

    fn sound(&self) {
        let now = self.session.now();
        let faults = self.session.read(|tx| umpin::cmdlets::contents::find_faults(tx, now)).unwrap();
        assert_eq!(faults.summary(), None);
        let file = rusqlite::Connection::open(self.folder.path().join("um.db")).unwrap();
        let orphans: Vec<String> = file
            .prepare("PRAGMA foreign_key_check")
            .unwrap()
            .query_map([], |r| r.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(orphans, Vec::<String>::new());
    }
}

fn enable(session: &Session, n: usize, more: Value, pin: Option<&str>, mode: &str) -> Result<Response> {
    let mut parameters = json!({"Identity": format!("user{n}"), "UMMailboxPolicy": "Plan Default Policy"});
    for (name, value) in more.as_object().unwrap() {
        parameters[name] = value.clone();
    }
    let request = json!({"Mode": mode, "Parameters": parameters}).to_string();
    execute(session, "Enable-UMMailbox", request.as_bytes(), pin.map(Pin::new))
}

fn status(result: Result<Response>) -> Status {
    result.map(|r| format!("{r:?}")).unwrap_err().status
}

#[test]
fn a_plan_brings_its_default_policy_and_numbers_it_when_taken() {
    let s = Store::with_plan(0);
    assert_eq!(s.policy()["UMDialPlan"], "Plan");
    s.run("New-UMMailboxPolicy", &json!({"Name": "Other Default Policy", "UMDialPlan": "Plan"})).unwrap();
    s.plan("Other", "TelExtn").unwrap();
    let other = s.run("Get-UMDialPlan", &json!({"Identity": "other"})).unwrap().objects.remove(0);
    assert_eq!(other["UMMailboxPolicies"], json!(["Other Default Policy1"]));
    assert_eq!(status(s.plan("PLAN", "TelExtn")), Status::NameInUse);
    assert_eq!(status(s.plan(&"x".repeat(60), "TelExtn")), Status::InvalidPolicyValue, "its policy's name is too long");
    let bare = json!({"Name": "x".repeat(60), "NumberOfDigitsInExtension": 20, "CountryOrRegionCode": "1",
        "GenerateUMMailboxPolicy": false});
    s.run("New-UMDialPlan", &bare).unwrap();
    for digits in [0, 21] {
        let bad = json!({"Name": "y", "NumberOfDigitsInExtension": digits, "CountryOrRegionCode": "1"});
        assert_eq!(status(s.run("New-UMDialPlan", &bad)), Status::InvalidPolicyValue);
    }
}

#[test]
fn pin_settings_have_both_bounds_and_unlimited() {
    let s = Store::with_plan(0);
    let set = |name: &str, value: Value| {
        s.run("Set-UMMailboxPolicy", &json!({"Identity": "Plan Default Policy", name: value}))
            .map(|_| s.policy()[name].clone())
    };
    for (name, low, high) in [
        ("MinPINLength", 4, 24),
        ("PINHistoryCount", 1, 20),
        ("MaxLogonAttempts", 6, 999),
        ("LifetimeLogonFailures", 1, 5000),
        ("ExpiryNoticeDays", 1, 30),
    ] {
        for fine in [low, high] {
            let shown = set(name, json!(fine)).unwrap();
            assert_eq!(shown.as_str().map_or(shown.to_string(), str::to_owned), fine.to_string(), "{name}");
        }
        let below = if name == "MaxLogonAttempts" { 0 } else { low - 1 };
        for bad in [below, high + 1] {
            let error = set(name, json!(bad)).unwrap_err();
            assert_eq!(error.status, Status::InvalidPolicyValue, "{name} {bad}");
            assert!(error.message.contains(name) && error.message.contains(&bad.to_string()), "{error}");
        }
    }
    assert_eq!(set("PINLifetime", json!(1)).unwrap(), "1.00:00:00");
    assert_eq!(set("PINLifetime", json!("999")).unwrap(), "999.00:00:00");
    assert_eq!(set("PINLifetime", json!("60.00:00:00")).unwrap(), "60.00:00:00");
    assert_eq!(set("PINLifetime", json!("unlimited")).unwrap(), "Unlimited");
    assert_eq!(set("LockoutDuration", json!("00:30:00")).unwrap(), "00:30:00");
    for (name, bad) in [("PINLifetime", json!(0)), ("PINLifetime", json!(1000)), ("LockoutDuration", json!(1441))] {
        assert_eq!(set(name, bad).unwrap_err().status, Status::InvalidPolicyValue);
    }
    assert_eq!(set("MaxLogonAttempts", json!("Unlimited")).unwrap(), "Unlimited");
    assert_eq!(set("LogonFailuresBeforePINReset", json!(998)).unwrap(), 998, "a number, so that it compares as one");
    let both = set("MaxLogonAttempts", json!(998)).unwrap_err();
    assert!(both.message.matches("998").count() == 2, "{both}");
    assert_eq!(set("MaxLogonAttempts", json!(999)).unwrap(), 999);
    assert_eq!(set("LogonFailuresBeforePINReset", json!(0)).unwrap(), "Unlimited", "0 is off");
    assert_eq!(set("LogonFailuresBeforePINReset", json!(999)).unwrap_err().status, Status::InvalidPolicyValue);
    assert!(
        set("ResetPINText", json!("x".repeat(512))).is_ok() && set("ResetPINText", json!("x".repeat(513))).is_err()
    );
    assert_eq!(status(s.run("Set-UMMailboxPolicy", &json!({"Identity": "nobody"}))), Status::NotFound);
    assert_eq!(status(s.run("Set-UMMailboxPolicy", &json!({"Identity": ""}))), Status::InvalidIdentity);
}

#[test]
fn enabling_sets_everything_and_welcomes() {
    let s = Store::with_plan(2);
    let pickup = tempfile::tempdir().unwrap();
    s.run("Set-UMPinConfiguration", &json!({"Transport": "Pickup", "PickupFolder": pickup.path().to_str()})).unwrap();
    let done = s
        .enable(0, json!({"Extensions": [36697], "NotifyEmail": "boss@contoso.com", "PilotNumber": "50100"}), None)
        .unwrap();
    let mailbox = &done.objects[0];
    assert_eq!((&mailbox["UMEnabled"], &mailbox["Extensions"]), (&json!(true), &json!(["36697"])));
    assert_eq!((&mailbox["UMMailboxPolicy"], &mailbox["UMDialPlan"]), (&json!("Plan Default Policy"), &json!("Plan")));
    assert!(mailbox["EmailAddresses"].as_array().unwrap().contains(&json!("EUM:36697;phone-context=Plan")));
    assert_eq!(done.notices.len(), 1);
    deliver_due(&s.session, None).unwrap();
    let mail = mails(pickup.path()).remove(0);
    assert!(mail.contains("Subject: Welcome to Exchange Unified Messaging") && mail.contains("<boss@contoso.com>"));
    assert!(mail.contains("Access number: 50100"));
    let caller = umpin::service::sign_in::Caller::Number { number: "36697".into(), dial_plan: Some("plan".into()) };
    let answer = umpin::service::sign_in::verify(&s.session, &caller, &Pin::new(pin_in(&mail).unwrap())).unwrap();
    assert!(answer.accepted && answer.must_change && answer.set_up_due);
    // Without an extension the phone number's tail serves.
    let done = s.enable(1, json!({"PINExpired": false, "SendWelcomeMail": false}), Some("739182")).unwrap();
    assert_eq!(done.objects[0]["Extensions"], json!(["50001"]));
    assert!(done.notices.is_empty() && done.warnings.is_empty());
    assert!(!verify(&s.session, 1, "739182").must_change);
    s.sound();
}

#[test]
fn enabling_is_refused_with_an_error_for_each_cause_and_writes_nothing() {
    let s = Store::with_plan(3);
    s.plan("Sip", "SipName").unwrap();
    s.plan("E", "E164").unwrap();
    s.enable(0, json!({"Extensions": ["36697"]}), None).unwrap();
    for (n, more, pin, expected) in [
        (0, json!({"Extensions": ["11111"]}), None, Status::AlreadyUmEnabled),
        (1, json!({"Extensions": ["36697"]}), None, Status::ExtensionNotUnique),
        (1, json!({"Extensions": ["1234"]}), None, Status::InvalidExtension),
        (1, json!({"Extensions": ["1234x"]}), None, Status::InvalidExtension),
        (1, json!({"Extensions": ["51234", "51234"]}), None, Status::ExtensionNotUnique),
        (1, json!({"UMMailboxPolicy": "none"}), None, Status::NotFound),
        (1, json!({"NotifyEmail": "not an address"}), None, Status::InvalidNotifyEmail),
        (1, json!({}), Some("123456"), Status::WeakPin),
        (1, json!({"Extensions": ["51234"]}), Some("951234"), Status::WeakPin),
        (1, json!({}), Some("１２３４５６"), Status::WeakPin),
        (1, json!({"UMMailboxPolicy": "E Default Policy"}), None, Status::E164ResourceIdNeeded),
        (
            1,
            json!({"UMMailboxPolicy": "E Default Policy", "SIPResourceIdentifier": "4255550100"}),
            None,
            Status::E164ResourceIdNeeded,
        ),
        (
            1,
            json!({"UMMailboxPolicy": "Sip Default Policy", "SIPResourceIdentifier": "x@y.example"}),
            None,
            Status::SipResourceIdNeeded,
        ),
        (1, json!({"Extension": ["1"]}), None, Status::InvalidRequest),
        (9, json!({}), None, Status::NotFound),
    ] {
        for mode in ["Validate", "Commit"] {
            assert_eq!(status(enable(&s.session, n, more.clone(), pin, mode)), expected, "{mode} {more}");
        }
    }
    let error = s.enable(0, json!({}), None).unwrap_err();
    assert!(error.message.contains("is already enabled for Unified Messaging"), "{error}");
    s.enable(1, json!({"UMMailboxPolicy": "Sip Default Policy"}), None).unwrap();
    let e164 = json!({"UMMailboxPolicy": "E Default Policy", "SIPResourceIdentifier": "+14255550102"});
    let done = s.enable(2, e164, None).unwrap();
    assert_eq!(done.objects[0]["SIPResourceIdentifier"], "+14255550102");
    s.sound();
}

#[test]
fn validate_only_and_rehearsal_change_nothing() {
    let s = Store::with_plan(1);
    let before = s.session.read(|tx| Ok((tx.audit_tail()?, tx.outbox_count()?))).unwrap();
    let shown = s.enable(0, json!({"ValidateOnly": true}), None).unwrap();
    assert_eq!(shown.objects[0]["Extensions"], json!(["50000"]));
    enable(&s.session, 0, json!({}), None, "Validate").unwrap();
    assert_eq!(s.session.read(|tx| Ok((tx.audit_tail()?, tx.outbox_count()?))).unwrap(), before);
    assert_eq!(status(s.run("Set-UMMailbox", &json!({"Identity": "user0"}))), Status::NotUmEnabled);
}

#[test]
fn disabling_frees_at_once_and_keeps_or_erases() {
    let s = Store::with_plan(2);
    let pin = Some("739182");
    s.enable(0, json!({"PINExpired": false}), pin).unwrap();
    s.run("Set-UMMailbox", &json!({"Identity": "user0", "OperatorNumber": "50100"})).unwrap();
    let done = s.run("Disable-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    assert_eq!((&done.objects[0]["UMEnabled"], &done.objects[0]["Extensions"]), (&json!(false), &json!([])));
    assert!(!verify(&s.session, 0, "739182").accepted);
    assert_eq!(s.session.read(|tx| tx.outbox_count()).unwrap(), 0);
    let error = s.run("Disable-UMMailbox", &json!({"Identity": "user0"})).unwrap_err();
    assert_eq!(error.status, Status::AlreadyUmDisabled);
    assert!(error.message.contains("is already disabled for Unified Messaging"), "{error}");
    assert_eq!(status(s.run("Disable-UMMailbox", &json!({"Identity": "user1"}))), Status::AlreadyUmDisabled);
    // Somebody else takes the number; settings and history are still there afterwards.
    s.enable(1, json!({"Extensions": ["50000"]}), None).unwrap();
    assert_eq!(status(s.enable(0, json!({"Extensions": ["50009"]}), pin)), Status::WeakPin, "history holds");
    let again = s.enable(0, json!({"Extensions": ["50009"]}), Some("580437")).unwrap();
    assert_eq!(again.objects[0]["OperatorNumber"], "50100");
    s.run("Disable-UMMailbox", &json!({"Identity": "user0", "KeepProperties": false})).unwrap();
    let fresh = s.enable(0, json!({"Extensions": ["50009"]}), pin).unwrap();
    assert_eq!(fresh.objects[0]["OperatorNumber"], "");
    s.sound();
}

#[test]
fn what_is_in_use_is_not_removed() {
    let s = Store::with_plan(1);
    s.enable(0, json!({}), None).unwrap();
    let remove = |operation: &str, identity: &str| s.run(operation, &json!({"Identity": identity}));
    assert_eq!(status(remove("Remove-UMMailboxPolicy", "Plan Default Policy")), Status::PolicyInUse);
    assert_eq!(status(remove("Remove-UMDialPlan", "Plan")), Status::DialPlanInUse);
    s.run("Disable-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    remove("Remove-UMMailboxPolicy", "Plan Default Policy").unwrap();
    remove("Remove-UMDialPlan", "Plan").unwrap();
    assert!(s.run("Get-UMDialPlan", &json!({})).unwrap().objects.is_empty());
    s.sound();
}

#[test]
fn moving_between_policies_stays_inside_a_plan() {
    let s = Store::with_plan(1);
    s.plan("Other", "TelExtn").unwrap();
    s.run("New-UMMailboxPolicy", &json!({"Name": "Second", "UMDialPlan": "Plan"})).unwrap();
    s.enable(0, json!({}), None).unwrap();
    let set = |policy: &str| s.run("Set-UMMailbox", &json!({"Identity": "user0", "UMMailboxPolicy": policy}));
    set("Second").unwrap();
    assert_eq!(status(set("Other Default Policy")), Status::InvalidPolicyValue);
    let bad = json!({"Identity": "user0", "OperatorNumber": "x".repeat(21)});
    assert_eq!(status(s.run("Set-UMMailbox", &bad)), Status::InvalidPolicyValue);
    let shown = s.run("Get-UMMailbox", &json!({"Identity": "user0"})).unwrap().objects.remove(0);
    assert_eq!(shown["UMMailboxPolicy"], "Second");
}

#[test]
fn secondary_extensions_come_and_go_through_the_addresses() {
    let s = Store::with_plan(2);
    s.plan("Tokyo", "TelExtn").unwrap();
    s.plan("Third", "TelExtn").unwrap();
    s.enable(0, json!({"PINExpired": false}), Some("739182")).unwrap();
    s.enable(1, json!({}), None).unwrap();
    let edit = |add: &str, remove: &str| {
        let list = |t: &str| if t.is_empty() { json!([]) } else { json!([t]) };
        s.run(
            "Set-Mailbox",
            &json!({"Identity": "user0", "EmailAddresses": {"Add": list(add), "Remove": list(remove)}}),
        )
    };
    edit("eum:51111;phone-context=Plan", "").unwrap();
    edit("eum:81111;phone-context=Tokyo", "").unwrap();
    let shown = s.run("Get-UMMailbox", &json!({"Identity": "user0"})).unwrap().objects.remove(0);
    assert_eq!(shown["Extensions"], json!(["50000", "51111", "81111"]));
    for (number, plan) in [("50000", "plan"), ("51111", "plan"), ("81111", "tokyo")] {
        let caller = umpin::service::sign_in::Caller::Number { number: number.into(), dial_plan: Some(plan.into()) };
        assert!(
            umpin::service::sign_in::verify(&s.session, &caller, &Pin::new("739182")).unwrap().accepted,
            "{number}"
        );
    }
    for (add, expected) in [
        ("eum:50001;phone-context=Plan", Status::ExtensionNotUnique),
        ("eum:511;phone-context=Plan", Status::InvalidExtension),
        ("eum:51112;phone-context=Third", Status::InvalidExtension),
        ("eum:51112;phone-context=Nowhere", Status::NotFound),
        ("smtp:user1@contoso.com", Status::InvalidAddress),
        ("smtp:not an address", Status::InvalidAddress),
    ] {
        assert_eq!(status(edit(add, "")), expected, "{add}");
    }
    edit("", "eum:51111;phone-context=Plan").unwrap();
    edit("smtp:other@contoso.com", "").unwrap();
    let shown = s.run("Get-UMMailbox", &json!({"Identity": "other@contoso.com"})).unwrap().objects.remove(0);
    assert_eq!(shown["Extensions"], json!(["50000", "81111"]));
    s.sound();
}

#[test]
fn locking_leaves_the_pin_alone() {
    let s = Store::with_plan(1);
    s.enable(0, json!({"PINExpired": false}), Some("739182")).unwrap();
    s.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    assert!(!verify(&s.session, 0, "739182").accepted);
    s.run("Set-UMMailboxPolicy", &json!({"Identity": "Plan Default Policy", "MaxLogonAttempts": "Unlimited"})).unwrap();
    assert!(!verify(&s.session, 0, "739182").accepted, "an administrator's lock holds under any policy");
    s.run("Unlock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    assert!(verify(&s.session, 0, "739182").accepted);
}

#[derive(Clone, Debug)]
enum Step {
    Enable(usize, usize),
    Disable(usize, bool),
    SetPin(usize),
    Move(usize, bool),
    AddExtension(usize, usize),
    RemovePolicy(bool),
    AddPolicy,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3usize, 0..4usize).prop_map(|(n, e)| Step::Enable(n, e)),
        2 => (0..3usize, any::<bool>()).prop_map(|(n, keep)| Step::Disable(n, keep)),
        1 => (0..3usize).prop_map(Step::SetPin),
        1 => (0..3usize, any::<bool>()).prop_map(|(n, second)| Step::Move(n, second)),
        2 => (0..3usize, 0..4usize).prop_map(|(n, e)| Step::AddExtension(n, e)),
        1 => any::<bool>().prop_map(Step::RemovePolicy),
        1 => Just(Step::AddPolicy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_leaves_numbers_unique_and_no_orphans(steps in prop::collection::vec(step(), 1..25)) {
        let s = Store::with_plan(3);
        for step in steps {
            // Refusals are fine; what counts is what is left behind.
            let _: std::result::Result<_, Error> = match step {
                Step::Enable(n, e) => s.enable(n, json!({"Extensions": [(60_000 + e).to_string()]}), None),
                Step::Disable(n, keep) => {
                    s.run("Disable-UMMailbox", &json!({"Identity": format!("user{n}"), "KeepProperties": keep}))
                }
                Step::SetPin(n) => crate::support::set(&s.session, n, None).map(|_| Response::default()),
                Step::Move(n, second) => {
                    let policy = if second { "Second" } else { "Plan Default Policy" };
                    s.run("Set-UMMailbox", &json!({"Identity": format!("user{n}"), "UMMailboxPolicy": policy}))
                }
                Step::AddExtension(n, e) => {
                    let add = format!("eum:{};phone-context=Plan", 60_000 + e);
                    s.run("Set-Mailbox", &json!({"Identity": format!("user{n}"), "EmailAddresses": {"Add": [add]}}))
                }
                Step::RemovePolicy(second) => {
                    let policy = if second { "Second" } else { "Plan Default Policy" };
                    s.run("Remove-UMMailboxPolicy", &json!({"Identity": policy}))
                }
                Step::AddPolicy => s.run("New-UMMailboxPolicy", &json!({"Name": "Second", "UMDialPlan": "Plan"})),
            };
            s.sound();
        }
    }
}

const PROCESSES: usize = 10;
const EACH: usize = 100;

#[test]
fn enabling_process() {
    let Some((folder, k)) = child::folder_and_id() else { return };
    let session = session_at(&folder, &Arc::new(AtomicI64::new(START)));
    for n in k * EACH..(k + 1) * EACH {
        enable(&session, n, json!({}), None, "Commit").unwrap();
        umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin(&session, &crate::support::who(n)).unwrap();
        crate::support::set(&session, n, Some("580437")).unwrap();
    }
}

/// Ten processes, each with its own hundred mailboxes in one store.
#[test]
fn ten_processes_enable_read_and_reset_their_own_hundred() {
    let s = Store::with_plan(PROCESSES * EACH);
    let children: Vec<_> =
        (0..PROCESSES).map(|k| child::spawn(module_path!(), "enabling_process", s.folder.path(), k)).collect();
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }
    for n in 0..PROCESSES * EACH {
        assert!(verify(&s.session, n, "580437").accepted, "{n}");
    }
    assert_eq!(s.session.read(|tx| tx.outbox_count()).unwrap(), (PROCESSES * EACH) as i64);
    s.sound();
}
