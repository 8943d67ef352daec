//! What the page shows, changes and refuses, against a real umpin-web on a Unix socket, as behind a proxy.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "../../tests/integration/support/mod.rs"]
mod umpin_support;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use page::{AUDITOR, DESK, LEAD, PATIENCE, Page, Reply, store};
use serde_json::{Value, json};
use umpin::cmdlets::execute;
use umpin::store::audit::AuditRow;
use umpin_support::{FIRST_PIN, Fixture, mails, pin_in, who};

/// Header lines that the proxy adds.
fn as_user(name: &str, groups: &str) -> Vec<String> {
    vec![format!("Remote-User: {name}"), format!("Remote-Groups: {groups}")]
}

/// Somebody with a browser behind the proxy.
struct Browser<'a> {
    page: &'a Page,
    lines: Vec<String>,
}

impl<'a> Browser<'a> {
    fn new(page: &'a Page, name: &str, groups: &str) -> Self {
        Self { page, lines: as_user(name, groups) }
    }

    fn get(&self, path: &str) -> Reply {
        self.page.get(path, &self.lines.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.page.post(path, &self.lines.iter().map(String::as_str).collect::<Vec<_>>(), fields)
    }

    /// Fills the form of one page in and sends it to another.
    fn fill(&self, from: &str, to: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.get(from).field("csrf");
        let all: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(to, &all)
    }

    /// The help desk's whole reset, with what the form says.
    fn reset(&self, guid: &str, fields: &[(&str, &str)]) -> Reply {
        let form = format!("/people/{guid}/reset");
        let begun = self.fill(&form, &form, fields);
        if begun.status != 303 {
            return begun;
        }
        let confirm = self.get(begun.location());
        let (csrf, id) = (confirm.field("csrf"), confirm.field("id"));
        self.post(begun.location(), &[("csrf", &csrf), ("id", &id)])
    }
}

fn guid(f: &Fixture, n: usize) -> String {
    f.state(n).guid.to_string()
}

fn trail(f: &Fixture) -> Vec<AuditRow> {
    f.session.read(|tx| tx.audit_rows(1, 10_000)).unwrap()
}

#[test]
fn the_help_desk_resets_a_locked_persons_pin_and_the_mailed_one_signs_in() {
    let f = store(3);
    let pickup = f.pickup();
    let page = Page::behind_proxy(&f);
    f.run("Lock-UMMailbox", &json!({"Identity": "user1"})).unwrap();
    let desk = Browser::new(&page, "desk@contoso.com", DESK);
    assert_eq!(desk.get("/").location(), "/people");
    let guid = guid(&f, 1);
    for q in ["user1", "user1@contoso.com", "User%201", "50001", "contoso.com%2FUsers%2FUser%201"] {
        assert_eq!(desk.get(&format!("/people?q={q}")).location(), format!("/people/{guid}"), "{q}");
    }
    let shown = desk.get(&format!("/people/{guid}"));
    assert!(shown.body.contains("Locked out") && shown.body.contains("By an administrator"), "{}", shown.body);
    assert!(desk.get("/people/attention").body.contains(&guid));
    let confirm_first = desk.fill(&format!("/people/{guid}/reset"), &format!("/people/{guid}/reset"), &[]);
    let told = desk.get(confirm_first.location());
    assert!(
        told.body.contains(
            "Performing the operation &quot;Set a new UM PIN&quot; on target &quot;contoso.com/Users/User 1&quot;."
        ),
        "{}",
        told.body
    );
    assert!(f.verify(0, FIRST_PIN).accepted && mails(&pickup).is_empty(), "nothing happened yet");
    let done = desk.reset(&guid, &[("must_change", "yes")]);
    assert_eq!((done.status, done.location()), (303, format!("/people/{guid}").as_str()));
    let after = desk.get(&format!("/people/{guid}"));
    assert!(after.body.contains("The PIN was reset and the notice was sent."), "{}", after.body);
    assert!(after.body.contains("Not locked out") && after.body.contains("desk@contoso.com"));
    let pin = pin_in(&mails(&pickup).remove(0)).unwrap();
    let answer = f.verify(1, &pin);
    assert!(answer.accepted && answer.must_change);
    assert!(!f.verify(1, FIRST_PIN).accepted);
    let row = trail(&f).into_iter().rfind(|r| r.cmdlet == "Set-UMMailboxPIN").unwrap();
    assert_eq!(row.claimed, "desk@contoso.com");
    assert!(row.caller.ends_with(" through umpin-web"), "{}", row.caller);
    let asked = json!({"Mode": "Commit", "Parameters": {"UserIds": ["desk@contoso.com"]}}).to_string();
    let found = execute(&f.session, "Search-UMAdminAuditLog", asked.as_bytes(), None).unwrap().objects;
    assert_eq!(found[0]["CallerClaimed"], Value::from("desk@contoso.com"));
    for shown in [&told, &done, &after, &desk.get("/people/attention")] {
        assert!(!shown.body.contains(&pin) && shown.headers.iter().all(|(_, value)| !value.contains(&pin)));
    }
    assert!(!page.log().contains(&pin));
}

#[test]
fn a_person_without_a_role_sees_only_their_own_and_learns_of_nobody() {
    let f = store(2);
    let page = Page::behind_proxy(&f);
    let (own, other) = (guid(&f, 0), guid(&f, 1));
    let nobody = "00000000-0000-4000-8000-000000000000";
    let user = Browser::new(&page, "user0@contoso.com", "");
    assert_eq!(user.get("/").location(), "/my");
    let mine = user.get("/my");
    assert_eq!(mine.status, 200);
    assert!(mine.body.contains("user0@contoso.com") && mine.body.contains("50000") && mine.body.contains("555 0100"));
    assert!(!mine.body.contains("user1") && !mine.body.contains("/people"));
    let forbidden = user.get("/people").body;
    let mut paths: Vec<String> = vec!["/people?q=user1".into(), "/people?q=nobody".into(), "/people/attention".into()];
    for guid in [&own, &other, nobody] {
        for rest in ["", "/reset", "/reset/confirm", "/lock", "/unlock"] {
            paths.push(format!("/people/{guid}{rest}"));
        }
    }
    for path in &paths {
        let refused = user.get(path);
        assert_eq!((refused.status, &refused.body), (403, &forbidden), "{path}: one and the same answer");
    }
    let csrf = user.get("/my/reset").field("csrf");
    for path in paths.iter().filter(|p| p.ends_with("lock") || p.contains("/reset")) {
        let refused = user.post(path, &[("csrf", &csrf)]);
        assert_eq!((refused.status, &refused.body), (403, &forbidden), "{path}");
    }
    assert!(f.verify(1, FIRST_PIN).accepted);
    let rows = trail(&f);
    let refused: Vec<_> = rows.iter().filter(|r| !r.succeeded && r.claimed == "user0@contoso.com").collect();
    assert!(refused.iter().any(|r| r.cmdlet == "Lock-UMMailbox" && r.object == "contoso.com/Users/User 1"));
    assert!(refused.len() <= 10, "a flood of refusals does not fill the trail: {}", refused.len());
    let without = Browser::new(&page, "someone@else.example", "").get("/my");
    assert_eq!(without.status, 200);
    assert!(without.body.contains("No voice mailbox"));
}

#[test]
fn an_auditor_reads_and_changes_nothing() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let guid = guid(&f, 0);
    let auditor = Browser::new(&page, "audit@contoso.com", AUDITOR);
    let shown = auditor.get(&format!("/people/{guid}"));
    assert_eq!(shown.status, 200);
    assert!(!shown.body.contains("/reset") && !shown.body.contains("/lock"));
    assert_eq!(auditor.get(&format!("/people/{guid}/lock")).status, 403);
    // Its token is good, its role is not.
    let user = Browser { page: &page, lines: auditor.lines.clone() };
    let no_form = user.get("/people");
    assert!(!no_form.body.contains("csrf"));
}

