//! Argon2id over an arena that is reused, not allocated for each hash, and erased unless the next hash waits for it.
//!
//! Parameters: OWASP's minimum for Argon2id (19 MiB, t=2, p=1), which keeps a high-end GPU below ten thousand
//! hashes a second. One salt a mailbox, so one evaluation serves the current PIN and the whole history.

use std::hint::black_box;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use once_cell::sync::Lazy;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{Error, Result, Status};
use crate::os::{HashMemory, Pages};
use crate::pin::Pin;

/// A mailbox's salt.
pub(crate) type Salt = [u8; 16];

/// What a hash costs; stored with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParams {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl HashParams {
    /// What new hashes get: OWASP's minimum.
    pub const SHIPPED: HashParams = HashParams { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// Protects nothing. For tests of everything but the hash.
    #[doc(hidden)]
    pub(crate) const fn danger_test_minimum() -> HashParams {
        HashParams { memory_kib: 8, passes: 1, lanes: 1 }
    }

    /// The most memory that a stored hash may ask for, in KiB: 1 GiB, far above every cost that was ever set.
    pub(crate) const MAX_MEMORY_KIB: u32 = 1024 * 1024;
    /// The most passes, and the most lanes.
    pub(crate) const MAX_PASSES: u32 = 64;

    /// Whether it is a cost that anybody sets; any other was written into the row by somebody else.
    pub(crate) fn is_allowed(&self) -> bool {
        self.memory_kib <= Self::MAX_MEMORY_KIB && self.passes <= Self::MAX_PASSES && self.lanes <= Self::MAX_PASSES
    }

    /// Whether a stored hash should be made anew with `self` at the next right sign-in.
    pub(crate) fn is_stronger_than(&self, stored: &HashParams) -> bool {
        self.memory_kib > stored.memory_kib || self.passes > stored.passes
    }
}

/// An Argon2id hash of a PIN. Compared in constant time, erased when dropped, printed by nothing.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PinHash([u8; PinHash::LEN]);

impl PinHash {
    /// The length of a hash, in bytes.
    pub(crate) const LEN: usize = 32;

    /// For the seal alone.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// From an opened seal; `None` where the length is wrong.
    pub(crate) fn from_opened(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Whether both are the same hash, compared in constant time.
    pub(crate) fn matches(&self, other: &PinHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Memory for as many hashes at a time as there are cores. More would only take turns on the cores, and push each
/// other's memory out of the processor's caches; who waits here meanwhile leaves the core to others.
#[derive(Default)]
struct Arenas {
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    /// Erased, for the next hashes. At most one a core.
    waiting: Vec<HashMemory>,
    /// How many are lent.
    lent: usize,
    /// How many hashes wait until fewer are lent.
    wanted: usize,
    /// Not erased, for a hash that waits: it writes to each block before it reads it, and the three hundredths of its
    /// time that erasing takes are saved. Whoever is lent one takes these first, so none stays here.
    handed_on: Vec<Used>,
}

/// Memory, and how many of its first blocks are to be erased.
struct Used(HashMemory, usize);

/// An arena for one hash; given back when it is dropped, and erased then unless another hash waits for it.
struct Lent<'a> {
    arenas: &'a Arenas,
    memory: Option<Used>,
    blocks: usize,
}

static ARENAS: Lazy<Arenas> = Lazy::new(Arenas::default);

fn cores() -> usize {
    static CORES: Lazy<usize> = Lazy::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// Hashes `pin`. Takes about 15 ms with the shipped parameters; call it with no lock held.
pub fn hash(pin: &Pin, salt: &Salt, params: &HashParams) -> Result<PinHash> {
    Hashing::begin(params)?.hash(pin, salt)
}

/// A hash whose cost was looked at and whose memory is there, so that nothing can be in its way any more.
pub(crate) struct Hashing<'a> {
    argon2: Argon2<'static>,
    arena: Lent<'a>,
}

impl Hashing<'static> {
    /// An error where the cost is one that nobody sets, or where there is not enough memory.
    pub(crate) fn begin(params: &HashParams) -> Result<Self> {
        Hashing::begin_in(&ARENAS, params)
    }
}

impl<'a> Hashing<'a> {
    fn begin_in(arenas: &'a Arenas, params: &HashParams) -> Result<Self> {
        if !params.is_allowed() {
            // A row that somebody altered must not take the host's memory, nor keep it busy for hours.
            return Err(Error::new(
                Status::SealBroken,
                format!(
                    "A stored PIN's cost ({} KiB, {} passes, {} lanes) is above every cost that is ever set: it was \
                     changed outside this program. Nothing was changed, and no sign-in was counted. Restore the store \
                     from a backup, or set a new PIN for the mailbox.",
                    params.memory_kib, params.passes, params.lanes
                ),
            ));
        }
        let cost = Params::new(params.memory_kib, params.passes, params.lanes, Some(PinHash::LEN))
            .map_err(|_| not_hashed())?;
        let arena = arenas.lend(cost.block_count())?;
        Ok(Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, cost), arena })
    }

    /// Where its memory lies.
    pub(crate) fn pages(&self) -> Option<Pages> {
        self.arena.memory.as_ref().map(|Used(memory, _)| memory.pages())
    }

    /// The memory is erased when `self` is dropped, not here.
    pub(crate) fn hash(&mut self, pin: &Pin, salt: &Salt) -> Result<PinHash> {
        let mut out = PinHash([0; PinHash::LEN]);
        let memory = self.arena.blocks();
        self.argon2.hash_password_into_with_memory(pin.expose(), salt, &mut out.0, memory).map_err(|_| not_hashed())?;
        Ok(out)
    }
}

