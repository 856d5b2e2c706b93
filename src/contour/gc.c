/* Order: candidates are listed without a lock → in one transaction each is asked for again and loses its name, and the
 * ledger entry is added → commit → the bytes go. A crash before the commit leaves nameless files of blobs that nothing
 * needed; a crash after it the same: blobs_tidy removes them next time. */
#include "contour/gc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "contour/gc_pushed.h"
#include "ledger/access.h"
#include "scan/memory.h"
#include "ship/shipment.h"
#include "store/db_push.h"
#include "store/db_release.h"
#include "store/db_scan.h"
#include "util/file.h"
#include "util/limits.h"

/* One layout, and who knows what is needed in it. */
struct heap {
    struct blobs *blobs;
    int (*needed)(struct db *db, const struct digest *id, bool *needed, struct err *e);
    bool has_rows; /* its blobs stand in the table of blobs */
};

struct candidate {
    struct digest id;
    uint64_t size;
};

struct sweep {
    struct site *s;
    const struct heap *heap;
    int64_t before_s;       /* younger ones stay */
    struct candidate *list; /* owned */
    size_t count, room;
    struct gc_result *out;
    struct err *e;
};

static void add_candidate(struct sweep *w, const struct digest *id, uint64_t size)
{
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 256;
        w->list = reallocarray(w->list, w->room, sizeof(*w->list));
        if (!w->list)
            abort();
    }
    w->list[w->count++] = (struct candidate){*id, size};
}

static int look_at(void *arg, const struct digest *id, const char *name, uint64_t size)
{
    struct sweep *w = arg;
    struct err gone = {0};
    bool needed = false;
    int64_t time_s;
    (void)name;
    if (!id) /* no blob: fsck names it */
        return 0;
    if (w->heap->needed(w->s->db, id, &needed, w->e) < 0)
        return -1;
    if (needed)
        w->out->kept++;
    else if (blob_time(w->heap->blobs, id, &time_s, &gone) == 0 && time_s >= w->before_s)
        w->out->young++;
    else
        add_candidate(w, id, size);
    return 0;
}

/* Inside the transaction. */
static int retire(struct sweep *w, const struct candidate *c, struct err *e)
{
    bool needed = false;
    if (w->heap->needed(w->s->db, &c->id, &needed, e) < 0)
        return -1;
    if (needed)
        return 0;
    int gone = blob_retire(w->heap->blobs, &c->id, w->before_s, e);
    if (gone <= 0)
        return gone;
    w->out->blobs++;
    w->out->bytes += c->size;
    return w->heap->has_rows ? db_blob_remove(w->s->db, &c->id, e) : 0;
}

static int retire_all(struct sweep *w, struct err *e)
{
    struct json_out j;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    uint64_t blobs = w->out->blobs, bytes = w->out->bytes;
    if (site_begin(w->s, e) < 0)
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < w->count; i++)
        result = retire(w, &w->list[i], e);
    site_event(w->s, &j, &entry, "gc");
    json_put_uint(&j, "blobs", w->out->blobs - blobs);
    json_put_uint(&j, "bytes", w->out->bytes - bytes);
    json_put_time(&j, "older-than", w->before_s);
    if (result == 0 && w->out->blobs > blobs)
        result = site_commit(w->s, &j, NULL, e);
    else if (result == 0)
        site_rollback(w->s);
    if (result < 0)
        site_rollback(w->s);
    return result;
}

static int sweep_heap(struct site *s, const struct heap *heap, const struct gc_options *o, struct gc_result *out,
                      struct err *e)
{
    struct sweep w = {.s = s, .heap = heap, .before_s = s->now_s - o->grace_s, .out = out, .e = e};
    int result = blobs_each(heap->blobs, look_at, &w, e);
    for (size_t i = 0; o->dry_run && result == 0 && i < w.count; i++) {
        out->blobs++;
        out->bytes += w.list[i].size;
    }
    if (!o->dry_run && result == 0 && w.count > 0)
        result = retire_all(&w, e);
    free(w.list);
    return result < 0 || o->dry_run ? result : blobs_tidy(heap->blobs, e);
}

/* The rows of what no view needs go first, with an entry of their own; then their files are needed by nothing. */
static int forget_pushed(struct site *s, const struct gc_pushed *g, const struct gc_options *o, struct gc_result *out,
                         struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (gc_pushed_forget(s, g, &out->rows, e) < 0)
        return -1;
    if (o->dry_run || out->rows == 0)
        return 0;
    site_event(s, &w, &entry, "gc");
    json_put_uint(&w, "pushed-rows", out->rows);
    json_put_time(&w, "older-than", s->now_s - o->grace_s);
    return site_commit(s, &w, NULL, e);
}

