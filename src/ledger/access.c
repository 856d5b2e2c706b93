/* Writing access records. Order: line into the segment → fdatasync → one transaction with the ledger entry that holds
 * the batch's Merkle root, and the row that says which bytes it covers → publish. A record that is in no batch yet when
 * the process dies is sealed when the log is opened again, if its line is whole; half a line is cut off.
 *
 * Threads: access_add only appends to `pending` under the mutex. Everything else belongs to the sealing thread (before
 * it starts, to access_open; after it ended, to access_close). */
#include "ledger/access.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ledger/access_internal.h"
#include "store/db_ledger.h"
#include "util/clock.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/log.h"
#include "util/sys.h"

/* How long a batch gathers, and how long to wait after a failure: together with a commit far below the second that the
 * header promises. */
#define GATHER_MS 200

#define KEEP_BYTES (2U << 20) /* of memory for the next batch */

struct access_log {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_t thread;
    bool stop;          /* under the mutex */
    struct buf pending; /* lines that were added; under the mutex */
    uint64_t next_id;   /* under the mutex */

    int dir, lock; /* access/ and its lock */
    struct db *db;
    struct ledger *ledger;
    struct segment_name segment;
    int fd;             /* of the segment; -1: not made yet */
    uint64_t sealed;    /* bytes of it that batches cover */
    uint64_t written;   /* bytes of it that are whole lines; more than sealed when a seal failed */
    uint64_t first;     /* number of the first record behind sealed */
    struct buf writing; /* lines taken from pending, not in the file yet */
    struct buf leaves;  /* of the lines between sealed and written */
    bool failing;       /* the last seal failed, and was said so */
};

/* ── lines ── */

struct segment_name segment_name(uint64_t first)
{
    struct segment_name n;
    snprintf(n.text, sizeof n.text, "%015llu" ACCESS_SUFFIX, (unsigned long long)first);
    return n;
}

bool record_id(struct span line, uint64_t *id)
{
    struct span number;
    if (!span_take_prefix(&line, SPAN_LIT("{\"id\":")))
        return false;
    size_t digits = 0;
    while (digits < line.len && line.ptr[digits] >= '0' && line.ptr[digits] <= '9')
        digits++;
    return span_take(&line, digits, &number) && span_decimal(number, id);
}

int64_t segment_leaves(struct span bytes, uint64_t first, struct buf *leaves, struct err *e)
{
    struct span line;
    uint64_t id, next = first;
    while (bytes.len) {
        if (!span_take_until(&bytes, '\n', &line))
            return err_set(e, ERR_INPUT, 0, "record %llu is cut off", (unsigned long long)next);
        if (!record_id(line, &id) || id != next)
            return err_set(e, ERR_INPUT, 0, "where record %llu belongs stands another line", (unsigned long long)next);
        struct digest leaf = merkle_leaf(line);
        buf_add(leaves, &leaf, sizeof leaf);
        next++;
    }
    return buf_check(leaves, "a batch of access records", e) < 0 ? -1 : (int64_t)(next - first);
}

struct digest leaves_root(const struct buf *leaves)
{
    struct merkle *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    const struct digest *all = (const struct digest *)leaves->ptr;
    for (size_t i = 0; i < leaves->len / sizeof *all; i++)
        merkle_add(t, &all[i], NULL, NULL);
    struct digest root = merkle_root(t);
    free(t);
    return root;
}

/* ── sealing ── */

