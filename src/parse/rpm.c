#include "parse/rpm.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/paths.h"
#include "parse/text.h"
#include "util/encode.h"

enum {
    TAG_NAME = 1000,
    TAG_VERSION = 1001,
    TAG_RELEASE = 1002,
    TAG_EPOCH = 1003,
    TAG_LICENCE = 1014,
    TAG_ARCH = 1022,
    TAG_FILEMODES = 1030,
    TAG_FILEDIGESTS = 1035,
    TAG_FILEFLAGS = 1037,
    TAG_SOURCERPM = 1044,
    TAG_DIRINDEXES = 1116,
    TAG_BASENAMES = 1117,
    TAG_DIRNAMES = 1118,
    TAG_FILEDIGESTALGO = 5011,
    TAG_MODULARITY = 5096,
};

enum { TYPE_INT16 = 3, TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_BIN = 7, TYPE_STRINGS = 8, TYPE_I18N = 9 };

#define FLAG_CONFIG 1U
#define FLAG_GHOST  64U
#define ENTRY_BYTES 16U

static int wrong(struct inventory *v, const char *what)
{
    return report_stop(v->r, SEVERITY_HIGH, "rpm-header", v->path, "%s", what);
}

/* ── the header ── */

bool rpm_header_open(struct span blob, struct rpm_header *out, size_t *used)
{
    struct span s = blob;
    uint32_t count, len;
    if (!span_take_be32(&s, &count) || !span_take_be32(&s, &len) || count == 0 || count > LIMIT_RPM_TAGS ||
        len > LIMIT_RPM_DATA_BYTES || !span_take(&s, (size_t)count * ENTRY_BYTES, &out->index) ||
        !span_take(&s, len, &out->data))
        return false;
    out->count = count;
    *used = blob.len - s.len;
    return true;
}

struct tag {
    uint32_t type, count;
    struct span data; /* from its offset to the end of the header's data */
};

/* The tag, when the header has it exactly once. */
static bool find_tag(const struct rpm_header *h, uint32_t wanted, struct tag *out)
{
    struct span index = h->index;
    bool found = false;
    for (size_t i = 0; i < h->count; i++) {
        uint32_t tag, type, offset, count;
        if (!span_take_be32(&index, &tag) || !span_take_be32(&index, &type) || !span_take_be32(&index, &offset) ||
            !span_take_be32(&index, &count))
            return false;
        if (tag != wanted)
            continue;
        if (found || offset > h->data.len)
            return false;
        found = true;
        *out = (struct tag){.type = type, .count = count, .data = span_of(h->data.ptr + offset, h->data.len - offset)};
    }
    return found;
}

struct span rpm_text(const struct rpm_header *h, uint32_t tag)
{
    struct tag t;
    struct span out;
    if (!find_tag(h, tag, &t) || (t.type != TYPE_STRING && t.type != TYPE_I18N && t.type != TYPE_STRINGS) ||
        t.count == 0 || !span_take_until(&t.data, '\0', &out))
        return (struct span){0};
    return out;
}

bool rpm_number(const struct rpm_header *h, uint32_t tag, size_t i, uint32_t *out)
{
    struct tag t;
    uint16_t narrow;
    if (!find_tag(h, tag, &t) || i >= t.count)
        return false;
    if (t.type == TYPE_INT32)
        return span_skip(&t.data, i * 4) && span_take_be32(&t.data, out);
    if (t.type != TYPE_INT16 || !span_skip(&t.data, i * 2) || !span_take_be16(&t.data, &narrow))
        return false;
    *out = narrow;
    return true;
}

/* ── which file has which digest ── */

struct files {
    struct tag names, folders, folder_of, digests, flags, modes;
    struct span *folder_names; /* owned */
    size_t folder_count;
    enum hash kind;
    bool has_digests;
};

static bool is_numbers(const struct tag *t, uint32_t type, uint32_t count)
{
    return t->type == type && t->count == count && (uint64_t)count * (type == TYPE_INT16 ? 2 : 4) <= t->data.len;
}

static bool digest_kind(const struct rpm_header *h, enum hash *kind)
{
    uint32_t number = 1;
    rpm_number(h, TAG_FILEDIGESTALGO, 0, &number);
    static const struct {
        uint32_t number;
        enum hash kind;
    } known[] = {{1, HASH_MD5}, {2, HASH_SHA1}, {8, HASH_SHA256}, {9, HASH_SHA384}, {10, HASH_SHA512}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].number == number) {
            *kind = known[i].kind;
            return true;
        }
    return false;
}

