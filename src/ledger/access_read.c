/* Reading access records: proofs, the latest ones, and segments against the ledger. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ledger/access_internal.h"
#include "ledger/ledger_internal.h"
#include "store/db_ledger.h"
#include "util/encode.h"
#include "util/file.h"
#include "util/sys.h"

/* What a ledger entry says about a batch. */
struct batch {
    uint64_t seq, first, count, offset, length;
    char segment[ACCESS_NAME_SIZE];
    struct digest root;
};

bool access_segment_name_ok(const char *name)
{
    size_t len = strlen(name), suffix = strlen(ACCESS_SUFFIX);
    return len > suffix && len < ACCESS_NAME_SIZE && name[0] != '.' && !strchr(name, '/') &&
           strcmp(name + len - suffix, ACCESS_SUFFIX) == 0;
}

/* 1: an access-batch entry; 0: another one; -1: *e. */
static int read_batch(struct span entry, uint64_t seq, struct batch *out, struct err *e)
{
    if (!memmem(entry.ptr, entry.len, "\"" ACCESS_ACTION "\"", strlen(ACCESS_ACTION) + 2))
        return 0;
    auto_json j = json_parse(entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", e);
    if (!j)
        return -1;
    if (strcmp(json_get_string(j, "action", ""), ACCESS_ACTION) != 0)
        return 0;
    const char *segment = json_need_string(j, "segment", "", e), *root = json_need_string(j, "root", "", e);
    auto_buf bytes = BUF(DIGEST_SIZE);
    *out = (struct batch){.seq = seq};
    if (!segment || !root || json_need_uint(j, "first", "", &out->first, e) < 0 ||
        json_need_uint(j, "count", "", &out->count, e) < 0 || json_need_uint(j, "offset", "", &out->offset, e) < 0 ||
        json_need_uint(j, "length", "", &out->length, e) < 0)
        return -1;
    if (!access_segment_name_ok(segment) || !base64_decode(span_str(root), false, &bytes) || bytes.len != DIGEST_SIZE)
        return err_set(e, ERR_INPUT, 0, "its segment or root is malformed");
    snprintf(out->segment, sizeof out->segment, "%s", segment);
    memcpy(out->root.bytes, bytes.ptr, DIGEST_SIZE);
    return 1;
}

/* The bytes of a batch. ERR_NOTFOUND; ERR_INPUT: the segment is shorter. */
static int read_bytes(int dir, const struct batch *b, struct buf *out, struct err *e)
{
    auto_buf path = BUF(256);
    buf_printf(&path, ACCESS_DIR "/%s", b->segment);
    auto_fd fd = sys.openat(dir, buf_str(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0)
        return errno == ENOENT ? err_set(e, ERR_NOTFOUND, 0, "missing") : err_set(e, ERR_IO, errno, "open");
    if (b->length > SEGMENT_BYTES + PENDING_MAX_BYTES + RECORD_MAX_BYTES)
        return err_set(e, ERR_INPUT, 0, "a batch of %llu bytes is none of ours", (unsigned long long)b->length);
    uint8_t *room = buf_room(out, (size_t)b->length);
    for (size_t have = 0; have < b->length;) {
        ssize_t n = room ? sys.pread(fd, room + have, (size_t)b->length - have, (off_t)(b->offset + have)) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, errno, "read");
        if (n == 0)
            return err_set(e, ERR_INPUT, 0, "ends at byte %llu; the batch goes to byte %llu",
                           (unsigned long long)(b->offset + have), (unsigned long long)(b->offset + b->length));
        have += (size_t)n;
    }
    buf_grown(out, (size_t)b->length);
    return 0;
}

/* Bytes and leaves of a batch, held against its root. */
static int check_batch(int dir, const struct batch *b, struct buf *bytes, struct buf *leaves, struct err *e)
{
    if (read_bytes(dir, b, bytes, e) < 0)
        return -1;
    int64_t count = segment_leaves(buf_span(bytes), b->first, leaves, e);
    if (count < 0)
        return -1;
    if ((uint64_t)count != b->count)
        return err_set(e, ERR_INPUT, 0, "holds %lld records; the ledger says %llu", (long long)count,
                       (unsigned long long)b->count);
    struct digest root = leaves_root(leaves);
    if (!digest_equal(&root, &b->root))
        return err_set(e, ERR_INPUT, 0, "its records have the root %s; the ledger says %s", digest_hex(&root).text,
                       digest_hex(&b->root).text);
    return 0;
}

static int blame_batch(const struct batch *b, struct err *e)
{
    return err_prefix(e, ACCESS_DIR "/%s, bytes %llu to %llu (records %llu to %llu, ledger entry %llu)", b->segment,
                      (unsigned long long)b->offset, (unsigned long long)(b->offset + b->length - 1),
                      (unsigned long long)b->first, (unsigned long long)(b->first + b->count - 1),
                      (unsigned long long)b->seq);
}

/* ── verification ── */

struct access_verifier {
    int dir;
    struct db *db;
    struct buf *report;
    uint64_t wrong, batches, next;
    uint64_t gone; /* records below this number may be gone: retention said so */
    int failed;    /* an error that is not an answer */
    struct err *e;
};

static void say(struct access_verifier *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct access_verifier *v, const char *format, ...)
{
    va_list args;
    if (++v->wrong > 200)
        return;
    va_start(args, format);
    buf_vprintf(v->report, format, args);
    va_end(args);
    buf_add_byte(v->report, '\n');
}

/* The row that finds a batch says the same as its entry. */
static int check_row(struct access_verifier *v, const struct batch *b)
{
    struct access_batch_row row;
    auto_buf strings = BUF(4096);
    struct err why = {0};
    if (db_access_batch_find(v->db, b->first, &row, &strings, &why) < 0 && why.code != ERR_NOTFOUND)
        return err_set(v->e, why.code, why.sys_errno, "%s", why.msg);
    if (why.code == ERR_NOTFOUND || row.first != b->first || row.count != b->count || row.offset != b->offset ||
        row.length != b->length || row.ledger_seq != b->seq || strcmp(row.segment, b->segment) != 0)
        say(v, "state.db, access batch of record %llu: not what ledger entry %llu says", (unsigned long long)b->first,
            (unsigned long long)b->seq);
    return 0;
}

static int verify_entry(void *arg, const struct ledger_row *row)
{
    struct access_verifier *v = arg;
    struct batch b;
    struct err why = {0};
    int is_batch = read_batch(row->entry, row->seq, &b, &why);
    if (is_batch < 0)
        say(v, "state.db, ledger row %llu: %s", (unsigned long long)row->seq, why.msg);
    if (is_batch <= 0)
        return 0;
    auto_buf bytes = BUF(SEGMENT_BYTES + PENDING_MAX_BYTES + RECORD_MAX_BYTES), leaves = BUF((size_t)UINT32_MAX);
    v->batches++;
    if (b.first != v->next)
        say(v, "state.db, ledger row %llu: its batch begins at record %llu; wanted %llu", (unsigned long long)row->seq,
            (unsigned long long)b.first, (unsigned long long)v->next);
    v->next = b.first + b.count;
    bool may_be_gone = b.first + b.count <= v->gone;
    if (check_batch(v->dir, &b, &bytes, &leaves, &why) < 0 && !(may_be_gone && why.code == ERR_NOTFOUND)) {
        blame_batch(&b, &why);
        if (why.code == ERR_IO)
            return err_set(v->e, ERR_IO, 0, "%s", why.msg);
        say(v, "%s", why.msg);
    }
    return check_row(v, &b);
}

/* Looked for first: an entry may stand long behind the batches that it speaks of. */
static int look_for_retention(void *arg, const struct ledger_row *row)
{
    uint64_t *gone = arg, before;
    struct err ignored = {0};
    if (!memmem(row->entry.ptr, row->entry.len, "\"" ACCESS_RETENTION "\"", strlen(ACCESS_RETENTION) + 2))
        return 0;
    auto_json j = json_parse(row->entry, LIMIT_LEDGER_ENTRY_BYTES, "ledger entry", &ignored);
    if (j && strcmp(json_get_string(j, "action", ""), ACCESS_RETENTION) == 0 &&
        json_need_uint(j, "before", "", &before, &ignored) == 0 && before > *gone)
        *gone = before;
    return 0;
}

static int count_row(void *arg, const struct access_batch_row *row)
{
    (void)row;
    ++*(uint64_t *)arg;
    return 0;
}

int access_verify(int dir, struct ledger *l, struct buf *report, struct err *e)
{
    struct access_verifier v = {.dir = dir, .db = l->db, .report = report, .next = 1, .e = e};
    uint64_t rows = 0;
    if (db_ledger_each(l->db, 0, INT64_MAX, look_for_retention, &v.gone, e) < 0 ||
        db_ledger_each(l->db, 0, INT64_MAX, verify_entry, &v, e) < 0 ||
        db_access_batch_each(l->db, count_row, &rows, e) < 0)
        return -1;
    if (rows > v.batches)
        say(&v, "state.db: %llu access batches, but the ledger holds %llu", (unsigned long long)rows,
            (unsigned long long)v.batches);
    return v.wrong ? 0 : 1;
}

/* ── proofs ── */

static int copy_entry(void *arg, const struct ledger_row *row)
{
    buf_add_span(arg, row->entry);
    return 1;
}

static int find_batch(struct ledger *l, uint64_t id, struct batch *b, struct buf *entry, struct err *e)
{
    struct access_batch_row row;
    auto_buf strings = BUF(4096);
    if (db_access_batch_find(l->db, id, &row, &strings, e) < 0)
        return -1;
    if (id >= row.first + row.count)
        return err_set(e, ERR_NOTFOUND, 0, "no batch holds access record %llu; the last one sealed is %llu",
                       (unsigned long long)id, (unsigned long long)(row.first + row.count - 1));
    int found = db_ledger_each(l->db, row.ledger_seq, row.ledger_seq + 1, copy_entry, entry, e);
    if (found < 0)
        return -1;
    int is_batch = found ? read_batch(buf_span(entry), row.ledger_seq, b, e) : 0;
    if (is_batch < 0)
        return -1;
    if (!is_batch || id < b->first || id >= b->first + b->count)
        return err_set(e, ERR_INPUT, 0, "ledger entry %llu does not hold access record %llu, as state.db says",
                       (unsigned long long)row.ledger_seq, (unsigned long long)id);
    return 0;
}

static void write_proof(struct buf *out, struct span line, const struct batch *b, uint64_t index,
                        const struct digest *path, size_t count, struct span entry, struct span tlog_proof)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "schema", "airlock/access-proof/1");
    json_out_key(&w, "record");
    json_out_span(&w, line);
    json_put_uint(&w, "index", index);
    json_put_uint(&w, "count", b->count);
    json_put_array(&w, "path");
    for (size_t i = 0; i < count; i++) {
        auto_buf hash = BUF(64);
        base64_encode(span_of(path[i].bytes, DIGEST_SIZE), &hash);
        json_out_string(&w, buf_str(&hash));
    }
    json_out_array_end(&w);
    json_out_key(&w, "entry");
    json_out_span(&w, entry);
    json_out_key(&w, "proof");
    json_out_span(&w, tlog_proof);
    json_out_object_end(&w);
}