static int open_segment(struct access_log *a, struct err *e)
{
    if (a->fd >= 0)
        return 0;
    a->fd = sys.openat(a->dir, a->segment.text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (a->fd < 0)
        return err_set(e, ERR_IO, errno, "open " ACCESS_DIR "/%s", a->segment.text);
    return dir_sync(a->dir, ACCESS_DIR, e);
}

/* Writes what was taken, or nothing of it. */
static int write_lines(struct access_log *a, struct err *e)
{
    if (a->writing.len == 0)
        return 0;
    if (open_segment(a, e) < 0)
        return -1;
    struct span left = buf_span(&a->writing);
    for (uint64_t at = a->written; left.len;) {
        ssize_t n = sys.pwrite(a->fd, left.ptr, left.len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int error = errno;
            sys.ftruncate(a->fd, (off_t)a->written); /* the next try writes over it in any case */
            return err_set(e, ERR_IO, error, "write " ACCESS_DIR "/%s", a->segment.text);
        }
        span_skip(&left, (size_t)n);
        at += (uint64_t)n;
    }
    uint64_t next = a->first + a->leaves.len / sizeof(struct digest);
    if (segment_leaves(buf_span(&a->writing), next, &a->leaves, e) < 0)
        return -1;
    a->written += a->writing.len;
    if (a->writing.len > KEEP_BYTES) { /* after a burst, or a disk that was slow: not for ever */
        buf_fini(&a->writing);
        a->writing = BUF(PENDING_MAX_BYTES);
    }
    buf_clear(&a->writing);
    return 0;
}

/* The clock may be wrong; serving goes on, and the ledger's time does not run backwards. */
static int entry_time(struct access_log *a, int64_t *now_s, struct err *e)
{
    int64_t last_s;
    if (db_ledger_last_time(a->db, &last_s, e) < 0)
        return -1;
    *now_s = clock_now_s();
    if (*now_s < last_s)
        *now_s = last_s;
    return 0;
}

static int append_batch(struct access_log *a, struct access_batch_row *row, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(4096), root_text = BUF(64);
    struct digest root = leaves_root(&a->leaves);
    int64_t now_s;
    if (entry_time(a, &now_s, e) < 0)
        return -1;
    base64_encode(span_of(root.bytes, DIGEST_SIZE), &root_text);
    ledger_event(&w, &entry, now_s, "airlock", ACCESS_ACTION);
    json_put_string(&w, "segment", row->segment);
    json_put_uint(&w, "first", row->first);
    json_put_uint(&w, "count", row->count);
    json_put_uint(&w, "offset", row->offset);
    json_put_uint(&w, "length", row->length);
    json_put_string(&w, "root", buf_str(&root_text));
    if (ledger_append(a->ledger, &w, now_s, &row->ledger_seq, e) < 0)
        return -1;
    return db_access_batch_add(a->db, row, e);
}

static int commit_batch(struct access_log *a, struct err *e)
{
    struct access_batch_row row = {
        .first = a->first,
        .count = a->leaves.len / sizeof(struct digest),
        .segment = a->segment.text,
        .offset = a->sealed,
        .length = a->written - a->sealed,
    };
    if (row.count == 0)
        return 0;
    if (sys.fdatasync(a->fd) < 0)
        return err_set(e, ERR_IO, errno, "fdatasync " ACCESS_DIR "/%s", a->segment.text);
    auto_tx struct db *tx = a->db;
    if (db_begin(tx, e) < 0 || append_batch(a, &row, e) < 0 || db_commit(tx, e) < 0)
        return -1;
    a->sealed = a->written;
    a->first += row.count;
    buf_clear(&a->leaves);
    if (a->written >= SEGMENT_BYTES) {
        sys.close(a->fd);
        a->fd = -1;
        a->sealed = a->written = 0;
        a->segment = segment_name(a->first);
    }
    struct err later = {0};
    if (ledger_publish(a->ledger, &later) < 0) /* the records are bound; files that lag are completed by the next one */
        log_event(EV_LEDGER_LAGS, "reason", later.msg, NULL);
    return 0;
}

/* Takes what is pending, unless an earlier load still waits for the disk. */
static void take_pending(struct access_log *a)
{
    if (a->writing.len)
        return;
    pthread_mutex_lock(&a->mutex);
    struct buf empty = a->writing;
    a->writing = a->pending;
    a->pending = empty;
    pthread_mutex_unlock(&a->mutex);
}

static int seal(struct access_log *a, struct err *e)
{
    take_pending(a);
    return write_lines(a, e) < 0 ? -1 : commit_batch(a, e);
}

/* Waits until there is something to seal, and then for more of it. False: it is time to stop. */
static bool gather(struct access_log *a)
{
    pthread_mutex_lock(&a->mutex);
    while (!a->stop && !a->failing && a->pending.len == 0)
        pthread_cond_wait(&a->wake, &a->mutex);
    int64_t until_ms = clock_mono_ms() + GATHER_MS;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    while (!a->stop && pthread_cond_timedwait(&a->wake, &a->mutex, &until) == 0)
        ;
    bool go_on = !a->stop;
    pthread_mutex_unlock(&a->mutex);
    return go_on;
}

static void *sealing(void *arg)
{
    struct access_log *a = arg;
    for (bool go_on = true; go_on;) {
        struct err e = {0};
        go_on = gather(a);
        bool failed = seal(a, &e) < 0;
        if (failed && !a->failing)
            log_event(EV_ACCESS_LOST, "reason", e.msg, NULL);
        a->failing = failed;
    }
    return NULL;
}

/* ── opening ── */

/* The segment ends before its last batch does, or is gone: verification names it, and a new one is begun. */
static void abandon_segment(struct access_log *a)
{
    if (a->fd >= 0)
        sys.close(a->fd);
    a->fd = -1;
    a->sealed = a->written = 0;
    a->segment = segment_name(a->first);
}

static int read_tail(struct access_log *a, struct buf *tail, struct err *e)
{
    struct stat st;
    a->fd = sys.openat(a->dir, a->segment.text, O_RDWR | O_CLOEXEC, 0);
    if (a->fd < 0 && errno != ENOENT)
        return err_set(e, ERR_IO, errno, "open " ACCESS_DIR "/%s", a->segment.text);
    if (a->fd < 0 || fstat(a->fd, &st) < 0 || (uint64_t)st.st_size < a->sealed) {
        abandon_segment(a);
        return 0;
    }
    if (lseek(a->fd, (off_t)a->sealed, SEEK_SET) < 0)
        return err_set(e, ERR_IO, errno, "seek in " ACCESS_DIR "/%s", a->segment.text);
    /* Whoever made the file may have died before its name was durable. */
    return dir_sync(a->dir, ACCESS_DIR, e) < 0 ? -1 : file_read_fd(a->fd, a->segment.text, tail, e);
}

/* Whole lines behind the last batch are kept, and sealed with the first one; the rest is cut off. */
static int recover(struct access_log *a, struct err *e)
{
    auto_buf tail = BUF(SEGMENT_BYTES + PENDING_MAX_BYTES + RECORD_MAX_BYTES);
    if (read_tail(a, &tail, e) < 0)
        return -1;
    struct span rest = buf_span(&tail), line;
    uint64_t id, next = a->first;
    while (span_take_until(&rest, '\n', &line) && record_id(line, &id) && id == next) {
        struct digest leaf = merkle_leaf(line);
        buf_add(&a->leaves, &leaf, sizeof leaf);
        a->written += line.len + 1;
        next++;
    }
    a->next_id = next;
    if (a->sealed + tail.len > a->written && sys.ftruncate(a->fd, (off_t)a->written) < 0)
        return err_set(e, ERR_IO, errno, "cut half a record off " ACCESS_DIR "/%s", a->segment.text);
    return buf_check(&a->leaves, "access records", e) < 0 ? -1 : commit_batch(a, e);
}

/* Where the last batch ended. */
static int find_end(struct access_log *a, struct err *e)
{
    struct access_batch_row last;
    auto_buf strings = BUF(4096);
    struct err why = {0};
    a->first = 1;
    a->segment = segment_name(1);
    if (db_access_batch_find(a->db, UINT64_MAX, &last, &strings, &why) < 0)
        return why.code == ERR_NOTFOUND ? 0 : err_set(e, why.code, why.sys_errno, "%s", why.msg);
    a->first = last.first + last.count;
    a->sealed = a->written = last.offset + last.length;
    snprintf(a->segment.text, sizeof a->segment.text, "%s", last.segment);
    if (a->sealed >= SEGMENT_BYTES) {
        a->sealed = a->written = 0;
        a->segment = segment_name(a->first);
    }
    return 0;
}

static void release(struct access_log *a)
{
    if (a->fd >= 0)
        sys.close(a->fd);
    ledger_close(a->ledger);
    db_close(a->db);
    if (a->dir >= 0)
        close(a->dir);
    if (a->lock >= 0)
        close(a->lock);
    buf_fini(&a->pending);
    buf_fini(&a->writing);
    buf_fini(&a->leaves);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->mutex);
    free(a);
}

