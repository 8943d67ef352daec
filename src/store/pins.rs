//! Current PINs, their state and the twenty before them. Nothing here can tell a PIN: every hash is sealed.

use std::borrow::Cow;

use once_cell::sync::Lazy;

use super::engine::{Row, params, params_of};
use super::policies::{PIN_COLUMNS, pin_policy};
use super::recipients::{HIS_ID, HIS_ID_OR_NOBODYS, Naming, after_all, form, named_by};
use super::statements::Statements;
use super::{Store, Tx};
use crate::crypto::hash::{HashParams, Salt};
use crate::crypto::key::KeyId;
use crate::directory::identity::fold_case;
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

/// What a sign-in needs of a mailbox.
#[derive(Clone)]
pub(crate) struct SignInRow {
    /// The rules in force; `None` while the mailbox is disabled.
    pub policy: Option<PinPolicy>,
    /// Its PIN.
    pub pin: PinRow,
    /// Every number that signs in to it, in no order.
    pub extensions: Vec<String>,
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

/// Somebody whom a text names.
pub(crate) enum Named {
    /// Who has an enabled mailbox.
    Enabled(PinState),
    /// Who has none.
    NotEnabled {
        /// The recipient's GUID.
        guid: RecipientGuid,
        /// Canonical name.
        identity: String,
    },
}

impl Named {
    /// Canonical name.
    pub(crate) fn identity(&self) -> &String {
        match self {
            Named::Enabled(PinState { identity, .. }) | Named::NotEnabled { identity, .. } => identity,
        }
    }

