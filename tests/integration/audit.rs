//! The audit trail: what it holds, what a search finds, what is noticed when somebody works on it with other tools.

use crate::raw::Raw;
use crate::support::{FIRST_PIN, Fixture, set};
use serde_json::{Value, json};
use umpin::error::Status;
use umpin::pin::PinPolicy;
use umpin::session::{Cause, Mode, Session};
use umpin::store::audit::AuditRow;

/// Ten records, by two cmdlets, on three people, a minute apart.
fn fixture() -> Fixture {
    let f = Fixture::new(PinPolicy::default(), 3);
    for n in 0..3 {
        f.advance(60_000);
        set(&f.session, n, Some("580437")).unwrap();
        f.advance(60_000);
        assert_eq!(set(&f.session, n, Some("580437")).unwrap_err().status, Status::WeakPin);
        f.advance(60_000);
        f.run("Lock-UMMailbox", &json!({"Identity": format!("user{n}")})).unwrap();
    }
    f.advance(60_000);
    f.run("Set-UMPinConfiguration", &json!({"ServerName": "pbx1"})).unwrap();
    f
}

fn rows(session: &Session) -> Vec<AuditRow> {
    session.read(|tx| tx.audit_rows(i64::MIN, 100_000)).unwrap()
}

fn chain(session: &Session) -> (String, String) {
    let checks = crate::support::run(session, "Test-UMPinStore", &json!({})).unwrap().objects;
    let trail = checks.iter().find(|c| c["Check"] == "AuditTrail").unwrap();
    let detail = trail["Detail"].as_str().unwrap();
    // The head behind it is another one each time.
    let detail = detail.split(", head ").next().unwrap();
    (trail["Result"].as_str().unwrap().to_owned(), detail.to_owned())
}

fn assert_whole(session: &Session, count: usize) {
    assert_eq!(chain(session), ("Passed".into(), format!("{count} records in an unbroken chain")));
}

fn assert_tampered(session: &Session, what: &str) {
    let (result, detail) = chain(session);
    assert_eq!(result, "Failed", "{what}");
    assert!(detail.contains(what), "{detail}");
}

fn search(f: &Fixture, parameters: Value) -> Vec<Value> {
    f.run("Search-UMAdminAuditLog", &parameters).unwrap().objects
}

#[test]
fn every_change_and_every_refusal_is_recorded_and_no_pin() {
    let f = fixture();
    assert_whole(&f.session, 10);
    let all = format!("{:?}", rows(&f.session));
    assert!(all.contains("(given)"));
    for pin in [FIRST_PIN, "580437"] {
        assert!(!all.contains(pin));
    }
}

#[test]
fn each_filter_narrows() {
    let f = fixture();
    let count = |parameters: Value| search(&f, parameters).len();
    assert_eq!(count(json!({})), 10);
    assert_eq!(count(json!({"Cmdlets": ["set-ummailboxpin"]})), 6);
    assert_eq!(count(json!({"Cmdlets": ["Set-UMMailboxPIN", "Lock-UMMailbox"]})), 9);
    assert_eq!(count(json!({"Cmdlets": "Lock-UMMailbox", "Parameters": ["identity"]})), 3);
    assert_eq!(count(json!({"Cmdlets": "Lock-UMMailbox", "Parameters": ["Pin"]})), 0);
    assert_eq!(count(json!({"IsSuccess": false})), 3);
    assert_eq!(count(json!({"IsSuccess": true})), 7);
    assert_eq!(count(json!({"ObjectIds": ["contoso.com/users/USER 1"]})), 3);
    assert_eq!(count(json!({"ObjectIds": ["user1@contoso.com", "user2"]})), 6, "any identity form");
    assert_eq!(count(json!({"ObjectIds": ["nobody"]})), 0);
    let me = rows(&f.session)[0].caller.clone();
    assert_eq!(count(json!({"UserIds": [me.to_uppercase()]})), 10);
    assert_eq!(count(json!({"UserIds": ["somebody else"]})), 0);
    assert_eq!(count(json!({"ExternalAccess": true})), 0);
    assert_eq!(count(json!({"ExternalAccess": false})), 10);
    assert_eq!(count(json!({"ResultSize": 4})), 4);
    assert_eq!(count(json!({"ResultSize": "Unlimited"})), 10);
    assert_eq!(count(json!({"StartIndex": 8})), 2);
    assert_eq!(count(json!({"DomainController": "dc1.contoso.com"})), 10);
    let at = |row: usize| jiff::Timestamp::from_millisecond(rows(&f.session)[row].at).unwrap().to_string();
    assert_eq!(count(json!({"StartDate": at(4)})), 6, "from then on");
    assert_eq!(count(json!({"EndDate": at(4)})), 4, "before then");
    assert_eq!(count(json!({"StartDate": at(2), "EndDate": at(5)})), 3);
}

