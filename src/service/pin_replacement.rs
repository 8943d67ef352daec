//! Putting a new PIN in the place of an old one: what Set-UMMailboxPIN, Enable-UMMailbox, the automatic reset and the
//! owner's own change share. [`replace_pin`] is the one loop that tries again.

use crate::crypto::seal::pin_context;
use once_cell::sync::OnceCell;
use zeroize::Zeroizing;

use crate::crypto::hash::{HashParams, PinHash, Salt, hash};
use crate::crypto::key::KeyId;
use crate::crypto::key::{KeyRing, MasterKey};
use crate::crypto::seal::{Purpose, open, seal};
use crate::error::{Condition, Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::os::random;
use crate::pin::generate::{MAX_TRIES, exhausted};
use crate::pin::policy::PinFacts;
use crate::pin::rules::{self, Refusal};
use crate::pin::{Pin, PinPolicy, generate};
use crate::service::audit::highest_erased;
use crate::session::{Cause, Change, Mode, Session};
use crate::store::Tx;
use crate::store::pins::{HistoryRow, PinRow};

/// Why a new PIN was not put in place.
#[derive(Debug)]
pub enum Setback {
    /// A rule or the history bars it.
    Refused(Refusal),
    /// It was hashed under a salt or cost that the mailbox no longer has.
    HashedForAnother,
    /// It is not made yet: whether one is needed was found out only inside the transaction.
    NotMade,
    /// Nothing that another try could mend.
    Failed(Error),
}

/// What became of one try to put a new PIN in place.
pub(crate) type Attempt<T> = std::result::Result<T, Setback>;

impl From<Error> for Setback {
    fn from(e: Error) -> Self {
        Setback::Failed(e)
    }
}

impl Setback {
    /// The public error, of the mailbox with this address.
    pub fn into_error(self, smtp: &str) -> Error {
        match self {
            Setback::Refused(refusal) => weak_pin_error(&refusal, smtp),
            Setback::HashedForAnother => conflict_error(),
            Setback::NotMade => exhausted(),
            Setback::Failed(e) => e,
        }
    }
}

/// Runs `attempt` in a transaction of its own until it commits or another try can mend nothing. After each setback that
/// one can mend, `prepare` gets the new PIN ready for the next try, outside of any transaction, since that takes a
/// hash. At most [`MAX_TRIES`]; then the last setback is the answer.
pub(crate) fn replace_pin<P, T>(
    session: &Session,
    whose: Option<&RecipientGuid>,
    cause: &Cause,
    new: &mut P,
    mut prepare: impl FnMut(&mut P, &Setback) -> Attempt<()>,
    attempt: impl Fn(&Change<'_>, &P) -> Attempt<T>,
) -> Attempt<T> {
    let mut tries = 0;
    loop {
        let mut setback = None;
        let attempt_once = |c: &Change<'_>| {
            setback = None;
            attempt(c, new).map_err(|why| match why {
                Setback::Failed(e) => e,
                // Only rolls back; the setback itself is what counts.
                mendable => {
                    setback = Some(mendable);
                    conflict_error()
                }
            })
        };
        let done = match whose {
            Some(_) => session.change_mailbox(whose, cause, |_| Ok(()), attempt_once),
            None => session.change(Mode::Commit, cause, attempt_once),
        };
        let Some(setback) = setback else { return done.map_err(Setback::Failed) };
        tries += 1;
        if tries == MAX_TRIES {
            return Err(setback);
        }
        prepare(new, &setback)?;
    }
}

/// The rules that a mailbox's new PIN must pass.
#[derive(Clone, Copy)]
pub(crate) struct PinRules<'a> {
    /// Of its UM mailbox policy.
    pub policy: &'a PinPolicy,
    /// Every number that signs in to it.
    pub extensions: &'a [String],
}

impl PinRules<'_> {
    fn check(&self, pin: &Pin) -> Attempt<()> {
        rules::check(pin, self.policy, self.extensions).map_err(Setback::Refused)
    }

    /// One that passes every rule but history.
    pub(crate) fn generate(&self) -> Result<Pin> {
        generate(self.policy, self.extensions)
    }
}

