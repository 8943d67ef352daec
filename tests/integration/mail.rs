//! The outbox from the commit to the pickup folder and the command.

use std::time::{Duration, Instant};

use crate::support::{Fixture, child, contains, mails, pin_in, set, store_bytes};
use serde_json::json;
use umpin::error::Status;
use umpin::pin::PinPolicy;
use umpin::service::delivery::deliver_due;

fn fixture(people: usize) -> Fixture {
    Fixture::new(PinPolicy::default(), people)
}

#[test]
fn a_reset_queues_one_mail_and_the_mails_pin_signs_in() {
    let f = fixture(1);
    let pickup = f.pickup();
    let outcome = set(&f.session, 0, None).unwrap();
    assert!(outcome.warnings.is_empty() && outcome.notice.is_some());
    assert!(mails(&pickup).is_empty(), "nothing leaves before somebody delivers");
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 1);
    let mails = mails(&pickup);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: \"User 0\" <user0@contoso.com>"));
    let answer = f.verify(0, &pin_in(&mails[0]).unwrap());
    assert!(answer.accepted && answer.must_change);
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 0);
}

#[test]
fn a_newer_pin_replaces_the_older_undelivered_mail() {
    let f = fixture(1);
    let pickup = f.pickup();
    for _ in 0..3 {
        set(&f.session, 0, None).unwrap();
    }
    deliver_due(&f.session, None).unwrap();
    let mails = mails(&pickup);
    assert_eq!(mails.len(), 1);
    assert!(f.verify(0, &pin_in(&mails[0]).unwrap()).accepted);
}

#[test]
fn without_a_mail_the_older_notice_goes_too() {
    let f = fixture(1);
    set(&f.session, 0, None).unwrap();
    let asked = umpin::cmdlets::set_um_mailbox_pin::SetPin {
        who: crate::support::who(0),
        send_email: Some(false),
        ..Default::default()
    };
    let outcome =
        umpin::cmdlets::set_um_mailbox_pin::begin_reset(&f.session, asked).unwrap().commit(&f.session).unwrap();
    assert!(outcome.warnings[0].message.contains("nobody will know it"));
    assert!(f.run("Get-UMPinOutbox", &json!({})).unwrap().objects.is_empty());
}

#[test]
fn while_the_transport_is_down_every_set_succeeds_and_all_arrive_once_it_is_back() {
    let f = fixture(10);
    let pickup = f.pickup();
    std::fs::remove_dir(&pickup).unwrap();
    for n in 0..10 {
        let id = set(&f.session, n, None).unwrap().notice.unwrap();
        let sent = f.run("Send-UMPinOutbox", &json!({"Ids": [id], "BudgetMilliseconds": 5000})).unwrap();
        assert!(sent.errors.is_empty());
        assert!(sent.warnings[0].message.contains("stays queued"), "{:?}", sent.warnings);
    }
    // Not due yet: a minute passes first.
    assert_eq!(deliver_due(&f.session, None).unwrap().failed.len(), 0);
    let waiting = f.run("Get-UMPinOutbox", &json!({})).unwrap().objects;
    assert_eq!(waiting.len(), 10);
    assert!(waiting[0]["LastError"].as_str().unwrap().contains("cannot be written"));
    assert_eq!(waiting[0]["Attempts"], 1);

    std::fs::create_dir(&pickup).unwrap();
    f.advance(60_000);
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 10);
    let mails = mails(&pickup);
    assert_eq!(mails.len(), 10);
    for n in 0..10 {
        let mail = mails.iter().find(|m| m.contains(&format!("<user{n}@contoso.com>"))).unwrap();
        assert!(f.verify(n, &pin_in(mail).unwrap()).accepted);
    }
}

#[test]
fn delays_grow_and_end_at_six_hours() {
    let f = fixture(1);
    let pickup = f.pickup();
    std::fs::remove_dir(&pickup).unwrap();
    set(&f.session, 0, None).unwrap();
    let mut delays = Vec::new();
    for _ in 0..12 {
        assert_eq!(deliver_due(&f.session, None).unwrap().failed.len(), 1);
        let row = f.session.read(|tx| Ok(tx.outbox()?.remove(0))).unwrap();
        delays.push((row.due_at - f.session.now()) / 60_000);
        f.advance(row.due_at - f.session.now());
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]);
}

