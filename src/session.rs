//! A session: one store, one key file, one clock, and who is asking.

use crate::crypto::key::KeyId;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::crypto::chain::head;
use crate::crypto::hash::HashParams;
use crate::crypto::hex::hex;
use crate::crypto::key::{KeyFile, KeyRing, MasterKey};
use crate::crypto::seal::{Purpose, seal};
use crate::error::{Condition, Error, Result, Status, Warning};
use crate::guid::{RecipientGuid, new_guid};
use crate::location::Location;
use crate::os;
use crate::os::random;
use crate::store::{Store, Tx, settings};

/// A refusal is answered when this much time has passed since the call came, or the next whole multiple of it. It is
/// longer than the slowest refusal takes, so that wrong, locked and unknown take the same time.
pub(crate) const REFUSAL_INTERVAL: Duration = Duration::from_millis(100);

/// Stands between the account and the program that it runs, where a person came through one.
pub(crate) const THROUGH: &str = " through ";

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The operating system.
    System,
    /// A test's own: milliseconds since 1970-01-01 UTC.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) fn now(&self) -> i64 {
        match self {
            Clock::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
            Clock::Manual(now) => now.load(Ordering::SeqCst),
        }
    }
}

/// What a test may want otherwise.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Where the time comes from.
    pub clock: Clock,
    /// What new hashes cost.
    pub hash: HashParams,
    /// A refused sign-in is answered when a whole multiple of this has passed since it came.
    pub refusal_interval: Duration,
}

impl Tuning {
    /// What users get.
    pub const SHIPPED: Tuning =
        Tuning { clock: Clock::System, hash: HashParams::SHIPPED, refusal_interval: REFUSAL_INTERVAL };

    /// Hashes that protect nothing and refusals that tell by their time. For tests of everything else.
    #[doc(hidden)]
    pub fn danger_test(clock: Clock) -> Self {
        Self { clock, hash: HashParams::danger_test_minimum(), refusal_interval: Duration::ZERO }
    }
}

/// Who and what stands behind a call, for the audit trail and for messages.
#[derive(Clone, Debug, Default)]
pub struct Cause {
    /// The operation, by its cmdlet's name.
    pub cmdlet: String,
    /// The bound parameters as JSON, without secrets.
    pub parameters: String,
    /// A fully qualified name, or empty.
    pub domain_controller: String,
}

impl Cause {
    /// A cause with no parameters to record.
    pub fn new(cmdlet: &str) -> Self {
        Self { cmdlet: cmdlet.into(), ..Self::default() }
    }
}

/// Whether a change is for real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything runs and is rolled back; nothing is created.
    Validate,
    /// Everything runs and is committed.
    Commit,
}

/// One store as one caller sees it. Usable from many threads.
pub struct Session {
    pub(crate) store: Arc<Store>,
    pub(crate) keys: Arc<KeyFile>,
    pub(crate) clock: Clock,
    pub(crate) hash: HashParams,
    pub(crate) caller: String,
    pub(crate) claimed: String,
    /// The container that recipients are looked up in, as `canonical/name/`; empty is everywhere.
    pub(crate) scope: RwLock<String>,
    kept: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    pub(crate) refusal_interval: Duration,
    location: Location,
    left_behind: Option<Location>,
    lives_for_one_call: AtomicBool,
}

/// What a change works with, inside its transaction.
pub struct Change<'a> {
    /// The transaction.
    pub tx: &'a Tx<'a>,
    /// The key that everything new is sealed under.
    pub key: &'a MasterKey,
    /// All keys, for what is sealed already.
    pub keys: &'a KeyRing,
    /// The moment of the change.
    pub now: i64,
    /// What is asked, and by whom.
    pub cause: &'a Cause,
    pub(crate) caller: &'a str,
    pub(crate) claimed: &'a str,
}

impl Session {
    /// A session over the named files (or the usual ones). Touches no file.
    pub fn open(store: Option<PathBuf>, key: Option<PathBuf>, remote_user: Option<String>) -> Result<Self> {
        let mut session = Self::with(Location::resolve(store, key)?, remote_user, Tuning::SHIPPED)?;
        session.left_behind = session.location.left_behind();
        Ok(session)
    }

    /// The same with the caller's own tuning.
    #[doc(hidden)]
    pub fn with(location: Location, remote_user: Option<String>, tuning: Tuning) -> Result<Self> {
        location.refuse_network()?;
        Ok(Self {
            store: Arc::new(Store::open(&location.store)?),
            keys: Arc::new(KeyFile::new(location.key.clone())),
            clock: tuning.clock,
            hash: tuning.hash,
            refusal_interval: tuning.refusal_interval,
            caller: os::account(),
            claimed: remote_user.unwrap_or_default(),
            scope: RwLock::default(),
            kept: Mutex::default(),
            location,
            left_behind: None,
            lives_for_one_call: AtomicBool::default(),
        })
    }

