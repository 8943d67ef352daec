//! UM mailboxes and the addresses that sign in to them.

use super::Tx;
use super::contents::Subject;
use super::engine::{Row, params};
use super::recipients::{HIS_ID, HIS_ID_OR_NOBODYS};
use super::statements::Statements;
use crate::directory::identity::fold_case;
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

/// An EUM proxy address as a walk reads it.
#[derive(Clone)]
pub(crate) struct Numbered {
    /// The store's own number of the plan ([`Tx::numbered_dial_plans`]).
    pub dial_plan: i64,
    /// As it was given.
    pub address: String,
    /// What it is.
    pub kind: AddressKind,
    /// Printed `EUM:`.
    pub is_primary: bool,
}

fn address(r: &Row<'_>) -> Result<UmAddress> {
    Ok(UmAddress {
        dial_plan_guid: r.get("dial_plan_guid")?,
        address: r.get("address")?,
        kind: r.get("kind")?,
        guid: r.get("guid")?,
        is_primary: r.get("is_primary")?,
    })
}

/// Of a row, as [`numbered`] reads them.
const NUMBERED: &str = "dial_plan_id, COALESCE(address, address_key) AS address, kind, is_primary";

fn numbered(r: &Row<'_>) -> Result<Numbered> {
    Ok(Numbered {
        dial_plan: r.next("dial_plan_id")?,
        address: r.next("address")?,
        kind: r.next("kind")?,
        is_primary: r.next("is_primary")?,
    })
}

const ADDRESSES: &str = "SELECT d.guid AS dial_plan_guid, COALESCE(a.address, a.address_key) AS address, a.kind, \
    r.guid, a.is_primary FROM um_address a JOIN recipient r ON r.id = a.recipient_id JOIN dial_plan d ON d.id = \
    a.dial_plan_id";