#[test]
fn a_poisoned_row_blocks_nobody_and_stays_visible() {
    let f = fixture(3);
    let pickup = f.pickup();
    for n in 0..3 {
        set(&f.session, n, None).unwrap();
    }
    f.session
        .change(umpin::session::Mode::Commit, &umpin::session::Cause::new("Test"), |c| {
            let mut first = c.tx.outbox()?.remove(0);
            first.sealed[30] ^= 1;
            c.tx.put_outbox(&first)
        })
        .unwrap();
    let done = deliver_due(&f.session, None).unwrap();
    assert_eq!((done.sent.len(), done.failed.len()), (2, 1));
    assert_eq!(done.failed[0].1.status, Status::SealBroken);
    assert_eq!(mails(&pickup).len(), 2);
    assert_eq!(f.run("Get-UMPinOutbox", &json!({})).unwrap().objects.len(), 1);
}

#[test]
fn several_deliverers_send_every_mail_once() {
    let f = fixture(60);
    let pickup = f.pickup();
    for n in 0..60 {
        set(&f.session, n, None).unwrap();
    }
    let sent: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let session = f.another();
                scope.spawn(move || deliver_due(&session, None).unwrap().sent.len())
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!((sent, mails(&pickup).len()), (60, 60));
}

#[test]
fn a_dead_deliverers_claim_runs_out() {
    let f = fixture(1);
    f.pickup();
    set(&f.session, 0, None).unwrap();
    f.session
        .change(umpin::session::Mode::Commit, &umpin::session::Cause::new("Test"), |c| {
            let mut row = c.tx.outbox()?.remove(0);
            row.claimed_by = "a process that died".into();
            row.claimed_until = c.now + 90_000;
            c.tx.put_outbox(&row)
        })
        .unwrap();
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 0);
    f.advance(90_000);
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 1);
}

#[test]
fn mail_that_a_clock_ahead_queued_put_off_or_claimed_goes_out_once_the_clock_is_right() {
    let f = fixture(3);
    let pickup = f.pickup();
    for n in 0..3 {
        set(&f.session, n, None).unwrap();
    }
    // A few hours and a few years ahead.
    for ahead in [2 * 3_600_000, 5 * 365 * 86_400_000] {
        f.session
            .change(umpin::session::Mode::Commit, &umpin::session::Cause::new("Test"), |c| {
                for (n, mut row) in c.tx.outbox()?.into_iter().enumerate() {
                    c.tx.remove_outbox(&row.id)?;
                    (row.attempts, row.queued_at, row.due_at) = (0, c.now, c.now);
                    match n {
                        0 => (row.queued_at, row.due_at) = (c.now + ahead, c.now + ahead),
                        1 => (row.attempts, row.due_at) = (1, c.now + 7 * 3_600_000 + ahead),
                        _ => (row.claimed_by, row.claimed_until) = ("a process that died".into(), c.now + ahead),
                    }
                    c.tx.put_outbox(&row)?;
                }
                Ok(())
            })
            .unwrap();
        std::fs::rename(&pickup, f.path("away")).unwrap();
        let done = deliver_due(&f.session, None).unwrap();
        assert_eq!((done.sent.len(), done.failed.len()), (0, 3), "each is tried once");
        assert_eq!(deliver_due(&f.session, None).unwrap().failed.len(), 0, "and then waits as usual");
        std::fs::rename(f.path("away"), &pickup).unwrap();
    }
    f.advance(3_600_000);
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 3);
}

#[test]
fn after_delivery_the_stores_bytes_hold_no_pin_and_no_message() {
    if crate::support::is_on_server("after_delivery_the_stores_bytes_hold_no_pin_and_no_message") {
        return;
    }
    let f = fixture(5);
    let pickup = f.pickup();
    for n in 0..5 {
        set(&f.session, n, None).unwrap();
    }
    let before = store_bytes(f.folder.path());
    deliver_due(&f.session, None).unwrap();
    let after = store_bytes(f.folder.path());
    for mail in mails(&pickup) {
        let pin = pin_in(&mail).unwrap();
        for bytes in [&before, &after] {
            assert!(!contains(bytes, &pin));
            assert!(!contains(bytes, "was reset. The PIN that you used"));
        }
    }
    assert!(contains(&after, "user0@contoso.com"), "the scan does see what is in clear");
}

/// This test program as the mail program: it does what the words say.
fn command(words: &[&str]) -> serde_json::Value {
    let name = child::test_name(module_path!(), "a_mail_program");
    let arguments = [&["--exact", &name, "--nocapture", "--test-threads=1"], words].concat();
    json!({"Transport": "Command", "Command": std::env::current_exe().unwrap(), "CommandArguments": arguments})
}