/// Where a new PIN comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Somebody chose it: where it is refused, that is the end.
    Typed,
    /// The library made it: where it is refused, the next one is made.
    Generated,
}

/// A PIN that is to take another's place, and its hash as soon as that is needed.
pub(crate) struct NewPin {
    pin: Pin,
    origin: Origin,
    salted: Salted,
    hashed: OnceCell<Hashed>,
}

impl NewPin {
    /// The PIN that was typed (one that breaks a rule is refused here), or a generated one that passes every rule but
    /// history.
    pub(crate) fn choose(typed: Option<Pin>, rules: PinRules<'_>, salted: Salted) -> Attempt<Self> {
        let (pin, origin) = match typed {
            Some(pin) => {
                rules.check(&pin)?;
                (pin, Origin::Typed)
            }
            None => (rules.generate()?, Origin::Generated),
        };
        Ok(Self { pin, origin, salted, hashed: OnceCell::new() })
    }

    /// The owner's own choice. Its rules are looked at in the transaction that puts it in place.
    pub(crate) fn typed(pin: Pin, salted: Salted) -> Self {
        Self { pin, origin: Origin::Typed, salted, hashed: OnceCell::new() }
    }

    /// The PIN itself.
    pub(crate) fn pin(&self) -> &Pin {
        &self.pin
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// The slow part, on any thread and ahead of time. Holds no lock.
    pub(crate) fn hash(&self) -> Result<&Hashed> {
        self.hashed.get_or_try_init(|| self.salted.hash(&self.pin))
    }

    /// Whether today's rules allow it. They may have changed since it was chosen.
    pub(crate) fn check_rules(&self, rules: PinRules<'_>) -> Attempt<()> {
        rules.check(&self.pin)
    }

    /// Whether the mailbox's history allows it. Call it behind everything else that could be refused: what comes after
    /// it would tell whether a PIN is in use.
    pub(crate) fn check_history(&self, c: &Change<'_>, guid: &RecipientGuid, policy: &PinPolicy) -> Attempt<()> {
        let hashed = self.hashed.get().ok_or(Setback::HashedForAnother)?;
        hashed.refused_by_history(c, guid, policy)?.map_or(Ok(()), |refusal| Err(Setback::Refused(refusal)))
    }

    /// Puts it in place, hash and state.
    pub(crate) fn put(&self, c: &Change<'_>, guid: &RecipientGuid, state: &NewState) -> Attempt<()> {
        self.hashed.get().ok_or(Setback::HashedForAnother)?.put(c, guid, state)
    }

    /// After a setback: another PIN for a generated one that was refused, another hash where the mailbox has another
    /// salt or cost since. `choose_again` generates under the rules of this moment.
    pub(crate) fn prepare_again(
        &mut self,
        session: &Session,
        guid: &RecipientGuid,
        setback: &Setback,
        choose_again: impl FnMut(&Tx<'_>) -> Result<Pin>,
    ) -> Attempt<()> {
        match (setback, self.origin) {
            (Setback::Refused(refusal), Origin::Typed) => return Err(Setback::Refused(refusal.clone())),
            (Setback::Refused(_), Origin::Generated) => self.pin = session.read(choose_again)?,
            _ => self.salted = session.read(|tx| Salted::for_mailbox(tx, guid, session.hash))?,
        }
        self.hashed = OnceCell::new();
        self.hash()?;
        Ok(())
    }

    /// As if this PIN had been generated, and not yet hashed.
    #[cfg(test)]
    pub(crate) fn generated_was(&mut self, pin: &str) {
        self.pin = Pin::new(pin);
        self.hashed = OnceCell::new();
    }

    /// The public error of a setback that ended it, of the mailbox with this address.
    pub(crate) fn error(&self, setback: Setback, smtp: &str) -> Error {
        match (setback, self.origin) {
            (Setback::Refused(_), Origin::Generated) => exhausted(),
            (other, _) => other.into_error(smtp),
        }
    }
}

/// What must be known of a mailbox before its new PIN can be hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salted {
    /// One a mailbox, made with its first PIN.
    pub salt: Salt,
    /// Every cost that a hash of this mailbox was made with, and the one for new hashes: the new PIN is compared with
    /// old ones, each under its own cost. Almost always one.
    pub costs: Vec<HashParams>,
}

impl Salted {
    /// Of a mailbox as it is now; with a new salt where it has no PIN yet.
    pub fn for_mailbox(tx: &Tx<'_>, guid: &RecipientGuid, new_hashes: HashParams) -> Result<Self> {
        let mut costs = vec![new_hashes];
        let mut add = |cost: HashParams| {
            // A cost that nobody sets was sealed with no hash: there is nothing to compare with under it.
            if cost.is_allowed() && !costs.contains(&cost) {
                costs.push(cost);
            }
        };
        let salt = match tx.pin(guid)? {
            None => random()?,
            Some(row) => {
                add(row.params);
                row.salt
            }
        };
        for row in tx.pin_history(guid)? {
            add(row.params);
        }
        Ok(Self { salt, costs })
    }

