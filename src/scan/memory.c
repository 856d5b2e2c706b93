/* A row's seal is the site's signature over a line that names the purpose, key, blob, stamp, and the SHA-256 of the
 * reply. The database alone is no authority (store/db.h): a row that somebody wrote into it is not under the seal, and
 * counts as not there. */
#include "scan/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/inspect.h"
#include "scan/scan.h"
#include "store/db_scan.h"
#include "util/clock.h"
#include "util/limits.h"
#include "version.h"

/* Rows that wait for their transaction. */
#define PENDING_MAX       64U
#define PENDING_BYTES_MAX (8U << 20)

/* A clock of files ticks in milliseconds; a file younger than this when it was hashed may change without a new time. */
#define SETTLED_S 2

struct pending {
    struct memo memo;
    struct signature seal;
    char *reply; /* owned */
};

struct memory {
    struct site *s;
    const struct private_key *key;
    bool fresh;
    struct pending pending[PENDING_MAX];
    size_t count, bytes;
};

const char *memory_scanner(void)
{
    static char text[400];
    if (!text[0])
        snprintf(text, sizeof text, "airlock %s, rules %s, %.300s", AIRLOCK_VERSION, SCAN_RULES, inspect_libraries());
    return text;
}

struct memory *memory_new(struct site *s, bool fresh, struct err *e)
{
    const struct private_key *key = site_key(s, e);
    struct memory *m = key ? calloc(1, sizeof *m) : NULL;
    if (key && !m)
        abort();
    if (m) {
        m->s = s;
        m->key = key;
        m->fresh = fresh;
    }
    return m;
}

static void clear(struct memory *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->pending[i].reply);
    m->count = m->bytes = 0;
}

void memory_free(struct memory *m)
{
    if (m)
        clear(m);
    free(m);
}

/* ── what a row is about ── */

/* Inode, size, and the times of its bytes and of itself in nanoseconds. */
static void take_stamp(int fd, uint8_t out[MEMORY_STAMP_BYTES])
{
    struct stat st;
    auto_buf stamp = BUF(MEMORY_STAMP_BYTES);
    memset(out, 0, MEMORY_STAMP_BYTES);
    if (fstat(fd, &st) < 0 || clock_now_s() - st.st_ctim.tv_sec < SETTLED_S)
        return;
    buf_add_be64(&stamp, st.st_ino);
    buf_add_be64(&stamp, (uint64_t)st.st_size);
    buf_add_be64(&stamp, (uint64_t)st.st_mtim.tv_sec * 1000000000U + (uint64_t)st.st_mtim.tv_nsec);
    buf_add_be64(&stamp, (uint64_t)st.st_ctim.tv_sec * 1000000000U + (uint64_t)st.st_ctim.tv_nsec);
    memcpy(out, stamp.ptr, MEMORY_STAMP_BYTES);
}

static bool is_zero(const uint8_t stamp[MEMORY_STAMP_BYTES])
{
    static const uint8_t zeros[MEMORY_STAMP_BYTES];
    return memcmp(stamp, zeros, sizeof zeros) == 0;
}

static void put_key(struct memo *memo, const char *op, const char *arg)
{
    auto_buf text = BUF(LIMIT_JSON_BYTES + 1024);
    buf_printf(&text, "%s\n%s\n%s\n", memory_scanner(), digest_text(&memo->blob).text, op);
    buf_add_str(&text, arg);
    memo->key = digest_of(buf_span(&text));
}

static void write_sealed(struct buf *out, const struct digest *key, const struct digest *blob, struct span stamp,
                         struct span reply)
{
    struct digest id = digest_of(reply);
    buf_printf(out, "airlock remembered scan 1\n%s\n", memory_scanner());
    buf_add(out, key->bytes, DIGEST_SIZE);
    buf_add(out, blob->bytes, DIGEST_SIZE);
    buf_add_span(out, stamp);
    buf_add(out, id.bytes, DIGEST_SIZE);
}

