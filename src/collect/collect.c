#include "collect/collect.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "collect/build.h"
#include "collect/collecting.h"
#include "collect/groups.h"
#include "ship/release_internal.h"
#include "util/file.h"
#include "util/limits.h"

/* Below the station's folder: everything of a collecting under way. What a dead one left goes at the next beginning. */
#define FOLDER "collect"

void collect_remark(struct collecting *c, const char *format, ...)
{
    va_list args;
    struct collect_result *r = c->result;
    if (r->remark_count == COLLECT_REMARKS_MAX)
        return;
    va_start(args, format);
    vsnprintf(r->remarks[r->remark_count++], sizeof r->remarks[0], format, args);
    va_end(args);
}

void collecting_fini(struct collecting *c)
{
    for (size_t i = 0; c->locks && i < c->spec->set_count; i++)
        lock_fini(&c->locks[i]);
    free(c->locks);
    for (size_t i = 0; i < c->image_blob_count; i++)
        release_blob_fini(&c->image_blobs[i]);
    free(c->image_blobs);
    clients_fini(&c->clients);
    packages_fini(&c->packages);
    buf_fini(&c->authorities);
    if (c->dir >= 0)
        close(c->dir);
    if (c->staging >= 0)
        close(c->staging);
}

/* ── locks ── */

static int read_locks(struct collecting *c, struct err *e)
{
    c->locks = calloc(c->spec->set_count + 1, sizeof *c->locks);
    if (!c->locks)
        abort();
    for (size_t i = 0; i < c->spec->set_count; i++) {
        const struct collect_set *set = &c->spec->sets[i];
        if (lock_read(c->parser, c->dir, set->file, set->kind, set->group, &c->locks[i], e) < 0 ||
            lock_check(&c->locks[i], e) < 0)
            return -1;
    }
    return 0;
}

static int fetch_set(struct collecting *c, size_t i, struct err *e)
{
    const struct collect_set *set = &c->spec->sets[i];
    char what[300];
    snprintf(what, sizeof what, "%s: %.200s", lock_kind_name(set->kind), set->file);
    if (c->progress && c->progress->step)
        c->progress->step(c->progress->arg, what);
    switch (set->kind) {
    case LOCK_NPM:
        return fetch_npm(c, set, &c->locks[i], e);
    case LOCK_APT:
        return fetch_apt(c, set, &c->locks[i], e);
    case LOCK_IMAGES:
        return fetch_images(c, set, &c->locks[i], e);
    case LOCK_MODELS:
        return fetch_models(c, set, &c->locks[i], e);
    default:
        return fetch_python(c, set, &c->locks[i], e);
    }
}

/* ── the answer ── */

static void count_file(struct collect_result *r, const char *ecosystem, uint64_t size)
{
    size_t i = 0;
    while (i < r->line_count && strcmp(r->lines[i].ecosystem, ecosystem) != 0)
        i++;
    if (i == COLLECT_LINES_MAX)
        return;
    if (i == r->line_count) {
        r->line_count++;
        snprintf(r->lines[i].ecosystem, sizeof r->lines[i].ecosystem, "%.15s", ecosystem);
    }
    r->lines[i].files++;
    r->lines[i].bytes += size;
    r->files++;
    r->bytes += size;
}

static void count_connection(struct collect_result *r, const struct place *at, const struct relay_connection *one)
{
    size_t i = 0;
    while (i < r->host_count && (strcmp(r->hosts[i].host, at->host) != 0 || r->hosts[i].port != at->port))
        i++;
    if (i == COLLECT_HOSTS_MAX)
        return;
    if (i == r->host_count) {
        r->host_count++;
        snprintf(r->hosts[i].host, sizeof r->hosts[i].host, "%s", at->host);
        r->hosts[i].port = at->port;
    }
    r->hosts[i].connections++;
    r->hosts[i].sent += one->sent;
    r->hosts[i].received += one->received;
}

