/* Blobs that come: in one request, in several, or from another repository. An upload's name is its number (128 random
 * bits), a hash over the repository, and one over repository and person: so that it is found by who began it, there,
 * and by nobody else, counts into its repository's quota, and needs no row. Nothing of a refused piece stays: an upload
 * is as long as the last answer said. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "registry/push_internal.h"
#include "util/clock.h"
#include "util/encode.h"

/* ── sessions ── */

static void name_of(const struct oci *o, const char *id, char name[UPLOAD_NAME_MAX + 1])
{
    char mark[PUSH_MARK_SIZE];
    auto_buf text = BUF(1024);
    push_upload_mark(o, mark);
    buf_printf(&text, "%s\n%s", o->path.repository, o->who.person);
    struct digest whose = digest_of(buf_span(&text));
    snprintf(name, UPLOAD_NAME_MAX + 1, "%s%s%.32s", id, mark, digest_hex(&whose).text);
}

/* A place for one more upload: a free one, or that of the one which rested longest. Under p->lock. */
static struct push_session *place_for_one(struct pushing *p)
{
    struct push_session *best = NULL;
    for (size_t i = 0; i < PUSH_SESSIONS; i++) {
        struct push_session *s = &p->sessions[i];
        if (!s->name[0])
            return s;
        if (!s->busy && (!best || s->used_ms < best->used_ms))
            best = s;
    }
    if (best)
        blob_upload_close(ptr_steal(&best->upload));
    return best;
}

static struct push_session *session_find(struct pushing *p, const char *name)
{
    for (size_t i = 0; i < PUSH_SESSIONS; i++)
        if (!strcmp(p->sessions[i].name, name))
            return &p->sessions[i];
    return NULL;
}

static void session_free(struct pushing *p, struct push_session *s)
{
    struct blob_upload *upload = ptr_steal(&s->upload);
    pthread_mutex_lock(&p->lock);
    s->name[0] = '\0';
    s->busy = false;
    pthread_mutex_unlock(&p->lock);
    blob_upload_close(upload);
}

static void session_give(struct pushing *p, struct push_session *s)
{
    pthread_mutex_lock(&p->lock);
    s->busy = false;
    s->used_ms = clock_mono_ms();
    pthread_mutex_unlock(&p->lock);
}

/* The caller has it alone until session_give or session_free. NULL: ERR_NOTFOUND, ERR_BUSY (another request has it, or
 * too many are under way), ERR_IO. */
static struct push_session *session_take(struct pushing *p, const char *name, bool begin, struct err *e)
{
    pthread_mutex_lock(&p->lock);
    struct push_session *s = session_find(p, name);
    bool fresh = !s, taken = s && s->busy;
    if (fresh)
        s = place_for_one(p);
    if (s && !taken) {
        snprintf(s->name, sizeof s->name, "%s", name);
        s->busy = true;
    }
    pthread_mutex_unlock(&p->lock);
    if (!s || taken) {
        err_set(e, ERR_BUSY, 0, taken ? "another request is adding to this upload" : "too many uploads are under way");
        return NULL;
    }
    if (!fresh)
        return s;
    s->upload = begin ? blob_upload_new(p->blobs, name, e) : blob_upload_open(p->blobs, name, e);
    if (s->upload)
        return s;
    session_free(p, s);
    return NULL;
}

/* ── answers ── */

static void put_upload(struct oci *o, const char *id, uint64_t size)
{
    char text[512];
    snprintf(text, sizeof text, "/v2/%s/blobs/uploads/%s", o->path.repository, id);
    http_put_header(o->r, "Location", text);
    http_put_header(o->r, "Docker-Upload-UUID", id);
    snprintf(text, sizeof text, "0-%llu", (unsigned long long)(size ? size - 1 : 0));
    http_put_header(o->r, "Range", text);
}

/* After the record, with the bytes that this request brought. Without it 503; what came stays, and the client can ask
 * how far the upload is. */
static void answer_upload(struct oci *o, unsigned status, const char *action, uint64_t brought)
{
    struct buf none = BUF(1);
    if (push_record(o, action, status, "", brought) < 0)
        http_error(o->r, 503, NULL, "the access log cannot be written; go on with the upload later");
    else
        http_answer(o->r, status, NULL, &none);
}

