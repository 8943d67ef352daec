//! EUM proxy addresses: the extensions, SIP addresses and E.164 numbers that sign in.
//!
//! Source: Microsoft's page "Voice mail for users": each is unique in its dial plan, an extension has the plan's
//! digits, one is primary, any number are secondary, two plans at the most.

use crate::directory::identity::fold;
use crate::directory::list_edit::ListEdit;
use crate::directory::numbers::AddressKind;
use crate::directory::numbers::UriType;
use crate::error::{Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::service::lookup;
use crate::session::Session;
use crate::store::Tx;
use crate::store::dial_plans::DialPlan;
use crate::store::mailboxes::UmAddress;

/// What stands before the plan's name in an EUM proxy address.
const CONTEXT: &str = ";phone-context=";
/// Dial plans that one mailbox may have numbers in.
const MOST_PLANS: usize = 2;

/// `EUM:51234;phone-context=Plan`, lower case for all but the primary.
pub(crate) fn proxy_address_text(a: &UmAddress, plan_name: &str) -> String {
    number_text(&a.address, a.is_primary, plan_name)
}

/// The same of its parts.
pub(crate) fn number_text(address: &str, is_primary: bool, plan_name: &str) -> String {
    [if is_primary { "EUM:" } else { "eum:" }, address, CONTEXT, plan_name].concat()
}

/// Number and plan of an EUM proxy address (with or without its prefix), and whether it is written as primary; `None`
/// for addresses of other kinds.
pub(crate) fn parse(text: &str) -> Option<(String, String, bool)> {
    let (prefix, rest) = text.split_once(':')?;
    if !prefix.eq_ignore_ascii_case("eum") {
        return None;
    }
    let at = rest.to_ascii_lowercase().find(CONTEXT)?;
    Some((rest[..at].to_owned(), rest[at + CONTEXT.len()..].to_owned(), prefix == "EUM"))
}

/// A dial plan's phone context as Exchange writes it: its name with the directory's domain behind it.
pub(crate) fn phone_context(tx: &Tx<'_>, plan_name: &str) -> Result<String> {
    let first = tx.first_canonical_name()?;
    let domain = first.as_deref().and_then(|name| name.split_once('/')).map(|(domain, _)| domain);
    Ok(match domain.filter(|d| is_domain(d)) {
        Some(domain) => format!("{plan_name}.{domain}"),
        None => plan_name.to_owned(),
    })
}

/// The name of the plan that a phone context means: the context itself, or what stands before a domain
/// (`Plan.contoso.com`), as Microsoft's pages write it. The longest name that is there wins, since a plan's name may
/// have dots; a context that means none comes back as it is, for the error to name it.
pub(crate) fn plan_name(tx: &Tx<'_>, context: &str) -> Result<String> {
    if let Some(plan) = tx.dial_plan_by_key(&fold(context))? {
        return Ok(plan.name);
    }
    for (dot, _) in context.rmatch_indices('.') {
        if is_domain(&context[dot + 1..])
            && let Some(plan) = tx.dial_plan_by_key(&fold(&context[..dot]))?
        {
            return Ok(plan.name);
        }
    }
    Ok(context.to_owned())
}

/// An EUM proxy address with its plan's own name as context; any other text as it is.
pub(crate) fn with_plan_name(tx: &Tx<'_>, address: &str) -> Result<String> {
    let Some((_, context, _)) = parse(address) else { return Ok(address.to_owned()) };
    let start = &address[..address.len() - context.len()];
    Ok(format!("{start}{}", plan_name(tx, context.trim())?))
}

/// [`with_plan_name`] for every address in a list parameter, so that additions and removals compare with what is there.
pub(crate) fn by_plan_name(tx: &Tx<'_>, edit: Option<ListEdit>) -> Result<Option<ListEdit>> {
    let all = |list: Vec<String>| list.iter().map(|text| with_plan_name(tx, text)).collect::<Result<Vec<_>>>();
    Ok(match edit {
        None => None,
        Some(ListEdit::Replace(list)) => Some(ListEdit::Replace(all(list)?)),
        Some(ListEdit::Edit { add, remove }) => Some(ListEdit::Edit { add: all(add)?, remove: all(remove)? }),
    })
}

/// Labels of letters, digits and hyphens with dots between.
fn is_domain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text
            .split('.')
            .all(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
}

/// An extension of this plan, as a secondary one.
pub(crate) fn extension_address(plan: &DialPlan, guid: &RecipientGuid, number: &str) -> Result<UmAddress> {
    let digits = plan.digits as usize;
    if number.len() != digits || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Error::new(
            Status::InvalidExtension,
            format!(
                "The extension '{}' is not valid: the UM dial plan '{}' has extensions of {digits} digits. Nothing was \
                 changed.",
                number.chars().take(40).collect::<String>(),
                plan.name
            ),
        ));
    }
    Ok(UmAddress {
        dial_plan_guid: plan.guid.clone(),
        address: number.into(),
        kind: AddressKind::Extension,
        guid: guid.clone(),
        is_primary: false,
    })
}

