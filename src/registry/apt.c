#include "registry/apt.h"

#include <string.h>
#include <unistd.h>

#include "registry/apt_cache.h"
#include "registry/apt_stanza.h"

/* ── answers ── */

/* Whatever keeps an index from being made is ours, and not the client's. */
static void failed(struct mirror *m, struct err *e)
{
    if (e->code != ERR_BUSY)
        e->code = ERR_SYSTEM;
    mirror_failed(m, e);
}

static const char *content_type(const char *path)
{
    if (span_ends(span_str(path), SPAN_LIT(".gz")))
        return "application/gzip";
    if (span_ends(span_str(path), SPAN_LIT(".xz")))
        return "application/x-xz";
    return span_ends(span_str(path), SPAN_LIT(".gpg")) ? "application/pgp-signature" : "text/plain; charset=utf-8";
}

static void give_index(struct mirror *m, const struct apt_file *f, struct err *e)
{
    char etag[DIGEST_TEXT_SIZE + 2];
    if (!f && e->code) {
        failed(m, e);
        return;
    }
    if (!f) {
        mirror_unknown(m, m->rest);
        return;
    }
    snprintf(etag, sizeof(etag), "\"%s\"", digest_text(&f->sha256).text);
    if (!mirror_record_file(m, m->rest, &f->sha256, f->size, etag)) {
        close(f->fd);
        return;
    }
    http_put_header(m->r, "Cache-Control", "no-cache");
    http_answer_file(m->r, f->fd, f->size, content_type(f->path), etag);
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
    if (apt_cache_key(m, &armored, &e) < 0) {
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
        mirror_failed(m, &e);
    else if (found)
        mirror_blob(m, m->rest, "text/plain; charset=utf-8", &id);
    else
        mirror_unknown(m, m->rest);
}

static void apt_answer(struct mirror *m)
{
    static const char dists[] = "dists/" APT_SUITE "/", evidence[] = "evidence/";
    if (strncmp(m->rest, dists, sizeof(dists) - 1) == 0)
        apt_cache_find(m, m->rest + sizeof(dists) - 1, give_index);
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
