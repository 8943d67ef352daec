//! Get-UMMailbox and Get-Mailbox: people by identity, ANR, filter or container, in pages.

use serde_json::{Map, Value, json};

use crate::cmdlets::cursor;
use crate::cmdlets::document::{Request, Response, date, guid};
use crate::cmdlets::mailbox_filter::{Search, Verdict};
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
use crate::store::search::{Passer, Place, Whom};

/// Exchange's default.
const DEFAULT_RESULT_SIZE: u64 = 1000;
/// People in one answer. (Few of everything in this crate's own tests, so that a small directory meets each end.)
const PAGE: usize = if cfg!(test) { 7 } else { 500 };
/// People looked at for one answer, so that no snapshot lasts long.
const LOOKED_AT: usize = if cfg!(test) { 11 } else { 20_000 };

/// In a cursor: everybody is walked over.
const WALK: &str = "walk";
/// In a cursor: an index finds the few.
const INDEX: &str = "index";
/// In a cursor: a walk found hardly anybody, so everybody is gone over at once.
const SCAN: &str = "scan";
/// A walk that shows fewer than this in one answer is followed by a scan, which takes as long as some ten answers.
const HARDLY_ANYBODY: usize = if cfg!(test) { 3 } else { 100 };
/// Where a scan finds no more than this, each one's place in the order is looked up, each of which may be a way to a
/// server and back; of more, everybody is gone over in order.
const FEW: usize = if cfg!(test) { 5 } else { 100 };

/// Which people a list is of, and how each is shown.
struct View {
    whom: Whom,
    show: fn(&Tx<'_>, &Recipient) -> Result<Value>,
}

impl View {
    fn is_of_enabled(&self) -> bool {
        self.whom == Whom::UmEnabled
    }
}

/// Get-UMMailbox. One that exists but is not UM-enabled is not found.
pub(crate) fn get_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    list(session, request, &View { whom: Whom::UmEnabled, show: um_mailbox_object::recipient_object })
}

