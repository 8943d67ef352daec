//! Import, listing and filters, through the documents that the cmdlets send.

use crate::support::{Fixture, START, run, session_at};
use serde_json::{Value, json};
use umpin::error::{Error, Status};
use umpin::pin::PinPolicy;
use umpin::session::Session;

fn guid(n: usize) -> String {
    format!("00000000-0000-0000-0000-{n:012}")
}

fn person(n: usize, address: &str) -> Value {
    json!({"ObjectGUID": guid(n), "Name": format!("Person {n}"), "proxyAddresses": [format!("SMTP:{address}")]})
}

struct Outcome {
    result: Value,
    errors: Vec<Error>,
}

impl Outcome {
    fn counts(&self) -> [i64; 6] {
        ["Read", "Added", "Updated", "Unchanged", "Removed", "Failed"].map(|n| self.result[n].as_i64().unwrap())
    }
}

/// The whole protocol, as the cmdlet runs it.
fn import(session: &Session, rows: &[Value], file: Option<&std::path::Path>, prune: bool, force: bool) -> Outcome {
    let step = |parameters: Value| run(session, "Import-UMRecipient", &parameters).unwrap();
    let id = step(json!({"Step": "Begin"})).objects[0]["Import"].clone();
    let mut errors = Vec::new();
    if let Some(file) = file {
        loop {
            let read = step(json!({"Step": "Read", "Import": id, "Path": file.to_str()}));
            errors.extend(read.errors);
            if read.next.is_none() {
                break;
            }
        }
    }
    for rows in rows.chunks(500) {
        errors.extend(step(json!({"Step": "Rows", "Import": id, "Rows": rows})).errors);
    }
    loop {
        let applied = step(json!({"Step": "Apply", "Import": id, "Prune": prune, "Force": force}));
        errors.extend(applied.errors);
        if applied.next.is_none() {
            step(json!({"Step": "End", "Import": id}));
            return Outcome { result: applied.objects[0].clone(), errors };
        }
    }
}

fn bare() -> (tempfile::TempDir, Session) {
    let folder = tempfile::tempdir().unwrap();
    let session = session_at(folder.path(), &std::sync::Arc::new(std::sync::atomic::AtomicI64::new(START)));
    (folder, session)
}

fn find(session: &Session, identity: &str) -> Option<String> {
    session
        .read(|tx| {
            Ok(tx
                .recipients_by_key(&umpin::directory::identity::fold(identity), None)?
                .pop()
                .map(|(guid, _)| guid.to_string()))
        })
        .unwrap()
}

#[test]
fn adds_updates_and_leaves_alone() {
    let (_folder, session) = bare();
    let people: Vec<Value> = (0..1200).map(|n| person(n, &format!("p{n}@contoso.com"))).collect();
    assert_eq!(import(&session, &people, None, false, false).counts(), [1200, 1200, 0, 0, 0, 0]);
    let mut again = people.clone();
    again[7]["Name"] = json!("Somebody else");
    assert_eq!(import(&session, &again, None, false, false).counts(), [1200, 0, 1, 1199, 0, 0]);
    assert_eq!(find(&session, "somebody else"), Some(guid(7)));
    assert_eq!(find(&session, "person 7"), None);
}

#[test]
fn addresses_may_swap_within_one_input() {
    let (_folder, session) = bare();
    import(&session, &[person(1, "a@contoso.com"), person(2, "b@contoso.com")], None, false, false);
    let swapped = import(&session, &[person(1, "b@contoso.com"), person(2, "a@contoso.com")], None, false, false);
    assert_eq!(swapped.counts(), [2, 0, 2, 0, 0, 0]);
    assert_eq!(find(&session, "a@contoso.com"), Some(guid(2)));
}

#[test]
fn an_address_that_two_would_hold_fails_its_row_and_names_both() {
    let (_folder, session) = bare();
    import(&session, &[person(1, "a@contoso.com")], None, false, false);
    // 2 wants what 1 has and keeps; 3 and 4 want the same; 5 is fine.
    let rows = [
        person(2, "a@contoso.com"),
        person(3, "c@contoso.com"),
        person(4, "C@contoso.com"),
        person(5, "e@contoso.com"),
    ];
    let done = import(&session, &rows, None, false, false);
    assert_eq!(done.counts(), [4, 2, 0, 0, 0, 2]);
    assert!(done.errors.iter().all(|e| e.status == Status::ImportRow));
    let said: String = done.errors.iter().map(|e| e.message.clone()).collect();
    assert!(said.contains("a@contoso.com") && said.contains("Person 1") && said.contains("object 3"), "{said}");
    // A row that falls out keeps its old address, which bars another row: both fall out.
    import(&session, &[person(6, "f@contoso.com"), person(7, "g@contoso.com")], None, false, false);
    let chain = import(&session, &[person(6, "a@contoso.com"), person(7, "f@contoso.com")], None, false, false);
    assert_eq!(chain.counts(), [2, 0, 0, 0, 0, 2]);
}

