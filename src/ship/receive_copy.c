/* The one pass over the volumes. One thread reads a block, hashes it and compares it with the signed header; only then
 * does the other thread see it, which cuts it into blobs, hashes those and writes them (the blob writer of the store
 * does both). So the two hashes run side by side, and no byte that was not signed is ever written. Between the two
 * stands a ring of RING_SLOTS blocks: all the memory that this needs. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "ship/receive_internal.h"
#include "util/limits.h"
#include "util/sys.h"

#define RING_SLOTS 4U

struct slot {
    uint8_t *bytes; /* VOLUME_BLOCK_BYTES */
    size_t len;
};

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct slot slots[RING_SLOTS];
    size_t first, count;
    bool ended;   /* the reader will add nothing more */
    bool stopped; /* the writer wants nothing more */
    bool failed;
    struct err err; /* of the reader, if failed */
    const struct receiving *r;
};

/* ── the reader ── */

/* Waits for an empty slot. NULL: the writer has given up. */
static struct slot *ring_empty(struct ring *g)
{
    pthread_mutex_lock(&g->lock);
    while (g->count == RING_SLOTS && !g->stopped)
        pthread_cond_wait(&g->emptied, &g->lock);
    struct slot *s = g->stopped ? NULL : &g->slots[(g->first + g->count) % RING_SLOTS];
    pthread_mutex_unlock(&g->lock);
    return s;
}

static void ring_filled(struct ring *g)
{
    pthread_mutex_lock(&g->lock);
    g->count++;
    pthread_cond_signal(&g->filled);
    pthread_mutex_unlock(&g->lock);
}

static int read_block(const struct receiving *r, const struct medium_volume *v, int fd, uint64_t at, struct slot *s,
                      struct err *e)
{
    for (size_t done = 0; done < s->len;) {
        ssize_t got = sys.pread(fd, s->bytes + done, s->len - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_set(e, ERR_IO, errno, "%s (volume %zu of %zu): read at byte %llu", v->shown, v->number,
                    r->doc.volume_count, (unsigned long long)(at + done));
            return err_hint(e, "The medium or its reader is failing: try another reader, or copy the volume again");
        }
        if (got == 0)
            return err_set(e, ERR_INPUT, 0,
                           "%s (volume %zu of %zu) became shorter while it was read: it ends at byte %llu", v->shown,
                           v->number, r->doc.volume_count, (unsigned long long)(at + done));
        done += (size_t)got;
    }
    return 0;
}

static int check_block(const struct receiving *r, const struct medium_volume *v, size_t i, uint64_t at,
                       const struct slot *s, struct err *e)
{
    struct span bytes = span_of(s->bytes, s->len);
    struct digest found = digest_of(bytes);
    if (digest_equal(&found, &v->header.blocks[i]))
        return 0;
    auto_buf blame = BUF(600);
    receive_blame(r, v, at - v->payload_at, bytes, &blame);
    err_set(e, ERR_INPUT, 0, "%s (volume %zu of %zu) is damaged in block %zu of %zu, bytes %llu to %llu of the file%s",
            v->shown, v->number, r->doc.volume_count, i + 1, v->header.block_count, (unsigned long long)at,
            (unsigned long long)(at + s->len - 1), buf_str(&blame));
    return err_hint(e, "Copy this volume again from the station and give the same command again");
}

/* 1: go on; 0: the writer gave up; -1: *e is set. */
static int read_volume(struct ring *g, const struct medium_volume *v, struct err *e)
{
    auto_fd fd = medium_open_volume(&g->r->medium, v, e);
    if (fd < 0)
        return -1;
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    for (size_t i = 0; i < v->header.block_count; i++) {
        uint64_t done = (uint64_t)i * VOLUME_BLOCK_BYTES, left = v->header.payload - done;
        struct slot *s = ring_empty(g);
        if (!s)
            return 0;
        s->len = left < VOLUME_BLOCK_BYTES ? (size_t)left : VOLUME_BLOCK_BYTES;
        if (read_block(g->r, v, fd, v->payload_at + done, s, e) < 0 ||
            check_block(g->r, v, i, v->payload_at + done, s, e) < 0)
            return -1;
        ring_filled(g);
    }
    return 1;
}

