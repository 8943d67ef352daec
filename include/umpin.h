/*
 * umpin: voice-mail PINs for any PBX.
 *
 * Conventions
 *   Status      Functions return 0 (UMPIN_STATUS_OK) or a UmpinStatus. Outputs are meaningful only after 0. With any
 *               other status, *err (where err is not NULL) is an error object: free it with umpin_error_free.
 *   Handles     UmpinSession and UmpinReset are numbers. 0, a closed and a forged one are UMPIN_STATUS_INVALID_HANDLE.
 *   Texts       UmpinStr: UTF-8 with a length, no NUL needed. data == NULL means absent. What you pass is borrowed for
 *               the call; what you get in a structure lives as long as that structure.
 *   Ownership   What this library allocates it frees: umpin_error_free, umpin_buffer_free, umpin_pin_states_free. They
 *               take the address of your pointer and set it to NULL, so that calling twice does nothing.
 *   NULL        Every pointer is checked. Outputs named as "may be NULL" can be left out.
 *   Threads     Every function may be called from any thread, on the same session too. Nothing is kept per thread.
 *   Processes   Many processes of one host share a store. A session must not be carried over a fork().
 *   Panics      Are caught and come back as UMPIN_STATUS_PANIC; nothing is printed.
 *   Secrets     A PIN goes in as text and never comes out. This library erases its copies; erase yours.
 *   Booleans    uint8_t 0 or 1; int8_t -1 (unset), 0 or 1. Any other value is UMPIN_STATUS_INVALID_ARGUMENT.
 *   Times       int64_t milliseconds since 1970-01-01 UTC.
 *   Version     Call umpin_abi_version() once after loading and compare it with UMPIN_ABI_VERSION.
 */

#ifndef UMPIN_H
#define UMPIN_H

/* Made by cbindgen from src/ffi. Do not edit: change the Rust source, then UMPIN_UPDATE_HEADER=1 cargo test header. */

#include <stddef.h>
#include <stdint.h>

// A tri-state: what the caller said about a Boolean.
#define UMPIN_UNSET -1

// Grows with every change to the header that an older caller would not survive.
#define UMPIN_ABI_VERSION 1

// Why a sign-in was refused: for logs, never for the caller on the telephone.
enum UmpinReason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // It was not refused.
    UMPIN_REASON_NONE = 0,
    // The PIN is wrong.
    UMPIN_REASON_WRONG_PIN = 1,
    // Locked out, by failures or by an administrator.
    UMPIN_REASON_LOCKED_OUT = 2,
    // No such extension or mailbox, or an extension in several plans with none named.
    UMPIN_REASON_UNKNOWN = 3,
    // The mailbox is not enabled for unified messaging.
    UMPIN_REASON_NOT_UM_ENABLED = 4,
    // The new PIN of a change breaks a rule; the error object names it.
    UMPIN_REASON_WEAK_PIN = 5,
    // This was the last try: the mailbox is now locked.
    UMPIN_REASON_NOW_LOCKED = 6,
    // A wrong PIN that led to an automatic reset: a new PIN is on its way by mail.
    UMPIN_REASON_PIN_RESET = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum UmpinReason UmpinReason;
