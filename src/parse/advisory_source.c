#include "parse/advisory_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "parse/debian_tracker.h"
#include "parse/kev.h"
#include "parse/osv.h"

/* Rows of one reply. */
#define ENOUGH_BYTES (4U << 20)

/* Of a record and the rows made of it, together with what came before. */
#define ROWS_BYTES_MAX (60U << 20)

#define CATALOGUE_BYTES (32U << 20)

struct source {
    struct span file;
    char name[256];
    uint64_t from, count;
    struct advisory_source_reply out; /* but for its rows */
    struct buf rows;
};

/* ── a zip, as OSV exports it ── */

static bool ends(const char *path, const char *suffix)
{
    return span_ends(span_str(path), span_of(suffix, strlen(suffix)));
}

static int archive_refused(struct archive *a, struct err *e)
{
    const char *why = archive_error_string(a);
    return err_set(e, ERR_INPUT, 0, "a zip that cannot be read to its end: %.300s", why ? why : "no reason given");
}

/* Reads a member whole. 1: *out; 0: too large. */
static int read_member(struct archive *a, struct buf *out, struct err *e)
{
    for (;;) {
        uint8_t *room = buf_room(out, 65536);
        if (!room)
            return 0;
        la_ssize_t got = archive_read_data(a, room, 65536);
        if (got < 0)
            return archive_refused(a, e);
        if (got == 0)
            return 1;
        buf_grown(out, (size_t)got);
    }
}

static int take_member(struct source *s, struct archive *a, struct archive_entry *entry, struct err *e)
{
    const char *path = archive_entry_pathname_utf8(entry);
    if (!path)
        path = archive_entry_pathname(entry);
    if (!path)
        path = "";
    if (ends(path, ".yaml") || ends(path, ".yml")) {
        row_refused(&s->rows, span_str(path), "", "a record in YAML; wanted JSON");
        return 0;
    }
    if (!ends(path, ".json") || archive_entry_filetype(entry) == AE_IFDIR) {
        s->out.skipped++;
        return 0;
    }
    auto_buf text = BUF(OSV_RECORD_BYTES + 65536U);
    int read = read_member(a, &text, e);
    if (read < 0)
        return -1;
    if (read == 0)
        row_refused(&s->rows, span_str(path), "", "larger than one record may be");
    else
        osv_read(buf_span(&text), span_str(path), &s->rows);
    return 0;
}

/* How many members the end of the central directory speaks of (APPNOTE 4.3.16; 4.3.14 where there are 65,535 or more).
 */
static bool members_said(struct span file, uint64_t *out)
{
    static const uint8_t end[] = {'P', 'K', 5, 6}, end64[] = {'P', 'K', 6, 6};
    for (size_t back = 22; back <= file.len && back <= 65557; back++) {
        struct span at = span_of(file.ptr + file.len - back, back), part;
        uint16_t count;
        if (memcmp(at.ptr, end, 4) != 0 || !span_slice(at, 10, 2, &part) || !span_take_le16(&part, &count))
            continue;
        *out = count;
        if (count != 0xffff)
            return true;
        for (size_t further = back + 56; further <= file.len && further <= back + 1024; further++)
            if (memcmp(file.ptr + file.len - further, end64, 4) == 0 &&
                span_slice(span_of(file.ptr + file.len - further, further), 32, 8, &part))
                return span_take_le64(&part, out);
        return true;
    }
    return false;
}

static int end_zip(struct source *s, struct err *e)
{
    uint64_t said;
    s->out.done = true;
    if (!members_said(s->file, &said))
        return err_set(e, ERR_INPUT, 0, "a zip without its directory at the end: it was cut off");
    if (said != s->out.count)
        return err_set(e, ERR_INPUT, 0, "a zip whose directory names %llu members, and %llu are in it",
                       (unsigned long long)said, (unsigned long long)s->out.count);
    return 0;
}

static int read_zip_from(struct source *s, struct archive *a, struct err *e)
{
    struct archive_entry *entry;
    s->out.count = s->count;
    for (;;) {
        int result = archive_read_next_header(a, &entry);
        if (result == ARCHIVE_EOF)
            return end_zip(s, e);
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
            return archive_refused(a, e);
        if (s->rows.len > ENOUGH_BYTES) {
            s->out.next = s->from + (uint64_t)archive_read_header_position(a);
            return 0;
        }
        s->out.count++;
        if (take_member(s, a, entry, e) < 0)
            return -1;
    }
}

