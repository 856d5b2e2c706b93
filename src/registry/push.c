/* What pushing keeps, and what its handlers share. */
#include "registry/push.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "registry/push_internal.h"
#include "ship/shipment.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"

/* A piece of a body: what the ring behind it holds. */
#define PIECE_BYTES HTTP_BODY_RING_BYTES

/* ── start and stop ── */

static void *tidy_run(void *arg)
{
    struct pushing *p = arg;
    pthread_mutex_lock(&p->tidy_lock);
    while (!p->end) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PUSH_TIDY_S;
        pthread_cond_timedwait(&p->tidy_end, &p->tidy_lock, &until);
        if (p->end)
            break;
        pthread_mutex_unlock(&p->tidy_lock);
        struct err e = {0};
        if (pushing_tidy(p, clock_now_s(), &e) < 0)
            log_event(EV_PUSH_NOT_TIDIED, "reason", e.msg, NULL);
        pthread_mutex_lock(&p->tidy_lock);
    }
    pthread_mutex_unlock(&p->tidy_lock);
    return NULL;
}

struct pushing *pushing_start(const struct registry_options *o, struct err *e)
{
    struct pushing *p = calloc(1, sizeof *p);
    pthread_rwlockattr_t fair;
    if (!p)
        abort();
    p->callers = o->callers;
    p->home = o->home;
    p->dir = -1;
    p->reserve_bytes = o->reserve_bytes;
    p->quota_bytes = o->quota_bytes;
    pthread_rwlockattr_init(&fair); /* without it, uploads one after the other would keep a removal waiting for ever */
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&p->files, &fair);
    pthread_rwlockattr_destroy(&fair);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->intake, NULL);
    pthread_mutex_init(&p->tidy_lock, NULL);
    pthread_cond_init(&p->tidy_end, NULL);
    p->dir = dir_open(AT_FDCWD, o->home, e);
    p->blobs = p->dir < 0 ? NULL : blobs_make(p->dir, PUSHED_FOLDER, e);
    if (!p->blobs) {
        pushing_stop(p);
        return NULL;
    }
    p->tidying = pthread_create(&p->tidier, NULL, tidy_run, p) == 0;
    if (p->tidying)
        return p;
    err_set(e, ERR_SYSTEM, errno, "a thread for what was pushed");
    pushing_stop(p);
    return NULL;
}

void pushing_stop(struct pushing *p)
{
    if (!p)
        return;
    if (p->tidying) {
        pthread_mutex_lock(&p->tidy_lock);
        p->end = true;
        pthread_cond_signal(&p->tidy_end);
        pthread_mutex_unlock(&p->tidy_lock);
        pthread_join(p->tidier, NULL);
    }
    for (size_t i = 0; i < PUSH_SESSIONS; i++)
        blob_upload_close(p->sessions[i].upload);
    blobs_close(p->blobs);
    if (p->dir >= 0)
        close(p->dir);
    pthread_rwlock_destroy(&p->files);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->intake);
    pthread_mutex_destroy(&p->tidy_lock);
    pthread_cond_destroy(&p->tidy_end);
    free(p);
}

struct blobs *push_blobs(const struct registry *g)
{
    return g->pushing ? g->pushing->blobs : NULL;
}

/* ── what no row needs ── */

int push_file_drop(struct pushing *p, struct db *db, const struct digest *id, struct err *e)
{
    bool needed;
    pthread_rwlock_wrlock(&p->files);
    int result = db_push_needed(db, id, &needed, e);
    if (result == 0 && !needed && blob_have(p->blobs, id))
        result = blob_remove(p->blobs, id, e);
    pthread_rwlock_unlock(&p->files);
    return result;
}

int push_file_kept(struct oci *o, const struct digest *id, struct err *e)
{
    if (blob_have(o->g->pushing->blobs, id))
        return 0;
    return err_set(e, ERR_BUSY, 0, "the bytes of %s were swept away meanwhile; push them again", digest_text(id).text);
}

struct dropping {
    struct pushing *p;
    struct db *db;
    struct err *e;
};

static int drop(void *arg, const struct digest *id, const char *name, uint64_t size)
{
    struct dropping *d = arg;
    (void)name;
    (void)size;
    return id ? push_file_drop(d->p, d->db, id, d->e) : 0;
}

int pushing_tidy(struct pushing *p, int64_t now_s, struct err *e)
{
    struct dropping d = {.p = p, .e = e};
    if (blob_uploads_expire(p->blobs, now_s - PUSH_UPLOAD_LIFE_S, NULL, e) < 0 || blobs_tidy(p->blobs, e) < 0)
        return -1;
    d.db = callers_db_take(p->callers, e);
    if (!d.db)
        return -1;
    int result = db_push_forget_admitted(d.db, e);
    if (result == 0)
        result = blobs_each(p->blobs, drop, &d, e);
    callers_db_give(p->callers, d.db);
    return result;
}

/* ── answers ── */

const char *push_action(const struct oci *o)
{
    enum http_method method = http_method(o->r);
    bool upload = o->path.what == OCI_UPLOAD;
    if (method == HTTP_DELETE)
        return upload ? "cancel" : "delete";
    if (!upload || method == HTTP_PUT)
        return "put";
    if (method == HTTP_PATCH)
        return "piece";
    if (method != HTTP_POST)
        return "look";
    return http_query(o->r, "mount") ? "mount" : http_query(o->r, "digest") ? "put" : "begin";
}

void push_refuse(struct oci *o, const char *action, const char *named, unsigned status, const char *code,
                 const char *format, ...)
{
    char message[ERR_MSG_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    (void)push_record(o, action, status, named, 0);
    http_error(o->r, status, code, "%s", message);
}

void push_refuse_err(struct oci *o, const char *action, const char *named, const char *code, const struct err *e)
{
    unsigned status = (unsigned)err_http_status(e->code);
    (void)push_record(o, action, status, named, 0);
    if (e->code == ERR_INPUT || e->code == ERR_LIMIT)
        http_error(o->r, status, code, "%s", e->msg);
    else
        http_error_err(o->r, e);
}

void push_created(struct oci *o, const char *action, const char *kind, const char *named, uint64_t bytes)
{
    struct buf none = BUF(1);
    char location[512];
    if (push_record(o, action, 201, named, bytes) < 0) {
        http_error(o->r, 503, NULL, "the access log cannot be written; push it again later");
        return;
    }
    snprintf(location, sizeof location, "/v2/%s/%s/%s", o->path.repository, kind, named);
    http_put_header(o->r, "Location", location);
    oci_put_digest(o, named);
    http_answer(o->r, 201, NULL, &none);
}

/* ── bodies ── */

int push_body_each(struct oci *o, uint64_t max, int (*each)(void *arg, struct span bytes, struct err *e), void *arg,
                   uint64_t *got, struct err *e)
{
    auto_free uint8_t *piece = malloc(PIECE_BYTES);
    if (!piece)
        abort();
    *got = 0;
    for (;;) {
        ssize_t n = http_body_read(o->r, piece, PIECE_BYTES, e);
        if (n < 0 && e->code == ERR_INPUT) /* nobody reads the answer; and no fault of the bytes */
            e->code = ERR_UNDECIDED;
        if (n <= 0)
            return (int)n;
        if (__builtin_add_overflow(*got, (uint64_t)n, got) || *got > max)
            return err_set(e, ERR_LIMIT, 0, "more than the %llu bytes that may come here", (unsigned long long)max);
        if (each(arg, span_of(piece, (size_t)n), e) < 0)
            return -1;
    }
}
