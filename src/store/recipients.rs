//! People of the directory: the texts that name them, their addresses.

use std::collections::BTreeMap;

use super::Tx;
use super::columns::guid_bytes;
use super::engine::{Row, Value, params, params_of};
use super::search::Whom;
use super::statements::Statements;
use crate::directory::identity::{self, fold, fold_case, folds_by_case_alone};
use crate::directory::recipient::{ProxyAddress, Recipient};
use crate::error::Result;
use crate::guid::RecipientGuid;

/// Of a person's row, as [`recipient`] reads them.
const COLUMNS: &str = "guid, name, display_name, first_name, last_name, alias, sam_account_name, \
    user_principal_name, primary_smtp_address, legacy_exchange_dn, distinguished_name, canonical_name, phone, \
    linked_master_account, server_name, server_legacy_dn, language, netbios_domain, when_created, when_changed";

/// The number of the person whose GUID is the statement's first parameter; null where there is none.
pub(super) const HIS_ID: &str = "(SELECT id FROM recipient WHERE guid = ?1)";
/// The same for a new row: nobody has the number 0, so that one about nobody is refused and never given a number.
pub(super) const HIS_ID_OR_NOBODYS: &str = "COALESCE((SELECT id FROM recipient WHERE guid = ?1), 0)";

/// A person as the store has one.
pub(crate) struct Stored {
    id: i64,
    /// The person, with addresses.
    pub recipient: Recipient,
}

/// Where in `recipient_key` a text stands: texts of one kind lie together, so that a beginning finds no others.
pub(super) mod space {
    /// Names, aliases, account names, mail addresses.
    pub(in crate::store) const WORDS: i64 = 0;
    /// Canonical names, in the order in which lists show people.
    pub(in crate::store) const CANONICAL: i64 = 1;
    /// Distinguished names, legacy DNs, accounts with their domain.
    pub(in crate::store) const PATHS: i64 = 2;
    /// Proxy addresses of other kinds than SMTP, with their prefix.
    pub(in crate::store) const ADDRESSES: i64 = 3;
}

/// Which of a person's texts an entry is; one entry can be several.
pub(super) mod form {
    pub(in crate::store) const DISTINGUISHED_NAME: i64 = 1;
    pub(in crate::store) const CANONICAL: i64 = 1 << 1;
    pub(in crate::store) const UPN: i64 = 1 << 2;
    pub(in crate::store) const LEGACY: i64 = 1 << 3;
    pub(in crate::store) const ALIAS: i64 = 1 << 4;
    pub(in crate::store) const SAM: i64 = 1 << 5;
    pub(in crate::store) const NAME: i64 = 1 << 6;
    pub(in crate::store) const DISPLAY: i64 = 1 << 7;
    pub(in crate::store) const SMTP: i64 = 1 << 8;
    pub(in crate::store) const ACCOUNT: i64 = 1 << 9;
    /// Those above name a person; those below only help filters to find one.
    pub(in crate::store) const NAMES_A_PERSON: i64 = (1 << 10) - 1;
    pub(in crate::store) const FIRST: i64 = 1 << 10;
    pub(in crate::store) const LAST: i64 = 1 << 11;
    /// A text that look-ups fold further than filters do: a distinguished name, a GUID in braces, blanks at the ends.
    pub(in crate::store) const AS_SPELLED: i64 = 1 << 12;
    pub(in crate::store) const ADDRESS: i64 = 1 << 13;
    /// What Tab offers.
    pub(in crate::store) const OFFERED: i64 = ALIAS | SMTP | NAME | DISPLAY | SAM | UPN;
}

/// The entries of a person in `recipient_key`: space and text, and the forms that this text is.
pub(super) type Entries = BTreeMap<(i64, String), i64>;