/* Members are read where they lie, one behind the other, so that reading can go on at any of them. */
static int read_zip(struct source *s, struct err *e)
{
    struct span rest;
    if (!span_slice(s->file, s->from, s->file.len - (s->from > s->file.len ? s->file.len : s->from), &rest))
        return err_set(e, ERR_USAGE, 0, "the place to go on lies behind the end");
    struct archive *a = archive_read_new();
    if (!a)
        abort();
    int result = archive_read_support_format_zip_streamable(a) == ARCHIVE_OK &&
                         archive_read_open_memory(a, rest.ptr, rest.len) == ARCHIVE_OK
                     ? read_zip_from(s, a, e)
                     : archive_refused(a, e);
    archive_read_free(a);
    return result;
}

/* ── documents ── */

static int read_debian(struct source *s, struct err *e)
{
    s->out.kind = SOURCE_DEBIAN;
    s->out.next = s->from;
    return debian_tracker_read(s->file, &s->out.next, ENOUGH_BYTES, &s->rows, &s->out.done, e);
}

static int read_document(struct source *s, struct err *e)
{
    s->out.done = true;
    auto_json document = json_parse(s->file, CATALOGUE_BYTES, s->name, e);
    if (!document)
        return -1;
    if (kev_is(document)) {
        s->out.kind = SOURCE_KEV;
        return kev_read(document, &s->rows, &s->out.date_s, e);
    }
    s->out.kind = SOURCE_OSV;
    s->out.count = 1;
    osv_read_json(document, span_str(s->name), &s->rows);
    return 0;
}

static int read_source(struct source *s, struct err *e)
{
    static const uint8_t zip[] = {'P', 'K', 3, 4}, empty_zip[] = {'P', 'K', 5, 6};
    if (s->file.len >= 4 && (memcmp(s->file.ptr, zip, 4) == 0 || memcmp(s->file.ptr, empty_zip, 4) == 0)) {
        s->out.kind = SOURCE_OSV_ZIP;
        return read_zip(s, e);
    }
    return debian_tracker_is(s->file) ? read_debian(s, e) : read_document(s, e);
}

static void write_reply(const struct source *s, struct buf *reply)
{
    row_u8(reply, s->out.kind);
    row_u8(reply, s->out.done);
    row_i64(reply, (int64_t)s->out.next);
    row_i64(reply, (int64_t)s->out.count);
    row_i64(reply, s->out.date_s);
    row_u32(reply, s->out.skipped);
    buf_add_span(reply, buf_span(&s->rows));
}

static int read_arg(struct span arg, struct source *s, struct err *e)
{
    auto_json a = json_parse(arg, 4096, "arg", e);
    if (!a)
        return -1;
    snprintf(s->name, sizeof(s->name), "%.250s", json_get_string(a, "name", ""));
    s->from = (uint64_t)json_integer_value(json_object_get(a, "from"));
    s->count = (uint64_t)json_integer_value(json_object_get(a, "count"));
    return 0;
}

int advisory_source_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    struct source s = {.file = input, .rows = BUF(ROWS_BYTES_MAX)};
    if (read_arg(arg, &s, e) < 0)
        return -1;
    int result = read_source(&s, e);
    if (result == 0 && (result = buf_check(&s.rows, "the records at one place", e)) == 0)
        write_reply(&s, reply);
    buf_fini(&s.rows);
    return result;
}

bool advisory_source_reply_read(struct span reply, struct advisory_source_reply *out)
{
    uint8_t kind, done;
    *out = (struct advisory_source_reply){0};
    if (!span_take_u8(&reply, &kind) || !span_take_u8(&reply, &done) || !span_take_le64(&reply, &out->next) ||
        !span_take_le64(&reply, &out->count) || !row_take_i64(&reply, &out->date_s) ||
        !span_take_le32(&reply, &out->skipped) || kind < SOURCE_OSV || kind > SOURCE_KEV)
        return false;
    out->kind = (enum advisory_source_kind)kind;
    out->done = done != 0;
    out->rows = reply;
    return true;
}