#else
typedef int32_t UmpinReason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// The result of every exported function: 0 is done, everything else comes with an error object.
//
// Numbers are grouped by origin and never reused. The short exception name that PowerShell shows is
// [`Status::id`].
enum UmpinStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Done.
    UMPIN_STATUS_OK = 0,
    // A pointer that must point somewhere is null.
    UMPIN_STATUS_NULL_POINTER = 100,
    // A text is not UTF-8.
    UMPIN_STATUS_INVALID_UTF8 = 101,
    // The handle was never open, or is closed.
    UMPIN_STATUS_INVALID_HANDLE = 102,
    // The request document is malformed, names an unknown operation or parameter, or a value has the wrong type.
    UMPIN_STATUS_INVALID_REQUEST = 103,
    // A value is outside its range or form.
    UMPIN_STATUS_INVALID_ARGUMENT = 104,
    // No object has this identity.
    UMPIN_STATUS_NOT_FOUND = 200,
    // Several objects have this identity.
    UMPIN_STATUS_AMBIGUOUS = 201,
    // The identity is empty, blank, too long or absent where one is needed.
    UMPIN_STATUS_INVALID_IDENTITY = 202,
    // The domain controller is not a fully qualified name.
    UMPIN_STATUS_INVALID_DOMAIN_CONTROLLER = 203,
    // IgnoreDefaultScope together with a domain controller.
    UMPIN_STATUS_SCOPE_WITH_DOMAIN_CONTROLLER = 204,
    // IgnoreDefaultScope with an identity that is not a distinguished name.
    UMPIN_STATUS_SCOPE_NEEDS_DISTINGUISHED_NAME = 205,
    // A filter expression cannot be read.
    UMPIN_STATUS_INVALID_FILTER = 206,
    // The mailbox is not enabled for unified messaging.
    UMPIN_STATUS_NOT_UM_ENABLED = 300,
    // The mailbox is already enabled.
    UMPIN_STATUS_ALREADY_UM_ENABLED = 301,
    // The mailbox is already disabled.
    UMPIN_STATUS_ALREADY_UM_DISABLED = 302,
    // The PIN breaks a rule; the message names it.
    UMPIN_STATUS_WEAK_PIN = 303,
    // No PIN could be generated that passes every rule.
    UMPIN_STATUS_PIN_GENERATION = 304,
    // The address for the notice is not an e-mail address.
    UMPIN_STATUS_INVALID_NOTIFY_EMAIL = 305,
    // The recipient has no SMTP address, so it has no mailbox.
    UMPIN_STATUS_NO_MAILBOX = 306,
    // An extension is not numeric, or has more or fewer digits than the dial plan says.
    UMPIN_STATUS_INVALID_EXTENSION = 307,
    // An extension, SIP address or number is taken in the dial plan.
    UMPIN_STATUS_EXTENSION_NOT_UNIQUE = 308,
    // No extension was given and none could be made from the phone number.
    UMPIN_STATUS_COULD_NOT_GENERATE_EXTENSION = 309,
    // The dial plan needs a SIP address.
    UMPIN_STATUS_SIP_RESOURCE_ID_NEEDED = 310,
    // The dial plan needs an E.164 number.
    UMPIN_STATUS_E164_RESOURCE_ID_NEEDED = 311,
    // The name is taken.
    UMPIN_STATUS_NAME_IN_USE = 312,
    // The policy is referenced by a mailbox.
    UMPIN_STATUS_POLICY_IN_USE = 313,
    // The dial plan is referenced by a policy or a mailbox.
    UMPIN_STATUS_DIAL_PLAN_IN_USE = 314,
    // A policy value is out of range or conflicts with another.
    UMPIN_STATUS_INVALID_POLICY_VALUE = 315,
    // The mailbox changed while the PIN was being set; nothing was written.
    UMPIN_STATUS_CONFLICT = 316,
    // The sign-in was refused; no reason is given here.
    UMPIN_STATUS_SIGN_IN_REFUSED = 317,
    // A recipient that is still in use cannot be removed.
    UMPIN_STATUS_RECIPIENT_IN_USE = 318,
    // An address is malformed or taken by another recipient.
    UMPIN_STATUS_INVALID_ADDRESS = 319,
    // The store's folder or file cannot be created or written.
    UMPIN_STATUS_STORE_NOT_WRITABLE = 400,
    // The file is not a store, or is damaged.
    UMPIN_STATUS_STORE_DAMAGED = 401,
    // The store was written by a newer version.
    UMPIN_STATUS_STORE_TOO_NEW = 402,
    // The store lies on a network file system.
    UMPIN_STATUS_STORE_ON_NETWORK = 403,
    // Another process held the store for too long.
    UMPIN_STATUS_STORE_BUSY = 404,
    // Reading or writing the store failed.
    UMPIN_STATUS_STORE_IO = 405,
    // The store's or the key's folder belongs to somebody else.
    UMPIN_STATUS_STORE_NOT_OWNED = 406,
    // There is no store yet.
    UMPIN_STATUS_STORE_MISSING = 407,
    // A backup or restore failed.
    UMPIN_STATUS_BACKUP_FAILED = 408,
    // The audit trail was changed outside this program.
    UMPIN_STATUS_AUDIT_TAMPERED = 409,
    // The store's URL cannot be used.
    UMPIN_STATUS_STORE_URL = 410,
    // The store's URL has a password in it.
    UMPIN_STATUS_STORE_URL_PASSWORD = 411,
    // No server of the store's can be reached, or the one that was reached is going down.
    UMPIN_STATUS_STORE_SERVER_GONE = 412,
    // The store's server is of a version that is not used.
    UMPIN_STATUS_STORE_SERVER_VERSION = 413,
    // The store's server offers no TLS.
    UMPIN_STATUS_STORE_NO_TLS = 414,
    // The certificate of the store's server, or one for it, is not the right one.
    UMPIN_STATUS_STORE_CERTIFICATE = 415,
    // The role lacks a right on the store's database.
    UMPIN_STATUS_STORE_RIGHTS = 416,
    // The store's database is in an encoding that lacks letters.
    UMPIN_STATUS_STORE_ENCODING = 417,
    // The store's server does not let this role in.
    UMPIN_STATUS_STORE_LOGIN = 418,
    // The connection broke while a change was committed, and nobody could be asked since what became of it.
    UMPIN_STATUS_STORE_OUTCOME_UNKNOWN = 419,
    // The store names a key and there is no key file.
    UMPIN_STATUS_KEY_MISSING = 500,
    // The file in the key file's place is not a key file, or is cut short.
    UMPIN_STATUS_KEY_MALFORMED = 501,
    // The key file holds other keys than the one the store names.
    UMPIN_STATUS_KEY_WRONG = 502,
    // The key file can be read by everybody.
    UMPIN_STATUS_KEY_EXPOSED = 503,
    // The key file cannot be created, read or written.
    UMPIN_STATUS_KEY_IO = 504,
    // A sealed value does not open: it was changed or moved.
    UMPIN_STATUS_SEAL_BROKEN = 505,
    // A transport setting is wrong.
    UMPIN_STATUS_INVALID_TRANSPORT = 600,
    // A message could not be delivered; it stays queued.
    UMPIN_STATUS_DELIVERY_FAILED = 601,
    // The input cannot be read as a table of recipients.
    UMPIN_STATUS_IMPORT_UNREADABLE = 700,
    // A row cannot be imported; the others are.
    UMPIN_STATUS_IMPORT_ROW = 701,
    // A prune was refused; nobody was removed.
    UMPIN_STATUS_PRUNE_REFUSED = 702,
    // A defect in this library. Nothing was committed.
    UMPIN_STATUS_INTERNAL = 900,
    // A panic was caught at the boundary. Nothing was committed.
    UMPIN_STATUS_PANIC = 901,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum UmpinStatus UmpinStatus;
