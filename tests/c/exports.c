/* The C interface as a C program meets it. Runs in an empty folder; prints TAP lines. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "umpin.h"

static int number = 0, failed = 0;

static void ok(int condition, const char *name) {
    number++;
    if (!condition) failed++;
    printf("%sok %d - %s\n", condition ? "" : "not ", number, name);
}

static UmpinStr str(const char *text) {
    UmpinStr s = {(const uint8_t *)text, text ? strlen(text) : 0};
    return s;
}

static const UmpinStr ABSENT = {NULL, 0};

static int is(UmpinStr s, const char *text) { return s.data && s.len == strlen(text) && !memcmp(s.data, text, s.len); }

static int holds(UmpinStr s, const char *part) {
    size_t n = strlen(part);
    for (size_t at = 0; s.data && at + n <= s.len; at++)
        if (!memcmp(s.data + at, part, n)) return 1;
    return 0;
}

/* Runs an operation; copies the start of its answer into out. */
static int32_t run(UmpinSession session, const char *operation, const char *request, const char *secret, char *out,
                   size_t size) {
    UmpinBuffer answer = {NULL, 0};
    UmpinError *err = NULL;
    int32_t status = umpin_execute(session, str(operation), str(request), secret ? str(secret) : ABSENT, &answer, &err);
    if (err) printf("# %s: %.*s\n", operation, (int)err->message.len, (const char *)err->message.data);
    if (out && size) {
        size_t n = answer.len < size - 1 ? answer.len : size - 1;
        if (answer.data) memcpy(out, answer.data, n);
        out[answer.data ? n : 0] = 0;
    }
    umpin_buffer_free(&answer);
    umpin_error_free(&err);
    return status;
}

static UmpinSession shared;

static void *reader(void *unused) {
    (void)unused;
    UmpinIdentity who = {str("tonysmith"), ABSENT, 0};
    for (int n = 0; n < 200; n++) {
        UmpinPinStates *states = NULL;
        if (umpin_pin_get(shared, &who, &states, NULL)) return (void *)1;
        umpin_pin_states_free(&states);
    }
    return NULL;
}

