//! A real mail program to a real mail server on loopback: the message arrives, an independent parser reads it, and its
//! PIN signs in. Needs msmtp and Debian's python3-aiosmtpd, which tools/test-tools.sh fetches; without them it is
//! skipped by name.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use crate::support::{Fixture, set, skip};
use serde_json::{Value, json};
use umpin::pin::PinPolicy;
use umpin::service::delivery::deliver_due;
use umpin::session::{Cause, Mode};

const PYTHON: &str = "/usr/bin/python3";
const SINK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/support/sink.py");

/// Debian's Python, with what was unpacked for it.
fn python() -> Command {
    let mut python = Command::new(PYTHON);
    let mut path = crate::support::tools().join("small/usr/lib/python3/dist-packages").into_os_string();
    if let Some(more) = std::env::var_os("PYTHONPATH") {
        path.push(":");
        path.push(more);
    }
    // It leaves no bytecode in a cache that several checkouts share.
    python.env("PYTHONPATH", path).env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

struct Sink(Child);

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_mail_server_gets_a_message_whose_pin_signs_in() {
    let test = "a_real_mail_server_gets_a_message_whose_pin_signs_in";
    let Some(msmtp) = crate::support::tool(&["msmtp"]) else {
        return skip(test, "no msmtp, neither installed nor fetched by tools/test-tools.sh");
    };
    let sink = python().args(["-c", "import aiosmtpd.controller"]).stderr(Stdio::null()).status();
    if !sink.is_ok_and(|s| s.success()) {
        return skip(test, "no python3-aiosmtpd, neither installed nor fetched by tools/test-tools.sh");
    }
    let f = Fixture::new(PinPolicy::default(), 2);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let maildir = f.path("mail");
    let mut sink = Sink(
        python()
            .args([SINK, "serve", maildir.to_str().unwrap(), &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut ready = String::new();
    BufReader::new(sink.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");

    let config = f.path("msmtprc");
    std::fs::write(&config, format!("account default\nhost 127.0.0.1\nport {port}\nfrom wrong@contoso.com\n")).unwrap();
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
    f.run(
        "Set-UMPinConfiguration",
        &json!({"Transport": "Command", "Command": msmtp.to_str().unwrap(), "SenderAddress": "voicemail@contoso.com",
            "CommandArguments": ["-C", config.to_str().unwrap(), "-f", "{sender}", "-t"]}),
    )
    .unwrap();
    f.session
        .change(Mode::Commit, &Cause::new("Seed"), |c| {
            let guid = c.tx.recipients_by_key("user1", None)?.remove(0).0;
            let mut user = c.tx.recipient(&guid)?.unwrap();
            user.display_name = "Élodie \"Éli\" Müller, 李娜".into();
            user.language = "fr-FR".into();
            c.tx.put_recipient(&user)?;
            let mut policy = c.tx.policy_by_key("policy")?.unwrap();
            policy.settings =
                json!({"ResetPINText": "Call <b>50100</b> or see <a href=\"https://help.example\">help</a>."})
                    .to_string();
            c.tx.put_policy(&policy)
        })
        .unwrap();
    for n in 0..2 {
        set(&f.session, n, None).unwrap();
    }
    let done = deliver_due(&f.session, None).unwrap();
    assert_eq!((done.sent.len(), done.failed.len()), (2, 0), "{:?}", done.failed);

    let read = python().args([SINK, "read", maildir.to_str().unwrap()]).output().unwrap();
    let mails: Vec<Value> = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(mails.len(), 2);
    for (n, label) in [(0, "PIN: "), (1, "Code confidentiel: ")] {
        let mail = mails.iter().find(|m| m["to"][0] == format!("user{n}@contoso.com")).unwrap();
        assert_eq!(mail["envelope"], "voicemail@contoso.com", "what comes back goes to the sender");
        assert_eq!((&mail["defects"], &mail["auto"]), (&json!([]), &json!("auto-generated")));
        let (plain, html) = (mail["plain"].as_str().unwrap(), mail["html"].as_str().unwrap());
        let pin: String = plain.split_once(label).unwrap().1.chars().take_while(char::is_ascii_digit).collect();
        assert!(f.verify(n, &pin).accepted);
        assert!(html.contains(&format!("<b>{pin}</b>")));
        assert!(html.contains("<b>50100</b> or see <a href=\"https://help.example\">help</a>."));
        assert!(plain.contains("Call 50100 or see help <https://help.example>."));
    }
    let french = mails.iter().find(|m| m["language"] == "fr").unwrap();
    assert_eq!(french["name"], "Élodie \"Éli\" Müller, 李娜");
}
