//! Sealed messages that wait for delivery.

use super::Tx;
use super::engine::{Row, params};
use super::recipients::HIS_ID;
use super::statements::Statements;
use crate::crypto::key::KeyId;
use crate::error::Result;
use crate::guid::{MessageGuid, RecipientGuid};
use crate::mail::notice::Kind;

/// The longest wait between two tries, in milliseconds. A message that is due later than that was queued, or tried, by
/// a clock that was ahead.
pub(crate) const LONGEST_DELAY: i64 = 6 * 3_600_000;
/// The longest that a message can be claimed, in milliseconds.
pub(crate) const LONGEST_CLAIM: i64 = 660_000;

/// One message that waits.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// GUID, also the sealed value's place.
    pub id: MessageGuid,
    /// Whom it is about; empty for none.
    pub recipient_guid: RecipientGuid,
    /// That person's primary SMTP address when it was queued.
    pub user_id: String,
    /// Which message.
    pub kind: Kind,
    /// Where it goes.
    pub to_address: String,
    /// Stable over retries, so that a repeat can be recognised.
    pub message_id: String,
    /// The key it is sealed under.
    pub key_id: KeyId,
    /// The sealed notice.
    pub sealed: Vec<u8>,
    /// Milliseconds since 1970-01-01 UTC.
    pub queued_at: i64,
    /// Not tried before this moment, in the same unit.
    pub due_at: i64,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last try failed; never holds message text.
    pub last_error: String,
    /// Who is at it, empty for nobody.
    pub claimed_by: String,
    /// Until when, in the same unit.
    pub claimed_until: i64,
}

impl OutboxRow {
    /// Whether somebody is at it. A claim that no clock in order can have made is none.
    pub(crate) fn is_claimed(&self, now: i64) -> bool {
        self.claimed_until > now && self.claimed_until <= now.saturating_add(LONGEST_CLAIM)
    }
}

const COLUMNS: &str = "o.id, r.guid AS recipient_guid, o.user_id, o.kind, o.to_address, o.message_id, o.key_id, \
    o.sealed, o.queued_at, o.due_at, o.attempts, o.last_error, o.claimed_by, o.claimed_until \
    FROM outbox o LEFT JOIN recipient r ON r.id = o.recipient_id";

fn outbox_row(r: &Row<'_>) -> Result<OutboxRow> {
    Ok(OutboxRow {
        id: r.get("id")?,
        recipient_guid: r.get::<Option<RecipientGuid>>("recipient_guid")?.unwrap_or_default(),
        user_id: r.get("user_id")?,
        kind: r.get("kind")?,
        to_address: r.get("to_address")?,
        message_id: r.get("message_id")?,
        key_id: r.get("key_id")?,
        sealed: r.get("sealed")?,
        queued_at: r.get("queued_at")?,
        due_at: r.get("due_at")?,
        attempts: r.get("attempts")?,
        last_error: r.get("last_error")?,
        claimed_by: r.get("claimed_by")?,
        claimed_until: r.get("claimed_until")?,
    })
}