/// What nobody should ever be told.
pub(crate) fn not_hashed() -> Error {
    Error::new(Status::Internal, "The PIN could not be hashed. Nothing was changed.")
}

impl Arenas {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(&self, blocks: usize) -> Result<Lent<'_>> {
        let mut state = self.state();
        state.wanted += 1;
        let mut state = self
            .returned
            // (How many cores there are takes a tenth of a millisecond to find out, and the first need not know.)
            .wait_while(state, |state| state.lent > 0 && state.lent >= cores())
            .unwrap_or_else(PoisonError::into_inner);
        state.wanted -= 1;
        state.lent += 1;
        let fits = |memory: &HashMemory| memory.count() >= blocks;
        let (handed_on, too_small) = match state.handed_on.pop() {
            Some(Used(memory, used)) if fits(&memory) => (Some(Used(memory, used.max(blocks))), None),
            other => (None, other),
        };
        let memory = handed_on.or_else(|| {
            let at = state.waiting.iter().position(fits)?;
            Some(Used(state.waiting.swap_remove(at), blocks))
        });
        drop(state);
        if let Some(mut used) = too_small {
            used.erase();
        }
        let mut lent = Lent { arenas: self, memory, blocks };
        if lent.memory.is_none() {
            // The library lives in somebody else's process, which must outlive a lack of memory.
            let memory = HashMemory::new(blocks).ok_or_else(|| {
                Error::new(
                    Status::Internal,
                    format!("There is not enough memory to hash a PIN ({blocks} KiB). Nothing was changed. Try again."),
                )
            })?;
            lent.memory = Some(Used(memory, blocks));
        }
        Ok(lent)
    }
}

impl Lent<'_> {
    fn blocks(&mut self) -> &mut [Block] {
        self.memory.as_mut().map_or(&mut [], |Used(memory, _)| memory.blocks(self.blocks))
    }
}