#[test]
fn a_person_resets_and_changes_their_own_pin_by_the_rules() {
    let f = store(1);
    let pickup = f.pickup();
    let page = Page::behind_proxy(&f);
    let user = Browser::new(&page, "user0@contoso.com", "");
    let asked = user.get("/my/reset");
    assert!(asked.body.contains("Set a new UM PIN") && asked.body.contains("user0@contoso.com"));
    assert_eq!(user.fill("/my/reset", "/my/reset", &[]).location(), "/my");
    assert!(user.get("/my").body.contains("Your new PIN was mailed to you."));
    assert!(!user.get("/my").body.contains("Your new PIN was mailed to you."), "told once");
    let mail = mails(&pickup).remove(0);
    let old = pin_in(&mail).unwrap();
    assert!(f.verify(0, &old).must_change);
    let change = |old: &str, new: &str, again: &str| {
        user.fill("/my/pin", "/my/pin", &[("old", old), ("new", new), ("again", again)])
    };
    let broken = change(&old, "123456", "123456");
    assert_eq!(broken.status, 200);
    assert_eq!(broken.body.matches("(broken)").count(), 1, "{}", broken.body);
    assert_eq!(broken.body.matches("(kept)").count(), 5, "{}", broken.body);
    let short = change(&old, "12", "12");
    assert!(short.body.contains("At least 6 digits<strong> (broken)"), "{}", short.body);
    assert!(change(&old, "580437", "580438").body.contains("are not the same"));
    let used = change(&old, &old, &old);
    assert!(used.body.contains("None of your last 5 PINs<strong> (broken)"), "{}", used.body);
    let wrong = change("999999", "580437", "580437");
    assert!(wrong.body.contains("The try was counted"), "{}", wrong.body);
    assert_eq!(f.state(0).facts.failures, 1);
    assert_eq!(change(&old, "580437", "580437").location(), "/my");
    assert!(f.verify(0, "580437").accepted && !f.verify(0, &old).accepted);
    for shown in [&broken, &short, &used, &wrong] {
        for pin in ["580437", "999999", "123456\"", old.as_str()] {
            assert!(!shown.body.contains(pin), "no PIN on any page");
        }
    }
    let rows = trail(&f);
    let own: Vec<_> = rows.iter().filter(|r| r.claimed == "user0@contoso.com").collect();
    assert!(own.iter().any(|r| r.cmdlet == "Set-UMMailboxPIN" && r.succeeded));
    assert!(own.iter().any(|r| r.cmdlet == "Change-UMMailboxPIN" && r.succeeded));
}

