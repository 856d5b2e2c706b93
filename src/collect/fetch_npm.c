/* npm: `npm cache add` of every tarball that the lock pins, for every platform at once. npm names what it caches by the
 * SHA-512 of its bytes, so the file that the lock means is found by the lock's own integrity; scripts never run,
 * because nothing is unpacked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collecting.h"

static const struct client NPM = {"npm", "/usr/bin/npm", "npm"};

#define BATCH 100U /* tarballs a run */

/* "…/NAME/-/FILE.tgz" on the named registry: what a lock says as long as it says that, else where registries have it by
 * convention. A lock that was made behind another registry pins the same bytes. */
static void tarball_url(const struct collecting *c, const struct lock_package *p, struct buf *out)
{
    const char *registry = c->spec->npm.registry, *base = strrchr(p->name, '/');
    base = base ? base + 1 : p->name;
    if (p->url && strncmp(p->url, registry, strlen(registry)) == 0)
        buf_add_str(out, p->url);
    else
        buf_printf(out, "%s%s/-/%s-%s.tgz", registry, p->name, base, p->version);
}

/* Of two scopes may come one base name: "@scope/name" is kept as scope-name, as `npm pack` calls it. */
static void tarball_name(const struct lock_package *p, struct buf *out)
{
    for (const char *n = p->name; *n; n++)
        if (*n != '@')
            buf_add_byte(out, *n == '/' ? '-' : (uint8_t)*n);
    buf_printf(out, "-%s.tgz", p->version);
}

/* npm asks for a tarball twice, first for the manifest in it: prefer-offline takes the second one out of its cache. */
static int write_npmrc(const struct collecting *c, int work, struct err *e)
{
    auto_buf text = BUF(8192);
    char token[1024];
    const char *registry = c->spec->npm.registry;
    buf_printf(&text,
               "registry=%s\ncache=" CLIENT_WORK "/cache\nignore-scripts=true\naudit=false\nfund=false\n"
               "update-notifier=false\nfetch-retries=2\nfetch-retry-mintimeout=1000\nprefer-offline=true\ncafile=/etc/"
               "ssl/certs/ca-certificates.crt\n",
               registry);
    if (c->spec->npm.token_file) {
        if (token_read(c, c->spec->npm.token_file, token, e) < 0)
            return -1;
        buf_printf(&text, "%s:_authToken=%s\n", strstr(registry, "//"), token);
    }
    return work_write(work, "home/.npmrc", buf_span(&text), e);
}

static int run_npm(struct collecting *c, const char *const *urls, size_t count, int work, struct err *e)
{
    struct places places = {0};
    const char *argv[BATCH + 4] = {"cache", "add", "--ignore-scripts"};
    static const char *const env[] = {"NPM_CONFIG_GLOBALCONFIG=/dev/null", NULL};
    for (size_t i = 0; i < count; i++)
        argv[3 + i] = urls[i];
    if (places_add_text(&places, c->spec->npm.registry, e) < 0 || write_npmrc(c, work, e) < 0)
        return -1;
    const struct client_order order = {
        .client = &NPM, .argv = argv, .env = env, .places = &places, .work = work, .keep_output = -1};
    return client_run(&c->clients, &order, e);
}

/* Where cacache keeps content: content-v2/sha512/ab/cd/REST. */
static int take_tarball(struct collecting *c, const struct lock_package *p, int work, const char *url, struct err *e)
{
    auto_buf path = BUF(512), name = BUF(512);
    const char *hex = NULL;
    for (size_t i = 0; i < p->hash_count; i++)
        if (strcmp(p->hashes[i].alg, "sha512") == 0)
            hex = p->hashes[i].hex;
    if (!hex)
        return err_set(e, ERR_INPUT, 0, "%s %s: the lock has no sha512 for it, by which npm keeps files", p->name,
                       p->version);
    buf_printf(&path, "cache/_cacache/content-v2/sha512/%.2s/%.2s/%s", hex, hex + 2, hex + 4);
    tarball_name(p, &name);
    if (buf_check(&path, "path", e) < 0 || buf_check(&name, "name", e) < 0)
        return -1;
    if (take_file(c, p, work, buf_str(&path), buf_str(&name), url, e) == 0)
        return 0;
    if (e->code == ERR_NOTFOUND)
        return err_set(e, ERR_INPUT, 0, "%s %s: what %s sent has other bytes than the lock pins", p->name, p->version,
                       url);
    return -1;
}

static int fetch_batch(struct collecting *c, const struct lock_package *list, size_t count, struct err *e)
{
    int made;
    char *urls[BATCH] = {0};
    if (client_prepare(&c->clients, &made, e) < 0)
        return -1;
    auto_fd work = made;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        struct url read;
        auto_buf url = BUF(4096);
        tarball_url(c, &list[i], &url);
        result = buf_check(&url, "URL", e) < 0 || url_read(buf_str(&url), &read, e) < 0 ? -1 : 0;
        urls[i] = buf_steal_str(&url);
    }
    if (result == 0)
        result = run_npm(c, (const char *const *)urls, count, work, e);
    for (size_t i = 0; i < count && result == 0; i++)
        result = take_tarball(c, &list[i], work, urls[i], e);
    for (size_t i = 0; i < count; i++)
        free(urls[i]);
    return result;
}

/* As npm holds "os" of a package against where it runs: "!win32" rules one out, and lists of such alone allow the rest.
 */
static bool is_for(const json_t *list, const char *word)
{
    size_t i, negated = 0;
    json_t *item;
    bool match = false;
    json_array_foreach(list, i, item)
    {
        const char *one = json_string_value(item);
        if (one[0] == '!' && strcmp(one + 1, word) == 0)
            return false;
        negated += one[0] == '!';
        match = match || strcmp(one, word) == 0 || strcmp(one, "any") == 0;
    }
    return match || negated == json_array_size(list);
}

static bool is_for_any(const json_t *list, const char *const *words, size_t count)
{
    bool any = !list || count == 0;
    for (size_t i = 0; i < count && !any; i++)
        any = is_for(list, words[i]);
    return any;
}

/* Clients go on without an optional package that is for another platform; what is not optional they want everywhere. */
static bool is_wanted(const struct collect_set *set, const struct lock_package *p)
{
    return !p->optional || (is_for_any(p->os, set->os, set->os_count) && is_for_any(p->cpu, set->cpu, set->cpu_count) &&
                            is_for_any(p->libc, set->libc, set->libc_count));
}

int fetch_npm(struct collecting *c, const struct collect_set *set, const struct lock *lock, struct err *e)
{
    auto_free struct lock_package *wanted = calloc(lock->count + 1, sizeof *wanted); /* shallow: the lock owns them */
    size_t total = 0;
    if (!wanted)
        abort();
    for (size_t i = 0; i < lock->count; i++)
        if (is_wanted(set, &lock->packages[i]))
            wanted[total++] = lock->packages[i];
    if (total < lock->count)
        collect_remark(c, "%s: %zu optional packages for other platforms than os, cpu and libc name were left out",
                       set->file, lock->count - total);
    for (size_t at = 0; at < total; at += BATCH) {
        size_t count = total - at < BATCH ? total - at : BATCH;
        if (fetch_batch(c, &wanted[at], count, e) < 0)
            return err_prefix(e, "%s", set->file);
    }
    return 0;
}
