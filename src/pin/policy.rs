//! A policy's PIN settings: ranges, defaults and what they mean at a given moment.
//!
//! Source: Microsoft's pages "Set-UMMailboxPolicy" and "Set Outlook Voice Access PIN security"; ours are marked.

use std::ops::RangeInclusive;

/// Milliseconds in a day; every time here is in milliseconds since 1970-01-01 UTC.
pub const DAY: i64 = 86_400_000;

/// Digits a policy may demand.
pub(crate) const MIN_PIN_LENGTH: RangeInclusive<u32> = 4..=24;
/// Days a PIN may live.
pub(crate) const PIN_LIFETIME: RangeInclusive<u32> = 1..=999;
/// Earlier PINs that are barred, the current one counted.
pub(crate) const PIN_HISTORY_COUNT: RangeInclusive<u32> = 1..=20;
/// Failures that lock a mailbox.
pub(crate) const MAX_LOGON_ATTEMPTS: RangeInclusive<u32> = 1..=999;
/// Failures that reset a PIN; 0 is off.
pub(crate) const LOGON_FAILURES_BEFORE_PIN_RESET: RangeInclusive<u32> = 0..=998;
/// Ours: minutes of a lock that ends by itself.
pub(crate) const LOCKOUT_DURATION: RangeInclusive<u32> = 1..=1440;
/// Ours: failures in a mailbox's life that only an administrator clears (Skype for Business goes to 5000).
pub(crate) const LIFETIME_LOGON_FAILURES: RangeInclusive<u32> = 1..=5000;
/// Ours: days before expiry at which a notice is mailed.
pub(crate) const EXPIRY_NOTICE_DAYS: RangeInclusive<u32> = 1..=30;
/// PINs that are always kept, whatever the policy counts today.
pub(crate) const HISTORY_KEPT: usize = 20;

/// The PIN rules of one policy. `None` is `Unlimited` (or off, for ours).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinPolicy {
    /// Digits at least.
    pub min_length: u32,
    /// Days until a PIN expires.
    pub lifetime_days: Option<u32>,
    /// How many PINs may not come again; the current one is the first of them.
    pub history_count: u32,
    /// Whether runs such as 123456 and PINs with the user's extension in them pass.
    pub allow_common_patterns: bool,
    /// An automatic reset at every multiple of this many failures; `None` is off.
    pub failures_before_reset: Option<u32>,
    /// Failures that lock; `None` never locks.
    pub max_attempts: Option<u32>,
    /// Ours: minutes until a lock by failures ends by itself.
    pub lockout_minutes: Option<u32>,
    /// Ours: failures in total that lock until an administrator acts.
    pub lifetime_failures: Option<u32>,
    /// Ours: refuse the PINs that people choose most.
    pub block_human_pins: bool,
}

impl Default for PinPolicy {
    fn default() -> Self {
        Self {
            min_length: 6,
            lifetime_days: Some(60),
            history_count: 5,
            allow_common_patterns: false,
            failures_before_reset: Some(5),
            max_attempts: Some(15),
            lockout_minutes: None,
            lifetime_failures: None,
            block_human_pins: false,
        }
    }
}

/// What is known of a PIN's state, apart from the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinFacts {
    /// When it was set.
    pub set_at: i64,
    /// Must be changed whatever its age.
    pub forced_expired: bool,
    /// Failed sign-ins since the last right one.
    pub failures: u32,
    /// When the last failure was counted; 0 when none.
    pub last_failure_at: i64,
    /// Failed sign-ins that only an administrator clears.
    pub lifetime_failures: u32,
    /// How often an administrator has cleared the counts while the PIN stayed: a failure that was counted before is
    /// gone.
    pub epoch: u32,
    /// Locked by an administrator.
    pub admin_locked: bool,
}

/// Why nobody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockReason {
    /// An administrator's lock, which holds under any policy.
    Administrator,
    /// The total of failures; only an administrator clears it.
    TooManyFailuresInTotal,
    /// Failures in a row.
    TooManyFailures,
}