#[test]
fn an_administrators_lock_is_not_undone_by_its_owners_reset() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let user = Browser::new(&page, "user0@contoso.com", "");
    let csrf = user.get("/my/reset").field("csrf");
    f.run("Lock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    assert!(user.get("/my/reset").body.contains("only an administrator may unlock it"));
    let refused = user.post("/my/reset", &[("csrf", &csrf)]);
    assert!(refused.body.contains("only an administrator may unlock it"), "{}", refused.body);
    assert!(f.state(0).facts.admin_locked);
    f.run("Unlock-UMMailbox", &json!({"Identity": "user0"})).unwrap();
    assert!(f.verify(0, FIRST_PIN).accepted, "the PIN stayed");
}

#[test]
fn a_form_that_is_not_from_a_page_of_ours_changes_nothing() {
    let f = store(2);
    let page = Page::behind_proxy(&f);
    let user = Browser::new(&page, "user0@contoso.com", "");
    let token = user.get("/my/reset").field("csrf");
    let other = Browser::new(&page, "user1@contoso.com", "").get("/my/reset").field("csrf");
    assert_ne!(token, other);
    for fields in [&[][..], &[("csrf", "")], &[("csrf", "guess")], &[("csrf", other.as_str())]] {
        assert_eq!(user.post("/my/reset", fields).status, 403);
    }
    let mut from_elsewhere = user.lines.clone();
    from_elsewhere.push("Origin: https://evil.example".into());
    let elsewhere = Browser { page: &page, lines: from_elsewhere };
    assert_eq!(elsewhere.post("/my/reset", &[("csrf", &token)]).status, 403);
    assert!(f.verify(0, FIRST_PIN).accepted);
    assert_eq!(user.get("/my/reset?csrf=x").status, 200, "looking changes nothing");
    assert!(f.verify(0, FIRST_PIN).accepted);
    let mut from_here = user.lines.clone();
    from_here.push(format!("Origin: {}", page::URL));
    assert_eq!(Browser { page: &page, lines: from_here }.post("/my/reset", &[("csrf", &token)]).status, 303);
}