/// Every entry of a person. Derived from the person's row alone, so that what was stored can be told from it.
pub(super) fn entries(r: &Recipient) -> Entries {
    let mut entries = Entries::new();
    let mut add = |space: i64, key: String, form: i64| *entries.entry((space, key)).or_default() |= form;
    for (name, key) in identity::keys(r) {
        let Some((space, form)) = form_named(name) else { continue };
        // A text without any mark of a path is looked for among the words alone.
        if space != space::WORDS && !is_path(&key) {
            add(space::WORDS, key.clone(), form);
        }
        add(space, key, form);
    }
    // Lists walk over these, so everybody has one of each.
    for (space, form, text) in [
        (space::CANONICAL, form::CANONICAL, &r.canonical_name),
        (space::WORDS, form::NAME, &r.name),
        (space::WORDS, form::DISPLAY, &r.display_name),
    ] {
        if text.trim().is_empty() {
            add(space, String::new(), form);
        }
    }
    for (form, text) in [(form::FIRST, &r.first_name), (form::LAST, &r.last_name)] {
        if !text.is_empty() {
            add(space::WORDS, fold_case(text), form);
        }
    }
    let words = [
        &r.name,
        &r.display_name,
        &r.alias,
        &r.sam_account_name,
        &r.user_principal_name,
        &r.primary_smtp_address,
        &r.first_name,
        &r.last_name,
    ];
    let addresses = r.addresses.iter().filter(|a| a.prefix == "smtp").map(|a| &a.address);
    let words = words.into_iter().chain(addresses).map(|text| (space::WORDS, text));
    let paths = [
        (space::CANONICAL, &r.canonical_name),
        (space::PATHS, &r.distinguished_name),
        (space::PATHS, &r.legacy_exchange_dn),
    ];
    for (space, text) in words.chain(paths) {
        if text.is_empty() || folds_by_case_alone(text) {
            continue;
        }
        let spelled = fold_case(text);
        if spelled != fold(text) {
            add(space, spelled, form::AS_SPELLED);
        }
    }
    for a in r.addresses.iter().filter(|a| a.prefix != "smtp") {
        add(space::ADDRESSES, fold_case(&a.text()), form::ADDRESS);
    }
    entries
}

/// Where a form of [`identity::keys`] stands; a GUID is found in the person's own row.
fn form_named(name: &str) -> Option<(i64, i64)> {
    Some(match name {
        identity::DISTINGUISHED_NAME => (space::PATHS, form::DISTINGUISHED_NAME),
        "canonical" => (space::CANONICAL, form::CANONICAL),
        "upn" => (space::WORDS, form::UPN),
        "legacy" => (space::PATHS, form::LEGACY),
        "alias" => (space::WORDS, form::ALIAS),
        "sam" => (space::WORDS, form::SAM),
        "name" => (space::WORDS, form::NAME),
        "display" => (space::WORDS, form::DISPLAY),
        "smtp" => (space::WORDS, form::SMTP),
        "account" => (space::PATHS, form::ACCOUNT),
        _ => return None,
    })
}

/// By what a folded text can name a person.
#[derive(Clone, Copy)]
pub(super) enum Naming {
    /// By an entry among the words: almost always, and one look finds it.
    Word,
    /// By an entry there or among the paths.
    Path,
    /// By the GUID, or by an entry that looks like one.
    Guid,
}

impl Naming {
    /// People `r` whom the text names, as what stands behind FROM. One whom it names in two ways comes twice.
    pub(super) const fn people(self) -> &'static str {
        match self {
            Naming::Word => {
                "recipient_key k JOIN recipient r ON r.id = k.recipient_id \
                 WHERE k.space IN (0) AND k.key = ?1 AND (k.forms & ?2) <> 0"
            }
            Naming::Path => {
                "recipient_key k JOIN recipient r ON r.id = k.recipient_id \
                 WHERE k.space IN (0, 1, 2) AND k.key = ?1 AND (k.forms & ?2) <> 0"
            }
            Naming::Guid => {
                "recipient r WHERE r.guid = ?3 OR r.id IN (SELECT k.recipient_id FROM recipient_key k \
                 WHERE k.space IN (0) AND k.key = ?1 AND (k.forms & ?2) <> 0)"
            }
        }
    }
}

/// How a folded text is looked for, and the statement's parameters.
pub(super) fn named_by<'k>(key: &'k str, form: Option<&str>) -> (Naming, Vec<Value<'k>>) {
    let forms = form.map_or(form::NAMES_A_PERSON, |form| form_named(form).map_or(0, |(_, form)| form));
    let mut parameters = vec![Value::Text(key.into()), Value::Integer(forms)];
    if is_path(key) {
        return (Naming::Path, parameters);
    }
    if form.is_none() && uuid::Uuid::try_parse(key).is_ok() {
        parameters.push(Value::Blob(guid_bytes(key).into()));
        return (Naming::Guid, parameters);
    }
    (Naming::Word, parameters)
}

fn is_path(key: &str) -> bool {
    key.contains(['/', '\\', '='])
}

