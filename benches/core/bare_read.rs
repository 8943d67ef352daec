//! The floor of a look-up.

use std::path::Path;

/// What a Get-UMMailboxPIN reads, by the same crate and nothing else: the floor of a look-up.
pub struct BareRead(rusqlite::Connection);

impl BareRead {
    const QUERY: &str = "SELECT r.guid, r.primary_smtp_address, r.canonical_name, n.first_time_user, n.set_at, \
        n.forced_expired, n.failures, n.last_failure_at, n.lifetime_failures, n.admin_locked, p.min_length, \
        p.lifetime_days, p.history_count, p.allow_common_patterns, p.failures_before_reset, p.max_attempts, \
        p.lockout_minutes, p.lifetime_failures, p.block_human_pins FROM recipient_key k \
        JOIN recipient r ON r.id = k.recipient_id JOIN um_mailbox m ON m.recipient_id = r.id \
        JOIN policy p ON p.id = m.policy_id JOIN pin n ON n.recipient_id = r.id WHERE k.space = 0 AND k.key = ?1";

    /// On the store in a folder.
    pub fn open(folder: &Path) -> Self {
        let sql = rusqlite::Connection::open(folder.join("um.db")).unwrap();
        sql.pragma_update(None, "cache_size", -131_072).unwrap();
        Self(sql)
    }

    /// By any text that names a person, folded.
    pub fn read(&self, key: &str) {
        let mut query = self.0.prepare_cached(Self::QUERY).unwrap();
        query
            .query_row([key], |r| {
                for column in [1, 2] {
                    std::hint::black_box(r.get::<_, String>(column)?);
                }
                std::hint::black_box(r.get::<_, Vec<u8>>(0)?);
                for column in 3..19 {
                    std::hint::black_box(r.get::<_, Option<i64>>(column)?);
                }
                Ok(())
            })
            .unwrap();
    }
}
