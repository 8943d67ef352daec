//! People of the directory: the texts that name them, their addresses.

use rusqlite::{Row, params};

use super::statements::Statements;
use super::{Tx, sql};
use crate::directory::identity;
use crate::directory::recipient::{ProxyAddress, Recipient};
use crate::error::Result;
use crate::guid::RecipientGuid;

const COLUMNS: &str = "guid, name, display_name, first_name, last_name, alias, sam_account_name, user_principal_name, \
    primary_smtp_address, legacy_exchange_dn, distinguished_name, canonical_name, phone, linked_master_account, \
    server_name, server_legacy_dn, language, netbios_domain, when_created, when_changed";

fn recipient(r: &Row<'_>) -> rusqlite::Result<Recipient> {
    Ok(Recipient {
        guid: r.get(0)?,
        name: r.get(1)?,
        display_name: r.get(2)?,
        first_name: r.get(3)?,
        last_name: r.get(4)?,
        alias: r.get(5)?,
        sam_account_name: r.get(6)?,
        user_principal_name: r.get(7)?,
        primary_smtp_address: r.get(8)?,
        legacy_exchange_dn: r.get(9)?,
        distinguished_name: r.get(10)?,
        canonical_name: r.get(11)?,
        phone: r.get(12)?,
        linked_master_account: r.get(13)?,
        server_name: r.get(14)?,
        server_legacy_dn: r.get(15)?,
        language: r.get(16)?,
        netbios_domain: r.get(17)?,
        when_created: r.get(18)?,
        when_changed: r.get(19)?,
        addresses: Vec::new(),
    })
}