/// What [`command`] runs; as a test among the others it finds no words and does nothing.
#[test]
fn a_mail_program() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word.starts_with("arguments=")) {
        let told: String = words[at + 1..].iter().map(|word| format!("{word}\n")).collect();
        std::fs::write(&words[at]["arguments=".len()..], told).unwrap();
    }
    if words.iter().any(|word| word == "hang") {
        std::thread::sleep(Duration::from_secs(300));
    }
}

#[test]
fn a_hanging_command_is_cut_off_and_the_budget_holds() {
    let f = fixture(3);
    f.run("Set-UMPinConfiguration", &command(&["hang"])).unwrap();
    let ids: Vec<_> = (0..3).map(|n| set(&f.session, n, None).unwrap().notice.unwrap()).collect();
    let started = Instant::now();
    let sent = f.run("Send-UMPinOutbox", &json!({"Ids": ids, "BudgetMilliseconds": 1000})).unwrap();
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(sent.warnings.len(), 1, "the budget is spent on the first: {:?}", sent.warnings);
    assert_eq!(f.run("Get-UMPinOutbox", &json!({})).unwrap().objects.len(), 3);
}

/// Whoever else may write the store could name a program there and have root run it, or a folder of the system's.
#[cfg(unix)]
#[test]
fn root_delivers_nowhere_that_somebody_else_may_have_named() {
    if crate::support::is_on_server("root_delivers_nowhere_that_somebody_else_may_have_named") {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    if umpin::os::user_id() != 0 {
        return crate::support::skip("root_delivers_nowhere_that_somebody_else_may_have_named", "this is not root");
    }
    let f = fixture(1);
    let told = f.path("told");
    let program = command(&[&format!("arguments={}", told.display()), "{sender}"]);
    f.run("Set-UMPinConfiguration", &program).unwrap();
    let share = |mode| std::fs::set_permissions(f.folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    share(0o2770);
    let notice = set(&f.session, 0, None).unwrap().notice.unwrap();
    let sent = f.run("Send-UMPinOutbox", &json!({"Ids": [notice]})).unwrap();
    assert!(sent.warnings[0].message.contains("root delivers nothing"), "{:?}", sent.warnings);
    let test = f.run("Set-UMPinConfiguration", &json!({"TestMail": "admin@contoso.com"})).unwrap_err();
    assert!(test.message.contains("root delivers nothing"), "{test}");
    assert!(!told.exists());
    let pickup = f.pickup();
    let sent = f.run("Send-UMPinOutbox", &json!({})).unwrap();
    assert!(sent.errors[0].message.contains("root delivers nothing"), "{:?}", sent.errors);
    assert!(mails(&pickup).is_empty());
    // What root says itself is another matter.
    let mut typed = program;
    typed["TestMail"] = "admin@contoso.com".into();
    f.run("Set-UMPinConfiguration", &typed).unwrap();
    assert!(told.exists());
    share(0o700);
    assert!(f.run("Send-UMPinOutbox", &json!({})).unwrap().errors.is_empty());
    assert!(f.run("Get-UMPinOutbox", &json!({})).unwrap().objects.is_empty());
}

#[test]
fn no_transport_is_said_and_the_notice_waits() {
    let f = fixture(1);
    let outcome = set(&f.session, 0, None).unwrap();
    assert!(outcome.warnings[0].once_per_session);
    assert!(outcome.warnings[0].message.contains("Set-UMPinConfiguration"));
    let sent = f.run("Send-UMPinOutbox", &json!({"Ids": [outcome.notice.unwrap()]})).unwrap();
    assert!(sent.warnings.is_empty(), "said once is enough");
    assert!(!f.run("Send-UMPinOutbox", &json!({})).unwrap().warnings.is_empty());
}

#[test]
fn notices_without_a_pin_and_before_expiry_come_only_where_the_policy_asks() {
    let f = fixture(2);
    let pickup = f.pickup();
    f.policy(|p| p.notify_without_pin = true);
    set(&f.session, 0, Some("580437")).unwrap();
    deliver_due(&f.session, None).unwrap();
    let changed = mails(&pickup).remove(0);
    assert!(changed.contains("PIN was changed") && !changed.contains("580437"));

    f.advance_days(55);
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 0);
    f.policy(|p| p.expiry_notice_days = Some(7));
    let sent = deliver_due(&f.session, None).unwrap().sent;
    // The first was reset as expired, so it needs no warning.
    assert_eq!(sent.iter().map(|r| r.user_id.as_str()).collect::<Vec<_>>(), ["user1@contoso.com"]);
    assert_eq!(sent[0].kind, umpin::mail::notice::Kind::Expiry);
    assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 0, "once for each PIN");
}

