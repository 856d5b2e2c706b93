#include "parse/archive_walk.h"

#include <stdio.h>
#include <string.h>

#include "util/auto.h"

struct walk {
    struct span file, rest;
    size_t members;
    bool ended; /* by an end mark */
    struct report *r;
};

static int broken(const struct walk *w, const char *what)
{
    char at[32];
    snprintf(at, sizeof at, "byte %zu", w->file.len - w->rest.len);
    return report_stop(w->r, SEVERITY_HIGH, "archive-broken", at, "%s", what);
}

static int in_parts(const struct walk *w)
{
    char at[32];
    snprintf(at, sizeof at, "byte %zu", w->file.len - w->rest.len);
    return report_not_scanned(w->r, "archive-parts", at, "one volume of several: a member goes on in another file");
}

/* A number in ASCII digits, which fills its field but for spaces at its end. */
static bool take_digits(struct span *s, size_t width, unsigned base, uint64_t *out)
{
    struct span field;
    if (!span_take(s, width, &field))
        return false;
    while (field.len > 0 && field.ptr[field.len - 1] == ' ')
        field.len--;
    *out = 0;
    for (size_t i = 0; i < field.len; i++) {
        unsigned c = field.ptr[i], letter = c | 0x20U;
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 99;
        if (digit >= base || *out > UINT64_MAX / base - digit)
            return false;
        *out = *out * base + digit;
    }
    return field.len > 0;
}

static bool skip_padded(struct span *s, uint64_t len, uint64_t to)
{
    uint64_t whole;
    return !__builtin_add_overflow(len, (to - len % to) % to, &whole) && whole <= s->len && span_skip(s, (size_t)whole);
}

/* ── cpio (cpio(5)) ── */

static bool is_trailer(struct span at, uint64_t name_len)
{
    return name_len == 11 && span_starts(at, SPAN_LIT("TRAILER!!!"));
}

/* Takes one header, name and data. */
static bool step_newc(struct walk *w)
{
    struct span s = w->rest, name;
    uint64_t size, name_len;
    if (!span_skip(&s, 54) || !take_digits(&s, 8, 16, &size) || !span_skip(&s, 32) ||
        !take_digits(&s, 8, 16, &name_len) || !span_skip(&s, 8))
        return false;
    name = s;
    s = w->rest;
    if (name_len > UINT32_MAX || !skip_padded(&s, 110 + name_len, 4) || !skip_padded(&s, size, 4))
        return false;
    w->ended = is_trailer(name, name_len);
    w->rest = s;
    return true;
}

static bool step_odc(struct walk *w)
{
    struct span s = w->rest;
    uint64_t size, name_len;
    if (!span_skip(&s, 59) || !take_digits(&s, 6, 8, &name_len) || !take_digits(&s, 11, 8, &size))
        return false;
    w->ended = is_trailer(s, name_len);
    if (name_len > s.len || !span_skip(&s, (size_t)name_len) || size > s.len || !span_skip(&s, (size_t)size))
        return false;
    w->rest = s;
    return true;
}

static bool step_binary(struct walk *w)
{
    struct span s = w->rest;
    uint16_t name_len, high, low;
    if (!span_skip(&s, 20) || !span_take_le16(&s, &name_len) || !span_take_le16(&s, &high) || !span_take_le16(&s, &low))
        return false;
    w->ended = is_trailer(s, name_len);
    if (!skip_padded(&s, name_len, 2) || !skip_padded(&s, (uint32_t)high << 16 | low, 2))
        return false;
    w->rest = s;
    return true;
}

static int walk_cpio(struct walk *w)
{
    while (!w->ended) {
        bool newc = span_starts(w->rest, SPAN_LIT("070701")) || span_starts(w->rest, SPAN_LIT("070702"));
        bool taken = newc                                         ? step_newc(w)
                     : span_starts(w->rest, SPAN_LIT("070707"))   ? step_odc(w)
                     : span_starts(w->rest, SPAN_LIT("\xc7\x71")) ? step_binary(w)
                                                                  : false;
        if (!taken)
            return broken(w, "no header of a cpio archive, or one that says more than there is");
        w->members += !w->ended;
    }
    return 0; /* what follows must be zeros: tar.c asks */
}

/* ── ar (ar(5)) ── */

static int walk_ar(struct walk *w)
{
    span_skip(&w->rest, 8);
    while (w->rest.len > 0) {
        struct span s = w->rest, mark;
        uint64_t size;
        if (!span_skip(&s, 48) || !take_digits(&s, 10, 10, &size) || !span_take(&s, 2, &mark) ||
            memcmp(mark.ptr, "`\n", 2) != 0 || size > s.len || !span_skip(&s, (size_t)size))
            return broken(w, "no header of an ar archive, or one that says more than there is");
        if (size % 2 && s.len > 0)
            span_skip(&s, 1);
        w->rest = s;
    }
    w->members = SIZE_MAX; /* indexes of symbols are members to some */
    return 0;
}

/* ── RAR 1.5 to 4 (technote.txt) ── */

#define RAR4_FILE 0x74
#define RAR4_END  0x7b

static int walk_rar4(struct walk *w)
{
    span_skip(&w->rest, 7);
    while (!w->ended) {
        struct span s = w->rest;
        uint16_t crc, flags, size;
        uint8_t type;
        uint32_t data = 0;
        if (!span_take_le16(&s, &crc) || !span_take_u8(&s, &type) || !span_take_le16(&s, &flags) ||
            !span_take_le16(&s, &size) || ((flags & 0x8000) && !span_take_le32(&s, &data)) || type < 0x72 ||
            type > RAR4_END || size < 7)
            return broken(w, "no block of a RAR archive, or its end mark is not there");
        if (type == RAR4_FILE && (flags & 3))
            return in_parts(w);
        if (type == RAR4_FILE && (flags & 0x100)) /* the upper half of the size lies in the header */
            return report_not_scanned(w->r, "archive-parts", "", "a member of more than 4 GiB");
        s = w->rest;
        if (!span_skip(&s, size) || data > s.len || !span_skip(&s, data))
            return broken(w, "a block that says more than there is");
        w->members += type == RAR4_FILE;
        w->ended = type == RAR4_END;
        w->rest = s;
    }
    return w->rest.len == 0 ? 0 : broken(w, "bytes behind the end mark of a RAR archive");
}

