//! Every row as it stands, whatever it holds: for the self-check. The rest of this folder reads what it wrote itself and
//! fails on anything else; here nothing fails, so that one odd row cannot hide another.

use crate::guid::RecipientGuid;
use std::ops::RangeInclusive;

use rusqlite::types::ValueRef;

use super::statements::Statements;
use super::{Tx, sql};
use crate::crypto::hash::HashParams;
use crate::directory::identity;
use crate::directory::recipient::Recipient;
use crate::error::Result;
use crate::pin::policy::{
    EXPIRY_NOTICE_DAYS, LIFETIME_LOGON_FAILURES, LOCKOUT_DURATION, LOGON_FAILURES_BEFORE_PIN_RESET, MAX_LOGON_ATTEMPTS,
    MIN_PIN_LENGTH, PIN_HISTORY_COUNT, PIN_LIFETIME,
};

/// Clocks differ a little, and a message that failed waits some hours: what lies further ahead than this (a day, in
/// milliseconds) was not written by a clock that is right.
pub(crate) const SKEW: i64 = 86_400_000;

/// What a column holds in every row that was written here.
enum Holds {
    /// Any text.
    Text,
    /// A GUID as it is written here: lower case, with hyphens.
    Guid,
    /// One of these.
    Word(&'static [&'static str]),
    /// A number in this range.
    Number(RangeInclusive<i64>),
    /// The same, or nothing.
    NumberOrNull(RangeInclusive<i64>),
    /// 0 or 1.
    Flag,
    /// A moment that is not ahead of now.
    Moment,
    /// So many bytes.
    Bytes(RangeInclusive<usize>),
    /// A key's id: 16 hexadecimal digits.
    KeyId,
}

use Holds::{Bytes, Flag, Guid, KeyId, Moment, Number, NumberOrNull, Text, Word};

/// One column: its name, what an administrator calls it, what it holds.
type Column = (&'static str, &'static str, Holds);