impl Tx<'_> {
    /// Everyone whom the folded text `key` names, each once: GUID and canonical name. `form` narrows to one form.
    pub fn recipients_by_key(&self, key: &str, form: Option<&str>) -> Result<Vec<(RecipientGuid, String)>> {
        self.query_all("SELECT DISTINCT r.guid, r.canonical_name FROM recipient_key k JOIN recipient r ON r.guid = k.recipient_guid \
                 WHERE k.key = ?1 AND (?2 IS NULL OR k.form = ?2)", params![key, form], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// One person with addresses.
    pub fn recipient(&self, guid: &RecipientGuid) -> Result<Option<Recipient>> {
        let found =
            self.query_optional(&format!("SELECT {COLUMNS} FROM recipient WHERE guid = ?1"), [guid], recipient)?;
        match found {
            None => Ok(None),
            Some(mut found) => {
                found.addresses = self.proxy_addresses(guid)?;
                Ok(Some(found))
            }
        }
    }

    fn proxy_addresses(&self, guid: &RecipientGuid) -> Result<Vec<ProxyAddress>> {
        self.query_all(
            "SELECT prefix, address, is_primary FROM proxy_address WHERE recipient_guid = ?1 ORDER BY position",
            [guid],
            |r| Ok(ProxyAddress { prefix: r.get(0)?, address: r.get(1)?, is_primary: r.get(2)? }),
        )
    }

    /// Adds a person or replaces all that is known of one; the keys and addresses follow.
    pub fn put_recipient(&self, r: &Recipient) -> Result<()> {
        self.execute(&format!(
                "INSERT INTO recipient ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
                 ?16, ?17, ?18, ?19, ?20) ON CONFLICT (guid) DO UPDATE SET name = excluded.name, \
                 display_name = excluded.display_name, first_name = excluded.first_name, last_name = excluded.last_name, \
                 alias = excluded.alias, sam_account_name = excluded.sam_account_name, \
                 user_principal_name = excluded.user_principal_name, primary_smtp_address = excluded.primary_smtp_address, \
                 legacy_exchange_dn = excluded.legacy_exchange_dn, distinguished_name = excluded.distinguished_name, \
                 canonical_name = excluded.canonical_name, phone = excluded.phone, \
                 linked_master_account = excluded.linked_master_account, server_name = excluded.server_name, \
                 server_legacy_dn = excluded.server_legacy_dn, language = excluded.language, netbios_domain = excluded.netbios_domain, \
                 when_changed = excluded.when_changed"
            ), params![
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
            ])?;
        for table in ["recipient_key", "proxy_address"] {
            self.execute(&format!("DELETE FROM {table} WHERE recipient_guid = ?1"), [&r.guid])?;
        }
        let mut add_key = self
            .sql
            .prepare_cached(
                "INSERT INTO recipient_key (key, form, recipient_guid) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )
            .map_err(sql)?;
        for (form, key) in identity::keys(r) {
            add_key.execute(params![key, form, r.guid]).map_err(sql)?;
        }
        let mut add_address = self
            .sql
            .prepare_cached(
                "INSERT INTO proxy_address (recipient_guid, position, prefix, address, is_primary) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .map_err(sql)?;
        for (position, a) in r.addresses.iter().enumerate() {
            add_address.execute(params![r.guid, position as i64, a.prefix, a.address, a.is_primary]).map_err(sql)?;
        }
        Ok(())
    }

    /// Removes a person who has no UM datum.
    pub(crate) fn remove_recipient(&self, guid: &RecipientGuid) -> Result<()> {
        self.execute("DELETE FROM recipient WHERE guid = ?1", [guid])
    }

    /// How many people the directory has.
    pub fn recipient_count(&self) -> Result<i64> {
        self.sql.query_row("SELECT COUNT(*) FROM recipient", [], |r| r.get(0)).map_err(sql)
    }

    /// Who holds an SMTP address.
    pub(crate) fn smtp_holders(&self, address: &str) -> Result<Vec<RecipientGuid>> {
        Ok(self.recipients_by_key(&identity::fold(address), Some("smtp"))?.into_iter().map(|(guid, _)| guid).collect())
    }

    /// The folded SMTP addresses by which [`Self::smtp_holders`] finds a person.
    pub(crate) fn smtp_keys(&self, guid: &RecipientGuid) -> Result<Vec<String>> {
        self.query_all("SELECT key FROM recipient_key WHERE recipient_guid = ?1 AND form = 'smtp'", [guid], |r| {
            r.get(0)
        })
    }

    /// People below `container` (`""`: everywhere) in an order, `limit` of them behind the place `(key, GUID)`: key and
    /// GUID of each.
    pub(crate) fn recipient_page(
        &self,
        order: Order,
        only_enabled: bool,
        container: &str,
        after: (&str, &str),
        limit: usize,
    ) -> Result<Vec<(String, RecipientGuid)>> {
        let column = match order {
            Order::CanonicalName => "canonical_name",
            Order::Name => "name",
            Order::DisplayName => "display_name",
            Order::ServerLegacyDn => "server_legacy_dn",
        };
        let enabled = if only_enabled {
            "JOIN um_mailbox m ON m.recipient_guid = r.guid AND m.policy_guid IS NOT NULL"
        } else {
            ""
        };
        self.query_all(
            &format!(
                "SELECT r.{column}, r.guid FROM recipient r {enabled} \
                 WHERE (r.{column} > ?2 OR (r.{column} = ?2 AND r.guid > ?3)) \
                 AND (?1 = '' OR lower(substr(r.canonical_name, 1, length(?1))) = lower(?1)) \
                 ORDER BY r.{column}, r.guid LIMIT ?4"
            ),
            params![container, after.0, after.1, limit as i64],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
    }

    /// The first canonical name with a domain, of those that follow a distinguished name.
    pub(crate) fn first_canonical_name(&self) -> Result<Option<String>> {
        self.query_optional(
            "SELECT canonical_name FROM recipient WHERE distinguished_name <> '' AND instr(canonical_name, '/') > 1 \
                 ORDER BY canonical_name LIMIT 1",
            [],
            |r| r.get(0),
        )
    }

    /// Every container that somebody lies below, as its canonical name with a slash behind it.
    pub(crate) fn containers(&self) -> Result<Vec<String>> {
        let mut statement = self.sql.prepare_cached("SELECT canonical_name FROM recipient").map_err(sql)?;
        let mut rows = statement.query([]).map_err(sql)?;
        let mut found = std::collections::BTreeSet::new();
        while let Some(row) = rows.next().map_err(sql)? {
            let name: String = row.get(0).map_err(sql)?;
            // From the innermost outwards; one that is known brings no new ones.
            for (at, _) in name.rmatch_indices('/').filter(|(at, _)| !name[..*at].ends_with('\\')) {
                if !found.insert(name[..=at].to_owned()) {
                    break;
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// GUIDs behind one, in order: for walks over everybody.
    pub(crate) fn recipient_guids(&self, after: &RecipientGuid, limit: usize) -> Result<Vec<RecipientGuid>> {
        self.query_all(
            "SELECT guid FROM recipient WHERE guid > ?1 ORDER BY guid LIMIT ?2",
            params![after, limit as i64],
            |r| r.get(0),
        )
    }

    /// Texts that name people and begin like this, for completion: the text's owner, at most `limit`.
    pub(crate) fn recipients_by_prefix(
        &self,
        prefix: &str,
        only_enabled: bool,
        limit: usize,
    ) -> Result<Vec<RecipientGuid>> {
        // The largest character there is ends the range of everything that begins with the prefix.
        let end = format!("{prefix}\u{10FFFF}");
        self.query_all(
            "SELECT DISTINCT k.recipient_guid FROM recipient_key k \
                 LEFT JOIN um_mailbox m ON m.recipient_guid = k.recipient_guid \
                 WHERE k.key >= ?1 AND k.key <= ?2 AND k.form IN ('alias', 'smtp', 'name', 'display', 'sam', 'upn') \
                 AND (?3 = 0 OR m.policy_guid IS NOT NULL) LIMIT ?4",
            params![prefix, end, only_enabled, limit as i64],
            |r| r.get(0),
        )
    }
}

/// What a list is sorted by.
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
