/* A zip file is read twice: by its central directory, and by the local headers from the first byte on. Only an archive
 * in which both readings give the same is read at all. Inflating is libarchive's, one member at a time. */
#include "parse/zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/paths.h"
#include "parse/tar.h"

#define END_SIZE          22U
#define END_MARK          0x06054b50U
#define CENTRAL_MARK      0x02014b50U
#define LOCAL_MARK        0x04034b50U
#define DESCRIPTOR_MARK   0x08074b50U
#define FLAG_ENCRYPTED    0x0001U
#define FLAG_DESCRIPTOR   0x0008U
#define FLAGS_UNDERSTOOD  (0x0006U | FLAG_DESCRIPTOR | 0x0800U) /* how well deflated, sizes behind the data, UTF-8 */
#define METHOD_STORED     0U
#define METHOD_DEFLATED   8U
#define LIMIT_ZIP_COMMENT 65535U
#define READ_CHUNK        65536U
/* Bytes that a member may unpack to for each of its own; deflate ends at 1,032. */
#define RATIO_MAX         1100U

struct central {
    uint16_t flags, method, mode_high;
    uint32_t crc, packed, size, offset;
    struct span name;
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
    return report_finding(o->r, SEVERITY_HIGH, "zip-broken", "", "%s", what);
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

static int read_end(struct opening *o, size_t end, size_t *count)
{
    struct span rest;
    uint16_t disk, disk_of, here, all;
    uint32_t size, offset;
    span_slice(o->file, end + 4, END_SIZE - 4, &rest);
    span_take_le16(&rest, &disk);
    span_take_le16(&rest, &disk_of);
    span_take_le16(&rest, &here);
    span_take_le16(&rest, &all);
    span_take_le32(&rest, &size);
    span_take_le32(&rest, &offset);
    if (here == 0xffff || size == 0xffffffffU || offset == 0xffffffffU)
        return report_not_scanned(o->r, "zip-64", "", "the 64-bit form of zip, which no reader of ours understands");
    if (disk != 0 || disk_of != 0 || here != all)
        return broken(o, "an archive of several disks");
    if ((uint64_t)offset + size != end)
        return broken(o, "the central directory does not lie right before its end record");
    o->directory = offset;
    *count = here;
    return 0;
}

/* ── the central directory (4.3.12) ── */

static bool take_central(struct span *s, struct central *c)
{
    uint32_t mark, attributes;
    uint16_t made, needed, time, date, name, extra, comment, disk, internal;
    struct span skipped;
    if (!span_take_le32(s, &mark) || mark != CENTRAL_MARK || !span_take_le16(s, &made) || !span_take_le16(s, &needed) ||
        !span_take_le16(s, &c->flags) || !span_take_le16(s, &c->method) || !span_take_le16(s, &time) ||
        !span_take_le16(s, &date) || !span_take_le32(s, &c->crc) || !span_take_le32(s, &c->packed) ||
        !span_take_le32(s, &c->size) || !span_take_le16(s, &name) || !span_take_le16(s, &extra) ||
        !span_take_le16(s, &comment) || !span_take_le16(s, &disk) || !span_take_le16(s, &internal) ||
        !span_take_le32(s, &attributes) || !span_take_le32(s, &c->offset) || !span_take(s, name, &c->name) ||
        !span_take(s, extra, &skipped) || !span_take(s, comment, &skipped) || disk != 0)
        return false;
    c->mode_high = made >> 8 == 3 ? (uint16_t)(attributes >> 16) : 0; /* made on UNIX */
    return true;
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
    for (; o->count < count; o->count++)
        if (!take_central(&rest, &o->list[o->count]))
            return broken(o, "an entry of the central directory is not whole");
    if (rest.len)
        return broken(o, "the central directory holds more than its end record says");
    qsort(o->list, count, sizeof *o->list, by_offset);
    return 0;
}

/* ── the members, where they lie (4.3.7 to 4.3.9) ── */

static int differs(struct opening *o, const struct central *c, const char *what)
{
    char at[200];
    snprintf(at, sizeof at, "%.*s", (int)(c->name.len < 190 ? c->name.len : 190), (const char *)c->name.ptr);
    return report_finding(o->r, SEVERITY_CRITICAL, "zip-differs", at,
                          "its local header and the central directory do not agree: %s", what);
}

/* What stands before a member's bytes (4.3.7), and behind them again where the sizes were not known yet (4.3.9). */
struct local {
    uint16_t flags, method, name_len, extra;
    uint32_t crc, packed, size;
};

static bool take_sizes(struct span *rest, struct local *l)
{
    return span_take_le32(rest, &l->crc) && span_take_le32(rest, &l->packed) && span_take_le32(rest, &l->size);
}

static bool take_local(struct span *rest, struct local *l)
{
    uint32_t mark;
    uint16_t needed, time, date;
    return span_take_le32(rest, &mark) && mark == LOCAL_MARK && span_take_le16(rest, &needed) &&
           span_take_le16(rest, &l->flags) && span_take_le16(rest, &l->method) && span_take_le16(rest, &time) &&
           span_take_le16(rest, &date) && take_sizes(rest, l) && span_take_le16(rest, &l->name_len) &&
           span_take_le16(rest, &l->extra);
}

static bool agrees(const struct local *l, const struct central *c)
{
    bool zip64 = l->packed == 0xffffffffU && l->size == 0xffffffffU; /* room for 64 bits was kept, and not needed */
    return l->crc == c->crc && (zip64 || (l->packed == c->packed && l->size == c->size));
}

/* Exactly as the directory says: behind the data no room is kept. */
static bool take_descriptor(struct span *rest, const struct central *c)
{
    struct local l;
    span_take_prefix(rest, SPAN_LIT("PK\x07\x08"));
    return take_sizes(rest, &l) && l.crc == c->crc && l.packed == c->packed && l.size == c->size;
}

static int read_local(struct opening *o, const struct central *c, struct span *rest, struct zip_member *m)
{
    struct local l;
    struct span name, skipped, start = *rest;
    if (!take_local(rest, &l) || !span_take(rest, l.name_len, &name) || !span_take(rest, l.extra, &skipped) ||
        !span_take(rest, c->packed, &m->data))
        return differs(o, c, "there is no whole member where the directory says");
    if (!span_equal(name, c->name) || l.flags != c->flags || l.method != c->method)
        return differs(o, c, "another name, method or flags");
    bool described = l.flags & FLAG_DESCRIPTOR;
    bool later = described && l.crc == 0 && l.packed == 0 && l.size == 0;
    if (!later && !agrees(&l, c))
        return differs(o, c, "another size or checksum");
    if (described && !take_descriptor(rest, c))
        return differs(o, c, "another size or checksum behind the data");
    m->raw = span_of(start.ptr, start.len - rest->len);
    return 0;
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
    if (problem || absolute)
        return report_finding(o->r, SEVERITY_CRITICAL, "zip-path", text, "the path has %s",
                              problem ? problem : "a slash at its beginning");
    m->folder = span_ends(c->name, SPAN_LIT("/"));
    m->mode = c->mode_high & 07777U;
    unsigned kind = c->mode_high & (unsigned)S_IFMT;
    if (kind != 0 && kind != S_IFREG && kind != S_IFDIR)
        return report_finding(o->r, SEVERITY_HIGH, "zip-kind", text, "neither file nor directory (mode %o)",
                              (unsigned)c->mode_high);
    m->path = buf_steal_str(&normal);
    if (!m->path)
        m->path = strdup("");
    if (!m->path)
        abort();
    return 0;
}

static int check_packing(struct opening *o, const struct central *c, const char *path)
{
    if (c->flags & FLAG_ENCRYPTED)
        return report_not_scanned(o->r, "zip-encrypted", path, "encrypted");
    if ((c->flags & ~FLAGS_UNDERSTOOD) || (c->method != METHOD_STORED && c->method != METHOD_DEFLATED))
        return report_not_scanned(o->r, "zip-method", path, "packed by method %u with flags %04x", c->method, c->flags);
    if (c->packed == 0xffffffffU || c->size == 0xffffffffU)
        return report_not_scanned(o->r, "zip-64", path, "the 64-bit form of zip, which no reader of ours understands");
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
            return report_finding(o->r, SEVERITY_CRITICAL, "zip-gap", m->path,
                                  "bytes between the members that belong to none of them, or members in each other");
        if (read_local(o, c, &rest, m) < 0)
            return -1;
    }
    if (rest.len)
        return report_finding(o->r, SEVERITY_CRITICAL, "zip-gap", "end",
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
            return report_finding(o->r, SEVERITY_CRITICAL, "zip-twice", paths[i],
                                  "the archive holds it twice: two readers would take two different ones");
    return 0;
}

int zip_open(struct span file, struct zip *out, struct report *r)
{
    struct opening o = {.file = file, .r = r, .z = out};
    size_t end = 0, count = 0;
    *out = (struct zip){0};
    int result = find_end(&o, &end) < 0 || read_end(&o, end, &count) < 0 || read_directory(&o, end, count) < 0 ||
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

/* CRC-32 as 4.4.7 has it, four bits a step. */
static uint32_t crc_of(struct span bytes)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < bytes.len; i++) {
        crc = table[(crc ^ bytes.ptr[i]) & 15] ^ (crc >> 4);
        crc = table[(crc ^ (uint32_t)(bytes.ptr[i] >> 4)) & 15] ^ (crc >> 4);
    }
    return crc ^ 0xffffffffU;
}

