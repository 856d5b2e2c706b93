#include "parse/archive.h"

#include <archive.h>
#include <string.h>

#include "parse/archive_walk.h"
#include "parse/tar.h"
#include "util/auto.h"

/* The volume descriptors of ISO 9660 begin at sector 16 (ECMA-119, 6.2.1); before them lies the system area, which is
 * where machines start programs. */
#define ISO_SECTOR      2048U
#define ISO_DESCRIPTORS (16U * ISO_SECTOR)

#define MAGIC(at_, text, kind_, name_)                     \
    {                                                      \
        (at_), (text), sizeof(text) - 1, (kind_), (name_), \
    }

static const struct {
    size_t at;
    const char *bytes;
    size_t len;
    enum archive_kind kind;
    const char *name;
} KINDS[] = {
    MAGIC(0, "7z\xbc\xaf\x27\x1c", ARCHIVE_7Z, "7z"),
    MAGIC(0, "Rar!\x1a\x07\x01\x00", ARCHIVE_RAR5, "rar"),
    MAGIC(0, "Rar!\x1a\x07\x00", ARCHIVE_RAR, "rar"),
    MAGIC(0, "!<arch>\n", ARCHIVE_AR, "ar"),
    MAGIC(0, "070701", ARCHIVE_CPIO, "cpio"),
    MAGIC(0, "070702", ARCHIVE_CPIO, "cpio"),
    MAGIC(0, "070707", ARCHIVE_CPIO, "cpio"),
    MAGIC(0, "\xc7\x71", ARCHIVE_CPIO, "cpio"),
    MAGIC(0, "MSCF", ARCHIVE_CAB, "cab"),
    MAGIC(0, "xar!", ARCHIVE_UNREAD, "xar"),
    MAGIC(2, "-lh", ARCHIVE_LHA, "lha"),
    MAGIC(ISO_DESCRIPTORS + 1, "CD001", ARCHIVE_ISO, "iso9660"),
    MAGIC(0, "hsqs", ARCHIVE_UNREAD, "squashfs"),
    MAGIC(0, "sqsh", ARCHIVE_UNREAD, "squashfs"),
    MAGIC(0, "\xed\xab\xee\xdb", ARCHIVE_UNREAD, "rpm (under another name than .rpm)"),
    MAGIC(0, "WARC/", ARCHIVE_UNREAD, "warc"),
    MAGIC(0, "!<thin>\n", ARCHIVE_UNREAD, "thin ar (its members are other files)"),
    MAGIC(0, "\x89LZO", ARCHIVE_UNREAD, "lzop"),
    MAGIC(0, "LRZI", ARCHIVE_UNREAD, "lrzip"),
    MAGIC(0, "\x60\xea", ARCHIVE_UNREAD, "arj"),
    MAGIC(7, "**ACE**", ARCHIVE_UNREAD, "ace"),
};

enum archive_kind archive_kind_of(struct span file, const char **name)
{
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        struct span part;
        *name = KINDS[i].name;
        if (span_slice(file, KINDS[i].at, KINDS[i].len, &part) && memcmp(part.ptr, KINDS[i].bytes, part.len) == 0)
            return KINDS[i].kind;
    }
    *name = "archives of this kind";
    return ARCHIVE_UNREAD;
}

void archive_support(struct archive *a, enum archive_kind kind, bool plain)
{
    switch (kind) {
    case ARCHIVE_ISO:
        archive_read_support_format_iso9660(a);
        if (plain)
            archive_read_set_options(a, "iso9660:!joliet,iso9660:!rockridge");
        return;
    case ARCHIVE_7Z:
        archive_read_support_format_7zip(a);
        return;
    case ARCHIVE_RAR:
        archive_read_support_format_rar(a);
        return;
    case ARCHIVE_RAR5:
        archive_read_support_format_rar5(a);
        return;
    case ARCHIVE_CPIO:
        archive_read_support_format_cpio(a);
        return;
    case ARCHIVE_AR:
        archive_read_support_format_ar(a);
        return;
    case ARCHIVE_CAB:
        archive_read_support_format_cab(a);
        return;
    case ARCHIVE_LHA:
        archive_read_support_format_lha(a);
        return;
    case ARCHIVE_TAR:
    case ARCHIVE_UNREAD:
        break;
    }
    archive_read_support_format_tar(a);
    archive_read_support_format_empty(a);
    archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1");
}

/* ── what the file says of its own length ── */