/// Somebody without addresses, from [`COLUMNS`] behind what was read of the row before.
pub(super) fn recipient(r: &Row<'_>) -> Result<Recipient> {
    Ok(Recipient {
        guid: r.next("guid")?,
        name: r.next("name")?,
        display_name: r.next("display_name")?,
        first_name: r.next("first_name")?,
        last_name: r.next("last_name")?,
        alias: r.next("alias")?,
        sam_account_name: r.next("sam_account_name")?,
        user_principal_name: r.next("user_principal_name")?,
        primary_smtp_address: r.next("primary_smtp_address")?,
        legacy_exchange_dn: r.next("legacy_exchange_dn")?,
        distinguished_name: r.next("distinguished_name")?,
        canonical_name: r.next("canonical_name")?,
        phone: r.next("phone")?,
        linked_master_account: r.next("linked_master_account")?,
        server_name: r.next("server_name")?,
        server_legacy_dn: r.next("server_legacy_dn")?,
        language: r.next("language")?,
        netbios_domain: r.next("netbios_domain")?,
        when_created: r.next("when_created")?,
        when_changed: r.next("when_changed")?,
        addresses: Vec::new(),
    })
}

/// A person's proxy addresses, in order.
pub(super) fn proxy_addresses(on: &impl Statements, id: i64) -> Result<Vec<ProxyAddress>> {
    on.query_all(
        "SELECT prefix, address, is_primary FROM proxy_address WHERE recipient_id = ?1 ORDER BY position",
        params![id],
        |r| Ok(ProxyAddress { prefix: r.get("prefix")?, address: r.get("address")?, is_primary: r.get("is_primary")? }),
    )
}

