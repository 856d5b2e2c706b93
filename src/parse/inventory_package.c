#include "parse/inventory_package.h"

#include <string.h>

#include "parse/conda.h"
#include "parse/deb.h"
#include "parse/licence.h"
#include "parse/licence_text.h"
#include "parse/python_dist.h"
#include "parse/rpm.h"
#include "parse/tar.h"
#include "parse/text.h"
#include "parse/wheel.h"
#include "parse/zip.h"

static bool ends(const char *path, const char *ending)
{
    return span_ends(span_str(path), span_str(ending));
}

bool inventory_is_package(const char *path)
{
    static const char *const endings[] = {".whl",    ".deb",     ".rpm",    ".apk",     ".conda", ".tgz",
                                          ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".crate"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (ends(path, endings[i]))
            return true;
    return false;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ── archives ── */

/* Every member of a tar, read by its path in it. */
static void read_tar(struct span file, bool compressed, struct inventory *v, unsigned nested)
{
    auto_report inner = {0};
    report_init_inside(&inner, v->r, "");
    const struct inspect_options o = {
        .name = v->path, .inventory = v, .only_inventory = true, .depth = nested, .inventory_prefix = v->path};
    tar_check(file, compressed, &o, &inner);
    report_merge(v->r, &inner);
}

struct members {
    struct inventory *v;
    const char *outer;
    unsigned nested;
};

static void read_member(const struct members *m, const struct zip_member *member)
{
    auto_buf data = BUF(LIMIT_MEMBER_BYTES + 131072), path = BUF(16384);
    buf_printf(&path, "%s!/%s", m->outer, member->path);
    if (member->folder || zip_read(member, &data, m->v->r) < 0)
        return;
    inventory_read(m->v, buf_str(&path), buf_span(&data), m->nested + 1);
}

static void read_zip(struct span file, struct inventory *v, unsigned nested)
{
    const struct members m = {.v = v, .outer = v->path, .nested = nested};
    auto_zip z = {0};
    if (zip_open(file, &z, v->r) == 0)
        for (size_t i = 0; i < z.count; i++)
            read_member(&m, &z.members[i]);
}

/* ── packages that have a check of their own ── */

static void put_identity(const char *type, const struct package_facts *p, struct inventory *v)
{
    auto_json about = NULL;
    struct err e = {0};
    auto_buf text = BUF(p->about_json.max + 2);
    buf_add_span(&text, buf_span(&p->about_json));
    buf_add_byte(&text, '}');
    about = json_parse(buf_span(&text), p->about_json.max + 2, "package", &e);
    const json_t *control = json_object_get(about, "control");
    struct found_package found = {.type = type,
                                  .name = span_str(p->name),
                                  .version = span_str(p->version),
                                  .architecture = span_str(json_get_string(control, "Architecture", "")),
                                  .source = span_str(json_get_string(control, "Source", ""))};
    if (p->name[0] && p->version[0])
        inventory_put(v, &found);
}

static void read_wheel(struct span file, struct inventory *v, unsigned nested)
{
    auto_report inner = {0};
    auto_package_facts p;
    const struct inspect_options o = {.name = v->path, .depth = nested};
    package_facts_init(&p, base_of(v->path));
    report_init_inside(&inner, v->r, "");
    wheel_check(file, &o, &p, &inner);
    report_merge(v->r, &inner);
    read_zip(file, v, nested);
}

static void read_deb(struct span file, struct inventory *v, unsigned nested)
{
    auto_report inner = {0};
    auto_package_facts p;
    const struct inspect_options o = {.name = v->path, .depth = nested, .inventory = v, .inventory_prefix = v->path};
    package_facts_init(&p, base_of(v->path));
    report_init_inside(&inner, v->r, "");
    deb_check(file, &o, &p, &inner);
    report_merge(v->r, &inner);
    put_identity("deb", &p, v);
}

/* ── .PKGINFO ── */

void inventory_pkginfo_read(struct span file, struct inventory *v)
{
    struct found_package p = {.type = "apk"};
    const struct {
        const char *key;
        struct span *to;
    } fields[] = {{"pkgname", &p.name},
                  {"pkgver", &p.version},
                  {"arch", &p.architecture},
                  {"origin", &p.source},
                  {"license", &p.licence}};
    struct span line, key;
    while (inventory_line(&file, &line)) {
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (!text_is_text(line) || !span_take_until(&line, '=', &key)) {
            report_stop(v->r, SEVERITY_HIGH, "apk-pkginfo", v->path, "a line that is not KEY = VALUE");
            return;
        }
        while (key.len && key.ptr[key.len - 1] == ' ')
            key.len--;
        span_take_prefix(&line, SPAN_LIT(" "));
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            if (span_equal_str(key, fields[i].key))
                *fields[i].to = line;
    }
    p.source_version = p.source.len ? p.version : (struct span){0};
    inventory_put(v, &p);
}

/* ── any of them ── */

void inventory_package_read(struct span file, struct inventory *v, unsigned nested)
{
    const char *path = v->path;
    enum content content = sniff(file, path);
    bool outer = v->in_package;
    if (nested >= LIMIT_INSPECT_DEPTH) {
        report_not_scanned(v->r, "archive-depth", path, "archives inside archives, more than %u deep",
                           LIMIT_INSPECT_DEPTH);
        return;
    }
    v->in_package = true;
    if (ends(path, ".whl") && content == CONTENT_ZIP)
        read_wheel(file, v, nested);
    else if (ends(path, ".deb") && content == CONTENT_ARCHIVE)
        read_deb(file, v, nested);
    else if (ends(path, ".rpm"))
        rpm_read(file, NULL, v);
    else if (content == CONTENT_ZIP)
        read_zip(file, v, nested);
    else if (content == CONTENT_TAR || content == CONTENT_COMPRESSED)
        read_tar(file, content == CONTENT_COMPRESSED, v, nested);
    else
        report_finding(v->r, SEVERITY_HIGH, "content-mismatch", path,
                       "the name promises a package, and the content is %s", content_name(content));
    v->in_package = outer;
}

/* ── what a package says of its licence ── */

void inventory_wheel_licences(struct span file, struct inventory *v)
{
    const struct members m = {.v = v, .outer = v->path, .nested = 0};
    auto_zip z = {0};
    auto_report ignored = {0};
    report_init(&ignored, "");
    if (zip_open(file, &z, &ignored) == 0)
        for (size_t i = 0; i < z.count; i++)
            if (ends(z.members[i].path, ".dist-info/METADATA") || licence_file_named(z.members[i].path))
                read_member(&m, &z.members[i]);
}

/* The record that lies highest is the package's own; what lies deeper came along. */
static const json_t *own_record(const json_t *rows, const char *type)
{
    const json_t *row, *best = NULL;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        const char *found = json_get_string(row, "found", "");
        if (strcmp(json_get_string(row, "type", ""), type) == 0 &&
            (!best || strlen(found) < strlen(json_get_string(best, "found", ""))))
            best = row;
    }
    return best;
}

#define LICENCE_FILES_MAX 64U

struct said {
    const char *said, *expression; /* "" when there is none */
    struct span files[LICENCE_FILES_MAX];
    size_t count;
};

static void take_licence_rows(const json_t *rows, const char *type, const char *name, const char *folder,
                              struct said *s)
{
    const json_t *row;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        const char *path = json_get_string(row, "path", NULL);
        auto_buf own = BUF(16384);
        if (!path && strcmp(json_get_string(row, "type", ""), type) == 0 &&
            strcmp(json_get_string(row, "name", ""), name) == 0) {
            s->said = json_get_string(row, "licence", "");
            s->expression = json_get_string(row, "spdx", "");
        }
        if (!path || !folder || json_object_get(row, "card") || s->count == LICENCE_FILES_MAX)
            continue;
        licence_folder(path, &own);
        if (strcmp(buf_str(&own), folder) == 0)
            s->files[s->count++] = span_str(json_get_string(row, "spdx", ""));
    }
}