/* Where the archive ends by its own header; false when the kind has none that says so, or it cannot be read (its reader
 * says that). */
static bool says_end(struct span file, enum archive_kind kind, uint64_t *end)
{
    uint64_t offset, size;
    uint32_t bytes;
    struct span header;
    if (kind == ARCHIVE_7Z) /* 7zFormat.txt, SignatureHeader: 32 bytes, then NextHeaderOffset and …Size */
        return span_slice(file, 12, 16, &header) && span_take_le64(&header, &offset) &&
               span_take_le64(&header, &size) && !__builtin_add_overflow(offset, size, end) &&
               !__builtin_add_overflow(*end, 32, end);
    if (kind == ARCHIVE_CAB) { /* [MS-CAB] 2.1, cbCabinet */
        bool there = span_slice(file, 8, 4, &header) && span_take_le32(&header, &bytes);
        *end = there ? bytes : 0;
        return there;
    }
    return false;
}

static void check_end(struct span file, enum archive_kind kind, struct report *r)
{
    uint64_t end;
    if (says_end(file, kind, &end) && end != file.len)
        report_stop(r, SEVERITY_HIGH, "archive-trailing", "end",
                    "the archive says that it ends at byte %llu, and the file at byte %zu", (unsigned long long)end,
                    file.len);
}

/* ── images of disks ── */

static bool is_zero(struct span s)
{
    return s.len == 0 || (s.ptr[0] == 0 && memcmp(s.ptr, s.ptr + 1, s.len - 1) == 0);
}

/* A supplementary descriptor (ECMA-119, 8.5) is a second tree beside the first, and may name other files. */
static bool has_second_tree(struct span file)
{
    struct span sector;
    for (uint64_t at = ISO_DESCRIPTORS; at < ISO_DESCRIPTORS + 64ULL * ISO_SECTOR; at += ISO_SECTOR) {
        if (!span_slice(file, at, ISO_SECTOR, &sector) || memcmp(sector.ptr + 1, "CD001", 5) != 0)
            return false;
        if (sector.ptr[0] == 2)
            return true;
    }
    return false;
}

/* The tree that libarchive would not choose, without Joliet and Rock Ridge; what it says is said when it is more. */
static void check_other_tree(struct span file, const struct inspect_options *o, struct report *r)
{
    auto_report other = {0};
    report_init_inside(&other, r, "plain tree");
    tar_check_as(file, ARCHIVE_ISO, true, o, &other);
    if (other.verdict > r->verdict || other.heavy > r->heavy || other.unread > r->unread)
        report_merge(r, &other);
}

static void check_iso(struct span file, const struct inspect_options *o, struct report *r)
{
    struct span system;
    if (span_slice(file, 0, ISO_DESCRIPTORS, &system) && !is_zero(system))
        report_not_scanned(r, "iso-boot", "byte 0",
                           "the system area in front of the file system is not empty: programs that start a machine "
                           "lie there, and no scanner understands them");
    if (has_second_tree(file))
        check_other_tree(file, o, r);
}

/* ── any of them ── */

/* Their readers are small, or read nothing but headers of fixed length. */
static bool is_simple(enum archive_kind kind)
{
    return kind == ARCHIVE_AR || kind == ARCHIVE_CPIO;
}

void archive_check(struct span file, const struct inspect_options *o, struct report *r)
{
    const char *name;
    enum archive_kind kind = archive_kind_of(file, &name);
    if (kind == ARCHIVE_UNREAD) {
        report_not_scanned(r, "no-scanner", "", "no scanner understands %s", name);
        return;
    }
    if (!o->apart && !is_simple(kind)) {
        report_not_scanned(r, "archive-apart", "", "%s is read in a process of its own, which nobody started for it",
                           name);
        return;
    }
    json_put_string(&r->facts, "archive", name);
    check_end(file, kind, r);
    size_t wanted, members;
    bool whole = archive_walk(file, kind, &wanted, r) == 0;
    members = tar_check_as(file, kind, false, o, r);
    if (members == 0 && r->unread == 0)
        report_stop(r, SEVERITY_HIGH, "archive-broken", "", "an archive without members");
    if (whole && wanted != SIZE_MAX && wanted != members && r->unread == 0)
        report_stop(r, SEVERITY_HIGH, "archive-broken", "", "its headers are %zu, and its reader sees %zu of them",
                    wanted, members);
    if (kind == ARCHIVE_ISO)
        check_iso(file, o, r);
}