impl Tx<'_> {
    /// Everyone whom the folded text `key` names, each once: GUID and canonical name. `form` narrows to one form.
    pub fn recipients_by_key(&self, key: &str, form: Option<&str>) -> Result<Vec<(RecipientGuid, String)>> {
        let (naming, parameters) = named_by(key, form);
        let statement = format!("SELECT r.guid, r.canonical_name FROM {}", naming.people());
        let mut found: Vec<(RecipientGuid, String)> =
            self.query_all(&statement, &params_of(&parameters), |r| Ok((r.get("guid")?, r.get("canonical_name")?)))?;
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        Ok(found)
    }

    /// One person with addresses.
    pub fn recipient(&self, guid: &RecipientGuid) -> Result<Option<Recipient>> {
        Ok(self.stored_recipient(guid)?.map(|stored| stored.recipient))
    }

    /// The same with what [`Self::replace_recipient`] needs.
    pub(crate) fn stored_recipient(&self, guid: &RecipientGuid) -> Result<Option<Stored>> {
        let found =
            self.query_optional(&format!("SELECT id, {COLUMNS} FROM recipient WHERE guid = ?1"), params![guid], |r| {
                Ok((r.get("id")?, recipient(r)?))
            })?;
        found.map(|(id, found)| Ok(Stored { id, recipient: self.with_addresses(id, found)? })).transpose()
    }

    /// The same by number.
    pub(super) fn recipient_by_id(&self, id: i64) -> Result<Option<Recipient>> {
        let found =
            self.query_optional(&format!("SELECT {COLUMNS} FROM recipient WHERE id = ?1"), params![id], recipient)?;
        found.map(|found| self.with_addresses(id, found)).transpose()
    }

    fn with_addresses(&self, id: i64, found: Recipient) -> Result<Recipient> {
        Ok(Recipient { addresses: proxy_addresses(self, id)?, ..found })
    }

    /// Adds a person or replaces all that is known of one; the keys and addresses follow.
    pub fn put_recipient(&self, r: &Recipient) -> Result<()> {
        self.replace_recipient(self.stored_recipient(&r.guid)?.as_ref(), r)
    }

    /// The same where this transaction has seen already whom the store has.
    pub(crate) fn replace_recipient(&self, old: Option<&Stored>, r: &Recipient) -> Result<()> {
        self.execute(
            &format!(
                "INSERT INTO recipient ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
                 ?14, ?15, ?16, ?17, ?18, ?19, ?20) ON CONFLICT (guid) DO UPDATE SET name = excluded.name, \
                 display_name = excluded.display_name, first_name = excluded.first_name, \
                 last_name = excluded.last_name, alias = excluded.alias, \
                 sam_account_name = excluded.sam_account_name, user_principal_name = excluded.user_principal_name, \
                 primary_smtp_address = excluded.primary_smtp_address, \
                 legacy_exchange_dn = excluded.legacy_exchange_dn, distinguished_name = excluded.distinguished_name, \
                 canonical_name = excluded.canonical_name, phone = excluded.phone, \
                 linked_master_account = excluded.linked_master_account, server_name = excluded.server_name, \
                 server_legacy_dn = excluded.server_legacy_dn, language = excluded.language, \
                 netbios_domain = excluded.netbios_domain, when_changed = excluded.when_changed"
            ),
            params![
                r.guid,
                r.name,
                r.display_name,
                r.first_name,
                r.last_name,
                r.alias,
                r.sam_account_name,
                r.user_principal_name,
                r.primary_smtp_address,
                r.legacy_exchange_dn,
                r.distinguished_name,
                r.canonical_name,
                r.phone,
                r.linked_master_account,
                r.server_name,
                r.server_legacy_dn,
                r.language,
                r.netbios_domain,
                r.when_created,
                r.when_changed
            ],
        )?;
        // Not by RETURNING, for which SQLite makes a table of its own each time.
        let id: i64 = match old {
            Some(old) => old.id,
            None => self.query_one("SELECT id FROM recipient WHERE guid = ?1", params![r.guid], |r| r.get("id"))?,
        };
        let new = entries(r);
        if let Some(old) = old {
            self.remove_entries(id, entries(&old.recipient).keys().filter(|entry| !new.contains_key(*entry)))?;
            self.execute("DELETE FROM proxy_address WHERE recipient_id = ?1", params![id])?;
        }
        for ((space, key), forms) in &new {
            self.execute(
                "INSERT INTO recipient_key (space, key, recipient_id, forms) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (space, key, recipient_id) DO UPDATE SET forms = excluded.forms",
                params![space, key, id, forms],
            )?;
        }
        for (position, a) in r.addresses.iter().enumerate() {
            self.execute(
                "INSERT INTO proxy_address (recipient_id, position, prefix, address, is_primary) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, position as i64, a.prefix, a.address, a.is_primary],
            )?;
        }
        Ok(())
    }

    fn remove_entries<'e>(&self, id: i64, entries: impl Iterator<Item = &'e (i64, String)>) -> Result<()> {
        for (space, key) in entries {
            self.execute(
                "DELETE FROM recipient_key WHERE space = ?1 AND key = ?2 AND recipient_id = ?3",
                params![space, key, id],
            )?;
        }
        Ok(())
    }

    /// Removes a person who has no UM datum.
    pub(crate) fn remove_recipient(&self, guid: &RecipientGuid) -> Result<()> {
        let Some(Stored { id, recipient: old }) = self.stored_recipient(guid)? else { return Ok(()) };
        self.remove_entries(id, entries(&old).keys())?;
        self.execute("DELETE FROM recipient WHERE id = ?1", params![id])
    }

    /// Whether a person can be found by every text that the person is called.
    pub(crate) fn has_its_keys(&self, r: &Recipient) -> Result<bool> {
        for ((space, key), forms) in entries(r) {
            let stored: Option<i64> = self.query_optional(
                "SELECT k.forms FROM recipient_key k JOIN recipient r ON r.id = k.recipient_id \
                 WHERE k.space = ?2 AND k.key = ?3 AND r.guid = ?1",
                params![r.guid, space, key],
                |r| r.get("forms"),
            )?;
            if stored != Some(forms) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many entries a person should have.
    pub(crate) fn key_count_due(&self, r: &Recipient) -> i64 {
        entries(r).len() as i64
    }

    /// How many entries there are.
    pub(crate) fn key_count(&self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) AS n FROM recipient_key", params![], |r| r.get("n"))
    }

    /// How many people the directory has.
    pub fn recipient_count(&self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) AS n FROM recipient", params![], |r| r.get("n"))
    }

    /// Who holds an SMTP address.
    pub(crate) fn smtp_holders(&self, address: &str) -> Result<Vec<RecipientGuid>> {
        Ok(self.recipients_by_key(&fold(address), Some("smtp"))?.into_iter().map(|(guid, _)| guid).collect())
    }

    /// The folded SMTP addresses by which [`Self::smtp_holders`] finds a person.
    pub(crate) fn smtp_keys(&self, guid: &RecipientGuid) -> Result<Vec<String>> {
        Ok(self.recipient(guid)?.map_or_else(Vec::new, |r| {
            entries(&r)
                .into_iter()
                .filter(|((space, _), forms)| *space == space::WORDS && forms & form::SMTP != 0)
                .map(|((_, key), _)| key)
                .collect()
        }))
    }

    /// The first canonical name with a domain, of those that follow a distinguished name.
    pub(crate) fn first_canonical_name(&self) -> Result<Option<String>> {
        let mut first = None;
        self.query_while(
            "SELECT r.canonical_name, r.distinguished_name FROM recipient_key k \
             JOIN recipient r ON r.id = k.recipient_id WHERE k.space = 1 ORDER BY k.key, k.recipient_id",
            params![],
            |row| {
                let (canonical, dn): (String, String) = (row.get("canonical_name")?, row.get("distinguished_name")?);
                if !dn.is_empty() && canonical.find('/').is_some_and(|at| at > 0) {
                    first = Some(canonical);
                }
                Ok(first.is_none())
            },
        )?;
        Ok(first)
    }

    /// Every container that somebody lies below, as its canonical name with a slash behind it.
    pub(crate) fn containers(&self) -> Result<Vec<String>> {
        let mut found = std::collections::BTreeSet::new();
        self.query_each("SELECT canonical_name FROM recipient", params![], |row| {
            let name: String = row.get("canonical_name")?;
            // From the innermost outwards; one that is known brings no new ones.
            for (at, _) in name.rmatch_indices('/').filter(|(at, _)| !name[..*at].ends_with('\\')) {
                if !found.insert(name[..=at].to_owned()) {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(found.into_iter().collect())
    }

    /// The first canonical names, in order.
    pub(crate) fn canonical_names(&self, limit: usize) -> Result<Vec<String>> {
        self.query_all(
            "SELECT r.canonical_name FROM recipient_key k JOIN recipient r ON r.id = k.recipient_id \
             WHERE k.space = 1 ORDER BY k.key, k.recipient_id LIMIT ?1",
            params![limit as i64],
            |r| r.get("canonical_name"),
        )
    }

    /// GUIDs behind one, in order: for walks over everybody.
    pub(crate) fn recipient_guids(&self, after: &RecipientGuid, limit: usize) -> Result<Vec<RecipientGuid>> {
        self.query_all(
            "SELECT guid FROM recipient WHERE guid > ?1 ORDER BY guid LIMIT ?2",
            params![after, limit as i64],
            |r| r.get("guid"),
        )
    }

    /// Texts that name people and begin like this, for completion: the text's owner, at most `limit`.
    pub(crate) fn recipients_by_prefix(&self, prefix: &str, whom: Whom, limit: usize) -> Result<Vec<RecipientGuid>> {
        let end = after_all(prefix);
        let below = if end.is_some() { "k.key < ?2" } else { "?2 IS NULL" };
        self.query_all(
            &format!(
                "SELECT DISTINCT r.guid FROM recipient_key k JOIN recipient r ON r.id = k.recipient_id \
                 LEFT JOIN um_mailbox m ON m.recipient_id = k.recipient_id \
                 WHERE k.space = 0 AND k.key >= ?1 AND {below} AND (k.forms & ?3) <> 0 \
                 AND (?4 = 0 OR m.policy_id IS NOT NULL) LIMIT ?5"
            ),
            params![prefix, end, form::OFFERED, whom == Whom::UmEnabled, limit as i64],
            |r| r.get("guid"),
        )
    }
}

/// The least text behind all that begin with `prefix`; `None` where there is none.
pub(super) fn after_all(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // Behind the last character before the surrogates, which are none, comes the first one after them.
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// What a list is sorted by, always without case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// As Get-UMMailboxPIN lists.
    #[default]
    CanonicalName,
    /// `Name`.
    Name,
    /// `DisplayName`.
    DisplayName,
    /// `ServerLegacyDN`.
    ServerLegacyDn,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_all_that_begin_so_comes_the_next_text() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("ab", Some("ac")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{D7FF}", Some("\u{E000}")),
            ("", None),
            ("\u{10FFFF}", None),
        ] {
            assert_eq!(after_all(prefix).as_deref(), end, "{prefix:?}");
        }
    }

    #[test]
    fn an_entry_is_every_form_that_it_stands_for_and_everybody_can_be_listed() {
        let r = Recipient {
            name: "Tony".into(),
            display_name: "TONY".into(),
            alias: "tony".into(),
            sam_account_name: " tony".into(),
            legacy_exchange_dn: "legacy".into(),
            first_name: "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}".into(),
            addresses: vec![ProxyAddress {
                prefix: "sip".into(),
                address: "Tony@Contoso.com".into(),
                is_primary: true,
            }],
            ..Recipient::default()
        };
        let found: Vec<(i64, String, i64)> = entries(&r).into_iter().map(|((s, k), f)| (s, k, f)).collect();
        let expected = [
            (space::WORDS, " tony", form::AS_SPELLED),
            (space::WORDS, "legacy", form::LEGACY),
            (space::WORDS, "tony", form::NAME | form::DISPLAY | form::ALIAS | form::SAM),
            (space::WORDS, "{6f9619ff-8b86-d011-b42d-00cf4fc964ff}", form::FIRST | form::AS_SPELLED),
            (space::CANONICAL, "", form::CANONICAL),
            (space::PATHS, "legacy", form::LEGACY),
            (space::ADDRESSES, "sip:tony@contoso.com", form::ADDRESS),
        ]
        .map(|(space, key, forms)| (space, key.to_owned(), forms));
        assert_eq!(found, expected);
    }
}