static int inflate_member(const struct zip_member *m, struct buf *out, struct report *r)
{
    struct archive_entry *entry;
    struct archive *a = archive_read_new();
    la_ssize_t got = -1;
    if (!a)
        abort();
    archive_read_support_format_zip_streamable(a);
    if (archive_read_open_memory(a, m->raw.ptr, m->raw.len) == ARCHIVE_OK &&
        archive_read_next_header(a, &entry) == ARCHIVE_OK) {
        uint8_t *room;
        while ((room = buf_room(out, READ_CHUNK)) && (got = archive_read_data(a, room, READ_CHUNK)) > 0)
            buf_grown(out, (size_t)got);
    }
    archive_read_free(a);
    return got == 0 ? 0 : report_finding(r, SEVERITY_HIGH, "zip-data", m->path, "its data cannot be unpacked");
}

int zip_read(const struct zip_member *m, struct buf *out, struct report *r)
{
    if (m->size > LIMIT_MEMBER_BYTES)
        return report_not_scanned(r, "member-size", m->path, "more than %llu bytes; so much is not held in memory",
                                  LIMIT_MEMBER_BYTES);
    if (m->size / RATIO_MAX > m->data.len)
        return report_finding(r, SEVERITY_HIGH, "archive-bomb", m->path, "unpacks to more than %u times its size",
                              RATIO_MAX);
    size_t before = out->len;
    if (m->method == METHOD_STORED)
        buf_add_span(out, m->data);
    else if (inflate_member(m, out, r) < 0)
        return -1;
    struct span bytes = span_of(out->ptr + before, out->len - before);
    if (bytes.len != m->size || crc_of(bytes) != m->crc)
        return report_finding(r, SEVERITY_HIGH, "zip-data", m->path, "its bytes have another size or checksum");
    return 0;
}