impl LockReason {
    /// As Get-UMMailboxPIN prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            LockReason::Administrator => "Administrator",
            LockReason::TooManyFailuresInTotal => "TooManyFailuresInTotal",
            LockReason::TooManyFailures => "TooManyFailures",
        }
    }
}

impl PinPolicy {
    /// When a PIN of this age expires; `None` never.
    pub fn expires_on(&self, facts: &PinFacts) -> Option<i64> {
        self.lifetime_days.map(|days| facts.set_at.saturating_add(i64::from(days) * DAY))
    }

    /// Whether a new PIN must be chosen at next sign-in because of age or force.
    pub fn is_expired(&self, facts: &PinFacts, now: i64) -> bool {
        facts.forced_expired || self.expires_on(facts).is_some_and(|at| now > at)
    }

    /// Whether, and why, nobody signs in.
    pub fn lock(&self, facts: &PinFacts, now: i64) -> Option<LockReason> {
        if facts.admin_locked {
            return Some(LockReason::Administrator);
        }
        if self.lifetime_failures.is_some_and(|max| facts.lifetime_failures >= max) {
            return Some(LockReason::TooManyFailuresInTotal);
        }
        let reached = self.max_attempts.is_some_and(|max| facts.failures >= max);
        (reached && !self.lock_has_ended(facts, now)).then_some(LockReason::TooManyFailures)
    }

    /// Whether a lock by failures has outlived LockoutDuration; the count then starts anew.
    pub(crate) fn lock_has_ended(&self, facts: &PinFacts, now: i64) -> bool {
        let reached = self.max_attempts.is_some_and(|max| facts.failures >= max);
        reached
            && self
                .lockout_minutes
                .is_some_and(|minutes| now >= facts.last_failure_at.saturating_add(i64::from(minutes) * 60_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> PinFacts {
        PinFacts {
            set_at: 1_000_000,
            forced_expired: false,
            failures: 0,
            last_failure_at: 0,
            lifetime_failures: 0,
            epoch: 0,
            admin_locked: false,
        }
    }

    #[test]
    fn expires_after_the_last_moment_of_its_lifetime() {
        let policy = PinPolicy { lifetime_days: Some(60), ..Default::default() };
        let last = 1_000_000 + 60 * DAY;
        assert!(!policy.is_expired(&facts(), last));
        assert!(policy.is_expired(&facts(), last + 1));
    }

    #[test]
    fn unlimited_lifetime_expires_only_by_force() {
        let policy = PinPolicy { lifetime_days: None, ..Default::default() };
        assert!(!policy.is_expired(&facts(), i64::MAX));
        assert!(policy.is_expired(&PinFacts { forced_expired: true, ..facts() }, 0));
    }

    #[test]
    fn locks_at_exactly_max_attempts() {
        let policy = PinPolicy::default();
        assert_eq!(policy.lock(&PinFacts { failures: 14, ..facts() }, 0), None);
        assert_eq!(policy.lock(&PinFacts { failures: 15, ..facts() }, i64::MAX), Some(LockReason::TooManyFailures));
    }

    #[test]
    fn unlimited_attempts_never_lock_but_an_administrator_does() {
        let policy = PinPolicy { max_attempts: None, ..Default::default() };
        assert_eq!(policy.lock(&PinFacts { failures: u32::MAX, ..facts() }, 0), None);
        assert_eq!(policy.lock(&PinFacts { admin_locked: true, ..facts() }, 0), Some(LockReason::Administrator));
    }

    #[test]
    fn a_timed_lock_ends_at_its_minute_and_the_total_does_not() {
        let policy = PinPolicy { lockout_minutes: Some(30), lifetime_failures: Some(20), ..Default::default() };
        let locked = PinFacts { failures: 15, last_failure_at: 1000, ..facts() };
        assert!(policy.lock(&locked, 1000 + 30 * 60_000 - 1).is_some());
        assert_eq!(policy.lock(&locked, 1000 + 30 * 60_000), None);
        assert_eq!(
            policy.lock(&PinFacts { lifetime_failures: 20, ..locked }, i64::MAX),
            Some(LockReason::TooManyFailuresInTotal)
        );
    }
}
