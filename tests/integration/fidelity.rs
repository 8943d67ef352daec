//! What administrators of Exchange rely on around a change: that nothing changed is said, that a refusal is recorded,
//! that the forms on Microsoft's pages are taken.

use crate::support::{FIRST_PIN, Fixture, run, session_at, store_bytes, who};
use serde_json::{Value, json};
use umpin::cmdlets::document::Response;
use umpin::cmdlets::execute;
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::directory::recipient::Recipient;
use umpin::error::{Error, Status};
use umpin::pin::{Pin, PinPolicy};
use umpin::session::{Cause, Mode, Session};
use umpin::store::audit::AuditRow;

fn fixture(people: usize) -> Fixture {
    Fixture::new(PinPolicy::default(), people)
}

fn trail(session: &Session) -> Vec<AuditRow> {
    session.read(|tx| tx.audit_rows(1, 1000)).unwrap()
}

/// One call as a cmdlet makes it: the half before its prompt, and under -WhatIf no more than that.
fn call(f: &Fixture, operation: &str, parameters: &Value, what_if: bool) -> Result<Response, Error> {
    let half = |mode: &str| {
        let request = json!({"Mode": mode, "BeforeCommit": mode == "Validate" && !what_if, "Parameters": parameters});
        execute(&f.session, operation, request.to_string().as_bytes(), None)
    };
    let looked = half("Validate")?;
    if what_if { Ok(looked) } else { half("Commit") }
}

fn refused(f: &Fixture, operation: &str, parameters: Value) -> Error {
    run(&f.session, operation, &parameters).unwrap_err()
}

fn shown(f: &Fixture, operation: &str, identity: &str) -> Value {
    f.run(operation, &json!({"Identity": identity})).unwrap().objects.remove(0)
}

fn disable(f: &Fixture, n: usize, more: Value) -> Result<Response, Error> {
    let mut parameters = json!({"Identity": format!("user{n}")});
    for (name, value) in more.as_object().unwrap() {
        parameters[name] = value.clone();
    }
    f.run("Disable-UMMailbox", &parameters)
}