#[test]
fn a_confirmation_is_for_the_change_that_was_shown_and_good_once() {
    let f = store(2);
    let page = Page::behind_proxy(&f);
    let desk = Browser::new(&page, "desk@contoso.com", DESK);
    let (one, two) = (guid(&f, 0), guid(&f, 1));
    let begin = |guid: &str| {
        let form = format!("/people/{guid}/reset");
        let begun = desk.fill(&form, &form, &[]);
        let confirm = desk.get(begun.location());
        (begun.location().to_owned(), confirm.field("csrf"), confirm.field("id"))
    };
    let (first, csrf, id) = begin(&one);
    assert_eq!(desk.get(&format!("/people/{two}/reset/confirm")).status, 409, "another person's");
    let (second, ..) = begin(&two);
    assert_eq!(desk.post(&first, &[("csrf", &csrf), ("id", &id)]).status, 409, "another change came between");
    assert_eq!(desk.post(&second, &[("csrf", &csrf), ("id", &id)]).status, 409, "used up");
    assert!(f.verify(0, FIRST_PIN).accepted && f.verify(1, FIRST_PIN).accepted);
    let (third, csrf, id) = begin(&one);
    assert_eq!(desk.post(&third, &[("csrf", &csrf), ("id", &id)]).status, 303);
    assert_eq!(desk.post(&third, &[("csrf", &csrf), ("id", &id)]).status, 409);
}

#[test]
fn typing_a_pin_or_another_address_is_a_role_of_its_own() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let guid = guid(&f, 0);
    let form = format!("/people/{guid}/reset");
    let desk = Browser::new(&page, "desk@contoso.com", DESK);
    assert!(!desk.get(&form).body.contains("type=\"password\""));
    for fields in [&[("pin", "580437"), ("again", "580437")][..], &[("how", "type")], &[("notify", "me@evil.example")]]
    {
        assert_eq!(desk.fill(&form, &form, fields).status, 403);
    }
    let refused = trail(&f);
    let refused: Vec<_> = refused.iter().filter(|r| !r.succeeded).collect();
    assert!(
        refused.len() == 3 && refused.iter().all(|r| r.claimed == "desk@contoso.com" && r.object.ends_with("User 0"))
    );
    assert!(f.verify(0, FIRST_PIN).accepted);

    let lead = Browser::new(&page, "lead@contoso.com", &format!("{DESK}, {LEAD}"));
    let pickup = f.pickup();
    let typed = |pin: &str, notify: &str| {
        lead.reset(&guid, &[("how", "type"), ("pin", pin), ("again", pin), ("notify", notify)])
    };
    let none = lead.fill(&form, &form, &[("how", "type")]);
    assert!(none.body.matches("At least 6 digits").count() == 2, "the policy's length, not another: {}", none.body);
    let weak = typed("123456", "");
    assert!(weak.body.contains("AllowCommonPatterns") && !weak.body.contains("value=\"123456"), "{}", weak.body);
    assert!(typed("580437", "not an address").body.contains("Not done"));
    assert_eq!(typed("580437", "other@contoso.com").status, 303);
    let answer = f.verify(0, "580437");
    assert!(answer.accepted && !answer.must_change, "the box was not ticked");
    assert!(mails(&pickup).remove(0).contains("other@contoso.com"));
    let again = typed("580437", "");
    assert!(again.body.contains("PINHistoryCount"), "{}", again.body);
    assert!(trail(&f).iter().all(|r| !r.parameters.contains("580437")));
}

