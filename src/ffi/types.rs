//! The plain C types of the boundary. Conventions stand at the head of `include/umpin.h`.

/// A session: a number, not an address. 0 is never valid; a closed one is an error, not a crash.
pub type UmpinSession = u64;

/// A PIN change under way (`umpin_reset_begin`): a number like a session.
pub type UmpinReset = u64;

/// Borrowed UTF-8 text of `len` bytes, not NUL-terminated. `data == NULL` means "absent"; an empty text has `len == 0`
/// and any non-null `data`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UmpinStr {
    /// First byte, or NULL for "absent".
    pub data: *const u8,
    /// Bytes.
    pub len: usize,
}

/// Bytes that this library allocated. Free with `umpin_buffer_free`, which also erases them.
#[repr(C)]
pub struct UmpinBuffer {
    /// First byte, or NULL when empty.
    pub data: *mut u8,
    /// Bytes.
    pub len: usize,
}

/// What went wrong. Free with `umpin_error_free`. The texts live as long as the error.
#[repr(C)]
pub struct UmpinError {
    /// The same number that the call returned.
    pub status: i32,
    /// The short exception name, for example `WeakPinException`.
    pub id: UmpinStr,
    /// For a person; never holds a PIN.
    pub message: UmpinStr,
    /// The object worked on, or absent.
    pub target: UmpinStr,
}

/// How a request names a mailbox and the scope it is looked up in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UmpinIdentity {
    /// Any identity form of docs/identity.md.
    pub identity: UmpinStr,
    /// A fully qualified name, an empty text or absent.
    pub domain_controller: UmpinStr,
    /// 0 or 1.
    pub ignore_default_scope: u8,
}

/// A tri-state: what the caller said about a Boolean.
pub const UMPIN_UNSET: i8 = -1;

/// What `umpin_reset_begin` and `umpin_pin_set` are asked to do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UmpinSetPin {
    /// Whose PIN.
    pub who: UmpinIdentity,
    /// The new PIN, ASCII digits; absent or empty: one is generated.
    pub pin: UmpinStr,
    /// Where the notice goes; absent or empty: the primary SMTP address.
    pub notify_email: UmpinStr,
    /// 1 (also -1, unset): must be changed at next sign-in. 0: need not.
    pub pin_expired: i8,
    /// 1: lock. 0 or -1: clear the lock and the failure count.
    pub locked_out: i8,
    /// 1 or -1: queue the notice. 0: do not.
    pub send_email: i8,
    /// Not 0: what `umpin_reset_begin` refuses is recorded in the audit trail, as the end of a call that meant it.
    /// `umpin_pin_set` always records. It lies where earlier versions of this structure had padding.
    pub record_refusals: u8,
}

/// A mailbox's PIN state. Free with `umpin_pin_states_free`. Never holds a PIN.
#[repr(C)]
pub struct UmpinPinState {
    /// The primary SMTP address.
    pub user_id: UmpinStr,
    /// The canonical name.
    pub identity: UmpinStr,
    /// `None`, `TooManyFailures`, `TooManyFailuresInTotal` or `Administrator`.
    pub lock_reason: UmpinStr,
    /// When the PIN was set: milliseconds since 1970-01-01 UTC.
    pub pin_last_set: i64,
    /// When the PIN expires: milliseconds since 1970-01-01 UTC; `INT64_MAX`: never.
    pub pin_expires_on: i64,
    /// Failed sign-ins since the last right one or reset.
    pub failed_logon_attempts: u32,
    /// 0 or 1.
    pub pin_expired: u8,
    /// 0 or 1: set-up on the telephone is not finished.
    pub first_time_user: u8,
    /// 0 or 1.
    pub locked_out: u8,
}

/// States in a row, with the place to go on from. Free with `umpin_pin_states_free`.
#[repr(C)]
pub struct UmpinPinStates {
    /// First of `len` states.
    pub items: *const UmpinPinState,
    /// How many.
    pub len: usize,
    /// Pass as `after` to get the rest; absent when there is no more.
    pub next: UmpinStr,
}

/// Who signs in: by extension (and dial plan, which may be absent while the extension is in one plan only), or by
/// identity.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UmpinSignIn {
    /// An extension, SIP address or E.164 number; absent: `identity` is used.
    pub extension: UmpinStr,
    /// A dial plan's name, or absent.
    pub dial_plan: UmpinStr,
    /// Used when `extension` is absent.
    pub identity: UmpinStr,
}

/// The answer to a sign-in. Every refusal is the same answer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UmpinAnswer {
    /// 1: the PIN signs in. 0: refused.
    pub accepted: u8,
    /// 1: a new PIN must be chosen (expired, or weak under today's policy).
    pub must_change: u8,
    /// 1: a first-time user; run the set-up and call `umpin_set_up_complete`.
    pub set_up_due: u8,
}

/// Why a sign-in was refused: for logs, never for the caller on the telephone.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UmpinReason {
    /// It was not refused.
    None = 0,
    /// The PIN is wrong.
    WrongPin = 1,
    /// Locked out, by failures or by an administrator.
    LockedOut = 2,
    /// No such extension or mailbox, or an extension in several plans with none named.
    Unknown = 3,
    /// The mailbox is not enabled for unified messaging.
    NotUmEnabled = 4,
    /// The new PIN of a change breaks a rule; the error object names it.
    WeakPin = 5,
    /// This was the last try: the mailbox is now locked.
    NowLocked = 6,
    /// A wrong PIN that led to an automatic reset: a new PIN is on its way by mail.
    PinReset = 7,
}