#[test]
fn what_no_search_can_mean_is_an_error() {
    let f = fixture();
    for parameters in [
        json!({"Parameters": ["Pin"]}),
        json!({"StartDate": "yesterday"}),
        json!({"StartDate": "2026-11-22T00:00:00Z", "EndDate": "2026-11-21T00:00:00Z"}),
        json!({"ResultSize": 0}),
        json!({"StartIndex": -1}),
        json!({"Cmdlets": {"Add": ["x"]}}),
    ] {
        assert_eq!(
            f.run("Search-UMAdminAuditLog", &parameters).unwrap_err().status,
            Status::InvalidArgument,
            "{parameters}"
        );
    }
    let unknown = f.run("Search-UMAdminAuditLog", &json!({"Cmdlet": "x"})).unwrap_err();
    assert_eq!(unknown.status, Status::InvalidRequest);
}

#[test]
fn the_newest_comes_first_with_exchanges_properties() {
    let f = fixture();
    let found = search(&f, json!({}));
    let numbers: Vec<i64> = found.iter().map(|o| o["Identity"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=10).rev().collect::<Vec<i64>>());
    let refused = &found[8];
    let names: Vec<&String> = refused.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "$type",
            "ObjectModified",
            "CmdletName",
            "CmdletParameters",
            "ModifiedProperties",
            "Caller",
            "ExternalAccess",
            "Succeeded",
            "Error",
            "RunDate",
            "Identity",
            "CallerClaimed",
            "Detail"
        ]
    );
    assert_eq!(refused["CmdletName"], "Set-UMMailboxPIN");
    assert_eq!(refused["ObjectModified"], "contoso.com/Users/User 0");
    assert_eq!(refused["Succeeded"], false);
    assert!(refused["Error"].as_str().unwrap().contains("PINHistoryCount"), "{refused}");
    assert_eq!(refused["CmdletParameters"][0]["Name"], "Identity");
    assert_eq!(refused["CmdletParameters"][0]["Value"], "user0");
    assert_eq!(refused["CmdletParameters"][1]["Value"], "(given)");
    assert_eq!((&refused["ExternalAccess"], &refused["ModifiedProperties"]), (&json!(false), &json!([])));
}

#[test]
fn a_change_shows_what_it_set_as_an_administrator_would_type_it() {
    let f = fixture();
    let set = json!({"Identity": "user0", "FaxEnabled": true, "AirSyncNumbers": {"Add": ["1", "2"]}});
    f.run("Set-UMMailbox", &set).unwrap();
    let newest = &search(&f, json!({"ResultSize": 1}))[0];
    let modified: Vec<(&str, &str)> = newest["ModifiedProperties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["Name"].as_str().unwrap(), p["NewValue"].as_str().unwrap()))
        .collect();
    assert_eq!(modified, [("FaxEnabled", "True"), ("AirSyncNumbers", "@{Add=1, 2}")]);
}

#[test]
fn a_long_trail_comes_in_pages_that_together_are_the_whole() {
    let f = Fixture::new(PinPolicy::default(), 1);
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| (0..2_500).try_for_each(|n| c.audit("x", &n.to_string())))
        .unwrap();
    let all = |parameters: Value| {
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let request = json!({"Mode": "Commit", "Parameters": parameters, "After": after}).to_string();
            let page = umpin::cmdlets::execute(&f.session, "Search-UMAdminAuditLog", request.as_bytes(), None).unwrap();
            seen.extend(page.objects.iter().map(|o| o["Identity"].as_i64().unwrap()));
            match page.next {
                Some(next) => after = json!(next),
                None => return seen,
            }
        }
    };
    assert_eq!(all(json!({"ResultSize": 10_000})), (1..=2_500).rev().collect::<Vec<i64>>());
    assert_eq!(all(json!({})).len(), 1_000);
    assert_eq!(all(json!({"StartIndex": 1_200, "ResultSize": 1_100})), (201..=1_300).rev().collect::<Vec<i64>>());
    assert!(all(json!({"UserIds": "no account"})).is_empty());
}

