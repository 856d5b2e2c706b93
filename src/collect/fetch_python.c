/* Python: wheels by pip, in hash-checking mode, out of a requirements file that is written here from the lock; sources
 * by curl. pip is not asked for a source: to say what a source needs, it would run its setup.py. */
#include <stdio.h>
#include <string.h>

#include "collect/collecting.h"
#include "collect/pip_target.h"
#include "parse/lock.h"

static const struct client PIP = {"pip", "/usr/bin/pip3", "python3-pip"};

#define ARGS_MAX  160U
#define PAGE_TYPE "application/vnd.pypi.simple.v1+json"
#define JSON_MS   30000

/* ── which wheels ── */

/* A system whose C library is 2.N takes wheels for every older one (PEP 600), and three of those have older names too
 * (PEP 513, 571, 599). pip takes the words as they are given. */
struct tags {
    char text[72][80]; /* 55 of glibc, and three old ones */
    size_t count;
};

static void all_tags(const char *platform, struct tags *out)
{
    static const struct {
        const char *prefix;
        unsigned minor;
    } old[] = {{"manylinux2014_", 17}, {"manylinux2010_", 12}, {"manylinux1_", 5}};
    unsigned minor = 0;
    const char *machine = NULL;
    struct span rest = span_str(platform), number;
    uint64_t value;
    *out = (struct tags){0};
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        if (strncmp(platform, old[i].prefix, strlen(old[i].prefix)) == 0) {
            minor = old[i].minor;
            machine = platform + strlen(old[i].prefix);
        }
    if (span_take_prefix(&rest, SPAN_LIT("manylinux_2_")) && span_take_until(&rest, '_', &number) &&
        span_decimal(number, &value) && value >= 5 && value < 60) {
        minor = (unsigned)value;
        machine = (const char *)rest.ptr;
    }
    if (!machine) {
        snprintf(out->text[out->count++], sizeof out->text[0], "%.79s", platform);
        return;
    }
    for (unsigned n = minor; n >= 5; n--) {
        snprintf(out->text[out->count++], sizeof out->text[0], "manylinux_2_%u_%.40s", n, machine);
        for (size_t i = 0; i < ARRAY_LEN(old); i++)
            if (old[i].minor == n)
                snprintf(out->text[out->count++], sizeof out->text[0], "%s%.40s", old[i].prefix, machine);
    }
}

static bool comes_as_source(const struct collect_set *set, const char *name)
{
    for (size_t i = 0; i < set->source_count; i++)
        if (strcmp(set->source[i], name) == 0)
            return true;
    return false;
}

/* The lines of `all` whose packages come as wheels. A line begins with NAME==. */
static void keep_wheels(const struct collect_set *set, struct span all, struct buf *out)
{
    struct span line, rest, name;
    while (span_take_until(&all, '\n', &line)) {
        char text[256];
        rest = line;
        if (!span_take_until(&rest, '=', &name) || name.len >= sizeof text)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)name.len, (const char *)name.ptr);
        if (comes_as_source(set, text))
            continue;
        buf_add_span(out, line);
        buf_add_byte(out, '\n');
    }
}

/* ── pip ── */

static int python_places(const struct collecting *c, struct places *out, struct err *e)
{
    *out = (struct places){0};
    if (places_add_text(out, c->spec->pypi.index, e) < 0)
        return -1;
    for (size_t i = 0; i < c->spec->pypi.file_count; i++)
        if (places_add_text(out, c->spec->pypi.files[i], e) < 0)
            return -1;
    return 0;
}

static int run_pip(struct collecting *c, const struct collect_set *set, const char *platform, int work, struct err *e)
{
    struct places places;
    struct tags tags;
    struct url index;
    char host[PLACE_HOST_MAX + 8];
    const char *argv[ARGS_MAX] = {"--isolated",       "--disable-pip-version-check",
                                  "--no-input",       "--no-cache-dir",
                                  "--retries",        "2",
                                  "download",         "--no-deps",
                                  "--require-hashes", "--only-binary=:all:",
                                  "--dest",           CLIENT_WORK "/out",
                                  "--requirement",    CLIENT_WORK "/requirements.txt",
                                  "--implementation", "cp",
                                  "--python-version", set->python,
                                  "--index-url",      c->spec->pypi.index};
    size_t n = 0;
    while (argv[n])
        n++;
    all_tags(platform, &tags);
    for (size_t i = 0; i < tags.count; i++) {
        argv[n++] = "--platform";
        argv[n++] = tags.text[i];
    }
    if (url_read(c->spec->pypi.index, &index, e) < 0 || python_places(c, &places, e) < 0)
        return -1;
    snprintf(host, sizeof host, "%s:%u", index.host, index.port);
    argv[n++] = index.tls ? "--cert" : "--trusted-host"; /* without TLS the hashes alone hold what comes */
    argv[n++] = index.tls ? "/etc/ssl/certs/ca-certificates.crt" : host;
    struct pip_target target;
    if (pip_target_write(work, set->python, platform, &target, e) < 0)
        return -1;
    const struct client_order order = {
        .client = &PIP, .argv = argv, .env = target.env, .places = &places, .work = work, .keep_output = -1};
    return client_run(&c->clients, &order, e);
}

