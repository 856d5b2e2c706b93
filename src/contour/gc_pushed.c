#include "contour/gc_pushed.h"

#include <stdlib.h>
#include <string.h>

#include "store/db_push.h"
#include "util/limits.h"

#define MANIFEST_BYTES   (4U << 20) /* what the registry takes */
#define MEDIA_TYPE_BYTES 256U
#define PARSE_TIMEOUT_MS 10000

struct digests {
    struct digest *list; /* owned */
    size_t count, room;
};

struct held {
    struct digest id;
    char named[DIGEST512_TEXT_SIZE], subject[DIGEST512_TEXT_SIZE], media_type[MEDIA_TYPE_BYTES];
    bool stays, followed;
};

struct held_list {
    struct held *list; /* owned */
    size_t count, room;
};

/* One repository as one person sees it. */
struct held_view {
    char *repository, *person; /* owned */
    uint64_t mark;
    struct digests blobs, manifests; /* to go */
};

struct gc_pushed {
    struct held_view *list; /* owned */
    size_t count, room;
};

/* What a look has at hand. */
struct looking {
    struct site *s;
    struct blobs *pushed;
    struct child *parser;
    int64_t before_s;
    struct held_list manifests;
    struct digests needed; /* by manifests that stay; sorted at the end */
};

/* ── lists ── */

static void *grown(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    *room = *room ? 2 * *room : 64;
    list = reallocarray(list, *room, size);
    if (!list)
        abort();
    return list;
}

static int add_digest(void *arg, const struct digest *id)
{
    struct digests *d = arg;
    d->list = grown(d->list, d->count, &d->room, sizeof *d->list);
    d->list[d->count++] = *id;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return digest_compare(a, b);
}

static bool is_among(const struct digests *sorted, const struct digest *id)
{
    return sorted->count && bsearch(id, sorted->list, sorted->count, sizeof *sorted->list, compare);
}

static void looking_fini(struct looking *l)
{
    free(l->manifests.list);
    free(l->needed.list);
}

static int add_view(void *arg, const struct push_view *v)
{
    struct gc_pushed *g = arg;
    g->list = grown(g->list, g->count, &g->room, sizeof *g->list);
    g->list[g->count] = (struct held_view){.repository = strdup(v->repository), .person = strdup(v->person)};
    if (!g->list[g->count].repository || !g->list[g->count].person)
        abort();
    g->count++;
    return 0;
}

static int add_manifest(void *arg, const struct push_manifest_row *row, bool stays)
{
    struct held_list *m = arg;
    m->list = grown(m->list, m->count, &m->room, sizeof *m->list);
    struct held *h = &m->list[m->count++];
    *h = (struct held){.id = row->digest, .stays = stays};
    snprintf(h->named, sizeof h->named, "%s", row->named);
    snprintf(h->subject, sizeof h->subject, "%s", row->subject);
    snprintf(h->media_type, sizeof h->media_type, "%s", row->media_type);
    return 0;
}

void gc_pushed_free(struct gc_pushed *g)
{
    for (size_t i = 0; g && i < g->count; i++) {
        free(g->list[i].repository);
        free(g->list[i].person);
        free(g->list[i].blobs.list);
        free(g->list[i].manifests.list);
    }
    if (g)
        free(g->list);
    free(g);
}

/* ── what needs what ── */

/* NULL with *e: ERR_INPUT, ERR_NOTFOUND, ERR_LIMIT are the manifest's own. */
static json_t *read_meaning(struct looking *l, const struct held *h, struct err *e)
{
    auto_buf bytes = BUF(MANIFEST_BYTES);
    const struct blobs *from = blob_have(l->pushed, &h->id) ? l->pushed : l->s->blobs;
    if (blob_read(from, &h->id, &bytes, e) < 0)
        return NULL;
    struct child_request request = {.op = "manifest",
                                    .fd = -1,
                                    .input = buf_span(&bytes),
                                    .arg = span_str(h->media_type),
                                    .timeout_ms = PARSE_TIMEOUT_MS};
    return child_call_json(l->parser, &request, "manifest", e);
}

/* A digest as a manifest writes it, sha256: or sha512:. */
static int find_digest(struct looking *l, const char *text, struct digest *out, struct err *e)
{
    struct digest512 alias;
    if (digest512_parse(span_str(text), &alias))
        return db_push_alias_get(l->s->db, &alias, out, e);
    return digest_parse(span_str(text), out, e);
}

static void keep_manifest(struct looking *l, const struct digest *id)
{
    for (size_t i = 0; i < l->manifests.count; i++)
        if (digest_equal(&l->manifests.list[i].id, id))
            l->manifests.list[i].stays = true;
}

