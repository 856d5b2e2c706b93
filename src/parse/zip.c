/* A zip file is read twice: by its central directory, and by the local headers from the first byte on. Only an archive
 * in which both readings give the same is read at all. The 64-bit form says its numbers twice as well: in the fields
 * that are too narrow stands either the same number or the mark that the wide one counts. Inflating is zlib's. */
#include "parse/zip.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "parse/paths.h"

#define END_SIZE          22U
#define END_MARK          0x06054b50U
#define END64_SIZE        56U /* without the extensible data that nobody writes */
#define END64_MARK        0x06064b50U
#define LOCATOR_SIZE      20U
#define LOCATOR_MARK      0x07064b50U
#define WIDE_16           0xffffU     /* in a narrow field: see the wide one */
#define WIDE_32           0xffffffffU /* likewise */
#define EXTRA_ZIP64       0x0001U
#define EXTRA_NAME        0x7075U /* Info-ZIP's second name, in UTF-8 */
#define CENTRAL_MARK      0x02014b50U
#define CENTRAL_SIZE      46U
#define LOCAL_MARK        0x04034b50U
#define DESCRIPTOR_MARK   0x08074b50U
#define FLAG_ENCRYPTED    0x0001U
#define FLAG_DESCRIPTOR   0x0008U
#define FLAGS_UNDERSTOOD  (0x0006U | FLAG_DESCRIPTOR | 0x0800U) /* how well deflated, sizes behind the data, UTF-8 */
#define METHOD_STORED     0U
#define METHOD_DEFLATED   8U
#define LIMIT_ZIP_COMMENT 65535U
/* Bytes that a member may unpack to for each of its own; deflate ends at 1,032. */
#define RATIO_MAX         1100U

struct central {
    uint16_t flags, method, mode_high;
    uint32_t crc;
    uint64_t packed, size, offset;
    struct span name, extra;
};

struct opening {
    struct span file;
    struct report *r;
    struct zip *z;
    struct central *list; /* owned */
    size_t count;
    size_t directory; /* where the central directory begins */
};

static int broken(struct opening *o, const char *what)
{
    return report_stop(o->r, SEVERITY_HIGH, "zip-broken", "", "%s", what);
}

/* ── the end of the central directory (4.3.16) ── */

/* The record ends the file with its comment; a mark anywhere behind it would be another end to another reader. */
static int find_end(struct opening *o, size_t *at)
{
    size_t least = o->file.len > END_SIZE + LIMIT_ZIP_COMMENT ? o->file.len - END_SIZE - LIMIT_ZIP_COMMENT : 0;
    for (size_t i = o->file.len < END_SIZE ? 0 : o->file.len - END_SIZE + 1; i-- > least;) {
        struct span rest;
        uint32_t mark;
        uint16_t comment;
        if (!span_slice(o->file, i, END_SIZE, &rest) || !span_take_le32(&rest, &mark) || mark != END_MARK)
            continue;
        span_skip(&rest, 16);
        if (!span_take_le16(&rest, &comment) || i + END_SIZE + comment != o->file.len)
            return broken(o, "bytes behind the end of the archive, or two ends");
        *at = i;
        return 0;
    }
    return broken(o, "there is no end of a central directory");
}

/* What an end record says, narrow or wide. */
struct end {
    uint64_t disk, disk_of, here, all, size, offset;
};

static struct end take_end(struct span record)
{
    uint16_t disk, disk_of, here, all;
    uint32_t size, offset;
    span_skip(&record, 4);
    span_take_le16(&record, &disk);
    span_take_le16(&record, &disk_of);
    span_take_le16(&record, &here);
    span_take_le16(&record, &all);
    span_take_le32(&record, &size);
    span_take_le32(&record, &offset);
    return (struct end){disk, disk_of, here, all, size, offset};
}

static bool says(uint64_t narrow, uint64_t wide, uint64_t mark)
{
    return narrow == wide || narrow == mark;
}

/* The 64-bit end record (4.3.14) and its locator (4.3.15), which stand right before the other one. *end becomes its
 * place and *out what it says. */