#[test]
fn settings_are_checked_before_they_are_stored() {
    let f = fixture(0);
    let inside = f.path("inside");
    std::fs::create_dir(&inside).unwrap();
    for (parameters, status) in [
        (json!({"Transport": "Pigeon"}), Status::InvalidTransport),
        (json!({"Transport": "Pickup"}), Status::InvalidTransport),
        (json!({"Transport": "Pickup", "PickupFolder": "relative"}), Status::InvalidTransport),
        (json!({"Transport": "Pickup", "PickupFolder": "/no/such/folder"}), Status::InvalidTransport),
        (json!({"Transport": "Pickup", "PickupFolder": inside.to_str()}), Status::InvalidTransport),
        (json!({"Transport": "Command", "Command": "sendmail"}), Status::InvalidTransport),
        (json!({"Transport": "Command", "Command": "/no/such/program"}), Status::InvalidTransport),
        (json!({"SenderAddress": "a b@c"}), Status::InvalidTransport),
        (json!({"SenderName": "x\r\nBcc: y"}), Status::InvalidTransport),
        (json!({"AdminAuditLogAgeLimit": 0}), Status::InvalidArgument),
        (json!({"Transprot": "None"}), Status::InvalidRequest),
        (json!({"TestMail": "tony@contoso.com"}), Status::DeliveryFailed),
    ] {
        assert_eq!(f.run("Set-UMPinConfiguration", &parameters).unwrap_err().status, status, "{parameters}");
    }
    let outside = tempfile::tempdir().unwrap();
    let pickup =
        json!({"Transport": "Pickup", "PickupFolder": outside.path().to_str(), "TestMail": "tony@contoso.com"});
    f.run("Set-UMPinConfiguration", &pickup).unwrap();
    let test = mails(outside.path()).remove(0);
    assert!(test.contains("Test message") && pin_in(&test).is_none());
    let shown = f.run("Get-UMPinConfiguration", &json!({})).unwrap().objects.remove(0);
    assert_eq!((&shown["Transport"], &shown["AdminAuditLogAgeLimit"]), (&json!("Pickup"), &json!(90)));
}

#[test]
fn arguments_of_the_mail_program_hold_no_password_and_stand_in_no_audit_record() {
    let f = fixture(0);
    let program = std::env::current_exe().unwrap();
    let set = |arguments: &[&str]| {
        let asked = json!({"Transport": "Command", "Command": program, "CommandArguments": arguments});
        f.run("Set-UMPinConfiguration", &asked)
    };
    for bad in [
        &["--password=Tr0ub4dor", "-t"][..],
        &["--passwd", "Tr0ub4dor"],
        &["-xu", "me", "--smtp-pass=Tr0ub4dor"],
        &["smtp://me:Tr0ub4dor@mail.contoso.com"],
        &["AUTH_TOKEN=Tr0ub4dor"],
        &["--user=me:Tr0ub4dor", "-t"],
        &["-u", "me:Tr0ub4dor"],
    ] {
        let refused = set(bad).unwrap_err();
        assert_eq!(refused.status, Status::InvalidTransport, "{bad:?}");
        assert!(!refused.message.contains("Tr0ub4dor"), "{refused}");
    }
    let fine = ["-C", "/etc/umpin.msmtprc", "-t", "-f", "{sender}", "--passwordeval=cat /etc/umpin.secret"];
    assert!(set(&fine).unwrap().warnings.is_empty());
    let shown = f.run("Get-UMPinConfiguration", &json!({})).unwrap().objects.remove(0);
    assert_eq!(shown["CommandArguments"], json!(fine));
    let rows = f.run("Search-UMAdminAuditLog", &json!({})).unwrap().objects;
    let rows = serde_json::to_string(&rows).unwrap();
    assert!(!rows.contains("Tr0ub4dor") && !rows.contains("msmtprc") && rows.contains("CommandArguments"), "{rows}");
    // What an earlier version let in.
    let mail = json!({"Transport": "Command", "Command": program, "CommandArguments": ["--password=Tr0ub4dor"]});
    f.session
        .change(umpin::session::Mode::Commit, &umpin::session::Cause::new("Seed"), |c| {
            c.tx.set_setting(umpin::store::settings::MAIL, &mail.to_string())
        })
        .unwrap();
    let shown = f.run("Get-UMPinConfiguration", &json!({})).unwrap().objects.remove(0);
    assert_eq!(shown["CommandArguments"], json!(["(hidden)"]));
}