    /// The same store and clock for somebody whom a program vouches for: the trail names `person` as it was told, and
    /// the account that runs `program` with the program's name. Cheap: the store's connections are shared.
    pub fn on_behalf_of(&self, person: &str, program: &str) -> Self {
        Self {
            store: Arc::clone(&self.store),
            keys: Arc::clone(&self.keys),
            clock: self.clock.clone(),
            hash: self.hash,
            refusal_interval: self.refusal_interval,
            caller: format!("{}{THROUGH}{program}", self.caller),
            claimed: person.to_owned(),
            scope: RwLock::new(self.scope()),
            kept: Mutex::default(),
            location: self.location.clone(),
            left_behind: None,
            lives_for_one_call: AtomicBool::default(),
        }
    }

    /// For a program that makes one call and ends. The store's log, while it is short, stays for the next one, which
    /// then need not make it anew; and a sign-in hashes while its try is counted, since nobody else needs the cores.
    pub fn live_for_one_call(&self) {
        self.lives_for_one_call.store(true, Ordering::Relaxed);
        self.store.leave_log();
    }

    pub(crate) fn lives_for_one_call(&self) -> bool {
        self.lives_for_one_call.load(Ordering::Relaxed)
    }

    /// Brings a store of an older version to today's, which the first use does in any case. This one tells how far it
    /// is, in parts done and in all; it tells nothing where there is nothing to do.
    pub fn bring_up_to_date(&self, tell: &dyn Fn(u64, u64)) -> Result<()> {
        self.store.bring_up_to_date(tell)
    }

    /// Whether the store can be read and its key is at hand; an error says what is wrong.
    pub fn check(&self) -> Result<()> {
        if !self.store.exists()? {
            return Err(Error::new(
                Status::StoreMissing,
                format!(
                    "The store '{}' does not exist. Name the right file in UMPIN_STORE.",
                    self.location.store.display()
                ),
            ));
        }
        self.read_sealed(|tx, keys| keys.get(&key_id(tx)?).map(drop))
    }

    /// Where the two files lie.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Said once a session: that the user's own store is not read any more, since the system's folders were made.
    pub fn left_behind(&self) -> Option<Warning> {
        self.left_behind.as_ref().map(|left| Warning {
            message: format!(
                "The store '{}' is used since its folder and that of its key '{}' exist; your own, '{}', was left \
                 behind, and nothing of it is read any more. To move it, see 'One store for all' in docs/keys.md; or \
                 delete it with its key '{}'. UMPIN_STORE and UMPIN_KEY_FILE name it meanwhile.",
                self.location.store.display(),
                self.location.key.display(),
                left.store.display(),
                left.key.display()
            ),
            once_per_session: true,
        })
    }

    /// Said once a session: that the store was brought to this program's version.
    pub fn upgraded(&self) -> Option<Warning> {
        self.store.is_upgraded().then(|| Warning {
            message: format!(
                "The store '{}' was brought to today's version, with all that it held. Programs of an older version \
                 cannot use it any more: update them, and make a new backup with Backup-UMPinStore.",
                self.location.store.display()
            ),
            once_per_session: true,
        })
    }

    /// What an operation of several calls keeps between them. The session holds it, and does not know what it is.
    pub(crate) fn shared_state<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let one = kept.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // The entry's key is its type, so the other arm is never taken.
        Arc::clone(one).downcast().unwrap_or_default()
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The container that recipients are looked up in; empty is everywhere.
    pub(crate) fn scope(&self) -> String {
        self.scope.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads on one consistent snapshot. A missing store reads as empty.
    pub fn read<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.store.read(work)
    }

