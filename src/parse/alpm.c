#include "parse/alpm.h"

#include <string.h>
#include <zlib.h>

#include "parse/text.h"
#include "util/encode.h"

static int wrong(struct inventory *v, struct span line, const char *what)
{
    return report_stop(v->r, SEVERITY_HIGH, "alpm-record", v->path, "%s: %.*s", what,
                       (int)(line.len > 80 ? 80 : line.len), (const char *)line.ptr);
}

static bool is_section(struct span line)
{
    return line.len > 2 && line.ptr[0] == '%' && line.ptr[line.len - 1] == '%';
}

/* ── desc ── */

static int take_value(struct inventory *v, struct found_package *p, struct span section, struct span line)
{
    const struct {
        const char *name;
        struct span *to;
    } fields[] = {{"%NAME%", &p->name},
                  {"%VERSION%", &p->version},
                  {"%BASE%", &p->source},
                  {"%ARCH%", &p->architecture},
                  {"%LICENSE%", &p->licence}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!span_equal_str(section, fields[i].name))
            continue;
        if (fields[i].to->ptr && fields[i].to != &p->licence)
            return wrong(v, line, "a second value in a section that has one");
        if (!fields[i].to->ptr)
            *fields[i].to = line;
    }
    return 0;
}

void alpm_desc_read(struct span file, struct inventory *v)
{
    struct found_package p = {.type = "alpm"};
    struct span line, section = {0};
    while (inventory_line(&file, &line)) {
        if (line.len == 0) {
            section = (struct span){0};
            continue;
        }
        if (!text_is_text(line)) {
            wrong(v, span_of("", 0), "a line that is no text");
            return;
        }
        if (!section.ptr && !is_section(line)) {
            wrong(v, line, "a line that belongs to no %SECTION%");
            return;
        }
        if (!section.ptr)
            section = line;
        else if (take_value(v, &p, section, line) < 0)
            return;
    }
    if (p.source.len)
        p.source_version = p.version;
    inventory_put(v, &p);
}

/* ── the folder NAME-VERSION-RELEASE says whose files these are ── */

static void owner_of(const char *path, struct span *name, struct span *version)
{
    const char *end = strrchr(path, '/'), *start = end;
    while (start && start > path && start[-1] != '/')
        start--;
    *name = start ? span_of(start, (size_t)(end - start)) : span_str("");
    *version = *name;
    for (size_t i = name->len, dashes = 0; i > 0; i--) {
        if (name->ptr[i - 1] != '-' || ++dashes < 2)
            continue;
        *version = span_of(name->ptr + i, name->len - i);
        name->len = i - 1;
        return;
    }
}

static void begin_claims(struct inventory *v)
{
    struct span name, version;
    owner_of(v->path, &name, &version);
    inventory_claims(v, "alpm", name, version);
}

/* ── files ── */

static int claim_line(struct inventory *v, bool backup, struct span line)
{
    uint8_t md5[16];
    struct span path;
    if (!backup) {
        bool folder = span_ends(line, SPAN_LIT("/"));
        return folder ? 0 : inventory_claim(v, line, HASH_MD5, (struct span){0}, false);
    }
    if (!span_take_until(&line, '\t', &path) || line.len != 32 || !hex_decode(line, md5, sizeof md5))
        return wrong(v, line, "a line of %BACKUP% that is not PATH and MD5");
    return inventory_claim(v, path, HASH_MD5, span_of(md5, sizeof md5), true);
}

void alpm_files_read(struct span file, struct inventory *v)
{
    struct span line, section = {0};
    int result = 0;
    begin_claims(v);
    while (result == 0 && inventory_line(&file, &line)) {
        if (line.len == 0)
            section = (struct span){0};
        else if (!text_is_text(line) || (!section.ptr && !is_section(line)))
            result = wrong(v, line, "a line that belongs to no %SECTION%");
        else if (!section.ptr)
            section = line;
        else if (span_equal_str(section, "%FILES%") || span_equal_str(section, "%BACKUP%"))
            result = claim_line(v, span_equal_str(section, "%BACKUP%"), line);
    }
    inventory_claims_end(v);
}