    fn guid(&self) -> &RecipientGuid {
        match self {
            Named::Enabled(PinState { guid, .. }) | Named::NotEnabled { guid, .. } => guid,
        }
    }
}

const STATE: &str = "r.guid, r.primary_smtp_address, r.canonical_name, n.first_time_user";

const FACTS: &str = "n.set_at, n.forced_expired, n.failures, n.last_failure_at, n.lifetime_failures AS lifetime_count, \
    n.epoch, n.admin_locked";

/// Reads [`FACTS`].
fn facts(r: &Row<'_>) -> Result<PinFacts> {
    Ok(PinFacts {
        set_at: r.next("set_at")?,
        forced_expired: r.next("forced_expired")?,
        failures: r.next("failures")?,
        last_failure_at: r.next("last_failure_at")?,
        lifetime_failures: r.next("lifetime_count")?,
        epoch: r.next("epoch")?,
        admin_locked: r.next("admin_locked")?,
    })
}

const PIN: &str = "n.version, n.salt, n.memory_kib, n.passes, n.lanes, n.key_id, n.sealed, n.first_time_user, \
    n.expiry_noticed";

/// Reads [`PIN`] and [`FACTS`] of this mailbox.
fn pin(r: &Row<'_>, guid: &RecipientGuid) -> Result<PinRow> {
    let salt: Vec<u8> = r.get("salt")?;
    Ok(PinRow {
        version: r.get("version")?,
        params: hash_params(r)?,
        key_id: r.get("key_id")?,
        sealed: r.get("sealed")?,
        first_time_user: r.get("first_time_user")?,
        expiry_noticed: r.get("expiry_noticed")?,
        facts: facts(r)?,
        salt: Salt::try_from(salt.as_slice()).map_err(|_| {
            Error::new(Status::SealBroken, "A PIN's salt was changed outside this program. Set a new PIN.")
                .about(guid.as_str())
        })?,
    })
}

/// A row for each number, or one where there is none, of the mailboxes `from` some table `r` of people.
fn sign_in_rows(from: &str, rest: &str) -> String {
    format!(
        "SELECT {PIN}, {FACTS}, m.policy_id, {PIN_COLUMNS}, COALESCE(a.address, a.address_key) AS extension, r.guid, \
         n.recipient_id AS has_pin FROM {from} JOIN um_mailbox m ON m.recipient_id = r.id LEFT JOIN pin n \
         ON n.recipient_id = r.id LEFT JOIN policy p ON p.id = m.policy_id LEFT JOIN um_address a \
         ON a.recipient_id = r.id WHERE {rest}"
    )
}

/// Of one mailbox.
static SIGN_IN_BY_GUID: Lazy<String> = Lazy::new(|| sign_in_rows("recipient r", "r.guid = ?1"));

/// Of whoever has a number, in one dial plan or in any.
static SIGN_IN_BY_NUMBER: Lazy<String> = Lazy::new(|| {
    sign_in_rows(
        "um_address x JOIN dial_plan d ON d.id = x.dial_plan_id JOIN recipient r ON r.id = x.recipient_id",
        "x.address_key = ?1 AND (?2 IS NULL OR d.name_key = ?2)",
    )
});

/// Adds a row of [`sign_in_rows`] to what was read of its mailbox before.
fn add_sign_in_row(r: &Row<'_>, guid: &RecipientGuid, found: &mut Option<SignInRow>) -> Result<()> {
    if r.get::<Option<i64>>("has_pin")?.is_none() {
        return Ok(());
    }
    let row = match found {
        Some(row) => row,
        none => none.insert(SignInRow {
            // Enabled under a policy that is not there: damage, which must not read as a mailbox that is disabled.
            policy: r.get::<Option<i64>>("policy_id")?.map(|_| pin_policy(r)).transpose()?,
            pin: pin(r, guid)?,
            extensions: Vec::new(),
        }),
    };
    row.extensions.extend(r.get::<Option<String>>("extension")?);
    Ok(())
}

/// Puts three numbers in the place of those that were read, where nothing of the state or of the rules has changed
/// since. No word here is one engine's own: `IS NOT DISTINCT FROM` is the equality that takes two absent values for
/// equal.
static PUT_COUNTS: Lazy<String> = Lazy::new(|| {
    let same: Vec<String> =
        PIN_COLUMNS.split(", ").zip(17..).map(|(c, n)| format!("{c} IS NOT DISTINCT FROM ?{n}")).collect();
    format!(
        "UPDATE pin SET failures = ?2, last_failure_at = ?3, lifetime_failures = ?4 WHERE recipient_id = {HIS_ID} \
         AND version = ?5 AND salt = ?6 AND memory_kib = ?7 AND passes = ?8 AND lanes = ?9 AND set_at = ?10 \
         AND forced_expired = ?11 AND failures = ?12 AND last_failure_at = ?13 AND lifetime_failures = ?14 \
         AND epoch = ?15 AND admin_locked = ?16 AND EXISTS (SELECT 1 FROM um_mailbox m JOIN policy p \
         ON p.id = m.policy_id WHERE m.recipient_id = pin.recipient_id AND {}) RETURNING 1",
        same.join(" AND ")
    )
});

impl Store {
    /// Puts new counts of failures in the place of those of `before`, where neither the PIN nor its state nor the rules
    /// in force have changed since that was read, on disk at the end. Whether it was so; else nothing was written.
    pub(crate) fn put_counts(
        &self,
        guid: &RecipientGuid,
        before: &PinRow,
        rules: &PinPolicy,
        after: &PinFacts,
    ) -> Result<bool> {
        self.change_one(
            &PUT_COUNTS,
            params![
                guid,
                after.failures,
                after.last_failure_at,
                after.lifetime_failures,
                before.version,
                before.salt.as_slice(),
                before.params.memory_kib,
                before.params.passes,
                before.params.lanes,
                before.facts.set_at,
                before.facts.forced_expired,
                before.facts.failures,
                before.facts.last_failure_at,
                before.facts.lifetime_failures,
                before.facts.epoch,
                before.facts.admin_locked,
                rules.min_length,
                rules.lifetime_days,
                rules.history_count,
                rules.allow_common_patterns,
                rules.failures_before_reset,
                rules.max_attempts,
                rules.lockout_minutes,
                rules.lifetime_failures,
                rules.block_human_pins
            ],
        )
    }
}

fn hash_params(r: &Row<'_>) -> Result<HashParams> {
    Ok(HashParams { memory_kib: r.get("memory_kib")?, passes: r.get("passes")?, lanes: r.get("lanes")? })
}

/// Reads [`STATE`], [`FACTS`] and [`PIN_COLUMNS`].
fn state(r: &Row<'_>) -> Result<PinState> {
    Ok(PinState {
        guid: r.next("guid")?,
        user_id: r.next("primary_smtp_address")?,
        identity: r.next("canonical_name")?,
        first_time_user: r.next("first_time_user")?,
        facts: facts(r)?,
        policy: pin_policy(r)?,
    })
}

fn select_named(naming: Naming) -> String {
    format!(
        "SELECT n.first_time_user AS is_enabled, {STATE}, {FACTS}, {PIN_COLUMNS} \
         FROM (SELECT r.id, r.guid, r.primary_smtp_address, r.canonical_name FROM {}) r \
         LEFT JOIN um_mailbox m ON m.recipient_id = r.id LEFT JOIN policy p ON p.id = m.policy_id \
         LEFT JOIN pin n ON n.recipient_id = m.recipient_id AND m.policy_id IS NOT NULL",
        naming.people()
    )
}

fn select_states(from: &str, rest: &str) -> String {
    format!(
        "SELECT {STATE}, {FACTS}, {PIN_COLUMNS} \
         FROM {from} JOIN um_mailbox m ON m.recipient_id = r.id JOIN policy p ON p.id = m.policy_id \
         JOIN pin n ON n.recipient_id = r.id {rest}"
    )
}

impl Tx<'_> {
    /// Everyone whom the folded text `key` names, each once, in one statement. `form` narrows to one form.
    pub(crate) fn pin_states_by_key(&self, key: &str, form: Option<&str>) -> Result<Vec<Named>> {
        // A look-up of one mailbox takes a few microseconds, and putting the text together is a part of them.
        static BY_WORD: Lazy<String> = Lazy::new(|| select_named(Naming::Word));
        let (naming, parameters) = named_by(key, form);
        let statement = match naming {
            Naming::Word => BY_WORD.as_str().into(),
            _ => Cow::Owned(select_named(naming)),
        };
        let mut found = self.query_all(&statement, &params_of(&parameters), |r| {
            if r.next::<Option<bool>>("is_enabled")?.is_some() {
                return state(r).map(Named::Enabled);
            }
            Ok(Named::NotEnabled { guid: r.get("guid")?, identity: r.get("canonical_name")? })
        })?;
        if found.len() > 1 {
            found.sort_unstable_by(|a, b| a.guid().cmp(b.guid()));
            found.dedup_by(|a, b| a.guid() == b.guid());
        }
        Ok(found)
    }