static int prepare(struct access_log *a, int dir, const char *origin, const struct private_key *ledger_key,
                   struct err *e)
{
    if (dir_make(dir, ACCESS_DIR, 0700, e) < 0)
        return -1;
    a->dir = dir_open(dir, ACCESS_DIR, e);
    a->lock = a->dir < 0 ? -1 : file_lock(a->dir, ".lock", false, e);
    if (a->lock < 0)
        return -1;
    a->db = db_open(dir, e);
    a->ledger = a->db ? ledger_open(dir, a->db, origin, ledger_key, e) : NULL;
    if (!a->ledger)
        return -1;
    return find_end(a, e) < 0 ? -1 : recover(a, e);
}

struct access_log *access_open(int dir, const char *origin, const struct private_key *ledger_key, struct err *e)
{
    struct access_log *a = calloc(1, sizeof *a);
    if (!a)
        abort();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC); /* the clock of clock_mono_ms */
    pthread_cond_init(&a->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&a->mutex, NULL);
    a->dir = a->lock = a->fd = -1;
    a->pending = a->writing = BUF(PENDING_MAX_BYTES);
    a->leaves = BUF((size_t)UINT32_MAX);
    if (prepare(a, dir, origin, ledger_key, e) == 0) {
        int error = pthread_create(&a->thread, NULL, sealing, a);
        if (error == 0)
            return a;
        err_set(e, ERR_SYSTEM, error, "start the thread that seals access records");
    }
    release(a);
    return NULL;
}