// ---------------------------------------------------------------------------------------------------------------------
// Tampering.

fn sql(f: &Fixture, text: &str) {
    Raw::of(f.folder.path()).run(text);
}

#[test]
fn a_changed_row_shows() {
    for change in [
        "at = at + 1",
        "caller = 'no account'",
        "claimed = 'x'",
        "cmdlet = 'Get-UMMailboxPIN'",
        "object = 'x'",
        "parameters = '{}'",
        "succeeded = 0",
        "detail = 'nothing'",
        "mac = x'0000000000000000000000000000000000000000000000000000000000000000'",
    ] {
        let f = fixture();
        sql(&f, &format!("UPDATE audit SET {change} WHERE seq = 3"));
        let (result, detail) = chain(&f.session);
        assert_eq!(result, "Failed", "{change}");
        assert!(detail.contains("row 3") || detail.contains("row 4"), "{change}: {detail}");
    }
}

#[test]
fn text_moved_between_fields_shows() {
    let f = fixture();
    sql(&f, "UPDATE audit SET caller = caller || cmdlet, cmdlet = '' WHERE seq = 3");
    assert_tampered(&f.session, "row 3");
}

#[test]
fn a_removed_row_shows_wherever_it_stood() {
    for (gone, what) in [(1, "row 1 is missing"), (5, "row 5 is missing"), (10, "its end")] {
        let f = fixture();
        sql(&f, &format!("DELETE FROM audit WHERE seq = {gone}"));
        assert_tampered(&f.session, what);
    }
}

#[test]
fn a_cut_tail_shows_and_goes_on_showing() {
    let f = fixture();
    sql(&f, "DELETE FROM audit WHERE seq > 6");
    assert_tampered(&f.session, "its end");
    // Later records must not close the gap, or a cut would heal by itself.
    set(&f.session, 0, Some("604938")).unwrap();
    set(&f.session, 0, Some("915263")).unwrap();
    assert_tampered(&f.session, "row 7 is missing");
    assert_eq!(rows(&f.session).len(), 8, "nobody is kept from working");
    sql(&f, "DELETE FROM audit");
    set(&f.session, 0, None).unwrap();
    assert_tampered(&f.session, "is missing");
}

#[test]
fn a_forged_head_shows() {
    let f = fixture();
    let head = || f.session.read(|tx| tx.setting("audit_head")).unwrap().unwrap();
    let whole = head();
    let forged = whole.replacen("10 ", "9 ", 1);
    sql(
        &f,
        &format!("DELETE FROM audit WHERE seq = 10; UPDATE setting SET value = '{forged}' WHERE name = 'audit_head'"),
    );
    assert_tampered(&f.session, "forged");
    for gone in
        ["DELETE FROM setting WHERE name = 'audit_head'", "UPDATE setting SET value = '' WHERE name = 'audit_head'"]
    {
        let f = fixture();
        sql(&f, gone);
        assert_tampered(&f.session, "its end");
    }
}

#[test]
fn an_emptied_trail_is_not_a_new_one() {
    let f = fixture();
    sql(&f, "DELETE FROM audit; DELETE FROM setting WHERE name = 'audit_head'");
    assert_tampered(&f.session, "its end");
    let fresh = Fixture::new(PinPolicy::default(), 1);
    assert_whole(&fresh.session, 0);
}