/* The blob lies there: its row, and its second name. `files` is held for reading. */
static int add_rows(struct oci *o, const struct digest *id, const struct oci_digest *named, uint64_t size,
                    struct err *e)
{
    if (!o->db && oci_db_take(o, e) < 0)
        return -1;
    if (db_begin(o->db, e) < 0)
        return -1;
    auto_tx struct db *tx = o->db;
    if (push_file_kept(o, id, e) < 0 || db_push_blob_add(tx, &o->view, id, size, clock_now_s(), e) < 0 ||
        push_quota_check(o, tx, 0, e) < 0 || (named->is_512 && db_push_alias_add(tx, &named->sha512, id, e) < 0))
        return -1;
    return db_commit(tx, e);
}

static void answer_blob_created(struct oci *o, const char *action, const struct oci_digest *named, uint64_t size)
{
    push_created(o, action, "blobs", oci_digest_text(named).text, size);
}

/* What a failed push of a blob is called. */
static void refuse_blob(struct oci *o, const struct oci_digest *named, const struct err *e)
{
    const char *code = e->code == ERR_LIMIT ? "SIZE_INVALID" : "DIGEST_INVALID";
    push_refuse_err(o, "put", oci_digest_text(named).text, code, e);
}

/* The digest of the query. False: answered. */
static bool wanted_digest(struct oci *o, struct oci_digest *out)
{
    const char *text = http_query(o->r, "digest");
    if (text && oci_digest_parse(span_str(text), out))
        return true;
    push_refuse(o, "put", "", 400, "DIGEST_INVALID",
                text ? "digest: wanted sha256: or sha512: and its lower-case hex digits"
                     : "the request that ends an upload says ?digest=");
    return false;
}

/* ── in one request ── */

struct single {
    struct blob_writer *writer;
    struct sha512 *sha512; /* NULL: it was named by sha256 */
    struct push_room room;
};

static int add_single(void *arg, struct span bytes, struct err *e)
{
    struct single *s = arg;
    if (push_room_take(&s->room, bytes.len, e) < 0)
        return -1;
    if (s->sha512)
        sha512_add(s->sha512, bytes.ptr, bytes.len);
    return blob_writer_add(s->writer, bytes, e);
}

/* Holds both digests against what was promised. */
static int finish_single(struct single *s, const struct oci_digest *named, struct digest *id, struct err *e)
{
    if (!named->is_512)
        return blob_writer_finish(ptr_steal(&s->writer), &named->sha256, id, e);
    struct digest512 is = sha512_finish(ptr_steal(&s->sha512));
    if (memcmp(is.bytes, named->sha512.bytes, DIGEST512_SIZE) == 0)
        return blob_writer_finish(ptr_steal(&s->writer), NULL, id, e);
    return err_set(e, ERR_INPUT, 0, "the bytes hash to %s; wanted %s", digest512_text(&is).text,
                   digest512_text(&named->sha512).text);
}

static void take_single(struct oci *o)
{
    struct pushing *p = o->g->pushing;
    struct oci_digest named;
    struct digest id;
    struct err e = {0};
    uint64_t size = 0;
    int64_t length = http_body_length(o->r);
    if (!wanted_digest(o, &named))
        return;
    struct single s = {.writer = blob_writer_new(p->blobs, length > 0 ? (uint64_t)length : 0, &e), .room = {.o = o}};
    if (s.writer && named.is_512)
        s.sha512 = sha512_new();
    push_room_list(&s.room);
    int result = s.writer ? push_body_each(o, PUSH_BLOB_MAX, add_single, &s, &size, &e) : -1;
    push_room_close(&s.room);
    if (result == 0) {
        pthread_rwlock_rdlock(&p->files);
        result = finish_single(&s, &named, &id, &e);
        if (result == 0)
            result = add_rows(o, &id, &named, size, &e);
        pthread_rwlock_unlock(&p->files);
    }
    blob_writer_abort(s.writer);
    sha512_free(s.sha512);
    if (result == 0)
        answer_blob_created(o, "put", &named, size);
    else if (s.room.none)
        push_room_refuse(o, &e);
    else
        refuse_blob(o, &named, &e);
}

/* ── from another repository ── */

/* 1: the caller pushed this blob into `from` (its repository NULL: into whichever), and now it is here too; 0: not; -1.
 */
static int add_mounted(struct oci *o, const struct push_view *from, const struct oci_digest *d, uint64_t *size,
                       struct err *e)
{
    struct digest id = d->sha256;
    if ((d->is_512 && db_push_alias_get(o->db, &d->sha512, &id, e) < 0) ||
        db_push_blob_get(o->db, from, &id, size, e) < 0)
        return e->code == ERR_NOTFOUND ? 0 : -1;
    return add_rows(o, &id, d, *size, e) < 0 ? -1 : 1;
}

