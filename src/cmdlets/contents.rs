//! Compares what the tables hold with what cmdlets write there, for the self-check and for a backup before it is
//! restored. A fault found here was made outside this program, or by a defect in it.

use crate::directory::numbers::AddressKind;
use crate::guid::RecipientGuid;
use std::collections::HashMap;

use crate::cmdlets::settings;
use crate::directory::identity::{fold, fold_case};
use crate::directory::recipient::Recipient;
use crate::error::{Condition, Result};
use crate::service::addresses;
use crate::service::configuration::{AUDIT_AGE_DAYS, COMMAND_TIMEOUT_SECONDS, SPRAY_THRESHOLD, mail_settings};
use crate::service::telephone_settings::{DIAL_PLAN, MAILBOX, POLICY, document_fault};
use crate::store::contents::Documents;
use crate::store::{Tx, settings as stored};

/// How many faults are named; the rest are counted.
const MOST_NAMED: usize = 5;

/// The faults that were found: the first few by name, and how many there are.
#[derive(Debug, Default)]
pub struct Faults {
    named: Vec<String>,
    count: usize,
}

impl Faults {
    fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(what());
        }
    }

    /// All in one line; `None` where nothing was found.
    pub fn summary(&self) -> Option<String> {
        let more = self.count - self.named.len();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        (self.count > 0).then(|| format!("{}{more}", self.named.join("; ")))
    }
}

/// Reads everything but what is sealed.
pub fn find_faults(tx: &Tx<'_>, now: i64) -> Result<Faults> {
    let mut found = Faults::default();
    // First: a value that cannot be read would end what follows, so that is told before.
    tx.odd_values(now, |about, what| {
        found.add(|| format!("{about}: {what}"));
        Ok(())
    })?;
    for what in unless_unreadable(tx.inconsistencies())?.unwrap_or_default() {
        found.add(|| what);
    }
    find_setting_faults(tx, &mut found)?;
    find_document_faults(tx, &mut found)?;
    find_recipient_faults(tx, &mut found)?;
    find_number_faults(tx, &mut found)?;
    Ok(found)
}

/// `None` for a row that cannot be read: it is among the odd values already.
fn unless_unreadable<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(e) if e.is(Condition::RowDamaged) => Ok(None),
        other => other.map(Some),
    }
}