    /// The same of one statement, or of several that need no common snapshot.
    pub(crate) fn read_once<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.store.read_once(work)
    }

    /// Reads on one consistent snapshot, with the keys that open what is sealed in it.
    pub(crate) fn read_sealed<T>(&self, mut work: impl FnMut(&Tx<'_>, &KeyRing) -> Result<T>) -> Result<T> {
        with_keys_of_today(|| self.read(|tx| work(tx, &*self.keys.load()?)))
    }

    /// The same of statements that need no common snapshot.
    pub(crate) fn read_sealed_once<T>(&self, mut work: impl FnMut(&Tx<'_>, &KeyRing) -> Result<T>) -> Result<T> {
        with_keys_of_today(|| self.read_once(|tx| work(tx, &*self.keys.load()?)))
    }

    /// Runs a change: committed, or rolled back where `mode` only validates. The store and its key are made first
    /// where a commit finds none. `work` may run more than once ([`Store::write`]). The key file is read inside the
    /// transaction: Update-UMPinKey drops an old key only after a transaction of its own found no row that needs it, so
    /// what is read here opens every row seen here.
    pub fn change<T>(&self, mode: Mode, cause: &Cause, mut work: impl FnMut(&Change<'_>) -> Result<T>) -> Result<T> {
        let initialised = self.store.exists()? && self.store.read(|tx| tx.key_id())?.is_some();
        match mode {
            Mode::Commit => {
                if !initialised {
                    self.initialise()?;
                }
                self.store.write(|tx| self.with_change(tx, &*self.keys.load()?, cause, &mut work))
            }
            Mode::Validate if initialised => {
                self.store.rehearse(|tx| self.with_change(tx, &*self.keys.load()?, cause, &mut work))
            }
            Mode::Validate => {
                // No store, so no key either: one for this rehearsal, in memory.
                let key = MasterKey::generate()?;
                let keys = KeyRing::in_memory(key.clone());
                self.store.rehearse(|tx| {
                    self.first_settings(tx, &key)?;
                    self.with_change(tx, &keys, cause, &mut work)
                })
            }
        }
    }

    /// The same, for real, of a change to one mailbox (or to none) and what belongs to it alone, in a store that is
    /// there. `soon` may say what `work` will ask first.
    pub(crate) fn change_mailbox<T>(
        &self,
        whose: Option<&RecipientGuid>,
        cause: &Cause,
        soon: impl Fn(&Tx<'_>) -> Result<()>,
        mut work: impl FnMut(&Change<'_>) -> Result<T>,
    ) -> Result<T> {
        self.store.write_mailbox(whose, |tx| {
            soon(tx)?;
            // Answered, and so the lock is held before the key file is read: a run that replaces the key keeps it out.
            tx.key_id()?;
            self.with_change(tx, &*self.keys.load()?, cause, &mut work)
        })
    }

    /// Whether somebody waits for the change that is under way, or that cannot be told.
    pub(crate) fn is_awaited(&self) -> bool {
        self.store.is_awaited()
    }

    /// Between two changes of a long piece of work: lets those who wait go first.
    pub(crate) fn make_room(&self) {
        self.store.make_room();
    }

    fn with_change<T>(
        &self,
        tx: &Tx<'_>,
        keys: &KeyRing,
        cause: &Cause,
        work: &mut impl FnMut(&Change<'_>) -> Result<T>,
    ) -> Result<T> {
        let key = keys.get(&key_id(tx)?)?;
        work(&Change { tx, key, keys, now: self.now(), cause, caller: &self.caller, claimed: &self.claimed })
    }

    fn initialise(&self) -> Result<()> {
        self.store.may_be_made()?;
        let keys = self.keys.load_or_create()?;
        let newest = keys.keys().first();
        let key = newest.ok_or_else(|| Error::new(Status::KeyMalformed, "The key file holds no key."))?;
        self.store.create(|tx| match tx.key_id()? {
            // Another process was first.
            Some(_) => Ok(()),
            None => self.first_settings(tx, key),
        })
    }

    fn first_settings(&self, tx: &Tx<'_>, key: &MasterKey) -> Result<()> {
        tx.set_setting(settings::KEY_ID, key.id().as_str())?;
        tx.set_setting(settings::STORE_ID, &new_guid()?)?;
        for (name, purpose) in SUBKEYS {
            let made = zeroize::Zeroizing::new(random::<32>()?);
            tx.set_setting(name, &hex(&seal(key, purpose, name, made.as_slice())?))?;
            if purpose == Purpose::AuditKey {
                // A trail without a head is thereby always one that was tampered with.
                tx.set_setting(settings::AUDIT_HEAD, &head(&made, 0, &[], 0, 0))?;
            }
        }
        Ok(())
    }

    /// The key that the store names, for a sign-in or a delivery. Never makes one.
    pub(crate) fn key_ring(&self) -> Result<Arc<KeyRing>> {
        self.keys.load()
    }
}

/// Update-UMPinKey may drop the old key between the reading of the store and that of the key file; read again, the
/// store then names only the new one. Twice in a row is a file that does not fit.
fn with_keys_of_today<T>(mut read: impl FnMut() -> Result<T>) -> Result<T> {
    const TRIES: usize = 3;
    let mut result = read();
    for _ in 1..TRIES {
        match &result {
            Err(e) if e.is(Condition::UnknownKey) => result = read(),
            _ => break,
        }
    }
    result
}

/// The keys that the store itself keeps, sealed under the key file's.
pub(crate) const SUBKEYS: [(&str, Purpose); 2] =
    [(settings::AUDIT_KEY, Purpose::AuditKey), (settings::SPRAY_KEY, Purpose::SprayKey)];

/// The id of the key that the store names.
pub(crate) fn key_id(tx: &Tx<'_>) -> Result<KeyId> {
    tx.key_id()?
        .ok_or_else(|| Error::new(Status::StoreDamaged, "the store names no key; it was changed outside this program"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_left_behind_is_told_of_with_every_answer_and_shown_once_a_session() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Location {
            store: folder.path().join(name).join("um.db"),
            key: folder.path().join(name).join("umpin.key"),
        };
        let mut session = Session::with(at("system"), None, Tuning::danger_test(Clock::System)).unwrap();
        let warnings = |session: &Session| {
            crate::cmdlets::execute(session, "Get-UMPinConfiguration", b"{}", None).unwrap().warnings
        };
        assert!(!warnings(&session).iter().any(|w| w.message.contains("left behind")));
        session.left_behind = Some(at("home"));
        for _ in 0..2 {
            let told = warnings(&session);
            let told = told.iter().find(|w| w.message.contains("left behind")).unwrap();
            assert!(told.once_per_session);
            for file in [at("system").store, at("home").store, at("home").key] {
                assert!(told.message.contains(file.to_str().unwrap()), "{}", told.message);
            }
        }
    }
}