/* 1: mounted, and answered; 0: it cannot be, so an upload begins instead (distribution-spec, "Mounting a blob from
 * another repository"); -1: *e. */
static int mount(struct oci *o, const char *digest, struct err *e)
{
    struct pushing *p = o->g->pushing;
    struct oci_digest d;
    struct oci_path path = {0};
    uint64_t size = 0;
    const char *source = http_query(o->r, "from");
    if (!oci_digest_parse(span_str(digest), &d))
        return err_set(e, ERR_INPUT, 0, "mount: wanted sha256: or sha512: and its lower-case hex digits");
    if (source && (!oci_repository_parse(span_str(source), &path) ||
                   !identity_may_use(&o->who, ABILITY_OWN, path.environment, path.name)))
        return 0;
    struct push_view from = {source ? path.repository : NULL, o->who.person};
    if (oci_db_take(o, e) < 0)
        return -1;
    pthread_rwlock_rdlock(&p->files);
    int result = add_mounted(o, &from, &d, &size, e);
    pthread_rwlock_unlock(&p->files);
    if (result > 0)
        answer_blob_created(o, "mount", &d, size);
    return result;
}

/* ── in several requests ── */

static void begin(struct oci *o)
{
    struct err e = {0};
    uint8_t random[OCI_UPLOAD_ID / 2];
    char id[OCI_UPLOAD_ID + 1], name[UPLOAD_NAME_MAX + 1];
    if (http_body_length(o->r) != 0) {
        push_refuse(o, "begin", "", 400, "SIZE_INVALID", "a POST with a body says ?digest=");
        return;
    }
    const char *algorithm = http_query(o->r, "digest-algorithm");
    if (algorithm && strcmp(algorithm, "sha256") != 0 && strcmp(algorithm, "sha512") != 0) {
        push_refuse(o, "begin", "", 400, "DIGEST_INVALID", "digest-algorithm: wanted sha256 or sha512");
        return;
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        err_set(&e, ERR_SYSTEM, errno, "random numbers");
        push_refuse_err(o, "begin", "", NULL, &e);
        return;
    }
    hex_encode(span_of(random, sizeof random), id);
    name_of(o, id, name);
    struct push_session *s = session_take(o->g->pushing, name, true, &e);
    if (!s) {
        push_refuse_err(o, "begin", "", NULL, &e);
        return;
    }
    session_give(o->g->pushing, s);
    put_upload(o, id, 0);
    answer_upload(o, 202, "begin", 0);
}

void push_upload_begin(struct oci *o)
{
    struct err e = {0};
    const char *digest = http_query(o->r, "mount");
    if (push_room(o, push_announced(o), &e) < 0) {
        push_room_refuse(o, &e);
        return;
    }
    int mounted = digest ? mount(o, digest, &e) : 0;
    if (mounted < 0)
        push_refuse_err(o, "mount", "", "DIGEST_INVALID", &e);
    else if (mounted == 0 && http_query(o->r, "digest"))
        take_single(o);
    else if (mounted == 0)
        begin(o);
}

struct piece {
    struct blob_upload *upload;
    struct push_room room;
};

static int add_piece(void *arg, struct span bytes, struct err *e)
{
    struct piece *p = arg;
    return push_room_take(&p->room, bytes.len, e) < 0 ? -1 : blob_upload_add(p->upload, bytes, e);
}

/* "0-99": what the piece says of itself. *there is false when it says nothing. */
static int piece_range(struct oci *o, uint64_t *from, uint64_t *to, bool *there, struct err *e)
{
    const char *header = http_header(o->r, "Content-Range");
    struct span text = span_str(header ? header : ""), first;
    *there = header != NULL;
    if (header &&
        !(span_take_until(&text, '-', &first) && span_decimal(first, from) && span_decimal(text, to) && *from <= *to))
        return err_set(e, ERR_INPUT, 0, "Content-Range: wanted FROM-TO, as 0-1023");
    if (header && *to >= PUSH_BLOB_MAX)
        return err_set(e, ERR_LIMIT, 0, "a blob has at most %llu bytes here", PUSH_BLOB_MAX);
    return 0;
}

/* Adds the body. What was refused leaves the upload as it was; what broke off stays, to be gone on with. 0, or -1: the
 * request was answered, and the session given back before that: the client may come again at once. */