#else
typedef int32_t UmpinStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Borrowed UTF-8 text of `len` bytes, not NUL-terminated. `data == NULL` means "absent"; an empty text has `len == 0`
// and any non-null `data`.
typedef struct UmpinStr {
    // First byte, or NULL for "absent".
    const uint8_t *data;
    // Bytes.
    size_t len;
} UmpinStr;

// A session: a number, not an address. 0 is never valid; a closed one is an error, not a crash.
typedef uint64_t UmpinSession;

// What went wrong. Free with `umpin_error_free`. The texts live as long as the error.
typedef struct UmpinError {
    // The same number that the call returned.
    int32_t status;
    // The short exception name, for example `WeakPinException`.
    struct UmpinStr id;
    // For a person; never holds a PIN.
    struct UmpinStr message;
    // The object worked on, or absent.
    struct UmpinStr target;
} UmpinError;

// Bytes that this library allocated. Free with `umpin_buffer_free`, which also erases them.
typedef struct UmpinBuffer {
    // First byte, or NULL when empty.
    uint8_t *data;
    // Bytes.
    size_t len;
} UmpinBuffer;

// How a request names a mailbox and the scope it is looked up in.
typedef struct UmpinIdentity {
    // Any identity form of docs/identity.md.
    struct UmpinStr identity;
    // A fully qualified name, an empty text or absent.
    struct UmpinStr domain_controller;
    // 0 or 1.
    uint8_t ignore_default_scope;
} UmpinIdentity;

