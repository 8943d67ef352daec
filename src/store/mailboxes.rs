//! UM mailboxes and the addresses that sign in to them.

use rusqlite::{Row, params};

use super::statements::Statements;
use super::{Tx, sql};
use crate::directory::numbers::AddressKind;
use crate::error::Result;
use crate::guid::{DialPlanGuid, PolicyGuid, RecipientGuid};

/// A mailbox that is or was enabled for unified messaging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UmMailbox {
    /// The recipient's GUID.
    pub guid: RecipientGuid,
    /// `None` while disabled.
    pub policy_guid: Option<PolicyGuid>,
    /// Telephone settings, one JSON object.
    pub settings: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub when_changed: i64,
}

impl UmMailbox {
    /// Whether it is enabled for unified messaging, and not only was.
    pub(crate) fn is_enabled(&self) -> bool {
        self.policy_guid.is_some()
    }
}

/// An EUM proxy address: an extension, SIP address or E.164 number in one dial plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UmAddress {
    /// The plan it is unique in.
    pub dial_plan_guid: DialPlanGuid,
    /// As it was given.
    pub address: String,
    /// What it is.
    pub kind: AddressKind,
    /// The recipient's GUID.
    pub guid: RecipientGuid,
    /// Printed `EUM:`; at most one a mailbox.
    pub is_primary: bool,
}

fn address(r: &Row<'_>) -> rusqlite::Result<UmAddress> {
    Ok(UmAddress {
        dial_plan_guid: r.get(0)?,
        address: r.get(1)?,
        kind: r.get(2)?,
        guid: r.get(3)?,
        is_primary: r.get(4)?,
    })
}

const ADDRESS: &str = "dial_plan_guid, address, kind, recipient_guid, is_primary";

