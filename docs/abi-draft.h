/* Signatures (types in src/ffi/types.rs). All return int32_t status; err may be NULL. */
uint32_t umpin_abi_version(void);                       /* 1 */
UmpinStr umpin_version(void);
int32_t umpin_open(UmpinStr options_json, UmpinSession *session, UmpinError **err);
int32_t umpin_close(UmpinSession session, UmpinError **err);
void umpin_error_free(UmpinError **err);                /* sets *err = NULL; NULL is fine */
void umpin_buffer_free(UmpinBuffer *buffer);            /* erases, sets {NULL,0} */
void umpin_pin_states_free(UmpinPinStates **states);
int32_t umpin_execute(UmpinSession, UmpinStr operation, UmpinStr request_json, UmpinStr secret, UmpinBuffer *response, UmpinError **err);
int32_t umpin_pin_get(UmpinSession, const UmpinIdentity *who, UmpinPinStates **out, UmpinError **err);   /* exactly one */
int32_t umpin_pin_list(UmpinSession, const UmpinIdentity *scope /* identity absent */, UmpinStr after, size_t limit, UmpinPinStates **out, UmpinError **err);
int32_t umpin_pin_set(UmpinSession, const UmpinSetPin *, UmpinPinStates **state /* may be NULL */, UmpinBuffer *outcome_json /* may be NULL */, UmpinError **err);
/* The same in steps, for prompts and for hashing ahead: */
int32_t umpin_reset_begin(UmpinSession, const UmpinSetPin *, UmpinReset *reset, UmpinBuffer *target /* canonical name for ShouldProcess */, UmpinError **err); /* resolves, checks or generates; writes nothing */
int32_t umpin_reset_hash(UmpinReset, UmpinError **err);   /* optional; any thread; no lock held */
int32_t umpin_reset_commit(UmpinReset, UmpinPinStates **state, UmpinBuffer *outcome_json, UmpinError **err); /* outcome: {"Warnings":[..],"Notices":[..]} */
void umpin_reset_free(UmpinReset);                       /* 0 and freed ones are fine */
int32_t umpin_verify(UmpinSession, const UmpinSignIn *, UmpinStr pin, UmpinAnswer *, UmpinReason *reason /* may be NULL */, UmpinError **err);
int32_t umpin_change_pin(UmpinSession, const UmpinSignIn *, UmpinStr old_pin, UmpinStr new_pin, UmpinAnswer *, UmpinReason *, UmpinError **err);
int32_t umpin_set_up_complete(UmpinSession, const UmpinSignIn *, UmpinError **err);
