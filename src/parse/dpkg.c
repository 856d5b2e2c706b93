#include "parse/dpkg.h"

#include <string.h>
#include <strings.h>

#include "parse/text.h"
#include "util/encode.h"

struct stanza {
    struct span package, version, architecture, source, status, licence;
    struct span conffiles; /* the lines behind the field's name */
};

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        span_skip(&s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* 0, or -1 when the field stands twice. */
static int take_field(struct stanza *z, struct span name, struct span value)
{
    const struct {
        const char *name;
        struct span *to;
    } fields[] = {{"Package", &z->package}, {"Version", &z->version}, {"Architecture", &z->architecture},
                  {"Source", &z->source},   {"Status", &z->status},   {"License", &z->licence}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (name.len != strlen(fields[i].name) || strncasecmp((const char *)name.ptr, fields[i].name, name.len) != 0)
            continue;
        if (fields[i].to->ptr)
            return -1;
        *fields[i].to = value;
    }
    return 0;
}

static bool is_conffiles(struct span name)
{
    return name.len == 9 && strncasecmp((const char *)name.ptr, "Conffiles", 9) == 0;
}

/* 1: a stanza; 0: the end; -1: no stanza, after a finding. */
static int take_stanza(struct span *s, struct stanza *z, const char *at, struct report *r)
{
    struct span line, name = {0};
    bool any = false;
    *z = (struct stanza){0};
    while (inventory_line(s, &line)) {
        if (trim(line).len == 0) {
            if (any)
                return 1;
            continue;
        }
        bool continued = line.ptr[0] == ' ' || line.ptr[0] == '\t';
        if (continued && any) {
            if (is_conffiles(name))
                z->conffiles.len = (size_t)(line.ptr + line.len - z->conffiles.ptr);
            continue;
        }
        struct span value = line;
        if (continued || !span_take_until(&value, ':', &name) || name.len == 0)
            return report_stop(r, SEVERITY_HIGH, "dpkg-stanza", at, "a line that is no field of a package: %.*s",
                               (int)(line.len > 80 ? 80 : line.len), (const char *)line.ptr);
        if (!text_is_text(line))
            return report_stop(r, SEVERITY_HIGH, "dpkg-stanza", at, "a line that is no text: %.*s", (int)name.len,
                               (const char *)name.ptr);
        any = true;
        if (is_conffiles(name))
            z->conffiles = span_of(s->ptr, 0);
        if (take_field(z, name, trim(value)) < 0)
            return report_stop(r, SEVERITY_HIGH, "dpkg-stanza", at, "the field \"%.*s\" stands twice in one package",
                               (int)name.len, (const char *)name.ptr);
    }
    return any;
}

/* Where the files of a package are not, or not all, what the third word says. */
enum state { ABSENT, PRESENT, HALF };

static enum state state_of(struct span status)
{
    static const char *const present[] = {"installed", "triggers-awaited", "triggers-pending"};
    static const char *const half[] = {"unpacked", "half-installed", "half-configured"};
    struct span word = status;
    for (size_t i = status.len; i > 0; i--) {
        if (status.ptr[i - 1] == ' ') {
            word = span_of(status.ptr + i, status.len - i);
            break;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(present); i++)
        if (span_equal_str(word, present[i]))
            return PRESENT;
    for (size_t i = 0; i < ARRAY_LEN(half); i++)
        if (span_equal_str(word, half[i]))
            return HALF;
    return ABSENT;
}

/* Source: name, or "name (version)"; absent it is the package itself. */
static void take_source(const struct stanza *z, struct found_package *p)
{
    struct span rest = z->source.len ? z->source : z->package, open, inner;
    p->source = rest;
    p->source_version = z->version;
    if (!span_take_until(&rest, '(', &open))
        return;
    p->source = trim(open);
    if (span_take_until(&rest, ')', &inner))
        p->source_version = trim(inner);
}

/* " /etc/x MD5", and a word behind it for those that a newer version does not have. opkg writes a SHA-256. */
static int claim_conffile(struct span line, struct inventory *v)
{
    struct span path, hash;
    uint8_t bytes[HASH_SIZE_MAX];
    line = trim(line);
    if (!span_take_until(&line, ' ', &path) || path.len == 0)
        return 0;
    if (!span_take_until(&line, ' ', &hash))
        hash = line;
    enum hash kind = hash.len == 2 * hash_size(HASH_SHA256) ? HASH_SHA256 : HASH_MD5;
    if (hash.len != 2 * hash_size(kind) || !hex_decode(hash, bytes, hash_size(kind)))
        return 0; /* "newconffile": not there yet */
    return inventory_claim(v, path, kind, span_of(bytes, hash_size(kind)), true);
}

static int put_package(const struct stanza *z, enum dpkg_form form, struct inventory *v)
{
    const char *type = form == DPKG_OPKG ? "opkg" : "deb";
    struct found_package p = {.type = type,
                              .name = z->package,
                              .version = z->version,
                              .architecture = z->architecture,
                              .licence = z->licence};
    struct span rest = z->conffiles, line;
    int result = 0;
    take_source(z, &p);
    if (inventory_put(v, &p) < 0)
        return -1;
    if (rest.len == 0)
        return 0;
    inventory_claims(v, type, z->package, (struct span){0});
    while (result == 0 && inventory_line(&rest, &line))
        result = claim_conffile(line, v);
    inventory_claims_end(v);
    return result;
}

int dpkg_read(struct span file, enum dpkg_form form, struct inventory *v)
{
    struct report *r = v->r;
    struct stanza z;
    int count = 0, result;
    while ((result = take_stanza(&file, &z, v->path, r)) > 0) {
        enum state state = z.status.ptr ? state_of(z.status) : form == DPKG_SINGLE ? PRESENT : ABSENT;
        if (z.package.len == 0) { /* the others are listed all the same */
            report_finding(r, SEVERITY_HIGH, "dpkg-stanza", v->path, "a package without a name");
            continue;
        }
        if (state == HALF)
            report_finding(r, SEVERITY_LOW, "dpkg-half", v->path,
                           "\"%.*s\" is not installed to its end (Status: %.*s): not counted, and files of it may be "
                           "there",
                           (int)(z.package.len > 200 ? 200 : z.package.len), (const char *)z.package.ptr,
                           (int)(z.status.len > 80 ? 80 : z.status.len), (const char *)z.status.ptr);
        if (state != PRESENT)
            continue;
        if (z.version.len == 0) {
            report_finding(r, SEVERITY_HIGH, "dpkg-stanza", v->path, "the package \"%.*s\" has no version",
                           (int)(z.package.len > 200 ? 200 : z.package.len), (const char *)z.package.ptr);
            continue;
        }
        if ((unsigned)count >= LIMIT_DPKG_PACKAGES)
            return report_stop(r, SEVERITY_HIGH, "dpkg-count", v->path, "more than %u packages", LIMIT_DPKG_PACKAGES);
        if (put_package(&z, form, v) < 0)
            return -1;
        count++;
    }
    return result < 0 ? -1 : count;
}

/* ── md5sums ── */

static struct span owner_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len = strcspn(name, ":");
    struct span owner = span_of(name, len);
    if (span_ends(owner, SPAN_LIT(".md5sums")))
        owner.len -= strlen(".md5sums");
    return owner;
}

void dpkg_sums_read(struct span file, struct inventory *v)
{
    struct span line;
    uint8_t md5[16];
    inventory_claims(v, "deb", owner_of(v->path), (struct span){0});
    while (inventory_line(&file, &line)) {
        if (line.len == 0)
            continue;
        if (line.len < 35 || line.ptr[32] != ' ' || (line.ptr[33] != ' ' && line.ptr[33] != '*') ||
            !text_is_text(line) || !hex_decode(span_of(line.ptr, 32), md5, sizeof md5)) {
            report_finding(v->r, SEVERITY_HIGH, "dpkg-md5sums", v->path, "a line that is not HASH  PATH: %.*s",
                           (int)(line.len > 80 ? 80 : line.len), (const char *)line.ptr);
            break;
        }
        if (inventory_claim(v, span_of(line.ptr + 34, line.len - 34), HASH_MD5, span_of(md5, sizeof md5), false) < 0)
            break;
    }
    inventory_claims_end(v);
}