int access_prove(int dir, struct ledger *l, uint64_t id, struct buf *proof, struct err *e)
{
    struct batch b;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES), tlog_proof = BUF(NOTE_MAX_BYTES * 2);
    auto_buf bytes = BUF(SEGMENT_BYTES + PENDING_MAX_BYTES + RECORD_MAX_BYTES), leaves = BUF((size_t)UINT32_MAX);
    if (find_batch(l, id, &b, &entry, e) < 0)
        return -1;
    if (check_batch(dir, &b, &bytes, &leaves, e) < 0) {
        bool gone = e->code == ERR_NOTFOUND;
        blame_batch(&b, e);
        return gone ? err_hint(e, "Retention takes old records away; `airlock log` has the entries " ACCESS_RETENTION)
                    : -1;
    }
    struct merkle_leaves all = {(const struct digest *)leaves.ptr, b.count};
    struct merkle_source source = {merkle_leaves_hash, &all};
    struct digest path[MERKLE_PATH_MAX];
    size_t count;
    if (merkle_prove(&source, id - b.first, b.count, path, &count, e) < 0 || ledger_prove(l, b.seq, &tlog_proof, e) < 0)
        return -1;
    struct span rest = buf_span(&bytes), line = rest;
    for (uint64_t i = b.first; i <= id; i++)
        span_take_until(&rest, '\n', &line);
    write_proof(proof, line, &b, id - b.first, path, count, buf_span(&entry), buf_span(&tlog_proof));
    return buf_check(proof, "proof", e);
}