// A mailbox's PIN state. Free with `umpin_pin_states_free`. Never holds a PIN.
typedef struct UmpinPinState {
    // The primary SMTP address.
    struct UmpinStr user_id;
    // The canonical name.
    struct UmpinStr identity;
    // `None`, `TooManyFailures`, `TooManyFailuresInTotal` or `Administrator`.
    struct UmpinStr lock_reason;
    // When the PIN was set: milliseconds since 1970-01-01 UTC.
    int64_t pin_last_set;
    // When the PIN expires: milliseconds since 1970-01-01 UTC; `INT64_MAX`: never.
    int64_t pin_expires_on;
    // Failed sign-ins since the last right one or reset.
    uint32_t failed_logon_attempts;
    // 0 or 1.
    uint8_t pin_expired;
    // 0 or 1: set-up on the telephone is not finished.
    uint8_t first_time_user;
    // 0 or 1.
    uint8_t locked_out;
} UmpinPinState;

// States in a row, with the place to go on from. Free with `umpin_pin_states_free`.
typedef struct UmpinPinStates {
    // First of `len` states.
    const struct UmpinPinState *items;
    // How many.
    size_t len;
    // Pass as `after` to get the rest; absent when there is no more.
    struct UmpinStr next;
} UmpinPinStates;

// What `umpin_reset_begin` and `umpin_pin_set` are asked to do.
typedef struct UmpinSetPin {
    // Whose PIN.
    struct UmpinIdentity who;
    // The new PIN, ASCII digits; absent or empty: one is generated.
    struct UmpinStr pin;
    // Where the notice goes; absent or empty: the primary SMTP address.
    struct UmpinStr notify_email;
    // 1 (also -1, unset): must be changed at next sign-in. 0: need not.
    int8_t pin_expired;
    // 1: lock. 0 or -1: clear the lock and the failure count.
    int8_t locked_out;
    // 1 or -1: queue the notice. 0: do not.
    int8_t send_email;
    // Not 0: what `umpin_reset_begin` refuses is recorded in the audit trail, as the end of a call that meant it.
    // `umpin_pin_set` always records. It lies where earlier versions of this structure had padding.
    uint8_t record_refusals;
} UmpinSetPin;

// A PIN change under way (`umpin_reset_begin`): a number like a session.
typedef uint64_t UmpinReset;

// Who signs in: by extension (and dial plan, which may be absent while the extension is in one plan only), or by
// identity.
typedef struct UmpinSignIn {
    // An extension, SIP address or E.164 number; absent: `identity` is used.
    struct UmpinStr extension;
    // A dial plan's name, or absent.
    struct UmpinStr dial_plan;
    // Used when `extension` is absent.
    struct UmpinStr identity;
} UmpinSignIn;

// The answer to a sign-in. Every refusal is the same answer.
typedef struct UmpinAnswer {
    // 1: the PIN signs in. 0: refused.
    uint8_t accepted;
    // 1: a new PIN must be chosen (expired, or weak under today's policy).
    uint8_t must_change;
    // 1: a first-time user; run the set-up and call `umpin_set_up_complete`.
    uint8_t set_up_due;
} UmpinAnswer;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of this interface. A caller compares it with `UMPIN_ABI_VERSION` of the header it was built with, and
// refuses another one.
uint32_t umpin_abi_version(void);