#[test]
fn a_set_that_changes_nothing_says_so_moves_no_date_and_writes_no_record() {
    let f = fixture(1);
    f.run("Set-UMPinConfiguration", &json!({"ServerName": "um01", "AdminAuditLogAgeLimit": 30})).unwrap();
    f.run("Set-UMDialPlan", &json!({"Identity": "Plan", "OperatorExtension": "0"})).unwrap();
    let before = trail(&f.session).len();
    let everything = |f: &Fixture| {
        [
            shown(f, "Get-UMMailbox", "user0"),
            shown(f, "Get-UMMailboxPolicy", "Policy"),
            shown(f, "Get-UMDialPlan", "Plan"),
            f.run("Get-UMPinConfiguration", &json!({})).unwrap().objects.remove(0),
        ]
    };
    let was = everything(&f);
    f.advance(60_000);
    let mailbox = "contoso.com/Users/User 0";
    for (operation, parameters, named) in [
        // A value that is there already, one that is the default and was never stored, and no setting at all.
        ("Set-UMMailbox", json!({"Identity": "user0", "FaxEnabled": true, "UMMailboxPolicy": "policy"}), mailbox),
        ("Set-UMMailbox", json!({"Identity": "user0", "Name": "User 0"}), mailbox),
        ("Set-UMMailbox", json!({"Identity": "user0"}), mailbox),
        ("Set-Mailbox", json!({"Identity": "user0", "EmailAddresses": {"Add": ["smtp:USER0@contoso.com"]}}), mailbox),
        (
            "Set-Mailbox",
            json!({"Identity": "user0", "EmailAddresses": {"Remove": ["eum:1;phone-context=Plan"]}}),
            mailbox,
        ),
        ("Set-UMMailboxPolicy", json!({"Identity": "policy", "MinPINLength": 6, "AllowFax": false}), "Policy"),
        ("Set-UMDialPlan", json!({"Identity": "plan", "OperatorExtension": "0", "OutsideLineAccessCode": "9"}), "Plan"),
        ("Set-UMPinConfiguration", json!({"ServerName": "um01", "AdminAuditLogAgeLimit": 30}), "the store's settings"),
    ] {
        let expected = format!("The command completed successfully but no settings of '{named}' have been modified.");
        for what_if in [true, false] {
            let done = call(&f, operation, &parameters, what_if).unwrap();
            let said: Vec<&str> = done.warnings.iter().map(|w| w.message.as_str()).collect();
            assert_eq!(said, [expected.as_str()], "{operation} {parameters}");
        }
    }
    assert_eq!(everything(&f), was);
    assert_eq!(trail(&f.session).len(), before);

    for (operation, parameters) in [
        ("Set-UMMailbox", json!({"Identity": "user0", "FaxEnabled": false})),
        ("Set-UMMailbox", json!({"Identity": "user0", "Name": "User Nought"})),
        ("Set-Mailbox", json!({"Identity": "user0", "EmailAddresses": {"Add": ["smtp:u0@contoso.com"]}})),
        ("Set-Mailbox", json!({"Identity": "user0", "EmailAddresses": {"Add": ["eum:51111;phone-context=Plan"]}})),
        ("Set-UMMailboxPolicy", json!({"Identity": "policy", "AllowFax": true})),
        ("Set-UMMailboxPolicy", json!({"Identity": "policy", "MinPINLength": 7})),
        ("Set-UMDialPlan", json!({"Identity": "plan", "OutsideLineAccessCode": ""})),
        ("Set-UMDialPlan", json!({"Identity": "plan", "Name": "PLAN"})),
        ("Set-UMPinConfiguration", json!({"AdminAuditLogAgeLimit": 31})),
        ("Set-UMPinConfiguration", json!({"ServerName": "um02"})),
        ("Set-UMPinConfiguration", json!({"SenderName": "Voice mail"})),
    ] {
        let count = trail(&f.session).len();
        assert!(f.run(operation, &parameters).unwrap().warnings.is_empty(), "{operation} {parameters}");
        assert_eq!(trail(&f.session).len(), count + 1, "{operation} {parameters}");
    }
    let now = everything(&f);
    for at in 0..3 {
        assert_ne!(now[at]["WhenChanged"], was[at]["WhenChanged"], "{at}");
    }
}

#[test]
fn what_is_refused_before_the_prompt_is_recorded_once_and_not_under_what_if() {
    let f = fixture(2);
    let long = "x".repeat(5000);
    for (operation, parameters, about, why) in [
        ("Enable-UMMailbox", json!({"Identity": "user0", "UMMailboxPolicy": "Policy"}), "User 0", "already enabled"),
        ("Disable-UMMailbox", json!({"Identity": "nobody"}), "nobody", "couldn't be found on"),
        ("Set-UMMailbox", json!({"Identity": "user1", "OperatorNumber": "x".repeat(21)}), "User 1", "OperatorNumber"),
        ("Set-Mailbox", json!({"Identity": "user1", "EmailAddresses": ["smtp:none"]}), "User 1", "not an e-mail"),
        ("Lock-UMMailbox", json!({"Identity": long}), "xxx", "2048 is the most"),
        ("Set-UMMailboxPolicy", json!({"Identity": "Policy", "MinPINLength": 3}), "Policy", "MinPINLength 3"),
        ("Remove-UMMailboxPolicy", json!({"Identity": "Policy"}), "Policy", "2 UM-enabled mailboxes reference it"),
        ("New-UMDialPlan", json!({"Name": "Plan", "NumberOfDigitsInExtension": 5}), "Plan", "already exists"),
        ("Remove-UMDialPlan", json!({"Identity": "Plan"}), "Plan", "can't be removed"),
        ("Set-UMPinConfiguration", json!({"SprayDetectionThreshold": -1}), "store settings", "SprayDetection"),
        ("Backup-UMPinStore", json!({"Path": ""}), "store", "-Path is empty"),
        ("Restore-UMPinStore", json!({"Path": "/no/such/copy.db"}), "store", "copy.db"),
    ] {
        let before = trail(&f.session).len();
        assert!(call(&f, operation, &parameters, true).is_err());
        assert_eq!(trail(&f.session).len(), before, "{operation}: -WhatIf only looks");
        let error = call(&f, operation, &parameters, false).unwrap_err();
        let rows = trail(&f.session);
        assert_eq!(rows.len(), before + 1, "{operation}: {error}");
        let row = &rows[before];
        assert!(!row.succeeded && row.cmdlet == operation, "{operation}");
        assert!(row.detail == error.message && row.detail.contains(why), "{operation}: {}", row.detail);
        assert!(row.object.contains(about) && row.object.len() < 300, "{operation}: {}", row.object);
        assert!(row.parameters.len() < 1000, "{operation}");
        // The half after the prompt records what only it meets.
        assert!(run(&f.session, operation, &parameters).is_err());
        assert_eq!(trail(&f.session).len(), before + 2, "{operation}");
    }
    // What only looks is nobody's refusal.
    let before = trail(&f.session).len();
    refused(&f, "Get-UMMailbox", json!({"Identity": "nobody"}));
    refused(&f, "Enable-UMMailbox", json!({"Identity": "nobody", "ValidateOnly": true}));
    assert_eq!(trail(&f.session).len(), before);
}