/* ── the latest ── */

static int only_segments(const struct dirent *entry)
{
    return access_segment_name_ok(entry->d_name);
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

/* Lines from the end of the file. Half a line at its end is one that is being written. */
static int each_line(struct span bytes, size_t *left, int (*each)(void *arg, struct span record), void *arg)
{
    while (bytes.len && bytes.ptr[bytes.len - 1] != '\n')
        bytes.len--;
    while (bytes.len && *left) {
        size_t end = bytes.len - 1, start = end;
        while (start && bytes.ptr[start - 1] != '\n')
            start--;
        int result = each(arg, span_of(bytes.ptr + start, end - start));
        if (result)
            return result;
        bytes.len = start;
        --*left;
    }
    return 0;
}

int access_recent(int dir, size_t count, int (*each)(void *arg, struct span record), void *arg, struct err *e)
{
    struct dirent **names = NULL;
    int n = scandirat(dir, ACCESS_DIR, &names, only_segments, newest_first);
    if (n < 0)
        return errno == ENOENT ? 0 : err_set(e, ERR_IO, errno, "list " ACCESS_DIR);
    int result = 0;
    for (int i = 0; i < n; i++) {
        auto_buf path = BUF(512), bytes = BUF(SEGMENT_BYTES + PENDING_MAX_BYTES + RECORD_MAX_BYTES);
        buf_printf(&path, ACCESS_DIR "/%s", names[i]->d_name);
        if (result == 0 && count)
            result =
                file_read(dir, buf_str(&path), &bytes, e) < 0 ? -1 : each_line(buf_span(&bytes), &count, each, arg);
        free(names[i]);
    }
    free(names);
    return result;
}