static void *reader(void *arg)
{
    struct ring *g = arg;
    struct err e = {0};
    int result = 1;
    for (size_t i = 0; i < g->r->medium.volume_count && result == 1; i++)
        result = read_volume(g, &g->r->medium.volumes[i], &e);
    pthread_mutex_lock(&g->lock);
    g->ended = true;
    g->failed = result < 0;
    g->err = e;
    pthread_cond_signal(&g->filled);
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

/* ── the writer ── */

/* The next verified block. NULL: there is none; look at g->failed. */
static struct slot *ring_next(struct ring *g)
{
    pthread_mutex_lock(&g->lock);
    while (g->count == 0 && !g->ended)
        pthread_cond_wait(&g->filled, &g->lock);
    struct slot *s = g->count ? &g->slots[g->first] : NULL;
    pthread_mutex_unlock(&g->lock);
    return s;
}

static void ring_done(struct ring *g)
{
    pthread_mutex_lock(&g->lock);
    g->first = (g->first + 1) % RING_SLOTS;
    g->count--;
    pthread_cond_signal(&g->emptied);
    pthread_mutex_unlock(&g->lock);
}

static void ring_stop(struct ring *g)
{
    pthread_mutex_lock(&g->lock);
    g->stopped = true;
    pthread_cond_signal(&g->emptied);
    pthread_mutex_unlock(&g->lock);
}

/* The blob that is being written; it may begin in one block and end in a later volume. */
struct writing {
    struct receiving *r;
    const struct signed_blob *blob;
    struct blob_writer *writer; /* NULL when the store has the blob */
    uint64_t done;
};

static int begin_blob(struct writing *w, const struct volume_extent *x, struct err *e)
{
    if (w->blob)
        return 0;
    w->blob = receive_find_blob(w->r, &x->blob);
    w->done = 0;
    if (w->blob->in_store)
        return 0;
    w->writer = blob_writer_new(w->r->out, w->blob->length, e);
    return w->writer ? 0 : -1;
}

static int put_piece(struct writing *w, struct span piece, struct err *e)
{
    if (w->writer && blob_writer_add(w->writer, piece, e) < 0)
        return -1;
    w->done += piece.len;
    if (w->done < w->blob->length)
        return 0;
    struct digest id;
    struct blob_writer *writer = ptr_steal(&w->writer);
    const struct signed_blob *b = ptr_steal(&w->blob);
    if (writer && blob_writer_finish(writer, &b->digest, &id, e) < 0)
        return err_prefix(e, "blob %s", b->name);
    return 0;
}

/* Walks the extents of all volumes and takes their bytes out of the blocks as they come. */
static int write_blobs(struct ring *g, struct writing *w, struct err *e)
{
    struct receiving *r = w->r;
    for (size_t i = 0; i < r->medium.volume_count; i++) {
        const struct volume_header *h = &r->medium.volumes[i].header;
        struct span block = {0}, piece;
        struct slot *s = NULL;
        for (size_t k = 0; k < h->extent_count; k++) {
            if (begin_blob(w, &h->extents[k], e) < 0)
                return -1;
            for (uint64_t left = h->extents[k].length; left; left -= piece.len) {
                if (!block.len && s)
                    ring_done(g);
                if (!block.len && !(s = ring_next(g)))
                    return 0; /* the reader failed */
                if (!block.len)
                    block = span_of(s->bytes, s->len);
                span_take(&block, left < block.len ? (size_t)left : block.len, &piece);
                if (put_piece(w, piece, e) < 0)
                    return -1;
                ship_progress_add(r->progress, piece.len);
            }
        }
        if (s)
            ring_done(g);
    }
    return 0;
}

static int run(struct ring *g, struct receiving *r, struct err *e)
{
    pthread_t thread;
    struct writing w = {.r = r};
    int started = pthread_create(&thread, NULL, reader, g);
    if (started)
        return err_set(e, ERR_SYSTEM, started, "no second thread");
    int result = write_blobs(g, &w, e);
    ring_stop(g);
    pthread_join(thread, NULL);
    blob_writer_abort(w.writer);
    if (result == 0 && g->failed) {
        if (e)
            *e = g->err;
        return -1;
    }
    return result;
}

static int copy_volumes(struct receiving *r, struct err *e)
{
    struct ring g = {.lock = PTHREAD_MUTEX_INITIALIZER,
                     .filled = PTHREAD_COND_INITIALIZER,
                     .emptied = PTHREAD_COND_INITIALIZER,
                     .r = r};
    for (size_t i = 0; i < RING_SLOTS; i++) {
        g.slots[i].bytes = malloc(VOLUME_BLOCK_BYTES);
        if (!g.slots[i].bytes)
            abort();
    }
    ship_progress_start(r->progress, "receive", r->copy_bytes + r->linked_bytes);
    int result = run(&g, r, e);
    ship_progress_end(r->progress);
    for (size_t i = 0; i < RING_SLOTS; i++)
        free(g.slots[i].bytes);
    return result;
}

/* Blobs of no bytes are in no volume; blobs that the store has are linked. */
static int add_others(struct receiving *r, struct err *e)
{
    for (size_t i = 0; i < r->blob_count; i++) {
        const struct signed_blob *b = &r->blobs[i];
        struct digest id;
        if (b->in_store && blob_link(r->s->blobs, r->out, &b->digest, e) < 0)
            return err_prefix(e, "blob %s", b->name);
        if (b->in_store || b->length)
            continue;
        if (blob_put(r->out, span_str(""), &id, e) < 0)
            return -1;
        if (!digest_equal(&id, &b->digest))
            return err_set(e, ERR_INPUT, 0, "metadata: blob %s is said to have no bytes", b->name);
    }
    return 0;
}

int receive_copy(struct receiving *r, struct err *e)
{
    blobs_batch_begin(r->out);
    if (copy_volumes(r, e) < 0 || add_others(r, e) < 0)
        return -1;
    return blobs_batch_end(r->out, e);
}

/* ── blame ── */

/* True when the piece is a whole blob and its bytes are right: then the damage lies elsewhere in the block. */
static bool is_whole_and_right(const struct signed_blob *b, const struct volume_extent *x, struct span piece)
{
    if (x->offset != 0 || x->length != b->length || piece.len != b->length)
        return false;
    struct digest found = digest_of(piece);
    return digest_equal(&found, &b->digest);
}

void receive_blame(const struct receiving *r, const struct medium_volume *v, uint64_t block_at, struct span block,
                   struct buf *out)
{
    uint64_t at = 0;
    unsigned named = 0, more = 0;
    for (size_t i = 0; i < v->header.extent_count; at += v->header.extents[i].length, i++) {
        const struct volume_extent *x = &v->header.extents[i];
        uint64_t from = at > block_at ? at : block_at;
        uint64_t to = at + x->length < block_at + block.len ? at + x->length : block_at + block.len;
        struct span piece;
        const struct signed_blob *b = receive_find_blob(r, &x->blob);
        if (from >= to || !b || !span_slice(block, from - block_at, to - from, &piece) ||
            is_whole_and_right(b, x, piece))
            continue;
        if (named == 3) {
            more++;
            continue;
        }
        buf_printf(out, "%s %s (its bytes %llu to %llu)", named++ ? " or" : "; it damages blob", b->name,
                   (unsigned long long)(x->offset + from - at), (unsigned long long)(x->offset + to - at - 1));
    }
    if (more)
        buf_printf(out, " or one of %u more", more);
}