#[test]
fn of_a_thousand_resets_in_a_row_five_are_made_and_the_rest_is_told_once() {
    let f = store(1);
    f.pickup();
    let page = Page::behind_proxy(&f);
    let user = Browser::new(&page, "user0@contoso.com", "");
    let csrf = user.get("/my/reset").field("csrf");
    let mut statuses = std::collections::BTreeMap::new();
    for _ in 0..1000 {
        *statuses.entry(user.post("/my/reset", &[("csrf", &csrf)]).status).or_insert(0) += 1;
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [(303, 5), (429, 995)]);
    let rows = trail(&f);
    let told =
        |succeeded: bool| rows.iter().filter(|r| r.cmdlet == "Set-UMMailboxPIN" && r.succeeded == succeeded).count();
    assert_eq!((told(true), told(false)), (5, 1));
    // The help desk is stopped at the same person too.
    let desk = Browser::new(&page, "desk@contoso.com", DESK);
    assert_eq!(desk.reset(&guid(&f, 0), &[]).status, 429);
}

/// Directories give people names and aliases that look like GUIDs.
#[test]
fn another_name_of_a_person_is_no_way_around_the_limit() {
    let f = store(1);
    f.pickup();
    let named = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let step = |parameters: Value| f.run("Import-UMRecipient", &parameters).unwrap();
    let id = step(json!({"Step": "Begin"})).objects[0]["Import"].clone();
    let row = json!({"Guid": guid(&f, 0), "Name": named, "Alias": "user0", "EmailAddresses": "SMTP:user0@contoso.com",
        "DistinguishedName": "CN=User 0,OU=Users,DC=contoso,DC=com"});
    step(json!({"Step": "Rows", "Import": id, "Rows": [row]}));
    while step(json!({"Step": "Apply", "Import": id})).next.is_some() {}
    step(json!({"Step": "End", "Import": id}));
    let page = Page::behind_proxy(&f);
    let desk = Browser::new(&page, "desk@contoso.com", DESK);
    for n in 0..5 {
        let at = if n % 2 == 0 { named.to_owned() } else { guid(&f, 0) };
        assert_eq!(desk.reset(&at, &[]).status, 303);
    }
    assert_eq!(desk.reset(named, &[]).status, 429);
    assert_eq!(desk.reset(&guid(&f, 0), &[]).status, 429);
}

#[test]
fn whoever_the_proxy_did_not_name_once_and_clearly_is_nobody() {
    let f = store(2);
    let page = Page::behind_proxy(&f);
    for lines in [
        &[][..],
        &["Remote-User: "],
        &["Remote_User: user0@contoso.com"],
        &["X-Remote-User: user0@contoso.com"],
        &["Remote-User: user0@contoso.com", "Remote-User: user1@contoso.com"],
        &["Remote-User: user0@contoso.com", "remote-user: user1@contoso.com"],
        &["Remote-User: user0@contoso.com", "Remote-Groups: x", "Remote-Groups: helpdesk"],
    ] {
        let refused = page.get("/my", lines);
        assert_eq!(refused.status, 403, "{lines:?}");
        assert!(!refused.body.contains("user0") && !refused.body.contains("user1"));
    }
    // A second request hidden in the first one's body, and a request with two lengths.
    let hidden = "GET /people HTTP/1.1\r\nHost: x\r\nRemote-User: desk\r\nRemote-Groups: helpdesk\r\n\r\n";
    for lengths in [
        format!("Content-Length: 0\r\nContent-Length: {}\r\n", hidden.len()),
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", hidden.len()),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
    ] {
        let sent =
            format!("POST /my/reset HTTP/1.1\r\nHost: x\r\nRemote-User: user0@contoso.com\r\n{lengths}\r\n{hidden}");
        let reply = page.send(&sent);
        assert!(reply.status >= 400, "{} {}", reply.status, reply.body);
        assert!(!reply.body.contains("HTTP/1.1 200"), "{}", reply.body);
    }
    // The socket itself is the account's and its group's.
    let mode = std::fs::metadata(f.path("web.socket")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o660);
}