#[test]
fn a_pin_that_set_refuses_before_the_prompt_is_recorded_without_it_unless_it_only_looks() {
    let f = fixture(1);
    let ask = |identity: &str, pin: &str, record_refusals: bool| {
        let who = umpin::service::lookup::Lookup { identity: Some(identity.into()), ..who(0) };
        begin_reset(&f.session, SetPin { who, pin: Some(Pin::new(pin)), record_refusals, ..SetPin::default() })
            .unwrap_err()
    };
    for (identity, pin, about) in
        [("user0", "98765432", "contoso.com/Users/User 0"), ("nobody", "739183", "nobody"), ("", "739183", "")]
    {
        let before = trail(&f.session).len();
        ask(identity, pin, false);
        assert_eq!(trail(&f.session).len(), before);
        let error = ask(identity, pin, true);
        let rows = trail(&f.session);
        assert_eq!(rows.len(), before + 1);
        let row = rows.last().unwrap();
        assert_eq!((row.succeeded, row.cmdlet.as_str(), row.object.as_str()), (false, "Set-UMMailboxPIN", about));
        assert_eq!(row.detail, error.message);
        assert!(row.parameters.contains("(given)") && !row.parameters.contains(pin), "{}", row.parameters);
    }
}

#[test]
fn a_pin_put_among_the_parameters_is_refused_and_stands_in_no_record() {
    let f = fixture(1);
    let error = call(&f, "Set-UMMailbox", &json!({"Identity": "user0", "Pin": "583920"}), false).unwrap_err();
    assert_eq!(error.status, Status::InvalidRequest);
    assert!(trail(&f.session).last().unwrap().parameters.contains("(given)"));
    assert!(!crate::support::contains(&store_bytes(f.folder.path()), "583920"));
}