int main(void) {
    char answer[4096], request[4096], id[64] = "";
    UmpinError *err = NULL;
    UmpinSession session = 0;

    ok(umpin_abi_version() == UMPIN_ABI_VERSION, "the library is the header's");
    ok(umpin_version().len > 0, "the library has a version");

    const char *options = "{\"Store\":\"um.db\",\"KeyFile\":\"umpin.key\"}";
    ok(umpin_open(str(options), &session, &err) == UMPIN_STATUS_OK && session && !err, "opens");
    FILE *file = fopen("um.db", "rb");
    ok(file == NULL, "opening makes no file");
    if (file) fclose(file);

    ok(umpin_open(ABSENT, NULL, NULL) == UMPIN_STATUS_NULL_POINTER, "a NULL output is an error");
    ok(umpin_pin_get(session, NULL, NULL, &err) == UMPIN_STATUS_NULL_POINTER && err &&
           is(err->id, "NullPointerException"),
       "a NULL error carries its id");
    umpin_error_free(&err);
    umpin_error_free(&err);
    umpin_error_free(NULL);
    ok(err == NULL, "freeing an error twice does nothing");

    UmpinStr bad = {(const uint8_t *)"\xff\xfe", 2};
    UmpinIdentity nobody = {bad, ABSENT, 0};
    UmpinPinStates *states = NULL;
    ok(umpin_pin_get(session, &nobody, &states, NULL) == UMPIN_STATUS_INVALID_UTF8 && !states, "bad UTF-8 is an error");
    nobody.identity = str("nobody");
    ok(umpin_pin_get(session, &nobody, &states, &err) == UMPIN_STATUS_NOT_FOUND && err &&
           holds(err->message, "couldn't be found on") && is(err->target, "nobody"),
       "nobody is not found, in Exchange's words");
    umpin_error_free(&err);

    ok(!run(session, "Import-UMRecipient", "{\"Parameters\":{\"Step\":\"Begin\"}}", NULL, answer, sizeof answer),
       "an import begins");
    char *found = strstr(answer, "\"Import\":\"");
    if (found) snprintf(id, sizeof id, "%.36s", found + 10);
    snprintf(request, sizeof request,
             "{\"Parameters\":{\"Step\":\"Rows\",\"Import\":\"%s\",\"Rows\":[{\"Guid\":\"6f9619ff-8b86-d011-b42d-"
             "00cf4fc964ff\","
             "\"DistinguishedName\":\"CN=Tony Smith,OU=Users,DC=contoso,DC=com\",\"Alias\":\"tonysmith\","
             "\"mail\":\"tonysmith@contoso.com\"}]}}",
             id);
    ok(!run(session, "Import-UMRecipient", request, NULL, answer, sizeof answer) && !strstr(answer, "Errors"),
       "a row is staged");
    snprintf(request, sizeof request, "{\"Mode\":\"Commit\",\"Parameters\":{\"Step\":\"Apply\",\"Import\":\"%s\"}}",
             id);
    int32_t status = 0;
    do status = run(session, "Import-UMRecipient", request, NULL, answer, sizeof answer);
    while (!status && strstr(answer, "\"Next\""));
    ok(!status && strstr(answer, "\"Added\":1") != NULL, "it is applied");
    ok(!run(session, "New-UMDialPlan",
            "{\"Mode\":\"Commit\",\"Parameters\":{\"Name\":\"Plan\",\"NumberOfDigitsInExtension\":5,"
            "\"CountryOrRegionCode\":\"1\"}}",
            NULL, answer, sizeof answer),
       "a dial plan is made");
    ok(!run(session, "Enable-UMMailbox",
            "{\"Mode\":\"Commit\",\"Parameters\":{\"Identity\":\"tonysmith\",\"UMMailboxPolicy\":\"Plan Default "
            "Policy\","
            "\"Extensions\":[\"36697\"],\"PINExpired\":false}}",
            "739182", answer, sizeof answer),
       "a mailbox is enabled");

    UmpinIdentity tony = {str("tonysmith@contoso.com"), ABSENT, 0};
    ok(!umpin_pin_get(session, &tony, &states, NULL) && states && states->len == 1 &&
           is(states->items[0].user_id, "tonysmith@contoso.com") &&
           is(states->items[0].identity, "contoso.com/Users/Tony Smith") && states->items[0].first_time_user == 1 &&
           states->items[0].pin_expired == 0 && states->items[0].locked_out == 0,
       "get tells the state without a JSON parser");
    umpin_pin_states_free(&states);
    umpin_pin_states_free(&states);

    UmpinSignIn caller = {str("36697"), ABSENT, ABSENT};
    UmpinAnswer told = {0, 0, 0};
    UmpinReason reason = UMPIN_REASON_NONE;
    ok(!umpin_verify(session, &caller, str("739182"), &told, &reason, NULL) && told.accepted && told.set_up_due &&
           !told.must_change,
       "the right PIN signs in");
    UmpinAnswer wrong, unknown;
    ok(!umpin_verify(session, &caller, str("111222"), &wrong, &reason, NULL) && !wrong.accepted &&
           reason == UMPIN_REASON_WRONG_PIN,
       "a wrong one does not");
    caller.extension = str("99999");
    ok(!umpin_verify(session, &caller, str("739182"), &unknown, &reason, NULL) && reason == UMPIN_REASON_UNKNOWN &&
           !memcmp(&wrong, &unknown, sizeof wrong),
       "wrong and unknown are the same answer");
    caller.extension = str("36697");

    UmpinSetPin asked = {{str("tonysmith"), ABSENT, 0}, str("123456"), ABSENT, UMPIN_UNSET, UMPIN_UNSET, 0, 0};
    ok(umpin_pin_set(session, &asked, NULL, NULL, &err) == UMPIN_STATUS_WEAK_PIN && err &&
           !holds(err->message, "123456") && holds(err->message, "AllowCommonPatterns"),
       "a weak PIN is refused by its rule's name");
    umpin_error_free(&err);
    asked.pin = str("580437");
    asked.pin_expired = 0;
    UmpinBuffer report = {NULL, 0};
    ok(!umpin_pin_set(session, &asked, &states, &report, NULL) && states &&
           states->items[0].failed_logon_attempts == 0 && report.len > 0,
       "set replaces the PIN and clears the count");
    umpin_pin_states_free(&states);
    umpin_buffer_free(&report);
    umpin_buffer_free(&report);
    ok(!umpin_change_pin(session, &caller, str("580437"), str("604938"), &told, NULL, NULL) && told.accepted,
       "the owner changes it");
    ok(!umpin_verify(session, &caller, str("604938"), &told, NULL, NULL) && told.accepted && !told.set_up_due,
       "and is no first-time user any more");

    UmpinReset reset = 0;
    UmpinBuffer target = {NULL, 0};
    asked.pin = ABSENT;
    ok(!umpin_reset_begin(session, &asked, &reset, &target, NULL) && target.len > 0, "a change begins");
    umpin_buffer_free(&target);
    umpin_reset_free(reset);
    ok(umpin_reset_commit(reset, NULL, NULL, NULL) == UMPIN_STATUS_INVALID_HANDLE,
       "an ended change cannot be committed");
    ok(!umpin_verify(session, &caller, str("604938"), &told, NULL, NULL) && told.accepted, "and changed nothing");
    ok(umpin_close(reset, NULL) == UMPIN_STATUS_INVALID_HANDLE, "a change is no session");

    shared = session;
    pthread_t threads[4];
    int sound = 1;
    for (int n = 0; n < 4; n++) pthread_create(&threads[n], NULL, reader, NULL);
    for (int n = 0; n < 4; n++) {
        void *result = NULL;
        pthread_join(threads[n], &result);
        sound = sound && result == NULL;
    }
    ok(sound, "four threads share a session");

    ok(!umpin_close(session, NULL), "closes");
    ok(umpin_close(session, &err) == UMPIN_STATUS_INVALID_HANDLE && err, "closing twice is an error");
    umpin_error_free(&err);
    ok(umpin_pin_get(session, &tony, &states, NULL) == UMPIN_STATUS_INVALID_HANDLE, "use after close is an error");
    printf("1..%d\n", number);
    return failed != 0;
}