void inventory_package_licence(struct inventory *v, const char *type, const char *name, struct json_out *facts)
{
    struct err e = {0};
    struct json_out w;
    auto_buf text = BUF(LIMIT_INVENTORY_BYTES), folder = BUF(16384), made = BUF(LICENCE_MAX);
    json_out_init(&w, &text);
    json_out_object(&w);
    bool written = inventory_write(v, &w, &e) == 0;
    json_out_object_end(&w);
    auto_json root = written && buf_ok(&text) ? json_parse(buf_span(&text), text.max, "licences", &e) : NULL;
    const json_t *record = own_record(json_object_get(root, "packages"), type);
    struct said s = {.said = json_get_string(record, "licence", ""), .expression = json_get_string(record, "spdx", "")};
    licence_folder(json_get_string(record, "found", ""), &folder);
    take_licence_rows(json_object_get(root, "licences"), type, name, record ? buf_str(&folder) : NULL, &s);
    bool differs, known = licence_conclude(span_str(s.expression), s.files, s.count, &made, &differs);
    json_put_object(facts, "licence");
    if (s.said[0])
        json_put_string(facts, "said", s.said);
    if (known)
        json_put_string(facts, "expression", buf_str(&made));
    if (differs)
        json_put_bool(facts, "differs", true);
    json_out_object_end(facts);
}