#[test]
fn on_a_bare_machine_a_refusal_makes_no_store_to_record_it_in() {
    let folder = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(crate::support::START));
    let session = session_at(folder.path(), &clock);
    let asked = SetPin { who: who(0), record_refusals: true, ..SetPin::default() };
    assert_eq!(begin_reset(&session, asked).unwrap_err().status, Status::NotFound);
    let request = json!({"Mode": "Validate", "BeforeCommit": true, "Parameters": {"Identity": "nobody"}}).to_string();
    assert!(execute(&session, "Disable-UMMailbox", request.as_bytes(), None).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn keep_properties_false_erases_what_a_disabled_mailbox_kept() {
    let f = fixture(1);
    disable(&f, 0, json!({})).unwrap();
    let guid = f.session.read(|tx| Ok(tx.recipients_by_key("user0", None)?.remove(0).0)).unwrap();
    let kept = || f.session.read(|tx| Ok((tx.um_mailbox(&guid)?.is_some(), tx.pin(&guid)?.is_some()))).unwrap();
    for keeping in [json!({}), json!({"KeepProperties": true})] {
        assert_eq!(disable(&f, 0, keeping).unwrap_err().status, Status::AlreadyUmDisabled);
    }
    assert_eq!(kept(), (true, true));
    let done = disable(&f, 0, json!({"KeepProperties": false})).unwrap();
    assert_eq!(done.objects[0]["UMEnabled"], false);
    assert_eq!(kept(), (false, false));
    assert!(trail(&f.session).last().unwrap().detail.contains("erased"));
    assert_eq!(disable(&f, 0, json!({"KeepProperties": false})).unwrap_err().status, Status::AlreadyUmDisabled);
    // Its PIN bars nothing any more.
    let request = json!({"Mode": "Commit", "Parameters":
        {"Identity": "user0", "UMMailboxPolicy": "Policy", "Extensions": ["50000"]}});
    execute(&f.session, "Enable-UMMailbox", request.to_string().as_bytes(), Some(Pin::new(FIRST_PIN))).unwrap();
}

#[test]
fn a_phone_context_with_a_domain_behind_the_plan_is_taken_wherever_addresses_are() {
    let f = fixture(2);
    f.run("New-UMDialPlan", &json!({"Name": "Plan.West", "NumberOfDigitsInExtension": 5})).unwrap();
    // Somebody without a distinguished name has no domain to take.
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| {
            let guid = umpin::guid::RecipientGuid::random()?;
            let name = "A Guest/x".to_owned();
            c.tx.put_recipient(&Recipient { guid, canonical_name: name.clone(), name, ..Default::default() })
        })
        .unwrap();
    assert_eq!(shown(&f, "Get-UMDialPlan", "Plan")["PhoneContext"], "Plan.contoso.com");
    let edit = |edit: Value| f.run("Set-Mailbox", &json!({"Identity": "user0", "EmailAddresses": edit}));
    let extensions = || shown(&f, "Get-UMMailbox", "user0")["Extensions"].clone();
    edit(json!({"Add": ["eum:51111;phone-context=Plan.contoso.com"]})).unwrap();
    edit(json!({"Add": ["EUM:52222;phone-context=plan.corp.contoso.com"]})).unwrap();
    assert_eq!(extensions(), json!(["50000", "51111", "52222"]));
    // The longest name that is a plan's wins.
    edit(json!({"Add": ["eum:53333;phone-context=Plan.West.contoso.com", "eum:54444;phone-context=Plan.West"]}))
        .unwrap();
    let west = umpin::service::sign_in::Caller::Number { number: "53333".into(), dial_plan: Some("Plan.West".into()) };
    assert!(umpin::service::sign_in::verify(&f.session, &west, &Pin::new(FIRST_PIN)).unwrap().accepted);
    // What is there already is no second one, and goes by either spelling.
    edit(json!({"Add": ["eum:51111;phone-context=Plan.contoso.com"]})).unwrap();
    edit(json!({"Remove": ["eum:52222;phone-context=Plan.contoso.com", "eum:53333;phone-context=Plan.West.x.y",
        "eum:54444;phone-context=plan.west"]}))
    .unwrap();
    assert_eq!(extensions(), json!(["50000", "51111"]));
    edit(json!(["SMTP:user0@contoso.com", "EUM:50000;phone-context=Plan.contoso.com"])).unwrap();
    assert_eq!(extensions(), json!(["50000"]));
    for none in ["Other.contoso.com", "Plan.", ".contoso.com", "Plan.con toso.com", "Plan..com"] {
        let error = edit(json!({"Add": [format!("eum:51111;phone-context={none}")]})).unwrap_err();
        assert!([Status::NotFound, Status::InvalidIdentity].contains(&error.status), "{none}: {error}");
    }
    for filter in [
        "EmailAddresses -eq 'eum:50001;phone-context=Plan.contoso.com'",
        "UMAddresses -like 'eum:*1;phone-context=plan.contoso.com' -and -not (Name -eq 'x')",
    ] {
        let found = f.run("Get-UMMailbox", &json!({"Filter": filter})).unwrap().objects;
        assert_eq!(found.len(), 1, "{filter}");
        assert_eq!(found[0]["Name"], "User 1");
        let both = f.run("Get-UMMailbox", &json!({"Identity": "user1", "Filter": filter})).unwrap().objects;
        assert_eq!(both[0]["Name"], "User 1", "with an identity, too");
    }
}

