//! Current PINs, their state and the twenty before them. Nothing here can tell a PIN: every hash is sealed.

use rusqlite::{Row, params};

use super::policies::{PIN_COLUMNS, pin_policy};
use super::statements::Statements;
use super::{Tx, sql};
use crate::crypto::hash::{HashParams, Salt};
use crate::crypto::key::KeyId;
use crate::error::{Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::pin::PinPolicy;
use crate::pin::policy::{HISTORY_KEPT, PinFacts};

/// A current PIN.
#[derive(Clone, Debug)]
pub struct PinRow {
    /// Grows with every PIN of the mailbox, and never falls.
    pub version: i64,
    /// One a mailbox, for the current PIN and the history alike.
    pub salt: Salt,
    /// What the sealed hash was made with.
    pub params: HashParams,
    /// The key it is sealed under.
    pub key_id: KeyId,
    /// The sealed hash.
    pub sealed: Vec<u8>,
    /// State.
    pub facts: PinFacts,
    /// The telephone set-up is not finished.
    pub first_time_user: bool,
    /// The notice before expiry was queued for this PIN.
    pub expiry_noticed: bool,
}

/// An earlier PIN.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    /// The version it had as current PIN.
    pub version: i64,
    /// What the sealed hash was made with.
    pub params: HashParams,
    /// The key it is sealed under.
    pub key_id: KeyId,
    /// The sealed hash.
    pub sealed: Vec<u8>,
}

/// What Get-UMMailboxPIN shows of one mailbox.
#[derive(Clone, Debug)]
pub struct PinState {
    /// The recipient's GUID.
    pub guid: RecipientGuid,
    /// Primary SMTP address.
    pub user_id: String,
    /// Canonical name.
    pub identity: String,
    /// The rules in force.
    pub policy: PinPolicy,
    /// State.
    pub facts: PinFacts,
    /// The telephone set-up is not finished.
    pub first_time_user: bool,
}

const FACTS: &str = "n.set_at, n.forced_expired, n.failures, n.last_failure_at, n.lifetime_failures, n.admin_locked";

fn facts(r: &Row<'_>, at: usize) -> rusqlite::Result<PinFacts> {
    Ok(PinFacts {
        set_at: r.get(at)?,
        forced_expired: r.get(at + 1)?,
        failures: r.get(at + 2)?,
        last_failure_at: r.get(at + 3)?,
        lifetime_failures: r.get(at + 4)?,
        admin_locked: r.get(at + 5)?,
    })
}

fn params_at(r: &Row<'_>, at: usize) -> rusqlite::Result<HashParams> {
    Ok(HashParams { memory_kib: r.get(at)?, passes: r.get(at + 1)?, lanes: r.get(at + 2)? })
}

fn state(r: &Row<'_>) -> rusqlite::Result<PinState> {
    Ok(PinState {
        guid: r.get(0)?,
        user_id: r.get(1)?,
        identity: r.get(2)?,
        first_time_user: r.get(3)?,
        facts: facts(r, 4)?,
        policy: pin_policy(r, 10)?,
    })
}

fn select_states(rest: &str) -> String {
    format!(
        "SELECT r.guid, r.primary_smtp_address, r.canonical_name, n.first_time_user, {FACTS}, {PIN_COLUMNS} \
         FROM recipient r JOIN um_mailbox m ON m.recipient_guid = r.guid JOIN policy p ON p.guid = m.policy_guid \
         JOIN pin n ON n.recipient_guid = r.guid {rest}"
    )
}

