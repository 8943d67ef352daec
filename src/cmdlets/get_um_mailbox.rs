//! Get-UMMailbox and Get-Mailbox: people by identity, ANR, filter or container, in pages.

use serde_json::{Map, Value, json};

use crate::cmdlets::cursor;
use crate::cmdlets::document::{Request, Response, date, guid};
use crate::cmdlets::parameters::{Parameters, Unlimited};
use crate::cmdlets::um_mailbox_object;
use crate::directory::identity;
use crate::directory::list_edit::ListEdit;
use crate::directory::opath::Filter;
use crate::directory::recipient::Recipient;
use crate::error::{Error, Result, Status, Warning};
use crate::service::addresses;
use crate::service::lookup::{Lookup, ambiguous, lies_within, not_found};
use crate::session::Session;
use crate::store::Tx;
use crate::store::recipients::Order;

/// Exchange's default.
const DEFAULT_RESULT_SIZE: u64 = 1000;
/// People looked at for one answer.
const PAGE: usize = 500;

/// Which people a list is of, and how each is shown.
struct View {
    only_enabled: bool,
    show: fn(&Tx<'_>, &Recipient) -> Result<Value>,
}

/// Get-UMMailbox. One that exists but is not UM-enabled is not found.
pub(crate) fn get_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    list(session, request, &View { only_enabled: true, show: um_mailbox_object::recipient_object })
}

/// Get-Mailbox of UMMailboxPin.ExchangeCompat.
pub(crate) fn get_mailbox(session: &Session, request: &Request) -> Result<Response> {
    list(session, request, &View { only_enabled: false, show: mailbox_object })
}

fn list(session: &Session, request: &Request, view: &View) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[
        "Anr",
        "Filter",
        "SortBy",
        "OrganizationalUnit",
        "ResultSize",
        "ReadFromDomainController",
        "Credential",
        "Organization",
        "RecipientTypeDetails",
    ])?;
    let lookup = p.lookup()?;
    let filter = match p.text("Filter")? {
        None => None,
        Some(text) => {
            let filter = Filter::parse(&text, &property_names(view))?;
            // The objects name a plan by its name alone.
            Some(session.read(|tx| filter.map_values(&|text| addresses::with_plan_name(tx, text)))?)
        }
    };
    let most = result_size(p, "returned")?;
    let of_this_kind = wants_user_mailboxes(p)?;
    if lookup.identity.is_some() {
        return session.read(|tx| {
            let recipient = lookup.recipient(session, tx)?;
            if view.only_enabled && tx.um_mailbox(&recipient.guid)?.is_none_or(|m| !m.is_enabled()) {
                return Err(lookup.not_found(session, tx));
            }
            if !view.only_enabled && recipient.primary_smtp_address.is_empty() {
                return Err(lookup.not_found(session, tx));
            }
            let object = (view.show)(tx, &recipient)?;
            // Exchange looks the identity up among what the filter lets through.
            let passes = match (&filter, object.as_object()) {
                (Some(filter), Some(properties)) => filter.matches(properties),
                _ => true,
            };
            if !passes || !of_this_kind {
                return Err(lookup.not_found(session, tx));
            }
            Ok(Response::with_object(object))
        });
    }
    if !of_this_kind {
        return Ok(Response::default());
    }
    let anr = p.text("Anr")?.map(|text| identity::fold_case(text.trim()));
    let order = order(p)?;
    let container = match p.text("OrganizationalUnit")? {
        None => lookup.container(session),
        Some(text) => {
            let container = session.read(|tx| unit(session, tx, &text, &lookup))?;
            if !lies_within(&container, &lookup.container(session)) {
                return Err(Error::new(
                    Status::NotFound,
                    format!("The organizational unit '{text}' isn't within the session's recipient scope."),
                ));
            }
            container
        }
    };
    // "shown so far, GUID, sort key" of the last one looked at.
    let [shown, after_guid, after_key] = match request.after.as_deref() {
        None => ["0", "", ""],
        Some(after) => cursor::cursor_parts(after)?,
    };
    let mut shown: u64 = cursor::cursor_number(shown)?;
    session.read(|tx| {
        let mut response = Response::default();
        let page = tx.recipient_page(order, view.only_enabled, &container, (after_key, after_guid), PAGE)?;
        for (_, guid) in &page {
            let Some(recipient) = tx.recipient(guid)? else { continue };
            if !view.only_enabled && recipient.primary_smtp_address.is_empty() {
                continue;
            }
            if anr.as_ref().is_some_and(|wanted| !matches_anr(&recipient, wanted)) {
                continue;
            }
            let object = (view.show)(tx, &recipient)?;
            if let (Some(filter), Some(properties)) = (&filter, object.as_object())
                && !filter.matches(properties)
            {
                continue;
            }
            if most.is_some_and(|most| shown >= most) {
                response.warnings.push(Warning::from(
                    "There are more results available than are currently displayed. To view them, increase the value for the \
                     ResultSize parameter."
                        .to_owned(),
                ));
                return Ok(response);
            }
            shown += 1;
            response.objects.push(object);
        }
        response.next = match page.last() {
            Some((key, guid)) if page.len() == PAGE => Some(format!("{shown} {guid} {key}")),
            _ => None,
        };
        Ok(response)
    })
}