static int take_end64(struct opening *o, size_t *end, struct end *out)
{
    struct span rest;
    uint64_t size, at;
    uint32_t mark, disk, disk_of, disks;
    uint16_t made, needed;
    struct end narrow = *out;
    span_slice(o->file, *end - LOCATOR_SIZE, LOCATOR_SIZE, &rest);
    span_skip(&rest, 4);
    span_take_le32(&rest, &disk);
    span_take_le64(&rest, &at);
    span_take_le32(&rest, &disks);
    if (!span_slice(o->file, at, END64_SIZE, &rest) || at + END64_SIZE != *end - LOCATOR_SIZE || disk != 0 || disks > 1)
        return broken(o, "the 64-bit end record does not lie right before its locator");
    if (!span_take_le32(&rest, &mark) || mark != END64_MARK || !span_take_le64(&rest, &size) ||
        size != END64_SIZE - 12 || !span_take_le16(&rest, &made) || !span_take_le16(&rest, &needed) ||
        !span_take_le32(&rest, &disk) || !span_take_le32(&rest, &disk_of) || !span_take_le64(&rest, &out->here) ||
        !span_take_le64(&rest, &out->all) || !span_take_le64(&rest, &out->size) || !span_take_le64(&rest, &out->offset))
        return broken(o, "the 64-bit end record is not whole");
    out->disk = disk;
    out->disk_of = disk_of;
    if (!says(narrow.here, out->here, WIDE_16) || !says(narrow.all, out->all, WIDE_16) ||
        !says(narrow.size, out->size, WIDE_32) || !says(narrow.offset, out->offset, WIDE_32) ||
        !says(narrow.disk, disk, WIDE_16) || !says(narrow.disk_of, disk_of, WIDE_16))
        return report_stop(o->r, SEVERITY_CRITICAL, "zip-differs", "end",
                           "the two end records, of 32 and of 64 bits, do not agree");
    *end = (size_t)at;
    return 0;
}

/* *end is the place of the end record, and becomes where the central directory ends. */
static int read_end(struct opening *o, size_t *end, size_t *count)
{
    struct span record, locator;
    uint32_t mark;
    span_slice(o->file, *end, END_SIZE, &record);
    struct end e = take_end(record);
    bool wide = *end >= LOCATOR_SIZE && span_slice(o->file, *end - LOCATOR_SIZE, LOCATOR_SIZE, &locator) &&
                span_take_le32(&locator, &mark) && mark == LOCATOR_MARK;
    if (wide && take_end64(o, end, &e) < 0)
        return -1;
    if (e.disk != 0 || e.disk_of != 0 || e.here != e.all)
        return broken(o, "an archive of several disks");
    if (e.offset > *end || e.size != *end - e.offset)
        return broken(o, "the central directory does not lie right before its end record");
    if (e.all > LIMIT_ZIP_MEMBERS)
        return report_not_scanned(o->r, "zip-members", "", "%" PRIu64 " members; at most %u are read", e.all,
                                  LIMIT_ZIP_MEMBERS);
    if (e.all > e.size / CENTRAL_SIZE)
        return broken(o, "the end record announces more members than its directory has room for");
    o->directory = (size_t)e.offset;
    *count = (size_t)e.all;
    return 0;
}

/* ── the central directory (4.3.12) ── */

static bool take_central(struct span *s, struct central *c)
{
    uint32_t mark, attributes, packed, size, offset;
    uint16_t made, needed, time, date, name, extra, comment, disk, internal;
    struct span skipped;
    if (!span_take_le32(s, &mark) || mark != CENTRAL_MARK || !span_take_le16(s, &made) || !span_take_le16(s, &needed) ||
        !span_take_le16(s, &c->flags) || !span_take_le16(s, &c->method) || !span_take_le16(s, &time) ||
        !span_take_le16(s, &date) || !span_take_le32(s, &c->crc) || !span_take_le32(s, &packed) ||
        !span_take_le32(s, &size) || !span_take_le16(s, &name) || !span_take_le16(s, &extra) ||
        !span_take_le16(s, &comment) || !span_take_le16(s, &disk) || !span_take_le16(s, &internal) ||
        !span_take_le32(s, &attributes) || !span_take_le32(s, &offset) || !span_take(s, name, &c->name) ||
        !span_take(s, extra, &c->extra) || !span_take(s, comment, &skipped) || disk != 0)
        return false;
    c->packed = packed;
    c->size = size;
    c->offset = offset;
    c->mode_high = (uint16_t)(attributes >> 16); /* whatever system it says it was made on: unpackers differ */
    return true;
}

