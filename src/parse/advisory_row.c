#include "parse/advisory_row.h"

#include <string.h>
#include <strings.h>

#include "util/auto.h"

/* ── severities ── */

static const char *const SEVERITIES[ADVISORY_SEVERITIES] = {"unknown", "none", "low", "medium", "high", "critical"};

const char *advisory_severity_name(enum advisory_severity s)
{
    return s < ADVISORY_SEVERITIES ? SEVERITIES[s] : SEVERITIES[ADVISORY_UNKNOWN];
}

bool advisory_severity_from_name(const char *name, enum advisory_severity *out)
{
    static const struct {
        const char *name;
        enum advisory_severity severity;
    } others[] = {{"moderate", ADVISORY_MEDIUM},
                  {"important", ADVISORY_HIGH},
                  {"negligible", ADVISORY_NONE},
                  {"unimportant", ADVISORY_NONE}};
    for (unsigned i = 0; i < ADVISORY_SEVERITIES; i++) {
        *out = (enum advisory_severity)i;
        if (strcasecmp(name, SEVERITIES[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        *out = others[i].severity;
        if (strcasecmp(name, others[i].name) == 0)
            return true;
    }
    *out = ADVISORY_UNKNOWN;
    return false;
}

enum advisory_severity advisory_severity_of_score(int tenths, bool version_2)
{
    if (tenths < 0)
        return ADVISORY_UNKNOWN;
    if (version_2)
        return tenths < 40 ? ADVISORY_LOW : tenths < 70 ? ADVISORY_MEDIUM : ADVISORY_HIGH;
    if (tenths == 0)
        return ADVISORY_NONE;
    return tenths < 40 ? ADVISORY_LOW : tenths < 70 ? ADVISORY_MEDIUM : tenths < 90 ? ADVISORY_HIGH : ADVISORY_CRITICAL;
}

/* ── writing ── */

void row_u8(struct buf *out, unsigned value)
{
    buf_add_byte(out, (uint8_t)value);
}

void row_u16(struct buf *out, unsigned value)
{
    row_u8(out, value & 0xff);
    row_u8(out, value >> 8 & 0xff);
}

void row_u32(struct buf *out, uint32_t value)
{
    buf_add_le32(out, value);
}

void row_i64(struct buf *out, int64_t value)
{
    buf_add_le32(out, (uint32_t)((uint64_t)value & 0xffffffffU));
    buf_add_le32(out, (uint32_t)((uint64_t)value >> 32));
}

void row_text(struct buf *out, struct span text)
{
    size_t len = text.len;
    if (len > ADVISORY_TEXT_MAX) {
        len = ADVISORY_TEXT_MAX;
        while (len > 0 && (text.ptr[len] & 0xc0) == 0x80)
            len--;
    }
    row_u16(out, (unsigned)len);
    buf_add(out, text.ptr, len);
}

void row_refused(struct buf *out, struct span name, const char *place, const char *reason)
{
    row_u8(out, ADVISORY_REFUSED);
    row_text(out, name);
    row_text(out, span_str(place));
    row_text(out, span_str(reason));
}

/* ── reading ── */

bool row_take_i64(struct span *s, int64_t *out)
{
    uint64_t value;
    if (!span_take_le64(s, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

bool row_take_text(struct span *s, struct span *out)
{
    struct span before = *s;
    uint16_t len;
    if (span_take_le16(s, &len) && span_take(s, len, out))
        return true;
    *s = before;
    return false;
}

bool advisory_row_name(struct span *names, enum advisory_name_kind *kind, struct span *text)
{
    uint8_t value;
    if (!span_take_u8(names, &value) || value > ADVISORY_NAME_RELATED || !row_take_text(names, text))
        return false;
    *kind = (enum advisory_name_kind)value;
    return true;
}

bool advisory_row_package(struct span *packages, struct advisory_row_package *out)
{
    uint32_t len;
    return row_take_text(packages, &out->ecosystem) && row_take_text(packages, &out->release) &&
           row_take_text(packages, &out->name) && span_take_le32(packages, &len) &&
           span_take(packages, len, &out->body);
}

/* Goes over the names and packages of a record, so that both lists are known to be whole. */
static bool take_lists(struct span *rows, struct advisory_row *out)
{
    uint16_t count;
    enum advisory_name_kind kind;
    struct span text;
    struct advisory_row_package package;
    if (!span_take_le16(rows, &count))
        return false;
    out->name_count = count;
    out->names = *rows;
    for (unsigned i = 0; i < count; i++)
        if (!advisory_row_name(rows, &kind, &text))
            return false;
    if (!span_take_le16(rows, &count))
        return false;
    out->package_count = count;
    out->packages = *rows;
    for (unsigned i = 0; i < count; i++)
        if (!advisory_row_package(rows, &package))
            return false;
    return true;
}

static bool take_record(struct span *rows, struct advisory_row *out)
{
    uint8_t severity, flags;
    uint16_t tenths;
    if (!row_take_text(rows, &out->id) || !row_take_text(rows, &out->summary) || !row_take_text(rows, &out->vector) ||
        !row_take_text(rows, &out->licence) || !row_take_i64(rows, &out->modified_s) ||
        !row_take_i64(rows, &out->withdrawn_s) || !span_take_u8(rows, &severity) || !span_take_le16(rows, &tenths) ||
        !span_take_u8(rows, &flags) || severity >= ADVISORY_SEVERITIES)
        return false;
    out->severity = severity;
    out->tenths = (int16_t)tenths;
    out->flags = flags;
    return take_lists(rows, out);
}

bool advisory_row_take(struct span *rows, struct advisory_row *out)
{
    uint8_t kind;
    *out = (struct advisory_row){0};
    if (!span_take_u8(rows, &kind))
        return false;
    out->kind = (enum advisory_row_kind)kind;
    if (kind == ADVISORY_RECORD)
        return take_record(rows, out);
    if (kind == ADVISORY_KEV)
        return row_take_text(rows, &out->id) && row_take_i64(rows, &out->modified_s);
    return kind == ADVISORY_REFUSED && row_take_text(rows, &out->id) && row_take_text(rows, &out->place) &&
           row_take_text(rows, &out->reason);
}