fn find_setting_faults(tx: &Tx<'_>, found: &mut Faults) -> Result<()> {
    let guid = |text: &str| uuid::Uuid::try_parse(text).is_ok();
    let key_id = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let within =
        |range: std::ops::RangeInclusive<i64>| move |text: &str| text.parse().is_ok_and(|n| range.contains(&n));
    type Fits<'a> = Box<dyn Fn(&str) -> bool + 'a>;
    let all: [(&str, &str, Fits<'_>); 5] = [
        (stored::STORE_ID, "the store's id", Box::new(guid)),
        (stored::KEY_ID, "the id of the store's key", Box::new(key_id)),
        (stored::AUDIT_AGE_DAYS, "AdminAuditLogAgeLimit", Box::new(within(AUDIT_AGE_DAYS))),
        (stored::SPRAY_THRESHOLD, "SprayDetectionThreshold", Box::new(within(SPRAY_THRESHOLD))),
        (stored::SERVER_NAME, "ServerName", Box::new(|text| !text.chars().any(char::is_control))),
    ];
    for (name, called, fits) in all {
        let Some(value) = unless_unreadable(tx.setting(name))? else { continue };
        let must_be = matches!(name, stored::STORE_ID | stored::KEY_ID);
        if value.as_deref().map_or(must_be, |text| !fits(text)) {
            found.add(|| format!("store settings: {called} is none that a cmdlet sets"));
        }
    }
    let fits = match mail_settings(tx) {
        Ok(mail) => {
            let seconds = i64::from(mail.command_timeout_seconds);
            seconds == 0 || COMMAND_TIMEOUT_SECONDS.contains(&seconds)
        }
        Err(e) if e.is(Condition::BadMailSettings) => false,
        Err(e) => return unless_unreadable(Err(e)).map(|_: Option<()>| ()),
    };
    if !fits {
        found.add(|| "store settings: the mail settings are none that a cmdlet sets".into());
    }
    Ok(())
}

fn find_document_faults(tx: &Tx<'_>, found: &mut Faults) -> Result<()> {
    for (of, called, table) in [
        (Documents::DialPlans, "the UM dial plan ", DIAL_PLAN),
        (Documents::Policies, "the UM mailbox policy ", POLICY),
        (Documents::Mailboxes, "", MAILBOX),
    ] {
        tx.documents(of, |name, key, document| {
            let who = || if of == Documents::Mailboxes { tx.name_of(name) } else { format!("{called}'{name}'") };
            if let Some(what) = document_fault(table, document) {
                found.add(|| format!("{}: {what}", who()));
            }
            if of != Documents::Mailboxes && (key != fold(name) || settings::check_name(name).is_err()) {
                found.add(|| format!("{}: it cannot be found by its name", who()));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What is derived from a person: the texts that find one, and the primary address among the addresses.
fn find_recipient_faults(tx: &Tx<'_>, found: &mut Faults) -> Result<()> {
    let mut due = 0;
    tx.each_recipient(|guid| {
        let Some(Some(r)) = unless_unreadable(tx.recipient(guid))? else { return Ok(()) };
        due += tx.key_count_due(&r);
        if unless_unreadable(tx.has_its_keys(&r))? == Some(false) {
            found.add(|| format!("{}: the look-up keys are not this person's", r.canonical_name));
        }
        if !has_its_addresses(&r) {
            found.add(|| format!("{}: the proxy addresses lack the primary SMTP address", r.canonical_name));
        }
        Ok(())
    })?;
    let there = tx.key_count()?;
    if there > due {
        found.add(|| format!("directory: {} look-up keys are nobody's", there - due));
    }
    Ok(())
}

fn has_its_addresses(r: &Recipient) -> bool {
    let mut primary = r.addresses.iter().filter(|a| a.prefix == "smtp" && a.is_primary);
    match primary.next() {
        None => r.primary_smtp_address.is_empty(),
        Some(one) => primary.next().is_none() && one.address.eq_ignore_ascii_case(&r.primary_smtp_address),
    }
}

fn find_number_faults(tx: &Tx<'_>, found: &mut Faults) -> Result<()> {
    let Some(plans) = unless_unreadable(tx.dial_plans())? else { return Ok(()) };
    let plans: HashMap<&str, _> = plans.iter().map(|plan| (plan.guid.as_str(), plan)).collect();
    tx.numbers(|[guid, plan, key, number, kind]| {
        // A missing plan is reported with the references that lead nowhere.
        let Some(plan) = plans.get(plan) else { return Ok(()) };
        let guid = &RecipientGuid::known(guid);
        let fits = match AddressKind::from_name(kind) {
            Some(AddressKind::Extension) => addresses::extension_address(plan, guid, number).is_ok(),
            kind => addresses::resource_address(plan, guid, number)
                .is_ok_and(|a| a.address == number && Some(a.kind) == kind),
        };
        if !fits || key != fold_case(number) {
            found.add(|| format!("{}: a number does not fit its dial plan '{}'", tx.name_of(guid.as_str()), plan.name));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::numbers::UriType;
    use crate::error::{Error, Status};
    use crate::pin::PinPolicy;
    use crate::session::{Cause, Change, Mode};
    use crate::support::Fixture;

    #[test]
    fn only_a_row_that_cannot_be_read_is_among_the_odd_values_already() {
        let row = Error::on(Condition::RowDamaged, "x");
        assert_eq!(unless_unreadable::<()>(Err(row)), Ok(None));
        for other in [Condition::FileDamaged, Condition::StoreIo, Condition::UnknownKey] {
            assert!(unless_unreadable::<()>(Err(Error::on(other, "x"))).is_err(), "{other:?}");
        }
        assert!(unless_unreadable::<()>(Err(Error::new(Status::StoreDamaged, "x"))).is_err());
        assert_eq!(unless_unreadable(Ok(7)), Ok(Some(7)));
    }

    /// The faults found after a change that is rolled back.
    fn found(work: impl Fn(&Change<'_>) -> Result<()>) -> Option<String> {
        let f = Fixture::new(PinPolicy::default(), 2);
        f.session
            .change(Mode::Validate, &Cause::new("Test"), |c| {
                work(c)?;
                find_faults(c.tx, c.now)
            })
            .unwrap()
            .summary()
    }

    #[test]
    fn each_of_the_stores_own_settings_is_held_against_what_a_cmdlet_sets() {
        let mail =
            |seconds: i64| json!({"CommandTimeoutSeconds": seconds, "command_timeout_seconds": seconds}).to_string();
        let (none, least, most, long) = (mail(0), mail(1), mail(600), mail(601));
        for (name, fine, odd) in [
            (stored::STORE_ID, vec!["5e4bb1a0-1f3c-4f43-8f8a-0c2a7a7b9a11"], vec!["", "5e4bb1a0"]),
            (
                stored::KEY_ID,
                vec!["0123456789abcdef"],
                vec!["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg", "key"],
            ),
            (stored::AUDIT_AGE_DAYS, vec!["1", "90", "3650"], vec!["", "0", "3651", "-1", "x"]),
            (stored::SPRAY_THRESHOLD, vec!["0", "1000"], vec!["-1", "1001", "x"]),
            (stored::SERVER_NAME, vec!["", "pbx1", "Zentrale München"], vec!["pbx\n1", "\u{1b}[31m", "pbx\u{7f}"]),
            (stored::MAIL, vec![&none, &least, &most], vec![&long, "{", "7"]),
        ] {
            for value in fine {
                assert_eq!(found(|c| c.tx.set_setting(name, value)), None, "{name} = {value:?}");
            }
            for value in odd {
                let told = found(|c| c.tx.set_setting(name, value)).unwrap_or_default();
                assert!(told.contains("store settings: "), "{name} = {value:?}: {told}");
            }
        }
        for name in [stored::STORE_ID, stored::KEY_ID] {
            assert!(found(|c| c.tx.remove_setting(name)).is_some(), "{name}");
        }
    }

    #[test]
    fn a_persons_primary_address_is_the_one_primary_among_the_addresses() {
        let f = Fixture::new(PinPolicy::default(), 1);
        let guid = f.state(0).guid;
        let r = f.session.read(|tx| tx.recipient(&guid)).unwrap().unwrap();
        assert!(has_its_addresses(&r));
        let with = |change: &dyn Fn(&mut Recipient)| {
            let mut r = r.clone();
            change(&mut r);
            has_its_addresses(&r)
        };
        assert!(with(&|r| r.primary_smtp_address = r.primary_smtp_address.to_uppercase()));
        assert!(!with(&|r| r.primary_smtp_address = "other@contoso.com".into()));
        assert!(!with(&|r| r.primary_smtp_address.clear()));
        assert!(!with(&|r| r.addresses.iter_mut().for_each(|a| a.prefix = "sip".into())));
        assert!(!with(&|r| r.addresses.iter_mut().for_each(|a| a.is_primary = false)));
        assert!(!with(&|r| r.addresses.push(r.addresses[0].clone())), "two primaries");
        assert!(with(&|r| {
            r.addresses.clear();
            r.primary_smtp_address.clear();
        }));
    }

    #[test]
    fn a_number_fits_its_plan_by_kind_and_digits_and_is_found_by_its_key() {
        let number = |address: &str, kind: AddressKind| {
            found(|c| {
                let mut one = c.tx.um_addresses_by_key(&crate::support::extension(0), None)?.remove(0);
                let guid = one.guid.clone();
                one.address = address.into();
                one.kind = kind;
                c.tx.set_um_addresses(&guid, &[one])
            })
        };
        let in_plan = |uri_type: UriType, address: &str, kind: AddressKind| {
            found(|c| {
                let mut one = c.tx.um_addresses_by_key(&crate::support::extension(0), None)?.remove(0);
                let mut plan = c.tx.dial_plan(&one.dial_plan_guid)?.unwrap();
                plan.uri_type = uri_type;
                c.tx.put_dial_plan(&plan)?;
                let mut another = one.clone();
                (another.address, another.kind, another.is_primary) = (address.into(), kind, false);
                one.is_primary = true;
                let guid = one.guid.clone();
                c.tx.set_um_addresses(&guid, &[one, another])
            })
        };
        for (uri_type, address, kind, fits) in [
            (UriType::E164, "+14255550100", AddressKind::E164, true),
            (UriType::E164, "+14255550100", AddressKind::SipName, false),
            (UriType::E164, "14255550100", AddressKind::E164, false),
            (UriType::SipName, "tony@contoso.com", AddressKind::SipName, true),
            (UriType::SipName, "tony@contoso.com", AddressKind::E164, false),
            (UriType::SipName, "sip:tony@contoso.com", AddressKind::SipName, false),
            (UriType::SipName, "tony", AddressKind::SipName, false),
        ] {
            let told = in_plan(uri_type, address, kind);
            assert_eq!(told.is_none(), fits, "{uri_type:?} {address} {kind:?}: {told:?}");
        }
        assert_eq!(number("51234", AddressKind::Extension), None);
        use AddressKind::{E164, Extension, SipName};
        for (address, kind) in [("5123", Extension), ("5123x", Extension), ("51234", E164), ("51234", SipName)] {
            let told = number(address, kind).unwrap_or_default();
            assert!(told.contains("a number does not fit its dial plan"), "{address} {kind:?}: {told}");
        }
    }
}