impl Tx<'_> {
    /// The UM mailbox of a recipient; `None` where it never was enabled.
    pub fn um_mailbox(&self, guid: &RecipientGuid) -> Result<Option<UmMailbox>> {
        self.query_optional(
            "SELECT recipient_guid, policy_guid, settings, when_changed FROM um_mailbox WHERE recipient_guid = ?1",
            [guid],
            |r| Ok(UmMailbox { guid: r.get(0)?, policy_guid: r.get(1)?, settings: r.get(2)?, when_changed: r.get(3)? }),
        )
    }

    /// Adds a UM mailbox or replaces one.
    pub fn put_um_mailbox(&self, m: &UmMailbox) -> Result<()> {
        self.execute(
            "INSERT INTO um_mailbox (recipient_guid, policy_guid, settings, when_changed) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (recipient_guid) DO UPDATE SET policy_guid = excluded.policy_guid, \
                 settings = excluded.settings, when_changed = excluded.when_changed",
            params![m.guid, m.policy_guid, m.settings, m.when_changed],
        )
    }

    /// Erases every UM datum of a recipient, queued mail included.
    pub(crate) fn erase_um_mailbox(&self, guid: &RecipientGuid) -> Result<()> {
        for table in ["um_address", "pin", "pin_history", "outbox", "spray_mark", "um_mailbox"] {
            self.execute(&format!("DELETE FROM {table} WHERE recipient_guid = ?1"), [guid])?;
        }
        Ok(())
    }

    /// A mailbox's addresses in order, the primary first.
    pub(crate) fn um_addresses(&self, guid: &RecipientGuid) -> Result<Vec<UmAddress>> {
        self.query_all(
            &format!("SELECT {ADDRESS} FROM um_address WHERE recipient_guid = ?1 ORDER BY is_primary DESC, position"),
            [guid],
            address,
        )
    }

    /// Replaces a mailbox's addresses. Each must be free in its plan ([`Tx::um_addresses_by_key`]).
    pub fn set_um_addresses(&self, guid: &RecipientGuid, addresses: &[UmAddress]) -> Result<()> {
        self.execute("DELETE FROM um_address WHERE recipient_guid = ?1", [guid])?;
        let mut add = self
            .sql
            .prepare_cached(
                "INSERT INTO um_address (dial_plan_guid, address_key, address, kind, recipient_guid, is_primary, position) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .map_err(sql)?;
        for (position, a) in addresses.iter().enumerate() {
            add.execute(params![
                a.dial_plan_guid,
                a.address.to_lowercase(),
                a.address,
                a.kind,
                guid,
                a.is_primary,
                position as i64
            ])
            .map_err(sql)?;
        }
        Ok(())
    }

    /// Who has this address, in one plan or in any.
    pub fn um_addresses_by_key(&self, text: &str, dial_plan_guid: Option<&DialPlanGuid>) -> Result<Vec<UmAddress>> {
        self.query_all(
            &format!("SELECT {ADDRESS} FROM um_address WHERE address_key = ?1 AND (?2 IS NULL OR dial_plan_guid = ?2)"),
            params![text.to_lowercase(), dial_plan_guid],
            address,
        )
    }

    /// How many mailboxes are enabled.
    pub(crate) fn enabled_mailbox_count(&self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) FROM um_mailbox WHERE policy_guid IS NOT NULL", [], |r| r.get(0))
    }

    /// How many enabled mailboxes a policy has.
    pub(crate) fn policy_mailbox_count(&self, policy_guid: &PolicyGuid) -> Result<i64> {
        self.query_one("SELECT COUNT(*) FROM um_mailbox WHERE policy_guid = ?1", [policy_guid], |r| r.get(0))
    }

    /// How many numbers of mailboxes a plan has.
    pub(crate) fn dial_plan_address_count(&self, dial_plan_guid: &DialPlanGuid) -> Result<i64> {
        self.query_one("SELECT COUNT(*) FROM um_address WHERE dial_plan_guid = ?1", [dial_plan_guid], |r| r.get(0))
    }

    /// What does not fit together, one text each, by name; empty in a sound store.
    pub(crate) fn inconsistencies(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for (query, what) in [
            (
                "SELECT a.recipient_guid FROM um_address a JOIN um_mailbox m ON m.recipient_guid = a.recipient_guid \
                 WHERE m.policy_guid IS NULL",
                "a disabled mailbox has numbers",
            ),
            (
                "SELECT m.recipient_guid FROM um_mailbox m WHERE m.policy_guid IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM pin n WHERE n.recipient_guid = m.recipient_guid)",
                "an enabled mailbox has no PIN",
            ),
            (
                "SELECT m.recipient_guid FROM um_mailbox m WHERE m.policy_guid IS NOT NULL AND \
                 (SELECT COUNT(*) FROM um_address a WHERE a.recipient_guid = m.recipient_guid AND a.is_primary = 1) <> 1",
                "an enabled mailbox has not just one primary number",
            ),
            (
                "SELECT h.recipient_guid FROM pin_history h WHERE NOT EXISTS \
                 (SELECT 1 FROM pin n WHERE n.recipient_guid = h.recipient_guid)",
                "earlier PINs belong to no PIN",
            ),
            (
                "SELECT o.recipient_guid FROM outbox o WHERE NOT EXISTS \
                 (SELECT 1 FROM um_mailbox m WHERE m.recipient_guid = o.recipient_guid AND m.policy_guid IS NOT NULL)",
                "a message waits for a mailbox that is not enabled",
            ),
            (
                "SELECT a.recipient_guid FROM um_address a JOIN um_mailbox m ON m.recipient_guid = a.recipient_guid \
                 JOIN policy p ON p.guid = m.policy_guid WHERE a.is_primary = 1 AND a.dial_plan_guid <> p.dial_plan_guid",
                "a primary number is not in its policy's dial plan",
            ),
            (
                "SELECT a.recipient_guid FROM um_address a GROUP BY a.recipient_guid \
                 HAVING MIN(a.position) <> 0 OR MAX(a.position) <> COUNT(*) - 1",
                "a mailbox lacks one of its numbers",
            ),
            (
                "SELECT a.recipient_guid FROM proxy_address a GROUP BY a.recipient_guid \
                 HAVING MIN(a.position) <> 0 OR MAX(a.position) <> COUNT(*) - 1",
                "a person lacks a proxy address",
            ),
            (
                "SELECT n.recipient_guid FROM pin n WHERE EXISTS (SELECT 1 FROM pin_history h \
                 WHERE h.recipient_guid = n.recipient_guid AND h.version >= n.version)",
                "an earlier PIN is newer than the current one",
            ),
            (
                "SELECT p.name FROM policy p WHERE p.failures_before_reset > 0 AND p.failures_before_reset >= p.max_attempts",
                "a policy resets PINs no sooner than it locks",
            ),
        ] {
            let guids: Vec<String> = self.query_all(query, [], |r| r.get(0))?;
            found.extend(guids.iter().map(|guid| format!("{what}: {}", self.name_of(guid))));
        }
        Ok(found)
    }
}