    /// The state of one enabled mailbox; `None` where it is not enabled.
    pub(crate) fn pin_state(&self, guid: &RecipientGuid) -> Result<Option<PinState>> {
        self.query_optional(&select_states("recipient r", "WHERE r.guid = ?1"), params![guid], state)
    }

    /// The states of enabled mailboxes below `container` (`""`: everywhere) by canonical name, `limit` of them behind
    /// the place `(folded canonical name, GUID)`.
    pub(crate) fn pin_states(&self, container: &str, after: (&str, &str), limit: usize) -> Result<Vec<PinState>> {
        let container = fold_case(container);
        let end = after_all(&container);
        let below = if end.is_some() { "k.key < ?1" } else { "?1 IS NULL" };
        // One bound from below, so that a page begins where the one before ended and passes over nothing.
        let from = container.as_str().max(after.0);
        self.query_all(
            &select_states(
                "recipient_key k JOIN recipient r ON r.id = k.recipient_id",
                &format!(
                    "WHERE k.space = 1 AND (k.forms & ?2) <> 0 AND {below} \
                     AND (k.key, k.recipient_id) > (?3, COALESCE((SELECT id FROM recipient WHERE guid = ?4), 0)) \
                     ORDER BY k.key, k.recipient_id LIMIT ?5"
                ),
            ),
            params![end, form::CANONICAL, from, RecipientGuid::known(after.1), limit as i64],
            state,
        )
    }

    /// A mailbox's PIN, disabled ones included (kept history).
    pub fn pin(&self, guid: &RecipientGuid) -> Result<Option<PinRow>> {
        self.query_optional(
            &format!("SELECT {PIN}, {FACTS} FROM recipient r JOIN pin n ON n.recipient_id = r.id WHERE r.guid = ?1"),
            params![guid],
            |r| pin(r, guid),
        )
    }

    /// What a sign-in needs of a mailbox; `None` where it has no PIN.
    pub(crate) fn sign_in_row(&self, guid: &RecipientGuid) -> Result<Option<SignInRow>> {
        let mut found = None;
        self.query_all(&SIGN_IN_BY_GUID, params![guid], |r| add_sign_in_row(r, guid, &mut found))?;
        Ok(found)
    }