/// The SIP address or E.164 number that a plan of that type needs.
pub(crate) fn resource_address(plan: &DialPlan, guid: &RecipientGuid, text: &str) -> Result<UmAddress> {
    let bare = text.strip_prefix("sip:").or_else(|| text.strip_prefix("SIP:")).unwrap_or(text).trim();
    let wrong = |status, what: &str| {
        Err(Error::new(
            status,
            format!("The UM dial plan '{}' needs {what}, and '{bare}' is none. Nothing was changed.", plan.name),
        ))
    };
    let is_e164 = plan.uri_type == UriType::E164;
    match plan.uri_type {
        UriType::E164 => {
            let number = bare.strip_prefix('+').unwrap_or_default();
            if !(1..=15).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_digit()) {
                return wrong(Status::E164ResourceIdNeeded, "an E.164 number such as +14255550100");
            }
        }
        _ if !crate::directory::mail_address::is_mail_address(bare) => {
            return wrong(Status::SipResourceIdNeeded, "a SIP address such as tony@contoso.com");
        }
        _ => {}
    }
    Ok(UmAddress {
        dial_plan_guid: plan.guid.clone(),
        address: bare.into(),
        kind: if is_e164 { AddressKind::E164 } else { AddressKind::SipName },
        guid: guid.clone(),
        is_primary: false,
    })
}

/// Checks a mailbox's whole list against the plans and the other mailboxes.
pub(crate) fn check_addresses(tx: &Tx<'_>, guid: &RecipientGuid, addresses: &[UmAddress]) -> Result<()> {
    let mut plans: Vec<_> = addresses.iter().map(|a| &a.dial_plan_guid).collect();
    plans.sort_unstable();
    plans.dedup();
    if plans.len() > MOST_PLANS {
        return Err(Error::new(
            Status::InvalidExtension,
            format!("A mailbox can have numbers in {MOST_PLANS} dial plans at the most. Nothing was changed."),
        ));
    }
    for (at, a) in addresses.iter().enumerate() {
        let twice = addresses[..at]
            .iter()
            .any(|b| b.dial_plan_guid == a.dial_plan_guid && b.address.to_lowercase() == a.address.to_lowercase());
        let taken = tx.um_addresses_by_key(&a.address, Some(&a.dial_plan_guid))?.into_iter().find(|b| b.guid != *guid);
        if twice || taken.is_some() {
            let plan = tx.dial_plan(&a.dial_plan_guid)?.map(|p| p.name).unwrap_or_default();
            let holder = match taken {
                Some(other) => tx.recipient(&other.guid)?.map(|r| r.primary_smtp_address).unwrap_or_default(),
                None => "this mailbox, twice".into(),
            };
            return Err(Error::new(
                Status::ExtensionNotUnique,
                format!(
                    "The address '{}' is not unique in the UM dial plan '{plan}': it belongs to {holder}. Nothing was \
                     changed.",
                    a.address
                ),
            )
            .about(a.address.clone()));
        }
    }
    Ok(())
}