#[test]
fn what_the_check_refuses_comes_in_parts_and_once() {
    let (_folder, session) = bare();
    let run = |mode: &str, parameters: Value| {
        let request = json!({"Mode": mode, "Parameters": parameters}).to_string();
        umpin::cmdlets::execute(&session, "Import-UMRecipient", request.as_bytes(), None)
    };
    let id = run("Validate", json!({"Step": "Begin"})).unwrap().objects[0]["Import"].clone();
    let rows: Vec<Value> = (0..1_300).map(|n| person(1, &format!("p{n}@contoso.com"))).collect();
    assert!(run("Validate", json!({"Step": "Rows", "Import": id, "Rows": rows})).unwrap().errors.is_empty());
    let mut places = Vec::new();
    loop {
        let part = run("Validate", json!({"Step": "Check", "Import": id})).unwrap();
        assert!(part.errors.len() <= 500);
        places.extend(part.errors.into_iter().map(|e| e.target));
        if part.next.is_none() {
            break;
        }
    }
    assert_eq!(places, (2..=1_300).map(|n| format!("object {n}")).collect::<Vec<_>>());
    let late = run("Validate", json!({"Step": "Rows", "Import": id, "Rows": [person(2, "late@contoso.com")]}));
    assert_eq!(late.unwrap_err().status, Status::InvalidRequest);
    for mode in ["Validate", "Commit"] {
        let mut told = run(mode, json!({"Step": "Apply", "Import": id})).unwrap();
        while told.next.is_some() {
            assert!(told.errors.is_empty());
            told = run(mode, json!({"Step": "Apply", "Import": id})).unwrap();
        }
        assert!(told.errors.is_empty());
        let object = &told.objects[0];
        assert_eq!((&object["Read"], &object["Added"], &object["Failed"]), (&json!(1_300), &json!(1), &json!(1_299)));
    }
    assert_eq!(find(&session, "p0@contoso.com"), Some(guid(1)));
}

#[test]
fn rows_whose_addresses_others_hold_are_refused_in_the_order_of_the_input() {
    let (_folder, session) = bare();
    let import = |rows: Value| {
        let run = |parameters: Value| run(&session, "Import-UMRecipient", &parameters).unwrap();
        let id = run(json!({"Step": "Begin"})).objects[0]["Import"].clone();
        run(json!({"Step": "Rows", "Import": id, "Rows": rows}));
        let mut refused = Vec::new();
        for step in ["Check", "Apply"] {
            loop {
                let part = run(json!({"Step": step, "Import": id}));
                refused.extend(part.errors.into_iter().map(|e| e.target));
                if part.next.is_none() {
                    break;
                }
            }
        }
        refused
    };
    assert!(import(json!([person(1, "a@contoso.com"), person(2, "z@contoso.com")])).is_empty());
    let refused = import(json!([person(3, "z@contoso.com"), person(4, "a@contoso.com")]));
    assert_eq!(refused, ["position 1", "position 2"]);
}

#[test]
fn bad_rows_fail_alone_with_their_line() {
    let (folder, session) = bare();
    let file = folder.path().join("people.csv");
    let lines = [
        "Guid;Name;mail".to_owned(),
        format!("{};One;one@contoso.com", guid(1)),
        "not-a-guid;Two;two@contoso.com".to_owned(),
        format!("{};Three", guid(3)),
        format!("{};Again;again@contoso.com", guid(1)),
        format!("{};Five;five at contoso", guid(5)),
        format!("{};Sïx;six@contoso.com", guid(6)),
    ];
    std::fs::write(&file, lines.join("\r\n")).unwrap();
    let done = import(&session, &[], Some(&file), false, false);
    assert_eq!(done.counts(), [6, 2, 0, 0, 0, 4]);
    let mut places: Vec<&str> = done.errors.iter().map(|e| e.target.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["line 3", "line 4", "line 5", "line 6"]);
    assert_eq!(find(&session, "sïx"), Some(guid(6)));
}