bool zip_of_wheels(struct span file)
{
    auto_zip z = {0};
    auto_report ignored = {0};
    report_init(&ignored, "zip");
    bool wheels = zip_open(file, &z, &ignored) == 0 && z.count > 0;
    for (size_t i = 0; i < z.count && wheels; i++)
        wheels = !z.members[i].folder && span_ends(span_str(z.members[i].path), SPAN_LIT(".whl"));
    return wheels;
}

void zip_check(struct span file, const struct inspect_options *o, struct report *r)
{
    auto_zip z = {0};
    auto_buf data = BUF(LIMIT_MEMBER_BYTES + 2 * READ_CHUNK);
    uint64_t bytes = 0;
    if (o->depth >= LIMIT_INSPECT_DEPTH) {
        report_not_scanned(r, "archive-depth", "", "archives inside archives, more than %u deep", LIMIT_INSPECT_DEPTH);
        return;
    }
    if (zip_open(file, &z, r) < 0)
        return;
    for (size_t i = 0; i < z.count; i++) {
        buf_clear(&data);
        if (z.members[i].folder)
            continue;
        bytes += z.members[i].size;
        if (bytes > (64ULL << 20) && bytes / LIMIT_UNPACK_RATIO > file.len) {
            report_finding(r, SEVERITY_HIGH, "archive-bomb", "", "unpacks to more than %u times its size",
                           LIMIT_UNPACK_RATIO);
            return;
        }
        if (zip_read(&z.members[i], &data, r) == 0)
            inspect_inside(buf_span(&data), z.members[i].path, o, r);
    }
    json_put_uint(&r->facts, "members", z.count);
    json_put_uint(&r->facts, "bytes", bytes);
}
