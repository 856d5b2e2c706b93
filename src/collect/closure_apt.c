/* apt resolves the Debian packages of a release against an archive that holds them and nothing else, on top of what a
 * dpkg status file says the machines have. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "collect/closure_internal.h"
#include "util/file.h"
#include "util/limits.h"

#define APT_DIR           CLIENT_WORK "/apt"
#define ARCHITECTURES_MAX 8U

static const struct client APT = {"apt-get", "/usr/bin/apt-get", "apt"};

static const char *const FOLDERS[] = {"apt",
                                      "apt/etc",
                                      "apt/state",
                                      "apt/state/lists",
                                      "apt/cache",
                                      "apt/state/lists/partial",
                                      "apt/log",
                                      "apt/cache/archives",
                                      "apt/cache/archives/partial"};

static const char *control_of(const struct package *p, const char *field)
{
    return json_get_string(json_object_get(p->about, "control"), field, "");
}

static bool is_deb(const struct package *p)
{
    return strcmp(p->ecosystem, "deb") == 0;
}

static int write_config(int work, const char *architecture, struct err *e)
{
    auto_buf text = BUF(8192);
    buf_printf(&text,
               "Dir \"" APT_DIR "\";\nDir::State \"state\";\nDir::State::status \"" APT_DIR "/status\";\n"
               "Dir::Cache \"cache\";\nDir::Etc \"etc\";\nDir::Etc::sourcelist \"sources.list\";\n"
               "Dir::Etc::sourceparts \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n"
               "Dir::Etc::preferencesparts \"/dev/null\";\nDir::Log \"log\";\n"
               "APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\nAPT::Sandbox::User \"\";\n"
               "APT::Install-Recommends \"false\";\nAcquire::Languages \"none\";\nDebug::NoLocking \"true\";\n",
               architecture, architecture);
    if (file_write(work, "apt/etc/sources.list", SPAN_LIT("deb [trusted=yes] file:" APT_DIR "/archive ./\n"), 0600, e) <
        0)
        return -1;
    return file_write(work, "apt/apt.conf", buf_span(&text), 0600, e);
}

/* The stanzas of Packages: the control fields as they stand in the package, and where its file would be. */
static int write_archive(const struct closing *c, int work, struct err *e)
{
    auto_buf text = BUF(256U << 20);
    if (dir_make(work, "apt/archive", 0700, e) < 0)
        return -1;
    for (size_t i = 0; i < c->chosen->count; i++) {
        const struct package *p = &c->chosen->items[i];
        const char *key;
        json_t *value;
        if (!is_deb(p))
            continue;
        json_object_foreach(json_object_get(p->about, "control"), key, value)
        {
            if (json_is_string(value))
                buf_printf(&text, "%s: %s\n", key, json_string_value(value));
        }
        buf_printf(&text, "Filename: ./%s\nSize: %llu\nSHA256: %s\n\n", p->filename, (unsigned long long)p->size,
                   digest_hex(&p->digest).text);
    }
    return buf_check(&text, "Packages", e) < 0 ? -1
                                               : file_write(work, "apt/archive/Packages", buf_span(&text), 0600, e);
}

static int write_status(const struct closing *c, int work, struct err *e)
{
    auto_buf text = BUF(64U << 20);
    if (c->out->base[0] && file_read(AT_FDCWD, c->out->base, &text, e) < 0)
        return err_prefix(e, "base");
    return file_write(work, "apt/status", buf_span(&text), 0600, e);
}

static int run_apt(struct closing *c, const char *const *argv, int work, int output, struct err *e)
{
    static const struct places nowhere = {0};
    static const char *const env[] = {"APT_CONFIG=" APT_DIR "/apt.conf", "DEBIAN_FRONTEND=noninteractive", NULL};
    const struct client_order order = {
        .client = &APT, .argv = argv, .env = env, .places = &nowhere, .work = work, .keep_output = output};
    return client_run(&c->clients, &order, e);
}

/* ── the answer ── */