// The version of this library, for example `0.1.0`. Never freed.
struct UmpinStr umpin_version(void);

// Opens a session; touches no file. `options` is absent or `{"Store":path?,"KeyFile":path?,"RemoteUser":name?}`; what
// is not named comes from `UMPIN_STORE` and `UMPIN_KEY_FILE`, else from the usual folders. Close it with
// `umpin_close`. Usable from many threads at once.
//
// # Safety
// `options` is absent or readable; `session` and `err` are NULL or places for their types.
int32_t umpin_open(struct UmpinStr options,
                   UmpinSession *session,
                   struct UmpinError **err);

// Brings a store of an older version to this library's. The first use of a store does that in any case; among a
// million mailboxes it takes half a minute, and only this function tells meanwhile how far it is. `tell` may be NULL;
// it is called in this thread, a few dozen times at most, with `context` as it was given, the parts that are done and
// how many there are. It must return, and not by an exception. It is not called where there is nothing to do.
//
// # Safety
// `tell` is NULL or a function of this form; `err` is NULL or a place for a pointer.
int32_t umpin_upgrade(UmpinSession session,
                      void (*tell)(void *context,
                                   uint64_t done,
                                   uint64_t all),
                      void *context,
                      struct UmpinError **err);

// Closes a session. Calls that other threads have under way end in peace; any later use, a second close too, is
// `UMPIN_STATUS_INVALID_HANDLE`.
//
// # Safety
// `err` is NULL or a place for a pointer.
int32_t umpin_close(UmpinSession session,
                    struct UmpinError **err);

// Frees an error and sets the caller's pointer to NULL, so that a second call does nothing. NULL is fine.
//
// # Safety
// `err` is NULL or points to a pointer that is NULL or came from a function of this library.
void umpin_error_free(struct UmpinError **err);

// Erases and frees a buffer and sets it to `{NULL, 0}`, so that a second call does nothing. NULL is fine.
//
// # Safety
// `buffer` is NULL or points to a buffer that is `{NULL, 0}` or was filled by a function of this library.
void umpin_buffer_free(struct UmpinBuffer *buffer);

// The PIN state of one mailbox. `states` gets exactly one; free it with `umpin_pin_states_free`. A mailbox that exists
// but is not UM-enabled is not found.
//
// # Safety
// `who` is NULL or points to an identity with readable texts; `states` and `err` are NULL or places for their types.
int32_t umpin_pin_get(UmpinSession session,
                      const struct UmpinIdentity *who,
                      struct UmpinPinStates **states,
                      struct UmpinError **err);

// The PIN states of all UM-enabled mailboxes in scope, by canonical name, at most `limit` (10,000 at the most) at a
// time. `after` is absent at first, then the last answer's `next`. The identity of `scope` is not looked at.
//
// # Safety
// As for `umpin_pin_get`.
int32_t umpin_pin_list(UmpinSession session,
                       const struct UmpinIdentity *scope,
                       struct UmpinStr after,
                       size_t limit,
                       struct UmpinPinStates **states,
                       struct UmpinError **err);

// Frees states and sets the caller's pointer to NULL, so that a second call does nothing. NULL is fine.
//
// # Safety
// `states` is NULL or points to a pointer that is NULL or came from a function of this library.
void umpin_pin_states_free(struct UmpinPinStates **states);

// Replaces a PIN: `umpin_reset_begin` and `umpin_reset_commit` in one. `states` (the new state) and `report`
// (`{"Warnings":[..],"Notices":[outbox ids]}`) may be NULL; free them with their functions. The notice is queued, not
// sent: run `umpin deliver`, or the operation `Send-UMPinOutbox`.
//
// # Safety
// `asked` is NULL or points to a request with readable texts; the rest are NULL or places for their types.
int32_t umpin_pin_set(UmpinSession session,
                      const struct UmpinSetPin *asked,
                      struct UmpinPinStates **states,
                      struct UmpinBuffer *report,
                      struct UmpinError **err);