/* ── mtree ── */

static int unpack(struct span file, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)file.ptr, .avail_in = (uInt)file.len};
    int result = inflateInit2(&z, 31); /* gzip alone */
    while (result == Z_OK) {
        uint8_t *room = buf_room(out, 65536);
        if (!room)
            break;
        z.next_out = room;
        z.avail_out = 65536;
        result = inflate(&z, Z_NO_FLUSH);
        buf_grown(out, 65536 - z.avail_out);
    }
    bool whole = result == Z_STREAM_END && z.avail_in == 0;
    inflateEnd(&z);
    return whole ? 0 : -1;
}

/* "\040" is a blank (mtree(5), vis(3)). */
static bool decode_path(struct span text, struct buf *out)
{
    span_take_prefix(&text, SPAN_LIT("./"));
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\') {
            buf_add_byte(out, text.ptr[i]);
            continue;
        }
        unsigned value = 0;
        if (i + 3 >= text.len)
            return false;
        for (size_t k = 1; k <= 3; k++) {
            if (text.ptr[i + k] < '0' || text.ptr[i + k] > '7')
                return false;
            value = value * 8 + (unsigned)(text.ptr[i + k] - '0');
        }
        if (value > 255)
            return false;
        buf_add_byte(out, (uint8_t)value);
        i += 3;
    }
    return buf_ok(out);
}

static bool take_word(struct span *line, struct span *word)
{
    while (span_take_prefix(line, SPAN_LIT(" ")))
        ;
    if (line->len == 0)
        return false;
    if (!span_take_until(line, ' ', word)) {
        *word = *line;
        span_skip(line, line->len);
    }
    return true;
}

/* PATH KEY=VALUE…; "/set" lines give types for what follows, and no path begins with a slash. */
static int claim_entry(struct inventory *v, struct span line)
{
    static const struct {
        const char *key;
        enum hash kind;
    } hashes[] = {{"md5digest=", HASH_MD5}, {"sha256digest=", HASH_SHA256}};
    struct span path, word, hex = {0};
    enum hash kind = HASH_SHA256;
    auto_buf name = BUF(8192);
    uint8_t bytes[HASH_SIZE_MAX];
    if (!take_word(&line, &path) || path.ptr[0] != '.')
        return 0;
    while (take_word(&line, &word)) {
        for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
            if (span_take_prefix(&word, span_str(hashes[i].key))) {
                hex = word;
                kind = hashes[i].kind;
            }
    }
    if (hex.len == 0)
        return 0;
    if (hex.len != 2 * hash_size(kind) || !hex_decode(hex, bytes, hash_size(kind)) || !decode_path(path, &name))
        return wrong(v, path, "a path or a hash that is none");
    if (name.len && name.ptr[0] == '.') /* .PKGINFO, .INSTALL: not of the tree */
        return 0;
    return inventory_claim(v, buf_span(&name), kind, span_of(bytes, hash_size(kind)), false);
}

void alpm_mtree_read(struct span file, struct inventory *v)
{
    auto_buf text = BUF(LIMIT_MTREE_BYTES);
    if (file.len > LIMIT_MTREE_BYTES || unpack(file, &text) < 0) {
        report_finding(v->r, SEVERITY_HIGH, "alpm-mtree", v->path, "cannot be unpacked as gzip to at most %u bytes",
                       LIMIT_MTREE_BYTES);
        return;
    }
    struct span rest = buf_span(&text), line;
    if (!span_starts(rest, SPAN_LIT("#mtree"))) {
        report_finding(v->r, SEVERITY_HIGH, "alpm-mtree", v->path, "does not begin with #mtree");
        return;
    }
    begin_claims(v);
    while (inventory_line(&rest, &line))
        if (!span_starts(line, SPAN_LIT("#")) && claim_entry(v, line) < 0)
            break;
    inventory_claims_end(v);
}
