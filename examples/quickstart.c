/*
 * The demo's job without PowerShell: imports a directory, enables a mailbox, sets and checks PINs, shows the mail.
 *
 *   quickstart recipients.csv
 *
 * Works in the current folder: store/, with um.db and umpin.key, and pickup/, for the mail, are made there; neither may
 * exist.
 *
 * Plain C11, and C++17 too. On Windows by MinGW, which has dirent.h.
 */
#define _XOPEN_SOURCE 700 /* realpath, PATH_MAX */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef _WIN32
#include <direct.h>
#define realpath(path, into) _fullpath(into, path, PATH_MAX)
#define mkdir(path, mode) _mkdir(path)
#endif

#include "umpin.h"

static UmpinSession session;

static UmpinStr str(const char *text) {
    UmpinStr s = {(const uint8_t *)text, text ? strlen(text) : 0};
    return s;
}

static const UmpinStr ABSENT = {NULL, 0};

/* JSON would want a backslash escaped; Windows takes slashes as well. */
static char *with_slashes(char *path) {
    for (char *c = path; *c; c++)
        if (*c == '\\') *c = '/';
    return path;
}

/* Shows an error and says whether there was one. */
static int told(UmpinError **err) {
    if (!*err) return 0;
    printf("   refused (%.*s): %.*s\n", (int)(*err)->id.len, (const char *)(*err)->id.data, (int)(*err)->message.len,
           (const char *)(*err)->message.data);
    umpin_error_free(err);
    return 1;
}

/* Runs an operation that must succeed; the answer is the caller's to free. */
static char *must(const char *operation, const char *request, const char *secret) {
    UmpinBuffer buffer = {NULL, 0};
    UmpinError *err = NULL;
    umpin_execute(session, str(operation), str(request), secret ? str(secret) : ABSENT, &buffer, &err);
    if (told(&err)) exit(1);
    char *answer = (char *)malloc(buffer.len + 1);
    if (!answer) exit(1);
    memcpy(answer, buffer.data, buffer.len);
    answer[buffer.len] = 0;
    umpin_buffer_free(&buffer);
    return answer;
}

static void import(const char *file) {
    char request[PATH_MAX + 256], id[37] = "";
    printf("\n== Import %s\n", file);
    char *answer = must("Import-UMRecipient", "{\"Parameters\":{\"Step\":\"Begin\"}}", NULL);
    const char *at = strstr(answer, "\"Import\":\"");
    if (at) memcpy(id, at + 10, 36);
    free(answer);
    const char *steps[] = {"Read", "Apply", "End"};
    for (int step = 0; step < 3; step++) {
        int more = 1;
        while (more) {
            /* The file's name has no other character that JSON would want escaped: this is an example. */
            snprintf(request, sizeof request,
                     "{\"Mode\":\"Commit\",\"Parameters\":{\"Step\":\"%s\",\"Import\":\"%s\"%s%s%s}}", steps[step], id,
                     step == 0 ? ",\"Path\":\"" : "", step == 0 ? file : "", step == 0 ? "\"" : "");
            answer = must("Import-UMRecipient", request, NULL);
            more = strstr(answer, "\"Next\"") != NULL;
            if (step == 1 && !more) printf("   %s\n", strstr(answer, "\"Read\""));
            free(answer);
        }
    }
}

static void show(void) {
    UmpinIdentity who = {str("tonysmith@contoso.com"), ABSENT, 0};
    UmpinPinStates *states = NULL;
    UmpinError *err = NULL;
    umpin_pin_get(session, &who, &states, &err);
    if (told(&err)) exit(1);
    const UmpinPinState *s = states->items;
    printf("   UserID %.*s, PinExpired %d, FirstTimeUser %d, LockedOut %d, Identity %.*s\n", (int)s->user_id.len,
           (const char *)s->user_id.data, s->pin_expired, s->first_time_user, s->locked_out, (int)s->identity.len,
           (const char *)s->identity.data);
    umpin_pin_states_free(&states);
}

static int set(const char *title, const char *pin, int8_t expired, int8_t locked) {
    UmpinSetPin asked = {
        {str("tonysmith@contoso.com"), ABSENT, 0}, pin ? str(pin) : ABSENT, ABSENT, expired, locked, UMPIN_UNSET, 0};
    UmpinError *err = NULL;
    printf("\n== %s\n", title);
    umpin_pin_set(session, &asked, NULL, NULL, &err);
    if (told(&err)) return 1;
    show();
    return 0;
}

