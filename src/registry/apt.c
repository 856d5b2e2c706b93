#include "registry/apt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/apt_index.h"
#include "registry/apt_stanza.h"
#include "util/clock.h"

/* An index says until when it may be believed, so that an old one, with a package that was taken back since, cannot be
 * shown to a client for ever. The date that it counts from is the last move of a pointer; where none moves, a new one
 * is signed every week with a further end. So a client may go without an update for a week, and an attacker who holds
 * back what is new is found out after two. */
#define VALID_STEP_S (7 * 86400)

/* Of each environment. An update takes seconds; who needs an index of five promotions ago begins again. */
#define GENERATIONS_KEPT 6U
#define OLD_KEPT_MS      (60 * 60 * 1000)

struct generation {
    char environment[17];
    struct digest state;
    int64_t made_ms, seen_ms; /* seen: asked for as the present one */
    struct apt_index index;
    struct generation *next;
};

struct apt_cache {
    pthread_mutex_t lock;    /* also held while an index is made: who asks meanwhile would make the same */
    struct generation *list; /* newest first */
};

struct apt_cache *apt_cache_new(void)
{
    struct apt_cache *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void generation_free(struct generation *g)
{
    apt_index_fini(&g->index);
    free(g);
}

void apt_cache_free(struct apt_cache *c)
{
    if (!c)
        return;
    while (c->list) {
        struct generation *g = c->list;
        c->list = g->next;
        generation_free(g);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ── which state is it ── */

struct state {
    struct sha256 *hash;
    int64_t date_s; /* of the last move */
    size_t pointers;
};

static int add_pointer(void *arg, const struct pointer_row *row)
{
    struct state *s = arg;
    sha256_add(s->hash, row->release.bytes, DIGEST_SIZE);
    if (row->time_s > s->date_s)
        s->date_s = row->time_s;
    s->pointers++;
    return 0;
}

/* The state of the environment now: 1; 0: no release stands there; -1. */
static int state_now(struct mirror *m, struct apt_release *about, struct digest *id, struct err *e)
{
    struct state s = {.hash = sha256_new()};
    if (db_pointer_each(m->db, m->environment, add_pointer, &s, e) < 0) {
        sha256_free(s.hash);
        return -1;
    }
    int64_t age_s = clock_now_s() - s.date_s;
    *about =
        (struct apt_release){.environment = m->environment,
                             .label = m->g->o.signer.label,
                             .date_s = s.date_s,
                             .valid_until_s = s.date_s + ((age_s > 0 ? age_s / VALID_STEP_S : 0) + 2) * VALID_STEP_S};
    sha256_add(s.hash, &about->date_s, sizeof(about->date_s));
    sha256_add(s.hash, &about->valid_until_s, sizeof(about->valid_until_s));
    *id = sha256_finish(s.hash);
    return s.pointers > 0;
}

/* ── generations; the lock is held ── */

struct adding {
    struct apt_packages *packages;
    struct err *e;
};

static int add_package(void *arg, const struct package_row *row)
{
    struct adding *a = arg;
    return apt_packages_add(a->packages, row, a->e);
}

static int make(struct mirror *m, const struct apt_release *about, struct apt_index *out, struct err *e)
{
    struct adding a = {apt_packages_new(), e};
    int result = mirror_each(m, "deb", NULL, add_package, &a, e);
    if (result == 0)
        result = apt_index_make(a.packages, about, &m->g->o.signer, out, e);
    apt_packages_free(a.packages);
    return result;
}

static bool is_of(const struct generation *g, const struct mirror *m)
{
    return strcmp(g->environment, m->environment) == 0;
}

static void drop_old(struct apt_cache *c, const struct mirror *m, int64_t now_ms)
{
    size_t kept = 0;
    for (struct generation **at = &c->list; *at;) {
        struct generation *g = *at;
        if (!is_of(g, m) || (kept++ < GENERATIONS_KEPT && (kept == 1 || now_ms - g->seen_ms < OLD_KEPT_MS))) {
            at = &g->next;
            continue;
        }
        *at = g->next;
        generation_free(g);
    }
}

/* The generation of the present state, made if it is not there. Its database handle may show a state that is past by
 * now: then the next request makes the next. */
static int present(struct mirror *m, struct generation **out, struct err *e)
{
    struct apt_cache *c = m->g->apt;
    struct apt_release about;
    struct digest id;
    int there = state_now(m, &about, &id, e);
    if (there <= 0)
        return there;
    int64_t now_ms = clock_mono_ms();
    for (struct generation *g = c->list; g; g = g->next)
        if (is_of(g, m) && digest_equal(&g->state, &id)) {
            g->seen_ms = now_ms;
            *out = g;
            return 1;
        }
    struct generation *g = calloc(1, sizeof(*g));
    if (!g)
        abort();
    if (make(m, &about, &g->index, e) < 0) {
        generation_free(g);
        return -1;
    }
    *g = (struct generation){.state = id, .made_ms = now_ms, .seen_ms = now_ms, .index = g->index, .next = c->list};
    memcpy(g->environment, m->environment, sizeof(g->environment));
    c->list = g;
    drop_old(c, m, now_ms);
    *out = g;
    return 1;
}

/* ── which file is asked for ── */

static const struct apt_file *by_path(const struct generation *g, const char *path)
{
    for (size_t i = 0; i < g->index.count; i++)
        if (strcmp(g->index.files[i].path, path) == 0)
            return &g->index.files[i];
    return NULL;
}

/* FOLDER/by-hash/SHA256/HEX, of whatever generation is kept. */
static const struct apt_file *by_hash(const struct mirror *m, const char *path)
{
    static const char infix[] = "/by-hash/SHA256/";
    struct digest id;
    const char *at = strstr(path, infix);
    if (!at || !digest_from_hex(span_str(at + sizeof(infix) - 1), &id))
        return NULL;
    size_t folder = (size_t)(at - path) + 1; /* with its slash */
    for (const struct generation *g = m->g->apt->list; g; g = g->next)
        for (size_t i = 0; is_of(g, m) && i < g->index.count; i++) {
            const struct apt_file *f = &g->index.files[i];
            if (digest_equal(&f->sha256, &id) && strncmp(f->path, path, folder) == 0 && !strchr(f->path + folder, '/'))
                return f;
        }
    return NULL;
}

/* A descriptor of its own, so that the generation may go while the file is being sent. 1: found; 0; -1. */
static int open_index(struct mirror *m, const char *path, struct apt_file *out, struct err *e)
{
    struct generation *g;
    int result;
    pthread_mutex_lock(&m->g->apt->lock);
    result = present(m, &g, e);
    if (result > 0) {
        const struct apt_file *f = strstr(path, "/by-hash/") ? by_hash(m, path) : by_path(g, path);
        result = f != NULL;
        if (f) {
            *out = *f;
            out->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
            if (out->fd < 0)
                result = err_set(e, ERR_SYSTEM, errno, "a descriptor");
        }
    }
    pthread_mutex_unlock(&m->g->apt->lock);
    return result;
}

/* ── answers ── */

/* Whatever keeps an index from being made is ours, and not the client's. */
static void failed(struct mirror *m, struct err *e)
{
    if (e->code != ERR_BUSY)
        e->code = ERR_SYSTEM;
    http_error_err(m->r, e);
}

static const char *content_type(const char *path)
{
    if (span_ends(span_str(path), SPAN_LIT(".gz")))
        return "application/gzip";
    if (span_ends(span_str(path), SPAN_LIT(".xz")))
        return "application/x-xz";
    return span_ends(span_str(path), SPAN_LIT(".gpg")) ? "application/pgp-signature" : "text/plain; charset=utf-8";
}

static void answer_index(struct mirror *m, const char *path)
{
    struct apt_file f;
    struct err e = {0};
    char etag[DIGEST_TEXT_SIZE + 2];
    int found = open_index(m, path, &f, &e);
    if (found < 0) {
        failed(m, &e);
        return;
    }
    if (found == 0) {
        mirror_unknown(m, m->rest);
        return;
    }
    if (http_method(m->r) != HTTP_HEAD && mirror_record(m, 200, m->rest, &f.sha256, f.size) < 0) {
        close(f.fd);
        http_error(m->r, 503, NULL, "the access log cannot be written, so nothing is given");
        return;
    }
    snprintf(etag, sizeof(etag), "\"%s\"", digest_text(&f.sha256).text);
    http_put_header(m->r, "Cache-Control", "no-cache");
    http_answer_file(m->r, f.fd, f.size, content_type(f.path), etag);
}

/* NAME/FILENAME below pool/main/. What no index lists is not given either. */
static void answer_pool(struct mirror *m, const char *path)
{
    struct err e = {0};
    auto_buf strings = BUF(MIRROR_ROW_BYTES), stanza = BUF(MIRROR_ROW_BYTES);
    struct package_row row;
    char name[129], architecture[APT_ARCHITECTURE_SIZE];
    const char *slash = strchr(path, '/');
    if (!slash || slash == path || (size_t)(slash - path) >= sizeof(name) || strchr(slash + 1, '/')) {
        mirror_unknown(m, m->rest);
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
    if (!mirror_file(m, m->rest, "deb", name, slash + 1, &row, &strings))
        return;
    if (apt_stanza(&row, &stanza, architecture, &e) < 0)
        mirror_unknown(m, m->rest);
    else
        mirror_blob(m, m->rest, "application/vnd.debian.binary-package", &row.digest);
}

static void answer_key(struct mirror *m)
{
    struct err e = {0};
    struct buf armored = BUF(65536);
    const struct index_signer *s = &m->g->o.signer;
    if (!s->public_key)
        err_set(&e, ERR_SYSTEM, 0, "this server has no key for apt indexes");
    if (!s->public_key || s->public_key(s->arg, &armored, &e) < 0) {
        buf_fini(&armored);
        failed(m, &e);
        return;
    }
    mirror_page(m, m->rest, "application/pgp-keys", NULL, &armored);
}

/* ── what the upstream had signed ── */

static int is_evidence(void *arg, const struct package_row *row)
{
    bool *found = arg;
    *found = strcmp(row->ecosystem, "evidence") == 0;
    return *found;
}

static void answer_evidence(struct mirror *m, const char *hex)
{
    struct err e = {0};
    struct digest id;
    bool found = false;
    if (digest_from_hex(span_str(hex), &id) &&
        db_package_of_digest(m->db, m->environment, &id, is_evidence, &found, &e) < 0)
        http_error_err(m->r, &e);
    else if (found)
        mirror_blob(m, m->rest, "text/plain; charset=utf-8", &id);
    else
        mirror_unknown(m, m->rest);
}

static void apt_answer(struct mirror *m)
{
    static const char dists[] = "dists/" APT_SUITE "/", evidence[] = "evidence/";
    if (strncmp(m->rest, dists, sizeof(dists) - 1) == 0)
        answer_index(m, m->rest + sizeof(dists) - 1);
    else if (strncmp(m->rest, APT_POOL, sizeof(APT_POOL) - 1) == 0)
        answer_pool(m, m->rest + sizeof(APT_POOL) - 1);
    else if (strncmp(m->rest, evidence, sizeof(evidence) - 1) == 0)
        answer_evidence(m, m->rest + sizeof(evidence) - 1);
    else if (strcmp(m->rest, "key.asc") == 0)
        answer_key(m);
    else
        mirror_unknown(m, m->rest);
}

const struct mirror_view APT_VIEW = {.name = "apt", .answer = apt_answer};