/// One table: its name, the column that says whom or what a row is about, and the columns.
type Table = (&'static str, &'static str, &'static [Column]);

const fn range(of: RangeInclusive<u32>) -> RangeInclusive<i64> {
    *of.start() as i64..=*of.end() as i64
}

const COUNT: RangeInclusive<i64> = 0..=u32::MAX as i64;
const POSITIVE: RangeInclusive<i64> = 1..=i64::MAX;
const MEMORY_KIB: RangeInclusive<i64> = 8..=HashParams::MAX_MEMORY_KIB as i64;
const PASSES: RangeInclusive<i64> = 1..=HashParams::MAX_PASSES as i64;
const SEALED: RangeInclusive<usize> = 1..=usize::MAX;

const TABLES: &[Table] = &[
    ("setting", "name", &[("name", "name", Text), ("value", "value", Text)]),
    (
        "recipient",
        "guid",
        &[
            ("guid", "GUID", Guid),
            ("name", "name", Text),
            ("display_name", "display name", Text),
            ("first_name", "first name", Text),
            ("last_name", "last name", Text),
            ("alias", "alias", Text),
            ("sam_account_name", "account name", Text),
            ("user_principal_name", "user principal name", Text),
            ("primary_smtp_address", "primary SMTP address", Text),
            ("legacy_exchange_dn", "legacy DN", Text),
            ("distinguished_name", "distinguished name", Text),
            ("canonical_name", "canonical name", Text),
            ("phone", "phone", Text),
            ("linked_master_account", "linked master account", Text),
            ("server_name", "server name", Text),
            ("server_legacy_dn", "server's legacy DN", Text),
            ("language", "language", Text),
            ("netbios_domain", "NetBIOS domain", Text),
            ("when_created", "date of creation", Moment),
            ("when_changed", "date of change", Moment),
        ],
    ),
    (
        "recipient_key",
        "recipient_guid",
        &[("key", "look-up key", Text), ("form", "look-up key's form", Text), ("recipient_guid", "GUID", Guid)],
    ),
    (
        "proxy_address",
        "recipient_guid",
        &[
            ("recipient_guid", "GUID", Guid),
            ("position", "proxy address's position", Number(COUNT)),
            ("prefix", "proxy address's prefix", Text),
            ("address", "proxy address", Text),
            ("is_primary", "proxy address's rank", Flag),
        ],
    ),
    (
        "dial_plan",
        "name",
        &[
            ("guid", "GUID", Guid),
            ("name", "name", Text),
            ("name_key", "look-up key", Text),
            ("digits", "number of digits", Number(1..=20)),
            ("uri_type", "URI type", Word(&["TelExtn", "E164", "SipName"])),
            ("settings", "settings", Text),
            ("when_created", "date of creation", Moment),
            ("when_changed", "date of change", Moment),
        ],
    ),
    (
        "policy",
        "name",
        &[
            ("guid", "GUID", Guid),
            ("name", "name", Text),
            ("name_key", "look-up key", Text),
            ("dial_plan_guid", "dial plan", Guid),
            ("min_length", "MinPINLength", Number(range(MIN_PIN_LENGTH))),
            ("lifetime_days", "PINLifetime", NumberOrNull(range(PIN_LIFETIME))),
            ("history_count", "PINHistoryCount", Number(range(PIN_HISTORY_COUNT))),
            ("allow_common_patterns", "AllowCommonPatterns", Flag),
            (
                "failures_before_reset",
                "LogonFailuresBeforePINReset",
                NumberOrNull(range(LOGON_FAILURES_BEFORE_PIN_RESET)),
            ),
            ("max_attempts", "MaxLogonAttempts", NumberOrNull(range(MAX_LOGON_ATTEMPTS))),
            ("lockout_minutes", "LockoutDuration", NumberOrNull(range(LOCKOUT_DURATION))),
            ("lifetime_failures", "LifetimeLogonFailures", NumberOrNull(range(LIFETIME_LOGON_FAILURES))),
            ("block_human_pins", "BlockHumanPINs", Flag),
            ("expiry_notice_days", "ExpiryNoticeDays", NumberOrNull(range(EXPIRY_NOTICE_DAYS))),
            ("notify_without_pin", "NotifyWithoutPIN", Flag),
            ("settings", "settings", Text),
            ("when_created", "date of creation", Moment),
            ("when_changed", "date of change", Moment),
        ],
    ),
    (
        "um_mailbox",
        "recipient_guid",
        &[
            ("recipient_guid", "GUID", Guid),
            ("settings", "mailbox settings", Text),
            ("when_changed", "date of the mailbox's change", Moment),
        ],
    ),
    (
        "um_address",
        "recipient_guid",
        &[
            ("recipient_guid", "GUID", Guid),
            ("dial_plan_guid", "number's dial plan", Guid),
            ("address_key", "number's look-up key", Text),
            ("address", "number", Text),
            ("kind", "number's kind", Word(&["Extension", "SipName", "E164"])),
            ("is_primary", "number's rank", Flag),
            ("position", "number's position", Number(COUNT)),
        ],
    ),
    (
        "pin",
        "recipient_guid",
        &[
            ("recipient_guid", "GUID", Guid),
            ("version", "PIN's version", Number(POSITIVE)),
            ("salt", "PIN's salt", Bytes(16..=16)),
            ("memory_kib", "PIN's cost", Number(MEMORY_KIB)),
            ("passes", "PIN's cost", Number(PASSES)),
            ("lanes", "PIN's cost", Number(PASSES)),
            ("key_id", "PIN's key", KeyId),
            ("sealed", "PIN's seal", Bytes(SEALED)),
            ("set_at", "date at which the PIN was set", Moment),
            ("forced_expired", "PIN's expiry", Flag),
            ("first_time_user", "first-time user", Flag),
            ("failures", "count of failures", Number(COUNT)),
            ("last_failure_at", "date of the last failure", Moment),
            ("lifetime_failures", "count of failures in total", Number(COUNT)),
            ("admin_locked", "administrator's lock", Flag),
            ("expiry_noticed", "notice of expiry", Flag),
        ],
    ),
    (
        "pin_history",
        "recipient_guid",
        &[
            ("recipient_guid", "GUID", Guid),
            ("version", "earlier PIN's version", Number(POSITIVE)),
            ("memory_kib", "earlier PIN's cost", Number(MEMORY_KIB)),
            ("passes", "earlier PIN's cost", Number(PASSES)),
            ("lanes", "earlier PIN's cost", Number(PASSES)),
            ("key_id", "earlier PIN's key", KeyId),
            ("sealed", "earlier PIN's seal", Bytes(SEALED)),
        ],
    ),
    (
        "outbox",
        "recipient_guid",
        &[
            ("id", "message's id", Guid),
            ("recipient_guid", "message's recipient", Guid),
            ("user_id", "message's user", Text),
            ("kind", "message's kind", Word(&["Welcome", "Reset", "Changed", "Expiry"])),
            ("to_address", "message's address", Text),
            ("message_id", "message's Message-ID", Text),
            ("key_id", "message's key", KeyId),
            ("sealed", "message's seal", Bytes(SEALED)),
            ("queued_at", "date at which the message was queued", Moment),
            ("due_at", "date at which the message is due", Moment),
            ("attempts", "message's count of tries", Number(COUNT)),
            ("last_error", "message's last error", Text),
            ("claimed_by", "message's claim", Text),
            ("claimed_until", "end of the message's claim", Moment),
        ],
    ),
    (
        "audit",
        "object",
        &[
            ("seq", "record's number", Number(POSITIVE)),
            // Which moment it tells is under the trail's seal, and a clock that was ahead cannot be undone in it.
            ("at", "record's date", Number(0..=i64::MAX)),
            ("caller", "record's caller", Text),
            ("claimed", "record's claimed caller", Text),
            ("cmdlet", "record's cmdlet", Text),
            ("object", "record's object", Text),
            ("parameters", "record's parameters", Text),
            ("succeeded", "record's outcome", Flag),
            ("detail", "record's detail", Text),
            ("mac", "record's seal", Bytes(32..=32)),
        ],
    ),
    (
        "spray_mark",
        "recipient_guid",
        &[("mark", "mark", Bytes(2..=2)), ("recipient_guid", "mark's mailbox", Text), ("at", "mark's date", Moment)],
    ),
];

impl Holds {
    fn fits(&self, value: ValueRef<'_>, now: i64) -> bool {
        let text = match value {
            ValueRef::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        };
        match (self, value) {
            (Text, _) => text.is_some(),
            (Guid, _) => text.is_some_and(|t| uuid::Uuid::try_parse(t).is_ok_and(|g| g.to_string() == t)),
            (Word(words), _) => text.is_some_and(|t| words.contains(&t)),
            (KeyId, _) => text.is_some_and(|t| t.len() == 16 && t.bytes().all(|b| b.is_ascii_hexdigit())),
            (Flag, ValueRef::Integer(n)) => n == 0 || n == 1,
            (Moment, ValueRef::Integer(n)) => (0..=now.saturating_add(SKEW)).contains(&n),
            (Number(range) | NumberOrNull(range), ValueRef::Integer(n)) => range.contains(&n),
            (NumberOrNull(_), ValueRef::Null) => true,
            (Bytes(range), ValueRef::Blob(bytes)) => range.contains(&bytes.len()),
            _ => false,
        }
    }

    fn fault(&self, value: ValueRef<'_>, now: i64) -> &'static str {
        match (self, value) {
            (Moment, ValueRef::Integer(n)) if n > now => "is ahead of now",
            _ => "is none that a cmdlet sets",
        }
    }
}

impl Tx<'_> {
    /// Values that were never written here. `each` gets the GUID or name of whom or what a row is about, and the fault.
    pub(crate) fn odd_values(&self, now: i64, mut each: impl FnMut(&str, String) -> Result<()>) -> Result<()> {
        for (table, about, columns) in TABLES {
            let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
            let mut rows =
                self.sql.prepare(&format!("SELECT {about}, {} FROM {table}", names.join(", "))).map_err(sql)?;
            let mut rows = rows.query([]).map_err(sql)?;
            while let Some(row) = rows.next().map_err(sql)? {
                for (at, (_, called, holds)) in columns.iter().enumerate() {
                    let value = row.get_ref(at + 1).map_err(sql)?;
                    if !holds.fits(value, now) {
                        let about = row.get_ref(0).map_err(sql)?.as_str().unwrap_or(table);
                        each(about, format!("the {called} {}", holds.fault(value, now)))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The documents of plans, policies and mailboxes: name (a mailbox's GUID), look-up key, document.
    pub(crate) fn documents(&self, of: Documents, mut each: impl FnMut(&str, &str, &str) -> Result<()>) -> Result<()> {
        let query = match of {
            Documents::DialPlans => "SELECT name, name_key, settings FROM dial_plan",
            Documents::Policies => "SELECT name, name_key, settings FROM policy",
            Documents::Mailboxes => "SELECT recipient_guid, '', settings FROM um_mailbox",
        };
        self.each_text(query, |[name, key, document]| each(name, key, document))
    }

    /// Every number: its mailbox, dial plan, look-up key, number and kind.
    pub(crate) fn numbers(&self, mut each: impl FnMut([&str; 5]) -> Result<()>) -> Result<()> {
        self.each_text("SELECT recipient_guid, dial_plan_guid, address_key, address, kind FROM um_address", |columns| {
            each(columns)
        })
    }

    /// Every person's GUID.
    pub(crate) fn each_recipient(&self, mut each: impl FnMut(&RecipientGuid) -> Result<()>) -> Result<()> {
        self.each_text("SELECT guid FROM recipient", |[guid]| each(&RecipientGuid::known(guid)))
    }

    /// Whether a person can be found by what the person is called, and by nothing else.
    pub(crate) fn has_its_keys(&self, r: &Recipient) -> Result<bool> {
        let stored: Vec<(String, String)> =
            self.query_all("SELECT form, key FROM recipient_key WHERE recipient_guid = ?1", [&r.guid], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })?;
        let mut stored: Vec<(&str, &str)> = stored.iter().map(|(form, key)| (form.as_str(), key.as_str())).collect();
        let derived = identity::keys(r);
        let mut derived: Vec<(&str, &str)> = derived.iter().map(|(form, key)| (*form, key.as_str())).collect();
        stored.sort_unstable();
        derived.sort_unstable();
        derived.dedup();
        Ok(stored == derived)
    }

    /// How an administrator knows what a row names: a person by the canonical name, all else as it stands there.
    pub(crate) fn name_of(&self, guid: &str) -> String {
        self.recipient(&RecipientGuid::known(guid)).ok().flatten().map_or_else(|| guid.to_owned(), |r| r.canonical_name)
    }

    /// Rows of texts; what is no text is [`Tx::odd_values`]' to tell, and its row is passed over.
    fn each_text<const N: usize>(&self, query: &str, mut each: impl FnMut([&str; N]) -> Result<()>) -> Result<()> {
        let mut rows = self.sql.prepare(query).map_err(sql)?;
        let mut rows = rows.query([]).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            let mut texts = [""; N];
            let mut all = true;
            for (at, text) in texts.iter_mut().enumerate() {
                match row.get_ref(at).map_err(sql)?.as_str() {
                    Ok(found) => *text = found,
                    Err(_) => all = false,
                }
            }
            if all {
                each(texts)?;
            }
        }
        Ok(())
    }
}

/// Whose documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    /// Dial plans'.
    DialPlans,
    /// Policies'.
    Policies,
    /// Mailboxes', enabled or not.
    Mailboxes,
}
