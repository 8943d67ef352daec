//! The one way to fill a store with people: for tests, benchmarks and examples.

use umpin::crypto::hash::HashParams;
use umpin::directory::identity::canonical_name;
use umpin::directory::numbers::{AddressKind, UriType};
use umpin::directory::recipient::{ProxyAddress, Recipient};
use umpin::error::Result;
use umpin::guid::{DialPlanGuid, PolicyGuid, RecipientGuid};
use umpin::pin::{Pin, PinPolicy};
use umpin::service::pin_replacement::{NewState, Salted};
use umpin::session::{Cause, Mode, Session};
use umpin::store::dial_plans::DialPlan;
use umpin::store::mailboxes::{UmAddress, UmMailbox};
use umpin::store::policies::Policy;

/// The PIN of every mailbox that is made here.
pub const FIRST_PIN: &str = "739182";

/// What is made.
pub struct Seeding {
    /// Enabled mailboxes: `user0@contoso.com` and so on.
    pub people: usize,
    /// Digits of the numbers, which begin at 5, 50, 500 ...
    pub digits: u32,
    /// The policy's rules.
    pub rules: PinPolicy,
    /// What the one hash of all of them costs.
    pub hash: HashParams,
}

/// The number that signs in to mailbox `n`.
pub fn number(digits: u32, n: usize) -> String {
    (5 * 10_usize.pow(digits - 1) + n).to_string()
}

/// One dial plan `Plan`, one policy `Policy`, and people who share one PIN and one hash, since a hash for each would
/// take minutes: a store like this is for tests and measurements and for nothing else.
pub fn seed(session: &Session, wanted: Seeding) -> Result<()> {
    let hashed = Salted { salt: [7; 16], costs: vec![wanted.hash] }.hash(&Pin::new(FIRST_PIN))?;
    session.change(Mode::Commit, &Cause::new("Seed"), |c| {
        let (plan, policy) = (DialPlanGuid::random()?, PolicyGuid::random()?);
        c.tx.put_dial_plan(&DialPlan {
            guid: plan.clone(),
            name: "Plan".into(),
            digits: wanted.digits,
            uri_type: UriType::TelExtn,
            settings: r#"{"AccessTelephoneNumbers":["+1 425 555 0100"]}"#.into(),
            when_created: c.now,
            when_changed: c.now,
        })?;
        c.tx.put_policy(&Policy {
            guid: policy.clone(),
            name: "Policy".into(),
            dial_plan_guid: plan.clone(),
            pin: wanted.rules.clone(),
            expiry_notice_days: None,
            notify_without_pin: false,
            settings: "{}".into(),
            when_created: c.now,
            when_changed: c.now,
        })?;
        for n in 0..wanted.people {
            let guid = RecipientGuid::random()?;
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
                address: number(wanted.digits, n),
                kind: AddressKind::Extension,
                guid: guid.clone(),
                is_primary: true,
            };
            c.tx.set_um_addresses(&guid, &[address])?;
            hashed.put(c, &guid, &NewState::clean()).map_err(|setback| setback.into_error("the new mailbox"))?;
        }
        Ok(())
    })
}