/// What -Filter may name: every property of the output.
fn property_names(view: &View) -> Vec<&'static str> {
    const MAILBOX: &[&str] = &[
        "Name",
        "Alias",
        "DisplayName",
        "PrimarySmtpAddress",
        "EmailAddresses",
        "UMEnabled",
        "Identity",
        "DistinguishedName",
        "Guid",
        "SamAccountName",
        "UserPrincipalName",
        "LegacyExchangeDN",
        "RecipientType",
        "RecipientTypeDetails",
        "ServerName",
        "UMDtmfMap",
        "WindowsEmailAddress",
        "LinkedMasterAccount",
        "WhenCreated",
        "WhenChanged",
    ];
    const UM: &[&str] = &[
        "UMAddresses",
        "ServerLegacyDN",
        "UMDialPlan",
        "UMMailboxPolicy",
        "Extensions",
        "SIPResourceIdentifier",
        "AccessTelephoneNumbers",
        "FirstName",
        "LastName",
    ];
    let mut names = MAILBOX.to_vec();
    if view.only_enabled {
        names.extend(UM);
        names.extend(crate::cmdlets::settings::setting_names(crate::service::telephone_settings::MAILBOX));
    }
    names
}

/// CN, DisplayName, FirstName, LastName and Alias, from their beginnings.
fn matches_anr(r: &Recipient, wanted: &str) -> bool {
    [&r.name, &r.display_name, &r.first_name, &r.last_name, &r.alias]
        .iter()
        .any(|t| identity::fold_case(t).starts_with(wanted))
}

/// How many to show; `None` is all of them. `done` says what did not happen where it is no such number.
pub(crate) fn result_size(p: &Parameters, done: &str) -> Result<Option<u64>> {
    match p.unlimited("ResultSize")? {
        None => Ok(Some(DEFAULT_RESULT_SIZE)),
        Some(Unlimited::Unlimited) => Ok(None),
        Some(Unlimited::Limited(n)) => u64::try_from(n).ok().filter(|n| *n > 0).map(Some).ok_or_else(|| {
            Error::new(
                Status::InvalidArgument,
                format!("-ResultSize {n} is not a positive number or Unlimited. Nothing was {done}."),
            )
        }),
    }
}

/// Whether -RecipientTypeDetails, where it is given, asks for what every mailbox here is.
fn wants_user_mailboxes(p: &Parameters) -> Result<bool> {
    const OURS: &str = "UserMailbox";
    const OTHERS: &[&str] = &[
        "DiscoveryMailbox",
        "EquipmentMailbox",
        "GroupMailbox",
        "LegacyMailbox",
        "LinkedMailbox",
        "LinkedRoomMailbox",
        "RoomMailbox",
        "SchedulingMailbox",
        "SharedMailbox",
        "TeamMailbox",
    ];
    let kinds = match p.list("RecipientTypeDetails")? {
        Some(ListEdit::Replace(kinds)) if !kinds.is_empty() => kinds,
        _ => return Ok(true),
    };
    let mut ours = false;
    // PowerShell's enumerations take several words in one text.
    for kind in kinds.iter().flat_map(|k| k.split(',')).map(str::trim) {
        if kind.eq_ignore_ascii_case(OURS) {
            ours = true;
        } else if !OTHERS.iter().any(|other| kind.eq_ignore_ascii_case(other)) {
            return Err(Error::new(
                Status::InvalidArgument,
                format!(
                    "-RecipientTypeDetails '{kind}' is no kind of mailbox. Nothing was returned. All here are {OURS}."
                ),
            ));
        }
    }
    Ok(ours)
}