impl Used {
    fn erase(&mut self) {
        // A plain fill runs at memory speed where volatile writes word by word do not; black_box keeps it from being
        // optimised away, since the compiler must assume that the memory is read.
        let blocks = black_box(self.0.blocks(self.1));
        blocks.fill(Block::new());
        black_box(blocks.as_ptr());
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut memory = self.memory.take();
        let mut state = self.arenas.state();
        // More of them than there are hashes that wait would leave one here.
        if state.wanted > state.handed_on.len()
            && let Some(used) = memory.take()
        {
            state.handed_on.push(used);
        } else {
            drop(state);
            memory.iter_mut().for_each(Used::erase);
            state = self.arenas.state();
        }
        state.lent -= 1;
        if let Some(Used(memory, _)) = memory
            && (state.waiting.is_empty() || state.waiting.len() < cores())
        {
            state.waiting.push(memory);
        }
        drop(state);
        self.arenas.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes are the reference implementation's (libargon2, which its command line prints too):
    /// `printf 7391824650 | argon2 somesaltsomesalt -id -t 2 -k 19456 -p 1 -l 32 -r`.
    #[test]
    fn agrees_with_the_reference_implementation() {
        let told: String = hash(&Pin::new("7391824650"), b"somesaltsomesalt", &HashParams::SHIPPED)
            .unwrap()
            .0
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(told, "51e0f2fec907b4b8c793cf969bd6d4c2038e66517f4c0bc831c4777977b14ee7");
    }

    #[test]
    fn a_cost_that_nobody_set_is_an_error_and_takes_no_memory() {
        let fine = HashParams::danger_test_minimum();
        for odd in [
            HashParams { memory_kib: u32::MAX, ..fine },
            HashParams { memory_kib: HashParams::MAX_MEMORY_KIB + 1, ..fine },
            HashParams { passes: HashParams::MAX_PASSES + 1, ..fine },
            HashParams { memory_kib: 8 * 65, lanes: HashParams::MAX_PASSES + 1, ..fine },
        ] {
            assert_eq!(hash(&Pin::new("580437"), &[7; 16], &odd).map(|_| ()).unwrap_err().status, Status::SealBroken);
        }
        let most = HashParams { memory_kib: 8 * 64, passes: HashParams::MAX_PASSES, lanes: HashParams::MAX_PASSES };
        assert!(hash(&Pin::new("580437"), &[7; 16], &most).is_ok());
        assert!(HashParams { memory_kib: HashParams::MAX_MEMORY_KIB, ..fine }.is_allowed());
        let arenas = Arenas::default();
        for _ in 0..2 * cores() {
            // Nor does it keep a place from others.
            assert_eq!(arenas.lend(usize::MAX / 2048).map(|_| ()).unwrap_err().status, Status::Internal);
        }
    }

    #[test]
    fn a_cost_is_the_weaker_by_memory_or_by_passes() {
        let stored = HashParams { memory_kib: 64, passes: 2, lanes: 1 };
        let stronger = |memory_kib, passes| HashParams { memory_kib, passes, lanes: 1 }.is_stronger_than(&stored);
        assert!(stronger(65, 2) && stronger(64, 3) && stronger(65, 1) && stronger(1, 3));
        assert!(!stronger(64, 2) && !stronger(63, 2) && !stronger(64, 1));
        assert!(!HashParams { lanes: 9, ..stored }.is_stronger_than(&stored));
    }

    fn is_erased(memory: &mut HashMemory) -> bool {
        memory.blocks(usize::MAX).iter().all(|b| b.as_ref().iter().all(|word: &u64| *word == 0))
    }

    fn fill(mut lent: Lent<'_>) -> Lent<'_> {
        lent.blocks().iter_mut().for_each(|block| block.as_mut().fill(0x5555_5555_5555_5555));
        lent
    }

    /// As many as are lent at a time, filled.
    fn all_of(arenas: &Arenas) -> Vec<Lent<'_>> {
        let lend = || {
            let mut lent = arenas.lend(70).unwrap();
            assert!(is_erased(&mut lent.memory.as_mut().unwrap().0) && lent.blocks().len() == 70);
            fill(lent)
        };
        (0..cores()).map(|_| lend()).collect()
    }

    fn until_one_waits(arenas: &Arenas) {
        while arenas.state().wanted == 0 {
            std::thread::yield_now();
        }
    }

    /// Nothing is left of any hash.
    fn assert_erased(arenas: &Arenas, kept: usize) {
        let mut state = arenas.state();
        assert_eq!((state.lent, state.wanted, state.handed_on.len(), state.waiting.len()), (0, 0, 0, kept));
        assert!(state.waiting.iter_mut().all(is_erased));
    }

    #[test]
    fn as_many_arenas_are_lent_and_kept_as_there_are_cores_and_the_next_hash_writes_over_what_it_is_handed() {
        let params = HashParams { memory_kib: 70, passes: 2, lanes: 1 };
        let hash = |arenas: &Arenas, as_it_was: bool| {
            let mut hashing = Hashing::begin_in(arenas, &params).unwrap();
            assert_eq!(is_erased(&mut hashing.arena.memory.as_mut().unwrap().0), !as_it_was);
            hashing.hash(&Pin::new("580437"), &[7; 16]).unwrap()
        };
        let expected = hash(&Arenas::default(), false);
        let arenas = Arenas::default();
        let lent = all_of(&arenas);
        let made = std::thread::scope(|scope| {
            let other = scope.spawn(|| hash(&arenas, true));
            until_one_waits(&arenas);
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!other.is_finished() && arenas.state().lent == cores(), "one more than there are cores");
            drop(lent);
            other.join().unwrap()
        });
        assert!(made.matches(&expected));
        assert_erased(&arenas, cores());
    }