    /// The slow part. Holds no lock.
    pub fn hash(&self, pin: &Pin) -> Result<Hashed> {
        let hashes = self.costs.iter().map(|cost| Ok((*cost, hash(pin, &self.salt, cost)?))).collect::<Result<_>>()?;
        Ok(Hashed { salt: self.salt, hashes })
    }
}

/// A PIN under every cost that its mailbox knows; the first is the one to store.
pub struct Hashed {
    salt: Salt,
    hashes: Vec<(HashParams, PinHash)>,
}

/// What comes with a new PIN.
#[derive(Clone, Copy, Debug)]
pub struct NewState {
    /// Must be changed at next sign-in.
    pub forced_expired: bool,
    /// Locked by an administrator.
    pub admin_locked: bool,
    /// `None` leaves it as it is (true for a mailbox that has no PIN yet).
    pub first_time_user: Option<bool>,
    /// Failures since the last right PIN, after the change.
    pub failures: u32,
    /// Failures in the mailbox's life, after the change.
    pub lifetime_failures: u32,
    /// When the last of them was counted.
    pub last_failure_at: i64,
}

impl NewState {
    /// An administrator's or owner's change: no failures, not locked.
    pub fn clean() -> Self {
        Self {
            forced_expired: false,
            admin_locked: false,
            first_time_user: None,
            failures: 0,
            lifetime_failures: 0,
            last_failure_at: 0,
        }
    }
}

/// The mailbox got a PIN under another salt or cost since the hash was made. Nothing was written; hash again.
pub(crate) fn conflict_error() -> Error {
    Error::new(
        Status::Conflict,
        "The mailbox's PIN was changed by somebody else at the same moment. Nothing was changed. Try again.",
    )
}

impl Hashed {
    fn hash_under(&self, cost: &HashParams) -> Attempt<&PinHash> {
        self.hashes.iter().find(|(c, _)| c == cost).map(|(_, h)| h).ok_or(Setback::HashedForAnother)
    }

    /// Whether the PIN is the current one or barred by history. A seal that does not open bars nothing: it is
    /// nobody's PIN any more.
    pub fn refused_by_history(
        &self,
        c: &Change<'_>,
        guid: &RecipientGuid,
        policy: &PinPolicy,
    ) -> Attempt<Option<Refusal>> {
        let mut used = false;
        if let Some(row) = c.tx.pin(guid)? {
            if row.salt != self.salt {
                return Err(Setback::HashedForAnother);
            }
            if let Some(old) = open_pin_hash_unless_broken(
                c,
                Purpose::Pin,
                guid,
                row.version,
                &row.key_id,
                &row.sealed,
                &row.salt,
                &row.params,
            )? {
                used |= self.hash_under(&row.params)?.matches(&old);
            }
        }
        for row in c.tx.pin_history(guid)?.iter().take(policy.history_count.saturating_sub(1) as usize) {
            if let Some(old) = open_pin_hash_unless_broken(
                c,
                Purpose::History,
                guid,
                row.version,
                &row.key_id,
                &row.sealed,
                &self.salt,
                &row.params,
            )? {
                used |= self.hash_under(&row.params)?.matches(&old);
            }
        }
        Ok(used.then_some(Refusal::Used { history_count: policy.history_count }))
    }