/* 1: there are files; 0: none; -1: they do not fit together. */
static int open_files(const struct rpm_header *h, struct files *f)
{
    *f = (struct files){0};
    if (!find_tag(h, TAG_BASENAMES, &f->names))
        return 0;
    if (f->names.type != TYPE_STRINGS || f->names.count > LIMIT_RPM_FILES || !find_tag(h, TAG_DIRNAMES, &f->folders) ||
        f->folders.type != TYPE_STRINGS || f->folders.count > f->names.count ||
        !find_tag(h, TAG_DIRINDEXES, &f->folder_of) || !is_numbers(&f->folder_of, TYPE_INT32, f->names.count))
        return -1;
    f->has_digests = find_tag(h, TAG_FILEDIGESTS, &f->digests) && f->digests.type == TYPE_STRINGS &&
                     f->digests.count == f->names.count && digest_kind(h, &f->kind);
    if (!find_tag(h, TAG_FILEFLAGS, &f->flags) || !is_numbers(&f->flags, TYPE_INT32, f->names.count))
        f->flags = (struct tag){0};
    if (!find_tag(h, TAG_FILEMODES, &f->modes) || !is_numbers(&f->modes, TYPE_INT16, f->names.count))
        f->modes = (struct tag){0};
    f->folder_names = calloc(f->folders.count + 1, sizeof *f->folder_names);
    if (!f->folder_names)
        abort();
    for (; f->folder_count < f->folders.count; f->folder_count++)
        if (!span_take_until(&f->folders.data, '\0', &f->folder_names[f->folder_count]))
            return -1;
    return 1;
}

static void close_files(struct files *f)
{
    free(f->folder_names);
}

struct rpm_file {
    struct span folder, name, digest;
    uint32_t flags;
    uint16_t mode; /* 0: not said */
};

static bool next_file(struct files *f, struct rpm_file *out)
{
    uint32_t folder;
    *out = (struct rpm_file){0};
    if (!span_take_be32(&f->folder_of.data, &folder) || folder >= f->folder_count ||
        !span_take_until(&f->names.data, '\0', &out->name))
        return false;
    out->folder = f->folder_names[folder];
    if (f->has_digests && !span_take_until(&f->digests.data, '\0', &out->digest))
        return false;
    return (!f->flags.count || span_take_be32(&f->flags.data, &out->flags)) &&
           (!f->modes.count || span_take_be16(&f->modes.data, &out->mode));
}

static bool is_regular(const struct rpm_file *x)
{
    return (x->mode == 0 || S_ISREG(x->mode)) && !(x->flags & FLAG_GHOST);
}

static int claim(const struct files *f, const struct rpm_file *x, struct inventory *v)
{
    uint8_t bytes[HASH_SIZE_MAX];
    auto_buf path = BUF(8192);
    struct span hash = {0};
    if (x->digest.len) {
        if (x->digest.len != 2 * hash_size(f->kind) || !hex_decode(x->digest, bytes, hash_size(f->kind)))
            return wrong(v, "the digest of a file that is none");
        hash = span_of(bytes, hash_size(f->kind));
    }
    buf_add_span(&path, x->folder);
    buf_add_span(&path, x->name);
    return inventory_claim(v, buf_span(&path), f->kind, hash, (x->flags & FLAG_CONFIG) != 0);
}

static int put_claims(const struct rpm_header *h, const struct found_package *p, struct inventory *v)
{
    struct files f;
    struct rpm_file x;
    int result = open_files(h, &f);
    if (result > 0) {
        result = 0;
        inventory_claims(v, "rpm", p->name, p->version);
        for (uint32_t i = 0; i < f.names.count && result == 0; i++)
            result = !next_file(&f, &x) ? wrong(v, "the list of files ends too early")
                     : is_regular(&x)   ? claim(&f, &x, v)
                                        : 0;
        inventory_claims_end(v);
    } else if (result < 0) {
        wrong(v, "its lists of files do not fit together");
    }
    close_files(&f);
    return result;
}