static void tell(struct collecting *c, struct collect_result *r)
{
    snprintf(r->name, sizeof r->name, "%s", c->spec->name);
    for (size_t i = 0; i < c->packages.count; i++)
        count_file(r, c->packages.items[i].ecosystem, c->packages.items[i].size);
    for (size_t i = 0; i < c->image_blob_count; i++)
        count_file(r, "image", c->image_blobs[i].size);
    for (size_t i = 0; i < c->clients.count; i++) {
        const struct client_record *run = &c->clients.list[i];
        for (size_t k = 0; k < run->relay.count; k++)
            count_connection(r, &run->places.list[run->relay.list[k].place], &run->relay.list[k]);
        for (size_t k = 0; k < run->watched.count; k++) {
            const struct silence_attempt *a = &run->watched.attempts[k];
            if (strcmp(a->proto, "unix") != 0)
                collect_remark(c, "%s tried %s %s%s, which collect.yaml does not name, and was refused",
                               run->client->name, a->op, a->name, a->address);
        }
    }
}

/* ── the order of things ── */

static int take_staging(struct collecting *c, int *lock, struct err *e)
{
    if (dir_make(c->s->dir, FOLDER, 0700, e) < 0)
        return -1;
    *lock = file_lock(c->s->dir, FOLDER "/lock", false, e);
    if (*lock < 0)
        return e->code == ERR_BUSY ? err_set(e, ERR_BUSY, 0, "somebody collects in this station right now") : -1;
    if (tree_remove(c->s->dir, FOLDER "/run", e) < 0 || dir_make(c->s->dir, FOLDER "/run", 0700, e) < 0)
        return -1;
    c->staging = dir_open(c->s->dir, FOLDER "/run", e);
    return c->staging < 0 ? -1 : 0;
}

static int fetch_all(struct collecting *c, struct err *e)
{
    clients_init(&c->clients, c->staging);
    c->authorities = BUF(LIMIT_YAML_BYTES);
    if (c->spec->authorities && file_read(c->dir, c->spec->authorities, &c->authorities, e) < 0)
        return err_prefix(e, "authorities");
    c->clients.authorities = buf_span(&c->authorities);
    c->clients.limit_bytes = c->spec->limit_bytes;
    c->clients.limit_s = c->spec->limit_s;
    c->clients.idle_s = c->spec->idle_s;
    for (size_t i = 0; i < c->spec->set_count; i++)
        if (fetch_set(c, i, e) < 0)
            return -1;
    return 0;
}

static int warn_of_conflict(void *arg, const struct group_conflict *found)
{
    char text[512];
    group_conflict_say(found, text, sizeof text);
    collect_remark(arg, "%s: airlock pack will refuse that", text);
    return 0;
}

/* Everything is here: what came as source is built; what production needs and only another group pins is said. */
static int finish(struct collecting *c, struct err *e)
{
    static const char *const prod[] = {"prod", NULL};
    groups_pin(&c->packages, c->locks, c->spec->set_count);
    if (build_sources(c, e) < 0)
        return -1;
    return groups_conflicts(c->s->blobs, c->parser, &c->packages, prod, warn_of_conflict, c, e) < 0 ? -1 : 0;
}

static int run(struct collecting *c, struct collect_result *out, struct err *e)
{
    auto_fd lock = -1;
    struct err ignored = {0};
    c->parser = site_parser(c->s, e);
    if (!c->parser || read_locks(c, e) < 0 || take_staging(c, &lock, e) < 0)
        return -1;
    int result = fetch_all(c, e) < 0 ? -1 : finish(c, e);
    (void)tree_remove(c->s->dir, FOLDER "/run", &ignored);
    if (result < 0 || collection_store(c, out, e) < 0)
        return -1;
    tell(c, out);
    return 0;
}

int collect(struct site *station, const char *file, const struct collect_progress *progress, struct collect_result *out,
            struct err *e)
{
    auto_collect_spec spec = {0};
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    char folder[PATH_MAX];
    *out = (struct collect_result){0};
    if (strlen(file) >= sizeof folder)
        return err_set(e, ERR_USAGE, 0, "the path of collect.yaml is too long");
    memcpy(folder, file, strlen(file) + 1);
    if (file_read(AT_FDCWD, file, &text, e) < 0 || collect_spec_parse(buf_span(&text), file, &spec, e) < 0)
        return -1;
    AUTO(collecting_fini)
    struct collecting c = {.s = station,
                           .spec = &spec,
                           .file = file,
                           .definition = digest_of(buf_span(&text)),
                           .staging = -1,
                           .dir = dir_open(AT_FDCWD, dirname(folder), e),
                           .progress = progress,
                           .result = out};
    clients_init(&c.clients, -1);
    return c.dir < 0 ? -1 : run(&c, out, e);
}