/* A dry run counts with the rows away, and then gives them back. */
static int sweep_unneeded(struct site *s, const struct heap *pushed, const struct gc_pushed *g,
                          const struct gc_options *o, struct gc_result *out, struct err *e)
{
    if (site_begin(s, e) < 0)
        return -1;
    int result = forget_pushed(s, g, o, out, e);
    if (result == 0 && o->dry_run)
        result = sweep_heap(s, pushed, o, out, e);
    site_rollback(s); /* nothing, once it is committed */
    return result < 0 || o->dry_run ? result : sweep_heap(s, pushed, o, out, e);
}

/* What was pushed lies in a layout of its own, which is there only where somebody pushed. */
static int sweep_pushed(struct site *s, const struct gc_options *o, struct gc_result *out, struct err *e)
{
    struct err absent = {0};
    struct heap pushed = {.blobs = blobs_open(s->dir, PUSHED_FOLDER, &absent), .needed = db_push_needed};
    if (!pushed.blobs)
        return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    struct gc_pushed *g = gc_pushed_look(s, pushed.blobs, s->now_s - o->grace_s, e);
    int result = g ? sweep_unneeded(s, &pushed, g, o, out, e) : -1;
    gc_pushed_free(g);
    blobs_close(pushed.blobs);
    return result;
}

/* ── access records ── */

static int drop_records(struct site *s, struct gc_result *out, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    uint64_t before;
    int64_t older_s = s->now_s - (int64_t)s->config.keep_access_s;
    int old = s->config.keep_access_s ? access_old(s->dir, older_s, &before, e) : 0;
    if (old <= 0)
        return old;
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, ACCESS_RETENTION);
    json_put_uint(&w, "before", before);
    json_put_time(&w, "older-than", older_s);
    if (site_commit(s, &w, NULL, e) < 0) {
        site_rollback(s);
        return -1;
    }
    return access_drop(s->dir, before, &out->segments, &out->segment_bytes, e);
}

/* ── what is remembered of scans ── */

/* No decision, and so no entry: the next scan would look again. */
static int forget_scans(struct site *s, struct gc_result *out, struct err *e)
{
    if (db_begin(s->db, e) < 0)
        return -1;
    auto_tx struct db *tx = s->db;
    return db_scan_forget(tx, memory_scanner(), &out->scans, e) < 0 ? -1 : db_commit(tx, e);
}

/* ── unpacked images ── */

/* run/images/HEX belongs to the image HEX; what no release needs is unpacked for nobody. An engine that runs is one of
 * a release that stands somewhere. */
static int drop_image(struct site *s, int images, const char *name, struct gc_result *out, struct err *e)
{
    struct digest id;
    bool needed = true;
    char hex[DIGEST_HEX_SIZE];
    snprintf(hex, sizeof hex, "%.64s", name);
    if (!digest_from_hex(span_str(hex), &id) || db_blob_needed(s->db, &id, &needed, e) < 0 || needed)
        return 0;
    out->images += strlen(name) == DIGEST_HEX_SIZE - 1;
    return tree_remove(images, name, e);
}

static int sweep_images(struct site *s, struct gc_result *out, struct err *e)
{
    struct err absent = {0};
    struct dirent **names = NULL;
    auto_fd images = dir_open(s->dir, "run/images", &absent);
    int n = images < 0 ? 0 : scandirat(images, ".", &names, NULL, NULL), result = 0;
    for (int i = 0; i < n; i++) {
        if (result == 0)
            result = drop_image(s, images, names[i]->d_name, out, e);
        free(names[i]);
    }
    free(names);
    return result;
}

int gc_run(struct site *s, const struct gc_options *o, struct gc_result *out, struct err *e)
{
    struct heap store = {.blobs = s->blobs, .needed = db_blob_needed, .has_rows = true};
    *out = (struct gc_result){0};
    if (site_check_live(s, e) < 0 || sweep_heap(s, &store, o, out, e) < 0)
        return -1;
    if (sweep_pushed(s, o, out, e) < 0)
        return -1;
    if (o->dry_run)
        return 0;
    return drop_records(s, out, e) < 0 || forget_scans(s, out, e) < 0 ? -1 : sweep_images(s, out, e);
}