#[test]
fn the_program_is_told_the_configured_sender_and_one_that_is_not_is_warned_of() {
    let f = fixture(1);
    let got = f.path("got");
    let to = format!("arguments={}", got.display());
    let set = |sender: &str, arguments: &[&str]| {
        // Behind `--` the test program takes every word for a filter.
        let mut asked = command(&[&["--", &to], arguments].concat());
        asked["SenderAddress"] = json!(sender);
        f.run("Set-UMPinConfiguration", &asked)
    };
    let warnings = set("", &["-t", "-i"]).unwrap().warnings;
    assert!(warnings[0].message.contains("{sender}"), "{warnings:?}");
    assert_eq!(set("-oQ@contoso.com", &["-f", "{sender}"]).unwrap_err().status, Status::InvalidTransport);
    for (sender, told) in [("", "voicemail@contoso.com"), ("um@fabrikam.com", "um@fabrikam.com")] {
        assert!(set(sender, &["-t", "-i", "-f", "{sender}"]).unwrap().warnings.is_empty());
        crate::support::set(&f.session, 0, None).unwrap();
        assert_eq!(deliver_due(&f.session, None).unwrap().sent.len(), 1);
        assert_eq!(std::fs::read_to_string(&got).unwrap(), format!("-t\n-i\n-f\n{told}\n"));
    }
}

#[test]
fn header_injection_fails_from_every_side() {
    let f = fixture(1);
    let pickup = f.pickup();
    let evil = "x\r\nBcc: evil@example.com\r\n\r\nevil body";
    let asked = umpin::cmdlets::set_um_mailbox_pin::SetPin {
        who: crate::support::who(0),
        notify_email: Some("a@b.example\r\nBcc: evil@example.com".into()),
        ..Default::default()
    };
    let refused = umpin::cmdlets::set_um_mailbox_pin::begin_reset(&f.session, asked).unwrap_err();
    assert_eq!(refused.status, Status::InvalidNotifyEmail);
    f.session
        .change(umpin::session::Mode::Commit, &umpin::session::Cause::new("Test"), |c| {
            let guid = c.tx.recipients_by_key("user0", None)?.remove(0).0;
            let mut user = c.tx.recipient(&guid)?.unwrap();
            user.display_name = evil.into();
            user.language = evil.into();
            c.tx.put_recipient(&user)?;
            let mut policy = c.tx.policy_by_key("policy")?.unwrap();
            policy.settings = json!({"ResetPINText": evil}).to_string();
            c.tx.put_policy(&policy)
        })
        .unwrap();
    set(&f.session, 0, None).unwrap();
    deliver_due(&f.session, None).unwrap();
    let mail = mails(&pickup).remove(0);
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(head.lines().all(|l| !l.to_ascii_lowercase().starts_with("bcc")), "{head}");
    assert_eq!(head.lines().count(), 9);
    assert!(body.contains("evil body"), "what the policy says still arrives, as text");
}

/// Postfix's sendmail hands over through a setgid program, which none of these lets start, and writes below /var.
#[test]
fn the_timers_service_lets_a_queueing_mail_program_work_and_its_drop_in_does_not() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/systemd");
    let settings = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        text.lines().filter(|l| !l.starts_with('#') && l.contains('=')).map(str::to_owned).collect()
    };
    // As systemd.exec(5) lists them, for a service that does not run as root.
    let implies = "NoNewPrivileges DynamicUser SystemCallFilter SystemCallArchitectures RestrictAddressFamilies \
        RestrictNamespaces PrivateDevices ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectClock \
        MemoryDenyWriteExecute RestrictRealtime RestrictSUIDSGID LockPersonality ProtectHostname SystemCallLog \
        CapabilityBoundingSet";
    let service = settings("umpin-deliver.service");
    for setting in &service {
        let name = setting.split('=').next().unwrap();
        assert!(!implies.split_whitespace().any(|i| i == name), "{setting}");
        assert_ne!(setting, "ProtectSystem=strict");
    }
    assert!(service.contains(&"User=ummailboxpin".to_owned()));
    let strict = settings("umpin-deliver-strict.conf");
    for wanted in ["NoNewPrivileges=yes", "ProtectSystem=strict", "ReadWritePaths=/var/lib/ummailboxpin"] {
        assert!(strict.contains(&wanted.to_owned()), "{wanted}");
    }
}
