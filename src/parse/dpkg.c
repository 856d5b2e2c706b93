#include "parse/dpkg.h"

#include <string.h>
#include <strings.h>

#include "parse/text.h"

struct stanza {
    struct span package, version, architecture, source, status;
};

static struct span trim(struct span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        span_skip(&s, 1);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* The next line, with or without its line feed at the end of the file. */
static bool take_line(struct span *s, struct span *line)
{
    if (s->len == 0)
        return false;
    if (!span_take_until(s, '\n', line)) {
        *line = *s;
        span_skip(s, s->len);
    }
    return true;
}

/* 0, or -1 when the field stands twice. */
static int take_field(struct stanza *z, struct span name, struct span value)
{
    const struct {
        const char *name;
        struct span *to;
    } fields[] = {{"Package", &z->package},
                  {"Version", &z->version},
                  {"Architecture", &z->architecture},
                  {"Source", &z->source},
                  {"Status", &z->status}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (name.len != strlen(fields[i].name) || strncasecmp((const char *)name.ptr, fields[i].name, name.len) != 0)
            continue;
        if (fields[i].to->ptr)
            return -1;
        *fields[i].to = value;
    }
    return 0;
}

/* 1: a stanza; 0: the end; -1: no stanza, after a finding. */
static int take_stanza(struct span *s, struct stanza *z, const char *at, struct report *r)
{
    struct span line, name;
    bool any = false;
    *z = (struct stanza){0};
    while (take_line(s, &line)) {
        if (trim(line).len == 0) {
            if (any)
                return 1;
            continue;
        }
        bool continued = line.ptr[0] == ' ' || line.ptr[0] == '\t';
        if (continued && any)
            continue;
        struct span value = line;
        if (continued || !span_take_until(&value, ':', &name) || name.len == 0)
            return report_finding(r, SEVERITY_HIGH, "dpkg-stanza", at, "a line that is no field of a package: %.*s",
                                  (int)(line.len > 80 ? 80 : line.len), (const char *)line.ptr);
        if (!text_is_text(line))
            return report_finding(r, SEVERITY_HIGH, "dpkg-stanza", at, "a line that is no text: %.*s", (int)name.len,
                                  (const char *)name.ptr);
        any = true;
        if (take_field(z, name, trim(value)) < 0)
            return report_finding(r, SEVERITY_HIGH, "dpkg-stanza", at, "the field \"%.*s\" stands twice in one package",
                                  (int)name.len, (const char *)name.ptr);
    }
    return any;
}

static bool is_installed(struct span status)
{
    struct span word = status;
    for (size_t i = status.len; i > 0; i--) {
        if (status.ptr[i - 1] == ' ') {
            word = span_of(status.ptr + i, status.len - i);
            break;
        }
    }
    return span_equal_str(word, "installed");
}

/* Source: name, or "name (version)"; absent it is the package itself. */
static void write_source(struct json_out *w, const struct stanza *z)
{
    struct span rest = z->source.len ? z->source : z->package, name = rest, version = z->version, open;
    if (span_take_until(&rest, '(', &open)) {
        name = trim(open);
        struct span inner;
        if (span_take_until(&rest, ')', &inner))
            version = trim(inner);
    }
    json_out_key(w, "source");
    json_out_span(w, name);
    json_out_key(w, "source_version");
    json_out_span(w, version);
}

static void write_package(struct json_out *w, const struct stanza *z)
{
    json_out_object(w);
    json_out_key(w, "name");
    json_out_span(w, z->package);
    json_out_key(w, "version");
    json_out_span(w, z->version);
    json_out_key(w, "architecture");
    json_out_span(w, z->architecture);
    write_source(w, z);
    json_out_object_end(w);
}

int dpkg_read(struct span file, bool single, const char *at, struct json_out *w, struct report *r)
{
    struct stanza z;
    int count = 0, result;
    while ((result = take_stanza(&file, &z, at, r)) > 0) {
        if (z.package.len == 0)
            return report_finding(r, SEVERITY_HIGH, "dpkg-stanza", at, "a package without a name");
        if (!single && !is_installed(z.status))
            continue;
        if (z.version.len == 0)
            return report_finding(r, SEVERITY_HIGH, "dpkg-stanza", at, "the package \"%.*s\" has no version",
                                  (int)z.package.len, (const char *)z.package.ptr);
        if ((unsigned)count >= LIMIT_DPKG_PACKAGES)
            return report_finding(r, SEVERITY_HIGH, "dpkg-count", at, "more than %u packages", LIMIT_DPKG_PACKAGES);
        write_package(w, &z);
        count++;
    }
    return result < 0 ? -1 : count;
}