static bool is_sealed(const struct site *s, const struct scan_row *row)
{
    auto_buf text = BUF(1024);
    write_sealed(&text, &row->key, &row->blob, row->stamp, row->reply);
    return row->stamp.len == MEMORY_STAMP_BYTES && key_verify(s->public_key, buf_span(&text), row->seal);
}

/* ── asking and keeping ── */

int memory_find(struct memory *m, const struct digest *blob, const char *op, const char *arg, int fd, struct memo *memo,
                json_t **reply, bool *same, struct err *e)
{
    auto_buf bytes = BUF(LIMIT_MESSAGE_BYTES + 4096);
    struct scan_row row;
    struct err ignored = {0};
    memo->blob = *blob;
    put_key(memo, op, arg);
    take_stamp(fd, memo->stamp);
    *reply = NULL;
    int there = m->fresh ? 0 : db_scan_get(m->s->db, &memo->key, &row, &bytes, e);
    if (there <= 0 || !digest_equal(&row.blob, blob) || !is_sealed(m->s, &row))
        return there < 0 ? -1 : 0;
    *reply = json_parse(row.reply, LIMIT_MESSAGE_BYTES, "a remembered scan", &ignored);
    *same = !is_zero(memo->stamp) && memcmp(row.stamp.ptr, memo->stamp, MEMORY_STAMP_BYTES) == 0;
    return *reply != NULL;
}

int memory_keep(struct memory *m, const struct memo *memo, int fd, char *reply, struct err *e)
{
    uint8_t now[MEMORY_STAMP_BYTES];
    struct pending *p = &m->pending[m->count];
    auto_buf text = BUF(1024);
    p->memo = *memo;
    p->reply = reply;
    take_stamp(fd, now);
    if (memcmp(now, memo->stamp, sizeof now) != 0)
        memset(p->memo.stamp, 0, sizeof p->memo.stamp);
    write_sealed(&text, &p->memo.key, &p->memo.blob, span_of(p->memo.stamp, MEMORY_STAMP_BYTES), span_str(p->reply));
    m->count++;
    m->bytes += strlen(p->reply);
    if (key_sign(m->key, buf_span(&text), &p->seal, e) < 0)
        return -1;
    return m->count == PENDING_MAX || m->bytes > PENDING_BYTES_MAX ? memory_flush(m, e) : 0;
}

int memory_flush(struct memory *m, struct err *e)
{
    if (m->count == 0 || m->s->backup) {
        clear(m);
        return 0;
    }
    if (db_begin(m->s->db, e) < 0)
        return -1;
    auto_tx struct db *tx = m->s->db;
    for (size_t i = 0; i < m->count; i++) {
        const struct pending *p = &m->pending[i];
        struct scan_row row = {.key = p->memo.key,
                               .blob = p->memo.blob,
                               .scanner = memory_scanner(),
                               .stamp = span_of(p->memo.stamp, MEMORY_STAMP_BYTES),
                               .seal = span_of(p->seal.bytes, p->seal.len),
                               .reply = span_str(p->reply)};
        if (db_scan_put(tx, &row, e) < 0)
            return -1;
    }
    clear(m);
    return db_commit(tx, e);
}

/* ── fsck ── */

struct check {
    struct site *s;
    void (*bad)(void *arg, const struct digest *blob);
    void *arg;
    uint64_t rows;
};

/* Rows of another scanner are not asked any more, and go with the next gc. */
static int check_row(void *arg, const struct scan_row *row)
{
    struct check *c = arg;
    struct err ignored = {0};
    c->rows++;
    if (strcmp(row->scanner, memory_scanner()) != 0)
        return 0;
    auto_json reply = json_parse(row->reply, LIMIT_MESSAGE_BYTES, "a remembered scan", &ignored);
    if (!reply || !is_sealed(c->s, row))
        c->bad(c->arg, &row->blob);
    return 0;
}

int memory_check(struct site *s, void (*bad)(void *arg, const struct digest *blob), void *arg, uint64_t *rows,
                 struct err *e)
{
    struct check c = {.s = s, .bad = bad, .arg = arg};
    int result = db_scan_each(s->db, check_row, &c, e);
    *rows = c.rows;
    return result;
}