#[test]
fn html_in_names_and_policy_texts_is_shown_and_not_obeyed() {
    let f = store(1);
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let text = "<b>Call</b> <a href=\"https://contoso.com/help\">us</a><script>alert(3)</script><a \
        href=\"javascript:alert(4)\">x</a>";
    f.run("Set-UMMailboxPolicy", &json!({"Identity": "Policy", "UMEnabledText": text})).unwrap();
    f.session
        .change(umpin::session::Mode::Commit, &umpin::session::Cause::new("Seed"), |c| {
            let guid = who(0).guid(&f.session, c.tx)?;
            let mut recipient = c.tx.recipient(&guid)?.unwrap();
            recipient.display_name = evil.into();
            c.tx.put_recipient(&recipient)
        })
        .unwrap();
    let page = Page::behind_proxy(&f);
    let desk = Browser::new(&page, "<b>desk</b>", DESK);
    let user = Browser::new(&page, "user0@contoso.com", "");
    let guid = guid(&f, 0);
    let mine = user.get("/my");
    assert!(mine.body.contains("<b>Call</b> <a href=\"https://contoso.com/help\">us</a>"), "{}", mine.body);
    let q = page::encoded(evil);
    for shown in [
        &mine,
        &desk.get(&format!("/people/{guid}")),
        &desk.get(&format!("/people/{guid}/reset")),
        &desk.get("/people?q=User"),
        &desk.get(&format!("/people?q=x{q}")),
    ] {
        for part in ["<script", "<img src=x", "javascript:", "<b>desk"] {
            assert!(!shown.body.contains(part), "{part} in {}", shown.body);
        }
    }
    assert!(mine.body.contains("&lt;script&gt;"));
}

#[test]
fn a_gigabyte_is_refused_before_it_is_read() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let user = as_user("user0@contoso.com", "");
    let head = format!("POST /my/reset HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}\r\n", user.join("\r\n"));
    let announced = page.send(&format!("{head}Content-Length: 1073741824\r\n\r\ncsrf="));
    assert_eq!(announced.status, 413);
    // Sent all the same, in pieces of no announced length: the connection ends long before a gigabyte.
    let mut stream = page.connect();
    stream.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let taken = (0..16_384).take_while(|_| stream.write_all(piece.as_bytes()).is_ok()).count();
    assert!(taken < 1000, "{taken} pieces of 64 KiB were taken");
    assert_eq!(user.len(), 2);
    assert!(page.get("/my", &[user[0].as_str()]).status == 200, "others go on");
}

#[test]
fn slow_requests_are_ended_and_keep_nobody_waiting() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let mut slow: Vec<_> = (0..200).map(|_| page.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /my HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    }
    let began = std::time::Instant::now();
    assert_eq!(page.get("/my", &["Remote-User: user0@contoso.com"]).status, 200);
    assert!(began.elapsed() < PATIENCE);
    for stream in &mut slow {
        let mut rest = Vec::new();
        // Ends by itself: an answer that says so, or the end of the connection; not our own time-out.
        match stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(e) => {
                assert!(!matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{e}")
            }
        }
    }
}

#[test]
fn a_lost_store_or_key_is_told_without_detail_and_logged_with_it() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let user = Browser::new(&page, "user0@contoso.com", "");
    assert_eq!(page.get("/healthz", &[]).status, 200);
    let csrf = user.get("/my/reset").field("csrf");
    let folder = f.folder.path().display().to_string();

    let key = f.path("umpin.key");
    std::fs::rename(&key, f.path("gone.key")).unwrap();
    let health = page.get("/healthz", &[]);
    assert_eq!((health.status, health.body.as_str()), (503, r#"{"store":"failed","provider":"ok"}"#));
    let refused = user.post("/my/reset", &[("csrf", &csrf)]);
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("Not available now") && !refused.body.contains(&folder));
    page.log_with("umpin.key");
    std::fs::rename(f.path("gone.key"), &key).unwrap();
    assert_eq!(page.get("/healthz", &[]).status, 200);

    for file in ["um.db", "um.db-wal", "um.db-shm"] {
        let _ = std::fs::rename(f.path(file), f.path(&format!("gone.{file}")));
    }
    assert_eq!(page.get("/healthz", &[]).status, 503);
    let lost = user.get("/my");
    assert!(!lost.body.contains(&folder), "{}", lost.body);
    page.log_with("um.db");
}