static void check(const char *pin) {
    UmpinSignIn caller = {str("51234"), str("Redmond"), ABSENT};
    UmpinAnswer answer = {0, 0, 0};
    UmpinError *err = NULL;
    umpin_verify(session, &caller, str(pin), &answer, NULL, &err);
    if (told(&err)) exit(1);
    printf("   accepted %d, must choose a new PIN %d, set-up due %d\n", answer.accepted, answer.must_change,
           answer.set_up_due);
}

static void print_mail(const char *folder) {
    char path[PATH_MAX + 300], line[1024];
    DIR *files = opendir(folder);
    for (struct dirent *entry; files && (entry = readdir(files));) {
        if (!strstr(entry->d_name, ".eml")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *mail = fopen(path, "r");
        while (mail && fgets(line, sizeof line, mail) && !strstr(line, "text/html")) {
            line[strcspn(line, "\r\n")] = 0;
            printf("   | %s\n", line);
        }
        if (mail) fclose(mail);
    }
    if (files) closedir(files);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: quickstart recipients.csv\n");
        return 2;
    }
    if (umpin_abi_version() != UMPIN_ABI_VERSION) {
        fprintf(stderr, "this program and the umpin library do not fit together\n");
        return 1;
    }
    char here[PATH_MAX], folder[PATH_MAX + 16], request[2 * PATH_MAX];
    UmpinError *err = NULL;
    if (!realpath(".", here)) return 1;
    with_slashes(here);
    if (mkdir("store", 0700)) return 1;
    umpin_open(str("{\"Store\":\"store/um.db\",\"KeyFile\":\"store/umpin.key\"}"), &session, &err);
    if (told(&err)) return 1;

    import(with_slashes(arguments[1]));

    printf("\n== Make a dial plan with its policy, choose how mail leaves, enable Tony Smith\n");
    free(must("New-UMDialPlan",
              "{\"Mode\":\"Commit\",\"Parameters\":{\"Name\":\"Redmond\",\"NumberOfDigitsInExtension\":5,"
              "\"CountryOrRegionCode\":\"1\","
              "\"AccessTelephoneNumbers\":[\"4255550100\"]}}",
              NULL));
    snprintf(folder, sizeof folder, "%s/pickup", here);
    if (mkdir(folder, 0700)) return 1;
    snprintf(request, sizeof request,
             "{\"Mode\":\"Commit\",\"Parameters\":{\"Transport\":\"Pickup\",\"PickupFolder\":\"%s\"}}", folder);
    free(must("Set-UMPinConfiguration", request, NULL));
    free(must("Enable-UMMailbox",
              "{\"Mode\":\"Commit\",\"Parameters\":{\"Identity\":\"tonysmith@contoso.com\",\"UMMailboxPolicy\":"
              "\"Redmond Default Policy\","
              "\"Extensions\":[\"51234\"],\"SendWelcomeMail\":false}}",
              "5643892"));
    show();

    if (set("Example 1: reset the PIN; a new one is generated and mailed", NULL, UMPIN_UNSET, UMPIN_UNSET)) return 1;
    if (set("Example 2: set it to 1985848, to be changed at the first sign-in", "1985848", 1, UMPIN_UNSET)) return 1;
    printf("\n== The mail\n");
    free(must("Send-UMPinOutbox", "{\"Mode\":\"Commit\"}", NULL));
    print_mail(folder);
    printf("\n== Sign in on the telephone with it, and with a wrong one\n");
    check("1985848");
    check("1985849");
    if (set("Example 3: lock the mailbox", NULL, UMPIN_UNSET, 1)) return 1;
    if (set("Example 4: unlock it", NULL, UMPIN_UNSET, 0)) return 1;
    if (!set("A weak PIN is refused by its rule", "123456", UMPIN_UNSET, UMPIN_UNSET)) return 1;

    umpin_close(session, NULL);
    printf("\nNext: README.md tells how to install the PowerShell module; include/umpin.h is the interface that was "
           "used here.\n");
    return 0;
}