/* ── RAR 5 (RAR 5.0 archive format, "General archive block format") ── */

static bool take_vint(struct span *s, uint64_t *out)
{
    uint8_t byte = 0x80;
    *out = 0;
    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        if (shift > 56 || !span_take_u8(s, &byte))
            return false;
        *out |= (uint64_t)(byte & 0x7f) << shift;
    }
    return true;
}

static int walk_rar5(struct walk *w)
{
    span_skip(&w->rest, 8);
    while (!w->ended) {
        struct span s = w->rest, header;
        uint32_t crc;
        uint64_t size, type, flags, extra, data = 0;
        if (!span_take_le32(&s, &crc) || !take_vint(&s, &size) || size > s.len ||
            !span_take(&s, (size_t)size, &header) || !take_vint(&header, &type) || !take_vint(&header, &flags) ||
            ((flags & 1) && !take_vint(&header, &extra)) || ((flags & 2) && !take_vint(&header, &data)) || type < 1 ||
            type > 5 || data > s.len)
            return broken(w, "no block of a RAR archive, or its end mark is not there");
        if (type == 4)
            return report_not_scanned(w->r, "archive-encrypted", "", "its headers are encrypted");
        if (type == 2 && (flags & 0x18))
            return in_parts(w);
        span_skip(&s, (size_t)data);
        w->members += type == 2;
        w->ended = type == 5;
        w->rest = s;
    }
    return w->rest.len == 0 ? 0 : broken(w, "bytes behind the end mark of a RAR archive");
}

/* ── LHA (header levels 0 to 2) ── */

static int walk_lha(struct walk *w)
{
    while (w->rest.len > 0 && w->rest.ptr[0] != 0) {
        struct span s = w->rest, level;
        uint16_t whole;
        uint32_t data;
        if (!span_slice(s, 20, 1, &level) || level.ptr[0] > 2 || s.ptr[2] != '-')
            return broken(w, "no header of an LHA archive");
        size_t size = s.ptr[0] + 2U;
        if (level.ptr[0] == 2 && span_take_le16(&s, &whole))
            size = whole;
        s = w->rest;
        span_skip(&s, 7);
        if (!span_take_le32(&s, &data) || size < 21)
            return broken(w, "no header of an LHA archive");
        s = w->rest;
        if (!span_skip(&s, size) || data > s.len || !span_skip(&s, data))
            return broken(w, "a header that says more than there is");
        w->members++;
        w->rest = s;
    }
    return w->rest.len <= 1 ? 0 : broken(w, "bytes behind the end mark of an LHA archive");
}

/* ── cabinets ([MS-CAB] 2.1) ── */

/* The files' entries fill what lies between the folders' and the first data: none stands there uncounted. */
static int walk_cab(struct walk *w)
{
    struct span s = w->file;
    uint32_t files_at, data_at = UINT32_MAX, at;
    uint16_t folders, files, flags;
    if (!span_skip(&s, 16) || !span_take_le32(&s, &files_at) || !span_skip(&s, 6) || !span_take_le16(&s, &folders) ||
        !span_take_le16(&s, &files) || !span_take_le16(&s, &flags))
        return broken(w, "no header of a cabinet");
    if (flags & 3)
        return in_parts(w);
    if (flags & 4)
        return report_not_scanned(w->r, "archive-parts", "",
                                  "a cabinet with areas of its maker's own, such as a signature");
    if (!span_skip(&s, 4) || files_at != 36U + 8U * folders)
        return broken(w, "a cabinet whose files do not follow its folders");
    for (uint16_t i = 0; i < folders; i++) {
        if (!span_take_le32(&s, &at) || !span_skip(&s, 4))
            return broken(w, "a folder that is not there");
        data_at = at < data_at ? at : data_at;
    }
    for (uint16_t i = 0; i < files; i++) {
        const uint8_t *end = span_skip(&s, 16) ? memchr(s.ptr, 0, s.len) : NULL;
        if (!end)
            return broken(w, "a file that is not there");
        span_skip(&s, (size_t)(end - s.ptr) + 1);
    }
    w->members = files;
    w->rest = s;
    return w->file.len - s.len == data_at ? 0 : broken(w, "a cabinet whose data do not follow its files");
}

int archive_walk(struct span file, enum archive_kind kind, size_t *members, struct report *r)
{
    struct walk w = {.file = file, .rest = file, .r = r};
    int result = 0;
    switch (kind) {
    case ARCHIVE_CPIO:
        result = walk_cpio(&w);
        break;
    case ARCHIVE_AR:
        result = walk_ar(&w);
        break;
    case ARCHIVE_RAR:
        result = walk_rar4(&w);
        break;
    case ARCHIVE_RAR5:
        result = walk_rar5(&w);
        break;
    case ARCHIVE_LHA:
        result = walk_lha(&w);
        break;
    case ARCHIVE_CAB:
        result = walk_cab(&w);
        break;
    case ARCHIVE_TAR:
    case ARCHIVE_ISO:
    case ARCHIVE_7Z:
    case ARCHIVE_UNREAD:
        w.members = SIZE_MAX;
    }
    *members = w.members;
    return result;
}
