/*
 * What a PBX module needs of umpin: open once, ask for every PIN, let the owner change it. Start your module from here.
 *
 *   cc -std=c11 -I include examples/pbx_module.c -L target/release -lumpin -o pbx_module
 *   UMPIN_STORE=... UMPIN_KEY_FILE=... ./pbx_module 51234 Redmond
 *
 * The "telephone" is standard input: a line is what was dialled up to the hash key.
 *
 * Rules that a module must keep:
 *   - open the session in the process that uses it: it must not be carried over a fork();
 *   - only accepted == 1 lets a caller in. A status that is not 0 is no answer at all: treat it as "not now", and do
 * not count it;
 *   - say the same to the caller whatever the reason was. The reason is for the log;
 *   - silence is no try: do not pass an empty PIN on. All digits of one prompt are one try, however many;
 *   - umpin_verify may take 100 ms and more: call it from the call's own thread, never from an event loop;
 *   - erase the digits when you are done, and keep them out of logs.
 */
#include <stdio.h>
#include <string.h>

#include "umpin.h"

enum { MAX_DIGITS = 64, FAILURES_BEFORE_DISCONNECT = 3 };

/* One session for the whole module; every function takes it from any thread. */
static UmpinSession session;

static const UmpinStr ABSENT = {NULL, 0};

static UmpinStr str(const char *text) {
    UmpinStr s = {(const uint8_t *)text, strlen(text)};
    return s;
}

/* Compilers leave out a memset of memory that nobody reads afterwards; they may not leave this out. */
static void erase(char *digits, size_t size) {
    volatile char *at = digits;
    while (size--) *at++ = 0;
}

/* To the module's log. Messages never hold a PIN. */
static void log_error(const char *doing, UmpinError **err) {
    if (!*err) return;
    fprintf(stderr, "umpin: %s: %.*s\n", doing, (int)(*err)->message.len, (const char *)(*err)->message.data);
    umpin_error_free(err);
}

static const char *reason_name(UmpinReason reason) {
    switch (reason) {
    case UMPIN_REASON_WRONG_PIN: return "wrong PIN";
    case UMPIN_REASON_LOCKED_OUT: return "locked out";
    case UMPIN_REASON_UNKNOWN: return "unknown extension";
    case UMPIN_REASON_NOT_UM_ENABLED: return "not enabled";
    case UMPIN_REASON_NOW_LOCKED: return "wrong PIN, now locked";
    case UMPIN_REASON_PIN_RESET: return "wrong PIN, reset and mailed";
    default: return "none";
    }
}

/* Your PBX plays a prompt and collects digits here. 0: the caller hung up. */
static int collect(const char *prompt, char *digits) {
    printf("%s\n", prompt);
    fflush(stdout);
    if (!fgets(digits, MAX_DIGITS, stdin)) return 0;
    size_t length = strcspn(digits, "\r\n");
    /* The rest of a line that does not fit belongs to the same try; what fits is longer than any PIN already. */
    if (!digits[length])
        for (int c = 0; c != '\n' && c != EOF;) c = getchar();
    digits[length] = 0;
    return 1;
}

/* When the module is loaded. No options: the store and the key are where the administrator put them. */
static int load(void) {
    UmpinError *err = NULL;
    if (umpin_abi_version() != UMPIN_ABI_VERSION) {
        fprintf(stderr, "umpin: the library is another version than the header this module was built with\n");
        return 0;
    }
    umpin_open(ABSENT, &session, &err);
    if (err) {
        log_error("open", &err);
        return 0;
    }
    return 1;
}

/* A new PIN is due. 1: changed. */
static int choose_new(const UmpinSignIn *who, const char *old) {
    char digits[MAX_DIGITS] = "", again[MAX_DIGITS] = "";
    int changed = 0;
    for (int tries = 0; tries < 3 && !changed; tries++) {
        if (!collect("new PIN?", digits) || !collect("once more?", again)) break;
        if (strcmp(digits, again) != 0) {
            printf("they differ\n");
            continue;
        }
        UmpinAnswer answer = {0, 0, 0};
        UmpinError *err = NULL;
        int32_t status = umpin_change_pin(session, who, str(old), str(digits), &answer, NULL, &err);
        changed = status == UMPIN_STATUS_OK && answer.accepted;
        if (status == UMPIN_STATUS_WEAK_PIN) printf("not allowed\n");
        log_error("change", &err);
    }
    erase(digits, sizeof digits);
    erase(again, sizeof again);
    return changed;
}

/* A call. 1: signed in, and nothing more is due; let the caller into the mailbox. */
static int sign_in(const char *extension, const char *dial_plan) {
    UmpinSignIn who = {str(extension), dial_plan ? str(dial_plan) : ABSENT, ABSENT};
    char digits[MAX_DIGITS] = "";
    int in = 0;
    for (int failures = 0; failures < FAILURES_BEFORE_DISCONNECT && !in; failures++) {
        if (!collect("PIN?", digits)) break;
        /* Counted in this call, not against the mailbox. */
        if (!digits[0]) {
            printf("incorrect\n");
            continue;
        }
        UmpinAnswer answer = {0, 0, 0};
        UmpinReason reason = UMPIN_REASON_NONE;
        UmpinError *err = NULL;
        if (umpin_verify(session, &who, str(digits), &answer, &reason, &err) != UMPIN_STATUS_OK) {
            log_error("verify", &err);
            printf("not available now\n");
            break;
        }
        if (!answer.accepted) {
            fprintf(stderr, "umpin: %s refused: %s\n", extension, reason_name(reason));
            printf("incorrect\n");
            continue;
        }
        if (answer.must_change && !choose_new(&who, digits)) break;
        if (answer.set_up_due) {
            /* Greeting and name are recorded here; then the owner is no first-time user any more. */
            umpin_set_up_complete(session, &who, &err);
            log_error("set-up", &err);
        }
        in = 1;
    }
    erase(digits, sizeof digits);
    return in;
}

/* When the module is unloaded. Calls that are under way end in peace. */
static void unload(void) { umpin_close(session, NULL); }

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: pbx_module <extension> [<dial plan>]\n");
        return 2;
    }
    if (!load()) return 2;
    int in = sign_in(arguments[1], count > 2 ? arguments[2] : NULL);
    printf(in ? "welcome\n" : "goodbye\n");
    unload();
    return !in;
}
