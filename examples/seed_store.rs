//! Makes a store with many enabled mailboxes for the benchmarks: `seed_store FOLDER COUNT`.
//!
//! All share one PIN (739182) and one hash of the shipped cost, since a hash for each would take minutes: a store like
//! this is for measuring and for nothing else.
#![allow(clippy::print_stderr)]

use std::path::Path;

use seed::{FIRST_PIN, Seeding, number};
use umpin::crypto::hash::HashParams;
use umpin::error::Result;
use umpin::pin::PinPolicy;
use umpin::session::Session;

#[path = "../tests/integration/support/seed.rs"]
mod seed;

const DIGITS: u32 = 7;

/// The PIN of every mailbox.
pub const PIN: &str = FIRST_PIN;

/// The number that signs in to mailbox `n`.
pub fn extension(n: usize) -> String {
    number(DIGITS, n)
}

/// A session on a new store with `count` enabled mailboxes.
pub fn seed(folder: &Path, count: usize) -> Result<Session> {
    let session = Session::open(Some(folder.join("um.db")), Some(folder.join("umpin.key")), None)?;
    let wanted = Seeding { people: count, digits: DIGITS, rules: PinPolicy::default(), hash: HashParams::SHIPPED };
    seed::seed(&session, wanted)?;
    Ok(session)
}

#[allow(dead_code)] // The benchmark of the library uses `seed` alone.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let made = match arguments.as_slice() {
        [_, folder, count] => count
            .parse()
            .map_err(|_| "COUNT is no number".to_owned())
            .and_then(|count| seed(Path::new(folder), count).map(drop).map_err(|e| e.to_string())),
        _ => Err("usage: seed_store FOLDER COUNT".to_owned()),
    };
    if let Err(why) = made {
        eprintln!("{why}");
        std::process::exit(1);
    }
}
