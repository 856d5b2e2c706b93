/* Room for what is pushed: what the disk keeps free, and what one repository may hold. */
#include <stdio.h>
#include <string.h>

#include "registry/push_internal.h"
#include "site/room.h"

void push_mark(const char *repository, char mark[PUSH_MARK_SIZE])
{
    struct digest id = digest_of(span_str(repository));
    snprintf(mark, PUSH_MARK_SIZE, "-%.24s-", digest_hex(&id).text);
}

void push_upload_mark(const struct oci *o, char mark[PUSH_MARK_SIZE])
{
    push_mark(o->path.repository, mark);
}

/* What comes into this repository in one request each. */
static uint64_t coming(const struct oci *o)
{
    struct pushing *p = o->g->pushing;
    uint64_t bytes = 0;
    pthread_mutex_lock(&p->lock);
    for (const struct push_room *m = p->coming; m; m = m->next)
        if (strcmp(m->o->path.repository, o->path.repository) == 0)
            bytes += m->taken;
    pthread_mutex_unlock(&p->lock);
    return bytes;
}

/* `spare`: bytes that take no room, since they are there already. *left: how many more would be taken. */
static int quota_check(struct oci *o, struct db *db, uint64_t more, uint64_t spare, uint64_t *left, struct err *e)
{
    const struct pushing *p = o->g->pushing;
    char mark[PUSH_MARK_SIZE];
    uint64_t used, unfinished, quota;
    push_upload_mark(o, mark);
    if (db_push_bytes(db, o->path.repository, &used, e) < 0 || blob_uploads_bytes(p->blobs, mark, &unfinished, e) < 0)
        return -1;
    used += unfinished + coming(o);
    if (__builtin_add_overflow(p->quota_bytes, spare, &quota))
        quota = UINT64_MAX;
    *left = used < quota ? quota - used : 0;
    if (used <= quota && more <= *left)
        return 0;
    err_set(e, ERR_DENIED, 0,
            "%s would hold %llu bytes that nobody has judged, unfinished uploads among them; its quota is %llu "
            "(intake.quota)",
            o->path.repository, (unsigned long long)(used + more), (unsigned long long)p->quota_bytes);
    return err_hint(e,
                    "Have it judged and promoted; or delete what is not wanted, with the token that pushed it: DELETE "
                    "/v2/%s/manifests/DIGEST (or its tag) and /v2/%s/blobs/DIGEST; what no tag leads to also goes with "
                    "`airlock gc` a day after it came; `airlock status` shows how much lies here",
                    o->path.repository, o->path.repository);
}

int push_quota_check(struct oci *o, struct db *db, uint64_t more, struct err *e)
{
    uint64_t left;
    return o->g->pushing->quota_bytes ? quota_check(o, db, more, 0, &left, e) : 0;
}

/* The size of the manifest that the path names, by digest or tag; 0: none is there. */
static uint64_t manifest_there(const struct oci *o, struct db *db)
{
    struct push_manifest_row row;
    struct err none = {0};
    struct digest id = o->path.digest.sha256;
    char named[DIGEST512_TEXT_SIZE];
    auto_buf strings = BUF(2 * MANIFEST_MAX + 4096);
    int found = !o->path.by_digest      ? db_push_tag_get(db, &o->view, o->path.tag, &id, named, &none)
                : o->path.digest.is_512 ? db_push_alias_get(db, &o->path.digest.sha512, &id, &none)
                                        : 0;
    bool there = found == 0 && db_push_manifest_get(db, &o->view, &id, &row, &strings, &none) == 0;
    return there ? row.size : 0;
}

/* The size of what the request is about, when it says so and that is there: once more it takes no more room. */
static uint64_t there_already(const struct oci *o, struct db *db)
{
    struct oci_digest d;
    struct err none = {0};
    uint64_t size = 0;
    const char *digest = http_query(o->r, "digest");
    if (o->path.what == OCI_MANIFEST)
        return manifest_there(o, db);
    bool there = digest && oci_digest_parse(span_str(digest), &d) && !d.is_512 &&
                 db_push_blob_get(db, &o->view, &d.sha256, &size, &none) == 0;
    return there ? size : 0;
}

static int find(struct oci *o, uint64_t bytes, uint64_t *left, struct err *e)
{
    const struct pushing *p = o->g->pushing;
    struct err none = {0};
    *left = PUSH_ROOM_STEP;
    if (room_check(p->dir, p->reserve_bytes, bytes, "what is pushed", e) < 0)
        return -1;
    if (room_check(p->dir, p->reserve_bytes, PUSH_ROOM_STEP, "what is pushed", &none) < 0)
        *left = bytes; /* it is near: look at each piece */
    if (p->quota_bytes == 0)
        return 0;
    struct db *db = callers_db_take(p->callers, e);
    uint64_t quota_left = 0;
    int result = db ? quota_check(o, db, bytes, there_already(o, db), &quota_left, e) : -1;
    callers_db_give(p->callers, db);
    if (quota_left < *left)
        *left = quota_left;
    return result;
}

uint64_t push_announced(const struct oci *o)
{
    int64_t length = http_body_length(o->r);
    return length > 0 ? (uint64_t)length : 0;
}

int push_room(struct oci *o, uint64_t bytes, struct err *e)
{
    uint64_t left;
    return find(o, bytes, &left, e);
}

int push_room_take(struct push_room *m, uint64_t bytes, struct err *e)
{
    if (bytes > m->left && find(m->o, bytes, &m->left, e) < 0) {
        m->none = true;
        return -1;
    }
    m->left -= bytes;
    if (m->listed) {
        pthread_mutex_lock(&m->o->g->pushing->lock);
        m->taken += bytes;
        pthread_mutex_unlock(&m->o->g->pushing->lock);
    }
    return 0;
}

void push_room_list(struct push_room *m)
{
    struct pushing *p = m->o->g->pushing;
    pthread_mutex_lock(&p->lock);
    m->listed = true;
    m->next = p->coming;
    p->coming = m;
    pthread_mutex_unlock(&p->lock);
}

void push_room_close(struct push_room *m)
{
    struct pushing *p = m->o->g->pushing;
    pthread_mutex_lock(&p->lock);
    for (struct push_room **at = &p->coming; *at; at = &(*at)->next) {
        if (*at == m) {
            *at = m->next;
            break;
        }
    }
    m->listed = false;
    pthread_mutex_unlock(&p->lock);
}

/* What is wrong with the disk is the pusher's to know: they wait, and somebody makes room. */
void push_room_refuse(struct oci *o, const struct err *e)
{
    if (e->code == ERR_NOSPACE)
        push_refuse(o, push_action(o), "", 507, "DENIED", "%s", e->msg);
    else
        push_refuse_err(o, push_action(o), "", NULL, e);
}
