//! Argon2id over an arena that is reused and erased, not allocated for each hash.
//!
//! Parameters: OWASP's minimum for Argon2id (19 MiB, t=2, p=1), which keeps a high-end GPU below ten thousand
//! hashes a second. One salt a mailbox, so one evaluation serves the current PIN and the whole history.

use std::hint::black_box;
use std::sync::Mutex;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use once_cell::sync::Lazy;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{Error, Result, Status};
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

/// Arenas that wait for the next hash, erased. At most one a core is kept.
#[derive(Default)]
struct Arenas(Mutex<Vec<Vec<Block>>>);

static ARENAS: Lazy<Arenas> = Lazy::new(Arenas::default);

fn cores() -> usize {
    static CORES: Lazy<usize> = Lazy::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// Hashes `pin`. Takes about 15 ms with the shipped parameters; call it with no lock held.
pub fn hash(pin: &Pin, salt: &Salt, params: &HashParams) -> Result<PinHash> {
    hash_in(&ARENAS, pin, salt, params)
}

fn hash_in(arenas: &Arenas, pin: &Pin, salt: &Salt, params: &HashParams) -> Result<PinHash> {
    if !params.is_allowed() {
        // A row that somebody altered must not take the host's memory, nor keep it busy for hours.
        return Err(Error::new(
            Status::SealBroken,
            format!(
                "A stored PIN's cost ({} KiB, {} passes, {} lanes) is above every cost that is ever set: it was \
                 changed outside this program. Nothing was changed, and no sign-in was counted. Restore the store from \
                 a backup, or set a new PIN for the mailbox.",
                params.memory_kib, params.passes, params.lanes
            ),
        ));
    }
    let broken = |_| Error::new(Status::Internal, "The PIN could not be hashed. Nothing was changed.");
    let cost = Params::new(params.memory_kib, params.passes, params.lanes, Some(PinHash::LEN)).map_err(broken)?;
    let blocks = cost.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);

    let mut arena = arenas.take(blocks)?;
    let mut out = PinHash([0; PinHash::LEN]);
    let done = argon2.hash_password_into_with_memory(pin.expose(), salt, &mut out.0, &mut arena[..blocks]);
    arenas.give_back(arena, blocks);
    done.map_err(broken)?;
    Ok(out)
}

impl Arenas {
    fn take(&self, blocks: usize) -> Result<Vec<Block>> {
        let mut waiting = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(at) = waiting.iter().position(|a| a.len() >= blocks) {
            return Ok(waiting.swap_remove(at));
        }
        drop(waiting);
        let mut arena = Vec::new();
        // The library lives in somebody else's process, which must outlive a lack of memory.
        arena.try_reserve_exact(blocks).map_err(|_| {
            Error::new(
                Status::Internal,
                format!("There is not enough memory to hash a PIN ({blocks} KiB). Nothing was changed. Try again."),
            )
        })?;
        crate::os::prefer_large_pages(arena.spare_capacity_mut());
        arena.resize(blocks, Block::new());
        Ok(arena)
    }

    fn give_back(&self, mut arena: Vec<Block>, used: usize) {
        // A plain fill runs at memory speed where volatile writes word by word do not; black_box keeps it from being
        // optimised away, since the compiler must assume that the memory is read.
        arena[..used].fill(Block::new());
        black_box(arena.as_ptr());
        let mut waiting = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if waiting.len() < cores() {
            waiting.push(arena);
        }
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
        assert_eq!(Arenas::default().take(usize::MAX / 2048).map(|_| ()).unwrap_err().status, Status::Internal);
    }

    #[test]
    fn a_cost_is_the_weaker_by_memory_or_by_passes() {
        let stored = HashParams { memory_kib: 64, passes: 2, lanes: 1 };
        let stronger = |memory_kib, passes| HashParams { memory_kib, passes, lanes: 1 }.is_stronger_than(&stored);
        assert!(stronger(65, 2) && stronger(64, 3) && stronger(65, 1) && stronger(1, 3));
        assert!(!stronger(64, 2) && !stronger(63, 2) && !stronger(64, 1));
        assert!(!HashParams { lanes: 9, ..stored }.is_stronger_than(&stored));
    }

    fn is_erased(arena: &[Block]) -> bool {
        arena.iter().all(|b| b.as_ref().iter().all(|word: &u64| *word == 0))
    }

    #[test]
    fn an_arena_is_erased_when_it_is_given_back_and_one_a_core_is_kept() {
        let arenas = Arenas::default();
        for given in 1..=cores() + 2 {
            let mut arena = vec![Block::new(); 70];
            for block in &mut arena {
                block.as_mut().fill(0x5555_5555_5555_5555);
            }
            arenas.give_back(arena, 70);
            let waiting = arenas.0.lock().unwrap();
            assert_eq!(waiting.len(), given.min(cores()));
            assert!(waiting.iter().all(|arena| is_erased(arena)));
        }
    }

    #[test]
    fn a_reused_arena_gives_the_same_hash_and_is_erased() {
        let arenas = Arenas::default();
        let params = HashParams { memory_kib: 64, passes: 1, lanes: 1 };
        let hash = |pin: &str| hash_in(&arenas, &Pin::new(pin), &[7; 16], &params).unwrap();
        let first = hash("580437");
        let at = {
            let waiting = arenas.0.lock().unwrap();
            assert!(waiting.len() == 1 && is_erased(&waiting[0]), "not given back");
            waiting[0].as_ptr()
        };
        for other in ["111111", "222222"] {
            assert!(!hash(other).matches(&first));
        }
        assert!(hash("580437").matches(&first));
        let waiting = arenas.0.lock().unwrap();
        assert!(waiting.len() == 1 && waiting[0].as_ptr() == at, "not reused, though it was just large enough");
        assert!(is_erased(&waiting[0]));
    }
}