impl Tx<'_> {
    /// The state of one enabled mailbox; `None` where it is not enabled.
    pub(crate) fn pin_state(&self, guid: &RecipientGuid) -> Result<Option<PinState>> {
        self.query_optional(&select_states("WHERE r.guid = ?1"), [guid], state)
    }

    /// The states of enabled mailboxes below `container` (`""`: everywhere) by canonical name, `limit` of them behind
    /// the place `(canonical name, GUID)`.
    pub(crate) fn pin_states(&self, container: &str, after: (&str, &str), limit: usize) -> Result<Vec<PinState>> {
        self.query_all(
            &select_states(
                "WHERE (r.canonical_name > ?2 OR (r.canonical_name = ?2 AND r.guid > ?3)) \
                 AND (?1 = '' OR lower(substr(r.canonical_name, 1, length(?1))) = lower(?1)) \
                 ORDER BY r.canonical_name, r.guid LIMIT ?4",
            ),
            params![container, after.0, after.1, limit as i64],
            state,
        )
    }

    /// A mailbox's PIN, disabled ones included (kept history).
    pub fn pin(&self, guid: &RecipientGuid) -> Result<Option<PinRow>> {
        let found = self.query_optional(
            &format!(
                "SELECT n.version, n.salt, n.memory_kib, n.passes, n.lanes, n.key_id, n.sealed, n.first_time_user, \
                 n.expiry_noticed, {FACTS} FROM pin n WHERE n.recipient_guid = ?1"
            ),
            [guid],
            |r| {
                let salt: Vec<u8> = r.get(1)?;
                Ok((
                    salt,
                    PinRow {
                        version: r.get(0)?,
                        salt: Salt::default(),
                        params: params_at(r, 2)?,
                        key_id: r.get(5)?,
                        sealed: r.get(6)?,
                        first_time_user: r.get(7)?,
                        expiry_noticed: r.get(8)?,
                        facts: facts(r, 9)?,
                    },
                ))
            },
        )?;
        found
            .map(|(salt, row)| {
                let salt = Salt::try_from(salt.as_slice()).map_err(|_| {
                    Error::new(Status::SealBroken, "A PIN's salt was changed outside this program. Set a new PIN.")
                        .about(guid.as_str())
                })?;
                Ok(PinRow { salt, ..row })
            })
            .transpose()
    }

    /// The version of a mailbox's PIN, whatever else its row holds.
    pub(crate) fn pin_version(&self, guid: &RecipientGuid) -> Result<Option<i64>> {
        self.query_optional("SELECT version FROM pin WHERE recipient_guid = ?1", [guid], |r| r.get(0))
    }

    /// The version of every PIN.
    pub(crate) fn each_pin_version(&self, mut each: impl FnMut(&RecipientGuid, i64)) -> Result<()> {
        let mut statement = self.prepare("SELECT recipient_guid, version FROM pin")?;
        let mut rows = statement.query([]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let guid = row.get_ref(0).map_err(sql)?.as_str().unwrap_or_default();
            each(&RecipientGuid::known(guid), row.get(1).map_err(sql)?);
        }
        Ok(())
    }

    /// Adds a PIN or replaces one, state and all.
    pub fn put_pin(&self, guid: &RecipientGuid, n: &PinRow) -> Result<()> {
        self.execute("INSERT INTO pin (recipient_guid, version, salt, memory_kib, passes, lanes, key_id, sealed, set_at, \
                 forced_expired, first_time_user, failures, last_failure_at, lifetime_failures, admin_locked, expiry_noticed) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
                 ON CONFLICT (recipient_guid) DO UPDATE SET version = excluded.version, salt = excluded.salt, \
                 memory_kib = excluded.memory_kib, passes = excluded.passes, lanes = excluded.lanes, \
                 key_id = excluded.key_id, sealed = excluded.sealed, set_at = excluded.set_at, \
                 forced_expired = excluded.forced_expired, first_time_user = excluded.first_time_user, \
                 failures = excluded.failures, last_failure_at = excluded.last_failure_at, \
                 lifetime_failures = excluded.lifetime_failures, admin_locked = excluded.admin_locked, \
                 expiry_noticed = excluded.expiry_noticed", params![
                guid,
                n.version,
                n.salt.as_slice(),
                n.params.memory_kib,
                n.params.passes,
                n.params.lanes,
                n.key_id,
                n.sealed,
                n.facts.set_at,
                n.facts.forced_expired,
                n.first_time_user,
                n.facts.failures,
                n.facts.last_failure_at,
                n.facts.lifetime_failures,
                n.facts.admin_locked,
                n.expiry_noticed
            ])
    }

    /// Earlier PINs, the newest first.
    pub fn pin_history(&self, guid: &RecipientGuid) -> Result<Vec<HistoryRow>> {
        self.query_all(
            "SELECT version, memory_kib, passes, lanes, key_id, sealed FROM pin_history WHERE recipient_guid = ?1 \
                 ORDER BY version DESC",
            [guid],
            |r| Ok(HistoryRow { version: r.get(0)?, params: params_at(r, 1)?, key_id: r.get(4)?, sealed: r.get(5)? }),
        )
    }

    /// Adds an earlier PIN (or re-seals one) and drops what is older than the twenty that are kept.
    pub(crate) fn put_pin_history(&self, guid: &RecipientGuid, h: &HistoryRow) -> Result<()> {
        self.execute(
            "INSERT INTO pin_history (recipient_guid, version, memory_kib, passes, lanes, key_id, sealed) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (recipient_guid, version) DO UPDATE SET \
                 key_id = excluded.key_id, sealed = excluded.sealed",
            params![guid, h.version, h.params.memory_kib, h.params.passes, h.params.lanes, h.key_id, h.sealed],
        )?;
        self.execute(
            "DELETE FROM pin_history WHERE recipient_guid = ?1 AND version NOT IN (SELECT version FROM pin_history \
                 WHERE recipient_guid = ?1 ORDER BY version DESC LIMIT ?2)",
            params![guid, HISTORY_KEPT as i64],
        )
    }
}
