#include "parse/python_dist.h"

#include <string.h>
#include <strings.h>

#include "parse/fields.h"
#include "util/encode.h"

#define RECORD_PATH_BYTES 8192U

/* ── METADATA, PKG-INFO ── */

static size_t count_of(const struct fields *f, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += f->list[i].name.len == strlen(name) &&
                 strncasecmp((const char *)f->list[i].name.ptr, name, f->list[i].name.len) == 0;
    return count;
}

/* License-Expression; else License, where that is a name and not a whole text; else the last part of a classifier. */
static struct span licence_of(const struct fields *f)
{
    struct span expression = fields_get(f, "License-Expression"), text = fields_get(f, "License");
    if (expression.len)
        return expression;
    if (text.len && text.len <= 100 && !memchr(text.ptr, '\n', text.len) && !span_equal_str(text, "UNKNOWN"))
        return text;
    for (size_t i = 0; i < f->count; i++) {
        struct span value = f->list[i].value, part;
        if (!span_take_prefix(&value, SPAN_LIT("License :: ")))
            continue;
        while (span_take_until(&value, ':', &part))
            ;
        span_take_prefix(&value, SPAN_LIT(" "));
        return value;
    }
    return (struct span){0};
}

/* What an index shows and what pip does with a field that stands twice are two things. */
static void check_once(const struct fields *f, const char *name, struct inventory *v)
{
    if (count_of(f, name) > 1)
        report_finding(v->r, SEVERITY_HIGH, "python-metadata", v->path,
                       "%s stands there %zu times: two readers may see two packages", name, count_of(f, name));
}

void python_dist_read(struct span file, struct inventory *v)
{
    auto_fields f = {0};
    span_take_prefix(&file, SPAN_LIT("\xef\xbb\xbf"));
    if (fields_read(file, v->path, &f, v->r) < 0)
        return;
    check_once(&f, "Name", v);
    check_once(&f, "Version", v);
    const struct found_package p = {.type = "pypi",
                                    .name = fields_get(&f, "Name"),
                                    .version = fields_get(&f, "Version"),
                                    .licence = licence_of(&f)};
    inventory_put(v, &p);
}

/* ── RECORD ── */

bool record_take_field(struct span *line, struct buf *out)
{
    struct span part;
    buf_clear(out);
    if (span_take_prefix(line, SPAN_LIT("\""))) {
        while (span_take_until(line, '"', &part)) {
            buf_add_span(out, part);
            if (!span_take_prefix(line, SPAN_LIT("\"")))
                return line->len == 0 || span_take_prefix(line, SPAN_LIT(","));
            buf_add_byte(out, '"');
        }
        return false;
    }
    if (!span_take_until(line, ',', &part)) {
        part = *line;
        line->len = 0;
    }
    buf_add_span(out, part);
    return buf_ok(out);
}

bool record_take_hash(struct span text, enum hash *kind, struct buf *bytes)
{
    static const struct {
        const char *prefix;
        enum hash kind;
    } known[] = {{"sha256=", HASH_SHA256}, {"sha384=", HASH_SHA384}, {"sha512=", HASH_SHA512}};
    auto_buf padded = BUF(256);
    size_t i = 0;
    while (i < ARRAY_LEN(known) && !span_take_prefix(&text, span_str(known[i].prefix)))
        i++;
    if (i == ARRAY_LEN(known))
        return false;
    *kind = known[i].kind;
    while (text.len && text.ptr[text.len - 1] == '=') /* some tools write it all the same */
        text.len--;
    buf_add_span(&padded, text);
    while (padded.len % 4 && buf_ok(&padded))
        buf_add_byte(&padded, '=');
    buf_clear(bytes);
    return buf_ok(&padded) && base64_decode(buf_span(&padded), true, bytes) && bytes->len == hash_size(*kind);
}

/* The name and version in NAME-VERSION.dist-info: whose RECORD this is, by the folder that installers look for. */
static void owner_of(const char *path, struct span *name, struct span *version)
{
    const char *end = strrchr(path, '/'), *start = end;
    while (start && start > path && start[-1] != '/')
        start--;
    struct span folder = start ? span_of(start, (size_t)(end - start)) : span_str("");
    *version = (struct span){0};
    if (!span_take_until(&folder, '-', name)) {
        *name = folder;
        return;
    }
    for (size_t i = 0; i < folder.len; i++)
        if (span_starts(span_of(folder.ptr + i, folder.len - i), SPAN_LIT(".dist-info")))
            folder.len = i;
    *version = folder;
}

static int claim_line(struct span line, struct buf *path, struct buf *text, struct inventory *v)
{
    auto_buf bytes = BUF(HASH_SIZE_MAX);
    enum hash kind = HASH_SHA256;
    auto_buf size = BUF(64);
    struct span whole = line;
    bool fine = record_take_field(&line, path) && path->len && line.len && record_take_field(&line, text) &&
                record_take_field(&line, &size) && line.len == 0;
    if (fine && text->len && !record_take_hash(buf_span(text), &kind, &bytes))
        buf_clear(&bytes); /* MD5, as very old ones have it: no hash that says anything */
    if (!fine)
        return report_finding(v->r, SEVERITY_MEDIUM, "python-record", v->path,
                              "a line that is not PATH,HASH,SIZE: %.*s", (int)(whole.len > 80 ? 80 : whole.len),
                              (const char *)whole.ptr);
    return inventory_claim(v, buf_span(path), kind, buf_span(&bytes), false);
}

void python_record_read(struct span file, struct inventory *v)
{
    struct span line, name, version;
    auto_buf path = BUF(RECORD_PATH_BYTES), text = BUF(256);
    owner_of(v->path, &name, &version);
    inventory_claims(v, "pypi", name, version);
    while (inventory_line(&file, &line)) {
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len && claim_line(line, &path, &text, v) < 0)
            break;
    }
    inventory_claims_end(v);
}