    #[test]
    fn a_hash_that_is_handed_too_little_gets_its_own_and_a_smaller_one_erases_what_the_larger_left() {
        for blocks in [71, 8] {
            let arenas = Arenas::default();
            let lent = all_of(&arenas);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let lent = arenas.lend(blocks).unwrap();
                    assert_eq!(fill(lent).blocks().len(), blocks);
                });
                until_one_waits(&arenas);
                drop(lent);
            });
            assert_erased(&arenas, cores());
        }
    }

    #[test]
    fn a_hash_that_is_handed_too_little_takes_what_waits_and_fits() {
        let arenas = Arenas::default();
        let lent = all_of(&arenas);
        let large = HashMemory::new(100).unwrap();
        let at = large.pages();
        arenas.state().waiting.push(large);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let lent = arenas.lend(100).unwrap();
                lent.memory.as_ref().unwrap().0.pages() == at
            });
            until_one_waits(&arenas);
            drop(lent);
            assert!(other.join().unwrap());
        });
        assert_erased(&arenas, cores());
    }

    #[test]
    fn whoever_is_first_and_whatever_is_asked_for_nothing_is_left() {
        let arenas = Arenas::default();
        std::thread::scope(|scope| {
            for n in 0..4 * cores() {
                let arenas = &arenas;
                scope.spawn(move || {
                    for round in 0..200 {
                        let lent = fill(arenas.lend(8 + (7 * n + 3 * round) % 20).unwrap());
                        assert!(arenas.state().lent <= cores());
                        drop(lent);
                    }
                });
            }
        });
        let kept = arenas.state().waiting.len();
        assert!((1..=cores()).contains(&kept));
        assert_erased(&arenas, kept);
    }

    #[test]
    fn a_reused_arena_gives_the_same_hash_and_is_erased() {
        let arenas = Arenas::default();
        let params = HashParams { memory_kib: 64, passes: 1, lanes: 1 };
        let hash = |pin: &str| {
            let mut hashing = Hashing::begin_in(&arenas, &params).unwrap();
            hashing.hash(&Pin::new(pin), &[7; 16]).unwrap()
        };
        let first = hash("580437");
        let at = {
            let waiting = &mut arenas.state().waiting;
            assert!(waiting.len() == 1 && is_erased(&mut waiting[0]), "not given back");
            waiting[0].blocks(1).as_ptr()
        };
        for other in ["111111", "222222"] {
            assert!(!hash(other).matches(&first));
        }
        assert!(hash("580437").matches(&first));
        let waiting = &mut arenas.state().waiting;
        assert!(waiting.len() == 1 && waiting[0].blocks(1).as_ptr() == at, "not reused, though it was large enough");
        assert!(is_erased(&mut waiting[0]));
    }
}
