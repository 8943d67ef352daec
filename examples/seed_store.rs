//! Makes a store with many enabled mailboxes for the benchmarks: `seed_store FOLDER COUNT`.
//!
//! All share one PIN (739182) and one hash of the shipped cost, since a hash for each would take minutes: a store like
//! this is for measuring and for nothing else.
#![allow(clippy::print_stderr)]

use std::path::Path;

use umpin::crypto::hash::HashParams;
use umpin::directory::identity::canonical_name;
use umpin::directory::recipient::{ProxyAddress, Recipient};
use umpin::error::Result;
use umpin::guid::new_guid;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::pin_replacement::{NewState, Salted};
use umpin::session::{Cause, Mode, Session};
use umpin::store::dial_plans::DialPlan;
use umpin::store::mailboxes::{UmAddress, UmMailbox};
use umpin::store::policies::Policy;

/// The PIN of every mailbox.
pub const PIN: &str = "739182";

/// The number that signs in to mailbox `n`.
pub fn extension(n: usize) -> String {
    format!("{:07}", 5_000_000 + n)
}

/// A session on a new store with `count` enabled mailboxes.
pub fn seed(folder: &Path, count: usize) -> Result<Session> {
    let session = Session::open(Some(folder.join("um.db")), Some(folder.join("umpin.key")), None)?;
    let hashed = Salted { salt: [7; 16], costs: vec![HashParams::SHIPPED] }.hash(&Pin::new(PIN))?;
    let (plan, policy) = (new_guid()?, new_guid()?);
    session.change(Mode::Commit, &Cause::new("Seed"), |c| {
        c.tx.put_dial_plan(&DialPlan {
            guid: plan.clone(),
            name: "Plan".into(),
            digits: 7,
            uri_type: "TelExtn".into(),
            settings: "{}".into(),
            when_created: c.now,
            when_changed: c.now,
        })?;
        c.tx.put_policy(&Policy {
            guid: policy.clone(),
            name: "Policy".into(),
            dial_plan_guid: plan.clone(),
            pin: PinPolicy::default(),
            expiry_notice_days: None,
            notify_without_pin: false,
            settings: "{}".into(),
            when_created: c.now,
            when_changed: c.now,
        })?;
        for n in 0..count {
            let guid = new_guid()?;
            let smtp = format!("user{n}@contoso.com");
            let dn = format!("CN=User {n},OU=Users,DC=contoso,DC=com");
            c.tx.put_recipient(&Recipient {
                guid: guid.clone(),
                name: format!("User {n}"),
                display_name: format!("User {n}"),
                alias: format!("user{n}"),
                sam_account_name: format!("user{n}"),
                user_principal_name: smtp.clone(),
                primary_smtp_address: smtp.clone(),
                canonical_name: canonical_name(&dn),
                distinguished_name: dn,
                addresses: vec![ProxyAddress { prefix: "smtp".into(), address: smtp, is_primary: true }],
                when_created: c.now,
                when_changed: c.now,
                ..Default::default()
            })?;
            c.tx.put_um_mailbox(&UmMailbox {
                guid: guid.clone(),
                policy_guid: Some(policy.clone()),
                settings: "{}".into(),
                when_changed: c.now,
            })?;
            let address = UmAddress {
                dial_plan_guid: plan.clone(),
                address: extension(n),
                kind: "Extension".into(),
                guid: guid.clone(),
                is_primary: true,
            };
            c.tx.set_um_addresses(&guid, &[address])?;
            hashed.put(c, &guid, &NewState::clean())?;
        }
        Ok(())
    })?;
    Ok(session)
}

#[allow(dead_code)] // The benchmark of the library uses `seed` alone.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let made = match arguments.as_slice() {
        [_, folder, count] => count
            .parse()
            .map_err(|_| "COUNT is no number".to_owned())
            .and_then(|count| seed(Path::new(folder), count).map(drop).map_err(|e| e.to_string())),
        _ => Err("usage: seed_store FOLDER COUNT".to_owned()),
    };
    if let Err(why) = made {
        eprintln!("{why}");
        std::process::exit(1);
    }
}