/* ── extra fields (4.5) ── */

/* The first field of this kind; *count says how many there are. What is no field ends the list: some writers fill it up
 * with zeros. */
static struct span find_extra(struct span extra, uint16_t kind, size_t *count)
{
    struct span found = span_of(NULL, 0), field;
    uint16_t id, len;
    *count = 0;
    while (span_take_le16(&extra, &id) && span_take_le16(&extra, &len) && span_take(&extra, len, &field))
        if (id == kind && (*count)++ == 0)
            found = field;
    return found;
}

/* One number of the 64-bit field: there when its narrow one is the mark. `spare`: it may stand there besides, and then
 * says the same. */
static bool take_wide(struct span *field, uint64_t *number, bool spare)
{
    uint64_t wide;
    if (*number != WIDE_32 && (!spare || field->len < 8))
        return true;
    if (!span_take_le64(field, &wide))
        return false;
    bool fits = *number == WIDE_32 || wide == *number;
    *number = wide;
    return fits;
}

/* Size, packed size, offset and disk, each only where it is needed (4.5.3); or all from the first on, as some writers
 * have it. */
static bool widen(struct central *c, struct span field)
{
    size_t needed = 8U * ((size_t)(c->size == WIDE_32) + (c->packed == WIDE_32) + (c->offset == WIDE_32));
    bool spare = field.len != needed;
    uint32_t disk = 0;
    return take_wide(&field, &c->size, spare) && take_wide(&field, &c->packed, spare) &&
           take_wide(&field, &c->offset, spare) && (field.len == 0 || (span_take_le32(&field, &disk) && disk == 0)) &&
           field.len == 0;
}

static int differs(struct opening *o, const struct central *c, const char *what)
{
    char at[200];
    snprintf(at, sizeof at, "%.*s", (int)(c->name.len < 190 ? c->name.len : 190), (const char *)c->name.ptr);
    return report_stop(o->r, SEVERITY_CRITICAL, "zip-differs", at,
                       "its local header and the central directory do not agree: %s", what);
}

/* Unpackers that know the second name write the member under it. */
static int check_second_name(struct opening *o, const struct central *c, struct span extra)
{
    size_t count;
    struct span field = find_extra(extra, EXTRA_NAME, &count);
    if (count > 1 || (count == 1 && (!span_skip(&field, 5) || !span_equal(field, c->name))))
        return differs(o, c, "a second name that is another");
    return 0;
}

static int check_extra(struct opening *o, struct central *c)
{
    size_t count;
    struct span wide = find_extra(c->extra, EXTRA_ZIP64, &count);
    if (count > 1 || (count == 1 && !widen(c, wide)))
        return differs(o, c, "the 64-bit sizes of its directory entry");
    return check_second_name(o, c, c->extra);
}