/// A mailbox's list after EUM proxy addresses came and went (Set-Mailbox -EmailAddresses). The primary stays unless it
/// is taken out by name, and then the first extension left in its plan takes its place.
pub(crate) fn edited_addresses(
    session: &Session,
    tx: &Tx<'_>,
    guid: &RecipientGuid,
    now: &[UmAddress],
    wanted: &[(String, String, bool)],
) -> Result<Vec<UmAddress>> {
    let mut list: Vec<UmAddress> = Vec::new();
    for (number, plan_name, primary) in wanted {
        let plan = lookup::dial_plan(session, tx, plan_name, "")?;
        let known = now
            .iter()
            .find(|a| a.dial_plan_guid == plan.guid && a.address.to_lowercase() == number.to_lowercase())
            .cloned();
        let mut address = match known {
            Some(known) => known,
            None if plan.uri_type != UriType::TelExtn && !number.bytes().all(|b| b.is_ascii_digit()) => {
                resource_address(&plan, guid, number)?
            }
            None => extension_address(&plan, guid, number)?,
        };
        address.is_primary = *primary;
        list.push(address);
    }
    // Exactly one primary, in the plan of the mailbox's policy: the old one if it is still there.
    let kept = now
        .iter()
        .find(|a| a.is_primary)
        .and_then(|old| list.iter().position(|a| a.dial_plan_guid == old.dial_plan_guid && a.address == old.address));
    let home = now.iter().find(|a| a.is_primary).map(|a| a.dial_plan_guid.clone());
    let chosen = list
        .iter()
        .position(|a| a.is_primary && Some(&a.dial_plan_guid) == home.as_ref())
        .or(kept)
        .or_else(|| list.iter().position(|a| Some(&a.dial_plan_guid) == home.as_ref()));
    for (at, a) in list.iter_mut().enumerate() {
        a.is_primary = Some(at) == chosen;
    }
    if chosen.is_none() {
        return Err(Error::new(
            Status::InvalidExtension,
            "A UM-enabled mailbox keeps at least one number in its policy's dial plan. Nothing was changed. Disable it \
             with Disable-UMMailbox, or add another number first.",
        ));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::DialPlanGuid;

    #[test]
    fn a_sip_address_or_an_e164_number_that_is_none_is_refused() {
        let g = RecipientGuid::known("g");
        let plan = |uri_type| DialPlan {
            guid: DialPlanGuid::known("p"),
            name: "Plan".into(),
            digits: 5,
            uri_type,
            settings: "{}".into(),
            when_created: 0,
            when_changed: 0,
        };
        for (text, bare) in [("sip:tony@contoso.com", "tony@contoso.com"), ("SIP:tony@contoso.com", "tony@contoso.com")]
        {
            let address = resource_address(&plan(UriType::SipName), &g, text).unwrap();
            assert_eq!((address.address.as_str(), address.kind), (bare, AddressKind::SipName));
        }
        for bad in ["tony", "sip:tony", "tony@", "@contoso.com", "a b@contoso.com", "+14255550100", ""] {
            assert_eq!(
                resource_address(&plan(UriType::SipName), &g, bad).unwrap_err().status,
                Status::SipResourceIdNeeded,
                "{bad}"
            );
        }
        assert_eq!(resource_address(&plan(UriType::E164), &g, "+14255550100").unwrap().kind, AddressKind::E164);
        for bad in ["14255550100", "+", "+1425555010012345", "+1425a", "tony@contoso.com"] {
            assert_eq!(
                resource_address(&plan(UriType::E164), &g, bad).unwrap_err().status,
                Status::E164ResourceIdNeeded,
                "{bad}"
            );
        }
    }

    #[test]
    fn eum_proxies_round_trip() {
        let a = UmAddress {
            dial_plan_guid: DialPlanGuid::known("p"),
            address: "51234".into(),
            kind: AddressKind::Extension,
            guid: RecipientGuid::known("g"),
            is_primary: true,
        };
        assert_eq!(proxy_address_text(&a, "My Plan"), "EUM:51234;phone-context=My Plan");
        assert_eq!(parse(&proxy_address_text(&a, "My Plan")), Some(("51234".into(), "My Plan".into(), true)));
        assert_eq!(parse("eum:5;Phone-Context=x"), Some(("5".into(), "x".into(), false)));
        for other in ["SMTP:a@b.c", "51234", "eum:51234"] {
            assert_eq!(parse(other), None);
        }
    }
}