#[test]
fn the_phone_context_of_an_empty_directory_is_the_plans_name() {
    let f = fixture(0);
    assert_eq!(shown(&f, "Get-UMDialPlan", "Plan")["PhoneContext"], "Plan");
}

#[test]
fn a_dial_plan_needs_only_a_name_and_its_digits() {
    let f = fixture(0);
    let new = json!({"Name": "MyUMDialPlan", "NumberOfDigitsInExtension": 4});
    let plan = f.run("New-UMDialPlan", &new).unwrap().objects.remove(0);
    for (name, value) in [
        ("CountryOrRegionCode", "1"),
        ("URIType", "TelExtn"),
        ("DefaultLanguage", "en-US"),
        ("OutsideLineAccessCode", "9"),
    ] {
        assert_eq!(plan[name], value, "{name}");
    }
    assert_eq!(plan["UMMailboxPolicies"], json!(["MyUMDialPlan Default Policy"]));
    let bad = json!({"Name": "x", "NumberOfDigitsInExtension": 4, "CountryOrRegionCode": ""});
    assert_eq!(refused(&f, "New-UMDialPlan", bad).status, Status::InvalidPolicyValue);
    let other = json!({"Name": "x", "NumberOfDigitsInExtension": 4, "CountryOrRegionCode": "44"});
    assert_eq!(f.run("New-UMDialPlan", &other).unwrap().objects[0]["CountryOrRegionCode"], "44");
}

#[test]
fn a_recording_may_be_a_minute_long_and_no_outside_line_code_is_one() {
    let f = fixture(0);
    let set = |name: &str, value: Value| f.run("Set-UMDialPlan", &json!({"Identity": "Plan", name: value}));
    set("MaxRecordingDuration", json!(1)).unwrap();
    assert!(set("MaxRecordingDuration", json!(0)).is_err());
    set("OutsideLineAccessCode", json!("")).unwrap();
    let plan = shown(&f, "Get-UMDialPlan", "Plan");
    assert_eq!((&plan["MaxRecordingDuration"], &plan["OutsideLineAccessCode"]), (&json!(1), &json!("")));
}

#[test]
fn a_malformed_flag_tells_nothing_of_an_earlier_pin() {
    let f = fixture(1);
    disable(&f, 0, json!({})).unwrap();
    let enable = |flag: &str, pin: &str| {
        let request = json!({"Mode": "Commit", "Parameters": {"Identity": "user0", "UMMailboxPolicy": "Policy",
            "Extensions": ["50000"], flag: "no flag"}});
        execute(&f.session, "Enable-UMMailbox", request.to_string().as_bytes(), Some(Pin::new(pin))).unwrap_err()
    };
    for flag in ["PINExpired", "SendWelcomeMail", "AutomaticSpeechRecognitionEnabled", "EnableCloudVoiceMail"] {
        let (used, unused) = (enable(flag, FIRST_PIN), enable(flag, "580437"));
        assert_eq!((used.status, &used.message), (unused.status, &unused.message), "{flag}");
        assert!(used.message.contains(flag), "{used}");
    }
    let pilot = |pin: &str| {
        let request = json!({"Mode": "Commit", "Parameters": {"Identity": "user0", "UMMailboxPolicy": "Policy",
            "Extensions": ["50000"], "PilotNumber": [1]}});
        execute(&f.session, "Enable-UMMailbox", request.to_string().as_bytes(), Some(Pin::new(pin))).unwrap_err()
    };
    assert_eq!(pilot(FIRST_PIN).message, pilot("580437").message);
}

