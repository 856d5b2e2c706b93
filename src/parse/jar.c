#include "parse/jar.h"

#include <ctype.h>
#include <string.h>

#include "parse/inspect.h"
#include "parse/text.h"
#include "parse/zip.h"

struct jar {
    struct inventory *v;
    const char *path;
    unsigned nested;
    bool any; /* a pom.properties said what it is */
    struct buf manifest;
};

static bool is_archive(const char *path)
{
    static const char *const endings[] = {".jar", ".war", ".ear", ".hpi", ".jpi", ".sar", ".par", ".kar"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (span_ends(span_str(path), span_str(endings[i])))
            return true;
    return false;
}

/* ── pom.properties: KEY=VALUE (java.util.Properties, as Maven writes them) ── */

static struct span trim(struct span s)
{
    while (s.len && isspace(s.ptr[0]))
        span_skip(&s, 1);
    while (s.len && isspace(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

void jar_properties_read(struct span text, struct inventory *v)
{
    struct found_package p = {.type = "maven"};
    struct span line, key;
    while (inventory_line(&text, &line)) {
        line = trim(line);
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == '!' || !text_is_text(line) ||
            !span_take_until(&line, '=', &key))
            continue;
        key = trim(key);
        line = trim(line);
        if (span_equal_str(key, "groupId"))
            p.namespace = line;
        else if (span_equal_str(key, "artifactId"))
            p.name = line;
        else if (span_equal_str(key, "version"))
            p.version = line;
    }
    inventory_put(v, &p);
}

/* ── MANIFEST.MF: NAME: VALUE, the main part ends with an empty line; a line that begins with a blank goes on ── */

static void manifest_value(struct span text, const char *name, struct buf *out)
{
    struct span line, key;
    bool inside = false;
    buf_clear(out);
    while (inventory_line(&text, &line)) {
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            return;
        if (line.ptr[0] == ' ') {
            if (inside)
                buf_add(out, line.ptr + 1, line.len - 1);
            continue;
        }
        inside = span_take_until(&line, ':', &key) && span_equal_str(key, name);
        if (inside) {
            buf_clear(out);
            buf_add_span(out, trim(line));
        }
    }
}

static bool first_of(struct span manifest, const char *const *names, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        manifest_value(manifest, names[i], out);
        if (out->len && text_is_text(buf_span(out)))
            return true;
    }
    buf_clear(out);
    return false;
}

/* NAME-VERSION.jar, split where a version begins. */
static void split_name(const char *path, struct span *name, struct span *version)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *end = strrchr(base, '.');
    *name = span_of(base, end ? (size_t)(end - base) : strlen(base));
    for (size_t i = 1; i + 1 < name->len; i++)
        if (name->ptr[i] == '-' && isdigit(name->ptr[i + 1])) {
            *version = span_of(name->ptr + i + 1, name->len - i - 1);
            name->len = i;
            return;
        }
}

/* Without a pom.properties: the file's name where it has a version, the manifest for what that does not say. */
static void put_manifest(struct jar *j)
{
    static const char *const versions[] = {"Implementation-Version", "Bundle-Version", "Specification-Version"};
    static const char *const groups[] = {"Implementation-Vendor-Id"};
    auto_buf version = BUF(LIMIT_JAR_TEXT_BYTES), group = BUF(LIMIT_JAR_TEXT_BYTES);
    struct found_package p = {.type = "maven", .unversioned = true};
    struct span manifest = buf_span(&j->manifest);
    split_name(j->path, &p.name, &p.version);
    if (p.version.len == 0 && first_of(manifest, versions, ARRAY_LEN(versions), &version))
        p.version = buf_span(&version);
    if (first_of(manifest, groups, ARRAY_LEN(groups), &group))
        p.namespace = buf_span(&group);
    inventory_put(j->v, &p);
}

/* ── the archive ── */

static void read_member(struct jar *j, const struct zip_member *m)
{
    auto_buf data = BUF(LIMIT_MEMBER_BYTES + 131072), path = BUF(16384);
    bool properties =
        strncmp(m->path, "META-INF/maven/", 15) == 0 && span_ends(span_str(m->path), SPAN_LIT("/pom.properties"));
    bool manifest = strcmp(m->path, "META-INF/MANIFEST.MF") == 0;
    if (m->folder || (!properties && !manifest && !is_archive(m->path)))
        return;
    if ((properties || manifest) && m->size > LIMIT_JAR_TEXT_BYTES) {
        report_finding(j->v->r, SEVERITY_MEDIUM, "jar-text", m->path, "more than %u bytes", LIMIT_JAR_TEXT_BYTES);
        return;
    }
    if (zip_read(m, &data, j->v->r) < 0)
        return;
    buf_printf(&path, "%s!%s", j->path, m->path);
    const char *outer = j->v->path;
    if (properties) {
        j->any = true;
        j->v->path = buf_str(&path);
        jar_properties_read(buf_span(&data), j->v);
    } else if (manifest) {
        buf_add_span(&j->manifest, buf_span(&data));
    } else {
        j->v->path = buf_str(&path);
        jar_read(buf_span(&data), j->v, j->nested + 1);
    }
    j->v->path = outer;
}

void jar_read(struct span file, struct inventory *v, unsigned nested)
{
    struct jar j = {.v = v, .path = v->path, .nested = nested, .manifest = BUF(LIMIT_JAR_TEXT_BYTES + 131072)};
    auto_zip z = {0};
    if (nested >= LIMIT_INSPECT_DEPTH) {
        report_not_scanned(v->r, "archive-depth", v->path, "archives inside archives, more than %u deep",
                           LIMIT_INSPECT_DEPTH);
        return;
    }
    if (zip_open(file, &z, v->r) == 0)
        for (size_t i = 0; i < z.count; i++)
            read_member(&j, &z.members[i]);
    if (z.count && !j.any)
        put_manifest(&j);
    buf_fini(&j.manifest);
}
