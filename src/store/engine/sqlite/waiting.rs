//! Who waits to write says so, that a long piece of work can make room. SQLite's lock tells its holder nothing.
//!
//! Threads of the session are counted. A connection of another session or program has a shared lock on the store's
//! folder while it waits: the system forgets it with the program, and no file of its own is needed. A wish and no more:
//! where the folder cannot be opened, or is locked by somebody who has no business there, only times change.

#[cfg(unix)]
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(unix)]
use crate::location;

/// The threads of a session that write, one at a time.
#[derive(Default)]
pub(super) struct Writers {
    one: Mutex<()>,
    waiting: AtomicUsize,
}

impl Writers {
    /// Waits until no other thread of the session writes.
    pub(super) fn enter(&self) -> MutexGuard<'_, ()> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        one
    }

    /// Whether one of them waits for another.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// While it lives, [`is_awaited`] is true of this store.
#[cfg(unix)]
pub(super) struct Said {
    folder: File,
}

#[cfg(unix)]
impl Drop for Said {
    fn drop(&mut self) {
        // To close it would not do where the host forked meanwhile: the child has the same lock.
        let _ = self.folder.unlock();
    }
}

/// Says that one waits to write to this store; `None` where somebody just looks, or it cannot be said.
#[cfg(unix)]
pub(super) fn say(store: &Path) -> Option<Said> {
    let folder = File::open(location::folder_of(store)).ok()?;
    folder.try_lock_shared().ok()?;
    Some(Said { folder })
}

/// Whether a connection of another session or program waits to write to this store.
#[cfg(unix)]
pub(super) fn is_awaited(store: &Path) -> bool {
    let Ok(folder) = File::open(location::folder_of(store)) else { return true };
    let is_free = folder.try_lock().is_ok();
    let _ = folder.unlock();
    !is_free
}

/// There is none: a folder cannot be locked here.
#[cfg(windows)]
pub(super) enum Said {}

#[cfg(windows)]
pub(super) fn say(_store: &Path) -> Option<Said> {
    None
}

/// Nobody can say so here, so that room must be made as if somebody had.
#[cfg(windows)]
pub(super) fn is_awaited(_store: &Path) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::{Database, Scope};
    use crate::location;

    fn becomes(database: &Database, awaited: bool) -> bool {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(60) {
            if database.is_awaited() == awaited {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }

    fn writes(database: &Database) {
        database.run(Scope::Change, |_| Ok(())).unwrap();
    }

    #[test]
    fn who_waits_is_heard_until_it_writes_and_where_the_folder_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        std::fs::create_dir(&real).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let one = Database::new(real.join("um.db"));
        one.create(|_| Ok(())).unwrap();
        let other = Database::new(link.join("um.db"));
        for (holder, waiter) in [(&one, &other), (&other, &one), (&one, &one)] {
            assert!(!holder.is_awaited());
            std::thread::scope(|scope| {
                holder
                    .run(Scope::Change, |_| {
                        assert!(!holder.is_awaited());
                        scope.spawn(|| writes(waiter));
                        assert!(becomes(holder, true));
                        Ok(())
                    })
                    .unwrap();
                assert!(becomes(holder, false));
            });
        }
    }

    #[test]
    fn one_that_reads_is_not_waited_for_and_a_folder_that_cannot_be_opened_is_as_if_somebody_waited() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path().join("um.db"));
        database.create(|_| Ok(())).unwrap();
        database
            .run(Scope::Change, |_| {
                let other = Database::new(folder.path().join("um.db"));
                other.run(Scope::Snapshot, |_| Ok(())).unwrap();
                assert!(!database.is_awaited());
                Ok(())
            })
            .unwrap();
        assert!(super::is_awaited(&location::beside(folder.path(), "-none/um.db")));
    }
}
