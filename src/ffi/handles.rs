//! Handles are numbers, looked up here, so that one that is closed, forged or of the wrong kind is an error and not a
//! crash. A number is never used twice in a process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use once_cell::sync::Lazy;

use crate::error::{Error, Result, Status};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// The open handles of one kind.
pub(super) struct Handles<T> {
    kind: &'static str,
    open: Lazy<RwLock<HashMap<u64, Arc<T>>>>,
}

impl<T> Handles<T> {
    pub(super) const fn new(kind: &'static str) -> Self {
        Self { kind, open: Lazy::new(RwLock::default) }
    }

    pub(super) fn open(&self, value: T) -> u64 {
        let handle = NEXT.fetch_add(1, Ordering::Relaxed);
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::new(value));
        handle
    }

    /// What the handle stands for; it stays alive for the call, also when another thread closes it meanwhile.
    pub(super) fn get(&self, handle: u64) -> Result<Arc<T>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&handle).cloned().ok_or_else(|| self.unknown(handle))
    }

    pub(super) fn close(&self, handle: u64) -> Result<()> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.remove(&handle).map(drop).ok_or_else(|| self.unknown(handle))
    }

    fn unknown(&self, handle: u64) -> Error {
        Error::new(Status::InvalidHandle, format!("{} {handle} is not open. Nothing was changed.", self.kind))
    }
}