/* " hello : Depends: libc6 (>= 2.34) but it is not installable": the first line of this form. */
static bool unmet(const struct buf *said, char name[256], char what[400])
{
    static const char *const marks[] = {" : Depends: ", " : PreDepends: ", " : Pre-Depends: "};
    struct span rest = buf_span(said), line;
    while (span_take_until(&rest, '\n', &line)) {
        char text[800];
        snprintf(text, sizeof text, "%.*s", (int)line.len, (const char *)line.ptr);
        for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
            char *mark = strstr(text, marks[i]);
            if (!mark)
                continue;
            *mark = '\0';
            snprintf(name, 256, "%.*s", (int)strcspn(text + strspn(text, " "), ": "), text + strspn(text, " "));
            snprintf(what, 400, "%.399s", mark + strlen(marks[i]));
            char *but = strstr(what, " but ");
            if (but)
                *but = '\0';
            return true;
        }
    }
    return false;
}

static int refused(const struct closing *c, int work, const char *architecture, struct err *e)
{
    auto_buf said = BUF(65536);
    char name[256], what[400], who[400];
    struct err why = *e;
    if (closure_said(work, "said", &said, e) < 0)
        return -1;
    if (!unmet(&said, name, what))
        return err_set(e, ERR_INPUT, 0, "apt does not find a way through the Debian packages for %s: %.600s",
                       architecture, why.msg);
    const struct package *by = closure_find(c, "deb", name);
    if (by)
        closure_who(by, who, sizeof who);
    else
        snprintf(who, sizeof who, "%s", name);
    err_set(e, ERR_INPUT, 0, "%s is missing (Debian, %s): %s needs it", what, architecture, who);
    what[strcspn(what, " :(")] = '\0';
    if (!c->out->base[0])
        err_hint(e, "If the machines have it: packages: {base: {dpkg: FILE}} names a copy of their dpkg status");
    closure_hint(c, "deb", what, e);
    return -1;
}

/* ── a run for each architecture ── */

/* NAME=VERSION of each package that is for this architecture. *list and its strings are owned by the caller. */
static char **wanted(const struct closing *c, const char *architecture)
{
    static const char *const first[] = {"--simulate", "--no-remove", "install"};
    char **list = calloc(c->chosen->count + ARRAY_LEN(first) + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; list && i < ARRAY_LEN(first); i++)
        list[n++] = strdup(first[i]);
    for (size_t i = 0; list && i < c->chosen->count; i++) {
        const struct package *p = &c->chosen->items[i];
        const char *its = control_of(p, "Architecture");
        if (is_deb(p) && (strcmp(its, architecture) == 0 || strcmp(its, "all") == 0) &&
            asprintf(&list[n++], "%s=%s", p->name, p->version) < 0)
            abort();
    }
    if (!list)
        abort();
    return list;
}

static void free_list(char ***list)
{
    for (char **one = *list; one && *one; one++)
        free(*one);
    free(*list);
}

static int check(struct closing *c, const char *architecture, struct err *e)
{
    static const char *const update[] = {"update", NULL};
    AUTO(free_list) char **argv = wanted(c, architecture);
    int made = -1;
    if (client_prepare(&c->clients, &made, e) < 0)
        return -1;
    auto_fd work = made;
    for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++)
        if (dir_make(work, FOLDERS[i], 0700, e) < 0)
            return -1;
    if (write_config(work, architecture, e) < 0 || write_archive(c, work, e) < 0 || write_status(c, work, e) < 0)
        return -1;
    if (run_apt(c, update, work, -1, e) < 0)
        return closure_not_checked("apt", e);
    auto_fd said = openat(work, "said", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (said < 0)
        return err_set(e, ERR_IO, errno, "make a file for apt");
    if (run_apt(c, (const char *const *)argv, work, said, e) == 0)
        return 0;
    return e->code == ERR_INPUT ? refused(c, work, architecture, e) : closure_not_checked("apt", e);
}

int closure_apt(struct closing *c, struct err *e)
{
    const char *architectures[ARCHITECTURES_MAX];
    size_t count = 0;
    bool all = false;
    for (size_t i = 0; i < c->chosen->count; i++) {
        const char *its = control_of(&c->chosen->items[i], "Architecture");
        bool known = !is_deb(&c->chosen->items[i]) || strcmp(its, "all") == 0;
        all = all || (is_deb(&c->chosen->items[i]) && known);
        for (size_t k = 0; k < count; k++)
            known = known || strcmp(architectures[k], its) == 0;
        if (!known && count < ARCHITECTURES_MAX)
            architectures[count++] = its;
    }
    if (count == 0 && all)
        architectures[count++] = "amd64";
    for (size_t i = 0; i < count; i++)
        if (check(c, architectures[i], e) < 0)
            return -1;
    return 0;
}