#[test]
fn an_unclosed_quote_in_a_file_is_a_failed_row_and_nobody_is_pruned() {
    let (folder, session) = bare();
    let people: Vec<Value> = (0..40).map(|n| person(n, &format!("p{n}@contoso.com"))).collect();
    import(&session, &people, None, false, false);
    for rest in [20, 2000] {
        let file = folder.path().join("people.csv");
        let rows: String = (2..rest).map(|n| format!("{},Person {n},p{n}@contoso.com\n", guid(n))).collect();
        let text = format!(
            "Guid,Name,mail\n{},Person 0,p0@contoso.com\n{},\"Person 1,p1@contoso.com\n{rows}",
            guid(0),
            guid(1)
        );
        std::fs::write(&file, text).unwrap();
        let done = import(&session, &[], Some(&file), true, true);
        assert_eq!(done.counts(), [2, 0, 0, 1, 0, 1]);
        assert_eq!(done.errors.iter().map(|e| e.status).collect::<Vec<_>>(), [Status::ImportRow, Status::PruneRefused]);
        assert_eq!(done.errors[0].target, "line 3");
        let said = &done.errors[0].message;
        assert!(said.contains("quote that opens in line 3 is not closed"), "{said}");
        assert!(!said.contains("The other rows go on"), "{said}");
        assert_eq!(find(&session, "p39@contoso.com"), Some(guid(39)));
    }
}