#[test]
fn rows_written_in_by_hand_show() {
    let f = fixture();
    sql(
        &f,
        "INSERT INTO audit SELECT seq + 1, at, caller, claimed, cmdlet, object, parameters, succeeded, detail, mac \
         FROM audit WHERE seq = 10",
    );
    assert_tampered(&f.session, "row 11");
    let f = fixture();
    Raw::of(f.folder.path()).run_unchecked(
        "audit",
        "seq",
        "INSERT INTO audit SELECT -5, at, caller, claimed, cmdlet, object, parameters, succeeded, detail, mac FROM \
         audit WHERE seq = 10",
    );
    assert_tampered(&f.session, "row 1 is missing");
}

// ---------------------------------------------------------------------------------------------------------------------
// Retention.

fn note(f: &Fixture, times: usize) {
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| (0..times).try_for_each(|_| c.audit("x", "noted")))
        .unwrap();
}

#[test]
fn retention_removes_what_is_old_in_small_batches_and_the_rest_stays_whole() {
    let f = Fixture::new(PinPolicy::default(), 1);
    note(&f, 100);
    f.advance_days(89);
    note(&f, 1);
    assert_whole(&f.session, 101);
    f.advance_days(1);
    f.advance(1);
    note(&f, 1);
    assert_eq!(rows(&f.session).len(), 82, "twenty went");
    assert_whole(&f.session, 82);
    note(&f, 10);
    let left = rows(&f.session);
    assert_eq!((left.len(), left[0].seq), (12, 101));
    assert_whole(&f.session, 12);
    // Everything but the newest may go.
    f.advance_days(400);
    note(&f, 1);
    assert_eq!(rows(&f.session).len(), 1);
    assert_whole(&f.session, 1);
}

#[test]
fn the_age_limit_is_a_setting() {
    let f = Fixture::new(PinPolicy::default(), 1);
    note(&f, 5);
    f.run("Set-UMPinConfiguration", &json!({"AdminAuditLogAgeLimit": 7})).unwrap();
    f.advance_days(8);
    note(&f, 1);
    assert_eq!(rows(&f.session).len(), 1);
    assert_whole(&f.session, 1);
}

#[test]
fn a_beginning_cut_off_by_hand_is_no_retention() {
    let f = fixture();
    let fourth = rows(&f.session)[3].clone();
    let mac: String = fourth.mac.iter().map(|b| format!("{b:02x}")).collect();
    // All that a thief of the file knows is in it: the number and the MAC of the row.
    for anchor in [format!("4 {mac}"), format!("4 {mac} {mac}"), "4".into(), String::new(), "x y z".into()] {
        sql(
            &f,
            &format!(
                "DELETE FROM audit WHERE seq <= 4; DELETE FROM setting WHERE name = 'audit_anchor'; \
                 INSERT INTO setting VALUES ('audit_anchor', '{anchor}')"
            ),
        );
        assert_tampered(&f.session, "forged");
        set(&f.session, 0, None).unwrap();
        assert_tampered(&f.session, "forged");
    }
}

#[test]
fn retention_keeps_rows_that_do_not_fit() {
    let f = fixture();
    sql(&f, "UPDATE audit SET caller = 'no account' WHERE seq = 3");
    f.advance_days(100);
    note(&f, 3);
    assert_eq!(rows(&f.session)[0].seq, 3, "the evidence stays");
    assert_tampered(&f.session, "row 3");
}