    /// Stores the new PIN; the old one goes to the history.
    pub fn put(&self, c: &Change<'_>, guid: &RecipientGuid, state: &NewState) -> Attempt<()> {
        let old = c.tx.pin(guid)?;
        let before = old.as_ref().map(|old| old.version);
        let (params, hash) = self.hashes.first().ok_or(Setback::HashedForAnother)?;
        let mut version = highest_erased(c.tx)?.saturating_add(1);
        let mut first_time_user = state.first_time_user.unwrap_or(true);
        let epoch = old.as_ref().map_or(0, |old| old.facts.epoch);
        if let Some(old) = old {
            if old.salt != self.salt {
                return Err(Setback::HashedForAnother);
            }
            version = old.version.saturating_add(1);
            first_time_user = state.first_time_user.unwrap_or(old.first_time_user);
            if let Some(hash) = open_pin_hash_unless_broken(
                c,
                Purpose::Pin,
                guid,
                old.version,
                &old.key_id,
                &old.sealed,
                &old.salt,
                &old.params,
            )? {
                c.tx.put_pin_history(
                    guid,
                    &HistoryRow {
                        version: old.version,
                        params: old.params,
                        key_id: c.key.id().clone(),
                        sealed: seal_pin_hash(
                            c.key,
                            Purpose::History,
                            guid,
                            old.version,
                            &hash,
                            &old.salt,
                            &old.params,
                        )?,
                    },
                )?;
            }
        }
        c.tx.put_pin(
            guid,
            &PinRow {
                version,
                salt: self.salt,
                params: *params,
                key_id: c.key.id().clone(),
                sealed: seal_pin_hash(c.key, Purpose::Pin, guid, version, hash, &self.salt, params)?,
                facts: PinFacts {
                    set_at: c.now,
                    forced_expired: state.forced_expired,
                    failures: state.failures,
                    last_failure_at: state.last_failure_at,
                    lifetime_failures: state.lifetime_failures,
                    epoch,
                    admin_locked: state.admin_locked,
                },
                first_time_user,
                expiry_noticed: false,
            },
        )?;
        Ok(c.pin_changed(guid, before, version)?)
    }
}

/// What a hash was made with, as it is sealed behind the hash: salt, memory, passes, lanes. So that nobody can lower
/// the cost of a stored hash, or give it another salt, without the key.
fn salt_and_cost_bytes(salt: &Salt, params: &HashParams) -> [u8; 28] {
    let mut bytes = [0; 28];
    let numbers = [params.memory_kib, params.passes, params.lanes].map(u32::to_le_bytes);
    for (to, from) in bytes.iter_mut().zip(salt.iter().chain(numbers.as_flattened())) {
        *to = *from;
    }
    bytes
}

/// Seals a hash for its place, together with what it was made with.
pub(crate) fn seal_pin_hash(
    key: &MasterKey,
    purpose: Purpose,
    guid: &RecipientGuid,
    version: i64,
    hash: &PinHash,
    salt: &Salt,
    params: &HashParams,
) -> Result<Vec<u8>> {
    let mut plain = Zeroizing::new([0; PinHash::LEN + 28]);
    let (head, tail) = plain.split_at_mut(PinHash::LEN);
    head.copy_from_slice(hash.expose());
    tail.copy_from_slice(&salt_and_cost_bytes(salt, params));
    seal(key, purpose, &pin_context(guid, version), plain.as_slice())
}

/// Opens what [`seal_pin_hash`] made. Another salt or cost in the row than was sealed is a broken seal. A value of the
/// first version of this program holds the hash alone; it gets the rest with its next PIN.
#[allow(clippy::too_many_arguments)]
pub(crate) fn open_pin_hash(
    keys: &KeyRing,
    purpose: Purpose,
    guid: &RecipientGuid,
    version: i64,
    key_id: &KeyId,
    sealed: &[u8],
    salt: &Salt,
    params: &HashParams,
) -> Result<PinHash> {
    let bytes = open(keys.get(key_id)?, purpose, &pin_context(guid, version), sealed)?;
    let hash = bytes.get(..PinHash::LEN).and_then(PinHash::from_opened);
    hash.filter(|_| fits_its_row(&bytes, salt, params)).ok_or_else(|| {
        Error::on(
            Condition::BrokenSeal,
            "A stored PIN does not fit its salt or its cost: they were changed outside this program. Nothing was \
             changed. Restore the store from a backup, or set a new PIN for the mailbox.",
        )
        .about(guid.as_str())
    })
}

/// Whether an opened seal holds a hash, and the salt and cost that its row names (or none, as in the first version).
pub(crate) fn fits_its_row(plain: &[u8], salt: &Salt, params: &HashParams) -> bool {
    plain
        .split_at_checked(PinHash::LEN)
        .is_some_and(|(_, tail)| tail.is_empty() || tail == salt_and_cost_bytes(salt, params).as_slice())
}

/// As [`open_pin_hash`], but `None` where the seal is broken. A missing key is an error all the same.
#[allow(clippy::too_many_arguments)]
fn open_pin_hash_unless_broken(
    c: &Change<'_>,
    purpose: Purpose,
    guid: &RecipientGuid,
    version: i64,
    key_id: &KeyId,
    sealed: &[u8],
    salt: &Salt,
    params: &HashParams,
) -> Result<Option<PinHash>> {
    match open_pin_hash(c.keys, purpose, guid, version, key_id, sealed, salt, params) {
        Ok(hash) => Ok(Some(hash)),
        Err(e) if e.is(Condition::BrokenSeal) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The refusal as an error: names the rule, never the PIN.
pub(crate) fn weak_pin_error(refusal: &Refusal, mailbox: &str) -> Error {
    Error::on(
        Condition::WeakPin,
        format!("The PIN for mailbox {mailbox} was refused: {refusal}. Nothing was changed. Choose another PIN."),
    )
    .about(mailbox)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;
    use crate::session::{Clock, Session, Tuning};
    use crate::support::{FIRST_PIN, Fixture, set};

    #[test]
    fn a_new_pin_is_compared_with_old_ones_under_the_costs_that_they_were_made_with() {
        let f = Fixture::new(PinPolicy { history_count: 5, ..PinPolicy::default() }, 1);
        let guid = f.state(0).guid;
        let costs = |session: &Session| session.read(|tx| Salted::for_mailbox(tx, &guid, session.hash)).unwrap().costs;
        assert_eq!(costs(&f.session).len(), 1, "each cost is hashed once");
        let mut tuning = Tuning::danger_test(Clock::Manual(f.clock.clone()));
        let dear = |tuning: &mut Tuning| {
            tuning.hash.memory_kib *= 2;
            Session::with(f.session.location().clone(), None, tuning.clone()).unwrap()
        };
        let second = dear(&mut tuning);
        assert_eq!(costs(&second).len(), 2);
        let refused = |session: &Session, pin| set(session, 0, Some(pin)).map(drop).unwrap_err().status;
        assert_eq!(refused(&second, FIRST_PIN), Status::WeakPin, "the current PIN, of the lower cost");
        set(&second, 0, Some("580437")).unwrap();
        let third = dear(&mut tuning);
        assert_eq!(costs(&third).len(), 3);
        for used in [FIRST_PIN, "580437"] {
            assert_eq!(refused(&third, used), Status::WeakPin, "{used}");
        }
        set(&third, 0, Some("604938")).unwrap();
        assert!(f.verify(0, "604938").accepted);
    }

    #[test]
    fn a_new_pin_begins_with_nothing_counted_and_its_expiry_not_announced() {
        let f = Fixture::new(PinPolicy::default(), 1);
        for _ in 0..3 {
            f.verify(0, "471147");
        }
        let guid = f.state(0).guid;
        let row = || f.session.read(|tx| tx.pin(&guid)).unwrap().unwrap();
        let announced = PinRow { expiry_noticed: true, ..row() };
        f.session
            .change(crate::session::Mode::Commit, &crate::session::Cause::new("Test"), |c| {
                c.tx.put_pin(&guid, &announced)
            })
            .unwrap();
        set(&f.session, 0, Some("580437")).unwrap();
        let (facts, expiry_noticed) = (row().facts, row().expiry_noticed);
        assert_eq!((facts.failures, facts.lifetime_failures, facts.last_failure_at), (0, 0, 0));
        assert!(!expiry_noticed && facts.set_at == f.session.now());
    }
}
