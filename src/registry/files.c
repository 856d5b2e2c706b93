#include "registry/files.h"

#include <string.h>

#include "registry/files_list.h"
#include "registry/files_type.h"

/* What is asked for by its path. */
struct wanted {
    const char *path; /* borrowed */
    struct digest by_release, by_path;
    char type[FILES_TYPE_SIZE];
    bool of_release; /* RELEASE/PATH named it */
    unsigned count;  /* of releases that bring PATH, until they disagree */
    bool contested;
    struct buf who; /* the releases that bring it */
};

static int look(void *arg, const char *release, const struct package_row *row)
{
    struct wanted *w = arg;
    auto_buf path = BUF(FILES_PATH_MAX);
    size_t length = strlen(release);
    files_path(release, row, &path);
    if (strncmp(w->path, release, length) == 0 && w->path[length] == '/' &&
        strcmp(w->path + length + 1, buf_str(&path)) == 0) {
        w->of_release = true;
        w->by_release = row->digest;
        files_type(row->about, w->type);
        return 1;
    }
    if (strcmp(w->path, buf_str(&path)) != 0)
        return 0;
    buf_printf(&w->who, "%s%s/%s", w->count ? " and " : "", release, buf_str(&path));
    w->contested = w->contested || (w->count > 0 && !digest_equal(&w->by_path, &row->digest));
    w->count++;
    w->by_path = row->digest;
    files_type(row->about, w->type);
    return 0;
}

/* A name for who saves it, in both forms of RFC 6266: quoted where every client reads it so, and encoded. */
static void put_disposition(struct http_request *r, const char *name)
{
    auto_buf value = BUF(8192);
    bool plain = span_is_printable(span_str(name)) && !strpbrk(name, "\"\\%");
    buf_add_str(&value, "attachment");
    if (plain)
        buf_printf(&value, "; filename=\"%s\"", name);
    buf_add_str(&value, "; filename*=UTF-8''");
    mirror_url_add(&value, name);
    if (buf_ok(&value))
        http_put_header(r, "Content-Disposition", buf_str(&value));
}

static void give(struct mirror *m, const char *name, const char *type, const struct digest *digest)
{
    put_disposition(m->r, name);
    http_put_header(m->r, "Content-Security-Policy", "default-src 'none'; sandbox");
    http_put_header(m->r, "Cache-Control", "no-cache"); /* whose release is gone is gone: ask each time */
    mirror_blob(m, m->rest, type, digest);
}

static void answer_path(struct mirror *m)
{
    struct err e = {0};
    const char *slash = strrchr(m->rest, '/');
    struct wanted w = {.path = m->rest, .who = BUF(4096)};
    if (db_package_each_brought(m->db, m->environment, "file", look, &w, &e) < 0) {
        mirror_failed(m, &e);
    } else if (w.of_release || (w.count > 0 && !w.contested)) {
        give(m, slash ? slash + 1 : m->rest, w.type, w.of_release ? &w.by_release : &w.by_path);
    } else if (w.contested) {
        (void)mirror_record(m, 409, m->rest, NULL, 0);
        http_error(m->r, 409, NULL, "%s means different files in %s; ask for the one of a release: %s", m->rest,
                   m->environment, buf_ok(&w.who) ? buf_str(&w.who) : "RELEASE/PATH");
    } else {
        mirror_unknown(m, m->rest);
    }
    buf_fini(&w.who);
}

/* ── by digest ── */

struct by_digest {
    const struct mirror *m;
    char name[256], type[FILES_TYPE_SIZE];
    bool found;
};

/* A package is given to whom its own mirror would give it. */
static int look_at_digest(void *arg, const struct package_row *row)
{
    static const char *const mirrors[][2] = {{"deb", "apt"}, {"evidence", "apt"}, {"file", "files"}};
    struct by_digest *d = arg;
    const char *repository = row->ecosystem;
    for (size_t i = 0; i < ARRAY_LEN(mirrors); i++)
        if (strcmp(row->ecosystem, mirrors[i][0]) == 0)
            repository = mirrors[i][1];
    if (!identity_may_use(&d->m->who, ABILITY_PULL, d->m->environment, repository))
        return 0;
    const char *slash = strrchr(row->filename, '/'); /* a model's files have paths */
    snprintf(d->name, sizeof(d->name), "%s", slash ? slash + 1 : row->filename);
    files_type(row->about, d->type);
    d->found = true;
    return 1;
}

static void answer_digest(struct mirror *m)
{
    struct err e = {0};
    struct digest id;
    struct by_digest d = {.m = m};
    if (digest_parse(span_str(m->rest), &id, &e) < 0) {
        (void)mirror_record(m, 400, m->rest, NULL, 0);
        http_error(m->r, 400, NULL, "%s", e.msg);
    } else if (db_package_of_digest(m->db, m->environment, &id, look_at_digest, &d, &e) < 0) {
        mirror_failed(m, &e);
    } else if (d.found) {
        give(m, d.name, d.type, &id);
    } else {
        mirror_unknown(m, m->rest);
    }
}

static void files_answer(struct mirror *m)
{
    auto_buf folder = BUF(64);
    buf_printf(&folder, "%s/", m->environment);
    if (!*m->rest && !span_ends(span_str(http_path(m->r)), SPAN_LIT("/")))
        mirror_redirect(m, m->rest, buf_str(&folder)); /* the list's links are relative */
    else if (!*m->rest)
        files_list_answer(m);
    else if (strncmp(m->rest, "sha256:", 7) == 0)
        answer_digest(m);
    else
        answer_path(m);
}

const struct mirror_view FILES_VIEW = {.name = "files", .answer = files_answer};
