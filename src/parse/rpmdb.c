#include "parse/rpmdb.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "parse/rpm.h"

static int wrong(struct inventory *v, const char *what)
{
    return report_stop(v->r, SEVERITY_HIGH, "rpmdb", v->path, "%s", what);
}

static int put_blob(struct span blob, struct inventory *v)
{
    struct rpm_header h;
    size_t used;
    if (!rpm_header_open(blob, &h, &used))
        return wrong(v, "a package's header that is none");
    return rpm_put(&h, v);
}

/* ── SQLite: pages and records (file format, sections 1.6 and 2.1) ── */

#define PAGE_LEAF     0x0d
#define PAGE_INTERIOR 0x05
#define DEPTH_MAX     20U

struct sqlite {
    struct inventory *v;
    struct span file;
    uint32_t page_size, usable, pages;
    uint32_t seen; /* pages that were visited, overflow included; more than there are: a loop */
    uint32_t root; /* of the table Packages, 0: not found yet */
    size_t packages;
    int (*row)(struct sqlite *s, struct span record);
};

/* SQLite's own numbers: seven bits a byte, the ninth has eight. */
static bool take_varint(struct span *s, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < 9; i++) {
        uint8_t byte;
        if (!span_take_u8(s, &byte))
            return false;
        if (i == 8) {
            *out = *out << 8 | byte;
            return true;
        }
        *out = *out << 7 | (byte & 0x7f);
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool page_at(struct sqlite *s, uint32_t number, struct span *out)
{
    if (number == 0 || number > s->pages || ++s->seen > s->pages)
        return false;
    return span_slice(s->file, (uint64_t)(number - 1) * s->page_size, s->page_size, out);
}

/* Column `wanted` of a record: its serial type and its bytes. */
static bool column(struct span record, size_t wanted, uint64_t *type, struct span *out)
{
    static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    struct span header, body = record;
    uint64_t header_len, size;
    struct span first = record;
    if (!take_varint(&first, &header_len) || header_len < record.len - first.len ||
        !span_take(&body, (size_t)header_len, &header))
        return false;
    span_skip(&header, record.len - first.len);
    for (size_t i = 0; i <= wanted; i++) {
        if (!take_varint(&header, type))
            return false;
        size = *type < 12 ? sizes[*type] : (*type - 12) / 2;
        if (size > body.len || !span_take(&body, (size_t)size, out))
            return false;
    }
    return true;
}

static uint64_t integer(struct span bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.ptr[i];
    return value;
}

/* A payload that does not fit on its page goes on in a chain of overflow pages (1.6). */
static bool take_payload(struct sqlite *s, struct span cell, uint64_t size, struct buf *out)
{
    uint64_t most = s->usable - 35, least = (uint64_t)(s->usable - 12) * 32 / 255 - 23;
    uint64_t local = size;
    struct span part;
    uint32_t next = 0;
    if (size > most) {
        local = least + (size - least) % (s->usable - 4);
        local = local <= most ? local : least;
    }
    if (local > cell.len || !span_take(&cell, (size_t)local, &part) || (size > local && !span_take_be32(&cell, &next)))
        return false;
    buf_add_span(out, part);
    while (out->len < size) {
        struct span page;
        if (!page_at(s, next, &page) || !span_take_be32(&page, &next))
            return false;
        uint64_t left = size - out->len, here = s->usable - 4;
        buf_add(out, page.ptr, (size_t)(left < here ? left : here));
        if (!buf_ok(out))
            return false;
    }
    return true;
}

static int read_leaf_cell(struct sqlite *s, struct span cell)
{
    uint64_t size, row;
    auto_buf payload = BUF(LIMIT_RPM_DATA_BYTES);
    if (!take_varint(&cell, &size) || !take_varint(&cell, &row) || size > s->file.len ||
        !take_payload(s, cell, size, &payload))
        return wrong(s->v, "a row of the database lies outside of the file");
    return s->row(s, buf_span(&payload));
}

static int walk(struct sqlite *s, uint32_t number, unsigned depth)
{
    struct span page, head;
    uint8_t kind, fragments;
    uint16_t free_block, cells, content;
    uint32_t last = 0, child;
    if (depth > DEPTH_MAX || !page_at(s, number, &page))
        return wrong(s->v, "a page that is not there, or that is reached twice");
    head = page;
    if (number == 1)
        span_skip(&head, 100);
    if (!span_take_u8(&head, &kind) || !span_take_be16(&head, &free_block) || !span_take_be16(&head, &cells) ||
        !span_take_be16(&head, &content) || !span_take_u8(&head, &fragments) ||
        (kind != PAGE_LEAF && kind != PAGE_INTERIOR) || (kind == PAGE_INTERIOR && !span_take_be32(&head, &last)))
        return wrong(s->v, "a page that is none of a table");
    for (uint16_t i = 0; i < cells; i++) {
        uint16_t offset;
        struct span cell;
        if (!span_take_be16(&head, &offset) || offset >= s->usable ||
            !span_slice(page, offset, s->usable - offset, &cell))
            return wrong(s->v, "a cell that lies outside of its page");
        if (kind == PAGE_LEAF ? read_leaf_cell(s, cell) < 0
                              : !span_take_be32(&cell, &child) || walk(s, child, depth + 1) < 0)
            return -1;
    }
    return kind == PAGE_INTERIOR ? walk(s, last, depth + 1) : 0;
}

/* A row of sqlite_schema: type, name, tbl_name, rootpage, sql. */
static int schema_row(struct sqlite *s, struct span record)
{
    uint64_t type;
    struct span kind, name, root;
    if (!column(record, 0, &type, &kind) || !column(record, 1, &type, &name) || !column(record, 3, &type, &root))
        return wrong(s->v, "a row of its schema that cannot be read");
    if (!span_equal_str(kind, "table") || !span_equal_str(name, "Packages"))
        return 0;
    if (s->root || root.len > 4 || integer(root) == 0)
        return wrong(s->v, "a table Packages that stands twice, or nowhere");
    s->root = (uint32_t)integer(root);
    return 0;
}

/* A row of Packages: hnum (the row's own number), blob. */
static int package_row(struct sqlite *s, struct span record)
{
    uint64_t type;
    struct span blob;
    if (!column(record, 1, &type, &blob) || type < 12 || type % 2)
        return wrong(s->v, "a row of Packages that holds no header");
    if (++s->packages > LIMIT_RPM_PACKAGES)
        return wrong(s->v, "more packages than are read");
    return put_blob(blob, s->v);
}

static int open_file(struct sqlite *s)
{
    struct span rest = s->file, magic;
    uint16_t size;
    uint8_t written, read, reserved;
    if (!span_take(&rest, 16, &magic) || memcmp(magic.ptr, "SQLite format 3", 16) != 0 ||
        !span_take_be16(&rest, &size) || !span_take_u8(&rest, &written) || !span_take_u8(&rest, &read) ||
        !span_take_u8(&rest, &reserved) || s->file.len < 100)
        return wrong(s->v, "is no SQLite database");
    s->page_size = size == 1 ? 65536 : size;
    if (s->page_size < 512 || (s->page_size & (s->page_size - 1)) || reserved > s->page_size - 480 ||
        s->file.len % s->page_size)
        return wrong(s->v, "pages of a size that does not exist, or a file that ends inside of one");
    s->usable = s->page_size - reserved;
    s->pages = (uint32_t)(s->file.len / s->page_size);
    return read <= 2 ? 0 : wrong(s->v, "a later form of SQLite's files");
}

void rpmdb_sqlite_read(struct span file, struct inventory *v)
{
    struct sqlite s = {.v = v, .file = file, .row = schema_row};
    if (open_file(&s) < 0 || walk(&s, 1, 0) < 0)
        return;
    if (s.root == 0) {
        wrong(v, "has no table Packages");
        return;
    }
    s.row = package_row;
    s.seen = 0;
    walk(&s, s.root, 0);
}

/* ── ndb (rpm, lib/backend/ndb/rpmpkg.c): slots on the first pages, blobs in blocks of 16 bytes ── */

#define NDB_SLOT_PAGES_MAX 2048U
#define NDB_PAGE           4096U
#define NDB_BLOCK          16U

/* The blob of one slot: its own head and tail say the same, and the sum of Adler-32 is right. */
static int read_blob(struct span file, uint32_t number, uint32_t block, uint32_t blocks, struct inventory *v)
{
    struct span blob, s, data, tail;
    uint32_t mark, own, generation, len, sum, len_again, end;
    if (!span_slice(file, (uint64_t)block * NDB_BLOCK, (uint64_t)blocks * NDB_BLOCK, &blob))
        return wrong(v, "a package that lies outside of the file");
    s = blob;
    if (!span_take_le32(&s, &mark) || mark != 0x53626c42 || !span_take_le32(&s, &own) || own != number ||
        !span_take_le32(&s, &generation) || !span_take_le32(&s, &len) || blob.len < 28 || len > blob.len - 28 ||
        !span_take(&s, len, &data) || !span_slice(blob, blob.len - 12, 12, &tail) || !span_take_le32(&tail, &sum) ||
        !span_take_le32(&tail, &len_again) || !span_take_le32(&tail, &end) || len_again != len || end != 0x45626c42)
        return wrong(v, "a package whose head and tail do not agree");
    if (adler32_z(1, blob.ptr, blob.len - 12) != sum)
        return wrong(v, "a package whose checksum is wrong");
    return put_blob(data, v);
}

void rpmdb_ndb_read(struct span file, struct inventory *v)
{
    struct span s = file, slots;
    uint32_t mark, version, generation, pages, next;
    size_t packages = 0;
    if (!span_take_le32(&s, &mark) || mark != 0x506d7052 || !span_take_le32(&s, &version) || version != 0 ||
        !span_take_le32(&s, &generation) || !span_take_le32(&s, &pages) || !span_take_le32(&s, &next) || pages == 0 ||
        pages > NDB_SLOT_PAGES_MAX || !span_slice(file, 32, (uint64_t)pages * NDB_PAGE - 32, &slots)) {
        wrong(v, "is no database of the kind ndb");
        return;
    }
    while (slots.len) {
        uint32_t slot, number, block, blocks;
        if (!span_take_le32(&slots, &slot) || !span_take_le32(&slots, &number) || !span_take_le32(&slots, &block) ||
            !span_take_le32(&slots, &blocks) || slot != 0x746f6c53) {
            wrong(v, "a slot that is none");
            return;
        }
        if (number == 0 || block == 0)
            continue;
        if (++packages > LIMIT_RPM_PACKAGES) {
            wrong(v, "more packages than are read");
            return;
        }
        if (read_blob(file, number, block, blocks, v) < 0)
            return;
    }
}

void rpmdb_bdb_read(struct span file, struct inventory *v)
{
    (void)file;
    report_not_scanned(
        v->r, "rpmdb-bdb", v->path,
        "a package database of the kind Berkeley DB, which no reader of ours understands: which packages "
        "are installed is not known");
}