static int by_offset(const void *a, const void *b)
{
    const struct central *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int read_directory(struct opening *o, size_t end, size_t count)
{
    struct span rest;
    span_slice(o->file, o->directory, end - o->directory, &rest);
    o->list = calloc(count + 1, sizeof *o->list);
    if (!o->list)
        abort();
    for (; o->count < count; o->count++) {
        if (!take_central(&rest, &o->list[o->count]))
            return broken(o, "an entry of the central directory is not whole");
        if (check_extra(o, &o->list[o->count]) < 0)
            return -1;
    }
    if (rest.len)
        return broken(o, "the central directory holds more than its end record says");
    qsort(o->list, count, sizeof *o->list, by_offset);
    return 0;
}

/* ── the members, where they lie (4.3.7 to 4.3.9) ── */

/* What stands before a member's bytes (4.3.7), and behind them again where the sizes were not known yet (4.3.9). */
struct local {
    uint16_t flags, method, name_len, extra_len;
    uint32_t crc, packed, size;
    struct span name, extra;
};

static bool take_local(struct span *rest, struct local *l)
{
    uint32_t mark;
    uint16_t needed, time, date;
    return span_take_le32(rest, &mark) && mark == LOCAL_MARK && span_take_le16(rest, &needed) &&
           span_take_le16(rest, &l->flags) && span_take_le16(rest, &l->method) && span_take_le16(rest, &time) &&
           span_take_le16(rest, &date) && span_take_le32(rest, &l->crc) && span_take_le32(rest, &l->packed) &&
           span_take_le32(rest, &l->size) && span_take_le16(rest, &l->name_len) &&
           span_take_le16(rest, &l->extra_len) && span_take(rest, l->name_len, &l->name) &&
           span_take(rest, l->extra_len, &l->extra);
}

/* The 64-bit sizes, where they stand: those of the directory, or zeros when they follow behind the data. PyTorch's
 * writer has a field of 8 bytes here, the offset alone, for members behind the first 4 GiB. */
static bool wide_agrees(const struct local *l, const struct central *c, bool later)
{
    size_t count;
    uint64_t size, packed;
    struct span field = find_extra(l->extra, EXTRA_ZIP64, &count);
    bool marked = l->packed == WIDE_32 || l->size == WIDE_32;
    if (count == 0 || (count == 1 && field.len == 8 && !marked))
        return !marked || (l->packed == c->packed && l->size == c->size);
    return count == 1 && span_take_le64(&field, &size) && span_take_le64(&field, &packed) &&
           ((size == c->size && packed == c->packed) || (later && size == 0 && packed == 0));
}

static bool agrees(const struct local *l, const struct central *c)
{
    return l->crc == c->crc && says(l->packed, c->packed, WIDE_32) && says(l->size, c->size, WIDE_32);
}

static bool take_descriptor_of(struct span *rest, const struct central *c, bool wide)
{
    struct span s = *rest;
    uint32_t crc, packed32 = 0, size32 = 0;
    uint64_t packed = 0, size = 0;
    span_take_prefix(&s, SPAN_LIT("PK\x07\x08"));
    bool whole = span_take_le32(&s, &crc) && (wide ? span_take_le64(&s, &packed) && span_take_le64(&s, &size)
                                                   : span_take_le32(&s, &packed32) && span_take_le32(&s, &size32));
    if (!whole || crc != c->crc || packed + packed32 != c->packed || size + size32 != c->size)
        return false;
    *rest = s;
    return true;
}

/* Exactly as the directory says. Its width follows from the header, though not every writer keeps to that; where the
 * next member begins decides in the end. PyTorch's writer leaves it out behind a member without bytes. */
static bool take_descriptor(struct span *rest, const struct central *c, bool wide)
{
    return take_descriptor_of(rest, c, wide) || take_descriptor_of(rest, c, !wide) ||
           (c->size == 0 && c->packed == 0 && !span_starts(*rest, SPAN_LIT("PK\x07\x08")));
}

static int read_local(struct opening *o, const struct central *c, struct span *rest, struct zip_member *m)
{
    struct local l;
    size_t wide;
    struct span start = *rest;
    if (!take_local(rest, &l) || !span_take(rest, c->packed, &m->data))
        return differs(o, c, "there is no whole member where the directory says");
    if (!span_equal(l.name, c->name) || l.flags != c->flags || l.method != c->method)
        return differs(o, c, "another name, method or flags");
    bool described = l.flags & FLAG_DESCRIPTOR;
    bool later = described && l.crc == 0 && (l.packed == 0 || l.packed == WIDE_32) && l.size == l.packed;
    if ((!later && !agrees(&l, c)) || !wide_agrees(&l, c, later))
        return differs(o, c, "another size or checksum");
    if (check_second_name(o, c, l.extra) < 0)
        return -1;
    find_extra(l.extra, EXTRA_ZIP64, &wide);
    if (described && !take_descriptor(rest, c, wide > 0))
        return differs(o, c, "another size or checksum behind the data");
    m->raw = span_of(start.ptr, start.len - rest->len);
    return 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The name as it would be written, and what kind of member it is. */
static int take_name(struct opening *o, const struct central *c, struct zip_member *m)
{
    auto_buf name = BUF(65536), normal = BUF(65536);
    bool absolute;
    buf_add_span(&name, c->name);
    const char *text = buf_str(&name);
    const char *problem = strlen(text) != c->name.len ? "a NUL" : path_problem(text, &normal, &absolute);
    if (!problem && !span_is_utf8(c->name))
        problem = "bytes that are no UTF-8";
    if (!problem && strchr(text, '\\'))
        problem = "a backslash, which is a folder to some unpackers";
    if (!problem && is_letter(text[0]) && text[1] == ':')
        problem = "a drive at its beginning";
    if (!problem && normal.len == 0)
        problem = "no name in it";
    if (problem || absolute)
        return report_stop(o->r, SEVERITY_CRITICAL, "zip-path", text, "the path has %s",
                           problem ? problem : "a slash at its beginning");
    m->folder = span_ends(c->name, SPAN_LIT("/"));
    m->mode = c->mode_high & 07777U;
    unsigned kind = c->mode_high & (unsigned)S_IFMT;
    if ((kind != 0 && kind != S_IFREG && kind != S_IFDIR) || (kind == S_IFDIR && !m->folder))
        return report_stop(o->r, SEVERITY_HIGH, "zip-kind", text, "neither file nor directory (mode %o)",
                           (unsigned)c->mode_high);
    if (m->folder && c->size > 0)
        return report_stop(o->r, SEVERITY_HIGH, "zip-kind", text, "a folder that has bytes of its own");
    m->path = buf_steal_str(&normal);
    if (!m->path)
        abort();
    return 0;
}

static int check_packing(struct opening *o, const struct central *c, const char *path)
{
    if (c->flags & FLAG_ENCRYPTED)
        return report_not_scanned(o->r, "zip-encrypted", path, "encrypted");
    if (c->flags & ~FLAGS_UNDERSTOOD)
        return report_stop(o->r, SEVERITY_HIGH, "zip-flags", path,
                           "flags %04x, which some readers refuse and others ignore", c->flags);
    if (c->method != METHOD_STORED && c->method != METHOD_DEFLATED)
        return report_not_scanned(o->r, "zip-method", path, "packed by method %u", c->method);
    if (c->method == METHOD_STORED && c->packed != c->size)
        return differs(o, c, "a stored member of two sizes");
    return 0;
}

static int read_members(struct opening *o)
{
    struct span rest;
    span_slice(o->file, 0, o->directory, &rest);
    o->z->members = calloc(o->count + 1, sizeof *o->z->members);
    if (!o->z->members)
        abort();
    for (size_t i = 0; i < o->count; i++) {
        const struct central *c = &o->list[i];
        struct zip_member *m = &o->z->members[i];
        o->z->count++;
        *m = (struct zip_member){.crc = c->crc, .size = c->size, .method = c->method};
        if (take_name(o, c, m) < 0 || check_packing(o, c, m->path) < 0)
            return -1;
        if (c->offset != o->directory - rest.len)
            return report_stop(o->r, SEVERITY_CRITICAL, "zip-gap", m->path,
                               "bytes between the members that belong to none of them, or members in each other");
        if (read_local(o, c, &rest, m) < 0)
            return -1;
    }
    if (rest.len)
        return report_stop(o->r, SEVERITY_CRITICAL, "zip-gap", "end",
                           "bytes before the central directory that belong to no member");
    return 0;
}

/* ── paths among each other ── */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_twice(struct opening *o)
{
    const struct zip *z = o->z;
    auto_free const char **paths = calloc(z->count + 1, sizeof *paths);
    if (!paths)
        abort();
    for (size_t i = 0; i < z->count; i++)
        paths[i] = z->members[i].path;
    qsort(paths, z->count, sizeof *paths, by_text);
    for (size_t i = 0; i + 1 < z->count; i++)
        if (strcmp(paths[i], paths[i + 1]) == 0)
            return report_stop(o->r, SEVERITY_CRITICAL, "zip-twice", paths[i],
                               "the archive holds it twice: two readers would take two different ones");
    return 0;
}

int zip_open(struct span file, struct zip *out, struct report *r)
{
    struct opening o = {.file = file, .r = r, .z = out};
    size_t end = 0, count = 0;
    *out = (struct zip){0};
    int result = find_end(&o, &end) < 0 || read_end(&o, &end, &count) < 0 || read_directory(&o, end, count) < 0 ||
                         read_members(&o) < 0 || check_twice(&o) < 0
                     ? -1
                     : 0;
    free(o.list);
    return result;
}

void zip_close(struct zip *z)
{
    for (size_t i = 0; i < z->count; i++)
        free(z->members[i].path);
    free(z->members);
    *z = (struct zip){0};
}

const struct zip_member *zip_find(const struct zip *z, const char *path)
{
    for (size_t i = 0; i < z->count; i++)
        if (!z->members[i].folder && strcmp(z->members[i].path, path) == 0)
            return &z->members[i];
    return NULL;
}

/* ── the data ── */

/* zlib counts in 32 bits: long data go in and out in parts. The stream ends with the member's last byte, in as many
 * bytes as the directory says. */
static bool inflate_to(uint8_t *to, size_t size, struct span data)
{
    z_stream z = {0};
    uint8_t spare;
    int result = Z_OK;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        abort();
    z.next_in = (Bytef *)(uintptr_t)data.ptr;
    z.next_out = size ? to : &spare;
    size_t in = data.len, out = size;
    while (result == Z_OK) {
        uInt in_part = z.avail_in = (uInt)(in < UINT_MAX ? in : UINT_MAX);
        uInt out_part = z.avail_out = (uInt)(out < UINT_MAX ? out : UINT_MAX);
        result = inflate(&z, Z_NO_FLUSH);
        in -= in_part - z.avail_in;
        out -= out_part - z.avail_out;
    }
    inflateEnd(&z);
    return result == Z_STREAM_END && in == 0 && out == 0;
}

static int check_bytes(const struct zip_member *m, struct span bytes, struct report *r)
{
    if (bytes.len != m->size || (uint32_t)crc32_z(0, bytes.ptr, bytes.len) != m->crc)
        return report_stop(r, SEVERITY_HIGH, "zip-data", m->path, "its bytes have another size or checksum");
    return 0;
}

int zip_read(const struct zip_member *m, struct buf *out, struct report *r)
{
    struct span bytes = m->data;
    if (m->size > LIMIT_MEMBER_BYTES)
        return report_not_scanned(r, "member-size", m->path, "more than %llu bytes; so much is not held in memory",
                                  LIMIT_MEMBER_BYTES);
    if (m->size / RATIO_MAX > m->data.len)
        return report_stop(r, SEVERITY_HIGH, "archive-bomb", m->path, "unpacks to more than %u times its size",
                           RATIO_MAX);
    if (m->method == METHOD_STORED) {
        buf_add_span(out, m->data);
    } else {
        uint8_t *room = buf_room(out, (size_t)m->size);
        if (!room)
            return report_not_scanned(r, "member-size", m->path, "more bytes than there is room for");
        if (!inflate_to(room, (size_t)m->size, m->data))
            return report_stop(r, SEVERITY_HIGH, "zip-data", m->path, "its data cannot be unpacked");
        bytes = span_of(room, (size_t)m->size);
        buf_grown(out, bytes.len);
    }
    return check_bytes(m, bytes, r);
}

int zip_bytes(const struct zip_member *m, struct buf *room, struct span *out, struct report *r)
{
    *out = m->data;
    if (m->method == METHOD_STORED)
        return check_bytes(m, m->data, r);
    buf_clear(room);
    if (zip_read(m, room, r) < 0)
        return -1;
    *out = buf_span(room);
    return 0;
}