/// The refusal of a change is recorded in a transaction of its own, since the change was undone.
#[test]
fn a_change_that_is_undone_leaves_no_record_of_success() {
    let f = Fixture::new(PinPolicy::default(), 1);
    let told: umpin::error::Result<()> = f.session.change(Mode::Commit, &Cause::new("Test"), |c| {
        c.audit("x", "done")?;
        Err(umpin::error::Error::new(Status::Conflict, "undone"))
    });
    assert!(told.is_err());
    assert_whole(&f.session, 0);
    f.session.change(Mode::Validate, &Cause::new("Test"), |c| c.audit("x", "only asked")).unwrap();
    assert_whole(&f.session, 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// The head and the PINs.

fn trail_check(f: &Fixture) -> (String, String) {
    let checks = f.run("Test-UMPinStore", &serde_json::json!({})).unwrap().objects;
    let trail = checks.iter().find(|c| c["Check"] == "AuditTrail").unwrap();
    let text = |name: &str| trail[name].as_str().unwrap().to_owned();
    (text("Result"), text("Detail"))
}

/// What somebody can do who writes the file and has no key: put an older end of the trail back.
fn roll_the_trail_back(f: &Fixture, change: impl FnOnce(&Fixture)) -> (String, String) {
    let sql = Raw::of(f.folder.path());
    let settings = "('audit_head', 'audit_anchor', 'pin_marks', 'highest_erased_pin_version')";
    sql.run(&format!(
        "CREATE TEMP TABLE kept AS SELECT * FROM setting WHERE name IN {settings};
         CREATE TEMP TABLE rows AS SELECT * FROM audit;"
    ));
    change(f);
    assert_eq!(trail_check(f).0, "Passed");
    sql.run(&format!(
        "DELETE FROM audit; INSERT INTO audit SELECT * FROM rows;
         DELETE FROM setting WHERE name IN {settings}; INSERT INTO setting SELECT * FROM kept;"
    ));
    drop(sql);
    trail_check(f)
}

#[test]
fn a_trail_that_was_rolled_back_alone_does_not_fit_the_pins() {
    let f = Fixture::new(PinPolicy::default(), 2);
    crate::support::set(&f.session, 0, Some("580437")).unwrap();
    let told = roll_the_trail_back(&f, |f| {
        crate::support::set(&f.session, 0, Some("604938")).unwrap();
    });
    assert_eq!(told.0, "Failed");
    assert!(told.1.contains("does not fit the PINs"), "{told:?}");
    // And it stays visible behind whatever comes.
    crate::support::set(&f.session, 1, Some("604938")).unwrap();
    f.run("Lock-UMMailbox", &serde_json::json!({"Identity": "user0"})).unwrap();
    assert_eq!(trail_check(&f).0, "Failed");
}

#[test]
fn a_trail_that_was_rolled_back_over_an_erased_mailbox_does_not_fit_either() {
    let f = Fixture::new(PinPolicy::default(), 2);
    let told = roll_the_trail_back(&f, |f| {
        f.run("Disable-UMMailbox", &serde_json::json!({"Identity": "user0", "KeepProperties": false})).unwrap();
    });
    assert_eq!(told.0, "Failed", "{told:?}");
}

#[test]
fn a_change_of_another_pin_does_not_make_up_for_an_erased_mailbox() {
    let f = Fixture::new(PinPolicy::default(), 3);
    let told = roll_the_trail_back(&f, |f| {
        f.run("Disable-UMMailbox", &serde_json::json!({"Identity": "user0", "KeepProperties": false})).unwrap();
        crate::support::set(&f.session, 1, Some("604938")).unwrap();
    });
    assert_eq!(told.0, "Failed", "{told:?}");
}

#[test]
fn the_head_is_printed_by_the_self_check_and_by_the_backup() {
    let f = Fixture::new(PinPolicy::default(), 1);
    crate::support::set(&f.session, 0, Some("580437")).unwrap();
    let head = |f: &Fixture| f.session.read(|tx| tx.setting(umpin::store::settings::AUDIT_HEAD)).unwrap().unwrap();
    assert_eq!(head(&f).split(' ').count(), 3);
    let (result, detail) = trail_check(&f);
    assert_eq!(result, "Passed");
    let mac = head(&f).rsplit(' ').next().unwrap()[..16].to_owned();
    assert!(detail.ends_with(&format!("head 1:{mac}")), "{detail}");
    let copy = f.path("copy.db");
    let backup = f.run("Backup-UMPinStore", &serde_json::json!({"Path": copy.to_str().unwrap()})).unwrap();
    assert_eq!(backup.objects[0]["AuditHead"], format!("1:{mac}"));
}