static int take_wheel(struct collecting *c, const struct lock *lock, int work, const char *name, struct err *e)
{
    char path[300];
    snprintf(path, sizeof path, "out/%.255s", name);
    const struct lock_package *p = pinned_by(lock, work, path, e);
    return p ? take_file(c, p, work, path, name, NULL, e) : -1;
}

/* ── what the index says ── */

/* The page of one project (PEP 691), taken apart in the parse process. */
static json_t *read_page(struct collecting *c, int work, const char *name, struct err *e)
{
    uint64_t size;
    auto_fd fd = left_open(work, "out/page", &size, e);
    if (fd < 0)
        return NULL;
    struct child_request request = {.op = "json", .fd = fd, .timeout_ms = JSON_MS};
    json_t *page = child_call_json(c->parser, &request, name, e);
    if (!page)
        err_hint(e,
                 "Sources are found through the JSON form of the simple API (PEP 691); this index does not offer it");
    return page;
}

/* A URL of the page: whole, or relative to the page (RFC 3986, section 5.2, for the forms that indexes use). */
static void resolve(const char *page, const char *url, struct buf *out)
{
    size_t authority = strlen(page), folder = authority;
    const char *host = strstr(page, "://");
    if (host)
        authority = (size_t)(host + 3 - page) + strcspn(host + 3, "/");
    while (folder > authority && page[folder - 1] != '/')
        folder--;
    if (strstr(url, "://"))
        authority = folder = 0;
    while (folder > authority && strncmp(url, "../", 3) == 0) {
        url += 3;
        if (folder > authority + 1)
            folder--;
        while (folder > authority && page[folder - 1] != '/')
            folder--;
    }
    buf_add(out, page, url[0] == '/' ? authority : folder);
    buf_add(out, url, strcspn(url, "#"));
}

static const json_t *find_source(const json_t *page, const struct lock_package *p)
{
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(page, "files"), i, file)
    {
        const char *name = json_get_string(file, "filename", "");
        const char *hex = json_get_string(json_object_get(file, "hashes"), "sha256", "");
        if (span_ends(span_str(name), SPAN_LIT(".tar.gz")) && !strchr(name, '/') && lock_allows(p, "sha256", hex))
            return file;
    }
    return NULL;
}

static bool has_wheel(const json_t *page, const struct lock_package *p)
{
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(page, "files"), i, file)
    {
        const char *hex = json_get_string(json_object_get(file, "hashes"), "sha256", "");
        if (span_ends(span_str(json_get_string(file, "filename", "")), SPAN_LIT(".whl")) &&
            lock_allows(p, "sha256", hex))
            return true;
    }
    return false;
}

/* The package for which pip found no file ("No matching distribution found for NAME==VERSION"), or NULL. */
static const struct lock_package *not_found(const struct lock *lock, const struct err *e)
{
    static const char words[] = "No matching distribution found for ";
    const char *at = strstr(e->msg, words);
    for (size_t i = 0; at && i < lock->count; i++) {
        char pin[512];
        const struct lock_package *p = &lock->packages[i];
        size_t len = (size_t)snprintf(pin, sizeof pin, "%s==%s", p->name, p->version);
        const char *named = at + sizeof words - 1;
        if (strncmp(named, pin, len) == 0 && (!named[len] || strchr(" \n(;", named[len])))
            return p;
    }
    return NULL;
}

static json_t *ask_page(struct collecting *c, const char *name, int *work, struct places *places, struct buf *page,
                        struct err *e)
{
    if (client_prepare(&c->clients, work, e) < 0)
        return NULL;
    buf_printf(page, "%s%s/", c->spec->pypi.index, name);
    if (token_netrc(c, *work, c->spec->pypi.index, c->spec->pypi.token_file, e) < 0 ||
        python_places(c, places, e) < 0 || fetch_url(c, places, *work, buf_str(page), PAGE_TYPE, "page", e) < 0)
        return NULL;
    return read_page(c, *work, name, e);
}