    /// The same of whoever has a number, in the dial plan of this folded name or in any: each mailbox once.
    pub(crate) fn sign_in_rows_by_number(
        &self,
        number: &str,
        dial_plan: Option<String>,
    ) -> Result<Vec<(RecipientGuid, Option<SignInRow>)>> {
        let mut found: Vec<(RecipientGuid, Option<SignInRow>)> = Vec::new();
        self.query_all(&SIGN_IN_BY_NUMBER, params![fold_case(number), dial_plan], |r| {
            let guid: RecipientGuid = r.get("guid")?;
            let at = match found.iter().position(|(other, _)| *other == guid) {
                Some(at) => at,
                None => {
                    found.push((guid.clone(), None));
                    found.len() - 1
                }
            };
            found.get_mut(at).map_or(Ok(()), |(_, row)| add_sign_in_row(r, &guid, row))
        })?;
        Ok(found)
    }

    /// Says that this will be asked.
    pub(crate) fn sign_in_row_soon(&self, guid: &RecipientGuid) -> Result<()> {
        self.query_soon(&SIGN_IN_BY_GUID, params![guid])
    }

    /// The version of a mailbox's PIN, whatever else its row holds.
    pub(crate) fn pin_version(&self, guid: &RecipientGuid) -> Result<Option<i64>> {
        self.query_optional(&format!("SELECT version FROM pin WHERE recipient_id = {HIS_ID}"), params![guid], |r| {
            r.get("version")
        })
    }

    /// The version of every PIN.
    pub(crate) fn each_pin_version(&self, mut each: impl FnMut(&RecipientGuid, i64)) -> Result<()> {
        self.query_each(
            "SELECT r.guid, n.version FROM pin n JOIN recipient r ON r.id = n.recipient_id",
            params![],
            |row| {
                each(&row.get("guid")?, row.get("version")?);
                Ok(())
            },
        )
    }

    /// Adds a PIN or replaces one, state and all.
    pub fn put_pin(&self, guid: &RecipientGuid, n: &PinRow) -> Result<()> {
        self.execute(
            &format!(
                "INSERT INTO pin (recipient_id, version, salt, memory_kib, passes, lanes, key_id, sealed, set_at, \
                 forced_expired, first_time_user, failures, last_failure_at, lifetime_failures, epoch, admin_locked, \
                 expiry_noticed) VALUES ({HIS_ID_OR_NOBODYS}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
                 ?15, ?16, ?17) ON CONFLICT (recipient_id) DO UPDATE SET version = excluded.version, salt = \
                 excluded.salt, memory_kib = excluded.memory_kib, passes = excluded.passes, lanes = excluded.lanes, \
                 key_id = excluded.key_id, sealed = excluded.sealed, set_at = excluded.set_at, \
                 forced_expired = excluded.forced_expired, first_time_user = excluded.first_time_user, \
                 failures = excluded.failures, last_failure_at = excluded.last_failure_at, \
                 lifetime_failures = excluded.lifetime_failures, epoch = excluded.epoch, \
                 admin_locked = excluded.admin_locked, expiry_noticed = excluded.expiry_noticed"
            ),
            params![
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
                n.facts.epoch,
                n.facts.admin_locked,
                n.expiry_noticed
            ],
        )
    }

    /// Earlier PINs, the newest first.
    pub fn pin_history(&self, guid: &RecipientGuid) -> Result<Vec<HistoryRow>> {
        self.query_all(
            &format!(
                "SELECT version, memory_kib, passes, lanes, key_id, sealed FROM pin_history \
                 WHERE recipient_id = {HIS_ID} ORDER BY version DESC"
            ),
            params![guid],
            |r| {
                Ok(HistoryRow {
                    version: r.get("version")?,
                    params: hash_params(r)?,
                    key_id: r.get("key_id")?,
                    sealed: r.get("sealed")?,
                })
            },
        )
    }

    /// Adds an earlier PIN (or re-seals one) and drops what is older than the twenty that are kept.
    pub(crate) fn put_pin_history(&self, guid: &RecipientGuid, h: &HistoryRow) -> Result<()> {
        self.execute(
            &format!(
                "INSERT INTO pin_history (recipient_id, version, memory_kib, passes, lanes, key_id, sealed) \
                 VALUES ({HIS_ID}, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (recipient_id, version) DO UPDATE SET \
                 key_id = excluded.key_id, sealed = excluded.sealed"
            ),
            params![guid, h.version, h.params.memory_kib, h.params.passes, h.params.lanes, h.key_id, h.sealed],
        )?;
        self.execute(
            &format!(
                "DELETE FROM pin_history WHERE recipient_id = {HIS_ID} AND version NOT IN (SELECT version \
                 FROM pin_history WHERE recipient_id = {HIS_ID} ORDER BY version DESC LIMIT {HISTORY_KEPT})"
            ),
            params![guid],
        )
    }
}