/* "bash-4.4-19.src.rpm" is version 4.4-19 of bash. */
static void take_source(struct span file, struct found_package *p)
{
    static const char *const endings[] = {".src.rpm", ".nosrc.rpm"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (span_ends(file, span_str(endings[i])))
            file.len -= strlen(endings[i]);
    for (size_t i = file.len, dashes = 0; i > 0; i--) {
        if (file.ptr[i - 1] != '-' || ++dashes < 2)
            continue;
        p->source = span_of(file.ptr, i - 1);
        p->source_version = span_of(file.ptr + i, file.len - i);
        return;
    }
}

int rpm_put(const struct rpm_header *h, struct inventory *v)
{
    auto_buf version = BUF(4096);
    uint32_t epoch;
    struct span text = rpm_text(h, TAG_VERSION), release = rpm_text(h, TAG_RELEASE);
    struct found_package p = {.type = "rpm",
                              .name = rpm_text(h, TAG_NAME),
                              .architecture = rpm_text(h, TAG_ARCH),
                              .licence = rpm_text(h, TAG_LICENCE),
                              .channel = rpm_text(h, TAG_MODULARITY)};
    if (span_equal_str(p.name, "gpg-pubkey"))
        return 0;
    if (text.len == 0 || release.len == 0)
        return wrong(v, "a package without a version and a release");
    if (rpm_number(h, TAG_EPOCH, 0, &epoch) && epoch != 0)
        buf_printf(&version, "%u:", epoch);
    buf_add_span(&version, text);
    buf_add_byte(&version, '-');
    buf_add_span(&version, release);
    p.version = buf_span(&version);
    take_source(rpm_text(h, TAG_SOURCERPM), &p);
    return inventory_put(v, &p) < 0 ? -1 : put_claims(h, &p, v);
}

/* ── a package file ── */

#define READ_CHUNK 65536U

struct payload {
    struct inventory *v;
    const struct inspect_options *o;
    const struct files *f;
    struct listed {
        char *path; /* owned */
        struct span digest;
        bool seen;
    } * list; /* owned; sorted by path */
    size_t count;
    struct buf data;
};

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct listed *)a)->path, ((const struct listed *)b)->path);
}

static int list_files(struct files *f, struct payload *p)
{
    struct rpm_file x;
    p->list = calloc(f->names.count + 1, sizeof *p->list);
    if (!p->list)
        abort();
    for (uint32_t i = 0; i < f->names.count; i++) {
        auto_buf path = BUF(8192), normal = BUF(8192);
        bool absolute;
        if (!next_file(f, &x))
            return wrong(p->v, "the list of files ends too early");
        if (!is_regular(&x))
            continue;
        buf_add_span(&path, x.folder);
        buf_add_span(&path, x.name);
        const char *problem = path_problem(buf_str(&path), &normal, &absolute);
        if (problem)
            return report_stop(p->v->r, SEVERITY_CRITICAL, "rpm-path", buf_str(&path), "the path has %s", problem);
        p->list[p->count].digest = x.digest;
        p->list[p->count++].path = buf_steal_str(&normal);
    }
    if (p->count)
        qsort(p->list, p->count, sizeof *p->list, by_path);
    return 0;
}

static bool agrees(const struct payload *p, struct span digest, struct span bytes)
{
    uint8_t found[HASH_SIZE_MAX], wanted[HASH_SIZE_MAX];
    size_t size = hash_size(p->f->kind);
    if (digest.len != 2 * size || !hex_decode(digest, wanted, size))
        return false;
    hash_bytes(p->f->kind, bytes, found);
    return memcmp(found, wanted, size) == 0;
}

static void check_file(struct payload *p, const char *path, mode_t mode)
{
    struct report *r = p->v->r;
    struct listed key = {.path = (char *)(uintptr_t)path};
    struct listed *x = p->count ? bsearch(&key, p->list, p->count, sizeof key, by_path) : NULL;
    if (!x) {
        report_stop(r, SEVERITY_HIGH, "rpm-files", path, "the header does not list it");
        return;
    }
    x->seen = true;
    bool same = agrees(p, x->digest, buf_span(&p->data));
    if (!same && x->digest.len) /* of hard links only the last one has the bytes */
        report_finding(r, p->data.len ? SEVERITY_HIGH : SEVERITY_INFO, "rpm-files", path,
                       "its bytes do not have the digest that the header says");
    inventory_read(p->v, path, buf_span(&p->data), 1);
    if (p->o) {
        struct inspect_options o = *p->o;
        o.stands = same;
        o.executable = (mode & 0111) != 0;
        inspect_inside(buf_span(&p->data), path, &o, r);
    }
}

static int read_member(struct payload *p, struct archive *a, struct archive_entry *entry)
{
    auto_buf path = BUF(8192);
    bool absolute;
    const char *name = archive_entry_pathname(entry),
               *problem = name ? path_problem(name, &path, &absolute) : "no name";
    if (problem)
        return report_stop(p->v->r, SEVERITY_CRITICAL, "rpm-path", name ? name : "", "the path has %s", problem);
    if (archive_entry_filetype(entry) != AE_IFREG)
        return 0;
    buf_clear(&p->data);
    for (;;) {
        uint8_t *room = p->data.len > LIMIT_MEMBER_BYTES ? NULL : buf_room(&p->data, READ_CHUNK);
        la_ssize_t got = room ? archive_read_data(a, room, READ_CHUNK) : -2;
        if (got == -2)
            return report_not_scanned(p->v->r, "member-size", buf_str(&path), "more than %llu bytes",
                                      LIMIT_MEMBER_BYTES);
        if (got < 0)
            return report_stop(p->v->r, SEVERITY_HIGH, "archive-broken", buf_str(&path), "its data cannot be read");
        if (got == 0)
            break;
        buf_grown(&p->data, (size_t)got);
    }
    check_file(p, buf_str(&path), archive_entry_perm(entry));
    return 0;
}

