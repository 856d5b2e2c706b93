/* apt: the archives' signed indexes into folders of its own, with the keyring that was named; then exact versions. What
 * each file hashes to stands in those indexes, which apt has verified up to the archive's signature; `--print-uris`
 * says it, and the file is held against it here. The InRelease files are kept as evidence of what the archive had
 * signed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collecting.h"
#include "parse/apt_uris.h"
#include "util/file.h"

static const struct client APT = {"apt-get", "/usr/bin/apt-get", "apt"};

#define APT_DIR  CLIENT_WORK "/apt"
#define PARSE_MS 30000

static const char *const FOLDERS[] = {"apt",
                                      "apt/etc",
                                      "apt/state",
                                      "apt/state/lists",
                                      "apt/state/lists/partial",
                                      "apt/cache",
                                      "apt/cache/archives",
                                      "apt/cache/archives/partial",
                                      "apt/log"};

static int write_config(const struct collecting *c, int work, struct err *e)
{
    auto_buf text = BUF(8192);
    const char *architecture = c->spec->archives[0].architecture;
    buf_printf(
        &text,
        "Dir \"" APT_DIR "\";\nDir::State \"state\";\nDir::State::status \"" APT_DIR "/status\";\n"
        "Dir::Cache \"cache\";\nDir::Etc \"etc\";\nDir::Etc::sourcelist \"sources.list\";\n"
        "Dir::Etc::sourceparts \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\nDir::Etc::preferencesparts "
        "\"/dev/null\";\n"
        "Dir::Etc::trusted \"none.gpg\";\nDir::Etc::trustedparts \"/dev/null\";\nDir::Etc::netrc \"auth.conf\";\n"
        "Dir::Etc::netrcparts \"/dev/null\";\nDir::Log \"log\";\n"
        "APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\nAPT::Sandbox::User \"\";\n"
        "APT::Install-Recommends \"false\";\nAcquire::Languages \"none\";\nAcquire::Retries \"1\";\n"
        "Acquire::AllowInsecureRepositories \"false\";\nDebug::NoLocking \"true\";\n",
        architecture, architecture);
    if (buf_check(&text, "apt.conf", e) < 0)
        return -1;
    return work_write(work, "apt/apt.conf", buf_span(&text), e);
}

/* The keyring, copied; apt tells the two forms of keys by the ending. */
static int write_keyring(const struct collecting *c, int work, size_t n, char path[48], struct err *e)
{
    auto_buf key = BUF(1U << 20);
    const char *file = c->spec->archives[n].keyring;
    if (file_read(c->dir, file, &key, e) < 0)
        return err_prefix(e, "keyring");
    bool armoured = span_starts(buf_span(&key), SPAN_LIT("-----BEGIN PGP"));
    snprintf(path, 48, "apt/keyring-%zu.%s", n, armoured ? "asc" : "gpg");
    return work_write(work, path, buf_span(&key), e);
}

static int write_sources(const struct collecting *c, int work, struct err *e)
{
    auto_buf list = BUF(65536), netrc = BUF(65536);
    for (size_t i = 0; i < c->spec->archive_count; i++) {
        const struct collect_archive *a = &c->spec->archives[i];
        char keyring[48], token[1024];
        if (write_keyring(c, work, i, keyring, e) < 0)
            return -1;
        buf_printf(&list, "deb [arch=%s signed-by=" CLIENT_WORK "/%s] %s %s", a->architecture, keyring, a->archive,
                   a->suite);
        for (size_t k = 0; k < a->component_count; k++)
            buf_printf(&list, " %s", a->components[k]);
        buf_add_byte(&list, '\n');
        if (a->token_file && token_read(c, a->token_file, token, e) < 0)
            return -1;
        if (a->token_file)
            buf_printf(&netrc, "machine %s login airlock password %s\n", a->archive, token);
    }
    if (buf_check(&list, "sources.list", e) < 0 || buf_check(&netrc, "auth.conf", e) < 0 ||
        work_write(work, "apt/etc/sources.list", buf_span(&list), e) < 0)
        return -1;
    return work_write(work, "apt/etc/auth.conf", buf_span(&netrc), e);
}

static int prepare(struct collecting *c, int *work, struct err *e)
{
    int made;
    if (client_prepare(&c->clients, &made, e) < 0)
        return -1;
    auto_fd dir = made;
    for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++)
        if (dir_make(dir, FOLDERS[i], 0700, e) < 0)
            return -1;
    if (write_config(c, dir, e) < 0 || write_sources(c, dir, e) < 0 ||
        work_write(dir, "apt/status", SPAN_LIT(""), e) < 0)
        return -1;
    *work = fd_steal(&dir);
    return 0;
}

static int run_apt(struct collecting *c, const char *const *argv, int work, int output, struct err *e)
{
    static const char *const env[] = {"APT_CONFIG=" APT_DIR "/apt.conf", "DEBIAN_FRONTEND=noninteractive", NULL};
    struct places places = {0};
    for (size_t i = 0; i < c->spec->archive_count; i++)
        if (places_add_text(&places, c->spec->archives[i].archive, e) < 0)
            return -1;
    const struct client_order order = {
        .client = &APT, .argv = argv, .env = env, .places = &places, .work = work, .keep_output = output};
    return client_run(&c->clients, &order, e);
}