static int take_piece(struct oci *o, struct push_session *s)
{
    struct pushing *p = o->g->pushing;
    struct err e = {0}, cut = {0};
    bool ranged;
    uint64_t before = blob_upload_size(s->upload), from = 0, to = 0, got = 0;
    struct piece piece = {.upload = s->upload, .room = {.o = o}};
    int64_t length = http_body_length(o->r);
    if (push_room(o, push_announced(o), &e) < 0) {
        session_give(p, s);
        push_room_refuse(o, &e);
        return -1;
    }
    if (piece_range(o, &from, &to, &ranged, &e) < 0) {
        session_give(p, s);
        push_refuse_err(o, push_action(o), "", "BLOB_UPLOAD_INVALID", &e);
        return -1;
    }
    if (ranged && from != before) {
        session_give(p, s);
        put_upload(o, o->path.upload, before);
        push_refuse(o, push_action(o), "", 416, "BLOB_UPLOAD_INVALID",
                    "the piece begins at %llu, and the upload has %llu bytes", (unsigned long long)from,
                    (unsigned long long)before);
        return -1;
    }
    uint64_t room = ranged ? to - from + 1 : PUSH_BLOB_MAX - before;
    int result = 0;
    if (ranged && length >= 0 && (uint64_t)length != room)
        result = err_set(&e, ERR_INPUT, 0, "Content-Range says %llu bytes, Content-Length %lld",
                         (unsigned long long)room, (long long)length);
    if (result == 0)
        result = push_body_each(o, room, add_piece, &piece, &got, &e);
    if (result == 0 && ranged && got != room)
        result = err_set(&e, ERR_INPUT, 0, "Content-Range says %llu bytes, and %llu came", (unsigned long long)room,
                         (unsigned long long)got);
    if (result == 0)
        return 0;
    if (e.code != ERR_UNDECIDED)
        (void)blob_upload_cut(s->upload, before, &cut);
    session_give(p, s);
    if (piece.room.none)
        push_room_refuse(o, &e);
    else
        push_refuse_err(o, push_action(o), "", "SIZE_INVALID", &e);
    return -1;
}

/* The last request: what is left of the body, and then the blob. */
static void finish(struct oci *o, struct push_session *s, const struct oci_digest *named)
{
    struct pushing *p = o->g->pushing;
    struct digest id;
    struct err e = {0};
    if (take_piece(o, s) < 0)
        return;
    uint64_t size = blob_upload_size(s->upload);
    pthread_rwlock_rdlock(&p->files);
    int result = blob_upload_finish(s->upload, named->is_512 ? NULL : &named->sha256,
                                    named->is_512 ? &named->sha512 : NULL, &id, &e);
    if (result == 0)
        result = add_rows(o, &id, named, size, &e);
    pthread_rwlock_unlock(&p->files);
    session_free(p, s);
    if (result == 0)
        answer_blob_created(o, "put", named, size);
    else if (e.code == ERR_NOTFOUND)
        push_refuse(o, "put", "", 404, "BLOB_UPLOAD_UNKNOWN", "the upload was given up meanwhile; begin again");
    else
        refuse_blob(o, named, &e);
}

static void cancel(struct oci *o, struct push_session *s)
{
    struct err e = {0};
    int result = blob_upload_remove(s->upload, &e);
    session_free(o->g->pushing, s);
    if (result < 0)
        push_refuse_err(o, "cancel", "", NULL, &e);
    else
        answer_upload(o, 204, "cancel", 0);
}

void push_upload_answer(struct oci *o)
{
    struct err e = {0};
    struct oci_digest named;
    char name[UPLOAD_NAME_MAX + 1];
    enum http_method method = http_method(o->r);
    if (method == HTTP_PUT && !wanted_digest(o, &named))
        return;
    name_of(o, o->path.upload, name);
    struct push_session *s = session_take(o->g->pushing, name, false, &e);
    uint64_t before = s ? blob_upload_size(s->upload) : 0;
    if (!s && e.code == ERR_NOTFOUND) {
        push_refuse(o, push_action(o), "", 404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload; begin again");
    } else if (!s) {
        push_refuse_err(o, push_action(o), "", NULL, &e);
    } else if (method == HTTP_PUT) {
        finish(o, s, &named);
    } else if (method == HTTP_DELETE) {
        cancel(o, s);
    } else if (method != HTTP_PATCH || take_piece(o, s) == 0) {
        uint64_t size = blob_upload_size(s->upload);
        session_give(o->g->pushing, s);
        put_upload(o, o->path.upload, size);
        answer_upload(o, method == HTTP_PATCH ? 202 : 204, push_action(o), size - before);
    }
}
