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
pub type Salt = [u8; 16];

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

    /// Worth nothing against a guesser. For tests of everything but the hash.
    #[doc(hidden)]
    pub const fn danger_test_minimum() -> HashParams {
        HashParams { memory_kib: 8, passes: 1, lanes: 1 }
    }

    /// Whether a stored hash should be made anew with `self` at the next right sign-in.
    pub fn is_stronger_than(&self, stored: &HashParams) -> bool {
        self.memory_kib > stored.memory_kib || self.passes > stored.passes
    }
}

/// An Argon2id hash of a PIN. Compared in constant time, erased when dropped, printed by nothing.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PinHash([u8; PinHash::LEN]);

impl PinHash {
    /// Bytes.
    pub const LEN: usize = 32;

    /// For the seal alone.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// From an opened seal; `None` where the length is wrong.
    pub fn from_opened(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Constant-time.
    pub fn matches(&self, other: &PinHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Arenas that wait for the next hash, erased. At most one a core is kept.
static ARENAS: Lazy<Mutex<Vec<Vec<Block>>>> = Lazy::new(Mutex::default);

fn cores() -> usize {
    static CORES: Lazy<usize> = Lazy::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// Hashes `pin`. Takes about 15 ms with the shipped parameters; call it with no lock held.
pub fn hash(pin: &Pin, salt: &Salt, params: &HashParams) -> Result<PinHash> {
    let broken = |_| Error::new(Status::Internal, "The PIN could not be hashed. Nothing was changed.");
    let cost = Params::new(params.memory_kib, params.passes, params.lanes, Some(PinHash::LEN)).map_err(broken)?;
    let blocks = cost.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);

    let mut arena = take_arena(blocks);
    let mut out = PinHash([0; PinHash::LEN]);
    let done = argon2.hash_password_into_with_memory(pin.expose(), salt, &mut out.0, &mut arena[..blocks]);
    give_back(arena, blocks);
    done.map_err(broken)?;
    Ok(out)
}

fn take_arena(blocks: usize) -> Vec<Block> {
    let mut waiting = ARENAS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(at) = waiting.iter().position(|a| a.len() >= blocks) {
        return waiting.swap_remove(at);
    }
    drop(waiting);
    vec![Block::new(); blocks]
}

fn give_back(mut arena: Vec<Block>, used: usize) {
    // A plain fill runs at memory speed where volatile writes word by word do not; black_box keeps it from being
    // optimised away, since the compiler must assume that the memory is read.
    arena[..used].fill(Block::new());
    black_box(arena.as_ptr());
    let mut waiting = ARENAS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if waiting.len() < cores() {
        waiting.push(arena);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vector made with the reference implementation's command line:
    /// `printf 7391824650 | argon2 somesaltsomesalt -id -t 2 -k 19456 -p 1 -l 32 -r`.
    #[test]
    fn agrees_with_an_allocating_argon2() {
        let pin = Pin::new("7391824650");
        let salt = *b"somesaltsomesalt";
        let mut expected = [0u8; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, Some(32)).unwrap())
            .hash_password_into(pin.expose(), &salt, &mut expected)
            .unwrap();
        assert_eq!(hash(&pin, &salt, &HashParams::SHIPPED).unwrap().0, expected);
    }

    #[test]
    fn a_reused_arena_gives_the_same_hash_and_is_erased() {
        let params = HashParams { memory_kib: 64, passes: 1, lanes: 1 };
        let salt = [7; 16];
        let first = hash(&Pin::new("580437"), &salt, &params).unwrap();
        for other in ["111111", "222222"] {
            assert!(!hash(&Pin::new(other), &salt, &params).unwrap().matches(&first));
        }
        assert!(hash(&Pin::new("580437"), &salt, &params).unwrap().matches(&first));
        let waiting = ARENAS.lock().unwrap();
        for arena in waiting.iter() {
            assert!(arena.iter().all(|b| b.as_ref().iter().all(|word: &u64| *word == 0)));
        }
    }
}