static int follow(struct looking *l, struct held *h, struct err *e)
{
    size_t i;
    json_t *need;
    h->followed = true;
    auto_json meaning = read_meaning(l, h, e);
    if (!meaning)
        return -1;
    json_array_foreach(json_object_get(meaning, "needs"), i, need)
    {
        struct digest id;
        if (find_digest(l, json_get_string(need, "digest", ""), &id, e) < 0)
            return -1;
        if (json_is_true(json_object_get(need, "manifest")))
            keep_manifest(l, &id);
        else
            add_digest(&l->needed, &id);
    }
    return 0;
}

static bool hangs_on(const struct held *h, const struct held *on)
{
    return strcmp(h->subject, on->named) == 0 || strcmp(h->subject, digest_text(&on->id).text) == 0;
}

static bool hangs_on_one_that_stays(const struct held_list *m, const struct held *h)
{
    for (size_t i = 0; h->subject[0] && i < m->count; i++)
        if (m->list[i].stays && hangs_on(h, &m->list[i]))
            return true;
    return false;
}

/* Until nothing more is found to stay. */
static int follow_all(struct looking *l, struct err *e)
{
    bool found = true;
    while (found) {
        found = false;
        for (size_t i = 0; i < l->manifests.count; i++) {
            struct held *h = &l->manifests.list[i];
            h->stays = h->stays || hangs_on_one_that_stays(&l->manifests, h);
            if (!h->stays || h->followed)
                continue;
            found = true;
            if (follow(l, h, e) < 0)
                return -1;
        }
    }
    if (l->needed.count)
        qsort(l->needed.list, l->needed.count, sizeof *l->needed.list, compare);
    return 0;
}

/* ── one view ── */

static int look_into(struct looking *l, struct held_view *v, struct err *e)
{
    struct push_view view = {v->repository, v->person};
    AUTO(looking_fini) struct looking own = *l;
    struct digests old = {0};
    if (db_push_view_mark(l->s->db, &view, &v->mark, e) < 0 ||
        db_push_manifest_each(l->s->db, &view, l->before_s, add_manifest, &own.manifests, e) < 0 ||
        follow_all(&own, e) < 0)
        return -1;
    int result = db_push_blob_each(l->s->db, &view, l->before_s, add_digest, &old, e);
    for (size_t i = 0; i < old.count; i++)
        if (!is_among(&own.needed, &old.list[i]))
            add_digest(&v->blobs, &old.list[i]);
    for (size_t i = 0; i < own.manifests.count; i++)
        if (!own.manifests.list[i].stays)
            add_digest(&v->manifests, &own.manifests.list[i].id);
    free(old.list);
    return result;
}

/* What is missing or damaged fsck names; a view of which something is not known keeps everything. */
static bool is_its_own(const struct err *e)
{
    return e->code == ERR_NOTFOUND || e->code == ERR_INPUT || e->code == ERR_LIMIT;
}

struct gc_pushed *gc_pushed_look(struct site *s, struct blobs *pushed, int64_t before_s, struct err *e)
{
    struct gc_pushed *g = calloc(1, sizeof *g);
    if (!g)
        abort();
    struct looking l = {.s = s, .pushed = pushed, .before_s = before_s};
    int result = db_push_view_each(s->db, before_s, add_view, g, e);
    if (result == 0 && g->count && !(l.parser = site_parser(s, e)))
        result = -1;
    for (size_t i = 0; result == 0 && i < g->count; i++) {
        struct err why = {0};
        if (look_into(&l, &g->list[i], &why) < 0 && !is_its_own(&why))
            result = err_set(e, why.code, why.sys_errno, "%s", why.msg);
    }
    if (result == 0)
        return g;
    gc_pushed_free(g);
    return NULL;
}

/* ── inside the transaction ── */

static int forget_view(struct site *s, const struct held_view *v, uint64_t *rows, struct err *e)
{
    struct push_view view = {v->repository, v->person};
    uint64_t mark;
    if (v->blobs.count + v->manifests.count == 0)
        return 0;
    if (db_push_view_mark(s->db, &view, &mark, e) < 0)
        return -1;
    if (mark != v->mark)
        return 0; /* the next collection looks again */
    for (size_t i = 0; i < v->manifests.count; i++)
        if (db_push_manifest_remove(s->db, &view, &v->manifests.list[i], e) < 0)
            return -1;
    for (size_t i = 0; i < v->blobs.count; i++) {
        struct err gone = {0}; /* its pusher may have taken it back meanwhile */
        if (db_push_blob_remove(s->db, &view, &v->blobs.list[i], &gone) < 0 && gone.code != ERR_NOTFOUND)
            return err_set(e, gone.code, gone.sys_errno, "%s", gone.msg);
    }
    *rows += v->manifests.count + v->blobs.count;
    return 0;
}

int gc_pushed_forget(struct site *s, const struct gc_pushed *g, uint64_t *rows, struct err *e)
{
    for (size_t i = 0; i < g->count; i++)
        if (forget_view(s, &g->list[i], rows, e) < 0)
            return -1;
    return 0;
}
