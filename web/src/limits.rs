//! How often one person's PIN may be reset, how many resets one helper may make, and how many refusals go into the
//! audit trail. Kept in memory: a restart forgets them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use umpin::directory::identity::fold;

/// Only what happened within this time counts.
const WINDOW: Duration = Duration::from_secs(60 * 60);
/// Resets of one person's PIN in that time, whoever makes them.
pub(crate) const OF_ONE_PERSON: usize = 5;
/// Resets of other people's PINs by one helper in that time.
pub(crate) const BY_ONE_HELPER: usize = 60;
/// Refusals of one person, for want of a role, that go into the audit trail in that time.
pub(crate) const REFUSED_TOLD: usize = 10;
/// Counts kept at once; those whose time is over go first.
const MOST: usize = 20_000;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// Resets of the mailbox with this GUID.
    Of(String),
    /// Resets by this helper.
    By(Name),
    /// Refusals of this person, for the trail.
    Refused(Name),
}

/// A person's name without case: what signs people in often takes it in any, and hands it on as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(String);

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(fold(name))
    }
}

impl Counted {
    fn most(&self) -> usize {
        match self {
            Counted::Of(_) => OF_ONE_PERSON,
            Counted::By(_) => BY_ONE_HELPER,
            Counted::Refused(_) => REFUSED_TOLD,
        }
    }
}

/// A limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Whether it is the first refusal since the last reset that was let through: only that one goes into the trail.
    pub first: bool,
}

#[derive(Default)]
struct Count {
    when: VecDeque<Instant>,
    refused: bool,
}

/// The counts.
#[derive(Default)]
pub(crate) struct Limits {
    counts: Mutex<HashMap<Counted, Count>>,
}

impl Limits {
    /// Counts one reset under each of these, unless one of them has reached its limit.
    pub(crate) fn take(&self, counted: &[Counted], now: Instant) -> Result<(), Reached> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for one in counted {
            let count = counts.entry(one.clone()).or_default();
            while count.when.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
                count.when.pop_front();
            }
            if count.when.len() >= one.most() {
                let first = !std::mem::replace(&mut count.refused, true);
                return Err(Reached { first });
            }
        }
        for one in counted {
            let count = counts.entry(one.clone()).or_default();
            count.when.push_back(now);
            count.refused = false;
        }
        if counts.len() > MOST {
            counts.retain(|_, count| count.when.back().is_some_and(|at| now.duration_since(*at) < WINDOW));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_limits_hold_for_an_hour_and_each_is_told_once() {
        let limits = Limits::default();
        let start = Instant::now();
        let of = [Counted::Of("a".into()), Counted::By("helper".into())];
        for _ in 0..OF_ONE_PERSON {
            limits.take(&of, start).unwrap();
        }
        assert_eq!(limits.take(&of, start), Err(Reached { first: true }));
        assert_eq!(limits.take(&of, start), Err(Reached { first: false }));
        limits.take(&[Counted::Of("b".into())], start).unwrap();
        let later = start + WINDOW;
        limits.take(&of, later).unwrap();
        for _ in 1..OF_ONE_PERSON {
            limits.take(&of, later).unwrap();
        }
        assert_eq!(limits.take(&of, later), Err(Reached { first: true }), "told anew");
    }

    #[test]
    fn one_helper_cannot_reset_everybody() {
        let limits = Limits::default();
        let start = Instant::now();
        let spelled = |n: usize| if n.is_multiple_of(2) { "Tony@Contoso.com" } else { "tony@CONTOSO.COM" };
        let done = (0..1000)
            .filter(|n| limits.take(&[Counted::Of(n.to_string()), Counted::By(spelled(*n).into())], start).is_ok())
            .count();
        assert_eq!(done, BY_ONE_HELPER);
    }
}