#[test]
fn every_answer_is_strict_and_points_nowhere_else() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let desk = Browser::new(&page, "user0@contoso.com", DESK);
    let guid = guid(&f, 0);
    let paths = ["/", "/my", "/my/pin", "/my/reset", "/people", "/people?q=user", "/people/attention", "/nothing"];
    let more = [format!("/people/{guid}"), format!("/people/{guid}/lock"), format!("/people/{guid}/reset")];
    for path in paths.iter().map(|p| (*p).to_owned()).chain(more) {
        let reply = desk.get(&path);
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin", "{path}");
        for part in ["http://", "https://", "<script", " style=", "onclick", "@import"] {
            assert!(!reply.body.contains(part), "{part} in {path}: {}", reply.body);
        }
    }
    let style = page.get("/style.css", &[]);
    assert!(style.status == 200 && !style.body.contains("url(") && !style.body.contains("@import"));
    assert_eq!(page.send("DELETE /my HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status, 405);
    assert_eq!(desk.get("/people/..%2F..%2Fetc").status, 404);
}

#[test]
fn french_is_spoken_where_the_browser_prefers_it() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let mut lines = as_user("user0@contoso.com", DESK);
    lines.push("Accept-Language: fr-CA,fr;q=0.9,en;q=0.5".into());
    let french = Browser { page: &page, lines };
    let mine = french.get("/my");
    assert!(mine.body.contains("<html lang=\"fr\">") && mine.body.contains("Ma messagerie vocale"));
    let lock = french.get(&format!("/people/{}/lock", guid(&f, 0)));
    assert!(lock.body.contains("Opération « Lock UM mailbox » en cours sur la cible « contoso.com/Users/User 0 »."));
    assert!(french.get("/nothing").body.contains("Introuvable"));
}

#[test]
fn lock_and_unlock_leave_the_pin_alone_and_are_recorded() {
    let f = store(1);
    let page = Page::behind_proxy(&f);
    let desk = Browser::new(&page, "desk@contoso.com", DESK);
    let at = |what: &str| format!("/people/{}/{what}", guid(&f, 0));
    let asked = desk.get(&at("lock"));
    assert!(asked.body.contains("Performing the operation &quot;Lock UM mailbox&quot; on target"), "{}", asked.body);
    assert!(f.verify(0, FIRST_PIN).accepted, "asking changes nothing");
    assert_eq!(desk.fill(&at("lock"), &at("lock"), &[]).status, 303);
    assert!(!f.verify(0, FIRST_PIN).accepted);
    assert_eq!(desk.fill(&at("unlock"), &at("unlock"), &[]).status, 303);
    assert!(f.verify(0, FIRST_PIN).accepted);
    let rows = trail(&f);
    for cmdlet in ["Lock-UMMailbox", "Unlock-UMMailbox"] {
        assert!(rows.iter().any(|r| r.cmdlet == cmdlet && r.succeeded && r.claimed == "desk@contoso.com"));
    }
}

#[test]
fn nothing_starts_that_could_not_tell_people_apart() {
    let f = store(1);
    let said = |configuration: &str, listen: &str| {
        let mut command = page::command(f.folder.path(), configuration);
        let done = command.args(["--listen", listen]).output().unwrap();
        assert!(!done.status.success());
        String::from_utf8(done.stderr).unwrap()
    };
    let proxy = "[proxy]\nuser_header = 'Remote-User'\n";
    let openid = "[openid]\nissuer = 'https://login.contoso.com'\nclient_id = 'page'\n";
    assert!(said("", "127.0.0.1:0").contains("neither [openid] nor [proxy]"));
    assert!(said(proxy, "127.0.0.1:0").contains("whoever reaches"));
    assert!(said(openid, "0.0.0.0:0").contains("--certificate"));
}

#[test]
fn nothing_starts_by_a_configuration_that_others_may_write() {
    let f = store(1);
    let file = f.path("web.toml");
    for (place, mode, back) in [(file.as_path(), 0o620, 0o600), (f.folder.path(), 0o770, 0o700)] {
        let mut command = page::command(f.folder.path(), "[proxy]\nuser_header = 'Remote-User'\n");
        let socket = f.path("web.socket");
        command.arg("--listen").arg(format!("unix:{}", socket.display()));
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(mode)).unwrap();
        let done =
            Command::new("timeout").arg("20").arg(command.get_program()).args(command.get_args()).output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(back)).unwrap();
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains("may write") && said.contains(&place.display().to_string()), "{said}");
    }
}