#[test]
fn validating_on_a_bare_machine_creates_nothing() {
    let (folder, session) = bare();
    let run = |mode: &str, parameters: Value| {
        let request = json!({"Mode": mode, "Parameters": parameters}).to_string();
        umpin::cmdlets::execute(&session, "Import-UMRecipient", request.as_bytes(), None).unwrap()
    };
    let id = run("Validate", json!({"Step": "Begin"})).objects[0]["Import"].clone();
    run("Validate", json!({"Step": "Rows", "Import": id, "Rows": [person(1, "a@contoso.com")]}));
    let told = run("Validate", json!({"Step": "Apply", "Import": id}));
    assert_eq!(told.objects[0]["Added"], 1);
    assert!(told.target.unwrap().contains("1 added"));
    run("Validate", json!({"Step": "End", "Import": id}));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn prune_removes_the_absent_and_only_when_it_is_safe() {
    let (_folder, session) = bare();
    let people: Vec<Value> = (0..40).map(|n| person(n, &format!("p{n}@contoso.com"))).collect();
    import(&session, &people, None, false, false);
    let count = || session.read(|tx| tx.recipient_count()).unwrap();
    let refused = |rows: &[Value], force: bool| {
        let done = import(&session, rows, None, true, force);
        assert!(done.errors.iter().any(|e| e.status == Status::PruneRefused), "{:?}", done.errors);
        assert_eq!((done.counts()[4], count()), (0, 40));
    };
    refused(&[], true);
    refused(&people[..20], false);
    let mut broken = people.clone();
    broken[39] = json!({"ObjectGUID": "broken"});
    refused(&broken, true);
    // Four of forty are a tenth, not more.
    assert_eq!(import(&session, &people[..36], None, true, false).counts(), [36, 0, 0, 36, 4, 0]);
    assert_eq!(count(), 36);
    assert_eq!(import(&session, &people[..10], None, true, true).counts()[4], 26);
    assert_eq!(count(), 10);
}

#[test]
fn prune_never_removes_an_enabled_mailbox_nor_does_an_import_touch_its_numbers() {
    let f = Fixture::new(PinPolicy::default(), 3);
    let done = import(&f.session, &[person(1, "new@contoso.com")], None, true, true);
    assert_eq!((done.counts()[4], f.session.read(|tx| tx.recipient_count()).unwrap()), (0, 4));
    let who = find(&f.session, "user0").unwrap();
    let row =
        json!({"Guid": who, "Name": "User 0", "EmailAddresses": "SMTP:user0@contoso.com eum:59999;phone-context=Plan"});
    import(&f.session, &[row], None, false, false);
    assert!(f.verify(0, crate::support::FIRST_PIN).accepted);
    assert!(f.session.read(|tx| tx.um_addresses_by_key("59999", None)).unwrap().is_empty());
}

#[test]
fn lists_filter_sort_and_warn_when_there_is_more() {
    let f = Fixture::new(PinPolicy::default(), 12);
    let get = |parameters: Value| f.run("Get-UMMailbox", &parameters);
    let names = |parameters: Value| -> Vec<String> {
        get(parameters).unwrap().objects.iter().map(|o| o["Name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(json!({})).len(), 12);
    assert_eq!(names(json!({"Filter": "EmailAddresses -like 'eum:5001*'"})), ["User 10", "User 11"]);
    assert_eq!(names(json!({"Filter": "Extensions -eq '50003' -or Name -eq 'user 4'"})), ["User 3", "User 4"]);
    assert_eq!(names(json!({"Anr": "user 1"})), ["User 1", "User 10", "User 11"]);
    assert_eq!(names(json!({"OrganizationalUnit": "contoso.com/Users", "SortBy": "Name"})).len(), 12);
    let nowhere = get(json!({"OrganizationalUnit": "OU=Sales,DC=contoso,DC=com"}));
    assert_eq!(nowhere.unwrap_err().status, Status::NotFound);
    let some = get(json!({"ResultSize": 5})).unwrap();
    assert_eq!((some.objects.len(), some.warnings.len(), some.next), (5, 1, None));
    assert!(get(json!({"ResultSize": 12})).unwrap().warnings.is_empty());
    assert!(get(json!({"ResultSize": "Unlimited"})).unwrap().warnings.is_empty());
    assert_eq!(get(json!({"Filter": "Shop -eq 1"})).unwrap_err().status, Status::InvalidFilter);
    assert_eq!(get(json!({"ResultSize": 0})).unwrap_err().status, Status::InvalidArgument);
    assert_eq!(get(json!({"SortBy": "Age"})).unwrap_err().status, Status::InvalidArgument);
}

#[test]
fn an_identity_and_a_filter_must_both_hold() {
    let f = Fixture::new(PinPolicy::default(), 2);
    for operation in ["Get-UMMailbox", "Get-Mailbox"] {
        let get = |filter: &str| f.run(operation, &json!({"Identity": "user0", "Filter": filter}));
        assert_eq!(get("Name -like 'User*'").unwrap().objects.len(), 1);
        assert_eq!(get("Name -eq 'User 1'").unwrap_err().status, Status::NotFound);
        assert_eq!(get("Shop -eq 1").unwrap_err().status, Status::InvalidFilter);
        let none = f.run(operation, &json!({"Identity": "user0", "ResultSize": 0})).unwrap_err();
        assert_eq!(none.status, Status::InvalidArgument);
    }
}

#[test]
fn every_mailbox_is_a_user_mailbox() {
    let f = Fixture::new(PinPolicy::default(), 2);
    let count = |kinds: Value| f.run("Get-Mailbox", &json!({"RecipientTypeDetails": kinds})).map(|r| r.objects.len());
    assert_eq!(count(json!("usermailbox")).unwrap(), 2);
    assert_eq!(count(json!(["SharedMailbox", "UserMailbox"])).unwrap(), 2);
    assert_eq!(count(json!("RoomMailbox, SharedMailbox")).unwrap(), 0);
    assert_eq!(count(json!("Postbox")).unwrap_err().status, Status::InvalidArgument);
    let filter = json!({"Filter": "RecipientTypeDetails -eq 'UserMailbox' -and RecipientType -eq 'UserMailbox'"});
    assert_eq!(f.run("Get-Mailbox", &filter).unwrap().objects.len(), 2);
}

#[test]
fn a_secondary_address_comes_with_its_dial_plan() {
    let f = Fixture::new(PinPolicy::default(), 1);
    let set = |more: Value| {
        let Value::Object(mut all) = more else { panic!("an object") };
        all.insert("Identity".into(), json!("user0"));
        f.run("Set-Mailbox", &Value::Object(all))
    };
    set(json!({"SecondaryAddress": "59999", "SecondaryDialPlan": "plan", "EmailAddressPolicyEnabled": false})).unwrap();
    let shown = f.run("Get-UMMailbox", &json!({"Identity": "user0"})).unwrap().objects.remove(0);
    assert_eq!(shown["Extensions"].as_array().unwrap().last(), Some(&json!("59999")));
    assert_eq!(set(json!({"SecondaryAddress": "59998"})).unwrap_err().status, Status::InvalidArgument);
    let nowhere = json!({"SecondaryAddress": "59998", "SecondaryDialPlan": "Nowhere"});
    assert_eq!(set(nowhere).unwrap_err().status, Status::NotFound);
}

#[test]
fn dial_groups_come_with_the_columns_of_their_file() {
    let f = Fixture::new(PinPolicy::default(), 0);
    let groups = json!(["Local,9425xxxxxxx,9xxxxxxx,near, and free", "All,*,*"]);
    f.run("Set-UMDialPlan", &json!({"Identity": "Plan", "ConfiguredInCountryOrRegionGroups": groups})).unwrap();
    let shown = f.run("Get-UMDialPlan", &json!({})).unwrap().objects.remove(0);
    let part = |n: usize, name: &str| shown["ConfiguredInCountryOrRegionGroups"][n][name].as_str().unwrap().to_owned();
    assert_eq!([part(0, "Name"), part(0, "NumberMask"), part(0, "DialedNumber")], ["Local", "9425xxxxxxx", "9xxxxxxx"]);
    assert_eq!((part(0, "Comment"), part(1, "Comment")), ("near, and free".to_owned(), String::new()));
    assert_eq!(shown["ConfiguredInternationalGroups"], json!([]));
}

#[test]
fn a_store_that_is_not_there_is_named_in_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(0));
    let session = crate::support::session_at(folder.path(), &clock);
    let warned = |response: &umpin::cmdlets::document::Response| {
        response.warnings.iter().filter(|w| w.once_per_session).map(|w| w.message.clone()).collect::<String>()
    };
    let missing = crate::support::run(&session, "Get-UMPinConfiguration", &json!({})).unwrap();
    assert!(warned(&missing).contains(&session.location().store.display().to_string()), "{}", warned(&missing));
    crate::support::run(&session, "Set-UMPinConfiguration", &json!({"ServerName": "x"})).unwrap();
    assert_eq!(warned(&crate::support::run(&session, "Get-UMPinConfiguration", &json!({})).unwrap()), "");
}

#[test]
fn the_sessions_scope_hides_what_lies_outside() {
    let f = Fixture::new(PinPolicy::default(), 2);
    f.run("Set-ADServerSettings", &json!({"RecipientViewRoot": "contoso.com/Sales"})).unwrap();
    assert_eq!(f.run("Get-UMMailbox", &json!({"Identity": "user0"})).unwrap_err().status, Status::NotFound);
    assert!(f.run("Get-UMMailbox", &json!({})).unwrap().objects.is_empty());
    let dn = json!({"Identity": "CN=User 0,OU=Users,DC=contoso,DC=com", "IgnoreDefaultScope": true});
    assert_eq!(f.run("Get-UMMailbox", &dn).unwrap().objects.len(), 1);
    assert_eq!(f.run("Get-ADServerSettings", &json!({})).unwrap().objects[0]["RecipientViewRoot"], "contoso.com/Sales");
    f.run("Set-ADServerSettings", &json!({"PreferredServer": "dc01"})).unwrap();
    f.run("Set-ADServerSettings", &json!({"PreferredServer": "dc01.contoso.com"})).unwrap();
    let bad = f.run("Set-ADServerSettings", &json!({"PreferredServer": "dc 01"})).unwrap_err();
    assert_eq!(bad.status, Status::InvalidDomainController);
    assert!(f.run("Get-UMMailbox", &json!({})).unwrap().objects.is_empty(), "naming a server changes no scope");
    f.run("Set-ADServerSettings", &json!({"ViewEntireForest": true})).unwrap();
    assert_eq!(f.run("Get-UMMailbox", &json!({})).unwrap().objects.len(), 2);
}

#[test]
fn completion_offers_what_begins_so() {
    let f = Fixture::new(PinPolicy::default(), 12);
    let offers = |kind: &str, prefix: &str| {
        f.run("Complete-Identity", &json!({"Kind": kind, "Prefix": prefix})).unwrap().objects
    };
    assert_eq!(offers("UMMailbox", "USER1").len(), 3);
    assert_eq!(offers("UMMailbox", "User1@")[0]["Text"], "user1@contoso.com");
    assert_eq!(offers("UMMailboxPolicy", "p")[0]["Text"], "Policy");
    assert!(offers("Recipient", "zz").is_empty());
    let containers: Vec<Value> = offers("OrganizationalUnit", "CONTOSO").iter().map(|o| o["Text"].clone()).collect();
    assert_eq!(containers, ["contoso.com", "contoso.com/Users"]);
}

#[test]
fn a_long_list_comes_in_pages_without_gaps() {
    let f = Fixture::new(PinPolicy::default(), 1203);
    let (mut seen, mut after) = (std::collections::BTreeSet::new(), Value::Null);
    loop {
        let request = json!({"Parameters": {"ResultSize": "Unlimited"}, "After": after}).to_string();
        let page = umpin::cmdlets::execute(&f.session, "Get-UMMailbox", request.as_bytes(), None).unwrap();
        for object in &page.objects {
            assert!(seen.insert(object["Name"].as_str().unwrap().to_owned()));
        }
        match page.next {
            Some(next) => after = json!(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), 1203);
}

/// macOS and some directories write an accented letter as the letter and its accent.
#[test]
fn an_accent_of_its_own_is_the_same_letter_wherever_names_are_compared() {
    let (_folder, session) = bare();
    let (apart, whole) = ("Jose\u{301} Mu\u{308}ller", "JOSÉ MÜLLER");
    let mut person = person(1, "jose@contoso.com");
    person["Name"] = json!(apart);
    person["DistinguishedName"] = json!(format!("CN={apart},OU=Zu\u{308}rich,DC=contoso,DC=com"));
    assert_eq!(import(&session, &[person], None, false, false).counts(), [1, 1, 0, 0, 0, 0]);
    let found = |parameters: Value| run(&session, "Get-Mailbox", &parameters).unwrap().objects.len();
    for spelled in [apart, whole] {
        assert_eq!(found(json!({"Identity": spelled})), 1, "{spelled}");
        assert_eq!(found(json!({"Identity": format!("CN={spelled},OU=Zürich,DC=contoso,DC=com")})), 1, "{spelled}");
        assert_eq!(found(json!({"Filter": format!("Name -eq '{spelled}'")})), 1, "{spelled}");
        assert_eq!(
            found(json!({"Filter": format!("Name -like '{}*'", &spelled[..spelled.len() - 2])})),
            1,
            "{spelled}"
        );
        assert_eq!(found(json!({"Anr": spelled})), 1, "{spelled}");
    }
    for unit in ["Zürich", "Zu\u{308}rich", "contoso.com/Zürich"] {
        assert_eq!(found(json!({"OrganizationalUnit": unit})), 1, "{unit}");
    }
    let other = run(&session, "Get-Mailbox", &json!({"Identity": "Jose Muller"})).unwrap_err();
    assert_eq!(other.status, Status::NotFound, "without its accent it is another letter");
    let checks = run(&session, "Test-UMPinStore", &json!({})).unwrap().objects;
    assert!(checks.iter().all(|c| c["Result"] != "Failed"), "{checks:?}");
    for taken in ["Zu\u{308}rich", "ZÜRICH"] {
        let plan = json!({"Name": taken, "NumberOfDigitsInExtension": 5});
        let made = run(&session, "New-UMDialPlan", &plan);
        assert_eq!(made.is_ok(), taken != "ZÜRICH", "{taken}");
    }
}

#[test]
fn a_place_to_go_on_from_that_no_list_gave_is_an_error_and_not_the_first_page() {
    let f = Fixture::new(PinPolicy::default(), 3);
    for operation in ["Get-UMMailbox", "Get-Mailbox", "Search-UMAdminAuditLog", "Update-UMPinKey"] {
        for odd in ["", "x", "1", "x y z", "-1 a b", "1.5 a b", "99999999999999999999 a b"] {
            let request = json!({"Mode": "Commit", "After": odd}).to_string();
            let told = umpin::cmdlets::execute(&f.session, operation, request.as_bytes(), None).unwrap_err();
            assert_eq!(told.status, Status::InvalidRequest, "{operation} {odd:?}");
        }
    }
    let everybody = umpin::service::lookup::Lookup::default();
    for odd in ["", "x"] {
        let told = umpin::cmdlets::get_um_mailbox_pin::list_um_mailbox_pins(&f.session, &everybody, Some(odd), 10)
            .unwrap_err();
        assert_eq!(told.status, Status::InvalidRequest, "{odd:?}");
    }
}