void access_close(struct access_log *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->mutex);
    a->stop = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->mutex);
    pthread_join(a->thread, NULL);
    struct err e = {0};
    if (seal(a, &e) < 0) /* what was added while the thread sealed its last batch */
        log_event(EV_ACCESS_LOST, "reason", e.msg, NULL);
    release(a);
}

int access_add(struct access_log *a, struct span record, uint64_t *id, struct err *e)
{
    if (record.len < 2 || record.len > RECORD_MAX_BYTES || record.ptr[0] != '{' || record.ptr[record.len - 1] != '}' ||
        memchr(record.ptr, '\n', record.len) || !span_is_utf8(record))
        return err_set(e, ERR_INPUT, 0, "an access record is one line of JSON, an object of at most %u bytes",
                       RECORD_MAX_BYTES);
    struct span rest = record;
    span_skip(&rest, 1);
    int result = 0;
    pthread_mutex_lock(&a->mutex);
    if (a->pending.len + record.len + 32 > a->pending.max) {
        result = err_set(e, ERR_NOSPACE, 0, "%zu bytes of access records wait for the disk; no more are taken",
                         a->pending.len);
    } else {
        bool first = a->pending.len == 0; /* the sealing thread waits for the first one, and then for a time */
        buf_printf(&a->pending, "{\"id\":%llu%s", (unsigned long long)a->next_id, rest.len > 1 ? "," : "");
        buf_add_span(&a->pending, rest);
        buf_add_byte(&a->pending, '\n');
        if (id)
            *id = a->next_id;
        a->next_id++;
        if (first)
            pthread_cond_signal(&a->wake);
    }
    pthread_mutex_unlock(&a->mutex);
    return result;
}