impl Tx<'_> {
    /// Queues a new message. (Needs no right to read any.)
    pub(crate) fn add_outbox(&self, o: &OutboxRow) -> Result<()> {
        self.insert_outbox(o, "")
    }

    /// Queues a message or replaces the row of the same id.
    pub fn put_outbox(&self, o: &OutboxRow) -> Result<()> {
        self.insert_outbox(
            o,
            "ON CONFLICT (id) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed, \
             due_at = excluded.due_at, attempts = excluded.attempts, last_error = excluded.last_error, \
             claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until",
        )
    }

    fn insert_outbox(&self, o: &OutboxRow, conflict: &str) -> Result<()> {
        self.execute(
            &format!(
                "INSERT INTO outbox (recipient_id, id, user_id, kind, to_address, message_id, key_id, sealed, \
                 queued_at, due_at, attempts, last_error, claimed_by, claimed_until) \
                 VALUES ({HIS_ID}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) {conflict}"
            ),
            params![
                o.recipient_guid,
                o.id,
                o.user_id,
                o.kind,
                o.to_address,
                o.message_id,
                o.key_id,
                o.sealed,
                o.queued_at,
                o.due_at,
                o.attempts,
                o.last_error,
                o.claimed_by,
                o.claimed_until
            ],
        )
    }

    /// The messages about one person.
    pub(crate) fn outbox_of(&self, recipient_guid: &RecipientGuid) -> Result<Vec<OutboxRow>> {
        self.query_all(
            &format!("SELECT {COLUMNS} WHERE o.recipient_id = {HIS_ID} ORDER BY o.queued_at, o.id"),
            params![recipient_guid],
            outbox_row,
        )
    }

    /// Whether a message about a person waits.
    pub(crate) fn has_outbox(&self, recipient_guid: &RecipientGuid) -> Result<bool> {
        self.query_one(
            &format!("SELECT EXISTS (SELECT 1 FROM outbox WHERE recipient_id = {HIS_ID}) AS found"),
            params![recipient_guid],
            |r| r.get("found"),
        )
    }

    /// Erases the messages about a person, as [`Tx::remove_outbox`] does.
    pub(crate) fn remove_outbox_of(&self, recipient_guid: &RecipientGuid) -> Result<()> {
        self.execute(&format!("DELETE FROM outbox WHERE recipient_id = {HIS_ID}"), params![recipient_guid])
    }

    /// Erases a message (the freed bytes are overwritten).
    pub fn remove_outbox(&self, id: &MessageGuid) -> Result<()> {
        self.execute("DELETE FROM outbox WHERE id = ?1", params![id])
    }

    /// All messages, the oldest first.
    pub fn outbox(&self) -> Result<Vec<OutboxRow>> {
        self.query_all(&format!("SELECT {COLUMNS} ORDER BY o.queued_at, o.id"), params![], outbox_row)
    }

    /// How many messages wait.
    pub fn outbox_count(&self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) AS n FROM outbox", params![], |r| r.get("n"))
    }

    /// The oldest message that is due and that nobody is at. What a clock that was ahead has queued, put off or claimed
    /// does not wait until that day.
    pub(crate) fn next_due(&self, now: i64) -> Result<Option<OutboxRow>> {
        self.query_optional(
            &format!(
                "SELECT {COLUMNS} WHERE (due_at <= ?1 OR due_at > ?1 + ?2 OR (attempts = 0 AND queued_at > ?1)) \
                 AND (claimed_until <= ?1 OR claimed_until > ?1 + ?3) ORDER BY o.due_at, o.id LIMIT 1"
            ),
            params![now, LONGEST_DELAY, LONGEST_CLAIM],
            outbox_row,
        )
    }

    /// One message.
    pub(crate) fn outbox_row(&self, id: &MessageGuid) -> Result<Option<OutboxRow>> {
        self.query_optional(&format!("SELECT {COLUMNS} WHERE o.id = ?1"), params![id], outbox_row)
    }

    /// Enabled mailboxes whose PIN expires between `now` and the day that their policy wants told, and whose owner was
    /// not told yet: GUID and moment of expiry. Nobody for whom a message waits already.
    pub(crate) fn expiring_pins(&self, now: i64, limit: usize) -> Result<Vec<(RecipientGuid, i64)>> {
        self.query_all(
            "SELECT r.guid, n.set_at + p.lifetime_days * ?2 AS expires_on FROM pin n \
                 JOIN um_mailbox m ON m.recipient_id = n.recipient_id JOIN policy p ON p.id = m.policy_id \
                 JOIN recipient r ON r.id = n.recipient_id \
                 WHERE p.expiry_notice_days IS NOT NULL AND p.lifetime_days IS NOT NULL AND n.expiry_noticed = 0 \
                 AND n.forced_expired = 0 AND n.set_at + p.lifetime_days * ?2 >= ?1 \
                 AND n.set_at + (p.lifetime_days - p.expiry_notice_days) * ?2 <= ?1 \
                 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.recipient_id = n.recipient_id) \
                 ORDER BY n.recipient_id LIMIT ?3",
            params![now, crate::pin::policy::DAY, limit as i64],
            |r| Ok((r.get("guid")?, r.get("expires_on")?)),
        )
    }
}
