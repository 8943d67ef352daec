//! The walk through the page with a real browser and a real provider: browser/walk.mjs. What it needs is fetched by
//! tools/test-browser.sh; without it, the walk is skipped by name.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "support/page.rs"]
mod page;
#[path = "../../tests/integration/support/mod.rs"]
mod umpin_support;

use std::path::{Path, PathBuf};
use std::process::Command;

use page::store;
use serde_json::json;
use umpin::session::{Cause, Mode};
use umpin_support::{FIRST_PIN, Fixture, is_full_scale, skip, tools, who};

const TEST: &str = "the_page_works_in_a_real_browser_with_a_real_provider";
/// Forty letters, as a Greek name may have them.
const LONG_NAME: &str = "Παπαχριστοδουλόπουλος-Αναγνωστοπουλάκης";

fn rename(f: &Fixture, n: usize, display_name: &str) {
    f.session
        .change(Mode::Commit, &Cause::new("Seed"), |c| {
            let guid = who(n).guid(&f.session, c.tx)?;
            let mut recipient = c.tx.recipient(&guid)?.unwrap();
            recipient.display_name = display_name.into();
            c.tx.put_recipient(&recipient)
        })
        .unwrap();
}

/// The command that asks as a telephone system does.
fn umpin() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built = ["release", "debug"].map(|profile| root.join("target").join(profile).join("umpin"));
    std::env::var_os("UMPIN_BIN").map(PathBuf::from).into_iter().chain(built).find(|file| file.is_file())
}

#[test]
fn the_page_works_in_a_real_browser_with_a_real_provider() {
    if !is_full_scale() {
        return skip(TEST, "only under --all");
    }
    let browser = tools().join("browser");
    if !browser.join(".complete").is_file() {
        return skip(TEST, "no browser; tools/test-browser.sh fetches one");
    }
    let Some(umpin) = umpin() else { return skip(TEST, "no umpin program; build the library first") };
    for program in ["node", "openssl"] {
        if Command::new(program).arg("--version").output().is_err()
            && Command::new(program).arg("version").output().is_err()
        {
            return skip(TEST, &format!("no {program}"));
        }
    }
    let f = store(6);
    let pickup = f.pickup();
    assert_eq!(LONG_NAME.chars().count(), 39);
    rename(&f, 3, &format!("{LONG_NAME}ς"));
    f.run("Lock-UMMailbox", &json!({"Identity": "user1"})).unwrap();
    f.run("Lock-UMMailbox", &json!({"Identity": "user4"})).unwrap();
    let text = "Questions? Call the <b>help desk</b> at 50100.";
    f.run("Set-UMMailboxPolicy", &json!({"Identity": "Policy", "UMEnabledText": text})).unwrap();
    // The lead of the help desk, who is shown on the pictures, has a mailbox too.
    f.session
        .change(Mode::Commit, &Cause::new("Seed"), |c| {
            let guid = who(5).guid(&f.session, c.tx)?;
            let mut recipient = c.tx.recipient(&guid)?.unwrap();
            recipient.display_name = "Tony Smith".into();
            recipient.user_principal_name = "lead@contoso.com".into();
            c.tx.put_recipient(&recipient)
        })
        .unwrap();
    let guids: Vec<String> = (0..6).map(|n| f.state(n).guid.to_string()).collect();
    let settings = json!({
        "folder": f.folder.path(),
        "program": env!("CARGO_BIN_EXE_umpin-web"),
        "umpin": umpin,
        "tools": browser,
        "pictures": std::env::var_os("UMPIN_PICTURES").map(PathBuf::from),
        "pickup": pickup,
        "store": f.path("um.db"),
        "keyFile": f.path("umpin.key"),
        "pin": FIRST_PIN,
        "guids": guids,
        "groups": {"user0@contoso.com": ["helpdesk"], "lead@contoso.com": ["helpdesk", "lead"]},
    });
    let file = f.path("walk.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let walk = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/walk.mjs");
    let done = Command::new("node").arg(walk).arg(file).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    println!("{out}");
    assert!(done.status.success(), "{out}\n{err}");
    assert_eq!(out.matches("seen: ").count(), 8, "{out}");
}
