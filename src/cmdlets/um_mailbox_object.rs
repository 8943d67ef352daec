//! What Get-, Enable-, Disable- and Set-UMMailbox show of one mailbox. Order and names are those
//! of Exchange's own objects.

use crate::directory::numbers::AddressKind;
use serde_json::{Map, Value, json};

use crate::cmdlets::document::{date, guid};
use crate::directory::recipient::Recipient;
use crate::error::{Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::service::addresses;
use crate::service::telephone_settings::{DIAL_PLAN, MAILBOX, Settings};
use crate::store::Tx;

/// The object of one recipient, UM-enabled or not.
pub(crate) fn um_mailbox_object(tx: &Tx<'_>, recipient_guid: &RecipientGuid) -> Result<Value> {
    let recipient = tx
        .recipient(recipient_guid)?
        .ok_or_else(|| Error::new(Status::NotFound, "The recipient is gone.").about(recipient_guid.as_str()))?;
    recipient_object(tx, &recipient)
}

/// The same of a recipient that was read already.
pub(crate) fn recipient_object(tx: &Tx<'_>, r: &Recipient) -> Result<Value> {
    let mailbox = tx.um_mailbox(&r.guid)?;
    let policy = match mailbox.as_ref().and_then(|m| m.policy_guid.as_ref()) {
        Some(guid) => tx.policy(guid)?,
        None => None,
    };
    let plan = match &policy {
        Some(policy) => tx.dial_plan(&policy.dial_plan_guid)?,
        None => None,
    };
    let addresses = tx.um_addresses(&r.guid)?;
    let mut eum = Vec::new();
    for a in &addresses {
        let plan = tx.dial_plan(&a.dial_plan_guid)?.map(|p| p.name).unwrap_or_default();
        eum.push(addresses::proxy_address_text(a, &plan));
    }
    let all: Vec<String> = r.addresses.iter().map(|a| a.text()).chain(eum.iter().cloned()).collect();
    let of_kind = |wanted: &[AddressKind]| -> Vec<&str> {
        addresses.iter().filter(|a| wanted.contains(&a.kind)).map(|a| a.address.as_str()).collect()
    };
    let settings = mailbox.as_ref().map_or_else(|| Ok(Settings::new(MAILBOX)), Settings::of_mailbox)?;
    let plan_settings = plan.as_ref().map_or_else(|| Ok(Settings::new(DIAL_PLAN)), Settings::of_dial_plan)?;

    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.into(), value);
    };
    put("$type", json!("Microsoft.Exchange.Data.Directory.Management.UMMailbox"));
    put("DisplayName", json!(r.display_name));
    put("EmailAddresses", json!(all));
    put("UMAddresses", json!(eum));
    put("LegacyExchangeDN", json!(r.legacy_exchange_dn));
    put("LinkedMasterAccount", json!(r.linked_master_account));
    put("PrimarySmtpAddress", json!(r.primary_smtp_address));
    put("SamAccountName", json!(r.sam_account_name));
    put("ServerLegacyDN", json!(r.server_legacy_dn));
    put("ServerName", json!(r.server_name));
    put("UMDtmfMap", json!(dtmf_map(r)));
    put("UMEnabled", json!(policy.is_some()));
    let mut telephone = Map::new();
    settings.write_into(&mut telephone)?;
    // These two stand further down.
    let (late, early): (Vec<_>, Vec<_>) = telephone.into_iter().partition(|(name, _)| {
        ["CallAnsweringAudioCodec", "PhoneNumber", "AirSyncNumbers", "ImListMigrationCompleted"]
            .contains(&name.as_str())
    });
    let late: Map<String, Value> = late.into_iter().collect();
    for (name, value) in early {
        put(&name, value);
    }
    put("UMDialPlan", json!(plan.as_ref().map(|p| p.name.as_str())));
    put("UMMailboxPolicy", json!(policy.as_ref().map(|p| p.name.as_str())));
    put("Extensions", json!(of_kind(&[AddressKind::Extension])));
    put("CallAnsweringAudioCodec", late["CallAnsweringAudioCodec"].clone());
    put("SIPResourceIdentifier", json!(of_kind(&[AddressKind::SipName, AddressKind::E164]).first()));
    put("PhoneNumber", late["PhoneNumber"].clone());
    put("AccessTelephoneNumbers", json!(plan_settings.texts("AccessTelephoneNumbers")?));
    put("CallAnsweringRulesExtensions", json!([]));
    put("AirSyncNumbers", late["AirSyncNumbers"].clone());
    put("ImListMigrationCompleted", late["ImListMigrationCompleted"].clone());
    put("Name", json!(r.name));
    put("Guid", guid(&r.guid));
    put("Identity", json!(r.canonical_name));
    put("DistinguishedName", json!(r.distinguished_name));
    put("Alias", json!(r.alias));
    put("UserPrincipalName", json!(r.user_principal_name));
    put("FirstName", json!(r.first_name));
    put("LastName", json!(r.last_name));
    put("WhenChanged", date(mailbox.as_ref().map_or(r.when_changed, |m| m.when_changed.max(r.when_changed))));
    put("WhenCreated", date(r.when_created));
    Ok(Value::Object(out))
}

/// The keypad's digits for the names, as directory search by telephone uses them.
fn dtmf_map(r: &Recipient) -> Vec<String> {
    let digits = |text: &str| -> String {
        text.to_lowercase()
            .chars()
            .filter_map(|c| match c {
                'a'..='c' => Some('2'),
                'd'..='f' => Some('3'),
                'g'..='i' => Some('4'),
                'j'..='l' => Some('5'),
                'm'..='o' => Some('6'),
                'p'..='s' => Some('7'),
                't'..='v' => Some('8'),
                'w'..='z' => Some('9'),
                '0'..='9' => Some(c),
                _ => None,
            })
            .collect()
    };
    let mailbox = r.primary_smtp_address.split('@').next().unwrap_or_default();
    [
        ("emailAddress", mailbox.to_owned()),
        ("lastNameFirstName", format!("{}{}", r.last_name, r.first_name)),
        ("firstNameLastName", format!("{}{}", r.first_name, r.last_name)),
    ]
    .iter()
    .map(|(kind, text)| (kind, digits(text)))
    .filter(|(_, digits)| !digits.is_empty())
    .map(|(kind, digits)| format!("{kind}:{digits}"))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_mapped_to_the_keypads_digits() {
        let r = Recipient {
            primary_smtp_address: "abc-def.ghi@contoso.com".into(),
            first_name: "Jkl Mno".into(),
            last_name: "PqrsTuvWxyz09".into(),
            ..Recipient::default()
        };
        assert_eq!(
            dtmf_map(&r),
            [
                "emailAddress:222333444",
                "lastNameFirstName:7777888999909555666",
                "firstNameLastName:5556667777888999909"
            ]
        );
        assert!(dtmf_map(&Recipient::default()).is_empty());
    }
}