impl Tx<'_> {
    /// The UM mailbox of a recipient; `None` where it never was enabled.
    pub fn um_mailbox(&self, guid: &RecipientGuid) -> Result<Option<UmMailbox>> {
        self.query_optional(
            "SELECT r.guid, m.policy_id, p.guid AS policy_guid, m.settings, m.when_changed FROM recipient r \
             JOIN um_mailbox m ON m.recipient_id = r.id LEFT JOIN policy p ON p.id = m.policy_id WHERE r.guid = ?1",
            params![guid],
            |r| {
                Ok(UmMailbox {
                    guid: r.get("guid")?,
                    // Enabled under a policy that is not there: damage, which must not read as a mailbox that is
                    // disabled.
                    policy_guid: match r.get::<Option<i64>>("policy_id")? {
                        None => None,
                        Some(_) => Some(r.get("policy_guid")?),
                    },
                    settings: r.get("settings")?,
                    when_changed: r.get("when_changed")?,
                })
            },
        )
    }

    /// Adds a UM mailbox or replaces one.
    pub fn put_um_mailbox(&self, m: &UmMailbox) -> Result<()> {
        self.execute(
            &format!(
                "INSERT INTO um_mailbox (recipient_id, policy_id, settings, when_changed) \
                 VALUES ({HIS_ID_OR_NOBODYS}, (SELECT id FROM policy WHERE guid = ?2), ?3, ?4) \
                 ON CONFLICT (recipient_id) DO UPDATE SET policy_id = excluded.policy_id, \
                 settings = excluded.settings, when_changed = excluded.when_changed"
            ),
            params![m.guid, m.policy_guid, m.settings, m.when_changed],
        )
    }

    /// Erases every UM datum of a recipient, queued mail included.
    pub(crate) fn erase_um_mailbox(&self, guid: &RecipientGuid) -> Result<()> {
        for table in ["um_address", "pin", "pin_history", "outbox", "spray_mark", "um_mailbox"] {
            self.execute(&format!("DELETE FROM {table} WHERE recipient_id = {HIS_ID}"), params![guid])?;
        }
        Ok(())
    }

    /// A mailbox's addresses in order, the primary first.
    pub(crate) fn um_addresses(&self, guid: &RecipientGuid) -> Result<Vec<UmAddress>> {
        self.query_all(
            &format!("{ADDRESSES} WHERE r.guid = ?1 ORDER BY a.is_primary DESC, a.position"),
            params![guid],
            address,
        )
    }

    /// The addresses of the person with this number, each with that number and the plan's: for walks over everybody,
    /// which ask for no order.
    pub(super) fn um_addresses_by_id(&self, id: i64) -> Result<Vec<(i64, Numbered)>> {
        self.query_all(&format!("SELECT {NUMBERED} FROM um_address WHERE recipient_id = ?1"), params![id], |r| {
            Ok((id, numbered(r)?))
        })
    }

    /// The same of everybody whose number is in a range: in order of the people, then as they stand.
    pub(super) fn um_addresses_between(&self, after: i64, last: i64) -> Result<Vec<(i64, Numbered)>> {
        self.query_all(
            &format!(
                "SELECT recipient_id, {NUMBERED} FROM um_address WHERE recipient_id > ?1 AND recipient_id <= ?2 \
                 ORDER BY recipient_id, position"
            ),
            params![after, last],
            |r| Ok((r.next("recipient_id")?, numbered(r)?)),
        )
    }

    /// Replaces a mailbox's addresses. Each must be free in its plan ([`Tx::um_addresses_by_key`]).
    pub fn set_um_addresses(&self, guid: &RecipientGuid, addresses: &[UmAddress]) -> Result<()> {
        self.execute(&format!("DELETE FROM um_address WHERE recipient_id = {HIS_ID}"), params![guid])?;
        for (position, a) in addresses.iter().enumerate() {
            let key = fold_case(&a.address);
            let spelled = (a.address != key).then_some(&a.address);
            self.execute(
                &format!(
                    "INSERT INTO um_address (recipient_id, dial_plan_id, address_key, address, kind, is_primary, \
                     position) VALUES ({HIS_ID}, (SELECT id FROM dial_plan WHERE guid = ?2), ?3, ?4, ?5, ?6, ?7)"
                ),
                params![guid, a.dial_plan_guid, key, spelled, a.kind, a.is_primary, position as i64],
            )?;
        }
        Ok(())
    }

    /// Who has this address, in one plan or in any.
    pub fn um_addresses_by_key(&self, text: &str, dial_plan_guid: Option<&DialPlanGuid>) -> Result<Vec<UmAddress>> {
        self.query_all(
            &format!("{ADDRESSES} WHERE a.address_key = ?1 AND (?2 IS NULL OR d.guid = ?2)"),
            params![fold_case(text), dial_plan_guid],
            address,
        )
    }

    /// How many mailboxes are enabled.
    pub(crate) fn enabled_mailbox_count(&self) -> Result<i64> {
        self.query_one("SELECT COUNT(policy_id) AS n FROM um_mailbox", params![], |r| r.get("n"))
    }

    /// How many enabled mailboxes a policy has.
    pub(crate) fn policy_mailbox_count(&self, policy_guid: &PolicyGuid) -> Result<i64> {
        self.query_one(
            "SELECT COUNT(*) AS n FROM um_mailbox WHERE policy_id = (SELECT id FROM policy WHERE guid = ?1)",
            params![policy_guid],
            |r| r.get("n"),
        )
    }

    /// How many numbers of mailboxes a plan has.
    pub(crate) fn dial_plan_address_count(&self, dial_plan_guid: &DialPlanGuid) -> Result<i64> {
        self.query_one(
            "SELECT COUNT(*) AS n FROM um_address WHERE dial_plan_id = (SELECT id FROM dial_plan WHERE guid = ?1)",
            params![dial_plan_guid],
            |r| r.get("n"),
        )
    }

    /// What does not fit together, one text each, by name; empty in a sound store.
    pub(crate) fn inconsistencies(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for (query, what) in [
            (
                "SELECT a.recipient_id FROM um_address a JOIN um_mailbox m ON m.recipient_id = a.recipient_id \
                 WHERE m.policy_id IS NULL",
                "a disabled mailbox has numbers",
            ),
            (
                "SELECT m.recipient_id FROM um_mailbox m WHERE m.policy_id IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM pin n WHERE n.recipient_id = m.recipient_id)",
                "an enabled mailbox has no PIN",
            ),
            (
                "SELECT m.recipient_id FROM um_mailbox m WHERE m.policy_id IS NOT NULL AND \
                 (SELECT COUNT(*) FROM um_address a WHERE a.recipient_id = m.recipient_id AND a.is_primary = 1) <> 1",
                "an enabled mailbox has not just one primary number",
            ),
            (
                "SELECT h.recipient_id FROM pin_history h WHERE NOT EXISTS \
                 (SELECT 1 FROM pin n WHERE n.recipient_id = h.recipient_id)",
                "earlier PINs belong to no PIN",
            ),
            (
                "SELECT o.recipient_id FROM outbox o WHERE NOT EXISTS \
                 (SELECT 1 FROM um_mailbox m WHERE m.recipient_id = o.recipient_id AND m.policy_id IS NOT NULL)",
                "a message waits for a mailbox that is not enabled",
            ),
            (
                "SELECT a.recipient_id FROM um_address a JOIN um_mailbox m ON m.recipient_id = a.recipient_id \
                 JOIN policy p ON p.id = m.policy_id WHERE a.is_primary = 1 AND a.dial_plan_id <> p.dial_plan_id",
                "a primary number is not in its policy's dial plan",
            ),
            (
                "SELECT a.recipient_id FROM um_address a GROUP BY a.recipient_id \
                 HAVING MIN(a.position) <> 0 OR MAX(a.position) <> COUNT(*) - 1",
                "a mailbox lacks one of its numbers",
            ),
            (
                "SELECT a.recipient_id FROM proxy_address a GROUP BY a.recipient_id \
                 HAVING MIN(a.position) <> 0 OR MAX(a.position) <> COUNT(*) - 1",
                "a person lacks a proxy address",
            ),
            (
                "SELECT n.recipient_id FROM pin n WHERE EXISTS (SELECT 1 FROM pin_history h \
                 WHERE h.recipient_id = n.recipient_id AND h.version >= n.version)",
                "an earlier PIN is newer than the current one",
            ),
            (
                "SELECT p.name FROM policy p WHERE p.failures_before_reset > 0 AND p.failures_before_reset >= \
                 p.max_attempts",
                "a policy resets PINs no sooner than it locks",
            ),
        ] {
            let whose: Vec<Subject> = self.query_all(query, params![], |r| Subject::read(r, 0))?;
            found.extend(whose.iter().map(|whose| format!("{what}: {}", self.called(whose))));
        }
        Ok(found)
    }
}