/// Get-Mailbox of UMMailboxPin.ExchangeCompat.
pub(crate) fn get_mailbox(session: &Session, request: &Request) -> Result<Response> {
    list(session, request, &View { whom: Whom::Everybody, show: mailbox_object })
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
            Some(session.read(|tx| filter.clone().map_values(&|text| addresses::with_plan_name(tx, text)))?)
        }
    };
    let most = result_size(p, "returned")?;
    let of_this_kind = wants_user_mailboxes(p)?;
    if lookup.identity.is_some() {
        return session.read(|tx| {
            let recipient = lookup.recipient(session, tx)?;
            if view.is_of_enabled() && tx.um_mailbox(&recipient.guid)?.is_none_or(|m| !m.is_enabled()) {
                return Err(lookup.not_found(session, tx));
            }
            if !view.is_of_enabled() && recipient.primary_smtp_address.is_empty() {
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
    // How the list is gone through, how many were shown so far, number and sort key of the last one looked at.
    let (how, mut shown, after) = match request.after.as_deref() {
        None => ("", 0, None),
        Some(after) => {
            let [how, shown, id, key] = cursor::cursor_parts(after)?;
            let place = Place { key: key.to_owned(), id: cursor::cursor_number(id)? };
            (how, cursor::cursor_number(shown)?, Some(place))
        }
    };
    let container = identity::fold_case(&container);
    session.read(|tx| {
        let search = Search {
            filter: filter.as_ref(),
            anr: anr.as_deref(),
            container: &container,
            needs_smtp: !view.is_of_enabled(),
            policies: &tx.numbered_policies()?,
            plans: &tx.numbered_dial_plans()?,
        };
        let columns = search.columns();
        let mut page =
            Page { view, filter: filter.as_ref(), most, shown: &mut shown, looked_at: 0, last: None, more: false };
        let mut response = Response::default();
        let mut look = |passer: &Passer<'_>| page.look(tx, &search, &columns, passer, &mut response);
        // Once an index found too many, it would again.
        let candidates = if how == WALK || how == SCAN { None } else { search.candidates(tx)? };
        let scanned = if how == SCAN { search.scanned(tx, view.whom)? } else { None };
        let is_indexed = candidates.is_some();
        let (few, many) = match (candidates, scanned) {
            (Some(ids), _) => (Some(ids.into_iter().collect()), None),
            (None, Some(ids)) if ids.len() <= FEW => (Some(ids), None),
            (None, many) => (None, many),
        };
        match (few, many) {
            (Some(ids), _) => {
                let places = tx.places(&ids, order)?;
                let first = after.as_ref().map_or(0, |after| places.partition_point(|place| place <= after));
                for place in &places[first..] {
                    if !tx.visit(place, &columns, &mut look)? {
                        break;
                    }
                }
            }
            (None, Some(ids)) => {
                tx.places_among(order, after.as_ref(), &ids, |place| tx.visit(place, &columns, &mut look))?;
            }
            (None, None) => tx.walk(order, view.whom, after.as_ref(), &columns, &mut look)?,
        }
        let hardly_anybody = response.objects.len() < HARDLY_ANYBODY;
        let how = if is_indexed {
            INDEX
        } else if hardly_anybody {
            SCAN
        } else {
            WALK
        };
        response.next =
            page.last.filter(|_| page.more).map(|place| format!("{how} {} {} {}", page.shown, place.id, place.key));
        Ok(response)
    })
}

/// What one answer holds so far.
struct Page<'a> {
    view: &'a View,
    filter: Option<&'a Filter>,
    most: Option<u64>,
    /// In this answer and in those before it.
    shown: &'a mut u64,
    looked_at: usize,
    last: Option<Place>,
    /// Whether the list goes on behind `last`.
    more: bool,
}

impl Page<'_> {
    /// Adds a person who is in the list; false where the answer is complete.
    fn look(
        &mut self,
        tx: &Tx<'_>,
        search: &Search<'_>,
        columns: &[&str],
        passer: &Passer<'_>,
        response: &mut Response,
    ) -> Result<bool> {
        if self.looked_at == LOOKED_AT || response.objects.len() == PAGE {
            self.more = true;
            return Ok(false);
        }
        self.looked_at += 1;
        self.last = Some(passer.place.clone());
        if self.view.is_of_enabled() && passer.policy.is_none() {
            return Ok(true);
        }
        let verdict = search.is_shown(tx, columns, passer)?;
        if matches!(verdict, Verdict::No) {
            return Ok(true);
        }
        let Some(recipient) = tx.recipient_at(&passer.place)? else { return Ok(true) };
        let object = (self.view.show)(tx, &recipient)?;
        if let (Verdict::AskTheObject, Some(filter), Some(properties)) = (verdict, self.filter, object.as_object())
            && !filter.matches(properties)
        {
            return Ok(true);
        }
        if self.most.is_some_and(|most| *self.shown >= most) {
            response.warnings.push(Warning::from(
                "There are more results available than are currently displayed. To view them, increase the value for \
                 the ResultSize parameter."
                    .to_owned(),
            ));
            return Ok(false);
        }
        *self.shown += 1;
        response.objects.push(object);
        Ok(true)
    }
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
    if view.is_of_enabled() {
        names.extend(UM);
        names.extend(crate::cmdlets::settings::setting_names(crate::service::telephone_settings::MAILBOX));
    }
    names
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

/// The one container that a text names: by distinguished or canonical name, or by its own name alone. There is one
/// where somebody lies below it: containers come with the people in them.
fn unit(session: &Session, tx: &Tx<'_>, text: &str, lookup: &Lookup) -> Result<String> {
    let wanted = container(text)?;
    if tx.is_container(&wanted)? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::execute;
    use crate::directory::numbers::{AddressKind, UriType};
    use crate::directory::recipient::ProxyAddress;
    use crate::guid::{DialPlanGuid, PolicyGuid, RecipientGuid};
    use crate::pin::PinPolicy;
    use crate::session::{Cause, Mode};
    use crate::store::dial_plans::DialPlan;
    use crate::store::mailboxes::{UmAddress, UmMailbox};
    use crate::store::policies::Policy;
    use crate::support::Fixture;

    /// The same numbers at each run (xorshift), so that what fails once fails always.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % sides as u64) as usize
        }

        fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
            from[self.below(from.len())]
        }

        fn once_in(&mut self, times: usize) -> bool {
            self.below(times) == 0
        }

        /// Texts with all that folding, GUIDs, distinguished names and stars can make of them.
        fn text(&mut self) -> String {
            const PARTS: &[&str] = &[
                "Tony",
                "tony",
                "TONY",
                "Smith",
                " ",
                "  ",
                "Jos\u{e9}",
                "Jose\u{301}",
                "\u{3a3}",
                "\u{39f}\u{394}\u{39f}\u{3a3}",
                "\u{130}",
                "\u{212a}",
                "k",
                "ss",
                "\u{df}",
                "*",
                "/",
                "\\",
                "=",
                "CN=a , DC=b",
                "'",
                "\"",
                "5",
                "51",
                "0",
                "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
                "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}",
                "\u{10ffff}",
                "\u{d7ff}",
                "\u{65e5}\u{672c}",
                "a",
                "A",
                ";",
                ":",
                "@",
                ".",
                "smtp",
                "eum",
                "true",
                "%",
                "_",
                "[a-z]",
                "?",
                "\0",
                "\u{1e9e}",
                "J\u{30c}",
                "\u{1f0}",
                "\u{131}",
                "\u{301}",
                "\u{200d}",
                "\u{fb01}",
                "phone-context=",
            ];
            let parts = if self.once_in(6) { 0 } else { 1 + self.below(3) };
            (0..parts).map(|_| self.pick(PARTS)).collect()
        }

        fn name(&mut self) -> String {
            if self.once_in(3) {
                self.text()
            } else {
                self.pick(&["Tony Smith", "tony smith", "Tony", "Ann", "ann lee"]).into()
            }
        }
    }

    fn directory(dice: &mut Dice) -> (Fixture, Vec<RecipientGuid>) {
        let f = Fixture::new(PinPolicy::default(), 0);
        let mut people = Vec::new();
        f.session
            .change(Mode::Commit, &Cause::new("Test"), |c| {
                let mut plans = vec![c.tx.dial_plan_by_key("plan")?.unwrap()];
                let mut policies = vec![c.tx.policy_by_key("policy")?.unwrap()];
                for name in ["Sip \u{c9}", "sip e\u{301}x"] {
                    let plan = DialPlan {
                        guid: DialPlanGuid::random()?,
                        name: name.into(),
                        uri_type: UriType::SipName,
                        ..plans[0].clone()
                    };
                    let policy = Policy {
                        guid: PolicyGuid::random()?,
                        name: format!("{name} rules"),
                        dial_plan_guid: plan.guid.clone(),
                        ..policies[0].clone()
                    };
                    c.tx.put_dial_plan(&plan)?;
                    c.tx.put_policy(&policy)?;
                    plans.push(plan);
                    policies.push(policy);
                }
                for n in 0..24 {
                    let smtp = if dice.once_in(8) { String::new() } else { format!("{}@contoso.com", dice.text()) };
                    let mut addresses = Vec::new();
                    if !smtp.is_empty() {
                        addresses.push(ProxyAddress { prefix: "smtp".into(), address: smtp.clone(), is_primary: true });
                    }
                    for _ in 0..dice.below(3) {
                        let prefix = dice.pick(&["smtp", "sip", "x500", "eum"]).to_owned();
                        addresses.push(ProxyAddress { prefix, address: dice.text(), is_primary: dice.once_in(2) });
                    }
                    let r = Recipient {
                        guid: if dice.once_in(20) {
                            RecipientGuid::known(format!("6f9619ff-8b86-d011-b42d-{n:012}"))
                        } else {
                            RecipientGuid::random()?
                        },
                        name: dice.name(),
                        display_name: dice.name(),
                        first_name: dice.name(),
                        last_name: dice.name(),
                        alias: dice.name(),
                        sam_account_name: dice.name(),
                        user_principal_name: dice.text(),
                        primary_smtp_address: smtp,
                        legacy_exchange_dn: dice.text(),
                        distinguished_name: dice.pick(&["", "CN=a , DC=b", "CN=Tony,OU=Users,DC=contoso"]).into(),
                        canonical_name: match dice.below(4) {
                            0 => dice.text(),
                            1 => format!("contoso.com/USERS/{}", dice.name()),
                            _ => format!("contoso.com/Users/{}", dice.name()),
                        },
                        server_name: dice.pick(&["", "EX01", "ex02"]).into(),
                        server_legacy_dn: dice.pick(&["", "/cn=EX01", "/cn=ex02"]).into(),
                        addresses,
                        when_created: c.now,
                        when_changed: c.now,
                        ..Recipient::default()
                    };
                    c.tx.put_recipient(&r)?;
                    people.push(r.guid.clone());
                    if dice.once_in(5) {
                        continue;
                    }
                    let at = dice.below(3);
                    let enabled = !dice.once_in(6);
                    c.tx.put_um_mailbox(&UmMailbox {
                        guid: r.guid.clone(),
                        policy_guid: enabled.then(|| policies[at].guid.clone()),
                        settings: if dice.once_in(2) { "{}".into() } else { r#"{"OperatorNumber":"51"}"#.into() },
                        when_changed: c.now,
                    })?;
                    let number = |dice: &mut Dice, k: usize| UmAddress {
                        dial_plan_guid: plans[(at + k) % 3].guid.clone(),
                        address: if dice.once_in(2) { format!("{}{n}", dice.text()) } else { format!("51{n:03}") },
                        kind: AddressKind::ALL[dice.below(3)],
                        guid: r.guid.clone(),
                        is_primary: k == 0,
                    };
                    let numbers: Vec<UmAddress> = (0..dice.below(3)).map(|k| number(dice, k)).collect();
                    if enabled {
                        c.tx.set_um_addresses(&r.guid, &numbers)?;
                    }
                }
                // Somebody is changed, and somebody leaves: nothing of what they were called may stay.
                let mut changed = c.tx.recipient(&people[0])?.unwrap();
                changed.display_name = dice.name();
                changed.addresses.truncate(1);
                c.tx.put_recipient(&changed)?;
                c.tx.erase_um_mailbox(&people[1])?;
                c.tx.remove_recipient(&people.remove(1))
            })
            .unwrap();
        (f, people)
    }

    /// What stands in a property of somebody, whole or in part.
    fn value(dice: &mut Dice, objects: &[Value], property: &str) -> String {
        fn texts(value: &Value) -> Vec<String> {
            match value {
                Value::Null => Vec::new(),
                Value::String(text) => vec![text.clone()],
                Value::Array(all) => all.iter().flat_map(texts).collect(),
                Value::Object(all) => all.values().flat_map(texts).collect(),
                other => vec![other.to_string()],
            }
        }
        let somebodys = &objects[dice.below(objects.len())];
        let found = somebodys.as_object().unwrap().iter().find(|(name, _)| name.eq_ignore_ascii_case(property));
        let found = found.map(|(_, value)| texts(value)).unwrap_or_default();
        let whole =
            if found.is_empty() || dice.once_in(4) { dice.text() } else { found[dice.below(found.len())].clone() };
        let chars: Vec<char> = whole.chars().collect();
        let (from, to) = (dice.below(chars.len() + 1), dice.below(chars.len() + 1));
        match dice.below(6) {
            0 => format!("{}*", chars[..to].iter().collect::<String>()),
            1 => format!("*{}", chars[from..].iter().collect::<String>()),
            2 => format!("{}*{}", chars[..to].iter().collect::<String>(), chars[from..].iter().collect::<String>()),
            3 => whole.to_uppercase(),
            _ => whole,
        }
    }

    fn filter(dice: &mut Dice, objects: &[Value], properties: &[&str], depth: usize) -> String {
        if depth > 0 && dice.once_in(2) {
            let inside = filter(dice, objects, properties, depth - 1);
            return match dice.below(3) {
                0 => format!("-not ({inside})"),
                kind => {
                    let joined = if kind == 1 { "-and" } else { "-or" };
                    format!("({inside}) {joined} ({})", filter(dice, objects, properties, depth - 1))
                }
            };
        }
        const INDEXED: &[&str] = &[
            "Name",
            "DisplayName",
            "FirstName",
            "LastName",
            "Alias",
            "SamAccountName",
            "UserPrincipalName",
            "EmailAddresses",
            "PrimarySmtpAddress",
            "Identity",
            "DistinguishedName",
            "LegacyExchangeDN",
            "Guid",
            "UMMailboxPolicy",
            "UMDialPlan",
            "Extensions",
            "UMAddresses",
            "SIPResourceIdentifier",
        ];
        let property = if dice.once_in(4) { dice.pick(properties) } else { dice.pick(INDEXED) };
        let property = if properties.contains(&property) { property } else { "Name" };
        let operator = dice.pick(&["-eq", "-like", "-like", "-ne", "-notlike", "-gt", "-ge", "-lt", "-le"]);
        if dice.once_in(12) {
            return format!("{property} {operator} {}", dice.pick(&["$null", "$true", "$false"]));
        }
        format!("{property} {operator} '{}'", value(dice, objects, property).replace('\'', "''"))
    }

    fn listed(f: &Fixture, operation: &str, parameters: &Value) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let request = json!({"Parameters": parameters, "After": after}).to_string();
            let answer = execute(&f.session, operation, request.as_bytes(), None).unwrap();
            assert!(answer.objects.len() <= PAGE);
            found.extend(answer.objects.iter().map(|o| o["Guid"]["$guid"].as_str().unwrap().to_owned()));
            match answer.next {
                Some(next) => after = json!(next),
                None => return found,
            }
        }
    }

    /// Thousands of filters over random directories: what indexes and columns find is what looking at every object
    /// finds, in the same order, page by page.
    #[test]
    fn an_index_finds_what_looking_at_everybody_finds() {
        let full = std::env::var_os("UMPIN_TEST_SCALE").is_some_and(|scale| scale == "full");
        let (directories, filters) = if full { (60, 200) } else { (10, 200) };
        let mut found_some = 0;
        for seed in 1..=directories {
            let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (seed << 32));
            let (f, people) = directory(&mut dice);
            for _ in 0..filters {
                let only_enabled = !dice.once_in(3);
                let (operation, view) = if only_enabled {
                    ("Get-UMMailbox", View { whom: Whom::UmEnabled, show: um_mailbox_object::recipient_object })
                } else {
                    ("Get-Mailbox", View { whom: Whom::Everybody, show: mailbox_object })
                };
                let (column, sort_by) = [
                    ("canonical_name", ""),
                    ("name", "Name"),
                    ("display", "DisplayName"),
                    ("server", "ServerLegacyDN"),
                ][dice.below(4)];
                let everybody: Vec<(Recipient, Value)> = f
                    .session
                    .read(|tx| {
                        let mut all = Vec::new();
                        for guid in &people {
                            let r = tx.recipient(guid)?.unwrap();
                            let enabled = tx.um_mailbox(guid)?.is_some_and(|m| m.is_enabled());
                            if if only_enabled { enabled } else { !r.primary_smtp_address.is_empty() } {
                                let object = (view.show)(tx, &r)?;
                                all.push((r, object));
                            }
                        }
                        all.sort_by_key(|(r, _)| match column {
                            "canonical_name" => identity::fold(&r.canonical_name),
                            "name" => identity::fold(&r.name),
                            "display" => identity::fold(&r.display_name),
                            _ => r.server_legacy_dn.clone(),
                        });
                        Ok(all)
                    })
                    .unwrap();
                let objects: Vec<Value> = everybody.iter().map(|(_, object)| object.clone()).collect();
                let properties = property_names(&view);
                let text = filter(&mut dice, &objects, &properties, 3);
                let mut parameters = json!({"Filter": text, "ResultSize": "Unlimited"});
                if !sort_by.is_empty() {
                    parameters["SortBy"] = json!(sort_by);
                }
                let mut anr = None;
                if dice.once_in(3) {
                    let wanted = value(&mut dice, &objects, dice_property(seed)).replace('*', "");
                    parameters["Anr"] = json!(wanted);
                    anr = Some(identity::fold_case(wanted.trim()));
                }
                if dice.once_in(2) {
                    parameters.as_object_mut().unwrap().remove("Filter");
                }
                let container = if dice.once_in(4) { "contoso.com/users/" } else { "" };
                if !container.is_empty() {
                    parameters["OrganizationalUnit"] = json!("contoso.com/users");
                }
                let parsed = Filter::parse(&text, &properties).unwrap();
                let parsed =
                    f.session.read(|tx| parsed.clone().map_values(&|t| addresses::with_plan_name(tx, t))).unwrap();
                let expected: Vec<String> = everybody
                    .iter()
                    .filter(|(r, object)| {
                        let begins = |wanted: &String| {
                            [&r.name, &r.display_name, &r.first_name, &r.last_name, &r.alias]
                                .iter()
                                .any(|t| identity::fold_case(t).starts_with(wanted))
                        };
                        (parameters.get("Filter").is_none() || parsed.matches(object.as_object().unwrap()))
                            && anr.as_ref().is_none_or(begins)
                            && lies_within(&r.canonical_name, container)
                    })
                    .map(|(r, _)| r.guid.to_string())
                    .collect();
                assert_eq!(listed(&f, operation, &parameters), expected, "directory {seed}, {operation} {parameters}");
                found_some += usize::from(!expected.is_empty() && expected.len() < everybody.len());
            }
        }
        assert!(found_some > directories as usize * filters / 5, "{found_some} found some and not all");
    }

    fn dice_property(seed: u64) -> &'static str {
        ["Name", "DisplayName", "FirstName", "LastName", "Alias"][seed as usize % 5]
    }
}