/* pip says of a package without a wheel that there is none; the index knows whether its source is there. */
static void only_source(struct collecting *c, const struct lock *lock, struct err *e)
{
    struct err ignored = {0};
    struct places places;
    auto_buf page = BUF(4096);
    auto_fd work = -1;
    const struct lock_package *p = e->code == ERR_INPUT ? not_found(lock, e) : NULL;
    auto_json document = p ? ask_page(c, p->name, &work, &places, &page, &ignored) : NULL;
    if (!document || has_wheel(document, p) || !find_source(document, p))
        return;
    struct err said = *e;
    err_set(e, ERR_INPUT, 0, "%s:%u: %s %s: only a source distribution exists: add `source: [%s]` to the set%.600s",
            lock->file, p->line, p->name, p->version, p->name, said.msg + strcspn(said.msg, "\n"));
}

static int fetch_platform(struct collecting *c, const struct collect_set *set, const struct lock *lock,
                          const char *platform, struct span wanted, struct err *e)
{
    int made;
    if (client_prepare(&c->clients, &made, e) < 0)
        return -1;
    auto_fd work = made;
    auto_left left = {0};
    if (work_write(work, "requirements.txt", wanted, e) < 0 ||
        token_netrc(c, work, c->spec->pypi.index, c->spec->pypi.token_file, e) < 0 ||
        run_pip(c, set, platform, work, e) < 0) {
        only_source(c, lock, e);
        return err_prefix(e, "%s (%s)", set->file, platform);
    }
    if (left_list(work, "out", &left, e) < 0)
        return -1;
    for (size_t i = 0; i < left.count; i++)
        if (take_wheel(c, lock, work, left.names[i], e) < 0)
            return err_prefix(e, "%s (%s)", set->file, platform);
    return 0;
}

/* ── sources ── */

static int fetch_source(struct collecting *c, const struct lock_package *p, struct err *e)
{
    struct places places;
    auto_buf page = BUF(4096), url = BUF(4096);
    auto_fd work = -1;
    auto_json document = ask_page(c, p->name, &work, &places, &page, e);
    const json_t *file = document ? find_source(document, p) : NULL;
    if (document && !file)
        err_set(e, ERR_INPUT, 0, "%s %s: the index has no .tar.gz with a hash of the lock", p->name, p->version);
    if (!file)
        return -1;
    struct url read;
    resolve(buf_str(&page), json_get_string(file, "url", ""), &url);
    if (buf_check(&url, "URL", e) < 0 || url_read(buf_str(&url), &read, e) < 0 ||
        fetch_url(c, &places, work, buf_str(&url), "*/*", "source", e) < 0)
        return -1;
    return take_file(c, p, work, "out/source", json_get_string(file, "filename", ""), buf_str(&url), e);
}

/* ── a set ── */

static bool pins_by_sha384(const struct lock_package *p)
{
    for (size_t i = 0; i < p->hash_count; i++)
        if (strcmp(p->hashes[i].alg, "sha384") == 0)
            return true;
    return false;
}

/* One name may stand in a lock more than once, each time with another version and marker. Of a package no SHA-384 is
 * kept: who is pinned by one is known by name. */
static bool was_taken(const struct collecting *c, const struct lock_package *p)
{
    for (size_t i = 0; i < c->packages.count; i++) {
        const struct package *one = &c->packages.items[i];
        if (strcmp(one->ecosystem, "pypi") == 0 && strcmp(one->name, p->name) == 0 &&
            (pins_by_sha384(p) || lock_allows(p, "sha256", digest_hex(&one->digest).text) ||
             lock_allows(p, "sha512", json_get_string(one->hashes, "sha512", ""))))
            return true;
    }
    return false;
}

/* pip leaves out what a marker rules out, and nothing else. */
static int check_complete(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e)
{
    for (size_t i = 0; i < lock->count; i++) {
        const struct lock_package *p = &lock->packages[i];
        if (was_taken(c, p))
            continue;
        if (!p->marker)
            return err_set(e, ERR_INPUT, 0, "%s:%u: pip brought no file for %s %s", set->file, p->line, p->name,
                           p->version);
        collect_remark(c, "%s:%u: %s %s was left out: its marker (%.100s) does not hold for this set", set->file,
                       p->line, p->name, p->version, p->marker);
    }
    return 0;
}

int fetch_python(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e)
{
    auto_buf all = BUF(2 * LIMIT_LOCK_BYTES), wanted = BUF(2 * LIMIT_LOCK_BYTES);
    lock_write_requirements(lock, NULL, &all);
    keep_wheels(set, buf_span(&all), &wanted);
    if (buf_check(&all, set->file, e) < 0 || buf_check(&wanted, set->file, e) < 0)
        return -1;
    for (size_t i = 0; wanted.len && i < set->platform_count; i++)
        if (fetch_platform(c, set, lock, set->platforms[i], buf_span(&wanted), e) < 0)
            return -1;
    for (size_t i = 0; i < lock->count; i++)
        if (comes_as_source(set, lock->packages[i].name) && fetch_source(c, &lock->packages[i], e) < 0)
            return err_prefix(e, "%s", set->file);
    return check_complete(c, set, lock, e);
}