fn order(p: &Parameters) -> Result<Order> {
    match p.text("SortBy")?.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("") => Ok(Order::default()),
        Some("name") => Ok(Order::Name),
        Some("displayname") => Ok(Order::DisplayName),
        Some("serverlegacydn") => Ok(Order::ServerLegacyDn),
        Some(other) => Err(Error::new(
            Status::InvalidArgument,
            format!("-SortBy '{other}' is none of Name, DisplayName and ServerLegacyDN. Nothing was returned."),
        )),
    }
}

/// The one container that a text names: by distinguished or canonical name, or by its own name alone. There is one where
/// somebody lies below it: containers come with the people in them.
fn unit(session: &Session, tx: &Tx<'_>, text: &str, lookup: &Lookup) -> Result<String> {
    let wanted = container(text)?;
    if !tx.recipient_page(Order::CanonicalName, false, &wanted, ("", ""), 1)?.is_empty() {
        return Ok(wanted);
    }
    let wanted = identity::fold_case(&wanted);
    let mut found: Vec<String> = Vec::new();
    for below in tx.containers()? {
        let folded = identity::fold_case(&below);
        if folded == wanted {
            return Ok(below);
        }
        let named =
            folded.strip_suffix(&wanted).is_some_and(|before| before.ends_with('/') && !before.ends_with("\\/"));
        if named
            && !wanted.trim_end_matches('/').contains('/')
            && !found.iter().any(|f| identity::fold_case(f) == folded)
        {
            found.push(below);
        }
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(not_found(session, tx, text.trim(), &lookup.domain_controller)),
        (Some(_), Some(_)) => Err(ambiguous(text.trim())),
    }
}

/// A container as its canonical name with a slash behind it, from either spelling.
pub(crate) fn container(text: &str) -> Result<String> {
    let text = identity::validate(text)?.trim();
    let canonical =
        if identity::looks_like_distinguished_name(text) { identity::canonical_name(text) } else { text.to_owned() };
    Ok(format!("{}/", canonical.trim_end_matches('/')))
}

fn mailbox_object(tx: &Tx<'_>, r: &Recipient) -> Result<Value> {
    let um = um_mailbox_object::recipient_object(tx, r)?;
    let mut out = Map::new();
    out.insert("$type".into(), json!("Microsoft.Exchange.Data.Directory.Management.Mailbox"));
    for name in ["Name", "Alias", "DisplayName", "PrimarySmtpAddress", "EmailAddresses", "UMEnabled", "ServerName"] {
        out.insert(name.into(), um[name].clone());
    }
    out.insert("UMDtmfMap".into(), um["UMDtmfMap"].clone());
    out.insert("WindowsEmailAddress".into(), um["PrimarySmtpAddress"].clone());
    out.insert("RecipientType".into(), json!("UserMailbox"));
    out.insert("RecipientTypeDetails".into(), json!("UserMailbox"));
    for (name, text) in [
        ("SamAccountName", &r.sam_account_name),
        ("UserPrincipalName", &r.user_principal_name),
        ("LegacyExchangeDN", &r.legacy_exchange_dn),
        ("LinkedMasterAccount", &r.linked_master_account),
        ("DistinguishedName", &r.distinguished_name),
        ("Identity", &r.canonical_name),
    ] {
        out.insert(name.into(), json!(text));
    }
    out.insert("Guid".into(), guid(&r.guid));
    out.insert("WhenCreated".into(), date(r.when_created));
    out.insert("WhenChanged".into(), date(r.when_changed));
    Ok(Value::Object(out))
}
