//! The same hash by libsodium, where that library is installed: the one place of the benchmark that calls C.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_ulonglong, c_void};
use std::time::Duration;

use super::{Bare, PIN, median, timed};
use umpin::crypto::hash::HashParams;

const ROUNDS: usize = 60;
const LIBRARIES: [&std::ffi::CStr; 3] = [c"libsodium.so.26", c"libsodium.so.23", c"libsodium.dylib"];
/// crypto_pwhash_ALG_ARGON2ID13.
const ARGON2ID: c_int = 2;

type Init = unsafe extern "C" fn() -> c_int;
type Hash = unsafe extern "C" fn(
    *mut u8,
    c_ulonglong,
    *const c_char,
    c_ulonglong,
    *const u8,
    c_ulonglong,
    usize,
    c_int,
) -> c_int;

/// crypto_pwhash of a library that is installed.
fn find() -> Option<Hash> {
    // SAFETY: the names end with NUL, and the library is never closed.
    let library =
        LIBRARIES.iter().map(|name| unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) }).find(|l| !l.is_null())?;
    // SAFETY: as above.
    let [init, hash] = [c"sodium_init", c"crypto_pwhash"].map(|name| unsafe { libc::dlsym(library, name.as_ptr()) });
    if init.is_null() || hash.is_null() {
        return None;
    }
    // SAFETY: sodium.h declares this function so.
    let init = unsafe { std::mem::transmute::<*mut c_void, Init>(init) };
    // SAFETY: crypto_pwhash.h declares this one so.
    let hash = unsafe { std::mem::transmute::<*mut c_void, Hash>(hash) };
    // SAFETY: it may be called at any time, and before all others.
    (unsafe { init() } >= 0).then_some(hash)
}

/// By turns. libsodium asks the system for its memory at each hash; ours keeps it.
pub fn measure() {
    let Some(hash) = find() else {
        println!("  skipped: libsodium is not installed");
        return;
    };
    let costs = HashParams::SHIPPED;
    let (mut ours, mut theirs): (Vec<Duration>, Vec<Duration>) = (vec![], vec![]);
    let mut bare = Bare::new();
    for round in 0..ROUNDS + 5 {
        let expected = timed(&mut ours, || bare.hash());
        let mut out = [0; 32];
        // SAFETY: lengths are those of what is pointed at; the salt has the 16 bytes that it must have.
        let done = timed(&mut theirs, || unsafe {
            hash(
                out.as_mut_ptr(),
                out.len() as c_ulonglong,
                PIN.as_ptr().cast(),
                PIN.len() as c_ulonglong,
                Bare::SALT.as_ptr(),
                costs.passes.into(),
                costs.memory_kib as usize * 1024,
                ARGON2ID,
            )
        });
        assert_eq!((done, out), (0, expected), "the same hash");
        if round < 5 {
            ours.clear();
            theirs.clear();
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("  a bare hash {ours:.2?}, libsodium's {theirs:.2?}: {:.2}", ours.as_secs_f64() / theirs.as_secs_f64());
}