#[test]
fn one_mailbox_is_one_where_a_policy_is_in_use() {
    let f = fixture(1);
    let message = refused(&f, "Remove-UMMailboxPolicy", json!({"Identity": "Policy"})).message;
    assert!(message.contains("because 1 UM-enabled mailbox references it."), "{message}");
}

#[test]
fn an_organizational_unit_goes_by_its_own_name_and_an_unknown_one_is_not_found() {
    let f = fixture(2);
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| {
            for (n, dn) in [
                (0, "CN=User 0,OU=Sales,OU=Köln,DC=contoso,DC=com"),
                (1, "CN=User 1,OU=Sales,OU=Paris,OU=R/D,DC=contoso,DC=com"),
            ] {
                let guid = c.tx.recipients_by_key(&format!("user{n}"), None)?.remove(0).0;
                let mut r = c.tx.recipient(&guid)?.unwrap();
                r.canonical_name = umpin::directory::identity::canonical_name(dn);
                r.distinguished_name = dn.into();
                c.tx.put_recipient(&r)?;
            }
            Ok(())
        })
        .unwrap();
    let list = |unit: &str| {
        f.run("Get-UMMailbox", &json!({"OrganizationalUnit": unit}))
            .map(|r| r.objects.iter().map(|o| o["Alias"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>())
    };
    for (unit, expected) in [
        ("paris", vec!["user1"]),
        ("KÖLN", vec!["user0"]),
        ("contoso.com", vec!["user0", "user1"]),
        ("contoso.com/köln/", vec!["user0"]),
        ("CONTOSO.com/KÖLN", vec!["user0"]),
        ("OU=Sales,OU=Köln,DC=contoso,DC=com", vec!["user0"]),
        ("contoso.com/R\\/D/Paris/Sales", vec!["user1"]),
    ] {
        assert_eq!(list(unit).unwrap(), expected, "{unit}");
    }
    for unit in ["Nowhere", "aris", "D", "contoso.com/Nowhere", "OU=Nowhere,DC=contoso,DC=com", "Paris/Sales", "User 0"]
    {
        let error = list(unit).unwrap_err();
        assert_eq!(error.status, Status::NotFound, "{unit}");
        assert!(error.message.contains(unit) && error.message.contains("couldn't be found on"), "{error}");
    }
    assert_eq!(list("Sales").unwrap_err().status, Status::Ambiguous);
}

#[test]
fn a_row_that_the_check_refused_is_an_error_in_the_rehearsal_and_in_the_commit() {
    let f = fixture(1);
    let step = |mode: &str, parameters: Value| {
        let request = json!({"Mode": mode, "Parameters": parameters}).to_string();
        execute(&f.session, "Import-UMRecipient", request.as_bytes(), None).unwrap()
    };
    let id = step("Validate", json!({"Step": "Begin"})).objects[0]["Import"].clone();
    let row = |n: u32, address: &str| {
        let guid = format!("00000000-0000-0000-0000-{n:012}");
        json!({"Guid": guid, "Name": format!("Person {n}"), "mail": address})
    };
    let rows = [row(1, "p1@contoso.com"), row(2, "user0@contoso.com"), row(3, "p3@contoso.com")];
    assert!(step("Validate", json!({"Step": "Rows", "Import": id, "Rows": rows})).errors.is_empty());
    let apply = json!({"Step": "Apply", "Import": id, "Prune": false, "Force": false});
    for _ in 0..2 {
        assert_eq!(step("Validate", apply.clone()).errors.len(), 1);
    }
    let mut errors = Vec::new();
    let result = loop {
        let page = step("Commit", apply.clone());
        errors.extend(page.errors);
        assert_eq!(errors.len(), 1, "told with the first page, and once");
        if page.next.is_none() {
            break page.objects[0].clone();
        }
    };
    assert_eq!((&result["Added"], &result["Failed"]), (&json!(2), &json!(1)));
    assert_eq!(errors.len(), 1, "one error a row");
    assert_eq!(errors[0].status, Status::ImportRow);
    let said = &errors[0].message;
    assert!(said.contains("Person 2") && said.contains("user0@contoso.com"), "{said}");
    assert!(said.starts_with("The row at position 2 "), "{said}");
}