/* NAME[:ARCHITECTURE]=VERSION of each package. The strings are owned by the list. */
static char **wanted_list(const struct lock *lock, const char *first, const char *second)
{
    char **list = calloc(lock->count + 4, sizeof *list);
    size_t n = 0;
    if (!list)
        abort();
    for (const char *const *word = (const char *const[]){first, second, NULL}; *word; word++)
        list[n++] = strdup(*word);
    for (size_t i = 0; i < lock->count; i++) {
        const struct lock_package *p = &lock->packages[i];
        auto_buf one = BUF(1024);
        buf_printf(&one, "%s%s%s=%s", p->name, p->architecture ? ":" : "", p->architecture ? p->architecture : "",
                   p->version);
        list[n++] = buf_steal_str(&one);
    }
    for (size_t i = 0; i < n; i++)
        if (!list[i])
            abort();
    return list;
}

static void list_fini(char ***list)
{
    for (char **one = *list; *one; one++)
        free(*one);
    free(*list);
}

static int run_wanted(struct collecting *c, const struct lock *lock, const char *first, const char *second, int work,
                      int output, struct err *e)
{
    AUTO(list_fini) char **argv = wanted_list(lock, first, second);
    return run_apt(c, (const char *const *)argv, work, output, e);
}

/* What `--print-uris` said, taken apart in the parse process. */
static json_t *ask_hashes(struct collecting *c, const struct lock *lock, int work, struct err *e)
{
    auto_fd out = openat(work, "uris", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return err_set(e, ERR_IO, 0, "make a file in the station"), NULL;
    if (run_wanted(c, lock, "--print-uris", "download", work, out, e) < 0)
        return NULL;
    struct child_request request = {.op = "apt-uris", .fd = out, .timeout_ms = PARSE_MS};
    return child_call_json(c->parser, &request, "what apt-get --print-uris said", e);
}

/* The entry of a package: its file is NAME_VERSION_ARCHITECTURE.deb. */
static const json_t *entry_of(const json_t *entries, const struct lock_package *p)
{
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        if (strcmp(json_get_string(entry, "name", ""), p->name) == 0 &&
            strcmp(json_get_string(entry, "version", ""), p->version) == 0 &&
            (!p->architecture || strcmp(json_get_string(entry, "architecture", ""), p->architecture) == 0))
            return entry;
    }
    return NULL;
}

/* Held against the lock, where it has a hash, and against the signed index. */
static int take_deb(struct collecting *c, const struct lock_package *p, const json_t *entry, int work, struct err *e)
{
    char path[512];
    struct lock_hash_of hash = {json_get_string(entry, "alg", ""), json_get_string(entry, "hex", "")};
    struct lock_package index = *p;
    index.hashes = &hash;
    index.hash_count = 1;
    snprintf(path, sizeof path, "out/%.400s", json_get_string(entry, "file", ""));
    const char *filename = json_get_string(entry, "filename", ""), *uri = json_get_string(entry, "uri", "");
    if (take_file(c, &index, work, path, filename, uri, e) < 0)
        return -1;
    return p->hash_count ? take_file(c, p, work, path, filename, uri, e) : 0;
}

static int take_debs(struct collecting *c, const struct collect_set *set, const struct lock *lock,
                     const json_t *entries, int work, struct err *e)
{
    for (size_t i = 0; i < lock->count; i++) {
        const struct lock_package *p = &lock->packages[i];
        const json_t *entry = entry_of(entries, p);
        if (!entry)
            return err_set(e, ERR_INPUT, 0, "%s:%u: apt-get brought no file for %s=%s", set->file, p->line, p->name,
                           p->version);
        if (take_deb(c, p, entry, work, e) < 0)
            return err_prefix(e, "%s:%u", set->file, p->line);
    }
    return 0;
}

static int take_inreleases(struct collecting *c, int work, struct err *e)
{
    auto_left left = {0};
    if (left_list(work, "apt/state/lists", &left, e) < 0)
        return -1;
    for (size_t i = 0; i < left.count; i++) {
        char path[512];
        snprintf(path, sizeof path, "apt/state/lists/%.400s", left.names[i]);
        if (span_ends(span_str(left.names[i]), SPAN_LIT("_InRelease")) &&
            take_evidence(c, work, path, left.names[i], e) < 0)
            return -1;
    }
    return 0;
}

int fetch_apt(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e)
{
    static const char *const update[] = {"update", "-q", "--error-on=any", NULL};
    int made;
    if (prepare(c, &made, e) < 0)
        return -1;
    auto_fd work = made;
    if (run_apt(c, update, work, -1, e) < 0)
        return err_prefix(e, "%s", set->file);
    auto_json entries = ask_hashes(c, lock, work, e);
    if (!entries || run_wanted(c, lock, "-q", "download", work, -1, e) < 0)
        return err_prefix(e, "%s", set->file);
    if (take_debs(c, set, lock, json_object_get(entries, "files"), work, e) < 0)
        return -1;
    return take_inreleases(c, work, e);
}