static void read_payload(struct payload *p, struct span payload)
{
    struct archive_entry *entry;
    struct archive *a = archive_read_new();
    int result = ARCHIVE_FATAL;
    if (!a)
        abort();
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_lzma(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_format_cpio(a);
    if (archive_read_open_memory(a, payload.ptr, payload.len) == ARCHIVE_OK)
        while ((result = archive_read_next_header(a, &entry)) == ARCHIVE_OK)
            if (read_member(p, a, entry) < 0)
                break;
    if (result != ARCHIVE_OK && result != ARCHIVE_EOF)
        report_stop(p->v->r, SEVERITY_HIGH, "archive-broken", "payload", "the files in it cannot be read");
    for (size_t i = 0; i < p->count && result == ARCHIVE_EOF; i++)
        if (!p->list[i].seen)
            report_finding(p->v->r, SEVERITY_HIGH, "rpm-files", p->list[i].path,
                           "the header lists it, and the package does not hold it");
    archive_read_free(a);
}

/* The signature is not ours to judge; where it ends, the header begins, at the next multiple of eight. */
static int open_package(struct span file, struct rpm_header *h, struct span *payload)
{
    static const char magic[] = "\x8e\xad\xe8\x01\0\0\0\0";
    struct span s = file;
    struct rpm_header signature;
    size_t used;
    if (!span_take_prefix(&s, SPAN_LIT("\xed\xab\xee\xdb")) || !span_skip(&s, 92) ||
        !span_take_prefix(&s, span_of(magic, 8)) || !rpm_header_open(s, &signature, &used) || !span_skip(&s, used) ||
        !span_skip(&s, (8 - used % 8) % 8) || !span_take_prefix(&s, span_of(magic, 8)) ||
        !rpm_header_open(s, h, &used) || !span_skip(&s, used))
        return -1;
    *payload = s;
    return 0;
}

void rpm_read(struct span file, const struct inspect_options *o, struct inventory *v)
{
    struct rpm_header h;
    struct span payload;
    struct files f;
    if (open_package(file, &h, &payload) < 0) {
        wrong(v, "is no RPM package: lead, signature and header are not where they must be");
        return;
    }
    if (rpm_put(&h, v) < 0) {
        wrong(v, "what its header says of it cannot be used, so its files were not looked at");
        return;
    }
    struct payload p = {.v = v, .o = o, .f = &f, .data = BUF(LIMIT_MEMBER_BYTES + 2 * READ_CHUNK)};
    int result = open_files(&h, &f);
    if (result < 0)
        wrong(v, "its lists of files do not fit together");
    if (result > 0 && list_files(&f, &p) == 0)
        read_payload(&p, payload);
    for (size_t i = 0; i < p.count; i++)
        free(p.list[i].path);
    free(p.list);
    buf_fini(&p.data);
    close_files(&f);
}

/* ── the list of a container ── */

static int manifest_line(struct inventory *v, struct span line)
{
    struct span part[10];
    size_t count = 0;
    auto_buf version = BUF(4096);
    while (count < ARRAY_LEN(part) - 1 && span_take_until(&line, '\t', &part[count]))
        count++;
    part[count++] = line;
    if (count != ARRAY_LEN(part) || !text_is_text(part[0]) || !text_is_text(part[1]))
        return report_stop(v->r, SEVERITY_HIGH, "rpm-manifest", v->path, "a line that has not ten columns");
    if (!span_equal_str(part[8], "0") && !span_equal_str(part[8], "(none)"))
        buf_printf(&version, "%.*s:", (int)(part[8].len < 16 ? part[8].len : 16), (const char *)part[8].ptr);
    buf_add_span(&version, part[1]);
    struct found_package p = {.type = "rpm", .name = part[0], .version = buf_span(&version), .architecture = part[7]};
    take_source(part[9], &p);
    return inventory_put(v, &p);
}

void rpm_manifest_read(struct span file, struct inventory *v)
{
    struct span line;
    while (inventory_line(&file, &line))
        if (line.len && manifest_line(v, line) < 0)
            return;
}
