//! UM mailbox policies.

use super::Tx;
use super::engine::{Row, params};
use super::statements::Statements;
use crate::error::Result;
use crate::guid::{DialPlanGuid, PolicyGuid};
use crate::pin::PinPolicy;

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// GUID.
    pub guid: PolicyGuid,
    /// As it was spelled.
    pub name: String,
    /// The one plan it belongs to.
    pub dial_plan_guid: DialPlanGuid,
    /// The PIN rules.
    pub pin: PinPolicy,
    /// Ours: days before expiry at which a notice is mailed.
    pub expiry_notice_days: Option<u32>,
    /// Ours: notices say only that the PIN was changed.
    pub notify_without_pin: bool,
    /// Everything else, one JSON object.
    pub settings: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub when_created: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub when_changed: i64,
}

/// The PIN rules' columns, as [`pin_policy`] reads them.
pub(super) const PIN_COLUMNS: &str = "p.min_length, p.lifetime_days, p.history_count, p.allow_common_patterns, \
    p.failures_before_reset, p.max_attempts, p.lockout_minutes, p.lifetime_failures, p.block_human_pins";

/// Reads [`PIN_COLUMNS`].
pub(super) fn pin_policy(r: &Row<'_>) -> Result<PinPolicy> {
    Ok(PinPolicy {
        min_length: r.next("min_length")?,
        lifetime_days: r.next("lifetime_days")?,
        history_count: r.next("history_count")?,
        allow_common_patterns: r.next("allow_common_patterns")?,
        failures_before_reset: r.next("failures_before_reset")?,
        max_attempts: r.next("max_attempts")?,
        lockout_minutes: r.next("lockout_minutes")?,
        lifetime_failures: r.next("lifetime_failures")?,
        block_human_pins: r.next("block_human_pins")?,
    })
}

fn policy(r: &Row<'_>) -> Result<Policy> {
    Ok(Policy {
        guid: r.get("guid")?,
        name: r.get("name")?,
        dial_plan_guid: r.get("dial_plan_guid")?,
        expiry_notice_days: r.get("expiry_notice_days")?,
        notify_without_pin: r.get("notify_without_pin")?,
        settings: r.get("settings")?,
        when_created: r.get("when_created")?,
        when_changed: r.get("when_changed")?,
        pin: pin_policy(r)?,
    })
}

fn select(rest: &str) -> String {
    format!(
        "SELECT p.id, p.guid, p.name, d.guid AS dial_plan_guid, p.expiry_notice_days, p.notify_without_pin, \
         p.settings, p.when_created, p.when_changed, {PIN_COLUMNS} FROM policy p JOIN dial_plan d ON d.id = \
         p.dial_plan_id {rest}"
    )
}

impl Tx<'_> {
    /// By GUID.
    pub(crate) fn policy(&self, guid: &PolicyGuid) -> Result<Option<Policy>> {
        self.query_optional(&select("WHERE p.guid = ?1"), params![guid], policy)
    }

    /// By folded name or GUID.
    pub fn policy_by_key(&self, key: &str) -> Result<Option<Policy>> {
        self.query_optional(
            &select("WHERE p.name_key = ?1 OR p.guid = ?2"),
            params![key, PolicyGuid::known(key)],
            policy,
        )
    }

    /// All, by name; or those of one plan.
    pub fn policies(&self, dial_plan_guid: Option<&DialPlanGuid>) -> Result<Vec<Policy>> {
        self.query_all(&select("WHERE ?1 IS NULL OR d.guid = ?1 ORDER BY p.name_key"), params![dial_plan_guid], policy)
    }

    /// All, each with the store's own number of it.
    pub(crate) fn numbered_policies(&self) -> Result<Vec<(i64, Policy)>> {
        self.query_all(&select("ORDER BY p.id"), params![], |r| Ok((r.get("id")?, policy(r)?)))
    }

    /// Adds a policy or replaces one.
    pub fn put_policy(&self, p: &Policy) -> Result<()> {
        self.execute(
            "INSERT INTO policy (guid, name, name_key, dial_plan_id, min_length, lifetime_days, history_count, \
                 allow_common_patterns, failures_before_reset, max_attempts, lockout_minutes, lifetime_failures, \
                 block_human_pins, expiry_notice_days, notify_without_pin, settings, when_created, when_changed) \
                 VALUES (?1, ?2, ?3, (SELECT id FROM dial_plan WHERE guid = ?4), ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
                 ?13, ?14, ?15, ?16, ?17, ?18) \
                 ON CONFLICT (guid) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, \
                 dial_plan_id = excluded.dial_plan_id, min_length = excluded.min_length, \
                 lifetime_days = excluded.lifetime_days, history_count = excluded.history_count, \
                 allow_common_patterns = excluded.allow_common_patterns, \
                 failures_before_reset = excluded.failures_before_reset, max_attempts = excluded.max_attempts, \
                 lockout_minutes = excluded.lockout_minutes, lifetime_failures = excluded.lifetime_failures, \
                 block_human_pins = excluded.block_human_pins, expiry_notice_days = excluded.expiry_notice_days, \
                 notify_without_pin = excluded.notify_without_pin, settings = excluded.settings, \
                 when_changed = excluded.when_changed",
            params![
                p.guid,
                p.name,
                crate::directory::identity::fold(&p.name),
                p.dial_plan_guid,
                p.pin.min_length,
                p.pin.lifetime_days,
                p.pin.history_count,
                p.pin.allow_common_patterns,
                p.pin.failures_before_reset,
                p.pin.max_attempts,
                p.pin.lockout_minutes,
                p.pin.lifetime_failures,
                p.pin.block_human_pins,
                p.expiry_notice_days,
                p.notify_without_pin,
                p.settings,
                p.when_created,
                p.when_changed
            ],
        )
    }

    /// Removes a policy that no mailbox references.
    pub(crate) fn remove_policy(&self, guid: &PolicyGuid) -> Result<()> {
        self.execute("DELETE FROM policy WHERE guid = ?1", params![guid])
    }
}