// Begins a PIN change: resolves, then checks the PIN or generates one. Creates nothing and writes nothing but, where
// `record_refusals` says so, the record of a refusal; does not tell whether the PIN is in use. `target` (may be NULL)
// gets the mailbox's canonical name, for a prompt. End it with `umpin_reset_commit` or `umpin_reset_free`.
//
// # Safety
// As for `umpin_pin_set`.
int32_t umpin_reset_begin(UmpinSession session,
                          const struct UmpinSetPin *asked,
                          UmpinReset *reset,
                          struct UmpinBuffer *target,
                          struct UmpinError **err);

// Does the slow part (about 15 ms) of a change ahead of its commit. Optional; on any thread; holds no lock.
//
// # Safety
// `err` is NULL or a place for a pointer.
int32_t umpin_reset_hash(UmpinReset reset,
                         struct UmpinError **err);

// Commits a change: new PIN, history, expiry, lock state, notice and audit record in one transaction. The handle is
// used up, also by an error; it still needs `umpin_reset_free`. `states` and `report` as for `umpin_pin_set`.
//
// # Safety
// `states`, `report` and `err` are NULL or places for their types.
int32_t umpin_reset_commit(UmpinReset reset,
                           struct UmpinPinStates **states,
                           struct UmpinBuffer *report,
                           struct UmpinError **err);

// Ends a change. One that was not committed changed nothing. 0 and an ended one are fine.
void umpin_reset_free(UmpinReset reset);

// Asks whether a PIN signs in, and counts the answer: a wrong PIN is on disk before this returns. Every refusal is the
// same answer and leaves at a fixed interval (100 ms) after it came; the true reason goes to `reason` (may be NULL),
// for logs only. A store, key or seal failure is an error status: nothing was counted, and it says nothing of the PIN.
//
// # Safety
// `who` is NULL or points to a structure with readable texts; `pin` is absent or readable; the rest are NULL or places
// for their types.
int32_t umpin_verify(UmpinSession session,
                     const struct UmpinSignIn *who,
                     struct UmpinStr pin,
                     struct UmpinAnswer *answer,
                     UmpinReason *reason,
                     struct UmpinError **err);

// The owner's change of PIN: a wrong old one is refused and counts, exactly as in `umpin_verify`; the new one obeys
// every rule, and breaking one is `UMPIN_STATUS_WEAK_PIN` with the rule in the message. Ends the first-time user.
//
// # Safety
// As for `umpin_verify`.
int32_t umpin_change_pin(UmpinSession session,
                         const struct UmpinSignIn *who,
                         struct UmpinStr old_pin,
                         struct UmpinStr new_pin,
                         struct UmpinAnswer *answer,
                         UmpinReason *reason,
                         struct UmpinError **err);

// The telephone's set-up dialogue is finished: the mailbox's owner is no first-time user any more.
//
// # Safety
// As for `umpin_verify`.
int32_t umpin_set_up_complete(UmpinSession session,
                              const struct UmpinSignIn *who,
                              struct UmpinError **err);

// Runs the operation that has a cmdlet's name, for example `Enable-UMMailbox` (docs/architecture.md tells the
// documents). `secret` is the PIN of the operations that take one, absent otherwise: a PIN never stands in `request`.
// `response` is required; free it with `umpin_buffer_free`.
//
// # Safety
// The texts are absent or readable; `response` and `err` are NULL or places for their types.
int32_t umpin_execute(UmpinSession session,
                      struct UmpinStr operation,
                      struct UmpinStr request,
                      struct UmpinStr secret,
                      struct UmpinBuffer *response,
                      struct UmpinError **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* UMPIN_H */
